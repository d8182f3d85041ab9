import assert from 'node:assert/strict';
import type { Results } from '../../lib/async/multishot.ts';
import type { RingFile } from '../../lib/async/ring-file.ts';
import { ClosedError } from '../../lib/errors.ts';
import type { AsyncRing } from '../../lib/faces/async-ring.ts';
import { aborts, asyncRing, bytes, fails, failure, refusesAll } from '../helpers/async.ts';
import { needs, needsOp } from '../helpers/needs.ts';
import { client, close, type Loopback, listener, random, socket } from '../helpers/network.ts';
import { text } from '../helpers/pairs.ts';
import { openFds, wrong } from '../helpers/raw-ring.ts';
import { ringTest, type Scope, until } from '../helpers/rings.ts';

const OP = needsOp('OP_LISTEN');

/** As many connected clients. */
function clients(ring: AsyncRing, scope: Scope, at: Loopback, count: number): Promise<number[]> {
  return Promise.all(Array.from({ length: count }, () => client(ring, scope, at)));
}

/** The next socket of an iterator, which the scope closes. */
async function taken(scope: Scope, sockets: Results<RingFile>): Promise<number> {
  const { value } = await sockets.next();
  assert.ok(value);
  return scope.fd(value.fd);
}

/** Sockets of this process. */
function sockets(): number {
  return openFds().filter((each) => each.includes('socket:')).length;
}

/** The other side of `fd` is closed. */
async function isHungUp(ring: AsyncRing, fd: number): Promise<void> {
  const end = await ring.recv(fd, new Uint8Array(1)).catch((error: Error) => error.message);
  assert.ok(end === 0 || /reset/.test(String(end)), String(end));
}

ringTest('wrong arguments reject before any syscall', OP, async (scope) => {
  const ring = asyncRing(scope);
  const other = asyncRing(scope).registerFiles({ slots: 1 });
  await refusesAll(ring, [
    ['server', () => ring.accept(-1)],
    ['server', () => ring.accept(wrong('x'))],
    ['options.peer', () => ring.accept(0, { peer: wrong({}) })],
    ['options.flags', () => ring.accept(0, { flags: -1 })],
    ['files', () => ring.accept(0, { into: other })],
    ['options.backlog', () => ring.accept(0, wrong({ backlog: 1 }))],
    ['server', () => ring.acceptMultishot(-1).next()],
    ['options.flags', () => ring.acceptMultishot(0, { flags: -1 }).next()],
    ['options.signal', () => ring.acceptMultishot(0, { signal: wrong(1) }).next()],
    ['files', () => ring.acceptMultishot(0, { into: other }).next()],
  ]);
  await fails('ENOTSOCK', 'OP_ACCEPT', ring.accept(scope.pipe().reader));
  await fails('EINVAL', 'OP_ACCEPT', ring.accept(await socket(ring, scope, 'IPv4')));
});

ringTest('an iterator gives every client, in a file or in a slot', OP, async (scope) => {
  const ring = asyncRing(scope, 16);
  const { server, at } = await listener(ring, scope);
  const iterator = ring.acceptMultishot(server);
  const near = await clients(ring, scope, at, 100);
  let count = 0;
  for await (const file of iterator) {
    const fd = scope.fd(file.fd);
    await ring.send(fd, bytes(`number ${count}`));
    if (++count === 100) break;
  }
  const greetings = await Promise.all(
    near.map(async (fd) => {
      const memory = new Uint8Array(16);
      return text(memory.subarray(0, await ring.recv(fd, memory)));
    }),
  );
  assert.equal(new Set(greetings).size, 100);
  assert.equal(ring.inFlight, 0);

  const files = ring.registerFiles({ slots: 8 });
  const slots = ring.acceptMultishot(server, { into: files });
  const more = await clients(ring, scope, at, 3);
  for (const each of more) {
    const { value } = await slots.next();
    assert.ok(value);
    await ring.send(value, bytes('slot'));
    assert.equal(await ring.recv(each, new Uint8Array(8)), 4);
    await ring.closeFd(value);
    await isHungUp(ring, each);
  }
  await slots.return();
});

ringTest('an iterator that is never used starts nothing', OP, async (scope) => {
  const ring = asyncRing(scope);
  const { server, at } = await listener(ring, scope);
  ring.acceptMultishot(server);
  const left = ring.acceptMultishot(server);
  assert.deepEqual(await left.return(), { done: true, value: undefined });
  assert.deepEqual(await left.next(), { done: true, value: undefined });
  await client(ring, scope, at);
  assert.equal(ring.inFlight, 0);
  close((await ring.accept(server)).fd);
});

