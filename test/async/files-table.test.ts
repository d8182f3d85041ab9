import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AsyncRing } from '../../lib/faces/async-ring.ts';
import type { FixedFile, RegisteredFiles } from '../../lib/ring/owners/files.ts';
import { alloc } from '../../lib/sys/memory.ts';
import { asyncRing, bytes, fails, failure, openFds, refusesAll } from '../helpers/async.ts';
import { needsOp, opensIntoSlots } from '../helpers/needs.ts';
import { text } from '../helpers/pairs.ts';
import { fileNames, wrong } from '../helpers/raw-ring.ts';
import { ringTest, until } from '../helpers/rings.ts';

ringTest('wrong arguments reject, naming the argument, before any syscall', {}, async (scope) => {
  const ring = asyncRing(scope);
  const files = ring.registerFiles({ slots: 2 });
  const other = asyncRing(scope).registerFiles({ slots: 2 });
  await refusesAll(ring, [
    ['files', () => ring.filesUpdate(other, 0, [0])],
    ['files', () => ring.filesUpdate(wrong({}), 0, [0])],
    ['offset', () => ring.filesUpdate(files, -1, [0])],
    ['offset', () => ring.filesUpdate(files, 2, [0])],
    ['fds', () => ring.filesUpdate(files, 0, [])],
    ['offset', () => ring.filesUpdate(files, 1, [0, 0])],
    ['fds', () => ring.filesUpdate(files, 0, wrong(0))],
    ['fds[1]', () => ring.filesUpdate(files, 0, [0, -3])],
    ['fds[0]', () => ring.filesUpdate(files, 0, [wrong(files.at(0))])],
    ['fds[0]', () => ring.filesUpdate(files, 'alloc', [wrong('0')])],
    ['file', () => ring.fixedFdInstall(other.at(0))],
    ['file', () => ring.closeFd(other.at(0))],
  ]);
});

ringTest('filesUpdate puts, keeps and clears', {}, async (scope) => {
  const ring = asyncRing(scope);
  const files = ring.registerFiles({ slots: 3 });
  const { reader, writer } = scope.pipe();
  const file = await ring.open('/dev/null', { flags: 2 });
  assert.equal(await ring.filesUpdate(files, 0, [reader, writer, file]), 3);
  assert.deepEqual(
    fileNames(ring.fd).map((name) => name !== undefined),
    [true, true, true],
  );
  await ring.write(files.at(1), bytes('x'));
  assert.equal(await ring.read(files.at(0), new Uint8Array(1)), 1);
  assert.equal(await ring.filesUpdate(files, 1, [files.KEEP, files.CLEAR]), 2);
  await ring.write(files.at(1), bytes('y'));
  await fails('EBADF', 'OP_WRITE', ring.write(files.at(2), bytes('z')));
  await fails('EBADF', 'OP_FILES_UPDATE', ring.filesUpdate(files, 0, [0x7fff_fff0]));
  await file.close();
});

ringTest("filesUpdate with 'alloc' tells the slots, as many as were free", opensIntoSlots, async (scope) => {
  const ring = asyncRing(scope);
  const { reader, writer } = scope.pipe();
  const files = ring.registerFiles([-1, writer, -1]);
  const slots = await ring.filesUpdate(files, 'alloc', [reader, writer, reader]);
  assert.deepEqual(
    slots.map(({ index }) => index),
    [0, 2],
  );
  await ring.write(files.at(2), bytes('x'));
  assert.equal(await ring.read(files.at(0), new Uint8Array(1)), 1);
  await fails('ENFILE', 'OP_FILES_UPDATE', ring.filesUpdate(files, 'alloc', [reader]));
});

