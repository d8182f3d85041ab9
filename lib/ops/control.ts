/** Preparers of operations on rings, on other operations, and on whatever a driver commands. Safety: see rw.ts. */
import { constants } from '../../structs/flags.ts';
import type { SqeCursor } from './sqe.ts';

const {
  IORING_ASYNC_CANCEL_FD,
  IORING_ASYNC_CANCEL_OP,
  IORING_MSG_RING_FLAGS_PASS,
  IORING_MSG_SEND_FD,
  IORING_NOP_CQE32,
  IORING_OP_ASYNC_CANCEL,
  IORING_OP_MSG_RING,
  IORING_OP_NOP,
  IORING_OP_NOP128,
  IORING_OP_URING_CMD,
  IORING_OP_URING_CMD128,
  SOCKET_URING_OP_GETSOCKNAME,
} = constants;

// ---- no-ops ---------------------------------------------------------------------------------------------------------------

/**
 * IORING_OP_NOP, since 5.1: completes with 0 and does nothing.
 * @see io_uring_prep_nop(3)
 */
export function nop(sqe: SqeCursor): SqeCursor {
  return sqe.begin(IORING_OP_NOP, -1);
}

/**
 * IORING_OP_NOP with flags, for tests.
 * @param flags IORING_NOP_INJECT_RESULT (6.10); IORING_NOP_FILE (2), IORING_NOP_FIXED_FILE (4) and
 *   IORING_NOP_FIXED_BUFFER (8) look up `fd` and `bufferIndex` (6.13), IORING_NOP_TW (16) completes by task work (6.15)
 * @param result the completion's res, with IORING_NOP_INJECT_RESULT
 */
export function nopWith(
  sqe: SqeCursor,
  flags: number,
  fd: number,
  result: number,
  bufferIndex: number,
): SqeCursor {
  sqe.prepare(IORING_OP_NOP, fd, 0, result, 0).opFlags = flags;
  sqe.bufIndex = bufferIndex;
  return sqe;
}

/**
 * IORING_OP_NOP with a big completion (it sets IORING_NOP_CQE32), since 6.18: its two extra words are given. For rings with
 * IORING_SETUP_CQE32 or IORING_SETUP_CQE_MIXED.
 */
export function nopCqe32(sqe: SqeCursor, extra1: number, extra2: number): SqeCursor {
  sqe.prepare(IORING_OP_NOP, -1, extra2, 0, extra1).opFlags = IORING_NOP_CQE32;
  return sqe;
}

/**
 * IORING_OP_NOP128, since 6.19: a nop of 128 bytes, for rings with IORING_SETUP_SQE_MIXED.
 *
 * Safety: it takes the slot after the cursor's too, which must be free and not the first of the queue.
 */
export function nop128(sqe: SqeCursor): SqeCursor {
  sqe.begin(IORING_OP_NOP128, -1).clearSecondHalf();
  return sqe;
}

// ---- other operations -----------------------------------------------------------------------------------------------------

/**
 * IORING_OP_ASYNC_CANCEL, since 5.5: cancels by user_data, given in two halves.
 * @param flags IORING_ASYNC_CANCEL_* (5.19)
 * @see io_uring_prep_cancel(3), io_uring_prep_cancel64(3)
 */
export function asyncCancel(sqe: SqeCursor, low: number, high: number, flags: number): SqeCursor {
  const entry = sqe.begin(IORING_OP_ASYNC_CANCEL, -1);
  entry.setAddr(low, high);
  entry.opFlags = flags;
  return entry;
}

/**
 * IORING_OP_ASYNC_CANCEL, since 5.19 by file (it sets IORING_ASYNC_CANCEL_FD).
 * @param fd a slot with IORING_ASYNC_CANCEL_FD_FIXED (6.0)
 * @param flags IORING_ASYNC_CANCEL_ALL; the result is then how many there were
 * @see io_uring_prep_cancel_fd(3)
 */
export function asyncCancelFd(sqe: SqeCursor, fd: number, flags: number): SqeCursor {
  sqe.begin(IORING_OP_ASYNC_CANCEL, fd).opFlags = flags | IORING_ASYNC_CANCEL_FD;
  return sqe;
}

/**
 * IORING_OP_ASYNC_CANCEL, since 6.6 by operation (it sets IORING_ASYNC_CANCEL_OP).
 * @param opcode IORING_OP_*
 * @param flags IORING_ASYNC_CANCEL_ALL; the result is then how many there were
 * @see io_uring_prep_cancel(3)
 */
export function asyncCancelOp(sqe: SqeCursor, opcode: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_ASYNC_CANCEL, -1, 0, opcode, 0).opFlags = flags | IORING_ASYNC_CANCEL_OP;
  return sqe;
}

/**
 * IORING_OP_ASYNC_CANCEL, since 5.19 by all that `flags` say together: IORING_ASYNC_CANCEL_FD, IORING_ASYNC_CANCEL_OP
 * (6.6), or IORING_ASYNC_CANCEL_ANY for everything on the ring.
 * @param fd -1 where it does not matter; a slot with IORING_ASYNC_CANCEL_FD_FIXED (6.0)
 * @param opcode IORING_OP_*, 0 where it does not matter
 * @param flags IORING_ASYNC_CANCEL_*
 * @see io_uring_prep_cancel(3)
 */
