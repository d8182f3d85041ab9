import assert from 'node:assert/strict';
import { writeSync } from 'node:fs';
import { Ring, type SubmitOptions } from '../../lib/faces/ring.ts';
import { registerSendMsgRing } from '../../lib/register/notify.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { needs, needsFeature, promptUnregister } from '../helpers/needs.ts';
import { text } from '../helpers/pairs.ts';
import { refuses, wrong } from '../helpers/raw-ring.ts';
import { complete, enters, result, ringTest } from '../helpers/rings.ts';

const { IORING_ENTER_GETEVENTS, IORING_ENTER_NO_IOWAIT } = constants;

const limits = needsFeature('FEAT_EXT_ARG');
const minimal = needsFeature('FEAT_MIN_TIMEOUT');
const tags = needs('REGISTER_BUFFERS2');
const CLOCK_MONOTONIC = 1;
const ETIME = -62;

/** Runs `body`; how many milliseconds it took. */
function took(body: () => void): number {
  const begin = performance.now();
  body();
  return performance.now() - begin;
}

/** The time of the ring's clock, in milliseconds. */
function now(): number {
  const time = new BigInt64Array(2);
  assert.equal(sys.clockGettime(CLOCK_MONOTONIC, time), 0);
  return Number(time[0]) * 1000 + Number(time[1]) / 1e6;
}

ringTest('wrong options are named before any system call', minimal, (scope) => {
  const ring = scope.ring(4, { cqEntries: 8 });
  const cases: readonly (readonly [string, unknown])[] = [
    ['options', 5],
    ['options', null],
    ['options.Wait', { Wait: 1 }],
    ['options.timeoutMS', { timeoutMS: 1 }],
    ['options.wait', { wait: -1 }],
    ['options.wait', { wait: 9 }],
    ['options.wait', { wait: 1.5 }],
    ['options.wait', { wait: '1' }],
    ['options.wait', { wait: 2 ** 32 }],
    ['options.timeoutMs', { timeoutMs: -1 }],
    ['options.timeoutMs', { timeoutMs: Number.NaN }],
    ['options.timeoutMs', { timeoutMs: 1n }],
    ['options.deadlineMs', { deadlineMs: '1' }],
    ['options.deadlineMs', { timeoutMs: 1, deadlineMs: 1 }],
    ['options.minWaitUs', { minWaitUs: 2 ** 32 }],
    ['options.waitArgument', { waitArgument: {} }],
    ['options.waitForSpace', { waitForSpace: 1 }],
    ['options.noIowait', { noIowait: 1 }],
  ];
  ring.prepare.nop();
  const calls = enters(() => {
    for (const [name, options] of cases) refuses(name, () => ring.submit(wrong(options)));
  });
  assert.equal(calls, 0);
  assert.equal(complete(ring, 1).length, 1, 'what was prepared is still there');
});

ringTest('submit returns how many entries it submitted, and starts only those', {}, (scope) => {
  const ring = scope.ring();
  assert.equal(ring.submit(), 0);
  for (let i = 0; i < 5; i++) ring.prepare.nop({ userData: i });
  assert.equal(ring.ready, 0);
  assert.equal(ring.inFlight, 5);
  assert.equal(ring.submit(), 5);
  assert.equal(ring.submit(), 0);
  assert.equal(ring.ready, 5);
  assert.deepEqual(
    complete(ring, 5).map(({ userData }) => userData),
    [0, 1, 2, 3, 4],
  );
  assert.equal(ring.inFlight, 0);
});

ringTest('a submit without anything prepared makes no system call', {}, (scope) => {
  const ring = scope.ring();
  assert.equal(
    enters(() => ring.submit()),
    0,
  );
});

ringTest('a wait lasts until the completions are there', {}, (scope) => {
  const ring = scope.ring();
  ring.prepare.timeout({ afterMs: 30, userData: 1 });
  ring.prepare.timeout({ afterMs: 60, userData: 2 });
  assert.ok(took(() => ring.submit({ wait: 2 })) >= 59);
  assert.deepEqual(
    [...ring.completions()].map(({ userData, res }) => [userData, res]),
    [
      [1, ETIME],
      [2, ETIME],
    ],
  );
});

