/** AsyncRing's operations on sockets. */
import { decodeAddress, type SocketAddress, type SocketAddressLike } from '../../structs/address.ts';
import { constants } from '../../structs/flags.ts';
import { RecvmsgOut } from '../../structs/sqe.ts';
import { AddressBuffer } from '../operations/address.ts';
import type {
  AcceptMultishotOptions,
  AcceptOptions,
  Domain,
  File,
  Memory,
  MessageRoom,
  MessageRoomOptions,
  SendOptions,
  ShutdownHow,
  SocketCreateOptions,
  SocketNameOptions,
  SocketOptions,
} from '../operations/index.ts';
import * as operations from '../operations/index.ts';
import {
  type ControlMessage,
  decodeControl,
  type IncomingMessage,
  type MessageBuffer,
  MSG_CMSG_CLOEXEC,
  messageBuffer,
  type OutgoingMessage,
  type ReceivedMessage,
  receivedFds,
} from '../operations/msghdr.ts';
import { type BufferPart, BufferRing } from '../ring/owners/buffer-ring.ts';
import type { FixedFile, RegisteredFiles } from '../ring/owners/files.ts';
import { Pinned } from '../sys/memory.ts';
import { sys } from '../sys/syscall.ts';
import { type AsyncOptions, COUNT, type IteratorOptions, NOTHING } from './base.ts';
import type { Outcome } from './flight.ts';
import type { Results, Stream } from './multishot.ts';
import { bufferStream } from './multishot-buffers.ts';
import { AsyncPaths } from './paths.ts';
import type { RingFile } from './ring-file.ts';
import { withSent, type ZeroCopyPromise } from './sent.ts';

const { IORING_CQE_F_BUFFER } = constants;
/** What getsockopt has room for where nobody says how much. */
const OPTION_ROOM = 256;

/** With `into` the result is a slot of the file table. */
type IntoTable = { readonly into: FixedFile | RegisteredFiles | 'alloc' };

/** A message that was received into a buffer of a ring: valid until `release()`. */
export class MessagePart implements Disposable {
  /** The data: a view, not a copy. */
  readonly bytes: Uint8Array;
  /** The sender's address, where it was asked for and there is one. */
  readonly address: SocketAddress | undefined;
  readonly control: readonly ControlMessage[];
  /** MSG_*: MSG_TRUNC (0x20) where data was cut off, MSG_CTRUNC (8) where control data was. */
  readonly flags: number;
  readonly #part: BufferPart;

  /** @internal */
  constructor(part: BufferPart, room: MessageRoom) {
    const { bytes } = part;
    const { namelen, controllen, flags } = RecvmsgOut.decode(bytes);
    const nameAt = RecvmsgOut.size;
    const controlAt = nameAt + room.name;
    const name = bytes.subarray(nameAt, nameAt + Math.min(namelen, room.name));
    this.bytes = bytes.subarray(controlAt + room.control);
    this.address = name.length === 0 ? undefined : decodeAddress(name);
    this.control = decodeControl(bytes.subarray(controlAt, controlAt + Math.min(controllen, room.control)));
    this.flags = (flags & ~MSG_CMSG_CLOEXEC) >>> 0;
    this.#part = part;
  }

