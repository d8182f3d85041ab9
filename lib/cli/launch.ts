/** A command that waits, at its very first instruction, until it is watched. */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { constants as os } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { task } from '../host/proc.ts';
import { EXIT, Failure, visible } from './kit.ts';

const LOOK_MS = 1;
const PATIENCE_MS = 10_000;

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** A shell would find out too late: its words would be the command's. */
function checkCommand(file: string): void {
  const { PATH = '/usr/bin:/bin' } = process.env;
  const paths = file.includes('/') ? [file] : PATH.split(delimiter).map((folder) => join(folder, file));
  if (!paths.some(canRun)) throw new Failure(EXIT.failed, visible(file), 'there is no such command');
}

/** A command that was started. */
export class Launched {
  readonly pid: number;
  readonly #child: ChildProcess;
  /** What a shell would call its exit status. Never rejects. */
  readonly exited: Promise<number>;

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child;
    this.pid = pid;
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : os.signals[signal])));
    });
  }

  /**
   * Starts a command, which then waits for `go()`. What it prints goes to stderr: our stdout is for what we see.
   * Throws Failure.
   */
  static async start([file = '', ...args]: readonly string[]): Promise<Launched> {
    checkCommand(file);
    const wait = ['-c', 'kill -STOP $$; exec "$@"', 'sh', file, ...args];
    const child = spawn('sh', wait, { stdio: ['inherit', process.stderr, process.stderr] });
    child.once('error', () => {});
    if (child.pid === undefined) throw new Failure(EXIT.failed, visible(file), 'there is no sh to start it');
    const launched = new Launched(child, child.pid);
    const until = performance.now() + PATIENCE_MS;
    // nothing tells that a child was stopped, but its state
    while (task(`/proc/${child.pid}`)?.state !== 'T') {
      if (performance.now() > until) {
        launched.kill();
        throw new Failure(EXIT.failed, visible(file), 'it could not be started');
      }
      await setTimeout(LOOK_MS);
    }
    return launched;
  }

  go(): void {
    this.#child.kill('SIGCONT');
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Lets this process end before the command. */
  leave(): void {
    this.#child.unref();
  }
}
