/** What the kernel may touch, and the collector of this runtime. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scene } from './scene.mjs';

test('a buffer that nobody holds stays while the kernel has it, and goes then', async () => {
  const { during, counts, harmed, after } = await scene('dropped');
  assert.deepEqual({ during, counts, harmed }, { during: 64, counts: [512], harmed: 0 });
  // the last ones may be in registers or on the stack still
  assert.ok(after <= 2, `${after} are never collected`);
});

test('a ring that nobody holds is not closed before its operations have ended, and is closed then', async () => {
  const { open, count, left, warnings } = await scene('forgotten');
  assert.deepEqual(
    { open, count, left, warnings },
    { open: 1, count: 4, left: 0, warnings: ['URING_NOT_CLOSED'] },
  );
});

test('detached and resizable memory is refused, also what vanishes in between; empty memory has no bytes', async () => {
  const { codes, count, empty, pending } = await scene('refused');
  assert.deepEqual(codes.sort(), ['ERR_INVALID_ARG_TYPE', 'ERR_INVALID_ARG_VALUE']);
  assert.deepEqual({ count, empty, pending }, { count: 18, empty: [0, 0, 0, 0], pending: 0 });
});
