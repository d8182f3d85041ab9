/** SQE operations, setup flags, features and enter flags: value, name, and the first mainline kernel that has each. */

/** A number of the kernel's: `name` is the C name without `IORING_`, `since` the first mainline kernel with it. */
export interface NamedValue {
  readonly value: number;
  readonly name: string;
  /** `'5.13'` */
  readonly since: string;
}

/** `{ OP_NOP: 0, OP_READV: 1, ... }` of a table, its names behind `Prefix`. */
export type ByName<T extends readonly NamedRow[], Prefix extends string = ''> = {
  readonly [R in T[number] as `${Prefix}${R['name']}`]: R['value'];
};
type NamedRow = Pick<NamedValue, 'value' | 'name'>;

/** A table's values by name, `prefix` before each name. */
export function byName<const T extends readonly NamedRow[], const P extends string = ''>(
  rows: T,
  prefix?: P,
): ByName<T, P>;
export function byName(rows: readonly NamedRow[], prefix = ''): Record<string, number> {
  return Object.fromEntries(rows.map(({ name, value }) => [`${prefix}${name}`, value]));
}

/** IORING_OP_*: the operations of an SQE, in the order of their numbers. */
export const ops = [
  { value: 0, name: 'OP_NOP', since: '5.1' },
  { value: 1, name: 'OP_READV', since: '5.1' },
  { value: 2, name: 'OP_WRITEV', since: '5.1' },
  { value: 3, name: 'OP_FSYNC', since: '5.1' },
  { value: 4, name: 'OP_READ_FIXED', since: '5.1' },
  { value: 5, name: 'OP_WRITE_FIXED', since: '5.1' },
  { value: 6, name: 'OP_POLL_ADD', since: '5.1' },
  { value: 7, name: 'OP_POLL_REMOVE', since: '5.1' },
  { value: 8, name: 'OP_SYNC_FILE_RANGE', since: '5.2' },
  { value: 9, name: 'OP_SENDMSG', since: '5.3' },
  { value: 10, name: 'OP_RECVMSG', since: '5.3' },
  { value: 11, name: 'OP_TIMEOUT', since: '5.4' },
  { value: 12, name: 'OP_TIMEOUT_REMOVE', since: '5.5' },
  { value: 13, name: 'OP_ACCEPT', since: '5.5' },
  { value: 14, name: 'OP_ASYNC_CANCEL', since: '5.5' },
  { value: 15, name: 'OP_LINK_TIMEOUT', since: '5.5' },
  { value: 16, name: 'OP_CONNECT', since: '5.5' },
  { value: 17, name: 'OP_FALLOCATE', since: '5.6' },
  { value: 18, name: 'OP_OPENAT', since: '5.6' },
  { value: 19, name: 'OP_CLOSE', since: '5.6' },
  { value: 20, name: 'OP_FILES_UPDATE', since: '5.6' },
  { value: 21, name: 'OP_STATX', since: '5.6' },
  { value: 22, name: 'OP_READ', since: '5.6' },
  { value: 23, name: 'OP_WRITE', since: '5.6' },
  { value: 24, name: 'OP_FADVISE', since: '5.6' },
  { value: 25, name: 'OP_MADVISE', since: '5.6' },
  { value: 26, name: 'OP_SEND', since: '5.6' },
  { value: 27, name: 'OP_RECV', since: '5.6' },
  { value: 28, name: 'OP_OPENAT2', since: '5.6' },
  { value: 29, name: 'OP_EPOLL_CTL', since: '5.6' },
  { value: 30, name: 'OP_SPLICE', since: '5.7' },
  { value: 31, name: 'OP_PROVIDE_BUFFERS', since: '5.7' },
  { value: 32, name: 'OP_REMOVE_BUFFERS', since: '5.7' },
  { value: 33, name: 'OP_TEE', since: '5.8' },
  { value: 34, name: 'OP_SHUTDOWN', since: '5.11' },
  { value: 35, name: 'OP_RENAMEAT', since: '5.11' },
  { value: 36, name: 'OP_UNLINKAT', since: '5.11' },
  { value: 37, name: 'OP_MKDIRAT', since: '5.15' },
  { value: 38, name: 'OP_SYMLINKAT', since: '5.15' },
  { value: 39, name: 'OP_LINKAT', since: '5.15' },
  { value: 40, name: 'OP_MSG_RING', since: '5.18' },
  { value: 41, name: 'OP_FSETXATTR', since: '5.19' },
  { value: 42, name: 'OP_SETXATTR', since: '5.19' },
  { value: 43, name: 'OP_FGETXATTR', since: '5.19' },
  { value: 44, name: 'OP_GETXATTR', since: '5.19' },
  { value: 45, name: 'OP_SOCKET', since: '5.19' },
  { value: 46, name: 'OP_URING_CMD', since: '5.19' },
  { value: 47, name: 'OP_SEND_ZC', since: '6.0' },
  { value: 48, name: 'OP_SENDMSG_ZC', since: '6.1' },
  { value: 49, name: 'OP_READ_MULTISHOT', since: '6.7' },
  { value: 50, name: 'OP_WAITID', since: '6.7' },
  { value: 51, name: 'OP_FUTEX_WAIT', since: '6.7' },
  { value: 52, name: 'OP_FUTEX_WAKE', since: '6.7' },
  { value: 53, name: 'OP_FUTEX_WAITV', since: '6.7' },
  { value: 54, name: 'OP_FIXED_FD_INSTALL', since: '6.8' },
  { value: 55, name: 'OP_FTRUNCATE', since: '6.9' },
  { value: 56, name: 'OP_BIND', since: '6.11' },
  { value: 57, name: 'OP_LISTEN', since: '6.11' },
  { value: 58, name: 'OP_RECV_ZC', since: '6.15' },
  { value: 59, name: 'OP_EPOLL_WAIT', since: '6.15' },
  { value: 60, name: 'OP_READV_FIXED', since: '6.15' },
  { value: 61, name: 'OP_WRITEV_FIXED', since: '6.15' },
  { value: 62, name: 'OP_PIPE', since: '6.16' },
  { value: 63, name: 'OP_NOP128', since: '6.19' },
  { value: 64, name: 'OP_URING_CMD128', since: '6.19' },
] as const satisfies readonly NamedValue[];

