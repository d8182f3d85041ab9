import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ring } from '../../lib/faces/ring.ts';
import { removeStale } from '../../lib/host/trace/instance.ts';
import { ThreadNames } from '../../lib/host/trace/names.ts';
import { type RegisterCall, type TraceOptions, type TraceRecord, trace } from '../../lib/host.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { LOADER, moduleAt } from '../helpers/loader.ts';
import { openFds } from '../helpers/raw-ring.ts';
import { globalSettings, instancesOf, needsProgram, registerCalls, tracefs } from '../helpers/tracefs.ts';

const ME = process.pid;
const NO_FD = 0x7fff_fff0;
const PATIENCE_MS = 30_000;
/** An opcode that nobody else uses while the tests run. */
const MARK = 4242;

/** A trace of what this process does. */
function traceOwn(options: TraceOptions = {}) {
  return trace({ pids: [ME], bufferKb: 1024, tracefs: tracefs.path, ...options });
}

/** A call that fails at once, with a number to know it by. */
function mark(count: number): void {
  assert.equal(sys.register(NO_FD, MARK, 0, count), -22);
}

/** Traces until the end; `body` runs once the kernel traces, and then it is stopped. */
async function records(options: TraceOptions, body: () => void | Promise<void>): Promise<TraceRecord[]> {
  const all: TraceRecord[] = [];
  const tracing = trace({ bufferKb: 1024, tracefs: tracefs.path, ...options });
  for await (const record of tracing) {
    all.push(record);
    if (record.type !== 'start') continue;
    await body();
    tracing.stop();
  }
  return all;
}

const callsOf = (all: readonly TraceRecord[]): RegisterCall[] =>
  all.filter((record): record is RegisterCall => record.type === 'register');

function endOf(all: readonly TraceRecord[]) {
  const end = all.at(-1);
  assert.ok(end?.type === 'end');
  return end;
}

async function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

const live = { ...tracefs.needs, timeout: PATIENCE_MS };
const liveProgram = { ...needsProgram, timeout: PATIENCE_MS };

// ---- wrong use -------------------------------------------------------------------------------------------------------

test('wrong options are named before anything is done', () => {
  const wrong = (options: object, name: string, message: RegExp) =>
    assert.throws(() => trace(options), { name, message });
  wrong({ pid: [1] }, 'RangeError', /options\.pid.*spelt "pids"/);
  wrong({ pids: 1 }, 'TypeError', /options\.pids/);
  wrong({ pids: [] }, 'RangeError', /options\.pids/);
  wrong({ pids: [0] }, 'RangeError', /options\.pids\[0\]/);
  wrong({ opcodes: ['REGISTER_NOTHING'] }, 'RangeError', /options\.opcodes\[0\]/);
  wrong({ opcodes: [] }, 'RangeError', /options\.opcodes/);
  wrong({ opcodes: [2 ** 31] }, 'RangeError', /options\.opcodes\[0\]/);
  wrong({ comm: '' }, 'RangeError', /options\.comm/);
  wrong({ comm: 5 }, 'TypeError', /options\.comm/);
  wrong({ failed: 1 }, 'TypeError', /options\.failed/);
  wrong({ bufferKb: 0 }, 'RangeError', /options\.bufferKb/);
  wrong({ count: 0 }, 'RangeError', /options\.count/);
  wrong({ signal: {} }, 'TypeError', /options\.signal/);
});

test('without tracefs the first record is an error that says so', async () => {
  const tracing = trace({ tracefs: '/nonexistent' });
  await assert.rejects(tracing.next(), { name: 'SyscallError', code: 'ENOENT', message: /\/nonexistent/ });
  assert.deepEqual(await tracing.next(), { done: true, value: undefined });
});

test('a process that is not there is ESRCH, and nothing stays behind', live, async () => {
  const child = spawn('true');
  await exited(child);
  await assert.rejects(traceOwn({ pids: [child.pid ?? 0] }).next(), {
    code: 'ESRCH',
    hint: `there is no process ${child.pid}`,
  });
  assert.deepEqual(instancesOf(ME), []);
});

// ---- what is seen ----------------------------------------------------------------------------------------------------

