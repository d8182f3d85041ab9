/**
 * What is in flight: for each operation its userData and everything that the kernel may touch, held strongly from
 * the SQE until the last CQE.
 *
 * The kernel's user_data is ours: bit 63 set, a kind, and for an operation its slot and the slot's generation, so
 * that a late completion can never be taken for another operation's, and a message from a foreign ring is told
 * apart from a completion.
 */

import { constants } from '../../../structs/flags.ts';
import { Sqe } from '../../../structs/sqe.ts';
import type { SqeCursor } from '../../ops/sqe.ts';

/** The kinds of user_data that bit 63 marks: bits 61 and 62. */
const FLIGHT = 0;
export const TAG = 1;
export const SKIPPED = 2;

const OURS = 0x8000_0000;
const KIND_SHIFT = 29;
const PAYLOAD = 0x1fff_ffff;
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

const halves = new Uint32Array(2);
const whole = new BigUint64Array(halves.buffer);

/** Both halves of a user_data. */
export function join(high: number, low: number): bigint {
  halves[0] = low;
  halves[1] = high;
  return whole[0] ?? 0n;
}

/** Words of a slot in the table: the high half of its user_data; the first word of its entry, with opcode and flags; its file. */
const WORDS = 4;
const FIRST = 1;
const FD = 2;
/** Where an entry has its user_data, in words. */
const USER_DATA = Sqe.at.userData / 4;

/**
 * A table of operations in flight, or of other things that completions of a kind name. Slots are reused, generations are
 * not.
 */
export class Flights<H = unknown> {
  readonly #mark: number;
  #userData = new Float64Array(0);
  /**
   * The generation that every slot begins with: by chance, so that the user_data of an operation can't be guessed by a message
   * of another ring.
   */
  readonly #firstGeneration = Math.floor(Math.random() * (PAYLOAD + 1));
  /**
   * WORDS words of each slot, side by side so that they are in one line of the cache. The high half of the user_data is
   * without bit 63 while the slot is free, so that no completion fits it; entry and file are for what is said of operations
   * that don't end.
   */
  #table = new Int32Array(0);
  readonly #held: (H | undefined)[] = [];
  /** The free slots: a stack rather than a list, so that no slot has to be read to know the next one. */
  #free = new Int32Array(0);
  #freeCount = 0;

  constructor(kind: number = FLIGHT) {
    // as a signed word, which V8 does not box
    this.#mark = mark(kind, 0) | 0;
    this.#grow();
  }

  /** Operations that were prepared and have not completed for the last time. */
  get active(): number {
    return this.#free.length - this.#freeCount;
  }

  /** A slot for one operation; `held` is what the kernel may touch. */
  add(userData: number, held: H): number {
    if (this.#freeCount === 0) this.#grow();
    const slot = this.#free[--this.#freeCount] ?? 0;
    // free slots hold nothing
    if (held !== undefined) this.#held[slot] = held;
    this.#userData[slot] = userData;
    const table = this.#table;
    const at = slot * WORDS;
    table[at] = (table[at] ?? 0) | this.#mark;
    return slot;
  }

  /**
   * As `add`, for the operation whose entry is under the cursor: gives the entry its user_data too. All in one function,
   * because V8 would not inline a third one here.
   */
  start(userData: number, held: H, sqe: SqeCursor): number {
    if (this.#freeCount === 0) this.#grow();
    const slot = this.#free[--this.#freeCount] ?? 0;
    if (held !== undefined) this.#held[slot] = held;
    this.#userData[slot] = userData;
    const table = this.#table;
    const at = slot * WORDS;
    const { words, base } = sqe;
    table[at + FIRST] = words[base] ?? 0;
    table[at + FD] = words[base + 1] ?? 0;
    const high = (table[at] ?? 0) | this.#mark;
    table[at] = high;
    words[base + USER_DATA] = slot;
    words[base + USER_DATA + 1] = high;
    return slot;
  }

  opcode(slot: number): number {
    return (this.#table[slot * WORDS + FIRST] ?? 0) & 0xff;
  }

  /** The fd, or the slot of the file table. */
  fd(slot: number): number {
    return this.#table[slot * WORDS + FD] ?? -1;
  }

  isFixedFile(slot: number): boolean {
    return ((this.#table[slot * WORDS + FIRST] ?? 0) & (constants.IOSQE_FIXED_FILE << 8)) !== 0;
  }

  /** The high half of the slot's user_data; the low half is the slot itself. */
  high(slot: number): number {
    return (this.#table[slot * WORDS] ?? 0) >>> 0;
  }

  /** Is this the operation that has the slot now? `slot` is what a completion says, so any number. */
  isCurrent(slot: number, high: number): boolean {
    // one comparison for bit 63, the kind and the generation: nothing else has all three
    return high >= OURS && this.#table[slot * WORDS] === (high | 0);
  }

  /** Was it the operation of this slot some time ago? */
  isFormer(slot: number, high: number): boolean {
    if (kindOf(high) !== kindOf(this.#mark >>> 0)) return false;
    const now = this.#table[slot * WORDS] ?? this.#firstGeneration;
    return this.#age(payloadOf(high)) < this.#age(payloadOf(now));
  }

  /** How many generations after the first one. */
  #age(generation: number): number {
    return (generation - this.#firstGeneration) & PAYLOAD;
  }

  userData(slot: number): number {
    return this.#userData[slot] ?? 0;
  }

  held(slot: number): H | undefined {
    return this.#held[slot];
  }

  /** The operation is over: lets go of what it held. */
  remove(slot: number): void {
    if (this.#held[slot] !== undefined) this.#held[slot] = undefined;
    const table = this.#table;
    const at = slot * WORDS;
    table[at] = ((table[at] ?? 0) + 1) & PAYLOAD;
    this.#free[this.#freeCount++] = slot;
  }

  /** The slots of all operations. */
  slots(): number[] {
    return [...this.#held.keys()].filter((slot) => this.high(slot) >= OURS);
  }

  /** The slots of all operations with this userData. */
  find(userData: number): number[] {
    return this.slots().filter((slot) => this.#userData[slot] === userData);
  }

  /** Everything that is held. */
  everything(): H[] {
    return this.#held.filter((held) => held !== undefined);
  }

  /** Makes it twice as long. All slots that there are have been taken; the new ones are free. */
  #grow(): void {
    const length = Math.max(64, this.#free.length * 2);
    const userData = new Float64Array(length);
    userData.set(this.#userData);
    const table = new Int32Array(length * WORDS);
    table.set(this.#table);
    for (let slot = this.#held.length; slot < length; slot++) table[slot * WORDS] = this.#firstGeneration;
    this.#free = new Int32Array(length);
    for (let slot = length - 1; slot >= this.#held.length; slot--) this.#free[this.#freeCount++] = slot;
    while (this.#held.length < length) this.#held.push(undefined);
    this.#userData = userData;
    this.#table = table;
  }
}
