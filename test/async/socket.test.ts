import assert from 'node:assert/strict';
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AddressBuffer } from '../../lib/operations/address.ts';
import { decodeAddress, encodeAddress } from '../../structs/address.ts';
import { asyncRing, bytes, fails, refusesAll } from '../helpers/async.ts';
import { needsOp } from '../helpers/needs.ts';
import { client, listener, socket, tcpPair } from '../helpers/network.ts';
import { text } from '../helpers/pairs.ts';
import { wrong } from '../helpers/raw-ring.ts';
import { ringTest, until } from '../helpers/rings.ts';
import { inProc } from '../ops/sockets.ts';

const O_CLOEXEC = 0o2000000;
const LISTEN = '0A';
const EOPNOTSUPP = 95;

function isCloseOnExec(fd: number): boolean {
  const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '';
  return (Number.parseInt(flags, 8) & O_CLOEXEC) !== 0;
}

test('addresses become the bytes that the kernel has, and come back', () => {
  const pairs = [
    [{ family: 'IPv4', address: '127.0.0.1', port: 0x1234 }, '0200123' + '47f0000010000000000000000'],
    [
      { family: 'IPv6', address: '2001:db8::8:800:200c:417a', port: 443, scopeId: 3 },
      '0a0001bb00000000' + '20010db80000000000080800200c417a' + '03000000',
    ],
    [{ family: 'IPv6', address: '::', port: 0 }, `0a00${'00'.repeat(26)}`],
    [{ family: 'IPv6', address: '::1', port: 1 }, `0a000001${'00'.repeat(19)}01${'00'.repeat(4)}`],
    [{ family: 'IPv6', address: 'fe80::', port: 0 }, `0a0000000000${'0000'}fe80${'00'.repeat(18)}`],
    [
      { family: 'IPv6', address: '1:0:0:2::3', port: 0 },
      `0a00000000000000${'0001000000000002000000000000' + '0003'}00000000`,
    ],
    [
      { family: 'IPv6', address: '::ffff:10.0.0.9', port: 0 },
      `0a00000000000000${'00'.repeat(10)}ffff0a00000900000000`,
    ],
    [{ family: 'unix', path: '/a' }, '01002f6100'],
    [{ family: 'unix', path: '\0ab' }, '0100006162'],
    [{ family: 'unix', path: '' }, '0100'],
    [{ family: 'other', bytes: Uint8Array.of(16, 0, 9, 9) }, '10000909'],
  ] as const;
  for (const [value, hex] of pairs) {
    assert.equal(Buffer.from(encodeAddress('address', value)).toString('hex'), hex);
    assert.deepEqual(decodeAddress(Buffer.from(hex, 'hex')), value);
  }
  assert.equal(text(encodeAddress('a', { address: '::FFFF:1.2.3.4', port: 0 })).length, 28);
  assert.equal(new AddressBuffer().value, undefined);
});

