/** Sends and receives. */
import { ADDRESS_ROOM } from '../../structs/address.ts';
import { boolean, wrongValue } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { Msghdr } from '../../structs/socket.ts';
import { RecvmsgOut } from '../../structs/sqe.ts';
import * as preparers from '../ops/preparers.ts';
import { BufferRing } from '../ring/owners/buffer-ring.ts';
import { Pinned } from '../sys/memory.ts';
import { type Kind, operation, options } from './declare.ts';
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
  IORING_RECV_MULTISHOT,
  IORING_RECVSEND_BUNDLE,
  IORING_RECVSEND_POLL_FIRST,
  IORING_SEND_ZC_REPORT_USAGE,
} = constants;
/** The most control data that a message may have room for. */
const MAX_CONTROL = 65_536;

// ---- sends ------------------------------------------------------------------------------------------------

export const SocketOptions = options('SocketOptions', 'Options of sends and receives.', {
  flags: kinds.bits('MSG_*: MSG_WAITALL (0x100) goes on until all is sent, or the memory is full.'),
  pollFirst: kinds.flag(
    'Waits for the socket before trying it (IORING_RECVSEND_POLL_FIRST, 5.19).',
    IORING_RECVSEND_POLL_FIRST,
  ),
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
      IORING_SEND_ZC_REPORT_USAGE,
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

export const send = operation({
  op: 'OP_SEND',
  doc: 'Sends from memory. MSG_NOSIGNAL is implied: a broken connection is EPIPE.',
  args: { socket: kinds.file, memory: kinds.memory },
  options: SendOptions,
  write(sqe, address, length, _index, flags, pollFirst, to, toLength) {
    preparers.send(sqe, 0, address, length, flags).ioprio = pollFirst;
    if (to !== 0) preparers.sendTo(sqe, to, toLength);
  },
  returns: 'how many bytes, which may be fewer',
  result: 'count',
  errors: SEND_ERRORS,
});

export const sendBundle = operation({
  op: 'OP_SEND',
  flag: 'RECVSEND_BUNDLE',
  doc: 'Sends what is in the buffers of a pool that the caller fills, in their order, as many at once as there are.',
  args: { socket: kinds.file, pool: kinds.pool },
  options: SocketOptions,
  write(sqe, group, flags, pollFirst) {
    preparers.send(sqe, 0, 0, 0, flags).group = group;
    sqe.ioprio = IORING_RECVSEND_BUNDLE | pollFirst;
  },
  returns: 'how many bytes',
  result: 'count',
  errors: { ...SEND_ERRORS, ENOBUFS: 'the pool has no buffer with data' },
});

export const sendZeroCopy = operation({
  op: 'OP_SEND_ZC',
  doc: 'Sends without copying; memory of a registered buffer needs no pinning either. A second completion, IORING_CQE_F_NOTIF, says that the memory is free: on TCP when the other side has it.',
  args: { socket: kinds.file, memory: kinds.memory },
  options: ZeroCopyOptions,
  write(sqe, address, length, index, flags, pollFirst, to, toLength, reportUsage) {
    if (index >= 0) preparers.sendZcFixed(sqe, 0, address, length, flags, index);
    else preparers.sendZc(sqe, 0, address, length, flags);
    sqe.ioprio |= pollFirst | reportUsage;
    if (to !== 0) preparers.sendTo(sqe, to, toLength);
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
  write(sqe, message, flags, pollFirst) {
    preparers.sendmsg(sqe, 0, message, flags).ioprio = pollFirst;
  },
  returns: 'how many bytes',
  result: 'count',
  errors: SEND_ERRORS,
});

export const sendmsgZeroCopy = operation({
  op: 'OP_SENDMSG_ZC',
  doc: 'As `sendmsg` without copying the data; see `sendZeroCopy`.',
  args: { socket: kinds.file, message },
  options: SocketOptions,
  write(sqe, message, flags, pollFirst) {
    preparers.sendmsgZc(sqe, 0, message, flags).ioprio = pollFirst;
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
  write(sqe, address, length, _index, group, flags, pollFirst) {
    preparers.recv(sqe, 0, address, length, flags).ioprio = pollFirst;
    if (group >= 0) sqe.group = group;
  },
  returns:
    'how many bytes, 0 at the end; of a pool a part of a buffer, to be released, or undefined at the end',
  result: 'data',
  errors: POOL_ERRORS,
});

export const recvMultishot = operation({
  op: 'OP_RECV',
  flag: 'RECV_MULTISHOT',
  doc: 'Receives again and again into buffers that the kernel picks from a pool. Each part is to be released; while none is free the receive waits, which slows the sender down. It ends where the connection does; so it does at a datagram without bytes.',
  args: { socket: kinds.file, pool: kinds.pool },
  options: SocketOptions,
  write(sqe, group, flags, pollFirst) {
    preparers.recv(sqe, 0, 0, 0, flags).group = group;
    sqe.ioprio = IORING_RECV_MULTISHOT | pollFirst;
  },
  returns: 'an iterator of parts; by `ring.prepare` each completion is for `pool.take`',
  stream: { type: 'BufferPart', of: 'bufferStream', args: ['pool'] },
  errors: POOL_ERRORS,
});

export const recvBundle = operation({
  op: 'OP_RECV',
  flag: 'RECVSEND_BUNDLE',
  doc: 'Receives what has come into as many buffers of a pool as it takes; by `ring.prepare` the completion is for `pool.takeBundle`.',
  args: { socket: kinds.file, pool: kinds.pool },
  options: SocketOptions,
  write(sqe, group, flags, pollFirst) {
    preparers.recv(sqe, 0, 0, 0, flags).group = group;
    sqe.ioprio = IORING_RECVSEND_BUNDLE | pollFirst;
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
  write(sqe, group, flags, pollFirst) {
    preparers.recv(sqe, 0, 0, 0, flags).group = group;
    sqe.ioprio = IORING_RECV_MULTISHOT | IORING_RECVSEND_BUNDLE | pollFirst;
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
  write(sqe, message, flags, pollFirst) {
    preparers.recvmsg(sqe, 0, message, (flags | MSG_CMSG_CLOEXEC) >>> 0).ioprio = pollFirst;
  },
  params: {
    room: '`{ data, control, address }`; or a MessageBuffer, whose `result(res)` has the message, to be used again and again',
  },
  byHand: true,
  errors: RECEIVE_ERRORS,
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

/** A pool whose buffers have room for a whole message. */
export function messagePool(name: string, value: BufferRing, room: MessageRoom): BufferRing {
  const pool = read.pool(name, value);
  const used = RecvmsgOut.size + room.name + room.control;
  const size = BufferRing.buffersOf(pool).smallest;
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
      pin: ['header.address'],
      holds: 'until completed',
    },
    pool: { ...kinds.pool, read: messagePool, reads: ['pool', 'room'] },
  },
  options: MessageRoomOptions,
  rooms: [{ arg: 'room', make: 'messageRoom', isHidden: true }],
  write(sqe, message, group, flags, pollFirst) {
    preparers.recvmsg(sqe, 0, message, (flags | MSG_CMSG_CLOEXEC) >>> 0).group = group;
    sqe.ioprio = IORING_RECV_MULTISHOT | pollFirst;
  },
  returns:
    'an iterator of messages; by `ring.prepare` each completion is for `pool.take`, then `messagePart`',
  stream: { type: 'MessagePart', of: 'messageStream', args: ['pool', 'room'] },
  errors: POOL_ERRORS,
});

export const recvZc = operation({
  op: 'OP_RECV_ZC',
  doc: 'Receives into the memory of a zero-copy queue, again and again.',
  args: { socket: kinds.file, queue: kinds.s32 },
  write: (sqe, queue) => preparers.recvZc(sqe, 0, 0, queue),
  params: { queue: 'the id of the queue: `ifq.id`' },
  see: 'io_uring_register_ifq(3)',
  notIn: { async: 'its completions name places in the area of a queue, which `ring.prepare` takes' },
});
