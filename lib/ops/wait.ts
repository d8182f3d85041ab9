/** Preparers of operations that wait: poll and timeouts. Safety: see rw.ts. */
import { constants } from '../../structs/flags.ts';
import type { SqeCursor } from './sqe.ts';

const { IORING_OP_POLL_ADD, IORING_OP_TIMEOUT } = constants;

/**
 * IORING_OP_POLL_ADD, since 5.1.
 * @param events POLL* bits (POLLIN 1, POLLOUT 4)
 * @param flags IORING_POLL_ADD_MULTI (5.13), IORING_POLL_ADD_LEVEL (6.0)
 */
export function pollAdd(sqe: SqeCursor, fd: number, events: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_POLL_ADD, fd, 0, flags, 0).opFlags = events;
  return sqe;
}

/**
 * IORING_OP_TIMEOUT, since 5.4.
 * @param timespec address of a __kernel_timespec
 * @param count completions after which it ends early; 0 for none
 * @param flags IORING_TIMEOUT_*
 */
export function timeout(sqe: SqeCursor, timespec: number, count: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_TIMEOUT, -1, timespec, 1, count).opFlags = flags;
  return sqe;
}
