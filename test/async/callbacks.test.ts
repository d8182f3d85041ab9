import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClosedError, OpError } from '../../lib/errors.ts';
import { AsyncRing } from '../../lib/faces/async-ring.ts';
import { alloc } from '../../lib/sys/memory.ts';
import { asyncRing, bytes } from '../helpers/async.ts';
import { needs } from '../helpers/needs.ts';
import { text } from '../helpers/pairs.ts';
import { wrong } from '../helpers/raw-ring.ts';
import { ringTest, until } from '../helpers/rings.ts';

/** What a callback is told. */
function told<T>(
  start: (callback: (error: Error | null, result: T) => void) => void,
): Promise<[Error | null, T]> {
  return new Promise((resolve) => {
    let hasReturned = false;
    start((error, result) => {
      assert.ok(hasReturned, 'not before the call has returned');
      resolve([error, result]);
    });
    hasReturned = true;
  });
}

ringTest('wrong arguments are told the callback; what is no callback is thrown', {}, async (scope) => {
  const ring = asyncRing(scope);
  for (const [argument, start] of [
    ['file', (cb) => ring.read(-1, alloc(1), cb)],
    ['memory', (cb) => ring.read(0, wrong('x'), {}, cb)],
    ['options.ofset', (cb) => ring.read(0, alloc(1), wrong({ ofset: 1 }), cb)],
    ['options.signal', (cb) => ring.read(0, alloc(1), { signal: wrong(1) }, cb)],
    ['options', (cb) => ring.nop(wrong(7), cb)],
    [
      'options',
      (cb) =>
        ring.nop(
          wrong(() => assert.fail('it is no callback')),
          cb,
        ),
    ],
  ] as readonly [string, (cb: (error: Error | null, result: unknown) => void) => void][]) {
    const [error, result] = await told(start);
    assert.match(String(error?.message), new RegExp(`^The "${argument}" argument`));
    assert.equal(result, undefined);
  }
  assert.throws(() => ring.nop({}, wrong('callback')), { code: 'ERR_INVALID_ARG_TYPE' });
  const chain = ring.chain((c) => {
    c.nop((error) => assert.match(String(error), /"callback" argument must be absent in a chain/));
    return [c.nop()];
  });
  await chain;
  assert.equal(ring.inFlight, 0);
});

ringTest('a callback is told the result that a promise would give', {}, async (scope) => {
  const ring = asyncRing(scope);
  const path = join(scope.folder(), 'file');
  writeFileSync(path, 'content');
  const [none, file] = await told<{ fd: number; close(): Promise<void> }>((cb) => ring.open(path, cb));
  assert.equal(none, null);
  const memory = alloc(4);
  const [, count] = await told<number>((cb) => ring.read(file, memory, { offset: 3 }, cb));
  assert.equal(count, 4);
  assert.equal(text(memory), 'tent');
  const [, status] = await told<{ size: number | bigint }>((cb) => ring.statx(path, cb));
  assert.equal(Number(status.size), 7);
  const files = ring.registerFiles({ slots: 1 });
  const [failed] = await told((cb) => ring.open(path, { into: files.at(0) }, cb));
  assert.equal(failed, null);
  assert.equal(await ring.read(files.at(0), memory, { offset: 0 }), 4);
  assert.deepEqual(await told((cb) => ring.closeFd(files.at(0), cb)), [null, undefined]);
  await file.close();
});

ringTest('a callback is told a part of a pool', needs('REGISTER_PBUF_RING'), async (scope) => {
  const ring = asyncRing(scope);
  const path = join(scope.folder(), 'file');
  writeFileSync(path, 'content');
  const file = await ring.open(path);
  const pool = ring.registerBufferRing({ entries: 2, bufferSize: 16 });
  const [, part] = await told<{ bytes: Uint8Array; release(): void } | undefined>((cb) =>
    ring.read(file, pool, { offset: 0 }, cb),
  );
  assert.equal(text(part?.bytes ?? bytes('')), 'content');
  part?.release();
  await file.close();
});

