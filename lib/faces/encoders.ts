// Written by `npm run faces` from lib/operations. Do not edit.
/** What each operation does with its arguments: reads them, pins them, writes the entry. */

import type { SocketAddressLike } from '../../structs/address.ts';
import type { AddressBuffer } from '../operations/address.ts';
import * as ofAddress from '../operations/address.ts';
import * as ofAttributes from '../operations/attributes.ts';
import * as ofData from '../operations/data.ts';
import * as ofFutexes from '../operations/futexes.ts';
import * as operations from '../operations/index.ts';
import type { OperationKey } from '../operations/key.ts';
import * as ofKey from '../operations/key.ts';
import type { IncomingMessage, MessageBuffer, OutgoingMessage } from '../operations/msghdr.ts';
import * as ofMessages from '../operations/msghdr.ts';
import { both, type Operation } from '../operations/operation.ts';
import * as ofPaths from '../operations/paths.ts';
import * as pins from '../operations/pin.ts';
import * as reads from '../operations/read.ts';
import type { CancelWhat } from '../operations/rings.ts';
import * as ofRings from '../operations/rings.ts';
import type { SocketOption } from '../operations/sockets.ts';
import * as ofSockets from '../operations/sockets.ts';
import type { MessageRoom } from '../operations/transfers.ts';
import * as ofTransfers from '../operations/transfers.ts';
import type {
  Child,
  Fd,
  File,
  Futex,
  FutexArray,
  Into,
  Memory,
  MemoryOrPool,
  OtherTable,
  Path,
} from '../operations/types.ts';
import type { Countdown } from '../operations/waiting.ts';
import * as ofWaiting from '../operations/waiting.ts';
import type { AnyRing } from '../ring/core/rings.ts';
import type { BufferRing } from '../ring/owners/buffer-ring.ts';
import type { RegisteredBuffer } from '../ring/owners/buffers.ts';
import type { FixedFile, RegisteredFiles } from '../ring/owners/files.ts';
import type {
  AcceptMultishotOptions,
  AcceptOptions,
  AtOptions,
  CommandOptions,
  DelayOptions,
  Domain,
  EpollAction,
  EpollOptions,
  FallocateOptions,
  FileAdvice,
  FsyncOptions,
  FutexOptions,
  InstallOptions,
  IntervalOptions,
  LinkOptions,
  MemoryAdvice,
  MessageFileOptions,
  MessageOptions,
  MessageRoomOptions,
  MkdirOptions,
  NopOptions,
  OpenOptions,
  PipeOptions,
  PollMultishotOptions,
  RangeOptions,
  ReadOptions,
  RenameOptions,
  RwOptions,
  SendOptions,
  SetxattrOptions,
  ShutdownHow,
  SocketCreateOptions,
  SocketOptions,
  SpliceOptions,
  StatxOptions,
  SyncRangeOptions,
  TeeOptions,
  TimeoutOptions,
  UnlinkOptions,
  WaitidOptions,
  ZeroCopyOptions,
} from './options.ts';

export const accept: Operation<[server: File, into: Into | undefined], Partial<AcceptOptions>> = {
  info: operations.accept,
  known: ['peer', 'flags', 'into'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, server, into) {
    const serverRead = reads.file('server', server);
    const peerOptionRead = ofAddress.addressBuffer('options.peer', options.peer);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags(flagsOption);
    const intoOptionRead = reads.into('options.into', into);
    const server0 = pins.file(core, 'server', serverRead);
    const peerOption0 = ofAddress.pinAddressBuffer(core, 'options.peer', peerOptionRead);
    const peerOption1 = ofAddress.pinAddressLength(core, 'options.peer', peerOptionRead);
    const intoOption0 = pins.fileIndex(core, 'options.into', intoOptionRead);
    const sqe = core.entry();
    operations.accept.write(sqe, peerOption0, peerOption1, flagsOptionRead, intoOption0);
    sqe.file = server0;
    return ofAddress.keptAddress(peerOptionRead);
  },
};

export const acceptMultishot: Operation<
  [server: File, into: Into | undefined],
  Partial<AcceptMultishotOptions>
> = {
  info: operations.acceptMultishot,
  known: ['flags', 'into'],
  defaults: {},
  holds: undefined,
  encode(core, options, server, into) {
    const serverRead = reads.file('server', server);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags(flagsOption);
    const intoOptionRead = ofSockets.freeSlots('options.into', into);
    const server0 = pins.file(core, 'server', serverRead);
    const intoOption0 = pins.fileIndex(core, 'options.into', intoOptionRead);
    const sqe = core.entry();
    operations.acceptMultishot.write(sqe, flagsOptionRead, intoOption0);
    sqe.file = server0;
    return undefined;
  },
};

export const bind: Operation<[socket: File, address: SocketAddressLike], object> = {
  info: operations.bind,
  known: [],
  defaults: {},
  holds: 'until completed',
  encode(core, _options, socket, address) {
    const socketRead = reads.file('socket', socket);
    const addressRead = reads.address('address', address);
    const socket0 = pins.file(core, 'socket', socketRead);
    const address0 = addressRead.address;
    const address1 = addressRead.bytes.length;
    const sqe = core.entry();
    operations.bind.write(sqe, address0, address1);
    sqe.file = socket0;
    return addressRead;
  },
};

export const cancel: Operation<[what: CancelWhat], object> = {
  info: operations.cancel,
  known: [],
  defaults: {},
  holds: undefined,
  encode(core, _options, what) {
    const whatRead = ofRings.cancelKey('what', what);
    const what0 = ofRings.cancelLow(core, 'what', whatRead);
    const what1 = ofRings.cancelHigh(core, 'what', whatRead);
    const what2 = ofRings.cancelFd(core, 'what', whatRead);
    const what3 = whatRead.opcode;
    const what4 = ofRings.cancelFlags(core, 'what', whatRead);
    operations.cancel.write(core.entry(), what0, what1, what2, what3, what4);
    return undefined;
  },
};

export const closeFd: Operation<[file: File], object> = {
  info: operations.closeFd,
  known: [],
  defaults: {},
  holds: undefined,
  encode(core, _options, file) {
    const fileRead = reads.file('file', file);
    const file0 = pins.file(core, 'file', fileRead);
    operations.closeFd.write(core.entry(), file0);
    return undefined;
  },
};

export const connect: Operation<[socket: File, address: SocketAddressLike], object> = {
  info: operations.connect,
  known: [],
  defaults: {},
  holds: 'until completed',
  encode(core, _options, socket, address) {
    const socketRead = reads.file('socket', socket);
    const addressRead = reads.address('address', address);
    const socket0 = pins.file(core, 'socket', socketRead);
    const address0 = addressRead.address;
    const address1 = addressRead.bytes.length;
    const sqe = core.entry();
    operations.connect.write(sqe, address0, address1);
    sqe.file = socket0;
    return addressRead;
  },
};

export const epollCtl: Operation<[epoll: Fd, action: EpollAction, file: Fd], Partial<EpollOptions>> = {
  info: operations.epollCtl,
  known: ['events', 'data'],
  defaults: {},
  holds: 'until submitted',
  encode(core, options, epoll, action, file) {
    const epollRead = reads.fd('epoll', epoll);
    const actionRead = reads.named('action', action, operations.EpollAction.names);
    const fileRead = reads.fd('file', file);
    const eventRead = ofWaiting.epollEvent('options', options);
    const event0 = eventRead.address;
    operations.epollCtl.write(core.entry(), epollRead, actionRead, fileRead, event0);
    return eventRead;
  },
};

export const epollWait: Operation<[epoll: File, events: ArrayBufferView], object> = {
  info: operations.epollWait,
  known: [],
  defaults: {},
  holds: 'until completed',
  encode(core, _options, epoll, events) {
    const epollRead = reads.file('epoll', epoll);
    const eventsRead = reads.view('events', events);
    const epoll0 = pins.file(core, 'epoll', epollRead);
    const events0 = pins.address(core, 'events', eventsRead);
    const events1 = ofWaiting.eventCount(core, 'events', eventsRead);
    const sqe = core.entry();
    operations.epollWait.write(sqe, events0, events1);
    sqe.file = epoll0;
    return eventsRead;
  },
};

