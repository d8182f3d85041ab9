/** Connections to servers of Node.js. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import dns from 'node:dns/promises';
import { getEventListeners, once } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { ClosedError, OpError } from '../../lib/errors.ts';
import type { AsyncRing } from '../../lib/faces/async-ring.ts';
import type { RingServer } from '../../lib/net/server.ts';
import type { RingSocket } from '../../lib/net/socket.ts';
import { aborts, asyncRing, failure, refusesAll } from '../helpers/async.ts';
import { wrong } from '../helpers/raw-ring.ts';
import { ringTest, type Scope, until } from '../helpers/rings.ts';

const LOCAL = '127.0.0.1';

/** A server of Node.js; its port. */
async function listen(scope: Scope, each: (socket: net.Socket) => void, host = LOCAL): Promise<number> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    each(socket);
  });
  server.listen(0, host);
  await once(server, 'listening');
  scope.defer(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}

ringTest('a connection by address and by name', {}, async (scope) => {
  const ring = asyncRing(scope);
  const port = await listen(scope, (socket) => socket.pipe(socket));
  for (const host of [LOCAL, 'localhost', undefined]) {
    await using socket = await ring.createConnection({ host, port, family: 4 });
    await socket.writeAll('hello');
    await socket.end();
    assert.equal(String(await socket.readAll()), 'hello');
    assert.equal(socket.remotePort, port);
  }
});

ringTest('lines, and chunks with memory of their own', {}, async (scope) => {
  const ring = asyncRing(scope);
  const port = await listen(scope, (socket) => socket.end('one\ntwo\r\nthree'));
  const lines: string[] = [];
  await using socket = await ring.createConnection({ host: LOCAL, port });
  for await (const line of socket.lines()) lines.push(line);
  assert.deepEqual(lines, ['one', 'two', 'three']);
  await using other = await ring.createConnection({ host: LOCAL, port });
  const chunks: Uint8Array[] = [];
  for await (const chunk of other.chunks({ reuse: false, highWaterMark: 5 })) chunks.push(chunk);
  assert.deepEqual(Buffer.concat(chunks).toString(), 'one\ntwo\r\nthree');
  assert.ok(chunks.every(({ length }) => length <= 5));
});

ringTest('nobody listens: the error has address and port', {}, async (scope) => {
  const ring = asyncRing(scope);
  const gone = net.createServer().listen(0, LOCAL);
  await once(gone, 'listening');
  const address = gone.address();
  assert.ok(typeof address === 'object' && address !== null);
  const { port } = address;
  gone.close();
  await once(gone, 'close');
  const error = await failure(ring.createConnection({ host: LOCAL, port }));
  assert.ok(error instanceof OpError);
  assert.deepEqual([error.code, error.address, error.port], ['ECONNREFUSED', LOCAL, port]);
});

ringTest('of several addresses the next is tried, and all failures are told', {}, async (scope) => {
  const ring = asyncRing(scope);
  const addresses = await import('node:dns/promises').then(({ lookup }) =>
    lookup('localhost', { all: true }),
  );
  const port = await listen(scope, (socket) => socket.end('found'), LOCAL);
  await using socket = await ring.createConnection({ host: 'localhost', port });
  assert.equal(String(await socket.readAll()), 'found');
  const error = await failure(ring.createConnection({ host: 'localhost', port: 1 }));
  assert.equal(Reflect.get(error, 'code'), 'ECONNREFUSED');
  if (addresses.length > 1) {
    assert.ok(error instanceof AggregateError);
    assert.equal(error.errors.length, addresses.length);
  }
});

ringTest('a name that is none is what node:dns says of it', {}, async (scope) => {
  const ring = asyncRing(scope);
  const error = await failure(ring.createConnection({ host: 'no-such-host.invalid', port: 1 }));
  assert.match(String(Reflect.get(error, 'code')), /^(?:ENOTFOUND|EAI_AGAIN)$/);
  assert.equal(Reflect.get(error, 'hostname'), 'no-such-host.invalid');
});

