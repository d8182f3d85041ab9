/** Runs programs that import uring by its name, as examples do. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { LOADER, ROOT, typescriptLoader } from '../helpers/loader.ts';
import { tracefs } from '../helpers/tracefs.ts';

/** What became of a program. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where a program runs, and with what. */
export interface Place {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Programs find tracefs where a test may mount it. */
function toItsEnd(args: readonly string[], place: Place): Ended {
  const [file = '', ...before] = [...tracefs.prefix, process.execPath];
  return spawnSync(file, [...before, ...args], { cwd: ROOT, encoding: 'utf8', ...place });
}

/** Runs a module of the project to its end. */
export function run(args: readonly string[], place: Place = {}): Ended {
  return toItsEnd([...LOADER, ...args], place);
}

/** Runs a TypeScript or JavaScript program of somebody who has the package installed to its end. */
export function runTypeScript(args: readonly string[], place: Place = {}): Ended {
  return toItsEnd([...typescriptLoader(), ...args], place);
}

/** Starts a program, in a process group of its own. Its stdout is a pipe, its stderr is ours. */
export function start(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [...LOADER, ...args], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}
