/** A queue: first in, first out. */

/** So many that have gone are worth an array of those that are left. */
const GONE = 1024;

/** Takes as long however many there are: an Array's shift() moves all of many thousands. */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  /** Where the first of them stands; those before it have gone. */
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  /** The first, which stays. */
  get first(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Takes the first. */
  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.first;
    this.#items[this.#head++] = undefined;
    if (this.#head > GONE && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
