/** What to do about a failed register call: one sentence for each errno and opcode, where there is something to say. */
import { constants } from '../../structs/flags.ts';
import { RegionDesc } from '../../structs/memory.ts';
import {
  type RegisterOpName,
  type RegisterRow,
  registerOpName,
  registerRow,
} from '../../structs/register-ops.ts';
import { Buf, BufReg, RsrcRegister, RsrcUpdate2 } from '../../structs/rsrc.ts';
import { limit, seccompMode } from '../sys/host.ts';
import { sys } from '../sys/syscall.ts';
import { askRange } from './ask.ts';
import { lockedMemoryHint, touchedPages, wholePages } from './memlock.ts';
import { refusalHint, registerRefusal } from './refusal.ts';

const EEXIST = 17;
const EOPNOTSUPP = 95;

/** A failed register call. */
export interface Failure {
  /** Without IORING_REGISTER_USE_REGISTERED_RING. */
  readonly opcode: number;
  /** Positive. */
  readonly errno: number;
  /** The ring's fd, -1, or its registered index. */
  readonly fd: number;
  /** Is `fd` a registered index? */
  readonly isIndex: boolean;
  readonly nrArgs: number;
  /** The argument's bytes, where they are known. */
  readonly bytes?: Uint8Array | null | undefined;
  /** What the argument points to, where that is known: iovecs of buffers, the description of a region. */
  readonly pointee?: Uint8Array | null | undefined;
}

/** A text, or what makes one of the call. */
export type Hint = string | ((failure: Failure) => string | undefined);

/** Hints of one errno; `else` for the opcodes that are not listed. */
export type Hints = { readonly [K in RegisterOpName | 'else']?: Hint };

// ---- locked memory ----------------------------------------------------------------------------------------

function present(bytes: Uint8Array | null | undefined, size: number): bytes is Uint8Array {
  return bytes !== undefined && bytes !== null && bytes.byteLength >= size;
}

/** The hint for buffers whose iovecs lie behind the argument's pointer. */
function pointedBuffers(struct: typeof RsrcRegister | typeof RsrcUpdate2): Hint {
  return ({ bytes, pointee }) => {
    const known = present(bytes, struct.size) && present(pointee, 0);
    return lockedMemoryHint(known ? touchedPages(pointee, struct.decode(bytes).nr) : undefined);
  };
}

/** ENOMEM of the opcodes that lock memory. */
const LOCKED: Hints = {
  REGISTER_BUFFERS: ({ bytes, nrArgs }) =>
    lockedMemoryHint(present(bytes, 0) ? touchedPages(bytes, nrArgs) : undefined),
  REGISTER_BUFFERS2: pointedBuffers(RsrcRegister),
  REGISTER_BUFFERS_UPDATE: pointedBuffers(RsrcUpdate2),
  REGISTER_PBUF_RING: ({ bytes }) =>
    lockedMemoryHint(
      present(bytes, BufReg.size) ? wholePages(BufReg.decode(bytes).ringEntries * Buf.size) : undefined,
    ),
  REGISTER_MEM_REGION: ({ pointee }) =>
    lockedMemoryHint(present(pointee, RegionDesc.size) ? Number(RegionDesc.decode(pointee).size) : undefined),
  REGISTER_RESIZE_RINGS: () => lockedMemoryHint(undefined),
  REGISTER_ZCRX_IFQ: () => lockedMemoryHint(undefined),
};

// ---- the argument -----------------------------------------------------------------------------------------

/** What is wrong with nr_args by the opcode's rule. */
function nrArgsRule({ nrArgs: rule }: RegisterRow, nrArgs: number): string | undefined {
  if (rule.is === 'fixed' && nrArgs !== rule.value) return `nr_args must be ${rule.value}, it was ${nrArgs}`;
  if (rule.is === 'size' && nrArgs !== rule.value) {
    return `nr_args must be ${rule.value}, the size of the struct, it was ${nrArgs}`;
  }
  if (rule.is === 'count' && (nrArgs < rule.min || nrArgs > rule.max)) {
    return `nr_args must be a number from ${rule.min} to ${rule.max}, it was ${nrArgs}`;
  }
  return undefined;
}

/** The opcodes that act without a ring, by fd -1. */
const RINGLESS: readonly string[] = ['REGISTER_SEND_MSG_RING', 'REGISTER_QUERY', 'REGISTER_BPF_FILTER'];

