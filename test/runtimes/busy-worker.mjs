/** A worker with a ring, to be terminated in the state that its `workerData` says. */
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { AsyncRing, alloc } from 'uring';

const { how, reader } = workerData;
const ring = new AsyncRing(64);
await ring.nop();

/** An open file of 64 KiB without a name. */
function someFile() {
  const folder = mkdtempSync(join(tmpdir(), 'uring-busy-'));
  const path = join(folder, 'file');
  writeFileSync(path, new Uint8Array(65536).fill(1));
  const fd = openSync(path, 'r');
  rmSync(folder, { recursive: true });
  return fd;
}

/** A server whose sockets are slots of the ring's table: it answers each client once. */
async function serve(path) {
  ring.registerFiles({ slots: 16 });
  const server = await ring.socket('unix', { into: 'alloc' });
  await ring.bind(server, { path });
  await ring.listen(server, 16);
  void (async () => {
    for await (const client of ring.acceptMultishot(server, { into: 'alloc' }))
      await ring.send(client, alloc(1));
  })();
}

/** Again and again, until the worker is terminated. */
async function forever(step) {
  for (;;) await step();
}

const ways = {
  idle: () => {},
  /** Memory of its own and of alloc(), which nobody fills before the worker ends. */
  pending: () => {
    for (let i = 0; i < 8; i++) ring.read(reader, new Uint8Array(4096)).catch(() => {});
    ring.read(reader, alloc(65536)).catch(() => {});
    ring.timeout({ afterMs: 60_000 }).catch(() => {});
  },
  /** The parent writes to the pipe while it terminates the worker. */
  completing: () => {
    for (let i = 0; i < 16; i++) void forever(() => ring.read(reader, new Uint8Array(64)));
  },
  listening: () => void ring.messages().next(),
  /** In the middle of turns: reads by the kernel's workers and cached ones, into all kinds of memory. */
  turns: () => {
    const file = someFile();
    const fixed = ring.registerBuffers([alloc(65536)]).at(0);
    for (let i = 0; i < 8; i++) {
      void forever(() => ring.read(file, new Uint8Array(65536), { offset: 0, async: true }));
      void forever(() => ring.read(file, fixed, { offset: 0 }));
      void forever(() => ring.statx('/proc/self/maps'));
      void forever(() => ring.timeout({ afterMs: 0.1 }));
    }
  },
  serving: () => serve(workerData.path),
  /** Rings that come and go. */
  churn: () =>
    void forever(async () => {
      const other = new AsyncRing(8);
      await other.read(reader, new Uint8Array(8), { timeoutMs: 1 }).catch(() => {});
      other.close();
    }),
};
await ways[how]();
// what was started is in the kernel
await new Promise((resolve) => setTimeout(resolve, 2));
parentPort.postMessage(ring.fd);
setInterval(() => {}, 1000);
