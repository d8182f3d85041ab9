/**
 * ring.prepare: operations with checked arguments. Each encoder says what the kernel may touch until the last
 * completion, and the ring holds that.
 */
import { descriptor, integer, oneOf, wrongType, wrongValue } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { KernelTimespec } from '../../structs/posix.ts';
import * as control from '../ops/control.ts';
import * as fs from '../ops/fs.ts';
import * as net from '../ops/net.ts';
import * as rw from '../ops/rw.ts';
import * as wait from '../ops/wait.ts';
import { addressOf, stableView } from '../sys/memory.ts';
import type { RingBase } from './base.ts';
import { BufferRing } from './buffer-ring.ts';
import { RegisteredBuffer } from './buffers.ts';
import type { RingCore } from './core.ts';
import { FixedFile } from './files.ts';
import { Personality } from './personality.ts';

/** An open file: its fd, or a slot of the ring's file table. */
export type File = number | FixedFile;
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

/** Options of reads and writes. */
export interface RwOptions extends OperationOptions {
  /** Where in the file, in bytes; -1, or absent: the current position. */
  readonly offset?: number | bigint;
  /** RWF_* */
  readonly flags?: number;
}

/** Options of sends and receives. */
export interface SocketOptions extends OperationOptions {
  /** MSG_* */
  readonly flags?: number;
}

/** Options of `openat`. */
export interface OpenOptions extends OperationOptions {
  /** O_*, O_RDONLY when absent; O_CLOEXEC is added for an fd. */
  readonly flags?: number;
  /** Permissions of a new file. */
  readonly mode?: number;
  /** The fd of the directory that a relative path starts from, instead of the current one. */
  readonly at?: number;
  /** Into the file table: a slot, or `'alloc'` for a free one, which the completion's res then names. */
  readonly into?: FixedFile | 'alloc';
}

/** Options of `splice`. */
export interface SpliceOptions extends OperationOptions {
  readonly offsetIn?: number;
  readonly offsetOut?: number;
  /** SPLICE_F_* */
  readonly flags?: number;
}

/** Options of `timeout`. */
export interface TimeoutOptions extends OperationOptions {
  /** Ends early after so many completions. */
  readonly count?: number;
  /** IORING_TIMEOUT_* */
  readonly flags?: number;
}

/** Options of `pollAdd`. */
export interface PollOptions extends OperationOptions {
  /** Goes on after the first event (5.13). */
  readonly multishot?: boolean;
}

/** Options of `msgRing`. */
export interface MessageOptions extends OperationOptions {
  /** The userData that the other ring's completion has. */
  readonly messageData?: number;
  /** The res that it has. */
  readonly res?: number;
}

const COMMON = ['userData', 'link', 'hardlink', 'drain', 'async', 'skipSuccess', 'personality'];
const { IOSQE_ASYNC, IOSQE_BUFFER_SELECT, IOSQE_CQE_SKIP_SUCCESS, IOSQE_FIXED_FILE } = constants;
const { IOSQE_IO_DRAIN, IOSQE_IO_HARDLINK, IOSQE_IO_LINK } = constants;
const O_CLOEXEC = 0o2000000;
const AT_FDCWD = -100;
const U32 = 0xffff_ffff;

