/** AsyncRing's operations on the data of files. */

import type {
  CommandOptions,
  FallocateOptions,
  File,
  FileAdvice,
  FsyncOptions,
  Memory,
  MemoryAdvice,
  RangeOptions,
  RwOptions,
  SpliceOptions,
  SyncRangeOptions,
  TeeOptions,
} from '../operations/index.ts';
import * as operations from '../operations/index.ts';
import { commonBuffer } from '../operations/kit.ts';
import type { BufferPart, BufferRing } from '../ring/owners/buffer-ring.ts';
import { RegisteredBuffer } from '../ring/owners/buffers.ts';
import { type AsyncOptions, AsyncRingBase, COUNT, type IteratorOptions, NOTHING } from './base.ts';
import { listOf } from './departure.ts';
import { bufferStream } from './multishot-buffers.ts';

export abstract class AsyncFiles extends AsyncRingBase {
  /** Does nothing, once through the ring (OP_NOP). @since 5.1 */
  nop(options?: AsyncOptions): Promise<void> {
    return this.run(operations.nop, NOTHING, options);
  }

  /**
   * Reads into memory (OP_READ); into a registered buffer it is an OP_READ_FIXED.
   * @param options `offset` in bytes (absent or -1: the current position), `flags` (RWF_*)
   * @returns how many bytes; 0 at the end of the file
   * @throws OpError EBADF: not open for reading; EAGAIN: nothing there, and RWF_NOWAIT or O_NONBLOCK
   * @since 5.6
   * @see io_uring_prep_read(3)
   */
  read(file: File, memory: Memory, options?: RwOptions & AsyncOptions): Promise<number> {
    if (RegisteredBuffer.is(memory)) return this.readFixed(file, memory, options);
    return this.run(operations.read, COUNT, options, file, memory);
  }

  /**
   * Writes from memory (OP_WRITE); from a registered buffer it is an OP_WRITE_FIXED.
   * @param options as `read`
   * @returns how many bytes, which may be fewer
   * @throws OpError EPIPE: nobody reads; ENOSPC; EFBIG
   * @since 5.6
   * @see io_uring_prep_write(3)
   */
  write(file: File, memory: Memory, options?: RwOptions & AsyncOptions): Promise<number> {
    if (RegisteredBuffer.is(memory)) return this.writeFixed(file, memory, options);
    return this.run(operations.write, COUNT, options, file, memory);
  }

  /** As `read`, of a registered buffer only (OP_READ_FIXED). @since 5.1 @see io_uring_prep_read_fixed(3) */
  readFixed(file: File, buffer: RegisteredBuffer, options?: RwOptions & AsyncOptions): Promise<number> {
    return this.run(operations.readFixed, COUNT, options, file, buffer);
  }

  /** As `write`, of a registered buffer only (OP_WRITE_FIXED). @since 5.1 @see io_uring_prep_write_fixed(3) */
  writeFixed(file: File, buffer: RegisteredBuffer, options?: RwOptions & AsyncOptions): Promise<number> {
    return this.run(operations.writeFixed, COUNT, options, file, buffer);
  }

  /**
   * Reads into several pieces of memory, one after the other (OP_READV); where all are pieces of one registered buffer it
   * is an OP_READV_FIXED (6.15).
   * @param pieces 1 to 1024
   * @param options as `read`
   * @returns how many bytes, all together
   * @since 5.1
   * @see io_uring_prep_readv2(3)
   */
  readv(file: File, pieces: readonly Memory[], options?: RwOptions & AsyncOptions): Promise<number> {
    const list = listOf(pieces);
    const isFixed = commonBuffer(list) !== undefined;
    return isFixed
      ? this.run(operations.readvFixed, COUNT, options, file, list)
      : this.run(operations.readv, COUNT, options, file, list);
  }

  /**
   * Writes several pieces of memory, one after the other (OP_WRITEV); where all are pieces of one registered buffer it is
   * an OP_WRITEV_FIXED (6.15).
   * @param pieces 1 to 1024
   * @param options as `read`
   * @returns how many bytes, all together
   * @since 5.1
   * @see io_uring_prep_writev2(3)
   */
  writev(file: File, pieces: readonly Memory[], options?: RwOptions & AsyncOptions): Promise<number> {
    const list = listOf(pieces);
    const isFixed = commonBuffer(list) !== undefined;
    return isFixed
      ? this.run(operations.writevFixed, COUNT, options, file, list)
      : this.run(operations.writev, COUNT, options, file, list);
  }

