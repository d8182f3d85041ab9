/** Operations on what is in files and in memory. */
import { U32_MAX, wrongValue } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import * as preparers from '../ops/preparers.ts';
import type { RingCore } from '../ring/core/core.ts';
import { type HeldView, pinLasting } from '../sys/held.ts';
import { pageSize } from '../sys/memory.ts';
import { type Kind, type NamedType, operation, options } from './declare.ts';
import * as kinds from './kinds.ts';
import * as pin from './pin.ts';

const SAFE = Number.MAX_SAFE_INTEGER;

// ---- types ------------------------------------------------------------------------------------------------

export const RwOptions = options('RwOptions', 'Options of reads and writes.', {
  offset: kinds.offset('Where in the file, in bytes; -1, or absent: the current position.'),
  flags: {
    ...kinds.bits(
      'RWF_*: RWF_NOWAIT (8) gives EAGAIN instead of waiting, RWF_DSYNC (2) and RWF_SYNC (4) write through.',
    ),
    field: 'opFlags',
  },
});

export const ReadOptions = options(
  'ReadOptions',
  'Options of `read`.',
  {
    length: kinds.option(
      'From a pool: at most so many bytes; 0, or absent: as many as a buffer has.',
      0,
      0x7fff_ffff,
      0,
    ),
  },
  RwOptions,
);

export const RangeOptions = options('RangeOptions', 'Which part of a file, in bytes.', {
  offset: kinds.option('Where it begins; 0 when absent.', 0, SAFE, 0),
  length: kinds.option('How long it is; 0, or absent: to the end.', 0, SAFE, 0),
});

export const FsyncOptions = options('FsyncOptions', 'Options of `fsync`: all of the file, or a part.', {
  offset: kinds.option('Where the part begins, in bytes; 0 when absent.', 0, SAFE, 0),
  length: kinds.option('How long it is; 0, or absent: to the end.', 0, U32_MAX, 0),
  dataOnly: kinds.flag(
    'Only what is needed to read the data back (IORING_FSYNC_DATASYNC).',
    constants.IORING_FSYNC_DATASYNC,
  ),
});

export const SyncRangeOptions = options('SyncRangeOptions', 'Options of `syncFileRange`.', {
  offset: kinds.option('Where the part begins, in bytes; 0 when absent.', 0, SAFE, 0),
  length: kinds.option('How long it is; 0, or absent: to the end.', 0, U32_MAX, 0),
  flags: kinds.option(
    'SYNC_FILE_RANGE_WAIT_BEFORE (1), _WRITE (2), _WAIT_AFTER (4); all three when absent.',
    0,
    7,
    7,
  ),
});

export const FallocateOptions = options('FallocateOptions', 'Options of `fallocate`.', {
  offset: kinds.option('Where it begins, in bytes; 0 when absent.', 0, SAFE, 0),
  mode: kinds.bits(
    'FALLOC_FL_*: KEEP_SIZE (1), PUNCH_HOLE (2, with KEEP_SIZE), COLLAPSE_RANGE (8), ZERO_RANGE (16), INSERT_RANGE (32).',
  ),
});

export const FileAdvice: NamedType = {
  name: 'FileAdvice',
  doc: 'How a part of a file will be used.',
  names: {
    POSIX_FADV_NORMAL: 0,
    POSIX_FADV_RANDOM: 1,
    POSIX_FADV_SEQUENTIAL: 2,
    POSIX_FADV_WILLNEED: 3,
    POSIX_FADV_DONTNEED: 4,
    POSIX_FADV_NOREUSE: 5,
  },
};

export const MemoryAdvice: NamedType = {
  name: 'MemoryAdvice',
  doc: 'How memory will be used. MADV_DONTNEED and MADV_FREE throw its content away.',
  names: {
    MADV_NORMAL: 0,
    MADV_RANDOM: 1,
    MADV_SEQUENTIAL: 2,
    MADV_WILLNEED: 3,
    MADV_DONTNEED: 4,
    MADV_FREE: 8,
    MADV_HUGEPAGE: 14,
    MADV_NOHUGEPAGE: 15,
    MADV_COLD: 20,
    MADV_PAGEOUT: 21,
    MADV_POPULATE_READ: 22,
    MADV_POPULATE_WRITE: 23,
  },
};

/** The address of memory of which only the kernel's idea changes. */
export function wholeAddress(_core: RingCore, name: string, what: HeldView): number {
  return pinLasting(name, what);
}

