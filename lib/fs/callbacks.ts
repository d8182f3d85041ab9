/** The functions of `node:fs` with callbacks that a ring does faster: for streams, and for `uring/register`. */
import type { Stats } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import type { AsyncRing } from '../faces/async-ring.ts';
import { ringOrThreads } from './backend.ts';
import { closeOn } from './ending.ts';
import { asNode } from './errors.ts';
import { nodeFs } from './node.ts';
import { isChanging, isFd, isWritten, opening, type Transfer, transfer, transferOfMany } from './plain.ts';
import { planRead, readOn } from './read-file.ts';
import { isInMemory, learn, planStat, statOn } from './stat.ts';
import { planWrite, writeAt, writeOn, writevAt } from './write-file.ts';

type Callback = (error: unknown, ...results: readonly unknown[]) => void;
type AnyFunction = (...args: readonly unknown[]) => unknown;

function isCallback(value: unknown): value is Callback {
  return typeof value === 'function';
}

/** Calls back when `work` is over, in a tick of its own: what the callback throws is an uncaught exception, as with Node. */
function tell<T>(
  work: Promise<T>,
  callback: Callback,
  resultsOf: (value: T) => readonly unknown[],
  errorOf: (error: unknown) => unknown = same,
): void {
  work.then(
    (value) => process.nextTick(callback, null, ...resultsOf(value)),
    (error) => process.nextTick(callback, errorOf(error)),
  );
}

function same(error: unknown): unknown {
  return error;
}

function none(): readonly unknown[] {
  return [];
}

function node(name: keyof typeof nodeFs, args: readonly unknown[]): unknown {
  return Reflect.apply(nodeFs[name], nodeFs, args);
}

/** What a function with a callback gives. */
function promised<T>(start: (done: (error: unknown, result: T) => void) => unknown): Promise<T> {
  return new Promise((done, fail) => {
    start((error, result) => (error ? fail(error) : done(result)));
  });
}

/**
 * In a worker Node keeps a list of the fds that it opened for it, to close what is left, and warns of others; Deno closes
 * and writes to fds of its own list alone. There fds are theirs.
 */
const ownsFds = isMainThread && !('deno' in process.versions);
/** What a ring has opened to be read, and is to close. One that was closed otherwise stays until its number comes again. */
const opened = new Set<number>();

export function open(...args: readonly unknown[]): unknown {
  const callback = args.at(-1);
  const given = args.slice(0, -1);
  const plain =
    ownsFds && isCallback(callback) && given.length <= 3
      ? opening(given[0], given[1], given[2] ?? undefined)
      : undefined;
  const ring = plain && !isChanging(plain.flags) ? ringOrThreads() : undefined;
  if (plain === undefined || ring === undefined || !isCallback(callback)) return node('open', args);
  const { path, flags, mode } = plain;
  return tell(
    ring.open(path, { flags, mode }),
    callback,
    ({ fd }) => {
      if (isWritten(flags)) opened.delete(fd);
      else opened.add(fd);
      return [fd];
    },
    (error) => asNode(error, { syscall: 'open', path }),
  );
}

export function close(...args: readonly unknown[]): unknown {
  const [fd, callback] = args;
  const ring = isFd(fd) && opened.delete(fd) && isCallback(callback) ? ringOrThreads() : undefined;
  if (ring === undefined || !isFd(fd) || !isCallback(callback)) return node('close', args);
  return tell(closeOn(ring, fd), callback, none);
}

/**
 * A function that moves bytes between a file and memory.
 * @param plainOf what its arguments ask for; undefined where Node has to look at them
 */
function mover<M>(
  name: 'read' | 'readv' | 'write' | 'writev',
  plainOf: (args: readonly unknown[]) => Transfer<M> | undefined,
  move: (ring: AsyncRing, fd: number, memory: M, offset: number) => Promise<number>,
): AnyFunction {
  // as Node's own errors have it
  const syscall = name.startsWith('read') ? 'read' : 'write';
  return (...args) => {
    const [fd, given] = args;
    const callback = args.at(-1);
    if (!isFd(fd) || !isCallback(callback)) return node(name, args);
    const plain = plainOf(args);
    const ring = plain && ringOrThreads();
    if (plain === undefined || ring === undefined) return node(name, args);
    return tell(
      move(ring, fd, plain.memory, plain.offset),
      callback,
      (count) => [count, given],
      (error) => asNode(error, { syscall }),
    );
  };
}

