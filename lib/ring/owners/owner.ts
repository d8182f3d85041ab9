/** What every owner of a registration has: it unregisters once, and is disposed of by `using`. */
import { wrongValue } from '../../../structs/check.ts';
import { ClosedError, RegisterError, UnsupportedError } from '../../errors.ts';
import type { RingCore } from '../core/core.ts';
import { type AnyRing, ringCore } from '../core/rings.ts';
import { threadBound } from '../core/thread-bound.ts';

/** Calls `unregister` again while a signal interrupts it: before 6.13 it waits for operations in flight. */
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

/** Registers a table of empty slots. Kernels before 5.19 have no flag for it and get a list of empty slots. */
export function registerSparse(withFlag: () => void, withList: () => void): void {
  try {
    withFlag();
  } catch (error) {
    const isOld =
      error instanceof UnsupportedError || (error instanceof RegisterError && error.code === 'EINVAL');
    if (!isOld) throw error;
    withList();
  }
}

/**
 * An owner refers to its ring. The ring's core never refers to an owner, because a ring that its program has dropped could
 * not be collected then.
 *
 * The static functions read private fields only. They give the right answer for an owner on which the caller has put
 * properties of the same names as the methods here.
 */
export abstract class Owner implements Disposable {
  /** @internal */
  protected readonly threadBound: () => string = threadBound;
  readonly #ring: AnyRing;
  readonly #core: RingCore;
  readonly #what: string;
  #isUnregistered = false;

  /**
   * @internal
   * @param what the owner's name in a ClosedError
   */
  constructor(ring: AnyRing, what: string) {
    this.#ring = ring;
    this.#core = ringCore('ring', ring);
    this.#what = what;
  }

  /** @internal The core of the owner's ring. */
  static coreOf(owner: Owner): RingCore {
    return owner.#core;
  }

  /** @internal The owner's ring. */
  static ringOf(owner: Owner): AnyRing {
    return owner.#ring;
  }

  /** @internal Is the owner still registered? */
  static isLive(owner: Owner): boolean {
    return !owner.#isUnregistered && !owner.#core.isClosed;
  }

  /** @internal Throws ClosedError unless the owner is registered. */
  static check(owner: Owner): void {
    owner.#core.check();
    if (owner.#isUnregistered) throw new ClosedError(owner.#what);
  }

  /** @internal Throws unless the owner is registered with the ring of `core`; `value` stands for it in the error. */
  static checkRing(owner: Owner, core: RingCore, name: string, value: unknown): void {
    if (owner.#core !== core) throw wrongValue(name, "registered with this ring, not with another's", value);
    Owner.check(owner);
  }

  /** The ring that this is registered with. */
  get ring(): AnyRing {
    return this.#ring;
  }

  /** Is it still registered? */
  get isRegistered(): boolean {
    return Owner.isLive(this);
  }

  /** Undoes the registration in the kernel. Called at most once, and not after the ring is closed. */
  protected abstract release(): void;

  /** @internal The registration went to another owner. */
  protected markUnregistered(): void {
    this.#isUnregistered = true;
  }

  /**
   * Undoes the registration. Harmless when repeated.
   *
   * Before Linux 6.13 the kernel waits, in this thread, until no operation in flight uses a registered buffer or file, for
   * ever if need be: let those end, or cancel them, first. `update()` never waits.
   * @throws RegisterError EACCES on a sandboxed ring that does not allow it; ClosedError after the ring is closed
   */
  unregister(): void {
    if (this.#isUnregistered) return;
    this.#core.check();
    this.release();
    this.#isUnregistered = true;
  }

  /** As `unregister`, but nothing is thrown because the ring is closed, or sandboxed. */
  [Symbol.dispose](): void {
    if (this.#isUnregistered) return;
    try {
      if (!this.#core.isClosed) this.release();
    } catch (error) {
      // what failed otherwise is still registered, and can be tried again
      if (!(error instanceof RegisterError && error.code === 'EACCES')) throw error;
    }
    this.#isUnregistered = true;
  }
}

Object.freeze(Owner);
