/** Millions of operations: every completion comes once, with its own userData and its own bytes. */
import assert from 'node:assert/strict';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ring } from '../../lib/faces/ring.ts';
import type { RingBaseOptions } from '../../lib/ring/base.ts';
import { alloc } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { belongings } from '../helpers/leaks.ts';
import { needs } from '../helpers/needs.ts';

const NEEDS = needs('REGISTER_BUFFERS2', 'REGISTER_PBUF_STATUS');
const PIECE = 512;
const PIECES = 4096;

/** Numbers that look random and come again in every run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const shapes: { readonly [name: string]: RingBaseOptions } = {
  'the default': {},
  'a small completion queue': { cqEntries: 64 },
  'deferred task work': { deferTaskrun: true },
  'a submission thread': { sqPoll: { idleMs: 50 } },
};

for (const [name, options] of Object.entries(shapes)) {
  test(`500,000 NOPs in random batches (${name})`, NEEDS, async () => {
    const before = await belongings();
    const pick = random(1);
    const ring = new Ring(64, options);
    const total = 500_000;
    const seen = new Uint8Array(total);
    let prepared = 0;
    let reaped = 0;
    let wrong = 0;
    const visit = (userData: number | bigint, res: number): void => {
      const i = Number(userData) - 2 ** 45;
      if (res !== 0 || seen[i] !== 0) wrong++;
      seen[i] = 1;
      reaped++;
    };
    while (reaped < total) {
      const batch = Math.min(1 + pick(64), ring.sqSpace, total - prepared);
      for (let i = 0; i < batch; i++) ring.prepare.nop({ userData: 2 ** 45 + prepared++ });
      const wait = pick(3) === 0 ? Math.min(ring.inFlight, 1 + pick(8)) : 0;
      ring.submit({ wait, timeoutMs: 1000 });
      // sometimes completions pile up, and overflow
      if (pick(4) !== 0) ring.reap(visit);
    }
    assert.equal(wrong, 0);
    assert.ok(seen.every((count) => count === 1));
    assert.equal(ring.inFlight, 0);
    ring.close();
    const after = await belongings();
    assert.deepEqual([after.fds, after.rings, after.kept], [before.fds, before.rings, before.kept]);
    assert.ok(after.rss - before.rss < 30, `${after.rss - before.rss} MiB`);
  });
}

test('200,000 reads, fixed and plain, through fds and slots, each with its own bytes', NEEDS, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'uring-soak-'));
  const content = Buffer.alloc(PIECE * PIECES);
  // each piece begins with its number
  for (let i = 0; i < PIECES; i++) content.fill(i & 0xff, i * PIECE).writeUInt32LE(i, i * PIECE);
  const path = join(folder, 'content');
  writeFileSync(path, content);
  const fd = openSync(path, 'r');
  const before = await belongings();
  const pick = random(7);
  const slots = 48;
  const ring = new Ring(32);
  const files = ring.registerFiles([-1, fd]);
  let released = 0;
  const buffers = ring.registerBuffers(
    Array.from({ length: slots }, () => alloc(PIECE)),
    { onRelease: () => void released++ },
  );
  let replaced = 0;
  let refused = 0;
  const free = Array.from({ length: slots }, (_, i) => i);
  const jobs: { piece: number; bytes: Uint8Array }[] = Array.from({ length: slots }, () => ({
    piece: 0,
    bytes: alloc(1),
  }));
  const total = 200_000;
  let started = 0;
  let done = 0;
  const failures: string[] = [];
  const start = (): void => {
    const slot = free.pop();
    if (slot === undefined) return;
    const piece = pick(PIECES);
    const memory = pick(3) === 0 ? new Uint8Array(PIECE) : buffers.at(slot);
    const file = pick(2) === 0 ? fd : files.at(1);
    jobs[slot] = { piece, bytes: memory instanceof Uint8Array ? memory : memory.bytes };
    ring.prepare.read(file, memory, { offset: piece * PIECE, userData: slot, async: pick(40) === 0 });
    started++;
    // now and then the memory is given up before the kernel has seen the entry
    if (pick(60) === 0 && !(memory instanceof Uint8Array)) {
      buffers.update(slot, [alloc(PIECE)]);
      replaced++;
    }
  };
  while (done < total) {
    const batch = Math.min(1 + pick(32), ring.sqSpace, free.length, total - started);
    for (let i = 0; i < batch; i++) start();
    ring.submit({ wait: Math.min(ring.inFlight, 1 + pick(16)), timeoutMs: 5000 });
    ring.reap((userData, res) => {
      const slot = Number(userData);
      const job = jobs[slot];
      done++;
      free.push(slot);
      if (job === undefined) return void failures.push(`slot ${slot}`);
      // an entry for memory that was replaced before the kernel took it is refused, never misread
      if (res === -14) return void refused++;
      const view = Buffer.from(job.bytes.buffer, job.bytes.byteOffset, PIECE);
      if (res !== PIECE || view.readUInt32LE(0) !== job.piece || view[PIECE - 1] !== (job.piece & 0xff)) {
        failures.push(`piece ${job.piece}: ${res}, ${view.readUInt32LE(0)}`);
      }
    });
    if (done % 20_000 < 16) globalThis.gc?.();
  }
  assert.deepEqual(failures.slice(0, 5), []);
  assert.equal(refused, replaced);
  assert.ok(replaced > 100);
  buffers.unregister();
  ring.reap(() => {});
  assert.equal(released, slots + replaced);
  ring.close();
  const after = await belongings();
  assert.deepEqual([after.fds, after.rings, after.kept], [before.fds, before.rings, before.kept]);
  assert.ok(after.rss - before.rss < 30, `${after.rss - before.rss} MiB`);
  sys.close(fd);
  rmSync(folder, { recursive: true });
});
