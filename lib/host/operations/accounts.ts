/** Adds up what becomes of operations, by process, ring and operation. */
import type { ThreadName } from '../trace/names.ts';
import type { OpEvent } from '../trace/op-events.ts';
import type { Rings } from '../trace/rings.ts';
import type { ProcessIdentity } from '../who.ts';
import { Histogram, type LatencyBucket } from './histogram.ts';
import { operationName } from './stream.ts';
import type { Flight, FlightSink, Landing } from './tracker.ts';

/** Latencies from the submission to the first completion, in nanoseconds. */
export interface Latencies {
  /** How many there are: a loss of events takes latencies away. */
  readonly count: number;
  readonly sumNs: number;
  readonly maxNs: number;
  /** Half of all, and 99 of 100, are not longer; within 2 %. */
  readonly p50Ns: number | undefined;
  readonly p99Ns: number | undefined;
  /** Each 3 % wide, those without any left out. */
  readonly buckets: readonly LatencyBucket[];
}

/** What operations did in some time. */
export interface OperationCounts {
  /** Entries that the kernel took or refused. */
  readonly submitted: number;
  /** Of these, refused. */
  readonly refused: number;
  /** Completions; a multishot operation has many. */
  readonly completed: number;
  /** Of these, below zero. */
  readonly errors: number;
  /** Ended without a completion, as SQE_CQE_SKIP_SUCCESS asked for. */
  readonly skipped: number;
  /** Went to a worker; waited for their file. */
  readonly punted: number;
  readonly armed: number;
  /** Failed, so that the next one of the chain was cancelled. */
  readonly cut: number;
  /** Completions that found the queue full. */
  readonly overflow: number;
  readonly latency: Latencies;
}

/** What one kind of operation did in one ring of one process. */
export interface OperationAccount {
  /** The process that submits; undefined where its thread was gone before anybody could ask. */
  readonly pid: number | undefined;
  readonly comm: string | undefined;
  /** Who it was when it was first seen. */
  readonly process: ProcessIdentity | undefined;
  /** Counted within one trace: `'r1'`. */
  readonly ring: string;
  /** Undefined for completions whose submission was not seen. */
  readonly opcode: number | undefined;
  readonly opcodeName: string | undefined;
  /** At the end of the interval, of those that were submitted since the trace began and since the last loss. */
  readonly inFlight: number;
  readonly total: OperationCounts;
  readonly interval: OperationCounts;
}

/** What a ring did as a whole, also where events were lost. */
export interface RingAccount {
  readonly ring: string;
  readonly completed: number;
  readonly errors: number;
}

/** The names of the counts. */
export const COUNTS = [
  ...['submitted', 'refused', 'completed', 'errors', 'skipped', 'punted', 'armed', 'cut', 'overflow'],
] as const satisfies readonly Exclude<keyof OperationCounts, 'latency'>[];

class Tally {
  submitted = 0;
  refused = 0;
  completed = 0;
  errors = 0;
  skipped = 0;
  punted = 0;
  armed = 0;
  cut = 0;
  overflow = 0;
  readonly latency = new Histogram();

  isEmpty(): boolean {
    return COUNTS.every((name) => this[name] === 0);
  }

  merge(other: Tally): void {
    for (const name of COUNTS) this[name] += other[name];
    this.latency.merge(other.latency);
  }

  counts(): OperationCounts {
    const { latency, ...counts } = { ...this };
    const { count, sumNs, maxNs } = latency;
    return {
      ...counts,
      latency: {
        ...{ count, sumNs, maxNs },
        p50Ns: latency.quantile(0.5),
        p99Ns: latency.quantile(0.99),
        buckets: [...latency.buckets()],
      },
    };
  }
}

/** One account at work. */
export interface Row {
  readonly pid: number | undefined;
  readonly tid: number;
  readonly ctx: number;
  readonly ring: string;
  readonly opcode: number;
  readonly process: ProcessIdentity | undefined;
  inFlight: number;
  readonly total: Tally;
  interval: Tally;
  /** What the kernel has counted until the last look. */
  kernel: { submitted: number; refused: number };
  /** What was counted from events, where the kernel counts too. */
  readonly seen: { submitted: number; refused: number };
}

/** The accounts of one process in one ring, by opcode; the last one for opcodes that are not known. */
type Rows = (Row | undefined)[];
const UNKNOWN = 256;

/** How the accounts are kept. */
export interface AccountOptions {
  readonly nameOf: (tid: number) => ThreadName;
  readonly whoIs: (pid: number | undefined) => ProcessIdentity | undefined;
  readonly rings: Rings;
  readonly opcodes: ReadonlySet<number> | undefined;
  readonly isWanted: (tid: number) => boolean;
}

/** Keeps accounts of what a Tracker finds. */
export class Accounting implements FlightSink {
  readonly #options: AccountOptions;
  /** By ring and thread; null for threads that nobody wants to know of. */
  readonly #rows = new Map<number, Map<number, Rows | null>>();
  readonly #all = new Set<Row>();
  /** Completions and errors of each ring. */
  readonly #rings = new Map<number, { completed: number; errors: number }>();

  constructor(options: AccountOptions) {
    this.#options = options;
  }

  get rows(): ReadonlySet<Row> {
    return this.#all;
  }

  /** The ring at this address is another one from now on. */
  ringMade(ctx: number): void {
    this.#rows.delete(ctx);
    this.#rings.delete(ctx);
  }

