import assert from 'node:assert/strict';
import { alloc } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { asyncRing, bytes, fails, refusesAll } from '../helpers/async.ts';
import { needsOp } from '../helpers/needs.ts';
import { tcpPair, udp } from '../helpers/network.ts';
import { F_MORE, socketPair, text } from '../helpers/pairs.ts';
import { unsteadyViews, wrong } from '../helpers/raw-ring.ts';
import { ringTest } from '../helpers/rings.ts';

const OP = needsOp('OP_SEND_ZC', 'OP_SENDMSG_ZC', 'OP_LISTEN');
const F_NOTIF = 8;
const MSG_WAITALL = 0x100;

ringTest('wrong arguments reject before any syscall', OP, async (scope) => {
  const ring = asyncRing(scope);
  await refusesAll(ring, [
    ...unsteadyViews().map(([, view]) => ['memory', () => ring.sendZeroCopy(0, view)] as const),
    ['socket', () => ring.sendZeroCopy(-1, new Uint8Array(1))],
    ['options.flags', () => ring.sendZeroCopy(0, new Uint8Array(1), { flags: 0.5 })],
    ['message', () => ring.sendmsgZeroCopy(0, wrong(undefined))],
    ['message.data', () => ring.sendmsgZeroCopy(0, { data: wrong('x') })],
  ]);
});

ringTest(
  'the promise waits for the notification: then the memory may change, and the bytes have arrived',
  OP,
  async (scope) => {
    const ring = asyncRing(scope, 16);
    const [near, far] = await tcpPair(ring, scope);
    const memory = alloc(256 * 1024);
    const registered = ring.registerBuffers([alloc(64 * 1024)]).at(0);
    for (const [kind, piece, send] of [
      ['own memory', memory, () => ring.sendZeroCopy(near, memory, { flags: MSG_WAITALL })],
      [
        'a registered buffer',
        registered.bytes,
        () => ring.sendZeroCopy(near, registered, { flags: MSG_WAITALL }),
      ],
      [
        'a message',
        memory,
        () =>
          ring.sendmsgZeroCopy(
            near,
            { data: [memory.subarray(0, 100_000), memory.subarray(100_000)] },
            { flags: MSG_WAITALL },
          ),
      ],
    ] as const) {
      for (let round = 1; round <= 3; round++) {
        piece.fill(round);
        let isFree = false;
        const sending = send().then((sent) => {
          isFree = true;
          // whoever received it later than this would see it
          piece.fill(0xee);
          return sent;
        });
        await ring.nop();
        const received = Buffer.alloc(piece.length);
        for (let at = 0; at < received.length; ) {
          at += await ring.recv(far, received.subarray(at, at + 60_000));
          // not before all has gone out
          if (at < received.length / 8) assert.equal(isFree, false, kind);
        }
        assert.equal(await sending, piece.length);
        assert.ok(
          received.every((byte) => byte === round),
          kind,
        );
      }
    }
  },
);

ringTest('the first completion of two is the result, the second frees the memory', OP, async (scope) => {
  const ring = scope.ring();
  const maker = asyncRing(scope);
  const [near, far] = await tcpPair(maker, scope);
  ring.prepare.sendZc(near, bytes('twice'), { userData: 3 });
  ring.submit({ wait: 1, timeoutMs: 5000 });
  const [first, ...rest] = [...ring.completions()];
  assert.deepEqual([first?.userData, first?.res, first?.flags], [3, 5, F_MORE]);
  if (rest.length === 0) assert.equal(ring.inFlight, 1);
  assert.equal(await maker.recv(far, new Uint8Array(8)), 5);
  if (rest.length === 0) ring.submit({ wait: 1, timeoutMs: 5000 });
  const second = rest[0] ?? [...ring.completions()][0];
  assert.deepEqual([second?.userData, (second?.flags ?? 0) & F_NOTIF], [3, F_NOTIF]);
  assert.equal(ring.inFlight, 0);
});

ringTest('a datagram goes to its address', OP, async (scope) => {
  const ring = asyncRing(scope);
  const [a, b] = [await udp(ring, scope), await udp(ring, scope)];
  const memory = new Uint8Array(16);
  assert.equal(await ring.sendZeroCopy(a.fd, bytes('zero copy'), { to: b.at }), 9);
  assert.equal(await ring.recv(b.fd, memory), 9);
  assert.equal(await ring.sendmsgZeroCopy(a.fd, { data: bytes('message'), to: b.at }), 7);
  assert.equal(await ring.recv(b.fd, memory), 7);
  assert.equal(text(memory.subarray(0, 7)), 'message');
});

ringTest('errors come when the memory is free', OP, async (scope) => {
  const ring = asyncRing(scope);
  const [near] = await tcpPair(ring, scope);
  await ring.shutdown(near, 'write');
  await fails('EPIPE', 'OP_SEND_ZC', ring.sendZeroCopy(near, bytes('x')));
  await fails('EPIPE', 'OP_SENDMSG_ZC', ring.sendmsgZeroCopy(near, { data: bytes('x') }));
  await fails('EOPNOTSUPP', 'OP_SEND_ZC', ring.sendZeroCopy(socketPair(scope)[0], bytes('x')));
});

ringTest('memory is held until the notification, also where nobody else holds it', OP, async (scope) => {
  const ring = asyncRing(scope, 16);
  const [near, far] = await tcpPair(ring, scope);
  let freed = 0;
  const registry = new FinalizationRegistry<number>(() => freed++);
  const send = (): Promise<number> => {
    const memory = new Uint8Array(3_000_000).fill(0x5a);
    registry.register(memory, 1);
    return ring.sendZeroCopy(near, memory, { flags: MSG_WAITALL });
  };
  const sending = send();
  for (let i = 0; i < 5; i++) {
    await ring.nop();
    globalThis.gc?.();
    new Uint8Array(3_000_000).fill(0xff);
  }
  assert.equal(freed, 0);
  const chunk = Buffer.alloc(500_000);
  let received = 0;
  while (received < 3_000_000) {
    const count = await ring.recv(far, chunk);
    assert.ok(chunk.subarray(0, count).every((byte) => byte === 0x5a));
    received += count;
  }
  assert.equal(await sending, 3_000_000);
});

ringTest('closing the ring with a send in flight ends it', OP, async (scope) => {
  const maker = asyncRing(scope);
  const [near] = await tcpPair(maker, scope);
  const ring = asyncRing(scope);
  const sending = ring
    .sendZeroCopy(near, new Uint8Array(8_000_000), { flags: MSG_WAITALL })
    .catch((e: Error) => e);
  await ring.nop();
  assert.equal(ring.inFlight, 1);
  // the other side takes nothing: only a reset makes the kernel let go
  await maker.setsockopt(near, [1, 13], Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0));
  assert.equal(sys.close(near), 0);
  const other = await maker.socket('IPv4');
  assert.equal(other.fd, near, 'the number is taken again, for the scope to close');
  ring.close();
  assert.ok((await sending) instanceof Error);
});
