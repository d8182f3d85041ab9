/** What goes through the queues: submissions, completions, and what their memory points to. */
import { array, flex, struct, union } from './layout.ts';

/**
 * io_uring_sqe: one submission, 64 bytes, or 128 with IORING_SETUP_SQE128. io_uring_enter(2) reads it from the
 * submission queue; REGISTER_SEND_MSG_RING takes one as its argument.
 * @see io_uring_enter(2)
 */
export const Sqe = struct('io_uring_sqe', {
  opcode: 'u8',
  flags: 'u8',
  ioprio: 'u16',
  fd: 's32',
  u1: union({ off: 'u64' }, { addr2: 'u64' }, { cmd_op: 'u32', __pad1: 'u32' }),
  u2: union({ addr: 'u64' }, { splice_off_in: 'u64' }, { level: 'u32', optname: 'u32' }),
  len: 'u32',
  u3: union(
    { rw_flags: 's32' },
    { fsync_flags: 'u32' },
    { poll_events: 'u16' },
    { poll32_events: 'u32' },
    { sync_range_flags: 'u32' },
    { msg_flags: 'u32' },
    { timeout_flags: 'u32' },
    { accept_flags: 'u32' },
    { cancel_flags: 'u32' },
    { open_flags: 'u32' },
    { statx_flags: 'u32' },
    { fadvise_advice: 'u32' },
    { splice_flags: 'u32' },
    { rename_flags: 'u32' },
    { unlink_flags: 'u32' },
    { hardlink_flags: 'u32' },
    { xattr_flags: 'u32' },
    { msg_ring_flags: 'u32' },
    { uring_cmd_flags: 'u32' },
    { waitid_flags: 'u32' },
    { futex_flags: 'u32' },
    { install_fd_flags: 'u32' },
    { nop_flags: 'u32' },
    { pipe_flags: 'u32' },
  ),
  user_data: 'u64',
  u4: union({ buf_index: 'u16' }, { buf_group: 'u16' }),
  personality: 'u16',
  u5: union(
    { splice_fd_in: 's32' },
    { file_index: 'u32' },
    { zcrx_ifq_idx: 'u32' },
    { optlen: 'u32' },
    { addr_len: 'u16', __pad3: array('u16', 1) },
  ),
  u6: union(
    { addr3: 'u64', __pad2: array('u64', 1) },
    { attr_ptr: 'u64', attr_type_mask: 'u64' },
    { optval: 'u64' },
    { cmd: flex('u8') },
  ),
});

/**
 * io_uring_cqe: one completion, 16 bytes; with IORING_SETUP_CQE32 `bigCqe` is two words more. The kernel writes it
 * into the completion queue. `res` is the result, or minus the errno.
 * @see io_uring_enter(2)
 */
export const Cqe = struct('io_uring_cqe', {
  user_data: 'u64',
  res: 's32',
  flags: 'u32',
  big_cqe: flex('u64'),
});

/** io_uring_attr_pi: protection information of a read or write, behind `attrPtr` of an SQE (6.14). */
export const AttrPi = struct('io_uring_attr_pi', {
  flags: 'u16',
  app_tag: 'u16',
  len: 'u32',
  addr: 'u64',
  seed: 'u64',
  rsvd: 'u64',
});

/**
 * io_uring_recvmsg_out: what a multishot OP_RECVMSG puts at the start of the buffer that it picked; name, control
 * data and payload follow.
 * @see io_uring_prep_recvmsg(3)
 */
export const RecvmsgOut = struct('io_uring_recvmsg_out', {
  namelen: 'u32',
  controllen: 'u32',
  payloadlen: 'u32',
  flags: 'u32',
});
