/** Operations on sockets. */
import { ADDRESS_ROOM } from '../../structs/address.ts';
import { boolean, copyList, descriptor, integer, oneOf, wrongType, wrongValue } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { Msghdr } from '../../structs/socket.ts';
import { type SocketOptionName, socketOptions } from '../../structs/socket-options.ts';
import { RecvmsgOut } from '../../structs/sqe.ts';
import { isUint8Array } from '../../structs/views.ts';
import * as control from '../ops/control.ts';
import * as net from '../ops/net.ts';
import type { SqeCursor } from '../ops/sqe.ts';
import type { RingCore } from '../ring/core/core.ts';
import { BufferRing } from '../ring/owners/buffer-ring.ts';
import { Pinned } from '../sys/memory.ts';
import {
  addressBuffer,
  addressBufferThere,
  keptAddress,
  pinAddressBuffer,
  pinAddressLength,
} from './address.ts';
import { type Kind, type NamedType, operation, options } from './declare.ts';
import * as kinds from './kinds.ts';
import {
  keptRoom,
  MSG_CMSG_CLOEXEC,
  messageBuffer,
  outgoing,
  pinMessageBuffer,
  pinOutgoing,
} from './msghdr.ts';
import * as pin from './pin.ts';
import * as read from './read.ts';

const {
  IORING_ACCEPT_MULTISHOT,
  IORING_RECV_MULTISHOT,
  IORING_RECVSEND_BUNDLE,
  IORING_RECVSEND_POLL_FIRST,
  IORING_SEND_ZC_REPORT_USAGE,
} = constants;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
/** The most control data that a message may have room for. */
const MAX_CONTROL = 65_536;

// ---- sockets ----------------------------------------------------------------------------------------------

export const Domain: NamedType = {
  name: 'Domain',
  doc: 'The family of a socket: its name, or the number of AF_*.',
  names: { unix: 1, IPv4: 2, IPv6: 10 },
  orNumber: true,
};

export const SocketType: NamedType = {
  name: 'SocketType',
  doc: "What a socket carries: SOCK_*. `'stream'` is TCP, `'datagram'` UDP.",
  names: { stream: 1, datagram: 2, raw: 3, seqpacket: 5 },
};

export const ShutdownHow: NamedType = {
  name: 'ShutdownHow',
  doc: 'Which half of a connection ends.',
  names: { read: 0, write: 1, both: 2 },
};

const INTO =
  "Into the file table: a slot; or the table, or `'alloc'`, for a free one, which the completion's res then names.";

export const SocketCreateOptions = options('SocketCreateOptions', 'Options of `socket`.', {
  type: kinds.optionalNamed(SocketType, "`'stream'` when absent.", 1),
  protocol: kinds.option('The number of a protocol; 0 when absent.', 0, 0x7fff_ffff, 0),
  nonBlocking: kinds.flag(
    'Operations by others than a ring return EAGAIN instead of waiting (SOCK_NONBLOCK).',
  ),
  into: kinds.into(INTO),
});

export const socket = operation({
  op: 'OP_SOCKET',
  doc: 'Makes a socket.',
  args: { domain: kinds.named(Domain) },
  options: SocketCreateOptions,
  write(sqe, domain, type, protocol, nonBlocking, into) {
    const flags = (into === 0 ? SOCK_CLOEXEC : 0) | (nonBlocking * SOCK_NONBLOCK);
    net.socket(sqe, domain, type | flags, protocol, into);
  },
  params: { domain: "`'IPv4'`, `'IPv6'`, `'unix'`, or AF_*" },
  result: 'file',
  errors: {
    EAFNOSUPPORT: 'this system has no such family',
    EPROTONOSUPPORT: 'the family has no such protocol',
    EACCES: 'a raw socket needs CAP_NET_RAW',
    EPERM: 'a raw socket needs CAP_NET_RAW',
    EMFILE: 'this process has too many open files (ulimit -n)',
    ENFILE: 'no slot of the file table is free, or the system has too many open files',
  },
  see: 'io_uring_prep_socket(3)',
});

