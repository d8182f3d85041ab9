/** Rings of provided buffers: REGISTER_PBUF_RING, UNREGISTER_PBUF_RING, REGISTER_PBUF_STATUS. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addressOf,
  alloc,
  register,
  registerPbufRing,
  registerPbufStatus,
  unregisterPbufRing,
} from '../../lib/raw.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { needs } from '../helpers/needs.ts';
import {
  answer,
  gives,
  hex,
  makeRing,
  NO_U32,
  openFds,
  refuses,
  unfitViews,
  wrong,
} from '../helpers/raw-ring.ts';

const before = openFds();
const PBUF = needs('REGISTER_PBUF_RING');
const STATUS = needs('REGISTER_PBUF_STATUS');
/** IOU_PBUF_RING_INC came with 6.12, as this opcode. */
const INC = needs('REGISTER_PBUF_RING', 'REGISTER_CLONE_BUFFERS');
const { IOU_PBUF_RING_INC, IOU_PBUF_RING_MMAP, IORING_OFF_PBUF_RING } = constants;
const NO_U16 = [-1, 65_536, 1.5, Number.NaN, '1', 1n, null];
const PROT_READ_WRITE = 3;
const MAP_SHARED_POPULATE = 0x8001;

const memory = alloc(4096);

test('fields of a group are checked before the call', (t) => {
  const { fd } = makeRing(t);
  const right = { ringAddr: memory, ringEntries: 8, bgid: 1 };
  for (const bad of [...NO_U32, undefined, 0]) {
    refuses('group.ringEntries', () => registerPbufRing(fd, { ...right, ringEntries: wrong(bad) }));
  }
  for (const bad of [...NO_U16, undefined]) {
    refuses('group.bgid', () => registerPbufRing(fd, { ...right, bgid: wrong(bad) }));
    refuses('bgid', () => unregisterPbufRing(fd, wrong(bad)));
  }
  for (const bad of NO_U16)
    refuses('group.flags', () => registerPbufRing(fd, { ...right, flags: wrong(bad) }));
  for (const bad of NO_U32)
    refuses('group.minLeft', () => registerPbufRing(fd, { ...right, minLeft: wrong(bad) }));
  for (const bad of [...NO_U32, undefined]) refuses('bufGroup', () => registerPbufStatus(fd, wrong(bad)));
  for (const bad of [-1, 1.5, Number.NaN, 2 ** 53, -1n, 2n ** 64n, '1', null, new ArrayBuffer(8)]) {
    refuses('group.ringAddr', () => registerPbufRing(fd, { ...right, ringAddr: wrong(bad) }));
  }
  for (const [, view] of unfitViews())
    refuses('group.ringAddr', () => registerPbufRing(fd, { ...right, ringAddr: view }));
  refuses('group.bufGroup', () => registerPbufRing(fd, wrong({ ...right, bufGroup: 1 })));
  for (const options of [undefined, null, 5]) refuses('group', () => registerPbufRing(fd, wrong(options)));
});

test('memory that is shorter than its entries is refused', (t) => {
  const { fd } = makeRing(t);
  refuses('group.ringAddr', () => registerPbufRing(fd, { ringAddr: memory, ringEntries: 512, bgid: 1 }));
});

test('a group comes and goes: EEXIST twice, ENOENT without one', PBUF, (t) => {
  const { fd } = makeRing(t);
  gives('ENOENT', () => unregisterPbufRing(fd, 700));
  registerPbufRing(fd, { ringAddr: memory, ringEntries: 256, bgid: 700 });
  gives('EEXIST', () => registerPbufRing(fd, { ringAddr: memory, ringEntries: 8, bgid: 700 }));
  registerPbufRing(fd, { ringAddr: addressOf(alloc(4096)), ringEntries: 8, bgid: 65_535 });
  unregisterPbufRing(fd, 700);
  gives('ENOENT', () => unregisterPbufRing(fd, 700));
  unregisterPbufRing(fd, 65_535);
});

test("entries, alignment and flags are the kernel's to refuse", PBUF, (t) => {
  const { fd } = makeRing(t);
  const address = addressOf(memory);
  const gone = sys.mmap(4096, PROT_READ_WRITE, 0x22, -1, 0);
  sys.munmap(gone, 4096);
  const call = (group: Partial<Parameters<typeof registerPbufRing>[1]>) =>
    answer(() => registerPbufRing(fd, { ringAddr: address, ringEntries: 8, bgid: 1, ...group }));
  assert.equal(call({ ringAddr: 0 }), 'EFAULT', 'no address');
  assert.equal(call({ ringAddr: undefined }), 'EFAULT', 'no address');
  assert.equal(call({ ringAddr: gone }), 'EFAULT', 'not mapped');
  assert.equal(call({ ringAddr: address + 16 }), 'EINVAL', 'not page-aligned');
  assert.equal(call({ ringEntries: 7 }), 'EINVAL', 'no power of two');
  assert.equal(call({ ringEntries: 65_536 }), 'EINVAL', '65536 entries');
  assert.equal(call({ flags: 0x8000 }), 'EINVAL', 'an unknown flag');
  assert.equal(call({ ringAddr: alloc(32_768 * 16), ringEntries: 32_768 }), undefined);
});

