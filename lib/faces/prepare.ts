// Written by `npm run faces` from lib/operations. Do not edit.
/** ring.prepare: one method for each operation. */

import type { SocketAddressLike } from '../../structs/address.ts';
import type { AddressBuffer } from '../operations/address.ts';
import type { OperationKey } from '../operations/key.ts';
import type { IncomingMessage, MessageBuffer, OutgoingMessage } from '../operations/msghdr.ts';
import type { CancelWhat } from '../operations/rings.ts';
import * as rooms from '../operations/rooms.ts';
import type { SocketOption } from '../operations/sockets.ts';
import type {
  Child,
  Fd,
  File,
  Futex,
  FutexArray,
  Memory,
  MemoryOrPool,
  OperationOptions,
  OtherTable,
  Path,
} from '../operations/types.ts';
import type { RingCore } from '../ring/core/core.ts';
import type { AnyRing } from '../ring/core/rings.ts';
import type { BufferRing } from '../ring/owners/buffer-ring.ts';
import type { RegisteredBuffer } from '../ring/owners/buffers.ts';
import type { FixedFile, RegisteredFiles } from '../ring/owners/files.ts';
import * as encoders from './encoders.ts';
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
import { bitsOf, commit, userDataOf } from './put.ts';

/**
 * Prepares operations: each method takes the next free entry of the submission queue, and the ring holds what the kernel
 * may touch until the last completion. Nothing starts before `submit()`.
 *
 * Every method throws QueueFullError when no entry is free, ClosedError after close, and TypeError or RangeError for a
 * wrong argument; then no entry is taken.
 */
export class Prepare {
  /** @internal */
  protected readonly core: RingCore;

  /** @internal */
  constructor(core: RingCore) {
    this.core = core;
  }

