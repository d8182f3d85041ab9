import assert from 'node:assert/strict';
import { constants, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { alloc, pageSize } from '../../lib/sys/memory.ts';
import { asyncRing, bytes, fails, refusesAll } from '../helpers/async.ts';
import { needsFlag, needsOp, needsSetup, opensIntoSlots } from '../helpers/needs.ts';
import { text } from '../helpers/pairs.ts';
import { unsteadyViews, wrong } from '../helpers/raw-ring.ts';
import { ringTest, type Scope } from '../helpers/rings.ts';

const { O_CREAT, O_RDWR } = constants;
const PAGE = 4096;

function file(scope: Scope, content: string): string {
  const path = join(scope.folder(), 'file');
  writeFileSync(path, content);
  return path;
}

ringTest('wrong arguments reject, naming the argument, before any syscall', {}, async (scope) => {
  const ring = asyncRing(scope);
  const page = alloc(PAGE);
  const other = asyncRing(scope)
    .registerBuffers([alloc(PAGE)])
    .at(0);
  const table = asyncRing(scope).registerFiles([0]);
  const unfit = unsteadyViews().map(([, view]) => ['memory', () => ring.read(0, view)] as const);
  await refusesAll(ring, [
    ...unfit,
    ['file', () => ring.read(-1, page)],
    ['file', () => ring.read(1.5, page)],
    ['file', () => ring.read(wrong('0'), page)],
    ['file', () => ring.read(wrong(null), page)],
    ['file.fd', () => ring.read({ fd: -1 }, page)],
    ['file', () => ring.write(table.at(0), page)],
    ['memory', () => ring.write(0, wrong('text'))],
    ['buffer', () => ring.read(0, other)],
    ['buffer', () => ring.readFixed(0, wrong(page))],
    ['buffer', () => ring.writeFixed(0, wrong(undefined))],
    ['options', () => ring.read(0, page, wrong(7))],
    ['options.offset', () => ring.read(0, page, { offset: -2 })],
    ['options.offset', () => ring.read(0, page, { offset: 2n ** 60n })],
    ['options.flags', () => ring.read(0, page, { flags: 2 ** 32 })],
    ['options.ofset', () => ring.read(0, page, wrong({ ofset: 1 }))],
    ['options.signal', () => ring.read(0, page, { signal: wrong({}) })],
    ['options.timeoutMs', () => ring.read(0, page, { timeoutMs: -1 })],
    ['options.timeoutMs', () => ring.read(0, page, { timeoutMs: wrong('1') })],
    ['options.personality', () => ring.read(0, page, { personality: wrong(1) })],
    ['pieces', () => ring.readv(0, wrong(page))],
    ['pieces', () => ring.readv(0, [])],
    ['pieces', () => ring.writev(0, new Array(1025).fill(page))],
    ['pieces[1]', () => ring.writev(0, [page, wrong(new ArrayBuffer(1))])],
    ['buffer', () => ring.readv(0, [other])],
    ['pool', () => ring.readMultishot(0, wrong(page)).next()],
    ['options.length', () => ring.readMultishot(0, wrong(page), wrong({ length: 1 })).next()],
    ['options.timeoutMs', () => ring.readMultishot(0, wrong(page), wrong({ timeoutMs: 1 })).next()],
    ['options.length', () => ring.fsync(0, { length: -1 })],
    ['options.flags', () => ring.syncFileRange(0, { flags: 8 })],
    ['length', () => ring.fallocate(0, 0)],
    ['options.mode', () => ring.fallocate(0, 1, { mode: -1 })],
    ['length', () => ring.ftruncate(0, -1)],
    ['advice', () => ring.fadvise(0, wrong('WILLNEED'))],
    ['advice', () => ring.madvise(page, wrong('MADV_HWPOISON'))],
    ['memory', () => ring.madvise(page.subarray(1), 'MADV_WILLNEED')],
    ['memory', () => ring.madvise(page.subarray(0, 100), 'MADV_DONTNEED')],
    ['command', () => ring.uringCmd(0, -1)],
    ['options.data', () => ring.uringCmd(0, 0, { data: wrong('x') })],
    ['options.data', () => ring.uringCmd(0, 0, { data: new Uint8Array(17) })],
  ]);
});

ringTest('read and write move bytes at an offset and at the current position', {}, async (scope) => {
  const ring = asyncRing(scope);
  const path = file(scope, 'abcdefgh');
  const fd = await ring.open(path, { flags: O_RDWR });
  const memory = new Uint8Array(4);
  assert.equal(await ring.read(fd, memory), 4);
  assert.equal(text(memory), 'abcd');
  assert.equal(await ring.read(fd, memory), 4);
  assert.equal(text(memory), 'efgh');
  assert.equal(await ring.read(fd, memory), 0);
  assert.equal(await ring.read(fd, memory.subarray(1, 3), { offset: 6n }), 2);
  assert.equal(text(memory), 'eghh');
  assert.equal(await ring.write(fd, bytes('XY'), { offset: 1 }), 2);
  assert.equal(readFileSync(path, 'utf8'), 'aXYdefgh');
  await fd.close();
});

ringTest('a failed operation says which it was', {}, async (scope) => {
  const ring = asyncRing(scope);
  const { reader, writer } = scope.pipe();
  const page = alloc(PAGE);
  const buffer = ring.registerBuffers([page]).at(0);
  await fails('EBADF', 'OP_READ', ring.read(writer, page));
  await fails('EBADF', 'OP_WRITE', ring.write(reader, page));
  await fails('EBADF', 'OP_READ_FIXED', ring.read(writer, buffer));
  await fails('EBADF', 'OP_WRITEV', ring.writev(reader, [page]));
  await fails('EBADF', 'OP_READ', ring.read(0x7fff_ffff, page));
  await fails('EINVAL', 'OP_FSYNC', ring.fsync(reader));
  await fails('ESPIPE', 'OP_FALLOCATE', ring.fallocate(writer, 1));
});

ringTest(
  'memory of a registered buffer makes a READ_FIXED, and a piece is only its part',
  {},
  async (scope) => {
    const ring = asyncRing(scope);
    const path = file(scope, 'fixed file');
    const page = alloc(PAGE);
    const buffers = ring.registerBuffers([page]);
    const piece = buffers.at(0).subarray(8, 13);
    const fd = await ring.open(path, { flags: O_RDWR });
    assert.equal(await ring.read(fd, piece, { offset: 0 }), 5);
    assert.equal(text(page.subarray(0, 20)), `${'\0'.repeat(8)}fixed${'\0'.repeat(7)}`);
    assert.equal(await ring.readFixed(fd, buffers.at(0), { offset: 6 }), 4);
    assert.equal(await ring.write(fd, piece.subarray(0, 2), { offset: 0 }), 2);
    assert.equal(await ring.writeFixed(fd, piece, { offset: 8 }), 5);
    assert.equal(readFileSync(path, 'utf8'), 'fixed fifixed');
    buffers.unregister();
    await assert.rejects(ring.read(fd, piece), { code: 'ERR_URING_CLOSED' });
    await fd.close();
  },
);

ringTest('a fixed file works wherever a file does', opensIntoSlots, async (scope) => {
  const ring = asyncRing(scope);
  const files = ring.registerFiles({ slots: 2 });
  const path = file(scope, 'slot');
  const slot = await ring.open(path, { flags: O_RDWR, into: files });
  const memory = new Uint8Array(4);
  assert.equal(await ring.read(slot, memory, { offset: 0 }), 4);
  assert.equal(text(memory), 'slot');
  assert.equal(await ring.writev(slot, [bytes('S'), bytes('L')], { offset: 0 }), 2);
  await ring.fsync(slot, { dataOnly: true });
  await ring.fallocate(slot, 8);
  await ring.fadvise(slot, 'POSIX_FADV_DONTNEED');
  await ring.syncFileRange(slot, { length: 2 });
  assert.equal(readFileSync(path, 'latin1'), 'SLot\0\0\0\0');
  await ring.closeFd(slot);
  await fails('EBADF', 'OP_READ', ring.read(slot, memory));
});

ringTest(
  'vectors scatter and gather, also those of a registered buffer',
  needsOp('OP_READV_FIXED'),
  async (scope) => {
    const ring = asyncRing(scope);
    const path = file(scope, 'abcdefghij');
    const fd = await ring.open(path, { flags: O_RDWR });
    const [a, b] = [new Uint8Array(3), new Uint16Array(2)];
    assert.equal(await ring.readv(fd, [a, b], { offset: 1 }), 7);
    assert.deepEqual([text(a), text(new Uint8Array(b.buffer))], ['bcd', 'efgh']);
    assert.equal(await ring.writev(fd, [b, a], { offset: 0 }), 7);
    assert.equal(readFileSync(path, 'utf8'), 'efghbcdhij');

    const [one, two] = [alloc(PAGE), alloc(PAGE)];
    const buffers = ring.registerBuffers([one, two]);
    const buffer = buffers.at(0);
    assert.equal(await ring.readv(fd, [buffer.subarray(4, 6), buffer.subarray(0, 4)], { offset: 0 }), 6);
    assert.equal(text(one.subarray(0, 6)), 'ghbcef');
    assert.equal(await ring.writev(fd, [buffer.subarray(4, 6), buffer.subarray(0, 1)], { offset: 7 }), 3);
    assert.equal(readFileSync(path, 'utf8'), 'efghbcdefg');
    // of two buffers: ordinary memory
    assert.equal(
      await ring.readv(fd, [buffers.at(1).subarray(0, 1), buffer.subarray(0, 1)], { offset: 0 }),
      2,
    );
    assert.equal(text(two.subarray(0, 1)) + text(one.subarray(0, 1)), 'ef');
    await fails('EBADF', 'OP_READV_FIXED', ring.readv(scope.pipe().writer, [buffer]));
    await fd.close();
  },
);

ringTest(
  'fallocate, ftruncate and holes change what the file holds',
  needsOp('OP_FTRUNCATE'),
  async (scope) => {
    const ring = asyncRing(scope);
    const path = join(scope.folder(), 'file');
    const fd = await ring.open(path, { flags: O_RDWR | O_CREAT });
    await ring.fallocate(fd, 3 * PAGE);
    assert.equal((await ring.statx(fd)).size, 3 * PAGE);
    await ring.write(fd, new Uint8Array(3 * PAGE).fill(1), { offset: 0 });
    await ring.fallocate(fd, PAGE, { offset: PAGE, mode: 3 });
    assert.equal(readFileSync(path).indexOf(0), PAGE);
    await ring.ftruncate(fd, 5);
    assert.deepEqual([...readFileSync(path)], [1, 1, 1, 1, 1]);
    await ring.fsync(fd, { offset: 0, length: 5 });
    await ring.fsync(fd);
    await fd.close();
  },
);

ringTest('madvise throws away what the pages held', {}, async (scope) => {
  const ring = asyncRing(scope);
  const page = pageSize();
  const memory = alloc(2 * page).fill(7);
  await ring.madvise(memory.subarray(0, page), 'MADV_DONTNEED');
  assert.deepEqual([memory[0], memory[page - 1], memory[page]], [0, 0, 7]);
  await ring.madvise(memory, 'MADV_WILLNEED');
});

ringTest('uringCmd reaches the driver of a file', needsFlag('SOCKET_URING_OP_SIOCOUTQ'), async (scope) => {
  const ring = asyncRing(scope);
  const nothing = await ring.open('/dev/null');
  assert.equal(await ring.uringCmd(nothing, 1, { data: bytes('0123456789abcdef'), memory: bytes('x') }), 0);
  await fails('EOPNOTSUPP', 'OP_URING_CMD', ring.uringCmd(scope.pipe().reader, 1));
  const wide = asyncRing(scope, 8, { sqe128: true });
  assert.equal(await wide.uringCmd(nothing, 0xffff_ffff, { data: new Uint8Array(80) }), 0);
  await nothing.close();
});

ringTest('nop, drain, async and a personality: the operation is done all the same', {}, async (scope) => {
  const ring = asyncRing(scope);
  const path = file(scope, 'flags');
  const memory = new Uint8Array(5);
  const personality = ring.registerPersonality();
  await ring.nop();
  await ring.nop({ drain: true });
  const fd = await ring.open(path, { async: true, personality });
  assert.equal(await ring.read(fd, memory, { async: true, drain: true, personality, offset: 0 }), 5);
  assert.equal(text(memory), 'flags');
  personality.unregister();
  await assert.rejects(ring.nop({ personality }), { code: 'ERR_URING_CLOSED' });
  await fd.close();
});

ringTest('drain waits for what was started before', {}, async (scope) => {
  const ring = asyncRing(scope);
  const { reader, writer } = scope.pipe();
  const order: string[] = [];
  const first = ring.read(reader, new Uint8Array(1)).then(() => order.push('read'));
  const second = ring.nop({ drain: true }).then(() => order.push('drained'));
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  assert.deepEqual(order, []);
  const other = asyncRing(scope);
  await other.write(writer, bytes('x'));
  await Promise.all([first, second]);
  assert.deepEqual(order, ['read', 'drained']);
});

for (const [kind, options, need] of [
  ['deferTaskrun', { deferTaskrun: true }, needsSetup('SETUP_DEFER_TASKRUN')],
  ['sqPoll', { sqPoll: { idleMs: 1 } }, {}],
] as const) {
  ringTest(`a ${kind} ring does the same`, need, async (scope) => {
    const ring = asyncRing(scope, 8, options);
    const path = file(scope, '0123456789');
    const { reader, writer } = scope.pipe();
    const fd = await ring.open(path);
    const digits = Array.from({ length: 200 }, () => new Uint8Array(1));
    const counts = await Promise.all(digits.map((each, i) => ring.read(fd, each, { offset: i % 10 })));
    assert.ok(counts.every((count) => count === 1));
    assert.deepEqual(
      digits.map(text),
      digits.map((_, i) => String(i % 10)),
    );
    const memory = new Uint8Array(3);
    const reading = ring.read(reader, memory);
    // the kernel's thread falls asleep meanwhile
    await ring.read(reader, new Uint8Array(1), { timeoutMs: 30 }).catch(() => {});
    await ring.write(writer, bytes('end'));
    assert.equal(await reading, 3);
    assert.equal(text(memory), 'end');
    await fd.close();
  });
}
