import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Ring } from '../../lib/faces/ring.ts';
import {
  type Accounts,
  accounts,
  type Completed,
  type OperationOptions,
  type OperationRecord,
  operations,
} from '../../lib/host.ts';
import { eventfd } from '../../lib/sys/libc.ts';
import { moduleAt } from '../helpers/loader.ts';
import { openFds } from '../helpers/raw-ring.ts';
import { DEEDS, openAndSend, resultOf } from '../helpers/ring-operations.ts';
import { globalSettings, instances, instancesOf, needsKernelCounts, tracefs } from '../helpers/tracefs.ts';

const ME = process.pid;
const TIMEOUT_MS = 60_000;
const live = { ...tracefs.needs, timeout: TIMEOUT_MS };
const COUNT = 50;
const POLLIN = 1;
const { URING_GUEST } = process.env;

/** Traces what this process does, to the end; `body` runs once the kernel traces. */
async function records(
  options: OperationOptions,
  body: () => void | Promise<void>,
): Promise<OperationRecord[]> {
  const all: OperationRecord[] = [];
  const tracing = operations({ pids: [ME], bufferKb: 2048, tracefs: tracefs.path, ...options });
  for await (const record of tracing) {
    all.push(record);
    if (record.type !== 'start') continue;
    await body();
    tracing.stop();
  }
  return all;
}

/** The last accounts of what this process does. */
async function accountsOf(
  options: { readonly bufferKb?: number },
  body: () => void | Promise<void>,
): Promise<Accounts> {
  const keeping = accounts({ pids: [ME], bufferKb: 2048, tracefs: tracefs.path, ...options });
  let last: Accounts | undefined;
  for await (const record of keeping) {
    if (record.type === 'accounts') last = record;
    if (record.type !== 'start') continue;
    await body();
    keeping.stop();
  }
  assert.ok(last);
  return last;
}

const completions = (all: readonly OperationRecord[]): Completed[] =>
  all.filter((each) => each.type === 'complete');

function endOf(all: readonly OperationRecord[]) {
  const end = all.at(-1);
  assert.ok(end?.type === 'end');
  return end;
}

// ---- wrong use -------------------------------------------------------------------------------------------------------

test('wrong options are named before anything is done', () => {
  const wrong = (call: () => unknown, name: string, message: RegExp) =>
    assert.throws(call, { name, message });
  const given = (options: object) => () => operations(options);
  wrong(given({ pid: [1] }), 'RangeError', /options\.pid.*spelt "pids"/);
  wrong(given({ opcodes: ['OP_NOTHING'] }), 'RangeError', /options\.opcodes\[0\].*an operation/);
  wrong(given({ opcodes: [256] }), 'RangeError', /options\.opcodes\[0\]/);
  wrong(given({ steps: ['submitted'] }), 'RangeError', /options\.steps\[0\].*submit, complete/);
  wrong(given({ steps: 'submit' }), 'TypeError', /options\.steps/);
  wrong(given({ calls: true }), 'RangeError', /options\.calls.*none, light, full/);
  wrong(() => accounts({ intervalMs: 1 }), 'RangeError', /options\.intervalMs/);
  wrong(() => accounts({ opcodes: [] }), 'RangeError', /options\.opcodes/);
});

test('a process that is not there is ESRCH, and nothing stays behind', live, async () => {
  const child = spawn('true');
  await once(child, 'exit');
  const options = { pids: [child.pid ?? 0], tracefs: tracefs.path };
  await assert.rejects(operations(options).next(), {
    code: 'ESRCH',
    hint: `there is no process ${child.pid}`,
  });
  assert.deepEqual(instancesOf(ME), []);
});

// ---- what is seen ----------------------------------------------------------------------------------------------------

