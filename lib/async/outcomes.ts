/** What becomes of the completions of operations: the results of promises and of iterators. */
import type { SocketAddress } from '../../structs/address.ts';
import { constants } from '../../structs/flags.ts';
import { decodeEpollEvents, type EpollEvent, Siginfo } from '../../structs/socket.ts';
import type { AddressBuffer } from '../operations/address.ts';
import { changeOperation, type OperationKey } from '../operations/key.ts';
import { type MessageBuffer, type ReceivedMessage, receivedFds } from '../operations/msghdr.ts';
import type { MessageRoom } from '../operations/transfers.ts';
import type { OtherTable } from '../operations/types.ts';
import type { Countdown } from '../operations/waiting.ts';
import type { Completion, RingCore } from '../ring/core/core.ts';
import { type BufferPart, BufferRing } from '../ring/owners/buffer-ring.ts';
import type { FixedFile } from '../ring/owners/files.ts';
import { PoolHolder } from '../ring/owners/pool-holder.ts';
import { sys } from '../sys/syscall.ts';
import { type FileStatus, fileStatus } from './file-status.ts';
import { ignore, type Outcome } from './flight.ts';
import { MessagePart } from './message-part.ts';
import type { Stream } from './multishot.ts';

const { IORING_CQE_F_BUFFER, IORING_CQE_F_MORE } = constants;
const ETIME = 62;
const EAGAIN = 11;

// ---- results of promises ----------------------------------------------------------------------------------

/** A number of bytes, or whatever else res says. */
export const COUNT: Outcome<number> = { convert: (res) => res };
/** Nothing. */
export const NOTHING: Outcome<void> = { convert: () => undefined };

/** A poll that goes on and on waits for these events also when it is asked for again. */
export function pollChanged(started: OperationKey, events: number): Outcome<void> {
  return { convert: () => changeOperation(started, 1, events) };
}

const TIME_IS_OVER: Outcome<void> = { convert: () => undefined, success: ETIME };

export function timeIsOver(): Outcome<void> {
  return TIME_IS_OVER;
}

/** How a wait for a futex ended: `'not-equal'` where its value was another from the start, as Atomics.wait() has it. */
export type FutexResult = 'ok' | 'not-equal';

export function futexWoken(): Outcome<FutexResult> {
  return { convert: (res) => (res === 0 ? 'ok' : 'not-equal'), success: EAGAIN };
}

export function futexIndex(): Outcome<number | 'not-equal'> {
  return { convert: (res) => (res >= 0 ? res : 'not-equal'), success: EAGAIN };
}

export function fileStatusOf(buffer: Uint8Array): Outcome<FileStatus> {
  return { convert: () => fileStatus(buffer) };
}

/** The beginning of `value`: a copy, so that the rest of it can go. */
export function beginningOf(value: Uint8Array): Outcome<Uint8Array> {
  return { convert: (count) => value.slice(0, count) };
}

export function addressOf(room: AddressBuffer): Outcome<SocketAddress | undefined> {
  return { convert: () => room.value };
}

export function epollEvents(room: Uint8Array): Outcome<EpollEvent[]> {
  return { convert: (count) => decodeEpollEvents(new DataView(room.buffer), count) };
}

/** A slot of another ring's table: the one that was named, or the one that the kernel chose. */
export function slotThere(into: OtherTable): Outcome<FixedFile> {
  return { convert: (slot) => ('at' in into ? into.at(slot) : into) };
}

/** How a child process changed. */
export interface ChildStatus {
  readonly pid: number;
  readonly uid: number;
  /** Which way: `'exited'` by itself, `'killed'` by a signal, `'dumped'` by a signal with a core dump. */
  readonly state: 'exited' | 'killed' | 'dumped' | 'trapped' | 'stopped' | 'continued';
  /** The exit code, where it exited; otherwise the signal's number. */
  readonly status: number;
}

const CLD = ['exited', 'killed', 'dumped', 'trapped', 'stopped', 'continued'] as const;

/** Reads the siginfo_t that a waitid filled. */
export function childStatus(info: Uint8Array): ChildStatus {
  const { siCode, siPid, siUid, siStatus } = Siginfo.decode(info);
  return { pid: siPid, uid: siUid, state: CLD[siCode - 1] ?? 'exited', status: siStatus };
}

export function childChanged(info: Uint8Array): Outcome<ChildStatus> {
  return { convert: () => childStatus(info) };
}

function closeAll(fds: readonly number[]): void {
  for (const fd of fds) sys.close(fd);
}

