import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RegisterCall } from '../../lib/host/call.ts';
import { type CallOptions, Calls } from '../../lib/host/trace/calls.ts';
import type { EventReader, KernelEvent, RegisterEnter, RegisterRing } from '../../lib/host/trace/events.ts';
import { SOURCES } from '../../lib/host/trace/events.ts';
import { commPattern, kernelFilter } from '../../lib/host/trace/filter.ts';
import { Merge } from '../../lib/host/trace/merge.ts';
import { RecordQueue } from '../../lib/host/trace/queue.ts';
import { Rings } from '../../lib/host/trace/rings.ts';
import type { SetupCall } from '../../lib/host/trace.ts';

const CTX = 0xffff_8881_0000_0000n;

interface At {
  readonly tid?: number;
  readonly cpu?: number;
}

const enter = (time: number, opcode = 2, { tid = 7, cpu = 0 }: At = {}): RegisterEnter => {
  return { step: 'enter', call: 'register', time, cpu, tid, fd: 3, opcode, arg: 0x10n, nrArgs: 1 };
};
const ring = (time: number, opcode = 2, { tid = 7, cpu = 0 }: At = {}, ctx = CTX): RegisterRing => {
  return { step: 'ring', call: 'register', time, cpu, tid, ctx, opcode, nrFiles: 4, nrBufs: 5, ret: 0 };
};
const exit = (time: number, ret = 0, { tid = 7, cpu = 0 }: At = {}): KernelEvent => {
  return { step: 'exit', call: 'register', time, cpu, tid, ret };
};
const create = (time: number, ctx = CTX): KernelEvent => {
  const sizes = { sqEntries: 8, cqEntries: 16, flags: 0 };
  return { step: 'ring', call: 'setup', time, cpu: 0, tid: 7, ctx, fd: 3, ...sizes };
};

/** The records of these events, and of gaps before them. */
function recordsOf(
  steps: readonly (KernelEvent | { readonly gap: number; readonly at: number })[],
  options: Partial<CallOptions> = {},
): (RegisterCall | SetupCall)[] {
  const records: (RegisterCall | SetupCall)[] = [];
  const calls = new Calls(
    {
      opcodes: undefined,
      failed: false,
      setup: false,
      light: false,
      isWantedComm: () => true,
      rings: new Rings(),
      nameOf: (tid) => ({ pid: tid, comm: `thread ${tid}` }),
      baseNs: 1000n,
      baseTimeNs: 1_000_000n,
      ...options,
    },
    (record) => records.push(record),
  );
  for (const step of steps) {
    if ('gap' in step) calls.gap(step.gap, step.at);
    else calls.take(step);
  }
  calls.finish();
  return records;
}

/** What matters of records. */
function brief(records: readonly (RegisterCall | SetupCall)[]) {
  return records.map((record) => [
    record.type === 'register' ? record.opcode : 'setup',
    record.ret,
    record.complete,
  ]);
}

test('a call is put together of its three events', () => {
  assert.deepEqual(recordsOf([enter(5, 0x8000_0002), ring(6), exit(9, -22)]), [
    {
      type: 'register',
      source: 'kernel',
      timeNs: 1_000_005n,
      monoNs: 1005n,
      pid: 7,
      tid: 7,
      comm: 'thread 7',
      cpu: 0,
      fd: 3,
      opcode: 2,
      opcodeName: 'REGISTER_FILES',
      useRegisteredRing: true,
      arg: 0x10n,
      argText: undefined,
      nrArgs: 1,
      nrArgsIs: 'count',
      ret: -22,
      errno: 'EINVAL',
      durationNs: 4n,
      ring: 'r1',
      nrUserFiles: 4,
      nrUserBufs: 5,
      complete: true,
    },
  ]);
});

test('threads do not disturb each other, and may move between cpus', () => {
  const other = { tid: 8, cpu: 1 };
  const records = recordsOf([
    enter(1),
    enter(2, 3, other),
    exit(3, 1, other),
    exit(4, 2, { tid: 7, cpu: 1 }),
  ]);
  assert.deepEqual(brief(records), [
    [3, 1, true],
    [2, 2, true],
  ]);
});

test('a beginning without an end, and an end without a beginning, are told as such', () => {
  assert.deepEqual(brief(recordsOf([exit(1, 5), enter(2), enter(3, 4)])), [
    [undefined, 5, false],
    [2, undefined, false],
    [4, undefined, false],
  ]);
});

test('events that were lost in between never make one call of two', () => {
  const lost = (cpu: number) => recordsOf([enter(1), { gap: cpu, at: 5 }, exit(9, 3)]);
  assert.deepEqual(brief(lost(0)), [
    [2, undefined, false],
    [undefined, 3, false],
  ]);
  // another cpu's losses are no matter
  assert.deepEqual(brief(lost(1)), [[2, 3, true]]);
  const moved = recordsOf([enter(1), { gap: 1, at: 5 }, exit(9, 3, { cpu: 1 })]);
  assert.equal(moved.length, 2);
});

