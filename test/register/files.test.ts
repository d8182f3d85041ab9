/** File tables: REGISTER_FILES, UNREGISTER_FILES, REGISTER_FILES2, both updates, REGISTER_FILE_ALLOC_RANGE. */
import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import {
  register,
  registerFileAllocRange,
  registerFiles,
  registerFiles2,
  registerFilesUpdate,
  registerFilesUpdate2,
  unregisterFiles,
} from '../../lib/raw.ts';
import { pipe } from '../../lib/sys/libc.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { needs } from '../helpers/needs.ts';
import {
  answer,
  fdinfo,
  fileNames,
  gives,
  hex,
  later,
  makeRing,
  NO_U32,
  openFds,
  own,
  pointer,
  refuses,
  s32,
  trapped,
  wrong,
} from '../helpers/raw-ring.ts';

const before = openFds();
const NO_FD = 0x7fff_fff0;
const NULL = '/dev/null';
const ZERO = '/dev/zero';

function open(t: TestContext, path: string): number {
  return own(t, openSync(path, 'r'));
}

// ---- bad input --------------------------------------------------------------------------------------------------

test('what is no list of fds is refused, by its place in the list', (t) => {
  const { fd } = makeRing(t);
  const tooMany = new Array<number>(1_048_577).fill(-1);
  for (const list of [undefined, null, 5, '11', new Int32Array(2), new Set([1]), [], tooMany]) {
    refuses('fds', () => registerFiles(fd, wrong(list)));
    refuses('table.fds', () => registerFiles2(fd, { fds: wrong(list) }));
    refuses('update.fds', () => registerFilesUpdate(fd, { offset: 0, fds: wrong(list) }));
    refuses('update.fds', () => registerFilesUpdate2(fd, { offset: 0, fds: wrong(list) }));
  }
  for (const bad of [
    Number.NaN,
    1.5,
    2 ** 31,
    2 ** 32,
    -(2 ** 31) - 1,
    Number.POSITIVE_INFINITY,
    '1',
    1n,
    null,
    undefined,
    true,
    {},
  ]) {
    refuses('fds[1]', () => registerFiles(fd, [1, wrong(bad)]));
    refuses('table.fds[0]', () => registerFiles2(fd, { fds: [wrong(bad)] }));
    refuses('update.fds[2]', () => registerFilesUpdate(fd, { offset: 0, fds: [1, -1, wrong(bad)] }));
    refuses('update.fds[0]', () => registerFilesUpdate2(fd, { offset: 0, fds: [wrong(bad)] }));
  }
  refuses('fds[1]', () => registerFiles(fd, wrong(new Array(2).fill(1, 0, 1))));
});

test('-2 skips a slot only in an update, and -3 is nothing', (t) => {
  const { fd } = makeRing(t);
  refuses('fds[0]', () => registerFiles(fd, [-2]));
  refuses('table.fds[0]', () => registerFiles2(fd, { fds: [-2] }));
  refuses('update.fds[0]', () => registerFilesUpdate(fd, { offset: 0, fds: [-3] }));
  refuses('update.fds[0]', () => registerFilesUpdate2(fd, { offset: 0, fds: [-3] }));
});

