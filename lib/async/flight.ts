/** One operation on its way: what the kernel may touch, and who is told how it ended. */
import { AbortError } from '../errors.ts';
import { operationError } from '../operations/explain.ts';
import type { OperationInfo } from '../operations/operation.ts';
import type { RingCore } from '../ring/core/core.ts';

const EINTR = 4;
const ECANCELED = 125;
const ETIME = 62;
/** The kernel's own words for EINTR, which some operations let slip (open). */
const ERESTARTSYS = 512;
const ERESTART_RESTARTBLOCK = 516;

/** Optional state of operations that can be cancelled, are limited, or complete twice. */
interface Extras {
  /** Its slot in the ring's table; undefined before it has an entry. */
  slot?: number | undefined;
  /** Was its cancellation asked for, and why? */
  abortReason?: { readonly reason: unknown };
  /** When a linked timeout may have ended it, by performance.now(). */
  deadline?: number;
  /** Takes the listener off the signal. */
  forgetSignal?: () => void;
  /** Takes it off the list of operations that are given up after a while. */
  forgetLimit?: () => void;
  /** The result of a zero-copy send, whose last completion only says that the memory is free. */
  firstResult?: number;
  /** Was the promise settled although the kernel goes on? */
  isAbandoned?: boolean;
}

/** What the loop needs to know of an operation in flight. */
export abstract class Flight {
  core: RingCore;
  info: OperationInfo;
  /** Everything that the kernel may touch until the last completion. */
  memory: unknown = undefined;
  /** Few operations have any: one field for all keeps the others small. */
  protected extras: Extras | undefined;

  constructor(core: RingCore, info: OperationInfo) {
    this.core = core;
    this.info = info;
  }

  /** The slot in the ring's table of an operation that may be cancelled; undefined before it has an entry. */
  get slot(): number | undefined {
    return this.extras?.slot;
  }

  set slot(slot: number | undefined) {
    if (this.extras !== undefined) this.extras.slot = slot;
  }

  /** Was its cancellation asked for, and why? */
  get abortReason(): { readonly reason: unknown } | undefined {
    return this.extras?.abortReason;
  }

  /** Adds optional state. An operation that may be cancelled needs some, if only `{}`, before it has an entry. */
  setExtras(extras: Extras): void {
    this.extras = { ...this.extras, ...extras };
  }

  /** A completion; `isLast` unless more will come. */
  abstract complete(res: number, flags: number, isLast: boolean): void;

  /** It will never complete: no entry was made, or the ring is closed. */
  abstract fail(error: unknown): void;

  /** A completion that nobody waits for any more: what it made is undone. */
  abstract discard(res: number, flags: number): void;

  /** The kernel has not ended it in time: whoever waits for it waits no more. What it makes still is undone. */
  abstract abandon(): void;

  /** The error of an operation that goes on in the kernel. */
  protected abandonment(): Error {
    const bytes = this.extras?.firstResult;
    const known = bytes === undefined || bytes < 0 ? {} : { bytes };
    // nothing completed: the cursor is on another operation's completion
    return Object.assign(this.explain(-ECANCELED, undefined)(), { mayStillComplete: true, ...known });
  }

  /** Makes the error of a failed completion: what it tells is collected at once, while the entry can be looked at. */
  error(res: number): () => Error {
    const { queues } = this.core;
    return this.explain(res, queues.entryOf(queues.low, queues.high));
  }

  protected explain(res: number, entry: Uint8Array | undefined): () => Error {
    const errno = -res >= ERESTARTSYS && -res <= ERESTART_RESTARTBLOCK ? EINTR : -res;
    // EINTR: a worker was in the middle of it
    const isStopped = errno === ECANCELED || errno === EINTR;
    const { abortReason } = this;
    if (isStopped && abortReason !== undefined) return () => new AbortError(abortReason.reason);
    const { core, info, memory: held } = this;
    // before the deadline it was something else: a link before it failed
    if (isStopped && performance.now() >= (this.extras?.deadline ?? Number.POSITIVE_INFINITY))
      return () => operationError({ core, info, errno: ETIME, held, entry, hint: 'timeoutMs is over' });
    return () => operationError({ core, info, errno, held, entry });
  }
}

