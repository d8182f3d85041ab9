/** What decoding gives, and how a reader of one format tells it. */
import { errnoName } from '../../../structs/errno.ts';
import { describeOpcode, type RegisterCall } from '../call.ts';
import { signed32, unsigned32 } from './numbers.ts';

/** What a seccomp filter did with a call. */
export type SeccompAction =
  | 'KILL_PROCESS'
  | 'KILL_THREAD'
  | 'TRAP'
  | 'ERRNO'
  | 'USER_NOTIF'
  | 'TRACE'
  | 'LOG';

/** A seccomp filter met a call of io_uring, and the kernel logged it. */
export interface SeccompEvent {
  readonly type: 'seccomp';
  readonly source: 'audit';
  /** Nanoseconds since 1970. */
  readonly timeNs: bigint | undefined;
  readonly pid: number | undefined;
  readonly comm: string | undefined;
  readonly syscall: 'io_uring_setup' | 'io_uring_enter' | 'io_uring_register';
  /** Undefined for one that we don't know. */
  readonly action: SeccompAction | undefined;
  /** The signal that it sent: 31 is SIGSYS; 0 for none. */
  readonly signal: number | undefined;
}

/** What the readers of a format find. */
export type Found = RegisterCall | SeccompEvent;

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
  return { is: reading.is, found: [...found, ...reading.found] };
}

/** Reads lines of one format. */
export interface Reader {
  /** Undefined for a line that is not of this format. */
  read(line: string): Reading | undefined;
  /** The calls whose end did not come. */
  end(): readonly Found[];
}

type Fields = Omit<RegisterCall, 'type' | 'source'>;

/** What a line tells of a call. */
export type Known = Partial<Fields>;

const NOTHING: Fields = {
  timeNs: undefined,
  monoNs: undefined,
  pid: undefined,
  tid: undefined,
  comm: undefined,
  cpu: undefined,
  fd: undefined,
  opcode: undefined,
  opcodeName: undefined,
  useRegisteredRing: undefined,
  arg: undefined,
  argText: undefined,
  nrArgs: undefined,
  nrArgsIs: undefined,
  ret: undefined,
  errno: undefined,
  durationNs: undefined,
  ring: undefined,
  nrUserFiles: undefined,
  nrUserBufs: undefined,
  complete: true,
};

/** The highest errno: results below minus this are no failures. */
const MAX_ERRNO = 4095;

/** A call of which so much is known. */
export function registerCall(source: RegisterCall['source'], known: Known): RegisterCall {
  const { ret } = known;
  const isFailure = ret !== undefined && ret < 0 && ret >= -MAX_ERRNO;
  const errno = isFailure ? errnoName(-ret) : undefined;
  return { type: 'register', source, ...NOTHING, errno, ...known };
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

  /** The only one that waits, whichever thread it is. */
  takeOnly(): V | undefined {
    return this.size === 1 ? this.takeAll()[0] : undefined;
  }
}
