import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { exportedStructs, type FixtureField, type FixtureStruct, fixtureStructs } from './fixture.ts';

// Values and the bytes that they must become are made from the measured layouts, not from ours.

interface Sample {
  /** What goes into encode, by C names in camelCase. */
  readonly value: Record<string, unknown>;
  /** What decode must give for the same fields. */
  readonly decoded: Record<string, unknown>;
  readonly bytes: Uint8Array;
}

type Leaf = 'u8' | 'u16' | 'u32' | 's32' | 'u64' | 's64';

function camel(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function fixtureOf(name: string | undefined): FixtureStruct {
  const found = fixtureStructs.find((each) => each.name === name);
  assert.ok(found, name);
  return found;
}

function scalar(kind: Leaf): fc.Arbitrary<Sample['value'][string] & (number | bigint)> {
  switch (kind) {
    case 'u8':
      return fc.integer({ min: 0, max: 0xff });
    case 'u16':
      return fc.integer({ min: 0, max: 0xffff });
    case 'u32':
      return fc.integer({ min: 0, max: 0xffff_ffff });
    case 's32':
      return fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
    case 'u64':
      return fc.oneof(fc.maxSafeNat(), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
    case 's64':
      return fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
  }
}

const BYTES: { readonly [K in Leaf]: number } = { u8: 1, u16: 2, u32: 4, s32: 4, u64: 8, s64: 8 };

function scalarSample(kind: Leaf): fc.Arbitrary<{ value: unknown; decoded: unknown; bytes: Uint8Array }> {
  return scalar(kind).map((value) => {
    const wide = BigInt.asUintN(64, BigInt(value));
    const all = new Uint8Array(new BigUint64Array([wide]).buffer);
    return { value, decoded: BYTES[kind] === 8 ? BigInt(value) : value, bytes: all.subarray(0, BYTES[kind]) };
  });
}

type FieldSample = { value: unknown; decoded: unknown; bytes: Uint8Array };

function elementSample(kind: FixtureField['kind'], struct: string | undefined): fc.Arbitrary<FieldSample> {
  if (kind === 'struct') return structSample(fixtureOf(struct));
  assert.ok(kind !== 'array' && kind !== 'flex');
  return scalarSample(kind === 'pointer' ? 'u64' : kind);
}

function fieldSample(field: FixtureField): fc.Arbitrary<FieldSample> {
  if (field.kind !== 'flex') return elementSample(field.kind, field.struct);
  assert.ok(field.elem);
  return fc.array(elementSample(field.elem, field.struct), { maxLength: 5 }).map((elements) => ({
    value: elements.map(({ value }) => value),
    decoded: elements.map(({ decoded }) => decoded),
    bytes: Buffer.concat(elements.map(({ bytes }) => bytes)),
  }));
}

/** For each union of a struct, the variant to fill. */
function variants(fields: readonly FixtureField[]): fc.Arbitrary<Record<string, number>> {
  const unions = new Map<string, Set<number>>();
  for (const { union, variant } of fields) {
    if (union === undefined || variant === undefined) continue;
    unions.set(union, (unions.get(union) ?? new Set()).add(variant));
  }
  const choices = [...unions].map(([union, all]) => [union, fc.constantFrom(...all)] as const);
  return fc.record(Object.fromEntries(choices));
}

function structSample(struct: FixtureStruct): fc.Arbitrary<Sample> {
  const visible = struct.fields.filter(({ name }) => !/^(resv|rsvd|pad|__)/.test(name));
  return variants(struct.fields).chain((chosen) => {
    const fields = visible.filter(({ union, variant }) => union === undefined || chosen[union] === variant);
    const samples = fields.map((field) => fc.option(fieldSample(field), { nil: undefined }));
    return fc.tuple(...samples).map((given) => assemble(struct, fields, given));
  });
}

function assemble(
  struct: FixtureStruct,
  fields: readonly FixtureField[],
  given: readonly (FieldSample | undefined)[],
): Sample {
  const placed = fields.flatMap((field, i) => {
    const sample = given[i];
    return sample === undefined ? [] : [{ key: camel(field.name), at: field.offset, ...sample }];
  });
  const size = Math.max(struct.size, ...placed.map(({ at, bytes }) => at + bytes.byteLength));
  const bytes = new Uint8Array(size);
  for (const each of placed) bytes.set(each.bytes, each.at);
  const decoded = Object.fromEntries(placed.map(({ key, decoded }) => [key, decoded]));
  return { value: Object.fromEntries(placed.map(({ key, value }) => [key, value])), decoded, bytes };
}

/** Asserts that `actual` has what `expected` has; a nested struct and a flexible array may have more after it. */
function contains(actual: unknown, expected: unknown, path: string): void {
  if (typeof expected !== 'object' || expected === null) {
    assert.equal(actual, expected, path);
    return;
  }
  assert.ok(typeof actual === 'object' && actual !== null, path);
  const entries = new Map(Object.entries(actual));
  for (const [key, value] of Object.entries(expected)) contains(entries.get(key), value, `${path}.${key}`);
}

for (const [name, struct] of exportedStructs) {
  test(`${name}: what is encoded over junk is exactly the kernel's bytes, and decodes to the same value`, () => {
    fc.assert(
      fc.property(structSample(fixtureOf(struct.name)), fc.nat(9), ({ value, decoded, bytes }, offset) => {
        assert.deepEqual(Buffer.from(struct.encode(value)), Buffer.from(bytes));
        const junk = new Uint8Array(offset + bytes.byteLength + 3).fill(0xa5);
        assert.equal(struct.encodeInto(junk, value, offset), bytes.byteLength);
        const whole = Buffer.concat([Buffer.alloc(offset, 0xa5), bytes, Buffer.alloc(3, 0xa5)]);
        assert.deepEqual(Buffer.from(junk), whole);
        contains(struct.decode(bytes), decoded, name);
        assert.deepEqual(struct.decode(whole.subarray(0, -3), offset), struct.decode(bytes));
      }),
      { numRuns: 60 },
    );
  });
}
