/** A ring where one can be used, Node's threads everywhere else: which, and why. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { backend } from '../../lib/fs.ts';
import { LOADER } from '../helpers/loader.ts';
import { needs } from '../helpers/needs.ts';
import { Scope } from '../helpers/rings.ts';
import { inProcess, inThread, type Scene, sceneArguments, sceneEnvironment } from '../helpers/scenario.ts';
import { ACTIONS, cannotCompile, compileWrapper } from '../helpers/seccomp.ts';
import { tracefs } from '../helpers/tracefs.ts';

const module = new URL('backend.scenes.ts', import.meta.url).href;
const scene = (name: string): Scene => ({ module, name });

/** Runs a scene with other arguments of Node.js, or under another program; what it returned. */
function run(
  each: Scene,
  {
    before = [],
    preload = [],
    URING = '',
  }: { before?: readonly string[]; preload?: readonly string[]; URING?: string },
): Record<string, unknown> {
  const [program = '', ...args] = [...before, process.execPath, ...preload, ...sceneArguments(each)];
  const { status, stdout, stderr } = spawnSync(program, args, {
    env: { ...sceneEnvironment(), URING },
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

/** Gives `body` things that are taken back at the end. */
function scoped(body: (scope: Scope) => void): void {
  const scope = new Scope();
  try {
    body(scope);
  } finally {
    scope.close();
  }
}

const DONE = { text: 'HEllo', read: 'HEllo' };

test('wrong options are refused', () => {
  const invalid = { code: 'ERR_INVALID_ARG_VALUE' };
  assert.throws(() => Reflect.apply(backend, undefined, [{ use: 'magic' }]), invalid);
  assert.throws(() => Reflect.apply(backend, undefined, [{ used: 'auto' }]), invalid);
  assert.throws(() => Reflect.apply(backend, undefined, [7]), { code: 'ERR_INVALID_ARG_TYPE' });
});

test('here it is a ring, in a thread as well', async () => {
  for (const found of [inProcess(scene('roundTrip')), await inThread(scene('roundTrip'))]) {
    assert.ok(typeof found === 'object' && found !== null && 'uses' in found && Number(found.uses) > 5);
    assert.deepEqual({ ...found, uses: 0 }, { backend: { name: 'io_uring' }, ...DONE, uses: 0 });
  }
});

// a thread's first ring fixes how many: a small one that is made to find out whether rings work would leave one worker
test(
  'a file that is read first leaves no fewer workers than a large ring',
  needs('REGISTER_IOWQ_MAX_WORKERS'),
  () => {
    const after = (first: string) => Number(inProcess({ ...scene('workers'), argument: first }));
    assert.ok(after('file') >= after('ring'), `${after('file')}, ${after('ring')}`);
    assert.ok(after('ring') >= 2);
  },
);

test(
  'as many calls may wait for a disk as are useful, unless somebody has limited the workers of the thread',
  needs('REGISTER_IOWQ_MAX_WORKERS'),
  () => {
    // a ring of eight entries was the first of the thread
    const { before, after } = run(scene('raisedWorkers'), {});
    assert.ok(Number(before) < 32, `${before}`);
    assert.equal(after, 32);
    assert.deepEqual(run(scene('limitedWorkers'), {}), { before, after: 1 });
  },
);

test('a ring that is left while it reads and closes files closes nobody else’s, and leaves none open', () => {
  scoped((scope) => {
    const path = join(scope.folder(), 'file');
    writeFileSync(path, 'content');
    assert.deepEqual(inProcess({ ...scene('leftInTheMiddle'), argument: path }), { lost: 0, left: 0 });
  });
});

test('a disk that becomes full while a file is written: ENOSPC, what had room is in its place, and nothing stays open', {
  skip: tracefs.needs.skip !== undefined && 'only root can mount',
}, () => {
  scoped((scope) => {
    const folder = scope.folder();
    // a file that was still open in a slot would keep the file system busy
    const script = `mount -t tmpfs -o size=64k nodev ${folder} && "$@" && umount ${folder}`;
    const before = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh'];
    const found = run({ ...scene('fullDisk'), argument: folder }, { before });
    const ways = [
      'writeFile',
      'appendFile',
      'a signal',
      'handle.writeFile',
      'handle.write',
      'handle.writev',
      'RingFile.writeAll',
    ];
    assert.deepEqual(found, [...ways.map((way) => `${way}: ENOSPC, true`), 'small']);
  });
});

test('an option, or the environment, asks for the threads', () => {
  try {
    assert.deepEqual(backend({ use: 'threads' }), { name: 'threads', cause: 'the threads were asked for' });
  } finally {
    assert.deepEqual(backend({ use: 'auto' }), { name: 'io_uring' });
  }
  const { uses, ...rest } = run(scene('roundTrip'), { URING: 'off' });
  assert.deepEqual(rest, { backend: { name: 'threads', cause: 'the threads were asked for' }, ...DONE });
  assert.equal(uses, 0);
});

for (const [name, errno] of Object.entries({ EPERM: 1, ENOSYS: 38 })) {
  test(`a seccomp filter that answers ${name}: the threads, and who forbids it`, {
    skip: cannotCompile(),
  }, () => {
    scoped((scope) => {
      const before = [compileWrapper(scope.folder()), `${ACTIONS.errno(errno)}`, '425,426,427'];
      const { uses, backend: found, ...rest } = run(scene('roundTrip'), { before });
      assert.deepEqual(rest, DONE);
      assert.equal(uses, 0);
      assert.match(JSON.stringify(found), /"name":"threads","cause":"a seccomp filter forbids io_uring/);
      assert.match(JSON.stringify(found), /"fix":/);
      assert.match(
        String(run(scene('forced'), { before, URING: 'on' })),
        /UnsupportedError: uring\/fs: a seccomp filter/,
      );
    });
  });
}

/** Why Node.js itself can't run under a filter that answers EPERM to these calls; false where it can. */
function cannotConfine(calls: string): string | false {
  const reason = cannotCompile();
  if (reason !== false) return reason;
  const scope = new Scope();
  try {
    const args = [`${ACTIONS.errno(1)}`, calls, process.execPath, '-e', 'setTimeout(() => {}, 1)'];
    const { signal } = spawnSync(compileWrapper(scope.folder()), args);
    return signal !== null && 'libuv of this Node.js has a ring of its own, and aborts under this filter';
  } finally {
    scope.close();
  }
}

for (const [what, calls] of Object.entries({ io_uring_enter: '426', io_uring_register: '427' })) {
  test(`a seccomp filter that forbids ${what} alone: the threads`, { skip: cannotConfine(calls) }, () => {
    scoped((scope) => {
      const before = [compileWrapper(scope.folder()), `${ACTIONS.errno(1)}`, calls];
      const { uses, backend: found, ...rest } = run(scene('roundTrip'), { before });
      assert.deepEqual(rest, DONE);
      assert.equal(uses, 0);
      assert.match(JSON.stringify(found), /"name":"threads","cause":".+"/);
    });
  });
}

test('another system: the threads', () => {
  scoped((scope) => {
    const preload = join(scope.folder(), 'other.mjs');
    const lines = [
      "import os from 'node:os'; import { syncBuiltinESMExports } from 'node:module';",
      "os.platform = () => 'freebsd'; syncBuiltinESMExports();",
    ];
    writeFileSync(preload, lines.join('\n'));
    const { backend: found, ...rest } = run(scene('roundTrip'), { preload: ['--import', preload] });
    assert.deepEqual(rest, { ...DONE, uses: 0 });
    assert.deepEqual(found, { name: 'threads', cause: 'io_uring is a thing of Linux, this is freebsd' });
  });
});

test('without koffi: the threads', () => {
  scoped((scope) => {
    const preload = join(scope.folder(), 'none.cjs');
    const lines = [
      "const { Module } = require('node:module'); const find = Module._resolveFilename;",
      "Module._resolveFilename = function (name, ...rest) { if (name === 'koffi') throw new Error('none'); return find.call(this, name, ...rest); };",
    ];
    writeFileSync(preload, lines.join('\n'));
    const { backend: found, ...rest } = run(scene('roundTrip'), { preload: ['--require', preload] });
    assert.deepEqual(rest, { ...DONE, uses: 0 });
    assert.match(JSON.stringify(found), /"name":"threads","cause":"the package koffi could not be loaded/);
  });
});

test('when the ring has failed the threads go on, with files that were open', () => {
  const { before, backend: found, ...rest } = run(scene('failedRing'), {});
  assert.deepEqual(before, { name: 'io_uring' });
  assert.deepEqual(found, { name: 'threads', cause: 'the ring has failed' });
  assert.deepEqual(rest, { ...DONE, uses: 0 });
  assert.deepEqual(run(scene('openAcrossFailure'), {}), {
    read: readFileSync('/proc/self/comm', 'utf8'),
    left: 0,
  });
});

test('in cluster the primary and each worker have a ring of their own: one that fails is no matter of the others', () => {
  const found = inProcess({ ...scene('clustered'), argument: module });
  assert.ok(Array.isArray(found));
  const [primary, ...workers] = found.map(({ uses, ...rest }) => ({ ...rest, hasUsed: uses > 5 }));
  const ring = { backend: { name: 'io_uring' }, ...DONE, hasUsed: true };
  const failed = {
    ...{ backend: { name: 'threads', cause: 'the ring has failed' }, ...DONE, hasUsed: false },
    before: { name: 'io_uring' },
  };
  assert.deepEqual(primary, ring);
  assert.deepEqual(workers, [
    { ...ring, isWorker: true },
    { ...ring, isWorker: true },
    { ...failed, isWorker: true },
  ]);
});

test('a process with nothing in flight ends', () => {
  const script = `import { readFile } from 'uring/fs'; await readFile('/proc/self/comm'); process.stdout.write('read');`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...LOADER, '--input-type=module', '--eval', script],
    { cwd: join(import.meta.dirname, '../..'), env: sceneEnvironment(), encoding: 'utf8', timeout: 60_000 },
  );
  assert.deepEqual([status, stdout], [0, 'read'], stderr);
});

test('the memory of a stream is that of the chunks before', () => {
  const counts = inProcess(scene('faults'));
  assert.ok(Array.isArray(counts) && counts.length === 30);
  // 64 MiB are 16,384 pages; without what backend.ts frees it is about a thousand in each
  const last = counts.slice(24).reduce((sum: number, count: unknown) => sum + Number(count), 0);
  assert.ok(last < 1000, String(counts));
});