  /** The account of what this thread did in this ring; undefined where nobody wants to know. */
  row(ctx: number, tid: number, opcode: number): Row | undefined {
    const { opcodes } = this.#options;
    if (opcodes !== undefined && !opcodes.has(opcode)) return undefined;
    const rows = this.#rowsOf(ctx, tid);
    if (rows === null) return undefined;
    const index = opcode < 0 ? UNKNOWN : opcode;
    const found = rows[index];
    if (found !== undefined) return found;
    const { pid } = this.#options.nameOf(tid);
    const fresh: Row = {
      ...{ pid, tid, ctx, opcode },
      ring: this.#options.rings.at(ctx),
      process: this.#options.whoIs(pid),
      inFlight: 0,
      total: new Tally(),
      interval: new Tally(),
      kernel: { submitted: 0, refused: 0 },
      seen: { submitted: 0, refused: 0 },
    };
    rows[index] = fresh;
    this.#all.add(fresh);
    return fresh;
  }

  #rowsOf(ctx: number, tid: number): Rows | null {
    const byThread = this.#rows.get(ctx) ?? new Map<number, Rows | null>();
    const found = byThread.get(tid);
    if (found !== undefined) return found;
    this.#rows.set(ctx, byThread);
    const rows = this.#options.isWanted(tid) ? this.#rowsOfProcess(byThread, tid) : null;
    byThread.set(tid, rows);
    return rows;
  }

  /** All threads of a process have the same. */
  #rowsOfProcess(byThread: Map<number, Rows | null>, tid: number): Rows {
    const { pid } = this.#options.nameOf(tid);
    if (pid === undefined || pid === tid) return [];
    const rows = byThread.get(pid) ?? [];
    byThread.set(pid, rows);
    return rows;
  }

  #rowOf(flight: Flight | undefined, event: OpEvent, opcode = event.opcode): Row | undefined {
    if (flight !== undefined) return this.row(flight.ctx, flight.tid, flight.opcode);
    return event.ctx === 0 ? undefined : this.row(event.ctx, event.tid, opcode);
  }

  submitted(flight: Flight, event: OpEvent, isFollowed: boolean): void {
    const row = this.#rowOf(flight, event);
    if (row === undefined) return;
    row.interval.submitted++;
    if (flight.isRefused) row.interval.refused++;
    if (isFollowed) row.inFlight++;
  }

  completed({ flight, opcode, latency, hasMore, isOverflow }: Landing, event: OpEvent): void {
    const isError = event.value < 0;
    const ring = this.#ring(event.ctx);
    ring.completed++;
    if (isError) ring.errors++;
    const row = this.#rowOf(flight, event, opcode);
    if (row === undefined) return;
    const { interval } = row;
    interval.completed++;
    if (isError) interval.errors++;
    if (isOverflow) interval.overflow++;
    if (latency !== undefined) interval.latency.add(latency);
    if (!hasMore && opcode >= 0 && row.inFlight > 0) row.inFlight--;
  }

  #ring(ctx: number): { completed: number; errors: number } {
    const found = this.#rings.get(ctx);
    if (found !== undefined) return found;
    const fresh = { completed: 0, errors: 0 };
    this.#rings.set(ctx, fresh);
    return fresh;
  }

  passed(flight: Flight | undefined, event: OpEvent): void {
    const row = this.#rowOf(flight, event);
    if (row === undefined) return;
    if (event.step === 'punt') row.interval.punted++;
    else if (event.step === 'arm') row.interval.armed++;
    else if (event.step === 'cut') row.interval.cut++;
  }

  overflowed(event: OpEvent): void {
    const row = this.row(event.ctx, event.tid, -1);
    if (row !== undefined) row.interval.overflow++;
  }

  ended(flight: Flight, how: 'skipped' | 'unseen'): void {
    const row = this.row(flight.ctx, flight.tid, flight.opcode);
    if (row === undefined) return;
    if (how === 'skipped') row.interval.skipped++;
    if (row.inFlight > 0) row.inFlight--;
  }

  forgotten(): void {
    for (const row of this.#all) row.inFlight = 0;
  }

  /** What the rings did, by what was read. */
  ringAccounts(): RingAccount[] {
    return [...this.#rings].map(([ctx, counts]) => ({ ring: this.#options.rings.at(ctx), ...counts }));
  }

  /** Ends the interval: what every account did in it, and since the beginning. */
  close(): OperationAccount[] {
    const accounts: OperationAccount[] = [];
    for (const row of this.#all) {
      const { pid, tid, ring, opcode, inFlight, total, interval } = row;
      total.merge(interval);
      accounts.push({
        pid,
        comm: this.#options.nameOf(pid ?? tid).comm,
        process: row.process,
        ring,
        opcode: opcode < 0 ? undefined : opcode,
        opcodeName: opcode < 0 ? undefined : operationName(opcode),
        inFlight,
        total: total.counts(),
        interval: interval.counts(),
      });
      row.interval = new Tally();
    }
    return accounts;
  }

  /** Forgets accounts of processes that are gone. */
  forget(isGone: (pid: number | undefined) => boolean): void {
    for (const row of this.#all) {
      if (!row.interval.isEmpty() || !isGone(row.pid)) continue;
      this.#all.delete(row);
      const byThread = this.#rows.get(row.ctx);
      byThread?.delete(row.tid);
      if (byThread?.size === 0) this.#rows.delete(row.ctx);
    }
  }
}
