import assert from 'node:assert/strict';
import { pooled } from '../../lib/async/outcomes.ts';
import { ClosedError } from '../../lib/errors.ts';
import type { AsyncRing } from '../../lib/faces/async-ring.ts';
import type { BufferPart } from '../../lib/ring/owners/buffer-ring.ts';
import { isOlderThan } from '../../lib/sys/host.ts';
import { aborts, asyncRing, bytes, fails, failure, refusesAll } from '../helpers/async.ts';
import { knows, needs, needsOp } from '../helpers/needs.ts';
import { listener, random, tcpPair, udp } from '../helpers/network.ts';
import { socketPair, text } from '../helpers/pairs.ts';
import { unsteadyViews, wrong } from '../helpers/raw-ring.ts';
import { ringTest, until } from '../helpers/rings.ts';

const OP = needsOp('OP_RECV');
/** Before 6.17 a socket of AF_UNIX does not tell how much it has, and one buffer is taken. */
const fillsSeveral = !isOlderThan('6.17');
/** Without, and with, where the kernel has it: both came with Linux 6.12. */
const INCREMENTAL = knows('REGISTER_CLOCK') ? [false, true] : [false];
const POOL = { ...OP, ...needs('REGISTER_PBUF_RING') };
const SOL_SOCKET = 1;
const SO_LINGER = 13;
const MSG_PEEK = 2;
const MSG_DONTWAIT = 0x40;
const MSG_WAITALL = 0x100;

/** Bytes that tell where they stood. */
function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
}

/** Sends all of it. */
async function sendAll(ring: AsyncRing, fd: number, data: Uint8Array, step: number): Promise<void> {
  for (let at = 0; at < data.length; ) at += await ring.send(fd, data.subarray(at, at + step));
}

ringTest('wrong arguments reject before any syscall', POOL, async (scope) => {
  const ring = asyncRing(scope);
  const memory = new Uint8Array(4);
  const pool = ring.registerBufferRing({ entries: 2, bufferSize: 16 });
  const other = asyncRing(scope).registerBufferRing({ entries: 2, bufferSize: 16 });
  await refusesAll(ring, [
    ...unsteadyViews().flatMap(([, view]) => [
      ['memory', () => ring.recv(0, view)] as const,
      ['memory', () => ring.send(0, view)] as const,
    ]),
    ['socket', () => ring.recv(-1, memory)],
    ['memory', () => ring.recv(0, wrong('x'))],
    ['options.flags', () => ring.recv(0, memory, { flags: -1 })],
    ['options.offset', () => ring.recv(0, memory, wrong({ offset: 0 }))],
    ['pool', () => ring.recv(0, other)],
    ['pool', () => ring.recvBundle(0, wrong(memory))],
    ['pool', () => ring.recvMultishot(0, other).next()],
    ['socket', () => ring.recvMultishot(-1, pool).next()],
    ['pool', () => ring.recvMultishot(0, wrong(memory)).next()],
    ['options.timeoutMs', () => ring.recvMultishot(0, pool, wrong({ timeoutMs: 1 })).next()],
    ['options.to.port', () => ring.send(0, memory, { to: wrong({ address: '::1' }) })],
    ['options.to', () => ring.send(0, memory, { to: wrong(7) })],
  ]);
});

// pollFirst came with the version of OP_SOCKET
ringTest(
  'send and recv move bytes, with flags and in slots',
  { ...OP, ...needsOp('OP_SOCKET') },
  async (scope) => {
    const ring = asyncRing(scope);
    const [near, far] = socketPair(scope);
    const files = ring.registerFiles([near, far]);
    const memory = new Uint8Array(8);
    const waiting = ring.recv(files.at(1), memory, { pollFirst: true });
    assert.equal(await ring.send(files.at(0), bytes('hello')), 5);
    assert.equal(await waiting, 5);
    assert.equal(text(memory), 'hello\0\0\0');
    await ring.send(near, bytes('again'));
    assert.equal(await ring.recv(far, memory, { flags: MSG_PEEK }), 5);
    assert.equal(await ring.recv(far, memory), 5);
    await fails('EAGAIN', 'OP_RECV', ring.recv(far, memory, { flags: MSG_DONTWAIT }));
    const whole = ring.recv(far, memory, { flags: MSG_WAITALL });
    await ring.send(near, bytes('1234'));
    await ring.send(near, bytes('5678'));
    assert.equal(await whole, 8);
    assert.equal(text(memory), '12345678');
    await fails('ENOTSOCK', 'OP_RECV', ring.recv(scope.pipe().reader, memory));
    await aborts(ring.recv(far, memory, { signal: AbortSignal.timeout(5) }));
  },
);

