/**
 * How the entry of each operation is written, as data: `npm run faces` makes the preparers of it, which `uring/raw`
 * exports and the declarations in lib/operations use.
 */
import type { OpFlagName, ops } from '../../structs/ops.ts';

/** Where a parameter or a constant goes. */
export const FIELDS: readonly string[] = [
  ...['fd', 'addr', 'len', 'off', 'opFlags', 'fileIndex', 'addr3', 'bufIndex', 'ioprio', 'flags'],
  /** halves of `addr` and `off`, for a user_data and for two numbers in one field */
  ...['addrLow', 'addrHigh', 'offLow', 'offHigh'],
  /** `addr` as `off` has it: -1 is 2^64-1 */
  'addrSigned',
  /** `off` as 32 bits: -1 is 2^32-1 */
  'off32',
  /** in `len`, and from 2^32 on in the second field */
  ...['lenOrAddr', 'lenOrOff'],
];

/** One preparer. */
export interface Entry {
  /** Without one it adds to the entry that is there. */
  readonly op?: (typeof ops)[number]['name'];
  /** Its parameters in their order, each with its field: `fd path:addr`. */
  readonly parameters: string;
  /** What it does, and what is to be known of its parameters. */
  readonly doc?: string;
  /** Comments on parameters. */
  readonly params?: { readonly [parameter: string]: string };
  /** What each field gets beside: a number, or the name of a constant. */
  readonly sets?: { readonly [field: string]: number | string };
  /** The flag that makes it a variant: it is as young as that. */
  readonly variant?: OpFlagName;
  /** It has 128 bytes. */
  readonly isBig?: boolean;
  /** Names of liburing's preparers, without `io_uring_prep_`; its own when absent. */
  readonly see?: readonly string[];
}

/** What the preparers have in common: the comment of their file. */
export const ABOUT = `Preparers: each makes the entry under the cursor one operation, and returns the cursor.

Safety, for all of them: addresses are the caller's to keep alive until the operation's last completion.

Reads and writes take RWF_* in \`opFlags\`, an I/O priority (ioprio_set(2)) in \`ioprio\`, and an \`offset\` of -1 for the
current position (FEAT_RW_CUR_POS). With IOSQE_BUFFER_SELECT a read has address 0 and its buffer group in \`bufIndex\`.

On sockets \`ioprio\` holds a second set of flags, which the caller adds (\`recv(...).ioprio |= IORING_RECV_MULTISHOT\`):
- sends and receives: IORING_RECVSEND_POLL_FIRST (5.19), IORING_RECVSEND_BUNDLE (send and recv, 6.10),
  IORING_RECVSEND_FIXED_BUF (zero-copy sends, 6.0; the buffer in \`bufIndex\`),
  IORING_SEND_VECTORIZED (send and sendZc: \`address\` and \`length\` are iovecs and their count, 6.17)
- receives: IORING_RECV_MULTISHOT (6.0); zero-copy sends: IORING_SEND_ZC_REPORT_USAGE (6.2)
- accept: IORING_ACCEPT_MULTISHOT (5.19), IORING_ACCEPT_DONTWAIT and IORING_ACCEPT_POLL_FIRST (6.10)

Multishot receives and bundles take their memory from a group of provided buffers: IOSQE_BUFFER_SELECT in \`flags\`, the
group in \`bufIndex\`, address 0. Where an operation names another one by its user_data, this is given in two halves, low
and high 32 bits. A \`timespec\` is the address of a __kernel_timespec; a path or name that of a zero-terminated string;
the address of a socket that of a sockaddr, with its length in bytes.`;

const FIXED = '`address` lies in the registered buffer `bufferIndex`';
const IOVECS = '`iovecs` is the address of `count` iovecs';
const FIXED_IOVECS = 'all `count` iovecs lie in the registered buffer `bufferIndex`';
const FILE_INDEX = '0: a file descriptor; n + 1: slot n of the file table (5.15); 2^32-1: a free slot (5.19)';
const TWO_SLOTS =
  "it takes the slot after the cursor's too, which must be free and not the first of the queue (IORING_SETUP_SQE_MIXED)";
