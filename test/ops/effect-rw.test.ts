/** Reads, writes, and operations on data: by their effects. */
import assert from 'node:assert/strict';
import { fstatSync, openSync, readFileSync, readSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import * as preparers from '../../lib/ops/preparers.ts';
import { alloc, registerBuffers } from '../../lib/raw.ts';
import { mapAnonymous, pageSize } from '../../lib/sys/memory.ts';
import { constants } from '../../structs/flags.ts';
import { needsOp } from '../helpers/needs.ts';
import type { Scope } from '../helpers/rings.ts';
import {
  EAGAIN,
  EBADF,
  EBADFD,
  EFAULT,
  EINVAL,
  ENOBUFS,
  ESPIPE,
  type OpRing,
  opTest,
  textBytes,
  textOf,
} from './op-ring.ts';

const FAR = 2 ** 33 + 4095;
const NO_FD = 0x7fff_fff0;
const MARK = 0x55;
const { IORING_CQE_F_BUFFER, IORING_CQE_F_MORE, RWF_APPEND, RWF_NOWAIT } = constants;

/** A file of 8192 bytes, byte i is i % 251. */
function patterned(scope: Scope): number {
  const fd = emptyFile(scope);
  writeSync(fd, pattern(0, 8192), 0, 8192, 0);
  return fd;
}

function emptyFile(scope: Scope, flags = 'w+'): number {
  return scope.fd(openSync(join(scope.folder(), 'file'), flags));
}

function pattern(offset: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (offset + i) % 251);
}

/** What a file has at an offset. */
function at(fd: number, position: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  return bytes.subarray(0, readSync(fd, bytes, 0, length, position));
}

/** Sectors that the file's disk has written so far; undefined where it has none (tmpfs). */
function sectorsWritten(fd: number): number | undefined {
  const { dev } = fstatSync(fd);
  const major = ((dev >> 8) & 0xfff) >>> 0;
  const minor = (dev & 0xff) | ((dev >> 12) & 0xfff00);
  try {
    const fields = readFileSync(`/sys/dev/block/${major}:${minor}/stat`, 'utf8').trim().split(/\s+/);
    return Number(fields[6]);
  } catch {
    return undefined;
  }
}

/** `sync` brings a MiB that was just written to the disk. */
function reachesDisk(fd: number, sync: () => number): void {
  writeSync(fd, new Uint8Array(1 << 20).fill(7), 0, 1 << 20, 0);
  const before = sectorsWritten(fd);
  assert.equal(sync(), 0);
  if (before === undefined) return;
  const written = (sectorsWritten(fd) ?? 0) - before;
  assert.ok(written >= 2048, `the disk has written ${written} sectors`);
}

opTest('OP_READ', 'bad fds and addresses fail', (ring) => {
  const bytes = ring.address(alloc(8));
  assert.equal(
    ring.result((sqe) => preparers.read(sqe, NO_FD, bytes, 8, 0)),
    EBADF,
  );
  assert.equal(
    ring.result((sqe) => preparers.read(sqe, -1, bytes, 8, 0)),
    EBADF,
  );
});

opTest('OP_READ', 'reads at an offset, at a far one, at the current position', (ring, scope) => {
  const fd = patterned(scope);
  const bytes = alloc(4096).fill(MARK);
  const address = ring.address(bytes);
  assert.equal(
    ring.result((sqe) => preparers.read(sqe, fd, 1, 8, 0)),
    EFAULT,
  );
  assert.equal(
    ring.result((sqe) => preparers.read(sqe, fd, address + 8, 100, 4001)),
    100,
  );
  assert.deepEqual(bytes.subarray(8, 108), pattern(4001, 100));
  assert.deepEqual([bytes[7], bytes[108]], [MARK, MARK]);
  assert.equal(
    ring.result((sqe) => preparers.read(sqe, fd, address, 4096, 8190)),
    2,
  );
  assert.equal(
    ring.result((sqe) => preparers.read(sqe, fd, address, 4096, 8192)),
    0,
  );

  writeSync(fd, 'far', FAR, 'latin1');
  assert.equal(
    ring.result((sqe) => preparers.read(sqe, fd, address, 10, FAR)),
    3,
  );
  assert.equal(textOf(bytes, 3), 'far');

  const again = scope.fd(openSync(`/proc/self/fd/${fd}`, 'r'));
  assert.equal(
    ring.result((sqe) => preparers.read(sqe, again, address, 5, -1)),
    5,
  );
  assert.equal(
    ring.result((sqe) => preparers.read(sqe, again, address, 5, -1)),
    5,
  );
  assert.deepEqual(bytes.subarray(0, 5), pattern(5, 5));
});

