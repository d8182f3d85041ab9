/** What holds for each of the functions of `uring/raw` that stands for a register opcode. */
import assert from 'node:assert/strict';
import { openSync } from 'node:fs';
import { test } from 'node:test';
import type { RingFd } from '../../lib/raw.ts';
import * as raw from '../../lib/raw.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { registerOps } from '../../structs/register-ops.ts';
import { knows, needs, needsFeature } from '../helpers/needs.ts';
import { answer, later, makeRing, openFds, own, refuses, unfitViews, wrong } from '../helpers/raw-ring.ts';

const before = openFds();
const NO_FD = 0x7fff_fff0;
const page = raw.alloc(4096);

/** A call of each function that is right but for its fd. */
const CALLS: { readonly [name: string]: (fd: RingFd) => unknown } = {
  registerBuffers: (fd) => raw.registerBuffers(fd, [page]),
  unregisterBuffers: (fd) => raw.unregisterBuffers(fd),
  registerFiles: (fd) => raw.registerFiles(fd, [1]),
  unregisterFiles: (fd) => raw.unregisterFiles(fd),
  registerEventfd: (fd) => raw.registerEventfd(fd, 1),
  unregisterEventfd: (fd) => raw.unregisterEventfd(fd),
  registerFilesUpdate: (fd) => raw.registerFilesUpdate(fd, { offset: 0, fds: [1] }),
  registerEventfdAsync: (fd) => raw.registerEventfdAsync(fd, 1),
  registerProbe: (fd) => raw.registerProbe(fd),
  registerPersonality: (fd) => raw.registerPersonality(fd),
  unregisterPersonality: (fd) => raw.unregisterPersonality(fd, 1),
  registerRestrictions: (fd) => raw.registerRestrictions(fd, []),
  registerEnableRings: (fd) => raw.registerEnableRings(fd),
  registerFiles2: (fd) => raw.registerFiles2(fd, { fds: [1] }),
  registerFilesUpdate2: (fd) => raw.registerFilesUpdate2(fd, { offset: 0, fds: [1] }),
  registerBuffers2: (fd) => raw.registerBuffers2(fd, { buffers: [page] }),
  registerBuffersUpdate: (fd) => raw.registerBuffersUpdate(fd, { offset: 0, buffers: [page] }),
  registerIowqAff: (fd) => raw.registerIowqAff(fd, [0]),
  unregisterIowqAff: (fd) => raw.unregisterIowqAff(fd),
  registerIowqMaxWorkers: (fd) => raw.registerIowqMaxWorkers(fd),
  registerRingFds: (fd) => raw.registerRingFds(fd, [{ fd: 1 }]),
  unregisterRingFds: (fd) => raw.unregisterRingFds(fd, [0]),
  registerPbufRing: (fd) => raw.registerPbufRing(fd, { ringAddr: page, ringEntries: 1, bgid: 1 }),
  unregisterPbufRing: (fd) => raw.unregisterPbufRing(fd, 1),
  registerSyncCancel: (fd) => raw.registerSyncCancel(fd, { timeoutMs: 0 }),
  registerFileAllocRange: (fd) => raw.registerFileAllocRange(fd, { off: 0, len: 0 }),
  registerPbufStatus: (fd) => raw.registerPbufStatus(fd, 1),
  registerNapi: (fd) => raw.registerNapi(fd, {}),
  unregisterNapi: (fd) => raw.unregisterNapi(fd),
  registerClock: (fd) => raw.registerClock(fd, 1),
  registerCloneBuffers: (fd) => raw.registerCloneBuffers(fd, { srcFd: 1 }),
  registerSendMsgRing: (fd) => raw.registerSendMsgRing(fd, { targetFd: 1, userData: 1, res: 0 }),
  registerZcrxIfq: (fd) => raw.registerZcrxIfq(fd, { ifIdx: 1 }),
  registerResizeRings: (fd) => raw.registerResizeRings(fd, { sqEntries: 8 }),
  registerMemRegion: (fd) => raw.registerMemRegion(fd, { size: 4096 }),
  registerQuery: (fd) => raw.registerQuery(fd, 'QUERY_OPCODES'),
  registerZcrxCtrl: (fd) => raw.registerZcrxCtrl(fd, { zcrxId: 0, op: 'ZCRX_CTRL_FLUSH_RQ' }),
  registerBpfFilter: (fd) => raw.registerBpfFilter(fd, { opcode: 0, filter: [{ code: 6, k: 1 }] }),
};

/** Each row with its call, and what stands for `code` where the kernel lacks the opcode. */
const EVERY = registerOps.map((row) => {
  const call = CALLS[row.raw];
  assert.ok(call, `no call of ${row.raw}`);
  return { row, call, expect: (code: string) => (knows(row.name) ? code : 'ERR_URING_UNSUPPORTED') };
});

test('there is one function for each opcode, named by the rule', () => {
  const named = registerOps.map(({ name }) =>
    name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
  );
  assert.deepEqual(
    registerOps.map((row) => row.raw),
    named,
  );
  assert.deepEqual(Object.keys(CALLS), named);
  const exported = Object.keys(raw).filter((name) => /^(un)?register./.test(name));
  assert.deepEqual(exported.sort(), [...named].sort());
});

