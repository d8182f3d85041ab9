/** Buffer rings: memory from which the kernel picks a buffer when data is there, not when it is asked for. */
import {
  boolean,
  copyList,
  integer,
  oneOf,
  U16_MAX,
  U32_MAX,
  wrongType,
  wrongValue,
} from '../../../structs/check.ts';
import { constants } from '../../../structs/flags.ts';
import { Buf } from '../../../structs/rsrc.ts';
import { bytesOf } from '../../../structs/views.ts';
import { RegisterError } from '../../errors.ts';
import { record } from '../../register/arguments.ts';
import { registerPbufRing, registerPbufStatus, unregisterPbufRing } from '../../register/buffers.ts';
import {
  addressOf,
  alloc,
  lastingAddressOf,
  type Mapping,
  mapAnonymous,
  mapRing,
  stableView,
} from '../../sys/memory.ts';
import type { RingCore } from '../core/core.ts';
import { type Newer, withNewer } from '../core/newer.ts';
import { type AnyRing, openCore } from '../core/rings.ts';
import { Owner } from './owner.ts';
import { type BufferCompletion, type BufferPart, PoolBuffers } from './pool-buffers.ts';
import type { BufferHolder, PoolHolder } from './pool-holder.ts';

export { type BufferCompletion, BufferPart } from './pool-buffers.ts';
export type { BufferHolder } from './pool-holder.ts';

const {
  IORING_CQE_F_BUFFER,
  IORING_OFF_PBUF_RING,
  IORING_OFF_PBUF_SHIFT,
  IOU_PBUF_RING_INC,
  IOU_PBUF_RING_MMAP,
} = constants;
const MAX_ENTRIES = 32_768;
/** The most that `alloc` gives. */
const MAX_BYTES = 2 ** 32;
/** The most bytes of a buffer that the caller gives. */
const MAX_GIVEN = 2 ** 30;
/** The highest group whose kernel-allocated ring can be mapped: mmap's offset has 11 bits for the group. */
const MAX_KERNEL_GROUP = (~constants.IORING_OFF_MMAP_MASK & 0x7fff_ffff) >>> IORING_OFF_PBUF_SHIFT;
/** After so many groups that the kernel says are taken, we stop looking for a free one. */
const MAX_REFUSALS = 64;

/** What every buffer ring can have. */
interface PoolOptions {
  /** Who allocates the ring of entries: `'user'` when absent, or `'kernel'` (IOU_PBUF_RING_MMAP, 6.4). */
  readonly memory?: 'user' | 'kernel' | undefined;
  /** A receive takes only what it needs of a buffer, the next one goes on behind it (IOU_PBUF_RING_INC, 6.12). */
  readonly incremental?: boolean | undefined;
  /** With `incremental`: a buffer with fewer bytes left counts as used up. Newer than `incremental` itself. */
  readonly minLeft?: number | undefined;
  /** The number of the group, 0..65535, with `memory: 'kernel'` 0..2047; the lowest free one when absent. */
  readonly group?: number | undefined;
}

/** A buffer ring whose buffers the ring allocates. */
export interface AllocatedBuffers extends PoolOptions {
  /** How many buffers: a power of two, 1..32768. */
  readonly entries: number;
  /** Bytes of each; all together at most 4 GiB. */
  readonly bufferSize: number;
  readonly buffers?: undefined;
}

/** A buffer ring whose buffers are memory of yours. */
export interface GivenBuffers extends PoolOptions {
  /**
   * The buffers, 1..32768, of any sizes up to 1 GiB. The ring holds them while the pool is registered, and each receive in
   * flight holds all of them: the kernel may write into them until then. `part.keep()` takes one out, `pool.add()` adds one.
   */
  readonly buffers: readonly ArrayBufferView[];
  /** How many buffers there can be at a time: a power of two; the lowest one that fits when absent. */
  readonly entries?: number | undefined;
  readonly bufferSize?: undefined;
}

/** Options of `registerBufferRing`. */
export type BufferRingOptions = AllocatedBuffers | GivenBuffers;

/** The options, copied and checked. */
interface CheckedOptions {
  readonly entries: number;
  readonly bufferSize: number;
  readonly views: readonly unknown[] | undefined;
  readonly memory: 'user' | 'kernel';
  readonly incremental: boolean;
  readonly flags: number;
  readonly minLeft: number;
  readonly group: number | undefined;
  readonly newest: Newer | undefined;
}

/** A registered group and the memory of its ring. */
interface Group {
  readonly group: number;
  readonly mapping: Mapping;
}

/** Groups that are registered by us, ring by ring. */
const groups = new WeakMap<RingCore, Set<number>>();

function groupsOf(core: RingCore): Set<number> {
  const known = groups.get(core) ?? new Set();
  groups.set(core, known);
  return known;
}

