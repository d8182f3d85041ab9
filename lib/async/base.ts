/** What the families of operations of AsyncRing are built on: one operation, one promise. */
import { types } from 'node:util';
import { options as checkNames, wrongType, wrongValue } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { AbortError, OpError } from '../errors.ts';
import { askedFor } from '../operations/explain.ts';
import { nameOperation } from '../operations/key.ts';
import type { Operation } from '../operations/operation.ts';
import { includes } from '../operations/options.ts';
import { flag } from '../operations/read.ts';
import { RingBase, type RingBaseOptions, refuseFile } from '../ring/base.ts';
import type { Completion, RingCore } from '../ring/core/core.ts';
import { milliseconds } from '../ring/core/time.ts';
import type { RegisterEventfdOptions, RegisteredEventfd } from '../ring/owners/eventfd.ts';
import { Personality } from '../ring/owners/personality.ts';
import { Chain, type Link } from './chain.ts';
import { copyOf, type Departure, INLINE, Start } from './departure.ts';
import { type Flight, OneShot, type Outcome, type Single } from './flight.ts';
import { Loop, registerWakeFd } from './loop.ts';
import { Multishot, Results, type Stream } from './multishot.ts';
import { whenAborted } from './signals.ts';
import { type Callback, Told } from './told.ts';

const { IORING_SETUP_DEFER_TASKRUN, IOSQE_ASYNC, IOSQE_IO_DRAIN, IOSQE_IO_HARDLINK, IOSQE_IO_LINK } =
  constants;

const ECANCELED = 125;

/** What every operation takes. */
export interface AsyncOptions {
  /**
   * Cancels the operation. It rejects with AbortError if the kernel did cancel; otherwise its result counts, if it comes within
   * 50 ms. After that it rejects with AbortError too, whose `mayStillComplete` is true: the memory stays the kernel's.
   */
  readonly signal?: AbortSignal | undefined;
  /** Ends it with ETIME after so many milliseconds (a linked timeout, 5.5); as `signal`, at most 50 ms later. */
  readonly timeoutMs?: number | undefined;
  /** IOSQE_IO_DRAIN: starts after everything before it is done. */
  readonly drain?: boolean | undefined;
  /**
   * IOSQE_ASYNC. true: goes to a worker thread at once; false: only where the kernel wants it to. When absent, reads and
   * writes at an offset go to workers from 1 MiB in one turn of the event loop on, so that copying cached data holds
   * nobody up; links of a chain never do.
   */
  readonly async?: boolean | undefined;
  /** Runs with these credentials. */
  readonly personality?: Personality | undefined;
}

/** What every operation takes that gives an iterator: it has no end to limit by `timeoutMs`; see AbortSignal.timeout(). */
export type IteratorOptions = Omit<AsyncOptions, 'timeoutMs'>;

/** Options of a receive that goes on and on, into the buffers of a pool. */
export type PoolIteratorOptions = IteratorOptions & {
  /**
   * How many buffers of the pool it may hold: parts that are not released, those that wait for the consumer included. What
   * comes beyond that is copied, and its buffer goes back to the kernel at once (`part.isCopy`). 0 copies all. A quarter of
   * the pool, from 2 to 256, when absent. Whatever it is, the last quarter of a pool's buffers is for everybody: while no
   * more are free, all is copied.
   */
  readonly maxHeld?: number | undefined;
};

/** Options of a chain. */
export interface ChainOptions {
  /** IOSQE_IO_HARDLINK: the next one starts whatever becomes of the one before it. */
  readonly hard?: boolean | undefined;
}

/** The options that every operation has. */
export const COMMON: readonly string[] = ['signal', 'timeoutMs', 'drain', 'async', 'personality'];
const COMMON_OF_POOLS: readonly string[] = [...COMMON, 'maxHeld'];

type Known = Pick<Operation<never, never>, 'known'>;

/** Checks the names of all options; returns whether there are any that every operation has. */
function hasCommon({ known }: Known, options: object, common = COMMON): boolean {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options);
  let has = false;
  for (const key in options) {
    if (includes(known, key)) continue;
    if (!includes(common, key))
      throw wrongValue(`options.${key}`, `one of ${[...common, ...known].join(', ')}`, key);
    has = true;
  }
  return has;
}

