/**
 * Passes connections on to another server. Clients that never read hold one buffer each, and nobody up.
 *
 *     npm run example proxy [PORT TARGET]
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { AsyncRing, type RingServer, type RingSocket } from 'uring';

await using ring = new AsyncRing(1024);

/** Both directions; where one fails the other ends, too. */
async function pass(accepted: RingSocket, port: number): Promise<void> {
  await using client = accepted;
  await using target = await ring.createConnection({ host: '127.0.0.1', port });
  await Promise.all([client.pipeTo(target), target.pipeTo(client)]);
}

async function serve(server: RingServer, target: number): Promise<void> {
  for await (const client of server) pass(client, target).catch(() => {});
}

const [, , port, target] = process.argv.map(Number);
const server = ring.createServer({ host: '127.0.0.1', port });
const bound = await server.port();
if (target !== undefined) {
  console.log(`passing 127.0.0.1:${bound} on to 127.0.0.1:${target}`);
  process.once('SIGINT', () => server.shutdown({ timeoutMs: 1000 }));
  await serve(server, target);
} else {
  const data = randomBytes(8 << 20);
  const origin = createServer((each) => each.on('error', () => {}).end(data)).listen(0, '127.0.0.1');
  await once(origin, 'listening');
  const serving = serve(server, (origin.address() as AddressInfo).port);
  const idle = Array.from({ length: 100 }, () => connect(bound, '127.0.0.1').pause());
  for (let i = 0; i < 4; i++) assert.deepEqual(await buffer(connect(bound, '127.0.0.1')), data);
  console.log(`100 clients never read; 4 others got ${data.length} bytes each`);
  for (const each of idle) each.destroy();
  console.log(`${await server.shutdown()} connections had to be closed`);
  await serving;
  origin.close();
}
