/** What a ring may do, and with how many workers: opcodes 11, 12, 17, 18, 19, 37. */

import { integer, oneOf, U32_MAX, wrongValue } from '../../structs/check.ts';
import { Bpf, Restriction, TaskRestriction } from '../../structs/control.ts';
import { constants } from '../../structs/flags.ts';
import type { ValueOf } from '../../structs/layout.ts';
import { type NamedValue, ops } from '../../structs/ops.ts';
import { SockFilter } from '../../structs/posix.ts';
import { type RegisterOpName, registerOps } from '../../structs/register-ops.ts';
import { copyOfBytes, isUint8Array, lengthOf } from '../../structs/views.ts';
import { count, record, u32 } from './arguments.ts';
import { arrayArgument, call, checkRing, type RingFd, StructArgument, structsArgument } from './call.ts';
import type { OpName } from './support.ts';

const MAX_RULES = registerOps[11].nrArgs.max;
/** The most that Linux can be built for. */
const MAX_CPUS = 8192;
/** BPF_MAXINSNS */
const MAX_INSTRUCTIONS = 4096;

const filterArgument = new StructArgument(Bpf);

/** One thing that a restricted ring may do, or flags that it must set. */
export type RestrictionRule =
  | { readonly opcode: 'RESTRICTION_REGISTER_OP'; readonly registerOp: RegisterOpName | number }
  | { readonly opcode: 'RESTRICTION_SQE_OP'; readonly sqeOp: OpName | number }
  | {
      readonly opcode: 'RESTRICTION_SQE_FLAGS_ALLOWED' | 'RESTRICTION_SQE_FLAGS_REQUIRED';
      /** IOSQE_*, or'ed. */
      readonly sqeFlags: number;
    };

/** How many worker threads; 0, or absent, leaves a limit as it is. */
export interface WorkerLimits {
  /** For work that ends soon: files on disks. */
  readonly bounded?: number | undefined;
  /** For work that may last for ever: pipes, sockets. */
  readonly unbounded?: number | undefined;
}

/** A classic BPF program for one SQE operation. */
export interface BpfProgram {
  readonly opcode: OpName | number;
  /** IO_URING_BPF_FILTER_* */
  readonly flags?: number | undefined;
  /** 1..4096 instructions, or their bytes; it runs over io_uring_bpf_ctx, and 0 refuses the operation (EACCES). */
  readonly filter: readonly ValueOf<typeof SockFilter>[] | Uint8Array;
  /** Bytes of io_uring_bpf_ctx beyond its head that the program reads. */
  readonly pduSize?: number | undefined;
}

const RULE_KINDS = [
  'RESTRICTION_REGISTER_OP',
  'RESTRICTION_SQE_OP',
  'RESTRICTION_SQE_FLAGS_ALLOWED',
  'RESTRICTION_SQE_FLAGS_REQUIRED',
] as const;

/** The number of an opcode that is given by its name, or by itself. */
function opcodeOf(name: string, value: string | number, table: readonly NamedValue[], max: number): number {
  if (typeof value === 'number') return integer(name, value, 0, max);
  const row = table.find((each) => each.name === value);
  if (row === undefined) throw wrongValue(name, `a number, or a name such as '${table[0]?.name}'`, value);
  return row.value;
}

function readRule(name: string, rule: RestrictionRule | undefined): ValueOf<typeof Restriction> {
  record(name, rule, ['opcode', 'registerOp', 'sqeOp', 'sqeFlags']);
  const opcode = constants[`IORING_${oneOf(`${name}.opcode`, rule.opcode, RULE_KINDS)}`];
  switch (rule.opcode) {
    case 'RESTRICTION_REGISTER_OP':
      record(name, rule, ['opcode', 'registerOp']);
      return { opcode, registerOp: opcodeOf(`${name}.registerOp`, rule.registerOp, registerOps, 0xff) };
    case 'RESTRICTION_SQE_OP':
      record(name, rule, ['opcode', 'sqeOp']);
      return { opcode, sqeOp: opcodeOf(`${name}.sqeOp`, rule.sqeOp, ops, 0xff) };
    default:
      record(name, rule, ['opcode', 'sqeFlags']);
      return { opcode, sqeFlags: integer(`${name}.sqeFlags`, rule.sqeFlags, 0, 0xff) };
  }
}

