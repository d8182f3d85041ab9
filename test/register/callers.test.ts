/** Arguments share memory between calls: whoever calls back in the middle of a call must not spoil it. */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { openSync } from 'node:fs';
import { test } from 'node:test';
import {
  addressOf,
  alloc,
  type RestrictionRule,
  type RingFd,
  registerBuffers,
  registerBuffersUpdate,
  registerClock,
  registerFiles,
  registerFilesUpdate,
  registerIowqMaxWorkers,
  registerMemRegion,
  registerPbufRing,
  registerProbe,
  registerQuery,
  registerResizeRings,
  registerRestrictions,
  registerRingFds,
  registerSyncCancel,
  registerZcrxIfq,
  unregisterRingFds,
} from '../../lib/raw.ts';
import { close, eventfd, pipe, socketpair } from '../../lib/sys/libc.ts';
import { pageSize } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { needs } from '../helpers/needs.ts';
import {
  answer,
  fileNames,
  hex,
  later,
  makeRing,
  openFds,
  own,
  refuses,
  told,
  trapped,
  unfitViews,
  wrong,
} from '../helpers/raw-ring.ts';

const PAGE = pageSize();
const before = openFds();
const page = alloc(PAGE);

/** Makes calls of every family on a ring: overwrites all memory that calls share. */
function disturb(fd: number): void {
  answer(() => registerFilesUpdate(fd, { offset: 9, fds: [7, 7, 7, 7] }));
  answer(() => registerBuffersUpdate(fd, { offset: 9, buffers: [null, null, null], tags: [0, 0, 0] }));
  answer(() => registerPbufRing(fd, { ringEntries: 7, bgid: 7, flags: 7, minLeft: 7 }));
  answer(() => registerSyncCancel(fd, { addr: 7, fd: 7, flags: 0x7fff_ffff, timeoutMs: 0 }));
  answer(() => registerRestrictions(fd, [{ opcode: 'RESTRICTION_SQE_OP', sqeOp: 7 }]));
  answer(() => registerIowqMaxWorkers(fd, { bounded: 0xffff_ffff, unbounded: 0xffff_ffff }));
  answer(() => registerClock(fd, 77));
  answer(() => registerProbe(fd));
  answer(() => registerResizeRings(fd, { sqEntries: 7 }));
  answer(() => registerMemRegion(fd, { size: 7 }));
  answer(() => registerQuery(fd, 'QUERY_SCQ'));
}

test('the index of a ring is read once, before anything is written', (t) => {
  const inner = makeRing(t);
  const hostile: RingFd = {
    get registeredIndex(): number {
      disturb(inner.fd);
      return 15;
    },
  };
  const calls: readonly ((ring: RingFd) => unknown)[] = [
    (ring) => registerFilesUpdate(ring, { offset: 1, fds: [-1, -2] }),
    (ring) => registerBuffers(ring, [page, null]),
    (ring) => registerSyncCancel(ring, { addr: 5 }),
    (ring) => registerIowqMaxWorkers(ring, { bounded: 1 }),
    (ring) => registerPbufRing(ring, { ringAddr: page, ringEntries: 8, bgid: 1 }),
    (ring) => registerResizeRings(ring, { sqEntries: 64 }),
  ];
  const argument = (call: (ring: RingFd) => unknown, ring: RingFd) => {
    const [message] = told(() => call(ring)).filter(({ flags }) => flags !== 0);
    assert.equal(message?.fd, 15);
    return message.argRaw;
  };
  for (const call of calls)
    assert.deepEqual(argument(call, hostile), argument(call, { registeredIndex: 15 }));
});

test('a field of an option is read before anything is written', (t) => {
  const inner = makeRing(t);
  const { fd } = makeRing(t);
  const [message] = told(() =>
    registerSyncCancel(fd, {
      addr: 0x1234,
      flags: 0,
      get timeoutMs() {
        disturb(inner.fd);
        return 2000;
      },
      get opcode() {
        disturb(inner.fd);
        return 9;
      },
    }),
  ).filter((each) => each.fd === fd);
  assert.deepEqual(
    message?.argRaw?.slice(0, 40),
    hex('3412000000000000 ffffffff 00000000 0200000000000000 0000000000000000 09 00000000000000'),
  );
});

test('a list is read before anything is written', needs('REGISTER_RESTRICTIONS'), (t) => {
  const inner = makeRing(t);
  const { fd } = makeRing(t, constants.IORING_SETUP_R_DISABLED);
  const rules: RestrictionRule[] = [
    { opcode: 'RESTRICTION_REGISTER_OP', registerOp: 8 },
    { opcode: 'RESTRICTION_REGISTER_OP', registerOp: 2 },
  ];
  const [message] = told(() =>
    registerRestrictions(
      fd,
      trapped(rules, 1, () => disturb(inner.fd)),
    ),
  ).filter((each) => each.fd === fd);
  const none = '00'.repeat(13);
  assert.deepEqual(message?.argRaw, hex(`0000 08 ${none} 0000 02 ${none}`));
});

