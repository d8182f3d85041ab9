/** One request, many completions: an async iterator that arms itself again when the kernel stops. */
import { AbortError } from '../errors.ts';
import type { OperationInfo } from '../operations/operation.ts';
import type { RingCore } from '../ring/core/core.ts';
import { BufferRing } from '../ring/owners/buffer-ring.ts';
import type { PoolHolder } from '../ring/owners/pool-holder.ts';
import { Fifo } from './fifo.ts';
import { Flight } from './flight.ts';
import type { Loop } from './loop.ts';
import { whenAborted } from './signals.ts';

const ECANCELED = 125;
const ENOBUFS = 105;
/** So many results may wait for the consumer before the kernel is asked to stop. */
const HIGH_WATER = 256;

/** What becomes of the completions of a kind of multishot operation. */
export interface Stream<T> {
  /** A result, or undefined where the completion ends the stream (a receive of 0 bytes). */
  readonly convert: (res: number, flags: number) => T | undefined;
  /** Undoes a result that nobody gets: closes a socket, gives a buffer back. */
  readonly undo: (value: T) => void;
  /** An errno that is a result all the same: ETIME is what a timer waits for. */
  readonly success?: number | undefined;
  /** A completion that is an error: gives back what it has. */
  readonly waste?: ((res: number, flags: number) => void) | undefined;
  /** So many results may wait for the consumer before the kernel is asked to stop; HIGH_WATER when absent. */
  readonly highWater?: number | undefined;
  /** When the kernel stopped for no reason of ours: is there more to come? */
  readonly hasMore?: (() => boolean) | undefined;
  /** The pool that it receives into: a request that ended with ENOBUFS waits for a buffer of it. */
  readonly pool?: BufferRing | undefined;
  /** What it holds of the pool. */
  readonly holder?: PoolHolder | undefined;
}

/** How a multishot operation reaches its ring. */
export interface Port {
  /** Checks what was given, before the first request; throws, or returns the signal. */
  readonly prepare: () => AbortSignal | undefined;
  /** Puts the request to the kernel; throws where the ring is closed. */
  readonly arm: (flight: Flight) => void;
  /** Asks the kernel to stop the request. */
  readonly stop: (flight: Flight) => void;
  readonly loop: Pick<Loop, 'limit' | 'sleep' | 'wake'>;
}

interface Consumer<T> {
  /** Whose iterator it is: held as long as somebody waits for a result of it. */
  readonly iterator: object;
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/** Iterators that nobody has any more although they were not left by `return()`. */
const left = new FinalizationRegistry<() => void>((leave) => leave());

/**
 * The results of a multishot operation. It starts with the first `next()`, so that one that is never used costs
 * nothing; leaving a `for await` loop stops it. Results that nobody takes are undone. An iterator that is dropped
 * without `return()` stops when the garbage collector finds it.
 */
export class Results<T> implements AsyncIterableIterator<T, undefined>, AsyncDisposable {
  readonly #flight: Multishot<T>;

  /** @internal */
  constructor(flight: Multishot<T>) {
    this.#flight = flight;
    left.register(this, () => void flight.return());
  }

  /** The next result; `done` when there will be none any more. */
  next(): Promise<IteratorResult<T, undefined>> {
    return this.#flight.next(this);
  }

  /** Stops the request; resolves when the kernel has let go, and what nobody took is undone. */
  return(): Promise<IteratorResult<T, undefined>> {
    return this.#flight.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#flight.return();
  }
}

/** The flight of a multishot operation: it holds no iterator unless somebody waits for a result. */
export class Multishot<T> extends Flight {
  readonly #stream: Stream<T>;
  readonly #highWater: number;
  readonly #port: Port;
  readonly #results = new Fifo<T>();
  #consumers: Consumer<T>[] = [];
  #isArmed = false;
  #isPaused = false;
  /** Does it wait for a buffer? */
  #isStarved = false;
  /** Was it told of a buffer, and nothing has come since? */
  #wasTold = false;
  #isEnding = false;
  #isOver = false;
  #error: { readonly error: unknown } | undefined;
  #ended: (() => void)[] = [];
  #isStarted = false;
  /** Takes the listener off the signal. */
  #forgetSignal: (() => void) | undefined;

  /** @internal */
  constructor(core: RingCore, info: OperationInfo, stream: Stream<T>, port: Port) {
    super(core, info);
    // it can always be stopped
    this.setExtras({});
    this.#stream = stream;
    this.#highWater = stream.holder?.highWater ?? stream.highWater ?? HIGH_WATER;
    this.#port = port;
  }

  /** Arguments that were changed after it was started, by their index. */
  changed: { readonly [index: number]: unknown } | undefined;

  /** The next request is made with another argument. */
  change(index: number, argument: unknown): void {
    this.changed = { ...this.changed, [index]: argument };
  }

