/** Ways to run a test of Node's: Node alone, and `uring/register` with each backend that it can come to. */
import { spawn } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ACTIONS, cannotCompile, compileWrapper } from '../../test/helpers/seccomp.ts';

const IO_URING_CALLS = '425,426,427';
const LIMIT_MS = 120_000;

/** A way to run it. */
export interface Side {
  readonly name: string;
  /** What stands before `node`. */
  readonly before: readonly string[];
  /** The module that is preloaded. */
  readonly preload: string | undefined;
  readonly URING: string;
  /** What URING=verbose has to say: it shows that the side is what it should be. */
  readonly says: RegExp | undefined;
  /** Why it can't be had here. */
  readonly skip?: string;
}

/** What came of one test. */
export interface Run {
  readonly passed: boolean;
  /** Calls that a ring was given. */
  readonly ringCalls: number;
  readonly output: string;
}

const BY_THREADS = /uses the threads of Node\.js by way of uring\/fs: (.*)/;

/** All sides. @param dist the built package @param folder for what they need */
export function sides(dist: string, folder: string): readonly Side[] {
  const preload = join(dist, 'register.mjs');
  const threads = { before: [], preload, says: BY_THREADS };
  // far from any node_modules
  const alone = join(folder, 'alone');
  cpSync(dist, join(alone, 'dist'), { recursive: true });
  cpSync(join(dist, '../package.json'), join(alone, 'package.json'));
  return [
    { name: 'node', before: [], preload: undefined, URING: '', says: undefined },
    { name: 'io_uring', before: [], preload, URING: 'on,verbose', says: /node:fs uses io_uring/ },
    { ...threads, name: 'URING=off', URING: 'off,always,verbose', says: /the threads were asked for/ },
    ...[
      { name: 'EPERM', errno: 1 },
      { name: 'ENOSYS', errno: 38 },
    ].map(({ name, errno }) => confined(name, errno, folder, preload)),
    {
      ...threads,
      name: 'without koffi',
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

/** Runs a test. @param lane tests that run at the same time have different ones */
export function runTest(side: Side, tests: string, name: string, lane: number): Promise<Run> {
  const file = join(tests, 'parallel', name);
  const preload = side.preload === undefined ? [] : ['--import', side.preload];
  const [program = '', ...args] = [...side.before, process.execPath, ...preload, ...flagsOf(file), file];
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...rest } = process.env;
  return new Promise((done) => {
    const child = spawn(program, args, {
      cwd: tests,
      env: { ...rest, URING: side.URING, TEST_SERIAL_ID: `${lane}` },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
    child.on('error', (error) => done({ passed: false, ringCalls: 0, output: error.message }));
    child.on('close', (code) => {
      const ringCalls = Number(/(\d+) calls went through io_uring/.exec(output)?.[1] ?? 0);
      const isRight = side.says?.test(output) !== false;
      done({ passed: code === 0 && isRight, ringCalls, output });
    });
  });
}
