/** Operations that are linked: collected first, then put to the kernel together. */
import type { Departure } from './departure.ts';

function addBits(departure: Departure | undefined, bits: number): void {
  if (departure !== undefined) departure.bits |= bits;
}

export class Chain {
  readonly #links: Departure[] = [];
  readonly #promises: Promise<unknown>[] = [];
  #failure: { readonly error: unknown } | undefined;

  /** One more link. What its caller changes from now on is not seen. */
  add(departure: Departure): void {
    departure.keep();
    this.#links.push(departure);
  }

  /** Remembers who is told of the links. */
  promised(promise: Promise<unknown>): void {
    this.#promises.push(promise);
  }

  /** An operation of the chain was refused: without it there is no chain. */
  refuse(error: unknown): void {
    this.#failure ??= { error };
  }

  /** Nobody is given the promises: they fail, and nobody has to handle that. */
  abandon(error: unknown): void {
    for (const promise of this.#promises) promise.catch(() => {});
    for (const { flight } of this.#links) flight.fail(error);
  }

  /** The links, each but the last with `link` (IOSQE_IO_LINK or IOSQE_IO_HARDLINK); none where one was refused. */
  finish(link: number): readonly Departure[] {
    const failure = this.#failure;
    if (failure !== undefined) {
      for (const { flight } of this.#links) flight.fail(failure.error);
      return [];
    }
    const links = this.#links;
    const last = links.length - 1;
    for (let i = 0; i < last; i++) addBits(links[i], link);
    return links;
  }
}
