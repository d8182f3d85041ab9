/** A connection, with the habits of a socket of Node.js. */
import type * as streams from 'node:stream';
import { inspect } from 'node:util';
import type { IpAddress, SocketAddress, SocketAddressLike } from '../../structs/address.ts';
import { boolean, options as checkNames, wrongType } from '../../structs/check.ts';
import { socketOptions } from '../../structs/socket-options.ts';
import type { AsyncOptions } from '../async/base.ts';
import {
  dataOf,
  type FileChunksOptions,
  type FileReadOptions,
  type FileRing,
  RingFile,
  sizeOf,
} from '../async/ring-file.ts';
import { duplexStream, type FileReadAllOptions } from '../async/streams.ts';
import type { Callback } from '../async/told.ts';
import { ClosedError } from '../errors.ts';
import * as read from '../operations/read.ts';
import type { File, Memory } from '../operations/types.ts';
import { milliseconds } from '../ring/core/time.ts';
import type { BufferPart, BufferRing, BufferRingOptions } from '../ring/owners/buffer-ring.ts';
import { sys } from '../sys/syscall.ts';
import { checkCall, nameOf } from './endpoint.ts';
import { isExhausted, Pipe } from './pipe.ts';

/** What a socket needs of its ring. */
export interface SocketRing extends FileRing {
  readonly isClosed: boolean;
  registerBufferRing(options: BufferRingOptions): BufferRing;
  connect(socket: File, address: SocketAddressLike, options?: AsyncOptions): Promise<void>;
  recv(socket: File, pool: BufferRing, options?: AsyncOptions): Promise<BufferPart | undefined>;
  recv(socket: File, memory: Memory, options?: AsyncOptions): Promise<number>;
  recv(
    socket: File,
    pool: BufferRing,
    options: (AsyncOptions & { readonly pollFirst?: boolean }) | undefined,
    callback: Callback<BufferPart | undefined>,
  ): void;
  recv(socket: File, memory: Memory, options: AsyncOptions | undefined, callback: Callback<number>): void;
  send(socket: File, memory: Memory, options?: AsyncOptions): Promise<number>;
  send(socket: File, memory: Memory, options: AsyncOptions | undefined, callback: Callback<number>): void;
}

/** Buffers that all sockets of a ring share: one is taken when data is there, so that connections without data have none. */
const POOL = { entries: 1024, bufferSize: 16 * 1024 } as const;
const pools = new WeakMap<SocketRing, BufferRing | undefined>();

/** The pool of a ring; none where the kernel has none (before 5.19), or a sandbox forbids it. */
function poolOf(ring: SocketRing): BufferRing | undefined {
  if (pools.has(ring)) return pools.get(ring);
  let pool: BufferRing | undefined;
  try {
    pool = ring.registerBufferRing(POOL);
  } catch (error) {
    if (error instanceof ClosedError) throw error;
  }
  pools.set(ring, pool);
  return pool;
}

/** Where there is probably nothing to receive yet: the kernel need not look before it waits. */
const DRY: AsyncOptions & { readonly pollFirst?: boolean } = { pollFirst: true };

const [TCP, NODELAY] = socketOptions.TCP_NODELAY;
const [READ, WRITE, BOTH] = [0, 1, 2];
const AFTER_END = ['signal', 'highWaterMark'];

/** Switches Nagle's algorithm off, or on: only for TCP. */
export function setNoDelay(fd: number, noDelay: boolean): void {
  checkCall('setsockopt', sys.setsockopt(fd, TCP, NODELAY, Number(noDelay)));
}

function isIp(address: SocketAddress | undefined): address is IpAddress {
  return address?.family === 'IPv4' || address?.family === 'IPv6';
}

/** An address as people write it. */
export function addressText(address: SocketAddress | undefined): string {
  if (address === undefined || address.family === 'other') return '?';
  if (address.family === 'unix') return address.path.replace('\0', '@');
  return address.family === 'IPv6'
    ? `[${address.address}]:${address.port}`
    : `${address.address}:${address.port}`;
}

/** Options of `pipeTo`. */
export interface PipeToOptions {
  /** Stops it: it rejects with AbortError. */
  readonly signal?: AbortSignal | undefined;
  /** Whether the end of this connection ends the writing half of the other one; true when absent. */
  readonly end?: boolean | undefined;
}

/** Options of `duplex`. */
export interface DuplexOptions {
  /** Whether writing goes on when the other side has ended its half; false when absent, as sockets of Node.js have it. */
  readonly allowHalfOpen?: boolean | undefined;
}

/**
 * A connection of `ring.createServer()` or `ring.createConnection()`. It is a RingFile: `for await (const chunk of socket)`,
 * `lines()`, `readAll()`, `writeAll()`, streams; and the operations of the ring take it. Reading goes to the end that the other
 * side makes; writing goes on after that, until `end()` or `close()`.
 *
 * Whoever gets it closes it: `await using connection = socket` does that at the end of a block.
 */
