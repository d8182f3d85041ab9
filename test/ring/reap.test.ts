import assert from 'node:assert/strict';
import { writeSync } from 'node:fs';
import type { Ring } from '../../lib/faces/ring.ts';
import { registerSendMsgRing } from '../../lib/register/notify.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { needs } from '../helpers/needs.ts';
import { OpenRing } from '../helpers/pairs.ts';
import { refuses, wrong } from '../helpers/raw-ring.ts';
import { complete, enters, ringTest, until } from '../helpers/rings.ts';

const tags = needs('REGISTER_BUFFERS2');
const messages = needs('REGISTER_SEND_MSG_RING');
/** SETUP_DEFER_TASKRUN (6.1): the next opcode after it. */
const deferred = needs('REGISTER_PBUF_STATUS');
const POLLIN = 1;
const F_MORE = 2;
const ENOBUFS = -105;

/** Prepares NOPs with these userDatas, and submits them. */
function nops(ring: Ring, ...userDatas: readonly number[]): void {
  for (const userData of userDatas) ring.prepare.nop({ userData });
  ring.submit();
}

/** The userDatas of everything that is reaped now. */
function reaped(ring: Ring): (number | bigint)[] {
  const found: (number | bigint)[] = [];
  const count = ring.reap((userData) => found.push(userData));
  assert.equal(count, found.length);
  return found;
}

ringTest('reap without a function takes nothing', {}, (scope) => {
  const ring = scope.ring();
  nops(ring, 1, 2);
  for (const visit of [undefined, null, {}, 'visit']) refuses('visit', () => ring.reap(wrong(visit)));
  assert.deepEqual(reaped(ring), [1, 2]);
});

ringTest('reap gives each completion once, in the order in which they came', {}, (scope) => {
  const ring = scope.ring();
  assert.deepEqual(reaped(ring), []);
  nops(ring, 3, 1, 2);
  nops(ring, 0);
  assert.deepEqual(reaped(ring), [3, 1, 2, 0]);
  assert.deepEqual(reaped(ring), []);
});

ringTest('completions() gives the same, one by one, and may be left early', {}, (scope) => {
  const ring = scope.ring();
  nops(ring, 1, 2, 3);
  for (const { userData, res, flags } of ring.completions()) {
    assert.deepEqual([userData, res, flags], [1, 0, 0]);
    break;
  }
  assert.equal(ring.ready, 2);
  assert.deepEqual(reaped(ring), [2, 3]);
});

ringTest('res and flags are those of the operation', {}, (scope) => {
  const ring = scope.ring();
  const { reader, writer } = scope.pipe();
  ring.prepare.pollMultishot(reader, POLLIN, { userData: 1 });
  ring.prepare.read(reader, new Uint8Array(8), { userData: 2 });
  ring.prepare.read(-1 >>> 1, new Uint8Array(8), { userData: 3 });
  writeSync(writer, 'abc');
  const found = complete(ring, 3).map(({ userData, res, flags }) => [userData, res, flags]);
  assert.deepEqual(
    found.sort(([a], [b]) => Number(a) - Number(b)),
    [
      [1, POLLIN, F_MORE],
      [2, 3, 0],
      [3, -9, 0],
    ],
  );
  assert.equal(ring.inFlight, 1, 'the poll goes on');
});

ringTest('a callback may reap', {}, (scope) => {
  const ring = scope.ring();
  nops(ring, 1, 2, 3);
  const seen: unknown[] = [];
  const outer = ring.reap((userData) => {
    seen.push(userData);
    seen.push(ring.reap((inner) => seen.push(`inner ${inner}`)));
  });
  assert.deepEqual(seen, [1, 'inner 2', 'inner 3', 2]);
  assert.equal(outer, 1);
  assert.deepEqual(reaped(ring), []);
});

ringTest('a callback may submit, and what completes at once comes after the rest', {}, (scope) => {
  const ring = scope.ring();
  nops(ring, 1, 2);
  const seen: (number | bigint)[] = [];
  ring.reap((userData, res) => {
    assert.equal(res, 0);
    seen.push(userData);
    if (userData === 1) nops(ring, 3);
  });
  assert.deepEqual(seen, [1, 2, 3]);
});

