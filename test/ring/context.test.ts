/** Callbacks that a ring keeps run in the async context in which they were given, whoever takes the completions. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { alloc } from '../../lib/sys/memory.ts';
import { asyncRing } from '../helpers/async.ts';
import { needs } from '../helpers/needs.ts';
import { ringTest, until } from '../helpers/rings.ts';

const TAGS = needs('REGISTER_BUFFERS2', 'REGISTER_FILES2');

ringTest('onRelease of a Ring has the store of who gave it, not of who reaps', TAGS, (scope) => {
  const store = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  const ring = scope.ring();
  const onRelease = (index: number) => seen.push([index, store.getStore()]);
  const [buffers, files] = store.run('given', () => [
    ring.registerBuffers([alloc(64)], { onRelease }),
    ring.registerFiles([0], { onRelease }),
  ]);
  store.run('elsewhere', () => {
    buffers.update(0, [null]);
    files.update(0, [-1]);
    ring.reap(() => {});
  });
  assert.deepEqual(seen, [
    [0, 'given'],
    [0, 'given'],
  ]);
});

ringTest('onRelease has it when close() tells', TAGS, (scope) => {
  const store = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  const ring = scope.ring();
  const onRelease = () => seen.push(store.getStore());
  const buffers = store.run('given', () => ring.registerBuffers([alloc(64)], { onRelease }));
  store.run('elsewhere', () => {
    buffers.unregister();
    assert.deepEqual(seen, [], 'its completion is not taken yet');
    ring.close();
  });
  assert.deepEqual(seen, ['given']);
});

ringTest('onRelease of an AsyncRing has it in a turn of the event loop', TAGS, async (scope) => {
  const store = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  const ring = asyncRing(scope);
  const { reader, writer } = scope.pipe();
  const onRelease = (index: number) => seen.push([index, store.getStore()]);
  const buffers = store.run('given', () => ring.registerBuffers([alloc(64)], { onRelease }));
  // the kernel lets go of it when the read has ended
  const reading = store.run('elsewhere', () => ring.read(reader, buffers.at(0)));
  await ring.nop();
  buffers.update(0, [null]);
  assert.deepEqual(seen, []);
  await store.run('writer', () => ring.write(writer, new Uint8Array(8)));
  assert.equal(await reading, 8);
  await until('it is told', () => seen.length > 0);
  assert.deepEqual(seen, [[0, 'given']]);
});
