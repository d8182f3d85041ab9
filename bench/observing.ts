/**
 * What observing costs: logs by `decode`, 10,000 rings by `ps`, and operations while somebody looks.
 *
 *     npm run --silent build && node --conditions=uring-source --import tsx bench/observing.ts [decode] [ps] [operations]
 *
 * CPU time throughout, so that a busy machine tells nearly the same. `operations` needs root: a program of no-ops in C,
 * alone and while each command looks, in turns; what a trace read and what it lost is compared with what was made.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { Ring } from 'uring';
import { decode } from 'uring/host';
import { allowedCpus, compile, ProcessSide } from './side.ts';

const MIB = 2 ** 20;
const ROUNDS = 3;
const COMMAND = join(import.meta.dirname, '../dist/cli.cjs');
/** Says at the end how much CPU time the command took, in microseconds. */
const HOOK =
  'data:text/javascript,process.on("exit",()=>{const{user,system}=process.cpuUsage();console.error("CPU",user+system)})';

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** The command, started; what it took is told when it has ended. */
function started(args: readonly string[]): { readonly child: ChildProcess; readonly cpuMs: Promise<number> } {
  const child = spawn(process.execPath, ['--import', HOOK, COMMAND, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr?.on('data', (chunk) => {
    errors += chunk;
  });
  const cpuMs = once(child, 'close').then(() => {
    const found = /^CPU (\d+)$/m.exec(errors)?.[1];
    if (found === undefined) throw new Error(`${args.join(' ')}: ${errors}`);
    return Number(found) / 1000;
  });
  return { child, cpuMs };
}

// ---- logs -----------------------------------------------------------------------------------------------------------

const CALL = '77 io_uring_register(3, IORING_UNREGISTER_FILES, NULL, 0) = 0\n';
const LINES = {
  Tracee: '{"eventName":"openat","args":[{"name":"pathname","value":"/etc/passwd"}]}\n',
  strace: '[pid 77] openat(AT_FDCWD, "/usr/lib/x86_64-linux-gnu/libc.so.6", O_RDONLY|O_CLOEXEC) = 3\n',
  Docker:
    '{"log":"GET /index.html 200 17 ms\\n","stream":"stdout","time":"2026-03-01T10:00:00.123456789Z"}\n',
  syslog: 'Mar  1 10:00:00 host kernel: [12345.678901] usb 1-1: new high-speed USB device number 7\n',
  audit:
    'type=SYSCALL msg=audit(1700000000.123:456): arch=c000003e syscall=59 success=yes exit=0 a0=55 a1=66 a2=77 a3=8 comm="sh"\n',
  journald: '{"__CURSOR":"s=1;i=2","MESSAGE":"Started Session 12 of user größe.","_PID":"1"}\n',
} as const;

/** Megabytes of a log that are read in a second of CPU time. */
async function decodeRate(text: string): Promise<number> {
  const piece = Buffer.from(text.repeat(Math.ceil(MIB / Buffer.byteLength(text))));
  const pieces = function* () {
    for (let i = 0; i < 64; i++) yield piece;
  };
  const before = process.cpuUsage();
  for await (const _ of decode(pieces()));
  const { user, system } = process.cpuUsage(before);
  return (64 * piece.length) / (user + system);
}

async function decodeTable(): Promise<void> {
  console.log('| a log of | MB/s | with a call among each 300 lines |\n|-|-|-|');
  for (const [name, line] of Object.entries(LINES)) {
    const rates: number[][] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      rates[0]?.push(await decodeRate(line));
      rates[1]?.push(await decodeRate(`${line.repeat(300)}${CALL}`));
    }
    console.log(`| ${name} | ${rates.map((each) => median(each).toFixed(0)).join(' | ')} |`);
  }
}

// ---- rings ----------------------------------------------------------------------------------------------------------

const RINGS = 10_000;

async function psTable(): Promise<void> {
  const rings = Array.from({ length: RINGS }, () => new Ring(1));
  console.log(`| ${RINGS} rings | CPU time |\n|-|-|`);
  for (const args of [[], ['--wide'], ['--trouble'], ['--metrics'], ['--json']]) {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const { child, cpuMs } = started(['ps', ...args]);
      child.stdout?.resume();
      times.push(await cpuMs);
    }
    console.log(`| uring ${['ps', ...args].join(' ')} | ${(median(times) / 1000).toFixed(2)} s |`);
  }
  for (const ring of rings) ring.close();
}

