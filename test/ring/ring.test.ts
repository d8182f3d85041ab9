/** What every member of a ring and of its owners promises. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { ClosedError } from '../../lib/errors.ts';
import { Prepare } from '../../lib/faces/prepare.ts';
import { Ring } from '../../lib/faces/ring.ts';
import { probe } from '../../lib/register/support.ts';
import { openRings } from '../../lib/ring/core/core.ts';
import { alloc, keptForever } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { registerOps } from '../../structs/register-ops.ts';
import { needs } from '../helpers/needs.ts';
import { patience, whereFast } from '../helpers/patience.ts';
import { enters, ringTest } from '../helpers/rings.ts';

/** Members that say something also of a ring that is closed. */
const STILL = ['setupFlags', 'features', 'sqEntries', 'cqEntries', 'inFlight', 'isClosed', 'files'];
/** How a ring is closed, which is harmless when repeated; and what only classes that extend it call. */
const OTHERS = ['closed', 'constructor', 'close', 'detachFinalizer', 'registerFirst'];
/** Members that give something back at once, and say what is wrong when it is used. */
const LAZY = ['completions'];

/** Every member of a class and of those it extends, before `last`. */
function members(prototype: object, last: object): [name: string, descriptor: PropertyDescriptor][] {
  const own = Object.entries(Object.getOwnPropertyDescriptors(prototype));
  const above = Object.getPrototypeOf(prototype);
  return above === null || above === last ? own : [...own, ...members(above, last)];
}

/** Uses a member as if it had no arguments. */
function use(object: object, name: string, { get, value }: PropertyDescriptor): unknown {
  if (get !== undefined) return Reflect.get(object, name);
  const result = Reflect.apply(value, object, []);
  return LAZY.includes(name) ? [...Object(result)] : result;
}

ringTest('after close every member is a ClosedError, also one that was added since', {}, (scope) => {
  const ring = scope.ring();
  const { prepare } = ring;
  ring.close();
  const bystander = scope.ring();
  const calls = enters(() => {
    const used: string[] = [];
    for (const [name, descriptor] of members(Ring.prototype, Object.prototype)) {
      if (STILL.includes(name) || OTHERS.includes(name)) continue;
      assert.throws(() => use(ring, name, descriptor), ClosedError, name);
      used.push(name);
    }
    for (const [name, descriptor] of members(Prepare.prototype, Object.prototype)) {
      // a getter is another name of a method
      if (name === 'constructor' || descriptor.get !== undefined) continue;
      assert.throws(() => use(prepare, name, descriptor), ClosedError, `prepare.${name}`);
      used.push(name);
    }
    for (const name of ['submit', 'reap', 'completions', 'registerBuffers', 'fd', 'nop'])
      assert.ok(used.includes(name));
  });
  assert.equal(calls, 0);
  assert.equal(bystander.ready, 0);
});

ringTest('after close a ring still says what it was', {}, (scope) => {
  const ring = scope.ring(8, { cqEntries: 32 });
  const before = STILL.map((name) => Reflect.get(ring, name));
  ring.close();
  ring.close();
  ring[Symbol.dispose]();
  const after = STILL.map((name) => (name === 'isClosed' ? !ring.isClosed : Reflect.get(ring, name)));
  assert.deepEqual(after, before);
});

ringTest(
  'an owner of a closed ring is a ClosedError, and its dispose is not',
  needs('REGISTER_RING_FDS'),
  (scope) => {
    const { reader } = scope.pipe();
    const ring = scope.ring();
    const owners = [
      ring.registerBuffers([alloc(64)]),
      ring.registerFiles([reader]),
      ring.registerPersonality(),
      ring.registerEventfd(),
      ring.registerRingFd(),
    ];
    ring.close();
    for (const owner of owners) {
      assert.equal(owner.isRegistered, false);
      assert.throws(() => owner.unregister(), ClosedError);
      owner[Symbol.dispose]();
      owner[Symbol.dispose]();
      assert.equal(owner.ring, ring);
    }
  },
);

