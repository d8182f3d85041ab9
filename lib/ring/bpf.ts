/** Filters: a classic BPF program decides over operations. */
import { boolean, integer, oneOf, wrongType } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import type { ValueOf } from '../../structs/layout.ts';
import { ops } from '../../structs/ops.ts';
import type { SockFilter } from '../../structs/posix.ts';
import { record } from '../register/arguments.ts';
import type { RingFd } from '../register/call.ts';
import { registerBpfFilter } from '../register/limits.ts';
import type { OpName } from '../register/support.ts';

const OP_NAMES: readonly OpName[] = ops.map(({ name }) => name);
/** BPF_RET | BPF_K */
const RETURN = 0x06;

/** One instruction: `code`, `jt` and `jf` (how far to jump), `k`. */
export type BpfInstruction = ValueOf<typeof SockFilter>;

/** Options of `registerBpfFilter`. */
export interface BpfFilterOptions {
  /** Which operations it decides over. */
  readonly op: OpName;
  /**
   * 1..4096 instructions, run over io_uring_bpf_ctx: a result of 0 refuses the operation with EACCES. `'deny'` is the
   * program that always does.
   */
  readonly filter: readonly BpfInstruction[] | 'deny';
  /** Refuses every operation that has no filter (IO_URING_BPF_FILTER_DENY_REST). */
  readonly denyRest?: boolean;
  /** The kernel must know exactly `pduSize` bytes of the operation, not more (IO_URING_BPF_FILTER_SZ_STRICT). */
  readonly strictSize?: boolean;
  /** How many bytes of the operation's own fields the program reads; 0 when absent. */
  readonly pduSize?: number;
}

/** Adds a filter to a ring, or with -1 to all rings that the calling task makes from now on. */
export function registerRingFilter(ring: RingFd, options: BpfFilterOptions): void {
  record('options', options, ['op', 'filter', 'denyRest', 'strictSize', 'pduSize']);
  const { op, filter, denyRest = false, strictSize = false, pduSize = 0 } = options;
  const opcode = oneOf('options.op', op, OP_NAMES);
  if (filter !== 'deny' && !Array.isArray(filter)) {
    throw wrongType('options.filter', "an array of instructions, or 'deny'", filter);
  }
  const flags =
    (boolean('options.denyRest', denyRest) ? constants.IO_URING_BPF_FILTER_DENY_REST : 0) |
    (boolean('options.strictSize', strictSize) ? constants.IO_URING_BPF_FILTER_SZ_STRICT : 0);
  integer('options.pduSize', pduSize, 0, 0xff);
  registerBpfFilter(ring, {
    opcode,
    flags,
    filter: filter === 'deny' ? [{ code: RETURN }] : filter,
    pduSize,
  });
}
