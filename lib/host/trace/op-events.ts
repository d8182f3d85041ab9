/** The kernel's events about operations, from 5.10's form to the newest, and what is read of each. */
import type { EventReader, Seen, Source } from './events.ts';
import { type EventFormat, parseFormat } from './format.ts';

/** What an event tells. */
export type OpStep = 'submit' | 'complete' | 'punt' | 'arm' | 'wake' | 'cut' | 'refuse' | 'overflow' | 'work';

/** The submission entry that the kernel refused, as the program wrote it. */
export interface RefusedEntry {
  /** IOSQE_*. */
  readonly flags: number;
  readonly ioprio: number;
  readonly off: bigint;
  readonly addr: bigint;
  readonly len: number;
  readonly opFlags: number;
  readonly bufIndex: number;
  readonly personality: number;
  readonly fileIndex: number;
}

/** An event about an operation. All have the same fields: V8 reads objects of one shape fastest. */
export interface OpEvent extends Seen {
  readonly step: OpStep;
  /** The ring's address in the kernel, its low 52 bits; 0 where it is not told. It must not leave the trace. */
  readonly ctx: number;
  /** The request's address, in the same way. */
  readonly request: number;
  /** The address of the request that is cut off. */
  readonly link: number;
  readonly userLow: number;
  readonly userHigh: number;
  /** -1 where it is not told. */
  readonly opcode: number;
  /** complete, overflow: res; refuse: the error; arm, wake: the mask; punt: is it hashed?; work: how much. */
  readonly value: number;
  /** submit: the request's flags, of which the low 8 bits are IOSQE_*; complete, overflow: IORING_CQE_F_*; arm: events. */
  readonly flags: number;
  /** submit: by the submission thread. */
  readonly sqThread: boolean;
  readonly entry: RefusedEntry | undefined;
}

/** An event about operations. */
export interface OpSource extends Source<OpReader> {
  readonly step: OpStep;
}

/** How an event of this kernel is read, and what this kernel tells with it. */
export interface OpReader extends EventReader<OpEvent> {
  readonly hasRequest: boolean;
  readonly hasOpcode: boolean;
}

/** A kernel address as a number: what lies above its low 52 bits is the same for all. */
function address(view: DataView, at: number): number {
  return view.getUint32(at, true) + (view.getUint32(at + 4, true) & 0xf_ffff) * 2 ** 32;
}

/** The address in an event of a register call, which has all 64 bits. */
export function addressOfRing(ctx: bigint): number {
  return Number(BigInt.asUintN(52, ctx));
}

const FIELDS = {
  ctx: 8,
  req: 8,
  link: 8,
  user_data: 8,
  opcode: 1,
  sq_thread: 1,
  // is the work of a file done one after another? Until 7.1 or so, and since
  rw: 4,
  hashed: 1,
} as const;
const ENTRY_FIELDS = {
  flags: 1,
  ioprio: 1,
  off: 8,
  addr: 8,
  len: 4,
  op_flags: 4,
  buf_index: 2,
  personality: 2,
  file_index: 4,
} as const;

/** Reads a refused entry. */
function readEntry(
  view: DataView,
  offset: number,
  at: EventFormat<keyof typeof ENTRY_FIELDS>['at'],
): RefusedEntry {
  return {
    flags: view.getUint8(offset + at.flags),
    ioprio: view.getUint8(offset + at.ioprio),
    off: view.getBigUint64(offset + at.off, true),
    addr: view.getBigUint64(offset + at.addr, true),
    len: view.getUint32(offset + at.len, true),
    opFlags: view.getUint32(offset + at.op_flags, true),
    bufIndex: view.getUint16(offset + at.buf_index, true),
    personality: view.getUint16(offset + at.personality, true),
    fileIndex: view.getUint32(offset + at.file_index, true),
  };
}

function byteOf(view: DataView, offset: number, at: number | undefined): number {
  return at === undefined ? 0 : view.getUint8(offset + at);
}

/**
 * @param names the event's names in the folder io_uring, the newest kernel's first
 * @param value the field that becomes `value`, and `flags` the one that becomes `flags`
 */
function source(names: readonly string[], step: OpStep, value?: string, flags?: string): OpSource {
  const load = (text: string): OpReader | undefined => {
    const own: { readonly [name: string]: 4 } = {
      ...(value === undefined ? {} : { [value]: 4 }),
      ...(flags === undefined ? {} : { [flags]: 4 }),
    };
    const format = parseFormat(text, { common_pid: 4 }, FIELDS);
    const ownFormat = parseFormat(text, own);
    if (format === undefined || ownFormat === undefined) return undefined;
    const { id } = format;
    const length = Math.max(format.length, ownFormat.length);
    const entryAt = step === 'refuse' ? parseFormat(text, ENTRY_FIELDS)?.at : undefined;
    const valueAt = value === undefined ? undefined : ownFormat.at[value];
    const flagsAt = flags === undefined ? undefined : ownFormat.at[flags];
    const { common_pid: pidAt, ctx, req, link, user_data: user, opcode, sq_thread: sqThread } = format.at;
    const byteAt = step === 'punt' ? (format.at.rw ?? format.at.hashed) : undefined;
    return {
      id,
      length,
      hasRequest: req !== undefined,
      hasOpcode: opcode !== undefined,
      read: (view, offset, time, cpu) => ({
        step,
        time,
        cpu,
        tid: view.getInt32(offset + pidAt, true),
        ctx: ctx === undefined ? 0 : address(view, offset + ctx),
        request: req === undefined ? 0 : address(view, offset + req),
        link: link === undefined ? 0 : address(view, offset + link),
        userLow: user === undefined ? 0 : view.getUint32(offset + user, true),
        userHigh: user === undefined ? 0 : view.getUint32(offset + user + 4, true),
        opcode: opcode === undefined ? -1 : view.getUint8(offset + opcode),
        value: valueAt === undefined ? byteOf(view, offset, byteAt) : view.getInt32(offset + valueAt, true),
        flags: flagsAt === undefined ? 0 : view.getUint32(offset + flagsAt, true),
        sqThread: sqThread !== undefined && view.getUint8(offset + sqThread) !== 0,
        entry: entryAt === undefined ? undefined : readEntry(view, offset, entryAt),
      }),
    };
  };
  return { paths: names.map((name) => `io_uring/io_uring_${name}`), step, load };
}

/** All of them. Kernels before 5.18 or so have no events for refused entries and overflows. */
export const OP_SOURCES: readonly OpSource[] = [
  source(['submit_req', 'submit_sqe'], 'submit', undefined, 'flags'),
  source(['complete'], 'complete', 'res', 'cflags'),
  source(['queue_async_work'], 'punt'),
  source(['poll_arm'], 'arm', 'mask', 'events'),
  source(['task_add', 'poll_wake'], 'wake', 'mask'),
  source(['fail_link'], 'cut'),
  source(['req_failed'], 'refuse', 'error'),
  source(['cqe_overflow'], 'overflow', 'res', 'cflags'),
  source(['task_work_run'], 'work', 'count'),
  source(['local_work_run'], 'work', 'count'),
];
