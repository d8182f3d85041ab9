/** Eventfds, messages between rings, cancellation and credentials: opcodes 4, 5, 7, 9, 10, 24, 31. */
import { descriptor, integer, U32_MAX, unsigned64, wrongType, wrongValue } from '../../structs/check.ts';
import { SyncCancelReg } from '../../structs/control.ts';
import { constants } from '../../structs/flags.ts';
import { registerOps } from '../../structs/register-ops.ts';
import { Sqe } from '../../structs/sqe.ts';
import { record, u32, writeFds } from './arguments.ts';
import { call, checkRing, type RingFd, StructArgument } from './call.ts';

const { IORING_MSG_DATA, IORING_MSG_RING_FLAGS_PASS, IORING_OP_MSG_RING } = constants;

const cancelArgument = new StructArgument(SyncCancelReg);
const messageArgument = new StructArgument(Sqe);

/** What to cancel; `flags` (IORING_ASYNC_CANCEL_*) say which of the others count. */
export interface SyncCancel {
  /** `user_data` of the operation. */
  readonly addr?: number | bigint | undefined;
  /** With IORING_ASYNC_CANCEL_FD: operations on this fd, or with FD_FIXED too on this slot of the file table. */
  readonly fd?: number | undefined;
  /** IORING_ASYNC_CANCEL_*; 0 is one operation by its `user_data`. */
  readonly flags?: number | undefined;
  /** How long to wait for one that a worker runs, in milliseconds; 0 does not wait, absent waits without limit. */
  readonly timeoutMs?: number | undefined;
  /** With IORING_ASYNC_CANCEL_OP (6.6): operations of this kind, IORING_OP_*. */
  readonly opcode?: number | undefined;
}

/** A completion to put into a ring. */
export interface RingMessage {
  /** The ring that gets it. */
  readonly targetFd: number;
  /** `user_data` of the completion. */
  readonly userData: number | bigint;
  /** `res` of the completion, signed. */
  readonly res: number;
  /** `flags` of the completion; sets IORING_MSG_RING_FLAGS_PASS. */
  readonly flags?: number | undefined;
}

/**
 * Signals an eventfd for each completion; one signal may stand for several (IORING_REGISTER_EVENTFD). The ring holds
 * the eventfd itself: closing its number changes nothing. Completions of tags signal too.
 * @throws RegisterError EBUSY (the ring has an eventfd), EBADF (it is closed), EINVAL (it is no eventfd)
 * @since 5.2
 * @see io_uring_register_eventfd(3)
 */
export function registerEventfd(fd: RingFd, eventfd: number): void {
  const ring = checkRing(fd);
  const argument = writeFds([descriptor('eventfd', eventfd)]);
  call(ring, registerOps[4], argument, 1);
}

/**
 * Signals an eventfd only for completions that a worker thread posts: neither for operations done at once, nor for
 * those that a poll finished (IORING_REGISTER_EVENTFD_ASYNC).
 * @throws RegisterError as `registerEventfd`
 * @since 5.6
 * @see io_uring_register_eventfd_async(3)
 */
export function registerEventfdAsync(fd: RingFd, eventfd: number): void {
  const ring = checkRing(fd);
  const argument = writeFds([descriptor('eventfd', eventfd)]);
  call(ring, registerOps[7], argument, 1);
}

/**
 * Lets go of the eventfd, of either kind (IORING_UNREGISTER_EVENTFD).
 * @throws RegisterError ENXIO (there is none)
 * @since 5.2
 * @see io_uring_unregister_eventfd(3)
 */
export function unregisterEventfd(fd: RingFd): void {
  call(checkRing(fd), registerOps[5], null, 0);
}

/**
 * Stores the caller's credentials with the ring (IORING_REGISTER_PERSONALITY).
 *
 * Safety: whoever can submit to the ring can act with them.
 * @returns their id, 1..65535, for the `personality` of an SQE
 * @throws RegisterError ENOMEM
 * @since 5.6
 * @see io_uring_register_personality(3)
 */
