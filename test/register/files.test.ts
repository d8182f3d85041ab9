/** File tables: REGISTER_FILES, UNREGISTER_FILES, REGISTER_FILES2, both updates, REGISTER_FILE_ALLOC_RANGE. */
import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import {
  addressOf,
  register,
  registerEventfd,
  registerFileAllocRange,
  registerFiles,
  registerFiles2,
  registerFilesUpdate,
  registerFilesUpdate2,
  unregisterFiles,
} from '../../lib/raw.ts';
import { eventfd, pipe } from '../../lib/sys/libc.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { needs } from '../helpers/needs.ts';
import {
  answer,
  fdinfo,
  hex,
  later,
  makeRing,
  NO_U32,
  openFds,
  own,
  refuses,
  table,
  trapped,
  wrong,
} from '../helpers/raw-ring.ts';

const before = openFds();
/** Sparse tables came with 5.19, as this opcode. */
const SPARSE = needs('REGISTER_PBUF_RING');
const NO_FD = 0x7fff_fff0;
const NULL = '/dev/null';
const ZERO = '/dev/zero';

function open(t: TestContext, path: string): number {
  return own(t, openSync(path, 'r'));
}

function address(bytes: Uint8Array): string {
  const written = new Uint8Array(8);
  new DataView(written.buffer).setBigUint64(0, BigInt(addressOf(bytes)), true);
  return Buffer.from(written).toString('hex');
}

/** A little-endian s32 list, by hand. */
function s32(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  for (const [i, value] of values.entries()) new DataView(bytes.buffer).setInt32(i * 4, value, true);
  return bytes;
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
  const slots = table(fd, 'UserFiles');
  assert.deepEqual([slots.get(0), slots.get(1)], [NULL, ZERO]);
});

test('the table of files comes and goes: EBUSY twice, ENXIO without one', (t) => {
  const { fd } = makeRing(t);
  assert.equal(
    answer(() => unregisterFiles(fd)),
    'ENXIO',
  );
  registerFiles(fd, [open(t, NULL)]);
  assert.equal(
    answer(() => registerFiles(fd, [open(t, NULL)])),
    'EBUSY',
  );
  unregisterFiles(fd);
  assert.equal(fdinfo(fd, 'UserFiles'), '0');
  assert.equal(
    answer(() => unregisterFiles(fd)),
    'ENXIO',
  );
});

