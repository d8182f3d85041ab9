/** Registered buffers with tags, sparse tables and updates: REGISTER_BUFFERS2, REGISTER_BUFFERS_UPDATE. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addressOf,
  alloc,
  type BufferSource,
  register,
  registerBuffers2,
  registerBuffersUpdate,
  unregisterBuffers,
} from '../../lib/raw.ts';
import { constants } from '../../structs/flags.ts';
import { knows, needs } from '../helpers/needs.ts';
import {
  answer,
  fdinfo,
  gives,
  hex,
  makeRing,
  NO_U32,
  openFds,
  pointer,
  refuses,
  table,
  trapped,
  u64,
  wrong,
} from '../helpers/raw-ring.ts';

const before = openFds();
const { IORING_REGISTER_BUFFERS2, IORING_REGISTER_BUFFERS_UPDATE } = constants;
/** Sparse tables came with 5.19, as this opcode. */
const SPARSE = needs('REGISTER_PBUF_RING');

const page = alloc(4096);
const other = alloc(4096);
const at = (view: ArrayBufferView, length = view.byteLength): string =>
  `0x${addressOf(view).toString(16)}/${length}`;

const NO_TAG: readonly unknown[] = [-1, 1.5, Number.NaN, 2 ** 53, -1n, 2n ** 64n, '1', null, undefined];

test('tags, offsets and options are checked before the call', (t) => {
  const { fd } = makeRing(t);
  for (const tag of NO_TAG) {
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

// ---- tags and sparse tables -----------------------------------------------------------------------------------------

test('the tag of a slot comes when its buffer is let go', needs('REGISTER_BUFFERS2'), async (t) => {
  const ring = makeRing(t);
  registerBuffers2(ring.fd, { buffers: [page, other, page, null], tags: [0xb1, 0, 2n ** 64n - 1n, 0] });
  assert.equal(fdinfo(ring.fd, 'UserBufs'), '4');
  assert.deepEqual(ring.completions(), []);
  registerBuffersUpdate(ring.fd, { offset: 0, buffers: [other], tags: [2 ** 53 - 1] });
  assert.deepEqual(await ring.waitFor(1), [{ userData: 0xb1n, res: 0, flags: 0 }]);
  registerBuffersUpdate(ring.fd, { offset: 2, buffers: [null] });
  assert.deepEqual(await ring.waitFor(1), [{ userData: 2n ** 64n - 1n, res: 0, flags: 0 }]);
});

test(
  'unregistering tells the tags since Linux 6.13; before it waits instead, and tells none',
  needs('REGISTER_BUFFERS2'),
  (t) => {
    const ring = makeRing(t);
    registerBuffers2(ring.fd, { buffers: [page, other], tags: [5, 6] });
    unregisterBuffers(ring.fd);
    const told = ring.completions().map(({ userData }) => userData);
    assert.deepEqual(told.sort(), knows('REGISTER_SEND_MSG_RING') ? [5n, 6n] : []);
  },
);

test('a registration that fails posts no tags', needs('REGISTER_BUFFERS2'), (t) => {
  const ring = makeRing(t);
  const buffers = [page, { address: 1, length: 1 }];
  gives('EFAULT', () => registerBuffers2(ring.fd, { buffers, tags: [1, 2] }));
  assert.deepEqual(ring.completions(), []);
  assert.equal(fdinfo(ring.fd, 'UserBufs'), '0');
});

test('a sparse table is filled slot by slot', SPARSE, (t) => {
  const { fd } = makeRing(t);
  registerBuffers2(fd, { sparse: 16_384 });
  assert.equal(fdinfo(fd, 'UserBufs'), '16384');
  gives('EBUSY', () => registerBuffers2(fd, { sparse: 1 }));
  assert.equal(registerBuffersUpdate(fd, { offset: 16_381, buffers: [page, null, other] }), 3);
  const slots = table(fd, 'UserBufs');
  assert.equal(slots.get(16_381), at(page));
  assert.equal(slots.get(16_383), at(other));
});

test('the bare opcode: size, flags and reserved fields of the struct', SPARSE, (t) => {
  const { fd } = makeRing(t);
  const iovec = hex(`${pointer(page)} ${u64(4096)}`);
  const data = pointer(iovec);
  const none = u64(0);
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
    call(`01000000 00000000 ${none} ${pointer(empty)} ${pointer(tags)}`),
    'EINVAL',
    'a tag on an empty slot',
  );
  assert.equal(call(right), 0);
  assert.deepEqual([iovec.byteLength, empty.byteLength, tags.byteLength], [16, 16, 8]);
});

// ---- updates --------------------------------------------------------------------------------------------------------

test('an update replaces and empties slots', needs('REGISTER_BUFFERS_UPDATE'), (t) => {
  const { fd } = makeRing(t);
  gives('ENXIO', () => registerBuffersUpdate(fd, { offset: 0, buffers: [page] }));
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
  gives('EINVAL', () => registerBuffersUpdate(fd, { offset: 1, buffers: [page] }));
  gives('EINVAL', () => registerBuffersUpdate(fd, { offset: 0, buffers: [page, page] }));
  gives('EOVERFLOW', () => registerBuffersUpdate(fd, { offset: 2 ** 32 - 1, buffers: [page] }));
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
  const iovec = hex(`${pointer(other)} ${u64(4096)}`);
  const data = pointer(iovec);
  const call = (bytes: string, nrArgs = 32) =>
    answer(() => register(fd, IORING_REGISTER_BUFFERS_UPDATE, hex(bytes), nrArgs));
  const right = `00000000 00000000 ${data} ${u64(0)} 01000000 00000000`;
  for (const nrArgs of [0, 1, 16, 24, 40])
    assert.equal(call(`${right} ${u64(0)}`, nrArgs), 'EINVAL', `size ${nrArgs}`);
  assert.equal(call(`00000000 01000000 ${data} ${u64(0)} 01000000 00000000`), 'EINVAL', 'resv');
  assert.equal(call(`00000000 00000000 ${data} ${u64(0)} 01000000 00000001`), 'EINVAL', 'resv2');
  assert.equal(call(`00000000 00000000 ${data} ${u64(0)} 00000000 00000000`), 'EINVAL', 'nr 0');
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

test('no fd is left open', () => assert.deepEqual(openFds(), before));
