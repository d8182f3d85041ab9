/** Cuts a stream into lines. */

/** A line. */
export interface Line {
  /** Without its end; what is not UTF-8 in it became U+FFFD. */
  readonly text: string;
  /** It is longer than `LONGEST`: this is its beginning. */
  readonly isCut: boolean;
}

/** The longest line that is held, in UTF-16 units. */
export const LONGEST = 2 ** 20;
/** Bytes to decode at once: a string can't have any length. */
const PORTION = 2 ** 16;

/** Takes pieces as they come, whatever they end in the middle of, and holds at most one line. */
export class Lines {
  readonly #skip: (block: string) => number;
  readonly #decoder = new TextDecoder();
  /** The beginning of the line that has not ended. */
  #begun = '';
  #isCut = false;
  /** The line before began in another piece. */
  #isFirst = false;

  /**
   * @param skip is shown many whole lines at once, and tells how many characters of them, to the end of a line, need not be
   * given one by one
   */
  constructor(skip: (block: string) => number) {
    this.#skip = skip;
  }

  /** The lines that `piece` ends. Valid UTF-8 from bytes may be cut anywhere. */
  *push(piece: string | Uint8Array): Generator<Line> {
    if (typeof piece === 'string') {
      yield* this.#split(this.#decoder.decode() + piece);
      return;
    }
    for (let at = 0; at < piece.length; at += PORTION) {
      yield* this.#split(this.#decoder.decode(piece.subarray(at, at + PORTION), { stream: true }));
    }
  }

  /** The last line, where nothing ended it. */
  *end(): Generator<Line> {
    yield* this.#split(this.#decoder.decode());
    if (this.#begun !== '') yield this.#line('');
  }

  *#split(text: string): Generator<Line> {
    const last = text.lastIndexOf('\n');
    let start = 0;
    while (start <= last) {
      if (this.#begun === '' && start < last && !this.#isCut) {
        // asked once: a line in it may change the answer, and that is the rare case
        if (start === 0 || this.#isFirst) start += this.#skip(text.slice(start, last + 1));
        this.#isFirst = false;
        if (start > last) break;
      }
      const end = text.indexOf('\n', start);
      this.#isFirst = this.#begun !== '' || this.#isCut;
      yield this.#line(text.slice(start, end));
      start = end + 1;
    }
    if (start < text.length) this.#hold(text.slice(start));
  }

  #hold(text: string): void {
    if (this.#isCut) return;
    this.#begun += text;
    // one unit more, for a carriage return
    if (this.#begun.length <= LONGEST + 1) return;
    this.#begun = this.#begun.slice(0, LONGEST);
    this.#isCut = true;
  }

  #line(rest: string): Line {
    const whole = this.#isCut || this.#begun === '' ? rest : this.#begun + rest;
    const text = this.#isCut ? this.#begun : whole.endsWith('\r') ? whole.slice(0, -1) : whole;
    const isCut = this.#isCut || text.length > LONGEST;
    this.#begun = '';
    this.#isCut = false;
    return { text: isCut ? text.slice(0, LONGEST) : text, isCut };
  }
}
