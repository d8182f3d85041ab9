/** tracefs for tests, where a test may have it: the host's, or a mount that only our processes see. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Needs } from './needs.ts';

const USUAL = '/sys/kernel/tracing';
/** Becomes the command that follows, in a mount namespace of its own where tracefs is mounted. */
const PRIVATE = [
  ...['unshare', '--mount', '--propagation', 'private', 'sh', '-c'],
  ...[`mount -t tracefs nodev ${USUAL} && exec "$@"`, 'sh'],
];

/** How tests reach tracefs. */
interface Tracefs {
  readonly needs: Needs;
  /** A folder through which this process sees it. */
  readonly path: string;
  /** What stands before a command that needs it. */
  readonly prefix: readonly string[];
}

function without(why: string): Tracefs {
  return { needs: { skip: why }, path: '', prefix: [] };
}

/** Keeps a mount namespace alive as long as this process. */
function holdNamespace(): Tracefs {
  const [file = '', ...before] = PRIVATE;
  const trial = spawnSync(file, [...before, 'true'], { encoding: 'utf8', timeout: 10_000 });
  if (trial.status !== 0)
    return without(`tracefs can't be mounted: ${trial.error?.message ?? trial.stderr.trim()}`);
  const holder = spawn(file, [...before, 'sleep', '600'], { stdio: 'ignore' });
  holder.unref();
  process.on('exit', () => holder.kill('SIGKILL'));
  const path = `/proc/${holder.pid}/root${USUAL}`;
  // it is mounted in a moment; nothing tells when
  for (const until = Date.now() + 10_000; !existsSync(`${path}/instances`) && Date.now() < until; ) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  }
  return { needs: {}, path, prefix: PRIVATE };
}

function look(): Tracefs {
  if (process.geteuid?.() !== 0) return without('only root can trace');
  if (!existsSync(USUAL)) return without('this kernel has no tracefs');
  return existsSync(`${USUAL}/instances`) ? { needs: {}, path: USUAL, prefix: [] } : holdNamespace();
}

export const tracefs: Tracefs = look();

/** Tests of what only kernels with hist triggers have (CONFIG_HIST_TRIGGERS), which count by themselves. */
export const needsKernelCounts: Needs =
  tracefs.needs.skip === undefined && !existsSync(`${tracefs.path}/events/io_uring/io_uring_complete/hist`)
    ? { skip: 'this kernel has no hist triggers' }
    : tracefs.needs;

/** Instances of whomever. */
export function instances(): string[] {
  return readdirSync(`${tracefs.path}/instances`).sort();
}

/** Instances of processes that were started by this test run and are ours to wonder about. */
export function instancesOf(pid: number): string[] {
  return instances().filter((name) => name.startsWith(`uring.${pid}.`));
}

const compiler = ['cc', 'gcc', 'clang'].find((each) => spawnSync(each, ['--version']).status === 0);

/** tracefs, and a program to be traced. */
export const needsProgram: Needs =
  tracefs.needs.skip === undefined && compiler === undefined ? { skip: 'needs a C compiler' } : tracefs.needs;

const programs = new Map<string, string>();

/** The program `NAME.c` of this folder, compiled. */
export function compiled(name: string): string {
  const known = programs.get(name);
  if (known !== undefined) return known;
  const folder = mkdtempSync(join(tmpdir(), 'uring-calls-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const program = join(folder, name);
  const source = join(import.meta.dirname, `${name}.c`);
  const { status, stderr } = spawnSync(compiler ?? 'cc', ['-O2', '-pthread', '-o', program, source], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  programs.set(name, program);
  return program;
}

/** The program register-calls.c, compiled. */
export function registerCalls(): string {
  return compiled('register-calls');
}

/** What is switched on for everybody: no trace of ours may change it. */
export function globalSettings(): Record<string, string> {
  const files = [
    'set_event',
    'tracing_on',
    'trace_clock',
    'buffer_size_kb',
    'current_tracer',
    'set_event_pid',
  ];
  return Object.fromEntries(files.map((file) => [file, readFileSync(`${tracefs.path}/${file}`, 'utf8')]));
}
