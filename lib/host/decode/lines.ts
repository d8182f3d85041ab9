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
  readonly #decoder = new TextDecoder();
  /** The beginning of the line that has not ended. */
  #begun = '';
  #isCut = false;

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
    let start = 0;
    for (;;) {
      const end = text.indexOf('\n', start);
      if (end === -1) break;
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
