/**
 * Preparers of socket operations and of provided buffers. Safety: see rw.ts.
 *
 * `ioprio` holds a second set of flags here, which the caller adds (`net.recv(...).ioprio |= IORING_RECV_MULTISHOT`):
 * - sends and receives: IORING_RECVSEND_POLL_FIRST (5.19), IORING_RECVSEND_BUNDLE (send and recv, 6.10),
 *   IORING_RECVSEND_FIXED_BUF (zero-copy sends, 6.0; the buffer in `bufIndex`),
 *   IORING_SEND_VECTORIZED (send and sendZc: `address` and `length` are iovecs and their count, 6.17)
 * - receives: IORING_RECV_MULTISHOT (6.0); zero-copy sends: IORING_SEND_ZC_REPORT_USAGE (6.2)
 * - accept: IORING_ACCEPT_MULTISHOT (5.19), IORING_ACCEPT_DONTWAIT and IORING_ACCEPT_POLL_FIRST (6.10)
 *
 * Multishot receives and bundles take their memory from a group of provided buffers: IOSQE_BUFFER_SELECT in `flags`, the
 * group in `bufIndex`, address 0.
 */
import { constants } from '../../structs/flags.ts';
import type { SqeCursor } from './sqe.ts';

const {
  IORING_OP_ACCEPT,
  IORING_OP_BIND,
  IORING_OP_CONNECT,
  IORING_OP_LISTEN,
  IORING_OP_PROVIDE_BUFFERS,
  IORING_OP_RECV,
  IORING_OP_RECV_ZC,
  IORING_OP_RECVMSG,
  IORING_OP_REMOVE_BUFFERS,
  IORING_OP_SEND,
  IORING_OP_SEND_ZC,
  IORING_OP_SENDMSG,
  IORING_OP_SENDMSG_ZC,
  IORING_OP_SHUTDOWN,
  IORING_OP_SOCKET,
  IORING_RECV_MULTISHOT,
  IORING_RECVSEND_FIXED_BUF,
} = constants;

// ---- sockets: an address is that of a sockaddr, with its length in bytes ------------------------------------------------

/**
 * IORING_OP_SOCKET, since 5.19.
 * @param domain AF_*
 * @param type SOCK_*, with SOCK_CLOEXEC and SOCK_NONBLOCK
 * @param fileIndex 0: a file descriptor; n + 1: slot n of the file table; 2^32-1: a free slot
 * @see io_uring_prep_socket(3), io_uring_prep_socket_direct(3)
 */
export function socket(
  sqe: SqeCursor,
  domain: number,
  type: number,
  protocol: number,
  fileIndex: number,
): SqeCursor {
  sqe.prepare(IORING_OP_SOCKET, domain, 0, protocol, type).fileIndex = fileIndex;
  return sqe;
}

/**
 * IORING_OP_BIND, since 6.11.
 * @see io_uring_prep_bind(3)
 */
export function bind(sqe: SqeCursor, fd: number, address: number, length: number): SqeCursor {
  return sqe.prepare(IORING_OP_BIND, fd, address, 0, length);
}

/**
 * IORING_OP_LISTEN, since 6.11.
 * @see io_uring_prep_listen(3)
 */
export function listen(sqe: SqeCursor, fd: number, backlog: number): SqeCursor {
  return sqe.prepare(IORING_OP_LISTEN, fd, 0, backlog, 0);
}

/**
 * IORING_OP_CONNECT, since 5.5.
 * @see io_uring_prep_connect(3)
 */
export function connect(sqe: SqeCursor, fd: number, address: number, length: number): SqeCursor {
  return sqe.prepare(IORING_OP_CONNECT, fd, address, 0, length);
}

/**
 * IORING_OP_ACCEPT, since 5.5; IORING_ACCEPT_* go into `ioprio`.
 * @param address 0, or where the peer's sockaddr goes
 * @param lengthAddress 0, or the address of a u32: the room for it, then its length
 * @param flags SOCK_CLOEXEC, SOCK_NONBLOCK
 * @param fileIndex as `socket` has it (since 5.15); multishot takes 0 and 2^32-1 only
 * @see io_uring_prep_accept(3), io_uring_prep_multishot_accept(3)
 */
export function accept(
  sqe: SqeCursor,
  fd: number,
  address: number,
  lengthAddress: number,
  flags: number,
  fileIndex: number,
): SqeCursor {
  sqe.prepare(IORING_OP_ACCEPT, fd, address, 0, lengthAddress).opFlags = flags;
  sqe.fileIndex = fileIndex;
  return sqe;
}

/**
 * IORING_OP_SHUTDOWN, since 5.11.
 * @param how SHUT_RD (0), SHUT_WR (1), SHUT_RDWR (2)
 * @see io_uring_prep_shutdown(3)
 */
export function shutdown(sqe: SqeCursor, fd: number, how: number): SqeCursor {
  return sqe.prepare(IORING_OP_SHUTDOWN, fd, 0, how, 0);
}

// ---- send and receive: flags are MSG_* ----------------------------------------------------------------------------------

/**
 * IORING_OP_SEND, since 5.6; `flags` are MSG_*, IORING_RECVSEND_* and IORING_SEND_VECTORIZED go into `ioprio`.
 * @see io_uring_prep_send(3), io_uring_prep_send_bundle(3)
 */