/** How a result is made of a completion, and undone when nobody wants it. */
export interface Outcome<T> {
  readonly convert: (res: number, flags: number) => T;
  /** For operations that make a file: closes it. */
  readonly undo?: ((res: number) => void) | undefined;
  /** An errno that is a result all the same: ETIME is what a timeout waits for. */
  readonly success?: number | undefined;
  /** A completion that is an error, or that comes when the ring is closed: gives back what it has. */
  readonly waste?: ((res: number, flags: number) => void) | undefined;
  /** Told the result of an operation that completes twice, at the first completion. */
  readonly onFirst?: ((res: number) => void) | undefined;
}

/** For whoever need not be told. */
export function ignore(): void {}

/** Who gets the function that settles a promise. */
interface Settler {
  resolve: (value: never) => void;
}

const nobody: Settler = { resolve: ignore };
/** Whose promise is being made: so one executor serves all, where a closure for each would be a quarter of its memory. */
let settler = nobody;

function execute(resolve: (value: never) => void): void {
  settler.resolve = resolve;
}

/**
 * Rejects with what `make` makes once whoever awaits the promise is attached to it, which is two microtasks after it was
 * resolved with this one: so the error's stack has the frames of whoever awaits.
 */
async function rejection(make: () => unknown): Promise<never> {
  await undefined;
  await undefined;
  throw make();
}

/** An operation with one result, and somebody who is told of it. */
export abstract class Single<T> extends Flight {
  outcome: Outcome<T>;
  /** Does its chain ask for it after its end? */
  protected isHeld = false;
  /** Of a link: its promise, whose rejection the chain handles. */
  protected link: Promise<unknown> | undefined = undefined;

  constructor(core: RingCore, info: OperationInfo, outcome: Outcome<T>) {
    super(core, info);
    this.outcome = outcome;
  }

  /** May it be another operation after this one? Nobody else knows one without extras that is no link. */
  get isReusable(): boolean {
    return this.extras === undefined && !this.isHeld;
  }

  /** Does it end when it completes for the first time, and by nothing else: neither a signal nor a limit? */
  get isSimple(): boolean {
    return this.extras === undefined && this.outcome.onFirst === undefined;
  }

  /** It is a link: its chain may ask for it after its end. */
  hold(): void {
    this.isHeld = true;
  }

  /** Its chain awaits this, its promise, sooner or later. */
  promised(promise: Promise<unknown> | undefined): void {
    this.link = promise;
  }

  /** Its chain asks for it no more. */
  release(): void {
    this.isHeld = false;
    this.link = undefined;
  }

  /** Tells the result. */
  protected abstract give(value: T): void;
  /** Tells that there is none. */
  protected abstract reject(error: unknown): void;
  /** Tells that the operation failed. */
  protected abstract rejectBy(make: () => Error): void;

  override complete(res: number, flags: number, isLast: boolean): void {
    if (!isLast) {
      // a zero-copy send: this is the result, the notification that frees the memory comes later
      if (this.extras?.firstResult === undefined) this.setExtras({ firstResult: res });
      if (res >= 0) this.outcome.onFirst?.(res);
      return;
    }
    if (res >= 0 && this.extras === undefined) this.#settle(res, flags);
    else this.#end(res, flags);
  }

