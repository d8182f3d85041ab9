/**
 * `npm run test:runtimes -- --suites [--sample] [PATTERN...]`: the suites of ring, ops and async on Deno and Bun, a process for
 * each file. What fails because a runtime differs from Node.js is named in DIFFERENCES, with the reason, and counts as skipped;
 * one of these that passes is told, so that it is taken off the list.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { compileCheckout } from '../compile.ts';
import { DIFFERENCES, type Difference } from './differences.ts';

/** A part of all files, each of which another part of the package can break: for the check. */
const SAMPLE = [
  ...['accept', 'cancel', 'give-up', 'pool-fair', 'queue', 'recv', 'send-zc', 'timeout'].map(
    (name) => `async/${name}.`,
  ),
  ...['close', 'files', 'queues', 'reap', 'ring', 'submit'].map((name) => `ring/${name}.`),
  ...['effect-rw', 'effect-wait'].map((name) => `ops/${name}.`),
];
const FILE_SECONDS = 240;

/** One test of a file. */
interface Verdict {
  readonly name: string;
  readonly state: 'passed' | 'skipped' | 'failed';
}

/** What came of a runtime. */
export interface SuiteResult {
  readonly passed: number;
  readonly skipped: number;
  readonly failed: number;
  /** How many tests each difference is the reason for. */
  readonly reasons: ReadonlyMap<string, number>;
}

/** How a runtime runs a file of tests, and how it says what came of each. */
interface Runner {
  readonly args: (file: string) => readonly string[];
  readonly line: RegExp;
}

const RUNNERS: { readonly [runtime: string]: Runner } = {
  deno: {
    args: (file) => [
      ...['test', '-A', '--no-check', '--conditions=uring-source', '--v8-flags=--expose-gc'],
      ...['--reporter=tap', `./${file}`],
    ],
    line: /^(ok|not ok) \d+ - (.*?)( # SKIP.*)?$/,
  },
  bun: {
    args: (file) => ['--conditions=uring-source', '--expose-gc', 'test', '--timeout', '120000', `./${file}`],
    line: /^\((pass|skip|fail|todo)\) (.*?)( \[[\d.]+m?s\])?$/,
  },
};

function verdicts(output: string, { line }: Runner): Verdict[] {
  return output.split('\n').flatMap((text): Verdict[] => {
    const [, word = '', name = '', skip] = line.exec(text) ?? [];
    if (word === '') return [];
    if (word === 'skip' || word === 'todo' || /SKIP/.test(skip ?? '')) return [{ name, state: 'skipped' }];
    return [{ name, state: word === 'ok' || word === 'pass' ? 'passed' : 'failed' }];
  });
}

/** Deno's node:fs takes no fd that it did not open: tests use libc's calls instead. */
function useLibc(folder: string): void {
  const shim = join(folder, 'test/runtimes/node-fs-by-libc.mjs');
  for (const name of readdirSync(join(folder, 'test'), { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, 'test', name);
    if (!path.endsWith('.js')) continue;
    const text = readFileSync(path, 'utf8');
    const there = relative(join(path, '..'), shim);
    const changed = text.replaceAll(
      "from 'node:fs'",
      `from '${there.startsWith('.') ? there : `./${there}`}'`,
    );
    if (changed !== text) writeFileSync(path, changed);
  }
}

/** The tests of a file, the ones that a difference explains as skipped. */
function judged(
  all: readonly Verdict[],
  known: readonly Difference[],
  reasons: Map<string, number>,
): Verdict[] {
  return all.map((each) => {
    const found = known.find(({ test }) => test === undefined || test.test(each.name));
    if (found === undefined || each.state === 'skipped') return each;
    if (each.state === 'passed') return each;
    reasons.set(found.reason, (reasons.get(found.reason) ?? 0) + 1);
    return { ...each, state: 'skipped' };
  });
}

/** Runs the suites on one runtime; `log` gets a line for each file that is not as it should be. */
export function runSuites(
  runtime: string,
  binary: string,
  patterns: readonly string[],
  isSample: boolean,
  log: (text: string) => void,
): SuiteResult {
  const runner = RUNNERS[runtime];
  if (runner === undefined) throw new Error(`the suites don't run on ${runtime}`);
  const folder = mkdtempSync(join(tmpdir(), 'uring-suites-'));
  const reasons = new Map<string, number>();
  const counts = { passed: 0, skipped: 0, failed: 0 };
  try {
    compileCheckout(folder);
    if (runtime === 'deno') useLibc(folder);
    const files = ['ring', 'ops', 'async']
      .flatMap((name) => readdirSync(join(folder, 'test', name)).map((file) => `test/${name}/${file}`))
      .filter((file) => file.endsWith('.test.js'))
      .filter((file) => !isSample || SAMPLE.some((part) => file.includes(part)))
      .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)));
    for (const file of files) {
      const known = DIFFERENCES.filter((each) => each.runtime === runtime && file.includes(each.file));
      const { stdout, stderr, signal, status } = spawnSync(binary, runner.args(file), {
        cwd: folder,
        encoding: 'utf8',
        timeout: FILE_SECONDS * 1000,
        killSignal: 'SIGKILL',
        maxBuffer: 2 ** 27,
        env: { ...process.env, NO_COLOR: '1' },
      });
      const all = judged(verdicts(`${stdout}\n${stderr}`, runner), known, reasons);
      for (const { state } of all) counts[state]++;
      const failed = all.filter(({ state }) => state === 'failed');
      // a process that ended in the middle tells of no failure
      const isCut =
        all.length === 0 || signal !== null || (status !== 0 && failed.length === 0 && known.length === 0);
      if (isCut) counts.failed++;
      if (failed.length === 0 && !isCut) continue;
      log(`${runtime} ${file}: ${isCut ? `ended with ${signal ?? status}; ` : ''}${failed.length} failed`);
      for (const { name } of failed) log(`  ${name}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return { ...counts, reasons };
}