for (const [how, options] of [
  ['by the program', {}],
  ['by a submission thread', { sqPoll: true }],
] as const) {
  test(`each operation is told with name, result and latency, submitted ${how}`, live, async () => {
    const before = globalSettings();
    const fds = openFds().length;
    let results: ReadonlyMap<string, readonly number[]> = new Map();
    const begin = process.hrtime.bigint();
    const all = await records({}, () => {
      ({ results } = openAndSend(COUNT, options));
    });
    const took = process.hrtime.bigint() - begin;
    const rings = new Set<string | undefined>();
    for (const name of DEEDS) {
      const own = completions(all).filter(({ opcodeName }) => opcodeName === name);
      assert.deepEqual(
        own.map(({ res }) => res),
        results.get(name),
        name,
      );
      for (const { latencyNs, pid, ring, errno, res, id } of own) {
        assert.ok(latencyNs !== undefined && latencyNs > 0n && latencyNs < took, name);
        assert.deepEqual([pid, errno === undefined], [ME, res >= 0]);
        rings.add(ring);
        const submission = all.find((each) => each.type === 'submit' && each.id === id);
        assert.ok(submission?.type === 'submit');
        assert.deepEqual([submission.opcodeName, submission.bySqThread], [name, how !== 'by the program']);
      }
    }
    // one ring; not the first where others on the host make some meanwhile
    assert.deepEqual([rings.size, rings.has(undefined)], [1, false]);
    assert.equal(endOf(all).lostEvents, 0);
    assert.equal(endOf(all).operations, [...results.values()].flat().length);
    assert.deepEqual(globalSettings(), before);
    assert.deepEqual(instancesOf(ME), []);
    assert.equal(openFds().length, fds);
  });
}

test('accounts have every operation once, and the latencies of timeouts', live, async () => {
  const waits: number[] = [];
  let deeds: ReadonlyMap<string, readonly number[]> = new Map();
  const last = await accountsOf({}, () => {
    ({ results: deeds } = openAndSend(COUNT));
    const ring = new Ring(8);
    for (let i = 0; i < COUNT; i++) {
      const begin = performance.now();
      ring.prepare.timeout({ afterMs: 20 });
      resultOf(ring);
      waits.push(performance.now() - begin);
    }
    ring.close();
  });
  for (const name of DEEDS) {
    const own = last.operations.filter((each) => each.opcodeName === name && each.pid === ME);
    const results = deeds.get(name) ?? [];
    assert.equal(own.length, results.length === 0 ? 0 : 1, name);
    const { submitted, completed, errors, latency } = own[0]?.total ?? {};
    if (own.length > 0) {
      const failures = results.filter((result) => result < 0).length;
      assert.deepEqual(
        [submitted, completed, errors, latency?.count],
        [results.length, results.length, failures, results.length],
      );
    }
  }
  const timeouts = last.operations.find(({ opcodeName }) => opcodeName === 'OP_TIMEOUT');
  assert.ok(timeouts);
  const { latency } = timeouts.total;
  const median = (latency.p50Ns ?? 0) / 1e6;
  const own = waits.toSorted((a, b) => a - b)[COUNT / 2 - 1] ?? 0;
  // a busy machine takes longer, but then the program noticed it too
  assert.ok(median >= 19.6 && median <= own * 1.02 + 0.1, `p50 ${median} ms, by the program's clock ${own}`);
  assert.deepEqual([latency.count, timeouts.inFlight], [COUNT, 0]);
});

test('what is in flight is counted until it ends', live, async () => {
  const seen: (number | undefined)[] = [];
  const ring = new Ring(8);
  const keeping = accounts({ pids: [ME], intervalMs: 20, bufferKb: 1024, tracefs: tracefs.path });
  for await (const record of keeping) {
    if (record.type === 'start') {
      for (let i = 0; i < 3; i++) ring.prepare.timeout({ afterMs: 1e6, userData: i });
      ring.submit();
    }
    if (record.type !== 'accounts') continue;
    const inFlight = record.operations.find(({ opcodeName }) => opcodeName === 'OP_TIMEOUT')?.inFlight;
    if (inFlight === 3 && seen.length === 0) {
      seen.push(inFlight);
      for (let i = 0; i < 3; i++) ring.prepare.cancel({ userData: i });
      ring.submit({ wait: 6 });
      assert.equal([...ring.completions()].length, 6);
    } else if (inFlight === 0 && seen.length === 1) {
      seen.push(inFlight);
      keeping.stop();
    }
  }
  ring.close();
  assert.deepEqual(seen, [3, 0]);
});

test('an operation whose submission was not seen has no name and no latency', live, async () => {
  const ring = new Ring(8);
  ring.prepare.timeout({ afterMs: 1e6, userData: 1 });
  ring.submit();
  const all = await records({ steps: ['complete'] }, () => {
    ring.prepare.cancel({ userData: 1 });
    ring.submit({ wait: 2 });
    assert.equal([...ring.completions()].length, 2);
  });
  ring.close();
  assert.deepEqual(
    completions(all)
      .map(({ opcodeName, errno, latencyNs }) => `${opcodeName} ${errno} ${latencyNs === undefined}`)
      .sort(),
    ['OP_ASYNC_CANCEL undefined false', 'undefined ECANCELED true'],
  );
});