/** A server that accepts nobody: its queue is full. */
async function full(scope: Scope, ring: AsyncRing): Promise<{ server: RingServer; port: number }> {
  const server = ring.createServer({ host: LOCAL, backlog: 0 });
  const address = await server.address();
  assert.ok('port' in address);
  const fillers = [1, 2, 3].map(() => net.connect(address.port, LOCAL).on('error', () => {}));
  scope.defer(() => {
    for (const each of fillers) each.destroy();
  });
  await new Promise((resume) => setTimeout(resume, 50));
  return { server, port: address.port };
}

ringTest('a limit and a signal end connecting', {}, async (scope) => {
  const ring = asyncRing(scope, 16);
  const { server, port } = await full(scope, ring);
  const error = await failure(ring.createConnection({ host: LOCAL, port, timeoutMs: 30 }));
  assert.equal(Reflect.get(error, 'code'), 'ETIME');
  const abort = new AbortController();
  const reason = new Error('enough');
  const connecting = ring.createConnection({ host: LOCAL, port, signal: abort.signal });
  setTimeout(() => abort.abort(reason), 10);
  await aborts(connecting, reason);
  await aborts(ring.createConnection({ host: LOCAL, port, signal: AbortSignal.abort(reason) }), reason);
  await server.close();
});

/** Names are never resolved; how many were asked for. */
function silentResolver(scope: Scope): () => number {
  const { lookup } = dns;
  scope.defer(() => {
    dns.lookup = lookup;
    syncBuiltinESMExports();
  });
  let asked = 0;
  dns.lookup = Object.assign(() => {
    asked++;
    return new Promise<never>(() => {});
  }, lookup);
  syncBuiltinESMExports();
  return () => asked;
}

ringTest('a signal ends connecting while the name is being resolved', {}, async (scope) => {
  const ring = asyncRing(scope);
  const asked = silentResolver(scope);
  const abort = new AbortController();
  const reason = new Error('enough');
  const connecting = ring.createConnection({ host: 'slow.example', port: 1, signal: abort.signal });
  assert.equal(asked(), 1);
  abort.abort(reason);
  await aborts(connecting, reason);
  assert.equal(getEventListeners(abort.signal, 'abort').length, 0);
  await aborts(ring.createConnection({ host: 'slow.example', port: 1, signal: abort.signal }), reason);
  assert.equal(asked(), 1);
});

