/**
 * Programs from npm that were not written for this package, as they are and under `--import uring/register`, by turns: a
 * static server, two bundlers, a linter, a test runner. `--docs` writes docs/performance.md's table. It ends with 1 where
 * serve-static does not gain what it should.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { summary } from '../../bench/measure.ts';

const root = join(import.meta.dirname, '../..');
/** From one run to the next: not the project's own node_modules. */
const cache = join(root, 'node_modules/.cache/uring-programs');
const PACKAGES = [
  ...['serve-static@2.2.1', 'finalhandler@2.1.1', 'rollup@4.68.8', 'webpack@5.113.0', 'webpack-cli@7.3.1'],
  ...['eslint@9.39.5', 'mocha@12.0.3'],
];
/** A copy, so that nobody builds meanwhile; koffi is found from there. */
const DIST = join(cache, `dist-${process.pid}`);
const PRELOAD = join(DIST, 'register.mjs');
const DOCS = join(root, 'docs/performance.md');
const MARKERS = ['<!-- programs -->', '<!-- /programs -->'] as const;

const SERVED = 1000;
const CONNECTIONS = 64;
const SECONDS = 4;
const MODULES = 3000;
const FOLDERS = 60;
const LEAST_FASTER = 1.5;

const { values, positionals } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    docs: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});

/** One run: how long something took, in milliseconds, and its CPU time. */
interface Turn {
  readonly ms: number;
  readonly cpuMs: number;
}

interface Program {
  readonly name: string;
  /** What is measured, for the table. */
  readonly does: string;
  /** Of one operation of it: a request, or the whole run. */
  readonly unit: string;
  run(folder: string, preload: readonly string[]): Promise<Turn>;
}

// ---- the static server --------------------------------------------------------------------------------------------

const SERVER = `
const http = require('node:http');
const serve = require('serve-static')('served', { index: false });
const final = require('finalhandler');
const server = http.createServer((request, response) => serve(request, response, final(request, response)));
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
process.on('message', () => process.send({ cpu: process.cpuUsage() }));
process.on('disconnect', () => process.exit());
`;

/** What a child process of ours answers. */
async function answerOf(child: ChildProcess): Promise<Record<string, unknown>> {
  const [answer] = await once(child, 'message');
  return answer;
}

function cpuOf({ cpu }: Record<string, unknown>): number {
  if (typeof cpu !== 'object' || cpu === null) throw new Error('the server said no CPU time');
  return (Number(Reflect.get(cpu, 'user')) + Number(Reflect.get(cpu, 'system'))) / 1000;
}

async function cpuNow(server: ChildProcess): Promise<number> {
  server.send('cpu');
  return cpuOf(await answerOf(server));
}

async function load(port: number, seconds: number): Promise<number> {
  const client = fork(import.meta.filename, ['client', `${port}`, `${seconds}`]);
  const { requests } = await answerOf(client);
  return Number(requests);
}

async function serveStatic(folder: string, preload: readonly string[]): Promise<Turn> {
  const server = fork(join(folder, 'server.cjs'), { cwd: folder, execArgv: [...preload] });
  const { port } = await answerOf(server);
  await load(Number(port), 1);
  const before = await cpuNow(server);
  const requests = await load(Number(port), SECONDS);
  const cpuMs = (await cpuNow(server)) - before;
  server.disconnect();
  await once(server, 'exit');
  return { ms: (SECONDS * 1000) / requests, cpuMs: cpuMs / requests };
}

/** In a process of its own: asks for files over connections that are kept, one request after another on each. */
function client(port: number, seconds: number): void {
  let [requests, next] = [0, 0];
  const end = performance.now() + seconds * 1000;
  let open = CONNECTIONS;
  for (let i = 0; i < CONNECTIONS; i++) {
    const socket = connect(port, '127.0.0.1');
    let left = 0;
    const ask = () => {
      if (performance.now() >= end) {
        socket.destroy();
        if (--open === 0) process.send?.({ requests }, () => process.exit());
        return;
      }
      next = (next * 7 + 13) % SERVED;
      socket.write(`GET /f${next}.txt HTTP/1.1\r\nHost: here\r\n\r\n`);
    };
    socket.on('connect', ask).on('data', (chunk) => {
      if (left === 0) left = lengthOf(chunk.toString('latin1', 0, 1024));
      left -= chunk.length;
      if (left > 0) return;
      requests++;
      ask();
    });
  }
}

/** Bytes of a response, from its head. */
function lengthOf(head: string): number {
  const [, length] = /^HTTP\/1\.1 200 [\s\S]*?\r\nContent-Length: (\d+)/.exec(head) ?? [];
  const end = head.indexOf('\r\n\r\n');
  if (length === undefined || end < 0) throw new Error(`an unexpected response: ${head}`);
  return end + 4 + Number(length);
}

// ---- programs that run once ----------------------------------------------------------------------------------------