export function asyncCancelWhere(sqe: SqeCursor, fd: number, opcode: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_ASYNC_CANCEL, fd, 0, opcode, 0).opFlags = flags;
  return sqe;
}

// ---- other rings ------------------------------------------------------------------------------------------------------------

/**
 * IORING_OP_MSG_RING, since 5.18: posts {`userData`, `res`} on the ring `fd`. With IORING_MSG_RING_CQE_SKIP in `opFlags`
 * nothing is posted.
 * @see io_uring_prep_msg_ring(3)
 */
export function msgRing(sqe: SqeCursor, fd: number, res: number, userData: number): SqeCursor {
  return sqe.prepare(IORING_OP_MSG_RING, fd, 0, res, userData);
}

/**
 * IORING_OP_MSG_RING, since 6.3 with the flags of the completion that it posts (it sets IORING_MSG_RING_FLAGS_PASS).
 * @see io_uring_prep_msg_ring_cqe_flags(3)
 */
export function msgRingCqeFlags(
  sqe: SqeCursor,
  fd: number,
  res: number,
  userData: number,
  cqeFlags: number,
): SqeCursor {
  msgRing(sqe, fd, res, userData).opFlags = IORING_MSG_RING_FLAGS_PASS;
  sqe.fileIndex = cqeFlags;
  return sqe;
}

/**
 * IORING_OP_MSG_RING, since 6.0 with a file (IORING_MSG_SEND_FD): puts the one in `slot` of this ring into the file table
 * of the ring `fd`, and posts {`userData`, its slot or 0} there.
 * @param fileIndex n + 1: slot n; 2^32-1: a free slot
 * @param flags IORING_MSG_RING_CQE_SKIP posts nothing there
 * @see io_uring_prep_msg_ring_fd(3), io_uring_prep_msg_ring_fd_alloc(3)
 */
export function msgRingFd(
  sqe: SqeCursor,
  fd: number,
  slot: number,
  fileIndex: number,
  userData: number,
  flags: number,
): SqeCursor {
  sqe.prepare(IORING_OP_MSG_RING, fd, IORING_MSG_SEND_FD, 0, userData).addr3 = slot;
  sqe.fileIndex = fileIndex;
  sqe.opFlags = flags;
  return sqe;
}

// ---- commands ---------------------------------------------------------------------------------------------------------------

/**
 * IORING_OP_URING_CMD, since 5.19: a command of the file's driver. Up to 16 bytes for it go into `cmd`, 80 where entries
 * have 128 bytes.
 * @param command cmd_op: the driver's number for it
 * @param address addr, for those who read it
 * @param length len, for those who read it
 * @param flags IORING_URING_CMD_FIXED, with the registered buffer in `bufIndex`
 * @see io_uring_prep_uring_cmd(3)
 */
export function uringCmd(
  sqe: SqeCursor,
  fd: number,
  command: number,
  address: number,
  length: number,
  flags: number,
): SqeCursor {
  sqe.prepare(IORING_OP_URING_CMD, fd, address, length, command >>> 0).opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_URING_CMD128, since 6.19: as `uringCmd` with room for 80 bytes in `cmd`, for rings with
 * IORING_SETUP_SQE_MIXED.
 *
 * Safety: it takes the slot after the cursor's too, which must be free and not the first of the queue.
 * @see io_uring_prep_uring_cmd128(3)
 */
export function uringCmd128(
  sqe: SqeCursor,
  fd: number,
  command: number,
  address: number,
  length: number,
  flags: number,
): SqeCursor {
  sqe.prepare(IORING_OP_URING_CMD128, fd, address, length, command >>> 0).opFlags = flags;
  sqe.clearSecondHalf();
  return sqe;
}

/**
 * IORING_OP_URING_CMD on a socket, since 6.7.
 * @param command SOCKET_URING_OP_SIOCINQ and SOCKET_URING_OP_SIOCOUTQ (all others 0): the result is how many bytes wait;
 *   SOCKET_URING_OP_GETSOCKOPT (level SOL_SOCKET only): the result is the value's length; SOCKET_URING_OP_SETSOCKOPT;
 *   SOCKET_URING_OP_TX_TIMESTAMP (6.17)
 * @param value address of `length` bytes
 * @see io_uring_prep_cmd_sock(3)
 */
export function uringCmdSock(
  sqe: SqeCursor,
  fd: number,
  command: number,
  level: number,
  option: number,
  value: number,
  length: number,
): SqeCursor {
  sqe.prepare(IORING_OP_URING_CMD, fd, 0, 0, command).setAddr(level, option);
  sqe.addr3 = value;
  sqe.fileIndex = length;
  return sqe;
}

/**
 * IORING_OP_URING_CMD with SOCKET_URING_OP_GETSOCKNAME, since 6.19: the address of a socket.
 * @param address where the sockaddr goes
 * @param lengthAddress address of a u32: the room for it, then its length
 * @param peer 1: the peer's, as getpeername(2); 0: its own
 * @see io_uring_prep_cmd_getsockname(3)
 */
export function uringCmdGetsockname(
  sqe: SqeCursor,
  fd: number,
  address: number,
  lengthAddress: number,
  peer: number,
): SqeCursor {
  sqe.prepare(IORING_OP_URING_CMD, fd, address, 0, SOCKET_URING_OP_GETSOCKNAME).addr3 = lengthAddress;
  sqe.fileIndex = peer;
  return sqe;
}
