/** What the encoders of all families share: files, memory, paths, and how an operation is declared. */
import { descriptor, integer, list, oneOf, U32_MAX, wrongType, wrongValue } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { Iovec } from '../../structs/posix.ts';
import { bytesOf, isUint8Array, lengthOf } from '../../structs/views.ts';
import type * as rw from '../ops/rw.ts';
import type { OpName } from '../register/support.ts';
import type { RingCore } from '../ring/core/core.ts';
import { RegisteredBuffer } from '../ring/owners/buffers.ts';
import { FixedFile, RegisteredFiles } from '../ring/owners/files.ts';
import type { Personality } from '../ring/owners/personality.ts';
import { addressOf } from '../sys/memory.ts';

/** An open file: its fd, something that has one (a FileHandle of node:fs, a RingFile), or a slot of the file table. */
export type File = number | FixedFile | { readonly fd: number };
/** An open file that must be a descriptor: the operation does not take a slot of the file table. */
export type Fd = number | { readonly fd: number };
/** A path: text, or its bytes without a zero. */
export type Path = string | Uint8Array;
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
const AT_FDCWD = -100;
/** The most pieces that a vectored operation takes. */
const IOV_MAX = 1024;
/** The names of RwOptions. */
export const RW: readonly string[] = ['offset', 'flags'];

/** The fd or slot of a file. */
function fileNumber(core: RingCore, name: string, file: File): number {
  if (FixedFile.is(file)) return file.use(core);
  if (typeof file === 'number') return descriptor(name, file);
  if (typeof file !== 'object' || file === null || !('fd' in file)) {
    throw wrongType(name, 'a file descriptor, a FixedFile, or an object with an fd', file);
  }
  return descriptor(`${name}.fd`, file.fd);
}

/** IOSQE_FIXED_FILE for a slot. */
function fileFlag(file: File): number {
  return FixedFile.is(file) ? IOSQE_FIXED_FILE : 0;
}

/** The fd or slot of a file, and IOSQE_FIXED_FILE for a slot. */
export function useFile(core: RingCore, name: string, file: File): [fd: number, flags: number] {
  return [fileNumber(core, name, file), fileFlag(file)];
}

/** The fd of what must not be a slot. */
export function useFd(name: string, file: Fd): number {
  if (typeof file === 'number') return descriptor(name, file);
  if (typeof file !== 'object' || file === null || !('fd' in file)) {
    throw wrongType(name, 'a file descriptor or an object with an fd, not a slot of the file table', file);
  }
  return descriptor(`${name}.fd`, file.fd);
}

/** The fd of a directory that relative paths start from. */
export function directory(name: string, at: Fd | undefined): number {
  return at === undefined ? AT_FDCWD : useFd(name, at);
}

export function fileOffset(name: string, offset: number | bigint | undefined): number {
  if (offset === undefined) return -1;
  const number = typeof offset === 'bigint' ? Number(offset) : offset;
  return integer(name, number, -1, Number.MAX_SAFE_INTEGER);
}

/**
 * The address of memory; a registered buffer must be this ring's. To be called last: a getter of a user's that ran after
 * it (also the `fd` of a file) could take the memory away.
 */
function memoryAddress(core: RingCore, name: string, memory: Memory): number {
  if (RegisteredBuffer.is(memory)) {
    if (memory.length === 0) throw wrongValue(name, 'at least one byte long', 0);
    return memory.use(core).address;
  }
  return addressOf(name, memory);
}

function memoryLength(name: string, memory: Memory): number {
  if (RegisteredBuffer.is(memory)) return memory.length;
  const length = lengthOf(memory);
  if (length > 0x7fff_ffff) throw wrongValue(name, 'shorter than 2 GiB', length);
  return length;
}

/** The address and length of memory; as `memoryAddress`, to be called last. */
export function useMemory(core: RingCore, name: string, memory: Memory): [address: number, length: number] {
  return [memoryAddress(core, name, memory), memoryLength(name, memory)];
}

