import assert from 'node:assert/strict';
import { SyscallError } from '../../lib/errors.ts';
import { Ring } from '../../lib/faces/ring.ts';
import { enter } from '../../lib/ring/core/setup.ts';
import { pageSize } from '../../lib/sys/memory.ts';
import { constants } from '../../structs/flags.ts';
import { RegWait } from '../../structs/memory.ts';
import { needs } from '../helpers/needs.ts';
import { leftMapped, withoutMemory } from '../helpers/pairs.ts';
import { refuses, wrong } from '../helpers/raw-ring.ts';
import { closed, ringTest } from '../helpers/rings.ts';

const regions = needs('REGISTER_MEM_REGION');
const MEMORIES = ['user', 'kernel'] as const;
const { IORING_ENTER_EXT_ARG, IORING_ENTER_EXT_ARG_REG, IORING_ENTER_GETEVENTS } = constants;

/** Milliseconds that a wait for a completion that never comes lasts. */
function waitsFor(ring: Ring, waitArgument: Parameters<Ring['submit']>[0]): number {
  const start = performance.now();
  ring.submit({ wait: 1, ...waitArgument });
  return performance.now() - start;
}

ringTest('options that are wrong are named before any system call', {}, (scope) => {
  const ring = scope.ring(8, { disabled: true });
  for (const [name, options] of [
    ['options.wait', { wait: 1 }],
    ['options.waits', { waits: 0 }],
    ['options.waits', { waits: 1.5 }],
    ['options.waits', { waits: 2 ** 27 }],
    ['options.memory', { memory: 'mine' }],
    ['options', null],
  ] as const) {
    refuses(name, () => ring.registerRegion(wrong(options)));
  }
});

ringTest('a place that does not exist, and limits that are wrong, are refused', regions, (scope) => {
  const ring = scope.ring(8, { disabled: true });
  const region = ring.registerRegion({ waits: 2 });
  assert.equal(region.length, 2);
  for (const index of [-1, 2, 0.5, '0']) refuses('index', () => region.at(wrong(index)));
  for (const [name, limits] of [
    ['limits', undefined],
    ['limits.timeout', { timeout: 1 }],
    ['limits.timeoutMs', { timeoutMs: -1 }],
    ['limits.timeoutMs', { timeoutMs: Number.NaN }],
    ['limits.minWaitUs', { minWaitUs: 2 ** 32 }],
  ] as const) {
    refuses(name, () => region.at(0).set(wrong(limits)));
  }
});

ringTest('a wait argument belongs to its ring, and beside it no other limit is given', regions, (scope) => {
  const ring = scope.ring(8, { disabled: true });
  const other = scope.ring();
  const waitArgument = ring.registerRegion().at(0).set({ timeoutMs: 0 });
  refuses('options.waitArgument', () => other.submit({ wait: 1, waitArgument }));
  refuses('options.waitArgument', () => ring.submit({ wait: 1, waitArgument, timeoutMs: 1 }));
  ring.enable();
  ring.submit({ wait: 1, waitArgument });
});

ringTest('a region must come before the ring is enabled, and there is one', regions, (scope) => {
  const left = leftMapped(() => {
    using enabled = new Ring(8);
    for (const memory of MEMORIES)
      assert.throws(() => enabled.registerRegion({ memory }), { code: 'EINVAL' });
    using ring = new Ring(8, { disabled: true });
    ring.registerRegion();
    for (const memory of MEMORIES) assert.throws(() => ring.registerRegion({ memory }), { code: 'EBUSY' });
  });
  assert.deepEqual(left, []);
  const ring = scope.ring(8, { disabled: true });
  const waitArgument = ring.registerRegion().at(0);
  ring.close();
  closed({
    region: () => ring.registerRegion(),
    set: () => waitArgument.set({ timeoutMs: 1 }),
    wait: () => ring.submit({ waitArgument }),
  });
});

