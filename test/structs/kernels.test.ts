import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  features,
  kernelHas,
  kernels,
  measuredKernel,
  ops,
  registerOps,
  setupFlags,
} from '../../structs/index.ts';

interface Measured {
  readonly release: string;
  readonly features: string;
  readonly ops: readonly number[];
  readonly register: Readonly<Record<string, string>>;
  readonly setupFlagBits: readonly number[];
}

const file = new URL('../fixtures/abi/kernels.json', import.meta.url);
const { _method: method, ...fixture }: { _method: { arch: string } } & Record<string, Measured> = JSON.parse(
  readFileSync(file, 'utf8'),
);

test('a name that is in no table is a RangeError, also one that objects inherit', () => {
  const invalid = { name: 'RangeError', code: 'ERR_INVALID_ARG_VALUE' };
  for (const kernel of kernels) {
    for (const name of ['OP_REED', 'IORING_OP_READ', 'toString', '']) {
      assert.throws(() => kernelHas(kernel, name), invalid);
    }
  }
});

test('a version that was not measured is not found', () => {
  for (const version of ['6.2', '6.1.191', '6', '', '7.3.', '5.1', '6.12.4']) {
    assert.equal(measuredKernel(version), undefined, version);
  }
});

test('the kernels are the measured ones, the oldest first', () => {
  assert.deepEqual(
    kernels.map(({ version, release, arch }) => [version, release, arch]),
    Object.entries(fixture).map(([version, { release }]) => [version, release, method.arch]),
  );
  assert.equal(kernels.length, 15);
});

test('a kernel is found by its version, and the newest of a series by the series', () => {
  for (const kernel of kernels) assert.equal(measuredKernel(kernel.version), kernel);
  const newest = {
    '5.10': '5.10.262',
    '6.1': '6.1.192',
    '6.12': '6.12.117',
    '6.18': '6.18.44',
    '7.3': '7.3.4',
  };
  for (const [series, version] of Object.entries(newest)) {
    assert.equal(measuredKernel(series)?.version, version);
  }
});

for (const kernel of kernels) {
  test(`${kernel.version} has what was measured on it, cell by cell`, () => {
    const measured = fixture[kernel.version];
    assert.ok(measured !== undefined);
    const isBitOf = (bits: bigint, value: number) => (bits & BigInt(value)) !== 0n;
    const setupBits = measured.setupFlagBits.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);
    const expected = [
      ...registerOps.map(({ name, value }) => [name, measured.register[value] === 'supported'] as const),
      ...ops.map(({ name, value }) => [name, measured.ops.includes(value)] as const),
      ...setupFlags.map(({ name, value }) => [name, isBitOf(setupBits, value)] as const),
      ...features.map(({ name, value }) => [name, isBitOf(BigInt(measured.features), value)] as const),
    ];
    for (const [name, has] of expected) assert.equal(kernelHas(kernel, name), has, name);
  });

  test(`${kernel.version} has nothing beyond the tables`, () => {
    const measured = fixture[kernel.version];
    const supported = Object.values(measured?.register ?? {}).filter((word) => word === 'supported');
    assert.equal(supported.length, kernel.lastRegister + 1);
    assert.equal(measured?.ops.length, kernel.lastOp + 1);
    assert.equal(
      measured?.setupFlagBits.length,
      setupFlags.filter(({ name }) => kernelHas(kernel, name)).length,
    );
    assert.equal(Number(measured?.features), kernel.features);
  });
}

test('nobody can change a kernel', () => {
  assert.ok(kernels.every((kernel) => Object.isFrozen(kernel)) && Object.isFrozen(kernels));
});
