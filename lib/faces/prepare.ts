/** ring.prepare: one method for each operation. */

import type {
  EpollAction,
  EpollOptions,
  Fd,
  File,
  Futex,
  FutexArray,
  FutexOptions,
  MessageFileOptions,
  MessageOptions,
  OperationOptions,
  OtherTable,
  PollOptions,
  TimeoutOptions,
} from '../operations/index.ts';
import * as operations from '../operations/index.ts';
import type { AnyRing } from '../ring/core/rings.ts';
import type { FixedFile } from '../ring/owners/files.ts';
import { PrepareNetwork } from './prepare-network.ts';
import { put0, put1, put2, put3 } from './put.ts';

/**
 * Prepares operations: each method takes the next free entry of the submission queue, and the ring holds what the
 * kernel may touch until the last completion. Nothing starts before `submit()`.
 *
 * Every method throws QueueFullError when no entry is free, ClosedError after close, and TypeError or RangeError for
 * a wrong argument; then no entry is taken.
 */
export class Prepare extends PrepareNetwork {
  /** Does nothing (OP_NOP, since 5.1). */
  nop(options?: OperationOptions): void {
    put0(this.core, operations.nop, options);
  }

  /** Waits for events of a file, POLL* bits (OP_POLL_ADD, since 5.1). */
  pollAdd(file: File, events: number, options?: PollOptions & OperationOptions): void {
    put2(this.core, operations.pollAdd, options, file, events);
  }

  /** Completes with -ETIME after `ms` milliseconds (OP_TIMEOUT, since 5.4). */
  timeout(ms: number, options?: TimeoutOptions & OperationOptions): void {
    put1(this.core, operations.timeout, options, ms);
  }

  /** Cancels an operation with this userData (OP_ASYNC_CANCEL, since 5.5). */
  asyncCancel(userData: number, options?: OperationOptions): void {
    put1(this.core, operations.asyncCancel, options, userData);
  }

  /** Posts a completion on another ring (OP_MSG_RING, since 5.18). */
  msgRing(target: AnyRing | number, options?: MessageOptions & OperationOptions): void {
    put1(this.core, operations.msgRing, options, target);
  }

  /** Puts a file of this ring's table into the table of another ring (OP_MSG_RING, IORING_MSG_SEND_FD, since 6.0). */
  msgRingFd(file: FixedFile, into: OtherTable, options?: MessageFileOptions & OperationOptions): void {
    put2(this.core, operations.msgRingFd, options, file, into);
  }

  /** Adds a file to an epoll file, changes its events, or takes it out (OP_EPOLL_CTL, since 5.6). */
  epollCtl(epoll: Fd, action: EpollAction, file: Fd, options?: EpollOptions & OperationOptions): void {
    put3(this.core, operations.epollCtl, options, epoll, action, file);
  }

  /** Waits while a word of memory has a value (OP_FUTEX_WAIT, since 6.7). */
  futexWait(
    array: FutexArray,
    index: number,
    value: number,
    options?: FutexOptions & OperationOptions,
  ): void {
    put3(this.core, operations.futexWait, options, array, index, value);
  }

  /** Wakes at most `count` who wait for a word of memory (OP_FUTEX_WAKE, since 6.7). */
  futexWake(
    array: FutexArray,
    index: number,
    count: number,
    options?: FutexOptions & OperationOptions,
  ): void {
    put3(this.core, operations.futexWake, options, array, index, count);
  }

  /** Waits for whichever of several words is woken first (OP_FUTEX_WAITV, since 6.7). */
  futexWaitv(futexes: readonly Futex[], options?: OperationOptions): void {
    put1(this.core, operations.futexWaitv, options, futexes);
  }
}
