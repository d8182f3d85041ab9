import assert from 'node:assert/strict';
import { openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Ring } from '../../lib/faces/ring.ts';
import type { RegisteredFiles } from '../../lib/ring/owners/files.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { withFailing, withoutFeatures } from '../helpers/fake-kernel.ts';
import { needs, needsOp, promptUnregister } from '../helpers/needs.ts';
import { text } from '../helpers/pairs.ts';
import { fileNames, refuses, table, trapped, wrong } from '../helpers/raw-ring.ts';
import { complete, makePipe, result, ringTest, until } from '../helpers/rings.ts';

const NEEDS = needs('REGISTER_FILES2', 'REGISTER_FILES_UPDATE2');
const ALLOC = needs('REGISTER_FILE_ALLOC_RANGE');
const NO_FD = 0x7fff_fff0;
const EBADF = -9;
const ENFILE = -23;
const RLIMIT_NOFILE = 7;

/** The fd of a file that has its own name as content. */
function named(folder: string, name: string): number {
  const path = join(folder, name);
  writeFileSync(path, name);
  return openSync(path, 'r');
}

/** What is read through a slot. */
function through(ring: Ring, files: RegisteredFiles, index: number): string | number {
  const memory = new Uint8Array(16);
  ring.prepare.read(files.at(index), memory, { offset: 0 });
  const count = result(ring);
  return count < 0 ? count : text(memory.subarray(0, count));
}

// ---- bad input ----------------------------------------------------------------------------------------------------------

ringTest('what is wrong is named before any system call', NEEDS, (scope) => {
  const ring = scope.ring();
  const { reader } = scope.pipe();
  const cases: readonly (readonly [string, unknown, unknown?])[] = [
    ['files', undefined],
    ['files', null],
    ['files', 5],
    ['files', {}],
    ['files', []],
    ['files[0]', ['0']],
    ['files[1]', [reader, -2]],
    ['files[1]', [reader, 1.5]],
    ['files[1]', [reader, undefined]],
    ['files[0]', [2 ** 31]],
    ['files[0]', [{ fd: reader }]],
    ['files.slots', { slots: 0 }],
    ['files.slots', { slots: 2 ** 20 + 1 }],
    ['files.Slots', { slots: 1, Slots: 1 }],
    ['options', [reader], 5],
    ['options.onrelease', [reader], { onrelease: () => {} }],
    ['options.onRelease', [reader], { onRelease: 'f' }],
  ];
  for (const [name, files, options] of cases) {
    refuses(name, () => ring.registerFiles(wrong(files), wrong(options)));
  }
  const files = ring.registerFiles([reader, -1]);
  for (const [name, offset, updates] of [
    ['files', 0, 5],
    ['files', 0, { slots: 1 }],
    ['files[0]', 0, [-3]],
    ['files[0]', 0, [null]],
    ['files', 0, []],
    ['files', 0, [-1, -1, -1]],
    ['offset', -1, [-1]],
    ['offset', 2, [-1]],
    ['offset', 0.5, [-1]],
  ] as const) {
    refuses(name, () => files.update(wrong(offset), wrong(updates)));
  }
  for (const index of [-1, 2, 0.5, '0', undefined]) refuses('index', () => files.at(wrong(index)));
  for (const [offset, length, name] of [
    [-1, 1, 'offset'],
    [3, 0, 'offset'],
    [0, 3, 'length'],
    [1, 2, 'length'],
    [0, -1, 'length'],
    [0.5, 1, 'offset'],
  ] as const) {
    refuses(name, () => files.allocRange(offset, length));
  }
});

ringTest('a bad fd, and the fd of a ring, are EBADF; nothing is left registered', NEEDS, (scope) => {
  const ring = scope.ring();
  const { reader } = scope.pipe();
  for (const bad of [NO_FD, ring.fd, scope.ring().fd]) {
    for (const options of [undefined, { onRelease: () => assert.fail('nothing was registered') }]) {
      assert.throws(() => ring.registerFiles([reader, bad], options), {
        name: 'RegisterError',
        code: 'EBADF',
        opcode: options === undefined ? 'REGISTER_FILES' : 'REGISTER_FILES2',
      });
    }
  }
  assert.equal(table(ring.fd, 'UserFiles').size, 0);
  ring.registerFiles([reader]).unregister();
  ring.reap(() => {});
});

