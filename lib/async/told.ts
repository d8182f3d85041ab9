/** Operations whose results callbacks are told. */
import { AsyncResource } from 'node:async_hooks';
import type { OperationInfo } from '../operations/operation.ts';
import type { RingCore } from '../ring/core/core.ts';
import { tracingOperations } from '../sys/trace.ts';
import { ignore, type Outcome, Single, Spare } from './flight.ts';

/**
 * Is told how an operation ended: an error, or null and the result. It is called once, after the call that started the
 * operation has returned, in the async context (AsyncLocalStorage) of that call. What it throws is an uncaught exception.
 */
export type Callback<T> = (error: Error | null, result: T) => void;

/** A callback for whatever result: parameters of a method's type are compared both ways. */
export type AnyCallback = { told(error: unknown, result: unknown): void }['told'];

/** Makes it an uncaught exception; the other completions of the turn are told all the same. */
export function throwLater(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}

/** Callbacks of our own. */
const own = new WeakSet<AnyCallback>();

/**
 * Marks a callback of our own, which starts other operations and settles promises at most. Promises have a context themselves;
 * to keep one for each operation would be a twentieth of the time that a small file takes. Whoever traces operations sees
 * them in their context all the same.
 */
export function ours<T>(callback: Callback<T>): Callback<T> {
  own.add(callback);
  return callback;
}

/** Calls a callback in its context, if it has one. */
function call(
  context: AsyncResource | undefined,
  callback: AnyCallback,
  error: unknown,
  value: unknown,
): void {
  try {
    if (context === undefined) callback(error, value);
    else context.runInAsyncScope(callback, undefined, error, value);
  } catch (thrown) {
    throwLater(thrown);
  }
}

const spare = new Spare<Told>();

/** An operation whose result a callback is told. One that had no common options is used again: so most allocate nothing. */
export class Told extends Single<unknown> {
  #callback: AnyCallback = ignore;
  #context: AsyncResource | undefined = undefined;

  static make(core: RingCore, info: OperationInfo, outcome: Outcome<unknown>, callback: AnyCallback): Told {
    // one for each: what a callback enters there, by `enterWith`, no other callback may see
    const context =
      own.has(callback) && !tracingOperations() ? undefined : new AsyncResource('URING_OPERATION');
    const told = spare.take(core, info, outcome) ?? new Told(core, info, outcome);
    told.#callback = callback;
    told.#context = context;
    return told;
  }

  protected override give(value: unknown): void {
    const callback = this.#callback;
    const context = this.#context;
    if (spare.keep(this)) {
      this.#callback = ignore;
      this.#context = undefined;
    }
    call(context, callback, null, value);
  }

  protected override rejectBy(make: () => Error): void {
    call(this.#context, this.#callback, make(), undefined);
  }

  /** Later: who calls close(), or starts an operation with wrong arguments, has not returned yet. */
  protected override reject(error: unknown): void {
    const callback = this.#callback;
    const context = this.#context;
    queueMicrotask(() => call(context, callback, error, undefined));
  }
}
