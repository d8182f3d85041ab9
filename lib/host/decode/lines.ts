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
/** Bytes to look at in one go: a string can't have any length. */
const PORTION = 2 ** 16;
/** Where a line among those concerns us, we look at fewer in one go: one call must not make every line beside it slow. */
const SMALL_PORTION = 2 ** 12;
const LINE_FEED = 10;
const BYTE_ORDER_MARK = '\uFEFF';

/** Takes pieces as they come, whatever they end in the middle of, and holds at most one line. */
export class Lines {
  readonly #skip: (block: string) => number;
  /** Of lines that pieces cut. */
  readonly #stream = new TextDecoder('utf-8', { ignoreBOM: true });
  /** Of whole lines: much faster while it is never asked for a stream. */
  readonly #whole = new TextDecoder('utf-8', { ignoreBOM: true });
  /** The beginning of the line that has not ended. */
  #begun = '';
  #isCut = false;
  /** Of bytes: the last one ended no line. */
  #isInLine = false;
  /** Nothing came until now. */
  #isStart = true;

  /**
   * @param skip is shown many whole lines at once, and tells how many characters of them, to the end of a line, need not be
   * given one by one. Of bytes it is shown each as one character: what it looks for must be ASCII
   */
  constructor(skip: (block: string) => number) {
    this.#skip = skip;
  }

  /** The lines that `piece` ends. Valid UTF-8 from bytes may be cut anywhere. */
  *push(piece: string | Uint8Array): Generator<Line> {
    if (typeof piece === 'string') {
      yield* this.#split(this.#text(this.#stream.decode() + piece));
      this.#isInLine = false;
      return;
    }
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    for (let at = 0; at < bytes.length; ) {
      const portion = bytes.subarray(at, at + PORTION);
      const isInLine = this.#isInLine || this.#begun !== '' || this.#isCut;
      const end = (isInLine ? portion.indexOf(LINE_FEED) : portion.lastIndexOf(LINE_FEED)) + 1;
      const taken = end === 0 ? portion : portion.subarray(0, end);
      yield* isInLine || end === 0 ? this.#continue(taken) : this.#wholeLines(taken);
      at += taken.length;
    }
  }

  /** The last line, where nothing ended it. */
  *end(): Generator<Line> {
    yield* this.#split(this.#text(this.#stream.decode()));
    if (this.#begun !== '') yield this.#line('');
  }

  /** Text without the mark that may be the first character of all. */
  #text(text: string): string {
    if (!this.#isStart || text === '') return text;
    this.#isStart = false;
    return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  }

  /** A part of a line. */
  *#continue(bytes: Buffer): Generator<Line> {
    yield* this.#split(this.#text(this.#stream.decode(bytes, { stream: true })));
    this.#isInLine = bytes.at(-1) !== LINE_FEED;
  }

  /** Lines that no piece cuts: those that concern nobody need not become text. */
  #wholeLines(bytes: Buffer): Generator<Line> {
    return this.#looked(bytes.toString('latin1'), PORTION, (start, end) =>
      this.#text(this.#whole.decode(bytes.subarray(start, end))),
    );
  }

  /** The lines of `text`, which ends with one, without those that are skipped. `textOf` gives a part of it as text. */
  *#looked(text: string, size: number, textOf: (start: number, end: number) => string): Generator<Line> {
    for (let at = 0; at < text.length; ) {
      const end = text.indexOf('\n', Math.min(at + size, text.length) - 1) + 1;
      const start = at + this.#skip(text.slice(at, end));
      if (start > at) this.#isStart = false;
      if (start < end && size === PORTION)
        yield* this.#looked(text.slice(start, end), SMALL_PORTION, (first, last) =>
          textOf(start + first, start + last),
        );
      else yield* this.#each(textOf(start, end));
      at = end;
    }
  }

  *#split(text: string): Generator<Line> {
    let start = 0;
    if (this.#begun !== '' || this.#isCut) {
      start = text.indexOf('\n') + 1;
      if (start === 0) return this.#hold(text);
      yield this.#line(text.slice(0, start - 1));
    }
    const end = text.lastIndexOf('\n') + 1;
    const lines = text.slice(start, end);
    yield* this.#looked(lines, PORTION, (first, last) => lines.slice(first, last));
    if (end < text.length) this.#hold(text.slice(end));
  }

  /** The lines of a text that ends with one. */
  *#each(text: string): Generator<Line> {
    for (let start = 0; start < text.length; ) {
      const end = text.indexOf('\n', start);
      yield this.#line(text.slice(start, end));
      start = end + 1;
    }
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
