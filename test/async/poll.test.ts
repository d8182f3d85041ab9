import assert from 'node:assert/strict';
import { openSync, readSync, writeSync } from 'node:fs';
import { ClosedError } from '../../lib/errors.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { aborts, asyncRing, bytes, fails, failure, refusesAll } from '../helpers/async.ts';
import { needsOp } from '../helpers/needs.ts';
import { socketPair } from '../helpers/pairs.ts';
import { wrong } from '../helpers/raw-ring.ts';
import { makePipe, ringTest, until } from '../helpers/rings.ts';

const OP = needsOp('OP_POLL_ADD');
const POLLIN = 1;
const POLLOUT = 4;
const POLLERR = 8;
const POLLHUP = 16;

ringTest('wrong arguments reject before any syscall', OP, async (scope) => {
  const ring = asyncRing(scope);
  await refusesAll(ring, [
    ['file', () => ring.poll(-1, POLLIN)],
    ['events', () => ring.poll(0, -1)],
    ['events', () => ring.poll(0, wrong('in'))],
    ['options.multishot', () => ring.poll(0, POLLIN, wrong({ multishot: true }))],
    ['file', () => ring.pollMultishot(wrong(null), POLLIN).next()],
    ['options.timeoutMs', () => ring.pollMultishot(0, POLLIN, wrong({ timeoutMs: 1 })).next()],
  ]);
  await fails('EBADF', 'OP_POLL_ADD', ring.poll(9999, POLLIN));
});

ringTest('poll tells what came', OP, async (scope) => {
  const ring = asyncRing(scope);
  const { reader, writer } = scope.pipe();
  const files = ring.registerFiles([reader]);
  assert.equal(await ring.poll(writer, POLLOUT), POLLOUT);
  const waiting = ring.poll(files.at(0), POLLIN);
  await ring.nop();
  assert.equal(ring.inFlight, 1);
  writeSync(writer, 'x');
  assert.equal(await waiting, POLLIN);
  // it has taken nothing
  assert.equal(readSync(reader, Buffer.alloc(4)), 1);
  await aborts(ring.poll(reader, POLLIN, { signal: AbortSignal.timeout(5) }));
  await fails('ETIME', 'OP_POLL_ADD', ring.poll(reader, POLLIN, { timeoutMs: 5 }));
  const [left, right] = makePipe();
  const hangup = ring.poll(left, 0);
  sys.close(right);
  assert.equal(await hangup, POLLHUP);
  sys.close(left);
});

ringTest('poll sees that nobody reads', OP, async (scope) => {
  const ring = asyncRing(scope);
  const [reader, writer] = makePipe();
  const waiting = ring.poll(scope.fd(writer), 0);
  sys.close(reader);
  assert.equal(await waiting, POLLERR);
});

ringTest('an iterator tells each event', OP, async (scope) => {
  const ring = asyncRing(scope);
  const [near, far] = socketPair(scope);
  const events = ring.pollMultishot(far, POLLIN);
  for (let i = 0; i < 20; i++) {
    const next = events.next();
    await ring.send(near, bytes('x'));
    assert.deepEqual(await next, { done: false, value: POLLIN });
    await ring.recv(far, new Uint8Array(4));
  }
  assert.equal(ring.inFlight, 1);
  await events.return();
  assert.equal(ring.inFlight, 0);
});

ringTest('what is ready always is told as often as somebody asks', OP, async (scope) => {
  const ring = asyncRing(scope);
  const fd = scope.fd(openSync('/dev/null', 'r'));
  let count = 0;
  for await (const events of ring.pollMultishot(fd, POLLIN)) {
    assert.equal(events, POLLIN);
    if (++count === 1000) break;
  }
  assert.equal(ring.inFlight, 0);
});

ringTest('abort and close end the iterator', OP, async (scope) => {
  const ring = asyncRing(scope);
  const { reader } = scope.pipe();
  const controller = new AbortController();
  const waiting = ring.pollMultishot(reader, POLLIN, { signal: controller.signal }).next();
  await until('it waits', () => ring.inFlight === 1);
  controller.abort('enough');
  await aborts(waiting, 'enough');
  const other = asyncRing(scope);
  const closed = other.pollMultishot(reader, POLLIN).next();
  await other.nop();
  other.close();
  assert.ok((await failure(closed)) instanceof ClosedError);
});
