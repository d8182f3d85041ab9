/** Operations on sockets: making, connecting, accepting, and what is known of them. */
import { copyList, integer, oneOf, wrongType, wrongValue } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { type SocketOptionName, socketOptions } from '../../structs/socket-options.ts';
import { isUint8Array } from '../../structs/views.ts';
import * as preparers from '../ops/preparers.ts';
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
import * as pin from './pin.ts';
import * as read from './read.ts';

const { IORING_ACCEPT_MULTISHOT } = constants;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
/** What getsockopt has room for. */
const OPTION_ROOM = 256;

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
    SOCK_NONBLOCK,
  ),
  into: kinds.into(INTO),
});

export const socket = operation({
  op: 'OP_SOCKET',
  doc: 'Makes a socket.',
  args: { domain: kinds.named(Domain) },
  options: SocketCreateOptions,
  write(sqe, domain, type, protocol, nonBlocking, into) {
    const flags = (into === 0 ? SOCK_CLOEXEC : 0) | nonBlocking;
    preparers.socket(sqe, domain, type | flags, protocol, into);
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
});

export const bind = operation({
  op: 'OP_BIND',
  doc: 'Gives a socket its address.',
  args: { socket: kinds.file, address: kinds.address },
  write: (sqe, address, length) => preparers.bind(sqe, 0, address, length),
  params: { address: '`{ address, port }` (port 0: a free one), or `{ path }` of a Unix socket' },
  result: 'nothing',
  errors: {
    EADDRINUSE: 'another socket has it; a Unix path is there already',
    EADDRNOTAVAIL: 'this host has no such address',
    EACCES: 'a port below 1024 needs CAP_NET_BIND_SERVICE',
    EINVAL: 'the socket has an address already',
  },
});

export const listen = operation({
  op: 'OP_LISTEN',
  doc: 'Lets a socket take connections.',
  args: { socket: kinds.file, backlog: kinds.s32 },
  write: (sqe, backlog) => preparers.listen(sqe, 0, backlog),
  params: { backlog: 'how many may wait to be accepted' },
  result: 'nothing',
  errors: { EADDRINUSE: 'another socket listens there', EOPNOTSUPP: 'such a socket takes no connections' },
});

export const connect = operation({
  op: 'OP_CONNECT',
  doc: 'Connects a socket.',
  args: { socket: kinds.file, address: kinds.address },
  write: (sqe, address, length) => preparers.connect(sqe, 0, address, length),
  result: 'nothing',
  errors: {
    ECONNREFUSED: 'nobody listens there',
    ETIMEDOUT: 'nobody answers there',
    ENETUNREACH: 'there is no route to it',
    EHOSTUNREACH: 'there is no route to it',
    ENOENT: 'there is no such path',
    EISCONN: 'the socket is connected already',
  },
});

const ACCEPT_ERRORS = {
  EINVAL: 'the socket does not listen',
  EMFILE: 'this process has too many open files (ulimit -n)',
  ENFILE: 'no slot of the file table is free, or the system has too many open files',
};

const addressRoom: Kind = {
  type: 'AddressBuffer',
  read: addressBufferThere,
  pin: [pinAddressBuffer, pinAddressLength],
  holds: 'until completed',
  keep: keptAddress,
};

export const AcceptOptions = options('AcceptOptions', 'Options of `accept`.', {
  peer: { ...addressRoom, read: addressBuffer, doc: 'Gets the address of the peer.' },
  flags: kinds.bits('SOCK_NONBLOCK (0o4000). SOCK_CLOEXEC is added for an fd.', 0x7fff_ffff),
  into: kinds.into(INTO),
});

export const accept = operation({
  op: 'OP_ACCEPT',
  doc: 'Accepts a connection. One that came although the operation was cancelled is closed.',
  args: { server: kinds.file },
  options: AcceptOptions,
  write: (sqe, peer, peerLength, flags, into) =>
    preparers.accept(sqe, 0, peer, peerLength, flags | (into === 0 ? SOCK_CLOEXEC : 0), into),
  result: 'file',
  errors: ACCEPT_ERRORS,
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
  write(sqe, flags, into) {
    preparers.accept(sqe, 0, 0, 0, flags | (into === 0 ? SOCK_CLOEXEC : 0), into).ioprio =
      IORING_ACCEPT_MULTISHOT;
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
  write: (sqe, how) => preparers.shutdown(sqe, 0, how),
  result: 'nothing',
  errors: { ENOTCONN: 'the socket is not connected' },
});

// ---- commands ---------------------------------------------------------------------------------------------

/** A socket option: its name, or its level and number. */
export type SocketOption = SocketOptionName | readonly [level: number, number: number];

/** Reads an option. */
export function optionKey(name: string, value: SocketOption): { level: number; number: number } {
  const isName = typeof value === 'string';
  const [level, number] = isName
    ? socketOptions[oneOf(name, value, OPTION_NAMES)]
    : copyList(name, value, 2, 2);
  return {
    level: integer(`${name}[0]`, level, 0, 0x7fff_ffff),
    number: integer(`${name}[1]`, number, 0, 0x7fff_ffff),
  };
}

const OPTION_NAMES = Object.keys(socketOptions).filter(
  (name): name is SocketOptionName => name in socketOptions,
);
const socketOption: Kind = { type: 'SocketOption', read: optionKey, pin: ['level', 'number'] };

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
  rooms: [{ arg: 'value', bytes: OPTION_ROOM }],
  write: (sqe, level, option, value, length) =>
    preparers.uringCmdSock(sqe, 0, constants.SOCKET_URING_OP_GETSOCKOPT, level, option, value, length),
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
      pin: ['address', 'bytes.length'],
      holds: 'until completed',
    },
  },
  write: (sqe, level, option, value, length) =>
    preparers.uringCmdSock(sqe, 0, constants.SOCKET_URING_OP_SETSOCKOPT, level, option, value, length),
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
  write: (sqe) => preparers.uringCmdSock(sqe, 0, constants.SOCKET_URING_OP_SIOCINQ, 0, 0, 0, 0),
  result: 'count',
  errors: { EINVAL: 'the socket listens' },
  see: 'io_uring_prep_cmd_sock(3)',
});

