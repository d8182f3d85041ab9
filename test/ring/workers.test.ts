import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Ring, StateError } from '../../lib/index.ts';
import { limit, possibleCpus } from '../../lib/sys/host.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { needs, needsFeature } from '../helpers/needs.ts';
import { refuses, wrong } from '../helpers/raw-ring.ts';
import { closed, ioWorkers, ringTest } from '../helpers/rings.ts';
import { inThread } from '../helpers/scenario.ts';

const NEEDS = needs('REGISTER_IOWQ_MAX_WORKERS');
const BY_INDEX = needsFeature('FEAT_REG_REG_RING');
const MODULE = new URL('workers.scenes.ts', import.meta.url).href;
const EINVAL = 22;

/** Runs `body` while the kernel refuses an opcode. */
function refusing(opcode: number, body: () => void): void {
  const { register } = sys;
  sys.register = (fd, each, arg, nrArgs) =>
    each === opcode && fd < 0x7fff_0000 ? -EINVAL : register(fd, each, arg, nrArgs);
  try {
    body();
  } finally {
    sys.register = register;
  }
}

/** A ring that may no longer change limits. */
function jailed(ring: Ring): void {
  ring.registerRestrictions({ sealed: true });
  ring.enable();
}

ringTest('wrong arguments are named before any call', NEEDS, (scope) => {
  const ring = scope.ring();
  const cases: readonly [argument: string, options: unknown][] = [
    ['options', undefined],
    ['options', {}],
    ['options', 3],
    ['options.bound', { bound: 1 }],
    ['options.bounded', { bounded: 0 }],
    ['options.bounded', { bounded: 2 ** 31 }],
    ['options.bounded', { bounded: '2' }],
    ['options.unbounded', { bounded: 1, unbounded: 1.5 }],
    ['options.unbounded', { unbounded: Number.NaN }],
    ['options.cpus', { cpus: [] }],
    ['options.cpus', { cpus: 1 }],
    ['options.cpus[1]', { bounded: 1, cpus: [0, -1] }],
    ['options.cpus[0]', { cpus: [possibleCpus()] }],
  ];
  for (const [argument, options] of cases) refuses(argument, () => ring.limitWorkers(wrong(options)));
});

ringTest('the limits in force can be read, and are restored', NEEDS, (scope) => {
  const ring = scope.ring();
  const second = scope.ring();
  const before = ring.workerLimits;
  assert.ok(before.bounded > 0 && before.unbounded > 0);
  const limits = ring.limitWorkers({ bounded: 3 });
  assert.deepEqual(ring.workerLimits, { ...before, bounded: 3 });
  assert.deepEqual(second.workerLimits, { ...before, bounded: 3 }, 'the other ring of the thread');
  assert.deepEqual(limits.options, { bounded: 3 });
  const inner = second.limitWorkers({ bounded: 1, unbounded: 2 });
  assert.deepEqual(ring.workerLimits, { bounded: 1, unbounded: 2 });
  inner[Symbol.dispose]();
  assert.deepEqual(ring.workerLimits, { ...before, bounded: 3 });
  limits.unregister();
  limits.unregister();
  assert.equal(limits.isRegistered, false);
  assert.deepEqual(ring.workerLimits, before);
});

ringTest('asking through one ring does not bring back what it once set', NEEDS, (scope) => {
  const ring = scope.ring();
  const other = scope.ring();
  const before = ring.workerLimits;
  const outer = ring.limitWorkers({ bounded: 4, unbounded: 5 });
  const inner = other.limitWorkers({ bounded: 3 });
  for (const each of [ring, other, ring]) assert.deepEqual(each.workerLimits, { bounded: 3, unbounded: 5 });
  inner.unregister();
  outer.unregister();
  for (const each of [other, ring, other]) assert.deepEqual(each.workerLimits, before);
});

ringTest('the kernel cuts them to RLIMIT_NPROC', NEEDS, (scope) => {
  const ring = scope.ring();
  const most = limit('nproc')?.soft ?? Number.POSITIVE_INFINITY;
  const limits = ring.limitWorkers({ bounded: 2 ** 31 - 1 });
  assert.equal(ring.workerLimits.bounded, Math.min(most, 2 ** 31 - 1));
  limits.unregister();
});

ringTest('newer limits go first: the others refuse, name them, and stay', NEEDS, (scope) => {
  const ring = scope.ring();
  const before = ring.workerLimits;
  const first = ring.limitWorkers({ bounded: 4 });
  const second = scope.ring().limitWorkers({ bounded: 3, cpus: [0] });
  const third = ring.limitWorkers({ unbounded: 2 });
  for (const undo of [() => first.unregister(), () => first[Symbol.dispose](), () => second.unregister()]) {
    assert.throws(undo, (error: unknown) => {
      assert.ok(error instanceof StateError);
      assert.match(
        error.message,
        /reverse order: unregister limits \d+ \(\{ unbounded: 2 \}\) before limits \d+/,
      );
      return true;
    });
  }
  assert.equal(first.isRegistered, true);
  assert.deepEqual(ring.workerLimits, { bounded: 3, unbounded: 2 });
  third.unregister();
  second[Symbol.dispose]();
  first[Symbol.dispose]();
  assert.equal(first.isRegistered, false);
  assert.deepEqual(ring.workerLimits, before);
});

