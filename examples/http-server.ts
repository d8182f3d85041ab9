/**
 * Serves files by HTTP/1.1: each answer is one send, of a header and of the file that was read right behind it.
 *
 *     npm run example http-server [FOLDER PORT]
 */
import assert from 'node:assert/strict';
import { join, normalize } from 'node:path';
import { AsyncRing, alloc, type FixedFile, probe } from 'uring';

const { supported, since } = probe().ops.OP_BIND;
if (supported === false) {
  console.log(`needs Linux ${since}`);
  process.exit();
}
const [HEAD, ROOM] = [256, 65_536];
const [, , folder = import.meta.dirname, port] = process.argv;
await using ring = new AsyncRing(1024, { files: { slots: 1024 } });
const spare: Uint8Array[] = [];

/** The answer to a request, in `memory`. */
async function answer(request: string, memory: Uint8Array): Promise<Uint8Array> {
  let [status, length] = ['404 Not Found', 0];
  try {
    const [, name = ''] = /^GET (\/[^ ?]*)/.exec(request) ?? [];
    await using file = await ring.open(join(folder, normalize(decodeURIComponent(name))));
    length = await ring.read(file, memory.subarray(HEAD));
    status = length < ROOM - HEAD ? '200 OK' : '500 Too Large For An Example';
  } catch {}
  const head = Buffer.from(`HTTP/1.1 ${status}\r\nContent-Length: ${length}\r\n\r\n`);
  memory.set(head, HEAD - head.length);
  return memory.subarray(HEAD - head.length, HEAD + length);
}

/** Serves one connection until the other side ends it, or says nothing for ten seconds. */
async function serve(socket: FixedFile): Promise<void> {
  const memory = spare.pop() ?? alloc(ROOM);
  try {
    for (let asked = ''; ; ) {
      const received = await ring.recv(socket, memory, { timeoutMs: 10_000 });
      if (received === 0) return;
      asked += Buffer.from(memory.buffer, memory.byteOffset, received).toString('latin1');
      if (!asked.endsWith('\r\n\r\n')) continue;
      const bytes = await answer(asked, memory);
      for (let sent = 0; sent < bytes.length; ) sent += await ring.send(socket, bytes.subarray(sent));
      asked = '';
    }
  } finally {
    spare.push(memory);
    await ring.closeFd(socket);
  }
}

const server = await ring.socket('IPv4');
await ring.bind(server, { address: '127.0.0.1', port: Number(port ?? 0) });
await ring.listen(server, 1024);
const address = await ring.getsockname(server);
const origin = `http://127.0.0.1:${address !== undefined && 'port' in address ? address.port : port}`;
console.log(`serving ${folder} at ${origin}`);
const check = async (path: string, status: number) =>
  assert.equal((await fetch(origin + path)).status, status);
if (port === undefined) {
  const checks = [check('/tail.ts', 200), check('/none', 404), check('/..%2f..%2fetc/passwd', 404)];
  void Promise.all(checks).then(() => process.exit());
}
// who breaks a connection ends only that one
for await (const socket of ring.acceptMultishot(server, { into: 'alloc' })) serve(socket).catch(() => {});
