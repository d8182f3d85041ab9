/** Every io_uring_register(2) goes through here: adds the registered-ring bit, publishes the trace, makes the error. */
import { descriptor, integer, U32_MAX, unsigned64, wrongType } from '../../structs/check.ts';
import type { Input, Output, Struct } from '../../structs/layout.ts';
import type { RegisterRow } from '../../structs/register-ops.ts';
import { bytesOf } from '../../structs/views.ts';
import { RegisterError } from '../errors.ts';
import { Pinned, Scratch, stableView } from '../sys/memory.ts';
import { sys } from '../sys/syscall.ts';
import { tracedRegister, tracingRegister } from '../sys/trace.ts';
import { explain, type Failure, registerError } from './explain.ts';

const USE_REGISTERED_RING = 0x8000_0000;

/**
 * A ring known by its index in the calling thread's table of registered rings (REGISTER_RING_FDS) instead of an fd.
 * Passed as `fd` it sets IORING_REGISTER_USE_REGISTERED_RING on the opcode.
 */
export interface RegisteredRing {
  /** 0..15 */
  readonly registeredIndex: number;
}

/** Which ring: its fd, or its registered index. -1 is the ring-less form of the few opcodes that have one. */
export type RingFd = number | RegisteredRing;

/** An argument in memory of this library: its address, and its bytes for the trace. */
export interface Argument {
  readonly address: number;
  readonly bytes: Uint8Array;
}

type ArgumentMemory = Pick<Failure, 'bytes' | 'pointee'>;

/** The fd, -1, or the registered index by which a call names a ring. Checks it. */
export function fdOf(ring: RingFd, name = 'fd'): number {
  if (typeof ring === 'number') return ring === -1 ? -1 : descriptor(name, ring);
  if (typeof ring !== 'object' || ring === null || !('registeredIndex' in ring)) {
    throw wrongType(name, 'a file descriptor, -1, or a { registeredIndex }', ring);
  }
  return integer(`${name}.registeredIndex`, ring.registeredIndex, 0, 15);
}

/** A ring as the calls of one function name it: read from the caller's argument once. */
export interface CheckedRing {
  /** The fd, -1, or the registered index. */
  readonly fd: number;
  /** IORING_REGISTER_USE_REGISTERED_RING for a registered index, otherwise 0. */
  readonly opcodeBit: number;
}

/** Validates and copies the ring that a caller passed, so that a getter of their object can't change it later. */
export function checkRing(ring: RingFd, name = 'fd'): CheckedRing {
  return { fd: fdOf(ring, name), opcodeBit: typeof ring === 'number' ? 0 : USE_REGISTERED_RING };
}

/** The error of a failed call: UnsupportedError where this kernel lacks the opcode, otherwise RegisterError. */
function failure(code: number, errno: number, fd: number, nrArgs: number, memory: ArgumentMemory): Error {
  const opcode = code & 0x7fff_ffff;
  const isIndex = code >= USE_REGISTERED_RING;
  const failed = { opcode, errno, fd, isIndex, nrArgs, ...memory };
  const { unsupported, hint } = explain(failed);
  return unsupported ?? registerError(failed, hint);
}

/**
 * Issues the opcode of `row`. Returns the kernel's result, or throws.
 * @param pointee what the argument points to (iovecs, a region's description), for the hint of an error
 */
export function call(
  { fd, opcodeBit }: CheckedRing,
  row: RegisterRow,
  arg: Argument | null,
  nrArgs: number,
  pointee?: Argument,
): number {
  const opcode = row.value + opcodeBit;
  const address = arg === null ? 0 : arg.address;
  const result = tracingRegister()
    ? tracedRegister(fd, opcode, arg?.bytes ?? null, nrArgs, () => sys.register(fd, opcode, address, nrArgs))
    : sys.register(fd, opcode, address, nrArgs);
  if (result < 0) throw failure(opcode, -result, fd, nrArgs, { bytes: arg?.bytes, pointee: pointee?.bytes });
  return result;
}

/**
 * For an opcode that updates slots and returns how many it did: `update(from)` issues the call for the slots from
 * `from` on. Fewer than `wanted` is an error, with the number in `done`: the kernel hides the errno of the slot that
 * failed, so it is asked again from there.
 * @param nrArgs of the first call, for the error
 * @returns `wanted`
 */
export function callForAll(nrArgs: number, wanted: number, update: (from: number) => number): number {
  let done = 0;
  let more = 1;
  while (done < wanted && more > 0) {
    try {
      more = update(done);
    } catch (error) {
      throw done > 0 && error instanceof RegisterError ? partial(error, nrArgs, done, wanted) : error;
    }
    done += more;
  }
  return done;
}

function partial(error: RegisterError, nrArgs: number, done: number, wanted: number): RegisterError {
  const { opcode, errno, fd, since, hint } = error;
  const count = `${done} of ${wanted} slots were updated`;
  return new RegisterError(opcode, -errno, {
    fd,
    nrArgs,
    since,
    done,
    hint: hint ? `${count}; ${hint}` : count,
  });
}

