/** Zero-copy sends, which have two ends: the data is sent, and the memory may be changed. */
import { ignore, type Outcome } from './flight.ts';

/** Resolves with the bytes that were sent when the memory may be changed. */
export interface ZeroCopyPromise extends Promise<number> {
  /** Resolves with the bytes that were sent as soon as that is known: the memory must not be changed yet. */
  readonly sent: Promise<number>;
}

/** @param run starts the send with an outcome */
export function withSent(run: (outcome: Outcome<number>) => Promise<number>): ZeroCopyPromise {
  let onFirst: (bytes: number) => void = ignore;
  let onFailure: (error: unknown) => void = ignore;
  const sent = new Promise<number>((resolve, reject) => {
    onFirst = resolve;
    onFailure = reject;
  });
  const promise = run({ convert: (res) => res, onFirst });
  promise.then(onFirst, onFailure);
  // who awaits the promise hears of the failure
  sent.catch(ignore);
  return Object.assign(promise, { sent });
}
