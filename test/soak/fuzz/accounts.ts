/** Accounts of what was started: each operation ends once, and what nobody started does not end. */
import { constants } from '../../../structs/flags.ts';

const { IORING_CQE_F_MORE } = constants;
/** A worker of the kernel's that waits in splice(2) for a pipe is not always reached by a cancel. */
export const UNSTOPPABLE = /\.(?:splice|tee)\b/;

interface Entry {
  readonly what: string;
  /** No completion unless it fails. */
  readonly isSilent: boolean;
  readonly onResult: (res: number, flags: number) => void;
  isDone: boolean;
}

/** The userData of operations begin here, those of messages there: neither is a number that hostile values have. */
const FIRST = 2 ** 40;
const FIRST_MESSAGE = 2 ** 50;
const FIRST_LARGE_MESSAGE = 2n ** 62n;

/** The operations of a ring that is reaped, and the messages that other rings send there. */
export class Completions {
  readonly #entries = new Map<number, Entry>();
  /** How often each may come, and whether it must. */
  readonly #messages = new Map<number | bigint, { left: number; isSent: boolean }>();
  readonly #report: (finding: string) => void;
  #next = FIRST;

  constructor(report: (finding: string) => void) {
    this.#report = report;
  }

  /** A userData that nobody has. */
  next(): number {
    return this.#next++;
  }

  /** One that somebody may have, or had. */
  get some(): readonly [from: number, to: number] {
    return [FIRST, this.#next];
  }

  started(
    userData: number,
    what: string,
    isSilent: boolean,
    onResult: (res: number, flags: number) => void,
  ): void {
    this.#entries.set(userData, { what, isSilent, onResult, isDone: false });
  }

  /** The userData of a message that nobody sent yet. */
  nextMessage(isLarge = false): number | bigint {
    const count = this.#messages.size;
    const userData = isLarge ? FIRST_LARGE_MESSAGE + BigInt(count) : FIRST_MESSAGE + count;
    this.#messages.set(userData, { left: 1, isSent: false });
    return userData;
  }

  /** The message was sent: it must come. */
  sent(userData: number | bigint): void {
    const message = this.#messages.get(userData);
    if (message) message.isSent = true;
  }

  completed(userData: number | bigint, res: number, flags: number): void {
    const message = this.#messages.get(userData);
    if (message !== undefined) {
      if (message.left-- === 0) this.#report(`message ${userData} came twice`);
      return;
    }
    // a message with a hostile number, or an operation that got no userData
    if (userData < FIRST || userData >= FIRST_MESSAGE) return;
    const isLast = (flags & IORING_CQE_F_MORE) === 0;
    const entry = this.#entries.get(Number(userData));
    if (entry === undefined) this.#report(`a foreign completion: userData ${userData}, res ${res}`);
    else if (entry.isDone) this.#report(`${entry.what} completes once more: res ${res}, flags ${flags}`);
    else {
      entry.isDone = isLast;
      entry.onResult(res, flags);
    }
  }

  /** What is started and not ended. */
  get pending(): readonly string[] {
    return [...this.#entries.values()].filter(({ isDone }) => !isDone).map(({ what }) => what);
  }

  /** Reports what did not come. */
  close(): void {
    for (const { what, isSilent, isDone } of this.#entries.values())
      if (!isSilent && !isDone && !UNSTOPPABLE.test(what)) this.#report(`lost: the completion of ${what}`);
    for (const [userData, { left, isSent }] of this.#messages)
      if (isSent && left > 0) this.#report(`lost: message ${userData}`);
  }
}

/** So many of the last promises are named by other operations. */
const MOST_RECENT = 8;

/** Promises: each must be settled. Callbacks: each must be called, once. */
export class Promises {
  readonly #pending = new Map<number, string>();
  /** Which number a callback has. */
  readonly #callbacks = new WeakMap<object, number>();
  readonly #onError: (what: string, error: unknown) => void;
  /** The last that were started. */
  readonly recent: PromiseLike<unknown>[] = [];
  #next = 0;

  constructor(onError: (what: string, error: unknown) => void) {
    this.#onError = onError;
  }

  add(what: string, promise: PromiseLike<unknown>, onValue: (value: unknown) => void = () => {}): void {
    const id = this.#next++;
    this.#pending.set(id, what);
    this.recent.push(promise);
    if (this.recent.length > MOST_RECENT) this.recent.shift();
    promise.then(
      (value) => {
        this.#pending.delete(id);
        onValue(value);
      },
      (error: unknown) => {
        this.#pending.delete(id);
        this.#onError(what, error);
      },
    );
  }

  /** A callback that is to be called once. */
  callback(what: string): (error: unknown) => void {
    const id = this.#next++;
    this.#pending.set(id, `${what}, its callback`);
    const callback = (error: unknown): void => {
      if (!this.#pending.delete(id)) this.#onError(what, new RangeError('its callback was called twice'));
      else if (error !== null && error !== undefined) this.#onError(what, error);
    };
    this.#callbacks.set(callback, id);
    return callback;
  }

  /** The call threw: a callback that it was given is not called. */
  drop(callback: unknown): void {
    if (typeof callback === 'function') this.#pending.delete(this.#callbacks.get(callback) ?? -1);
  }

  get pending(): readonly string[] {
    return [...this.#pending.values()];
  }
}
