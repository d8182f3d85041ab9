/**
 * Preparers of operations that wait: poll, epoll, timeouts, futexes, children. Safety: see rw.ts.
 *
 * Where an operation names another one by its user_data, this is given in two halves, low and high 32 bits.
 */
import { constants } from '../../structs/flags.ts';
import type { SqeCursor } from './sqe.ts';

const {
  IORING_OP_EPOLL_CTL,
  IORING_OP_EPOLL_WAIT,
  IORING_OP_FUTEX_WAIT,
  IORING_OP_FUTEX_WAITV,
  IORING_OP_FUTEX_WAKE,
  IORING_OP_LINK_TIMEOUT,
  IORING_OP_POLL_ADD,
  IORING_OP_POLL_REMOVE,
  IORING_OP_TIMEOUT,
  IORING_OP_TIMEOUT_REMOVE,
  IORING_OP_WAITID,
  IORING_TIMEOUT_UPDATE,
} = constants;

// ---- files --------------------------------------------------------------------------------------------------------------

/**
 * IORING_OP_POLL_ADD, since 5.1; the result is the events that came.
 * @param events POLL* bits (POLLIN 1, POLLOUT 4)
 * @param flags IORING_POLL_ADD_MULTI (5.13); IORING_POLL_ADD_LEVEL stands in the header, and is refused with EINVAL (6.18)
 * @see io_uring_prep_poll_add(3), io_uring_prep_poll_multishot(3)
 */
export function pollAdd(sqe: SqeCursor, fd: number, events: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_POLL_ADD, fd, 0, flags, 0).opFlags = events;
  return sqe;
}

/**
 * IORING_OP_POLL_REMOVE, since 5.1: ends the poll with this user_data.
 * @see io_uring_prep_poll_remove(3)
 */
export function pollRemove(sqe: SqeCursor, low: number, high: number): SqeCursor {
  sqe.begin(IORING_OP_POLL_REMOVE, -1).setAddr(low, high);
  return sqe;
}

/**
 * IORING_OP_POLL_REMOVE, since 5.13 as a change of the poll with this user_data, which goes on.
 * @param newLow its user_data from then on, with IORING_POLL_UPDATE_USER_DATA
 * @param events POLL* bits from then on, with IORING_POLL_UPDATE_EVENTS
 * @param flags IORING_POLL_UPDATE_*, IORING_POLL_ADD_MULTI
 * @see io_uring_prep_poll_update(3)
 */
export function pollUpdate(
  sqe: SqeCursor,
  low: number,
  high: number,
  newLow: number,
  newHigh: number,
  events: number,
  flags: number,
): SqeCursor {
  sqe.prepare(IORING_OP_POLL_REMOVE, -1, 0, flags, 0).setAddr(low, high);
  sqe.setOff(newLow, newHigh);
  sqe.opFlags = events;
  return sqe;
}

/**
 * IORING_OP_EPOLL_CTL, since 5.6.
 * @param op EPOLL_CTL_ADD (1), EPOLL_CTL_DEL (2), EPOLL_CTL_MOD (3)
 * @param event address of an epoll_event; 0 for EPOLL_CTL_DEL
 * @see io_uring_prep_epoll_ctl(3)
 */
export function epollCtl(sqe: SqeCursor, epollFd: number, op: number, fd: number, event: number): SqeCursor {
  return sqe.prepare(IORING_OP_EPOLL_CTL, epollFd, event, op, fd >>> 0);
}

/**
 * IORING_OP_EPOLL_WAIT, since 6.15: `events` is the address of `count` epoll_events; the result is how many were written.
 * @see io_uring_prep_epoll_wait(3)
 */
export function epollWait(sqe: SqeCursor, epollFd: number, events: number, count: number): SqeCursor {
  return sqe.prepare(IORING_OP_EPOLL_WAIT, epollFd, events, count, 0);
}

// ---- time: `timespec` is the address of a __kernel_timespec -----------------------------------------------------------------

/**
 * IORING_OP_TIMEOUT, since 5.4.
 * @param timespec address of a __kernel_timespec
 * @param count completions after which it ends early (of fires with IORING_TIMEOUT_MULTISHOT, 6.4); 0 for none
 * @param flags IORING_TIMEOUT_*
 * @see io_uring_prep_timeout(3)
 */
