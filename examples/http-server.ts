/**
 * Serves files by HTTP/1.1, each answer in one write; Ctrl-C lets answers that are under way finish.
 *
 *     npm run example http-server [FOLDER PORT]
 */
import assert from 'node:assert/strict';
import { join, normalize } from 'node:path';
import { AsyncRing, type RingSocket } from 'uring';

const [, , folder = import.meta.dirname, port] = process.argv;
const MOST = 1 << 20;
await using ring = new AsyncRing(1024);
const server = ring.createServer({ host: '127.0.0.1', port: port ?? 0, timeoutMs: 10_000 });

/** The whole answer to a request. */
async function answer(request: string): Promise<Buffer> {
  const [, name = ''] = /^GET (\/[^ ?]*)/.exec(request) ?? [];
  let body = Buffer.alloc(0);
  let status = '404 Not Found';
  try {
    await using file = await ring.open(join(folder, normalize(decodeURIComponent(name))));
    body = Buffer.from(await file.readAll({ start: 0, end: MOST }));
    status = body.length <= MOST ? '200 OK' : '413 Content Too Large';
  } catch {}
  const content = status === '200 OK' ? body : Buffer.from(`${status}\n`);
  const head = `HTTP/1.1 ${status}\r\nContent-Length: ${content.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), content]);
}

/** Requests without a body, one after the other, to the end of the connection. */
async function serve(socket: RingSocket): Promise<void> {
  await using connection = socket;
  let asked = '';
  for await (const chunk of connection) {
    asked += Buffer.from(chunk).toString('latin1');
    const requests = asked.split('\r\n\r\n');
    asked = requests.pop() ?? '';
    for (const request of requests) await connection.writeAll(await answer(request));
  }
}

process.once('SIGINT', () => server.shutdown({ timeoutMs: 5000 }));
const origin = `http://127.0.0.1:${await server.port()}`;
console.log(`serving ${folder} at ${origin}`);
if (port === undefined) void tryIt().then(() => server.shutdown());
// who breaks a connection ends only that one
for await (const socket of server) serve(socket).catch(() => {});

async function tryIt(): Promise<void> {
  const expected = { '/tail.ts': 200, '/none': 404, '/..%2f..%2fetc/passwd': 404 };
  for (const [path, status] of Object.entries(expected)) {
    const response = await fetch(origin + path, { headers: { connection: 'close' } });
    console.log(response.status, path, (await response.arrayBuffer()).byteLength, 'bytes');
    assert.equal(response.status, status);
  }
}