ringTest('a wait for what is there already makes no second call', {}, (scope) => {
  const ring = scope.ring();
  ring.prepare.nop();
  ring.prepare.nop();
  assert.equal(
    enters(() => ring.submit({ wait: 2 })),
    1,
  );
});

ringTest('one call submits and waits, also for what completes later', {}, (scope) => {
  const ring = scope.ring();
  ring.prepare.timeout({ afterMs: 20, userData: 1 });
  const elapsed = took(() =>
    assert.equal(
      enters(() => ring.submit({ wait: 1 })),
      1,
    ),
  );
  assert.ok(elapsed >= 19, `${elapsed} ms`);
  assert.equal(complete(ring, 1)[0]?.userData, 1);
});

ringTest('a wait inside of a visit counts nothing that was taken before', {}, (scope) => {
  const ring = scope.ring();
  ring.prepare.nop({ userData: 1 });
  ring.submit();
  const seen: (number | bigint)[] = [];
  ring.reap((userData) => {
    seen.push(userData);
    if (userData !== 1) return;
    ring.prepare.timeout({ afterMs: 20, userData: 2 });
    assert.ok(took(() => ring.submit({ wait: 1 })) >= 19);
  });
  assert.deepEqual(seen, [1, 2]);
});

ringTest('timeoutMs ends a wait, and leaves what is in flight alone', limits, (scope) => {
  const ring = scope.ring();
  const { reader, writer } = scope.pipe();
  const memory = new Uint8Array(4);
  ring.prepare.read(reader, memory);
  assert.ok(took(() => ring.submit({ wait: 1, timeoutMs: 10 })) >= 9.9);
  assert.equal(ring.ready, 0);
  assert.equal(ring.inFlight, 1);
  writeSync(writer, 'late');
  assert.equal(result(ring), 4);
  assert.equal(text(memory), 'late');
});

ringTest('timeoutMs ends a wait that some of its completions reached', limits, (scope) => {
  const ring = scope.ring();
  ring.prepare.nop();
  for (const options of [
    { wait: 2, timeoutMs: 10 },
    { wait: 2, timeoutMs: 10.5 },
  ]) {
    assert.ok(took(() => ring.submit(options)) >= 9.9);
  }
  ring.submit({ wait: 2, timeoutMs: 0 });
  assert.equal(ring.ready, 1);
});

ringTest('deadlineMs is a time of the clock, also one that has passed', minimal, (scope) => {
  const ring = scope.ring();
  const deadlineMs = now() + 20;
  ring.submit({ wait: 1, deadlineMs });
  assert.ok(now() >= deadlineMs);
  // one completion is there and the second never comes: the kernel then says 0 instead of ETIME
  ring.prepare.nop();
  for (const deadlineMs of [now() - 20, now() + 10, 0]) {
    const calls = enters(() => ring.submit({ wait: 2, deadlineMs }));
    assert.ok(calls < 5, `${calls} calls`);
  }
});

ringTest('after minWaitUs one completion is enough', minimal, (scope) => {
  const ring = scope.ring();
  ring.prepare.nop();
  assert.ok(took(() => ring.submit({ wait: 2, minWaitUs: 5000 })) >= 4.9);
  assert.equal(ring.ready, 1);
  // with none it goes on, until the first one
  ring.reap(() => {});
  ring.prepare.timeout({ afterMs: 30 });
  assert.ok(took(() => ring.submit({ wait: 2, minWaitUs: 1000 })) >= 29);
  assert.equal(ring.ready, 1);
});

ringTest('minWaitUs does not hold up a wait that is satisfied, and timeoutMs ends it', minimal, (scope) => {
  const ring = scope.ring();
  ring.prepare.nop();
  assert.ok(took(() => ring.submit({ wait: 1, minWaitUs: 10_000_000 })) < 5000);
  ring.reap(() => {});
  assert.ok(took(() => ring.submit({ wait: 1, minWaitUs: 1000, timeoutMs: 15 })) >= 14.9);
});

