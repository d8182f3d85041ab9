/** A file that a ring opened: a file of a file system, a pipe, a socket. */
import { inspect } from 'node:util';
import { options as checkNames, integer, wrongType } from '../../structs/check.ts';
import { bytesOf } from '../../structs/views.ts';
import { ClosedError } from '../errors.ts';
import { flag } from '../operations/read.ts';
import type { Memory } from '../operations/types.ts';
import { sys } from '../sys/syscall.ts';
import type { AsyncOptions } from './base.ts';
import type { FileStatus } from './file-status.ts';

/** Bytes that an iterator or a stream reads at once, as Node.js has it. */
const HIGH_WATER_MARK = 64 * 1024;
const MOST = 0x7fff_f000;

/** Options of reads and writes of a RingFile. */
export interface FileReadOptions extends AsyncOptions {
  /** Where in the file, in bytes; -1, or absent: the current position. */
  readonly offset?: number | bigint | undefined;
}

/** Options of what reads a RingFile to its end. */
export interface FileChunksOptions extends Pick<AsyncOptions, 'signal'> {
  /** Where it begins, in bytes; the current position when absent. */
  readonly start?: number | undefined;
  /** Bytes that are read at once; 64 KiB when absent. */
  readonly highWaterMark?: number | undefined;
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

const CHUNKS = ['signal', 'start', 'highWaterMark', 'reuse'];

/** Where reading begins, and how much is read at once. */
function chunksOf(given: FileChunksOptions) {
  checkNames('options', given, CHUNKS);
  const { signal, start, highWaterMark, reuse } = given;
  const offset = start === undefined ? -1 : integer('options.start', start, 0, Number.MAX_SAFE_INTEGER);
  const size =
    highWaterMark === undefined ? HIGH_WATER_MARK : integer('options.highWaterMark', highWaterMark, 1, MOST);
  return { signal, offset, size, isReused: flag('options.reuse', reuse ?? true) === 1 };
}

function dataOf(data: unknown): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  if (!ArrayBuffer.isView(data)) throw wrongType('data', 'a string or an ArrayBufferView', data);
  return bytesOf(data);
}

/**
 * An open file: `await using file = await ring.open(path)` closes it at the end of the block. The operations of the ring take it, too:
 * `ring.read(file, memory)` is what `file.read(memory)` does. Where no position is said, reads and writes go on at the
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
   * @throws OpError EISDIR; ClosedError after close
   */
  async readAll(options: FileChunksOptions = {}): Promise<Uint8Array> {
    const { signal, offset, size } = chunksOf(options);
    const { size: length } = await this.stat({ signal });
    // one byte more than there is: so the first buffer is not full at the end
    let buffer = Buffer.alloc(Math.max(size, Math.min(length + 1, MOST)));
    const full: Buffer[] = [];
    let used = 0;
    for (let at = offset; ; ) {
      const count = await this.read(buffer.subarray(used), { signal, offset: at });
      if (count === 0) break;
      if (at >= 0) at += count;
      used += count;
      if (used < buffer.length) continue;
      full.push(buffer);
      buffer = Buffer.alloc(buffer.length);
      used = 0;
    }
    const last = buffer.subarray(0, used);
    return full.length === 0 ? last : Buffer.concat([...full, last]);
  }

  /**
   * Writes all of it, in as many operations as that takes.
   * @param data text goes as UTF-8. The memory must not be changed before the promise is settled
   * @throws OpError ENOSPC, EPIPE; ClosedError after close
   */
  async writeAll(data: string | ArrayBufferView, options: FileReadOptions = {}): Promise<void> {
    const bytes = dataOf(data);
    const { offset } = options;
    for (let done = 0; done < bytes.length; ) {
      // Number: -1 is the current position, which moves by itself
      const at = offset === undefined || Number(offset) < 0 ? offset : BigInt(offset) + BigInt(done);
      done += await this.write(bytes.subarray(done), { ...options, offset: at });
    }
  }

  /** What the kernel knows of it (OP_STATX). @since 5.6 */
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
    const { signal, offset, size, isReused } = chunksOf(options);
    return this.#read(signal, offset, size, isReused);
  }

  /** Reads to the end, line by line, as UTF-8, without the line's `\n` or `\r\n`. The file stays open. */
  async *lines(options: FileChunksOptions = {}): AsyncGenerator<string, void, undefined> {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    let rest = '';
    for await (const chunk of this.chunks(options)) {
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
      const count = await this.read(buffer, { signal, offset: at });
      if (count === 0) return;
      if (at >= 0) at += count;
      yield buffer.subarray(0, count);
      if (!isReused) buffer = new Uint8Array(size);
    }
  }
}
