/** A file that a ring opened: a file of a file system, a pipe, a socket. */
import type * as streams from 'node:stream';
import { inspect } from 'node:util';
import { options as checkNames, integer, wrongType, wrongValue } from '../../structs/check.ts';
import { bytesOf } from '../../structs/views.ts';
import { ClosedError } from '../errors.ts';
import * as read from '../operations/read.ts';
import type { Memory } from '../operations/types.ts';
import { threadBound } from '../ring/core/thread-bound.ts';
import { sys } from '../sys/syscall.ts';
import { type AsyncOptions, COMMON } from './base.ts';
import type { FileStatus } from './file-status.ts';
import { writeHere } from './position.ts';
import {
  type FileReadAllOptions,
  type FileReadStreamOptions,
  type FileWebStreamOptions,
  type FileWriteStreamOptions,
  readStream,
  webReadable,
  webWritable,
  writeStream,
} from './streams.ts';

/** Bytes that are read at once, as streams of Node.js have it. */
const HIGH_WATER_MARK = 64 * 1024;
/** Buffers for the beginnings of files, to be used again: most files are no longer. */
const spare: Uint8Array[] = [];
const SPARE = 64;
/** The most that the kernel reads at once: MAX_RW_COUNT. */
const MOST = 0x7fff_f000;

/** All of it in one piece, without a copy where two chunks are. */
function joined(chunks: readonly Uint8Array[]): Buffer {
  const [first, second] = chunks;
  if (chunks.length !== 2 || first === undefined || second === undefined) return Buffer.concat(chunks);
  const isOne = first.buffer === second.buffer && first.byteOffset + first.length === second.byteOffset;
  return isOne
    ? Buffer.from(first.buffer, first.byteOffset, first.length + second.length)
    : Buffer.concat(chunks);
}

