/** The other side of a benchmark: the same in C, and both on one cpu. */
import { type ChildProcessByStdio, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Contender } from './harness.ts';

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