ringTest('wrong arguments reject before any syscall', {}, async (scope) => {
  const ring = asyncRing(scope);
  const other = asyncRing(scope).registerFiles({ slots: 2 });
  const at = { address: '127.0.0.1', port: 1 };
  await refusesAll(ring, [
    ['domain', () => ring.socket(wrong('ipv4'))],
    ['domain', () => ring.socket(-1)],
    ['options.type', () => ring.socket('IPv4', { type: wrong('tcp') })],
    ['options.protocol', () => ring.socket('IPv4', { protocol: 2 ** 31 })],
    ['options.into', () => ring.socket('IPv4', { into: wrong(1) })],
    ['files', () => ring.socket('IPv4', { into: other })],
    ['file', () => ring.socket('IPv4', { into: other.at(0) })],
    ['options.typ', () => ring.socket('IPv4', wrong({ typ: 'stream' }))],
    ['socket', () => ring.bind(-1, at)],
    ['file', () => ring.bind(other.at(0), at)],
    ['address', () => ring.bind(0, wrong(undefined))],
    ['address.address', () => ring.bind(0, wrong({ port: 1 }))],
    ['address.address', () => ring.bind(0, { address: 'localhost', port: 1 })],
    ['address.address', () => ring.bind(0, { address: 'fe80::1%eth0', port: 1 })],
    ['address.family', () => ring.bind(0, { family: 'IPv6', ...at })],
    ['address.port', () => ring.connect(0, { ...at, port: 65_536 })],
    ['address.scopeId', () => ring.connect(0, { address: '::1', port: 1, scopeId: -1 })],
    ['address.path', () => ring.connect(0, { path: 'x'.repeat(108) })],
    ['address.path', () => ring.connect(0, { path: 'a\0b' })],
    ['address.path', () => ring.connect(0, { path: wrong(1) })],
    ['address.bytes', () => ring.connect(0, { family: 'other', bytes: wrong([1]) })],
    ['address.bytes.length', () => ring.connect(0, { family: 'other', bytes: new Uint8Array(129) })],
    ['backlog', () => ring.listen(0, -1)],
    ['how', () => ring.shutdown(0, wrong('rw'))],
    ['socket', () => ring.shutdown(wrong({}), 'both')],
  ]);
});

ringTest(
  'a socket is one of its kind, close-on-exec, and closes through its ring',
  needsOp('OP_SOCKET', 'OP_BIND'),
  async (scope) => {
    const ring = asyncRing(scope);
    const file = await ring.socket('IPv6', { type: 'datagram', nonBlocking: true });
    assert.match(readlinkSync(`/proc/self/fd/${file.fd}`), /^socket:/);
    assert.equal(isCloseOnExec(file.fd), true);
    const inode = /\d+/.exec(readlinkSync(`/proc/self/fd/${file.fd}`))?.[0];
    await ring.bind(file, { address: '::1', port: 0 });
    assert.ok(readFileSync('/proc/net/udp6', 'utf8').includes(` ${inode} `));
    await file.close();
    await fails('EAFNOSUPPORT', 'OP_SOCKET', ring.socket(9999));
    await fails('EPROTONOSUPPORT', 'OP_SOCKET', ring.socket('IPv4', { protocol: 6, type: 'datagram' }));
  },
);

ringTest('a socket goes into the file table, and works from there', needsOp('OP_BIND'), async (scope) => {
  const ring = asyncRing(scope);
  const files = ring.registerFiles({ slots: 4 });
  const server = await ring.socket('unix', { into: files.at(2) });
  assert.equal(server.index, 2);
  const path = join(scope.folder(), 'socket');
  await ring.bind(server, { path });
  await ring.listen(server, 4);
  const near = await ring.socket('unix', { into: files });
  await ring.connect(near, { path });
  const peer = new AddressBuffer();
  const far = await ring.accept(server, { into: files, peer });
  assert.deepEqual(peer.value, { family: 'unix', path: '' });
  assert.deepEqual(new Set([near.index, far.index]), new Set([0, 3]));
  await ring.send(near, bytes('through slots'));
  const memory = new Uint8Array(32);
  assert.equal(await ring.recv(far, memory), 13);
  assert.equal(text(memory.subarray(0, 13)), 'through slots');
  await ring.socket('unix', { into: files });
  await fails('ENFILE', 'OP_SOCKET', ring.socket('unix', { into: files }));
  for (let i = 0; i < 4; i++) await ring.closeFd(files.at(i));
  await fails('EBADF', 'OP_BIND', ring.bind(files.at(2), { path: '\0gone' }));
});

