/** Operations on rings, on other operations, and commands of drivers, with checked arguments. */

import { boolean, integer, options as record, wrongType, wrongValue } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { bytesOf, isUint8Array } from '../../structs/views.ts';
import * as control from '../ops/control.ts';
import { type CancelTarget, checkKey, opcodeOf } from '../ring/cancel.ts';
import type { RingCore } from '../ring/core/core.ts';
import type { AnyRing } from '../ring/core/rings.ts';
import { fdOfTarget } from '../ring/message.ts';
import { FixedFile, RegisteredFiles } from '../ring/owners/files.ts';
import { Pinned } from '../sys/memory.ts';
import type { AddressBuffer } from './address.ts';
import { define, type File, type NoOptions, useFile } from './kit.ts';

export const nop = define<[], NoOptions>('OP_NOP', [], (core) => {
  control.nop(core.entry());
});

// ---- other operations ---------------------------------------------------------------------------------------------------

export const asyncCancel = define<[userData: number], NoOptions>(
  'OP_ASYNC_CANCEL',
  [],
  (core, _options, userData) => {
    integer('userData', userData, 0, Number.MAX_SAFE_INTEGER);
    // no operation of ours has all ones: the kernel then says ENOENT
    const target = core.kernelUserData(userData)[0] ?? 0xffff_ffff_ffff_ffffn;
    control.asyncCancel(core.entry(), Number(target & 0xffff_ffffn), Number(target >> 32n), 0);
  },
);

/** What to cancel on a ring of promises: all operations on a file, or of a kind, or both at once; or `any`thing. */
export type CancelWhat = Pick<CancelTarget, 'fd' | 'op' | 'any'>;

export const cancel = define<[what: CancelWhat], NoOptions>('OP_ASYNC_CANCEL', [], (core, _options, what) => {
  if (typeof what !== 'object' || what === null)
    throw wrongType('what', 'an object with fd, op or any', what);
  record('what', what, ['fd', 'op', 'any']);
  const { fd: file, op, any = false } = what;
  boolean('what.any', any);
  checkKey('what', what);
  const opcode = op === undefined ? 0 : opcodeOf('what.op', op);
  const [fd, bit] = file === undefined ? [-1, 0] : useFile(core, 'what.fd', file);
  const flags =
    (any ? constants.IORING_ASYNC_CANCEL_ANY : 0) |
    (op === undefined ? 0 : constants.IORING_ASYNC_CANCEL_OP) |
    (file === undefined ? 0 : constants.IORING_ASYNC_CANCEL_FD) |
    (bit === 0 ? 0 : constants.IORING_ASYNC_CANCEL_FD_FIXED) |
    constants.IORING_ASYNC_CANCEL_ALL;
  core.entry().prepare(constants.IORING_OP_ASYNC_CANCEL, fd, 0, opcode, 0).opFlags = flags;
});

// ---- other rings --------------------------------------------------------------------------------------------------------

/** Options of `msgRing`. */
export interface MessageOptions {
  /** The userData that the other ring's completion has. */
  readonly messageData?: number;
  /** The res that it has. */
  readonly res?: number;
}

export const msgRing = define<[target: AnyRing | number], MessageOptions>(
  'OP_MSG_RING',
  ['messageData', 'res'],
  (core, options, target) => {
    const data = integer('options.messageData', options.messageData ?? 0, 0, Number.MAX_SAFE_INTEGER);
    const res = integer('options.res', options.res ?? 0, -0x8000_0000, 0x7fff_ffff);
    const fd = fdOfTarget(target);
    control.msgRing(core.entry(), fd, res, data);
  },
);

/** Options of `msgRingFd`. */
export interface MessageFileOptions {
  /** The userData that the other ring's completion has. */
  readonly messageData?: number;
  /** The other ring gets no completion (IORING_MSG_RING_CQE_SKIP, 6.0). */
  readonly silent?: boolean;
}

/** Where a file goes in another ring's table. */
export type OtherTable = FixedFile | RegisteredFiles;

