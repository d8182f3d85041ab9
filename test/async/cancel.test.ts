import assert from 'node:assert/strict';
import { getEventListeners, setMaxListeners } from 'node:events';
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { probe } from '../../lib/register/support.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { aborts, asyncRing, bytes, fails, openFds } from '../helpers/async.ts';
import { needs, needsOp, opensIntoSlots } from '../helpers/needs.ts';
import { text } from '../helpers/pairs.ts';
import { makeFifo, ringTest, until } from '../helpers/rings.ts';

const hasPipe = probe().ops.OP_PIPE.supported === true;

/** Lets the event loop go round a few times. */
async function turns(count = 4): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

ringTest('a signal that was aborted before: nothing starts', {}, async (scope) => {
  const ring = asyncRing(scope);
  const path = join(scope.folder(), 'never');
  const reason = new Error('no');
  await aborts(ring.open(path, { flags: 0o102, signal: AbortSignal.abort(reason) }), reason);
  await fails('ENOENT', 'OP_STATX', ring.statx(path));
});

ringTest('an operation in flight is cancelled, and the ring goes on', {}, async (scope) => {
  const ring = asyncRing(scope);
  const { reader, writer } = scope.pipe();
  const controller = new AbortController();
  const { signal } = controller;
  const memory = new Uint8Array(4);
  const reading = ring.read(reader, memory, { signal });
  const other = ring.read(reader, memory);
  await turns();
  assert.equal(getEventListeners(signal, 'abort').length, 1);
  const reason = { why: 'tired' };
  controller.abort(reason);
  await aborts(reading, reason);
  await ring.write(writer, bytes('next'));
  assert.equal(await other, 4);
  assert.equal(text(memory), 'next');
});

ringTest('aborted in the same turn: the cancellation follows what it cancels', {}, async (scope) => {
  const ring = asyncRing(scope);
  const controller = new AbortController();
  const reading = ring.read(scope.pipe().reader, new Uint8Array(1), { signal: controller.signal });
  controller.abort();
  await aborts(reading);
});

// a pipe is read in the call that submits from Linux 6.5 on, this operation came with 6.7
ringTest('an operation that was done first has its result', needsOp('OP_FUTEX_WAIT'), async (scope) => {
  const ring = asyncRing(scope);
  const { reader, writer } = scope.pipe();
  const controller = new AbortController();
  writeSync(writer, 'won');
  const memory = new Uint8Array(3);
  const reading = ring.read(reader, memory, { signal: controller.signal });
  await turns(1);
  controller.abort();
  assert.equal(await reading, 3);
  assert.equal(text(memory), 'won');
});