test('tags, offsets and options are checked before the call', (t) => {
  const { fd } = makeRing(t);
  for (const tag of [-1, 1.5, Number.NaN, 2 ** 53, -1n, 2n ** 64n, '1', null, undefined]) {
    refuses('table.tags[0]', () => registerFiles2(fd, { fds: [1], tags: [wrong(tag)] }));
    refuses('update.tags[0]', () => registerFilesUpdate2(fd, { offset: 0, fds: [1], tags: [wrong(tag)] }));
  }
  for (const tags of [[], [1, 2], 5, null])
    refuses('table.tags', () => registerFiles2(fd, { fds: [1], tags: wrong(tags) }));
  refuses('table.tags[1]', () => registerFiles2(fd, { fds: [1, -1], tags: [1, 2] }));
  refuses('update.tags[0]', () => registerFilesUpdate2(fd, { offset: 0, fds: [-2], tags: [2n] }));
  refuses('update.tags[0]', () => registerFilesUpdate2(fd, { offset: 0, fds: [-1], tags: [2] }));
  for (const offset of [...NO_U32, undefined]) {
    refuses('update.offset', () => registerFilesUpdate(fd, { offset: wrong(offset), fds: [1] }));
    refuses('update.offset', () => registerFilesUpdate2(fd, { offset: wrong(offset), fds: [1] }));
    refuses('range.off', () => registerFileAllocRange(fd, { off: wrong(offset), len: 1 }));
    refuses('range.len', () => registerFileAllocRange(fd, { off: 1, len: wrong(offset) }));
  }
  for (const sparse of [...NO_U32, 0, 1_048_577])
    refuses('table.sparse', () => registerFiles2(fd, { sparse: wrong(sparse) }));
  refuses('table.sparse', () => registerFiles2(fd, wrong({ sparse: 1, fds: [1] })));
  refuses('table.sparse', () => registerFiles2(fd, wrong({ sparse: 1, tags: [1] })));
  refuses('update.tags', () => registerFilesUpdate(fd, wrong({ offset: 0, fds: [1], tags: [1] })));
  refuses('range.offset', () => registerFileAllocRange(fd, wrong({ offset: 0, len: 1 })));
  for (const options of [undefined, null, 5]) {
    refuses('table', () => registerFiles2(fd, wrong(options)));
    refuses('update', () => registerFilesUpdate(fd, wrong(options)));
    refuses('update', () => registerFilesUpdate2(fd, wrong(options)));
    refuses('range', () => registerFileAllocRange(fd, wrong(options)));
  }
});

// ---- the kernel ---------------------------------------------------------------------------------------------------

test('fds go to the kernel 32 bits wide: [a, b] registers a and b', (t) => {
  const { fd } = makeRing(t);
  registerFiles(fd, [open(t, NULL), open(t, ZERO), -1]);
  assert.equal(fdinfo(fd, 'UserFiles'), '3');
  const names = fileNames(fd);
  assert.deepEqual([names[0], names[1]], ['null', 'zero']);
});

test('the table of files comes and goes: EBUSY twice, ENXIO without one', (t) => {
  const { fd } = makeRing(t);
  gives('ENXIO', () => unregisterFiles(fd));
  registerFiles(fd, [open(t, NULL)]);
  gives('EBUSY', () => registerFiles(fd, [open(t, NULL)]));
  unregisterFiles(fd);
  assert.equal(fdinfo(fd, 'UserFiles'), '0');
  gives('ENXIO', () => unregisterFiles(fd));
});

test('a closed fd and a ring are EBADF, and nothing is registered', (t) => {
  const ring = makeRing(t);
  for (const bad of [NO_FD, ring.fd]) {
    gives('EBADF', () => registerFiles(ring.fd, [open(t, NULL), bad]));
    assert.equal(fdinfo(ring.fd, 'UserFiles'), '0');
  }
});

test('the table holds its files: a pipe ends when it is unregistered, not when its fd is closed', (t) => {
  const { fd } = makeRing(t);
  const [reader, writer] = pipe(0o4000);
  own(t, reader);
  registerFiles(fd, [writer]);
  closeSync(writer);
  const byte = new Uint8Array(1);
  assert.equal(sys.read(reader, byte), -11, 'EAGAIN: somebody may write');
  unregisterFiles(fd);
  assert.equal(sys.read(reader, byte), 0, 'the end: nobody can');
});

const RLIMIT_NOFILE = 7;

