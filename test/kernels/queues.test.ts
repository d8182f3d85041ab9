/** Submission queues of newer kinds: entries of two sizes (6.19), and queues that always begin at their first entry (7.0). */
import assert from 'node:assert/strict';
import { nop, nop128 } from '../../lib/ops/preparers.ts';
import { enter, nextSqe } from '../../lib/raw.ts';
import { constants } from '../../structs/flags.ts';
import { needsSetup } from '../helpers/needs.ts';
import { ringTest } from '../helpers/rings.ts';
import { EINVAL, OpRing } from '../ops/op-ring.ts';

const { IORING_SETUP_NO_SQARRAY, IORING_SETUP_SQE_MIXED, IORING_SETUP_SQ_REWIND, IORING_SETUP_SQPOLL } =
  constants;
const mixed = needsSetup('SETUP_SQE_MIXED');
const rewind = needsSetup('SETUP_SQ_REWIND');

ringTest('small and big entries follow each other, in order', mixed, (scope) => {
  const ring = new OpRing(scope, IORING_SETUP_SQE_MIXED);
  const { queues } = ring;
  // 64, 128, 64, 128 bytes: six slots
  for (const userData of [1, 2, 3, 4]) {
    const sqe = nextSqe(queues);
    if (userData % 2 === 1) nop(sqe);
    else nop128(sqe);
    sqe.userData = userData;
    if (userData % 2 === 0) nextSqe(queues);
  }
  queues.publish();
  assert.equal(enter(ring.fd, { toSubmit: 6 }), 6);
  assert.deepEqual(
    ring.nextAll(4).map(({ userData, res }) => [userData, res]),
    [1, 2, 3, 4].map((userData) => [userData, 0]),
  );
});

ringTest(
  'a big entry in the last slot, whose second half would be the first one, is EINVAL',
  mixed,
  (scope) => {
    const ring = new OpRing(scope, IORING_SETUP_SQE_MIXED);
    const { queues } = ring;
    for (let i = 0; i < 7; i++) nop(nextSqe(queues)).userData = i;
    queues.publish();
    enter(ring.fd, { toSubmit: 7 });
    ring.nextAll(7);
    nop128(nextSqe(queues)).userData = 8;
    nop(nextSqe(queues)).userData = 9;
    queues.publish();
    enter(ring.fd, { toSubmit: 2 });
    const { userData, res } = ring.next();
    assert.deepEqual([userData, res], [8, EINVAL]);
  },
);

ringTest('a rewinding queue is read from its first entry by each enter', rewind, (scope) => {
  const ring = new OpRing(scope, IORING_SETUP_SQ_REWIND | IORING_SETUP_NO_SQARRAY);
  const { queues } = ring;
  for (const round of [0, 10, 20]) {
    for (const i of [1, 2, 3]) nop(nextSqe(queues)).userData = round + i;
    // the tail is neither told nor read
    assert.equal(enter(ring.fd, { toSubmit: 3 }), 3);
    queues.rewind(3);
    assert.deepEqual(
      ring.nextAll(3).map(({ userData }) => userData),
      [round + 1, round + 2, round + 3],
    );
    assert.equal(queues.unconsumed, 0);
  }
});

ringTest('a rewinding queue excludes an index array and a submission thread', rewind, (scope) => {
  const withArray = () => new OpRing(scope, IORING_SETUP_SQ_REWIND);
  assert.throws(withArray, { code: 'EINVAL', hint: /SETUP_NO_SQARRAY/ });
  const flags = IORING_SETUP_SQ_REWIND | IORING_SETUP_NO_SQARRAY | IORING_SETUP_SQPOLL;
  assert.throws(() => new OpRing(scope, flags), { code: 'EINVAL' });
});