export function registerPersonality(fd: RingFd): number {
  return call(checkRing(fd), registerOps[9], null, 0);
}

/**
 * Drops stored credentials (IORING_UNREGISTER_PERSONALITY). `nr_args` carries the id.
 * @throws RegisterError EINVAL (no such id)
 * @since 5.6
 * @see io_uring_unregister_personality(3)
 */
export function unregisterPersonality(fd: RingFd, id: number): void {
  const ring = checkRing(fd);
  call(ring, registerOps[10], null, integer('id', id, 0, U32_MAX));
}

/** Both words -1: no limit. */
const NO_LIMIT = { tvSec: -1, tvNsec: -1 };

function timespec(name: string, ms: number | undefined): { tvSec: number; tvNsec: number } {
  if (ms === undefined) return NO_LIMIT;
  if (typeof ms !== 'number') throw wrongType(name, 'a number', ms);
  if (!(ms >= 0 && ms <= Number.MAX_SAFE_INTEGER)) throw wrongValue(name, 'from 0 to 2^53-1', ms);
  return { tvSec: Math.floor(ms / 1000), tvNsec: Math.floor((ms % 1000) * 1e6) };
}

/**
 * Cancels operations and waits until they have ended (IORING_REGISTER_SYNC_CANCEL). Their completions have ECANCELED.
 * Blocks the thread, and with it the event loop, while a worker runs one: give a `timeoutMs`.
 * @returns with IORING_ASYNC_CANCEL_ALL or _ANY how many were cancelled, otherwise 0
 * @throws RegisterError ENOENT (nothing matched, without ALL and ANY), ETIME (a worker still runs it), EBADF (`fd`),
 *   EINVAL (unknown `flags`), EINTR
 * @since 6.0
 * @see io_uring_register_sync_cancel(3)
 */
export function registerSyncCancel(fd: RingFd, cancel: SyncCancel): number {
  const ring = checkRing(fd);
  record('cancel', cancel, ['addr', 'fd', 'flags', 'timeoutMs', 'opcode']);
  const { addr = 0, fd: of = -1, flags, timeoutMs, opcode = 0 } = cancel;
  const argument = cancelArgument.set({
    addr: unsigned64('cancel.addr', addr),
    fd: integer('cancel.fd', of, -1, 0x7fff_ffff),
    flags: u32('cancel.flags', flags),
    timeout: timespec('cancel.timeoutMs', timeoutMs),
    opcode: integer('cancel.opcode', opcode, 0, 0xff),
  });
  return call(ring, registerOps[24], argument, 1);
}

/**
 * Puts a completion into another ring, without a ring of one's own (IORING_REGISTER_SEND_MSG_RING). A target with
 * SETUP_DEFER_TASKRUN shows it only after its own enter.
 * @param fd must be -1
 * @throws RegisterError EBADF (`targetFd` is closed), EBADFD (it is no ring, or disabled), EOVERFLOW (its queue is full),
 *   EINVAL (`fd` is not -1)
 * @since 6.13
 * @see io_uring_register_sync_msg(3)
 */
export function registerSendMsgRing(fd: RingFd, message: RingMessage): void {
  const ring = checkRing(fd);
  record('message', message, ['targetFd', 'userData', 'res', 'flags']);
  const { targetFd, userData, res, flags } = message;
  const passed = flags === undefined ? {} : { msgRingFlags: IORING_MSG_RING_FLAGS_PASS };
  const argument = messageArgument.set({
    opcode: IORING_OP_MSG_RING,
    fd: descriptor('message.targetFd', targetFd),
    addr: IORING_MSG_DATA,
    off: unsigned64('message.userData', userData),
    len: integer('message.res', res, -0x8000_0000, 0x7fff_ffff) >>> 0,
    fileIndex: u32('message.flags', flags),
    ...passed,
  });
  call(ring, registerOps[31], argument, 1);
}