/** The length of whole pages: the kernel rounds it up, and beyond the view lies other memory. */
export function wholePages(core: RingCore, name: string, what: HeldView): number {
  const length = pin.length(core, name, what);
  if (length === 0 || wholeAddress(core, name, what) % pageSize() !== 0 || length % pageSize() !== 0) {
    throw wrongValue(name, `whole pages of ${pageSize()} bytes, as alloc() gives them`, what);
  }
  return length;
}

const pages: Kind = { ...kinds.view, pin: [wholeAddress, wholePages] };
const length = kinds.integer(0);

const READ_ERRORS = {
  EAGAIN: 'nothing is there, and RWF_NOWAIT or O_NONBLOCK says not to wait',
  EBADF: 'the file is not open for reading',
};
const WRITE_ERRORS = {
  EBADF: 'the file is not open for writing',
  EPIPE: 'nobody reads the other end',
  ENOSPC: 'the device is full',
  EFBIG: 'beyond the largest file (RLIMIT_FSIZE, or the file system)',
};

/** Of a write that the kernel gave to a worker, as it does where a disk is full, the position is not moved. */
const FEWER =
  'how many bytes; where they are fewer, the current position of a regular file may be where it was: go on with an `offset`';

// ---- reads and writes -------------------------------------------------------------------------------------

export const read = operation({
  op: 'OP_READ',
  doc: 'Reads into memory; into a registered buffer it is an OP_READ_FIXED. From a pool the kernel picks a buffer when data is there.',
  args: { file: kinds.file, memory: kinds.memoryOrPool },
  options: ReadOptions,
  write(sqe, address, length, index, group, offset, most) {
    if (index >= 0) preparers.readFixed(sqe, 0, address, length, offset, index);
    else preparers.read(sqe, 0, address, group >= 0 ? most : length, offset);
    if (group >= 0) sqe.group = group;
  },
  returns:
    'how many bytes, 0 at the end of the file; of a pool a part of a buffer, to be released, or undefined at the end',
  result: 'data',
  errors: { ...READ_ERRORS, ENOBUFS: 'no buffer of the pool is free: release parts, or make it larger' },
});

export const write = operation({
  op: 'OP_WRITE',
  doc: 'Writes from memory; from a registered buffer it is an OP_WRITE_FIXED.',
  args: { file: kinds.file, memory: kinds.memory },
  options: RwOptions,
  write(sqe, address, length, index, offset) {
    if (index >= 0) preparers.writeFixed(sqe, 0, address, length, offset, index);
    else preparers.write(sqe, 0, address, length, offset);
  },
  returns: FEWER,
  result: 'count',
  errors: WRITE_ERRORS,
});

export const readFixed = operation({
  op: 'OP_READ_FIXED',
  doc: 'As `read`, of a registered buffer only.',
  args: { file: kinds.file, buffer: kinds.registeredBuffer },
  options: RwOptions,
  write: (sqe, address, length, index, offset) => preparers.readFixed(sqe, 0, address, length, offset, index),
  returns: 'how many bytes; 0 at the end of the file',
  result: 'count',
  errors: READ_ERRORS,
});

export const writeFixed = operation({
  op: 'OP_WRITE_FIXED',
  doc: 'As `write`, of a registered buffer only.',
  args: { file: kinds.file, buffer: kinds.registeredBuffer },
  options: RwOptions,
  write: (sqe, address, length, index, offset) =>
    preparers.writeFixed(sqe, 0, address, length, offset, index),
  returns: FEWER,
  result: 'count',
  errors: WRITE_ERRORS,
});

export const readv = operation({
  op: 'OP_READV',
  doc: 'Reads into several pieces of memory, one after the other. Where all are pieces of one registered buffer it is an OP_READV_FIXED, on kernels that have it.',
  args: { file: kinds.file, pieces: kinds.pieces },
  options: RwOptions,
  write(sqe, iovecs, count, index, offset) {
    if (index >= 0) preparers.readvFixed(sqe, 0, iovecs, count, offset, index);
    else preparers.readv(sqe, 0, iovecs, count, offset);
  },
  returns: 'how many bytes, all together',
  result: 'count',
  errors: READ_ERRORS,
  see: 'io_uring_prep_readv2(3)',
});

export const writev = operation({
  op: 'OP_WRITEV',
  doc: 'Writes several pieces of memory, one after the other. Where all are pieces of one registered buffer it is an OP_WRITEV_FIXED, on kernels that have it.',
  args: { file: kinds.file, pieces: kinds.pieces },
  options: RwOptions,
  write(sqe, iovecs, count, index, offset) {
    if (index >= 0) preparers.writevFixed(sqe, 0, iovecs, count, offset, index);
    else preparers.writev(sqe, 0, iovecs, count, offset);
  },
  returns: 'how many bytes, all together',
  result: 'count',
  errors: WRITE_ERRORS,
  see: 'io_uring_prep_writev2(3)',
});