ringTest('when the cpus are refused the counts are as before', NEEDS, (scope) => {
  const ring = scope.ring();
  const before = ring.workerLimits;
  refusing(constants.IORING_REGISTER_IOWQ_AFF, () => {
    assert.throws(() => ring.limitWorkers({ bounded: 2, unbounded: 3, cpus: [0] }), {
      code: 'EINVAL',
      opcode: 'REGISTER_IOWQ_AFF',
    });
  });
  assert.deepEqual(ring.workerLimits, before);
  // nothing is in the way of others
  ring.limitWorkers({ bounded: 1 }).unregister();
  assert.deepEqual(ring.workerLimits, before);
});

ringTest('closing the ring undoes its limits', NEEDS, (scope) => {
  const other = scope.ring();
  const before = other.workerLimits;
  const ring = scope.ring();
  const outer = ring.limitWorkers({ bounded: 4 });
  ring.limitWorkers({ bounded: 3, unbounded: 2, cpus: [0] });
  assert.deepEqual(other.workerLimits, { bounded: 3, unbounded: 2 });
  ring.close();
  assert.deepEqual(other.workerLimits, before);
  closed({ unregister: () => outer.unregister() });
  outer[Symbol.dispose]();
});

ringTest('closing undoes them by the index too, where that is all there is', BY_INDEX, (scope) => {
  const other = scope.ring();
  const before = other.workerLimits;
  const ring = scope.ring();
  ring.limitWorkers({ bounded: 3 });
  ring.registerRingFd().closeFd();
  ring.close();
  assert.deepEqual(other.workerLimits, before);
});

ringTest('under newer limits they are undone together with those', NEEDS, (scope) => {
  const ring = scope.ring();
  const before = ring.workerLimits;
  const oldest = ring.limitWorkers({ unbounded: 9 });
  const dying = scope.ring();
  const lost = dying.limitWorkers({ bounded: 4 });
  const newest = ring.limitWorkers({ bounded: 3 });
  dying.close();
  lost[Symbol.dispose]();
  assert.deepEqual(ring.workerLimits, { bounded: 3, unbounded: 9 }, 'the newest are in force');
  newest.unregister();
  assert.deepEqual(ring.workerLimits, { ...before, unbounded: 9 });
  oldest.unregister();
  assert.deepEqual(ring.workerLimits, before);
});

ringTest('limits that a sandbox keeps from being undone stand in nobody’s way', NEEDS, (scope) => {
  const ring = scope.ring();
  const before = ring.workerLimits;
  const oldest = ring.limitWorkers({ unbounded: 9 });
  const jail = scope.ring(8, { disabled: true });
  const stuck = jail.limitWorkers({ bounded: 4 });
  jailed(jail);
  assert.throws(() => stuck.unregister(), { code: 'EACCES', opcode: 'REGISTER_IOWQ_MAX_WORKERS' });
  assert.throws(() => oldest.unregister(), StateError, 'it is registered still');
  stuck[Symbol.dispose]();
  oldest.unregister();
  assert.deepEqual(ring.workerLimits, before);

  const again = scope.ring(8, { disabled: true });
  again.limitWorkers({ bounded: 4 });
  jailed(again);
  again.close();
  assert.equal(ring.workerLimits.bounded, 4, 'a sandboxed ring can not undo them');
  ring.limitWorkers({ unbounded: 9 }).unregister();
  assert.deepEqual(ring.workerLimits, before, 'the next one does');
});

ringTest('the thread of an sqPoll ring has limits of its own', NEEDS, (scope) => {
  const ring = scope.ring();
  const before = ring.workerLimits;
  const polled = scope.ring(8, { sqPoll: { idleMs: 10 } });
  const limits = polled.limitWorkers({ bounded: 2, unbounded: 3, cpus: [0] });
  assert.deepEqual(polled.workerLimits, { bounded: 2, unbounded: 3 });
  assert.deepEqual(ring.workerLimits, before);
  // so that the order of the two does not matter
  const own = ring.limitWorkers({ bounded: 1 });
  limits.unregister();
  assert.notEqual(polled.workerLimits.unbounded, 3);
  own.unregister();
  polled.limitWorkers({ bounded: 2 });
  polled.close();
  assert.deepEqual(ring.workerLimits, before);
});

ringTest('they hold for the thread that set them, not for another', NEEDS, async (scope) => {
  const ring = scope.ring();
  const limits = ring.limitWorkers({ bounded: 1, unbounded: 1 });
  const other = Object(await inThread({ module: MODULE, name: 'limitsOfThread' }));
  assert.ok(other.bounded > 1 && other.unbounded > 1, JSON.stringify(other));
  limits.unregister();
});

test('the number of worker threads stops at the limits', NEEDS, async () => {
  assert.equal(await inThread({ module: MODULE, name: 'count' }), 'done');
});

const [ALL] = [possibleCpus() === 1 ? '0' : `0-${possibleCpus() - 1}`];
const TWO = possibleCpus() < 2 ? { skip: 'needs two cpus' } : needs('REGISTER_IOWQ_AFF');

test('new workers run on the cpus that were set, others stay', TWO, async () => {
  assert.equal(await inThread({ module: MODULE, name: 'bind', argument: ALL }), 'done');
});

ringTest('after the ring is closed every call is a ClosedError, and no worker is left', NEEDS, (scope) => {
  const before = ioWorkers().map(({ tid }) => tid);
  const ring = scope.ring();
  ring.close();
  closed({
    limitWorkers: () => ring.limitWorkers({ bounded: 1 }),
    workerLimits: () => ring.workerLimits,
  });
  assert.deepEqual(
    ioWorkers().filter(({ tid }) => !before.includes(tid)),
    [],
  );
});
