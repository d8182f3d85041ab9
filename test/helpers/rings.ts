/** Tests of what a ring does: each has what it opens closed, and fails when something is left behind. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ClosedError } from '../../lib/errors.ts';
import { Ring } from '../../lib/faces/ring.ts';
import type { RingBaseOptions } from '../../lib/ring/base.ts';
import type { Completion } from '../../lib/ring/core/core.ts';
import { closingRings, reapClosed } from '../../lib/ring/core/reaper.ts';
import { closeIdleWaker } from '../../lib/ring/core/wakeup.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { sweep } from '../../lib/sys/worker-memory.ts';
import type { Needs } from './needs.ts';
import { patience } from './patience.ts';
import { openFds } from './raw-ring.ts';

/** How long a test waits for something that must come. */
const PATIENCE_MS = patience(10_000);

/** How long what a test closed may take to be closed. */
const LATER_MS = patience(500);

/** The two ends of a pipe. */
export interface Pipe {
  readonly reader: number;
  readonly writer: number;
}

/** What a test opens, closed in reverse order when it ends. */
export class Scope {
  readonly #closers: (() => void)[] = [];

  /** Calls `closer` at the end. */
  defer(closer: () => void): void {
    this.#closers.push(closer);
  }

  ring(entries = 8, options: RingBaseOptions = {}): Ring {
    const ring = new Ring(entries, options);
    this.defer(() => ring.close());
    return ring;
  }

  /** An fd of the test's. */
  fd(fd: number): number {
    assert.ok(fd >= 0, `no fd: ${fd}`);
    this.defer(() => sys.close(fd));
    return fd;
  }

  pipe(): Pipe {
    const [reader, writer] = makePipe();
    return { reader: this.fd(reader), writer: this.fd(writer) };
  }

  /** A folder that is removed with all that is in it. */
  folder(): string {
    const path = mkdtempSync(join(tmpdir(), 'uring-test-'));
    this.defer(() => rmSync(path, { recursive: true, force: true }));
    return path;
  }

  close(): void {
    for (const closer of this.#closers.splice(0).reverse()) closer();
  }
}

/** A pipe whose ends the caller closes. */
export function makePipe(): [reader: number, writer: number] {
  const fds = new Int32Array(2);
  assert.equal(sys.pipe(fds, 0o2000000), 0);
  return [fds[0] ?? -1, fds[1] ?? -1];
}

/** A FIFO in `folder`. */
export function makeFifo(folder: string): string {
  const path = join(folder, 'fifo');
  execFileSync('mkfifo', [path]);
  return path;
}

/** The mappings of rings in this process. */
function ringMappings(): string[] {
  return readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.includes('[io_uring]'));
}

/** What can be left behind. */
function things(): string[] {
  return [...openFds(), ...ringMappings()];
}

const isNode = !('deno' in process.versions || 'bun' in process.versions);

/**
 * What is not the runtime's own: Deno keeps an epoll file and an eventfd of each worker that had loaded an addon, Bun those of
 * the first child process. Nothing of ours has one with the other.
 */
function ours(things: readonly string[]): string[] {
  if (isNode) return [...things];
  const files = things.filter((each) => each.endsWith('[eventpoll]'));
  const pairs = [...files, ...things.filter((each) => each.endsWith('[eventfd]')).slice(0, files.length)];
  return things.filter((each) => !pairs.includes(each));
}

/** What is there now and was not `before`, and what is gone although nobody of the test's had it. */
function difference(before: readonly string[]): { readonly left: string[]; readonly lost: string[] } {
  const after = things();
  return {
    // Node.js and tsx open and close sockets and files of their own when they like
    left: ours(after.filter((each) => !before.includes(each) && !/\/tsx-\d+/.test(each))),
    lost: ours(before.filter((each) => !after.includes(each) && / (anon_inode|pipe):/.test(each))),
  };
}

