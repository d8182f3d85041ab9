import assert from 'node:assert/strict';
import {
  closeSync,
  constants as fsConstants,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ring } from '../../lib/faces/ring.ts';
import { probe } from '../../lib/register/support.ts';
import type { RingBaseOptions } from '../../lib/ring/base.ts';
import { alloc } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import type { RegisterOpName } from '../../structs/register-ops.ts';
import { type Needs, needs, needsKernel } from '../helpers/needs.ts';
import { OpenRing, text } from '../helpers/pairs.ts';
import { openFds, refuses, wrong } from '../helpers/raw-ring.ts';
import { complete, enters, result, ringTest, threadNames, until } from '../helpers/rings.ts';
import { inThread } from '../helpers/scenario.ts';

const EBADFD = 'EBADFD';
const {
  IORING_SETUP_CQE_MIXED,
  IORING_SETUP_CQE32,
  IORING_SETUP_DEFER_TASKRUN,
  IORING_SETUP_IOPOLL,
  IORING_SETUP_NO_MMAP,
  IORING_SETUP_NO_SQARRAY,
  IORING_SETUP_R_DISABLED,
  IORING_SETUP_REGISTERED_FD_ONLY,
  IORING_SETUP_SQE_MIXED,
  IORING_SETUP_SQE128,
  IORING_SETUP_SQPOLL,
} = constants;

// ---- bad options --------------------------------------------------------------------------------------------------

ringTest('wrong options are named before any system call', {}, () => {
  const cases: readonly (readonly [string, unknown, unknown])[] = [
    ['entries', 0, {}],
    ['entries', -1, {}],
    ['entries', 1.5, {}],
    ['entries', 2 ** 32, {}],
    ['entries', '8', {}],
    ['entries', undefined, {}],
    ['options', 8, 5],
    ['options', 8, null],
    ['options.sqpoll', 8, { sqpoll: true }],
    ['options.cqentries', 8, { cqentries: 8 }],
    ['options.cqEntries', 8, { cqEntries: 0 }],
    ['options.cqEntries', 8, { cqEntries: '8' }],
    ['options.clamp', 8, { clamp: 1 }],
    ['options.sqe128', 8, { sqe128: 'yes' }],
    ['options.sqe128', 8, { sqe128: 'Mixed' }],
    ['options.cqe32', 8, { cqe32: 'Mixed' }],
    ['options.cqe32', 8, { cqe32: 1 }],
    ['options.ioPoll', 8, { ioPoll: 'hybird' }],
    ['options.deferTaskrun', 8, { deferTaskrun: 0 }],
    ['options.disabled', 8, { disabled: null }],
    ['options.sqArray', 8, { sqArray: 'no' }],
    ['options.noMmap', 8, { noMmap: 1 }],
    ['options.registeredFdOnly', 8, { registeredFdOnly: 1 }],
    ['options.attachTo', 8, { attachTo: 5 }],
    ['options.attachTo', 8, { attachTo: null }],
    ['options.attachTo.fd', 8, { attachTo: {} }],
    ['options.sqPoll', 8, { sqPoll: 5 }],
    ['options.sqPoll', 8, { sqPoll: null }],
    ['options.sqPoll.idle', 8, { sqPoll: { idle: 1 } }],
    ['options.sqPoll.idleMs', 8, { sqPoll: { idleMs: -1 } }],
    ['options.sqPoll.cpu', 8, { sqPoll: { cpu: 1.5 } }],
  ];
  const { setup } = sys;
  let calls = 0;
  sys.setup = (...args) => {
    calls++;
    return setup(...args);
  };
  try {
    for (const [name, entries, options] of cases)
      refuses(name, () => new Ring(wrong(entries), wrong(options)));
  } finally {
    sys.setup = setup;
  }
  assert.equal(calls, 0);
});

ringTest('sizes that the kernel refuses are an error with its errno; clamp lowers them', {}, (scope) => {
  assert.throws(() => new Ring(32_769), { code: 'EINVAL', syscall: 'io_uring_setup' });
  assert.throws(() => new Ring(8, { cqEntries: 65_537 }), { code: 'EINVAL' });
  assert.throws(() => new Ring(8, { cqEntries: 4 }), { code: 'EINVAL' });
  const ring = scope.ring(100_000, { clamp: true });
  assert.deepEqual([ring.sqEntries, ring.cqEntries], [32_768, 65_536]);
});

