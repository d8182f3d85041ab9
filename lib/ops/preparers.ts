// Written by `npm run faces` from lib/ops/entries.ts. Do not edit.
/**
 * Preparers: each makes the entry under the cursor one operation, and returns the cursor.
 *
 * Safety, for all of them: addresses are the caller's to keep alive until the operation's last completion.
 *
 * Reads and writes take RWF_* in `opFlags`, an I/O priority (ioprio_set(2)) in `ioprio`, and an `offset` of -1 for the
 * current position (FEAT_RW_CUR_POS). With IOSQE_BUFFER_SELECT a read has address 0 and its buffer group in `bufIndex`.
 *
 * On sockets `ioprio` holds a second set of flags, which the caller adds (`recv(...).ioprio |= IORING_RECV_MULTISHOT`):
 * - sends and receives: IORING_RECVSEND_POLL_FIRST (5.19), IORING_RECVSEND_BUNDLE (send and recv, 6.10),
 *   IORING_RECVSEND_FIXED_BUF (zero-copy sends, 6.0; the buffer in `bufIndex`),
 *   IORING_SEND_VECTORIZED (send and sendZc: `address` and `length` are iovecs and their count, 6.17)
 * - receives: IORING_RECV_MULTISHOT (6.0); zero-copy sends: IORING_SEND_ZC_REPORT_USAGE (6.2)
 * - accept: IORING_ACCEPT_MULTISHOT (5.19), IORING_ACCEPT_DONTWAIT and IORING_ACCEPT_POLL_FIRST (6.10)
 *
 * Multishot receives and bundles take their memory from a group of provided buffers: IOSQE_BUFFER_SELECT in `flags`, the
 * group in `bufIndex`, address 0. Where an operation names another one by its user_data, this is given in two halves, low
 * and high 32 bits. A `timespec` is the address of a __kernel_timespec; a path or name that of a zero-terminated string;
 * the address of a socket that of a sockaddr, with its length in bytes.
 */
import { constants } from '../../structs/flags.ts';
import type { SqeCursor } from './sqe.ts';

const {
  IORING_ASYNC_CANCEL_FD,
  IORING_ASYNC_CANCEL_OP,
  IORING_MSG_RING_FLAGS_PASS,
  IORING_MSG_SEND_FD,
  IORING_NOP_CQE32,
  IORING_OP_ACCEPT,
  IORING_OP_ASYNC_CANCEL,
  IORING_OP_BIND,
  IORING_OP_CLOSE,
  IORING_OP_CONNECT,
  IORING_OP_EPOLL_CTL,
  IORING_OP_EPOLL_WAIT,
  IORING_OP_FADVISE,
  IORING_OP_FALLOCATE,
  IORING_OP_FGETXATTR,
  IORING_OP_FILES_UPDATE,
  IORING_OP_FIXED_FD_INSTALL,
  IORING_OP_FSETXATTR,
  IORING_OP_FSYNC,
  IORING_OP_FTRUNCATE,
  IORING_OP_FUTEX_WAIT,
  IORING_OP_FUTEX_WAITV,
  IORING_OP_FUTEX_WAKE,
  IORING_OP_GETXATTR,
  IORING_OP_LINKAT,
  IORING_OP_LINK_TIMEOUT,
  IORING_OP_LISTEN,
  IORING_OP_MADVISE,
  IORING_OP_MKDIRAT,
  IORING_OP_MSG_RING,
  IORING_OP_NOP,
  IORING_OP_NOP128,
  IORING_OP_OPENAT,
  IORING_OP_OPENAT2,
  IORING_OP_PIPE,
  IORING_OP_POLL_ADD,
  IORING_OP_POLL_REMOVE,
  IORING_OP_PROVIDE_BUFFERS,
  IORING_OP_READ,
  IORING_OP_READV,
  IORING_OP_READV_FIXED,
  IORING_OP_READ_FIXED,
  IORING_OP_READ_MULTISHOT,
  IORING_OP_RECV,
  IORING_OP_RECVMSG,
  IORING_OP_RECV_ZC,
  IORING_OP_REMOVE_BUFFERS,
  IORING_OP_RENAMEAT,
  IORING_OP_SEND,
  IORING_OP_SENDMSG,
  IORING_OP_SENDMSG_ZC,
  IORING_OP_SEND_ZC,
  IORING_OP_SETXATTR,
  IORING_OP_SHUTDOWN,
  IORING_OP_SOCKET,
  IORING_OP_SPLICE,
  IORING_OP_STATX,
  IORING_OP_SYMLINKAT,
  IORING_OP_SYNC_FILE_RANGE,
  IORING_OP_TEE,
  IORING_OP_TIMEOUT,
  IORING_OP_TIMEOUT_REMOVE,
  IORING_OP_UNLINKAT,
  IORING_OP_URING_CMD,
  IORING_OP_URING_CMD128,
  IORING_OP_WAITID,
  IORING_OP_WRITE,
  IORING_OP_WRITEV,
  IORING_OP_WRITEV_FIXED,
  IORING_OP_WRITE_FIXED,
  IORING_RECVSEND_FIXED_BUF,
  IORING_RECV_MULTISHOT,
  IORING_TIMEOUT_UPDATE,
  IOSQE_BUFFER_SELECT,
  IOSQE_FIXED_FILE,
  SOCKET_URING_OP_GETSOCKNAME,
} = constants;

const HIGH = 0x1_0000_0000;

/**
 * IORING_OP_READ, since 5.6: `length` bytes at `offset`.
 * @see io_uring_prep_read(3)
 */
export function read(sqe: SqeCursor, fd: number, address: number, length: number, offset: number): SqeCursor {
  return sqe.prepare(IORING_OP_READ, fd, address, length, offset);
}

/**
 * IORING_OP_WRITE, since 5.6: `length` bytes at `offset`.
 * @see io_uring_prep_write(3)
 */