ringTest('send to an address, without a connection', needsOp('OP_SEND_ZC', 'OP_BIND'), async (scope) => {
  const ring = asyncRing(scope);
  const [a, b] = [await udp(ring, scope), await udp(ring, scope)];
  const memory = new Uint8Array(8);
  const waiting = ring.recv(b.fd, memory);
  assert.equal(await ring.send(a.fd, bytes('datagram'), { to: b.at }), 8);
  assert.equal(await waiting, 8);
  assert.equal(text(memory), 'datagram');
  await fails('EDESTADDRREQ', 'OP_SEND', ring.send(a.fd, bytes('x')));
});

ringTest('a receive from a pool picks a buffer when data is there', POOL, async (scope) => {
  const ring = asyncRing(scope);
  const [near, far] = socketPair(scope);
  const pool = ring.registerBufferRing({ entries: 2, bufferSize: 16 });
  const waiting = ring.recv(far, pool);
  await ring.nop();
  assert.equal(pool.free, 2);
  await ring.send(near, bytes('picked'));
  const first = await waiting;
  assert.equal(text(first?.bytes ?? bytes('')), 'picked');
  await ring.send(near, bytes('second'));
  const second = await ring.recv(far, pool);
  assert.equal(pool.free, 0);
  await ring.send(near, bytes('third'));
  await fails('ENOBUFS', 'OP_RECV', ring.recv(far, pool));
  first?.release();
  const third = await ring.recv(far, pool);
  assert.equal(text(third?.bytes ?? bytes('')), 'third');
  for (const part of [second, third]) part?.release();
  await ring.shutdown(near, 'both');
  assert.equal(await ring.recv(far, pool), undefined);
  assert.equal(pool.free, 2);
});

ringTest(
  'a bundle fills as many buffers as it takes, in order',
  { ...POOL, ...needsOp('OP_BIND') },
  async (scope) => {
    const ring = asyncRing(scope);
    const [near, far] = socketPair(scope);
    const data = pattern(16 * 10);
    for (const incremental of INCREMENTAL) {
      const pool = ring.registerBufferRing({ entries: 4, bufferSize: 16, incremental });
      let received = 0;
      await ring.send(near, data);
      for (let round = 0; received < data.length; round++) {
        const parts = await ring.recvBundle(far, pool);
        for (const part of parts) {
          assert.deepEqual([...part.bytes], [...data.subarray(received, received + part.bytes.length)]);
          received += part.bytes.length;
        }
        if (round === 0 && fillsSeveral)
          assert.ok(parts.length > 1, `${parts.length} parts, incremental: ${incremental}`);
        // given back in another order than they came
        for (const part of parts.reverse()) part.release();
      }
      assert.equal(received, data.length);
      assert.equal(pool.free, 4);
      pool.unregister();
    }
    const pool = ring.registerBufferRing({ entries: 2, bufferSize: 16 });
    await ring.send(near, bytes('short'));
    const parts = await ring.recvBundle(far, pool);
    assert.deepEqual(
      parts.map((part) => text(part.bytes)),
      ['short'],
    );
    await ring.shutdown(near, 'write');
    assert.deepEqual(await ring.recvBundle(far, pool), []);
  },
);

ringTest(
  'an iterator gives parts until the connection ends',
  { ...POOL, ...needsOp('OP_LISTEN') },
  async (scope) => {
    const ring = asyncRing(scope, 64);
    const [near, far] = await tcpPair(ring, scope);
    const pool = ring.registerBufferRing({ entries: 8, bufferSize: 512 });
    const data = pattern(200_000);
    const sending = sendAll(ring, near, data, 7000).then(() => ring.shutdown(near, 'write'));
    const chunks: Buffer[] = [];
    for await (using part of ring.recvMultishot(far, pool)) chunks.push(Buffer.from(part.bytes));
    await sending;
    assert.deepEqual(Buffer.concat(chunks), Buffer.from(data));
    assert.equal(pool.free, 8);
    assert.equal(ring.inFlight, 0);
  },
);