ringTest('sizes are rounded up to powers of two', {}, (scope) => {
  const ring = scope.ring(5, { cqEntries: 17 });
  assert.deepEqual([ring.sqEntries, ring.cqEntries, ring.sqSpace], [8, 32, 8]);
  assert.deepEqual([scope.ring(1).sqEntries, scope.ring(1).cqEntries], [1, 2]);
});

ringTest('options are read once each', needs('REGISTER_QUERY'), (scope) => {
  let reads = 0;
  const options: RingBaseOptions = {
    noMmap: true,
    // if it were read again for the memory, the kernel would write behind its end
    get cqEntries() {
      return ++reads === 1 ? 4096 : 1;
    },
  };
  const ring = scope.ring(8, options);
  assert.equal(reads, 1);
  assert.equal(ring.cqEntries, 4096);
});

// ---- every shape does the same work ----------------------------------------------------------------------------------

interface Shape {
  readonly options: RingBaseOptions;
  /** Setup flags that it has, and those that it doesn't have. */
  readonly on?: number;
  readonly off?: number;
  /** An opcode of the version that brought it. */
  readonly since?: RegisterOpName;
}

/** NO_MMAP, REGISTERED_FD_ONLY (6.5) and NO_SQARRAY (6.6): the next opcode after them is of 6.8. */
const LATER = 'REGISTER_PBUF_STATUS';
const shapes: { readonly [name: string]: Shape } = {
  'the default': { options: {} },
  'an SQ array': { options: { sqArray: true }, off: IORING_SETUP_NO_SQARRAY },
  'entries of 128 bytes': { options: { sqe128: true }, on: IORING_SETUP_SQE128, since: 'REGISTER_PBUF_RING' },
  'completions of 32 bytes': {
    options: { cqe32: true },
    on: IORING_SETUP_CQE32,
    since: 'REGISTER_PBUF_RING',
  },
  'completions of both sizes': {
    options: { cqe32: 'mixed' },
    on: IORING_SETUP_CQE_MIXED,
    since: 'REGISTER_QUERY',
  },
  'entries of both sizes': {
    options: { sqe128: 'mixed' },
    on: IORING_SETUP_SQE_MIXED,
    since: 'REGISTER_ZCRX_CTRL',
  },
  'big entries, big completions and an SQ array': {
    options: { sqe128: true, cqe32: true, sqArray: true },
    on: IORING_SETUP_SQE128 | IORING_SETUP_CQE32,
    since: 'REGISTER_PBUF_RING',
  },
  'deferred task work': {
    options: { deferTaskrun: true },
    on: IORING_SETUP_DEFER_TASKRUN,
    since: 'REGISTER_PBUF_STATUS',
  },
  'deferred task work, big completions': {
    options: { deferTaskrun: true, cqe32: true },
    on: IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQE32,
    since: 'REGISTER_PBUF_STATUS',
  },
  'a submission thread': { options: { sqPoll: { idleMs: 10 } }, on: IORING_SETUP_SQPOLL },
  'a submission thread on a cpu': { options: { sqPoll: { cpu: 0 } }, on: IORING_SETUP_SQPOLL },
  'a submission thread, an SQ array, big entries': {
    options: { sqPoll: true, sqArray: true, sqe128: true },
    on: IORING_SETUP_SQPOLL | IORING_SETUP_SQE128,
    since: 'REGISTER_PBUF_RING',
  },
  'memory of ours': { options: { noMmap: true }, on: IORING_SETUP_NO_MMAP, since: LATER },
  'memory of ours, all of it big': {
    options: { noMmap: true, sqe128: true, cqe32: true, sqArray: true },
    on: IORING_SETUP_NO_MMAP,
    since: LATER,
  },
  'no fd': {
    options: { registeredFdOnly: true },
    on: IORING_SETUP_REGISTERED_FD_ONLY | IORING_SETUP_NO_MMAP,
    since: LATER,
  },
};

