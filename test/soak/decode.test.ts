import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeNoise } from '../helpers/log-noise.ts';

test('a gibibyte of noise needs less than 150 MiB', async (t) => {
  const { first, last } = await decodeNoise(1024);
  t.diagnostic(`${Math.round(first)} MiB after one line, ${Math.round(last)} after all`);
  assert.ok(last < 150, `${last} MiB`);
});
