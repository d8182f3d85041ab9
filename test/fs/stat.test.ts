/** stat and lstat through the ring say what Node's say, and only of file systems that need not be waited for. */
import assert from 'node:assert/strict';
import fs, { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import promises from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ringUses } from '../../lib/fs/backend.ts';
import { lstat, stat } from '../../lib/fs/callbacks.ts';
import uring from '../../lib/fs.ts';

const CALLBACKS = { lstat, stat };
const folder = mkdtempSync(join(tmpdir(), 'uring-stat-'));
const inside = (name: string) => join(folder, name);
after(() => rmSync(folder, { recursive: true }));

/** The first files of a folder are Node's: they tell which file system it is. */
before(async () => {
  writeFileSync(inside('file'), 'hello');
  mkdirSync(inside('sub'));
  symlinkSync('file', inside('link'));
  symlinkSync('loop', inside('loop'));
  symlinkSync('nowhere', inside('dangling'));
  const end = performance.now() + 20_000;
  for (let uses = ringUses(); ringUses() === uses && performance.now() < end; await turn())
    await uring.stat(inside('file'));
});

/** How many calls a ring is given meanwhile. */
async function usesOf(work: () => Promise<unknown>): Promise<number> {
  const uses = ringUses();
  await work();
  return ringUses() - uses;
}

async function outcome(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    assert.ok(error instanceof Error);
    return { ...error, message: error.message, name: error.constructor.name };
  }
}

const ARGUMENTS: readonly unknown[][] = [
  [],
  [7],
  ['\0'],
  [inside('file'), 7],
  [inside('file'), { bigint: 'yes' }],
  ...['file', 'sub', 'link', 'loop', 'dangling', 'none', 'file/', 'sub/', 'file/x', '.'].flatMap((name) => [
    [`${folder}/${name}`],
    [`${folder}/${name}`, { bigint: true }],
  ]),
  [Buffer.from(inside('file'))],
  [new URL(`file://${inside('link')}`)],
  [inside('file'), null],
  [inside('file'), {}],
  [inside('x'.repeat(300))],
];

for (const name of ['stat', 'lstat'] as const) {
  test(`${name} says what Node says, of every kind of file and of wrong arguments`, async () => {
    const uses = ringUses();
    for (const args of ARGUMENTS) {
      const ours = await outcome(() => Reflect.apply(uring[name], undefined, args));
      const theirs = await outcome(() => Reflect.apply(promises[name], undefined, args));
      assert.deepEqual(ours, theirs, String(args[0]));
    }
    // not of wrong ones, nor in a folder that nobody knows
    assert.ok(ringUses() - uses >= 15, `${ringUses() - uses} calls of a ring`);
  });

  test(`${name} with a callback as well`, async () => {
    const call =
      (...args: readonly unknown[]) =>
      () =>
        new Promise((done, fail) => {
          const end = (error: unknown, stats: unknown) => (error ? fail(error) : done(stats));
          Reflect.apply(CALLBACKS[name], undefined, [...args, end]);
        });
    for (const args of ARGUMENTS.slice(5, -4)) {
      const theirs = await outcome(() => Reflect.apply(promisify(fs[name]), fs, args));
      assert.deepEqual(await outcome(call(...args)), theirs, String(args[0]));
    }
    assert.equal(await usesOf(call(inside('file'))), 1);
    assert.throws(() => Reflect.apply(CALLBACKS[name], undefined, [inside('file')]), {
      code: 'ERR_INVALID_ARG_TYPE',
    });
  });
}

test('no fd is left', async () => {
  const count = () => readdirSync('/proc/self/fd').length;
  const earlier = count();
  assert.equal(
    await usesOf(() => Promise.all(Array.from({ length: 200 }, () => uring.stat(inside('file'))))),
    200,
  );
  assert.equal(count(), earlier);
});

test('a file system that may have to be waited for is asked by a thread', async () => {
  // procfs asks who else is there; it stands for NFS and FUSE
  const look = () => uring.stat('/proc/self/comm');
  for (let i = 0; i < 20; i++) {
    assert.equal(await usesOf(look), 0);
    await turn();
  }
});
