/** The table of routes is true: what is Node's is Node's own function, so that nothing can be slower there. */
import assert from 'node:assert/strict';
import promises from 'node:fs/promises';
import { test } from 'node:test';
import { MEASURED } from '../../bench/families/fs.ts';
import uring, { ROUTES } from '../../lib/fs.ts';

const HANDLE = 'FileHandle.';
const routeOf = (name: string) => Object.entries(ROUTES).find(([each]) => each === name)?.[1];

test('every function of the module has a row, and a row by the threads is the very function of Node', () => {
  const names = Object.keys(promises).filter((name) => name !== 'constants');
  assert.ok(names.length >= 25, names.join());
  for (const name of names) {
    const isSame = Reflect.get(uring, name) === Reflect.get(promises, name);
    assert.equal(routeOf(name)?.by, isSame ? 'threads' : 'ring', name);
  }
});

test('a method of a FileHandle that has no row by the ring is the one of Node', async () => {
  // the first one is made from Node's, the class of the others is ours
  await (await uring.open('/proc/self/comm')).close();
  await using ours = await uring.open('/proc/self/comm');
  await using theirs = await promises.open('/proc/self/comm');
  const inherited = Object.getPrototypeOf(Object.getPrototypeOf(ours));
  assert.equal(inherited, Object.getPrototypeOf(theirs));
  const own = Object.getOwnPropertyNames(Object.getPrototypeOf(ours)).filter(
    (name) => name !== 'constructor',
  );
  const byRing = Object.entries(ROUTES).filter(([name, { by }]) => name.startsWith(HANDLE) && by === 'ring');
  // close() is replaced in the part of C++
  assert.deepEqual([...own, 'close'].sort(), byRing.map(([name]) => name.slice(HANDLE.length)).sort());
});

test('every row by the ring is measured by npm run bench -- fs, and no other', () => {
  const byRing = Object.entries(ROUTES).flatMap(([name, { by }]) => (by === 'ring' ? [name] : []));
  assert.deepEqual([...MEASURED].sort(), byRing.sort());
});
