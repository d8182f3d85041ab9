/** Operations that wait: for files, time, children. */
import {
  copyList,
  integer,
  options as knownOptions,
  oneOf,
  U32_MAX,
  unsigned64,
  wrongType,
  wrongValue,
} from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { KernelTimespec } from '../../structs/posix.ts';
import { EPOLL_EVENT_SIZE, encodeEpollEvent } from '../../structs/socket.ts';
import * as preparers from '../ops/preparers.ts';
import type { RingCore } from '../ring/core/core.ts';
import { milliseconds, timespec } from '../ring/core/time.ts';
import type { HeldView } from '../sys/held.ts';
import { Pinned } from '../sys/memory.ts';
import { type Kind, type NamedType, operation, options } from './declare.ts';
import { pinKeyHigh, pinKeyLow, readKey } from './key.ts';
import * as kinds from './kinds.ts';
import * as pin from './pin.ts';
import * as read from './read.ts';
import type { Child, ChildState } from './types.ts';

const {
  IORING_FEAT_CQE_SKIP,
  IORING_LINK_TIMEOUT_UPDATE,
  IORING_POLL_ADD_LEVEL,
  IORING_POLL_ADD_MULTI,
  IORING_POLL_UPDATE_EVENTS,
  IORING_TIMEOUT_ABS,
  IORING_TIMEOUT_BOOTTIME,
  IORING_TIMEOUT_ETIME_SUCCESS,
  IORING_TIMEOUT_MULTISHOT,
  IORING_TIMEOUT_REALTIME,
} = constants;

// ---- files ------------------------------------------------------------------------------------------------

const events: Kind = {
  ...kinds.u32,
  doc: 'POLL* bits: POLLIN (1), POLLPRI (2), POLLOUT (4), POLLRDHUP (0x2000); POLLERR (8) and POLLHUP (16) come anyway',
};

/** An operation of this ring that was started: the numbers are the halves of its user_data. */
const key: Kind = {
  type: 'OperationKey',
  read: readKey,
  pin: [pinKeyLow, pinKeyHigh],
  doc: 'its userData; on AsyncRing what starting it gave',
};

export const poll = operation({
  isNamed: true,
  op: 'OP_POLL_ADD',
  doc: 'Waits for events of a file.',
  args: { file: kinds.file, events },
  write: (sqe, events) => preparers.pollAdd(sqe, 0, events, 0),
  returns: 'those that came',
  result: 'count',
  errors: { EBADF: 'nobody has this fd' },
  see: 'io_uring_prep_poll_add(3)',
  aliases: ['pollAdd'],
});

export const PollMultishotOptions = options('PollMultishotOptions', 'Options of `pollMultishot`.', {
  level: kinds.flag(
    'Tells as long as the file is ready, not only when something changes (IORING_POLL_ADD_LEVEL, 6.0).',
    IORING_POLL_ADD_LEVEL,
  ),
});

export const pollMultishot = operation({
  isNamed: true,
  op: 'OP_POLL_ADD',
  flag: 'POLL_ADD_MULTI',
  doc: 'Tells events of a file whenever something changes. A file that can not be waited for, as a regular one, is ready always.',
  args: { file: kinds.file, events },
  options: PollMultishotOptions,
  write: (sqe, events, level) => preparers.pollAdd(sqe, 0, events, IORING_POLL_ADD_MULTI | level),
  returns: 'an iterator of the events that came',
  stream: { type: 'number', of: 'events', args: [] },
  errors: { EBADF: 'nobody has this fd' },
});

const NOT_FOUND = {
  ENOENT: 'no such operation is waiting: it was never submitted, or it is over',
  EALREADY: 'it is running already',
};

export const pollUpdate = operation({
  op: 'OP_POLL_REMOVE',
  flag: 'POLL_UPDATE_EVENTS',
  doc: 'Changes the events that a started poll waits for, also one that goes on and on. Linux 6.16 and 6.17 lose the completion of a poll whose new events are there already: it stays until it is removed.',
  args: { started: key, events },
  write: (sqe, low, high, events) =>
    preparers.pollUpdate(sqe, low, high, 0, 0, events, IORING_POLL_UPDATE_EVENTS),
  result: { type: 'void', of: 'pollChanged', args: ['started', 'events'] },
  errors: NOT_FOUND,
});

export const pollRemove = operation({
  op: 'OP_POLL_REMOVE',
  doc: 'Ends a started poll: it completes with ECANCELED.',
  args: { started: key },
  write: preparers.pollRemove,
  result: 'nothing',
  errors: NOT_FOUND,
});

