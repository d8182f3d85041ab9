/**
 * What `npm test` runs: every test file beside this one, or those whose path contains one of the patterns given.
 * `--soak` takes test/soak instead. `--timeout SECONDS` is for each file: slow machines need more. Compiled to JavaScript it runs the compiled tests, without tsx.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  options: {
    soak: { type: 'boolean', default: false },
    /** Seconds for each file. */
    timeout: { type: 'string' },
  },
  allowPositionals: true,
});
const timeout = Number(values.timeout ?? (values.soak ? 600 : 120));
const here = import.meta.dirname;
const extension = extname(import.meta.filename);

const found = readdirSync(here, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith(`.test${extension}`) && path.startsWith('soak/') === values.soak)
  // those are for guests: npm run test:kernels
  .filter((path) => !path.startsWith('kernels/'))
  .filter((path) => positionals.length === 0 || positionals.some((pattern) => path.includes(pattern)))
  .sort()
  .map((path) => relative('.', join(here, path)));

// an ordinary user's memlock is charged per uid and released late, so that files side by side would starve each other
const concurrency = process.getuid?.() === 0 && !values.soak ? 2 : 1;

if (found.length === 0) {
  console.error(`no test file in ${here} matches ${positionals.join(' or ') || `*.test${extension}`}`);
  process.exit(1);
}

/** Builds the package beside nothing else, for tests that start its command many times; where, or undefined. */
function compile(): string | undefined {
  if (extension !== '.ts') return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'uring-compiled-'));
  const root = join(here, '..');
  const build = ['--import', 'tsx', join(root, 'scripts/build.ts'), join(folder, 'dist')];
  const { status } = spawnSync(process.execPath, build, { stdio: 'inherit' });
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  // some tests run it as another user
  chmodSync(folder, 0o755);
  process.on('exit', () => rmSync(folder, { recursive: true }));
  return status === 0 ? folder : undefined;
}

const compiled = compile();
const { status, signal, error } = spawnSync(
  process.execPath,
  [
    ...(extension === '.ts' ? ['--conditions=uring-source', '--import', 'tsx'] : []),
    '--expose-gc',
    '--test',
    `--test-concurrency=${concurrency}`,
    '--test-reporter=spec',
    // a lost completion must fail its test, not stop the run
    `--test-timeout=${timeout * 1000}`,
    ...found,
  ],
  { stdio: 'inherit', env: { ...process.env, ...(compiled && { URING_COMPILED: compiled }) } },
);
if (error) throw error;
if (signal) console.error(`the tests were ended by ${signal}`);
process.exitCode = status ?? 1;
