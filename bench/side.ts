/** The sides of a comparison: each is a process of its own that takes turns when it is told to. */
import { type ChildProcessByStdio, execFileSync, spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Turn } from './measure.ts';

/** Does `count` operations of a case. The same seed means the same offsets. */
export interface Side {
  turn(name: string, count: number, seed: number): Promise<Turn>;
  /** Begins to look for the peak anew. */
  forgetPeak?(): void;
  /** The most memory that it had, MiB. */
  peakMib?(): number | undefined;
  close(): void;
}

/** The cpus that this process may use. */
export function allowedCpus(): number[] {
  const list = /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** Beside what a benchmark opens: the runtime's own files. */
const OTHER_FILES = 64;

/** Why a process can't have so many more files open; undefined where it can: Node.js and our C raise their limit as far as they may. */
export function lacksOpenFiles(count: number): string | undefined {
  const limit = /Max open files\s+\S+\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  if (limit === undefined || Number(limit) >= count + OTHER_FILES) return undefined;
  return `needs ${count + OTHER_FILES} open files, the hard limit is ${limit} (ulimit -Hn)`;
}

/** Is there such a program? */
export function has(program: string): boolean {
  return spawnSync(program, ['--version']).status === 0;
}

/** Compiles a program of bench/c into a folder; undefined without a compiler. */
export function compile(folder: string, name: string): string | undefined {
  const compiler = ['cc', 'gcc', 'clang'].find(has);
  if (compiler === undefined) return undefined;
  const program = join(folder, `${name}.out`);
  execFileSync(compiler, ['-O2', '-Wall', '-o', program, join(import.meta.dirname, 'c', `${name}.c`)]);
  return program;
}

/** A process that answers "CASE COUNT SEED" with "NS CPU_NS P50 P99 SUM", a line each. Its first line says that it is ready. */
export class ProcessSide implements Side {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #what: string;

  private constructor(program: string, args: readonly string[]) {
    this.#what = [program, ...args].join(' ');
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdin.on('error', () => {}); // it has ended, which its missing answer tells
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Starts it. `cpus`: where its main thread runs, and threads that it starts later; V8's helpers stay free. */
  static async start(
    program: string,
    args: readonly string[],
    cpus: readonly number[],
  ): Promise<ProcessSide> {
    const side = new ProcessSide(program, args);
    await side.#answer('start');
    spawnSync('taskset', ['-cp', cpus.join(','), `${side.pid}`]);
    return side;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async turn(name: string, count: number, seed: number): Promise<Turn> {
    this.#child.stdin.write(`${name} ${count} ${seed}\n`);
    const words = (await this.#answer(`${name} ${count}`)).split(' ').map(Number);
    const [ns = Number.NaN, cpuNs = Number.NaN, p50 = 0, p99 = 0, sum = 0] = words;
    return { ns, cpuNs, p50, p99, sum };
  }

  forgetPeak(): void {
    try {
      writeFileSync(`/proc/${this.pid}/clear_refs`, '5');
    } catch {}
  }

  peakMib(): number | undefined {
    const kib = /VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) / 1024;
  }

  close(): void {
    this.#child.stdin.end();
  }

  async #answer(to: string): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`${this.#what} ended at "${to}"`);
    return value;
  }
}

/** What we read of fio's answer. */
interface FioJob {
  readonly error: number;
  readonly usr_cpu: number;
  readonly sys_cpu: number;
  readonly job_runtime: number;
  readonly read: {
    readonly total_ios: number;
    readonly runtime: number;
    readonly lat_ns: { readonly percentile?: { readonly [part: string]: number } };
  };
}

/** fio, started for each turn. It times itself in milliseconds, hence by time instead of a count; what it reads it does not tell. */
export function fio(
  options: (name: string, seed: number) => readonly string[],
  cpus: readonly number[],
): Side {
  return {
    async turn(name, _, seed) {
      const job = ['--name=bench', '--readonly', '--output-format=json', `--cpus_allowed=${cpus.join(',')}`];
      const given = [
        ...job,
        '--lat_percentiles=1',
        '--time_based',
        '--runtime=300ms',
        ...options(name, seed),
      ];
      const answer: { jobs: FioJob[] } = JSON.parse(execFileSync('fio', given, { encoding: 'utf8' }));
      const [found] = answer.jobs;
      if (found === undefined || found.error !== 0) throw new Error(`fio failed: ${given.join(' ')}`);
      const { read, usr_cpu, sys_cpu, job_runtime } = found;
      const percentiles = read.lat_ns.percentile ?? {};
      return {
        ns: (read.runtime * 1e6) / read.total_ios,
        cpuNs: ((usr_cpu + sys_cpu) * job_runtime * 1e4) / read.total_ios,
        p50: percentiles['50.000000'] ?? 0,
        p99: percentiles['99.000000'] ?? 0,
        sum: 0,
      };
    },
    close() {},
  };
}
