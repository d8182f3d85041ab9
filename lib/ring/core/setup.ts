/** io_uring_setup(2) and io_uring_enter(2), typed. */
import { integer, U32_MAX } from '../../../structs/check.ts';
import { constants } from '../../../structs/flags.ts';
import type { ValueOf } from '../../../structs/layout.ts';
import { Params } from '../../../structs/setup.ts';
import { SyscallError } from '../../errors.ts';
import { fdOf, type RingFd } from '../../register/call.ts';
import { explainSetup, type SetupRequest } from '../../register/explain.ts';
import { sys } from '../../sys/syscall.ts';
import { tracedSetup } from '../../sys/trace.ts';
import type { RingParams } from './queues.ts';

/** Fields of io_uring_params that setup reads. */
export type SetupParams = Pick<
  ValueOf<typeof Params>,
  'flags' | 'cqEntries' | 'sqThreadCpu' | 'sqThreadIdle' | 'wqFd' | 'sqOff' | 'cqOff'
>;

/** A ring that was set up. */
export interface SetupResult {
  /** The ring's fd (close-on-exec); with SETUP_REGISTERED_FD_ONLY its registered index, which is no fd. */
  readonly fd: number;
  /** io_uring_params as the kernel filled it in. */
  readonly params: RingParams;
}

/** As `setup`, but a refusal is returned as minus the errno. */
export function trySetup(entries: number, params: SetupParams): SetupResult | number {
  const bytes = Params.encode(params);
  const isIndexOnly = ((params.flags ?? 0) & constants.IORING_SETUP_REGISTERED_FD_ONLY) !== 0;
  const fd = tracedSetup(entries, bytes, isIndexOnly);
  return fd < 0 ? fd : { fd, params: Params.decode(bytes) };
}

/** The error of a refused setup. */
export function setupFailure(errno: number, request: SetupRequest): Error {
  const { unsupported, hint } = explainSetup(errno, request);
  return unsupported ?? new SyscallError('io_uring_setup', errno, { hint });
}

/**
 * Makes a ring, without mapping its queues.
 *
 * Safety: the fd is yours to close; memory given for SETUP_NO_MMAP must outlive the ring.
 * @param entries submission queue entries, 1..32768; the kernel rounds up to a power of two
 * @param params `flags` (IORING_SETUP_*), `cqEntries`, `sqThreadCpu`, `sqThreadIdle` (milliseconds), `wqFd`
 * @throws SyscallError EINVAL (entries or flags), EMFILE, ENOMEM, EPERM (see the hint); UnsupportedError for a flag
 *   that this kernel lacks
 * @since 5.1
 * @see io_uring_setup(2)
 */
export function setup(entries: number, params: SetupParams = {}): SetupResult {
  integer('entries', entries, 1, U32_MAX);
  const result = trySetup(entries, params);
  if (typeof result === 'number') {
    const { flags = 0, cqEntries } = params;
    throw setupFailure(-result, { entries, flags, cqEntries });
  }
  return result;
}

/** What `enter` takes beside the ring. */
export interface EnterOptions {
  /** Entries to submit, 0 when absent. */
  readonly toSubmit?: number | undefined;
  /** Completions to wait for, with IORING_ENTER_GETEVENTS in `flags`. */
  readonly minComplete?: number | undefined;
  /** IORING_ENTER_* */
  readonly flags?: number | undefined;
  /** Address of a signal set, or of io_uring_getevents_arg with IORING_ENTER_EXT_ARG, or an offset with EXT_ARG_REG. */
  readonly arg?: number | undefined;
  /** Its size in bytes. */
  readonly argSize?: number | undefined;
}

/**
 * Submits entries and waits for completions, as it is: blocks the thread while it waits.
 * @param ring the ring's fd, or `{ registeredIndex }`, which sets IORING_ENTER_REGISTERED_RING
 * @returns entries consumed
 * @throws SyscallError EAGAIN, EBUSY (reap completions first), EBADFD (the ring is disabled), EEXIST (single issuer:
 *   this thread does not own the ring), EFAULT, EINTR, EINVAL, ENXIO, ETIME
 * @since 5.1
 * @see io_uring_enter(2)
 */
export function enter(ring: RingFd, options: EnterOptions = {}): number {
  const { toSubmit = 0, minComplete = 0, flags = 0, arg = 0, argSize = 0 } = options;
  const fd = fdOf(ring);
  for (const [name, value] of Object.entries({ toSubmit, minComplete, flags }))
    integer(name, value, 0, U32_MAX);
  integer('arg', arg, 0, Number.MAX_SAFE_INTEGER);
  integer('argSize', argSize, 0, U32_MAX);
  const bit = typeof ring === 'number' ? 0 : constants.IORING_ENTER_REGISTERED_RING;
  const result = sys.enter(fd, toSubmit, minComplete, (flags | bit) >>> 0, arg, argSize);
  if (result < 0) throw enterFailure(-result);
  return result;
}

const ENTER_HINTS: { readonly [errno: number]: string } = {
  11: 'the kernel has no memory for requests: reap completions, then submit again',
  16: 'completions overflowed: reap them, then submit again',
  17: 'single issuer: this thread does not own the ring',
  77: 'the ring is disabled: enable() it first',
};

/** The error of a failed io_uring_enter(2). */
export function enterFailure(errno: number): SyscallError {
  return new SyscallError('io_uring_enter', errno, { hint: ENTER_HINTS[errno] });
}
