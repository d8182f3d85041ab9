import assert from 'node:assert/strict';
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { alloc, type Ring, StateError } from '../../lib/index.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { Params } from '../../structs/setup.ts';
import { needs, needsFeature } from '../helpers/needs.ts';
import { openFds } from '../helpers/raw-ring.ts';
import { closed, complete, result, ringTest } from '../helpers/rings.ts';
import { inThread } from '../helpers/scenario.ts';

const NEEDS = needs('REGISTER_RING_FDS');
const EBADF = -9;
const BY_INDEX = needsFeature('FEAT_REG_REG_RING');
const SLOTS = 16;

/** Does a slot of this thread's table hold a ring? Asked by enter, which every kernel with indices takes them in. */
function isTaken(index: number): boolean {
  const result = sys.enter(index, 0, 0, constants.IORING_ENTER_REGISTERED_RING, 0, 0);
  assert.ok(result === 0 || result === EBADF, `${result}`);
  return result === 0;
}

/** Runs `body` with rings of a kernel that has no FEAT_REG_REG_RING (Linux 5.18 to 6.2). */
function withoutRegisteredRegister(body: () => void): void {
  const { setup } = sys;
  sys.setup = (entries, bytes) => {
    const fd = setup(entries, bytes);
    const params = Params.decode(bytes);
    const features = params.features & ~constants.IORING_FEAT_REG_REG_RING;
    if (fd >= 0) Params.encodeInto(bytes, { ...params, features: features >>> 0 });
    return fd;
  };
  try {
    body();
  } finally {
    sys.setup = setup;
  }
}

ringTest('calls go by the index, and by the fd again after unregister', BY_INDEX, (scope) => {
  const ring = scope.ring();
  const self = ring.registerRingFd();
  assert.ok(self.index >= 0 && self.index < SLOTS);
  const { enter, register } = sys;
  const seen: [fd: number, byIndex: boolean][] = [];
  sys.enter = (fd, submit, wait, flags, arg, size) => {
    seen.push([fd, (flags & constants.IORING_ENTER_REGISTERED_RING) !== 0]);
    return enter(fd, submit, wait, flags, arg, size);
  };
  sys.register = (fd, opcode, arg, nrArgs) => {
    seen.push([fd, opcode >= 0x8000_0000]);
    return register(fd, opcode, arg, nrArgs);
  };
  try {
    ring.prepare.nop();
    assert.equal(ring.submit(), 1);
    ring.probe();
    assert.deepEqual(seen.splice(0), [
      [self.index, true],
      [self.index, true],
    ]);
    self.unregister();
    seen.splice(0);
    ring.prepare.nop();
    ring.submit();
    ring.probe();
    assert.deepEqual(seen, [
      [ring.fd, false],
      [ring.fd, false],
    ]);
  } finally {
    Object.assign(sys, { enter, register });
  }
  assert.equal(isTaken(self.index), false);
  assert.equal(self.isRegistered, false);
});

ringTest('after closeFd everything works by the index, and no fd of the ring is left', BY_INDEX, (scope) => {
  const before = openFds();
  const ring = scope.ring();
  const self = ring.registerRingFd();
  self.closeFd();
  self.closeFd();
  assert.equal(ring.fd, -1);
  assert.deepEqual(openFds(), before);

  ring.prepare.nop({ userData: 1 });
  assert.equal(result(ring), 0);
  const file = scope.fd(openSync(join(scope.folder(), 'data'), 'w+'));
  writeSync(file, 'by index');
  const files = ring.registerFiles([file]);
  const buffers = ring.registerBuffers([alloc(64)]);
  ring.prepare.readFixed(files.at(0), buffers.at(0).subarray(0, 8), { offset: 0 });
  assert.equal(result(ring), 8);
  assert.equal(Buffer.from(buffers.at(0).bytes.subarray(0, 8)).toString(), 'by index');
  const eventfd = ring.registerEventfd();
  ring.prepare.nop();
  result(ring);
  assert.equal(eventfd.read(), 1);
  assert.ok(ring.workerLimits.bounded > 0);
  ring.prepare.read(scope.pipe().reader, alloc(8), { userData: 9 });
  ring.submit();
  assert.equal(ring.cancelSync({ userData: 9, timeoutMs: 1000 }), 1);
  assert.equal(complete(ring, 1)[0]?.res, -125);
  files.unregister();
  buffers.unregister();
});

ringTest('after closeFd the index is not given back before the ring is', BY_INDEX, (scope) => {
  const ring = scope.ring();
  const self = ring.registerRingFd();
  self.closeFd();
  assert.throws(
    () => self.unregister(),
    (error: unknown) => {
      assert.ok(error instanceof StateError);
      assert.match(error.message, /close the ring/);
      return true;
    },
  );
  self[Symbol.dispose]();
  assert.equal(self.isRegistered, true);
  ring.prepare.nop();
  assert.equal(result(ring), 0);
  ring.close();
  assert.equal(isTaken(self.index), false);
});