  /**
   * Reads a pipe, a tty or a socket again and again (OP_READ_MULTISHOT), each time into a buffer that the kernel picks
   * from `pool`. It ends with the file. Where no buffer is left it goes on when one was released.
   * @returns an iterator of parts: release each one (`using`), so that its buffer can be used again
   * @throws OpError EBADFD: such a file can always be read, as a regular file
   * @since 6.7
   * @see io_uring_prep_read_multishot(3)
   */
  readMultishot(
    file: File,
    pool: BufferRing,
    options?: IteratorOptions,
  ): AsyncIterableIterator<BufferPart, undefined> {
    return this.iterate(operations.readMultishot, bufferStream(pool), options, file, pool);
  }

  /**
   * Flushes a file to its disk (OP_FSYNC).
   * @param options `dataOnly`; `offset` and `length` of a part
   * @since 5.1
   * @see io_uring_prep_fsync(3)
   */
  fsync(file: File, options?: FsyncOptions & AsyncOptions): Promise<void> {
    return this.run(operations.fsync, NOTHING, options, file);
  }

  /**
   * Writes a part of a file's cached data to its disk, without metadata: no promise that it survives (OP_SYNC_FILE_RANGE).
   * @param options `offset` and `length` in bytes; `flags` (SYNC_FILE_RANGE_*)
   * @since 5.2
   * @see sync_file_range(2)
   */
  syncFileRange(file: File, options?: SyncRangeOptions & AsyncOptions): Promise<void> {
    return this.run(operations.syncFileRange, NOTHING, options, file);
  }

  /**
   * Allocates a part of a file, or punches a hole into it (OP_FALLOCATE).
   * @param length in bytes
   * @param options `offset`; `mode` (FALLOC_FL_*)
   * @throws OpError ENOSPC; EOPNOTSUPP: the file system can't
   * @since 5.6
   * @see io_uring_prep_fallocate(3)
   */
  fallocate(file: File, length: number, options?: FallocateOptions & AsyncOptions): Promise<void> {
    return this.run(operations.fallocate, NOTHING, options, file, length);
  }

  /**
   * Cuts or extends a file (OP_FTRUNCATE).
   * @param length the file's new one, in bytes
   * @since 6.9
   * @see io_uring_prep_ftruncate(3)
   */
  ftruncate(file: File, length: number, options?: AsyncOptions): Promise<void> {
    return this.run(operations.ftruncate, NOTHING, options, file, length);
  }

  /**
   * Says how a part of a file will be used (OP_FADVISE).
   * @param options `offset` and `length` in bytes
   * @throws OpError ESPIPE: it is a pipe
   * @since 5.6
   * @see posix_fadvise(2)
   */
  fadvise(file: File, advice: FileAdvice, options?: RangeOptions & AsyncOptions): Promise<void> {
    return this.run(operations.fadvise, NOTHING, options, file, advice);
  }

  /**
   * Says how memory will be used (OP_MADVISE).
   * @param memory whole pages, as `alloc` gives them
   * @since 5.6
   * @see madvise(2)
   */
  madvise(memory: ArrayBufferView, advice: MemoryAdvice, options?: AsyncOptions): Promise<void> {
    return this.run(operations.madvise, NOTHING, options, memory, advice);
  }

  /**
   * Moves bytes between a pipe and another file, without copying them (OP_SPLICE).
   * @param length at most so many
   * @param options `offsetIn`, `offsetOut`: in the one that is no pipe; `flags` (SPLICE_F_*)
   * @returns how many; 0 at the end of the file
   * @throws OpError EINVAL: neither is a pipe, or a file was opened with O_APPEND
   * @since 5.7
   * @see io_uring_prep_splice(3)
   */
  splice(from: File, to: File, length: number, options?: SpliceOptions & AsyncOptions): Promise<number> {
    return this.run(operations.splice, COUNT, options, from, to, length);
  }

  /**
   * Copies bytes from a pipe to another, and leaves them in the first (OP_TEE).
   * @param length at most so many
   * @returns how many
   * @throws OpError EINVAL: one of them is no pipe
   * @since 5.8
   * @see io_uring_prep_tee(3)
   */
  tee(from: File, to: File, length: number, options?: TeeOptions & AsyncOptions): Promise<number> {
    return this.run(operations.tee, COUNT, options, from, to, length);
  }

  /**
   * Gives a file's driver a command (OP_URING_CMD), as NVMe passthrough is done.
   * @param command the driver's number for it
   * @param options `data`: its up to 16 bytes (80 with `sqe128`); `memory`: what addr and len name; `hold`: other memory
   *   that `data` points to, kept until the command is done
   * @returns the driver's result
   * @throws OpError EOPNOTSUPP: the driver has no commands
   * @since 5.19
   * @see io_uring_prep_uring_cmd(3)
   */
  uringCmd(file: File, command: number, options?: CommandOptions & AsyncOptions): Promise<number> {
    return this.run(operations.uringCmd, COUNT, options, file, command);
  }
}
