/** Operations on paths, on descriptors, and between pipes and files. */
import { constants as node } from 'node:fs';
import { copyList, integer, U32_MAX, wrongType, wrongValue } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { OpenHow } from '../../structs/posix.ts';
import { isInt32Array } from '../../structs/views.ts';
import * as preparers from '../ops/preparers.ts';
import type { RingCore } from '../ring/core/core.ts';
import { FixedFile, RegisteredFiles } from '../ring/owners/files.ts';
import type { HeldView } from '../sys/held.ts';
import type { Pinned } from '../sys/memory.ts';
import { type Kind, operation, options } from './declare.ts';
import * as kinds from './kinds.ts';
import * as pin from './pin.ts';
import * as read from './read.ts';
import type { Fd, Into, Path } from './types.ts';

const AT_REMOVEDIR = 0x200;
const AT_EMPTY_PATH = 0x1000;
const O_CLOEXEC = 0o2000000;
const O_TMPFILE = 0o20000000;
const CLEAR = -1;
const {
  IORING_FILE_INDEX_ALLOC,
  IORING_FIXED_FD_NO_CLOEXEC,
  IORING_REGISTER_FILES_SKIP,
  SPLICE_F_FD_IN_FIXED,
} = constants;

const INTO =
  "Into the file table (5.15): a slot; or the table, or `'alloc'`, for a free one, which the completion's res then names.";

// ---- open and close ---------------------------------------------------------------------------------------

/** String flags, as node:fs has them. */
const STRING_FLAGS: read.Names = {
  r: node.O_RDONLY,
  rs: node.O_RDONLY | node.O_SYNC,
  'r+': node.O_RDWR,
  'rs+': node.O_RDWR | node.O_SYNC,
  w: node.O_TRUNC | node.O_CREAT | node.O_WRONLY,
  wx: node.O_TRUNC | node.O_CREAT | node.O_WRONLY | node.O_EXCL,
  'w+': node.O_TRUNC | node.O_CREAT | node.O_RDWR,
  'wx+': node.O_TRUNC | node.O_CREAT | node.O_RDWR | node.O_EXCL,
  a: node.O_APPEND | node.O_CREAT | node.O_WRONLY,
  ax: node.O_APPEND | node.O_CREAT | node.O_WRONLY | node.O_EXCL,
  'a+': node.O_APPEND | node.O_CREAT | node.O_RDWR,
  'ax+': node.O_APPEND | node.O_CREAT | node.O_RDWR | node.O_EXCL,
};

/** How a file is opened: numbers for OP_OPENAT, and a struct open_how where OP_OPENAT2 is needed. */
export interface Opening {
  readonly flags: number;
  readonly mode: number;
  readonly how: Pinned | undefined;
}

interface OpeningOptions {
  readonly flags?: number | string | undefined;
  readonly mode?: number | undefined;
  readonly resolve?: number | undefined;
}

function openFlags(name: string, value: number | string | undefined): number {
  if (typeof value === 'string') return read.named(name, value, STRING_FLAGS);
  return read.optional(name, value, 0, U32_MAX, 0);
}

/** Reads `flags`, `mode` and `resolve`. Only an fd may be closed by exec: a slot of the table has no such flag. */
export function opening(name: string, given: OpeningOptions, into: Into | undefined): Opening {
  const wanted = openFlags(`${name}.flags`, given.flags);
  const makesFile = (wanted & (node.O_CREAT | O_TMPFILE)) !== 0;
  const mode = read.optional(`${name}.mode`, given.mode, 0, 0o7777, makesFile ? 0o666 : 0);
  const flags = (wanted | (into === undefined ? O_CLOEXEC : 0)) >>> 0;
  const { resolve } = given;
  if (resolve === undefined) return { flags, mode, how: undefined };
  integer(`${name}.resolve`, resolve, 0, U32_MAX);
  return { flags, mode, how: read.pinnedCopy(OpenHow.encode({ flags, mode, resolve })) };
}

export function openingHow(core: RingCore, name: string, { how }: Opening): number {
  return pin.copy(core, name, how);
}

const how: Kind = {
  type: 'Opening',
  read: opening,
  pin: ['flags', 'mode', openingHow],
  holds: 'until submitted',
  reads: ['options', 'into'],
  called: 'options',
};

export const OpenOptions = options('OpenOptions', 'Options of `open`.', {
  flags: {
    type: 'number | string',
    doc: "O_*, or as node:fs has them: `'r'` when absent, `'w'`, `'a+'`, `'wx'` ... O_CLOEXEC is added for an fd.",
  },
  mode: { type: 'number', doc: 'Permissions of a new file; 0o666 when absent. The umask takes from them.' },
  resolve: {
    type: 'number',
    doc: 'RESOLVE_*, how the path may lead (OP_OPENAT2): NO_XDEV (1), NO_MAGICLINKS (2), NO_SYMLINKS (4), BENEATH (8), IN_ROOT (16), CACHED (32).',
  },
  at: kinds.directory(kinds.AT),
  into: kinds.into(INTO),
});

