/** A log with many writers, whose records are on the disk before they go on: commits in groups. */
import { constants, fdatasyncSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { AsyncRing } from 'uring';
import { alloc } from 'uring/raw';
import { constants as kernel } from 'uring/structs';
import type { Family, Work } from '../harness.ts';
import { inParallel } from '../turn.ts';

const WRITERS = 64;
const RECORD = 200;

/** Writes so many bytes at an offset, and has them on the disk. */
type Commit = (bytes: Uint8Array, offset: number) => Promise<unknown>;

/** Records that come while one group is written are the next group. */
class Log {
  readonly #commit: Commit;
  readonly #bytes = alloc(WRITERS * RECORD).fill(120);
  #waiting: (() => void)[] = [];
  #isRunning = false;
  #end = 0;

  constructor(commit: Commit) {
    this.#commit = commit;
  }

  append(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#isRunning) return;
      this.#isRunning = true;
      queueMicrotask(() => this.#run());
    });
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      const length = group.length * RECORD;
      await this.#commit(this.#bytes.subarray(0, length), this.#end);
      this.#end += length;
      for (const resolve of group) resolve();
    }
    this.#isRunning = false;
  }
}

function withLog([folder = '']: readonly string[], start: (fd: number) => Commit | Promise<Commit>) {
  const fd = openSync(join(folder, `log-${process.pid}`), constants.O_RDWR | constants.O_CREAT, 0o600);
  return async (): Promise<Work> => {
    const commit = await start(fd);
    return async (_, count) => {
      ftruncateSync(fd, 0);
      const log = new Log(commit);
      const timed = await inParallel(
        count,
        WRITERS,
        () => log.append(),
        () => 0,
      );
      return { ...timed, sum: fstatSync(fd).size };
    };
  };
}

const byRing = (args: readonly string[]) =>
  withLog(args, (fd) => {
    const ring = new AsyncRing(8);
    return async (bytes, offset) => {
      await ring.write(fd, bytes, { offset });
      await ring.fsync(fd, { dataOnly: true });
    };
  })();

/** One operation instead of two: a write that ends when its data is on the disk. */
const byDsync = (args: readonly string[]) =>
  withLog(args, (fd) => {
    const ring = new AsyncRing(8);
    return (bytes, offset) => ring.write(fd, bytes, { offset, flags: kernel.RWF_DSYNC });
  })();

const byChain = (args: readonly string[]) =>
  withLog(args, (fd) => {
    const ring = new AsyncRing(8);
    return (bytes, offset) =>
      ring.chain((c) => [c.write(fd, bytes, { offset }), c.fsync(fd, { dataOnly: true })]);
  })();

const byPromises = (args: readonly string[]) =>
  withLog(args, async (fd) => {
    const file = await open(`/proc/self/fd/${fd}`, 'r+');
    return async (bytes, offset) => {
      await file.write(bytes, 0, bytes.length, offset);
      await file.datasync();
    };
  })();

/** The same by Node: a file that is opened so that each write ends when its data is on the disk. */
const byDsyncFile = (args: readonly string[]) =>
  withLog(args, async (fd) => {
    const file = await open(`/proc/self/fd/${fd}`, constants.O_RDWR | constants.O_DSYNC);
    return (bytes, offset) => file.write(bytes, 0, bytes.length, offset);
  })();

const bySync = (args: readonly string[]) =>
  withLog(args, (fd) => async (bytes, offset) => {
    writeSync(fd, bytes, 0, bytes.length, offset);
    fdatasyncSync(fd);
  })();

export const log: Family = {
  name: 'log',
  title: 'A log of 64 writers',
  unit: 'a record of 200 bytes that is on the disk',
  how: '64 writers await one record each; records that come while a group is written and flushed (fdatasync) are the next group. Then the length of the file is looked at.',
  plot: { axes: ['rate', 'cpu'] },
  heading: (name) => `${name} writers`,
  cases: ['64'],
  count: (_, { isQuick }) => (isQuick ? 1000 : 8000),
  workers: {
    'fs.promises': byPromises,
    'fs.promises, O_DSYNC': byDsyncFile,
    AsyncRing: byRing,
    'AsyncRing, RWF_DSYNC': byDsync,
    'AsyncRing.chain': byChain,
    'fs sync': bySync,
  },
  async sides(kit) {
    await kit.node(Object.keys(this.workers), [kit.folder], kit.cpus(2));
  },
  expected: (_, count) => count * RECORD,
};
