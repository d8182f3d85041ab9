/** What `uring report` puts together: a host over a moment. */
import { type Accounts, accounts } from '../host/accounts.ts';
import type { RegisterCall } from '../host/call.ts';
import { type Diagnosis, diagnose } from '../host/diagnose.ts';
import { type Inspection, inspect } from '../host/inspect.ts';
import { type SetupCall, trace } from '../host/trace.ts';
import { type Finding, watch } from '../host/watch.ts';
import { Identities, type ProcessIdentity } from '../host/who.ts';
import { stopOnSignal } from './following.ts';
import { asFailure, type Failure } from './kit.ts';
import type { Launched } from './launch.ts';
import { remarksOf } from './ps.ts';
import { type RingRow, ringRows } from './ps-rings.ts';
import { Summary } from './trace-summary.ts';

/** So many calls are kept; all are counted. */
const MOST_CALLS = 1000;
/** Between two looks at the rings: milliseconds, and so many times what a look takes. */
const LOOK_MS = 1000;
const LOOK_SHARE = 10;
/** KiB for each cpu: there are few register calls, and few operations that rules ask for. */
const SMALL_BUFFER_KB = 1024;

/** What is asked for. */
export interface Wanted {
  /** Undefined until the command ends. */
  readonly seconds: number | undefined;
  readonly command: Launched | undefined;
  /** Also calls that reach no ring. */
  readonly full: boolean;
  readonly bufferKb: number | undefined;
}

/** A host over a moment. */
export interface Observed {
  readonly date: Date;
  readonly seconds: number;
  readonly diagnosis: Diagnosis;
  /** Every ring that was seen, as it was at the last look. */
  readonly rings: readonly RingRow[];
  /** Undefined where the kernel's tracing can't be had. */
  readonly accounts: Accounts | undefined;
  readonly calls: readonly (RegisterCall | SetupCall)[];
  readonly summary: Summary;
  /** Calls that are counted, and not in `calls`. */
  readonly callsLeftOut: number;
  readonly findings: readonly Finding[];
  /** What could not be seen, in words. */
  readonly unseen: readonly string[];
  readonly lostEvents: number;
  readonly who: Identities;
  /** All that have or had a ring, by pid. */
  readonly processes: readonly ProcessIdentity[];
  /** Was nothing seen, since processes may not be looked into, and the kernel's tracing can't be had? */
  readonly isForbidden: boolean;
}

/** A stream that has begun, and what it yields from now on. */
interface Begun {
  readonly stop: () => void;
  readonly leave: () => Promise<unknown>;
  readonly drained: () => Promise<void>;
}

async function begun<R>(
  stream: AsyncIterableIterator<R> & { stop(): void },
  take: (record: R) => void,
): Promise<Begun> {
  // the first record comes when the kernel traces
  await stream.next();
  return {
    stop: () => stream.stop(),
    leave: async () => stream.return?.(),
    drained: async () => {
      for await (const record of stream) take(record);
    },
  };
}

/** Gathers what is seen. */
class Gathering {
  readonly #rows = new Map<string | number, RingRow>();
  readonly #processes = new Map<number, ProcessIdentity>();
  readonly who = new Identities();
  readonly summary = new Summary();
  readonly calls: (RegisterCall | SetupCall)[] = [];
  readonly findings: Finding[] = [];
  readonly unseen: string[] = [];
  callsLeftOut = 0;
  accounts: Accounts | undefined;
  lostEvents = 0;
  isTraced = true;
  #before: { readonly at: number; readonly rings: Inspection['rings'] } | undefined;
  #last: Inspection | undefined;

  /** Looks at the rings; how long that took. */
  look(): number {
    const begin = performance.now();
    const found = inspect();
    const earlier = this.#before !== undefined && begin - this.#before.at >= 200 ? this.#before.rings : [];
    for (const row of ringRows(found.rings, earlier)) {
      const { ino, pid, fd } = row.ring;
      this.#rows.set(ino ?? `${pid}:${fd}`, row);
      for (const holder of row.holders) this.#notice(this.who.of(holder.pid));
    }
    this.#before = { at: begin, rings: found.rings };
    this.#last = found;
    return performance.now() - begin;
  }

  #notice(process: ProcessIdentity | undefined): void {
    if (process !== undefined && !this.#processes.has(process.pid)) this.#processes.set(process.pid, process);
  }

  call(call: RegisterCall | SetupCall): void {
    this.summary.add(call);
    this.#notice(call.process);
    if (this.calls.length < MOST_CALLS) this.calls.push(call);
    else this.callsLeftOut++;
  }

