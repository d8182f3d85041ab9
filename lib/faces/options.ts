// Written by `npm run faces` from lib/operations. Do not edit.
/** The options of operations, beside those that all have. */
import type { SocketAddressLike } from '../../structs/address.ts';
import type { AddressBuffer } from '../operations/address.ts';
import type { ChildState, Fd, Into, Memory } from '../operations/types.ts';
import type { RegisteredFiles } from '../ring/owners/files.ts';

/**
 * A clock: `'monotonic'` stands still while the machine sleeps, `'boottime'` does not, `'realtime'` is that
 * of Date (5.15).
 */
export type Clock = 'monotonic' | 'boottime' | 'realtime';

/** The family of a socket: its name, or the number of AF_*. */
export type Domain = 'unix' | 'IPv4' | 'IPv6' | number;

/** What `epollCtl` does. */
export type EpollAction = 'add' | 'delete' | 'modify';

/** How a part of a file will be used. */
export type FileAdvice =
  | 'POSIX_FADV_NORMAL'
  | 'POSIX_FADV_RANDOM'
  | 'POSIX_FADV_SEQUENTIAL'
  | 'POSIX_FADV_WILLNEED'
  | 'POSIX_FADV_DONTNEED'
  | 'POSIX_FADV_NOREUSE';

/** How memory will be used. MADV_DONTNEED and MADV_FREE throw its content away. */
export type MemoryAdvice =
  | 'MADV_NORMAL'
  | 'MADV_RANDOM'
  | 'MADV_SEQUENTIAL'
  | 'MADV_WILLNEED'
  | 'MADV_DONTNEED'
  | 'MADV_FREE'
  | 'MADV_HUGEPAGE'
  | 'MADV_NOHUGEPAGE'
  | 'MADV_COLD'
  | 'MADV_PAGEOUT'
  | 'MADV_POPULATE_READ'
  | 'MADV_POPULATE_WRITE';

/** Which half of a connection ends. */
export type ShutdownHow = 'read' | 'write' | 'both';

/** What a socket carries: SOCK_*. `'stream'` is TCP, `'datagram'` UDP. */
export type SocketType = 'stream' | 'datagram' | 'raw' | 'seqpacket';

/** Options of `acceptMultishot`. */
export interface AcceptMultishotOptions {
  /** SOCK_NONBLOCK (0o4000). SOCK_CLOEXEC is added for an fd. */
  readonly flags?: number | undefined;
  /** Into free slots of the file table. */
  readonly into?: RegisteredFiles | 'alloc' | undefined;
}

/** Options of `accept`. */
export interface AcceptOptions {
  /** Gets the address of the peer. */
  readonly peer?: AddressBuffer | undefined;
  /** SOCK_NONBLOCK (0o4000). SOCK_CLOEXEC is added for an fd. */
  readonly flags?: number | undefined;
  /**
   * Into the file table: a slot; or the table, or `'alloc'`, for a free one, which the completion's res
   * then names.
   */
  readonly into?: Into | undefined;
}

/** Where a relative path starts. */
export interface AtOptions {
  /** The directory that a relative path starts from, instead of the current one. */
  readonly at?: Fd | undefined;
}

/** Options of `uringCmd`. */
export interface CommandOptions {
  /** The driver's own bytes: up to 16, or 80 on a ring with `sqe128`. They are copied. */
  readonly data?: Uint8Array | undefined;
  /**
   * The memory that addr and len name, for drivers that read them; a registered buffer sets
   * IORING_URING_CMD_FIXED.
   */
  readonly memory?: Memory | undefined;
  /** The number in addr, for commands that have one there; not beside `memory`. */
  readonly addr?: number | bigint | undefined;
  /** The number in addr3 (optval), for commands that have one there; not beside `data`. */
  readonly addr3?: number | bigint | undefined;
  /** Other memory that `data` points to: it is kept until the command is done. */
  readonly hold?: unknown | undefined;
}

/** When a time is over: `afterMs` or `atMs`. */
export interface DelayOptions {
  /** So many milliseconds from now. */
  readonly afterMs?: number | undefined;
  /** When the clock shows so many milliseconds: `Date.now() + 1000` with the clock `'realtime'`. */
  readonly atMs?: number | undefined;
  /** `'monotonic'` when absent. */
  readonly clock?: Clock | undefined;
}

/** Options of `epollCtl`. */
export interface EpollOptions {
  /** EPOLL* bits: EPOLLIN (1), EPOLLOUT (4). */
  readonly events?: number | undefined;
  /** Comes back with each event; 0 when absent. */
  readonly data?: number | bigint | undefined;
}

/** Options of `fallocate`. */
export interface FallocateOptions {
  /** Where it begins, in bytes; 0 when absent. */
  readonly offset?: number | undefined;
  /**
   * FALLOC_FL_*: KEEP_SIZE (1), PUNCH_HOLE (2, with KEEP_SIZE), COLLAPSE_RANGE (8), ZERO_RANGE (16),
   * INSERT_RANGE (32).
   */
  readonly mode?: number | undefined;
}

