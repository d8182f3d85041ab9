/** Streams of Node.js and of the web over files and sockets of a ring. */
import * as node from 'node:stream';
import {
  boolean,
  options as checkNames,
  integer,
  isAbortSignal,
  optionalSignal,
} from '../../structs/check.ts';
import { AbortError } from '../errors.ts';
import type { AsyncOptions } from './base.ts';
import { whenAborted } from './signals.ts';

/** Options of what reads a RingFile to its end. */
export interface FileReadAllOptions extends Pick<AsyncOptions, 'signal'> {
  /** Where it begins, in bytes; the current position when absent. */
  readonly start?: number | undefined;
  /** The last byte that is read, counted from the start of the file, as streams of Node.js have it; needs `start`. */
  readonly end?: number | undefined;
  /** Bytes that are read at once; 64 KiB when absent. */
  readonly highWaterMark?: number | undefined;
}

/** Options of `createReadStream`. */
export interface FileReadStreamOptions extends FileReadAllOptions {
  /** Closes the file at the end, or when the stream is destroyed; true when absent. */
  readonly autoClose?: boolean | undefined;
}

/** Options of `createWriteStream`. */
export interface FileWriteStreamOptions extends Omit<FileReadAllOptions, 'end'> {
  /** Closes the file at the end, or when the stream is destroyed; true when absent. */
  readonly autoClose?: boolean | undefined;
}

/** Options of `readableWebStream`. */
export interface FileWebStreamOptions extends FileReadAllOptions {
  /** Closes the file at the end, or when the stream is cancelled; false when absent. */
  readonly autoClose?: boolean | undefined;
}

/** What streams need of a file. */
export interface Streamed {
  chunks(
    options: FileReadAllOptions & { readonly reuse: boolean },
  ): AsyncGenerator<Uint8Array, void, undefined>;
  writeAll(
    data: string | ArrayBufferView,
    options: { readonly offset?: number; readonly signal?: AbortSignal | undefined },
  ): Promise<void>;
  close(): Promise<void>;
}

const READ = ['start', 'end', 'highWaterMark', 'signal', 'autoClose'];
const WRITE = ['start', 'highWaterMark', 'signal', 'autoClose'];

/** Checks the options of a stream. `close` is for its end: it closes the file, unless that is to stay open. */
function check(
  file: Streamed,
  options: FileReadStreamOptions,
  names: readonly string[],
  isClosingByDefault: boolean,
) {
  checkNames('options', options, names);
  const { autoClose = isClosingByDefault, signal, ...range } = options;
  optionalSignal('options.signal', signal);
  const isClosing = boolean('options.autoClose', autoClose);
  const close = async () => (isClosing ? file.close() : undefined);
  return { signal, range, isClosing, close };
}

/** Reading that can be stopped while it waits. */
class Reading {
  readonly #stop = new AbortController();
  readonly #chunks: AsyncGenerator<Uint8Array, void, undefined>;
  readonly #close: () => Promise<void>;

  /** @param close what is done at the end */
  constructor(file: Streamed, range: FileReadAllOptions, close: () => Promise<void>) {
    this.#chunks = file.chunks({ ...range, signal: this.#stop.signal, reuse: false });
    this.#close = close;
  }

  /** The next chunk; null at the end. */
  async next(): Promise<Uint8Array | null> {
    const { value } = await this.#chunks.next();
    return value ?? null;
  }

  /** Resolves when nothing is read any more, and the file is closed. */
  async end(): Promise<void> {
    this.#stop.abort();
    await this.#chunks.return();
    await this.#close();
  }
}

/** Writing at the current position, or from a position on. */
class Writing {
  readonly #file: Streamed;
  readonly #stop = new AbortController();
  #at: number | undefined;

  constructor(file: Streamed, start: number | undefined) {
    this.#file = file;
    this.#at = start === undefined ? undefined : integer('options.start', start, 0, Number.MAX_SAFE_INTEGER);
  }