/** NOPs that wrap both queues, a read by effect, and more completions than fit. */
function work(ring: Ring, reader: number, writer: number): void {
  const data = (userData: number | bigint) => Number(userData) - 2 ** 40;
  const seen: number[] = [];
  const wait = (count: number) => ring.submit({ wait: count, timeoutMs: 10_000 });
  for (let round = 0; round < 25; round++) {
    // a submission thread gives the room back a little after it posted the completions
    while (ring.sqSpace < 3) ring.submit({ waitForSpace: true });
    for (let i = 0; i < 3; i++) ring.prepare.nop({ userData: 2 ** 40 + round * 3 + i });
    wait(3);
    ring.reap((userData, res) => seen.push(data(userData) + res));
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 75 }, (_, i) => i),
  );
  const memory = new Uint8Array(6);
  ring.prepare.read(reader, memory, { userData: 1 });
  ring.submit();
  writeSync(writer, 'effect');
  wait(1);
  assert.deepEqual(
    [...ring.completions()].map(({ userData, res }) => [userData, res]),
    [[1, 6]],
  );
  assert.equal(text(memory), 'effect');
  assert.equal(ring.inFlight, 0);
}

for (const [name, { options, on = 0, off = 0, since }] of Object.entries(shapes)) {
  const need: Needs = since === undefined ? {} : needs(since);
  ringTest(`a ring with ${name} does its work`, need, (scope) => {
    const ring = scope.ring(4, options);
    const { reader, writer } = scope.pipe();
    assert.equal(ring.setupFlags & on, on);
    assert.equal(ring.setupFlags & off, 0);
    work(ring, reader, writer);
  });

  ringTest(`a ring with ${name} loses nothing when its queues are full`, need, async (scope) => {
    const ring = scope.ring(4, options);
    const seen: (number | bigint)[] = [];
    for (let i = 0; i < 60; i++) {
      if (ring.sqSpace === 0) ring.submit({ waitForSpace: true });
      ring.prepare.nop({ userData: i });
    }
    ring.submit();
    await until('all completions', () => {
      ring.reap((userData) => seen.push(userData));
      return ring.inFlight === 0;
    });
    assert.deepEqual(
      seen.map(Number).sort((a, b) => a - b),
      Array.from({ length: 60 }, (_, i) => i),
    );
  });

  ringTest(`a ring with ${name} says when its submission queue is full`, need, async (scope) => {
    const ring = scope.ring(4, { ...options, disabled: true });
    for (let i = 0; i < 4; i++) ring.prepare.nop({ userData: i });
    assert.equal(ring.sqSpace, 0);
    assert.throws(() => ring.prepare.nop(), { code: 'ERR_URING_QUEUE_FULL' });
    ring.enable();
    const found = complete(ring, 4).map(({ userData }) => userData);
    assert.deepEqual(found, [0, 1, 2, 3], 'what was prepared is what is submitted');
    // a submission thread posts completions before it gives the entries back
    await until('the queue is empty', () => ring.sqSpace === 4);
  });
}

// ---- what is special about some --------------------------------------------------------------------------------------

ringTest('big completions show their second half', needs('REGISTER_PBUF_RING'), (scope) => {
  const ring = scope.ring(4, { cqe32: true });
  ring.prepare.nop({ userData: 1 });
  assert.deepEqual(complete(ring, 1), [{ userData: 1, res: 0, flags: 0, extra: [0n, 0n] }]);
});

ringTest('a submission thread that sleeps is woken', {}, async (scope) => {
  const ring = new OpenRing(4, { sqPoll: { idleMs: 1 } });
  scope.defer(() => ring.close());
  const asleep = () => ring.inner.queues.needsWakeup;
  for (let round = 0; round < 5; round++) {
    await until('the thread to sleep', asleep);
    ring.prepare.nop({ userData: round });
    const calls = enters(() => ring.submit());
    assert.equal(calls, 1, 'one call wakes it');
    assert.deepEqual(
      complete(ring, 1).map(({ userData }) => userData),
      [round],
    );
  }
});

