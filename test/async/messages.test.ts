import assert from 'node:assert/strict';
import { AsyncRing } from '../../lib/async/async-ring.ts';
import { asyncRing, bytes, fails, refusesAll } from '../helpers/async.ts';
import { needsOp } from '../helpers/needs.ts';
import { text } from '../helpers/pairs.ts';
import { wrong } from '../helpers/raw-ring.ts';
import { ringTest } from '../helpers/rings.ts';
import { inThread } from '../helpers/scenario.ts';

const OP = needsOp('OP_MSG_RING');
/** Files came with 6.0, as did this. */
const FILES = needsOp('OP_SEND_ZC');

ringTest('wrong arguments reject before any syscall', OP, async (scope) => {
  const ring = asyncRing(scope);
  const other = asyncRing(scope);
  const mine = ring.registerFiles([0]);
  const theirs = other.registerFiles({ slots: 2 });
  await refusesAll(ring, [
    ['target', () => ring.msgRing(-1)],
    ['options.messageData', () => ring.msgRing(other, { messageData: -1 })],
    ['options.res', () => ring.msgRing(other, { res: 2 ** 31 })],
    ['options.userData', () => ring.msgRing(other, wrong({ userData: 1 }))],
    ['file', () => ring.msgRingFd(wrong(0), theirs)],
    ['file', () => ring.msgRingFd(theirs.at(0), theirs)],
    ['into', () => ring.msgRingFd(mine.at(0), wrong(3))],
    ['into', () => ring.msgRingFd(mine.at(0), wrong(undefined))],
  ]);
});

ringTest('a message is a completion of the other ring', OP, async (scope) => {
  const ring = asyncRing(scope);
  const target = scope.ring();
  await ring.msgRing(target, { messageData: 42, res: -7 });
  await ring.msgRing(target.fd, { messageData: 2 ** 53 - 1 });
  assert.deepEqual(
    [...target.completions()].map(({ userData, res }) => [userData, res]),
    [
      [42, -7],
      [2 ** 53 - 1, 0],
    ],
  );
  await fails('EBADFD', 'OP_MSG_RING', ring.msgRing(scope.pipe().reader));
  const disabled = scope.ring(4, { disabled: true });
  await fails('EBADFD', 'OP_MSG_RING', ring.msgRing(disabled));
  // a ring of promises has nobody who looks at them, and goes on
  const other = asyncRing(scope);
  await ring.msgRing(other, { messageData: 1 });
  await other.nop();
});

ringTest('a message from another thread', OP, async (scope) => {
  const target = scope.ring();
  const module = new URL('threads.scenes.ts', import.meta.url).href;
  await inThread({ module, name: 'message', argument: target.fd });
  assert.deepEqual(
    [...target.completions()].map(({ userData, res }) => [userData, res]),
    [[77, -3]],
  );
});

ringTest('a file goes into the table of another ring', { ...OP, ...FILES }, async (scope) => {
  const ring = asyncRing(scope);
  const { reader, writer } = scope.pipe();
  const mine = ring.registerFiles([writer, -1]);
  const target = scope.ring();
  const theirs = target.registerFiles({ slots: 3 });
  const slot = await ring.msgRingFd(mine.at(0), theirs.at(2), { messageData: 9 });
  assert.equal(slot.index, 2);
  assert.deepEqual(
    [...target.completions()].map(({ userData, res }) => [userData, res]),
    [[9, 0]],
  );
  target.prepare.write(slot, bytes('by slot'));
  target.submit({ wait: 1, timeoutMs: 5000 });
  assert.equal([...target.completions()][0]?.res, 7);
  const memory = new Uint8Array(16);
  assert.equal(await ring.read(reader, memory), 7);
  assert.equal(text(memory.subarray(0, 7)), 'by slot');
  await fails('EBADF', 'OP_MSG_RING', ring.msgRingFd(mine.at(1), theirs));

  // into a free slot, to a ring of promises, which hears nothing
  const other = new AsyncRing(4);
  const table = other.registerFiles({ slots: 1 });
  const free = await ring.msgRingFd(mine.at(0), table, { silent: true });
  assert.equal(free.index, 0);
  assert.equal(await other.write(free, bytes('too')), 3);
  await fails('ENFILE', 'OP_MSG_RING', ring.msgRingFd(mine.at(0), table));
  other.close();
  assert.equal(await ring.read(reader, memory), 3);
});
