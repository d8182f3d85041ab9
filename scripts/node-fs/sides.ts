/** Ways to run a test of Node's: a runtime alone, and `uring/register` with each backend that it can come to. */
import { spawn } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ACTIONS, cannotCompile, compileWrapper } from '../../test/helpers/seccomp.ts';
import { BUN, DENO, installed, type Package } from '../runtimes/install.ts';

const IO_URING_CALLS = '425,426,427';
const LIMIT_MS = 120_000;
/** Where the test was not written for the runtime, which may wait forever. */
const SHORT_LIMIT_MS = 20_000;

/** A way to run it. */
export interface Side {
  readonly name: string;
  /** What stands before the runtime. */
  readonly before: readonly string[];
  /** The module that is preloaded. */
  readonly preload: string | undefined;
  readonly URING: string;
  /** What URING=verbose has to say: it shows that the side is what it should be. */
  readonly says: RegExp | undefined;
  /** Why it can't be had here. */
  readonly skip?: string;
}

/** What runs the tests. */
export interface Runtime {
  readonly name: string;
  /** By itself: what fails here is no matter of ours. */
  readonly alone: Side;
  readonly sides: readonly Side[];
  /** Command, and options, before what the side preloads. */
  readonly command: readonly string[];
  readonly preloadOption: string;
  /** Does it know the options of Node.js? */
  readonly isNode: boolean;
}

/** What came of one test. */
export interface Run {
  readonly passed: boolean;
  /** Calls that a ring was given. */
  readonly ringCalls: number;
  readonly output: string;
}

const BY_THREADS = /uses the threads of Node\.js by way of uring\/fs: (.*)/;

const ALONE: Side = { name: 'alone', before: [], preload: undefined, URING: '', says: undefined };

function overRing(name: string, preload: string): Side {
  return { name, before: [], preload, URING: 'on,verbose', says: /node:fs uses io_uring/ };
}

function forced(name: string, preload: string): Side {
  return { name, before: [], preload, URING: 'off,always,verbose', says: /the threads were asked for/ };
}

/** Node.js, Bun and Deno. @param dist the built package @param folder for what they need */
export function runtimes(dist: string, folder: string): readonly Runtime[] {
  const preload = join(dist, 'register.mjs');
  return [
    {
      name: `Node ${process.versions.node}`,
      alone: ALONE,
      sides: nodeSides(dist, folder),
      command: [process.execPath],
      preloadOption: '--import',
      isNode: true,
    },
    other(BUN, preload, ['run']),
    other(DENO, preload, ['run', '-A']),
  ];
}

function other(found: Package, preload: string, options: readonly string[]): Runtime {
  const { path, problem } = installed(found);
  const skip = problem === undefined ? {} : { skip: problem };
  return {
    name: found.name,
    alone: { ...ALONE, ...skip },
    sides: [overRing(`${found.name}, ring`, preload), forced(`${found.name}, off`, preload)],
    command: [path, ...options],
    preloadOption: '--preload',
    isNode: false,
  };
}

function nodeSides(dist: string, folder: string): readonly Side[] {
  const preload = join(dist, 'register.mjs');
  // far from any node_modules
  const alone = join(folder, 'alone');
  cpSync(dist, join(alone, 'dist'), { recursive: true });
  cpSync(join(dist, '../package.json'), join(alone, 'package.json'));
  return [
    overRing('io_uring', preload),
    forced('URING=off', preload),
    confined('EPERM', 1, folder, preload),
    confined('ENOSYS', 38, folder, preload),
    {
      name: 'without koffi',
      before: [],
      preload: join(alone, 'dist/register.mjs'),
      URING: 'always,verbose',
      says: /koffi could not be loaded/,
    },
  ];
}

function confined(name: string, errno: number, folder: string, preload: string): Side {
  const side = { name, preload, URING: 'always,verbose', says: BY_THREADS };
  const skip = cannotCompile();
  if (skip !== false) return { ...side, before: [], skip };
  const action = `${ACTIONS.errno(errno)}`;
  return { ...side, before: [compileWrapper(folder), action, IO_URING_CALLS] };
}

/** The options of Node.js that a test asks for in a comment. */
function flagsOf(file: string): string[] {
  const flags = /^\/\/ Flags: (.*)$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? '';
  return flags.split(' ').filter((flag) => flag !== '');
}

/** Ends a process and those that it has started. */
function endGroup(pid: number | undefined): void {
  if (pid !== undefined) process.kill(-pid, 'SIGKILL');
}

/** Runs a test. @param lane tests that run at the same time have different ones */
export function runTest(
  runtime: Runtime,
  side: Side,
  tests: string,
  name: string,
  lane: number,
): Promise<Run> {
  const file = join(tests, 'parallel', name);
  const preload = side.preload === undefined ? [] : [runtime.preloadOption, side.preload];
  const flags = runtime.isNode ? flagsOf(file) : [];
  const [program = '', ...args] = [...side.before, ...runtime.command, ...preload, ...flags, file];
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...rest } = process.env;
  // others have more globals than Node's tests know, and a test that misses an option of Node's would start itself for ever
  const lenient = runtime.isNode ? {} : { NODE_TEST_KNOWN_GLOBALS: '0', NODE_SKIP_FLAG_CHECK: '1' };
  return new Promise((done) => {
    const child = spawn(program, args, {
      cwd: tests,
      env: { ...rest, ...lenient, URING: side.URING, TEST_SERIAL_ID: `${lane}` },
      stdio: ['ignore', 'pipe', 'pipe'],
      // a group of its own, which ends as a whole
      detached: true,
    });
    const limit = setTimeout(() => endGroup(child.pid), runtime.isNode ? LIMIT_MS : SHORT_LIMIT_MS);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
    child.on('error', (error) => {
      clearTimeout(limit);
      done({ passed: false, ringCalls: 0, output: error.message });
    });
    child.on('close', (code) => {
      clearTimeout(limit);
      const ringCalls = Number(/(\d+) calls went through io_uring/.exec(output)?.[1] ?? 0);
      const isRight = side.says?.test(output) !== false;
      done({ passed: code === 0 && isRight, ringCalls, output });
    });
  });
}
