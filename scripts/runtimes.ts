/**
 * `npm run test:runtimes [PATTERN...]`: the built package on every runtime that people have. Node 20, 22, 24 and 26 run
 * test/runtimes/*.test.mjs (or those whose name contains a pattern), Deno and Bun a program each. Prints a table, or
 * with `--json` the same as data; a runtime that can't be had is named as skipped, with the reason. `--suites` runs the suites
 * of ring, ops and async on Deno and Bun, `--sample` some of their files.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BUN, DENO, installed, type Package } from './runtimes/install.ts';
import { runSuites } from './runtimes/suites.ts';

const root = join(import.meta.dirname, '..');
const tests = join(root, 'test/runtimes');
const { values, positionals } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    suites: { type: 'boolean', default: false },
    sample: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
interface Runtime extends Package {
  readonly args: readonly string[];
}

/** What came of one runtime. */
interface Result {
  readonly runtime: string;
  readonly version: string;
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
  /** Tests of the suites that were not run, or that fail by a difference of the runtime's. */
  readonly without?: number;
  /** Why it was not run. */
  readonly skipped?: string;
}

const files = readdirSync(tests)
  .filter((name) => name.endsWith('.test.mjs'))
  .filter((name) => positionals.length === 0 || positionals.some((pattern) => name.includes(pattern)))
  .map((name) => join(tests, name));
/** How long a file of tests, and a runtime, may take: a thousand workers (URING_TERMINATE) take longer. */
const { URING_TERMINATE } = process.env;
const PATIENCE_MS = URING_TERMINATE === undefined ? 300_000 : 1_200_000;
const NODE_ARGS = [
  '--test',
  '--test-concurrency=1',
  '--test-reporter=tap',
  `--test-timeout=${PATIENCE_MS}`,
  ...files,
];
const NODES: readonly Runtime[] = ['22', '24', '26'].map((major) => ({
  name: `node-${major}`,
  spec: `npm:node-linux-${process.arch}@${major}`,
  binary: 'bin/node',
  args: NODE_ARGS,
}));
const DENO_AND_BUN: readonly Runtime[] = [
  { ...DENO, args: ['run', '-A', join(tests, 'others.mjs')] },
  { ...BUN, args: ['run', join(tests, 'others.mjs')] },
];

function log(text: string): void {
  // with --json stdout is the result alone
  (values.json ? console.error : console.log)(text);
}

/** The number behind `# pass` or its like in TAP. */
function counted(tap: string, word: string): number | undefined {
  const found = new RegExp(`^# ${word} (\\d+)$`, 'm').exec(tap)?.[1];
  return found === undefined ? undefined : Number(found);
}

function run(runtime: string, binary: string, args: readonly string[]): Result {
  const version =
    /\d+\.\d+\.\d+/.exec(spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout)?.[0] ?? '?';
  const start = performance.now();
  const { status, signal, stdout, stderr, error } = spawnSync(binary, args, {
    cwd: root,
    encoding: 'utf8',
    timeout: 2 * PATIENCE_MS,
    killSignal: 'SIGKILL',
    maxBuffer: 2 ** 26,
  });
  const seconds = Math.round(performance.now() - start) / 1000;
  const passed = counted(stdout, 'pass') ?? 0;
  // what crashed has counted nothing
  const failed = (counted(stdout, 'fail') ?? 0) + (counted(stdout, 'cancelled') ?? 0);
  const isWell = status === 0 && failed === 0 && passed > 0;
  if (!isWell)
    log(`${runtime} ${version} ended with ${error?.message ?? signal ?? status}\n${stdout}${stderr}`);
  return { runtime, version, passed, failed: isWell ? 0 : Math.max(failed, 1), seconds };
}

function fetchAndRun(runtime: Runtime): Result {
  const { name, args } = runtime;
  const { path, problem } = installed(runtime);
  if (problem === undefined) return run(name, path, args);
  return { runtime: name, version: '', passed: 0, failed: 0, seconds: 0, skipped: problem };
}

/** The suites on one runtime, with the reasons for what is skipped. */
function suitesOn(runtime: Runtime): Result {
  const { name } = runtime;
  const { path, problem } = installed(runtime);
  const none = { runtime: name, version: 'suites', passed: 0, failed: 0, seconds: 0 };
  if (problem !== undefined) return { ...none, skipped: problem };
  const start = performance.now();
  const { passed, failed, skipped, reasons } = runSuites(name, path, positionals, values.sample, log);
  for (const [reason, count] of reasons) log(`${name}: ${count} skipped: ${reason}`);
  const seconds = Math.round(performance.now() - start) / 1000;
  return { ...none, passed, failed, without: skipped, seconds };
}

if (!values.suites && files.length === 0)
  throw new Error(`no test file in ${tests} matches ${positionals.join(' or ')}`);
if (!values.suites && !existsSync(join(root, 'dist/index.cjs')))
  throw new Error('there is no dist: npm run build');

const own = `node-${process.versions.node.split('.')[0]}`;
const results: Result[] = [];
function report(result: Result): void {
  results.push(result);
  const { runtime, version, passed, failed, seconds, skipped, without } = result;
  const some = without === undefined ? '' : `${without} skipped, `;
  const verdict = skipped === undefined ? `${passed} passed, ${some}${failed} failed` : `skipped: ${skipped}`;
  log(`${runtime.padEnd(8)} ${version.padEnd(9)} ${verdict.padEnd(24)} ${seconds.toFixed(1).padStart(6)} s`);
}

if (values.suites) for (const each of DENO_AND_BUN) report(suitesOn(each));
else {
  report(run(own, process.execPath, NODE_ARGS));
  for (const each of NODES) if (each.name !== own) report(fetchAndRun(each));
  for (const each of DENO_AND_BUN) report(fetchAndRun(each));
}

if (values.json) console.log(JSON.stringify(results, undefined, 2));
process.exitCode = results.some(({ failed }) => failed > 0) ? 1 : 0;
