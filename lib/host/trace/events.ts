/** The six events that a trace reads, and what is read of each. */
import { type EventFormat, parseFormat } from './format.ts';

/** Where and when an event was. */
export interface Seen {
  /** Nanoseconds since the trace's `baseNs`. */
  readonly time: number;
  readonly cpu: number;
  /** As the kernel's first pid namespace has it. */
  readonly tid: number;
}

/** io_uring_register(2) began. */
export interface RegisterEnter extends Seen {
  readonly step: 'enter';
  readonly call: 'register';
  readonly fd: number;
  /** As the program passed it: with IORING_REGISTER_USE_REGISTERED_RING. */
  readonly opcode: number;
  readonly arg: bigint;
  readonly nrArgs: number;
}

/** io_uring_register(2) found its ring and is done. Not told for calls without a ring. */
export interface RegisterRing extends Seen {
  readonly step: 'ring';
  readonly call: 'register';
  /** The ring's address in the kernel. It must not leave the trace. */
  readonly ctx: bigint;
  readonly opcode: number;
  readonly nrFiles: number;
  readonly nrBufs: number;
  readonly ret: number;
}

/** io_uring_setup(2) began. */
export interface SetupEnter extends Seen {
  readonly step: 'enter';
  readonly call: 'setup';
  readonly entries: number;
}

/** io_uring_setup(2) made a ring. */
export interface SetupRing extends Seen {
  readonly step: 'ring';
  readonly call: 'setup';
  /** The ring's address in the kernel. It must not leave the trace. */
  readonly ctx: bigint;
  readonly fd: number;
  readonly sqEntries: number;
  readonly cqEntries: number;
  readonly flags: number;
}

/** One of the calls returned. */
export interface Exit extends Seen {
  readonly step: 'exit';
  readonly call: 'register' | 'setup';
  readonly ret: number;
}

/** An event of the kernel. */
export type KernelEvent = RegisterEnter | RegisterRing | SetupEnter | SetupRing | Exit;

/** How an event of this kernel is read. */
export interface EventReader<E = KernelEvent> {
  readonly id: number;
  /** So many bytes an event has at least. */
  readonly length: number;
  readonly read: (view: DataView, offset: number, time: number, cpu: number) => E;
}

/** An event that the kernel may have, under one of several names. */
export interface Source<R extends EventReader<unknown>> {
  /** Its folders in `events`; the first that there is counts. */
  readonly paths: readonly string[];
  /** By its `format` file; undefined where that is not understood. */
  readonly load: (format: string) => R | undefined;
}

/** An event about a call. */
export interface EventSource extends Source<EventReader> {
  readonly step: KernelEvent['step'];
  readonly call: KernelEvent['call'];
}

/** Reads one event: `at` is where its fields are. */
type Read<Name extends string, E> = (
  view: DataView,
  offset: number,
  at: EventFormat<Name>['at'],
  time: number,
  cpu: number,
) => E;

function source<Name extends string, E extends KernelEvent>(
  path: string,
  step: E['step'],
  call: E['call'],
  fields: { readonly [name in Name]: 4 | 8 },
  read: Read<Name | 'common_pid', E>,
): EventSource {
  const load = (text: string): EventReader | undefined => {
    const format = parseFormat(text, { ...fields, common_pid: 4 });
    if (format === undefined) return undefined;
    const { id, length, at } = format;
    return { id, length, read: (view, offset, time, cpu) => read(view, offset, at, time, cpu) };
  };
  return { paths: [path], step, call, load };
}

const exit = (path: string, call: Exit['call']): EventSource =>
  source<'ret', Exit>(path, 'exit', call, { ret: 4 }, (view, offset, at, time, cpu) => ({
    step: 'exit',
    call,
    time,
    cpu,
    tid: view.getInt32(offset + at.common_pid, true),
    ret: view.getInt32(offset + at.ret, true),
  }));

/** All of them. Fields of system calls are 8 bytes wide whatever their type; the low half is the value. */
export const SOURCES: readonly EventSource[] = [
  source(
    'syscalls/sys_enter_io_uring_register',
    'enter',
    'register',
    { fd: 4, opcode: 4, arg: 8, nr_args: 4 },
    (view, offset, at, time, cpu) => ({
      step: 'enter',
      call: 'register',
      time,
      cpu,
      tid: view.getInt32(offset + at.common_pid, true),
      fd: view.getInt32(offset + at.fd, true),
      opcode: view.getUint32(offset + at.opcode, true),
      arg: view.getBigUint64(offset + at.arg, true),
      nrArgs: view.getUint32(offset + at.nr_args, true),
    }),
  ),
  exit('syscalls/sys_exit_io_uring_register', 'register'),
  source(
    'io_uring/io_uring_register',
    'ring',
    'register',
    { ctx: 8, opcode: 4, nr_files: 4, nr_bufs: 4, ret: 4 },
    (view, offset, at, time, cpu) => ({
      step: 'ring',
      call: 'register',
      time,
      cpu,
      tid: view.getInt32(offset + at.common_pid, true),
      ctx: view.getBigUint64(offset + at.ctx, true),
      opcode: view.getUint32(offset + at.opcode, true),
      nrFiles: view.getUint32(offset + at.nr_files, true),
      nrBufs: view.getUint32(offset + at.nr_bufs, true),
      ret: view.getInt32(offset + at.ret, true),
    }),
  ),
  source(
    'syscalls/sys_enter_io_uring_setup',
    'enter',
    'setup',
    { entries: 4 },
    (view, offset, at, time, cpu) => ({
      step: 'enter',
      call: 'setup',
      time,
      cpu,
      tid: view.getInt32(offset + at.common_pid, true),
      entries: view.getUint32(offset + at.entries, true),
    }),
  ),
  exit('syscalls/sys_exit_io_uring_setup', 'setup'),
  source(
    'io_uring/io_uring_create',
    'ring',
    'setup',
    { ctx: 8, fd: 4, sq_entries: 4, cq_entries: 4, flags: 4 },
    (view, offset, at, time, cpu) => ({
      step: 'ring',
      call: 'setup',
      time,
      cpu,
      tid: view.getInt32(offset + at.common_pid, true),
      ctx: view.getBigUint64(offset + at.ctx, true),
      fd: view.getInt32(offset + at.fd, true),
      sqEntries: view.getUint32(offset + at.sq_entries, true),
      cqEntries: view.getUint32(offset + at.cq_entries, true),
      flags: view.getUint32(offset + at.flags, true),
    }),
  ),
];