export const EpollAction: NamedType = {
  name: 'EpollAction',
  doc: 'What `epollCtl` does.',
  names: { add: 1, delete: 2, modify: 3 },
};

/** An epoll_event with the options `events` and `data`. */
export function epollEvent(
  name: string,
  { events, data }: { readonly events?: number | undefined; readonly data?: number | bigint | undefined },
): Pinned {
  const bits = read.optional(`${name}.events`, events, 0, U32_MAX, 0);
  const event = new Pinned(EPOLL_EVENT_SIZE);
  encodeEpollEvent(event.view, bits, data === undefined ? 0 : unsigned64(`${name}.data`, data));
  return event;
}

export const EpollOptions = options('EpollOptions', 'Options of `epollCtl`.', {
  events: { type: 'number', doc: 'EPOLL* bits: EPOLLIN (1), EPOLLOUT (4).' },
  data: { type: 'number | bigint', doc: 'Comes back with each event; 0 when absent.' },
});

export const epollCtl = operation({
  op: 'OP_EPOLL_CTL',
  doc: 'Adds a file to an epoll file, changes its events, or takes it out.',
  args: {
    epoll: kinds.fd,
    action: kinds.named(EpollAction),
    file: kinds.fd,
    event: {
      type: 'Pinned',
      read: epollEvent,
      reads: ['options'],
      called: 'options',
      pin: ['address'],
      holds: 'until submitted',
    },
  },
  options: EpollOptions,
  write: preparers.epollCtl,
  result: 'nothing',
  errors: {
    EEXIST: 'the file is in it already',
    ENOENT: 'the file is not in it',
    EPERM: 'such a file can not be waited for, as a regular one',
  },
});

/** How many epoll_event a view has room for. */
export function eventCount(core: RingCore, name: string, what: HeldView): number {
  const bytes = pin.atLeast(name, pin.length(core, name, what), EPOLL_EVENT_SIZE);
  return Math.floor(bytes / EPOLL_EVENT_SIZE);
}

export const epollWait = operation({
  op: 'OP_EPOLL_WAIT',
  doc: 'Waits for events of an epoll file.',
  args: {
    epoll: kinds.file,
    events: { ...kinds.view, pin: [pin.address, eventCount] },
  },
  write: (sqe, events, count) => preparers.epollWait(sqe, 0, events, count),
  params: { events: 'memory for an array of epoll_event: `decodeEpollEvents` of uring/structs reads it' },
  result: { type: 'EpollEvent[]', of: 'epollEvents', args: ['events'] },
  errors: { EINVAL: 'it is no epoll file' },
  byHand: true,
});

// ---- time -------------------------------------------------------------------------------------------------

export const Clock: NamedType = {
  name: 'Clock',
  doc: "A clock: `'monotonic'` stands still while the machine sleeps, `'boottime'` does not, `'realtime'` is that of Date (5.15).",
  names: { monotonic: 0, boottime: IORING_TIMEOUT_BOOTTIME, realtime: IORING_TIMEOUT_REALTIME },
};

const DELAY_FIELDS = {
  afterMs: { type: 'number', doc: 'So many milliseconds from now.' },
  atMs: {
    type: 'number',
    doc: "When the clock shows so many milliseconds: `Date.now() + 1000` with the clock `'realtime'`.",
  },
  clock: { type: 'Clock', doc: "`'monotonic'` when absent." },
};

export const DelayOptions = options(
  'DelayOptions',
  'When a time is over: `afterMs` or `atMs`.',
  DELAY_FIELDS,
);

export const TimeoutOptions = options(
  'TimeoutOptions',
  'Options of `timeout`: `afterMs` or `atMs`.',
  {
    count: kinds.bits('Ends early after so many completions of other operations; never when absent.'),
  },
  DelayOptions,
);

/** A time for the kernel, with the flags that say what it means. */
export interface Delay {
  readonly time: Pinned;
  readonly flags: number;
}

interface DelayGiven {
  readonly afterMs?: number | undefined;
  readonly atMs?: number | undefined;
  readonly clock?: string | undefined;
}

function timeOf(ms: number): Pinned {
  const time = new Pinned(KernelTimespec.size);
  KernelTimespec.encodeInto(time.bytes, timespec(ms));
  return time;
}

