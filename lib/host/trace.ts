/** Register calls of every process on this host, as they happen, by the kernel's tracing (tracefs). */
import { boolean, options } from '../../structs/check.ts';
import { opcodeByName, type RegisterCall } from './call.ts';
import { type CallPlan, callJob } from './trace/call-job.ts';
import type { KernelEvent } from './trace/events.ts';
import { findTracefs, removeStale } from './trace/instance.ts';
import { commonOptions, countOption, opcodeSet, optional } from './trace/options.ts';
import type { SetupCall, TraceRecord } from './trace/records.ts';
import { RecordStream } from './trace/stream.ts';

export type { LostEvents, SetupCall, TraceEnd, TraceRecord, TraceStart } from './trace/records.ts';

/** What `trace()` shows. Several conditions must all hold. */
export interface TraceOptions {
  /** Only these processes: all their threads, and what they start from now on. Needs the host's own process ids. */
  readonly pids?: readonly number[] | undefined;
  /** Only threads of this name: `*` stands for any text, `?` for any character. */
  readonly comm?: string | undefined;
  /** Only these opcodes, by number or name (`'REGISTER_BUFFERS'`). */
  readonly opcodes?: readonly (number | string)[] | undefined;
  /** Only calls that failed. */
  readonly failed?: boolean | undefined;
  /** Trace only events of io_uring itself: less is told, and system calls of other programs become no slower. */
  readonly light?: boolean | undefined;
  /** Also io_uring_setup(2): records of type `create`. */
  readonly setup?: boolean | undefined;
  /** Also who the process is: `process` of each call. By default not. Needs the host's own process ids. */
  readonly who?: boolean | undefined;
  /** KiB of the kernel's buffer for each cpu. By default 1024 to 8192: 64 MiB in all, where that is in between. */
  readonly bufferKb?: number | undefined;
  /** End by itself after so many register calls. */
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
  'light',
  'setup',
  'who',
  'bufferKb',
  'count',
  'signal',
  'tracefs',
] as const satisfies readonly (keyof TraceOptions)[];

export const MAX_OPCODE = 0x7fff_ffff;

function checked(given: TraceOptions): CallPlan & { readonly signal: AbortSignal | undefined } {
  options('options', given, OPTIONS);
  const { opcodes, failed, light, setup, who, count } = given;
  const numbers = (all: readonly (number | string)[]) =>
    opcodeSet(all, MAX_OPCODE, opcodeByName, 'an opcode of io_uring_register');
  return {
    ...commonOptions(given),
    opcodes: optional(opcodes, numbers),
    failed: boolean('options.failed', failed ?? false),
    light: boolean('options.light', light ?? false),
    setup: boolean('options.setup', setup ?? false),
    who: boolean('options.who', who ?? false),
    count: countOption(count),
  };
}

/**
 * A running trace, to be read with `for await`. It begins with the first `next()`; leaving the loop ends it and takes
 * everything back from the kernel. So does the process when it exits; what a killed one leaves, the next trace removes.
 */
export class Trace
  extends RecordStream<RegisterCall | SetupCall, KernelEvent>
  implements AsyncIterableIterator<TraceRecord, undefined>
{
  /** @internal */
  constructor(given: TraceOptions) {
    const { signal, ...plan } = checked(given);
    super(callJob(plan), signal);
  }
}

/**
 * Traces io_uring_register(2) in all processes of the host, or some. For root. Nothing blocks meanwhile: the kernel is
 * read in turns of 5 ms. Who reads records too slowly loses events, and is told exactly how many.
 *
 * While a full trace runs, every system call of the host takes up to 25 ns longer: keep it short, or `light`. The
 * addresses of rings in the kernel are not told: they are `'r1'`, `'r2'`.
 * @throws TypeError, RangeError wrong options; everything else is thrown by `next()`
 */
export function trace(given: TraceOptions = {}): Trace {
  return new Trace(given);
}

/**
 * Removes what traces that were killed have left in the kernel. Each trace does it when it starts.
 * @param tracefs where tracefs is mounted; by default what /proc/self/mounts says
 * @returns the names of the instances
 * @throws UnsupportedError, SyscallError as `trace()` does
 */
export async function removeStaleTraces(tracefs?: string): Promise<string[]> {
  return removeStale(tracefs ?? findTracefs());
}
