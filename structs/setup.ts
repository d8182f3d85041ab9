/** The argument of io_uring_setup(2), and the extended argument of io_uring_enter(2). */
import { array, struct } from './layout.ts';

/**
 * io_sqring_offsets: where the parts of the submission queue lie in its mapping, in bytes. The kernel fills it.
 * @see io_uring_setup(2)
 */
export const SqringOffsets = struct('io_sqring_offsets', {
  head: 'u32',
  tail: 'u32',
  ring_mask: 'u32',
  ring_entries: 'u32',
  flags: 'u32',
  dropped: 'u32',
  array: 'u32',
  resv1: 'u32',
  user_addr: 'u64',
});

/**
 * io_cqring_offsets: where the parts of the completion queue lie in its mapping, in bytes. The kernel fills it.
 * @see io_uring_setup(2)
 */
export const CqringOffsets = struct('io_cqring_offsets', {
  head: 'u32',
  tail: 'u32',
  ring_mask: 'u32',
  ring_entries: 'u32',
  overflow: 'u32',
  cqes: 'u32',
  flags: 'u32',
  resv1: 'u32',
  user_addr: 'u64',
});

/**
 * io_uring_params: what a ring shall be, and, after io_uring_setup(2) or REGISTER_RESIZE_RINGS, what it became.
 * `sqThreadIdle` is in milliseconds.
 * @see io_uring_setup(2)
 */
export const Params = struct('io_uring_params', {
  sq_entries: 'u32',
  cq_entries: 'u32',
  flags: 'u32',
  sq_thread_cpu: 'u32',
  sq_thread_idle: 'u32',
  features: 'u32',
  wq_fd: 'u32',
  resv: array('u32', 3),
  sq_off: SqringOffsets,
  cq_off: CqringOffsets,
});

/**
 * io_uring_getevents_arg: signal mask and timeout of a wait, read by io_uring_enter(2) with IORING_ENTER_EXT_ARG.
 * `ts` is the address of a `KernelTimespec`, `minWaitUsec` in microseconds.
 * @see io_uring_enter(2)
 */
export const GeteventsArg = struct('io_uring_getevents_arg', {
  sigmask: 'u64',
  sigmask_sz: 'u32',
  min_wait_usec: 'u32',
  ts: 'u64',
});
