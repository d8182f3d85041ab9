/** Servers and their connections, with clients of Node.js on the other side. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { ClosedError, StateError, SyscallError } from '../../lib/errors.ts';
import type { AsyncRing } from '../../lib/faces/async-ring.ts';
import type { RingServer, ServerOptions } from '../../lib/net/server.ts';
import type { RingSocket } from '../../lib/net/socket.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { aborts, asyncRing, failure } from '../helpers/async.ts';
import { ringTest, type Scope, until } from '../helpers/rings.ts';

const LOCAL = '127.0.0.1';
const RLIMIT_NOFILE = 7;
const [AF_INET, SOCK_STREAM] = [2, 1];

/** Serves until the server is closed; what a connection ends with does not matter to the others. */
function serve(server: RingServer, each: (socket: RingSocket) => Promise<void>): Promise<void> {
  return (async () => {
    for await (const socket of server) {
      void (async () => {
        await using connection = socket;
        await each(connection);
      })().catch(() => {});
    }
  })();
}

async function echo(socket: RingSocket): Promise<void> {
  for await (const chunk of socket) await socket.writeAll(chunk);
}

/** A client of Node.js that is connected. */
async function client(scope: Scope, port: number, host = LOCAL): Promise<net.Socket> {
  const socket = net.connect(port, host);
  scope.defer(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** All is closed, on both sides. */
async function gone(...sockets: readonly net.Socket[]): Promise<void> {
  for (const socket of sockets) {
    socket.destroy();
    if (!socket.closed) await once(socket, 'close');
  }
}

async function serving(
  scope: Scope,
  options: ServerOptions,
  each: (socket: RingSocket) => Promise<void>,
): Promise<{ ring: AsyncRing; server: RingServer; served: Promise<void> }> {
  const ring = asyncRing(scope, 64);
  const server = ring.createServer(options);
  return { ring, server, served: serve(server, each) };
}

ringTest('a server answers clients of Node.js, many at once', {}, async (scope) => {
  const { server, served } = await serving(scope, { host: LOCAL }, echo);
  const port = await server.port();
  const data = randomBytes(300_000);
  const answers = await Promise.all(
    Array.from({ length: 40 }, () => buffer(net.connect(port, LOCAL).end(data))),
  );
  for (const answer of answers) assert.deepEqual(answer, data);
  await until('connections are closed', () => server.connections === 0);
  await server.close();
  await served;
});

ringTest('absent, the host is every address, of IPv4 and IPv6', {}, async (scope) => {
  const { server, served } = await serving(scope, {}, echo);
  const port = await server.port();
  const hosts = existsSync('/proc/net/if_inet6') ? [LOCAL, '::1'] : [LOCAL];
  for (const host of hosts) {
    assert.equal(String(await buffer(net.connect(port, host).end('hello'))), 'hello');
  }
  await server.close();
  await served;
});

ringTest('a name is resolved, and its address told', {}, async (scope) => {
  const { server, served } = await serving(scope, { host: 'localhost' }, echo);
  const address = await server.address();
  assert.ok('address' in address && [LOCAL, '::1'].includes(address.address), inspect(address));
  await server.close();
  await served;
});

ringTest('a connection knows both of its ends', {}, async (scope) => {
  const seen: RingSocket[] = [];
  const { server, served } = await serving(scope, { host: LOCAL }, async (socket) => {
    seen.push(socket);
    await echo(socket);
  });
  const port = await server.port();
  const peer = await client(scope, port);
  const { localPort } = peer;
  await until('it is accepted', () => seen.length === 1);
  const [socket] = seen;
  assert.ok(socket);
  assert.deepEqual(
    [socket.localAddress, socket.localPort, socket.remoteAddress, socket.remotePort, socket.remoteFamily],
    [LOCAL, port, LOCAL, localPort, 'IPv4'],
  );
  assert.equal(
    inspect(socket),
    `RingSocket { fd: ${socket.fd}, local: ${LOCAL}:${port}, remote: ${LOCAL}:${localPort} }`,
  );
  assert.match(inspect(server), new RegExp(`^RingServer { address: ${LOCAL}:${port}, connections: 1 }$`));
  peer.end();
  await until('it is closed', () => server.connections === 0);
  // what was asked once is known after the end
  assert.equal(socket.remotePort, localPort);
  assert.equal(inspect(socket), 'RingSocket { closed }');
  assert.throws(() => socket.fd, ClosedError);
  await gone(peer);
  await server.close();
  await served;
  assert.equal(inspect(server), 'RingServer { closed }');
});

ringTest('TCP_NODELAY is on, unless it is not wanted', {}, async (scope) => {
  for (const noDelay of [undefined, true, false]) {
    const seen: RingSocket[] = [];
    const { ring, server, served } = await serving(scope, { host: LOCAL, noDelay }, async (socket) => {
      seen.push(socket);
      await echo(socket);
    });
    const peer = await client(scope, await server.port());
    await until('it is accepted', () => seen.length === 1);
    const [socket] = seen;
    assert.ok(socket);
    const isOn = async () => (await ring.getsockopt(socket, 'TCP_NODELAY'))[0];
    const canAsk = await isOn().catch(() => undefined);
    if (canAsk !== undefined) {
      assert.equal(canAsk, noDelay === false ? 0 : 1);
      socket.setNoDelay(noDelay === false);
      assert.equal(await isOn(), noDelay === false ? 1 : 0);
    }
    await gone(peer);
    await server.close();
    await served;
    await until('it is closed', () => server.connections === 0);
  }
});

ringTest('a Unix socket: its file is there, and is removed at the end', {}, async (scope) => {
  const path = join(scope.folder(), 'socket');
  const { ring, server, served } = await serving(scope, { path }, echo);
  assert.deepEqual(await server.address(), { family: 'unix', path });
  await assert.rejects(server.port(), StateError);
  assert.equal(String(await buffer(net.connect(path).end('by path'))), 'by path');
  await using socket = await ring.createConnection({ path });
  await socket.end('ours');
  assert.equal(String(await socket.readAll()), 'ours');
  assert.deepEqual(
    [socket.remoteAddress, socket.remotePort, socket.remoteFamily],
    [undefined, undefined, 'unix'],
  );
  await socket.close();
  await server.close();
  await served;
  assert.equal(existsSync(path), false);
});

ringTest('a port that is taken says so where it is asked, with address and port', {}, async (scope) => {
  const ring = asyncRing(scope);
  const first = ring.createServer({ host: LOCAL });
  const port = await first.port();
  const second = ring.createServer({ host: LOCAL, port });
  for (const promise of [second.address(), second[Symbol.asyncIterator]().next()]) {
    const error = await failure(promise);
    assert.ok(error instanceof SyscallError);
    assert.deepEqual(
      [error.code, error.syscall, error.address, error.port],
      ['EADDRINUSE', 'bind', LOCAL, port],
    );
    assert.equal(error.message, `EADDRINUSE: address already in use, bind ${LOCAL}:${port}`);
  }
  await second.close();
  await first.close();
  // the port is free at once
  const third = ring.createServer({ host: LOCAL, port: String(port) });
  assert.equal(await third.port(), port);
  await third.close();
});

ringTest('a signal ends the server: its loop rejects, its port is free', {}, async (scope) => {
  const ring = asyncRing(scope);
  const abort = new AbortController();
  const server = ring.createServer({ host: LOCAL, signal: abort.signal });
  const port = await server.port();
  const served = serve(server, echo);
  const reason = new Error('enough');
  await until('it waits', () => ring.inFlight > 0);
  abort.abort(reason);
  await aborts(served, reason);
  await aborts(server.address(), reason);
  const again = ring.createServer({ host: LOCAL, port });
  await again.address();
  await again.close();
  await aborts(ring.createServer({ signal: AbortSignal.abort(reason) }).address(), reason);
});

ringTest('leaving the loop closes the server, not the connection', {}, async (scope) => {
  const ring = asyncRing(scope, 16);
  const server = ring.createServer({ host: LOCAL });
  const port = await server.port();
  const peer = await client(scope, port);
  for await (const socket of server) {
    scope.defer(() => void socket.close());
    peer.write('still here');
    await new Promise((resume) => setImmediate(resume));
    void (async () => {
      const { value } = await socket.chunks().next();
      await socket.end(value ?? '');
      await socket.close();
    })();
    break;
  }
  assert.equal(String(await buffer(peer)), 'still here');
  await assert.rejects(server.address(), ClosedError);
  const refused = net.connect(port, LOCAL);
  const [error] = await once(refused, 'error');
  assert.equal(error.code, 'ECONNREFUSED');
  await gone(peer);
  await until('it is closed', () => server.connections === 0);
});

ringTest('a closed ring ends the loop of its server, and leaves nothing', {}, async (scope) => {
  const { ring, server, served } = await serving(scope, { host: LOCAL }, echo);
  const peer = await client(scope, await server.port());
  await until('it is accepted', () => server.connections === 1);
  ring.close();
  await assert.rejects(served, ClosedError);
  await until('it is closed', () => server.connections === 0);
  await gone(peer);
  await assert.rejects(ring.createServer({}).address(), ClosedError);
  await assert.rejects(ring.createConnection({ port: 1 }), ClosedError);
  await assert.rejects(ring.createSocket(), ClosedError);
});

ringTest('half-close: the end of one half is not the end of the other', {}, async (scope) => {
  const { server, served } = await serving(scope, { host: LOCAL }, async (socket) => {
    const all = await socket.readAll();
    await socket.end(`${all.length} bytes`);
  });
  const peer = net.connect({ port: await server.port(), host: LOCAL, allowHalfOpen: true });
  peer.end(randomBytes(200_000));
  assert.equal(String(await buffer(peer)), '200000 bytes');
  await gone(peer);
  await server.close();
  await served;
});

ringTest('shutdown lets connections finish what has come, then closes what is left', {}, async (scope) => {
  let finished = 0;
  const { server, served } = await serving(scope, { host: LOCAL }, async (socket) => {
    for await (const chunk of socket) await socket.writeAll(chunk);
    await socket.end('bye');
    finished++;
  });
  const port = await server.port();
  const peers = await Promise.all([client(scope, port), client(scope, port)]);
  const answers = peers.map((peer) => buffer(peer));
  for (const peer of peers) peer.write('hello');
  await until('both are served', () => server.connections === 2);
  await until('both were answered', () => peers.every((peer) => peer.bytesRead === 5));
  assert.equal(await server.shutdown({ timeoutMs: 5000 }), 0);
  await served;
  assert.deepEqual((await Promise.all(answers)).map(String), ['hellobye', 'hellobye']);
  assert.equal(finished, 2);
  await gone(...peers);
});

ringTest('shutdown while a connection is being closed, and twice at once', {}, async (scope) => {
  const sockets: RingSocket[] = [];
  const { server, served } = await serving(scope, { host: LOCAL }, (socket) => {
    sockets.push(socket);
    return new Promise(() => {});
  });
  const port = await server.port();
  const peers = await Promise.all([client(scope, port), client(scope, port)]);
  await until('both are served', () => sockets.length === 2);
  await server.close();
  const closing = sockets[0]?.close();
  // longer than a test waits: both see the last connection close
  const ends = Promise.all([
    server.shutdown({ timeoutMs: 2 ** 40 }),
    server.shutdown({ timeoutMs: 2 ** 40 }),
  ]);
  await closing;
  assert.equal(server.connections, 1);
  await sockets[1]?.close();
  assert.deepEqual(await ends, [0, 0]);
  await served;
  await gone(...peers);
});

ringTest('a server that is closed while its name is resolved has a loop that ends', {}, async (scope) => {
  const ring = asyncRing(scope);
  const server = ring.createServer({ host: 'localhost' });
  await server.close();
  await serve(server, echo);
  const other = ring.createServer({ host: 'localhost' });
  ring.close();
  await assert.rejects(other.address(), ClosedError);
});

ringTest('shutdown ends a loop that takes one connection after the other', {}, async (scope) => {
  const ring = asyncRing(scope, 64);
  const server = ring.createServer({ host: LOCAL });
  let taken = 0;
  const served = (async () => {
    for await (const socket of server) {
      await using connection = socket;
      taken++;
      await echo(connection);
    }
  })();
  const port = await server.port();
  const peers = await Promise.all(Array.from({ length: 5 }, () => client(scope, port)));
  for (const peer of peers) peer.on('error', () => {});
  await until('one is served', () => taken === 1);
  assert.equal(await server.shutdown({ timeoutMs: 5000 }), 0);
  await served;
  // those that it had not come to are gone, too
  for (const peer of peers) if (!peer.closed) peer.resume();
  await until('all are gone', () => peers.every((peer) => peer.readableEnded || peer.destroyed));
  assert.equal(taken, 1);
  await gone(...peers);
});

ringTest('a server closes what two loops that are gone have not come to', {}, async (scope) => {
  const ring = asyncRing(scope, 64);
  const server = ring.createServer({ host: LOCAL });
  const port = await server.port();
  const loops = [server[Symbol.asyncIterator](), server[Symbol.asyncIterator]()];
  const firsts = loops.map((loop) => loop.next());
  const peers = await Promise.all(Array.from({ length: 8 }, () => client(scope, port)));
  for (const peer of peers) peer.on('error', () => {});
  const [first] = await Promise.all([firsts[0]]);
  await server.close();
  await first?.value?.close();
  const second = await firsts[1];
  await second?.value?.close();
  for (const peer of peers) peer.resume();
  await until('all are gone', () => peers.every((peer) => peer.readableEnded || peer.destroyed));
  await gone(...peers);
});

ringTest('shutdown closes connections that do not end, after its limit', {}, async (scope) => {
  const { server, served } = await serving(scope, { host: LOCAL }, () => new Promise(() => {}));
  const peer = await client(scope, await server.port());
  await until('it is served', () => server.connections === 1);
  assert.equal(await server.shutdown({ timeoutMs: 20 }), 1);
  assert.equal(server.connections, 0);
  assert.equal((await buffer(peer)).length, 0);
  await served;
  await gone(peer);
});

ringTest('closing a connection ends those who read or write it', {}, async (scope) => {
  let socket: RingSocket | undefined;
  const { server, served } = await serving(scope, { host: LOCAL }, async (each) => {
    socket = each;
    await echo(each);
  });
  const peer = await client(scope, await server.port());
  await until('it is accepted', () => socket !== undefined);
  assert.ok(socket);
  const target = readlinkSync(`/proc/self/fd/${socket.fd}`);
  await socket.close();
  await socket.close();
  // no operation that waited holds it open: the other side is told
  assert.equal((await buffer(peer)).length, 0);
  const inode = /\d+/.exec(target)?.[0] ?? '';
  await until('the kernel has forgotten it', () => !isOpen(inode));
  await assert.rejects(socket.writeAll('x'), ClosedError);
  await assert.rejects(socket.read(Buffer.alloc(1)), ClosedError);
  await assert.rejects(socket.end(), ClosedError);
  await gone(peer);
  await server.close();
  await served;
});

/** Is a TCP socket with that inode there? */
function isOpen(inode: string): boolean {
  return readFileSync('/proc/self/net/tcp', 'utf8')
    .split('\n')
    .some((line) => line.trim().split(/\s+/)[9] === inode);
}

ringTest('timeoutMs limits each wait for the other side', {}, async (scope) => {
  const errors: unknown[] = [];
  const { server, served } = await serving(scope, { host: LOCAL, timeoutMs: 30 }, async (socket) => {
    try {
      await echo(socket);
    } catch (error) {
      errors.push(error);
    }
  });
  const peer = await client(scope, await server.port());
  assert.equal((await buffer(peer)).length, 0);
  assert.equal(Reflect.get(Object(errors[0]), 'code'), 'ETIME');
  await gone(peer);
  await server.close();
  await served;
});

ringTest('clients that never read hold one buffer each, and nobody up', {}, async (scope) => {
  const { server, served } = await serving(scope, { host: LOCAL }, echo);
  const port = await server.port();
  const blocks = Buffer.alloc(1 << 20);
  const deaf = await Promise.all(Array.from({ length: 100 }, () => client(scope, port)));
  for (const each of deaf) each.pause().write(blocks);
  await until('all are served', () => server.connections === 100);
  const data = randomBytes(1 << 20);
  for (let i = 0; i < 3; i++) assert.deepEqual(await buffer(net.connect(port, LOCAL).end(data)), data);
  await gone(...deaf);
  assert.equal(await server.shutdown(), 0);
  await served;
});

ringTest('a server without a free fd goes on when there is one', {}, async (scope) => {
  const ring = asyncRing(scope, 64);
  const server = ring.createServer({ host: LOCAL });
  const port = await server.port();
  const fd = scope.fd(sys.socket(AF_INET, SOCK_STREAM));
  const limits = new BigUint64Array(2);
  sys.getrlimit(RLIMIT_NOFILE, limits);
  const [, hard = 0n] = limits;
  let served: Promise<void>;
  try {
    // the kernel looks at it when the request is made
    assert.equal(sys.setrlimit(RLIMIT_NOFILE, new BigUint64Array([3n, hard])), 0);
    served = serve(server, echo);
    await ring.connect(fd, { address: LOCAL, port });
    await new Promise((resume) => setTimeout(resume, 150));
    assert.equal(server.connections, 0);
  } finally {
    sys.setrlimit(RLIMIT_NOFILE, limits);
  }
  const memory = Buffer.alloc(5);
  await ring.send(fd, Buffer.from('later'));
  await ring.recv(fd, memory);
  assert.equal(String(memory), 'later');
  await ring.shutdown(fd, 'both');
  await until('it is closed', () => server.connections === 0);
  await server.close();
  await served;
});

ringTest('options that are inherited, or getters, count', {}, async (scope) => {
  const ring = asyncRing(scope);
  class Options {
    get host() {
      return LOCAL;
    }
  }
  for (const options of [new Options(), Object.create({ host: LOCAL })]) {
    await using server = ring.createServer(options);
    const address = await server.address();
    assert.equal('address' in address && address.address, LOCAL);
  }
});

ringTest('wrong options are refused before anything is opened', {}, (scope) => {
  const ring = asyncRing(scope);
  const cases: [name: string, options: object][] = [
    ['options.port', { port: 65_536 }],
    ['options.port', { port: 'http' }],
    ['options.host', { host: 1 }],
    ['options.host', { host: 'a', path: 'b' }],
    ['options.port', { port: 1, path: 'b' }],
    ['options.backlog', { backlog: -1 }],
    ['options.noDelay', { noDelay: 1 }],
    ['options.reuseAddr', { reuseAddr: 'yes' }],
    ['options.timeoutMs', { timeoutMs: -1 }],
    ['options.signal', { signal: {} }],
    ['options.prot', { prot: 1 }],
  ];
  for (const [name, options] of cases) {
    assert.throws(
      () => ring.createServer(options),
      (error: Error) => error.message.startsWith(`The "${name}" argument`),
      name,
    );
  }
});