/** The fd or slot of a file, and IOSQE_FIXED_FILE for a slot. */
function useFile(core: RingCore, name: string, file: File): [fd: number, flags: number] {
  if (file instanceof FixedFile) return [file.use(core), IOSQE_FIXED_FILE];
  if (typeof file !== 'number') throw wrongType(name, 'a file descriptor or a FixedFile', file);
  return [descriptor(name, file), 0];
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
  [plain, fixed]: readonly [typeof rw.read, typeof rw.readFixed],
): unknown {
  const offset = fileOffset('options.offset', options.offset);
  const flags = integer('options.flags', options.flags ?? 0, 0, U32);
  const [address, length] = useMemory(core, 'memory', memory);
  const [fd, bit] = useFile(core, 'file', file);
  const sqe = core.entry();
  if (memory instanceof RegisteredBuffer) fixed(sqe, fd, address, length, offset, memory.index);
  else plain(sqe, fd, address, length, offset);
  sqe.opFlags = flags;
  sqe.flags = bit;
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
function fileIndex(core: RingCore, into: FixedFile | 'alloc' | undefined): number {
  if (into === undefined) return 0;
  if (into instanceof FixedFile) return into.use(core) + 1;
  oneOf('options.into', into, ['alloc']);
  return constants.IORING_FILE_INDEX_ALLOC;
}

/** One operation: how many arguments before its options, which options beside the common ones, how it is encoded. */
interface Operation<A extends readonly unknown[], O> {
  readonly arity: number;
  readonly known: ReadonlySet<string>;
  /** Fills the entry under the cursor; returns what the kernel may touch. */
  encode(core: RingCore, options: O, ...args: A): unknown;
}

function define<A extends readonly unknown[], O extends OperationOptions>(
  arity: A['length'],
  known: readonly string[],
  encode: (core: RingCore, options: O, ...args: A) => unknown,
): Operation<A, O> {
  return { arity, known: new Set([...COMMON, ...known]), encode };
}

/** The operations of ring.prepare. */
const operations = {
  /** Does nothing (OP_NOP, since 5.1). */
  nop: define<[], OperationOptions>(0, [], (core) => {
    control.nop(core.entry());
  }),

  /** Reads into memory; a registered buffer makes it a READ_FIXED (OP_READ, since 5.6). */
  read: define<[file: File, memory: Memory], RwOptions>(
    2,
    ['offset', 'flags'],
    (core, options, file, memory) => transfer(core, file, memory, options, [rw.read, rw.readFixed]),
  ),

  /** Writes from memory; a registered buffer makes it a WRITE_FIXED (OP_WRITE, since 5.6). */
  write: define<[file: File, memory: Memory], RwOptions>(
    2,
    ['offset', 'flags'],
    (core, options, file, memory) => transfer(core, file, memory, options, [rw.write, rw.writeFixed]),
  ),

  /** Reads into a registered buffer (OP_READ_FIXED, since 5.1). */
  readFixed: define<[file: File, buffer: RegisteredBuffer], RwOptions>(
    2,
    ['offset', 'flags'],
    (core, options, file, buffer) =>
      transfer(core, file, registered(buffer), options, [rw.read, rw.readFixed]),
  ),

  /** Writes from a registered buffer (OP_WRITE_FIXED, since 5.1). */
  writeFixed: define<[file: File, buffer: RegisteredBuffer], RwOptions>(
    2,
    ['offset', 'flags'],
    (core, options, file, buffer) =>
      transfer(core, file, registered(buffer), options, [rw.write, rw.writeFixed]),
  ),

  /** Opens a path: the completion's res is an fd, or 0 or a slot with `into` (OP_OPENAT, since 5.6). */
  openat: define<[path: string | Uint8Array], OpenOptions>(
    1,
    ['flags', 'mode', 'at', 'into'],
    (core, options, path) => {
      const { flags = 0, mode = 0, at, into } = options;
      const index = fileIndex(core, into);
      const openFlags = integer('options.flags', flags, 0, U32) | (index === 0 ? O_CLOEXEC : 0);
      integer('options.mode', mode, 0, 0o7777);
      const directory = at === undefined ? AT_FDCWD : descriptor('options.at', at);
      const bytes = pathBytes(path);
      fs.openat(core.entry(), directory, addressOf('path', bytes), openFlags, mode, index);
      return bytes;
    },
  ),

  /** Closes an fd, or empties a slot of the file table (OP_CLOSE, since 5.6; a slot 5.15). */
  close: define<[file: File], OperationOptions>(1, [], (core, _options, file) => {
    const [fd, bit] = useFile(core, 'file', file);
    fs.close(core.entry(), bit === 0 ? fd : 0, bit === 0 ? 0 : fd + 1);
  }),

  /** Flushes a file to its disk (OP_FSYNC, since 5.1). */
  fsync: define<[file: File], OperationOptions & { readonly dataOnly?: boolean }>(
    1,
    ['dataOnly'],
    (core, options, file) => {
      const [fd, bit] = useFile(core, 'file', file);
      const flags = options.dataOnly ? constants.IORING_FSYNC_DATASYNC : 0;
      rw.fsync(core.entry(), fd, flags).flags = bit;
    },
  ),

  /** Moves bytes between a pipe and another file, without copying (OP_SPLICE, since 5.7). */
  splice: define<[from: File, to: File, length: number], SpliceOptions>(
    3,
    ['offsetIn', 'offsetOut', 'flags'],
    (core, options, from, to, length) => {
      const [fdIn, bitIn] = useFile(core, 'from', from);
      const [fdOut, bitOut] = useFile(core, 'to', to);
      const offsetIn = fileOffset('options.offsetIn', options.offsetIn);
      const offsetOut = fileOffset('options.offsetOut', options.offsetOut);
      const flags = integer('options.flags', options.flags ?? 0, 0, U32);
      const inFixed = bitIn === 0 ? 0 : constants.SPLICE_F_FD_IN_FIXED;
      integer('length', length, 1, U32);
      fs.splice(core.entry(), fdIn, offsetIn, fdOut, offsetOut, length, (flags | inFixed) >>> 0).flags =
        bitOut;
    },
  ),

  /** Waits for events of a file (OP_POLL_ADD, since 5.1); `events` are POLL* bits. */
  pollAdd: define<[file: File, events: number], PollOptions>(
    2,
    ['multishot'],
    (core, options, file, events) => {
      const [fd, bit] = useFile(core, 'file', file);
      integer('events', events, 0, U32);
      const flags = options.multishot ? constants.IORING_POLL_ADD_MULTI : 0;
      wait.pollAdd(core.entry(), fd, events, flags).flags = bit;
    },
  ),

  /** Completes with -ETIME after `ms` milliseconds (OP_TIMEOUT, since 5.4). */
  timeout: define<[ms: number], TimeoutOptions>(1, ['count', 'flags'], (core, options, ms) => {
    if (typeof ms !== 'number' || !(ms >= 0 && ms <= Number.MAX_SAFE_INTEGER / 1e6)) {
      throw wrongValue('ms', 'a number of milliseconds, 0 or more', ms);
    }
    const ns = Math.round(ms * 1e6);
    const time = KernelTimespec.encode({ tvSec: Math.floor(ns / 1e9), tvNsec: ns % 1e9 });
    const count = integer('options.count', options.count ?? 0, 0, U32);
    const flags = integer('options.flags', options.flags ?? 0, 0, U32);
    wait.timeout(core.entry(), addressOf('time', time), count, flags);
    return time;
  }),

  /** Sends from memory (OP_SEND, since 5.6). */
  send: define<[socket: File, memory: Memory], SocketOptions>(
    2,
    ['flags'],
    (core, options, socket, memory) => {
      const flags = integer('options.flags', options.flags ?? 0, 0, U32);
      const [fd, bit] = useFile(core, 'socket', socket);
      const [address, length] = useMemory(core, 'memory', memory);
      net.send(core.entry(), fd, address, length, flags).flags = bit;
      return memory instanceof RegisteredBuffer ? memory.bytes : memory;
    },
  ),

  /** Receives into memory, or into a buffer that the kernel picks from a buffer ring (OP_RECV, since 5.6). */
  recv: define<[socket: File, memory: Memory | BufferRing], SocketOptions>(
    2,
    ['flags'],
    (core, options, socket, memory) => {
      const flags = integer('options.flags', options.flags ?? 0, 0, U32);
      const [fd, bit] = useFile(core, 'socket', socket);
      if (memory instanceof BufferRing) {
        const group = memory.use(core);
        const sqe = core.entry();
        net.recv(sqe, fd, 0, 0, flags).bufIndex = group;
        sqe.flags = bit | IOSQE_BUFFER_SELECT;
        return memory.held;
      }
      const [address, length] = useMemory(core, 'memory', memory);
      net.recv(core.entry(), fd, address, length, flags).flags = bit;
      return memory instanceof RegisteredBuffer ? memory.bytes : memory;
    },
  ),

  /** Cancels the operation with this userData (OP_ASYNC_CANCEL, since 5.5). */
  asyncCancel: define<[userData: number], OperationOptions>(1, [], (core, _options, userData) => {
    integer('userData', userData, 0, Number.MAX_SAFE_INTEGER);
    // no operation of ours has all ones: the kernel then says ENOENT
    const target = core.kernelUserData(userData)[0] ?? 0xffff_ffff_ffff_ffffn;
    control.asyncCancel(core.entry(), Number(target & 0xffff_ffffn), Number(target >> 32n), 0);
  }),

  /** Posts a completion on another ring (OP_MSG_RING, since 5.18). */
  msgRing: define<[target: RingBase | number], MessageOptions>(
    1,
    ['messageData', 'res'],
    (core, options, target) => {
      const fd = descriptor('target', typeof target === 'number' ? target : target.fd);
      const data = integer('options.messageData', options.messageData ?? 0, 0, Number.MAX_SAFE_INTEGER);
      const res = integer('options.res', options.res ?? 0, -0x8000_0000, 0x7fff_ffff);
      control.msgRing(core.entry(), fd, res, data);
    },
  ),
};

type Methods<T> = {
  readonly [K in keyof T]: T[K] extends Operation<infer A, infer O>
    ? (...args: [...A, options?: O]) => void
    : never;
};

/** One method for each operation; each takes the next free entry of the submission queue. */
export type Prepare = Methods<typeof operations>;

type Loose = Operation<readonly unknown[], OperationOptions>;

const NO_OPTIONS: OperationOptions = {};

/** The methods of `ring.prepare`. */
export function prepareFor(core: RingCore): Prepare {
  return Object.fromEntries(
    Object.entries(operations).map(([name, operation]) => [name, bind(core, operation as unknown as Loose)]),
  ) as unknown as Prepare;
}

/** Fixed arities, because rest parameters allocate on the hot path. */
function bind(
  core: RingCore,
  operation: Loose,
): (a?: unknown, b?: unknown, c?: unknown, d?: unknown) => void {
  switch (operation.arity) {
    case 0:
      return (options) => put(core, operation, options);
    case 1:
      return (a, options) => put(core, operation, options, a);
    case 2:
      return (a, b, options) => put(core, operation, options, a, b);
    default:
      return (a, b, c, options) => put(core, operation, options, a, b, c);
  }
}

/**
 * All that is a user's is read before `core.entry()` is called: a getter may prepare operations of its own.
 */
function put(core: RingCore, operation: Loose, given: unknown, a?: unknown, b?: unknown, c?: unknown): void {
  core.check();
  const options = (given === undefined ? NO_OPTIONS : checkOptions(operation, given)) as OperationOptions;
  const userData = integer('options.userData', options.userData ?? 0, 0, Number.MAX_SAFE_INTEGER);
  const flags = given === undefined ? 0 : commonFlags(options);
  const personality = options.personality === undefined ? 0 : usePersonality(core, options.personality);
  const held = operation.encode(core, options, a, b, c);
  const { sqe } = core.queues;
  if (flags !== 0) sqe.flags |= flags;
  if (personality !== 0) sqe.personality = personality;
  if ((flags & IOSQE_CQE_SKIP_SUCCESS) === 0) return core.commit(userData, held);
  if (held !== undefined) {
    throw wrongValue('options.skipSuccess', 'absent: only a completion says when the memory is free', true);
  }
  core.commitSkipped(userData);
}

function checkOptions(operation: Loose, given: unknown): unknown {
  if (typeof given !== 'object' || given === null) throw wrongType('options', 'an object', given);
  for (const key in given) {
    if (!operation.known.has(key))
      throw wrongValue(`options.${key}`, `one of ${[...operation.known].join(', ')}`, key);
  }
  return given;
}

function usePersonality(core: RingCore, personality: Personality): number {
  if (personality instanceof Personality) return personality.use(core);
  throw wrongType('options.personality', 'a Personality', personality);
}

function commonFlags(options: OperationOptions): number {
  const { link, hardlink, drain, async, skipSuccess } = options;
  return (
    (link ? IOSQE_IO_LINK : 0) |
    (hardlink ? IOSQE_IO_HARDLINK : 0) |
    (drain ? IOSQE_IO_DRAIN : 0) |
    (async ? IOSQE_ASYNC : 0) |
    (skipSuccess ? IOSQE_CQE_SKIP_SUCCESS : 0)
  );
}
