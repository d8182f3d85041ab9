/** Operations of every ring on this host, as they happen, by the kernel's tracing (tracefs). */
import { boolean, options, wrongType, wrongValue } from '../../structs/check.ts';
import { ops } from '../../structs/ops.ts';
import type { RegisterCall } from './call.ts';
import { type StreamPlan, streamJob } from './operations/job.ts';
import type { AnyEvent } from './operations/prepare.ts';
import type { OperationRecord, OperationStep, ProcessSeen } from './operations/records.ts';
import type { OpStep } from './trace/op-events.ts';
import { commonOptions, countOption, opcodeSet, optional } from './trace/options.ts';
import type { SetupCall } from './trace/records.ts';
import { RecordStream } from './trace/stream.ts';

export type {
  Completed,
  LinkCut,
  OperationRecord,
  OperationStep,
  Overflow,
  PollStep,
  ProcessSeen,
  Punt,
  Refusal,
  Submission,
  TaskWork,
} from './operations/records.ts';

/** What can become of an operation: see the records of the same `type`. */
export type OperationStepName = OpStep;

/** What `operations()` shows. Several conditions must all hold. */
export interface OperationOptions {
  /**
   * Only these processes, and what they start from now on. Needs the host's own process ids. Others' events are left out
   * here, not in the kernel: it can't follow a process into its workers and submission threads.
   */
  readonly pids?: readonly number[] | undefined;
  /** Only threads or processes of this name: `*` stands for any text, `?` for any character. */
  readonly comm?: string | undefined;
  /** Only these operations, by number or name (`'OP_READ'`). Their submissions are chosen in the kernel. */
  readonly opcodes?: readonly (number | string)[] | undefined;
  /** Only what failed: completions below zero, chosen in the kernel, refused entries, cut chains and overflows. */
  readonly failed?: boolean | undefined;
  /** Which records are wanted; by default all. `'work'` and `'wake'` come several times for an operation. */
  readonly steps?: readonly OperationStepName[] | undefined;
  /** Also io_uring_setup(2) and io_uring_register(2): see `trace()`. `'light'` traces no system calls. By default none. */
  readonly calls?: 'none' | 'light' | 'full' | undefined;
  /** Also a record `process` before the first one of each process: who it is. By default not. */
  readonly who?: boolean | undefined;
  /** KiB of the kernel's buffer for each cpu. By default 1024 to 8192: 64 MiB in all, where that is in between. */
  readonly bufferKb?: number | undefined;
  /** End by itself after so many completions. */
  readonly count?: number | undefined;
  /** Ends the trace with an AbortError. To get what was seen until then, use `stop()`. */
  readonly signal?: AbortSignal | undefined;
  /** Where tracefs is mounted; by default what /proc/self/mounts says. */
  readonly tracefs?: string | undefined;
}

const OPTIONS = [
  'pids',
  'comm',
  'opcodes',
  'failed',
  'steps',
  'calls',
  'who',
  'bufferKb',
  'count',
  'signal',
  'tracefs',
] as const satisfies readonly (keyof OperationOptions)[];

export const MAX_OPERATION = 255;
/** Everything that can be told of an operation. */
export const STEPS = [
  'submit',
  'complete',
  'punt',
  'arm',
  'wake',
  'cut',
  'refuse',
  'overflow',
  'work',
] as const satisfies readonly OpStep[];
const CALLS = ['none', 'light', 'full'] as const;

/** The value of an operation by what people write: a number, or its name with or without IORING_ and OP_. */
export function operationByName(text: string): number | undefined {
  if (/^(?:0x[0-9a-f]+|\d+)$/i.test(text)) return Number(text);
  const name = text.toUpperCase().replace(/^(?:IORING_)?(?:OP_)?/, 'OP_');
  return ops.find((each) => each.name === name)?.value;
}

/** Checks names and numbers of operations. */
export function operationSet(names: readonly (number | string)[]): ReadonlySet<number> {
  return opcodeSet(names, MAX_OPERATION, operationByName, 'an operation');
}

function stepSet(steps: readonly OpStep[]): ReadonlySet<OpStep> {
  if (!Array.isArray(steps)) throw wrongType('options.steps', 'an array', steps);
  const wrong = steps.findIndex((each) => !STEPS.includes(each));
  if (wrong >= 0) throw wrongValue(`options.steps[${wrong}]`, STEPS.join(', '), steps[wrong]);
  return new Set(steps);
}

function checked(given: OperationOptions): StreamPlan & { readonly signal: AbortSignal | undefined } {
  options('options', given, OPTIONS);
  const { opcodes, failed, steps, calls = 'none', who, count } = given;
  if (!CALLS.includes(calls)) throw wrongValue('options.calls', CALLS.join(', '), calls);
  return {
    ...commonOptions(given),
    opcodes: optional(opcodes, operationSet),
    failed: boolean('options.failed', failed ?? false),
    steps: stepSet(steps ?? STEPS),
    calls,
    who: boolean('options.who', who ?? false),
    count: countOption(count),
  };
}

/**
 * A running trace of operations, to be read with `for await`. It begins with the first `next()`; leaving the loop ends
 * it and takes everything back from the kernel.
 */
export class Operations
  extends RecordStream<OperationStep | ProcessSeen | RegisterCall | SetupCall, AnyEvent>
  implements AsyncIterableIterator<OperationRecord, undefined>
{
  /** @internal */
  constructor(given: OperationOptions) {
    const { signal, ...plan } = checked(given);
    super(streamJob(plan), signal);
  }
}

/**
 * Traces the operations of all rings on the host, or some: what is submitted, how long it takes, what comes of it, what
 * goes to workers. For root, since Linux 5.10. The kernel tells neither paths nor addresses, nor what is written.
 *
 * Events that were lost are counted exactly, by the record `lost`. After a loss operations that were in flight have no
 * latency, and neither do operations of which two with the same user_data are in flight in kernels before 5.18 or so,
 * which do not tell the request of a completion. A completion without `opcode` is one whose submission was not seen.
 * @throws TypeError, RangeError wrong options; everything else is thrown by `next()`
 * @example
 * for await (const each of operations({ failed: true, count: 10 })) {
 *   if (each.type === 'complete') console.log(each.comm, each.opcodeName, each.errno, each.latencyNs);
 * }
 */
export function operations(given: OperationOptions = {}): Operations {
  return new Operations(given);
}