  async write(data: string | ArrayBufferView): Promise<void> {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    const { signal } = this.#stop;
    if (this.#at === undefined) return this.#file.writeAll(bytes, { signal });
    await this.#file.writeAll(bytes, { signal, offset: this.#at });
    this.#at += bytes.byteLength;
  }

  stop(): void {
    this.#stop.abort();
  }
}

/** Tells a stream of Node.js how something ended; the error that destroyed the stream comes first. */
function settle(work: Promise<unknown>, error: Error | null, callback: (error: Error | null) => void): void {
  work.then(
    () => callback(error),
    (failure) => callback(error ?? failure),
  );
}

/** A stream that its signal destroys, also while it neither reads nor writes. */
function destroyedBy<S extends node.Readable | node.Writable>(signal: AbortSignal | undefined, stream: S): S {
  if (signal === undefined) return stream;
  const destroy = () => void stream.destroy(new AbortError(signal.reason));
  if (signal.aborted) destroy();
  else stream.once('close', whenAborted(signal, destroy));
  return stream;
}

/** Reading into a stream of Node.js: one chunk for each call of its `read`. */
function feed(reading: Reading): (this: node.Readable) => void {
  return function read() {
    reading.next().then(
      (chunk) => this.push(chunk),
      (error) => this.destroy(error),
    );
  };
}

/** Writing from a stream of Node.js. */
function drain(writing: Writing): Pick<node.WritableOptions, 'write' | 'writev'> {
  return {
    write: (chunk, _encoding, callback) => settle(writing.write(chunk), null, callback),
    writev: (chunks, callback) =>
      settle(writing.write(Buffer.concat(chunks.map(({ chunk }) => chunk))), null, callback),
  };
}

export function readStream(file: Streamed, options: FileReadStreamOptions): node.Readable {
  const { signal, range, close } = check(file, options, READ, true);
  const reading = new Reading(file, range, close);
  const stream = new node.Readable({
    highWaterMark: range.highWaterMark,
    read: feed(reading),
    destroy: (error, callback) => settle(reading.end(), error, callback),
  });
  return destroyedBy(signal, stream);
}

export function writeStream(file: Streamed, options: FileWriteStreamOptions): node.Writable {
  const { signal, range, close } = check(file, options, WRITE, true);
  const writing = new Writing(file, range.start);
  const stream = new node.Writable({
    highWaterMark: range.highWaterMark,
    ...drain(writing),
    destroy(error, callback) {
      writing.stop();
      settle(close(), error, callback);
    },
  });
  return destroyedBy(signal, stream);
}

/** Both directions of a socket. Its end is the end of the socket. */
export function duplexStream(
  socket: Streamed & { end(): Promise<void> },
  allowHalfOpen: boolean,
): node.Duplex {
  const reading = new Reading(socket, {}, () => socket.close());
  const writing = new Writing(socket, undefined);
  return new node.Duplex({
    allowHalfOpen,
    read: feed(reading),
    ...drain(writing),
    final: (callback) => settle(socket.end(), null, callback),
    destroy(error, callback) {
      writing.stop();
      settle(reading.end(), error, callback);
    },
  });
}

/** How a stream of the web begins and ends: when its signal aborts, too, also while it neither reads nor writes. */
function endedBy(signal: AbortSignal | undefined, stop: () => Promise<void>) {
  let forget = (): void => {};
  const end = (): Promise<void> => {
    forget();
    return stop();
  };
  const start = (controller: { error(reason: unknown): void }): void => {
    const told = (): void => {
      controller.error(new AbortError(signal?.reason));
      // whoever uses the stream has that error
      end().catch(() => {});
    };
    if (signal?.aborted) told();
    else forget = whenAborted(signal, told);
  };
  return { start, end };
}

export function webReadable(file: Streamed, options: FileWebStreamOptions): ReadableStream<Uint8Array> {
  const { signal, range, close } = check(file, options, READ, false);
  const reading = new Reading(file, range, close);
  const { start, end } = endedBy(signal, () => reading.end());
  return new ReadableStream(
    {
      start,
      async pull(controller) {
        try {
          const chunk = await reading.next();
          if (chunk !== null) return controller.enqueue(chunk);
        } catch (error) {
          await end();
          throw error;
        }
        await end();
        controller.close();
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
}

export function webWritable(
  file: Streamed & { readonly end?: () => Promise<void> },
  options: Pick<FileWebStreamOptions, 'start' | 'signal' | 'autoClose'>,
): WritableStream<string | ArrayBufferView> {
  const names = ['start', 'signal', 'autoClose'];
  const { signal, range, isClosing, close } = check(file, options, names, false);
  const writing = new Writing(file, range.start);
  const { start, end } = endedBy(signal, () => {
    writing.stop();
    return close();
  });
  return new WritableStream({
    start(controller) {
      start(controller);
      // an abort reaches the sink only after the write that it is to end
      // @types/node does not know it
      const aborted: unknown = Reflect.get(controller, 'signal');
      if (isAbortSignal(aborted)) aborted.addEventListener('abort', () => writing.stop());
    },
    async write(chunk) {
      try {
        await writing.write(chunk);
      } catch (error) {
        // the sink hears no more of a stream that failed
        await end();
        throw error;
      }
    },
    async close() {
      writing.stop();
      await (isClosing ? close() : file.end?.());
    },
    abort: end,
  });
}