export const fadvise: Operation<[file: File, advice: FileAdvice], Partial<RangeOptions>> = {
  info: operations.fadvise,
  known: ['offset', 'length'],
  defaults: {},
  holds: undefined,
  encode(core, options, file, advice) {
    const fileRead = reads.file('file', file);
    const adviceRead = reads.named('advice', advice, operations.FileAdvice.names);
    const offsetOption = options.offset;
    const offsetOptionRead = offsetOption === undefined ? 0 : readOffset(offsetOption);
    const lengthOption = options.length;
    const lengthOptionRead = lengthOption === undefined ? 0 : readLength(lengthOption);
    const file0 = pins.file(core, 'file', fileRead);
    const sqe = core.entry();
    operations.fadvise.write(sqe, adviceRead, offsetOptionRead, lengthOptionRead);
    sqe.file = file0;
    return undefined;
  },
};

export const fallocate: Operation<[file: File, length: number], Partial<FallocateOptions>> = {
  info: operations.fallocate,
  known: ['offset', 'mode'],
  defaults: {},
  holds: undefined,
  encode(core, options, file, length) {
    const fileRead = reads.file('file', file);
    const lengthRead = reads.integer('length', length, 1, 9007199254740991);
    const offsetOption = options.offset;
    const offsetOptionRead = offsetOption === undefined ? 0 : readOffset(offsetOption);
    const modeOption = options.mode;
    const modeOptionRead = modeOption === undefined ? 0 : readMode(modeOption);
    const file0 = pins.file(core, 'file', fileRead);
    const sqe = core.entry();
    operations.fallocate.write(sqe, lengthRead, offsetOptionRead, modeOptionRead);
    sqe.file = file0;
    return undefined;
  },
};

export const fgetxattr: Operation<[file: File, name: Path, value: ArrayBufferView], object> = {
  info: operations.fgetxattr,
  known: [],
  defaults: {},
  holds: 'until completed',
  encode(core, _options, file, name, value) {
    const fileRead = reads.file('file', file);
    const nameRead = reads.attributeName('name', name);
    const valueRead = reads.view('value', value);
    const file0 = pins.file(core, 'file', fileRead);
    const name0 = nameRead.address;
    const value0 = ofAttributes.valueAddress(core, 'value', valueRead);
    const value1 = pins.length(core, 'value', valueRead);
    const sqe = core.entry();
    operations.fgetxattr.write(sqe, name0, value0, value1);
    sqe.file = file0;
    return both(nameRead, valueRead);
  },
};

export const filesUpdate: Operation<
  [files: RegisteredFiles, offset: number | 'alloc', fds: readonly Fd[], slots: Int32Array],
  object
> = {
  info: operations.filesUpdate,
  known: [],
  defaults: {},
  holds: 'until completed',
  encode(core, _options, files, offset, fds, slots) {
    const offsetRead = ofPaths.slotOffset('offset', offset);
    const fdsRead = ofPaths.filesChange('fds', fds, slots, files, offset);
    const fds0 = ofPaths.filesAddress(core, 'fds', fdsRead);
    const fds1 = fdsRead.count;
    operations.filesUpdate.write(core.entry(), offsetRead, fds0, fds1);
    return fdsRead.slots;
  },
};

export const fixedFdInstall: Operation<[file: FixedFile], Partial<InstallOptions>> = {
  info: operations.fixedFdInstall,
  known: ['inherit'],
  defaults: {},
  holds: undefined,
  encode(core, options, file) {
    const fileRead = reads.slot('file', file);
    const inheritOptionRead = reads.flag('options.inherit', options.inherit, 1);
    const file0 = pins.slot(core, 'file', fileRead);
    operations.fixedFdInstall.write(core.entry(), file0, inheritOptionRead);
    return undefined;
  },
};

export const fsetxattr: Operation<
  [file: File, name: Path, value: ArrayBufferView],
  Partial<SetxattrOptions>
> = {
  info: operations.fsetxattr,
  known: ['flags'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, file, name, value) {
    const fileRead = reads.file('file', file);
    const nameRead = reads.attributeName('name', name);
    const valueRead = reads.view('value', value);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags2(flagsOption);
    const file0 = pins.file(core, 'file', fileRead);
    const name0 = nameRead.address;
    const value0 = ofAttributes.valueAddress(core, 'value', valueRead);
    const value1 = pins.length(core, 'value', valueRead);
    const sqe = core.entry();
    operations.fsetxattr.write(sqe, name0, value0, value1, flagsOptionRead);
    sqe.file = file0;
    return both(nameRead, valueRead);
  },
};

export const fsync: Operation<[file: File], Partial<FsyncOptions>> = {
  info: operations.fsync,
  known: ['offset', 'length', 'dataOnly'],
  defaults: {},
  holds: undefined,
  encode(core, options, file) {
    const fileRead = reads.file('file', file);
    const offsetOption = options.offset;
    const offsetOptionRead = offsetOption === undefined ? 0 : readOffset(offsetOption);
    const lengthOption = options.length;
    const lengthOptionRead = lengthOption === undefined ? 0 : readLength2(lengthOption);
    const dataOnlyOptionRead = reads.flag('options.dataOnly', options.dataOnly, 1);
    const file0 = pins.file(core, 'file', fileRead);
    const sqe = core.entry();
    operations.fsync.write(sqe, offsetOptionRead, lengthOptionRead, dataOnlyOptionRead);
    sqe.file = file0;
    return undefined;
  },
};

export const ftruncate: Operation<[file: File, length: number], object> = {
  info: operations.ftruncate,
  known: [],
  defaults: {},
  holds: undefined,
  encode(core, _options, file, length) {
    const fileRead = reads.file('file', file);
    const lengthRead = reads.integer('length', length, 0, 9007199254740991);
    const file0 = pins.file(core, 'file', fileRead);
    const sqe = core.entry();
    operations.ftruncate.write(sqe, lengthRead);
    sqe.file = file0;
    return undefined;
  },
};

export const futexWait: Operation<
  [array: FutexArray, index: number, value: number],
  Partial<FutexOptions>
> = {
  info: operations.futexWait,
  known: ['mask', 'shared'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, array, index, value) {
    const arrayRead = ofFutexes.word('array', array, index);
    const valueRead = ofFutexes.wordValue('value', value);
    const maskOption = options.mask;
    const maskOptionRead = maskOption === undefined ? 4294967295 : readMask(maskOption);
    const sharedOptionRead = reads.flag('options.shared', options.shared, 1);
    const array0 = ofFutexes.wordAddress(core, 'array', arrayRead);
    operations.futexWait.write(core.entry(), array0, valueRead, maskOptionRead, sharedOptionRead);
    return arrayRead;
  },
};

export const futexWaitv: Operation<[futexes: readonly Futex[]], object> = {
  info: operations.futexWaitv,
  known: [],
  defaults: {},
  holds: 'until completed',
  encode(core, _options, futexes) {
    const futexesRead = ofFutexes.futexes('futexes', futexes);
    const futexes0 = ofFutexes.pinFutexes(core, 'futexes', futexesRead);
    const futexes1 = futexesRead.words.length;
    operations.futexWaitv.write(core.entry(), futexes0, futexes1);
    return futexesRead;
  },
};

export const futexWake: Operation<
  [array: FutexArray, index: number, count: number | undefined],
  Partial<FutexOptions>
> = {
  info: operations.futexWake,
  known: ['mask', 'shared'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, array, index, count) {
    const arrayRead = ofFutexes.word('array', array, index);
    const countRead = count === undefined ? 2147483647 : readCount(count);
    const maskOption = options.mask;
    const maskOptionRead = maskOption === undefined ? 4294967295 : readMask(maskOption);
    const sharedOptionRead = reads.flag('options.shared', options.shared, 1);
    const array0 = ofFutexes.wordAddress(core, 'array', arrayRead);
    operations.futexWake.write(core.entry(), array0, countRead, maskOptionRead, sharedOptionRead);
    return arrayRead;
  },
};