export const bind = operation({
  op: 'OP_BIND',
  doc: 'Gives a socket its address.',
  args: { socket: kinds.file, address: kinds.address },
  write(sqe, socket, address, length) {
    net.bind(sqe, 0, address, length);
    sqe.file = socket;
  },
  params: { address: '`{ address, port }` (port 0: a free one), or `{ path }` of a Unix socket' },
  result: 'nothing',
  errors: {
    EADDRINUSE: 'another socket has it; a Unix path is there already',
    EADDRNOTAVAIL: 'this host has no such address',
    EACCES: 'a port below 1024 needs CAP_NET_BIND_SERVICE',
    EINVAL: 'the socket has an address already',
  },
  see: 'io_uring_prep_bind(3)',
});

export const listen = operation({
  op: 'OP_LISTEN',
  doc: 'Lets a socket take connections.',
  args: { socket: kinds.file, backlog: kinds.s32 },
  write(sqe, socket, backlog) {
    net.listen(sqe, 0, backlog);
    sqe.file = socket;
  },
  params: { backlog: 'how many may wait to be accepted' },
  result: 'nothing',
  errors: { EADDRINUSE: 'another socket listens there', EOPNOTSUPP: 'such a socket takes no connections' },
  see: 'io_uring_prep_listen(3)',
});

export const connect = operation({
  op: 'OP_CONNECT',
  doc: 'Connects a socket.',
  args: { socket: kinds.file, address: kinds.address },
  write(sqe, socket, address, length) {
    net.connect(sqe, 0, address, length);
    sqe.file = socket;
  },
  result: 'nothing',
  errors: {
    ECONNREFUSED: 'nobody listens there',
    ETIMEDOUT: 'nobody answers there',
    ENETUNREACH: 'there is no route to it',
    EHOSTUNREACH: 'there is no route to it',
    ENOENT: 'there is no such path',
    EISCONN: 'the socket is connected already',
  },
  see: 'io_uring_prep_connect(3)',
});

const ACCEPT_ERRORS = {
  EINVAL: 'the socket does not listen',
  EMFILE: 'this process has too many open files (ulimit -n)',
  ENFILE: 'no slot of the file table is free, or the system has too many open files',
};

export const AcceptOptions = options('AcceptOptions', 'Options of `accept`.', {
  peer: {
    type: 'AddressBuffer',
    read: addressBuffer,
    pin: [pinAddressBuffer, pinAddressLength],
    holds: 'until completed',
    keep: keptAddress,
    doc: 'Gets the address of the peer.',
  },
  flags: kinds.bits('SOCK_NONBLOCK (0o4000). SOCK_CLOEXEC is added for an fd.', 0x7fff_ffff),
  into: kinds.into(INTO),
});

export const accept = operation({
  op: 'OP_ACCEPT',
  doc: 'Accepts a connection. One that came although the operation was cancelled is closed.',
  args: { server: kinds.file },
  options: AcceptOptions,
  write(sqe, server, peer, peerLength, flags, into) {
    net.accept(sqe, 0, peer, peerLength, flags | (into === 0 ? SOCK_CLOEXEC : 0), into);
    sqe.file = server;
  },
  result: 'file',
  errors: ACCEPT_ERRORS,
  see: 'io_uring_prep_accept(3)',
});

export const AcceptMultishotOptions = options('AcceptMultishotOptions', 'Options of `acceptMultishot`.', {
  flags: kinds.bits('SOCK_NONBLOCK (0o4000). SOCK_CLOEXEC is added for an fd.', 0x7fff_ffff),
  into: {
    type: "RegisteredFiles | 'alloc'",
    read: freeSlots,
    pin: [pin.fileIndex],
    doc: 'Into free slots of the file table.',
  },
});

