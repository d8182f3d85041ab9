import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { koffi } from '../../structs/koffi.ts';
import { Params } from '../../structs/setup.ts';
import { openFds } from '../helpers/raw-ring.ts';

const EBADF = -9;
const EFAULT = -14;
const EINVAL = -22;
const NO_FD = 0x7fff_fff0;

test('each failing call gives minus its errno, whatever was called before', () => {
  const calls: readonly (readonly [string, () => number, number])[] = [
    ['setup', () => sys.setup(0, Params.encode({})), EINVAL],
    ['setup, unknown flags', () => sys.setup(1, Params.encode({ flags: 0x8000_0000 })), EINVAL],
    ['enter', () => sys.enter(NO_FD, 0, 0, 0, 0, 0), EBADF],
    ['enter, unknown flags', () => sys.enter(0, 0, 0, 0x8000_0000, 0, 0), EINVAL],
    ['register', () => sys.register(NO_FD, constants.IORING_REGISTER_PROBE, 0, 0), EBADF],
    ['register, no such opcode', () => sys.register(NO_FD, 4242, 0, 0), EINVAL],
    [
      'registerView',
      () => sys.registerView(NO_FD, constants.IORING_REGISTER_PROBE, new Uint8Array(16), 0),
      EBADF,
    ],
    ['mmap', () => sys.mmap(0, 3, 0x22, -1, 0), EINVAL],
    ['munmap', () => sys.munmap(1, 4096), EINVAL],
    ['close', () => sys.close(NO_FD), EBADF],
    ['pipe', () => sys.pipe(new Int32Array(2), 0x8000), EINVAL],
    ['socketpair', () => sys.socketpair(99, new Int32Array(2)), EINVAL],
    ['getFileFlags', () => sys.getFileFlags(NO_FD), EBADF],
    ['read', () => sys.read(NO_FD, new Uint8Array(1)), EBADF],
    ['getrlimit', () => sys.getrlimit(99, new BigUint64Array(2)), EINVAL],
    ['clockGettime', () => sys.clockGettime(99, new BigInt64Array(2)), EINVAL],
    ['ifNameToIndex', () => sys.ifNameToIndex('no-such-if'), -19],
  ];
  const before = openFds();
  for (let round = 0; round < 3; round++) {
    for (const [name, call, expected] of calls) {
      // Node.js itself sets errno again and again
      existsSync('/no/such/path');
      const result = call();
      assert.ok(result === expected || (name === 'socketpair' && result < 0), `${name}: ${result}`);
    }
  }
  assert.deepEqual(openFds(), before);
});

test('32-bit arguments reach the kernel whole, also with the highest bit set', () => {
  // with the bit, the fd is an index in a table of 16: 99 is EINVAL by that; without it, EBADF
  const probe = constants.IORING_REGISTER_PROBE;
  assert.equal(sys.register(99, (probe | 0x8000_0000) >>> 0, 0, 0), EINVAL);
  assert.equal(sys.register(NO_FD, probe, 0, 0xffff_ffff), EBADF);
  // -1 is the ring-less form of other opcodes
  assert.equal(sys.register(-1, probe, 0, 0), EINVAL);
  const params = Params.encode({});
  const fd = sys.setup(1, params);
  assert.ok(fd >= 0);
  try {
    assert.equal(sys.register(fd, probe, 0, 0xffff_ffff), EINVAL);
    assert.equal(sys.register(fd, constants.IORING_REGISTER_FILES, 2n ** 63n, 1), EFAULT);
    assert.equal(sys.enter(fd, 0xffff_ffff, 0, 0, 0, 0), 0, 'an empty queue is empty');
  } finally {
    sys.close(fd);
  }
});

test('fds that are made are close-on-exec', () => {
  const fds = new Int32Array(4);
  const eventfd = sys.eventfd(3);
  assert.equal(sys.pipe(fds.subarray(0, 2), 0o2000000), 0);
  try {
    const count = new BigUint64Array(1);
    assert.equal(sys.read(eventfd, count), 8);
    assert.equal(count[0], 3n);
    assert.equal(sys.read(eventfd, count), -11, 'and non-blocking');
    assert.ok((sys.getFileFlags(eventfd) & 0o4000) !== 0);
    assert.ok(statSync(`/proc/self/fd/${fds[0]}`).isFIFO());
  } finally {
    for (const fd of [eventfd, fds[0] ?? -1, fds[1] ?? -1]) assert.equal(sys.close(fd), 0);
  }
});

test('the thread and the clock', () => {
  assert.equal(sys.gettid(), process.pid);
  const time = new BigInt64Array(2);
  const before = process.hrtime.bigint();
  assert.equal(sys.clockGettime(1, time), 0);
  const now = (time[0] ?? 0n) * 1_000_000_000n + (time[1] ?? 0n);
  assert.ok(now >= before && now <= process.hrtime.bigint());
  const mask = new Uint8Array(128);
  assert.ok(sys.schedGetaffinity(mask) >= 0);
  assert.ok(mask.some((byte) => byte !== 0));
});

test('koffi names no type of ours in its registry, which others share', () => {
  assert.ok(koffi);
  for (const name of ['io_uring_params', 'io_uring_sqe', 'io_uring_cqe', 'iovec']) {
    assert.doesNotThrow(() => koffi?.struct(`${name}`, { a: 'int' }), `${name} is taken`);
  }
});
