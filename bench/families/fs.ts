/** `uring/fs` beside Node's own: each function that goes through the ring, by how many calls are on their way. */
import { createReadStream, mkdirSync, writeFileSync } from 'node:fs';
import * as node from 'node:fs/promises';
import { join } from 'node:path';
import * as uring from 'uring/fs';
import type { Family, Work } from '../harness.ts';
import { inParallel } from '../turn.ts';

const FILES = 10_000;
const SMALL = 2500;
const BLOCK = 4096;
const BLOCKS = 4096;
const MIB = 2 ** 20;
const LARGE = 64;
const DATA = Buffer.alloc(SMALL, 'x');

type Interface = Pick<typeof node, 'appendFile' | 'open' | 'readFile' | 'stat' | 'writeFile'>;
interface Streams {
  readonly createReadStream: typeof createReadStream;
}
type Do = (i: number, lane: number) => Promise<number>;

/** What a case does, made for a side; and the functions that it shows, by their names in ROUTES. */
interface Case {
  readonly routes: readonly string[];
  readonly make: (fs: Interface & Streams, folder: string, by: string) => Promise<Do>;
  /** What one call gives, in bytes; of 64 MiB in MiB. */
  readonly gives: number;
  /** Operations in a turn, where they are fewer than usual. */
  readonly count?: number;
  /** Also 32 at a time. */
  readonly isDeep?: boolean;
}

const FILE = 'FileHandle.';
const CASES: { readonly [name: string]: Case } = {
  // first: memory that other cases left behind slows both down, the ring more
  readStream: {
    routes: ['createReadStream'],
    gives: LARGE,
    count: 4,
    make: async (fs, folder) => async () => {
      let bytes = 0;
      for await (const chunk of fs.createReadStream(`${folder}/large`)) bytes += chunk.length;
      return bytes / MIB;
    },
  },
  'handle.createReadStream': {
    routes: [`${FILE}read`],
    gives: LARGE,
    count: 4,
    make: async (fs, folder) => async () => {
      const file = await fs.open(`${folder}/large`);
      let bytes = 0;
      for await (const chunk of file.createReadStream()) bytes += chunk.length;
      return bytes / MIB;
    },
  },
  readFile: {
    routes: ['readFile'],
    gives: SMALL,
    count: FILES,
    isDeep: true,
    make: async (fs, folder) => async (i) => (await fs.readFile(`${folder}/small/${i % FILES}`)).byteLength,
  },
  readFileText: {
    routes: ['readFile'],
    gives: SMALL,
    isDeep: true,
    make: async (fs, folder) => async (i) =>
      (await fs.readFile(`${folder}/small/${i % FILES}`, 'utf8')).length,
  },
  readLarge: {
    routes: ['readFile'],
    gives: LARGE,
    count: 8,
    make: async (fs, folder) => async () => (await fs.readFile(`${folder}/large`)).byteLength / MIB,
  },
  writeFile: {
    routes: ['writeFile'],
    gives: SMALL,
    isDeep: true,
    make: async (fs, folder, by) => async (i) => {
      await fs.writeFile(`${folder}/${by}-${i % 1000}`, DATA);
      return SMALL;
    },
  },
  appendFile: {
    routes: ['appendFile'],
    gives: 7,
    isDeep: true,
    make: async (fs, folder, by) => async (i, lane) => {
      await fs.appendFile(`${folder}/${by}-log-${lane}`, `line ${i % 10}\n`);
      return 7;
    },
  },
  stat: {
    routes: ['stat', 'lstat'],
    gives: SMALL,
    isDeep: true,
    make: async (fs, folder) => async (i) => (await fs.stat(`${folder}/small/${i % FILES}`)).size,
  },
  open: {
    routes: ['open', `${FILE}close`],
    gives: 1,
    isDeep: true,
    make: async (fs, folder) => async (i) => {
      const file = await fs.open(`${folder}/small/${i % FILES}`);
      await file.close();
      return 1;
    },
  },
  read: {
    routes: [`${FILE}read`],
    gives: BLOCK,
    isDeep: true,
    make: async (fs, folder) => {
      const file = await fs.open(`${folder}/large`);
      const memory = Array.from({ length: 32 }, () => Buffer.alloc(BLOCK));
      return async (i, lane) => {
        const into = memory[lane] ?? Buffer.alloc(BLOCK);
        return (await file.read(into, 0, BLOCK, (i % BLOCKS) * BLOCK)).bytesRead;
      };
    },
  },
  readv: {
    routes: [`${FILE}readv`],
    gives: BLOCK,
    isDeep: true,
    make: async (fs, folder) => {
      const file = await fs.open(`${folder}/large`);
      const memory = Array.from({ length: 32 }, () => [Buffer.alloc(BLOCK / 2), Buffer.alloc(BLOCK / 2)]);
      return async (i, lane) => (await file.readv(memory[lane] ?? [], (i % BLOCKS) * BLOCK)).bytesRead;
    },
  },
  write: {
    routes: [`${FILE}write`],
    gives: BLOCK,
    isDeep: true,
    make: async (fs, folder, by) => {
      const file = await fs.open(`${folder}/${by}-blocks`, 'w');
      const memory = Buffer.alloc(BLOCK, 'x');
      return async (i) => (await file.write(memory, 0, BLOCK, (i % BLOCKS) * BLOCK)).bytesWritten;
    },
  },
  writev: {
    routes: [`${FILE}writev`],
    gives: BLOCK,
    isDeep: true,
    make: async (fs, folder, by) => {
      const file = await fs.open(`${folder}/${by}-vectors`, 'w');
      const memory = [Buffer.alloc(BLOCK / 2, 'x'), Buffer.alloc(BLOCK / 2, 'y')];
      return async (i) => (await file.writev(memory, (i % BLOCKS) * BLOCK)).bytesWritten;
    },
  },
  'handle.readFile': {
    routes: [`${FILE}readFile`],
    gives: SMALL,
    isDeep: true,
    make: async (fs, folder) => async (i) => {
      const file = await fs.open(`${folder}/small/${i % FILES}`);
      const { byteLength } = await file.readFile();
      await file.close();
      return byteLength;
    },
  },
  'handle.appendFile': {
    routes: [`${FILE}appendFile`],
    gives: 7,
    isDeep: true,
    make: async (fs, folder, by) => {
      const file = await fs.open(`${folder}/${by}-lines`, 'a');
      return async (i) => {
        await file.appendFile(`line ${i % 10}\n`);
        return 7;
      };
    },
  },
};