/** Options of reads and writes of a RingFile; `timeoutMs` is for each operation. */
export interface FileReadOptions extends AsyncOptions {
  /** Where in the file, in bytes; -1, or absent: the current position. */
  readonly offset?: number | bigint | undefined;
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

const TO_END: readonly string[] = ['signal', 'start', 'end', 'highWaterMark'];

/** How many bytes are read at once. */
export function sizeOf(highWaterMark: number | undefined): number {
  if (highWaterMark === undefined) return HIGH_WATER_MARK;
  return integer('options.highWaterMark', highWaterMark, 1, MOST);
}

/** What is read to its end. */
interface Range {
  readonly signal: AbortSignal | undefined;
  /** Where it begins; -1: at the current position. */
  readonly offset: number;
  /** How many bytes there can be. */
  readonly length: number;
  /** How much is read at once. */
  readonly size: number;
}

function lengthOf(start: number | undefined, end: number | undefined): number {
  if (end === undefined) return Number.POSITIVE_INFINITY;
  if (start === undefined) throw wrongValue('options.end', 'absent without start', end);
  return integer('options.end', end, start - 1, Number.MAX_SAFE_INTEGER) - start + 1;
}

function rangeOf(given: FileReadAllOptions, names = TO_END): Range {
  checkNames('options', given, names);
  const { signal, start, end, highWaterMark } = given;
  const offset = start === undefined ? -1 : integer('options.start', start, 0, Number.MAX_SAFE_INTEGER);
  return { signal, offset, length: lengthOf(start, end), size: sizeOf(highWaterMark) };
}

/** Without a key for a signal that is absent: an operation without one takes a shorter way. */
function readOptions(signal: AbortSignal | undefined, offset: number): FileReadOptions {
  return signal === undefined ? { offset } : { signal, offset };
}

/** Closes a descriptor through the ring, or directly where the ring is closed. */
export async function closeBy(ring: Pick<FileRing, 'closeFd'>, fd: number): Promise<void> {
  try {
    await ring.closeFd(fd);
  } catch (error) {
    // a ring that closed before the operation started has not closed the file
    if (!(error instanceof ClosedError)) throw error;
    sys.close(fd);
  }
}

/** The bytes of what is to be written: text goes as UTF-8. */
export function dataOf(data: unknown): Uint8Array {
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
  /** @internal */
  protected readonly threadBound: () => string = threadBound;
  readonly #ring: FileRing;
  #fd: number;

  /** @internal */
  constructor(fd: number, ring: FileRing) {
    this.#fd = fd;
    this.#ring = ring;
  }

  /** @internal Takes the descriptor out of a file, which is closed then. */
  static detach(file: RingFile): number {
    const { fd } = file;
    file.#fd = -1;
    return fd;
  }

  /** Its file descriptor. It stays the file's: do not close it. */
  get fd(): number {
    if (this.#fd < 0) throw new ClosedError('the file');
    return this.#fd;
  }

  /** @internal Is it open? */
  protected get isOpen(): boolean {
    return this.#fd >= 0;
  }

  /**
   * Reads into memory (OP_READ).
   * @returns how many bytes; 0 at the end
   * @throws OpError EISDIR: it is a directory; ClosedError after close
   * @since 5.6
   */
  read(memory: Memory, options?: FileReadOptions): Promise<number> {
    return this.withFd((fd) => this.#ring.read(fd, memory, options));
  }

  /**
   * Writes memory (OP_WRITE).
   * @returns how many bytes: maybe fewer than there are, and then the current position of a regular file stays where it was (6.0); see
   *   `writeAll`
   * @throws OpError ENOSPC, EPIPE; ClosedError after close
   * @since 5.6
   */
  write(memory: Memory, options?: FileReadOptions): Promise<number> {
    return this.withFd((fd) => this.#ring.write(fd, memory, options));
  }

  /**
   * Reads all from the current position, or `start`, to the end: of a socket or a pipe until the other side ends it.
   * @returns the bytes, as a Buffer: its `toString()` makes text of them
   * @throws OpError EISDIR: it is a directory; AbortError; ClosedError after close
   * @since 5.6
   */
  async readAll(options: FileReadAllOptions = {}): Promise<Uint8Array> {
    const { signal, offset, length, size } = rangeOf(options);
    const chunks: Uint8Array[] = [];
    const first = spare.pop() ?? new Uint8Array(HIGH_WATER_MARK);
    let at = offset;
    let left = length;
    // a buffer that is filled as far as the file goes: whether it was
    const isFilled = async (buffer: Uint8Array): Promise<boolean> => {
      let used = 0;
      while (used < buffer.length && left > 0) {
        const room = buffer.subarray(used, Math.min(buffer.length, used + left));
        const count = await this.read(room, readOptions(signal, at));
        if (count === 0) break;
        if (at >= 0) at += count;
        left -= count;
        used += count;
      }
      if (used > 0) chunks.push(buffer.subarray(0, used));
      return used === buffer.length;
    };
    if ((await isFilled(first)) && left > 0) {
      // one byte more than there is, so that the end is seen without another buffer
      const { size: whole } = await this.stat(signal && { signal });
      const rest = Math.min(whole - (at < 0 ? first.length : at) + 1, left, MOST);
      const room = Math.max(rest, Math.min(size, left));
      const both = new Uint8Array(first.length + room);
      both.set(first);
      chunks[0] = both.subarray(0, first.length);
      let buffer = both.subarray(first.length);
      while ((await isFilled(buffer)) && left > 0) buffer = new Uint8Array(Math.min(size, left));
    }
    const all = joined(chunks);
    // after an error the kernel may still write there
    if (spare.length < SPARE) spare.push(first);
    return all;
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
      const part = bytes.subarray(done);
      const write = () => this.write(part, { ...common, offset: offset < 0 ? -1 : offset + done });
      done += await (offset < 0 ? writeHere(() => this.#fd, part.length, write) : write());
    }
  }

  /**
   * What the kernel knows of it (OP_STATX).
   * @throws ClosedError after close
   * @since 5.6
   */
  stat(options?: AsyncOptions): Promise<FileStatus> {
    return this.withFd((fd) => this.#ring.statx(fd, options));
  }

  /**
   * Waits until what was written is on the disk (OP_FSYNC).
   * @param options `dataOnly`: only what is needed to read the data back, as fdatasync(2)
   * @throws OpError EINVAL: it is a socket or a pipe
   * @since 5.1
   */
  sync(options?: AsyncOptions & { readonly dataOnly?: boolean | undefined }): Promise<void> {
    return this.withFd((fd) => this.#ring.fsync(fd, options));
  }

  /**
   * Makes it so many bytes long (OP_FTRUNCATE): cuts it, or adds zeroes.
   * @param length 0 when absent
   * @since 6.9
   */
  truncate(length = 0, options?: AsyncOptions): Promise<void> {
    return this.withFd((fd) => this.#ring.ftruncate(fd, length, options));
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
    const range = rangeOf(options, [...TO_END, 'reuse']);
    return this.#read(range, read.flag('options.reuse', options.reuse ?? true) === 1);
  }

  /**
   * Reads to the end, line by line, as UTF-8, without the line's `\n` or `\r\n`. The file stays open, also when the loop is left;
   * what was read beyond the last line is lost then.
   * @throws OpError, AbortError; ClosedError after close
   */
  async *lines(options: FileReadAllOptions = {}): AsyncGenerator<string, void, undefined> {
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

  /**
   * Its bytes as a stream of Node.js, as `createReadStream` of a FileHandle has it: each chunk has memory of its own.
   * @param options as `readAll`; `autoClose`: whether the file is closed at the end, or when the stream is destroyed; true when absent
   */
  createReadStream(options: FileReadStreamOptions = {}): streams.Readable {
    return readStream(this, options);
  }

  /**
   * A stream of Node.js that writes it, as `createWriteStream` of a FileHandle has it.
   * @param options `start`, `signal`, `highWaterMark`; `autoClose` as for `createReadStream`
   */
  createWriteStream(options: FileWriteStreamOptions = {}): streams.Writable {
    return writeStream(this, options);
  }

  /**
   * Its bytes as a stream of the web, each chunk with memory of its own.
   * @param options as `readAll`; `autoClose`: whether the file is closed at the end, or when the stream is cancelled; false when
   *   absent, as a FileHandle has it
   */
  readableWebStream(options: FileWebStreamOptions = {}): ReadableStream<Uint8Array> {
    return webReadable(this, options);
  }

  /** A stream of the web that writes it. @param options `start`, `signal`; `autoClose` as for `readableWebStream` */
  writableWebStream(
    options: Pick<FileWebStreamOptions, 'start' | 'signal' | 'autoClose'> = {},
  ): WritableStream<string | ArrayBufferView> {
    return webWritable(this, options);
  }

  /** Closes it: through the ring, or directly when the ring is closed. Harmless when repeated. */
  async close(): Promise<void> {
    const fd = this.#fd;
    this.#fd = -1;
    if (fd < 0) return;
    await closeBy(this.#ring, fd);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal How console.log shows it. */
  [inspect.custom](): string {
    return this.#fd < 0 ? 'RingFile { closed }' : `RingFile { fd: ${this.#fd} }`;
  }

  /** @internal The promise of the ring itself, so that it may be a link of a chain. */
  protected withFd<T>(start: (fd: number) => Promise<T>): Promise<T> {
    return this.#fd < 0 ? Promise.reject(new ClosedError('the file')) : start(this.#fd);
  }

  /** Chunk after chunk to the end: of one buffer that is used again, or each of its own. */
  async *#read(
    { signal, offset, length, size }: Range,
    isReused: boolean,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    let buffer = new Uint8Array(Math.min(size, length));
    for (let at = offset, left = length; left > 0; ) {
      const room = left < buffer.length ? buffer.subarray(0, left) : buffer;
      const count = await this.read(room, readOptions(signal, at));
      if (count === 0) return;
      if (at >= 0) at += count;
      left -= count;
      yield buffer.subarray(0, count);
      if (!isReused) buffer = new Uint8Array(Math.min(size, left));
    }
  }
}
