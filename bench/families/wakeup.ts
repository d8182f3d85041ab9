/** How long a completion that arrives while the event loop sleeps waits for its callback. */
import koffi from 'koffi';
import { AsyncRing, Ring } from 'uring';
import type { Family, Work } from '../harness.ts';
import { summary, type Turn } from '../measure.ts';

/** The kernel's timer goes off after so long; until then the loop sleeps. */
const SLEEP_MS = 1;

/** One wait after the other; how much longer each takes than it was told. */
function lateness(wait: () => Promise<void>): Work {
  return async (_, count): Promise<Turn> => {
    const late = new Float64Array(count);
    const before = process.cpuUsage();
    for (let i = 0; i < count; i++) {
      const start = performance.now();
      await wait();
      late[i] = (performance.now() - start - SLEEP_MS) * 1e6;
    }
    const { user, system } = process.cpuUsage(before);
    const at = (part: number) => late.sort()[Math.floor(part * (count - 1))] ?? Number.NaN;
    const { median } = summary([...late]);
    return { ns: median, cpuNs: ((user + system) * 1000) / count, p50: median, p99: at(0.99), sum: 0 };
  };
}

function byRing(): Work {
  const ring = new AsyncRing(8);
  const options = { afterMs: SLEEP_MS };
  return lateness(() => ring.timeout(options));
}

/** libuv looks at the ring's fd and calls back: what AsyncRing did before it had a ring for wake-ups. */
function byPoll(): Work {
  const ring = new Ring(8);
  let done: (() => void) | undefined;
  const drain = () => {
    ring.reap(() => {});
    done?.();
  };
  const handle = koffi.node.poll(ring.fd, { readable: true }, () => setImmediate(drain));
  return lateness(() => {
    ring.prepare.timeout({ afterMs: SLEEP_MS });
    ring.submit();
    return new Promise((resolve) => {
      // held: what is collected polls no more
      done = () => handle && resolve();
    });
  });
}

function byTimer(): Work {
  return lateness(() => new Promise((resolve) => setTimeout(resolve, SLEEP_MS)));
}

export const wakeup: Family = {
  name: 'wakeup',
  title: 'A completion that arrives while the event loop sleeps',
  unit: 'a timeout of 1 ms in the kernel: how much later than that its callback runs',
  how: 'One timeout at a time: the loop sleeps until the kernel posts the completion. Beside it a bare Ring, at whose fd libuv’s poll looks itself, through koffi, without promises. AsyncRing has a second ring that writes to a pipe, which a terminated worker survives. setTimeout has no ring, and goes off by whole milliseconds.',
  plot: { axes: ['time', 'cpu'] },
  cases: ['1ms'],
  count: (_, { isQuick }) => (isQuick ? 50 : 300),
  workers: { 'Ring, poll of libuv': byPoll, AsyncRing: byRing, setTimeout: byTimer },
  async sides(kit) {
    await kit.node(Object.keys(this.workers), [], kit.cpus(2));
  },
};
