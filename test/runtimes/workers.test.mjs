/** Workers of this runtime that end with a ring: the process lives, and no ring is left. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scene } from './scene.mjs';

const CYCLES = 25;
/** How a worker ends, and what its parent sees. */
const WAYS = {
  close: 0,
  exit: 3,
  throw: 'thrown',
  'end-unref': 0,
  'end-idle': 0,
  terminate: 1,
  'terminate-closed': 1,
};

for (const [how, end] of Object.entries(WAYS)) {
  for (const where of ['only', 'both']) {
    const loaded = where === 'only' ? 'koffi in the worker only' : 'koffi in the main thread too';
    test(`${CYCLES} workers that end by ${how}, ${loaded}, leave no ring`, async () => {
      assert.deepEqual(await scene('workers', how, where, CYCLES), { ends: [end], left: 0 });
    });
  }
}
