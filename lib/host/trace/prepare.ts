/** Tells an instance what to trace. */
import { SyscallError, UnsupportedError } from '../../errors.ts';
import { files, kernelRelease } from '../../sys/host.ts';
import { numbersIn } from '../proc.ts';
import { type EventReader, type EventSource, type KernelEvent, SOURCES, type Source } from './events.ts';
import { kernelFilter, type Wanted } from './filter.ts';
import { parseCpuList, parsePageSize } from './format.ts';
import type { Instance } from './instance.ts';

const ESRCH = 3;
const PAGE_SIZE = 4096;

/** The cpus that run. */
export function onlineCpus(): number[] {
  return parseCpuList(files.read('/sys/devices/system/cpu/online') ?? '0');
}

/** KiB for each cpu: 64 MiB in all, but not too little for a burst, nor more than one needs. */
export function defaultBufferKb(cpus: number): number {
  return Math.min(Math.max(Math.floor(65536 / cpus), 1024), 8192);
}

/** What shall be traced. */
export interface Plan extends Wanted {
  readonly pids: readonly number[] | undefined;
  readonly light: boolean;
  readonly setup: boolean;
  readonly bufferKb: number;
}

/** An instance that only has to be switched on. */
export interface Ready<E> {
  readonly light: boolean;
  readonly events: readonly string[];
  readonly readers: readonly EventReader<E>[];
  /** Bytes of a page. */
  readonly pageSize: number;
  /** Formats that were not understood. */
  readonly malformed: number;
}

/** The same for calls. */
export interface Prepared extends Ready<KernelEvent> {
  /** The kernel leaves out other comms: it knows them at the time of the call, we only afterwards. */
  readonly isCommFiltered: boolean;
}

/** How an event that this kernel has is found and read. */
interface Readable<R> {
  readonly path: string;
  readonly reader: R;
}

/** The events that this kernel has, and how many it describes in a way that we don't understand. */
export async function loadEvents<R extends EventReader<unknown>, S>(
  instance: Instance,
  sources: readonly (S & Source<R>)[],
): Promise<{ loaded: (S & Readable<R>)[]; malformed: number }> {
  const loaded: (S & Readable<R>)[] = [];
  let malformed = 0;
  for (const source of sources) {
    for (const path of source.paths) {
      const format = await instance.read(`events/${path}/format`);
      if (format === undefined) continue;
      const reader = source.load(format);
      if (reader === undefined) malformed++;
      else loaded.push({ ...source, path, reader });
      break;
    }
  }
  return { loaded, malformed };
}

/** An event about a call that this kernel has. */
export type Loaded = EventSource & Readable<EventReader>;

/** Those of them that the plan needs. */
function chooseEvents(
  all: readonly Loaded[],
  plan: Pick<Plan, 'light' | 'setup'>,
): { light: boolean; chosen: Loaded[] } {
  const hasCalls = (call: Loaded['call']) =>
    ['enter', 'exit'].every((step) => all.some((each) => each.step === step && each.call === call));
  const light = plan.light || !hasCalls('register');
  const chosen = all.filter(({ step, call }) => {
    // also without `setup`: a ring that is made at the address of an earlier one is another ring
    if (step === 'ring') return true;
    return !light && (call === 'register' || (plan.setup && hasCalls('setup')));
  });
  if (!chosen.some(({ call }) => call === 'register')) {
    throw new UnsupportedError('trace events of io_uring_register', {
      why: 'this kernel has none, or none that can be understood',
      kernel: kernelRelease,
    });
  }
  return { light, chosen };
}

/** Events of calls, chosen from those that this kernel has. */
export interface CallEvents {
  readonly light: boolean;
  readonly chosen: readonly Loaded[];
  /** Formats that were not understood. */
  readonly malformed: number;
}

/** The events of all calls; `'none'` for that which tells of a new ring. */
export async function callEvents(instance: Instance, which: 'none' | 'light' | 'full'): Promise<CallEvents> {
  const { loaded, malformed } = await loadEvents(instance, SOURCES);
  if (which !== 'none')
    return { ...chooseEvents(loaded, { light: which === 'light', setup: true }), malformed };
  const chosen = loaded.filter(({ step, call }) => step === 'ring' && call === 'setup');
  return { light: true, chosen, malformed };
}

/** Limits the instance to processes, their threads, and what these start. */
async function followPids(instance: Instance, pids: readonly number[]): Promise<void> {
  await instance.write('options/event-fork', '1');
  for (const pid of pids) {
    const done = new Set<number>();
    // what a thread starts before its own number is written is not followed: look again until there is nothing new
    for (;;) {
      const tids = numbersIn(`/proc/${pid}/task`);
      const fresh = tids.filter((tid) => !done.has(tid));
      if (fresh.length === 0) break;
      await instance.write('set_event_pid', `${fresh.join(' ')}\n`, 'a');
      for (const tid of fresh) done.add(tid);
    }
    if (done.size === 0) {
      throw new SyscallError('open', ESRCH, { hint: `there is no process ${pid}` }, `/proc/${pid}/task`);
    }
  }
}

/** What every trace sets in its instance. */
export async function prepareBuffers(instance: Instance, bufferKb: number): Promise<void> {
  await instance.write('tracing_on', '0');
  await instance.write('buffer_size_kb', `${bufferKb}`);
  await instance.write('trace_clock', 'mono');
  // by default a reader is told only when half of a buffer is full; old kernels tell always
  await instance.offer('buffer_percent', '0');
  // remembers the processes of threads that have ended
  await instance.offer('options/record-tgid', '1');
}

/** Bytes of a page of the instance's buffers. */
export async function pageSizeOf(instance: Instance): Promise<number> {
  return parsePageSize((await instance.read('events/header_page')) ?? '') ?? PAGE_SIZE;
}

/** Writes everything but the switch. Throws SyscallError (ESRCH for a pid that is gone) and UnsupportedError. */
export async function prepare(instance: Instance, plan: Plan): Promise<Prepared> {
  await prepareBuffers(instance, plan.bufferKb);
  const { loaded, malformed } = await loadEvents(instance, SOURCES);
  const { light, chosen } = chooseEvents(loaded, plan);
  let isCommFiltered = plan.comm !== undefined;
  for (const event of chosen) {
    const filter = kernelFilter(event, plan);
    const isAccepted = filter !== undefined && (await instance.offer(`events/${event.path}/filter`, filter));
    if (!isAccepted || !filter.includes('comm ~')) isCommFiltered = false;
  }
  if (plan.pids !== undefined) await followPids(instance, plan.pids);
  return {
    light,
    events: chosen.map(({ path }) => path),
    readers: chosen.map(({ reader }) => reader),
    pageSize: await pageSizeOf(instance),
    isCommFiltered,
    malformed,
  };
}
