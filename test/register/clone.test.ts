/** Buffers shared between rings: REGISTER_CLONE_BUFFERS. */
import assert from 'node:assert/strict';
import { openSync } from 'node:fs';
import { test } from 'node:test';
import {
  addressOf,
  alloc,
  register,
  registerBuffers,
  registerCloneBuffers,
  registerRingFds,
  unregisterBuffers,
  unregisterRingFds,
} from '../../lib/raw.ts';
import { close } from '../../lib/sys/libc.ts';
import { constants } from '../../structs/flags.ts';
import { clonesIntoTables } from '../helpers/kernel-bugs.ts';
import { needs } from '../helpers/needs.ts';
import {
  answer,
  fdinfo,
  gives,
  hex,
  later,
  makeRing,
  NO_U32,
  openFds,
  own,
  RawRing,
  refuses,
  table,
  wrong,
} from '../helpers/raw-ring.ts';

const before = openFds();
const CLONE = needs('REGISTER_CLONE_BUFFERS');
/** Offsets and DST_REPLACE came with 6.13, as this opcode. */
const RANGES = needs('REGISTER_CLONE_BUFFERS', 'REGISTER_SEND_MSG_RING');
const NO_FD = 0x7fff_fff0;

const pages = [alloc(4096), alloc(4096), alloc(4096)] as const;
const [a, b, c] = pages.map((page) => `0x${addressOf(page).toString(16)}/4096`);

/** What is in each slot of a table; undefined for an empty one, which kernels before 6.13 show as memory at -1. */
function slots(fd: number): (string | undefined)[] {
  return [...table(fd, 'UserBufs').values()].map((what) =>
    what.startsWith('0x') && !what.startsWith('0xffffffffffffffff') ? what : undefined,
  );
}

test('what is no ring, range or flag is refused before the call', (t) => {
  const { fd } = makeRing(t);
  for (const bad of [-1, 1.5, Number.NaN, 2 ** 31, '1', 1n, null, undefined, {}]) {
    refuses('source.srcFd', () => registerCloneBuffers(fd, { srcFd: wrong(bad) }));
  }
  for (const registeredIndex of [-1, 16, 1.5, '0']) {
    refuses('source.srcFd.registeredIndex', () =>
      registerCloneBuffers(fd, { srcFd: wrong({ registeredIndex }) }),
    );
  }
  for (const bad of NO_U32) {
    refuses('source.srcOff', () => registerCloneBuffers(fd, { srcFd: 1, srcOff: wrong(bad) }));
    refuses('source.dstOff', () => registerCloneBuffers(fd, { srcFd: 1, dstOff: wrong(bad) }));
    refuses('source.nr', () => registerCloneBuffers(fd, { srcFd: 1, nr: wrong(bad) }));
  }
  for (const bad of [1, 0, 'x', null])
    refuses('source.replace', () => registerCloneBuffers(fd, { srcFd: 1, replace: wrong(bad) }));
  refuses('source.srcfd', () => registerCloneBuffers(fd, wrong({ srcfd: 1 })));
  for (const options of [undefined, null, 5])
    refuses('source', () => registerCloneBuffers(fd, wrong(options)));
});

test('a whole table is shared, and outlives its source', CLONE, (t) => {
  const source = new RawRing(0);
  const { fd } = makeRing(t);
  gives('ENXIO', 'the source has none', () => registerCloneBuffers(fd, { srcFd: source.fd }));
  registerBuffers(source.fd, [pages[0], null, pages[2]]);
  registerCloneBuffers(fd, { srcFd: source.fd });
  gives('EBUSY', () => registerCloneBuffers(fd, { srcFd: source.fd }));
  unregisterBuffers(source.fd);
  source.close();
  assert.deepEqual(slots(fd), [a, undefined, c]);
});

test('what is no ring is EOPNOTSUPP, what is closed EBADF', CLONE, (t) => {
  const { fd } = makeRing(t);
  const file = own(t, openSync('/dev/null', 'r'));
  gives('EOPNOTSUPP', () => registerCloneBuffers(fd, { srcFd: file }));
  gives('EBADF', () => registerCloneBuffers(fd, { srcFd: NO_FD }));
  gives('EBADF', () => registerCloneBuffers(fd, { srcFd: { registeredIndex: 15 } }));
});

test('a source is named by its registered index too', CLONE, (t) => {
  const source = new RawRing(0);
  const { fd } = makeRing(t);
  registerBuffers(source.fd, [...pages]);
  const [registeredIndex = -1] = registerRingFds(source.fd, [{ fd: source.fd }]);
  later(t, () => unregisterRingFds(fd, [registeredIndex]));
  close(source.fd);
  registerCloneBuffers(fd, { srcFd: { registeredIndex } });
  assert.deepEqual(slots(fd), [a, b, c]);
});

test('a range goes where it is wanted, and replaces only when told to', clonesIntoTables(RANGES), (t) => {
  const source = makeRing(t);
  const { fd } = makeRing(t);
  registerBuffers(source.fd, [...pages]);
  registerBuffers(fd, [pages[0]]);
  const range = { srcFd: source.fd, srcOff: 1, dstOff: 3, nr: 2 };
  gives('EBUSY', () => registerCloneBuffers(fd, range));
  gives('EBUSY', () => registerCloneBuffers(fd, { ...range, replace: false }));
  registerCloneBuffers(fd, { ...range, replace: true });
  assert.deepEqual(slots(fd), [a, undefined, undefined, b, c]);
  registerCloneBuffers(fd, { srcFd: fd, srcOff: 4, dstOff: 0, nr: 1, replace: true });
  assert.deepEqual(slots(fd), [c, undefined, undefined, b, c], 'from itself');
});

test('a range must lie within the source, and needs its length', RANGES, (t) => {
  const source = makeRing(t);
  const { fd } = makeRing(t);
  registerBuffers(source.fd, [...pages]);
  const call = (range: object) => answer(() => registerCloneBuffers(fd, { srcFd: source.fd, ...range }));
  assert.equal(call({ srcOff: 1 }), 'EINVAL', 'an offset without nr');
  assert.equal(call({ dstOff: 1 }), 'EINVAL', 'an offset without nr');
  assert.equal(call({ nr: 4 }), 'EINVAL', 'more than the source has');
  assert.equal(call({ srcOff: 2, nr: 2 }), 'EOVERFLOW', 'past its end');
  assert.equal(fdinfo(fd, 'UserBufs'), '0');
});

test('the bare opcode: nr_args is 1, and reserved fields are 0', RANGES, (t) => {
  const source = makeRing(t);
  const { fd } = makeRing(t);
  registerBuffers(source.fd, [...pages]);
  const op = constants.IORING_REGISTER_CLONE_BUFFERS;
  const src = Buffer.from(Int32Array.of(source.fd).buffer).toString('hex');
  const zeros = (n: number) => '00'.repeat(n);
  const call = (bytes: string, nrArgs = 1) => answer(() => register(fd, op, hex(bytes), nrArgs));
  assert.equal(call(`${src} 00000000 ${zeros(24)}`, 0), 'EINVAL', 'nr 0');
  assert.equal(call(`${src} 04000000 ${zeros(24)}`), 'EINVAL', 'an unknown flag');
  assert.equal(call(`${src} 00000000 ${zeros(23)}01`), 'EINVAL', 'pad');
  gives('EINVAL', 'NULL', () => register(fd, op, null, 1));
  assert.equal(call(`${src} 00000000 ${zeros(24)}`), 0);
});

test('no fd is left open', () => assert.deepEqual(openFds(), before));