ringTest(
  'a registered region limits a wait, also one that some completions reached',
  needs('REGISTER_MEM_REGION'),
  (scope) => {
    const ring = scope.ring(8, { disabled: true });
    const waitArgument = ring.registerRegion().at(3).set({ timeoutMs: 12 });
    ring.enable();
    ring.prepare.nop();
    for (const wait of [2, 3]) {
      let calls = 0;
      const ms = took(() => {
        calls = enters(() => ring.submit({ wait, waitArgument }));
      });
      assert.ok(ms >= 11.9, `${ms} ms`);
      assert.ok(calls < 4, `${calls} calls`);
    }
  },
);

ringTest(
  'a minimal wait in a region goes on until something is there',
  needs('REGISTER_MEM_REGION'),
  (scope) => {
    const ring = scope.ring(8, { disabled: true });
    const waitArgument = ring.registerRegion().at(0).set({ minWaitUs: 1000 });
    ring.enable();
    ring.prepare.timeout({ afterMs: 30 });
    assert.ok(took(() => ring.submit({ wait: 2, waitArgument })) >= 29);
    assert.equal(ring.ready, 1);
  },
);

ringTest('a timeout operation that ends early does not end the wait', limits, (scope) => {
  const ring = scope.ring();
  ring.prepare.timeout({ afterMs: 5, userData: 1 });
  ring.prepare.timeout({ afterMs: 40, userData: 2 });
  ring.submit({ wait: 2, timeoutMs: 5000 });
  assert.equal(ring.ready, 2);
});

ringTest('tags are not counted as completions that are waited for', tags, (scope) => {
  const ring = scope.ring();
  const buffers = ring.registerBuffers([new Uint8Array(64), new Uint8Array(64)]);
  buffers.unregister();
  ring.prepare.timeout({ afterMs: 20, userData: 1 });
  ring.submit({ wait: 1 });
  assert.equal(ring.ready, 1);
  assert.deepEqual(
    [...ring.completions()].map(({ userData }) => userData),
    [1],
  );
});

ringTest('tags that fill the queue neither end nor stop a wait', promptUnregister, (scope) => {
  const ring = scope.ring(2, { cqEntries: 2 });
  const released: number[] = [];
  const views = [new Uint8Array(64), new Uint8Array(64)];
  ring.registerBuffers(views, { onRelease: (index) => released.push(index) }).unregister();
  ring.prepare.timeout({ afterMs: 20, userData: 1 });
  const calls = enters(() => ring.submit({ wait: 1 }));
  assert.ok(calls < 6, `${calls} calls`);
  assert.deepEqual(released.sort(), [0, 1]);
  assert.deepEqual(
    [...ring.completions()].map(({ userData }) => userData),
    [1],
  );
});

ringTest('an onRelease that takes a completion inside of a wait loses none', tags, (scope) => {
  const ring = scope.ring();
  const seen: (number | bigint)[] = [];
  const view = new Uint8Array(64);
  const onRelease = () => {
    for (const { userData } of ring.completions()) {
      seen.push(userData);
      break;
    }
  };
  ring.registerBuffers([view, view, view], { onRelease }).unregister();
  for (let i = 1; i <= 4; i++) ring.prepare.nop({ userData: i });
  ring.submit({ wait: 1 });
  ring.reap((userData) => seen.push(userData));
  assert.deepEqual(seen, [1, 2, 3, 4]);
});

ringTest(
  'a message that looks like a tag is nobody’s, and is not lost',
  needs('REGISTER_SEND_MSG_RING'),
  (scope) => {
    const ring = scope.ring();
    const view = new Uint8Array(64);
    ring.registerBuffers([view]).unregister();
    const foreign = (1n << 63n) | (1n << 61n) | 999n;
    registerSendMsgRing(-1, { targetFd: ring.fd, userData: foreign, res: 5 });
    assert.equal(ring.ready, 1);
    ring.submit({ wait: 1 });
    assert.deepEqual(
      [...ring.completions()].map(({ userData, res }) => [userData, res]),
      [[foreign, 5]],
    );
  },
);

