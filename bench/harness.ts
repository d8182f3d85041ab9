/** Timing by turns, A B A B: whatever else the machine does hits all contenders alike. */
import { type ChildProcessByStdio, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/** Does something `count` times, and tells the nanoseconds for each. */
export type Contender = (count: number) => number | Promise<number>;

/** The median of all rounds, and half the distance between the quartiles. */
export interface Summary {
  readonly ns: number;
  readonly spread: number;
}

/** Nanoseconds for each, and how many more than the first contender took in the same rounds. */
export interface Timing extends Summary {
  readonly over: Summary;
}

/** How long to measure. */
export interface Effort {
  readonly rounds: number;
  /** How long a turn of the first contender takes, about. */
  readonly turnMs: number;
}

/** A contender in this process. */
export function repeat(operation: () => void): Contender {
  return (count) => {
    const start = process.hrtime.bigint();
    for (let i = 0; i < count; i++) operation();
    return Number(process.hrtime.bigint() - start) / count;
  };
}

function summary(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.round(part * (sorted.length - 1))] ?? Number.NaN;
  return { ns: at(0.5), spread: (at(0.75) - at(0.25)) / 2 };
}

/** The timing of each contender, in turns of equal counts. */
export async function byTurns(
  contenders: readonly Contender[],
  { rounds, turnMs }: Effort,
): Promise<Timing[]> {
  // also warms them up: V8 compiles what ran often
  const trial = await Promise.all(contenders.slice(0, 1).map((first) => first(100)));
  const count = Math.max(10, Math.round((turnMs * 1e6) / (trial[0] ?? 1)));
  for (const contender of contenders) await contender(count);
  const times: number[][] = contenders.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, contender] of contenders.entries()) times[i]?.push(await contender(count));
  }
  const [first = []] = times;
  return times.map((own) => ({
    ...summary(own),
    over: summary(own.map((ns, round) => ns - (first[round] ?? 0))),
  }));
}

/** Keeps this thread, and children that it starts, on one cpu; V8's helpers stay free. Tells which, where that works. */
export function pin(): number | undefined {
  const allowed = /Cpus_allowed_list:.*?(\d+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  const taskset = spawnSync('taskset', ['-cp', `${allowed}`, `${process.pid}`]);
  return taskset.status === 0 ? Number(allowed) : undefined;
}

/** A program of bench/c, compiled into a temporary folder, that takes turns with us. */
export class CProgram implements Disposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #answers: AsyncIterator<string>;
  readonly #folder: string;

  private constructor(folder: string, program: string, args: readonly (string | number)[]) {
    this.#folder = folder;
    this.#child = spawn(program, args.map(String), { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Compiles and starts it; undefined without a compiler. */
  static start(name: string, ...args: readonly (string | number)[]): CProgram | undefined {
    const compiler = ['cc', 'gcc', 'clang'].find((each) => spawnSync(each, ['--version']).status === 0);
    if (compiler === undefined) return undefined;
    const folder = mkdtempSync(join(tmpdir(), 'uring-bench-'));
    const program = join(folder, name);
    execFileSync(compiler, ['-O2', '-o', program, join(import.meta.dirname, 'c', `${name}.c`)]);
    return new CProgram(folder, program, args);
  }

  /** One of its cases. */
  contender(name: string): Contender {
    return async (count) => {
      this.#child.stdin.write(`${name} ${count}\n`);
      const { value, done } = await this.#answers.next();
      if (done) throw new Error(`the C program ended in case ${name}`);
      return Number(value);
    };
  }

  [Symbol.dispose](): void {
    this.#child.stdin.end();
    rmSync(this.#folder, { recursive: true });
  }
}
