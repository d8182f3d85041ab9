/** A kernel that fails, at every door: the right error, and nothing left behind. */
import assert from 'node:assert/strict';
import { writeSync } from 'node:fs';
import { afterEach } from 'node:test';
import { RegisterError, SyscallError } from '../../lib/errors.ts';
import { Ring } from '../../lib/faces/ring.ts';
import type { RingBaseOptions } from '../../lib/ring/base.ts';
import { openRings } from '../../lib/ring/core/core.ts';
import { alloc, keptForever } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { withFailing, withoutFeatures } from '../helpers/fake-kernel.ts';
import { needs } from '../helpers/needs.ts';
import { leftMapped, socketPair, text, withoutMemory } from '../helpers/pairs.ts';
import { patience } from '../helpers/patience.ts';
import { replace, restore } from '../helpers/replace.ts';
import { complete, result, ringTest } from '../helpers/rings.ts';

const EPERM = 1;
const EINTR = 4;
const EAGAIN = 11;
const ENOMEM = 12;
const EBUSY = 16;
const EINVAL = 22;
const EMFILE = 24;
const NEEDS = needs('REGISTER_BUFFERS2', 'REGISTER_PBUF_RING');
/** Buffer rings in the kernel's memory are 6.4's: the next opcode is 6.8's. */
const KERNEL_MEMORY = needs('REGISTER_PBUF_STATUS');
const MEMORIES = KERNEL_MEMORY.skip === undefined ? (['user', 'kernel'] as const) : (['user'] as const);
const NO_MMAP = needs('REGISTER_PBUF_STATUS');

afterEach(restore);

/** sys.enter answers the next calls by these, each minus an errno, before it works again. */
function enterFails(...errnos: readonly number[]): void {
  const { enter } = sys;
  const left = [...errnos];
  replace(sys, 'enter', (...args) => {
    const errno = left.shift();
    return errno === undefined ? enter(...args) : -errno;
  });
}

// ---- making a ring ----------------------------------------------------------------------------------------------------------

ringTest('io_uring_setup fails: its errno, and what to do', {}, () => {
  for (const [errno, code, hint] of [
    [EMFILE, 'EMFILE', /ulimit -n|RLIMIT_NOFILE/],
    [23, 'ENFILE', undefined],
    [ENOMEM, 'ENOMEM', undefined],
    [EPERM, 'EPERM', /./],
    [EINVAL, 'EINVAL', undefined],
  ] as const) {
    const before = openRings();
    replace(sys, 'setup', () => -errno);
    assert.throws(
      () => new Ring(8),
      (error: unknown) => {
        assert.ok(error instanceof SyscallError && !(error instanceof RegisterError));
        assert.deepEqual([error.code, error.errno, error.syscall], [code, -errno, 'io_uring_setup']);
        if (hint !== undefined) assert.match(error.hint ?? '', hint);
        return true;
      },
    );
    restore();
    assert.equal(openRings(), before);
  }
});

/** Rings whose memory is mapped in different ways. */
const mapped: { readonly [name: string]: RingBaseOptions } = {
  'the default': {},
  'memory of ours': { noMmap: true },
  'no fd': { registeredFdOnly: true },
};

for (const [name, options] of Object.entries(mapped)) {
  ringTest(`no memory for the queues (${name}): ENOMEM, nothing is left`, NO_MMAP, () => {
    const before = openRings();
    for (const nth of [1, 2]) {
      const left = leftMapped(() =>
        withoutMemory(() => {
          assert.throws(() => new Ring(8, options), {
            code: 'ENOMEM',
            syscall: 'mmap',
            name: 'SyscallError',
          });
        }, nth),
      );
      assert.deepEqual(left, [], `call ${nth}`);
    }
    assert.equal(openRings(), before);
    assert.deepEqual(
      leftMapped(() => new Ring(8, options).close()),
      [],
    );
  });

  ringTest(`io_uring_setup fails after memory was mapped (${name})`, NO_MMAP, () => {
    replace(sys, 'setup', () => -ENOMEM);
    assert.deepEqual(
      leftMapped(() =>
        assert.throws(() => new Ring(8, options), { code: 'ENOMEM', syscall: 'io_uring_setup' }),
      ),
      [],
    );
  });
}