ringTest('so does a limit, which says what was slow', {}, async (scope) => {
  const ring = asyncRing(scope);
  silentResolver(scope);
  const { signal } = new AbortController();
  const error = await failure(
    ring.createConnection({ host: 'slow.example', port: 1, timeoutMs: 20, signal }),
  );
  assert.equal(Reflect.get(error, 'code'), 'ETIME');
  assert.match(error.message, /timeoutMs is over, and 'slow.example' is not resolved yet/);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

ringTest('a Duplex for code that wants one', {}, async (scope) => {
  const ring = asyncRing(scope, 16);
  const data = randomBytes(2_000_000);
  const port = await listen(scope, (socket) => socket.pipe(socket));
  const socket = await ring.createConnection({ host: LOCAL, port });
  const duplex = socket.duplex({ allowHalfOpen: true });
  duplex.end(data);
  assert.deepEqual(await buffer(duplex), data);
  await until('it is closed', () => duplex.closed);
  await assert.rejects(socket.writeAll('x'), { code: 'ERR_URING_CLOSED' });
});

ringTest('a Duplex that is destroyed while it reads closes the connection', {}, async (scope) => {
  const ring = asyncRing(scope, 16);
  const peers: net.Socket[] = [];
  const port = await listen(scope, (socket) => peers.push(socket));
  const duplex = (await ring.createConnection({ host: LOCAL, port })).duplex();
  duplex.resume();
  await until('it reads', () => ring.inFlight > 0);
  await until('it is accepted', () => peers.length === 1);
  duplex.destroy();
  await once(duplex, 'close');
  const [peer] = peers;
  assert.ok(peer);
  assert.equal((await buffer(peer)).length, 0);
});

ringTest('an HTTP client of Node.js runs over it', {}, async (scope) => {
  const { request, createServer } = await import('node:http');
  const ring = asyncRing(scope, 16);
  const server = createServer((asked, answer) => asked.pipe(answer)).listen(0, LOCAL);
  await once(server, 'listening');
  scope.defer(() => server.close());
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const socket = await ring.createConnection({ host: LOCAL, port: address.port });
  const duplex = socket.duplex();
  const asked = request({ createConnection: () => duplex as net.Socket, method: 'POST', path: '/' });
  asked.end('by ring');
  const [answer] = await once(asked, 'response');
  assert.equal(String(await buffer(answer)), 'by ring');
  duplex.destroy();
  await once(duplex, 'close');
});

ringTest('streams of the web, both ways', {}, async (scope) => {
  const ring = asyncRing(scope, 16);
  const data = randomBytes(500_000);
  const port = await listen(scope, (socket) => socket.pipe(socket));
  await using socket = await ring.createConnection({ host: LOCAL, port });
  const writing = new Blob([data]).stream().pipeTo(socket.writableWebStream());
  const chunks: Uint8Array[] = [];
  for (const reader = socket.readableWebStream().getReader(); ; ) {
    const { value } = await reader.read();
    if (value === undefined) break;
    chunks.push(value);
  }
  assert.deepEqual(Buffer.concat(chunks), data);
  await writing;
});

ringTest('a stream of the web is aborted while it writes, and closes what failed', {}, async (scope) => {
  const ring = asyncRing(scope, 16);
  const port = await listen(scope, (socket) => socket.pause());
  const stuck = await ring.createConnection({ host: LOCAL, port });
  const writer = stuck.writableWebStream({ autoClose: true }).getWriter();
  const written = failure(writer.write(new Uint8Array(50_000_000)));
  const closed = failure(writer.closed);
  await until('it waits', () => ring.inFlight > 0);
  await writer.abort(new Error('enough'));
  await Promise.all([written, closed]);
  await assert.rejects(stuck.stat(), ClosedError);

  const broken = await ring.createConnection({ host: LOCAL, port });
  await broken.end();
  const failing = broken.writableWebStream({ autoClose: true }).getWriter();
  const told = failure(failing.closed);
  await assert.rejects(failing.write('x'), { code: 'EPIPE' });
  await told;
  await assert.rejects(broken.stat(), ClosedError);
});

ringTest('the end comes after what is being written', {}, async (scope) => {
  const ring = asyncRing(scope, 16);
  const data = randomBytes(3_000_000);
  const port = await listen(scope, (socket) => socket.pipe(socket));
  await using socket = await ring.createConnection({ host: LOCAL, port });
  const writing = socket.writeAll(data);
  const ended = socket.end();
  assert.deepEqual(Buffer.from(await socket.readAll()), data);
  await Promise.all([writing, ended]);

  const other = await ring.createConnection({ host: LOCAL, port });
  const stuck = failure(other.writeAll(new Uint8Array(50_000_000)));
  const ending = failure(other.end());
  await other.close();
  await stuck;
  assert.ok((await ending) instanceof ClosedError);
});

ringTest('pipeline passes errors of the connection on', {}, async (scope) => {
  const ring = asyncRing(scope, 16);
  const port = await listen(scope, (socket) => {
    socket.write('some');
    setTimeout(() => socket.resetAndDestroy(), 10);
  });
  const socket: RingSocket = await ring.createConnection({ host: LOCAL, port });
  const error = await failure(
    pipeline(socket.createReadStream(), async (chunks) => {
      for await (const chunk of chunks) assert.equal(String(chunk), 'some');
    }),
  );
  assert.equal(Reflect.get(error, 'code'), 'ECONNRESET');
  // the stream has closed it
  await assert.rejects(socket.writeAll('x'), { code: 'ERR_URING_CLOSED' });
});

ringTest('wrong options are refused before anything is opened', {}, async (scope) => {
  const ring = asyncRing(scope);
  const connect = (options: unknown) => () => ring.createConnection(wrong(options));
  await refusesAll(ring, [
    ['options.port', connect({})],
    ['options.port', connect(undefined)],
    ['options', connect(null)],
    ['options.port', connect({ port: -1 })],
    ['options.host', connect({ port: 1, host: 5 })],
    ['options.path', connect({ path: 5 })],
    ['options.family', connect({ port: 1, family: 5 })],
    ['options.noDelay', connect({ port: 1, noDelay: 1 })],
    ['options.timeoutMs', connect({ port: 1, timeoutMs: -1 })],
    ['options.signal', connect({ port: 1, signal: 1 })],
    ['options.hosts', connect({ port: 1, hosts: 1 })],
  ]);
});
