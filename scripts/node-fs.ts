/**
 * `npm run test:node-fs [-- --side NAME] [WORD...]`: Node's own tests of `fs/promises`, FileHandle and streams of files,
 * with the built package under `--import uring/register`: through a ring, and over Node's threads where they are asked for, a
 * seccomp filter forbids io_uring, or koffi is missing; and on Bun and Deno those that pass there without us. WORD picks
 * the tests whose name contains it. Compared with node-fs/list.ts; ends with 1 where something is not as it says.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Infrastructure } from './kernels/commands.ts';
import { BY_CHANCE, IMPOSSIBLE, PATTERN, RINGLESS } from './node-fs/list.ts';
import { type Run, type Runtime, runTest, runtimes, type Side } from './node-fs/sides.ts';
import { nodeTests } from './node-fs/source.ts';

const LANES = 2;
const LEAST_PASSED = 0.95;
const LEAST_BY_RING = 0.5;

const root = join(import.meta.dirname, '..');
const cache = join(root, 'node_modules/.cache/uring-node-fs');
const { values, positionals } = parseArgs({
  options: { side: { type: 'string', multiple: true } },
  allowPositionals: true,
});

async function runAll(
  runtime: Runtime,
  side: Side,
  tests: string,
  names: readonly string[],
): Promise<Map<string, Run>> {
  const runs = new Map<string, Run>();
  const rest = names.values();
  const lane = async (number: number) => {
    for (const name of rest) runs.set(name, await runTest(runtime, side, tests, name, number));
  };
  await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)));
  return runs;
}

function isOverRing({ URING }: Side): boolean {
  return URING.startsWith('on');
}

/** The list is of Node's internals. */
function isImpossible(side: Side, name: string): boolean {
  return isOverRing(side) && name in IMPOSSIBLE;
}

function show(name: string, { output }: Run): void {
  console.log(`--- ${name}\n${output.trimEnd().split('\n').slice(-25).join('\n')}`);
}

/** Says what is not as the list has it; how many. */
function compare(side: Side, runs: ReadonlyMap<string, Run>, passedAlone: ReadonlySet<string>): number {
  const problems: string[] = [];
  for (const [name, run] of runs) {
    const isExpected = passedAlone.has(name) && !isImpossible(side, name);
    if (run.passed === isExpected) continue;
    problems.push(`${name} ${run.passed ? 'passes, and the list says that it cannot' : 'fails'}`);
    if (!run.passed) show(name, run);
  }
  if (side.name === 'io_uring') {
    for (const [name, { ringCalls }] of runs) {
      if (ringCalls > 0 === name in RINGLESS) problems.push(`${name} gave a ring ${ringCalls} calls`);
    }
  }
  for (const problem of problems) console.log(`${side.name}: ${problem}`);
  return problems.length;
}

function summary(side: Side, runs: ReadonlyMap<string, Run>, passedAlone: ReadonlySet<string>): boolean {
  const possible = [...passedAlone].filter((name) => runs.has(name) && !isImpossible(side, name));
  const passed = possible.filter((name) => runs.get(name)?.passed);
  const byRing = [...runs.values()].filter(({ ringCalls }) => ringCalls > 0).length;
  const share = passed.length / possible.length;
  const rings = isOverRing(side) ? `, ${byRing} of ${runs.size} reach a ring` : '';
  console.log(
    `${side.name.padEnd(14)} ${passed.length} of ${possible.length} pass (${Math.round(share * 100)} %)${rings}`,
  );
  return share >= LEAST_PASSED && (!isOverRing(side) || byRing / runs.size >= LEAST_BY_RING);
}

/** All sides of a runtime; is all as it should be? */
async function runOn(runtime: Runtime, tests: string, names: readonly string[]): Promise<boolean> {
  const sides = runtime.sides.filter(({ name }) => values.side?.includes(name) ?? true);
  if (sides.length === 0) return true;
  if (skips(runtime.alone, runtime.name)) return true;
  const runs = await runAll(runtime, runtime.alone, tests, names);
  const passedAlone: ReadonlySet<string> = new Set(names.filter((name) => runs.get(name)?.passed));
  console.log(`${names.length} tests, ${passedAlone.size} pass with ${runtime.name} itself`);
  const meant = runtime.isNode ? names : meantFor(runtime.name, passedAlone);
  let isWell = true;
  for (const side of sides) {
    if (skips(side, side.name)) continue;
    const found = await runAll(runtime, side, tests, meant);
    const problems = compare(side, found, passedAlone);
    if (!summary(side, found, passedAlone) || problems > 0) isWell = false;
  }
  return isWell;
}

/** Another runtime may wait forever for what it does not have, and its internals are not those that are patched. */
function meantFor(runtime: string, passedAlone: ReadonlySet<string>): string[] {
  const byChance = BY_CHANCE[runtime] ?? {};
  return [...passedAlone].filter((name) => !(name in byChance || name in IMPOSSIBLE));
}

function skips({ skip }: Side, name: string): boolean {
  if (skip !== undefined) console.log(`${name.padEnd(14)} skipped: ${skip}`);
  return skip !== undefined;
}

async function main(folder: string): Promise<boolean> {
  if (!existsSync(join(root, 'dist/register.mjs')))
    throw new Infrastructure('there is no dist: npm run build');
  mkdirSync(cache, { recursive: true });
  const tests = nodeTests(cache);
  const names = readdirSync(join(tests, 'parallel'))
    .filter((name) => PATTERN.test(name))
    .filter((name) => positionals.length === 0 || positionals.some((word) => name.includes(word)));
  if (names.length === 0) throw new Infrastructure('no test is meant');
  let isWell = true;
  for (const runtime of runtimes(join(root, 'dist'), folder))
    if (!(await runOn(runtime, tests, names))) isWell = false;
  return isWell;
}

const folder = mkdtempSync(join(tmpdir(), 'uring-node-fs-'));
try {
  process.exitCode = (await main(folder)) ? 0 : 1;
} catch (error) {
  if (!(error instanceof Infrastructure)) throw error;
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
