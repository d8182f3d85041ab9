/** Preparers of operations on paths and descriptors. Safety: see rw.ts. */
import { constants } from '../../structs/flags.ts';
import type { SqeCursor } from './sqe.ts';

const { IORING_OP_CLOSE, IORING_OP_FILES_UPDATE, IORING_OP_OPENAT, IORING_OP_SPLICE } = constants;

/**
 * IORING_OP_OPENAT, since 5.6.
 * @param path address of the zero-terminated path
 * @param fileIndex 0: a file descriptor; n + 1: slot n of the file table; 2^32-1: a free slot (since 5.15)
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

/** IORING_OP_CLOSE, since 5.6: closes `fd`, or with `fileIndex` n + 1 empties slot n (since 5.15; `fd` is 0 then). */
export function close(sqe: SqeCursor, fd: number, fileIndex: number): SqeCursor {
  sqe.prepare(IORING_OP_CLOSE, fd, 0, 0, 0).fileIndex = fileIndex;
  return sqe;
}

/** IORING_OP_SPLICE, since 5.7: moves `length` bytes; an offset of -1 is the current position. */
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

/** IORING_OP_FILES_UPDATE, since 5.6: `fds` is the address of `count` s32; an offset of 2^32-1 takes free slots. */
export function filesUpdate(sqe: SqeCursor, fds: number, count: number, offset: number): SqeCursor {
  return sqe.prepare(IORING_OP_FILES_UPDATE, -1, fds, count, offset);
}