/** The newest thing that the options ask for: what a kernel lacks that refuses them. */
function newestOf(
  minLeft: number,
  incremental: boolean,
  memory: CheckedOptions['memory'],
): Newer | undefined {
  if (minLeft > 0) return { need: 'io_uring_buf_reg.min_left' };
  if (incremental) return { need: 'IOU_PBUF_RING_INC', since: '6.12' };
  return memory === 'kernel' ? { need: 'IOU_PBUF_RING_MMAP', since: '6.4' } : undefined;
}

function checkGroup(group: number | undefined, memory: CheckedOptions['memory']): void {
  if (group === undefined) return;
  integer('options.group', group, 0, U16_MAX);
  if (memory === 'kernel' && group > MAX_KERNEL_GROUP) {
    const allowed = `at most ${MAX_KERNEL_GROUP} with memory: 'kernel', because a ring of a higher group can't be mapped`;
    throw wrongValue('options.group', allowed, group);
  }
}

function checkEntries(entries: number, least: number): void {
  integer('options.entries', entries, least, MAX_ENTRIES);
  if ((entries & (entries - 1)) !== 0) throw wrongValue('options.entries', 'a power of two', entries);
}

/** How many buffers, and their size or the memory given. */
function readMemory(options: BufferRingOptions): Pick<CheckedOptions, 'entries' | 'bufferSize' | 'views'> {
  const { entries, bufferSize, buffers } = options;
  if (buffers === undefined) {
    checkEntries(entries, 1);
    integer('options.bufferSize', bufferSize, 1, Math.min(MAX_BYTES / entries, U32_MAX));
    return { entries, bufferSize, views: undefined };
  }
  if (bufferSize !== undefined) throw wrongValue('options.bufferSize', 'absent beside buffers', bufferSize);
  const views = copyList<unknown>('options.buffers', buffers, 1, MAX_ENTRIES);
  const room = entries ?? 2 ** Math.ceil(Math.log2(views.length));
  checkEntries(room, views.length);
  return { entries: room, bufferSize: 0, views };
}

const OPTIONS = ['entries', 'bufferSize', 'buffers', 'memory', 'incremental', 'minLeft', 'group'];

function read(core: RingCore, given: BufferRingOptions): CheckedOptions {
  record('options', given, OPTIONS);
  // each option is read once: a getter may give another value the next time
  const options: BufferRingOptions = { ...given };
  const { memory = 'user', incremental = false, minLeft = 0, group } = options;
  const { entries, bufferSize, views } = readMemory(options);
  oneOf('options.memory', memory, ['user', 'kernel']);
  if (memory === 'kernel' && core.fd < 0) {
    throw wrongValue('options.memory', "'user' where the ring has no fd", memory);
  }
  boolean('options.incremental', incremental);
  integer('options.minLeft', minLeft, 0, views === undefined ? bufferSize : MAX_GIVEN);
  if (minLeft > 0 && !incremental) throw wrongValue('options.minLeft', 'absent without incremental', minLeft);
  checkGroup(group, memory);
  const flags = (memory === 'kernel' ? IOU_PBUF_RING_MMAP : 0) | (incremental ? IOU_PBUF_RING_INC : 0);
  const newest = newestOf(minLeft, incremental, memory);
  return { entries, bufferSize, views, memory, incremental, flags, minLeft, group, newest };
}

/** Calls `register` with the group asked for, or with the lowest free one: OP_PROVIDE_BUFFERS may have taken some. */
function chooseGroup(
  core: RingCore,
  { group, memory }: CheckedOptions,
  register: (group: number) => void,
): number {
  const ours = groupsOf(core);
  let refusals = 0;
  for (let candidate = group ?? 0; ; candidate++) {
    if (group === undefined && ours.has(candidate)) continue;
    checkGroup(candidate, memory);
    try {
      register(candidate);
      ours.add(candidate);
      return candidate;
    } catch (error) {
      const isTaken = error instanceof RegisterError && error.code === 'EEXIST';
      if (!isTaken || group !== undefined || ++refusals === MAX_REFUSALS) throw error;
    }
  }
}

function registerGroup(core: RingCore, checked: CheckedOptions, ringAddr: number | undefined): number {
  const { entries: ringEntries, flags, minLeft } = checked;
  return withNewer(checked.newest, () =>
    chooseGroup(core, checked, (bgid) =>
      registerPbufRing(core.handle, { ringAddr, ringEntries, bgid, flags, minLeft }),
    ),
  );
}

function inOwnMemory(core: RingCore, checked: CheckedOptions): Group {
  const mapping = mapAnonymous(checked.entries * Buf.size);
  try {
    return { group: registerGroup(core, checked, mapping.address), mapping };
  } catch (error) {
    mapping.unmap();
    throw error;
  }
}

