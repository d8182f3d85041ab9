/** ring.prepare: one method for each operation. */
import { integer, wrongType, wrongValue } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import type { RingBase } from './base.ts';
import type { BufferRing } from './buffer-ring.ts';
import type { RegisteredBuffer } from './buffers.ts';
import type { RingCore } from './core.ts';
import type {
  File,
  FsyncOptions,
  Memory,
  MessageOptions,
  OpenOptions,
  Operation,
  OperationOptions,
  PollOptions,
  RwOptions,
  SocketOptions,
  SpliceOptions,
  TimeoutOptions,
} from './operations/index.ts';
import * as operations from './operations/index.ts';
import { Personality } from './personality.ts';

const { IOSQE_ASYNC, IOSQE_CQE_SKIP_SUCCESS, IOSQE_IO_DRAIN, IOSQE_IO_HARDLINK, IOSQE_IO_LINK } = constants;

const COMMON: ReadonlySet<string> = new Set([
  'userData',
  'link',
  'hardlink',
  'drain',
  'async',
  'skipSuccess',
  'personality',
]);

/**
 * Prepares operations: each method takes the next free entry of the submission queue, and the ring holds what the
 * kernel may touch until the last completion. Nothing starts before `submit()`.
 *
 * Every method throws QueueFullError when no entry is free, ClosedError after close, and TypeError or RangeError for
 * a wrong argument; then no entry is taken.
 */
export class Prepare {
  readonly #core: RingCore;

  /** @internal */
  constructor(core: RingCore) {
    this.#core = core;
  }

