/** Why a call failed: a thing that this kernel lacks, something that is forbidden, or a mistake with its remedy. */
import { errnoName } from '../../structs/errno.ts';
import { constants } from '../../structs/flags.ts';
import { setupFlags } from '../../structs/ops.ts';
import { registerOpName, registerRow } from '../../structs/register-ops.ts';
import { RegisterError, SyscallError, UnsupportedError } from '../errors.ts';
import { kernelRelease, limit } from '../sys/host.ts';
import { askRange, SETUP_NEEDS, type SetupFlagName } from './ask.ts';
import { type Failure, HINTS } from './hints.ts';
import { lockedMemoryHint, wholePages } from './memlock.ts';
import { type Refusal, refusalHint, registerRefusal, setupRefusal } from './refusal.ts';
import { probe } from './support.ts';

export type { Failure } from './hints.ts';

const EINVAL = 22;
const ENOSYS = 38;

/** Why a call failed. */
export interface Explanation {
  /** Set where the kernel lacks what was asked for. */
  readonly unsupported?: UnsupportedError | undefined;
  /** What to do about it. */
  readonly hint?: string | undefined;
}

// ---- io_uring_register ------------------------------------------------------------------------------------

/** The error's name for an opcode: `'REGISTER_BUFFERS'`, or `'OP_99'` for one that is in no header yet. */
function opcodeName(opcode: number): string {
  return registerOpName(opcode) ?? `OP_${opcode}`;
}

/** The error of a kernel that has no io_uring at all. */
function noUring(refusal: Refusal | undefined, cause: SyscallError): UnsupportedError | undefined {
  if (refusal?.by !== 'kernel') return undefined;
  return new UnsupportedError('io_uring', { since: '5.1', kernel: kernelRelease, why: refusal.why, cause });
}

/** The error of a failed call, with what the table knows of its opcode. */
export function registerError(
  { opcode, errno, fd, nrArgs }: Pick<Failure, 'opcode' | 'errno' | 'fd' | 'nrArgs'>,
  hint?: string,
): RegisterError {
  return new RegisterError(opcodeName(opcode), errno, {
    fd,
    nrArgs,
    since: registerRow(opcode)?.since,
    hint,
  });
}

function missingOpcode(failure: Failure): UnsupportedError {
  const { opcode } = failure;
  const need = opcodeName(opcode);
  const since = registerRow(opcode)?.since;
  const details = { since, kernel: kernelRelease, cause: registerError(failure) };
  if (since !== undefined) return new UnsupportedError(need, details);
  return new UnsupportedError(need, {
    ...details,
    why: `Linux ${kernelRelease} has no register opcode ${opcode}`,
  });
}

/**
 * Explains a failed io_uring_register(2). EINVAL of an opcode that the kernel lacks is told from EINVAL of a wrong
 * argument by asking the kernel for the opcode alone.
 */
export function explain(failure: Failure): Explanation {
  const { opcode, errno } = failure;
  const absent = errno === ENOSYS ? noUring(registerRefusal(errno), registerError(failure)) : undefined;
  if (absent !== undefined) return { unsupported: absent };
  if (errno === EINVAL && askRange(opcode) === false) return { unsupported: missingOpcode(failure) };
  const hints = HINTS[errnoName(errno)];
  const name = registerOpName(opcode);
  const hint = (name === undefined ? undefined : hints?.[name]) ?? hints?.else;
  return { hint: typeof hint === 'function' ? hint(failure) : hint };
}

// ---- io_uring_setup ---------------------------------------------------------------------------------------

/** What was asked of io_uring_setup(2). */
export interface SetupRequest {
  readonly entries: number;
  /** IORING_SETUP_* */
  readonly flags: number;
  /** With SETUP_CQSIZE. */
  readonly cqEntries?: number | undefined;
}

/** Flags that the kernel refuses together. */
const EXCLUDES: readonly (readonly [SetupFlagName, SetupFlagName])[] = [
  ['SETUP_COOP_TASKRUN', 'SETUP_SQPOLL'],
  ['SETUP_TASKRUN_FLAG', 'SETUP_SQPOLL'],
  ['SETUP_DEFER_TASKRUN', 'SETUP_SQPOLL'],
  ['SETUP_SQ_REWIND', 'SETUP_SQPOLL'],
  ['SETUP_CQE32', 'SETUP_CQE_MIXED'],
  ['SETUP_SQE128', 'SETUP_SQE_MIXED'],
];

/** The names of the flags in `flags`, and the bits that have none. */
function flagNames(flags: number): { readonly names: readonly SetupFlagName[]; readonly rest: number } {
  const set = setupFlags.filter(({ value }) => (flags & value) !== 0);
  return {
    names: set.map(({ name }) => name),
    rest: set.reduce((bits, { value }) => bits & ~value, flags) >>> 0,
  };
}

function wrongFlags(names: readonly SetupFlagName[]): string | undefined {
  for (const name of names) {
    const needs = SETUP_NEEDS[name];
    if (needs?.some((each) => names.includes(each)) === false) return `${name} needs ${needs.join(' or ')}`;
  }
  const pair = EXCLUDES.find((both) => both.every((each) => names.includes(each)));
  return pair === undefined ? undefined : `${pair.join(' and ')} exclude each other`;
}

const MOST_SQ = 32_768;
const MOST_CQ = 65_536;