export class RingSocket extends RingFile {
  readonly #ring: SocketRing;
  readonly #onClose: (() => void) | undefined;
  #timeoutMs: number | undefined;
  /** How many `writeAll` go on. */
  #writes = 0;
  readonly #whenWritten: (() => void)[] = [];
  #local: SocketAddress | undefined;

  /** The address of the other side; undefined where it had gone before it was known. */
  readonly remote: SocketAddress | undefined;

  /** @internal */
  constructor(fd: number, ring: SocketRing, timeoutMs: number | undefined, onClose?: () => void) {
    super(fd, ring);
    // asked at once: the kernel forgets it when the other side breaks the connection
    this.remote = nameOf(fd, 'getpeername');
    this.#ring = ring;
    this.#timeoutMs = timeoutMs;
    this.#onClose = onClose;
  }

  /** @internal Is it one? Asked without running code of the caller's. */
  static is(value: unknown): value is RingSocket {
    return typeof value === 'object' && value !== null && #writes in value;
  }

  /** The address of this end: `{ family, address, port }`, or `{ family: 'unix', path }`. */
  get local(): SocketAddress | undefined {
    if (this.isOpen) this.#local ??= nameOf(this.fd, 'getsockname');
    return this.#local;
  }

  /** The IP address of this end; undefined for a Unix socket. */
  get localAddress(): string | undefined {
    return isIp(this.local) ? this.local.address : undefined;
  }

  /** The port of this end; undefined for a Unix socket. */
  get localPort(): number | undefined {
    return isIp(this.local) ? this.local.port : undefined;
  }

  /** The IP address of the other side; undefined for a Unix socket, or where that had gone before it was known. */
  get remoteAddress(): string | undefined {
    return isIp(this.remote) ? this.remote.address : undefined;
  }

  /** The port of the other side; undefined for a Unix socket, or where that had gone before it was known. */
  get remotePort(): number | undefined {
    return isIp(this.remote) ? this.remote.port : undefined;
  }

  /** `'IPv4'`, `'IPv6'` or `'unix'`. */
  get remoteFamily(): string | undefined {
    return this.remote?.family;
  }

  /** How long a read or a write may wait for the other side: then it rejects with ETIME. undefined: for ever. */
  get timeoutMs(): number | undefined {
    return this.#timeoutMs;
  }

  set timeoutMs(value: number | undefined) {
    if (value !== undefined) milliseconds('timeoutMs', value);
    this.#timeoutMs = value;
  }

  /**
   * Sends each write at once (TCP_NODELAY), or gathers small ones (Nagle's algorithm). Sockets begin with true.
   * @throws SyscallError EOPNOTSUPP: it is no TCP socket; ClosedError after close
   */
  setNoDelay(noDelay = true): this {
    setNoDelay(this.fd, boolean('noDelay', noDelay));
    return this;
  }

