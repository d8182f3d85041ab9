/** Reads of one file: random ones out of the page cache and past it, and sequential ones. */
import { closeSync, constants, openSync, read, readSync, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { AsyncRing, type RingBaseOptions } from 'uring';
import { alloc } from 'uring/raw';
import { type Family, type Kit, setupFlags, type Work } from '../harness.ts';
import { inParallel, repeat, turn } from '../turn.ts';

const MARKED = 4096;
const FILE_BYTES = 256 * 1024 * 1024;
const RANDOM_DEPTHS = ['1', '8', '32', '128'];

/** What a process is told: the file, its bytes, O_DIRECT or not, bytes of a read, random or not. */
interface Job {
  readonly path: string;
  readonly flags: number;
  readonly bytes: number;
  readonly blocks: number;
  readonly isRandom: boolean;
}

function jobOf([path = '', fileBytes, direct, bytes, random]: readonly string[]): Job {
  return {
    path,
    flags: constants.O_RDONLY | (direct === '1' ? constants.O_DIRECT : 0),
    bytes: Number(bytes),
    blocks: Number(fileBytes) / Number(bytes),
    isRandom: random === '1',
  };
}

/** Which blocks are read; make_order() of c/reads.c is the same. `blocks` is a power of two. */
export function blockOrder(
  { blocks, isRandom }: Pick<Job, 'blocks' | 'isRandom'>,
  count: number,
  seed: number,
): Uint32Array {
  let x = Math.imul(seed, 2_654_435_761) | 1;
  return Uint32Array.from({ length: count }, (_, i) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (isRandom ? x : seed + i) & (blocks - 1);
  });
}

/** Each 4 KiB of the file begin with their number, and end with it. */
function writeFile(path: string): void {
  const file = openSync(path, 'w');
  const piece = new Uint32Array((1024 * 1024) / Uint32Array.BYTES_PER_ELEMENT);
  const words = MARKED / Uint32Array.BYTES_PER_ELEMENT;
  for (let number = 0; number < FILE_BYTES / MARKED; ) {
    for (let at = 0; at < piece.length; at += words) piece.fill(number++, at, at + words);
    writeSync(file, piece);
  }
  closeSync(file);
}

/** The marks of a block that was read: its first and its last word. */
function marks(memory: Uint8Array): () => number {
  const words = new Uint32Array(memory.buffer, memory.byteOffset, memory.byteLength / 4);
  const last = words.length - 1;
  return () => (words[0] ?? 0) + (words[last] ?? 0);
}

/** Memory of its own for each lane. */
function lanes(depth: number, bytes: number) {
  const all = alloc(depth * bytes).fill(0); // there are pages
  const memory = Array.from({ length: depth }, (_, i) => all.subarray(i * bytes, (i + 1) * bytes));
  return { memory, looks: memory.map(marks) };
}

function full(got: number, { bytes }: Job): void {
  if (got !== bytes) throw new Error(`read ${got} of ${bytes} bytes`);
}

const NOWHERE = new Uint8Array();

interface Ways {
  readonly isFixedBuffer?: boolean;
  readonly isFixedFile?: boolean;
  readonly options?: RingBaseOptions;
}

/** Each turn has a ring of its own, so that no submission thread of one runs in the turn of another. */
function byRing({
  isFixedBuffer = false,
  isFixedFile = false,
  options = {},
}: Ways): (args: readonly string[]) => Work {
  return (args) => {
    const job = jobOf(args);
    const file = openSync(job.path, job.flags);
    return async (name, count, seed) => {
      const depth = Number(name);
      const order = blockOrder(job, count, seed);
      const { memory, looks } = lanes(depth, job.bytes);
      const ring = new AsyncRing(1024, options);
      const target = isFixedFile ? ring.registerFiles([file]).at(0) : file;
      const fixed = isFixedBuffer ? ring.registerBuffers(memory) : undefined;
      const into = memory.map((own, i) => fixed?.at(i) ?? own);
      const read = (i: number, lane: number) =>
        ring.read(target, into[lane] ?? NOWHERE, { offset: (order[i] ?? 0) * job.bytes });
      const timed = await inParallel(count, depth, read, (got, lane) => {
        full(got, job);
        return looks[lane]?.() ?? 0;
      });
      ring.close();
      return timed;
    };
  };
}

