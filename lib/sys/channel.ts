/** A pipe one end of which the runtime reads: writing a byte to the other end calls back in its event loop. */
import net from 'node:net';
import { SyscallError } from '../errors.ts';
import { sys } from './syscall.ts';

const NONBLOCK_CLOEXEC = 0o2004000;
const SOCK_STREAM = 1;
const isBun = 'bun' in process.versions;
/** Bytes that are read at once. What they are does not matter. */
const READ_BYTES = 256;

/** net.Socket as Node.js and Deno make it from an fd; its declaration lacks `onread`. */
interface SocketOptions extends net.SocketConstructorOpts {
  readonly onread: {
    readonly buffer: Uint8Array;
    readonly callback: () => boolean;
  };
}

/** The reading and the writing end. Bun has no stream over a pipe that lets the event loop end: there it is a socket. */
function openPair(): [reader: number, writer: number] {
  const fds = new Int32Array(2);
  const result = isBun
    ? sys.socketpair(SOCK_STREAM | NONBLOCK_CLOEXEC, fds)
    : sys.pipe(fds, NONBLOCK_CLOEXEC);
  if (result < 0) throw new SyscallError(isBun ? 'socketpair' : 'pipe2', -result);
  const [reader = -1, writer = -1] = fds;
  return [reader, writer];
}

/** The runtime's stream over `fd`, which it closes itself. Bun makes it by connect(), the others by the constructor. */
function openStream(fd: number, onByte: () => void): net.Socket {
  if (isBun) return net.connect({ fd } as unknown as net.IpcNetConnectOpts).on('data', onByte);
  const callback = () => {
    onByte();
    return true;
  };
  const options: SocketOptions = {
    fd,
    readable: true,
    writable: false,
    onread: { buffer: new Uint8Array(READ_BYTES), callback },
  };
  return new net.Socket(options).resume();
}

/** Calls back in this thread's event loop after a byte was written to `writer`. */
export class Channel {
  /** The end to write to. The caller closes it. */
  readonly writer: number;
  readonly #stream: net.Socket;

  /** @param onByte runs as any callback of node:net does; called once for several bytes that came together */
  constructor(onByte: () => void) {
    const [reader, writer] = openPair();
    this.writer = writer;
    try {
      this.#stream = openStream(reader, onByte);
    } catch (error) {
      sys.close(reader);
      sys.close(writer);
      throw error;
    }
    // the other end is closed together with this one
    this.#stream.on('error', () => {});
    this.#stream.unref();
  }

  /** Keeps the event loop alive. */
  ref(): void {
    this.#stream.ref();
  }

  /** Lets the event loop end. */
  unref(): void {
    this.#stream.unref();
  }

  /** Closes the reading end. */
  close(): void {
    this.#stream.destroy();
  }
}