/** IOSQE_* bits, and above them the personality and INLINE. */
function commonBits(core: RingCore, { drain, async, personality }: AsyncOptions): number {
  return (
    (flag('options.drain', drain) ? IOSQE_IO_DRAIN : 0) |
    (flag('options.async', async) ? IOSQE_ASYNC : async === false ? INLINE : 0) |
    (personality === undefined ? 0 : Personality.use(personality, core) << 8)
  );
}

function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  if (typeof signal !== 'object' || signal === null || !('aborted' in signal)) {
    throw wrongType('options.signal', 'an AbortSignal', signal);
  }
}

/** IOSQE_IO_LINK, or IOSQE_IO_HARDLINK. */
function linkOf(options: ChainOptions | undefined): number {
  if (options === undefined) return IOSQE_IO_LINK;
  checkNames('options', options, ['hard']);
  return options.hard ? IOSQE_IO_HARDLINK : IOSQE_IO_LINK;
}

/** An async function gives a promise, which comes too late: its operations would have no chain. */
function wrongBuild(made: unknown): TypeError {
  if (types.isPromise(made)) made.catch(() => {});
  return wrongType('build', 'a function that returns an array of promises', made);
}

/**
 * The error of the first link that failed. A link that was cancelled says which one before it cut the chain: one that
 * failed comes first itself, so it was one that did less than was asked for.
 */
function cutBy(
  links: readonly Departure[],
  results: readonly PromiseSettledResult<unknown>[],
  failed: number,
): unknown {
  const result = results[failed];
  const error: unknown = result?.status === 'rejected' ? result.reason : undefined;
  const before = results[failed - 1];
  const link = links[failed - 1];
  if (!(error instanceof OpError) || error.code !== 'ECANCELED') return error;
  if (before?.status !== 'fulfilled' || link === undefined || typeof before.value !== 'number') return error;
  const { info, memory } = link.flight;
  const asked = askedFor(memory);
  if (asked === undefined || before.value >= asked) return error;
  return new OpError(error.op, -error.errno, {
    since: error.since,
    cause: error,
    hint: `link ${failed} of the chain, ${info.op}, did ${before.value} of ${asked} bytes, which cuts it: { hard: true } goes on`,
  });
}

/** What each of the promises gave. */
function resultsOf<T extends readonly Promise<unknown>[]>(
  promises: readonly [...T],
  results: unknown[],
): { -readonly [K in keyof T]: Awaited<T[K]> };
function resultsOf(_promises: readonly unknown[], results: unknown[]): unknown[] {
  return results;
}

/** A ring of promises without its operations. */
export abstract class AsyncRingBase extends RingBase {
  /** @internal */
  protected readonly loop: Loop;
  /** The chain that is being built, if any. */
  #chain: Chain | undefined;