/** As `byRing`, with a callback for each lane. */
function byRingCallback(args: readonly string[]): Work {
  const job = jobOf(args);
  const file = openSync(job.path, job.flags);
  return (name, count, seed) => {
    const depth = Number(name);
    const order = blockOrder(job, count, seed);
    const { memory, looks } = lanes(depth, job.bytes);
    const ring = new AsyncRing(1024);
    return turn(count, (latencies) => {
      return new Promise((resolve, reject) => {
        let next = 0;
        let done = 0;
        let sum = 0;
        for (let lane = 0; lane < depth; lane++) {
          const into = memory[lane] ?? NOWHERE;
          let started = 0;
          const start = () => {
            if (next >= count) return;
            const i = next++;
            started = latencies.start(i);
            ring.read(file, into, { offset: (order[i] ?? 0) * job.bytes }, told);
          };
          const told = (error: Error | null, got: number) => {
            if (error !== null || got !== job.bytes) {
              reject(error ?? new Error(`read ${got} of ${job.bytes} bytes`));
              return;
            }
            sum = (sum + (looks[lane]?.() ?? 0)) >>> 0;
            latencies.end(started);
            if (++done === count) {
              ring.close();
              resolve(sum);
            } else start();
          };
          start();
        }
      });
    });
  };
}

async function byFileHandle(args: readonly string[]): Promise<Work> {
  const job = jobOf(args);
  const file: FileHandle = await open(job.path, job.flags);
  return (name, count, seed) => {
    const order = blockOrder(job, count, seed);
    const { memory, looks } = lanes(Number(name), job.bytes);
    const start = (i: number, lane: number) =>
      file.read(memory[lane] ?? NOWHERE, 0, job.bytes, (order[i] ?? 0) * job.bytes);
    return inParallel(count, Number(name), start, ({ bytesRead }, lane) => {
      full(bytesRead, job);
      return looks[lane]?.() ?? 0;
    });
  };
}

function byCallback(args: readonly string[]): Work {
  const job = jobOf(args);
  const file = openSync(job.path, job.flags);
  return (name, count, seed) => {
    const order = blockOrder(job, count, seed);
    const { memory, looks } = lanes(Number(name), job.bytes);
    const start = (i: number, lane: number) =>
      new Promise<number>((resolve, reject) => {
        read(file, memory[lane] ?? NOWHERE, 0, job.bytes, (order[i] ?? 0) * job.bytes, (error, got) => {
          if (error === null) resolve(got);
          else reject(error);
        });
      });
    return inParallel(count, Number(name), start, (got, lane) => {
      full(got, job);
      return looks[lane]?.() ?? 0;
    });
  };
}

function bySync(args: readonly string[]): Work {
  const job = jobOf(args);
  const file = openSync(job.path, job.flags);
  return async (_, count, seed) => {
    const order = blockOrder(job, count, seed);
    const { memory, looks } = lanes(1, job.bytes);
    const [into = NOWHERE] = memory;
    let next = 0;
    let sum = 0;
    const timed = await repeat(count, () => {
      full(readSync(file, into, 0, job.bytes, (order[next++] ?? 0) * job.bytes), job);
      sum = (sum + (looks[0]?.() ?? 0)) >>> 0;
    });
    return { ...timed, sum };
  };
}

/** As many at once as the depth is, then the next. */
function byRingMany(args: readonly string[]): Work {
  const job = jobOf(args);
  const file = openSync(job.path, job.flags);
  const ring = new AsyncRing(1024);
  return (name, count, seed) => {
    const depth = Number(name);
    const order = blockOrder(job, count, seed);
    const { memory, looks } = lanes(depth, job.bytes);
    return turn(count, async (latencies) => {
      let sum = 0;
      for (let next = 0; next < count; next += depth) {
        const started = latencies.start(next);
        const reads = memory
          .slice(0, count - next)
          .map((into, lane) => ({ file, memory: into, offset: (order[next + lane] ?? 0) * job.bytes }));
        const results = await ring.readMany(reads);
        for (const [lane, got] of results.entries()) {
          full(got, job);
          sum = (sum + (looks[lane]?.() ?? 0)) >>> 0;
        }
        latencies.end(started);
      }
      return sum;
    });
  };
}

