/** Bytes of V8's heap that an operation allocates. */

import { writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { getHeapStatistics } from 'node:v8';
import { AsyncRing, alloc, Ring } from 'uring';
import type { Family, Work } from '../harness.ts';
import { summary } from '../measure.ts';

const BATCH = 32;
/** So many reads that what their caller allocates for all together is little. */
const READS = 256;
/** Operations of a sample, and samples that count. */
const SAMPLE = 2048;
const SAMPLES = 11;
/** Samples before: V8 compiles what it wants to. */
const WARM_UP = 20;

/**
 * Bytes of the heap before and after a sample. Nothing is collected: there is room, and a collection throws away
 * what V8 has compiled, which allocates less.
 */
function heapOf(batch: () => unknown, perBatch: number): Work {
  const used = () => getHeapStatistics().used_heap_size;
  return async () => {
    globalThis.gc?.();
    const samples: number[] = [];
    for (let sample = 0; sample < WARM_UP + SAMPLES; sample++) {
      const before = used();
      for (let done = 0; done < SAMPLE; done += perBatch) {
        const result = batch();
        if (result !== undefined) await result;
      }
      samples.push((used() - before) / SAMPLE);
    }
    if (samples.some((each) => each < 0)) throw new Error('there was a garbage collection');
    const { median } = summary(samples.slice(WARM_UP));
    return { ns: 1, cpuNs: 0, p50: 0, p99: 0, sum: median };
  };
}

function nops(): Work {
  const ring = new Ring(BATCH);
  const options = { userData: 1 };
  const wait = { wait: BATCH };
  const visit = () => {};
  return heapOf(() => {
    for (let i = 0; i < BATCH; i++) ring.prepare.nop(options);
    ring.submit(wait);
    ring.reap(visit);
  }, BATCH);
}

type Start = (callback: (error: Error | null) => void) => void;

function ignore(): void {}

async function reads([path = '']: readonly string[]): Promise<[AsyncRing, () => Promise<number>, Start]> {
  const ring = new AsyncRing(READS);
  const memory = alloc(4096);
  const options = { offset: 0 };
  const file = await ring.open(path);
  return [
    ring,
    () => ring.read(file, memory, options),
    (callback) => ring.read(file, memory, options, callback),
  ];
}

async function oneRead(args: readonly string[]): Promise<Work> {
  const [, read] = await reads(args);
  return heapOf(read, 1);
}

async function manyReads(args: readonly string[]): Promise<Work> {
  const [ring, read] = await reads(args);
  return heapOf(async () => {
    for (let i = 1; i < READS; i++) read();
    await read();
    if (ring.inFlight > 0) throw new Error('a read is not done with the last one');
  }, READS);
}

async function toldReads(args: readonly string[]): Promise<Work> {
  const [ring, , start] = await reads(args);
  return heapOf(
    () =>
      new Promise<void>((resolve, reject) => {
        const last = (error: Error | null) => (error === null ? resolve() : reject(error));
        for (let i = 1; i < READS; i++) start(ignore);
        start(last);
      }).then(() => {
        if (ring.inFlight > 0) throw new Error('a read is not done with the last one');
      }),
    READS,
  );
}

async function handleReads([path = '']: readonly string[]): Promise<Work> {
  const file = await open(path);
  const memory = alloc(4096);
  return heapOf(() => file.read(memory, 0, 4096, 0), 1);
}

export const heap: Family = {
  name: 'heap',
  title: 'Heap allocated for one operation',
  unit: 'a read of 4 KiB from the page cache, or a NOP',
  how: 'Bytes of V8’s heap before and after 2,048 operations, without a garbage collection in between: the median of eleven samples, after twenty that warm up. Options and memory are made once. Of one at a time the caller’s own await is counted; of 256 at once it awaits the last.',
  plot: { axes: ['bytes'] },
  cases: ['bytes'],
  count: () => 1,
  workers: {
    'read, FileHandle': handleReads,
    'read, AsyncRing, 1 at a time': oneRead,
    'read, AsyncRing, 256 at once': manyReads,
    'read, AsyncRing, callback, 256 at once': toldReads,
    'NOP, Ring': nops,
  },
  async sides(kit) {
    const path = join(kit.folder, 'heap');
    writeFileSync(path, new Uint8Array(4096));
    // so much room that nothing is collected within a sample
    await kit.node(Object.keys(this.workers), [path], kit.cpus(2), [
      '--max-semi-space-size=256',
      '--min-semi-space-size=256',
    ]);
  },
};