ringTest('a failed operation is told as the same error; a signal and a limit end it', {}, async (scope) => {
  const ring = asyncRing(scope);
  const { reader, writer } = scope.pipe();
  const [error] = await told((cb) => ring.read(writer, alloc(1), cb));
  assert.ok(error instanceof OpError);
  assert.deepEqual([error.code, error.op], ['EBADF', 'OP_READ']);
  const [over] = await told((cb) => ring.read(reader, alloc(1), { timeoutMs: 5 }, cb));
  assert.equal(Reflect.get(over ?? {}, 'code'), 'ETIME');
  const controller = new AbortController();
  const aborted = told((cb) => ring.read(reader, alloc(1), { signal: controller.signal }, cb));
  controller.abort('why');
  const [abort] = await aborted;
  assert.deepEqual([abort?.name, abort?.cause], ['AbortError', 'why']);
});

ringTest('callbacks run in the async context of the call that started them', {}, async (scope) => {
  const ring = asyncRing(scope, 64);
  const storage = new AsyncLocalStorage<number>();
  await new Promise(setImmediate);
  const seen: (number | undefined)[] = [];
  const start = (left: number) =>
    ring.nop(() => {
      seen.push(storage.getStore());
      if (left > 0) start(left - 1);
    });
  storage.run(1, () => start(1));
  storage.run(2, () => {
    start(0);
    storage.run(3, () => start(2));
    start(0);
  });
  start(0);
  storage.run(4, () => ring.read(-1, alloc(1), () => seen.push(storage.getStore())));
  await until('nine', () => seen.length === 9);
  assert.deepEqual(seen.toSorted(), [1, 1, 2, 2, 3, 3, 3, 4, undefined]);
});

ringTest(
  'what a callback enters by enterWith is seen by what it starts, and by no other callback',
  {},
  async (scope) => {
    const ring = asyncRing(scope);
    const [first, second] = [new AsyncLocalStorage<string>(), new AsyncLocalStorage<string>()];
    const seen: string[] = [];
    const see = () => seen.push(`${first.getStore()} ${second.getStore()}`);
    first.run('outside', () => {
      for (let i = 0; i < 3; i++) {
        ring.nop(() => {
          see();
          first.enterWith(`of ${i}`);
          second.enterWith(`new in ${i}`);
          ring.nop(see);
        });
      }
    });
    await until('six', () => seen.length === 6);
    const outside = 'outside undefined';
    assert.deepEqual(seen, [outside, outside, outside, 'of 0 new in 0', 'of 1 new in 1', 'of 2 new in 2']);
  },
);

ringTest('many at once, also more than the queue has room for', {}, async (scope) => {
  const ring = asyncRing(scope, 4);
  const seen: number[] = [];
  for (let i = 0; i < 100; i++) ring.nop((error) => seen.push(error === null ? i : -1));
  await until('all', () => seen.length === 100);
  assert.deepEqual(
    seen.toSorted((a, b) => a - b),
    Array.from({ length: 100 }, (_, i) => i),
  );
});

ringTest('what a callback throws is an uncaught exception, and the others are told', {}, async (scope) => {
  const ring = asyncRing(scope);
  const thrown = new Promise((resolve) => process.setUncaughtExceptionCaptureCallback(resolve));
  scope.defer(() => process.setUncaughtExceptionCaptureCallback(null));
  let count = 0;
  ring.nop(() => {
    throw new Error('of a callback');
  });
  ring.nop(() => count++);
  assert.match(String(await thrown), /of a callback/);
  await until('the other', () => count === 1);
});

ringTest('close tells them ClosedError, after it has returned', {}, async (scope) => {
  const ring = new AsyncRing(8);
  const { reader } = scope.pipe();
  const ended = told((cb) => {
    ring.read(reader, alloc(1), cb);
    ring.close();
  });
  const [error] = await ended;
  assert.ok(error instanceof ClosedError);
  await ring.closed();
});
