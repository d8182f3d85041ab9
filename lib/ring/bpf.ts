/** Filters: a classic BPF program decides over operations. */
import { boolean, integer, oneOf, U16_MAX, U32_MAX, wrongType } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import type { ValueOf } from '../../structs/layout.ts';
import type { SockFilter } from '../../structs/posix.ts';
import { count, record } from '../register/arguments.ts';
import type { RingFd } from '../register/call.ts';
import { registerBpfFilter } from '../register/limits.ts';
import { OP_NAMES, type OpName } from '../register/support.ts';

/** BPF_RET | BPF_K with 0: the operation is refused. */
const DENY = [{ code: 0x06, k: 0 }];
/** BPF_MAXINSNS */
const MAX_INSTRUCTIONS = 4096;

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
  readonly denyRest?: boolean | undefined;
  /** The kernel must know exactly `pduSize` bytes of the operation, not more (IO_URING_BPF_FILTER_SZ_STRICT). */
  readonly strictSize?: boolean | undefined;
  /** How many bytes of the operation's own fields the program reads; 0 when absent. */
  readonly pduSize?: number | undefined;
}

function readInstruction(name: string, given: BpfInstruction): BpfInstruction {
  record(name, given, ['code', 'jt', 'jf', 'k']);
  const { code = 0, jt = 0, jf = 0, k = 0 } = given;
  return {
    code: integer(`${name}.code`, code, 0, U16_MAX),
    jt: integer(`${name}.jt`, jt, 0, 0xff),
    jf: integer(`${name}.jf`, jf, 0, 0xff),
    k: integer(`${name}.k`, k, 0, U32_MAX),
  };
}

function readProgram(filter: BpfFilterOptions['filter']): readonly BpfInstruction[] {
  if (filter === 'deny') return DENY;
  if (!Array.isArray(filter))
    throw wrongType('options.filter', "an array of instructions, or 'deny'", filter);
  const length = count('options.filter', filter, 1, MAX_INSTRUCTIONS);
  return Array.from({ length }, (_, i) => readInstruction(`options.filter[${i}]`, filter[i]));
}

/**
 * Adds a filter to a ring, or with the handle -1 to all rings that the calling task makes from now on. The handle is asked
 * for last: a getter in the options may close the ring.
 */
export function registerRingFilter(ring: { readonly handle: RingFd }, options: BpfFilterOptions): void {
  record('options', options, ['op', 'filter', 'denyRest', 'strictSize', 'pduSize']);
  const { op, filter, denyRest = false, strictSize = false, pduSize = 0 } = options;
  const opcode = oneOf('options.op', op, OP_NAMES);
  const program = readProgram(filter);
  const flags =
    (boolean('options.denyRest', denyRest) ? constants.IO_URING_BPF_FILTER_DENY_REST : 0) |
    (boolean('options.strictSize', strictSize) ? constants.IO_URING_BPF_FILTER_SZ_STRICT : 0);
  integer('options.pduSize', pduSize, 0, 0xff);
  registerBpfFilter(ring.handle, {
    opcode,
    flags,
    filter: program,
    pduSize,
  });
}
