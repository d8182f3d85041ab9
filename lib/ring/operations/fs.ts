/** Operations paths, and of files as a whole, with checked arguments. */
import { descriptor, integer, U32_MAX } from '../../../structs/check.ts';
import { constants } from '../../../structs/flags.ts';
import * as fs from '../../ops/fs.ts';
import { addressOf } from '../../sys/memory.ts';
import {
  define,
  type File,
  fileIndex,
  fileOffset,
  type Into,
  type NoOptions,
  pathBytes,
  useFile,
} from './kit.ts';

const O_CLOEXEC = 0o2000000;
const AT_FDCWD = -100;

/** Options of `openat`. */
export interface OpenOptions {
  /** O_*, O_RDONLY when absent; O_CLOEXEC is added for an fd. */
  readonly flags?: number;
  /** Permissions of a new file. */
  readonly mode?: number;
  /** The fd of the directory that a relative path starts from, instead of the current one. */
  readonly at?: number;
  /** Into the file table: a slot; or the table, or `'alloc'`, for a free one, which the completion's res then names. */
  readonly into?: Into;
}

/** Options of `splice`. */
export interface SpliceOptions {
  readonly offsetIn?: number;
  readonly offsetOut?: number;
  /** SPLICE_F_* */
  readonly flags?: number;
}

export const openat = define<[path: string | Uint8Array], OpenOptions>(
  'OP_OPENAT',
  ['flags', 'mode', 'at', 'into'],
  (core, options, path) => {
    const { flags = 0, mode = 0, at, into } = options;
    const index = fileIndex(core, into);
    const openFlags = integer('options.flags', flags, 0, U32_MAX) | (index === 0 ? O_CLOEXEC : 0);
    integer('options.mode', mode, 0, 0o7777);
    const directory = at === undefined ? AT_FDCWD : descriptor('options.at', at);
    const bytes = pathBytes(path);
    fs.openat(core.entry(), directory, addressOf('path', bytes), openFlags, mode, index);
    return bytes;
  },
);

export const close = define<[file: File], NoOptions>('OP_CLOSE', [], (core, _options, file) => {
  const [fd, bit] = useFile(core, 'file', file);
  fs.close(core.entry(), bit === 0 ? fd : 0, bit === 0 ? 0 : fd + 1);
});

export const splice = define<[from: File, to: File, length: number], SpliceOptions>(
  'OP_SPLICE',
  ['offsetIn', 'offsetOut', 'flags'],
  (core, options, from, to, length) => {
    const offsetIn = fileOffset('options.offsetIn', options.offsetIn);
    const offsetOut = fileOffset('options.offsetOut', options.offsetOut);
    const flags = integer('options.flags', options.flags ?? 0, 0, U32_MAX);
    integer('length', length, 1, U32_MAX);
    const [fdIn, bitIn] = useFile(core, 'from', from);
    const [fdOut, bitOut] = useFile(core, 'to', to);
    const inFixed = bitIn === 0 ? 0 : constants.SPLICE_F_FD_IN_FIXED;
    fs.splice(core.entry(), fdIn, offsetIn, fdOut, offsetOut, length, (flags | inFixed) >>> 0).flags = bitOut;
  },
);