  finding(finding: Finding): void {
    this.findings.push(finding);
    this.#notice(finding.process);
  }

  account(record: Accounts): void {
    this.accounts = record;
    for (const { process } of record.operations) this.#notice(process);
  }

  /** The kernel's tracing can't be had. */
  untraced(failure: Failure): void {
    this.isTraced = false;
    this.unseen.push(`operations, register calls and findings: ${failure.message}`);
  }

  observed(seconds: number, diagnosis: Diagnosis): Observed {
    const { unreadable = 0, hidden = false } = this.#last ?? {};
    const rings = [...this.#rows.values()];
    const busy = rings.filter(({ ring }) => ring.busy).length;
    const remarks = remarksOf(unreadable, hidden, busy);
    const lost = this.lostEvents === 0 ? [] : [`${this.lostEvents} events, which were lost`];
    const { who, summary, calls, callsLeftOut, findings, lostEvents } = this;
    return {
      ...{ date: new Date(), seconds, diagnosis, rings, accounts: this.accounts },
      ...{ who, summary, calls, callsLeftOut, findings, lostEvents },
      unseen: [...this.unseen, ...remarks, ...lost],
      processes: [...this.#processes.values()].sort((a, b) => a.pid - b.pid),
      isForbidden: !this.isTraced && rings.length === 0 && (unreadable > 0 || hidden),
    };
  }
}

/** Begins to trace: operations added up, calls, and what rules say. Nothing of it stays where one part fails. */
async function beginTracing(to: Gathering, { full, bufferKb, command }: Wanted): Promise<readonly Begun[]> {
  const pids = command === undefined ? undefined : [command.pid];
  const small = bufferKb ?? SMALL_BUFFER_KB;
  const all: Begun[] = [];
  const ended = (record: { readonly lostEvents: number; readonly malformed: number }): void => {
    to.lostEvents += record.lostEvents + record.malformed;
  };
  try {
    all.push(
      // all of it is shown at the end
      await begun(accounts({ pids, bufferKb, intervalMs: 3_600_000 }), (record) => {
        if (record.type === 'accounts') to.account(record);
        if (record.type === 'end') ended(record);
      }),
      await begun(trace({ pids, light: !full, setup: true, who: true, bufferKb: small }), (record) => {
        if (record.type === 'register' || record.type === 'create') to.call(record);
        if (record.type === 'end') ended(record);
      }),
      await begun(watch({ calls: full ? 'full' : 'light', bufferKb: small }), (record) => {
        if (record.type === 'finding') to.finding(record);
        if (record.type === 'end') ended(record);
      }),
    );
    return all;
  } catch (error) {
    await Promise.all(all.map(({ leave }) => leave()));
    const failure = asFailure(error);
    if (failure === undefined) throw error;
    to.untraced(failure);
    return [];
  }
}

/** What is shown while it goes on. */
export type Progress = (seconds: number, findings: number) => void;

/** Looks again and again, until the time is over, the command has ended, or somebody wants us to end. */
async function untilEnd(to: Gathering, wanted: Wanted, tell: Progress): Promise<number> {
  const begin = performance.now();
  const passed = (): number => (performance.now() - begin) / 1000;
  const { seconds, command } = wanted;
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const release = stopOnSignal({ stop: end });
  const timer = seconds === undefined ? undefined : setTimeout(end, seconds * 1000);
  let next: NodeJS.Timeout | undefined;
  const look = (): void => {
    next = setTimeout(look, Math.max(LOOK_MS, LOOK_SHARE * to.look()));
    tell(passed(), to.findings.length);
  };
  look();
  command?.go();
  void command?.exited.then(end);
  await ended;
  clearTimeout(timer);
  clearTimeout(next);
  release();
  return passed();
}

/**
 * Looks at the host. What can't be seen is left out, and said.
 * @param tell is called about once a second
 */
export async function observe(wanted: Wanted, tell: Progress): Promise<Observed> {
  // before the trace: it makes rings to try them
  const diagnosis = await diagnose({ observe: true });
  const to = new Gathering();
  const streams = await beginTracing(to, wanted);
  const drained = Promise.all(streams.map((each) => each.drained()));
  // told of where it is awaited
  drained.catch(() => {});
  let seconds = 0;
  try {
    seconds = await untilEnd(to, wanted, tell);
    to.look();
    for (const { stop } of streams) stop();
    await drained;
  } finally {
    await Promise.all(streams.map(({ leave }) => leave()));
  }
  return to.observed(seconds, diagnosis);
}
