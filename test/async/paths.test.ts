import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { asyncRing, bytes, fails, failure, refusesAll } from '../helpers/async.ts';
import { gc } from '../helpers/gc.ts';
import { needsOp } from '../helpers/needs.ts';
import { wrong } from '../helpers/raw-ring.ts';
import { ringTest, until } from '../helpers/rings.ts';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_RDWR, O_WRONLY } = fs.constants;

ringTest('wrong arguments reject, naming the argument, before any syscall', {}, async (scope) => {
  const ring = asyncRing(scope);
  const files = ring.registerFiles([0]);
  const other = asyncRing(scope).registerFiles([0]);
  const slot = wrong(files.at(0));
  await refusesAll(ring, [
    ['path', () => ring.open('')],
    ['path', () => ring.open('a\0b')],
    ['path', () => ring.open('x'.repeat(4096))],
    ['path', () => ring.open(wrong(1))],
    ['path', () => ring.open(wrong(undefined))],
    ['path', () => ring.open(wrong(new DataView(new ArrayBuffer(3))))],
    ['options.at', () => ring.open('x', { at: slot })],
    ['options.at', () => ring.open('x', { at: -1 })],
    ['options.at.fd', () => ring.open('x', { at: { fd: -1 } })],
    ['options.mode', () => ring.open('x', { mode: 0o10000 })],
    ['options.flags', () => ring.open('x', { flags: -1 })],
    ['options.into', () => ring.open('x', { into: wrong('free') })],
    ['file', () => ring.open('x', { into: other.at(0) })],
    ['files', () => ring.open('x', { into: other })],
    ['options.resolve', () => ring.open('x', { resolve: -1 })],
    ['options.resolvee', () => ring.open('x', wrong({ resolvee: 1 }))],
    ['path', () => ring.unlink('')],
    ['options.at', () => ring.unlink('x', { at: slot })],
    ['path', () => ring.mkdir('')],
    ['options.mode', () => ring.mkdir('x', { mode: 1.5 })],
    ['oldPath', () => ring.rename('', 'x')],
    ['newPath', () => ring.rename('x', '')],
    ['options.from', () => ring.rename('x', 'y', { from: slot })],
    ['options.to', () => ring.link('x', 'y', { to: slot })],
    ['options.flags', () => ring.link('x', 'y', { flags: wrong('1') })],
    ['target', () => ring.symlink('', 'x')],
    ['path', () => ring.symlink('x', '')],
    ['file', () => ring.closeFd(-1)],
    ['file', () => ring.fixedFdInstall(wrong(0))],
    ['options.inherit', () => ring.fixedFdInstall(files.at(0), { inherit: wrong(1) })],
  ]);
});

ringTest('open makes, refuses and names files', {}, async (scope) => {
  const ring = asyncRing(scope);
  const folder = scope.folder();
  const path = join(folder, 'ä file');
  const file = await ring.open(path, { flags: O_CREAT | O_RDWR | O_EXCL, mode: 0o640 });
  assert.equal(fs.readlinkSync(`/proc/self/fd/${file.fd}`), path);
  assert.equal(fs.statSync(path).mode & 0o777, 0o640 & ~process.umask());
  assert.match(fs.readFileSync(`/proc/self/fdinfo/${file.fd}`, 'utf8'), /flags:\t02\d+02\n/, 'O_CLOEXEC');
  await fails('EEXIST', 'OP_OPENAT', ring.open(path, { flags: O_CREAT | O_EXCL }));
  await fails('ENOENT', 'OP_OPENAT', ring.open(join(folder, 'none')));
  const again = await ring.open(bytes(path));
  await Promise.all([file.close(), again.close(), again.close()]);
  assert.throws(() => file.fd, { code: 'ERR_URING_CLOSED' });
  const plain = await ring.open(join(folder, 'plain'), { flags: O_CREAT | O_WRONLY });
  assert.equal(fs.fstatSync(plain.fd).mode & 0o777, 0o666 & ~process.umask());
  await plain[Symbol.asyncDispose]();
});