ringTest('onRelease is told of what filesUpdate replaced', {}, async (scope) => {
  const ring = asyncRing(scope);
  const { reader, writer } = scope.pipe();
  const released: number[] = [];
  const files = ring.registerFiles([reader, writer], { onRelease: (index) => released.push(index) });
  await ring.filesUpdate(files, 1, [reader]);
  // before 6.13 the kernel lets go a moment later, which an idle ring is told with its next completion
  while (released.length === 0) await ring.nop();
  assert.deepEqual(released, [1]);
  files.unregister();
  await until('the other', () => released.length === 2);
  assert.deepEqual(released, [1, 0]);
});

ringTest('open fills a slot, no fd; close empties it', opensIntoSlots, async (scope) => {
  const ring = asyncRing(scope);
  const files = ring.registerFiles({ slots: 2 });
  const path = join(scope.folder(), 'file');
  writeFileSync(path, 'content');
  const before = openFds();
  const named = await ring.open(path, { into: files.at(1) });
  const free = await ring.open(path, { into: 'alloc' });
  assert.deepEqual([named.index, free.index], [1, 0]);
  assert.deepEqual(openFds(), before);
  const memory = new Uint8Array(7);
  await ring.chain((c) => [c.read(named, memory, { offset: 0 }), c.closeFd(named)]);
  assert.equal(text(memory), 'content');
  assert.equal(fileNames(ring.fd)[1], undefined);
  await fails('EBADF', 'OP_CLOSE', ring.closeFd(named));
});

ringTest("'alloc' without a table", opensIntoSlots, async (scope) => {
  const ring = asyncRing(scope);
  const error = await failure(ring.open('/dev/null', { into: 'alloc' }));
  assert.equal(Reflect.get(error, 'code'), 'ENFILE');
});

ringTest('fixedFdInstall makes an fd of a slot', needsOp('OP_FIXED_FD_INSTALL'), async (scope) => {
  const ring = asyncRing(scope);
  const path = join(scope.folder(), 'file');
  const slot = await ring.open(path, { flags: 0o102, into: ring.registerFiles({ slots: 2 }) });
  const file = await ring.fixedFdInstall(slot);
  const inherited = await ring.fixedFdInstall(slot, { inherit: true });
  await ring.write(file, bytes('both'));
  const memory = alloc(4);
  assert.equal(await ring.read(slot, memory, { offset: 0 }), 4);
  assert.equal(text(memory), 'both');
  const flags = [file, inherited].map(({ fd }) =>
    /flags:\t(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1]?.startsWith('02'),
  );
  assert.deepEqual(flags, [true, false]);
  await fails('EBADF', 'OP_FIXED_FD_INSTALL', ring.fixedFdInstall(await emptySlot()));
  await Promise.all([file.close(), inherited.close()]);

  async function emptySlot(): Promise<typeof slot> {
    await ring.closeFd(slot);
    return slot;
  }
});

ringTest('a slot of a table that was unregistered is refused', {}, async (scope) => {
  const ring = asyncRing(scope);
  const files = ring.registerFiles([0]);
  const slot = files.at(0);
  files.unregister();
  for (const call of [
    ring.read(slot, new Uint8Array(1)),
    ring.closeFd(slot),
    ring.fixedFdInstall(slot),
    ring.filesUpdate(files, 0, [0]),
    ring.open('/', { into: slot }),
  ]) {
    assert.equal(Reflect.get(await failure(call), 'code'), 'ERR_URING_CLOSED');
  }
});

/** Never called: the compiler refuses a slot where the kernel does. */
export function refused(ring: AsyncRing, slot: FixedFile, files: RegisteredFiles): unknown {
  return [
    // @ts-expect-error
    ring.open('x', { at: slot }),
    // @ts-expect-error
    ring.unlink('x', { at: slot }),
    // @ts-expect-error
    ring.rename('x', 'y', { from: slot }),
    // @ts-expect-error
    ring.statx(slot),
    // @ts-expect-error
    ring.filesUpdate(files, 0, [slot]),
    // @ts-expect-error
    ring.fixedFdInstall(1),
    // @ts-expect-error
    ring.readFixed(1, new Uint8Array(1)),
    // @ts-expect-error
    ring.readMultishot(1, files, { timeoutMs: 1 }),
  ];
}
