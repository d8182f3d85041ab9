/** No operation of the kernel's without a preparer, and without a test of its effect. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as preparers from '../../lib/ops/preparers.ts';
import { SqeCursor } from '../../lib/ops/sqe.ts';
import { ops } from '../../structs/ops.ts';

const byName = new Map(Object.entries<(...values: never[]) => unknown>(preparers));

/** `'OP_READ_FIXED'` is `readFixed` in functions. */
function camelCase(name: string): string {
  const [, ...words] = name.toLowerCase().split('_');
  return words.map((word, i) => (i === 0 ? word : `${word[0]?.toUpperCase()}${word.slice(1)}`)).join('');
}

/** The opcode that a preparer writes. */
function opcodeOf(preparer: (...values: never[]) => unknown): number {
  const sqe = new SqeCursor();
  sqe.attach(new Uint8Array(128).fill(0xa5).buffer, 16);
  Reflect.apply(preparer, undefined, [sqe, 0, 0, 0, 0, 0, 0, 0]);
  return sqe.opcode;
}

test('every operation has a preparer by its name', () => {
  const missing = ops.filter(({ name, value }) => {
    const preparer = byName.get(camelCase(name));
    return preparer === undefined || opcodeOf(preparer) !== value;
  });
  assert.deepEqual(
    missing.map(({ name }) => name),
    [],
  );
});

test('every operation has a test of its effect', () => {
  const sources = readdirSync(import.meta.dirname)
    .filter((file) => /^effect-.*\.test\.[jt]s$/.test(file))
    .map((file) => readFileSync(join(import.meta.dirname, file), 'utf8'));
  // the first argument of a test: a name, or a list of names
  const tested = sources.flatMap((source) =>
    [...source.matchAll(/^(?:bigOp|op)Test\(\s*(?:'OP_\w+'|\[[^\]]*\])/gm)].flatMap(
      ([first]) => first.match(/OP_\w+/g) ?? [],
    ),
  );
  const missing = ops.filter(({ name }) => !tested.includes(name));
  assert.deepEqual(
    missing.map(({ name }) => name),
    [],
  );
});
