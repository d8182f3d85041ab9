import assert from 'node:assert/strict';
import { statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asyncRing, bytes, fails, refusesAll } from '../helpers/async.ts';
import { knows, needsOp } from '../helpers/needs.ts';
import { text } from '../helpers/pairs.ts';
import { wrong } from '../helpers/raw-ring.ts';
import { ringTest } from '../helpers/rings.ts';

const CREATE = { flags: 1 };
const REPLACE = { flags: 2 };
const TMPFS_MAGIC = 0x0102_1994;
/** Files of a tmpfs have attributes of users from Linux 6.6 on, these operations came with 6.7. */
const inTmpfs = statfsSync(tmpdir()).type === TMPFS_MAGIC ? needsOp('OP_FUTEX_WAIT') : {};
const here = { ...needsOp('OP_GETXATTR'), ...inTmpfs };
/** Slots are taken from Linux 6.13 on, as this opcode. */
const takesSlots = knows('REGISTER_RESIZE_RINGS');

ringTest('wrong arguments reject, naming the argument, before any syscall', {}, async (scope) => {
  const ring = asyncRing(scope);
  const value = bytes('v');
  await refusesAll(ring, [
    ['path', () => ring.getxattr('', 'user.x')],
    ['name', () => ring.getxattr('x', '')],
    ['name', () => ring.getxattr('x', 'n'.repeat(256))],
    ['name', () => ring.setxattr('x', wrong(1), value)],
    ['value', () => ring.setxattr('x', 'user.x', wrong('text'))],
    ['value', () => ring.setxattr('x', 'user.x', new Uint8Array(65_537))],
    ['options.flags', () => ring.setxattr('x', 'user.x', value, { flags: -1 })],
    ['file', () => ring.fgetxattr(-1, 'user.x')],
    ['name', () => ring.fgetxattr(0, 'a\0')],
    ['value', () => ring.fsetxattr(0, 'user.x', wrong(undefined))],
  ]);
});

ringTest('attributes of a path, an open file and a fixed file are the same', here, async (scope) => {
  const ring = asyncRing(scope);
  const path = join(scope.folder(), 'file');
  writeFileSync(path, '');
  const file = await ring.open(path, { flags: 2 });
  const slot = await ring.open(path, { flags: 2, into: ring.registerFiles({ slots: 1 }) });
  await ring.setxattr(path, 'user.one', bytes('first'), CREATE);
  assert.equal(text(await ring.getxattr(path, 'user.one')), 'first');
  assert.equal(text(await ring.fgetxattr(file, 'user.one')), 'first');
  await ring.fsetxattr(file, 'user.one', new Uint16Array([0x6261]), REPLACE);
  const other = takesSlots ? slot : file;
  if (!takesSlots) await fails('EBADF', 'OP_FGETXATTR', ring.fgetxattr(slot, 'user.one'));
  assert.equal(text(await ring.fgetxattr(other, 'user.one')), 'ab');
  await ring.fsetxattr(other, 'user.empty', new Uint8Array(0));
  assert.equal((await ring.getxattr(bytes(path), bytes('user.empty'))).length, 0);
  await ring.setxattr(path, 'user.big', new Uint8Array(1000).fill(7));
  assert.deepEqual([...(await ring.getxattr(path, 'user.big'))], new Array(1000).fill(7));
  await fails('EEXIST', 'OP_SETXATTR', ring.setxattr(path, 'user.one', bytes('x'), CREATE));
  await fails('ENODATA', 'OP_FSETXATTR', ring.fsetxattr(file, 'user.none', bytes('x'), REPLACE));
  await fails('ENODATA', 'OP_GETXATTR', ring.getxattr(path, 'user.none'));
  await fails('ENODATA', 'OP_FGETXATTR', ring.fgetxattr(other, 'user.none'));
  await fails('EOPNOTSUPP', 'OP_SETXATTR', ring.setxattr(path, 'nonsense', bytes('x')));
  await file.close();
});