/** Reads `afterMs`, `atMs` and `clock`. */
export function delay(name: string, given: DelayGiven): Delay {
  const { afterMs, atMs, clock } = given;
  if (afterMs !== undefined && atMs !== undefined)
    throw wrongValue(`${name}.atMs`, 'absent beside afterMs', atMs);
  const ms =
    atMs === undefined ? milliseconds(`${name}.afterMs`, afterMs) : milliseconds(`${name}.atMs`, atMs);
  const absolute = atMs === undefined ? 0 : IORING_TIMEOUT_ABS;
  return { time: timeOf(ms), flags: absolute | read.optionalNamed(`${name}.clock`, clock, Clock.names, 0) };
}

/** The flags with ETIME_SUCCESS, so that a link after it starts when the time is over: since 5.16, and 5.17 tells. */
export function pinDelayFlags(core: RingCore, _name: string, { flags }: Delay): number {
  return flags | ((core.features & IORING_FEAT_CQE_SKIP) === 0 ? 0 : IORING_TIMEOUT_ETIME_SUCCESS);
}

const delayed: Kind = {
  type: 'Delay',
  read: delay,
  reads: ['options'],
  called: 'options',
  pin: ['time.address', 'flags'],
  holds: 'until submitted',
};

export const timeout = operation({
  isNamed: true,
  op: 'OP_TIMEOUT',
  doc: "Waits until a time is over; the completion's res is -ETIME then.",
  args: { delay: { ...delayed, pin: ['time.address', pinDelayFlags] } },
  options: TimeoutOptions,
  write: (sqe, time, flags, count) => preparers.timeout(sqe, time, count, flags),
  result: { type: 'void', of: 'timeIsOver', args: [] },
});

export const timeoutUpdate = operation({
  op: 'OP_TIMEOUT_REMOVE',
  flag: 'TIMEOUT_UPDATE',
  doc: 'Gives a started timeout another time.',
  args: { started: key, delay: delayed },
  options: DelayOptions,
  write: preparers.timeoutUpdate,
  result: 'nothing',
  errors: NOT_FOUND,
});

export const timeoutRemove = operation({
  op: 'OP_TIMEOUT_REMOVE',
  doc: 'Ends a started timeout: it completes with ECANCELED.',
  args: { started: key },
  write: preparers.timeoutRemove,
  result: 'nothing',
  errors: NOT_FOUND,
});

export const linkTimeout = operation({
  op: 'OP_LINK_TIMEOUT',
  doc: 'Limits the operation before it, which has `link: true`: when the time is over that one is cancelled.',
  args: { delay: delayed },
  options: DelayOptions,
  write: preparers.linkTimeout,
  notIn: { async: 'every operation takes { timeoutMs }' },
});

export const linkTimeoutUpdate = operation({
  op: 'OP_TIMEOUT_REMOVE',
  flag: 'LINK_TIMEOUT_UPDATE',
  doc: 'Gives the limit of a linked operation another time.',
  args: { started: key, delay: delayed },
  options: DelayOptions,
  write: (sqe, low, high, time, flags) =>
    preparers.timeoutUpdate(sqe, low, high, time, flags | IORING_LINK_TIMEOUT_UPDATE),
  params: { started: 'the userData of the linkTimeout' },
  errors: NOT_FOUND,
  see: 'io_uring_prep_timeout_update(3)',
  notIn: { async: 'the limit that { timeoutMs } makes belongs to the ring' },
});

/** How many times an interval has to come still; undefined without limit. */
export class Countdown {
  left: number | undefined;
}

/** A time that comes again and again. */
export interface Interval extends Delay {
  readonly count: number;
}

/** Reads `everyMs`, `times` and `clock`. A request that is armed again goes on with what is left. */
export function everyInterval(
  name: string,
  given: {
    readonly everyMs?: number | undefined;
    readonly times?: number | undefined;
    readonly clock?: string | undefined;
  },
  countdown: Countdown,
): Interval {
  const everyMs = milliseconds(`${name}.everyMs`, given.everyMs);
  if (everyMs < 0.001) throw wrongValue(`${name}.everyMs`, 'at least 0.001', everyMs);
  const { times, clock } = given;
  if (times !== undefined) countdown.left ??= integer(`${name}.times`, times, 1, U32_MAX);
  const flags = IORING_TIMEOUT_MULTISHOT | read.optionalNamed(`${name}.clock`, clock, Clock.names, 0);
  return { time: timeOf(everyMs), flags, count: countdown.left ?? 0 };
}

export const IntervalOptions = options('IntervalOptions', 'Options of `interval`.', {
  everyMs: {
    type: 'number',
    doc: 'Milliseconds from one time to the next, at least 0.001.',
    isRequired: true,
  },
  times: { type: 'number', doc: 'Ends after so many times; never when absent.' },
  clock: { type: 'Clock', doc: "`'monotonic'` when absent." },
});