ringTest('no listener stays on the signal', needs('REGISTER_PBUF_RING'), async (scope) => {
  const ring = asyncRing(scope);
  const { signal } = new AbortController();
  await ring.nop({ signal });
  await ring.read(0x7fff_ffff, new Uint8Array(1), { signal }).catch(() => {});
  await ring.read(-1, new Uint8Array(1), { signal }).catch(() => {});
  await ring.chain((c) => [c.nop({ signal }), c.read(-1, new Uint8Array(1), { signal })]).catch(() => {});
  const pool = ring.registerBufferRing({ entries: 1, bufferSize: 8 });
  const parts = ring.readMultishot(scope.pipe().reader, pool, { signal });
  assert.equal(getEventListeners(signal, 'abort').length, 0);
  const next = parts.next();
  assert.equal(getEventListeners(signal, 'abort').length, 1);
  await parts.return?.();
  assert.deepEqual(await next, { done: true, value: undefined });
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

ringTest('one that waits for room in the queue is cancelled there', {}, async (scope) => {
  const ring = asyncRing(scope, 1, { disabled: true });
  const order: string[] = [];
  const first = ring.nop().then(() => order.push('first'));
  const controller = new AbortController();
  const second = ring.nop({ signal: controller.signal });
  const chain = ring.chain((c) => [c.nop()]).then(() => order.push('chain'));
  assert.equal(ring.inFlight, 3);
  controller.abort();
  await aborts(second);
  assert.equal(ring.inFlight, 2);
  ring.enable();
  await Promise.all([first, chain]);
  assert.deepEqual(order, ['first', 'chain']);
});

ringTest('what waits for room keeps the options that it was given', {}, async (scope) => {
  const ring = asyncRing(scope, 1, { disabled: true });
  const path = join(scope.folder(), 'file');
  const fd = scope.fd(sys.eventfd(0));
  const options = { flags: 0o102, mode: 0o600 };
  const first = ring.nop();
  const opening = ring.open(path, options);
  options.flags = 0;
  ring.enable();
  await first;
  const file = await opening;
  assert.equal(await ring.write(file, bytes('new')), 3);
  assert.ok(fd >= 0);
  await file.close();
});

ringTest('an open that won although it was aborted is closed', {}, async (scope) => {
  const ring = asyncRing(scope);
  const fifo = makeFifo(scope.folder());
  const opened = () => openFds().filter((each) => /\/dev\/null|pipe:|fifo/.test(each)).length;
  const before = opened();
  const winners: unknown[] = [];
  for (let i = 0; i < 50; i++) {
    const controller = new AbortController();
    const opening = ring.open('/dev/null', { signal: controller.signal }).then(
      (file) => winners.push(file),
      (error) => assert.equal(error.name, 'AbortError'),
    );
    const pipe = hasPipe
      ? ring.pipe({ signal: controller.signal }).then(
          ({ reader, writer }) => winners.push(reader, writer),
          (error) => assert.equal(error.name, 'AbortError'),
        )
      : undefined;
    // the open of a FIFO waits in a worker for a writer
    const waiting = ring.open(fifo, { signal: controller.signal, async: true });
    controller.abort();
    await aborts(waiting);
    await Promise.all([opening, pipe]);
  }
  assert.deepEqual(winners, []);
  await until('all closed', () => opened() === before && ring.inFlight === 0);
});

ringTest(
  'an open into a slot that won although it was aborted empties the slot',
  opensIntoSlots,
  async (scope) => {
    const ring = asyncRing(scope);
    const files = ring.registerFiles({ slots: 1 });
    for (let i = 0; i < 20; i++) {
      const controller = new AbortController();
      const opening = ring.open('/dev/null', { signal: controller.signal, into: files });
      controller.abort();
      await aborts(opening);
    }
    await until('an empty table', () => ring.inFlight === 0);
    assert.equal((await ring.open('/dev/null', { into: files })).index, 0);
    await fails('ENFILE', 'OP_OPENAT', ring.open('/dev/null', { into: 'alloc' }));
  },
);

ringTest('timeoutMs ends it with ETIME; one that was faster has its result', {}, async (scope) => {
  const ring = asyncRing(scope);
  const { reader, writer } = scope.pipe();
  const before = performance.now();
  await fails('ETIME', 'OP_READ', ring.read(reader, new Uint8Array(1), { timeoutMs: 20.5 }));
  const took = performance.now() - before;
  assert.ok(took >= 20.5 && took < 5000, `${took} ms`);
  await ring.write(writer, bytes('x'), { timeoutMs: 10_000 });
  assert.equal(await ring.read(reader, new Uint8Array(1), { timeoutMs: 10_000 }), 1);
  await until('no timeout left', () => ring.inFlight === 0);
});

ringTest('an aborted operation with timeoutMs is an AbortError', {}, async (scope) => {
  const ring = asyncRing(scope);
  const controller = new AbortController();
  const { signal } = controller;
  const reading = ring.read(scope.pipe().reader, new Uint8Array(1), { signal, timeoutMs: 60_000 });
  await turns();
  controller.abort();
  await aborts(reading);
});

ringTest('timeoutMs needs two entries', {}, async (scope) => {
  const ring = asyncRing(scope, 1);
  const error = await ring.nop({ timeoutMs: 1 }).catch((each) => each);
  assert.equal(error.code, 'ERR_INVALID_ARG_VALUE');
  await ring.nop();
});

ringTest('a hundred cancellations on a queue of two', {}, async (scope) => {
  const ring = asyncRing(scope, 2);
  const { reader } = scope.pipe();
  const controller = new AbortController();
  const { signal } = controller;
  setMaxListeners(0, signal);
  const reads = Array.from({ length: 100 }, () => ring.read(reader, new Uint8Array(1), { signal }));
  await turns();
  assert.equal(ring.inFlight, 100);
  controller.abort();
  await Promise.all(reads.map((each) => aborts(each)));
  // on a busy machine some are given up before the kernel has cancelled them
  await until('the kernel has let go', () => ring.inFlight === 0);
});

// an entry that cancels would wait behind the drained one
ringTest(
  'an operation behind a drained one can be cancelled too',
  needs('REGISTER_SYNC_CANCEL'),
  async (scope) => {
    const ring = asyncRing(scope);
    const { reader } = scope.pipe();
    const controller = new AbortController();
    const reading = ring.read(reader, new Uint8Array(1), { signal: controller.signal });
    const drained = ring.nop({ drain: true });
    await turns();
    controller.abort();
    await aborts(reading);
    await drained;
  },
);