/**
 * Limits a ring for good to the operations, flags and register opcodes listed (IORING_REGISTER_RESTRICTIONS). Whatever
 * is not listed is refused with EACCES once the ring is enabled, also `unregister...` and cancellation; an empty list
 * refuses all. A flag that is required is allowed too.
 * @param fd a ring made with SETUP_R_DISABLED; or -1 (7.0): the rules then hold for every ring that the calling thread
 *   makes from now on, and for its children
 * @param rules at most 107
 * @throws RegisterError EBADFD (the ring is not disabled), EBUSY (it has restrictions), EINVAL (an opcode that this kernel
 *   lacks); with fd -1 EPERM (the thread has restrictions; EACCES since 7.3), EACCES (neither CAP_SYS_ADMIN nor no_new_privs)
 * @since 5.10
 * @see io_uring_register_restrictions(3)
 */
export function registerRestrictions(fd: RingFd, rules: readonly RestrictionRule[]): void {
  const ring = checkRing(fd);
  const length = count('rules', rules, 0, MAX_RULES);
  const taken = Array.from({ length }, (_, i) => readRule(`rules[${i}]`, rules[i]));
  if (ring.fd === -1) {
    const whole = arrayArgument(1, TaskRestriction.size + length * Restriction.size);
    TaskRestriction.encodeInto(whole.bytes, { nrRes: length, restrictions: taken });
    call(ring, registerOps[11], whole, 1);
    return;
  }
  call(ring, registerOps[11], structsArgument(Restriction, taken), length);
}

/**
 * Starts a ring that was made with SETUP_R_DISABLED (IORING_REGISTER_ENABLE_RINGS). With SETUP_SINGLE_ISSUER the calling
 * thread becomes its owner: every other thread, its maker too, gets EEXIST.
 * @throws RegisterError EBADFD (the ring is enabled), or EACCES instead when it is restricted
 * @since 5.10
 * @see io_uring_enable_rings(3)
 */
export function registerEnableRings(fd: RingFd): void {
  call(checkRing(fd), registerOps[12], null, 0);
}

/**
 * Binds workers that the calling thread starts from now on to CPUs; running ones stay where they are
 * (IORING_REGISTER_IOWQ_AFF). The setting belongs to the thread, for all of its rings, or to an SQPOLL ring's thread.
 * @param cpus numbers of CPUs, at least one; those that the host lacks are ignored
 * @throws RegisterError EINVAL (a CPU outside the thread's cpuset, or the thread has used no ring yet)
 * @since 5.14
 * @see io_uring_register_iowq_aff(3)
 */
export function registerIowqAff(fd: RingFd, cpus: readonly number[]): void {
  const ring = checkRing(fd);
  const length = count('cpus', cpus, 1, MAX_CPUS);
  const taken = Array.from({ length }, (_, i) => integer(`cpus[${i}]`, cpus[i], 0, MAX_CPUS - 1));
  // whole words, as the kernel keeps its masks
  const size = Math.ceil((Math.max(...taken) + 1) / 64) * 8;
  const argument = arrayArgument(size, 1);
  const { bytes } = argument;
  bytes.fill(0);
  for (const cpu of taken) bytes[cpu >>> 3] = (bytes[cpu >>> 3] ?? 0) | (1 << (cpu & 7));
  call(ring, registerOps[17], argument, size);
}

/**
 * Lets workers that are started from now on run on every CPU again (IORING_UNREGISTER_IOWQ_AFF). Harmless when repeated.
 * @throws RegisterError EINVAL (the thread has used no ring yet)
 * @since 5.14
 * @see io_uring_unregister_iowq_aff(3)
 */
