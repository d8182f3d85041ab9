/** AsyncRing's operations on paths, descriptors and the file table. */
import { wrongValue } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { Statx } from '../../structs/posix.ts';
import type {
  AtOptions,
  Fd,
  File,
  FromToOptions,
  InstallOptions,
  Into,
  MkdirOptions,
  OpenHowOptions,
  Path,
  PipeOptions,
  SetxattrOptions,
  StatxOptions,
  UnlinkOptions,
} from '../operations/index.ts';
import * as operations from '../operations/index.ts';
import { FixedFile, type RegisteredFiles } from '../ring/owners/files.ts';
import { sys } from '../sys/syscall.ts';
import { type AsyncOptions, COUNT, NOTHING } from './base.ts';
import { listOf } from './departure.ts';
import { type FileStatus, fileStatus } from './file-status.ts';
import { AsyncFiles } from './files.ts';
import type { Outcome } from './flight.ts';
import { RingFile } from './ring-file.ts';

/** The longest value of an extended attribute. */
const XATTR_SIZE_MAX = 65_536;

/** The two ends of a pipe. */
export interface PipeEnds<F> {
  readonly reader: F;
  readonly writer: F;
}

export abstract class AsyncPaths extends AsyncFiles {
  /** @internal How an fd that an operation made becomes a RingFile; nobody's is closed at once. */
  protected readonly openedFile: Outcome<RingFile> = {
    convert: (fd) => this.#file(fd),
    undo: (fd) => {
      sys.close(fd);
    },
  };

