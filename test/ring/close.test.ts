import assert from 'node:assert/strict';
import { keptForever } from '../../lib/sys/memory.ts';
import { needs } from '../helpers/needs.ts';
import { ringTest, threadNames, until } from '../helpers/rings.ts';

/** Is there a worker, of whatever thread? */
function hasWorker(): boolean {
  return threadNames().some((name) => name.startsWith('iou-wrk'));
}

const NEEDS = needs('REGISTER_BUFFERS');

ringTest('close() of an sqPoll ring reaches an operation that blocks a worker', NEEDS, async (scope) => {
  const ring = scope.ring(8, { sqPoll: true });
  ring.prepare.splice(scope.pipe().reader, scope.pipe().writer, 1, { async: true });
  ring.submit();
  await until('a worker is there', hasWorker);
  const before = keptForever();
  ring.close();
  // what it can't reach it would keep
  assert.equal(keptForever(), before);
});
