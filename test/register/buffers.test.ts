/** Registered buffers: REGISTER_BUFFERS, UNREGISTER_BUFFERS. */
import assert from 'node:assert/strict';
import { mkdtempSync, openSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  addressOf,
  alloc,
  type BufferSource,
  register,
  registerBuffers,
  registerBuffers2,
  registerBuffersUpdate,
  unregisterBuffers,
} from '../../lib/raw.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { needs } from '../helpers/needs.ts';
import { patience } from '../helpers/patience.ts';
import {
  answer,
  fdinfo,
  gives,
  hex,
  later,
  makeRing,
  openFds,
  own,
  pointer,
  refuses,
  table,
  u64,
  unfitViews,
  wrong,
} from '../helpers/raw-ring.ts';

const before = openFds();
const TMPFS = 0x0102_1994;
const PROT_READ = 1;
const MAP_SHARED = 1;
const MAP_PRIVATE_ANONYMOUS = 0x22;

const page = alloc(4096);
const other = alloc(4096);
const at = (view: ArrayBufferView, length = view.byteLength): string =>
  `0x${addressOf(view).toString(16)}/${length}`;

/** Memory of a mapping, until the test ends. */
function mapped(
  t: TestContext,
  length: number,
  protection: number,
  flags: number,
  fd = -1,
): { address: number; length: number } {
  const address = sys.mmap(length, protection, flags, fd, 0);
  assert.ok(address > 0, `mmap: ${address}`);
  later(t, () => sys.munmap(address, length));
  return { address, length };
}

/** A file of 8 KiB in a directory, mapped shared and writable. */
function mappedFile(t: TestContext, directory: string): { address: number; length: number } {
  const folder = mkdtempSync(join(directory, 'uring-'));
  later(t, () => rmSync(folder, { recursive: true }));
  const path = join(folder, 'file');
  writeFileSync(path, '');
  truncateSync(path, 8192);
  return mapped(t, 8192, 3, MAP_SHARED, own(t, openSync(path, 'r+')));
}

// ---- bad input --------------------------------------------------------------------------------------------------

const NO_BUFFER: readonly unknown[] = [undefined, 5, 'x', {}, true, 1n, new ArrayBuffer(8)];
const NO_ADDRESS: readonly unknown[] = [-1, 1.5, Number.NaN, 2 ** 53, -1n, 2n ** 64n, '1', null, undefined];
const NO_LENGTH: readonly unknown[] = [-1, 1.5, Number.NaN, 2 ** 53, 1n, '1', null, undefined];

test('what is no list of buffers is refused, by its place in the list', (t) => {
  const { fd } = makeRing(t);
  const tooMany: null[] = Array.from({ length: 16_385 }, () => null);
  for (const list of [undefined, null, 5, 'xx', page, new Set([page]), [], tooMany]) {
    refuses('buffers', () => registerBuffers(fd, wrong(list)));
    refuses('table.buffers', () => registerBuffers2(fd, { buffers: wrong(list) }));
    refuses('update.buffers', () => registerBuffersUpdate(fd, { offset: 0, buffers: wrong(list) }));
  }
  for (const each of NO_BUFFER) refuses('buffers[1]', () => registerBuffers(fd, [page, wrong(each)]));
  for (const address of NO_ADDRESS) {
    refuses('buffers[0].address', () => registerBuffers(fd, [{ address: wrong(address), length: 1 }]));
  }
  for (const length of NO_LENGTH) {
    refuses('buffers[0].length', () => registerBuffers(fd, [{ address: 4096, length: wrong(length) }]));
  }
});

test('memory that may move or is not there is refused: detached, resizable, growable, zero-length', (t) => {
  const { fd } = makeRing(t);
  for (const [, view] of unfitViews()) {
    refuses('buffers[2]', () => registerBuffers(fd, [page, null, view]));
    refuses('table.buffers[0]', () => registerBuffers2(fd, { buffers: [view] }));
    refuses('update.buffers[0]', () => registerBuffersUpdate(fd, { offset: 0, buffers: [view] }));
  }
});

// ---- the kernel ---------------------------------------------------------------------------------------------------

test('each buffer of the list is registered, not only the first', needs('REGISTER_BUFFERS2'), (t) => {
  const { fd } = makeRing(t);
  const odd = new Uint8Array(page.buffer, page.byteOffset + 1, 7);
  registerBuffers(fd, [page, null, odd, { address: BigInt(addressOf(other)), length: 16 }]);
  assert.equal(fdinfo(fd, 'UserBufs'), '4');
  const slots = table(fd, 'UserBufs');
  assert.equal(slots.get(0), at(page));
  assert.equal(slots.get(2), `0x${(addressOf(page) + 1).toString(16)}/7`);
  assert.equal(slots.get(3), at(other, 16));
});

test('the table of buffers comes and goes: EBUSY twice, ENXIO without one', (t) => {
  const { fd } = makeRing(t);
  gives('ENXIO', () => unregisterBuffers(fd));
  registerBuffers(fd, [page, other]);
  assert.equal(fdinfo(fd, 'UserBufs'), '2');
  gives('EBUSY', () => registerBuffers(fd, [page]));
  unregisterBuffers(fd);
  assert.equal(fdinfo(fd, 'UserBufs'), '0');
  gives('ENXIO', () => unregisterBuffers(fd));
  registerBuffers(fd, [page]);
  assert.equal(fdinfo(fd, 'UserBufs'), '1');
});

