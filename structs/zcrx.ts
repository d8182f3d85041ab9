/**
 * Zero-copy receive: the network card writes into the ring's area.
 * @see io_uring_register_ifq(3)
 */
import { array, struct, union } from './layout.ts';

/** io_uring_zcrx_rqe: a piece of the area given back to the kernel, in the refill ring. */
export const ZcrxRqe = struct('io_uring_zcrx_rqe', { off: 'u64', len: 'u32', __pad: 'u32' });

/** io_uring_zcrx_cqe: where received data lies in the area; the second half of a 32-byte completion of OP_RECV_ZC. */
export const ZcrxCqe = struct('io_uring_zcrx_cqe', { off: 'u64', __pad: 'u64' });

/** io_uring_zcrx_offsets: where the parts of the refill ring lie, in bytes. The kernel fills it. */
export const ZcrxOffsets = struct('io_uring_zcrx_offsets', {
  head: 'u32',
  tail: 'u32',
  rqes: 'u32',
  __resv2: 'u32',
  __resv: array('u64', 2),
});

/** io_uring_zcrx_area_reg: the memory for received data, by address or dmabuf; the kernel writes `rqAreaToken`. */
export const ZcrxAreaReg = struct('io_uring_zcrx_area_reg', {
  addr: 'u64',
  len: 'u64',
  rq_area_token: 'u64',
  flags: 'u32',
  dmabuf_fd: 'u32',
  __resv2: array('u64', 2),
});

/**
 * io_uring_zcrx_ifq_reg: the argument of REGISTER_ZCRX_IFQ: a queue of an interface. `areaPtr` is the address of a
 * `ZcrxAreaReg`, `regionPtr` that of a `RegionDesc`; the kernel writes `offsets` and `zcrxId`.
 * @see io_uring_register_ifq(3)
 */
export const ZcrxIfqReg = struct('io_uring_zcrx_ifq_reg', {
  if_idx: 'u32',
  if_rxq: 'u32',
  rq_entries: 'u32',
  flags: 'u32',
  area_ptr: 'u64',
  region_ptr: 'u64',
  offsets: ZcrxOffsets,
  zcrx_id: 'u32',
  rx_buf_len: 'u32',
  __resv: array('u64', 3),
});

/** zcrx_ctrl_flush_rq: ZCRX_CTRL_FLUSH_RQ needs nothing. */
export const ZcrxCtrlFlushRq = struct('zcrx_ctrl_flush_rq', { __resv: array('u64', 6) });

/** zcrx_ctrl_export: the kernel writes `zcrxFd`, which another ring imports. */
export const ZcrxCtrlExport = struct('zcrx_ctrl_export', { zcrx_fd: 'u32', __resv1: array('u32', 11) });

/** zcrx_ctrl: the argument of REGISTER_ZCRX_CTRL: flush or export the queue `zcrxId` (6.19). */
export const ZcrxCtrl = struct('zcrx_ctrl', {
  zcrx_id: 'u32',
  op: 'u32',
  __resv: array('u64', 2),
  u1: union({ zc_export: ZcrxCtrlExport }, { zc_flush: ZcrxCtrlFlushRq }),
});