/** The file table, for free slots of it. */
export function freeSlots(
  name: string,
  value: Parameters<typeof read.into>[1],
): ReturnType<typeof read.into> {
  const place = read.into(name, value);
  if (place === undefined || place === 'alloc' || !('index' in place)) return place;
  throw wrongValue(name, "the file table, or 'alloc': each connection needs a slot of its own", value);
}

export const acceptMultishot = operation({
  op: 'OP_ACCEPT',
  flag: 'ACCEPT_MULTISHOT',
  doc: 'Accepts one connection after the other, each with a completion of its own. Those that nobody takes are closed.',
  args: { server: kinds.file },
  options: AcceptMultishotOptions,
  write(sqe, server, flags, into) {
    net.accept(sqe, 0, 0, 0, flags | (into === 0 ? SOCK_CLOEXEC : 0), into).ioprio = IORING_ACCEPT_MULTISHOT;
    sqe.file = server;
  },
  returns: 'an iterator of RingFile; with `into` of FixedFile',
  byHand: true,
  errors: ACCEPT_ERRORS,
  see: 'io_uring_prep_multishot_accept(3)',
});

export const shutdown = operation({
  op: 'OP_SHUTDOWN',
  doc: 'Ends one half of a connection, or both.',
  args: { socket: kinds.file, how: kinds.named(ShutdownHow) },
  write(sqe, socket, how) {
    net.shutdown(sqe, 0, how);
    sqe.file = socket;
  },
  result: 'nothing',
  errors: { ENOTCONN: 'the socket is not connected' },
  see: 'io_uring_prep_shutdown(3)',
});

// ---- sends ------------------------------------------------------------------------------------------------

export const SocketOptions = options('SocketOptions', 'Options of sends and receives.', {
  flags: kinds.bits('MSG_*: MSG_WAITALL (0x100) goes on until all is sent, or the memory is full.'),
  pollFirst: kinds.flag('Waits for the socket before trying it (IORING_RECVSEND_POLL_FIRST, 5.19).'),
});

export const SendOptions = options(
  'SendOptions',
  'Options of `send`.',
  {
    to: {
      type: 'SocketAddressLike',
      read: read.optionalAddress,
      pin: [pin.copy, pin.copyLength],
      holds: 'until completed',
      doc: 'Where it goes, on a socket without a connection (6.1; zero-copy 6.0).',
    },
  },
  SocketOptions,
);

export const ZeroCopyOptions = options(
  'ZeroCopyOptions',
  'Options of `sendZeroCopy`.',
  {
    reportUsage: kinds.flag(
      'The completion that says that the memory is free tells whether data was copied all the same: IORING_NOTIF_USAGE_ZC_COPIED in its res (IORING_SEND_ZC_REPORT_USAGE, 6.2).',
    ),
  },
  SendOptions,
);

const SEND_ERRORS = {
  EPIPE: 'the connection is broken, or its writing half was ended',
  ECONNRESET: 'the other side has reset the connection',
  ENOTCONN: 'the socket is not connected',
  EMSGSIZE: 'the datagram is larger than the socket can send',
  EDESTADDRREQ: 'the socket has no peer: { to }',
};
const ZERO_COPY_ERRORS = {
  ...SEND_ERRORS,
  EOPNOTSUPP: 'such a socket can not send without copying, as a Unix one',
};

function sendTo(sqe: SqeCursor, socket: number, pollFirst: number, to: number, length: number): void {
  if (to !== 0) net.sendTo(sqe, to, length);
  if (pollFirst !== 0) sqe.ioprio |= IORING_RECVSEND_POLL_FIRST;
  sqe.file = socket;
}

export const send = operation({
  op: 'OP_SEND',
  doc: 'Sends from memory. MSG_NOSIGNAL is implied: a broken connection is EPIPE.',
  args: { socket: kinds.file, memory: kinds.memory },
  options: SendOptions,
  write(sqe, socket, address, length, _index, flags, pollFirst, to, toLength) {
    net.send(sqe, 0, address, length, flags);
    sendTo(sqe, socket, pollFirst, to, toLength);
  },
  returns: 'how many bytes, which may be fewer',
  result: 'count',
  errors: SEND_ERRORS,
  see: 'io_uring_prep_send(3)',
});

