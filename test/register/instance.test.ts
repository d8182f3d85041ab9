/** The ring itself, and what the kernel can do: opcodes 8, 29, 33, 34, 35. */
import assert from 'node:assert/strict';
import { openSync } from 'node:fs';
import { test } from 'node:test';
import {
  addressOf,
  alloc,
  register,
  registerClock,
  registerEnableRings,
  registerMemRegion,
  registerProbe,
  registerQuery,
  registerResizeRings,
  registerSendMsgRing,
} from '../../lib/raw.ts';
import { pageSize } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { registerOps } from '../../structs/register-ops.ts';
import { knows, needs } from '../helpers/needs.ts';
import {
  answer,
  fdinfo,
  gives,
  hex,
  later,
  makeRing,
  NO_U32,
  openFds,
  own,
  pointer,
  refuses,
  u64,
  unfitViews,
  wrong,
} from '../helpers/raw-ring.ts';

const PAGE = pageSize();
const before = openFds();
const CLOCK = needs('REGISTER_CLOCK');
const RESIZE = needs('REGISTER_RESIZE_RINGS');
const REGION = needs('REGISTER_MEM_REGION');
const QUERY = needs('REGISTER_QUERY');
const {
  IORING_SETUP_DEFER_TASKRUN,
  IORING_SETUP_NO_SQARRAY,
  IORING_SETUP_R_DISABLED,
  IORING_SETUP_SINGLE_ISSUER,
} = constants;
const RESIZABLE = IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_NO_SQARRAY;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const zeros = (n: number): string => '00'.repeat(n);

// ---- probe ----------------------------------------------------------------------------------------------------------

test('a probe tells the operations, as often as it is asked', (t) => {
  const { fd } = makeRing(t);
  const found = registerProbe(fd);
  assert.deepEqual(registerProbe(fd), found);
  assert.equal(found.ops.length, found.lastOp + 1);
  assert.deepEqual(
    found.ops.map(({ op }) => op),
    found.ops.map((_, i) => i),
  );
  assert.deepEqual(found.ops[constants.IORING_OP_NOP], { op: 0, supported: true });
});

test('the bare opcode: the memory must be zero, nr_args at most 256', (t) => {
  const { fd } = makeRing(t);
  const op = constants.IORING_REGISTER_PROBE;
  const room = new Uint8Array(16 + 257 * 8);
  gives('EINVAL', 'nr 257', () => register(fd, op, room, 257));
  gives('EINVAL', 'NULL', () => register(fd, op, null, 1));
  gives(0, () => register(fd, op, room, 0));
  assert.equal(room[1], 0, 'ops_len');
  gives('EINVAL', 'used twice', () => register(fd, op, room, 4));
  room.fill(0);
  gives(0, 'an odd address', () => register(fd, op, room.subarray(1), 4));
  assert.equal(room[2], 4, 'ops_len');
});

// ---- clock ----------------------------------------------------------------------------------------------------------

test('a clock is checked before the call', (t) => {
  const { fd } = makeRing(t);
  for (const bad of [...NO_U32, undefined]) refuses('clockid', () => registerClock(fd, wrong(bad)));
});

test('CLOCK_MONOTONIC and CLOCK_BOOTTIME are accepted, others EINVAL', CLOCK, (t) => {
  const { fd } = makeRing(t);
  const accepted = Array.from({ length: 12 }, (_, i) => i).filter(
    (id) => answer(() => registerClock(fd, id)) === undefined,
  );
  assert.deepEqual(accepted, [1, 7]);
  gives('EINVAL', () => registerClock(fd, 2 ** 32 - 1));
});

test('a clock has nr_args 0: 1 is refused, against the man page', CLOCK, (t) => {
  const { fd } = makeRing(t);
  const op = constants.IORING_REGISTER_CLOCK;
  gives('EINVAL', 'nr 1', () => register(fd, op, hex(`07000000 ${zeros(12)}`), 1));
  gives('EINVAL', 'reserved', () => register(fd, op, hex(`07000000 ${zeros(11)} 01`), 0));
  gives('EINVAL', 'NULL', () => register(fd, op, null, 0));
  gives(0, () => register(fd, op, hex(`07000000 ${zeros(12)}`), 0));
});

// ---- resizing -------------------------------------------------------------------------------------------------------

