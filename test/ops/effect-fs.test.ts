/** Operations on paths and descriptors: by their effects. */
import assert from 'node:assert/strict';
import {
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import * as preparers from '../../lib/ops/preparers.ts';
import { alloc, registerFiles } from '../../lib/raw.ts';
import { constants } from '../../structs/flags.ts';
import { OpenHow } from '../../structs/posix.ts';
import { needsOp } from '../helpers/needs.ts';
import type { Scope } from '../helpers/rings.ts';
import {
  EBADF,
  EEXIST,
  EINVAL,
  ENODATA,
  ENOENT,
  ENOTDIR,
  EOPNOTSUPP,
  EXDEV,
  type OpRing,
  opTest,
  textBytes,
  textOf,
} from './op-ring.ts';

const AT_FDCWD = -100;
const AT_REMOVEDIR = 0x200;
const O_RDONLY = 0;
const O_RDWR = 2;
const O_CREAT = 0o100;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const NO_FD = 0x7fff_fff0;
/** A free slot of the file table. */
const ANY_SLOT = constants.IORING_FILE_INDEX_ALLOC;
/** Slots to open into, and for any slot: they came with MKDIRAT, and with SOCKET. */
const slots = needsOp('OP_MKDIRAT');
const anySlot = needsOp('OP_SOCKET');
const { IOSQE_FIXED_FILE, SPLICE_F_FD_IN_FIXED } = constants;

/** What slot `slot` has at the beginning, or minus the errno. */
function inSlot(ring: OpRing, slot: number): string | number {
  const bytes = alloc(64);
  const res = ring.result((sqe) => {
    preparers.read(sqe, slot, ring.address(bytes), 64, -1).flags = IOSQE_FIXED_FILE;
  });
  return res < 0 ? res : textOf(bytes, res);
}

/** A file with text in it. */
function fileWith(scope: Scope, text: string): string {
  const path = join(scope.folder(), 'file');
  writeFileSync(path, text);
  return path;
}

function isCloexec(fd: number): boolean {
  const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
  return (Number.parseInt(flags ?? '', 8) & O_CLOEXEC) !== 0;
}

/** Up to 100 bytes that wait in a pipe. */
function drain(fd: number): string {
  const bytes = new Uint8Array(100);
  return textOf(bytes, readSync(fd, bytes));
}

// ---- open and close -----------------------------------------------------------------------------------------------

opTest('OP_OPENAT', 'opens and makes files, also in a directory', (ring, scope) => {
  const folder = scope.folder();
  const directory = scope.fd(openSync(folder, 'r'));
  const path = ring.path('new');
  const flags = O_RDWR | O_CREAT | O_CLOEXEC;
  assert.equal(
    ring.result((sqe) => preparers.openat(sqe, directory, path, O_RDWR, 0, 0)),
    ENOENT,
  );
  const before = process.umask(0o022);
  scope.defer(() => process.umask(before));
  const fd = scope.fd(ring.result((sqe) => preparers.openat(sqe, directory, path, flags, 0o666, 0)));
  assert.equal(statSync(join(folder, 'new')).mode & 0o7777, 0o644);
  assert.equal(fstatSync(fd).ino, statSync(join(folder, 'new')).ino);
  assert.ok(isCloexec(fd));
  const absolute = ring.path(join(folder, 'new'));
  const second = scope.fd(ring.result((sqe) => preparers.openat(sqe, AT_FDCWD, absolute, O_RDONLY, 0, 0)));
  assert.ok(!isCloexec(second));
});

opTest(
  'OP_OPENAT',
  'opens into a slot',
  (ring, scope) => {
    const path = ring.path(fileWith(scope, 'text'));
    registerFiles(ring.fd, [-1, -1]);
    const open = (fileIndex: number): number =>
      ring.result((sqe) => preparers.openat(sqe, AT_FDCWD, path, O_RDONLY, 0, fileIndex));
    assert.equal(open(3), EINVAL);
    assert.equal(inSlot(ring, 1), EBADF);
    assert.equal(open(2), 0);
    assert.equal(inSlot(ring, 1), 'text');
    assert.equal(inSlot(ring, 0), EBADF);
  },
  slots,
);

opTest(
  'OP_OPENAT',
  'finds a free slot',
  (ring, scope) => {
    const path = ring.path(fileWith(scope, 'text'));
    const ENFILE = -23;
    registerFiles(ring.fd, [-1, -1]);
    const open = (): number =>
      ring.result((sqe) => preparers.openat(sqe, AT_FDCWD, path, O_RDONLY, 0, ANY_SLOT));
    assert.deepEqual([open(), open(), open()], [0, 1, ENFILE]);
    assert.equal(inSlot(ring, 1), 'text');
  },
  anySlot,
);

opTest('OP_OPENAT2', 'opens as open_how says', (ring, scope) => {
  const path = fileWith(scope, 'text');
  const directory = scope.fd(openSync(join(path, '..'), 'r'));
  const how = OpenHow.encode({ flags: O_RDONLY | O_CLOEXEC, resolve: constants.RESOLVE_BENEATH });
  const address = ring.address(how);
  const open = (name: string, size: number): number =>
    ring.result((sqe) => preparers.openat2(sqe, directory, ring.path(name), address, size, 0));
  assert.equal(open('file', 23), EINVAL);
  assert.equal(open('..', how.length), EXDEV);
  const fd = scope.fd(open('file', how.length));
  assert.equal(fstatSync(fd).ino, statSync(path).ino);
  assert.ok(isCloexec(fd));
});

opTest(
  'OP_OPENAT2',
  'opens into a slot',
  (ring, scope) => {
    const path = ring.path(fileWith(scope, 'text'));
    const how = ring.address(OpenHow.encode({}));
    registerFiles(ring.fd, [-1, -1]);
    assert.equal(
      ring.result((sqe) => preparers.openat2(sqe, AT_FDCWD, path, how, 24, 2)),
      0,
    );
    assert.equal(inSlot(ring, 1), 'text');
  },
  slots,
);

opTest('OP_CLOSE', 'closes an fd', (ring) => {
  const fd = openSync('/dev/null', 'r');
  assert.equal(
    ring.result((sqe) => preparers.close(sqe, NO_FD, 0)),
    EBADF,
  );
  assert.equal(
    ring.result((sqe) => preparers.close(sqe, fd, 0)),
    0,
  );
  assert.throws(() => fstatSync(fd), { code: 'EBADF' });
});

opTest(
  'OP_CLOSE',
  'empties a slot',
  (ring, scope) => {
    registerFiles(ring.fd, [-1, scope.fd(openSync(fileWith(scope, 'text'), 'r'))]);
    assert.equal(
      ring.result((sqe) => preparers.close(sqe, 1, 2)),
      EINVAL,
    );
    assert.equal(inSlot(ring, 1), 'text');
    assert.equal(
      ring.result((sqe) => preparers.close(sqe, 0, 2)),
      0,
    );
    assert.equal(inSlot(ring, 1), EBADF);
  },
  slots,
);

opTest('OP_FILES_UPDATE', 'fills and empties slots', (ring, scope) => {
  const fds = Int32Array.of(scope.fd(openSync(fileWith(scope, 'text'), 'r')), -1);
  const address = ring.address(fds);
  registerFiles(ring.fd, [-1, -1, scope.pipe().reader]);
  assert.equal(
    ring.result((sqe) => preparers.filesUpdate(sqe, address, 2, 3)),
    EINVAL,
  );
  assert.equal(
    ring.result((sqe) => preparers.filesUpdate(sqe, address, 2, 1)),
    2,
  );
  assert.deepEqual([inSlot(ring, 0), inSlot(ring, 1), inSlot(ring, 2)], [EBADF, 'text', EBADF]);
});

opTest(
  'OP_FILES_UPDATE',
  'finds free slots',
  (ring, scope) => {
    const path = fileWith(scope, 'text');
    const fds = Int32Array.of(scope.fd(openSync(path, 'r')), scope.fd(openSync(path, 'r')));
    registerFiles(ring.fd, [-1, fds[0] ?? -1, -1]);
    assert.equal(
      ring.result((sqe) => preparers.filesUpdate(sqe, ring.address(fds), 2, ANY_SLOT)),
      2,
    );
    assert.deepEqual([...fds], [0, 2]);
    assert.deepEqual([inSlot(ring, 0), inSlot(ring, 2)], ['text', 'text']);
  },
  anySlot,
);

opTest('OP_FIXED_FD_INSTALL', 'makes an fd of a slot', (ring, scope) => {
  const path = fileWith(scope, 'text');
  registerFiles(ring.fd, [-1, scope.fd(openSync(path, 'r'))]);
  const install = (slot: number, flags: number): number =>
    ring.result((sqe) => preparers.fixedFdInstall(sqe, slot, flags));
  assert.equal(install(0, 0), EBADF);
  assert.equal(install(1, 2), EINVAL);
  const fd = scope.fd(install(1, 0));
  const open = scope.fd(install(1, constants.IORING_FIXED_FD_NO_CLOEXEC));
  assert.notEqual(fd, open);
  assert.deepEqual([isCloexec(fd), isCloexec(open)], [true, false]);
  assert.equal(drain(fd), 'text');
});

opTest('OP_PIPE', 'makes a pipe of fds', (ring, scope) => {
  const fds = Int32Array.of(-1, -1);
  const address = ring.address(fds);
  assert.equal(
    ring.result((sqe) => preparers.pipe(sqe, address, 1, 0)),
    EINVAL,
  );
  assert.equal(
    ring.result((sqe) => preparers.pipe(sqe, address, O_NONBLOCK | O_CLOEXEC, 0)),
    0,
  );
  const [reader, writer] = [...fds].map((fd) => scope.fd(fd));
  assert.ok(reader !== undefined && writer !== undefined);
  assert.throws(() => drain(reader), { code: 'EAGAIN' });
  writeSync(writer, 'through');
  assert.equal(drain(reader), 'through');
  assert.ok(isCloexec(reader) && isCloexec(writer));
});

opTest('OP_PIPE', 'makes a pipe of slots', (ring) => {
  const fds = Int32Array.of(-1, -1);
  registerFiles(ring.fd, [-1, -1, -1]);
  assert.equal(
    ring.result((sqe) => preparers.pipe(sqe, ring.address(fds), 0, ANY_SLOT)),
    0,
  );
  assert.deepEqual([...fds], [0, 1]);
  const written = ring.result((sqe) => {
    preparers.write(sqe, 1, ring.address(textBytes('through')), 7, -1).flags = IOSQE_FIXED_FILE;
  });
  assert.equal(written, 7);
  assert.equal(inSlot(ring, 0), 'through');
});

// ---- between pipes and files --------------------------------------------------------------------------------------

opTest('OP_SPLICE', 'moves bytes from a file to a pipe and on to a file', (ring, scope) => {
  const path = fileWith(scope, '0123456789');
  const file = scope.fd(openSync(path, 'r+'));
  const { reader, writer } = scope.pipe();
  assert.equal(
    ring.result((sqe) => preparers.splice(sqe, file, 0, file, 0, 3, 0)),
    EINVAL,
  );
  assert.equal(
    ring.result((sqe) => preparers.splice(sqe, file, 4, writer, -1, 3, 0)),
    3,
  );
  assert.equal(
    ring.result((sqe) => preparers.splice(sqe, reader, -1, file, 2 ** 33, 100, 0)),
    3,
  );
  const bytes = new Uint8Array(10);
  assert.equal(readSync(file, bytes, 0, 10, 2 ** 33), 3);
  assert.equal(textOf(bytes, 3), '456');
  // the current position
  assert.equal(
    ring.result((sqe) => preparers.splice(sqe, file, -1, writer, -1, 2, 0)),
    2,
  );
  assert.equal(
    ring.result((sqe) => preparers.splice(sqe, file, -1, writer, -1, 2, 0)),
    2,
  );
  assert.equal(drain(reader), '0123');

  registerFiles(ring.fd, [-1, file]);
  const fixed = SPLICE_F_FD_IN_FIXED;
  assert.equal(
    ring.result((sqe) => preparers.splice(sqe, 0, 0, writer, -1, 2, fixed)),
    EBADF,
  );
  assert.equal(
    ring.result((sqe) => preparers.splice(sqe, 1, 8, writer, -1, 2, fixed)),
    2,
  );
  assert.equal(drain(reader), '89');
});

opTest('OP_TEE', 'copies what is in a pipe to another one', (ring, scope) => {
  const from = scope.pipe();
  const to = scope.pipe();
  writeSync(from.writer, 'twice');
  assert.equal(
    ring.result((sqe) => preparers.tee(sqe, from.reader, from.writer, 3, 0)),
    EINVAL,
  );
  assert.equal(
    ring.result((sqe) => preparers.tee(sqe, from.reader, to.writer, 3, 0)),
    3,
  );
  assert.equal(drain(to.reader), 'twi');
  assert.equal(drain(from.reader), 'twice');
});

// ---- paths ----------------------------------------------------------------------------------------------------------

opTest('OP_STATX', 'says what a file is', (ring, scope) => {
  const STATX_BASIC_STATS = 0x7ff;
  const AT_SYMLINK_NOFOLLOW = 0x100;
  const path = fileWith(scope, 'text');
  const link = `${path}-link`;
  symlinkSync('file', link);
  const buffer = alloc(256);
  const view = new DataView(buffer.buffer, buffer.byteOffset, 256);
  const stat = (text: string, flags: number): number =>
    ring.result((sqe) =>
      preparers.statx(sqe, AT_FDCWD, ring.path(text), flags, STATX_BASIC_STATS, ring.address(buffer)),
    );
  assert.equal(stat(`${path}/no`, 0), ENOTDIR);
  assert.equal(stat(link, 0), 0);
  const { ino, mode, uid } = statSync(path);
  assert.equal(view.getUint32(0, true) & STATX_BASIC_STATS, STATX_BASIC_STATS);
  assert.deepEqual(
    [view.getUint16(28, true), view.getUint32(20, true), view.getBigUint64(32, true)],
    [mode, uid, BigInt(ino)],
  );
  assert.equal(view.getBigUint64(40, true), 4n);
  assert.equal(stat(link, AT_SYMLINK_NOFOLLOW), 0);
  assert.equal(view.getUint16(28, true) & 0o170000, 0o120000);
});

opTest('OP_RENAMEAT', 'renames, also from one directory to another', (ring, scope) => {
  const RENAME_NOREPLACE = 1;
  const path = fileWith(scope, 'text');
  const to = scope.folder();
  const from = scope.fd(openSync(join(path, '..'), 'r'));
  const target = scope.fd(openSync(to, 'r'));
  const rename = (name: string, flags: number): number =>
    ring.result((sqe) => preparers.renameat(sqe, from, ring.path(name), target, ring.path('other'), flags));
  assert.equal(rename('no', 0), ENOENT);
  writeFileSync(join(to, 'other'), 'in the way');
  assert.equal(rename('file', RENAME_NOREPLACE), EEXIST);
  assert.equal(rename('file', 0), 0);
  assert.equal(readFileSync(join(to, 'other'), 'utf8'), 'text');
  assert.ok(!existsSync(path));
});

opTest('OP_UNLINKAT', 'removes files and directories', (ring, scope) => {
  const EISDIR = -21;
  const folder = scope.folder();
  const directory = scope.fd(openSync(folder, 'r'));
  writeFileSync(join(folder, 'file'), '');
  mkdirSync(join(folder, 'folder'));
  const unlink = (name: string, flags: number): number =>
    ring.result((sqe) => preparers.unlinkat(sqe, directory, ring.path(name), flags));
  assert.equal(unlink('folder', 0), EISDIR);
  assert.equal(unlink('file', AT_REMOVEDIR), ENOTDIR);
  assert.deepEqual(readdirSync(folder), ['file', 'folder']);
  assert.equal(unlink('file', 0), 0);
  assert.deepEqual(readdirSync(folder), ['folder']);
  assert.equal(unlink('folder', AT_REMOVEDIR), 0);
  assert.deepEqual(readdirSync(folder), []);
});

opTest('OP_MKDIRAT', 'makes a directory', (ring, scope) => {
  const folder = scope.folder();
  const directory = scope.fd(openSync(folder, 'r'));
  const make = (): number =>
    ring.result((sqe) => preparers.mkdirat(sqe, directory, ring.path('new'), 0o1710));
  assert.equal(make(), 0);
  const { mode } = statSync(join(folder, 'new'));
  assert.equal(mode, (0o040000 | 0o1710) & ~process.umask());
  assert.equal(make(), EEXIST);
});

opTest('OP_SYMLINKAT', 'makes a symbolic link', (ring, scope) => {
  const folder = scope.folder();
  const directory = scope.fd(openSync(folder, 'r'));
  const make = (): number =>
    ring.result((sqe) => preparers.symlinkat(sqe, ring.path('no/such/file'), directory, ring.path('link')));
  assert.equal(make(), 0);
  assert.equal(readlinkSync(join(folder, 'link')), 'no/such/file');
  assert.equal(make(), EEXIST);
});

opTest('OP_LINKAT', 'gives a file a second name', (ring, scope) => {
  const AT_SYMLINK_FOLLOW = 0x400;
  const path = fileWith(scope, 'text');
  const folder = scope.folder();
  const from = scope.fd(openSync(join(path, '..'), 'r'));
  const to = scope.fd(openSync(folder, 'r'));
  symlinkSync('file', `${path}-link`);
  const link = (name: string, newName: string, flags: number): number =>
    ring.result((sqe) => preparers.linkat(sqe, from, ring.path(name), to, ring.path(newName), flags));
  assert.equal(link('no', 'a', 0), ENOENT);
  assert.equal(link('file', 'a', 0), 0);
  assert.equal(link('file', 'a', 0), EEXIST);
  assert.equal(link('file-link', 'b', AT_SYMLINK_FOLLOW), 0);
  assert.equal(statSync(join(folder, 'a')).ino, statSync(path).ino);
  assert.equal(statSync(join(folder, 'b')).nlink, 3);
  assert.equal(link('file-link', 'c', 0), 0);
  assert.equal(readlinkSync(join(folder, 'c')), 'file');
});

// ---- extended attributes ------------------------------------------------------------------------------------------

const XATTR_CREATE = 1;
const XATTR_REPLACE = 2;

/** The four operations on one file, by path and by fd. */
function attributes(ring: OpRing, scope: Scope) {
  const text = fileWith(scope, '');
  const path = ring.path(text);
  const fd = scope.fd(openSync(text, 'r+'));
  const room = alloc(16);
  const value = ring.address(room);
  const read = (res: number): string | number => (res < 0 ? res : textOf(room, res));
  const set = (text: string): number => {
    room.set(Buffer.from(text));
    return text.length;
  };
  return {
    get: (name: string, length = 16) =>
      ring.result((sqe) => preparers.getxattr(sqe, ring.path(name), value, path, length)),
    getText: (name: string) =>
      read(ring.result((sqe) => preparers.getxattr(sqe, ring.path(name), value, path, 16))),
    fgetText: (name: string) =>
      read(ring.result((sqe) => preparers.fgetxattr(sqe, fd, ring.path(name), value, 16))),
    set: (name: string, text: string, flags = 0) => {
      const length = set(text);
      return ring.result((sqe) => preparers.setxattr(sqe, ring.path(name), value, path, flags, length));
    },
    fset: (name: string, text: string, flags = 0) => {
      const length = set(text);
      return ring.result((sqe) => preparers.fsetxattr(sqe, fd, ring.path(name), value, flags, length));
    },
  };
}

opTest(
  ['OP_GETXATTR', 'OP_SETXATTR', 'OP_FGETXATTR', 'OP_FSETXATTR'],
  'what one sets, the others get',
  (ring, scope) => {
    const { get, getText, fgetText, set, fset } = attributes(ring, scope);
    const ERANGE = -34;
    const name = 'user.uring';
    if (set(name, 'x') === EOPNOTSUPP) {
      console.log(
        "this file system has no extended attributes of users: the operations' refusals are tested",
      );
      assert.deepEqual([getText(name), fgetText(name), fset(name, 'x')], Array(3).fill(EOPNOTSUPP));
      return;
    }
    assert.deepEqual([getText('user.no'), fgetText('user.no')], [ENODATA, ENODATA]);
    assert.deepEqual([getText(name), fgetText(name)], ['x', 'x']);

    assert.equal(set(name, 'by path', XATTR_CREATE), EEXIST);
    assert.equal(set('user.no', 'by path', XATTR_REPLACE), ENODATA);
    assert.equal(set(name, 'by path', XATTR_REPLACE), 0);
    assert.deepEqual([getText(name), fgetText(name)], ['by path', 'by path']);

    assert.equal(fset(name, 'by fd', XATTR_CREATE), EEXIST);
    assert.equal(fset('user.no', 'by fd', XATTR_REPLACE), ENODATA);
    assert.equal(fset('user.second', 'by fd', XATTR_CREATE), 0);
    assert.deepEqual([getText('user.second'), fgetText('user.second')], ['by fd', 'by fd']);
    assert.deepEqual([get(name, 0), get(name, 2)], [7, ERANGE]);
  },
);
