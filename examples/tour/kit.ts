/** What the proofs share: assertions, completions, a ring by hand, and files that go away by themselves. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  constants as fs,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Completion, probe, type Ring } from 'uring';
import * as raw from 'uring/raw';
import { constants, errnoName } from 'uring/structs';

const LIMIT_MS = 2000;
const { O_NONBLOCK } = fs;

/** A file that everybody has who has the tour. */
export const LICENSE = new URL('../../LICENSE', import.meta.url).pathname;

// ---- assertions -------------------------------------------------------------------------------------------

/** Throws unless `condition` holds. */
export function expect(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Error(otherwise);
}

/** Throws unless both are equal, bytes and all. */
export function same(what: string, actual: unknown, expected: unknown): void {
  if (isDeepStrictEqual(actual, expected)) return;
  throw new Error(`${what} should be ${String(expected)}, is ${String(actual)}`);
}

/** The code of the error that `action` throws; undefined where it throws none. */
export function refusal(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
  return undefined;
}

const nobody = new Int32Array(new SharedArrayBuffer(4));

/** Does nothing for a while. */
export function pause(ms: number): void {
  Atomics.wait(nobody, 0, 0, ms);
}

/** Waits until `condition` holds: for threads, which tell nobody when they come and go. */
export function until(what: string, condition: () => boolean): void {
  const end = performance.now() + LIMIT_MS;
  while (!condition()) {
    expect(performance.now() < end, `${what}: not within ${LIMIT_MS} ms`);
    pause(1);
  }
}

// ---- completions ------------------------------------------------------------------------------------------

/** Submits, and waits for so many completions. */
export function completions(ring: Ring, count: number): Completion[] {
  const limit = probe().features.FEAT_EXT_ARG.supported ? { timeoutMs: LIMIT_MS } : {};
  ring.submit({ wait: count, ...limit });
  const found = [...ring.completions()];
  expect(found.length >= count, `${found.length} of ${count} completions came`);
  return found;
}

/** Submits one operation, and gives its res: what it returns, or the errno's name with a minus. */
export function result(ring: Ring): number | string {
  const [completion] = completions(ring, 1);
  return named(completion?.res ?? 0);
}

/** A res as people read it: `-14` is `'-EFAULT'`. */
export function named(res: number): number | string {
  return res < 0 ? `-${errnoName(-res)}` : res;
}

/** A ring by hand, for the opcodes that a Ring replaces by newer ones, and for what it refuses to do. */
export class RawRing implements Disposable {
  readonly fd: number;
  readonly #queues: raw.Queues;

  constructor(entries = 8) {
    const { fd, params } = raw.setup(entries);
    this.fd = fd;
    this.#queues = raw.mapQueues(fd, params);
  }

  /** Runs one operation; its res. */
  run(prepare: (sqe: raw.SqeCursor) => unknown): number | string {
    const queues = this.#queues;
    prepare(raw.nextSqe(queues));
    queues.publish();
    raw.enter(this.fd, { toSubmit: 1, minComplete: 1, flags: constants.IORING_ENTER_GETEVENTS });
    expect(queues.take(), 'no completion came');
    queues.release();
    return named(queues.res);
  }

  [Symbol.dispose](): void {
    this.#queues.unmap();
    raw.libc.close(this.fd);
  }
}

/** What /proc tells about a ring: `fdinfo(ring.fd).get('UserBufs')`. */
export function fdinfo(fd: number): ReadonlyMap<string, string> {
  const lines = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').split('\n');
  return new Map(lines.map((line) => [line.split(':')[0] ?? '', line.slice(line.indexOf(':') + 1).trim()]));
}

// ---- files ------------------------------------------------------------------------------------------------

/** An open file that closes itself. */
export class OpenFile implements Disposable {
  readonly fd: number;
  #isOpen = true;

  constructor(fd: number) {
    this.fd = fd;
  }

  /** What can be read now: the bytes, or `'EAGAIN'` from an empty pipe. */
  read(): string {
    const bytes = new Uint8Array(64);
    try {
      return new TextDecoder().decode(bytes.subarray(0, readSync(this.fd, bytes)));
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : String(error);
    }
  }

  close(): void {
    if (this.#isOpen) raw.libc.close(this.fd);
    this.#isOpen = false;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Opens a path for reading. */
export function open(path: string): OpenFile {
  return new OpenFile(openSync(path, 'r'));
}

/** Two ends of a pipe (reading never blocks), or of a pair of sockets. */
export class Pair implements Disposable {
  readonly a: OpenFile;
  readonly b: OpenFile;

  private constructor([a, b]: readonly [number, number]) {
    this.a = new OpenFile(a);
    this.b = new OpenFile(b);
  }

  /** `a` reads what is written to `b`; nothing to read is EAGAIN. */
  static pipe(): Pair {
    return new Pair(raw.libc.pipe(O_NONBLOCK));
  }

  /** The same, and whoever reads too early waits. */
  static blockingPipe(): Pair {
    return new Pair(raw.libc.pipe());
  }

  static sockets(): Pair {
    return new Pair(raw.libc.socketpair());
  }

  [Symbol.dispose](): void {
    this.a.close();
    this.b.close();
  }
}

/** A temporary folder, gone when it is disposed of. */
export class Scratch implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'uring-tour-'));

  constructor() {
    // others may pass, so that a file's own mode decides
    chmodSync(this.#folder, 0o711);
  }

  /** A file with this text; its path. */
  file(name: string, text: string, mode = 0o644): string {
    const path = join(this.#folder, name);
    writeFileSync(path, text, { mode });
    return path;
  }

  /** A FIFO, which blocks whoever opens it for reading, until somebody opens it for writing; its path. */
  fifo(name: string): string {
    const path = join(this.#folder, name);
    execFileSync('mkfifo', [path]);
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