opTest(
  'OP_WRITE',
  'writes at an offset, at a far one, at the current position, at the end',
  (ring, scope) => {
    const fd = emptyFile(scope);
    const address = ring.address(textBytes('0123456789'));
    assert.equal(
      ring.result((sqe) => preparers.write(sqe, NO_FD, address, 1, 0)),
      EBADF,
    );
    assert.equal(
      ring.result((sqe) => preparers.write(sqe, fd, address + 2, 3, 5)),
      3,
    );
    assert.equal(textOf(at(fd, 0, 100)), '\0\0\0\0\x00234');
    assert.equal(
      ring.result((sqe) => preparers.write(sqe, fd, address, 10, FAR)),
      10,
    );
    assert.equal(fstatSync(fd).size, FAR + 10);
    assert.equal(textOf(at(fd, FAR, 10)), '0123456789');
    assert.equal(
      ring.result((sqe) => preparers.write(sqe, fd, address, 1, -1)),
      1,
    );
    assert.equal(
      ring.result((sqe) => preparers.write(sqe, fd, address + 1, 1, -1)),
      1,
    );
    assert.equal(textOf(at(fd, 0, 3)), '01\0');
    const append = ring.result((sqe) => {
      preparers.write(sqe, fd, address, 4, 0).opFlags = RWF_APPEND;
    });
    assert.equal(append, 4);
    assert.equal(fstatSync(fd).size, FAR + 14);
  },
);

opTest(
  ['OP_READ_FIXED', 'OP_WRITE_FIXED'],
  'go through a registered buffer, and not past it',
  (ring, scope) => {
    const fd = patterned(scope);
    const buffer = alloc(4096).fill(MARK);
    const address = ring.address(buffer);
    assert.equal(
      ring.result((sqe) => preparers.readFixed(sqe, fd, address, 8, 0, 0)),
      EFAULT,
    );
    registerBuffers(ring.fd, [alloc(16), buffer]);
    assert.equal(
      ring.result((sqe) => preparers.readFixed(sqe, fd, address, 8, 0, 2)),
      EFAULT,
    );
    assert.equal(
      ring.result((sqe) => preparers.readFixed(sqe, fd, address, 8, 0, 0)),
      EFAULT,
    );
    assert.equal(
      ring.result((sqe) => preparers.readFixed(sqe, fd, address + 4090, 8, 0, 1)),
      EFAULT,
    );
    assert.equal(
      ring.result((sqe) => preparers.readFixed(sqe, fd, address + 100, 300, 500, 1)),
      300,
    );
    assert.deepEqual(buffer.subarray(100, 400), pattern(500, 300));
    assert.deepEqual([buffer[99], buffer[400]], [MARK, MARK]);

    assert.equal(
      ring.result((sqe) => preparers.writeFixed(sqe, fd, address + 4090, 8, 0, 1)),
      EFAULT,
    );
    assert.equal(
      ring.result((sqe) => preparers.writeFixed(sqe, fd, address + 100, 300, FAR, 1)),
      300,
    );
    assert.deepEqual(at(fd, FAR, 400), pattern(500, 300));
  },
);

opTest(['OP_READV', 'OP_WRITEV'], 'scatter and gather', (ring, scope) => {
  const fd = patterned(scope);
  const [a, b, c] = [alloc(3), alloc(5), alloc(2)];
  const iovecs = ring.iovecs(a, b, c);
  assert.equal(
    ring.result((sqe) => preparers.readv(sqe, fd, 1, 3, 0)),
    EFAULT,
  );
  assert.equal(
    ring.result((sqe) => preparers.readv(sqe, fd, iovecs, 1025, 0)),
    EINVAL,
  );
  assert.equal(
    ring.result((sqe) => preparers.readv(sqe, fd, iovecs, 3, 1000)),
    10,
  );
  assert.deepEqual([a, b, c], [pattern(1000, 3), pattern(1003, 5), pattern(1008, 2)]);
  assert.equal(
    ring.result((sqe) => preparers.readv(sqe, fd, iovecs, 2, 8188)),
    4,
  );

  const out = ring.iovecs(textBytes('ab'), textBytes('cde'));
  assert.equal(
    ring.result((sqe) => preparers.writev(sqe, fd, out, 2, FAR)),
    5,
  );
  assert.equal(textOf(at(fd, FAR, 10)), 'abcde');
});

