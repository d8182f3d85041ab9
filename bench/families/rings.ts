/** A thousand rings in one process. */
import { AsyncRing, Ring } from 'uring';
import { type Family, setupFlags, type Work } from '../harness.ts';
import type { Turn } from '../measure.ts';
import { lacksOpenFiles } from '../side.ts';
import { turn } from '../turn.ts';

const RINGS = 1000;
const ENTRIES = 8;
/** Each NOP gives one. */
const VALUE = { userData: 1 };

/** What is done with all of them, one step after the other: `use` gives how many NOPs were done. */
interface Steps<R> {
  readonly make: () => R;
  readonly use: (rings: readonly R[]) => number | Promise<number>;
}

/** Each step by itself, as the case says; the other two are done, too. */
function steps<R extends Ring | AsyncRing>({ make, use }: Steps<R>): () => Work {
  return () => async (name, count) => {
    const rings: R[] = [];
    const making = await turn(count, () => {
      while (rings.length < count) rings.push(make());
      return 0;
    });
    const using = await turn(count, () => use(rings));
    const closing = await turn(count, async () => {
      for (const ring of rings) ring.close();
      await Promise.all(rings.map((ring) => ring.closed()));
      return 0;
    });
    const found: { readonly [name: string]: Turn } = { make: making, nop: using, close: closing };
    return { ...(found[name] ?? making), sum: using.sum };
  };
}

const byAsyncRing = steps({
  make: () => new AsyncRing(ENTRIES),
  use: async (rings) => (await Promise.all(rings.map((ring) => ring.nop()))).length,
});

const byRing = steps({
  make: () => new Ring(ENTRIES),
  use(rings) {
    let done = 0;
    const visit = (userData: number | bigint) => {
      done += Number(userData);
    };
    for (const ring of rings) {
      ring.prepare.nop(VALUE);
      ring.submit();
    }
    for (const ring of rings) ring.reap(visit);
    return done;
  },
});

const HEADINGS: { readonly [name: string]: string } = {
  make: 'made',
  nop: 'a NOP in each',
  close: 'closed',
};

export const rings: Family = {
  name: 'rings',
  title: '1,000 rings in one process',
  unit: 'a ring: made, or a NOP in it, or closed',
  how: 'Rings of 8 entries: all are made, then each has a NOP at the same time, then all are closed, until the kernel has let go of their memory. Each of the three is timed by itself. An AsyncRing is in the event loop, too, and its NOP is a promise.',
  plot: { axes: ['time', 'cpu'] },
  heading: (name) => HEADINGS[name] ?? name,
  cases: Object.keys(HEADINGS),
  count: (_, { isQuick }) => (isQuick ? RINGS / 4 : RINGS),
  workers: { Ring: byRing, AsyncRing: byAsyncRing },
  async sides(kit) {
    const lack = lacksOpenFiles(RINGS);
    if (lack !== undefined) {
      kit.skipped.set('all', lack);
      return;
    }
    const cpus = kit.cpus(2);
    await kit.c('C', 'rings', [setupFlags()], cpus);
    await kit.node(Object.keys(this.workers), [], cpus);
  },
  expected: (_, count) => count,
};