ringTest('more files than RLIMIT_NOFILE are EMFILE, with what to do', NEEDS, (scope) => {
  const ring = scope.ring();
  const limits = new BigUint64Array(2);
  assert.equal(sys.getrlimit(RLIMIT_NOFILE, limits), 0);
  const [soft = 0n, hard = 0n] = limits;
  assert.equal(sys.setrlimit(RLIMIT_NOFILE, BigUint64Array.of(256n, hard)), 0);
  try {
    for (const files of [{ slots: 257 }, Array(257).fill(-1)]) {
      assert.throws(() => ring.registerFiles(files), { code: 'EMFILE', hint: /256.*ulimit -n/ });
    }
    ring.registerFiles({ slots: 256 }).unregister();
  } finally {
    sys.setrlimit(RLIMIT_NOFILE, BigUint64Array.of(soft, hard));
  }
  ring.registerFiles({ slots: 257 });
});

// ---- registered -----------------------------------------------------------------------------------------------------------

ringTest('a file is read through its slot after its fd was closed', NEEDS, (scope) => {
  const ring = scope.ring();
  const folder = scope.folder();
  const fds = [named(folder, 'one'), -1, named(folder, 'two')];
  const files = ring.registerFiles(fds);
  assert.deepEqual([files.length, files.ring], [3, ring]);
  for (const fd of fds) if (fd >= 0) sys.close(fd);
  assert.deepEqual(
    [0, 1, 2].map((index) => through(ring, files, index)),
    ['one', EBADF, 'two'],
  );
  assert.deepEqual([...fileNames(ring.fd)], ['one', undefined, 'two']);
});

ringTest('update: an fd, KEEP and CLEAR', NEEDS, (scope) => {
  const ring = scope.ring();
  const folder = scope.folder();
  const [a, b, c] = ['a', 'b', 'c'].map((name) => scope.fd(named(folder, name)));
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  const files = ring.registerFiles([a, b, c]);
  assert.equal(files.update(0, [c, files.KEEP, files.CLEAR]), 3);
  assert.deepEqual(fileNames(ring.fd).slice(0, 2), ['c', 'b']);
  assert.deepEqual(
    [0, 1, 2].map((index) => through(ring, files, index)),
    ['c', 'b', EBADF],
  );
  assert.equal(files.update(2, [a]), 1);
  assert.equal(through(ring, files, 2), 'a');
});

ringTest('an empty table is filled', NEEDS, (scope) => {
  const ring = scope.ring();
  const fd = scope.fd(named(scope.folder(), 'sparse'));
  const files = ring.registerFiles({ slots: 1000 });
  assert.equal(through(ring, files, 999), EBADF);
  files.update(999, [fd]);
  assert.equal(through(ring, files, 999), 'sparse');
});

ringTest('a slot names its place: it goes on with the file that is put there', NEEDS, (scope) => {
  const ring = scope.ring();
  const folder = scope.folder();
  const files = ring.registerFiles([scope.fd(named(folder, 'old'))]);
  const slot = files.at(0);
  files.update(0, [scope.fd(named(folder, 'new'))]);
  const memory = new Uint8Array(3);
  ring.prepare.read(slot, memory, { offset: 0 });
  result(ring);
  assert.equal(text(memory), 'new');
  files.unregister();
  assert.throws(() => ring.prepare.read(slot, memory), { code: 'ERR_URING_CLOSED' });
  ring.registerFiles([scope.fd(named(folder, 'other'))]);
  assert.throws(() => ring.prepare.read(slot, memory), { code: 'ERR_URING_CLOSED' });
});

ringTest('a second table is EBUSY; the first is unregistered once', NEEDS, (scope) => {
  const ring = scope.ring();
  const { reader } = scope.pipe();
  const files = ring.registerFiles([reader]);
  assert.throws(() => ring.registerFiles([reader]), { code: 'EBUSY' });
  assert.equal(ring.files, files);
  files.unregister();
  files.unregister();
  files[Symbol.dispose]();
  for (const call of [() => files.at(0), () => files.update(0, [-1]), () => files.allocRange(0, 1)]) {
    assert.throws(call, { code: 'ERR_URING_CLOSED', message: /file table/ });
  }
  assert.equal(ring.registerFiles([reader]).isRegistered, true);
});