export const open = operation({
  op: 'OP_OPENAT',
  doc: 'Opens a path (with `resolve` by OP_OPENAT2). A file that was opened although the operation was cancelled is closed.',
  args: { path: kinds.path, how },
  options: OpenOptions,
  write(sqe, path, flags, mode, how, at, into) {
    if (how === 0) preparers.openat(sqe, at, path, flags, mode, into);
    else preparers.openat2(sqe, at, path, how, OpenHow.size, into);
  },
  result: 'file',
  errors: {
    ...kinds.FOUND,
    EEXIST: 'it is there already, and O_EXCL',
    ELOOP: 'too many symbolic links, or `resolve` forbids them',
    EXDEV: '`resolve` forbids where the path leads',
    EMFILE: 'this process has too many open files (ulimit -n)',
    ENFILE: 'no slot of the file table is free, or the system has too many open files',
  },
  see: 'io_uring_prep_openat(3)',
  aliases: ['openat', 'openat2'],
});

export const closeFd = operation({
  op: 'OP_CLOSE',
  doc: 'Closes an fd through the ring, or empties a slot of the file table (5.15).',
  args: { file: kinds.otherFile },
  write(sqe, file) {
    if (file >= 0) preparers.close(sqe, file, 0);
    else preparers.close(sqe, 0, ~file + 1);
  },
  result: 'nothing',
  errors: { EBADF: 'nobody has this fd, or the slot is empty' },
  see: 'io_uring_prep_close(3)',
  aliases: ['close'],
});

/** Room for the two ends of a pipe: fds, or numbers of slots. */
export function twoNumbers(name: string, value: Int32Array): HeldView {
  if (!isInt32Array(value)) throw wrongType(name, 'an Int32Array of 2', value);
  return read.view(name, value);
}

export function twoAddress(core: RingCore, name: string, what: HeldView): number {
  pin.atLeast(name, pin.length(core, name, what), 8);
  return pin.address(core, name, what);
}

/** The index of the first of two slots. */
export function twoSlots(core: RingCore, name: string, into: Into | undefined): number {
  const index = pin.fileIndex(core, name, into);
  if (FixedFile.is(into) && index >= RegisteredFiles.lengthOf(FixedFile.tableOf(into))) {
    throw wrongValue(name, 'not the last slot: the writing end goes into the one after it', index - 1);
  }
  return index;
}

const twoFds: Kind = { type: 'Int32Array', read: twoNumbers, pin: [twoAddress], holds: 'until completed' };

export const PipeOptions = options('PipeOptions', 'Options of `pipe`.', {
  flags: kinds.bits('O_NONBLOCK, O_DIRECT; O_CLOEXEC is added for fds.'),
  into: {
    ...kinds.into(
      "Into the file table: a slot and the one after it; or the table, or `'alloc'`, for free ones.",
    ),
    pin: [twoSlots],
  },
});

export const pipe = operation({
  op: 'OP_PIPE',
  doc: 'Makes a pipe.',
  args: { fds: twoFds },
  options: PipeOptions,
  write: (sqe, fds, flags, into) =>
    preparers.pipe(sqe, fds, (flags | (into === 0 ? O_CLOEXEC : 0)) >>> 0, into),
  params: { fds: 'gets the reading and the writing end' },
  result: 'nothing',
  errors: {
    EMFILE: 'this process has too many open files (ulimit -n)',
    ENFILE: 'no two slots of the file table are free',
  },
  byHand: true,
});

export const InstallOptions = options('InstallOptions', 'Options of `fixedFdInstall`.', {
  inherit: kinds.flag(
    'Programs that this process starts get the fd too (IORING_FIXED_FD_NO_CLOEXEC).',
    IORING_FIXED_FD_NO_CLOEXEC,
  ),
});

export const fixedFdInstall = operation({
  op: 'OP_FIXED_FD_INSTALL',
  doc: 'Makes an fd of a file of the table.',
  args: { file: kinds.slot },
  options: InstallOptions,
  write: (sqe, slot, inherit) => preparers.fixedFdInstall(sqe, slot, inherit),
  result: 'file',
  errors: { EBADF: 'the slot is empty', EMFILE: 'this process has too many open files (ulimit -n)' },
});

/** The fds for slots of the file table; the kernel writes the slots that it chose over them. */
export interface FilesChange {
  readonly table: RegisteredFiles;
  readonly slots: HeldView;
  readonly count: number;
}

