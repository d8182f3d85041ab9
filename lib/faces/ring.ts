/** The synchronous ring, for scripts: prepare, submit, reap. */
import {
  boolean,
  options as checkOptions,
  integer,
  U32_MAX,
  wrongType,
  wrongValue,
} from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { GeteventsArg } from '../../structs/setup.ts';
import { UnsupportedError } from '../errors.ts';
import { includes } from '../operations/options.ts';
import { RingBase, type RingBaseOptions } from '../ring/base.ts';
import type { Completion } from '../ring/core/core.ts';
import { enterFailure } from '../ring/core/setup.ts';
import { FOREVER_MS, milliseconds } from '../ring/core/time.ts';
import { BufferRing } from '../ring/owners/buffer-ring.ts';
import { WaitArgument } from '../ring/owners/region.ts';
import { kernelRelease } from '../sys/host.ts';
import { Prepare } from './prepare.ts';

const {
  IORING_CQE_F_BUFFER,
  IORING_ENTER_ABS_TIMER,
  IORING_ENTER_EXT_ARG,
  IORING_ENTER_EXT_ARG_REG,
  IORING_ENTER_GETEVENTS,
  IORING_ENTER_NO_IOWAIT,
  IORING_ENTER_SQ_WAIT,
  IORING_ENTER_SQ_WAKEUP,
  IORING_FEAT_EXT_ARG,
  IORING_FEAT_MIN_TIMEOUT,
  IORING_FEAT_NO_IOWAIT,
  IORING_SETUP_IOPOLL,
  IORING_SETUP_SQPOLL,
} = constants;
const EINTR = 4;
const EAGAIN = 11;
const EBUSY = 16;
const ETIME = 62;
const EBADFD = 77;
/** The size of io_uring_reg_wait, the `argsz` of a wait by a region. */
const REG_WAIT_SIZE = 64;

/** Options of `submit`. */
export interface SubmitOptions {
  /** Waits until so many completions can be reaped; blocks the thread. */
  readonly wait?: number | undefined;
  /** Waits at most so many milliseconds (5.11); reaching it is no error. */
  readonly timeoutMs?: number | undefined;
  /** Waits until this time of the ring's clock, in milliseconds, instead (6.12). */
  readonly deadlineMs?: number | undefined;
  /** After so many microseconds one completion is enough (6.12). */
  readonly minWaitUs?: number | undefined;
  /** Takes the limits from a registered region (6.13). */
  readonly waitArgument?: WaitArgument | undefined;
  /** On an sqPoll ring: waits until the thread has made room in the submission queue (5.10). */
  readonly waitForSpace?: boolean | undefined;
  /** The time of the wait doesn't count as I/O wait of the cpu (ENTER_NO_IOWAIT, 6.15). */
  readonly noIowait?: boolean | undefined;
}

/** The options of a submit, read and checked. */
interface Limits extends SubmitOptions {
  readonly wait: number;
  readonly waitForSpace: boolean;
  readonly noIowait: boolean;
}

const NO_WAIT: Limits = {
  wait: 0,
  timeoutMs: undefined,
  deadlineMs: undefined,
  minWaitUs: undefined,
  waitArgument: undefined,
  waitForSpace: false,
  noIowait: false,
};
const SUBMIT_OPTIONS: readonly string[] = Object.keys(NO_WAIT);

function waitFlagsOf({ noIowait }: Limits): number {
  return noIowait ? IORING_ENTER_NO_IOWAIT : 0;
}

function checkNames(options: SubmitOptions): void {
  let isRight = typeof options === 'object' && options !== null;
  for (const key in options) isRight &&= includes(SUBMIT_OPTIONS, key);
  // it allocates a list, hence only for an error
  if (!isRight) checkOptions('options', options, SUBMIT_OPTIONS);
}

/**
 * A ring for synchronous use. `using ring = new Ring(64)` closes it at the end of the block; without `using` call
 * `close()`.
 */
export class Ring extends RingBase {
  /** Operations: each takes the next free entry. They start at `submit()`. */
  readonly prepare: Prepare;
  #limits = NO_WAIT;

  /** @inheritdoc */
  constructor(entries: number, options?: RingBaseOptions) {
    super(entries, options);
    this.core.hasUserData = true;
    this.prepare = new Prepare(this.core);
  }

  /** Entries that can be prepared before the next submit. */
  get sqSpace(): number {
    this.core.check();
    return this.core.queues.space;
  }

  /** Completions that can be reaped now, without asking the kernel. */
  get ready(): number {
    this.core.check();
    return this.core.ready;
  }

