/** Why an operation failed: a thing that this kernel lacks, something that is forbidden, or a mistake with its remedy. */
import { decodeAddress } from '../../structs/address.ts';
import { errnoName } from '../../structs/errno.ts';
import { constants } from '../../structs/flags.ts';
import { isCommand, type OpFlag, opFlags, ops } from '../../structs/ops.ts';
import { Statx } from '../../structs/posix.ts';
import { Sqe } from '../../structs/sqe.ts';
import { lengthOf } from '../../structs/views.ts';
import { OpError, type OpErrorDetails, UnsupportedError } from '../errors.ts';
import { probe } from '../register/support.ts';
import type { RingCore } from '../ring/core/core.ts';
import { isOlderThan, kernelRelease, O_DIRECT } from '../sys/host.ts';
import type { OperationInfo } from './operation.ts';
import { kept } from './pin.ts';
import { AddressBytes, PathText, Vector } from './read.ts';
import { isMissing, statOf } from './trial.ts';

const { IOSQE_FIXED_FILE } = constants;
const EACCES = 13;
const EINVAL = 22;
const EOPNOTSUPP = 95;
/** IOSQE_* by the names that a sandbox calls them. */
const SQE_FLAGS = [
  ['FIXED_FILE', constants.IOSQE_FIXED_FILE],
  ['IO_DRAIN', constants.IOSQE_IO_DRAIN],
  ['IO_LINK', constants.IOSQE_IO_LINK],
  ['IO_HARDLINK', constants.IOSQE_IO_HARDLINK],
  ['ASYNC', constants.IOSQE_ASYNC],
  ['BUFFER_SELECT', constants.IOSQE_BUFFER_SELECT],
  ['CQE_SKIP_SUCCESS', constants.IOSQE_CQE_SKIP_SUCCESS],
] as const;

/** What is known of a failed operation. */
export interface OperationFailure {
  readonly core: RingCore;
  readonly info: OperationInfo;
  /** Positive. */
  readonly errno: number;
  /** What the operation held. */
  readonly held: unknown;
  /** A copy of its entry, where no later one has its place. */
  readonly entry: Uint8Array | undefined;
  /** What to say instead of what is found out here. */
  readonly hint?: string | undefined;
}

/** The error of a failed operation. */
export function operationError(failure: OperationFailure): OpError | UnsupportedError {
  const { errno } = failure;
  const op = opOf(failure);
  const row = ops.find(({ name }) => name === op);
  const details = { ...subjectOf(failure.held), since: row?.since };
  const missing = errno === EINVAL || errno === EOPNOTSUPP ? missingPart(failure) : undefined;
  if (missing !== undefined) {
    const cause = new OpError(op, errno, details);
    return new UnsupportedError(missing.name, { since: missing.since, kernel: kernelRelease, cause });
  }
  return new OpError(op, errno, { ...details, hint: failure.hint ?? hintOf(failure) });
}

// ---- what it was about ------------------------------------------------------------------------------------

const decoder = new TextDecoder();

/** The paths and the address among what was held. */
function subjectOf(held: unknown): OpErrorDetails {
  const things = listOf(held);
  const [path, dest] = things.filter(PathText.is).map(textOf);
  const sockaddr = things.find(AddressBytes.is);
  return { path, dest, ...(sockaddr !== undefined && addressOf(sockaddr)) };
}

function listOf(held: unknown): unknown[] {
  return Array.isArray(held) ? held.flatMap(listOf) : [held];
}

function textOf({ bytes }: PathText): string | undefined {
  const text = decoder.decode(bytes.subarray(0, -1));
  return text === '' ? undefined : text;
}

function addressOf({ bytes }: AddressBytes): OpErrorDetails {
  const address = decodeAddress(bytes);
  if (address.family === 'unix') return { address: address.path };
  return address.family === 'other' ? {} : { address: address.address, port: address.port };
}

/** How many bytes an operation was to move, as far as what it held tells. */
export function askedFor(held: unknown): number | undefined {
  if (ArrayBuffer.isView(held)) return lengthOf(held);
  if (Vector.is(held)) return held.pieces.reduce((sum, piece) => sum + (askedFor(kept(piece)) ?? 0), 0);
  return undefined;
}

// ---- what this kernel lacks -------------------------------------------------------------------------------

interface Part {
  readonly name: string;
  readonly since: string;
}

/** The operation, flag or command that the kernel says it lacks. */
function missingPart(failure: OperationFailure): Part | undefined {
  const { errno } = failure;
  const name = opOf(failure);
  const answer = probe().ops[name];
  if (answer.supported === false) return { name, since: answer.since };
  return flagsOf(failure).find((flag) => isMissing(flag, errno));
}

type OpName = OperationInfo['op'];
const flags: readonly OpFlag[] = opFlags;
const SOCKET_OPS: readonly OpName[] = ['OP_SEND', 'OP_SENDMSG', 'OP_RECVMSG', 'OP_SEND_ZC', 'OP_SENDMSG_ZC'];

