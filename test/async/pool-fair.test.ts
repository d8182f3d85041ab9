/** A pool that many receives share: none of them takes the others' buffers, however slow its consumer is. */
import assert from 'node:assert/strict';
import { writeSync } from 'node:fs';
import type { AsyncRing } from '../../lib/faces/async-ring.ts';
import type { BufferPart, BufferRing } from '../../lib/ring/owners/buffer-ring.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { asyncRing, bytes, refusesAll } from '../helpers/async.ts';
import { needs, needsOp } from '../helpers/needs.ts';
import { socketPair, text } from '../helpers/pairs.ts';
import { wrong } from '../helpers/raw-ring.ts';
import { ringTest, until } from '../helpers/rings.ts';

const POOL = { ...needsOp('OP_RECV'), ...needs('REGISTER_PBUF_RING') };
const STATUS = needs('REGISTER_PBUF_STATUS');

type Parts = ReturnType<AsyncRing['recvMultishot']>;

/** The next `count` parts; none is released. */
async function take(parts: Parts, count: number): Promise<BufferPart[]> {
  const taken: BufferPart[] = [];
  while (taken.length < count) {
    const { value } = await parts.next();
    assert.ok(value, 'the receive ended');
    taken.push(value);
  }
  return taken;
}

function releaseAll(parts: readonly BufferPart[]): void {
  for (const part of parts) part.release();
}

function wholeText(parts: readonly BufferPart[]): string {
  return parts.map((part) => text(part.bytes)).join('');
}

ringTest('a wrong maxHeld rejects, and only pools have one', POOL, async (scope) => {
  const ring = asyncRing(scope);
  const pool = ring.registerBufferRing({ entries: 4, bufferSize: 16 });
  const calls = [-1, 1.5, 5, '1', null].flatMap((maxHeld) => [
    ['options.maxHeld', () => ring.recvMultishot(0, pool, { maxHeld: wrong(maxHeld) }).next()] as const,
    ['options.maxHeld', () => ring.readMultishot(0, pool, { maxHeld: wrong(maxHeld) }).next()] as const,
    ['options.maxHeld', () => ring.recvmsgMultishot(0, pool, { maxHeld: wrong(maxHeld) }).next()] as const,
  ]);
  await refusesAll(ring, [
    ...calls,
    ['options.maxHeld', () => ring.acceptMultishot(0, wrong({ maxHeld: 1 })).next()],
    ['options.maxHeld', () => ring.recv(0, pool, wrong({ maxHeld: 1 }))],
  ]);
});

ringTest('a receive holds maxHeld buffers; what comes beyond that is copied', POOL, async (scope) => {
  const ring = asyncRing(scope);
  const [near, far] = socketPair(scope);
  const pool = ring.registerBufferRing({ entries: 8, bufferSize: 4 });
  const parts = ring.recvMultishot(far, pool, { maxHeld: 1 });
  assert.deepEqual(pool.holders(), []);
  writeSync(near, 'aaaabbbbccccdddd');
  const taken = await take(parts, 4);
  assert.equal(wholeText(taken), 'aaaabbbbccccdddd');
  assert.deepEqual(
    taken.map((part) => part.isCopy),
    [false, true, true, true],
  );
  assert.equal(pool.free, 7);
  assert.deepEqual(pool.holders(), [{ op: 'OP_RECV', fd: far, buffers: 1 }]);
  // a copy is its owner's: neither keep() nor release() gives or takes a buffer
  taken[1]?.keep();
  taken[2]?.release();
  assert.equal(pool.free, 7);
  taken[0]?.release();
  assert.equal(pool.free, 8);
  assert.deepEqual(pool.holders(), []);
  writeSync(near, 'eeee');
  const [again] = await take(parts, 1);
  assert.equal(again?.isCopy, false);
  assert.equal(wholeText(taken), 'aaaabbbbccccdddd', 'copies are not written to');
  again?.release();
  await parts.return();
});

ringTest('the last quarter of a pool is for everybody, whoever holds the rest', POOL, async (scope) => {
  const ring = asyncRing(scope, 64);
  const pool = ring.registerBufferRing({ entries: 16, bufferSize: 64 });
  const stalled = await Promise.all(
    Array.from({ length: 24 }, async () => {
      const [near, far] = socketPair(scope);
      const parts = ring.recvMultishot(far, pool);
      writeSync(near, 'x'.repeat(100));
      return { parts, taken: await take(parts, 2) };
    }),
  );
  const held = pool.holders().reduce((sum, { buffers }) => sum + buffers, 0);
  assert.equal(held, 12);
  assert.equal(pool.free, 4);
  // single receives are served too, and others that never end
  const [near, far] = socketPair(scope);
  const data = 'y'.repeat(20_000);
  writeSync(near, data);
  const received: BufferPart[] = [];
  const parts = ring.recvMultishot(far, pool);
  let length = 0;
  while (length < data.length) {
    const [part] = await take(parts, 1);
    assert.ok(part?.isCopy);
    received.push(part);
    length += part.bytes.length;
  }
  assert.equal(wholeText(received), data);
  await parts.return();
  writeSync(near, 'single');
  const single = await ring.recv(far, pool);
  assert.deepEqual([single && text(single.bytes), single?.isCopy], ['single', true]);
  for (const each of stalled) {
    releaseAll(each.taken);
    await each.parts.return();
  }
  assert.deepEqual(pool.holders(), []);
  assert.equal(pool.free, 16);
});

