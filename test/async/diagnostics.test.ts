/** Operations on `node:diagnostics_channel`, and what can't be sent to another thread. */
import assert from 'node:assert/strict';
import { createHook } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { MessageChannel } from 'node:worker_threads';
import type { OperationMessage } from '../../lib/sys/trace.ts';
import { asyncRing, failure } from '../helpers/async.ts';
import { needsFlag } from '../helpers/needs.ts';
import { ringTest, until } from '../helpers/rings.ts';

/** What is published while `body` runs. */
async function published(
  body: () => Promise<void>,
  react: () => void = () => {},
): Promise<OperationMessage[]> {
  const found: OperationMessage[] = [];
  const listen = (message: unknown): void => {
    found.push(message as OperationMessage);
    react();
  };
  subscribe('uring:operation', listen);
  try {
    await body();
  } finally {
    unsubscribe('uring:operation', listen);
  }
  return found;
}

ringTest('operations are told with result, error and duration', {}, async (scope) => {
  const ring = asyncRing(scope);
  const found = await published(async () => {
    await ring.nop();
    await failure(ring.open('/no/such/file'));
    await ring.timeout({ afterMs: 20 });
    await Promise.all([ring.nop(), ring.nop()]);
    await new Promise<void>((told) => ring.nop(() => told()));
  });
  assert.deepEqual(
    found.map(({ op, result, code, isLast, fd }) => [op, result, code, isLast, fd]),
    [
      ['OP_NOP', 0, null, true, ring.fd],
      ['OP_OPENAT', -2, 'ENOENT', true, ring.fd],
      ['OP_TIMEOUT', -62, 'ETIME', true, ring.fd],
      ...[1, 2, 3].map(() => ['OP_NOP', 0, null, true, ring.fd]),
    ],
  );
  const [, , waited] = found;
  assert.ok(waited !== undefined && waited.durationNs >= 20_000_000n, `${waited?.durationNs}`);
  assert.ok(found.every(({ ring: number }) => number !== null && number === found[0]?.ring));
});

ringTest('each completion of a request is told', needsFlag('TIMEOUT_MULTISHOT'), async (scope) => {
  const ring = asyncRing(scope);
  const found = await published(async () => {
    let count = 0;
    for await (const tick of ring.interval({ everyMs: 1, times: 3 })) count = tick;
    assert.equal(count, 3);
  });
  assert.deepEqual(
    found.map(({ op, isLast }) => [op, isLast]),
    [
      ['OP_TIMEOUT', false],
      ['OP_TIMEOUT', false],
      ['OP_TIMEOUT', true],
    ],
  );
});

ringTest('what a subscriber starts itself, or what began before it came, is not told', {}, async (scope) => {
  const ring = asyncRing(scope);
  const before = ring.timeout({ afterMs: 10 });
  await until('it is in the kernel', () => ring.inFlight > 0);
  const own: Promise<unknown>[] = [];
  const found = await published(
    async () => {
      await ring.nop();
      await before;
      await Promise.all(own);
    },
    () => own.push(ring.nop()),
  );
  assert.deepEqual(
    found.map(({ op }) => op),
    ['OP_NOP'],
  );
  assert.equal(own.length, 1);
});

ringTest('a subscriber may close the ring', {}, async (scope) => {
  const ring = asyncRing(scope);
  const results = await published(
    async () => {
      await Promise.allSettled([ring.nop(), ring.nop(), ring.nop()]);
    },
    () => ring.close(),
  );
  assert.equal(results.length, 1);
});

ringTest(
  'a ring, a file, a server, a socket can not be sent to another thread, and say so',
  {},
  async (scope) => {
    const ring = asyncRing(scope, 16);
    await using file = await ring.open('/etc/passwd');
    await using server = ring.createServer({ host: '127.0.0.1' });
    await using socket = await ring.createSocket({ host: '127.0.0.1' });
    const { port1, port2 } = new MessageChannel();
    using buffers = ring.registerBuffers([new Uint8Array(4096)]);
    for (const each of [ring, scope.ring(), buffers, file, server, socket, { file }]) {
      for (const send of [() => port1.postMessage(each), () => structuredClone(each)])
        assert.throws(send, (error: Error) => {
          assert.equal(error.name, 'DataCloneError');
          assert.match(
            error.message,
            /it belongs to this thread: send a path, an address or the number of an fd/,
          );
          return true;
        });
    }
    port1.close();
    port2.close();
  },
);

ringTest('an operation that nobody listened to when it began is not told', {}, async (scope) => {
  const ring = asyncRing(scope);
  let before: Promise<void> | undefined;
  await published(async () => {
    before = ring.nop();
  });
  await before;
  // its object may be that of the one before
  const quiet = ring.nop();
  assert.deepEqual(await published(() => quiet), []);
});

ringTest('operations that an async hook starts are promises of their own', {}, async (scope) => {
  const ring = asyncRing(scope);
  let isFirst = true;
  let inner: Promise<void> | undefined;
  const hook = createHook({
    init(_, type) {
      if (type !== 'PROMISE' || !isFirst) return;
      isFirst = false;
      inner = ring.nop();
    },
  });
  hook.enable();
  const outer = ring.nop();
  hook.disable();
  await Promise.all([outer, inner]);
  assert.notEqual(inner, undefined);
});