ringTest('using closes a ring, and openRings knows', {}, () => {
  const before = openRings();
  {
    using ring = new Ring(4);
    assert.equal(openRings(), before + 1);
    assert.ok(readFileSync('/proc/self/maps', 'utf8').includes('[io_uring]'));
    assert.equal(ring.isClosed, false);
  }
  assert.equal(openRings(), before);
});

ringTest('close while operations are prepared, in flight, and done', {}, (scope) => {
  const { reader } = scope.pipe();
  const ring = scope.ring();
  ring.prepare.nop({ userData: 1 });
  ring.prepare.read(reader, new Uint8Array(8), { userData: 2 });
  ring.prepare.timeout({ afterMs: 60_000, userData: 3 });
  ring.submit();
  ring.prepare.read(reader, new Uint8Array(8), { userData: 4 });
  assert.equal(ring.inFlight, 4);
  const begin = performance.now();
  ring.close();
  assert.ok(performance.now() - begin < patience(900), 'nothing of this had to be waited for');
  assert.equal(ring.inFlight, 0);
});

ringTest(
  'close gets back all that is in flight, whatever the shape, and however much it is',
  whereFast('close() gives the kernel a second', needs('REGISTER_PBUF_STATUS')),
  async (scope) => {
    const { reader } = scope.pipe();
    const before = keptForever();
    for (const options of [
      { cqEntries: 4 },
      { deferTaskrun: true },
      { sqPoll: { idleMs: 1 } },
      { sqPoll: true },
      { noMmap: true },
      { registeredFdOnly: true },
      { cqe32: true, sqe128: true },
    ] as const) {
      const ring = new Ring(4, options);
      for (let i = 0; i < 25; i++) {
        ring.prepare.read(reader, new Uint8Array(64));
        ring.submit({ waitForSpace: true });
        ring.prepare.timeout({ afterMs: 3_600_000 });
        ring.submit({ waitForSpace: true });
        ring.prepare.pollMultishot(reader, 1);
        ring.submit({ waitForSpace: true });
      }
      assert.ok(ring.inFlight >= 70, `${ring.inFlight}`);
      const begin = performance.now();
      ring.close();
      assert.ok(performance.now() - begin < patience(500));
      assert.equal(await ring.closed({ timeoutMs: patience(10_000) }), true);
      assert.equal(ring.inFlight, 0, JSON.stringify(options));
    }
    assert.equal(keptForever(), before);
  },
);

