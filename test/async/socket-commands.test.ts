import assert from 'node:assert/strict';
import { UnsupportedError } from '../../lib/errors.ts';
import type { AsyncRing } from '../../lib/faces/async-ring.ts';
import { asyncRing, bytes, fails, failure, refusesAll } from '../helpers/async.ts';
import { needsOp } from '../helpers/needs.ts';
import { socket, tcpPair } from '../helpers/network.ts';
import { only } from '../helpers/pairs.ts';
import { wrong } from '../helpers/raw-ring.ts';
import { ringTest, until } from '../helpers/rings.ts';
import { inProc } from '../ops/sockets.ts';

/** Commands of sockets came with 6.7, as did this. */
const OP = { ...needsOp('OP_WAITID'), ...needsOp('OP_LISTEN') };
const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_SNDBUF = 7;
const SO_KEEPALIVE = 9;
const SO_RCVTIMEO = 20;
const IPPROTO_TCP = 6;
const EINVAL = 22;

function number(value: Uint8Array): number {
  assert.equal(value.length, 4);
  return new DataView(value.buffer).getInt32(0, true);
}

ringTest('wrong arguments reject before any syscall', OP, async (scope) => {
  const ring = asyncRing(scope);
  await refusesAll(ring, [
    ['socket', () => ring.getsockopt(-1, [SOL_SOCKET, SO_TYPE])],
    ['option[0]', () => ring.getsockopt(0, [-1, SO_TYPE])],
    ['option', () => ring.getsockopt(0, wrong('SO_TPYE'))],
    ['option[1]', () => ring.getsockopt(0, [SOL_SOCKET, wrong('type')])],
    ['value', () => ring.setsockopt(0, [SOL_SOCKET, SO_SNDBUF], 2 ** 31)],
    ['value', () => ring.setsockopt(0, [SOL_SOCKET, SO_SNDBUF], wrong('1'))],
    ['socket', () => ring.siocinq(wrong(null))],
    ['socket', () => ring.siocoutq(-1)],
    ['options.per', () => ring.getsockname(0, wrong({ per: true }))],
  ]);
});

ringTest('options are read and changed', OP, async (scope) => {
  const ring = asyncRing(scope);
  const fd = await socket(ring, scope, 'IPv4', 'datagram');
  assert.equal(number(await ring.getsockopt(fd, [SOL_SOCKET, SO_TYPE])), 2);
  assert.equal(number(await ring.getsockopt(fd, [SOL_SOCKET, SO_KEEPALIVE])), 0);
  await ring.setsockopt(fd, [SOL_SOCKET, SO_KEEPALIVE], 1);
  assert.equal(number(await ring.getsockopt(fd, [SOL_SOCKET, SO_KEEPALIVE])), 1);
  await ring.setsockopt(ring.registerFiles([fd]).at(0), [SOL_SOCKET, SO_SNDBUF], 10_000);
  assert.equal(number(await ring.getsockopt(fd, [SOL_SOCKET, SO_SNDBUF])), 20_000, 'the kernel doubles it');
  // struct timeval
  const timeout = Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  await ring.setsockopt(fd, [SOL_SOCKET, SO_RCVTIMEO], timeout);
  assert.deepEqual(await ring.getsockopt(fd, [SOL_SOCKET, SO_RCVTIMEO]), timeout);
  await fails('ENOPROTOOPT', 'OP_URING_CMD', ring.getsockopt(fd, [SOL_SOCKET, 9999]));
  await fails('EOPNOTSUPP', 'OP_URING_CMD', ring.getsockopt(fd, [IPPROTO_TCP, 1]));
  await fails('EOPNOTSUPP', 'OP_URING_CMD', ring.getsockopt(scope.pipe().reader, [SOL_SOCKET, SO_TYPE]));
});

ringTest('bytes that wait are counted', OP, async (scope) => {
  const ring = asyncRing(scope);
  const [near, far] = await tcpPair(ring, scope);
  assert.equal(await ring.siocinq(far), 0);
  await ring.send(near, bytes('12345'));
  await ring.poll(far, 1);
  assert.equal(await ring.siocinq(far), 5);
  let unacknowledged = 1;
  while (unacknowledged > 0) unacknowledged = await ring.siocoutq(near);
  // nobody takes them: the rest is in the queue of the sender
  const sending = ring.send(near, new Uint8Array(8_000_000), { flags: 0x40 });
  assert.ok((await sending) > 0);
  assert.ok((await ring.siocoutq(near)) > 0);
});

ringTest('the address of a socket, by the ring or by libc', OP, async (scope) => {
  const ring = asyncRing(scope);
  const [near, far] = await tcpPair(ring, scope);
  const at = (fd: number) => ({ family: 'IPv4', address: '127.0.0.1', port: inProc(fd, 'tcp').port });
  assert.deepEqual(await ring.getsockname(near), at(near));
  assert.deepEqual(await ring.getpeername(near), at(far));
  const slot = ring.registerFiles([near]).at(0);
  // 6.19 brought the command, and this operation; before it a slot can't be asked
  if (needsOp('OP_URING_CMD128').skip === undefined) assert.deepEqual(await ring.getsockname(slot), at(near));
  else {
    const error = await failure(ring.getsockname(slot));
    assert.ok(error instanceof UnsupportedError && error.since === '6.19', error.stack);
  }
  const alone = scope.fd(await lonelySocket(ring));
  assert.equal(Reflect.get(await failure(ring.getpeername(alone)), 'code'), 'ENOTCONN');
});

/** A socket without a peer. */
async function lonelySocket(ring: AsyncRing): Promise<number> {
  const { fd } = await ring.socket('IPv4');
  return fd;
}

ringTest(
  'zero-copy receive without a queue is refused',
  needsOp('OP_RECV_ZC', 'OP_LISTEN'),
  async (scope) => {
    const maker = asyncRing(scope);
    const [near] = await tcpPair(maker, scope);
    const plain = scope.ring();
    plain.prepare.recvZc(near, 0);
    assert.equal(only(plain).res, -EINVAL, 'no queue of the ring');
    assert.throws(() => plain.prepare.recvZc(near, -1), RangeError);
    await until('nothing in flight', () => plain.inFlight === 0);
  },
);
