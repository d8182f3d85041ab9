/** Operations on rings, on other operations, and commands of drivers. */
import {
  boolean,
  integer,
  options as knownOptions,
  U32_MAX,
  unsigned64,
  wrongType,
} from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { copyOfBytes, isUint8Array } from '../../structs/views.ts';
import * as preparers from '../ops/preparers.ts';
import type { SqeCursor } from '../ops/sqe.ts';
import type { OpName } from '../register/support.ts';
import { checkKey, opcodeOf } from '../ring/cancel.ts';
import type { RingCore } from '../ring/core/core.ts';
import { fdOfTarget } from '../ring/message.ts';
import { FixedFile, RegisteredFiles } from '../ring/owners/files.ts';
import { type Kind, operation, options } from './declare.ts';
import { type OperationKey, pinKeyHigh, pinKeyLow, readKey, type Started } from './key.ts';
import * as kinds from './kinds.ts';
import * as pin from './pin.ts';
import * as read from './read.ts';
import type { File, Memory, OtherTable } from './types.ts';

const {
  IORING_ASYNC_CANCEL_ALL,
  IORING_ASYNC_CANCEL_ANY,
  IORING_ASYNC_CANCEL_FD,
  IORING_ASYNC_CANCEL_FD_FIXED,
  IORING_ASYNC_CANCEL_OP,
  IORING_CQE_F_32,
  IORING_CQE_F_SKIP,
  IORING_FILE_INDEX_ALLOC,
  IORING_MSG_RING_CQE_SKIP,
  IORING_NOP_INJECT_RESULT,
  IORING_URING_CMD_FIXED,
} = constants;
const SAFE = Number.MAX_SAFE_INTEGER;

// ---- nothing ----------------------------------------------------------------------------------------------

export const NopOptions = options('NopOptions', 'Options of `nop`.', {
  result: kinds.option(
    'What the completion has as its res (IORING_NOP_INJECT_RESULT, 6.10); 0 when absent.',
    -0x8000_0000,
    0x7fff_ffff,
    0,
  ),
  flags: kinds.bits(
    'IORING_NOP_*: INJECT_RESULT (1, set with `result`), TW (16, completes by task work, 6.15).',
  ),
});

function injectResult(sqe: SqeCursor, result: number, flags: number): void {
  preparers.nopWith(sqe, flags | (result === 0 ? 0 : IORING_NOP_INJECT_RESULT), -1, result, 0);
}

export const nop = operation({
  op: 'OP_NOP',
  doc: 'Does nothing, once through the ring.',
  args: {},
  options: NopOptions,
  write(sqe, result, flags) {
    preparers.nop(sqe);
    if ((result | flags) !== 0) injectResult(sqe, result, flags);
  },
  result: 'nothing',
});

// ---- other operations -------------------------------------------------------------------------------------

/** What to cancel: one operation, or all on a file, or of a kind, or both at once; or `any`thing. */
export interface CancelWhat {
  /** One operation: its userData; on AsyncRing the promise of a poll or a timeout, or any iterator. */
  readonly userData?: OperationKey | undefined;
  /** Operations on this file (5.19). */
  readonly fd?: File | undefined;
  /** Operations of this kind: `'OP_RECV'` (6.6). */
  readonly op?: OpName | undefined;
  /** Every operation of the ring (5.19). */
  readonly any?: boolean | undefined;
}

/** What to cancel, read. */
export interface CancelKey {
  readonly key: number | Started | undefined;
  readonly file: read.OpenFile | undefined;
  readonly opcode: number;
  readonly flags: number;
}

export function cancelKey(name: string, what: CancelWhat): CancelKey {
  if (typeof what !== 'object' || what === null) {
    throw wrongType(name, 'an object with userData, fd, op or any', what);
  }
  knownOptions(name, what, ['userData', 'fd', 'op', 'any']);
  const { userData, fd, op, any = false } = what;
  boolean(`${name}.any`, any);
  checkKey(name, { userData: userData === undefined ? undefined : 0, fd, op, any });
  if (userData !== undefined)
    return { key: readKey(`${name}.userData`, userData), file: undefined, opcode: 0, flags: 0 };
  return {
    key: undefined,
    file: fd === undefined ? undefined : read.file(`${name}.fd`, fd),
    opcode: op === undefined ? 0 : opcodeOf(`${name}.op`, op),
    flags:
      IORING_ASYNC_CANCEL_ALL |
      (any ? IORING_ASYNC_CANCEL_ANY : 0) |
      (op === undefined ? 0 : IORING_ASYNC_CANCEL_OP),
  };
}

export function cancelLow(core: RingCore, name: string, { key }: CancelKey): number {
  return key === undefined ? 0 : pinKeyLow(core, name, key);
}

