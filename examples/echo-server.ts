/**
 * Answers many connections: one accept, and one receive for each, go on and on, into buffers that all of them share.
 *
 *     npm run example echo-server [PORT]
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { AsyncRing, probe, type RingFile } from 'uring';

const { supported, since } = probe().ops.OP_BIND;
if (supported === false) {
  console.log(`needs Linux ${since}`);
  process.exit();
}
await using ring = new AsyncRing(1024);
using pool = ring.registerBufferRing({ entries: 1024, bufferSize: 4096 });
const total = { connections: 0, bytes: 0 };

function isOneOf(codes: readonly string[], error: unknown): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

async function answer(client: RingFile): Promise<void> {
  await using socket = client;
  total.connections++;
  try {
    // it ends when the other side has sent its last byte: everything is answered then, and close says so
    for await (using part of ring.recvMultishot(socket, pool)) {
      total.bytes += part.bytes.length;
      for (let sent = 0; sent < part.bytes.length; ) {
        // who takes nothing for ten seconds has to go: others want buffers, too
        sent += await ring.send(socket, part.bytes.subarray(sent), { timeoutMs: 10_000 });
      }
    }
  } catch (error) {
    if (!isOneOf(['ECONNRESET', 'EPIPE', 'ETIME', 'ERR_URING_CLOSED'], error)) throw error;
  }
}

async function serve(server: RingFile): Promise<void> {
  while (!ring.isClosed) {
    try {
      for await (const client of ring.acceptMultishot(server)) void answer(client);
    } catch (error) {
      if (isOneOf(['ERR_URING_CLOSED'], error)) return;
      if (!isOneOf(['EMFILE', 'ENFILE'], error)) throw error;
      await ring.timeout({ afterMs: 100 }); // until others are closed
    }
  }
}

async function check(path: string, size: number): Promise<void> {
  const data = randomBytes(size);
  assert.deepEqual(await buffer(connect(path).end(data)), data);
}

const [, , port] = process.argv;
const path = join(tmpdir(), `uring-echo-${process.pid}`);
await using server = await ring.socket(port === undefined ? 'unix' : 'IPv4');
await ring.setsockopt(server, 'SO_REUSEADDR', true);
await ring.bind(server, port === undefined ? { path } : { address: '127.0.0.1', port: Number(port) });
await ring.listen(server, 1024);
const serving = serve(server);
if (port === undefined) {
  await Promise.all(Array.from({ length: 100 }, (_, i) => check(path, i ** 3)));
} else {
  console.log(`listening on port ${port}`);
  await new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
}
console.log(`answered ${total.bytes} bytes of ${total.connections} connections, in flight: ${ring.inFlight}`);
ring.close();
await serving;
rmSync(path, { force: true });
