/** stat of very many files. */
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { stat as statPromise } from 'node:fs/promises';
import { join } from 'node:path';
import { AsyncRing } from 'uring';
import type { Family, Work } from '../harness.ts';
import { inParallel, repeat } from '../turn.ts';

const FILES = 20_000;
const LANES = 64;
const itself = (size: number) => size;

function writeFiles(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < FILES; i++) writeFileSync(join(folder, `${i}`), 'x'.repeat(i % 7));
}

/** A side that asks for one size after the other in each lane. */
function inLanes(sizeOf: (path: string) => Promise<number>): (args: readonly string[]) => Work {
  return ([folder = '']) =>
    (_, count) =>
      inParallel(count, LANES, (i) => sizeOf(`${folder}/${i}`), itself);
}

function byRing(args: readonly string[]): Work {
  const ring = new AsyncRing(256);
  return inLanes(async (path) => Number((await ring.statx(path)).size))(args);
}

function bySync([folder = '']: readonly string[]): Work {
  return async (_, count) => {
    let next = 0;
    let sum = 0;
    const timed = await repeat(count, () => {
      sum += statSync(`${folder}/${next++}`).size;
    });
    return { ...timed, sum };
  };
}

export const stat: Family = {
  name: 'stat',
  title: 'stat of 20,000 files',
  unit: 'a file: its size',
  how: 'Files in one folder whose entries are cached, 64 at once (one at a time for node:fs sync). The kernel gives every statx of a ring to a worker thread.',
  plot: { axes: ['rate', 'cpu'] },
  cases: ['20,000'],
  count: (_, { isQuick }) => (isQuick ? FILES / 5 : FILES),
  workers: {
    'fs.promises.stat': inLanes(async (path) => (await statPromise(path)).size),
    'AsyncRing.statx': byRing,
    'fs.statSync': bySync,
  },
  async sides(kit) {
    const folder = join(kit.folder, 'stat');
    writeFiles(folder);
    await kit.node(Object.keys(this.workers), [folder], kit.cpus(2));
  },
  expected: (_, count) =>
    Array.from({ length: count }, (_each, i) => i % 7).reduce((sum, size) => sum + size, 0),
};
