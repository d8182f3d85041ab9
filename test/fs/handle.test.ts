/** What is Node's own in a FileHandle stays so: collection, posting, streams, the stack of an error. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { backend, open, readFile } from '../../lib/fs.ts';
import { CONDITIONS, EXTENSION, LOADER, moduleAt, ROOT } from '../helpers/loader.ts';
import { sceneEnvironment } from '../helpers/scenario.ts';

/** What becomes of a module that has the package at hand. */
function outcome(script: string, flags: readonly string[] = []) {
  const args = [...flags, ...LOADER, '--expose-gc', '--input-type=module', '--eval', script];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    env: sceneEnvironment(),
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

/** Runs a module to its end; its stdout and stderr. */
function run(script: string, flags: readonly string[] = []): { stdout: string; stderr: string } {
  const { status, stdout, stderr } = outcome(script, flags);
  assert.equal(status, 0, stderr);
  return { stdout, stderr };
}

before(async () => {
  assert.equal(backend().name, 'io_uring');
  // the first one is Node's own
  await (await open('/proc/self/comm')).close();
});

test('one that is dropped is closed with a warning, or an error, as with Node', () => {
  const script = (module: string) => `
    import { open } from '${module}';
    import { once } from 'node:events';
    const warned = once(process, 'warning');
    for (let i = 0; i < 10; i++) await open('/proc/self/comm');
    const end = performance.now() + 20000;
    while (performance.now() < end && !(await Promise.race([warned, new Promise((done) => setImmediate(done))]))) gc();
    const [{ message }] = await warned;
    console.log(message.replace(/\\d+/, 'N'));
  `;
  const [ours, theirs] = ['uring/fs', 'node:fs/promises'].map((module) => {
    const { status, stdout, stderr } = outcome(script(module));
    return {
      status,
      stdout,
      error: /A FileHandle object was closed[^\n]*/.exec(stderr)?.[0].replace(/\d+/, 'N'),
    };
  });
  assert.deepEqual(ours, theirs);
  assert.match(`${ours?.stdout}${ours?.error}`, /garbage collection/);
});

test('a signal that aborts before a small file was read ends readFile, as with Node', async () => {
  for (let i = 0; i < 50; i++) {
    await using file = await open('/proc/self/comm');
    const controller = new AbortController();
    setImmediate(() => controller.abort());
    await assert.rejects(file.readFile({ signal: controller.signal }), { name: 'AbortError' });
  }
});

test('it can be posted, and is closed here by that', async () => {
  const file = await open('/proc/self/comm');
  const { fd } = file;
  const { port1, port2 } = new MessageChannel();
  // its declaration does not know that Node can transfer it
  Reflect.apply(port1.postMessage, port1, [file, [file]]);
  const received: unknown = receiveMessageOnPort(port2)?.message;
  assert.ok(typeof received === 'object' && received !== null && 'fd' in received && 'close' in received);
  assert.deepEqual([file.fd, received.fd], [-1, fd]);
  assert.ok(typeof received.close === 'function');
  await received.close();
  port1.close();
});

test('an error has the frames of who awaits', async () => {
  async function loadConfig(): Promise<unknown> {
    return await readFile('/none/config');
  }
  const error: unknown = await loadConfig().catch((reason: unknown) => reason);
  assert.ok(error instanceof Error);
  assert.match(error.stack ?? '', /^Error: ENOENT: no such file or directory, open '\/none\/config'\n/);
  assert.match(error.stack ?? '', /at async loadConfig/);
  assert.deepEqual(Object.keys(error), ['errno', 'code', 'syscall', 'path']);
});

test('reads of a handle keep the AsyncLocalStorage', () => {
  const { stdout } = run(`
    import { open, readFile } from 'uring/fs';
    import { AsyncLocalStorage } from 'node:async_hooks';
    const als = new AsyncLocalStorage();
    await (await open('/proc/self/comm')).close();
    const file = await open('/proc/self/comm');
    const one = als.run(1, async () => { await file.read(Buffer.alloc(4)); return als.getStore(); });
    const two = als.run(2, async () => { await readFile('/proc/self/comm'); return als.getStore(); });
    console.log(await one, await two);
    await file.close();
  `);
  assert.equal(stdout, '1 2\n');
});

test('process.permission is asked first: what Node forbids, a ring does not do', () => {
  const { stdout } = run(`
    // it is there before any module, or never
    process.permission = { has: (scope, path) => scope === 'fs.read' && path !== '/proc/self/status' };
    const { appendFile, backend, open, readFile, writeFile } = await import('uring/fs');
    const { ringUses } = await import('./lib/fs/backend${EXTENSION}');
    const before = [ringUses(), backend().name][0];
    await readFile('/proc/self/comm');
    const used = ringUses() > before;
    const now = ringUses();
    await readFile('/proc/self/status');
    await writeFile('/dev/null', 'x'); await appendFile('/dev/null', 'x');
    await (await open('/dev/null', 'r+')).close();
    // the handle that Node opened asks for the ring twice: to be opened, and to be closed
    console.log(used, ringUses() - now <= 2);
  `);
  assert.equal(stdout, 'true true\n');
});

test('under --experimental-permission too', {
  skip: EXTENSION === '.ts' && 'tsx needs more than it may: npm test compiles the sources first',
}, () => {
  const script = `
    import(process.argv[1]).then(async ({ backend, readFile, writeFile, open }) => {
      const denied = (promise) => promise.then(() => 'allowed', ({ code, permission }) => code + ' ' + permission);
      console.log(backend().name, (await readFile(process.argv[2])).length > 0);
      console.log(await denied(readFile('/proc/self/status')), await denied(writeFile('/dev/null', '')), await denied(open('/proc/self/comm')));
    });
  `;
  const link = join(ROOT, 'node_modules');
  const [target, modules] = [readlinkSync(link), realpathSync(link)];
  const flags = [
    ...CONDITIONS,
    process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission',
    '--allow-addons',
    // the handle that wakes the event loop is a socket to Node, which asks for this from 25 on
    ...(process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : []),
    `--allow-fs-read=${ROOT}/*`,
    // a checkout may have a link there, too; Node 20 ends where a path is given twice
    ...(target === modules ? [] : [`--allow-fs-read=${target}`]),
    `--allow-fs-read=${modules}*`,
    '--allow-fs-read=/proc/self/maps',
  ];
  const args = [...flags, '--eval', script, moduleAt('lib/fs.ts'), moduleAt('lib/raw.ts')];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    env: sceneEnvironment(),
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  const [first, second] = stdout.split('\n');
  assert.equal(first, 'io_uring true');
  const read = 'ERR_ACCESS_DENIED FileSystemRead';
  assert.equal(second, `${read} ERR_ACCESS_DENIED FileSystemWrite ${read}`);
});
