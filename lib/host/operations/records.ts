/** What a trace of operations yields. */
import type { RegisterCall } from '../call.ts';
import type { LostEvents, SetupCall, TraceEnd, TraceStart } from '../trace/records.ts';
import type { ProcessIdentity } from '../who.ts';

/** What every record of an operation has. What the kernel does not tell is undefined. */
interface OperationSeen {
  readonly source: 'kernel';
  /** When: nanoseconds since 1970. */
  readonly timeNs: bigint;
  /** The same on CLOCK_MONOTONIC: the clock of `process.hrtime.bigint()`. */
  readonly monoNs: bigint;
  /** The process that submitted it; where that was not seen, the one in which this happened. */
  readonly pid: number | undefined;
  /**
   * The thread that submitted it, or in which this happened. Where a submission thread did, it is the thread that made
   * the ring, if that was seen.
   */
  readonly tid: number;
  /** As the kernel has it: it may contain newlines and control characters. */
  readonly comm: string | undefined;
  /** Where this happened. */
  readonly cpu: number;
  /** Which ring, counted within one trace: `'r1'`. Never the kernel's address. */
  readonly ring: string | undefined;
  /** Which operation, counted within one trace: the same in all records of one. */
  readonly id: number | undefined;
  readonly opcode: number | undefined;
  /** `'OP_READ'`; `'OP_99'` for one that is in no header. */
  readonly opcodeName: string | undefined;
  readonly userData: bigint | undefined;
}

/** The kernel took an entry. */
export interface Submission extends OperationSeen {
  readonly type: 'submit';
  /** `'SQE_IO_LINK|SQE_ASYNC'`, or `''`. */
  readonly flags: string;
  /** By the ring's submission thread (SETUP_SQPOLL). */
  readonly bySqThread: boolean;
}

/** An entry that the kernel refused: a completion with the error follows, or may do so. */
export interface Refusal extends OperationSeen {
  readonly type: 'refuse';
  readonly flags: string;
  /** Minus the errno. */
  readonly res: number;
  readonly errno: string | undefined;
  /** The entry, as the program wrote it. */
  readonly fields:
    | {
        readonly ioprio: number;
        readonly off: bigint;
        readonly addr: bigint;
        readonly len: number;
        readonly opFlags: number;
        readonly bufIndex: number;
        readonly personality: number;
        readonly fileIndex: number;
      }
    | undefined;
}

/** A completion. */
export interface Completed extends OperationSeen {
  readonly type: 'complete';
  /** The result, or minus the errno. */
  readonly res: number;
  readonly errno: string | undefined;
  /** `'CQE_F_MORE'`, or `''`. */
  readonly flags: string;
  /** More completions of this operation follow. */
  readonly hasMore: boolean;
  /** It tells that the memory of a zero-copy send is free. */
  readonly isNotification: boolean;
  /** From the submission to the first completion. Undefined for later ones, and where it is not sure. */
  readonly latencyNs: bigint | undefined;
  /** It was done by a worker. */
  readonly isPunted: boolean | undefined;
  /** It waited for its file to become ready. */
  readonly isArmed: boolean | undefined;
  /** Its entry was refused: it never began. */
  readonly isRefused: boolean | undefined;
  /** The completion queue was full. */
  readonly isOverflow: boolean;
  /** The thread in which it completed, where that is not `tid`: a worker, a submission thread, or somebody else. */
  readonly byTid: number | undefined;
}

/** An operation went to a worker thread. */
export interface Punt extends OperationSeen {
  readonly type: 'punt';
  /** Workers take those of one file one after another. */
  readonly isHashed: boolean;
}

/** An operation waits for its file to become ready (`'arm'`), or was woken (`'wake'`). */
export interface PollStep extends OperationSeen {
  readonly type: 'arm' | 'wake';
  /** POLL*: what is already there, or what woke it. */
  readonly mask: number;
  /** POLL*: what it waits for. */
  readonly events: number | undefined;
}

/** An operation failed, and the next one of its chain is cancelled. */
export interface LinkCut extends OperationSeen {
  readonly type: 'cut';
  /** The operation that is cancelled, by `id`. */
  readonly next: number | undefined;
}

/** A completion found the queue full; its own record came right before. */
export interface Overflow extends OperationSeen {
  readonly type: 'overflow';
  readonly res: number;
}

/** A thread ran so much deferred work of its rings, or of this one. */
export interface TaskWork extends OperationSeen {
  readonly type: 'work';
  readonly count: number;
}

/** Who a process is, right before the first record that names it: where `who` was asked for. */
export interface ProcessSeen extends ProcessIdentity {
  readonly type: 'process';
}

/** What became of an operation. */
export type OperationStep =
  | Submission
  | Refusal
  | Completed
  | Punt
  | PollStep
  | LinkCut
  | Overflow
  | TaskWork;

/** What a trace of operations yields: `type` tells which. Calls only where they were asked for. */
export type OperationRecord =
  | OperationStep
  | ProcessSeen
  | RegisterCall
  | SetupCall
  | TraceStart
  | LostEvents
  | TraceEnd;
