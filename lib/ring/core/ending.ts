/**
 * The end of a ring: cancels what is in flight, takes the last completions, and gives all back, at once or later, when the
 * kernel has let go. Never waits.
 */
import { constants } from '../../../structs/flags.ts';
import { ops } from '../../../structs/ops.ts';
import { RegisterError } from '../../errors.ts';
import type { RingFd } from '../../register/call.ts';
import { registerSyncCancel } from '../../register/notify.ts';
import { keepForever } from '../../sys/memory.ts';
import { type Flights, kindOf, SKIPPED } from './flights.ts';
import type { Queues } from './queues.ts';
import { reapClosed, reapLater } from './reaper.ts';
import type { Tags } from './tags.ts';

const { IORING_ENTER_GETEVENTS, IORING_ENTER_SQ_WAKEUP } = constants;
const EINTR = 4;
const EAGAIN = 11;
const EACCES = 13;
const EBUSY = 16;
const ETIME = 62;

/** What the end of a ring needs of it; RingCore has it. */
interface EndingRing {
  readonly queues: Queues;
  readonly flights: Flights;
  readonly tags: Tags;
  readonly handle: RingFd;
  readonly held: unknown;
  readonly onLast: ((held: unknown, res: number, flags: number) => void) | undefined;
  has(flag: number): boolean;
  enter(submit: number, wait: number, flags: number): number;
  take(): boolean;
  forget(slot: number): void;
  commitSkipped(userData: number): void;
  dropFd(): void;
}

/** Calls `then`; the ring closes whatever becomes of it. */
function attempt(then: () => void): void {
  try {
    then();
  } catch {
    // nobody is left to be told
  }
}

function operationName(opcode: number): string {
  return ops.find(({ value }) => value === opcode)?.name ?? `OP_${opcode}`;
}

export class Ending {
  /** Can the ring be entered, so that completions still come? */
  isReachable = true;
  readonly #ring: EndingRing;
  readonly #endings = new Set<() => void>();
  /** What the ring holds although no flight does: registered memory, until all is given back. */
  readonly #held = new Set<unknown>();
  #isGivenBack = false;

  constructor(ring: EndingRing) {
    this.#ring = ring;
  }

  /** Holds `held` until what comes back is called, or the end. */
  hold(held: unknown): () => void {
    const entry = { held };
    this.#held.add(entry);
    return () => this.#held.delete(entry);
  }

  /** Calls `ending` when the ring closes; what comes back takes it away. */
  onClose(ending: () => void): () => void {
    this.#endings.add(ending);
    return () => this.#endings.delete(ending);
  }

