/** Columns side by side: numbers to the right, one pass over the cells, whatever their number. */

/** Characters that take two columns of a terminal. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
/** Characters that take none: they are put onto the one before. */
const COMBINING = /\p{Mn}|\p{Me}/u;

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
const COLOURS = /\x1b\[[\d;]*m/g;

/** The columns of a terminal that text takes. */
export function widthOf(text: string): number {
  // most cells are plain
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text.replace(COLOURS, ''))
    width += COMBINING.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

/** The beginning of text that fits `width` columns. */
export function fitted(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let left = width - 1;
  let kept = '';
  for (const character of text) {
    left -= widthOf(character);
    if (left < 0) break;
    kept += character;
  }
  return `${kept}~`;
}

/** Parts of a sentence with commas between, on as many lines as they need. */
export function joined(parts: readonly string[], width: number): string {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(last) + 2 + widthOf(part) < width)
      lines.push(`${lines.pop()}, ${part}`);
    else lines.push(part);
  }
  return lines.join(',\n');
}

/** Words on lines of so many columns, each after the first indented; longer words stay whole. */
export function wrapped(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let line: string | undefined;
  for (const word of text.split(' ')) {
    if (line !== undefined && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = line === undefined ? word : `${line} ${word}`;
  }
  return [...lines, line ?? ''];
}

/** A cell: numbers stand to the right. */
export type Cell = string | number | bigint;

/** What a table may do to be no wider than a terminal. */
export interface Fit {
  readonly width: number;
  /** The columns that may be cut, each with the fewest characters that are left of it; the first is cut first. */
  readonly cut: readonly (readonly [column: number, least: number])[];
}

/** The widths, so that the lines are no longer than they may be. */
function shrunk(widths: number[], { width, cut }: Fit): void {
  let over = widths.reduce((sum, each) => sum + each + 2, -2) - width;
  for (const [column, least] of cut) {
    const less = Math.min(over, (widths[column] ?? 0) - least);
    if (less <= 0) continue;
    widths[column] = (widths[column] ?? 0) - less;
    over -= less;
  }
}

/** Columns side by side without lines; `head` undefined: without header. */
export function table(
  head: readonly string[] | undefined,
  rows: readonly (readonly Cell[])[],
  fit?: Fit,
): string {
  const columns = [...(head ?? rows[0] ?? []).keys()];
  const isText = columns.map(() => rows.length === 0);
  const widths = columns.map((column) => widthOf(head?.[column] ?? ''));
  for (const row of rows) {
    for (const column of columns) {
      const cell = row[column] ?? '';
      if (typeof cell === 'string') isText[column] = true;
      widths[column] = Math.max(widths[column] ?? 0, widthOf(String(cell)));
    }
  }
  if (fit !== undefined) shrunk(widths, fit);
  const line = (cells: readonly Cell[]): string => {
    const padded = columns.map((column) => {
      const width = widths[column] ?? 0;
      const text = fitted(String(cells[column] ?? ''), width);
      const blank = ' '.repeat(width - widthOf(text));
      return isText[column] ? text + blank : blank + text;
    });
    return padded.join('  ').trimEnd();
  };
  return [...(head === undefined ? [] : [line(head)]), ...rows.map(line)].join('\n');
}
