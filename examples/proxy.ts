/**
 * Passes connections on to another server, into buffers that all of them share: clients that never read keep few of them.
 *
 *     npm run example proxy [PORT TARGET]
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { AsyncRing, probe, type RingFile } from 'uring';

const { supported, since } = probe().ops.OP_BIND;
if (supported === false) {
  console.log(`needs Linux ${since}`);
  process.exit();
}
await using ring = new AsyncRing(1024);
using pool = ring.registerBufferRing({ entries: 16, bufferSize: 16_384 });

/** One direction; a client that doesn't read holds two buffers, and what it holds beyond that are copies. */
async function pump(from: RingFile, to: RingFile): Promise<void> {
  for await (using part of ring.recvMultishot(from, pool, { maxHeld: 2 })) {
    for (let sent = 0; sent < part.bytes.length; ) sent += await ring.send(to, part.bytes.subarray(sent));
  }
  await ring.shutdown(to, 'write');
}

async function pass(accepted: RingFile, port: number): Promise<void> {
  await using client = accepted;
  await using target = await ring.socket('IPv4');
  await ring.connect(target, { address: '127.0.0.1', port });
  const pumps = [pump(client, target), pump(target, client)];
  // where one direction fails, the other ends, too
  const stop = () => Promise.allSettled([client, target].map((each) => ring.shutdown(each, 'both')));
  await Promise.all(pumps.map((each) => each.catch(stop)));
}

async function listen(port: number, target: number): Promise<number> {
  const server = await ring.socket('IPv4');
  await ring.bind(server, { address: '127.0.0.1', port });
  await ring.listen(server, 128);
  void (async () => {
    // it ends when the ring closes
    for await (const client of ring.acceptMultishot(server)) pass(client, target).catch(() => {});
  })().catch(() => {});
  const name = await ring.getsockname(server);
  return name && 'port' in name ? name.port : port;
}

const [, , port, target] = process.argv.map(Number);
if (port !== undefined && target !== undefined) {
  console.log(`port ${await listen(port, target)}`);
  await new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
} else {
  const data = randomBytes(8 << 20);
  const origin = createServer((each) => each.on('error', () => {}).end(data)).listen(0, '127.0.0.1');
  await once(origin, 'listening');
  const bound = await listen(0, (origin.address() as AddressInfo).port);
  const idle = Array.from({ length: 16 }, () => connect(bound, '127.0.0.1').pause());
  for (let i = 0; i < 4; i++) assert.deepEqual(await buffer(connect(bound, '127.0.0.1')), data);
  console.log(
    `16 clients never read; 4 others got ${data.length} bytes each; ${pool.free} of 16 buffers are free`,
  );
  for (const each of idle) each.destroy();
  origin.close();
}
ring.close();
