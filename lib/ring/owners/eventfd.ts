/** A registered eventfd: a count of completions that can be polled and read without the ring. */
import { boolean, options as checkOptions, descriptor } from '../../../structs/check.ts';
import { StateError, SyscallError, UnsupportedError } from '../../errors.ts';
import { registerEventfd, registerEventfdAsync, unregisterEventfd } from '../../register/notify.ts';
import { kernelRelease } from '../../sys/host.ts';
import { sys } from '../../sys/syscall.ts';
import { type AnyRing, openCore } from '../core/rings.ts';
import { Owner } from './owner.ts';

/** Options of `registerEventfd`. */
export interface RegisterEventfdOptions {
  /**
   * Only completions that a worker thread posts (REGISTER_EVENTFD_ASYNC, 5.6): neither those of operations that were
   * done at once, nor those that a poll finished.
   */
  readonly async?: boolean | undefined;
}

const EAGAIN = 11;
const EMFILE = 24;
const O_NONBLOCK = 0o4000;

/** A non-blocking, close-on-exec eventfd. */
function makeEventfd(): number {
  const fd = sys.eventfdOfRing();
  if (fd >= 0) return fd;
  const hint = fd === -EMFILE ? 'close files, or raise RLIMIT_NOFILE (ulimit -n, LimitNOFILE=)' : undefined;
  throw new SyscallError('eventfd', -fd, { hint });
}

/**
 * The eventfd of a ring; there is one at most. The ring holds the eventfd itself: closing the number of one that you
 * gave changes nothing for the ring. One that the ring made is closed by `unregister()` and by the ring's `close()`.
 */
export class RegisteredEventfd extends Owner {
  readonly #fd: number;
  readonly #close: (() => void) | undefined;

  private constructor(ring: AnyRing, fd: number, close?: () => void) {
    super(ring, 'the eventfd');
    this.#fd = fd;
    this.#close = close;
  }

  /** @internal REGISTER_EVENTFD, REGISTER_EVENTFD_ASYNC */
  static register(
    ring: AnyRing,
    fd?: number | undefined,
    options?: RegisterEventfdOptions | undefined,
  ): RegisteredEventfd {
    checkOptions('options', options, ['async']);
    const core = openCore('ring', ring);
    const { async: isAsync = false } = options ?? {};
    const register = boolean('options.async', isAsync) ? registerEventfdAsync : registerEventfd;
    if (fd === undefined) return RegisteredEventfd.#make(ring, register);
    register(core.handle, descriptor('fd', fd));
    return RegisteredEventfd.#enableSignals(new RegisteredEventfd(ring, fd));
  }

  static #make(ring: AnyRing, register: typeof registerEventfd): RegisteredEventfd {
    const core = openCore('ring', ring);
    const fd = makeEventfd();
    try {
      register(core.handle, fd);
    } catch (error) {
      sys.close(fd);
      throw error;
    }
    const close = () => sys.close(fd);
    const forget = core.onClose(close);
    return RegisteredEventfd.#enableSignals(
      new RegisteredEventfd(ring, fd, () => {
        forget();
        close();
      }),
    );
  }

  /** Completions signal a new eventfd, also where a former one of this ring was switched off. */
  static #enableSignals(owner: RegisteredEventfd): RegisteredEventfd {
    const { queues } = Owner.coreOf(owner);
    if (queues.canDisableEventfd && queues.eventfdDisabled) queues.eventfdDisabled = false;
    return owner;
  }

  /** Its fd, readable when there is something to count. */
  get fd(): number {
    Owner.check(this);
    return this.#fd;
  }

  /**
   * Takes the count: how many signals came since the last read, 0 for none. One signal may stand for several
   * completions, and the tag of a slot that was released signals too. Never blocks.
   * @throws StateError for an eventfd of yours that is blocking (made without EFD_NONBLOCK)
   * @throws SyscallError EBADF (the number of yours was closed)
   * @see eventfd(2)
   */
  read(): number {
    Owner.check(this);
    if (this.#close === undefined) this.#refuseBlocking();
    const count = new BigUint64Array(1);
    const result = sys.read(this.#fd, count);
    if (result === -EAGAIN) return 0;
    if (result < 0) throw new SyscallError('read', -result);
    return Number(count[0]);
  }

  #refuseBlocking(): void {
    const flags = sys.getFileFlags(this.#fd);
    if (flags < 0) throw new SyscallError('fcntl', -flags);
    if ((flags & O_NONBLOCK) !== 0) return;
    throw new StateError(`eventfd ${this.#fd} is blocking: make it with EFD_NONBLOCK to read it here`);
  }

  /**
   * Does the ring signal it (IORING_CQ_EVENTFD_DISABLED, 5.8)? While it is false completions are not counted, now or
   * later. A registration begins with true.
   */
  get isEnabled(): boolean {
    Owner.check(this);
    const { queues } = Owner.coreOf(this);
    return !(queues.canDisableEventfd && queues.eventfdDisabled);
  }

  set isEnabled(enabled: boolean) {
    Owner.check(this);
    boolean('isEnabled', enabled);
    const { queues } = Owner.coreOf(this);
    if (!queues.canDisableEventfd) {
      throw new UnsupportedError('CQ_EVENTFD_DISABLED', { since: '5.8', kernel: kernelRelease });
    }
    queues.eventfdDisabled = !enabled;
  }

  protected override release(): void {
    unregisterEventfd(Owner.coreOf(this).handle);
    this.#close?.();
  }
}
