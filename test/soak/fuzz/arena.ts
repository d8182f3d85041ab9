/** Memory whose surroundings are watched: whoever writes beyond what he was given is seen. */
import { alloc } from '../../../lib/sys/memory.ts';
import type { Random } from './random.ts';

const GUARD = 64;
const PAGE = 4096;
const CANARY = 0xa5;

/** A piece of memory in the middle of a buffer. */
interface Guarded {
  readonly what: string;
  readonly start: number;
  readonly end: number;
  /** The whole buffer; after a transfer the one that has its memory now. */
  whole: Uint8Array;
  view: Uint8Array | undefined;
}

/** Buffers with canaries on both sides, and small ones of V8's between them that nobody is given. */
export class Arena {
  readonly #pieces: Guarded[] = [];
  readonly #bystanders: Uint8Array[] = [];
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  #add(what: string, whole: Uint8Array, start: number, length: number): Uint8Array {
    whole.fill(CANARY);
    const view = whole.subarray(start, start + length).fill(0);
    this.#pieces.push({ what, start, end: start + length, whole, view });
    this.#bystanders.push(new Uint8Array(64).fill(CANARY));
    return view;
  }

  /** A new piece of so many bytes. */
  bytes(length: number): Uint8Array {
    return this.#add(`${length} bytes`, new Uint8Array(length + 2 * GUARD), GUARD, length);
  }

  /** Whole pages, as `alloc` gives them. */
  pages(count: number): Uint8Array {
    return this.#add(`${count} pages`, alloc((count + 2) * PAGE), PAGE, count * PAGE);
  }

  /** One of the pieces, or a new one. */
  some(): Uint8Array {
    const { view } = this.#random.chance(70) ? (this.#random.pick(this.#pieces) ?? {}) : {};
    if (view !== undefined) return view;
    return this.#random.chance(80) ? this.bytes(this.#random.below(600)) : this.pages(1);
  }

  /** Takes the memory of a piece away from all views of it. The kernel may still write there: its new owner stays. */
  detachOne(): void {
    const piece = this.#random.pick(this.#pieces);
    if (piece?.view === undefined) return;
    const { buffer, byteOffset, length } = piece.whole;
    if (!(buffer instanceof ArrayBuffer) || buffer.byteLength === 0) return;
    piece.whole = new Uint8Array(structuredClone(buffer, { transfer: [buffer] }), byteOffset, length);
    piece.view = undefined;
  }

  /** What was written that should not have been. */
  hurt(): string[] {
    const isWhole = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === CANARY);
    const pieces = this.#pieces
      .filter(({ whole, start, end }) => !isWhole(whole.subarray(0, start)) || !isWhole(whole.subarray(end)))
      .map(({ what }) => `a canary beside ${what}`);
    return [...pieces, ...this.#bystanders.filter((each) => !isWhole(each)).map(() => 'memory of nobody')];
  }
}
