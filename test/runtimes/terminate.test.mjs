/** Workers of this runtime that are terminated with a ring at work: the process lives, and nothing is left. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scene } from './scene.mjs';

/** All of them; 1,000 in the nightly run. */
const WORKERS = Number(process.env.URING_TERMINATE ?? 60);
const WAYS = ['idle', 'pending', 'completing', 'listening', 'turns', 'churn'];

for (const how of WAYS) {
  test(`workers that are terminated leave nothing: ${how}`, async () => {
    const count = Math.ceil(WORKERS / WAYS.length);
    assert.deepEqual(await scene('terminated', how, count), {
      ended: count,
      fds: 0,
      rings: 0,
      mappings: 0,
      pinned: 0,
      harmed: 0,
    });
  });
}

test('a parent without the package finds no fd of a terminated worker', async () => {
  assert.deepEqual(await scene('terminatedAlone', 8), { ended: 8, fds: 0 });
});

const { probe } = await import('uring');
const lacks = ['OP_BIND', 'OP_LISTEN'].filter((op) => probe().ops[op].supported !== true);
const skip = lacks.length > 0 && `this kernel has no ${lacks.join(', ')} (Linux 6.11)`;

test('sockets in slots are closed with the worker that served them', { skip }, async () => {
  assert.deepEqual(await scene('terminatedServers', 5), { heard: 20, fds: 0 });
});
