/**
 * `npm run matrix [-- WORD...] [--sample] [--json] [--write]`: packs the package, and lets real toolchains take it: runtimes,
 * bundlers, test runners, package managers, compilers. Each row runs a program that uses all of it, or gets one clear
 * error where it can't work. Prints a table; words choose rows by their names; --write puts all of it into docs/toolchains.md.
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundlers } from './matrix/bundlers.ts';
import { compilers } from './matrix/compilers.ts';
import { musl } from './matrix/musl.ts';
import { type Row, WORKS } from './matrix/row.ts';
import { runtimes } from './matrix/runtimes.ts';

const root = join(import.meta.dirname, '..');
const { values, positionals } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    sample: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});

const rows = [...runtimes, ...bundlers, ...compilers, ...musl].filter(
  ({ name, isSample = false }) =>
    (isSample || !values.sample) &&
    (positionals.length === 0 || positionals.some((word) => name.toLowerCase().includes(word.toLowerCase()))),
);
if (rows.length === 0) throw new Error(`no row of the matrix has a name with ${positionals.join(' or ')}`);

/** Where the tools are kept from one run to the next: not below node_modules, which some tools leave out. */
const { XDG_CACHE_HOME = join(homedir(), '.cache') } = process.env;
const cache = join(XDG_CACHE_HOME, 'uring-matrix');
const modules = join(cache, 'node_modules');
/** `node` is the one that runs this: packages of other versions bring a command of that name. */
const own = join(cache, 'bin');
const STEP_MS = 240_000;

/** What came of a row. */
interface Outcome {
  readonly name: string;
  readonly verdict: 'works' | 'says why not' | 'FAILED' | 'not run';
  readonly remark: string;
  readonly seconds: number;
}

function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}\n${stdout}${stderr}`);
  return stdout;
}

/** Packs, and installs the tools that are not there yet, and the package; tells the tarball's path. */
function prepare(): string {
  mkdirSync(cache, { recursive: true });
  mkdirSync(own, { recursive: true });
  rmSync(join(own, 'node'), { force: true });
  symlinkSync(process.execPath, join(own, 'node'));
  const text = run('npm', ['pack', '--json', '--pack-destination', cache], root);
  const [packed]: { filename: string }[] = JSON.parse(text.slice(text.indexOf('[')));
  if (packed === undefined) throw new Error(`npm pack says ${text}`);
  // a name of its own: package managers keep what they had under the same
  const tarball = join(cache, `uring-${Date.now()}.tgz`);
  for (const old of readdirSync(cache)) if (/^uring-\d+\.tgz$/.test(old)) rmSync(join(cache, old));
  run('mv', [join(cache, packed.filename), tarball], cache);
  if (!existsSync(join(cache, 'package.json')))
    writeFileSync(join(cache, 'package.json'), '{ "private": true }\n');
  const tools = new Set(rows.flatMap((row) => row.tools ?? []));
  const missing = [...tools].filter(
    (spec) => !existsSync(join(modules, spec.slice(0, spec.indexOf('@', 1)))),
  );
  const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  run('npm', [...install, ...missing, tarball], cache);
  return tarball;
}

function inPath(program: string): boolean {
  const { PATH = '' } = process.env;
  const paths = [join(modules, '.bin'), ...PATH.split(delimiter)];
  return paths.some((folder) => existsSync(join(folder, program)));
}

function attempt(row: Row, tarball: string): Outcome {
  const { name, files, steps, program, says = WORKS, remark = '' } = row;
  if (program !== undefined && !inPath(program)) {
    return { name, verdict: 'not run', remark: `there is no ${program} here`, seconds: 0 };
  }
  const start = performance.now();
  const folder = join(cache, 'rows', name.replaceAll(/\W+/g, '-'));
  const away = mkdtempSync(join(tmpdir(), 'uring-matrix-'));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const { NODE_OPTIONS: _options, NODE_TEST_CONTEXT: _context, PATH = '', ...environment } = process.env;
  const env = { ...environment, CI: 'true', MODULES: modules, AWAY: away, TARBALL: tarball };
  const bin = [own, join(modules, '.bin'), join(root, 'node_modules/.bin'), PATH];
  let said = '';
  let problem: string | undefined;
  for (const step of steps) {
    const { status, stdout, stderr, error } = spawnSync('bash', ['-eo', 'pipefail', '-c', step], {
      ...{ cwd: folder, encoding: 'utf8', timeout: STEP_MS, killSignal: 'SIGKILL' },
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...env, PATH: bin.join(delimiter) },
    });
    said = `${stdout}${stderr}`;
    if (status === 0) continue;
    problem = `${step}\nended with ${error?.message ?? status}`;
    break;
  }
  if (problem === undefined && !said.includes(says)) problem = `the last step did not say: ${says}`;
  rmSync(away, { recursive: true });
  if (problem !== undefined) console.error(`--- ${name}: ${problem}\n${said}---`);
  const good = says.startsWith('ERR_') ? 'says why not' : 'works';
  const seconds = Math.round(performance.now() - start) / 1000;
  return { name, verdict: problem === undefined ? good : 'FAILED', remark, seconds };
}

/** Puts the table into the document, in place of the one that is there. */
function writeTable(outcomes: readonly Outcome[]): void {
  const path = join(root, 'docs/toolchains.md');
  const table = outcomes.map(({ name, verdict, remark }) => `| ${name} | ${verdict} | ${remark} |`);
  const [before = ''] = readFileSync(path, 'utf8').split(/(?<=^\| toolchain .*\n\|[-|]+\n)/m);
  writeFileSync(path, `${before}${table.join('\n')}\n`);
}

const tarball = prepare();
const outcomes: Outcome[] = [];
for (const row of rows) {
  const outcome = attempt(row, tarball);
  outcomes.push(outcome);
  const { name, verdict, remark, seconds } = outcome;
  if (!values.json)
    console.log(`${name.padEnd(50)} ${verdict.padEnd(12)} ${seconds.toFixed(1).padStart(5)} s  ${remark}`);
}
if (values.write && positionals.length === 0 && !values.sample) writeTable(outcomes);
const failed = outcomes.filter(({ verdict }) => verdict === 'FAILED').length;
const skipped = outcomes.filter(({ verdict }) => verdict === 'not run').length;
if (values.json) console.log(JSON.stringify(outcomes, undefined, 2));
else console.log(`${outcomes.length - failed - skipped} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed === 0 ? 0 : 1;