ringTest('breaking out of the loop waits for the kernel, and closes what nobody took', OP, async (scope) => {
  const ring = asyncRing(scope, 64);
  const { server, at } = await listener(ring, scope);
  const iterator = ring.acceptMultishot(server);
  const first = iterator.next();
  const near = await clients(ring, scope, at, 20);
  const before = sockets();
  scope.fd((await first).value?.fd ?? -1);
  await until('all are accepted', () => sockets() >= before);
  for await (const file of iterator) {
    scope.fd(file.fd);
    break;
  }
  assert.equal(ring.inFlight, 0);
  // two were taken; the other eighteen hear that nobody is there, some of them after a late accept
  const lonely = near.slice(2);
  await Promise.all(lonely.map((fd) => isHungUp(ring, fd)));
  // nobody accepts any more
  await client(ring, scope, at);
  const late = await ring.accept(server);
  close(late.fd);
});

ringTest('an error in the body of the loop ends the request', OP, async (scope) => {
  const ring = asyncRing(scope);
  const { server, at } = await listener(ring, scope);
  const near = await client(ring, scope, at);
  const problem = new Error('in the body');
  const loop = async (): Promise<void> => {
    for await (const file of ring.acceptMultishot(server)) {
      await using _ = file;
      throw problem;
    }
  };
  assert.equal(await failure(loop()), problem);
  assert.equal(ring.inFlight, 0);
  await isHungUp(ring, near);
});

ringTest('abort ends the loop with AbortError when the kernel has let go', OP, async (scope) => {
  const ring = asyncRing(scope);
  const { server, at } = await listener(ring, scope);
  const controller = new AbortController();
  const iterator = ring.acceptMultishot(server, { signal: controller.signal });
  await client(ring, scope, at);
  await taken(scope, iterator);
  const waiting = iterator.next();
  await ring.nop();
  assert.equal(ring.inFlight, 1);
  const reason = new Error('why');
  controller.abort(reason);
  await aborts(waiting, reason);
  assert.equal(ring.inFlight, 0);
  assert.deepEqual(await iterator.next(), { done: true, value: undefined });
  await aborts(ring.acceptMultishot(server, { signal: AbortSignal.abort(reason) }).next(), reason);
  await aborts(ring.accept(server, { signal: AbortSignal.timeout(5) }));
  await fails('ETIME', 'OP_ACCEPT', ring.accept(server, { timeoutMs: 5 }));
});

ringTest('many wait at once, and each gets one client', OP, async (scope) => {
  const ring = asyncRing(scope, 64);
  const { server, at } = await listener(ring, scope);
  const iterator = ring.acceptMultishot(server);
  const waiting = Array.from({ length: 10 }, () => taken(scope, iterator));
  await clients(ring, scope, at, 10);
  assert.equal(new Set(await Promise.all(waiting)).size, 10);
  const two = [iterator.next(), iterator.next()];
  await iterator.return();
  assert.deepEqual(await Promise.all(two), Array(2).fill({ done: true, value: undefined }));
});

ringTest('a consumer that is slow makes the kernel stop, and loses nobody', OP, async (scope) => {
  const ring = asyncRing(scope, 64);
  const { server, at } = await listener(ring, scope, 1024);
  const iterator = ring.acceptMultishot(server);
  await clients(ring, scope, at, 1);
  await taken(scope, iterator);
  const before = sockets();
  const near = await clients(ring, scope, at, 400);
  await until('the kernel was asked to stop', () => ring.inFlight === 0);
  const accepted = sockets() - before - 400;
  // for the results that wait, or because its completion queue was full and half of them waited
  assert.ok(accepted >= 128 && accepted <= 400, `${accepted}`);
  for (let i = 0; i < 400; i++) await taken(scope, iterator);
  await ring.nop();
  assert.equal(ring.inFlight, 1, 'it accepts again');
  await iterator.return();
  assert.equal(near.length, 400);
});