test('own calls are seen as they were made, at the time when they were made', live, async () => {
  const before = globalSettings();
  const fds = openFds().length;
  const between: bigint[] = [];
  const all = await records({ pids: [ME], setup: true }, () => {
    const ring = new Ring(8);
    between.push(process.hrtime.bigint());
    ring.registerFiles([0, -1]);
    between.push(process.hrtime.bigint());
    mark(7);
    ring.close();
  });
  const [start, created, files, marked] = all;
  assert.ok(start?.type === 'start' && start.mode === 'full' && start.bufferKb === 1024);
  assert.ok(created?.type === 'create');
  assert.deepEqual([created.entries, created.sqEntries, created.pid, created.ring], [8, 8, ME, 'r1']);
  assert.ok(files?.type === 'register' && marked?.type === 'register');
  const { fd, opcodeName, nrArgs, ret, ring, nrUserFiles, complete, pid, tid, comm } = files;
  assert.deepEqual(
    { fd, opcodeName, nrArgs, ret, ring, nrUserFiles, complete, pid, tid },
    {
      // FILES2 counts the bytes of its argument
      ...(nrArgs === 2
        ? { fd: created.ret, opcodeName: 'REGISTER_FILES', nrArgs: 2 }
        : { fd: created.ret, opcodeName: 'REGISTER_FILES2', nrArgs: 32 }),
      ...{ ret: 0, ring: 'r1', nrUserFiles: 2, complete: true, pid: ME, tid: ME },
    },
  );
  assert.equal(comm, readFileSync('/proc/self/comm', 'utf8').trimEnd());
  const [least = 0n, most = 0n] = between;
  assert.ok(files.monoNs !== undefined && files.durationNs !== undefined);
  assert.ok(least <= files.monoNs && files.monoNs + files.durationNs <= most);
  assert.ok(files.timeNs !== undefined && Math.abs(Number(files.timeNs / 1_000_000n) - Date.now()) < 60_000);
  assert.deepEqual(
    [marked.fd, marked.opcodeName, marked.errno, marked.ring, marked.nrArgs],
    [NO_FD, `OP_${MARK}`, 'EINVAL', undefined, 7],
  );
  const end = endOf(all);
  assert.deepEqual([end.lostEvents, end.malformed, end.incomplete], [0, 0, 0]);
  assert.equal(end.calls, callsOf(all).length);
  assert.deepEqual(instancesOf(ME), []);
  assert.deepEqual(globalSettings(), before);
  assert.equal(openFds().length, fds);
});

test('threads, old and new, and children of a process are followed', liveProgram, async () => {
  const child = spawn(registerCalls(), ['relatives']);
  await once(child.stdout, 'data');
  const all = await records({ pids: [child.pid ?? 0] }, async () => {
    child.stdin.write('\n');
    await once(child.stdout, 'data');
  });
  child.stdin.end();
  await exited(child);
  const calls = callsOf(all);
  assert.deepEqual(
    calls.map((call) => call.nrArgs),
    [1, 2, 3, 4],
  );
  const [old, fresh, first, forked] = calls;
  assert.ok(old && fresh && first && forked);
  assert.equal(new Set(calls.map((call) => call.tid)).size, 4);
  assert.deepEqual([old.pid, fresh.pid, first.pid, first.tid], Array(4).fill(child.pid));
  assert.notEqual(forked.pid, child.pid);
  assert.deepEqual(new Set(calls.map((call) => call.comm)), new Set(['register-calls']));
});

test('a 32-bit call is told, although the kernel shows only its ring', liveProgram, async (t) => {
  if (process.arch !== 'x64' || spawnSync(registerCalls(), ['compat']).status !== 0) {
    t.skip('this kernel runs no 32-bit calls');
    return;
  }
  const all = await records({ comm: 'register-calls', opcodes: ['UNREGISTER_FILES'] }, async () => {
    await exited(spawn(registerCalls(), ['compat']));
  });
  const [call] = callsOf(all);
  assert.ok(call);
  assert.deepEqual(
    [call.opcodeName, call.errno, call.fd, call.complete, call.ring],
    ['UNREGISTER_FILES', 'ENXIO', undefined, false, 'r1'],
  );
});

