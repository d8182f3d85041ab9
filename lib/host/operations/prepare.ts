/** Tells an instance which events of operations to trace. */
import { SyscallError, UnsupportedError } from '../../errors.ts';
import { files, kernelRelease } from '../../sys/host.ts';
import type { EventReader, KernelEvent } from '../trace/events.ts';
import type { Instance } from '../trace/instance.ts';
import { OP_SOURCES, type OpEvent, type OpReader, type OpStep } from '../trace/op-events.ts';
import { callEvents, loadEvents, pageSizeOf, prepareBuffers, type Ready } from '../trace/prepare.ts';
import { FORK_PATH, type ForkEvent, forkReader } from './members.ts';

const ESRCH = 3;
/** They tell when an operation begins: without them there is nothing to follow. */
const BEGINNINGS: readonly OpStep[] = ['submit', 'refuse'];
/** They tell when it ends. Only who wants beginnings alone does without: it halves the events. */
const ENDINGS: readonly OpStep[] = ['complete', 'overflow'];

/** Every event that a session of operations may get. */
export type AnyEvent = KernelEvent | OpEvent | ForkEvent;

/** Which operations are wanted. */
export interface OperationPlan {
  /** Only these processes, and what they start. */
  readonly pids: readonly number[] | undefined;
  /** `*` stands for any text, `?` for any character. */
  readonly comm: string | undefined;
  readonly opcodes: ReadonlySet<number> | undefined;
  /** Only completions below zero, and refusals. */
  readonly failed: boolean;
  /** What is told of an operation. */
  readonly steps: ReadonlySet<OpStep>;
  /** Also register and setup calls; `'light'` without the events of system calls. */
  readonly calls: 'none' | 'light' | 'full';
  readonly bufferKb: number;
  readonly tracefs: string | undefined;
}

/** An instance that only has to be switched on. */
export interface ReadyOperations extends Ready<AnyEvent> {
  /** Completions of this kernel name their request. */
  readonly namesRequest: boolean;
}

interface Loaded {
  readonly path: string;
  readonly step: OpStep;
  readonly reader: OpReader;
}

/** The filter of an event, in the kernel's words; undefined for none. */
export function operationFilter(
  { step, reader }: Pick<Loaded, 'step' | 'reader'>,
  { opcodes, failed }: Pick<OperationPlan, 'opcodes' | 'failed'>,
): string | undefined {
  const parts: string[] = [];
  if (opcodes !== undefined && reader.hasOpcode) {
    parts.push(`(${[...opcodes].map((value) => `opcode == ${value}`).join(' || ')})`);
  }
  // a submission thread that looks for work runs none, a million times a second
  if (step === 'work') parts.push('count > 0');
  if (failed && (step === 'complete' || step === 'overflow')) parts.push('res < 0');
  return parts.length === 0 ? undefined : parts.join(' && ');
}

async function operationEvents(
  instance: Instance,
  plan: OperationPlan,
): Promise<{ readonly loaded: readonly Loaded[]; readonly malformed: number }> {
  const hasEndings = [...plan.steps].some((step) => !BEGINNINGS.includes(step));
  const needed = hasEndings ? [...BEGINNINGS, ...ENDINGS] : BEGINNINGS;
  const wanted = OP_SOURCES.filter(({ step }) => needed.includes(step) || plan.steps.has(step));
  const { loaded, malformed } = await loadEvents(instance, wanted);
  const least = hasEndings ? ['submit', 'complete'] : ['submit'];
  if (!least.every((step) => loaded.some((each) => each.step === step))) {
    throw new UnsupportedError('trace events of operations', {
      why: 'this kernel has none, or none that can be understood',
      kernel: kernelRelease,
    });
  }
  for (const event of loaded) {
    const filter = operationFilter(event, plan);
    // what the kernel can't leave out is left out later
    if (filter !== undefined) await instance.offer(`events/${event.path}/filter`, filter);
  }
  return { loaded, malformed };
}

/** Forks tell which processes the wanted ones start. */
async function forkEvents(instance: Instance, pids: readonly number[]): Promise<EventReader<ForkEvent>[]> {
  for (const pid of pids) {
    if (files.exists(`/proc/${pid}`)) continue;
    throw new SyscallError('open', ESRCH, { hint: `there is no process ${pid}` }, `/proc/${pid}`);
  }
  const reader = forkReader((await instance.read(`events/${FORK_PATH}/format`)) ?? '');
  return reader === undefined ? [] : [reader];
}

/** Writes everything but the switch. Throws SyscallError (ESRCH for a pid that is gone) and UnsupportedError. */
export async function prepareOperations(instance: Instance, plan: OperationPlan): Promise<ReadyOperations> {
  await prepareBuffers(instance, plan.bufferKb);
  const { loaded, malformed } = await operationEvents(instance, plan);
  // without calls, too: a ring that is made at the address of an earlier one is another ring
  const calls = await callEvents(instance, plan.calls);
  const forks = plan.pids === undefined ? [] : await forkEvents(instance, plan.pids);
  return {
    light: calls.light,
    events: [
      ...loaded.map(({ path }) => path),
      ...calls.chosen.map(({ path }) => path),
      ...forks.map(() => FORK_PATH),
    ],
    readers: [...loaded.map(({ reader }) => reader), ...calls.chosen.map(({ reader }) => reader), ...forks],
    pageSize: await pageSizeOf(instance),
    malformed: malformed + calls.malformed,
    namesRequest: loaded.some(({ step, reader }) => step === 'complete' && reader.hasRequest),
  };
}
