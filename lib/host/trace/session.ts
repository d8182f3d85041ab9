/** A trace at work: from the kernel's pages to records, in short turns of the event loop. */
import { UnsupportedError } from '../../errors.ts';
import { inInitialPidNamespace } from '../../sys/host.ts';
import { findTracefs, Instance, removeStale } from './instance.ts';
import { Merge } from './merge.ts';
import { ThreadNames } from './names.ts';
import { Pipes } from './pipes.ts';
import type { Ready } from './prepare.ts';
import { RecordQueue } from './queue.ts';
import type { LostEvents, TraceEnd, TraceStart } from './records.ts';

/** A turn of the event loop takes so much at most. */
const TURN_PAGES = 64;
const TURN_MS = 5;
/** So many records may wait for the consumer. Then pages do; then the kernel's buffer fills, and counts what it loses. */
const HIGH_WATER = 1024;
/** How often the pipes are read. By a timer: a ring that polled them would be seen in the trace itself. */
const TICK_MS = 25;
/** Losses and new cpus are looked for every so many ticks. */
const TICKS_PER_CHECK = 40;

/** What times are relative to: the same moment on CLOCK_MONOTONIC, and since 1970. */
export interface Clock {
  readonly baseNs: bigint;
  readonly baseTimeNs: bigint;
}

/** Makes records of events, which come in the order of time. */
export interface Interpreter<E> {
  readonly take: (event: E) => void;
  /** Events of the cpu were lost before `time`, and after all that came until now. */
  readonly gap: (cpu: number, time: number) => void;
  /** Nothing more comes that was before `time`. */
  readonly sweep: (time: number) => void;
  /** Nothing more comes. */
  readonly finish: () => void;
  /** So many events were lost, on whichever cpu, since the last look: there is one every second, and one at the end. */
  readonly lost?: (events: number) => void;
  /** What is told at the end. */
  readonly totals: () => Pick<TraceEnd, 'calls' | 'operations' | 'incomplete'>;
}

/** What an interpreter works with. */
export interface Context<R> {
  readonly clock: Clock;
  readonly names: ThreadNames;
  readonly instance: Instance;
  /** Process ids of the kernel's tracing are those of our /proc. */
  readonly isHostPids: boolean;
  readonly emit: (record: R) => void;
  /** Ends the session in good order. */
  readonly stop: () => void;
}

/** What a session does: which events it asks the kernel for, and what becomes of them. */
export interface Job<R, E> {
  /** Only these processes; needs their numbers to be the host's. */
  readonly pids: readonly number[] | undefined;
  readonly bufferKb: number;
  /** Where tracefs is; undefined to look for it. */
  readonly tracefs: string | undefined;
  /**
   * Milliseconds after which the kernel is asked again, instead of being told of events: that wakes us for each single
   * one, which costs the program that makes it more than all the rest.
   */
  readonly askEveryMs?: number | undefined;
  /** Writes everything but the switch. */
  readonly prepare: (
    instance: Instance,
  ) => Promise<{ readonly ready: Ready<E>; readonly interpret: (context: Context<R>) => Interpreter<E> }>;
}

/** What there is once the kernel traces. */
interface Work<E> {
  readonly instance: Instance;
  readonly pipes: Pipes;
  readonly merge: Merge<E>;
  readonly interpreter: Interpreter<E>;
  readonly clock: Clock;
}

/** What every session tells. */
type Told = TraceStart | LostEvents | TraceEnd;

/** One trace, from its start to its clean end. */
export class Session<R, E> {
  readonly queue = new RecordQueue<R | Told>();
  readonly #job: Job<R, E>;
  #state: 'starting' | 'running' | 'stopping' | 'draining' | 'over' = 'starting';
  #instance: Instance | undefined;
  #work: Work<E> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ticks = 0;
  #isScheduled = false;
  #isHeld = false;
  #lost = 0;
  /** Never rejects. */
  readonly #started: Promise<void>;
  #left: Promise<void> | undefined;

  constructor(job: Job<R, E>) {
    this.#job = job;
    this.#started = this.#start().catch((error: unknown) => void this.fail(error));
  }

  async #start(): Promise<void> {
    const { tracefs = findTracefs(), bufferKb, pids } = this.#job;
    const pidNamespaceInitial = inInitialPidNamespace() === true;
    if (pids !== undefined && !pidNamespaceInitial) {
      throw new UnsupportedError('options.pids', { why: "process ids here are not the host's" });
    }
    await removeStale(tracefs);
    const instance = await Instance.create(tracefs);
    this.#instance = instance;
    const { ready, interpret } = await this.#job.prepare(instance);
    for (const event of ready.events) await instance.write(`events/${event}/enable`, '1');
    if (this.#isOver()) return;
    const names = new ThreadNames(tracefs, pidNamespaceInitial ? '/proc' : undefined);
    const clock = { baseNs: process.hrtime.bigint(), baseTimeNs: BigInt(Date.now()) * 1_000_000n };
    // all events at once: no call shall be seen by half
    await instance.write('tracing_on', '1');
    const { light, events } = ready;
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
    const interpreter = interpret({
      ...{ clock, names, instance, isHostPids: pidNamespaceInitial },
      emit: (record) => this.queue.push(record),
      stop: () => void this.stop(),
    });
    this.#run(instance, ready, interpreter, clock);
  }

  #isOver(): boolean {
    return this.#state === 'over';
  }

  #run(instance: Instance, ready: Ready<E>, interpreter: Interpreter<E>, clock: Clock): void {
    const merge = new Merge(ready.readers, ready.pageSize, clock.baseNs, {
      event: (event) => interpreter.take(event),
      gap: (cpu, time) => interpreter.gap(cpu, time),
    });
    merge.malformed = ready.malformed;
    const pipes = new Pipes(instance);
    const work = { instance, pipes, merge, interpreter, clock };
    this.#work = work;
    this.#state = 'running';
    this.#takeInCpus(work);
    this.#timer = setInterval(() => this.#tick(work), this.#job.askEveryMs ?? TICK_MS);
    this.#schedule();
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

  #turn(work: Work<E>): void {
    const { merge, interpreter, clock } = work;
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
    else interpreter.sweep(now);
  }

  /** The next record. Work goes on when the consumer has taken all that there was. */
  next(): Promise<IteratorResult<R | Told, undefined>> {
    const record = this.queue.next();
    if (this.#isHeld && this.queue.size === 0) {
      this.#isHeld = false;
      this.#schedule();
    }
    return record;
  }

  #tick(work: Work<E>): void {
    this.#schedule();
    if (++this.#ticks % TICKS_PER_CHECK !== 0 || this.#isHeld) return;
    this.#takeInCpus(work);
    this.#tellLosses(work);
  }

  #takeInCpus({ pipes, merge }: Work<E>): void {
    for (const { cpu, read } of pipes.openNew()) merge.add(cpu, read);
  }

  #tellLosses({ pipes, interpreter }: Work<E>): void {
    for (const { cpu, events } of pipes.losses()) {
      this.#lost += events;
      interpreter.lost?.(events);
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

  async #finish(work: Work<E>): Promise<void> {
    const { interpreter, merge, pipes, clock } = work;
    this.#tellLosses(work);
    interpreter.finish();
    const monoNs = process.hrtime.bigint();
    const end: TraceEnd = {
      type: 'end',
      timeNs: clock.baseTimeNs + monoNs - clock.baseNs,
      monoNs,
      ...interpreter.totals(),
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
