/** Runs programs that import uring by its name, as examples do. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The folder of the package. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** What became of a program. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const flags = ['--conditions=uring-source', '--import', import.meta.resolve('tsx')];

/** Runs a TypeScript or JavaScript program to its end. */
export function run(args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Ended {
  return spawnSync(process.execPath, [...flags, ...args], { cwd: root, encoding: 'utf8', ...options });
}

/** Starts a program, in a process group of its own. Its stdout is a pipe, its stderr is ours. */
export function start(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [...flags, ...args], {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}
