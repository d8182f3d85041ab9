/** Runs the `uring` command as a person would. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { type Confinement, start } from './confined.ts';
import { LOADER, moduleAt, ROOT } from './loader.ts';

/** The arguments of Node.js that run the command. */
export const COMMAND: readonly string[] = [...LOADER, moduleAt('lib/cli/main.ts')];

/** What became of a command. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Without the terminal's and the runner's wishes for colours. */
function environment(more: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env;
  return { PATH, HOME, ...more };
}

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Ended {
  // what ps prints of a host with thousands of rings is long
  const options = { timeout: 60_000, maxBuffer: 2 ** 28 };
  return spawnSync(program, args, { ...options, cwd: ROOT, env: environment(env), encoding: 'utf8' });
}

/** Runs a command to its end. `node`: options of Node.js. */
export function uring(
  args: readonly string[],
  { env = {}, node = [] }: { env?: NodeJS.ProcessEnv; node?: readonly string[] } = {},
): Ended {
  return run(process.execPath, [...node, ...COMMAND, ...args], env);
}

/** Runs a command to its end, confined. */
export function confinedUring(confinement: Confinement, args: readonly string[]): Ended {
  return start(confinement, [...COMMAND, ...args], ROOT);
}

/** Starts a command with pipes. */
export function startUring(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [...COMMAND, ...args], { cwd: ROOT, env: environment({}) });
}

/** Quoted for a shell; no word here has a quote. */
function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(' ');
}

/** Runs a command line of bash to its end, in which `uring` is the command. */
export function shell(line: string): Ended {
  return run('bash', ['-c', `uring() { ${quoted([process.execPath, ...COMMAND])} "$@"; }; ${line}`]);
}

/** Runs a command to its end on a terminal of 80 columns, and tells what it showed there. */
export function uringOnTerminal(args: readonly string[], env: NodeJS.ProcessEnv): string {
  const line = `stty cols 80 rows 24; ${quoted([process.execPath, ...COMMAND, ...args])}`;
  return run('script', ['-qec', line, '/dev/null'], env).stdout;
}

/** Why there is no terminal to be had, for `skip`. */
export const noTerminal =
  spawnSync('script', ['--version']).status !== 0 && 'the program script is not installed';
