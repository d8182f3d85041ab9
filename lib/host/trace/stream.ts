/** A session as an async iterator. */
import { AbortError } from '../../errors.ts';
import type { LostEvents, TraceEnd, TraceStart } from './records.ts';
import { type Job, Session } from './session.ts';

/**
 * Records of a session, to be read with `for await`. It begins with the first `next()`; leaving the loop ends it and
 * takes everything back from the kernel. So does the process when it exits; what a killed one leaves, the next one removes.
 */
export class RecordStream<R, E> implements AsyncDisposable {
  readonly #job: Job<R, E>;
  readonly #signal: AbortSignal | undefined;
  #session: Session<R, E> | undefined;
  #isOver = false;

  /** @internal */
  constructor(job: Job<R, E>, signal: AbortSignal | undefined) {
    this.#job = job;
    this.#signal = signal;
  }

  readonly #abort = (): void => void this.#session?.fail(new AbortError(this.#signal?.reason));

  #begin(): Session<R, E> {
    const session = new Session(this.#job);
    this.#session = session;
    if (this.#signal?.aborted) this.#abort();
    else this.#signal?.addEventListener('abort', this.#abort, { once: true });
    return session;
  }

  /**
   * The next record: `start` first, `end` last.
   * @throws UnsupportedError no tracefs is mounted, or this kernel has no such events
   * @throws SyscallError EACCES, EPERM: only root may trace; ESRCH: there is no such process; ENOMEM: no room for buffers
   * @throws AbortError
   */
  async next(): Promise<IteratorResult<R | TraceStart | LostEvents | TraceEnd, undefined>> {
    if (this.#session === undefined && this.#isOver) return { done: true, value: undefined };
    const session = this.#session ?? this.#begin();
    try {
      const result = await session.next();
      if (result.done) this.#forgetSignal();
      return result;
    } catch (error) {
      this.#forgetSignal();
      throw error;
    }
  }

  /** Ends in good order: what was seen until now still comes, and then the record `end`. */
  stop(): void {
    if (this.#session === undefined) this.#isOver = true;
    else void this.#session.stop();
  }

  /** Ends at once; resolves when nothing of it is left. */
  async return(): Promise<IteratorResult<R | TraceStart | LostEvents | TraceEnd, undefined>> {
    this.#isOver = true;
    this.#forgetSignal();
    await this.#session?.return();
    return { done: true, value: undefined };
  }

  #forgetSignal(): void {
    this.#signal?.removeEventListener('abort', this.#abort);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
