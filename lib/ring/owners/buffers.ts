/** Registered buffers: memory that the kernel has pinned, for READ_FIXED and its kin. */
import {
  boolean,
  callback,
  copyList,
  integer,
  isList,
  options,
  wrongType,
  wrongValue,
} from '../../../structs/check.ts';
import { bytesOf, lengthOf } from '../../../structs/views.ts';
import { ClosedError, RegisterError } from '../../errors.ts';
import { type Iovecs, pinViews } from '../../register/arguments.ts';
import { registerIovecs, updateIovecs } from '../../register/buffer-table.ts';
import {
  registerBuffers,
  registerBuffers2,
  registerCloneBuffers,
  unregisterBuffers,
} from '../../register/buffers.ts';
import { stableView } from '../../sys/memory.ts';
import { inContext } from '../core/context.ts';
import type { RingCore } from '../core/core.ts';
import { type AnyRing, openCore } from '../core/rings.ts';
import type { Tag } from '../core/tags.ts';
import { Owner, registerSparse, uninterrupted } from './owner.ts';

/** How many bytes one registered buffer may have. */
const MAX_BYTES = 2 ** 30;
const MAX_BUFFERS = 16384;

/** Throws unless `value` can be an argument of `subarray`. */
function limit(name: string, value: number): void {
  if (typeof value !== 'number') throw wrongType(name, 'a number', value);
}

/** Memory of a registered buffer, or a piece of it. Passed to an operation it makes a read a READ_FIXED. */
export class RegisteredBuffer {
  readonly #slot: Slot;
  readonly #bytes: Uint8Array;
  readonly #address: number;

  /** @internal */
  constructor(slot: Slot, bytes: Uint8Array, address: number) {
    this.#slot = slot;
    this.#bytes = bytes;
    this.#address = address;
  }

  // The static functions read private fields only, whatever properties the caller has put on the object.

  /** @internal Is it one? Asked without running code of the caller's. */
  static is(value: unknown): value is RegisteredBuffer {
    return typeof value === 'object' && value !== null && #slot in value;
  }

  /** @internal Which slot of the ring's table. */
  static indexOf(buffer: RegisteredBuffer): number {
    return buffer.#slot.index;
  }

  /** @internal The memory itself. */
  static memoryOf(buffer: RegisteredBuffer): Uint8Array {
    return buffer.#bytes;
  }

  /** @internal The address of its first byte. */
  static addressOf(buffer: RegisteredBuffer): number {
    return buffer.#address;
  }

