/** `uring/fs` beside `node:fs/promises`: each function that goes through the ring, by how many calls are on their way. */
import { createReadStream, createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
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

type Interface = Pick<typeof node, 'appendFile' | 'open' | 'readFile' | 'writeFile'>;
interface Streams {
  readonly createReadStream: typeof createReadStream;
  readonly createWriteStream: typeof createWriteStream;
}
type Do = (i: number, lane: number) => Promise<number>;

/** What a case does, made for a side. */
const CASES: {
  readonly [name: string]: (fs: Interface & Streams, folder: string, by: string) => Promise<Do>;
} = {
  readFile: async (fs, folder) => async (i) => (await fs.readFile(`${folder}/small/${i % FILES}`)).byteLength,
  readFileText: async (fs, folder) => async (i) =>
    (await fs.readFile(`${folder}/small/${i % FILES}`, 'utf8')).length,
  writeFile: async (fs, folder, by) => {
    const data = Buffer.alloc(SMALL, 'x');
    return async (i) => {
      await fs.writeFile(`${folder}/${by}-${i % 1000}`, data);
      return SMALL;
    };
  },
  appendFile: async (fs, folder, by) => async (i, lane) => {
    await fs.appendFile(`${folder}/${by}-log-${lane}`, `line ${i % 10}\n`);
    return 7;
  },
  open: async (fs, folder) => async (i) => {
    const file = await fs.open(`${folder}/small/${i % FILES}`);
    await file.close();
    return 1;
  },
  openNew: async (fs, folder, by) => async (i) => {
    const file = await fs.open(`${folder}/${by}-${i % 1000}`, 'w');
    await file.close();
    return 1;
  },
  read: async (fs, folder) => {
    const file = await fs.open(`${folder}/large`);
    const memory = Array.from({ length: 32 }, () => Buffer.alloc(BLOCK));
    return async (i, lane) => {
      const { bytesRead } = await file.read(
        memory[lane] ?? Buffer.alloc(BLOCK),
        0,
        BLOCK,
        (i % BLOCKS) * BLOCK,
      );
      return bytesRead;
    };
  },
  write: async (fs, folder, by) => {
    const file = await fs.open(`${folder}/${by}-blocks`, 'w');
    const memory = Buffer.alloc(BLOCK, 'x');
    return async (i) => (await file.write(memory, 0, BLOCK, (i % BLOCKS) * BLOCK)).bytesWritten;
  },
  datasync: async (fs, folder, by) => {
    const file = await fs.open(`${folder}/${by}-synced`, 'w');
    return async () => {
      await file.write('x');
      await file.datasync();
      return 1;
    };
  },
  readStream: async (fs, folder) => async () => {
    let bytes = 0;
    for await (const chunk of fs.createReadStream(`${folder}/large`)) bytes += chunk.length;
    return bytes / MIB;
  },
  handleStream: async (fs, folder) => async () => {
    const file = await fs.open(`${folder}/large`);
    let bytes = 0;
    for await (const chunk of file.createReadStream()) bytes += chunk.length;
    return bytes / MIB;
  },
  writeStream: async (fs, folder, by) => async () => {
    const chunk = Buffer.alloc(65_536, 'x');
    const stream = fs.createWriteStream(`${folder}/${by}-stream`);
    for (let i = 0; i < LARGE * 16; i++)
      if (!stream.write(chunk)) await new Promise<void>((done) => stream.once('drain', done));
    await new Promise<void>((done) => stream.end(done));
    return LARGE;
  },
  readLarge: async (fs, folder) => async () => (await fs.readFile(`${folder}/large`)).byteLength / MIB,
};

const COUNTS: { readonly [name: string]: number } = {
  readStream: 4,
  handleStream: 4,
  writeStream: 2,
  readLarge: 8,
  datasync: 40,
};
const DEEP = [
  'readFile',
  'readFileText',
  'writeFile',
  'appendFile',
  'open',
  'openNew',
  'read',
  'write',
  'datasync',
];
/** What an operation gives, for those of 64 MiB in MiB. */
const GIVES: { readonly [name: string]: number } = {
  ...{
    readFile: SMALL,
    readFileText: SMALL,
    writeFile: SMALL,
    appendFile: 7,
    open: 1,
    openNew: 1,
    datasync: 1,
  },
  ...{
    read: BLOCK,
    write: BLOCK,
    readStream: LARGE,
    handleStream: LARGE,
    writeStream: LARGE,
    readLarge: LARGE,
  },
};

function split(name: string): [what: string, depth: number] {
  const [what = '', depth = '1'] = name.split(':');
  return [what, Number(depth)];
}

function side(fs: Interface & Streams, by: string) {
  return ([folder = '']: readonly string[]): Work => {
    const made = new Map<string, Do>();
    return async (name, count) => {
      const [what, depth] = split(name);
      const operation = made.get(what) ?? (await CASES[what]?.(fs, folder, by));
      if (operation === undefined) throw new Error(`no case ${name}`);
      made.set(what, operation);
      return inParallel(count, depth, operation, (got) => got);
    };
  };
}

export const fs: Family = {
  name: 'fs',
  title: 'uring/fs beside node:fs/promises',
  unit: 'a call (open: and its close; streams and readLarge: 64 MiB)',
  how: 'NAME:DEPTH, the depth being how many calls are on their way. 10,000 files of 2,500 bytes; blocks of 4 KiB of a cached file of 64 MiB; streams in the default chunks.',
  plot: { axes: ['rate', 'cpu'], isLog: true },
  cases: [
    ...DEEP.flatMap((name) => [`${name}:1`, `${name}:32`]),
    'readStream',
    'handleStream',
    'writeStream',
    'readLarge',
  ],
  count: (name, { isQuick }) => {
    const [what] = split(name);
    return COUNTS[what] ?? (isQuick ? 1000 : 4000);
  },
  workers: {
    'fs.promises': side({ ...node, createReadStream, createWriteStream }, 'node'),
    'uring/fs': side(uring, 'uring'),
  },
  async sides(kit) {
    const folder = join(kit.folder, 'fs');
    mkdirSync(join(folder, 'small'), { recursive: true });
    for (let i = 0; i < FILES; i++) writeFileSync(join(folder, 'small', `${i}`), Buffer.alloc(SMALL, 'x'));
    writeFileSync(join(folder, 'large'), Buffer.alloc(LARGE * MIB, 'x'));
    await kit.node(Object.keys(this.workers), [folder], kit.cpus(2));
  },
  expected: (name, count) => ((GIVES[split(name)[0]] ?? 0) * count) >>> 0,
};