opTest(['OP_READV_FIXED', 'OP_WRITEV_FIXED'], 'scatter and gather in a registered buffer', (ring, scope) => {
  const fd = patterned(scope);
  const buffer = alloc(4096).fill(MARK);
  registerBuffers(ring.fd, [buffer]);
  const iovecs = ring.iovecs(buffer.subarray(10, 14), buffer.subarray(4000, 4010));
  const outside = ring.iovecs(buffer.subarray(0, 4), alloc(4));
  assert.equal(
    ring.result((sqe) => preparers.readvFixed(sqe, fd, outside, 2, 0, 0)),
    EFAULT,
  );
  assert.equal(
    ring.result((sqe) => preparers.readvFixed(sqe, fd, iovecs, 2, 0, 1)),
    EFAULT,
  );
  assert.equal(
    ring.result((sqe) => preparers.readvFixed(sqe, fd, iovecs, 2, 600, 0)),
    14,
  );
  assert.deepEqual(buffer.subarray(10, 14), pattern(600, 4));
  assert.deepEqual(buffer.subarray(4000, 4010), pattern(604, 10));

  assert.equal(
    ring.result((sqe) => preparers.writevFixed(sqe, fd, outside, 2, 0, 0)),
    EFAULT,
  );
  assert.equal(
    ring.result((sqe) => preparers.writevFixed(sqe, fd, iovecs, 2, FAR, 0)),
    14,
  );
  assert.deepEqual(at(fd, FAR, 100), pattern(600, 14));
});

opTest('OP_READ_MULTISHOT', 'reads again and again into provided buffers', (ring, scope) => {
  const { reader, writer } = scope.pipe();
  const memory = alloc(3 * 16);
  const address = ring.address(memory);
  assert.equal(
    ring.result((sqe) => preparers.provideBuffers(sqe, address, 16, 3, 9, 100)),
    0,
  );
  const file = patterned(scope);
  assert.equal(
    ring.result((sqe) => preparers.readMultishot(sqe, file, 0, 0, 9)),
    EBADFD,
  );

  ring.start((sqe) => preparers.readMultishot(sqe, reader, 0, -1, 9), 1);
  for (const text of ['first', 'second', '3']) {
    ring.silent();
    writeSync(writer, text);
    const { res, flags, userData } = ring.next();
    assert.deepEqual(
      [res, userData, flags & 0xffff],
      [text.length, 1, IORING_CQE_F_BUFFER | IORING_CQE_F_MORE],
    );
    const slot = ((flags >>> 16) - 100) * 16;
    assert.equal(textOf(memory.subarray(slot, slot + res)), text);
  }
  writeSync(writer, 'no room');
  assert.deepEqual(ring.next(), { userData: 1, res: ENOBUFS, flags: 0 });
});

opTest('OP_FSYNC', 'brings what was written to the disk', (ring, scope) => {
  const { reader } = scope.pipe();
  const fd = emptyFile(scope);
  assert.equal(
    ring.result((sqe) => preparers.fsync(sqe, reader, 0)),
    EINVAL,
  );
  assert.equal(
    ring.result((sqe) => preparers.fsync(sqe, fd, 0x80)),
    EINVAL,
  );
  reachesDisk(fd, () => ring.result((sqe) => preparers.fsync(sqe, fd, 0)));
  reachesDisk(fd, () => ring.result((sqe) => preparers.fsync(sqe, fd, constants.IORING_FSYNC_DATASYNC)));
  reachesDisk(fd, () => ring.result((sqe) => preparers.fsyncRange(sqe, fd, 1 << 20, 0, 0)));
});

opTest('OP_SYNC_FILE_RANGE', 'brings a part of a file to the disk', (ring, scope) => {
  const { reader } = scope.pipe();
  const fd = emptyFile(scope);
  assert.equal(
    ring.result((sqe) => preparers.syncFileRange(sqe, reader, 0, 0, 7)),
    ESPIPE,
  );
  assert.equal(
    ring.result((sqe) => preparers.syncFileRange(sqe, fd, 0, 0, 8)),
    EINVAL,
  );
  assert.equal(
    ring.result((sqe) => preparers.syncFileRange(sqe, fd, 1, -2, 7)),
    EINVAL,
  );
  reachesDisk(fd, () => ring.result((sqe) => preparers.syncFileRange(sqe, fd, 1 << 20, 0, 7)));
});