function ringless({ name }: RegisterRow): string | undefined {
  if (RINGLESS.includes(name)) return undefined;
  if (name !== 'REGISTER_RESTRICTIONS') return 'this opcode needs a ring: only few act without one (fd -1)';
  // rules for the whole task came with the opcode of filters
  const hasTaskRules = askRange(constants.IORING_REGISTER_BPF_FILTER) !== false;
  return hasTaskRules ? undefined : 'rules for the whole task (fd -1) need Linux 7.0';
}

/** EINVAL: the rules that the table knows come first. */
function invalid(specific?: string): Hint {
  return ({ opcode, fd, isIndex, nrArgs }) => {
    const row = registerRow(opcode);
    if (row === undefined) return undefined;
    const general = fd === -1 && !isIndex ? ringless(row) : undefined;
    return nrArgsRule(row, nrArgs) ?? general ?? specific;
  };
}

// ---- the ring, or the argument? ---------------------------------------------------------------------------

/** What the kernel says of the ring alone, by a call that is wrong on every ring: EINVAL where the ring is in order. */
function ringErrno({ fd, isIndex }: Failure): number {
  const opcode = constants.IORING_UNREGISTER_BUFFERS;
  const code = isIndex ? (opcode | constants.IORING_REGISTER_USE_REGISTERED_RING) >>> 0 : opcode;
  return -sys.register(fd, code, 0, 1);
}

function ringTrouble({ errno, fd, isIndex }: Failure): string {
  if (errno === EEXIST) return 'single issuer: this thread does not own the ring';
  if (errno === EOPNOTSUPP) return `fd ${fd} is not an io_uring`;
  if (!isIndex) return `fd ${fd} is not open`;
  return `this thread has no ring registered at index ${fd} (an index belongs to the thread that registered it)`;
}

/** For errnos that the ring itself can cause: `otherwise` where it is in order, and the argument is the matter. */
function ringOr(otherwise?: string): Hint {
  return (failure) => (ringErrno(failure) === failure.errno ? ringTrouble(failure) : otherwise);
}

function tooManyFiles(slots: number | undefined): string {
  const soft = limit('nofile')?.soft ?? Number.POSITIVE_INFINITY;
  if (slots !== undefined && slots <= soft)
    return `${slots} slots are more than this kernel's file tables have`;
  const asked = slots === undefined ? '' : `${slots} slots asked, `;
  return `${asked}RLIMIT_NOFILE's soft limit is ${soft}: raise it (ulimit -n, LimitNOFILE=) or ask for fewer`;
}

// ---- texts that several opcodes share ---------------------------------------------------------------------

const HAS_BUFFERS = 'the ring has a buffer table already: update it, or unregister it first';
const HAS_FILES = 'the ring has a file table already: update it, or unregister it first';
const HAS_EVENTFD = 'the ring has its one eventfd already: unregister it first';
const NO_BUFFERS = 'the ring has no registered buffers';
const NO_FILES = 'the ring has no registered files';
const NO_GROUP = 'the ring has no buffer ring of this group';
const QUIESCED =
  'a signal came while it waited for operations in flight, as it does before Linux 6.13: call again';
const OUT_OF_TABLE = 'slots must lie within the table, and empty slots take no tag';
const NOT_DISABLED =
  'the ring must be disabled: set it up with SETUP_R_DISABLED, and call this before it is enabled';
const BAD_MEMORY =
  'a buffer must be writable memory of at most 1 GiB that is mapped, and not from a file on a disk';
const FROM_FILE = 'this kernel takes no memory that is mapped from a file';
const NO_BUSY_POLL = 'the kernel was built without CONFIG_NET_RX_BUSY_POLL';
const BAD_FILE = 'a listed fd is not open, or is an io_uring';
const TASK_PRIVILEGE = 'without a ring it needs CAP_SYS_ADMIN, or no_new_privs set before';

/** EACCES of an opcode that has a form for the whole task. */
function restrictedOrTask(failure: Failure): string {
  return failure.fd === -1 && !failure.isIndex ? TASK_PRIVILEGE : restricted(failure);
}

function restricted({ opcode }: Failure): string {
  return `this ring's restrictions do not allow ${registerOpName(opcode) ?? `register opcode ${opcode}`}`;
}

function filteredOpcode(): string | undefined {
  return seccompMode() === 'filter' ? 'a seccomp filter seems to forbid this opcode' : undefined;
}

function refused(reason?: string): Hint {
  return ({ errno }) => refusalHint(registerRefusal(errno)) ?? reason ?? filteredOpcode();
}

// ---- the table --------------------------------------------------------------------------------------------