ringTest(
  'the table holds the only writer of a pipe: its reader sees the end after unregister',
  NEEDS,
  async (scope) => {
    for (const letGo of [
      (files: RegisteredFiles) => files.unregister(),
      (files: RegisteredFiles) => void files.update(0, [files.CLEAR]),
      (files: RegisteredFiles) => files.ring.close(),
    ]) {
      const ring = scope.ring();
      const watcher = scope.ring();
      const [reader, writer] = makePipe();
      scope.fd(reader);
      const files = ring.registerFiles([writer]);
      sys.close(writer);
      watcher.prepare.read(reader, new Uint8Array(4));
      watcher.submit();
      assert.equal(watcher.ready, 0, 'somebody holds the writer');
      letGo(files);
      await until('the end of the pipe', () => {
        watcher.submit({ wait: 1, timeoutMs: 1 });
        return watcher.ready === 1;
      });
      assert.deepEqual(
        [...watcher.completions()].map(({ res }) => res),
        [0],
      );
    }
  },
);

// ---- a failed update -----------------------------------------------------------------------------------------------------------

for (const isTold of [false, true]) {
  const how = isTold ? ', where releases are told' : '';

  ringTest(`a failed update says how far it came; the slot that failed is empty${how}`, NEEDS, (scope) => {
    const ring = scope.ring();
    const folder = scope.folder();
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => scope.fd(named(folder, name)));
    assert.ok(a !== undefined && b !== undefined && c !== undefined && d !== undefined);
    const released: number[] = [];
    const files = ring.registerFiles([a, b, c], isTold ? { onRelease: (i) => void released.push(i) } : {});
    assert.throws(() => files.update(0, [d, NO_FD, d]), {
      code: 'EBADF',
      opcode: isTold ? 'REGISTER_FILES_UPDATE2' : 'REGISTER_FILES_UPDATE',
      done: 1,
      hint: /1 of 3/,
    });
    assert.deepEqual(
      [0, 1, 2].map((index) => through(ring, files, index)),
      ['d', EBADF, 'c'],
    );
    assert.throws(() => files.update(2, [ring.fd]), { code: 'EBADF', done: undefined });
    assert.deepEqual(
      [0, 1, 2].map((index) => through(ring, files, index)),
      ['d', EBADF, EBADF],
    );
    files.unregister();
    ring.reap(() => {});
    ring.close();
    assert.deepEqual(released.sort(), isTold ? [0, 0, 1, 2] : []);
  });
}

ringTest('a refused update or unregister keeps the books, whatever the errno', NEEDS, (scope) => {
  const ring = scope.ring();
  const folder = scope.folder();
  const { IORING_REGISTER_FILES2, IORING_REGISTER_FILES_UPDATE2, IORING_UNREGISTER_FILES } = constants;
  const released: number[] = [];
  const onRelease = (index: number) => void released.push(index);
  const fd = scope.fd(named(folder, 'file'));
  for (const errno of [1, 4, 7, 11, 12, 13, 14, 16, 77]) {
    withFailing(IORING_REGISTER_FILES2, errno, () => {
      assert.throws(() => ring.registerFiles([fd], { onRelease }), { errno: -errno });
    });
    const files = ring.registerFiles([fd, fd], { onRelease });
    withFailing(IORING_REGISTER_FILES_UPDATE2, errno, () => {
      assert.throws(() => files.update(0, [fd, files.CLEAR]), { errno: -errno });
    });
    if (errno !== 4) {
      withFailing(IORING_UNREGISTER_FILES, errno, () =>
        assert.throws(() => files.unregister(), { errno: -errno }),
      );
    }
    assert.equal(files.isRegistered, true);
    assert.equal(through(ring, files, 0), 'file');
    assert.deepEqual(released, [], `errno ${errno}: nothing was let go of`);
    files.unregister();
    ring.reap(() => {});
    assert.deepEqual(released.splice(0).sort(), [0, 1]);
  }
});

// ---- released --------------------------------------------------------------------------------------------------------------------