export function cancelHigh(core: RingCore, name: string, { key }: CancelKey): number {
  return key === undefined ? 0 : pinKeyHigh(core, name, key);
}

export function cancelFd(core: RingCore, name: string, { file }: CancelKey): number {
  if (file === undefined) return -1;
  const number = pin.file(core, name, file);
  return number < 0 ? ~number : number;
}

export function cancelFlags(_core: RingCore, _name: string, { file, flags }: CancelKey): number {
  if (file === undefined) return flags;
  return flags | IORING_ASYNC_CANCEL_FD | (typeof file === 'number' ? 0 : IORING_ASYNC_CANCEL_FD_FIXED);
}

export const cancel = operation({
  op: 'OP_ASYNC_CANCEL',
  doc: 'Cancels operations of this ring: they complete with ECANCELED. On AsyncRing one operation is cancelled by its signal, too.',
  args: {
    what: {
      type: 'CancelWhat',
      read: cancelKey,
      pin: [cancelLow, cancelHigh, cancelFd, 'opcode', cancelFlags],
    },
  },
  write(sqe, low, high, fd, opcode, flags) {
    sqe.prepare(constants.IORING_OP_ASYNC_CANCEL, fd, 0, opcode, 0).opFlags = flags;
    sqe.setAddr(low, high);
  },
  params: {
    what: '`{ userData }` (one), `{ fd }` (all on a file), `{ op }` (all of a kind), both, or `{ any: true }`',
  },
  returns: 'how many were found',
  result: 'count',
  errors: {
    ENOENT: 'no such operation: it was never submitted, or it is over',
    EALREADY: 'it is running, and can not be stopped',
  },
  aliases: ['asyncCancel'],
});

// ---- other rings ------------------------------------------------------------------------------------------

export const MessageOptions = options('MessageOptions', 'Options of `msgRing`.', {
  messageData: kinds.option("The userData that the other ring's completion has.", 0, SAFE, 0),
  res: kinds.option('The res that it has.', -0x8000_0000, 0x7fff_ffff, 0),
  cqeFlags: {
    ...kinds.option(
      'The flags that it has, but IORING_CQE_F_32 and IORING_CQE_F_SKIP (IORING_MSG_RING_FLAGS_PASS, 6.3).',
      0,
      U32_MAX,
      -1,
    ),
    read: messageFlags,
  },
});

/** Flags of a message: those that say how the target's queue is laid out are not the sender's. */
export function messageFlags(name: string, value: unknown, min: number, max: number): number {
  const flags = read.integer(name, value, min, max);
  if ((flags & (IORING_CQE_F_32 | IORING_CQE_F_SKIP)) === 0) return flags;
  throw wrongType(name, 'without IORING_CQE_F_32 and IORING_CQE_F_SKIP', flags);
}

export const msgRing = operation({
  op: 'OP_MSG_RING',
  doc: 'Posts a completion on another ring; `sendMessage` does so without an operation.',
  args: { target: { type: 'AnyRing | number', read: targetFd } },
  options: MessageOptions,
  write(sqe, target, messageData, res, cqeFlags) {
    if (cqeFlags < 0) preparers.msgRing(sqe, target, res, messageData);
    else preparers.msgRingCqeFlags(sqe, target, res, messageData, cqeFlags);
  },
  params: { target: 'a ring, or the fd of one' },
  result: 'nothing',
  errors: { EBADFD: 'it is no ring, or a disabled one', EOVERFLOW: 'its completion queue is full' },
});

/** The fd of a ring. */
export function targetFd(_name: string, value: Parameters<typeof fdOfTarget>[0]): number {
  return fdOfTarget(value);
}

/** A place in another ring's table. */
export interface PlaceThere {
  readonly fd: number;
  readonly place: OtherTable;
}

export function placeThere(name: string, place: OtherTable): PlaceThere {
  if (FixedFile.is(place)) return { fd: fdOfTarget(RegisteredFiles.ringOf(FixedFile.tableOf(place))), place };
  if (RegisteredFiles.is(place)) return { fd: fdOfTarget(RegisteredFiles.ringOf(place)), place };
  throw wrongType(name, "another ring's file table, or a slot of it", place);
}

export function indexThere(_core: RingCore, _name: string, { place }: PlaceThere): number {
  const table = FixedFile.is(place) ? FixedFile.tableOf(place) : place;
  RegisteredFiles.use(table, RegisteredFiles.coreOf(table));
  return FixedFile.is(place) ? FixedFile.indexOf(place) + 1 : IORING_FILE_INDEX_ALLOC;
}

export const MessageFileOptions = options('MessageFileOptions', 'Options of `msgRingFd`.', {
  messageData: kinds.option("The userData that the other ring's completion has.", 0, SAFE, 0),
  silent: kinds.flag(
    'The other ring gets no completion (IORING_MSG_RING_CQE_SKIP, 6.0).',
    IORING_MSG_RING_CQE_SKIP,
  ),
});

