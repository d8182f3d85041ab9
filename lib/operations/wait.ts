/** Operations that wait, with checked arguments. */
import {
  integer,
  list,
  oneOf,
  options as record,
  U32_MAX,
  unsigned64,
  wrongType,
  wrongValue,
} from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { FutexWaitv, KernelTimespec } from '../../structs/posix.ts';
import { EPOLL_EVENT_SIZE, encodeEpollEvent, Siginfo } from '../../structs/socket.ts';
import { isInt32Array, isUint32Array, lengthOf } from '../../structs/views.ts';
import * as wait from '../ops/wait.ts';
import type { RingCore } from '../ring/core/core.ts';
import { milliseconds, timespec } from '../ring/core/time.ts';
import { addressInPlace, addressOf, Pinned } from '../sys/memory.ts';
import { define, type Fd, type File, type NoOptions, useFd, useFile } from './kit.ts';

const {
  IORING_FEAT_CQE_SKIP,
  IORING_POLL_ADD_MULTI,
  IORING_TIMEOUT_ABS,
  IORING_TIMEOUT_BOOTTIME,
  IORING_TIMEOUT_ETIME_SUCCESS,
  IORING_TIMEOUT_MULTISHOT,
  IORING_TIMEOUT_REALTIME,
} = constants;

// ---- files --------------------------------------------------------------------------------------------------------------

/** Options of `pollAdd`. */
export interface PollOptions {
  /** Goes on after the first event (5.13). */
  readonly multishot?: boolean;
}

function polling(core: RingCore, file: File, events: number, flags: number): void {
  integer('events', events, 0, U32_MAX);
  const [fd, bit] = useFile(core, 'file', file);
  wait.pollAdd(core.entry(), fd, events, flags).flags = bit;
}

export const pollAdd = define<[file: File, events: number], PollOptions>(
  'OP_POLL_ADD',
  ['multishot'],
  (core, options, file, events) => polling(core, file, events, options.multishot ? IORING_POLL_ADD_MULTI : 0),
);

export const poll = define<[file: File, events: number], NoOptions>(
  'OP_POLL_ADD',
  [],
  (core, _options, file, events) => polling(core, file, events, 0),
);

export const pollMultishot = define<[file: File, events: number], NoOptions>(
  'OP_POLL_ADD',
  [],
  (core, _options, file, events) => polling(core, file, events, IORING_POLL_ADD_MULTI),
);

/** What `epollCtl` does. */
export type EpollAction = 'add' | 'delete' | 'modify';

/** Options of `epollCtl`. */
export interface EpollOptions {
  /** EPOLL* bits: EPOLLIN (1), EPOLLOUT (4). */
  readonly events?: number;
  /** Comes back with each event; 0 when absent. */
  readonly data?: number | bigint;
}

export const epollCtl = define<[epoll: Fd, action: EpollAction, file: Fd], EpollOptions>(
  'OP_EPOLL_CTL',
  ['events', 'data'],
  (core, options, epoll, action, file) => {
    const actions: readonly EpollAction[] = ['add', 'delete', 'modify'];
    const op = actions.indexOf(oneOf('action', action, actions)) + 1;
    const events = integer('options.events', options.events ?? 0, 0, U32_MAX);
    const data = unsigned64('options.data', options.data ?? 0);
    const event = new Pinned(EPOLL_EVENT_SIZE);
    encodeEpollEvent(event.view, events, data);
    const epollFd = useFd('epoll', epoll);
    const fd = useFd('file', file);
    wait.epollCtl(core.entry(), epollFd, op, fd, event.address);
    return event;
  },
);

export const epollWait = define<[epoll: File, room: Pinned], NoOptions>(
  'OP_EPOLL_WAIT',
  [],
  (core, _options, epoll, room) => {
    const [fd, bit] = useFile(core, 'epoll', epoll);
    const count = Math.floor(room.bytes.length / EPOLL_EVENT_SIZE);
    wait.epollWait(core.entry(), fd, room.address, count).flags = bit;
    return room;
  },
);

// ---- time ---------------------------------------------------------------------------------------------------------------

/** Options of `timeout`. */
export interface TimeoutOptions {
  /** Ends early after so many completions. */
  readonly count?: number;
  /** IORING_TIMEOUT_* */
  readonly flags?: number;
}

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

/** A clock: `'monotonic'` stands still while the machine sleeps, `'boottime'` does not, `'realtime'` is that of Date (5.15). */
export type Clock = 'monotonic' | 'boottime' | 'realtime';

/** When a timeout is over: `afterMs` or `atMs`. */
export interface DelayOptions {
  /** So many milliseconds from now. */
  readonly afterMs?: number;
  /** When the clock shows so many milliseconds: `Date.now() + 1000` with the clock `'realtime'`. */
  readonly atMs?: number;
  /** `'monotonic'` when absent. */
  readonly clock?: Clock;
}

