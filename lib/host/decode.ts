/** Reads calls of io_uring_register(2) out of what other tools wrote: Tracee, strace, audit, the kernel's tracing. */

import { boolean, options as checkOptions, oneOf, wrongType } from '../../structs/check.ts';
import { isUint8Array } from '../../structs/views.ts';
import type { CallSource, RegisterCall } from './call.ts';
import { audit, isAudit } from './decode/audit.ts';
import { Ftrace } from './decode/ftrace.ts';
import { type Line, Lines } from './decode/lines.ts';
import { after, MALFORMED, OTHER, type Reader, type Reading, type SeccompEvent } from './decode/records.ts';
import { Strace } from './decode/strace.ts';
import { tracee } from './decode/tracee.ts';

/** A format of a log. */
export type LogFormat = Exclude<CallSource, 'kernel'>;

/** Options of `decode`. */
export interface DecodeOptions {
  /** The format of every line; `'auto'`, the default, finds it out for each. */
  readonly from?: LogFormat | 'auto' | undefined;
  /** Give lines that tell of no call, too. */
  readonly all?: boolean | undefined;
}

/** A line that names io_uring_register, or is a record of it, and can't be read. */
export interface MalformedLine {
  readonly type: 'malformed';
  /** Counted from 1. */
  readonly line: number;
  /** The line, of a very long one the first 2^20 characters. */
  readonly text: string;
}

/** A line about something else. */
export interface OtherLine {
  readonly type: 'other';
  /** Counted from 1. */
  readonly line: number;
  /** The line, of a very long one the first 2^20 characters. */
  readonly text: string;
}

export type DecodedRecord = RegisterCall | SeccompEvent | MalformedLine | OtherLine;

/** What was read so far. Every line is counted once: `lines` is `used + other + malformed`. */
export interface DecodeStats {
  readonly lines: number;
  /** Lines that told of a call, or a part of it. */
  readonly used: number;
  readonly other: number;
  readonly malformed: number;
  /** Records of calls. */
  readonly calls: number;
  /** Of these: whose begin or end is not in the log. */
  readonly incomplete: number;
  /** Records of seccomp. */
  readonly seccomp: number;
  /** Events that the kernel's tracing says it lost, of any kind. */
  readonly lostEvents: number;
}

/** The records, to be iterated once, and what was counted until now. */
export interface Decoding extends AsyncIterable<DecodedRecord> {
  readonly stats: DecodeStats;
}

type Piece = string | Uint8Array;

const FORMATS = ['auto', 'tracee', 'strace', 'audit', 'ftrace'] as const;
const NAME = 'io_uring_register';

class Decoder {
  readonly #from: LogFormat | 'auto';
  readonly #all: boolean;
  readonly #strace = new Strace();
  readonly #ftrace = new Ftrace();
  readonly #readers: { readonly [format in LogFormat]: Reader } = {
    tracee: tracee(),
    strace: this.#strace,
    audit: audit(),
    ftrace: this.#ftrace,
  };
  readonly #count = { lines: 0, used: 0, other: 0, malformed: 0, calls: 0, incomplete: 0, seccomp: 0 };

  constructor(from: LogFormat | 'auto', all: boolean) {
    this.#from = from;
    this.#all = all;
  }

  get stats(): DecodeStats {
    return { ...this.#count, lostEvents: this.#ftrace.lost };
  }

  line({ text, isCut }: Line): readonly DecodedRecord[] {
    const line = ++this.#count.lines;
    const { is, found } = this.#resume(text, isCut);
    this.#count[is]++;
    this.#tally(found);
    if (is === 'malformed') return [...found, { type: 'malformed', line, text }];
    return is === 'other' && this.#all ? [...found, { type: 'other', line, text }] : found;
  }

  end(): readonly DecodedRecord[] {
    const found = Object.values(this.#readers).flatMap((reader) => reader.end());
    this.#tally(found);
    return found;
  }

  #tally(found: Reading['found']): void {
    for (const record of found) {
      if (record.type === 'seccomp') this.#count.seccomp++;
      else this.#count.calls++;
      if (record.type === 'register' && !record.complete) this.#count.incomplete++;
    }
  }

  #resume(text: string, isCut: boolean): Reading {
    if (!this.#strace.isBroken) return this.#read(text, isCut);
    const rest = isCut ? undefined : this.#strace.resume(text);
    return rest ?? after(this.#strace.giveUp(), this.#read(text, isCut));
  }

  #read(text: string, isCut: boolean): Reading {
    const isNamed = text.includes(NAME);
    if (!isNamed && !isAudit(text) && !text.startsWith('CPU:')) return OTHER;
    const format = this.#from === 'auto' ? formatOf(text) : this.#from;
    const reading = isCut ? undefined : this.#readers[format].read(own(text));
    return reading ?? (isNamed ? MALFORMED : OTHER);
  }
}

/** A slice of a string holds the whole of it; what is kept of a short line must not hold the piece it came in. */
function own(text: string): string {
  return text.length < 4096 ? Buffer.from(text).toString() : text;
}

/** The format that a line can only have. */
function formatOf(text: string): LogFormat {
  if (text.startsWith('{')) return 'tracee';
  if (isAudit(text)) return 'audit';
  if (text.startsWith('CPU:') || /sys_io_uring_register|io_uring_register: ring /.test(text)) return 'ftrace';
  return 'strace';
}

async function* run(
  pieces: AsyncIterable<Piece> | Iterable<Piece>,
  decoder: Decoder,
): AsyncGenerator<DecodedRecord, undefined> {
  const lines = new Lines();
  for await (const piece of pieces) {
    if (typeof piece !== 'string' && !isUint8Array(piece)) {
      throw wrongType('input', 'strings or bytes', piece);
    }
    for (const line of lines.push(piece)) yield* decoder.line(line);
  }
  for (const line of lines.end()) yield* decoder.line(line);
  yield* decoder.end();
}

/**
 * Reads calls of io_uring_register(2) out of logs: JSON of Tracee (every version), strace (any options, any version,
 * threads), audit (files of auditd, the kernel log; also what seccomp did to a call), text of tracefs.
 *
 * A record is given as soon as its last line is there. Memory is bounded, whatever comes: lines are held up to 2^20
 * characters, and so are the calls that wait for their end. No content makes it throw: what can't be read is counted
 * and given as `malformed`.
 *
 * What a log doesn't tell is undefined. strace numbers threads: its calls have a `tid` and no `pid`. `monoNs` of
 * tracefs is on the clock of that trace, which `trace_clock` says. `argText` is strace's word, never ours.
 * @param input pieces of text or UTF-8, cut anywhere: `process.stdin`, a stream of a file, a whole log. Lines end with
 * `\n` or `\r\n`; a list of lines needs them, too
 * @returns the records, and `stats` of what was read so far
 */
export function decode(
  input: AsyncIterable<Piece> | Iterable<Piece> | Piece,
  options: DecodeOptions = {},
): Decoding {
  checkOptions('options', options, ['from', 'all']);
  const from = oneOf('options.from', options.from ?? 'auto', FORMATS);
  const decoder = new Decoder(from, boolean('options.all', options.all ?? false));
  const pieces = typeof input === 'string' || isUint8Array(input) ? [input] : input;
  if (
    typeof pieces !== 'object' ||
    pieces === null ||
    !(Symbol.iterator in pieces || Symbol.asyncIterator in pieces)
  ) {
    throw wrongType('input', 'text, bytes, or an iterable of them', input);
  }
  const records = run(pieces, decoder);
  return {
    get stats() {
      return decoder.stats;
    },
    [Symbol.asyncIterator]: () => records,
  };
}
