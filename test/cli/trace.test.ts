import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { readFileSync, symlinkSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { Ring } from '../../lib/faces/ring.ts';
import { sys } from '../../lib/sys/syscall.ts';
import type { RegisterMessage } from '../../lib/sys/trace.ts';
import { COMMAND, confinedUring, uring } from '../helpers/cli.ts';
import { cannotConfine } from '../helpers/confined.ts';
import { ROOT } from '../helpers/loader.ts';
import { globalSettings, instancesOf, needsProgram, registerCalls, tracefs } from '../helpers/tracefs.ts';

const URING = [process.execPath, ...COMMAND];
const NOBODY = 65534;
/** An opcode that nobody else uses while the tests run. */
const MARK = 4243;
const NO_FD = 0x7fff_fff0;
const live = { ...tracefs.needs, timeout: 60_000 };
const liveProgram = { ...needsProgram, timeout: 60_000 };

/** A line of JSON. */
interface Line {
  readonly v: number;
  readonly type: string;
  readonly pid: number;
  readonly tid: number;
  readonly fd: number;
  readonly opcode: number;
  readonly opcode_name: string;
  readonly nr_args: number;
  readonly nr_args_is: string;
  readonly ret: number;
  readonly errno: string | null;
  readonly mono_ns: string;
  readonly complete: boolean;
  readonly exe: string | null;
  readonly uid: number | null;
  readonly ppid: number | null;
  readonly ancestry: readonly { readonly pid: number }[];
  readonly calls: number;
  readonly events: number;
  readonly lost_events: number;
}

const jsonOf = (stdout: string): Line[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

const { PATH, HOME } = process.env;
const environment = { PATH, HOME };

/** `uring trace`, where tracefs is, to its end. */
function traced(...args: string[]) {
  const [file = '', ...rest] = [...tracefs.prefix, ...URING, 'trace', ...args];
  return spawnSync(file, rest, { cwd: ROOT, env: environment, encoding: 'utf8', timeout: 60_000 });
}

/** `uring trace`, started; its pid is the command's. */
function start(...args: string[]): ChildProcess {
  const [file = '', ...rest] = [...tracefs.prefix, ...URING, 'trace', ...args];
  return spawn(file, rest, { cwd: ROOT, env: environment });
}

/** Reads lines of a command as they come. */
function linesOf(child: ChildProcess): AsyncIterator<string> {
  assert.ok(child.stdout);
  return createInterface({ input: child.stdout })[Symbol.asyncIterator]();
}

async function nextJson(lines: AsyncIterator<string>): Promise<Line> {
  const { value, done } = await lines.next();
  assert.ok(!done, 'the output has ended');
  return JSON.parse(value);
}

/** How it ended. */
async function statusOf(child: ChildProcess): Promise<number | NodeJS.Signals | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  return child.exitCode ?? child.signalCode;
}

const mark = (count: number): void => assert.equal(sys.register(NO_FD, MARK, 0, count), -22);

// ---- wrong use -------------------------------------------------------------------------------------------------------

test('wrong options are usage errors, in one line', () => {
  for (const [args, why] of [
    [['--pid', 'self'], /--pid <pids>/],
    [['--opcode', 'REGISTER_NOTHING'], /REGISTER_BUFFERS/],
    [['--duration', '0'], /number of seconds/],
    [['--count', '1.5'], /number from 1/],
    [['--comm', ''], /1 to 64/],
    [['--bogus'], /unknown option/],
  ] as const) {
    const { status, stdout, stderr } = uring(['trace', ...args]);
    assert.deepEqual([status, stdout], [2, ''], stderr);
    assert.match(stderr, /^uring: trace: .*see "uring trace --help"\n$/);
    assert.match(stderr, why);
  }
});

test('a command that does not exist is told before anything is traced', () => {
  for (const file of ['no-such-command', '/etc/passwd', '/etc', './no/such']) {
    const { status, stderr } = uring(['trace', '--', file]);
    assert.deepEqual([status, stderr], [1, `uring: ${file}: there is no such command\n`]);
  }
});

test('without permission or tracefs it says what to do', { skip: cannotConfine({ uid: NOBODY }) }, () => {
  const { status, stderr } = confinedUring({ uid: NOBODY }, ['trace', '--count', '1']);
  assert.match(
    stderr,
    status === 3
      ? /^uring: trace: Permission denied \(EACCES\); run as root, or ask for .*gid=/
      : /^uring: trace: tracefs: not mounted; mount -t tracefs nodev \/sys\/kernel\/tracing\n$/,
  );
  assert.ok(status === 3 || status === 4);
});

test('--help tells what it costs, and fits a terminal', () => {
  const { status, stdout } = uring(['trace', '--help']);
  assert.equal(status, 0);
  assert.match(stdout, /25 ns/);
  for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
});

// ---- what is seen ----------------------------------------------------------------------------------------------------

/** What strace sees of the program. */
function straced(): string[] {
  const { stderr } = spawnSync(
    'strace',
    ['-e', 'trace=io_uring_register', '-e', 'raw=io_uring_register', registerCalls(), 'every'],
    {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  return [...stderr.matchAll(/^io_uring_register\((\w+), (\w+), \w+, (\w+)\) += (-1 (\w+)|\w+)/gm)].map(
    ([, fd, opcode, count, result, errno]) =>
      [Number(fd) | 0, Number(opcode), Number(count), errno === undefined ? `${Number(result)}` : errno].join(
        ' ',
      ),
  );
}

const strace = spawnSync('strace', ['--version']).status === 0;

test('every opcode is seen, in order, as strace sees it', {
  ...liveProgram,
  ...(needsProgram.skip === undefined && !strace ? { skip: 'needs strace' } : {}),
}, () => {
  const expected = straced();
  const { status, stdout, stderr } = traced('--json', '--', registerCalls(), 'every');
  assert.equal(status, 0, stderr);
  const all = jsonOf(stdout);
  const calls = all.filter(({ type }) => type === 'register');
  const flag = (call: Line & { use_registered_ring?: boolean }) =>
    call.use_registered_ring ? 0x8000_0000 : 0;
  assert.deepEqual(
    calls.map((call) =>
      [call.fd, call.opcode + flag(call), call.nr_args, call.errno ?? `${call.ret}`].join(' '),
    ),
    expected,
  );
  assert.equal(expected.length, 43);
  assert.ok(all.every(({ v }) => v === 1));
  assert.deepEqual([all[0]?.type, all.at(-1)?.type, all.at(-1)?.lost_events], ['start', 'end', 0]);
  assert.ok(calls.every(({ complete }) => complete));
});

test(
  'what this process says of its own calls is what is seen from outside, at the same time',
  live,
  async () => {
    const child = start('--json', '--pid', `${process.pid}`);
    const lines = linesOf(child);
    assert.equal((await nextJson(lines)).type, 'start');
    const own: RegisterMessage[] = [];
    const listen = (message: unknown) => own.push(message as RegisterMessage);
    subscribe('uring:register', listen);
    const ring = new Ring(8);
    ring.registerFiles([0, -1]).unregister();
    ring.registerFiles([0]);
    assert.throws(() => ring.registerFiles([0]), { code: 'EBUSY' });
    ring.limitWorkers({ bounded: 2 });
    ring.probe();
    ring.close();
    unsubscribe('uring:register', listen);
    child.kill('SIGINT');
    const seen: Line[] = [];
    for (let line = await nextJson(lines); line.type !== 'end'; line = await nextJson(lines)) seen.push(line);
    assert.equal(await statusOf(child), 0);
    const calls = seen.filter(({ type }) => type === 'register');
    assert.deepEqual(
      calls.map(({ opcode, nr_args, ret }) => [opcode, nr_args, ret]),
      own.map(({ opcode, nrArgs, result }) => [opcode, nrArgs, result]),
    );
    assert.ok(own.length >= 5);
    for (const { exe, uid, ppid, ancestry } of calls) {
      assert.deepEqual([exe, uid, ppid], [process.execPath, process.getuid?.(), process.ppid]);
      assert.equal(ancestry[0]?.pid, process.ppid);
    }
    for (const [i, { startNs, durationNs }] of own.entries()) {
      const mono = BigInt(calls[i]?.mono_ns ?? 0);
      assert.ok(startNs <= mono && mono <= startNs + durationNs, `call ${i}`);
    }
  },
);

test('the table has a line for each call, and a name can not break it', liveProgram, async () => {
  // the program lives until its stdin is closed: its name is to be had
  const child = start('--setup', '--count', '1', '--', registerCalls(), 'named', 'x\ny-1 [0]: z');
  const output = { stdout: '', stderr: '' };
  child.stdout?.on('data', (data) => {
    output.stdout += data;
  });
  child.stderr?.on('data', (data) => {
    output.stderr += data;
  });
  await once(child, 'exit');
  child.stdin?.end();
  if (child.stdout?.readableEnded === false) await once(child, 'close');
  assert.equal(child.exitCode, 0);
  const [titles, setup, call, ...rest] = output.stdout.split('\n');
  assert.equal(
    titles?.split(/ +/).join(' '),
    'TIME PID/TID COMM FD OPCODE NR_ARGS RET DUR(us) RING FILES BUFS',
  );
  assert.match(setup ?? '', / - +io_uring_setup +8 \d+ .* r1 .* sq 8 cq 16$/);
  assert.match(
    call ?? '',
    /^\+\d+\.\d{6} \d+ +x\\ny-1 \[0\]: z \d+ +UNREGISTER_FILES +0 -ENXIO +\d+\.\d{3} r1 +0 +0$/,
  );
  assert.deepEqual(rest, ['']);
  assert.match(output.stderr, /^uring: 1 calls, 0 events lost$/m);
});

test('an index of a registered ring is no fd', liveProgram, () => {
  const { stdout } = traced('--', registerCalls(), 'every');
  assert.match(stdout, / REG\|0 +REGISTER_PROBE /);
  assert.match(stdout, / -1 +REGISTER_QUERY /);
  assert.match(stdout, / OP_99 /);
});

test('--summary counts by process and opcode', liveProgram, () => {
  const text = traced('--summary', '--', registerCalls(), 'flood', '2', '50');
  const [titles, ...rows] = text.stdout.trimEnd().split('\n');
  assert.equal(titles?.trim().split(/ +/).join(' '), 'PID COMM OPCODE CALLS ERRORS AVG(us)');
  // a thread that ended just before it was looked for has a row without name
  const counted = rows.map((row) => / REGISTER_IOWQ_MAX_WORKERS +(\d+) +0 +\d+\.\d{3}$/.exec(row)?.[1]);
  assert.equal(
    counted.reduce((sum, count) => sum + Number(count), 0),
    100,
    text.stdout,
  );
  const json = jsonOf(traced('--summary', '--json', '--', registerCalls(), 'flood', '1', '50').stdout);
  assert.deepEqual(
    json.map(({ type, calls }) => [type, calls]),
    [
      ['start', undefined],
      ['summary', 50],
      ['end', 50],
    ],
  );
  assert.equal(json[1]?.opcode_name, 'IORING_REGISTER_IOWQ_MAX_WORKERS');
});

test('the first call is shown at once', live, async () => {
  const child = start('--json', '--opcode', `${MARK}`, '--count', '5');
  const lines = linesOf(child);
  await nextJson(lines);
  const waits: number[] = [];
  for (let i = 0; i < 5; i++) {
    mark(i);
    const began = performance.now();
    assert.equal((await nextJson(lines)).nr_args, i);
    waits.push(performance.now() - began);
  }
  // on a busy machine single ones wait for a cpu
  assert.ok(Math.min(...waits) <= 250, `${waits}`);
  assert.equal((await nextJson(lines)).type, 'end');
  assert.equal(await statusOf(child), 0);
});

// ---- how it ends -----------------------------------------------------------------------------------------------------

test('INT, TERM and HUP end it in good order', live, async () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const child = start('--json', '--opcode', `${MARK}`);
    const lines = linesOf(child);
    await nextJson(lines);
    assert.equal(instancesOf(child.pid ?? 0).length, 1);
    mark(1);
    child.kill(signal);
    assert.equal((await nextJson(lines)).nr_args, 1);
    assert.equal((await nextJson(lines)).type, 'end');
    assert.equal(await statusOf(child), 0);
    assert.deepEqual(instancesOf(child.pid ?? 0), []);
  }
});

test('a reader that has seen enough ends it quietly', live, async () => {
  const child = start('--opcode', `${MARK}`);
  const errors: string[] = [];
  child.stderr?.on('data', (data) => errors.push(String(data)));
  assert.ok(child.stdout);
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const timer = setInterval(() => mark(1), 20);
  try {
    assert.equal(await statusOf(child), 0);
  } finally {
    clearInterval(timer);
  }
  assert.doesNotMatch(errors.join(''), /EPIPE|Error/);
  assert.deepEqual(instancesOf(child.pid ?? 0), []);
});

/** Kills a trace, runs the next one, and looks that nothing is left; whether the next one says that it removed it. */
async function removesWhatIsLeft(...next: readonly string[]): Promise<boolean> {
  const child = start('--opcode', `${MARK}`);
  await once(child.stdout ?? child, 'data');
  child.kill('SIGKILL');
  assert.equal(await statusOf(child), 'SIGKILL');
  const [left] = instancesOf(child.pid ?? 0);
  const { status, stdout } = traced(...next);
  assert.equal(status, 0);
  assert.deepEqual(instancesOf(child.pid ?? 0), []);
  return left !== undefined && stdout.includes(`removed ${left}\n`);
}

test('what a killed one leaves, the next one removes', live, async () => {
  await removesWhatIsLeft('--duration', '0.01');
  // a trace of another test may be the next one, and come before ours
  for (let tries = 0; tries < 5; tries++) if (await removesWhatIsLeft('--gc')) return;
  assert.fail('--gc never said that it removed anything');
});

test('--duration ends it, and a command goes on without it', live, async () => {
  const child = start('--json', '--duration', '0.2', '--', 'sh', '-c', 'echo $$; exec sleep 60');
  assert.ok(child.stderr && child.stdout);
  const [line] = await once(child.stderr, 'data');
  const command = Number(line);
  const output: string[] = [];
  child.stdout.on('data', (data) => output.push(String(data)));
  await once(child, 'exit');
  try {
    assert.equal(child.exitCode, 0);
    assert.match(readFileSync(`/proc/${command}/stat`, 'utf8'), /^\d+ \(sleep\) S/);
  } finally {
    process.kill(command, 'SIGKILL');
  }
  assert.deepEqual(
    jsonOf(output.join('')).map(({ type }) => type),
    ['start', 'end'],
  );
});

test('--pass-status gives what the command gave, and its output stays out of ours', live, () => {
  const script = 'echo from the command; exit 7';
  const plain = traced('--json', '--', 'sh', '-c', script);
  assert.deepEqual([plain.status, jsonOf(plain.stdout).length], [0, 2]);
  assert.match(plain.stderr, /from the command/);
  assert.equal(traced('--pass-status', 'sh', '-c', script).status, 7);
  assert.equal(traced('--pass-status', 'sh', '-c', 'kill -9 $$').status, 137);
});

test('losses are told exactly, and --strict makes them a failure', liveProgram, async () => {
  const calls = 20_000;
  const child = start('--json', '--strict', '--buffer-kb', '64', '--comm', 'register-calls');
  const lines = linesOf(child);
  await nextJson(lines);
  // it stands still while more is called than the buffers hold
  child.kill('SIGSTOP');
  spawnSync(registerCalls(), ['flood', '4', `${calls / 4}`]);
  child.kill('SIGCONT');
  child.kill('SIGTERM');
  let lost = 0;
  let whole = 0;
  let end: Line | undefined;
  while (end === undefined) {
    const line = await nextJson(lines);
    if (line.type === 'lost') lost += line.events;
    if (line.type === 'register' && line.complete) whole++;
    if (line.type === 'end') end = line;
  }
  // each call has three events, and each of the four rings one
  assert.equal(end.events + end.lost_events, 3 * calls + 4);
  assert.equal(lost, end.lost_events);
  assert.ok(lost > 0 && whole > 0);
  assert.equal(await statusOf(child), 5);
});

test('others notice nothing: the tracing of the whole host is as it was', live, async () => {
  const before = globalSettings();
  const pipe = spawn(tracefs.prefix[0] ?? 'cat', [
    ...tracefs.prefix.slice(1),
    ...(tracefs.prefix.length === 0 ? [] : ['cat']),
    '/sys/kernel/tracing/trace_pipe',
  ]);
  const piped: string[] = [];
  pipe.stdout.on('data', (data) => piped.push(String(data)));
  try {
    const child = start('--json', '--opcode', `${MARK}`, '--count', '3');
    const lines = linesOf(child);
    await nextJson(lines);
    assert.deepEqual(globalSettings(), before);
    for (let i = 0; i < 3; i++) {
      const began = performance.now();
      await stat(ROOT);
      assert.ok(performance.now() - began < 5000);
      mark(i);
    }
    assert.equal(await statusOf(child), 0);
    assert.deepEqual(globalSettings(), before);
    assert.equal(pipe.exitCode, null);
    assert.ok(!piped.join('').includes('io_uring_register'));
  } finally {
    pipe.kill();
    await statusOf(pipe);
  }
});

test('on a terminal the summary lives, and lines fit 80 columns', {
  ...liveProgram,
  ...needsScript(),
}, () => {
  const onTerminal = (...args: string[]): string => {
    const words = [...tracefs.prefix, ...URING, 'trace', ...args].map((word) => `'${word}'`).join(' ');
    return spawnSync('script', ['-qec', `stty cols 80 rows 24; ${words}`, '/dev/null'], {
      cwd: ROOT,
      env: { ...environment, TERM: 'xterm' },
      encoding: 'utf8',
      timeout: 60_000,
    }).stdout;
  };
  const summary = onTerminal('--summary', '--', registerCalls(), 'flood', '1', '10');
  assert.ok(
    summary.includes('\u001b[?7l') && summary.lastIndexOf('\u001b[?7h') > summary.lastIndexOf('\u001b[?7l'),
    'nothing was drawn, or the terminal does not wrap any more',
  );
  assert.match(summary, /REGISTER_IOWQ_MAX_WORKERS +10 +0/);
  const program = join(dirname(registerCalls()), 'calls');
  symlinkSync(registerCalls(), program);
  const [titles = '', ...lines] = onTerminal('--', program, 'every').split('\r\n');
  assert.match(titles, /DUR\(us\)$/);
  assert.ok(lines.length > 43);
  // nothing is cut: a long errno may be too much
  assert.deepEqual(
    lines.filter((line) => line.length > 80 && !line.includes('-EOPNOTSUPP')),
    [],
  );
});

function needsScript(): { readonly skip?: string } {
  return spawnSync('script', ['--version']).status === 0 ? {} : { skip: 'needs script(1)' };
}
