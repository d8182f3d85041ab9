/** Operations on what is in files and memory, with checked arguments. */
import { integer, oneOf, U32_MAX, wrongType, wrongValue } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { lengthOf } from '../../structs/views.ts';
import * as rw from '../ops/rw.ts';
import type { RingCore } from '../ring/core/core.ts';
import { BufferRing } from '../ring/owners/buffer-ring.ts';
import type { RegisteredBuffer } from '../ring/owners/buffers.ts';
import { lastingAddressOf, pageSize } from '../sys/memory.ts';
import {
  commonBuffer,
  define,
  type File,
  fileOffset,
  type Memory,
  type NoOptions,
  RW,
  type RwOptions,
  registered,
  transfer,
  useFile,
  useVector,
} from './kit.ts';

const SAFE = Number.MAX_SAFE_INTEGER;

/** Which part of a file, in bytes. */
export interface RangeOptions {
  /** Where it begins; 0 when absent. */
  readonly offset?: number;
  /** How long it is; 0, or absent: to the end. */
  readonly length?: number;
}

/** Options of `fsync`: all of the file, or a part. */
export interface FsyncOptions extends RangeOptions {
  /** Only what is needed to read the data back (IORING_FSYNC_DATASYNC). */
  readonly dataOnly?: boolean;
}

/** Options of `syncFileRange`. */
export interface SyncRangeOptions extends RangeOptions {
  /** SYNC_FILE_RANGE_WAIT_BEFORE (1), _WRITE (2), _WAIT_AFTER (4); all three when absent. */
  readonly flags?: number;
}

/** Options of `fallocate`. */
export interface FallocateOptions {
  /** Where it begins, in bytes; 0 when absent. */
  readonly offset?: number;
  /** FALLOC_FL_*: KEEP_SIZE (1), PUNCH_HOLE (2, with KEEP_SIZE), COLLAPSE_RANGE (8), ZERO_RANGE (16), INSERT_RANGE (32) */
  readonly mode?: number;
}

const FILE_ADVICE = {
  POSIX_FADV_NORMAL: 0,
  POSIX_FADV_RANDOM: 1,
  POSIX_FADV_SEQUENTIAL: 2,
  POSIX_FADV_WILLNEED: 3,
  POSIX_FADV_DONTNEED: 4,
  POSIX_FADV_NOREUSE: 5,
};
/** How a part of a file will be used. */
export type FileAdvice = keyof typeof FILE_ADVICE;

const MEMORY_ADVICE = {
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
};
/** How memory will be used. MADV_DONTNEED and MADV_FREE throw its content away. */
export type MemoryAdvice = keyof typeof MEMORY_ADVICE;

function keys<T extends string>(table: { readonly [K in T]: number }): T[] {
  const names: T[] = [];
  for (const name in table) names.push(name);
  return names;
}

const FILE_ADVICES = keys(FILE_ADVICE);
const MEMORY_ADVICES = keys(MEMORY_ADVICE);

function range(options: RangeOptions, max: number): [offset: number, length: number] {
  const { offset = 0, length = 0 } = options;
  return [integer('options.offset', offset, 0, SAFE), integer('options.length', length, 0, max)];
}

export const read = define<[file: File, memory: Memory], RwOptions>(
  'OP_READ',
  RW,
  (core, options, file, memory) => transfer(core, file, memory, options, rw.read, rw.readFixed),
);

export const write = define<[file: File, memory: Memory], RwOptions>(
  'OP_WRITE',
  RW,
  (core, options, file, memory) => transfer(core, file, memory, options, rw.write, rw.writeFixed),
);

export const readFixed = define<[file: File, buffer: RegisteredBuffer], RwOptions>(
  'OP_READ_FIXED',
  RW,
  (core, options, file, buffer) => transfer(core, file, registered(buffer), options, rw.read, rw.readFixed),
);

export const writeFixed = define<[file: File, buffer: RegisteredBuffer], RwOptions>(
  'OP_WRITE_FIXED',
  RW,
  (core, options, file, buffer) => transfer(core, file, registered(buffer), options, rw.write, rw.writeFixed),
);

function vectored(
  core: RingCore,
  file: File,
  pieces: readonly Memory[],
  options: RwOptions,
  plain: typeof rw.readv,
): unknown {
  const offset = fileOffset('options.offset', options.offset);
  const flags = integer('options.flags', options.flags ?? 0, 0, U32_MAX);
  const [fd, bit] = useFile(core, 'file', file);
  const { address, count, held } = useVector(core, 'pieces', pieces);
  const sqe = plain(core.entry(), fd, address, count, offset);
  sqe.opFlags = flags;
  sqe.flags = bit;
  return held;
}

