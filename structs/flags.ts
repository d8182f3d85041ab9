/** Every constant of io_uring's headers under its C name; the ones with a history come from the tables. */
import { byName, enterFlags, features, ops, setupFlags } from './ops.ts';
import { registerOps } from './register-ops.ts';

/** Beside the opcodes themselves: how many there are, and the bit for a registered ring. */
const registerOp = {
  IORING_REGISTER_LAST: registerOps.length,
  IORING_REGISTER_USE_REGISTERED_RING: 0x80000000,
} as const;

/** Beside the operations themselves: how many there are. */
const op = { IORING_OP_LAST: ops.length } as const;

/** `flags` of an SQE. */
const sqeFlags = {
  IOSQE_FIXED_FILE: 1,
  IOSQE_IO_DRAIN: 2,
  IOSQE_IO_LINK: 4,
  IOSQE_IO_HARDLINK: 8,
  IOSQE_ASYNC: 16,
  IOSQE_BUFFER_SELECT: 32,
  IOSQE_CQE_SKIP_SUCCESS: 64,
} as const;

/** The same as bit numbers. */
const sqeFlagBits = {
  IOSQE_FIXED_FILE_BIT: 0,
  IOSQE_IO_DRAIN_BIT: 1,
  IOSQE_IO_LINK_BIT: 2,
  IOSQE_IO_HARDLINK_BIT: 3,
  IOSQE_ASYNC_BIT: 4,
  IOSQE_BUFFER_SELECT_BIT: 5,
  IOSQE_CQE_SKIP_SUCCESS_BIT: 6,
} as const;

/** `flags` of a CQE. */
const cqeFlags = {
  IORING_CQE_F_BUFFER: 1,
  IORING_CQE_F_MORE: 2,
  IORING_CQE_F_SOCK_NONEMPTY: 4,
  IORING_CQE_F_NOTIF: 8,
  IORING_CQE_F_BUF_MORE: 16,
  IORING_CQE_F_SKIP: 32,
  IORING_CQE_F_32: 32768,
  IORING_CQE_BUFFER_SHIFT: 16,
  IORING_CQE_F_TSTAMP_HW: 65536,
} as const;

/** The flags word of the submission queue, written by the kernel. */
const sqFlags = {
  IORING_SQ_NEED_WAKEUP: 1,
  IORING_SQ_CQ_OVERFLOW: 2,
  IORING_SQ_TASKRUN: 4,
} as const;

/** The flags word of the completion queue, written by the program. */
const cqFlags = {
  IORING_CQ_EVENTFD_DISABLED: 1,
} as const;

/** `opcode` of a rule of REGISTER_RESTRICTIONS. */
const restrictionOp = {
  IORING_RESTRICTION_REGISTER_OP: 0,
  IORING_RESTRICTION_SQE_OP: 1,
  IORING_RESTRICTION_SQE_FLAGS_ALLOWED: 2,
  IORING_RESTRICTION_SQE_FLAGS_REQUIRED: 3,
  IORING_RESTRICTION_LAST: 4,
} as const;

/** OP_MSG_RING: commands, and `msgRingFlags`. */
const msgRing = {
  IORING_MSG_RING_CQE_SKIP: 1,
  IORING_MSG_RING_FLAGS_PASS: 2,
  IORING_MSG_DATA: 0,
  IORING_MSG_SEND_FD: 1,
} as const;

/** `flags` of an operation in the answer of REGISTER_PROBE. */
const probe = {
  IO_URING_OP_SUPPORTED: 1,
} as const;

/** Tables of files and buffers. */
const rsrcFlags = {
  IORING_FILE_INDEX_ALLOC: 0xffffffff,
  IORING_RSRC_REGISTER_SPARSE: 1,
  IORING_REGISTER_FILES_SKIP: -2,
} as const;

/** `flags` of REGISTER_PBUF_RING. */
const pbufFlags = {
  IOU_PBUF_RING_MMAP: 1,
  IOU_PBUF_RING_INC: 2,
} as const;

/** Indices into the two limits of REGISTER_IOWQ_MAX_WORKERS. */
const iowq = {
  IO_WQ_BOUND: 0,
  IO_WQ_UNBOUND: 1,
} as const;

/** `flags` of REGISTER_CLONE_BUFFERS. */
const cloneBuffers = {
  IORING_REGISTER_SRC_REGISTERED: 1,
  IORING_REGISTER_DST_REPLACE: 2,
} as const;

