/** What decoding gives, and how a reader of one format tells it. */
import { errnoName } from '../../../structs/errno.ts';
import { ops } from '../../../structs/ops.ts';
import { type CallSource, describeOpcode, type RegisterCall } from '../call.ts';
import type { SetupCall } from '../trace/records.ts';
import { signed32, unsigned32 } from './numbers.ts';

/** Where a decoded record comes from. */
export type LogSource = Exclude<CallSource, 'kernel'>;

/** What a seccomp filter did with a call. `'KILL'`: the log does not say whether a thread or the process. */
export type SeccompAction =
  | 'KILL_PROCESS'
  | 'KILL_THREAD'
  | 'KILL'
  | 'TRAP'
  | 'ERRNO'
  | 'USER_NOTIF'
  | 'TRACE'
  | 'LOG';

/** A system call of io_uring. */
export type UringSyscall = 'io_uring_setup' | 'io_uring_enter' | 'io_uring_register';

/** In the order of their numbers. */
export const SYSCALLS: readonly UringSyscall[] = ['io_uring_setup', 'io_uring_enter', 'io_uring_register'];

/** The call of this name. */
export function syscallNamed(name: string | undefined): UringSyscall | undefined {
  return SYSCALLS.find((each) => each === name);
}

/** A seccomp filter met a call of io_uring, and the log tells of it. */
export interface SeccompEvent {
  readonly type: 'seccomp';
  readonly source: LogSource;
  /** Nanoseconds since 1970. */
  readonly timeNs: bigint | undefined;
  readonly pid: number | undefined;
  readonly comm: string | undefined;
  readonly syscall: UringSyscall;
  /** Undefined for one that we don't know. */
  readonly action: SeccompAction | undefined;
  /** The signal that it sent: 31 is SIGSYS; 0 for none. */
  readonly signal: number | undefined;
}

/** A call of io_uring_setup(2) in a log. */
export interface LoggedSetup extends SetupCall {
  readonly source: LogSource;
}

/** A call of io_uring_enter(2) in a log. What its source does not tell is undefined. */
export interface LoggedEnter
  extends Pick<
    RegisterCall,
    'timeNs' | 'monoNs' | 'pid' | 'tid' | 'comm' | 'cpu' | 'fd' | 'ret' | 'errno' | 'durationNs' | 'complete'
  > {
  readonly type: 'enter';
  readonly source: LogSource;
  readonly toSubmit: number | undefined;
  readonly minComplete: number | undefined;
  /** IORING_ENTER_*. */
  readonly flags: number | undefined;
}

/** An operation that a ring ran, from a log that names operations: audit's URINGOP, kunai. */
export interface LoggedOperation {
  readonly type: 'operation';
  readonly source: LogSource;
  /** Nanoseconds since 1970. */
  readonly timeNs: bigint | undefined;
  readonly pid: number | undefined;
  readonly comm: string | undefined;
  /** The operation's number. */
  readonly op: number | undefined;
  /** `'OP_READ'`; `'OP_99'` for one that is in no header. */
  readonly opName: string | undefined;
  /** The result, or minus the errno. */
  readonly ret: number | undefined;
  /** The errno's name where the operation failed. */
  readonly errno: string | undefined;
}

/** What the readers of a format find. */
export type Found = RegisterCall | LoggedSetup | LoggedEnter | LoggedOperation | SeccompEvent;

/** What became of a line. A call may take several lines, and a line may end the wait for others. */
export interface Reading {
  /** `used` told of a call; `malformed` should have; `other` is about something else. */
  readonly is: 'used' | 'other' | 'malformed';
  readonly found: readonly Found[];
}

export const OTHER: Reading = { is: 'other', found: [] };
export const MALFORMED: Reading = { is: 'malformed', found: [] };

export function used(...found: readonly Found[]): Reading {
  return { is: 'used', found };
}

/** `reading`, and before it what was found meanwhile. */
export function after(found: readonly Found[], reading: Reading): Reading {
  return found.length === 0 ? reading : { is: reading.is, found: [...found, ...reading.found] };
}

/** Reads lines of one format. */
export interface Reader {
  /**
   * Undefined for a line that is not of this format. One that is and can't be read is MALFORMED, and then nothing that
   * the reader holds has changed: the line may be tried again without its first part.
   */
  read(line: string): Reading | undefined;
  /** The calls whose end did not come. */
  end(): readonly Found[];
}

/** Reads parsed JSON of one tool; undefined for what the tool did not write. */
export type JsonReader = (value: unknown) => Reading | undefined;

type Fields = Omit<RegisterCall, 'type' | 'source'> &
  Pick<SetupCall, 'entries' | 'sqEntries' | 'cqEntries' | 'flags'> &
  Pick<LoggedEnter, 'toSubmit' | 'minComplete'>;

/** What a line tells of a call. */
export type Known = Partial<Fields>;

/** The highest errno: results below minus this are no failures. */
const MAX_ERRNO = 4095;

/** The errno's name of a failed call's result. */
export function errnoOf(ret: number | undefined): string | undefined {
  return ret !== undefined && ret < 0 && ret >= -MAX_ERRNO ? errnoName(-ret) : undefined;
}

/** What every call has. */
function common(source: LogSource, known: Known) {
  const { timeNs, monoNs, pid, tid, comm, cpu, fd, ret, durationNs, complete = true } = known;
  const errno = known.errno ?? errnoOf(ret);
  return { source, timeNs, monoNs, pid, tid, comm, cpu, fd, ret, errno, durationNs, complete };
}

