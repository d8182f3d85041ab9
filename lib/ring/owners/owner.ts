/** What every owner of a registration has: it unregisters once, and is disposed of by `using`. */
import { wrongValue } from '../../../structs/check.ts';
import { ClosedError, RegisterError } from '../../errors.ts';
import type { RingBase } from '../base.ts';
import type { RingCore } from '../core/core.ts';

/** Before 6.13 an unregister waits for what is in flight, and a signal interrupts it: it is called again then. */
export function uninterrupted(unregister: () => void): void {
  for (;;) {
    try {
      unregister();
      return;
    } catch (error) {
      if (!(error instanceof RegisterError && error.code === 'EINTR')) throw error;
    }
  }
}

/** An owner holds its ring; the ring's core never holds an owner, so that a dropped ring can be noticed. */
export abstract class Owner implements Disposable {
  readonly #ring: RingBase;
  readonly #core: RingCore;
  readonly #what: string;
  #isGone = false;

  /** @internal */
  constructor(ring: RingBase, core: RingCore, what: string) {
    this.#ring = ring;
    this.#core = core;
    this.#what = what;
  }

  /**
   * @internal Throws unless `owner` is registered with this ring now.
   * @param which tells it from others of its kind, for the error
   */
  static require(owner: Owner, core: RingCore, name: string, which: unknown): void {
    if (owner.#core !== core) throw wrongValue(name, "registered with this ring, not with another's", which);
    core.check();
    if (owner.#isGone) throw new ClosedError(owner.#what);
  }

  /** @internal The ring that an owner is registered with. */
  static ringOf(owner: Owner): RingBase {
    return owner.#ring;
  }

  /** @internal The core of that ring. */
  static coreOf(owner: Owner): RingCore {
    return owner.#core;
  }

  /** The ring that this is registered with. */
  get ring(): RingBase {
    return this.#ring;
  }

  /** @internal */
  get core(): RingCore {
    return this.#core;
  }

  /** Undoes the registration in the kernel. Called at most once, and not after the ring is closed. */
  protected abstract release(): void;

  /** Is it still registered? */
  get isRegistered(): boolean {
    return !this.#isGone && !this.core.isClosed;
  }

  /** @internal Throws ClosedError unless it is registered. */
  protected check(): void {
    this.core.check();
    if (this.#isGone) throw new ClosedError(this.#what);
  }

  /** @internal The registration went to another owner. */
  protected disown(): void {
    this.#isGone = true;
  }

  /**
   * Undoes the registration. Harmless when repeated.
   *
   * Before Linux 6.13 the kernel waits, in this thread, until no operation in flight uses a registered buffer or file, for
   * ever if need be: let those end, or cancel them, first. `update()` never waits.
   * @throws RegisterError EACCES on a sandboxed ring that does not allow it; ClosedError after the ring is closed
   */
  unregister(): void {
    if (this.#isGone) return;
    this.core.check();
    this.release();
    this.#isGone = true;
  }

  /** As `unregister`, but nothing is thrown because the ring is closed, or sandboxed. */
  [Symbol.dispose](): void {
    if (this.#isGone) return;
    try {
      if (!this.core.isClosed) this.release();
    } catch (error) {
      // what failed otherwise is still registered, and can be tried again
      if (!(error instanceof RegisterError && error.code === 'EACCES')) throw error;
    }
    this.#isGone = true;
  }
}
