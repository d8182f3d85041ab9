/** A file that a ring opened. */
import { ClosedError } from '../errors.ts';
import { sys } from '../sys/syscall.ts';

/** Closes one file through its ring. */
export type CloseFd = (fd: number) => Promise<void>;

/** An open file: `await using file = await ring.open(path)` closes it at the end of the block. */
export class RingFile implements AsyncDisposable {
  readonly #close: CloseFd;
  #fd: number;

  /** @internal */
  constructor(fd: number, close: CloseFd) {
    this.#fd = fd;
    this.#close = close;
  }

  /** Its file descriptor. It stays the file's: do not close it. */
  get fd(): number {
    if (this.#fd < 0) throw new ClosedError('the file');
    return this.#fd;
  }

  /** Closes it: through the ring, or directly when the ring is closed. Harmless when repeated. */
  async close(): Promise<void> {
    const fd = this.#fd;
    this.#fd = -1;
    if (fd < 0) return;
    try {
      await this.#close(fd);
    } catch (error) {
      // a ring that closed before the operation started has not closed the file
      if (!(error instanceof ClosedError)) throw error;
      sys.close(fd);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
