import assert from 'node:assert/strict';
import { Ring } from '../../lib/faces/ring.ts';
import { nop } from '../../lib/ops/preparers.ts';
import { registerSendMsgRing } from '../../lib/register/notify.ts';
import type { RingBaseOptions } from '../../lib/ring/base.ts';
import { constants } from '../../structs/flags.ts';
import { needs } from '../helpers/needs.ts';
import { OpenRing } from '../helpers/pairs.ts';
import { answer } from '../helpers/raw-ring.ts';
import { complete, ringTest, type Scope } from '../helpers/rings.ts';

/** SETUP_CQE_MIXED, and NOPs that have big completions: an opcode of the same version. */
const mixed = needs('REGISTER_QUERY');
const { IORING_CQE_F_32, IORING_CQE_F_SKIP, IORING_NOP_CQE32 } = constants;

function ringOf(scope: Scope, entries: number, options: RingBaseOptions): OpenRing {
  const ring = new OpenRing(entries, options);
  scope.defer(() => ring.close());
  return ring;
}

/** A NOP whose completion has 32 bytes: the second half is userData + 1 and userData + 2. */
function bigNop(ring: OpenRing, userData: number): void {
  const { inner } = ring;
  nop(inner.entry()).opFlags = IORING_NOP_CQE32;
  const { words, base } = inner.queues.sqe;
  words.set([userData + 1, 0, userData + 2, 0], base + 2);
  inner.commit(userData, undefined);
}

/** What has come: userData, with the second half where there is one. */
function seen(ring: Ring, count: number): unknown[] {
  return complete(ring, count).map(({ userData, extra }) => (extra ? [userData, ...extra] : userData));
}

function big(userData: number): unknown[] {
  return [userData, BigInt(userData + 1), BigInt(userData + 2)];
}

/** SETUP_SQE128 (5.19) came with this opcode. */
const big128 = needs('REGISTER_PBUF_RING');

for (const [what, options, needed] of [
  ['small', {}, {}],
  ['small, by an SQ array', { sqArray: true }, {}],
  ['of 128 bytes', { sqe128: true }, big128],
  ['of 128 bytes, by an SQ array', { sqe128: true, sqArray: true }, big128],
] as const) {
  ringTest(`entries ${what} go round`, needed, (scope) => {
    const ring = ringOf(scope, 4, options);
    const { writer, reader } = scope.pipe();
    for (let round = 0; round < 20; round++) {
      const count = 1 + (round % 4);
      const data = Array.from({ length: count }, (_, i) => new Uint8Array(10 * round + i + 1).fill(i));
      for (const bytes of data) ring.prepare.write(writer, bytes, { userData: bytes.length, link: true });
      assert.deepEqual(
        complete(ring, count).map(({ userData, res }) => [userData, res]),
        data.map(({ length }) => [length, length]),
      );
      const written = new Uint8Array(1024);
      ring.prepare.read(reader, written);
      assert.deepEqual(
        written.slice(0, complete(ring, 1)[0]?.res),
        Uint8Array.from(data.flatMap((each) => [...each])),
      );
    }
  });
}

ringTest('every completion of a cqe32 ring has a second half', mixed, (scope) => {
  const ring = ringOf(scope, 4, { cqe32: true, cqEntries: 8 });
  for (let round = 0; round < 10; round++) {
    ring.prepare.nop({ userData: 10 * round });
    bigNop(ring, 10 * round + 1);
    bigNop(ring, 10 * round + 4);
    assert.deepEqual(seen(ring, 3), [[10 * round, 0n, 0n], big(10 * round + 1), big(10 * round + 4)]);
  }
});

ringTest('small and big completions go through a mixed queue together', mixed, (scope) => {
  const ring = ringOf(scope, 4, { cqe32: 'mixed', cqEntries: 8 });
  assert.equal(ring.cqEntries, 8);
  for (let round = 0; round < 40; round++) {
    const first = 10 * round;
    ring.prepare.nop({ userData: first });
    bigNop(ring, first + 1);
    ring.prepare.nop({ userData: first + 2 });
    assert.deepEqual(seen(ring, 3), [first, big(first + 1), first + 2]);
  }
  assert.equal(ring.inFlight, 0);
});

ringTest("the filler before the end of a mixed queue is nobody's completion", mixed, (scope) => {
  const ring = ringOf(scope, 8, { cqe32: 'mixed', cqEntries: 8 });
  const { queues } = ring.inner;
  for (let i = 0; i < 7; i++) ring.prepare.nop({ userData: i });
  assert.equal(complete(ring, 7).length, 7);
  // slot 7 is free and too small for it: there the kernel puts a filler
  bigNop(ring, 100);
  ring.submit();
  assert.equal(queues.ready, 3);
  assert.equal(ring.ready, 1);
  assert.deepEqual([...queues.peek()].length, 1);
  const flags: number[] = [];
  ring.reap((userData, _res, bits) => {
    assert.equal(userData, 100);
    flags.push(bits);
    assert.deepEqual(queues.extra(), [101n, 102n]);
  });
  assert.deepEqual(flags, [IORING_CQE_F_32]);
  assert.equal(flags[0] && flags[0] & IORING_CQE_F_SKIP, 0);
});

ringTest('a wait for big completions does not end with half of them', mixed, (scope) => {
  const ring = ringOf(scope, 8, { cqe32: 'mixed', cqEntries: 16 });
  bigNop(ring, 1);
  ring.prepare.timeout({ afterMs: 20, userData: 2 });
  ring.submit({ wait: 2, timeoutMs: 10_000 });
  assert.equal(ring.ready, 2);
});

ringTest('completions that overflow a mixed queue come in order', mixed, (scope) => {
  const ring = ringOf(scope, 16, { cqe32: 'mixed', cqEntries: 16 });
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 16; i++) bigNop(ring, 100 * round + 3 * i);
    ring.submit();
  }
  const found: unknown[] = [];
  for (let some = [...ring.completions()]; some.length > 0; some = [...ring.completions()]) {
    for (const { userData, extra = [] } of some) found.push([userData, ...extra]);
  }
  assert.deepEqual(
    found,
    [0, 1, 2].flatMap((round) => Array.from({ length: 16 }, (_, i) => big(100 * round + 3 * i))),
  );
});

ringTest('a message that pretends to be big is not', needs('REGISTER_SEND_MSG_RING'), (scope) => {
  const ring = ringOf(scope, 4, {});
  const flags = IORING_CQE_F_32 | IORING_CQE_F_SKIP;
  // newer kernels refuse it
  const sent = answer(() => registerSendMsgRing(-1, { targetFd: ring.fd, userData: 1, res: 0, flags }));
  Ring.sendMessage(ring, { userData: 2 });
  assert.deepEqual(seen(ring, sent === 'EINVAL' ? 1 : 2), sent === 'EINVAL' ? [2] : [1, 2]);
});

ringTest('a big message on a mixed ring leaves the next one whole', mixed, (scope) => {
  const ring = ringOf(scope, 4, { cqe32: 'mixed' });
  const message = { targetFd: ring.fd, userData: 1, res: 0, flags: IORING_CQE_F_32 };
  const sent = answer(() => registerSendMsgRing(-1, message));
  Ring.sendMessage(ring, { userData: 2 });
  assert.deepEqual(seen(ring, sent === 'EINVAL' ? 1 : 2), sent === 'EINVAL' ? [2] : [[1, 0n, 0n], 2]);
});
