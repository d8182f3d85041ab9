/** The ring of promises. */
import type { SocketAddress } from '../../structs/address.ts';
import { integer } from '../../structs/check.ts';
import { EPOLL_EVENT_SIZE, type EpollEvent } from '../../structs/socket.ts';
import type { AsyncOptions, IteratorOptions } from '../async/base.ts';
import type { Outcome } from '../async/flight.ts';
import { type Read, readMany } from '../async/many.ts';
import type { Results, Stream } from '../async/multishot.ts';
import * as outcomes from '../async/outcomes.ts';
import { RingFile } from '../async/ring-file.ts';
import { isWithoutCommand, nameByLibc } from '../async/socket-name.ts';
import type { Callback } from '../async/told.ts';
import { type ConnectionOptions, connectSocket } from '../net/connect.ts';
import { createDatagram, type DatagramOptions, type RingDatagram } from '../net/datagram.ts';
import { RingServer, type ServerOptions } from '../net/server.ts';
import type { RingSocket } from '../net/socket.ts';
import {
  type IncomingMessage,
  type MessageBuffer,
  messageBuffer,
  type ReceivedMessage,
} from '../operations/msghdr.ts';
import * as read from '../operations/read.ts';
import { addressRoom, slotNumbers } from '../operations/rooms.ts';
import type { Fd, File, Into } from '../operations/types.ts';
import { FixedFile, type RegisteredFiles } from '../ring/owners/files.ts';
import { raiseWorkers } from '../ring/owners/workers.ts';
import { sys } from '../sys/syscall.ts';
import { AsyncOperations } from './async.ts';
import * as encoders from './encoders.ts';
import type { AcceptMultishotOptions, PipeOptions, SocketOptions } from './options.ts';

const MAX_EVENTS = 65_536;

/** The two ends of a pipe. */
export interface PipeEnds<F> {
  readonly reader: F;
  readonly writer: F;
}

/**
 * @param endOf makes the first end of a pipe, or the second one
 * @param undo closes one that nobody gets
 */
function endsOf<F>(endOf: (end: 0 | 1) => F, undo: (end: 0 | 1) => void): Outcome<PipeEnds<F>> {
  return {
    convert: () => ({ reader: endOf(0), writer: endOf(1) }),
    undo: () => {
      undo(0);
      undo(1);
    },
  };
}

/** What a function that starts an operation throws rejects its promise. */
function attempt<T>(start: () => Promise<T>): Promise<T> {
  try {
    return start();
  } catch (error) {
    return Promise.reject(error);
  }
}

/**
 * A ring under async/await: every operation is a method that gives a promise, or an async iterator where the kernel
 * gives many completions. Memory that the kernel may touch is held until it has let go; operations start in the next
 * turn of the event loop, together.
 *
 * `await using ring = new AsyncRing(256)` closes it at the end of the block; without `using` call `close()`.
 */
export class AsyncRing extends AsyncOperations {
  /** @internal As `closeFd`, with an outcome that is told also where the ring is closed before the promise could be. */
  static closeBy(ring: AsyncRing, outcome: Outcome<void>, fd: number, options?: AsyncOptions): Promise<void> {
    return ring.run(encoders.closeFd, outcome, options, fd);
  }

  /** @internal How many calls may wait for a disk at the same time, unless somebody has said so. */
  static raiseWorkers(ring: AsyncRing, bounded: number): void {
    raiseWorkers(ring.core, bounded);
  }

  /** @internal The same with a callback. */
  static tellClosed(ring: AsyncRing, outcome: Outcome<void>, fd: number, callback: Callback<void>): void {
    ring.tell(encoders.closeFd, outcome, undefined, callback, fd);
  }

  /** @internal */
  protected override fileOf(fd: number): RingFile {
    return new RingFile(fd, this);
  }