export const sendBundle = operation({
  op: 'OP_SEND',
  flag: 'RECVSEND_BUNDLE',
  doc: 'Sends what is in the buffers of a pool that the caller fills, in their order, as many at once as there are.',
  args: { socket: kinds.file, pool: kinds.pool },
  options: SocketOptions,
  write(sqe, socket, group, flags, pollFirst) {
    net.send(sqe, 0, 0, 0, flags).group = group;
    sqe.ioprio = IORING_RECVSEND_BUNDLE;
    sendTo(sqe, socket, pollFirst, 0, 0);
  },
  returns: 'how many bytes',
  result: 'count',
  errors: { ...SEND_ERRORS, ENOBUFS: 'the pool has no buffer with data' },
  see: 'io_uring_prep_send_bundle(3)',
});

export const sendZeroCopy = operation({
  op: 'OP_SEND_ZC',
  doc: 'Sends without copying; memory of a registered buffer needs no pinning either. A second completion, IORING_CQE_F_NOTIF, says that the memory is free: on TCP when the other side has it.',
  args: { socket: kinds.file, memory: kinds.memory },
  options: ZeroCopyOptions,
  write(sqe, socket, address, length, index, flags, pollFirst, to, toLength, reportUsage) {
    if (index >= 0) net.sendZcFixed(sqe, 0, address, length, flags, index);
    else net.sendZc(sqe, 0, address, length, flags);
    if (reportUsage !== 0) sqe.ioprio |= IORING_SEND_ZC_REPORT_USAGE;
    sendTo(sqe, socket, pollFirst, to, toLength);
  },
  returns:
    'how many bytes, when the kernel does not need the memory any more; `.sent` tells as soon as they are sent',
  result: 'sent',
  errors: ZERO_COPY_ERRORS,
  see: 'io_uring_prep_send_zc(3)',
  aliases: ['sendZc'],
});

const message: Kind = {
  type: 'OutgoingMessage',
  read: outgoing,
  pin: [pinOutgoing],
  holds: 'until completed',
};

export const sendmsg = operation({
  op: 'OP_SENDMSG',
  doc: 'Sends a message: data in pieces, to an address, with control data such as `passFds([fd])`.',
  args: { socket: kinds.file, message },
  options: SocketOptions,
  write(sqe, socket, message, flags, pollFirst) {
    net.sendmsg(sqe, 0, message, flags);
    sendTo(sqe, socket, pollFirst, 0, 0);
  },
  returns: 'how many bytes',
  result: 'count',
  errors: SEND_ERRORS,
  see: 'io_uring_prep_sendmsg(3)',
});

export const sendmsgZeroCopy = operation({
  op: 'OP_SENDMSG_ZC',
  doc: 'As `sendmsg` without copying the data; see `sendZeroCopy`.',
  args: { socket: kinds.file, message },
  options: SocketOptions,
  write(sqe, socket, message, flags, pollFirst) {
    net.sendmsgZc(sqe, 0, message, flags);
    sendTo(sqe, socket, pollFirst, 0, 0);
  },
  returns:
    'how many bytes, when the kernel does not need the memory any more; `.sent` tells as soon as they are sent',
  result: 'sent',
  errors: ZERO_COPY_ERRORS,
  see: 'io_uring_prep_sendmsg_zc(3)',
  aliases: ['sendmsgZc'],
});

// ---- receives ---------------------------------------------------------------------------------------------

const RECEIVE_ERRORS = {
  ECONNRESET: 'the other side has reset the connection',
  ENOTCONN: 'the socket is not connected',
};
const POOL_ERRORS = {
  ...RECEIVE_ERRORS,
  ENOBUFS: 'no buffer of the pool is free: release parts, or make it larger',
};

