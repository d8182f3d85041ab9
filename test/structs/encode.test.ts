import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AttrPi,
  BpfCtx,
  BufReg,
  BufRing,
  Cqe,
  Iovec,
  KernelTimespec,
  Napi,
  Params,
  Probe,
  QueryHdr,
  Restriction,
  RsrcRegister,
  RsrcUpdate2,
  Sqe,
  SyncCancelReg,
  TaskRestriction,
  type ValueOf,
} from '../../structs/index.ts';

const TYPE = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
const VALUE = { name: 'RangeError', code: 'ERR_INVALID_ARG_VALUE' };

/** A value that the compiler would refuse, as a JavaScript caller may pass it. */
function wrong(value: unknown): never {
  const box: { value: never } = Object.assign(JSON.parse('{}'), { value });
  return box.value;
}

test('a 32-bit field refuses what it can not hold, and names itself', () => {
  for (const bad of [
    Number.NaN,
    1.5,
    -1,
    2 ** 32,
    2 ** 53,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ]) {
    assert.throws(() => RsrcRegister.encode({ nr: bad }), {
      ...VALUE,
      message: /"io_uring_rsrc_register\.nr"/,
    });
  }
  for (const bad of ['1', 1n, true, null, {}, [1]]) {
    assert.throws(() => RsrcRegister.encode({ nr: wrong(bad) }), {
      ...TYPE,
      message: /io_uring_rsrc_register\.nr/,
    });
  }
});

test('a 64-bit field refuses what it can not hold', () => {
  for (const bad of [
    Number.NaN,
    1.5,
    -1,
    2 ** 53,
    2 ** 64,
    -(2 ** 40),
    Number.POSITIVE_INFINITY,
    2n ** 64n,
    -1n,
  ]) {
    assert.throws(() => RsrcRegister.encode({ data: bad }), {
      ...VALUE,
      message: /io_uring_rsrc_register\.data/,
    });
  }
  for (const bad of ['1', true, null, {}])
    assert.throws(() => RsrcRegister.encode({ data: wrong(bad) }), TYPE);
  assert.throws(() => Iovec.encode({ iovBase: wrong('a string is no address') }), TYPE);
});

test('8-bit, 16-bit and signed fields refuse what they can not hold', () => {
  for (const bad of [256, -1, 0.5, Number.NaN]) assert.throws(() => Napi.encode({ opcode: bad }), VALUE);
  for (const bad of [65536, -1, 0.5, Number.NaN]) assert.throws(() => BufReg.encode({ bgid: bad }), VALUE);
  for (const bad of [2 ** 31, -(2 ** 31) - 1, 0.5, Number.NaN])
    assert.throws(() => Sqe.encode({ fd: bad }), VALUE);
  for (const bad of [2n ** 63n, -(2n ** 63n) - 1n, 2 ** 53, 0.5]) {
    assert.throws(() => KernelTimespec.encode({ tvSec: bad }), VALUE);
  }
  for (const bad of ['1', null]) {
    assert.throws(() => Napi.encode({ opcode: wrong(bad) }), TYPE);
    assert.throws(() => BufReg.encode({ bgid: wrong(bad) }), TYPE);
    assert.throws(() => Sqe.encode({ fd: wrong(bad) }), TYPE);
    assert.throws(() => KernelTimespec.encode({ tvSec: wrong(bad) }), TYPE);
  }
});

test('an unknown, a misspelt and a reserved field are refused, and the fields that exist are named', () => {
  const known = { ...VALUE, message: /nr, flags, data, tags/ };
  // @ts-expect-error: no such field
  assert.throws(() => RsrcRegister.encode({ nope: 1 }), known);
  // @ts-expect-error: misspelt
  assert.throws(() => RsrcRegister.encode({ Nr: 1 }), known);
  // @ts-expect-error: a reserved field is no part of a value
  assert.throws(() => RsrcRegister.encode({ resv2: 0 }), known);
  // @ts-expect-error: C's spelling
  assert.throws(() => Sqe.encode({ user_data: 1 }), VALUE);
  // @ts-expect-error: unknown, though undefined
  assert.throws(() => RsrcRegister.encode({ nope: undefined }), known);
});

