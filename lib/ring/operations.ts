/**
 * Operations with checked arguments. Each encoder reads all that is a user's (a getter may prepare operations of its
 * own), then takes the next free entry by `core.entry()`, fills it, and says what the kernel may touch.
 */
import { descriptor, integer, oneOf, U32_MAX, wrongType, wrongValue } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { KernelTimespec } from '../../structs/posix.ts';
import * as control from '../ops/control.ts';
import * as fs from '../ops/fs.ts';
import * as net from '../ops/net.ts';
import * as rw from '../ops/rw.ts';
import * as wait from '../ops/wait.ts';
import type { OpName } from '../register/support.ts';
import { addressOf, stableView } from '../sys/memory.ts';
import type { RingBase } from './base.ts';
import { BufferRing } from './buffer-ring.ts';
import { RegisteredBuffer } from './buffers.ts';
import type { RingCore } from './core.ts';
import { FixedFile, RegisteredFiles } from './files.ts';
import type { Personality } from './personality.ts';

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

/** Options of sends and receives. */
export interface SocketOptions {
  /** MSG_* */
  readonly flags?: number;
}

/** Options of `openat`. */
export interface OpenOptions {
  /** O_*, O_RDONLY when absent; O_CLOEXEC is added for an fd. */
  readonly flags?: number;
  /** Permissions of a new file. */
  readonly mode?: number;
  /** The fd of the directory that a relative path starts from, instead of the current one. */
  readonly at?: number;
  /** Into the file table: a slot; or the table, or `'alloc'`, for a free one, which the completion's res then names. */
  readonly into?: FixedFile | RegisteredFiles | 'alloc';
}

/** Options of `fsync`. */
export interface FsyncOptions {
  /** Only what is needed to read the data back (IORING_FSYNC_DATASYNC). */
  readonly dataOnly?: boolean;
}

/** Options of `splice`. */
export interface SpliceOptions {
  readonly offsetIn?: number;
  readonly offsetOut?: number;
  /** SPLICE_F_* */
  readonly flags?: number;
}

/** Options of `timeout`. */
export interface TimeoutOptions {
  /** Ends early after so many completions. */
  readonly count?: number;
  /** IORING_TIMEOUT_* */
  readonly flags?: number;
}

/** Options of `pollAdd`. */
export interface PollOptions {
  /** Goes on after the first event (5.13). */
  readonly multishot?: boolean;
}

/** Options of `msgRing`. */
export interface MessageOptions {
  /** The userData that the other ring's completion has. */
  readonly messageData?: number;
  /** The res that it has. */
  readonly res?: number;
}

const { IOSQE_FIXED_FILE } = constants;
const O_CLOEXEC = 0o2000000;
const AT_FDCWD = -100;
const RW = ['offset', 'flags'];

/** The fd or slot of a file, and IOSQE_FIXED_FILE for a slot. */
function useFile(core: RingCore, name: string, file: File): [fd: number, flags: number] {
  if (file instanceof FixedFile) return [file.use(core), IOSQE_FIXED_FILE];
  if (typeof file === 'number') return [descriptor(name, file), 0];
  if (typeof file !== 'object' || file === null || !('fd' in file)) {
    throw wrongType(name, 'a file descriptor, a FixedFile, or an object with an fd', file);
  }
  return [descriptor(`${name}.fd`, file.fd), 0];
}

function fileOffset(name: string, offset: number | bigint | undefined): number {
  if (offset === undefined) return -1;
  const number = typeof offset === 'bigint' ? Number(offset) : offset;
  return integer(name, number, -1, Number.MAX_SAFE_INTEGER);
}

/** The address and length of memory; a registered buffer must be this ring's. */
function useMemory(core: RingCore, name: string, memory: Memory): [address: number, length: number] {
  if (memory instanceof RegisteredBuffer) {
    if (memory.length === 0) throw wrongValue(name, 'at least one byte long', 0);
    return [memory.use(core).address, memory.length];
  }
  const address = addressOf(name, memory);
  if (memory.byteLength > 0x7fff_ffff) throw wrongValue(name, 'shorter than 2 GiB', memory.byteLength);
  return [address, memory.byteLength];
}

