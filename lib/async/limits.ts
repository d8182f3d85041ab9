/** When operations are given up that the kernel does not end in time: one timer for all of a ring. */
import { MAX_TIMER_MS } from '../ring/core/time.ts';
import type { Flight } from './flight.ts';

export class Limits {
  /** When each is given up, by performance.now(). */
  readonly #ends = new Map<Flight, number>();
  readonly #takeCompletions: () => void;
  readonly #cancel: (flight: Flight) => void;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer goes off. */
  #at = Number.POSITIVE_INFINITY;

  /**
   * @param takeCompletions called first: on a busy event loop timers go off before completions are taken that are there
   * @param cancel asks the kernel once more to cancel what is given up: a worker that was about to wait may have missed it
   */
  constructor(takeCompletions: () => void, cancel: (flight: Flight) => void) {
    this.#takeCompletions = takeCompletions;
    this.#cancel = cancel;
  }

  /** Gives `flight` up after so many milliseconds, unless it has ended. */
  add(flight: Flight, ms: number): void {
    const end = performance.now() + ms;
    if (end >= (this.#ends.get(flight) ?? Number.POSITIVE_INFINITY)) return;
    this.#ends.set(flight, end);
    flight.setExtras({ forgetLimit: () => this.#delete(flight) });
    if (end < this.#at) this.#start(end);
  }

  #delete(flight: Flight): void {
    this.#ends.delete(flight);
    if (this.#ends.size === 0) this.#stop();
  }

  #start(end: number): void {
    clearTimeout(this.#timer);
    this.#at = end;
    // the ring holds the process, if it is to
    const ms = Math.max(0, Math.min(end - performance.now(), MAX_TIMER_MS));
    this.#timer = setTimeout(this.#run, ms).unref();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#at = Number.POSITIVE_INFINITY;
  }

  readonly #run = (): void => {
    this.#at = Number.POSITIVE_INFINITY;
    const now = performance.now();
    this.#takeCompletions();
    let next = Number.POSITIVE_INFINITY;
    for (const [flight, end] of this.#ends) {
      // timers go off up to a millisecond early
      if (end > now + 1) next = Math.min(next, end);
      else {
        this.#ends.delete(flight);
        this.#cancel(flight);
        flight.abandon();
      }
    }
    if (next < this.#at) this.#start(next);
  };
}
