/** What the encoders of all families share: files, memory, paths, and how an operation is declared. */
import { descriptor, integer, oneOf, U32_MAX, wrongType, wrongValue } from '../../../structs/check.ts';
import { constants } from '../../../structs/flags.ts';
import type * as rw from '../../ops/rw.ts';
import type { OpName } from '../../register/support.ts';
import { addressOf, stableView } from '../../sys/memory.ts';
import { RegisteredBuffer } from '../buffers.ts';
import type { RingCore } from '../core.ts';
import { FixedFile, RegisteredFiles } from '../files.ts';
import type { Personality } from '../personality.ts';

/** An open file: its fd, something that has one (a FileHandle of node:fs, a RingFile), or a slot of the file table. */
export type File = number | FixedFile | { readonly fd: number };
/** Memory for data: a view of your own, or (a piece of) a registered buffer. */
export type Memory = ArrayBufferView | RegisteredBuffer;

/** What every operation takes. */
export interface OperationOptions {
  /** Comes back with the completion: an integer from 0 to 2^53-1, 0 when absent. */
  readonly userData?: number;
  /** IOSQE_IO_LINK: the next operation starts when this one is done, and is cancelled when it fails. */
  readonly link?: boolean;
  /** IOSQE_IO_HARDLINK: as link, but the next one starts whatever becomes of this one. */
  readonly hardlink?: boolean;
  /** IOSQE_IO_DRAIN: starts after everything before it is done. */
  readonly drain?: boolean;
  /** IOSQE_ASYNC: goes to a worker thread at once. */
  readonly async?: boolean;
  /** IOSQE_CQE_SKIP_SUCCESS (5.17): no completion unless it fails. Not for operations that hold memory. */
  readonly skipSuccess?: boolean;
  /** Runs with these credentials. */
  readonly personality?: Personality;
}

/** An operation without options of its own. */
export type NoOptions = Record<never, never>;

/** Options of reads and writes. */
export interface RwOptions {
  /** Where in the file, in bytes; -1, or absent: the current position. */
  readonly offset?: number | bigint;
  /** RWF_* */
  readonly flags?: number;
}

const { IOSQE_FIXED_FILE } = constants;
/** The names of RwOptions. */
export const RW: readonly string[] = ['offset', 'flags'];

/** The fd or slot of a file, and IOSQE_FIXED_FILE for a slot. */
export function useFile(core: RingCore, name: string, file: File): [fd: number, flags: number] {
  if (file instanceof FixedFile) return [file.use(core), IOSQE_FIXED_FILE];
  if (typeof file === 'number') return [descriptor(name, file), 0];
  if (typeof file !== 'object' || file === null || !('fd' in file)) {
    throw wrongType(name, 'a file descriptor, a FixedFile, or an object with an fd', file);
  }
  return [descriptor(`${name}.fd`, file.fd), 0];
}

export function fileOffset(name: string, offset: number | bigint | undefined): number {
  if (offset === undefined) return -1;
  const number = typeof offset === 'bigint' ? Number(offset) : offset;
  return integer(name, number, -1, Number.MAX_SAFE_INTEGER);
}

/** The address and length of memory; a registered buffer must be this ring's. */
export function useMemory(core: RingCore, name: string, memory: Memory): [address: number, length: number] {
  if (memory instanceof RegisteredBuffer) {
    if (memory.length === 0) throw wrongValue(name, 'at least one byte long', 0);
    return [memory.use(core).address, memory.length];
  }
  const address = addressOf(name, memory);
  if (memory.byteLength > 0x7fff_ffff) throw wrongValue(name, 'shorter than 2 GiB', memory.byteLength);
  return [address, memory.byteLength];
}

export function transfer(
  core: RingCore,
  file: File,
  memory: Memory,
  options: RwOptions,
  plain: typeof rw.read,
  fixed: typeof rw.readFixed,
): unknown {
  const offset = fileOffset('options.offset', options.offset);
  const flags = integer('options.flags', options.flags ?? 0, 0, U32_MAX);
  const [address, length] = useMemory(core, 'memory', memory);
  const [fd, bit] = useFile(core, 'file', file);
  const sqe = core.entry();
  if (memory instanceof RegisteredBuffer) fixed(sqe, fd, address, length, offset, memory.index);
  else plain(sqe, fd, address, length, offset);
  sqe.opFlags = flags;
  sqe.flags = bit;
  return heldBy(memory);
}

/** What the kernel may touch of memory. */
export function heldBy(memory: Memory): ArrayBufferView {
  return memory instanceof RegisteredBuffer ? memory.bytes : memory;
}

export function registered(memory: Memory): RegisteredBuffer {
  if (memory instanceof RegisteredBuffer) return memory;
  throw wrongType('buffer', 'a RegisteredBuffer: buffers.at(index), or a piece of it', memory);
}

const encoder = new TextEncoder();

/** A zero-terminated path in memory. */
export function pathBytes(path: string | Uint8Array): Uint8Array {
  const bytes = typeof path === 'string' ? encoder.encode(path) : stableView('path', path) && path;
  if (bytes.includes(0)) throw wrongValue('path', 'without a zero byte', path);
  if (bytes.length === 0 || bytes.length > 4095) throw wrongValue('path', '1 to 4095 bytes long', path);
  const terminated = new Uint8Array(bytes.length + 1);
  terminated.set(bytes);
  return terminated;
}

/** Into the file table: a slot; or the table, or `'alloc'`, for a free one. */
export type Into = FixedFile | RegisteredFiles | 'alloc' | undefined;

/** IORING_FILE_INDEX: 0 for an fd, slot + 1, or all ones for any slot. */
export function fileIndex(core: RingCore, into: Into): number {
  if (into === undefined) return 0;
  if (into instanceof FixedFile) return into.use(core) + 1;
  if (into instanceof RegisteredFiles) into.use(core);
  else oneOf('options.into', into, ['alloc']);
  return constants.IORING_FILE_INDEX_ALLOC;
}

/** An operation: its name, which options it has, and how it becomes an entry. */
export interface Operation<A extends readonly unknown[], O> {
  /** `'OP_READ'`, for errors. */
  readonly op: OpName;
  /** The names of its options beside the common ones. */
  readonly known: ReadonlySet<string>;
  /** What it gets where no options were given. */
  readonly defaults: O;
  /** Fills the next free entry; returns what the kernel may touch until the last completion. */
  encode(core: RingCore, options: O, ...args: A): unknown;
}

export function define<A extends readonly unknown[], O extends object>(
  op: OpName,
  known: readonly string[],
  encode: (core: RingCore, options: Partial<O>, ...args: A) => unknown,
): Operation<A, Partial<O>> {
  return { op, known: new Set(known), defaults: {}, encode };
}