ringTest('noIowait is told to the kernel in each way to wait', needsFeature('FEAT_NO_IOWAIT'), (scope) => {
  const ring = scope.ring();
  const { enter } = sys;
  const waits: number[] = [];
  sys.enter = (...args) => {
    waits.push(args[3]);
    return enter(...args);
  };
  try {
    for (const limit of [{}, { timeoutMs: 1000 }, { minWaitUs: 1 }]) {
      ring.prepare.nop();
      ring.submit({ wait: 1, noIowait: true, ...limit });
      assert.equal(
        ring.reap(() => {}),
        1,
      );
    }
    ring.submit({ wait: 1, timeoutMs: 1, noIowait: true });
    ring.submit({ wait: 1, timeoutMs: 1 });
  } finally {
    sys.enter = enter;
  }
  const waiting = waits.filter((flags) => (flags & IORING_ENTER_GETEVENTS) !== 0);
  assert.ok(waiting.length >= 3);
  assert.deepEqual(
    waiting.map((flags) => (flags & IORING_ENTER_NO_IOWAIT) !== 0),
    waiting.map((_, i) => i < waiting.length - 1),
  );
});

ringTest('a full completion queue ends a wait', {}, (scope) => {
  const ring = scope.ring(2, { cqEntries: 2 });
  for (let i = 0; i < 2; i++) {
    ring.prepare.nop();
    ring.prepare.nop();
    ring.submit();
  }
  const calls = enters(() => ring.submit({ wait: 2 }));
  assert.ok(calls < 3, `${calls} calls`);
  assert.equal(
    ring.reap(() => {}),
    4,
  );
});

ringTest('getters in the options may submit, and are read once', limits, (scope) => {
  const ring = scope.ring();
  ring.prepare.nop({ userData: 1 });
  let reads = 0;
  const options: SubmitOptions = {
    get wait() {
      reads++;
      ring.prepare.nop({ userData: 2 });
      ring.submit({ wait: 2 });
      return 2;
    },
  };
  assert.equal(ring.submit(options), 0, 'the getter submitted both');
  assert.equal(reads, 1);
  assert.equal(ring.ready, 2);
});

ringTest('a getter in the options may close the ring', limits, (scope) => {
  const ring = scope.ring();
  const bystander = scope.ring();
  ring.prepare.nop();
  const calls = enters(() => {
    assert.throws(
      () =>
        ring.submit({
          get wait() {
            ring.close();
            return 1;
          },
        }),
      { code: 'ERR_URING_CLOSED' },
    );
  });
  assert.equal(calls, 0);
  assert.equal(bystander.isClosed, false);
});

ringTest('two rings of one thread are interleaved freely', {}, (scope) => {
  const one = scope.ring();
  const two = scope.ring();
  const seen: (readonly [string, number | bigint])[] = [];
  for (let round = 0; round < 20; round++) {
    one.prepare.nop({ userData: round });
    two.prepare.nop({ userData: 100 + round });
    two.prepare.timeout({ afterMs: 1, userData: 200 + round });
    one.submit();
    two.submit({ wait: 2 });
    two.reap((userData) => {
      seen.push(['two', userData]);
      one.reap((inner) => seen.push(['one', inner]));
    });
  }
  const expected = Array.from({ length: 20 }, (_, round) => [
    ['two', 100 + round],
    ['one', round],
    ['two', 200 + round],
  ]).flat();
  assert.deepEqual(seen, expected);
});

ringTest('a ring sees nothing of what another one does', {}, (scope) => {
  const one = scope.ring();
  const two = new Ring(8);
  two.prepare.nop();
  assert.equal(one.submit(), 0);
  two.submit();
  assert.equal(one.ready, 0);
  two.close();
  assert.equal(one.submit(), 0);
});