export const recv = operation({
  op: 'OP_RECV',
  doc: 'Receives into memory, or into a buffer that the kernel picks from a pool when data is there.',
  args: { socket: kinds.file, memory: kinds.memoryOrPool },
  options: SocketOptions,
  write(sqe, socket, address, length, _index, group, flags, pollFirst) {
    net.recv(sqe, 0, address, length, flags);
    if (group >= 0) sqe.group = group;
    sendTo(sqe, socket, pollFirst, 0, 0);
  },
  returns:
    'how many bytes, 0 at the end; of a pool a part of a buffer, to be released, or undefined at the end',
  result: 'data',
  errors: POOL_ERRORS,
  see: 'io_uring_prep_recv(3)',
});

function receiveInto(
  sqe: SqeCursor,
  socket: number,
  group: number,
  flags: number,
  how: number,
  pollFirst: number,
): void {
  net.recv(sqe, 0, 0, 0, flags).group = group;
  sqe.ioprio = how;
  sendTo(sqe, socket, pollFirst, 0, 0);
}

export const recvMultishot = operation({
  op: 'OP_RECV',
  flag: 'RECV_MULTISHOT',
  doc: 'Receives again and again into buffers that the kernel picks from a pool. Each part is to be released; while none is free the receive waits, which slows the sender down. It ends where the connection does; so it does at a datagram without bytes.',
  args: { socket: kinds.file, pool: kinds.pool },
  options: SocketOptions,
  write(sqe, socket, group, flags, pollFirst) {
    receiveInto(sqe, socket, group, flags, IORING_RECV_MULTISHOT, pollFirst);
  },
  returns: 'an iterator of parts; by `ring.prepare` each completion is for `pool.take`',
  stream: { type: 'BufferPart', of: 'bufferStream', args: ['pool'] },
  errors: POOL_ERRORS,
  see: 'io_uring_prep_recv_multishot(3)',
});

export const recvBundle = operation({
  op: 'OP_RECV',
  flag: 'RECVSEND_BUNDLE',
  doc: 'Receives what has come into as many buffers of a pool as it takes; by `ring.prepare` the completion is for `pool.takeBundle`.',
  args: { socket: kinds.file, pool: kinds.pool },
  options: SocketOptions,
  write(sqe, socket, group, flags, pollFirst) {
    receiveInto(sqe, socket, group, flags, IORING_RECVSEND_BUNDLE, pollFirst);
  },
  returns: 'the parts in order, each to be released; none at the end',
  result: { type: 'BufferPart[]', of: 'bundle', args: ['pool'] },
  errors: POOL_ERRORS,
  see: 'io_uring_prep_recv(3)',
});

export const recvBundleMultishot = operation({
  op: 'OP_RECV',
  flag: 'RECVSEND_BUNDLE',
  doc: 'As `recvMultishot`, each completion with as many buffers of the pool as the data takes.',
  args: { socket: kinds.file, pool: kinds.pool },
  options: SocketOptions,
  write(sqe, socket, group, flags, pollFirst) {
    receiveInto(sqe, socket, group, flags, IORING_RECV_MULTISHOT | IORING_RECVSEND_BUNDLE, pollFirst);
  },
  returns:
    'an iterator of lists of parts, each part to be released; by `ring.prepare` each completion is for `pool.takeBundle`',
  stream: { type: 'BufferPart[]', of: 'bundleStream', args: ['pool'] },
  errors: POOL_ERRORS,
  see: 'io_uring_prep_recv_multishot(3)',
});

