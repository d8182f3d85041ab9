/**
 * How to ask a kernel what it has. Each question is harmless: it changes nothing, and what it makes is gone when it
 * returns. `support.ts` puts the answers together; none is deduced from the kernel's version.
 */
import { QueryHdr, QueryOpcode } from '../../structs/control.ts';
import { constants } from '../../structs/flags.ts';
import type { setupFlags } from '../../structs/ops.ts';
import { Probe, ProbeOp } from '../../structs/rsrc.ts';
import { Params } from '../../structs/setup.ts';
import { possibleCpus } from '../sys/host.ts';
import { Pinned } from '../sys/memory.ts';
import { sys } from '../sys/syscall.ts';

const EPERM = 1;
const EBADF = 9;
const EACCES = 13;
const EFAULT = 14;
const EINVAL = 22;
const ENOSYS = 38;
/** An fd that is never open: above every RLIMIT_NOFILE. */
const NO_FD = 0x7fff_fff0;
/** An opcode that no kernel has. */
const NO_OPCODE = 0x7fff_ff00;

/** Does the errno say that io_uring is forbidden or absent as a whole (sysctl, seccomp, LSM, no io_uring)? */
export function isRefusal(errno: number): boolean {
  return errno === EPERM || errno === EACCES || errno === ENOSYS;
}

// ---- REGISTER_QUERY: the kernel's own account ----------------------------------------------------------------------

/** How many opcodes the kernel has, and which features and flags. */
export type QueryAnswer = ReturnType<typeof QueryOpcode.decode>;

/** Asks by REGISTER_QUERY, which needs no ring (6.18); undefined where the kernel or the system has no answer. */
export function askQuery(): QueryAnswer | undefined {
  const { bytes, address } = new Pinned(QueryHdr.size + QueryOpcode.size);
  QueryHdr.encodeInto(bytes, {
    queryOp: constants.IO_URING_QUERY_OPCODES,
    queryData: address + QueryHdr.size,
    size: QueryOpcode.size,
  });
  if (sys.register(-1, constants.IORING_REGISTER_QUERY, address, 0) < 0) return undefined;
  // the call succeeds also where the question was not understood: the header knows
  if (QueryHdr.decode(bytes).result !== 0) return undefined;
  const answer = QueryOpcode.decode(bytes, QueryHdr.size);
  // a kernel that answers has the opcode that it was asked with
  return answer.nrRegisterOpcodes > constants.IORING_REGISTER_QUERY ? answer : undefined;
}

// ---- register opcodes: is the number in range? -----------------------------------------------------------------------

function withoutRing(opcode: number): number {
  return -sys.register(NO_FD, opcode, 0, 0);
}

/**
 * Asks whether the kernel has a register opcode, by a call on an fd that is not open: the kernel looks at the opcode
 * first. That the number is known does not say that the kernel was built with it (NAPI, ZCRX, BPF_FILTER).
 * @returns undefined where the method can't be used: an opcode that no kernel has must be EINVAL, and one that every
 *   kernel has must be EBADF
 */
export function askRange(opcode: number): boolean | undefined {
  if (withoutRing(NO_OPCODE) !== EINVAL) return undefined;
  if (withoutRing(constants.IORING_REGISTER_BUFFERS) !== EBADF) return undefined;
  const errno = withoutRing(opcode);
  if (errno === EBADF) return true;
  return errno === EINVAL ? false : undefined;
}

// ---- a scratch ring: features, and the operations ---------------------------------------------------------------------

/** What a ring of this kernel tells. */
export interface RingAnswer {
  /** IORING_FEAT_* */
  readonly features: number;
  /** The SQE operations that the kernel was built with; undefined before REGISTER_PROBE (5.6). */
  readonly ops: ReadonlySet<number> | undefined;
}

/** Asks a ring for the SQE operations that the kernel was built with; the positive errno where it doesn't tell. */
export function askProbe(fd: number): ReadonlySet<number> | number {
  const most = 256;
  // zeroed, as the kernel demands
  const { bytes, address } = new Pinned(Probe.size + most * ProbeOp.size);
  const result = sys.register(fd, constants.IORING_REGISTER_PROBE, address, most);
  if (result < 0) return -result;
  const found = Probe.decode(bytes).ops.filter(
    ({ flags }) => (flags & constants.IO_URING_OP_SUPPORTED) !== 0,
  );
  return new Set(found.map(({ op }) => op));
}