ringTest('a callback may wait, without going round and round', {}, (scope) => {
  const ring = scope.ring();
  nops(ring, 1);
  let calls = 0;
  ring.reap((userData) => {
    if (userData !== 1) return;
    ring.prepare.timeout({ afterMs: 30, userData: 2 });
    calls = enters(() => ring.submit({ wait: 1 }));
    assert.equal(ring.ready, 1);
  });
  assert.ok(calls < 4, `${calls} calls`);
  assert.equal(ring.ready, 0);
});

ringTest('a callback may close the ring: it is not called again', {}, (scope) => {
  const ring = scope.ring();
  nops(ring, 1, 2, 3);
  const seen: (number | bigint)[] = [];
  const count = ring.reap((userData) => {
    seen.push(userData);
    ring.close();
  });
  assert.deepEqual([count, seen], [1, [1]]);
  const other = scope.ring();
  nops(other, 4, 5);
  for (const { userData } of other.completions()) {
    seen.push(userData);
    other.close();
  }
  assert.deepEqual(seen, [1, 4]);
});

ringTest('an onRelease may close the ring: nothing comes after it', tags, (scope) => {
  const ring = scope.ring();
  const view = new Uint8Array(64);
  const released: number[] = [];
  const onRelease = (index: number) => {
    released.push(index);
    ring.close();
  };
  ring.registerBuffers([view, view, view], { onRelease }).unregister();
  assert.deepEqual(reaped(ring), []);
  assert.equal(ring.isClosed, true);
  assert.deepEqual(released.sort(), [0, 1, 2], 'the others are told by close()');
});

ringTest('a throw in the callback loses nothing', {}, (scope) => {
  const ring = scope.ring(4, { cqEntries: 4 });
  for (let round = 0; round < 3; round++) {
    nops(ring, 1, 2, 3, 4);
    assert.throws(
      () =>
        ring.reap((userData) => {
          if (userData === 2) throw new Error('mine');
        }),
      { message: 'mine' },
    );
    assert.equal(ring.ready, 2);
    assert.deepEqual(reaped(ring), [3, 4]);
    assert.equal(ring.inFlight, 0);
  }
});

ringTest('a throw in an onRelease loses no completion', tags, (scope) => {
  const ring = scope.ring();
  const view = new Uint8Array(64);
  const buffers = ring.registerBuffers([view], {
    onRelease: () => {
      throw new Error('mine');
    },
  });
  nops(ring, 1);
  buffers.unregister();
  nops(ring, 2);
  const seen: (number | bigint)[] = [];
  assert.throws(() => ring.reap((userData) => seen.push(userData)), { message: 'mine' });
  assert.deepEqual([...seen, ...reaped(ring)], [1, 2]);
  assert.equal(ring.ready, 0);
});

ringTest('more completions than the queue holds: none is lost, and one reap gives all', {}, (scope) => {
  const ring = scope.ring(8, { cqEntries: 8 });
  const all = Array.from({ length: 104 }, (_, i) => i);
  for (let i = 0; i < all.length; i += 8) nops(ring, ...all.slice(i, i + 8));
  assert.equal(ring.inFlight, 104);
  assert.deepEqual(reaped(ring), all);
  assert.equal(ring.inFlight, 0);
  nops(ring, 200);
  assert.deepEqual(reaped(ring), [200]);
});

