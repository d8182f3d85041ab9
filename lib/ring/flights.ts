/**
 * What is in flight: for each operation its userData and everything that the kernel may touch, held strongly from
 * the SQE until the last CQE.
 *
 * The kernel's user_data is ours: bit 63 set, a kind, and for an operation its slot and the slot's generation, so
 * that a late completion can never be taken for another operation's, and a message from a foreign ring is told
 * apart from a completion.
 */

/** The kinds of user_data that bit 63 marks: bits 61 and 62. */
export const FLIGHT = 0;
export const TAG = 1;
export const SKIPPED = 2;

const OURS = 0x8000_0000;
const KIND_SHIFT = 29;
const PAYLOAD = 0x1fff_ffff;
/** In the list of free slots: its end. */
const NONE = -1;
/** In place of the next free slot: this one is in use. */
const IN_USE = -2;

/** The high half of a user_data of ours. */
export function mark(kind: number, payload: number): number {
  return (OURS | (kind << KIND_SHIFT) | payload) >>> 0;
}

/** Which kind the high half of a user_data is; undefined where it is not ours. */
export function kindOf(high: number): number | undefined {
  return high >= OURS ? (high >>> KIND_SHIFT) & 3 : undefined;
}

/** The 29 bits beside the kind. */
export function payloadOf(high: number): number {
  return high & PAYLOAD;
}

/** A table of operations in flight. Slots are reused, generations are not. */
export class Flights {
  /** Operations that were prepared and have not completed for the last time. */
  active = 0;
  #userData = new Float64Array(64);
  #generation = new Uint32Array(64);
  #next = new Int32Array(64).fill(NONE);
  readonly #held: unknown[] = [];
  #free = NONE;
  #used = 0;

  /** A slot for one operation; `held` is what the kernel may touch. */
  add(userData: number, held: unknown): number {
    let slot = this.#free;
    if (slot === NONE) {
      slot = this.#used++;
      if (slot === this.#userData.length) this.#grow();
      this.#held.push(held);
    } else {
      this.#free = this.#next[slot] ?? NONE;
      this.#held[slot] = held;
    }
    this.#next[slot] = IN_USE;
    this.#userData[slot] = userData;
    this.active++;
    return slot;
  }

  /** The high half of the slot's user_data; the low half is the slot itself. */
  high(slot: number): number {
    return (OURS | (this.#generation[slot] ?? 0)) >>> 0;
  }

  /** Is this the operation that has the slot now? */
  isCurrent(slot: number, high: number): boolean {
    return this.#next[slot] === IN_USE && this.#generation[slot] === (high & PAYLOAD);
  }

  userData(slot: number): number {
    return this.#userData[slot] ?? 0;
  }

  held(slot: number): unknown {
    return this.#held[slot];
  }

  /** The operation is over: lets go of what it held. */
  remove(slot: number): void {
    this.#held[slot] = undefined;
    this.#generation[slot] = ((this.#generation[slot] ?? 0) + 1) & PAYLOAD;
    this.#next[slot] = this.#free;
    this.#free = slot;
    this.active--;
  }

  /** The slots of all operations. */
  slots(): number[] {
    return Array.from({ length: this.#used }, (_, slot) => slot).filter(
      (slot) => this.#next[slot] === IN_USE,
    );
  }

  /** The slots of all operations with this userData. */
  find(userData: number): number[] {
    return this.slots().filter((slot) => this.#userData[slot] === userData);
  }

  /** Everything that is held. */
  everything(): unknown[] {
    return this.#held.filter((held) => held !== undefined);
  }

  #grow(): void {
    const length = this.#userData.length * 2;
    const userData = new Float64Array(length);
    userData.set(this.#userData);
    const generation = new Uint32Array(length);
    generation.set(this.#generation);
    const next = new Int32Array(length).fill(NONE);
    next.set(this.#next);
    this.#userData = userData;
    this.#generation = generation;
    this.#next = next;
  }
}