const CLOCKS = {
  monotonic: 0,
  boottime: IORING_TIMEOUT_BOOTTIME,
  realtime: IORING_TIMEOUT_REALTIME,
} as const;

function clockFlag(clock: Clock | undefined): number {
  return clock === undefined
    ? 0
    : CLOCKS[oneOf('options.clock', clock, ['monotonic', 'boottime', 'realtime'])];
}

export const delay = define<[], DelayOptions>('OP_TIMEOUT', ['afterMs', 'atMs', 'clock'], (core, options) => {
  const { afterMs, atMs } = options;
  if (afterMs !== undefined && atMs !== undefined)
    throw wrongValue('options.atMs', 'absent beside afterMs', atMs);
  const ms =
    atMs === undefined ? milliseconds('options.afterMs', afterMs) : milliseconds('options.atMs', atMs);
  // 5.16, and 5.17 tells: a link after it starts when the time is over
  const success = (core.features & IORING_FEAT_CQE_SKIP) === 0 ? 0 : IORING_TIMEOUT_ETIME_SUCCESS;
  const flags = clockFlag(options.clock) | (atMs === undefined ? 0 : IORING_TIMEOUT_ABS) | success;
  const time = KernelTimespec.encode(timespec(ms));
  wait.timeout(core.entry(), addressOf('time', time), 0, flags);
  return time;
});

/** Options of `interval`. */
export interface IntervalOptions {
  /** Milliseconds from one time to the next, at least 0.001. */
  readonly everyMs: number;
  /** Ends after so many times; never when absent. */
  readonly times?: number;
  readonly clock?: Clock;
}

/** How many times an interval has to come still; undefined without limit. */
export interface Countdown {
  left: number | undefined;
}

export const interval = define<[countdown: Countdown], IntervalOptions>(
  'OP_TIMEOUT',
  ['everyMs', 'times', 'clock'],
  (core, options, countdown) => {
    const everyMs = milliseconds('options.everyMs', options.everyMs);
    if (everyMs < 0.001) throw wrongValue('options.everyMs', 'at least 0.001', everyMs);
    const { times } = options;
    if (times !== undefined) countdown.left ??= integer('options.times', times, 1, U32_MAX);
    const flags = clockFlag(options.clock) | IORING_TIMEOUT_MULTISHOT;
    const time = KernelTimespec.encode(timespec(everyMs));
    wait.timeout(core.entry(), addressOf('time', time), countdown.left ?? 0, flags);
    return time;
  },
);

// ---- futexes ------------------------------------------------------------------------------------------------------------

/** 32-bit words; over a SharedArrayBuffer where other threads take part. */
export type FutexArray = Int32Array | Uint32Array;

/** Options of futex operations. */
export interface FutexOptions {
  /** Bits of which a waker and a waiter must share one; all when absent. */
  readonly mask?: number;
  /** Also other processes wait on it, in memory that they share. */
  readonly shared?: boolean;
}

/** One futex of `futexWaitv`. */
export interface Futex {
  readonly array: FutexArray;
  /** Which word of it. */
  readonly index: number;
  /** Waits while the word is this. */
  readonly value: number;
  readonly shared?: boolean;
}

const FUTEX2_SIZE_U32 = 2;
const FUTEX2_PRIVATE = 128;
const MAX_FUTEXES = 128;

function futexFlags(shared: boolean | undefined): number {
  return FUTEX2_SIZE_U32 | (shared ? 0 : FUTEX2_PRIVATE);
}

/** The address of a word. */
function wordAddress(name: string, array: FutexArray, index: number): number {
  if (!(isInt32Array(array) || isUint32Array(array))) {
    throw wrongType(name, 'an Int32Array or a Uint32Array', array);
  }
  const address = addressInPlace(name, array);
  return address + 4 * integer('index', index, 0, lengthOf(array) / 4 - 1);
}

/** A word's value, also as the signed number that an Int32Array has. */
function wordValue(name: string, value: number): number {
  return integer(name, value, -0x8000_0000, U32_MAX) >>> 0;
}

export const futexWait = define<[array: FutexArray, index: number, value: number], FutexOptions>(
  'OP_FUTEX_WAIT',
  ['mask', 'shared'],
  (core, options, array, index, value) => {
    const mask = integer('options.mask', options.mask ?? U32_MAX, 1, U32_MAX);
    const flags = futexFlags(options.shared);
    const expected = wordValue('value', value);
    const address = wordAddress('array', array, index);
    wait.futexWait(core.entry(), address, expected, mask, flags);
    return array;
  },
);