export const readvFixed = operation({
  op: 'OP_READV_FIXED',
  doc: 'As `readv`, of pieces of one registered buffer only.',
  args: { file: kinds.file, pieces: kinds.fixedPieces },
  options: RwOptions,
  write: (sqe, iovecs, count, index, offset) => preparers.readvFixed(sqe, 0, iovecs, count, offset, index),
  returns: 'how many bytes, all together',
  result: 'count',
  errors: READ_ERRORS,
});

export const writevFixed = operation({
  op: 'OP_WRITEV_FIXED',
  doc: 'As `writev`, of pieces of one registered buffer only.',
  args: { file: kinds.file, pieces: kinds.fixedPieces },
  options: RwOptions,
  write: (sqe, iovecs, count, index, offset) => preparers.writevFixed(sqe, 0, iovecs, count, offset, index),
  returns: 'how many bytes, all together',
  result: 'count',
  errors: WRITE_ERRORS,
});

export const readMultishot = operation({
  op: 'OP_READ_MULTISHOT',
  doc: 'Reads a pipe, a tty or a socket again and again, each time into a buffer that the kernel picks from a pool. It ends with the file. Where no buffer is left it goes on when one was released.',
  args: { file: kinds.file, pool: kinds.pool },
  write: (sqe, group) => preparers.readMultishot(sqe, 0, 0, -1, group),
  returns: 'an iterator of parts: release each one (`using`), so that its buffer can be used again',
  stream: { type: 'BufferPart', of: 'bufferStream', args: ['pool'] },
  errors: {
    EBADFD: 'such a file can always be read, as a regular file: use read',
    ENOBUFS: 'no buffer of the pool is free',
  },
});

// ---- files ------------------------------------------------------------------------------------------------

export const fsync = operation({
  op: 'OP_FSYNC',
  doc: 'Flushes a file, or a part of it, to its disk.',
  args: { file: kinds.file },
  options: FsyncOptions,
  write: (sqe, offset, length, dataOnly) => preparers.fsyncRange(sqe, 0, length, offset, dataOnly),
  result: 'nothing',
  errors: { EINVAL: 'the file can not be flushed, as a pipe or a socket' },
});

export const syncFileRange = operation({
  op: 'OP_SYNC_FILE_RANGE',
  doc: "Writes a part of a file's cached data to its disk, without metadata: no promise that it survives.",
  args: { file: kinds.file },
  options: SyncRangeOptions,
  write: (sqe, offset, length, flags) => preparers.syncFileRange(sqe, 0, length, offset, flags),
  result: 'nothing',
  errors: { ESPIPE: 'the file has no offsets' },
  see: 'sync_file_range(2)',
});

export const fallocate = operation({
  op: 'OP_FALLOCATE',
  doc: 'Allocates a part of a file, or punches a hole into it.',
  args: { file: kinds.file, length: kinds.integer(1) },
  options: FallocateOptions,
  write: (sqe, length, offset, mode) => preparers.fallocate(sqe, 0, mode, offset, length),
  params: { length: 'in bytes' },
  result: 'nothing',
  errors: { ENOSPC: 'the device is full', EOPNOTSUPP: 'the file system has no such mode' },
});

export const ftruncate = operation({
  op: 'OP_FTRUNCATE',
  doc: 'Cuts or extends a file.',
  args: { file: kinds.file, length },
  write: (sqe, length) => preparers.ftruncate(sqe, 0, length),
  params: { length: "the file's new one, in bytes" },
  result: 'nothing',
  errors: { EINVAL: 'the file is not open for writing, or is no regular file' },
});

export const fadvise = operation({
  op: 'OP_FADVISE',
  doc: 'Says how a part of a file will be used.',
  args: { file: kinds.file, advice: kinds.named(FileAdvice) },
  options: RangeOptions,
  write: (sqe, advice, offset, length) => preparers.fadvise(sqe, 0, offset, length, advice),
  result: 'nothing',
  errors: { ESPIPE: 'the file is a pipe' },
});

export const madvise = operation({
  op: 'OP_MADVISE',
  doc: 'Says how whole pages of memory will be used.',
  args: { memory: pages, advice: kinds.named(MemoryAdvice) },
  write: preparers.madvise,
  params: { memory: 'whole pages, as `alloc` gives them' },
  result: 'nothing',
  errors: { EINVAL: 'this kernel does not know the advice' },
});
