/** Rings by index instead of fd: REGISTER_RING_FDS, UNREGISTER_RING_FDS, IORING_REGISTER_USE_REGISTERED_RING. */
import assert from 'node:assert/strict';
import { openSync } from 'node:fs';
import { test } from 'node:test';
import {
  alloc,
  register,
  registerBuffers,
  registerProbe,
  registerRingFds,
  unregisterBuffers,
  unregisterRingFds,
} from '../../lib/raw.ts';
import { close } from '../../lib/sys/libc.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { needs, needsFeature } from '../helpers/needs.ts';
import {
  answer,
  fdinfo,
  gives,
  hex,
  later,
  makeRing,
  openFds,
  own,
  RawRing,
  refuses,
  s32,
  wrong,
} from '../helpers/raw-ring.ts';

const before = openFds();
const RING_FDS = needs('REGISTER_RING_FDS');
const BY_INDEX = needsFeature('FEAT_REG_REG_RING');
const { IORING_REGISTER_RING_FDS, IORING_UNREGISTER_RING_FDS } = constants;
const NO_FD = 0x7fff_fff0;
const ANY = 'ffffffff';

test('what is no list of rings is refused, by its place in the list', (t) => {
  const { fd } = makeRing(t);
  const tooMany = Array.from({ length: 17 }, () => ({ fd }));
  for (const list of [undefined, null, 5, {}, [], tooMany])
    refuses('rings', () => registerRingFds(fd, wrong(list)));
  for (const bad of [fd, 'x', true, null, undefined])
    refuses('rings[0]', () => registerRingFds(fd, [wrong(bad)]));
  for (const bad of [undefined, null, -1, 1.5, Number.NaN, 2 ** 31, '1', 1n]) {
    refuses('rings[1].fd', () => registerRingFds(fd, [{ fd }, { fd: wrong(bad) }]));
  }
  for (const bad of [null, -1, 16, 1.5, Number.NaN, '1', 1n]) {
    refuses('rings[0].offset', () => registerRingFds(fd, [{ fd, offset: wrong(bad) }]));
  }
  refuses('rings[0].index', () => registerRingFds(fd, [wrong({ fd, index: 1 })]));
  for (const list of [undefined, null, 5, {}, [], new Array(17).fill(0)]) {
    refuses('indices', () => unregisterRingFds(fd, wrong(list)));
  }
  for (const bad of [undefined, null, -1, 16, 1.5, Number.NaN, '1', 1n]) {
    refuses('indices[1]', () => unregisterRingFds(fd, [0, wrong(bad)]));
  }
});

test('the kernel picks an index, or takes the one that is wanted', RING_FDS, (t) => {
  const { fd } = makeRing(t);
  later(t, () => unregisterRingFds(fd, [0, 1, 7]));
  assert.deepEqual(registerRingFds(fd, [{ fd }]), [0]);
  assert.deepEqual(registerRingFds(fd, [{ fd, offset: 7 }, { fd }]), [7, 1]);
  gives('EBUSY', () => registerRingFds(fd, [{ fd, offset: 7 }]));
});

test('an index that is free counts as done when it is freed', RING_FDS, (t) => {
  const { fd } = makeRing(t);
  const [index = -1] = registerRingFds(fd, [{ fd }]);
  assert.equal(unregisterRingFds(fd, [index, 3, index]), 3);
});

test('16 rings fit, and a failure registers none of its list', RING_FDS, (t) => {
  const { fd } = makeRing(t);
  const all = Array.from({ length: 16 }, (_, i) => i);
  later(t, () => unregisterRingFds(fd, all));
  const three = registerRingFds(fd, [{ fd }, { fd }, { fd }]);
  const list = Array.from({ length: 16 }, () => ({ fd }));
  assert.throws(() => registerRingFds(fd, list), { code: 'EBUSY', opcode: 'REGISTER_RING_FDS' });
  assert.deepEqual(three, [0, 1, 2]);
  assert.deepEqual(registerRingFds(fd, list.slice(3)), all.slice(3), 'the 13 that went in came out again');
  gives('EBUSY', () => registerRingFds(fd, [{ fd }]));
});

test('what is no ring is EOPNOTSUPP, what is closed EBADF', RING_FDS, (t) => {
  const { fd } = makeRing(t);
  const file = own(t, openSync('/dev/null', 'r'));
  gives('EOPNOTSUPP', () => registerRingFds(fd, [{ fd: file }]));
  gives('EBADF', () => registerRingFds(fd, [{ fd: NO_FD }]));
  gives('EBADF', () => registerRingFds(fd, [{ fd, offset: 15 }, { fd: NO_FD }]));
  gives(1, () => unregisterRingFds(fd, [15]));
});

