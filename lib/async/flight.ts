/** One operation on its way: what the kernel may touch, and who is told how it ended. */
import { AbortError, OpError } from '../errors.ts';
import type { OpName } from '../register/support.ts';

const EINTR = 4;
const ECANCELED = 125;
const ETIME = 62;
/** The kernel's own words for EINTR, which some operations let slip (open). */
const ERESTARTSYS = 512;
const ERESTART_RESTARTBLOCK = 516;

/** What the loop needs to know of an operation in flight. */
export abstract class Flight {
  readonly op: OpName;
  /** Everything that the kernel may touch until the last completion. */
  memory: unknown;
  /** Its slot in the ring's table; undefined before it has an entry. */
  slot: number | undefined;
  /** Was its cancellation asked for, and why? */
  abortReason: { readonly reason: unknown } | undefined;
  /** When a linked timeout may have ended it, by performance.now(). */
  deadline = Number.POSITIVE_INFINITY;

  constructor(op: OpName) {
    this.op = op;
  }

  /** A completion; `isLast` unless more will come. */
  abstract complete(res: number, flags: number, isLast: boolean): void;

  /** It will never complete: no entry was made, or the ring is closed. */
  abstract fail(error: unknown): void;

  /** A completion that nobody waits for any more: what it made is undone. */
  abstract discard(res: number, flags: number): void;

  /** The error of a failed completion. */
  error(res: number): Error {
    const errno = -res >= ERESTARTSYS && -res <= ERESTART_RESTARTBLOCK ? EINTR : -res;
    // EINTR: a worker was in the middle of it
    const isStopped = errno === ECANCELED || errno === EINTR;
    if (isStopped && this.abortReason !== undefined) return new AbortError(this.abortReason.reason);
    // before the deadline it was something else: a link before it failed
    if (isStopped && performance.now() >= this.deadline)
      return new OpError(this.op, ETIME, { hint: 'timeoutMs is over' });
    return new OpError(this.op, errno);
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
}

/** An operation with one result. */
export class OneShot<T> extends Flight {
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: unknown) => void;
  readonly #outcome: Outcome<T>;
  /** Takes the listener off the signal. */
  forgetSignal: (() => void) | undefined;

  constructor(
    op: OpName,
    outcome: Outcome<T>,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ) {
    super(op);
    this.#outcome = outcome;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  override complete(res: number, flags: number, isLast: boolean): void {
    if (!isLast) {
      // a zero-copy send: this is the result, the notification that frees the memory comes later
      this.#firstResult ??= res;
      return;
    }
    const result = this.#firstResult ?? res;
    this.#forget();
    if (result < 0 && -result !== this.#outcome.success) {
      this.#outcome.waste?.(res, flags);
      this.#reject(this.error(result));
    } else if (this.abortReason !== undefined && this.#outcome.undo !== undefined) {
      this.#outcome.undo(result);
      this.#reject(new AbortError(this.abortReason.reason));
    } else this.#settle(result, flags);
  }

  #firstResult: number | undefined;

  #settle(res: number, flags: number): void {
    try {
      this.#resolve(this.#outcome.convert(res, flags));
    } catch (error) {
      this.#reject(error);
    }
  }

  override fail(error: unknown): void {
    this.#forget();
    this.#reject(error);
  }

  override discard(res: number, flags: number): void {
    this.#outcome.waste?.(res, flags);
    if (res >= 0) this.#outcome.undo?.(res);
  }

  #forget(): void {
    this.forgetSignal?.();
    this.forgetSignal = undefined;
  }
}
