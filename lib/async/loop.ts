/**
 * A ring in Node's event loop. Entries are submitted and completions taken in the check phase (setImmediate), so that
 * timers and other I/O never starve, and promises continue in a proper callback scope; the poll callback only sets
 * that up. See CONTRIBUTING, "The event loop".
 */
import { constants } from '../../structs/flags.ts';
import { KernelTimespec } from '../../structs/posix.ts';
import { AbortError, ClosedError, SyscallError } from '../errors.ts';
import * as control from '../ops/control.ts';
import * as wait from '../ops/wait.ts';
import { registerEventfd } from '../register/notify.ts';
import type { RingCore } from '../ring/core.ts';
import { timespec } from '../ring/time.ts';
import { addressOf } from '../sys/memory.ts';
import { FdPoll } from '../sys/poll.ts';
import { sys } from '../sys/syscall.ts';
import { Flight } from './flight.ts';

const {
  IORING_CQE_F_MORE,
  IORING_ENTER_GETEVENTS,
  IORING_ENTER_SQ_WAKEUP,
  IORING_SETUP_DEFER_TASKRUN,
  IORING_SETUP_IOPOLL,
  IORING_SETUP_SQPOLL,
  IOSQE_IO_LINK,
} = constants;
const EINTR = 4;
const EAGAIN = 11;
const EBUSY = 16;
/** Completions that one turn settles before it lets others run. */
const BUDGET = 4096;

/** How an operation becomes an entry: fills it and says what the kernel may touch. */
export type Encode = () => unknown;

/** An operation on its way to the queue. */
export interface Departure {
  readonly flight: Flight;
  readonly encode: Encode;
  /** IOSQE_* bits and, above them, the personality. */
  readonly bits: number;
  /** A linked timeout. */
  readonly timeoutMs?: number | undefined;
}

/** Rings with operations in flight: they must not be collected while somebody awaits a promise of theirs. */
const busy = new Set<object>();

export class Loop {
  readonly #core: RingCore;
  readonly #owner: WeakRef<object>;
  readonly #poll: FdPoll;
  readonly #eventfd: number;
  readonly #count = new BigUint64Array(1);
  /** Groups of operations that found no room, in order. */
  #waiting: (readonly Departure[])[] = [];
  /** Where the first of them stands; those before it have gone. */
  #head = 0;
  #cancels: Flight[] = [];
  #isScheduled = false;
  #isPlacing = false;
  #isBusy = false;
  #isUnrefed = false;

  /** @param owner what is kept alive while operations are in flight */
  constructor(core: RingCore, owner: object) {
    this.#core = core;
    this.#owner = new WeakRef(owner);
    this.#eventfd = core.has(IORING_SETUP_DEFER_TASKRUN) ? ownEventfd(core) : -1;
    this.#poll = new FdPoll(this.#eventfd < 0 ? core.fd : this.#eventfd, () => this.#schedule());
    core.onLast = (held, res, flags) => {
      if (held instanceof Flight) held.discard(res, flags);
    };
    core.onClose(() => {
      this.#poll.close();
      if (this.#eventfd >= 0) sys.close(this.#eventfd);
    });
  }

  /** Operations that were started and have not ended. */
  get pending(): number {
    const waiting = this.#waiting.slice(this.#head);
    return this.#core.flights.active + waiting.reduce((sum, group) => sum + group.length, 0);
  }

  get #isIdle(): boolean {
    return this.#core.flights.active === 0 && this.#head === this.#waiting.length;
  }

  /** Goes on after the ring was enabled. */
  resume(): void {
    this.#schedule();
  }

