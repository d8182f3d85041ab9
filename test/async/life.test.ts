import assert from 'node:assert/strict';
import { openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AsyncRing } from '../../lib/faces/async-ring.ts';
import { gc } from '../helpers/gc.ts';
import { needsOp } from '../helpers/needs.ts';
import { ringTest, until } from '../helpers/rings.ts';
import { inProcess } from '../helpers/scenario.ts';

function scene(name: string): unknown {
  return inProcess({ module: new URL('life.scenes.ts', import.meta.url).href, name });
}

test('an idle ring does not hold the process', () => assert.equal(scene('idle'), 'idle'));

test('a pending operation holds it', () => assert.equal(scene('pending'), 1));

test('unref() lets it end although an operation is pending', () => {
  assert.equal(scene('unreferenced'), 'unreferenced');
});

test('ref() takes that back', () => assert.equal(scene('referenced'), 1));

test('who listens for messages holds it until the loop is left', needsOp('OP_MSG_RING'), () => {
  assert.equal(scene('listening'), 6);
});

test('an iterator of messages that was dropped lets it end', () => {
  assert.equal(scene('listenerDropped'), 'dropped');
});

test('AsyncLocalStorage survives await, chain and for await', () => {
  assert.deepEqual(scene('storage'), [['one', 'one'], ['two', 'two'], ['three', 'three'], 'loop']);
});

test('an onRelease runs in the async context in which it was given', () => {
  assert.deepEqual(scene('releaseStorage'), [0, 'given']);
});

test('an onRelease that throws is an uncaught exception, and the ring goes on', () => {
  assert.deepEqual(scene('thrown'), [['release 0', 'release 1'], 1, 0]);
});

test('memory that was dropped while in flight is not collected', () => {
  assert.deepEqual(scene('dropped'), [20 * 50 * 65_536, true, 0]);
});

test('a ring that was dropped while an operation is awaited is not closed', () => {
  assert.equal(scene('ringDropped'), 5);
});

test('process.exit with operations in flight is harmless', () => assert.equal(scene('exits'), 'exited'));

ringTest('an operation that is over holds neither its memory nor its ring', {}, async (scope) => {
  const path = join(scope.folder(), 'file');
  writeFileSync(path, 'content');
  const file = scope.fd(openSync(path, 'r'));
  const used = async (read: (ring: AsyncRing, memory: Uint8Array) => Promise<unknown>) => {
    const ring = new AsyncRing(8);
    const memory = new Uint8Array(7);
    await read(ring, memory);
    assert.equal(Buffer.from(memory).toString(), 'content');
    ring.close();
    return [new WeakRef(memory), new WeakRef(Object(Reflect.get(ring, 'core')))];
  };
  const refs = [
    ...(await used((ring, memory) => ring.read(file, memory, { offset: 0 }))),
    ...(await used(
      (ring, memory) =>
        new Promise((resolve) => ring.read(file, memory, { offset: 0 }, (...told) => resolve(told))),
    )),
  ];
  await until('all is collected', () => {
    gc();
    return refs.every((ref) => ref.deref() === undefined);
  });
});