/** The functions of `uring/fs` that are measured here, by their names in ROUTES. */
export const MEASURED: ReadonlySet<string> = new Set(Object.values(CASES).flatMap(({ routes }) => routes));

function split(name: string): [what: string, depth: number] {
  const [what = '', depth = '1'] = name.split(':');
  return [what, Number(depth)];
}

function side(fs: Interface & Streams, by: string) {
  return ([folder = '']: readonly string[]): Work => {
    const made = new Map<string, Do>();
    return async (name, count) => {
      const [what, depth] = split(name);
      const operation = made.get(what) ?? (await CASES[what]?.make(fs, folder, by));
      if (operation === undefined) throw new Error(`no case ${name}`);
      made.set(what, operation);
      return inParallel(count, depth, operation, (got) => got);
    };
  };
}

export const fs: Family = {
  name: 'fs',
  title: 'uring/fs beside node:fs: what goes through the ring',
  unit: 'a call (open, handle.readFile: with open and close; streams and readLarge: 64 MiB)',
  how: 'NAME:DEPTH, the depth being how many calls are on their way. 10,000 files of 2,500 bytes; blocks of 4 KiB of a cached file of 64 MiB; streams in the default chunks.',
  plot: { axes: ['rate', 'cpu'], isLog: true },
  cases: Object.entries(CASES).flatMap(([name, { isDeep }]) =>
    isDeep ? [`${name}:1`, `${name}:32`] : [name],
  ),
  count: (name, { isQuick }) => {
    const [what] = split(name);
    const { count = 2000 } = CASES[what] ?? {};
    return isQuick ? Math.min(count, 1000) : count;
  },
  workers: {
    'fs.promises': side({ ...node, createReadStream }, 'node'),
    'uring/fs': side(uring, 'uring'),
  },
  async sides(kit) {
    const folder = join(kit.folder, 'fs');
    mkdirSync(join(folder, 'small'), { recursive: true });
    for (let i = 0; i < FILES; i++) writeFileSync(join(folder, 'small', `${i}`), Buffer.alloc(SMALL, 'x'));
    writeFileSync(join(folder, 'large'), Buffer.alloc(LARGE * MIB, 'x'));
    await kit.node(Object.keys(this.workers), [folder], kit.cpus(2));
  },
  expected: (name, count) => ((CASES[split(name)[0]]?.gives ?? 0) * count) >>> 0,
};
