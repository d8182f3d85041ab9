/** A ring in each of several threads, at the same time. */
import assert from 'node:assert/strict';
import { openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openRings } from '../../lib/ring/core/core.ts';
import { needs } from '../helpers/needs.ts';
import { complete, ringTest } from '../helpers/rings.ts';
import { inThread } from '../helpers/scenario.ts';

const NEEDS = needs('REGISTER_BUFFERS2');
const module = new URL('workers-threads.scenes.ts', import.meta.url).href;

ringTest('four threads and this one work on rings of their own', NEEDS, async (scope) => {
  const size = 512;
  const pieces = 400;
  const bytes = Buffer.from(Array.from({ length: size * pieces }, (_, i) => (i * 31) & 0xff));
  const path = join(scope.folder(), 'bytes');
  writeFileSync(path, bytes);
  const argument = { file: scope.fd(openSync(path, 'r')), pieces, size };
  const ring = scope.ring();
  const before = openRings();
  const threads = Array.from({ length: 4 }, () => inThread({ module, name: 'sum', argument }));
  let isOver = false;
  const all = Promise.all(threads).finally(() => {
    isOver = true;
  });
  for (let userData = 0; !isOver; userData++) {
    ring.prepare.nop({ userData });
    assert.equal(complete(ring, 1)[0]?.userData, userData);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const found = (await all).map((each) => Object(each));
  const total = bytes.reduce((sum, byte) => sum + byte, 0);
  assert.deepEqual(
    found.map((each) => [each.total, each.foreign, each.rings]),
    Array(4).fill([total, 0, 1]),
  );
  assert.equal(new Set(found.map(({ tid }) => tid)).size, 4);
  assert.equal(openRings(), before);
});