test('a value that is no object is refused, also where a struct is nested', () => {
  for (const bad of [undefined, null, 1, 'x']) {
    assert.throws(() => RsrcRegister.encode(wrong(bad)), { ...TYPE, message: /io_uring_rsrc_register/ });
    if (bad !== undefined) assert.throws(() => SyncCancelReg.encode({ timeout: wrong(bad) }), TYPE);
  }
  assert.throws(() => Probe.encode({ ops: wrong(5) }), TYPE);
  assert.throws(() => Probe.encode({ ops: [wrong(5)] }), TYPE);
  assert.throws(() => Cqe.encode({ bigCqe: [1, wrong('2')] }), {
    ...TYPE,
    message: /io_uring_cqe\.bigCqe\[1\]/,
  });
});

test('two members of one union are refused, two of one variant and of different unions are not', () => {
  assert.throws(() => Sqe.encode({ off: 1, addr2: 2 }), { ...VALUE, message: /addr2.*absent beside off/ });
  assert.throws(() => Sqe.encode({ addr: 1, level: 2 }), VALUE);
  assert.throws(() => Restriction.encode({ opcode: 0, registerOp: 1, sqeOp: 1 }), VALUE);
  assert.doesNotThrow(() => Sqe.encode({ level: 1, optname: 2, off: 3, optval: 4 }));
  assert.doesNotThrow(() => Sqe.encode({ off: 1, addr2: undefined }));
});

test('bytes that are too short, no Uint8Array, or a bad offset are refused before anything is written', () => {
  const bytes = new Uint8Array(40).fill(0xee);
  assert.throws(() => RsrcRegister.encodeInto(bytes.subarray(0, 31), { nr: 1 }), {
    ...VALUE,
    message: /32 bytes/,
  });
  for (const offset of [9, -1, 0.5, Number.NaN, 2 ** 53]) {
    assert.throws(() => RsrcRegister.encodeInto(bytes, { nr: 1 }, offset), VALUE);
    assert.throws(() => RsrcRegister.decode(bytes, offset), VALUE);
  }
  assert.throws(() => RsrcRegister.encodeInto(wrong([1, 2, 3]), { nr: 1 }), TYPE);
  assert.throws(() => RsrcRegister.encodeInto(wrong(new Uint32Array(8)), { nr: 1 }), TYPE);
  assert.throws(() => RsrcRegister.decode(wrong(new DataView(new ArrayBuffer(32)))), TYPE);
  assert.throws(() => RsrcRegister.decode(bytes.subarray(0, 31)), {
    ...VALUE,
    message: /io_uring_rsrc_register/,
  });
  assert.throws(() => Probe.encodeInto(bytes.subarray(0, 23), { ops: [{ op: 1 }] }), {
    ...VALUE,
    message: /24 bytes/,
  });
  assert.deepEqual(bytes, new Uint8Array(40).fill(0xee));
});

test('encode gives the bytes that the kernel reads', () => {
  const bytes = RsrcUpdate2.encode({
    offset: 3,
    data: 0x7f12_3456_789a,
    tags: 0xffff_ffff_ffff_ffffn,
    nr: 0xffff_ffff,
  });
  assert.equal(
    Buffer.from(bytes).toString('hex'),
    `03000000${'00000000'}9a785634127f0000${'ff'.repeat(12)}00000000`,
  );
  assert.equal(bytes.byteLength, RsrcUpdate2.size);
});

test('an empty value is all zeros, an undefined field is an absent one', () => {
  assert.deepEqual(Params.encode({}), new Uint8Array(120));
  assert.deepEqual(RsrcRegister.encode({ nr: undefined, data: undefined }), new Uint8Array(32));
});

test('encodeInto leaves no junk in absent and reserved fields, and touches nothing beside the struct', () => {
  const bytes = new Uint8Array(48).fill(0xff);
  assert.equal(RsrcUpdate2.encodeInto(bytes, { nr: 1 }, 8), 32);
  assert.deepEqual(bytes.subarray(8, 40), RsrcUpdate2.encode({ nr: 1 }));
  assert.deepEqual(
    [...bytes.subarray(0, 8), ...bytes.subarray(40)],
    Array.from({ length: 16 }, () => 0xff),
  );
  assert.equal(RsrcUpdate2.decode(bytes, 8).nr, 1);
});

test('encodeInto writes through a Buffer and a view that does not begin at its buffer', () => {
  const base = new Uint8Array(100);
  RsrcRegister.encodeInto(Buffer.from(base.buffer, 5, 40), { nr: 258 }, 3);
  assert.deepEqual([base[8], base[9]], [2, 1]);
  assert.equal(RsrcRegister.decode(Buffer.from(base.buffer, 5, 40), 3).nr, 258);
});

