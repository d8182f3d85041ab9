/** `--import uring/register` and `--require`: node:fs over a ring, in programs that know nothing of it. */
import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { EXTENSION, LOADER, moduleAt, ROOT } from '../helpers/loader.ts';
import { sceneEnvironment } from '../helpers/scenario.ts';

const PRELOAD = moduleAt('lib/fs/register.ts');
/** Threads can't load TypeScript on Node.js 20, nor can `require`. */
const whereCompiled = { skip: EXTENSION === '.ts' && 'npm test compiles the sources first' };
const folder = mkdtempSync(join(tmpdir(), 'uring-register-'));
after(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'text'), 'hello');

/** Runs a program with the preload. */
function run(
  program: string,
  URING: string,
  preload: readonly string[] = ['--import', PRELOAD],
): SpawnSyncReturns<string> {
  const file = join(folder, 'program.cjs');
  writeFileSync(
    file,
    `if (require('node:worker_threads').isMainThread) process.chdir(__dirname);\n${program}`,
  );
  return spawnSync(process.execPath, [...LOADER, ...preload, file], {
    cwd: ROOT,
    env: { ...sceneEnvironment(), URING },
    encoding: 'utf8',
    timeout: 60_000,
  });
}

/** What it writes to stdout, when all went well; and how many calls a ring was given. */
function output(program: string, URING = 'on,verbose'): [stdout: string, calls: number] {
  const { status, stdout, stderr } = run(program, URING);
  assert.equal(status, 0, stderr);
  return [stdout, Number(/(\d+) calls went through io_uring/.exec(stderr)?.[1] ?? 0)];
}

const EVERY_WAY = `
const fs = require('node:fs'), promises = require('fs/promises'), { promisify } = require('node:util'), assert = require('node:assert');
(async () => {
  assert.equal(fs.promises, promises);
  const said = [];
  const done = (name) => (error, ...rest) => { assert.ifError(error); said.push(name); return rest; };
  const fd = await promisify(fs.open)('new', 'w+');
  const back = (name, ...args) => new Promise((ok) => fs[name](...args, (error, ...rest) => { done(name)(error); ok(rest); }));
  assert.deepEqual((await back('write', fd, Buffer.from('abc'), 0, 3, 0)).slice(0, 1), [3]);
  await back('writev', fd, [Buffer.from('d'), Buffer.from('e')], 3);
  assert.deepEqual((await back('read', fd, Buffer.alloc(5), 0, 5, 0))[1].toString(), 'abcde');
  assert.equal((await back('readv', fd, [Buffer.alloc(2), Buffer.alloc(2)], 0))[0], 4);
  assert.deepEqual(Object.keys(await promisify(fs.read)(fd, Buffer.alloc(5), 0, 5, 0)), ['bytesRead', 'buffer']);
  await back('fsync', fd); await back('close', fd);
  await back('writeFile', 'other', 'x'); await back('appendFile', 'other', 'y');
  assert.equal((await back('readFile', 'other', 'utf8'))[0], 'xy');
  assert.equal(await promises.readFile('new', 'utf8'), 'abcde');
  const { readFile } = await import('node:fs/promises');
  assert.equal(readFile, promises.readFile);
  let text = ''; for await (const part of fs.createReadStream('new')) text += part;
  assert.equal(text, 'abcde');
  assert.deepEqual([fs.readFile.name, fs.readFile.length, promises.open.name], ['readFile', 3, 'open']);
  console.log(said.join(' '));
})();
`;

test('callbacks, promises and streams go through a ring', () => {
  const [stdout, calls] = output(EVERY_WAY);
  assert.equal(stdout, 'write writev read readv fsync close writeFile appendFile readFile\n');
  assert.ok(calls >= 13, `${calls} calls`);
});

test('the same over the threads, where that is asked for', () => {
  const [stdout, calls] = output(EVERY_WAY, 'off,always');
  assert.match(stdout, /^write /);
  assert.equal(calls, 0);
});

test('off leaves Node alone; verbose says so', () => {
  const program = `const fs = require('fs'), before = fs.readFile; console.log(String(fs.promises.open).includes('binding'))`;
  const { status, stdout, stderr } = run(program, 'off,verbose');
  assert.deepEqual([status, stdout], [0, 'true\n'], stderr);
  assert.match(stderr, /uring\/register: node:fs is left alone: the threads were asked for/);
  assert.equal(run(program, 'off').stderr, '');
});

test('by --require', whereCompiled, () => {
  const { status, stderr } = run(EVERY_WAY, 'on,verbose', ['--require', PRELOAD]);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /node:fs uses io_uring/);
});

test('what a callback throws is an uncaught exception, and it keeps its AsyncLocalStorage', () => {
  const [stdout] = output(`
const fs = require('fs'), { AsyncLocalStorage } = require('async_hooks');
const als = new AsyncLocalStorage();
process.once('uncaughtException', (error) => console.log('uncaught', error.message));
process.on('unhandledRejection', () => console.log('unhandled'));
als.run('here', () => fs.readFile('text', 'utf8', (error, text) => { console.log(als.getStore(), text); throw new Error('mine'); }));
als.run('there', async () => { await fs.promises.readFile('text'); console.log(als.getStore()); });
fs.open('text', (error, fd) => fs.read(fd, Buffer.alloc(5), 0, 5, 0, (error, n) => fs.close(fd, (error) => console.log('closed', error, n))));
`);
  const lines = stdout.trim().split('\n').sort();
  assert.deepEqual(lines, ['closed null 5', 'here hello', 'there', 'uncaught mine']);
});

test('the errors of callbacks are those of Node', () => {
  const program = `
const fs = require('fs'); const show = (error) => console.log(error.message, JSON.stringify(error));
fs.readFile('none', show); fs.open('none/x', show); fs.read(999, Buffer.alloc(1), 0, 1, 0, show); fs.close(999, show);
fs.writeFile('.', 'x', show); fs.readFile('.', show);
for (const args of [['x'], [7, 8], ['text', 'klingon', () => {}], [{}, () => {}]]) try { fs.readFile(...args) } catch (error) { console.log(error.code, error.message) }
`;
  const sorted = (text: string) => text.split('\n').sort();
  assert.deepEqual(sorted(output(program)[0]), sorted(run(program, 'off', []).stdout));
});

test('in a worker fds are left to Node, which knows them all', whereCompiled, () => {
  const [stdout] = output(`
const { Worker, isMainThread } = require('worker_threads'), fs = require('fs');
if (isMainThread) {
  process.on('warning', ({ message }) => console.log(message));
  new Worker(__filename).on('exit', (code) => console.log('exit', code));
} else {
  fs.open('text', (error, fd) => { fs.closeSync(fd); fs.open('text', (error, fd) => fs.promises.readFile('text', 'utf8').then((text) => fs.close(fd, () => console.log(text)))); });
}
`);
  assert.equal(stdout, 'hello\nexit 0\n');
});
