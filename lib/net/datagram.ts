/** Datagrams: UDP, and Unix sockets of that kind. */
import { inspect } from 'node:util';
import type { SocketAddress } from '../../structs/address.ts';
import { options as checkNames, oneOf, optionalSignal, wrongValue } from '../../structs/check.ts';
import type { AsyncOptions } from '../async/base.ts';
import { copyOf } from '../async/departure.ts';
import { closeBy, dataOf } from '../async/ring-file.ts';
import { whenAborted } from '../async/signals.ts';
import { AbortError, ClosedError } from '../errors.ts';
import {
  type IncomingMessage,
  MessageBuffer,
  type OutgoingMessage,
  type ReceivedMessage,
} from '../operations/msghdr.ts';
import type { File } from '../operations/types.ts';
import { threadBound } from '../ring/core/thread-bound.ts';
import { sys } from '../sys/syscall.ts';
import {
  bindSocket,
  checkCall,
  DATAGRAM,
  type Endpoint,
  flagsOf,
  nameOf,
  openSocket,
  type Place,
  placeOf,
  resolve,
} from './endpoint.ts';
import { addressText, type SocketRing } from './socket.ts';

/** Options of `createSocket`. */
export interface DatagramOptions {
  /** `'udp4'` when absent; `'unix'` where there is a path. */
  readonly type?: 'udp4' | 'udp6' | 'unix' | undefined;
  /** The address or name that it is bound to; every address of this host when absent. */
  readonly host?: string | undefined;
  /** 0, or absent: a free one, which `localPort` tells. */
  readonly port?: number | string | undefined;
  /** The path of a Unix socket. */
  readonly path?: string | undefined;
  /** SO_REUSEADDR. */
  readonly reuseAddr?: boolean | undefined;
  /** SO_REUSEPORT: several sockets share the port, and the kernel shares the datagrams out. */
  readonly reusePort?: boolean | undefined;
  /** No datagrams by IPv4 on an address of IPv6. */
  readonly ipv6Only?: boolean | undefined;
  /** SO_BROADCAST: it may send to broadcast addresses. */
  readonly broadcast?: boolean | undefined;
  /** Closes the socket; its loop then rejects with AbortError. */
  readonly signal?: AbortSignal | undefined;
}

/** A datagram that came. */
export interface Datagram {
  /** A copy: it stays as it is. */
  readonly data: Uint8Array;
  /** Who sent it; undefined for a Unix socket without a name. */
  readonly remote: SocketAddress | undefined;
  /** Was it longer than `data`? */
  readonly isTruncated: boolean;
}

/** What a socket of datagrams needs of its ring. */
export interface DatagramRing extends SocketRing {
  sendmsg(socket: File, message: OutgoingMessage, options?: AsyncOptions): Promise<number>;
  recvmsg(
    socket: File,
    room: MessageBuffer | IncomingMessage,
    options?: AsyncOptions,
  ): Promise<ReceivedMessage>;
}

const NAMES = [
  ...['type', 'host', 'port', 'path', 'reuseAddr', 'reusePort', 'ipv6Only', 'broadcast', 'signal'],
];
/** No datagram of UDP is larger. */
const ROOM = 65_536;
const MSG_TRUNC = 0x20;

/** A bound socket. */
export async function createDatagram(ring: DatagramRing, given: DatagramOptions): Promise<RingDatagram> {
  checkNames('options', given, NAMES);
  // each option is read once: a getter may give another value the next time
  const options: DatagramOptions = copyOf(given);
  const { path, signal } = options;
  const kind = oneOf('options.type', options.type ?? (path === undefined ? 'udp4' : 'unix'), [
    ...['udp4', 'udp6', 'unix'],
  ]);
  optionalSignal('options.signal', signal);
  if (kind !== 'unix' && path !== undefined)
    throw wrongValue('options.path', `absent with type '${kind}'`, path);
  const flags = flagsOf(options);
  const everywhere = kind === 'udp6' ? '::' : '0.0.0.0';
  const { host, port } = options;
  const place =
    kind === 'unix'
      ? placeOf('options', { host, port, path: path ?? '' })
      : placeOf('options', { host: host ?? everywhere, port }, 0);
  const family = kind === 'udp6' ? 6 : 4;
  const [endpoint] = await resolve(place, family);
  if (signal?.aborted) throw new AbortError(signal.reason);
  if (ring.isClosed) throw new ClosedError('the ring');
  const fd = openSocket(endpoint, DATAGRAM);
  try {
    for (const [level, option] of flags)
      checkCall('setsockopt', sys.setsockopt(fd, level, option, 1), endpoint);
    if (endpoint.family !== 'unix' || endpoint.path !== '') bindSocket(fd, endpoint);
    return new RingDatagram(fd, ring, family, signal);
  } catch (error) {
    sys.close(fd);
    throw error;
  }
}

/** A socket of datagrams, of `ring.createSocket()`: `for await (const { data, remote } of socket)`. */
export class RingDatagram implements AsyncIterable<Datagram>, AsyncDisposable {
  /** @internal */
  protected readonly threadBound: () => string = threadBound;
  readonly #ring: DatagramRing;
  readonly #family: 4 | 6;
  readonly #isUnix: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #forgetSignal: () => void;
  /** Ends what waits for a datagram, or to send one. */
  readonly #stop = new AbortController();
  #fd: number;

