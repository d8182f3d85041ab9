/** A copy of a folder of small files. */
import { constants, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AsyncRing } from 'uring';
import { alloc } from 'uring/raw';
import type { Family, Work } from '../harness.ts';
import { inParallel } from '../turn.ts';

const FILES = 2000;
const LANES = 32;
const BYTES = 4096;
const { O_CREAT, O_TRUNC, O_WRONLY } = constants;

function writeFiles(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < FILES; i++) writeFileSync(join(folder, `${i}`), new Uint8Array(1 + (i % BYTES)));
}

type Copy = (from: string, to: string, lane: number) => Promise<unknown>;

/**
 * A side that copies file by file; then the copies are looked at. They stay until the benchmark ends: in the seconds after
 * files were removed ext4 looks at each of their numbers before it makes another file, which takes 20 times as long as all else.
 */
function copies([from = '']: readonly string[], copy: Copy): Work {
  let turns = 0;
  return async (_, count) => {
    const to = `${from}-copy-${process.pid}-${turns++}`;
    mkdirSync(to);
    const timed = await inParallel(
      count,
      LANES,
      (i, lane) => copy(`${from}/${i}`, `${to}/${i}`, lane),
      () => 0,
    );
    let sum = 0;
    for (let i = 0; i < count; i++) sum += statSync(`${to}/${i}`).size;
    return { ...timed, sum };
  };
}

function byRing(args: readonly string[]): Work {
  const ring = new AsyncRing(256);
  const memory = Array.from({ length: LANES }, () => alloc(BYTES));
  return copies(args, async (from, to, lane) => {
    const into = memory[lane] ?? alloc(BYTES);
    const [source, target] = await Promise.all([
      ring.open(from),
      ring.open(to, { flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644 }),
    ]);
    const length = await ring.read(source, into, { offset: 0 });
    await ring.write(target, into.subarray(0, length), { offset: 0 });
    await Promise.all([source.close(), target.close()]);
  });
}

export const tree: Family = {
  name: 'tree',
  title: 'A copy of 2,000 small files',
  unit: 'a file of up to 4 KiB: opened, read, written, closed',
  how: 'From one folder to a new one, 32 files at once; then the sizes of all copies are added up. fs.copyFile is one call of the kernel for the data (copy_file_range), in a thread that does all of the file.',
  plot: { axes: ['rate', 'cpu'] },
  heading: (name) => `${name} files`,
  cases: ['2,000'],
  count: (_, { isQuick }) => (isQuick ? FILES / 4 : FILES),
  workers: {
    'fs.copyFile': (args) => copies(args, (from, to) => copyFile(from, to)),
    AsyncRing: byRing,
  },
  async sides(kit) {
    const folder = join(kit.folder, 'tree');
    writeFiles(folder);
    await kit.node(Object.keys(this.workers), [folder], kit.cpus(2));
  },
  expected: (_, count) =>
    Array.from({ length: count }, (_each, i) => 1 + (i % BYTES)).reduce((sum, size) => sum + size, 0),
};
