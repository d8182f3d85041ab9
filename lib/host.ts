/**
 * Seeing io_uring on a host: rings of all processes, register calls and operations as they happen, register calls from a
 * log, and why io_uring does not work here. Typed results, nothing printed.
 */
/// <reference lib="esnext.disposable" preserve="true" />

export {
  type AccountOptions,
  type AccountRecord,
  type AccountStream,
  type Accounts,
  accounts,
  type Latencies,
  type LatencyBucket,
  type OperationAccount,
  type OperationCounts,
  type RingAccount,
} from './host/accounts.ts';
export type { CallSource, NrArgsIs, RegisterCall } from './host/call.ts';
export type { DecodedRecord, DecodeStats, MalformedLine, OtherLine } from './host/decode/decoded.ts';
export type { SeccompAction, SeccompEvent } from './host/decode/records.ts';
export { type DecodeOptions, type Decoding, decode, type LogFormat } from './host/decode.ts';
export {
  type Check,
  type CheckName,
  type CheckStatus,
  type DiagnoseOptions,
  type Diagnosis,
  diagnose,
} from './host/diagnose.ts';
export type {
  ArmedPoll,
  NapiState,
  PendingCqe,
  PendingSqe,
  QueueState,
  RingState,
  SqThread,
  UserBuffer,
  UserFile,
  UserPersonality,
} from './host/fdinfo.ts';
export { type HostRing, type Inspection, type InspectOptions, inspect } from './host/inspect.ts';
export {
  type Completed,
  type LinkCut,
  type OperationOptions,
  type OperationRecord,
  type OperationStep,
  type OperationStepName,
  type Operations,
  type Overflow,
  operations,
  type PollStep,
  type ProcessSeen,
  type Punt,
  type Refusal,
  type Submission,
  type TaskWork,
} from './host/operations.ts';
export type { IoThread } from './host/proc.ts';
export {
  type LostEvents,
  removeStaleTraces,
  type SetupCall,
  type Trace,
  type TraceEnd,
  type TraceOptions,
  type TraceRecord,
  type TraceStart,
  trace,
} from './host/trace.ts';
export {
  type Allowance,
  type Condition,
  type Finding,
  RULE_FILE_SCHEMA,
  RULES,
  type Rule,
  RuleError,
  type RuleSet,
  ruleSet,
  type Severity,
  type Watch,
  type WatchOptions,
  type WatchRecord,
  watch,
} from './host/watch.ts';
export {
  type Ancestor,
  type Container,
  type ControlGroup,
  identify,
  type ProcessIdentity,
} from './host/who.ts';