ringTest('a submission thread that is awake needs no system call', {}, async (scope) => {
  const ring = new OpenRing(64, { sqPoll: { idleMs: 5000 } });
  scope.defer(() => ring.close());
  ring.prepare.nop();
  complete(ring, 1);
  const calls = enters(() => {
    for (let i = 0; i < 32; i++) ring.prepare.nop({ userData: i });
    assert.equal(ring.submit(), 32);
    assert.equal(ring.submit(), 0);
  });
  assert.equal(calls, 0);
  await until('the completions', () => ring.ready === 32);
  assert.equal(ring.inner.queues.needsWakeup, false);
  await until('its name', () => threadNames().includes(`iou-sqp-${sys.gettid()}`));
});

ringTest('waitForSpace waits until the submission thread made room', {}, (scope) => {
  const ring = scope.ring(2, { sqPoll: { idleMs: 1 } });
  let prepared = 0;
  while (prepared < 200) {
    while (ring.sqSpace > 0) {
      ring.prepare.nop({ userData: prepared });
      prepared++;
    }
    ring.submit({ waitForSpace: true });
    assert.ok(ring.sqSpace > 0);
    ring.reap(() => {});
  }
});

ringTest('a submission thread is refused in workers', {}, async () => {
  const module = new URL('shapes.scenes.ts', import.meta.url).href;
  assert.deepEqual(await inThread({ module, name: 'sqPollHere' }), {
    name: 'RangeError',
    code: 'ERR_INVALID_ARG_VALUE',
    names: true,
    fds: 0,
  });
});

ringTest(
  'a disabled ring says EBADFD, keeps what is prepared, and runs it once enabled',
  needs(LATER),
  (scope) => {
    for (const options of [{}, { sqPoll: true }, { deferTaskrun: true }] as const) {
      const ring = scope.ring(4, { ...options, disabled: true });
      assert.equal(ring.setupFlags & IORING_SETUP_R_DISABLED, IORING_SETUP_R_DISABLED);
      ring.prepare.nop({ userData: 1 });
      for (const submit of [undefined, { wait: 1 }, { wait: 1, timeoutMs: 1 }]) {
        assert.throws(() => ring.submit(submit), { code: EBADFD, hint: /enable\(\)/ });
      }
      assert.equal(ring.ready, 0);
      ring.enable();
      assert.deepEqual(
        complete(ring, 1).map(({ userData }) => userData),
        [1],
      );
      assert.throws(() => ring.enable(), { code: EBADFD, opcode: 'REGISTER_ENABLE_RINGS' });
    }
  },
);

ringTest('a disabled ring with prepared operations closes without a trace', {}, (scope) => {
  const { reader } = scope.pipe();
  const ring = scope.ring(4, { disabled: true });
  ring.prepare.read(reader, new Uint8Array(4));
  ring.prepare.nop();
  assert.equal(ring.inFlight, 2);
  ring.close();
  assert.equal(ring.inFlight, 0);
});

ringTest('an ioPoll ring refuses what it cannot poll for, with the errno of the kernel', {}, (scope) => {
  const ring = scope.ring(4, { ioPoll: true });
  assert.equal(ring.setupFlags & IORING_SETUP_IOPOLL, IORING_SETUP_IOPOLL);
  const { reader } = scope.pipe();
  ring.prepare.read(reader, alloc(512), { userData: 1 });
  ring.prepare.timeout({ afterMs: 1, userData: 2 });
  const found = new Map(complete(ring, 2).map(({ userData, res }) => [userData, res]));
  assert.equal(found.get(1), -95, 'EOPNOTSUPP: a pipe can not be polled');
  assert.equal(found.get(2), -22, 'EINVAL: a timeout is no I/O');
  assert.equal(ring.inFlight, 0);
});

/** Where temporary files lie in memory, they can be opened so since 6.6. */
function refusesDirect(): boolean {
  const path = join(tmpdir(), `uring-direct-${process.pid}`);
  writeFileSync(path, '');
  try {
    closeSync(openSync(path, fsConstants.O_RDONLY | fsConstants.O_DIRECT));
    return false;
  } catch {
    return true;
  } finally {
    rmSync(path);
  }
}

const direct = needsKernel('6.6', refusesDirect);

