/** File tables with tags, and sparse ones: REGISTER_FILES2, REGISTER_FILES_UPDATE2. */
import assert from 'node:assert/strict';
import { openSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import {
  register,
  registerEventfd,
  registerFiles,
  registerFiles2,
  registerFilesUpdate2,
  unregisterFiles,
} from '../../lib/raw.ts';
import { eventfd } from '../../lib/sys/libc.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { knows, needs } from '../helpers/needs.ts';
import {
  answer,
  fdinfo,
  fileNames,
  gives,
  hex,
  makeRing,
  openFds,
  own,
  pointer,
  s32,
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

test('the tag of a slot comes when its file is let go', needs('REGISTER_FILES2'), async (t) => {
  const ring = makeRing(t);
  const file = open(t, NULL);
  registerFiles2(ring.fd, { fds: [file, file, file, -1], tags: [0x11, 2n ** 64n - 1n, 0, 0] });
  assert.equal(fdinfo(ring.fd, 'UserFiles'), '4');
  assert.equal(registerFilesUpdate2(ring.fd, { offset: 0, fds: [file, -2, -2], tags: [0x22, 0, 0n] }), 3);
  assert.deepEqual(await ring.waitFor(1), [{ userData: 0x11n, res: 0, flags: 0 }]);
  assert.equal(registerFilesUpdate2(ring.fd, { offset: 1, fds: [-1] }), 1);
  assert.deepEqual(await ring.waitFor(1), [{ userData: 2n ** 64n - 1n, res: 0, flags: 0 }]);
});

test(
  'unregistering tells the tags since Linux 6.13; before it waits instead, and tells none',
  needs('REGISTER_FILES2'),
  (t) => {
    const ring = makeRing(t);
    const file = open(t, NULL);
    registerFiles2(ring.fd, { fds: [file, -1, file], tags: [5, 0, 6] });
    unregisterFiles(ring.fd);
    const told = ring.completions().map(({ userData }) => userData);
    assert.deepEqual(told.sort(), knows('REGISTER_SEND_MSG_RING') ? [5n, 6n] : []);
  },
);

test(
  'a tagged update that fails half-way has posted the old tags of what it did',
  needs('REGISTER_FILES_UPDATE2'),
  async (t) => {
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
    const told = (await ring.waitFor(2)).map(({ userData }) => userData);
    assert.deepEqual(told.sort(), [1n, 2n], 'the slot of the bad fd was emptied');
  },
);

test('tags that come signal the eventfd', needs('REGISTER_FILES2'), async (t) => {
  const ring = makeRing(t);
  const { fd } = ring;
  const signal = own(t, eventfd());
  registerFiles2(fd, { fds: [open(t, NULL)], tags: [5] });
  registerEventfd(fd, signal);
  registerFilesUpdate2(fd, { offset: 0, fds: [-1] });
  assert.equal((await ring.waitFor(1)).length, 1);
  const count = new BigUint64Array(1);
  assert.equal(sys.read(signal, count), 8);
  assert.deepEqual(count, BigUint64Array.of(1n));
});

test('a registration that fails posts no tags', needs('REGISTER_FILES2'), (t) => {
  const ring = makeRing(t);
  gives('EBADF', () => registerFiles2(ring.fd, { fds: [open(t, NULL), NO_FD], tags: [1, 2] }));
  assert.deepEqual(ring.completions(), []);
});

test('a sparse table is filled slot by slot', SPARSE, (t) => {
  const { fd } = makeRing(t);
  registerFiles2(fd, { sparse: 64 });
  assert.equal(fdinfo(fd, 'UserFiles'), '64');
  gives('EBUSY', () => registerFiles2(fd, { sparse: 1 }));
  assert.equal(registerFilesUpdate2(fd, { offset: 62, fds: [open(t, NULL), open(t, ZERO)] }), 2);
  const names = fileNames(fd);
  assert.deepEqual([names[62], names[63]], ['null', 'zero']);
});

test('the bare opcode: size, flags and reserved fields of the struct', SPARSE, (t) => {
  const { fd } = makeRing(t);
  const file = open(t, NULL);
  const fds = hex(s32(file));
  const none = '0000000000000000';
  const call = (bytes: string, nrArgs = 32) =>
    answer(() => register(fd, constants.IORING_REGISTER_FILES2, hex(bytes), nrArgs));
  const right = `01000000 00000000 ${none} ${pointer(fds)} ${none}`;
  for (const nrArgs of [0, 1, 16, 24, 31, 33, 40])
    assert.equal(call(`${right} ${none}`, nrArgs), 'EINVAL', `size ${nrArgs}`);
  assert.equal(call(`01000000 01000000 ${none} ${pointer(fds)} ${none}`), 'EINVAL', 'SPARSE with data');
  assert.equal(call(`01000000 02000000 ${none} ${none} ${none}`), 'EINVAL', 'an unknown flag');
  assert.equal(call(`01000000 00000000 00000000000000ff ${pointer(fds)} ${none}`), 'EINVAL', 'resv2');
  assert.equal(call(`00000000 00000000 ${none} ${pointer(fds)} ${none}`), 'EINVAL', 'nr 0');
  const empty = hex(s32(-1));
  const tag = hex('0500000000000000');
  assert.equal(
    call(`01000000 00000000 ${none} ${pointer(empty)} ${pointer(tag)}`),
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
  const fds = hex(s32(file));
  const none = '0000000000000000';
  const call = (bytes: string, nrArgs = 32) =>
    answer(() => register(fd, constants.IORING_REGISTER_FILES_UPDATE2, hex(bytes), nrArgs));
  const right = `00000000 00000000 ${pointer(fds)} ${none} 01000000 00000000`;
  for (const nrArgs of [0, 1, 16, 24, 40])
    assert.equal(call(`${right} ${none}`, nrArgs), 'EINVAL', `size ${nrArgs}`);
  assert.equal(call(`00000000 01000000 ${pointer(fds)} ${none} 01000000 00000000`), 'EINVAL', 'resv');
  assert.equal(call(`00000000 00000000 ${pointer(fds)} ${none} 01000000 00000001`), 'EINVAL', 'resv2');
  assert.equal(call(`00000000 00000000 ${pointer(fds)} ${none} 00000000 00000000`), 'EINVAL', 'nr 0');
  assert.equal(call(right), 1);
  assert.equal(fds.byteLength, 4);
});

test('no fd is left open', () => assert.deepEqual(openFds(), before));