export const recvmsg = operation({
  op: 'OP_RECVMSG',
  doc: "Receives a message into memory in pieces, with the sender's address and control data. File descriptors that come are yours to close: `receivedFds(message.control)`.",
  args: {
    socket: kinds.file,
    room: {
      type: 'MessageBuffer | IncomingMessage',
      read: messageBuffer,
      pin: [pinMessageBuffer],
      holds: 'until completed',
      keep: keptRoom,
    },
  },
  options: SocketOptions,
  write(sqe, socket, message, flags, pollFirst) {
    net.recvmsg(sqe, 0, message, (flags | MSG_CMSG_CLOEXEC) >>> 0);
    sendTo(sqe, socket, pollFirst, 0, 0);
  },
  params: {
    room: '`{ data, control, address }`; or a MessageBuffer, whose `result(res)` has the message, to be used again and again',
  },
  byHand: true,
  errors: RECEIVE_ERRORS,
  see: 'io_uring_prep_recvmsg(3)',
});

/** What each message of a `recvmsgMultishot` has room for in its buffer, beside the header and the data. */
export class MessageRoom {
  /** Bytes for the sender's address. */
  name = 0;
  /** Bytes for control data. */
  control = 0;
  /** The msghdr that tells the kernel. */
  readonly header = new Pinned(Msghdr.size);
}

interface MessageRoomGiven {
  readonly control?: number | undefined;
  readonly address?: boolean | undefined;
}

/** Reads how much room messages have. */
export function messageRoom(name: string, given: MessageRoomGiven, room: MessageRoom): MessageRoom {
  const { control, address = false } = given;
  room.control = read.optional(`${name}.control`, control, 0, MAX_CONTROL, 0);
  room.name = boolean(`${name}.address`, address) ? ADDRESS_ROOM : 0;
  Msghdr.encodeInto(room.header.bytes, { msgNamelen: room.name, msgControllen: room.control });
  return room;
}

export function pinMessageRoom(core: RingCore, name: string, { header }: MessageRoom): number {
  return pin.copy(core, name, header);
}

/** How many bytes of each buffer are no data. */
export function overhead(_core: RingCore, _name: string, { name, control }: MessageRoom): number {
  return RecvmsgOut.size + name + control;
}

/** A pool whose buffers have room for a whole message. */
export function messagePool(name: string, value: BufferRing, room: MessageRoom): BufferRing {
  const pool = read.pool(name, value);
  const used = RecvmsgOut.size + room.name + room.control;
  const size = BufferRing.bufferSizeOf(pool);
  if (size <= used) throw wrongValue(name, `one with buffers of more than ${used} bytes`, size);
  // a buffer that is begun and has no room for a whole message makes every later one EFAULT
  const minLeft = BufferRing.minLeftOf(pool);
  if (minLeft !== undefined && minLeft <= used) {
    throw wrongValue(name, `one without incremental, or with minLeft of more than ${used} bytes`, {
      minLeft,
    });
  }
  return pool;
}

export const MessageRoomOptions = options(
  'MessageRoomOptions',
  'Options of `recvmsgMultishot`.',
  {
    control: { type: 'number', doc: 'Bytes of room for control data; none when absent.' },
    address: { type: 'boolean', doc: "Whether the senders' addresses are wanted." },
  },
  SocketOptions,
);

export const recvmsgMultishot = operation({
  op: 'OP_RECVMSG',
  flag: 'RECV_MULTISHOT',
  doc: 'Receives message after message into buffers that the kernel picks from a pool. Each is to be released, as in `recvMultishot`. A buffer has 16 bytes for a header, 128 for the address and `control` bytes beside the data. It ends when the signal aborts, or when the loop is left.',
  args: {
    socket: kinds.file,
    room: {
      type: 'MessageRoom',
      read: messageRoom,
      reads: ['options', 'room'],
      called: 'options',
      pin: [pinMessageRoom],
      holds: 'until completed',
    },
    pool: { ...kinds.pool, read: messagePool, reads: ['pool', 'room'] },
  },
  options: MessageRoomOptions,
  rooms: [{ arg: 'room', make: 'messageRoom', isHidden: true }],
  write(sqe, socket, message, group, flags, pollFirst) {
    net.recvmsg(sqe, 0, message, (flags | MSG_CMSG_CLOEXEC) >>> 0).group = group;
    sqe.ioprio = IORING_RECV_MULTISHOT;
    sendTo(sqe, socket, pollFirst, 0, 0);
  },
  returns:
    'an iterator of messages; by `ring.prepare` each completion is for `pool.take`, then `messagePart`',
  stream: { type: 'MessagePart', of: 'messageStream', args: ['pool', 'room'] },
  errors: POOL_ERRORS,
  see: 'io_uring_prep_recvmsg_multishot(3)',
});