  /** Starts operations one right after the other, as links need it. */
  start(group: readonly Departure[]): void {
    // a getter among the arguments may start operations: they don't come between those of a chain
    if (this.#isPlacing) this.#waiting.push(group);
    else if (!this.#tryPlace(group)) {
      this.#flush();
      if (!this.#tryPlace(group)) this.#waiting.push(group);
    }
    this.#schedule();
    this.#hold();
  }

  /** Asks the kernel to cancel an operation; one that has no entry yet fails at once. */
  cancel(flight: Flight, reason: unknown): void {
    if (flight.abortReason !== undefined) return;
    flight.abortReason = { reason };
    if (flight.slot === undefined) this.#forget(flight, new AbortError(reason));
    else this.#cancels.push(flight);
    this.#schedule();
  }

  /** Asks the kernel to stop an operation of which nobody wants to hear AbortError. */
  stop(flight: Flight): void {
    if (flight.slot === undefined) this.#forget(flight, new AbortError());
    else this.#cancels.push(flight);
    this.#schedule();
  }

  /** Fails everything that is on its way; for close. */
  close(): void {
    const flights = this.#core.flights.everything();
    const waiting = this.#waiting.slice(this.#head).flat();
    this.#waiting = [];
    this.#head = 0;
    this.#cancels = [];
    this.#core.close();
    for (const each of [...flights, ...waiting])
      if (each instanceof Flight) each.fail(new ClosedError('the ring'));
    this.#release();
  }

  /** Lets the process end although operations are in flight. */
  unref(): void {
    this.#isUnrefed = true;
    this.#poll.unref();
  }

  /** Holds the process again while operations are in flight, as at first. */
  ref(): void {
    this.#isUnrefed = false;
    if (this.#isBusy) this.#poll.ref();
  }

  // ---- to the kernel -------------------------------------------------------------------------------------------

  /** As `#place`, but nobody overtakes those who wait. */
  #tryPlace(group: readonly Departure[]): boolean {
    return this.#head === this.#waiting.length && this.#place(group);
  }

  /** Makes the entries of a group if there is room for all of them. With a wrong argument none of them starts. */
  #place(group: readonly Departure[]): boolean {
    const { queues } = this.#core;
    const needed = group.reduce((sum, { timeoutMs }) => sum + (timeoutMs === undefined ? 1 : 2), 0);
    if (needed > queues.space) return false;
    const before = queues.unpublished;
    this.#isPlacing = true;
    try {
      for (const each of group) this.#enter(each);
    } catch (error) {
      queues.rewind(queues.unpublished - before);
      for (const { flight } of group) this.#refuse(flight, error);
    } finally {
      this.#isPlacing = false;
    }
    return true;
  }

  #refuse(flight: Flight, error: unknown): void {
    if (flight.slot !== undefined) this.#core.flights.remove(flight.slot);
    flight.slot = undefined;
    flight.fail(error);
  }