/** Of `read(fd, buffer, offset, length, position, callback)` and `write` alike; the other forms are for Node. */
function onePiece(args: readonly unknown[]): Transfer | undefined {
  const [, buffer, offset, length, position] = args;
  const isPlain = args.length === 6 && typeof length === 'number';
  return isPlain ? transfer(buffer, { offset, length, position }) : undefined;
}

/** Of `readv(fd, buffers, position, callback)`, also without a position, and `writev` alike. */
function manyPieces(args: readonly unknown[]): Transfer<readonly Uint8Array[]> | undefined {
  const [, buffers, position] = args;
  if (args.length === 3) return transferOfMany(buffers, undefined);
  return args.length === 4 ? transferOfMany(buffers, position) : undefined;
}

export const read: AnyFunction = mover('read', onePiece, (ring, fd, memory, offset) =>
  ring.read(fd, memory, { offset }),
);
export const readv: AnyFunction = mover('readv', manyPieces, (ring, fd, memory, offset) =>
  ring.readv(fd, memory, { offset }),
);
export const write: AnyFunction = mover('write', onePiece, writeAt);
export const writev: AnyFunction = mover('writev', manyPieces, writevAt);

/** The callback of `readFile(path, options, callback)` and the like, and what stands before it: the options may be absent. */
function splitWhole(args: readonly unknown[], least: number): [readonly unknown[], Callback] | undefined {
  const callback = args.at(-1);
  const count = args.length - 1;
  return isCallback(callback) && count >= least && count <= least + 1
    ? [args.slice(0, -1), callback]
    : undefined;
}

/** A wrong argument is Node's to throw, and an fd is Node's to read. */
export function readFile(...args: readonly unknown[]): unknown {
  const [given, callback] = splitWhole(args, 1) ?? [];
  const plan = given && planRead(given[0], given[1]);
  const ring = plan && ringOrThreads();
  if (plan === undefined || ring === undefined || callback === undefined) return node('readFile', args);
  return tell(
    readOn(ring, plan).then((data) => data ?? promised((done) => node('readFile', [...(given ?? []), done]))),
    callback,
    (data) => [data],
  );
}

function wholeWriter(name: 'writeFile' | 'appendFile', flag: string): AnyFunction {
  return (...args) => {
    const [given, callback] = splitWhole(args, 2) ?? [];
    const plan = given && planWrite(flag, given[0], given[1], given[2]);
    const ring = plan && ringOrThreads();
    if (plan === undefined || ring === undefined || callback === undefined) return node(name, args);
    return tell(writeOn(ring, plan), callback, none);
  };
}

export const writeFile: AnyFunction = wholeWriter('writeFile', 'w');
export const appendFile: AnyFunction = wholeWriter('appendFile', 'a');

/** `stat(path, callback)` and `stat(path, options, callback)`, and `lstat` alike. */
function statter(name: 'stat' | 'lstat'): AnyFunction {
  return (...args) => {
    const [given, callback] = splitWhole(args, 1) ?? [];
    const plan = given && planStat(name, given[0], given[1]);
    if (plan === undefined || callback === undefined) return node(name, args);
    const ring = isInMemory(plan) ? ringOrThreads() : undefined;
    const byNode = (done: Callback) => node(name, [...(given ?? []), done]);
    if (ring !== undefined) {
      const work = statOn(ring, plan).then((found) => found ?? promised(byNode));
      return tell(work, callback, (stats) => [stats]);
    }
    return byNode((error, stats) => {
      if (isStats(stats)) learn(plan, stats);
      callback(error, ...(error ? [] : [stats]));
    });
  };
}

function isStats(value: unknown): value is Stats {
  return typeof value === 'object' && value !== null && 'dev' in value;
}

export const stat: AnyFunction = statter('stat');
export const lstat: AnyFunction = statter('lstat');