/** Reads the fds into `slots`, which has room for one number each. */
export function filesChange(
  name: string,
  value: readonly Fd[],
  slots: Int32Array,
  files: RegisteredFiles,
  offset: number | 'alloc',
): FilesChange {
  const table = read.fileTable('files', files);
  const size = RegisteredFiles.lengthOf(table);
  // no room is no list, or an empty one: it is refused with what is allowed
  const given = copyList(name, value, 1, slots.length > 0 ? Math.min(size, slots.length) : size);
  if (offset !== 'alloc') integer('offset', offset, 0, size - given.length);
  given.forEach((each, i) => {
    const isMark = each === IORING_REGISTER_FILES_SKIP || each === CLEAR;
    slots[i] = isMark ? each : read.fd(`${name}[${i}]`, each);
  });
  return { table, slots: read.view(name, slots), count: given.length };
}

export function filesAddress(core: RingCore, name: string, { table, slots }: FilesChange): number {
  RegisteredFiles.use(table, core);
  return pin.address(core, name, slots);
}

/** The first slot, or IORING_FILE_INDEX_ALLOC. */
export function slotOffset(name: string, value: number | 'alloc'): number {
  return value === 'alloc' ? IORING_FILE_INDEX_ALLOC : integer(name, value, 0, U32_MAX - 1);
}

export const filesUpdate = operation({
  op: 'OP_FILES_UPDATE',
  doc: "Puts files into slots of the table, as `files.update()` does without the ring. The table's `onRelease` is not told of files that came this way.",
  args: {
    files: { type: 'RegisteredFiles', read: read.anything },
    offset: { type: "number | 'alloc'", read: slotOffset },
    fds: {
      type: 'readonly Fd[]',
      read: filesChange,
      reads: ['fds', 'slots', 'files', 'offset'],
      pin: [filesAddress, 'count'],
      holds: 'until completed',
      // without the table, which would hold its ring
      keep: 'slots',
    },
    slots: { type: 'Int32Array', read: read.anything },
  },
  rooms: [{ arg: 'slots', make: 'slotNumbers', args: ['fds'], isHidden: true }],
  write: (sqe, offset, fds, count) => preparers.filesUpdate(sqe, fds, count, offset),
  params: {
    offset: "the first slot, or `'alloc'`: free ones (5.19)",
    fds: 'an fd, `files.CLEAR` or `files.KEEP` for each slot',
  },
  result: 'count',
  errors: { EBADF: 'one of them is no open file', ENFILE: 'no slot is free' },
  byHand: true,
});

// ---- names ------------------------------------------------------------------------------------------------

export const UnlinkOptions = options('UnlinkOptions', 'Options of `unlink`.', {
  at: kinds.directory(kinds.AT),
  directory: kinds.flag('Removes an empty directory, not a file (AT_REMOVEDIR).', AT_REMOVEDIR),
});

export const unlink = operation({
  op: 'OP_UNLINKAT',
  doc: 'Removes a file, or with `directory` an empty directory.',
  args: { path: kinds.path },
  options: UnlinkOptions,
  write: (sqe, path, at, directory) => preparers.unlinkat(sqe, at, path, directory),
  result: 'nothing',
  errors: {
    ...kinds.FOUND,
    EISDIR: 'it is a directory: { directory: true }',
    ENOTEMPTY: 'the directory is not empty',
  },
  see: 'unlinkat(2)',
  aliases: ['unlinkat'],
});

export const RenameOptions = options('RenameOptions', 'Options of `rename`.', {
  from: kinds.directory('The directory that the old path starts from, instead of the current one.'),
  to: kinds.directory('The directory that the new path starts from, instead of the current one.'),
  flags: kinds.bits('RENAME_NOREPLACE (1), RENAME_EXCHANGE (2).'),
});

export const rename = operation({
  op: 'OP_RENAMEAT',
  doc: 'Gives a file another path.',
  args: { oldPath: kinds.path, newPath: kinds.path },
  options: RenameOptions,
  write: (sqe, oldPath, newPath, from, to, flags) =>
    preparers.renameat(sqe, from, oldPath, to, newPath, flags),
  result: 'nothing',
  errors: {
    ...kinds.FOUND,
    EEXIST: 'the new path is there already, and RENAME_NOREPLACE',
    EXDEV: 'the paths lie on different file systems',
  },
  see: 'renameat2(2)',
  aliases: ['renameat'],
});

export const LinkOptions = options('LinkOptions', 'Options of `link`.', {
  from: kinds.directory('The directory that the old path starts from, instead of the current one.'),
  to: kinds.directory('The directory that the new path starts from, instead of the current one.'),
  flags: kinds.bits(
    'AT_SYMLINK_FOLLOW (0x400); AT_EMPTY_PATH (0x1000): the old path may be empty, for `from` itself.',
  ),
});