  /** @internal */
  constructor(fd: number, ring: DatagramRing, family: 4 | 6, signal: AbortSignal | undefined) {
    this.#fd = fd;
    this.#ring = ring;
    this.#family = family;
    this.#isUnix = this.local?.family === 'unix';
    this.#signal = signal;
    this.#forgetSignal = whenAborted(signal, () => void this.close().catch(() => {}));
  }

  /** Its file descriptor. It stays the socket's: do not close it. */
  get fd(): number {
    if (this.#fd < 0) throw new ClosedError('the socket');
    return this.#fd;
  }

  /** Where it is bound. */
  get local(): SocketAddress | undefined {
    return this.#fd < 0 ? undefined : nameOf(this.#fd, 'getsockname');
  }

  /** Whom it is connected with. */
  get remote(): SocketAddress | undefined {
    return this.#fd < 0 ? undefined : nameOf(this.#fd, 'getpeername');
  }

  /** The IP address that it is bound to; undefined for a Unix socket. */
  get localAddress(): string | undefined {
    const { local } = this;
    return local !== undefined && 'address' in local ? local.address : undefined;
  }

  /** The port that it is bound to; undefined for a Unix socket. */
  get localPort(): number | undefined {
    const { local } = this;
    return local !== undefined && 'port' in local ? local.port : undefined;
  }

  /**
   * Sends a datagram.
   * @param data text goes as UTF-8. The memory must not be changed before the promise is settled
   * @param to `{ host, port }`, the host by address or by name, or `{ path }`; absent on a connected socket
   * @returns how many bytes
   * @throws OpError EMSGSIZE: it is larger than a datagram can be; ECONNREFUSED: nobody has that port, as the answer to an
   *   earlier one says; EDESTADDRREQ: { to } is absent, and the socket is not connected; ClosedError after close
   */
  async send(data: string | ArrayBufferView, to?: Place, options: AsyncOptions = {}): Promise<number> {
    const bytes = dataOf(data);
    const where = to === undefined ? undefined : await this.#resolve(to);
    const { fd } = this;
    const message = { data: bytes, to: where };
    // only a Unix socket waits until its peer receives
    if (!this.#isUnix) return this.#ring.sendmsg(fd, message, options);
    return this.#untilClosed(options.signal, (signal) =>
      this.#ring.sendmsg(fd, message, { ...options, signal }),
    );
  }

  /** Ties it to one peer: `send(data)` goes there, and only what comes from there is received. */
  async connect(to: Place, options: AsyncOptions = {}): Promise<void> {
    await this.#ring.connect(this.fd, await this.#resolve(to), options);
  }

  async #resolve(to: Place): Promise<Endpoint> {
    checkNames('to', to, ['host', 'port', 'path']);
    const [endpoint] = await resolve(placeOf('to', to), this.#family);
    return endpoint;
  }

  /** The next datagram. @throws AbortError; ClosedError when the socket is closed */
  async receive(options: Pick<AsyncOptions, 'signal' | 'timeoutMs'> = {}): Promise<Datagram> {
    checkNames('options', options, ['signal', 'timeoutMs']);
    const { signal, timeoutMs } = options;
    return this.#untilClosed(signal, (either) =>
      this.#receive(new MessageRoom(), { signal: either, timeoutMs }),
    );
  }

  /** An operation that its signal ends, or closing the socket. */
  async #untilClosed<T>(
    signal: AbortSignal | undefined,
    start: (either: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const stop = this.#stop.signal;
    optionalSignal('options.signal', signal);
    try {
      return await start(signal === undefined ? stop : AbortSignal.any([signal, stop]));
    } catch (error) {
      throw stop.aborted && error instanceof AbortError ? this.#ended() : error;
    }
  }

  async #receive({ data, room }: MessageRoom, options: AsyncOptions): Promise<Datagram> {
    const { bytes, address, flags } = await this.#ring.recvmsg(this.fd, room, options);
    return { data: data.slice(0, bytes), remote: address, isTruncated: (flags & MSG_TRUNC) !== 0 };
  }

  /** The datagrams that come, to the end of the socket: leaving the loop does not close it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Datagram, void, undefined> {
    const room = new MessageRoom();
    const { signal } = this.#stop;
    try {
      for (;;) yield await this.#receive(room, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
      if (this.#signal?.aborted) throw this.#ended();
    }
  }

  /** Closes it: its loop ends. Harmless when repeated. */
  async close(): Promise<void> {
    const fd = this.#fd;
    this.#fd = -1;
    if (fd < 0) return;
    this.#forgetSignal();
    // what waits for a datagram, or to send one, would hold the port
    this.#stop.abort();
    await closeBy(this.#ring, fd);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #ended(): Error {
    return this.#signal?.aborted ? new AbortError(this.#signal.reason) : new ClosedError('the socket');
  }

  /** @internal How console.log shows it. */
  [inspect.custom](): string {
    return this.#fd < 0
      ? 'RingDatagram { closed }'
      : `RingDatagram { fd: ${this.#fd}, local: ${addressText(this.local)} }`;
  }
}

/** Room for one datagram and its sender. */
class MessageRoom {
  readonly data = new Uint8Array(ROOM);
  readonly room = new MessageBuffer({ data: this.data, address: true });
}
