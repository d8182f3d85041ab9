/** AsyncRing's operations that wait, and those on other operations and rings. */
import { integer } from '../../structs/check.ts';
import { decodeEpollEvents, EPOLL_EVENT_SIZE, type EpollEvent } from '../../structs/socket.ts';
import type {
  CancelWhat,
  Child,
  ChildStatus,
  Countdown,
  DelayOptions,
  EpollAction,
  EpollOptions,
  Fd,
  File,
  Futex,
  FutexArray,
  FutexOptions,
  IntervalOptions,
  MessageFileOptions,
  MessageOptions,
  OtherTable,
  WaitidOptions,
} from '../operations/index.ts';
import * as operations from '../operations/index.ts';
import type { AnyRing } from '../ring/core/rings.ts';
import type { FixedFile } from '../ring/owners/files.ts';
import { Pinned } from '../sys/memory.ts';
import { type AsyncOptions, COUNT, type IteratorOptions, NOTHING } from './base.ts';
import type { Outcome } from './flight.ts';
import type { Results, Stream } from './multishot.ts';
import { AsyncNetwork } from './network.ts';

const ETIME = 62;
const EAGAIN = 11;
const MAX_EVENTS = 65_536;
const EVERYBODY = 0x7fff_ffff;

/** How a wait for a futex ended: `'not-equal'` where its value was another from the start, as Atomics.wait() has it. */
export type FutexResult = 'ok' | 'not-equal';

const TIME_IS_OVER: Outcome<void> = { convert: () => undefined, success: ETIME };

export abstract class AsyncWaiting extends AsyncNetwork {
  // ---- files ------------------------------------------------------------------------------------------------

  /**
   * Waits for events of a file (OP_POLL_ADD).
   * @param events POLL* bits: POLLIN (1), POLLPRI (2), POLLOUT (4), POLLRDHUP (0x2000); POLLERR (8) and POLLHUP (16) come anyway
   * @returns those that came
   * @since 5.1
   * @see io_uring_prep_poll_add(3)
   */
  poll(file: File, events: number, options?: AsyncOptions): Promise<number> {
    return this.run(operations.poll, COUNT, options, file, events);
  }

  /**
   * Tells events of a file whenever something changes (OP_POLL_ADD, multishot). A file that can't be waited for, as a regular
   * one, is ready always.
   * @param events as `poll`
   * @since 5.13
   * @see io_uring_prep_poll_multishot(3)
   */
  pollMultishot(file: File, events: number, options?: IteratorOptions): Results<number> {
    const stream: Stream<number> = { convert: (res) => res, undo: () => {} };
    return this.iterate(operations.pollMultishot, stream, options, file, events);
  }

  /**
   * Adds a file to an epoll file, changes its events, or takes it out (OP_EPOLL_CTL).
   * @param options `events` (EPOLL* bits), `data` (comes back with each event)
   * @throws OpError EEXIST (add), ENOENT (modify, delete), EPERM (a regular file)
   * @since 5.6
   * @see io_uring_prep_epoll_ctl(3)
   */
  epollCtl(epoll: Fd, action: EpollAction, file: Fd, options?: EpollOptions & AsyncOptions): Promise<void> {
    return this.run(operations.epollCtl, NOTHING, options, epoll, action, file);
  }