export const interval = operation({
  isNamed: true,
  op: 'OP_TIMEOUT',
  flag: 'TIMEOUT_MULTISHOT',
  doc: 'Ticks: each time is a completion of its own, -ETIME. Ticks that nobody waited for come one after the other.',
  args: {
    every: {
      type: 'Interval',
      read: everyInterval,
      reads: ['options', 'countdown'],
      called: 'options',
      pin: ['time.address', 'flags', 'count'],
      holds: 'until submitted',
    },
    countdown: { type: 'Countdown', read: read.anything },
  },
  options: IntervalOptions,
  rooms: [{ arg: 'countdown', make: 'countdown', isHidden: true }],
  write: (sqe, time, flags, count) => preparers.timeout(sqe, time, count, flags),
  returns: 'an iterator of 1, 2, 3 ...',
  stream: { type: 'number', of: 'ticks', args: ['countdown'] },
  see: 'io_uring_prep_timeout(3)',
});

// ---- children ---------------------------------------------------------------------------------------------

const P_ALL = 0;
const P_PID = 1;
const P_PGID = 2;
const P_PIDFD = 3;
const WNOWAIT = 0x0100_0000;
const STATES = { stopped: 2, exited: 4, continued: 8 } as const;
/** sizeof(siginfo_t) */
const SIGINFO_SIZE = 128;
const CHILD = "{ pid }, { group }, { pidfd } or 'any'";

/** Which child: idtype_t and id_t of waitid(2). */
export interface ChildKey {
  readonly idType: number;
  readonly id: number;
}

export function childKey(name: string, child: Child): ChildKey {
  if (child === 'any') return { idType: P_ALL, id: 0 };
  if (typeof child !== 'object' || child === null) throw wrongType(name, CHILD, child);
  knownOptions(name, child, ['pid', 'group', 'pidfd']);
  if ('pid' in child) return { idType: P_PID, id: integer(`${name}.pid`, child.pid, 1, 0x7fff_ffff) };
  if ('group' in child) return { idType: P_PGID, id: integer(`${name}.group`, child.group, 1, 0x7fff_ffff) };
  if ('pidfd' in child) return { idType: P_PIDFD, id: read.fd(`${name}.pidfd`, child.pidfd) };
  throw wrongType(name, CHILD, child);
}

/** The W* bits of states. */
export function childStates(name: string, states: readonly ChildState[] | undefined): number {
  if (states === undefined) return STATES.exited;
  const given = copyList(name, states, 1, 3);
  return given.reduce(
    (bits, each) => bits | STATES[oneOf(name, each, ['exited', 'stopped', 'continued'])],
    0,
  );
}

/** Room for a siginfo_t. */
export function siginfoAddress(core: RingCore, name: string, what: HeldView): number {
  pin.atLeast(name, pin.length(core, name, what), SIGINFO_SIZE);
  return pin.address(core, name, what);
}

export const WaitidOptions = options('WaitidOptions', 'Options of `waitid`.', {
  states: {
    type: 'readonly ChildState[]',
    read: childStates,
    doc: "What to wait for; `['exited']` when absent.",
  },
  keep: kinds.flag(
    'Leaves the child to be waited for once more (WNOWAIT): a must for children that Node.js started.',
    WNOWAIT,
  ),
});

export const waitid = operation({
  op: 'OP_WAITID',
  doc: 'Waits for a child process to change. For one that Node.js started give `keep: true`, so that Node.js learns of its end too, and begin to wait before it ends: Node.js takes the end of its children away.',
  args: {
    child: { type: 'Child', read: childKey, pin: ['idType', 'id'] },
    info: { type: 'ArrayBufferView', read: read.view, pin: [siginfoAddress], holds: 'until completed' },
  },
  options: WaitidOptions,
  rooms: [{ arg: 'info', bytes: SIGINFO_SIZE }],
  write: (sqe, idType, id, info, states, keep) => preparers.waitid(sqe, idType, id, info, states | keep),
  params: {
    child: "`{ pid }`, `{ group }`, `{ pidfd }`, or `'any'`",
    info: 'gets a siginfo_t of 128 bytes: `childStatus` of uring reads it',
  },
  result: { type: 'ChildStatus', of: 'childChanged', args: ['info'] },
  errors: { ECHILD: 'there is no such child, or somebody waited for it before' },
});