test(
  'a listener that calls does not spoil the answer of the call that it heard of',
  needs('REGISTER_MEM_REGION'),
  (t) => {
    const inner = makeRing(t);
    const { fd } = makeRing(t, constants.IORING_SETUP_DEFER_TASKRUN | constants.IORING_SETUP_SINGLE_ISSUER);
    const former = registerIowqMaxWorkers(fd);
    const probe = registerProbe(fd);
    const query = answer(() => registerQuery(-1, 'QUERY_OPCODES'));
    let heard = 0;
    const listen = (): void => {
      heard++;
      disturb(inner.fd);
      registerRingFds(inner.fd, [{ fd: inner.fd, offset: 9 }]);
      unregisterRingFds(inner.fd, [9]);
    };
    subscribe('uring:register', listen);
    later(t, () => unsubscribe('uring:register', listen));
    assert.deepEqual(registerIowqMaxWorkers(fd), former);
    assert.deepEqual(registerProbe(fd), probe);
    assert.deepEqual(
      answer(() => registerQuery(-1, 'QUERY_OPCODES')),
      query,
    );
    const indices = registerRingFds(fd, [
      { fd, offset: 3 },
      { fd, offset: 2 },
    ]);
    unregisterRingFds(fd, indices);
    assert.deepEqual(indices, [3, 2]);
    assert.equal(registerResizeRings(fd, { sqEntries: 16 }).sqEntries, 16);
    assert.equal(registerMemRegion(fd, { size: PAGE }).mmapOffset, 0x2000_0000);
    assert.equal(heard, 7);
  },
);

test('a listener that calls does not spoil an update that goes on from where it failed', (t) => {
  const inner = makeRing(t);
  const { fd } = makeRing(t);
  const file = own(t, openSync('/dev/null', 'r'));
  registerFiles(fd, [file, file, file]);
  const other = own(t, openSync('/dev/zero', 'r'));
  const listen = (): void => disturb(inner.fd);
  subscribe('uring:register', listen);
  later(t, () => unsubscribe('uring:register', listen));
  assert.throws(() => registerFilesUpdate(fd, { offset: 0, fds: [other, 0x7fff_fff0, other] }), {
    code: 'EBADF',
    done: 1,
  });
  unsubscribe('uring:register', listen);
  const names = fileNames(fd);
  assert.deepEqual([names[0], names[2]], ['zero', 'null']);
});

test('a slot that fails and then does not is no failure', (t) => {
  const { fd } = makeRing(t);
  const real = sys.register;
  later(t, () => Object.assign(sys, { register: real }));
  const offsets: number[] = [];
  const answers = [2, 1, 2];
  sys.register = (...[, , , nrArgs]) => {
    offsets.push(nrArgs);
    return answers.shift() ?? -22;
  };
  assert.equal(registerFilesUpdate(fd, { offset: 0, fds: [-1, -1, -1, -1, -1] }), 5);
  assert.deepEqual(offsets, [5, 3, 2], 'it asks again from the slot that failed');
});

test('every call is told with its ring, opcode, nr_args and the bytes of its argument', (t) => {
  const { fd } = makeRing(t);
  const [message, ...rest] = told(() => registerFiles(fd, [-1, 0]));
  assert.deepEqual(rest, []);
  assert.deepEqual(
    [message?.fd, message?.opcode, message?.opcodeName, message?.nrArgs],
    [fd, 2, 'REGISTER_FILES', 2],
  );
  assert.deepEqual([message?.flags, message?.result, message?.errno, message?.code], [0, 0, 0, null]);
  assert.deepEqual(message?.argRaw, hex('ffffffff 00000000'));
});

test(
  'zero-copy receive: area and region are structs of their own behind the argument',
  needs('REGISTER_ZCRX_IFQ'),
  (t) => {
    const { fd } = makeRing(t);
    const [message] = told(() =>
      registerZcrxIfq(fd, { ifIdx: 1, area: { addr: page, len: PAGE }, region: { size: PAGE } }),
    );
    const pointers = new BigUint64Array(message?.argRaw?.slice(16, 32).buffer ?? new ArrayBuffer(0));
    assert.equal(pointers.length, 2);
    assert.ok(pointers.every((pointer) => pointer > 0n) && pointers[0] !== pointers[1]);
  },
);

// ---- the small calls beside -------------------------------------------------------------------------------------------

test('small calls refuse wrong arguments, and give fds that are close-on-exec', (t) => {
  for (const bad of [-1, 1.5, Number.NaN, 2 ** 32, '1', 1n, null])
    refuses('initial', () => eventfd(wrong(bad)));
  for (const bad of [-1, 1.5, Number.NaN, 2 ** 31, '1', 1n, null]) {
    refuses('flags', () => pipe(wrong(bad)));
    refuses('type', () => socketpair(wrong(bad)));
    refuses('fd', () => close(wrong(bad)));
  }
  for (const [, view] of unfitViews()) refuses('view', () => addressOf(view));
  for (const bad of [0, -1, 1.5, 2 ** 32 + 1, '1', undefined]) refuses('bytes', () => alloc(wrong(bad)));
  const signal = own(t, eventfd(3));
  const count = new BigUint64Array(1);
  assert.equal(sys.read(signal, count), 8);
  assert.equal(count[0], 3n);
  for (const make of [pipe, socketpair]) {
    const [first, second] = make();
    own(t, first);
    own(t, second);
    assert.notEqual(first, second);
  }
  assert.throws(() => pipe(1), { name: 'SyscallError', code: 'EINVAL', syscall: 'pipe2' });
  assert.equal(addressOf(alloc(1)) % PAGE, 0);
});

test('no fd is left open', () => assert.deepEqual(openFds(), before));