ringTest('an ioPoll ring reads a file that was opened with O_DIRECT, or says why not', direct, (scope) => {
  const ring = scope.ring(4, { ioPoll: true });
  const path = join(scope.folder(), 'direct');
  writeFileSync(path, 'x'.repeat(4096));
  const fd = scope.fd(openSync(path, fsConstants.O_RDONLY | fsConstants.O_DIRECT));
  const memory = alloc(4096);
  ring.prepare.read(fd, memory, { offset: 0 });
  const res = result(ring);
  // whether a file system can be polled is its own matter: 4096 bytes, or the true reason
  if (res === 4096) assert.equal(text(memory), 'x'.repeat(4096));
  else assert.equal(res, -95);
});

ringTest('a ring attached to another one has its workers, and outlives it', {}, (scope) => {
  const first = scope.ring(4);
  const second = scope.ring(4, { attachTo: first });
  assert.equal(second.setupFlags & constants.IORING_SETUP_ATTACH_WQ, constants.IORING_SETUP_ATTACH_WQ);
  first.close();
  const { reader, writer } = scope.pipe();
  work(second, reader, writer);
  refuses('options.attachTo.fd', () => new Ring(4, { attachTo: { fd: -1 } }));
  assert.throws(() => new Ring(4, { attachTo: first }), { code: 'ERR_URING_CLOSED' });
});

ringTest('a ring without an fd opens none, and gives its index back', needs(LATER), (scope) => {
  const before = openFds().filter((each) => each.includes('io_uring'));
  const rings = Array.from({ length: 16 }, () => scope.ring(4, { registeredFdOnly: true }));
  assert.deepEqual(
    openFds().filter((each) => each.includes('io_uring')),
    before,
  );
  assert.deepEqual(new Set(rings.map(({ fd }) => fd)), new Set([-1]));
  // a thread has 16 indices
  assert.throws(() => new Ring(4, { registeredFdOnly: true }), { code: 'EBUSY', syscall: 'io_uring_setup' });
  for (const ring of rings) ring.close();
  for (let i = 0; i < 40; i++) new Ring(4, { registeredFdOnly: true }).close();
});

ringTest('the ring of another thread says who may use it', needs('REGISTER_SYNC_CANCEL'), async (scope) => {
  const ring = scope.ring(4);
  const module = new URL('threads.scenes.ts', import.meta.url).href;
  assert.deepEqual(await inThread({ module, name: 'useForeignRing', argument: ring.fd }), {
    register: 'EEXIST',
    enter: 'EEXIST',
  });
});

ringTest('an older kernel gets fewer flags, and the ring does its work', {}, (scope) => {
  const { reader, writer } = scope.pipe();
  const { setup } = sys;
  const names = [
    'SETUP_NO_SQARRAY',
    'SETUP_SINGLE_ISSUER',
    'SETUP_COOP_TASKRUN',
    'SETUP_SUBMIT_ALL',
  ] as const;
  const newer = names.map((name) => constants[`IORING_${name}`]);
  const here = names.map((name) => probe().supports(name));
  for (let known = 0; known <= newer.length; known++) {
    const unknown = newer.slice(0, known).reduce((all, flag) => all | flag, 0);
    sys.setup = (entries, params) => {
      const flags = new DataView(params.buffer, params.byteOffset).getUint32(8, true);
      return (flags & unknown) !== 0 ? -22 : setup(entries, params);
    };
    try {
      const ring = scope.ring(4);
      assert.equal(ring.setupFlags & unknown, 0);
      assert.equal((ring.setupFlags & ~unknown) !== 0, here.slice(known).includes(true));
      work(ring, reader, writer);
    } finally {
      sys.setup = setup;
    }
  }
  assert.ok(probe().supports('OP_NOP'));
});

ringTest('the fd is closed on exec', {}, (scope) => {
  const ring = scope.ring(4);
  const flags = /flags:\t0*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${ring.fd}`, 'utf8'))?.[1];
  assert.ok((Number.parseInt(flags ?? '0', 8) & 0o2000000) !== 0);
  assert.doesNotThrow(() => closeSync(openSync('/dev/null', 'r')));
});
