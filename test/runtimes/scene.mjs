/** Runs one scene of scenes.mjs in a process of its own, so that nothing else is on its event loop and a crash is seen. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const SCENES = fileURLToPath(new URL('scenes.mjs', import.meta.url));
/** A scene that hangs is ended; none takes a tenth of this alone on the machine. */
const PATIENCE_MS = process.env.URING_TERMINATE === undefined ? 60_000 : 600_000;

/**
 * How the process `args` ended, and what it said.
 * @returns {Promise<{ status: number | null, signal: string | null, stdout: string, stderr: string }>}
 */
export async function ending(args, options = {}) {
  // a clean environment: NODE_TEST_CONTEXT would make the child a test file
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, args, { env: { PATH, HOME }, ...options });
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => (stdout += data));
  child.stderr.on('data', (data) => (stderr += data));
  const [status, signal] = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (...end) => resolve(end));
  });
  clearTimeout(timer);
  return { status, signal, stdout, stderr };
}

/** What the scene `name` wrote, as JSON; fails when its process did not end well. */
export async function scene(name, ...args) {
  const { status, signal, stdout, stderr } = await ending(['--expose-gc', SCENES, name, ...args.map(String)]);
  assert.equal(
    signal ?? status,
    0,
    `${name} ${args.join(' ')} ended with ${signal ?? status}\n${stdout}${stderr}`,
  );
  return JSON.parse(stdout);
}
