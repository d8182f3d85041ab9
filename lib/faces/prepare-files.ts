/** ring.prepare's operations on files and paths. */

import type {
  AtOptions,
  CommandOptions,
  FallocateOptions,
  Fd,
  File,
  FileAdvice,
  FromToOptions,
  FsyncOptions,
  InstallOptions,
  Memory,
  MemoryAdvice,
  MkdirOptions,
  OpenHowOptions,
  OpenOptions,
  OperationOptions,
  Path,
  PipeOptions,
  RangeOptions,
  RwOptions,
  SetxattrOptions,
  SpliceOptions,
  StatxOptions,
  SyncRangeOptions,
  TeeOptions,
  UnlinkOptions,
} from '../operations/index.ts';
import * as operations from '../operations/index.ts';
import type { RingCore } from '../ring/core/core.ts';
import type { BufferRing } from '../ring/owners/buffer-ring.ts';
import type { RegisteredBuffer } from '../ring/owners/buffers.ts';
import type { FixedFile, RegisteredFiles } from '../ring/owners/files.ts';
import { put1, put2, put3, put4 } from './put.ts';

export abstract class PrepareFiles {
  /** @internal */
  protected readonly core: RingCore;

  /** @internal */
  constructor(core: RingCore) {
    this.core = core;
  }

  /** Reads into memory; a registered buffer makes it a READ_FIXED (OP_READ, since 5.6). */
  read(file: File, memory: Memory, options?: RwOptions & OperationOptions): void {
    put2(this.core, operations.read, options, file, memory);
  }

  /** Writes from memory; a registered buffer makes it a WRITE_FIXED (OP_WRITE, since 5.6). */
  write(file: File, memory: Memory, options?: RwOptions & OperationOptions): void {
    put2(this.core, operations.write, options, file, memory);
  }

  /** Reads into a registered buffer (OP_READ_FIXED, since 5.1). */
  readFixed(file: File, buffer: RegisteredBuffer, options?: RwOptions & OperationOptions): void {
    put2(this.core, operations.readFixed, options, file, buffer);
  }

  /** Writes from a registered buffer (OP_WRITE_FIXED, since 5.1). */
  writeFixed(file: File, buffer: RegisteredBuffer, options?: RwOptions & OperationOptions): void {
    put2(this.core, operations.writeFixed, options, file, buffer);
  }

  /** Reads into several pieces of memory (OP_READV, since 5.1). */
  readv(file: File, pieces: readonly Memory[], options?: RwOptions & OperationOptions): void {
    put2(this.core, operations.readv, options, file, pieces);
  }

  /** Writes several pieces of memory (OP_WRITEV, since 5.1). */
  writev(file: File, pieces: readonly Memory[], options?: RwOptions & OperationOptions): void {
    put2(this.core, operations.writev, options, file, pieces);
  }

  /** Reads into pieces of one registered buffer (OP_READV_FIXED, since 6.15). */
  readvFixed(file: File, pieces: readonly RegisteredBuffer[], options?: RwOptions & OperationOptions): void {
    put2(this.core, operations.readvFixed, options, file, pieces);
  }

  /** Writes pieces of one registered buffer (OP_WRITEV_FIXED, since 6.15). */
  writevFixed(file: File, pieces: readonly RegisteredBuffer[], options?: RwOptions & OperationOptions): void {
    put2(this.core, operations.writevFixed, options, file, pieces);
  }

  /** Reads a pipe or a socket again and again, each time into a buffer of `pool`, whose `take` turns a completion into data (OP_READ_MULTISHOT, since 6.7). */
  readMultishot(file: File, pool: BufferRing, options?: OperationOptions): void {
    put2(this.core, operations.readMultishot, options, file, pool);
  }

  /** Flushes a file, or a part of it, to its disk (OP_FSYNC, since 5.1). */
  fsync(file: File, options?: FsyncOptions & OperationOptions): void {
    put1(this.core, operations.fsync, options, file);
  }

  /** Writes a part of a file's cached data to its disk (OP_SYNC_FILE_RANGE, since 5.2). */
  syncFileRange(file: File, options?: SyncRangeOptions & OperationOptions): void {
    put1(this.core, operations.syncFileRange, options, file);
  }

  /** Allocates a part of a file, or punches a hole (OP_FALLOCATE, since 5.6). */
  fallocate(file: File, length: number, options?: FallocateOptions & OperationOptions): void {
    put2(this.core, operations.fallocate, options, file, length);
  }

  /** Cuts or extends a file to `length` bytes (OP_FTRUNCATE, since 6.9). */
  ftruncate(file: File, length: number, options?: OperationOptions): void {
    put2(this.core, operations.ftruncate, options, file, length);
  }

  /** Says how a part of a file will be used (OP_FADVISE, since 5.6). */
  fadvise(file: File, advice: FileAdvice, options?: RangeOptions & OperationOptions): void {
    put2(this.core, operations.fadvise, options, file, advice);
  }

  /** Says how whole pages of memory will be used (OP_MADVISE, since 5.6). */
  madvise(memory: ArrayBufferView, advice: MemoryAdvice, options?: OperationOptions): void {
    put2(this.core, operations.madvise, options, memory, advice);
  }