ringTest('what a constructor does last fails: the ring is closed again', NEEDS, (scope) => {
  const { reader } = scope.pipe();
  const before = openRings();
  withFailing(constants.IORING_REGISTER_FILES, ENOMEM, () => {
    assert.throws(() => new Ring(8, { files: [reader] }), { code: 'ENOMEM', opcode: 'REGISTER_FILES' });
  });
  for (const opcode of [constants.IORING_REGISTER_RESTRICTIONS, constants.IORING_REGISTER_ENABLE_RINGS]) {
    withFailing(opcode, EPERM, () => {
      assert.throws(() => new Ring(8, { files: [reader], sandbox: { ops: ['OP_READ'] } }), { code: 'EPERM' });
    });
  }
  assert.equal(openRings(), before);
});

ringTest('a kernel without FEAT_SINGLE_MMAP is told so, and the fd is closed', {}, () => {
  withoutFeatures(constants.IORING_FEAT_SINGLE_MMAP, () => {
    assert.throws(() => new Ring(8), { name: 'UnsupportedError', need: 'FEAT_SINGLE_MMAP', since: '5.4' });
  });
});

ringTest('close(2) fails: close() does not, and is over', {}, () => {
  const { close } = sys;
  const left: number[] = [];
  const ring = new Ring(8);
  const buffers = ring.registerBuffers([alloc(64)]);
  replace(sys, 'close', (fd) => {
    left.push(fd);
    return -5;
  });
  ring.close();
  ring.close();
  restore();
  assert.equal(ring.isClosed, true);
  buffers[Symbol.dispose]();
  assert.equal(left.length, 1, 'it is not called again: the number may be another file’s');
  for (const fd of left) close(fd);
});

// ---- io_uring_enter -----------------------------------------------------------------------------------------------------------

ringTest('EINTR while submitting and waiting is tried again', {}, (scope) => {
  const ring = scope.ring();
  ring.prepare.timeout({ afterMs: 20 });
  enterFails(EINTR, EINTR);
  assert.equal(ring.submit(), 1);
  enterFails(EINTR, EINTR, EINTR);
  ring.submit({ wait: 1 });
  assert.equal(ring.ready, 1);
});

ringTest('EINTR again and again does not lengthen a wait', {}, (scope) => {
  const ring = scope.ring();
  const { enter } = sys;
  let calls = 0;
  replace(sys, 'enter', (...args) => {
    // interrupted after one millisecond each time
    const begin = performance.now();
    while (performance.now() - begin < 1);
    calls++;
    return calls > 200 ? enter(...args) : -EINTR;
  });
  const begin = performance.now();
  ring.submit({ wait: 1, timeoutMs: 20 });
  assert.ok(performance.now() - begin < patience(150));
  assert.ok(calls < 100);
});

ringTest('EAGAIN and EBUSY while submitting: nothing is lost, and a later submit works', {}, (scope) => {
  for (const errno of [EAGAIN, EBUSY]) {
    const ring = scope.ring();
    for (let i = 0; i < 3; i++) ring.prepare.nop({ userData: i });
    enterFails(errno, errno);
    for (const options of [undefined, { wait: 3, timeoutMs: 100 }]) {
      assert.throws(() => ring.submit(options), {
        name: 'SyscallError',
        errno: -errno,
        syscall: 'io_uring_enter',
        hint: /reap/,
      });
      assert.deepEqual([ring.sqSpace, ring.inFlight, ring.ready], [5, 3, 0]);
    }
    ring.prepare.nop({ userData: 3 });
    assert.deepEqual(
      complete(ring, 4).map(({ userData }) => userData),
      [0, 1, 2, 3],
    );
  }
});

ringTest('a submit that fails halfway says how many it submitted, and the rest comes next', {}, (scope) => {
  const ring = scope.ring();
  for (let i = 0; i < 5; i++) ring.prepare.nop({ userData: i });
  const { enter } = sys;
  let calls = 0;
  // two entries, then no memory for more
  replace(sys, 'enter', (fd, submit, ...rest) =>
    ++calls === 2 ? -EAGAIN : enter(fd, Math.min(submit, 2), ...rest),
  );
  assert.equal(ring.submit(), 2);
  restore();
  assert.equal(ring.ready, 2);
  assert.equal(ring.submit(), 3);
  assert.deepEqual(
    [...ring.completions()].map(({ userData }) => userData),
    [0, 1, 2, 3, 4],
  );
});

