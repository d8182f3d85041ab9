/** Reads calls of io_uring out of what other tools wrote, whatever stored or shipped it. */
import { boolean, options as checkOptions, oneOf, wrongType } from '../../structs/check.ts';
import { isUint8Array } from '../../structs/views.ts';
import type { DecodedRecord, DecodeStats } from './decode/decoded.ts';
import { Lines } from './decode/lines.ts';
import { LogReader } from './decode/reader.ts';
import type { LogSource } from './decode/records.ts';

/** A format of a log: the tool that wrote it. */
export type LogFormat = LogSource;

/** Options of `decode`. */
export interface DecodeOptions {
  /** The format of every line; `'auto'`, the default, finds it out for each. Envelopes are taken off in any case. */
  readonly from?: LogFormat | 'auto' | undefined;
  /** Give lines that tell of no call, too. */
  readonly all?: boolean | undefined;
}

/** The records, to be iterated once, and what was counted until now. */
export interface Decoding extends AsyncIterable<DecodedRecord> {
  readonly stats: DecodeStats;
}

type Piece = string | Uint8Array;

/** What `from` may be. */
export const FORMATS = [
  ...['auto', 'tracee', 'strace', 'audit', 'ftrace', 'perf', 'bpftrace'],
  ...['tetragon', 'falco', 'auditbeat', 'osquery', 'kunai'],
] as const;

async function* run(
  pieces: AsyncIterable<Piece> | Iterable<Piece>,
  reader: LogReader,
): AsyncGenerator<DecodedRecord, undefined> {
  const lines = new Lines((block) => reader.skip(block));
  for await (const piece of pieces) {
    if (typeof piece !== 'string' && !isUint8Array(piece)) {
      throw wrongType('input', 'strings or bytes', piece);
    }
    // not yield*: of nothing it would still wait a turn
    for (const line of lines.push(piece)) for (const record of reader.line(line)) yield record;
  }
  for (const line of lines.end()) yield* reader.line(line);
  yield* reader.end();
}

/**
 * Reads calls of io_uring out of logs: Tracee (JSON of its versions, tables), strace (any options, any version,
 * threads), audit (files of auditd, `ausearch` raw and interpreted, the kernel log; also what seccomp did to a call, and
 * operations), the kernel's events by tracefs, `trace-cmd report`, `perf script`, `perf trace` and bpftrace; Tetragon,
 * Falco and sysdig, auditbeat, osquery, kunai. First what stored or shipped a line is taken off: Docker, CRI, journald,
 * syslog, kubectl, time stamps of CI, JSON arrays, JSON over many lines. Real output was read of strace, perf, bpftrace,
 * tracefs, trace-cmd, auditd and ausearch; the forms of Tracee, Tetragon, Falco, sysdig, auditbeat, osquery and kunai are from what is
 * published of them.
 *
 * A line that names io_uring_register gives a record or is counted as `malformed`; each call gives one record, however
 * many lines tell of it. A record is given as soon as its last line is there. Memory is bounded, whatever comes: lines
 * are held up to 2^20 characters, and so are the calls that wait for their end. No content makes it throw.
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
  const reader = new LogReader(from, boolean('options.all', options.all ?? false));
  const pieces = typeof input === 'string' || isUint8Array(input) ? [input] : input;
  if (
    typeof pieces !== 'object' ||
    pieces === null ||
    !(Symbol.iterator in pieces || Symbol.asyncIterator in pieces)
  ) {
    throw wrongType('input', 'text, bytes, or an iterable of them', input);
  }
  const records = run(pieces, reader);
  return {
    get stats() {
      return reader.stats;
    },
    [Symbol.asyncIterator]: () => records,
  };
}
