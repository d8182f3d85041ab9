import assert from 'node:assert/strict';
import { aborts, asyncRing, fails, refusesAll } from '../helpers/async.ts';
import { needsFeature, needsOp, needsSetup } from '../helpers/needs.ts';
import { patience } from '../helpers/patience.ts';
import { wrong } from '../helpers/raw-ring.ts';
import { ringTest, until } from '../helpers/rings.ts';

const OP = needsOp('OP_TIMEOUT');
/** IORING_TIMEOUT_MULTISHOT came with 6.4, the next operation after it with 6.7. */
const MULTISHOT = needsOp('OP_FUTEX_WAIT');

/** How long `body` takes, in milliseconds. */
async function time(body: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await body();
  return performance.now() - start;
}

ringTest('wrong arguments reject before any syscall', OP, async (scope) => {
  const ring = asyncRing(scope);
  await refusesAll(ring, [
    ['options.afterMs', () => ring.timeout(wrong(undefined))],
    ['options', () => ring.timeout(wrong(5))],
    ['options.afterMs', () => ring.timeout({})],
    ['options.afterMs', () => ring.timeout({ afterMs: -1 })],
    ['options.afterMs', () => ring.timeout({ afterMs: Number.NaN })],
    ['options.afterMs', () => ring.timeout({ afterMs: wrong('5') })],
    ['options.atMs', () => ring.timeout({ afterMs: 1, atMs: 1 })],
    ['options.atMs', () => ring.timeout({ atMs: -1 })],
    ['options.clock', () => ring.timeout({ afterMs: 1, clock: wrong('tai') })],
    ['options.ms', () => ring.timeout(wrong({ ms: 1 }))],
    ['options.everyMs', () => ring.interval(wrong({})).next()],
    ['options.everyMs', () => ring.interval({ everyMs: 0 }).next()],
    ['options.times', () => ring.interval({ everyMs: 1, times: 0 }).next()],
    ['options.clock', () => ring.interval({ everyMs: 1, clock: wrong('x') }).next()],
  ]);
});

ringTest('the promise resolves when the time is over, not before', OP, async (scope) => {
  const ring = asyncRing(scope);
  assert.equal(await ring.timeout({ afterMs: 0 }), undefined);
  assert.ok((await time(() => ring.timeout({ afterMs: 20 }))) >= 19.9);
  assert.ok((await time(() => ring.timeout({ afterMs: 10.5, clock: 'boottime' }))) >= 10.4);
  const until = Date.now() + 20;
  await ring.timeout({ atMs: until, clock: 'realtime' });
  assert.ok(Date.now() >= until);
  assert.ok((await time(() => ring.timeout({ atMs: 1 }))) < 1000, 'a time that was');
  const order: number[] = [];
  // of two that are over when the kernel looks it tells the later one first
  const after = (part: number) => ring.timeout({ afterMs: patience(part * 10) });
  await Promise.all([3, 1, 2].map((part) => after(part).then(() => order.push(part))));
  assert.deepEqual(order, [1, 2, 3]);
});

// IORING_TIMEOUT_ETIME_SUCCESS came with 5.16, the next feature after it with 5.17
ringTest('a timeout in a chain delays the next one', needsFeature('FEAT_CQE_SKIP'), async (scope) => {
  const ring = asyncRing(scope);
  const took = await time(() => ring.chain((c) => [c.timeout({ afterMs: 20 }), c.nop()]));
  assert.ok(took >= 19.9, `${took}`);
});

ringTest('a timeout is aborted, and limited by another', OP, async (scope) => {
  const ring = asyncRing(scope);
  await aborts(ring.timeout({ afterMs: 60_000, signal: AbortSignal.timeout(5) }));
  await fails('ETIME', 'OP_TIMEOUT', ring.timeout({ afterMs: 60_000, timeoutMs: 5 }));
});

ringTest('an interval ticks at its times, and ends', MULTISHOT, async (scope) => {
  const ring = asyncRing(scope);
  const ticks: number[] = [];
  const took = await time(async () => {
    for await (const tick of ring.interval({ everyMs: 4, times: 5 })) ticks.push(tick);
  });
  assert.deepEqual(ticks, [1, 2, 3, 4, 5]);
  assert.ok(took >= 19.9, `${took}`);
  assert.equal(ring.inFlight, 0);
});

ringTest('ticks that nobody waited for come one after the other', MULTISHOT, async (scope) => {
  const ring = asyncRing(scope);
  const ticks = ring.interval({ everyMs: 1, times: 10 });
  assert.equal((await ticks.next()).value, 1);
  await until('all have come', () => ring.inFlight === 0);
  const rest: number[] = [];
  for await (const tick of ticks) rest.push(tick);
  assert.deepEqual(rest, [2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

ringTest(
  'a very fast interval with a slow consumer stops and goes on, and counts right',
  MULTISHOT,
  async (scope) => {
    const ring = asyncRing(scope, 8);
    let expected = 0;
    for await (const tick of ring.interval({ everyMs: 0.01, times: 3000 })) {
      assert.equal(tick, ++expected);
      if (expected % 500 === 0) await ring.timeout({ afterMs: 10 });
    }
    assert.equal(expected, 3000);
  },
);

ringTest('an interval is left and aborted', MULTISHOT, async (scope) => {
  const ring = asyncRing(scope);
  for await (const tick of ring.interval({ everyMs: 1 })) if (tick === 3) break;
  assert.equal(ring.inFlight, 0);
  const signal = AbortSignal.timeout(10);
  const loop = async (): Promise<void> => {
    for await (const _ of ring.interval({ everyMs: 2, signal }));
  };
  await aborts(loop());
});

// the kernel does not find a timer that has gone off and is not told yet, and the interval would go on for ever
for (const deferTaskrun of [false, true])
  ringTest(
    `an interval ends that is left when it is due, deferTaskrun ${deferTaskrun}`,
    { ...MULTISHOT, ...(deferTaskrun && needsSetup('SETUP_DEFER_TASKRUN')) },
    async (scope) => {
      const ring = asyncRing(scope, 8, { deferTaskrun });
      for (let i = 0; i < 20; i++) {
        const controller = new AbortController();
        const ticks = ring.interval({ everyMs: 2, signal: controller.signal });
        await ticks.next();
        for (const end = performance.now() + 2 + i / 10; performance.now() < end; );
        controller.abort();
        // ticks that have come are given first
        await aborts(
          (async () => {
            while (!(await ticks.next()).done);
          })(),
        );
        assert.equal(ring.inFlight, 0);
      }
    },
  );
