/** Rings of promises that may do only some things. */
import assert from 'node:assert/strict';
import { writeSync } from 'node:fs';
import { AsyncRing } from '../../lib/faces/async-ring.ts';
import { aborts, asyncRing } from '../helpers/async.ts';
import { needs, needsFeature } from '../helpers/needs.ts';
import { ringTest } from '../helpers/rings.ts';

const restrictions = needs('REGISTER_RESTRICTIONS', 'REGISTER_SYNC_CANCEL');
const indices = needsFeature('FEAT_REG_REG_RING');

for (const deferTaskrun of [false, true]) {
  const kind = deferTaskrun ? 'deferTaskrun' : 'plain';

  ringTest(
    `a sandboxed ${kind} ring that takes only registered files works, and can cancel`,
    restrictions,
    async (scope) => {
      const { reader, writer } = scope.pipe();
      const ring = asyncRing(scope, 8, {
        deferTaskrun,
        files: [reader],
        sandbox: { ops: ['OP_READ'], requireFlags: ['FIXED_FILE'] },
      });
      const file = ring.files?.at(0);
      assert.ok(file);
      await assert.rejects(ring.read(reader, new Uint8Array(4)), { code: 'EACCES' });
      const controller = new AbortController();
      const aborted = ring.read(file, new Uint8Array(4), { signal: controller.signal });
      setImmediate(() => controller.abort());
      await aborts(aborted);
      const memory = new Uint8Array(4);
      const reading = ring.read(file, memory);
      setImmediate(() => writeSync(writer, 'four'));
      assert.equal(await reading, 4);
      assert.deepEqual(memory, new TextEncoder().encode('four'));
    },
  );
}

ringTest('the fd that wakes the event loop can not be closed', indices, async (scope) => {
  const ring = asyncRing(scope, 8);
  const own = ring.registerRingFd();
  assert.throws(() => own.closeFd(), { code: 'ERR_URING_STATE', message: /deferTaskrun/ });
  assert.ok(ring.fd >= 0);
  await ring.nop();
  assert.throws(() => new AsyncRing(8, { registeredFdOnly: true }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /options\.registeredFdOnly.*deferTaskrun/,
  });
});

ringTest('a deferTaskrun ring needs no fd', indices, async (scope) => {
  for (const options of [{}, { registeredFdOnly: true }]) {
    const ring = asyncRing(scope, 8, { deferTaskrun: true, ...options });
    if (ring.fd >= 0) ring.registerRingFd().closeFd();
    assert.equal(ring.fd, -1);
    const { reader, writer } = scope.pipe();
    // an fd number that was the ring's is somebody else's now
    const memory = new Uint8Array(4);
    const reading = ring.read(reader, memory);
    setImmediate(() => writeSync(writer, 'four'));
    assert.equal(await reading, 4);
    await ring.timeout({ afterMs: 1 });
  }
});