test('what is no ring is refused before any call, by its name', () => {
  const notRings = [
    Number.NaN,
    1.5,
    -2,
    2 ** 31,
    2 ** 32,
    '1',
    1n,
    null,
    undefined,
    {},
    { registeredIndex: 16 },
  ];
  for (const { call } of EVERY) {
    for (const fd of notRings.slice(0, 9)) refuses('fd', () => call(wrong(fd)));
    refuses('fd', () => call(wrong({})));
    for (const registeredIndex of [-1, 16, 0.5, Number.NaN, '0', undefined]) {
      refuses('fd.registeredIndex', () => call(wrong({ registeredIndex })));
    }
  }
});

test('an fd that is not open is EBADF, and the error says which call it was', () => {
  for (const { row, call, expect } of EVERY) {
    assert.equal(
      answer(() => call(NO_FD)),
      expect('EBADF'),
      row.name,
    );
    if (!knows(row.name)) continue;
    assert.throws(() => call(NO_FD), {
      name: 'RegisterError',
      syscall: 'io_uring_register',
      opcode: row.name,
      since: row.since,
      fd: NO_FD,
      errno: -9,
    });
  }
});

test('an fd that is no ring is EOPNOTSUPP', (t) => {
  const fd = own(t, openSync('/dev/null', 'r'));
  for (const { row, call, expect } of EVERY) {
    assert.equal(
      answer(() => call(fd)),
      expect('EOPNOTSUPP'),
      row.name,
    );
  }
});

test('a registered index that is free is EBADF', needsFeature('FEAT_REG_REG_RING'), (t) => {
  makeRing(t);
  for (const { row, call, expect } of EVERY) {
    assert.equal(
      answer(() => call({ registeredIndex: 15 })),
      expect('EBADF'),
      row.name,
    );
  }
});

test(
  'a ring that is restricted to nothing refuses every opcode with EACCES',
  needs('REGISTER_RESTRICTIONS'),
  (t) => {
    const ring = makeRing(t, constants.IORING_SETUP_R_DISABLED);
    raw.registerRestrictions(ring.fd, []);
    raw.registerEnableRings(ring.fd);
    for (const { row, call, expect } of EVERY) {
      assert.equal(
        answer(() => call(ring.fd)),
        expect('EACCES'),
        row.name,
      );
    }
  },
);

test('without a ring (fd -1) only some opcodes act', needs('REGISTER_SEND_MSG_RING'), () => {
  const ringless = [
    'REGISTER_SEND_MSG_RING',
    'REGISTER_QUERY',
    'REGISTER_BPF_FILTER',
    'REGISTER_RESTRICTIONS',
  ];
  for (const { row, call, expect } of EVERY) {
    if (!ringless.includes(row.name))
      assert.equal(
        answer(() => call(-1)),
        expect('EINVAL'),
        row.name,
      );
  }
});

test('register() passes on any opcode, argument and nr_args, junk in the upper bits included', (t) => {
  const ring = makeRing(t);
  const seen: unknown[] = [];
  const { register } = sys;
  later(t, () => Object.assign(sys, { register }));
  sys.register = (...given) => {
    seen.push(given);
    return 7;
  };
  assert.equal(raw.register(ring.fd, 0xdead_beef, 2n ** 64n - 1n, 0xffff_ffff), 7);
  assert.equal(raw.register({ registeredIndex: 3 }, 0x4000_0001), 7);
  assert.deepEqual(seen, [
    [ring.fd, 0xdead_beef, 2n ** 64n - 1n, 0xffff_ffff],
    [3, 0xc000_0001, 0, 0],
  ]);
});

test('register() refuses wrong arguments before the call', (t) => {
  const { fd } = makeRing(t);
  for (const bad of [Number.NaN, 1.5, -1, 2 ** 32, '1', null])
    refuses('opcode', () => raw.register(fd, wrong(bad)));
  for (const bad of [Number.NaN, 1.5, -1, 2 ** 32, '1', null])
    refuses('nrArgs', () => raw.register(fd, 0, 0, wrong(bad)));
  for (const bad of [Number.NaN, 1.5, -1, -1n, 2n ** 64n, 2 ** 53, '1', true]) {
    refuses('arg', () => raw.register(fd, 0, wrong(bad)));
  }
  refuses('arg', () => raw.register(fd, 0, wrong(new ArrayBuffer(8))));
  for (const [, view] of unfitViews()) refuses('arg', () => raw.register(fd, 0, view));
});

test('an opcode that no kernel has is an UnsupportedError', (t) => {
  const { fd } = makeRing(t);
  assert.throws(() => raw.register(fd, 0x7fff_ff00), {
    code: 'ERR_URING_UNSUPPORTED',
    need: `OP_${0x7fff_ff00}`,
  });
});

test('no fd is left open', () => assert.deepEqual(openFds(), before));