ringTest(
  'two buffers and a fast sender lose nothing: what is not released holds the sender',
  POOL,
  async (scope) => {
    const ring = asyncRing(scope, 64);
    for (const incremental of INCREMENTAL) {
      const [near, far] = socketPair(scope);
      const pool = ring.registerBufferRing({ entries: 2, bufferSize: 100, incremental });
      const data = pattern(50_000);
      let isSent = false;
      const sending = sendAll(ring, near, data, 333).then(async () => {
        isSent = true;
        await ring.shutdown(near, 'write');
      });
      const held: BufferPart[] = [];
      const chunks: Buffer[] = [];
      const below = random(3);
      for await (const part of ring.recvMultishot(far, pool)) {
        held.push(part);
        chunks.push(Buffer.from(part.bytes));
        // now and then both buffers are kept for a while
        if (below(4) === 0) for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
        if (pool.free === 0 || below(2) === 0) {
          setImmediate(() => {
            for (const each of held.splice(0)) each.release();
          });
        }
      }
      await sending;
      assert.equal(isSent, true);
      assert.deepEqual(Buffer.concat(chunks), Buffer.from(data));
      for (const each of held) each.release();
      pool.unregister();
    }
  },
);

ringTest('without a free buffer it waits, and holds nothing in the kernel', POOL, async (scope) => {
  const ring = asyncRing(scope);
  const [near, far] = socketPair(scope);
  const pool = ring.registerBufferRing({ entries: 1, bufferSize: 4 });
  const parts = ring.recvMultishot(far, pool);
  await ring.send(near, bytes('12345678'));
  const first = (await parts.next()).value;
  const waiting = parts.next();
  await until('it is out of buffers', () => ring.inFlight === 0);
  first?.release();
  const second = (await waiting).value;
  assert.equal(text(second?.bytes ?? bytes('')), '5678');
  second?.release();
  // aborting, leaving and closing while it waits
  await ring.send(near, bytes('abcdefgh'));
  const third = (await parts.next()).value;
  const again = parts.next();
  await until('it is out of buffers', () => ring.inFlight === 0);
  assert.deepEqual(await parts.return(), { done: true, value: undefined });
  assert.deepEqual(await again, { done: true, value: undefined });
  const controller = new AbortController();
  const aborted = ring.recvMultishot(far, pool, { signal: controller.signal }).next();
  await until('it is out of buffers', () => ring.inFlight === 0);
  controller.abort();
  await aborts(aborted);
  const unregistered = ring.recvMultishot(far, pool).next();
  await until('it is out of buffers', () => ring.inFlight === 0);
  pool.unregister();
  assert.ok((await failure(unregistered)) instanceof ClosedError);
  assert.equal(text(third?.bytes ?? bytes('')), 'abcd');
});

ringTest('closing the ring while it waits for a buffer ends it with ClosedError', POOL, async (scope) => {
  const ring = asyncRing(scope);
  const [near, far] = socketPair(scope);
  const pool = ring.registerBufferRing({ entries: 1, bufferSize: 4 });
  const parts = ring.recvMultishot(far, pool);
  await ring.send(near, bytes('12345678'));
  const first = (await parts.next()).value;
  const waiting = parts.next();
  await until('it is out of buffers', () => ring.inFlight === 0);
  ring.close();
  assert.ok((await failure(waiting)) instanceof ClosedError);
  first?.release();
});

ringTest('what nobody took is given back when the loop is left', POOL, async (scope) => {
  const ring = asyncRing(scope);
  const [near, far] = socketPair(scope);
  const pool = ring.registerBufferRing({ entries: 4, bufferSize: 4 });
  await ring.send(near, bytes('0123456789ab'));
  for await (using part of ring.recvMultishot(far, pool, { maxHeld: 4 })) {
    assert.equal(text(part.bytes), '0123');
    await until('all has come', () => pool.free <= 1);
    break;
  }
  assert.equal(pool.free, 4);
  assert.equal(ring.inFlight, 0);
  const problem = new Error('in the body');
  const loop = async (): Promise<void> => {
    for await (using _ of ring.recvMultishot(far, pool)) throw problem;
  };
  await ring.send(near, bytes('more'));
  assert.equal(await failure(loop()), problem);
  assert.equal(pool.free, 4);
});