  /** Makes one entry; throws for a wrong argument. */
  #enter({ flight, encode, bits, timeoutMs }: Departure): void {
    const core = this.#core;
    flight.memory = encode();
    const { sqe } = core.queues;
    const link = timeoutMs === undefined ? 0 : IOSQE_IO_LINK;
    if ((bits | link) !== 0) {
      sqe.flags |= (bits & 0xff) | link;
      sqe.personality = bits >>> 8;
    }
    flight.slot = core.commit(0, flight);
    if (timeoutMs !== undefined) this.#limit(flight, timeoutMs, bits);
  }

  /** The entry after `flight`'s cancels it after a while. */
  #limit(flight: Flight, timeoutMs: number, bits: number): void {
    const core = this.#core;
    const time = KernelTimespec.encode(timespec(timeoutMs));
    flight.memory = [flight.memory, time];
    flight.isTimed = true;
    const sqe = wait.linkTimeout(core.entry(), addressOf('time', time), 0);
    sqe.flags |= bits & IOSQE_IO_LINK;
    core.commitSkipped(0);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    this.#isScheduled = false;
    if (this.#core.isClosed) return;
    // cancellations follow what they cancel, in the same submission
    this.#cancelAll();
    this.#flush();
    try {
      this.#drain();
    } finally {
      if (!this.#core.isClosed) this.#afterwards();
    }
  };

  #afterwards(): void {
    this.#admit();
    if (this.#core.queues.unconsumed > 0 || this.#cancels.length > 0 || this.#core.queues.ready > 0)
      this.#schedule();
    if (this.#isIdle) this.#release();
  }

  #cancelAll(): void {
    const core = this.#core;
    const later: Flight[] = [];
    for (const flight of this.#cancels) {
      const { slot } = flight;
      if (slot === undefined || core.flights.held(slot) !== flight) continue;
      if (core.queues.seek()) {
        control.asyncCancel(core.entry(), slot, core.flights.high(slot), 0);
        core.commitSkipped(0);
      } else later.push(flight);
    }
    this.#cancels = later;
  }

  /** Entries for those who wait, as far as there is room. */
  #admit(): void {
    for (let group = this.#waiting[this.#head]; group !== undefined; group = this.#waiting[this.#head]) {
      if (!this.#place(group)) break;
      this.#head++;
    }
    if (this.#head > 1024 && this.#head * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Submits, and makes entries for those who wait, until nothing moves. */
  #flush(): void {
    const core = this.#core;
    // a disabled ring takes nothing yet: entries wait for enable()
    while (core.isEnabled) {
      this.#admit();
      const left = core.queues.publish();
      if (left === 0) return;
      if (core.has(IORING_SETUP_SQPOLL)) return this.#wake();
      const result = core.enter(left, 0, core.has(IORING_SETUP_IOPOLL) ? IORING_ENTER_GETEVENTS : 0);
      if (result === -EINTR) continue;
      // the kernel is out of memory for requests, or completions overflowed: they are taken first
      if (result === -EAGAIN || result === -EBUSY || result === 0) return;
      if (result < 0) throw core.enterFailure(-result);
    }
  }

  #wake(): void {
    if (this.#core.queues.needsWakeup) this.#core.enter(0, 0, IORING_ENTER_SQ_WAKEUP);
  }

  // ---- from the kernel -----------------------------------------------------------------------------------------

  /** Settles what is there, at most a budget's worth. */
  #drain(): void {
    const core = this.#core;
    const { queues } = core;
    this.#rearm();
    try {
      for (let count = 0; count < BUDGET; count++) {
        if (!core.take()) {
          if (!queues.needsEnter) return;
          core.flush();
          if (!core.take()) return;
        }
        const { held } = core;
        if (held instanceof Flight)
          held.complete(queues.res, queues.flags, (queues.flags & IORING_CQE_F_MORE) === 0);
        if (core.isClosed) return;
      }
    } finally {
      queues.release();
    }
  }

  /** With deferred task work the eventfd is read first and the ring entered after: otherwise wake-ups are lost. */
  #rearm(): void {
    if (this.#eventfd < 0) {
      this.#core.flush();
      return;
    }
    sys.read(this.#eventfd, this.#count);
    this.#core.enter(0, 0, IORING_ENTER_GETEVENTS);
  }

  #forget(flight: Flight, error: Error): void {
    this.#waiting = this.#waiting.slice(this.#head).filter((group) => {
      const isHere = group.some((each) => each.flight === flight);
      // a chain without one of its links is no chain
      if (isHere)
        for (const each of group) each.flight.fail(each.flight === flight ? error : new AbortError());
      return !isHere;
    });
    this.#head = 0;
  }

  #hold(): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    const owner = this.#owner.deref();
    if (owner !== undefined) busy.add(owner);
    if (!this.#isUnrefed) this.#poll.ref();
  }

  #release(): void {
    if (!this.#isBusy) return;
    this.#isBusy = false;
    const owner = this.#owner.deref();
    if (owner !== undefined) busy.delete(owner);
    this.#poll.unref();
  }
}

/** The ring's one eventfd, registered: a ring with deferred task work never becomes readable itself. */
function ownEventfd(core: RingCore): number {
  const fd = sys.eventfd(0);
  if (fd < 0) throw new SyscallError('eventfd', -fd);
  try {
    registerEventfd(core.handle, fd);
    return fd;
  } catch (error) {
    sys.close(fd);
    throw error;
  }
}
