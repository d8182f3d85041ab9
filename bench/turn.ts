/** A turn of a side that runs in this process; bench/c/turns.h does the same in C. */
import type { Turn } from './measure.ts';

/** One in so many operations is timed for itself: reading the clock costs, too. */
const EVERY = 16;

/** The latencies of single operations. */
export class Latencies {
  readonly #values: Float64Array;
  #count = 0;

  constructor(operations: number) {
    this.#values = new Float64Array(Math.ceil(operations / EVERY));
  }

  /** When operation `i` starts, in milliseconds; 0: it is not timed. */
  start(i: number): number {
    return i % EVERY === 0 ? performance.now() : 0;
  }

  /** It has ended. */
  end(start: number): void {
    if (start !== 0 && this.#count < this.#values.length)
      this.#values[this.#count++] = performance.now() - start;
  }

  /** In nanoseconds. */
  at(part: number): number {
    const sorted = this.#values.subarray(0, this.#count).sort();
    return (sorted[Math.min(this.#count - 1, Math.floor(part * this.#count))] ?? 0) * 1e6;
  }
}

/** Times `body`, which does `count` operations and returns the sum of what it read. */
export async function turn(
  count: number,
  body: (latencies: Latencies) => number | Promise<number>,
): Promise<Turn> {
  const latencies = new Latencies(count);
  const before = process.cpuUsage();
  const start = performance.now();
  const sum = await body(latencies);
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  return {
    ns: (ms * 1e6) / count,
    cpuNs: ((user + system) * 1000) / count,
    p50: latencies.at(0.5),
    p99: latencies.at(0.99),
    sum,
  };
}

/** A turn of something synchronous. */
export function repeat(count: number, operation: () => void): Promise<Turn> {
  return turn(count, (latencies) => {
    for (let i = 0; i < count; i++) {
      const start = latencies.start(i);
      operation();
      latencies.end(start);
    }
    return 0;
  });
}

/** A turn of `count` operations, `depth` at a time; `look` tells what an operation read. */
export function inParallel<T>(
  count: number,
  depth: number,
  start: (i: number, lane: number) => Promise<T>,
  look: (result: T, lane: number) => number,
): Promise<Turn> {
  return turn(count, async (latencies) => {
    let next = 0;
    let sum = 0;
    const run = async (lane: number): Promise<void> => {
      for (let i = next++; i < count; i = next++) {
        const started = latencies.start(i);
        const result = await start(i, lane);
        sum = (sum + look(result, lane)) >>> 0;
        latencies.end(started);
      }
    };
    await Promise.all(Array.from({ length: depth }, (_, lane) => run(lane)));
    return sum;
  });
}
