import assert from 'node:assert/strict';
import { registerClock } from '../../lib/register/instance.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { needs, needsFeature } from '../helpers/needs.ts';
import { refuses, wrong } from '../helpers/raw-ring.ts';
import { closed, complete, ringTest } from '../helpers/rings.ts';

const NEEDS = needs('REGISTER_CLOCK');
const CLOCKS = { monotonic: 1, boottime: 7 } as const;
const CLOCK_REALTIME = 0;
const CLOCK_TAI = 11;

/** A clock's time in milliseconds. */
function now(clock: keyof typeof CLOCKS): number {
  const time = new BigInt64Array(2);
  assert.equal(sys.clockGettime(CLOCKS[clock], time), 0);
  return Number(time[0]) * 1000 + Number(time[1]) / 1e6;
}

ringTest('another clock is refused before any call', NEEDS, (scope) => {
  const ring = scope.ring();
  for (const clock of ['realtime', 'Monotonic', 1, undefined, null])
    refuses('clock', () => ring.setClock(wrong(clock)));
  for (const clock of [CLOCK_REALTIME, CLOCK_TAI]) {
    assert.throws(() => registerClock(ring.fd, clock), { code: 'EINVAL', opcode: 'REGISTER_CLOCK' });
  }
});

ringTest('a wait ends at its deadline by the clock that was set', NEEDS, (scope) => {
  const ring = scope.ring();
  for (const clock of ['boottime', 'monotonic'] as const) {
    ring.setClock(clock);
    const deadlineMs = now(clock) + 60;
    ring.submit({ wait: 1, deadlineMs });
    const late = now(clock) - deadlineMs;
    assert.ok(late >= 0, `${clock}: ${-late} ms early`);
    assert.equal(ring.ready, 0);
  }
});

ringTest('a relative wait lasts as long with either clock', NEEDS, (scope) => {
  const ring = scope.ring();
  for (const clock of ['boottime', 'monotonic'] as const) {
    ring.setClock(clock);
    const start = performance.now();
    ring.submit({ wait: 1, timeoutMs: 30 });
    assert.ok(performance.now() - start >= 29, clock);
  }
});

ringTest('a deadline that is past, or far ahead, is no error', NEEDS, (scope) => {
  const ring = scope.ring();
  ring.submit({ wait: 1, deadlineMs: 0 });
  assert.equal(ring.ready, 0);
  ring.prepare.timeout({ afterMs: 20, userData: 4 });
  // 31 years of uptime are more nanoseconds than a number can count
  ring.submit({ wait: 1, deadlineMs: 1e12 });
  assert.equal([...ring.completions()][0]?.userData, 4);
});

ringTest(
  'it can be set while the ring is disabled',
  needs('REGISTER_CLOCK', 'REGISTER_ENABLE_RINGS'),
  (scope) => {
    const ring = scope.ring(8, { disabled: true });
    ring.setClock('boottime');
    ring.enable();
    ring.prepare.nop();
    complete(ring, 1);
  },
);

ringTest('timeout and deadline exclude each other', needsFeature('FEAT_EXT_ARG'), (scope) => {
  const ring = scope.ring();
  refuses('options.deadlineMs', () => ring.submit({ wait: 1, timeoutMs: 1, deadlineMs: 1 }));
  refuses('options.deadlineMs', () => ring.submit({ wait: 1, deadlineMs: wrong('1') }));
  refuses('options.deadlineMs', () => ring.submit({ wait: 1, deadlineMs: Number.NaN }));
});

ringTest('after the ring is closed it is a ClosedError', NEEDS, (scope) => {
  const ring = scope.ring();
  ring.close();
  closed({ setClock: () => ring.setClock('monotonic') });
});