  /** Does nothing (OP_NOP, since 5.1). */
  nop(options?: OperationOptions): void {
    put0(this.#core, operations.nop, options);
  }

  /** Reads into memory; a registered buffer makes it a READ_FIXED (OP_READ, since 5.6). */
  read(file: File, memory: Memory, options?: RwOptions & OperationOptions): void {
    put2(this.#core, operations.read, options, file, memory);
  }

  /** Writes from memory; a registered buffer makes it a WRITE_FIXED (OP_WRITE, since 5.6). */
  write(file: File, memory: Memory, options?: RwOptions & OperationOptions): void {
    put2(this.#core, operations.write, options, file, memory);
  }

  /** Reads into a registered buffer (OP_READ_FIXED, since 5.1). */
  readFixed(file: File, buffer: RegisteredBuffer, options?: RwOptions & OperationOptions): void {
    put2(this.#core, operations.readFixed, options, file, buffer);
  }

  /** Writes from a registered buffer (OP_WRITE_FIXED, since 5.1). */
  writeFixed(file: File, buffer: RegisteredBuffer, options?: RwOptions & OperationOptions): void {
    put2(this.#core, operations.writeFixed, options, file, buffer);
  }

  /** Flushes a file to its disk (OP_FSYNC, since 5.1). */
  fsync(file: File, options?: FsyncOptions & OperationOptions): void {
    put1(this.#core, operations.fsync, options, file);
  }

  /** Opens a path: the completion's res is an fd, or with `into` 0 or the slot (OP_OPENAT, since 5.6). */
  openat(path: string | Uint8Array, options?: OpenOptions & OperationOptions): void {
    put1(this.#core, operations.openat, options, path);
  }

  /** Closes an fd, or empties a slot of the file table (OP_CLOSE, since 5.6; a slot 5.15). */
  close(file: File, options?: OperationOptions): void {
    put1(this.#core, operations.close, options, file);
  }

  /** Moves bytes between a pipe and another file, without copying (OP_SPLICE, since 5.7). */
  splice(from: File, to: File, length: number, options?: SpliceOptions & OperationOptions): void {
    put3(this.#core, operations.splice, options, from, to, length);
  }

  /** Waits for events of a file, POLL* bits (OP_POLL_ADD, since 5.1). */
  pollAdd(file: File, events: number, options?: PollOptions & OperationOptions): void {
    put2(this.#core, operations.pollAdd, options, file, events);
  }

  /** Completes with -ETIME after `ms` milliseconds (OP_TIMEOUT, since 5.4). */
  timeout(ms: number, options?: TimeoutOptions & OperationOptions): void {
    put1(this.#core, operations.timeout, options, ms);
  }

  /** Sends from memory (OP_SEND, since 5.6). */
  send(socket: File, memory: Memory, options?: SocketOptions & OperationOptions): void {
    put2(this.#core, operations.send, options, socket, memory);
  }

  /** Receives into memory, or into a buffer that the kernel picks from a buffer ring (OP_RECV, since 5.6). */
  recv(socket: File, memory: Memory | BufferRing, options?: SocketOptions & OperationOptions): void {
    put2(this.#core, operations.recv, options, socket, memory);
  }

  /** Cancels an operation with this userData (OP_ASYNC_CANCEL, since 5.5). */
  asyncCancel(userData: number, options?: OperationOptions): void {
    put1(this.#core, operations.asyncCancel, options, userData);
  }

  /** Posts a completion on another ring (OP_MSG_RING, since 5.18). */
  msgRing(target: RingBase | number, options?: MessageOptions & OperationOptions): void {
    put1(this.#core, operations.msgRing, options, target);
  }
}

// fixed arities, because rest parameters allocate on the hot path

function put0<O extends object>(
  core: RingCore,
  operation: Operation<[], O>,
  given: (O & OperationOptions) | undefined,
): void {
  const options = check(core, operation, given);
  const bits = commonBits(core, given);
  const userData = userDataOf(given);
  finish(core, userData, bits, operation.encode(core, options));
}

function put1<A, O extends object>(
  core: RingCore,
  operation: Operation<[A], O>,
  given: (O & OperationOptions) | undefined,
  a: A,
): void {
  const options = check(core, operation, given);
  const bits = commonBits(core, given);
  const userData = userDataOf(given);
  finish(core, userData, bits, operation.encode(core, options, a));
}

function put2<A, B, O extends object>(
  core: RingCore,
  operation: Operation<[A, B], O>,
  given: (O & OperationOptions) | undefined,
  a: A,
  b: B,
): void {
  const options = check(core, operation, given);
  const bits = commonBits(core, given);
  const userData = userDataOf(given);
  finish(core, userData, bits, operation.encode(core, options, a, b));
}

function put3<A, B, C, O extends object>(
  core: RingCore,
  operation: Operation<[A, B, C], O>,
  given: (O & OperationOptions) | undefined,
  a: A,
  b: B,
  c: C,
): void {
  const options = check(core, operation, given);
  const bits = commonBits(core, given);
  const userData = userDataOf(given);
  finish(core, userData, bits, operation.encode(core, options, a, b, c));
}

function check<A extends readonly unknown[], O extends object>(
  core: RingCore,
  operation: Operation<A, O>,
  given: (O & OperationOptions) | undefined,
): O {
  core.check();
  if (given === undefined) return operation.defaults;
  if (typeof given !== 'object' || given === null) throw wrongType('options', 'an object', given);
  for (const key in given) {
    if (!COMMON.has(key) && !operation.known.has(key)) {
      throw wrongValue(`options.${key}`, `one of ${[...COMMON, ...operation.known].join(', ')}`, key);
    }
  }
  return given;
}

function userDataOf(options: OperationOptions | undefined): number {
  const userData = options?.userData;
  return userData === undefined ? 0 : integer('options.userData', userData, 0, Number.MAX_SAFE_INTEGER);
}

/** IOSQE_* bits, and above them the personality. */
function commonBits(core: RingCore, options: OperationOptions | undefined): number {
  if (options === undefined) return 0;
  const { link, hardlink, drain, async, skipSuccess, personality } = options;
  return (
    (link ? IOSQE_IO_LINK : 0) |
    (hardlink ? IOSQE_IO_HARDLINK : 0) |
    (drain ? IOSQE_IO_DRAIN : 0) |
    (async ? IOSQE_ASYNC : 0) |
    (skipSuccess ? IOSQE_CQE_SKIP_SUCCESS : 0) |
    (personality === undefined ? 0 : usePersonality(core, personality) << 8)
  );
}

function usePersonality(core: RingCore, personality: Personality): number {
  if (personality instanceof Personality) return personality.use(core);
  throw wrongType('options.personality', 'a Personality', personality);
}

/** The entry is filled: adds the common options and counts it. An entry that is not counted is simply overwritten. */
function finish(core: RingCore, userData: number, bits: number, held: unknown): void {
  const { sqe } = core.queues;
  if (bits !== 0) {
    sqe.flags |= bits & 0xff;
    sqe.personality = bits >>> 8;
  }
  if ((bits & IOSQE_CQE_SKIP_SUCCESS) === 0) {
    core.commit(userData, held);
    return;
  }
  if (held !== undefined) {
    throw wrongValue('options.skipSuccess', 'absent: only a completion says when the memory is free', true);
  }
  core.commitSkipped(userData);
}
