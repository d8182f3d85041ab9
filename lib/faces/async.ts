// Written by `npm run faces` from lib/operations. Do not edit.
/** The operations of AsyncRing: one method for each. */

import type { SocketAddressLike } from '../../structs/address.ts';
import type { AsyncOptions, IteratorOptions, PoolIteratorOptions } from '../async/base.ts';
import type { FileStatus } from '../async/file-status.ts';
import type { MessagePart } from '../async/message-part.ts';
import type { Results } from '../async/multishot.ts';
import { AsyncRingOpen } from '../async/open.ts';
import type { ChildStatus, FutexResult } from '../async/outcomes.ts';
import * as outcomes from '../async/outcomes.ts';
import type { RingFile } from '../async/ring-file.ts';
import type { ZeroCopyPromise } from '../async/sent.ts';
import { withSent } from '../async/sent.ts';
import type { Callback } from '../async/told.ts';
import type { OperationKey } from '../operations/key.ts';
import type { OutgoingMessage } from '../operations/msghdr.ts';
import type { CancelWhat } from '../operations/rings.ts';
import * as rooms from '../operations/rooms.ts';
import type { SocketOption } from '../operations/sockets.ts';
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
import type { Completion } from '../ring/core/core.ts';
import type { AnyRing } from '../ring/core/rings.ts';
import type { BufferPart } from '../ring/owners/buffer-ring.ts';
import { BufferRing } from '../ring/owners/buffer-ring.ts';
import type { RegisteredBuffer } from '../ring/owners/buffers.ts';
import type { FixedFile } from '../ring/owners/files.ts';
import * as encoders from './encoders.ts';
import type {
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

export abstract class AsyncOperations extends AsyncRingOpen {
  /**
   * Accepts a connection (OP_ACCEPT). One that came although the operation was cancelled is closed.
   * @throws OpError EINVAL: the socket does not listen; EMFILE: this process has too many open files
   *   (ulimit -n); ENFILE: no slot of the file table is free, or the system has too many open files
   * @since 5.5
   * @see io_uring_prep_accept(3)
   */
  accept(server: File, options: AcceptOptions & AsyncOptions & { readonly into: Into }): Promise<FixedFile>;
  /**
   * Accepts a connection (OP_ACCEPT). One that came although the operation was cancelled is closed.
   * @throws OpError EINVAL: the socket does not listen; EMFILE: this process has too many open files
   *   (ulimit -n); ENFILE: no slot of the file table is free, or the system has too many open files
   * @since 5.5
   * @see io_uring_prep_accept(3)
   */
  accept(
    server: File,
    options?: AcceptOptions & AsyncOptions & { readonly into?: undefined },
  ): Promise<RingFile>;
  /**
   * Accepts a connection (OP_ACCEPT). One that came although the operation was cancelled is closed.
   * @throws OpError EINVAL: the socket does not listen; EMFILE: this process has too many open files
   *   (ulimit -n); ENFILE: no slot of the file table is free, or the system has too many open files
   * @since 5.5
   * @see io_uring_prep_accept(3)
   */
  accept(server: File, options?: AcceptOptions & AsyncOptions): Promise<RingFile | FixedFile>;
  /** As the one with a promise; `callback` is told what that would give. */
  accept(
    server: File,
    options: AcceptOptions & AsyncOptions & { readonly into: Into },
    callback: Callback<FixedFile>,
  ): void;
  /** As the one with a promise; `callback` is told what that would give. */
  accept(server: File, callback: Callback<RingFile>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  accept(
    server: File,
    options: (AcceptOptions & AsyncOptions) | undefined,
    callback: Callback<RingFile>,
  ): void;
  accept(
    server: File,
    options?: (AcceptOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<RingFile | FixedFile> | undefined {
    const into = typeof options === 'function' ? undefined : options?.into;
    if (typeof options === 'function' || callback !== undefined) {
      if (into === undefined)
        return this.tell(encoders.accept, this.openedFile, options, callback, server, into);
      return this.tell(encoders.accept, this.openedSlot(into), options, callback, server, into);
    }
    if (into === undefined) return this.run(encoders.accept, this.openedFile, options, server, into);
    return this.run(encoders.accept, this.openedSlot(into), options, server, into);
  }

  /**
   * Gives a socket its address (OP_BIND).
   * @param address `{ address, port }` (port 0: a free one), or `{ path }` of a Unix socket
   * @throws OpError EADDRINUSE: another socket has it; a Unix path is there already; EADDRNOTAVAIL: this
   *   host has no such address; EACCES: a port below 1024 needs CAP_NET_BIND_SERVICE; EINVAL: the socket
   *   has an address already
   * @since 6.11
   * @see io_uring_prep_bind(3)
   */
  bind(socket: File, address: SocketAddressLike, options?: AsyncOptions): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  bind(socket: File, address: SocketAddressLike, callback: Callback<void>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  bind(
    socket: File,
    address: SocketAddressLike,
    options: AsyncOptions | undefined,
    callback: Callback<void>,
  ): void;
  bind(
    socket: File,
    address: SocketAddressLike,
    options?: AsyncOptions | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.bind, outcomes.NOTHING, options, callback, socket, address);
    return this.run(encoders.bind, outcomes.NOTHING, options, socket, address);
  }

  /**
   * Cancels operations of this ring: they complete with ECANCELED (OP_ASYNC_CANCEL). On AsyncRing one
   * operation is cancelled by its signal, too.
   * @param what `{ userData }` (one), `{ fd }` (all on a file), `{ op }` (all of a kind), both, or `{ any:
   *   true }`
   * @returns how many were found
   * @throws OpError ENOENT: no such operation: it was never submitted, or it is over; EALREADY: it is
   *   running, and can not be stopped
   * @since 5.5
   * @see io_uring_prep_cancel(3)
   */
  cancel(what: CancelWhat, options?: AsyncOptions): Promise<number>;
  /** As the one with a promise; `callback` is told what that would give. */
  cancel(what: CancelWhat, callback: Callback<number>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  cancel(what: CancelWhat, options: AsyncOptions | undefined, callback: Callback<number>): void;
  cancel(
    what: CancelWhat,
    options?: AsyncOptions | Callback<never>,
    callback?: Callback<never>,
  ): Promise<number> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.cancel, outcomes.COUNT, options, callback, what);
    return this.run(encoders.cancel, outcomes.COUNT, options, what);
  }

  /** As `cancel`, by liburing's name. */
  get asyncCancel(): this['cancel'] {
    return this.cancel;
  }

  /**
   * Closes an fd through the ring, or empties a slot of the file table (5.15) (OP_CLOSE).
   * @throws OpError EBADF: nobody has this fd, or the slot is empty
   * @since 5.6
   * @see io_uring_prep_close(3)
   */
  closeFd(file: File, options?: AsyncOptions): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  closeFd(file: File, callback: Callback<void>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  closeFd(file: File, options: AsyncOptions | undefined, callback: Callback<void>): void;
  closeFd(
    file: File,
    options?: AsyncOptions | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.closeFd, outcomes.NOTHING, options, callback, file);
    return this.run(encoders.closeFd, outcomes.NOTHING, options, file);
  }

  /**
   * Connects a socket (OP_CONNECT).
   * @throws OpError ECONNREFUSED: nobody listens there; ETIMEDOUT: nobody answers there; ENETUNREACH: there
   *   is no route to it; EHOSTUNREACH: there is no route to it; ENOENT: there is no such path; EISCONN: the
   *   socket is connected already
   * @since 5.5
   * @see io_uring_prep_connect(3)
   */
  connect(socket: File, address: SocketAddressLike, options?: AsyncOptions): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  connect(socket: File, address: SocketAddressLike, callback: Callback<void>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  connect(
    socket: File,
    address: SocketAddressLike,
    options: AsyncOptions | undefined,
    callback: Callback<void>,
  ): void;
  connect(
    socket: File,
    address: SocketAddressLike,
    options?: AsyncOptions | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.connect, outcomes.NOTHING, options, callback, socket, address);
    return this.run(encoders.connect, outcomes.NOTHING, options, socket, address);
  }

  /**
   * Adds a file to an epoll file, changes its events, or takes it out (OP_EPOLL_CTL).
   * @throws OpError EEXIST: the file is in it already; ENOENT: the file is not in it; EPERM: such a file
   *   can not be waited for, as a regular one
   * @since 5.6
   * @see io_uring_prep_epoll_ctl(3)
   */
  epollCtl(epoll: Fd, action: EpollAction, file: Fd, options?: EpollOptions & AsyncOptions): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  epollCtl(epoll: Fd, action: EpollAction, file: Fd, callback: Callback<void>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  epollCtl(
    epoll: Fd,
    action: EpollAction,
    file: Fd,
    options: (EpollOptions & AsyncOptions) | undefined,
    callback: Callback<void>,
  ): void;
  epollCtl(
    epoll: Fd,
    action: EpollAction,
    file: Fd,
    options?: (EpollOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.epollCtl, outcomes.NOTHING, options, callback, epoll, action, file);
    return this.run(encoders.epollCtl, outcomes.NOTHING, options, epoll, action, file);
  }

  /**
   * Says how a part of a file will be used (OP_FADVISE).
   * @throws OpError ESPIPE: the file is a pipe
   * @since 5.6
   * @see io_uring_prep_fadvise(3)
   */
  fadvise(file: File, advice: FileAdvice, options?: RangeOptions & AsyncOptions): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  fadvise(file: File, advice: FileAdvice, callback: Callback<void>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  fadvise(
    file: File,
    advice: FileAdvice,
    options: (RangeOptions & AsyncOptions) | undefined,
    callback: Callback<void>,
  ): void;
  fadvise(
    file: File,
    advice: FileAdvice,
    options?: (RangeOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.fadvise, outcomes.NOTHING, options, callback, file, advice);
    return this.run(encoders.fadvise, outcomes.NOTHING, options, file, advice);
  }

  /**
   * Allocates a part of a file, or punches a hole into it (OP_FALLOCATE).
   * @param length in bytes
   * @throws OpError ENOSPC: the device is full; EOPNOTSUPP: the file system has no such mode
   * @since 5.6
   * @see io_uring_prep_fallocate(3)
   */
  fallocate(file: File, length: number, options?: FallocateOptions & AsyncOptions): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  fallocate(file: File, length: number, callback: Callback<void>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  fallocate(
    file: File,
    length: number,
    options: (FallocateOptions & AsyncOptions) | undefined,
    callback: Callback<void>,
  ): void;
  fallocate(
    file: File,
    length: number,
    options?: (FallocateOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.fallocate, outcomes.NOTHING, options, callback, file, length);
    return this.run(encoders.fallocate, outcomes.NOTHING, options, file, length);
  }

  /**
   * As `getxattr`, of an open file (OP_FGETXATTR).
   * @returns its value
   * @throws OpError EBADF: nobody has this fd, or it is a slot of the file table, before Linux 6.13;
   *   ENODATA: it has no attribute of that name; ERANGE: the value is longer than the room for it;
   *   EOPNOTSUPP: the file system has none
   * @since 5.19
   * @see fgetxattr(2)
   */
  fgetxattr(file: File, name: Path, options?: AsyncOptions): Promise<Uint8Array>;
  /** As the one with a promise; `callback` is told what that would give. */
  fgetxattr(file: File, name: Path, callback: Callback<Uint8Array>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  fgetxattr(file: File, name: Path, options: AsyncOptions | undefined, callback: Callback<Uint8Array>): void;
  fgetxattr(
    file: File,
    name: Path,
    options?: AsyncOptions | Callback<never>,
    callback?: Callback<never>,
  ): Promise<Uint8Array> | undefined {
    const value = new Uint8Array(65536);
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.fgetxattr, outcomes.beginningOf(value), options, callback, file, name, value);
    return this.run(encoders.fgetxattr, outcomes.beginningOf(value), options, file, name, value);
  }

  /**
   * Makes an fd of a file of the table (OP_FIXED_FD_INSTALL).
   * @throws OpError EBADF: the slot is empty; EMFILE: this process has too many open files (ulimit -n)
   * @since 6.8
   * @see io_uring_prep_fixed_fd_install(3)
   */
  fixedFdInstall(file: FixedFile, options?: InstallOptions & AsyncOptions): Promise<RingFile>;
  /** As the one with a promise; `callback` is told what that would give. */
  fixedFdInstall(file: FixedFile, callback: Callback<RingFile>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  fixedFdInstall(
    file: FixedFile,
    options: (InstallOptions & AsyncOptions) | undefined,
    callback: Callback<RingFile>,
  ): void;
  fixedFdInstall(
    file: FixedFile,
    options?: (InstallOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<RingFile> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.fixedFdInstall, this.openedFile, options, callback, file);
    return this.run(encoders.fixedFdInstall, this.openedFile, options, file);
  }

  /**
   * As `setxattr`, of an open file (OP_FSETXATTR).
   * @throws OpError EBADF: nobody has this fd, or it is a slot of the file table, before Linux 6.13;
   *   EEXIST: it is there already, and XATTR_CREATE; ENODATA: it is not there, and XATTR_REPLACE;
   *   EOPNOTSUPP: the file system has none
   * @since 5.19
   * @see fsetxattr(2)
   */
  fsetxattr(
    file: File,
    name: Path,
    value: ArrayBufferView,
    options?: SetxattrOptions & AsyncOptions,
  ): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  fsetxattr(file: File, name: Path, value: ArrayBufferView, callback: Callback<void>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  fsetxattr(
    file: File,
    name: Path,
    value: ArrayBufferView,
    options: (SetxattrOptions & AsyncOptions) | undefined,
    callback: Callback<void>,
  ): void;
  fsetxattr(
    file: File,
    name: Path,
    value: ArrayBufferView,
    options?: (SetxattrOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.fsetxattr, outcomes.NOTHING, options, callback, file, name, value);
    return this.run(encoders.fsetxattr, outcomes.NOTHING, options, file, name, value);
  }

  /**
   * Flushes a file, or a part of it, to its disk (OP_FSYNC).
   * @throws OpError EINVAL: the file can not be flushed, as a pipe or a socket
   * @since 5.1
   * @see io_uring_prep_fsync(3)
   */
  fsync(file: File, options?: FsyncOptions & AsyncOptions): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  fsync(file: File, callback: Callback<void>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  fsync(file: File, options: (FsyncOptions & AsyncOptions) | undefined, callback: Callback<void>): void;
  fsync(
    file: File,
    options?: (FsyncOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.fsync, outcomes.NOTHING, options, callback, file);
    return this.run(encoders.fsync, outcomes.NOTHING, options, file);
  }

  /**
   * Cuts or extends a file (OP_FTRUNCATE).
   * @param length the file's new one, in bytes
   * @throws OpError EINVAL: the file is not open for writing, or is no regular file
   * @since 6.9
   * @see io_uring_prep_ftruncate(3)
   */
  ftruncate(file: File, length: number, options?: AsyncOptions): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  ftruncate(file: File, length: number, callback: Callback<void>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  ftruncate(file: File, length: number, options: AsyncOptions | undefined, callback: Callback<void>): void;
  ftruncate(
    file: File,
    length: number,
    options?: AsyncOptions | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.ftruncate, outcomes.NOTHING, options, callback, file, length);
    return this.run(encoders.ftruncate, outcomes.NOTHING, options, file, length);
  }

  /**
   * Waits while a word of memory has a value, until somebody wakes it: `futexWake`, or futex(2) of any
   * thread (OP_FUTEX_WAIT). Atomics.notify() is no such thing.
   * @param array over a SharedArrayBuffer, where other threads take part
   * @returns `'not-equal'` where the word was another from the start
   * @throws OpError EAGAIN: the word is another
   * @since 6.7
   * @see io_uring_prep_futex_wait(3)
   */
  futexWait(
    array: FutexArray,
    index: number,
    value: number,
    options?: FutexOptions & AsyncOptions,
  ): Promise<FutexResult>;
  /** As the one with a promise; `callback` is told what that would give. */
  futexWait(array: FutexArray, index: number, value: number, callback: Callback<FutexResult>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  futexWait(
    array: FutexArray,
    index: number,
    value: number,
    options: (FutexOptions & AsyncOptions) | undefined,
    callback: Callback<FutexResult>,
  ): void;
  futexWait(
    array: FutexArray,
    index: number,
    value: number,
    options?: (FutexOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<FutexResult> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.futexWait, outcomes.futexWoken(), options, callback, array, index, value);
    return this.run(encoders.futexWait, outcomes.futexWoken(), options, array, index, value);
  }

  /**
   * Waits for whichever of several words is woken first (OP_FUTEX_WAITV).
   * @param futexes 1..128 of `{ array, index, value }`
   * @returns the index of the one that was woken; `'not-equal'` where one was another from the start
   * @throws OpError EAGAIN: one of the words is another
   * @since 6.7
   * @see io_uring_prep_futex_waitv(3)
   */
  futexWaitv(futexes: readonly Futex[], options?: AsyncOptions): Promise<number | 'not-equal'>;
  /** As the one with a promise; `callback` is told what that would give. */
  futexWaitv(futexes: readonly Futex[], callback: Callback<number | 'not-equal'>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  futexWaitv(
    futexes: readonly Futex[],
    options: AsyncOptions | undefined,
    callback: Callback<number | 'not-equal'>,
  ): void;
  futexWaitv(
    futexes: readonly Futex[],
    options?: AsyncOptions | Callback<never>,
    callback?: Callback<never>,
  ): Promise<number | 'not-equal'> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.futexWaitv, outcomes.futexIndex(), options, callback, futexes);
    return this.run(encoders.futexWaitv, outcomes.futexIndex(), options, futexes);
  }

  /**
   * Wakes those who wait for a word of memory (OP_FUTEX_WAKE).
   * @param count at most so many; all when absent
   * @returns how many were woken
   * @since 6.7
   * @see io_uring_prep_futex_wake(3)
   */
  futexWake(
    array: FutexArray,
    index: number,
    count?: number | undefined,
    options?: FutexOptions & AsyncOptions,
  ): Promise<number>;
  /** As the one with a promise; `callback` is told what that would give. */
  futexWake(array: FutexArray, index: number, count: number, callback: Callback<number>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  futexWake(
    array: FutexArray,
    index: number,
    count: number,
    options: (FutexOptions & AsyncOptions) | undefined,
    callback: Callback<number>,
  ): void;
  futexWake(
    array: FutexArray,
    index: number,
    count: number,
    options?: (FutexOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<number> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.futexWake, outcomes.COUNT, options, callback, array, index, count);
    return this.run(encoders.futexWake, outcomes.COUNT, options, array, index, count);
  }

  /**
   * Reads an option of a socket (OP_URING_CMD, SOCKET_URING_OP_GETSOCKOPT).
   * @param option one of SOL_SOCKET: `'SO_ERROR'`, or `[level, number]`
   * @returns its value, 4 bytes little-endian for most
   * @throws OpError EOPNOTSUPP: only options of SOL_SOCKET can be read by a ring (getsockopt); ENOPROTOOPT:
   *   the socket has no such option; EINVAL: the value has another length or range
   * @since 6.7
   * @see io_uring_prep_cmd_sock(3)
   */
  getsockopt(socket: File, option: SocketOption, options?: AsyncOptions): Promise<Uint8Array>;
  /** As the one with a promise; `callback` is told what that would give. */
  getsockopt(socket: File, option: SocketOption, callback: Callback<Uint8Array>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  getsockopt(
    socket: File,
    option: SocketOption,
    options: AsyncOptions | undefined,
    callback: Callback<Uint8Array>,
  ): void;
  getsockopt(
    socket: File,
    option: SocketOption,
    options?: AsyncOptions | Callback<never>,
    callback?: Callback<never>,
  ): Promise<Uint8Array> | undefined {
    const value = new Uint8Array(256);
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(
        encoders.getsockopt,
        outcomes.beginningOf(value),
        options,
        callback,
        socket,
        option,
        value,
      );
    return this.run(encoders.getsockopt, outcomes.beginningOf(value), options, socket, option, value);
  }

  /**
   * Reads an extended attribute of a path (OP_GETXATTR).
   * @returns its value
   * @throws OpError ENOENT: there is no such path; EACCES: a directory on the way, or the file itself, can
   *   not be used with these credentials; ENOTDIR: something on the way is no directory; ENODATA: it has no
   *   attribute of that name; ERANGE: the value is longer than the room for it; EOPNOTSUPP: the file system
   *   has none
   * @since 5.19
   * @see getxattr(2)
   */
  getxattr(path: Path, name: Path, options?: AsyncOptions): Promise<Uint8Array>;
  /** As the one with a promise; `callback` is told what that would give. */
  getxattr(path: Path, name: Path, callback: Callback<Uint8Array>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  getxattr(path: Path, name: Path, options: AsyncOptions | undefined, callback: Callback<Uint8Array>): void;
  getxattr(
    path: Path,
    name: Path,
    options?: AsyncOptions | Callback<never>,
    callback?: Callback<never>,
  ): Promise<Uint8Array> | undefined {
    const value = new Uint8Array(65536);
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.getxattr, outcomes.beginningOf(value), options, callback, path, name, value);
    return this.run(encoders.getxattr, outcomes.beginningOf(value), options, path, name, value);
  }

  /**
   * Ticks: each time is a completion of its own, -ETIME (OP_TIMEOUT, TIMEOUT_MULTISHOT). Ticks that nobody
   * waited for come one after the other.
   * @returns an iterator of 1, 2, 3 ...
   * @since 6.4
   * @see io_uring_prep_timeout(3)
   */
  interval(options: IntervalOptions & IteratorOptions): Results<number> {
    const countdown = rooms.countdown();
    return this.iterate(encoders.interval, outcomes.ticks(countdown), options, countdown);
  }

  /**
   * Gives a file one more path (OP_LINKAT).
   * @throws OpError ENOENT: there is no such path; EACCES: a directory on the way, or the file itself, can
   *   not be used with these credentials; ENOTDIR: something on the way is no directory; EEXIST: the new
   *   path is there already; EXDEV: the paths lie on different file systems
   * @since 5.15
   * @see linkat(2)
   */
  link(oldPath: Path, newPath: Path, options?: LinkOptions & AsyncOptions): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  link(oldPath: Path, newPath: Path, callback: Callback<void>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  link(
    oldPath: Path,
    newPath: Path,
    options: (LinkOptions & AsyncOptions) | undefined,
    callback: Callback<void>,
  ): void;
  link(
    oldPath: Path,
    newPath: Path,
    options?: (LinkOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.link, outcomes.NOTHING, options, callback, oldPath, newPath);
    return this.run(encoders.link, outcomes.NOTHING, options, oldPath, newPath);
  }

  /** As `link`, by liburing's name. */
  get linkat(): this['link'] {
    return this.link;
  }

  /**
   * Lets a socket take connections (OP_LISTEN).
   * @param backlog how many may wait to be accepted
   * @throws OpError EADDRINUSE: another socket listens there; EOPNOTSUPP: such a socket takes no
   *   connections
   * @since 6.11
   * @see io_uring_prep_listen(3)
   */
  listen(socket: File, backlog: number, options?: AsyncOptions): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  listen(socket: File, backlog: number, callback: Callback<void>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  listen(socket: File, backlog: number, options: AsyncOptions | undefined, callback: Callback<void>): void;
  listen(
    socket: File,
    backlog: number,
    options?: AsyncOptions | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.listen, outcomes.NOTHING, options, callback, socket, backlog);
    return this.run(encoders.listen, outcomes.NOTHING, options, socket, backlog);
  }

  /**
   * Says how whole pages of memory will be used (OP_MADVISE).
   * @param memory whole pages, as `alloc` gives them
   * @throws OpError EINVAL: this kernel does not know the advice
   * @since 5.6
   * @see io_uring_prep_madvise(3)
   */
  madvise(memory: ArrayBufferView, advice: MemoryAdvice, options?: AsyncOptions): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  madvise(memory: ArrayBufferView, advice: MemoryAdvice, callback: Callback<void>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  madvise(
    memory: ArrayBufferView,
    advice: MemoryAdvice,
    options: AsyncOptions | undefined,
    callback: Callback<void>,
  ): void;
  madvise(
    memory: ArrayBufferView,
    advice: MemoryAdvice,
    options?: AsyncOptions | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.madvise, outcomes.NOTHING, options, callback, memory, advice);
    return this.run(encoders.madvise, outcomes.NOTHING, options, memory, advice);
  }

  /**
   * Makes a directory (OP_MKDIRAT).
   * @throws OpError ENOENT: there is no such path; EACCES: a directory on the way, or the file itself, can
   *   not be used with these credentials; ENOTDIR: something on the way is no directory; EEXIST: the path
   *   is there already
   * @since 5.15
   * @see mkdirat(2)
   */
  mkdir(path: Path, options?: MkdirOptions & AsyncOptions): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  mkdir(path: Path, callback: Callback<void>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  mkdir(path: Path, options: (MkdirOptions & AsyncOptions) | undefined, callback: Callback<void>): void;
  mkdir(
    path: Path,
    options?: (MkdirOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.mkdir, outcomes.NOTHING, options, callback, path);
    return this.run(encoders.mkdir, outcomes.NOTHING, options, path);
  }

  /** As `mkdir`, by liburing's name. */
  get mkdirat(): this['mkdir'] {
    return this.mkdir;
  }

  /**
   * Posts a completion on another ring; `sendMessage` does so without an operation (OP_MSG_RING).
   * @param target a ring, or the fd of one
   * @throws OpError EBADFD: it is no ring, or a disabled one; EOVERFLOW: its completion queue is full
   * @since 5.18
   * @see io_uring_prep_msg_ring(3)
   */
  msgRing(target: AnyRing | number, options?: MessageOptions & AsyncOptions): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  msgRing(target: AnyRing | number, callback: Callback<void>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  msgRing(
    target: AnyRing | number,
    options: (MessageOptions & AsyncOptions) | undefined,
    callback: Callback<void>,
  ): void;
  msgRing(
    target: AnyRing | number,
    options?: (MessageOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.msgRing, outcomes.NOTHING, options, callback, target);
    return this.run(encoders.msgRing, outcomes.NOTHING, options, target);
  }

  /**
   * Puts a file of this ring's table into the table of another ring, which gets a completion: with the slot
   * as its res where `into` is a table (OP_MSG_RING, MSG_SEND_FD).
   * @param into the other ring's file table, for a free slot; or a slot of it
   * @returns the slot there
   * @throws OpError EBADF: the slot is empty; ENFILE: the other table is full; EOVERFLOW: the other ring's
   *   completion queue is full
   * @since 6.0
   * @see io_uring_prep_msg_ring_fd(3)
   */
  msgRingFd(
    file: FixedFile,
    into: OtherTable,
    options?: MessageFileOptions & AsyncOptions,
  ): Promise<FixedFile>;
  /** As the one with a promise; `callback` is told what that would give. */
  msgRingFd(file: FixedFile, into: OtherTable, callback: Callback<FixedFile>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  msgRingFd(
    file: FixedFile,
    into: OtherTable,
    options: (MessageFileOptions & AsyncOptions) | undefined,
    callback: Callback<FixedFile>,
  ): void;
  msgRingFd(
    file: FixedFile,
    into: OtherTable,
    options?: (MessageFileOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<FixedFile> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.msgRingFd, outcomes.slotThere(into), options, callback, file, into);
    return this.run(encoders.msgRingFd, outcomes.slotThere(into), options, file, into);
  }

  /**
   * Does nothing, once through the ring (OP_NOP).
   * @since 5.1
   * @see io_uring_prep_nop(3)
   */
  nop(options?: NopOptions & AsyncOptions): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  nop(callback: Callback<void>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  nop(options: (NopOptions & AsyncOptions) | undefined, callback: Callback<void>): void;
  nop(
    options?: (NopOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.nop, outcomes.NOTHING, options, callback);
    return this.run(encoders.nop, outcomes.NOTHING, options);
  }

  /**
   * Opens a path (with `resolve` by OP_OPENAT2) (OP_OPENAT). A file that was opened although the operation
   * was cancelled is closed.
   * @throws OpError ENOENT: there is no such path; EACCES: a directory on the way, or the file itself, can
   *   not be used with these credentials; ENOTDIR: something on the way is no directory; EEXIST: it is
   *   there already, and O_EXCL; ELOOP: too many symbolic links, or `resolve` forbids them; EXDEV:
   *   `resolve` forbids where the path leads; EMFILE: this process has too many open files (ulimit -n);
   *   ENFILE: no slot of the file table is free, or the system has too many open files
   * @since 5.6
   * @see io_uring_prep_openat(3)
   */
  open(path: Path, options: OpenOptions & AsyncOptions & { readonly into: Into }): Promise<FixedFile>;
  /**
   * Opens a path (with `resolve` by OP_OPENAT2) (OP_OPENAT). A file that was opened although the operation
   * was cancelled is closed.
   * @throws OpError ENOENT: there is no such path; EACCES: a directory on the way, or the file itself, can
   *   not be used with these credentials; ENOTDIR: something on the way is no directory; EEXIST: it is
   *   there already, and O_EXCL; ELOOP: too many symbolic links, or `resolve` forbids them; EXDEV:
   *   `resolve` forbids where the path leads; EMFILE: this process has too many open files (ulimit -n);
   *   ENFILE: no slot of the file table is free, or the system has too many open files
   * @since 5.6
   * @see io_uring_prep_openat(3)
   */
  open(path: Path, options?: OpenOptions & AsyncOptions & { readonly into?: undefined }): Promise<RingFile>;
  /**
   * Opens a path (with `resolve` by OP_OPENAT2) (OP_OPENAT). A file that was opened although the operation
   * was cancelled is closed.
   * @throws OpError ENOENT: there is no such path; EACCES: a directory on the way, or the file itself, can
   *   not be used with these credentials; ENOTDIR: something on the way is no directory; EEXIST: it is
   *   there already, and O_EXCL; ELOOP: too many symbolic links, or `resolve` forbids them; EXDEV:
   *   `resolve` forbids where the path leads; EMFILE: this process has too many open files (ulimit -n);
   *   ENFILE: no slot of the file table is free, or the system has too many open files
   * @since 5.6
   * @see io_uring_prep_openat(3)
   */
  open(path: Path, options?: OpenOptions & AsyncOptions): Promise<RingFile | FixedFile>;
  /** As the one with a promise; `callback` is told what that would give. */
  open(
    path: Path,
    options: OpenOptions & AsyncOptions & { readonly into: Into },
    callback: Callback<FixedFile>,
  ): void;
  /** As the one with a promise; `callback` is told what that would give. */
  open(path: Path, callback: Callback<RingFile>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  open(path: Path, options: (OpenOptions & AsyncOptions) | undefined, callback: Callback<RingFile>): void;
  open(
    path: Path,
    options?: (OpenOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<RingFile | FixedFile> | undefined {
    const into = typeof options === 'function' ? undefined : options?.into;
    if (typeof options === 'function' || callback !== undefined) {
      if (into === undefined) return this.tell(encoders.open, this.openedFile, options, callback, path, into);
      return this.tell(encoders.open, this.openedSlot(into), options, callback, path, into);
    }
    if (into === undefined) return this.run(encoders.open, this.openedFile, options, path, into);
    return this.run(encoders.open, this.openedSlot(into), options, path, into);
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
   * Waits for events of a file (OP_POLL_ADD).
   * @param events POLL* bits: POLLIN (1), POLLPRI (2), POLLOUT (4), POLLRDHUP (0x2000); POLLERR (8) and
   *   POLLHUP (16) come anyway
   * @returns those that came
   * @throws OpError EBADF: nobody has this fd
   * @since 5.1
   * @see io_uring_prep_poll_add(3)
   */
  poll(file: File, events: number, options?: AsyncOptions): Promise<number>;
  /** As the one with a promise; `callback` is told what that would give. */
  poll(file: File, events: number, callback: Callback<number>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  poll(file: File, events: number, options: AsyncOptions | undefined, callback: Callback<number>): void;
  poll(
    file: File,
    events: number,
    options?: AsyncOptions | Callback<never>,
    callback?: Callback<never>,
  ): Promise<number> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.poll, outcomes.COUNT, options, callback, file, events);
    return this.run(encoders.poll, outcomes.COUNT, options, file, events);
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
   * @returns an iterator of the events that came
   * @throws OpError EBADF: nobody has this fd
   * @since 5.13
   * @see io_uring_prep_poll_multishot(3)
   */
  pollMultishot(
    file: File,
    events: number,
    options?: PollMultishotOptions & IteratorOptions,
  ): Results<number> {
    return this.iterate(encoders.pollMultishot, outcomes.events(), options, file, events);
  }

  /**
   * Ends a started poll: it completes with ECANCELED (OP_POLL_REMOVE).
   * @param started its userData; on AsyncRing what starting it gave
   * @throws OpError ENOENT: no such operation is waiting: it was never submitted, or it is over; EALREADY:
   *   it is running already
   * @since 5.1
   * @see io_uring_prep_poll_remove(3)
   */
  pollRemove(started: OperationKey, options?: AsyncOptions): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  pollRemove(started: OperationKey, callback: Callback<void>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  pollRemove(started: OperationKey, options: AsyncOptions | undefined, callback: Callback<void>): void;
  pollRemove(
    started: OperationKey,
    options?: AsyncOptions | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.pollRemove, outcomes.NOTHING, options, callback, started);
    return this.run(encoders.pollRemove, outcomes.NOTHING, options, started);
  }

  /**
   * Changes the events that a started poll waits for, also one that goes on and on (OP_POLL_REMOVE,
   * POLL_UPDATE_EVENTS). Linux 6.16 and 6.17 lose the completion of a poll whose new events are there
   * already: it stays until it is removed.
   * @param started its userData; on AsyncRing what starting it gave
   * @param events POLL* bits: POLLIN (1), POLLPRI (2), POLLOUT (4), POLLRDHUP (0x2000); POLLERR (8) and
   *   POLLHUP (16) come anyway
   * @throws OpError ENOENT: no such operation is waiting: it was never submitted, or it is over; EALREADY:
   *   it is running already
   * @since 5.13
   * @see io_uring_prep_poll_update(3)
   */
  pollUpdate(started: OperationKey, events: number, options?: AsyncOptions): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  pollUpdate(started: OperationKey, events: number, callback: Callback<void>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  pollUpdate(
    started: OperationKey,
    events: number,
    options: AsyncOptions | undefined,
    callback: Callback<void>,
  ): void;
  pollUpdate(
    started: OperationKey,
    events: number,
    options?: AsyncOptions | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(
        encoders.pollUpdate,
        outcomes.pollChanged(started, events),
        options,
        callback,
        started,
        events,
      );
    return this.run(encoders.pollUpdate, outcomes.pollChanged(started, events), options, started, events);
  }

  /**
   * Reads into memory; into a registered buffer it is an OP_READ_FIXED (OP_READ). From a pool the kernel
   * picks a buffer when data is there.
   * @returns how many bytes, 0 at the end of the file; of a pool a part of a buffer, to be released, or
   *   undefined at the end
   * @throws OpError EAGAIN: nothing is there, and RWF_NOWAIT or O_NONBLOCK says not to wait; EBADF: the
   *   file is not open for reading; ENOBUFS: no buffer of the pool is free: release parts, or make it
   *   larger
   * @since 5.6
   * @see io_uring_prep_read(3)
   */
  read(file: File, pool: BufferRing, options?: ReadOptions & AsyncOptions): Promise<BufferPart | undefined>;
  /**
   * Reads into memory; into a registered buffer it is an OP_READ_FIXED (OP_READ). From a pool the kernel
   * picks a buffer when data is there.
   * @returns how many bytes, 0 at the end of the file; of a pool a part of a buffer, to be released, or
   *   undefined at the end
   * @throws OpError EAGAIN: nothing is there, and RWF_NOWAIT or O_NONBLOCK says not to wait; EBADF: the
   *   file is not open for reading; ENOBUFS: no buffer of the pool is free: release parts, or make it
   *   larger
   * @since 5.6
   * @see io_uring_prep_read(3)
   */
  read(file: File, memory: Memory, options?: ReadOptions & AsyncOptions): Promise<number>;
  /**
   * Reads into memory; into a registered buffer it is an OP_READ_FIXED (OP_READ). From a pool the kernel
   * picks a buffer when data is there.
   * @returns how many bytes, 0 at the end of the file; of a pool a part of a buffer, to be released, or
   *   undefined at the end
   * @throws OpError EAGAIN: nothing is there, and RWF_NOWAIT or O_NONBLOCK says not to wait; EBADF: the
   *   file is not open for reading; ENOBUFS: no buffer of the pool is free: release parts, or make it
   *   larger
   * @since 5.6
   * @see io_uring_prep_read(3)
   */
  read(
    file: File,
    memory: MemoryOrPool,
    options?: ReadOptions & AsyncOptions,
  ): Promise<number | BufferPart | undefined>;
  /** As the one with a promise; `callback` is told what that would give. */
  read(file: File, memory: Memory, callback: Callback<number>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  read(
    file: File,
    memory: Memory,
    options: (ReadOptions & AsyncOptions) | undefined,
    callback: Callback<number>,
  ): void;
  /** As the one with a promise; `callback` is told what that would give. */
  read(file: File, pool: BufferRing, callback: Callback<BufferPart | undefined>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  read(
    file: File,
    pool: BufferRing,
    options: (ReadOptions & AsyncOptions) | undefined,
    callback: Callback<BufferPart | undefined>,
  ): void;
  read(
    file: File,
    memory: MemoryOrPool,
    options?: (ReadOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<number | BufferPart | undefined> | undefined {
    const isMemory = ArrayBuffer.isView(memory) || !BufferRing.is(memory);
    if (typeof options === 'function' || callback !== undefined)
      return isMemory
        ? this.tell(encoders.read, outcomes.COUNT, options, callback, file, memory)
        : this.tell(encoders.read, outcomes.pooled(memory), options, callback, file, memory);
    return isMemory
      ? this.run(encoders.read, outcomes.COUNT, options, file, memory)
      : this.run(encoders.read, outcomes.pooled(memory), options, file, memory);
  }

  /**
   * As `read`, of a registered buffer only (OP_READ_FIXED).
   * @returns how many bytes; 0 at the end of the file
   * @throws OpError EAGAIN: nothing is there, and RWF_NOWAIT or O_NONBLOCK says not to wait; EBADF: the
   *   file is not open for reading
   * @since 5.1
   * @see io_uring_prep_read_fixed(3)
   */
  readFixed(file: File, buffer: RegisteredBuffer, options?: RwOptions & AsyncOptions): Promise<number>;
  /** As the one with a promise; `callback` is told what that would give. */
  readFixed(file: File, buffer: RegisteredBuffer, callback: Callback<number>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  readFixed(
    file: File,
    buffer: RegisteredBuffer,
    options: (RwOptions & AsyncOptions) | undefined,
    callback: Callback<number>,
  ): void;
  readFixed(
    file: File,
    buffer: RegisteredBuffer,
    options?: (RwOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<number> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.readFixed, outcomes.COUNT, options, callback, file, buffer);
    return this.run(encoders.readFixed, outcomes.COUNT, options, file, buffer);
  }

  /**
   * Reads a pipe, a tty or a socket again and again, each time into a buffer that the kernel picks from a
   * pool (OP_READ_MULTISHOT). It ends with the file. Where no buffer is left it goes on when one was
   * released.
   * @returns an iterator of parts: release each one (`using`), so that its buffer can be used again
   * @throws OpError EBADFD: such a file can always be read, as a regular file: use read; ENOBUFS: no buffer
   *   of the pool is free
   * @since 6.7
   * @see io_uring_prep_read_multishot(3)
   */
  readMultishot(file: File, pool: BufferRing, options?: PoolIteratorOptions): Results<BufferPart> {
    return this.iterate(
      encoders.readMultishot,
      outcomes.bufferStream(pool, 'OP_READ_MULTISHOT'),
      options,
      file,
      pool,
    );
  }

  /**
   * Reads into several pieces of memory, one after the other (OP_READV). Where all are pieces of one
   * registered buffer it is an OP_READV_FIXED, on kernels that have it.
   * @param pieces 1 to 1024
   * @returns how many bytes, all together
   * @throws OpError EAGAIN: nothing is there, and RWF_NOWAIT or O_NONBLOCK says not to wait; EBADF: the
   *   file is not open for reading
   * @since 5.1
   * @see io_uring_prep_readv2(3)
   */
  readv(file: File, pieces: readonly Memory[], options?: RwOptions & AsyncOptions): Promise<number>;
  /** As the one with a promise; `callback` is told what that would give. */
  readv(file: File, pieces: readonly Memory[], callback: Callback<number>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  readv(
    file: File,
    pieces: readonly Memory[],
    options: (RwOptions & AsyncOptions) | undefined,
    callback: Callback<number>,
  ): void;
  readv(
    file: File,
    pieces: readonly Memory[],
    options?: (RwOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<number> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.readv, outcomes.COUNT, options, callback, file, pieces);
    return this.run(encoders.readv, outcomes.COUNT, options, file, pieces);
  }

  /**
   * As `readv`, of pieces of one registered buffer only (OP_READV_FIXED).
   * @param pieces 1 to 1024
   * @returns how many bytes, all together
   * @throws OpError EAGAIN: nothing is there, and RWF_NOWAIT or O_NONBLOCK says not to wait; EBADF: the
   *   file is not open for reading
   * @since 6.15
   * @see io_uring_prep_readv_fixed(3)
   */
  readvFixed(
    file: File,
    pieces: readonly RegisteredBuffer[],
    options?: RwOptions & AsyncOptions,
  ): Promise<number>;
  /** As the one with a promise; `callback` is told what that would give. */
  readvFixed(file: File, pieces: readonly RegisteredBuffer[], callback: Callback<number>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  readvFixed(
    file: File,
    pieces: readonly RegisteredBuffer[],
    options: (RwOptions & AsyncOptions) | undefined,
    callback: Callback<number>,
  ): void;
  readvFixed(
    file: File,
    pieces: readonly RegisteredBuffer[],
    options?: (RwOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<number> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.readvFixed, outcomes.COUNT, options, callback, file, pieces);
    return this.run(encoders.readvFixed, outcomes.COUNT, options, file, pieces);
  }

  /**
   * Receives into memory, or into a buffer that the kernel picks from a pool when data is there (OP_RECV).
   * @returns how many bytes, 0 at the end; of a pool a part of a buffer, to be released, or undefined at
   *   the end
   * @throws OpError ECONNRESET: the other side has reset the connection; ENOTCONN: the socket is not
   *   connected; ENOBUFS: no buffer of the pool is free: release parts, or make it larger
   * @since 5.6
   * @see io_uring_prep_recv(3)
   */
  recv(
    socket: File,
    pool: BufferRing,
    options?: SocketOptions & AsyncOptions,
  ): Promise<BufferPart | undefined>;
  /**
   * Receives into memory, or into a buffer that the kernel picks from a pool when data is there (OP_RECV).
   * @returns how many bytes, 0 at the end; of a pool a part of a buffer, to be released, or undefined at
   *   the end
   * @throws OpError ECONNRESET: the other side has reset the connection; ENOTCONN: the socket is not
   *   connected; ENOBUFS: no buffer of the pool is free: release parts, or make it larger
   * @since 5.6
   * @see io_uring_prep_recv(3)
   */
  recv(socket: File, memory: Memory, options?: SocketOptions & AsyncOptions): Promise<number>;
  /**
   * Receives into memory, or into a buffer that the kernel picks from a pool when data is there (OP_RECV).
   * @returns how many bytes, 0 at the end; of a pool a part of a buffer, to be released, or undefined at
   *   the end
   * @throws OpError ECONNRESET: the other side has reset the connection; ENOTCONN: the socket is not
   *   connected; ENOBUFS: no buffer of the pool is free: release parts, or make it larger
   * @since 5.6
   * @see io_uring_prep_recv(3)
   */
  recv(
    socket: File,
    memory: MemoryOrPool,
    options?: SocketOptions & AsyncOptions,
  ): Promise<number | BufferPart | undefined>;
  /** As the one with a promise; `callback` is told what that would give. */
  recv(socket: File, memory: Memory, callback: Callback<number>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  recv(
    socket: File,
    memory: Memory,
    options: (SocketOptions & AsyncOptions) | undefined,
    callback: Callback<number>,
  ): void;
  /** As the one with a promise; `callback` is told what that would give. */
  recv(socket: File, pool: BufferRing, callback: Callback<BufferPart | undefined>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  recv(
    socket: File,
    pool: BufferRing,
    options: (SocketOptions & AsyncOptions) | undefined,
    callback: Callback<BufferPart | undefined>,
  ): void;
  recv(
    socket: File,
    memory: MemoryOrPool,
    options?: (SocketOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<number | BufferPart | undefined> | undefined {
    const isMemory = ArrayBuffer.isView(memory) || !BufferRing.is(memory);
    if (typeof options === 'function' || callback !== undefined)
      return isMemory
        ? this.tell(encoders.recv, outcomes.COUNT, options, callback, socket, memory)
        : this.tell(encoders.recv, outcomes.pooled(memory), options, callback, socket, memory);
    return isMemory
      ? this.run(encoders.recv, outcomes.COUNT, options, socket, memory)
      : this.run(encoders.recv, outcomes.pooled(memory), options, socket, memory);
  }

  /**
   * Receives what has come into as many buffers of a pool as it takes; by `ring.prepare` the completion is
   * for `pool.takeBundle` (OP_RECV, RECVSEND_BUNDLE).
   * @returns the parts in order, each to be released; none at the end
   * @throws OpError ECONNRESET: the other side has reset the connection; ENOTCONN: the socket is not
   *   connected; ENOBUFS: no buffer of the pool is free: release parts, or make it larger
   * @since 6.10
   * @see io_uring_prep_recv(3)
   */
  recvBundle(socket: File, pool: BufferRing, options?: SocketOptions & AsyncOptions): Promise<BufferPart[]>;
  /** As the one with a promise; `callback` is told what that would give. */
  recvBundle(socket: File, pool: BufferRing, callback: Callback<BufferPart[]>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  recvBundle(
    socket: File,
    pool: BufferRing,
    options: (SocketOptions & AsyncOptions) | undefined,
    callback: Callback<BufferPart[]>,
  ): void;
  recvBundle(
    socket: File,
    pool: BufferRing,
    options?: (SocketOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<BufferPart[]> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.recvBundle, outcomes.bundle(pool), options, callback, socket, pool);
    return this.run(encoders.recvBundle, outcomes.bundle(pool), options, socket, pool);
  }

  /**
   * As `recvMultishot`, each completion with as many buffers of the pool as the data takes (OP_RECV,
   * RECVSEND_BUNDLE).
   * @returns an iterator of lists of parts, each part to be released; by `ring.prepare` each completion is
   *   for `pool.takeBundle`
   * @throws OpError ECONNRESET: the other side has reset the connection; ENOTCONN: the socket is not
   *   connected; ENOBUFS: no buffer of the pool is free: release parts, or make it larger
   * @since 6.10
   * @see io_uring_prep_recv_multishot(3)
   */
  recvBundleMultishot(
    socket: File,
    pool: BufferRing,
    options?: SocketOptions & PoolIteratorOptions,
  ): Results<BufferPart[]> {
    return this.iterate(
      encoders.recvBundleMultishot,
      outcomes.bundleStream(pool, 'OP_RECV'),
      options,
      socket,
      pool,
    );
  }

  /**
   * Receives again and again into buffers that the kernel picks from a pool (OP_RECV, RECV_MULTISHOT). Each
   * part is to be released; while none is free the receive waits, which slows the sender down. It ends
   * where the connection does; so it does at a datagram without bytes.
   * @returns an iterator of parts; by `ring.prepare` each completion is for `pool.take`
   * @throws OpError ECONNRESET: the other side has reset the connection; ENOTCONN: the socket is not
   *   connected; ENOBUFS: no buffer of the pool is free: release parts, or make it larger
   * @since 6.0
   * @see io_uring_prep_recv_multishot(3)
   */
  recvMultishot(
    socket: File,
    pool: BufferRing,
    options?: SocketOptions & PoolIteratorOptions,
  ): Results<BufferPart> {
    return this.iterate(
      encoders.recvMultishot,
      outcomes.bufferStream(pool, 'OP_RECV'),
      options,
      socket,
      pool,
    );
  }

  /**
   * Receives message after message into buffers that the kernel picks from a pool (OP_RECVMSG,
   * RECV_MULTISHOT). Each is to be released, as in `recvMultishot`. A buffer has 16 bytes for a header, 128
   * for the address and `control` bytes beside the data. It ends when the signal aborts, or when the loop
   * is left.
   * @returns an iterator of messages; by `ring.prepare` each completion is for `pool.take`, then
   *   `messagePart`
   * @throws OpError ECONNRESET: the other side has reset the connection; ENOTCONN: the socket is not
   *   connected; ENOBUFS: no buffer of the pool is free: release parts, or make it larger
   * @since 6.0
   * @see io_uring_prep_recvmsg_multishot(3)
   */
  recvmsgMultishot(
    socket: File,
    pool: BufferRing,
    options?: MessageRoomOptions & PoolIteratorOptions,
  ): Results<MessagePart> {
    const room = rooms.messageRoom();
    return this.iterate(
      encoders.recvmsgMultishot,
      outcomes.messageStream(pool, room, 'OP_RECVMSG'),
      options,
      socket,
      room,
      pool,
    );
  }

  /**
   * Gives a file another path (OP_RENAMEAT).
   * @throws OpError ENOENT: there is no such path; EACCES: a directory on the way, or the file itself, can
   *   not be used with these credentials; ENOTDIR: something on the way is no directory; EEXIST: the new
   *   path is there already, and RENAME_NOREPLACE; EXDEV: the paths lie on different file systems
   * @since 5.11
   * @see renameat2(2)
   */
  rename(oldPath: Path, newPath: Path, options?: RenameOptions & AsyncOptions): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  rename(oldPath: Path, newPath: Path, callback: Callback<void>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  rename(
    oldPath: Path,
    newPath: Path,
    options: (RenameOptions & AsyncOptions) | undefined,
    callback: Callback<void>,
  ): void;
  rename(
    oldPath: Path,
    newPath: Path,
    options?: (RenameOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.rename, outcomes.NOTHING, options, callback, oldPath, newPath);
    return this.run(encoders.rename, outcomes.NOTHING, options, oldPath, newPath);
  }

  /** As `rename`, by liburing's name. */
  get renameat(): this['rename'] {
    return this.rename;
  }

  /**
   * Sends from memory (OP_SEND). MSG_NOSIGNAL is implied: a broken connection is EPIPE.
   * @returns how many bytes, which may be fewer
   * @throws OpError EPIPE: the connection is broken, or its writing half was ended; ECONNRESET: the other
   *   side has reset the connection; ENOTCONN: the socket is not connected; EMSGSIZE: the datagram is
   *   larger than the socket can send; EDESTADDRREQ: the socket has no peer: { to }
   * @since 5.6
   * @see io_uring_prep_send(3)
   */
  send(socket: File, memory: Memory, options?: SendOptions & AsyncOptions): Promise<number>;
  /** As the one with a promise; `callback` is told what that would give. */
  send(socket: File, memory: Memory, callback: Callback<number>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  send(
    socket: File,
    memory: Memory,
    options: (SendOptions & AsyncOptions) | undefined,
    callback: Callback<number>,
  ): void;
  send(
    socket: File,
    memory: Memory,
    options?: (SendOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<number> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.send, outcomes.COUNT, options, callback, socket, memory);
    return this.run(encoders.send, outcomes.COUNT, options, socket, memory);
  }

  /**
   * Sends what is in the buffers of a pool that the caller fills, in their order, as many at once as there
   * are (OP_SEND, RECVSEND_BUNDLE).
   * @returns how many bytes
   * @throws OpError EPIPE: the connection is broken, or its writing half was ended; ECONNRESET: the other
   *   side has reset the connection; ENOTCONN: the socket is not connected; EMSGSIZE: the datagram is
   *   larger than the socket can send; EDESTADDRREQ: the socket has no peer: { to }; ENOBUFS: the pool has
   *   no buffer with data
   * @since 6.10
   * @see io_uring_prep_send_bundle(3)
   */
  sendBundle(socket: File, pool: BufferRing, options?: SocketOptions & AsyncOptions): Promise<number>;
  /** As the one with a promise; `callback` is told what that would give. */
  sendBundle(socket: File, pool: BufferRing, callback: Callback<number>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  sendBundle(
    socket: File,
    pool: BufferRing,
    options: (SocketOptions & AsyncOptions) | undefined,
    callback: Callback<number>,
  ): void;
  sendBundle(
    socket: File,
    pool: BufferRing,
    options?: (SocketOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<number> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.sendBundle, outcomes.COUNT, options, callback, socket, pool);
    return this.run(encoders.sendBundle, outcomes.COUNT, options, socket, pool);
  }

  /**
   * Sends without copying; memory of a registered buffer needs no pinning either (OP_SEND_ZC). A second
   * completion, IORING_CQE_F_NOTIF, says that the memory is free: on TCP when the other side has it.
   * @returns how many bytes, when the kernel does not need the memory any more; `.sent` tells as soon as
   *   they are sent
   * @throws OpError EPIPE: the connection is broken, or its writing half was ended; ECONNRESET: the other
   *   side has reset the connection; ENOTCONN: the socket is not connected; EMSGSIZE: the datagram is
   *   larger than the socket can send; EDESTADDRREQ: the socket has no peer: { to }; EOPNOTSUPP: such a
   *   socket can not send without copying, as a Unix one
   * @since 6.0
   * @see io_uring_prep_send_zc(3)
   */
  sendZeroCopy(socket: File, memory: Memory, options?: ZeroCopyOptions & AsyncOptions): ZeroCopyPromise {
    return withSent((outcome) => this.run(encoders.sendZeroCopy, outcome, options, socket, memory));
  }

  /** As `sendZeroCopy`, by liburing's name. */
  get sendZc(): this['sendZeroCopy'] {
    return this.sendZeroCopy;
  }

  /**
   * Sends a message: data in pieces, to an address, with control data such as `passFds([fd])` (OP_SENDMSG).
   * @returns how many bytes
   * @throws OpError EPIPE: the connection is broken, or its writing half was ended; ECONNRESET: the other
   *   side has reset the connection; ENOTCONN: the socket is not connected; EMSGSIZE: the datagram is
   *   larger than the socket can send; EDESTADDRREQ: the socket has no peer: { to }
   * @since 5.3
   * @see io_uring_prep_sendmsg(3)
   */
  sendmsg(socket: File, message: OutgoingMessage, options?: SocketOptions & AsyncOptions): Promise<number>;
  /** As the one with a promise; `callback` is told what that would give. */
  sendmsg(socket: File, message: OutgoingMessage, callback: Callback<number>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  sendmsg(
    socket: File,
    message: OutgoingMessage,
    options: (SocketOptions & AsyncOptions) | undefined,
    callback: Callback<number>,
  ): void;
  sendmsg(
    socket: File,
    message: OutgoingMessage,
    options?: (SocketOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<number> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.sendmsg, outcomes.COUNT, options, callback, socket, message);
    return this.run(encoders.sendmsg, outcomes.COUNT, options, socket, message);
  }

  /**
   * As `sendmsg` without copying the data; see `sendZeroCopy` (OP_SENDMSG_ZC).
   * @returns how many bytes, when the kernel does not need the memory any more; `.sent` tells as soon as
   *   they are sent
   * @throws OpError EPIPE: the connection is broken, or its writing half was ended; ECONNRESET: the other
   *   side has reset the connection; ENOTCONN: the socket is not connected; EMSGSIZE: the datagram is
   *   larger than the socket can send; EDESTADDRREQ: the socket has no peer: { to }; EOPNOTSUPP: such a
   *   socket can not send without copying, as a Unix one
   * @since 6.1
   * @see io_uring_prep_sendmsg_zc(3)
   */
  sendmsgZeroCopy(
    socket: File,
    message: OutgoingMessage,
    options?: SocketOptions & AsyncOptions,
  ): ZeroCopyPromise {
    return withSent((outcome) => this.run(encoders.sendmsgZeroCopy, outcome, options, socket, message));
  }

  /** As `sendmsgZeroCopy`, by liburing's name. */
  get sendmsgZc(): this['sendmsgZeroCopy'] {
    return this.sendmsgZeroCopy;
  }

  /**
   * Changes an option of a socket (OP_URING_CMD, SOCKET_URING_OP_SETSOCKOPT).
   * @param option `'TCP_NODELAY'` and the other names of `socketOptions`, or `[level, number]`
   * @param value a number or a boolean for an int, or the bytes
   * @throws OpError EOPNOTSUPP: only options of SOL_SOCKET can be read by a ring (getsockopt); ENOPROTOOPT:
   *   the socket has no such option; EINVAL: the value has another length or range
   * @since 6.7
   * @see io_uring_prep_cmd_sock(3)
   */
  setsockopt(
    socket: File,
    option: SocketOption,
    value: number | boolean | Uint8Array,
    options?: AsyncOptions,
  ): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  setsockopt(
    socket: File,
    option: SocketOption,
    value: number | boolean | Uint8Array,
    callback: Callback<void>,
  ): void;
  /** As the one with a promise; `callback` is told what that would give. */
  setsockopt(
    socket: File,
    option: SocketOption,
    value: number | boolean | Uint8Array,
    options: AsyncOptions | undefined,
    callback: Callback<void>,
  ): void;
  setsockopt(
    socket: File,
    option: SocketOption,
    value: number | boolean | Uint8Array,
    options?: AsyncOptions | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.setsockopt, outcomes.NOTHING, options, callback, socket, option, value);
    return this.run(encoders.setsockopt, outcomes.NOTHING, options, socket, option, value);
  }

  /**
   * Sets an extended attribute of a path (OP_SETXATTR).
   * @throws OpError ENOENT: there is no such path; EACCES: a directory on the way, or the file itself, can
   *   not be used with these credentials; ENOTDIR: something on the way is no directory; EEXIST: it is
   *   there already, and XATTR_CREATE; ENODATA: it is not there, and XATTR_REPLACE; EOPNOTSUPP: the file
   *   system has none
   * @since 5.19
   * @see setxattr(2)
   */
  setxattr(
    path: Path,
    name: Path,
    value: ArrayBufferView,
    options?: SetxattrOptions & AsyncOptions,
  ): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  setxattr(path: Path, name: Path, value: ArrayBufferView, callback: Callback<void>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  setxattr(
    path: Path,
    name: Path,
    value: ArrayBufferView,
    options: (SetxattrOptions & AsyncOptions) | undefined,
    callback: Callback<void>,
  ): void;
  setxattr(
    path: Path,
    name: Path,
    value: ArrayBufferView,
    options?: (SetxattrOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.setxattr, outcomes.NOTHING, options, callback, path, name, value);
    return this.run(encoders.setxattr, outcomes.NOTHING, options, path, name, value);
  }

  /**
   * Ends one half of a connection, or both (OP_SHUTDOWN).
   * @throws OpError ENOTCONN: the socket is not connected
   * @since 5.11
   * @see io_uring_prep_shutdown(3)
   */
  shutdown(socket: File, how: ShutdownHow, options?: AsyncOptions): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  shutdown(socket: File, how: ShutdownHow, callback: Callback<void>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  shutdown(socket: File, how: ShutdownHow, options: AsyncOptions | undefined, callback: Callback<void>): void;
  shutdown(
    socket: File,
    how: ShutdownHow,
    options?: AsyncOptions | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.shutdown, outcomes.NOTHING, options, callback, socket, how);
    return this.run(encoders.shutdown, outcomes.NOTHING, options, socket, how);
  }

  /**
   * Tells how many bytes wait to be received (OP_URING_CMD, SOCKET_URING_OP_SIOCINQ).
   * @throws OpError EINVAL: the socket listens
   * @since 6.7
   * @see io_uring_prep_cmd_sock(3)
   */
  siocinq(socket: File, options?: AsyncOptions): Promise<number>;
  /** As the one with a promise; `callback` is told what that would give. */
  siocinq(socket: File, callback: Callback<number>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  siocinq(socket: File, options: AsyncOptions | undefined, callback: Callback<number>): void;
  siocinq(
    socket: File,
    options?: AsyncOptions | Callback<never>,
    callback?: Callback<never>,
  ): Promise<number> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.siocinq, outcomes.COUNT, options, callback, socket);
    return this.run(encoders.siocinq, outcomes.COUNT, options, socket);
  }

  /**
   * Tells how many bytes were sent and are not acknowledged (OP_URING_CMD, SOCKET_URING_OP_SIOCOUTQ).
   * @throws OpError EINVAL: the socket listens
   * @since 6.7
   * @see io_uring_prep_cmd_sock(3)
   */
  siocoutq(socket: File, options?: AsyncOptions): Promise<number>;
  /** As the one with a promise; `callback` is told what that would give. */
  siocoutq(socket: File, callback: Callback<number>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  siocoutq(socket: File, options: AsyncOptions | undefined, callback: Callback<number>): void;
  siocoutq(
    socket: File,
    options?: AsyncOptions | Callback<never>,
    callback?: Callback<never>,
  ): Promise<number> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.siocoutq, outcomes.COUNT, options, callback, socket);
    return this.run(encoders.siocoutq, outcomes.COUNT, options, socket);
  }

  /**
   * Makes a socket (OP_SOCKET).
   * @param domain `'IPv4'`, `'IPv6'`, `'unix'`, or AF_*
   * @throws OpError EAFNOSUPPORT: this system has no such family; EPROTONOSUPPORT: the family has no such
   *   protocol; EACCES: a raw socket needs CAP_NET_RAW; EPERM: a raw socket needs CAP_NET_RAW; EMFILE: this
   *   process has too many open files (ulimit -n); ENFILE: no slot of the file table is free, or the system
   *   has too many open files
   * @since 5.19
   * @see io_uring_prep_socket(3)
   */
  socket(
    domain: Domain,
    options: SocketCreateOptions & AsyncOptions & { readonly into: Into },
  ): Promise<FixedFile>;
  /**
   * Makes a socket (OP_SOCKET).
   * @param domain `'IPv4'`, `'IPv6'`, `'unix'`, or AF_*
   * @throws OpError EAFNOSUPPORT: this system has no such family; EPROTONOSUPPORT: the family has no such
   *   protocol; EACCES: a raw socket needs CAP_NET_RAW; EPERM: a raw socket needs CAP_NET_RAW; EMFILE: this
   *   process has too many open files (ulimit -n); ENFILE: no slot of the file table is free, or the system
   *   has too many open files
   * @since 5.19
   * @see io_uring_prep_socket(3)
   */
  socket(
    domain: Domain,
    options?: SocketCreateOptions & AsyncOptions & { readonly into?: undefined },
  ): Promise<RingFile>;
  /**
   * Makes a socket (OP_SOCKET).
   * @param domain `'IPv4'`, `'IPv6'`, `'unix'`, or AF_*
   * @throws OpError EAFNOSUPPORT: this system has no such family; EPROTONOSUPPORT: the family has no such
   *   protocol; EACCES: a raw socket needs CAP_NET_RAW; EPERM: a raw socket needs CAP_NET_RAW; EMFILE: this
   *   process has too many open files (ulimit -n); ENFILE: no slot of the file table is free, or the system
   *   has too many open files
   * @since 5.19
   * @see io_uring_prep_socket(3)
   */
  socket(domain: Domain, options?: SocketCreateOptions & AsyncOptions): Promise<RingFile | FixedFile>;
  /** As the one with a promise; `callback` is told what that would give. */
  socket(
    domain: Domain,
    options: SocketCreateOptions & AsyncOptions & { readonly into: Into },
    callback: Callback<FixedFile>,
  ): void;
  /** As the one with a promise; `callback` is told what that would give. */
  socket(domain: Domain, callback: Callback<RingFile>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  socket(
    domain: Domain,
    options: (SocketCreateOptions & AsyncOptions) | undefined,
    callback: Callback<RingFile>,
  ): void;
  socket(
    domain: Domain,
    options?: (SocketCreateOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<RingFile | FixedFile> | undefined {
    const into = typeof options === 'function' ? undefined : options?.into;
    if (typeof options === 'function' || callback !== undefined) {
      if (into === undefined)
        return this.tell(encoders.socket, this.openedFile, options, callback, domain, into);
      return this.tell(encoders.socket, this.openedSlot(into), options, callback, domain, into);
    }
    if (into === undefined) return this.run(encoders.socket, this.openedFile, options, domain, into);
    return this.run(encoders.socket, this.openedSlot(into), options, domain, into);
  }

  /**
   * Moves bytes between a pipe and another file, without copying them (OP_SPLICE). While it waits for a
   * socket that has no data, the kernel holds the pipe: who else uses that pipe waits with it, the event
   * loop too. So poll the socket first, or give SPLICE_F_NONBLOCK, which ends with EAGAIN instead.
   * @param length at most so many
   * @returns how many; 0 at the end of the file
   * @throws OpError EINVAL: neither is a pipe, or a file was opened with O_APPEND; ESPIPE: a pipe has no
   *   offset
   * @since 5.7
   * @see io_uring_prep_splice(3)
   */
  splice(from: File, to: File, length: number, options?: SpliceOptions & AsyncOptions): Promise<number>;
  /** As the one with a promise; `callback` is told what that would give. */
  splice(from: File, to: File, length: number, callback: Callback<number>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  splice(
    from: File,
    to: File,
    length: number,
    options: (SpliceOptions & AsyncOptions) | undefined,
    callback: Callback<number>,
  ): void;
  splice(
    from: File,
    to: File,
    length: number,
    options?: (SpliceOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<number> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.splice, outcomes.COUNT, options, callback, from, to, length);
    return this.run(encoders.splice, outcomes.COUNT, options, from, to, length);
  }

  /**
   * Asks what the kernel knows of a file (OP_STATX). The kernel does this in a worker thread always: for
   * one file `fs.statSync` takes a twentieth of the time, and for many at once `fs.promises.stat` is as
   * fast.
   * @param target a path, or an open file (no slot of the file table)
   * @throws OpError ENOENT: there is no such path; EACCES: a directory on the way, or the file itself, can
   *   not be used with these credentials; ENOTDIR: something on the way is no directory
   * @since 5.6
   * @see statx(2)
   */
  statx(target: Path | Fd, options?: StatxOptions & AsyncOptions): Promise<FileStatus>;
  /** As the one with a promise; `callback` is told what that would give. */
  statx(target: Path | Fd, callback: Callback<FileStatus>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  statx(
    target: Path | Fd,
    options: (StatxOptions & AsyncOptions) | undefined,
    callback: Callback<FileStatus>,
  ): void;
  statx(
    target: Path | Fd,
    options?: (StatxOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<FileStatus> | undefined {
    const buffer = new Uint8Array(256);
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.statx, outcomes.fileStatusOf(buffer), options, callback, target, buffer);
    return this.run(encoders.statx, outcomes.fileStatusOf(buffer), options, target, buffer);
  }

  /**
   * Makes a symbolic link at `path`, which says `target` (OP_SYMLINKAT).
   * @throws OpError ENOENT: there is no such path; EACCES: a directory on the way, or the file itself, can
   *   not be used with these credentials; ENOTDIR: something on the way is no directory; EEXIST: the path
   *   is there already
   * @since 5.15
   * @see symlinkat(2)
   */
  symlink(target: Path, path: Path, options?: AtOptions & AsyncOptions): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  symlink(target: Path, path: Path, callback: Callback<void>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  symlink(
    target: Path,
    path: Path,
    options: (AtOptions & AsyncOptions) | undefined,
    callback: Callback<void>,
  ): void;
  symlink(
    target: Path,
    path: Path,
    options?: (AtOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.symlink, outcomes.NOTHING, options, callback, target, path);
    return this.run(encoders.symlink, outcomes.NOTHING, options, target, path);
  }

  /** As `symlink`, by liburing's name. */
  get symlinkat(): this['symlink'] {
    return this.symlink;
  }

  /**
   * Writes a part of a file's cached data to its disk, without metadata: no promise that it survives
   * (OP_SYNC_FILE_RANGE).
   * @throws OpError ESPIPE: the file has no offsets
   * @since 5.2
   * @see sync_file_range(2)
   */
  syncFileRange(file: File, options?: SyncRangeOptions & AsyncOptions): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  syncFileRange(file: File, callback: Callback<void>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  syncFileRange(
    file: File,
    options: (SyncRangeOptions & AsyncOptions) | undefined,
    callback: Callback<void>,
  ): void;
  syncFileRange(
    file: File,
    options?: (SyncRangeOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.syncFileRange, outcomes.NOTHING, options, callback, file);
    return this.run(encoders.syncFileRange, outcomes.NOTHING, options, file);
  }

  /**
   * Copies bytes from a pipe to another, and leaves them in the first (OP_TEE).
   * @param length at most so many
   * @returns how many
   * @throws OpError EINVAL: one of them is no pipe
   * @since 5.8
   * @see io_uring_prep_tee(3)
   */
  tee(from: File, to: File, length: number, options?: TeeOptions & AsyncOptions): Promise<number>;
  /** As the one with a promise; `callback` is told what that would give. */
  tee(from: File, to: File, length: number, callback: Callback<number>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  tee(
    from: File,
    to: File,
    length: number,
    options: (TeeOptions & AsyncOptions) | undefined,
    callback: Callback<number>,
  ): void;
  tee(
    from: File,
    to: File,
    length: number,
    options?: (TeeOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<number> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.tee, outcomes.COUNT, options, callback, from, to, length);
    return this.run(encoders.tee, outcomes.COUNT, options, from, to, length);
  }

  /**
   * Waits until a time is over; the completion's res is -ETIME then (OP_TIMEOUT).
   * @since 5.4
   * @see io_uring_prep_timeout(3)
   */
  timeout(options?: TimeoutOptions & AsyncOptions): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  timeout(callback: Callback<void>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  timeout(options: (TimeoutOptions & AsyncOptions) | undefined, callback: Callback<void>): void;
  timeout(
    options?: (TimeoutOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.timeout, outcomes.timeIsOver(), options, callback);
    return this.run(encoders.timeout, outcomes.timeIsOver(), options);
  }

  /**
   * Ends a started timeout: it completes with ECANCELED (OP_TIMEOUT_REMOVE).
   * @param started its userData; on AsyncRing what starting it gave
   * @throws OpError ENOENT: no such operation is waiting: it was never submitted, or it is over; EALREADY:
   *   it is running already
   * @since 5.5
   * @see io_uring_prep_timeout_remove(3)
   */
  timeoutRemove(started: OperationKey, options?: AsyncOptions): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  timeoutRemove(started: OperationKey, callback: Callback<void>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  timeoutRemove(started: OperationKey, options: AsyncOptions | undefined, callback: Callback<void>): void;
  timeoutRemove(
    started: OperationKey,
    options?: AsyncOptions | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.timeoutRemove, outcomes.NOTHING, options, callback, started);
    return this.run(encoders.timeoutRemove, outcomes.NOTHING, options, started);
  }

  /**
   * Gives a started timeout another time (OP_TIMEOUT_REMOVE, TIMEOUT_UPDATE).
   * @param started its userData; on AsyncRing what starting it gave
   * @throws OpError ENOENT: no such operation is waiting: it was never submitted, or it is over; EALREADY:
   *   it is running already
   * @since 5.11
   * @see io_uring_prep_timeout_update(3)
   */
  timeoutUpdate(started: OperationKey, options?: DelayOptions & AsyncOptions): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  timeoutUpdate(started: OperationKey, callback: Callback<void>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  timeoutUpdate(
    started: OperationKey,
    options: (DelayOptions & AsyncOptions) | undefined,
    callback: Callback<void>,
  ): void;
  timeoutUpdate(
    started: OperationKey,
    options?: (DelayOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.timeoutUpdate, outcomes.NOTHING, options, callback, started);
    return this.run(encoders.timeoutUpdate, outcomes.NOTHING, options, started);
  }

  /**
   * Removes a file, or with `directory` an empty directory (OP_UNLINKAT).
   * @throws OpError ENOENT: there is no such path; EACCES: a directory on the way, or the file itself, can
   *   not be used with these credentials; ENOTDIR: something on the way is no directory; EISDIR: it is a
   *   directory: { directory: true }; ENOTEMPTY: the directory is not empty
   * @since 5.11
   * @see unlinkat(2)
   */
  unlink(path: Path, options?: UnlinkOptions & AsyncOptions): Promise<void>;
  /** As the one with a promise; `callback` is told what that would give. */
  unlink(path: Path, callback: Callback<void>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  unlink(path: Path, options: (UnlinkOptions & AsyncOptions) | undefined, callback: Callback<void>): void;
  unlink(
    path: Path,
    options?: (UnlinkOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<void> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.unlink, outcomes.NOTHING, options, callback, path);
    return this.run(encoders.unlink, outcomes.NOTHING, options, path);
  }

  /** As `unlink`, by liburing's name. */
  get unlinkat(): this['unlink'] {
    return this.unlink;
  }

  /**
   * Gives a file's driver a command, as NVMe passthrough is done (OP_URING_CMD).
   * @param command the driver's number for it
   * @returns the driver's result
   * @throws OpError EOPNOTSUPP: the file's driver has no commands, or not this one
   * @since 5.19
   * @see io_uring_prep_uring_cmd(3)
   */
  uringCmd(file: File, command: number, options?: CommandOptions & AsyncOptions): Promise<number>;
  /** As the one with a promise; `callback` is told what that would give. */
  uringCmd(file: File, command: number, callback: Callback<number>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  uringCmd(
    file: File,
    command: number,
    options: (CommandOptions & AsyncOptions) | undefined,
    callback: Callback<number>,
  ): void;
  uringCmd(
    file: File,
    command: number,
    options?: (CommandOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<number> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.uringCmd, outcomes.COUNT, options, callback, file, command);
    return this.run(encoders.uringCmd, outcomes.COUNT, options, file, command);
  }

  /**
   * As `uringCmd`, for a command of many completions, as transmit timestamps of a socket
   * (SOCKET_URING_OP_TX_TIMESTAMP): each with its flags, and both halves on a ring with `cqe32`
   * (OP_URING_CMD).
   * @param command the driver's number for it
   * @returns an iterator of completions
   * @throws OpError EOPNOTSUPP: the file's driver has no commands, or not this one
   * @since 5.19
   * @see io_uring_prep_uring_cmd(3)
   */
  uringCmdMultishot(
    file: File,
    command: number,
    options?: CommandOptions & IteratorOptions,
  ): Results<Completion> {
    return this.iterate(encoders.uringCmdMultishot, outcomes.completions(this.core), options, file, command);
  }

  /**
   * Waits for a child process to change (OP_WAITID). For one that Node.js started give `keep: true`, so
   * that Node.js learns of its end too, and begin to wait before it ends: Node.js takes the end of its
   * children away.
   * @param child `{ pid }`, `{ group }`, `{ pidfd }`, or `'any'`
   * @throws OpError ECHILD: there is no such child, or somebody waited for it before
   * @since 6.7
   * @see io_uring_prep_waitid(3)
   */
  waitid(child: Child, options?: WaitidOptions & AsyncOptions): Promise<ChildStatus>;
  /** As the one with a promise; `callback` is told what that would give. */
  waitid(child: Child, callback: Callback<ChildStatus>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  waitid(
    child: Child,
    options: (WaitidOptions & AsyncOptions) | undefined,
    callback: Callback<ChildStatus>,
  ): void;
  waitid(
    child: Child,
    options?: (WaitidOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<ChildStatus> | undefined {
    const info = new Uint8Array(128);
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.waitid, outcomes.childChanged(info), options, callback, child, info);
    return this.run(encoders.waitid, outcomes.childChanged(info), options, child, info);
  }

  /**
   * Writes from memory; from a registered buffer it is an OP_WRITE_FIXED (OP_WRITE).
   * @returns how many bytes; where they are fewer, the current position of a regular file may be where it
   *   was: go on with an `offset`
   * @throws OpError EBADF: the file is not open for writing; EPIPE: nobody reads the other end; ENOSPC: the
   *   device is full; EFBIG: beyond the largest file (RLIMIT_FSIZE, or the file system)
   * @since 5.6
   * @see io_uring_prep_write(3)
   */
  write(file: File, memory: Memory, options?: RwOptions & AsyncOptions): Promise<number>;
  /** As the one with a promise; `callback` is told what that would give. */
  write(file: File, memory: Memory, callback: Callback<number>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  write(
    file: File,
    memory: Memory,
    options: (RwOptions & AsyncOptions) | undefined,
    callback: Callback<number>,
  ): void;
  write(
    file: File,
    memory: Memory,
    options?: (RwOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<number> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.write, outcomes.COUNT, options, callback, file, memory);
    return this.run(encoders.write, outcomes.COUNT, options, file, memory);
  }

  /**
   * As `write`, of a registered buffer only (OP_WRITE_FIXED).
   * @returns how many bytes; where they are fewer, the current position of a regular file may be where it
   *   was: go on with an `offset`
   * @throws OpError EBADF: the file is not open for writing; EPIPE: nobody reads the other end; ENOSPC: the
   *   device is full; EFBIG: beyond the largest file (RLIMIT_FSIZE, or the file system)
   * @since 5.1
   * @see io_uring_prep_write_fixed(3)
   */
  writeFixed(file: File, buffer: RegisteredBuffer, options?: RwOptions & AsyncOptions): Promise<number>;
  /** As the one with a promise; `callback` is told what that would give. */
  writeFixed(file: File, buffer: RegisteredBuffer, callback: Callback<number>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  writeFixed(
    file: File,
    buffer: RegisteredBuffer,
    options: (RwOptions & AsyncOptions) | undefined,
    callback: Callback<number>,
  ): void;
  writeFixed(
    file: File,
    buffer: RegisteredBuffer,
    options?: (RwOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<number> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.writeFixed, outcomes.COUNT, options, callback, file, buffer);
    return this.run(encoders.writeFixed, outcomes.COUNT, options, file, buffer);
  }

  /**
   * Writes several pieces of memory, one after the other (OP_WRITEV). Where all are pieces of one
   * registered buffer it is an OP_WRITEV_FIXED, on kernels that have it.
   * @param pieces 1 to 1024
   * @returns how many bytes, all together
   * @throws OpError EBADF: the file is not open for writing; EPIPE: nobody reads the other end; ENOSPC: the
   *   device is full; EFBIG: beyond the largest file (RLIMIT_FSIZE, or the file system)
   * @since 5.1
   * @see io_uring_prep_writev2(3)
   */
  writev(file: File, pieces: readonly Memory[], options?: RwOptions & AsyncOptions): Promise<number>;
  /** As the one with a promise; `callback` is told what that would give. */
  writev(file: File, pieces: readonly Memory[], callback: Callback<number>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  writev(
    file: File,
    pieces: readonly Memory[],
    options: (RwOptions & AsyncOptions) | undefined,
    callback: Callback<number>,
  ): void;
  writev(
    file: File,
    pieces: readonly Memory[],
    options?: (RwOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<number> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.writev, outcomes.COUNT, options, callback, file, pieces);
    return this.run(encoders.writev, outcomes.COUNT, options, file, pieces);
  }

  /**
   * As `writev`, of pieces of one registered buffer only (OP_WRITEV_FIXED).
   * @param pieces 1 to 1024
   * @returns how many bytes, all together
   * @throws OpError EBADF: the file is not open for writing; EPIPE: nobody reads the other end; ENOSPC: the
   *   device is full; EFBIG: beyond the largest file (RLIMIT_FSIZE, or the file system)
   * @since 6.15
   * @see io_uring_prep_writev_fixed(3)
   */
  writevFixed(
    file: File,
    pieces: readonly RegisteredBuffer[],
    options?: RwOptions & AsyncOptions,
  ): Promise<number>;
  /** As the one with a promise; `callback` is told what that would give. */
  writevFixed(file: File, pieces: readonly RegisteredBuffer[], callback: Callback<number>): void;
  /** As the one with a promise; `callback` is told what that would give. */
  writevFixed(
    file: File,
    pieces: readonly RegisteredBuffer[],
    options: (RwOptions & AsyncOptions) | undefined,
    callback: Callback<number>,
  ): void;
  writevFixed(
    file: File,
    pieces: readonly RegisteredBuffer[],
    options?: (RwOptions & AsyncOptions) | Callback<never>,
    callback?: Callback<never>,
  ): Promise<number> | undefined {
    if (typeof options === 'function' || callback !== undefined)
      return this.tell(encoders.writevFixed, outcomes.COUNT, options, callback, file, pieces);
    return this.run(encoders.writevFixed, outcomes.COUNT, options, file, pieces);
  }
}