function inKernelMemory(core: RingCore, checked: CheckedOptions): Group {
  const group = registerGroup(core, checked, undefined);
  try {
    // a sum, because the offset is above 2^31
    const offset = IORING_OFF_PBUF_RING + group * 2 ** IORING_OFF_PBUF_SHIFT;
    return { group, mapping: mapRing(core.fd, checked.entries * Buf.size, offset) };
  } catch (error) {
    groupsOf(core).delete(group);
    unregisterPbufRing(core.handle, group);
    throw error;
  }
}

/** Memory of one buffer and its address. */
interface PinnedBuffer {
  readonly bytes: Uint8Array;
  readonly address: number;
}

/** The buffers of a new ring, in memory of our own or in what the caller gave. Runs no code of the caller's. */
function pinned({ entries, bufferSize, views }: CheckedOptions): PinnedBuffer[] {
  if (views !== undefined) return views.map((view, i) => pin('options.buffers', view, i));
  const data = alloc(entries * bufferSize);
  const start = addressOf('data', data);
  return Array.from({ length: entries }, (_, id) => ({
    bytes: data.subarray(id * bufferSize, (id + 1) * bufferSize),
    address: start + id * bufferSize,
  }));
}

function pin(name: string, given: unknown, index: number): PinnedBuffer {
  const address = lastingAddressOf(name, given, index);
  const bytes = bytesOf(stableView(name, given));
  if (bytes.length > MAX_GIVEN) throw wrongValue(`${name}[${index}]`, 'at most 1 GiB long', bytes.length);
  return { bytes, address };
}

/** Unmaps when the ring closes. The closure refers to the buffers alone: the ring's core must not refer to the ring. */
function closeWithRing(core: RingCore, buffers: PoolBuffers): () => void {
  return core.onClose(() => buffers.close());
}

/** Throws unless `completion` is an object. */
function checkCompletion(name: string, completion: BufferCompletion): void {
  if (typeof completion !== 'object' || completion === null)
    throw wrongType(name, 'a completion, with res and flags', completion);
}

/**
 * A ring of buffers that receives pick from: `ring.prepare.recv(socket, pool)`. Each completion is turned into its data
 * by `take()`, once; releasing the data gives the buffer back to the kernel. A receive that finds no buffer ends with
 * ENOBUFS.
 */
export class BufferRing extends Owner {
  readonly #length: number;
  readonly #group: number;
  /** Held by each receive in flight. */
  readonly #buffers: PoolBuffers;
  /** Does the kernel tell what it has taken (6.8)? */
  #canAsk = true;
  readonly #minLeft: number | undefined;
  readonly #undoHolds: readonly (() => void)[];

  private constructor(ring: AnyRing, group: number, checked: CheckedOptions, buffers: PoolBuffers) {
    super(ring, 'the buffer ring');
    const core = Owner.coreOf(this);
    this.#length = checked.entries;
    this.#minLeft = checked.incremental ? checked.minLeft : undefined;
    this.#group = group;
    this.#buffers = buffers;
    this.#undoHolds = [core.hold(buffers), closeWithRing(core, buffers)];
  }

  // The static functions read private fields only, whatever properties the caller has put on the object.

  /** @internal Is it one? Asked without running code of the caller's. */
  static is(value: unknown): value is BufferRing {
    return typeof value === 'object' && value !== null && #group in value;
  }

  /** @internal Its bookkeeping, which a receive in flight must keep alive. */
  static buffersOf(pool: BufferRing): PoolBuffers {
    return pool.#buffers;
  }

  /** @internal Bytes that a buffer must have left to be used once more; undefined where each is used once. */
  static minLeftOf(pool: BufferRing): number | undefined {
    return pool.#minLeft;
  }

