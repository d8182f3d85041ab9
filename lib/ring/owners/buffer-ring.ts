/** Buffer rings: memory from which the kernel picks a buffer when data is there, not when it is asked for. */
import { boolean, integer, oneOf, U16_MAX, U32_MAX, wrongValue } from '../../../structs/check.ts';
import { constants } from '../../../structs/flags.ts';
import { Buf } from '../../../structs/rsrc.ts';
import { RegisterError } from '../../errors.ts';
import { record } from '../../register/arguments.ts';
import { registerPbufRing, registerPbufStatus, unregisterPbufRing } from '../../register/buffers.ts';
import { addressOf, alloc, type Mapping, mapAnonymous, mapRing } from '../../sys/memory.ts';
import type { RingBase } from '../base.ts';
import type { RingCore } from '../core/core.ts';
import { type Newer, withNewer } from '../core/newer.ts';
import { BufferEntries } from './buffer-entries.ts';
import { Owner } from './owner.ts';

const {
  IORING_CQE_BUFFER_SHIFT,
  IORING_CQE_F_BUF_MORE,
  IORING_CQE_F_BUFFER,
  IORING_OFF_PBUF_RING,
  IORING_OFF_PBUF_SHIFT,
  IOU_PBUF_RING_INC,
  IOU_PBUF_RING_MMAP,
} = constants;
const MAX_ENTRIES = 32_768;
/** The most that `alloc` gives. */
const MAX_BYTES = 2 ** 32;
/** After so many groups that the kernel says are taken, we stop looking for a free one. */
const MAX_REFUSALS = 64;

