/**
 * Publishes what uring did: `node:diagnostics_channel` carries `uring:setup`, `uring:register`, `uring:operation` and
 * `uring:close`. Without a subscriber nothing is built.
 */
import { channel } from 'node:diagnostics_channel';
import { errnoName } from '../../structs/errno.ts';
import { decodeArgument, type RegisterRow, registerOpName, registerOps } from '../../structs/register-ops.ts';
import { sys } from './syscall.ts';

const setupChannel = channel('uring:setup');
const registerChannel = channel('uring:register');
const operationChannel = channel('uring:operation');
const closeChannel = channel('uring:close');

/** What every message has. */
interface Call {
  /** Counts the messages of this process, in order. */
  readonly seq: number;
  /** Which ring, counted from 1 in this thread; null where the fd belongs to no ring of ours. */
  readonly ring: number | null;
  readonly fd: number;
  /** What the call returned, or minus the errno. */
  readonly result: number;
  /** The positive errno, 0 on success. */
  readonly errno: number;
  /** The errno's name, null on success. */
  readonly code: string | null;
  /** `process.hrtime.bigint()` right before the call. */
  readonly startNs: bigint;
  readonly durationNs: bigint;
  /** The kernel's id of the calling thread. */
  readonly tid: number;
}

/** A message on `uring:setup`: io_uring_setup(2). */
export interface SetupMessage extends Call {
  readonly entries: number;
  /** The bytes of io_uring_params after the call. */
  readonly params: Uint8Array;
}

/** A message on `uring:register`: io_uring_register(2). */
export interface RegisterMessage extends Call {
  /** The opcode without IORING_REGISTER_USE_REGISTERED_RING. */
  readonly opcode: number;
  /** `'REGISTER_BUFFERS'`, or `'OP_99'` for an unknown one. */
  readonly opcodeName: string;
  /** The bits beside the opcode: 0x80000000 where `fd` is a registered index. */
  readonly flags: number;
  readonly nrArgs: number;
  /** The argument before the call, decoded by the opcode's struct; null where there is none or it isn't known. */
  readonly arg: unknown;
  /** A copy of the argument's bytes before the call. */
  readonly argRaw: Uint8Array | null;
  /** The argument after the call, where the kernel writes into it; otherwise null. */
  readonly argOut: unknown;
}

/** A message on `uring:operation`: an operation of AsyncRing has completed; `fd` is the ring's. */
export interface OperationMessage extends Call {
  /** `'OP_READ'` */
  readonly op: string;
  /** IORING_CQE_F_*: of the completion. */
  readonly flags: number;
  /** false: this request has more to come, as a multishot one. `startNs` is when the request was made all the same. */
  readonly isLast: boolean;
}

/** A message on `uring:close`. */
export type CloseMessage = Pick<Call, 'seq' | 'ring' | 'fd' | 'tid'>;

let seq = 0;
let rings = 0;
let publishing = false;
/** Our rings by fd. An fd that was closed elsewhere and reused is simply overwritten. */
const byFd = new Map<number, number>();
/** Our rings by registered index. */
const byIndex = new Map<number, number>();

/** Calls that a subscriber makes inside of its callback are not published: that would never end. */
function publish(to: typeof setupChannel, message: object): void {
  publishing = true;
  try {
    to.publish(Object.freeze(message));
  } finally {
    publishing = false;
  }
}

function outcome(result: number, startNs: bigint, fd: number, ring: number | undefined): Call {
  const errno = result < 0 ? -result : 0;
  return {
    seq: ++seq,
    ring: ring ?? null,
    fd,
    result,
    errno,
    code: errno === 0 ? null : errnoName(errno),
    startNs,
    durationNs: process.hrtime.bigint() - startNs,
    tid: sys.gettid(),
  };
}

/** io_uring_setup(2), published on `uring:setup`. */
export function tracedSetup(entries: number, params: Uint8Array, isIndexOnly: boolean): number {
  const isPublished = setupChannel.hasSubscribers && !publishing;
  const startNs = isPublished ? process.hrtime.bigint() : 0n;
  const fd = sys.setup(entries, params);
  const names = isIndexOnly ? byIndex : byFd;
  if (fd >= 0) names.set(fd, ++rings);
  if (isPublished) {
    publish(setupChannel, { ...outcome(fd, startNs, fd, names.get(fd)), entries, params: params.slice() });
  }
  return fd;
}

/** The ring with this fd has an index too. */
export function nameIndex(fd: number, index: number): void {
  const ring = byFd.get(fd);
  if (ring !== undefined) byIndex.set(index, ring);
}

/** The ring lost this index; published on `uring:close` if neither an fd nor another index is left. */
export function forgetIndex(index: number): void {
  forget(byIndex, index);
}

/** close(2) of a ring; published on `uring:close` if no registered index is left. */
export function tracedClose(fd: number): number {
  const result = sys.close(fd);
  forget(byFd, fd);
  return result;
}

function forget(names: Map<number, number>, fd: number): void {
  const ring = names.get(fd);
  if (ring === undefined) return;
  names.delete(fd);
  if (!closeChannel.hasSubscribers || publishing) return;
  if ([...byFd.values(), ...byIndex.values()].includes(ring)) return;
  publish(closeChannel, { seq: ++seq, ring, fd, tid: sys.gettid() });
}

/** Is anybody listening to operations? */
export function tracingOperations(): boolean {
  return operationChannel.hasSubscribers && !publishing;
}

/** A completion, published on `uring:operation`. */
export function tracedOperation(
  fd: number,
  op: string,
  result: number,
  flags: number,
  startNs: bigint,
  isLast: boolean,
): void {
  publish(operationChannel, { ...outcome(result, startNs, fd, byFd.get(fd)), op, flags, isLast });
}

/** Is anybody listening to register calls? */
export function tracingRegister(): boolean {
  return registerChannel.hasSubscribers && !publishing;
}

/**
 * io_uring_register(2), published on `uring:register`.
 * @param bytes the argument's memory, where it is known; it is copied before the call
 */
export function tracedRegister(
  fd: number,
  opcode: number,
  bytes: Uint8Array | null,
  nrArgs: number,
  call: () => number,
): number {
  const before = bytes === null ? null : bytes.slice();
  const startNs = process.hrtime.bigint();
  const result = call();
  const plain = opcode & 0x7fff_ffff;
  const names = plain === opcode ? byFd : byIndex;
  const common = outcome(result, startNs, fd, names.get(fd));
  const row: RegisterRow | undefined = registerOps[plain];
  const after =
    bytes !== null && row !== undefined && row.arg.is !== 'none' && row.arg.out ? bytes.slice() : null;
  publish(registerChannel, {
    ...common,
    opcode: plain,
    opcodeName: registerOpName(plain) ?? `OP_${plain}`,
    flags: (opcode & 0x8000_0000) >>> 0,
    nrArgs,
    argRaw: before,
    get arg() {
      return before === null || row === undefined ? null : decodeArgument(row, before, fd);
    },
    get argOut() {
      return after === null || row === undefined ? null : decodeArgument(row, after, fd);
    },
  });
  // a subscriber that makes calls itself may have used the same memory, and the caller reads the answer only now
  if (after !== null) bytes?.set(after);
  return result;
}