export const getpeername: Operation<[socket: File, room: AddressBuffer], object> = {
  info: operations.getpeername,
  known: [],
  defaults: {},
  holds: 'until completed',
  encode(core, _options, socket, room) {
    const socketRead = reads.file('socket', socket);
    const roomRead = ofAddress.addressBufferThere('room', room);
    const socket0 = pins.file(core, 'socket', socketRead);
    const room0 = ofAddress.pinAddressBuffer(core, 'room', roomRead);
    const room1 = ofAddress.pinAddressLength(core, 'room', roomRead);
    const sqe = core.entry();
    operations.getpeername.write(sqe, room0, room1);
    sqe.file = socket0;
    return ofAddress.keptAddress(roomRead);
  },
};

export const getsockname: Operation<[socket: File, room: AddressBuffer], object> = {
  info: operations.getsockname,
  known: [],
  defaults: {},
  holds: 'until completed',
  encode(core, _options, socket, room) {
    const socketRead = reads.file('socket', socket);
    const roomRead = ofAddress.addressBufferThere('room', room);
    const socket0 = pins.file(core, 'socket', socketRead);
    const room0 = ofAddress.pinAddressBuffer(core, 'room', roomRead);
    const room1 = ofAddress.pinAddressLength(core, 'room', roomRead);
    const sqe = core.entry();
    operations.getsockname.write(sqe, room0, room1);
    sqe.file = socket0;
    return ofAddress.keptAddress(roomRead);
  },
};

export const getsockopt: Operation<[socket: File, option: SocketOption, value: ArrayBufferView], object> = {
  info: operations.getsockopt,
  known: [],
  defaults: {},
  holds: 'until completed',
  encode(core, _options, socket, option, value) {
    const socketRead = reads.file('socket', socket);
    const optionRead = ofSockets.optionKey('option', option);
    const valueRead = reads.view('value', value);
    const socket0 = pins.file(core, 'socket', socketRead);
    const option0 = optionRead.level;
    const option1 = optionRead.number;
    const value0 = pins.address(core, 'value', valueRead);
    const value1 = pins.length(core, 'value', valueRead);
    const sqe = core.entry();
    operations.getsockopt.write(sqe, option0, option1, value0, value1);
    sqe.file = socket0;
    return valueRead;
  },
};

export const getxattr: Operation<[path: Path, name: Path, value: ArrayBufferView], object> = {
  info: operations.getxattr,
  known: [],
  defaults: {},
  holds: 'until completed',
  encode(core, _options, path, name, value) {
    const pathRead = reads.path('path', path);
    const nameRead = reads.attributeName('name', name);
    const valueRead = reads.view('value', value);
    const path0 = pathRead.address;
    const name0 = nameRead.address;
    const value0 = ofAttributes.valueAddress(core, 'value', valueRead);
    const value1 = pins.length(core, 'value', valueRead);
    operations.getxattr.write(core.entry(), path0, name0, value0, value1);
    return both(pathRead, both(nameRead, valueRead));
  },
};

export const interval: Operation<[countdown: Countdown], Partial<IntervalOptions>> = {
  info: operations.interval,
  known: ['everyMs', 'times', 'clock'],
  defaults: {},
  holds: 'until submitted',
  encode(core, options, countdown) {
    const everyRead = ofWaiting.everyInterval('options', options, countdown);
    const every0 = everyRead.time.address;
    const every1 = everyRead.flags;
    const every2 = everyRead.count;
    operations.interval.write(core.entry(), every0, every1, every2);
    return everyRead;
  },
};

export const link: Operation<[oldPath: Path, newPath: Path], Partial<LinkOptions>> = {
  info: operations.link,
  known: ['from', 'to', 'flags'],
  defaults: {},
  holds: 'until submitted',
  encode(core, options, oldPath, newPath) {
    const oldPathRead = ofPaths.linkedPath('oldPath', oldPath, options);
    const newPathRead = reads.path('newPath', newPath);
    const fromOptionRead = reads.directory('options.from', options.from);
    const toOptionRead = reads.directory('options.to', options.to);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags2(flagsOption);
    const oldPath0 = oldPathRead.address;
    const newPath0 = newPathRead.address;
    operations.link.write(core.entry(), oldPath0, newPath0, fromOptionRead, toOptionRead, flagsOptionRead);
    return both(oldPathRead, newPathRead);
  },
};

export const linkTimeout: Operation<[], Partial<DelayOptions>> = {
  info: operations.linkTimeout,
  known: ['afterMs', 'atMs', 'clock'],
  defaults: {},
  holds: 'until submitted',
  encode(core, options) {
    const delayRead = ofWaiting.delay('options', options);
    const delay0 = delayRead.time.address;
    const delay1 = delayRead.flags;
    operations.linkTimeout.write(core.entry(), delay0, delay1);
    return delayRead;
  },
};

export const linkTimeoutUpdate: Operation<[started: OperationKey], Partial<DelayOptions>> = {
  info: operations.linkTimeoutUpdate,
  known: ['afterMs', 'atMs', 'clock'],
  defaults: {},
  holds: 'until submitted',
  encode(core, options, started) {
    const startedRead = ofKey.readKey('started', started);
    const delayRead = ofWaiting.delay('options', options);
    const started0 = ofKey.pinKeyLow(core, 'started', startedRead);
    const started1 = ofKey.pinKeyHigh(core, 'started', startedRead);
    const delay0 = delayRead.time.address;
    const delay1 = delayRead.flags;
    operations.linkTimeoutUpdate.write(core.entry(), started0, started1, delay0, delay1);
    return delayRead;
  },
};

export const listen: Operation<[socket: File, backlog: number], object> = {
  info: operations.listen,
  known: [],
  defaults: {},
  holds: undefined,
  encode(core, _options, socket, backlog) {
    const socketRead = reads.file('socket', socket);
    const backlogRead = reads.integer('backlog', backlog, 0, 2147483647);
    const socket0 = pins.file(core, 'socket', socketRead);
    const sqe = core.entry();
    operations.listen.write(sqe, backlogRead);
    sqe.file = socket0;
    return undefined;
  },
};

export const madvise: Operation<[memory: ArrayBufferView, advice: MemoryAdvice], object> = {
  info: operations.madvise,
  known: [],
  defaults: {},
  holds: 'until completed',
  encode(core, _options, memory, advice) {
    const memoryRead = reads.view('memory', memory);
    const adviceRead = reads.named('advice', advice, operations.MemoryAdvice.names);
    const memory0 = ofData.wholeAddress(core, 'memory', memoryRead);
    const memory1 = ofData.wholePages(core, 'memory', memoryRead);
    operations.madvise.write(core.entry(), memory0, memory1, adviceRead);
    return memoryRead;
  },
};

export const mkdir: Operation<[path: Path], Partial<MkdirOptions>> = {
  info: operations.mkdir,
  known: ['at', 'mode'],
  defaults: {},
  holds: 'until submitted',
  encode(core, options, path) {
    const pathRead = reads.path('path', path);
    const atOptionRead = reads.directory('options.at', options.at);
    const modeOption = options.mode;
    const modeOptionRead = modeOption === undefined ? 511 : readMode2(modeOption);
    const path0 = pathRead.address;
    operations.mkdir.write(core.entry(), path0, atOptionRead, modeOptionRead);
    return pathRead;
  },
};

export const msgRing: Operation<[target: AnyRing | number], Partial<MessageOptions>> = {
  info: operations.msgRing,
  known: ['messageData', 'res', 'cqeFlags'],
  defaults: {},
  holds: undefined,
  encode(core, options, target) {
    const targetRead = ofRings.targetFd('target', target);
    const messageDataOption = options.messageData;
    const messageDataOptionRead = messageDataOption === undefined ? 0 : readMessageData(messageDataOption);
    const resOption = options.res;
    const resOptionRead = resOption === undefined ? 0 : readRes(resOption);
    const cqeFlagsOption = options.cqeFlags;
    const cqeFlagsOptionRead = cqeFlagsOption === undefined ? -1 : readCqeFlags(cqeFlagsOption);
    operations.msgRing.write(
      core.entry(),
      targetRead,
      messageDataOptionRead,
      resOptionRead,
      cqeFlagsOptionRead,
    );
    return undefined;
  },
};