ringTest('closing the ring ends the loop with ClosedError and closes what nobody took', OP, async (scope) => {
  const maker = asyncRing(scope, 64);
  const { server, at } = await listener(maker, scope);
  const ring = asyncRing(scope, 64);
  const iterator = ring.acceptMultishot(server);
  const [first] = [iterator.next()];
  const near = await clients(maker, scope, at, 12);
  scope.fd((await first).value?.fd ?? -1);
  await ring.nop();
  ring.close();
  assert.ok((await failure(iterator.next())) instanceof ClosedError);
  assert.deepEqual(await iterator.return(), { done: true, value: undefined });
  close(server);
  await Promise.all(near.slice(1).map((fd) => isHungUp(maker, fd)));
  // one that waits hears of it too
  const other = asyncRing(scope);
  const again = await listener(maker, scope);
  const waiting = other.acceptMultishot(again.server).next();
  await other.nop();
  other.close();
  assert.ok((await failure(waiting)) instanceof ClosedError);
  // and one that was never armed
  assert.ok((await failure(other.acceptMultishot(again.server).next())) instanceof ClosedError);
});

ringTest('an iterator that is dropped is found by the garbage collector', OP, async (scope) => {
  const ring = asyncRing(scope);
  const { server, at } = await listener(ring, scope);
  const before = sockets();
  const use = async (): Promise<void> => {
    const iterator = ring.acceptMultishot(server);
    await taken(scope, iterator);
  };
  const done = use();
  const near = await clients(ring, scope, at, 5);
  await done;
  await until('it is found', () => {
    globalThis.gc?.();
    return ring.inFlight === 0;
  });
  await until('what nobody took is closed', () => sockets() === before + near.length + 1);
});

ringTest('one that waits is not collected, although nobody else holds the iterator', OP, async (scope) => {
  const ring = asyncRing(scope);
  const { server, at } = await listener(ring, scope);
  const next = ring.acceptMultishot(server).next();
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.();
    await ring.nop();
  }
  assert.equal(ring.inFlight, 1);
  await client(ring, scope, at);
  const { value } = await next;
  scope.fd(value?.fd ?? -1);
  await until('then it is', () => {
    globalThis.gc?.();
    return ring.inFlight === 0;
  });
});

ringTest('a full file table ends it with ENFILE', { ...OP, ...needs('REGISTER_FILES2') }, async (scope) => {
  const ring = asyncRing(scope, 16);
  const { server, at } = await listener(ring, scope);
  const files = ring.registerFiles({ slots: 2 });
  const slots = ring.acceptMultishot(server, { into: files });
  await clients(ring, scope, at, 3);
  const found: number[] = [];
  const loop = async (): Promise<void> => {
    for await (const slot of slots) found.push(slot.index);
  };
  await fails('ENFILE', 'OP_ACCEPT', loop());
  assert.deepEqual(found, [0, 1]);
});

ringTest('200 rounds of abort against accept: no client is lost twice, no file stays', OP, async (scope) => {
  const ring = asyncRing(scope, 64);
  const { server, at } = await listener(ring, scope);
  const below = random(7);
  const ends = { accepted: 0, aborted: 0 };
  for (let round = 0; round < 200; round++) {
    const controller = new AbortController();
    const accepting = ring.accept(server, { signal: controller.signal });
    const near = (await ring.socket('IPv4')).fd;
    const connecting = ring.connect(near, at);
    for (let turns = below(4); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    await connecting;
    const outcome = await accepting.catch((error: Error) => error);
    if (outcome instanceof Error) {
      assert.equal(outcome.name, 'AbortError');
      ends.aborted++;
      // either the client still waits in the backlog, or it was accepted and closed
      const late = await ring.accept(server, { signal: AbortSignal.timeout(1) }).catch(() => undefined);
      if (late === undefined) await isHungUp(ring, near);
      else await late.close();
    } else {
      ends.accepted++;
      await outcome.close();
    }
    close(near);
    assert.equal(ring.inFlight, 0);
  }
  assert.ok(ends.aborted > 0, JSON.stringify(ends));
});

ringTest('200 rounds of leaving the iterator at any moment leave no file', OP, async (scope) => {
  const ring = asyncRing(scope, 64);
  const { server, at } = await listener(ring, scope);
  const below = random(11);
  const before = sockets();
  for (let round = 0; round < 200; round++) {
    const iterator = ring.acceptMultishot(server);
    const next = iterator.next();
    const near = (await ring.socket('IPv4')).fd;
    const connecting = ring.connect(near, at);
    for (let turns = below(4); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
    await iterator.return();
    await connecting;
    const { value } = await next;
    if (value !== undefined) await value.close();
    close(near);
    assert.equal(ring.inFlight, 0);
  }
  assert.equal(sockets(), before);
});
