/** What steers a ring: restrictions, clocks, cancellation, busy polling, queries, filters. */
import { array, flex, struct, union } from './layout.ts';
import { KernelTimespec } from './posix.ts';

/**
 * io_uring_restriction: one rule of an allowlist; REGISTER_RESTRICTIONS reads an array of it.
 * @see io_uring_register(2)
 */
export const Restriction = struct('io_uring_restriction', {
  opcode: 'u16',
  u1: union({ register_op: 'u8' }, { sqe_op: 'u8' }, { sqe_flags: 'u8' }),
  resv: 'u8',
  resv2: array('u32', 3),
});

/** io_uring_task_restriction: rules for every ring of the calling task; REGISTER_RESTRICTIONS on fd -1 (7.0). */
export const TaskRestriction = struct('io_uring_task_restriction', {
  flags: 'u16',
  nr_res: 'u16',
  resv: array('u32', 3),
  restrictions: flex(Restriction),
});

/**
 * io_uring_clock_register: the clock of the ring's waits; read by REGISTER_CLOCK.
 * @see io_uring_register_clock(3)
 */
export const ClockRegister = struct('io_uring_clock_register', { clockid: 'u32', __resv: array('u32', 3) });

/**
 * io_uring_sync_cancel_reg: what to cancel, and how long to wait for it; read by REGISTER_SYNC_CANCEL. A `timeout`
 * of -1 in both words waits for ever.
 * @see io_uring_register_sync_cancel(3)
 */
export const SyncCancelReg = struct('io_uring_sync_cancel_reg', {
  addr: 'u64',
  fd: 's32',
  flags: 'u32',
  timeout: KernelTimespec,
  opcode: 'u8',
  pad: array('u8', 7),
  pad2: array('u64', 3),
});

/**
 * io_uring_napi: busy polling of network queues, `busyPollTo` in microseconds; REGISTER_NAPI reads it and writes the
 * former settings back, UNREGISTER_NAPI only writes them. `opcode` and `opParam` since 6.13, reserved before.
 * @see io_uring_register_napi(3)
 */
export const Napi = struct('io_uring_napi', {
  busy_poll_to: 'u32',
  prefer_busy_poll: 'u8',
  opcode: 'u8',
  pad: array('u8', 2),
  op_param: 'u32',
  resv: 'u32',
});

/**
 * io_uring_query_hdr: one question of REGISTER_QUERY. `nextEntry` is the address of the next one or 0, `queryData` that
 * of the answer, `size` its bytes, in and out; `result` is 0 or minus the errno.
 * @see io_uring_register(2)
 */
export const QueryHdr = struct('io_uring_query_hdr', {
  next_entry: 'u64',
  query_data: 'u64',
  query_op: 'u32',
  size: 'u32',
  result: 's32',
  __resv: array('u32', 3),
});

/** io_uring_query_opcode: the answer to IO_URING_QUERY_OPCODES: how many opcodes, which flags (6.18). */
export const QueryOpcode = struct('io_uring_query_opcode', {
  nr_request_opcodes: 'u32',
  nr_register_opcodes: 'u32',
  feature_flags: 'u64',
  ring_setup_flags: 'u64',
  enter_flags: 'u64',
  sqe_flags: 'u64',
  nr_query_opcodes: 'u32',
  __pad: 'u32',
});

/** io_uring_query_zcrx: the answer to IO_URING_QUERY_ZCRX: what zero-copy receive can do (6.19). */
export const QueryZcrx = struct('io_uring_query_zcrx', {
  register_flags: 'u64',
  area_flags: 'u64',
  nr_ctrl_opcodes: 'u32',
  features: 'u32',
  rq_hdr_size: 'u32',
  rq_hdr_alignment: 'u32',
  __resv2: 'u64',
});

/** io_uring_query_scq: the answer to IO_URING_QUERY_SCQ: size and alignment of the queues' header (6.19). */
export const QueryScq = struct('io_uring_query_scq', { hdr_size: 'u64', hdr_alignment: 'u64' });

/** io_uring_bpf_ctx.socket: what a filter sees of an OP_SOCKET. */
export const BpfCtxSocket = struct('io_uring_bpf_ctx.socket', {
  family: 'u32',
  type: 'u32',
  protocol: 'u32',
});

/** io_uring_bpf_ctx.open: what a filter sees of an OP_OPENAT or OP_OPENAT2. */
export const BpfCtxOpen = struct('io_uring_bpf_ctx.open', { flags: 'u64', mode: 'u64', resolve: 'u64' });

/** io_uring_bpf_ctx: what a filter of REGISTER_BPF_FILTER sees of an operation (7.0). */
export const BpfCtx = struct('io_uring_bpf_ctx', {
  user_data: 'u64',
  opcode: 'u8',
  sqe_flags: 'u8',
  pdu_size: 'u8',
  pad: array('u8', 5),
  u1: union({ socket: BpfCtxSocket }, { open: BpfCtxOpen }),
});

/** io_uring_bpf_filter: a filter for one SQE operation; `filterPtr` is the address of sock_filter[filterLen] (7.0). */
export const BpfFilter = struct('io_uring_bpf_filter', {
  opcode: 'u32',
  flags: 'u32',
  filter_len: 'u32',
  pdu_size: 'u8',
  resv: array('u8', 3),
  filter_ptr: 'u64',
  resv2: array('u64', 5),
});

/** io_uring_bpf: the argument of REGISTER_BPF_FILTER: a command and its filter (7.0). */
export const Bpf = struct('io_uring_bpf', {
  cmd_type: 'u16',
  cmd_flags: 'u16',
  resv: 'u32',
  u1: union({ filter: BpfFilter }),
});