test('more fds than RLIMIT_NOFILE are EMFILE, and the limit stays as it is', (t) => {
  const { fd } = makeRing(t);
  const limits = new BigUint64Array(2);
  sys.getrlimit(RLIMIT_NOFILE, limits);
  later(t, () => sys.setrlimit(RLIMIT_NOFILE, limits));
  const lowered = BigUint64Array.of(512n, limits[1] ?? 0n);
  assert.equal(sys.setrlimit(RLIMIT_NOFILE, lowered), 0);
  const fds = new Array<number>(513).fill(-1);
  assert.throws(() => registerFiles(fd, fds), {
    code: 'EMFILE',
    opcode: 'REGISTER_FILES',
    hint: /RLIMIT_NOFILE/,
  });
  gives('EMFILE', () => registerFiles2(fd, { fds }));
  const now = new BigUint64Array(2);
  sys.getrlimit(RLIMIT_NOFILE, now);
  assert.deepEqual(now, lowered);
  registerFiles(fd, fds.slice(1));
  assert.equal(fdinfo(fd, 'UserFiles'), '512');
});

test('the bare opcode: counts, null, -2', (t) => {
  const { fd } = makeRing(t);
  const op = constants.IORING_REGISTER_FILES;
  gives('EINVAL', 'nr 0', () => register(fd, op, hex(s32(1)), 0));
  gives('EFAULT', 'NULL', () => register(fd, op, null, 1));
  gives('EBADF', '-2', () => register(fd, op, hex(s32(-2)), 1));
  gives('EBADF', '-3', () => register(fd, op, hex(s32(-3)), 1));
  gives('EMFILE', 'junk in the upper bits of nr', () => register(fd, op, hex(s32(1)), 0x8000_0001));
  gives(0, () => register(fd, op, hex(s32(-1)), 1));
  const undo = constants.IORING_UNREGISTER_FILES;
  gives('EINVAL', 'an argument', () => register(fd, undo, hex(s32(0)), 0));
  gives('EINVAL', 'nr 1', () => register(fd, undo, null, 1));
  gives(0, () => register(fd, undo));
});

// ---- updates --------------------------------------------------------------------------------------------------------

test('an update puts a file, empties (-1) and skips (-2): all count', (t) => {
  const { fd } = makeRing(t);
  const [first, second] = [open(t, NULL), open(t, ZERO)];
  gives('ENXIO', () => registerFilesUpdate(fd, { offset: 0, fds: [first] }));
  registerFiles(fd, [first, first, first, first]);
  assert.equal(registerFilesUpdate(fd, { offset: 1, fds: [second, -2, -1] }), 3);
  assert.equal(fdinfo(fd, 'UserFiles'), '4');
  const names = fileNames(fd);
  assert.deepEqual([names[0], names[1], names[2]], ['null', 'zero', 'null']);
  assert.notEqual(names[3], 'null');
});

test('an update past the table is EINVAL, past 2^32 EOVERFLOW', (t) => {
  const { fd } = makeRing(t);
  const file = open(t, NULL);
  registerFiles(fd, [-1, -1]);
  gives('EINVAL', () => registerFilesUpdate(fd, { offset: 1, fds: [file, file] }));
  gives('EINVAL', () => registerFilesUpdate(fd, { offset: 2, fds: [file] }));
  gives('EOVERFLOW', () => registerFilesUpdate(fd, { offset: 2 ** 32 - 1, fds: [file] }));
});

test('an update that fails half-way says how far it came, and why', (t) => {
  const { fd } = makeRing(t);
  const [first, second] = [open(t, NULL), open(t, ZERO)];
  registerFiles(fd, [first, first, first]);
  assert.throws(() => registerFilesUpdate(fd, { offset: 0, fds: [second, NO_FD, second] }), {
    name: 'RegisterError',
    code: 'EBADF',
    opcode: 'REGISTER_FILES_UPDATE',
    nrArgs: 3,
    done: 1,
  });
  const names = fileNames(fd);
  assert.equal(names[0], 'zero');
  assert.notEqual(names[1], 'null', 'the slot of the bad fd is empty');
  assert.equal(names[2], 'null');
  assert.throws(() => registerFilesUpdate(fd, { offset: 0, fds: [NO_FD] }), {
    code: 'EBADF',
    done: undefined,
  });
});