  /**
   * Makes a pipe (OP_PIPE).
   * @param options `flags` (O_NONBLOCK, O_DIRECT), `into` (the file table, or the first of two slots of it)
   * @returns its two ends
   * @throws OpError EMFILE: this process has too many open files (ulimit -n); ENFILE: no two slots are free
   * @since 6.16
   * @see io_uring_prep_pipe(3)
   */
  pipe(options: PipeOptions & AsyncOptions & { readonly into: Into }): Promise<PipeEnds<FixedFile>>;
  pipe(options?: PipeOptions & AsyncOptions & { readonly into?: undefined }): Promise<PipeEnds<RingFile>>;
  pipe(options?: PipeOptions & AsyncOptions): Promise<PipeEnds<RingFile | FixedFile>> {
    const fds = new Int32Array(2);
    const into = options?.into;
    if (into === undefined) {
      const files = endsOf(
        (end) => this.fileOf(fds[end] ?? -1),
        (end) => sys.close(fds[end] ?? -1),
      );
      return this.run(encoders.pipe, files, options, fds, into);
    }
    const placeOf = (end: 0 | 1) => (end === 0 || !FixedFile.is(into) ? into : into.next());
    const slots = endsOf(
      (end) => this.slotOf(placeOf(end), fds[end] ?? -1),
      (end) => this.emptySlot(placeOf(end), fds[end] ?? -1),
    );
    return this.run(encoders.pipe, slots, options, fds, into);
  }

  /**
   * Puts files into slots of the table, as `files.update()` does without the ring (OP_FILES_UPDATE). The table's
   * `onRelease` is not told of files that came this way.
   * @param offset the first slot, or `'alloc'`: free ones (5.19)
   * @param fds an fd, `files.CLEAR` or `files.KEEP` for each slot
   * @returns how many slots were done; with `'alloc'` the slots
   * @throws OpError EBADF: one of them is no open file; ENFILE: no slot is free
   * @since 5.6
   * @see io_uring_prep_files_update(3)
   */
  filesUpdate(
    files: RegisteredFiles,
    offset: 'alloc',
    fds: readonly Fd[],
    options?: AsyncOptions,
  ): Promise<FixedFile[]>;
  filesUpdate(
    files: RegisteredFiles,
    offset: number,
    fds: readonly Fd[],
    options?: AsyncOptions,
  ): Promise<number>;
  filesUpdate(
    files: RegisteredFiles,
    offset: number | 'alloc',
    fds: readonly Fd[],
    options?: AsyncOptions,
  ): Promise<number | FixedFile[]> {
    const slots = slotNumbers(fds);
    const outcome: Outcome<FixedFile[]> = {
      convert: (count) => [...slots.subarray(0, count)].map((slot) => files.at(slot)),
      undo: (count) => {
        for (const slot of slots.subarray(0, count)) this.emptySlot(files, slot);
      },
    };
    return offset === 'alloc'
      ? this.run(encoders.filesUpdate, outcome, options, files, offset, fds, slots)
      : this.run(encoders.filesUpdate, outcomes.COUNT, options, files, offset, fds, slots);
  }

  /**
   * Accepts one connection after the other (OP_ACCEPT, ACCEPT_MULTISHOT). Those that nobody takes are closed.
   * @param options `flags`, `into` (the file table: into its free slots)
   * @returns an iterator of RingFile; with `into` of FixedFile
   * @throws OpError EINVAL: the socket does not listen; EMFILE: too many open files; ENFILE: no slot is free
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
        convert: (fd) => this.fileOf(fd),
        undo: ({ fd }) => sys.close(fd),
      };
      return this.iterate(encoders.acceptMultishot, stream, options, server, into);
    }
    const stream: Stream<FixedFile> = {
      convert: (slot) => this.slotOf(into, slot),
      undo: (slot) => this.emptySlot(slot, 0),
    };
    return this.iterate(encoders.acceptMultishot, stream, options, server, into);
  }

  /**
   * Receives a message into memory in pieces, with the sender's address and control data (OP_RECVMSG). File descriptors
   * that come are yours to close: `receivedFds(message.control)`.
   * @param room `{ data, control, address }`, or a MessageBuffer to be used again and again
   * @param options `flags` (MSG_*), `pollFirst`
   * @throws OpError ECONNRESET: the other side has reset the connection
   * @since 5.3
   * @see io_uring_prep_recvmsg(3)
   */
  recvmsg(
    socket: File,
    room: MessageBuffer | IncomingMessage,
    options?: SocketOptions & AsyncOptions,
  ): Promise<ReceivedMessage> {
    return attempt(() => {
      const buffer = messageBuffer('room', room);
      return this.run(encoders.recvmsg, outcomes.received(buffer), options, socket, buffer);
    });
  }

