/** Registered buffers: memory that the kernel has pinned, for READ_FIXED and its kin. */
import { boolean, callback, integer, list, options, wrongType, wrongValue } from '../../../structs/check.ts';
import { bytesOf, lengthOf } from '../../../structs/views.ts';
import { ClosedError, RegisterError, UnsupportedError } from '../../errors.ts';
import {
  registerBuffers,
  registerBuffers2,
  registerBuffersUpdate,
  registerCloneBuffers,
  unregisterBuffers,
} from '../../register/buffers.ts';
import { lastingAddressOf, stableView } from '../../sys/memory.ts';
import type { RingBase } from '../base.ts';
import { inContext } from '../core/context.ts';
import type { RingCore, Tag } from '../core/core.ts';
import { Owner, uninterrupted } from './owner.ts';

/** How many bytes one registered buffer may have. */
const MAX_BYTES = 2 ** 30;
const MAX_BUFFERS = 16384;

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

  /** @internal Is it one? Asked without running code of the caller's. */
  static is(value: unknown): value is RegisteredBuffer {
    return typeof value === 'object' && value !== null && #slot in value;
  }

  /** Which slot of the ring's table. */
  get index(): number {
    return this.#slot.index;
  }

  /** The memory itself. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** @internal Where it begins. */
  get address(): number {
    return this.#address;
  }

  /** How many bytes it has; 0 once its memory was transferred away. */
  get length(): number {
    return lengthOf(this.#bytes);
  }

  /** A piece of it, with the meaning of `Uint8Array.prototype.subarray`. */
  subarray(begin?: number, end?: number): RegisteredBuffer {
    const whole = bytesOf(this.#bytes);
    const piece = whole.subarray(begin, end);
    return new RegisteredBuffer(this.#slot, piece, this.#address + (piece.byteOffset - whole.byteOffset));
  }

  /** @internal Throws unless it is registered with this ring now. */
  use(core: RingCore): this {
    if (this.#slot.core !== core)
      throw wrongValue('buffer', "registered with this ring, not with another's", this.index);
    if (!this.#slot.isCurrent) throw new ClosedError(`registered buffer ${this.index}`);
    return this;
  }
}

/** One entry of a ring's table, for as long as it names the same memory. */
interface Slot {
  readonly core: RingCore;
  readonly index: number;
  readonly view: ArrayBufferView;
  readonly address: number;
  readonly tag: Tag;
  /** Does the kernel have the tag too? */
  readonly isTagged: boolean;
  isCurrent: boolean;
}

/** What `registerBuffers` takes: the buffers, or how many empty slots. null is an empty slot. */
export type BufferList = readonly (ArrayBufferView | null)[] | { readonly slots: number };

/** Options of `registerBuffers`. */
export interface RegisterBuffersOptions {
  /** Called when the kernel has let go of a slot's memory: after it was replaced, cleared or unregistered. */
  readonly onRelease?: (index: number) => void;
}

/** The memory of a view. */
interface Piece {
  readonly view: ArrayBufferView;
  readonly address: number;
  readonly length: number;
}

/** The memory of each view. All are read first: a getter of one could take the memory of another away. */
function pieces(buffers: readonly (ArrayBufferView | null)[]): (Piece | null)[] {
  return [...list('buffers', buffers)].map((view, i) => {
    if (view === null) return null;
    const address = lastingAddressOf('buffers', view, i);
    const length = lengthOf(view);
    if (length > MAX_BYTES) throw wrongValue(`buffers[${i}]`, 'at most 1 GiB long', length);
    return { view, address, length };
  });
}

/** An empty table. Before 5.19 there is no flag for it: there each slot is named empty. */
function registerSparse(core: RingCore, slots: number): void {
  try {
    registerBuffers2(core.handle, { sparse: slots });
  } catch (error) {
    if (!(error instanceof UnsupportedError || (error instanceof RegisterError && error.code === 'EINVAL')))
      throw error;
    registerBuffers(
      core.handle,
      Array.from({ length: slots }, () => null),
    );
  }
}

/**
 * The buffers registered with a ring. Their memory stays referenced until the kernel says, by the tag of its slot,
 * that it has let go: also after `unregister()`, for a read that is in flight.
 */
export class RegisteredBuffers extends Owner {
  readonly #length: number;
  readonly #slots: (Slot | null)[];
  readonly #onRelease: ((index: number) => void) | undefined;

  private constructor(ring: RingBase, core: RingCore, length: number, onRelease?: (index: number) => void) {
    super(ring, core, 'the buffer table');
    this.#length = length;
    this.#slots = Array.from({ length }, () => null);
    this.#onRelease = onRelease;
  }

  /** How many slots the table has. */
  get length(): number {
    return this.#length;
  }

  /** @internal REGISTER_BUFFERS2, or REGISTER_BUFFERS where there are no tags. */
  static register(
    ring: RingBase,
    core: RingCore,
    buffers: BufferList,
    given?: RegisterBuffersOptions,
  ): RegisteredBuffers {
    options('options', given, ['onRelease']);
    const told = inContext(callback('options.onRelease', given?.onRelease));
    if (typeof buffers !== 'object' || buffers === null || !('slots' in buffers || Array.isArray(buffers)))
      throw wrongType('buffers', 'an array of views, or { slots }', buffers);
    if ('slots' in buffers) {
      options('buffers', buffers, ['slots']);
      const slots = integer('buffers.slots', buffers.slots, 1, MAX_BUFFERS);
      registerSparse(core, slots);
      return new RegisteredBuffers(ring, core, slots, told);
    }
    const found = pieces(buffers);
    integer('buffers.length', found.length, 1, MAX_BUFFERS);
    const owner = new RegisteredBuffers(ring, core, found.length, told);
    owner.#enter(0, found, (tags) => {
      if (tags === undefined) registerBuffers(core.handle, found);
      else registerBuffers2(core.handle, { buffers: found, tags });
    });
    return owner;
  }

  /** The buffer in a slot. @throws RangeError for a slot that is not in the table, ClosedError for an empty one */
  at(index: number): RegisteredBuffer {
    this.check();
    const slot = this.#slots[integer('index', index, 0, this.length - 1)];
    if (!slot) throw new ClosedError(`slot ${index} of the buffer table is empty: it`);
    return new RegisteredBuffer(slot, bytesOf(stableView('the memory of the slot', slot.view)), slot.address);
  }

  /**
   * Puts other memory into slots, null empties one (REGISTER_BUFFERS_UPDATE, since 5.13).
   * @param offset the first slot
   * @throws RegisterError with `done`, how many slots were changed before the one that failed; that one keeps its old buffer
   */
  update(offset: number, buffers: readonly (ArrayBufferView | null)[]): void {
    const found = pieces(buffers);
    this.check();
    integer('buffers.length', found.length, 1, this.length);
    integer('offset', offset, 0, this.length - found.length);
    this.#enter(offset, found, (tags) => {
      registerBuffersUpdate(this.core.handle, { offset, buffers: found, tags });
    });
  }

  /**
   * Registers the same memory with another ring of this process (REGISTER_CLONE_BUFFERS, since 6.12): nothing is
   * copied and nothing is charged again. The clone lives on when this one is unregistered.
   * @param range `offset` of the first slot here, `at` of the first one there, `count` of slots (all when absent);
   *   `replace: true` puts them into the other ring's table, which is then the owner given back
   */
  cloneTo(target: RingBase, range: CloneRange = {}): RegisteredBuffers {
    options('range', range, ['offset', 'at', 'count', 'replace']);
    const { offset = 0, at = 0, count = this.length - offset, replace = false } = range;
    this.check();
    if (typeof target?.adoptBuffers !== 'function') throw wrongType('target', 'a ring', target);
    integer('range.offset', offset, 0, this.length - 1);
    integer('range.count', count, 1, this.length - offset);
    integer('range.at', at, 0, MAX_BUFFERS - count);
    boolean('range.replace', replace);
    const source = this.#slots.slice(offset, offset + count);
    const isPartial = offset !== 0 || at !== 0 || count !== this.length;
    return target.adoptBuffers((core, previous) => {
      registerCloneBuffers(core.handle, {
        srcFd: this.core.handle,
        ...(isPartial ? { srcOff: offset, dstOff: at, nr: count } : {}),
        replace,
      });
      const clone = new RegisteredBuffers(target, core, Math.max(at + count, previous?.length ?? 0));
      if (previous !== undefined) previous.#supersede(clone, at, at + count);
      source.forEach((slot, i) => {
        if (slot) clone.#slots[at + i] = clone.#slot(at + i, slot, false);
      });
      return clone;
    });
  }

  /** Another owner has the table now: slots outside [from, to) move there, the others are released. */
  #supersede(heir: RegisteredBuffers, from: number, to: number): void {
    this.#slots.forEach((slot, i) => {
      if (i >= from && i < to) this.#drop(i);
      else heir.#slots[i] = slot;
    });
    this.disown();
  }

  /** Tags and holds what comes, calls the kernel, and keeps the books by what it did. */
  #enter(offset: number, found: readonly (Piece | null)[], call: (tags: bigint[] | undefined) => void): void {
    const { core } = this;
    const { hasTags } = core;
    const slots = found.map((piece, i) => (piece === null ? null : this.#slot(offset + i, piece, hasTags)));
    let done = found.length;
    try {
      call(hasTags ? slots.map((slot) => (slot ? core.tagValue(slot.tag) : 0n)) : undefined);
    } catch (error) {
      done = error instanceof RegisterError ? (error.done ?? 0) : 0;
      throw error;
    } finally {
      slots.forEach((slot, i) => {
        if (i < done) this.#replace(offset + i, slot);
        else if (slot) core.untag(slot.tag);
      });
    }
  }

  /** A slot that holds its memory. A clone's has no tag in the kernel. */
  #slot(
    index: number,
    { view, address }: { view: ArrayBufferView; address: number },
    isTagged: boolean,
  ): Slot {
    const { core } = this;
    const tag = core.tag(index, view, this.#onRelease);
    return { core, index, view, address, tag, isTagged, isCurrent: true };
  }

  #replace(index: number, slot: Slot | null): void {
    this.#drop(index);
    this.#slots[index] = slot;
  }

  #drop(index: number): void {
    const old = this.#slots[index];
    this.#slots[index] = null;
    if (!old) return;
    old.isCurrent = false;
    if (old.isTagged) this.core.expectTag(old.tag);
    else this.core.expectRelease(old.tag);
  }

  protected override release(): void {
    uninterrupted(() => unregisterBuffers(this.core.handle));
    for (let i = 0; i < this.length; i++) this.#drop(i);
  }
}

/** Which slots to clone. */
export interface CloneRange {
  readonly offset?: number;
  readonly at?: number;
  readonly count?: number;
  readonly replace?: boolean;
}