export function unregisterIowqAff(fd: RingFd): void {
  call(checkRing(fd), registerOps[18], null, 0);
}

/**
 * Limits worker threads (IORING_REGISTER_IOWQ_MAX_WORKERS). The limits belong to the calling thread, for all of its
 * rings; the kernel cuts them to RLIMIT_NPROC. A ring remembers what was set through it, and each later call through it,
 * also one that only asks, sets all of that again, over what other rings have set since.
 * @param limits `bounded` and `unbounded`; 0, or absent, leaves one as it is
 * @returns the limits as they were before
 * @throws RegisterError EINVAL (above 2^31-1)
 * @since 5.15
 * @see io_uring_register_iowq_max_workers(3)
 */
export function registerIowqMaxWorkers(
  fd: RingFd,
  limits: WorkerLimits = {},
): { bounded: number; unbounded: number } {
  const ring = checkRing(fd);
  record('limits', limits, ['bounded', 'unbounded']);
  const { bounded, unbounded } = limits;
  const first = u32('limits.bounded', bounded);
  const second = u32('limits.unbounded', unbounded);
  const argument = arrayArgument(2, 4);
  const { view } = argument;
  view.setUint32(0, first, true);
  view.setUint32(4, second, true);
  call(ring, registerOps[19], argument, 2);
  return { bounded: view.getUint32(0, true), unbounded: view.getUint32(4, true) };
}

function readFilter(filter: BpfProgram['filter']): Uint8Array {
  if (!isUint8Array(filter)) {
    const length = count('program.filter', filter, 1, MAX_INSTRUCTIONS);
    const bytes = new Uint8Array(length * SockFilter.size);
    for (let i = 0; i < length; i++) {
      const each: ValueOf<typeof SockFilter> | undefined = filter[i];
      record(`program.filter[${i}]`, each, ['code', 'jt', 'jf', 'k']);
      SockFilter.encodeInto(bytes, each, i * SockFilter.size);
    }
    return bytes;
  }
  const byteLength = lengthOf(filter);
  if (
    byteLength === 0 ||
    byteLength % SockFilter.size !== 0 ||
    byteLength > MAX_INSTRUCTIONS * SockFilter.size
  ) {
    throw wrongValue('program.filter', `1 to ${MAX_INSTRUCTIONS} instructions of 8 bytes`, filter);
  }
  return copyOfBytes(filter);
}

/**
 * Filters operations by a classic BPF program, which sees io_uring_bpf_ctx (IORING_REGISTER_BPF_FILTER). Filters add up
 * and can't be removed.
 * @param fd the ring; or -1: for every ring that the calling thread makes from now on, and for its children
 * @param program `filter` for operations `opcode`
 * @throws RegisterError EINVAL (a program or flag that the kernel refuses), EMSGSIZE (`pduSize` is not what the kernel
 *   has for the operation); with fd -1 EACCES (neither CAP_SYS_ADMIN nor no_new_privs)
 * @since 7.0
 * @see io_uring_register_bpf_filter(3)
 */
export function registerBpfFilter(fd: RingFd, program: BpfProgram): void {
  const ring = checkRing(fd);
  record('program', program, ['opcode', 'flags', 'filter', 'pduSize']);
  const { opcode, flags, filter, pduSize = 0 } = program;
  const head = {
    opcode: opcodeOf('program.opcode', opcode, ops, U32_MAX),
    flags: u32('program.flags', flags),
    pduSize: integer('program.pduSize', pduSize, 0, 0xff),
  };
  const bytes = readFilter(filter);
  const instructions = arrayArgument(bytes.byteLength, 1);
  instructions.bytes.set(bytes);
  const filterLen = bytes.byteLength / SockFilter.size;
  const value = { ...head, filterLen, filterPtr: instructions.address };
  call(
    ring,
    registerOps[37],
    filterArgument.set({ cmdType: constants.IO_URING_BPF_CMD_FILTER, filter: value }),
    1,
  );
}