  /** Gives the buffer back to the kernel. Harmless when repeated. */
  release(): void {
    this.#part.release();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

function closeAll(fds: readonly number[]): void {
  for (const fd of fds) sys.close(fd);
}

export abstract class AsyncNetwork extends AsyncPaths {
  // ---- sockets ----------------------------------------------------------------------------------------------

  /**
   * Makes a socket (OP_SOCKET).
   * @param domain `'IPv4'`, `'IPv6'`, `'unix'`, or AF_*
   * @param options `type` (`'stream'`: TCP, when absent), `protocol`, `nonBlocking`, `into` (the file table, or a slot of it)
   * @returns a RingFile; with `into` the FixedFile
   * @throws OpError EAFNOSUPPORT, EPROTONOSUPPORT, EMFILE, EACCES (a raw one)
   * @since 5.19
   * @see io_uring_prep_socket(3)
   */
  socket(domain: Domain, options: SocketCreateOptions & AsyncOptions & IntoTable): Promise<FixedFile>;
  socket(domain: Domain, options?: SocketCreateOptions & AsyncOptions): Promise<RingFile>;
  socket(domain: Domain, options?: SocketCreateOptions & AsyncOptions): Promise<RingFile | FixedFile> {
    const into = options?.into;
    if (into === undefined) return this.run(operations.socket, this.openedFile, options, domain);
    return this.run(operations.socket, this.openedSlot(into), options, domain);
  }

  /**
   * Gives a socket its address (OP_BIND).
   * @param address `{ address, port }` (port 0: a free one), or `{ path }` of a Unix socket
   * @throws OpError EADDRINUSE, EADDRNOTAVAIL, EACCES (a port below 1024)
   * @since 6.11
   * @see io_uring_prep_bind(3)
   */
  bind(socket: File, address: SocketAddressLike, options?: AsyncOptions): Promise<void> {
    return this.run(operations.bind, NOTHING, options, socket, address);
  }

  /**
   * Lets a socket take connections (OP_LISTEN).
   * @param backlog how many may wait to be accepted
   * @since 6.11
   * @see io_uring_prep_listen(3)
   */
  listen(socket: File, backlog: number, options?: AsyncOptions): Promise<void> {
    return this.run(operations.listen, NOTHING, options, socket, backlog);
  }

  /**
   * Accepts a connection (OP_ACCEPT). One that came although it was cancelled is closed.
   * @param options `peer` (an AddressBuffer, which gets the address), `flags`, `into` (the file table, or a slot of it)
   * @returns a RingFile; with `into` the FixedFile
   * @throws OpError EINVAL (it does not listen), EMFILE, ENFILE (also: the file table is full)
   * @since 5.5; `into` 5.15
   * @see io_uring_prep_accept(3)
   */
  accept(server: File, options: AcceptOptions & AsyncOptions & IntoTable): Promise<FixedFile>;
  accept(server: File, options?: AcceptOptions & AsyncOptions): Promise<RingFile>;
  accept(server: File, options?: AcceptOptions & AsyncOptions): Promise<RingFile | FixedFile> {
    const into = options?.into;
    if (into === undefined) return this.run(operations.accept, this.openedFile, options, server);
    return this.run(operations.accept, this.openedSlot(into), options, server);
  }

  /**
   * Accepts one connection after the other (OP_ACCEPT, multishot). Those that nobody takes are closed.
   * @param options `flags`, `into` (the file table: into its free slots)
   * @returns an iterator of RingFile; with `into` of FixedFile
   * @since 5.19
   * @see io_uring_prep_multishot_accept(3)
   */
  acceptMultishot(
    server: File,
    options: AcceptMultishotOptions & IteratorOptions & { readonly into: RegisteredFiles | 'alloc' },
  ): Results<FixedFile>;
  acceptMultishot(server: File, options?: AcceptMultishotOptions & IteratorOptions): Results<RingFile>;
  acceptMultishot(
    server: File,
    options?: AcceptMultishotOptions & IteratorOptions,
  ): Results<RingFile> | Results<FixedFile> {
    const into = options?.into;
    if (into === undefined) {
      const stream: Stream<RingFile> = {
        convert: (fd, flags) => this.openedFile.convert(fd, flags),
        undo: ({ fd }) => {
          sys.close(fd);
        },
      };
      return this.iterate(operations.acceptMultishot, stream, options, server);
    }
    const stream: Stream<FixedFile> = {
      convert: this.openedSlot(into).convert,
      undo: (slot) => void this.closeFd(slot).catch(() => {}),
    };
    return this.iterate(operations.acceptMultishot, stream, options, server);
  }

  /**
   * Connects a socket (OP_CONNECT).
   * @throws OpError ECONNREFUSED, ETIMEDOUT, ENETUNREACH, ENOENT (no such path)
   * @since 5.5
   * @see io_uring_prep_connect(3)
   */
  connect(socket: File, address: SocketAddressLike, options?: AsyncOptions): Promise<void> {
    return this.run(operations.connect, NOTHING, options, socket, address);
  }

  /**
   * Ends one half of a connection, or both (OP_SHUTDOWN).
   * @since 5.11
   * @see io_uring_prep_shutdown(3)
   */
  shutdown(socket: File, how: ShutdownHow, options?: AsyncOptions): Promise<void> {
    return this.run(operations.shutdown, NOTHING, options, socket, how);
  }

  // ---- sends ------------------------------------------------------------------------------------------------

  /**
   * Sends from memory (OP_SEND). MSG_NOSIGNAL is implied: a broken connection is EPIPE.
   * @param options `flags` (MSG_*; MSG_WAITALL, 0x100, goes on until all is sent), `to` (without a connection, 6.1),
   *   `pollFirst`
   * @returns how many bytes, which may be fewer
   * @since 5.6
   * @see io_uring_prep_send(3)
   */
  send(socket: File, memory: Memory, options?: SendOptions & AsyncOptions): Promise<number> {
    return this.run(operations.send, COUNT, options, socket, memory);
  }

  /**
   * Sends without copying (OP_SEND_ZC); memory of a registered buffer needs no pinning either.
   * @param options as `send`
   * @returns how many bytes, when the kernel does not need the memory any more: on TCP when the other side has it
   * @throws OpError EOPNOTSUPP (a kind of socket that can't: a Unix one)
   * @since 6.0
   * @see io_uring_prep_send_zc(3)
   */
  sendZeroCopy(socket: File, memory: Memory, options?: SendOptions & AsyncOptions): ZeroCopyPromise {
    return withSent((outcome) => this.run(operations.sendZc, outcome, options, socket, memory));
  }

  /**
   * Sends a message: data in pieces, to an address, with control data such as `passFds([fd])` (OP_SENDMSG).
   * @param options `flags` (MSG_*), `pollFirst`
   * @returns how many bytes
   * @since 5.3
   * @see io_uring_prep_sendmsg(3)
   */
  sendmsg(socket: File, message: OutgoingMessage, options?: SocketOptions & AsyncOptions): Promise<number> {
    return this.run(operations.sendmsg, COUNT, options, socket, message);
  }

  /**
   * As `sendmsg` without copying the data (OP_SENDMSG_ZC); see `sendZeroCopy`.
   * @since 6.1
   * @see io_uring_prep_sendmsg_zc(3)
   */
  sendmsgZeroCopy(
    socket: File,
    message: OutgoingMessage,
    options?: SocketOptions & AsyncOptions,
  ): ZeroCopyPromise {
    return withSent((outcome) => this.run(operations.sendmsgZc, outcome, options, socket, message));
  }

  // ---- receives ---------------------------------------------------------------------------------------------

  /**
   * Receives into memory, or into a buffer that the kernel picks from a pool when data is there (OP_RECV).
   * @param options `flags` (MSG_*; MSG_WAITALL, 0x100, fills the memory), `pollFirst`
   * @returns how many bytes, 0 at the end; of a pool a part of a buffer, to be released, or undefined at the end
   * @throws OpError ENOBUFS (no buffer of the pool is free), ECONNRESET
   * @since 5.6; a pool 5.19
   * @see io_uring_prep_recv(3)
   */
  recv(
    socket: File,
    pool: BufferRing,
    options?: SocketOptions & AsyncOptions,
  ): Promise<BufferPart | undefined>;
  recv(socket: File, memory: Memory, options?: SocketOptions & AsyncOptions): Promise<number>;
  recv(
    socket: File,
    memory: Memory | BufferRing,
    options?: SocketOptions & AsyncOptions,
  ): Promise<number | BufferPart | undefined> {
    if (!BufferRing.is(memory)) return this.run(operations.recv, COUNT, options, socket, memory);
    return this.run(operations.recv, pooled(memory), options, socket, memory);
  }

  /**
   * Receives what has come into as many buffers of a pool as it takes (OP_RECV with IORING_RECVSEND_BUNDLE).
   * @returns the parts in order, each to be released; none at the end
   * @since 6.10
   * @see io_uring_prep_recv(3)
   */
  recvBundle(socket: File, pool: BufferRing, options?: SocketOptions & AsyncOptions): Promise<BufferPart[]> {
    const outcome: Outcome<BufferPart[]> = {
      convert: (res, flags) => (res === 0 ? spend(pool, res, flags) : pool.takeBundle({ res, flags })),
      waste: (res, flags) => void spend(pool, Math.min(res, 0), flags),
    };
    return this.run(operations.recvBundle, outcome, options, socket, pool);
  }

  /**
   * Receives again and again into buffers that the kernel picks from a pool (OP_RECV, multishot). Each part is to be
   * released; while none is free the receive waits, which slows the sender down. It ends where the connection does; so it
   * does at a datagram without bytes.
   * @param options `flags` (MSG_*), `pollFirst`
   * @throws OpError ECONNRESET
   * @since 6.0
   * @see io_uring_prep_recv_multishot(3)
   */
  recvMultishot(
    socket: File,
    pool: BufferRing,
    options?: SocketOptions & IteratorOptions,
  ): Results<BufferPart> {
    return this.iterate(operations.recvMultishot, bufferStream(pool), options, socket, pool);
  }

  /**
   * Receives a message into memory in pieces, with the sender's address and control data (OP_RECVMSG). File descriptors
   * that come are yours to close: `receivedFds(message.control)`.
   * @param room `{ data, control, address }`, or a MessageBuffer to be used again and again
   * @param options `flags` (MSG_*), `pollFirst`
   * @since 5.3
   * @see io_uring_prep_recvmsg(3)
   */
  recvmsg(
    socket: File,
    room: MessageBuffer | IncomingMessage,
    options?: SocketOptions & AsyncOptions,
  ): Promise<ReceivedMessage> {
    try {
      const buffer = messageBuffer(room);
      const outcome: Outcome<ReceivedMessage> = {
        convert: (res) => buffer.result(res),
        waste: (res) => {
          if (res >= 0) closeAll(receivedFds(buffer.result(res).control));
        },
      };
      return this.run(operations.recvmsg, outcome, options, socket, buffer);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Receives message after message into buffers that the kernel picks from a pool (OP_RECVMSG, multishot). Each is to be
   * released, as in `recvMultishot`. A buffer has 16 bytes for a header, 128 for the address and `control` bytes beside the
   * data. It ends when the signal aborts, or when the loop is left.
   * @param options `control` (bytes of room), `address`, `flags` (MSG_*), `pollFirst`
   * @since 6.0
   * @see io_uring_prep_recvmsg_multishot(3)
   */
  recvmsgMultishot(
    socket: File,
    pool: BufferRing,
    options?: MessageRoomOptions & IteratorOptions,
  ): Results<MessagePart> {
    // filled when the options were checked
    const room: MessageRoom = { name: 0, control: 0 };
    const { undo, waste, whenBuffer } = bufferStream(pool);
    const parts = new WeakMap<MessagePart, BufferPart>();
    const stream: Stream<MessagePart> = {
      convert: (res, flags) => {
        if ((flags & IORING_CQE_F_BUFFER) === 0) return undefined;
        const part = pool.take({ res, flags });
        const message = new MessagePart(part, room);
        parts.set(message, part);
        return message;
      },
      undo: (message) => {
        closeAll(receivedFds(message.control));
        const part = parts.get(message);
        if (part !== undefined) undo(part);
      },
      waste,
      whenBuffer,
    };
    return this.iterate(operations.recvmsgMultishot, stream, options, socket, pool, room);
  }

  // ---- commands ---------------------------------------------------------------------------------------------

  /**
   * Reads an option of a socket (OP_URING_CMD, SOCKET_URING_OP_GETSOCKOPT).
   * @param level SOL_SOCKET (1) only
   * @returns its value, 4 bytes little-endian for most
   * @throws OpError EOPNOTSUPP (another level), ENOPROTOOPT
   * @since 6.7
   * @see io_uring_prep_cmd_sock(3)
   */
  getsockopt(socket: File, level: number, option: number, options?: AsyncOptions): Promise<Uint8Array> {
    const room = new Pinned(OPTION_ROOM);
    const outcome: Outcome<Uint8Array> = { convert: (length) => room.bytes.slice(0, length) };
    return this.run(operations.getsockopt, outcome, options, socket, level, option, room);
  }

  /**
   * Changes an option of a socket (OP_URING_CMD, SOCKET_URING_OP_SETSOCKOPT).
   * @param value a number for an int, or the bytes
   * @since 6.7
   * @see io_uring_prep_cmd_sock(3)
   */
  setsockopt(
    socket: File,
    level: number,
    option: number,
    value: number | Uint8Array,
    options?: AsyncOptions,
  ): Promise<void> {
    return this.run(operations.setsockopt, NOTHING, options, socket, level, option, value);
  }

  /** How many bytes wait to be received (OP_URING_CMD, SOCKET_URING_OP_SIOCINQ). @since 6.7 */
  siocinq(socket: File, options?: AsyncOptions): Promise<number> {
    return this.run(operations.siocinq, COUNT, options, socket);
  }

  /** How many bytes were sent and are not acknowledged (OP_URING_CMD, SOCKET_URING_OP_SIOCOUTQ). @since 6.7 */
  siocoutq(socket: File, options?: AsyncOptions): Promise<number> {
    return this.run(operations.siocoutq, COUNT, options, socket);
  }

  /**
   * The address of a socket, or with `peer` that of the other side (OP_URING_CMD, SOCKET_URING_OP_GETSOCKNAME).
   * @throws OpError EOPNOTSUPP (the kernel is older)
   * @since 6.19
   * @see io_uring_prep_cmd_getsockname(3)
   */
  getsockname(socket: File, options?: SocketNameOptions & AsyncOptions): Promise<SocketAddress | undefined> {
    const room = new AddressBuffer();
    return this.run(operations.getsockname, { convert: () => room.value }, options, socket, room);
  }
}

/** Gives back the buffer of a completion without data. */
function spend(pool: BufferRing, res: number, flags: number): [] {
  if ((flags & IORING_CQE_F_BUFFER) !== 0) pool.take({ res, flags }).release();
  return [];
}

/** One receive from a pool. */
function pooled(pool: BufferRing): Outcome<BufferPart | undefined> {
  return {
    convert: (res, flags) => {
      if (res > 0) return pool.take({ res, flags });
      spend(pool, res, flags);
      return undefined;
    },
    waste: (res, flags) => {
      if (res < 0) spend(pool, res, flags);
    },
  };
}