// ---- operations -----------------------------------------------------------------------------------------------------

const TRACING = '/sys/kernel/tracing';
const LOOKERS: readonly (readonly string[])[] = [
  ['watch', '--json'],
  ['top', '--json'],
  ['latency', '--json'],
  ['trace', '--ops', '--json'],
];

/** CPU time of a process so far, in milliseconds: the kernel counts hundredths of a second. */
function cpuOf(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

async function untilTracing(pid: number | undefined): Promise<void> {
  const isThere = () => readdirSync(`${TRACING}/instances`).some((name) => name.startsWith(`uring.${pid}.`));
  for (let tries = 0; !isThere(); tries++) {
    if (tries > 100) throw new Error('the command does not trace');
    await setTimeout(100);
  }
  // its events are switched on one by one
  await setTimeout(1000);
}

interface Look {
  /** CPU time of the program for one operation. */
  readonly ns: number;
  /** CPU time of the command. */
  readonly cpuMs: number;
  /** Events that it read and that it lost, where it tells. */
  readonly events: number | undefined;
  readonly lost: number | undefined;
}

async function look(args: readonly string[], side: ProcessSide, batch: string, count: number): Promise<Look> {
  const { child, cpuMs } = started(args);
  let end: { readonly events?: number; readonly lost_events?: number } = {};
  if (child.stdout)
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('{"v":1,"type":"end"')) end = JSON.parse(line);
    });
  await untilTracing(child.pid);
  const before = cpuOf(child.pid);
  const { cpuNs } = await side.turn(batch, count, 1);
  child.kill('SIGINT');
  return { ns: cpuNs, cpuMs: (await cpuMs) - before, events: end.events, lost: end.lost_events };
}

async function operationsTable(): Promise<void> {
  if (process.geteuid?.() !== 0) return console.log('operations: only root can trace');
  const folder = mkdtempSync(join(tmpdir(), 'uring-observing-'));
  try {
    const program = compile(folder, 'nop');
    if (program === undefined) return console.log('operations: no C compiler');
    const side = await ProcessSide.start(program, [], allowedCpus().slice(0, 1));
    console.log(
      '| who looks | no-ops by one call | the program, each | the command, for a million | events | lost | made |',
    );
    console.log('|-|-|-|-|-|-|-|');
    for (const [batch, count] of [
      ['32', 1_600_000],
      ['1', 320_000],
    ] as const) {
      const alone: number[] = [];
      for (let round = 0; round < ROUNDS; round++) alone.push((await side.turn(batch, count, 1)).cpuNs);
      console.log(`| nobody | ${batch} | ${(median(alone) / 1000).toFixed(2)} us | | | | |`);
      for (const args of LOOKERS) {
        const looks: Look[] = [];
        for (let round = 0; round < ROUNDS; round++) looks.push(await look(args, side, batch, count));
        const [ns, cpuMs] = [median(looks.map((each) => each.ns)), median(looks.map((each) => each.cpuMs))];
        const { events, lost } = looks[0] ?? {};
        const told = events === undefined ? ['', '', ''] : [events, lost, 2 * count];
        const times = [`${(ns / 1000).toFixed(2)} us`, `${((cpuMs / count) * 1000).toFixed(1)} s`];
        console.log(`| uring ${args.join(' ')} | ${[batch, ...times, ...told].join(' | ')} |`);
      }
    }
    side.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const TABLES = { decode: decodeTable, ps: psTable, operations: operationsTable } as const;

const wanted = process.argv.slice(2);
for (const [name, table] of Object.entries(TABLES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  await table();
  console.log();
}