/** The old path, which may be empty with AT_EMPTY_PATH. */
export function linkedPath(
  name: string,
  value: Path,
  { flags }: { readonly flags?: number | undefined },
): Pinned {
  const bits = read.optional('options.flags', flags, 0, U32_MAX, 0);
  return (bits & AT_EMPTY_PATH) === 0 ? read.path(name, value) : read.pathOrEmpty(name, value);
}

export const link = operation({
  op: 'OP_LINKAT',
  doc: 'Gives a file one more path.',
  args: { oldPath: { ...kinds.path, read: linkedPath, reads: ['oldPath', 'options'] }, newPath: kinds.path },
  options: LinkOptions,
  write: (sqe, oldPath, newPath, from, to, flags) => preparers.linkat(sqe, from, oldPath, to, newPath, flags),
  result: 'nothing',
  errors: {
    ...kinds.FOUND,
    EEXIST: 'the new path is there already',
    EXDEV: 'the paths lie on different file systems',
  },
  see: 'linkat(2)',
  aliases: ['linkat'],
});

export const AtOptions = options('AtOptions', 'Where a relative path starts.', {
  at: kinds.directory(kinds.AT),
});

export const symlink = operation({
  op: 'OP_SYMLINKAT',
  doc: 'Makes a symbolic link at `path`, which says `target`.',
  args: { target: kinds.path, path: kinds.path },
  options: AtOptions,
  write: (sqe, target, path, at) => preparers.symlinkat(sqe, target, at, path),
  result: 'nothing',
  errors: { ...kinds.FOUND, EEXIST: 'the path is there already' },
  see: 'symlinkat(2)',
  aliases: ['symlinkat'],
});

export const MkdirOptions = options('MkdirOptions', 'Options of `mkdir`.', {
  at: kinds.directory(kinds.AT),
  mode: kinds.option('Permissions; 0o777 when absent. The umask takes from them.', 0, 0o7777, 0o777),
});

export const mkdir = operation({
  op: 'OP_MKDIRAT',
  doc: 'Makes a directory.',
  args: { path: kinds.path },
  options: MkdirOptions,
  write: (sqe, path, at, mode) => preparers.mkdirat(sqe, at, path, mode),
  result: 'nothing',
  errors: { ...kinds.FOUND, EEXIST: 'the path is there already' },
  see: 'mkdirat(2)',
  aliases: ['mkdirat'],
});

// ---- between pipes and files ------------------------------------------------------------------------------

export const SpliceOptions = options('SpliceOptions', 'Options of `splice`.', {
  offsetIn: kinds.offset(
    'Where in `from`, in bytes; -1, or absent: the current position, as a pipe must have it.',
  ),
  offsetOut: kinds.offset('The same of `to`.'),
  flags: kinds.bits('SPLICE_F_*: MOVE (1), NONBLOCK (2), MORE (4).', 0x7fff_ffff),
});

export const splice = operation({
  op: 'OP_SPLICE',
  doc:
    'Moves bytes between a pipe and another file, without copying them. While it waits for a socket that has no data, the ' +
    'kernel holds the pipe: who else uses that pipe waits with it, the event loop too. So poll the socket first, or give ' +
    'SPLICE_F_NONBLOCK, which ends with EAGAIN instead.',
  args: { from: kinds.otherFile, to: kinds.file, length: kinds.integer(0, U32_MAX) },
  options: SpliceOptions,
  write(sqe, from, length, offsetIn, offsetOut, flags) {
    const isFixed = from < 0;
    const bits = (flags | (isFixed ? SPLICE_F_FD_IN_FIXED : 0)) >>> 0;
    preparers.splice(sqe, isFixed ? ~from : from, offsetIn, 0, offsetOut, length, bits);
  },
  params: { length: 'at most so many' },
  returns: 'how many; 0 at the end of the file',
  result: 'count',
  errors: { EINVAL: 'neither is a pipe, or a file was opened with O_APPEND', ESPIPE: 'a pipe has no offset' },
});

export const TeeOptions = options('TeeOptions', 'Options of `tee`.', {
  flags: kinds.bits('SPLICE_F_*: NONBLOCK (2).', 0x7fff_ffff),
});

export const tee = operation({
  op: 'OP_TEE',
  doc: 'Copies bytes from a pipe to another, and leaves them in the first.',
  args: { from: kinds.otherFile, to: kinds.file, length: kinds.integer(0, U32_MAX) },
  options: TeeOptions,
  write(sqe, from, length, flags) {
    const isFixed = from < 0;
    const bits = (flags | (isFixed ? SPLICE_F_FD_IN_FIXED : 0)) >>> 0;
    preparers.tee(sqe, isFixed ? ~from : from, 0, length, bits);
  },
  params: { length: 'at most so many' },
  returns: 'how many',
  result: 'count',
  errors: { EINVAL: 'one of them is no pipe' },
});
