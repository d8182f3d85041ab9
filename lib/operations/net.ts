/** Operations on sockets, with checked arguments. */
import { ADDRESS_ROOM, encodeAddress, type SocketAddressLike } from '../../structs/address.ts';
import { boolean, descriptor, integer, oneOf, U32_MAX, wrongType, wrongValue } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { Msghdr } from '../../structs/socket.ts';
import { RecvmsgOut } from '../../structs/sqe.ts';
import * as net from '../ops/net.ts';
import type { SqeCursor } from '../ops/sqe.ts';
import type { RingCore } from '../ring/core/core.ts';
import { BufferRing } from '../ring/owners/buffer-ring.ts';
import { RegisteredBuffer } from '../ring/owners/buffers.ts';
import { addressOf, Pinned } from '../sys/memory.ts';
import { type AddressBuffer, addressBuffer } from './address.ts';
import {
  define,
  type File,
  fileIndex,
  heldBy,
  type Into,
  type Memory,
  type NoOptions,
  useFile,
  useMemory,
} from './kit.ts';
import {
  type IncomingMessage,
  type MessageBuffer,
  MSG_CMSG_CLOEXEC,
  messageBuffer,
  type OutgoingMessage,
  outgoing,
} from './msghdr.ts';

/** Options of sends and receives. */
export interface SocketOptions {
  /** MSG_* */
  readonly flags?: number;
  /** Waits for the socket before trying it (IORING_RECVSEND_POLL_FIRST, 5.19). */
  readonly pollFirst?: boolean;
}

/** Options of sends. */
export interface SendOptions extends SocketOptions {
  /** Where it goes, on a socket without a connection (6.1; zero-copy 6.0). */
  readonly to?: SocketAddressLike;
}

/** Options of `socket`. */
export interface SocketCreateOptions {
  /** `'stream'` (TCP) when absent; `'datagram'` is UDP. */
  readonly type?: 'stream' | 'datagram' | 'seqpacket' | 'raw';
  /** The number of a protocol; 0 when absent. */
  readonly protocol?: number;
  /** Operations by others than a ring return EAGAIN instead of waiting (SOCK_NONBLOCK). */
  readonly nonBlocking?: boolean;
  /** Into the file table: a slot; or the table, or `'alloc'`, for a free one, which the completion's res then names. */
  readonly into?: Into;
}

/** Options of `accept`. */
export interface AcceptOptions {
  /** Gets the address of the peer. */
  readonly peer?: AddressBuffer;
  /** SOCK_NONBLOCK (0o4000). SOCK_CLOEXEC is added for an fd. */
  readonly flags?: number;
  /** Into the file table (5.15): see `socket`. */
  readonly into?: Into;
}

/** Options of `acceptMultishot`. */
export interface AcceptMultishotOptions {
  readonly flags?: number;
  /** Into free slots of the file table. */
  readonly into?: Exclude<Into, { readonly index: number }>;
}

const {
  IORING_ACCEPT_MULTISHOT,
  IORING_RECV_MULTISHOT,
  IORING_RECVSEND_BUNDLE,
  IORING_RECVSEND_POLL_FIRST,
  IOSQE_BUFFER_SELECT,
} = constants;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
/** The most control data that a message may have room for. */
const MAX_CONTROL = 65_536;
const SENDS = ['flags', 'pollFirst', 'to'];
const RECEIVES = ['flags', 'pollFirst'];

const DOMAINS = { unix: 1, IPv4: 2, IPv6: 10 } as const;
/** SOCK_* */
const TYPES = { stream: 1, datagram: 2, raw: 3, seqpacket: 5 } as const;
/** What `socket` calls a family: its name, or the number of AF_*. */
export type Domain = keyof typeof DOMAINS | number;

function domainOf(domain: Domain): number {
  if (typeof domain === 'number') return integer('domain', domain, 0, 0xffff);
  return DOMAINS[oneOf('domain', domain, ['unix', 'IPv4', 'IPv6'])];
}