  /**
   * Accepts a connection (OP_ACCEPT). One that came although the operation was cancelled is closed.
   * @since 5.5
   * @see io_uring_prep_accept(3)
   */
  accept(server: File, options?: AcceptOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.accept;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, server, options?.into));
  }

  /**
   * Accepts one connection after the other, each with a completion of its own (OP_ACCEPT,
   * ACCEPT_MULTISHOT). Those that nobody takes are closed.
   * @since 5.19
   * @see io_uring_prep_multishot_accept(3)
   */
  acceptMultishot(server: File, options?: AcceptMultishotOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.acceptMultishot;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, server, options?.into));
  }

  /**
   * Gives a socket its address (OP_BIND).
   * @param address `{ address, port }` (port 0: a free one), or `{ path }` of a Unix socket
   * @since 6.11
   * @see io_uring_prep_bind(3)
   */
  bind(socket: File, address: SocketAddressLike, options?: OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.bind;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, socket, address));
  }

  /**
   * Cancels operations of this ring: they complete with ECANCELED (OP_ASYNC_CANCEL). On AsyncRing one
   * operation is cancelled by its signal, too.
   * @param what `{ userData }` (one), `{ fd }` (all on a file), `{ op }` (all of a kind), both, or `{ any:
   *   true }`
   * @remarks The completion's res: how many were found.
   * @since 5.5
   * @see io_uring_prep_cancel(3)
   */
  cancel(what: CancelWhat, options?: OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.cancel;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, what));
  }

  /** As `cancel`, by liburing's name. */
  get asyncCancel(): this['cancel'] {
    return this.cancel;
  }

  /**
   * Closes an fd through the ring, or empties a slot of the file table (5.15) (OP_CLOSE).
   * @since 5.6
   * @see io_uring_prep_close(3)
   */
  closeFd(file: File, options?: OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.closeFd;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, file));
  }

  /** As `closeFd`, by liburing's name. */
  get close(): this['closeFd'] {
    return this.closeFd;
  }

  /**
   * Connects a socket (OP_CONNECT).
   * @since 5.5
   * @see io_uring_prep_connect(3)
   */
  connect(socket: File, address: SocketAddressLike, options?: OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.connect;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, socket, address));
  }

  /**
   * Adds a file to an epoll file, changes its events, or takes it out (OP_EPOLL_CTL).
   * @since 5.6
   * @see io_uring_prep_epoll_ctl(3)
   */
  epollCtl(epoll: Fd, action: EpollAction, file: Fd, options?: EpollOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.epollCtl;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, epoll, action, file));
  }

  /**
   * Waits for events of an epoll file (OP_EPOLL_WAIT).
   * @param events memory for an array of epoll_event: `decodeEpollEvents` of uring/structs reads it
   * @since 6.15
   * @see io_uring_prep_epoll_wait(3)
   */
  epollWait(epoll: File, events: ArrayBufferView, options?: OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.epollWait;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, epoll, events));
  }

  /**
   * Says how a part of a file will be used (OP_FADVISE).
   * @since 5.6
   * @see io_uring_prep_fadvise(3)
   */
  fadvise(file: File, advice: FileAdvice, options?: RangeOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.fadvise;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, file, advice));
  }

  /**
   * Allocates a part of a file, or punches a hole into it (OP_FALLOCATE).
   * @param length in bytes
   * @since 5.6
   * @see io_uring_prep_fallocate(3)
   */
  fallocate(file: File, length: number, options?: FallocateOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.fallocate;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, file, length));
  }

  /**
   * As `getxattr`, of an open file (OP_FGETXATTR).
   * @param value gets the value; an empty one only asks for its length
   * @since 5.19
   * @see fgetxattr(2)
   */
  fgetxattr(file: File, name: Path, value: ArrayBufferView, options?: OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.fgetxattr;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, file, name, value));
  }

  /**
   * Puts files into slots of the table, as `files.update()` does without the ring (OP_FILES_UPDATE). The
   * table's `onRelease` is not told of files that came this way.
   * @param offset the first slot, or `'alloc'`: free ones (5.19)
   * @param fds an fd, `files.CLEAR` or `files.KEEP` for each slot
   * @since 5.6
   * @see io_uring_prep_files_update(3)
   */
  filesUpdate(
    files: RegisteredFiles,
    offset: number | 'alloc',
    fds: readonly Fd[],
    options?: OperationOptions,
  ): void {
    const { core } = this;
    core.begin();
    const operation = encoders.filesUpdate;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(
      core,
      operation,
      userData,
      bits,
      operation.encode(core, given, files, offset, fds, rooms.slotNumbers(fds)),
    );
  }

  /**
   * Makes an fd of a file of the table (OP_FIXED_FD_INSTALL).
   * @since 6.8
   * @see io_uring_prep_fixed_fd_install(3)
   */
  fixedFdInstall(file: FixedFile, options?: InstallOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.fixedFdInstall;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, file));
  }

  /**
   * As `setxattr`, of an open file (OP_FSETXATTR).
   * @since 5.19
   * @see fsetxattr(2)
   */
  fsetxattr(
    file: File,
    name: Path,
    value: ArrayBufferView,
    options?: SetxattrOptions & OperationOptions,
  ): void {
    const { core } = this;
    core.begin();
    const operation = encoders.fsetxattr;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, file, name, value));
  }

  /**
   * Flushes a file, or a part of it, to its disk (OP_FSYNC).
   * @since 5.1
   * @see io_uring_prep_fsync(3)
   */
  fsync(file: File, options?: FsyncOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.fsync;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, file));
  }

  /**
   * Cuts or extends a file (OP_FTRUNCATE).
   * @param length the file's new one, in bytes
   * @since 6.9
   * @see io_uring_prep_ftruncate(3)
   */
  ftruncate(file: File, length: number, options?: OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.ftruncate;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, file, length));
  }

  /**
   * Waits while a word of memory has a value, until somebody wakes it: `futexWake`, or futex(2) of any
   * thread (OP_FUTEX_WAIT). Atomics.notify() is no such thing.
   * @param array over a SharedArrayBuffer, where other threads take part
   * @since 6.7
   * @see io_uring_prep_futex_wait(3)
   */
  futexWait(
    array: FutexArray,
    index: number,
    value: number,
    options?: FutexOptions & OperationOptions,
  ): void {
    const { core } = this;
    core.begin();
    const operation = encoders.futexWait;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, array, index, value));
  }

  /**
   * Waits for whichever of several words is woken first (OP_FUTEX_WAITV).
   * @param futexes 1..128 of `{ array, index, value }`
   * @since 6.7
   * @see io_uring_prep_futex_waitv(3)
   */
  futexWaitv(futexes: readonly Futex[], options?: OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.futexWaitv;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, futexes));
  }

  /**
   * Wakes those who wait for a word of memory (OP_FUTEX_WAKE).
   * @param count at most so many; all when absent
   * @remarks The completion's res: how many were woken.
   * @since 6.7
   * @see io_uring_prep_futex_wake(3)
   */
  futexWake(
    array: FutexArray,
    index: number,
    count?: number | undefined,
    options?: FutexOptions & OperationOptions,
  ): void {
    const { core } = this;
    core.begin();
    const operation = encoders.futexWake;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, array, index, count));
  }

  /**
   * Tells the address of a socket's peer (OP_URING_CMD, SOCKET_URING_OP_GETSOCKNAME). Where the kernel has
   * no such command, AsyncRing asks libc, which takes no slot of the file table.
   * @since 6.19
   * @see io_uring_prep_cmd_getsockname(3)
   */
  getpeername(socket: File, room: AddressBuffer, options?: OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.getpeername;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, socket, room));
  }

  /**
   * Tells the address of a socket (OP_URING_CMD, SOCKET_URING_OP_GETSOCKNAME). Where the kernel has no such
   * command, AsyncRing asks libc, which takes no slot of the file table.
   * @since 6.19
   * @see io_uring_prep_cmd_getsockname(3)
   */
  getsockname(socket: File, room: AddressBuffer, options?: OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.getsockname;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, socket, room));
  }

  /**
   * Reads an option of a socket (OP_URING_CMD, SOCKET_URING_OP_GETSOCKOPT).
   * @param option one of SOL_SOCKET: `'SO_ERROR'`, or `[level, number]`
   * @param value gets the value; its length is the completion's res
   * @since 6.7
   * @see io_uring_prep_cmd_sock(3)
   */
  getsockopt(socket: File, option: SocketOption, value: ArrayBufferView, options?: OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.getsockopt;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, socket, option, value));
  }

  /**
   * Reads an extended attribute of a path (OP_GETXATTR).
   * @param value gets the value; an empty one only asks for its length
   * @since 5.19
   * @see getxattr(2)
   */
  getxattr(path: Path, name: Path, value: ArrayBufferView, options?: OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.getxattr;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, path, name, value));
  }

  /**
   * Ticks: each time is a completion of its own, -ETIME (OP_TIMEOUT, TIMEOUT_MULTISHOT). Ticks that nobody
   * waited for come one after the other.
   * @since 6.4
   * @see io_uring_prep_timeout(3)
   */
  interval(options: IntervalOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.interval;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, rooms.countdown()));
  }

  /**
   * Gives a file one more path (OP_LINKAT).
   * @since 5.15
   * @see linkat(2)
   */
  link(oldPath: Path, newPath: Path, options?: LinkOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.link;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, oldPath, newPath));
  }

  /** As `link`, by liburing's name. */
  get linkat(): this['link'] {
    return this.link;
  }

  /**
   * Limits the operation before it, which has `link: true`: when the time is over that one is cancelled
   * (OP_LINK_TIMEOUT).
   * @since 5.5
   * @see io_uring_prep_link_timeout(3)
   */
  linkTimeout(options?: DelayOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.linkTimeout;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given));
  }

  /**
   * Gives the limit of a linked operation another time (OP_TIMEOUT_REMOVE, LINK_TIMEOUT_UPDATE).
   * @param started the userData of the linkTimeout
   * @since 5.15
   * @see io_uring_prep_timeout_update(3)
   */
  linkTimeoutUpdate(started: OperationKey, options?: DelayOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.linkTimeoutUpdate;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, started));
  }

  /**
   * Lets a socket take connections (OP_LISTEN).
   * @param backlog how many may wait to be accepted
   * @since 6.11
   * @see io_uring_prep_listen(3)
   */
  listen(socket: File, backlog: number, options?: OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.listen;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, socket, backlog));
  }

  /**
   * Says how whole pages of memory will be used (OP_MADVISE).
   * @param memory whole pages, as `alloc` gives them
   * @since 5.6
   * @see io_uring_prep_madvise(3)
   */
  madvise(memory: ArrayBufferView, advice: MemoryAdvice, options?: OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.madvise;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, memory, advice));
  }

  /**
   * Makes a directory (OP_MKDIRAT).
   * @since 5.15
   * @see mkdirat(2)
   */
  mkdir(path: Path, options?: MkdirOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.mkdir;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, path));
  }

  /** As `mkdir`, by liburing's name. */
  get mkdirat(): this['mkdir'] {
    return this.mkdir;
  }

  /**
   * Posts a completion on another ring; `sendMessage` does so without an operation (OP_MSG_RING).
   * @param target a ring, or the fd of one
   * @since 5.18
   * @see io_uring_prep_msg_ring(3)
   */
  msgRing(target: AnyRing | number, options?: MessageOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.msgRing;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, target));
  }

  /**
   * Puts a file of this ring's table into the table of another ring, which gets a completion: with the slot
   * as its res where `into` is a table (OP_MSG_RING, MSG_SEND_FD).
   * @param into the other ring's file table, for a free slot; or a slot of it
   * @since 6.0
   * @see io_uring_prep_msg_ring_fd(3)
   */
  msgRingFd(file: FixedFile, into: OtherTable, options?: MessageFileOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.msgRingFd;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, file, into));
  }

  /**
   * Does nothing, once through the ring (OP_NOP).
   * @since 5.1
   * @see io_uring_prep_nop(3)
   */
  nop(options?: NopOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.nop;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given));
  }

  /**
   * Opens a path (with `resolve` by OP_OPENAT2) (OP_OPENAT). A file that was opened although the operation
   * was cancelled is closed.
   * @since 5.6
   * @see io_uring_prep_openat(3)
   */
  open(path: Path, options?: OpenOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.open;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, path, options?.into));
  }

  /** As `open`, by liburing's name. */
  get openat(): this['open'] {
    return this.open;
  }

  /** As `open`, by liburing's name. */
  get openat2(): this['open'] {
    return this.open;
  }

  /**
   * Makes a pipe (OP_PIPE).
   * @param fds gets the reading and the writing end
   * @since 6.16
   * @see io_uring_prep_pipe(3)
   */
  pipe(fds: Int32Array, options?: PipeOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.pipe;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, fds, options?.into));
  }

  /**
   * Waits for events of a file (OP_POLL_ADD).
   * @param events POLL* bits: POLLIN (1), POLLPRI (2), POLLOUT (4), POLLRDHUP (0x2000); POLLERR (8) and
   *   POLLHUP (16) come anyway
   * @remarks The completion's res: those that came.
   * @since 5.1
   * @see io_uring_prep_poll_add(3)
   */
  poll(file: File, events: number, options?: OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.poll;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, file, events));
  }

  /** As `poll`, by liburing's name. */
  get pollAdd(): this['poll'] {
    return this.poll;
  }

  /**
   * Tells events of a file whenever something changes (OP_POLL_ADD, POLL_ADD_MULTI). A file that can not be
   * waited for, as a regular one, is ready always.
   * @param events POLL* bits: POLLIN (1), POLLPRI (2), POLLOUT (4), POLLRDHUP (0x2000); POLLERR (8) and
   *   POLLHUP (16) come anyway
   * @since 5.13
   * @see io_uring_prep_poll_multishot(3)
   */
  pollMultishot(file: File, events: number, options?: PollMultishotOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.pollMultishot;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, file, events));
  }

  /**
   * Ends a started poll: it completes with ECANCELED (OP_POLL_REMOVE).
   * @param started its userData; on AsyncRing what starting it gave
   * @since 5.1
   * @see io_uring_prep_poll_remove(3)
   */
  pollRemove(started: OperationKey, options?: OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.pollRemove;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, started));
  }

  /**
   * Changes the events that a started poll waits for, also one that goes on and on (OP_POLL_REMOVE,
   * POLL_UPDATE_EVENTS). Linux 6.16 and 6.17 lose the completion of a poll whose new events are there
   * already: it stays until it is removed.
   * @param started its userData; on AsyncRing what starting it gave
   * @param events POLL* bits: POLLIN (1), POLLPRI (2), POLLOUT (4), POLLRDHUP (0x2000); POLLERR (8) and
   *   POLLHUP (16) come anyway
   * @since 5.13
   * @see io_uring_prep_poll_update(3)
   */
  pollUpdate(started: OperationKey, events: number, options?: OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.pollUpdate;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, started, events));
  }

  /**
   * Reads into memory; into a registered buffer it is an OP_READ_FIXED (OP_READ). From a pool the kernel
   * picks a buffer when data is there.
   * @remarks The completion's res: how many bytes, 0 at the end of the file; of a pool a part of a buffer,
   *   to be released, or undefined at the end.
   * @since 5.6
   * @see io_uring_prep_read(3)
   */
  read(file: File, memory: MemoryOrPool, options?: ReadOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.read;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, file, memory));
  }

  /**
   * As `read`, of a registered buffer only (OP_READ_FIXED).
   * @remarks The completion's res: how many bytes; 0 at the end of the file.
   * @since 5.1
   * @see io_uring_prep_read_fixed(3)
   */
  readFixed(file: File, buffer: RegisteredBuffer, options?: RwOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.readFixed;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, file, buffer));
  }

  /**
   * Reads a pipe, a tty or a socket again and again, each time into a buffer that the kernel picks from a
   * pool (OP_READ_MULTISHOT). It ends with the file. Where no buffer is left it goes on when one was
   * released.
   * @since 6.7
   * @see io_uring_prep_read_multishot(3)
   */
  readMultishot(file: File, pool: BufferRing, options?: OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.readMultishot;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, file, pool));
  }

  /**
   * Reads into several pieces of memory, one after the other (OP_READV). Where all are pieces of one
   * registered buffer it is an OP_READV_FIXED, on kernels that have it.
   * @param pieces 1 to 1024
   * @remarks The completion's res: how many bytes, all together.
   * @since 5.1
   * @see io_uring_prep_readv2(3)
   */
  readv(file: File, pieces: readonly Memory[], options?: RwOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.readv;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, file, pieces));
  }

  /**
   * As `readv`, of pieces of one registered buffer only (OP_READV_FIXED).
   * @param pieces 1 to 1024
   * @remarks The completion's res: how many bytes, all together.
   * @since 6.15
   * @see io_uring_prep_readv_fixed(3)
   */
  readvFixed(file: File, pieces: readonly RegisteredBuffer[], options?: RwOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.readvFixed;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, file, pieces));
  }

  /**
   * Receives into memory, or into a buffer that the kernel picks from a pool when data is there (OP_RECV).
   * @remarks The completion's res: how many bytes, 0 at the end; of a pool a part of a buffer, to be
   *   released, or undefined at the end.
   * @since 5.6
   * @see io_uring_prep_recv(3)
   */
  recv(socket: File, memory: MemoryOrPool, options?: SocketOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.recv;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, socket, memory));
  }

  /**
   * Receives what has come into as many buffers of a pool as it takes; by `ring.prepare` the completion is
   * for `pool.takeBundle` (OP_RECV, RECVSEND_BUNDLE).
   * @since 6.10
   * @see io_uring_prep_recv(3)
   */
  recvBundle(socket: File, pool: BufferRing, options?: SocketOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.recvBundle;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, socket, pool));
  }

  /**
   * As `recvMultishot`, each completion with as many buffers of the pool as the data takes (OP_RECV,
   * RECVSEND_BUNDLE).
   * @since 6.10
   * @see io_uring_prep_recv_multishot(3)
   */
  recvBundleMultishot(socket: File, pool: BufferRing, options?: SocketOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.recvBundleMultishot;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, socket, pool));
  }

  /**
   * Receives again and again into buffers that the kernel picks from a pool (OP_RECV, RECV_MULTISHOT). Each
   * part is to be released; while none is free the receive waits, which slows the sender down. It ends
   * where the connection does; so it does at a datagram without bytes.
   * @since 6.0
   * @see io_uring_prep_recv_multishot(3)
   */
  recvMultishot(socket: File, pool: BufferRing, options?: SocketOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.recvMultishot;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, socket, pool));
  }

  /**
   * Receives into the memory of a zero-copy queue, again and again (OP_RECV_ZC).
   * @param queue the id of the queue: `ifq.id`
   * @since 6.15
   * @see io_uring_register_ifq(3)
   */
  recvZc(socket: File, queue: number, options?: OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.recvZc;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, socket, queue));
  }

  /**
   * Receives a message into memory in pieces, with the sender's address and control data (OP_RECVMSG). File
   * descriptors that come are yours to close: `receivedFds(message.control)`.
   * @param room `{ data, control, address }`; or a MessageBuffer, whose `result(res)` has the message, to
   *   be used again and again
   * @since 5.3
   * @see io_uring_prep_recvmsg(3)
   */
  recvmsg(
    socket: File,
    room: MessageBuffer | IncomingMessage,
    options?: SocketOptions & OperationOptions,
  ): void {
    const { core } = this;
    core.begin();
    const operation = encoders.recvmsg;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, socket, room));
  }

  /**
   * Receives message after message into buffers that the kernel picks from a pool (OP_RECVMSG,
   * RECV_MULTISHOT). Each is to be released, as in `recvMultishot`. A buffer has 16 bytes for a header, 128
   * for the address and `control` bytes beside the data. It ends when the signal aborts, or when the loop
   * is left.
   * @since 6.0
   * @see io_uring_prep_recvmsg_multishot(3)
   */
  recvmsgMultishot(socket: File, pool: BufferRing, options?: MessageRoomOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.recvmsgMultishot;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, socket, rooms.messageRoom(), pool));
  }

  /**
   * Gives a file another path (OP_RENAMEAT).
   * @since 5.11
   * @see renameat2(2)
   */
  rename(oldPath: Path, newPath: Path, options?: RenameOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.rename;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, oldPath, newPath));
  }

  /** As `rename`, by liburing's name. */
  get renameat(): this['rename'] {
    return this.rename;
  }

  /**
   * Sends from memory (OP_SEND). MSG_NOSIGNAL is implied: a broken connection is EPIPE.
   * @remarks The completion's res: how many bytes, which may be fewer.
   * @since 5.6
   * @see io_uring_prep_send(3)
   */
  send(socket: File, memory: Memory, options?: SendOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.send;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, socket, memory));
  }

  /**
   * Sends what is in the buffers of a pool that the caller fills, in their order, as many at once as there
   * are (OP_SEND, RECVSEND_BUNDLE).
   * @remarks The completion's res: how many bytes.
   * @since 6.10
   * @see io_uring_prep_send_bundle(3)
   */
  sendBundle(socket: File, pool: BufferRing, options?: SocketOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.sendBundle;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, socket, pool));
  }

  /**
   * Sends without copying; memory of a registered buffer needs no pinning either (OP_SEND_ZC). A second
   * completion, IORING_CQE_F_NOTIF, says that the memory is free: on TCP when the other side has it.
   * @since 6.0
   * @see io_uring_prep_send_zc(3)
   */
  sendZeroCopy(socket: File, memory: Memory, options?: ZeroCopyOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.sendZeroCopy;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, socket, memory));
  }

  /** As `sendZeroCopy`, by liburing's name. */
  get sendZc(): this['sendZeroCopy'] {
    return this.sendZeroCopy;
  }

  /**
   * Sends a message: data in pieces, to an address, with control data such as `passFds([fd])` (OP_SENDMSG).
   * @remarks The completion's res: how many bytes.
   * @since 5.3
   * @see io_uring_prep_sendmsg(3)
   */
  sendmsg(socket: File, message: OutgoingMessage, options?: SocketOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.sendmsg;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, socket, message));
  }

  /**
   * As `sendmsg` without copying the data; see `sendZeroCopy` (OP_SENDMSG_ZC).
   * @since 6.1
   * @see io_uring_prep_sendmsg_zc(3)
   */
  sendmsgZeroCopy(socket: File, message: OutgoingMessage, options?: SocketOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.sendmsgZeroCopy;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, socket, message));
  }

  /** As `sendmsgZeroCopy`, by liburing's name. */
  get sendmsgZc(): this['sendmsgZeroCopy'] {
    return this.sendmsgZeroCopy;
  }

  /**
   * Changes an option of a socket (OP_URING_CMD, SOCKET_URING_OP_SETSOCKOPT).
   * @param option `'TCP_NODELAY'` and the other names of `socketOptions`, or `[level, number]`
   * @param value a number or a boolean for an int, or the bytes
   * @since 6.7
   * @see io_uring_prep_cmd_sock(3)
   */
  setsockopt(
    socket: File,
    option: SocketOption,
    value: number | boolean | Uint8Array,
    options?: OperationOptions,
  ): void {
    const { core } = this;
    core.begin();
    const operation = encoders.setsockopt;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, socket, option, value));
  }

  /**
   * Sets an extended attribute of a path (OP_SETXATTR).
   * @since 5.19
   * @see setxattr(2)
   */
  setxattr(
    path: Path,
    name: Path,
    value: ArrayBufferView,
    options?: SetxattrOptions & OperationOptions,
  ): void {
    const { core } = this;
    core.begin();
    const operation = encoders.setxattr;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, path, name, value));
  }

  /**
   * Ends one half of a connection, or both (OP_SHUTDOWN).
   * @since 5.11
   * @see io_uring_prep_shutdown(3)
   */
  shutdown(socket: File, how: ShutdownHow, options?: OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.shutdown;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, socket, how));
  }

  /**
   * Tells how many bytes wait to be received (OP_URING_CMD, SOCKET_URING_OP_SIOCINQ).
   * @since 6.7
   * @see io_uring_prep_cmd_sock(3)
   */
  siocinq(socket: File, options?: OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.siocinq;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, socket));
  }

  /**
   * Tells how many bytes were sent and are not acknowledged (OP_URING_CMD, SOCKET_URING_OP_SIOCOUTQ).
   * @since 6.7
   * @see io_uring_prep_cmd_sock(3)
   */
  siocoutq(socket: File, options?: OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.siocoutq;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, socket));
  }

  /**
   * Makes a socket (OP_SOCKET).
   * @param domain `'IPv4'`, `'IPv6'`, `'unix'`, or AF_*
   * @since 5.19
   * @see io_uring_prep_socket(3)
   */
  socket(domain: Domain, options?: SocketCreateOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.socket;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, domain, options?.into));
  }

  /**
   * Moves bytes between a pipe and another file, without copying them (OP_SPLICE). While it waits for a
   * socket that has no data, the kernel holds the pipe: who else uses that pipe waits with it, the event
   * loop too. So poll the socket first, or give SPLICE_F_NONBLOCK, which ends with EAGAIN instead.
   * @param length at most so many
   * @remarks The completion's res: how many; 0 at the end of the file.
   * @since 5.7
   * @see io_uring_prep_splice(3)
   */
  splice(from: File, to: File, length: number, options?: SpliceOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.splice;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, from, to, length));
  }

  /**
   * Asks what the kernel knows of a file (OP_STATX). The kernel does this in a worker thread always: for
   * one file `fs.statSync` takes a twentieth of the time, and for many at once `fs.promises.stat` is as
   * fast.
   * @param target a path, or an open file (no slot of the file table)
   * @param buffer gets a struct statx: `Statx.decode` of uring/structs reads it
   * @since 5.6
   * @see statx(2)
   */
  statx(target: Path | Fd, buffer: ArrayBufferView, options?: StatxOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.statx;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, target, buffer));
  }

  /**
   * Makes a symbolic link at `path`, which says `target` (OP_SYMLINKAT).
   * @since 5.15
   * @see symlinkat(2)
   */
  symlink(target: Path, path: Path, options?: AtOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.symlink;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, target, path));
  }

  /** As `symlink`, by liburing's name. */
  get symlinkat(): this['symlink'] {
    return this.symlink;
  }

  /**
   * Writes a part of a file's cached data to its disk, without metadata: no promise that it survives
   * (OP_SYNC_FILE_RANGE).
   * @since 5.2
   * @see sync_file_range(2)
   */
  syncFileRange(file: File, options?: SyncRangeOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.syncFileRange;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, file));
  }

  /**
   * Copies bytes from a pipe to another, and leaves them in the first (OP_TEE).
   * @param length at most so many
   * @remarks The completion's res: how many.
   * @since 5.8
   * @see io_uring_prep_tee(3)
   */
  tee(from: File, to: File, length: number, options?: TeeOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.tee;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, from, to, length));
  }

  /**
   * Waits until a time is over; the completion's res is -ETIME then (OP_TIMEOUT).
   * @since 5.4
   * @see io_uring_prep_timeout(3)
   */
  timeout(options?: TimeoutOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.timeout;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given));
  }

  /**
   * Ends a started timeout: it completes with ECANCELED (OP_TIMEOUT_REMOVE).
   * @param started its userData; on AsyncRing what starting it gave
   * @since 5.5
   * @see io_uring_prep_timeout_remove(3)
   */
  timeoutRemove(started: OperationKey, options?: OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.timeoutRemove;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, started));
  }

  /**
   * Gives a started timeout another time (OP_TIMEOUT_REMOVE, TIMEOUT_UPDATE).
   * @param started its userData; on AsyncRing what starting it gave
   * @since 5.11
   * @see io_uring_prep_timeout_update(3)
   */
  timeoutUpdate(started: OperationKey, options?: DelayOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.timeoutUpdate;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, started));
  }

  /**
   * Removes a file, or with `directory` an empty directory (OP_UNLINKAT).
   * @since 5.11
   * @see unlinkat(2)
   */
  unlink(path: Path, options?: UnlinkOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.unlink;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, path));
  }

  /** As `unlink`, by liburing's name. */
  get unlinkat(): this['unlink'] {
    return this.unlink;
  }

  /**
   * Gives a file's driver a command, as NVMe passthrough is done (OP_URING_CMD).
   * @param command the driver's number for it
   * @remarks The completion's res: the driver's result.
   * @since 5.19
   * @see io_uring_prep_uring_cmd(3)
   */
  uringCmd(file: File, command: number, options?: CommandOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.uringCmd;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, file, command));
  }

  /**
   * As `uringCmd`, for a command of many completions, as transmit timestamps of a socket
   * (SOCKET_URING_OP_TX_TIMESTAMP): each with its flags, and both halves on a ring with `cqe32`
   * (OP_URING_CMD).
   * @param command the driver's number for it
   * @since 5.19
   * @see io_uring_prep_uring_cmd(3)
   */
  uringCmdMultishot(file: File, command: number, options?: CommandOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.uringCmdMultishot;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, file, command));
  }

  /**
   * Waits for a child process to change (OP_WAITID). For one that Node.js started give `keep: true`, so
   * that Node.js learns of its end too, and begin to wait before it ends: Node.js takes the end of its
   * children away.
   * @param child `{ pid }`, `{ group }`, `{ pidfd }`, or `'any'`
   * @param info gets a siginfo_t of 128 bytes: `childStatus` of uring reads it
   * @since 6.7
   * @see io_uring_prep_waitid(3)
   */
  waitid(child: Child, info: ArrayBufferView, options?: WaitidOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.waitid;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, child, info));
  }

  /**
   * Writes from memory; from a registered buffer it is an OP_WRITE_FIXED (OP_WRITE).
   * @remarks The completion's res: how many bytes; where they are fewer, the current position of a regular
   *   file may be where it was: go on with an `offset`.
   * @since 5.6
   * @see io_uring_prep_write(3)
   */
  write(file: File, memory: Memory, options?: RwOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.write;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, file, memory));
  }

  /**
   * As `write`, of a registered buffer only (OP_WRITE_FIXED).
   * @remarks The completion's res: how many bytes; where they are fewer, the current position of a regular
   *   file may be where it was: go on with an `offset`.
   * @since 5.1
   * @see io_uring_prep_write_fixed(3)
   */
  writeFixed(file: File, buffer: RegisteredBuffer, options?: RwOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.writeFixed;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, file, buffer));
  }

  /**
   * Writes several pieces of memory, one after the other (OP_WRITEV). Where all are pieces of one
   * registered buffer it is an OP_WRITEV_FIXED, on kernels that have it.
   * @param pieces 1 to 1024
   * @remarks The completion's res: how many bytes, all together.
   * @since 5.1
   * @see io_uring_prep_writev2(3)
   */
  writev(file: File, pieces: readonly Memory[], options?: RwOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.writev;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, file, pieces));
  }

  /**
   * As `writev`, of pieces of one registered buffer only (OP_WRITEV_FIXED).
   * @param pieces 1 to 1024
   * @remarks The completion's res: how many bytes, all together.
   * @since 6.15
   * @see io_uring_prep_writev_fixed(3)
   */
  writevFixed(file: File, pieces: readonly RegisteredBuffer[], options?: RwOptions & OperationOptions): void {
    const { core } = this;
    core.begin();
    const operation = encoders.writevFixed;
    const given = options === undefined ? operation.defaults : options;
    const bits = bitsOf(core, operation, given);
    const userData = userDataOf(given);
    commit(core, operation, userData, bits, operation.encode(core, given, file, pieces));
  }
}
