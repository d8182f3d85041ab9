/** Preparers of socket operations and of provided buffers. Safety: see rw.ts. */
import { constants } from '../../structs/flags.ts';
import type { SqeCursor } from './sqe.ts';

const { IORING_OP_PROVIDE_BUFFERS, IORING_OP_RECV, IORING_OP_REMOVE_BUFFERS, IORING_OP_SEND } = constants;

/** IORING_OP_SEND, since 5.6; `flags` are MSG_*. */
export function send(sqe: SqeCursor, fd: number, address: number, length: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_SEND, fd, address, length, 0).opFlags = flags;
  return sqe;
}

/** IORING_OP_RECV, since 5.6; `flags` are MSG_*. */
export function recv(sqe: SqeCursor, fd: number, address: number, length: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_RECV, fd, address, length, 0).opFlags = flags;
  return sqe;
}

/** IORING_OP_PROVIDE_BUFFERS, since 5.7: `count` buffers of `length` bytes one after another, ids from `firstId`. */
export function provideBuffers(
  sqe: SqeCursor,
  address: number,
  length: number,
  count: number,
  group: number,
  firstId: number,
): SqeCursor {
  sqe.prepare(IORING_OP_PROVIDE_BUFFERS, count, address, length, firstId).bufIndex = group;
  return sqe;
}

/** IORING_OP_REMOVE_BUFFERS, since 5.7. */
export function removeBuffers(sqe: SqeCursor, count: number, group: number): SqeCursor {
  sqe.prepare(IORING_OP_REMOVE_BUFFERS, count, 0, 0, 0).bufIndex = group;
  return sqe;
}