ringTest('a kernel that stops at each bad entry (before 5.18) gets the rest', {}, (scope) => {
  const ring = scope.ring();
  for (let i = 0; i < 5; i++) ring.prepare.nop({ userData: i });
  const { enter } = sys;
  replace(sys, 'enter', (fd, submit, ...rest) => enter(fd, Math.min(submit, 1), ...rest));
  assert.equal(ring.submit(), 5);
  restore();
  assert.equal(ring.ready, 5);
});

ringTest('any other errno of a wait is thrown, and what was submitted is not lost', {}, (scope) => {
  const ring = scope.ring();
  const { reader, writer } = scope.pipe();
  for (const errno of [9, 14, EINVAL, 77]) {
    const memory = new Uint8Array(4);
    ring.prepare.read(reader, memory, { userData: errno });
    assert.equal(ring.submit(), 1);
    enterFails(errno);
    assert.throws(() => ring.submit({ wait: 1 }), { errno: -errno, syscall: 'io_uring_enter' });
    writeSync(writer, 'safe');
    assert.equal(result(ring), 4);
    assert.equal(text(memory), 'safe');
  }
});

ringTest(
  'enter fails in all that close() does: what is in flight is kept, and nothing else',
  NEEDS,
  (scope) => {
    const { reader } = scope.pipe();
    const before = keptForever();
    const warned = new Promise((resolve) => process.once('warning', resolve));
    const ring = scope.ring();
    ring.prepare.read(reader, new Uint8Array(8));
    ring.submit();
    replace(sys, 'enter', () => -EINVAL);
    replace(sys, 'register', () => -EPERM);
    ring.close();
    restore();
    assert.equal(keptForever(), before + 1);
    const idle = scope.ring();
    idle.registerBuffers([alloc(64)]);
    idle.prepare.read(reader, new Uint8Array(8));
    replace(sys, 'enter', () => -EINVAL);
    replace(sys, 'register', () => -EPERM);
    idle.close();
    restore();
    assert.equal(keptForever(), before + 1, 'nothing of it was in flight');
    // a process is told once
    if (before > 0) return;
    return warned.then((warning) => assert.equal(Object(warning).code, 'URING_KEPT_ALIVE'));
  },
);

ringTest('a kernel without SYNC_CANCEL cancels operation by operation', {}, async (scope) => {
  const { reader } = scope.pipe();
  const ring = scope.ring(2);
  for (let i = 0; i < 3; i++) {
    ring.prepare.read(reader, new Uint8Array(8));
    ring.prepare.timeout({ afterMs: 60_000 });
    ring.submit();
  }
  assert.equal(ring.inFlight, 6);
  const before = keptForever();
  const begin = performance.now();
  const calls = withFailing(constants.IORING_REGISTER_SYNC_CANCEL, EINVAL, () => ring.close());
  assert.ok(calls >= 1);
  assert.ok(performance.now() - begin < patience(500));
  assert.equal(await ring.closed({ timeoutMs: patience(10_000) }), true);
  assert.deepEqual([ring.inFlight, keptForever()], [0, before]);
});

ringTest('a kernel without SYNC_CANCEL and without timed waits (5.10) too', {}, async (scope) => {
  const { reader } = scope.pipe();
  const ring = withoutFeatures(constants.IORING_FEAT_EXT_ARG, () => scope.ring(2));
  ring.prepare.read(reader, new Uint8Array(8));
  ring.prepare.timeout({ afterMs: 60_000 });
  ring.submit();
  assert.throws(() => ring.submit({ wait: 1, timeoutMs: 1 }), { name: 'UnsupportedError', since: '5.11' });
  const before = keptForever();
  const { enter } = sys;
  replace(sys, 'enter', (fd, submit, wait, flags, arg, size) =>
    flags & constants.IORING_ENTER_EXT_ARG ? -EINVAL : enter(fd, submit, wait, flags, arg, size),
  );
  const begin = performance.now();
  withFailing(constants.IORING_REGISTER_SYNC_CANCEL, EINVAL, () => ring.close());
  assert.ok(performance.now() - begin < patience(500));
  assert.equal(await ring.closed({ timeoutMs: patience(10_000) }), true);
  assert.deepEqual([ring.inFlight, keptForever()], [0, before]);
});

