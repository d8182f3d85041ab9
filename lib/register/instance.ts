/** The ring itself, and what the kernel can do: opcodes 8, 29, 33, 34, 35. */
import { boolean, integer, oneOf, U32_MAX } from '../../structs/check.ts';
import { ClockRegister, QueryHdr, QueryOpcode, QueryScq, QueryZcrx } from '../../structs/control.ts';
import { constants } from '../../structs/flags.ts';
import { MemRegionReg, RegionDesc } from '../../structs/memory.ts';
import { registerOps } from '../../structs/register-ops.ts';
import { Probe, ProbeOp } from '../../structs/rsrc.ts';
import { Params } from '../../structs/setup.ts';
import { Pinned } from '../sys/memory.ts';
import { type AddressSource, readAddress, record, u32 } from './arguments.ts';
import { arrayArgument, call, checkRing, type RingFd, StructArgument } from './call.ts';
import { registerError } from './explain.ts';

const {
  IORING_MEM_REGION_REG_WAIT_ARG,
  IORING_MEM_REGION_TYPE_USER,
  IORING_SETUP_CLAMP,
  IORING_SETUP_CQSIZE,
} = constants;

const PROBE_OPS = registerOps[8].nrArgs.max;
const EOPNOTSUPP = 95;

const clockArgument = new StructArgument(ClockRegister);
const paramsArgument = new StructArgument(Params);
const regionArgument = new StructArgument(MemRegionReg);
const queryArgument = new StructArgument(QueryHdr);

/** An SQE operation that the kernel was asked for. */
export interface ProbedOp {
  readonly op: number;
  readonly supported: boolean;
}

/** Which SQE operations a kernel knows. */
export interface ProbeResult {
  /** The number of the last one. */
  readonly lastOp: number;
  /** Decoded when it is looked at. */
  readonly ops: readonly ProbedOp[];
}

/** Makes the objects of `ops` when they are asked for: making them takes longer than the call. */
class LazyProbeResult implements ProbeResult {
  readonly lastOp: number;
  /** For each operation its number times two, plus 1 if it is supported. */
  readonly #found: readonly number[];
  #ops: readonly ProbedOp[] | undefined;

  constructor(lastOp: number, found: readonly number[]) {
    this.lastOp = lastOp;
    this.#found = found;
  }

  get ops(): readonly ProbedOp[] {
    this.#ops ??= this.#found.map((each) => ({ op: each >> 1, supported: (each & 1) !== 0 }));
    return this.#ops;
  }
}

/** New sizes of the queues. */
export interface RingSizes {
  readonly sqEntries: number;
  /** Absent: twice `sqEntries`. */
  readonly cqEntries?: number | undefined;
  /** Cut what is too large, instead of EINVAL (IORING_SETUP_CLAMP). */
  readonly clamp?: boolean | undefined;
}

/** Memory that the kernel and the program share. */
export interface MemRegion {
  /** Page-aligned memory of yours; absent: the kernel allocates. */
  readonly userAddr?: AddressSource | undefined;
  /** Its bytes, whole pages. */
  readonly size: number;
  /** IORING_MEM_REGION_TYPE_USER goes with `userAddr` by itself; give `flags` to say otherwise. */
  readonly flags?: number | undefined;
  /** For waits with IORING_ENTER_EXT_ARG_REG (IORING_MEM_REGION_REG_WAIT_ARG); only while the ring is disabled. */
  readonly regWaitArg?: boolean | undefined;
}

const QUERIES = { QUERY_OPCODES: QueryOpcode, QUERY_ZCRX: QueryZcrx, QUERY_SCQ: QueryScq };

/** `'QUERY_OPCODES'`, `'QUERY_ZCRX'`, `'QUERY_SCQ'` */
export type QueryName = keyof typeof QUERIES;

const QUERY_NAMES = ['QUERY_OPCODES', 'QUERY_ZCRX', 'QUERY_SCQ'] as const satisfies readonly QueryName[];

/** The answer to each question. */
export interface QueryResults {
  readonly QUERY_OPCODES: ReturnType<typeof QueryOpcode.decode>;
  readonly QUERY_ZCRX: ReturnType<typeof QueryZcrx.decode>;
  readonly QUERY_SCQ: ReturnType<typeof QueryScq.decode>;
}

/**
 * Tells which SQE operations this kernel knows (IORING_REGISTER_PROBE).
 * @returns `ops` in the order of their numbers
 * @since 5.6
 * @see io_uring_register_probe(3)
 */
export function registerProbe(fd: RingFd): ProbeResult {
  const ring = checkRing(fd);
  const argument = arrayArgument(1, Probe.size + PROBE_OPS * ProbeOp.size);
  const { bytes } = argument;
  // the kernel refuses what is not all zero
  bytes.fill(0);
  call(ring, registerOps[8], argument, PROBE_OPS);
  const opsLen = bytes[Probe.at.opsLen] ?? 0;
  const found: number[] = [];
  const { size, at } = ProbeOp;
  const { IO_URING_OP_SUPPORTED } = constants;
  const end = Probe.at.ops + opsLen * size;
  for (let entry = Probe.at.ops; entry < end; entry += size) {
    const flags = bytes[entry + at.flags] ?? 0;
    found.push(((bytes[entry + at.op] ?? 0) << 1) | (flags & IO_URING_OP_SUPPORTED));
  }
  return new LazyProbeResult(bytes[Probe.at.lastOp] ?? 0, found);
}