export function write(
  sqe: SqeCursor,
  fd: number,
  address: number,
  length: number,
  offset: number,
): SqeCursor {
  return sqe.prepare(IORING_OP_WRITE, fd, address, length, offset);
}

/**
 * IORING_OP_READ_FIXED, since 5.1: `address` lies in the registered buffer `bufferIndex`.
 * @see io_uring_prep_read_fixed(3)
 */
export function readFixed(
  sqe: SqeCursor,
  fd: number,
  address: number,
  length: number,
  offset: number,
  bufferIndex: number,
): SqeCursor {
  sqe.prepare(IORING_OP_READ_FIXED, fd, address, length, offset);
  sqe.bufIndex = bufferIndex;
  return sqe;
}

/**
 * IORING_OP_WRITE_FIXED, since 5.1: `address` lies in the registered buffer `bufferIndex`.
 * @see io_uring_prep_write_fixed(3)
 */
export function writeFixed(
  sqe: SqeCursor,
  fd: number,
  address: number,
  length: number,
  offset: number,
  bufferIndex: number,
): SqeCursor {
  sqe.prepare(IORING_OP_WRITE_FIXED, fd, address, length, offset);
  sqe.bufIndex = bufferIndex;
  return sqe;
}

/**
 * IORING_OP_READV, since 5.1: `iovecs` is the address of `count` iovecs.
 * @see io_uring_prep_readv(3)
 */
export function readv(sqe: SqeCursor, fd: number, iovecs: number, count: number, offset: number): SqeCursor {
  return sqe.prepare(IORING_OP_READV, fd, iovecs, count, offset);
}

/**
 * IORING_OP_WRITEV, since 5.1: `iovecs` is the address of `count` iovecs.
 * @see io_uring_prep_writev(3)
 */
export function writev(sqe: SqeCursor, fd: number, iovecs: number, count: number, offset: number): SqeCursor {
  return sqe.prepare(IORING_OP_WRITEV, fd, iovecs, count, offset);
}

/**
 * IORING_OP_READV_FIXED, since 6.15: all `count` iovecs lie in the registered buffer `bufferIndex`.
 * @see io_uring_prep_readv_fixed(3)
 */
export function readvFixed(
  sqe: SqeCursor,
  fd: number,
  iovecs: number,
  count: number,
  offset: number,
  bufferIndex: number,
): SqeCursor {
  sqe.prepare(IORING_OP_READV_FIXED, fd, iovecs, count, offset);
  sqe.bufIndex = bufferIndex;
  return sqe;
}

/**
 * IORING_OP_WRITEV_FIXED, since 6.15: all `count` iovecs lie in the registered buffer `bufferIndex`.
 * @see io_uring_prep_writev_fixed(3)
 */
export function writevFixed(
  sqe: SqeCursor,
  fd: number,
  iovecs: number,
  count: number,
  offset: number,
  bufferIndex: number,
): SqeCursor {
  sqe.prepare(IORING_OP_WRITEV_FIXED, fd, iovecs, count, offset);
  sqe.bufIndex = bufferIndex;
  return sqe;
}

/**
 * IORING_OP_READ_MULTISHOT, since 6.7: reads again and again, each time into a buffer of `group`. For
 * pollable files only: pipes, sockets, ttys; regular files get EBADFD.
 * @param length 0, as kernels to 6.18 want it: each time as many bytes as a buffer has
 * @see io_uring_prep_read_multishot(3)
 */
export function readMultishot(
  sqe: SqeCursor,
  fd: number,
  length: number,
  offset: number,
  group: number,
): SqeCursor {
  sqe.prepare(IORING_OP_READ_MULTISHOT, fd, 0, length, offset);
  sqe.bufIndex = group;
  sqe.flags = IOSQE_BUFFER_SELECT;
  return sqe;
}

/**
 * IORING_OP_FSYNC, since 5.1: `flags` may be IORING_FSYNC_DATASYNC.
 * @see io_uring_prep_fsync(3)
 */
