/** One request, many completions: an async iterator that arms itself again when the kernel stops. */
import { AbortError } from '../errors.ts';
import type { OpName } from '../register/support.ts';
import { Flight } from './flight.ts';

const ECANCELED = 125;
const ENOBUFS = 105;
/** So many results may wait for the consumer before the kernel is asked to stop. */
const HIGH_WATER = 256;

/** What a kind of multishot operation does with its completions. */
export interface Source<T> {
  /** A result, or undefined where the completion ends the stream (a receive of 0 bytes). */
  readonly convert: (res: number, flags: number) => T | undefined;
  /** Undoes a result that nobody gets: closes a socket, gives a buffer back. */
  readonly undo: (value: T) => void;
  /** Puts the request to the kernel. */
  readonly arm: (flight: Flight) => void;
  /** Asks the kernel to stop the request. */
  readonly stop: (flight: Flight) => void;
  /** Calls back once when a buffer is there again, for requests that ended with ENOBUFS. */
  readonly whenBuffer?: ((callback: () => void) => void) | undefined;
}

interface Consumer<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The results of a multishot operation. It starts with the first `next()`, so that one that is never used costs
 * nothing; leaving a `for await` loop stops it. Results that nobody takes are undone.
 */
export class Multishot<T> extends Flight implements AsyncIterableIterator<T, undefined> {
  readonly #source: Source<T>;
  #results: T[] = [];
  #consumers: Consumer<T>[] = [];
  #isArmed = false;
  #isPaused = false;
  #isEnding = false;
  #isOver = false;
  #error: { readonly error: unknown } | undefined;
  #ended: (() => void)[] = [];
  /** Takes the listener off the signal. */
  forgetSignal: (() => void) | undefined;

  constructor(op: OpName, source: Source<T>) {
    super(op);
    this.#source = source;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return new Promise((resolve, reject) => {
      this.#consumers.push({ resolve, reject });
      this.#feed();
      if (!this.#isOver && !this.#isEnding) this.#armIfWanted();
    });
  }

  /** Stops the request; resolves when the kernel has let go. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.#end(undefined);
    if (this.#isArmed) await new Promise<void>((resolve) => this.#ended.push(resolve));
    this.#drop();
    return { done: true, value: undefined };
  }

  /** Ends with AbortError, when the kernel has let go. */
  abort(reason: unknown): void {
    this.#end({ error: new AbortError(reason) });
  }

  #end(error: { readonly error: unknown } | undefined): void {
    if (this.#isOver || this.#isEnding) return;
    this.#isEnding = true;
    this.#error = error;
    if (this.#isArmed) this.#source.stop(this);
    else this.#finish();
  }

  override complete(res: number, flags: number, isLast: boolean): void {
    if (isLast) {
      this.slot = undefined;
      this.memory = undefined;
      this.#isArmed = false;
    }
    if (res >= 0) this.#take(res, flags);
    if (isLast) this.#stopped(res);
    this.#feed();
  }

  #take(res: number, flags: number): void {
    const value = this.#source.convert(res, flags);
    if (value === undefined) this.#isEnding = true;
    else {
      this.#results.push(value);
      if (this.#results.length >= HIGH_WATER && this.#isArmed && !this.#isPaused) {
        this.#isPaused = true;
        this.#source.stop(this);
      }
    }
  }

  /** The kernel stopped: because we wanted, for want of a buffer, for an error, or for no reason of ours. */
  #stopped(res: number): void {
    const { whenBuffer } = this.#source;
    if (this.#isEnding) this.#finish();
    else if (res === -ENOBUFS && whenBuffer !== undefined) whenBuffer(() => this.#armIfWanted());
    else if (res >= 0 || (res === -ECANCELED && this.#isPaused)) {
      this.#isPaused = false;
      this.#armIfWanted();
    } else {
      this.#error = { error: this.error(res) };
      this.#finish();
    }
  }

  #armIfWanted(): void {
    if (this.#isArmed || this.#isOver || this.#isEnding || this.#results.length >= HIGH_WATER / 2) return;
    this.#isArmed = true;
    this.#source.arm(this);
  }

  /** Results to those who wait for them; then the end, if it has come. */
  #feed(): void {
    while (this.#consumers.length > 0 && this.#results.length > 0) {
      const value = this.#results.shift();
      if (value !== undefined) this.#consumers.shift()?.resolve({ done: false, value });
    }
    if (!this.#isOver) return;
    for (const { resolve, reject } of this.#consumers.splice(0)) {
      const failure = this.#error;
      this.#error = undefined;
      if (failure === undefined) resolve({ done: true, value: undefined });
      else reject(failure.error);
    }
  }

  #finish(): void {
    this.#isOver = true;
    this.forgetSignal?.();
    for (const ended of this.#ended.splice(0)) ended();
    this.#feed();
  }

  #drop(): void {
    for (const value of this.#results.splice(0)) this.#source.undo(value);
  }

  override fail(error: unknown): void {
    this.#isArmed = false;
    this.#error = { error };
    this.#finish();
    if (this.#consumers.length === 0 && this.#isEnding) this.#drop();
  }

  override discard(res: number, flags: number): void {
    if (res < 0) return;
    const value = this.#source.convert(res, flags);
    if (value !== undefined) this.#source.undo(value);
  }
}
