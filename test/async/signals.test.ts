/** One signal for many operations. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { aborts, asyncRing, fails } from '../helpers/async.ts';
import { ringTest, until } from '../helpers/rings.ts';

const MANY = 20_000;

ringTest(
  'thousands of operations share a signal: one listener, no warning, all end when it aborts',
  {},
  async (scope) => {
    const warnings: unknown[] = [];
    const warn = (warning: Error): void => void warnings.push(warning.name);
    process.on('warning', warn);
    scope.defer(() => process.off('warning', warn));
    const ring = asyncRing(scope, 64);
    const other = asyncRing(scope, 8);
    const { reader } = scope.pipe();
    const controller = new AbortController();
    const { signal } = controller;
    const byte = new Uint8Array(1);
    const reads = Array.from({ length: 5000 }, () => ring.read(reader, byte, { signal }));
    reads.push(other.read(reader, byte, { signal }));
    const events = ring.pollMultishot(reader, 1, { signal });
    const polling = events.next();
    await ring.nop({ signal });
    assert.equal(getEventListeners(signal, 'abort').length, 1);
    controller.abort('enough');
    await Promise.all([polling, ...reads].map((each) => aborts(each, 'enough')));
    // that many cancellations may take longer than an operation waits for its own
    await until('the kernel has let go', () => ring.inFlight + other.inFlight === 0);
    assert.equal(getEventListeners(signal, 'abort').length, 0);
    await turn();
    assert.deepEqual(warnings, []);
  },
);

ringTest('the listener goes with the last operation, and comes again with the next', {}, async (scope) => {
  const ring = asyncRing(scope, 8);
  const { signal } = new AbortController();
  const listeners = () => getEventListeners(signal, 'abort').length;
  for (let i = 0; i < 3; i++) {
    const nops = [ring.nop({ signal }), ring.nop({ signal })];
    assert.equal(listeners(), 1);
    await Promise.all(nops);
    assert.equal(listeners(), 0);
  }
  await fails('EBADF', 'OP_READ', ring.read(0x7fff_fff0, new Uint8Array(1), { signal }));
  await assert.rejects(ring.read(-1, new Uint8Array(1), { signal }), { code: 'ERR_INVALID_ARG_VALUE' });
  assert.equal(listeners(), 0);
});

ringTest('what waits for room is cancelled at once, and what is behind it starts', {}, async (scope) => {
  // nothing is submitted: all but two wait
  const ring = asyncRing(scope, 2, { disabled: true });
  const controller = new AbortController();
  const { signal } = controller;
  const entered = [ring.nop(), ring.nop()];
  const waiting = Array.from({ length: MANY }, () => ring.nop({ signal }));
  const behind = [ring.nop(), ring.nop()];
  const chain = ring.chain((c) => [c.nop(), c.nop({ signal })]);
  const last = ring.nop();
  assert.equal(ring.inFlight, MANY + 7);
  controller.abort();
  // each by itself: by a walk of each along all others this would not end within the limit of a test file
  await Promise.all([chain, ...waiting].map((each) => aborts(each)));
  assert.equal(ring.inFlight, 5);
  ring.enable();
  await Promise.all([...entered, ...behind, last]);
  await until('an idle ring', () => ring.inFlight === 0);
});
