/**
 * `node --import uring/register app.js`, or `--require`: puts what a ring does faster into `node:fs` and
 * `node:fs/promises`, for programs that were not written for it. `URING=off`, or a host without io_uring, leaves Node
 * alone; `URING=verbose` says on stderr what is active.
 */
import nodeFs from 'node:fs';
import nodePromises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { backend, environmentSays, ringUses } from './backend.ts';
import * as callbacks from './callbacks.ts';
import { ours } from './promises.ts';

/** Puts `replacement` in place of a function, with its name, its length, and what promisify() knows of it. */
function replace(object: object, name: string, replacement: unknown): void {
  const original: unknown = Reflect.get(object, name);
  if (typeof original !== 'function' || typeof replacement !== 'function') return;
  const { prototype: _, ...properties } = Object.getOwnPropertyDescriptors(original);
  Object.defineProperties(replacement, properties);
  Reflect.set(object, name, replacement);
}

function install(): void {
  for (const [name, replacement] of Object.entries(callbacks)) replace(nodeFs, name, replacement);
  for (const [name, replacement] of Object.entries(ours)) replace(nodePromises, name, replacement);
  syncBuiltinESMExports();
}

function say(text: string): void {
  if (environmentSays('verbose')) nodeFs.writeSync(2, `uring/register: ${text}\n`);
}

const { name, cause, fix } = backend();
const why = [cause, fix].filter((part) => part !== undefined).join(': ');
if (name === 'io_uring') {
  install();
  say('node:fs uses io_uring');
  if (isMainThread) process.on('exit', () => say(`${ringUses()} calls went through io_uring`));
} else if (environmentSays('always')) {
  install();
  say(`node:fs uses the threads of Node.js by way of uring/fs: ${why}`);
} else say(`node:fs is left alone: ${why}`);