function transfer(
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
function heldBy(memory: Memory): ArrayBufferView {
  return memory instanceof RegisteredBuffer ? memory.bytes : memory;
}

function registered(memory: Memory): RegisteredBuffer {
  if (memory instanceof RegisteredBuffer) return memory;
  throw wrongType('buffer', 'a RegisteredBuffer: buffers.at(index), or a piece of it', memory);
}

const encoder = new TextEncoder();

/** A zero-terminated path in memory. */
function pathBytes(path: string | Uint8Array): Uint8Array {
  const bytes = typeof path === 'string' ? encoder.encode(path) : stableView('path', path) && path;
  if (bytes.includes(0)) throw wrongValue('path', 'without a zero byte', path);
  if (bytes.length === 0 || bytes.length > 4095) throw wrongValue('path', '1 to 4095 bytes long', path);
  const terminated = new Uint8Array(bytes.length + 1);
  terminated.set(bytes);
  return terminated;
}

/** IORING_FILE_INDEX: 0 for an fd, slot + 1, or all ones for any slot. */
function fileIndex(core: RingCore, into: OpenOptions['into']): number {
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

function define<A extends readonly unknown[], O extends object>(
  op: OpName,
  known: readonly string[],
  encode: (core: RingCore, options: Partial<O>, ...args: A) => unknown,
): Operation<A, Partial<O>> {
  return { op, known: new Set(known), defaults: {}, encode };
}

export const nop = define<[], NoOptions>('OP_NOP', [], (core) => {
  control.nop(core.entry());
});

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

export const fsync = define<[file: File], FsyncOptions>('OP_FSYNC', ['dataOnly'], (core, options, file) => {
  const flags = options.dataOnly ? constants.IORING_FSYNC_DATASYNC : 0;
  const [fd, bit] = useFile(core, 'file', file);
  rw.fsync(core.entry(), fd, flags).flags = bit;
});

export const openat = define<[path: string | Uint8Array], OpenOptions>(
  'OP_OPENAT',
  ['flags', 'mode', 'at', 'into'],
  (core, options, path) => {
    const { flags = 0, mode = 0, at, into } = options;
    const index = fileIndex(core, into);
    const openFlags = integer('options.flags', flags, 0, U32_MAX) | (index === 0 ? O_CLOEXEC : 0);
    integer('options.mode', mode, 0, 0o7777);
    const directory = at === undefined ? AT_FDCWD : descriptor('options.at', at);
    const bytes = pathBytes(path);
    fs.openat(core.entry(), directory, addressOf('path', bytes), openFlags, mode, index);
    return bytes;
  },
);

export const close = define<[file: File], NoOptions>('OP_CLOSE', [], (core, _options, file) => {
  const [fd, bit] = useFile(core, 'file', file);
  fs.close(core.entry(), bit === 0 ? fd : 0, bit === 0 ? 0 : fd + 1);
});

export const splice = define<[from: File, to: File, length: number], SpliceOptions>(
  'OP_SPLICE',
  ['offsetIn', 'offsetOut', 'flags'],
  (core, options, from, to, length) => {
    const offsetIn = fileOffset('options.offsetIn', options.offsetIn);
    const offsetOut = fileOffset('options.offsetOut', options.offsetOut);
    const flags = integer('options.flags', options.flags ?? 0, 0, U32_MAX);
    integer('length', length, 1, U32_MAX);
    const [fdIn, bitIn] = useFile(core, 'from', from);
    const [fdOut, bitOut] = useFile(core, 'to', to);
    const inFixed = bitIn === 0 ? 0 : constants.SPLICE_F_FD_IN_FIXED;
    fs.splice(core.entry(), fdIn, offsetIn, fdOut, offsetOut, length, (flags | inFixed) >>> 0).flags = bitOut;
  },
);

export const pollAdd = define<[file: File, events: number], PollOptions>(
  'OP_POLL_ADD',
  ['multishot'],
  (core, options, file, events) => {
    const flags = options.multishot ? constants.IORING_POLL_ADD_MULTI : 0;
    integer('events', events, 0, U32_MAX);
    const [fd, bit] = useFile(core, 'file', file);
    wait.pollAdd(core.entry(), fd, events, flags).flags = bit;
  },
);

export const timeout = define<[ms: number], TimeoutOptions>(
  'OP_TIMEOUT',
  ['count', 'flags'],
  (core, options, ms) => {
    if (typeof ms !== 'number' || !(ms >= 0 && ms <= Number.MAX_SAFE_INTEGER / 1e6)) {
      throw wrongValue('ms', 'a number of milliseconds, 0 or more', ms);
    }
    const ns = Math.round(ms * 1e6);
    const time = KernelTimespec.encode({ tvSec: Math.floor(ns / 1e9), tvNsec: ns % 1e9 });
    const count = integer('options.count', options.count ?? 0, 0, U32_MAX);
    const flags = integer('options.flags', options.flags ?? 0, 0, U32_MAX);
    wait.timeout(core.entry(), addressOf('time', time), count, flags);
    return time;
  },
);

export const send = define<[socket: File, memory: Memory], SocketOptions>(
  'OP_SEND',
  ['flags'],
  (core, options, socket, memory) => {
    const flags = integer('options.flags', options.flags ?? 0, 0, U32_MAX);
    const [address, length] = useMemory(core, 'memory', memory);
    const [fd, bit] = useFile(core, 'socket', socket);
    net.send(core.entry(), fd, address, length, flags).flags = bit;
    return heldBy(memory);
  },
);

export const recv = define<[socket: File, memory: Memory | BufferRing], SocketOptions>(
  'OP_RECV',
  ['flags'],
  (core, options, socket, memory) => {
    const flags = integer('options.flags', options.flags ?? 0, 0, U32_MAX);
    const [fd, bit] = useFile(core, 'socket', socket);
    if (memory instanceof BufferRing) {
      const group = memory.use(core);
      const sqe = net.recv(core.entry(), fd, 0, 0, flags);
      sqe.bufIndex = group;
      sqe.flags = bit | constants.IOSQE_BUFFER_SELECT;
      return memory.held;
    }
    const [address, length] = useMemory(core, 'memory', memory);
    net.recv(core.entry(), fd, address, length, flags).flags = bit;
    return heldBy(memory);
  },
);

export const asyncCancel = define<[userData: number], NoOptions>(
  'OP_ASYNC_CANCEL',
  [],
  (core, _options, userData) => {
    integer('userData', userData, 0, Number.MAX_SAFE_INTEGER);
    // no operation of ours has all ones: the kernel then says ENOENT
    const target = core.kernelUserData(userData)[0] ?? 0xffff_ffff_ffff_ffffn;
    control.asyncCancel(core.entry(), Number(target & 0xffff_ffffn), Number(target >> 32n), 0);
  },
);

export const msgRing = define<[target: RingBase | number], MessageOptions>(
  'OP_MSG_RING',
  ['messageData', 'res'],
  (core, options, target) => {
    const data = integer('options.messageData', options.messageData ?? 0, 0, Number.MAX_SAFE_INTEGER);
    const res = integer('options.res', options.res ?? 0, -0x8000_0000, 0x7fff_ffff);
    const fd = descriptor('target', typeof target === 'number' ? target : target.fd);
    control.msgRing(core.entry(), fd, res, data);
  },
);
