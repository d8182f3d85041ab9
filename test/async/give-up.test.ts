/** An operation that the kernel does not end is given up, at most 50 ms after its limit. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { Multishot, Results } from '../../lib/async/multishot.ts';
import type { RingFile } from '../../lib/async/ring-file.ts';
import { AbortError, OpError } from '../../lib/errors.ts';
import { AsyncRing } from '../../lib/faces/async-ring.ts';
import type { RingCore } from '../../lib/ring/core/core.ts';
import { alloc } from '../../lib/sys/memory.ts';
import { failure } from '../helpers/async.ts';
import { needsOp } from '../helpers/needs.ts';
import { patience } from '../helpers/patience.ts';
import { ringTest, type Scope, until } from '../helpers/rings.ts';

const ZERO_COPY = needsOp('OP_SEND_ZC');
const PATIENCE_MS = patience(10_000);

const ECANCELED = 125;

class OpenRing extends AsyncRing {
  get itsCore(): RingCore {
    return this.core;
  }
}

/** A ring with a socket whose peer does not read. */
async function unread(scope: Scope): Promise<{ ring: AsyncRing; socket: RingFile; peer: Socket }> {
  const ring = new AsyncRing(16);
  scope.defer(() => ring.close());
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const connected = once(server, 'connection');
  const socket = await ring.socket('IPv4');
  await ring.connect(socket, { address: '127.0.0.1', port: address.port });
  const [peer] = await connected;
  server.close();
  scope.defer(() => peer.destroy());
  return { ring, socket, peer };
}

ringTest(
  'a zero-copy send that is not acknowledged ends at its limit, and its memory is kept',
  ZERO_COPY,
  async (scope) => {
    const { ring, socket, peer } = await unread(scope);
    const controller = new AbortController();
    const size = 1 << 20;
    const aborted = ring.sendZeroCopy(socket, alloc(size), { signal: controller.signal });
    assert.equal(await aborted.sent, size);
    const begin = performance.now();
    controller.abort('enough');
    const abort = await failure(aborted);
    assert.ok(performance.now() - begin < patience(500));
    assert.ok(abort instanceof AbortError);
    assert.deepEqual([abort.cause, abort.mayStillComplete, abort.bytes], ['enough', true, size]);

    const limited = ring.sendZeroCopy(socket, alloc(1 << 22), { timeoutMs: 20 });
    // another operation completes last
    await ring.nop();
    const timeout = await failure(limited);
    assert.ok(performance.now() - begin < patience(1000));
    assert.ok(timeout instanceof OpError);
    assert.deepEqual([timeout.code, timeout.op, timeout.mayStillComplete], ['ETIME', 'OP_SEND_ZC', true]);
    assert.equal(ring.inFlight, 2, 'what they may still touch is held');
    peer.destroy();
    await until('the kernel has let go', () => ring.inFlight === 0);
    await socket.close();
  },
);

ringTest('what the kernel cancels is no more than cancelled', {}, async (scope) => {
  const ring = new AsyncRing(8);
  scope.defer(() => ring.close());
  const { reader } = scope.pipe();
  const controller = new AbortController();
  const reading = ring.read(reader, new Uint8Array(1), { signal: controller.signal });
  await ring.nop();
  controller.abort();
  const error = await failure(reading);
  assert.equal(error.name, 'AbortError');
  assert.equal('mayStillComplete' in error, false);
  assert.equal(ring.inFlight, 0);
});

ringTest(
  'without a signal a zero-copy send resolves when its memory is free, .sent before',
  ZERO_COPY,
  async (scope) => {
    const { ring, socket, peer } = await unread(scope);
    const order: string[] = [];
    const sending = ring.sendZeroCopy(socket, alloc(4096));
    void sending.sent.then((bytes) => order.push(`sent ${bytes}`));
    void sending.then((bytes) => order.push(`free ${bytes}`));
    peer.resume();
    await sending;
    assert.deepEqual(order, ['sent 4096', 'free 4096']);
    const failing = ring.sendZeroCopy(-1, alloc(8));
    await assert.rejects(failing, { code: /ERR_|EBADF/ });
    await assert.rejects(failing.sent, { code: /ERR_|EBADF/ });
    peer.destroy();
    await socket.close();
    ring.close();
    assert.equal(await ring.closed({ timeoutMs: PATIENCE_MS }), true);
  },
);

/** An iterator whose request the kernel does not stop: it is given up at once. */
function stubborn(
  scope: Scope,
  signal: AbortSignal,
): { flight: Multishot<number>; results: Results<number> } {
  const ring = new OpenRing(4);
  scope.defer(() => ring.close());
  const stream = { convert: (res: number) => res, undo: () => {} };
  const flight = new Multishot<number>(ring.itsCore, { op: 'OP_POLL_ADD' }, stream, {
    prepare: () => signal,
    arm: () => {},
    stop: () => {},
    loop: { limit: (each) => each.abandon(), sleep: () => {}, wake: () => {} },
  });
  return { flight, results: new Results(flight) };
}

for (const [when, letGo] of [
  ['the kernel lets go', (flight) => flight.complete(-ECANCELED, 0, true)],
  ['the ring closes', (flight) => flight.fail(new Error('closed'))],
] as readonly [string, (flight: Multishot<number>) => void][]) {
  ringTest(`an iterator that was given up is left when ${when}`, {}, async (scope) => {
    const controller = new AbortController();
    const { flight, results } = stubborn(scope, controller.signal);
    const first = failure(results.next());
    controller.abort('enough');
    const error = await first;
    assert.ok(error instanceof AbortError);
    assert.equal(error.mayStillComplete, true);
    let isLeft = false;
    const leaving = results.return().then(() => {
      isLeft = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(isLeft, false);
    letGo(flight);
    await leaving;
  });
}