ringTest('the fd of a closed ring may be somebody else’s: a late call does not reach it', {}, (scope) => {
  const ring = scope.ring();
  const buffers = ring.registerBuffers([alloc(64)]);
  const { fd } = ring;
  ring.close();
  const heir = scope.ring();
  assert.equal(heir.fd, fd, 'the number is used again');
  heir.registerBuffers([alloc(64)]);
  assert.throws(() => buffers.unregister(), ClosedError);
  buffers[Symbol.dispose]();
  assert.match(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'), /UserBufs:\t1\n/);
});

ringTest('a getter that closes the ring does not let a register call reach its heir', {}, (scope) => {
  const { reader } = scope.pipe();
  const close = (ring: Ring): Ring => {
    const { fd } = ring;
    ring.close();
    const heir = scope.ring();
    assert.equal(heir.fd, fd);
    return heir;
  };
  /** What a user gives to each of these, with a getter in it that closes the ring. */
  const calls: { readonly [name: string]: (ring: Ring, trap: <T>(value: T) => T) => unknown } = {
    registerBuffers: (ring, trap) => ring.registerBuffers(trapped(alloc(64), trap)),
    slots: (ring, trap) =>
      ring.registerBuffers({
        get slots() {
          return trap(4);
        },
      }),
    onRelease: (ring, trap) =>
      ring.registerBuffers([alloc(64)], {
        get onRelease() {
          return trap(() => {});
        },
      }),
    registerFiles: (ring, trap) => ring.registerFiles(trapped(reader, trap)),
    fileSlots: (ring, trap) =>
      ring.registerFiles({
        get slots() {
          return trap(4);
        },
      }),
    update: (ring, trap) => ring.registerBuffers([alloc(64)]).update(0, trapped(alloc(64), trap)),
    updateFiles: (ring, trap) => ring.registerFiles([reader]).update(0, trapped(reader, trap)),
    cloneTo: (ring, trap) =>
      ring.registerBuffers([alloc(64)]).cloneTo(scope.ring(), {
        get count() {
          return trap(1);
        },
      }),
    registerEventfd: (ring, trap) =>
      ring.registerEventfd(undefined, {
        get async() {
          return trap(false);
        },
      }),
    limitWorkers: (ring, trap) =>
      ring.limitWorkers({
        get bounded() {
          return trap(3);
        },
      }),
    cancelSync: (ring, trap) =>
      ring.cancelSync({
        any: true,
        get timeoutMs() {
          return trap(1);
        },
      }),
    registerBufferRing: (ring, trap) =>
      ring.registerBufferRing({
        entries: 1,
        get bufferSize() {
          return trap(8);
        },
      }),
    registerRestrictions: (ring, trap) =>
      ring.registerRestrictions({
        get ops() {
          return trap([]);
        },
      }),
    registerBpfFilter: (ring, trap) =>
      ring.registerBpfFilter({
        op: 'OP_NOP',
        get filter() {
          return trap('deny' as const);
        },
      }),
    enableNapi: (ring, trap) =>
      ring.enableNapi({
        get busyPollUs() {
          return trap(1);
        },
      }),
  };
  for (const [name, call] of Object.entries(calls)) {
    const ring = scope.ring(4, { disabled: name === 'registerRestrictions' });
    let heir: Ring | undefined;
    const trap = <T>(value: T): T => {
      heir ??= close(ring);
      return value;
    };
    const fds: number[] = [];
    const { register } = sys;
    sys.register = (fd, ...rest) => {
      if (fd === heir?.fd) fds.push(fd);
      return register(fd, ...rest);
    };
    try {
      assert.throws(() => call(ring, trap), ClosedError, name);
    } finally {
      sys.register = register;
    }
    assert.deepEqual(fds, [], `${name}: the heir got a call`);
    assert.ok(heir);
  }
});

/** An array with one element, which `trap` gives. */
function trapped<T>(value: T, trap: (value: T) => T): T[] {
  return Object.defineProperty([value], 0, { get: () => trap(value) });
}

ringTest('options that are misspelt say how they are spelt', {}, () => {
  assert.throws(() => new Ring(4, Object({ cqentries: 4 })), /"options\.cqentries".*"cqEntries"/);
  assert.throws(() => new Ring(4, Object({ sqArrray: true })), /"options\.sqArrray".*"sqArray"/);
  assert.throws(() => new Ring(4, Object({ nonsense: true })), /"options\.nonsense".*one of/);
});

ringTest('probe and query ask through the ring, and agree', needs('REGISTER_QUERY'), (scope) => {
  const ring = scope.ring();
  const { ops, lastOp } = ring.probe();
  const found = ring.query();
  assert.equal(found?.nrRequestOpcodes, lastOp + 1);
  assert.equal(ops.length, lastOp + 1);
  assert.deepEqual(ops[constants.IORING_OP_NOP], { op: constants.IORING_OP_NOP, supported: true });
  const registerOpcodes = registerOps.filter(({ name }) => probe().supports(name) === true).length;
  assert.equal(found?.nrRegisterOpcodes, registerOpcodes);
  assert.equal((found?.featureFlags ?? 0n) & BigInt(ring.features), BigInt(ring.features));
});
