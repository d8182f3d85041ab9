import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseCounts } from '../../lib/host/operations/counters.ts';
import { Histogram } from '../../lib/host/operations/histogram.ts';
import { operationFilter } from '../../lib/host/operations/prepare.ts';
import { type Flight, type FlightSink, type Landing, Tracker } from '../../lib/host/operations/tracker.ts';
import { OP_SOURCES, type OpEvent, type OpStep } from '../../lib/host/trace/op-events.ts';

const CTX = 0x1000;
const { PI } = Math;

function event(step: OpStep, time: number, request: number, more: Partial<OpEvent> = {}): OpEvent {
  return {
    ...{ step, time, request, cpu: 0, tid: 7, ctx: CTX, link: 0, userLow: 5, userHigh: 0, opcode: -1 },
    ...{ value: 0, flags: 0, sqThread: false, entry: undefined },
    ...more,
  };
}

const submit = (time: number, request: number, opcode = 22, more: Partial<OpEvent> = {}) =>
  event('submit', time, request, { opcode, ...more });
const complete = (time: number, request: number, more: Partial<OpEvent> = {}) =>
  event('complete', time, request, more);

interface Found {
  readonly landings: (Landing & { readonly time: number })[];
  readonly ended: string[];
  overflows: number;
  forgotten: number;
}

/** What a tracker finds in these events and gaps. */
function found(steps: readonly (OpEvent | { readonly gap: number })[], namesRequest = true): Found {
  const all: Found = { landings: [], ended: [], overflows: 0, forgotten: 0 };
  const sink: FlightSink = {
    submitted: () => {},
    completed: (landing, { time }) => all.landings.push({ ...landing, time }),
    passed: () => {},
    overflowed: () => all.overflows++,
    ended: ({ opcode }, how) => all.ended.push(`${opcode} ${how}`),
    forgotten: (flights: Iterable<Flight>) => {
      all.forgotten += [...flights].length;
    },
  };
  const tracker = new Tracker(namesRequest, sink);
  for (const step of steps) {
    if ('gap' in step) tracker.gap(step.gap);
    else tracker.take(step);
  }
  return all;
}

const latencies = ({ landings }: Found) => landings.map(({ opcode, latency }) => [opcode, latency]);

test('a request that is used again belongs to the later operation', () => {
  const all = found([submit(1, 9), complete(4, 9), submit(5, 9, 23), complete(7, 9), complete(8, 9)]);
  assert.deepEqual(latencies(all), [
    [22, 3],
    [23, 2],
    [-1, undefined],
  ]);
});

test('after a loss nothing that began before it has a latency, nor what began within it', () => {
  const all = found([
    ...[submit(1, 9), { gap: 10 }, submit(5, 8), complete(11, 9), complete(12, 8)],
    ...[submit(13, 9, 23), complete(15, 9)],
  ]);
  assert.deepEqual(latencies(all), [
    [-1, undefined],
    [-1, undefined],
    [23, 2],
  ]);
  assert.equal(all.forgotten, 1);
});

test('a multishot operation has one latency, and ends with the completion that promises no more', () => {
  const more = { request: 0, flags: 2 };
  const all = found([
    ...[submit(1, 9, 6), complete(3, 0, more), complete(5, 0, more), complete(8, 9)],
    complete(9, 0, more),
  ]);
  assert.deepEqual(latencies(all), [
    [6, 2],
    [6, undefined],
    [6, undefined],
    [-1, undefined],
  ]);
});

test('a notification of a zero-copy send finds its send, whatever request it names', () => {
  const all = found([
    ...[submit(1, 9, 47), submit(2, 8, 22, { userLow: 6 }), complete(3, 9, { flags: 2 })],
    ...[complete(5, 8, { flags: 8 }), complete(6, 8, { userLow: 6 })],
  ]);
  assert.deepEqual(latencies(all), [
    [47, 2],
    [47, undefined],
    [22, 4],
  ]);
});

