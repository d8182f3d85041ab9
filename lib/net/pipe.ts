/** What comes from one connection goes to another: by callbacks, for promises would be half of what that costs here. */
import { type Callback, ours } from '../async/told.ts';
import { OpError } from '../errors.ts';
import type { BufferPart, BufferRing } from '../ring/owners/buffer-ring.ts';

/** Had the pool no buffer? */
export function isExhausted(error: unknown): boolean {
  return error instanceof OpError && error.code === 'ENOBUFS';
}

/** Both ends of a pipe; each call throws where its end is closed. */
export interface Ends {
  /** Which buffers it is received into; without one into memory of `size` bytes. */
  readonly pool: BufferRing | undefined;
  readonly size: number;
  /** @param isDry is there probably nothing yet? */
  receivePart(pool: BufferRing, isDry: boolean, told: Callback<BufferPart | undefined>): void;
  receive(memory: Uint8Array, told: Callback<number>): void;
  send(bytes: Uint8Array, told: Callback<number>): void;
}

const NOTHING = new Uint8Array(0);

/** One chunk at a time: received, sent, and then the next. */
export class Pipe {
  readonly #ends: Ends;
  readonly #done: (bytes: number) => void;
  readonly #failed: (error: unknown) => void;
  /** How many bytes were sent. */
  #bytes = 0;
  /** What was received and is not sent yet; and the buffer of the pool that it is in. */
  #left: Uint8Array = NOTHING;
  #part: BufferPart | undefined;
  /** Did the last chunk leave room in its buffer? Then there is nothing more yet. */
  #isDry = false;
  /** Memory of its own, once the pool had none. */
  #own: Uint8Array | undefined;

  constructor(ends: Ends, done: (bytes: number) => void, failed: (error: unknown) => void) {
    this.#ends = ends;
    this.#done = done;
    this.#failed = failed;
  }

  start(): void {
    const { pool, size } = this.#ends;
    try {
      if (pool !== undefined && this.#own === undefined)
        this.#ends.receivePart(pool, this.#isDry, this.#partCame);
      else {
        this.#own ??= new Uint8Array(size);
        this.#ends.receive(this.#own, this.#bytesCame);
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  readonly #partCame = ours<BufferPart | undefined>((error, part) => {
    if (isExhausted(error)) {
      // whom the pool had no buffer for keeps to its own: there are more receivers than buffers
      this.#own = new Uint8Array(this.#ends.size);
      this.start();
    } else if (error !== null) this.#failed(error);
    else if (part === undefined) this.#done(this.#bytes);
    else {
      this.#part = part;
      this.#left = part.bytes;
      this.#isDry = this.#left.length < this.#ends.size;
      this.#send();
    }
  });

  readonly #bytesCame = ours<number>((error, count) => {
    if (error !== null) this.#failed(error);
    else if (count === 0 || this.#own === undefined) this.#done(this.#bytes);
    else {
      this.#left = this.#own.subarray(0, count);
      this.#send();
    }
  });

  #send(): void {
    try {
      this.#ends.send(this.#left, this.#sent);
    } catch (error) {
      this.#giveUp(error);
    }
  }

  readonly #sent = ours<number>((error, count) => {
    if (error !== null) {
      this.#giveUp(error);
      return;
    }
    this.#bytes += count;
    if (count < this.#left.length) {
      this.#left = this.#left.subarray(count);
      this.#send();
      return;
    }
    this.#release();
    this.start();
  });

  #giveUp(error: unknown): void {
    this.#release();
    this.#failed(error);
  }

  #release(): void {
    this.#left = NOTHING;
    this.#part?.release();
    this.#part = undefined;
  }
}