/** Options of `fsync`: all of the file, or a part. */
export interface FsyncOptions {
  /** Where the part begins, in bytes; 0 when absent. */
  readonly offset?: number | undefined;
  /** How long it is; 0, or absent: to the end. */
  readonly length?: number | undefined;
  /** Only what is needed to read the data back (IORING_FSYNC_DATASYNC). */
  readonly dataOnly?: boolean | undefined;
}

/** Options of futex operations. */
export interface FutexOptions {
  /** Bits of which a waker and a waiter must share one; all when absent. */
  readonly mask?: number | undefined;
  /** Also other processes wait on it, in memory that they share. */
  readonly shared?: boolean | undefined;
}

/** Options of `fixedFdInstall`. */
export interface InstallOptions {
  /** Programs that this process starts get the fd too (IORING_FIXED_FD_NO_CLOEXEC). */
  readonly inherit?: boolean | undefined;
}

/** Options of `interval`. */
export interface IntervalOptions {
  /** Milliseconds from one time to the next, at least 0.001. */
  readonly everyMs: number;
  /** Ends after so many times; never when absent. */
  readonly times?: number | undefined;
  /** `'monotonic'` when absent. */
  readonly clock?: Clock | undefined;
}

/** Options of `link`. */
export interface LinkOptions {
  /** The directory that the old path starts from, instead of the current one. */
  readonly from?: Fd | undefined;
  /** The directory that the new path starts from, instead of the current one. */
  readonly to?: Fd | undefined;
  /** AT_SYMLINK_FOLLOW (0x400); AT_EMPTY_PATH (0x1000): the old path may be empty, for `from` itself. */
  readonly flags?: number | undefined;
}

/** Options of `msgRingFd`. */
export interface MessageFileOptions {
  /** The userData that the other ring's completion has. */
  readonly messageData?: number | undefined;
  /** The other ring gets no completion (IORING_MSG_RING_CQE_SKIP, 6.0). */
  readonly silent?: boolean | undefined;
}

/** Options of `msgRing`. */
export interface MessageOptions {
  /** The userData that the other ring's completion has. */
  readonly messageData?: number | undefined;
  /** The res that it has. */
  readonly res?: number | undefined;
  /** The flags that it has, but IORING_CQE_F_32 and IORING_CQE_F_SKIP (IORING_MSG_RING_FLAGS_PASS, 6.3). */
  readonly cqeFlags?: number | undefined;
}

/** Options of `recvmsgMultishot`. */
export interface MessageRoomOptions extends SocketOptions {
  /** Bytes of room for control data; none when absent. */
  readonly control?: number | undefined;
  /** Whether the senders' addresses are wanted. */
  readonly address?: boolean | undefined;
}

/** Options of `mkdir`. */
export interface MkdirOptions {
  /** The directory that a relative path starts from, instead of the current one. */
  readonly at?: Fd | undefined;
  /** Permissions; 0o777 when absent. The umask takes from them. */
  readonly mode?: number | undefined;
}

/** Options of `nop`. */
export interface NopOptions {
  /** What the completion has as its res (IORING_NOP_INJECT_RESULT, 6.10); 0 when absent. */
  readonly result?: number | undefined;
  /** IORING_NOP_*: INJECT_RESULT (1, set with `result`), TW (16, completes by task work, 6.15). */
  readonly flags?: number | undefined;
}

/** Options of `open`. */
export interface OpenOptions {
  /** O_*, or as node:fs has them: `'r'` when absent, `'w'`, `'a+'`, `'wx'` ... O_CLOEXEC is added for an fd. */
  readonly flags?: number | string | undefined;
  /** Permissions of a new file; 0o666 when absent. The umask takes from them. */
  readonly mode?: number | undefined;
  /**
   * RESOLVE_*, how the path may lead (OP_OPENAT2): NO_XDEV (1), NO_MAGICLINKS (2), NO_SYMLINKS (4), BENEATH
   * (8), IN_ROOT (16), CACHED (32).
   */
  readonly resolve?: number | undefined;
  /** The directory that a relative path starts from, instead of the current one. */
  readonly at?: Fd | undefined;
  /**
   * Into the file table (5.15): a slot; or the table, or `'alloc'`, for a free one, which the completion's
   * res then names.
   */
  readonly into?: Into | undefined;
}

/** Options of `pipe`. */
export interface PipeOptions {
  /** O_NONBLOCK, O_DIRECT; O_CLOEXEC is added for fds. */
  readonly flags?: number | undefined;
  /** Into the file table: a slot and the one after it; or the table, or `'alloc'`, for free ones. */
  readonly into?: Into | undefined;
}

/** Options of `pollMultishot`. */
export interface PollMultishotOptions {
  /** Tells as long as the file is ready, not only when something changes (IORING_POLL_ADD_LEVEL, 6.0). */
  readonly level?: boolean | undefined;
}

/** Which part of a file, in bytes. */
export interface RangeOptions {
  /** Where it begins; 0 when absent. */
  readonly offset?: number | undefined;
  /** How long it is; 0, or absent: to the end. */
  readonly length?: number | undefined;
}