export const msgRingFd: Operation<[file: FixedFile, into: OtherTable], Partial<MessageFileOptions>> = {
  info: operations.msgRingFd,
  known: ['messageData', 'silent'],
  defaults: {},
  holds: undefined,
  encode(core, options, file, into) {
    const fileRead = reads.slot('file', file);
    const intoRead = ofRings.placeThere('into', into);
    const messageDataOption = options.messageData;
    const messageDataOptionRead = messageDataOption === undefined ? 0 : readMessageData(messageDataOption);
    const silentOptionRead = reads.flag('options.silent', options.silent, 1);
    const file0 = pins.slot(core, 'file', fileRead);
    const into0 = intoRead.fd;
    const into1 = ofRings.indexThere(core, 'into', intoRead);
    operations.msgRingFd.write(core.entry(), file0, into0, into1, messageDataOptionRead, silentOptionRead);
    return undefined;
  },
};

export const nop: Operation<[], Partial<NopOptions>> = {
  info: operations.nop,
  known: ['result', 'flags'],
  defaults: {},
  holds: undefined,
  encode(core, options) {
    const resultOption = options.result;
    const resultOptionRead = resultOption === undefined ? 0 : readResult(resultOption);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags2(flagsOption);
    operations.nop.write(core.entry(), resultOptionRead, flagsOptionRead);
    return undefined;
  },
};

export const open: Operation<[path: Path, into: Into | undefined], Partial<OpenOptions>> = {
  info: operations.open,
  known: ['flags', 'mode', 'resolve', 'at', 'into'],
  defaults: {},
  holds: 'until submitted',
  encode(core, options, path, into) {
    const pathRead = reads.path('path', path);
    const howRead = ofPaths.opening('options', options, into);
    const atOptionRead = reads.directory('options.at', options.at);
    const intoOptionRead = reads.into('options.into', into);
    const path0 = pathRead.address;
    const how0 = howRead.flags;
    const how1 = howRead.mode;
    const how2 = ofPaths.openingHow(core, 'options', howRead);
    const intoOption0 = pins.fileIndex(core, 'options.into', intoOptionRead);
    operations.open.write(core.entry(), path0, how0, how1, how2, atOptionRead, intoOption0);
    return both(pathRead, howRead);
  },
};

export const pipe: Operation<[fds: Int32Array, into: Into | undefined], Partial<PipeOptions>> = {
  info: operations.pipe,
  known: ['flags', 'into'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, fds, into) {
    const fdsRead = ofPaths.twoNumbers('fds', fds);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags2(flagsOption);
    const intoOptionRead = reads.into('options.into', into);
    const fds0 = ofPaths.twoAddress(core, 'fds', fdsRead);
    const intoOption0 = ofPaths.twoSlots(core, 'options.into', intoOptionRead);
    operations.pipe.write(core.entry(), fds0, flagsOptionRead, intoOption0);
    return fdsRead;
  },
};

export const poll: Operation<[file: File, events: number], object> = {
  info: operations.poll,
  known: [],
  defaults: {},
  holds: undefined,
  encode(core, _options, file, events) {
    const fileRead = reads.file('file', file);
    const eventsRead = reads.integer('events', events, 0, 4294967295);
    const file0 = pins.file(core, 'file', fileRead);
    const sqe = core.entry();
    operations.poll.write(sqe, eventsRead);
    sqe.file = file0;
    return undefined;
  },
};

export const pollMultishot: Operation<[file: File, events: number], Partial<PollMultishotOptions>> = {
  info: operations.pollMultishot,
  known: ['level'],
  defaults: {},
  holds: undefined,
  encode(core, options, file, events) {
    const fileRead = reads.file('file', file);
    const eventsRead = reads.integer('events', events, 0, 4294967295);
    const levelOptionRead = reads.flag('options.level', options.level, 8);
    const file0 = pins.file(core, 'file', fileRead);
    const sqe = core.entry();
    operations.pollMultishot.write(sqe, eventsRead, levelOptionRead);
    sqe.file = file0;
    return undefined;
  },
};

export const pollRemove: Operation<[started: OperationKey], object> = {
  info: operations.pollRemove,
  known: [],
  defaults: {},
  holds: undefined,
  encode(core, _options, started) {
    const startedRead = ofKey.readKey('started', started);
    const started0 = ofKey.pinKeyLow(core, 'started', startedRead);
    const started1 = ofKey.pinKeyHigh(core, 'started', startedRead);
    operations.pollRemove.write(core.entry(), started0, started1);
    return undefined;
  },
};

export const pollUpdate: Operation<[started: OperationKey, events: number], object> = {
  info: operations.pollUpdate,
  known: [],
  defaults: {},
  holds: undefined,
  encode(core, _options, started, events) {
    const startedRead = ofKey.readKey('started', started);
    const eventsRead = reads.integer('events', events, 0, 4294967295);
    const started0 = ofKey.pinKeyLow(core, 'started', startedRead);
    const started1 = ofKey.pinKeyHigh(core, 'started', startedRead);
    operations.pollUpdate.write(core.entry(), started0, started1, eventsRead);
    return undefined;
  },
};

export const read: Operation<[file: File, memory: MemoryOrPool], Partial<ReadOptions>> = {
  info: operations.read,
  known: ['offset', 'flags', 'length'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, file, memory) {
    const fileRead = reads.file('file', file);
    const memoryRead = reads.memoryOrPool('memory', memory);
    const offsetOptionRead = reads.offset('options.offset', options.offset);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags2(flagsOption);
    const lengthOption = options.length;
    const lengthOptionRead = lengthOption === undefined ? 0 : readLength3(lengthOption);
    const file0 = pins.file(core, 'file', fileRead);
    const memory0 = pins.address(core, 'memory', memoryRead);
    const memory1 = pins.length(core, 'memory', memoryRead);
    const memory2 = pins.bufferIndex(core, 'memory', memoryRead);
    const memory3 = pins.group(core, 'memory', memoryRead);
    const sqe = core.entry();
    operations.read.write(sqe, memory0, memory1, memory2, memory3, offsetOptionRead, lengthOptionRead);
    sqe.file = file0;
    sqe.opFlags = flagsOptionRead;
    return pins.kept(memoryRead);
  },
};

export const readFixed: Operation<[file: File, buffer: RegisteredBuffer], Partial<RwOptions>> = {
  info: operations.readFixed,
  known: ['offset', 'flags'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, file, buffer) {
    const fileRead = reads.file('file', file);
    const bufferRead = reads.registeredBuffer('buffer', buffer);
    const offsetOptionRead = reads.offset('options.offset', options.offset);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags2(flagsOption);
    const file0 = pins.file(core, 'file', fileRead);
    const buffer0 = pins.address(core, 'buffer', bufferRead);
    const buffer1 = pins.length(core, 'buffer', bufferRead);
    const buffer2 = pins.bufferIndex(core, 'buffer', bufferRead);
    const sqe = core.entry();
    operations.readFixed.write(sqe, buffer0, buffer1, buffer2, offsetOptionRead);
    sqe.file = file0;
    sqe.opFlags = flagsOptionRead;
    return bufferRead;
  },
};

export const readMultishot: Operation<[file: File, pool: BufferRing], object> = {
  info: operations.readMultishot,
  known: [],
  defaults: {},
  holds: 'until completed',
  encode(core, _options, file, pool) {
    const fileRead = reads.file('file', file);
    const poolRead = reads.pool('pool', pool);
    const file0 = pins.file(core, 'file', fileRead);
    const pool0 = pins.group(core, 'pool', poolRead);
    const sqe = core.entry();
    operations.readMultishot.write(sqe, pool0);
    sqe.file = file0;
    return pins.kept(poolRead);
  },
};

export const readv: Operation<[file: File, pieces: readonly Memory[]], Partial<RwOptions>> = {
  info: operations.readv,
  known: ['offset', 'flags'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, file, pieces) {
    const fileRead = reads.file('file', file);
    const piecesRead = reads.pieces('pieces', pieces);
    const offsetOptionRead = reads.offset('options.offset', options.offset);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags2(flagsOption);
    const file0 = pins.file(core, 'file', fileRead);
    const pieces0 = pins.iovecs(core, 'pieces', piecesRead);
    const pieces1 = piecesRead.pieces.length;
    const pieces2 = pins.vectorIndex(core, 'pieces', piecesRead);
    const sqe = core.entry();
    operations.readv.write(sqe, pieces0, pieces1, pieces2, offsetOptionRead);
    sqe.file = file0;
    sqe.opFlags = flagsOptionRead;
    return piecesRead;
  },
};

