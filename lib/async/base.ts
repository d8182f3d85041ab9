/** What the families of operations of AsyncRing are built on: one operation, one promise. */
import { integer, wrongType, wrongValue } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { AbortError } from '../errors.ts';
import { RingBase, type RingBaseOptions } from '../ring/base.ts';
import type { RegisterEventfdOptions, RegisteredEventfd } from '../ring/eventfd.ts';
import type { Operation } from '../ring/operations/index.ts';
import { Personality } from '../ring/personality.ts';
import { milliseconds } from '../ring/time.ts';
import { type Flight, OneShot, type Outcome } from './flight.ts';
import { type Departure, Loop } from './loop.ts';

const { IORING_SETUP_DEFER_TASKRUN, IOSQE_ASYNC, IOSQE_IO_DRAIN, IOSQE_IO_LINK } = constants;

/** What every operation takes. */
export interface AsyncOptions {
  /** Cancels the operation. It rejects with AbortError only if the kernel did cancel; otherwise its result counts. */
  readonly signal?: AbortSignal | undefined;
  /** Ends it with ETIME after so many milliseconds (a linked timeout, 5.5). */
  readonly timeoutMs?: number | undefined;
  /** IOSQE_IO_DRAIN: starts after everything before it is done. */
  readonly drain?: boolean | undefined;
  /** IOSQE_ASYNC: goes to a worker thread at once. */
  readonly async?: boolean | undefined;
  /** Runs with these credentials. */
  readonly personality?: Personality | undefined;
}

const KNOWN: ReadonlySet<string> = new Set(['signal', 'timeoutMs', 'drain', 'async', 'personality']);

/** The result is a number of bytes, or whatever else res says. */
export const COUNT: Outcome<number> = { convert: (res) => res };
/** The result is nothing. */
export const NOTHING: Outcome<void> = { convert: () => undefined };

/** Checks the options that every operation has, and the names of all. */
function checkOptions(operation: Operation<never, object>, options: object | undefined): AsyncOptions {
  if (options === undefined) return {};
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options);
  for (const key in options) {
    if (!KNOWN.has(key) && !operation.known.has(key)) {
      throw wrongValue(`options.${key}`, `one of ${[...KNOWN, ...operation.known].join(', ')}`, key);
    }
  }
  return options;
}

/** IOSQE_* bits, and above them the personality. */
function commonBits(ring: AsyncRingBase, { drain, async, personality }: AsyncOptions): number {
  if (personality !== undefined && !(personality instanceof Personality)) {
    throw wrongType('options.personality', 'a Personality', personality);
  }
  return (
    (drain ? IOSQE_IO_DRAIN : 0) |
    (async ? IOSQE_ASYNC : 0) |
    (personality === undefined ? 0 : ring.personalityOf(personality) << 8)
  );
}

function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  if (typeof signal !== 'object' || signal === null || !('aborted' in signal)) {
    throw wrongType('options.signal', 'an AbortSignal', signal);
  }
}

/** A ring of promises without its operations. */
export abstract class AsyncRingBase extends RingBase {
  /** @internal */
  protected readonly loop: Loop;
  /** The chain that is being built, if any. */
  #chain: Departure[] | undefined;

