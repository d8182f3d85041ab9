/**
 * Preparers of reads and writes, and of operations on data in files and memory. Each makes the entry under the cursor one operation and returns the cursor.
 *
 * Safety, for all preparers: addresses are the caller's to keep alive until the operation's last completion.
 *
 * Reads and writes take RWF_* in `opFlags`, an I/O priority (ioprio_set(2)) in `ioprio`, and an `offset` of -1 for the
 * current position (FEAT_RW_CUR_POS). With IOSQE_BUFFER_SELECT a read has address 0 and its buffer group in `bufIndex`.
 */
import { constants } from '../../structs/flags.ts';
import type { SqeCursor } from './sqe.ts';

const {
  IORING_OP_FADVISE,
  IORING_OP_FALLOCATE,
  IORING_OP_FSYNC,
  IORING_OP_FTRUNCATE,
  IORING_OP_MADVISE,
  IORING_OP_READ,
  IORING_OP_READ_FIXED,
  IORING_OP_READ_MULTISHOT,
  IORING_OP_READV,
  IORING_OP_READV_FIXED,
  IORING_OP_SYNC_FILE_RANGE,
  IORING_OP_WRITE,
  IORING_OP_WRITE_FIXED,
  IORING_OP_WRITEV,
  IORING_OP_WRITEV_FIXED,
  IOSQE_BUFFER_SELECT,
} = constants;

const HIGH = 0x1_0000_0000;

/**
 * IORING_OP_READ, since 5.6: `length` bytes at file `offset` (-1: the current position).
 * @see io_uring_prep_read(3)
 */
export function read(sqe: SqeCursor, fd: number, address: number, length: number, offset: number): SqeCursor {
  return sqe.prepare(IORING_OP_READ, fd, address, length, offset);
}

/**
 * IORING_OP_WRITE, since 5.6: `length` bytes at file `offset`.
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
  sqe.prepare(IORING_OP_READ_FIXED, fd, address, length, offset).bufIndex = bufferIndex;
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
  sqe.prepare(IORING_OP_WRITE_FIXED, fd, address, length, offset).bufIndex = bufferIndex;
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
  sqe.prepare(IORING_OP_READV_FIXED, fd, iovecs, count, offset).bufIndex = bufferIndex;
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
  sqe.prepare(IORING_OP_WRITEV_FIXED, fd, iovecs, count, offset).bufIndex = bufferIndex;
  return sqe;
}

/**
 * IORING_OP_READ_MULTISHOT, since 6.7: reads again and again, each time into a buffer of `group` (it sets
 * IOSQE_BUFFER_SELECT). For pollable files only: pipes, sockets, ttys; regular files get EBADFD.
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
  sqe.prepare(IORING_OP_READ_MULTISHOT, fd, 0, length, offset).bufIndex = group;
  sqe.flags = IOSQE_BUFFER_SELECT;
  return sqe;
}

/**
 * IORING_OP_FSYNC, since 5.1; `flags` may be IORING_FSYNC_DATASYNC.
 * @see io_uring_prep_fsync(3)
 */
export function fsync(sqe: SqeCursor, fd: number, flags: number): SqeCursor {
  sqe.begin(IORING_OP_FSYNC, fd).opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_FSYNC, since 5.1, of a part of the file: `length` bytes from `offset` on; 0: to the end.
 * @see io_uring_prep_fsync(3)
 */
export function fsyncRange(
  sqe: SqeCursor,
  fd: number,
  length: number,
  offset: number,
  flags: number,
): SqeCursor {
  sqe.prepare(IORING_OP_FSYNC, fd, 0, length, offset).opFlags = flags;
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
  sqe.prepare(IORING_OP_SYNC_FILE_RANGE, fd, 0, length, offset).opFlags = flags;
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
 * @param length in bytes from `offset` on; from 2^32 on it goes into `addr`, which older kernels refuse (6.11)
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
  const isLong = length >= HIGH;
  sqe.prepare(IORING_OP_FADVISE, fd, isLong ? length : 0, isLong ? 0 : length, offset).opFlags = advice;
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
  const isLong = length >= HIGH;
  sqe.prepare(IORING_OP_MADVISE, -1, address, isLong ? 0 : length, isLong ? length : 0).opFlags = advice;
  return sqe;
}
