/** Operations that are linked: collected first, then put to the kernel together. */
import type { Departure } from './departure.ts';
import { ignore, type Single } from './flight.ts';

/** An operation of a chain. */
export interface Link extends Departure {
  readonly flight: Single<unknown>;
}

export class Chain {
  readonly #links: Link[] = [];
  /** Of operations that were refused. */
  readonly #refused: Promise<unknown>[] = [];
  #failure: { readonly error: unknown } | undefined;

  /** One more link. What its caller changes from now on is not seen. */
  add(link: Link): void {
    link.keep();
    this.#links.push(link);
  }

  /** Remembers who is told of the link that was added, or refused, last. */
  promised(promise: Promise<unknown>): void {
    const link = this.#links[this.#links.length - 1];
    if (link === undefined || link.promise !== undefined) this.#refused.push(promise);
    else link.promise = promise;
  }

  /** An operation of the chain was refused: without it there is no chain. */
  refuse(error: unknown): void {
    this.#failure ??= { error };
  }

  /** Nobody is given the promises: they fail, and nobody has to handle that. */
  abandon(error: unknown): void {
    for (const promise of this.#refused) promise.catch(ignore);
    for (const { promise } of this.#links) promise?.catch(ignore);
    for (const { flight } of this.#links) flight.fail(error);
  }

  /** The links, each but the last with `link` (IOSQE_IO_LINK or IOSQE_IO_HARDLINK); none where one was refused. */
  finish(link: number): readonly Link[] {
    const failure = this.#failure;
    if (failure !== undefined) {
      for (const { flight } of this.#links) flight.fail(failure.error);
      return [];
    }
    const last = this.#links.at(-1);
    for (const each of this.#links) if (each !== last) each.bits |= link;
    return this.#links;
  }

  /**
   * Are these the promises of all links, in their order, and does none end before the one before it? Then they can be
   * awaited one after the other, which takes half the time and memory of Promise.all(). Where the kernel cuts the chain, as
   * submission threads of several rings may, one can fail before its turn: nobody else has to handle that.
   */
  endsInOrder(promises: readonly Promise<unknown>[]): boolean {
    const links = this.#links;
    if (promises.length !== links.length) return false;
    for (let i = 0; i < links.length; i++) {
      const link = links[i];
      if (link === undefined || link.promise !== promises[i] || link.timeoutMs !== undefined) return false;
      // one with a signal may be given up while the one before it goes on
      if (!link.flight.isSimple) return false;
    }
    for (const { flight, promise } of links) flight.promised(promise);
    return true;
  }

  /** All have ended well: nobody asks for what they were. */
  release(): void {
    for (const { flight } of this.#links) flight.release();
  }
}
