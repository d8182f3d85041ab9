/** A ring's index in the table of its thread, by which calls reach it without an fd. */
import { StateError } from '../../errors.ts';
import { registerRingFds } from '../../register/files.ts';
import { type AnyRing, openCore } from '../core/rings.ts';
import { Owner } from './owner.ts';

/**
 * The registered index of a ring. Submitting and waiting go by it at once, register calls from Linux 6.3 on
 * (FEAT_REG_REG_RING). It belongs to the thread, as the ring does; a thread has 16 of them. The ring's `close()` gives
 * it back.
 */
export class RegisteredRingFd extends Owner {
  readonly #index: number;

  private constructor(ring: AnyRing, index: number) {
    super(ring, 'the registered index');
    this.#index = index;
  }

  /** 0..15 */
  get index(): number {
    return this.#index;
  }

  /** @internal REGISTER_RING_FDS */
  static register(ring: AnyRing): RegisteredRingFd {
    const core = openCore('ring', ring);
    if (core.index !== undefined) {
      throw new StateError(`the ring has a registered index already: ${core.index}`);
    }
    const [index = -1] = registerRingFds(core.handle, [{ fd: core.fd }]);
    core.attachIndex(index);
    return new RegisteredRingFd(ring, index);
  }

  /**
   * Closes the ring's fd, so that only the index is left: no other code of the process can reach the ring, and no child can
   * inherit it. `ring.fd` is -1 from then on, and nothing can be mapped any more: resize the ring, and register buffer
   * rings that the kernel allocates, before. Harmless when repeated.
   * @throws UnsupportedError before Linux 6.3, where register calls still need the fd
   * @throws StateError for an AsyncRing without `deferTaskrun`, whose fd wakes the event loop
   */
  closeFd(): void {
    Owner.check(this);
    Owner.coreOf(this).closeFd();
  }

  /**
   * Gives the index back (UNREGISTER_RING_FDS): calls go by the fd again.
   * @throws StateError after `closeFd()`: the ring would be lost; `ring.close()` gives both back
   * @throws RegisterError EACCES on a sandboxed ring that does not allow it
   */
  override unregister(): void {
    super.unregister();
  }

  /** As `unregister`, but nothing is thrown where the ring needs the index: then the ring's `close()` gives it back. */
  override [Symbol.dispose](): void {
    const core = Owner.coreOf(this);
    if (!core.isClosed && core.fd < 0) return;
    super[Symbol.dispose]();
  }

  protected override release(): void {
    const core = Owner.coreOf(this);
    if (core.fd < 0) {
      throw new StateError('the fd is closed, so that the index is all the ring has: close the ring instead');
    }
    core.detachIndex();
  }
}