test('sizes are checked before the call', (t) => {
  const { fd } = makeRing(t);
  for (const bad of [...NO_U32, undefined, 0])
    refuses('sizes.sqEntries', () => registerResizeRings(fd, { sqEntries: wrong(bad) }));
  for (const bad of NO_U32)
    refuses('sizes.cqEntries', () => registerResizeRings(fd, { sqEntries: 8, cqEntries: wrong(bad) }));
  for (const bad of [0, 1, 'x', null])
    refuses('sizes.clamp', () => registerResizeRings(fd, { sqEntries: 8, clamp: wrong(bad) }));
  refuses('sizes.entries', () => registerResizeRings(fd, wrong({ entries: 8 })));
  for (const options of [undefined, null, 5]) refuses('sizes', () => registerResizeRings(fd, wrong(options)));
});

test('queues grow and shrink', RESIZE, (t) => {
  const { fd } = makeRing(t, RESIZABLE);
  const grown = registerResizeRings(fd, { sqEntries: 30, cqEntries: 100 });
  assert.deepEqual([grown.sqEntries, grown.cqEntries], [32, 128]);
  assert.ok(grown.cqOff.cqes > 0);
  assert.deepEqual([fdinfo(fd, 'SqMask'), fdinfo(fd, 'CqMask')], ['0x1f', '0x7f']);
  const shrunk = registerResizeRings(fd, { sqEntries: 8 });
  assert.deepEqual([shrunk.sqEntries, shrunk.cqEntries], [8, 16]);
  assert.deepEqual([fdinfo(fd, 'SqMask'), fdinfo(fd, 'CqMask')], ['0x7', '0xf']);
});

test('completions that wait are kept, and must fit', RESIZE, (t) => {
  const ring = makeRing(t, RESIZABLE);
  for (let i = 1; i <= 12; i++) registerSendMsgRing(-1, { targetFd: ring.fd, userData: i, res: i });
  ring.getEvents();
  assert.equal(fdinfo(ring.fd, 'CQEs'), '12');
  registerResizeRings(ring.fd, { sqEntries: 8, cqEntries: 64 });
  assert.equal(fdinfo(ring.fd, 'CQEs'), '12');
  gives('EOVERFLOW', () => registerResizeRings(ring.fd, { sqEntries: 4 }));
});

test('too large is EINVAL, or clamped', RESIZE, (t) => {
  const { fd } = makeRing(t, RESIZABLE);
  gives('EINVAL', () => registerResizeRings(fd, { sqEntries: 65_536 }));
  const { sqEntries, cqEntries } = registerResizeRings(fd, { sqEntries: 65_536, clamp: true });
  assert.deepEqual([sqEntries, cqEntries], [32_768, 65_536]);
});

test('only a ring with SETUP_DEFER_TASKRUN can be resized', RESIZE, (t) => {
  gives('EINVAL', () => registerResizeRings(makeRing(t).fd, { sqEntries: 16 }));
});

test('the bare opcode: nr_args is 1, other setup flags are EINVAL', RESIZE, (t) => {
  const { fd } = makeRing(t, RESIZABLE);
  const call = (flags: string, nrArgs = 1, sqEntries = '10000000') =>
    answer(() =>
      register(
        fd,
        constants.IORING_REGISTER_RESIZE_RINGS,
        hex(`${sqEntries} 00000000 ${flags} ${zeros(108)}`),
        nrArgs,
      ),
    );
  assert.equal(call('00000000', 0), 'EINVAL', 'nr 0');
  assert.equal(call('02000000'), 'EINVAL', 'SQPOLL');
  assert.equal(call('00000000', 1, '00000000'), 'EINVAL', 'no entries');
  gives('EINVAL', 'NULL', () => register(fd, constants.IORING_REGISTER_RESIZE_RINGS, null, 1));
  assert.equal(call('00000000'), 0);
});

// ---- regions --------------------------------------------------------------------------------------------------------

