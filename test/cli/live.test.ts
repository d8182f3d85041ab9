/** What a terminal shows of text that is drawn again and again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Live } from '../../lib/cli/live.ts';

/** As much of a terminal as the text needs: the cursor in rows and columns, and what is written there. */
class Screen {
  rows: number;
  readonly columns = 10;
  wraps = true;
  readonly #cells: string[] = [''];
  #row = 0;
  #column = 0;

  constructor(rows: number) {
    this.rows = rows;
  }

  get lines(): string[] {
    return this.#cells.slice(0, this.#row + 1);
  }

  write(text: string): void {
    for (const [, sequence, n = '', letter, character = ''] of text.matchAll(
      // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal reads control characters
      /(\x1b\[\??(\d*)([A-Za-z]))|(.|\n)/g,
    )) {
      if (sequence === undefined) this.#put(character);
      else if (letter === 'A') this.#row = Math.max(this.#row - Number(n), 0);
      else if (letter === 'K') this.#cut();
      else if (letter === 'J') {
        this.#cut();
        this.#cells.length = this.#row + 1;
      } else if (n === '7') this.wraps = letter === 'h';
    }
  }

  #cut(): void {
    this.#cells[this.#row] = (this.#cells[this.#row] ?? '').slice(0, this.#column);
  }

  #put(character: string): void {
    if (character === '\r') this.#column = 0;
    else if (character === '\n') {
      this.#row++;
      this.#column = 0;
      this.#cells[this.#row] ??= '';
    } else {
      if (this.#column === this.columns && this.wraps) this.#put('\n');
      this.#column = Math.min(this.#column, this.columns - 1);
      const line = (this.#cells[this.#row] ?? '').padEnd(this.#column);
      this.#cells[this.#row] = line.slice(0, this.#column) + character + line.slice(this.#column + 1);
      this.#column++;
    }
  }
}

test('a text takes the place of the one before, a shorter one too', () => {
  const screen = new Screen(24);
  screen.write('$ uring\n');
  const live = new Live(screen);
  live.show('one\ntwo, long\nthree');
  assert.deepEqual(screen.lines, ['$ uring', 'one', 'two, long', 'three', '']);
  live.show('1\n2');
  assert.deepEqual(screen.lines, ['$ uring', '1', '2', '']);
  live.clear();
  assert.deepEqual(screen.lines, ['$ uring', '']);
  live.clear();
  assert.deepEqual(screen.lines, ['$ uring', '']);
});

test('long lines take one row, and the terminal wraps again afterwards', () => {
  const screen = new Screen(24);
  const live = new Live(screen);
  live.show('0123456789abcdef\nnext');
  live.show('0123456789abcdef\nagain');
  assert.equal(screen.lines.length, 3);
  assert.equal(screen.lines[1], 'again');
  assert.equal(screen.wraps, true);
});

test('of a text that is higher than the terminal the last lines are shown', () => {
  const screen = new Screen(4);
  const live = new Live(screen);
  live.show('1\n2\n3\n4\n5');
  assert.deepEqual(screen.lines, ['3', '4', '5', '']);
});
