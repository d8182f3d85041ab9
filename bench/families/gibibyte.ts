/** One large file, read from its beginning to its end. */
import { closeSync, createReadStream, fsyncSync, openSync, statfsSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { AsyncRing } from 'uring';
import { createReadStream as readStreamByRing } from 'uring/fs';
import type { Family, Work } from '../harness.ts';
import { turn } from '../turn.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const WHOLE = 1024;
const PART = 256;
/** How long the file is, which is known when it is written. */
let mebibytes = PART;

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** What each MiB of the file begins with. */
function markOf(mebibyte: number): number {
  return mebibyte % 251;
}

function writeFile(path: string, length: number): void {
  const file = openSync(path, 'w');
  const piece = Buffer.alloc(MIB, 'x');
  for (let i = 0; i < length; i++) {
    piece[0] = markOf(i);
    writeSync(file, piece);
  }
  fsyncSync(file); // or the disk would still be busy with it
  closeSync(file);
}

/** Reads all chunks: the marks in them, and how many bytes there were. */
async function look(chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let at = 0;
  let sum = 0;
  for await (const chunk of chunks) {
    const end = at + chunk.length;
    for (let mark = Math.ceil(at / MIB) * MIB; mark < end; mark += MIB) sum += chunk[mark - at] ?? 0;
    at = end;
  }
  return (sum + at) % 2 ** 32;
}

/** A side that reads the file anew in each turn. */
function reads(chunks: (path: string) => AsyncIterable<Uint8Array>): (args: readonly string[]) => Work {
  return ([path = '']) =>
    (_, count) =>
      turn(count, () => look(chunks(path)));
}

function byRing(highWaterMark: number): (args: readonly string[]) => Work {
  return (args) => {
    const ring = new AsyncRing(8);
    return reads(async function* (path) {
      await using file = await ring.open(path);
      yield* file.chunks({ highWaterMark });
    })(args);
  };
}

/** One buffer, again and again. */
async function* byFileHandle(path: string): AsyncGenerator<Uint8Array> {
  await using file = await open(path);
  const memory = new Uint8Array(MIB);
  for (;;) {
    const { bytesRead } = await file.read(memory, 0, MIB);
    if (bytesRead === 0) return;
    yield memory.subarray(0, bytesRead);
  }
}

export const gibibyte: Family = {
  name: 'gibibyte',
  title: 'One sequential read of a file of 1 GiB, cached',
  unit: 'a MiB of the file',
  how: 'A file in the page cache is read from its beginning to its end, a chunk after the other: streams and chunks() in their default of 64 KiB, or 1 MiB at a time. chunks() and FileHandle.read use one buffer again and again, streams have a new one for each chunk. Operations in a second are MiB/s. The first round, which does not count, reads the file once. 256 MiB with --quick, or where the disk has not 3 GiB free.',
  plot: { axes: ['rate', 'cpu'] },
  heading: () => 'a MiB after the other',
  cases: ['MiB'],
  count: () => mebibytes,
  workers: {
    'node:fs createReadStream': reads((path) => createReadStream(path)),
    'FileHandle.read, 1 MiB': reads(byFileHandle),
    'uring/fs createReadStream': reads((path) => readStreamByRing(path)),
    'AsyncRing, chunks': byRing(64 * 1024),
    'AsyncRing, chunks of 1 MiB': byRing(MIB),
  },
  async sides(kit) {
    const path = join(kit.folder, 'gibibyte');
    const hasRoom = freeBytes(kit.folder) >= 3 * GIB;
    if (!hasRoom) kit.skipped.set('a file of 1 GiB', 'needs 3 GiB free on the disk; it has 256 MiB here');
    mebibytes = kit.effort.isQuick || !hasRoom ? PART : WHOLE;
    writeFile(path, mebibytes);
    await kit.node(Object.keys(this.workers), [path], kit.cpus(2));
  },
  expected: (_, count) =>
    Array.from({ length: count }, (_each, i) => markOf(i)).reduce(
      (sum, mark) => (sum + mark) % 2 ** 32,
      (count * MIB) % 2 ** 32,
    ),
};