test('only opcodes, names and failures that are wanted come, and no others cost events', live, async () => {
  const make = () => {
    const ring = new Ring(8);
    ring.registerFiles([-1]).unregister();
    mark(1);
    ring.close();
  };
  const few = await records({ pids: [ME], opcodes: [MARK] }, make);
  assert.deepEqual(
    callsOf(few).map((call) => call.opcode),
    [MARK],
  );
  const failed = await records({ pids: [ME], failed: true }, make);
  assert.deepEqual(
    callsOf(failed).map((call) => call.opcode),
    [MARK],
  );
  const comm = readFileSync('/proc/self/comm', 'utf8').trimEnd();
  const named = await records({ pids: [ME], opcodes: [MARK], comm: `${comm.slice(0, 2)}*` }, make);
  assert.equal(callsOf(named).length, 1);
  const unnamed = await records({ pids: [ME], comm: 'nobody' }, make);
  assert.deepEqual([callsOf(unnamed), endOf(unnamed).events], [[], 0]);
});

test('a name that the kernel can not filter by is filtered here', liveProgram, async () => {
  const children: ChildProcess[] = [];
  const all = await records({ comm: '*"[ä]' }, async () => {
    for (const name of ['x"[ä]', 'other']) {
      const child = spawn(registerCalls(), ['named', name]);
      children.push(child);
      await once(child.stdout, 'data');
    }
  });
  for (const child of children) child.stdin?.end();
  assert.deepEqual(
    callsOf(all).map((call) => call.comm),
    ['x"[ä]'],
  );
});

test('light tells what reached a ring, and nothing of the others', live, async () => {
  const eventfd = sys.eventfd(0);
  const all = await records({ pids: [ME], light: true }, () => {
    const ring = new Ring(8);
    ring.registerEventfd(eventfd);
    mark(1);
    ring.close();
  });
  sys.close(eventfd);
  const [start] = all;
  assert.ok(start?.type === 'start' && start.mode === 'light');
  assert.ok(start.events.every((event) => event.startsWith('io_uring/')));
  const calls = callsOf(all);
  assert.ok(calls.some((call) => call.opcodeName === 'REGISTER_EVENTFD' && call.ret === 0));
  assert.ok(calls.every((call) => call.complete && call.fd === undefined && call.opcode !== MARK));
});

test('no address of the kernel gets out', live, async () => {
  const all = await records({ pids: [ME], setup: true }, () => {
    const ring = new Ring(8);
    ring.registerFiles([-1]);
    ring.close();
  });
  const text = JSON.stringify(all, (_key, value) =>
    typeof value === 'bigint' ? `0x${value.toString(16)}` : value,
  );
  assert.ok(callsOf(all).length > 0);
  assert.doesNotMatch(text, /0xffff[89a-f]/);
});