test('workers, polls and cut chains are told', live, async () => {
  const fd = openSync('/proc/self/comm', 'r');
  const all = await records({}, () => {
    const ring = new Ring(8);
    ring.prepare.read(fd, new Uint8Array(8), { async: true });
    resultOf(ring);
    ring.prepare.read(-1 >>> 1, new Uint8Array(8), { link: true });
    ring.prepare.nop();
    ring.submit({ wait: 2 });
    assert.equal([...ring.completions()].length, 2);
    ring.close();
  });
  closeSync(fd);
  const [worker, bad, cancelled] = completions(all);
  assert.equal(endOf(all).malformed, 0);
  const told = all.map((each) => `${each.type} ${'id' in each ? each.id : ''}`).join(', ');
  assert.deepEqual([worker?.opcodeName, worker?.isPunted, worker?.errno], ['OP_READ', true, undefined], told);
  assert.ok(all.some((each) => each.type === 'punt' && each.id === worker?.id));
  assert.deepEqual([bad?.errno, cancelled?.errno, cancelled?.opcodeName], ['EBADF', 'ECANCELED', 'OP_NOP']);
  const cut = all.find((each) => each.type === 'cut');
  assert.ok(cut?.type === 'cut');
  assert.deepEqual([cut.id, cut.next], [bad?.id, cancelled?.id]);
  const first = all.find((each) => each.type === 'submit' && each.id === bad?.id);
  assert.ok(first?.type === 'submit');
  assert.equal(first.flags, 'SQE_IO_LINK');
});

test('a multishot operation completes many times, and has one latency', live, async () => {
  const all = await records({}, () => {
    const ring = new Ring(8);
    const fd = eventfd();
    ring.prepare.pollMultishot(fd, POLLIN);
    ring.submit();
    for (let i = 0; i < 3; i++) {
      writeSync(fd, new BigUint64Array([1n]));
      ring.submit({ wait: 1 });
      assert.equal([...ring.completions()].length, 1);
    }
    ring.close();
    closeSync(fd);
  });
  const polls = completions(all).filter(({ opcodeName }) => opcodeName === 'OP_POLL_ADD');
  assert.deepEqual(
    polls.slice(0, 3).map(({ hasMore, latencyNs }) => [hasMore, latencyNs !== undefined]),
    [
      [true, true],
      [true, false],
      [true, false],
    ],
  );
  assert.equal(new Set(polls.slice(0, 3).map(({ id }) => id)).size, 1);
});

test('only operations and failures that are wanted come', live, async () => {
  const make = () => void openAndSend(2);
  const reads = await records({ opcodes: ['OP_READ'] }, make);
  assert.deepEqual(new Set(completions(reads).map(({ opcodeName }) => opcodeName)), new Set(['OP_READ']));
  const failed = await records({ failed: true, opcodes: ['OP_CONNECT', 'OP_READ'] }, make);
  assert.ok(completions(failed).every(({ res, opcodeName }) => res < 0 && opcodeName === 'OP_CONNECT'));
  const none = await records({ comm: 'no-such-name' }, make);
  assert.deepEqual(
    none.map(({ type }) => type),
    ['start', 'end'],
  );
});

test('register calls come beside, in the order of time', live, async () => {
  const all = await records({ calls: 'full', steps: ['complete'] }, () => {
    const ring = new Ring(8);
    ring.prepare.nop();
    resultOf(ring);
    ring.registerFiles([-1]);
    ring.prepare.nop();
    resultOf(ring);
    ring.close();
  });
  const types = all.map((each) => ('opcodeName' in each ? `${each.type} ${each.opcodeName}` : each.type));
  assert.deepEqual(types.slice(0, 2), ['start', 'create']);
  assert.match(types.join(), /complete OP_NOP,register REGISTER_FILES2?,complete OP_NOP,end/);
  // one ring; not always the first that this process ends or makes meanwhile
  assert.equal(
    new Set(all.flatMap((each) => ('ring' in each && each.ring !== undefined ? [each.ring] : []))).size,
    1,
  );
});

