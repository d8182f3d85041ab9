/** What `accounts()` asks of a session: events for latencies, and counts of the kernel's own where it has them. */
import { files } from '../../sys/host.ts';
import { addressOfRing } from '../trace/op-events.ts';
import { Rings } from '../trace/rings.ts';
import type { Context, Interpreter, Job } from '../trace/session.ts';
import { Identities } from '../who.ts';
import { Accounting, type OperationAccount, type RingAccount } from './accounts.ts';
import { type Counted, KernelCounters } from './counters.ts';
import { Wanted } from './job.ts';
import { type AnyEvent, type OperationPlan, prepareOperations, type ReadyOperations } from './prepare.ts';
import { Tracker } from './tracker.ts';

/** What accounts are given. */
export interface AccountPlan
  extends Pick<OperationPlan, 'pids' | 'comm' | 'opcodes' | 'bufferKb' | 'tracefs'> {
  readonly intervalMs: number;
  /** Lets the kernel count where it can. */
  readonly kernelCounts: boolean;
}

/** What rings did in an interval, and since the beginning. */
export interface Accounts {
  readonly type: 'accounts';
  /** The end of the interval: nanoseconds since 1970. */
  readonly timeNs: bigint;
  /** On the clock of `process.hrtime.bigint()`. */
  readonly monoNs: bigint;
  readonly intervalNs: number;
  /**
   * `'kernel'`: the kernel counts submissions, and completions and errors of rings, so that these are exact also where
   * events are lost. `'events'`: everything is counted from events, and is less than there was where events are lost.
   */
  readonly counted: 'kernel' | 'events';
  /** Events that were lost since the beginning: exact. */
  readonly lostEvents: number;
  /** Submissions that the kernel had no room to count. */
  readonly uncounted: number;
  readonly operations: readonly OperationAccount[];
  readonly rings: readonly RingAccount[];
}

const STEPS = ['submit', 'complete', 'punt', 'arm', 'cut', 'refuse', 'overflow'] as const;
/** A buffer of 8 MiB holds what a cpu makes in 50 ms at the highest rate. */
const ASK_EVERY_MS = 20;
/** More accounts than this are kept only of processes that live. */
const MANY = 4096;

class Keeping implements Interpreter<AnyEvent> {
  readonly #context: Context<Accounts>;
  readonly #intervalNs: number;
  readonly #wanted: Wanted;
  readonly #rings = new Rings();
  readonly #identities = new Identities();
  readonly #accounting: Accounting;
  readonly #tracker: Tracker;
  readonly #kernel: KernelCounters | undefined;
  /** What the kernel had counted when events began. */
  readonly #before = new Map<string, number>();
  #operations = 0;
  #lost = 0;
  #last = 0;
  #due: number;

  constructor(
    plan: AccountPlan,
    { namesRequest }: ReadyOperations,
    kernel: KernelCounters | undefined,
    context: Context<Accounts>,
  ) {
    const { names } = context;
    const wanted = new Wanted(plan, names);
    this.#context = context;
    this.#intervalNs = plan.intervalMs * 1e6;
    this.#due = this.#intervalNs;
    this.#wanted = wanted;
    this.#accounting = new Accounting({
      nameOf: (tid) => names.of(tid),
      whoIs: (pid) => (context.isHostPids ? this.#identities.of(pid) : undefined),
      rings: this.#rings,
      opcodes: plan.opcodes,
      isWanted: (tid) => wanted.has(tid),
    });
    this.#tracker = new Tracker(namesRequest, this.#accounting);
    this.#kernel = kernel;
    for (const what of ['submitted', 'refused', 'completed', 'failed'] as const) {
      for (const [key, count] of this.#counts(what)) this.#before.set(`${what} ${key}`, count);
    }
  }