const LENGTH_ADDRESS = 'address of a u32: the room for it, then its length';
const SPLICE_FLAGS = 'SPLICE_F_*; with SPLICE_F_FD_IN_FIXED `fdIn` is a slot';
const COUNTED = 'IORING_ASYNC_CANCEL_ALL; the result is then how many there were';

const rw = 'fd address:addr length:len offset:off';
const rwv = 'fd iovecs:addr count:len offset:off';
const transfer = 'fd address:addr length:len flags:opFlags';
const message = 'fd message:addr flags:opFlags';
const command = 'fd command:off32 address:addr length:len flags:opFlags';

export const entries: { readonly [name: string]: Entry } = {
  // ---- data in files and memory
  read: { op: 'OP_READ', parameters: rw, doc: '`length` bytes at `offset`' },
  write: { op: 'OP_WRITE', parameters: rw, doc: '`length` bytes at `offset`' },
  readFixed: { op: 'OP_READ_FIXED', parameters: `${rw} bufferIndex:bufIndex`, doc: FIXED },
  writeFixed: { op: 'OP_WRITE_FIXED', parameters: `${rw} bufferIndex:bufIndex`, doc: FIXED },
  readv: { op: 'OP_READV', parameters: rwv, doc: IOVECS },
  writev: { op: 'OP_WRITEV', parameters: rwv, doc: IOVECS },
  readvFixed: { op: 'OP_READV_FIXED', parameters: `${rwv} bufferIndex:bufIndex`, doc: FIXED_IOVECS },
  writevFixed: { op: 'OP_WRITEV_FIXED', parameters: `${rwv} bufferIndex:bufIndex`, doc: FIXED_IOVECS },
  readMultishot: {
    op: 'OP_READ_MULTISHOT',
    parameters: 'fd length:len offset:off group:bufIndex',
    doc: 'reads again and again, each time into a buffer of `group`. For pollable files only: pipes, sockets, ttys; regular files get EBADFD',
    params: { length: '0, as kernels to 6.18 want it: each time as many bytes as a buffer has' },
    sets: { flags: 'IOSQE_BUFFER_SELECT' },
  },
  fsync: { op: 'OP_FSYNC', parameters: 'fd flags:opFlags', doc: '`flags` may be IORING_FSYNC_DATASYNC' },
  fsyncRange: {
    op: 'OP_FSYNC',
    parameters: 'fd length:len offset:off flags:opFlags',
    doc: 'a part of the file, `length` bytes from `offset` on; 0: to the end',
    see: ['fsync'],
  },
  syncFileRange: {
    op: 'OP_SYNC_FILE_RANGE',
    parameters: 'fd length:len offset:off flags:opFlags',
    params: {
      length: 'in bytes from `offset` on, below 2^32; 0: to the end',
      flags: 'SYNC_FILE_RANGE_WAIT_BEFORE (1), SYNC_FILE_RANGE_WRITE (2), SYNC_FILE_RANGE_WAIT_AFTER (4)',
    },
  },
  fallocate: {
    op: 'OP_FALLOCATE',
    parameters: 'fd mode:len offset:off length:addr',
    doc: '`length` bytes from `offset` on',
    params: { mode: 'FALLOC_FL_*; 0 allocates' },
  },
  ftruncate: {
    op: 'OP_FTRUNCATE',
    parameters: 'fd length:off',
    doc: "`length` is the file's new one, in bytes",
  },
  fadvise: {
    op: 'OP_FADVISE',
    parameters: 'fd offset:off length:lenOrAddr advice:opFlags',
    params: {
      length:
        'in bytes from `offset` on; from 2^32 on it goes into `addr`, which older kernels refuse (6.11)',
      advice: 'POSIX_FADV_*',
    },
    see: ['fadvise', 'fadvise64'],
  },
  madvise: {
    op: 'OP_MADVISE',
    parameters: 'address:addr length:lenOrOff advice:opFlags',
    doc: "of this process's memory",
    params: {
      address: 'of a page',
      length: 'in bytes; from 2^32 on it goes into `off`, which older kernels refuse (6.11)',
      advice: 'MADV_*',
    },
    see: ['madvise', 'madvise64'],
  },

  // ---- open and close
  openat: {
    op: 'OP_OPENAT',
    parameters: 'dirFd:fd path:addr openFlags:opFlags mode:len fileIndex',
    params: { fileIndex: FILE_INDEX },
    see: ['openat', 'openat_direct'],
  },
  openat2: {
    op: 'OP_OPENAT2',
    parameters: 'dirFd:fd path:addr how:off size:len fileIndex',
    params: { how: 'address of an open_how of `size` bytes (24)', fileIndex: FILE_INDEX },
    see: ['openat2', 'openat2_direct'],
  },
  close: {
    op: 'OP_CLOSE',
    parameters: 'fd fileIndex',
    doc: 'closes `fd`, or with `fileIndex` n + 1 empties slot n (5.15; `fd` is 0 then)',
    see: ['close', 'close_direct'],
  },
  filesUpdate: {
    op: 'OP_FILES_UPDATE',
    parameters: 'fds:addr count:len offset:off',
    doc: '`fds` is the address of `count` s32, which also get the slots; an offset of 2^32-1 takes free slots (5.19)',
  },
  fixedFdInstall: {
    op: 'OP_FIXED_FD_INSTALL',
    parameters: 'slot:fd flags:opFlags',
    doc: 'makes a file descriptor of the file in `slot`',
    params: { flags: 'IORING_FIXED_FD_NO_CLOEXEC' },
    sets: { flags: 'IOSQE_FIXED_FILE' },
  },
  pipe: {
    op: 'OP_PIPE',
    parameters: 'fds:addr flags:opFlags fileIndex',
    params: {
      fds: 'address of two s32, which get the reading and the writing end: fds, or slots with `fileIndex`',
      flags: 'as pipe2(2): O_CLOEXEC, O_NONBLOCK, O_DIRECT',
      fileIndex: '0: file descriptors; n + 1: slots n and n + 1 of the file table; 2^32-1: free slots',
    },
    sets: { fd: 0 },
    see: ['pipe', 'pipe_direct'],
  },

  // ---- between pipes and files
  splice: {
    op: 'OP_SPLICE',
    parameters: 'fdIn:fileIndex offsetIn:addrSigned fdOut:fd offsetOut:off length:len flags:opFlags',
    doc: 'moves `length` bytes; an offset of -1 is the current position',
    params: { flags: SPLICE_FLAGS },
  },
  tee: {
    op: 'OP_TEE',
    parameters: 'fdIn:fileIndex fdOut:fd length:len flags:opFlags',
    doc: 'copies `length` bytes from a pipe to a pipe, and leaves them in the first',
    params: { flags: SPLICE_FLAGS },
  },

  // ---- paths
  statx: {
    op: 'OP_STATX',
    parameters: 'dirFd:fd path:addr flags:opFlags mask:len buffer:off',
    params: {
      flags: 'AT_*',
      mask: 'STATX_*: what is wanted',
      buffer: 'address of a struct statx, 256 bytes',
    },
  },
  renameat: {
    op: 'OP_RENAMEAT',
    parameters: 'oldDirFd:fd oldPath:addr newDirFd:len newPath:off flags:opFlags',
    params: { flags: 'RENAME_*' },
  },
  unlinkat: {
    op: 'OP_UNLINKAT',
    parameters: 'dirFd:fd path:addr flags:opFlags',
    doc: 'with AT_REMOVEDIR (0x200) in `flags` it removes a directory',
  },
  mkdirat: { op: 'OP_MKDIRAT', parameters: 'dirFd:fd path:addr mode:len' },
  symlinkat: {
    op: 'OP_SYMLINKAT',
    parameters: 'target:addr newDirFd:fd linkPath:off',
    doc: 'makes `linkPath`, which says `target`',
  },
  linkat: {
    op: 'OP_LINKAT',
    parameters: 'oldDirFd:fd oldPath:addr newDirFd:len newPath:off flags:opFlags',
    params: { flags: 'AT_EMPTY_PATH (0x1000), AT_SYMLINK_FOLLOW (0x400)' },
  },

  // ---- extended attributes: `value` is the address of `length` bytes
  getxattr: {
    op: 'OP_GETXATTR',
    parameters: 'name:addr value:off path:addr3 length:len',
    doc: "the result is the value's length, which `length` 0 only asks for",
  },
  setxattr: {
    op: 'OP_SETXATTR',
    parameters: 'name:addr value:off path:addr3 flags:opFlags length:len',
    params: { flags: 'XATTR_CREATE (1), XATTR_REPLACE (2)' },
  },
  fgetxattr: {
    op: 'OP_FGETXATTR',
    parameters: 'fd name:addr value:off length:len',
    doc: 'as `getxattr`',
  },
  fsetxattr: {
    op: 'OP_FSETXATTR',
    parameters: 'fd name:addr value:off flags:opFlags length:len',
    doc: 'as `setxattr`',
  },

  // ---- sockets
  socket: {
    op: 'OP_SOCKET',
    parameters: 'domain:fd type:off protocol:len fileIndex',
    params: {
      domain: 'AF_*',
      type: 'SOCK_*, with SOCK_CLOEXEC and SOCK_NONBLOCK',
      fileIndex: '0: a file descriptor; n + 1: slot n of the file table; 2^32-1: a free slot',
    },
    see: ['socket', 'socket_direct'],
  },
  bind: { op: 'OP_BIND', parameters: 'fd address:addr length:off' },
  listen: { op: 'OP_LISTEN', parameters: 'fd backlog:len' },
  connect: { op: 'OP_CONNECT', parameters: 'fd address:addr length:off' },
  accept: {
    op: 'OP_ACCEPT',
    parameters: 'fd address:addr lengthAddress:off flags:opFlags fileIndex',
    doc: 'IORING_ACCEPT_* go into `ioprio`',
    params: {
      address: "0, or where the peer's sockaddr goes",
      lengthAddress: `0, or the ${LENGTH_ADDRESS}`,
      flags: 'SOCK_CLOEXEC, SOCK_NONBLOCK',
      fileIndex: 'as `socket` has it (5.15); multishot takes 0 and 2^32-1 only',
    },
    see: ['accept', 'multishot_accept'],
  },
  shutdown: {
    op: 'OP_SHUTDOWN',
    parameters: 'fd how:len',
    params: { how: 'SHUT_RD (0), SHUT_WR (1), SHUT_RDWR (2)' },
  },

  // ---- send and receive: flags are MSG_*
  send: {
    op: 'OP_SEND',
    parameters: transfer,
    doc: 'IORING_RECVSEND_* and IORING_SEND_VECTORIZED go into `ioprio`',
    see: ['send', 'send_bundle'],
  },
  sendTo: {
    parameters: 'destination:off length:fileIndex',
    doc: 'Where a send goes that has no connection: after `send` (since 6.1) or `sendZc`.',
    params: { destination: 'address of a sockaddr of `length` bytes' },
    see: ['send_set_addr'],
  },
  sendZc: {
    op: 'OP_SEND_ZC',
    parameters: transfer,
    doc: 'sends without a copy; the memory is free after a second completion, IORING_CQE_F_NOTIF, which comes if the first has IORING_CQE_F_MORE. IORING_RECVSEND_POLL_FIRST and IORING_SEND_ZC_REPORT_USAGE go into `ioprio`',
  },
  sendZcFixed: {
    op: 'OP_SEND_ZC',
    parameters: `${transfer} bufferIndex:bufIndex`,
    doc: 'from the registered buffer `bufferIndex`',
    sets: { ioprio: 'IORING_RECVSEND_FIXED_BUF' },
  },
  sendmsg: {
    op: 'OP_SENDMSG',
    parameters: message,
    doc: '`message` is the address of a msghdr',
    sets: { len: 1 },
  },
  sendmsgZc: {
    op: 'OP_SENDMSG_ZC',
    parameters: message,
    doc: '`message` is the address of a msghdr; completes as `sendZc` does',
    sets: { len: 1 },
  },
  sendmsgZcFixed: {
    op: 'OP_SENDMSG_ZC',
    parameters: `${message} bufferIndex:bufIndex`,
    doc: 'with its iovecs in the registered buffer `bufferIndex` (6.15)',
    sets: { len: 1, ioprio: 'IORING_RECVSEND_FIXED_BUF' },
  },
  recv: {
    op: 'OP_RECV',
    parameters: transfer,
    doc: 'IORING_RECV_MULTISHOT and IORING_RECVSEND_* go into `ioprio`',
    see: ['recv', 'recv_multishot'],
  },
  recvmsg: {
    op: 'OP_RECVMSG',
    parameters: message,
    doc: '`message` is the address of a msghdr; IORING_RECV_MULTISHOT goes into `ioprio`, each buffer then begins with an io_uring_recvmsg_out',
    sets: { len: 1 },
    see: ['recvmsg', 'recvmsg_multishot'],
  },
  recvZc: {
    op: 'OP_RECV_ZC',
    parameters: 'fd length:len queue:fileIndex',
    doc: 'receives into the area of a zero-copy queue, again and again. For rings with big completions',
    params: {
      length: 'bytes after which it ends (6.16); 0: never',
      queue: 'zcrx_id of REGISTER_ZCRX_IFQ',
    },
    sets: { ioprio: 'IORING_RECV_MULTISHOT' },
    see: [],
  },

  // ---- provided buffers
  provideBuffers: {
    op: 'OP_PROVIDE_BUFFERS',
    parameters: 'address:addr length:len count:fd group:bufIndex firstId:off',
    doc: '`count` buffers of `length` bytes one after another, ids from `firstId`',
  },
  removeBuffers: {
    op: 'OP_REMOVE_BUFFERS',
    parameters: 'count:fd group:bufIndex',
    doc: 'takes `count` buffers back; the result is how many there were',
  },

  // ---- readiness
  pollAdd: {
    op: 'OP_POLL_ADD',
    parameters: 'fd events:opFlags flags:len',
    doc: 'the result is the events that came',
    params: {
      events: 'POLL* bits (POLLIN 1, POLLOUT 4)',
      flags:
        'IORING_POLL_ADD_MULTI (5.13); IORING_POLL_ADD_LEVEL stands in the header, and is refused with EINVAL (6.18)',
    },
    see: ['poll_add', 'poll_multishot'],
  },
  pollRemove: {
    op: 'OP_POLL_REMOVE',
    parameters: 'low:addrLow high:addrHigh',
    doc: 'ends the poll with this user_data',
  },
  pollUpdate: {
    op: 'OP_POLL_REMOVE',
    parameters: 'low:addrLow high:addrHigh newLow:offLow newHigh:offHigh events:opFlags flags:len',
    variant: 'POLL_UPDATE_EVENTS',
    doc: 'changes the poll with this user_data, which goes on',
    params: {
      newLow: 'its user_data from then on, with IORING_POLL_UPDATE_USER_DATA',
      events: 'POLL* bits from then on, with IORING_POLL_UPDATE_EVENTS',
      flags: 'IORING_POLL_UPDATE_*, IORING_POLL_ADD_MULTI',
    },
  },
  epollCtl: {
    op: 'OP_EPOLL_CTL',
    parameters: 'epollFd:fd op:len fd:off32 event:addr',
    params: {
      op: 'EPOLL_CTL_ADD (1), EPOLL_CTL_DEL (2), EPOLL_CTL_MOD (3)',
      event: 'address of an epoll_event; 0 for EPOLL_CTL_DEL',
    },
  },
  epollWait: {
    op: 'OP_EPOLL_WAIT',
    parameters: 'epollFd:fd events:addr count:len',
    doc: '`events` is the address of `count` epoll_events; the result is how many were written',
  },

  // ---- time
  timeout: {
    op: 'OP_TIMEOUT',
    parameters: 'timespec:addr count:off flags:opFlags',
    params: {
      count:
        'completions after which it ends early (of fires with IORING_TIMEOUT_MULTISHOT, 6.4); 0 for none',
      flags: 'IORING_TIMEOUT_*',
    },
    sets: { len: 1 },
  },
  timeoutRemove: {
    op: 'OP_TIMEOUT_REMOVE',
    parameters: 'low:addrLow high:addrHigh',
    doc: 'ends the timeout with this user_data',
  },
  timeoutUpdate: {
    op: 'OP_TIMEOUT_REMOVE',
    parameters: 'low:addrLow high:addrHigh timespec:off flags:opFlags',
    variant: 'TIMEOUT_UPDATE',
    doc: 'changes the timeout with this user_data',
    params: { flags: 'IORING_TIMEOUT_ABS; IORING_LINK_TIMEOUT_UPDATE (5.15) where it is a linked one' },
    sets: { opFlags: 'IORING_TIMEOUT_UPDATE' },
  },
  linkTimeout: {
    op: 'OP_LINK_TIMEOUT',
    parameters: 'timespec:addr flags:opFlags',
    doc: 'cancels the operation before it, which has IOSQE_IO_LINK, when it takes longer',
    params: {
      flags: 'IORING_TIMEOUT_ABS, and a clock: IORING_TIMEOUT_BOOTTIME or IORING_TIMEOUT_REALTIME (5.15)',
    },
    sets: { len: 1 },
  },

  // ---- futexes, children
  futexWait: {
    op: 'OP_FUTEX_WAIT',
    parameters: 'futex:addr value:off mask:addr3 futexFlags:fd',
    doc: 'waits while the futex has `value`; EAGAIN where it has another',
    params: {
      futex: 'its address',
      mask: 'bits of which a waker must have one; 2^32-1 for any',
      futexFlags: 'FUTEX2_*: its size, and FUTEX2_PRIVATE',
    },
  },
  futexWake: {
    op: 'OP_FUTEX_WAKE',
    parameters: 'futex:addr count:off mask:addr3 futexFlags:fd',
    doc: 'the result is how many were woken',
    params: { count: 'at most so many' },
  },
  futexWaitv: {
    op: 'OP_FUTEX_WAITV',
    parameters: 'futexes:addr count:len',
    doc: 'waits on several; the result is the index of the one that was woken',
    params: { futexes: 'address of `count` futex_waitv' },
    sets: { fd: 0 },
  },
  waitid: {
    op: 'OP_WAITID',
    parameters: 'idType:len id:fd info:off options:fileIndex',
    params: {
      idType: 'P_ALL (0), P_PID (1), P_PGID (2), P_PIDFD (3)',
      info: '0, or the address of a siginfo_t, 128 bytes',
      options: 'WEXITED (4), WSTOPPED (2), WCONTINUED (8), WNOWAIT (0x1000000)',
    },
  },

  // ---- no-ops
  nop: { op: 'OP_NOP', parameters: '', doc: 'completes with 0 and does nothing' },
  nopWith: {
    op: 'OP_NOP',
    parameters: 'flags:opFlags fd result:len bufferIndex:bufIndex',
    doc: 'with flags, for tests',
    params: {
      flags:
        'IORING_NOP_INJECT_RESULT (6.10); IORING_NOP_FILE (2), IORING_NOP_FIXED_FILE (4) and IORING_NOP_FIXED_BUFFER (8) look up `fd` and `bufferIndex` (6.13), IORING_NOP_TW (16) completes by task work (6.15)',
      result: "the completion's res, with IORING_NOP_INJECT_RESULT",
    },
    see: [],
  },
  nopCqe32: {
    op: 'OP_NOP',
    parameters: 'extra1:off extra2:addr',
    variant: 'NOP_CQE32',
    doc: 'with a big completion, whose two extra words are given. For rings with IORING_SETUP_CQE32 or IORING_SETUP_CQE_MIXED',
    sets: { opFlags: 'IORING_NOP_CQE32' },
    see: [],
  },
  nop128: { op: 'OP_NOP128', parameters: '', isBig: true, doc: `a NOP of 128 bytes: ${TWO_SLOTS}`, see: [] },

  // ---- other operations
  asyncCancel: {
    op: 'OP_ASYNC_CANCEL',
    parameters: 'low:addrLow high:addrHigh flags:opFlags',
    doc: 'by user_data',
    params: { flags: 'IORING_ASYNC_CANCEL_* (5.19)' },
    see: ['cancel', 'cancel64'],
  },
  asyncCancelFd: {
    op: 'OP_ASYNC_CANCEL',
    parameters: 'fd flags:opFlags',
    variant: 'ASYNC_CANCEL_FD',
    doc: 'by file',
    params: { fd: 'a slot with IORING_ASYNC_CANCEL_FD_FIXED (6.0)', flags: COUNTED },
    sets: { opFlags: 'IORING_ASYNC_CANCEL_FD' },
    see: ['cancel_fd'],
  },
  asyncCancelOp: {
    op: 'OP_ASYNC_CANCEL',
    parameters: 'opcode:len flags:opFlags',
    variant: 'ASYNC_CANCEL_OP',
    doc: 'by operation',
    params: { opcode: 'IORING_OP_*', flags: COUNTED },
    sets: { opFlags: 'IORING_ASYNC_CANCEL_OP' },
    see: ['cancel'],
  },
  asyncCancelWhere: {
    op: 'OP_ASYNC_CANCEL',
    parameters: 'fd opcode:len flags:opFlags',
    variant: 'ASYNC_CANCEL_ANY',
    doc: 'by all that `flags` say together: IORING_ASYNC_CANCEL_FD, IORING_ASYNC_CANCEL_OP (6.6), or IORING_ASYNC_CANCEL_ANY for everything on the ring',
    params: {
      fd: '-1 where it does not matter; a slot with IORING_ASYNC_CANCEL_FD_FIXED (6.0)',
      opcode: 'IORING_OP_*, 0 where it does not matter',
      flags: 'IORING_ASYNC_CANCEL_*',
    },
    see: ['cancel'],
  },

  // ---- other rings
  msgRing: {
    op: 'OP_MSG_RING',
    parameters: 'fd res:len userData:off',
    doc: 'posts {`userData`, `res`} on the ring `fd`; with IORING_MSG_RING_CQE_SKIP in `opFlags` nothing is posted',
  },
  msgRingCqeFlags: {
    op: 'OP_MSG_RING',
    parameters: 'fd res:len userData:off cqeFlags:fileIndex',
    variant: 'MSG_RING_FLAGS_PASS',
    doc: 'with the flags of the completion that it posts',
    sets: { opFlags: 'IORING_MSG_RING_FLAGS_PASS' },
    see: ['msg_ring_cqe_flags'],
  },
  msgRingFd: {
    op: 'OP_MSG_RING',
    parameters: 'fd slot:addr3 fileIndex userData:off flags:opFlags',
    variant: 'MSG_SEND_FD',
    doc: 'puts the file in `slot` of this ring into the file table of the ring `fd`, and posts {`userData`, its slot or 0} there',
    params: {
      fileIndex: 'n + 1: slot n; 2^32-1: a free slot',
      flags: 'IORING_MSG_RING_CQE_SKIP posts nothing there',
    },
    sets: { addr: 'IORING_MSG_SEND_FD' },
    see: ['msg_ring_fd', 'msg_ring_fd_alloc'],
  },

  // ---- commands
  uringCmd: {
    op: 'OP_URING_CMD',
    parameters: command,
    doc: "a command of the file's driver. Up to 16 bytes for it go into `cmd`, 80 where entries have 128 bytes",
    params: {
      command: "cmd_op: the driver's number for it",
      address: 'addr, for those who read it',
      length: 'len, for those who read it',
      flags: 'IORING_URING_CMD_FIXED, with the registered buffer in `bufIndex`',
    },
  },
  uringCmd128: {
    op: 'OP_URING_CMD128',
    parameters: command,
    isBig: true,
    doc: `as \`uringCmd\` with room for 80 bytes in \`cmd\`: ${TWO_SLOTS}`,
  },
  uringCmdSock: {
    op: 'OP_URING_CMD',
    parameters: 'fd command:off32 level:addrLow option:addrHigh value:addr3 length:fileIndex',
    variant: 'SOCKET_URING_OP_GETSOCKOPT',
    doc: 'a command of a socket',
    params: {
      command:
        "SOCKET_URING_OP_SIOCINQ and SOCKET_URING_OP_SIOCOUTQ (all others 0): the result is how many bytes wait; SOCKET_URING_OP_GETSOCKOPT (level SOL_SOCKET only): the result is the value's length; SOCKET_URING_OP_SETSOCKOPT; SOCKET_URING_OP_TX_TIMESTAMP (6.17)",
      value: 'address of `length` bytes',
    },
    see: ['cmd_sock'],
  },
  uringCmdGetsockname: {
    op: 'OP_URING_CMD',
    parameters: 'fd address:addr lengthAddress:addr3 peer:fileIndex',
    variant: 'SOCKET_URING_OP_GETSOCKNAME',
    doc: 'the address of a socket',
    params: {
      address: 'where the sockaddr goes',
      lengthAddress: LENGTH_ADDRESS,
      peer: "1: the peer's, as getpeername(2); 0: its own",
    },
    sets: { off: 'SOCKET_URING_OP_GETSOCKNAME' },
    see: ['cmd_getsockname'],
  },
};
