/** The buffers of a buffer ring: whose they are, and which bytes of them belong to which completion. */
import { integer, U32_MAX, wrongValue } from '../../../structs/check.ts';
import { constants } from '../../../structs/flags.ts';
import type { Mapping } from '../../sys/memory.ts';
import { BufferEntries } from './buffer-entries.ts';
import { type BufferHolder, mostAtOnce, type PoolHolder } from './pool-holder.ts';

const { IORING_CQE_BUFFER_SHIFT, IORING_CQE_F_BUF_MORE, IORING_CQE_F_BUFFER } = constants;

/** What a completion must have to be taken: its result and IORING_CQE_F_* bits. */
export interface BufferCompletion {
  readonly res: number;
  readonly flags: number;
}

/**
 * Data that was received into a buffer of a ring. `bytes` are valid until `release()`: then the buffer goes back to the
 * kernel, once every part of it is released.
 */
export class BufferPart implements Disposable {
  readonly #bytes: Uint8Array;
  readonly #id: number;
  readonly #length: number;
  readonly #isCopy: boolean;
  #pool: PoolBuffers | undefined;
  readonly #holder: PoolHolder | undefined;

  /** @internal @param pool undefined for a copy, whose buffer has gone back already */
  constructor(
    pool: PoolBuffers | undefined,
    id: number,
    bytes: Uint8Array,
    length: number,
    holder: PoolHolder | undefined,
  ) {
    this.#bytes = bytes;
    this.#id = id;
    this.#length = length;
    this.#pool = pool;
    this.#isCopy = pool === undefined;
    this.#holder = holder;
  }

  /** The data: a view, not a copy. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Which buffer of the ring. */
  get id(): number {
    return this.#id;
  }

  /**
   * How many bytes were received. More than `bytes` has where the buffer was too small for a datagram and the receive asked
   * for its true length (MSG_TRUNC, 0x20, in `flags` of the receive).
   */
  get length(): number {
    return this.#length;
  }

  /** Does `bytes` hold only the beginning of the datagram? Known only where the receive asked for its true length. */
  get isTruncated(): boolean {
    return this.#length > this.#bytes.length;
  }

  /**
   * Are `bytes` memory of their own, because few buffers of the pool were free, or the receive held `maxHeld` of them? The
   * buffer has gone back then.
   */
  get isCopy(): boolean {
    return this.#isCopy;
  }

