/** What `trace()` asks of a session: register calls, and what becomes records of them. */
import type { RegisterCall } from '../call.ts';
import { Identities } from '../who.ts';
import { Calls } from './calls.ts';
import type { KernelEvent } from './events.ts';
import { commPattern } from './filter.ts';
import type { Instance } from './instance.ts';
import { type Plan, prepare } from './prepare.ts';
import type { SetupCall } from './records.ts';
import { Rings } from './rings.ts';
import type { Context, Interpreter, Job } from './session.ts';

/** What a trace of calls is given. */
export interface CallPlan extends Plan {
  /** End after so many register calls. */
  readonly count: number;
  /** Tells with each call who made it. */
  readonly who: boolean;
  readonly tracefs: string | undefined;
}

type Call = RegisterCall | SetupCall;

/** Counts calls on their way, and ends the session after the last one that is wanted. */
class CallCounter {
  readonly #context: Context<Call>;
  readonly #most: number;
  /** Undefined where it is not to be told who calls. */
  readonly identities: Identities | undefined;
  calls = 0;
  incomplete = 0;

  constructor(context: Context<Call>, { count, who }: CallPlan) {
    this.#context = context;
    this.#most = count;
    this.identities = who && context.isHostPids ? new Identities() : undefined;
  }

  emit(record: Call): void {
    if (this.calls === this.#most) return;
    if (!record.complete) this.incomplete++;
    const { identities } = this;
    this.#context.emit(identities === undefined ? record : { ...record, process: identities.of(record.pid) });
    if (record.type === 'register' && ++this.calls === this.#most) this.#context.stop();
  }
}

/** Makes a trace of calls. */
export function callJob(plan: CallPlan): Job<Call, KernelEvent> {
  const { pids, bufferKb, tracefs } = plan;
  const start = async (instance: Instance) => {
    const ready = await prepare(instance, plan);
    const { light, isCommFiltered } = ready;
    const pattern = plan.comm === undefined || isCommFiltered ? undefined : commPattern(plan.comm);
    const interpret = (context: Context<Call>): Interpreter<KernelEvent> => {
      const counter = new CallCounter(context, plan);
      const calls = new Calls(
        {
          ...plan,
          ...context.clock,
          light,
          isWantedComm: (each) => pattern === undefined || (each !== undefined && pattern.test(each)),
          nameOf: (tid) => context.names.of(tid),
          rings: new Rings(),
        },
        (record) => counter.emit(record),
      );
      return {
        take: (event) => {
          // a new ring may be that of another program, or of another process with a number that was somebody's before
          if (event.step === 'ring' && event.call === 'setup') counter.identities?.forget(event.tid);
          calls.take(event);
        },
        gap: (cpu, time) => calls.gap(cpu, time),
        sweep: (time) => calls.sweep(time),
        finish: () => calls.finish(),
        totals: () => ({ calls: counter.calls, incomplete: counter.incomplete, operations: 0 }),
      };
    };
    return { ready, interpret };
  };
  return { pids, bufferKb, tracefs, prepare: start };
}
