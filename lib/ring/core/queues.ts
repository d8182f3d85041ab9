/** The two queues that a ring shares with the kernel: entries go in at the SQ's tail, completions come out at the CQ's head. */

import { constants } from '../../../structs/flags.ts';
import type { Output, Struct } from '../../../structs/layout.ts';
import type { Params } from '../../../structs/setup.ts';
import { Cqe, Sqe } from '../../../structs/sqe.ts';
import { QueueFullError } from '../../errors.ts';
import { SqeCursor } from '../../ops/sqe.ts';
import { type Mapping, mapQueue } from '../../sys/memory.ts';

type OutputOf<S> = S extends Struct<infer D> ? Output<D> : never;
/** io_uring_params as the kernel filled it in. */
export type RingParams = OutputOf<typeof Params>;

const NOTHING = new Int32Array(0);
const RES = Cqe.at.res / 4;
const CQE_FLAGS = Cqe.at.flags / 4;
const {
  IORING_CQE_F_32,
  IORING_CQE_F_SKIP,
  IORING_SQ_CQ_OVERFLOW,
  IORING_SQ_NEED_WAKEUP,
  IORING_SQ_TASKRUN,
} = constants;

/** The memory of a ring's queues: two mappings, ours to unmap. */
export interface QueueMemory {
  readonly ring: Mapping;
  readonly sqes: Mapping;
}

/** Bytes of the ring's header with the CQEs and the SQ array, and of the SQEs. */
export function queueSizes(params: RingParams): { readonly ring: number; readonly sqes: number } {
  const { flags, sqEntries, cqEntries, sqOff, cqOff } = params;
  const cqes = cqOff.cqes + cqEntries * (flags & constants.IORING_SETUP_CQE32 ? 32 : 16);
  const array = flags & constants.IORING_SETUP_NO_SQARRAY ? 0 : sqOff.array + sqEntries * 4;
  const sqe = flags & constants.IORING_SETUP_SQE128 ? 128 : Sqe.size;
  return { ring: Math.max(cqes, array), sqes: sqEntries * sqe };
}

/** Maps the queues of the ring `fd`; on failure nothing stays mapped. */
export function mapQueueMemory(fd: number, params: RingParams): QueueMemory {
  const sizes = queueSizes(params);
  const ring = mapQueue(fd, sizes.ring, constants.IORING_OFF_SQ_RING);
  try {
    return { ring, sqes: mapQueue(fd, sizes.sqes, constants.IORING_OFF_SQES) };
  } catch (error) {
    ring.unmap();
    throw error;
  }
}

/** The range [from, to) of unconsumed elements in the old ring, and the old ring's index mask. */
interface Unconsumed {
  readonly from: number;
  readonly to: number;
  readonly mask: number;
}

function misplaced(): Error {
  return new Error('uring: an entry of the submission queue was taken while another one was written');
}

/** Copies the unconsumed elements of the old ring to their places in the new one; an element has `size` words. */
function copyUnconsumed<T extends Int32Array | Uint32Array>(
  source: T,
  target: T,
  size: number,
  { from, to, mask }: Unconsumed,
  newMask: number,
): void {
  for (let i = from; i !== to; i = (i + 1) | 0) {
    const at = (i & mask) * size;
    target.set(source.subarray(at, at + size), (i & newMask) * size);
  }
}

/**
 * Mapped queues. Heads and tails are free-running 32-bit counters; ours are kept here, the kernel's are read with
 * acquire and written with release semantics.
 */
export class Queues {
  /** Where the next entry is written. */
  readonly sqe = new SqeCursor();
  sqEntries = 0;
  cqEntries = 0;

  // the completion that take() read last: kept as signed words, which V8 neither boxes nor converts
  #low = 0;
  #high = 0;
  #flags = 0;
  /** The result, or minus the errno. */
  res = 0;

  #memory: QueueMemory | undefined;
  #ring = NOTHING;
  #sqMask = 0;
  #cqMask = 0;
  #sqTail = 0;
  /** Where the tail was when the cursor was put on its entry. */
  #sqSought = 0;
  #published = 0;
  /** Entries up to this counter are known to be free. The kernel's head is read again only when the tail reaches it. */
  #sqLimit = 0;
  #cqHead = 0;
  #cqSeen = 0;
  #cqReleased = 0;
  #cqes = 0;
  #cqeShift = 2;
  #mixed = false;
  // word indices of the shared counters
  #kSqHead = 0;
  #kSqTail = 0;
  #kSqFlags = 0;
  #kCqHead = 0;
  #kCqTail = 0;
  #kCqFlags = 0;
  #kCqOverflow = 0;

  constructor(memory: QueueMemory, params: RingParams) {
    this.attach(memory, params);
  }