export function send(sqe: SqeCursor, fd: number, address: number, length: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_SEND, fd, address, length, 0).opFlags = flags;
  return sqe;
}

/**
 * Where a send goes that has no connection: after `send` (since 6.1) or `sendZc`.
 * @param destination address of a sockaddr of `length` bytes
 * @see io_uring_prep_send_set_addr(3)
 */
export function sendTo(sqe: SqeCursor, destination: number, length: number): SqeCursor {
  sqe.setOff(destination, destination / 0x1_0000_0000);
  sqe.fileIndex = length;
  return sqe;
}

/**
 * IORING_OP_SEND_ZC, since 6.0: sends without a copy; the memory is free after a second completion, IORING_CQE_F_NOTIF,
 * which comes if the first has IORING_CQE_F_MORE. IORING_RECVSEND_POLL_FIRST and IORING_SEND_ZC_REPORT_USAGE go into
 * `ioprio`.
 * @see io_uring_prep_send_zc(3)
 */
export function sendZc(
  sqe: SqeCursor,
  fd: number,
  address: number,
  length: number,
  flags: number,
): SqeCursor {
  sqe.prepare(IORING_OP_SEND_ZC, fd, address, length, 0).opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_SEND_ZC, since 6.0, from the registered buffer `bufferIndex` (it sets IORING_RECVSEND_FIXED_BUF).
 * @see io_uring_prep_send_zc_fixed(3)
 */
export function sendZcFixed(
  sqe: SqeCursor,
  fd: number,
  address: number,
  length: number,
  flags: number,
  bufferIndex: number,
): SqeCursor {
  sendZc(sqe, fd, address, length, flags).bufIndex = bufferIndex;
  sqe.ioprio = IORING_RECVSEND_FIXED_BUF;
  return sqe;
}

/**
 * IORING_OP_SENDMSG, since 5.3: `message` is the address of a msghdr.
 * @see io_uring_prep_sendmsg(3)
 */
export function sendmsg(sqe: SqeCursor, fd: number, message: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_SENDMSG, fd, message, 1, 0).opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_SENDMSG_ZC, since 6.1: `message` is the address of a msghdr; completes as `sendZc` does.
 * @see io_uring_prep_sendmsg_zc(3)
 */
export function sendmsgZc(sqe: SqeCursor, fd: number, message: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_SENDMSG_ZC, fd, message, 1, 0).opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_SENDMSG_ZC, since 6.15 with its iovecs in the registered buffer `bufferIndex` (it sets
 * IORING_RECVSEND_FIXED_BUF).
 * @see io_uring_prep_sendmsg_zc_fixed(3)
 */
export function sendmsgZcFixed(
  sqe: SqeCursor,
  fd: number,
  message: number,
  flags: number,
  bufferIndex: number,
): SqeCursor {
  sendmsgZc(sqe, fd, message, flags).bufIndex = bufferIndex;
  sqe.ioprio = IORING_RECVSEND_FIXED_BUF;
  return sqe;
}

/**
 * IORING_OP_RECV, since 5.6; `flags` are MSG_*, IORING_RECV_MULTISHOT and IORING_RECVSEND_* go into `ioprio`.
 * @see io_uring_prep_recv(3), io_uring_prep_recv_multishot(3)
 */
export function recv(sqe: SqeCursor, fd: number, address: number, length: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_RECV, fd, address, length, 0).opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_RECVMSG, since 5.3: `message` is the address of a msghdr; IORING_RECV_MULTISHOT goes into `ioprio`, each
 * buffer then begins with an io_uring_recvmsg_out.
 * @see io_uring_prep_recvmsg(3), io_uring_prep_recvmsg_multishot(3)
 */
export function recvmsg(sqe: SqeCursor, fd: number, message: number, flags: number): SqeCursor {
  sqe.prepare(IORING_OP_RECVMSG, fd, message, 1, 0).opFlags = flags;
  return sqe;
}

/**
 * IORING_OP_RECV_ZC, since 6.15: receives into the area of a zero-copy queue, again and again (it sets
 * IORING_RECV_MULTISHOT, without which the kernel refuses it). For rings with big completions.
 * @param length bytes after which it ends (6.16); 0: never
 * @param queue zcrx_id of REGISTER_ZCRX_IFQ
 */
export function recvZc(sqe: SqeCursor, fd: number, length: number, queue: number): SqeCursor {
  sqe.prepare(IORING_OP_RECV_ZC, fd, 0, length, 0).fileIndex = queue;
  sqe.ioprio = IORING_RECV_MULTISHOT;
  return sqe;
}

// ---- provided buffers -----------------------------------------------------------------------------------------------------

/**
 * IORING_OP_PROVIDE_BUFFERS, since 5.7: `count` buffers of `length` bytes one after another, ids from `firstId`.
 * @see io_uring_prep_provide_buffers(3)
 */
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

/**
 * IORING_OP_REMOVE_BUFFERS, since 5.7: takes `count` buffers back; the result is how many there were.
 * @see io_uring_prep_remove_buffers(3)
 */
export function removeBuffers(sqe: SqeCursor, count: number, group: number): SqeCursor {
  sqe.begin(IORING_OP_REMOVE_BUFFERS, count).bufIndex = group;
  return sqe;
}