  /**
   * Waits for events of an epoll file (OP_EPOLL_WAIT).
   * @param max at most so many at once
   * @throws OpError EINVAL: it is no epoll file
   * @since 6.15
   * @see io_uring_prep_epoll_wait(3)
   */
  epollWait(epoll: File, max: number, options?: AsyncOptions): Promise<EpollEvent[]> {
    return attempt(() => {
      const room = new Uint8Array(integer('max', max, 1, MAX_EVENTS) * EPOLL_EVENT_SIZE);
      return this.run(encoders.epollWait, outcomes.epollEvents(room), options, epoll, room);
    });
  }

  /**
   * Tells the address of a socket (OP_URING_CMD, SOCKET_URING_OP_GETSOCKNAME). Where the kernel has no such command
   * libc is asked, which takes no slot of the file table.
   * @throws UnsupportedError for a slot of the file table, before 6.19
   * @since 6.19 by the ring, always by libc
   * @see getsockname(2)
   */
  getsockname(socket: File, options?: AsyncOptions): Promise<SocketAddress | undefined> {
    return this.#socketName('getsockname', socket, options);
  }

  /**
   * Tells the address of a socket's peer (OP_URING_CMD, SOCKET_URING_OP_GETSOCKNAME). Where the kernel has no such
   * command libc is asked, which takes no slot of the file table.
   * @throws OpError ENOTCONN: the socket is not connected; UnsupportedError for a slot of the file table, before 6.19
   * @since 6.19 by the ring, always by libc
   * @see getpeername(2)
   */
  getpeername(socket: File, options?: AsyncOptions): Promise<SocketAddress | undefined> {
    return this.#socketName('getpeername', socket, options);
  }

  /**
   * Reads many times with one promise. It takes as long as a promise for each, and their results are numbers in one array.
   * @param reads `{ file, memory, offset }` for each, at most 2^20
   * @param options as `read`, for each of them
   * @returns for each how many bytes, or minus the errno: `errnoName` of `uring/structs` names it. It resolves when all have ended
   * @throws for wrong arguments, AbortError, ClosedError: also when all have ended
   * @since 5.6
   */
  readMany(reads: readonly Read[], options: AsyncOptions = {}): Promise<Int32Array> {
    return readMany(this, reads, options);
  }

  /**
   * A server of TCP, or with `path` of a Unix socket: `for await (const socket of ring.createServer({ port: 8080 }))`. It listens
   * when this returns, unless its host is a name, which is resolved first; `await server.address()` tells where, or why not.
   * @param options `host`, `port`, or `path`; `backlog`, `reuseAddr`, `reusePort`, `ipv6Only`; `noDelay`, `timeoutMs` of its
   *   connections; `signal`
   * @since 5.5; from 5.19 on one request accepts all connections, and buffers are taken only when data is there
   */
  createServer(options: ServerOptions = {}): RingServer {
    return new RingServer(this, options);
  }

  /**
   * Connects with a server, by its name or address and its port, or with `path` with a Unix socket. Where a name has several
   * addresses they are tried in turn, as Node.js has it.
   * @param options `host`, `port`, or `path`; `family`, `noDelay`, `timeoutMs`, `signal`
   * @throws OpError ECONNREFUSED: nobody listens there; ETIME: see `timeoutMs`; AggregateError where several addresses failed;
   *   what `node:dns` says of a name; AbortError
   * @since 5.5
   */
  createConnection(options: ConnectionOptions): Promise<RingSocket> {
    return connectSocket(this, options);
  }

  /**
   * A socket of datagrams: UDP, or with `path` a Unix one.
   * @param options `type`, `host`, `port`, or `path`; `reuseAddr`, `reusePort`, `ipv6Only`, `broadcast`; `signal`
   * @returns a socket that is bound
   * @throws SyscallError EADDRINUSE: another one has that port; what `node:dns` says of a name; AbortError
   * @since 5.3
   */
  createSocket(options: DatagramOptions = {}): Promise<RingDatagram> {
    return createDatagram(this, options);
  }

  async #socketName(
    call: 'getsockname' | 'getpeername',
    socket: File,
    options: AsyncOptions | undefined,
  ): Promise<SocketAddress | undefined> {
    const file = read.file('socket', socket);
    const room = addressRoom();
    try {
      const encoder = call === 'getsockname' ? encoders.getsockname : encoders.getpeername;
      return await this.run(encoder, outcomes.addressOf(room), options, file, room);
    } catch (error) {
      if (isWithoutCommand(error)) return nameByLibc(file, call);
      throw error;
    }
  }
}
