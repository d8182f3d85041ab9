import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decodeArgument,
  Iovec,
  type NrArgs,
  Params,
  type RegisterArg,
  RegisterOp,
  type RegisterRow,
  Restriction,
  RsrcRegister,
  registerOpName,
  registerOps,
  registerRow,
  TaskRestriction,
} from '../../structs/index.ts';
import {
  exportedStructs,
  fixtureConstants,
  kernelLimits,
  kernels,
  registerFacts,
  series,
} from './fixture.ts';

const rows: readonly RegisterRow[] = registerOps;

/** Debian's 5.10.y carries the io_uring of 5.15. */
const register5_10 = series('5.15');

/** Which element a row's `arg` is, in the fixture's words. */
function argWords(arg: RegisterArg): string | null {
  if (arg.is === 'none') return null;
  return arg.is === 'struct' ? `${arg.struct.name}${arg.many ? '[]' : ''}` : arg.element;
}

/** The fixture's `arg`, without its remarks. */
function factArg(arg: string | null): string | null {
  if (arg === null || arg === 'null') return null;
  if (arg === 'cpu mask bytes (cpu_set_t)') return 'u8';
  return arg.replace(/ or null| \(.*\)/, '').replace(/^([su]32)\[\d*\]$/, '$1');
}

/** The rule that the fixture's words for nr_args amount to; a count may lack its bounds. */
function factRule(words: string): { is: NrArgs['is']; value?: number; min?: number; max?: number } {
  if (words.startsWith('32 (sizeof')) return { is: 'size', value: 32 };
  if (words.startsWith('number of')) {
    const bounds = /(\d+)\.\.(\d+)/.exec(words);
    return bounds === null
      ? { is: 'count' }
      : { is: 'count', min: Number(bounds[1]), max: Number(bounds[2]) };
  }
  if (words.startsWith('mask size')) return { is: 'bytes' };
  if (words.includes('personality id')) return { is: 'id' };
  return { is: 'fixed', value: Number(/^\d+/.exec(words)?.[0]) };
}

test('the table has all opcodes, each in the place of its value', () => {
  assert.deepEqual(
    rows.map(({ value }) => value),
    registerFacts.map(({ value }) => value),
  );
  assert.deepEqual(
    rows.map(({ value }) => value),
    Array.from(rows.keys()),
  );
});

for (const [i, fact] of registerFacts.entries()) {
  test(`${fact.name}: name, since, argument, nr_args, direction and undo are the kernel's`, () => {
    const row = rows[i];
    assert.ok(row);
    assert.equal(`IORING_${row.name}`, fact.name);
    assert.equal(row.since, fact.since);
    assert.equal(argWords(row.arg), factArg(fact.arg));
    assert.deepEqual({ ...row.nrArgs, ...factRule(fact.nrArgs) }, row.nrArgs);
    assert.equal(row.arg.is !== 'none' && row.arg.out, fact.direction !== 'in');
    assert.equal(row.undo === undefined ? null : `IORING_${row.undo}`, fact.undo);
  });
}

test('each opcode is accepted by every measured kernel since its first one, and by no older one', () => {
  for (const [release, { register }] of kernels) {
    const at = release.startsWith('5.10.') ? register5_10 : series(release);
    for (const { value, name, since } of rows) {
      const expected = series(since) <= at ? 'supported' : 'EINVAL';
      assert.equal(register[value], expected, `${name} (${since}) on ${release}`);
    }
  }
  assert.equal(kernels.length, 15);
});

test("counts keep to the kernel's limits", () => {
  const limit = (name: string) => kernelLimits[name];
  const max = (value: number) => {
    const rule = rows[value]?.nrArgs;
    return rule?.is === 'count' ? rule.max : undefined;
  };
  assert.equal(max(RegisterOp.REGISTER_BUFFERS), limit('IORING_MAX_REG_BUFFERS'));
  assert.equal(max(RegisterOp.REGISTER_FILES), limit('IORING_MAX_FIXED_FILES'));
  assert.equal(max(RegisterOp.REGISTER_FILES_UPDATE), limit('IORING_MAX_FIXED_FILES'));
  assert.equal(max(RegisterOp.REGISTER_PROBE), limit('PROBE_MAX_OPS'));
  assert.equal(max(RegisterOp.REGISTER_RING_FDS), limit('IO_RINGFD_REG_MAX'));
  assert.equal(max(RegisterOp.UNREGISTER_RING_FDS), limit('IO_RINGFD_REG_MAX'));
  const lasts = ['IORING_RESTRICTION_LAST', 'IORING_REGISTER_LAST', 'IORING_OP_LAST'];
  const all = Object.values(fixtureConstants).flatMap((members) => Object.entries(members));
  const most = all.reduce((sum, [name, value]) => sum + (lasts.includes(name) ? Number(value) : 0), 0);
  assert.equal(max(RegisterOp.REGISTER_RESTRICTIONS), most, 'IORING_MAX_RESTRICTIONS');
});