export const msgRingFd = operation({
  op: 'OP_MSG_RING',
  flag: 'MSG_SEND_FD',
  doc: "Puts a file of this ring's table into the table of another ring, which gets a completion: with the slot as its res where `into` is a table.",
  args: {
    file: kinds.slot,
    into: { type: 'OtherTable', read: placeThere, pin: ['fd', indexThere] },
  },
  options: MessageFileOptions,
  write: (sqe, slot, fd, index, messageData, silent) =>
    preparers.msgRingFd(sqe, fd, slot, index, messageData, silent),
  params: { into: "the other ring's file table, for a free slot; or a slot of it" },
  returns: 'the slot there',
  result: { type: 'FixedFile', of: 'slotThere', args: ['into'] },
  errors: {
    EBADF: 'the slot is empty',
    ENFILE: 'the other table is full',
    EOVERFLOW: "the other ring's completion queue is full",
  },
});

// ---- commands ---------------------------------------------------------------------------------------------

/** The driver's own bytes: a copy. */
export function commandData(name: string, value: Uint8Array | undefined): Uint8Array | undefined {
  if (value === undefined) return undefined;
  if (!isUint8Array(value)) throw wrongType(name, 'a Uint8Array', value);
  const bytes = copyOfBytes(value);
  integer(`${name}.length`, bytes.length, 0, 80);
  return bytes;
}

export function commandMemory(name: string, value: Memory | undefined): read.HeldMemory | undefined {
  return value === undefined ? undefined : read.memory(name, value);
}

/** 64 bits of an entry in two halves. */
export interface Word64 {
  readonly low: number;
  readonly high: number;
}
const NONE: Word64 = { low: -1, high: -1 };

/** Both halves are -1 where there is none. */
export function word64(name: string, value: number | bigint | undefined): Word64 {
  if (value === undefined) return NONE;
  const wide = BigInt(unsigned64(name, value));
  return { low: Number(wide & 0xffff_ffffn), high: Number(wide >> 32n) };
}

const halves: Kind = { type: 'number | bigint', read: word64, pin: ['low', 'high'] };

/** The driver's bytes go into the entry when it is written; how many. */
export function stageData(core: RingCore, name: string, bytes: Uint8Array | undefined): number {
  return bytes === undefined ? 0 : core.queues.sqe.stageCmd(name, bytes);
}

export const CommandOptions = options('CommandOptions', 'Options of `uringCmd`.', {
  data: {
    type: 'Uint8Array',
    read: commandData,
    pin: [stageData],
    doc: "The driver's own bytes: up to 16, or 80 on a ring with `sqe128`. They are copied.",
  },
  memory: {
    ...kinds.memory,
    read: commandMemory,
    doc: 'The memory that addr and len name, for drivers that read them; a registered buffer sets IORING_URING_CMD_FIXED.',
  },
  addr: {
    ...halves,
    doc: 'The number in addr, for commands that have one there; not beside `memory`.',
  },
  addr3: {
    ...halves,
    doc: 'The number in addr3 (optval), for commands that have one there; not beside `data`.',
  },
  hold: {
    type: 'unknown',
    read: read.anything,
    holds: 'until completed',
    doc: 'Other memory that `data` points to: it is kept until the command is done.',
  },
});

const COMMAND = {
  op: 'OP_URING_CMD',
  args: { file: kinds.file, command: kinds.u32 },
  options: CommandOptions,
  params: { command: "the driver's number for it" },
  errors: { EOPNOTSUPP: "the file's driver has no commands, or not this one" },
  see: 'io_uring_prep_uring_cmd(3)',
} as const;

export const uringCmd = operation({
  ...COMMAND,
  doc: "Gives a file's driver a command, as NVMe passthrough is done.",
  write(sqe, command, data, address, length, index, addrLow, addrHigh, addr3Low, addr3High) {
    preparers.uringCmd(sqe, 0, command, address, length, index >= 0 ? IORING_URING_CMD_FIXED : 0);
    if (index >= 0) sqe.bufIndex = index;
    if (addrHigh >= 0) sqe.setAddr(addrLow, addrHigh);
    if (addr3High >= 0) sqe.setAddr3(addr3Low, addr3High);
    if (data > 0) sqe.writeStagedCmd();
  },
  returns: "the driver's result",
  result: 'count',
});

export const uringCmdMultishot = operation({
  ...COMMAND,
  doc: 'As `uringCmd`, for a command of many completions, as transmit timestamps of a socket (SOCKET_URING_OP_TX_TIMESTAMP): each with its flags, and both halves on a ring with `cqe32`.',
  write: uringCmd.write,
  returns: 'an iterator of completions',
  stream: { type: 'Completion', of: 'completions', args: ['core'] },
});
