/** A log, line by line: envelopes are taken off, and the reader of the format is asked. Every line is counted once. */
import { audit } from './audit.ts';
import type { DecodedRecord, DecodeStats } from './decoded.ts';
import { inside, partOf, peeled } from './envelopes.ts';
import { FalcoText, falcoJson } from './falco.ts';
import { Ftrace } from './ftrace.ts';
import { hasString, parse } from './json.ts';
import type { Line } from './lines.ts';
import { LONGEST } from './lines.ts';
import { PerfTrace } from './perf-trace.ts';
import {
  after,
  type Found,
  type JsonReader,
  type LogSource,
  MALFORMED,
  OTHER,
  type Reader,
  type Reading,
} from './records.ts';
import { auditbeatJson, kunaiJson, osqueryJson } from './sensors.ts';
import { Strace } from './strace.ts';
import { Tetragon } from './tetragon.ts';
import { traceeJson, traceeTable } from './tracee.ts';

const NAME = 'io_uring_register';
/** The call's name as a whole value, also as tracing has it. */
const IS_NAME = /^(?:(?:__\w+_)?sys_(?:enter_|exit_)?)?io_uring_register$/;
/** 425 to 427, and what these are on alpha, on MIPS and as x32. */
const NUMBERS = /syscall(?:=|": ?"?)(?:\d*42[567]|53[567]|10737422(?:49|5[01]))\b/;
/** So many envelopes may be around a line. */
const DEEPEST = 5;

/** A line of pretty-printed JSON: a key with its value, a value, a bracket. */
const PRETTY =
  /^\s*(?:"(?:[^"\\]|\\.)*"\s*(?::.*)?,?|[\]}],?|[[{]|\{\},?|\[\],?|-?\d[\d.eE+-]*,?|true,?|false,?|null,?)\s*$/;

/** Lines that are one: JSON over many lines, the parts of a long line. */
interface Group {
  readonly lines: Numbered[];
  readonly parts: string[];
  size: number;
}

/** A slice of a string holds the whole of it; what is kept of a short line must not hold the piece it came in. */
function own(text: string): string {
  return text.length < 4096 ? Buffer.from(text).toString() : text;
}

function isLoss(text: string): boolean {
  return text.includes('LOST ') || text.includes('EVENTS DROPPED');
}

