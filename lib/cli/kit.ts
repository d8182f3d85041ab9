/** What the commands share: printing, stopping, exit codes. */
import Table from 'cli-table3';

/** Exit codes, the same for every command. */
export const EXIT = {
  ok: 0,
  /** It failed, or the verdict is no. */
  failed: 1,
  usage: 2,
  /** Not permitted. */
  forbidden: 3,
  /** Not to be had here. */
  unsupported: 4,
  /** With --strict: not everything was seen. */
  incomplete: 5,
} as const;

/** Ends a command with one line on stderr: `uring: WHAT: WHY; TODO`. */
export class Failure extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, what: string, why: string, todo?: string) {
    super(`${what}: ${why}${todo === undefined ? '' : `; ${todo}`}`);
    this.name = 'Failure';
    this.exitCode = exitCode;
  }
}

/** Makes text of the host harmless for a terminal and keeps it on one line: `\n`, `\x1b`, a lone surrogate. */
export function visible(text: string): string {
  // C0, DEL, C1, line separators, direction overrides and halves of pairs
  return text.replace(
    /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]|\p{Cs}|\\/gu,
    (character) => {
      const code = character.charCodeAt(0);
      if (character === '\\') return '\\\\';
      if (character === '\n') return '\\n';
      if (character === '\t') return '\\t';
      if (character === '\r') return '\\r';
      return code < 0x100
        ? `\\x${code.toString(16).padStart(2, '0')}`
        : `\\u${code.toString(16).padStart(4, '0')}`;
    },
  );
}

const stop = new AbortController();

/** Aborted when the person or the reader of our output wants us to end: SIGINT, SIGTERM, SIGHUP, a closed pipe. */
export const stopped: AbortSignal = stop.signal;

/** Begins to listen for what ends a command that runs until it is stopped. Once; commands that end by themselves don't. */
export function listenForStop(): AbortSignal {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort());
  return stopped;
}

/** A reader that has seen enough (`| head`) is no error. */
export function endQuietlyWithoutReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    stop.abort();
  });
}

/** Writes a line; resolves when the reader can take more. */
export function print(line: string): Promise<void> | undefined {
  if (stopped.aborted || process.stdout.write(`${line}\n`) || process.stdout.destroyed) return undefined;
  return new Promise((resolve) => {
    const done = (): void => {
      process.stdout.off('drain', done);
      stopped.removeEventListener('abort', done);
      resolve();
    };
    process.stdout.once('drain', done);
    stopped.addEventListener('abort', done);
  });
}

/** A remark to the person, on stderr. */
export function note(text: string): void {
  process.stderr.write(`uring: ${text}\n`);
}

/** One line of JSON: bigints as decimal strings, undefined as null. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => {
    if (typeof each === 'bigint') return each.toString();
    return each === undefined ? null : each;
  });
}

const NOTHING = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
    'middle',
  ].map((part) => [part, part === 'middle' ? '  ' : '']),
);

/** Columns side by side without lines; numbers to the right. `head` undefined: without header. */
export function table(
  head: readonly string[] | undefined,
  rows: readonly (readonly (string | number)[])[],
): string {
  const width = head?.length ?? rows[0]?.length ?? 0;
  const isNumber = Array.from({ length: width }, (_, i) => rows.every((row) => typeof row[i] === 'number'));
  const drawn = new Table({
    chars: NOTHING,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
    colAligns: isNumber.map((is) => (is && rows.length > 0 ? 'right' : 'left')),
    ...(head === undefined ? {} : { head: [...head] }),
  });
  for (const row of rows) drawn.push([...row]);
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