test('where a completion names no request, its user_data counts, unless two have the same', () => {
  const users = (userLow: number) => ({ userLow });
  const all = found(
    [
      ...[submit(1, 9, 22, users(1)), submit(2, 8, 23, users(2)), complete(3, 0, users(2))],
      ...[submit(4, 8, 22, users(1)), complete(5, 0, users(1)), complete(6, 0, users(1))],
      ...[submit(7, 8, 22, users(3)), submit(8, 7, 23, users(3)), complete(9, 0, users(3))],
    ],
    false,
  );
  assert.deepEqual(latencies(all), [
    [23, 1],
    [22, undefined],
    [22, 2],
    [-1, undefined],
  ]);
});

test('an operation that ended without a completion is told when its request is used again', () => {
  const all = found([submit(1, 9, 0, { flags: 64 }), submit(2, 9, 1), submit(3, 9, 2), complete(4, 9)]);
  assert.deepEqual(all.ended, ['0 skipped', '1 unseen']);
  assert.deepEqual(latencies(all), [[2, 1]]);
});

test('an overflow is a completion, but not twice where the kernel tells both', () => {
  const told = found([submit(1, 9), complete(3, 9), event('overflow', 4, 0)]);
  assert.deepEqual([latencies(told), told.overflows], [[[22, 2]], 1]);
  const alone = found([submit(1, 9), event('overflow', 4, 0)]);
  assert.deepEqual([latencies(alone), alone.overflows, alone.landings[0]?.isOverflow], [[[22, 3]], 0, true]);
});

/** What really happens: operations on a few requests that are used again and again. */
interface Deed {
  readonly request: number;
  readonly opcode: number;
  readonly length: number;
}

const deeds = fc.array(
  fc.record({
    request: fc.integer({ min: 1, max: 4 }),
    opcode: fc.integer({ min: 0, max: 60 }),
    length: fc.integer({ min: 1, max: 9 }),
  }),
  { minLength: 1, maxLength: 60 },
);

/** The events of these deeds, in the order of time. */
function eventsOf(all: readonly Deed[]): { event: OpEvent; opcode: number; latency: number }[] {
  const events: { event: OpEvent; opcode: number; latency: number }[] = [];
  const free = new Map<number, number>();
  for (const [i, { request, opcode, length }] of all.entries()) {
    const begin = Math.max(free.get(request) ?? 0, i * 3) + 1;
    free.set(request, begin + length);
    const user = { userLow: i, opcode };
    events.push({ event: submit(begin, request, opcode, user), opcode, latency: length });
    events.push({ event: complete(begin + length, request, { userLow: i }), opcode, latency: length });
  }
  return events.sort((a, b) => a.event.time - b.event.time);
}

test('whatever is lost, a latency that is told is the true one', () => {
  fc.assert(
    fc.property(
      deeds,
      fc.integer({ min: 0, max: 200 }),
      fc.integer({ min: 1, max: 60 }),
      (all, from, length) => {
        const events = eventsOf(all);
        const seen = events.filter(({ event: { time } }) => time < from || time >= from + length);
        const steps = seen.flatMap(({ event }, i): (OpEvent | { gap: number })[] => {
          const isFirstAfter = event.time >= from + length && (seen[i - 1]?.event.time ?? -1) < from + length;
          return isFirstAfter && seen.length < events.length ? [{ gap: event.time }, event] : [event];
        });
        const truths = new Map(
          events
            .filter(({ event }) => event.step === 'complete')
            .map((each) => [`${each.event.time}/${each.event.userLow}`, each]),
        );
        for (const { latency, opcode, time, flight } of found(steps).landings) {
          if (latency === undefined) continue;
          const truth = truths.get(`${time}/${flight?.userLow}`);
          assert.deepEqual([opcode, latency], [truth?.opcode, truth?.latency]);
        }
      },
    ),
    { numRuns: 500 },
  );
});

// ---- histogram, counters, formats ------------------------------------------------------------------------------------