function wrongEntries({ entries, flags, cqEntries }: SetupRequest): string | undefined {
  const clamped = (flags & constants.IORING_SETUP_CLAMP) !== 0;
  if (entries < 1 || (entries > MOST_SQ && !clamped)) {
    return `entries must be 1 to ${MOST_SQ} (more with SETUP_CLAMP, which lowers it)`;
  }
  if (cqEntries === undefined || (flags & constants.IORING_SETUP_CQSIZE) === 0) return undefined;
  if (cqEntries >= entries && (cqEntries <= MOST_CQ || clamped)) return undefined;
  return `cqEntries must be at least entries and at most ${MOST_CQ} (more with SETUP_CLAMP, which lowers it)`;
}

function wrongSetup(request: SetupRequest): string | undefined {
  const { names, rest } = flagNames(request.flags);
  if (rest !== 0) return `flags 0x${rest.toString(16)} are in no header that uring knows`;
  return wrongEntries(request) ?? wrongFlags(names);
}

function powerOfTwo(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(count, 1)));
}

/** The bytes of a ring's queues, which count as locked memory (before Linux 5.12, and again from 6.14). */
function queueBytes({ entries, flags, cqEntries }: SetupRequest): number {
  const has = (flag: number): number => ((flags & flag) === 0 ? 0 : 1);
  const sq = powerOfTwo(Math.min(entries, MOST_SQ));
  const asked = has(constants.IORING_SETUP_CQSIZE) === 1 ? cqEntries : undefined;
  const cq = powerOfTwo(Math.min(asked ?? 2 * sq, MOST_CQ));
  const array = has(constants.IORING_SETUP_NO_SQARRAY) === 1 ? 0 : 4 * sq;
  const sqes = sq * (64 << has(constants.IORING_SETUP_SQE128));
  return wholePages(sqes) + wholePages(64 + cq * (16 << has(constants.IORING_SETUP_CQE32)) + array);
}

/** EPERM of SQPOLL, on kernels that keep it for the privileged. */
function pollingForbidden({ flags }: SetupRequest): string | undefined {
  if ((flags & constants.IORING_SETUP_SQPOLL) === 0) return undefined;
  // they differ from later ones by a feature of the same release, 5.13
  if (probe().supports('FEAT_RSRC_TAGS') !== false) return undefined;
  return 'SETUP_SQPOLL needs CAP_SYS_NICE before Linux 5.13, and CAP_SYS_ADMIN before 5.11';
}

function attached({ flags }: SetupRequest): string | undefined {
  return (flags & constants.IORING_SETUP_ATTACH_WQ) === 0 ? undefined : 'wqFd is not the fd of an open ring';
}

/** ENOMEM where no limit on locked memory applies: the queues are few but long pieces of the kernel's memory. */
function shortOfMemory(bytes: number): string {
  const size = `${Math.ceil(bytes / 1024)} KiB of queues`;
  return `the kernel has no memory for ${size}: the cgroup's limit (memory.max) is reached, or memory is in pieces; take fewer entries`;
}

const SETUP_HINTS: { readonly [code: string]: (request: SetupRequest, errno: number) => string | undefined } =
  {
    EPERM: (request, errno) => pollingForbidden(request) ?? refusalHint(setupRefusal(errno)),
    EACCES: (_, errno) => refusalHint(setupRefusal(errno)),
    ENOSYS: (_, errno) => refusalHint(setupRefusal(errno)),
    ENOMEM: (request) => lockedMemoryHint(queueBytes(request)) ?? shortOfMemory(queueBytes(request)),
    EMFILE: () =>
      `RLIMIT_NOFILE's soft limit of ${limit('nofile')?.soft ?? '(unknown)'} is reached: close files, or raise it (ulimit -n, LimitNOFILE=)`,
    ENFILE: () => 'the system has as many open files as sysctl fs.file-max allows',
    ENXIO: attached,
    EBADF: attached,
    EFAULT: ({ flags }) =>
      (flags & constants.IORING_SETUP_NO_MMAP) === 0
        ? undefined
        : 'with SETUP_NO_MMAP sqOff.userAddr and cqOff.userAddr must be mapped memory',
    EINVAL: (request) => wrongSetup(request) ?? attached(request),
  };

/** The flag that the kernel says it doesn't have; the newest where there are several, which needs the others. */
function missingFlag({ flags }: SetupRequest, cause: SyscallError): UnsupportedError | undefined {
  const support = probe();
  const missing = flagNames(flags).names.findLast((name) => support.supports(name) === false);
  if (missing === undefined) return undefined;
  const { since } = support.setup[missing];
  return new UnsupportedError(missing, { since, kernel: kernelRelease, cause });
}

/** What the kernel lacks: io_uring as a whole, or a flag. */
function missingSetup(request: SetupRequest, errno: number): UnsupportedError | undefined {
  const cause = new SyscallError('io_uring_setup', errno);
  if (errno === ENOSYS) return noUring(setupRefusal(errno), cause);
  return errno === EINVAL ? missingFlag(request, cause) : undefined;
}

/**
 * Explains a failed io_uring_setup(2): EINVAL of a flag that the kernel lacks is told from EINVAL of wrong arguments by
 * `probe()`.
 */
export function explainSetup(errno: number, request: SetupRequest): Explanation {
  const unsupported = missingSetup(request, errno);
  if (unsupported !== undefined) return { unsupported };
  return { hint: SETUP_HINTS[errnoName(errno)]?.(request, errno) };
}
