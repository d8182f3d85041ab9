import assert from 'node:assert/strict';
import { writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ClosedError } from '../../lib/errors.ts';
import { alloc } from '../../lib/sys/memory.ts';
import { asyncRing, bytes, fails, failure } from '../helpers/async.ts';
import { needsSetup } from '../helpers/needs.ts';
import { text } from '../helpers/pairs.ts';
import { patience, whereFast } from '../helpers/patience.ts';
import { ringTest } from '../helpers/rings.ts';

/** An emulated machine takes minutes for more than a hundredth of it. */
const MANY = patience(1) === 1 ? 100_000 : 1000;
/** The submission thread takes 8 entries each time that it gets a processor. */
const FEW = 500;

/** A turn goes on for 0.2 ms. */
const FAST = whereFast('turns of 0.2 ms');

for (const [kind, many, options, need] of [
  ['plain', MANY, {}, {}],
  ['deferTaskrun', MANY, { deferTaskrun: true }, needsSetup('SETUP_DEFER_TASKRUN')],
  ['sqPoll', FEW, { sqPoll: true }, {}],
] as const) {
  ringTest(
    `${many} reads at once on a ${kind} ring of 8 entries: all right, in order`,
    need,
    async (scope) => {
      const ring = asyncRing(scope, 8, options);
      const path = join(scope.folder(), 'numbers');
      const numbers = new Uint32Array(many).map((_, i) => i);
      writeFileSync(path, new Uint8Array(numbers.buffer));
      const file = await ring.open(path);
      const found = new Uint32Array(many);
      const order = new Uint32Array(many);
      let done = 0;
      const reads = Array.from({ length: many }, async (_, i) => {
        const count = await ring.read(file, found.subarray(i, i + 1), { offset: i * 4 });
        if (count === 4) order[done++] = i;
      });
      assert.equal(ring.inFlight, many);
      await Promise.all(reads);
      assert.equal(done, many);
      assert.deepEqual(found, numbers);
      assert.deepEqual(order, numbers);
      assert.equal(ring.inFlight, 0);
      await file.close();
    },
  );
}

ringTest('more completions than the queue holds: none is lost', {}, async (scope) => {
  const ring = asyncRing(scope, 2, { cqEntries: 2 });
  const { reader, writer } = scope.pipe();
  const memory = Array.from({ length: 1000 }, () => new Uint8Array(1));
  const reads = memory.map((each) => ring.read(reader, each));
  await ring.nop();
  // all complete in one go, while nobody takes completions
  writeSync(writer, 'x'.repeat(1000));
  assert.deepEqual(new Set(await Promise.all(reads)), new Set([1]));
  assert.equal(memory.map(text).join(''), 'x'.repeat(1000));
});

ringTest('a getter of one that waits for room may close the ring', {}, async (scope) => {
  const ring = asyncRing(scope, 1, { disabled: true });
  const closed = { code: 'ERR_URING_CLOSED' };
  const first = assert.rejects(ring.nop(), closed);
  const closing = {
    get flags() {
      ring.close();
      return 0;
    },
  };
  await assert.rejects(ring.read(scope.pipe().reader, new Uint8Array(1), closing), closed);
  await assert.rejects(ring.nop(), closed);
  await first;
});

ringTest('a thousand failures at once are a thousand rejections', {}, async (scope) => {
  const ring = asyncRing(scope, 8);
  const page = alloc(16);
  const reads = Array.from({ length: 1000 }, () => ring.read(0x7fff_fff0, page));
  await Promise.all(reads.map((each) => fails('EBADF', 'OP_READ', each)));
});

ringTest(
  'operations that complete at once go on one after another within a turn, for a while',
  FAST,
  async (scope) => {
    const ring = asyncRing(scope);
    let turns = 0;
    const count = () => {
      turns++;
      next = setImmediate(count);
    };
    let next = setImmediate(count);
    for (let i = 0; i < 500; i++) await ring.nop();
    clearImmediate(next);
    assert.ok(turns < 400, `${turns} turns`);
    assert.ok(turns > 1, 'the others got a turn');
  },
);

ringTest('timers and other I/O get their turn while the ring is busy', FAST, async (scope) => {
  const ring = asyncRing(scope, 8);
  let isOver = false;
  let ticks = 0;
  const ticking = (async () => {
    while (!isOver) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      ticks++;
    }
  })();
  // by CPU time: a busy machine may give this process little of it
  const spent = () => process.cpuUsage().user + process.cpuUsage().system;
  const end = spent() + 200_000;
  const busy = async (): Promise<void> => {
    while (spent() < end) await ring.nop();
  };
  await Promise.all(Array.from({ length: 64 }, busy));
  isOver = true;
  await ticking;
  assert.ok(ticks > 10, `${ticks} ticks`);
});

ringTest('closing fails what is in flight and what waits for room', {}, async (scope) => {
  const ring = asyncRing(scope, 2, { disabled: true });
  const { reader } = scope.pipe();
  const pending = Array.from({ length: 10 }, () => ring.read(reader, new Uint8Array(1)));
  const chain = ring.chain((c) => [c.read(reader, new Uint8Array(1)), c.nop()]);
  assert.equal(ring.inFlight, 12);
  ring.close();
  const settled = await Promise.allSettled([...pending, chain]);
  for (const each of settled) {
    assert.equal(each.status === 'rejected' ? each.reason.code : 'done', 'ERR_URING_CLOSED');
  }
  assert.equal(ring.inFlight, 0);
  ring.close();
});

ringTest('a disabled ring does not spin', {}, async (scope) => {
  const ring = asyncRing(scope, 8, { disabled: true });
  const nop = ring.nop();
  // one that spins does so all the time; a collector or compiler that still works does not
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 8; i++) {
    const before = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, user + system);
  }
  assert.ok(least < 50_000, `${least / 1000} ms of 100`);
  ring.enable();
  await nop;
});

ringTest('closing while completions are settled', {}, async (scope) => {
  const ring = asyncRing(scope, 8);
  const { writer } = scope.pipe();
  const others: Promise<unknown>[] = [];
  const first = ring.write(writer, bytes('x')).then(() => ring.close());
  for (let i = 0; i < 20; i++) others.push(ring.nop());
  await first;
  for (const each of await Promise.allSettled(others)) {
    if (each.status === 'rejected') assert.equal(each.reason.code, 'ERR_URING_CLOSED');
  }
});

ringTest('a getter that closes the ring while entries are made ends all with "closed"', {}, async (scope) => {
  const ring = asyncRing(scope, 8);
  const outcomes: Promise<unknown>[] = [ring.nop()];
  const closing = {
    timeoutMs: 1000,
    get offset() {
      ring.close();
      return 0;
    },
  };
  const starting = {
    get timeoutMs() {
      outcomes.push(ring.fsync(0, closing));
      return 1000;
    },
  };
  outcomes.push(ring.nop(starting));
  assert.ok(outcomes.length >= 3);
  for (const each of outcomes) assert.ok((await failure(each)) instanceof ClosedError);
});
