/** AsyncRing's operations on files. */
import type { RegisteredFiles } from '../ring/files.ts';
import { FixedFile } from '../ring/files.ts';
import type { File, FsyncOptions, Memory, OpenOptions, RwOptions } from '../ring/operations/index.ts';
import * as operations from '../ring/operations/index.ts';
import { sys } from '../sys/syscall.ts';
import { type AsyncOptions, AsyncRingBase, COUNT, NOTHING } from './base.ts';
import type { Outcome } from './flight.ts';
import { RingFile } from './ring-file.ts';

export abstract class AsyncFiles extends AsyncRingBase {
  /** How an fd that an operation made becomes a RingFile; nobody's is closed at once. */
  protected readonly openedFile: Outcome<RingFile> = {
    convert: (fd) => new RingFile(fd, (each) => this.closeFd(each)),
    undo: (fd) => {
      sys.close(fd);
    },
  };

  /**
   * Opens a path (OP_OPENAT).
   * @param options `flags` (O_*), `mode`, `at` (fd of a directory), `into` (the file table, or a slot of it)
   * @returns a RingFile; with `into` the FixedFile
   * @since 5.6; `into` 5.15
   * @see io_uring_prep_openat(3)
   */
  open(
    path: string | Uint8Array,
    options: OpenOptions & AsyncOptions & { readonly into: FixedFile | RegisteredFiles },
  ): Promise<FixedFile>;
  open(path: string | Uint8Array, options?: OpenOptions & AsyncOptions): Promise<RingFile>;
  open(path: string | Uint8Array, options?: OpenOptions & AsyncOptions): Promise<RingFile | FixedFile> {
    const into = options?.into;
    if (into === undefined) return this.run(operations.openat, this.openedFile, options, path);
    return this.run(operations.openat, this.openedSlot(into), options, path);
  }

  /** How a slot that an operation filled becomes a FixedFile; nobody's is emptied. */
  protected openedSlot(into: FixedFile | RegisteredFiles | 'alloc'): Outcome<FixedFile> {
    const slot = (res: number): FixedFile => {
      if (into instanceof FixedFile) return into;
      const table = into === 'alloc' ? this.files : into;
      if (table === undefined) throw new TypeError('the ring has no file table');
      return table.at(res);
    };
    return {
      convert: slot,
      undo: (res) => void this.run(operations.close, NOTHING, undefined, slot(res)).catch(() => {}),
    };
  }

  /** Closes an fd through the ring, or empties a slot of the file table (OP_CLOSE). @since 5.6; a slot 5.15 */
  closeFd(file: File, options?: AsyncOptions): Promise<void> {
    return this.run(operations.close, NOTHING, options, file);
  }

  /**
   * Reads into memory (OP_READ); into a registered buffer it is a READ_FIXED.
   * @param options `offset` in bytes (absent or -1: the current position), `flags` (RWF_*)
   * @returns how many bytes; 0 at the end of the file
   * @since 5.6
   * @see io_uring_prep_read(3)
   */
  read(file: File, memory: Memory, options?: RwOptions & AsyncOptions): Promise<number> {
    return this.run(operations.read, COUNT, options, file, memory);
  }

  /**
   * Writes from memory (OP_WRITE); from a registered buffer it is a WRITE_FIXED.
   * @param options as `read`
   * @returns how many bytes, which may be fewer
   * @since 5.6
   * @see io_uring_prep_write(3)
   */
  write(file: File, memory: Memory, options?: RwOptions & AsyncOptions): Promise<number> {
    return this.run(operations.write, COUNT, options, file, memory);
  }

  /** Flushes a file to its disk (OP_FSYNC). @since 5.1 */
  fsync(file: File, options?: FsyncOptions & AsyncOptions): Promise<void> {
    return this.run(operations.fsync, NOTHING, options, file);
  }
}