test('a closed fd and a ring are EBADF, and nothing is registered', (t) => {
  const ring = makeRing(t);
  for (const bad of [NO_FD, ring.fd]) {
    assert.equal(
      answer(() => registerFiles(ring.fd, [open(t, NULL), bad])),
      'EBADF',
    );
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
  assert.equal(
    answer(() => registerFiles2(fd, { fds })),
    'EMFILE',
  );
  const now = new BigUint64Array(2);
  sys.getrlimit(RLIMIT_NOFILE, now);
  assert.deepEqual(now, lowered);
  registerFiles(fd, fds.slice(1));
  assert.equal(fdinfo(fd, 'UserFiles'), '512');
});

test('the bare opcode: counts, null, -2', (t) => {
  const { fd } = makeRing(t);
  const op = constants.IORING_REGISTER_FILES;
  assert.equal(
    answer(() => register(fd, op, s32(1), 0)),
    'EINVAL',
    'nr 0',
  );
  assert.equal(
    answer(() => register(fd, op, null, 1)),
    'EFAULT',
    'NULL',
  );
  assert.equal(
    answer(() => register(fd, op, s32(-2), 1)),
    'EBADF',
    '-2',
  );
  assert.equal(
    answer(() => register(fd, op, s32(-3), 1)),
    'EBADF',
    '-3',
  );
  assert.equal(
    answer(() => register(fd, op, s32(1), 0x8000_0001)),
    'EMFILE',
    'junk in the upper bits of nr',
  );
  assert.equal(
    answer(() => register(fd, op, s32(-1), 1)),
    0,
  );
  const undo = constants.IORING_UNREGISTER_FILES;
  assert.equal(
    answer(() => register(fd, undo, s32(0), 0)),
    'EINVAL',
    'an argument',
  );
  assert.equal(
    answer(() => register(fd, undo, null, 1)),
    'EINVAL',
    'nr 1',
  );
  assert.equal(
    answer(() => register(fd, undo)),
    0,
  );
});

// ---- updates --------------------------------------------------------------------------------------------------------

test('an update puts a file, empties (-1) and skips (-2): all count', (t) => {
  const { fd } = makeRing(t);
  const [first, second] = [open(t, NULL), open(t, ZERO)];
  assert.equal(
    answer(() => registerFilesUpdate(fd, { offset: 0, fds: [first] })),
    'ENXIO',
  );
  registerFiles(fd, [first, first, first, first]);
  assert.equal(registerFilesUpdate(fd, { offset: 1, fds: [second, -2, -1] }), 3);
  assert.equal(fdinfo(fd, 'UserFiles'), '4');
  const slots = table(fd, 'UserFiles');
  assert.deepEqual([slots.get(0), slots.get(1), slots.get(2)], [NULL, ZERO, NULL]);
  assert.notEqual(slots.get(3), NULL);
});

test('an update past the table is EINVAL, past 2^32 EOVERFLOW', (t) => {
  const { fd } = makeRing(t);
  const file = open(t, NULL);
  registerFiles(fd, [-1, -1]);
  assert.equal(
    answer(() => registerFilesUpdate(fd, { offset: 1, fds: [file, file] })),
    'EINVAL',
  );
  assert.equal(
    answer(() => registerFilesUpdate(fd, { offset: 2, fds: [file] })),
    'EINVAL',
  );
  assert.equal(
    answer(() => registerFilesUpdate(fd, { offset: 2 ** 32 - 1, fds: [file] })),
    'EOVERFLOW',
  );
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
  const slots = table(fd, 'UserFiles');
  assert.equal(slots.get(0), ZERO);
  assert.notEqual(slots.get(1), NULL, 'the slot of the bad fd is empty');
  assert.equal(slots.get(2), NULL);
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
  const slots = table(fd, 'UserFiles');
  assert.deepEqual([slots.get(0), slots.get(1), slots.get(999)], [ZERO, NULL, ZERO]);
});

test('the bare opcode: nr_args is the number of fds, and resv must be 0', (t) => {
  const { fd } = makeRing(t);
  const file = open(t, NULL);
  registerFiles(fd, [file, file]);
  const fds = s32(file, file);
  const call = (bytes: string, nrArgs: number) =>
    answer(() => register(fd, constants.IORING_REGISTER_FILES_UPDATE, hex(bytes), nrArgs));
  assert.equal(call(`00000000 00000000 ${address(fds)}`, 0), 'EINVAL', 'nr 0');
  assert.equal(call(`00000000 00000001 ${address(fds)}`, 1), 'EINVAL', 'resv');
  assert.equal(call(`00000000 00000000 0000000000000000`, 1), 'EFAULT', 'NULL');
  assert.equal(call(`00000000 00000000 ${address(fds)}`, 16), 'EINVAL', 'the byte size');
  assert.equal(call(`00000000 00000000 ${address(fds)}`, 2), 2);
  assert.equal(fds.byteLength, 8);
});

// ---- tags and sparse tables -----------------------------------------------------------------------------------------

test('the tag of a slot comes when its file is let go', needs('REGISTER_FILES2'), (t) => {
  const ring = makeRing(t);
  const file = open(t, NULL);
  registerFiles2(ring.fd, { fds: [file, file, file, -1], tags: [0x11, 2n ** 64n - 1n, 0, 0] });
  assert.equal(fdinfo(ring.fd, 'UserFiles'), '4');
  assert.equal(registerFilesUpdate2(ring.fd, { offset: 0, fds: [file, -2, -2], tags: [0x22, 0, 0n] }), 3);
  assert.deepEqual(ring.completions(), [{ userData: 0x11n, res: 0, flags: 0 }]);
  assert.equal(registerFilesUpdate2(ring.fd, { offset: 1, fds: [-1] }), 1);
  assert.deepEqual(ring.completions(), [{ userData: 2n ** 64n - 1n, res: 0, flags: 0 }]);
  unregisterFiles(ring.fd);
  assert.deepEqual(ring.completions(), [{ userData: 0x22n, res: 0, flags: 0 }]);
});

test(
  'a tagged update that fails half-way has posted the old tags of what it did',
  needs('REGISTER_FILES_UPDATE2'),
  (t) => {
    const ring = makeRing(t);
    const file = open(t, NULL);
    registerFiles2(ring.fd, { fds: [file, file, file], tags: [1, 2, 3] });
    assert.throws(
      () => registerFilesUpdate2(ring.fd, { offset: 0, fds: [file, NO_FD, file], tags: [11, 12, 13] }),
      {
        code: 'EBADF',
        opcode: 'REGISTER_FILES_UPDATE2',
        nrArgs: 32,
        done: 1,
      },
    );
    const told = ring.completions().map(({ userData }) => userData);
    assert.deepEqual(told, [1n, 2n], 'the slot of the bad fd was emptied');
    unregisterFiles(ring.fd);
    assert.deepEqual(
      ring
        .completions()
        .map(({ userData }) => userData)
        .sort(),
      [11n, 3n],
    );
  },
);

test('tags that come signal the eventfd', needs('REGISTER_FILES2'), (t) => {
  const { fd } = makeRing(t);
  const signal = own(t, eventfd());
  registerFiles2(fd, { fds: [open(t, NULL)], tags: [5] });
  registerEventfd(fd, signal);
  unregisterFiles(fd);
  const count = new BigUint64Array(1);
  assert.equal(sys.read(signal, count), 8);
  assert.deepEqual(count, BigUint64Array.of(1n));
});

test('a registration that fails posts no tags', needs('REGISTER_FILES2'), (t) => {
  const ring = makeRing(t);
  assert.equal(
    answer(() => registerFiles2(ring.fd, { fds: [open(t, NULL), NO_FD], tags: [1, 2] })),
    'EBADF',
  );
  assert.deepEqual(ring.completions(), []);
});

test('a sparse table is filled slot by slot', SPARSE, (t) => {
  const { fd } = makeRing(t);
  registerFiles2(fd, { sparse: 64 });
  assert.equal(fdinfo(fd, 'UserFiles'), '64');
  assert.equal(
    answer(() => registerFiles2(fd, { sparse: 1 })),
    'EBUSY',
  );
  assert.equal(registerFilesUpdate2(fd, { offset: 62, fds: [open(t, NULL), open(t, ZERO)] }), 2);
  const slots = table(fd, 'UserFiles');
  assert.deepEqual([slots.get(62), slots.get(63)], [NULL, ZERO]);
});

test('the bare opcode: size, flags and reserved fields of the struct', SPARSE, (t) => {
  const { fd } = makeRing(t);
  const file = open(t, NULL);
  const fds = s32(file);
  const none = '0000000000000000';
  const call = (bytes: string, nrArgs = 32) =>
    answer(() => register(fd, constants.IORING_REGISTER_FILES2, hex(bytes), nrArgs));
  const right = `01000000 00000000 ${none} ${address(fds)} ${none}`;
  for (const nrArgs of [0, 1, 16, 24, 31, 33, 40])
    assert.equal(call(`${right} ${none}`, nrArgs), 'EINVAL', `size ${nrArgs}`);
  assert.equal(call(`01000000 01000000 ${none} ${address(fds)} ${none}`), 'EINVAL', 'SPARSE with data');
  assert.equal(call(`01000000 02000000 ${none} ${none} ${none}`), 'EINVAL', 'an unknown flag');
  assert.equal(call(`01000000 00000000 00000000000000ff ${address(fds)} ${none}`), 'EINVAL', 'resv2');
  assert.equal(call(`00000000 00000000 ${none} ${address(fds)} ${none}`), 'EINVAL', 'nr 0');
  const empty = s32(-1);
  const tag = hex('0500000000000000');
  assert.equal(
    call(`01000000 00000000 ${none} ${address(empty)} ${address(tag)}`),
    'EINVAL',
    'a tag on an empty slot',
  );
  assert.equal(call(right), 0);
  assert.deepEqual([fds.byteLength, empty.byteLength, tag.byteLength], [4, 4, 8]);
});

test('the bare opcode: size and reserved fields of an update', needs('REGISTER_FILES_UPDATE2'), (t) => {
  const { fd } = makeRing(t);
  const file = open(t, NULL);
  registerFiles(fd, [file]);
  const fds = s32(file);
  const none = '0000000000000000';
  const call = (bytes: string, nrArgs = 32) =>
    answer(() => register(fd, constants.IORING_REGISTER_FILES_UPDATE2, hex(bytes), nrArgs));
  const right = `00000000 00000000 ${address(fds)} ${none} 01000000 00000000`;
  for (const nrArgs of [0, 1, 16, 24, 40])
    assert.equal(call(`${right} ${none}`, nrArgs), 'EINVAL', `size ${nrArgs}`);
  assert.equal(call(`00000000 01000000 ${address(fds)} ${none} 01000000 00000000`), 'EINVAL', 'resv');
  assert.equal(call(`00000000 00000000 ${address(fds)} ${none} 01000000 00000001`), 'EINVAL', 'resv2');
  assert.equal(call(`00000000 00000000 ${address(fds)} ${none} 00000000 00000000`), 'EINVAL', 'nr 0');
  assert.equal(call(right), 1);
  assert.equal(fds.byteLength, 4);
});

// ---- slots that the kernel picks --------------------------------------------------------------------------------------

test('an alloc range must lie within the table', needs('REGISTER_FILE_ALLOC_RANGE'), (t) => {
  const { fd } = makeRing(t);
  assert.equal(
    answer(() => registerFileAllocRange(fd, { off: 0, len: 1 })),
    'EINVAL',
    'no table',
  );
  registerFiles2(fd, { sparse: 16 });
  assert.equal(
    answer(() => registerFileAllocRange(fd, { off: 10, len: 7 })),
    'EINVAL',
    'past the table',
  );
  assert.equal(
    answer(() => registerFileAllocRange(fd, { off: 2 ** 32 - 1, len: 1 })),
    'EOVERFLOW',
  );
  assert.equal(
    answer(() => registerFileAllocRange(fd, { off: 5, len: 2 })),
    undefined,
  );
  assert.equal(
    answer(() => registerFileAllocRange(fd, { off: 0, len: 0 })),
    undefined,
  );
});

test(
  'an alloc range has nr_args 0: 1 is refused, against the man page',
  needs('REGISTER_FILE_ALLOC_RANGE'),
  (t) => {
    const { fd } = makeRing(t);
    registerFiles2(fd, { sparse: 16 });
    const op = constants.IORING_REGISTER_FILE_ALLOC_RANGE;
    const range = hex('05000000 02000000 0000000000000000');
    assert.equal(
      answer(() => register(fd, op, range, 1)),
      'EINVAL',
      'nr 1',
    );
    assert.equal(
      answer(() => register(fd, op, hex('05000000 02000000 0000000000000001'), 0)),
      'EINVAL',
      'resv',
    );
    assert.equal(
      answer(() => register(fd, op, null, 0)),
      'EINVAL',
      'NULL',
    );
    assert.equal(
      answer(() => register(fd, op, range, 0)),
      0,
    );
  },
);

test('a caller who calls back while his fds are read spoils nothing', (t) => {
  const { fd } = makeRing(t);
  const inner = makeRing(t);
  const fds = trapped([open(t, NULL), open(t, ZERO)], 1, () => registerFiles(inner.fd, [-1, -1, -1]));
  registerFiles(fd, fds);
  assert.deepEqual([...table(fd, 'UserFiles').values()], [NULL, ZERO]);
  assert.equal(fdinfo(inner.fd, 'UserFiles'), '3');
});

test('no fd is left open', () => assert.deepEqual(openFds(), before));