/** IORING_SETUP_*: `flags` of io_uring_setup(2), bit by bit. */
export const setupFlags = [
  { value: 0x1, name: 'SETUP_IOPOLL', since: '5.1' },
  { value: 0x2, name: 'SETUP_SQPOLL', since: '5.1' },
  { value: 0x4, name: 'SETUP_SQ_AFF', since: '5.1' },
  { value: 0x8, name: 'SETUP_CQSIZE', since: '5.5' },
  { value: 0x10, name: 'SETUP_CLAMP', since: '5.6' },
  { value: 0x20, name: 'SETUP_ATTACH_WQ', since: '5.6' },
  { value: 0x40, name: 'SETUP_R_DISABLED', since: '5.10' },
  { value: 0x80, name: 'SETUP_SUBMIT_ALL', since: '5.18' },
  { value: 0x100, name: 'SETUP_COOP_TASKRUN', since: '5.19' },
  { value: 0x200, name: 'SETUP_TASKRUN_FLAG', since: '5.19' },
  { value: 0x400, name: 'SETUP_SQE128', since: '5.19' },
  { value: 0x800, name: 'SETUP_CQE32', since: '5.19' },
  { value: 0x1000, name: 'SETUP_SINGLE_ISSUER', since: '6.0' },
  { value: 0x2000, name: 'SETUP_DEFER_TASKRUN', since: '6.1' },
  { value: 0x4000, name: 'SETUP_NO_MMAP', since: '6.5' },
  { value: 0x8000, name: 'SETUP_REGISTERED_FD_ONLY', since: '6.5' },
  { value: 0x10000, name: 'SETUP_NO_SQARRAY', since: '6.6' },
  { value: 0x20000, name: 'SETUP_HYBRID_IOPOLL', since: '6.13' },
  { value: 0x40000, name: 'SETUP_CQE_MIXED', since: '6.18' },
  { value: 0x80000, name: 'SETUP_SQE_MIXED', since: '6.19' },
  { value: 0x100000, name: 'SETUP_SQ_REWIND', since: '7.0' },
] as const satisfies readonly NamedValue[];