  /** Switches to `memory`; heads and tails are read from it. */
  attach(memory: QueueMemory, params: RingParams): void {
    const { flags, sqOff, cqOff, sqEntries, cqEntries } = params;
    this.#memory = memory;
    const { ring, sqes } = memory;
    this.#ring = new Int32Array(ring.buffer, ring.offset, ring.length >> 2);
    const stride = flags & constants.IORING_SETUP_SQE128 ? 32 : 16;
    this.sqe.attach(sqes.buffer, stride, sqes.offset, sqes.length);
    this.sqEntries = sqEntries;
    this.cqEntries = cqEntries;
    this.#sqMask = sqEntries - 1;
    this.#cqMask = cqEntries - 1;
    this.#kSqHead = sqOff.head >> 2;
    this.#kSqTail = sqOff.tail >> 2;
    this.#kSqFlags = sqOff.flags >> 2;
    this.#kCqHead = cqOff.head >> 2;
    this.#kCqTail = cqOff.tail >> 2;
    this.#kCqFlags = cqOff.flags >> 2;
    this.#kCqOverflow = cqOff.overflow >> 2;
    this.#cqes = cqOff.cqes >> 2;
    this.#cqeShift = flags & constants.IORING_SETUP_CQE32 ? 3 : 2;
    this.#mixed = (flags & constants.IORING_SETUP_CQE_MIXED) !== 0;
    this.#sqTail = this.#load(this.#kSqTail);
    // the cursor is on no entry of this memory yet
    this.#sqSought = ~this.#sqTail;
    this.#published = this.#sqTail;
    this.#sqLimit = this.#sqTail;
    this.#cqHead = this.#load(this.#kCqHead);
    this.#cqSeen = this.#cqHead;
    this.#cqReleased = this.#cqHead;
    if ((flags & constants.IORING_SETUP_NO_SQARRAY) === 0) this.#identity(sqOff.array >> 2);
  }

