import assert from 'node:assert/strict';
import { ClosedError, SyscallError } from '../../lib/errors.ts';
import { AsyncRing } from '../../lib/faces/async-ring.ts';
import type { Ring } from '../../lib/faces/ring.ts';
import { nop } from '../../lib/ops/preparers.ts';
import { viewMemory } from '../../lib/sys/ffi.ts';
import { keptForever } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { resizesDisabledRings } from '../helpers/kernel-bugs.ts';
import { type Needs, needs } from '../helpers/needs.ts';
import { leftMapped, OpenRing, withoutMemory } from '../helpers/pairs.ts';
import { answer, refuses, wrong } from '../helpers/raw-ring.ts';
import { closed, complete, ringTest } from '../helpers/rings.ts';

const resizing = needs('REGISTER_RESIZE_RINGS');
/** SETUP_CQE_MIXED: an opcode of the same version. */
const mixed = needs('REGISTER_QUERY');
const VARIANTS: readonly (readonly [string, object, Needs])[] = [
  ['plain entries', {}, resizing],
  ['an SQ array', { sqArray: true }, resizing],
  ['entries of 128 bytes', { sqe128: true }, resizing],
  ['entries of 128 bytes and an SQ array', { sqe128: true, sqArray: true }, resizing],
  ['completions of 32 bytes', { cqe32: true }, resizing],
  ['completions of 32 bytes and an SQ array', { cqe32: true, sqArray: true }, resizing],
  ['big entries and completions', { sqe128: true, cqe32: true }, resizing],
  ['completions of both sizes', { cqe32: 'mixed' }, mixed],
];

/** Prepares `count` operations with userData from `first` on. */
function nops(ring: Ring, first: number, count: number): void {
  for (let i = 0; i < count; i++) ring.prepare.nop({ userData: first + i });
}

