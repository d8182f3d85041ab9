/**
 * Preparers of reads and writes. Each makes the entry under the cursor one operation and returns the cursor.
 *
 * Safety, for all preparers: addresses are the caller's to keep alive until the operation's last completion.
 */
import { constants } from '../../structs/flags.ts';
import type { SqeCursor } from './sqe.ts';

const {
  IORING_OP_FSYNC,
  IORING_OP_READ,
  IORING_OP_READ_FIXED,
  IORING_OP_READV,
  IORING_OP_WRITE,
  IORING_OP_WRITE_FIXED,
  IORING_OP_WRITEV,
} = constants;

/** IORING_OP_READ, since 5.6: `length` bytes at file `offset` (-1: the current position). */
export function read(sqe: SqeCursor, fd: number, address: number, length: number, offset: number): SqeCursor {
  return sqe.prepare(IORING_OP_READ, fd, address, length, offset);
}

/** IORING_OP_WRITE, since 5.6. */
export function write(
  sqe: SqeCursor,
  fd: number,
  address: number,
  length: number,
  offset: number,
): SqeCursor {
  return sqe.prepare(IORING_OP_WRITE, fd, address, length, offset);
}

/** IORING_OP_READ_FIXED, since 5.1: `address` lies in the registered buffer `bufferIndex`. */
export function readFixed(
  sqe: SqeCursor,
  fd: number,
  address: number,
  length: number,
  offset: number,
  bufferIndex: number,
): SqeCursor {
  sqe.prepare(IORING_OP_READ_FIXED, fd, address, length, offset).bufIndex = bufferIndex;
  return sqe;
}

/** IORING_OP_WRITE_FIXED, since 5.1. */
export function writeFixed(
  sqe: SqeCursor,
  fd: number,
  address: number,
  length: number,
  offset: number,
  bufferIndex: number,
): SqeCursor {
  sqe.prepare(IORING_OP_WRITE_FIXED, fd, address, length, offset).bufIndex = bufferIndex;
  return sqe;
}

/** IORING_OP_READV, since 5.1: `iovecs` is the address of `count` iovecs. */
export function readv(sqe: SqeCursor, fd: number, iovecs: number, count: number, offset: number): SqeCursor {
  return sqe.prepare(IORING_OP_READV, fd, iovecs, count, offset);
}

/** IORING_OP_WRITEV, since 5.1. */
export function writev(sqe: SqeCursor, fd: number, iovecs: number, count: number, offset: number): SqeCursor {
  return sqe.prepare(IORING_OP_WRITEV, fd, iovecs, count, offset);
}

/** IORING_OP_FSYNC, since 5.1; `flags` may be IORING_FSYNC_DATASYNC. */
export function fsync(sqe: SqeCursor, fd: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_FSYNC, fd, 0, 0, 0).opFlags = flags;
  return sqe;
}
