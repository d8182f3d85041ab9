/** A trace at work: from the kernel's pages to records, in short turns of the event loop. */
import { UnsupportedError } from '../../errors.ts';
import type { RegisterCall } from '../call.ts';
import { proc } from '../proc.ts';
import { Calls } from './calls.ts';
import { commPattern } from './filter.ts';
import { findTracefs, Instance, removeStale } from './instance.ts';
import { Merge } from './merge.ts';
import { ThreadNames } from './names.ts';
import { Pipes } from './pipes.ts';
import { inInitialPidNamespace, type Plan, type Prepared, prepare } from './prepare.ts';
import { RecordQueue } from './queue.ts';
import type { SetupCall, TraceRecord } from './records.ts';

/** A turn of the event loop takes so much at most. */
const TURN_PAGES = 64;
const TURN_MS = 5;
/** So many records may wait for the consumer. Then pages do; then the kernel's buffer fills, and counts what it loses. */
const HIGH_WATER = 1024;
/** How often the pipes are read. By a timer: a ring that polled them would be seen in the trace itself. */
const TICK_MS = 25;
/** Losses and new cpus are looked for every so many ticks. */
const TICKS_PER_CHECK = 40;

/** What a session is given. */
export interface SessionOptions extends Plan {
  readonly count: number;
  /** Where tracefs is; undefined to look for it. */
  readonly tracefs: string | undefined;
}

/** What times are relative to: the same moment on CLOCK_MONOTONIC, and since 1970. */
interface Clock {
  readonly baseNs: bigint;
  readonly baseTimeNs: bigint;
}

/** What there is once the kernel traces. */
interface Work {
  readonly instance: Instance;
  readonly pipes: Pipes;
  readonly merge: Merge;
  readonly calls: Calls;
  readonly clock: Clock;
}