export function timeout(sqe: SqeCursor, timespec: number, count: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_TIMEOUT, -1, timespec, 1, count).opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_TIMEOUT_REMOVE, since 5.5: ends the timeout with this user_data.
 * @see io_uring_prep_timeout_remove(3)
 */
export function timeoutRemove(sqe: SqeCursor, low: number, high: number): SqeCursor {
  sqe.begin(IORING_OP_TIMEOUT_REMOVE, -1).setAddr(low, high);
  return sqe;
}

/**
 * IORING_OP_TIMEOUT_REMOVE, since 5.11 as a change of the timeout with this user_data (it sets IORING_TIMEOUT_UPDATE).
 * @param flags IORING_TIMEOUT_ABS; IORING_LINK_TIMEOUT_UPDATE (5.15) where it is a linked one
 * @see io_uring_prep_timeout_update(3)
 */
export function timeoutUpdate(
  sqe: SqeCursor,
  low: number,
  high: number,
  timespec: number,
  flags: number,
): SqeCursor {
  sqe.prepare(IORING_OP_TIMEOUT_REMOVE, -1, 0, 0, timespec).setAddr(low, high);
  sqe.opFlags = flags | IORING_TIMEOUT_UPDATE;
  return sqe;
}

/**
 * IORING_OP_LINK_TIMEOUT, since 5.5: cancels the operation before it, which has IOSQE_IO_LINK, when it takes longer.
 * @param flags IORING_TIMEOUT_ABS, and a clock: IORING_TIMEOUT_BOOTTIME or IORING_TIMEOUT_REALTIME (5.15)
 * @see io_uring_prep_link_timeout(3)
 */
export function linkTimeout(sqe: SqeCursor, timespec: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_LINK_TIMEOUT, -1, timespec, 1, 0).opFlags = flags;
  return sqe;
}

// ---- futexes --------------------------------------------------------------------------------------------------------------

/**
 * IORING_OP_FUTEX_WAIT, since 6.7: waits while the futex has `value`; EAGAIN where it has another.
 * @param futex its address
 * @param mask bits of which a waker must have one; 2^32-1 for any
 * @param futexFlags FUTEX2_*: its size, and FUTEX2_PRIVATE
 * @see io_uring_prep_futex_wait(3)
 */
export function futexWait(
  sqe: SqeCursor,
  futex: number,
  value: number,
  mask: number,
  futexFlags: number,
): SqeCursor {
  sqe.prepare(IORING_OP_FUTEX_WAIT, futexFlags, futex, 0, value).addr3 = mask;
  return sqe;
}

/**
 * IORING_OP_FUTEX_WAKE, since 6.7: the result is how many were woken.
 * @param count at most so many
 * @see io_uring_prep_futex_wake(3)
 */
export function futexWake(
  sqe: SqeCursor,
  futex: number,
  count: number,
  mask: number,
  futexFlags: number,
): SqeCursor {
  sqe.prepare(IORING_OP_FUTEX_WAKE, futexFlags, futex, 0, count).addr3 = mask;
  return sqe;
}

/**
 * IORING_OP_FUTEX_WAITV, since 6.7: waits on several; the result is the index of the one that was woken.
 * @param futexes address of `count` futex_waitv
 * @see io_uring_prep_futex_waitv(3)
 */
export function futexWaitv(sqe: SqeCursor, futexes: number, count: number): SqeCursor {
  return sqe.prepare(IORING_OP_FUTEX_WAITV, 0, futexes, count, 0);
}

// ---- children ---------------------------------------------------------------------------------------------------------------

/**
 * IORING_OP_WAITID, since 6.7.
 * @param idType P_ALL (0), P_PID (1), P_PGID (2), P_PIDFD (3)
 * @param info 0, or the address of a siginfo_t, 128 bytes
 * @param options WEXITED (4), WSTOPPED (2), WCONTINUED (8), WNOWAIT (0x1000000)
 * @see io_uring_prep_waitid(3)
 */
export function waitid(sqe: SqeCursor, idType: number, id: number, info: number, options: number): SqeCursor {
  sqe.prepare(IORING_OP_WAITID, id, 0, idType, info).fileIndex = options;
  return sqe;
}
