/** In a worker the kernel gets only memory that outlives it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inThread } from '../helpers/scenario.ts';

const module = new URL('worker-memory.scenes.ts', import.meta.url).href;

test('reads and writes of ordinary memory in a worker are as elsewhere', async () => {
  const found = await inThread({ module, name: 'transfers' });
  assert.deepEqual(found, ['..hello...', ', w', 'orld', 3_000_000, true, 3_000_000]);
});

test('a write linked to a read of the same memory writes what was read', async () => {
  assert.deepEqual(await inThread({ module, name: 'linked' }), ['copied', 'copied']);
});

test('what the caller stores is not overwritten by a copy that the kernel only read', async () => {
  const found = await inThread({ module, name: 'stores' });
  assert.deepEqual(found, ['After.', 'before', 'ERR_INVALID_ARG_VALUE']);
});

test('memory of alloc() can be registered in a worker, other memory is refused', async () => {
  const found = await inThread({ module, name: 'allocated' });
  assert.deepEqual(found, [true, 0, 'fixed', 'ERR_INVALID_ARG_VALUE', 'ERR_INVALID_ARG_VALUE']);
});

test('memory of alloc() that was dropped is given again, zeroed', async () => {
  assert.equal(await inThread({ module, name: 'reused' }), 'zeroed');
});

test('koffi makes no types once a ring is there: a worker that is terminated meanwhile would end the process', async () => {
  assert.deepEqual(await inThread({ module, name: 'typesAfterwards' }), ['number', []]);
});