for (const features of [0, constants.IORING_FEAT_RSRC_TAGS]) {
  const where = features === 0 ? '' : ', on a kernel without tags';

  ringTest(`onRelease is told once for each file that is let go of${where}`, NEEDS, (scope) => {
    const ring = withoutFeatures(features, () => scope.ring());
    const { reader, writer } = scope.pipe();
    const released: number[] = [];
    const files = ring.registerFiles([reader, writer, -1, reader], {
      onRelease: (i) => void released.push(i),
    });
    const reap = () => {
      ring.reap(() => {});
      return released.splice(0).sort();
    };
    assert.deepEqual(reap(), []);
    files.update(0, [files.KEEP, files.CLEAR, writer]);
    assert.deepEqual(released, [], 'not inside of the call');
    assert.deepEqual(reap(), [1]);
    files.update(0, [writer]);
    assert.deepEqual(reap(), [0]);
    files.update(1, [files.CLEAR]);
    assert.deepEqual(reap(), []);
    files.unregister();
    assert.deepEqual(reap(), [0, 2, 3]);
    ring.close();
    assert.deepEqual(released, []);
  });

  ringTest(`onRelease waits for what is in flight${where}`, promptUnregister, async (scope) => {
    const ring = withoutFeatures(features, () => scope.ring());
    const { reader, writer } = scope.pipe();
    const released: number[] = [];
    const files = ring.registerFiles([reader], { onRelease: (i) => void released.push(i) });
    const memory = new Uint8Array(8);
    ring.prepare.read(files.at(0), memory, { userData: 1 });
    ring.submit();
    files.unregister();
    for (let i = 0; i < 3; i++) {
      ring.prepare.nop();
      result(ring);
    }
    assert.deepEqual(released, []);
    writeSync(writer, 'unharmed');
    assert.deepEqual(
      complete(ring, 1).map(({ res }) => res),
      [8],
    );
    await until('the release', () => {
      ring.reap(() => {});
      return released.length === 1;
    });
    assert.equal(text(memory), 'unharmed');
  });
}

ringTest(
  'a file that an operation puts into a slot releases the one before',
  needsOp('OP_OPENAT'),
  async (scope) => {
    const ring = scope.ring();
    const folder = scope.folder();
    const fd = scope.fd(named(folder, 'first'));
    scope.fd(named(folder, 'second'));
    const released: number[] = [];
    const files = ring.registerFiles([fd], { onRelease: (i) => void released.push(i) });
    ring.prepare.openat(join(folder, 'second'), { into: files.at(0) });
    assert.equal(result(ring), 0);
    assert.equal(through(ring, files, 0), 'second');
    await until('the release', () => {
      ring.reap(() => {});
      return released.length === 1;
    });
    files.unregister();
    ring.reap(() => {});
    ring.prepare.nop();
    assert.equal(result(ring), 0);
    assert.deepEqual(released, [0]);
  },
);

// ---- slots that the kernel picks ---------------------------------------------------------------------------------------------------

ringTest('allocRange: the kernel picks from it until it is full', ALLOC, (scope) => {
  const ring = scope.ring();
  const path = join(scope.folder(), 'picked');
  writeFileSync(path, 'picked');
  const files = ring.registerFiles({ slots: 10 });
  const pick = (): number => {
    ring.prepare.openat(path, { into: 'alloc' });
    return result(ring);
  };
  files.allocRange(5, 2);
  assert.deepEqual([pick(), pick(), pick()], [5, 6, ENFILE]);
  assert.equal(through(ring, files, 6), 'picked');
  ring.prepare.openat(path, { into: files.at(0) });
  assert.equal(result(ring), 0, 'a slot outside can be named');
  files.update(5, [files.CLEAR]);
  assert.deepEqual([pick(), pick()], [5, ENFILE]);
  files.allocRange(0, 0);
  assert.equal(pick(), ENFILE);
  files.allocRange(9, 1);
  assert.deepEqual([pick(), pick()], [9, ENFILE]);
  ring.prepare.openat(path, { into: files });
  assert.equal(result(ring), ENFILE);
});

// ---- what getters may do ------------------------------------------------------------------------------------------------------------

ringTest('a getter that puts another table in place does not have it updated', NEEDS, (scope) => {
  const ring = scope.ring();
  const { reader } = scope.pipe();
  const old = ring.registerFiles([reader]);
  const swap = () => {
    if (!old.isRegistered) return;
    old.unregister();
    ring.registerFiles([reader]);
  };
  assert.throws(() => old.update(0, trapped([-1], 0, swap)), { code: 'ERR_URING_CLOSED' });
  assert.equal(table(ring.fd, 'UserFiles').size, 1);
});

ringTest('files of the option are registered before anything else', NEEDS, (scope) => {
  const fd = scope.fd(named(scope.folder(), 'option'));
  const ring = scope.ring(8, { files: [fd] });
  assert.ok(ring.files);
  assert.equal(through(ring, ring.files, 0), 'option');
  assert.throws(() => scope.ring(8, { files: [NO_FD] }), { code: 'EBADF' });
  refuses('files', () => scope.ring(8, { files: [] }));
});
