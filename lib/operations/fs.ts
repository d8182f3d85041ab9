/** Operations on descriptors, and between pipes and files, with checked arguments. */
import { constants as node } from 'node:fs';
import { boolean, integer, list, U32_MAX, wrongType, wrongValue } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { OpenHow } from '../../structs/posix.ts';
import { isInt32Array, lengthOf } from '../../structs/views.ts';
import * as fs from '../ops/fs.ts';
import type { RingCore } from '../ring/core/core.ts';
import { FixedFile, RegisteredFiles } from '../ring/owners/files.ts';
import { addressOf } from '../sys/memory.ts';
import {
  define,
  directory,
  type Fd,
  type File,
  fileIndex,
  fileOffset,
  type Into,
  type NoOptions,
  type Path,
  pathBytes,
  useFd,
  useFile,
} from './kit.ts';

const O_CLOEXEC = 0o2000000;
const O_TMPFILE = 0o20000000;
const { IORING_FIXED_FD_NO_CLOEXEC, SPLICE_F_FD_IN_FIXED } = constants;

/** Options of `openat`. */
export interface OpenOptions {
  /** O_*, O_RDONLY when absent; O_CLOEXEC is added for an fd. */
  readonly flags?: number;
  /** Permissions of a new file; 0o666 when absent. The umask takes from them. */
  readonly mode?: number;
  /** The directory that a relative path starts from, instead of the current one. */
  readonly at?: Fd;
  /** Into the file table: a slot; or the table, or `'alloc'`, for a free one, which the completion's res then names. */
  readonly into?: Into;
}

/** Options of `openat2`. */
export interface OpenHowOptions extends OpenOptions {
  /** RESOLVE_*: how the path may lead: NO_XDEV (1), NO_MAGICLINKS (2), NO_SYMLINKS (4), BENEATH (8), IN_ROOT (16), CACHED (32) */
  readonly resolve?: number;
}

/** Options of `splice`. */
export interface SpliceOptions {
  /** Where in `from`, in bytes; -1, or absent: the current position, as a pipe must have it. */
  readonly offsetIn?: number | bigint;
  /** The same of `to`. */
  readonly offsetOut?: number | bigint;
  /** SPLICE_F_* */
  readonly flags?: number;
}

/** Options of `tee`. */
export interface TeeOptions {
  /** SPLICE_F_* */
  readonly flags?: number;
}

/** Options of `pipe`. */
export interface PipeOptions {
  /** O_NONBLOCK, O_DIRECT; O_CLOEXEC is added for fds. */
  readonly flags?: number;
  /** Into the file table: a slot and the one after it; or the table, or `'alloc'`, for free ones. */
  readonly into?: Into;
}

/** Options of `fixedFdInstall`. */
export interface InstallOptions {
  /** Programs that this process starts get the fd too (IORING_FIXED_FD_NO_CLOEXEC). */
  readonly inherit?: boolean;
}

interface Opening {
  readonly index: number;
  readonly flags: number;
  readonly mode: number;
  readonly directory: number;
}

function opening(core: RingCore, options: OpenOptions): Opening {
  const { flags = 0, at, into } = options;
  integer('options.flags', flags, 0, U32_MAX);
  const makesFile = (flags & (node.O_CREAT | O_TMPFILE)) !== 0;
  const mode = integer('options.mode', options.mode ?? (makesFile ? 0o666 : 0), 0, 0o7777);
  const start = directory('options.at', at);
  const index = fileIndex(core, into);
  return { index, flags: (flags | (index === 0 ? O_CLOEXEC : 0)) >>> 0, mode, directory: start };
}

export const openat = define<[path: Path], OpenOptions>(
  'OP_OPENAT',
  ['flags', 'mode', 'at', 'into'],
  (core, options, path) => {
    const how = opening(core, options);
    const bytes = pathBytes(path);
    const address = addressOf('path', bytes);
    fs.openat(core.entry(), how.directory, address, how.flags, how.mode, how.index);
    return bytes;
  },
);

export const openat2 = define<[path: Path], OpenHowOptions>(
  'OP_OPENAT2',
  ['flags', 'mode', 'at', 'into', 'resolve'],
  (core, options, path) => {
    const resolve = integer('options.resolve', options.resolve ?? 0, 0, U32_MAX);
    const { flags, mode, index, directory: start } = opening(core, options);
    const bytes = pathBytes(path);
    const how = OpenHow.encode({ flags, mode, resolve });
    const addresses = [addressOf('path', bytes), addressOf('how', how)] as const;
    fs.openat2(core.entry(), start, ...addresses, how.byteLength, index);
    return [bytes, how];
  },
);