/** Options of `read`. */
export interface ReadOptions extends RwOptions {
  /** From a pool: at most so many bytes; 0, or absent: as many as a buffer has. */
  readonly length?: number | undefined;
}

/** Options of `rename`. */
export interface RenameOptions {
  /** The directory that the old path starts from, instead of the current one. */
  readonly from?: Fd | undefined;
  /** The directory that the new path starts from, instead of the current one. */
  readonly to?: Fd | undefined;
  /** RENAME_NOREPLACE (1), RENAME_EXCHANGE (2). */
  readonly flags?: number | undefined;
}

/** Options of reads and writes. */
export interface RwOptions {
  /** Where in the file, in bytes; -1, or absent: the current position. */
  readonly offset?: number | bigint | undefined;
  /** RWF_*: RWF_NOWAIT (8) gives EAGAIN instead of waiting, RWF_DSYNC (2) and RWF_SYNC (4) write through. */
  readonly flags?: number | undefined;
}

/** Options of `send`. */
export interface SendOptions extends SocketOptions {
  /** Where it goes, on a socket without a connection (6.1; zero-copy 6.0). */
  readonly to?: SocketAddressLike | undefined;
}

/** Options of `setxattr` and `fsetxattr`. */
export interface SetxattrOptions {
  /** XATTR_CREATE (1): it must be new; XATTR_REPLACE (2): it must be there. */
  readonly flags?: number | undefined;
}

/** Options of `socket`. */
export interface SocketCreateOptions {
  /** `'stream'` when absent. */
  readonly type?: SocketType | undefined;
  /** The number of a protocol; 0 when absent. */
  readonly protocol?: number | undefined;
  /** Operations by others than a ring return EAGAIN instead of waiting (SOCK_NONBLOCK). */
  readonly nonBlocking?: boolean | undefined;
  /**
   * Into the file table: a slot; or the table, or `'alloc'`, for a free one, which the completion's res
   * then names.
   */
  readonly into?: Into | undefined;
}

/** Options of sends and receives. */
export interface SocketOptions {
  /** MSG_*: MSG_WAITALL (0x100) goes on until all is sent, or the memory is full. */
  readonly flags?: number | undefined;
  /** Waits for the socket before trying it (IORING_RECVSEND_POLL_FIRST, 5.19). */
  readonly pollFirst?: boolean | undefined;
}

/** Options of `splice`. */
export interface SpliceOptions {
  /** Where in `from`, in bytes; -1, or absent: the current position, as a pipe must have it. */
  readonly offsetIn?: number | bigint | undefined;
  /** The same of `to`. */
  readonly offsetOut?: number | bigint | undefined;
  /** SPLICE_F_*: MOVE (1), NONBLOCK (2), MORE (4). */
  readonly flags?: number | undefined;
}

/** Options of `statx`. */
export interface StatxOptions {
  /** The directory that a relative path starts from, instead of the current one. */
  readonly at?: Fd | undefined;
  /**
   * AT_*: SYMLINK_NOFOLLOW (0x100), STATX_FORCE_SYNC (0x2000), STATX_DONT_SYNC (0x4000), EMPTY_PATH
   * (0x1000).
   */
  readonly flags?: number | undefined;
  /** STATX_*: what is wanted; all but the newest fields when absent. */
  readonly mask?: number | undefined;
}

/** Options of `syncFileRange`. */
export interface SyncRangeOptions {
  /** Where the part begins, in bytes; 0 when absent. */
  readonly offset?: number | undefined;
  /** How long it is; 0, or absent: to the end. */
  readonly length?: number | undefined;
  /** SYNC_FILE_RANGE_WAIT_BEFORE (1), _WRITE (2), _WAIT_AFTER (4); all three when absent. */
  readonly flags?: number | undefined;
}

/** Options of `tee`. */
export interface TeeOptions {
  /** SPLICE_F_*: NONBLOCK (2). */
  readonly flags?: number | undefined;
}

/** Options of `timeout`: `afterMs` or `atMs`. */
export interface TimeoutOptions extends DelayOptions {
  /** Ends early after so many completions of other operations; never when absent. */
  readonly count?: number | undefined;
}

/** Options of `unlink`. */
export interface UnlinkOptions {
  /** The directory that a relative path starts from, instead of the current one. */
  readonly at?: Fd | undefined;
  /** Removes an empty directory, not a file (AT_REMOVEDIR). */
  readonly directory?: boolean | undefined;
}

/** Options of `waitid`. */
export interface WaitidOptions {
  /** What to wait for; `['exited']` when absent. */
  readonly states?: readonly ChildState[] | undefined;
  /** Leaves the child to be waited for once more (WNOWAIT): a must for children that Node.js started. */
  readonly keep?: boolean | undefined;
}

/** Options of `sendZeroCopy`. */
export interface ZeroCopyOptions extends SendOptions {
  /**
   * The completion that says that the memory is free tells whether data was copied all the same:
   * IORING_NOTIF_USAGE_ZC_COPIED in its res (IORING_SEND_ZC_REPORT_USAGE, 6.2).
   */
  readonly reportUsage?: boolean | undefined;
}
