/** Structs of the kernel that io_uring borrows. */
import { array, struct } from './layout.ts';

/**
 * iovec: one piece of memory; REGISTER_BUFFERS and vectored operations read an array of it.
 * @see readv(2)
 */
export const Iovec = struct('iovec', { iov_base: 'void *', iov_len: 'u64' });

/** __kernel_timespec: a time, in seconds and nanoseconds; timeouts of operations and waits. */
export const KernelTimespec = struct('__kernel_timespec', { tv_sec: 's64', tv_nsec: 's64' });

/** io_timespec: a time in a completion, unsigned: the transmit timestamps of SOCKET_URING_OP_TX_TIMESTAMP. */
export const Timespec = struct('io_timespec', { tv_sec: 'u64', tv_nsec: 'u64' });

/**
 * open_how: how OP_OPENAT2 opens.
 * @see openat2(2)
 */
export const OpenHow = struct('open_how', { flags: 'u64', mode: 'u64', resolve: 'u64' });

/** sock_filter: one instruction of a classic BPF program; REGISTER_BPF_FILTER reads an array of it. */
export const SockFilter = struct('sock_filter', { code: 'u16', jt: 'u8', jf: 'u8', k: 'u32' });

/**
 * sock_fprog: a classic BPF program; `filter` is the address of sock_filter[len].
 * @see socket(7)
 */
export const SockFprog = struct('sock_fprog', { len: 'u16', filter: 'void *' });

/**
 * futex_waitv: one futex to wait on; OP_FUTEX_WAITV reads an array of it.
 * @see futex(2)
 */
export const FutexWaitv = struct('futex_waitv', {
  val: 'u64',
  uaddr: 'u64',
  flags: 'u32',
  __reserved: 'u32',
});

/** statx_timestamp: a time of a file. */
export const StatxTimestamp = struct('statx_timestamp', { tv_sec: 's64', tv_nsec: 'u32', __reserved: 's32' });

/**
 * statx: what OP_STATX says of a file.
 * @see statx(2)
 */
export const Statx = struct('statx', {
  stx_mask: 'u32',
  stx_blksize: 'u32',
  stx_attributes: 'u64',
  stx_nlink: 'u32',
  stx_uid: 'u32',
  stx_gid: 'u32',
  stx_mode: 'u16',
  __spare0: array('u16', 1),
  stx_ino: 'u64',
  stx_size: 'u64',
  stx_blocks: 'u64',
  stx_attributes_mask: 'u64',
  stx_atime: StatxTimestamp,
  stx_btime: StatxTimestamp,
  stx_ctime: StatxTimestamp,
  stx_mtime: StatxTimestamp,
  stx_rdev_major: 'u32',
  stx_rdev_minor: 'u32',
  stx_dev_major: 'u32',
  stx_dev_minor: 'u32',
  stx_mnt_id: 'u64',
  stx_dio_mem_align: 'u32',
  stx_dio_offset_align: 'u32',
  __spare3: array('u64', 12),
});
