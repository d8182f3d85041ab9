import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enterFlags, features, type NamedValue, ops, setupFlags } from '../../structs/index.ts';
import { fixtureConstants, kernels, series } from './fixture.ts';

/**
 * Debian's 5.10.y carries the io_uring of 5.15, but not MKDIRAT, SYMLINKAT and LINKAT (5.15), which need more of the
 * kernel: in operations it is 5.14.
 */
function eraOf(release: string, of5_10: string): number {
  return series(release.startsWith('5.10.') ? of5_10 : release);
}

/** Asserts that `table` has the members of a family of constants, named without IORING_, in their order. */
function complete(table: readonly NamedValue[], family: string, without: readonly string[] = []): void {
  const members = Object.entries(fixtureConstants[family] ?? {}).filter(([name]) => !without.includes(name));
  assert.deepEqual(
    table.map(({ name, value }) => [`IORING_${name}`, value]),
    members,
  );
}

/** Asserts that `bits` has exactly the flags that a kernel of `era` must have. */
function agrees(table: readonly NamedValue[], bits: bigint, era: number, release: string): void {
  for (const { name, value, since } of table) {
    const has = (bits & BigInt(value)) !== 0n;
    assert.equal(has, series(since) <= era, `${name} (${since}) on ${release}`);
  }
}

test('the operations are those of the header, in its order', () => {
  complete(ops, 'op', ['IORING_OP_LAST']);
});

test('setup flags, features and enter flags are those of the header', () => {
  complete(setupFlags, 'setup_flags');
  complete(features, 'features');
  complete(enterFlags, 'enter_flags');
});

test('each operation is in every measured kernel since its first one, and in no older one', () => {
  for (const [release, kernel] of kernels) {
    const era = eraOf(release, '5.14');
    for (const { name, value, since } of ops)
      assert.equal(kernel.ops.includes(value), series(since) <= era, `${name} (${since}) on ${release}`);
    assert.deepEqual(
      kernel.ops.filter((number) => !ops.some(({ value }) => value === number)),
      [],
    );
  }
});

test('each setup flag is accepted by every measured kernel since its first one, and by no older one', () => {
  for (const [release, { setupFlagBits }] of kernels) {
    const bits = setupFlagBits.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);
    agrees(setupFlags, bits, eraOf(release, '5.15'), release);
  }
});

test('each feature is reported by every measured kernel since its first one, and by no older one', () => {
  for (const [release, kernel] of kernels)
    agrees(features, BigInt(kernel.features), eraOf(release, '5.15'), release);
});

test('each enter flag is known to every kernel that answers REGISTER_QUERY', () => {
  const answers = kernels.filter(([, { query }]) => query !== null);
  assert.equal(answers.length, 8);
  for (const [release, { query }] of answers) {
    agrees(enterFlags, BigInt(query?.enterFlags ?? 0), series(release), release);
  }
});