  /**
   * Submits what was prepared, and waits if asked to. A wait ends early when the completion queue is full.
   * @returns entries submitted
   * @throws SyscallError EAGAIN, EBUSY (reap, then submit again: nothing is lost), EBADFD (the ring is disabled)
   * @see io_uring_enter(2)
   */
  submit(options?: SubmitOptions): number {
    const { core } = this;
    core.check();
    const limits = options === undefined ? NO_WAIT : this.#read(options);
    const submitted = core.has(IORING_SETUP_SQPOLL)
      ? this.#wakeThread(limits.waitForSpace)
      : this.#submitAll(this.#waitAtOnce(limits), waitFlagsOf(limits));
    if (core.ready < limits.wait) this.#waitFor(limits);
    return submitted;
  }

  /**
   * Gives every completion that is there to `visit`, in order; allocates nothing for each.
   * @returns how many
   */
  reap(visit: (userData: number | bigint, res: number, flags: number) => void): number {
    const { core } = this;
    core.check();
    if (typeof visit !== 'function') throw wrongType('visit', 'a function', visit);
    core.flush();
    const { queues } = core;
    let count = 0;
    try {
      while (core.take()) {
        count++;
        if ((queues.flags & IORING_CQE_F_BUFFER) !== 0)
          BufferRing.reaped(core.held, undefined, queues.res, queues.flags);
        visit(core.userData, queues.res, queues.flags);
        if (core.isClosed) return count;
      }
    } finally {
      queues.release();
    }
    return count;
  }

  /** The completions that are there, one object each. */
  *completions(): Generator<Completion> {
    const { core } = this;
    core.check();
    core.flush();
    const { queues } = core;
    while (!core.isClosed && core.take()) {
      const completion = core.completion();
      BufferRing.reaped(core.held, completion, completion.res, completion.flags);
      queues.release();
      yield completion;
    }
  }

