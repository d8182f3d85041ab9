/** A file that a ring opened: a file of a file system, a pipe, a socket. */
import { inspect } from 'node:util';
import { options as checkNames, integer, wrongType } from '../../structs/check.ts';
import { bytesOf } from '../../structs/views.ts';
import { ClosedError } from '../errors.ts';
import * as read from '../operations/read.ts';
import type { Memory } from '../operations/types.ts';
import { sys } from '../sys/syscall.ts';
import type { AsyncOptions } from './base.ts';
import type { FileStatus } from './file-status.ts';

/** Bytes that are read at once, as streams of Node.js have it. */
const HIGH_WATER_MARK = 64 * 1024;
/** The most that the kernel reads at once: MAX_RW_COUNT. */
const MOST = 0x7fff_f000;

/** Options of reads and writes of a RingFile; `timeoutMs` is for each operation. */
export interface FileReadOptions extends AsyncOptions {
  /** Where in the file, in bytes; -1, or absent: the current position. */
  readonly offset?: number | bigint | undefined;
}

/** Options of what reads a RingFile to its end. */
export interface FileReadAllOptions extends Pick<AsyncOptions, 'signal'> {
  /** Where it begins, in bytes; the current position when absent. */
  readonly start?: number | undefined;
  /** Bytes that are read at once; 64 KiB when absent. */
  readonly highWaterMark?: number | undefined;
}

/** Options of the chunks of a RingFile. */
export interface FileChunksOptions extends FileReadAllOptions {
  /** false: each chunk has memory of its own, as streams need it: `Readable.from(file.chunks({ reuse: false }))`. */
  readonly reuse?: boolean | undefined;
}

/** What a file needs of its ring. */
export interface FileRing {
  closeFd(file: number): Promise<void>;
  read(file: number, memory: Memory, options?: FileReadOptions): Promise<number>;
  write(file: number, memory: Memory, options?: FileReadOptions): Promise<number>;
  statx(file: number, options?: AsyncOptions): Promise<FileStatus>;
  fsync(file: number, options?: AsyncOptions & { readonly dataOnly?: boolean | undefined }): Promise<void>;
  ftruncate(file: number, length: number, options?: AsyncOptions): Promise<void>;
}

const COMMON: readonly string[] = ['signal', 'timeoutMs', 'drain', 'async', 'personality'];
const TO_END: readonly string[] = ['signal', 'start', 'highWaterMark'];

/** Where reading to the end begins, and how much is read at once. */
function rangeOf(given: FileReadAllOptions, names = TO_END) {
  checkNames('options', given, names);
  const { signal, start, highWaterMark } = given;
  return {
    signal,
    offset: start === undefined ? -1 : integer('options.start', start, 0, Number.MAX_SAFE_INTEGER),
    size:
      highWaterMark === undefined
        ? HIGH_WATER_MARK
        : integer('options.highWaterMark', highWaterMark, 1, MOST),
  };
}

/** Without a key for a signal that is absent: an operation without one takes a shorter way. */
function readOptions(signal: AbortSignal | undefined, offset: number): FileReadOptions {
  return signal === undefined ? { offset } : { signal, offset };
}

function dataOf(data: unknown): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  if (!ArrayBuffer.isView(data)) throw wrongType('data', 'a string or an ArrayBufferView', data);
  return bytesOf(data);
}

/**
 * An open file: `await using file = await ring.open(path)` closes it at the end of the block. The
 * operations of the ring take it, too: `ring.read(file, memory)` is what `file.read(memory)` does. Where no position is said, reads and writes go on at the
 * current one; on a socket or a pipe there is no other.
 */
export class RingFile implements AsyncDisposable {
  readonly #ring: FileRing;
  #fd: number;

  /** @internal */
  constructor(fd: number, ring: FileRing) {
    this.#fd = fd;
    this.#ring = ring;
  }