/** A read or a write. Allocates nothing, hence the single functions instead of pairs. */
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
  const fd = fileNumber(core, 'file', file);
  const address = memoryAddress(core, 'memory', memory);
  const length = memoryLength('memory', memory);
  const sqe = core.entry();
  if (RegisteredBuffer.is(memory)) fixed(sqe, fd, address, length, offset, memory.index);
  else plain(sqe, fd, address, length, offset);
  sqe.opFlags = flags;
  sqe.flags = fileFlag(file);
  return heldBy(memory);
}

/** What the kernel may touch of memory. */
export function heldBy(memory: Memory): ArrayBufferView {
  return RegisteredBuffer.is(memory) ? memory.bytes : memory;
}

export function registered(memory: Memory): RegisteredBuffer {
  if (RegisteredBuffer.is(memory)) return memory;
  throw wrongType('buffer', 'a RegisteredBuffer: buffers.at(index), or a piece of it', memory);
}

const encoder = new TextEncoder();

/** Zero-terminated text in memory: a copy. */
export function textBytes(name: string, text: Path, max: number): Uint8Array {
  if (typeof text !== 'string' && !isUint8Array(text)) {
    throw wrongType(name, 'a string or a Uint8Array', text);
  }
  const bytes = typeof text === 'string' ? encoder.encode(text) : bytesOf(text);
  if (bytes.includes(0)) throw wrongValue(name, 'without a zero byte', text);
  if (bytes.length === 0 || bytes.length > max) throw wrongValue(name, `1 to ${max} bytes long`, text);
  const terminated = new Uint8Array(bytes.length + 1);
  terminated.set(bytes);
  return terminated;
}

/** A zero-terminated path in memory. */
export function pathBytes(path: Path, name = 'path'): Uint8Array {
  return textBytes(name, path, 4095);
}

/** The iovecs of pieces of memory. */
export interface Vector {
  readonly address: number;
  readonly count: number;
  /** The iovecs and what they point to. */
  readonly held: unknown;
}

/** Writes iovecs. As `useMemory`, to be called last. */
export function useVector(core: RingCore, name: string, pieces: readonly Memory[]): Vector {
  const copy = [...list(name, pieces)];
  integer(`${name}.length`, copy.length, 1, IOV_MAX);
  const bytes = new Uint8Array(copy.length * Iovec.size);
  copy.forEach((piece, i) => {
    const [iovBase, iovLen] = useMemory(core, `${name}[${i}]`, piece);
    Iovec.encodeInto(bytes, { iovBase, iovLen }, i * Iovec.size);
  });
  return { address: addressOf(name, bytes), count: copy.length, held: [bytes, ...copy.map(heldBy)] };
}

/** The registered buffer that all pieces are of, if they are of one. */
export function commonBuffer(pieces: readonly Memory[]): RegisteredBuffer | undefined {
  const first = Array.isArray(pieces) ? pieces[0] : undefined;
  if (!RegisteredBuffer.is(first)) return undefined;
  const isCommon = pieces.every((each) => RegisteredBuffer.is(each) && each.index === first.index);
  return isCommon ? first : undefined;
}

/** Into the file table: a slot; or the table, or `'alloc'`, for a free one. */
export type Into = FixedFile | RegisteredFiles | 'alloc' | undefined;

/** IORING_FILE_INDEX: 0 for an fd, slot + 1, or all ones for any slot. */
export function fileIndex(core: RingCore, into: Into): number {
  if (into === undefined) return 0;
  if (FixedFile.is(into)) return into.use(core) + 1;
  if (RegisteredFiles.is(into)) into.use(core);
  else oneOf('options.into', into, ['alloc']);
  return constants.IORING_FILE_INDEX_ALLOC;
}

/** An operation: its name, which options it has, and how it becomes an entry. */
export interface Operation<A extends readonly unknown[], O> {
  /** `'OP_READ'`, for errors. */
  readonly op: OpName;
  /** The names of its options beside the common ones. */
  readonly known: readonly string[];
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
  return { op, known, defaults: {}, encode };
}

/** Is `name` one of a few? On the hot path comparing pointers is several times faster than hashing for a Set. */
export function includes(names: readonly string[], name: string): boolean {
  for (let i = 0; i < names.length; i++) if (names[i] === name) return true;
  return false;
}
