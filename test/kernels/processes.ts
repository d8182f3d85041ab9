/** Runs scenes in processes of another user, with limits. For guests, which have nothing but a shell. */
import { spawnSync } from 'node:child_process';
import { sceneArguments, sceneEnvironment } from '../helpers/scenario.ts';

const NOBODY = 65534;
const module = new URL('guest.scenes.ts', import.meta.url).href;

/** How a process is limited. */
export interface Limits {
  /** Runs as uid 65534, without groups and capabilities. */
  readonly isNobody?: boolean;
  readonly memlockKib?: number;
}

/** Runs a scene of guest.scenes.ts in a process; what it returned. */
export function runScene(
  name: string,
  argument: unknown,
  { isNobody = false, memlockKib }: Limits = {},
): unknown {
  const limit = memlockKib === undefined ? '' : `ulimit -l ${memlockKib} && `;
  const { status, stdout, stderr } = spawnSync(
    '/bin/sh',
    [
      '-c',
      `${limit}exec "$@"`,
      'sh',
      process.execPath,
      '--jitless',
      ...sceneArguments({ module, name, argument }),
    ],
    {
      env: sceneEnvironment(),
      encoding: 'utf8',
      timeout: 30_000,
      ...(isNobody && { uid: NOBODY, gid: NOBODY }),
    },
  );
  if (status !== 0) throw new Error(`${name} ended with ${status}:\n${stderr}`);
  return JSON.parse(stdout);
}
