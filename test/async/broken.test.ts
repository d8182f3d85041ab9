/** A kernel that takes nothing any more. */
import assert from 'node:assert/strict';
import { AsyncRing } from '../../lib/faces/async-ring.ts';
import { keptForever } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { failure } from '../helpers/async.ts';
import { ringTest } from '../helpers/rings.ts';

const EBADR = 53;

ringTest(
  'when the kernel refuses to be entered every promise says so, and the ring is closed',
  {},
  async (scope) => {
    const kept = keptForever();
    const ring = new AsyncRing(4);
    scope.defer(() => ring.close());
    const { reader } = scope.pipe();
    const pending = ring.read(reader, new Uint8Array(1));
    await ring.nop();
    const { enter } = sys;
    let refusals = 1;
    sys.enter = (fd, submit, ...rest) => (submit > 0 && refusals-- > 0 ? -EBADR : enter(fd, submit, ...rest));
    try {
      const late = [ring.nop(), ring.nop()];
      for (const error of await Promise.all([pending, ...late].map(failure))) {
        assert.equal(Reflect.get(error, 'syscall'), 'io_uring_enter', error.stack);
        assert.equal(Reflect.get(error, 'code'), 'EBADR', error.stack);
      }
    } finally {
      sys.enter = enter;
    }
    assert.equal((await failure(ring.nop())).message, 'the ring is closed');
    assert.equal(ring.inFlight, 0);
    assert.equal(keptForever(), kept);
  },
);
