/** Scenes that need a thread or a process of their own: exported functions of `*.scenes.ts` modules. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

const RUNNER = new URL('scenario.mjs', import.meta.url);

/** A function `name` that the module at `module` exports. */
export interface Scene {
  readonly module: string;
  readonly name: string;
  /** What it is called with; must survive JSON. */
  readonly argument?: unknown;
}

/** Runs a scene in a worker thread, which has ended when this resolves; what the scene returned. */
export async function inThread(scene: Scene): Promise<unknown> {
  const worker = new Worker(RUNNER, { workerData: scene, execArgv: ['--conditions=uring-source'] });
  const answers: unknown[] = [];
  worker.on('message', (answer) => answers.push(answer));
  // an error that the scene throws rejects this
  await once(worker, 'exit');
  return answers[0];
}

/** Runs a scene in a process; what the scene returned. */
export function inProcess(scene: Scene): unknown {
  // a clean environment: NODE_TEST_CONTEXT would make the child a test file
  const { PATH } = process.env;
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=uring-source', '--import', 'tsx', fileURLToPath(RUNNER), JSON.stringify(scene)],
    { env: { PATH }, encoding: 'utf8', timeout: 60_000 },
  );
  if (status !== 0) throw new Error(`${scene.name} ended with ${status ?? signal}:\n${stderr}`);
  return JSON.parse(stdout);
}
