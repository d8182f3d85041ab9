/** What rings do, added up: by process, ring and operation. */
import { boolean, integer, options } from '../../structs/check.ts';
import { type AccountPlan, type Accounts, accountJob } from './operations/account-job.ts';
import type { AnyEvent } from './operations/prepare.ts';
import { operationSet } from './operations.ts';
import { commonOptions, optional } from './trace/options.ts';
import type { LostEvents, TraceEnd, TraceStart } from './trace/records.ts';
import { RecordStream } from './trace/stream.ts';

export type { Accounts } from './operations/account-job.ts';
export type { Latencies, OperationAccount, OperationCounts, RingAccount } from './operations/accounts.ts';
export type { LatencyBucket } from './operations/histogram.ts';

/** What `accounts()` adds up. */
export interface AccountOptions {
  /** Only these processes, and what they start from now on. Needs the host's own process ids. */
  readonly pids?: readonly number[] | undefined;
  /** Only threads or processes of this name: `*` stands for any text, `?` for any character. */
  readonly comm?: string | undefined;
  /** Only these operations, by number or name (`'OP_READ'`). */
  readonly opcodes?: readonly (number | string)[] | undefined;
  /** So often there is a record: milliseconds, 1000 by default. */
  readonly intervalMs?: number | undefined;
  /** Lets the kernel itself count where it can (CONFIG_HIST_TRIGGERS): exact at any rate. By default true. */
  readonly kernelCounts?: boolean | undefined;
  /** KiB of the kernel's buffer for each cpu. By default 1024 to 8192: 64 MiB in all, where that is in between. */
  readonly bufferKb?: number | undefined;
  /** Ends it with an AbortError. To get what was seen until then, use `stop()`. */
  readonly signal?: AbortSignal | undefined;
  /** Where tracefs is mounted; by default what /proc/self/mounts says. */
  readonly tracefs?: string | undefined;
}

const OPTIONS = [
  'pids',
  'comm',
  'opcodes',
  'intervalMs',
  'kernelCounts',
  'bufferKb',
  'signal',
  'tracefs',
] as const satisfies readonly (keyof AccountOptions)[];

const LEAST_INTERVAL_MS = 10;
const MOST_INTERVAL_MS = 86_400_000;

/** What accounts yield: `type` tells which. `end` comes right after the last `accounts`. */
export type AccountRecord = Accounts | TraceStart | LostEvents | TraceEnd;

function checked(given: AccountOptions): AccountPlan & { readonly signal: AbortSignal | undefined } {
  options('options', given, OPTIONS);
  const { opcodes, intervalMs = 1000, kernelCounts } = given;
  return {
    ...commonOptions(given),
    opcodes: optional(opcodes, operationSet),
    intervalMs: integer('options.intervalMs', intervalMs, LEAST_INTERVAL_MS, MOST_INTERVAL_MS),
    kernelCounts: boolean('options.kernelCounts', kernelCounts ?? true),
  };
}

/** Running accounts, to be read with `for await`. They begin with the first `next()`; leaving the loop ends them. */
export class AccountStream
  extends RecordStream<Accounts, AnyEvent>
  implements AsyncIterableIterator<AccountRecord, undefined>
{
  /** @internal */
  constructor(given: AccountOptions) {
    const { signal, ...plan } = checked(given);
    super(accountJob(plan), signal);
  }
}

/**
 * Adds up the operations of all rings on the host, or some: how many, how many failed, how long they took, what is in
 * flight, what went to workers. For root, since Linux 5.10.
 *
 * An operation costs the program that makes it 0.2 to 0.4 us of CPU time, and us some 1 us. Where that is too much events
 * are lost: `lostEvents` says how many, and where the kernel counts (`counted`) the numbers of
 * submissions stay exact. Latencies are never guessed: those that a loss makes unsure are left out.
 *
 * Where the kernel counts, a ring at the address of one that was closed goes by the closed one's name.
 * @throws TypeError, RangeError wrong options; everything else is thrown by `next()`, as by `operations()`
 * @example
 * for await (const each of accounts({ intervalMs: 5000 })) {
 *   if (each.type !== 'accounts') continue;
 *   for (const { comm, opcodeName, interval } of each.operations) console.log(comm, opcodeName, interval.submitted);
 * }
 */
export function accounts(given: AccountOptions = {}): AccountStream {
  return new AccountStream(given);
}