  /** Opens a path: the completion's res is an fd, or with `into` 0 or the slot (OP_OPENAT, since 5.6). */
  openat(path: Path, options?: OpenOptions & OperationOptions): void {
    put1(this.core, operations.openat, options, path);
  }

  /** As `openat`, with `resolve`: how the path may lead (OP_OPENAT2, since 5.6). */
  openat2(path: Path, options?: OpenHowOptions & OperationOptions): void {
    put1(this.core, operations.openat2, options, path);
  }

  /** Closes an fd, or empties a slot of the file table (OP_CLOSE, since 5.6; a slot 5.15). */
  close(file: File, options?: OperationOptions): void {
    put1(this.core, operations.close, options, file);
  }

  /** Makes a pipe: `fds` gets its reading and its writing end (OP_PIPE, since 6.16). */
  pipe(fds: Int32Array, options?: PipeOptions & OperationOptions): void {
    put1(this.core, operations.pipe, options, fds);
  }

  /** Makes an fd of a file of the table: the completion's res (OP_FIXED_FD_INSTALL, since 6.8). */
  fixedFdInstall(file: FixedFile, options?: InstallOptions & OperationOptions): void {
    put1(this.core, operations.fixedFdInstall, options, file);
  }

  /** Puts files into slots of the table, from `offset` on (OP_FILES_UPDATE, since 5.6). */
  filesUpdate(files: RegisteredFiles, offset: number, fds: readonly Fd[], options?: OperationOptions): void {
    put4(
      this.core,
      operations.filesUpdate,
      options,
      files,
      offset,
      new Int32Array(Array.isArray(fds) ? fds.length : 0),
      fds,
    );
  }

  /** Asks about a file: `buffer` gets a struct statx, which `Statx.decode` of uring/structs reads (OP_STATX, since 5.6). */
  statx(target: Path | Fd, buffer: Uint8Array, options?: StatxOptions & OperationOptions): void {
    put2(this.core, operations.statx, options, target, buffer);
  }

  /** Removes a file, or with `directory` an empty directory (OP_UNLINKAT, since 5.11). */
  unlinkat(path: Path, options?: UnlinkOptions & OperationOptions): void {
    put1(this.core, operations.unlinkat, options, path);
  }

  /** Gives a file another path (OP_RENAMEAT, since 5.11). */
  renameat(oldPath: Path, newPath: Path, options?: FromToOptions & OperationOptions): void {
    put2(this.core, operations.renameat, options, oldPath, newPath);
  }

  /** Makes a directory (OP_MKDIRAT, since 5.15). */
  mkdirat(path: Path, options?: MkdirOptions & OperationOptions): void {
    put1(this.core, operations.mkdirat, options, path);
  }

  /** Makes a symbolic link at `path`, which says `target` (OP_SYMLINKAT, since 5.15). */
  symlinkat(target: Path, path: Path, options?: AtOptions & OperationOptions): void {
    put2(this.core, operations.symlinkat, options, target, path);
  }

  /** Gives a file one more path (OP_LINKAT, since 5.15). */
  linkat(oldPath: Path, newPath: Path, options?: FromToOptions & OperationOptions): void {
    put2(this.core, operations.linkat, options, oldPath, newPath);
  }

  /** Reads an extended attribute of a path; an empty `value` only asks for its length (OP_GETXATTR, since 5.19). */
  getxattr(path: Path, name: Path, value: ArrayBufferView, options?: OperationOptions): void {
    put3(this.core, operations.getxattr, options, path, name, value);
  }

  /** Sets an extended attribute of a path (OP_SETXATTR, since 5.19). */
  setxattr(
    path: Path,
    name: Path,
    value: ArrayBufferView,
    options?: SetxattrOptions & OperationOptions,
  ): void {
    put3(this.core, operations.setxattr, options, path, name, value);
  }

  /** As `getxattr`, of an open file (OP_FGETXATTR, since 5.19). */
  fgetxattr(file: File, name: Path, value: ArrayBufferView, options?: OperationOptions): void {
    put3(this.core, operations.fgetxattr, options, file, name, value);
  }

  /** As `setxattr`, of an open file (OP_FSETXATTR, since 5.19). */
  fsetxattr(
    file: File,
    name: Path,
    value: ArrayBufferView,
    options?: SetxattrOptions & OperationOptions,
  ): void {
    put3(this.core, operations.fsetxattr, options, file, name, value);
  }

  /** Moves bytes between a pipe and another file, without copying (OP_SPLICE, since 5.7). */
  splice(from: File, to: File, length: number, options?: SpliceOptions & OperationOptions): void {
    put3(this.core, operations.splice, options, from, to, length);
  }

  /** Copies bytes from a pipe to a pipe, and leaves them in the first (OP_TEE, since 5.8). */
  tee(from: File, to: File, length: number, options?: TeeOptions & OperationOptions): void {
    put3(this.core, operations.tee, options, from, to, length);
  }

  /** Gives a file's driver a command (OP_URING_CMD, since 5.19). */
  uringCmd(file: File, command: number, options?: CommandOptions & OperationOptions): void {
    put2(this.core, operations.uringCmd, options, file, command);
  }
}
