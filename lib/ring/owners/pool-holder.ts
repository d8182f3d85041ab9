/** Who holds buffers of a pool: a receive that goes on and on, whose consumer may be slow, or never come back. */
import { integer } from '../../../structs/check.ts';

/** So many results may wait for a consumer, whatever the pool's length. */
const MOST_HELD = 256;

/** A receive that holds buffers of a pool. */
export interface BufferHolder {
  /** `'OP_RECV'`, `'OP_READ_MULTISHOT'`, ...; undefined for what single operations have received. */
  readonly op: string | undefined;
  /** The file descriptor that it receives from; undefined where that is a registered file, or unknown. */
  readonly fd: number | undefined;
  /** Parts that are not released, those that wait for the consumer included. */
  readonly buffers: number;
}

/** So many buffers of a pool one receive takes without a pause, where its peer has sent enough. */
export function mostAtOnce(length: number): number {
  return Math.max(2, Math.min(MOST_HELD, Math.floor(length / 64)));
}

/** What one receive of many completions holds. */
export class PoolHolder {
  readonly op: string;
  fd: number | undefined;
  /** Parts in buffers of the pool that are not released. */
  held = 0;
  /** So many it may hold: what comes beyond that is copied, and the buffer goes back at once. */
  limit: number;
  readonly #length: number;

  /** @param length how many buffers the pool has */
  constructor(op: string, length: number) {
    this.op = op;
    this.#length = length;
    this.limit = Math.max(2, Math.min(MOST_HELD, Math.floor(length / 4)));
  }

  /** The option maxHeld. */
  setLimit(maxHeld: number): void {
    this.limit = integer('options.maxHeld', maxHeld, 0, this.#length);
  }

  /** So many results may wait for the consumer before the receive is stopped: the sender is to be slowed down. */
  get highWater(): number {
    return mostAtOnce(this.#length);
  }
}
