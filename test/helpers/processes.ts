/** Processes that tests look at from outside. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Scope } from './rings.ts';

/** A process that does nothing and has these fds from number 3 on; it is gone when the test ends. */
export async function holder(scope: Scope, fds: readonly number[], uid?: number): Promise<number> {
  const user = uid === undefined ? {} : { uid, gid: uid };
  const child = spawn('sleep', ['60'], { stdio: ['ignore', 'ignore', 'ignore', ...fds], ...user });
  scope.defer(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  assert.ok(child.pid);
  return child.pid;
}

/** How a process is started. */
export interface Start {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** What it has from fd 3 on. */
  readonly fds?: readonly number[];
}

/** Runs `body` with the pid of a process when it has written a line, and with the line; ends it. */
export async function running(
  [file, ...args]: readonly [file: string, ...args: string[]],
  { fds = [], ...options }: Start,
  body: (pid: number, line: string) => void,
): Promise<void> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit', ...fds], ...options });
  try {
    assert.ok(child.stdout && child.pid);
    const [line] = await once(child.stdout, 'data', { signal: AbortSignal.timeout(10_000) });
    body(child.pid, String(line));
  } finally {
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }
}
