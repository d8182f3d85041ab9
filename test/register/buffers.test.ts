/** Registered buffers: REGISTER_BUFFERS, UNREGISTER_BUFFERS, REGISTER_BUFFERS2, REGISTER_BUFFERS_UPDATE. */
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
  unfitViews,
  wrong,
} from '../helpers/raw-ring.ts';

const before = openFds();
const { IORING_REGISTER_BUFFERS, IORING_REGISTER_BUFFERS2, IORING_REGISTER_BUFFERS_UPDATE } = constants;
/** Sparse tables came with 5.19, as this opcode. */
const SPARSE = needs('REGISTER_PBUF_RING');
const TMPFS = 0x0102_1994;
const PROT_READ = 1;
const MAP_SHARED = 1;
const MAP_PRIVATE_ANONYMOUS = 0x22;

const page = alloc(4096);
const other = alloc(4096);
const at = (view: ArrayBufferView, length = view.byteLength): string =>
  `0x${addressOf(view).toString(16)}/${length}`;
const hex64 = (value: number): string => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return Buffer.from(bytes).toString('hex');
};

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

test('tags, offsets and options are checked before the call', (t) => {
  const { fd } = makeRing(t);
  for (const tag of NO_ADDRESS) {
    refuses('table.tags[0]', () => registerBuffers2(fd, { buffers: [page], tags: [wrong(tag)] }));
    refuses('update.tags[0]', () =>
      registerBuffersUpdate(fd, { offset: 0, buffers: [page], tags: [wrong(tag)] }),
    );
  }
  for (const tags of [[], [1, 2], 5, null]) {
    refuses('table.tags', () => registerBuffers2(fd, { buffers: [page], tags: wrong(tags) }));
  }
  refuses('table.tags[1]', () => registerBuffers2(fd, { buffers: [page, null], tags: [1, 2] }));
  refuses('update.tags[0]', () => registerBuffersUpdate(fd, { offset: 0, buffers: [null], tags: [2n] }));
  for (const offset of [...NO_U32, undefined]) {
    refuses('update.offset', () => registerBuffersUpdate(fd, { offset: wrong(offset), buffers: [page] }));
  }
  for (const sparse of [...NO_U32, 0, 16_385])
    refuses('table.sparse', () => registerBuffers2(fd, { sparse: wrong(sparse) }));
  refuses('table.sparse', () => registerBuffers2(fd, wrong({ sparse: 1, buffers: [page] })));
  refuses('table.sparse', () => registerBuffers2(fd, wrong({ sparse: 1, tags: [1] })));
  refuses('table.Tags', () => registerBuffers2(fd, wrong({ buffers: [page], Tags: [1] })));
  refuses('update.ofset', () => registerBuffersUpdate(fd, wrong({ ofset: 0, buffers: [page] })));
  for (const options of [undefined, null, 5, 'x']) {
    refuses('table', () => registerBuffers2(fd, wrong(options)));
    refuses('update', () => registerBuffersUpdate(fd, wrong(options)));
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
  assert.equal(
    answer(() => unregisterBuffers(fd)),
    'ENXIO',
  );
  registerBuffers(fd, [page, other]);
  assert.equal(fdinfo(fd, 'UserBufs'), '2');
  assert.equal(
    answer(() => registerBuffers(fd, [page])),
    'EBUSY',
  );
  unregisterBuffers(fd);
  assert.equal(fdinfo(fd, 'UserBufs'), '0');
  assert.equal(
    answer(() => unregisterBuffers(fd)),
    'ENXIO',
  );
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
  const iovec = `${hex64(addressOf(page))} ${hex64(4096)}`;
  const op = IORING_REGISTER_BUFFERS;
  assert.equal(
    answer(() => register(fd, op, hex(iovec), 0)),
    'EINVAL',
    'nr 0',
  );
  assert.equal(
    answer(() => register(fd, op, hex(iovec), 16_385)),
    'EINVAL',
    'nr 16385',
  );
  assert.equal(
    answer(() => register(fd, op, hex(iovec), 0x1_0001)),
    'EINVAL',
    'junk in the upper half of nr',
  );
  assert.equal(
    answer(() => register(fd, op, null, 1)),
    'EFAULT',
    'NULL',
  );
  const shifted = new Uint8Array(33);
  shifted.set(hex(iovec), 1);
  assert.equal(
    answer(() => register(fd, op, shifted.subarray(1), 1)),
    0,
    'an odd address',
  );
  const undo = constants.IORING_UNREGISTER_BUFFERS;
  assert.equal(
    answer(() => register(fd, undo, hex('00'), 0)),
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

// ---- tags and sparse tables -----------------------------------------------------------------------------------------

test('the tag of a slot comes when its buffer is let go', needs('REGISTER_BUFFERS2'), (t) => {
  const ring = makeRing(t);
  registerBuffers2(ring.fd, { buffers: [page, other, page, null], tags: [0xb1, 0, 2n ** 64n - 1n, 0] });
  assert.equal(fdinfo(ring.fd, 'UserBufs'), '4');
  assert.deepEqual(ring.completions(), []);
  registerBuffersUpdate(ring.fd, { offset: 0, buffers: [other], tags: [2 ** 53 - 1] });
  assert.deepEqual(ring.completions(), [{ userData: 0xb1n, res: 0, flags: 0 }]);
  registerBuffersUpdate(ring.fd, { offset: 2, buffers: [null] });
  assert.deepEqual(ring.completions(), [{ userData: 2n ** 64n - 1n, res: 0, flags: 0 }]);
  unregisterBuffers(ring.fd);
  assert.deepEqual(ring.completions(), [{ userData: 2n ** 53n - 1n, res: 0, flags: 0 }]);
});

test('a registration that fails posts no tags', needs('REGISTER_BUFFERS2'), (t) => {
  const ring = makeRing(t);
  const buffers = [page, { address: 1, length: 1 }];
  assert.equal(
    answer(() => registerBuffers2(ring.fd, { buffers, tags: [1, 2] })),
    'EFAULT',
  );
  assert.deepEqual(ring.completions(), []);
  assert.equal(fdinfo(ring.fd, 'UserBufs'), '0');
});

test('a sparse table is filled slot by slot', SPARSE, (t) => {
  const { fd } = makeRing(t);
  registerBuffers2(fd, { sparse: 16_384 });
  assert.equal(fdinfo(fd, 'UserBufs'), '16384');
  assert.equal(
    answer(() => registerBuffers2(fd, { sparse: 1 })),
    'EBUSY',
  );
  assert.equal(registerBuffersUpdate(fd, { offset: 16_381, buffers: [page, null, other] }), 3);
  const slots = table(fd, 'UserBufs');
  assert.equal(slots.get(16_381), at(page));
  assert.equal(slots.get(16_383), at(other));
});

test('the bare opcode: size, flags and reserved fields of the struct', SPARSE, (t) => {
  const { fd } = makeRing(t);
  const iovec = hex(`${hex64(addressOf(page))} ${hex64(4096)}`);
  const data = hex64(addressOf(iovec));
  const none = hex64(0);
  const call = (bytes: string, nrArgs = 32) =>
    answer(() => register(fd, IORING_REGISTER_BUFFERS2, hex(bytes), nrArgs));
  const right = `01000000 00000000 ${none} ${data} ${none}`;
  for (const nrArgs of [0, 1, 16, 24, 31, 33, 40])
    assert.equal(call(`${right} ${none}`, nrArgs), 'EINVAL', `size ${nrArgs}`);
  assert.equal(call(`01000000 01000000 ${none} ${data} ${none}`), 'EINVAL', 'SPARSE with data');
  assert.equal(call(`01000000 02000000 ${none} ${none} ${none}`), 'EINVAL', 'an unknown flag');
  assert.equal(call(`01000000 00000000 01${none.slice(2)} ${data} ${none}`), 'EINVAL', 'resv2');
  assert.equal(call(`00000000 00000000 ${none} ${data} ${none}`), 'EINVAL', 'nr 0');
  assert.equal(call(`01400000 01000000 ${none} ${none} ${none}`), 'EINVAL', '16385 slots');
  const empty = hex(`${none} ${none}`);
  const tags = hex('0500000000000000');
  assert.equal(
    call(`01000000 00000000 ${none} ${hex64(addressOf(empty))} ${hex64(addressOf(tags))}`),
    'EINVAL',
    'a tag on an empty slot',
  );
  assert.equal(call(right), 0);
  assert.deepEqual([iovec.byteLength, empty.byteLength, tags.byteLength], [16, 16, 8]);
});

// ---- updates --------------------------------------------------------------------------------------------------------

test('an update replaces and empties slots', needs('REGISTER_BUFFERS_UPDATE'), (t) => {
  const { fd } = makeRing(t);
  assert.equal(
    answer(() => registerBuffersUpdate(fd, { offset: 0, buffers: [page] })),
    'ENXIO',
  );
  registerBuffers2(fd, { buffers: [page, page, page] });
  assert.equal(registerBuffersUpdate(fd, { offset: 1, buffers: [other, null] }), 2);
  assert.equal(fdinfo(fd, 'UserBufs'), '3');
  const slots = table(fd, 'UserBufs');
  assert.equal(slots.get(0), at(page));
  assert.equal(slots.get(1), at(other));
  assert.notEqual(slots.get(2), at(page));
});

test('an update past the table is EINVAL, past 2^32 EOVERFLOW', needs('REGISTER_BUFFERS_UPDATE'), (t) => {
  const { fd } = makeRing(t);
  registerBuffers2(fd, { buffers: [page] });
  assert.equal(
    answer(() => registerBuffersUpdate(fd, { offset: 1, buffers: [page] })),
    'EINVAL',
  );
  assert.equal(
    answer(() => registerBuffersUpdate(fd, { offset: 0, buffers: [page, page] })),
    'EINVAL',
  );
  assert.equal(
    answer(() => registerBuffersUpdate(fd, { offset: 2 ** 32 - 1, buffers: [page] })),
    'EOVERFLOW',
  );
});

test('an update that fails half-way says how far it came, and why', needs('REGISTER_BUFFERS_UPDATE'), (t) => {
  const { fd } = makeRing(t);
  registerBuffers2(fd, { buffers: [page, page, page] });
  const bad = { address: 1, length: 1 };
  assert.throws(() => registerBuffersUpdate(fd, { offset: 0, buffers: [other, bad, other] }), {
    name: 'RegisterError',
    code: 'EFAULT',
    opcode: 'REGISTER_BUFFERS_UPDATE',
    nrArgs: 32,
    done: 1,
  });
  const slots = table(fd, 'UserBufs');
  assert.deepEqual(
    [slots.get(0), slots.get(1), slots.get(2)],
    [at(other), at(page), at(page)],
    'a bad slot keeps its buffer',
  );
  assert.throws(() => registerBuffersUpdate(fd, { offset: 0, buffers: [bad, other] }), {
    code: 'EFAULT',
    done: undefined,
  });
});

test('the bare opcode: size and reserved fields of an update', needs('REGISTER_BUFFERS_UPDATE'), (t) => {
  const { fd } = makeRing(t);
  registerBuffers2(fd, { buffers: [page] });
  const iovec = hex(`${hex64(addressOf(other))} ${hex64(4096)}`);
  const data = hex64(addressOf(iovec));
  const call = (bytes: string, nrArgs = 32) =>
    answer(() => register(fd, IORING_REGISTER_BUFFERS_UPDATE, hex(bytes), nrArgs));
  const right = `00000000 00000000 ${data} ${hex64(0)} 01000000 00000000`;
  for (const nrArgs of [0, 1, 16, 24, 40])
    assert.equal(call(`${right} ${hex64(0)}`, nrArgs), 'EINVAL', `size ${nrArgs}`);
  assert.equal(call(`00000000 01000000 ${data} ${hex64(0)} 01000000 00000000`), 'EINVAL', 'resv');
  assert.equal(call(`00000000 00000000 ${data} ${hex64(0)} 01000000 00000001`), 'EINVAL', 'resv2');
  assert.equal(call(`00000000 00000000 ${data} ${hex64(0)} 00000000 00000000`), 'EINVAL', 'nr 0');
  assert.equal(call(right), 1);
  assert.equal(iovec.byteLength, 16);
});

test('a caller who calls back while his buffers are read spoils nothing', needs('REGISTER_BUFFERS2'), (t) => {
  const { fd } = makeRing(t);
  const inner = makeRing(t);
  const buffers = trapped<BufferSource>([page, other], 1, () =>
    registerBuffers2(inner.fd, { buffers: [null, null, page] }),
  );
  registerBuffers2(fd, { buffers });
  assert.deepEqual([...table(fd, 'UserBufs').values()], [at(page), at(other)]);
  assert.equal(fdinfo(inner.fd, 'UserBufs'), '3');
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
  confined(65_536, () => {
    const { fd } = makeRing(t);
    assert.throws(() => registerBuffers(fd, [alloc(1 << 20)]), {
      code: 'ENOMEM',
      opcode: 'REGISTER_BUFFERS',
    });
    registerBuffers(fd, [alloc(8192)]);
    assert.equal(fdinfo(fd, 'UserBufs'), '1');
  });
});

test('a ring made by root stays exempt from RLIMIT_MEMLOCK', {
  skip: process.geteuid?.() !== 0 && 'needs root',
}, (t) => {
  const { fd } = makeRing(t);
  confined(65_536, () => registerBuffers(fd, [alloc(1 << 20)]));
  assert.equal(fdinfo(fd, 'UserBufs'), '1');
});

test('no fd is left open', () => assert.deepEqual(openFds(), before));
