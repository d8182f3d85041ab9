/** Datagrams, with sockets of Node.js on the other side. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { getEventListeners, once } from 'node:events';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { ClosedError } from '../../lib/errors.ts';
import { aborts, asyncRing, failure, refusesAll } from '../helpers/async.ts';
import { ringTest, type Scope, until } from '../helpers/rings.ts';

const LOCAL = '127.0.0.1';

async function peerOf(scope: Scope) {
  const peer = createSocket('udp4');
  peer.bind(0, LOCAL);
  await once(peer, 'listening');
  let isOpen = true;
  peer.on('close', () => {
    isOpen = false;
  });
  scope.defer(() => isOpen && peer.close());
  return peer;
}

ringTest('datagrams come with their sender, and go to an address or a name', {}, async (scope) => {
  const ring = asyncRing(scope);
  const peer = await peerOf(scope);
  await using socket = await ring.createSocket({ host: LOCAL });
  const { localPort } = socket;
  assert.ok(localPort !== undefined && localPort > 0);
  assert.equal(socket.localAddress, LOCAL);
  peer.send('hello', localPort, LOCAL);
  const { data, remote, isTruncated } = await socket.receive();
  assert.equal(String(Buffer.from(data)), 'hello');
  assert.deepEqual(remote, { family: 'IPv4', address: LOCAL, port: peer.address().port });
  assert.equal(isTruncated, false);
  for (const host of [LOCAL, 'localhost']) {
    const received = once(peer, 'message');
    assert.equal(await socket.send('answer', { host, port: peer.address().port }), 6);
    const [text, { port }] = await received;
    assert.deepEqual([String(text), port], ['answer', localPort]);
  }
});

ringTest(
  'a loop has each datagram, empty ones and large ones too, and ends with the socket',
  {},
  async (scope) => {
    const ring = asyncRing(scope);
    const peer = await peerOf(scope);
    const socket = await ring.createSocket({ host: LOCAL });
    const sizes: number[] = [];
    const looping = (async () => {
      for await (const { data } of socket) sizes.push(data.length);
    })();
    for (const size of [1, 0, 1000, 65_507, 0]) {
      const count = sizes.length;
      peer.send(Buffer.alloc(size), socket.localPort, LOCAL);
      await until('it comes', () => sizes.length > count);
    }
    assert.deepEqual(sizes, [1, 0, 1000, 65_507, 0]);
    assert.match(inspect(socket), /^RingDatagram { fd: \d+, local: 127\.0\.0\.1:\d+ }$/);
    const { localPort } = socket;
    await socket.close();
    await looping;
    await socket.close();
    assert.equal(inspect(socket), 'RingDatagram { closed }');
    await assert.rejects(socket.receive(), ClosedError);
    await assert.rejects(socket.send('x', { host: LOCAL, port: 1 }), ClosedError);
    // the port is free: nothing that waited holds it
    await using again = await ring.createSocket({ host: LOCAL, port: localPort });
    assert.equal(again.localPort, localPort);
  },
);

ringTest('a connected socket has one peer', {}, async (scope) => {
  const ring = asyncRing(scope);
  const peer = await peerOf(scope);
  const stranger = await peerOf(scope);
  await using socket = await ring.createSocket({ host: LOCAL });
  await socket.connect({ host: LOCAL, port: peer.address().port });
  const received = once(peer, 'message');
  await socket.send('hello');
  assert.equal(String((await received)[0]), 'hello');
  stranger.send('not for you', socket.localPort, LOCAL);
  await new Promise((resume) => setTimeout(resume, 20));
  peer.send('for you', socket.localPort, LOCAL);
  assert.equal(String(Buffer.from((await socket.receive()).data)), 'for you');
  assert.deepEqual(socket.remote, { family: 'IPv4', address: LOCAL, port: peer.address().port });
});

ringTest('nobody there: the next call says so', {}, async (scope) => {
  const ring = asyncRing(scope);
  const peer = await peerOf(scope);
  const { port } = peer.address();
  peer.close();
  await once(peer, 'close');
  await using socket = await ring.createSocket({ host: LOCAL });
  await socket.connect({ host: LOCAL, port });
  await socket.send('anybody?');
  const error = await failure(socket.receive());
  assert.equal(Reflect.get(error, 'code'), 'ECONNREFUSED');
});

ringTest('Unix datagrams', {}, async (scope) => {
  const ring = asyncRing(scope);
  const path = join(scope.folder(), 'socket');
  await using server = await ring.createSocket({ path });
  await using client = await ring.createSocket({ type: 'unix' });
  await client.send('by path', { path });
  const { data, remote } = await server.receive();
  assert.equal(String(Buffer.from(data)), 'by path');
  assert.equal(remote, undefined);
});

ringTest('a signal closes it', {}, async (scope) => {
  const ring = asyncRing(scope);
  const abort = new AbortController();
  const reason = new Error('enough');
  const socket = await ring.createSocket({ host: LOCAL, signal: abort.signal });
  const receiving = socket.receive();
  await until('it waits', () => ring.inFlight > 0);
  abort.abort(reason);
  await aborts(receiving, reason);
  await until('it is closed', () => ring.inFlight === 0);
  await aborts(ring.createSocket({ signal: AbortSignal.abort(reason) }), reason);
});

ringTest('closing a Unix socket ends what it sends to a peer that takes nothing', {}, async (scope) => {
  const ring = asyncRing(scope, 64);
  const path = join(scope.folder(), 'socket');
  await using server = await ring.createSocket({ path });
  const client = await ring.createSocket({ path: join(scope.folder(), 'client') });
  const nameless = await ring.createSocket({ type: 'unix' });
  let sent = 0;
  const sending = [client, nameless].map(async (socket) => {
    for (;;) {
      await socket.send('x', { path });
      sent++;
    }
  });
  const ends = Promise.allSettled(sending);
  await until('the queue is full', () => sent > 0 && ring.inFlight === 2);
  await Promise.all([client.close(), nameless.close()]);
  for (const end of await ends) assert.ok(end.status === 'rejected' && end.reason instanceof ClosedError);
  assert.equal(String(Buffer.from((await server.receive()).data)), 'x');
});

ringTest('sockets that share a signal leave nothing there', {}, async (scope) => {
  const ring = asyncRing(scope);
  const { signal } = new AbortController();
  for (let i = 0; i < 12; i++) await (await ring.createSocket({ host: LOCAL, signal })).close();
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

ringTest('wrong arguments are refused before anything is opened', {}, async (scope) => {
  const ring = asyncRing(scope);
  const create = (options: object) => () => ring.createSocket(options);
  await refusesAll(ring, [
    ['options.type', create({ type: 'tcp' })],
    ['options.port', create({ port: 70_000 })],
    ['options.broadcast', create({ broadcast: 1 })],
    ['options.hosts', create({ hosts: LOCAL })],
    ['options.path', create({ type: 'udp4', path: '/tmp/x' })],
    ['options.signal', create({ signal: {} })],
  ]);
  await using socket = await ring.createSocket({ host: LOCAL });
  await refusesAll(ring, [
    ['data', () => socket.send(Object(5), { port: 1 })],
    ['to.port', () => socket.send('x', {})],
    ['to.address', () => socket.send('x', Object({ address: LOCAL, port: 1 }))],
  ]);
});