export const recvZc = operation({
  op: 'OP_RECV_ZC',
  doc: 'Receives into the memory of a zero-copy queue, again and again.',
  args: { socket: kinds.file, queue: { type: 'number', read: queueId } },
  write(sqe, socket, queue) {
    net.recvZc(sqe, 0, 0, queue);
    sqe.file = socket;
  },
  params: { queue: 'the id of the queue: `ifq.id`' },
  see: 'io_uring_register_ifq(3)',
  notIn: { async: 'its completions name places in the area of a queue, which `ring.prepare` takes' },
});

/** The id of a zero-copy queue. */
export function queueId(name: string, value: number): number {
  return descriptor(name, value);
}

// ---- commands ---------------------------------------------------------------------------------------------

/** A socket option: its name, or its level and number. */
export type SocketOption = SocketOptionName | readonly [level: number, number: number];

/** Reads an option: its level and its number. */
export function optionKey(name: string, value: SocketOption): readonly [level: number, number: number] {
  if (typeof value === 'string') return socketOptions[oneOf(name, value, OPTION_NAMES)];
  const [level, number] = copyList(name, value, 2, 2);
  return [integer(`${name}[0]`, level, 0, 0x7fff_ffff), integer(`${name}[1]`, number, 0, 0x7fff_ffff)];
}

export function optionLevel(_core: RingCore, _name: string, [level]: readonly [number, number]): number {
  return level;
}

export function optionNumber(_core: RingCore, _name: string, [, number]: readonly [number, number]): number {
  return number;
}

const OPTION_NAMES = Object.keys(socketOptions).filter(
  (name): name is SocketOptionName => name in socketOptions,
);
const socketOption: Kind = { type: 'SocketOption', read: optionKey, pin: [optionLevel, optionNumber] };

/** The bytes of a socket option's value: those given, or an int's. */
export function optionValue(name: string, value: number | boolean | Uint8Array): Pinned {
  if (isUint8Array(value)) return read.pinnedCopy(value);
  if (typeof value !== 'number' && typeof value !== 'boolean')
    throw wrongType(name, 'a number, a boolean or a Uint8Array', value);
  const room = new Pinned(4);
  room.view.setInt32(0, integer(name, Number(value), -0x8000_0000, 0x7fff_ffff), true);
  return room;
}

const OPTION_ERRORS = {
  EOPNOTSUPP: 'only options of SOL_SOCKET can be read by a ring (getsockopt)',
  ENOPROTOOPT: 'the socket has no such option',
  EINVAL: 'the value has another length or range',
};

export const getsockopt = operation({
  op: 'OP_URING_CMD',
  flag: 'SOCKET_URING_OP_GETSOCKOPT',
  doc: 'Reads an option of a socket.',
  args: {
    socket: kinds.file,
    option: socketOption,
    value: kinds.view,
  },
  rooms: [{ arg: 'value', make: 'optionRoom' }],
  write(sqe, socket, level, option, value, length) {
    control.uringCmdSock(sqe, 0, constants.SOCKET_URING_OP_GETSOCKOPT, level, option, value, length);
    sqe.file = socket;
  },
  params: {
    option: "one of SOL_SOCKET: `'SO_ERROR'`, or `[level, number]`",
    value: "gets the value; its length is the completion's res",
  },
  returns: 'its value, 4 bytes little-endian for most',
  result: { type: 'Uint8Array', of: 'beginningOf', args: ['value'] },
  errors: OPTION_ERRORS,
  see: 'io_uring_prep_cmd_sock(3)',
});

