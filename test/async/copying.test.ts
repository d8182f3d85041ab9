import assert from 'node:assert/strict';
import { closeSync, constants, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AsyncRing } from '../../lib/faces/async-ring.ts';
import { RingCore } from '../../lib/ring/core/core.ts';
import { alloc } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { asyncRing } from '../helpers/async.ts';
import { ioWorkers, ringTest, type Scope } from '../helpers/rings.ts';

const MIB = 1024 * 1024;
const { O_APPEND, O_CREAT, O_RDWR } = constants;

/** A file of `mib` MiB whose words are their numbers. */
function numbered(scope: Scope, mib: number, flags = O_RDWR | O_CREAT) {
  const path = join(scope.folder(), 'numbers');
  writeFileSync(
    path,
    Uint32Array.from({ length: (mib * MIB) / 4 }, (_, i) => i),
  );
  const fd = openSync(path, flags);
  scope.defer(() => closeSync(fd));
  return { path, fd };
}

/** The IOSQE_* flags of every entry that `ring` submits while `run` runs, in order. */
async function flagsOf(ring: AsyncRing, run: () => Promise<unknown>): Promise<number[]> {
  const core: unknown = Reflect.get(ring, 'core');
  assert.ok(core instanceof RingCore);
  const { queues } = core;
  const { enter } = sys;
  const seen: number[] = [];
  sys.enter = (fd, submit, ...rest) => {
    if (fd === core.fd) {
      for (let at = queues.end - submit; at < queues.end; at++) {
        const { words, stride } = queues.sqe;
        seen.push(((words[(at & (queues.sqEntries - 1)) * stride] ?? 0) >>> 8) & 0xff);
      }
    }
    return enter(fd, submit, ...rest);
  };
  try {
    await run();
  } finally {
    sys.enter = enter;
  }
  return seen;
}

const ASYNC = 1 << 4;

ringTest('what one turn reads beyond a budget goes to workers, and arrives whole', {}, async (scope) => {
  const ring = asyncRing(scope, 16);
  const { fd } = numbered(scope, 8);
  const memory = Array.from({ length: 8 }, () => alloc(MIB));
  const flags = await flagsOf(ring, () =>
    Promise.all(memory.map((each, i) => ring.read(fd, each, { offset: i * MIB }))),
  );
  assert.deepEqual(flags, [0, ASYNC, ASYNC, ASYNC, ASYNC, ASYNC, ASYNC, ASYNC]);
  memory.forEach((each, i) => {
    const words = new Uint32Array(each.buffer, each.byteOffset, MIB / 4);
    assert.ok(words.every((word, at) => word === (i * MIB) / 4 + at));
  });
  assert.ok(ioWorkers().length > 0, 'worker threads');
  // each turn has a budget of its own
  for (const each of memory) {
    assert.deepEqual(await flagsOf(ring, () => ring.read(fd, each, { offset: 0 })), [0]);
    await new Promise(setImmediate);
  }
});

ringTest('one read of more than the budget goes to a worker; `async: false` keeps it', {}, async (scope) => {
  const ring = asyncRing(scope);
  const { fd } = numbered(scope, 4);
  const memory = alloc(4 * MIB);
  const buffer = ring.registerBuffers([memory]).at(0);
  const half = 2 * MIB;
  const slot = ring.registerFiles([fd]).at(0);
  for (const [expected, run] of [
    [ASYNC, () => ring.read(fd, memory, { offset: 0 })],
    [ASYNC, () => ring.read(fd, buffer, { offset: 0 })],
    [ASYNC | 1, () => ring.read(slot, buffer, { offset: 0 })],
    [ASYNC, () => ring.readv(fd, [memory.subarray(0, half), memory.subarray(half)], { offset: 0 })],
    [ASYNC, () => ring.write(fd, memory, { offset: 0 })],
    [0, () => ring.read(fd, memory, { offset: 0, async: false })],
    [ASYNC, () => ring.read(fd, memory.subarray(0, 512), { offset: 0, async: true })],
    [0, () => ring.read(fd, memory.subarray(0, 512), { offset: 0 })],
    // at the current position the order counts
    [0, () => ring.read(fd, memory)],
  ] as const) {
    const got = await flagsOf(ring, run);
    assert.deepEqual(got, [expected], String(run));
    await new Promise(setImmediate);
  }
});

ringTest('links of a chain, appends, pipes and sockets stay as they are', {}, async (scope) => {
  const ring = asyncRing(scope);
  const { fd } = numbered(scope, 2);
  const log = numbered(scope, 1, O_RDWR | O_CREAT | O_APPEND);
  const memory = alloc(2 * MIB);
  const links = await flagsOf(ring, () =>
    ring.chain((c) => [c.read(fd, memory, { offset: 0 }), c.write(fd, memory, { offset: 0 })]),
  );
  assert.deepEqual(links, [1 << 2, 0]);
  assert.deepEqual(await flagsOf(ring, () => ring.write(log.fd, memory, { offset: 0 })), [0]);
  assert.equal(readFileSync(log.path).length, 3 * MIB);
  // the budget is used up, and a pipe takes so much at once
  const { reader, writer } = scope.pipe();
  const piece = memory.subarray(0, 64 * 1024);
  const both = await flagsOf(ring, () =>
    Promise.all([
      ring.read(fd, memory.subarray(0, MIB), { offset: 0 }),
      ring.write(writer, piece, { offset: 0 }),
    ]),
  );
  assert.deepEqual(both, [0, 0]);
  assert.equal(sys.read(reader, piece), piece.length);
});

ringTest('a ring whose sandbox has no such flag submits as before', {}, async (scope) => {
  const { fd } = numbered(scope, 2);
  const ring = asyncRing(scope, 8, { sandbox: { ops: ['OP_READ'] } });
  const memory = alloc(2 * MIB);
  const flags = await flagsOf(ring, async () => {
    assert.equal(await ring.read(fd, memory, { offset: 0 }), 2 * MIB);
  });
  assert.deepEqual(flags, [0]);
});

ringTest('a submission thread copies itself', {}, async (scope) => {
  const { fd } = numbered(scope, 2);
  const ring = new AsyncRing(8, { sqPoll: { idleMs: 10 } });
  scope.defer(() => ring.close());
  assert.equal(await ring.read(fd, alloc(2 * MIB), { offset: 0 }), 2 * MIB);
});
