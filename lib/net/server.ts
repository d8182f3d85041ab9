/** A server: an async iterator of its connections. */
import { unlinkSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';
import type { SocketAddress } from '../../structs/address.ts';
import { boolean, options as checkNames, integer, optionalSignal } from '../../structs/check.ts';
import type { IteratorOptions } from '../async/base.ts';
import { copyOf } from '../async/departure.ts';
import type { Results } from '../async/multishot.ts';
import { closeBy, RingFile } from '../async/ring-file.ts';
import { whenAborted } from '../async/signals.ts';
import { AbortError, ClosedError, OpError, StateError, SyscallError, UnsupportedError } from '../errors.ts';
import type { File } from '../operations/types.ts';
import { threadBound } from '../ring/core/thread-bound.ts';
import { MAX_TIMER_MS, milliseconds } from '../ring/core/time.ts';
import { isOlderThan } from '../sys/host.ts';
import { sys } from '../sys/syscall.ts';
import {
  bindSocket,
  checkCall,
  type Endpoint,
  flagsOf,
  nameOf,
  openSocket,
  placeOf,
  resolve,
  STREAM,
} from './endpoint.ts';
import { addressText, RingSocket, type SocketRing, setNoDelay } from './socket.ts';

/** Options of `createServer`. */
export interface ServerOptions {
  /** The address or name to listen on; every address of this host when absent. */
  readonly host?: string | undefined;
  /** 0, or absent: a free one, which `address()` tells. */
  readonly port?: number | string | undefined;
  /** Listens on a Unix socket; its file is removed on close. */
  readonly path?: string | undefined;
  /** How many connections may wait to be accepted; 511 when absent, as Node.js has it. */
  readonly backlog?: number | undefined;
  /** SO_REUSEADDR: the port of a server that has just ended is free at once; true when absent. */
  readonly reuseAddr?: boolean | undefined;
  /** SO_REUSEPORT: several servers share the port, and the kernel shares the connections out. */
  readonly reusePort?: boolean | undefined;
  /** No connections by IPv4 on an address of IPv6. */
  readonly ipv6Only?: boolean | undefined;
  /** TCP_NODELAY of its connections; true when absent. */
  readonly noDelay?: boolean | undefined;
  /** How long a read or a write of its connections may wait for the other side; see `socket.timeoutMs`. */
  readonly timeoutMs?: number | undefined;
  /** Closes the server; its loop then rejects with AbortError. */
  readonly signal?: AbortSignal | undefined;
}

/** What a server needs of its ring. */
export interface ServerRing extends SocketRing {
  accept(server: File, options?: object): Promise<RingFile>;
  acceptMultishot(server: File, options?: IteratorOptions): Results<RingFile>;
}

const NAMES = [
  ...['host', 'port', 'path', 'backlog', 'reuseAddr', 'reusePort', 'ipv6Only'],
  ...['noDelay', 'timeoutMs', 'signal'],
];
const MULTISHOT_SINCE = '5.19';
const BACKLOG = 511;
const MAX_BACKLOG = 0x7fff_ffff;
/** So long a server that has no fd, or no memory, for another connection waits before it tries again. */
const PAUSE_MS = 100;
const WAITING = ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'];
/** Connections that are broken before they are accepted. */
const BROKEN = ['ECONNABORTED', 'EPROTO', 'EPERM'];
/** What a host without IPv6 says. */
const WITHOUT_IPV6 = ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'];

/** Does this kernel have no multishot accept? Before 5.19 it says EINVAL, and no trial tells which of the causes it has. */
function isRefused(error: unknown): boolean {
  if (error instanceof UnsupportedError) return true;
  return error instanceof OpError && error.code === 'EINVAL' && isOlderThan(MULTISHOT_SINCE);
}

type Checked = ReturnType<typeof check>;

function check(given: ServerOptions) {
  checkNames('options', given, NAMES);
  // each option is read once: a getter may give another value the next time
  const options: ServerOptions = copyOf(given);
  const { reuseAddr = true, noDelay = true, backlog = BACKLOG, timeoutMs, signal } = options;
  optionalSignal('options.signal', signal);
  if (timeoutMs !== undefined) milliseconds('options.timeoutMs', timeoutMs);
  return {
    place: placeOf('options', options, 0),
    backlog: integer('options.backlog', backlog, 0, MAX_BACKLOG),
    flags: flagsOf({ ...options, reuseAddr }),
    noDelay: boolean('options.noDelay', noDelay),
    timeoutMs,
    signal,
  };
}

/** A socket that listens. */
function listenAt(endpoint: Endpoint, { flags, backlog, noDelay }: Checked): number {
  const fd = openSocket(endpoint, STREAM);
  try {
    if (endpoint.family !== 'unix') {
      for (const [level, option] of flags)
        checkCall('setsockopt', sys.setsockopt(fd, level, option, 1), endpoint);
      // connections have it from the socket that listens
      setNoDelay(fd, noDelay);
    }
    bindSocket(fd, endpoint);
    checkCall('listen', sys.listen(fd, backlog), endpoint);
    return fd;
  } catch (error) {
    sys.close(fd);
    throw error;
  }
}

/** Listens on every address of this host: those of IPv6, and by the same socket those of IPv4, where the host has IPv6. */
function listenEverywhere(port: number, checked: Checked): number {
  try {
    return listenAt({ family: 'IPv6', address: '::', port }, checked);
  } catch (error) {
    if (!(error instanceof SyscallError && WITHOUT_IPV6.includes(error.code))) throw error;
    return listenAt({ family: 'IPv4', address: '0.0.0.0', port }, checked);
  }
}

/**
 * A server of `ring.createServer()`: `for await (const socket of server)` gives its connections. Leaving the loop closes it.
 * Connections that the loop has given stay open: they belong to whoever got them.
 */
export class RingServer implements AsyncIterable<RingSocket>, AsyncDisposable {
  /** @internal */
  protected readonly threadBound: () => string = threadBound;
  readonly #ring: ServerRing;
  readonly #options: Checked;
  readonly #listening: Promise<number>;
  readonly #sockets = new Set<RingSocket>();
  readonly #forgetSignal: () => void;
  /** Ends the request that waits for connections. */
  readonly #stop = new AbortController();
  #fd = -1;
  readonly #accepting = new Set<Results<RingFile>>();
  #closing: Promise<void> | undefined;
  /** Called when no connection is open: each shutdown waits for it. */
  readonly #whenDrained: (() => void)[] = [];

  /** @internal */
  constructor(ring: ServerRing, options: ServerOptions) {
    this.#ring = ring;
    this.#options = check(options);
    const { signal } = this.#options;
    this.#listening = this.#listen();
    // whoever asks for the address, or for a connection, is told
    this.#listening.catch(() => {});
    this.#forgetSignal = whenAborted(signal, () => void this.close().catch(() => {}));
  }

  async #listen(): Promise<number> {
    const { place, signal } = this.#options;
    if (this.#ring.isClosed) throw new ClosedError('the ring');
    if (signal?.aborted) throw new AbortError(signal.reason);
    if (place.path === undefined && place.host === undefined)
      this.#fd = listenEverywhere(place.port, this.#options);
    else {
      const [endpoint] = await resolve(place, 0);
      if (this.#closing !== undefined) throw this.#ended();
      if (this.#ring.isClosed) throw new ClosedError('the ring');
      this.#fd = listenAt(endpoint, this.#options);
    }
    return this.#fd;
  }

  /**
   * Where it listens: the port that was chosen, too.
   * @throws SyscallError EADDRINUSE: another one listens there; EACCES: a port below 1024 needs CAP_NET_BIND_SERVICE;
   *   what `node:dns` says of a name; ClosedError after close
   */
  async address(): Promise<SocketAddress> {
    const fd = await this.#listening;
    const address = this.#closing === undefined ? nameOf(fd, 'getsockname') : undefined;
    if (address === undefined) throw this.#ended();
    return address;
  }

  /**
   * The port that it listens on, which was chosen where 0 was asked for.
   * @throws as `address()`; StateError for a Unix socket
   */
  async port(): Promise<number> {
    const address = await this.address();
    if ('port' in address) return address.port;
    throw new StateError('a Unix socket has no port: see address()');
  }

  /** How many of its connections are open. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Its connections, as they come. Only one loop has them. */
  async *[Symbol.asyncIterator](): AsyncGenerator<RingSocket, void, undefined> {
    try {
      const fd = await this.#fdOrEnd();
      for (let isMultishot = true; this.#closing === undefined; ) {
        try {
          yield* this.#accept(fd, isMultishot);
        } catch (error) {
          if (this.#closing !== undefined) break;
          if (isMultishot && isRefused(error)) isMultishot = false;
          else if (error instanceof OpError && WAITING.includes(error.code)) await pause(PAUSE_MS);
          else if (!(error instanceof OpError && BROKEN.includes(error.code))) throw error;
        }
      }
    } finally {
      await this.close();
    }
    const { signal } = this.#options;
    if (signal?.aborted) throw new AbortError(signal.reason);
    if (this.#ring.isClosed) throw new ClosedError('the ring');
  }

  /** What listens; -1 where the server was closed before its name was resolved. */
  async #fdOrEnd(): Promise<number> {
    try {
      return await this.#listening;
    } catch (error) {
      if (this.#closing !== undefined && error instanceof ClosedError) return -1;
      throw error;
    }
  }

  /** Accepts until something is wrong: by one request for all of them, or before 5.19 by one for each. */
  async *#accept(fd: number, isMultishot: boolean): AsyncGenerator<RingSocket, void, undefined> {
    const { signal } = this.#stop;
    while (!isMultishot) yield this.#connected(await this.#ring.accept(fd, { signal }));
    const results = this.#ring.acceptMultishot(fd, { signal });
    this.#accepting.add(results);
    try {
      for await (const file of results) yield this.#connected(file);
    } finally {
      this.#accepting.delete(results);
    }
  }

  #connected(file: RingFile): RingSocket {
    const socket: RingSocket = new RingSocket(
      RingFile.detach(file),
      this.#ring,
      this.#options.timeoutMs,
      () => {
        this.#sockets.delete(socket);
        if (this.#sockets.size === 0) for (const told of this.#whenDrained.splice(0)) told();
      },
    );
    this.#sockets.add(socket);
    return socket;
  }

  /** Stops listening: the loop ends. Connections that it has given stay open; those that it has not come to are dropped. Harmless when repeated. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#forgetSignal();
    // what is being resolved ends by itself
    if (this.#fd < 0) return;
    this.#stop.abort();
    // a request that waits for a connection would hold the port
    sys.shutdown(this.#fd, 2);
    const { path } = this.#options.place;
    if (path !== undefined && path[0] !== '\0') removeSocket(path);
    // connections that the loop has not come to go as those do that wait in the kernel
    await Promise.all([...this.#accepting].map((results) => results.return()));
    await closeBy(this.#ring, this.#fd);
  }

  /**
   * Ends it in peace: stops listening, and ends the reading half of each connection, so that the loops that read them end after
   * what has come; resolves when all connections are closed. What is open after `timeoutMs` is closed then.
   * @param options `timeoutMs`: 10,000 when absent
   * @returns how many connections had to be closed
   */
  async shutdown(options: { readonly timeoutMs?: number | undefined } = {}): Promise<number> {
    checkNames('options', options, ['timeoutMs']);
    const { timeoutMs = 10_000 } = options;
    milliseconds('options.timeoutMs', timeoutMs);
    await this.close();
    for (const socket of this.#sockets) RingSocket.endReading(socket);
    await this.#drained(timeoutMs);
    const left = [...this.#sockets];
    await Promise.all(left.map((socket) => socket.close()));
    return left.length;
  }

  /** Resolves when no connection is open, or when the time is over. */
  async #drained(timeoutMs: number): Promise<void> {
    if (this.#sockets.size === 0) return;
    await new Promise<void>((resolved) => {
      const timer = setTimeout(resolved, Math.min(timeoutMs, MAX_TIMER_MS));
      this.#whenDrained.push(() => {
        clearTimeout(timer);
        resolved();
      });
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #ended(): Error {
    const { signal } = this.#options;
    return signal?.aborted ? new AbortError(signal.reason) : new ClosedError('the server');
  }

  /** @internal How console.log shows it. */
  [inspect.custom](): string {
    if (this.#closing !== undefined) return 'RingServer { closed }';
    const where = this.#fd < 0 ? '?' : addressText(nameOf(this.#fd, 'getsockname'));
    return `RingServer { address: ${where}, connections: ${this.#sockets.size} }`;
  }
}

/** Removes the file of a Unix socket, which somebody else may have removed. */
function removeSocket(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // there is nothing to remove
  }
}