/** One trace, from its start to its clean end. */
export class Session {
  readonly queue = new RecordQueue<TraceRecord>();
  readonly #options: SessionOptions;
  #state: 'starting' | 'running' | 'stopping' | 'draining' | 'over' = 'starting';
  #instance: Instance | undefined;
  #work: Work | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ticks = 0;
  #isScheduled = false;
  #isHeld = false;
  #calls = 0;
  #incomplete = 0;
  #lost = 0;
  /** Never rejects. */
  readonly #started: Promise<void>;
  #left: Promise<void> | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#started = this.#start().catch((error: unknown) => void this.fail(error));
  }

  async #start(): Promise<void> {
    const { tracefs = findTracefs(), bufferKb, pids } = this.#options;
    const pidNamespaceInitial = inInitialPidNamespace(proc.link('/proc/self/ns/pid'));
    if (pids !== undefined && !pidNamespaceInitial) {
      throw new UnsupportedError('options.pids', { why: "process ids here are not the host's" });
    }
    await removeStale(tracefs);
    const instance = await Instance.create(tracefs);
    this.#instance = instance;
    const prepared = await prepare(instance, this.#options);
    for (const event of prepared.events) await instance.write(`events/${event}/enable`, '1');
    if (this.#isOver()) return;
    const names = new ThreadNames(tracefs, pidNamespaceInitial ? '/proc' : undefined);
    const clock = { baseNs: process.hrtime.bigint(), baseTimeNs: BigInt(Date.now()) * 1_000_000n };
    // all events at once: no call shall be seen by half
    await instance.write('tracing_on', '1');
    const { light, events } = prepared;
    this.queue.push({
      type: 'start',
      timeNs: clock.baseTimeNs,
      monoNs: clock.baseNs,
      mode: light ? 'light' : 'full',
      events,
      bufferKb,
      pidNamespaceInitial,
    });
    if (this.#isOver()) return;
    this.#run(instance, prepared, names, clock);
  }

  #isOver(): boolean {
    return this.#state === 'over';
  }

  #run(instance: Instance, prepared: Prepared, names: ThreadNames, clock: Clock): void {
    const { comm, ...wanted } = this.#options;
    const pattern = comm === undefined || prepared.isCommFiltered ? undefined : commPattern(comm);
    const calls = new Calls(
      {
        ...wanted,
        ...clock,
        light: prepared.light,
        isWantedComm: (each) => pattern === undefined || (each !== undefined && pattern.test(each)),
        nameOf: (tid) => names.of(tid),
      },
      (record) => this.#take(record),
    );
    const merge = new Merge(prepared.readers, prepared.pageSize, clock.baseNs, {
      event: (event) => calls.take(event),
      gap: (cpu, time) => calls.gap(cpu, time),
    });
    merge.malformed = prepared.malformed;
    const pipes = new Pipes(instance);
    const work = { instance, pipes, merge, calls, clock };
    this.#work = work;
    this.#state = 'running';
    this.#takeInCpus(work);
    this.#timer = setInterval(() => this.#tick(work), TICK_MS);
    this.#schedule();
  }

  #take(record: RegisterCall | SetupCall): void {
    if (this.#calls === this.#options.count) return;
    if (!record.complete) this.#incomplete++;
    this.queue.push(record);
    if (record.type === 'register' && ++this.#calls === this.#options.count) void this.stop();
  }

  /** Goes on reading in the next turn of the event loop. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      const work = this.#work;
      if (work === undefined || this.#isOver()) return;
      try {
        this.#turn(work);
      } catch (error) {
        void this.fail(error);
      }
    });
  }

  #turn(work: Work): void {
    const { merge, calls, clock } = work;
    const kernel = merge.readAhead(TURN_PAGES);
    const isLast = this.#state === 'draining';
    const now = isLast ? Number.POSITIVE_INFINITY : Number(process.hrtime.bigint() - clock.baseNs);
    const until = performance.now() + TURN_MS;
    const found = merge.run(now, () => performance.now() < until && this.queue.size < HIGH_WATER);
    this.#isHeld = this.queue.size >= HIGH_WATER;
    if (this.#isHeld) {
      if (kernel === 'more' && !merge.isFull) this.#schedule();
    } else if (found !== 'empty') this.#schedule();
    else if (isLast) void this.#finish(work);
    else calls.sweep(now);
  }

  /** The next record. Work goes on when the consumer has taken all that there was. */
  next(): Promise<IteratorResult<TraceRecord, undefined>> {
    const record = this.queue.next();
    if (this.#isHeld && this.queue.size === 0) {
      this.#isHeld = false;
      this.#schedule();
    }
    return record;
  }

  #tick(work: Work): void {
    this.#schedule();
    if (++this.#ticks % TICKS_PER_CHECK !== 0 || this.#isHeld) return;
    this.#takeInCpus(work);
    this.#tellLosses(work);
  }

  #takeInCpus({ pipes, merge }: Work): void {
    for (const { cpu, read } of pipes.openNew()) merge.add(cpu, read);
  }

  #tellLosses({ pipes }: Work): void {
    for (const { cpu, events } of pipes.losses()) {
      this.#lost += events;
      this.queue.push({ type: 'lost', cpu, events, total: this.#lost });
    }
  }

  /** Ends the trace in the kernel. What was seen until then still comes, and then the record `end`. */
  async stop(): Promise<void> {
    await this.#started;
    const work = this.#work;
    if (this.#state !== 'running' || work === undefined) return;
    this.#state = 'stopping';
    try {
      await work.instance.write('tracing_on', '0');
      // waits for calls that are just writing an event
      await work.instance.write('events/enable', '0');
      if (this.#isOver()) return;
      this.#takeInCpus(work);
    } catch (error) {
      void this.fail(error);
      return;
    }
    work.merge.restart();
    this.#state = 'draining';
    this.#schedule();
  }

  async #finish(work: Work): Promise<void> {
    const { calls, merge, pipes, clock } = work;
    calls.finish();
    this.#tellLosses(work);
    const monoNs = process.hrtime.bigint();
    const end: TraceRecord = {
      type: 'end',
      timeNs: clock.baseTimeNs + monoNs - clock.baseNs,
      monoNs,
      calls: this.#calls,
      incomplete: this.#incomplete,
      events: merge.events,
      lostEvents: this.#lost,
      malformed: merge.malformed + pipes.malformed,
    };
    try {
      await this.#leave();
      this.queue.push(end);
      this.queue.end();
    } catch (error) {
      this.queue.fail(error);
    }
  }

  /** Stops at once, and takes everything away from the kernel. */
  #leave(): Promise<void> {
    this.#state = 'over';
    clearInterval(this.#timer);
    this.#left ??= this.#started.then(() => this.#instance?.remove());
    return this.#left;
  }

  /** Ends without the rest. */
  async return(): Promise<void> {
    this.queue.clear();
    await this.#leave();
    this.queue.clear();
    this.queue.end();
  }

  /** Ends with an error. */
  async fail(error: unknown): Promise<void> {
    if (this.#isOver()) return;
    // the first error is the one to tell
    await this.#leave().catch(() => {});
    this.queue.fail(error);
  }
}
