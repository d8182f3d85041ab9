/** Operations on paths and on what a file carries beside its data, with checked arguments. */
import { integer, U32_MAX, wrongValue } from '../../structs/check.ts';
import { Statx } from '../../structs/posix.ts';
import { isUint8Array, lengthOf } from '../../structs/views.ts';
import * as fs from '../ops/fs.ts';
import { addressOf, stableView } from '../sys/memory.ts';
import {
  define,
  directory,
  type Fd,
  type File,
  type NoOptions,
  type Path,
  pathBytes,
  textBytes,
  useFd,
  useFile,
} from './kit.ts';

const AT_REMOVEDIR = 0x200;
const AT_EMPTY_PATH = 0x1000;
/** STATX_BASIC_STATS | STATX_BTIME */
const COMMON_FIELDS = 0xfff;
const XATTR_NAME_MAX = 255;
const XATTR_SIZE_MAX = 65_536;

/** Where a relative path starts. */
export interface AtOptions {
  /** The directory that a relative path starts from, instead of the current one. */
  readonly at?: Fd;
}

/** Options of `mkdirat`. */
export interface MkdirOptions extends AtOptions {
  /** Permissions; 0o777 when absent. The umask takes from them. */
  readonly mode?: number;
}

/** Options of `unlinkat`. */
export interface UnlinkOptions extends AtOptions {
  /** Removes an empty directory, not a file (AT_REMOVEDIR). */
  readonly directory?: boolean;
}

/** Options of `renameat` and `linkat`. */
export interface FromToOptions {
  /** The directory that the old path starts from. */
  readonly from?: Fd;
  /** The directory that the new path starts from. */
  readonly to?: Fd;
  /** RENAME_NOREPLACE (1), RENAME_EXCHANGE (2); of a link AT_SYMLINK_FOLLOW (0x400) */
  readonly flags?: number;
}

/** Options of `statx`. */
export interface StatxOptions extends AtOptions {
  /** AT_*: SYMLINK_NOFOLLOW (0x100), STATX_FORCE_SYNC (0x2000), STATX_DONT_SYNC (0x4000) */
  readonly flags?: number;
  /** STATX_*: what is wanted; all but the newest fields when absent. */
  readonly mask?: number;
}

/** Options of `setxattr` and `fsetxattr`. */
export interface SetxattrOptions {
  /** XATTR_CREATE (1): it must be new; XATTR_REPLACE (2): it must be there. */
  readonly flags?: number;
}

const NO_PATH = new Uint8Array(1);

export const unlinkat = define<[path: Path], UnlinkOptions>(
  'OP_UNLINKAT',
  ['at', 'directory'],
  (core, options, path) => {
    const start = directory('options.at', options.at);
    const flags = options.directory ? AT_REMOVEDIR : 0;
    const bytes = pathBytes(path);
    const address = addressOf('path', bytes);
    fs.unlinkat(core.entry(), start, address, flags);
    return bytes;
  },
);

export const mkdirat = define<[path: Path], MkdirOptions>(
  'OP_MKDIRAT',
  ['at', 'mode'],
  (core, options, path) => {
    const start = directory('options.at', options.at);
    const mode = integer('options.mode', options.mode ?? 0o777, 0, 0o7777);
    const bytes = pathBytes(path);
    const address = addressOf('path', bytes);
    fs.mkdirat(core.entry(), start, address, mode);
    return bytes;
  },
);

export const symlinkat = define<[target: Path, path: Path], AtOptions>(
  'OP_SYMLINKAT',
  ['at'],
  (core, options, target, path) => {
    const start = directory('options.at', options.at);
    const [says, at] = [pathBytes(target, 'target'), pathBytes(path)];
    const [saysAddress, atAddress] = [addressOf('target', says), addressOf('path', at)];
    fs.symlinkat(core.entry(), saysAddress, start, atAddress);
    return [says, at];
  },
);

function fromTo(op: 'OP_RENAMEAT' | 'OP_LINKAT', prepare: typeof fs.renameat) {
  return define<[oldPath: Path, newPath: Path], FromToOptions>(
    op,
    ['from', 'to', 'flags'],
    (core, options, oldPath, newPath) => {
      const from = directory('options.from', options.from);
      const to = directory('options.to', options.to);
      const flags = integer('options.flags', options.flags ?? 0, 0, U32_MAX);
      const [before, after] = [pathBytes(oldPath, 'oldPath'), pathBytes(newPath, 'newPath')];
      const [beforeAddress, afterAddress] = [addressOf('oldPath', before), addressOf('newPath', after)];
      prepare(core.entry(), from, beforeAddress, to, afterAddress, flags);
      return [before, after];
    },
  );
}