// ---- io_uring_register: every owner, every errno ------------------------------------------------------------------------------

/** How each thing is registered, and taken back. */
const owners: {
  readonly [name: string]: {
    readonly register: number;
    readonly unregister?: number;
    readonly make: (ring: Ring, fd: number) => { readonly isRegistered: boolean; unregister(): void };
  };
} = {
  buffers: {
    register: constants.IORING_REGISTER_BUFFERS2,
    unregister: constants.IORING_UNREGISTER_BUFFERS,
    make: (ring) => ring.registerBuffers([alloc(64)]),
  },
  files: {
    register: constants.IORING_REGISTER_FILES,
    unregister: constants.IORING_UNREGISTER_FILES,
    make: (ring, fd) => ring.registerFiles([fd]),
  },
  'an eventfd of the ring': {
    register: constants.IORING_REGISTER_EVENTFD,
    unregister: constants.IORING_UNREGISTER_EVENTFD,
    make: (ring) => ring.registerEventfd(),
  },
  'a personality': {
    register: constants.IORING_REGISTER_PERSONALITY,
    unregister: constants.IORING_UNREGISTER_PERSONALITY,
    make: (ring) => ring.registerPersonality(),
  },
  'a buffer ring': {
    register: constants.IORING_REGISTER_PBUF_RING,
    unregister: constants.IORING_UNREGISTER_PBUF_RING,
    make: (ring) => ring.registerBufferRing({ entries: 2, bufferSize: 64 }),
  },
  'a buffer ring of the kernel': {
    register: constants.IORING_REGISTER_PBUF_RING,
    unregister: constants.IORING_UNREGISTER_PBUF_RING,
    make: (ring) => ring.registerBufferRing({ entries: 2, bufferSize: 64, memory: 'kernel' }),
  },
  'a registered index': {
    register: constants.IORING_REGISTER_RING_FDS,
    unregister: constants.IORING_UNREGISTER_RING_FDS,
    make: (ring) => ring.registerRingFd(),
  },
};

for (const [name, { register, unregister, make }] of Object.entries(owners)) {
  ringTest(
    `${name}: a refused register leaves nothing; a refused unregister leaves it registered`,
    name.endsWith('of the kernel') ? KERNEL_MEMORY : NEEDS,
    (scope) => {
      const [fd] = socketPair(scope);
      // EINVAL is left out: asked by it, the fake kernel says that it has no such opcode
      for (const errno of [EPERM, 7, 9, EAGAIN, ENOMEM, 13, 14, EBUSY, 17, 77]) {
        const ring = new Ring(4);
        const left = leftMapped(() => {
          withFailing(register, errno, () => {
            assert.throws(() => make(ring, fd), {
              name: 'RegisterError',
              errno: -errno,
              syscall: 'io_uring_register',
            });
          });
        });
        assert.deepEqual(left, [], `errno ${errno}`);
        const owner = make(ring, fd);
        if (unregister !== undefined) {
          withFailing(unregister, errno, () => {
            assert.throws(() => owner.unregister(), { name: 'RegisterError', errno: -errno });
          });
        }
        assert.equal(owner.isRegistered, true);
        owner.unregister();
        assert.equal(owner.isRegistered, false);
        make(ring, fd).unregister();
        make(ring, fd);
        ring.close();
      }
    },
  );
}

ringTest('EMFILE for the eventfd that the ring makes', NEEDS, (scope) => {
  const ring = scope.ring();
  replace(sys, 'eventfdOfRing', () => -EMFILE);
  assert.throws(() => ring.registerEventfd(), { code: 'EMFILE', syscall: 'eventfd', hint: /ulimit -n/ });
  restore();
  assert.equal(ring.registerEventfd().isRegistered, true);
});

ringTest('no memory to map a buffer ring: it is unregistered again', NEEDS, (scope) => {
  const ring = scope.ring();
  for (const memory of MEMORIES) {
    const left = leftMapped(() =>
      withoutMemory(() => {
        assert.throws(() => ring.registerBufferRing({ entries: 2, bufferSize: 64, memory, group: 3 }), {
          code: 'ENOMEM',
          syscall: 'mmap',
        });
      }),
    );
    assert.deepEqual(left, []);
    ring.registerBufferRing({ entries: 2, bufferSize: 64, memory, group: 3 }).unregister();
  }
});