  constructor(entries: number, options?: RingBaseOptions) {
    super(entries, options);
    try {
      this.loop = new Loop(this.core, this);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** @internal */
  protected override registerFirst(): void {
    registerWakeFd(this.core);
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
  override close(nothing?: undefined): void {
    refuseFile(nothing);
    this.detachFinalizer();
    if (this.loop === undefined) this.core.close();
    else this.loop.close();
  }

  /** @internal One operation. Wrong arguments reject the promise. */
  protected run<A extends readonly unknown[], O extends object, T>(
    operation: Operation<A, O>,
    outcome: Outcome<T>,
    options: (O & AsyncOptions) | undefined,
    ...args: A
  ): Promise<T> {
    const flight = OneShot.make(this.core, operation.info, outcome);
    const promise = flight.promise<T>();
    const chain = this.#chain;
    try {
      this.core.begin();
      const isPlain = (options === undefined || !hasCommon(operation, options)) && !operation.info.isNamed;
      const given = options ?? operation.defaults;
      // `args` is only ever spread: so V8 makes no array of it
      if (isPlain && chain === undefined && this.loop.startNow(flight, operation, given, ...args))
        return promise;
      this.#start(chain, flight, operation, given, options ?? {}, ...args);
    } catch (error) {
      chain?.refuse(error);
      flight.fail(error);
    }
    if (operation.info.isNamed) nameOperation(promise, flight);
    chain?.promised(promise);
    return promise;
  }

  /** @internal One operation whose callback is the last argument; wrong arguments are told it, too. */
  protected tell<A extends readonly unknown[], O extends object, T>(
    operation: Operation<A, O>,
    outcome: Outcome<T>,
    given: (O & AsyncOptions) | Callback<never> | undefined,
    callback: Callback<never> | undefined,
    ...args: A
  ): undefined {
    const told = callback === undefined ? given : callback;
    if (typeof told !== 'function') throw wrongType('callback', 'a function', told);
    const flight = Told.make(this.core, operation.info, outcome, told);
    try {
      this.core.begin();
      if (this.#chain !== undefined)
        throw wrongValue('callback', 'absent in a chain, which has promises', told);
      const options = given === told ? undefined : given;
      if (typeof options === 'function') throw wrongType('options', 'an object', options);
      const isPlain = options === undefined || !hasCommon(operation, options);
      const read = options ?? operation.defaults;
      if (isPlain && this.loop.startNow(flight, operation, read, ...args)) return;
      this.#start(undefined, flight, operation, read, options ?? {}, ...args);
    } catch (error) {
      flight.fail(error);
    }
  }

  /** Starts an operation that has to wait for room, is a link, or has options that every operation has. */
  #start<A extends readonly unknown[], O extends object, T>(
    chain: Chain | undefined,
    flight: Single<T>,
    operation: Operation<A, O>,
    options: O,
    common: AsyncOptions,
    ...args: A
  ): void {
    const { signal, timeoutMs } = common;
    checkSignal(signal);
    const bits = commonBits(this.core, common);
    if (timeoutMs !== undefined) milliseconds('options.timeoutMs', timeoutMs);
    if (signal?.aborted) throw new AbortError(signal.reason);
    if (chain !== undefined) flight.hold();
    // it is found by its slot: by who names it, and where its limit is over
    if (operation.info.isNamed || timeoutMs !== undefined) flight.setExtras({});
    if (signal !== undefined) flight.setExtras({ forgetSignal: this.#watch(signal, flight) });
    this.#depart(new Start(flight, operation, options, args, bits, timeoutMs), chain);
  }

  /**
   * @internal One request with many completions: it starts with the first `next()`, which rejects for wrong arguments.
   * @param stream what becomes of the completions
   */
  protected iterate<A extends readonly unknown[], O extends object, T>(
    operation: Operation<A, O>,
    stream: Stream<T>,
    options: (O & IteratorOptions) | undefined,
    ...args: A
  ): Results<T> {
    // it is armed again and again, each time with what was given at first
    const given = typeof options === 'object' && options !== null ? copyOf(options) : options;
    const flight: Multishot<T> = new Multishot(this.core, operation.info, stream, {
      prepare: () => {
        this.core.check();
        const { holder } = stream;
        const known = holder === undefined ? COMMON : COMMON_OF_POOLS;
        const common: AsyncOptions & PoolIteratorOptions =
          given !== undefined && hasCommon(operation, given, known) ? given : {};
        const { signal, timeoutMs, maxHeld } = common;
        if (timeoutMs !== undefined) {
          throw wrongValue('options.timeoutMs', 'absent: an iterator takes { signal }', timeoutMs);
        }
        checkSignal(signal);
        if (maxHeld !== undefined) holder?.setLimit(maxHeld);
        return signal;
      },
      arm: (each) => {
        this.core.check();
        const bits = commonBits(this.core, given ?? {});
        const { changed } = flight;
        const now: A = changed === undefined ? args : Object.assign([], args, changed);
        this.loop.start([new Start(each, operation, given ?? operation.defaults, now, bits, undefined)]);
      },
      stop: (each) => this.loop.stop(each),
      loop: this.loop,
    });
    const results = new Results(flight);
    nameOperation(results, flight);
    return results;
  }

  /**
   * The messages of other rings, by their `msgRing`, `msgRingFd` or `sendMessage`: completions of this ring that are no
   * operation's. All that come from this call on are kept until they are taken; while nobody listens they are dropped.
   * Until the loop is left, or the signal aborts, the ring holds the process (see `unref()`).
   * @param options `signal`
   * @returns an iterator; `userData` is the sender's `messageData`. Where there are several, each gives every message
   * @throws ClosedError when the ring closes
   * @since 5.18
   * @see io_uring_prep_msg_ring(3)
   */
  messages(options: Pick<AsyncOptions, 'signal'> = {}): Results<Completion> {
    checkNames('options', options, ['signal']);
    const { signal } = options;
    checkSignal(signal);
    const { core, loop } = this;
    core.check();
    const flight = new Multishot<Completion>(
      core,
      { op: 'OP_MSG_RING' },
      { convert: () => core.completion(), undo: () => {}, highWater: Number.POSITIVE_INFINITY },
      {
        prepare: () => signal,
        arm: (each) => loop.listen(each),
        stop: (each) => {
          loop.leave(each);
          each.complete(-ECANCELED, 0, true);
        },
        loop,
      },
    );
    // at once, unlike other iterators: a message that nobody listens for is lost
    flight.begin();
    return new Results(flight);
  }

  /** Cancels `flight` when the signal aborts; what comes back takes the listener off. */
  #watch(signal: AbortSignal, flight: Flight): () => void {
    return whenAborted(signal, () => this.loop.cancel(flight, signal.reason));
  }

  #depart(departure: Link, chain: Chain | undefined): void {
    if (chain === undefined) {
      this.loop.start([departure]);
      return;
    }
    // arguments are read now: what a getter starts is no link
    this.#chain = undefined;
    try {
      chain.add(departure);
    } finally {
      this.#chain = chain;
    }
  }

  /**
   * Links operations: each starts when the one before it succeeded in full (a read or write of fewer bytes than asked
   * for breaks the chain too), and is cancelled (ECANCELED) otherwise. All go to the kernel together, so that a chain is
   * at most as long as the submission queue, each `timeoutMs` counted as one more; when one of them is refused for its
   * arguments, none starts. A signal cancels what runs: give one to all links.
   *
   * Two ways of the kernel's: a failed unlink, rename, mkdir, symlink or link does not break a chain; and (6.18) the
   * `timeoutMs` of a link never ends it where a worker runs it right after the one before, but on `deferTaskrun` rings.
   * @param build starts the operations on the ring that it is given, in order, and returns their promises
   * @param options `hard`: the next one starts whatever becomes of the one before it
   * @returns their results, each as it came
   * @throws the error of the first in order that failed, when all of them have ended
   * @since 5.3; `hard` 5.5
   * @see io_uring_enter(2), IOSQE_IO_LINK
   */
  async chain<T extends readonly Promise<unknown>[]>(
    build: (ring: this) => readonly [...T],
    options?: ChainOptions,
  ): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
    const link = linkOf(options);
    this.core.check();
    if (typeof build !== 'function')
      throw wrongType('build', 'a function that returns an array of promises', build);
    if (this.#chain !== undefined) throw wrongValue('build', 'without a chain of its own', build);
    const chain = new Chain();
    this.#chain = chain;
    let promises: readonly [...T];
    try {
      promises = build(this);
      if (!Array.isArray(promises)) throw wrongBuild(promises);
    } catch (error) {
      chain.abandon(error);
      throw error;
    } finally {
      this.#chain = undefined;
    }
    const links = chain.finish(link);
    if (links.length > 0) this.loop.start(links);
    try {
      if (!chain.endsInOrder(promises)) return await Promise.all(promises);
      const results: unknown[] = [];
      // by index: V8 compiles neither an iterator nor push() across an await
      for (let i = 0; i < links.length; i++) results[i] = await links[i]?.promise;
      chain.release();
      return resultsOf(promises, results);
    } catch {
      // the others may go on still, and one before this may fail later
      const results = await Promise.allSettled(promises);
      const failed = results.findIndex(({ status }) => status === 'rejected');
      throw cutBy(links, results, failed);
    }
  }
}