ringTest(
  'a connection that is reset rejects',
  { ...POOL, ...needsOp('OP_LISTEN', 'OP_URING_CMD') },
  async (scope) => {
    const ring = asyncRing(scope);
    const { server, at } = await listener(ring, scope);
    const near = await ring.socket('IPv4');
    await ring.connect(near, at);
    const far = scope.fd((await ring.accept(server)).fd);
    const pool = ring.registerBufferRing({ entries: 4, bufferSize: 16 });
    const parts = ring.recvMultishot(far, pool);
    const waiting = parts.next();
    await ring.nop();
    // struct linger { 1, 0 }: a close is a reset
    await ring.setsockopt(near, [SOL_SOCKET, SO_LINGER], Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0));
    await near.close();
    await fails('ECONNRESET', 'OP_RECV', waiting);
    assert.deepEqual(await parts.next(), { done: true, value: undefined });
  },
);

ringTest('several receives share a pool', POOL, async (scope) => {
  const ring = asyncRing(scope, 64);
  const pool = ring.registerBufferRing({ entries: 2, bufferSize: 64 });
  const data = pattern(5000);
  const streams = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const [near, far] = socketPair(scope);
      const sending = sendAll(ring, near, data, 100).then(() => ring.shutdown(near, 'write'));
      const chunks: Buffer[] = [];
      for await (using part of ring.recvMultishot(far, pool)) {
        chunks.push(Buffer.from(part.bytes));
        await ring.nop();
      }
      await sending;
      return Buffer.concat(chunks);
    }),
  );
  for (const each of streams) assert.deepEqual(each, Buffer.from(data));
  assert.equal(pool.free, 2);
});

ringTest('200 rounds of abort against recv: every byte is received once', OP, async (scope) => {
  const ring = asyncRing(scope, 64);
  const [near, far] = socketPair(scope);
  const below = random(5);
  let next = 0;
  let expected = 0;
  const ends = { received: 0, aborted: 0 };
  const memory = new Uint8Array(1);
  for (let round = 0; round < 200; round++) {
    const controller = new AbortController();
    const receiving = ring.recv(far, memory, { signal: controller.signal });
    for (let turns = below(3); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
    const sending = ring.send(near, Uint8Array.of(next++ & 0xff));
    for (let turns = below(3); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    const outcome = await receiving.catch((error: Error) => error);
    await sending;
    if (outcome instanceof Error) {
      assert.equal(outcome.name, 'AbortError');
      ends.aborted++;
      assert.equal(await ring.recv(far, memory), 1);
    } else ends.received++;
    assert.equal(memory[0], expected++ & 0xff);
    assert.equal(ring.inFlight, 0);
  }
  assert.ok(ends.aborted > 0 && ends.received > 0, JSON.stringify(ends));
  await fails('EAGAIN', 'OP_RECV', ring.recv(far, memory, { flags: MSG_DONTWAIT }));
});

ringTest(
  '200 rounds of abort against an iterator: parts come in order, and all buffers come back',
  POOL,
  async (scope) => {
    const ring = asyncRing(scope, 64);
    const below = random(9);
    const pool = ring.registerBufferRing({ entries: 4, bufferSize: 8 });
    for (let round = 0; round < 200; round++) {
      const [near, far] = socketPair(scope);
      const controller = new AbortController();
      const parts = ring.recvMultishot(far, pool, { signal: controller.signal });
      const sending = ring.send(near, pattern(30));
      let received = 0;
      const loop = async (): Promise<void> => {
        for await (using part of parts) {
          assert.deepEqual(
            [...part.bytes],
            [...pattern(30).subarray(received, received + part.bytes.length)],
          );
          received += part.bytes.length;
        }
      };
      const looping = loop();
      for (let turns = below(4); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
      controller.abort();
      await aborts(looping);
      await sending;
      assert.equal(pool.free, 4);
      assert.equal(ring.inFlight, 0);
      // what was not received is in the socket still
      const rest = new Uint8Array(64);
      const left = await ring.recv(far, rest, { flags: MSG_DONTWAIT }).catch(() => 0);
      assert.deepEqual([...rest.subarray(0, left)], [...pattern(30).subarray(received)]);
    }
  },
);

ringTest('a failed receive whose buffer somebody else took does not stop the ring', POOL, async (scope) => {
  const pool = asyncRing(scope).registerBufferRing({ entries: 2, bufferSize: 16 });
  const IORING_CQE_F_BUFFER = 1;
  const ofOne = { res: 4, flags: IORING_CQE_F_BUFFER | (1 << 16) };
  const part = pool.take(ofOne);
  assert.throws(() => pool.take(ofOne), { code: 'ERR_INVALID_ARG_VALUE' });
  pooled(pool).waste?.(-125, ofOne.flags);
  assert.equal(part.length, 4);
  part.release();
});
