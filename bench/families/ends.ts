/** How things end: closing with operations in flight, zero-copy sends to a peer that does not read. */
import { createServer, type Socket } from 'node:net';
import { AsyncRing, alloc, Ring } from 'uring';
import { libc } from 'uring/raw';
import type { Family, Work } from '../harness.ts';
import type { Turn } from '../measure.ts';

const READS = 8;
const MANY = 100;
const LIMIT_MS = 20;
const SENDS = 16;
const SEND_BYTES = 2 ** 20;

/** Only `body` is timed. */
function timed(body: () => void): Turn {
  const before = process.cpuUsage();
  const start = performance.now();
  body();
  const ns = (performance.now() - start) * 1e6;
  const { user, system } = process.cpuUsage(before);
  return { ns, cpuNs: (user + system) * 1000, p50: 0, p99: 0, sum: 0 };
}

/** Reads that nobody ends, in flight on each of `count` rings; then all rings are closed in one tick. */
async function closeAsync(count: number): Promise<Turn> {
  const [reader, writer] = libc.pipe();
  const rings = Array.from({ length: count }, () => new AsyncRing(READS));
  for (const ring of rings)
    for (let i = 0; i < READS; i++) ring.read(reader, new Uint8Array(64)).catch(() => {}); // close() ends them
  await Promise.all(rings.map((ring) => ring.nop()));
  const turn = timed(() => {
    for (const ring of rings) ring.close();
  });
  await Promise.all(rings.map((ring) => ring.closed()));
  for (const fd of [reader, writer]) libc.close(fd);
  return turn;
}

function closeSync(count: number): Turn {
  const [reader, writer] = libc.pipe();
  const rings = Array.from({ length: count }, () => new Ring(READS));
  for (const ring of rings) {
    for (let i = 0; i < READS; i++) ring.prepare.read(reader, new Uint8Array(64));
    ring.submit();
  }
  const turn = timed(() => {
    for (const ring of rings) ring.close();
  });
  for (const fd of [reader, writer]) libc.close(fd);
  return turn;
}

/** A connection to a peer that does not read, and what ends the peer. */
async function stuckPeer(ring: AsyncRing): Promise<{ readonly socket: number; end(): void }> {
  const peers = new Set<Socket>();
  const server = createServer((peer) => peers.add(peer.pause().on('error', () => {})));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const { fd: socket } = await ring.socket('IPv4');
  await ring.connect(socket, { address: '127.0.0.1', port });
  const end = () => {
    for (const peer of peers) peer.resetAndDestroy();
    server.close();
  };
  return { socket, end };
}

function heldMib(): number {
  globalThis.gc?.();
  return process.memoryUsage().arrayBuffers / 2 ** 20;
}

/** V8 frees what it has collected in a thread of its own: half a second is enough. */
async function heldBeyondMib(before: number): Promise<number> {
  for (let i = 0; i < 25 && heldMib() - before >= 0.5; i++)
    await new Promise((resolve) => setTimeout(resolve, 20));
  return Math.max(0, Math.round(heldMib() - before));
}

/**
 * Zero-copy sends of 1 MiB each with a limit. `ns` is how much later than its limit the last one settles, or how long
 * close() takes with them; `sum` the MiB that are held when the peer has gone and the ring is closed.
 */
async function sendToStuck(isClosed: boolean): Promise<Turn> {
  const ring = new AsyncRing(64);
  const { socket, end } = await stuckPeer(ring);
  const before = heldMib();
  const start = performance.now();
  const sends = Array.from({ length: SENDS }, () =>
    ring.sendZeroCopy(socket, alloc(SEND_BYTES), { timeoutMs: LIMIT_MS }).then(
      () => 'sent',
      ({ name, code }) => code ?? name,
    ),
  );
  const ends = await Promise.all(sends);
  const late = (performance.now() - start - LIMIT_MS) * 1e6;
  if (ends.every((each) => each === 'sent')) throw new Error('a peer that does not read took all');
  const closing = timed(() => ring.close());
  end();
  if (!(await ring.closed({ timeoutMs: 10_000 }))) throw new Error('the peer has gone, and memory is held');
  libc.close(socket);
  return { ...closing, ns: isClosed ? closing.ns : late, sum: await heldBeyondMib(before) };
}

const CASES: { readonly [name: string]: () => Turn | Promise<Turn> } = {
  'close:AsyncRing': () => closeAsync(1),
  'close-100:AsyncRing': () => closeAsync(MANY),
  'close:Ring': () => closeSync(1),
  'close-100:Ring': () => closeSync(MANY),
  'zero-copy:late': () => sendToStuck(false),
  'zero-copy:close': () => sendToStuck(true),
};

function uring(): Work {
  return async (name) => {
    const end = CASES[name];
    if (end === undefined) throw new Error(`no such case: ${name}`);
    return await end();
  };
}

export const ends: Family = {
  name: 'ends',
  title: 'Ends: closing, and zero-copy sends to a peer that does not read',
  unit: 'a close() with 8 reads in flight, of one ring or of 100 in one tick; 16 zero-copy sends of 1 MiB with a limit of 20 ms',
  how: 'close() is timed alone, with operations in flight that nobody ends. Of the sends: how much later than its limit the last promise settles, and how long close() takes while the kernel has their memory. When the peer has gone and the ring has closed, what is held is counted, and must be 0 MiB.',
  plot: { axes: ['time'], isLog: true },
  cases: Object.keys(CASES),
  count: () => 1,
  workers: { uring },
  async sides(kit) {
    await kit.node(Object.keys(this.workers), [], kit.cpus(2));
  },
  expected: () => 0,
};