test('a region is checked before the call', (t) => {
  const { fd } = makeRing(t);
  for (const bad of [-1, 1.5, Number.NaN, 2 ** 53, '1', 1n, null, undefined]) {
    refuses('region.size', () => registerMemRegion(fd, { size: wrong(bad) }));
  }
  for (const bad of NO_U32)
    refuses('region.flags', () => registerMemRegion(fd, { size: PAGE, flags: wrong(bad) }));
  for (const bad of [0, 1, 'x', null])
    refuses('region.regWaitArg', () => registerMemRegion(fd, { size: PAGE, regWaitArg: wrong(bad) }));
  for (const bad of [-1, 1.5, 2 ** 53, -1n, 2n ** 64n, '1', null, new ArrayBuffer(8)]) {
    refuses('region.userAddr', () => registerMemRegion(fd, { size: PAGE, userAddr: wrong(bad) }));
  }
  for (const [, view] of unfitViews())
    refuses('region.userAddr', () => registerMemRegion(fd, { size: 64, userAddr: view }));
  refuses('region.userAddr', () => registerMemRegion(fd, { size: 2 * PAGE, userAddr: alloc(PAGE) }));
  refuses('region.len', () => registerMemRegion(fd, wrong({ len: PAGE })));
  for (const options of [undefined, null, 5]) refuses('region', () => registerMemRegion(fd, wrong(options)));
});

test("a region of the kernel's memory is mapped at its offset, once for the ring", REGION, (t) => {
  const { fd } = makeRing(t);
  const { mmapOffset } = registerMemRegion(fd, { size: PAGE });
  const mapped = sys.mmap(PAGE, PROT_READ_WRITE, MAP_SHARED, fd, mmapOffset);
  assert.ok(mapped > 0);
  later(t, () => sys.munmap(mapped, PAGE));
  gives('EBUSY', () => registerMemRegion(fd, { size: PAGE }));
});

test("a region of one's own memory has no offset", REGION, (t) => {
  const { fd } = makeRing(t);
  assert.deepEqual(registerMemRegion(fd, { size: PAGE, userAddr: alloc(PAGE) }), { mmapOffset: 0 });
  const byNumber = makeRing(t);
  const memory = alloc(2 * PAGE);
  assert.deepEqual(registerMemRegion(byNumber.fd, { size: 2 * PAGE, userAddr: BigInt(addressOf(memory)) }), {
    mmapOffset: 0,
  });
  assert.equal(memory.byteLength, 2 * PAGE);
});

test('a region for waits must come before the ring is enabled', REGION, (t) => {
  const enabled = makeRing(t);
  gives('EINVAL', () => registerMemRegion(enabled.fd, { size: PAGE, regWaitArg: true }));
  const { fd } = makeRing(t, IORING_SETUP_R_DISABLED);
  registerMemRegion(fd, { size: PAGE, regWaitArg: true });
  registerEnableRings(fd);
});

test('a region is whole pages of mapped memory', REGION, (t) => {
  const { fd } = makeRing(t);
  const memory = alloc(2 * PAGE);
  const gone = sys.mmap(PAGE, PROT_READ_WRITE, 0x22, -1, 0);
  sys.munmap(gone, PAGE);
  const call = (region: Parameters<typeof registerMemRegion>[1]) =>
    answer(() => registerMemRegion(fd, region));
  assert.equal(call({ size: PAGE - 1 }), 'EINVAL');
  assert.equal(call({ size: 0 }), 'EINVAL');
  assert.equal(call({ size: PAGE, userAddr: addressOf(memory) + 8 }), 'EINVAL', 'not page-aligned');
  assert.equal(call({ size: PAGE, userAddr: gone }), 'EFAULT', 'not mapped');
  assert.equal(
    call({ size: PAGE, userAddr: memory, flags: 0 }),
    'EFAULT',
    "memory, but not said to be the user's",
  );
  assert.equal(call({ size: PAGE, flags: 1 }), 'EFAULT', "the user's memory, but none");
  assert.equal(call({ size: PAGE, flags: 0x8000_0000 }), 'EINVAL', 'an unknown flag');
});

test(
  'the bare opcode: nr_args is 1, reserved fields are 0, and the region is told by its address',
  REGION,
  (t) => {
    const { fd } = makeRing(t);
    const op = constants.IORING_REGISTER_MEM_REGION;
    const call = (argument: string, nrArgs = 1) => answer(() => register(fd, op, hex(argument), nrArgs));
    const size = u64(PAGE);
    const region = (rest: string) => hex(`${zeros(8)} ${size} ${rest}`);
    const right = region(zeros(48));
    assert.equal(call(`${pointer(right)} ${zeros(24)}`, 0), 'EINVAL', 'nr 0');
    assert.equal(call(`${pointer(right)} 02${zeros(23)}`), 'EINVAL', 'an unknown flag');
    assert.equal(call(`${pointer(right)} ${zeros(23)} 01`), 'EINVAL', 'reserved');
    assert.equal(call(zeros(32)), 'EFAULT', 'no region');
    gives('EINVAL', 'NULL', () => register(fd, op, null, 1));
    for (const [what, rest] of [
      ['id', `00000000 01000000 ${zeros(40)}`],
      ['mmap_offset', `${zeros(8)} 01${zeros(39)}`],
      ['reserved', `${zeros(47)} 01`],
    ] as const) {
      const bad = region(rest);
      assert.equal(call(`${pointer(bad)} ${zeros(24)}`), 'EINVAL', what);
      assert.equal(bad.byteLength, 64);
    }
    assert.equal(call(`${pointer(right)} ${zeros(24)}`), 0);
    assert.deepEqual(right.slice(24, 32), hex('0000002000000000'), 'the offset is written back');
  },
);

