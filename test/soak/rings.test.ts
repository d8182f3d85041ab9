/** Thousands of rings, one after another, leave nothing behind. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ring } from '../../lib/faces/ring.ts';
import { alloc } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { type Belongings, belongings } from '../helpers/leaks.ts';
import { needs } from '../helpers/needs.ts';
import { makePipe } from '../helpers/rings.ts';

const NEEDS = needs('REGISTER_BUFFERS2', 'REGISTER_PBUF_RING');
const ROUNDS = 10_000;
const WARM_UP = 5000;

/** A ring that does a little of everything. */
function use(reader: number): void {
  using ring = new Ring(8);
  const buffers = ring.registerBuffers([alloc(4096)], { onRelease: () => {} });
  const files = ring.registerFiles([reader]);
  using eventfd = ring.registerEventfd();
  ring.registerBufferRing({ entries: 4, bufferSize: 128 });
  ring.prepare.nop({ userData: 1 });
  ring.prepare.readFixed(files.at(0), buffers.at(0).subarray(0, 16));
  ring.prepare.read(reader, new Uint8Array(64));
  ring.submit({ wait: 1 });
  assert.equal(
    ring.reap(() => {}),
    1,
  );
  assert.ok(eventfd.read() >= 1);
  buffers.update(0, [null]);
}

/** Runs `body` so many times, and gives the loop its turns. */
async function repeat(count: number, body: (i: number) => void): Promise<void> {
  for (let i = 0; i < count; i++) {
    body(i);
    if (i % 100 === 99) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What `body`, thousands of times, adds to what the process has. */
async function growth(body: (i: number) => void): Promise<Belongings> {
  const before = await belongings();
  await repeat(ROUNDS, body);
  const after = await belongings();
  const names = Object.keys(before) as (keyof Belongings)[];
  return Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as unknown as Belongings;
}

/**
 * `body`, thousands of times, leaves the process as it was. The memory of the allocator and of V8's compiler may grow once by itself:
 * what leaks grows each time.
 */
async function leavesNothing(body: (i: number) => void): Promise<void> {
  await repeat(WARM_UP, body);
  let grown = await growth(body);
  for (let again = 0; again < 2 && grown.rss >= 20; again++) grown = await growth(body);
  const { fds, rings, kept } = grown;
  assert.deepEqual({ fds, rings, kept }, { fds: 0, rings: 0, kept: 0 });
  // V8 maps and unmaps pages of its own; one for each ring would be thousands
  assert.ok(grown.mappings < 500, `${grown.mappings} more mappings`);
  assert.ok(grown.rss < 20, `${grown.rss} MiB more are resident`);
  assert.ok(grown.heap < 2, `${grown.heap} MiB more of the heap`);
  assert.ok(grown.buffers < 2, `${grown.buffers} MiB more in ArrayBuffers`);
}

test('10,000 rings that do everything', NEEDS, async () => {
  const [reader, writer] = makePipe();
  await leavesNothing(() => use(reader));
  sys.close(reader);
  sys.close(writer);
});

test('10,000 rings in every shape', NEEDS, async () => {
  const shapes = [
    {},
    { sqArray: true },
    { sqe128: true, cqe32: true },
    { deferTaskrun: true },
    { noMmap: true },
    { registeredFdOnly: true },
  ] as const;
  await leavesNothing((i) => {
    const ring = new Ring(16, shapes[i % shapes.length]);
    ring.prepare.nop();
    ring.submit({ wait: 1 });
    ring.close();
  });
});

test('10,000 rings that can not be made', NEEDS, async () => {
  const { mmap } = sys;
  let calls = 0;
  sys.mmap = (...args) => (++calls % 2 === 0 ? -12 : mmap(...args));
  try {
    await leavesNothing(() => assert.throws(() => new Ring(8), { code: 'ENOMEM' }));
  } finally {
    sys.mmap = mmap;
  }
});

test('thousands of rings that are dropped without close', NEEDS, async () => {
  const listeners = process.listeners('warning');
  process.removeAllListeners('warning');
  let warnings = 0;
  const count = () => {
    warnings++;
  };
  process.on('warning', count);
  try {
    const before = await belongings();
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 100; i++) new Ring(4).registerBuffers([alloc(4096)], { onRelease: () => {} });
      for (let i = 0; i < 20 && (await belongings()).rings > 0; i++);
    }
    const after = await belongings();
    assert.deepEqual([after.fds, after.rings, warnings], [before.fds, 0, 2000]);
    assert.ok(after.rss - before.rss < 20, `${after.rss - before.rss} MiB`);
  } finally {
    process.off('warning', count);
    for (const listener of listeners) process.on('warning', listener);
  }
});
