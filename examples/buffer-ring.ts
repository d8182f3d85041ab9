/** Receives into buffers that the kernel picks when data is there, so that idle connections need no memory. */
import assert from 'node:assert/strict';
import { writeSync } from 'node:fs';
import { probe, Ring } from 'uring';
import { libc } from 'uring/raw';

const { supported, since } = probe().register.REGISTER_PBUF_RING;
if (supported === false) {
  console.log(`needs Linux ${since}`);
  process.exit();
}

using ring = new Ring(64);
using pool = ring.registerBufferRing({ entries: 4, bufferSize: 2048 });

// 16 connections wait, and share four buffers
const connections = Array.from({ length: 16 }, () => libc.socketpair());
connections.forEach(([socket], userData) => {
  ring.prepare.recv(socket, pool, { userData });
});
ring.submit();

const texts: string[] = [];
for (const who of [3, 11, 7, 3, 0, 11, 15]) {
  writeSync(connections[who]?.[1] ?? -1, `I am connection ${who}`);
  ring.submit({ wait: 1 });
  for (const completion of ring.completions()) {
    // the buffer goes back to the kernel at the end of the block
    using part = pool.take(completion);
    const text = new TextDecoder().decode(part.bytes);
    console.log(`buffer ${part.id}: ${text}`);
    texts.push(text);
    const userData = Number(completion.userData);
    ring.prepare.recv(connections[userData]?.[0] ?? -1, pool, { userData });
  }
  ring.submit();
}
assert.deepEqual(texts.slice(0, 3), ['I am connection 3', 'I am connection 11', 'I am connection 7']);
assert.equal(texts.length, 7);
assert.equal(pool.free, 4);
for (const fd of connections.flat()) libc.close(fd);
