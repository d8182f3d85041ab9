/**
 * What runs in a guest of the kernel ladder: the tour, then the tests, file by file in this one process. Each result goes
 * out as a line of JSON after `@@`; `scripts/kernels.ts` reads them.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { release } from 'node:os';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { probe } from '../../lib/register/support.ts';
import { LOADER, ROOT } from '../helpers/loader.ts';
import { END_OF_FILE, tell } from './telling.ts';

const FOLDERS = ['register', 'ring', 'ops', 'async', 'net', 'kernels'];
/** Others that depend on the kernel: its trace events have another form in each. */
const FILES = ['test/host/operations.test.js'];
/** Only where it is asked for by name (`--only cli/operations`): two minutes, of which most is for starting Node.js. */
const FILES_ON_DEMAND = ['test/cli/operations.test.js'];

/** What a guest can't have, or what takes too long where everything is 13 to 46 times slower. */
const LEFT_OUT: readonly (readonly [path: string, why: string])[] = [
  ['register/differential', 'compares with strace, which no guest has'],
  ['register/members', 'compares with strace, which no guest has'],
  ['register/explain-memlock', 'needs prlimit and setpriv; kernels/unprivileged.test.ts has it instead'],
  ['register/support-seccomp', 'needs Python, for a seccomp filter'],
  ['register/probe-workers', 'two processes, only to compare a number'],
  ['ring/workers-threads', 'four threads, each of which loads everything: half a minute'],
  ['ring/memory', 'storms of garbage collections, in several processes: minutes'],
  ['async/pressure', 'storms of a million operations, in several processes: minutes'],
  ['async/life', 'lives and deaths of processes of their own: minutes'],
  ['async/coverage', 'reads the sources, which no guest has'],
];

const { PATH, URING_FROM = '0', URING_TESTS = '' } = process.env;
/** Where to go on, after a file that hung. */
const from = Number(URING_FROM);
const only = URING_TESTS.split(',').filter((name) => name !== '');

/** The compiled tests, by their path in the sources. */
function files(): string[] {
  const all = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, 'test', folder))
      .filter((name) => name.endsWith('.test.js'))
      .sort()
      .map((name) => join('test', folder, name)),
  );
  const more = only.length > 0 ? [...FILES, ...FILES_ON_DEMAND] : FILES;
  return [...all, ...more].filter((path) => only.length === 0 || only.some((name) => path.includes(name)));
}

/** The tour, in a process of its own: it prints one value. */
function tour(): unknown {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...LOADER, 'examples/tour.js', '--json'], {
    cwd: ROOT,
    env: { PATH },
    encoding: 'utf8',
  });
  try {
    return JSON.parse(stdout);
  } catch {
    return { error: `the tour ended with ${status}: ${stderr}` };
  }
}

async function run(path: string): Promise<void> {
  const name = relative('test', path).replace(/js$/, 'ts');
  const why = LEFT_OUT.find(([each]) => name.startsWith(`${each}.test`))?.[1];
  tell({ kind: 'file', name });
  if (why !== undefined) {
    tell({ kind: 'test', name: 'all of it', ms: 0, skip: why });
    tell({ kind: 'file-end', name });
    return;
  }
  try {
    await import(join(ROOT, path));
  } catch (error) {
    const text = error instanceof Error ? error.stack : String(error);
    tell({ kind: 'test', name: 'the file can be loaded', ms: 0, error: text });
  }
  // the tests of a file run one after the other, and this one last
  await test(`${END_OF_FILE}${name}`, () => {});
}

const paths = files();
const { register, ops, setup, features } = probe();
tell({ kind: 'start', release: release(), files: paths.length, probe: { register, ops, setup, features } });
if (from === 0) tell({ kind: 'tour', result: tour() });
for (const path of paths.slice(from)) await run(path);
tell({ kind: 'done' });