for (const memory of MEMORIES) {
  ringTest(`a wait lasts as long as a region in ${memory} memory says`, regions, (scope) => {
    const ring = scope.ring(8, { disabled: true });
    // the last of them lies in the second page
    const waits = pageSize() / RegWait.size + 1;
    const region = ring.registerRegion({ waits, memory });
    ring.enable();
    const first = region.at(0).set({ timeoutMs: 5 });
    const last = region.at(waits - 1).set({ timeoutMs: 60 });
    assert.ok(waitsFor(ring, { waitArgument: last }) >= 59);
    assert.ok(waitsFor(ring, { waitArgument: first }) >= 4.5);
    first.set({ timeoutMs: 40.5 });
    assert.ok(waitsFor(ring, { waitArgument: region.at(0) }) >= 40);
    assert.equal(ring.inFlight, 0);
  });

  ringTest(`minWaitUs in ${memory} memory ends a wait that has some of its completions`, regions, (scope) => {
    const ring = scope.ring(8, { disabled: true });
    const waitArgument = ring.registerRegion({ memory }).at(1).set({ minWaitUs: 20_000 });
    ring.enable();
    ring.prepare.nop();
    const start = performance.now();
    // without a timeout: only the minimal wait can end it
    ring.submit({ wait: 4, waitArgument });
    assert.ok(performance.now() - start >= 19);
    assert.equal(ring.ready, 1);
  });

  ringTest(`nothing stays mapped of a region in ${memory} memory`, regions, () => {
    const left = leftMapped(() => {
      using ring = new Ring(8, { disabled: true });
      ring.registerRegion({ memory });
    });
    assert.deepEqual(left, []);
  });
}

ringTest('without limits a wait ends with its completion', regions, (scope) => {
  const ring = scope.ring(8, { disabled: true });
  const waitArgument = ring.registerRegion().at(7).set({ timeoutMs: 60_000 }).set({});
  ring.enable();
  ring.prepare.timeout({ afterMs: 1 });
  ring.submit({ wait: 1, waitArgument });
  assert.equal(ring.ready, 1);
});

ringTest(
  'a wait beyond the region, unaligned or without its flags is refused by the kernel',
  regions,
  (scope) => {
    const ring = scope.ring(8, { disabled: true });
    ring.registerRegion().at(3).set({ timeoutMs: 1 });
    ring.enable();
    const flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG | IORING_ENTER_EXT_ARG_REG;
    const wait = { minComplete: 1, flags, arg: 3 * RegWait.size, argSize: RegWait.size };
    assert.throws(() => enter(ring.fd, wait), { code: 'ETIME' });
    assert.throws(() => enter(ring.fd, { ...wait, arg: pageSize() }), { code: 'EFAULT' });
    assert.throws(() => enter(ring.fd, { ...wait, arg: 3 }), { code: 'EFAULT' });
    assert.throws(() => enter(ring.fd, { ...wait, argSize: 24 }), { code: 'EINVAL' });
    assert.throws(() => enter(ring.fd, { ...wait, flags: flags & ~IORING_ENTER_EXT_ARG }), {
      code: 'EINVAL',
    });
  },
);

ringTest('a region that cannot be mapped is an error, and leaks nothing', regions, () => {
  const left = leftMapped(() => {
    using ring = new Ring(8, { disabled: true });
    for (const memory of MEMORIES) {
      withoutMemory(() => assert.throws(() => ring.registerRegion({ memory }), SyscallError));
    }
  });
  assert.deepEqual(left, []);
});

ringTest('a ring without an fd has its region in user memory', regions, (scope) => {
  const ring = scope.ring(8, { registeredFdOnly: true, disabled: true });
  refuses('options.memory', () => ring.registerRegion({ memory: 'kernel' }));
  const waitArgument = ring.registerRegion().at(2).set({ timeoutMs: 20 });
  ring.enable();
  assert.ok(waitsFor(ring, { waitArgument }) >= 19);
});