/** Options of `registerBufferRing`. */
export interface BufferRingOptions {
  /** How many buffers: a power of two, 1..32768. */
  readonly entries: number;
  /** Bytes of each; all together at most 4 GiB. */
  readonly bufferSize: number;
  /** Who allocates the ring of entries: `'user'` when absent, or `'kernel'` (IOU_PBUF_RING_MMAP, 6.4). */
  readonly memory?: 'user' | 'kernel';
  /** A receive takes only what it needs of a buffer, the next one goes on behind it (IOU_PBUF_RING_INC, 6.12). */
  readonly incremental?: boolean;
  /** With `incremental`: a buffer with fewer bytes left counts as used up. Newer than `incremental` itself. */
  readonly minLeft?: number;
  /** The number of the group, 0..65535; the lowest free one when absent. */
  readonly group?: number;
}

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
  /** The data: a view, not a copy. */
  readonly bytes: Uint8Array;
  /** Which buffer of the ring. */
  readonly id: number;
  #giveBack: (() => void) | undefined;

  /** @internal */
  constructor(bytes: Uint8Array, id: number, giveBack: () => void) {
    this.bytes = bytes;
    this.id = id;
    this.#giveBack = giveBack;
  }

  /** Says that `bytes` are not needed any more. Harmless when repeated, and after the ring is closed. */
  release(): void {
    const giveBack = this.#giveBack;
    this.#giveBack = undefined;
    giveBack?.();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/** The options, checked. */
interface Wish {
  readonly entries: number;
  readonly bufferSize: number;
  readonly memory: 'user' | 'kernel';
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

function newest(minLeft: number, incremental: boolean, memory: Wish['memory']): Newer | undefined {
  if (minLeft > 0) return { need: 'io_uring_buf_reg.min_left' };
  if (incremental) return { need: 'IOU_PBUF_RING_INC', since: '6.12' };
  return memory === 'kernel' ? { need: 'IOU_PBUF_RING_MMAP', since: '6.4' } : undefined;
}

function read(core: RingCore, given: BufferRingOptions): Wish {
  record('options', given, ['entries', 'bufferSize', 'memory', 'incremental', 'minLeft', 'group']);
  const { entries, bufferSize, memory = 'user', incremental = false, minLeft = 0, group } = given;
  integer('options.entries', entries, 1, MAX_ENTRIES);
  if ((entries & (entries - 1)) !== 0) throw wrongValue('options.entries', 'a power of two', entries);
  integer('options.bufferSize', bufferSize, 1, Math.min(MAX_BYTES / entries, U32_MAX));
  oneOf('options.memory', memory, ['user', 'kernel']);
  if (memory === 'kernel' && core.fd < 0) {
    throw wrongValue('options.memory', "'user' where the ring has no fd", memory);
  }
  boolean('options.incremental', incremental);
  integer('options.minLeft', minLeft, 0, bufferSize);
  if (minLeft > 0 && !incremental) throw wrongValue('options.minLeft', 'absent without incremental', minLeft);
  if (group !== undefined) integer('options.group', group, 0, U16_MAX);
  const flags = (memory === 'kernel' ? IOU_PBUF_RING_MMAP : 0) | (incremental ? IOU_PBUF_RING_INC : 0);
  return { entries, bufferSize, memory, flags, minLeft, group, newest: newest(minLeft, incremental, memory) };
}

/** Calls `register` with the group asked for, or with the lowest free one: OP_PROVIDE_BUFFERS may have taken some. */
function chooseGroup(core: RingCore, { group }: Wish, register: (group: number) => void): number {
  const ours = groupsOf(core);
  let refusals = 0;
  for (let candidate = group ?? 0; ; candidate++) {
    if (group === undefined && ours.has(candidate)) continue;
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

function registerGroup(core: RingCore, wish: Wish, ringAddr: number | undefined): number {
  const { entries: ringEntries, flags, minLeft } = wish;
  return withNewer(wish.newest, () =>
    chooseGroup(core, wish, (bgid) =>
      registerPbufRing(core.handle, { ringAddr, ringEntries, bgid, flags, minLeft }),
    ),
  );
}

function inOwnMemory(core: RingCore, wish: Wish): Group {
  const mapping = mapAnonymous(wish.entries * Buf.size);
  try {
    return { group: registerGroup(core, wish, mapping.address), mapping };
  } catch (error) {
    mapping.unmap();
    throw error;
  }
}

function inKernelMemory(core: RingCore, wish: Wish): Group {
  const group = registerGroup(core, wish, undefined);
  try {
    // a sum, because the offset is above 2^31
    const offset = IORING_OFF_PBUF_RING + group * 2 ** IORING_OFF_PBUF_SHIFT;
    return { group, mapping: mapRing(core.fd, wish.entries * Buf.size, offset) };
  } catch (error) {
    groupsOf(core).delete(group);
    unregisterPbufRing(core.handle, group);
    throw error;
  }
}

/** Unmaps when the ring closes. By itself, so that the ring's core comes to hold neither the owner nor the ring. */
function unmapAtClose(core: RingCore, entries: BufferEntries): () => void {
  return core.onClose(() => entries.unmap());
}

/**
 * A ring of buffers that receives pick from: `ring.prepare.recv(socket, pool)`. Each completion is turned into its data
 * by `take()`, once; releasing the data gives the buffer back to the kernel. A receive that finds no buffer ends with
 * ENOBUFS.
 */
export class BufferRing extends Owner {
  readonly #length: number;
  readonly #bufferSize: number;
  readonly #held: unknown;
  readonly #group: number;
  readonly #entries: BufferEntries;
  readonly #data: Uint8Array;
  readonly #address: number;
  /** Where the next data of each buffer goes. */
  readonly #offsets: Uint32Array;
  /** Parts of each buffer that are not released. */
  readonly #parts: Uint32Array;
  /** 1 for each buffer that the kernel has done with. */
  readonly #isDone: Uint8Array;
  /** Which buffer each entry of the ring names, and where each buffer was named last: bundles go on in this order. */
  readonly #order: Uint16Array;
  readonly #place: Uint16Array;
  #added = 0;
  #free: number;
  /** Who waits for a buffer. */
  #waiting: (() => void)[] = [];
  readonly #letGo: readonly (() => void)[];

  private constructor(
    ring: RingBase,
    core: RingCore,
    wish: Wish,
    { group, mapping }: Group,
    data: Uint8Array,
  ) {
    super(ring, core, 'the buffer ring');
    const { entries, bufferSize } = wish;
    this.#length = entries;
    this.#bufferSize = bufferSize;
    this.#held = { data, mapping };
    this.#group = group;
    this.#entries = new BufferEntries(mapping, entries);
    this.#data = data;
    this.#address = addressOf('data', data);
    this.#offsets = new Uint32Array(entries);
    this.#parts = new Uint32Array(entries);
    this.#isDone = new Uint8Array(entries);
    this.#order = new Uint16Array(entries);
    this.#place = new Uint16Array(entries);
    this.#free = entries;
    this.#letGo = [core.hold(this.#held), unmapAtClose(core, this.#entries)];
    for (let id = 0; id < entries; id++) this.#add(id);
    this.#entries.publish();
  }

  /** @internal Is it one? Asked without running code of the caller's. */
  static is(value: unknown): value is BufferRing {
    return typeof value === 'object' && value !== null && #group in value;
  }

  /** How many buffers it has. */
  get length(): number {
    return this.#length;
  }

  /** Bytes of each buffer. */
  get bufferSize(): number {
    return this.#bufferSize;
  }

  /** @internal What a receive in flight must keep alive. */
  get held(): unknown {
    return this.#held;
  }

  /** @internal REGISTER_PBUF_RING */
  static register(ring: RingBase, core: RingCore, options: BufferRingOptions): BufferRing {
    const wish = read(core, options);
    const data = alloc(wish.entries * wish.bufferSize);
    const group = wish.memory === 'kernel' ? inKernelMemory(core, wish) : inOwnMemory(core, wish);
    return new BufferRing(ring, core, wish, group, data);
  }

  /** @internal Its group. @throws unless it is registered with this ring now */
  static use(pool: BufferRing, core: RingCore): number {
    Owner.require(pool, core, 'pool', pool.#group);
    return pool.#group;
  }

  /** @internal What a receive in flight must keep alive. */
  static heldOf(pool: BufferRing): unknown {
    return pool.#held;
  }

  /** Buffers that are the kernel's: neither taken as a whole nor, with data in them, waiting to be given back. */
  get free(): number {
    return this.isRegistered ? this.#free : 0;
  }

  /**
   * The data of a completion that has IORING_CQE_F_BUFFER. Also works after the pool or the ring was closed; a failed
   * operation that used up a buffer has no bytes.
   *
   * Take each completion once: the second time its buffer may hold other data.
   * @throws RangeError for a completion without a buffer, or one that is not of this pool
   */
  take({ res, flags }: BufferCompletion): BufferPart {
    integer('completion.flags', flags, 0, U32_MAX);
    const count = Math.max(0, integer('completion.res', res, -0x8000_0000, 0x7fff_ffff));
    if ((flags & IORING_CQE_F_BUFFER) === 0) {
      throw wrongValue('completion.flags', 'those of a completion with IORING_CQE_F_BUFFER', flags);
    }
    const id = flags >>> IORING_CQE_BUFFER_SHIFT;
    const begin = this.#offsets[id];
    if (begin === undefined || this.#isDone[id] === 1 || begin + count > this.bufferSize) {
      throw wrongValue('completion', 'of a receive from this pool, not taken before', { res, flags });
    }
    this.#offsets[id] = begin + count;
    this.#parts[id] = (this.#parts[id] ?? 0) + 1;
    if ((flags & IORING_CQE_F_BUF_MORE) === 0) {
      this.#isDone[id] = 1;
      this.#free--;
    }
    const at = id * this.bufferSize + begin;
    return new BufferPart(this.#data.subarray(at, at + count), id, () => this.#release(id));
  }

  /**
   * The data of a completion of a bundle (IORING_RECVSEND_BUNDLE, 6.10), which may lie in several buffers: as `take`, a part
   * for each, in order.
   */
  takeBundle({ res, flags }: BufferCompletion): BufferPart[] {
    const parts = [this.take({ res: Math.min(res, this.#roomOf(flags)), flags: this.#flagsOf(res, flags) })];
    let left = res - (parts[0]?.bytes.length ?? 0);
    for (let id = flags >>> IORING_CQE_BUFFER_SHIFT; left > 0; ) {
      id = this.#order[((this.#place[id] ?? 0) + 1) & (this.length - 1)] ?? 0;
      const one = ((id << IORING_CQE_BUFFER_SHIFT) | (flags & 0xffff)) >>> 0;
      const part = this.take({ res: Math.min(left, this.#roomOf(one)), flags: this.#flagsOf(left, one) });
      parts.push(part);
      left -= part.bytes.length;
    }
    return parts;
  }

  /** Bytes that the buffer of a completion has room for still. */
  #roomOf(flags: number): number {
    return this.bufferSize - (this.#offsets[flags >>> IORING_CQE_BUFFER_SHIFT] ?? 0);
  }

  /** The flags of one part of a bundle: only its last buffer may have room left. */
  #flagsOf(left: number, flags: number): number {
    return left > this.#roomOf(flags) ? (flags & ~IORING_CQE_F_BUF_MORE) >>> 0 : flags;
  }

  /**
   * Tells how many buffers the kernel has taken so far, a counter of 16 bits (REGISTER_PBUF_STATUS).
   * @since 6.8
   * @see io_uring_buf_ring_head(3)
   */
  status(): { readonly head: number } {
    this.check();
    return { head: registerPbufStatus(this.core.handle, this.#group) };
  }

  /** @internal Calls back once when the kernel has a buffer to pick, or when there will be none any more. */
  whenFree(callback: () => void): void {
    if (this.free > 0 || !this.isRegistered) callback();
    else this.#waiting.push(callback);
  }

  #tellWaiting(): void {
    for (const callback of this.#waiting.splice(0)) callback();
  }

  #add(id: number): void {
    const entry = this.#added++ & (this.length - 1);
    this.#order[entry] = id;
    this.#place[id] = entry;
    this.#entries.add(this.#address + id * this.bufferSize, this.bufferSize, id);
  }

  /** A part is released: with the last one of a buffer that the kernel has done with, the buffer goes back. */
  #release(id: number): void {
    const left = (this.#parts[id] ?? 0) - 1;
    this.#parts[id] = left;
    if (left > 0 || this.#isDone[id] !== 1) return;
    this.#isDone[id] = 0;
    this.#offsets[id] = 0;
    this.#free++;
    if (!this.isRegistered) return;
    this.#add(id);
    this.#entries.publish();
    this.#tellWaiting();
  }

  protected override release(): void {
    unregisterPbufRing(this.core.handle, this.#group);
    groupsOf(this.core).delete(this.#group);
    this.#entries.unmap();
    for (const letGo of this.#letGo) letGo();
    this.#tellWaiting();
  }
}