test('a thousand fds go in one call', (t) => {
  const { fd } = makeRing(t);
  const [first, second] = [open(t, NULL), open(t, ZERO)];
  registerFiles(fd, new Array<number>(1000).fill(first));
  const fds = Array.from({ length: 1000 }, (_, i) => (i % 3 === 0 ? second : -2));
  assert.equal(registerFilesUpdate(fd, { offset: 0, fds }), 1000);
  const names = fileNames(fd);
  assert.deepEqual([names[0], names[1], names[999]], ['zero', 'null', 'zero']);
});

test('the bare opcode: nr_args is the number of fds, and resv must be 0', (t) => {
  const { fd } = makeRing(t);
  const file = open(t, NULL);
  registerFiles(fd, [file, file]);
  const fds = hex(s32(file, file));
  const call = (bytes: string, nrArgs: number) =>
    answer(() => register(fd, constants.IORING_REGISTER_FILES_UPDATE, hex(bytes), nrArgs));
  assert.equal(call(`00000000 00000000 ${pointer(fds)}`, 0), 'EINVAL', 'nr 0');
  assert.equal(call(`00000000 00000001 ${pointer(fds)}`, 1), 'EINVAL', 'resv');
  assert.equal(call(`00000000 00000000 0000000000000000`, 1), 'EFAULT', 'NULL');
  assert.equal(call(`00000000 00000000 ${pointer(fds)}`, 16), 'EINVAL', 'the byte size');
  assert.equal(call(`00000000 00000000 ${pointer(fds)}`, 2), 2);
  assert.equal(fds.byteLength, 8);
});

// ---- slots that the kernel picks --------------------------------------------------------------------------------------

test('an alloc range must lie within the table', needs('REGISTER_FILE_ALLOC_RANGE'), (t) => {
  const { fd } = makeRing(t);
  gives('EINVAL', 'no table', () => registerFileAllocRange(fd, { off: 0, len: 1 }));
  registerFiles2(fd, { sparse: 16 });
  gives('EINVAL', 'past the table', () => registerFileAllocRange(fd, { off: 10, len: 7 }));
  gives('EOVERFLOW', () => registerFileAllocRange(fd, { off: 2 ** 32 - 1, len: 1 }));
  gives(undefined, () => registerFileAllocRange(fd, { off: 5, len: 2 }));
  gives(undefined, () => registerFileAllocRange(fd, { off: 0, len: 0 }));
});

test(
  'an alloc range has nr_args 0: 1 is refused, against the man page',
  needs('REGISTER_FILE_ALLOC_RANGE'),
  (t) => {
    const { fd } = makeRing(t);
    registerFiles2(fd, { sparse: 16 });
    const op = constants.IORING_REGISTER_FILE_ALLOC_RANGE;
    const range = hex('05000000 02000000 0000000000000000');
    gives('EINVAL', 'nr 1', () => register(fd, op, range, 1));
    gives('EINVAL', 'resv', () => register(fd, op, hex('05000000 02000000 0000000000000001'), 0));
    gives('EINVAL', 'NULL', () => register(fd, op, null, 0));
    gives(0, () => register(fd, op, range, 0));
  },
);

test('a caller who calls back while his fds are read spoils nothing', (t) => {
  const { fd } = makeRing(t);
  const inner = makeRing(t);
  const fds = trapped([open(t, NULL), open(t, ZERO)], 1, () => registerFiles(inner.fd, [-1, -1, -1]));
  registerFiles(fd, fds);
  assert.deepEqual(fileNames(fd), ['null', 'zero']);
  assert.equal(fdinfo(inner.fd, 'UserFiles'), '3');
});

test('no fd is left open', () => assert.deepEqual(openFds(), before));