/** Flags of REGISTER_MEM_REGION, of its region, and of a wait in it. */
const memRegion = {
  IORING_MEM_REGION_TYPE_USER: 1,
  IORING_MEM_REGION_REG_WAIT_ARG: 1,
  IORING_REG_WAIT_TS: 1,
} as const;

/** Offsets for mmap(2) of a ring. */
const mmapOffsets = {
  IORING_OFF_SQ_RING: 0,
  IORING_OFF_CQ_RING: 0x8000000,
  IORING_OFF_SQES: 0x10000000,
  IORING_OFF_PBUF_RING: 0x80000000,
  IORING_OFF_PBUF_SHIFT: 16,
  IORING_OFF_MMAP_MASK: 0xf8000000,
} as const;

/** Attributes of a read or write. */
const rw = {
  IORING_RW_ATTR_FLAG_PI: 1,
} as const;

/** OP_URING_CMD: flags, and commands of sockets. */
const uringCmd = {
  IORING_URING_CMD_FIXED: 1,
  IORING_URING_CMD_MASK: 1,
  SOCKET_URING_OP_SIOCINQ: 0,
  SOCKET_URING_OP_SIOCOUTQ: 1,
  SOCKET_URING_OP_GETSOCKOPT: 2,
  SOCKET_URING_OP_SETSOCKOPT: 3,
  SOCKET_URING_OP_TX_TIMESTAMP: 4,
  SOCKET_URING_OP_GETSOCKNAME: 5,
} as const;

/** OP_FSYNC. */
const fsync = {
  IORING_FSYNC_DATASYNC: 1,
} as const;

/** OP_TIMEOUT, OP_TIMEOUT_REMOVE and OP_LINK_TIMEOUT. */
const timeout = {
  IORING_TIMEOUT_ABS: 1,
  IORING_TIMEOUT_UPDATE: 2,
  IORING_TIMEOUT_BOOTTIME: 4,
  IORING_TIMEOUT_REALTIME: 8,
  IORING_LINK_TIMEOUT_UPDATE: 16,
  IORING_TIMEOUT_ETIME_SUCCESS: 32,
  IORING_TIMEOUT_MULTISHOT: 64,
  IORING_TIMEOUT_IMMEDIATE_ARG: 128,
  IORING_TIMEOUT_CLOCK_MASK: 12,
  IORING_TIMEOUT_UPDATE_MASK: 18,
} as const;

/** OP_SPLICE and OP_TEE. */
const splice = {
  SPLICE_F_FD_IN_FIXED: 0x80000000,
} as const;

/** OP_POLL_ADD and OP_POLL_REMOVE. */
const poll = {
  IORING_POLL_ADD_MULTI: 1,
  IORING_POLL_UPDATE_EVENTS: 2,
  IORING_POLL_UPDATE_USER_DATA: 4,
  IORING_POLL_ADD_LEVEL: 8,
} as const;

/** OP_ASYNC_CANCEL and REGISTER_SYNC_CANCEL. */
const cancel = {
  IORING_ASYNC_CANCEL_ALL: 1,
  IORING_ASYNC_CANCEL_FD: 2,
  IORING_ASYNC_CANCEL_ANY: 4,
  IORING_ASYNC_CANCEL_FD_FIXED: 8,
  IORING_ASYNC_CANCEL_USERDATA: 16,
  IORING_ASYNC_CANCEL_OP: 32,
} as const;

/** `ioprio` of sends and receives, and the result of a zero-copy notification. */
const recvsend = {
  IORING_RECVSEND_POLL_FIRST: 1,
  IORING_RECV_MULTISHOT: 2,
  IORING_RECVSEND_FIXED_BUF: 4,
  IORING_SEND_ZC_REPORT_USAGE: 8,
  IORING_RECVSEND_BUNDLE: 16,
  IORING_SEND_VECTORIZED: 32,
  IORING_NOTIF_USAGE_ZC_COPIED: 0x80000000,
} as const;

/** `ioprio` of OP_ACCEPT. */
const accept = {
  IORING_ACCEPT_MULTISHOT: 1,
  IORING_ACCEPT_DONTWAIT: 2,
  IORING_ACCEPT_POLL_FIRST: 4,
} as const;

/** OP_FIXED_FD_INSTALL. */
const fixedFdInstall = {
  IORING_FIXED_FD_NO_CLOEXEC: 1,
} as const;

/** OP_NOP. */
const nop = {
  IORING_NOP_INJECT_RESULT: 1,
  IORING_NOP_CQE32: 32,
} as const;