// ---- query ----------------------------------------------------------------------------------------------------------

test('a question is checked before the call', () => {
  for (const bad of ['OPCODES', 'IO_URING_QUERY_OPCODES', 0, null, undefined, {}])
    refuses('queryOp', () => registerQuery(-1, wrong(bad)));
});

test('a query agrees with the probe and with the features of a ring', QUERY, (t) => {
  const ring = makeRing(t);
  const found = registerQuery(-1, 'QUERY_OPCODES');
  assert.ok(found);
  assert.equal(found.nrRequestOpcodes, registerProbe(ring.fd).ops.length);
  assert.equal(found.featureFlags, BigInt(ring.params.features));
  assert.ok(found.nrQueryOpcodes > 0);
  const known = registerOps.filter(({ name }) => knows(name)).length;
  assert.equal(Math.min(found.nrRegisterOpcodes, registerOps.length), known);
  assert.deepEqual(registerQuery(ring.fd, 'QUERY_OPCODES'), found);
});

test('a question that the kernel does not know has no answer', QUERY, () => {
  const questions = registerQuery(-1, 'QUERY_OPCODES')?.nrQueryOpcodes ?? 0;
  for (const [i, name] of (['QUERY_OPCODES', 'QUERY_ZCRX', 'QUERY_SCQ'] as const).entries()) {
    assert.equal(registerQuery(-1, name) !== undefined, i < questions, name);
  }
});

test('an fd that is no ring is EOPNOTSUPP', QUERY, (t) => {
  const file = own(t, openSync('/dev/null', 'r'));
  gives('EOPNOTSUPP', () => registerQuery(file, 'QUERY_OPCODES'));
});

test('the bare opcode: nr_args is 0, and the header says what became of the question', QUERY, () => {
  const op = constants.IORING_REGISTER_QUERY;
  const data = new Uint8Array(48);
  const ask = (header: Uint8Array) => {
    const result = answer(() => register(-1, op, header, 0));
    return {
      result,
      size: new DataView(header.buffer).getUint32(20, true),
      of: new DataView(header.buffer).getInt32(24, true),
    };
  };
  const header = (size: string, result = '00000000', rest = zeros(12), what = '00000000', next = zeros(8)) =>
    hex(`${next} ${pointer(data)} ${what} ${size} ${result} ${rest}`);
  assert.deepEqual(ask(header('30000000')), { result: 0, size: 48, of: 0 });
  assert.deepEqual(ask(header('08000000')), { result: 0, size: 8, of: 0 }, 'a short answer');
  assert.equal(ask(header('00000000')).of, -22, 'no room');
  assert.equal(ask(header('30000000', '01000000')).of, -22, 'a result before');
  assert.equal(ask(header('30000000', '00000000', `${zeros(11)} 01`)).of, -22, 'reserved');
  assert.equal(ask(header('30000000', '00000000', zeros(12), 'ff000000')).of, -95, 'an unknown question');
  const second = header('30000000', '00000000', zeros(12), 'ff000000');
  const first = header('30000000', '00000000', zeros(12), '00000000', pointer(second));
  assert.deepEqual([ask(first).of, new DataView(second.buffer).getInt32(24, true)], [0, -95], 'a chain');
  const loop = header('30000000');
  loop.set(hex(pointer(loop)));
  assert.equal(ask(loop).result, 'ERANGE', 'a chain that has no end');
  gives('EINVAL', 'nr 1', () => register(-1, op, header('30000000'), 1));
  gives('EFAULT', 'no memory', () => register(-1, op, hex(`${zeros(20)} 30000000 ${zeros(16)}`), 0));
  gives(0, 'no question', () => register(-1, op, null, 0));
  assert.equal(data.byteLength, 48);
});

test('no fd is left open', () => assert.deepEqual(openFds(), before));