/** The core of the ring that a table belongs to. */
function slotThere(into: OtherTable): [ring: AnyRing, fileIndex: number] {
  if (FixedFile.is(into)) return [into.table.ring, into.use(into.table.core) + 1];
  if (!RegisteredFiles.is(into)) throw wrongType('into', "another ring's file table, or a slot of it", into);
  into.use(into.core);
  return [into.ring, constants.IORING_FILE_INDEX_ALLOC];
}

export const msgRingFd = define<[file: FixedFile, into: OtherTable], MessageFileOptions>(
  'OP_MSG_RING',
  ['messageData', 'silent'],
  (core, options, file, into) => {
    const data = integer('options.messageData', options.messageData ?? 0, 0, Number.MAX_SAFE_INTEGER);
    const flags = options.silent ? constants.IORING_MSG_RING_CQE_SKIP : 0;
    if (!FixedFile.is(file)) throw wrongType('file', 'a FixedFile of this ring', file);
    const [target, index] = slotThere(into);
    const fd = fdOfTarget(target);
    control.msgRingFd(core.entry(), fd, file.use(core), index, data, flags);
  },
);

// ---- commands -----------------------------------------------------------------------------------------------------------

// `uringCmd` itself: command.ts

function socketCommand(
  core: RingCore,
  file: File,
  command: number,
  [level, option]: readonly [number, number],
  room: Pinned | undefined,
): Pinned | undefined {
  const [fd, bit] = useFile(core, 'socket', file);
  const { address, bytes } = room ?? { address: 0, bytes: { length: 0 } };
  control.uringCmdSock(core.entry(), fd, command, level, option, address, bytes.length).flags = bit;
  return room;
}

function optionKey(level: number, option: number): readonly [number, number] {
  return [integer('level', level, 0, 0x7fff_ffff), integer('option', option, 0, 0x7fff_ffff)];
}

/** The bytes of a socket option's value: those given, or an int's. */
function optionValue(value: number | Uint8Array): Pinned {
  if (typeof value === 'number') {
    const room = new Pinned(4);
    room.view.setInt32(0, integer('value', value, -0x8000_0000, 0x7fff_ffff), true);
    return room;
  }
  if (!isUint8Array(value)) throw wrongType('value', 'a number or a Uint8Array', value);
  const bytes = bytesOf(value);
  if (bytes.length === 0) throw wrongValue('value', 'at least one byte long', value);
  const room = new Pinned(bytes.length);
  room.bytes.set(bytes);
  return room;
}

export const getsockopt = define<[socket: File, level: number, option: number, room: Pinned], NoOptions>(
  'OP_URING_CMD',
  [],
  (core, _options, file, level, option, room) =>
    socketCommand(core, file, constants.SOCKET_URING_OP_GETSOCKOPT, optionKey(level, option), room),
);

export const setsockopt = define<
  [socket: File, level: number, option: number, value: number | Uint8Array],
  NoOptions
>('OP_URING_CMD', [], (core, _options, file, level, option, value) =>
  socketCommand(
    core,
    file,
    constants.SOCKET_URING_OP_SETSOCKOPT,
    optionKey(level, option),
    optionValue(value),
  ),
);

export const siocinq = define<[socket: File], NoOptions>('OP_URING_CMD', [], (core, _options, file) =>
  socketCommand(core, file, constants.SOCKET_URING_OP_SIOCINQ, [0, 0], undefined),
);

export const siocoutq = define<[socket: File], NoOptions>('OP_URING_CMD', [], (core, _options, file) =>
  socketCommand(core, file, constants.SOCKET_URING_OP_SIOCOUTQ, [0, 0], undefined),
);

/** Options of `getsockname`. */
export interface SocketNameOptions {
  /** The address of the other side, as getpeername(2). */
  readonly peer?: boolean;
}

export const getsockname = define<[socket: File, room: AddressBuffer], SocketNameOptions>(
  'OP_URING_CMD',
  ['peer'],
  (core, options, file, room) => {
    const peer = options.peer ? 1 : 0;
    const [fd, bit] = useFile(core, 'socket', file);
    const { address, lengthAddress, held } = room.use();
    control.uringCmdGetsockname(core.entry(), fd, address, lengthAddress, peer).flags = bit;
    return held;
  },
);
