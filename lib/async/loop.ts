/**
 * A ring in Node's event loop. Entries are submitted and completions taken in the check phase (setImmediate), so that
 * timers and other I/O never starve, and promises continue in a proper callback scope; the poll callback only sets
 * that up. See CONTRIBUTING, "The event loop".
 */
import { wrongValue } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { KernelTimespec } from '../../structs/posix.ts';
import { AbortError, ClosedError, RegisterError, SyscallError, UnsupportedError } from '../errors.ts';
import type { Operation } from '../operations/operation.ts';
import * as preparers from '../ops/preparers.ts';
import { registerEventfd, registerSyncCancel } from '../register/notify.ts';
import type { RingCore } from '../ring/core/core.ts';
import { kindOf, SKIPPED } from '../ring/core/flights.ts';
import { enterFailure } from '../ring/core/setup.ts';
import { timespec } from '../ring/core/time.ts';
import { Watch } from '../ring/core/wakeup.ts';
import { Pinned } from '../sys/memory.ts';
import { sys } from '../sys/syscall.ts';
import { tracingOperations } from '../sys/trace.ts';
import { Copying } from './copying.ts';
import { type Departure, INLINE } from './departure.ts';
import { Fifo } from './fifo.ts';
import { dropSpare, Flight } from './flight.ts';
import { Limits } from './limits.ts';
import { begun, completed } from './published.ts';
import { throwLater } from './told.ts';

const {
  IORING_CQE_F_MORE,
  IORING_ENTER_GETEVENTS,
  IORING_ENTER_SQ_WAKEUP,
  IORING_SETUP_DEFER_TASKRUN,
  IORING_SETUP_IOPOLL,
  IORING_SETUP_SQPOLL,
  IOSQE_IO_DRAIN,
  IOSQE_IO_HARDLINK,
  IOSQE_IO_LINK,
} = constants;
const EINTR = 4;
const EAGAIN = 11;
const EBUSY = 16;
/** Completions that one turn settles before it lets others run. */
const BUDGET = 4096;

/** So long after its limit an operation is given up that the kernel does not end; with a timer's delay less than 50 ms. */
const GRACE_MS = 40;

/** How long a turn goes on with operations that complete while they are submitted, before it lets others run. */
const SPRINT_MS = 0.2;
/** Its reactions run after those of all promises that were settled before; queueMicrotask would take several times as long. */
const settled = Promise.resolve();

/** Rings with operations in flight: they must not be collected while somebody awaits a promise of theirs. */
const busy = new Set<object>();

