/** Many reads with one promise. */
import assert from 'node:assert/strict';
import { openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Read } from '../../lib/async/many.ts';
import { ClosedError } from '../../lib/errors.ts';
import { aborts, asyncRing, failure } from '../helpers/async.ts';
import { ringTest, type Scope, until } from '../helpers/rings.ts';

function fileOf(scope: Scope, text: string): number {
  const path = join(scope.folder(), 'file');
  writeFileSync(path, text);
  return scope.fd(openSync(path, 'r'));
}

ringTest('each has its own bytes and its own result, errors too', {}, async (scope) => {
  const ring = asyncRing(scope);
  const file = fileOf(scope, 'abcdefghij');
  const reads: Read[] = Array.from({ length: 40 }, (_, i) => ({
    file: i === 7 ? 9999 : file,
    memory: Buffer.alloc(3),
    offset: i % 12,
  }));
  const results = await ring.readMany(reads);
  const expected = reads.map((_, i) => (i === 7 ? -9 : Math.max(0, Math.min(3, 10 - (i % 12)))));
  assert.deepEqual([...results], expected);
  const text = (i: number) => Buffer.from(Object(reads[i]?.memory)).toString();
  assert.deepEqual([text(0), text(1), text(9), text(20)], ['abc', 'bcd', 'j\0\0', 'ij\0']);
  assert.deepEqual([...(await ring.readMany([]))], []);
});

ringTest('into registered buffers too', {}, async (scope) => {
  const ring = asyncRing(scope);
  using buffers = ring.registerBuffers([Buffer.alloc(4096), Buffer.alloc(4096)]);
  const file = fileOf(scope, 'registered');
  const memory = [buffers.at(0).subarray(0, 4), buffers.at(1).subarray(2, 8)];
  const results = await ring.readMany(memory.map((each) => ({ file, memory: each, offset: 0 })));
  assert.deepEqual([...results], [4, 6]);
});

ringTest('it settles when all have ended: aborted, closed, wrong', {}, async (scope) => {
  const ring = asyncRing(scope, 16);
  const { reader, writer } = scope.pipe();
  const abort = new AbortController();
  const reason = new Error('enough');
  const waiting = ring.readMany(
    [1, 2, 3].map(() => ({ file: reader, memory: Buffer.alloc(1) })),
    { signal: abort.signal },
  );
  await until('they wait', () => ring.inFlight === 3);
  abort.abort(reason);
  await aborts(waiting, reason);
  assert.equal(ring.inFlight, 0);
  const file = fileOf(scope, 'x');
  const memory = Buffer.alloc(1);
  const error = await failure(
    ring.readMany([
      { file, memory, offset: 0 },
      { file, memory, offset: Object('nowhere') },
    ]),
  );
  assert.ok(error.message.startsWith('The "options.offset" argument'), error.message);
  assert.equal(memory.toString(), 'x');
  for (const wrongs of [Object(5), [undefined], [{ file, memory, at: 1 }]])
    assert.match((await failure(ring.readMany(Object(wrongs)))).message, /^The "reads/);
  const closed = asyncRing(scope);
  const pending = closed.readMany([{ file: reader, memory: Buffer.alloc(1) }]);
  await until('it waits', () => closed.inFlight === 1);
  closed.close();
  await assert.rejects(pending, ClosedError);
  assert.ok(writer >= 0);
});
