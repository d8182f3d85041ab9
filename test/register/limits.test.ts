/** Restrictions, workers, filters: opcodes 11, 12, 17, 18, 19, 37. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type RestrictionRule,
  register,
  registerBpfFilter,
  registerEnableRings,
  registerFiles,
  registerFilesUpdate,
  registerIowqAff,
  registerIowqMaxWorkers,
  registerPersonality,
  registerProbe,
  registerRestrictions,
  unregisterFiles,
  unregisterIowqAff,
} from '../../lib/raw.ts';
import { constants } from '../../structs/flags.ts';
import { koffi } from '../../structs/koffi.ts';
import { knows, needs } from '../helpers/needs.ts';
import { gives, hex, later, makeRing, NO_U32, openFds, refuses, told, wrong } from '../helpers/raw-ring.ts';

const before = openFds();
const RESTRICT = needs('REGISTER_RESTRICTIONS');
const AFFINITY = needs('REGISTER_IOWQ_AFF');
const LIMITS = needs('REGISTER_IOWQ_MAX_WORKERS');
const FILTER = needs('REGISTER_BPF_FILTER');
const { IORING_SETUP_R_DISABLED, IORING_SETUP_SINGLE_ISSUER } = constants;
const NO_U8 = [-1, 256, 1.5, Number.NaN, 1n, null, undefined, {}];

const allow = (
  registerOp: number | 'REGISTER_PROBE' | 'REGISTER_FILES' | 'UNREGISTER_FILES',
): RestrictionRule => ({
  opcode: 'RESTRICTION_REGISTER_OP',
  registerOp,
});

// ---- restrictions ---------------------------------------------------------------------------------------------------

test('what is no list of rules is refused, by its place in the list', (t) => {
  const { fd } = makeRing(t, IORING_SETUP_R_DISABLED);
  const call = (...rules: unknown[]) => registerRestrictions(fd, wrong(rules));
  for (const list of [undefined, null, 5, {}, new Array(108).fill(allow(1))]) {
    refuses('rules', () => registerRestrictions(fd, wrong(list)));
  }
  for (const bad of [undefined, null, 5, 'x']) refuses('rules[1]', () => call(allow(1), bad));
  for (const bad of [{}, { opcode: 1 }, { opcode: 'SQE_OP' }, { registerOp: 1 }]) {
    refuses('rules[1].opcode', () => call(allow(1), bad));
  }
  for (const bad of [...NO_U8, 'OP_NOP', 'REGISTER_FILES3', 'registerFiles']) {
    refuses('rules[0].registerOp', () => call({ opcode: 'RESTRICTION_REGISTER_OP', registerOp: bad }));
  }
  for (const bad of [...NO_U8, 'REGISTER_FILES', 'NOP', 'op_nop']) {
    refuses('rules[0].sqeOp', () => call({ opcode: 'RESTRICTION_SQE_OP', sqeOp: bad }));
  }
  for (const bad of [...NO_U8, 'IOSQE_ASYNC']) {
    refuses('rules[0].sqeFlags', () => call({ opcode: 'RESTRICTION_SQE_FLAGS_ALLOWED', sqeFlags: bad }));
    refuses('rules[0].sqeFlags', () => call({ opcode: 'RESTRICTION_SQE_FLAGS_REQUIRED', sqeFlags: bad }));
  }
  refuses('rules[0].sqeOp', () => call({ opcode: 'RESTRICTION_REGISTER_OP', registerOp: 1, sqeOp: 1 }));
  refuses('rules[0].sqeFlag', () => call({ opcode: 'RESTRICTION_SQE_FLAGS_ALLOWED', sqeFlag: 1 }));
});

test('each rule of the list holds, not only the first', RESTRICT, (t) => {
  const { fd } = makeRing(t, IORING_SETUP_R_DISABLED);
  registerRestrictions(fd, [
    { opcode: 'RESTRICTION_SQE_OP', sqeOp: 'OP_READ' },
    allow('REGISTER_PROBE'),
    { opcode: 'RESTRICTION_SQE_FLAGS_REQUIRED', sqeFlags: constants.IOSQE_FIXED_FILE },
    allow(constants.IORING_REGISTER_FILES),
    allow('UNREGISTER_FILES'),
  ]);
  assert.equal(registerPersonality(fd), 1, 'rules hold from ENABLE_RINGS on');
  registerEnableRings(fd);
  assert.ok(registerProbe(fd).lastOp > 0);
  registerFiles(fd, [-1]);
  gives('EACCES', () => registerFilesUpdate(fd, { offset: 0, fds: [-1] }));
  gives('EACCES', () => registerPersonality(fd));
  unregisterFiles(fd);
  gives('EACCES', () => registerEnableRings(fd));
});

test('an empty list denies all', RESTRICT, (t) => {
  const { fd } = makeRing(t, IORING_SETUP_R_DISABLED);
  registerRestrictions(fd, []);
  registerEnableRings(fd);
  gives('EACCES', () => registerProbe(fd));
});

test('restrictions are set once, on a ring that is disabled', RESTRICT, (t) => {
  const enabled = makeRing(t);
  gives('EBADFD', () => registerRestrictions(enabled.fd, [allow(8)]));
  const { fd } = makeRing(t, IORING_SETUP_R_DISABLED);
  registerRestrictions(fd, [allow(8)]);
  gives('EBUSY', () => registerRestrictions(fd, [allow(8)]));
  registerEnableRings(fd);
});

test('rules that the kernel does not know are EINVAL, and leave no trace', RESTRICT, (t) => {
  const { fd } = makeRing(t, IORING_SETUP_R_DISABLED);
  gives('EINVAL', () => registerRestrictions(fd, [allow(8), allow(255)]));
  gives('EINVAL', () => registerRestrictions(fd, [{ opcode: 'RESTRICTION_SQE_OP', sqeOp: 255 }]));
  const op = constants.IORING_REGISTER_RESTRICTIONS;
  const none = '00'.repeat(12);
  gives('EINVAL', 'an unknown kind of rule', () => register(fd, op, hex(`0900 00 00 ${none}`), 1));
  gives('EINVAL', 'NULL', () => register(fd, op, null, 1));
  gives('EINVAL', 'too many', () => register(fd, op, hex(`0100 00 00 ${none}`), 2 ** 31));
  registerRestrictions(fd, [allow('REGISTER_PROBE')]);
  registerEnableRings(fd);
  assert.ok(registerProbe(fd).lastOp > 0);
});

test('a restriction of the whole thread is one struct with its rules behind', (t) => {
  const { fd } = makeRing(t);
  // nr_args 1 and this layout since 7.0; older kernels refuse fd -1, and a newer one would restrict this very test
  if (knows('REGISTER_BPF_FILTER')) return;
  const [message] = told(() =>
    registerRestrictions(-1, [allow(8), { opcode: 'RESTRICTION_SQE_OP', sqeOp: 'OP_READ' }]),
  );
  // EBADF before Linux 6.13, where no opcode acted without a ring
  assert.match(message?.code ?? '', /^(EINVAL|EBADF)$/);
  assert.deepEqual([message?.fd, message?.opcode, message?.nrArgs], [-1, 11, 1]);
  const none = '00'.repeat(12);
  assert.deepEqual(message?.argRaw, hex(`0000 0200 ${none} 0000 08 00 ${none} 0100 16 00 ${none}`));
  assert.ok(fd >= 0);
});

// ---- a ring that starts disabled ---------------------------------------------------------------------------------------

test('a ring is enabled once', RESTRICT, (t) => {
  const { fd } = makeRing(t, IORING_SETUP_R_DISABLED);
  const op = constants.IORING_REGISTER_ENABLE_RINGS;
  gives('EINVAL', 'an argument', () => register(fd, op, hex('00'), 0));
  gives('EINVAL', 'nr 1', () => register(fd, op, null, 1));
  registerEnableRings(fd);
  gives('EBADFD', () => registerEnableRings(fd));
  gives('EBADFD', () => registerEnableRings(makeRing(t).fd));
});

test(
  'who enables a single-issuer ring owns it: its maker gets EEXIST',
  needs('REGISTER_SYNC_CANCEL'),
  async (t) => {
    const { fd } = makeRing(t, IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER);
    assert.equal(registerPersonality(fd), 1, 'nobody owns it yet');
    const syscall = koffi
      ?.load(null)
      .func('syscall', 'long', ['long', 'int', 'uint32_t', 'uintptr_t', 'uint32_t']);
    const enabled = await new Promise((resolve) => {
      // on a thread of koffi's pool
      syscall?.async(427, fd, constants.IORING_REGISTER_ENABLE_RINGS, 0, 0, (_: unknown, result: number) =>
        resolve(result),
      );
    });
    assert.equal(enabled, 0);
    assert.throws(() => registerProbe(fd), {
      code: 'EEXIST',
      opcode: 'REGISTER_PROBE',
      hint: /single issuer/,
    });
  },
);

// ---- workers --------------------------------------------------------------------------------------------------------

test('what is no list of CPUs is refused, by its place in the list', (t) => {
  const { fd } = makeRing(t);
  for (const list of [undefined, null, 5, {}, [], new Uint8Array(1)])
    refuses('cpus', () => registerIowqAff(fd, wrong(list)));
  for (const bad of [-1, 8192, 1.5, Number.NaN, '1', 1n, null, undefined])
    refuses('cpus[1]', () => registerIowqAff(fd, [0, wrong(bad)]));
});

test('CPUs become a mask, its length in bytes is nr_args', AFFINITY, (t) => {
  const { fd } = makeRing(t);
  later(t, () => unregisterIowqAff(fd));
  const mask = (...cpus: number[]) => {
    const [message] = told(() => registerIowqAff(fd, cpus));
    assert.equal(message?.code, null);
    assert.equal(message.nrArgs, message.argRaw?.byteLength);
    return Buffer.from(message.argRaw ?? []).toString('hex');
  };
  assert.equal(mask(0), '0100000000000000');
  assert.equal(mask(0, 0, 64), `0100000000000000${'0100000000000000'}`, 'what was there before is gone');
  assert.equal(mask(0), '0100000000000000');
  assert.equal(mask(0, 63), '0100000000000080');
  assert.equal(mask(0, 8191).length, 2048);
});

test('the mask belongs to the thread and can be dropped any time', AFFINITY, (t) => {
  const { fd } = makeRing(t);
  gives(undefined, () => registerIowqAff(fd, [0]));
  gives(undefined, () => unregisterIowqAff(fd));
  gives(undefined, () => unregisterIowqAff(fd));
});

test('the bare opcodes: a mask without bytes is EINVAL, and none to undo', AFFINITY, (t) => {
  const { fd } = makeRing(t);
  const { IORING_REGISTER_IOWQ_AFF, IORING_UNREGISTER_IOWQ_AFF } = constants;
  gives('EINVAL', 'nr 0', () => register(fd, IORING_REGISTER_IOWQ_AFF, hex('01'), 0));
  gives('EINVAL', 'NULL', () => register(fd, IORING_REGISTER_IOWQ_AFF, null, 8));
  gives(0, 'one byte', () => register(fd, IORING_REGISTER_IOWQ_AFF, hex('01'), 1));
  gives('EINVAL', 'an argument', () => register(fd, IORING_UNREGISTER_IOWQ_AFF, hex('01'), 0));
  gives('EINVAL', 'nr 1', () => register(fd, IORING_UNREGISTER_IOWQ_AFF, null, 1));
  gives(0, () => register(fd, IORING_UNREGISTER_IOWQ_AFF));
});

test('limits are checked before the call', (t) => {
  const { fd } = makeRing(t);
  for (const bad of NO_U32) {
    refuses('limits.bounded', () => registerIowqMaxWorkers(fd, { bounded: wrong(bad) }));
    refuses('limits.unbounded', () => registerIowqMaxWorkers(fd, { unbounded: wrong(bad) }));
  }
  refuses('limits.unBounded', () => registerIowqMaxWorkers(fd, wrong({ unBounded: 1 })));
  for (const options of [null, 5]) refuses('limits', () => registerIowqMaxWorkers(fd, wrong(options)));
});

test(
  'worker limits are two u32: set one by one, read back, shared by the rings of the thread',
  LIMITS,
  (t) => {
    const { fd } = makeRing(t);
    const former = registerIowqMaxWorkers(fd);
    later(t, () => registerIowqMaxWorkers(fd, former));
    assert.ok(former.bounded > 0 && former.unbounded > 0);
    assert.deepEqual(registerIowqMaxWorkers(fd, { bounded: 3 }), former);
    assert.deepEqual(registerIowqMaxWorkers(fd, { unbounded: 2 }), { ...former, bounded: 3 });
    assert.deepEqual(registerIowqMaxWorkers(fd, { bounded: 0, unbounded: 0 }), { bounded: 3, unbounded: 2 });
    assert.deepEqual(registerIowqMaxWorkers(makeRing(t).fd), { bounded: 3, unbounded: 2 });
  },
);

test('a limit above 2^31-1 is EINVAL', LIMITS, (t) => {
  const { fd } = makeRing(t);
  const former = registerIowqMaxWorkers(fd);
  gives('EINVAL', () => registerIowqMaxWorkers(fd, { bounded: 2 ** 31 }));
  gives('EINVAL', () => registerIowqMaxWorkers(fd, { unbounded: 2 ** 32 - 1 }));
  assert.deepEqual(registerIowqMaxWorkers(fd), former);
});

test('the bare opcode: nr_args is 2', LIMITS, (t) => {
  const { fd } = makeRing(t);
  const op = constants.IORING_REGISTER_IOWQ_MAX_WORKERS;
  gives('EINVAL', 'nr 1', () => register(fd, op, hex('00'.repeat(12)), 1));
  gives('EINVAL', 'nr 3', () => register(fd, op, hex('00'.repeat(12)), 3));
  gives('EINVAL', 'NULL', () => register(fd, op, null, 2));
  gives(0, () => register(fd, op, hex('00'.repeat(8)), 2));
});

// ---- filters --------------------------------------------------------------------------------------------------------

test('a program is checked before the call', (t) => {
  const { fd } = makeRing(t);
  const right = { opcode: 'OP_NOP', filter: [{ code: 6, k: 1 }] } as const;
  for (const bad of [...NO_U32, undefined, 'NOP', 'REGISTER_FILES']) {
    refuses('program.opcode', () => registerBpfFilter(fd, { ...right, opcode: wrong(bad) }));
  }
  for (const bad of NO_U32)
    refuses('program.flags', () => registerBpfFilter(fd, { ...right, flags: wrong(bad) }));
  for (const bad of [-1, 256, 1.5, '1', null])
    refuses('program.pduSize', () => registerBpfFilter(fd, { ...right, pduSize: wrong(bad) }));
  const tooMany = new Array(4097).fill({ code: 6 });
  for (const bad of [
    undefined,
    null,
    5,
    [],
    tooMany,
    new Uint8Array(0),
    new Uint8Array(7),
    new Uint8Array(4097 * 8),
    new Uint16Array(8),
  ]) {
    refuses('program.filter', () => registerBpfFilter(fd, { ...right, filter: wrong(bad) }));
  }
  for (const bad of [undefined, null, 5, 'x'])
    refuses('program.filter[0]', () => registerBpfFilter(fd, { ...right, filter: [wrong(bad)] }));
  refuses('program.filter[0].K', () => registerBpfFilter(fd, { ...right, filter: [wrong({ K: 1 })] }));
  refuses('sock_filter.code', () => registerBpfFilter(fd, { ...right, filter: [{ code: 65_536 }] }));
  refuses('program.filters', () => registerBpfFilter(fd, wrong({ ...right, filters: [] })));
  for (const options of [undefined, null, 5]) refuses('program', () => registerBpfFilter(fd, wrong(options)));
});

test('a filter is accepted by a ring', FILTER, (t) => {
  const { fd } = makeRing(t);
  gives(undefined, () => registerBpfFilter(fd, { opcode: 'OP_NOP', filter: [{ code: 6, k: 1 }] }));
  gives('EINVAL', () => registerBpfFilter(fd, { opcode: 255, filter: hex('0600 00 00 01000000') }));
  gives('EINVAL', () => registerBpfFilter(fd, { opcode: 0, filter: hex('ffff 00 00 01000000') }));
});

test('a kernel without filters says which one has them', {
  skip: knows('REGISTER_BPF_FILTER') && 'this one has them',
}, (t) => {
  const { fd } = makeRing(t);
  for (const ring of [fd, -1]) {
    assert.throws(() => registerBpfFilter(ring, { opcode: 0, filter: [{ code: 6, k: 1 }] }), {
      code: 'ERR_URING_UNSUPPORTED',
      need: 'REGISTER_BPF_FILTER',
      since: '7.0',
    });
  }
});

test('no fd is left open', () => assert.deepEqual(openFds(), before));
