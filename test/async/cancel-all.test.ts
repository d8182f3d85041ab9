import assert from 'node:assert/strict';
import { asyncRing, refusesAll } from '../helpers/async.ts';
import { needs, needsOp } from '../helpers/needs.ts';
import { socketPair } from '../helpers/pairs.ts';
import { wrong } from '../helpers/raw-ring.ts';
import { ringTest } from '../helpers/rings.ts';

/** Cancelling by file came with 5.19, as did this. */
const BY_FD = needsOp('OP_SOCKET');
/** By operation: 6.6. */
const BY_OP = needsOp('OP_WAITID');
const POLLIN = 1;
const POLLPRI = 2;

function memory(): Uint8Array {
  return new Uint8Array(4);
}

/** How each ends: `'OP_RECV ECANCELED'`. */
function ends(promises: readonly Promise<unknown>[]): Promise<string[]> {
  return Promise.all(promises.map((each) => each.then(String, ({ op, code }) => `${op} ${code}`)));
}

ringTest('wrong arguments reject before any syscall', BY_FD, async (scope) => {
  const ring = asyncRing(scope);
  await refusesAll(ring, [
    ['what', () => ring.cancel(wrong(undefined))],
    ['what', () => ring.cancel({})],
    ['userData', () => ring.cancel({ userData: 1 })],
    ['what.userData', () => ring.cancel({ userData: {} })],
    ['what.fd', () => ring.cancel({ fd: -1 })],
    ['what.op', () => ring.cancel({ op: wrong('RECV') })],
    ['what.any', () => ring.cancel({ any: wrong(1) })],
    ['what.fd', () => ring.cancel({ any: true, fd: 0 })],
    ['what.op', () => ring.cancel({ any: true, op: 'OP_RECV' })],
  ]);
});

ringTest('all on a file, whether by fd or by slot, and no others', BY_FD, async (scope) => {
  const ring = asyncRing(scope, 16);
  const [a, b] = socketPair(scope);
  const files = ring.registerFiles([a]);
  const other = ends([ring.recv(b, memory())]);
  const mine = ends([ring.recv(a, memory()), ring.recv(files.at(0), memory()), ring.poll(a, POLLPRI)]);
  assert.equal(await ring.cancel({ fd: a }), 3);
  assert.deepEqual(await mine, ['OP_RECV ECANCELED', 'OP_RECV ECANCELED', 'OP_POLL_ADD ECANCELED']);
  assert.equal(ring.inFlight, 1);
  const again = ends([ring.recv(a, memory())]);
  assert.equal(await ring.cancel({ fd: files.at(0) }), 1);
  assert.deepEqual(await again, ['OP_RECV ECANCELED']);
  assert.equal(await ring.cancel({ fd: a }), 0);
  assert.equal(await ring.cancel({ fd: { fd: b } }), 1);
  assert.deepEqual(await other, ['OP_RECV ECANCELED']);
});

ringTest('all of a kind, and of a kind on a file', BY_OP, async (scope) => {
  const ring = asyncRing(scope, 16);
  const [a, b] = socketPair(scope);
  const receives = ends([ring.recv(a, memory()), ring.recv(b, memory())]);
  const polls = ends([ring.poll(a, POLLIN), ring.poll(b, POLLIN)]);
  assert.equal(await ring.cancel({ op: 'OP_RECV', fd: a }), 1);
  assert.equal(ring.inFlight, 3);
  assert.equal(await ring.cancel({ op: 'OP_POLL_ADD' }), 2);
  assert.equal(await ring.cancel({ op: 'OP_RECV' }), 1);
  assert.deepEqual(await receives, Array(2).fill('OP_RECV ECANCELED'));
  assert.deepEqual(await polls, Array(2).fill('OP_POLL_ADD ECANCELED'));
});

ringTest('anything', BY_FD, async (scope) => {
  const ring = asyncRing(scope, 16);
  const [a, b] = socketPair(scope);
  const waiting = ends([
    ring.recv(a, memory()),
    ring.poll(b, POLLIN),
    ring.timeout({ afterMs: 60_000 }),
    ring.pollMultishot(a, POLLIN).next(),
  ]);
  assert.equal(await ring.cancel({ any: true }), 4);
  assert.deepEqual(
    (await waiting).map((each) => each.split(' ')[1]),
    Array(4).fill('ECANCELED'),
  );
});

ringTest('an iterator ends with ECANCELED', { ...BY_FD, ...needs('REGISTER_PBUF_RING') }, async (scope) => {
  const ring = asyncRing(scope);
  const [, far] = socketPair(scope);
  const pool = ring.registerBufferRing({ entries: 2, bufferSize: 8 });
  const parts = ring.recvMultishot(far, pool);
  const waiting = ends([parts.next()]);
  assert.equal(await ring.cancel({ fd: far }), 1);
  assert.deepEqual(await waiting, ['OP_RECV ECANCELED']);
  assert.deepEqual(await parts.next(), { done: true, value: undefined });
});
