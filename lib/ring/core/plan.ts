/** The options of a ring, and the best setup flags that this kernel takes for them. */
import { isMainThread } from 'node:worker_threads';
import {
  boolean,
  options as checkOptions,
  integer,
  U32_MAX,
  wrongType,
  wrongValue,
} from '../../../structs/check.ts';
import { constants } from '../../../structs/flags.ts';
import { type SetupParams, type SetupResult, setupFailure, trySetup } from './setup.ts';

const {
  IORING_SETUP_ATTACH_WQ,
  IORING_SETUP_CLAMP,
  IORING_SETUP_COOP_TASKRUN,
  IORING_SETUP_CQE_MIXED,
  IORING_SETUP_CQE32,
  IORING_SETUP_CQSIZE,
  IORING_SETUP_DEFER_TASKRUN,
  IORING_SETUP_HYBRID_IOPOLL,
  IORING_SETUP_IOPOLL,
  IORING_SETUP_NO_MMAP,
  IORING_SETUP_NO_SQARRAY,
  IORING_SETUP_R_DISABLED,
  IORING_SETUP_REGISTERED_FD_ONLY,
  IORING_SETUP_SINGLE_ISSUER,
  IORING_SETUP_SQ_AFF,
  IORING_SETUP_SQE_MIXED,
  IORING_SETUP_SQE128,
  IORING_SETUP_SQPOLL,
  IORING_SETUP_SUBMIT_ALL,
  IORING_SETUP_TASKRUN_FLAG,
} = constants;
const EINVAL = 22;
/** The pause between two tries of a setup that lacks locked memory, in milliseconds. */
const MEMORY_PAUSE_MS = 2;
const ENOMEM = 12;
/** The kernel gives the locked memory of closed rings back a little later: so long setup is tried again. */
const MEMORY_WAIT_MS = 50;

/** Options of a ring. Flags that only make it faster are chosen by what this kernel takes. */
export interface RingOptions {
  /** Completion queue entries, up to 65536; twice the submission queue when absent (SETUP_CQSIZE, 5.5). */
  readonly cqEntries?: number | undefined;
  /** Sizes above the kernel's limits are lowered to them instead of refused (SETUP_CLAMP, 5.6). */
  readonly clamp?: boolean | undefined;
  /** A kernel thread submits: no syscall while it is awake (SETUP_SQPOLL). Refused in workers. */
  readonly sqPoll?: boolean | SqPollOptions | undefined;
  /** Completions are polled for; only O_DIRECT reads and writes work (SETUP_IOPOLL). */
  readonly ioPoll?: boolean | 'hybrid' | undefined;
  /**
   * Entries of 128 bytes, for passthrough commands (SETUP_SQE128, 5.19), or of both sizes (`'mixed'`: SETUP_SQE_MIXED, 6.19,
   * where OP_NOP128 and OP_URING_CMD128 take two entries).
   */
  readonly sqe128?: boolean | 'mixed' | undefined;
  /** Completions of 32 bytes (SETUP_CQE32, 5.19), or of both sizes (`'mixed'`: SETUP_CQE_MIXED, 6.18). */
  readonly cqe32?: boolean | 'mixed' | undefined;
  /** Task work runs only when the ring is entered (SETUP_DEFER_TASKRUN, 6.1); needed by `resize`. */
  readonly deferTaskrun?: boolean | undefined;
  /** Starts disabled: register first, then `enable()` (SETUP_R_DISABLED, 5.10). */
  readonly disabled?: boolean | undefined;
  /** Shares the worker threads of another ring (SETUP_ATTACH_WQ, 5.6). */
  readonly attachTo?: { readonly fd: number } | undefined;
  /** Keeps the indirection of the submission queue that 6.6 made needless (without SETUP_NO_SQARRAY). */
  readonly sqArray?: boolean | undefined;
  /** The queues lie in memory of this process instead of the kernel's (SETUP_NO_MMAP, 6.5). */
  readonly noMmap?: boolean | undefined;
  /** No fd at all, only a registered index (SETUP_REGISTERED_FD_ONLY, 6.5); implies `noMmap`. */
  readonly registeredFdOnly?: boolean | undefined;
}

/** Options of the submission thread. */
export interface SqPollOptions {
  /** After so many milliseconds without work it sleeps; 1000 when absent. */
  readonly idleMs?: number | undefined;
  /** The cpu that it runs on. */
  readonly cpu?: number | undefined;
}

const SWITCHES = ['clamp', 'deferTaskrun', 'disabled', 'sqArray', 'noMmap', 'registeredFdOnly'] as const;
/** The names of all ring options. */
export const RING_OPTIONS: readonly string[] = [
  'cqEntries',
  'sqPoll',
  'ioPoll',
  'sqe128',
  'cqe32',
  'attachTo',
  ...SWITCHES,
];