  /**
   * Waits for events of an epoll file (OP_EPOLL_WAIT).
   * @param max at most so many at once
   * @since 6.15
   * @see io_uring_prep_epoll_wait(3)
   */
  epollWait(epoll: File, max: number, options?: AsyncOptions): Promise<EpollEvent[]> {
    try {
      const room = new Pinned(integer('max', max, 1, MAX_EVENTS) * EPOLL_EVENT_SIZE);
      const outcome: Outcome<EpollEvent[]> = { convert: (count) => decodeEpollEvents(room.view, count) };
      return this.run(operations.epollWait, outcome, options, epoll, room);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  // ---- time -------------------------------------------------------------------------------------------------

  /**
   * Waits (OP_TIMEOUT).
   * @param options `afterMs`, or `atMs` by the clock; `clock`: `'monotonic'`, `'boottime'` or `'realtime'` (5.15)
   * @since 5.4
   * @see io_uring_prep_timeout(3)
   */
  timeout(options: DelayOptions & AsyncOptions): Promise<void> {
    return this.run(operations.delay, TIME_IS_OVER, options);
  }

  /**
   * Ticks (OP_TIMEOUT, IORING_TIMEOUT_MULTISHOT): 1, 2, 3... Ticks that nobody waited for come one after the other.
   * @param options `everyMs`, `times` (then it ends), `clock`
   * @since 6.4
   * @see io_uring_prep_timeout(3)
   */
  interval(options: IntervalOptions & IteratorOptions): Results<number> {
    const countdown: Countdown = { left: undefined };
    let ticks = 0;
    const stream: Stream<number> = {
      convert: () => {
        if (countdown.left !== undefined) countdown.left--;
        return ++ticks;
      },
      success: ETIME,
      hasMore: () => countdown.left !== 0,
      undo: () => {},
    };
    return this.iterate(operations.interval, stream, options, countdown);
  }

  // ---- futexes ----------------------------------------------------------------------------------------------

  /**
   * Waits while a word of memory has a value, until somebody wakes it (OP_FUTEX_WAIT): `futexWake`, or futex(2) of any
   * thread. Atomics.notify() is no such thing.
   * @param array over a SharedArrayBuffer, where other threads take part
   * @returns `'not-equal'` where the word was another from the start
   * @since 6.7
   * @see io_uring_prep_futex_wait(3)
   */
  futexWait(
    array: FutexArray,
    index: number,
    value: number,
    options?: FutexOptions & AsyncOptions,
  ): Promise<FutexResult> {
    const outcome: Outcome<FutexResult> = {
      convert: (res) => (res === 0 ? 'ok' : 'not-equal'),
      success: EAGAIN,
    };
    return this.run(operations.futexWait, outcome, options, array, index, value);
  }

  /**
   * Wakes those who wait for a word of memory (OP_FUTEX_WAKE).
   * @param count at most so many; all when absent
   * @returns how many were woken
   * @since 6.7
   * @see io_uring_prep_futex_wake(3)
   */
  futexWake(
    array: FutexArray,
    index: number,
    count: number = EVERYBODY,
    options?: FutexOptions & AsyncOptions,
  ): Promise<number> {
    return this.run(operations.futexWake, COUNT, options, array, index, count);
  }

  /**
   * Waits for whichever of several words is woken first (OP_FUTEX_WAITV).
   * @param futexes 1..128 of `{ array, index, value }`
   * @returns the index of the one that was woken; `'not-equal'` where one was another from the start
   * @since 6.7
   * @see io_uring_prep_futex_waitv(3)
   */
  futexWaitv(futexes: readonly Futex[], options?: AsyncOptions): Promise<number | 'not-equal'> {
    const outcome: Outcome<number | 'not-equal'> = {
      convert: (res) => (res >= 0 ? res : 'not-equal'),
      success: EAGAIN,
    };
    return this.run(operations.futexWaitv, outcome, options, futexes);
  }

  // ---- children ---------------------------------------------------------------------------------------------

  /**
   * Waits for a child process to change (OP_WAITID). For one that Node.js started give `keep: true`, so that Node.js learns of
   * its end too, and begin to wait before it ends: Node.js takes the end of its children away.
   * @param child `{ pid }`, `{ group }`, `{ pidfd }`, or `'any'`
   * @param options `states` (`['exited']` when absent), `keep`
   * @throws OpError ECHILD (no such child, or somebody waited for it before)
   * @since 6.7
   * @see io_uring_prep_waitid(3)
   */
  waitid(child: Child, options?: WaitidOptions & AsyncOptions): Promise<ChildStatus> {
    const room = operations.siginfoRoom();
    const outcome: Outcome<ChildStatus> = { convert: () => operations.childStatus(room) };
    return this.run(operations.waitid, outcome, options, child, room);
  }

  // ---- other operations, other rings ------------------------------------------------------------------------

  /**
   * Cancels operations of this ring (OP_ASYNC_CANCEL): their promises reject with OpError ECANCELED. One operation is
   * cancelled by its signal.
   * @param what `{ fd }` (all on a file), `{ op }` (all of a kind, 6.6), both, or `{ any: true }`
   * @returns how many were found
   * @since 5.19
   * @see io_uring_prep_cancel(3)
   */
  cancel(what: CancelWhat, options?: AsyncOptions): Promise<number> {
    return this.run(operations.cancel, COUNT, options, what);
  }

  /**
   * Posts a completion on another ring (OP_MSG_RING); `sendMessage` does so without an operation.
   * @param target a ring, or the fd of one
   * @param options `messageData` (its userData), `res`
   * @throws OpError EBADFD (no ring, or a disabled one), EOVERFLOW (its queue is full)
   * @since 5.18
   * @see io_uring_prep_msg_ring(3)
   */
  msgRing(target: AnyRing | number, options?: MessageOptions & AsyncOptions): Promise<void> {
    return this.run(operations.msgRing, NOTHING, options, target);
  }

  /**
   * Puts a file of this ring's table into the table of another ring (OP_MSG_RING, IORING_MSG_SEND_FD), which gets a
   * completion: with the slot as its res where `into` is a table.
   * @param into the other ring's file table, for a free slot; or a slot of it
   * @param options `messageData` (the completion's userData), `silent` (no completion)
   * @returns the slot there
   * @throws OpError EBADF (an empty slot), ENFILE (its table is full)
   * @since 6.0
   * @see io_uring_prep_msg_ring_fd(3)
   */
  msgRingFd(
    file: FixedFile,
    into: OtherTable,
    options?: MessageFileOptions & AsyncOptions,
  ): Promise<FixedFile> {
    const outcome: Outcome<FixedFile> = { convert: (slot) => ('at' in into ? into.at(slot) : into) };
    return this.run(operations.msgRingFd, outcome, options, file, into);
  }
}
