/** How the tour looks: a row for each opcode, in as many columns as the terminal has. */
import { styleText } from 'node:util';
import type { Result, Row, Verdict } from './proof.ts';

const { stdout, stderr } = process;
/** Colour on a terminal that has it; NO_COLOR says that nobody wants it. */
const isColoured = stdout.isTTY === true && stdout.hasColors();
const width = Math.min(132, Math.max(80, stdout.columns ?? 132));
const hasMember = width >= 116;
const hasTime = width >= 92;
/** Columns that the evidence gets. */
const room = width - 46 - (hasMember ? 26 : 0) - (hasTime ? 9 : 0);

const COLOURS: { readonly [K in Verdict]: 'green' | 'yellow' | 'red' } = {
  proved: 'green',
  'needs-kernel': 'yellow',
  'needs-hardware': 'yellow',
  'needs-privilege': 'yellow',
  failed: 'red',
};

function colour(name: 'green' | 'yellow' | 'red' | 'bold' | 'dim', text: string): string {
  return isColoured ? styleText(name, text) : text;
}

function words({ verdict, evidence, since }: Result): string {
  switch (verdict) {
    case 'proved':
      return 'proved';
    case 'needs-kernel':
      return evidence === '' ? `needs ${since}` : 'not in here';
    case 'needs-hardware':
      return 'no hardware';
    case 'needs-privilege':
      return 'needs root';
    case 'failed':
      return 'FAILED';
  }
}

function fitted(text: string): string {
  return text.length <= room ? text.padEnd(room) : `${text.slice(0, room - 1)}…`;
}

/** The number of an opcode; the flag has none. */
function number({ value }: Row): string {
  return (value < 0x8000_0000 ? String(value) : '+').padStart(2);
}

function line(result: Result): string {
  const { name, member, since, verdict, evidence, ms } = result;
  const shown = verdict === 'failed' ? '' : evidence;
  const columns = [
    number(result),
    name.padEnd(25),
    ...(hasMember ? [member.padEnd(25)] : []),
    since.padEnd(4),
    colour(COLOURS[verdict], words(result).padEnd(11)),
    fitted(shown),
    ...(hasTime ? [colour('dim', `${ms.toFixed(1)} ms`.padStart(8))] : []),
  ];
  const text = columns.join(' ').trimEnd();
  return verdict === 'failed' ? `${text}\n   ${colour('red', evidence)}` : text;
}

/** The left text and the right one, at both ends of a line. */
function spread(left: string, right: string): string {
  return left + right.padStart(Math.max(width - left.length, right.length + 1));
}

export function printHeader(left: string, right: string): void {
  console.log(colour('bold', spread(left, right)));
}

/** Says on a terminal what is being proved; `printRow` erases it. */
export function printProgress(row: Row): void {
  if (stderr.isTTY) stderr.write(`${number(row)} ${row.name} ...`);
}

export function printRow(result: Result): void {
  if (stderr.isTTY) stderr.write('\r\u001b[K');
  console.log(line(result));
}

/** What came of the promises: a line behind the footer. */
export function printPromises({ verdict, evidence, ms }: Pick<Result, 'verdict' | 'evidence' | 'ms'>): void {
  const left = `promises: ${verdict === 'failed' ? 'FAILED, ' : ''}${evidence}`;
  console.log(spread(verdict === 'failed' ? colour('red', left) : left, `${(ms / 1000).toFixed(1)} s`));
}

/** How many rows came to what, and in which time. */
export function printFooter(opcodes: readonly Result[], flag: Result, ms: number): void {
  const count = (verdict: Verdict, rows = opcodes) => rows.filter((row) => row.verdict === verdict).length;
  const parts = [
    `${count('proved')} proved`,
    [count('needs-hardware'), 'without hardware'],
    [count('needs-privilege'), 'need privileges'],
    [count('needs-kernel'), 'need a newer kernel'],
  ].flatMap((part) => (typeof part === 'string' ? [part] : part[0] === 0 ? [] : [part.join(' ')]));
  // the flag is no opcode, but its failure is one
  const failed = `${count('failed', [...opcodes, flag])} failed`;
  console.log(spread([...parts, failed].join(', '), `${(ms / 1000).toFixed(1)} s`));
}
