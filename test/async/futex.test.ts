import assert from 'node:assert/strict';
import { aborts, asyncRing, fails, refusesAll } from '../helpers/async.ts';
import { needsOp } from '../helpers/needs.ts';
import { wrong } from '../helpers/raw-ring.ts';
import { ringTest } from '../helpers/rings.ts';
import { inThread } from '../helpers/scenario.ts';

const OP = needsOp('OP_FUTEX_WAIT', 'OP_FUTEX_WAKE', 'OP_FUTEX_WAITV');

function words(count = 4): Int32Array {
  return new Int32Array(new SharedArrayBuffer(count * 4));
}

ringTest('wrong arguments reject before any syscall', OP, async (scope) => {
  const ring = asyncRing(scope);
  const array = words();
  const buffer = new ArrayBuffer(16);
  const gone = new Int32Array(buffer);
  structuredClone(buffer, { transfer: [buffer] });
  await refusesAll(ring, [
    ['array', () => ring.futexWait(wrong(new Uint8Array(8)), 0, 0)],
    ['array', () => ring.futexWait(wrong(undefined), 0, 0)],
    ['array', () => ring.futexWake(gone, 0)],
    ['index', () => ring.futexWait(array, 4, 0)],
    ['index', () => ring.futexWait(array, -1, 0)],
    ['value', () => ring.futexWait(array, 0, 2 ** 32)],
    ['value', () => ring.futexWait(array, 0, wrong('0'))],
    ['options.mask', () => ring.futexWait(array, 0, 0, { mask: 0 })],
    ['count', () => ring.futexWake(array, 0, -1)],
    ['futexes', () => ring.futexWaitv(wrong({}))],
    ['futexes', () => ring.futexWaitv([])],
    ['futexes', () => ring.futexWaitv(Array(129).fill({ array, index: 0, value: 0 }))],
    ['futexes[0].indx', () => ring.futexWaitv([wrong({ array, indx: 0 })])],
    ['futexes[0].array', () => ring.futexWaitv([wrong({ index: 0, value: 0 })])],
    ['futexes[1].value', () => ring.futexWaitv([{ array, index: 0, value: 0 }, wrong({ array, index: 0 })])],
  ]);
});

ringTest('a wait ends by a wake, and not before', OP, async (scope) => {
  const ring = asyncRing(scope, 16);
  const array = words();
  array[1] = -5;
  assert.equal(await ring.futexWait(array, 1, 0), 'not-equal');
  assert.equal(await ring.futexWake(array, 1), 0);
  const waits = [1, 2, 3].map(() => ring.futexWait(array, 1, -5));
  let ended = 0;
  for (const each of waits) void each.then(() => ended++);
  assert.equal(await ring.futexWake(array, 2), 0);
  assert.equal(await ring.futexWake(array, 1, 1), 1);
  await ring.nop();
  assert.equal(ended, 1);
  assert.equal(await ring.futexWake(array, 1), 2);
  assert.deepEqual(await Promise.all(waits), ['ok', 'ok', 'ok']);
});

ringTest('masks choose who is woken', OP, async (scope) => {
  const ring = asyncRing(scope, 16);
  const array = new Uint32Array(words().buffer);
  array[0] = 0xffff_ffff;
  const one = ring.futexWait(array, 0, 0xffff_ffff, { mask: 1 });
  const two = ring.futexWait(array, 0, 0xffff_ffff, { mask: 2 });
  assert.equal(await ring.futexWake(array, 0, 9, { mask: 4 }), 0);
  assert.equal(await ring.futexWake(array, 0, 9, { mask: 2 }), 1);
  assert.equal(await two, 'ok');
  assert.equal(await ring.futexWake(array, 0, 9, { mask: 1 }), 1);
  assert.equal(await one, 'ok');
});

ringTest('a shared futex and a private one are two', OP, async (scope) => {
  const ring = asyncRing(scope);
  const array = words();
  const waiting = ring.futexWait(array, 0, 0, { shared: true });
  assert.equal(await ring.futexWake(array, 0, 1), 0);
  assert.equal(await ring.futexWake(array, 0, 1, { shared: true }), 1);
  assert.equal(await waiting, 'ok');
});

ringTest('waitv says which one was woken', OP, async (scope) => {
  const ring = asyncRing(scope);
  const [a, b] = [words(), words()];
  const futexes = [
    { array: a, index: 0, value: 0 },
    { array: b, index: 3, value: 0 },
    { array: a, index: 2, value: 0 },
  ];
  const waiting = ring.futexWaitv(futexes);
  await ring.nop();
  assert.equal(await ring.futexWake(b, 3), 1);
  assert.equal(await waiting, 1);
  b[3] = 7;
  assert.equal(await ring.futexWaitv(futexes), 'not-equal');
  await aborts(ring.futexWaitv(futexes.slice(0, 1), { signal: AbortSignal.timeout(5) }));
});

ringTest('waits are aborted and limited', OP, async (scope) => {
  const ring = asyncRing(scope);
  const array = words();
  await aborts(ring.futexWait(array, 0, 0, { signal: AbortSignal.timeout(5) }));
  await fails('ETIME', 'OP_FUTEX_WAIT', ring.futexWait(array, 0, 0, { timeoutMs: 5 }));
});

ringTest('another thread wakes this one', OP, async (scope) => {
  const ring = asyncRing(scope);
  const array = words();
  const waiting = ring.futexWait(array, 0, 0);
  const module = new URL('threads.scenes.ts', import.meta.url).href;
  const woken = await inThread({ module, name: 'wake', argument: array });
  assert.equal(woken, 1);
  assert.equal(await waiting, 'ok');
  assert.equal(array[0], 1);
});