  /** @internal How many bytes it has; 0 once its memory was transferred away. */
  static lengthOf(buffer: RegisteredBuffer): number {
    return lengthOf(buffer.#bytes);
  }

  /** @internal Throws unless `buffer` is registered with the ring of `core` now; returns it. */
  static use(buffer: RegisteredBuffer, core: RingCore): RegisteredBuffer {
    const { index, core: owning, state } = buffer.#slot;
    if (owning !== core) throw wrongValue('buffer', "registered with this ring, not with another's", index);
    if (state !== 'held') throw new ClosedError(`registered buffer ${index}`);
    return buffer;
  }

  /** Which slot of the ring's table. */
  get index(): number {
    return this.#slot.index;
  }

  /** The memory itself. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** How many bytes it has; 0 once its memory was transferred away. */
  get length(): number {
    return lengthOf(this.#bytes);
  }

  /** A piece of it, with the meaning of `Uint8Array.prototype.subarray`. */
  subarray(begin?: number, end?: number): RegisteredBuffer {
    const whole = bytesOf(this.#bytes);
    if (begin !== undefined) limit('begin', begin);
    if (end !== undefined) limit('end', end);
    const piece = whole.subarray(begin, end);
    return new RegisteredBuffer(this.#slot, piece, this.#address + (piece.byteOffset - whole.byteOffset));
  }
}

Object.freeze(RegisteredBuffer);

/**
 * One entry of a ring's table, for as long as it names the same memory: `held` is that memory, and `state` is `'held'` as
 * long as the table has the entry. One object for each, because a table has thousands.
 */
interface Slot extends Tag {
  readonly core: RingCore;
  held: ArrayBufferView | undefined;
  /** Does the kernel have the tag too? */
  readonly isTagged: boolean;
}

/** What `registerBuffers` takes: the buffers, or how many empty slots. null is an empty slot. */
export type BufferList = readonly (ArrayBufferView | null)[] | { readonly slots: number };

/** Options of `registerBuffers`. */
export interface RegisterBuffersOptions {
  /** Called when the kernel has let go of a slot's memory: after it was replaced, cleared or unregistered. */
  readonly onRelease?: ((index: number) => void) | undefined;
}

/** Views that were copied out of the caller's array, and where their memory lies. */
interface Pieces {
  readonly views: readonly (ArrayBufferView | null | undefined)[];
  readonly iovecs: Iovecs;
}

/** Copies the caller's array first and asks for addresses then: reading one element may detach the memory of another. */
function pieces(buffers: readonly (ArrayBufferView | null)[], max: number): Pieces {
  const views = copyList('buffers', buffers, 1, max);
  const iovecs = pinViews('buffers', views);
  const { lengths } = iovecs;
  for (let i = 0; i < lengths.length; i++) {
    const length = lengths[i] ?? 0;
    if (length > MAX_BYTES) throw wrongValue(`buffers[${i}]`, 'at most 1 GiB long', length);
  }
  return { views, iovecs };
}

/** The latest table of each ring. The keys are rings, not cores: a core must not refer to an owner. */
const tables = new WeakMap<AnyRing, RegisteredBuffers>();

/**
 * The buffers registered with a ring. Their memory stays referenced until the kernel says, by the tag of its slot,
 * that it has let go: also after `unregister()`, for a read that is in flight.
 */
export class RegisteredBuffers extends Owner {
  readonly #core: RingCore;
  readonly #slots: (Slot | null)[];
  /** Where the memory of each slot begins: a field of a slot would be an object for each number. */
  readonly #addresses: Float64Array;
  readonly #onRelease: ((index: number) => void) | undefined;

  private constructor(ring: AnyRing, length: number, onRelease?: (index: number) => void) {
    super(ring, 'the buffer table');
    this.#core = Owner.coreOf(this);
    this.#slots = new Array<Slot | null>(length).fill(null);
    this.#addresses = new Float64Array(length);
    this.#onRelease = onRelease;
  }

  /** How many slots the table has. */
  get length(): number {
    return this.#slots.length;
  }

  /** @internal REGISTER_BUFFERS2, or REGISTER_BUFFERS where there are no tags. */
  static register(
    ring: AnyRing,
    buffers: BufferList,
    given?: RegisterBuffersOptions | undefined,
  ): RegisteredBuffers {
    const core = openCore('ring', ring);
    options('options', given, ['onRelease']);
    const onRelease = inContext(callback('options.onRelease', given?.onRelease));
    if (typeof buffers !== 'object' || buffers === null || !(isList(buffers) || 'slots' in buffers))
      throw wrongType('buffers', 'an array of views, or { slots }', buffers);
    const owner = isList(buffers)
      ? RegisteredBuffers.#fill(ring, pieces(buffers, MAX_BUFFERS), onRelease)
      : RegisteredBuffers.#sparse(ring, core, buffers, onRelease);
    tables.set(ring, owner);
    return owner;
  }

  static #sparse(
    ring: AnyRing,
    core: RingCore,
    given: { readonly slots: number },
    onRelease: RegisterBuffersOptions['onRelease'],
  ): RegisteredBuffers {
    options('buffers', given, ['slots']);
    const slots = integer('buffers.slots', given.slots, 1, MAX_BUFFERS);
    registerSparse(
      () => registerBuffers2(core.handle, { sparse: slots }),
      () => registerBuffers(core.handle, new Array<null>(slots).fill(null)),
    );
    return new RegisteredBuffers(ring, slots, onRelease);
  }

  static #fill(
    ring: AnyRing,
    given: Pieces,
    onRelease: RegisterBuffersOptions['onRelease'],
  ): RegisteredBuffers {
    const owner = new RegisteredBuffers(ring, given.views.length, onRelease);
    owner.#registerAndTrack(0, given, (tags) => registerIovecs(owner.#core.handle, given.iovecs, tags));
    return owner;
  }

  /** The buffer in a slot. @throws RangeError for a slot that is not in the table, ClosedError for an empty one */
  at(index: number): RegisteredBuffer {
    Owner.check(this);
    const slot = this.#slots[integer('index', index, 0, this.#slots.length - 1)];
    if (!slot) throw new ClosedError(`slot ${index} of the buffer table is empty: it`);
    const bytes = bytesOf(stableView('the memory of the slot', slot.held));
    return new RegisteredBuffer(slot, bytes, this.#addresses[index] ?? 0);
  }

  /**
   * Puts other memory into slots, null empties one (REGISTER_BUFFERS_UPDATE, since 5.13).
   * @param offset the first slot
   * @throws RegisterError with `done`, how many slots were changed before the one that failed; that one keeps its old buffer
   */
  update(offset: number, buffers: readonly (ArrayBufferView | null)[]): void {
    Owner.check(this);
    const length = this.#slots.length;
    const given = pieces(buffers, length);
    // the caller's array may have unregistered the table while it was read
    Owner.check(this);
    integer('offset', offset, 0, length - given.views.length);
    this.#registerAndTrack(offset, given, (tags) =>
      updateIovecs(this.#core.handle, offset, given.iovecs, tags),
    );
  }

  /**
   * Registers the same memory with another ring of this process (REGISTER_CLONE_BUFFERS, since 6.12): nothing is
   * copied and nothing is charged again. The clone lives on when this one is unregistered.
   * @param range `offset` of the first slot here, `at` of the first one there, `count` of slots (all when absent);
   *   `replace: true` puts them into the other ring's table, which is then the owner given back
   */
  cloneTo(target: AnyRing, range: CloneRange = {}): RegisteredBuffers {
    const { length } = this.#slots;
    options('range', range, ['offset', 'at', 'count', 'replace']);
    const { offset = 0, at = 0, count = length - offset, replace = false } = range;
    integer('range.offset', offset, 0, length - 1);
    integer('range.count', count, 1, length - offset);
    integer('range.at', at, 0, MAX_BUFFERS - count);
    boolean('range.replace', replace);
    Owner.check(this);
    const core = openCore('target', target);
    const previous = tables.get(target);
    const isPartial = offset !== 0 || at !== 0 || count !== length;
    registerCloneBuffers(core.handle, {
      srcFd: this.#core.handle,
      ...(isPartial ? { srcOff: offset, dstOff: at, nr: count } : {}),
      replace,
    });
    const former = previous !== undefined && Owner.isLive(previous) ? previous : undefined;
    const clone = new RegisteredBuffers(target, Math.max(at + count, former?.length ?? 0));
    if (former !== undefined) former.#moveTo(clone, at, at + count);
    this.#slots.slice(offset, offset + count).forEach((slot, i) => {
      if (!slot?.held) return;
      clone.#slots[at + i] = clone.#slot(at + i, slot.held, false);
      clone.#addresses[at + i] = this.#addresses[offset + i] ?? 0;
    });
    tables.set(target, clone);
    return clone;
  }

  /** The owner `next` has the table from now on: slots outside of [from, to) move there, the others are released. */
  #moveTo(next: RegisteredBuffers, from: number, to: number): void {
    this.#slots.forEach((slot, i) => {
      if (i >= from && i < to) this.#drop(i);
      else {
        next.#slots[i] = slot;
        next.#addresses[i] = this.#addresses[i] ?? 0;
      }
    });
    this.markUnregistered();
  }

  /**
   * Tags each buffer, calls the kernel, and records the slots that it accepted.
   * @param call gets the tags as pairs of u32, low half first; undefined before 5.13
   */
  #registerAndTrack(
    offset: number,
    { views, iovecs }: Pieces,
    call: (tags: Uint32Array | undefined) => void,
  ): void {
    const core = this.#core;
    const tags = core.tags.areKnown ? new Uint32Array(2 * views.length) : undefined;
    const slots = new Array<Slot | null>(views.length);
    for (let i = 0; i < views.length; i++) {
      const view = views[i];
      const slot = view ? this.#slot(offset + i, view, tags !== undefined) : null;
      slots[i] = slot;
      if (slot === null || tags === undefined) continue;
      tags[2 * i] = slot.entry;
      tags[2 * i + 1] = core.tags.highOf(slot);
    }
    let done = views.length;
    try {
      call(tags);
    } catch (error) {
      done = error instanceof RegisterError ? (error.done ?? 0) : 0;
      throw error;
    } finally {
      for (let i = 0; i < slots.length; i++) {
        const slot = slots[i] ?? null;
        if (i < done) {
          this.#drop(offset + i);
          this.#slots[offset + i] = slot;
          this.#addresses[offset + i] = Number(iovecs.bases[i]);
        } else if (slot) core.tags.remove(slot);
      }
    }
    core.takeQuietTags();
  }

  /** A slot that holds its memory. A clone's has no tag in the kernel. */
  #slot(index: number, held: ArrayBufferView, isTagged: boolean): Slot {
    const core = this.#core;
    const slot: Slot = {
      entry: -1,
      index,
      held,
      onRelease: this.#onRelease,
      state: 'held',
      core,
      isTagged,
    };
    core.tags.add(slot);
    return slot;
  }

  #drop(index: number): void {
    const slot = this.#slots[index];
    this.#slots[index] = null;
    if (!slot) return;
    if (slot.isTagged) this.#core.tags.expect(slot);
    else this.#core.tags.expectRelease(slot);
  }

  protected override release(): void {
    uninterrupted(() => unregisterBuffers(this.#core.handle));
    for (let i = 0; i < this.#slots.length; i++) this.#drop(i);
    this.#core.takeQuietTags();
  }
}

/** Which slots to clone. */
export interface CloneRange {
  readonly offset?: number | undefined;
  readonly at?: number | undefined;
  readonly count?: number | undefined;
  readonly replace?: boolean | undefined;
}
