/** What a log is decoded to, and what is counted meanwhile. */
import type { RegisterCall } from '../call.ts';
import type { LoggedEnter, LoggedOperation, LoggedSetup, SeccompEvent } from './records.ts';

/** A line that names io_uring_register, or is a record of it, and can't be read. */
export interface MalformedLine {
  readonly type: 'malformed';
  /** Counted from 1. */
  readonly line: number;
  /** The line, of a very long one the first 2^20 characters. */
  readonly text: string;
}

/** A line about something else. */
export interface OtherLine {
  readonly type: 'other';
  /** Counted from 1. */
  readonly line: number;
  /** The line, of a very long one the first 2^20 characters. */
  readonly text: string;
}

/** `type` tells which: `'register'`, `'create'`, `'enter'`, `'operation'`, `'seccomp'`, `'malformed'`, `'other'`. */
export type DecodedRecord =
  | RegisterCall
  | LoggedSetup
  | LoggedEnter
  | LoggedOperation
  | SeccompEvent
  | MalformedLine
  | OtherLine;

/** What was read so far. Every line is counted once: `lines` is `used + other + malformed`. */
export interface DecodeStats {
  readonly lines: number;
  /** Lines that told of a call, or a part of it. */
  readonly used: number;
  readonly other: number;
  readonly malformed: number;
  /** Records of calls of io_uring_register(2). */
  readonly calls: number;
  /** Records of calls of io_uring_setup(2). */
  readonly setups: number;
  /** Records of calls of io_uring_enter(2). */
  readonly enters: number;
  /** Of all these: whose begin or end is not in the log. */
  readonly incomplete: number;
  /** Records of operations. */
  readonly operations: number;
  /** Records of seccomp. */
  readonly seccomp: number;
  /** Events that the log says were lost, of any kind. */
  readonly lostEvents: number;
}