  #file(fd: number): RingFile {
    return new RingFile(fd, (each) => this.closeFd(each));
  }

  /** @internal How a slot that an operation filled becomes a FixedFile; nobody's is emptied. */
  protected openedSlot(into: NonNullable<Into>): Outcome<FixedFile> {
    return {
      convert: (res) => this.#slot(into, res),
      undo: (res) => this.#empty(into, res),
    };
  }

  /** The slot that the kernel chose, or the one that it was told. */
  #slot(into: NonNullable<Into>, res: number): FixedFile {
    if (FixedFile.is(into)) return into;
    const table = into === 'alloc' ? this.files : into;
    if (table === undefined) throw wrongValue('options.into', 'absent: the ring has no file table', into);
    return table.at(res);
  }

  #empty(into: NonNullable<Into>, res: number): void {
    try {
      this.closeFd(this.#slot(into, res)).catch(() => {});
    } catch {
      // the table is gone, and its files with it
    }
  }

  /**
   * Opens a path (OP_OPENAT; with `resolve` OP_OPENAT2).
   * @param options `flags` (O_*), `mode` (0o666 when absent), `at` (a directory), `resolve` (RESOLVE_*: how the path may
   *   lead), `into` (the file table, or a slot of it)
   * @returns a RingFile; with `into` the FixedFile
   * @throws OpError ENOENT, EACCES, EEXIST ...; ELOOP, EXDEV: `resolve` forbids it; ENFILE: no slot is free
   * @since 5.6; `into` 5.15
   * @see io_uring_prep_openat(3), openat2(2)
   */
  open(
    path: Path,
    options: OpenHowOptions & AsyncOptions & { readonly into: NonNullable<Into> },
  ): Promise<FixedFile>;
  open(
    path: Path,
    options?: OpenHowOptions & AsyncOptions & { readonly into?: undefined },
  ): Promise<RingFile>;
  open(path: Path, options?: OpenHowOptions & AsyncOptions): Promise<RingFile | FixedFile> {
    const operation = options?.resolve === undefined ? operations.openat : operations.openat2;
    const into = options?.into;
    return into === undefined
      ? this.run(operation, this.openedFile, options, path)
      : this.run(operation, this.openedSlot(into), options, path);
  }

  /**
   * Closes an fd through the ring, or empties a slot of the file table (OP_CLOSE).
   * @throws OpError EBADF: nobody has it, or the slot is empty
   * @since 5.6; a slot 5.15
   * @see io_uring_prep_close(3)
   */
  closeFd(file: File, options?: AsyncOptions): Promise<void> {
    return this.run(operations.close, NOTHING, options, file);
  }

  /**
   * Makes a pipe (OP_PIPE).
   * @param options `flags` (O_NONBLOCK, O_DIRECT), `into` (the file table, or the first of two slots of it)
   * @returns its two ends
   * @since 6.16
   * @see io_uring_prep_pipe(3)
   */
  pipe(
    options: PipeOptions & AsyncOptions & { readonly into: NonNullable<Into> },
  ): Promise<PipeEnds<FixedFile>>;
  pipe(options?: PipeOptions & AsyncOptions & { readonly into?: undefined }): Promise<PipeEnds<RingFile>>;
  pipe(options?: PipeOptions & AsyncOptions): Promise<PipeEnds<RingFile | FixedFile>> {
    const fds = new Int32Array(2);
    const ends = (): [number, number] => [fds[0] ?? -1, fds[1] ?? -1];
    const into = options?.into;
    if (into === undefined) {
      const outcome: Outcome<PipeEnds<RingFile>> = {
        convert: () => ({ reader: this.#file(ends()[0]), writer: this.#file(ends()[1]) }),
        undo: () => {
          for (const fd of ends()) sys.close(fd);
        },
      };
      return this.run(operations.pipe, outcome, options, fds);
    }
    const slots = (): [FixedFile, FixedFile] => {
      if (!FixedFile.is(into)) return [this.#slot(into, ends()[0]), this.#slot(into, ends()[1])];
      return [into, into.next()];
    };
    const outcome: Outcome<PipeEnds<FixedFile>> = {
      convert: () => ({ reader: slots()[0], writer: slots()[1] }),
      undo: () => {
        for (const slot of slots()) this.#empty(slot, 0);
      },
    };
    return this.run(operations.pipe, outcome, options, fds);
  }

  /**
   * Makes an fd of a file of the table (OP_FIXED_FD_INSTALL).
   * @param options `inherit`: programs that this process starts get it too
   * @throws OpError EBADF: the slot is empty
   * @since 6.8
   * @see io_uring_prep_fixed_fd_install(3)
   */
  fixedFdInstall(file: FixedFile, options?: InstallOptions & AsyncOptions): Promise<RingFile> {
    return this.run(operations.fixedFdInstall, this.openedFile, options, file);
  }

  /**
   * Puts files into slots of the table (OP_FILES_UPDATE), as `files.update()` does without the ring. The table's
   * `onRelease` is not told of files that came this way.
   * @param offset the first slot, or `'alloc'`: free ones (5.19)
   * @param fds an fd, `files.CLEAR` or `files.KEEP` for each slot
   * @returns how many slots were done; with `'alloc'` the slots
   * @throws OpError EBADF: not an open file; ENFILE: no slot is free
   * @since 5.6
   * @see io_uring_prep_files_update(3)
   */
  filesUpdate(
    files: RegisteredFiles,
    offset: 'alloc',
    fds: readonly Fd[],
    options?: AsyncOptions,
  ): Promise<FixedFile[]>;
  filesUpdate(
    files: RegisteredFiles,
    offset: number,
    fds: readonly Fd[],
    options?: AsyncOptions,
  ): Promise<number>;
  filesUpdate(
    files: RegisteredFiles,
    offset: number | 'alloc',
    fds: readonly Fd[],
    options?: AsyncOptions,
  ): Promise<number | FixedFile[]> {
    const slots = new Int32Array(Array.isArray(fds) ? fds.length : 0);
    if (offset !== 'alloc') {
      return this.run(operations.filesUpdate, COUNT, options, files, offset, slots, listOf(fds));
    }
    const outcome: Outcome<FixedFile[]> = {
      convert: (count) => [...slots.subarray(0, count)].map((slot) => files.at(slot)),
      undo: (count) => {
        for (const slot of slots.subarray(0, count)) this.#empty(files, slot);
      },
    };
    const { IORING_FILE_INDEX_ALLOC } = constants;
    return this.run(
      operations.filesUpdate,
      outcome,
      options,
      files,
      IORING_FILE_INDEX_ALLOC,
      slots,
      listOf(fds),
    );
  }

  /**
   * Asks what the kernel knows of a file (OP_STATX).
   * @param target a path, or an open file (no slot of the file table)
   * @param options `at` (a directory), `flags` (AT_*), `mask` (STATX_*: what is wanted)
   * @since 5.6
   * @see statx(2)
   */
  statx(target: Path | Fd, options?: StatxOptions & AsyncOptions): Promise<FileStatus> {
    const buffer = new Uint8Array(Statx.size);
    return this.run(operations.statx, { convert: () => fileStatus(buffer) }, options, target, buffer);
  }

  /**
   * Removes a file, or with `directory` an empty directory (OP_UNLINKAT).
   * @param options `at` (the directory that the path starts from), `directory`
   * @since 5.11
   * @see unlinkat(2)
   */
  unlink(path: Path, options?: UnlinkOptions & AsyncOptions): Promise<void> {
    return this.run(operations.unlinkat, NOTHING, options, path);
  }

  /**
   * Gives a file another path (OP_RENAMEAT).
   * @param options `from`, `to` (the directories that the paths start from), `flags` (RENAME_*)
   * @since 5.11
   * @see renameat2(2)
   */
  rename(oldPath: Path, newPath: Path, options?: FromToOptions & AsyncOptions): Promise<void> {
    return this.run(operations.renameat, NOTHING, options, oldPath, newPath);
  }

  /**
   * Makes a directory (OP_MKDIRAT).
   * @param options `at` (the directory that the path starts from), `mode` (0o777 when absent)
   * @since 5.15
   * @see mkdirat(2)
   */
  mkdir(path: Path, options?: MkdirOptions & AsyncOptions): Promise<void> {
    return this.run(operations.mkdirat, NOTHING, options, path);
  }

  /**
   * Makes a symbolic link at `path`, which says `target` (OP_SYMLINKAT).
   * @param options `at` (the directory that `path` starts from)
   * @since 5.15
   * @see symlinkat(2)
   */
  symlink(target: Path, path: Path, options?: AtOptions & AsyncOptions): Promise<void> {
    return this.run(operations.symlinkat, NOTHING, options, target, path);
  }

  /**
   * Gives a file one more path (OP_LINKAT).
   * @param options `from`, `to` (the directories that the paths start from), `flags` (AT_SYMLINK_FOLLOW)
   * @since 5.15
   * @see linkat(2)
   */
  link(oldPath: Path, newPath: Path, options?: FromToOptions & AsyncOptions): Promise<void> {
    return this.run(operations.linkat, NOTHING, options, oldPath, newPath);
  }

  /**
   * Reads an extended attribute of a path (OP_GETXATTR).
   * @returns its value
   * @throws OpError ENODATA: it has none of that name
   * @since 5.19
   * @see getxattr(2)
   */
  getxattr(path: Path, name: Path, options?: AsyncOptions): Promise<Uint8Array> {
    const value = new Uint8Array(XATTR_SIZE_MAX);
    return this.run(operations.getxattr, piece(value), options, path, name, value);
  }

  /**
   * Sets an extended attribute of a path (OP_SETXATTR).
   * @param options `flags` (XATTR_CREATE 1, XATTR_REPLACE 2)
   * @throws OpError EEXIST, ENODATA: against the flags; EOPNOTSUPP: the file system has none
   * @since 5.19
   * @see setxattr(2)
   */
  setxattr(
    path: Path,
    name: Path,
    value: ArrayBufferView,
    options?: SetxattrOptions & AsyncOptions,
  ): Promise<void> {
    return this.run(operations.setxattr, NOTHING, options, path, name, value);
  }

  /** As `getxattr`, of an open file (OP_FGETXATTR). @since 5.19 @see fgetxattr(2) */
  fgetxattr(file: File, name: Path, options?: AsyncOptions): Promise<Uint8Array> {
    const value = new Uint8Array(XATTR_SIZE_MAX);
    return this.run(operations.fgetxattr, piece(value), options, file, name, value);
  }

  /** As `setxattr`, of an open file (OP_FSETXATTR). @since 5.19 @see fsetxattr(2) */
  fsetxattr(
    file: File,
    name: Path,
    value: ArrayBufferView,
    options?: SetxattrOptions & AsyncOptions,
  ): Promise<void> {
    return this.run(operations.fsetxattr, NOTHING, options, file, name, value);
  }
}

/** The result is the beginning of `value`: a copy, so that the rest of it can go. */
function piece(value: Uint8Array): Outcome<Uint8Array> {
  return { convert: (count) => value.slice(0, count) };
}
