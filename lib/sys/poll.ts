/** A file descriptor in Node's event loop, by koffi's uv_poll_t. */
import { readFileSync } from 'node:fs';
import { koffi } from '../../structs/koffi.ts';
import { SyscallError, UnsupportedError } from '../errors.ts';
import * as ffi from './ffi.ts';
import { kernelRelease } from './host.ts';

/** What koffi.node.poll really gives (its declaration says otherwise). Every method after close() is a SIGSEGV. */
interface Handle {
  start(options: { readable: true }, callback: (status: number) => void): void;
  ref(): void;
  unref(): void;
  stop(): void;
  close(): void;
}

type Poll = (fd: number, options: { readable: true }, callback: (status: number) => void) => Handle;

const F_GETFD = 1;
const RTLD_NOW_NODELETE = 0x1002;
let pinned = false;

/**
 * Keeps koffi's library loaded for ever. Without this a worker that ends with a live handle takes the process with it:
 * Node unloads the library before libuv's close callback runs.
 */
function pin(): void {
  if (pinned) return;
  pinned = true;
  const line = readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .find((each) => each.endsWith('/koffi.node'));
  if (line !== undefined) ffi.dlopen(line.slice(line.indexOf('/')), RTLD_NOW_NODELETE);
}

const isDeno = 'deno' in process.versions;
/** Deno's thread that watches an fd looks for the end every 10 ms, and its last call may wait in the loop. */
const DENO_CLOSE_MS = 1000;

/** Calls back when an fd is readable, again and again while it is. */
export class FdPoll {
  #handle: Handle | undefined;
  readonly #onReadable: () => void;

  /**
   * @param onReadable must not throw, and runs outside of Node's callback scope: it may only set a flag and call
   *   setImmediate. It is also called when polling fails.
   */
  constructor(fd: number, onReadable: () => void) {
    const poll = (koffi as unknown as { readonly node?: { readonly poll?: Poll } }).node?.poll;
    if (poll === undefined) {
      throw new UnsupportedError('koffi.node.poll', {
        why: 'needs koffi 2.15 or newer',
        kernel: kernelRelease,
      });
    }
    // a bad fd aborts the process inside of koffi
    if (ffi.fcntl(fd, F_GETFD) === -1) throw new SyscallError('fcntl', ffi.errno() || 5);
    pin();
    this.#onReadable = onReadable;
    this.#handle = poll(fd, { readable: true }, isDeno ? this.#onceReadable : onReadable);
    this.#handle.unref();
  }

  /** Deno watches until the first call only (denoland/deno#36317): again, once what was told has been looked at. */
  readonly #onceReadable = (): void => {
    if (this.#handle === undefined) return;
    this.#onReadable();
    setImmediate(() => this.#handle?.start({ readable: true }, this.#onceReadable));
  };

  /** Holds the process. */
  ref(): void {
    this.#handle?.ref();
  }

  /** Lets the process end. */
  unref(): void {
    this.#handle?.unref();
  }

  /** Stops for good. Harmless when repeated. */
  close(): void {
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle === undefined) return;
    if (!isDeno) {
      handle.close();
      return;
    }
    // koffi's part of a closed handle is freed, and Deno may still call it
    handle.stop();
    setTimeout(() => setImmediate(() => handle.close()), DENO_CLOSE_MS).unref();
  }
}