test('the bare opcodes: counts, offsets and reserved fields', RING_FDS, (t) => {
  const { fd } = makeRing(t);
  later(t, () => unregisterRingFds(fd, [0]));
  const add = (bytes: string, nrArgs = 1) =>
    answer(() => register(fd, IORING_REGISTER_RING_FDS, hex(bytes), nrArgs));
  assert.equal(add(`10000000 00000000 ${s32(fd, 0)}`), 'EINVAL', 'offset 16');
  assert.equal(add(`${ANY} 00000001 ${s32(fd, 0)}`), 'EINVAL', 'resv');
  assert.equal(add(`${ANY} 00000000 ${s32(fd, 0)}`, 0), 'EINVAL', 'nr 0');
  assert.equal(add(`${ANY} 00000000 ${s32(fd, 0)}`, 17), 'EINVAL', 'nr 17');
  gives('EFAULT', 'not mapped', () => register(fd, IORING_REGISTER_RING_FDS, 8, 1));
  const argument = hex(`${ANY} 00000000 ${s32(fd, 0)}`);
  assert.equal(register(fd, IORING_REGISTER_RING_FDS, argument, 1), 1);
  assert.deepEqual(argument, hex(`00000000 00000000 ${s32(fd, 0)}`), 'the index is written back');
  const remove = (bytes: string, nrArgs = 1) =>
    answer(() => register(fd, IORING_UNREGISTER_RING_FDS, hex(bytes), nrArgs));
  assert.equal(remove('00000000 00000000 0100000000000000'), 'EINVAL', 'data');
  assert.equal(remove('00000000 00000001 0000000000000000'), 'EINVAL', 'resv');
  assert.equal(remove('10000000 00000000 0000000000000000'), 'EINVAL', 'offset 16');
  assert.equal(remove('00000000 00000000 0000000000000000', 0), 'EINVAL', 'nr 0');
  assert.equal(remove('00000000 00000000 0000000000000000', 17), 'EINVAL', 'nr 17');
});

test('every call goes through the index when the fd is closed, the last one frees it', BY_INDEX, () => {
  const ring = new RawRing(0);
  const [registeredIndex = -1] = registerRingFds(ring.fd, [{ fd: ring.fd }]);
  close(ring.fd);
  const index = { registeredIndex };
  assert.ok(registerProbe(index).lastOp > 0);
  registerBuffers(index, [alloc(4096)]);
  gives('EBUSY', () => registerBuffers(index, [alloc(4096)]));
  unregisterBuffers(index);
  assert.equal(unregisterRingFds(index, [registeredIndex]), 1);
  gives('EBADF', () => registerProbe(index));
});

test('an index is passed on with the opcode unsigned, bit 31 set', BY_INDEX, (t) => {
  const { fd } = makeRing(t);
  const seen: unknown[] = [];
  const { register: real } = sys;
  later(t, () => Object.assign(sys, { register: real }));
  sys.register = (...given) => {
    seen.push(given);
    return 0;
  };
  unregisterBuffers({ registeredIndex: 9 });
  unregisterBuffers(fd);
  assert.deepEqual(seen, [
    [9, 0x8000_0001, 0, 0],
    [fd, 1, 0, 0],
  ]);
});

test('an index above 15 is EINVAL', BY_INDEX, (t) => {
  makeRing(t);
  const opcode = (constants.IORING_REGISTER_PROBE | constants.IORING_REGISTER_USE_REGISTERED_RING) >>> 0;
  gives('EINVAL', () => register(16, opcode, new Uint8Array(16), 0));
  gives('EINVAL', () => register(-1, opcode, new Uint8Array(16), 0));
});

test('an error through an index says so', BY_INDEX, (t) => {
  const { fd } = makeRing(t);
  const [registeredIndex = -1] = registerRingFds(fd, [{ fd }]);
  later(t, () => unregisterRingFds(fd, [registeredIndex]));
  assert.throws(() => unregisterBuffers({ registeredIndex }), {
    code: 'ENXIO',
    opcode: 'UNREGISTER_BUFFERS',
    fd: registeredIndex,
  });
  assert.equal(fdinfo(fd, 'UserBufs'), '0');
});

test('no fd is left open', () => assert.deepEqual(openFds(), before));