export class Loop {
  readonly #core: RingCore;
  readonly #owner: WeakRef<object>;
  readonly #watch: Watch;
  readonly #count = new BigUint64Array(1);
  readonly #copying: Copying;
  readonly #limits = new Limits(
    () => this.#wakeNow(),
    (flight) => this.stop(flight),
  );
  /** Groups of operations that found no room, in order. */
  #waiting = new Fifo<readonly Departure[]>();
  /** Those of them that nobody has cancelled: the group of each operation. */
  readonly #groupOf = new Map<Flight, readonly Departure[]>();
  /** What is to be cancelled, by slot and generation: a multishot flight has another one when it was armed again. */
  readonly #cancels = new Map<number, number>();
  /** Flights that are neither in the queue nor in the kernel, and that somebody waits for. */
  readonly #dormant = new Set<Flight>();
  /** Who is told of the messages of other rings. */
  readonly #listeners = new Set<Flight>();
  /** Since the ring was idle last: was an operation to start after all before it? */
  #hasDrains = false;
  #isScheduled = false;
  /** Will #follow submit what is started now? */
  #isFollowed = false;
  /** When the turn has to end, by performance.now(). */
  #restAt = 0;
  /** Are entries being made? Arguments are read then, and a getter of a user's may start operations or close the ring. */
  #isPlacing = false;
  #isBusy = false;
  #isUnrefed = false;
  #isClosed = false;
  /** Has anybody listened? Messages may go on coming then. */
  #hasListened = false;

  /** @param owner what is kept alive while operations are in flight */
  constructor(core: RingCore, owner: object) {
    this.#core = core;
    this.#copying = new Copying(core);
    this.#owner = new WeakRef(owner);
    const { fd, wakeFd } = core;
    core.isPolled = wakeFd < 0;
    if (core.isPolled && fd < 0) {
      const allowed = 'with deferTaskrun: true, because the event loop waits on the fd of any other ring';
      throw wrongValue('options.registeredFdOnly', allowed, true);
    }
    this.#watch = new Watch(core.isPolled ? fd : wakeFd, this.#wake);
    core.onClose(() => this.#watch.close());
    core.onClose(() => dropSpare(core));
    core.tags.onExpected = () => this.#schedule();
    core.onLast = (held, res, flags) => {
      if (held instanceof Flight) held.discard(res, flags);
    };
  }

  /** Operations that were started and have not ended. */
  get pending(): number {
    return this.#core.flights.active + this.#groupOf.size;
  }

  /** Goes on after the ring was enabled. */
  resume(): void {
    this.#schedule();
  }

  /**
   * Starts an operation that needs one entry if it has one at once, without the detour by a Departure; false where it
   * has to wait. @throws for a wrong argument
   */
  startNow<A extends readonly unknown[], O extends object>(
    flight: Flight,
    operation: Operation<A, O>,
    options: O,
    ...args: A
  ): boolean {
    const core = this.#core;
    if (this.#mustWait() || !core.queues.seek()) return false;
    this.#isPlacing = true;
    try {
      flight.memory = operation.encode(core, options, ...args);
      this.#copying.weigh(flight.memory);
      core.commit(0, flight);
      begun(flight);
    } finally {
      this.#isPlacing = false;
    }
    this.#expectTurn();
    return true;
  }

  /** Starts operations one right after the other, as links need it. */
  start(group: readonly Departure[]): void {
    if (!this.#tryPlace(group)) {
      // what a getter starts would come between the entries of a chain: it waits
      if (!this.#isPlacing) this.#flush();
      if (!this.#tryPlace(group)) this.#wait(group);
    }
    this.#expectTurn();
  }

  /** What was started goes to the kernel soon. */
  #expectTurn(): void {
    if (!this.#isFollowed) this.#schedule();
    if (!this.#isBusy) this.#hold();
  }

  #wait(group: readonly Departure[]): void {
    for (const each of group) each.keep();
    for (const { flight } of group) {
      // a getter of a user's may have closed the ring: nobody would come for what waits
      if (this.#isClosed) flight.fail(new ClosedError('the ring'));
      else this.#groupOf.set(flight, group);
    }
    this.#waiting.push(group);
  }

  /** Asks the kernel to cancel an operation; one that has no entry yet fails at once. */
  cancel(flight: Flight, reason: unknown): void {
    if (flight.abortReason !== undefined) return;
    flight.setExtras({ abortReason: { reason } });
    this.#stop(flight, new AbortError(reason));
    if (flight.slot !== undefined) this.limit(flight);
  }

  /** Gives an operation up that the kernel was asked to cancel, where it does not end soon. */
  limit(flight: Flight): void {
    this.#limits.add(flight, GRACE_MS);
  }

  /** Asks the kernel to stop an operation of which nobody wants to hear AbortError. */
  stop(flight: Flight): void {
    this.#stop(flight, new AbortError());
  }

  #stop(flight: Flight, error: Error): void {
    if (flight.slot === undefined) this.#forget(flight, error);
    else this.#cancels.set(flight.slot, this.#core.flights.high(flight.slot));
    this.#schedule();
  }

  /** Somebody waits for a flight that is not in the queue: it fails when the ring closes. */
  sleep(flight: Flight): void {
    this.#dormant.add(flight);
  }

  /** The flight goes on, or is over. */
  wake(flight: Flight): void {
    this.#dormant.delete(flight);
  }

  /** `flight` is told of each message of another ring, which `core.userData` and the queues have; it holds the process. */
  listen(flight: Flight): void {
    this.#listeners.add(flight);
    this.#hasListened = true;
    if (!this.#isBusy) this.#hold();
    this.#schedule();
  }

  /** Takes `listen` back. */
  leave(flight: Flight): void {
    this.#listeners.delete(flight);
    // which lets go of the process, if nothing else holds it
    this.#schedule();
  }

  /** Closes the ring, and fails everything that is on its way with `error`, or ClosedError. */
  close(error?: unknown): void {
    // operations that the kernel has not given up are still in the table
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { flights: kept } = this.#core;
    const flights = [...kept.everything(), ...this.#groupOf.keys(), ...this.#dormant, ...this.#listeners];
    this.#dormant.clear();
    this.#listeners.clear();
    this.#groupOf.clear();
    this.#waiting = new Fifo();
    this.#cancels.clear();
    this.#core.close();
    for (const each of flights) if (each instanceof Flight) each.fail(error ?? new ClosedError('the ring'));
    this.#release();
  }

  /** Lets the process end although operations are in flight. */
  unref(): void {
    this.#isUnrefed = true;
    this.#watch.unref();
  }

  /** Holds the process again while operations are in flight, as at first. */
  ref(): void {
    this.#isUnrefed = false;
    if (this.#isBusy) this.#watch.ref();
  }

  // ---- to the kernel -------------------------------------------------------------------------------------------

  /** Nobody overtakes those who wait, nor gets between the entries of a group. */
  #mustWait(): boolean {
    return this.#isPlacing || this.#groupOf.size > 0;
  }

  /** Makes the entries of a group, unless it has to wait. */
  #tryPlace(group: readonly Departure[]): boolean {
    if (this.#mustWait() || !this.#fits(group)) return false;
    this.#place(group);
    return true;
  }

  /** Is there room for all of a group, or will there never be? */
  #fits(group: readonly Departure[]): boolean {
    const { queues } = this.#core;
    const needed = entriesOf(group);
    return needed <= queues.space || (needed > queues.sqEntries && queues.isMapped);
  }

  /** Makes the entries of a group that fits. */
  #place(group: readonly Departure[]): void {
    const { sqEntries } = this.#core.queues;
    const needed = entriesOf(group);
    if (needed > sqEntries) {
      const allowed = `at most ${sqEntries}: all go to the kernel together, each timeoutMs as one more`;
      for (const { flight } of group) flight.fail(wrongValue('operations', allowed, needed));
      return;
    }
    this.#isPlacing = true;
    try {
      this.#enterAll(group);
    } finally {
      this.#isPlacing = false;
    }
  }

  /** Makes the entries of a group; a wrong argument of one fails all of them, and takes the entries back. */
  #enterAll(group: readonly Departure[]): void {
    const { queues } = this.#core;
    const before = queues.unpublished;
    try {
      for (const each of group) this.#enter(each, group);
    } catch (error) {
      // a getter that closed the ring has taken them back already
      const isOpen = !this.#core.isClosed;
      if (isOpen) queues.rewind(queues.unpublished - before);
      for (const { slot, flight } of group) {
        if (slot !== undefined && isOpen) this.#core.forget(slot);
        flight.slot = undefined;
      }
      // only now: a listener that it takes off a signal may be anybody's code
      for (const { flight } of group) flight.fail(error);
    }
  }

  /** Makes one entry, of a group of one or of links. @throws for a wrong argument */
  #enter(departure: Departure, group: readonly Departure[]): void {
    const core = this.#core;
    const { flight, bits, timeoutMs } = departure;
    core.begin();
    flight.memory = departure.encode(core);
    const { sqe } = core.queues;
    const link = timeoutMs === undefined ? 0 : IOSQE_IO_LINK;
    if ((bits | link) !== 0) {
      sqe.flags |= (bits & 0xff) | link;
      sqe.personality = (bits >>> 8) & 0xffff;
    }
    if (group.length === 1 && (bits & INLINE) === 0) this.#copying.weigh(flight.memory);
    const slot = core.commit(0, flight);
    begun(flight);
    departure.slot = slot;
    flight.slot = slot;
    if ((bits & IOSQE_IO_DRAIN) !== 0) this.#hasDrains = true;
    if (timeoutMs !== undefined) {
      // a link starts after the one before it, and so does its timeout
      const isStartedNow = group[0] === departure && !this.#hasDrains && core.isEnabled;
      this.#limit(flight, timeoutMs, bits, isStartedNow);
    }
    // its signal was aborted before it had an entry
    if (flight.abortReason !== undefined) this.#stop(flight, new AbortError(flight.abortReason.reason));
  }

  /** The entry after `flight`'s cancels it after a while. */
  #limit(flight: Flight, timeoutMs: number, bits: number, isStartedNow: boolean): void {
    const core = this.#core;
    const time = new Pinned(KernelTimespec.size);
    KernelTimespec.encodeInto(time.bytes, timespec(timeoutMs));
    flight.memory = [flight.memory, time];
    flight.setExtras({ deadline: performance.now() + timeoutMs });
    if (isStartedNow) this.#limits.add(flight, timeoutMs + GRACE_MS);
    const sqe = preparers.linkTimeout(core.entry(), time.address, 0);
    sqe.flags |= bits & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK);
    core.commitSkipped(0);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#turn);
  }

  /** The ring's fd is readable. */
  readonly #wake = (): void => {
    if (!this.#isScheduled) this.#wakeNow();
  };

  #wakeNow(): void {
    try {
      this.#turn();
    } catch (error) {
      // a user's onRelease: other rings are woken all the same
      throwLater(error);
    }
  }

  readonly #turn = (): void => {
    this.#isScheduled = false;
    if (this.#core.isClosed) return;
    this.#restAt = performance.now() + SPRINT_MS;
    this.#copying.begin();
    // cancellations follow what they cancel, in the same submission
    if (this.#submit()) this.#settle();
  };

  #settle(): void {
    try {
      this.#drain();
    } finally {
      if (!this.#core.isClosed) this.#afterwards();
    }
  }

  /** False where the ring is closed: also because the kernel takes nothing any more, so that nothing would ever end. */
  #submit(): boolean {
    try {
      this.#cancelAll();
      this.#flush();
      // a getter of a user's may have closed it
      return !this.#core.isClosed;
    } catch (error) {
      this.close(error);
      return false;
    }
  }

  #afterwards(): void {
    this.#admit();
    this.#isFollowed = true;
    settled.then(this.#follow);
  }

  /**
   * Runs after those who awaited what was settled: most often they start the next operations, which go to the kernel now
   * instead of a turn later. What completes meanwhile, as reads of cached data do, is settled too, for a short while.
   */
  readonly #follow = (): void => {
    this.#isFollowed = false;
    if (this.#core.isClosed) return;
    if (this.pending === 0) {
      this.#hasDrains = false;
      if (this.#listeners.size === 0) this.#release();
      this.#sleep();
      return;
    }
    if (!this.#submit()) return;
    // timers and other I/O wait for the end of this: it must come soon, and does not depend on what users do
    if (this.#core.queues.ready > 0 && performance.now() < this.#restAt) this.#goOn();
    else if (this.#isMoving()) this.#schedule();
    else this.#sleep();
  };

  /** Nothing to do: the next completion, if one can come, wakes the event loop. */
  #sleep(): void {
    const { isEnabled, tags } = this.#core;
    const isIdle = this.pending === 0 && !tags.areOwed && !this.#hasListened;
    if (this.#isScheduled || isIdle || !isEnabled) return;
    if (!this.#watch.arm()) this.#schedule();
  }

  #goOn(): void {
    try {
      this.#settle();
    } catch (error) {
      // a user's onRelease: an uncaught exception as in a turn, not an unhandled rejection
      throwLater(error);
    }
  }

  /** Is there something to do although the kernel does not say so? */
  #isMoving(): boolean {
    const { queues, flights, isEnabled } = this.#core;
    // entries of a disabled ring wait for enable()
    if (isEnabled && (queues.unconsumed > 0 || this.#cancels.size > 0)) return true;
    // nobody but us looks for the completions of polled I/O
    return queues.ready > 0 || (this.#core.has(IORING_SETUP_IOPOLL) && flights.active > 0);
  }

  /** As many as there is room for: the others follow in the next turn. */
  #cancelAll(): void {
    if (this.#cancels.size === 0) return;
    const { flights } = this.#core;
    for (const [slot, high] of this.#cancels) {
      if (flights.isCurrent(slot, high) && !this.#cancel(slot, high)) return;
      this.#cancels.delete(slot);
    }
  }

  /** False when there is no room. */
  #cancel(slot: number, high: number): boolean {
    const core = this.#core;
    if (this.#hasDrains || core.hasRequiredFlags) return this.#cancelNow(slot, high);
    if (!core.queues.seek()) return false;
    preparers.asyncCancel(core.entry(), slot, high, 0);
    core.commitSkipped(0);
    return true;
  }

  /**
   * Without an entry: it would wait behind a drained one for what it is to cancel, or a sandbox would refuse it.
   * False: not submitted yet.
   */
  #cancelNow(slot: number, high: number): boolean {
    const core = this.#core;
    this.#flush();
    if (core.queues.unconsumed > 0) return false;
    try {
      registerSyncCancel(core.handle, { addr: (BigInt(high) << 32n) | BigInt(slot), timeoutMs: 0 });
    } catch (error) {
      // it is over, or a worker will stop it; before 6.0, or in a sandbox, it can't be helped
      if (!(error instanceof RegisterError || error instanceof UnsupportedError)) throw error;
    }
    return true;
  }

  /** Entries for those who wait, as far as there is room. */
  #admit(): void {
    for (let group = this.#waiting.first; group !== undefined; group = this.#waiting.first) {
      // one that was cancelled has gone from the map
      const waits = group.some(({ flight }) => this.#groupOf.has(flight));
      if (waits && !this.#fits(group)) break;
      this.#waiting.shift();
      for (const { flight } of group) this.#groupOf.delete(flight);
      if (waits) this.#place(group);
    }
  }

  /** Submits, and makes entries for those who wait, until nothing moves. */
  #flush(): void {
    const core = this.#core;
    // a disabled ring takes nothing yet: entries wait for enable()
    while (core.isEnabled) {
      this.#admit();
      if (core.isClosed) return; // by code of the caller's, which arguments and subscribers run
      const left = core.queues.publish();
      if (left === 0) return;
      if (core.has(IORING_SETUP_SQPOLL)) {
        if (core.queues.needsWakeup) core.enter(0, 0, IORING_ENTER_SQ_WAKEUP);
        return;
      }
      const result = core.enter(left, 0, core.has(IORING_SETUP_IOPOLL) ? IORING_ENTER_GETEVENTS : 0);
      if (result === -EINTR) continue;
      // the kernel is out of memory for requests, or completions overflowed: they are taken first
      if (result === -EAGAIN || result === -EBUSY || result === 0) return;
      if (result < 0) throw enterFailure(-result);
    }
  }

  // ---- from the kernel -----------------------------------------------------------------------------------------

  /** Settles what is there, at most a budget's worth. */
  #drain(): void {
    const core = this.#core;
    const { queues } = core;
    const isPublished = tracingOperations();
    this.#rearm();
    try {
      for (let count = 0; count < BUDGET; count++) {
        if (!core.take()) {
          if (!queues.needsEnter) return;
          core.flush();
          if (!core.take()) return;
        }
        const { held } = core;
        if (held instanceof Flight) {
          const isLast = (queues.flags & IORING_CQE_F_MORE) === 0;
          const publish = isPublished ? completed(core, held, isLast) : undefined;
          held.complete(queues.res, queues.flags, isLast);
          publish?.();
        } else if (this.#listeners.size > 0 && kindOf(queues.high) !== SKIPPED) this.#tell();
        if (core.isClosed) return;
      }
    } finally {
      queues.release();
    }
  }

  /** A message of another ring, to all who listen. */
  #tell(): void {
    for (const listener of this.#listeners) listener.complete(0, 0, false);
  }

  /** With deferred task work the eventfd is read first and the ring entered after: otherwise wake-ups are lost. */
  #rearm(): void {
    const { wakeFd } = this.#core;
    if (wakeFd < 0) {
      this.#core.flush();
      return;
    }
    sys.read(wakeFd, this.#count);
    this.#core.enter(0, 0, IORING_ENTER_GETEVENTS);
  }

  /** Takes a flight out of those who wait, with its whole chain: without one of its links it is none. */
  #forget(flight: Flight, error: Error): void {
    // none: its chain is still being built, and it is cancelled when it has an entry
    for (const link of this.#groupOf.get(flight) ?? []) {
      this.#groupOf.delete(link.flight);
      link.flight.fail(error);
    }
  }

  #hold(): void {
    this.#isBusy = true;
    const owner = this.#owner.deref();
    if (owner !== undefined) busy.add(owner);
    if (!this.#isUnrefed) this.#watch.ref();
  }

  #release(): void {
    if (!this.#isBusy) return;
    this.#isBusy = false;
    const owner = this.#owner.deref();
    if (owner !== undefined) busy.delete(owner);
    this.#watch.unref();
  }
}

/** How many entries a group needs. */
function entriesOf(group: readonly Departure[]): number {
  let count = group.length;
  for (let i = 0; i < group.length; i++) if (group[i]?.timeoutMs !== undefined) count++;
  return count;
}

/** The ring's one eventfd, registered: a ring with deferred task work never becomes readable itself. */
export function registerWakeFd(core: RingCore): void {
  if (!core.has(IORING_SETUP_DEFER_TASKRUN)) return;
  const fd = sys.eventfdOfRing();
  if (fd < 0) throw new SyscallError('eventfd', -fd);
  core.onClose(() => sys.close(fd));
  registerEventfd(core.handle, fd);
  core.wakeFd = fd;
}