export const siocoutq = operation({
  op: 'OP_URING_CMD',
  flag: 'SOCKET_URING_OP_SIOCOUTQ',
  doc: 'Tells how many bytes were sent and are not acknowledged.',
  args: { socket: kinds.file },
  write: (sqe) => preparers.uringCmdSock(sqe, 0, constants.SOCKET_URING_OP_SIOCOUTQ, 0, 0, 0, 0),
  result: 'count',
  errors: { EINVAL: 'the socket listens' },
  see: 'io_uring_prep_cmd_sock(3)',
});

export const getsockname = operation({
  op: 'OP_URING_CMD',
  flag: 'SOCKET_URING_OP_GETSOCKNAME',
  doc: 'Tells the address of a socket. Where the kernel has no such command, AsyncRing asks libc, which takes no slot of the file table.',
  args: { socket: kinds.file, room: addressRoom },
  rooms: [{ arg: 'room', make: 'addressRoom' }],
  write: (sqe, address, length) => preparers.uringCmdGetsockname(sqe, 0, address, length, 0),
  result: { type: 'SocketAddress | undefined', of: 'addressOf', args: ['room'] },
  see: 'io_uring_prep_cmd_getsockname(3)',
  byHand: true,
});

export const getpeername = operation({
  op: 'OP_URING_CMD',
  flag: 'SOCKET_URING_OP_GETSOCKNAME',
  doc: "Tells the address of a socket's peer. Where the kernel has no such command, AsyncRing asks libc, which takes no slot of the file table.",
  args: { socket: kinds.file, room: addressRoom },
  rooms: [{ arg: 'room', make: 'addressRoom' }],
  write: (sqe, address, length) => preparers.uringCmdGetsockname(sqe, 0, address, length, 1),
  result: { type: 'SocketAddress | undefined', of: 'addressOf', args: ['room'] },
  errors: { ENOTCONN: 'the socket is not connected' },
  see: 'io_uring_prep_cmd_getsockname(3)',
  byHand: true,
});