export const readvFixed: Operation<[file: File, pieces: readonly RegisteredBuffer[]], Partial<RwOptions>> = {
  info: operations.readvFixed,
  known: ['offset', 'flags'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, file, pieces) {
    const fileRead = reads.file('file', file);
    const piecesRead = reads.fixedPieces('pieces', pieces);
    const offsetOptionRead = reads.offset('options.offset', options.offset);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags2(flagsOption);
    const file0 = pins.file(core, 'file', fileRead);
    const pieces0 = pins.iovecs(core, 'pieces', piecesRead);
    const pieces1 = piecesRead.pieces.length;
    const pieces2 = pins.vectorIndex(core, 'pieces', piecesRead);
    const sqe = core.entry();
    operations.readvFixed.write(sqe, pieces0, pieces1, pieces2, offsetOptionRead);
    sqe.file = file0;
    sqe.opFlags = flagsOptionRead;
    return piecesRead;
  },
};

export const recv: Operation<[socket: File, memory: MemoryOrPool], Partial<SocketOptions>> = {
  info: operations.recv,
  known: ['flags', 'pollFirst'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, socket, memory) {
    const socketRead = reads.file('socket', socket);
    const memoryRead = reads.memoryOrPool('memory', memory);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags2(flagsOption);
    const pollFirstOptionRead = reads.flag('options.pollFirst', options.pollFirst, 1);
    const socket0 = pins.file(core, 'socket', socketRead);
    const memory0 = pins.address(core, 'memory', memoryRead);
    const memory1 = pins.length(core, 'memory', memoryRead);
    const memory2 = pins.bufferIndex(core, 'memory', memoryRead);
    const memory3 = pins.group(core, 'memory', memoryRead);
    const sqe = core.entry();
    operations.recv.write(sqe, memory0, memory1, memory2, memory3, flagsOptionRead, pollFirstOptionRead);
    sqe.file = socket0;
    return pins.kept(memoryRead);
  },
};

export const recvBundle: Operation<[socket: File, pool: BufferRing], Partial<SocketOptions>> = {
  info: operations.recvBundle,
  known: ['flags', 'pollFirst'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, socket, pool) {
    const socketRead = reads.file('socket', socket);
    const poolRead = reads.pool('pool', pool);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags2(flagsOption);
    const pollFirstOptionRead = reads.flag('options.pollFirst', options.pollFirst, 1);
    const socket0 = pins.file(core, 'socket', socketRead);
    const pool0 = pins.group(core, 'pool', poolRead);
    const sqe = core.entry();
    operations.recvBundle.write(sqe, pool0, flagsOptionRead, pollFirstOptionRead);
    sqe.file = socket0;
    return pins.kept(poolRead);
  },
};

export const recvBundleMultishot: Operation<[socket: File, pool: BufferRing], Partial<SocketOptions>> = {
  info: operations.recvBundleMultishot,
  known: ['flags', 'pollFirst'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, socket, pool) {
    const socketRead = reads.file('socket', socket);
    const poolRead = reads.pool('pool', pool);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags2(flagsOption);
    const pollFirstOptionRead = reads.flag('options.pollFirst', options.pollFirst, 1);
    const socket0 = pins.file(core, 'socket', socketRead);
    const pool0 = pins.group(core, 'pool', poolRead);
    const sqe = core.entry();
    operations.recvBundleMultishot.write(sqe, pool0, flagsOptionRead, pollFirstOptionRead);
    sqe.file = socket0;
    return pins.kept(poolRead);
  },
};

export const recvMultishot: Operation<[socket: File, pool: BufferRing], Partial<SocketOptions>> = {
  info: operations.recvMultishot,
  known: ['flags', 'pollFirst'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, socket, pool) {
    const socketRead = reads.file('socket', socket);
    const poolRead = reads.pool('pool', pool);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags2(flagsOption);
    const pollFirstOptionRead = reads.flag('options.pollFirst', options.pollFirst, 1);
    const socket0 = pins.file(core, 'socket', socketRead);
    const pool0 = pins.group(core, 'pool', poolRead);
    const sqe = core.entry();
    operations.recvMultishot.write(sqe, pool0, flagsOptionRead, pollFirstOptionRead);
    sqe.file = socket0;
    return pins.kept(poolRead);
  },
};

export const recvZc: Operation<[socket: File, queue: number], object> = {
  info: operations.recvZc,
  known: [],
  defaults: {},
  holds: undefined,
  encode(core, _options, socket, queue) {
    const socketRead = reads.file('socket', socket);
    const queueRead = reads.integer('queue', queue, 0, 2147483647);
    const socket0 = pins.file(core, 'socket', socketRead);
    const sqe = core.entry();
    operations.recvZc.write(sqe, queueRead);
    sqe.file = socket0;
    return undefined;
  },
};

export const recvmsg: Operation<
  [socket: File, room: MessageBuffer | IncomingMessage],
  Partial<SocketOptions>
> = {
  info: operations.recvmsg,
  known: ['flags', 'pollFirst'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, socket, room) {
    const socketRead = reads.file('socket', socket);
    const roomRead = ofMessages.messageBuffer('room', room);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags2(flagsOption);
    const pollFirstOptionRead = reads.flag('options.pollFirst', options.pollFirst, 1);
    const socket0 = pins.file(core, 'socket', socketRead);
    const room0 = ofMessages.pinMessageBuffer(core, 'room', roomRead);
    const sqe = core.entry();
    operations.recvmsg.write(sqe, room0, flagsOptionRead, pollFirstOptionRead);
    sqe.file = socket0;
    return ofMessages.keptRoom(roomRead);
  },
};

export const recvmsgMultishot: Operation<
  [socket: File, room: MessageRoom, pool: BufferRing],
  Partial<MessageRoomOptions>
> = {
  info: operations.recvmsgMultishot,
  known: ['flags', 'pollFirst', 'control', 'address'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, socket, room, pool) {
    const socketRead = reads.file('socket', socket);
    const roomRead = ofTransfers.messageRoom('options', options, room);
    const poolRead = ofTransfers.messagePool('pool', pool, room);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags2(flagsOption);
    const pollFirstOptionRead = reads.flag('options.pollFirst', options.pollFirst, 1);
    const socket0 = pins.file(core, 'socket', socketRead);
    const room0 = roomRead.header.address;
    const pool0 = pins.group(core, 'pool', poolRead);
    const sqe = core.entry();
    operations.recvmsgMultishot.write(sqe, room0, pool0, flagsOptionRead, pollFirstOptionRead);
    sqe.file = socket0;
    return both(roomRead, pins.kept(poolRead));
  },
};

export const rename: Operation<[oldPath: Path, newPath: Path], Partial<RenameOptions>> = {
  info: operations.rename,
  known: ['from', 'to', 'flags'],
  defaults: {},
  holds: 'until submitted',
  encode(core, options, oldPath, newPath) {
    const oldPathRead = reads.path('oldPath', oldPath);
    const newPathRead = reads.path('newPath', newPath);
    const fromOptionRead = reads.directory('options.from', options.from);
    const toOptionRead = reads.directory('options.to', options.to);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags2(flagsOption);
    const oldPath0 = oldPathRead.address;
    const newPath0 = newPathRead.address;
    operations.rename.write(core.entry(), oldPath0, newPath0, fromOptionRead, toOptionRead, flagsOptionRead);
    return both(oldPathRead, newPathRead);
  },
};