/** Connections whose receives wait for the one buffer of a pool, which somebody has. */
async function queue(scope: Parameters<typeof socketPair>[0], ring: AsyncRing, data: readonly string[]) {
  const pool: BufferRing = ring.registerBufferRing({ entries: 1, bufferSize: 4 });
  const [near, far] = socketPair(scope);
  writeSync(near, 'held');
  const held = await ring.recv(far, pool);
  assert.ok(held);
  const pairs = data.map(() => socketPair(scope));
  const iterators = pairs.map(([, reader]) => ring.recvMultishot(reader, pool));
  const order: string[] = [];
  const served = iterators.map(async (parts, i) => {
    for await (using part of parts) order[order.length] = `${i}: ${text(part.bytes)}`;
  });
  for (const [i, each] of data.entries()) if (each !== '') writeSync(pairs[i]?.[0] ?? -1, each);
  await until('all wait', () => pool.waiting === data.length && ring.inFlight === 0);
  return { pool, held, order, iterators, served };
}

ringTest(
  'those who wait for a buffer get it in turn, and the others are not disturbed',
  POOL,
  async (scope) => {
    const ring = asyncRing(scope, 64);
    const count = 20;
    const data = Array.from({ length: count }, () => 'data');
    const { pool, held, order, iterators, served } = await queue(scope, ring, data);
    const { enter } = sys;
    let submitted = 0;
    sys.enter = (fd, submit, ...rest) => {
      submitted += submit;
      return enter(fd, submit, ...rest);
    };
    try {
      held.release();
      await until('all are served', () => order.length === count);
    } finally {
      sys.enter = enter;
    }
    await Promise.all(iterators.map((each) => each.return()));
    await Promise.all(served);
    assert.deepEqual(
      order,
      data.map((each, i) => `${i}: ${each}`),
    );
    // each once, and a few of the wake-up's own; waking all for each buffer would be 200
    assert.ok(submitted < 4 * count, `${submitted} submissions`);
    assert.equal(pool.waiting, 0);
  },
);

ringTest('who waits and has no data does not keep the others waiting', POOL, async (scope) => {
  const ring = asyncRing(scope, 64);
  const { held, order, iterators, served } = await queue(scope, ring, ['', '', '', 'data']);
  held.release();
  await until('it is served', () => order.length === 1);
  assert.deepEqual(order, ['3: data']);
  await Promise.all(iterators.map((each) => each.return()));
  await Promise.all(served);
});

ringTest("who is left while it waits is in nobody's way", POOL, async (scope) => {
  const ring = asyncRing(scope, 64);
  const { held, order, iterators, served, pool } = await queue(scope, ring, ['a', 'b', 'c', 'd']);
  const [first, , third] = iterators;
  await first?.return();
  await third?.return();
  assert.equal(pool.waiting, 2);
  held.release();
  await until('the others are served', () => order.length === 2);
  assert.deepEqual(order, ['1: b', '3: d']);
  await Promise.all(iterators.map((each) => each.return()));
  await Promise.all(served);
  assert.equal(pool.waiting, 0);
});

ringTest('asking for more while no buffer is free starts nothing', POOL, async (scope) => {
  const ring = asyncRing(scope, 64);
  const { held, order, iterators, served, pool } = await queue(scope, ring, ['data']);
  const [parts] = iterators;
  assert.ok(parts);
  const more = Array.from({ length: 10 }, () => parts.next());
  await ring.nop();
  assert.deepEqual([ring.inFlight, pool.waiting], [0, 1]);
  held.release();
  await until('it is served', () => order.length === 1);
  await parts.return();
  await Promise.all(served);
  for (const { done } of await Promise.all(more)) assert.equal(done, true);
});

ringTest('free counts what no completion has told of yet', { ...POOL, ...STATUS }, (scope) => {
  const ring = scope.ring(8);
  const pool = ring.registerBufferRing({ entries: 4, bufferSize: 8 });
  const [near, far] = socketPair(scope);
  writeSync(near, bytes('12345678abcd'));
  for (let i = 0; i < 2; i++) ring.prepare.recv(far, pool);
  ring.submit({ wait: 2 });
  assert.equal(pool.free, 2);
  const parts = [...ring.completions()].map((completion) => pool.take(completion));
  assert.equal(pool.free, 2);
  assert.deepEqual(pool.holders(), [{ op: undefined, fd: undefined, buffers: 2 }]);
  releaseAll(parts);
  assert.equal(pool.free, 4);
});
