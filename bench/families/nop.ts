/** NOPs in batches: what a ring costs by itself. */
import { Ring } from 'uring';
import { enter, mapQueues, nextSqe, nop as prepareNop, setup } from 'uring/raw';
import { constants } from 'uring/structs';
import { type Family, setupFlags, type Work } from '../harness.ts';
import { type Latencies, turn } from '../turn.ts';

const ENTRIES = 1024;

/** `count` NOPs in batches; `batch` does one. */
function inBatches(size: number, count: number, batch: () => void): ReturnType<Work> {
  return turn(count, (latencies: Latencies) => {
    for (let i = 0; i < Math.floor(count / size); i++) {
      const start = latencies.start(i);
      batch();
      latencies.end(start);
    }
    return 0;
  });
}

function byRing(): Work {
  const ring = new Ring(ENTRIES);
  let sum = 0;
  const options = { userData: 0 };
  const visit = (userData: number | bigint) => {
    sum = (sum + Number(userData)) | 0;
  };
  return async (name, count) => {
    const size = Number(name);
    const wait = { wait: size };
    sum = 0;
    const timed = await inBatches(size, count, () => {
      for (let i = 0; i < size; i++) {
        options.userData = i;
        ring.prepare.nop(options);
      }
      ring.submit(wait);
      if (ring.reap(visit) !== size) throw new Error('a completion is missing');
    });
    return { ...timed, sum: sum >>> 0 };
  };
}

function byRaw(): Work {
  const { fd, params } = setup(ENTRIES, { flags: setupFlags() });
  const queues = mapQueues(fd, params);
  return async (name, count) => {
    const size = Number(name);
    const options = { toSubmit: size, minComplete: size, flags: constants.IORING_ENTER_GETEVENTS };
    let sum = 0;
    const timed = await inBatches(size, count, () => {
      for (let userData = 0; userData < size; userData++) prepareNop(nextSqe(queues)).userData = userData;
      queues.publish();
      enter(fd, options);
      let reaped = 0;
      for (; queues.take(); reaped++) sum = (sum + queues.low) >>> 0;
      if (reaped !== size) throw new Error('a completion is missing');
    });
    return { ...timed, sum };
  };
}

export const nop: Family = {
  name: 'nop',
  title: 'NOPs, by the size of a batch',
  unit: 'a NOP',
  how: 'A batch is prepared, submitted by one call that waits for all of it, and reaped. Latency is that of a whole batch.',
  plot: { axes: ['time'], isLog: true },
  heading: (name) => `batches of ${name}`,
  // a turn has whole batches only
  least: (name) => 16 * Number(name),
  cases: ['1', '8', '32', '128', '1024'],
  workers: { Ring: byRing, 'uring/raw': byRaw },
  async sides(kit) {
    const one = kit.cpus(1);
    await kit.c('C', 'nop', [setupFlags()], one);
    await kit.node(['uring/raw', 'Ring'], [], one);
  },
  expected(name, count) {
    const size = Number(name);
    return (Math.floor(count / size) * ((size * (size - 1)) / 2)) % 2 ** 32;
  },
};