export const send: Operation<[socket: File, memory: Memory], Partial<SendOptions>> = {
  info: operations.send,
  known: ['flags', 'pollFirst', 'to'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, socket, memory) {
    const socketRead = reads.file('socket', socket);
    const memoryRead = reads.memory('memory', memory);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags2(flagsOption);
    const pollFirstOptionRead = reads.flag('options.pollFirst', options.pollFirst, 1);
    const toOptionRead = reads.optionalAddress('options.to', options.to);
    const socket0 = pins.file(core, 'socket', socketRead);
    const memory0 = pins.address(core, 'memory', memoryRead);
    const memory1 = pins.length(core, 'memory', memoryRead);
    const memory2 = pins.bufferIndex(core, 'memory', memoryRead);
    const toOption0 = pins.copy(core, 'options.to', toOptionRead);
    const toOption1 = pins.copyLength(core, 'options.to', toOptionRead);
    const sqe = core.entry();
    operations.send.write(
      sqe,
      memory0,
      memory1,
      memory2,
      flagsOptionRead,
      pollFirstOptionRead,
      toOption0,
      toOption1,
    );
    sqe.file = socket0;
    return both(memoryRead, toOptionRead);
  },
};

export const sendBundle: Operation<[socket: File, pool: BufferRing], Partial<SocketOptions>> = {
  info: operations.sendBundle,
  known: ['flags', 'pollFirst'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, socket, pool) {
    const socketRead = reads.file('socket', socket);
    const poolRead = reads.pool('pool', pool);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags2(flagsOption);
    const pollFirstOptionRead = reads.flag('options.pollFirst', options.pollFirst, 1);
    const socket0 = pins.file(core, 'socket', socketRead);
    const pool0 = pins.group(core, 'pool', poolRead);
    const sqe = core.entry();
    operations.sendBundle.write(sqe, pool0, flagsOptionRead, pollFirstOptionRead);
    sqe.file = socket0;
    return pins.kept(poolRead);
  },
};

export const sendZeroCopy: Operation<[socket: File, memory: Memory], Partial<ZeroCopyOptions>> = {
  info: operations.sendZeroCopy,
  known: ['flags', 'pollFirst', 'to', 'reportUsage'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, socket, memory) {
    const socketRead = reads.file('socket', socket);
    const memoryRead = reads.memory('memory', memory);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags2(flagsOption);
    const pollFirstOptionRead = reads.flag('options.pollFirst', options.pollFirst, 1);
    const toOptionRead = reads.optionalAddress('options.to', options.to);
    const reportUsageOptionRead = reads.flag('options.reportUsage', options.reportUsage, 8);
    const socket0 = pins.file(core, 'socket', socketRead);
    const memory0 = pins.address(core, 'memory', memoryRead);
    const memory1 = pins.length(core, 'memory', memoryRead);
    const memory2 = pins.bufferIndex(core, 'memory', memoryRead);
    const toOption0 = pins.copy(core, 'options.to', toOptionRead);
    const toOption1 = pins.copyLength(core, 'options.to', toOptionRead);
    const sqe = core.entry();
    operations.sendZeroCopy.write(
      sqe,
      memory0,
      memory1,
      memory2,
      flagsOptionRead,
      pollFirstOptionRead,
      toOption0,
      toOption1,
      reportUsageOptionRead,
    );
    sqe.file = socket0;
    return both(memoryRead, toOptionRead);
  },
};

export const sendmsg: Operation<[socket: File, message: OutgoingMessage], Partial<SocketOptions>> = {
  info: operations.sendmsg,
  known: ['flags', 'pollFirst'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, socket, message) {
    const socketRead = reads.file('socket', socket);
    const messageRead = ofMessages.outgoing('message', message);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags2(flagsOption);
    const pollFirstOptionRead = reads.flag('options.pollFirst', options.pollFirst, 1);
    const socket0 = pins.file(core, 'socket', socketRead);
    const message0 = ofMessages.pinOutgoing(core, 'message', messageRead);
    const sqe = core.entry();
    operations.sendmsg.write(sqe, message0, flagsOptionRead, pollFirstOptionRead);
    sqe.file = socket0;
    return messageRead;
  },
};

export const sendmsgZeroCopy: Operation<[socket: File, message: OutgoingMessage], Partial<SocketOptions>> = {
  info: operations.sendmsgZeroCopy,
  known: ['flags', 'pollFirst'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, socket, message) {
    const socketRead = reads.file('socket', socket);
    const messageRead = ofMessages.outgoing('message', message);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags2(flagsOption);
    const pollFirstOptionRead = reads.flag('options.pollFirst', options.pollFirst, 1);
    const socket0 = pins.file(core, 'socket', socketRead);
    const message0 = ofMessages.pinOutgoing(core, 'message', messageRead);
    const sqe = core.entry();
    operations.sendmsgZeroCopy.write(sqe, message0, flagsOptionRead, pollFirstOptionRead);
    sqe.file = socket0;
    return messageRead;
  },
};

export const setsockopt: Operation<
  [socket: File, option: SocketOption, value: number | boolean | Uint8Array],
  object
> = {
  info: operations.setsockopt,
  known: [],
  defaults: {},
  holds: 'until completed',
  encode(core, _options, socket, option, value) {
    const socketRead = reads.file('socket', socket);
    const optionRead = ofSockets.optionKey('option', option);
    const valueRead = ofSockets.optionValue('value', value);
    const socket0 = pins.file(core, 'socket', socketRead);
    const option0 = optionRead.level;
    const option1 = optionRead.number;
    const value0 = valueRead.address;
    const value1 = valueRead.bytes.length;
    const sqe = core.entry();
    operations.setsockopt.write(sqe, option0, option1, value0, value1);
    sqe.file = socket0;
    return valueRead;
  },
};

export const setxattr: Operation<
  [path: Path, name: Path, value: ArrayBufferView],
  Partial<SetxattrOptions>
> = {
  info: operations.setxattr,
  known: ['flags'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, path, name, value) {
    const pathRead = reads.path('path', path);
    const nameRead = reads.attributeName('name', name);
    const valueRead = reads.view('value', value);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags2(flagsOption);
    const path0 = pathRead.address;
    const name0 = nameRead.address;
    const value0 = ofAttributes.valueAddress(core, 'value', valueRead);
    const value1 = pins.length(core, 'value', valueRead);
    operations.setxattr.write(core.entry(), path0, name0, value0, value1, flagsOptionRead);
    return both(pathRead, both(nameRead, valueRead));
  },
};

export const shutdown: Operation<[socket: File, how: ShutdownHow], object> = {
  info: operations.shutdown,
  known: [],
  defaults: {},
  holds: undefined,
  encode(core, _options, socket, how) {
    const socketRead = reads.file('socket', socket);
    const howRead = reads.named('how', how, operations.ShutdownHow.names);
    const socket0 = pins.file(core, 'socket', socketRead);
    const sqe = core.entry();
    operations.shutdown.write(sqe, howRead);
    sqe.file = socket0;
    return undefined;
  },
};

export const siocinq: Operation<[socket: File], object> = {
  info: operations.siocinq,
  known: [],
  defaults: {},
  holds: undefined,
  encode(core, _options, socket) {
    const socketRead = reads.file('socket', socket);
    const socket0 = pins.file(core, 'socket', socketRead);
    const sqe = core.entry();
    operations.siocinq.write(sqe);
    sqe.file = socket0;
    return undefined;
  },
};

export const siocoutq: Operation<[socket: File], object> = {
  info: operations.siocoutq,
  known: [],
  defaults: {},
  holds: undefined,
  encode(core, _options, socket) {
    const socketRead = reads.file('socket', socket);
    const socket0 = pins.file(core, 'socket', socketRead);
    const sqe = core.entry();
    operations.siocoutq.write(sqe);
    sqe.file = socket0;
    return undefined;
  },
};

export const socket: Operation<[domain: Domain, into: Into | undefined], Partial<SocketCreateOptions>> = {
  info: operations.socket,
  known: ['type', 'protocol', 'nonBlocking', 'into'],
  defaults: {},
  holds: undefined,
  encode(core, options, domain, into) {
    const domainRead = reads.namedOrNumber('domain', domain, operations.Domain.names);
    const typeOption = options.type;
    const typeOptionRead = typeOption === undefined ? 1 : readType(typeOption);
    const protocolOption = options.protocol;
    const protocolOptionRead = protocolOption === undefined ? 0 : readProtocol(protocolOption);
    const nonBlockingOptionRead = reads.flag('options.nonBlocking', options.nonBlocking, 2048);
    const intoOptionRead = reads.into('options.into', into);
    const intoOption0 = pins.fileIndex(core, 'options.into', intoOptionRead);
    operations.socket.write(
      core.entry(),
      domainRead,
      typeOptionRead,
      protocolOptionRead,
      nonBlockingOptionRead,
      intoOption0,
    );
    return undefined;
  },
};

