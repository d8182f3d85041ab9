/** Writes lib/ops/preparers.ts: a function for each row of lib/ops/entries.ts. */
import { ABOUT, type Entry, entries, FIELDS } from '../../lib/ops/entries.ts';
import { opFlags, ops } from '../../structs/ops.ts';
import { comment, manPageOf } from './comment.ts';

/** The parameters of an entry, each with its field. */
function parametersOf({ parameters }: Entry): [parameter: string, field: string][] {
  return parameters
    .split(' ')
    .filter((each) => each !== '')
    .map((each) => {
      const [name = '', field = name] = each.split(':');
      return [name, field];
    });
}

/** `IORING_OP_READ, since 5.6: ...` with the comments on parameters. */
function about(name: string, entry: Entry): string {
  const { op, variant, doc, params = {}, see = [name] } = entry;
  const since =
    variant === undefined
      ? ops.find((each) => each.name === op)?.since
      : opFlags.find((each) => each.name === variant)?.since;
  const head = op === undefined ? '' : `IORING_${op}, since ${since}${doc === undefined ? '.' : ': '}`;
  return comment(
    [
      `${head}${doc ?? ''}${doc === undefined || doc.endsWith('.') ? '' : '.'}`,
      ...Object.entries(params).map(([parameter, text]) => `@param ${parameter} ${text}`),
      ...(see.length > 0 ? [`@see ${see.map(manPageOf).join(', ')}`] : []),
    ],
    '',
  );
}

/** What goes into each field: an expression. */
function valuesOf(name: string, entry: Entry): Map<string, string> {
  const values = new Map<string, string>();
  const add = (field: string, value: string) => {
    if (!FIELDS.includes(field)) throw new Error(`${name}: no field ${field}`);
    const before = values.get(field);
    values.set(field, before === undefined ? value : `${before} | ${value}`);
  };
  for (const [parameter, field] of parametersOf(entry)) {
    if (field === 'off32') add('off', `${parameter} >>> 0`);
    else if (field === 'lenOrAddr' || field === 'lenOrOff') {
      add('len', `${parameter} < HIGH ? ${parameter} : 0`);
      add(field === 'lenOrAddr' ? 'addr' : 'off', `${parameter} < HIGH ? 0 : ${parameter}`);
    } else add(field, parameter);
  }
  for (const [field, value] of Object.entries(entry.sets ?? {})) add(field, `${value}`);
  return values;
}

/** The statements that fill the entry, the first of which begins it. */
function statementsOf(name: string, entry: Entry): string[] {
  const values = valuesOf(name, entry);
  const take = (field: string): string | undefined => {
    const value = values.get(field);
    values.delete(field);
    return value;
  };
  const statements: string[] = [];
  if (entry.op === undefined) {
    const off = take('off');
    if (off !== undefined) statements.push(`sqe.setOff(${off}, ${off} / HIGH)`);
  } else {
    const fd = take('fd') ?? '-1';
    const [addr, len, off] = ['addr', 'len', 'off'].map(take);
    const isShort = addr === undefined && len === undefined && off === undefined;
    const rest = isShort ? '' : `, ${addr ?? 0}, ${len ?? 0}, ${off ?? 0}`;
    statements.push(`sqe.${isShort ? 'begin' : 'prepare'}(IORING_${entry.op}, ${fd}${rest})`);
  }
  const [addrLow, addrHigh, offLow, offHigh] = ['addrLow', 'addrHigh', 'offLow', 'offHigh'].map(take);
  if (addrLow !== undefined) statements.push(`sqe.setAddr(${addrLow}, ${addrHigh})`);
  if (offLow !== undefined) statements.push(`sqe.setOff(${offLow}, ${offHigh})`);
  const signed = take('addrSigned');
  if (signed !== undefined) statements.push(`sqe.setAddr(${signed}, ${signed} < 0 ? -1 : ${signed} / HIGH)`);
  for (const [field, value] of values) statements.push(`sqe.${field} = ${value}`);
  if (entry.isBig) statements.push('sqe.clearSecondHalf()');
  return statements;
}

function writePreparer(name: string, entry: Entry): string {
  const parameters = ['sqe: SqeCursor', ...parametersOf(entry).map(([each]) => `${each}: number`)].join(', ');
  const statements = statementsOf(name, entry);
  const body =
    statements.length === 1
      ? `  return ${statements[0]};\n`
      : `  ${statements.join(';\n  ')};\n  return sqe;\n`;
  return `\n${about(name, entry)}export function ${name}(${parameters}): SqeCursor {\n${body}}\n`;
}

/** lib/ops/preparers.ts. */
export function writePreparers(): string {
  const functions = Object.entries(entries)
    .map(([name, entry]) => writePreparer(name, entry))
    .join('');
  const code = functions.replace(/\/\*\*[\s\S]*?\*\//g, '');
  const constants = [...new Set(code.match(/\b(?:IORING|IOSQE|SOCKET)_[A-Z0-9_]+/g))].sort();
  return `/**\n${ABOUT.split('\n')
    .map((line) => ` * ${line}`.trimEnd())
    .join('\n')}\n */
import { constants } from '../../structs/flags.ts';
import type { SqeCursor } from './sqe.ts';

const { ${constants.join(', ')} } = constants;

const HIGH = 0x1_0000_0000;
${functions}`;
}
