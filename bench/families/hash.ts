/** sha256 of many files: a program that reads, and computes. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AsyncRing } from 'uring';
import { readFile as readByRing } from 'uring/fs';
import type { Family, Work } from '../harness.ts';
import { inParallel, repeat } from '../turn.ts';

const FILES = 2000;
const LANES = 32;
const SMALLEST = 2 * 1024;
const LARGEST = 1024 * 1024;

/** The digests that all sides must find: their first words, in the order of the files. */
const digests: number[] = [];

/** As many files from 2 to 4 KiB as from 512 KiB to 1 MiB, also among the first few hundred. */
function sizeOf(i: number): number {
  return Math.round(SMALLEST * (LARGEST / SMALLEST) ** ((i * 0.618034) % 1));
}

function digestOf(data: Uint8Array): number {
  return createHash('sha256').update(data).digest().readUInt32LE();
}

function writeFiles(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < FILES; i++) {
    const data = Buffer.alloc(sizeOf(i), `file ${i}\n`);
    writeFileSync(join(folder, `${i}`), data);
    digests[i] = digestOf(data);
  }
}

/** A side that reads so many files at once, and hashes each when it is there. */
function inLanes(read: (path: string) => Promise<Uint8Array>): (args: readonly string[]) => Work {
  return ([folder = '']) =>
    (_, count) =>
      inParallel(count, LANES, async (i) => digestOf(await read(`${folder}/${i}`)), Number);
}

function byRing(args: readonly string[]): Work {
  const ring = new AsyncRing(LANES * 2);
  return inLanes(async (path) => {
    await using file = await ring.open(path);
    return await file.readAll();
  })(args);
}

function bySync([folder = '']: readonly string[]): Work {
  return async (_, count) => {
    let next = 0;
    let sum = 0;
    const timed = await repeat(count, () => {
      sum += digestOf(readFileSync(`${folder}/${next++}`));
    });
    return { ...timed, sum: sum % 2 ** 32 };
  };
}

export const hash: Family = {
  name: 'hash',
  title: 'sha256 of 2,000 files',
  unit: 'a file of 2 KiB to 1 MiB, 164 KiB on average: opened, read, hashed, closed',
  how: 'Cached files in one folder, 32 at once (one at a time for fs.readFileSync). All hash in the thread of JavaScript; fs.promises reads in threads beside it. The digests are compared.',
  plot: { axes: ['rate', 'cpu'] },
  heading: (name) => `${name} files`,
  cases: ['2,000'],
  count: (_, { isQuick }) => (isQuick ? FILES / 4 : FILES),
  workers: {
    'fs.promises': inLanes((path) => readFile(path)),
    'uring/fs': inLanes((path) => readByRing(path)),
    AsyncRing: byRing,
    'fs.readFileSync': bySync,
  },
  async sides(kit) {
    const folder = join(kit.folder, 'hash');
    writeFiles(folder);
    await kit.node(Object.keys(this.workers), [folder], kit.cpus(2));
  },
  expected: (_, count) => digests.slice(0, count).reduce((sum, word) => sum + word, 0) % 2 ** 32,
};
