/** Text that is shown again and again in the same place of a terminal. */

/** What a terminal is here: `process.stdout`. */
export interface Terminal {
  readonly rows?: number;
  write(text: string): unknown;
}

/** One change of the terminal: it shows the result alone, where it knows that (DEC mode 2026). */
const BEGIN = '\x1b[?2026h';
const END = '\x1b[?2026l';
/** Long lines are cut at the edge instead of going on in the next row (DECAWM), which would not be counted. */
const CUT = '\x1b[?7l';
const WRAP = '\x1b[?7h';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/** Each write leaves the terminal as it was, cursor and modes, so that a program may end at any time. */
export class Live {
  readonly #terminal: Terminal;
  /** Above the cursor. */
  #rows = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Shows `text` in place of what was shown last; of one that is higher than the terminal its last lines. */
  show(text: string): void {
    const { rows = 24 } = this.#terminal;
    const lines = text.split('\n').slice(-Math.max(rows - 1, 1));
    const shown = lines.map((line) => `${line}${CLEAR_LINE}\n`).join('');
    this.#terminal.write(`${BEGIN}${CUT}${this.#top()}${shown}${CLEAR_BELOW}${WRAP}${END}`);
    this.#rows = lines.length;
  }

  /** Takes away what was shown. */
  clear(): void {
    if (this.#rows > 0) this.#terminal.write(`${this.#top()}${CLEAR_BELOW}`);
    this.#rows = 0;
  }

  /** To where the text begins: no higher than the terminal is, if it has become smaller. */
  #top(): string {
    const { rows = 24 } = this.#terminal;
    const up = Math.min(this.#rows, Math.max(rows - 1, 1));
    return up === 0 ? '\r' : `\r\x1b[${up}A`;
  }
}
