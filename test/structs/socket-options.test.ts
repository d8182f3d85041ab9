import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { socketLevels, socketOptions } from '../../structs/socket-options.ts';

/** Measured by a C program that was compiled with Debian's headers. */
const measured: {
  readonly levels: { readonly [name: string]: number };
  readonly options: { readonly [level: string]: { readonly [name: string]: number } };
} = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/abi/socket-options.json'), 'utf8'));

test('levels are those of the headers', () => {
  assert.deepEqual({ ...socketLevels }, measured.levels);
});

test('each option has the level and the number that the headers give it, and none is missing', () => {
  const expected = Object.entries(measured.options).flatMap(([level, options]) =>
    Object.entries(options).map(([name, number]) => [name, [measured.levels[level], number]]),
  );
  assert.deepEqual(Object.entries(socketOptions), expected);
  assert.equal(new Set(expected.map(([name]) => name)).size, expected.length, 'no name stands at two levels');
});

test('the types know each name and number', () => {
  const noDelay: readonly [6, 1] = socketOptions.TCP_NODELAY;
  assert.deepEqual(noDelay, [6, 1]);
  // @ts-expect-error: there is no such option
  assert.equal(socketOptions.TCP_NONSENSE, undefined);
});