ringTest('resolve keeps a path inside', needsOp('OP_OPENAT2'), async (scope) => {
  const ring = asyncRing(scope);
  const folder = scope.folder();
  fs.mkdirSync(join(folder, 'in'));
  fs.symlinkSync('/etc/passwd', join(folder, 'in/link'));
  fs.writeFileSync(join(folder, 'in/file'), 'x');
  const at = await ring.open(join(folder, 'in'), { flags: O_DIRECTORY });
  await fails('EXDEV', 'OP_OPENAT2', ring.open('../in/file', { at, resolve: 8 }));
  await fails('EXDEV', 'OP_OPENAT2', ring.open('link', { at, resolve: 8 }));
  await fails('ELOOP', 'OP_OPENAT2', ring.open('link', { at, resolve: 4 }));
  await fails('EINVAL', 'OP_OPENAT2', ring.open('file', { at, resolve: 0x8000 }));
  await fails('EINVAL', 'OP_OPENAT2', ring.open('file', { at, resolve: 8, mode: 0o600 }));
  const made = await ring.open('new', { at, resolve: 8, flags: O_CREAT | O_WRONLY });
  assert.ok(fs.existsSync(join(folder, 'in/new')));
  await Promise.all([at.close(), made.close()]);
});

ringTest(
  'mkdir, symlink, link, rename and unlink, by path and by directory',
  needsOp('OP_MKDIRAT'),
  async (scope) => {
    const ring = asyncRing(scope);
    const folder = scope.folder();
    const at = await ring.open(folder, { flags: O_DIRECTORY });
    await ring.mkdir(join(folder, 'a'));
    await ring.mkdir('b', { at, mode: 0o700 });
    assert.equal(fs.statSync(join(folder, 'b')).mode & 0o777, 0o700);
    fs.writeFileSync(join(folder, 'a/file'), 'content');
    await ring.link(join(folder, 'a/file'), 'b/file', { to: at });
    assert.equal(fs.statSync(join(folder, 'b/file')).nlink, 2);
    await ring.symlink('a/file', 'says', { at });
    assert.equal(fs.readlinkSync(join(folder, 'says')), 'a/file');
    await ring.link('says', 'followed', { from: at, to: at.fd, flags: 0x400 });
    assert.equal(fs.lstatSync(join(folder, 'followed')).isFile(), true);
    await ring.rename('a/file', 'moved', { from: at, to: at });
    assert.equal(fs.readFileSync(join(folder, 'moved'), 'utf8'), 'content');
    await fails('EEXIST', 'OP_RENAMEAT', ring.rename('moved', 'b', { from: at, to: at, flags: 1 }));
    await fails('EISDIR', 'OP_UNLINKAT', ring.unlink('a', { at }));
    await fails('ENOTEMPTY', 'OP_UNLINKAT', ring.unlink('b', { at, directory: true }));
    await ring.unlink('a', { at, directory: true });
    await ring.unlink(join(folder, 'moved'));
    assert.deepEqual(fs.readdirSync(folder).sort(), ['b', 'followed', 'says']);
    await fails('EEXIST', 'OP_MKDIRAT', ring.mkdir('b', { at }));
    await fails('EEXIST', 'OP_SYMLINKAT', ring.symlink('x', 'b', { at }));
    await fails('ENOENT', 'OP_LINKAT', ring.link('none', 'x', { from: at, to: at }));
    await at.close();
  },
);

ringTest(
  'after close every call rejects with ClosedError, and a RingFile still closes',
  {},
  async (scope) => {
    const ring = asyncRing(scope);
    const file = await ring.open('/dev/null');
    const { fd } = file;
    const reading = failure(ring.read(scope.pipe().reader, new Uint8Array(1)));
    ring.close();
    const page = new Uint8Array(1);
    const calls = [
      reading,
      ...[
        ring.nop(),
        ring.open('/'),
        ring.read(0, page),
        ring.writev(0, [page]),
        ring.readMultishot(0, wrong(page)).next(),
        ring.fsync(0),
        ring.splice(0, 1, 1),
        ring.pipe(),
        ring.statx('/'),
        ring.unlink('x'),
        ring.getxattr('/', 'user.x'),
        ring.closeFd(0x7fff_ffff),
        ring.chain((c) => [c.nop()]),
      ].map(failure),
    ];
    for (const error of await Promise.all(calls))
      assert.equal(Reflect.get(error, 'code'), 'ERR_URING_CLOSED');
    await file.close();
    assert.ok(!fs.existsSync(`/proc/self/fd/${fd}`));
  },
);

ringTest(
  'a file that is dropped without close leaves its fd open, for whoever has the number',
  {},
  async (scope) => {
    const ring = asyncRing(scope);
    const path = join(scope.folder(), 'file');
    fs.writeFileSync(path, 'x');
    const open = async () => {
      const file = await ring.open(path);
      return { fd: file.fd, ref: new WeakRef(file) };
    };
    const { fd, ref } = await open();
    try {
      await until('the file is collected', () => {
        gc();
        return ref.deref() === undefined;
      });
      assert.equal(fs.readlinkSync(`/proc/self/fd/${fd}`), path);
    } finally {
      fs.closeSync(fd);
    }
  },
);