  /** For `iterator`, which waits for the result. */
  next(iterator: object): Promise<IteratorResult<T, undefined>> {
    return new Promise((resolve, reject) => {
      this.#consumers.push({ iterator, resolve, reject });
      if (!this.#isStarted) this.#start();
      this.#feed();
      if (this.#isStarved && this.#consumers.length > 0) this.#port.loop.sleep(this);
      this.#armIfWanted();
    });
  }

  /** Puts the request to the kernel before anybody waits for a result. */
  begin(): void {
    this.#start();
    this.#armIfWanted();
  }

  #start(): void {
    this.#isStarted = true;
    if (this.#isOver) return;
    try {
      const signal = this.#port.prepare();
      if (signal?.aborted) this.abort(signal.reason);
      else this.#forgetSignal = whenAborted(signal, () => this.abort(signal?.reason));
    } catch (error) {
      this.fail(error);
    }
  }

  /** Stops the request; resolves when the kernel has let go. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.#end(undefined);
    if (this.#isArmed) await new Promise<void>((resolve) => this.#ended.push(resolve));
    this.#drop();
    return { done: true, value: undefined };
  }

  /** Ends with AbortError, when the kernel has let go, or a little later. */
  abort(reason: unknown): void {
    this.setExtras({ abortReason: { reason } });
    this.#end({ error: new AbortError(reason) });
    if (this.#isArmed) this.#port.loop.limit(this);
  }

  override abandon(): void {
    if (this.#isOver) return;
    this.#error = { error: this.abandonment() };
    this.#finish();
  }

  #end(error: { readonly error: unknown } | undefined): void {
    if (this.#isOver || this.#isEnding) return;
    this.#isEnding = true;
    this.#error = error;
    if (this.#isArmed) this.#port.stop(this);
    else this.#finish();
  }

  override complete(res: number, flags: number, isLast: boolean): void {
    if (isLast) {
      this.slot = undefined;
      this.memory = undefined;
      this.#isArmed = false;
    } else if (this.#isEnding || this.#isPaused || this.#isOver) {
      // the kernel did not find it (a timer that had just gone off, say), and it goes on
      this.#port.stop(this);
    }
    // it was given up, or failed
    if (this.#isOver) {
      this.discard(res, flags);
      if (isLast) this.#letGo();
      return;
    }
    if (this.#isResult(res)) this.#take(res, flags);
    else this.#stream.waste?.(res, flags);
    if (isLast) this.#stopped(res);
    this.#feed();
  }

  #isResult(res: number): boolean {
    return res >= 0 || -res === this.#stream.success;
  }

  #take(res: number, flags: number): void {
    this.#wasTold = false;
    let value: T | undefined;
    try {
      value = this.#stream.convert(res, flags);
    } catch (error) {
      this.#end({ error });
      return;
    }
    if (value === undefined) this.#end(undefined);
    else {
      this.#results.push(value);
      if (this.#results.length >= this.#highWater && this.#isArmed && !this.#isPaused) {
        this.#isPaused = true;
        this.#port.stop(this);
      }
    }
  }

  /** The kernel stopped: because we wanted, for want of a buffer, for an error, or for no reason of ours. */
  #stopped(res: number): void {
    const { pool } = this.#stream;
    if (this.#isEnding) this.#finish();
    else if (res === -ENOBUFS && pool !== undefined) {
      if (this.#consumers.length > 0) this.#port.loop.sleep(this);
      this.#isStarved = true;
      BufferRing.buffersOf(pool).whenFree(this.#bufferIsFree, this.#wasTold);
    } else if (this.#isResult(res) || (res === -ECANCELED && this.#isPaused)) {
      if (this.#stream.hasMore?.() === false) this.#end(undefined);
      else this.#armIfWanted();
    } else {
      this.#error = { error: this.error(res)() };
      this.#finish();
    }
  }

  readonly #bufferIsFree = (): void => {
    this.#isStarved = false;
    this.#wasTold = true;
    this.#armIfWanted();
  };

  #armIfWanted(): void {
    if (this.#isArmed || this.#isStarved || this.#isOver || this.#isEnding) return;
    if (this.#results.length > this.#highWater / 2) return;
    this.#isArmed = true;
    this.#isPaused = false;
    this.#port.loop.wake(this);
    try {
      this.#port.arm(this);
      this.#nameHolder();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Says what it receives from, for those who ask who holds buffers. */
  #nameHolder(): void {
    const { holder } = this.#stream;
    const { slot } = this;
    const { flights } = this.core;
    if (holder !== undefined && slot !== undefined && !flights.isFixedFile(slot))
      holder.fd = flights.fd(slot);
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
    const { pool } = this.#stream;
    // it would take the turn of another
    if (this.#isStarved && pool !== undefined) BufferRing.buffersOf(pool).leave(this.#bufferIsFree);
    this.#port.loop.wake(this);
    this.#forgetSignal?.();
    this.extras?.forgetLimit?.();
    this.#letGo();
    this.#feed();
  }

  /** Tells those who wait for the end of the request. */
  #letGo(): void {
    for (const ended of this.#ended.splice(0)) ended();
  }

  #drop(): void {
    for (let value = this.#results.shift(); value !== undefined; value = this.#results.shift())
      this.#stream.undo(value);
  }

  override fail(error: unknown): void {
    this.#isArmed = false;
    if (this.#isOver) {
      this.#letGo();
      return;
    }
    // the reason why it was to end, if it was, comes first
    if (!this.#isEnding) this.#error = { error };
    if (this.core.isClosed) this.#drop();
    this.#finish();
  }

  override discard(res: number, flags: number): void {
    if (res < 0) this.#stream.waste?.(res, flags);
    if (res < 0) return;
    const value = this.#stream.convert(res, flags);
    if (value !== undefined) this.#stream.undo(value);
  }
}