  /** The ring was closed. */
  begin(): void {
    const { flights, tags } = this.#ring;
    this.#forgetUnsubmitted();
    if (this.isReachable) {
      while (this.#takeLast());
      this.#takeBack();
    }
    if (flights.active === 0) tags.releaseAllExpected();
    this.#end();
    if (flights.active === 0 || !this.isReachable) this.#giveBack();
    else reapLater(this);
    reapClosed();
  }

  /** Cancels, and takes what is there; true when all is given back. */
  reap(): boolean {
    this.#takeBack();
    if (this.#ring.flights.active > 0 && this.isReachable) return false;
    this.#ring.tags.releaseAllExpected();
    this.#giveBack();
    return true;
  }

  /** The operations in flight, as `2 operations: OP_SEND_ZC on fd 7 (2)`. */
  describe(): string {
    const { flights } = this.#ring;
    const counts = new Map<string, number>();
    for (const slot of flights.slots()) {
      const what = `${operationName(flights.opcode(slot))}${flights.isFixedFile(slot) ? ' on slot' : ' on fd'} ${flights.fd(slot)}`;
      counts.set(what, (counts.get(what) ?? 0) + 1);
    }
    const list = [...counts].slice(0, 4).map(([what, count]) => (count > 1 ? `${what} (${count})` : what));
    const more = counts.size > list.length ? ', ...' : '';
    return `${flights.active} operation(s): ${list.join(', ')}${more}`;
  }

  /** Gives back fd, queues, and what was registered. Memory of operations that nobody will hear of any more stays for ever. */
  #giveBack(): void {
    // a user's onRelease may have looked at closed rings itself
    if (this.#isGivenBack) return;
    this.#isGivenBack = true;
    if (this.#ring.flights.active > 0) this.#keep();
    this.#ring.queues.unmap();
    this.#ring.dropFd();
    this.#ring.tags.clear();
    this.#held.clear();
  }

  /** What was registered last ends first. */
  #end(): void {
    // a sandbox may forbid it
    for (const ending of [...this.#endings].reverse()) attempt(ending);
    this.#endings.clear();
  }

  /** Entries that the kernel never saw hold nothing any more. */
  #forgetUnsubmitted(): void {
    const ring = this.#ring;
    const isSqpoll = ring.has(constants.IORING_SETUP_SQPOLL);
    for (const [low, high] of ring.queues.takeBack(!isSqpoll)) {
      if (ring.flights.isCurrent(low, high)) ring.forget(low);
    }
  }

  /** Cancels and takes, as long as that brings something. */
  #takeBack(): void {
    const { flights, queues } = this.#ring;
    let before = Number.POSITIVE_INFINITY;
    while (flights.active > 0 && flights.active < before) {
      before = flights.active;
      this.#cancelAll();
      const result = this.#ring.enter(0, 0, IORING_ENTER_GETEVENTS);
      while (this.#takeLast());
      queues.release();
      // memory of the kernel's may be short, and a signal may come
      if (result < 0 && ![-EINTR, -EAGAIN, -EBUSY, -ETIME].includes(result)) this.isReachable = false;
    }
    if (!queues.isMapped) this.isReachable = false;
  }

  #takeLast(): boolean {
    const ring = this.#ring;
    try {
      if (!ring.take()) return false;
      const { high, res, flags } = ring.queues;
      // a cancellation that a sandbox refuses: nothing ends the operations but the end of the ring
      if (ring.held === undefined && kindOf(high) === SKIPPED && res === -EACCES) this.isReachable = false;
      ring.onLast?.(ring.held, res, flags);
      return true;
    } catch {
      return true; // an onRelease that throws: the ring closes all the same
    }
  }

  #cancelAll(): void {
    // the workers of a submission thread are not found from this one
    if (this.#ring.has(constants.IORING_SETUP_SQPOLL)) {
      this.#cancelEach();
      return;
    }
    try {
      registerSyncCancel(this.#ring.handle, { flags: constants.IORING_ASYNC_CANCEL_ANY, timeoutMs: 0 });
    } catch (error) {
      const code = error instanceof RegisterError ? error.code : undefined;
      // ETIME: a worker is busy, ask again. ENOENT: nothing can be cancelled any more
      if (code === 'ETIME' || code === 'ENOENT') return;
      // otherwise the opcode is newer than this kernel (6.0), or a sandbox refuses it, and may refuse the operation too
      if (code === 'EACCES') this.isReachable = false;
      this.#cancelEach();
    }
  }

  /** An ASYNC_CANCEL for each operation, as far as the queue has room. */
  #cancelEach(): void {
    const { queues, flights } = this.#ring;
    for (const slot of flights.slots()) {
      if (!queues.seek()) break;
      queues.sqe.prepare(constants.IORING_OP_ASYNC_CANCEL, -1, 0, 0, 0);
      queues.sqe.setAddr(slot, flights.high(slot));
      this.#ring.commitSkipped(0);
    }
    this.#ring.enter(queues.publish(), 0, IORING_ENTER_SQ_WAKEUP);
  }

  /** Nobody will hear of the completions: what the kernel may write to stays for ever. */
  #keep(): void {
    const things = [...this.#ring.flights.everything(), ...this.#held, ...this.#ring.tags.held()];
    const why = `a ring was closed that can't be entered any more, with ${this.describe()}; their memory is kept until the process ends`;
    keepForever([things], why);
  }
}
