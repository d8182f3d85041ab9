/**
 * `npm run mutate [-- NAME...]`: makes one mistake after the other in a compiled copy of the project, runs the tests that must notice, and tells
 * which mistakes nobody noticed. Exits with 1 when there is one, or one that does not apply to the code any more.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { compileCheckout } from './compile.ts';
import { type Mutation, mutations } from './mutate/list.ts';

/** A mistake that makes a test hang is noticed, too. */
const TIMEOUT_MS = 120_000;

const folder = mkdtempSync(join(tmpdir(), 'uring-mutated-'));
process.on('exit', () => rmSync(folder, { recursive: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
compileCheckout(folder);

/** Writes a source of the copy as JavaScript, where that is loaded. */
function write(file: string, text: string): void {
  const { code } = transformSync(text, { loader: 'ts', target: 'node20', sourcefile: file });
  writeFileSync(join(folder, file.replace(/ts$/, 'js')), code.replaceAll(/(from "\..*)\.ts"/g, '$1.js"'));
}

const all = readdirSync(join(folder, 'test'), { recursive: true, encoding: 'utf8' }).filter(
  (path) => path.endsWith('.test.js') && !path.startsWith('soak/') && !path.startsWith('kernels/'),
);

/** The first test that fails; undefined where all pass. */
function firstFailure(tests: readonly string[]): string | undefined {
  const files = all
    .filter((path) => tests.some((each) => path.includes(each)))
    .map((path) => join('test', path));
  if (files.length === 0) throw new Error(`no test matches ${tests.join(' or ')}`);
  const node = ['--conditions=uring-source', '--expose-gc', '--test', '--test-reporter=tap'];
  const { status, error, stdout } = spawnSync(
    process.execPath,
    [...node, '--test-concurrency=1', '--test-timeout=60000', ...files],
    { cwd: folder, encoding: 'utf8', timeout: TIMEOUT_MS, killSignal: 'SIGKILL', maxBuffer: 2 ** 28 },
  );
  if (status === 0) return undefined;
  // the file's own line comes after those of its tests
  const [, name] = /^ *not ok \d+ - (.*)$/m.exec(stdout) ?? [];
  return name ?? (error ? 'it hangs' : `it ended with ${status}`);
}

/** Makes the mistake; what noticed it. */
function verdict({ file, from, to, tests }: Mutation): string | undefined {
  const text = readFileSync(join(folder, file), 'utf8');
  const count = text.split(from).length - 1;
  if (count !== 1) throw new Error(`does not apply: its text is there ${count} times`);
  try {
    write(
      file,
      text.replace(from, () => to),
    );
    return firstFailure(tests);
  } finally {
    write(file, text);
  }
}

const wanted = process.argv.slice(2);
for (const mutation of mutations) {
  if (wanted.length > 0 && !wanted.includes(mutation.name)) continue;
  const start = performance.now();
  const say = (what: string) =>
    console.log(`${mutation.name}: ${what} (${((performance.now() - start) / 1000).toFixed(0)} s)`);
  try {
    const noticed = verdict(mutation);
    say(noticed === undefined ? 'SURVIVES' : `noticed by "${noticed}"`);
    if (noticed === undefined) process.exitCode = 1;
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