  #end(res: number, flags: number): void {
    const result = this.extras?.firstResult ?? res;
    if (this.extras?.isAbandoned) {
      this.discard(result, flags);
      return;
    }
    this.#forget();
    if (result < 0 && -result !== this.outcome.success) {
      this.outcome.waste?.(res, flags);
      // what its error tells is collected now, and the error made where its stack is worth something
      this.rejectBy(this.error(result));
    } else if (this.abortReason !== undefined && this.outcome.undo !== undefined) {
      this.outcome.undo(result);
      this.reject(new AbortError(this.abortReason.reason));
    } else this.#settle(result, flags);
  }

  #settle(res: number, flags: number): void {
    let value: T;
    try {
      value = this.outcome.convert(res, flags);
    } catch (error) {
      this.reject(error);
      return;
    }
    this.give(value);
  }

  override fail(error: unknown): void {
    if (this.extras?.isAbandoned) return;
    this.#forget();
    this.reject(error);
  }

  override abandon(): void {
    const error = this.abandonment();
    this.setExtras({ isAbandoned: true });
    this.#forget();
    this.reject(error);
  }

  override discard(res: number, flags: number): void {
    this.outcome.waste?.(res, flags);
    if (res >= 0) this.outcome.undo?.(res);
  }

  #forget(): void {
    this.extras?.forgetSignal?.();
    this.extras?.forgetLimit?.();
  }
}

/** What is kept at most to be used again, of each kind. */
const MOST_SPARE = 1024;
const NO_OUTCOME: Outcome<unknown> = { convert: ignore };
const spares = new Set<Spare<Single<unknown>>>();

/** Objects of operations that are over: most operations allocate none. */
export class Spare<F extends Single<unknown>> {
  #flights: F[] = [];

  constructor() {
    spares.add(this);
  }

  /** One for another operation; undefined where there is none. */
  take(core: RingCore, info: OperationInfo, outcome: Outcome<unknown>): F | undefined {
    const flight = this.#flights.pop();
    if (flight === undefined) return undefined;
    flight.core = core;
    flight.info = info;
    flight.outcome = outcome;
    return flight;
  }

  /** Keeps one, which lets go of what the operation had; false where it may still be named, or there are enough. */
  keep(flight: F): boolean {
    if (!flight.isReusable || this.#flights.length >= MOST_SPARE) return false;
    flight.memory = undefined;
    flight.outcome = NO_OUTCOME;
    this.#flights.push(flight);
    return true;
  }

  /** The ring is closed: lets go of it. */
  drop(core: RingCore): void {
    this.#flights = this.#flights.filter((flight) => flight.core !== core);
  }
}

/** Nothing that is kept to be used again holds the ring. */
export function dropSpare(core: RingCore): void {
  for (const each of spares) each.drop(core);
}

const spare = new Spare<OneShot>();

/**
 * An operation whose result a promise has. One that had no common options is used again: the promise and the functions that
 * settle it are all that such an operation allocates.
 */
export class OneShot extends Single<unknown> implements Settler {
  resolve: (value: unknown) => void = ignore;

  static make(core: RingCore, info: OperationInfo, outcome: Outcome<unknown>): OneShot {
    return spare.take(core, info, outcome) ?? new OneShot(core, info, outcome);
  }

  /** The promise of the result. To be called once, before it can settle. */
  promise<T>(): Promise<T> {
    // a hook of async_hooks may start another operation before this one's executor runs
    const before = settler;
    settler = this;
    const promise = new Promise<T>(execute);
    settler = before;
    return promise;
  }

  override release(): void {
    super.release();
    // whoever gave a promise a `then` of their own may have ended the wait for it before the kernel has ended this
    if (this.resolve === ignore && !this.core.isClosed) spare.keep(this);
  }

  protected override give(value: unknown): void {
    const { resolve } = this;
    this.resolve = ignore;
    spare.keep(this);
    resolve(value);
  }

  protected override reject(error: unknown): void {
    // without a field for the function that rejects
    this.#rejectOnce(() => Promise.reject(error));
  }

  protected override rejectBy(make: () => Error): void {
    this.#rejectOnce(() => rejection(make));
  }

  /** Once: a getter of an argument may have closed the ring, which has told already. */
  #rejectOnce(rejected: () => Promise<never>): void {
    const { resolve } = this;
    if (resolve === ignore) return;
    this.resolve = ignore;
    this.link?.catch(ignore);
    resolve(rejected());
  }
}
