/**
 * `npm run nightly [-- STEP...]`: what takes long, or needs tools that few have. Each step is a command; it ends with 0
 * where all is well. Another check adds its line here. `--list` names them.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

interface Step {
  readonly name: string;
  readonly does: string;
  readonly command: readonly string[];
}

/** A script of this folder, run as this one is. */
const script = (name: string, ...args: readonly string[]): readonly string[] => [
  ...[process.execPath, '--conditions=uring-source', '--import', 'tsx'],
  ...[join(import.meta.dirname, 'nightly', name), ...args],
];

/** A script of package.json, with what is added to it. */
const npm = (name: string, ...args: readonly string[]): readonly string[] => [
  'npm',
  'run',
  '--silent',
  name,
  '--',
  ...args,
];

const STEPS: readonly Step[] = [
  {
    name: 'logs',
    does: 'installed strace, perf and bpftrace: every call is decoded',
    command: script('logs.ts'),
  },
  {
    name: 'strace',
    does: 'strace of three versions with every flag set: as many calls as were made',
    command: script('logs.ts', '--strace'),
  },
  {
    name: 'guest-logs',
    does: 'trace-cmd, auditd and ausearch, in a guest: every call is decoded',
    command: script('logs.ts', '--guest'),
  },
  { name: 'kernels', does: 'the tests on every kernel of the ladder', command: npm('test:kernels', '--all') },
  {
    name: 'operations',
    does: "trace --ops, top and watch on four kernels: as many operations as a program's own count",
    command: npm('test:kernels', '5.10', '6.1', '6.12', '7.2', '--only', 'cli/operations'),
  },
  { name: 'node-fs', does: "Node's own tests of files, over each backend", command: npm('test:node-fs') },
  {
    name: 'programs',
    does: 'programs from npm with uring/register, beside plain Node',
    command: script('programs.ts'),
  },
  {
    name: 'workers',
    does: 'a thousand workers terminated under load, on every Node',
    command: ['env', 'URING_TERMINATE=1000', ...npm('test:runtimes', 'terminate')],
  },
  {
    name: 'suites',
    does: 'the suites of ring, ops and async on Deno and Bun',
    command: npm('test:runtimes', '--suites'),
  },
  {
    name: 'soak',
    does: 'ten million operations of every common kind, aborted at random; ten minutes of all that ends',
    command: [
      ...['env', 'URING_OPS=10000000', 'URING_SECONDS=600'],
      ...npm('test:soak', '--timeout', '7200', 'soak/async', 'soak/ends'),
    ],
  },
  { name: 'matrix', does: 'runtimes, bundlers, compilers and package managers', command: npm('matrix') },
  { name: 'fuzz', does: 'half a million calls with hostile values', command: npm('fuzz') },
  { name: 'mutate', does: 'mistakes that the tests must notice', command: npm('mutate') },
];

const wanted = process.argv.slice(2);
if (wanted.includes('--list')) for (const { name, does } of STEPS) console.log(`${name.padEnd(10)}${does}`);
else {
  const unknown = wanted.filter((name) => !STEPS.some((step) => step.name === name));
  if (unknown.length > 0) throw new Error(`no such step: ${unknown.join(', ')}; --list names them`);
  const failed: string[] = [];
  for (const { name, command } of STEPS.filter((step) => wanted.length === 0 || wanted.includes(step.name))) {
    console.log(`=== ${name}`);
    const [program = '', ...args] = command;
    const { status } = spawnSync(program, args, { stdio: 'inherit', cwd: join(import.meta.dirname, '..') });
    if (status !== 0) failed.push(name);
  }
  if (failed.length > 0) console.error(`failed: ${failed.join(', ')}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}
