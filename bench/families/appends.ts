/** Appends that are on the disk before the next one starts. */
import { constants, fsync, fsyncSync, ftruncateSync, openSync, readSync, write, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AsyncRing } from 'uring';
import { alloc } from 'uring/raw';
import { type Family, setupFlags, type Work } from '../harness.ts';
import { inParallel, repeat } from '../turn.ts';

const BYTES = 4096;
const FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | constants.O_APPEND;

/** What is appended, and what lies in the file afterwards. */
class Log {
  readonly fd: number;
  readonly bytes = alloc(BYTES);
  readonly #words = new Uint32Array(this.bytes.buffer, this.bytes.byteOffset, BYTES / 4);

  constructor([folder = '']: readonly string[]) {
    this.fd = openSync(join(folder, `appends-${process.pid}`), FLAGS, 0o600);
  }

  clear(): void {
    ftruncateSync(this.fd, 0);
  }

  /** The next piece begins with its number. */
  number(i: number): Uint8Array {
    this.#words[0] = i;
    return this.bytes;
  }

  /** The numbers of all pieces, as the file has them. */
  sum(count: number): number {
    const word = new Uint32Array(1);
    let sum = 0;
    for (let i = 0; i < count; i++) {
      readSync(this.fd, word, 0, 4, i * BYTES);
      sum += word[0] ?? 0;
    }
    return sum;
  }
}

/** A side whose `append` is awaited, one after another. */
function oneByOne(log: Log, append: (bytes: Uint8Array) => Promise<unknown>): Work {
  return async (_, count) => {
    log.clear();
    const timed = await inParallel(
      count,
      1,
      (i) => append(log.number(i)),
      () => 0,
    );
    return { ...timed, sum: log.sum(count) };
  };
}

function byChain(args: readonly string[]): Work {
  const log = new Log(args);
  const ring = new AsyncRing(8);
  return oneByOne(log, (bytes) => ring.chain((c) => [c.write(log.fd, bytes), c.fsync(log.fd)]));
}

async function byFileHandle(args: readonly string[]): Promise<Work> {
  const log = new Log(args);
  const file = await open(`/proc/self/fd/${log.fd}`, constants.O_RDWR | constants.O_APPEND);
  return oneByOne(log, async (bytes) => {
    await file.write(bytes);
    await file.sync();
  });
}

function byCallback(args: readonly string[]): Work {
  const log = new Log(args);
  const writing: (fd: number, bytes: Uint8Array) => Promise<unknown> = promisify(write);
  const syncing = promisify(fsync);
  return oneByOne(log, async (bytes) => {
    await writing(log.fd, bytes);
    await syncing(log.fd);
  });
}

function bySync(args: readonly string[]): Work {
  const log = new Log(args);
  return async (_, count) => {
    log.clear();
    let next = 0;
    const timed = await repeat(count, () => {
      writeSync(log.fd, log.number(next++));
      fsyncSync(log.fd);
    });
    return { ...timed, sum: log.sum(count) };
  };
}

export const appends: Family = {
  name: 'appends',
  title: 'Appends of 4 KiB, each followed by fsync',
  unit: 'an append and its fsync',
  how: 'One after another, to a file of its own that is empty at first; then the file is read and must have all of them. The disk decides here: look at the CPU time.',
  plot: { axes: ['rate', 'cpu'] },
  cases: ['4KiB'],
  count: (_, { isQuick }) => (isQuick ? 50 : 200),
  workers: {
    'AsyncRing.chain': byChain,
    FileHandle: byFileHandle,
    'fs callback': byCallback,
    'fs sync': bySync,
  },
  async sides(kit) {
    const cpus = kit.cpus(2);
    await kit.c('C', 'appends', [setupFlags(), join(kit.folder, 'appends-c'), BYTES], cpus);
    await kit.node(Object.keys(this.workers), [kit.folder], cpus);
  },
  expected: (_, count) => (count * (count - 1)) / 2,
};
