/** A ring in the event loop of this runtime, each scene in a process that has nothing else to do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scene } from './scene.mjs';

test('a chain of promises over reads and timeouts goes on, with nothing else on the loop', async () => {
  const { codes, median } = await scene('chain');
  assert.deepEqual(codes, ['ETIME', 64, true, 1]);
  // without ticks after the poll callback a step takes as long as until something else happens, or for ever
  assert.ok(median < 25, `a step of 2 ms takes ${median} ms`);
});

test('what a user callback throws is an uncaughtException; the ring goes on, and no later call throws it', async () => {
  const { caught, releases, counts, calls } = await scene('throwing');
  assert.deepEqual(releases, [0, 1, 2]);
  assert.deepEqual(caught, ['release 0', 'release 1', 'release 2', 'subscriber', 'subscriber']);
  assert.deepEqual(counts, [...Array(5).fill(64), 0, ...Array(5).fill(64)]);
  assert.deepEqual(calls, Array(5).fill(true));
});

for (const depth of [1, 32, 128]) {
  test(`a deferTaskrun ring never hangs on its eventfd, ${depth} at a time`, async () => {
    assert.deepEqual(await scene('defer', depth), { reads: 2048, wrong: 0 });
  });
}

for (const kind of ['plain', 'defer']) {
  test(`a ring with nothing to do does not hold the process: ${kind}`, async () => {
    assert.deepEqual(await scene('idle', kind), { count: 64 });
  });
}

test('an operation that is pending holds the process, unless the ring is unref-ed', async () => {
  assert.deepEqual(await scene('pending', 'ref'), [4]);
  assert.deepEqual(await scene('pending', 'unref'), []);
  assert.deepEqual(await scene('pending', 'again'), [4]);
});
