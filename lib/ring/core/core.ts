/**
 * The heart of a ring, without its public face: fd, queues, flights, what is registered, and how all of it ends.
 * It holds no reference to the Ring, so that a dropped Ring can be noticed and its core closed.
 */
import { isMainThread } from 'node:worker_threads';
import { constants } from '../../../structs/flags.ts';
import { KernelTimespec } from '../../../structs/posix.ts';
import { GeteventsArg } from '../../../structs/setup.ts';
import { ClosedError, QueueFullError, StateError, UnsupportedError } from '../../errors.ts';
import type { SqeCursor } from '../../ops/sqe.ts';
import type { RingFd } from '../../register/call.ts';
import { unregisterRingFds } from '../../register/files.ts';
import type { Uses } from '../../sys/copies.ts';
import { kernelRelease } from '../../sys/host.ts';
import { endCopies, makesCopies, Pinned, takeNewCopies } from '../../sys/memory.ts';
import { sys } from '../../sys/syscall.ts';
import { tracedClose } from '../../sys/trace.ts';
import { Ending } from './ending.ts';
import { Flights, join, kindOf, mark, payloadOf, SKIPPED } from './flights.ts';
import type { Queues, RingParams } from './queues.ts';
import { whenReaped } from './reaper.ts';
import { giveBackIndex } from './ring-index.ts';
import { Tags } from './tags.ts';
import { timespec } from './time.ts';

const { IORING_CQE_F_MORE, IORING_ENTER_GETEVENTS, IORING_ENTER_REGISTERED_RING, IORING_FEAT_REG_REG_RING } =
  constants;
const HIGH = 0x1_0000_0000;

/** Operations that only read the memory that they are given. */
const READS_MEMORY: ReadonlySet<number> = new Set([
  constants.IORING_OP_WRITE,
  constants.IORING_OP_WRITEV,
  constants.IORING_OP_SEND,
  constants.IORING_OP_SENDMSG,
  constants.IORING_OP_SEND_ZC,
  constants.IORING_OP_SENDMSG_ZC,
  constants.IORING_OP_CONNECT,
  constants.IORING_OP_BIND,
  constants.IORING_OP_OPENAT,
  constants.IORING_OP_OPENAT2,
  constants.IORING_OP_UNLINKAT,
  constants.IORING_OP_RENAMEAT,
  constants.IORING_OP_MKDIRAT,
  constants.IORING_OP_SYMLINKAT,
  constants.IORING_OP_LINKAT,
  constants.IORING_OP_SETXATTR,
  constants.IORING_OP_FSETXATTR,
  constants.IORING_OP_EPOLL_CTL,
  constants.IORING_OP_TIMEOUT,
  constants.IORING_OP_TIMEOUT_REMOVE,
]);

/** What a sandbox allows, for the errors of what it refuses. */
export interface SandboxRules {
  readonly ops: ReadonlySet<string>;
  /** IOSQE_* bits that every operation must have, and those that it may have. */
  readonly requiredFlags: number;
  readonly allowedFlags: number;
}

/** The user_data of a completion that belongs to no flight: of a skipped operation of ours, or another ring's message. */
function userDataOf(high: number, low: number): number | bigint {
  if (kindOf(high) === SKIPPED) return payloadOf(high) * HIGH + low;
  return high < 0x20_0000 ? high * HIGH + low : join(high, low);
}

/** All cores of this thread that are open. */
const open = new Set<RingCore>();

// A worker's rings would outlive it: nobody closes their fds. On the main thread the process ends anyway.
if (!isMainThread) {
  process.on('exit', () => {
    for (const core of open) core.close();
  });
}

/** How many rings of this thread are open, for tests. */
export function openRings(): number {
  return open.size;
}

/** One completion. */
export interface Completion {
  /** Whose it is; a bigint only for another ring's message of 2^53 or more. */
  readonly userData: number | bigint;
  /** The result, or minus the errno. */
  readonly res: number;
  /** IORING_CQE_F_* */
  readonly flags: number;
  /** The second half of a big completion. */
  readonly extra?: readonly [bigint, bigint];
}