export function fsync(sqe: SqeCursor, fd: number, flags: number): SqeCursor {
  sqe.begin(IORING_OP_FSYNC, fd);
  sqe.opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_FSYNC, since 5.1: a part of the file, `length` bytes from `offset` on; 0: to the end.
 * @see io_uring_prep_fsync(3)
 */
export function fsyncRange(
  sqe: SqeCursor,
  fd: number,
  length: number,
  offset: number,
  flags: number,
): SqeCursor {
  sqe.prepare(IORING_OP_FSYNC, fd, 0, length, offset);
  sqe.opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_SYNC_FILE_RANGE, since 5.2.
 * @param length in bytes from `offset` on, below 2^32; 0: to the end
 * @param flags SYNC_FILE_RANGE_WAIT_BEFORE (1), SYNC_FILE_RANGE_WRITE (2), SYNC_FILE_RANGE_WAIT_AFTER (4)
 * @see io_uring_prep_sync_file_range(3)
 */
export function syncFileRange(
  sqe: SqeCursor,
  fd: number,
  length: number,
  offset: number,
  flags: number,
): SqeCursor {
  sqe.prepare(IORING_OP_SYNC_FILE_RANGE, fd, 0, length, offset);
  sqe.opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_FALLOCATE, since 5.6: `length` bytes from `offset` on.
 * @param mode FALLOC_FL_*; 0 allocates
 * @see io_uring_prep_fallocate(3)
 */
export function fallocate(
  sqe: SqeCursor,
  fd: number,
  mode: number,
  offset: number,
  length: number,
): SqeCursor {
  return sqe.prepare(IORING_OP_FALLOCATE, fd, length, mode, offset);
}

/**
 * IORING_OP_FTRUNCATE, since 6.9: `length` is the file's new one, in bytes.
 * @see io_uring_prep_ftruncate(3)
 */
export function ftruncate(sqe: SqeCursor, fd: number, length: number): SqeCursor {
  return sqe.prepare(IORING_OP_FTRUNCATE, fd, 0, 0, length);
}

/**
 * IORING_OP_FADVISE, since 5.6.
 * @param length in bytes from `offset` on; from 2^32 on it goes into `addr`, which older kernels refuse
 *   (6.11)
 * @param advice POSIX_FADV_*
 * @see io_uring_prep_fadvise(3), io_uring_prep_fadvise64(3)
 */
export function fadvise(
  sqe: SqeCursor,
  fd: number,
  offset: number,
  length: number,
  advice: number,
): SqeCursor {
  sqe.prepare(IORING_OP_FADVISE, fd, length < HIGH ? 0 : length, length < HIGH ? length : 0, offset);
  sqe.opFlags = advice;
  return sqe;
}

/**
 * IORING_OP_MADVISE, since 5.6: of this process's memory.
 * @param address of a page
 * @param length in bytes; from 2^32 on it goes into `off`, which older kernels refuse (6.11)
 * @param advice MADV_*
 * @see io_uring_prep_madvise(3), io_uring_prep_madvise64(3)
 */
export function madvise(sqe: SqeCursor, address: number, length: number, advice: number): SqeCursor {
  sqe.prepare(IORING_OP_MADVISE, -1, address, length < HIGH ? length : 0, length < HIGH ? 0 : length);
  sqe.opFlags = advice;
  return sqe;
}

/**
 * IORING_OP_OPENAT, since 5.6.
 * @param fileIndex 0: a file descriptor; n + 1: slot n of the file table (5.15); 2^32-1: a free slot (5.19)
 * @see io_uring_prep_openat(3), io_uring_prep_openat_direct(3)
 */
export function openat(
  sqe: SqeCursor,
  dirFd: number,
  path: number,
  openFlags: number,
  mode: number,
  fileIndex: number,
): SqeCursor {
  sqe.prepare(IORING_OP_OPENAT, dirFd, path, mode, 0);
  sqe.opFlags = openFlags;
  sqe.fileIndex = fileIndex;
  return sqe;
}

/**
 * IORING_OP_OPENAT2, since 5.6.
 * @param how address of an open_how of `size` bytes (24)
 * @param fileIndex 0: a file descriptor; n + 1: slot n of the file table (5.15); 2^32-1: a free slot (5.19)
 * @see io_uring_prep_openat2(3), io_uring_prep_openat2_direct(3)
 */
export function openat2(
  sqe: SqeCursor,
  dirFd: number,
  path: number,
  how: number,
  size: number,
  fileIndex: number,
): SqeCursor {
  sqe.prepare(IORING_OP_OPENAT2, dirFd, path, size, how);
  sqe.fileIndex = fileIndex;
  return sqe;
}

/**
 * IORING_OP_CLOSE, since 5.6: closes `fd`, or with `fileIndex` n + 1 empties slot n (5.15; `fd` is 0 then).
 * @see io_uring_prep_close(3), io_uring_prep_close_direct(3)
 */
export function close(sqe: SqeCursor, fd: number, fileIndex: number): SqeCursor {
  sqe.begin(IORING_OP_CLOSE, fd);
  sqe.fileIndex = fileIndex;
  return sqe;
}

/**
 * IORING_OP_FILES_UPDATE, since 5.6: `fds` is the address of `count` s32, which also get the slots; an
 * offset of 2^32-1 takes free slots (5.19).
 * @see io_uring_prep_files_update(3)
 */
export function filesUpdate(sqe: SqeCursor, fds: number, count: number, offset: number): SqeCursor {
  return sqe.prepare(IORING_OP_FILES_UPDATE, -1, fds, count, offset);
}

/**
 * IORING_OP_FIXED_FD_INSTALL, since 6.8: makes a file descriptor of the file in `slot`.
 * @param flags IORING_FIXED_FD_NO_CLOEXEC
 * @see io_uring_prep_fixed_fd_install(3)
 */
export function fixedFdInstall(sqe: SqeCursor, slot: number, flags: number): SqeCursor {
  sqe.begin(IORING_OP_FIXED_FD_INSTALL, slot);
  sqe.opFlags = flags;
  sqe.flags = IOSQE_FIXED_FILE;
  return sqe;
}

/**
 * IORING_OP_PIPE, since 6.16.
 * @param fds address of two s32, which get the reading and the writing end: fds, or slots with `fileIndex`
 * @param flags as pipe2(2): O_CLOEXEC, O_NONBLOCK, O_DIRECT
 * @param fileIndex 0: file descriptors; n + 1: slots n and n + 1 of the file table; 2^32-1: free slots
 * @see io_uring_prep_pipe(3), io_uring_prep_pipe_direct(3)
 */
export function pipe(sqe: SqeCursor, fds: number, flags: number, fileIndex: number): SqeCursor {
  sqe.prepare(IORING_OP_PIPE, 0, fds, 0, 0);
  sqe.opFlags = flags;
  sqe.fileIndex = fileIndex;
  return sqe;
}

/**
 * IORING_OP_SPLICE, since 5.7: moves `length` bytes; an offset of -1 is the current position.
 * @param flags SPLICE_F_*; with SPLICE_F_FD_IN_FIXED `fdIn` is a slot
 * @see io_uring_prep_splice(3)
 */
export function splice(
  sqe: SqeCursor,
  fdIn: number,
  offsetIn: number,
  fdOut: number,
  offsetOut: number,
  length: number,
  flags: number,
): SqeCursor {
  sqe.prepare(IORING_OP_SPLICE, fdOut, 0, length, offsetOut);
  sqe.setAddr(offsetIn, offsetIn < 0 ? -1 : offsetIn / HIGH);
  sqe.fileIndex = fdIn;
  sqe.opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_TEE, since 5.8: copies `length` bytes from a pipe to a pipe, and leaves them in the first.
 * @param flags SPLICE_F_*; with SPLICE_F_FD_IN_FIXED `fdIn` is a slot
 * @see io_uring_prep_tee(3)
 */
export function tee(sqe: SqeCursor, fdIn: number, fdOut: number, length: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_TEE, fdOut, 0, length, 0);
  sqe.fileIndex = fdIn;
  sqe.opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_STATX, since 5.6.
 * @param flags AT_*
 * @param mask STATX_*: what is wanted
 * @param buffer address of a struct statx, 256 bytes
 * @see io_uring_prep_statx(3)
 */
export function statx(
  sqe: SqeCursor,
  dirFd: number,
  path: number,
  flags: number,
  mask: number,
  buffer: number,
): SqeCursor {
  sqe.prepare(IORING_OP_STATX, dirFd, path, mask, buffer);
  sqe.opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_RENAMEAT, since 5.11.
 * @param flags RENAME_*
 * @see io_uring_prep_renameat(3)
 */
export function renameat(
  sqe: SqeCursor,
  oldDirFd: number,
  oldPath: number,
  newDirFd: number,
  newPath: number,
  flags: number,
): SqeCursor {
  sqe.prepare(IORING_OP_RENAMEAT, oldDirFd, oldPath, newDirFd, newPath);
  sqe.opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_UNLINKAT, since 5.11: with AT_REMOVEDIR (0x200) in `flags` it removes a directory.
 * @see io_uring_prep_unlinkat(3)
 */
export function unlinkat(sqe: SqeCursor, dirFd: number, path: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_UNLINKAT, dirFd, path, 0, 0);
  sqe.opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_MKDIRAT, since 5.15.
 * @see io_uring_prep_mkdirat(3)
 */
export function mkdirat(sqe: SqeCursor, dirFd: number, path: number, mode: number): SqeCursor {
  return sqe.prepare(IORING_OP_MKDIRAT, dirFd, path, mode, 0);
}

/**
 * IORING_OP_SYMLINKAT, since 5.15: makes `linkPath`, which says `target`.
 * @see io_uring_prep_symlinkat(3)
 */
export function symlinkat(sqe: SqeCursor, target: number, newDirFd: number, linkPath: number): SqeCursor {
  return sqe.prepare(IORING_OP_SYMLINKAT, newDirFd, target, 0, linkPath);
}

/**
 * IORING_OP_LINKAT, since 5.15.
 * @param flags AT_EMPTY_PATH (0x1000), AT_SYMLINK_FOLLOW (0x400)
 * @see io_uring_prep_linkat(3)
 */
export function linkat(
  sqe: SqeCursor,
  oldDirFd: number,
  oldPath: number,
  newDirFd: number,
  newPath: number,
  flags: number,
): SqeCursor {
  sqe.prepare(IORING_OP_LINKAT, oldDirFd, oldPath, newDirFd, newPath);
  sqe.opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_GETXATTR, since 5.19: the result is the value's length, which `length` 0 only asks for.
 * @see io_uring_prep_getxattr(3)
 */
export function getxattr(
  sqe: SqeCursor,
  name: number,
  value: number,
  path: number,
  length: number,
): SqeCursor {
  sqe.prepare(IORING_OP_GETXATTR, -1, name, length, value);
  sqe.addr3 = path;
  return sqe;
}

/**
 * IORING_OP_SETXATTR, since 5.19.
 * @param flags XATTR_CREATE (1), XATTR_REPLACE (2)
 * @see io_uring_prep_setxattr(3)
 */
export function setxattr(
  sqe: SqeCursor,
  name: number,
  value: number,
  path: number,
  flags: number,
  length: number,
): SqeCursor {
  sqe.prepare(IORING_OP_SETXATTR, -1, name, length, value);
  sqe.addr3 = path;
  sqe.opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_FGETXATTR, since 5.19: as `getxattr`.
 * @see io_uring_prep_fgetxattr(3)
 */
export function fgetxattr(
  sqe: SqeCursor,
  fd: number,
  name: number,
  value: number,
  length: number,
): SqeCursor {
  return sqe.prepare(IORING_OP_FGETXATTR, fd, name, length, value);
}

/**
 * IORING_OP_FSETXATTR, since 5.19: as `setxattr`.
 * @see io_uring_prep_fsetxattr(3)
 */
export function fsetxattr(
  sqe: SqeCursor,
  fd: number,
  name: number,
  value: number,
  flags: number,
  length: number,
): SqeCursor {
  sqe.prepare(IORING_OP_FSETXATTR, fd, name, length, value);
  sqe.opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_SOCKET, since 5.19.
 * @param domain AF_*
 * @param type SOCK_*, with SOCK_CLOEXEC and SOCK_NONBLOCK
 * @param fileIndex 0: a file descriptor; n + 1: slot n of the file table; 2^32-1: a free slot
 * @see io_uring_prep_socket(3), io_uring_prep_socket_direct(3)
 */
export function socket(
  sqe: SqeCursor,
  domain: number,
  type: number,
  protocol: number,
  fileIndex: number,
): SqeCursor {
  sqe.prepare(IORING_OP_SOCKET, domain, 0, protocol, type);
  sqe.fileIndex = fileIndex;
  return sqe;
}

/**
 * IORING_OP_BIND, since 6.11.
 * @see io_uring_prep_bind(3)
 */
export function bind(sqe: SqeCursor, fd: number, address: number, length: number): SqeCursor {
  return sqe.prepare(IORING_OP_BIND, fd, address, 0, length);
}

/**
 * IORING_OP_LISTEN, since 6.11.
 * @see io_uring_prep_listen(3)
 */
export function listen(sqe: SqeCursor, fd: number, backlog: number): SqeCursor {
  return sqe.prepare(IORING_OP_LISTEN, fd, 0, backlog, 0);
}

/**
 * IORING_OP_CONNECT, since 5.5.
 * @see io_uring_prep_connect(3)
 */
export function connect(sqe: SqeCursor, fd: number, address: number, length: number): SqeCursor {
  return sqe.prepare(IORING_OP_CONNECT, fd, address, 0, length);
}

/**
 * IORING_OP_ACCEPT, since 5.5: IORING_ACCEPT_* go into `ioprio`.
 * @param address 0, or where the peer's sockaddr goes
 * @param lengthAddress 0, or the address of a u32: the room for it, then its length
 * @param flags SOCK_CLOEXEC, SOCK_NONBLOCK
 * @param fileIndex as `socket` has it (5.15); multishot takes 0 and 2^32-1 only
 * @see io_uring_prep_accept(3), io_uring_prep_multishot_accept(3)
 */
export function accept(
  sqe: SqeCursor,
  fd: number,
  address: number,
  lengthAddress: number,
  flags: number,
  fileIndex: number,
): SqeCursor {
  sqe.prepare(IORING_OP_ACCEPT, fd, address, 0, lengthAddress);
  sqe.opFlags = flags;
  sqe.fileIndex = fileIndex;
  return sqe;
}

/**
 * IORING_OP_SHUTDOWN, since 5.11.
 * @param how SHUT_RD (0), SHUT_WR (1), SHUT_RDWR (2)
 * @see io_uring_prep_shutdown(3)
 */
export function shutdown(sqe: SqeCursor, fd: number, how: number): SqeCursor {
  return sqe.prepare(IORING_OP_SHUTDOWN, fd, 0, how, 0);
}

/**
 * IORING_OP_SEND, since 5.6: IORING_RECVSEND_* and IORING_SEND_VECTORIZED go into `ioprio`.
 * @see io_uring_prep_send(3), io_uring_prep_send_bundle(3)
 */
export function send(sqe: SqeCursor, fd: number, address: number, length: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_SEND, fd, address, length, 0);
  sqe.opFlags = flags;
  return sqe;
}

/**
 * Where a send goes that has no connection: after `send` (since 6.1) or `sendZc`.
 * @param destination address of a sockaddr of `length` bytes
 * @see io_uring_prep_send_set_addr(3)
 */
export function sendTo(sqe: SqeCursor, destination: number, length: number): SqeCursor {
  sqe.setOff(destination, destination / HIGH);
  sqe.fileIndex = length;
  return sqe;
}

/**
 * IORING_OP_SEND_ZC, since 6.0: sends without a copy; the memory is free after a second completion,
 * IORING_CQE_F_NOTIF, which comes if the first has IORING_CQE_F_MORE. IORING_RECVSEND_POLL_FIRST and
 * IORING_SEND_ZC_REPORT_USAGE go into `ioprio`.
 * @see io_uring_prep_send_zc(3)
 */
export function sendZc(
  sqe: SqeCursor,
  fd: number,
  address: number,
  length: number,
  flags: number,
): SqeCursor {
  sqe.prepare(IORING_OP_SEND_ZC, fd, address, length, 0);
  sqe.opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_SEND_ZC, since 6.0: from the registered buffer `bufferIndex`.
 * @see io_uring_prep_send_zc_fixed(3)
 */
export function sendZcFixed(
  sqe: SqeCursor,
  fd: number,
  address: number,
  length: number,
  flags: number,
  bufferIndex: number,
): SqeCursor {
  sqe.prepare(IORING_OP_SEND_ZC, fd, address, length, 0);
  sqe.opFlags = flags;
  sqe.bufIndex = bufferIndex;
  sqe.ioprio = IORING_RECVSEND_FIXED_BUF;
  return sqe;
}

/**
 * IORING_OP_SENDMSG, since 5.3: `message` is the address of a msghdr.
 * @see io_uring_prep_sendmsg(3)
 */
export function sendmsg(sqe: SqeCursor, fd: number, message: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_SENDMSG, fd, message, 1, 0);
  sqe.opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_SENDMSG_ZC, since 6.1: `message` is the address of a msghdr; completes as `sendZc` does.
 * @see io_uring_prep_sendmsg_zc(3)
 */
export function sendmsgZc(sqe: SqeCursor, fd: number, message: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_SENDMSG_ZC, fd, message, 1, 0);
  sqe.opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_SENDMSG_ZC, since 6.1: with its iovecs in the registered buffer `bufferIndex` (6.15).
 * @see io_uring_prep_sendmsg_zc_fixed(3)
 */
export function sendmsgZcFixed(
  sqe: SqeCursor,
  fd: number,
  message: number,
  flags: number,
  bufferIndex: number,
): SqeCursor {
  sqe.prepare(IORING_OP_SENDMSG_ZC, fd, message, 1, 0);
  sqe.opFlags = flags;
  sqe.bufIndex = bufferIndex;
  sqe.ioprio = IORING_RECVSEND_FIXED_BUF;
  return sqe;
}

/**
 * IORING_OP_RECV, since 5.6: IORING_RECV_MULTISHOT and IORING_RECVSEND_* go into `ioprio`.
 * @see io_uring_prep_recv(3), io_uring_prep_recv_multishot(3)
 */
export function recv(sqe: SqeCursor, fd: number, address: number, length: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_RECV, fd, address, length, 0);
  sqe.opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_RECVMSG, since 5.3: `message` is the address of a msghdr; IORING_RECV_MULTISHOT goes into
 * `ioprio`, each buffer then begins with an io_uring_recvmsg_out.
 * @see io_uring_prep_recvmsg(3), io_uring_prep_recvmsg_multishot(3)
 */
export function recvmsg(sqe: SqeCursor, fd: number, message: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_RECVMSG, fd, message, 1, 0);
  sqe.opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_RECV_ZC, since 6.15: receives into the area of a zero-copy queue, again and again. For rings
 * with big completions.
 * @param length bytes after which it ends (6.16); 0: never
 * @param queue zcrx_id of REGISTER_ZCRX_IFQ
 */
export function recvZc(sqe: SqeCursor, fd: number, length: number, queue: number): SqeCursor {
  sqe.prepare(IORING_OP_RECV_ZC, fd, 0, length, 0);
  sqe.fileIndex = queue;
  sqe.ioprio = IORING_RECV_MULTISHOT;
  return sqe;
}

/**
 * IORING_OP_PROVIDE_BUFFERS, since 5.7: `count` buffers of `length` bytes one after another, ids from
 * `firstId`.
 * @see io_uring_prep_provide_buffers(3)
 */
export function provideBuffers(
  sqe: SqeCursor,
  address: number,
  length: number,
  count: number,
  group: number,
  firstId: number,
): SqeCursor {
  sqe.prepare(IORING_OP_PROVIDE_BUFFERS, count, address, length, firstId);
  sqe.bufIndex = group;
  return sqe;
}

/**
 * IORING_OP_REMOVE_BUFFERS, since 5.7: takes `count` buffers back; the result is how many there were.
 * @see io_uring_prep_remove_buffers(3)
 */
export function removeBuffers(sqe: SqeCursor, count: number, group: number): SqeCursor {
  sqe.begin(IORING_OP_REMOVE_BUFFERS, count);
  sqe.bufIndex = group;
  return sqe;
}

/**
 * IORING_OP_POLL_ADD, since 5.1: the result is the events that came.
 * @param events POLL* bits (POLLIN 1, POLLOUT 4)
 * @param flags IORING_POLL_ADD_MULTI (5.13); IORING_POLL_ADD_LEVEL stands in the header, and is refused
 *   with EINVAL (6.18)
 * @see io_uring_prep_poll_add(3), io_uring_prep_poll_multishot(3)
 */
export function pollAdd(sqe: SqeCursor, fd: number, events: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_POLL_ADD, fd, 0, flags, 0);
  sqe.opFlags = events;
  return sqe;
}

/**
 * IORING_OP_POLL_REMOVE, since 5.1: ends the poll with this user_data.
 * @see io_uring_prep_poll_remove(3)
 */
export function pollRemove(sqe: SqeCursor, low: number, high: number): SqeCursor {
  sqe.begin(IORING_OP_POLL_REMOVE, -1);
  sqe.setAddr(low, high);
  return sqe;
}

/**
 * IORING_OP_POLL_REMOVE, since 5.13: changes the poll with this user_data, which goes on.
 * @param newLow its user_data from then on, with IORING_POLL_UPDATE_USER_DATA
 * @param events POLL* bits from then on, with IORING_POLL_UPDATE_EVENTS
 * @param flags IORING_POLL_UPDATE_*, IORING_POLL_ADD_MULTI
 * @see io_uring_prep_poll_update(3)
 */
export function pollUpdate(
  sqe: SqeCursor,
  low: number,
  high: number,
  newLow: number,
  newHigh: number,
  events: number,
  flags: number,
): SqeCursor {
  sqe.prepare(IORING_OP_POLL_REMOVE, -1, 0, flags, 0);
  sqe.setAddr(low, high);
  sqe.setOff(newLow, newHigh);
  sqe.opFlags = events;
  return sqe;
}

/**
 * IORING_OP_EPOLL_CTL, since 5.6.
 * @param op EPOLL_CTL_ADD (1), EPOLL_CTL_DEL (2), EPOLL_CTL_MOD (3)
 * @param event address of an epoll_event; 0 for EPOLL_CTL_DEL
 * @see io_uring_prep_epoll_ctl(3)
 */
export function epollCtl(sqe: SqeCursor, epollFd: number, op: number, fd: number, event: number): SqeCursor {
  return sqe.prepare(IORING_OP_EPOLL_CTL, epollFd, event, op, fd >>> 0);
}

/**
 * IORING_OP_EPOLL_WAIT, since 6.15: `events` is the address of `count` epoll_events; the result is how many
 * were written.
 * @see io_uring_prep_epoll_wait(3)
 */
export function epollWait(sqe: SqeCursor, epollFd: number, events: number, count: number): SqeCursor {
  return sqe.prepare(IORING_OP_EPOLL_WAIT, epollFd, events, count, 0);
}

/**
 * IORING_OP_TIMEOUT, since 5.4.
 * @param count completions after which it ends early (of fires with IORING_TIMEOUT_MULTISHOT, 6.4); 0 for
 *   none
 * @param flags IORING_TIMEOUT_*
 * @see io_uring_prep_timeout(3)
 */
export function timeout(sqe: SqeCursor, timespec: number, count: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_TIMEOUT, -1, timespec, 1, count);
  sqe.opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_TIMEOUT_REMOVE, since 5.5: ends the timeout with this user_data.
 * @see io_uring_prep_timeout_remove(3)
 */
export function timeoutRemove(sqe: SqeCursor, low: number, high: number): SqeCursor {
  sqe.begin(IORING_OP_TIMEOUT_REMOVE, -1);
  sqe.setAddr(low, high);
  return sqe;
}

/**
 * IORING_OP_TIMEOUT_REMOVE, since 5.11: changes the timeout with this user_data.
 * @param flags IORING_TIMEOUT_ABS; IORING_LINK_TIMEOUT_UPDATE (5.15) where it is a linked one
 * @see io_uring_prep_timeout_update(3)
 */
export function timeoutUpdate(
  sqe: SqeCursor,
  low: number,
  high: number,
  timespec: number,
  flags: number,
): SqeCursor {
  sqe.prepare(IORING_OP_TIMEOUT_REMOVE, -1, 0, 0, timespec);
  sqe.setAddr(low, high);
  sqe.opFlags = flags | IORING_TIMEOUT_UPDATE;
  return sqe;
}

/**
 * IORING_OP_LINK_TIMEOUT, since 5.5: cancels the operation before it, which has IOSQE_IO_LINK, when it
 * takes longer.
 * @param flags IORING_TIMEOUT_ABS, and a clock: IORING_TIMEOUT_BOOTTIME or IORING_TIMEOUT_REALTIME (5.15)
 * @see io_uring_prep_link_timeout(3)
 */
export function linkTimeout(sqe: SqeCursor, timespec: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_LINK_TIMEOUT, -1, timespec, 1, 0);
  sqe.opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_FUTEX_WAIT, since 6.7: waits while the futex has `value`; EAGAIN where it has another.
 * @param futex its address
 * @param mask bits of which a waker must have one; 2^32-1 for any
 * @param futexFlags FUTEX2_*: its size, and FUTEX2_PRIVATE
 * @see io_uring_prep_futex_wait(3)
 */
export function futexWait(
  sqe: SqeCursor,
  futex: number,
  value: number,
  mask: number,
  futexFlags: number,
): SqeCursor {
  sqe.prepare(IORING_OP_FUTEX_WAIT, futexFlags, futex, 0, value);
  sqe.addr3 = mask;
  return sqe;
}

/**
 * IORING_OP_FUTEX_WAKE, since 6.7: the result is how many were woken.
 * @param count at most so many
 * @see io_uring_prep_futex_wake(3)
 */
export function futexWake(
  sqe: SqeCursor,
  futex: number,
  count: number,
  mask: number,
  futexFlags: number,
): SqeCursor {
  sqe.prepare(IORING_OP_FUTEX_WAKE, futexFlags, futex, 0, count);
  sqe.addr3 = mask;
  return sqe;
}

/**
 * IORING_OP_FUTEX_WAITV, since 6.7: waits on several; the result is the index of the one that was woken.
 * @param futexes address of `count` futex_waitv
 * @see io_uring_prep_futex_waitv(3)
 */
export function futexWaitv(sqe: SqeCursor, futexes: number, count: number): SqeCursor {
  return sqe.prepare(IORING_OP_FUTEX_WAITV, 0, futexes, count, 0);
}

/**
 * IORING_OP_WAITID, since 6.7.
 * @param idType P_ALL (0), P_PID (1), P_PGID (2), P_PIDFD (3)
 * @param info 0, or the address of a siginfo_t, 128 bytes
 * @param options WEXITED (4), WSTOPPED (2), WCONTINUED (8), WNOWAIT (0x1000000)
 * @see io_uring_prep_waitid(3)
 */
export function waitid(sqe: SqeCursor, idType: number, id: number, info: number, options: number): SqeCursor {
  sqe.prepare(IORING_OP_WAITID, id, 0, idType, info);
  sqe.fileIndex = options;
  return sqe;
}

/**
 * IORING_OP_NOP, since 5.1: completes with 0 and does nothing.
 * @see io_uring_prep_nop(3)
 */
export function nop(sqe: SqeCursor): SqeCursor {
  return sqe.begin(IORING_OP_NOP, -1);
}

/**
 * IORING_OP_NOP, since 5.1: with flags, for tests.
 * @param flags IORING_NOP_INJECT_RESULT (6.10); IORING_NOP_FILE (2), IORING_NOP_FIXED_FILE (4) and
 *   IORING_NOP_FIXED_BUFFER (8) look up `fd` and `bufferIndex` (6.13), IORING_NOP_TW (16) completes by task
 *   work (6.15)
 * @param result the completion's res, with IORING_NOP_INJECT_RESULT
 */
export function nopWith(
  sqe: SqeCursor,
  flags: number,
  fd: number,
  result: number,
  bufferIndex: number,
): SqeCursor {
  sqe.prepare(IORING_OP_NOP, fd, 0, result, 0);
  sqe.opFlags = flags;
  sqe.bufIndex = bufferIndex;
  return sqe;
}

/**
 * IORING_OP_NOP, since 6.18: with a big completion, whose two extra words are given. For rings with
 * IORING_SETUP_CQE32 or IORING_SETUP_CQE_MIXED.
 */
export function nopCqe32(sqe: SqeCursor, extra1: number, extra2: number): SqeCursor {
  sqe.prepare(IORING_OP_NOP, -1, extra2, 0, extra1);
  sqe.opFlags = IORING_NOP_CQE32;
  return sqe;
}

/**
 * IORING_OP_NOP128, since 6.19: a NOP of 128 bytes: it takes the slot after the cursor's too, which must be
 * free and not the first of the queue (IORING_SETUP_SQE_MIXED).
 */
export function nop128(sqe: SqeCursor): SqeCursor {
  sqe.begin(IORING_OP_NOP128, -1);
  sqe.clearSecondHalf();
  return sqe;
}

/**
 * IORING_OP_ASYNC_CANCEL, since 5.5: by user_data.
 * @param flags IORING_ASYNC_CANCEL_* (5.19)
 * @see io_uring_prep_cancel(3), io_uring_prep_cancel64(3)
 */
export function asyncCancel(sqe: SqeCursor, low: number, high: number, flags: number): SqeCursor {
  sqe.begin(IORING_OP_ASYNC_CANCEL, -1);
  sqe.setAddr(low, high);
  sqe.opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_ASYNC_CANCEL, since 5.19: by file.
 * @param fd a slot with IORING_ASYNC_CANCEL_FD_FIXED (6.0)
 * @param flags IORING_ASYNC_CANCEL_ALL; the result is then how many there were
 * @see io_uring_prep_cancel_fd(3)
 */
export function asyncCancelFd(sqe: SqeCursor, fd: number, flags: number): SqeCursor {
  sqe.begin(IORING_OP_ASYNC_CANCEL, fd);
  sqe.opFlags = flags | IORING_ASYNC_CANCEL_FD;
  return sqe;
}

/**
 * IORING_OP_ASYNC_CANCEL, since 6.6: by operation.
 * @param opcode IORING_OP_*
 * @param flags IORING_ASYNC_CANCEL_ALL; the result is then how many there were
 * @see io_uring_prep_cancel(3)
 */
export function asyncCancelOp(sqe: SqeCursor, opcode: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_ASYNC_CANCEL, -1, 0, opcode, 0);
  sqe.opFlags = flags | IORING_ASYNC_CANCEL_OP;
  return sqe;
}

/**
 * IORING_OP_ASYNC_CANCEL, since 5.19: by all that `flags` say together: IORING_ASYNC_CANCEL_FD,
 * IORING_ASYNC_CANCEL_OP (6.6), or IORING_ASYNC_CANCEL_ANY for everything on the ring.
 * @param fd -1 where it does not matter; a slot with IORING_ASYNC_CANCEL_FD_FIXED (6.0)
 * @param opcode IORING_OP_*, 0 where it does not matter
 * @param flags IORING_ASYNC_CANCEL_*
 * @see io_uring_prep_cancel(3)
 */
export function asyncCancelWhere(sqe: SqeCursor, fd: number, opcode: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_ASYNC_CANCEL, fd, 0, opcode, 0);
  sqe.opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_MSG_RING, since 5.18: posts {`userData`, `res`} on the ring `fd`; with IORING_MSG_RING_CQE_SKIP
 * in `opFlags` nothing is posted.
 * @see io_uring_prep_msg_ring(3)
 */
export function msgRing(sqe: SqeCursor, fd: number, res: number, userData: number): SqeCursor {
  return sqe.prepare(IORING_OP_MSG_RING, fd, 0, res, userData);
}

/**
 * IORING_OP_MSG_RING, since 6.3: with the flags of the completion that it posts.
 * @see io_uring_prep_msg_ring_cqe_flags(3)
 */
export function msgRingCqeFlags(
  sqe: SqeCursor,
  fd: number,
  res: number,
  userData: number,
  cqeFlags: number,
): SqeCursor {
  sqe.prepare(IORING_OP_MSG_RING, fd, 0, res, userData);
  sqe.fileIndex = cqeFlags;
  sqe.opFlags = IORING_MSG_RING_FLAGS_PASS;
  return sqe;
}

/**
 * IORING_OP_MSG_RING, since 6.0: puts the file in `slot` of this ring into the file table of the ring `fd`,
 * and posts {`userData`, its slot or 0} there.
 * @param fileIndex n + 1: slot n; 2^32-1: a free slot
 * @param flags IORING_MSG_RING_CQE_SKIP posts nothing there
 * @see io_uring_prep_msg_ring_fd(3), io_uring_prep_msg_ring_fd_alloc(3)
 */
export function msgRingFd(
  sqe: SqeCursor,
  fd: number,
  slot: number,
  fileIndex: number,
  userData: number,
  flags: number,
): SqeCursor {
  sqe.prepare(IORING_OP_MSG_RING, fd, IORING_MSG_SEND_FD, 0, userData);
  sqe.addr3 = slot;
  sqe.fileIndex = fileIndex;
  sqe.opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_URING_CMD, since 5.19: a command of the file's driver. Up to 16 bytes for it go into `cmd`, 80
 * where entries have 128 bytes.
 * @param command cmd_op: the driver's number for it
 * @param address addr, for those who read it
 * @param length len, for those who read it
 * @param flags IORING_URING_CMD_FIXED, with the registered buffer in `bufIndex`
 * @see io_uring_prep_uring_cmd(3)
 */
export function uringCmd(
  sqe: SqeCursor,
  fd: number,
  command: number,
  address: number,
  length: number,
  flags: number,
): SqeCursor {
  sqe.prepare(IORING_OP_URING_CMD, fd, address, length, command >>> 0);
  sqe.opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_URING_CMD128, since 6.19: as `uringCmd` with room for 80 bytes in `cmd`: it takes the slot
 * after the cursor's too, which must be free and not the first of the queue (IORING_SETUP_SQE_MIXED).
 * @see io_uring_prep_uring_cmd128(3)
 */
export function uringCmd128(
  sqe: SqeCursor,
  fd: number,
  command: number,
  address: number,
  length: number,
  flags: number,
): SqeCursor {
  sqe.prepare(IORING_OP_URING_CMD128, fd, address, length, command >>> 0);
  sqe.opFlags = flags;
  sqe.clearSecondHalf();
  return sqe;
}

/**
 * IORING_OP_URING_CMD, since 6.7: a command of a socket.
 * @param command SOCKET_URING_OP_SIOCINQ and SOCKET_URING_OP_SIOCOUTQ (all others 0): the result is how
 *   many bytes wait; SOCKET_URING_OP_GETSOCKOPT (level SOL_SOCKET only): the result is the value's length;
 *   SOCKET_URING_OP_SETSOCKOPT; SOCKET_URING_OP_TX_TIMESTAMP (6.17)
 * @param value address of `length` bytes
 * @see io_uring_prep_cmd_sock(3)
 */
export function uringCmdSock(
  sqe: SqeCursor,
  fd: number,
  command: number,
  level: number,
  option: number,
  value: number,
  length: number,
): SqeCursor {
  sqe.prepare(IORING_OP_URING_CMD, fd, 0, 0, command >>> 0);
  sqe.setAddr(level, option);
  sqe.addr3 = value;
  sqe.fileIndex = length;
  return sqe;
}

/**
 * IORING_OP_URING_CMD, since 6.19: the address of a socket.
 * @param address where the sockaddr goes
 * @param lengthAddress address of a u32: the room for it, then its length
 * @param peer 1: the peer's, as getpeername(2); 0: its own
 * @see io_uring_prep_cmd_getsockname(3)
 */
export function uringCmdGetsockname(
  sqe: SqeCursor,
  fd: number,
  address: number,
  lengthAddress: number,
  peer: number,
): SqeCursor {
  sqe.prepare(IORING_OP_URING_CMD, fd, address, 0, SOCKET_URING_OP_GETSOCKNAME);
  sqe.addr3 = lengthAddress;
  sqe.fileIndex = peer;
  return sqe;
}
