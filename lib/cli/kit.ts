/** What the commands share: printing, stopping, exit codes. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import pc from 'picocolors';
import { errnoMessage } from '../../structs/errno.ts';

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

const EXIT_BY_CODE: { readonly [code: string]: number } = {
  EPERM: EXIT.forbidden,
  EACCES: EXIT.forbidden,
  ENOSYS: EXIT.unsupported,
  ERR_URING_UNSUPPORTED: EXIT.unsupported,
};

/**
 * What the system or this kernel refused (an error with a `code`, Node's own or ours) as a Failure; undefined for what
 * nobody expects, which is a bug.
 * @param what instead of the call and its path: `'--html'`
 */
export function asFailure(error: unknown, what?: string): Failure | undefined {
  if (error instanceof Failure) return error;
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return undefined;
  const exitCode = EXIT_BY_CODE[error.code] ?? EXIT.failed;
  if (error.code === 'ERR_URING_UNSUPPORTED') {
    return new Failure(exitCode, what ?? 'io_uring', error.message.replace(/^uring: /, ''));
  }
  if (!('errno' in error && typeof error.errno === 'number')) return undefined;
  const call = 'syscall' in error ? `${error.syscall}` : error.name;
  const path = 'path' in error ? ` ${visible(`${error.path}`)}` : '';
  const hint = 'hint' in error && typeof error.hint === 'string' ? error.hint : undefined;
  const why = `${errnoMessage(Math.abs(error.errno))} (${error.code})`;
  return new Failure(exitCode, what ?? `${call}${path}`, why, hint);
}

/** What `work` gives; where the system refuses it, a Failure that begins with `what`. */
export async function orFailure<T>(what: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asFailure(error, what) ?? error;
  }
}

const ESCAPES: { readonly [character: string]: string } = {
  '\\': '\\\\',
  '\n': '\\n',
  '\t': '\\t',
  '\r': '\\r',
};

/** Makes text of the host harmless for a terminal and keeps it on one line: `\n`, `\x1b`, `\u202e`, a lone surrogate. */
export function visible(text: string): string {
  // controls, what is invisible or turns the direction, halves of pairs, line separators
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\\]/gu, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16);
    if (code.length > 4) return `\\u{${code}}`;
    return (
      ESCAPES[character] ?? (code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`)
    );
  });
}

const stop = new AbortController();

/** Aborted when the person or the reader of our output wants us to end: SIGINT, SIGTERM, SIGHUP, a closed pipe. */
export const stopped: AbortSignal = stop.signal;

/** Begins to listen for what ends a command that runs until it is stopped. Once; commands that end by themselves don't. */
export function listenForStop(): AbortSignal {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort());
  return stopped;
}

/** A reader that has seen enough (`| head`) is no error; a full disk is, and ends the command too. */
export function endQuietlyWithoutReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    const isFirst = !stopped.aborted;
    stop.abort();
    if (error.code === 'EPIPE' || !isFirst) return;
    note(asFailure(error, 'stdout')?.message ?? error.message);
    process.exitCode = EXIT.failed;
  });
  // without stderr there is nobody to tell
  process.stderr.on('error', () => {});
}

const { FORCE_COLOR } = process.env;

/** Colours for stdout: on a terminal or with FORCE_COLOR, and never with NO_COLOR. */
export const paint = pc.createColors(
  // picocolors takes CI for a terminal
  pc.isColorSupported && (process.stdout.isTTY === true || Boolean(FORCE_COLOR)),
);

/** Writes a line; resolves when the reader can take more. */
export function print(line: string): Promise<void> | undefined {
  if (stopped.aborted || process.stdout.write(`${line}\n`) || process.stdout.destroyed) return undefined;
  const done = (): void => {};
  return once(process.stdout, 'drain', { signal: stopped }).then(done, done);
}

/** Writes what an option asks for: to a file, or to stdout where it is called `-`. */
export async function writeTo(path: string, option: string, text: string, mode = 0o666): Promise<void> {
  if (path === '-') await print(text.trimEnd());
  else await orFailure(`${option} ${visible(path)}`, () => writeFileSync(path, text, { mode }));
}

/** A remark to the person, on stderr. */
export function note(text: string): void {
  process.stderr.write(`uring: ${text}\n`);
}

/** `'1 ring'`, `'2 rings'`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

const snaked = new Map<string, string>();

/** `nextOp` as the kernel would write it: `next_op`. */
export function snakeCase(name: string): string {
  const known = snaked.get(name);
  if (known !== undefined) return known;
  const key = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  snaked.set(name, key);
  return key;
}

/** One line of JSON: bigints as decimal strings, undefined as null. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => {
    if (typeof each === 'bigint') return each.toString();
    return each === undefined ? null : each;
  });
}

export { table } from './table.ts';