test('a histogram keeps every duration within 3 %, and quantiles within 2 %', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 45 }), { minLength: 1, maxLength: 50 }), (values) => {
      const histogram = new Histogram();
      for (const value of values) histogram.add(value);
      const buckets = [...histogram.buckets()];
      assert.equal(
        buckets.reduce((sum, { count }) => sum + count, 0),
        values.length,
      );
      for (const { fromNs, toNs, count } of buckets) {
        assert.equal(values.filter((value) => value >= fromNs && value < toNs).length, count);
        assert.ok(toNs - fromNs <= Math.max(1, fromNs / 32));
      }
      const sorted = values.toSorted((a, b) => a - b);
      const median = sorted[Math.ceil(values.length / 2) - 1] ?? 0;
      assert.ok(Math.abs((histogram.quantile(0.5) ?? 0) - median) <= Math.max(1, median * 0.02));
      assert.equal(histogram.maxNs, sorted.at(-1));
    }),
  );
  assert.equal(new Histogram().quantile(0.5), undefined);
  const [one, other, both] = [new Histogram(), new Histogram(), new Histogram()];
  one.add(PI * 1e6);
  other.add(5);
  both.merge(one);
  both.merge(other);
  assert.deepEqual([both.count, both.quantile(0.01), both.maxNs], [2, 5, Math.floor(PI * 1e6)]);
});

test("the kernel's counts are read with all digits of an address, and what it dropped", () => {
  const text = `# event histogram
#
# trigger info: hist:keys=common_pid,ctx.hex,opcode:vals=hitcount:sort=hitcount:size=8192 [active]
#

{ common_pid:        127, ctx: ffff8880050d4800, opcode:         22 } hitcount:         20
{ common_pid:        124, ctx: ffff8880077ad000, opcode:         18 } hitcount:     123456

Totals:
    Hits: 300
    Entries: 2
    Dropped: 7
`;
  assert.deepEqual(parseCounts(text), {
    counts: [
      { tid: 127, ctx: 0xf8880050d4800, opcode: 22, count: 20 },
      { tid: 124, ctx: 0xf8880077ad000, opcode: 18, count: 123456 },
    ],
    dropped: 7,
  });
});

test('formats of 5.10, 6.1 and 7.2 are read, with what each of them tells', () => {
  for (const [version, request, steps] of [
    ['5.10', false, ['submit', 'complete', 'punt', 'arm', 'wake', 'cut']],
    ['7.2', true, ['submit', 'complete', 'punt', 'arm', 'wake', 'cut', 'refuse', 'overflow', 'work']],
    ['6.1', true, ['submit', 'complete', 'punt', 'arm', 'wake', 'cut', 'refuse', 'overflow', 'work']],
  ] as const) {
    const path = join(import.meta.dirname, `../fixtures/observe/tracefs-io_uring-formats-${version}.txt`);
    const formats = new Map(
      readFileSync(path, 'utf8')
        .split(/^name: /m)
        .slice(1)
        .map((text) => [`io_uring/${text.slice(0, text.indexOf('\n'))}`, text]),
    );
    const readers = OP_SOURCES.flatMap(({ paths, step, load }) => {
      const text = paths.map((each) => formats.get(each)).find((each) => each !== undefined);
      const reader = text === undefined ? undefined : load(text);
      assert.equal(reader === undefined, text === undefined);
      return reader === undefined ? [] : [{ step, reader }];
    });
    assert.deepEqual([...new Set(readers.map(({ step }) => step))], steps);
    const completes = readers.find(({ step }) => step === 'complete');
    assert.equal(completes?.reader.hasRequest, request);
    const view = new DataView(new ArrayBuffer(128));
    view.setBigUint64(8, 0xffff_8880_1234_5678n, true);
    view.setInt32(4, 77, true);
    const read = completes?.reader.read(view, 0, 5, 1);
    assert.deepEqual([read?.tid, read?.ctx, read?.time], [77, 0xf8880_1234_5678, 5]);
  }
});

test('what the kernel can leave out is put into its words', () => {
  const reader = { hasOpcode: true, hasRequest: true, id: 1, length: 8, read: () => submit(0, 0) };
  const plan = { opcodes: new Set([18, 22]), failed: true };
  assert.equal(operationFilter({ step: 'submit', reader }, plan), '(opcode == 18 || opcode == 22)');
  const plain = { ...reader, hasOpcode: false };
  assert.equal(operationFilter({ step: 'complete', reader: plain }, plan), 'res < 0');
  assert.equal(operationFilter({ step: 'complete', reader: plain }, { ...plan, failed: false }), undefined);
});