export const splice: Operation<[from: File, to: File, length: number], Partial<SpliceOptions>> = {
  info: operations.splice,
  known: ['offsetIn', 'offsetOut', 'flags'],
  defaults: {},
  holds: undefined,
  encode(core, options, from, to, length) {
    const fromRead = reads.file('from', from);
    const toRead = reads.file('to', to);
    const lengthRead = reads.integer('length', length, 0, 4294967295);
    const offsetInOptionRead = reads.offset('options.offsetIn', options.offsetIn);
    const offsetOutOptionRead = reads.offset('options.offsetOut', options.offsetOut);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags(flagsOption);
    const from0 = pins.file(core, 'from', fromRead);
    const to0 = pins.file(core, 'to', toRead);
    const sqe = core.entry();
    operations.splice.write(sqe, from0, lengthRead, offsetInOptionRead, offsetOutOptionRead, flagsOptionRead);
    sqe.file = to0;
    return undefined;
  },
};

export const statx: Operation<[target: Path | Fd, buffer: ArrayBufferView], Partial<StatxOptions>> = {
  info: operations.statx,
  known: ['at', 'flags', 'mask'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, target, buffer) {
    const targetRead = ofAttributes.statTarget('target', target, options);
    const bufferRead = reads.view('buffer', buffer);
    const maskOption = options.mask;
    const maskOptionRead = maskOption === undefined ? 4095 : readMask2(maskOption);
    const target0 = targetRead.start;
    const target1 = targetRead.path.address;
    const target2 = targetRead.flags;
    const buffer0 = ofAttributes.statRoom(core, 'buffer', bufferRead);
    operations.statx.write(core.entry(), target0, target1, target2, buffer0, maskOptionRead);
    return both(targetRead.path, bufferRead);
  },
};

export const symlink: Operation<[target: Path, path: Path], Partial<AtOptions>> = {
  info: operations.symlink,
  known: ['at'],
  defaults: {},
  holds: 'until submitted',
  encode(core, options, target, path) {
    const targetRead = reads.path('target', target);
    const pathRead = reads.path('path', path);
    const atOptionRead = reads.directory('options.at', options.at);
    const target0 = targetRead.address;
    const path0 = pathRead.address;
    operations.symlink.write(core.entry(), target0, path0, atOptionRead);
    return both(targetRead, pathRead);
  },
};

export const syncFileRange: Operation<[file: File], Partial<SyncRangeOptions>> = {
  info: operations.syncFileRange,
  known: ['offset', 'length', 'flags'],
  defaults: {},
  holds: undefined,
  encode(core, options, file) {
    const fileRead = reads.file('file', file);
    const offsetOption = options.offset;
    const offsetOptionRead = offsetOption === undefined ? 0 : readOffset(offsetOption);
    const lengthOption = options.length;
    const lengthOptionRead = lengthOption === undefined ? 0 : readLength2(lengthOption);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 7 : readFlags3(flagsOption);
    const file0 = pins.file(core, 'file', fileRead);
    const sqe = core.entry();
    operations.syncFileRange.write(sqe, offsetOptionRead, lengthOptionRead, flagsOptionRead);
    sqe.file = file0;
    return undefined;
  },
};

export const tee: Operation<[from: File, to: File, length: number], Partial<TeeOptions>> = {
  info: operations.tee,
  known: ['flags'],
  defaults: {},
  holds: undefined,
  encode(core, options, from, to, length) {
    const fromRead = reads.file('from', from);
    const toRead = reads.file('to', to);
    const lengthRead = reads.integer('length', length, 0, 4294967295);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags(flagsOption);
    const from0 = pins.file(core, 'from', fromRead);
    const to0 = pins.file(core, 'to', toRead);
    const sqe = core.entry();
    operations.tee.write(sqe, from0, lengthRead, flagsOptionRead);
    sqe.file = to0;
    return undefined;
  },
};

export const timeout: Operation<[], Partial<TimeoutOptions>> = {
  info: operations.timeout,
  known: ['afterMs', 'atMs', 'clock', 'count'],
  defaults: {},
  holds: 'until submitted',
  encode(core, options) {
    const delayRead = ofWaiting.delay('options', options);
    const countOption = options.count;
    const countOptionRead = countOption === undefined ? 0 : readCount2(countOption);
    const delay0 = delayRead.time.address;
    const delay1 = ofWaiting.pinDelayFlags(core, 'options', delayRead);
    operations.timeout.write(core.entry(), delay0, delay1, countOptionRead);
    return delayRead;
  },
};

export const timeoutRemove: Operation<[started: OperationKey], object> = {
  info: operations.timeoutRemove,
  known: [],
  defaults: {},
  holds: undefined,
  encode(core, _options, started) {
    const startedRead = ofKey.readKey('started', started);
    const started0 = ofKey.pinKeyLow(core, 'started', startedRead);
    const started1 = ofKey.pinKeyHigh(core, 'started', startedRead);
    operations.timeoutRemove.write(core.entry(), started0, started1);
    return undefined;
  },
};

export const timeoutUpdate: Operation<[started: OperationKey], Partial<DelayOptions>> = {
  info: operations.timeoutUpdate,
  known: ['afterMs', 'atMs', 'clock'],
  defaults: {},
  holds: 'until submitted',
  encode(core, options, started) {
    const startedRead = ofKey.readKey('started', started);
    const delayRead = ofWaiting.delay('options', options);
    const started0 = ofKey.pinKeyLow(core, 'started', startedRead);
    const started1 = ofKey.pinKeyHigh(core, 'started', startedRead);
    const delay0 = delayRead.time.address;
    const delay1 = delayRead.flags;
    operations.timeoutUpdate.write(core.entry(), started0, started1, delay0, delay1);
    return delayRead;
  },
};

export const unlink: Operation<[path: Path], Partial<UnlinkOptions>> = {
  info: operations.unlink,
  known: ['at', 'directory'],
  defaults: {},
  holds: 'until submitted',
  encode(core, options, path) {
    const pathRead = reads.path('path', path);
    const atOptionRead = reads.directory('options.at', options.at);
    const directoryOptionRead = reads.flag('options.directory', options.directory, 512);
    const path0 = pathRead.address;
    operations.unlink.write(core.entry(), path0, atOptionRead, directoryOptionRead);
    return pathRead;
  },
};

export const uringCmd: Operation<[file: File, command: number], Partial<CommandOptions>> = {
  info: operations.uringCmd,
  known: ['data', 'memory', 'addr', 'addr3', 'hold'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, file, command) {
    const fileRead = reads.file('file', file);
    const commandRead = reads.integer('command', command, 0, 4294967295);
    const dataOptionRead = ofRings.commandData('options.data', options.data);
    const memoryOptionRead = ofRings.commandMemory('options.memory', options.memory);
    const addrOptionRead = ofRings.word64('options.addr', options.addr);
    const addr3OptionRead = ofRings.word64('options.addr3', options.addr3);
    const holdOptionRead = reads.anything('options.hold', options.hold);
    const file0 = pins.file(core, 'file', fileRead);
    const dataOption0 = ofRings.stageData(core, 'options.data', dataOptionRead);
    const memoryOption0 = pins.address(core, 'options.memory', memoryOptionRead);
    const memoryOption1 = pins.length(core, 'options.memory', memoryOptionRead);
    const memoryOption2 = pins.bufferIndex(core, 'options.memory', memoryOptionRead);
    const addrOption0 = addrOptionRead.low;
    const addrOption1 = addrOptionRead.high;
    const addr3Option0 = addr3OptionRead.low;
    const addr3Option1 = addr3OptionRead.high;
    const sqe = core.entry();
    operations.uringCmd.write(
      sqe,
      commandRead,
      dataOption0,
      memoryOption0,
      memoryOption1,
      memoryOption2,
      addrOption0,
      addrOption1,
      addr3Option0,
      addr3Option1,
    );
    sqe.file = file0;
    return both(memoryOptionRead, holdOptionRead);
  },
};

