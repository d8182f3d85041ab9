/** Records between the trace and whoever iterates over it. */

interface Waiter<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/** What was pushed and not yet asked for, or who asked and did not yet get. */
export class RecordQueue<T> {
  #records: T[] = [];
  #waiters: Waiter<T>[] = [];
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;

  get size(): number {
    return this.#records.length;
  }

  push(record: T): void {
    if (this.#isOver) return;
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#records.push(record);
    else waiter.resolve({ done: false, value: record });
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const value = this.#records.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) return Promise.reject(failure.error);
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /** Nothing will be pushed any more; what waits can still be taken. */
  end(): void {
    this.#isOver = true;
    for (const { resolve } of this.#waiters.splice(0)) resolve({ done: true, value: undefined });
  }

  /** Drops what nobody took. */
  clear(): void {
    this.#records = [];
  }

  /** The next one who asks gets the error, and everybody after it the end. */
  fail(error: unknown): void {
    if (this.#isOver) return;
    this.clear();
    this.#failure = { error };
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) {
      this.#failure = undefined;
      waiter.reject(error);
    }
    this.end();
  }
}