export class RingCore {
  readonly queues: Queues;
  readonly flights = new Flights();
  /** The setup flags that the kernel accepted. */
  readonly flags: number;
  /** IORING_FEAT_* of this kernel. */
  readonly features: number;
  /** The ring's fd, or -1 once only a registered index is left. */
  fd: number;
  /** Its index in the thread's table of registered rings, by which it is entered; undefined where it has none. */
  index: number | undefined;
  isClosed = false;
  /** Does the event loop wait on the fd? */
  isPolled = false;
  /** The ring's eventfd that wakes the event loop instead, or -1. */
  wakeFd = -1;
  /** Do operations have a userData of the caller's? Those of promises have none. */
  hasUserData = false;
  /** The sandbox that the ring was given, if any. */
  sandbox: SandboxRules | undefined;
  /** Must every operation have flags that a cancellation by an operation would not have? */
  hasRequiredFlags = false;
  /** Is the ring enabled (not, or no longer, SETUP_R_DISABLED)? */
  isEnabled: boolean;
  /** What is registered, as far as the kernel tells when it lets go. */
  readonly tags: Tags;
  /** Is the ring open, and does the kernel get the memory of operations themselves, instead of copies? */
  isPlain: boolean = !makesCopies;
  /** In workers: the copies of operations in flight, by slot. */
  readonly #copies = new Map<number, { readonly uses: Uses; readonly isWritten: boolean }>();
  readonly #ending: Ending;
  readonly #wait = new Pinned(GeteventsArg.size + KernelTimespec.size);
  #handle: RingFd | undefined;

  constructor(fd: number, handle: RingFd, queues: Queues, params: RingParams) {
    this.fd = fd;
    this.#handle = handle;
    this.index = typeof handle === 'number' ? undefined : handle.registeredIndex;
    this.queues = queues;
    this.flags = params.flags;
    this.features = params.features;
    this.isEnabled = (params.flags & constants.IORING_SETUP_R_DISABLED) === 0;
    this.tags = new Tags((params.features & constants.IORING_FEAT_RSRC_TAGS) !== 0, this.flights);
    this.#ending = new Ending(this);
    open.add(this);
  }