// ---- sockets ------------------------------------------------------------------------------------------------------------

export const socket = define<[domain: Domain], SocketCreateOptions>(
  'OP_SOCKET',
  ['type', 'protocol', 'nonBlocking', 'into'],
  (core, options, domain) => {
    const { type = 'stream', protocol = 0, nonBlocking, into } = options;
    const kind = TYPES[oneOf('options.type', type, ['stream', 'datagram', 'seqpacket', 'raw'])];
    const family = domainOf(domain);
    integer('options.protocol', protocol, 0, 0x7fff_ffff);
    const index = fileIndex(core, into);
    const flags = (index === 0 ? SOCK_CLOEXEC : 0) | (nonBlocking ? SOCK_NONBLOCK : 0);
    net.socket(core.entry(), family, kind | flags, protocol, index);
  },
);

export const bind = define<[socket: File, address: SocketAddressLike], NoOptions>(
  'OP_BIND',
  [],
  (core, _options, file, address) => {
    const bytes = encodeAddress('address', address);
    const [fd, bit] = useFile(core, 'socket', file);
    net.bind(core.entry(), fd, addressOf('address', bytes), bytes.length).flags = bit;
    return bytes;
  },
);

export const listen = define<[socket: File, backlog: number], NoOptions>(
  'OP_LISTEN',
  [],
  (core, _options, file, backlog) => {
    integer('backlog', backlog, 0, 0x7fff_ffff);
    const [fd, bit] = useFile(core, 'socket', file);
    net.listen(core.entry(), fd, backlog).flags = bit;
  },
);

export const connect = define<[socket: File, address: SocketAddressLike], NoOptions>(
  'OP_CONNECT',
  [],
  (core, _options, file, address) => {
    const bytes = encodeAddress('address', address);
    const [fd, bit] = useFile(core, 'socket', file);
    net.connect(core.entry(), fd, addressOf('address', bytes), bytes.length).flags = bit;
    return bytes;
  },
);

export const accept = define<[server: File], AcceptOptions>(
  'OP_ACCEPT',
  ['peer', 'flags', 'into'],
  (core, options, server) => {
    const { peer, into } = options;
    const flags = integer('options.flags', options.flags ?? 0, 0, 0x7fff_ffff);
    const index = fileIndex(core, into);
    const room = peer === undefined ? undefined : addressBuffer('options.peer', peer);
    const [fd, bit] = useFile(core, 'server', server);
    const all = flags | (index === 0 ? SOCK_CLOEXEC : 0);
    const { address, lengthAddress, held } = room?.use() ?? { address: 0, lengthAddress: 0, held: undefined };
    net.accept(core.entry(), fd, address, lengthAddress, all, index).flags = bit;
    return held;
  },
);

export const acceptMultishot = define<[server: File], AcceptMultishotOptions>(
  'OP_ACCEPT',
  ['flags', 'into'],
  (core, options, server) => {
    const flags = integer('options.flags', options.flags ?? 0, 0, 0x7fff_ffff);
    const index = fileIndex(core, options.into);
    const [fd, bit] = useFile(core, 'server', server);
    const sqe = net.accept(core.entry(), fd, 0, 0, flags | (index === 0 ? SOCK_CLOEXEC : 0), index);
    sqe.ioprio = IORING_ACCEPT_MULTISHOT;
    sqe.flags = bit;
  },
);

/** Which half of a connection ends. */
export type ShutdownHow = 'read' | 'write' | 'both';

export const shutdown = define<[socket: File, how: ShutdownHow], NoOptions>(
  'OP_SHUTDOWN',
  [],
  (core, _options, file, how) => {
    const ways: readonly ShutdownHow[] = ['read', 'write', 'both'];
    const number = ways.indexOf(oneOf('how', how, ways));
    const [fd, bit] = useFile(core, 'socket', file);
    net.shutdown(core.entry(), fd, number).flags = bit;
  },
);

// ---- sends --------------------------------------------------------------------------------------------------------------