/** A worker's thread ends before Node.js says so; elsewhere a moment later: waits until `isGone` says that it has. */
async function threadsEnded(isGone: () => boolean): Promise<void> {
  if (isNode) return;
  const end = performance.now() + 2000;
  while (!isGone() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Is there no memory of a worker any more? What a thread that has ended left is unmapped first. */
function isSwept(): boolean {
  sweep();
  return !readFileSync('/proc/self/maps', 'utf8').includes('/memfd:uring');
}

/** What is left in the end: Node.js closes sockets of its own a little later than it was asked to. */
async function lastDifference(before: readonly string[]): Promise<ReturnType<typeof difference>> {
  const end = performance.now() + LATER_MS;
  for (;;) {
    const found = difference(before);
    if (found.left.length === 0 || performance.now() > end) return found;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** The kernel has let go of all that closed rings had. */
export async function allGivenBack(): Promise<void> {
  await until('closed rings are given back', () => {
    reapClosed();
    return closingRings() === 0;
  });
}

/** Closes what a test that failed has left: what it says of that is less than what the test said. */
function closeQuietly(scope: Scope): void {
  try {
    scope.close();
  } catch {
    // a ring with operations in flight
  }
}

/** A test that leaves no fd and no mapping of a ring behind. */
export function ringTest(name: string, options: Needs, body: (scope: Scope) => void | Promise<void>): void {
  test(name, options, async () => {
    const scope = new Scope();
    // what the test before left for a moment, and its threads
    sweep();
    await threadsEnded(isSwept);
    await allGivenBack();
    closeIdleWaker();
    const before = things();
    try {
      await body(scope);
    } catch (error) {
      closeQuietly(scope);
      throw error;
    }
    scope.close();
    await allGivenBack();
    await threadsEnded(() => Object.values(difference(before)).every((things) => things.length === 0));
    assert.deepEqual(await lastDifference(before), { left: [], lost: [] });
  });
}

/** Submits what was prepared and waits for `count` completions, in the order in which they came. */
export function complete(ring: Ring, count: number): Completion[] {
  ring.submit({ wait: count, timeoutMs: PATIENCE_MS });
  const found = [...ring.completions()];
  assert.equal(found.length, count, 'completions');
  return found;
}

/** Submits the one operation that was prepared; its result. */
export function result(ring: Ring): number {
  return complete(ring, 1)[0]?.res ?? Number.NaN;
}

/** Asks again and again until `done`; fails when it takes too long. */
export async function until(what: string, done: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!done()) {
    if (performance.now() > end) assert.fail(`it never came: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** How often `body` calls io_uring_enter(2); fails when it goes round and round. */
export function enters(body: () => void): number {
  const { enter } = sys;
  let calls = 0;
  sys.enter = (...args) => {
    if (++calls > 1000) throw new Error('io_uring_enter is called again and again');
    return enter(...args);
  };
  try {
    body();
    return calls;
  } finally {
    sys.enter = enter;
  }
}

/** Each call throws ClosedError. */
export function closed(calls: { readonly [name: string]: () => unknown }): void {
  for (const [name, call] of Object.entries(calls)) assert.throws(call, ClosedError, name);
}

/** A worker thread of the kernel's. */
export interface IoWorker {
  readonly tid: number;
  /** Where it may run: `'0-1'`. */
  readonly cpus: string;
}

/** A file of each of this process's threads, the kernel's among them; a thread that ends meanwhile is left out. */
export function ofThreads(file: string): [tid: number, text: string][] {
  return readdirSync('/proc/self/task').flatMap((tid) => {
    try {
      return [[Number(tid), readFileSync(`/proc/self/task/${tid}/${file}`, 'utf8')]];
    } catch {
      return [];
    }
  });
}

/** The names of this process's threads, the kernel's among them. */
export function threadNames(): string[] {
  return ofThreads('comm').map(([, comm]) => comm.trim());
}

/** The kernel's worker threads of the thread `owner`. */
export function ioWorkers(owner = sys.gettid()): IoWorker[] {
  return ofThreads('status')
    .filter(([, status]) => status.startsWith(`Name:\tiou-wrk-${owner}\n`))
    .map(([tid, status]) => ({ tid, cpus: /^Cpus_allowed_list:\s*(.*)$/m.exec(status)?.[1] ?? '' }));
}