/** Transmit timestamps in a CQE. */
const txTimestamp = {
  IORING_TIMESTAMP_HW_SHIFT: 16,
  IORING_TIMESTAMP_TYPE_SHIFT: 17,
} as const;

/** `queryOp` of REGISTER_QUERY. */
const query = {
  IO_URING_QUERY_OPCODES: 0,
  IO_URING_QUERY_ZCRX: 1,
  IO_URING_QUERY_SCQ: 2,
  __IO_URING_QUERY_MAX: 3,
} as const;

/** Zero-copy receive. */
const zcrx = {
  IORING_ZCRX_AREA_SHIFT: 48,
  IORING_ZCRX_AREA_MASK: 0xffff000000000000n,
  IORING_ZCRX_AREA_DMABUF: 1,
  ZCRX_REG_IMPORT: 1,
  ZCRX_REG_NODEV: 2,
  ZCRX_FEATURE_RX_PAGE_SIZE: 1,
  ZCRX_CTRL_FLUSH_RQ: 0,
  ZCRX_CTRL_EXPORT: 1,
  __ZCRX_CTRL_LAST: 2,
} as const;

/** REGISTER_BPF_FILTER. */
const bpf = {
  IO_URING_BPF_FILTER_DENY_REST: 1,
  IO_URING_BPF_FILTER_SZ_STRICT: 2,
  IO_URING_BPF_CMD_FILTER: 1,
} as const;

/** `resolve` of openat2(2). */
const openat2 = {
  RESOLVE_NO_XDEV: 1,
  RESOLVE_NO_MAGICLINKS: 2,
  RESOLVE_NO_SYMLINKS: 4,
  RESOLVE_BENEATH: 8,
  RESOLVE_IN_ROOT: 16,
  RESOLVE_CACHED: 32,
} as const;

/** `rwFlags` of reads and writes, as preadv2(2) has them. */
const rwFlags = {
  RWF_HIPRI: 1,
  RWF_DSYNC: 2,
  RWF_SYNC: 4,
  RWF_NOWAIT: 8,
  RWF_APPEND: 16,
} as const;

/** System call numbers, the same on every architecture. */
const syscall = {
  io_uring_setup: 425,
  io_uring_enter: 426,
  io_uring_register: 427,
} as const;

/** REGISTER_NAPI (6.13). */
const napi = {
  IO_URING_NAPI_REGISTER_OP: 0,
  IO_URING_NAPI_STATIC_ADD_ID: 1,
  IO_URING_NAPI_STATIC_DEL_ID: 2,
  IO_URING_NAPI_TRACKING_DYNAMIC: 0,
  IO_URING_NAPI_TRACKING_STATIC: 1,
  IO_URING_NAPI_TRACKING_INACTIVE: 255,
} as const;

/** `futexFlags` of futex operations, as futex(2) has them. */
const futex = {
  FUTEX2_SIZE_U8: 0,
  FUTEX2_SIZE_U16: 1,
  FUTEX2_SIZE_U32: 2,
  FUTEX2_SIZE_U64: 3,
  FUTEX2_NUMA: 4,
  FUTEX2_PRIVATE: 128,
} as const;

/**
 * The constants of linux/io_uring.h and of the headers that it needs, by their C names. All are numbers but
 * IORING_ZCRX_AREA_MASK, a bigint, because it exceeds 2^53.
 */
export const constants = Object.freeze({
  ...byName(registerOps, 'IORING_'),
  ...registerOp,
  ...byName(ops, 'IORING_'),
  ...op,
  ...byName(setupFlags, 'IORING_'),
  ...byName(enterFlags, 'IORING_'),
  ...byName(features, 'IORING_'),
  ...sqeFlags,
  ...sqeFlagBits,
  ...cqeFlags,
  ...sqFlags,
  ...cqFlags,
  ...restrictionOp,
  ...msgRing,
  ...probe,
  ...rsrcFlags,
  ...pbufFlags,
  ...iowq,
  ...cloneBuffers,
  ...memRegion,
  ...mmapOffsets,
  ...rw,
  ...uringCmd,
  ...fsync,
  ...timeout,
  ...splice,
  ...poll,
  ...cancel,
  ...recvsend,
  ...accept,
  ...fixedFdInstall,
  ...nop,
  ...txTimestamp,
  ...query,
  ...zcrx,
  ...bpf,
  ...openat2,
  ...rwFlags,
  ...syscall,
  ...napi,
  ...futex,
});