/** Says at its end how much CPU time it took. */
const METER = `process.on('exit', () => { const { user, system } = process.cpuUsage();
require('node:fs').writeFileSync(process.env.METER, String((user + system) / 1000)); });`;

/** A program that ends by itself, in the folder; `made` throws unless it has done its work. */
function program(
  name: string,
  does: string,
  command: readonly string[],
  made: (out: string, said: string) => void,
): Program {
  const run = async (folder: string, preload: readonly string[]): Promise<Turn> => {
    const out = join(folder, 'out');
    const meter = join(folder, 'meter');
    rmSync(out, { recursive: true, force: true });
    const start = performance.now();
    const child = spawn(process.execPath, [...preload, '--require', join(folder, 'meter.cjs'), ...command], {
      cwd: folder,
      env: { ...process.env, METER: meter },
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
    const [code] = await once(child, 'close');
    const ms = performance.now() - start;
    assert.equal(code, 0, `${command.join(' ')}:\n${said}`);
    made(out, said);
    return { ms, cpuMs: Number(readFileSync(meter, 'utf8')) };
  };
  return { name, does, unit: 'run', run };
}

/** A bundle has the name of every module. */
function isBundle(file: string): void {
  const text = readFileSync(file, 'utf8');
  for (const i of [0, MODULES - 1]) assert.match(text, new RegExp(`\\bm${i}\\b`));
}

const PROGRAMS: readonly Program[] = [
  {
    name: 'serve-static',
    does: `${SERVED} files of 2 to 3 kB, ${CONNECTIONS} connections`,
    unit: 'request',
    run: serveStatic,
  },
  program(
    'rollup',
    `a bundle of ${MODULES} modules`,
    ['node_modules/rollup/dist/bin/rollup', 'tree/main.mjs', '--file', 'out/rollup.mjs', '--silent'],
    (out) => isBundle(join(out, 'rollup.mjs')),
  ),
  program(
    'webpack',
    `a bundle of ${MODULES} modules`,
    ['node_modules/webpack/bin/webpack.js', '--config', 'webpack.cjs'],
    (out) => isBundle(join(out, 'main.js')),
  ),
  program(
    'eslint',
    `${MODULES} files`,
    [
      ...['node_modules/eslint/bin/eslint.js', '--no-config-lookup', '--rule', 'no-undef: off'],
      ...['--format', 'json', '--output-file', 'out/eslint.json', 'tree'],
    ],
    (out) => {
      const results: unknown = JSON.parse(readFileSync(join(out, 'eslint.json'), 'utf8'));
      assert.ok(Array.isArray(results) && results.length === MODULES + 1);
    },
  ),
  program(
    'mocha',
    '500 files of tests that read fixtures',
    ['node_modules/mocha/bin/mocha.js', '--reporter', 'dot', 'tests/*.mjs'],
    (_, said) => assert.match(said, /5000 passing/),
  ),
];

// ---- what they work on ---------------------------------------------------------------------------------------------

function makeFiles(folder: string): void {
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  for (const each of ['served', 'tree', 'tests']) mkdirSync(join(folder, each));
  write('server.cjs', SERVER);
  write('meter.cjs', METER);
  for (let i = 0; i < SERVED; i++) write(`served/f${i}.txt`, 'x'.repeat(2000 + i));
  const filler = Array.from({ length: 20 }, (_, i) => `export const value${i} = (x) => x * ${i} + 1;`).join(
    '\n',
  );
  for (let i = 0; i < FOLDERS; i++) mkdirSync(join(folder, `tree/d${i}`));
  for (let i = 0; i < MODULES; i++)
    write(`tree/d${i % FOLDERS}/m${i}.mjs`, `${filler}\nexport default ${i};\n`);
  const imports = Array.from(
    { length: MODULES },
    (_, i) => `import m${i} from './d${i % FOLDERS}/m${i}.mjs';`,
  ).join('\n');
  const names = Array.from({ length: MODULES }, (_, i) => `m${i}`).join(', ');
  write('tree/main.mjs', `${imports}\nexport default [${names}].length;\n`);
  write(
    'webpack.cjs',
    `module.exports = { mode: 'development', devtool: false, cache: false, entry: './tree/main.mjs', output: { path: __dirname + '/out' } };`,
  );
  for (let i = 0; i < 500; i++) write(`tests/t${i}.mjs`, testOf(i));
}

function testOf(i: number): string {
  return `import { readFile } from 'node:fs/promises'; import assert from 'node:assert';
describe('fixtures ${i}', () => { for (let j = 0; j < 10; j++) it('reads ' + j, async () => {
  const n = (${i} * 10 + j) % ${SERVED};
  assert.equal((await readFile('served/f' + n + '.txt', 'utf8')).length, 2000 + n);
}); });`;
}

/** Installs the programs; a folder that has them, and their files. */
function prepare(): string {
  mkdirSync(cache, { recursive: true });
  writeFileSync(join(cache, 'package.json'), '{ "private": true }\n');
  const options = ['--prefix', cache, '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  const { status, stderr } = spawnSync('npm', ['install', ...options, ...PACKAGES], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm install ended with ${status}:\n${stderr}`);
  const folder = mkdtempSync(join(tmpdir(), 'uring-programs-'));
  // a copy of the links: what the programs find from the folder
  spawnSync('cp', ['-al', join(cache, 'node_modules'), folder]);
  if (!existsSync(join(folder, 'node_modules'))) spawnSync('cp', ['-a', join(cache, 'node_modules'), folder]);
  cpSync(join(root, 'dist'), DIST, { recursive: true });
  makeFiles(folder);
  return folder;
}

// ---- comparing -----------------------------------------------------------------------------------------------------

interface Result {
  readonly program: Program;
  readonly plain: readonly Turn[];
  readonly ring: readonly Turn[];
}

async function compare(program: Program, folder: string, rounds: number): Promise<Result> {
  const [plain, ring]: [Turn[], Turn[]] = [[], []];
  for (let round = 0; round <= rounds; round++) {
    const one = await program.run(folder, []);
    const other = await program.run(folder, ['--import', PRELOAD]);
    console.log(`${program.name} ${round}/${rounds}: ${shown(one)} alone, ${shown(other)} by a ring`);
    // the first round fills caches
    if (round === 0) continue;
    plain.push(one);
    ring.push(other);
  }
  return { program, plain, ring };
}

function shown({ ms, cpuMs }: Turn): string {
  return `${ms.toPrecision(3)} ms (CPU ${cpuMs.toPrecision(3)})`;
}

/** How many times as fast, and its CPU time beside that of Node alone: medians of the rounds. */
function ratios({ plain, ring }: Result): { readonly faster: number; readonly cpu: number } {
  const of = (value: (a: Turn, b: Turn) => number) =>
    summary(plain.map((each, i) => value(each, ring[i] ?? each))).median;
  return { faster: of((a, b) => a.ms / b.ms), cpu: of((a, b) => b.cpuMs / a.cpuMs) };
}

function row(result: Result): string {
  const { name, does, unit } = result.program;
  const median = (turns: readonly Turn[], key: keyof Turn) => summary(turns.map((turn) => turn[key])).median;
  const figure = (turns: readonly Turn[]) =>
    unit === 'request'
      ? `${Math.round(1000 / median(turns, 'ms')).toLocaleString('en')} requests/s`
      : `${(median(turns, 'ms') / 1000).toFixed(2)} s`;
  const cpu = (turns: readonly Turn[]) =>
    unit === 'request'
      ? `${(median(turns, 'cpuMs') * 1000).toFixed(0)} µs a request`
      : `${(median(turns, 'cpuMs') / 1000).toFixed(2)} s`;
  const { faster, cpu: more } = ratios(result);
  return `| \`${name}\`: ${does} | ${figure(result.plain)} | ${figure(result.ring)} | ${faster.toFixed(2)} | ${cpu(result.plain)} | ${cpu(result.ring)} | ${more.toFixed(2)} |`;
}

function table(results: readonly Result[]): string {
  const head = ['| | Node.js | `--import uring/register` | × | CPU | CPU | × |', '|-|-:|-:|-:|-:|-:|-:|'];
  return [...head, ...results.map(row)].join('\n');
}

function writeDocs(text: string): void {
  const docs = readFileSync(DOCS, 'utf8');
  const [from, to] = MARKERS.map((marker) => docs.indexOf(marker));
  if (from === undefined || to === undefined || from < 0 || to < from)
    throw new Error(`${DOCS} lacks ${MARKERS.join(' and ')}`);
  writeFileSync(DOCS, `${docs.slice(0, from + MARKERS[0].length)}\n${text}\n${docs.slice(to)}`);
}

async function main(): Promise<boolean> {
  if (!existsSync(join(root, 'dist/register.mjs'))) throw new Error('there is no dist: npm run build');
  const chosen = PROGRAMS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  if (chosen.length === 0)
    throw new Error(`no such program; there are ${PROGRAMS.map(({ name }) => name).join(', ')}`);
  const folder = prepare();
  const results: Result[] = [];
  try {
    for (const each of chosen) results.push(await compare(each, folder, Number(values.rounds)));
  } finally {
    for (const each of [folder, DIST]) rmSync(each, { recursive: true });
  }
  console.log(`\n${table(results)}`);
  if (values.docs) writeDocs(table(results));
  const served = results.find(({ program }) => program.name === 'serve-static');
  if (served === undefined) return true;
  const { faster, cpu } = ratios(served);
  const isWell = faster >= LEAST_FASTER && cpu <= 1;
  if (!isWell) console.log(`serve-static is to be ${LEAST_FASTER} times as fast, on no more CPU time`);
  return isWell;
}

const [mode, port, seconds] = positionals;
if (mode === 'client') client(Number(port), Number(seconds));
else process.exitCode = (await main()) ? 0 : 1;