function vectoredFixed(
  core: RingCore,
  file: File,
  pieces: readonly RegisteredBuffer[],
  options: RwOptions,
  fixed: typeof rw.readvFixed,
): unknown {
  const buffer = commonBuffer(pieces);
  if (buffer === undefined) throw wrongType('pieces', 'an array of pieces of one registered buffer', pieces);
  return vectored(core, file, pieces, options, (sqe, fd, address, count, offset) =>
    fixed(sqe, fd, address, count, offset, buffer.index),
  );
}

export const readv = define<[file: File, pieces: readonly Memory[]], RwOptions>(
  'OP_READV',
  RW,
  (core, options, file, pieces) => vectored(core, file, pieces, options, rw.readv),
);

export const writev = define<[file: File, pieces: readonly Memory[]], RwOptions>(
  'OP_WRITEV',
  RW,
  (core, options, file, pieces) => vectored(core, file, pieces, options, rw.writev),
);

export const readvFixed = define<[file: File, pieces: readonly RegisteredBuffer[]], RwOptions>(
  'OP_READV_FIXED',
  RW,
  (core, options, file, pieces) => vectoredFixed(core, file, pieces, options, rw.readvFixed),
);

export const writevFixed = define<[file: File, pieces: readonly RegisteredBuffer[]], RwOptions>(
  'OP_WRITEV_FIXED',
  RW,
  (core, options, file, pieces) => vectoredFixed(core, file, pieces, options, rw.writevFixed),
);

export const readMultishot = define<[file: File, pool: BufferRing], NoOptions>(
  'OP_READ_MULTISHOT',
  [],
  (core, _options, file, pool) => {
    const [fd, bit] = useFile(core, 'file', file);
    if (!BufferRing.is(pool)) throw wrongType('pool', 'a BufferRing', pool);
    const group = pool.use(core);
    rw.readMultishot(core.entry(), fd, 0, -1, group).flags |= bit;
    return pool.held;
  },
);

export const fsync = define<[file: File], FsyncOptions>(
  'OP_FSYNC',
  ['dataOnly', 'offset', 'length'],
  (core, options, file) => {
    const flags = options.dataOnly ? constants.IORING_FSYNC_DATASYNC : 0;
    const [offset, length] = range(options, U32_MAX);
    const [fd, bit] = useFile(core, 'file', file);
    rw.fsyncRange(core.entry(), fd, length, offset, flags).flags = bit;
  },
);

export const syncFileRange = define<[file: File], SyncRangeOptions>(
  'OP_SYNC_FILE_RANGE',
  ['offset', 'length', 'flags'],
  (core, options, file) => {
    const [offset, length] = range(options, U32_MAX);
    const flags = integer('options.flags', options.flags ?? 7, 0, 7);
    const [fd, bit] = useFile(core, 'file', file);
    rw.syncFileRange(core.entry(), fd, length, offset, flags).flags = bit;
  },
);

export const fallocate = define<[file: File, length: number], FallocateOptions>(
  'OP_FALLOCATE',
  ['offset', 'mode'],
  (core, options, file, length) => {
    const offset = integer('options.offset', options.offset ?? 0, 0, SAFE);
    const mode = integer('options.mode', options.mode ?? 0, 0, U32_MAX);
    integer('length', length, 1, SAFE);
    const [fd, bit] = useFile(core, 'file', file);
    rw.fallocate(core.entry(), fd, mode, offset, length).flags = bit;
  },
);

export const ftruncate = define<[file: File, length: number], NoOptions>(
  'OP_FTRUNCATE',
  [],
  (core, _options, file, length) => {
    integer('length', length, 0, SAFE);
    const [fd, bit] = useFile(core, 'file', file);
    rw.ftruncate(core.entry(), fd, length).flags = bit;
  },
);

export const fadvise = define<[file: File, advice: FileAdvice], RangeOptions>(
  'OP_FADVISE',
  ['offset', 'length'],
  (core, options, file, advice) => {
    const [offset, length] = range(options, SAFE);
    const number = FILE_ADVICE[oneOf('advice', advice, FILE_ADVICES)];
    const [fd, bit] = useFile(core, 'file', file);
    rw.fadvise(core.entry(), fd, offset, length, number).flags = bit;
  },
);

export const madvise = define<[memory: ArrayBufferView, advice: MemoryAdvice], NoOptions>(
  'OP_MADVISE',
  [],
  (core, _options, memory, advice) => {
    const number = MEMORY_ADVICE[oneOf('advice', advice, MEMORY_ADVICES)];
    const address = lastingAddressOf('memory', memory);
    // the kernel rounds the length up: beyond the view lies the memory of others
    const length = lengthOf(memory);
    if (address % pageSize() !== 0 || length % pageSize() !== 0) {
      throw wrongValue('memory', `whole pages of ${pageSize()} bytes, as alloc() gives them`, memory);
    }
    rw.madvise(core.entry(), address, length, number);
    return memory;
  },
);