test('memory that can not be pinned is EFAULT', (t) => {
  const { fd } = makeRing(t);
  const address = addressOf(page);
  const gone = sys.mmap(4096, 3, MAP_PRIVATE_ANONYMOUS, -1, 0);
  sys.munmap(gone, 4096);
  const cases: readonly (readonly [string, BufferSource])[] = [
    ['longer than 1 GiB', { address, length: 2 ** 30 + 1 }],
    ['an address without length', { address, length: 0 }],
    ['a length without address', { address: 0, length: 10 }],
    ['read-only', mapped(t, 4096, PROT_READ, MAP_PRIVATE_ANONYMOUS)],
    ['not mapped', { address: gone, length: 4096 }],
    ['beyond user space', { address: 2n ** 63n, length: 4096 }],
  ];
  for (const [what, buffer] of cases) {
    assert.equal(
      answer(() => registerBuffers(fd, [page, buffer])),
      'EFAULT',
      what,
    );
    assert.equal(fdinfo(fd, 'UserBufs'), '0', what);
  }
});

test('a shared mapping of a file is refused on a disk, and accepted in memory', (t) => {
  const { fd } = makeRing(t);
  for (const directory of [tmpdir(), '/dev/shm']) {
    const isMemory = statfsSync(directory).type === TMPFS;
    const result = answer(() => registerBuffers(fd, [mappedFile(t, directory)]));
    // EOPNOTSUPP before Linux 6.5
    assert.match(String(result), isMemory ? /undefined/ : /EFAULT|EOPNOTSUPP/, directory);
    if (isMemory) unregisterBuffers(fd);
  }
});

test('the bare opcode: counts, null and arrays at odd addresses', (t) => {
  const { fd } = makeRing(t);
  const iovec = `${pointer(page)} ${u64(4096)}`;
  const op = constants.IORING_REGISTER_BUFFERS;
  gives('EINVAL', 'nr 0', () => register(fd, op, hex(iovec), 0));
  gives('EINVAL', 'nr 16385', () => register(fd, op, hex(iovec), 16_385));
  gives('EINVAL', 'junk in the upper half of nr', () => register(fd, op, hex(iovec), 0x1_0001));
  gives('EFAULT', 'NULL', () => register(fd, op, null, 1));
  const shifted = new Uint8Array(33);
  shifted.set(hex(iovec), 1);
  gives(0, 'an odd address', () => register(fd, op, shifted.subarray(1), 1));
  const undo = constants.IORING_UNREGISTER_BUFFERS;
  gives('EINVAL', 'an argument', () => register(fd, undo, hex('00'), 0));
  gives('EINVAL', 'nr 1', () => register(fd, undo, null, 1));
  gives(0, () => register(fd, undo));
});

test('buffers may be registered while the ring is disabled', needs('REGISTER_ENABLE_RINGS'), (t) => {
  const { fd } = makeRing(t, constants.IORING_SETUP_R_DISABLED);
  registerBuffers(fd, [page]);
  assert.equal(fdinfo(fd, 'UserBufs'), '1');
});

test('16384 buffers fit, and an empty slot needs no memory', needs('REGISTER_BUFFERS2'), (t) => {
  const { fd } = makeRing(t);
  registerBuffers(
    fd,
    Array.from({ length: 16_384 }, (_, i) => (i === 16_383 ? page : null)),
  );
  assert.equal(fdinfo(fd, 'UserBufs'), '16384');
  assert.equal(table(fd, 'UserBufs').get(16_383), at(page));
});

// ---- locked memory --------------------------------------------------------------------------------------------------

const RLIMIT_MEMLOCK = 8;

/** Runs `call` without privileges, and with at most `bytes` of locked memory. */
function confined(bytes: number, call: () => void): void {
  const limits = new BigUint64Array(2);
  sys.getrlimit(RLIMIT_MEMLOCK, limits);
  const isRoot = process.geteuid?.() === 0;
  sys.setrlimit(RLIMIT_MEMLOCK, BigUint64Array.of(BigInt(bytes), limits[1] ?? 0n));
  if (isRoot) process.seteuid?.(65_534);
  try {
    call();
  } finally {
    if (isRoot) process.seteuid?.(0);
    sys.setrlimit(RLIMIT_MEMLOCK, limits);
  }
}

test('without privileges more memory than RLIMIT_MEMLOCK is ENOMEM, less is fine', (t) => {
  let fd = -1;
  confined(65_536, () => {
    fd = makeRing(t).fd;
    assert.throws(() => registerBuffers(fd, [alloc(1 << 20)]), {
      code: 'ENOMEM',
      opcode: 'REGISTER_BUFFERS',
    });
    // what rings that were closed had is charged a little longer
    const end = performance.now() + patience(5000);
    while (answer(() => registerBuffers(fd, [alloc(8192)])) === 'ENOMEM') {
      assert.ok(performance.now() < end, 'memory of closed rings is never given back');
    }
  });
  assert.equal(fdinfo(fd, 'UserBufs'), '1');
});

test('a ring made by root stays exempt from RLIMIT_MEMLOCK', {
  skip: process.geteuid?.() !== 0 && 'needs root',
}, (t) => {
  const { fd } = makeRing(t);
  confined(65_536, () => registerBuffers(fd, [alloc(1 << 20)]));
  assert.equal(fdinfo(fd, 'UserBufs'), '1');
});

test('no fd is left open', () => assert.deepEqual(openFds(), before));
