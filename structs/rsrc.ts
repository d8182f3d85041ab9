/** Resources of a ring: file and buffer tables, rings of provided buffers, and the probe. */
import { array, flex, struct, union } from './layout.ts';

/**
 * io_uring_files_update: the older name of `RsrcUpdate`, for REGISTER_FILES_UPDATE. `fds` is the address of s32[].
 * @see io_uring_register(2)
 */
export const FilesUpdate = struct('io_uring_files_update', { offset: 'u32', resv: 'u32', fds: 'u64' });

/**
 * io_uring_rsrc_register: a table of files or buffers with tags; read by REGISTER_FILES2 and REGISTER_BUFFERS2.
 * `data` is the address of s32[nr] or iovec[nr], `tags` that of u64[nr] or 0.
 * @see io_uring_register(2)
 */
export const RsrcRegister = struct('io_uring_rsrc_register', {
  nr: 'u32',
  flags: 'u32',
  resv2: 'u64',
  data: 'u64',
  tags: 'u64',
});

/**
 * io_uring_rsrc_update: slots from `offset` on; read by REGISTER_FILES_UPDATE (`data`: the address of s32[]), and by
 * REGISTER_RING_FDS and UNREGISTER_RING_FDS (`data`: the ring's fd), of which the first writes `offset` back.
 * @see io_uring_register(2)
 */
export const RsrcUpdate = struct('io_uring_rsrc_update', { offset: 'u32', resv: 'u32', data: 'u64' });

/**
 * io_uring_rsrc_update2: `nr` slots from `offset` on, with tags; read by REGISTER_FILES_UPDATE2 and
 * REGISTER_BUFFERS_UPDATE.
 * @see io_uring_register(2)
 */
export const RsrcUpdate2 = struct('io_uring_rsrc_update2', {
  offset: 'u32',
  resv: 'u32',
  data: 'u64',
  tags: 'u64',
  nr: 'u32',
  resv2: 'u32',
});

/** io_uring_probe_op: one operation in the answer of REGISTER_PROBE; `flags` has IO_URING_OP_SUPPORTED. */
export const ProbeOp = struct('io_uring_probe_op', { op: 'u8', resv: 'u8', flags: 'u16', resv2: 'u32' });

/**
 * io_uring_probe: which SQE operations this kernel knows; REGISTER_PROBE writes it. All zero before the call.
 * @see io_uring_register(2)
 */
export const Probe = struct('io_uring_probe', {
  last_op: 'u8',
  ops_len: 'u8',
  resv: 'u16',
  resv2: array('u32', 3),
  ops: flex(ProbeOp),
});

/** io_uring_buf: one buffer of a buffer ring. In entry 0 the bytes of `resv` are the ring's tail. */
export const Buf = struct('io_uring_buf', { addr: 'u64', len: 'u32', bid: 'u16', resv: 'u16' });

/**
 * io_uring_buf_ring: a ring of provided buffers in shared memory: `tail` lies over the last bytes of entry 0.
 * @see io_uring_register_buf_ring(3)
 */
export const BufRing = struct('io_uring_buf_ring', {
  u1: union({ resv1: 'u64', resv2: 'u32', resv3: 'u16', tail: 'u16' }, { bufs: flex(Buf) }),
});

/**
 * io_uring_buf_reg: where a buffer ring lies; read by REGISTER_PBUF_RING, and, for `bgid` alone, by
 * UNREGISTER_PBUF_RING.
 * @see io_uring_register(2)
 */
export const BufReg = struct('io_uring_buf_reg', {
  ring_addr: 'u64',
  ring_entries: 'u32',
  bgid: 'u16',
  flags: 'u16',
  min_left: 'u32',
  resv: array('u32', 5),
});

/**
 * io_uring_buf_status: the head of buffer ring `bufGroup`; REGISTER_PBUF_STATUS writes `head`.
 * @see io_uring_register(2)
 */
export const BufStatus = struct('io_uring_buf_status', {
  buf_group: 'u32',
  head: 'u32',
  resv: array('u32', 8),
});

/**
 * io_uring_clone_buffers: which buffers of which ring to share; read by REGISTER_CLONE_BUFFERS.
 * @see io_uring_clone_buffers(3)
 */
export const CloneBuffers = struct('io_uring_clone_buffers', {
  src_fd: 'u32',
  flags: 'u32',
  src_off: 'u32',
  dst_off: 'u32',
  nr: 'u32',
  pad: array('u32', 3),
});

/**
 * io_uring_file_index_range: the slots that the kernel may pick itself; read by REGISTER_FILE_ALLOC_RANGE.
 * @see io_uring_register_file_alloc_range(3)
 */
export const FileIndexRange = struct('io_uring_file_index_range', { off: 'u32', len: 'u32', resv: 'u64' });