test('decode gives every 64-bit field as a bigint, small ones too, and narrower ones as numbers', () => {
  assert.deepEqual(RsrcRegister.decode(RsrcRegister.encode({ nr: 1, data: 5 })), {
    nr: 1,
    flags: 0,
    data: 5n,
    tags: 0n,
  });
  assert.deepEqual(Iovec.decode(Iovec.encode({ iovBase: 4096, iovLen: 1 })), { iovBase: 4096n, iovLen: 1n });
  assert.deepEqual(KernelTimespec.decode(KernelTimespec.encode({ tvSec: -1, tvNsec: -2n })), {
    tvSec: -1n,
    tvNsec: -2n,
  });
  assert.equal(QueryHdr.decode(QueryHdr.encode({ result: -95 })).result, -95);
});

test('decode leaves reserved fields out', () => {
  assert.deepEqual(Object.keys(AttrPi.decode(new Uint8Array(32))), [
    'flags',
    'appTag',
    'len',
    'addr',
    'seed',
  ]);
});

test('nested structs are encoded and decoded in place', () => {
  const bytes = Params.encode({ flags: 8, sqOff: { array: 7 }, cqOff: { userAddr: 2n ** 63n } });
  const { flags, sqOff, cqOff } = Params.decode(bytes);
  assert.deepEqual([flags, sqOff.array, cqOff.userAddr], [8, 7, 2n ** 63n]);
  assert.equal(bytes[Params.at.sqOff + 24], 7);
});

test('every member of a union is decoded', () => {
  const { off, addr2, cmdOp } = Sqe.decode(Sqe.encode({ off: 0x1_0000_0005n }));
  assert.deepEqual([off, addr2, cmdOp], [0x1_0000_0005n, 0x1_0000_0005n, 5]);
  assert.deepEqual(BpfCtx.decode(BpfCtx.encode({ socket: { family: 2, type: 1 } })).socket, {
    family: 2,
    type: 1,
    protocol: 0,
  });
});

test('a flexible array makes the encoding longer, and decodes from what is left', () => {
  const probe = Probe.encode({
    lastOp: 2,
    ops: [
      { op: 0, flags: 1 },
      { op: 1, flags: 1 },
    ],
  });
  assert.equal(probe.byteLength, 32);
  assert.deepEqual(Probe.decode(probe).ops, [
    { op: 0, flags: 1 },
    { op: 1, flags: 1 },
  ]);
  assert.deepEqual(Probe.decode(probe.subarray(0, 31)).ops, [{ op: 0, flags: 1 }]);
  const rules = TaskRestriction.encode({ nrRes: 1, restrictions: [{ opcode: 1, sqeOp: 22 }] });
  assert.deepEqual([rules.byteLength, rules[16], rules[18]], [32, 1, 22]);
  assert.deepEqual(Cqe.decode(Cqe.encode({ res: -2, bigCqe: [1, 2n] })).bigCqe, [1n, 2n]);
});

test('a flexible array inside a union begins at the union, and does not shorten the struct', () => {
  assert.equal(Sqe.encode({ cmd: [1, 2] }).byteLength, 64);
  assert.equal(Sqe.encode({ cmd: Array.from({ length: 80 }, () => 1) }).byteLength, 128);
  assert.equal(Sqe.encode({ cmd: [7] })[48], 7);
  const ring = BufRing.encode({ bufs: [{ addr: 4096, len: 8, bid: 1 }, { bid: 2 }] });
  assert.equal(ring.byteLength, 32);
  assert.equal(BufRing.decode(ring).bufs[1]?.bid, 2);
  assert.equal(BufRing.encode({ tail: 513 })[15], 2);
});

test('TypeScript infers the value types from the declaration', () => {
  const value: ValueOf<typeof RsrcUpdate2> = { offset: 1, data: 2n };
  const back: bigint = RsrcUpdate2.decode(RsrcUpdate2.encode(value)).data;
  assert.equal(back, 2n);
  // @ts-expect-error: a string is no number
  const bad: ValueOf<typeof RsrcUpdate2> = { offset: '1' };
  assert.throws(() => RsrcUpdate2.encode(bad), TYPE);
});
