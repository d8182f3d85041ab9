/** An operation on its way to the queue, with what its caller gave. */
import type { Operation } from '../operations/operation.ts';
import type { RingCore } from '../ring/core/core.ts';
import type { Flight } from './flight.ts';

/** Beside the bits of an entry: it is never given to a worker for the sake of the event loop. */
export const INLINE = 1 << 24;

/** What the loop makes an entry of. */
export interface Departure {
  readonly flight: Flight;
  /** IOSQE_* bits and, above them, the personality and INLINE. */
  bits: number;
  /** A linked timeout. */
  readonly timeoutMs: number | undefined;
  /** Its slot in the ring's table, once it has an entry. */
  slot: number | undefined;
  /** Of a link: who is told how it ended. */
  promise: Promise<unknown> | undefined;
  /** Fills the next free entry, and says what the kernel may touch. */
  encode(core: RingCore): unknown;
  /** It waits: what the caller changes in the options from now on is not seen. */
  keep(): void;
}

/** A copy that a caller's later stores don't reach, whatever `options` inherits. */
export function copyOf<O extends object>(options: O): O {
  // nearly all are literals, of which this makes a copy several times as fast
  if (Object.getPrototypeOf(options) === Object.prototype) return { ...options };
  const fields: PropertyDescriptorMap = {};
  for (const key in options) fields[key] = { value: options[key], enumerable: true };
  const copy: O = Object.create(options, fields);
  return copy;
}

/** One operation with its arguments. */
export class Start<A extends readonly unknown[], O extends object, F extends Flight> implements Departure {
  readonly flight: F;
  bits: number;
  readonly timeoutMs: number | undefined;
  slot: number | undefined = undefined;
  promise: Promise<unknown> | undefined = undefined;
  readonly #operation: Operation<A, O>;
  #options: O;
  readonly #given: A;

  constructor(
    flight: F,
    operation: Operation<A, O>,
    options: O,
    given: A,
    bits: number,
    timeoutMs: number | undefined,
  ) {
    this.flight = flight;
    this.#operation = operation;
    this.#options = options;
    this.#given = given;
    this.bits = bits;
    this.timeoutMs = timeoutMs;
  }

  encode(core: RingCore): unknown {
    return this.#operation.encode(core, this.#options, ...this.#given);
  }

  keep(): void {
    // nobody changes the defaults
    if (this.#options !== this.#operation.defaults) this.#options = copyOf(this.#options);
  }
}
