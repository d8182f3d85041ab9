/** Runs programs that import uring by its name, as examples do. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The folder of the package. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** What became of a program. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a TypeScript or JavaScript program to its end. */
export function run(args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Ended {
  const flags = ['--conditions=uring-source', '--import', import.meta.resolve('tsx')];
  return spawnSync(process.execPath, [...flags, ...args], { cwd: root, encoding: 'utf8', ...options });
}
