/** What `operations()` asks of a session: the stream of operations, with register calls beside it where they are wanted. */
import type { RegisterCall } from '../call.ts';
import { Calls } from '../trace/calls.ts';
import { commPattern } from '../trace/filter.ts';
import type { ThreadNames } from '../trace/names.ts';
import { addressOfRing } from '../trace/op-events.ts';
import type { SetupCall } from '../trace/records.ts';
import { Rings } from '../trace/rings.ts';
import type { Context, Interpreter, Job } from '../trace/session.ts';
import { Identities } from '../who.ts';
import { Members } from './members.ts';
import { type AnyEvent, type OperationPlan, prepareOperations, type ReadyOperations } from './prepare.ts';
import type { OperationStep, ProcessSeen } from './records.ts';
import { OperationStream } from './stream.ts';
import { Tracker } from './tracker.ts';

/** What a trace of operations is given. */
export interface StreamPlan extends OperationPlan {
  /** End after so many completions. */
  readonly count: number;
  /** Tells who a process is before it tells what it does. */
  readonly who: boolean;
}

type Streamed = OperationStep | ProcessSeen | RegisterCall | SetupCall;

/** Whose operations are wanted. */
export class Wanted {
  readonly #names: ThreadNames;
  readonly members: Members | undefined;
  readonly #comm: RegExp | undefined;

  constructor({ pids, comm }: Pick<OperationPlan, 'pids' | 'comm'>, names: ThreadNames) {
    this.#names = names;
    this.members = pids === undefined ? undefined : new Members(pids, names);
    this.#comm = comm === undefined ? undefined : commPattern(comm);
  }

  /** By its thread's name, or its process's: a submission thread has a name of its own. */
  has(tid: number): boolean {
    if (this.members !== undefined && !this.members.has(tid)) return false;
    const pattern = this.#comm;
    if (pattern === undefined) return true;
    const { pid, comm } = this.#names.of(tid);
    const ofProcess = pid === undefined || pid === tid ? undefined : this.#names.of(pid).comm;
    return [comm, ofProcess].some((each) => each !== undefined && pattern.test(each));
  }
}

/** So many processes are remembered. */
const MOST_TOLD = 65_536;

/** Joins the interpreters of operations and of calls. */
class Streaming implements Interpreter<AnyEvent> {
  readonly #context: Context<Streamed>;
  readonly #plan: StreamPlan;
  readonly #wanted: Wanted;
  readonly #stream: OperationStream;
  readonly #tracker: Tracker;
  readonly #calls: Calls;
  readonly #identities = new Identities();
  /** Processes that were told of. */
  readonly #told = new Set<number>();
  #operations = 0;
  #registered = 0;
  #incomplete = 0;

  constructor(plan: StreamPlan, { light, namesRequest }: ReadyOperations, context: Context<Streamed>) {
    const { names, clock } = context;
    const rings = new Rings();
    const nameOf = (tid: number) => names.of(tid);
    const wanted = new Wanted(plan, names);
    const isWanted = (tid: number): boolean => wanted.has(tid);
    this.#context = context;
    this.#plan = plan;
    this.#wanted = wanted;
    this.#stream = new OperationStream({ ...plan, ...clock, nameOf, rings, isWanted }, (record) =>
      this.#emit(record),
    );
    this.#tracker = new Tracker(namesRequest, this.#stream);
    this.#calls = new Calls(
      {
        ...{ ...clock, nameOf, rings, light, opcodes: undefined },
        failed: plan.failed,
        setup: plan.calls !== 'none',
        isWantedComm: () => true,
      },
      (call) => this.#emitCall(call),
    );
  }

  #emit(record: OperationStep): void {
    if (this.#operations === this.#plan.count) return;
    this.#tellWho(record.pid);
    this.#context.emit(record);
    if (record.type === 'complete' && ++this.#operations === this.#plan.count) this.#context.stop();
  }

  #emitCall(call: RegisterCall | SetupCall): void {
    if (this.#operations === this.#plan.count) return;
    if (call.tid !== undefined && !this.#wanted.has(call.tid)) return;
    if (call.type === 'register') this.#registered++;
    if (!call.complete) this.#incomplete++;
    this.#tellWho(call.pid);
    const isKnown = this.#plan.who && this.#context.isHostPids;
    this.#context.emit(isKnown ? { ...call, process: this.#identities.of(call.pid) } : call);
  }

  #tellWho(pid: number | undefined): void {
    if (!this.#plan.who || pid === undefined || this.#told.has(pid) || !this.#context.isHostPids) return;
    if (this.#told.size >= MOST_TOLD) this.#told.clear();
    this.#told.add(pid);
    const identity = this.#identities.of(pid);
    if (identity !== undefined) this.#context.emit({ type: 'process', ...identity });
  }

  take(event: AnyEvent): void {
    const { step } = event;
    // another process has a number that was somebody's before, or another program may: its ring is new
    if (step === 'ring' && event.call === 'setup') {
      this.#identities.forget(event.tid);
      this.#told.delete(event.tid);
    }
    if (step === 'fork') this.#wanted.members?.fork(event);
    else if (step === 'enter' || step === 'exit') this.#calls.take(event);
    else if (step !== 'ring') this.#tracker.take(event);
    else {
      if (event.call === 'setup') {
        this.#tracker.ringMade(addressOfRing(event.ctx), event.tid);
        this.#stream.ringMade(addressOfRing(event.ctx));
      }
      this.#calls.take(event);
    }
  }

  gap(cpu: number, time: number): void {
    this.#tracker.gap(time);
    this.#calls.gap(cpu, time);
  }

  sweep(time: number): void {
    this.#calls.sweep(time);
  }

  finish(): void {
    this.#calls.finish();
  }

  totals() {
    return { calls: this.#registered, incomplete: this.#incomplete, operations: this.#operations };
  }
}

/** Makes a trace of operations. */
export function streamJob(plan: StreamPlan): Job<Streamed, AnyEvent> {
  const { pids, bufferKb, tracefs } = plan;
  return {
    ...{ pids, bufferKb, tracefs },
    prepare: async (instance) => {
      const ready = await prepareOperations(instance, plan);
      return { ready, interpret: (context) => new Streaming(plan, ready, context) };
    },
  };
}