test('a ring of another opcode belongs to another call', () => {
  assert.deepEqual(brief(recordsOf([enter(1, 2), ring(2, 3), exit(3, 1)])), [
    [2, undefined, false],
    [3, 1, false],
  ]);
});

test('a 32-bit call, which has nothing but its ring, comes after a while', () => {
  const records: (RegisterCall | SetupCall)[] = [];
  const nameOf = () => ({ pid: undefined, comm: undefined });
  const calls = new Calls(
    {
      ...{
        opcodes: undefined,
        failed: false,
        setup: false,
        light: false,
        baseNs: 0n,
        baseTimeNs: 0n,
        nameOf,
        rings: new Rings(),
      },
      isWantedComm: () => true,
    },
    (record) => records.push(record),
  );
  calls.take(ring(1));
  calls.sweep(200e6);
  assert.equal(records.length, 0);
  calls.sweep(300e6);
  assert.deepEqual(brief(records), [[2, 0, false]]);
});

test('with light events alone a call is whole', () => {
  const [record, ...rest] = recordsOf([ring(1)], { light: true });
  assert.equal(rest.length, 0);
  assert.ok(record?.type === 'register' && record.complete);
  assert.deepEqual(
    [record.fd, record.arg, record.durationNs, record.useRegisteredRing],
    Array(4).fill(undefined),
  );
});

test('rings are counted, and one at the address of a closed one is another', () => {
  const names = recordsOf([
    ...[create(1), enter(2), ring(3), exit(4)],
    ...[enter(5), ring(6, 2, {}, CTX + 64n), exit(7)],
    ...[create(8), enter(9), ring(10), exit(11)],
  ]).map((record) => record.ring);
  assert.deepEqual(names, ['r1', 'r2', 'r3']);
});

test('only what is wanted is told', () => {
  const steps = [enter(1), exit(2, 0), enter(3, 5), exit(4, -9), exit(5, -1), enter(6)];
  assert.deepEqual(brief(recordsOf(steps, { failed: true })), [
    [5, -9, true],
    [undefined, -1, false],
  ]);
  assert.deepEqual(brief(recordsOf(steps, { opcodes: new Set([2]) })), [
    [2, 0, true],
    [2, undefined, false],
  ]);
  assert.deepEqual(recordsOf(steps, { isWantedComm: (comm) => comm === 'another' }), []);
  assert.deepEqual(brief(recordsOf([create(1)], { setup: true, light: true })), [['setup', 3, true]]);
});

test('a program with more threads than anybody has does not fill the memory', () => {
  const steps = Array.from({ length: 10_000 }, (_, tid) => enter(tid, 2, { tid }));
  let atOnce = 0;
  const calls = new Calls(
    {
      ...{ opcodes: undefined, failed: false, setup: false, light: false, baseNs: 0n, baseTimeNs: 0n },
      isWantedComm: () => true,
      rings: new Rings(),
      nameOf: (tid) => ({ pid: tid, comm: '' }),
    },
    () => atOnce++,
  );
  for (const step of steps) calls.take(step);
  assert.equal(atOnce, 10_000 - 8192);
});

test('the kernel is told what to leave out, in words that it takes for nothing else', () => {
  const filterOf = (step: string, call: string, wanted: Partial<Parameters<typeof kernelFilter>[1]>) => {
    const source = SOURCES.find((each) => each.step === step && each.call === call);
    assert.ok(source);
    return kernelFilter(source, { opcodes: undefined, comm: undefined, failed: false, ...wanted });
  };
  assert.equal(filterOf('enter', 'register', {}), undefined);
  const all = { opcodes: new Set([2]), comm: 'no*', failed: true };
  assert.equal(filterOf('enter', 'register', all), '(opcode == 2 || opcode == 2147483650) && comm ~ "no*"');
  assert.equal(filterOf('exit', 'register', all), 'ret < 0 && comm ~ "no*"');
  assert.equal(filterOf('ring', 'setup', all), 'comm ~ "no*"');
  for (const comm of ['a"b', 'a[b', 'a\\b', 'ä'])
    assert.equal(filterOf('enter', 'register', { comm }), undefined);
});

test('a glob matches whole names, and only * and ? are special', () => {
  const matches = (glob: string, name: string) => commPattern(glob).test(name);
  assert.ok(matches('no*', 'node') && matches('n?de', 'node') && matches('*', '') && matches('a*', 'a\nb'));
  assert.ok(!matches('no', 'node') && !matches('ode', 'node') && !matches('n.de', 'node'));
  assert.ok(matches('a[b]+$', 'a[b]+$'));
});

// ---- merging ---------------------------------------------------------------------------------------------------------

const ID = 9;
/** An event whose data is its id and a number. */
const reader: EventReader = {
  id: ID,
  length: 4,
  read: (view, offset, time, cpu) => ({
    step: 'exit',
    call: 'register',
    time,
    cpu,
    tid: 1,
    ret: view.getUint16(offset + 2, true),
  }),
};