export const futexWake = define<[array: FutexArray, index: number, count: number], FutexOptions>(
  'OP_FUTEX_WAKE',
  ['mask', 'shared'],
  (core, options, array, index, count) => {
    const mask = integer('options.mask', options.mask ?? U32_MAX, 1, U32_MAX);
    const flags = futexFlags(options.shared);
    integer('count', count, 0, 0x7fff_ffff);
    const address = wordAddress('array', array, index);
    wait.futexWake(core.entry(), address, count, mask, flags);
    return array;
  },
);

export const futexWaitv = define<[futexes: readonly Futex[]], NoOptions>(
  'OP_FUTEX_WAITV',
  [],
  (core, _options, futexes) => {
    // all are read before the first address is taken: a getter of one could take the memory of another away
    const words = list('futexes', futexes).map((each, i) => {
      record(`futexes[${i}]`, each, ['array', 'index', 'value', 'shared']);
      const { array, index, value, shared } = each;
      return { array, index, val: wordValue(`futexes[${i}].value`, value), flags: futexFlags(shared) };
    });
    integer('futexes.length', words.length, 1, MAX_FUTEXES);
    const room = new Pinned(words.length * FutexWaitv.size);
    const held = words.map(({ array, index, val, flags }, i) => {
      const uaddr = wordAddress(`futexes[${i}].array`, array, index);
      FutexWaitv.encodeInto(room.bytes, { val, uaddr, flags }, i * FutexWaitv.size);
      return array;
    });
    wait.futexWaitv(core.entry(), room.address, words.length);
    return [room, held];
  },
);

// ---- children -----------------------------------------------------------------------------------------------------------

/** Which child: one of these, or `'any'`. */
export type Child = { readonly pid: number } | { readonly group: number } | { readonly pidfd: Fd } | 'any';

/** Options of `waitid`. */
export interface WaitidOptions {
  /** What to wait for; `['exited']` when absent. */
  readonly states?: readonly ChildState[];
  /** Leaves the child to be waited for once more (WNOWAIT): a must for children that Node.js started. */
  readonly keep?: boolean;
}

/** What becomes of a child. */
export type ChildState = 'exited' | 'stopped' | 'continued';

const P_ALL = 0;
const P_PID = 1;
const P_PGID = 2;
const P_PIDFD = 3;
const WNOWAIT = 0x0100_0000;
const STATES = { stopped: 2, exited: 4, continued: 8 } as const;
/** sizeof(siginfo_t) */
const SIGINFO_ROOM = 128;

function childKey(child: Child): [idType: number, id: number] {
  if (child === 'any') return [P_ALL, 0];
  if (typeof child !== 'object' || child === null) {
    throw wrongType('child', "{ pid }, { group }, { pidfd } or 'any'", child);
  }
  record('child', child, ['pid', 'group', 'pidfd']);
  if ('pid' in child) return [P_PID, integer('child.pid', child.pid, 1, 0x7fff_ffff)];
  if ('group' in child) return [P_PGID, integer('child.group', child.group, 1, 0x7fff_ffff)];
  if ('pidfd' in child) return [P_PIDFD, useFd('child.pidfd', child.pidfd)];
  throw wrongType('child', "{ pid }, { group }, { pidfd } or 'any'", child);
}

/** Room for what a waitid tells. */
export function siginfoRoom(): Pinned {
  return new Pinned(SIGINFO_ROOM);
}

export const waitid = define<[child: Child, room: Pinned], WaitidOptions>(
  'OP_WAITID',
  ['states', 'keep'],
  (core, options, child, room) => {
    const states = list('options.states', options.states ?? ['exited']);
    integer('options.states.length', states.length, 1, 3);
    const bits = states.reduce(
      (sum, each) => sum | STATES[oneOf('options.states', each, ['exited', 'stopped', 'continued'])],
      options.keep ? WNOWAIT : 0,
    );
    const [idType, id] = childKey(child);
    wait.waitid(core.entry(), idType, id, room.address, bits);
    return room;
  },
);

/** How a child changed. */
export interface ChildStatus {
  readonly pid: number;
  readonly uid: number;
  /** Which way: `'exited'` by itself, `'killed'` by a signal, `'dumped'` by a signal with a core dump. */
  readonly state: 'exited' | 'killed' | 'dumped' | 'trapped' | 'stopped' | 'continued';
  /** The exit code, where it exited; otherwise the signal's number. */
  readonly status: number;
}

const CLD = ['exited', 'killed', 'dumped', 'trapped', 'stopped', 'continued'] as const;

/** What waitid told. */
export function childStatus(room: Pinned): ChildStatus {
  const { siCode, siPid, siUid, siStatus } = Siginfo.decode(room.bytes);
  return { pid: siPid, uid: siUid, state: CLD[siCode - 1] ?? 'exited', status: siStatus };
}