  /** Throws once the ring is closed. */
  check(): void {
    if (this.isClosed) throw new ClosedError('the ring');
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  // ---- how calls reach it ----------------------------------------------------------------------------------

  /**
   * How register calls name the ring: by fd, or by registered index. Throws once the ring is gone: a getter of a user's
   * may have closed it since the last check, and its fd may be another ring's by now.
   */
  get handle(): RingFd {
    if (this.#handle === undefined) throw new ClosedError('the ring');
    return this.#handle;
  }

  /** It is entered by `index` from now on; register calls go by it too where the kernel can (6.3). */
  attachIndex(index: number): void {
    this.index = index;
    if ((this.features & IORING_FEAT_REG_REG_RING) !== 0) this.#handle = { registeredIndex: index };
  }

  /** Gives the index back: all calls go by the fd again. */
  detachIndex(): void {
    if (this.index === undefined) return;
    unregisterRingFds(this.handle, [this.index]);
    this.index = undefined;
    this.#handle = this.fd;
  }

  /** Closes the fd, so that only the index is left. */
  closeFd(): void {
    if (typeof this.handle === 'number') {
      throw new UnsupportedError('FEAT_REG_REG_RING', { since: '6.3', kernel: kernelRelease });
    }
    if (this.isPolled) {
      throw new StateError(
        'the event loop waits on the fd, unless the ring is made with { deferTaskrun: true }',
      );
    }
    if (this.fd >= 0) tracedClose(this.fd);
    this.fd = -1;
  }

  // ---- io_uring_enter --------------------------------------------------------------------------------------

  /** One io_uring_enter(2), by index where there is one. Returns minus the errno on failure. */
  enter(submit: number, wait: number, flags: number, arg = 0, size = 0): number {
    const { index } = this;
    if (index === undefined) return sys.enter(this.fd, submit, wait, flags, arg, size);
    return sys.enter(index, submit, wait, flags | IORING_ENTER_REGISTERED_RING, arg, size);
  }

  /** io_uring_getevents_arg with a timeout; its address. */
  waitArgument(timeoutMs: number, minWaitUsec = 0): number {
    const { bytes, address } = this.#wait;
    const at = GeteventsArg.size;
    GeteventsArg.encodeInto(bytes, { ts: address + at, minWaitUsec });
    KernelTimespec.encodeInto(bytes, timespec(timeoutMs), at);
    return address;
  }

  /** Lets the kernel post what it holds back: overflowed completions and task work. */
  flush(): void {
    if (this.queues.needsEnter || this.has(constants.IORING_SETUP_IOPOLL)) {
      this.enter(0, 0, IORING_ENTER_GETEVENTS);
    }
  }

  // ---- operations ------------------------------------------------------------------------------------------

  /** Before an operation is made: throws once the ring is closed, and forgets the copies of one that was not completed. */
  begin(): void {
    if (!this.isPlain) this.beginWithCare();
  }

  /** Out of line: V8 inlines only so many bytes of code into the making of an operation. */
  beginWithCare(): void {
    this.check();
    const uses = takeNewCopies();
    if (uses !== undefined) endCopies(uses, false);
  }

  /** The cursor, on the next free entry. To be called when all arguments were read and checked. */
  entry(): SqeCursor {
    const { queues } = this;
    if (this.isClosed || !queues.seek()) throw this.#noEntry();
    return queues.sqe;
  }

  #noEntry(): Error {
    return this.isClosed ? new ClosedError('the ring') : new QueueFullError(this.queues.sqEntries);
  }

  /** The entry under the cursor is complete: gives it its user_data and counts it. Returns its slot. */
  commit(userData: number, held: unknown): number {
    const { queues } = this;
    queues.advance();
    const slot = this.flights.start(userData, held, queues.sqe);
    if (!this.isPlain) this.keepCopies(slot);
    return slot;
  }

  /** Keeps the copies of the operation in `slot`. */
  keepCopies(slot: number): void {
    const uses = takeNewCopies();
    const isWritten = !READS_MEMORY.has(this.queues.sqe.opcode);
    if (uses !== undefined) this.#copies.set(slot, { uses, isWritten });
  }

  /** The operation in `slot` is over, or never starts. */
  forget(slot: number, hasStarted = false): void {
    this.flights.remove(slot);
    const kept = makesCopies ? this.#copies.get(slot) : undefined;
    if (kept === undefined) return;
    this.#copies.delete(slot);
    endCopies(kept.uses, kept.isWritten && hasStarted);
  }

  /**
   * As `commit`, for an operation that posts no completion when it succeeds. `held` is what the kernel copies when it takes
   * the entry.
   */
  commitSkipped(userData: number, held?: unknown): void {
    const { queues } = this;
    queues.advance();
    queues.sqe.setUserData(userData, mark(SKIPPED, Math.floor(userData / HIGH)));
    if (held !== undefined) this.#holdUntilTaken(held);
  }

  /** What entries without a completion point to, until the kernel has taken the entry. */
  #untilTaken: { readonly end: number; readonly held: unknown }[] = [];

  #holdUntilTaken(held: unknown): void {
    const { queues } = this;
    this.#untilTaken = this.#untilTaken.filter(({ end }) => !queues.isTaken(end));
    this.#untilTaken.push({ end: queues.end, held });
  }

  /** The kernel's user_data of every operation with this userData. */
  kernelUserData(userData: number): bigint[] {
    return this.flights.find(userData).map((slot) => join(this.flights.high(slot), slot));
  }