const ENOMEM = 12;

/**
 * How many entries a ring has that is made to find something out: a thread's first ring fixes how many workers do bounded
 * work, its entries, or four for each cpu if that is fewer. So many do not lower what the next ring would get.
 */
export function scratchEntries(): number {
  return Math.min(4096, 2 ** Math.ceil(Math.log2(4 * possibleCpus())));
}

/** Asks a ring that is closed at once; the positive errno where none can be made. */
export function askRing(): RingAnswer | number {
  const params = Params.encode({});
  const large = sys.setup(scratchEntries(), params);
  // with too little locked memory for that one, two entries do
  const fd = large === -ENOMEM ? sys.setup(2, params) : large;
  if (fd < 0) return -fd;
  try {
    const asked = askProbe(fd);
    return { features: Params.decode(params).features, ops: typeof asked === 'number' ? undefined : asked };
  } finally {
    sys.close(fd);
  }
}

// ---- setup flags: is the bit accepted? --------------------------------------------------------------------------------

type SetupRow = (typeof setupFlags)[number];
/** `'SETUP_SQPOLL'` and the others. */
export type SetupFlagName = (typeof setupFlags)[number]['name'];

/** Flags that the kernel refuses alone, with those of which each needs one. */
export const SETUP_NEEDS: { readonly [K in SetupFlagName]?: readonly SetupFlagName[] } = {
  SETUP_SQ_AFF: ['SETUP_SQPOLL'],
  SETUP_TASKRUN_FLAG: ['SETUP_COOP_TASKRUN', 'SETUP_DEFER_TASKRUN'],
  SETUP_DEFER_TASKRUN: ['SETUP_SINGLE_ISSUER'],
  SETUP_REGISTERED_FD_ONLY: ['SETUP_NO_MMAP'],
  SETUP_HYBRID_IOPOLL: ['SETUP_IOPOLL'],
  SETUP_SQ_REWIND: ['SETUP_NO_SQARRAY'],
};

/** The bit of a flag, and one that it needs. */
function withNeeds({ name, value }: SetupRow): number {
  const [first = name] = SETUP_NEEDS[name] ?? [];
  return value | constants[`IORING_${first}`];
}

/** A CPU that the thread may run on, for SQ_AFF. */
function firstCpu(): number {
  const mask = new Uint8Array(1024);
  if (sys.schedGetaffinity(mask) < 0) return 0;
  const byte = mask.findIndex((each) => each !== 0);
  const bits = mask[byte];
  return bits === undefined ? 0 : byte * 8 + 31 - Math.clz32(bits & -bits);
}

/** Tries to make a tiny ring with `flags` and closes it; 0, or the positive errno. */
function trySetup(flags: number): number {
  const params = Params.encode({ flags, cqEntries: 4, sqThreadCpu: firstCpu(), wqFd: NO_FD });
  const fd = sys.setup(2, params);
  if (fd < 0) return -fd;
  sys.close(fd);
  return 0;
}

/** How setup flags are tried. */
export type SetupTrial =
  /** On rings that are made and closed. */
  | 'ring'
  /** With SETUP_NO_MMAP and no memory (6.5): a known flag ends in EFAULT, before anything is made or charged. */
  | 'dry';

/** Which trial this kernel allows; undefined where io_uring is refused as a whole. */
export function setupTrial(): SetupTrial | undefined {
  const errno = trySetup(constants.IORING_SETUP_NO_MMAP);
  if (isRefusal(errno)) return undefined;
  return errno === EFAULT ? 'dry' : 'ring';
}

/**
 * Asks whether the kernel has a setup flag, by trying it with the bit that it needs: unknown bits are EINVAL before
 * anything else is looked at, so that any other outcome (also EPERM of SQPOLL, ENXIO of ATTACH_WQ) means that it is known.
 */
export function askSetup(row: SetupRow, trial: SetupTrial): boolean {
  const extra = trial === 'dry' ? constants.IORING_SETUP_NO_MMAP : 0;
  return trySetup(withNeeds(row) | extra) !== EINVAL;
}