/** Hints by the errno's name. */
export const HINTS: { readonly [code: string]: Hints } = {
  EPERM: {
    REGISTER_ZCRX_IFQ: refused('it needs CAP_NET_ADMIN'),
    REGISTER_RESTRICTIONS: refused('this task is restricted already'),
    else: refused(),
  },
  ENOSYS: { else: refused() },
  EACCES: {
    REGISTER_RESTRICTIONS: restrictedOrTask,
    REGISTER_BPF_FILTER: restrictedOrTask,
    else: restricted,
  },
  ENOMEM: LOCKED,
  EINVAL: {
    REGISTER_PROBE: invalid('the argument must be all zero, and must not be used twice'),
    UNREGISTER_PERSONALITY: invalid('the ring has no personality of this id'),
    REGISTER_EVENTFD: invalid('the fd is not an eventfd'),
    REGISTER_EVENTFD_ASYNC: invalid('the fd is not an eventfd'),
    REGISTER_FILES_UPDATE: invalid(OUT_OF_TABLE),
    REGISTER_FILES_UPDATE2: invalid(OUT_OF_TABLE),
    REGISTER_BUFFERS_UPDATE: invalid(OUT_OF_TABLE),
    REGISTER_IOWQ_AFF: invalid('this thread must have made a ring, and the mask must lie within its cpuset'),
    UNREGISTER_IOWQ_AFF: invalid('this thread has made no ring'),
    REGISTER_PBUF_RING: invalid(
      'entries must be a power of two up to 32768, the address page-aligned, and the group free',
    ),
    REGISTER_FILE_ALLOC_RANGE: invalid('the range must lie within a registered file table'),
    REGISTER_NAPI: invalid(
      'the ring must be without SETUP_IOPOLL, and settings of Linux 6.13 need that kernel',
    ),
    REGISTER_CLOCK: invalid('only CLOCK_MONOTONIC and CLOCK_BOOTTIME can be set'),
    REGISTER_CLONE_BUFFERS: invalid(
      'both rings must be of this process and user, and the range within the source table',
    ),
    REGISTER_RESTRICTIONS: invalid('a rule names an operation, flag or opcode that this kernel lacks'),
    REGISTER_SEND_MSG_RING: invalid(
      "fd must be -1, the target ring's fd in the SQE, and all but OP_MSG_RING with data zero",
    ),
    REGISTER_BPF_FILTER: invalid('the filter must be a valid classic BPF program for one operation'),
    REGISTER_ZCRX_IFQ: invalid(
      'the ring must have SETUP_DEFER_TASKRUN and SETUP_CQE32 or SETUP_CQE_MIXED, and rqEntries a fitting number',
    ),
    REGISTER_RESIZE_RINGS: invalid(
      'the ring must have SETUP_DEFER_TASKRUN, and the sizes lie within the limits (or pass SETUP_CLAMP)',
    ),
    REGISTER_MEM_REGION: invalid(
      'size and address must be whole pages, and a region for waits needs a ring that is still disabled',
    ),
    else: invalid(),
  },
  EFAULT: {
    REGISTER_BUFFERS: BAD_MEMORY,
    REGISTER_BUFFERS2: BAD_MEMORY,
    REGISTER_BUFFERS_UPDATE: BAD_MEMORY,
    REGISTER_PBUF_RING: 'the buffer ring must lie in mapped memory, unless the kernel is to make it',
    REGISTER_MEM_REGION: 'the region must lie in mapped memory, unless the kernel is to make it',
    else: 'the argument, or what it points to, is not readable memory',
  },
  EBUSY: {
    REGISTER_BUFFERS: HAS_BUFFERS,
    REGISTER_BUFFERS2: HAS_BUFFERS,
    REGISTER_FILES: HAS_FILES,
    REGISTER_FILES2: HAS_FILES,
    REGISTER_EVENTFD: HAS_EVENTFD,
    REGISTER_EVENTFD_ASYNC: HAS_EVENTFD,
    REGISTER_PERSONALITY: 'all 65535 personalities of the ring are taken',
    REGISTER_RESTRICTIONS: 'the ring has its restrictions already, they can be set once',
    REGISTER_RING_FDS: 'the index is taken, or all 16 of this thread are: unregister one first',
    REGISTER_CLONE_BUFFERS:
      'the destination has a buffer table already: unregister it first, or replace it (6.13)',
    REGISTER_MEM_REGION: 'the ring has its one memory region already, and keeps it until it is closed',
  },
  ENXIO: {
    UNREGISTER_BUFFERS: NO_BUFFERS,
    REGISTER_BUFFERS_UPDATE: NO_BUFFERS,
    UNREGISTER_FILES: NO_FILES,
    REGISTER_FILES_UPDATE: NO_FILES,
    REGISTER_FILES_UPDATE2: NO_FILES,
    REGISTER_FILE_ALLOC_RANGE: NO_FILES,
    UNREGISTER_EVENTFD: 'the ring has no registered eventfd',
    REGISTER_CLONE_BUFFERS: 'the source ring has no registered buffers',
    REGISTER_ZCRX_CTRL: 'the ring has no zero-copy receive queue of this id',
  },
  EEXIST: {
    REGISTER_PBUF_RING: ringOr('the buffer group is taken: choose another, or unregister it first'),
    REGISTER_NAPI: ringOr('this NAPI id was added already'),
    REGISTER_CLONE_BUFFERS: ringOr('single issuer: this thread does not own the source ring'),
    else: ringOr(),
  },
  EBADFD: {
    REGISTER_RESTRICTIONS: NOT_DISABLED,
    REGISTER_ENABLE_RINGS: NOT_DISABLED,
    REGISTER_SEND_MSG_RING: 'the target is not an io_uring, or is disabled: enable it first',
    else: 'the ring is disabled: enable it first',
  },
  EMFILE: {
    REGISTER_FILES: ({ nrArgs }) => tooManyFiles(nrArgs),
    REGISTER_FILES2: ({ bytes }) =>
      tooManyFiles(present(bytes, RsrcRegister.size) ? RsrcRegister.decode(bytes).nr : undefined),
    else: () => tooManyFiles(undefined),
  },
  EBADF: {
    REGISTER_FILES: ringOr(BAD_FILE),
    REGISTER_FILES2: ringOr(BAD_FILE),
    REGISTER_FILES_UPDATE: ringOr(BAD_FILE),
    REGISTER_FILES_UPDATE2: ringOr(BAD_FILE),
    REGISTER_EVENTFD: ringOr('the eventfd is not open'),
    REGISTER_EVENTFD_ASYNC: ringOr('the eventfd is not open'),
    REGISTER_RING_FDS: ringOr('a listed ring is not open'),
    REGISTER_CLONE_BUFFERS: ringOr('the source ring is not open'),
    REGISTER_SYNC_CANCEL: ringOr('the fd whose operations are to be cancelled is not open'),
    REGISTER_SEND_MSG_RING: 'the target ring is not open',
    else: ringOr(),
  },
  EOPNOTSUPP: {
    REGISTER_ZCRX_IFQ: ringOr("the network card's driver, or this kernel's build, has no zero-copy receive"),
    REGISTER_NAPI: ringOr(NO_BUSY_POLL),
    UNREGISTER_NAPI: ringOr(NO_BUSY_POLL),
    REGISTER_CLONE_BUFFERS: ringOr('the source is not an io_uring'),
    REGISTER_RING_FDS: ringOr('a listed fd is not an io_uring'),
    REGISTER_BUFFERS: ringOr(FROM_FILE),
    REGISTER_BUFFERS2: ringOr(FROM_FILE),
    REGISTER_BUFFERS_UPDATE: ringOr(FROM_FILE),
    else: ringOr(),
  },
  EOVERFLOW: {
    REGISTER_RESIZE_RINGS: 'what waits in the queues does not fit the new sizes: submit and reap first',
    REGISTER_SEND_MSG_RING: 'the target could not store the completion: reap it first',
    REGISTER_CLONE_BUFFERS: 'the range goes beyond the source table',
    else: 'offset and count together exceed 2^32',
  },
  ETIME: {
    REGISTER_SYNC_CANCEL:
      'a worker is still running the operation: allow more time, or wait for its completion',
  },
  EALREADY: {
    REGISTER_SYNC_CANCEL: 'the operation is ending already: wait for its completion',
  },
  EINTR: {
    UNREGISTER_BUFFERS: QUIESCED,
    UNREGISTER_FILES: QUIESCED,
    REGISTER_SYNC_CANCEL: 'a signal came while waiting: call again',
  },
  ENOENT: {
    REGISTER_SYNC_CANCEL: 'no operation matches: it may have completed already',
    UNREGISTER_PBUF_RING: NO_GROUP,
    REGISTER_PBUF_STATUS: NO_GROUP,
    REGISTER_NAPI: 'no such NAPI id was added',
  },
  ENODEV: { REGISTER_ZCRX_IFQ: 'there is no network interface of this index' },
  E2BIG: { REGISTER_MEM_REGION: 'the region has more pages than the kernel takes' },
  EMSGSIZE: {
    REGISTER_BPF_FILTER: "pdu_size is not this kernel's, which has written its own into the argument",
  },
  ERANGE: { REGISTER_QUERY: 'too many queries in one chain: at most 1000' },
};