test('in another pid namespace processes have numbers, but no names', live, () => {
  // of a living process, whose number means nothing there
  const stat = readFileSync(`/proc/${ME}/stat`, 'utf8');
  const living = `uring.${ME}.${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}.99`;
  mkdirSync(`${tracefs.path}/instances/${living}`);
  // --fork: the first process of the namespace is a child; its /proc is still ours, but its numbers are not
  const script = `
    import { trace } from ${JSON.stringify(moduleAt('lib/host.ts'))};
    import { sys } from ${JSON.stringify(moduleAt('lib/sys/syscall.ts'))};
    import { readdirSync, readlinkSync } from 'node:fs';
    const refused = await trace({ pids: [1] }).next().catch((error) => error.code);
    const tracing = trace({ opcodes: [${MARK}], bufferKb: 64 });
    for await (const record of tracing) {
      if (record.type === 'start') {
        const own = readlinkSync('/proc/self/ns/pid').match(/\\d+/)[0];
        const names = readdirSync('/sys/kernel/tracing/instances');
        console.log(names.some((name) => name.startsWith(\`uring.ns\${own}.\`)), names.includes('${living}'));
        sys.register(${NO_FD}, ${MARK}, 0, 1);
        tracing.stop();
        console.log(JSON.stringify([refused, record.pidNamespaceInitial]));
      }
      if (record.type === 'register') console.log(JSON.stringify([record.pid ?? null, record.comm ?? null, record.tid > 1]));
    }`;
  const [file = '', ...args] = [
    ...tracefs.prefix,
    ...['unshare', '--pid', '--fork', '--mount-proc', process.execPath],
    ...[...LOADER, '--input-type=module', '--eval', script],
  ];
  const { stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', timeout: PATIENCE_MS });
  rmdirSync(`${tracefs.path}/instances/${living}`);
  assert.equal(stdout, 'true true\n["ERR_URING_UNSUPPORTED",false]\n[null,null,true]\n', stderr);
});

test('names of threads that have ended are remembered, and those that may be forged are not believed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'uring-names-'));
  try {
    // a program that calls itself "x\n6 sshd" writes a second line for thread 6
    writeFileSync(`${folder}/saved_cmdlines`, '4 x\ny-1 [0]: z\n5 x\n6 sshd\n6 nginx\n7 a b\n');
    writeFileSync(`${folder}/saved_tgids`, '    4 4\n5 5\n6 6\n7 5\n9 7\n');
    const names = new ThreadNames(folder, `${folder}/proc`);
    assert.deepEqual(names.of(4), { pid: 4, comm: 'x\ny-1 [0]: z' });
    assert.deepEqual(names.of(7), { pid: 5, comm: 'a b' });
    // a thread whose name nobody remembers has its process's
    assert.deepEqual(names.of(9), { pid: 7, comm: 'a b' });
    assert.deepEqual(names.of(6), { pid: 6, comm: undefined });
    assert.deepEqual(names.of(8), { pid: undefined, comm: undefined });
    // what lives is asked itself
    assert.equal(new ThreadNames(folder, '/proc').of(ME).pid, ME);
    // numbers of another pid namespace are nobody's
    assert.deepEqual(new ThreadNames(folder, undefined).of(ME), { pid: undefined, comm: undefined });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

// ---- how it ends -----------------------------------------------------------------------------------------------------

test('leaving the loop, return() and dispose() take everything back', live, async () => {
  for await (const record of traceOwn()) if (record.type === 'start') break;
  assert.deepEqual(instancesOf(ME), []);
  const waiting = traceOwn();
  await waiting.next();
  const next = waiting.next();
  assert.equal(instancesOf(ME).length, 1);
  assert.deepEqual(await waiting.return(), { done: true, value: undefined });
  assert.deepEqual(await next, { done: true, value: undefined });
  assert.deepEqual(instancesOf(ME), []);
  {
    await using disposed = traceOwn();
    await disposed.next();
    assert.equal(instancesOf(ME).length, 1);
  }
  assert.deepEqual(instancesOf(ME), []);
  // before it has begun, and while it begins
  const never = traceOwn();
  await never.return();
  assert.deepEqual(await never.next(), { done: true, value: undefined });
  const beginning = traceOwn();
  const first = beginning.next();
  await beginning.return();
  assert.equal((await first).done, true);
  assert.deepEqual(instancesOf(ME), []);
});

test('an error in the loop takes everything back', live, async () => {
  const failing = async () => {
    for await (const record of traceOwn()) throw new Error(record.type);
  };
  await assert.rejects(failing, /start/);
  assert.deepEqual(instancesOf(ME), []);
});

test('a signal ends it with AbortError, whenever it comes', live, async () => {
  const reason = new Error('enough');
  const isAbort = { name: 'AbortError', code: 'ABORT_ERR', cause: reason };
  await assert.rejects(traceOwn({ signal: AbortSignal.abort(reason) }).next(), isAbort);
  for (const takesStart of [false, true]) {
    const controller = new AbortController();
    const tracing = traceOwn({ signal: controller.signal });
    if (takesStart) assert.equal((await tracing.next()).value?.type, 'start');
    const next = tracing.next();
    controller.abort(reason);
    await assert.rejects(next, isAbort);
    assert.deepEqual(await tracing.next(), { done: true, value: undefined });
    assert.deepEqual(instancesOf(ME), []);
  }
});

test('stop() while it begins gives start and end', live, async () => {
  const tracing = traceOwn();
  const first = tracing.next();
  tracing.stop();
  tracing.stop();
  assert.equal((await first).value?.type, 'start');
  assert.equal((await tracing.next()).value?.type, 'end');
  assert.equal((await tracing.next()).done, true);
});

test('after so many calls it ends by itself', live, async () => {
  const all: TraceRecord[] = [];
  for await (const record of traceOwn({ opcodes: [MARK], count: 2 })) {
    all.push(record);
    if (record.type === 'start') for (let i = 0; i < 5; i++) mark(i);
  }
  assert.deepEqual(
    all.map(({ type }) => type),
    ['start', 'register', 'register', 'end'],
  );
  assert.equal(endOf(all).calls, 2);
});

test('two traces of one process do not disturb each other', live, async () => {
  const other = traceOwn();
  await other.next();
  const all = await records({ pids: [ME], opcodes: [MARK] }, () => {
    assert.equal(instancesOf(ME).length, 2);
    mark(1);
  });
  assert.equal(callsOf(all).length, 1);
  assert.equal(instancesOf(ME).length, 1);
  await other.return();
  assert.deepEqual(instancesOf(ME), []);
});

test('an instance of a dead process is removed, others are not', live, async () => {
  const dead = spawn('true');
  await exited(dead);
  const names = [`uring.${dead.pid}.123`, `uring.${dead.pid}.123.2`];
  // numbers of another pid namespace are of processes that are not seen here
  const others = [`uring.${dead.pid}`, `other.${dead.pid}.123`, `uring.ns4026530000.${dead.pid}.123`];
  for (const name of [...names, ...others]) mkdirSync(`${tracefs.path}/instances/${name}`);
  try {
    const removed = await removeStale(tracefs.path);
    const isThere = (name: string) => existsSync(`${tracefs.path}/instances/${name}`);
    assert.deepEqual(names.filter(isThere), []);
    // another trace of this host, in another test file, may have been first
    assert.deepEqual(
      removed.filter((name) => others.includes(name)),
      [],
    );
    for (const name of others) rmdirSync(`${tracefs.path}/instances/${name}`);
  } finally {
    for (const name of [...names, ...others]) {
      try {
        rmdirSync(`${tracefs.path}/instances/${name}`);
      } catch {}
    }
  }
});

test('a process that exits in the middle leaves nothing', live, () => {
  const script = `
    import { trace } from ${JSON.stringify(moduleAt('lib/host.ts'))};
    await trace({ bufferKb: 64 }).next();
    console.log(process.pid);
    process.exit(3);`;
  const [file = '', ...args] = [
    ...[...tracefs.prefix, process.execPath, ...LOADER],
    ...['--input-type=module', '--eval', script],
  ];
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', timeout: PATIENCE_MS });
  assert.equal(status, 3, stderr);
  assert.deepEqual(instancesOf(Number(stdout)), []);
});

// ---- load ------------------------------------------------------------------------------------------------------------

test('who takes nothing loses events, exactly so many, and no memory', liveProgram, async () => {
  const calls = 20_000;
  const tracing = trace({ comm: 'register-calls', bufferKb: 64, tracefs: tracefs.path });
  assert.equal((await tracing.next()).value?.type, 'start');
  // the event loop stands still: nobody reads
  spawnSync(registerCalls(), ['flood', '4', `${calls / 4}`]);
  tracing.stop();
  let lost = 0;
  let complete = 0;
  for await (const record of tracing) {
    if (record.type === 'lost') lost += record.events;
    if (record.type === 'register' && record.complete) complete++;
    if (record.type !== 'end') continue;
    // each call has three events, and each of the four rings one
    assert.equal(record.events + record.lostEvents, 3 * calls + 4);
    assert.equal(record.lostEvents, lost);
    assert.equal(record.malformed, 0);
  }
  assert.ok(lost > calls && complete > 0, `${lost} lost, ${complete} whole`);
});

test('a slow consumer gets every call that the kernel and we can hold', liveProgram, async () => {
  const calls = 20_000;
  const tracing = trace({ comm: 'register-calls', bufferKb: 8192, tracefs: tracefs.path });
  let taken = 0;
  for await (const record of tracing) {
    if (record.type === 'start') {
      const child = spawn(registerCalls(), ['flood', '4', `${calls / 4}`]);
      void exited(child).then(() => tracing.stop());
    }
    if (record.type === 'register' && ++taken % 1000 === 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (record.type === 'end') assert.deepEqual([record.calls, record.lostEvents], [calls, 0]);
  }
  assert.equal(taken, calls);
});

test('the rest of the process goes on meanwhile', liveProgram, async () => {
  const tracing = trace({ comm: 'register-calls', bufferKb: 8192, tracefs: tracefs.path });
  await tracing.next();
  const child = spawn(registerCalls(), ['flood', '1', '500000']);
  const ended = exited(child).then(() => tracing.stop());
  const taken = (async () => {
    for await (const record of tracing) if (record.type === 'end') return record;
    return undefined;
  })();
  const waits: number[] = [];
  for (let isOver = false; !isOver; ) {
    void ended.then(() => {
      isOver = true;
    });
    const began = performance.now();
    await stat('/');
    waits.push(performance.now() - began);
  }
  await taken;
  // as a share of the whole: on a busy machine all of it takes longer
  const whole = waits.reduce((sum, each) => sum + each, 0);
  assert.ok(Math.max(...waits) < whole / 4, `${Math.max(...waits)} of ${whole} ms`);
});
