/** More operations than a ring has room for, and a ring that never rests. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asyncRing } from '../helpers/async.ts';
import { ringTest } from '../helpers/rings.ts';
import { inProcess } from '../helpers/scenario.ts';

const MANY = 100_000;
/** A pipe takes no less. */
const PIPE_BYTES = 65_536;

ringTest('100,000 operations at once on a ring of 8 entries reach a pipe in order', {}, async (scope) => {
  const ring = asyncRing(scope, 8);
  const perPipe = PIPE_BYTES / 4;
  const pipes = Array.from({ length: Math.ceil(MANY / perPipe) }, () => scope.pipe());
  const numbers = Uint32Array.from({ length: MANY }, (_, i) => i);
  const found = new Uint32Array(MANY);
  // all are started before any has ended: what is written by the last of them is read by the one after
  const operations: Promise<number>[] = [];
  for (const [i, { writer }] of pipes.entries()) {
    for (const at of numbers.subarray(i * perPipe, (i + 1) * perPipe))
      operations.push(ring.write(writer, numbers.subarray(at, at + 1)));
  }
  for (const [i, { reader }] of pipes.entries()) {
    for (const at of numbers.subarray(i * perPipe, (i + 1) * perPipe))
      operations.push(ring.read(reader, found.subarray(at, at + 1)));
  }
  assert.equal(ring.inFlight, 2 * MANY);
  assert.deepEqual(new Set(await Promise.all(operations)), new Set([4]));
  assert.deepEqual(found, numbers);
});

/** The number `name` of what a scene returned. */
function number(found: unknown, name: string): number {
  const value: unknown = Reflect.get(Object(found), name);
  assert.ok(typeof value === 'number', `${name} of ${JSON.stringify(found)}`);
  return value;
}

ringTest('a timer fires as on an idle loop while 256 cached reads are in flight', {}, (scope) => {
  const path = join(scope.folder(), 'cached');
  writeFileSync(path, new Uint8Array(65_536));
  const tries: unknown[] = [];
  for (let i = 0; i < 3; i++) {
    const found = inProcess({
      module: new URL('pressure.scenes.ts', import.meta.url).href,
      name: 'timers',
      argument: path,
    });
    assert.ok(number(found, 'reads') > 10_000, JSON.stringify(found));
    // a process that is never idle waits for a busy machine longer than one that is: then it's compared with its like
    const wanted = 0.9 * Math.min(number(found, 'idle'), number(found, 'spinning'));
    if (number(found, 'reading') >= wanted) return;
    tries.push(found);
  }
  assert.fail(JSON.stringify(tries));
});