  /**
   * Switches to the memory of a resized ring; heads and tails keep their values. Unconsumed elements of the old memory are
   * copied again: kernels before 7.0 copy only halves of entries of 128 bytes and of completions of 32 bytes, and no
   * kernel copies anything where a counter wraps.
   * @returns the old memory, to be unmapped
   */
  move(memory: QueueMemory, params: RingParams): QueueMemory | undefined {
    const old = this.#memory;
    const { words } = this.sqe;
    const ring = this.#ring;
    const entries = {
      from: this.#load(this.#kSqHead),
      to: this.#load(this.#kSqTail),
      mask: this.sqEntries - 1,
    };
    const ready = {
      from: this.#load(this.#kCqHead),
      to: this.#load(this.#kCqTail),
      mask: this.cqEntries - 1,
    };
    this.attach(memory, params);
    const cqe = 1 << this.#cqeShift;
    copyUnconsumed(words, this.sqe.words, this.sqe.stride, entries, this.sqEntries - 1);
    copyUnconsumed(
      ring.subarray(this.#cqes),
      this.#ring.subarray(this.#cqes),
      cqe,
      ready,
      this.cqEntries - 1,
    );
    return old;
  }

  /** Unmaps the memory; later stores and loads have no effect. */
  unmap(): void {
    this.#ring = NOTHING;
    this.#sqLimit = this.#sqTail;
    this.#published = this.#sqTail;
    this.sqe.detach();
    this.#memory?.sqes.unmap();
    this.#memory?.ring.unmap();
    this.#memory = undefined;
  }

  get isMapped(): boolean {
    return this.#memory !== undefined;
  }

  // ---- submission ----------------------------------------------------------------------------------------

  /** Entries that can be prepared now. */
  get space(): number {
    if (this.#memory === undefined) return 0;
    return this.sqEntries - ((this.#sqTail - this.#load(this.#kSqHead)) | 0);
  }

  /** Puts the cursor on the next free entry; false when the queue is full. The entry counts after `advance()`. */
  seek(): boolean {
    const tail = this.#sqTail;
    if (tail === this.#sqLimit && !this.#findRoom()) return false;
    const { sqe } = this;
    sqe.base = (tail & this.#sqMask) * sqe.stride;
    this.#sqSought = tail;
    return true;
  }

  /**
   * The entry under the cursor is complete.
   * @throws Error where the cursor is on another entry than the next one: what was written there is not counted
   */
  advance(): void {
    const tail = this.#sqTail;
    if (this.#sqSought !== tail) throw misplaced();
    this.#sqTail = (tail + 1) | 0;
  }

  /** Shows the complete entries to the kernel; returns how many it has not consumed. */
  publish(): number {
    if (this.#published !== this.#sqTail) {
      this.#published = this.#sqTail;
      this.#store(this.#kSqTail, this.#sqTail);
    }
    return this.unconsumed;
  }

  /** Complete entries that the kernel has not consumed. */
  get unconsumed(): number {
    if (this.#memory === undefined) return 0;
    return (this.#sqTail - this.#load(this.#kSqHead)) | 0;
  }

  /** Complete entries that are not published yet. */
  get unpublished(): number {
    return (this.#sqTail - this.#published) | 0;
  }

  /** Where the next entry will be, as a counter. */
  get end(): number {
    return this.#sqTail;
  }

  /** Has the kernel taken all entries before `end`? */
  isTaken(end: number): boolean {
    return this.#memory === undefined || ((this.#load(this.#kSqHead) - end) | 0) >= 0;
  }

  /** A copy of the entry with this user_data, as long as no later one has its place; for errors. */
  entryOf(low: number, high: number): Uint8Array | undefined {
    const { words, stride } = this.sqe;
    for (let base = 0; base < words.length; base += stride) {
      const [entryLow, entryHigh] = this.sqe.userDataAt(base);
      if (entryLow === low && entryHigh === high) return new Uint8Array(words.slice(base, base + 16).buffer);
    }
    return undefined;
  }

  /** Takes back the last `count` entries, which were not published. */
  rewind(count: number): void {
    this.#sqTail = (this.#sqTail - count) | 0;
  }

  /**
   * Takes back the entries that the kernel has not consumed (with `published` false: not even seen), last first;
   * gives the user_data of each.
   */
  *takeBack(published: boolean): Generator<[number, number]> {
    const stop = published ? this.#load(this.#kSqHead) : this.#published;
    while (this.#sqTail !== stop) {
      this.#sqTail = (this.#sqTail - 1) | 0;
      yield this.sqe.userDataAt((this.#sqTail & (this.sqEntries - 1)) * this.sqe.stride);
    }
    if (published) this.publish();
  }

  /** IORING_SQ_* bits: what the kernel wants. */
  get sqFlags(): number {
    return this.#memory === undefined ? 0 : this.#load(this.#kSqFlags);
  }

  /** The SQPOLL thread sleeps. */
  get needsWakeup(): boolean {
    return (this.sqFlags & IORING_SQ_NEED_WAKEUP) !== 0;
  }

  /** Completions wait in the kernel because the queue was full. */
  get isOverflowed(): boolean {
    return (this.#hints() & IORING_SQ_CQ_OVERFLOW) !== 0;
  }

  /** Completions wait in the kernel: in the overflow list, or as task work. */
  get needsEnter(): boolean {
    return (this.#hints() & (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN)) !== 0;
  }

  /** The same bits, in no order with other memory: for what is asked for again and again, and is never awaited. */
  #hints(): number {
    return this.#ring[this.#kSqFlags] ?? 0;
  }

  // ---- completion ----------------------------------------------------------------------------------------

  /** Completions (or slots of them, on a mixed ring) that can be taken now. */
  get ready(): number {
    if (this.#memory === undefined) return 0;
    this.#cqSeen = this.#load(this.#kCqTail);
    return (this.#cqSeen - this.#cqHead) | 0;
  }

  /**
   * Takes the next completion into `low`, `high`, `res`, `flags`; false when there is none. The kernel gets the
   * slots back when the queue is empty, or by `release()`.
   */
  take(): boolean {
    if (this.#cqHead === this.#cqSeen && !this.#look()) return false;
    this.#read();
    return this.#mixed ? this.#takeMixed() : true;
  }

  /** Reads the next slot. */
  #read(): void {
    const ring = this.#ring;
    const head = this.#cqHead;
    const at = this.#cqes + ((head & this.#cqMask) << this.#cqeShift);
    this.#low = ring[at] ?? 0;
    this.#high = ring[at + 1] ?? 0;
    this.res = ring[at + RES] ?? 0;
    this.#flags = ring[at + CQE_FLAGS] ?? 0;
    this.#cqHead = (head + 1) | 0;
  }

  /** Where slots are of both sizes: takes the second slot of a big completion, and passes over those that fill a gap. */
  #takeMixed(): boolean {
    for (;;) {
      if ((this.#flags & IORING_CQE_F_32) !== 0) this.#cqHead = (this.#cqHead + 1) | 0;
      if ((this.#flags & IORING_CQE_F_SKIP) === 0) return true;
      if (this.#cqHead === this.#cqSeen && !this.#look()) return false;
      this.#read();
    }
  }

  /** Puts back the completion that take() took, before the kernel gets its slot. */
  untake(): void {
    const isBig = this.#mixed && (this.#flags & IORING_CQE_F_32) !== 0;
    this.#cqHead = (this.#cqHead - (isBig ? 2 : 1)) | 0;
  }

  /** user_data of the completion that take() read last, low 32 bits. */
  get low(): number {
    return this.#low >>> 0;
  }

  /** user_data, high 32 bits. */
  get high(): number {
    return this.#high >>> 0;
  }

  /** IORING_CQE_F_* */
  get flags(): number {
    return this.#flags >>> 0;
  }

  /** Gives the slots of taken completions back to the kernel. */
  release(): void {
    if (this.#cqReleased === this.#cqHead || this.#memory === undefined) return;
    this.#cqReleased = this.#cqHead;
    this.#store(this.#kCqHead, this.#cqHead);
  }

  /** Visits the completions that are ready without taking them. */
  *peek(): Generator<[high: number, low: number]> {
    const end = this.#memory === undefined ? this.#cqHead : this.#load(this.#kCqTail);
    for (let head = this.#cqHead; head !== end; ) {
      const at = this.#cqes + ((head & (this.cqEntries - 1)) << this.#cqeShift);
      const flags = this.#ring[at + CQE_FLAGS] ?? 0;
      head = (head + (this.#mixed && flags & IORING_CQE_F_32 ? 2 : 1)) | 0;
      if (this.#mixed && flags & IORING_CQE_F_SKIP) continue;
      yield [(this.#ring[at + 1] ?? 0) >>> 0, (this.#ring[at] ?? 0) >>> 0];
    }
  }

  /** The two extra words of the completion that take() read last; undefined when it has none. */
  extra(): readonly [bigint, bigint] | undefined {
    // another ring's message may have any flags: they tell the size on a mixed ring only
    const isBig = this.#cqeShift === 3 || (this.#mixed && (this.flags & IORING_CQE_F_32) !== 0);
    if (!isBig) return undefined;
    // on a mixed ring it has two slots; after a resize it may begin in the last one
    const slots = this.#mixed ? 2 : 1;
    const half = this.#cqes + (((this.#cqHead - slots) & (this.cqEntries - 1)) << this.#cqeShift) + 4;
    const at = half < this.#cqes + (this.cqEntries << this.#cqeShift) ? half : this.#cqes;
    const words = new BigUint64Array(this.#ring.slice(at, at + 4).buffer);
    return [words[0] ?? 0n, words[1] ?? 0n];
  }

  /** Can completions be kept from signalling the eventfd? Before 5.8 there is no flag for it. */
  get canDisableEventfd(): boolean {
    return this.#kCqFlags !== 0;
  }

  /** Whether completions signal the registered eventfd: IORING_CQ_EVENTFD_DISABLED. */
  get eventfdDisabled(): boolean {
    return (this.#load(this.#kCqFlags) & constants.IORING_CQ_EVENTFD_DISABLED) !== 0;
  }

  set eventfdDisabled(disabled: boolean) {
    this.#store(this.#kCqFlags, disabled ? constants.IORING_CQ_EVENTFD_DISABLED : 0);
  }

  /** Completions that were lost because there was no memory for them. */
  get lost(): number {
    return this.#memory === undefined ? 0 : this.#load(this.#kCqOverflow) >>> 0;
  }

  #findRoom(): boolean {
    this.#sqLimit = (this.#sqTail + this.space) | 0;
    return this.#sqLimit !== this.#sqTail;
  }

  #look(): boolean {
    if (this.#memory === undefined) return false;
    this.release();
    this.#cqSeen = this.#load(this.#kCqTail);
    return this.#cqSeen !== this.#cqHead;
  }

  #load(word: number): number {
    return Atomics.load(this.#ring, word);
  }

  #store(word: number, value: number): void {
    Atomics.store(this.#ring, word, value);
  }

  /** With an SQ array, entry i is always SQE i. */
  #identity(array: number): void {
    for (let i = 0; i < this.sqEntries; i++) this.#ring[array + i] = i;
  }
}

/**
 * Maps the queues of a ring made by `setup`, for use without a `Ring`: `publish()` and `enter` submit, `take()` reaps.
 *
 * Safety: what the entries point to is yours to keep alive; `unmap()` and close the fd when you are done.
 * @throws SyscallError ENOMEM
 */
export function mapQueues(fd: number, params: RingParams): Queues {
  return new Queues(mapQueueMemory(fd, params), params);
}

/**
 * The next free submission queue entry, which counts from now on: give it to a preparer at once.
 * @throws QueueFullError when there is none: publish() and enter() first
 */
export function nextSqe(queues: Queues): SqeCursor {
  if (!queues.seek()) throw new QueueFullError(queues.sqEntries);
  queues.advance();
  return queues.sqe;
}