opTest('OP_FALLOCATE', 'makes a file longer, and holes in it', (ring, scope) => {
  const fd = patterned(scope);
  const KEEP_SIZE_PUNCH_HOLE = 3;
  assert.equal(
    ring.result((sqe) => preparers.fallocate(sqe, fd, 0, 0, 0)),
    EINVAL,
  );
  assert.equal(
    ring.result((sqe) => preparers.fallocate(sqe, fd, 0, 8192, 8192)),
    0,
  );
  const { size, blocks } = fstatSync(fd);
  assert.deepEqual([size, blocks >= 32], [16384, true]);
  assert.equal(
    ring.result((sqe) => preparers.fallocate(sqe, fd, KEEP_SIZE_PUNCH_HOLE, 100, 200)),
    0,
  );
  assert.deepEqual(at(fd, 99, 202), Uint8Array.of(99, ...new Uint8Array(200), 300 % 251));
  assert.equal(
    ring.result((sqe) => preparers.fallocate(sqe, fd, 0, FAR, 5)),
    0,
  );
  assert.equal(fstatSync(fd).size, FAR + 5);
});

opTest('OP_FTRUNCATE', 'changes the length of a file', (ring, scope) => {
  const fd = patterned(scope);
  assert.equal(
    ring.result((sqe) => preparers.ftruncate(sqe, fd, -1)),
    EINVAL,
  );
  for (const length of [FAR, 3, 0]) {
    assert.equal(
      ring.result((sqe) => preparers.ftruncate(sqe, fd, length)),
      0,
    );
    assert.equal(fstatSync(fd).size, length);
  }
});

/** ext4, xfs, btrfs: the page cache is a copy there, which can be dropped. */
const CACHED_FILE_SYSTEMS = [0xef53, 0x5846_5342, 0x9123_683e];

/** Is the file's first byte in the page cache? */
function isCached(ring: OpRing, fd: number, address: number): boolean {
  const res = ring.result((sqe) => {
    preparers.read(sqe, fd, address, 1, 0).opFlags = RWF_NOWAIT;
  });
  assert.ok(res === 1 || res === EAGAIN, `read: ${res}`);
  return res === 1;
}

opTest('OP_FADVISE', 'drops what the page cache has of a file', (ring, scope) => {
  const DONTNEED = 4;
  const { reader } = scope.pipe();
  assert.equal(
    ring.result((sqe) => preparers.fadvise(sqe, reader, 0, 0, DONTNEED)),
    ESPIPE,
  );
  const fd = patterned(scope);
  const address = ring.address(alloc(1));
  assert.equal(
    ring.result((sqe) => preparers.fadvise(sqe, fd, 0, 0, 99)),
    EINVAL,
  );
  assert.equal(
    ring.result((sqe) => preparers.fsync(sqe, fd, 0)),
    0,
  );
  const canDrop = CACHED_FILE_SYSTEMS.includes(statfsSync(`/proc/self/fd/${fd}`).type);
  if (canDrop) assert.ok(isCached(ring, fd, address));
  assert.equal(
    ring.result((sqe) => preparers.fadvise(sqe, fd, 0, 8192, DONTNEED)),
    0,
  );
  if (canDrop) assert.ok(!isCached(ring, fd, address));
});

opTest(
  'OP_FADVISE',
  'takes a length of 2^32 and more',
  (ring, scope) => {
    const fd = patterned(scope);
    assert.equal(
      ring.result((sqe) => preparers.fadvise(sqe, fd, 0, 2 ** 40, 4)),
      0,
    );
  },
  needsOp('OP_BIND'),
);

opTest('OP_MADVISE', 'drops memory', (ring, scope) => {
  const DONTNEED = 4;
  const page = pageSize();
  const mapping = mapAnonymous(2 * page);
  scope.defer(() => mapping.unmap());
  const bytes = new Uint8Array(mapping.buffer).fill(MARK);
  const { address } = mapping;
  assert.equal(
    ring.result((sqe) => preparers.madvise(sqe, address + 1, page, DONTNEED)),
    EINVAL,
  );
  assert.equal(
    ring.result((sqe) => preparers.madvise(sqe, address, page, DONTNEED)),
    0,
  );
  assert.deepEqual([bytes[0], bytes[page - 1], bytes[page]], [0, 0, MARK]);
});

opTest(
  'OP_MADVISE',
  'takes a length of 2^32 and more',
  (ring, scope) => {
    const NORMAL = 0;
    const ENOMEM = -12;
    const mapping = mapAnonymous(4096);
    scope.defer(() => mapping.unmap());
    assert.equal(
      ring.result((sqe) => preparers.madvise(sqe, mapping.address, 0, NORMAL)),
      0,
    );
    // not all of it is mapped: a length cut to 32 bits would be 0, and succeed
    assert.equal(
      ring.result((sqe) => preparers.madvise(sqe, mapping.address, 2 ** 46, NORMAL)),
      ENOMEM,
    );
  },
  needsOp('OP_BIND'),
);
