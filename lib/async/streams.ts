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
import { whenAborted } from './signals.ts';

/** What a file is read by, as a stream. */
export interface StreamRange {
  readonly start?: number | undefined;
  readonly end?: number | undefined;
  readonly highWaterMark?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Options of `createReadStream`. */
export interface FileReadStreamOptions extends StreamRange {
  /** Closes the file at the end, or when the stream is destroyed; true when absent. */
  readonly autoClose?: boolean | undefined;
}

/** Options of `createWriteStream`. */
export interface FileWriteStreamOptions extends Omit<StreamRange, 'end'> {
  /** Closes the file at the end, or when the stream is destroyed; true when absent. */
  readonly autoClose?: boolean | undefined;
}

/** Options of `readableWebStream`. */
export interface FileWebStreamOptions extends StreamRange {
  /** Closes the file at the end, or when the stream is cancelled; false when absent. */
  readonly autoClose?: boolean | undefined;
}

/** What streams need of a file. */
export interface Streamed {
  chunks(options: StreamRange & { readonly reuse: boolean }): AsyncGenerator<Uint8Array, void, undefined>;
  writeAll(
    data: string | ArrayBufferView,
    options: { readonly offset?: number; readonly signal?: AbortSignal | undefined },
  ): Promise<void>;
  close(): Promise<void>;
}

const READ = ['start', 'end', 'highWaterMark', 'signal', 'autoClose'];
const WRITE = ['start', 'highWaterMark', 'signal', 'autoClose'];

/** Reading that can be stopped while it waits. */
class Reading {
  readonly #stop = new AbortController();
  readonly #chunks: AsyncGenerator<Uint8Array, void, undefined>;

  constructor(file: Streamed, range: StreamRange) {
    this.#chunks = file.chunks({ ...range, signal: this.#stop.signal, reuse: false });
  }

  /** The next chunk; null at the end. */
  async next(): Promise<Uint8Array | null> {
    const { value } = await this.#chunks.next();
    return value ?? null;
  }

  /** Resolves when nothing is read any more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#chunks.return();
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

/** Ends what is under a stream; the error that destroyed the stream comes first. */
function settle(
  end: () => Promise<unknown>,
  error: Error | null,
  callback: (error: Error | null) => void,
): void {
  end().then(
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

export function readStream(file: Streamed, options: FileReadStreamOptions): node.Readable {
  checkNames('options', options, READ);
  const { autoClose = true, signal, ...range } = options;
  optionalSignal('options.signal', signal);
  const isClosing = boolean('options.autoClose', autoClose);
  const reading = new Reading(file, range);
  const stream = new node.Readable({
    highWaterMark: range.highWaterMark,
    read: feed(reading),
    destroy(error, callback) {
      const end = async () => {
        await reading.stop();
        if (isClosing) await file.close();
      };
      settle(end, error, callback);
    },
  });
  return destroyedBy(signal, stream);
}

export function writeStream(file: Streamed, options: FileWriteStreamOptions): node.Writable {
  checkNames('options', options, WRITE);
  const { autoClose = true, start, signal, highWaterMark } = options;
  optionalSignal('options.signal', signal);
  const isClosing = boolean('options.autoClose', autoClose);
  const writing = new Writing(file, start);
  const stream = new node.Writable({
    highWaterMark,
    write: (chunk, _encoding, callback) => settle(() => writing.write(chunk), null, callback),
    writev: (chunks, callback) =>
      settle(() => writing.write(Buffer.concat(chunks.map(({ chunk }) => chunk))), null, callback),
    destroy(error, callback) {
      writing.stop();
      settle(async () => (isClosing ? file.close() : undefined), error, callback);
    },
  });
  return destroyedBy(signal, stream);
}

/** A socket as streams need it. */
export interface StreamedSocket extends Streamed {
  end(): Promise<void>;
}

/** Both directions of a socket. Its end is the end of the socket. */
export function duplexStream(socket: StreamedSocket, allowHalfOpen: boolean): node.Duplex {
  const reading = new Reading(socket, {});
  const writing = new Writing(socket, undefined);
  return new node.Duplex({
    allowHalfOpen,
    read: feed(reading),
    write: (chunk, _encoding, callback) => settle(() => writing.write(chunk), null, callback),
    writev: (chunks, callback) =>
      settle(() => writing.write(Buffer.concat(chunks.map(({ chunk }) => chunk))), null, callback),
    final: (callback) => settle(() => socket.end(), null, callback),
    destroy(error, callback) {
      const end = async () => {
        writing.stop();
        await reading.stop();
        await socket.close();
      };
      settle(end, error, callback);
    },
  });
}

/** Ends a stream of the web when the signal aborts, also while it neither reads nor writes. */
function endedBy(
  signal: AbortSignal | undefined,
  controller: { error(reason: unknown): void },
  end: () => Promise<void>,
): () => void {
  if (signal === undefined) return () => {};
  const told = (): void => {
    controller.error(new AbortError(signal.reason));
    // whoever uses the stream has that error
    end().catch(() => {});
  };
  if (!signal.aborted) return whenAborted(signal, told);
  told();
  return () => {};
}

export function webReadable(file: Streamed, options: FileWebStreamOptions): ReadableStream<Uint8Array> {
  checkNames('options', options, READ);
  const { autoClose = false, signal, ...range } = options;
  optionalSignal('options.signal', signal);
  const isClosing = boolean('options.autoClose', autoClose);
  const reading = new Reading(file, range);
  let forget = (): void => {};
  const end = async () => {
    forget();
    await reading.stop();
    if (isClosing) await file.close();
  };
  return new ReadableStream(
    {
      start(controller) {
        forget = endedBy(signal, controller, end);
      },
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
  checkNames('options', options, ['start', 'signal', 'autoClose']);
  const { autoClose = false, start, signal } = options;
  optionalSignal('options.signal', signal);
  const isClosing = boolean('options.autoClose', autoClose);
  const writing = new Writing(file, start);
  let forget = (): void => {};
  const end = async () => {
    forget();
    writing.stop();
    if (isClosing) await file.close();
  };
  return new WritableStream({
    start(controller) {
      forget = endedBy(signal, controller, end);
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
      await (isClosing ? file.close() : file.end?.());
    },
    abort: end,
  });
}