  /** Says that `bytes` are not needed any more. Harmless when repeated, and after the ring is closed. */
  release(): void {
    const pool = this.#pool;
    this.#pool = undefined;
    pool?.releasePart(this.#id, this.#holder);
  }

  /**
   * Takes the whole buffer out of the pool: it does not go back to the kernel, and its memory stays yours. The place that it
   * had is free for `pool.add()` once every part of the buffer is released or kept. Does nothing after `release()`, and for a
   * copy (`isCopy`), which is yours anyway.
   */
  keep(): void {
    this.#pool?.keep(this.#id);
    this.release();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/** The bytes of a buffer that one completion is about. */
interface Located {
  readonly id: number;
  readonly at: number;
  readonly count: number;
  /** The completion's `res`: more than `count` for a truncated datagram. */
  readonly length: number;
}

/** A completion that was located when it was reaped, and not taken yet. */
interface Pending {
  readonly completion: object | undefined;
  readonly res: number;
  readonly flags: number;
  readonly located: readonly [Located, ...Located[]];
}

/** A buffer's state. */
const VACANT = 0;
const KERNELS = 1;
/** The kernel writes into it no more; parts of it are not released. */
const USED = 2;
/** As USED, and it does not go back. */
const KEPT = 3;

/**
 * The bookkeeping of a buffer ring. It refers to no owner and no ring, because a receive in flight holds it: what the core of
 * a ring holds must not refer to the ring.
 */
export class PoolBuffers {
  readonly #length: number;
  readonly #isIncremental: boolean;
  readonly #entries: BufferEntries;
  readonly #memory: (Uint8Array | undefined)[] = [];
  readonly #addresses: Float64Array;
  readonly #sizes: Uint32Array;
  readonly #states: Uint8Array;
  /** Where the next data of each buffer goes; other than 0 in incremental rings only. */
  readonly #offsets: Uint32Array;
  /** Parts of each buffer that are not released. */
  readonly #parts: Uint32Array;
  /** Which buffer each entry of the ring names, and the latest entry of each buffer: the kernel takes them in this order. */
  readonly #order: Uint16Array;
  readonly #place: Uint16Array;
  #added = 0;
  #free = 0;
  #isOpen = true;
  #smallest = U32_MAX;
  /** Completions that were reaped by a `Ring`, which calls `reaped`, and not taken yet. */
  #pending: Pending[] = [];
  #isTracked = false;
  /** Completion objects that were taken. */
  readonly #taken = new WeakSet<object>();
  /** Called, the first first, when the kernel has a buffer again. */
  readonly #waiting = new Set<() => void>();
  /** The same, before them: they were told already, and found none. */
  readonly #first = new Set<() => void>();
  #isTellingLater = false;
  /** Receives that hold buffers. */
  readonly #holders = new Set<PoolHolder>();
  /** Parts that single operations have received, or that nobody is known to hold. */
  #heldByOthers = 0;

  constructor(mapping: Mapping, length: number, isIncremental: boolean) {
    this.#entries = new BufferEntries(mapping, length);
    this.#length = length;
    this.#isIncremental = isIncremental;
    this.#addresses = new Float64Array(length);
    this.#sizes = new Uint32Array(length);
    this.#states = new Uint8Array(length);
    this.#offsets = new Uint32Array(length);
    this.#parts = new Uint32Array(length);
    this.#order = new Uint16Array(length);
    this.#place = new Uint16Array(length);
  }

  /** Is it one? Asked without running code of the caller's. */
  static is(value: unknown): value is PoolBuffers {
    return typeof value === 'object' && value !== null && #entries in value;
  }

  /** Bytes of the smallest buffer that was ever added. */
  get smallest(): number {
    return this.#smallest;
  }

  /** Buffers that are the kernel's. */
  get free(): number {
    return this.#isOpen ? this.#free : 0;
  }

  /** The same, where the kernel has taken `head` buffers so far (a counter of 16 bits). */
  freeAfter(head: number): number {
    return this.#isOpen ? (this.#added - head) & 0xffff : 0;
  }

  /** A place for one more buffer; -1 where all are taken. */
  get vacancy(): number {
    return this.#states.indexOf(VACANT);
  }

  /** Puts memory into a vacant place and gives it to the kernel; seen by the kernel after `publish()`. */
  fill(id: number, memory: Uint8Array, address: number): void {
    this.#memory[id] = memory;
    this.#addresses[id] = address;
    this.#sizes[id] = memory.length;
    this.#smallest = Math.min(this.#smallest, memory.length);
    this.#giveToKernel(id);
  }

  /** Shows the kernel the buffers that were added. */
  publish(): void {
    this.#entries.publish();
    this.#tellWaiting();
  }

  /** Nothing goes back to the kernel any more. Harmless when repeated. */
  close(): void {
    this.#isOpen = false;
    this.#entries.unmap();
    this.#tell(this.waiting);
  }

  /**
   * Calls back once when the kernel has a buffer to pick, or when there will be none any more: in the order of the calls, and
   * no more of them than there are buffers for what their peers may have sent, because the others would find none.
   * @param isAgain was it told before, and found none? Then its turn is now.
   */
  whenFree(callback: () => void, isAgain: boolean): void {
    if (!this.#isOpen) {
      callback();
      return;
    }
    if (isAgain) this.#first.add(callback);
    else this.#waiting.add(callback);
    this.#tellLater();
  }

  /** Takes `whenFree` back: it ended while it waited. */
  leave(callback: () => void): void {
    this.#first.delete(callback);
    this.#waiting.delete(callback);
  }

  /** How many wait for a buffer. */
  get waiting(): number {
    return this.#first.size + this.#waiting.size;
  }

  #tellWaiting(): void {
    if (this.#isTellingLater || this.waiting === 0 || this.free === 0) return;
    this.#tell(Math.ceil(this.free / mostAtOnce(this.#length)));
    this.#tellLater();
  }

  /** Tells so many of them. */
  #tell(count: number): void {
    const told: (() => void)[] = [];
    for (const queue of [this.#first, this.#waiting]) {
      for (const callback of queue) {
        if (told.length === count) break;
        told.push(callback);
      }
    }
    for (const callback of told) this.leave(callback);
    for (const callback of told) callback();
  }

  /**
   * Those who were told may have no data to put into a buffer: the next ones are told then. In the first turn of the event
   * loop the others submit, and in the second one it is known what came of it.
   */
  #tellLater(): void {
    if (this.#isTellingLater || this.waiting === 0 || this.free === 0) return;
    this.#isTellingLater = true;
    setImmediate(() => setImmediate(this.#tellNow));
  }

  readonly #tellNow = (): void => {
    this.#isTellingLater = false;
    this.#tellWaiting();
  };

  /** Who holds how many buffers. */
  holders(): BufferHolder[] {
    const known = [...this.#holders].map(({ op, fd, held }) => ({ op, fd, buffers: held }));
    return this.#heldByOthers === 0
      ? known
      : [...known, { op: undefined, fd: undefined, buffers: this.#heldByOthers }];
  }

  #giveToKernel(id: number): void {
    this.#states[id] = KERNELS;
    this.#offsets[id] = 0;
    this.#free++;
    if (!this.#isOpen) return;
    const entry = this.#added++ & (this.#length - 1);
    this.#order[entry] = id;
    this.#place[id] = entry;
    this.#entries.add(this.#addresses[id] ?? 0, this.#sizes[id] ?? 0, id);
  }

  // ---- from completions to bytes ------------------------------------------------------------------------------

  /**
   * Remembers where the bytes of a completion are: to be called for each completion in the order of the queue. In an
   * incremental ring the place of one completion's data follows from those before it, and the caller may take them in another
   * order.
   * @param completion the object that the caller gets, where it is one
   */
  reaped(completion: object | undefined, res: number, flags: number): void {
    // otherwise each completion has buffers of its own, whose data begins at 0
    if (!this.#isIncremental || !this.#isKernels(flags >>> IORING_CQE_BUFFER_SHIFT)) return;
    this.#isTracked = true;
    this.#pending.push({ completion, res, flags, located: this.#locate(res, flags, true) });
  }

  /**
   * The data of a completion.
   * @param holder the receive of many completions that it belongs to
   * @param mayCopy see `#isToCopy`
   * @throws RangeError for one without a buffer, or that is not of this pool
   */
  take(completion: BufferCompletion, mayCopy = false, holder?: PoolHolder): BufferPart {
    const { res, flags } = checked(completion);
    // the kernel counts the bytes of a datagram that it has cut off as if they were in the next buffers of an incremental ring
    const all = this.#takePending(completion, res, flags) ?? this.#locate(res, flags, this.#isIncremental);
    this.#checkMemory(all);
    for (const { id } of all.slice(1)) this.release(id);
    return this.#part(all[0], mayCopy, holder);
  }

  /** The data of a completion of a bundle, which may lie in several buffers: a part for each, in order. */
  takeBundle(completion: BufferCompletion, mayCopy = false, holder?: PoolHolder): BufferPart[] {
    const { res, flags } = checked(completion);
    const all = this.#takePending(completion, res, flags) ?? this.#locate(res, flags, true);
    this.#checkMemory(all);
    return all.map((each, i) =>
      this.#part(i === all.length - 1 ? each : { ...each, length: each.count }, mayCopy, holder),
    );
  }

  #takePending(completion: object, res: number, flags: number): Pending['located'] | undefined {
    if (!this.#isTracked) return undefined;
    const same = this.#pending.findIndex((each) => each.completion === completion);
    const at = same >= 0 ? same : this.#pending.findIndex((each) => each.res === res && each.flags === flags);
    if (at < 0 || this.#taken.has(completion)) throw foreign(res, flags);
    this.#taken.add(completion);
    return this.#pending.splice(at, 1)[0]?.located;
  }

  /** The bytes that a completion is about: in its buffer, and as a `chain` also in those that follow it in the ring. */
  #locate(res: number, flags: number, isChain: boolean): [Located, ...Located[]] {
    const id = flags >>> IORING_CQE_BUFFER_SHIFT;
    if (!this.#isKernels(id)) throw foreign(res, flags);
    const isLast = (flags & IORING_CQE_F_BUF_MORE) === 0;
    const all: [Located, ...Located[]] = [this.#consume(id, Math.max(0, res), isLast)];
    let left = res - all[0].count;
    for (let next = this.#after(id); isChain && left > 0 && this.#isInChain(next); next = this.#after(next)) {
      const located = this.#consume(next, left, isLast);
      all.push(located);
      left -= located.count;
    }
    return all;
  }

  /** Takes `length` bytes of a buffer, or as many as it has room for; without room it is used up whatever the flags say. */
  #consume(id: number, length: number, isLast: boolean): Located {
    const at = this.#offsets[id] ?? 0;
    const count = Math.min(length, this.#room(id));
    this.#offsets[id] = at + count;
    this.#parts[id] = (this.#parts[id] ?? 0) + 1;
    if (isLast || this.#room(id) === 0) {
      this.#states[id] = USED;
      this.#free--;
    }
    return { id, at, count, length };
  }

  /** Throws where the caller has transferred the memory meanwhile: what was received is the new owner's. */
  #checkMemory(all: readonly Located[]): void {
    for (const { id } of all) {
      if (!this.#isDetached(id)) continue;
      const memory = this.#memory[id];
      for (const each of all) this.release(each.id);
      throw wrongValue(`buffers[${id}]`, 'memory that is not transferred while the pool has it', memory);
    }
  }

  #isDetached(id: number): boolean {
    return this.#memory[id]?.length !== this.#sizes[id];
  }

  #part({ id, at, count, length }: Located, mayCopy: boolean, holder: PoolHolder | undefined): BufferPart {
    const memory = this.#memory[id] ?? new Uint8Array(0);
    if (mayCopy && this.#isToCopy(holder)) {
      const copy = memory.slice(at, at + count);
      this.release(id);
      return new BufferPart(undefined, id, copy, length, undefined);
    }
    if (holder === undefined) this.#heldByOthers++;
    else if (holder.held++ === 0) this.#holders.add(holder);
    return new BufferPart(this, id, memory.subarray(at, at + count), length, holder);
  }

  /**
   * Is the buffer to go back at once, and its data to be copied? Whoever holds a part may do so for ever, and the last quarter
   * of the buffers is for everybody.
   */
  #isToCopy(holder: PoolHolder | undefined): boolean {
    return this.#free < Math.floor(this.#length / 4) || (holder !== undefined && holder.held >= holder.limit);
  }

  #isKernels(id: number): boolean {
    return this.#states[id] === KERNELS;
  }

  /** Has the kernel gone on to this buffer? In an incremental ring it has written into the entry then; 6.12 doesn't go on. */
  #isInChain(id: number): boolean {
    if (!this.#isKernels(id)) return false;
    return !this.#isIncremental || this.#entries.lengthAt(this.#place[id] ?? 0) !== this.#sizes[id];
  }

  /** Bytes that a buffer has room for still. */
  #room(id: number): number {
    return (this.#sizes[id] ?? 0) - (this.#offsets[id] ?? 0);
  }

  /** The buffer that the kernel takes after `id`. */
  #after(id: number): number {
    return this.#order[((this.#place[id] ?? 0) + 1) & (this.#length - 1)] ?? 0;
  }

  // ---- back to the kernel --------------------------------------------------------------------------------------

  /** A part is released by whoever had it. */
  releasePart(id: number, holder: PoolHolder | undefined): void {
    if (holder === undefined) this.#heldByOthers--;
    else if (--holder.held === 0) this.#holders.delete(holder);
    this.release(id);
  }

  /** A part is released: with the last one of a buffer that the kernel has done with, the buffer goes back. */
  release(id: number): void {
    const left = (this.#parts[id] ?? 0) - 1;
    this.#parts[id] = left;
    if (left > 0) return;
    // transferred memory is another's, and may be freed: the kernel does not get it again
    if (this.#states[id] === USED && this.#isDetached(id)) this.#states[id] = KEPT;
    if (this.#states[id] === KEPT) this.#vacate(id);
    if (this.#states[id] !== USED) return;
    this.#giveToKernel(id);
    if (this.#isOpen) this.publish();
  }

  /** The buffer is to become the caller's with the last of its parts. */
  keep(id: number): void {
    if (this.#states[id] !== USED) throw wrongValue('part', 'of a buffer that the kernel has done with', id);
    this.#states[id] = KEPT;
  }

  #vacate(id: number): void {
    this.#states[id] = VACANT;
    this.#memory[id] = undefined;
  }
}

function foreign(res: number, flags: number): RangeError {
  return wrongValue('completion', 'of a receive from this pool, not taken before', { res, flags });
}

function checked({ res, flags }: BufferCompletion): BufferCompletion {
  integer('completion.flags', flags, 0, U32_MAX);
  integer('completion.res', res, -0x8000_0000, 0x7fff_ffff);
  if ((flags & IORING_CQE_F_BUFFER) === 0) {
    throw wrongValue('completion.flags', 'those of a completion with IORING_CQE_F_BUFFER', flags);
  }
  return { res, flags };
}
