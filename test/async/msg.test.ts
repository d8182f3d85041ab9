import assert from 'node:assert/strict';
import { closeSync, constants, readSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  decodeControl,
  encodeControl,
  MessageBuffer,
  passFds,
  receivedFds,
} from '../../lib/operations/msghdr.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { aborts, asyncRing, bytes, fails, refusesAll } from '../helpers/async.ts';
import { needs, needsOp } from '../helpers/needs.ts';
import { socket, udp } from '../helpers/network.ts';
import { socketPair, text } from '../helpers/pairs.ts';
import { wrong } from '../helpers/raw-ring.ts';
import { ringTest, Scope, until } from '../helpers/rings.ts';

const OP = needsOp('OP_SENDMSG', 'OP_RECVMSG');
const NET = needsOp('OP_BIND');
const POOL = { ...NET, ...needs('REGISTER_PBUF_RING') };
const MSG_TRUNC = 0x20;
const MSG_CTRUNC = 8;
const SCM_INQ = 84;
const O_CLOEXEC = 0o2000000;

test('control data goes forth and back', () => {
  const messages = [
    { level: 1, type: 1, data: Uint8Array.of(1, 2, 3, 4) },
    { level: 0, type: 2, data: new Uint8Array(0) },
    { level: 41, type: -1, data: Uint8Array.of(9, 8, 7, 6, 5, 4, 3, 2, 1) },
  ];
  const encoded = encodeControl('control', messages);
  assert.equal(encoded.length % 8, 0);
  assert.deepEqual(decodeControl(encoded), messages);
  // cut off in the middle, and nonsense
  assert.deepEqual(decodeControl(encoded.subarray(0, 10)), []);
  assert.deepEqual(decodeControl(new Uint8Array(64)), []);
  assert.deepEqual(decodeControl(encoded.subarray(0, 18)), [
    { level: 1, type: 1, data: Uint8Array.of(1, 2) },
  ]);
  assert.deepEqual(receivedFds([passFds([3, 4])]), [3, 4]);
});

ringTest(
  'wrong arguments reject before any syscall',
  { ...OP, ...needs('REGISTER_PBUF_RING') },
  async (scope) => {
    const ring = asyncRing(scope);
    const data = new Uint8Array(4);
    const other = asyncRing(scope)
      .registerBuffers([new Uint8Array(4096)])
      .at(0);
    const pool = ring.registerBufferRing({ entries: 2, bufferSize: 256 });
    assert.throws(() => new MessageBuffer({ data }).result(-1), RangeError);
    assert.throws(() => passFds([-1]), RangeError);
    await refusesAll(ring, [
      ['message', () => ring.sendmsg(0, wrong(undefined))],
      ['message', () => ring.sendmsg(0, wrong(7))],
      ['message.dta', () => ring.sendmsg(0, wrong({ dta: data }))],
      ['message.data[1]', () => ring.sendmsg(0, { data: [data, wrong(1)] })],
      ['message.data', () => ring.sendmsg(0, { data: new Array(1025).fill(data) })],
      ['buffer', () => ring.sendmsg(0, { data: other })],
      ['message.to.port', () => ring.sendmsg(0, { data, to: { address: '::1', port: -1 } })],
      ['message.control', () => ring.sendmsg(0, { data, control: wrong(1) })],
      ['message.control[0].data', () => ring.sendmsg(0, { data, control: [wrong({ level: 1, type: 1 })] })],
      ['cmsghdr.cmsgLevel', () => ring.sendmsg(0, { data, control: [{ level: 2 ** 31, type: 1, data }] })],
      ['socket', () => ring.sendmsg(-1, { data })],
      ['pool', () => ring.recvmsgMultishot(0, pool, { address: true, control: 128 }).next()],
      ['pool', () => ring.recvmsgMultishot(0, wrong(data)).next()],
      ['options', () => ring.recvmsgMultishot(0, pool, wrong(5)).next()],
      ['options.control', () => ring.recvmsgMultishot(0, pool, { control: -1 }).next()],
      ['options.address', () => ring.recvmsgMultishot(0, pool, { address: wrong(1) }).next()],
      ['room', () => ring.recvmsg(0, wrong(undefined))],
      ['room.size', () => ring.recvmsg(0, wrong({ size: 1 }))],
      ['room.control', () => ring.recvmsg(0, { data, control: -1 })],
      ['room.address', () => ring.recvmsg(0, { data, address: wrong(1) })],
      ['room.data', () => ring.recvmsg(0, { data: wrong('x') })],
      ['options.flags', () => ring.recvmsg(0, { data }, { flags: -1 })],
    ]);
  },
);