/** IORING_FEAT_*: `features` that io_uring_setup(2) returns, bit by bit. */
export const features = [
  { value: 0x1, name: 'FEAT_SINGLE_MMAP', since: '5.4' },
  { value: 0x2, name: 'FEAT_NODROP', since: '5.5' },
  { value: 0x4, name: 'FEAT_SUBMIT_STABLE', since: '5.5' },
  { value: 0x8, name: 'FEAT_RW_CUR_POS', since: '5.6' },
  { value: 0x10, name: 'FEAT_CUR_PERSONALITY', since: '5.6' },
  { value: 0x20, name: 'FEAT_FAST_POLL', since: '5.7' },
  { value: 0x40, name: 'FEAT_POLL_32BITS', since: '5.9' },
  { value: 0x80, name: 'FEAT_SQPOLL_NONFIXED', since: '5.11' },
  { value: 0x100, name: 'FEAT_EXT_ARG', since: '5.11' },
  { value: 0x200, name: 'FEAT_NATIVE_WORKERS', since: '5.12' },
  { value: 0x400, name: 'FEAT_RSRC_TAGS', since: '5.13' },
  { value: 0x800, name: 'FEAT_CQE_SKIP', since: '5.17' },
  { value: 0x1000, name: 'FEAT_LINKED_FILE', since: '5.18' },
  { value: 0x2000, name: 'FEAT_REG_REG_RING', since: '6.3' },
  { value: 0x4000, name: 'FEAT_RECVSEND_BUNDLE', since: '6.10' },
  { value: 0x8000, name: 'FEAT_MIN_TIMEOUT', since: '6.12' },
  { value: 0x10000, name: 'FEAT_RW_ATTR', since: '6.14' },
  { value: 0x20000, name: 'FEAT_NO_IOWAIT', since: '6.15' },
] as const satisfies readonly NamedValue[];

/** IORING_ENTER_*: `flags` of io_uring_enter(2), bit by bit. */
export const enterFlags = [
  { value: 0x1, name: 'ENTER_GETEVENTS', since: '5.1' },
  { value: 0x2, name: 'ENTER_SQ_WAKEUP', since: '5.1' },
  { value: 0x4, name: 'ENTER_SQ_WAIT', since: '5.10' },
  { value: 0x8, name: 'ENTER_EXT_ARG', since: '5.11' },
  { value: 0x10, name: 'ENTER_REGISTERED_RING', since: '5.18' },
  { value: 0x20, name: 'ENTER_ABS_TIMER', since: '6.12' },
  { value: 0x40, name: 'ENTER_EXT_ARG_REG', since: '6.13' },
  { value: 0x80, name: 'ENTER_NO_IOWAIT', since: '6.15' },
] as const satisfies readonly NamedValue[];

/** A variant of operations: a flag of theirs, or a command that one gives. */
export interface OpFlag {
  /** The C name without `IORING_`. */
  readonly name: string;
  /** The operation that has it. */
  readonly op: (typeof ops)[number]['name'];
  /** The field of the entry that it stands in: a command has all of `cmdOp` or `addr`, a flag one bit. */
  readonly field: 'ioprio' | 'rwFlags' | 'len' | 'cmdOp' | 'addr';
  readonly value: number;
  /** The first mainline kernel with it. */
  readonly since: string;
}

/** Is it a command, not a flag? */
export function isCommand({ field }: OpFlag): boolean {
  return field === 'cmdOp' || field === 'addr';
}

