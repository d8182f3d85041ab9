/**
 * Operations of workers on memory that is not from `alloc()`: the kernel gets a copy, in memory that outlives the worker, and
 * what it wrote is copied back when the operation has ended.
 */
import { bufferOf, lengthOf, offsetOf } from '../../structs/views.ts';
import type { Block, WorkerMemory } from './worker-memory.ts';

/** The copy of a piece of a caller's memory. */
interface Copy {
  readonly from: number;
  readonly length: number;
  readonly block: Block;
  uses: number;
}

/** What one operation uses of a copy. */
interface Use {
  readonly copy: Copy;
  readonly buffer: ArrayBufferLike;
  /** The caller's memory. */
  readonly target: Uint8Array;
  /** The same bytes of the copy. */
  readonly source: Uint8Array;
}

export type Uses = readonly Use[];

export class Copies {
  readonly #memory: WorkerMemory;
  /** Copies in use, by the buffer that they are of: operations on the same bytes share one, as a read linked to a write does. */
  readonly #ofBuffer = new WeakMap<ArrayBufferLike, Copy[]>();
  #new: Use[] = [];

  constructor(memory: WorkerMemory) {
    this.#memory = memory;
  }

  /** The address of a copy of a view's memory, for the operation that is being made. */
  addressOf(view: ArrayBufferView): number {
    const [buffer, from, length] = [bufferOf(view), offsetOf(view), lengthOf(view)];
    const target = new Uint8Array(buffer, from, length);
    const copy = this.#find(buffer, from, length) ?? this.#make(buffer, target);
    copy.uses++;
    const at = from - copy.from;
    this.#new.push({ copy, buffer, target, source: copy.block.bytes.subarray(at, at + length) });
    return copy.block.address + at;
  }

  #find(buffer: ArrayBufferLike, from: number, length: number): Copy | undefined {
    return this.#ofBuffer
      .get(buffer)
      ?.find((copy) => from >= copy.from && from + length <= copy.from + copy.length);
  }

  #make(buffer: ArrayBufferLike, target: Uint8Array): Copy {
    const block = this.#memory.take(target.length);
    block.bytes.set(target);
    const copy = { from: target.byteOffset, length: target.length, block, uses: 0 };
    const copies = this.#ofBuffer.get(buffer) ?? [];
    this.#ofBuffer.set(buffer, copies);
    copies.push(copy);
    return copy;
  }

  /** What was asked for since the last call: what the operation that was just made uses. */
  takeNew(): Uses | undefined {
    if (this.#new.length === 0) return undefined;
    const uses = this.#new;
    this.#new = [];
    return uses;
  }

  /**
   * The operation has ended.
   * @param isWritten may the kernel have written to the memory?
   */
  end(uses: Uses, isWritten: boolean): void {
    for (const { copy, buffer, target, source } of uses) {
      // a detached one has no bytes any more
      if (isWritten && target.length === source.length) target.set(source);
      if (--copy.uses > 0) continue;
      const copies = this.#ofBuffer.get(buffer) ?? [];
      copies.splice(copies.indexOf(copy), 1);
      this.#memory.give(copy.block);
    }
  }
}
