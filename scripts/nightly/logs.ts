/**
 * `logs.ts [--strace | --guest | --sample]`: a program makes calls that it counts, a tool writes them down, `decode` reads what
 * the tool wrote: as many calls, none unreadable. With --strace in three versions, two of them from Debian's pools, with every
 * flag set; with --guest trace-cmd, auditd and ausearch, in a guest of the kernel ladder; with --sample only the installed strace
 * with two flags.
 * The host is not changed: perf and bpftrace attach for as long as they run.
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode } from '../../lib/host/decode.ts';
import { PackageTree } from '../kernels/apt.ts';
import { guestLogs } from './guest-logs.ts';

const place = mkdtempSync(join(tmpdir(), 'uring-logs-'));
process.on('exit', () => rmSync(place, { recursive: true, force: true }));
const SOURCE = join(import.meta.dirname, 'regs.c');
const program = join(place, 'regs');
const CACHE = join(import.meta.dirname, '../../node_modules/.cache/uring-tools');

function has(tool: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0;
}

/** Runs a command to its end; what it wrote to stdout. */
function run(command: readonly string[]): string {
  const [file = '', ...args] = command;
  const { status, stdout, stderr, error } = spawnSync(file, args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (error !== undefined || status !== 0) throw new Error(`${command.join(' ')}: ${error ?? stderr}`);
  return stdout;
}

interface Way {
  readonly name: string;
  /** Runs the program under the tool; the log. */
  readonly log: () => string;
  /** How many calls are in it; otherwise all that were made. */
  readonly calls?: number;
  /** May calls lack their end? */
  readonly isCut?: boolean;
}

let failures = 0;

async function compare({ name, log, calls: expected, isCut = false }: Way, made: number): Promise<void> {
  const decoding = decode(log());
  for await (const _ of decoding);
  const { calls, incomplete, malformed } = decoding.stats;
  const isWhole = isCut ? calls - incomplete === expected : calls === (expected ?? made) && incomplete === 0;
  const isRight = malformed === 0 && isWhole;
  if (!isRight) failures++;
  console.log(
    `${isRight ? 'ok  ' : 'FAIL'}  ${name}: ${calls} of ${expected ?? made}, ${incomplete} incomplete, ${malformed} not readable`,
  );
}

// ---- strace ---------------------------------------------------------------------------------------------------------

const FLAGS = `
-f -e trace=io_uring_register|-f|-f -t|-f -tt|-f -ttt|-f -r|-f -r -T|-f -tt -T|-f -y|-f -yy|-f -y --decode-pids=comm
|-f --decode-pids=comm,pidns -yy|-f -i|-f -k|-f -n|-f -X raw|-f -X verbose|-f -X abbrev|-f -e raw=io_uring_register
|-f -e raw=all|-f -e abbrev=none|-f -v -s 9999|-f -x|-f -xx|-f -e inject=io_uring_register:error=EPERM:when=3
|-f -e fault=io_uring_register:error=ENOSYS|-f -e inject=io_uring_register:retval=7:when=2
|-f --absolute-timestamps=format:unix,precision:ns|-f -T --syscall-times=ms|-f -T --syscall-times=s
|-f --absolute-timestamps=precision:ns --relative-timestamps=ms --syscall-times=ns|-f -a 120|-f -C|-f -w -C
|-f -e quiet=all|-f --seccomp-bpf|-f -n -e raw=all -xx -ttt -T -yy|-f -tt -n -i -T --decode-pids=comm -yy`
  .replaceAll('\n', '')
  .split('|');

function straceLog(strace: readonly string[], flags: string): string {
  const file = join(place, 'strace.log');
  run([...strace, '-o', file, ...flags.split(' '), program]);
  return readFileSync(file, 'utf8');
}

/** strace of another suite of Debian, with the C library that it needs. */
function straceOf(suite: string): readonly string[] {
  const folder = join(CACHE, suite);
  mkdirSync(folder, { recursive: true });
  if (!existsSync(join(folder, 'done'))) {
    const tree = new PackageTree(CACHE, 'x64', { security: [], main: [suite] }, `apt-${suite}`);
    tree.unpack('strace', folder, ['./usr/bin/strace']);
    for (const library of ['libc6', 'libunwind8', 'liblzma5']) tree.unpack(library, folder, ['*.so*']);
    writeFileSync(join(folder, 'done'), '');
  }
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const loader = names.find((name) => name.endsWith('x86_64-linux-gnu/ld-linux-x86-64.so.2'));
  if (loader === undefined) throw new Error(`${suite}: no loader`);
  const libraries = names
    .filter((name) => name.endsWith('x86_64-linux-gnu'))
    .map((name) => join(folder, name));
  return [join(folder, loader), '--library-path', libraries.join(':'), join(folder, 'usr/bin/strace')];
}

function* straces(isEvery: boolean, failed: number): Generator<Way> {
  const versions: (readonly string[])[] = has('strace') ? [['strace']] : [];
  if (isEvery) versions.push(straceOf('trixie'), straceOf('sid'));
  for (const strace of versions) {
    const [version = ''] = run([...strace, '-V']).split('\n');
    const short = version.replace(/.*version /, 'strace ');
    for (const flags of isEvery ? FLAGS : FLAGS.slice(0, 2))
      yield { name: `${short} ${flags}`, log: () => straceLog(strace, flags) };
    yield {
      name: `${short} -f -Z`,
      log: () => straceLog(strace, '-f -Z -e trace=io_uring_register'),
      calls: failed,
      // a call that another thread's interrupted has a beginning, and no end where it did not fail
      isCut: true,
    };
  }
}

// ---- the kernel's events --------------------------------------------------------------------------------------------

const EVENTS =
  'syscalls:sys_enter_io_uring_register,syscalls:sys_exit_io_uring_register,io_uring:io_uring_register';
const BPFTRACE = `t:syscalls:sys_enter_io_uring_register { printf("%s %d/%d %s: fd=%d opcode=%d arg=%p nr_args=%d\\n",
  comm, pid, tid, probe, args->fd, args->opcode, args->arg, args->nr_args); }
t:syscalls:sys_exit_io_uring_register { printf("%s %d/%d %s: ret=%d\\n", comm, pid, tid, probe, args->ret); }`;

function perfScript(options: readonly string[]): string {
  const file = join(place, 'perf.data');
  run(['perf', 'record', '-q', '-e', EVENTS, '-o', file, program]);
  return run(['perf', 'script', '-i', file, ...options]);
}

function perfTrace(options: readonly string[]): string {
  const file = join(place, 'perf-trace.log');
  run(['perf', 'trace', '-o', file, '-e', 'io_uring_register,io_uring_setup', ...options, program]);
  return readFileSync(file, 'utf8');
}

function* tracers(): Generator<Way> {
  if (process.geteuid?.() !== 0) return console.log('not root: no perf, no bpftrace');
  if (has('perf')) {
    for (const options of ['', '--ns', '-F comm,tid,time,event,trace'])
      yield {
        name: `perf script ${options}`,
        log: () => perfScript(options === '' ? [] : options.split(' ')),
      };
    yield { name: 'perf trace', log: () => perfTrace([]) };
    yield { name: 'perf trace -T', log: () => perfTrace(['-T']) };
  } else console.log('no perf');
  if (has('bpftrace'))
    yield { name: 'bpftrace', log: () => run(['bpftrace', '-e', BPFTRACE, '-c', program]) };
  else console.log('no bpftrace');
}

/** The calls that a guest's program made are those of the program here. */
async function* inGuest(): AsyncGenerator<Way> {
  for (const [name, text] of await guestLogs(SOURCE, '6.12')) yield { name, log: () => text };
}

run(['cc', '-O2', '-pthread', '-o', program, SOURCE]);
const [made = 0, failed = 0] = run([program]).split(' ').map(Number);
const isGuest = process.argv.includes('--guest');
const isEvery = process.argv.includes('--strace');
const isSample = process.argv.includes('--sample');
if (isGuest) for await (const way of inGuest()) await compare(way, made);
else {
  if (!has('strace')) console.log('no strace');
  for (const way of straces(isEvery, failed)) await compare(way, made);
  if (!isEvery && !isSample) for (const way of tracers()) await compare(way, made);
}
console.log(failures === 0 ? 'every call was decoded' : `${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;
