import assert from 'node:assert/strict';
import { keptForever } from '../../lib/sys/memory.ts';
import { needs } from '../helpers/needs.ts';
import { wrong } from '../helpers/raw-ring.ts';
import { result, ringTest, threadNames, until } from '../helpers/rings.ts';

/** Is there a worker, of whatever thread? */
function hasWorker(): boolean {
  return threadNames().some((name) => name.startsWith('iou-wrk'));
}

const NEEDS = needs('REGISTER_BUFFERS');

ringTest('close() of a file is refused: the ring would be closed instead', NEEDS, (scope) => {
  const [ring, { reader }] = [scope.ring(8), scope.pipe()];
  for (const file of [reader, { fd: reader }, null]) {
    assert.throws(
      () => ring.close(wrong(file)),
      /"file" argument must be absent: .* closeFd\(file\) a file\. Received/,
    );
  }
  assert.equal(ring.isClosed, false);
  ring.prepare.nop();
  assert.equal(result(ring), 0);
});

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