/** A call of io_uring_register(2) of which so much is known. */
export function registerCall(source: LogSource, known: Known): RegisterCall {
  const { opcode, opcodeName, useRegisteredRing, arg, argText, nrArgs, nrArgsIs } = known;
  const { ring, nrUserFiles, nrUserBufs } = known;
  return {
    type: 'register',
    ...common(source, known),
    ...{
      opcode,
      opcodeName,
      useRegisteredRing,
      arg,
      argText,
      nrArgs,
      nrArgsIs,
      ring,
      nrUserFiles,
      nrUserBufs,
    },
  };
}

/** A call of `syscall` of which so much is known. */
export function callOf(syscall: UringSyscall, source: LogSource, known: Known): Found {
  if (syscall === 'io_uring_register') return registerCall(source, known);
  const { flags, entries, sqEntries, cqEntries, ring, toSubmit, minComplete } = known;
  if (syscall === 'io_uring_enter')
    return { type: 'enter', ...common(source, known), toSubmit, minComplete, flags };
  const shared = common(source, known);
  // the new ring's fd is the result
  const fd = shared.fd ?? (shared.ret !== undefined && shared.ret >= 0 ? shared.ret : undefined);
  return { type: 'create', ...shared, fd, entries, sqEntries, cqEntries, flags, ring };
}

/** The arguments of a call as the kernel takes them from registers: of the 32-bit ones the lower half. */
export function argumentsOf(fd: bigint, opcode: bigint, arg: bigint, nrArgs: bigint): Known {
  return {
    fd: signed32(fd),
    ...describeOpcode(unsigned32(opcode)),
    arg: BigInt.asUintN(64, arg),
    nrArgs: unsigned32(nrArgs),
  };
}

/** The arguments of any of the three calls, from the registers in their order; undefined where one is missing. */
export function registersOf(
  syscall: UringSyscall,
  [a0, a1, a2, a3]: readonly (bigint | undefined)[],
): Known | undefined {
  if (syscall === 'io_uring_setup') return a0 === undefined ? undefined : { entries: unsigned32(a0) };
  if (a0 === undefined || a1 === undefined || a2 === undefined || a3 === undefined) return undefined;
  if (syscall === 'io_uring_register') return argumentsOf(a0, a1, a2, a3);
  return { fd: signed32(a0), toSubmit: unsigned32(a1), minComplete: unsigned32(a2), flags: unsigned32(a3) };
}

/** The name of an operation by its number. */
export function operationName(op: number | undefined): string | undefined {
  return op === undefined ? undefined : (ops.find(({ value }) => value === op)?.name ?? `OP_${op}`);
}

/** A call of which more is to come. */
export interface Begun {
  readonly syscall: UringSyscall;
  readonly source: LogSource;
  readonly known: Known;
}

/** A call whose end was not seen, or whose beginning. */
export const incomplete = ({ syscall, source, known }: Begun): Found =>
  callOf(syscall, source, { ...known, complete: false });

/** Calls that wait for their end, by thread; few enough to be held for ever. */
export class Waiting<V> {
  readonly #most: number;
  readonly #weigh: (value: V) => number;
  readonly #held = new Map<number | undefined, V>();
  #weight = 0;

  /** Holds values that weigh `most` together. */
  constructor(most: number, weigh: (value: V) => number) {
    this.#most = most;
    this.#weigh = weigh;
  }

  get size(): number {
    return this.#held.size;
  }

  has(tid: number | undefined): boolean {
    return this.#held.has(tid);
  }

  peek(tid: number | undefined): V | undefined {
    return this.#held.get(tid);
  }

  /** The thread of the only one that waits. */
  onlyKey(): number | undefined {
    const [key] = this.#held.keys();
    return this.size === 1 ? key : undefined;
  }

  take(tid: number | undefined): V | undefined {
    const value = this.#held.get(tid);
    if (value !== undefined && this.#held.delete(tid)) this.#weight -= this.#weigh(value);
    return value;
  }

  /** What has to go for `value`: what this thread had, and the oldest where all is too much. */
  put(tid: number | undefined, value: V): V[] {
    const gone = [this.take(tid)];
    this.#held.set(tid, value);
    this.#weight += this.#weigh(value);
    // many at once: what is taken from the front of a Map is stepped over until it is built anew
    if (this.#weight > this.#most) {
      for (const oldest of this.#held.keys()) {
        if (this.#weight <= this.#most / 2) break;
        gone.push(this.take(oldest));
      }
    }
    return gone.filter((each) => each !== undefined);
  }

  takeAll(): V[] {
    const all = [...this.#held.values()];
    this.#held.clear();
    this.#weight = 0;
    return all;
  }
}

/** So many threads may be in a call at once. */
export const MOST_WAITING = 8192;

/** Calls that have begun, by thread. */
export class OpenCalls extends Waiting<Begun> {
  constructor() {
    super(MOST_WAITING, () => 1);
  }

  /** What has to go for this call. */
  begin(tid: number | undefined, call: Begun): Found[] {
    return this.put(tid, call).map(incomplete);
  }

  /** The call that ends, where its beginning was seen. */
  finish(tid: number | undefined, syscall: UringSyscall): Begun | undefined {
    return this.peek(tid)?.syscall === syscall ? this.take(tid) : undefined;
  }

  end(): Found[] {
    return this.takeAll().map(incomplete);
  }
}
