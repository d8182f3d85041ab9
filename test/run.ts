/**
 * What `npm test` runs: every test file beside this one, or those whose path contains one of the patterns given.
 * `--soak` takes test/soak instead. `--timeout SECONDS` is for each file: slow machines need more. Everything is compiled once, into a
 * checkout of its own: each test file is a process, and so is much of what tests start.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compileCheckout } from '../scripts/compile.ts';

const { values, positionals } = parseArgs({
  options: {
    soak: { type: 'boolean', default: false },
    /** Seconds for each file. */
    timeout: { type: 'string' },
  },
  allowPositionals: true,
});
const timeout = Number(values.timeout ?? (values.soak ? 600 : 240));

const found = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.test.ts') && path.startsWith('soak/') === values.soak)
  // those are for guests: npm run test:kernels
  .filter((path) => !path.startsWith('kernels/'))
  .filter((path) => positionals.length === 0 || positionals.some((pattern) => path.includes(pattern)))
  .sort()
  .map((path) => join('test', path.replace(/ts$/, 'js')));

// an ordinary user's memlock is charged per uid and released late, so that files side by side would starve each other
const concurrency = process.getuid?.() === 0 && !values.soak ? 2 : 1;

if (found.length === 0) {
  console.error(`no test file in ${import.meta.dirname} matches ${positionals.join(' or ') || '*.test.ts'}`);
  process.exit(1);
}

const folder = mkdtempSync(join(tmpdir(), 'uring-compiled-'));
process.on('exit', () => rmSync(folder, { recursive: true }));
compileCheckout(folder);

const { status, signal, error } = spawnSync(
  process.execPath,
  [
    '--conditions=uring-source',
    '--enable-source-maps',
    '--expose-gc',
    '--test',
    `--test-concurrency=${concurrency}`,
    '--test-reporter=spec',
    // a lost completion must fail its test, not stop the run
    `--test-timeout=${timeout * 1000}`,
    ...found,
  ],
  { stdio: 'inherit', cwd: folder },
);
if (error) throw error;
if (signal) console.error(`the tests were ended by ${signal}`);
process.exitCode = status ?? 1;
