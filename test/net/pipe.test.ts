/** Connections that are passed on to others. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { ClosedError, OpError } from '../../lib/errors.ts';
import type { AsyncRing } from '../../lib/faces/async-ring.ts';
import { type Ends, Pipe } from '../../lib/net/pipe.ts';
import type { RingSocket } from '../../lib/net/socket.ts';
import type { BufferPart } from '../../lib/ring/owners/buffer-ring.ts';
import { aborts, asyncRing, bytes, failure, refusesAll } from '../helpers/async.ts';
import { wrong } from '../helpers/raw-ring.ts';
import { ringTest, type Scope, until } from '../helpers/rings.ts';

const LOCAL = '127.0.0.1';

/** A connection of the ring, and its other side. */
async function connected(scope: Scope, ring: AsyncRing): Promise<[RingSocket, net.Socket]> {
  const server = net.createServer({ allowHalfOpen: true }).listen(0, LOCAL);
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const [socket, [peer]] = await Promise.all([
    ring.createConnection({ host: LOCAL, port: address.port }),
    once(server, 'connection'),
  ]);
  server.close();
  assert.ok(peer instanceof net.Socket);
  peer.on('error', () => {});
  scope.defer(() => void peer.destroy());
  return [socket, peer];
}

/** All that comes. `buffer()` of Node.js would destroy the socket then, with what is still to be written. */
async function all(socket: net.Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  await once(socket, 'end');
  return Buffer.concat(chunks);
}

ringTest('bytes go both ways, to the end', {}, async (scope) => {
  const ring = asyncRing(scope);
  const [from, source] = await connected(scope, ring);
  const [to, target] = await connected(scope, ring);
  const data = randomBytes(4 << 20);
  const back = randomBytes(100_001);
  const pipes = Promise.all([from.pipeTo(to), to.pipeTo(from)]);
  source.end(data);
  target.end(back);
  const [came, answer] = await Promise.all([all(target), all(source)]);
  assert.ok(came.equals(data));
  assert.ok(answer.equals(back));
  assert.deepEqual(await pipes, [data.length, back.length]);
  await Promise.all([from.close(), to.close()]);
});

ringTest(
  'the writing half stays open with end: false, and whoever ends it waits for the pipe',
  {},
  async (scope) => {
    const ring = asyncRing(scope);
    const [from, source] = await connected(scope, ring);
    const [second, other] = await connected(scope, ring);
    const [to, target] = await connected(scope, ring);
    const came = all(target);
    source.end('one');
    assert.equal(await from.pipeTo(to, { end: false }), 3);
    other.write('two');
    const pipe = second.pipeTo(to, { end: false });
    const ended = to.end();
    other.end('three');
    assert.equal(await pipe, 8);
    await ended;
    assert.equal(String(await came), 'onetwothree');
    await Promise.all([from.close(), second.close(), to.close()]);
  },
);

ringTest('a connection that is broken rejects, with the frames of whoever awaits', {}, async (scope) => {
  const ring = asyncRing(scope);
  const [from, source] = await connected(scope, ring);
  const [to, target] = await connected(scope, ring);
  async function passing(): Promise<void> {
    await from.pipeTo(to);
  }
  const broken = failure(passing());
  source.resetAndDestroy();
  const error = await broken;
  assert.ok(error instanceof OpError);
  assert.equal(error.code, 'ECONNRESET');
  assert.match(error.stack ?? '', /^OpError: ECONNRESET.*OP_RECV[\s\S]*at async passing/);
  // the other one is as it was
  await to.writeAll('still');
  assert.equal(String((await once(target, 'data'))[0]), 'still');
  const [next, writer] = await connected(scope, ring);
  target.resetAndDestroy();
  const failed = failure(next.pipeTo(to));
  const feed = setInterval(() => writer.write('x'), 1);
  const second = await failed;
  clearInterval(feed);
  assert.ok(second instanceof OpError && ['EPIPE', 'ECONNRESET'].includes(second.code ?? ''), `${second}`);
  await Promise.all([from.close(), to.close(), next.close()]);
});

ringTest('a signal stops it, a limit ends it, and both connections go on', {}, async (scope) => {
  const ring = asyncRing(scope);
  const [from, source] = await connected(scope, ring);
  const [to, target] = await connected(scope, ring);
  const controller = new AbortController();
  const pipe = from.pipeTo(to, { signal: controller.signal });
  source.write('a');
  assert.equal(String((await once(target, 'data'))[0]), 'a');
  controller.abort('enough');
  await aborts(pipe, 'enough');
  from.timeoutMs = 5;
  const late = await failure(from.pipeTo(to));
  assert.ok(late instanceof OpError && late.code === 'ETIME', `${late}`);
  from.timeoutMs = undefined;
  const rest = all(target);
  source.end('b');
  assert.equal(await from.pipeTo(to), 1);
  assert.equal(String(await rest), 'b');
  await Promise.all([from.close(), to.close()]);
});

