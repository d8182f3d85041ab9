/**
 * Everything that ends, all at once: rings closed with operations in flight, zero-copy sends to peers that never read, pools whose
 * consumers stall, workers that are terminated, and cached reads in between, with aborts at random. Each promise settles once,
 * every byte is right, and nothing is left. `URING_SECONDS` says how long.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { AsyncRing } from '../../lib/faces/async-ring.ts';
import { closeIdleWaker } from '../../lib/ring/core/wakeup.ts';
import type { BufferPart } from '../../lib/ring/owners/buffer-ring.ts';
import { alloc } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { belongings } from '../helpers/leaks.ts';
import { needs, needsOp } from '../helpers/needs.ts';
import { allGivenBack, makePipe } from '../helpers/rings.ts';

const NEEDS = { ...needs('REGISTER_PBUF_RING'), ...needsOp('OP_SEND_ZC') };
const { URING_SECONDS = '10' } = process.env;
const SECONDS = Number(URING_SECONDS);
const PIECE = 512;
const PIECES = 2048;
const WAYS = ['idle', 'pending', 'completing', 'listening', 'turns', 'churn'];
/** How an operation that was cancelled, limited or closed may end. */
const ENDS = ['ABORT_ERR', 'ETIME', 'ERR_URING_CLOSED', 'ECANCELED', 'EPIPE', 'ECONNRESET', 'ENOTCONN'];

const below = (limit: number): number => Math.floor(Math.random() * limit);
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Counts operations, each of which must settle. */
class Tally {
  started = 0;
  fulfilled = 0;
  ended = 0;
  readonly problems: unknown[] = [];

  /** Resolves when the operation has ended, one way or the other; to whether it was fulfilled. */
  count(operation: Promise<unknown>): Promise<boolean> {
    this.started++;
    return operation.then(
      () => {
        this.fulfilled++;
        return true;
      },
      (error: unknown) => {
        this.ended++;
        const code = error instanceof Error && 'code' in error ? String(error.code) : '';
        if (!ENDS.includes(code)) this.problems.push(error);
        return false;
      },
    );
  }
}

/** A time to live for operations, at random: none, a signal, or a limit. */
function limit(): { readonly signal?: AbortSignal; readonly timeoutMs?: number } {
  const which = below(3);
  if (which === 0) return { timeoutMs: 1 + below(20) };
  if (which === 1) return { signal: AbortSignal.timeout(1 + below(20)) };
  const controller = new AbortController();
  if (below(2) === 0) setImmediate(() => controller.abort());
  return { signal: controller.signal };
}

/** Many cached reads and NOPs at once, each with its own bytes. */
async function bulk(ring: AsyncRing, file: number, tally: Tally): Promise<void> {
  const memory = Array.from({ length: 64 }, () => new Uint8Array(PIECE));
  const pieces = memory.map(() => below(PIECES));
  const reads = memory.map((bytes, i) => ring.read(file, bytes, { offset: (pieces[i] ?? 0) * PIECE }));
  const nops = Array.from({ length: 192 }, () => ring.nop());
  await Promise.all([...reads, ...nops].map((each) => tally.count(each)));
  for (const [i, bytes] of memory.entries()) {
    const piece = pieces[i] ?? 0;
    if (bytes[0] !== (piece & 0xff) || bytes[PIECE - 1] !== (piece & 0xff))
      tally.problems.push(`piece ${piece}`);
  }
}

/** A ring that is closed with operations in flight. */
async function closing(tally: Tally): Promise<void> {
  const ring = new AsyncRing(16);
  const [reader, writer] = makePipe();
  const all: Promise<boolean>[] = [];
  for (let i = below(40); i >= 0; i--) {
    all.push(
      tally.count(ring.read(reader, below(2) === 0 ? new Uint8Array(64) : alloc(4096), limit())),
      tally.count(ring.timeout({ afterMs: below(10_000), ...limit() }).catch(ignoreTime)),
      tally.count(ring.poll(reader, 1, limit())),
    );
  }
  if (below(2) === 0) writeSync(writer, 'x'.repeat(below(200) + 1));
  for (let i = below(5); i > 0; i--) await turn();
  if (below(2) === 0) ring.close();
  else await ring[Symbol.asyncDispose]();
  await Promise.all(all);
  if (below(2) === 0) await ring.closed();
  sys.close(reader);
  sys.close(writer);
}

/** A timeout that ends by itself is none of the problems. */
function ignoreTime(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ETIME')) throw error;
}

/** Zero-copy sends to a peer that does not read: they settle, and are given back when the peer is gone. */
async function zeroCopy(port: number, peers: Set<Socket>, tally: Tally): Promise<void> {
  const ring = new AsyncRing(16);
  const socket = await ring.socket('IPv4');
  await ring.connect(socket, { address: '127.0.0.1', port });
  const memory = alloc(1 << 20);
  const sends = Array.from({ length: 1 + below(8) }, () =>
    tally.count(ring.sendZeroCopy(socket, memory, { timeoutMs: 1 + below(30) })),
  );
  const begin = performance.now();
  if (below(2) === 0) ring.close();
  await Promise.all(sends);
  const ms = performance.now() - begin;
  if (ms > 5000) tally.problems.push(`zero-copy sends took ${ms} ms to settle`);
  ring.close();
  sys.close(socket.fd);
  for (const peer of peers) peer.destroy();
}