test("a group of the kernel's own memory is mapped above 2^31", needs('REGISTER_PBUF_STATUS'), (t) => {
  const { fd } = makeRing(t);
  registerPbufRing(fd, { ringEntries: 8, bgid: 3, flags: IOU_PBUF_RING_MMAP });
  const map = (bgid: number) =>
    sys.mmap(4096, PROT_READ_WRITE, MAP_SHARED_POPULATE, fd, IORING_OFF_PBUF_RING + bgid * 65_536);
  const address = map(3);
  assert.ok(address > 0);
  sys.munmap(address, 4096);
  assert.ok(map(4) < 0, 'a group that is not there can not be mapped');
  unregisterPbufRing(fd, 3);
  assert.ok(map(3) < 0);
});

test('incremental groups have a least rest (minLeft)', INC, (t) => {
  const { fd } = makeRing(t);
  registerPbufRing(fd, { ringAddr: memory, ringEntries: 8, bgid: 1, flags: IOU_PBUF_RING_INC });
  gives('EINVAL', () => registerPbufRing(fd, { ringAddr: memory, ringEntries: 8, bgid: 2, minLeft: 1 }));
});

test('a group tells its head: 0 at first', STATUS, (t) => {
  const { fd } = makeRing(t);
  gives('ENOENT', () => registerPbufStatus(fd, 1));
  registerPbufRing(fd, { ringAddr: memory, ringEntries: 8, bgid: 1 });
  assert.equal(registerPbufStatus(fd, 1), 0);
  gives('ENOENT', 'the group is 32 bits wide here', () => registerPbufStatus(fd, 65_537));
});

test('the bare opcodes: nr_args is 1, and reserved fields are 0', STATUS, (t) => {
  const { fd } = makeRing(t);
  const { IORING_REGISTER_PBUF_RING, IORING_REGISTER_PBUF_STATUS, IORING_UNREGISTER_PBUF_RING } = constants;
  const none = '0000000000000000';
  const call = (op: number, bytes: string, nrArgs = 1) => answer(() => register(fd, op, hex(bytes), nrArgs));
  const group = (rest: string) => `${none} 08000000 0100 0100 ${rest}`;
  const zeros = (n: number) => '00'.repeat(n);
  assert.equal(call(IORING_REGISTER_PBUF_RING, group(zeros(24)), 0), 'EINVAL', 'nr 0');
  assert.equal(call(IORING_REGISTER_PBUF_RING, group(zeros(24)), 2), 'EINVAL', 'nr 2');
  assert.equal(call(IORING_REGISTER_PBUF_RING, group(`${zeros(23)}01`)), 'EINVAL', 'resv');
  gives('EINVAL', 'NULL', () => register(fd, IORING_REGISTER_PBUF_RING, null, 1));
  assert.equal(call(IORING_REGISTER_PBUF_RING, group(zeros(24))), 0);
  assert.equal(call(IORING_REGISTER_PBUF_STATUS, `01000000 00000000 ${zeros(32)}`, 0), 'EINVAL', 'nr 0');
  assert.equal(call(IORING_REGISTER_PBUF_STATUS, `01000000 00000000 ${zeros(31)}01`), 'EINVAL', 'resv');
  assert.equal(call(IORING_REGISTER_PBUF_STATUS, `01000000 00000000 ${zeros(32)}`), 0);
  assert.equal(
    call(IORING_UNREGISTER_PBUF_RING, `${none} 00000000 0100 0000 ${zeros(24)}`, 0),
    'EINVAL',
    'nr 0',
  );
  assert.equal(
    call(IORING_UNREGISTER_PBUF_RING, `${none} 00000000 0100 0100 ${zeros(24)}`),
    'EINVAL',
    'flags',
  );
  assert.equal(
    call(IORING_UNREGISTER_PBUF_RING, `${none} 00000000 0100 0000 ${zeros(23)}01`),
    'EINVAL',
    'resv',
  );
  gives('EINVAL', 'NULL', () => register(fd, IORING_UNREGISTER_PBUF_RING, null, 1));
  assert.equal(
    call(IORING_UNREGISTER_PBUF_RING, `${none} 08000000 0100 0000 ${zeros(24)}`),
    0,
    'ring_entries is ignored',
  );
});

test('no fd is left open', () => assert.deepEqual(openFds(), before));
