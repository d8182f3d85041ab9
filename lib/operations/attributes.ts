/** Operations on what a file carries beside its data. */
import { U32_MAX, wrongValue } from '../../structs/check.ts';
import { Statx } from '../../structs/posix.ts';
import { isUint8Array } from '../../structs/views.ts';
import * as preparers from '../ops/preparers.ts';
import type { RingCore } from '../ring/core/core.ts';
import type { HeldView } from '../sys/held.ts';
import type { Pinned } from '../sys/memory.ts';
import { type Kind, operation, options } from './declare.ts';
import * as kinds from './kinds.ts';
import * as pin from './pin.ts';
import * as read from './read.ts';
import type { Fd, Path } from './types.ts';

const AT_EMPTY_PATH = 0x1000;
/** STATX_BASIC_STATS | STATX_BTIME */
const COMMON_FIELDS = 0xfff;
const XATTR_SIZE_MAX = 65_536;

/** What statx(2) asks about: a path, or a file itself by an empty one. */
export interface StatTarget {
  readonly start: number;
  readonly path: Pinned;
  readonly flags: number;
}

interface StatOptions {
  readonly at?: Fd | undefined;
  readonly flags?: number | undefined;
}

/** Reads the target with `at` and `flags`. */
export function statTarget(name: string, value: Path | Fd, given: StatOptions): StatTarget {
  const flags = read.optional('options.flags', given.flags, 0, U32_MAX, 0);
  const { at } = given;
  if (typeof value === 'string' || isUint8Array(value)) {
    const start = read.directory('options.at', at);
    const isEmptyAllowed = (flags & AT_EMPTY_PATH) !== 0;
    return { start, flags, path: isEmptyAllowed ? read.pathOrEmpty(name, value) : read.path(name, value) };
  }
  if (at !== undefined) throw wrongValue('options.at', 'absent where the target is an open file', at);
  const path = read.pathOrEmpty(name, '');
  return { start: read.fd(name, value), flags: (flags | AT_EMPTY_PATH) >>> 0, path };
}

/** Room for a struct statx. */
export function statRoom(core: RingCore, name: string, what: HeldView): number {
  pin.atLeast(name, pin.length(core, name, what), Statx.size);
  return pin.address(core, name, what);
}

export const StatxOptions = options('StatxOptions', 'Options of `statx`.', {
  at: { type: 'Fd', doc: kinds.AT },
  flags: {
    type: 'number',
    doc: 'AT_*: SYMLINK_NOFOLLOW (0x100), STATX_FORCE_SYNC (0x2000), STATX_DONT_SYNC (0x4000), EMPTY_PATH (0x1000).',
  },
  mask: kinds.option(
    'STATX_*: what is wanted; all but the newest fields when absent.',
    0,
    U32_MAX,
    COMMON_FIELDS,
  ),
});

export const statx = operation({
  op: 'OP_STATX',
  doc: 'Asks what the kernel knows of a file. The kernel does this in a worker thread always: for one file `fs.statSync` takes a twentieth of the time, and for many at once `fs.promises.stat` is as fast.',
  args: {
    target: {
      type: 'Path | Fd',
      read: statTarget,
      reads: ['target', 'options'],
      pin: ['start', 'path.address', 'flags'],
      holds: 'until submitted',
      keep: 'path',
    },
    buffer: { type: 'ArrayBufferView', read: read.view, pin: [statRoom], holds: 'until completed' },
  },
  options: StatxOptions,
  rooms: [{ arg: 'buffer', bytes: Statx.size }],
  write: (sqe, start, path, flags, buffer, mask) => preparers.statx(sqe, start, path, flags, mask, buffer),
  params: {
    target: 'a path, or an open file (no slot of the file table)',
    buffer: 'gets a struct statx: `Statx.decode` of uring/structs reads it',
  },
  result: { type: 'FileStatus', of: 'fileStatusOf', args: ['buffer'] },
  errors: kinds.FOUND,
  see: 'statx(2)',
});

/** The value of an extended attribute: any memory of at most 64 KiB, also none. */
export function valueAddress(core: RingCore, name: string, what: HeldView): number {
  const length = pin.length(core, name, what);
  if (length > XATTR_SIZE_MAX) throw wrongValue(name, `at most ${XATTR_SIZE_MAX} bytes long`, length);
  return pin.address(core, name, what);
}

const value: Kind = { ...kinds.view, pin: [valueAddress, pin.length] };

export const SetxattrOptions = options('SetxattrOptions', 'Options of `setxattr` and `fsetxattr`.', {
  flags: kinds.bits('XATTR_CREATE (1): it must be new; XATTR_REPLACE (2): it must be there.'),
});

const XATTR_GET = {
  ENODATA: 'it has no attribute of that name',
  ERANGE: 'the value is longer than the room for it',
  EOPNOTSUPP: 'the file system has none',
};
const XATTR_SET = {
  EEXIST: 'it is there already, and XATTR_CREATE',
  ENODATA: 'it is not there, and XATTR_REPLACE',
  EOPNOTSUPP: 'the file system has none',
};
const VALUE = { value: 'gets the value; an empty one only asks for its length' };

export const getxattr = operation({
  op: 'OP_GETXATTR',
  doc: 'Reads an extended attribute of a path.',
  args: { path: kinds.path, name: kinds.attributeName, value },
  rooms: [{ arg: 'value', bytes: XATTR_SIZE_MAX }],
  write: (sqe, path, name, value, length) => preparers.getxattr(sqe, name, value, path, length),
  params: VALUE,
  returns: 'its value',
  result: { type: 'Uint8Array', of: 'beginningOf', args: ['value'] },
  errors: { ...kinds.FOUND, ...XATTR_GET },
  see: 'getxattr(2)',
});

export const setxattr = operation({
  op: 'OP_SETXATTR',
  doc: 'Sets an extended attribute of a path.',
  args: { path: kinds.path, name: kinds.attributeName, value },
  options: SetxattrOptions,
  write: (sqe, path, name, value, length, flags) => preparers.setxattr(sqe, name, value, path, flags, length),
  result: 'nothing',
  errors: { ...kinds.FOUND, ...XATTR_SET },
  see: 'setxattr(2)',
});

/** Linux 6.13 takes slots. */
const XATTR_FILE = { EBADF: 'nobody has this fd, or it is a slot of the file table, before Linux 6.13' };

export const fgetxattr = operation({
  op: 'OP_FGETXATTR',
  doc: 'As `getxattr`, of an open file.',
  args: { file: kinds.file, name: kinds.attributeName, value },
  rooms: [{ arg: 'value', bytes: XATTR_SIZE_MAX }],
  write: (sqe, name, value, length) => preparers.fgetxattr(sqe, 0, name, value, length),
  params: VALUE,
  returns: 'its value',
  result: { type: 'Uint8Array', of: 'beginningOf', args: ['value'] },
  errors: { ...XATTR_FILE, ...XATTR_GET },
  see: 'fgetxattr(2)',
});

export const fsetxattr = operation({
  op: 'OP_FSETXATTR',
  doc: 'As `setxattr`, of an open file.',
  args: { file: kinds.file, name: kinds.attributeName, value },
  options: SetxattrOptions,
  write: (sqe, name, value, length, flags) => preparers.fsetxattr(sqe, 0, name, value, flags, length),
  result: 'nothing',
  errors: { ...XATTR_FILE, ...XATTR_SET },
  see: 'fsetxattr(2)',
});