/** What to ask io_uring_setup(2) for: required flags, optional flags (newest first), and the other parameters. */
export interface SetupPlan {
  readonly required: number;
  readonly optional: readonly number[];
  readonly params: SetupParams;
}

export function planSetup(options: RingOptions): SetupPlan {
  const { sqPoll, ioPoll, sqe128, cqe32, cqEntries, attachTo } = options;
  for (const name of SWITCHES) {
    if (options[name] !== undefined) boolean(`options.${name}`, options[name]);
  }
  choice('options.ioPoll', ioPoll, 'hybrid');
  choice('options.sqe128', sqe128, 'mixed');
  choice('options.cqe32', cqe32, 'mixed');
  if (attachTo !== undefined && (typeof attachTo !== 'object' || attachTo === null))
    throw wrongType('options.attachTo', 'a ring, or another object with its fd', attachTo);
  const thread = sqPollParams(sqPoll);
  const noMmap = options.noMmap === true || options.registeredFdOnly === true;
  const required =
    (options.clamp ? IORING_SETUP_CLAMP : 0) |
    (ioPoll ? IORING_SETUP_IOPOLL : 0) |
    (ioPoll === 'hybrid' ? IORING_SETUP_HYBRID_IOPOLL : 0) |
    (sqe128 === true ? IORING_SETUP_SQE128 : 0) |
    (sqe128 === 'mixed' ? IORING_SETUP_SQE_MIXED : 0) |
    (cqe32 === true ? IORING_SETUP_CQE32 : 0) |
    (cqe32 === 'mixed' ? IORING_SETUP_CQE_MIXED : 0) |
    (options.disabled ? IORING_SETUP_R_DISABLED : 0) |
    (options.deferTaskrun
      ? IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_TASKRUN_FLAG
      : 0) |
    (noMmap ? IORING_SETUP_NO_MMAP : 0) |
    (options.registeredFdOnly ? IORING_SETUP_REGISTERED_FD_ONLY : 0) |
    (cqEntries === undefined ? 0 : IORING_SETUP_CQSIZE) |
    (attachTo === undefined ? 0 : IORING_SETUP_ATTACH_WQ) |
    (thread.flags ?? 0);
  const cooperative =
    sqPoll || options.deferTaskrun ? 0 : IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
  const optional = [
    options.sqArray ? 0 : IORING_SETUP_NO_SQARRAY,
    IORING_SETUP_SINGLE_ISSUER,
    cooperative,
    IORING_SETUP_SUBMIT_ALL,
  ];
  const params: SetupParams = {
    ...thread,
    ...(cqEntries === undefined ? {} : { cqEntries: integer('options.cqEntries', cqEntries, 1, U32_MAX) }),
    ...(attachTo === undefined ? {} : { wqFd: integer('options.attachTo.fd', attachTo.fd, 0, 0x7fff_ffff) }),
  };
  return { required, optional: optional.filter((flags) => flags !== 0), params };
}

function choice<T extends string>(name: string, value: boolean | T | undefined, word: T): void {
  if (value === undefined || typeof value === 'boolean' || value === word) return;
  throw wrongValue(name, `true, false or '${word}'`, value);
}

function sqPollParams(sqPoll: RingOptions['sqPoll']): SetupParams {
  if (sqPoll === undefined || sqPoll === false) return {};
  if (!isMainThread) {
    throw wrongValue(
      'options.sqPoll',
      'absent in a worker: its thread would go on writing after terminate()',
      sqPoll,
    );
  }
  if (sqPoll === true) return { flags: IORING_SETUP_SQPOLL };
  checkOptions('options.sqPoll', sqPoll, ['idleMs', 'cpu']);
  const { idleMs, cpu } = sqPoll;
  return {
    flags: IORING_SETUP_SQPOLL | (cpu === undefined ? 0 : IORING_SETUP_SQ_AFF),
    sqThreadIdle: integer('options.sqPoll.idleMs', idleMs ?? 0, 0, U32_MAX),
    sqThreadCpu: integer('options.sqPoll.cpu', cpu ?? 0, 0, 65535),
  };
}

/** Calls io_uring_setup(2) with fewer and fewer of the wanted flags until the kernel takes them. */
export function setupBest(entries: number, { required, optional, params }: SetupPlan): SetupResult {
  const end = performance.now() + MEMORY_WAIT_MS;
  for (let skip = 0; ; ) {
    const flags = optional.slice(skip).reduce((all, each) => all | each, required) >>> 0;
    const result = trySetup(entries, { ...params, flags });
    if (typeof result !== 'number') return result;
    if (result === -ENOMEM && performance.now() < end) pause();
    else if (result === -EINVAL && skip < optional.length) skip++;
    else throw setupFailure(-result, { entries, flags: required, cqEntries: params.cqEntries });
  }
}

const nothing = new Int32Array(new SharedArrayBuffer(4));

/** Lets the kernel do its work for a moment. */
function pause(): void {
  Atomics.wait(nothing, 0, 0, MEMORY_PAUSE_MS);
}
