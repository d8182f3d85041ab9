import assert from 'node:assert/strict';
import { asyncRing, fails, refusesAll } from '../helpers/async.ts';
import { needs, needsOp } from '../helpers/needs.ts';
import { socketPair } from '../helpers/pairs.ts';
import { wrong } from '../helpers/raw-ring.ts';
import { ringTest } from '../helpers/rings.ts';

/** Cancelling by file came with 5.19, as did this. */
const BY_FD = needsOp('OP_SOCKET');
/** By operation: 6.6. */
const BY_OP = needsOp('OP_WAITID');
const memory = () => new Uint8Array(4);

ringTest('wrong arguments reject before any syscall', BY_FD, async (scope) => {
  const ring = asyncRing(scope);
  await refusesAll(ring, [
    ['what', () => ring.cancel(wrong(undefined))],
    ['what', () => ring.cancel({})],
    ['what.userData', () => ring.cancel(wrong({ userData: 1 }))],
    ['what.fd', () => ring.cancel({ fd: -1 })],
    ['what.op', () => ring.cancel({ op: wrong('RECV') })],
    ['what.any', () => ring.cancel({ any: wrong(1) })],
    ['what.fd', () => ring.cancel({ any: true, fd: 0 })],
    ['what.op', () => ring.cancel({ any: true, op: 'OP_RECV' })],
  ]);
});

ringTest('all on a file, by fd and by slot, and no others', BY_FD, async (scope) => {
  const ring = asyncRing(scope, 16);
  const [a, b] = socketPair(scope);
  const files = ring.registerFiles([a]);
  const others = [ring.recv(b, memory()), ring.recv(files.at(0), memory())];
  const mine = [ring.recv(a, memory()), ring.recv(a, memory()), ring.poll(a, 1)];
  assert.equal(await ring.cancel({ fd: a }), 3);
  for (const each of mine) await fails('ECANCELED', each === mine[2] ? 'OP_POLL_ADD' : 'OP_RECV', each);
  assert.equal(ring.inFlight, 2);
  assert.equal(await ring.cancel({ fd: files.at(0) }), 1);
  assert.equal(await ring.cancel({ fd: a }), 0);
  assert.equal(await ring.cancel({ fd: { fd: b } }), 1);
  for (const each of others) await fails('ECANCELED', 'OP_RECV', each);
});

ringTest('all of a kind, and of a kind on a file', BY_OP, async (scope) => {
  const ring = asyncRing(scope, 16);
  const [a, b] = socketPair(scope);
  const receives = [ring.recv(a, memory()), ring.recv(b, memory())];
  const polls = [ring.poll(a, 1), ring.poll(b, 1)];
  assert.equal(await ring.cancel({ op: 'OP_RECV', fd: a }), 1);
  assert.equal(ring.inFlight, 3);
  assert.equal(await ring.cancel({ op: 'OP_POLL_ADD' }), 2);
  assert.equal(await ring.cancel({ op: 'OP_RECV' }), 1);
  for (const each of receives) await fails('ECANCELED', 'OP_RECV', each);
  for (const each of polls) await fails('ECANCELED', 'OP_POLL_ADD', each);
});

ringTest('anything', BY_FD, async (scope) => {
  const ring = asyncRing(scope, 16);
  const [a, b] = socketPair(scope);
  const waiting = [
    ring.recv(a, memory()),
    ring.poll(b, 1),
    ring.timeout({ afterMs: 60_000 }),
    ring.pollMultishot(a, 1).next(),
  ];
  assert.equal(await ring.cancel({ any: true }), 4);
  const codes = await Promise.all(waiting.map((each) => each.then(String, ({ code }) => code)));
  assert.deepEqual(codes, Array(4).fill('ECANCELED'));
});

ringTest(
  'an iterator that was cancelled from outside ends with ECANCELED',
  { ...BY_FD, ...needs('REGISTER_PBUF_RING') },
  async (scope) => {
    const ring = asyncRing(scope);
    const [, far] = socketPair(scope);
    const pool = ring.registerBufferRing({ entries: 2, bufferSize: 8 });
    const parts = ring.recvMultishot(far, pool);
    const waiting = parts.next();
    assert.equal(await ring.cancel({ fd: far }), 1);
    await fails('ECANCELED', 'OP_RECV', waiting);
    assert.deepEqual(await parts.next(), { done: true, value: undefined });
  },
);