/** A message; file descriptors that nobody gets are closed. */
export function received(room: MessageBuffer): Outcome<ReceivedMessage> {
  return {
    convert: (res) => room.result(res),
    waste: (res) => {
      if (res >= 0) closeAll(receivedFds(room.result(res).control));
    },
  };
}

// ---- results in buffers of a pool -------------------------------------------------------------------------

/** Gives back the buffer of a completion without data. */
function giveBack(pool: BufferRing, res: number, flags: number): void {
  if ((flags & IORING_CQE_F_BUFFER) === 0) return;
  try {
    pool.take({ res, flags }).release();
  } catch {
    // somebody took it by a completion of their own making: it is theirs to release
  }
}

/** One read or receive from a pool. */
export function pooled(pool: BufferRing): Outcome<BufferPart | undefined> {
  return {
    convert: (res, flags) => {
      if (res > 0) return BufferRing.takeFairly(pool, { res, flags });
      giveBack(pool, res, flags);
      return undefined;
    },
    // also data that come when nobody waits for them any more
    waste: (res, flags) => giveBack(pool, res, flags),
  };
}

function partsOf(pool: BufferRing, res: number, flags: number, holder?: PoolHolder): BufferPart[] {
  if (res > 0) return BufferRing.takeBundleFairly(pool, { res, flags }, holder);
  giveBack(pool, res, flags);
  return [];
}

function releaseAll(parts: readonly BufferPart[]): void {
  for (const part of parts) part.release();
}

/** One receive into as many buffers of a pool as it takes. */
export function bundle(pool: BufferRing): Outcome<BufferPart[]> {
  return {
    convert: (res, flags) => partsOf(pool, res, flags),
    waste: (res, flags) => releaseAll(partsOf(pool, res, flags)),
  };
}

/** What all iterators over a pool do: one slow consumer must not have all buffers of a pool that many share. */
function overPool(
  pool: BufferRing,
  op: string,
): Pick<Stream<never>, 'waste' | 'pool'> & { readonly holder: PoolHolder } {
  return {
    waste: (res, flags) => giveBack(pool, res, flags),
    // what is no pool is refused when the operation starts
    holder: new PoolHolder(op, BufferRing.is(pool) ? pool.length : 0),
    pool,
  };
}

function isEnd(res: number, flags: number): boolean {
  return res === 0 && (flags & IORING_CQE_F_MORE) === 0;
}

/** Each completion is a part of a buffer of `pool`; the one of no bytes, after which the kernel stops, is the end. */
export function bufferStream(pool: BufferRing, op: string): Stream<BufferPart> {
  const common = overPool(pool, op);
  return {
    ...common,
    convert: (res, flags) => {
      if (!isEnd(res, flags)) return BufferRing.takeFairly(pool, { res, flags }, common.holder);
      giveBack(pool, res, flags);
      return undefined;
    },
    undo: (part) => part.release(),
  };
}

/** Each completion is parts of several buffers. */
export function bundleStream(pool: BufferRing, op: string): Stream<BufferPart[]> {
  const common = overPool(pool, op);
  return {
    ...common,
    convert: (res, flags) => {
      const parts = partsOf(pool, res, flags, common.holder);
      return isEnd(res, flags) ? undefined : parts;
    },
    undo: releaseAll,
  };
}

/** Each completion is a message. */
export function messageStream(pool: BufferRing, room: MessageRoom, op: string): Stream<MessagePart> {
  const common = overPool(pool, op);
  return {
    ...common,
    convert: (res, flags) => {
      if ((flags & IORING_CQE_F_BUFFER) === 0) return undefined;
      return new MessagePart(BufferRing.takeFairly(pool, { res, flags }, common.holder), room);
    },
    undo: (message) => {
      closeAll(receivedFds(message.control));
      message.release();
    },
  };
}

// ---- other iterators --------------------------------------------------------------------------------------

/** The events of a poll. */
export function events(): Stream<number> {
  return { convert: (res) => res, undo: ignore };
}

/** 1, 2, 3 ... until as many ticks came as were wanted. */
export function ticks(countdown: Countdown): Stream<number> {
  let count = 0;
  return {
    convert: () => {
      if (countdown.left !== undefined) countdown.left--;
      return ++count;
    },
    success: ETIME,
    hasMore: () => countdown.left !== 0,
    undo: ignore,
  };
}

/** The completions themselves, of a command; it is over after the last one. */
export function completions(core: RingCore): Stream<Completion> {
  return { convert: () => core.completion(), undo: ignore, hasMore: () => false };
}