  /** Its file descriptor. It stays the file's: do not close it. */
  get fd(): number {
    if (this.#fd < 0) throw new ClosedError('the file');
    return this.#fd;
  }

  /**
   * Reads into memory (OP_READ).
   * @returns how many bytes; 0 at the end
   * @throws OpError EISDIR: it is a directory; ClosedError after close
   * @since 5.6
   */
  read(memory: Memory, options?: FileReadOptions): Promise<number> {
    return this.#with((fd) => this.#ring.read(fd, memory, options));
  }

  /**
   * Writes memory (OP_WRITE).
   * @returns how many bytes: maybe fewer than there are; see `writeAll`
   * @throws OpError ENOSPC, EPIPE; ClosedError after close
   * @since 5.6
   */
  write(memory: Memory, options?: FileReadOptions): Promise<number> {
    return this.#with((fd) => this.#ring.write(fd, memory, options));
  }

  /**
   * Reads all from the current position, or `start`, to the end: of a socket or a pipe until the other side ends it.
   * @returns the bytes, as a Buffer: its `toString()` makes text of them
   * @throws OpError EISDIR: it is a directory; AbortError; ClosedError after close
   * @since 5.6
   */
  async readAll(options: FileReadAllOptions = {}): Promise<Uint8Array> {
    const { signal, offset, size } = rangeOf(options);
    const { size: length } = await this.stat(signal && { signal });
    // one byte more than there is, so that the end is seen without a second buffer
    const rest = length - Math.max(offset, 0) + 1;
    let buffer = Buffer.alloc(Math.max(size, Math.min(rest, MOST)));
    const full: Buffer[] = [];
    let used = 0;
    for (let at = offset; ; ) {
      const count = await this.read(buffer.subarray(used), readOptions(signal, at));
      if (count === 0) break;
      if (at >= 0) at += count;
      used += count;
      if (used < buffer.length) continue;
      full.push(buffer);
      buffer = Buffer.alloc(size);
      used = 0;
    }
    const last = buffer.subarray(0, used);
    return full.length === 0 ? last : Buffer.concat([...full, last]);
  }

  /**
   * Writes all of it, in as many operations as that takes.
   * @param data text goes as UTF-8. The memory must not be changed before the promise is settled
   * @throws OpError ENOSPC: the disk is full; EPIPE: nobody reads any more; AbortError; ClosedError after close
   * @since 5.6
   */
  async writeAll(data: string | ArrayBufferView, options: FileReadOptions = {}): Promise<void> {
    checkNames('options', options, [...COMMON, 'offset']);
    const { offset: given, ...common } = options;
    const offset = read.offset('options.offset', given);
    const bytes = dataOf(data);
    // also where there is nothing to write
    if (this.#fd < 0) throw new ClosedError('the file');
    for (let done = 0; done < bytes.length; ) {
      const at = offset < 0 ? -1 : offset + done;
      done += await this.write(bytes.subarray(done), { ...common, offset: at });
    }
  }

  /**
   * What the kernel knows of it (OP_STATX).
   * @throws ClosedError after close
   * @since 5.6
   */
  stat(options?: AsyncOptions): Promise<FileStatus> {
    return this.#with((fd) => this.#ring.statx(fd, options));
  }

  /**
   * Waits until what was written is on the disk (OP_FSYNC).
   * @param options `dataOnly`: only what is needed to read the data back, as fdatasync(2)
   * @throws OpError EINVAL: it is a socket or a pipe
   * @since 5.1
   */
  sync(options?: AsyncOptions & { readonly dataOnly?: boolean | undefined }): Promise<void> {
    return this.#with((fd) => this.#ring.fsync(fd, options));
  }

  /**
   * Makes it so many bytes long (OP_FTRUNCATE): cuts it, or adds zeroes.
   * @param length 0 when absent
   * @since 6.9
   */
  truncate(length = 0, options?: AsyncOptions): Promise<void> {
    return this.#with((fd) => this.#ring.ftruncate(fd, length, options));
  }

  /** Its chunks, as `chunks()` without options gives them. The file stays open. */
  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    return this.chunks();
  }

  /**
   * Reads to the end, one chunk after the other. Each is a view of one buffer that is used again, unless `reuse: false`: it is
   * good until the next one is asked for; `chunk.slice()` is a copy. The file stays open, also when the loop is left.
   * @throws OpError, AbortError; ClosedError after close
   */
  chunks(options: FileChunksOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    const { signal, offset, size } = rangeOf(options, [...TO_END, 'reuse']);
    const { reuse = true } = options;
    return this.#read(signal, offset, size, read.flag('options.reuse', reuse) === 1);
  }

  /**
   * Reads to the end, line by line, as UTF-8, without the line's `\n` or `\r\n`. The file stays open, also when the loop is left;
   * what was read beyond the last line is lost then.
   * @throws OpError, AbortError; ClosedError after close
   */
  async *lines(options: FileReadAllOptions = {}): AsyncGenerator<string, void, undefined> {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    let rest = '';
    const { signal, offset, size } = rangeOf(options);
    for await (const chunk of this.#read(signal, offset, size, true)) {
      const text = decoder.decode(chunk, { stream: true });
      // a long line is searched once, not again with each chunk
      if (!text.includes('\n')) {
        rest += text;
        continue;
      }
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
    }
    rest += decoder.decode();
    if (rest !== '') yield rest;
  }

  /** Closes it: through the ring, or directly when the ring is closed. Harmless when repeated. */
  async close(): Promise<void> {
    const fd = this.#fd;
    this.#fd = -1;
    if (fd < 0) return;
    try {
      await this.#ring.closeFd(fd);
    } catch (error) {
      // a ring that closed before the operation started has not closed the file
      if (!(error instanceof ClosedError)) throw error;
      sys.close(fd);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal How console.log shows it. */
  [inspect.custom](): string {
    return this.#fd < 0 ? 'RingFile { closed }' : `RingFile { fd: ${this.#fd} }`;
  }

  /** The promise of the ring itself, so that it may be a link of a chain. */
  #with<T>(start: (fd: number) => Promise<T>): Promise<T> {
    return this.#fd < 0 ? Promise.reject(new ClosedError('the file')) : start(this.#fd);
  }

  /** Chunk after chunk to the end: of one buffer that is used again, or each of its own. */
  async *#read(
    signal: AbortSignal | undefined,
    offset: number,
    size: number,
    isReused: boolean,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    let buffer = new Uint8Array(size);
    for (let at = offset; ; ) {
      const count = await this.read(buffer, readOptions(signal, at));
      if (count === 0) return;
      if (at >= 0) at += count;
      yield buffer.subarray(0, count);
      if (!isReused) buffer = new Uint8Array(size);
    }
  }
}
