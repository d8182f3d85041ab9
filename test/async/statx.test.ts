import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { asyncRing, fails, refusesAll } from '../helpers/async.ts';
import { wrong } from '../helpers/raw-ring.ts';
import { ringTest } from '../helpers/rings.ts';

ringTest('wrong arguments reject, naming the argument, before any syscall', {}, async (scope) => {
  const ring = asyncRing(scope);
  const files = ring.registerFiles([0]);
  await refusesAll(ring, [
    ['target', () => ring.statx('')],
    ['target', () => ring.statx(-1)],
    ['target', () => ring.statx(wrong(files.at(0)))],
    ['target', () => ring.statx(wrong(null))],
    ['options.at', () => ring.statx(0, { at: 0 })],
    ['options.at', () => ring.statx('x', { at: wrong(files.at(0)) })],
    ['options.mask', () => ring.statx('x', { mask: -1 })],
    ['options.flags', () => ring.statx('x', { flags: 2 ** 32 })],
  ]);
});

ringTest('statx says what stat(2) says, of a path and of an open file', {}, async (scope) => {
  const ring = asyncRing(scope);
  const folder = scope.folder();
  const path = join(folder, 'file');
  fs.writeFileSync(path, 'x'.repeat(5000), { mode: 0o640 });
  fs.linkSync(path, join(folder, 'second'));
  fs.chownSync(path, process.getuid?.() ?? 0, process.getgid?.() ?? 0);
  fs.utimesSync(path, 1234567890.125, new Date(-1500));
  const expected = fs.statSync(path, { bigint: true });
  const file = await ring.open(path);
  const directory = await ring.open(folder);
  const answers = [
    await ring.statx(path),
    await ring.statx(file),
    await ring.statx(file.fd),
    await ring.statx('second', { at: directory }),
  ];
  for (const found of answers) {
    assert.deepEqual(
      {
        mode: BigInt(found.mode),
        size: BigInt(found.size),
        blocks: BigInt(found.blocks),
        blksize: BigInt(found.blksize),
        nlink: BigInt(found.nlink),
        uid: BigInt(found.uid),
        gid: BigInt(found.gid),
        ino: found.ino,
        atimeNs: found.atimeNs,
        mtimeNs: found.mtimeNs,
        ctimeNs: found.ctimeNs,
      },
      {
        mode: expected.mode,
        size: 5000n,
        blocks: expected.blocks,
        blksize: expected.blksize,
        nlink: 2n,
        uid: expected.uid,
        gid: expected.gid,
        ino: expected.ino,
        atimeNs: 1234567890125000000n,
        mtimeNs: -1500000000n,
        ctimeNs: expected.ctimeNs,
      },
    );
    // a file system in memory has no time of birth before 6.2
    if ((found.mask & 0x800) !== 0) assert.equal(found.btimeNs, expected.birthtimeNs);
    assert.equal(found.mask & 0x7ff, 0x7ff);
  }
  await Promise.all([file.close(), directory.close()]);
});

ringTest('devices, links that are not followed, and paths that are not there', {}, async (scope) => {
  const ring = asyncRing(scope);
  const path = join(scope.folder(), 'link');
  fs.symlinkSync('nowhere', path);
  assert.deepEqual((await ring.statx('/dev/null')).rdev, { major: 1, minor: 3 });
  assert.equal((await ring.statx(path, { flags: 0x100 })).mode & 0o170000, 0o120000);
  await fails('ENOENT', 'OP_STATX', ring.statx(path));
  await fails('EBADF', 'OP_STATX', ring.statx(0x7fff_ffff));
  await fails('EINVAL', 'OP_STATX', ring.statx('/', { flags: 0x1 }));
});