/** Does text have something for us? */
function concerns(text: string): boolean {
  // one search for what both have: of a gigabyte each search takes half a second
  if (text.includes('uring_') && (text.includes('io_uring_') || text.includes('uring_op'))) return true;
  if (isLoss(text)) return true;
  // journald has text with control characters as numbers
  return NUMBERS.test(text) || (text.includes('"MESSAGE"') && /"MESSAGE" ?: ?\[/.test(text));
}

export class LogReader {
  readonly #all: boolean;
  readonly #strace = new Strace();
  readonly #ftrace = new Ftrace();
  readonly #perf = new PerfTrace();
  readonly #falco = new FalcoText();
  readonly #tetragon = new Tetragon();
  readonly #texts: readonly Reader[];
  readonly #jsons: readonly JsonReader[];
  readonly #count = {
    ...{ lines: 0, used: 0, other: 0, malformed: 0 },
    ...{ calls: 0, setups: 0, enters: 0, incomplete: 0, operations: 0, seccomp: 0 },
  };
  /** JSON over many lines that has begun, and how its last line begins. */
  #pretty: (Group & { readonly end: RegExp }) | undefined;
  /** Parts of long lines, by stream. */
  readonly #parts = new Map<string, Group>();
  #lines = 0;

  constructor(from: LogSource | 'auto', all: boolean) {
    this.#all = all;
    const is = (...formats: readonly LogSource[]): boolean =>
      from === 'auto' || formats.some((each) => each === from);
    this.#texts = [
      ...(is('audit') ? [audit()] : []),
      ...(is('ftrace', 'perf', 'bpftrace') ? [this.#ftrace] : []),
      ...(is('perf') ? [this.#perf] : []),
      ...(is('tracee') ? [traceeTable()] : []),
      ...(is('falco') ? [this.#falco] : []),
      ...(is('strace') ? [this.#strace] : []),
    ];
    this.#jsons = [
      ...(is('kunai') ? [kunaiJson] : []),
      ...(is('tetragon') ? [this.#tetragon.json] : []),
      ...(is('tracee') ? [traceeJson] : []),
      ...(is('falco') ? [falcoJson] : []),
      ...(is('auditbeat', 'audit') ? [auditbeatJson] : []),
      ...(is('osquery') ? [osqueryJson] : []),
    ];
  }

  get stats(): DecodeStats {
    return { ...this.#count, lostEvents: this.#ftrace.lost + this.#perf.lost };
  }

  /** Takes many whole lines at once where none of them is for us; tells how many characters they have. */
  skip(block: string): number {
    if (this.#all || this.#isHolding() || concerns(block) || mayHaveParts(block)) return 0;
    // JSON over many lines that begins here may tell of a call only later
    const length = openPretty(block);
    const count = feeds(block, length);
    this.#lines += count;
    this.#count.lines += count;
    this.#count.other += count;
    return length;
  }

  line(line: Line): readonly DecodedRecord[] {
    this.#count.lines++;
    const numbered = { text: line.text, isCut: line.isCut, number: ++this.#lines };
    return this.#pretty === undefined ? this.#next(numbered) : this.#continuePretty(numbered);
  }

  end(): readonly DecodedRecord[] {
    const held = [
      ...this.#dropPretty(),
      ...[...this.#parts.keys()].flatMap((stream) => this.#finishParts(stream)),
    ];
    const readers = [this.#strace, this.#ftrace, this.#perf, this.#falco, this.#tetragon];
    return [...held, ...this.#given(readers.flatMap((reader) => reader.end()))];
  }

  #isHolding(): boolean {
    const isInside = this.#pretty !== undefined || this.#parts.size > 0;
    return isInside || this.#strace.isBroken || this.#strace.isHolding;
  }

  // ---- lines that are one -------------------------------------------------------------------------------------------

  #next(line: Numbered): readonly DecodedRecord[] {
    const { text, isCut } = line;
    if (isCut) return this.#single(line);
    if (text.endsWith('{') && text.trim() === '{') {
      const indent = text.slice(0, text.indexOf('{'));
      this.#pretty = { ...begin(line, text), end: new RegExp(`^${indent}\\},?\\s*$`) };
      return [];
    }
    const mayBePart = text.startsWith('{"log":') || / std(?:out|err) [FP]/.test(text.slice(0, 64));
    const part = mayBePart ? partOf(text, () => parse(text)) : undefined;
    if (part === undefined) return this.#single(line);
    const group = this.#parts.get(part.stream);
    if (group === undefined && part.isLast) return this.#single(line);
    add(group, line, part.text);
    if (group === undefined) this.#parts.set(part.stream, begin(line, part.text));
    return part.isLast || (group?.size ?? 0) > LONGEST ? this.#finishParts(part.stream) : [];
  }

  #continuePretty(line: Numbered): readonly DecodedRecord[] {
    const group = this.#pretty;
    const isAnother = group?.parts[0] === line.text;
    if (group === undefined || isAnother || line.isCut || group.size > LONGEST || !PRETTY.test(line.text))
      return [...this.#dropPretty(), ...this.#next(line)];
    add(group, line, line.text);
    if (!group.end.test(line.text)) return [];
    this.#pretty = undefined;
    return this.#finish(group, group.parts.join('\n'));
  }

  /** What had begun like JSON and is none: its lines stand for themselves. */
  #dropPretty(): readonly DecodedRecord[] {
    const lines = this.#pretty?.lines ?? [];
    this.#pretty = undefined;
    return lines.flatMap((line) => this.#single(line));
  }

  #finishParts(stream: string): readonly DecodedRecord[] {
    const group = this.#parts.get(stream);
    this.#parts.delete(stream);
    return group === undefined ? [] : this.#finish(group, group.parts.join(''));
  }

  /** All lines of a group, by what they tell together. */
  #finish({ lines }: Group, text: string): readonly DecodedRecord[] {
    const reading = concerns(text) ? this.#read(text, false) : OTHER;
    if (reading.is === 'used') {
      this.#count.used += lines.length;
      return this.#given(reading.found);
    }
    const isNamed = lines.some((line) => line.text.includes(NAME));
    return [
      ...this.#given(reading.found),
      ...lines.flatMap((line, i) => {
        const isBad = reading.is === 'malformed' && (isNamed ? line.text.includes(NAME) : i === 0);
        return this.#counted(isBad ? 'malformed' : 'other', line);
      }),
    ];
  }

  // ---- one line -----------------------------------------------------------------------------------------------------

  #single(line: Numbered): readonly DecodedRecord[] {
    const { is, found } = this.#resume(line.text, line.isCut);
    if (is === 'other' && found.length === 0 && !this.#all) {
      this.#count.other++;
      return NONE;
    }
    return [...this.#given(found), ...this.#counted(is, line)];
  }

  #counted(is: Reading['is'], { number, text }: Numbered): readonly DecodedRecord[] {
    this.#count[is]++;
    if (is === 'malformed') return [{ type: is, line: number, text }];
    return is === 'other' && this.#all ? [{ type: is, line: number, text }] : NONE;
  }

  #given(found: readonly Found[]): readonly Found[] {
    for (const record of found) {
      if (record.type === 'seccomp') this.#count.seccomp++;
      else if (record.type === 'operation') this.#count.operations++;
      else {
        this.#count[record.type === 'register' ? 'calls' : record.type === 'create' ? 'setups' : 'enters']++;
        if (!record.complete) this.#count.incomplete++;
      }
    }
    return found;
  }

  #resume(text: string, isCut: boolean): Reading {
    if (!this.#strace.isBroken) return this.#concerned(text, isCut);
    const rest = isCut ? undefined : this.#strace.resume(text);
    return rest ?? after(this.#strace.giveUp(), this.#concerned(text, isCut));
  }

  #concerned(text: string, isCut: boolean): Reading {
    if (concerns(text)) return this.#read(text, isCut);
    if (!this.#strace.isHolding || isCut) return OTHER;
    // the next line of a thread that may have been stopped
    return this.#texts.includes(this.#strace) ? (this.#held(text) ?? OTHER) : OTHER;
  }

  #held(line: string): Reading | undefined {
    for (const text of peeled(line)) {
      const value: unknown = text.startsWith('{') ? inside(parse(text))[0] : undefined;
      if (typeof value === 'string') return this.#held(value.replace(/\r?\n$/, ''));
      const reading = this.#strace.read(text);
      if (reading !== undefined) return reading;
    }
    return undefined;
  }

  #read(text: string, isCut: boolean): Reading {
    const isNamed = text.includes(NAME);
    const reading = isCut ? undefined : this.#attempt(own(text), 0);
    return reading ?? (isNamed ? MALFORMED : OTHER);
  }

  /** Asks every reader, then without the outermost envelope. A line that one can't read may still be another's. */
  #attempt(line: string, depth: number): Reading | undefined {
    let worst: Reading | undefined;
    for (const text of peeled(line)) {
      const reading = this.#jsonText(text, depth) ?? this.#plain(text);
      if (reading?.is === 'used' || (reading?.is === 'other' && worst === undefined)) return reading;
      if (reading?.is === 'malformed') worst ??= reading;
    }
    return worst;
  }

  #plain(text: string): Reading | undefined {
    let worst: Reading | undefined;
    for (const reader of this.#texts) {
      const reading = reader.read(text);
      if (reading !== undefined && reading.is !== 'malformed') return reading;
      worst ??= reading;
    }
    return worst;
  }

  #jsonText(line: string, depth: number): Reading | undefined {
    const text = line.trimStart();
    if (!text.startsWith('{') && !/^,? *\[ *[{\]]|^, *\{/.test(text)) return undefined;
    // a part of an array that was written line by line
    const bare = text.replace(/^,/, '').trimEnd().replace(/,$/, '');
    const value = /[}\]]$/.test(bare.slice(-1)) ? parse(bare) : undefined;
    if (value === undefined) return undefined;
    const reading = this.#json(value, depth);
    const isDropped = reading === undefined || reading.is === 'other';
    return isDropped && hasString(value, (each) => IS_NAME.test(each))
      ? after(reading?.found ?? [], MALFORMED)
      : reading;
  }

  #json(value: unknown, depth: number): Reading | undefined {
    if (depth > DEEPEST) return undefined;
    if (Array.isArray(value)) return all(value.map((each) => this.#json(each, depth + 1)));
    let reading: Reading | undefined;
    for (const read of this.#jsons) {
      reading = read(value);
      if (reading !== undefined) break;
    }
    if (reading?.is === 'used' || (reading !== undefined && depth > 0)) return reading;
    for (const each of inside(value)) {
      const inner =
        typeof each === 'string' ? this.#insideText(each, depth + 1) : this.#json(each, depth + 1);
      if (inner?.is === 'used') return inner;
      reading ??= inner;
    }
    return reading;
  }

  /** Text in a value of JSON: a line, or several. */
  #insideText(text: string, depth: number): Reading | undefined {
    if (!concerns(text)) return undefined;
    const whole = text.includes('\n') ? this.#jsonText(text.trim(), depth) : undefined;
    if (whole !== undefined) return whole;
    const lines = text.split(/\r?\n/).filter((line) => concerns(line));
    return all(
      lines.map((line) => this.#attempt(line, depth) ?? (line.includes(NAME) ? MALFORMED : undefined)),
    );
  }
}

const NONE: readonly DecodedRecord[] = [];

/** How many lines end in the first `length` characters. */
function feeds(text: string, length: number): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1 && at < length; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

/** Are there parts of long lines in a block? */
function mayHaveParts(block: string): boolean {
  if (block.includes(' stdout P') || block.includes(' stderr P')) return true;
  return block.includes('","stream":"') && /(?<!\\n)","stream":"/.test(block);
}

/** Where in a block JSON over many lines begins and does not end; the block's length where there is none. */
function openPretty(block: string): number {
  if (!block.includes('{\n') && !block.includes('{\r\n')) return block.length;
  let open: { readonly indent: string; readonly at: number } | undefined;
  for (const { 0: line, 1: indent = '', index } of block.matchAll(/^([ \t]*)[{}],?\r?$/gm)) {
    const isOpening = line.includes('{');
    if (open === undefined && isOpening) open = { indent, at: index };
    else if (!isOpening && open?.indent === indent) open = undefined;
  }
  return open?.at ?? block.length;
}

/** A line with its number, from 1. */
interface Numbered extends Line {
  readonly number: number;
}

function begin(line: Numbered, part: string): Group {
  return { lines: [line], parts: [part], size: part.length };
}

function add(group: Group | undefined, line: Numbered, part: string): void {
  group?.lines.push(line);
  group?.parts.push(part);
  if (group !== undefined) group.size += part.length;
}

/** Several readings as one: what can't be read in one of them is not hidden by the others. */
function all(readings: readonly (Reading | undefined)[]): Reading | undefined {
  const present = readings.filter((each) => each !== undefined);
  const found = present.flatMap((each) => each.found);
  const is = (['malformed', 'used', 'other'] as const).find((kind) =>
    present.some((each) => each.is === kind),
  );
  return is && { is, found };
}