ringTest('wrong arguments, and connections that are closed', {}, async (scope) => {
  const ring = asyncRing(scope);
  const [from] = await connected(scope, ring);
  const [to] = await connected(scope, ring);
  await refusesAll(ring, [
    ['target', () => from.pipeTo(wrong({ fd: 1 }))],
    ['options.ent', () => from.pipeTo(to, wrong({ ent: false }))],
    ['options.end', () => from.pipeTo(to, { end: wrong(0) })],
    ['options.signal', () => from.pipeTo(to, { signal: wrong(1) })],
  ]);
  const waiting = from.pipeTo(to, { end: false });
  await ring.nop();
  await from.close();
  // whoever reads at that moment sees the end
  assert.equal(await waiting, 0);
  await assert.rejects(from.pipeTo(to), ClosedError);
  const [other] = await connected(scope, ring);
  await to.close();
  await assert.rejects(other.pipeTo(to), ClosedError);
  await other.close();
});

ringTest('who does not read holds one buffer, and nobody else up', {}, async (scope) => {
  const ring = asyncRing(scope);
  const [from, source] = await connected(scope, ring);
  const [to, target] = await connected(scope, ring);
  // more than all buffers of the kernel's
  const data = Buffer.alloc(64 << 20, 'x');
  const pipe = from.pipeTo(to);
  source.end(data);
  let before = -1;
  await until('the kernel takes no more', () => {
    const isStill = source.bytesWritten === before;
    before = source.bytesWritten;
    return isStill;
  });
  const [quick, writer] = await connected(scope, ring);
  const [into, reader] = await connected(scope, ring);
  const other = quick.pipeTo(into);
  writer.end('quick');
  assert.equal(String(await all(reader)), 'quick');
  assert.equal(await other, 5);
  assert.ok((await all(target)).equals(data));
  assert.equal(await pipe, data.length);
  await Promise.all([from.close(), to.close(), quick.close(), into.close()]);
});

// ---- each step by itself ----------------------------------------------------------------------------------

interface Told {
  readonly log: string[];
  readonly ends: Ends;
  /** What happens next, in order. */
  readonly steps: (() => void)[];
}

/** Ends that take one byte at a time; the pool has a buffer only the first time. */
function ends(): Told {
  const log: string[] = [];
  const steps: (() => void)[] = [];
  let received = 0;
  const part: Pick<BufferPart, 'bytes' | 'release'> = {
    bytes: bytes('abc'),
    release: () => void log.push('release'),
  };
  return {
    log,
    steps,
    ends: {
      pool: wrong({}),
      size: 4,
      receivePart: (_pool, isDry, told) =>
        void steps.push(() => {
          log.push(isDry ? 'pool, dry' : 'pool');
          if (received++ === 0) told(null, wrong(part));
          else told(new OpError('OP_RECV', 105), undefined);
        }),
      receive: (memory, told) =>
        void steps.push(() => {
          log.push(`own ${memory.length}`);
          if (received++ > 2) told(null, 0);
          else {
            memory.set(bytes('de'));
            told(null, 2);
          }
        }),
      send: (memory, told) =>
        void steps.push(() => {
          log.push(`send ${memory.length}`);
          told(null, memory.length > 2 ? 1 : memory.length);
        }),
    },
  };
}

test('short sends go on, a buffer goes back when all is sent, and an exhausted pool is asked no more', () => {
  const { log, steps, ends: both } = ends();
  let total = -1;
  const pipe = new Pipe(
    both,
    (count) => {
      total = count;
    },
    (error) => assert.fail(`${error}`),
  );
  pipe.start();
  for (let step = steps.shift(); step !== undefined; step = steps.shift()) {
    step();
    assert.ok(steps.length <= 1, 'one thing at a time');
  }
  assert.deepEqual(log, ['pool', 'send 3', 'send 2', 'release', 'pool, dry', 'own 4', 'send 2', 'own 4']);
  assert.equal(total, 5);
});

test('what fails gives the buffer back', () => {
  for (const isThrown of [true, false]) {
    const { log, steps, ends: both } = ends();
    const error = new Error('send');
    const failures: unknown[] = [];
    const send: Ends['send'] = (_, told) => {
      if (isThrown) throw error;
      steps.push(() => told(error, 0));
    };
    const pipe = new Pipe(
      { ...both, send },
      () => assert.fail('it failed'),
      (reason) => failures.push(reason),
    );
    pipe.start();
    for (let step = steps.shift(); step !== undefined; step = steps.shift()) step();
    assert.deepEqual(failures, [error]);
    assert.deepEqual(log, ['pool', 'release']);
  }
});