  /** The options, each read once: a getter may give another value the next time, or close the ring. */
  #read(options: SubmitOptions): Limits {
    checkNames(options);
    const { wait = 0, timeoutMs, deadlineMs, minWaitUs, waitArgument, waitForSpace = false } = options;
    const { noIowait = false } = options;
    this.core.check();
    integer('options.wait', wait, 0, this.core.queues.cqEntries);
    boolean('options.waitForSpace', waitForSpace);
    boolean('options.noIowait', noIowait);
    if ((timeoutMs ?? deadlineMs ?? minWaitUs ?? waitArgument) === undefined && !waitForSpace && !noIowait) {
      return this.#onlyWait(wait);
    }
    if (timeoutMs !== undefined) milliseconds('options.timeoutMs', timeoutMs);
    if (deadlineMs !== undefined) milliseconds('options.deadlineMs', deadlineMs);
    if (minWaitUs !== undefined) integer('options.minWaitUs', minWaitUs, 0, U32_MAX);
    if (timeoutMs !== undefined && deadlineMs !== undefined) {
      throw wrongValue('options.deadlineMs', 'absent beside timeoutMs', deadlineMs);
    }
    if (waitArgument !== undefined && !WaitArgument.is(waitArgument)) {
      throw wrongType('options.waitArgument', 'a WaitArgument: region.at(index)', waitArgument);
    }
    if (waitArgument !== undefined && (timeoutMs ?? deadlineMs ?? minWaitUs) !== undefined) {
      throw wrongValue('options.waitArgument', 'alone: it holds the timeout itself', waitArgument);
    }
    if ((timeoutMs ?? deadlineMs) !== undefined) this.#need(IORING_FEAT_EXT_ARG, 'FEAT_EXT_ARG', '5.11');
    // absolute waits came with minimal ones
    if (deadlineMs !== undefined) this.#need(IORING_FEAT_MIN_TIMEOUT, 'ENTER_ABS_TIMER', '6.12');
    if (minWaitUs !== undefined) this.#need(IORING_FEAT_MIN_TIMEOUT, 'FEAT_MIN_TIMEOUT', '6.12');
    if (noIowait) this.#need(IORING_FEAT_NO_IOWAIT, 'ENTER_NO_IOWAIT', '6.15');
    return { wait, timeoutMs, deadlineMs, minWaitUs, waitArgument, waitForSpace, noIowait };
  }

  /** Consecutive submits mostly wait for the same number: they share one object, so that a submit allocates nothing. */
  #onlyWait(wait: number): Limits {
    if (this.#limits.wait !== wait) this.#limits = { ...NO_WAIT, wait };
    return this.#limits;
  }

  #need(feature: number, need: string, since: string): void {
    if ((this.core.features & feature) === 0)
      throw new UnsupportedError(need, { since, kernel: kernelRelease });
  }

  /** How many completions the call that submits can wait for itself; otherwise waiting takes a call more. */
  #waitAtOnce({ wait, timeoutMs, deadlineMs, minWaitUs, waitArgument }: Limits): number {
    const hasLimit = (timeoutMs ?? deadlineMs ?? minWaitUs ?? waitArgument) !== undefined;
    return hasLimit || !this.core.countsAll ? 0 : wait;
  }

  /**
   * Submits until the queue is empty or the kernel stops; it stops at a bad entry before 5.18 (SETUP_SUBMIT_ALL), and
   * waits only if it did not.
   */
  #submitAll(wait: number, waitFlags: number): number {
    const { core } = this;
    const { queues } = core;
    // in a callback of reap() the kernel would count what was taken already
    if (wait > 0) queues.release();
    let total = 0;
    for (let left = queues.publish(); left > 0; left = queues.unconsumed) {
      const gets = wait > 0 || core.has(IORING_SETUP_IOPOLL) || queues.needsEnter;
      const result = core.enter(left, wait, gets ? IORING_ENTER_GETEVENTS | waitFlags : 0);
      if (result === -EINTR) continue;
      if (result < 0) {
        if (total > 0 && (result === -EAGAIN || result === -EBUSY)) return total;
        throw enterFailure(-result);
      }
      total += result;
      if (result === left || result === 0) return total;
    }
    return total;
  }

  #wakeThread(waitForSpace: boolean): number {
    const { core } = this;
    // without this check no call of ours would fail: the thread of a disabled ring need not ask to be woken
    if (!core.isEnabled) throw enterFailure(EBADFD);
    const { queues } = core;
    const { unpublished } = queues;
    queues.publish();
    if (queues.needsWakeup) this.#callThread(IORING_ENTER_SQ_WAKEUP);
    // what the kernel has to do for this thread otherwise ends a wait early
    while (waitForSpace && queues.space <= 0) this.#callThread(IORING_ENTER_SQ_WAIT);
    return unpublished;
  }

  #callThread(flags: number): void {
    const result = this.core.enter(0, 0, flags);
    if (result < 0 && result !== -EINTR) throw enterFailure(-result);
  }

  /** Waits until so many completions can be reaped, a limit is reached, or the kernel says no. */
  #waitFor(limits: Limits): void {
    const { core } = this;
    const { queues } = core;
    const { wait, timeoutMs } = limits;
    // with the other limits the kernel says the same for "reached" and for "woken", once something is there
    const isOneWait = (limits.deadlineMs ?? limits.minWaitUs ?? limits.waitArgument) !== undefined;
    const end = timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
    for (;;) {
      core.takeTags();
      core.check();
      // in a callback of reap() the kernel would count what was taken already
      queues.release();
      core.flush();
      // read first: a submission thread posts more meanwhile, and counted twice they would be waited for in vain
      const before = queues.ready;
      const missing = wait - core.ready;
      if (missing <= 0 || queues.isOverflowed || before >= queues.cqEntries) return;
      const left = timeoutMs === undefined ? end : end - performance.now();
      const result = this.#enterAndWait(before + missing, limits, Math.max(0, left));
      if (result === -ETIME) return;
      if (result < 0 && result !== -EINTR) throw enterFailure(-result);
      if (left <= 0 || (isOneWait && core.ready > 0)) return;
    }
  }

  #enterAndWait(wait: number, limits: Limits, left: number): number {
    const { core } = this;
    const { timeoutMs, deadlineMs, minWaitUs, waitArgument } = limits;
    const waiting = IORING_ENTER_GETEVENTS | waitFlagsOf(limits);
    if (waitArgument !== undefined) {
      const flags = waiting | IORING_ENTER_EXT_ARG | IORING_ENTER_EXT_ARG_REG;
      return core.enter(0, wait, flags, WaitArgument.use(waitArgument, core), REG_WAIT_SIZE);
    }
    if (timeoutMs === undefined && deadlineMs === undefined && minWaitUs === undefined) {
      return core.enter(0, wait, waiting);
    }
    // without a timeout the kernel takes the minimal time for one
    const limit = deadlineMs ?? Math.min(left, FOREVER_MS);
    const clock = deadlineMs === undefined ? 0 : IORING_ENTER_ABS_TIMER;
    const flags = waiting | IORING_ENTER_EXT_ARG | clock;
    return core.enter(0, wait, flags, core.waitArgument(limit, minWaitUs), GeteventsArg.size);
  }
}