/** The operation that was really submitted: a read of a registered buffer is another one. */
function opOf({ info, entry }: OperationFailure): OpName {
  const opcode = entry?.[Sqe.at.opcode];
  const isDeclared =
    opcode === undefined || ops.some(({ name, value }) => name === info.op && value === opcode);
  return isDeclared ? info.op : (ops.find(({ value }) => value === opcode)?.name ?? info.op);
}

/** The variants that the entry asks for, newest last; without an entry only the one that is declared. */
function flagsOf(failure: OperationFailure): OpFlag[] {
  const { info, entry } = failure;
  const op = opOf(failure);
  if (entry === undefined) return flags.filter(({ name }) => name === info.flag);
  // receives and sends have their flags in common, in one row each
  return flags.filter(
    (flag) => (flag.op === op || (flag.op === 'OP_RECV' && SOCKET_OPS.includes(op))) && isSet(flag, entry),
  );
}

/** Has the entry this flag, or this command? */
function isSet(flag: OpFlag, entry: Uint8Array): boolean {
  const { field, value } = flag;
  const view = new DataView(entry.buffer);
  const found =
    field === 'ioprio' ? view.getUint16(Sqe.at.ioprio, true) : view.getUint32(Sqe.at[field], true);
  return isCommand(flag) ? found === value : (found & value) !== 0;
}

// ---- hints ------------------------------------------------------------------------------------------------

function hintOf(failure: OperationFailure): string | undefined {
  const { errno, info } = failure;
  const code = errnoName(errno);
  return (
    (errno === EACCES ? sandboxHint(failure) : undefined) ??
    (errno === EINVAL ? alignmentHint(failure) : undefined) ??
    info.errors?.[code] ??
    (errno === EINVAL ? youngerHint(info) : undefined)
  );
}

/** Which rule of the ring's sandbox refuses the operation. */
function sandboxHint(failure: OperationFailure): string | undefined {
  const { core, entry } = failure;
  const { sandbox } = core;
  if (sandbox === undefined) return undefined;
  const op = opOf(failure);
  if (!sandbox.ops.has(op)) return `the ring's sandbox does not allow ${op}: list it in sandbox.ops`;
  if (entry === undefined) return undefined;
  const flags = entry[Sqe.at.flags] ?? 0;
  const named = (bits: number) =>
    SQE_FLAGS.filter(([, bit]) => (bits & bit) !== 0)
      .map(([name]) => name)
      .join(', ');
  const lacking = sandbox.requiredFlags & ~flags;
  if (lacking !== 0)
    return `the ring's sandbox requires ${named(lacking)}${(lacking & IOSQE_FIXED_FILE) === 0 ? '' : ': use a file of its table'}`;
  const extra = flags & ~(sandbox.requiredFlags | sandbox.allowedFlags);
  return extra === 0
    ? undefined
    : `the ring's sandbox does not allow ${named(extra)}: list it in sandbox.allowFlags`;
}

const STATX_DIOALIGN = 0x2000;
const TRANSFERS: readonly OpName[] = [
  'OP_READ',
  'OP_WRITE',
  'OP_READ_FIXED',
  'OP_WRITE_FIXED',
  'OP_READV',
  'OP_WRITEV',
  'OP_READV_FIXED',
  'OP_WRITEV_FIXED',
];

/** What O_DIRECT wants of the file that was read or written, and what it was given. */
function alignmentHint({ info, entry }: OperationFailure): string | undefined {
  if (entry === undefined || !TRANSFERS.includes(info.op)) return undefined;
  const view = new DataView(entry.buffer);
  // a slot of the file table can't be asked
  if ((view.getUint8(Sqe.at.flags) & IOSQE_FIXED_FILE) !== 0) return undefined;
  const found = statOf(view.getInt32(Sqe.at.fd, true), O_DIRECT, STATX_DIOALIGN);
  if (found === undefined) return undefined;
  const { stxDioMemAlign, stxDioOffsetAlign, stxMask } = Statx.decode(found);
  if ((stxMask & STATX_DIOALIGN) === 0 || stxDioOffsetAlign === 0) {
    return 'the file was opened with O_DIRECT: memory, offset and length must be multiples of its block size';
  }
  return `the file was opened with O_DIRECT: memory must be a multiple of ${stxDioMemAlign} bytes, offset and length of ${stxDioOffsetAlign}`;
}

/** Variants of the operation that this kernel may be too old for, where nothing tells which was asked for. */
function youngerHint({ op }: OperationInfo): string | undefined {
  const younger = flags.filter((flag) => flag.op === op && isOlderThan(flag.since));
  if (younger.length === 0) return undefined;
  return `may need Linux ${younger.map(({ name, since }) => `${since} (${name})`).join(', ')}`;
}
