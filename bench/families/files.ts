/** Ten thousand small files: open, read, close. */
import { closeSync, mkdirSync, openSync, readSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { AsyncRing } from 'uring';
import { type Family, setupFlags, type Work } from '../harness.ts';
import { inParallel, repeat } from '../turn.ts';

const FILES = 10_000;
const LANES = 32;
const BYTES = 4096;
/** An operation gives what it read. */
const itself = (number: number) => number;

/** A file is its number, again and again. */
function writeFiles(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < FILES; i++) writeFileSync(join(folder, `${i}`), new Uint32Array(256).fill(i));
}

function lanes(): Uint32Array[] {
  return Array.from({ length: LANES }, () => new Uint32Array(BYTES / 4));
}

function byChain([folder = '']: readonly string[]): Work {
  const ring = new AsyncRing(LANES * 3);
  const files = ring.registerFiles({ slots: LANES });
  const memory = lanes();
  return (_, count) =>
    inParallel(
      count,
      LANES,
      async (i, lane) => {
        const into = memory[lane] ?? new Uint32Array();
        const slot = files.at(lane);
        // hard: a file that ends before the memory does is no reason not to close it
        await ring.chain(
          (c) => [
            c.open(`${folder}/${i}`, { into: slot }),
            c.read(slot, into, { offset: 0 }),
            c.closeFd(slot),
          ],
          { hard: true },
        );
        return into[0] ?? 0;
      },
      itself,
    );
}

function byRing([folder = '']: readonly string[]): Work {
  const ring = new AsyncRing(LANES * 2);
  const memory = lanes();
  return (_, count) =>
    inParallel(
      count,
      LANES,
      async (i, lane) => {
        const into = memory[lane] ?? new Uint32Array();
        const file = await ring.open(`${folder}/${i}`);
        await ring.read(file, into, { offset: 0 });
        await file.close();
        return into[0] ?? 0;
      },
      itself,
    );
}

function byPromises([folder = '']: readonly string[]): Work {
  const memory = lanes();
  return (_, count) =>
    inParallel(
      count,
      LANES,
      async (i, lane) => {
        const into = memory[lane] ?? new Uint32Array();
        const file = await open(`${folder}/${i}`, 'r');
        await file.read(into, 0, BYTES, 0);
        await file.close();
        return into[0] ?? 0;
      },
      itself,
    );
}

function bySync([folder = '']: readonly string[]): Work {
  const into = new Uint32Array(BYTES / 4);
  return async (_, count) => {
    let next = 0;
    let sum = 0;
    const timed = await repeat(count, () => {
      const file = openSync(`${folder}/${next++}`, 'r');
      readSync(file, into, 0, BYTES, 0);
      closeSync(file);
      sum += into[0] ?? 0;
    });
    return { ...timed, sum };
  };
}

export const files: Family = {
  name: 'files',
  title: 'Small files: open, read, close',
  unit: 'a file: open, read, close',
  how: '10,000 files of 1 KiB, 32 at once (one at a time for node:fs sync). A chain opens a file into a slot of the ring, reads and closes it by links, as the C program does. Each reads the number that the file is made of.',
  plot: { axes: ['rate', 'cpu'] },
  heading: (name) => `${name} files`,
  cases: ['10,000'],
  count: (_, { isQuick }) => (isQuick ? FILES / 5 : FILES),
  workers: {
    'AsyncRing.chain': byChain,
    AsyncRing: byRing,
    'fs.promises': byPromises,
    'fs sync': bySync,
  },
  async sides(kit) {
    const folder = join(kit.folder, 'files');
    writeFiles(folder);
    const cpus = kit.cpus(2);
    await kit.c('C', 'files', [setupFlags(), folder, LANES], cpus);
    await kit.node(Object.keys(this.workers), [folder], cpus);
  },
  expected: (_, count) => (count * (count - 1)) / 2,
};
