/** What a process has, before and after something that must leave nothing behind. */
import { readFileSync } from 'node:fs';
import { openRings } from '../../lib/ring/core/core.ts';
import { keptForever } from '../../lib/sys/memory.ts';
import { openFds } from './raw-ring.ts';

/** What a process has. */
export interface Belongings {
  /** Open files, but those of tsx. */
  readonly fds: number;
  /** Mappings, whatever is behind them. */
  readonly mappings: number;
  readonly rings: number;
  readonly kept: number;
  /** MiB that are resident outside of V8's heap, whose young generation grows as V8 likes. */
  readonly rss: number;
  /** MiB of the heap that are in use. */
  readonly heap: number;
  /** MiB of ArrayBuffers. */
  readonly buffers: number;
}

const MIB = 2 ** 20;

/** What this process has now, when its garbage is collected. */
export async function belongings(): Promise<Belongings> {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    // finalizers run between turns
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { rss, heapTotal, heapUsed, arrayBuffers } = process.memoryUsage();
  return {
    fds: openFds().filter((each) => !/\/tsx-\d+/.test(each)).length,
    mappings: readFileSync('/proc/self/maps', 'utf8').split('\n').length,
    rings: openRings(),
    kept: keptForever(),
    rss: (rss - heapTotal) / MIB,
    heap: heapUsed / MIB,
    buffers: arrayBuffers / MIB,
  };
}