function messageFlags(options: SocketOptions): number {
  return integer('options.flags', options.flags ?? 0, 0, U32_MAX);
}

/** What is common to the sends of memory: destination, file, flags. */
function sending(
  core: RingCore,
  options: Partial<SendOptions>,
  file: File,
  memory: Memory,
  prepare: (sqe: SqeCursor, fd: number, address: number, length: number, flags: number) => SqeCursor,
): unknown {
  const flags = messageFlags(options);
  const to = options.to === undefined ? undefined : encodeAddress('options.to', options.to);
  const { pollFirst } = options;
  const [fd, bit] = useFile(core, 'socket', file);
  const [address, length] = useMemory(core, 'memory', memory);
  const sqe = prepare(core.entry(), fd, address, length, flags);
  sqe.flags = bit;
  if (pollFirst) sqe.ioprio |= IORING_RECVSEND_POLL_FIRST;
  if (to === undefined) return heldBy(memory);
  net.sendTo(sqe, addressOf('to', to), to.length);
  return [heldBy(memory), to];
}

export const send = define<[socket: File, memory: Memory], SendOptions>(
  'OP_SEND',
  SENDS,
  (core, options, file, memory) => sending(core, options, file, memory, net.send),
);

export const sendZc = define<[socket: File, memory: Memory], SendOptions>(
  'OP_SEND_ZC',
  SENDS,
  (core, options, file, memory) => {
    if (!RegisteredBuffer.is(memory)) return sending(core, options, file, memory, net.sendZc);
    const { index } = memory;
    return sending(core, options, file, memory, (sqe, fd, address, length, flags) =>
      net.sendZcFixed(sqe, fd, address, length, flags, index),
    );
  },
);

/** What is common to messages. */
function sendingMessage(
  core: RingCore,
  options: Partial<SocketOptions>,
  file: File,
  message: OutgoingMessage,
  prepare: typeof net.sendmsg,
): unknown {
  const flags = messageFlags(options);
  const { pollFirst } = options;
  const [fd, bit] = useFile(core, 'socket', file);
  const { address, held } = outgoing(core, message);
  const sqe = prepare(core.entry(), fd, address, flags);
  sqe.flags = bit;
  if (pollFirst) sqe.ioprio |= IORING_RECVSEND_POLL_FIRST;
  return held;
}

export const sendmsg = define<[socket: File, message: OutgoingMessage], SocketOptions>(
  'OP_SENDMSG',
  RECEIVES,
  (core, options, file, message) => sendingMessage(core, options, file, message, net.sendmsg),
);

export const sendmsgZc = define<[socket: File, message: OutgoingMessage], SocketOptions>(
  'OP_SENDMSG_ZC',
  RECEIVES,
  (core, options, file, message) => sendingMessage(core, options, file, message, net.sendmsgZc),
);

// ---- receives -----------------------------------------------------------------------------------------------------------

function bufferRing(name: string, pool: BufferRing): BufferRing {
  if (BufferRing.is(pool)) return pool;
  throw wrongType(name, 'a BufferRing', pool);
}

/** A receive into whichever buffer of a pool the kernel picks. */
function receivingInto(
  core: RingCore,
  options: Partial<SocketOptions>,
  file: File,
  pool: BufferRing,
  priority: number,
): unknown {
  const flags = messageFlags(options);
  const { pollFirst } = options;
  const [fd, bit] = useFile(core, 'socket', file);
  const group = bufferRing('pool', pool).use(core);
  const sqe = net.recv(core.entry(), fd, 0, 0, flags);
  sqe.bufIndex = group;
  sqe.flags = bit | IOSQE_BUFFER_SELECT;
  sqe.ioprio = priority | (pollFirst ? IORING_RECVSEND_POLL_FIRST : 0);
  return pool.held;
}

