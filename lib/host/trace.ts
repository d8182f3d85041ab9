/** Register calls of every process on this host, as they happen, by the kernel's tracing (tracefs). */
import { boolean, integer, list, options, wrongType, wrongValue } from '../../structs/check.ts';
import { opcodeByName, type RegisterCall } from './call.ts';
import { type CallPlan, callJob } from './trace/call-job.ts';
import type { KernelEvent } from './trace/events.ts';
import { findTracefs, removeStale } from './trace/instance.ts';
import { defaultBufferKb, onlineCpus } from './trace/prepare.ts';
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
  'bufferKb',
  'count',
  'signal',
  'tracefs',
] as const satisfies readonly (keyof TraceOptions)[];

const MAX_BUFFER_KB = 1 << 20;
/** A comm has 15 bytes. */
const MAX_COMM = 64;
const MAX_OPCODE = 0x7fff_ffff;

function opcodeSet(opcodes: readonly (number | string)[]): ReadonlySet<number> {
  const values = list('options.opcodes', opcodes).map((each, i) => {
    const name = `options.opcodes[${i}]`;
    if (typeof each !== 'string') return integer(name, each, 0, MAX_OPCODE);
    const value = opcodeByName(each);
    if (value === undefined || value > MAX_OPCODE)
      throw wrongValue(name, 'an opcode of io_uring_register', each);
    return value;
  });
  if (values.length === 0) throw wrongValue('options.opcodes', 'at least one opcode', opcodes);
  return new Set(values);
}

function pidList(pids: readonly number[]): readonly number[] {
  const checked = list('options.pids', pids).map((pid, i) =>
    integer(`options.pids[${i}]`, pid, 1, 0x3f_ffff),
  );
  if (checked.length === 0) throw wrongValue('options.pids', 'at least one process', pids);
  return checked;
}

function text(name: string, value: string, most: number): string {
  if (typeof value !== 'string') throw wrongType(name, 'a string', value);
  if (value.length === 0 || value.length > most) throw wrongValue(name, `1 to ${most} characters`, value);
  return value;
}

function optional<T, U>(value: T | undefined, check: (value: T) => U): U | undefined {
  return value === undefined ? undefined : check(value);
}

function checked(given: TraceOptions): CallPlan & { readonly signal: AbortSignal | undefined } {
  options('options', given, OPTIONS);
  const { pids, comm, opcodes, failed, light, setup, bufferKb, count, signal, tracefs } = given;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw wrongType('options.signal', 'an AbortSignal', signal);
  }
  return {
    pids: optional(pids, pidList),
    comm: optional(comm, (value) => text('options.comm', value, MAX_COMM)),
    opcodes: optional(opcodes, opcodeSet),
    failed: boolean('options.failed', failed ?? false),
    light: boolean('options.light', light ?? false),
    setup: boolean('options.setup', setup ?? false),
    bufferKb: integer('options.bufferKb', bufferKb ?? defaultBufferKb(onlineCpus().length), 1, MAX_BUFFER_KB),
    count: count === undefined ? Number.POSITIVE_INFINITY : integer('options.count', count, 1, 2 ** 53 - 1),
    tracefs: optional(tracefs, (value) => text('options.tracefs', value, 4095)),
    signal,
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