  constructor(entries: number, options?: RingBaseOptions) {
    super(entries, options);
    try {
      this.loop = new Loop(this.core, this);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Operations that were started and have not ended, those that wait for room in the queue included. */
  override get inFlight(): number {
    return this.loop.pending;
  }

  /** Lets the process end although operations are in flight. Returns this ring, as Node.js has it. */
  unref(): this {
    this.loop.unref();
    return this;
  }

  /** Holds the process while operations are in flight, as a new ring does. */
  ref(): this {
    this.loop.ref();
    return this;
  }

  /** See `RingBase.enable`. What was started before goes out now. */
  override enable(): void {
    super.enable();
    this.loop.resume();
  }

  /** See `RingBase.registerEventfd`; refused on a `deferTaskrun` ring, whose one eventfd wakes the event loop. */
  override registerEventfd(fd?: number, options?: RegisterEventfdOptions): RegisteredEventfd {
    if (this.core.has(IORING_SETUP_DEFER_TASKRUN)) {
      throw wrongValue('fd', 'for a ring without deferTaskrun: such a ring has its only eventfd itself', fd);
    }
    return super.registerEventfd(fd, options);
  }

  /** See `RingBase.close`. Every promise that is pending rejects with ClosedError. */
  override close(): void {
    this.detachFinalizer();
    if (this.loop === undefined) this.core.close();
    else this.loop.close();
  }

  /** As `close()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** @internal */
  personalityOf(personality: Personality): number {
    return personality.use(this.core);
  }

  /** One operation. Wrong arguments reject the promise. */
  protected run<A extends readonly unknown[], O extends object, T>(
    operation: Operation<A, O>,
    outcome: Outcome<T>,
    options: (O & AsyncOptions) | undefined,
    ...args: A
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.core.check();
      const common = checkOptions(operation, options);
      const { signal, timeoutMs } = common;
      checkSignal(signal);
      const bits = commonBits(this, common);
      if (timeoutMs !== undefined) milliseconds('options.timeoutMs', timeoutMs);
      if (signal?.aborted) throw new AbortError(signal.reason);
      const flight = new OneShot(operation.op, outcome, resolve, reject);
      const encode = () => operation.encode(this.core, options ?? operation.defaults, ...args);
      this.#depart({ flight, encode, bits, timeoutMs });
      if (signal !== undefined) flight.forgetSignal = this.watch(signal, flight);
    });
  }

  /** Cancels `flight` when the signal aborts; what comes back takes the listener off. */
  protected watch(signal: AbortSignal, flight: Flight): () => void {
    const abort = (): void => this.loop.cancel(flight, signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    return () => signal.removeEventListener('abort', abort);
  }

  #depart(departure: Departure): void {
    if (this.#chain === undefined) this.loop.start([departure]);
    else this.#chain.push(departure);
  }

  /**
   * Links operations: each starts when the one before it succeeded, and is cancelled (ECANCELED) when that failed. All go
   * to the kernel together, so that a chain is at most as long as the submission queue.
   * @param build starts the operations on the ring that it is given, in order, and returns their promises
   * @param options `hard`: the next one starts whatever becomes of the one before it
   * @returns their results, each as it came
   * @throws the first error, when all of them have ended
   */
  async chain<T extends readonly Promise<unknown>[]>(
    build: (ring: this) => readonly [...T],
    options: { readonly hard?: boolean } = {},
  ): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
    this.core.check();
    if (this.#chain !== undefined) throw wrongValue('build', 'without a chain of its own', build);
    const links: Departure[] = [];
    this.#chain = links;
    let promises: readonly [...T];
    try {
      promises = build(this);
    } catch (error) {
      for (const { flight } of links) flight.fail(new AbortError(error));
      throw error;
    } finally {
      this.#chain = undefined;
    }
    this.#startChain(links, options.hard === true ? constants.IOSQE_IO_HARDLINK : IOSQE_IO_LINK);
    await Promise.allSettled(promises);
    return Promise.all(promises);
  }

  #startChain(links: readonly Departure[], link: number): void {
    const entries = links.reduce((sum, { timeoutMs }) => sum + (timeoutMs === undefined ? 1 : 2), 0);
    if (entries > this.sqEntries) {
      const error = wrongValue('build', `at most ${this.sqEntries} operations, the ring's entries`, entries);
      for (const { flight } of links) flight.fail(error);
      return;
    }
    integer('build', entries, 1, this.sqEntries);
    this.loop.start(
      links.map((each, i) => (i < links.length - 1 ? { ...each, bits: each.bits | link } : each)),
    );
  }
}