  /** Receives into memory (OP_RECV). @returns how many bytes; 0 at the end */
  override read(memory: Memory, options?: FileReadOptions): Promise<number> {
    return this.withFd((fd) => this.#ring.recv(fd, memory, this.#limited(options)));
  }

  /** Sends memory (OP_SEND). @returns how many bytes: maybe fewer than there are; see `writeAll` */
  override write(memory: Memory, options?: FileReadOptions): Promise<number> {
    return this.withFd((fd) => this.#ring.send(fd, memory, this.#limited(options)));
  }

  /** Sends all of it. @param data text goes as UTF-8. The memory must not be changed before the promise is settled */
  override async writeAll(data: string | ArrayBufferView, options: AsyncOptions = {}): Promise<void> {
    const bytes = dataOf(data);
    // throws where it is closed, also if there is nothing to write
    void this.fd;
    this.#writes++;
    try {
      for (let done = 0; done < bytes.length; ) done += await this.write(bytes.subarray(done), options);
    } finally {
      this.#written();
    }
  }

  #written(): void {
    this.#writes--;
    if (this.#writes === 0) for (const told of this.#whenWritten.splice(0)) told();
  }

  /** Reads to the end that the other side makes. */
  override async readAll(
    options: Pick<FileReadAllOptions, 'signal' | 'highWaterMark'> = {},
  ): Promise<Uint8Array> {
    checkNames('options', options, AFTER_END);
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.chunks({ ...options, reuse: false })) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /**
   * What comes, chunk after chunk, to the end that the other side makes. A socket has at most one buffer at a time, and takes it
   * when data is there: who does not take chunks holds nobody up but the one who sends. A chunk is good until the next one
   * is asked for, unless `reuse: false`. The connection stays open, also when the loop is left.
   * @param options `signal`, `reuse`; `highWaterMark`: how many bytes at once, 16 KiB when absent
   * @throws OpError ECONNRESET: the other side has broken the connection; ETIME: see `timeoutMs`; AbortError; ClosedError
   */
  override chunks(options: FileChunksOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    checkNames('options', options, [...AFTER_END, 'reuse']);
    const { signal, highWaterMark, reuse = true } = options;
    const isReused = read.flag('options.reuse', reuse) === 1;
    const size = sizeOf(highWaterMark ?? POOL.bufferSize);
    return this.#receive(signal, size, isReused, highWaterMark === undefined);
  }

  /**
   * Ends the writing half, after each `writeAll` that has begun: the other side sees the end. Reading goes on.
   * @param data is written before
   */
  async end(data?: string | ArrayBufferView): Promise<void> {
    if (data !== undefined) await this.writeAll(data);
    while (this.#writes > 0) await new Promise<void>((written) => this.#whenWritten.push(written));
    sys.shutdown(this.fd, WRITE);
  }

  /**
   * Passes on to another connection what comes on this one, to the end that the other side makes; then it ends that one's
   * writing half. One chunk at a time: who is slow to read holds one buffer, and nobody else up. Both connections stay open. It
   * takes less time than a loop over the chunks with `writeAll`.
   * @param target a connection of this ring, or of another one
   * @returns how many bytes
   * @throws OpError ECONNRESET, EPIPE: one of the two connections was broken; ETIME: see `timeoutMs`; AbortError; ClosedError
   */
  async pipeTo(target: RingSocket, options: PipeToOptions = {}): Promise<number> {
    if (!RingSocket.is(target)) throw wrongType('target', 'a RingSocket', target);
    checkNames('options', options, ['signal', 'end']);
    const { signal, end = true } = options;
    boolean('options.end', end);
    // throws where it is closed, also if nothing ever comes
    void target.fd;
    const common = signal === undefined ? undefined : { signal };
    target.#writes++;
    let bytes: number;
    try {
      bytes = await this.#pipe(target, common);
    } catch (error) {
      // it was made in a callback: its stack is to have the frames of whoever awaits
      if (error instanceof Error) Error.captureStackTrace(error);
      throw error;
    } finally {
      target.#written();
    }
    if (end) await target.end();
    return bytes;
  }

  /** By callbacks of our own, from the first byte to the last. */
  #pipe(target: RingSocket, common: AsyncOptions | undefined): Promise<number> {
    const dry = { ...common, ...DRY };
    return new Promise((done, failed) => {
      const pipe = new Pipe(
        {
          pool: poolOf(this.#ring),
          size: POOL.bufferSize,
          receivePart: (pool, isDry, told) =>
            this.#ring.recv(this.fd, pool, this.#limited(isDry ? dry : common), told),
          receive: (memory, told) => this.#ring.recv(this.fd, memory, this.#limited(common), told),
          send: (part, told) => target.#ring.send(target.fd, part, target.#limited(common), told),
        },
        done,
        failed,
      );
      pipe.start();
    });
  }

  /** Both directions as a stream of Node.js, for code that wants a Duplex. The end of it is the end of the connection. */
  duplex(options: DuplexOptions = {}): streams.Duplex {
    checkNames('options', options, ['allowHalfOpen']);
    return duplexStream(this, boolean('options.allowHalfOpen', options.allowHalfOpen ?? false));
  }

  /** Ends both halves, then closes it: whoever reads or writes at that moment sees the end. Harmless when repeated. */
  override async close(): Promise<void> {
    if (!this.isOpen) return;
    // operations that wait would hold the connection open
    sys.shutdown(this.fd, BOTH);
    try {
      await super.close();
    } finally {
      this.#onClose?.();
    }
  }

  /** @internal The loops that read it end after what has come. */
  static endReading(socket: RingSocket): void {
    // it may be closing
    if (socket.isOpen) sys.shutdown(socket.fd, READ);
  }

  /** @internal How console.log shows it. */
  override [inspect.custom](): string {
    const shown = super[inspect.custom]().replace('RingFile', 'RingSocket');
    if (!this.isOpen) return shown;
    return shown.replace(' }', `, local: ${addressText(this.local)}, remote: ${addressText(this.remote)} }`);
  }

  /** The options with the limit of the socket, unless they have their own. */
  #limited<O extends AsyncOptions>(options: O | undefined): O | AsyncOptions | undefined {
    const timeoutMs = this.#timeoutMs;
    return timeoutMs === undefined ? options : { timeoutMs, ...options };
  }

  async *#receive(
    signal: AbortSignal | undefined,
    size: number,
    isReused: boolean,
    isPooled: boolean,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const options = signal === undefined ? undefined : { signal };
    const pool = isPooled ? poolOf(this.#ring) : undefined;
    const fromPool = pool && ((fd: number) => this.#ring.recv(fd, pool, this.#limited(options)));
    let own: Uint8Array | undefined;
    for (;;) {
      if (fromPool !== undefined && own === undefined) {
        let part: BufferPart | undefined;
        try {
          // awaited here and in no function between: what waits for a quiet connection is kept for long
          part = await this.withFd(fromPool);
          if (part === undefined) return;
        } catch (error) {
          if (!isExhausted(error)) throw error;
          // whom the pool had no buffer for keeps to its own: there are more receivers than buffers
          own = new Uint8Array(size);
          continue;
        }
        try {
          yield isReused ? part.bytes : part.bytes.slice();
        } finally {
          part.release();
        }
      } else {
        own ??= new Uint8Array(size);
        const count = await this.read(own, options);
        if (count === 0) return;
        yield own.subarray(0, count);
        if (!isReused) own = new Uint8Array(size);
      }
    }
  }
}
