/** Preparers of operations on rings and on other operations. Safety: see rw.ts. */
import { constants } from '../../structs/flags.ts';
import type { SqeCursor } from './sqe.ts';

const { IORING_OP_ASYNC_CANCEL, IORING_OP_MSG_RING, IORING_OP_NOP } = constants;

/** IORING_OP_NOP, since 5.1: completes with 0 and does nothing. */
export function nop(sqe: SqeCursor): SqeCursor {
  return sqe.prepare(IORING_OP_NOP, -1, 0, 0, 0);
}

/**
 * IORING_OP_ASYNC_CANCEL, since 5.5: cancels by user_data, given in two halves.
 * @param flags IORING_ASYNC_CANCEL_* (5.19)
 */
export function asyncCancel(sqe: SqeCursor, low: number, high: number, flags: number): SqeCursor {
  const entry = sqe.prepare(IORING_OP_ASYNC_CANCEL, -1, 0, 0, 0);
  entry.setAddr(low, high);
  entry.opFlags = flags;
  return entry;
}

/** IORING_OP_MSG_RING, since 5.18: posts {`userData`, `res`} on the ring `fd`. */
export function msgRing(sqe: SqeCursor, fd: number, res: number, userData: number): SqeCursor {
  return sqe.prepare(IORING_OP_MSG_RING, fd, 0, res, userData);
}