ringTest('a message in pieces, with an address both ways', NET, async (scope) => {
  const ring = asyncRing(scope);
  const [a, b] = [await udp(ring, scope), await udp(ring, scope)];
  const [head, body] = [new Uint8Array(5), new Uint8Array(16)];
  const waiting = ring.recvmsg(b.fd, { data: [head, body], address: true });
  assert.equal(
    await ring.sendmsg(a.fd, { data: [bytes('head,'), bytes('and '), bytes('body')], to: b.at }),
    13,
  );
  assert.deepEqual(await waiting, {
    bytes: 13,
    address: { family: 'IPv4', ...a.at },
    control: [],
    flags: 0,
  });
  assert.equal(text(head) + text(body.subarray(0, 8)), 'head,and body');
  await ring.sendmsg(a.fd, { data: bytes('too long for it'), to: b.at });
  const cut = await ring.recvmsg(b.fd, { data: head });
  assert.deepEqual([cut.bytes, cut.flags, cut.address], [5, MSG_TRUNC, undefined]);
  await fails('EMSGSIZE', 'OP_SENDMSG', ring.sendmsg(a.fd, { data: new Uint8Array(70_000), to: b.at }));
  await aborts(ring.recvmsg(b.fd, { data: head }, { signal: AbortSignal.timeout(5) }));
  await fails('ETIME', 'OP_RECVMSG', ring.recvmsg(b.fd, { data: head }, { timeoutMs: 5 }));
});

ringTest('file descriptors are passed; what has no room is not', OP, async (scope) => {
  const ring = asyncRing(scope);
  const [near, far] = socketPair(scope);
  const { reader, writer } = scope.pipe();
  await ring.sendmsg(near, { data: bytes('fd'), control: [passFds([writer])] });
  const room = new MessageBuffer({ data: new Uint8Array(8), control: 64 });
  const message = await ring.recvmsg(far, room);
  const [copy = -1] = receivedFds(message.control);
  assert.notEqual(copy, writer);
  await ring.write(copy, bytes('through it'));
  const memory = Buffer.alloc(16);
  assert.equal(readSync(reader, memory), 10);
  closeSync(copy);
  await ring.sendmsg(near, { data: bytes('fd'), control: [passFds([writer])] });
  const cut = await ring.recvmsg(far, { data: new Uint8Array(8) });
  assert.deepEqual([cut.control, cut.flags & MSG_CTRUNC], [[], MSG_CTRUNC]);
  // the room works again and again
  await ring.sendmsg(near, { data: bytes('plain') });
  // Linux 6.17 tells how much is left (SCM_INQ), which nobody asked for
  const { control } = await ring.recvmsg(far, room);
  assert.deepEqual(
    control.filter(({ type }) => type !== SCM_INQ),
    [],
  );
  await fails('EBADF', 'OP_SENDMSG', ring.sendmsg(near, { data: bytes('fd'), control: [passFds([9999])] }));
});

ringTest('file descriptors that come when the ring closes are closed', OP, async (scope) => {
  const ring = asyncRing(scope);
  const sockets = new Scope();
  const [near, far] = socketPair(sockets);
  const receiving = ring
    .recvmsg(far, { data: new Uint8Array(8), control: 64 })
    .catch((error: Error) => error);
  await ring.nop();
  const fds = new Int32Array(2);
  assert.equal(sys.pipe(fds, O_CLOEXEC | constants.O_NONBLOCK), 0);
  const [reader = -1, writer = -1] = fds;
  scope.fd(reader);
  const sender = scope.ring();
  sender.prepare.sendmsg(near, { data: bytes('late'), control: [passFds([writer])] });
  sender.submit({ wait: 1, timeoutMs: 5000 });
  sys.close(writer);
  ring.close();
  assert.ok((await receiving) instanceof Error);
  // one that the kernel cancelled left them in the socket
  sockets.close();
  await until('nobody has the writing end', () => sys.read(reader, Buffer.alloc(1)) === 0);
});