  /**
   * Takes the next completion that is a user's; false when none is ready. Then `userData` says whose it is, `held` what
   * was held for it, `queues.res` and `queues.flags` what came of it. Tags are dealt with on the way.
   */
  take(): boolean {
    const { queues, flights } = this;
    while (queues.take() || this.#refill()) {
      const { low, high } = queues;
      if (flights.isCurrent(low, high)) {
        this.userData = flights.userData(low);
        this.held = flights.held(low);
        if ((queues.flags & IORING_CQE_F_MORE) === 0) {
          if (makesCopies) this.forget(low, true);
          else flights.remove(low);
        }
        return true;
      }
      if (this.#takeOther(high, low)) return true;
    }
    this.held = undefined;
    if (this.tags.expected > 0 && flights.active === 0) this.tags.releaseExpected();
    return false;
  }

  /** What take() took, as an object of its own. */
  completion(): Completion {
    const { res, flags } = this.queues;
    const extra = this.queues.extra();
    return { userData: this.userData, res, flags, ...(extra && { extra }) };
  }

  /** Takes a completion of no flight: a message, or a tag, which is dealt with and no user's. */
  #takeOther(high: number, low: number): boolean {
    this.held = undefined;
    if (this.tags.released(high, low)) return false;
    this.userData = userDataOf(high, low);
    return true;
  }

  /** Whose completion take() took. */
  userData: number | bigint = 0;
  /** What was held for it; undefined for a message of another ring. */
  held: unknown;
  /** Is told each completion that close() takes. */
  onLast: ((held: unknown, res: number, flags: number) => void) | undefined;

  /** The queue is empty: gets what did not fit into it before. */
  #refill(): boolean {
    const { queues } = this;
    return queues.isOverflowed && this.enter(0, 0, IORING_ENTER_GETEVENTS) >= 0 && queues.take();
  }

  /** Is every slot of the completion queue one completion that take() gives? Then the kernel counts as we do. */
  get countsAll(): boolean {
    return !this.tags.areOwed && !this.has(constants.IORING_SETUP_CQE_MIXED);
  }

  /** How many completions take() would give now, without asking the kernel: all that are ready but tags. */
  get ready(): number {
    const { queues } = this;
    if (this.countsAll) return queues.ready;
    let count = 0;
    for (const [high, low] of queues.peek()) if (!this.tags.has(high, low)) count++;
    return count;
  }

  /** Deals with the tags at the head of the queue: they take room that completions need. */
  takeTags(): void {
    while (this.tags.areOwed) {
      // each time anew: an onRelease may take completions itself
      const [first] = this.queues.peek();
      if (first === undefined || !this.tags.has(...first)) return;
      this.queues.take();
      this.tags.released(...first);
    }
  }

  /**
   * Deals with the tags at the head of the queue that nobody is told of, and with those that found no room in it: a program
   * that only registers and unregisters never reaps.
   */
  takeQuietTags(): void {
    const { queues, tags } = this;
    while (tags.areOwed && (queues.take() || this.#refill())) {
      const { high, low } = queues;
      if (!tags.isQuiet(high, low)) {
        queues.untake();
        break;
      }
      tags.released(high, low);
    }
    queues.release();
  }

  // ---- what is registered ----------------------------------------------------------------------------------

  /** Holds `held` until `release` of what comes back, or the end. */
  hold(held: unknown): () => void {
    return this.#ending.hold(held);
  }

  /** Calls `ending` when the ring closes; what comes back takes it away. */
  onClose(ending: () => void): () => void {
    return this.#ending.onClose(ending);
  }

  // ---- the end ---------------------------------------------------------------------------------------------

  /**
   * Cancels everything, takes what is there, and gives all back; never waits, never throws. What the kernel does not give up
   * at once is taken later: until then fd, queues and memory stay.
   */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.isPlain = false;
    open.delete(this);
    this.#ending.begin();
  }

  /** The queues can't be seen any more, and nothing that is in them: all that is left is to close the ring. */
  loseQueues(): void {
    this.#ending.isReachable = false;
  }

  /** Waits until all is given back after close(), at most `timeoutMs`; false when it is not. */
  closed(timeoutMs: number): Promise<boolean> {
    return whenReaped(this.#ending, timeoutMs);
  }

  /** Nothing uses the ring any more: closes its fd and forgets how it was entered. */
  dropFd(): void {
    if (this.index !== undefined) giveBackIndex(this.handle, this.index);
    this.#handle = undefined;
    if (this.fd >= 0) tracedClose(this.fd);
    this.fd = -1;
  }
}
