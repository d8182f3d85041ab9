/** The memory of a buffer ring: entries name free buffers, the kernel takes them from the head, we add at the tail. */
import { Buf, BufRing } from '../../../structs/rsrc.ts';
import type { Mapping } from '../../sys/memory.ts';

// words (u32) and half-words (u16) of one entry
const ADDR = Buf.at.addr / 4;
const LEN = Buf.at.len / 4;
const ID = Buf.at.bid / 2;
const WORDS = Buf.size / 4;
const HALVES = Buf.size / 2;
/** The tail, a half-word, lies over the reserved end of entry 0. */
const TAIL = BufRing.at.tail / 2;
const HIGH = 0x1_0000_0000;

/** Adds buffers to the ring in `mapping`. No other code may use `mapping`; `unmap()` unmaps it. */
export class BufferEntries {
  readonly #mapping: Mapping;
  readonly #mask: number;
  #words: Uint32Array;
  #halves: Uint16Array;
  #tail = 0;

  /** @param entries a power of two */
  constructor(mapping: Mapping, entries: number) {
    this.#mapping = mapping;
    this.#mask = entries - 1;
    this.#words = new Uint32Array(mapping.buffer, 0, entries * WORDS);
    this.#halves = new Uint16Array(mapping.buffer, 0, entries * HALVES);
  }

  /** Writes the next entry; the kernel sees it after `publish()`. In entry 0 the tail stays untouched. */
  add(address: number, length: number, id: number): void {
    const entry = this.#tail & this.#mask;
    this.#words[entry * WORDS + ADDR] = address;
    this.#words[entry * WORDS + ADDR + 1] = address / HIGH;
    this.#words[entry * WORDS + LEN] = length;
    this.#halves[entry * HALVES + ID] = id;
    this.#tail = (this.#tail + 1) & 0xffff;
  }

  /** The length that an entry has now: in an incremental ring the kernel writes what is left of the buffer. */
  lengthAt(entry: number): number | undefined {
    return this.#words[entry * WORDS + LEN];
  }

  /** Shows the entries written so far to the kernel: a store with release semantics. */
  publish(): void {
    Atomics.store(this.#halves, TAIL, this.#tail);
  }

  /** Gives the ring's memory back; nothing may be added any more. Harmless when repeated. */
  unmap(): void {
    this.#words = new Uint32Array(0);
    this.#halves = new Uint16Array(0);
    this.#mapping.unmap();
  }
}
