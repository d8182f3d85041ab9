/** Large reads, and how long a timer waits beside them. */
import { openSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { AsyncRing } from 'uring';
import { alloc } from 'uring/raw';
import type { Family, Work } from '../harness.ts';
import { inParallel } from '../turn.ts';

const MIB = 1024 * 1024;
const FILE_MIB = 256;
const DEPTH = 32;

type Read = (memory: Uint8Array, offset: number) => Promise<number>;

/** Each MiB of the file begins with its number. */
function writeFile(path: string): void {
  const words = new Uint32Array((FILE_MIB * MIB) / 4);
  for (let i = 0; i < FILE_MIB; i++) words[(i * MIB) / 4] = i;
  writeFileSync(path, words);
}

/** Reads one MiB after the other beside a timer of 1 ms; the latencies are the times between its ticks. */
function besideTimer(read: Read): Work {
  const memory = Array.from({ length: DEPTH }, () => alloc(MIB).fill(0));
  const words = memory.map(({ buffer, byteOffset }) => new Uint32Array(buffer, byteOffset, 1));
  return async (_, count) => {
    const gaps: number[] = [];
    let last = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      gaps.push(now - last);
      last = now;
    }, 1);
    const timed = await inParallel(
      count,
      DEPTH,
      (i, lane) => read(memory[lane] ?? new Uint8Array(), (i % FILE_MIB) * MIB),
      (got, lane) => (got === MIB ? (words[lane]?.[0] ?? 0) : Number.NaN),
    );
    clearInterval(timer);
    gaps.push(performance.now() - last);
    const sorted = Float64Array.from(gaps).sort();
    const at = (part: number) => (sorted[Math.floor(part * (sorted.length - 1))] ?? 0) * 1e6;
    return { ...timed, p50: at(0.5), p99: at(0.99) };
  };
}

function byRing(options: { readonly async?: boolean }): (args: readonly string[]) => Work {
  return ([path = '']) => {
    const ring = new AsyncRing(64);
    const file = openSync(path, 'r');
    return besideTimer((memory, offset) => ring.read(file, memory, { ...options, offset }));
  };
}

async function byFileHandle([path = '']: readonly string[]): Promise<Work> {
  const file = await open(path);
  return besideTimer(async (memory, offset) => (await file.read(memory, 0, MIB, offset)).bytesRead);
}

export const beside: Family = {
  name: 'beside',
  title: 'A timer beside large reads',
  unit: 'a read of 1 MiB from the page cache, 32 at once',
  how: 'A timer of 1 ms ticks beside the reads: p50 and p99 are the times between its ticks. AsyncRing gives what one turn would copy beyond 1 MiB to workers; with `async: false` it copies all itself.',
  plot: { axes: ['rate', 'cpu'] },
  cases: ['1MiB'],
  count: (_, { isQuick }) => (isQuick ? 512 : 2048),
  workers: {
    'FileHandle.read': byFileHandle,
    AsyncRing: byRing({}),
    'AsyncRing, async: false': byRing({ async: false }),
  },
  async sides(kit) {
    const path = join(kit.folder, 'beside');
    writeFile(path);
    await kit.node(Object.keys(this.workers), [path], kit.cpus(2));
  },
  expected: (_, count) =>
    Array.from({ length: count }, (_each, i) => i % FILE_MIB).reduce((sum, number) => sum + number, 0),
};
