import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, Op, ops, RegisterOp, registerOps } from '../../structs/index.ts';
import { fixtureConstants } from './fixture.ts';

/** The fixture has numbers from 2^53 on as decimal strings. */
function exact(value: number | string): number | bigint {
  return typeof value === 'string' ? BigInt(value) : value;
}

/** The header's value of a constant. */
function headerSays(name: string): number | string | undefined {
  return Object.values(fixtureConstants).find((members) => name in members)?.[name];
}

for (const [family, members] of Object.entries(fixtureConstants)) {
  test(`constants of ${family} have the header's values`, () => {
    for (const [name, value] of Object.entries(members)) {
      assert.equal(Object.entries(constants).find(([key]) => key === name)?.[1], exact(value), name);
    }
  });
}

test('no constant is missing, and none is there that no header has', () => {
  const expected = Object.values(fixtureConstants).flatMap((members) => Object.keys(members));
  // so many there were: none is lost
  assert.ok(expected.length >= 296);
  assert.deepEqual(Object.keys(constants).sort(), expected.sort());
});

test('constants can not be changed', () => {
  assert.ok(Object.isFrozen(constants));
});

test('TypeScript knows the constants by name and value', () => {
  const flag: 64 = constants.IORING_SETUP_R_DISABLED;
  const opcode: 14 = constants.IORING_REGISTER_FILES_UPDATE2;
  const mask: bigint = constants.IORING_ZCRX_AREA_MASK;
  assert.deepEqual([flag, opcode, mask], [64, 14, 0xffff_0000_0000_0000n]);
  // @ts-expect-error: there is no such constant
  assert.equal(constants.IORING_SETUP_NONSENSE, undefined);
});

test('RegisterOp and Op have every row of their tables', () => {
  const buffers: 0 = RegisterOp.REGISTER_BUFFERS;
  const nop: 0 = Op.OP_NOP;
  assert.deepEqual([buffers, nop], [0, 0]);
  assert.deepEqual(
    Object.entries(RegisterOp),
    registerOps.map(({ name, value }) => [name, value]),
  );
  assert.deepEqual(
    Object.entries(Op),
    ops.map(({ name, value }) => [name, value]),
  );
  // the headers count them, too: nothing was lost
  assert.equal(Object.keys(RegisterOp).length, headerSays('IORING_REGISTER_LAST'));
  assert.equal(Object.keys(Op).length, headerSays('IORING_OP_LAST'));
});