export const uringCmdMultishot: Operation<[file: File, command: number], Partial<CommandOptions>> = {
  info: operations.uringCmdMultishot,
  known: ['data', 'memory', 'addr', 'addr3', 'hold'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, file, command) {
    const fileRead = reads.file('file', file);
    const commandRead = reads.integer('command', command, 0, 4294967295);
    const dataOptionRead = ofRings.commandData('options.data', options.data);
    const memoryOptionRead = ofRings.commandMemory('options.memory', options.memory);
    const addrOptionRead = ofRings.word64('options.addr', options.addr);
    const addr3OptionRead = ofRings.word64('options.addr3', options.addr3);
    const holdOptionRead = reads.anything('options.hold', options.hold);
    const file0 = pins.file(core, 'file', fileRead);
    const dataOption0 = ofRings.stageData(core, 'options.data', dataOptionRead);
    const memoryOption0 = pins.address(core, 'options.memory', memoryOptionRead);
    const memoryOption1 = pins.length(core, 'options.memory', memoryOptionRead);
    const memoryOption2 = pins.bufferIndex(core, 'options.memory', memoryOptionRead);
    const addrOption0 = addrOptionRead.low;
    const addrOption1 = addrOptionRead.high;
    const addr3Option0 = addr3OptionRead.low;
    const addr3Option1 = addr3OptionRead.high;
    const sqe = core.entry();
    operations.uringCmdMultishot.write(
      sqe,
      commandRead,
      dataOption0,
      memoryOption0,
      memoryOption1,
      memoryOption2,
      addrOption0,
      addrOption1,
      addr3Option0,
      addr3Option1,
    );
    sqe.file = file0;
    return both(memoryOptionRead, holdOptionRead);
  },
};

export const waitid: Operation<[child: Child, info: ArrayBufferView], Partial<WaitidOptions>> = {
  info: operations.waitid,
  known: ['states', 'keep'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, child, info) {
    const childRead = ofWaiting.childKey('child', child);
    const infoRead = reads.view('info', info);
    const statesOptionRead = ofWaiting.childStates('options.states', options.states);
    const keepOptionRead = reads.flag('options.keep', options.keep, 16777216);
    const child0 = childRead.idType;
    const child1 = childRead.id;
    const info0 = ofWaiting.siginfoAddress(core, 'info', infoRead);
    operations.waitid.write(core.entry(), child0, child1, info0, statesOptionRead, keepOptionRead);
    return infoRead;
  },
};

export const write: Operation<[file: File, memory: Memory], Partial<RwOptions>> = {
  info: operations.write,
  known: ['offset', 'flags'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, file, memory) {
    const fileRead = reads.file('file', file);
    const memoryRead = reads.memory('memory', memory);
    const offsetOptionRead = reads.offset('options.offset', options.offset);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags2(flagsOption);
    const file0 = pins.file(core, 'file', fileRead);
    const memory0 = pins.address(core, 'memory', memoryRead);
    const memory1 = pins.length(core, 'memory', memoryRead);
    const memory2 = pins.bufferIndex(core, 'memory', memoryRead);
    const sqe = core.entry();
    operations.write.write(sqe, memory0, memory1, memory2, offsetOptionRead);
    sqe.file = file0;
    sqe.opFlags = flagsOptionRead;
    return memoryRead;
  },
};

export const writeFixed: Operation<[file: File, buffer: RegisteredBuffer], Partial<RwOptions>> = {
  info: operations.writeFixed,
  known: ['offset', 'flags'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, file, buffer) {
    const fileRead = reads.file('file', file);
    const bufferRead = reads.registeredBuffer('buffer', buffer);
    const offsetOptionRead = reads.offset('options.offset', options.offset);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags2(flagsOption);
    const file0 = pins.file(core, 'file', fileRead);
    const buffer0 = pins.address(core, 'buffer', bufferRead);
    const buffer1 = pins.length(core, 'buffer', bufferRead);
    const buffer2 = pins.bufferIndex(core, 'buffer', bufferRead);
    const sqe = core.entry();
    operations.writeFixed.write(sqe, buffer0, buffer1, buffer2, offsetOptionRead);
    sqe.file = file0;
    sqe.opFlags = flagsOptionRead;
    return bufferRead;
  },
};

export const writev: Operation<[file: File, pieces: readonly Memory[]], Partial<RwOptions>> = {
  info: operations.writev,
  known: ['offset', 'flags'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, file, pieces) {
    const fileRead = reads.file('file', file);
    const piecesRead = reads.pieces('pieces', pieces);
    const offsetOptionRead = reads.offset('options.offset', options.offset);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags2(flagsOption);
    const file0 = pins.file(core, 'file', fileRead);
    const pieces0 = pins.iovecs(core, 'pieces', piecesRead);
    const pieces1 = piecesRead.pieces.length;
    const pieces2 = pins.vectorIndex(core, 'pieces', piecesRead);
    const sqe = core.entry();
    operations.writev.write(sqe, pieces0, pieces1, pieces2, offsetOptionRead);
    sqe.file = file0;
    sqe.opFlags = flagsOptionRead;
    return piecesRead;
  },
};

export const writevFixed: Operation<[file: File, pieces: readonly RegisteredBuffer[]], Partial<RwOptions>> = {
  info: operations.writevFixed,
  known: ['offset', 'flags'],
  defaults: {},
  holds: 'until completed',
  encode(core, options, file, pieces) {
    const fileRead = reads.file('file', file);
    const piecesRead = reads.fixedPieces('pieces', pieces);
    const offsetOptionRead = reads.offset('options.offset', options.offset);
    const flagsOption = options.flags;
    const flagsOptionRead = flagsOption === undefined ? 0 : readFlags2(flagsOption);
    const file0 = pins.file(core, 'file', fileRead);
    const pieces0 = pins.iovecs(core, 'pieces', piecesRead);
    const pieces1 = piecesRead.pieces.length;
    const pieces2 = pins.vectorIndex(core, 'pieces', piecesRead);
    const sqe = core.entry();
    operations.writevFixed.write(sqe, pieces0, pieces1, pieces2, offsetOptionRead);
    sqe.file = file0;
    sqe.opFlags = flagsOptionRead;
    return piecesRead;
  },
};

function readFlags(value: unknown): number {
  return reads.integer('options.flags', value, 0, 2147483647);
}

function readOffset(value: unknown): number {
  return reads.integer('options.offset', value, 0, 9007199254740991);
}

function readLength(value: unknown): number {
  return reads.integer('options.length', value, 0, 9007199254740991);
}

function readMode(value: unknown): number {
  return reads.integer('options.mode', value, 0, 4294967295);
}

function readFlags2(value: unknown): number {
  return reads.integer('options.flags', value, 0, 4294967295);
}

function readLength2(value: unknown): number {
  return reads.integer('options.length', value, 0, 4294967295);
}

function readMask(value: unknown): number {
  return reads.integer('options.mask', value, 1, 4294967295);
}

function readCount(value: unknown): number {
  return reads.integer('count', value, 0, 2147483647);
}

function readMode2(value: unknown): number {
  return reads.integer('options.mode', value, 0, 4095);
}

function readMessageData(value: unknown): number {
  return reads.integer('options.messageData', value, 0, 9007199254740991);
}

function readRes(value: unknown): number {
  return reads.integer('options.res', value, -2147483648, 2147483647);
}

function readCqeFlags(value: unknown): number {
  return ofRings.messageFlags('options.cqeFlags', value, 0, 4294967295);
}

function readResult(value: unknown): number {
  return reads.integer('options.result', value, -2147483648, 2147483647);
}

function readLength3(value: unknown): number {
  return reads.integer('options.length', value, 0, 2147483647);
}

function readType(value: unknown): number {
  return reads.named('options.type', value, operations.SocketType.names);
}

function readProtocol(value: unknown): number {
  return reads.integer('options.protocol', value, 0, 2147483647);
}

function readMask2(value: unknown): number {
  return reads.integer('options.mask', value, 0, 4294967295);
}

function readFlags3(value: unknown): number {
  return reads.integer('options.flags', value, 0, 7);
}

function readCount2(value: unknown): number {
  return reads.integer('options.count', value, 0, 4294967295);
}