const workers: Family['workers'] = {
  AsyncRing: byRing({}),
  'AsyncRing, readMany': byRingMany,
  'AsyncRing, callback': byRingCallback,
  'AsyncRing, fixed buffers': byRing({ isFixedBuffer: true }),
  'AsyncRing, fixed file': byRing({ isFixedFile: true }),
  'AsyncRing, fixed both': byRing({ isFixedBuffer: true, isFixedFile: true }),
  'AsyncRing, SQPOLL': byRing({ options: { sqPoll: { idleMs: 10 } } }),
  'FileHandle.read': byFileHandle,
  'fs.read callback': byCallback,
  'fs.readSync': bySync,
};

interface Kind {
  readonly isDirect: boolean;
  readonly isRandom: boolean;
  readonly bytes: number;
}

function family(
  kind: Kind,
  texts: Pick<Family, 'name' | 'title' | 'unit' | 'how' | 'cases' | 'plot'>,
): Family {
  const blocks = FILE_BYTES / kind.bytes;
  return {
    ...texts,
    workers,
    heading: (name) => `depth ${name}`,
    least: (name) => Math.max(64, 16 * Number(name)),
    sides: (kit) => start(kit, kind),
    lacks: (by, name) => by === 'fs.readSync' && name !== '1',
    expected(_, count, seed) {
      const perBlock = kind.bytes / MARKED;
      // the numbers of the first and the last 4 KiB of a block
      const marked = (sum: number, block: number) => sum + 2 * block * perBlock + perBlock - 1;
      return blockOrder({ blocks, isRandom: kind.isRandom }, count, seed).reduce(marked, 0) % 2 ** 32;
    },
  };
}

async function start(kit: Kit, { isDirect, isRandom, bytes }: Kind): Promise<void> {
  const path = join(kit.folder, 'reads');
  writeFile(path);
  const cpus = kit.cpus(2);
  const args = [path, FILE_BYTES, Number(isDirect), bytes, Number(isRandom)].map(String);
  await kit.c('C', 'reads', [setupFlags(), ...args], cpus);
  await kit.node(
    isRandom ? Object.keys(workers) : Object.keys(workers).filter((by) => !by.includes('SQPOLL')),
    args,
    cpus,
  );
  kit.fio(
    (depth, seed) => [
      `--filename=${path}`,
      `--size=${FILE_BYTES}`,
      `--rw=${isRandom ? 'randread' : 'read'}`,
      `--bs=${bytes}`,
      `--direct=${Number(isDirect)}`,
      `--iodepth=${depth}`,
      `--randseed=${seed}`,
      '--ioengine=io_uring',
      '--norandommap',
      '--invalidate=0',
    ],
    cpus,
  );
}

const HOW =
  'All read the same blocks of a file of 256 MiB in the same order and look at the first and the last word of each. Node:fs has its four threads. fio is what the storage gives: it does not look at the data.';

export const cachedReads = family(
  { isDirect: false, isRandom: true, bytes: 4096 },
  {
    name: 'cached',
    title: 'Random reads of 4 KiB, cached, by depth',
    unit: 'a read of 4 KiB',
    how: HOW,
    plot: { axes: ['rate', 'cpu'] },
    cases: RANDOM_DEPTHS,
  },
);

export const directReads = family(
  { isDirect: true, isRandom: true, bytes: 4096 },
  {
    name: 'direct',
    title: 'Random reads of 4 KiB, O_DIRECT, by depth',
    unit: 'a read of 4 KiB',
    how: HOW,
    plot: { axes: ['rate', 'cpu'] },
    cases: RANDOM_DEPTHS,
  },
);

export const sequentialReads = family(
  { isDirect: true, isRandom: false, bytes: 128 * 1024 },
  {
    name: 'sequential',
    title: 'Sequential reads of 128 KiB, O_DIRECT, by depth',
    unit: 'a read of 128 KiB',
    how: HOW,
    plot: { axes: ['rate', 'cpu'] },
    cases: ['1', '8'],
  },
);