export const setsockopt = operation({
  op: 'OP_URING_CMD',
  flag: 'SOCKET_URING_OP_SETSOCKOPT',
  doc: 'Changes an option of a socket.',
  args: {
    socket: kinds.file,
    option: socketOption,
    value: {
      type: 'number | boolean | Uint8Array',
      read: optionValue,
      pin: [pin.copy, pin.copyLength],
      holds: 'until completed',
    },
  },
  write(sqe, socket, level, option, value, length) {
    control.uringCmdSock(sqe, 0, constants.SOCKET_URING_OP_SETSOCKOPT, level, option, value, length);
    sqe.file = socket;
  },
  params: {
    option: "`'TCP_NODELAY'` and the other names of `socketOptions`, or `[level, number]`",
    value: 'a number or a boolean for an int, or the bytes',
  },
  result: 'nothing',
  errors: OPTION_ERRORS,
  see: 'io_uring_prep_cmd_sock(3)',
});

export const siocinq = operation({
  op: 'OP_URING_CMD',
  flag: 'SOCKET_URING_OP_SIOCINQ',
  doc: 'Tells how many bytes wait to be received.',
  args: { socket: kinds.file },
  write(sqe, socket) {
    control.uringCmdSock(sqe, 0, constants.SOCKET_URING_OP_SIOCINQ, 0, 0, 0, 0);
    sqe.file = socket;
  },
  result: 'count',
  errors: { EINVAL: 'the socket listens' },
  see: 'io_uring_prep_cmd_sock(3)',
});

export const siocoutq = operation({
  op: 'OP_URING_CMD',
  flag: 'SOCKET_URING_OP_SIOCOUTQ',
  doc: 'Tells how many bytes were sent and are not acknowledged.',
  args: { socket: kinds.file },
  write(sqe, socket) {
    control.uringCmdSock(sqe, 0, constants.SOCKET_URING_OP_SIOCOUTQ, 0, 0, 0, 0);
    sqe.file = socket;
  },
  result: 'count',
  errors: { EINVAL: 'the socket listens' },
  see: 'io_uring_prep_cmd_sock(3)',
});

const nameRoom: Kind = {
  type: 'AddressBuffer',
  read: addressBufferThere,
  pin: [pinAddressBuffer, pinAddressLength],
  holds: 'until completed',
  keep: keptAddress,
};

export const getsockname = operation({
  op: 'OP_URING_CMD',
  flag: 'SOCKET_URING_OP_GETSOCKNAME',
  doc: 'Tells the address of a socket. Where the kernel has no such command, AsyncRing asks libc, which takes no slot of the file table.',
  args: { socket: kinds.file, room: nameRoom },
  rooms: [{ arg: 'room', make: 'addressRoom' }],
  write(sqe, socket, address, length) {
    control.uringCmdGetsockname(sqe, 0, address, length, 0);
    sqe.file = socket;
  },
  result: { type: 'SocketAddress | undefined', of: 'addressOf', args: ['room'] },
  see: 'io_uring_prep_cmd_getsockname(3)',
  byHand: true,
});

export const getpeername = operation({
  op: 'OP_URING_CMD',
  flag: 'SOCKET_URING_OP_GETSOCKNAME',
  doc: "Tells the address of a socket's peer. Where the kernel has no such command, AsyncRing asks libc, which takes no slot of the file table.",
  args: { socket: kinds.file, room: nameRoom },
  rooms: [{ arg: 'room', make: 'addressRoom' }],
  write(sqe, socket, address, length) {
    control.uringCmdGetsockname(sqe, 0, address, length, 1);
    sqe.file = socket;
  },
  result: { type: 'SocketAddress | undefined', of: 'addressOf', args: ['room'] },
  errors: { ENOTCONN: 'the socket is not connected' },
  see: 'io_uring_prep_cmd_getsockname(3)',
  byHand: true,
});