/**
 * Sets the clock of the ring's waits, for absolute timeouts (IORING_REGISTER_CLOCK). `nr_args` is 0; the man page's 1 is
 * refused.
 * @param clockid 1 (CLOCK_MONOTONIC, as it was) or 7 (CLOCK_BOOTTIME)
 * @throws RegisterError EINVAL (another clock)
 * @since 6.12
 * @see io_uring_register_clock(3)
 */
export function registerClock(fd: RingFd, clockid: number): void {
  const ring = checkRing(fd);
  const argument = clockArgument.set({ clockid: integer('clockid', clockid, 0, U32_MAX) });
  call(ring, registerOps[29], argument, 0);
}

/**
 * Resizes the queues; completions that are pending are kept (IORING_REGISTER_RESIZE_RINGS).
 *
 * Safety: mappings made before are stale: map the queues again by the result, and go on from the heads and tails in
 * them. Without SETUP_NO_SQARRAY the kernel leaves `sqOff.array` 0: the array is not there, but behind the completions.
 * @param sizes the kernel rounds up to powers of two
 * @returns io_uring_params as the kernel filled it in; `features` is 0
 * @throws RegisterError EINVAL (the ring lacks SETUP_DEFER_TASKRUN; too large without `clamp`), EOVERFLOW (what is
 *   pending does not fit), ENOMEM
 * @since 6.13
 * @see io_uring_resize_rings(3)
 */
export function registerResizeRings(fd: RingFd, sizes: RingSizes): ReturnType<typeof Params.decode> {
  const ring = checkRing(fd);
  record('sizes', sizes, ['sqEntries', 'cqEntries', 'clamp']);
  const { sqEntries, cqEntries, clamp = false } = sizes;
  const clamping = boolean('sizes.clamp', clamp) ? IORING_SETUP_CLAMP : 0;
  const argument = paramsArgument.set({
    sqEntries: integer('sizes.sqEntries', sqEntries, 1, U32_MAX),
    cqEntries: u32('sizes.cqEntries', cqEntries),
    flags: clamping | (cqEntries === undefined ? 0 : IORING_SETUP_CQSIZE),
  });
  call(ring, registerOps[33], argument, 1);
  return argument.get();
}

/**
 * Shares a region of memory with the kernel, once for a ring's life (IORING_REGISTER_MEM_REGION).
 *
 * Safety: memory of yours must stay until the ring is gone.
 * @returns `mmapOffset`, for mmap(2) of the ring's fd where the kernel allocated; otherwise 0
 * @throws RegisterError EBUSY (the ring has a region), EINVAL (not whole pages; unknown `flags`; `regWaitArg` on a ring
 *   that is enabled), EFAULT (not mapped; `flags` and `userAddr` disagree), ENOMEM, E2BIG
 * @since 6.13
 * @see io_uring_register_region(3)
 */
export function registerMemRegion(fd: RingFd, region: MemRegion): { mmapOffset: number } {
  const ring = checkRing(fd);
  record('region', region, ['userAddr', 'size', 'flags', 'regWaitArg']);
  const { userAddr, size, flags, regWaitArg = false } = region;
  const waits = boolean('region.regWaitArg', regWaitArg) ? IORING_MEM_REGION_REG_WAIT_ARG : 0;
  const bytes = integer('region.size', size, 0, Number.MAX_SAFE_INTEGER);
  // new memory: the kernel writes into it, and a listener of the trace may make another call before it is read
  const description = new StructArgument(RegionDesc).set({
    userAddr: userAddr === undefined ? 0 : readAddress('region.userAddr', userAddr, bytes),
    size: bytes,
    flags: u32('region.flags', flags, userAddr === undefined ? 0 : IORING_MEM_REGION_TYPE_USER),
  });
  const argument = regionArgument.set({ regionUptr: description.address, flags: waits });
  call(ring, registerOps[34], argument, 1, description);
  return { mmapOffset: Number(description.get().mmapOffset) };
}

/**
 * Asks what the kernel has (IORING_REGISTER_QUERY): QUERY_OPCODES how many opcodes and which flags, QUERY_ZCRX and
 * QUERY_SCQ (both later) about zero-copy receive and the queues. One question for each call; `register` can chain them.
 * @param fd -1, or any ring
 * @returns the answer; undefined where the kernel doesn't know the question
 * @throws RegisterError EOPNOTSUPP (`fd` is open, and no ring)
 * @since 6.18
 * @see io_uring_register(2)
 */
export function registerQuery<Q extends QueryName>(fd: RingFd, queryOp: Q): QueryResults[Q] | undefined;
export function registerQuery(fd: RingFd, queryOp: QueryName): QueryResults[QueryName] | undefined {
  const ring = checkRing(fd);
  const name = oneOf('queryOp', queryOp, QUERY_NAMES);
  const answer = QUERIES[name];
  // new memory: a listener of the trace may make another call before it is read
  const data = new Pinned(answer.size);
  const question = { queryOp: constants[`IO_URING_${name}`], queryData: data.address, size: answer.size };
  call(ring, registerOps[35], queryArgument.set(question), 0);
  const { result } = queryArgument.get();
  if (result === -EOPNOTSUPP) return undefined;
  // the call succeeds although the question failed
  if (result < 0)
    throw registerError({ opcode: constants.IORING_REGISTER_QUERY, errno: -result, fd: ring.fd, nrArgs: 0 });
  return answer.decode(data.bytes);
}