function numbers(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

function userDatas(ring: Ring): (number | bigint)[] {
  const seen: (number | bigint)[] = [];
  ring.reap((userData) => seen.push(userData));
  return seen;
}

/** Lets the counters be somewhere in the middle of the queues. */
function warm(ring: Ring, count: number): void {
  for (let i = 0; i < count; i++) {
    ring.prepare.nop();
    complete(ring, 1);
  }
}

/** Prepares a NOP whose completion has 32 bytes. */
function bigNop(ring: OpenRing, userData: number): void {
  const { inner } = ring;
  nop(inner.entry()).opFlags = constants.IORING_NOP_CQE32;
  // where the kernel takes the extra words of such a NOP from
  const { words, base } = inner.queues.sqe;
  words.set([userData + 1, 0, userData + 2, 0], base + 2);
  inner.commit(userData, undefined);
}

ringTest('options that are wrong are named before any system call', {}, (scope) => {
  const ring = scope.ring();
  for (const [name, options] of [
    ['options', undefined],
    ['options.sqEntires', { sqEntires: 8 }],
    ['options.sqEntries', {}],
    ['options.sqEntries', { sqEntries: 0 }],
    ['options.sqEntries', { sqEntries: 2 ** 32 }],
    ['options.sqEntries', { sqEntries: '8' }],
    ['options.cqEntries', { sqEntries: 8, cqEntries: 0 }],
    ['options.clamp', { sqEntries: 8, clamp: 1 }],
  ] as const) {
    refuses(name, () => ring.resize(wrong(options)));
  }
  const closing = {
    get sqEntries() {
      ring.close();
      return 16;
    },
  };
  closed({ closing: () => ring.resize(closing), resize: () => ring.resize({ sqEntries: 16 }) });
});

ringTest('only a deferTaskrun ring is resized, within the limits', resizing, (scope) => {
  assert.throws(() => scope.ring(8).resize({ sqEntries: 16 }), {
    code: 'EINVAL',
    opcode: 'REGISTER_RESIZE_RINGS',
  });
  const ring = scope.ring(8, { deferTaskrun: true });
  assert.throws(() => ring.resize({ sqEntries: 65_536 }), { code: 'EINVAL' });
  assert.throws(() => ring.resize({ sqEntries: 64, cqEntries: 32 }), { code: 'EINVAL' });
  assert.equal(ring.sqEntries, 8);
  nops(ring, 0, 8);
  assert.deepEqual(
    complete(ring, 8).map(({ userData }) => userData),
    numbers(0, 8),
  );
  ring.resize({ sqEntries: 65_536, clamp: true });
  assert.equal(ring.sqEntries, 32_768);
  assert.equal(ring.cqEntries, 65_536);
});

ringTest('a ring in memory of ours keeps its size, without a system call', resizing, (scope) => {
  for (const options of [{ noMmap: true }, { registeredFdOnly: true }]) {
    const ring = scope.ring(8, { deferTaskrun: true, ...options });
    const { register } = sys;
    const calls: number[] = [];
    sys.register = (fd, opcode, ...rest) => {
      calls.push(opcode);
      return register(fd, opcode, ...rest);
    };
    try {
      assert.throws(() => ring.resize({ sqEntries: 16 }), {
        name: 'RegisterError',
        code: 'EINVAL',
        since: '6.13',
      });
    } finally {
      sys.register = register;
    }
    assert.deepEqual(calls, []);
    nops(ring, 1, 8);
    assert.equal(complete(ring, 8).length, 8);
  }
});

for (const [what, options, needed] of VARIANTS) {
  ringTest(`growing with ${what} keeps what waits, and has room for more`, needed, (scope) => {
    const ring = scope.ring(8, { deferTaskrun: true, ...options });
    warm(ring, 13);
    nops(ring, 500, 5);
    ring.submit({ wait: 5 });
    nops(ring, 600, 3);
    ring.resize({ sqEntries: 32, cqEntries: 128 });
    assert.equal(ring.sqEntries, 32);
    assert.equal(ring.cqEntries, 128);
    assert.equal(ring.ready, 5);
    assert.equal(ring.sqSpace, 29);
    assert.equal(ring.inFlight, 8);
    nops(ring, 603, 29);
    assert.equal(ring.submit({ wait: 37 }), 32);
    assert.deepEqual(userDatas(ring), [...numbers(500, 5), ...numbers(600, 32)]);
    assert.equal(ring.inFlight, 0);
  });

  ringTest(`shrinking with ${what} keeps what waits`, needed, (scope) => {
    const ring = scope.ring(32, { deferTaskrun: true, ...options });
    warm(ring, 37);
    nops(ring, 500, 5);
    ring.submit({ wait: 5 });
    nops(ring, 600, 3);
    ring.resize({ sqEntries: 4 });
    assert.equal(ring.sqEntries, 4);
    assert.equal(ring.cqEntries, 8);
    assert.equal(ring.sqSpace, 1);
    assert.equal(ring.submit(), 3);
    nops(ring, 603, 1);
    ring.submit({ wait: 8 });
    assert.deepEqual(userDatas(ring), [...numbers(500, 5), ...numbers(600, 4)].slice(0, 9));
    for (let round = 0; round < 5; round++) {
      nops(ring, 0, 4);
      assert.deepEqual(
        complete(ring, 4).map(({ userData }) => userData),
        numbers(0, 4),
      );
    }
  });
}

for (const cqe32 of [true, 'mixed'] as const) {
  ringTest(`the second halves of big completions survive (cqe32: ${cqe32})`, mixed, (scope) => {
    for (const [from, to] of [
      [8, 32],
      [32, 4],
    ] as const) {
      const ring = new OpenRing(from, { deferTaskrun: true, cqe32 });
      scope.defer(() => ring.close());
      warm(ring, 1);
      for (let i = 0; i < 3; i++) bigNop(ring, 100 + 10 * i);
      ring.submit({ wait: 3 });
      ring.resize({ sqEntries: to });
      assert.deepEqual(
        [...ring.completions()].map(({ userData, extra }) => [userData, extra]),
        [
          [100, [101n, 102n]],
          [110, [111n, 112n]],
          [120, [121n, 122n]],
        ],
      );
    }
  });
}

ringTest('a big completion that is split by a smaller mixed queue stays whole', mixed, (scope) => {
  const ring = new OpenRing(16, { deferTaskrun: true, cqe32: 'mixed' });
  scope.defer(() => ring.close());
  warm(ring, 7);
  bigNop(ring, 100);
  ring.submit({ wait: 1 });
  // slots 7 and 8 of 32 would become 7 and 0 of 8, which newer kernels refuse
  const refused = answer(() => ring.resize({ sqEntries: 4 }));
  assert.deepEqual([refused, ring.cqEntries], refused === undefined ? [undefined, 8] : ['EOVERFLOW', 32]);
  assert.deepEqual(
    [...ring.completions()].map(({ userData, extra }) => [userData, extra]),
    [[100, [101n, 102n]]],
  );
  warm(ring, 20);
});

ringTest('what waits is copied by us too: kernels have lost it', resizing, (scope) => {
  for (const [options, cqe, sqe] of [
    [{}, 16, 64],
    [{ cqe32: true, sqe128: true }, 32, 128],
  ] as const) {
    const ring = scope.ring(4, { deferTaskrun: true, ...options });
    warm(ring, 3);
    nops(ring, 500, 4);
    ring.submit({ wait: 4 });
    nops(ring, 600, 2);
    const { mmap } = sys;
    let calls = 0;
    // a kernel that copies nothing: only the counters go on
    sys.mmap = (length, ...rest) => {
      const address = mmap(length, ...rest);
      const isRing = ++calls === 1;
      new Uint8Array(viewMemory(address, length)).fill(0, isRing ? 64 : 0, isRing ? 64 + 32 * cqe : 16 * sqe);
      return address;
    };
    try {
      ring.resize({ sqEntries: 16, cqEntries: 32 });
    } finally {
      sys.mmap = mmap;
    }
    assert.equal(calls, 2);
    assert.equal(ring.submit({ wait: 6 }), 2);
    assert.deepEqual(userDatas(ring), [...numbers(500, 4), ...numbers(600, 2)]);
  }
});

ringTest('shrinking below what waits is EOVERFLOW, and changes nothing', resizing, (scope) => {
  const ring = scope.ring(16, { deferTaskrun: true });
  nops(ring, 0, 16);
  ring.submit({ wait: 16 });
  assert.throws(() => ring.resize({ sqEntries: 4 }), { code: 'EOVERFLOW' });
  assert.equal(ring.sqEntries, 16);
  nops(ring, 16, 8);
  assert.throws(() => ring.resize({ sqEntries: 4, cqEntries: 32 }), { code: 'EOVERFLOW' });
  assert.equal(ring.submit({ wait: 24 }), 8);
  assert.deepEqual(userDatas(ring), numbers(0, 24));
  ring.resize({ sqEntries: 4 });
  nops(ring, 0, 4);
  assert.equal(complete(ring, 4).length, 4);
});

ringTest('a disabled ring can be resized', resizesDisabledRings(resizing), (scope) => {
  const ring = scope.ring(2, { deferTaskrun: true, disabled: true });
  ring.resize({ sqEntries: 64 });
  ring.enable();
  nops(ring, 0, 64);
  assert.equal(complete(ring, 64).length, 64);
});

ringTest('operations in flight complete in the new queue', resizing, (scope) => {
  const ring = scope.ring(2, { deferTaskrun: true });
  ring.prepare.timeout({ afterMs: 5, userData: 1 });
  ring.prepare.timeout({ afterMs: 6, userData: 2 });
  ring.submit();
  ring.resize({ sqEntries: 32 });
  assert.equal(ring.inFlight, 2);
  ring.submit({ wait: 2, timeoutMs: 10_000 });
  assert.deepEqual(userDatas(ring), [1, 2]);
});

ringTest('resizing while completions are reaped shows each of them once', resizing, (scope) => {
  const ring = scope.ring(8, { deferTaskrun: true });
  nops(ring, 0, 8);
  ring.submit({ wait: 8 });
  const seen: (number | bigint)[] = [];
  ring.reap((userData) => {
    seen.push(userData);
    if (userData === 2) ring.resize({ sqEntries: 64 });
    if (userData === 5) ring.resize({ sqEntries: 8 });
  });
  assert.deepEqual(seen, numbers(0, 8));
  assert.equal(ring.ready, 0);
});

ringTest('the old queues are unmapped', resizing, (scope) => {
  const left = leftMapped(() => {
    const ring = scope.ring(8, { deferTaskrun: true });
    for (const sqEntries of [16, 4, 1024, 8]) ring.resize({ sqEntries });
    assert.throws(() => ring.resize({ sqEntries: 65_536 }), { code: 'EINVAL' });
  });
  assert.equal(left.length, 2);
});

for (const nth of [1, 2]) {
  ringTest(
    `where mapping ${nth} of the new queues fails, the ring is closed and nothing leaks`,
    resizing,
    (scope) => {
      const left = leftMapped(() => {
        const ring = scope.ring(8, { deferTaskrun: true });
        withoutMemory(() => {
          assert.throws(
            () => ring.resize({ sqEntries: 16 }),
            (error: unknown) =>
              error instanceof SyscallError && error.syscall === 'mmap' && error.code === 'ENOMEM',
          );
        }, nth);
        assert.equal(ring.isClosed, true);
        assert.throws(() => ring.prepare.nop(), ClosedError);
      });
      assert.deepEqual(left, []);
    },
  );
}

ringTest('a read in flight keeps its memory when the new queues cannot be mapped', resizing, (scope) => {
  const before = keptForever();
  const ring = scope.ring(8, { deferTaskrun: true });
  ring.prepare.read(scope.pipe().reader, new Uint8Array(8));
  ring.submit();
  withoutMemory(() => assert.throws(() => ring.resize({ sqEntries: 16 }), SyscallError));
  assert.equal(ring.isClosed, true);
  // its completion came in a queue that nobody can see
  assert.equal(keptForever(), before + 1);
});

ringTest(
  'a ring that cannot map its new queues is closed, and says so to all who wait',
  resizing,
  async (scope) => {
    const ring = scope.ring(8, { deferTaskrun: true });
    const promises = new AsyncRing(8, { deferTaskrun: true });
    const { reader } = scope.pipe();
    const waiting = [promises.read(reader, new Uint8Array(1)), promises.pollAdd(reader, 1), promises.nop()];
    const outcomes = Promise.allSettled(waiting);
    for (const each of [ring, promises]) {
      withoutMemory(() => assert.throws(() => each.resize({ sqEntries: 16 }), SyscallError));
      assert.ok(each.isClosed);
    }
    for (const each of await outcomes)
      assert.equal(each.status === 'rejected' && each.reason.code, 'ERR_URING_CLOSED');
  },
);