export const renameat = fromTo('OP_RENAMEAT', fs.renameat);
export const linkat = fromTo('OP_LINKAT', fs.linkat);

export const statx = define<[target: Path | Fd, buffer: ArrayBufferView], StatxOptions>(
  'OP_STATX',
  ['at', 'flags', 'mask'],
  (core, options, target, buffer) => {
    const mask = integer('options.mask', options.mask ?? COMMON_FIELDS, 0, U32_MAX);
    const given = integer('options.flags', options.flags ?? 0, 0, U32_MAX);
    const isPath = typeof target === 'string' || isUint8Array(target);
    if (!isPath && options.at !== undefined) {
      throw wrongValue('options.at', 'absent where the target is an open file', options.at);
    }
    const start = isPath ? directory('options.at', options.at) : useFd('target', target);
    const bytes = isPath ? pathBytes(target, 'target') : NO_PATH;
    const flags = isPath ? given : (given | AT_EMPTY_PATH) >>> 0;
    const address = addressOf('buffer', buffer);
    const length = lengthOf(buffer);
    if (length < Statx.size) throw wrongValue('buffer', `at least ${Statx.size} bytes long`, length);
    const path = addressOf('target', bytes);
    fs.statx(core.entry(), start, path, flags, mask, address);
    return [bytes, buffer];
  },
);

/** The address and length of an attribute's value. */
function useValue(value: ArrayBufferView): [address: number, length: number] {
  // an empty value is a value, too
  if (ArrayBuffer.isView(value) && lengthOf(value) === 0) return [0, 0];
  const length = lengthOf(stableView('value', value));
  if (length > XATTR_SIZE_MAX) throw wrongValue('value', `at most ${XATTR_SIZE_MAX} bytes long`, length);
  return [addressOf('value', value), length];
}

function nameBytes(name: Path): Uint8Array {
  return textBytes('name', name, XATTR_NAME_MAX);
}

export const getxattr = define<[path: Path, name: Path, value: ArrayBufferView], NoOptions>(
  'OP_GETXATTR',
  [],
  (core, _options, path, name, value) => {
    const [at, called] = [pathBytes(path), nameBytes(name)];
    const [address, length] = useValue(value);
    const [atAddress, calledAddress] = [addressOf('path', at), addressOf('name', called)];
    fs.getxattr(core.entry(), calledAddress, address, atAddress, length);
    return [at, called, value];
  },
);

export const setxattr = define<[path: Path, name: Path, value: ArrayBufferView], SetxattrOptions>(
  'OP_SETXATTR',
  ['flags'],
  (core, options, path, name, value) => {
    const flags = integer('options.flags', options.flags ?? 0, 0, U32_MAX);
    const [at, called] = [pathBytes(path), nameBytes(name)];
    const [address, length] = useValue(value);
    const [atAddress, calledAddress] = [addressOf('path', at), addressOf('name', called)];
    fs.setxattr(core.entry(), calledAddress, address, atAddress, flags, length);
    return [at, called, value];
  },
);

export const fgetxattr = define<[file: File, name: Path, value: ArrayBufferView], NoOptions>(
  'OP_FGETXATTR',
  [],
  (core, _options, file, name, value) => {
    const [fd, bit] = useFile(core, 'file', file);
    const called = nameBytes(name);
    const [address, length] = useValue(value);
    const calledAddress = addressOf('name', called);
    fs.fgetxattr(core.entry(), fd, calledAddress, address, length).flags = bit;
    return [called, value];
  },
);

export const fsetxattr = define<[file: File, name: Path, value: ArrayBufferView], SetxattrOptions>(
  'OP_FSETXATTR',
  ['flags'],
  (core, options, file, name, value) => {
    const flags = integer('options.flags', options.flags ?? 0, 0, U32_MAX);
    const [fd, bit] = useFile(core, 'file', file);
    const called = nameBytes(name);
    const [address, length] = useValue(value);
    const calledAddress = addressOf('name', called);
    fs.fsetxattr(core.entry(), fd, calledAddress, address, flags, length).flags = bit;
    return [called, value];
  },
);