export const close = define<[file: File], NoOptions>('OP_CLOSE', [], (core, _options, file) => {
  const [fd, bit] = useFile(core, 'file', file);
  fs.close(core.entry(), bit === 0 ? fd : 0, bit === 0 ? 0 : fd + 1);
});

export const filesUpdate = define<
  [files: RegisteredFiles, offset: number, fds: Int32Array, given: readonly Fd[]],
  NoOptions
>('OP_FILES_UPDATE', [], (core, _options, files, offset, fds, given) => {
  if (!RegisteredFiles.is(files)) throw wrongType('files', 'the file table', files);
  const isAny = offset === constants.IORING_FILE_INDEX_ALLOC;
  integer('fds.length', list('fds', given).length, 1, files.length);
  if (!isAny) integer('offset', offset, 0, files.length - fds.length);
  // the kernel writes the slots that it chose over the fds
  given.forEach((file, i) => {
    const isMark = typeof file === 'number' && (file === files.KEEP || file === files.CLEAR);
    fds[i] = isMark ? file : useFd(`fds[${i}]`, file);
  });
  const address = addressOf('fds', fds);
  files.use(core);
  fs.filesUpdate(core.entry(), address, fds.length, offset);
  return fds;
});

export const fixedFdInstall = define<[file: FixedFile], InstallOptions>(
  'OP_FIXED_FD_INSTALL',
  ['inherit'],
  (core, options, file) => {
    const flags = boolean('options.inherit', options.inherit ?? false) ? IORING_FIXED_FD_NO_CLOEXEC : 0;
    if (!FixedFile.is(file)) throw wrongType('file', 'a FixedFile', file);
    const slot = file.use(core);
    fs.fixedFdInstall(core.entry(), slot, flags);
  },
);

export const pipe = define<[fds: Int32Array], PipeOptions>(
  'OP_PIPE',
  ['flags', 'into'],
  (core, options, fds) => {
    const flags = integer('options.flags', options.flags ?? 0, 0, U32_MAX);
    const { into } = options;
    if (FixedFile.is(into) && into.index + 1 >= into.table.length) {
      throw wrongValue(
        'options.into',
        'not the last slot: the writing end goes into the one after it',
        into.index,
      );
    }
    const index = fileIndex(core, into);
    if (!isInt32Array(fds) || lengthOf(fds) < 8) throw wrongType('fds', 'an Int32Array(2)', fds);
    const address = addressOf('fds', fds);
    fs.pipe(core.entry(), address, (flags | (index === 0 ? O_CLOEXEC : 0)) >>> 0, index);
    return fds;
  },
);

export const splice = define<[from: File, to: File, length: number], SpliceOptions>(
  'OP_SPLICE',
  ['offsetIn', 'offsetOut', 'flags'],
  (core, options, from, to, length) => {
    const offsetIn = fileOffset('options.offsetIn', options.offsetIn);
    const offsetOut = fileOffset('options.offsetOut', options.offsetOut);
    const flags = integer('options.flags', options.flags ?? 0, 0, 0x7fff_ffff);
    integer('length', length, 1, U32_MAX);
    const [fdIn, bitIn] = useFile(core, 'from', from);
    const [fdOut, bitOut] = useFile(core, 'to', to);
    const inFixed = bitIn === 0 ? 0 : SPLICE_F_FD_IN_FIXED;
    fs.splice(core.entry(), fdIn, offsetIn, fdOut, offsetOut, length, (flags | inFixed) >>> 0).flags = bitOut;
  },
);

export const tee = define<[from: File, to: File, length: number], TeeOptions>(
  'OP_TEE',
  ['flags'],
  (core, options, from, to, length) => {
    const flags = integer('options.flags', options.flags ?? 0, 0, 0x7fff_ffff);
    integer('length', length, 1, U32_MAX);
    const [fdIn, bitIn] = useFile(core, 'from', from);
    const [fdOut, bitOut] = useFile(core, 'to', to);
    const inFixed = bitIn === 0 ? 0 : SPLICE_F_FD_IN_FIXED;
    fs.tee(core.entry(), fdIn, fdOut, length, (flags | inFixed) >>> 0).flags = bitOut;
  },
);
