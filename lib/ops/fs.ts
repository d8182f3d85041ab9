/** Preparers of operations on paths and descriptors. Safety: see rw.ts. */
import { constants } from '../../structs/flags.ts';
import type { SqeCursor } from './sqe.ts';

const {
  IORING_OP_CLOSE,
  IORING_OP_FGETXATTR,
  IORING_OP_FILES_UPDATE,
  IORING_OP_FIXED_FD_INSTALL,
  IORING_OP_FSETXATTR,
  IORING_OP_GETXATTR,
  IORING_OP_LINKAT,
  IORING_OP_MKDIRAT,
  IORING_OP_OPENAT,
  IORING_OP_OPENAT2,
  IORING_OP_PIPE,
  IORING_OP_RENAMEAT,
  IORING_OP_SETXATTR,
  IORING_OP_SPLICE,
  IORING_OP_STATX,
  IORING_OP_SYMLINKAT,
  IORING_OP_TEE,
  IORING_OP_UNLINKAT,
  IOSQE_FIXED_FILE,
} = constants;

// ---- open and close -----------------------------------------------------------------------------------------------

/**
 * IORING_OP_OPENAT, since 5.6.
 * @param path address of the zero-terminated path
 * @param fileIndex 0: a file descriptor; n + 1: slot n of the file table; 2^32-1: a free slot (since 5.15)
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
 * @param path address of the zero-terminated path
 * @param how address of an open_how of `size` bytes (24)
 * @param fileIndex as `openat` has it (since 5.15)
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
  sqe.prepare(IORING_OP_OPENAT2, dirFd, path, size, how).fileIndex = fileIndex;
  return sqe;
}

/**
 * IORING_OP_CLOSE, since 5.6: closes `fd`, or with `fileIndex` n + 1 empties slot n (since 5.15; `fd` is 0 then).
 * @see io_uring_prep_close(3), io_uring_prep_close_direct(3)
 */
export function close(sqe: SqeCursor, fd: number, fileIndex: number): SqeCursor {
  sqe.begin(IORING_OP_CLOSE, fd).fileIndex = fileIndex;
  return sqe;
}

/**
 * IORING_OP_FILES_UPDATE, since 5.6: `fds` is the address of `count` s32, which also get the slots; an offset of 2^32-1
 * takes free slots (since 5.19).
 * @see io_uring_prep_files_update(3)
 */
export function filesUpdate(sqe: SqeCursor, fds: number, count: number, offset: number): SqeCursor {
  return sqe.prepare(IORING_OP_FILES_UPDATE, -1, fds, count, offset);
}

/**
 * IORING_OP_FIXED_FD_INSTALL, since 6.8: makes a file descriptor of the file in `slot` (it sets IOSQE_FIXED_FILE).
 * @param flags IORING_FIXED_FD_NO_CLOEXEC
 * @see io_uring_prep_fixed_fd_install(3)
 */
export function fixedFdInstall(sqe: SqeCursor, slot: number, flags: number): SqeCursor {
  sqe.begin(IORING_OP_FIXED_FD_INSTALL, slot).opFlags = flags;
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
  sqe.prepare(IORING_OP_PIPE, 0, fds, 0, 0).opFlags = flags;
  sqe.fileIndex = fileIndex;
  return sqe;
}

// ---- between pipes and files ----------------------------------------------------------------------------------------

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
  sqe.setAddr(offsetIn, offsetIn < 0 ? -1 : offsetIn / 0x1_0000_0000);
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
  sqe.prepare(IORING_OP_TEE, fdOut, 0, length, 0).fileIndex = fdIn;
  sqe.opFlags = flags;
  return sqe;
}

// ---- paths: each is the address of a zero-terminated string -----------------------------------------------------------

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
  sqe.prepare(IORING_OP_STATX, dirFd, path, mask, buffer).opFlags = flags;
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
  sqe.prepare(IORING_OP_RENAMEAT, oldDirFd, oldPath, newDirFd, newPath).opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_UNLINKAT, since 5.11; with AT_REMOVEDIR (0x200) in `flags` it removes a directory.
 * @see io_uring_prep_unlinkat(3)
 */
export function unlinkat(sqe: SqeCursor, dirFd: number, path: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_UNLINKAT, dirFd, path, 0, 0).opFlags = flags;
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
  sqe.prepare(IORING_OP_LINKAT, oldDirFd, oldPath, newDirFd, newPath).opFlags = flags;
  return sqe;
}

// ---- extended attributes: `name` is the address of a zero-terminated string, `value` that of `length` bytes ------------

/**
 * IORING_OP_GETXATTR, since 5.19; the result is the value's length, which `length` 0 only asks for.
 * @see io_uring_prep_getxattr(3)
 */
export function getxattr(
  sqe: SqeCursor,
  name: number,
  value: number,
  path: number,
  length: number,
): SqeCursor {
  sqe.prepare(IORING_OP_GETXATTR, -1, name, length, value).addr3 = path;
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
  sqe.prepare(IORING_OP_SETXATTR, -1, name, length, value).addr3 = path;
  sqe.opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_FGETXATTR, since 5.19, as `getxattr`.
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
 * IORING_OP_FSETXATTR, since 5.19, as `setxattr`.
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
  sqe.prepare(IORING_OP_FSETXATTR, fd, name, length, value).opFlags = flags;
  return sqe;
}