/** Receives from a small pool, some of whose consumers stall; each byte follows the one before. */
async function receiving(ring: AsyncRing, pool: ReturnType<AsyncRing['registerBufferRing']>, tally: Tally) {
  const fds = new Int32Array(2);
  assert.equal(sys.socketpair(1 | 0o2000000, fds), 0);
  const [near = -1, far = -1] = fds;
  const controller = new AbortController();
  const parts = ring.recvMultishot(far, pool, { signal: controller.signal, maxHeld: below(4) });
  let [sent, seen] = [0, 0];
  const held: BufferPart[] = [];
  const consume = async () => {
    for await (const part of parts) {
      for (const byte of part.bytes)
        if (byte !== (seen++ & 0xff)) tally.problems.push(`byte ${seen} is ${byte}`);
      held.push(part);
      if (below(4) > 0) for (const each of held.splice(0)) each.release();
      else await sleep(below(5));
    }
  };
  const consuming = tally.count(consume());
  for (let i = 0; i < 40; i++) {
    const data = Uint8Array.from({ length: 1 + below(300) }, () => sent++ & 0xff);
    if (!(await tally.count(ring.send(near, data, { timeoutMs: 2000 })))) break;
  }
  if (below(2) === 0) controller.abort();
  sys.close(near);
  await consuming;
  for (const each of held) each.release();
  sys.close(far);
}

/** A worker that is terminated while its ring is at work. */
async function terminating(): Promise<void> {
  const [reader, writer] = makePipe();
  const how = WAYS[below(WAYS.length)];
  const worker = new Worker(new URL('../runtimes/busy-worker.mjs', import.meta.url), {
    workerData: { how, reader },
  });
  const exit = once(worker, 'exit');
  await Promise.race([once(worker, 'message'), exit]);
  if (how === 'completing') writeSync(writer, 'x'.repeat(100));
  await worker.terminate();
  await exit;
  sys.close(reader);
  sys.close(writer);
}

test(`${SECONDS} s of all that ends leave nothing`, NEEDS, async (t) => {
  process.on('warning', () => {});
  const folder = mkdtempSync(join(tmpdir(), 'uring-soak-'));
  const path = join(folder, 'content');
  const content = Buffer.alloc(PIECE * PIECES);
  for (let i = 0; i < PIECES; i++) content.fill(i & 0xff, i * PIECE, (i + 1) * PIECE);
  writeFileSync(path, content);
  // what Node.js opens with the first worker stays
  await terminating();
  const before = await belongings();
  const file = openSync(path, 'r');
  const peers = new Set<Socket>();
  const server = createServer({ pauseOnConnect: true }, (peer) => {
    peers.add(peer.on('error', () => {}).on('close', () => peers.delete(peer)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const canaries = Array.from({ length: 64 }, (_, i) => new Uint8Array(1 << (6 + (i % 12))).fill(0x5a));

  const tally = new Tally();
  const counts = { rings: 0, sends: 0, receives: 0, workers: 0 };
  const end = performance.now() + 1000 * SECONDS;
  const goesOn = () => performance.now() < end;
  const repeat = async (step: () => Promise<unknown>, count: () => void) => {
    while (goesOn()) {
      await step();
      count();
    }
  };
  const ring = new AsyncRing(256);
  const pool = ring.registerBufferRing({ entries: 16, bufferSize: 64 });
  const samples: number[] = [];
  await Promise.all([
    repeat(
      () => bulk(ring, file, tally).then(turn),
      () => {},
    ),
    repeat(
      () => closing(tally),
      () => counts.rings++,
    ),
    repeat(
      () => zeroCopy(port, peers, tally).then(() => sleep(10)),
      () => counts.sends++,
    ),
    ...Array.from({ length: 12 }, () =>
      repeat(
        () => receiving(ring, pool, tally),
        () => counts.receives++,
      ),
    ),
    repeat(
      () => terminating().then(() => sleep(200)),
      () => counts.workers++,
    ),
    repeat(
      async () => {
        await sleep(SECONDS * 50);
        samples.push((await belongings()).rss);
      },
      () => {},
    ),
  ]);
  t.diagnostic(`${tally.started} operations, ${tally.ended} of them ended early; ${JSON.stringify(counts)}`);
  assert.deepEqual(tally.problems.slice(0, 5), []);
  assert.equal(tally.fulfilled + tally.ended, tally.started, 'promises that did not settle');
  assert.equal(pool.free, 16);
  assert.deepEqual(pool.holders(), []);
  assert.equal(ring.inFlight, 0);
  ring.close();
  for (const peer of peers) peer.destroy();
  server.close();
  await once(server, 'close');
  await allGivenBack();
  closeIdleWaker();
  sys.close(file);
  const after = await belongings();
  rmSync(folder, { recursive: true });
  assert.ok(
    canaries.every((bytes) => bytes.every((byte) => byte === 0x5a)),
    'memory of others was written to',
  );
  assert.deepEqual([after.fds, after.rings, after.kept], [before.fds, before.rings, before.kept]);
  t.diagnostic(`resident, MiB: ${samples.map((rss) => rss.toFixed(0)).join(' ')}`);
  const early = samples[Math.floor(samples.length / 4)] ?? before.rss;
  assert.ok(after.rss - early < 60, `${after.rss - early} MiB more are resident`);
});