test('a program that was started later is followed, with what it starts', live, async () => {
  const program = `
    const { openAndSend } = await import(${JSON.stringify(pathToFileURL(moduleAt('test/helpers/ring-operations.ts')).href)});
    openAndSend(3);`;
  let pid: number | undefined;
  const all = await records({ opcodes: ['OP_OPENAT'], steps: ['complete'] }, async () => {
    const loader = process.execArgv.filter(
      (each, i, words) => !/^--test|^--expose/.test(each) && !/^--test/.test(words[i - 1] ?? ''),
    );
    const child = spawn(process.execPath, [...loader, '--input-type=module', '-e', program], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    pid = child.pid;
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });
  const own = completions(all).filter((each) => each.pid === pid);
  assert.deepEqual([own.length, own[0]?.ring === undefined], [3, false]);
});

// ---- losses ----------------------------------------------------------------------------------------------------------

/** Lets the kernel make more events than such a buffer holds, while nobody reads. */
function storm(count: number): void {
  const ring = new Ring(256);
  for (let done = 0; done < count; done += 256) {
    for (let i = 0; i < 256; i++) ring.prepare.nop();
    ring.submit({ wait: 256 });
    assert.equal([...ring.completions()].length, 256);
  }
  ring.close();
}

test('what is lost is counted, and no latency is made of what is left', live, async () => {
  const count = 20_480;
  const begin = performance.now();
  const all = await records({ bufferKb: 16, steps: ['submit', 'complete'] }, () => storm(count));
  const tookNs = BigInt(Math.ceil((performance.now() - begin) * 1e6));
  const { events, lostEvents, operations: seen, malformed } = endOf(all);
  assert.ok(lostEvents > 0 && seen < count);
  const made = 2 * count;
  const others = events + lostEvents - made;
  // other programs on the host have rings, too; a guest is ours alone, and knows of the new ring and of no fork
  const most = URING_GUEST === undefined ? 10_000 : 50;
  assert.ok(others >= 0 && others <= most, `${events} events + ${lostEvents} lost, ${made} made`);
  assert.equal(malformed, 0);
  const submits = new Map(
    all.flatMap((each) => (each.type === 'submit' ? [[each.id, each.monoNs] as const] : [])),
  );
  for (const { latencyNs, id, monoNs } of completions(all)) {
    if (latencyNs === undefined) continue;
    assert.ok(latencyNs < tookNs);
    assert.equal(latencyNs, monoNs - (submits.get(id) ?? 0n));
  }
  const told = all.reduce((sum, each) => (each.type === 'lost' ? sum + each.events : sum), 0);
  assert.equal(told, lostEvents);
});

test('accounts tell what was lost, and count no more than was made', live, async () => {
  const count = 20_480;
  const last = await accountsOf({ bufferKb: 16 }, () => storm(count));
  assert.ok(last.lostEvents > 0);
  assert.equal(last.counted, needsKernelCounts.skip === undefined ? 'kernel' : 'events');
  const nops = last.operations.filter(({ opcodeName, pid }) => opcodeName === 'OP_NOP' && pid === ME);
  const submitted = nops.reduce((sum, { total }) => sum + total.submitted, 0);
  assert.ok(submitted > 0 && submitted <= count, `${submitted} of ${count}`);
});

const liveCounts = { ...needsKernelCounts, timeout: TIMEOUT_MS };
test('where the kernel counts, submissions are exact whatever is lost', liveCounts, async () => {
  const count = 20_480;
  const last = await accountsOf({ bufferKb: 16 }, () => storm(count));
  assert.equal(last.counted, 'kernel');
  const nops = last.operations.filter(({ opcodeName, pid }) => opcodeName === 'OP_NOP' && pid === ME);
  assert.equal(
    nops.reduce((sum, { total }) => sum + total.submitted, 0),
    count,
  );
  assert.equal(last.uncounted, 0);
  assert.ok(last.rings.some(({ completed, errors }) => completed === count && errors === 0));
  assert.ok(last.lostEvents > 0);
});

test('leaving the loop, return() and an error take everything back', live, async () => {
  const before = instances();
  for await (const record of operations({ tracefs: tracefs.path, bufferKb: 1024 })) {
    assert.equal(record.type, 'start');
    break;
  }
  const keeping = accounts({ tracefs: tracefs.path, bufferKb: 1024 });
  await keeping.next();
  await keeping.return();
  const signal = AbortSignal.abort();
  await assert.rejects(operations({ tracefs: tracefs.path, signal }).next(), { name: 'AbortError' });
  assert.deepEqual(
    instances().filter((name) => !before.includes(name) && name.includes(`.${ME}.`)),
    [],
  );
});