  /** @internal The group of `pool`, for an operation of the ring that it is registered with; throws for another ring. */
  static use(pool: BufferRing, core: RingCore): number {
    Owner.checkRing(pool, core, 'pool', pool.#group);
    return pool.#group;
  }

  /**
   * @internal Remembers where the data of a completion is, for `take`. To be called for every completion that is reaped.
   * @param held what the core holds for its operation
   * @param completion the object that the caller gets, where it is one
   */
  static reaped(held: unknown, completion: object | undefined, res: number, flags: number): void {
    if ((flags & IORING_CQE_F_BUFFER) === 0) return;
    // a recvmsg holds its msghdr beside the pool
    const pool: unknown = Array.isArray(held) ? held.find((each) => PoolBuffers.is(each)) : held;
    if (PoolBuffers.is(pool)) pool.reaped(completion, res, flags);
  }

  /** @internal REGISTER_PBUF_RING */
  static register(ring: AnyRing, options: BufferRingOptions): BufferRing {
    const core = openCore('ring', ring);
    const checked = read(core, options);
    const given = pinned(checked);
    const { entries, memory, incremental } = checked;
    const { group, mapping } =
      memory === 'kernel' ? inKernelMemory(core, checked) : inOwnMemory(core, checked);
    const buffers = new PoolBuffers(mapping, entries, incremental);
    given.forEach(({ bytes, address }, id) => {
      buffers.fill(id, bytes, address);
    });
    buffers.publish();
    return new BufferRing(ring, group, checked, buffers);
  }

  /** How many buffers it has room for. */
  get length(): number {
    return this.#length;
  }

  /** Bytes of each buffer; where they differ, of the smallest. */
  get bufferSize(): number {
    return this.#buffers.smallest;
  }

  /**
   * Buffers that the kernel can pick: neither used up, with data in them, nor taken out. From 6.8 on the kernel is asked, so
   * that data count that no completion has told of yet; before that the completions that were taken count.
   */
  get free(): number {
    if (!Owner.isLive(this)) return 0;
    const head = this.#canAsk ? this.#head() : undefined;
    return head === undefined ? this.#buffers.free : this.#buffers.freeAfter(head);
  }

  /** Undefined where this kernel, or a sandbox, does not tell. */
  #head(): number | undefined {
    try {
      return registerPbufStatus(Owner.coreOf(this).handle, this.#group);
    } catch {
      this.#canAsk = false;
      return undefined;
    }
  }

  /**
   * Who holds how many buffers: receives that go on and on, then all single
   * operations together. A receive whose consumer is slow has up to `maxHeld`.
   */
  holders(): readonly BufferHolder[] {
    return this.#buffers.holders();
  }

  /** How many receives, which go on and on, wait for a buffer. */
  get waiting(): number {
    return this.#buffers.waiting;
  }

  /**
   * Gives the kernel one buffer more, in the place of one that `part.keep()` took out, or that was never there.
   * @param memory it is held as those of the option `buffers` are
   * @returns its id, as `part.id` has it
   * @throws RangeError where all `length` places are taken
   */
  add(memory: ArrayBufferView): number {
    Owner.check(this);
    const { bytes, address } = pin('memory', memory, -1);
    const id = this.#buffers.vacancy;
    if (id < 0)
      throw wrongValue('memory', `absent: all ${this.#length} places of the pool are taken`, memory);
    this.#buffers.fill(id, bytes, address);
    this.#buffers.publish();
    return id;
  }

  /**
   * The data of a completion that has IORING_CQE_F_BUFFER. Also works after the pool or the ring was closed; a failed
   * operation that used up a buffer has no bytes. A datagram that is longer than the buffer has `part.isTruncated`.
   *
   * Take each completion once: the second time its buffer may hold other data. The order doesn't matter for the objects of
   * `completions()`; with an incremental pool and `reap()`, where completions are numbers only, take those of equal `res` and
   * `flags` in their order.
   * @throws RangeError for a completion without a buffer, or one that is not of this pool
   */
  take(completion: BufferCompletion): BufferPart {
    checkCompletion('completion', completion);
    return this.#buffers.take(completion);
  }

  /**
   * The data of a completion of a bundle (IORING_RECVSEND_BUNDLE, 6.10), which may lie in several buffers: as `take`, a part
   * for each, in order.
   */
  takeBundle(completion: BufferCompletion): BufferPart[] {
    checkCompletion('completion', completion);
    return this.#buffers.takeBundle(completion);
  }

  /**
   * Tells how many buffers the kernel has taken so far, a counter of 16 bits (REGISTER_PBUF_STATUS).
   * @since 6.8
   * @see io_uring_buf_ring_head(3)
   */
  status(): { readonly head: number } {
    Owner.check(this);
    return { head: registerPbufStatus(Owner.coreOf(this).handle, this.#group) };
  }

  /** @internal As `take`, for promises: where few buffers are free, or `holder` has its share, the data are copied. */
  static takeFairly(pool: BufferRing, completion: BufferCompletion, holder?: PoolHolder): BufferPart {
    return pool.#buffers.take(completion, true, holder);
  }

  /** @internal As `takeBundle`, for promises. */
  static takeBundleFairly(pool: BufferRing, completion: BufferCompletion, holder?: PoolHolder): BufferPart[] {
    return pool.#buffers.takeBundle(completion, true, holder);
  }

  protected override release(): void {
    const core = Owner.coreOf(this);
    unregisterPbufRing(core.handle, this.#group);
    groupsOf(core).delete(this.#group);
    for (const undo of this.#undoHolds) undo();
    this.#buffers.close();
  }
}

Object.freeze(BufferRing);
