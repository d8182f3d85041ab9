/** Scenes that need a thread or a process of their own: exported functions of `*.scenes.ts` modules. */
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { CONDITIONS, LOADER } from './loader.ts';

const RUNNER = new URL('scenario.mjs', import.meta.url);

/** A function `name` that the module at `module` exports. */
export interface Scene {
  readonly module: string;
  readonly name: string;
  /** What it is called with; must survive JSON. */
  readonly argument?: unknown;
}

/** A worker thread that runs a scene, and posts what it returned. */
export function startThread(scene: Scene): Worker {
  return new Worker(RUNNER, { workerData: scene, execArgv: [...CONDITIONS] });
}

/** Runs a scene in a worker thread, which has ended when this resolves; what the scene returned. */
export async function inThread(scene: Scene): Promise<unknown> {
  const worker = startThread(scene);
  const answers: unknown[] = [];
  worker.on('message', (answer) => answers.push(answer));
  // an error that the scene throws rejects this
  await once(worker, 'exit');
  return answers[0];
}

/** The arguments of Node.js with which it runs a scene, and writes what it returned to stdout. */
export function sceneArguments(scene: Scene): string[] {
  const runner = fileURLToPath(RUNNER);
  return [...LOADER, '--expose-gc', runner, JSON.stringify(scene)];
}

/** A clean environment for it: NODE_TEST_CONTEXT would make the child a test file. */
export function sceneEnvironment(): { readonly PATH?: string } {
  const { PATH } = process.env;
  return PATH === undefined ? {} : { PATH };
}

/** Runs a scene in a process; what the scene returned. */
export function inProcess(scene: Scene): unknown {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, sceneArguments(scene), {
    env: sceneEnvironment(),
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (status !== 0) throw new Error(`${scene.name} ended with ${status ?? signal}:\n${stderr}`);
  return JSON.parse(stdout);
}

/** The same, without blocking this process. */
export async function startProcess(scene: Scene): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, sceneArguments(scene), {
    env: sceneEnvironment(),
    timeout: 60_000,
  });
  return JSON.parse(stdout);
}