ringTest('completions() too gives what did not fit', deferred, (scope) => {
  const ring = scope.ring(4, { cqEntries: 4, deferTaskrun: true });
  nops(ring, 1, 2, 3, 4);
  nops(ring, 5, 6, 7, 8);
  nops(ring, 9);
  assert.deepEqual(
    [...ring.completions()].map(({ userData }) => userData),
    [1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
});

ringTest('tags that did not fit are told too', tags, (scope) => {
  const ring = scope.ring(2, { cqEntries: 2 });
  const released: number[] = [];
  const views = Array.from({ length: 7 }, () => new Uint8Array(64));
  ring.registerBuffers(views, { onRelease: (index) => released.push(index) }).unregister();
  nops(ring, 1);
  assert.deepEqual(reaped(ring), [1]);
  assert.deepEqual(released.sort(), [0, 1, 2, 3, 4, 5, 6]);
});

ringTest('completions that a callback overwrites were never taken', {}, (scope) => {
  // the kernel gets the slots back only when the queue is empty: what comes meanwhile overflows
  const ring = scope.ring(4, { cqEntries: 4 });
  nops(ring, 1, 2, 3, 4);
  const seen: (number | bigint)[] = [];
  ring.reap((userData) => {
    seen.push(userData);
    if (Number(userData) < 20) nops(ring, Number(userData) + 4);
  });
  assert.deepEqual(
    seen,
    Array.from({ length: 23 }, (_, i) => i + 1),
  );
});

ringTest('a late completion is not taken for another operation of the same slot', messages, (scope) => {
  const ring = new OpenRing(8);
  scope.defer(() => ring.close());
  const { reader, writer } = scope.pipe();
  const first = new Uint8Array(4);
  const second = new Uint8Array(4);
  ring.prepare.read(reader, first, { userData: 1 });
  const [late = 0n] = ring.inner.kernelUserData(1);
  writeSync(writer, 'one!');
  assert.deepEqual(
    complete(ring, 1).map(({ userData, res }) => [userData, res]),
    [[1, 4]],
  );
  ring.prepare.read(reader, second, { userData: 2 });
  const [current = 0n] = ring.inner.kernelUserData(2);
  assert.equal(current & 0xffff_ffffn, late & 0xffff_ffffn, 'the slot is used again');
  assert.notEqual(current, late);
  ring.submit();
  // as if the kernel told of the first one once more
  registerSendMsgRing(-1, { targetFd: ring.fd, userData: late, res: 99 });
  assert.deepEqual(
    [...ring.completions()].map(({ userData, res }) => [userData, res]),
    [[late, 99]],
  );
  assert.equal(ring.inFlight, 1);
  writeSync(writer, 'two!');
  assert.deepEqual(
    complete(ring, 1).map(({ userData, res }) => [userData, res]),
    [[2, 4]],
  );
});

ringTest('a completion of nothing at all changes nothing', messages, (scope) => {
  const ring = new OpenRing(8);
  scope.defer(() => ring.close());
  nops(ring, 1);
  assert.deepEqual(reaped(ring), [1]);
  // a slot that is free, one that never was, a tag that never was, and the kind that is not in use
  for (const userData of [1n, 5000n, (1n << 61n) | 7n, 3n << 61n].map((each) => each | (1n << 63n))) {
    registerSendMsgRing(-1, { targetFd: ring.fd, userData, res: 7 });
    assert.deepEqual(reaped(ring), [userData]);
    assert.equal(ring.inFlight, 0);
  }
  nops(ring, 2, 3);
  assert.deepEqual(reaped(ring), [2, 3]);
});

ringTest('a message of 2^53 or more comes as a bigint, a smaller one as a number', messages, (scope) => {
  const ring = scope.ring(16);
  const values = [0n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n];
  for (const userData of values) registerSendMsgRing(-1, { targetFd: ring.fd, userData, res: 0 });
  assert.deepEqual(reaped(ring), [0, 2 ** 32, Number.MAX_SAFE_INTEGER, 2n ** 53n, 2n ** 63n - 1n]);
});

ringTest(
  'a poll that goes on is one operation until its last completion',
  needs('REGISTER_SYNC_CANCEL'),
  async (scope) => {
    const ring = scope.ring();
    const { reader, writer } = scope.pipe();
    ring.prepare.pollMultishot(reader, POLLIN, { userData: 7 });
    ring.submit();
    for (let i = 0; i < 3; i++) {
      writeSync(writer, 'x');
      const found = complete(ring, 1).map(({ userData, flags }) => [userData, flags]);
      assert.deepEqual(found, [[7, F_MORE]]);
      assert.equal(ring.inFlight, 1);
    }
    ring.cancelSync({ userData: 7 });
    await until('the last completion', () => ring.ready === 1);
    assert.deepEqual(
      [...ring.completions()].map(({ res, flags }) => [res, flags]),
      [[-125, 0]],
    );
    assert.equal(ring.inFlight, 0);
  },
);

ringTest('an enter that fails while reaping loses nothing', {}, (scope) => {
  const ring = scope.ring(2, { cqEntries: 2 });
  nops(ring, 1, 2);
  nops(ring, 3, 4);
  const { enter } = sys;
  sys.enter = () => ENOBUFS;
  try {
    assert.deepEqual(reaped(ring), [1, 2]);
    assert.deepEqual(reaped(ring), []);
  } finally {
    sys.enter = enter;
  }
  assert.deepEqual(reaped(ring), [3, 4]);
});