ringTest('bind and listen make a server, connect reaches it', needsOp('OP_LISTEN'), async (scope) => {
  const ring = asyncRing(scope);
  const { server, at } = await listener(ring, scope);
  assert.equal(inProc(server, 'tcp').state, LISTEN);
  const near = await client(ring, scope, at);
  const peer = new AddressBuffer();
  const far = scope.fd((await ring.accept(server, { peer })).fd);
  assert.deepEqual(peer.value, { family: 'IPv4', address: '127.0.0.1', port: inProc(near, 'tcp').port });
  assert.equal(isCloseOnExec(far), true);
  const second = await socket(ring, scope, 'IPv4');
  await fails('EADDRINUSE', 'OP_BIND', ring.bind(second, at));
  await fails('EOPNOTSUPP', 'OP_LISTEN', ring.listen(await socket(ring, scope, 'IPv4', 'datagram'), 1));
  await fails('EISCONN', 'OP_CONNECT', ring.connect(near, at));
});

ringTest('connect says who refuses', needsOp('OP_LISTEN'), async (scope) => {
  const ring = asyncRing(scope);
  const { server, at } = await listener(ring, scope);
  await ring.shutdown(server, 'both');
  await fails('ECONNREFUSED', 'OP_CONNECT', ring.connect(await socket(ring, scope, 'IPv4'), at));
  await fails('ENOENT', 'OP_CONNECT', ring.connect(await socket(ring, scope, 'unix'), { path: '/no/such' }));
  await fails('ENOTSOCK', 'OP_CONNECT', ring.connect(scope.pipe().reader, at));
});

ringTest('a connect that nobody answers ends by timeoutMs', needsOp('OP_LISTEN'), async (scope) => {
  const ring = asyncRing(scope);
  const path = join(scope.folder(), 'socket');
  const server = await socket(ring, scope, 'unix');
  await ring.bind(server, { path });
  await ring.listen(server, 0);
  await ring.connect(await socket(ring, scope, 'unix'), { path });
  // the backlog is full: this one waits
  await fails(
    'ETIME',
    'OP_CONNECT',
    ring.connect(await socket(ring, scope, 'unix'), { path }, { timeoutMs: 30, async: true }),
  );
  // where the worker that waits takes its time to be stopped, the promise does not wait for that
  await until('the kernel lets go', () => ring.inFlight === 0);
});

ringTest('shutdown ends what it names', needsOp('OP_SHUTDOWN', 'OP_LISTEN'), async (scope) => {
  const ring = asyncRing(scope);
  const [near, far] = await tcpPair(ring, scope);
  const waiting = ring.recv(far, new Uint8Array(4));
  await ring.shutdown(near, 'write');
  assert.equal(await waiting, 0);
  await fails('EPIPE', 'OP_SEND', ring.send(near, bytes('x')));
  await ring.send(far, bytes('still'));
  await ring.shutdown(near, 'both');
  await fails('ENOTCONN', 'OP_SHUTDOWN', ring.shutdown(await socket(ring, scope, 'IPv4'), 'read'));
});

ringTest('sockets by ring.prepare', needsOp('OP_LISTEN'), async (scope) => {
  const ring = scope.ring();
  const run = (prepare: () => void): number => {
    prepare();
    ring.submit({ wait: 1, timeoutMs: 5000 });
    return [...ring.completions()][0]?.res ?? Number.NaN;
  };
  const server = scope.fd(run(() => ring.prepare.socket('unix')));
  const path = join(scope.folder(), 's');
  assert.equal(
    run(() => ring.prepare.bind(server, { path })),
    0,
  );
  assert.equal(
    run(() => ring.prepare.listen(server, 1)),
    0,
  );
  const near = scope.fd(run(() => ring.prepare.socket('unix')));
  assert.equal(
    run(() => ring.prepare.connect(near, { path })),
    0,
  );
  const far = scope.fd(run(() => ring.prepare.accept(server)));
  assert.equal(
    run(() => ring.prepare.send(near, bytes('hi'))),
    2,
  );
  assert.equal(
    run(() => ring.prepare.siocinq(far)),
    -EOPNOTSUPP,
    'Unix sockets do not count',
  );
  assert.equal(
    run(() => ring.prepare.shutdown(near, 'both')),
    0,
  );
  await until('nothing in flight', () => ring.inFlight === 0);
});
