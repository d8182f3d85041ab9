/**
 * The pages of the kernel's ring buffer as trace_pipe_raw gives them: a head, then records of 4-byte words. The head is
 * a u64 time and a word that holds how many bytes follow and whether events before the page were lost.
 */

const HEAD_BYTES = 16;
const LENGTH_MASK = 0xf_ffff;
const MISSED = 0x8000_0000;

/** Kinds of records that carry no event: type_len, the low 5 bits of a record's first word. */
const LONG = 0;
const PADDING = 29;
const TIME_EXTEND = 30;
const TIME_STAMP = 31;

const DELTA_SHIFT = 5;
/** The 27 bits of time in a record's first word. */
const DELTA_RANGE = 2 ** 27;
/** A full time stamp has 59 bits; the others are those of the page's. */
const STAMP_MASK = (1n << 59n) - 1n;

/** A record has at least a word for its head and one for its event. */
const LEAST_RECORD = 8;

/**
 * The events of a page. One for each cpu is used again and again: at a million events each second, an object for every
 * one would cost more than all the rest.
 */
export class PageEvents {
  /** Nanoseconds since the time that the page was decoded against. */
  readonly times: Float64Array;
  /** Where an event's data lies in the page, in bytes. */
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  count = 0;
  /** Events were lost between the page before and this one. */
  hasGap = false;
  /** The page ends in something that is no record; what came before it is here. */
  isDamaged = false;

  /** @param pageSize bytes of the largest page */
  constructor(pageSize: number) {
    const most = Math.ceil(pageSize / LEAST_RECORD);
    this.times = new Float64Array(most);
    this.offsets = new Uint32Array(most);
    this.lengths = new Uint32Array(most);
  }

  /**
   * Finds the events of a page. Damage is told, never thrown.
   * @param view what one read(2) of trace_pipe_raw gave, of which `length` bytes count
   * @param base the time that event times are relative to, in nanoseconds: a number can't hold the absolute ones
   */
  decode(view: DataView, length: number, base: bigint): void {
    this.count = 0;
    this.hasGap = false;
    this.isDamaged = true;
    if (length < HEAD_BYTES || length > view.byteLength) return;
    // the low half only: the word is a sign-extended `long` on some machines
    const head = view.getUint32(8, true);
    this.hasGap = (head & MISSED) !== 0;
    const end = HEAD_BYTES + (head & LENGTH_MASK);
    if (end <= length) this.isDamaged = !this.#collect(view, end, view.getBigUint64(0, true), base);
  }

  #add(time: number, offset: number, length: number): boolean {
    const { count } = this;
    if (count === this.times.length) return false;
    this.times[count] = time;
    this.offsets[count] = offset;
    this.lengths[count] = length;
    this.count++;
    return true;
  }

  /** Adds the events up to `end`; false where a record is none. */
  #collect(view: DataView, end: number, stamp: bigint, base: bigint): boolean {
    let time = Number(stamp - base);
    let offset = HEAD_BYTES;
    while (offset + 4 <= end) {
      const word = view.getUint32(offset, true);
      const kind = word & 31;
      const delta = word >>> DELTA_SHIFT;
      offset += 4;
      if (kind === PADDING && delta === 0) return true;
      if (kind !== LONG && kind < PADDING) {
        time += delta;
        const length = kind * 4;
        if (offset + length > end || !this.#add(time, offset, length)) return false;
        offset += length;
        continue;
      }
      // the others have a second word
      if (offset + 4 > end) return false;
      const more = view.getUint32(offset, true);
      if (kind === TIME_EXTEND) {
        time += delta + more * DELTA_RANGE;
        offset += 4;
      } else if (kind === TIME_STAMP) {
        time = Number((stamp & ~STAMP_MASK) + BigInt(delta) + (BigInt(more) << 27n) - base);
        offset += 4;
      } else {
        time += delta;
        // its length counts itself
        if (more < 4 || offset + more > end) return false;
        if (kind === LONG && !this.#add(time, offset + 4, more - 4)) return false;
        offset += (more + 3) & ~3;
      }
    }
    return offset === end;
  }
}