/** A page with an event at each of these times. */
function pageAt(times: readonly number[], flags = 0): Uint8Array {
  const bytes = new Uint8Array(64 + times.length * 8);
  const view = new DataView(bytes.buffer);
  const [first = 0] = times;
  view.setBigUint64(0, BigInt(first), true);
  view.setUint32(8, (times.length * 8 + flags) >>> 0, true);
  for (const [i, time] of times.entries()) {
    view.setUint32(16 + 8 * i, ((time - (times[i - 1] ?? first)) << 5) | 1, true);
    view.setUint16(20 + 8 * i, ID, true);
  }
  return bytes;
}

function source(pages: Uint8Array[]): (into: Uint8Array) => number {
  return (into) => {
    const page = pages.shift();
    if (page === undefined) return -11;
    into.set(page);
    return page.length;
  };
}

function merged() {
  const times: number[] = [];
  const gaps: [number, number][] = [];
  const merge = new Merge([reader], 4096, 0n, {
    event: ({ time }) => times.push(time),
    gap: (cpu, time) => gaps.push([cpu, time]),
  });
  return { merge, times, gaps };
}

const always = () => true;

test('events of all cpus come in the order of time', () => {
  const { merge, times, gaps } = merged();
  merge.add(0, source([pageAt([1, 4]), pageAt([9], 0x8000_0000)]));
  merge.add(1, source([pageAt([2, 3, 12])]));
  assert.equal(merge.run(100, always), 'empty');
  assert.deepEqual(times, [1, 2, 3, 4, 9, 12]);
  assert.deepEqual(gaps, [[0, 9]]);
});

test('what came after a round began waits for the next: another cpu may have something earlier', () => {
  const { merge, times } = merged();
  const late: Uint8Array[] = [];
  merge.add(0, source([pageAt([1, 20])]));
  merge.add(1, source(late));
  assert.equal(merge.run(10, always), 'more');
  assert.deepEqual(times, [1]);
  late.push(pageAt([15]));
  assert.equal(merge.run(30, always), 'empty');
  assert.deepEqual(times, [1, 15, 20]);
});

test('a round goes on where its time was over', () => {
  const { merge, times } = merged();
  merge.add(0, source([pageAt([1, 2, 3])]));
  let left = 2;
  assert.equal(
    merge.run(10, () => left-- > 0),
    'unfinished',
  );
  assert.deepEqual(times, [1, 2]);
  assert.equal(merge.run(10, always), 'empty');
  assert.deepEqual(times, [1, 2, 3]);
});

test('an event of a time that has not come is counted, and holds up nothing', () => {
  const { merge, times } = merged();
  merge.add(0, source([pageAt([5e9]), pageAt([3])]));
  merge.add(1, source([pageAt([7])]));
  assert.equal(merge.run(10, always), 'empty');
  assert.deepEqual(times.sort(), [3, 7]);
  assert.deepEqual([merge.events, merge.malformed], [3, 1]);
});

test('pages are taken out of the kernel up to a limit, and given in order', () => {
  const { merge, times } = merged();
  let made = 0;
  merge.add(0, (into) => {
    const page = pageAt([made++]);
    into.set(page);
    return page.length;
  });
  assert.equal(merge.readAhead(100), 'more');
  assert.equal(made, 100);
  while (!merge.isFull) merge.readAhead(1000);
  assert.equal(made, 8192);
  assert.equal(merge.readAhead(1000), 'more');
  assert.equal(made, 8192);
  let left = 500;
  merge.run(1e9, () => left-- > 0);
  assert.deepEqual(times, [...Array(500).keys()]);
  assert.equal(merge.isFull, false);
});

test('a reader that fails is an error, not an empty page', () => {
  const { merge } = merged();
  merge.add(3, () => -5);
  assert.throws(() => merge.run(1, always), { name: 'SyscallError', code: 'EIO', message: /cpu 3/ });
});

// ---- the queue -------------------------------------------------------------------------------------------------------

test('records wait for a consumer, consumers wait for records, and an error comes once', async () => {
  const queue = new RecordQueue<number>();
  const waiting = queue.next();
  queue.push(1);
  queue.push(2);
  assert.deepEqual(await waiting, { done: false, value: 1 });
  assert.equal(queue.size, 1);
  assert.deepEqual(await queue.next(), { done: false, value: 2 });
  const failing = queue.next();
  const after = queue.next();
  queue.fail(new Error('over'));
  await assert.rejects(failing, /over/);
  assert.deepEqual(await after, { done: true, value: undefined });
  queue.push(3);
  assert.deepEqual(await queue.next(), { done: true, value: undefined });
});

test('an error that nobody waits for is told to whoever asks next', async () => {
  const queue = new RecordQueue<number>();
  queue.push(1);
  queue.fail(new Error('over'));
  await assert.rejects(queue.next(), /over/);
  assert.deepEqual(await queue.next(), { done: true, value: undefined });
});