/**
 * io_uring_register(2), as it is. For opcodes that uring doesn't know, and for tests of kernels.
 *
 * Safety: what `arg` points to, and whatever the kernel keeps using after the call (registered buffers, buffer
 * rings, regions), is yours to keep alive and in place.
 * @param ring the ring's fd, -1, or `{ registeredIndex }`, which sets IORING_REGISTER_USE_REGISTERED_RING
 * @param opcode 0..2^32-1, also one that is in no table
 * @param arg a view whose first byte the kernel gets, an address, or null
 * @param nrArgs 0..2^32-1; its meaning depends on the opcode
 * @returns the kernel's result, 0 or above
 * @throws RegisterError with the errno; UnsupportedError where the kernel lacks the opcode
 * @since 5.1
 * @see io_uring_register(2)
 */
export function register(
  ring: RingFd,
  opcode: number,
  arg: ArrayBufferView | number | bigint | null = null,
  nrArgs = 0,
): number {
  const { fd, opcodeBit } = checkRing(ring);
  const full = (integer('opcode', opcode, 0, U32_MAX) | opcodeBit) >>> 0;
  integer('nrArgs', nrArgs, 0, U32_MAX);
  const result =
    typeof arg === 'object' && arg !== null
      ? registerView(fd, full, arg, nrArgs)
      : registerAddress(fd, full, arg === null ? 0 : unsigned64('arg', arg), nrArgs);
  if (result < 0)
    throw failure(full, -result, fd, nrArgs, { bytes: ArrayBuffer.isView(arg) ? bytesOf(arg) : null });
  return result;
}

function registerView(fd: number, opcode: number, arg: ArrayBufferView, nrArgs: number): number {
  stableView('arg', arg);
  if (!tracingRegister()) return sys.registerView(fd, opcode, arg, nrArgs);
  return tracedRegister(fd, opcode, bytesOf(arg), nrArgs, () => sys.registerView(fd, opcode, arg, nrArgs));
}

function registerAddress(fd: number, opcode: number, arg: number | bigint, nrArgs: number): number {
  if (!tracingRegister()) return sys.register(fd, opcode, arg, nrArgs);
  return tracedRegister(fd, opcode, null, nrArgs, () => sys.register(fd, opcode, arg, nrArgs));
}

// ---- argument memory ------------------------------------------------------------------------------------------
// The kernel reads an argument only during the call, so one piece of memory serves every call. The rule that follows: read all
// of the caller's objects first, because their getters may make another call; then write the argument; run no code of the
// caller's between writing and the call. Memory is allocated at its first use, because the import must work without koffi.

/** Room for one struct, at an address that stays. */
export class StructArgument<D> implements Argument {
  readonly #struct: Struct<D>;
  #pinned: Pinned | undefined;

  constructor(struct: Struct<D>) {
    this.#struct = struct;
  }

  get address(): number {
    return this.#memory().address;
  }

  get bytes(): Uint8Array {
    return this.#memory().bytes;
  }

  /** Overwrites all of it with `value`; reserved fields become zero. */
  set(value: Input<D>): this {
    this.#struct.encodeInto(this.#memory().bytes, value);
    return this;
  }

  /** What is in it now. */
  get(): Output<D> {
    return this.#struct.decode(this.#memory().bytes);
  }

  #memory(): Pinned {
    this.#pinned ??= new Pinned(this.#struct.size);
    return this.#pinned;
  }
}

/** Room for an array (fds, iovecs, rules), until the next `arrayArgument`. */
export class ArrayArgument implements Argument {
  readonly address: number;
  readonly view: DataView;
  readonly #pinned: Pinned;
  readonly #length: number;

  constructor(pinned: Pinned, length: number) {
    this.#pinned = pinned;
    this.#length = length;
    this.address = pinned.address;
    this.view = pinned.view;
  }

  get bytes(): Uint8Array {
    return this.#pinned.bytes.subarray(0, this.#length);
  }
}

const first = new Scratch();
const second = new Scratch();

/** Room for `count` elements of `size` bytes. What is in it is left over from before. */
export function arrayArgument(count: number, size: number): ArrayArgument {
  return new ArrayArgument(first.reserve(count * size), count * size);
}

/** The argument of an opcode that takes an array of structs; `values` are copies of what the caller gave. */
export function structsArgument<D>(struct: Struct<D>, values: readonly Input<D>[]): ArrayArgument {
  const argument = arrayArgument(values.length, struct.size);
  const { bytes } = argument;
  for (const [i, value] of values.entries()) struct.encodeInto(bytes, value, i * struct.size);
  return argument;
}

/** Room for a second array of u64 beside it: tags. */
export function tagsArgument(count: number): Pinned {
  return second.reserve(count * 8);
}
