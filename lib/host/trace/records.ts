/** What a trace yields. */
import type { RegisterCall } from '../call.ts';

/** The first record: the kernel has begun to trace. */
export interface TraceStart {
  readonly type: 'start';
  /** Nanoseconds since 1970. */
  readonly timeNs: bigint;
  /** On the clock of `process.hrtime.bigint()`. */
  readonly monoNs: bigint;
  /**
   * `'light'` where only the events of io_uring itself are traced, because it was asked for or because the kernel has no
   * events for system calls: no fd, no argument, no duration, and nothing about calls that found no ring.
   */
  readonly mode: 'full' | 'light';
  /** The kernel's events that are traced: `'syscalls/sys_enter_io_uring_register'`. */
  readonly events: readonly string[];
  /** KiB of the kernel's buffer for each cpu. */
  readonly bufferKb: number;
  /** False in a container with its own process ids: `tid` is as the host has it, `pid` and `comm` are not known. */
  readonly pidNamespaceInitial: boolean;
}

/** A call of io_uring_setup(2). What was not seen is undefined. */
export interface SetupCall
  extends Pick<
    RegisterCall,
    | 'timeNs'
    | 'monoNs'
    | 'pid'
    | 'tid'
    | 'comm'
    | 'cpu'
    | 'ret'
    | 'errno'
    | 'durationNs'
    | 'ring'
    | 'complete'
    | 'process'
  > {
  readonly type: 'create';
  /** The new ring's fd, or its index in this thread with SETUP_REGISTERED_FD_ONLY. */
  readonly fd: number | undefined;
  /** How many entries were asked for. */
  readonly entries: number | undefined;
  readonly sqEntries: number | undefined;
  readonly cqEntries: number | undefined;
  /** IORING_SETUP_*. */
  readonly flags: number | undefined;
}

/** Events were lost, because nobody read the kernel's buffer in time. */
export interface LostEvents {
  readonly type: 'lost';
  readonly cpu: number;
  /** How many since the last such record of this cpu: exact. A call has up to three events. */
  readonly events: number;
  /** How many since the trace began, on all cpus. */
  readonly total: number;
}

/** The last record. */
export interface TraceEnd {
  readonly type: 'end';
  readonly timeNs: bigint;
  readonly monoNs: bigint;
  /** How many register records there were. */
  readonly calls: number;
  /** How many completions of operations were seen: only `operations()` looks at them. */
  readonly operations: number;
  /** How many of the calls, and of the create records, were not complete. */
  readonly incomplete: number;
  /** Events that were read. With `lostEvents` they are all that the kernel made. */
  readonly events: number;
  readonly lostEvents: number;
  /** Pages, events and counters of the kernel that were not understood. */
  readonly malformed: number;
}

/** What a trace yields: `type` tells which. */
export type TraceRecord = TraceStart | RegisterCall | SetupCall | LostEvents | TraceEnd;
