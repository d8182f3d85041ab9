import assert from 'node:assert/strict';
import { AsyncRing } from '../../lib/faces/async-ring.ts';
import type { Completion } from '../../lib/ring/core/core.ts';
import { aborts, asyncRing, bytes, fails, refusesAll } from '../helpers/async.ts';
import { needsOp, needsSetup } from '../helpers/needs.ts';
import { text } from '../helpers/pairs.ts';
import { refuses, wrong } from '../helpers/raw-ring.ts';
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
  // a ring of promises where nobody listens goes on
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

/** The next `count` messages. */
async function take(messages: AsyncIterator<Completion, undefined>, count: number): Promise<unknown[]> {
  const found: unknown[] = [];
  while (found.length < count) {
    const { value } = await messages.next();
    found.push(value && [value.userData, value.res]);
  }
  return found;
}

for (const options of [{}, { deferTaskrun: true }]) {
  const needed = options.deferTaskrun ? { ...OP, ...needsSetup('SETUP_DEFER_TASKRUN') } : OP;
  ringTest(`messages() gives each, in order: ${JSON.stringify(options)}`, needed, async (scope) => {
    const ring = asyncRing(scope, 8, options);
    const sender = asyncRing(scope);
    // nobody listens
    await sender.msgRing(ring, { messageData: 1 });
    await ring.nop();
    const messages = ring.messages();
    await sender.msgRing(ring, { messageData: 2, res: -7 });
    await sender.msgRing(ring.fd, { messageData: 2 ** 53 - 1, res: 5 });
    // a ring's own operations and what cancels them are no messages
    await aborts(ring.timeout({ afterMs: 60_000, signal: AbortSignal.timeout(1) }));
    await ring.nop({ timeoutMs: 1000 });
    await ring.msgRing(ring, { messageData: 3 });
    assert.deepEqual(await take(messages, 3), [
      [2, -7],
      [2 ** 53 - 1, 5],
      [3, 0],
    ]);
    // those that come before they are taken are kept, more than the queue holds
    await Promise.all(Array.from({ length: 1000 }, (_, i) => sender.msgRing(ring, { messageData: i })));
    assert.deepEqual(
      await take(messages, 1000),
      Array.from({ length: 1000 }, (_, i) => [i, 0]),
    );
    assert.deepEqual(await messages.return(), { done: true, value: undefined });
    assert.deepEqual(await messages.next(), { done: true, value: undefined });
  });
}

ringTest('messages() of a thread wake the loop', OP, async (scope) => {
  const ring = asyncRing(scope);
  const module = new URL('threads.scenes.ts', import.meta.url).href;
  const thread = inThread({ module, name: 'message', argument: ring.fd });
  for await (const { userData, res, flags } of ring.messages()) {
    assert.deepEqual({ userData, res, flags }, { userData: 77, res: -3, flags: 0 });
    break;
  }
  await thread;
});

ringTest('a file that another ring sends is told by a message', { ...OP, ...FILES }, async (scope) => {
  const [ring, sender] = [asyncRing(scope), asyncRing(scope)];
  const theirs = ring.registerFiles({ slots: 3 });
  const { reader, writer } = scope.pipe();
  const mine = sender.registerFiles([writer]);
  const messages = ring.messages();
  await sender.msgRingFd(mine.at(0), theirs, { messageData: 9 });
  const [told] = await take(messages, 1);
  assert.deepEqual(told, [9, 0]);
  await messages.return();
  assert.equal(await ring.write(theirs.at(0), bytes('hello')), 5);
  assert.equal(await ring.read(reader, new Uint8Array(8)), 5);
});

ringTest('messages() end by a signal, by leaving, and with the ring', OP, async (scope) => {
  const sender = asyncRing(scope);
  const ring = new AsyncRing(8);
  scope.defer(() => ring.close());
  const [one, two] = [ring.messages(), ring.messages()];
  const stopper = new AbortController();
  const stopped = ring.messages({ signal: stopper.signal });
  const waiting = aborts(stopped.next(), 'enough');
  stopper.abort('enough');
  await waiting;
  // each gives every message
  await sender.msgRing(ring, { messageData: 4 });
  assert.deepEqual(await Promise.all([take(one, 1), take(two, 1)]), [[[4, 0]], [[4, 0]]]);
  await one.return();
  await sender.msgRing(ring, { messageData: 5 });
  assert.deepEqual(await take(two, 1), [[5, 0]]);
  assert.deepEqual(await stopped.next(), { done: true, value: undefined });

  const last = assert.rejects(two.next(), { code: 'ERR_URING_CLOSED' });
  ring.close();
  await last;
  assert.throws(() => ring.messages(), { code: 'ERR_URING_CLOSED' });
  await aborts(sender.messages({ signal: AbortSignal.abort('at once') }).next(), 'at once');
  refuses('options.signal', () => sender.messages({ signal: wrong(1) }));
  refuses('options.timeoutMs', () => sender.messages(wrong({ timeoutMs: 1 })));
});
