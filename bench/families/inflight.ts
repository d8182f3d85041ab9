/** Does an operation cost more when many are in flight? */
import { AsyncRing } from 'uring';
import type { Family, Work } from '../harness.ts';
import { inParallel, turn } from '../turn.ts';

const ENTRIES = 4096;
const HOUR = 3_600_000;

/** All of them at once: as many promises as the case says, again and again. */
function burst(): Work {
  const ring = new AsyncRing(ENTRIES);
  return (name, count) =>
    turn(count, async () => {
      const size = Number(name);
      for (let done = 0; done < count; done += size) {
        const all: Promise<void>[] = [];
        for (let i = 0; i < size; i++) all.push(ring.nop());
        await Promise.all(all);
      }
      return 0;
    });
}

/** The same without a ring: promises that are made, and settled in the next turn of the event loop. */
function promises(): Work {
  return (name, count) =>
    turn(count, async () => {
      const size = Number(name);
      for (let done = 0; done < count; done += size) {
        const all: Promise<void>[] = [];
        const settle: (() => void)[] = [];
        for (let i = 0; i < size; i++) all.push(new Promise((resolve) => settle.push(resolve)));
        setImmediate(() => {
          for (const resolve of settle) resolve();
        });
        await Promise.all(all);
      }
      return 0;
    });
}

/** 32 at once, beside as many timers as the case says, which wait all the while. */
function beside(): Work {
  return async (name, count) => {
    const ring = new AsyncRing(ENTRIES);
    const waiting = Number(name);
    for (let i = 0; i < waiting; i++) ring.timeout({ afterMs: HOUR }).catch(() => {}); // close() ends them
    await ring.nop();
    const timed = await inParallel(
      count,
      32,
      () => ring.nop(),
      () => 0,
    );
    ring.close();
    return timed;
  };
}

export const inflight: Family = {
  name: 'inflight',
  title: 'A NOP of AsyncRing, by operations in flight',
  unit: 'a NOP, a promise each',
  how: 'All at once: so many promises are made, then awaited. Beside: 32 NOPs at a time, while so many timers wait in the ring. Neither should rise with the number: what an operation costs is its own. Promises alone: all at once without a ring; they rise, because V8’s collector copies what is alive.',
  plot: { axes: ['time'], isLine: true },
  cases: ['1', '10', '100', '1000', '10000', '100000'],
  count: (name, { isQuick }) => {
    const some = Number(name) < 100 ? 5000 : 100_000;
    return Math.max(Number(name), isQuick ? some / 2 : some * 2);
  },
  workers: { 'promises alone': promises, 'all at once': burst, 'beside waiting ones': beside },
  async sides(kit) {
    await kit.node(Object.keys(this.workers), [], kit.cpus(2));
  },
};