/** Variants of operations that are younger than the operation itself. */
export const opFlags = [
  { name: 'ACCEPT_MULTISHOT', op: 'OP_ACCEPT', field: 'ioprio', value: 1, since: '5.19' },
  { name: 'ASYNC_CANCEL_FD', op: 'OP_ASYNC_CANCEL', field: 'rwFlags', value: 2, since: '5.19' },
  { name: 'ASYNC_CANCEL_ANY', op: 'OP_ASYNC_CANCEL', field: 'rwFlags', value: 4, since: '5.19' },
  { name: 'ASYNC_CANCEL_FD_FIXED', op: 'OP_ASYNC_CANCEL', field: 'rwFlags', value: 8, since: '6.0' },
  { name: 'ASYNC_CANCEL_OP', op: 'OP_ASYNC_CANCEL', field: 'rwFlags', value: 32, since: '6.6' },
  { name: 'LINK_TIMEOUT_UPDATE', op: 'OP_TIMEOUT_REMOVE', field: 'rwFlags', value: 16, since: '5.15' },
  { name: 'TIMEOUT_UPDATE', op: 'OP_TIMEOUT_REMOVE', field: 'rwFlags', value: 2, since: '5.11' },
  { name: 'MSG_RING_FLAGS_PASS', op: 'OP_MSG_RING', field: 'rwFlags', value: 2, since: '6.3' },
  { name: 'MSG_SEND_FD', op: 'OP_MSG_RING', field: 'addr', value: 1, since: '6.0' },
  { name: 'NOP_INJECT_RESULT', op: 'OP_NOP', field: 'rwFlags', value: 1, since: '6.10' },
  { name: 'NOP_TW', op: 'OP_NOP', field: 'rwFlags', value: 16, since: '6.15' },
  { name: 'NOP_CQE32', op: 'OP_NOP', field: 'rwFlags', value: 32, since: '6.18' },
  { name: 'POLL_ADD_MULTI', op: 'OP_POLL_ADD', field: 'len', value: 1, since: '5.13' },
  { name: 'POLL_ADD_LEVEL', op: 'OP_POLL_ADD', field: 'len', value: 8, since: '6.0' },
  { name: 'POLL_UPDATE_EVENTS', op: 'OP_POLL_REMOVE', field: 'len', value: 2, since: '5.13' },
  { name: 'RECVSEND_POLL_FIRST', op: 'OP_RECV', field: 'ioprio', value: 1, since: '5.19' },
  { name: 'RECV_MULTISHOT', op: 'OP_RECV', field: 'ioprio', value: 2, since: '6.0' },
  { name: 'RECVSEND_BUNDLE', op: 'OP_RECV', field: 'ioprio', value: 16, since: '6.10' },
  { name: 'SEND_ZC_REPORT_USAGE', op: 'OP_SEND_ZC', field: 'ioprio', value: 8, since: '6.2' },
  { name: 'TIMEOUT_BOOTTIME', op: 'OP_TIMEOUT', field: 'rwFlags', value: 4, since: '5.15' },
  { name: 'TIMEOUT_REALTIME', op: 'OP_TIMEOUT', field: 'rwFlags', value: 8, since: '5.15' },
  { name: 'TIMEOUT_MULTISHOT', op: 'OP_TIMEOUT', field: 'rwFlags', value: 64, since: '6.4' },
  { name: 'SOCKET_URING_OP_SIOCINQ', op: 'OP_URING_CMD', field: 'cmdOp', value: 0, since: '6.7' },
  { name: 'SOCKET_URING_OP_SIOCOUTQ', op: 'OP_URING_CMD', field: 'cmdOp', value: 1, since: '6.7' },
  { name: 'SOCKET_URING_OP_GETSOCKOPT', op: 'OP_URING_CMD', field: 'cmdOp', value: 2, since: '6.7' },
  { name: 'SOCKET_URING_OP_SETSOCKOPT', op: 'OP_URING_CMD', field: 'cmdOp', value: 3, since: '6.7' },
  { name: 'SOCKET_URING_OP_TX_TIMESTAMP', op: 'OP_URING_CMD', field: 'cmdOp', value: 4, since: '6.17' },
  { name: 'SOCKET_URING_OP_GETSOCKNAME', op: 'OP_URING_CMD', field: 'cmdOp', value: 5, since: '6.19' },
] as const satisfies readonly OpFlag[];

/** `'ACCEPT_MULTISHOT'` and the others. */
export type OpFlagName = (typeof opFlags)[number]['name'];