ringTest('a ring has one index', NEEDS, (scope) => {
  const ring = scope.ring();
  const self = ring.registerRingFd();
  assert.throws(() => ring.registerRingFd(), StateError);
  self.unregister();
  self.unregister();
  const again = ring.registerRingFd();
  assert.equal(again.isRegistered, true);
  assert.equal(self.isRegistered, false);
});

ringTest('a thread has 16 of them; the next is EBUSY, until a ring is closed', NEEDS, (scope) => {
  const rings = Array.from({ length: SLOTS }, () => scope.ring(2));
  const indices = rings.map((ring) => ring.registerRingFd().index);
  assert.deepEqual(
    [...indices].sort((a, b) => a - b),
    Array.from({ length: SLOTS }, (_, i) => i),
  );
  const one = scope.ring(2);
  assert.throws(() => one.registerRingFd(), { code: 'EBUSY', opcode: 'REGISTER_RING_FDS' });
  rings[5]?.close();
  assert.equal(one.registerRingFd().index, indices[5]);
});

ringTest('close gives the index back, 40 times over, however the ring came to it', BY_INDEX, (scope) => {
  const makers: { readonly [name: string]: () => Ring } = {
    registered: () => {
      const ring = scope.ring(2);
      ring.registerRingFd();
      return ring;
    },
    'fd closed': () => {
      const ring = scope.ring(2);
      ring.registerRingFd().closeFd();
      return ring;
    },
    registeredFdOnly: () => scope.ring(2, { registeredFdOnly: true }),
    sealed: () => {
      const ring = scope.ring(2, { disabled: true });
      ring.registerRingFd().closeFd();
      ring.registerRestrictions({ sealed: true });
      ring.enable();
      return ring;
    },
  };
  for (const [name, make] of Object.entries(makers)) {
    for (let i = 0; i < 40; i++) {
      const ring = make();
      if (name !== 'sealed') {
        ring.prepare.nop();
        assert.equal(result(ring), 0);
      }
      ring.close();
    }
    for (let index = 0; index < SLOTS; index++) assert.equal(isTaken(index), false, `${name} ${index}`);
  }
});

ringTest('a registeredFdOnly ring has its index already', needsFeature('FEAT_REG_REG_RING'), (scope) => {
  const ring = scope.ring(2, { registeredFdOnly: true });
  assert.equal(ring.fd, -1);
  assert.throws(() => ring.registerRingFd(), StateError);
  ring.probe();
});

ringTest('without FEAT_REG_REG_RING only enter goes by the index, and the fd stays', NEEDS, (scope) => {
  withoutRegisteredRegister(() => {
    const ring = scope.ring();
    const self = ring.registerRingFd();
    assert.throws(() => self.closeFd(), {
      code: 'ERR_URING_UNSUPPORTED',
      need: 'FEAT_REG_REG_RING',
      since: '6.3',
    });
    const { register } = sys;
    sys.register = (fd, opcode, arg, nrArgs) => {
      assert.ok(opcode < 0x8000_0000, `opcode ${opcode} by index`);
      return register(fd, opcode, arg, nrArgs);
    };
    try {
      ring.prepare.nop();
      assert.equal(result(ring), 0);
      ring.probe();
      self.unregister();
      ring.registerRingFd();
      ring.close();
    } finally {
      sys.register = register;
    }
    for (let index = 0; index < SLOTS; index++) assert.equal(isTaken(index), false);
  });
});

ringTest('an index is of its thread: on another one there is nothing', BY_INDEX, async (scope) => {
  const ring = scope.ring();
  const { index } = ring.registerRingFd();
  const module = new URL('threads.scenes.ts', import.meta.url).href;
  const fresh = Object(await inThread({ module, name: 'useIndex', argument: { index, hasRing: false } }));
  // EINVAL where the thread has never used a ring; from Node 22 on its event loop may have one
  assert.match(`${fresh.register} ${fresh.enter}`, /^(EINVAL EINVAL|EBADF EBADF)$/);
  const used = await inThread({ module, name: 'useIndex', argument: { index, hasRing: true } });
  assert.deepEqual(used, { register: 'EBADF', enter: 'EBADF' });
});

ringTest('on a sandboxed ring that lists nothing it can be given back, unless sealed', NEEDS, (scope) => {
  for (const sealed of [false, true]) {
    const ring = scope.ring(8, { disabled: true });
    const self = ring.registerRingFd();
    ring.registerRestrictions({ sealed });
    ring.enable();
    if (sealed) {
      assert.throws(() => self.unregister(), { code: 'EACCES', opcode: 'UNREGISTER_RING_FDS' });
      self[Symbol.dispose]();
      assert.equal(isTaken(self.index), true);
      ring.close();
    } else self.unregister();
    assert.equal(isTaken(self.index), false);
  }
});

ringTest('after the ring is closed every call is a ClosedError, and dispose none', NEEDS, (scope) => {
  const ring = scope.ring();
  const self = ring.registerRingFd();
  ring.close();
  closed({
    registerRingFd: () => ring.registerRingFd(),
    closeFd: () => self.closeFd(),
    unregister: () => self.unregister(),
  });
  self[Symbol.dispose]();
});