ringTest('messages by ring.prepare', OP, async (scope) => {
  const ring = scope.ring();
  const [near, far] = socketPair(scope);
  const data = new Uint8Array(4);
  const room = new MessageBuffer({ data });
  ring.prepare.sendmsg(near, { data: [bytes('ab'), bytes('cd')] }, { link: true });
  ring.prepare.recvmsg(far, room);
  ring.submit({ wait: 2, timeoutMs: 5000 });
  assert.deepEqual(
    [...ring.completions()].map(({ res }) => res),
    [4, 4],
  );
  assert.equal(room.result(4).bytes, 4);
  assert.equal(text(data), 'abcd');
});

ringTest('an iterator gives message after message, with senders', POOL, async (scope) => {
  const ring = asyncRing(scope, 64);
  const { fd, at } = await udp(ring, scope);
  const pool = ring.registerBufferRing({ entries: 2, bufferSize: 256 });
  const senders = await Promise.all(Array.from({ length: 5 }, () => udp(ring, scope)));
  const messages = ring.recvmsgMultishot(fd, pool, { address: true });
  const found: string[] = [];
  const expected: string[] = [];
  for (let round = 0; round < 4; round++) {
    for (const [i, sender] of senders.entries()) {
      await ring.sendmsg(sender.fd, { data: bytes(`message ${round} of ${i}`), to: at });
      expected.push(`${sender.at.port}: message ${round} of ${i}`);
    }
  }
  for await (using message of messages) {
    const { address } = message;
    assert.ok(address?.family === 'IPv4');
    found.push(`${address.port}: ${text(message.bytes)}`);
    if (found.length === expected.length) break;
  }
  assert.deepEqual(found, expected);
  assert.equal(pool.free, 2);
  assert.equal(ring.inFlight, 0);
});

ringTest('an empty message is a message, and a long one is cut off', POOL, async (scope) => {
  const ring = asyncRing(scope);
  const path = join(scope.folder(), 'socket');
  const far = await socket(ring, scope, 'unix', 'datagram');
  const near = await socket(ring, scope, 'unix', 'datagram');
  await ring.bind(far, { path });
  await ring.connect(near, { path });
  const pool = ring.registerBufferRing({ entries: 4, bufferSize: 128 });
  await ring.sendmsg(near, { data: [] });
  await ring.sendmsg(near, { data: new Uint8Array(500).fill(1) });
  const { reader, writer } = scope.pipe();
  await ring.sendmsg(near, { data: bytes('fd'), control: [passFds([writer])] });
  const messages = ring.recvmsgMultishot(far, pool, { control: 32 });
  const empty = (await messages.next()).value;
  assert.deepEqual([empty?.bytes.length, empty?.flags], [0, 0]);
  const long = (await messages.next()).value;
  assert.deepEqual([long?.bytes.length, long?.flags], [128 - 16 - 32, MSG_TRUNC]);
  const passed = (await messages.next()).value;
  const [copy = -1] = receivedFds(passed?.control ?? []);
  await ring.write(copy, bytes('x'));
  assert.equal(readSync(reader, Buffer.alloc(4)), 1);
  closeSync(copy);
  for (const each of [empty, long, passed]) each?.release();
  // one that nobody takes: its file descriptor is closed too
  const waiting = messages.next();
  await ring.sendmsg(near, { data: bytes('first') });
  await ring.sendmsg(near, { data: bytes('fd'), control: [passFds([writer])] });
  (await waiting).value?.release();
  await ring.nop();
  await messages.return();
  assert.equal(pool.free, 4);
});