  /** The kernel's counts by thread, ring and operation, as far as they have these. */
  #counts(what: Counted): [key: string, count: number, tid: number, ctx: number, opcode: number][] {
    const { counts = [] } = this.#kernel?.read(what) ?? {};
    return counts.map(({ tid, ctx, opcode, count }) => {
      const key = `${tid} ${ctx} ${opcode}`;
      return [key, count - (this.#before.get(`${what} ${key}`) ?? 0), tid, ctx, opcode];
    });
  }

  take(event: AnyEvent): void {
    if (event.time >= this.#due) this.#tell(event.time);
    const { step } = event;
    // a number that another process had before
    if (step === 'ring') this.#identities.forget(event.tid);
    if (step === 'fork') this.#wanted.members?.fork(event);
    else if (step === 'enter' || step === 'exit') return;
    else if (step === 'ring') {
      const ctx = addressOfRing(event.ctx);
      this.#tracker.ringMade(ctx, event.tid);
      // the kernel counts by address, and does not begin again for a ring at the address of a closed one
      if (this.#kernel !== undefined) return;
      this.#accounting.ringMade(ctx);
      this.#rings.made(event.ctx);
    } else {
      if (step === 'complete') this.#operations++;
      this.#tracker.take(event);
    }
  }

  gap(_cpu: number, time: number): void {
    this.#tracker.gap(time);
  }

  lost(events: number): void {
    this.#lost += events;
  }

  sweep(time: number): void {
    if (Number.isFinite(time) && time >= this.#due) this.#tell(time);
  }

  finish(): void {
    const { baseNs } = this.#context.clock;
    this.#tell(Number(process.hrtime.bigint() - baseNs));
  }

  /** Takes over what the kernel has counted, and returns how many it had no room for. */
  #takeKernelCounts(kernel: KernelCounters): number {
    for (const what of ['submitted', 'refused'] as const) {
      const sums = new Map<ReturnType<Accounting['row']>, number>();
      for (const [, count, tid, ctx, opcode] of this.#counts(what)) {
        const row = this.#accounting.row(ctx, tid, opcode);
        sums.set(row, (sums.get(row) ?? 0) + count);
      }
      for (const [row, sum] of sums) if (row !== undefined) row.kernel[what] = sum;
    }
    for (const row of this.#accounting.rows) {
      const { kernel: counted, seen, total, interval } = row;
      seen.submitted += interval.submitted;
      seen.refused += interval.refused;
      // what the kernel had no room for is counted from events
      interval.refused = Math.max(seen.refused, counted.refused) - total.refused;
      interval.submitted = Math.max(seen.submitted, counted.submitted + counted.refused) - total.submitted;
    }
    return kernel.read('submitted').dropped;
  }

  #ringAccounts(): RingAccount[] {
    if (this.#kernel === undefined) return this.#accounting.ringAccounts();
    const rings = new Map<number, { completed: number; errors: number }>();
    for (const [, completed, , ctx] of this.#counts('completed')) rings.set(ctx, { completed, errors: 0 });
    for (const [, errors, , ctx] of this.#counts('failed')) {
      const ring = rings.get(ctx);
      if (ring !== undefined) ring.errors = errors;
    }
    return [...rings].map(([ctx, counts]) => ({ ring: this.#rings.at(ctx), ...counts }));
  }

  #tell(time: number): void {
    const { clock, emit } = this.#context;
    const uncounted = this.#kernel === undefined ? 0 : this.#takeKernelCounts(this.#kernel);
    emit({
      type: 'accounts',
      timeNs: clock.baseTimeNs + BigInt(time),
      monoNs: clock.baseNs + BigInt(time),
      intervalNs: time - this.#last,
      counted: this.#kernel === undefined ? 'events' : 'kernel',
      lostEvents: this.#lost,
      uncounted,
      operations: this.#accounting.close(),
      rings: this.#ringAccounts(),
    });
    this.#last = time;
    this.#due = time + this.#intervalNs;
    if (this.#accounting.rows.size > MANY) {
      this.#accounting.forget((pid) => pid === undefined || !files.exists(`/proc/${pid}`));
    }
  }

  totals() {
    return { calls: 0, incomplete: 0, operations: this.#operations };
  }
}

/** Keeps accounts of operations. */
export function accountJob(given: AccountPlan): Job<Accounts, AnyEvent> {
  const { pids, bufferKb, tracefs } = given;
  const plan: OperationPlan = { ...given, failed: false, steps: new Set(STEPS), calls: 'none' };
  return {
    ...{ pids, bufferKb, tracefs, askEveryMs: ASK_EVERY_MS },
    prepare: async (instance) => {
      const ready = await prepareOperations(instance, plan);
      const kernel = given.kernelCounts ? await KernelCounters.start(instance) : undefined;
      return { ready, interpret: (context) => new Keeping(given, ready, kernel, context) };
    },
  };
}
