import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { AsyncRing } from '../../lib/faces/async-ring.ts';
import { Ring } from '../../lib/faces/ring.ts';
import { alloc, keptForever } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { needs, needsOp } from '../helpers/needs.ts';
import { patience } from '../helpers/patience.ts';
import { wrong } from '../helpers/raw-ring.ts';
import { result, ringTest, type Scope, threadNames, until } from '../helpers/rings.ts';

/** Is there a worker, of whatever thread? */
function hasWorker(): boolean {
  return threadNames().some((name) => name.startsWith('iou-wrk'));
}

const PATIENCE_MS = patience(10_000);
const ZERO_COPY = needsOp('OP_SEND_ZC');
const NEEDS = needs('REGISTER_BUFFERS');

ringTest('close() of a file is refused: the ring would be closed instead', NEEDS, (scope) => {
  const [ring, { reader }] = [scope.ring(8), scope.pipe()];
  for (const file of [reader, { fd: reader }, null]) {
    assert.throws(
      () => ring.close(wrong(file)),
      /"file" argument must be absent: .* closeFd\(file\) a file\. Received/,
    );
  }
  assert.equal(ring.isClosed, false);
  ring.prepare.nop();
  assert.equal(result(ring), 0);
});

ringTest('close() of an sqPoll ring reaches an operation that blocks a worker', NEEDS, async (scope) => {
  const ring = scope.ring(8, { sqPoll: true });
  ring.prepare.splice(scope.pipe().reader, scope.pipe().writer, 1, { async: true });
  ring.submit();
  await until('a worker is there', hasWorker);
  ring.close();
  assert.equal(await ring.closed({ timeoutMs: PATIENCE_MS }), true);
  assert.equal(ring.inFlight, 0);
});

/** A TCP connection to a peer that does not read, which a zero-copy send has filled. */
async function unreadSend(scope: Scope): Promise<{ readonly ring: Ring; readonly peer: Socket }> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const connected = once(server, 'connection');
  const client = new AsyncRing(4);
  const socket = await client.socket('IPv4');
  await client.connect(socket, { address: '127.0.0.1', port: address.port });
  const [peer] = await connected;
  server.close();
  const ring = scope.ring(4);
  ring.prepare.sendZc(socket, alloc(4 << 20));
  ring.submit();
  scope.defer(() => {
    peer.destroy();
    sys.close(socket.fd);
    client.close();
  });
  return { ring, peer };
}

ringTest('close() of a ring that the kernel does not let go of returns at once', ZERO_COPY, async (scope) => {
  const { ring, peer } = await unreadSend(scope);
  const begin = performance.now();
  ring.close();
  assert.ok(performance.now() - begin < patience(500));
  assert.equal(ring.inFlight, 1);
  assert.equal(await ring.closed({ timeoutMs: 20 }), false);
  const warning = once(process, 'warning');
  await ring[Symbol.asyncDispose]();
  const [{ code, message }] = await warning;
  assert.equal(code, 'URING_KEPT_ALIVE');
  assert.match(message, /closed \d+ ms ago.*1 operation\(s\): OP_SEND_ZC on fd \d+;/);
  peer.destroy();
  assert.equal(await ring.closed({ timeoutMs: PATIENCE_MS }), true);
  assert.equal(ring.inFlight, 0);
  assert.equal(keptForever(), 0);
});

ringTest(
  'what a closed ring had is given back by the next ring, without a turn of the event loop',
  ZERO_COPY,
  async (scope) => {
    const { ring, peer } = await unreadSend(scope);
    ring.close();
    const gone = once(peer, 'close');
    peer.destroy();
    await gone;
    const end = performance.now() + PATIENCE_MS;
    while (ring.inFlight > 0 && performance.now() < end) new Ring(2).close();
    assert.equal(ring.inFlight, 0);
  },
);

ringTest(
  'close() of a sealed sqPoll ring gives its fd back although nothing in it can be cancelled',
  needs('REGISTER_RESTRICTIONS'),
  async (scope) => {
    const kept = keptForever();
    const sandbox = { ops: ['OP_READ' as const], sealed: true };
    const ring = scope.ring(8, { sqPoll: true, sandbox });
    ring.prepare.read(scope.pipe().reader, alloc(64));
    ring.submit();
    await until('the thread has it', () => ring.sqSpace === ring.sqEntries);
    const { fd } = ring;
    ring.close();
    assert.equal(await ring.closed({ timeoutMs: PATIENCE_MS }), true);
    assert.equal(existsSync(`/proc/self/fd/${fd}`), false);
    assert.equal(keptForever(), kept + 1);
  },
);

ringTest('a ring that is open is not closed', {}, async (scope) => {
  const ring = scope.ring();
  assert.equal(await ring.closed({ timeoutMs: 0 }), false);
  for (const options of [{ timeoutMs: -1 }, { timeoutMs: '1' }, { timeout: 1 }])
    await assert.rejects(ring.closed(wrong(options)), { code: /^ERR_INVALID_ARG_/ });
  ring.close();
  assert.equal(await ring.closed(), true);
});