test('what nr_args 32 is the size of is 32 bytes long', () => {
  const sized = rows.filter(({ nrArgs }) => nrArgs.is === 'size');
  assert.equal(sized.length, 4);
  for (const { arg, name } of sized) assert.equal(arg.is === 'struct' && arg.struct.size, 32, name);
});

test('every struct of the table is exported, every undo is an opcode', () => {
  const structs = new Set(exportedStructs.map(([, struct]) => struct.name));
  const names = new Set<string>(rows.map(({ name }) => name));
  for (const { arg, undo, name } of rows) {
    if (arg.is === 'struct') assert.ok(structs.has(arg.struct.name), name);
    if (undo !== undefined) assert.ok(names.has(undo), `${name}: ${undo}`);
  }
});

test('raw functions are the camelCase of the names, and every row says how it is reached and what it does', () => {
  for (const { name, raw, member, does } of rows) {
    const camel = name.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    assert.equal(raw, camel);
    assert.match(member, /^[a-zA-Z]+\.[a-zA-Z]+$/);
    assert.match(does, /^[A-Z].*\.$/);
  }
});

test('registerOpName ignores the registered-ring bit and knows no unknown opcode', () => {
  assert.equal(registerOpName(rows.length), undefined);
  assert.equal(registerOpName(-1), undefined);
  assert.equal(registerOpName(0x8000_0000 + rows.length), undefined);
  assert.equal(registerOpName(0), 'REGISTER_BUFFERS');
  assert.equal(registerOpName(37), 'REGISTER_BPF_FILTER');
  assert.equal(registerOpName(0x8000_0000 + 8), 'REGISTER_PROBE');
  assert.equal(registerOpName((8 | 0x8000_0000) >> 0), 'REGISTER_PROBE');
});

test('registerRow finds rows by value', () => {
  assert.equal(registerRow(rows.length), undefined);
  assert.equal(registerRow(-1), undefined);
  assert.equal(registerRow(1.5), undefined);
  assert.equal(registerRow(17)?.name, 'REGISTER_IOWQ_AFF');
});

test('decodeArgument reads a struct, many structs and numbers, and is null for what is not there', () => {
  const decode = (value: number, bytes: Uint8Array, fd = 3) => {
    const row = registerRow(value);
    assert.ok(row);
    return decodeArgument(row, bytes, fd);
  };
  assert.equal(decode(RegisterOp.UNREGISTER_BUFFERS, new Uint8Array(8)), null, 'no argument');
  assert.equal(decode(RegisterOp.REGISTER_BUFFERS2, new Uint8Array(31)), null, 'too short');
  assert.deepEqual(decode(RegisterOp.REGISTER_BUFFERS2, RsrcRegister.encode({ nr: 3, data: 4096n })), {
    nr: 3,
    flags: 0,
    data: 4096n,
    tags: 0n,
  });
  const iovecs = new Uint8Array(40);
  Iovec.encodeInto(iovecs, { iovBase: 1, iovLen: 2 });
  Iovec.encodeInto(iovecs, { iovBase: 3, iovLen: 4 }, 16);
  assert.deepEqual(decode(RegisterOp.REGISTER_BUFFERS, iovecs), [
    { iovBase: 1n, iovLen: 2n },
    { iovBase: 3n, iovLen: 4n },
  ]);
  assert.deepEqual(decode(RegisterOp.REGISTER_RESTRICTIONS, Restriction.encode({ opcode: 1, sqeOp: 22 })), [
    { opcode: 1, registerOp: 22, sqeOp: 22, sqeFlags: 22 },
  ]);
  const whole = new Uint8Array(TaskRestriction.size + Restriction.size);
  const rule = { opcode: 0, registerOp: 35, sqeOp: 35, sqeFlags: 35 };
  TaskRestriction.encodeInto(whole, { nrRes: 1, restrictions: [{ opcode: 0, registerOp: 35 }] });
  assert.deepEqual(
    decode(RegisterOp.REGISTER_RESTRICTIONS, whole, -1),
    { flags: 0, nrRes: 1, restrictions: [rule] },
    'without a ring',
  );
  assert.equal(decode(RegisterOp.REGISTER_RESTRICTIONS, new Uint8Array(15), -1), null, 'too short');
  const fds = new Uint8Array(new Int32Array([5, -1, -2]).buffer);
  assert.deepEqual(decode(RegisterOp.REGISTER_FILES, fds), [5, -1, -2]);
  const limits = new Uint8Array(new Uint32Array([2, 0xffff_ffff]).buffer);
  assert.deepEqual(decode(RegisterOp.REGISTER_IOWQ_MAX_WORKERS, limits), [2, 0xffff_ffff]);
  assert.deepEqual(decode(RegisterOp.REGISTER_IOWQ_AFF, new Uint8Array([3, 0])), [3, 0]);
  assert.deepEqual(
    decode(RegisterOp.REGISTER_RESIZE_RINGS, Params.encode({ cqEntries: 8 })),
    Params.decode(Params.encode({ cqEntries: 8 })),
  );
});