export const recv = define<[socket: File, memory: Memory | BufferRing], SocketOptions>(
  'OP_RECV',
  RECEIVES,
  (core, options, file, memory) => {
    if (BufferRing.is(memory)) return receivingInto(core, options, file, memory, 0);
    const flags = messageFlags(options);
    const { pollFirst } = options;
    const [fd, bit] = useFile(core, 'socket', file);
    const [address, length] = useMemory(core, 'memory', memory);
    const sqe = net.recv(core.entry(), fd, address, length, flags);
    sqe.flags = bit;
    if (pollFirst) sqe.ioprio = IORING_RECVSEND_POLL_FIRST;
    return heldBy(memory);
  },
);

export const recvMultishot = define<[socket: File, pool: BufferRing], SocketOptions>(
  'OP_RECV',
  RECEIVES,
  (core, options, file, pool) => receivingInto(core, options, file, pool, IORING_RECV_MULTISHOT),
);

export const recvBundle = define<[socket: File, pool: BufferRing], SocketOptions>(
  'OP_RECV',
  RECEIVES,
  (core, options, file, pool) => receivingInto(core, options, file, pool, IORING_RECVSEND_BUNDLE),
);

export const recvmsg = define<[socket: File, room: MessageBuffer | IncomingMessage], SocketOptions>(
  'OP_RECVMSG',
  RECEIVES,
  (core, options, file, room) => {
    const flags = (messageFlags(options) | MSG_CMSG_CLOEXEC) >>> 0;
    const { pollFirst } = options;
    const [fd, bit] = useFile(core, 'socket', file);
    const { address, held } = messageBuffer(room).use(core);
    const sqe = net.recvmsg(core.entry(), fd, address, flags);
    sqe.flags = bit;
    if (pollFirst) sqe.ioprio = IORING_RECVSEND_POLL_FIRST;
    return held;
  },
);

/** Options of `recvmsgMultishot`. */
export interface MessageRoomOptions extends SocketOptions {
  /** Bytes of room for control data; none when absent. */
  readonly control?: number;
  /** Whether the senders' addresses are wanted. */
  readonly address?: boolean;
}

/** What each message of a `recvmsgMultishot` has room for in its buffer, beside the header and the data. */
export interface MessageRoom {
  /** Bytes for the sender's address. */
  name: number;
  /** Bytes for control data. */
  control: number;
}

export const recvmsgMultishot = define<
  [socket: File, pool: BufferRing, room: MessageRoom],
  MessageRoomOptions
>('OP_RECVMSG', [...RECEIVES, 'control', 'address'], (core, options, file, pool, room) => {
  const flags = (messageFlags(options) | MSG_CMSG_CLOEXEC) >>> 0;
  const { pollFirst, control = 0, address = false } = options;
  room.control = integer('options.control', control, 0, MAX_CONTROL);
  room.name = boolean('options.address', address) ? ADDRESS_ROOM : 0;
  const [fd, bit] = useFile(core, 'socket', file);
  const group = bufferRing('pool', pool).use(core);
  const used = RecvmsgOut.size + room.name + room.control;
  if (pool.bufferSize <= used) {
    throw wrongValue('pool', `one with buffers of more than ${used} bytes`, pool.bufferSize);
  }
  const header = new Pinned(Msghdr.size);
  Msghdr.encodeInto(header.bytes, { msgNamelen: room.name, msgControllen: room.control });
  const sqe = net.recvmsg(core.entry(), fd, header.address, flags);
  sqe.bufIndex = group;
  sqe.flags = bit | IOSQE_BUFFER_SELECT;
  sqe.ioprio = IORING_RECV_MULTISHOT | (pollFirst ? IORING_RECVSEND_POLL_FIRST : 0);
  return [pool.held, header];
});

export const recvZc = define<[socket: File, queue: number], NoOptions>(
  'OP_RECV_ZC',
  [],
  (core, _options, file, queue) => {
    descriptor('queue', queue);
    const [fd, bit] = useFile(core, 'socket', file);
    net.recvZc(core.entry(), fd, 0, queue).flags = bit;
  },
);
