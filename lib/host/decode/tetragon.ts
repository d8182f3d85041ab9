/** Events of Tetragon's tracing policies, as JSON: kprobes of the system calls, and their tracepoints. */
import { at, idOf, integerOf, listOf, textOf, timeOf } from './json.ts';
import { exact } from './numbers.ts';
import {
  callOf,
  type Known,
  MALFORMED,
  OpenCalls,
  OTHER,
  type Reader,
  type Reading,
  registersOf,
  syscallNamed,
  type UringSyscall,
  used,
} from './records.ts';

/** Of `sys_enter_io_uring_setup`, or `__x64_sys_io_uring_setup`. */
function syscallOf(text: string): UringSyscall | undefined {
  return syscallNamed(/^(?:__\w+_)?sys_(?:enter_|exit_)?(io_uring_\w+)$/.exec(text)?.[1]);
}

/** `{ int_arg: 3 }`, `{ size_arg: '1' }`: the value under its type. */
function argumentValue(item: unknown): bigint | undefined {
  if (typeof item !== 'object' || item === null) return undefined;
  return integerOf(Object.entries(item).find(([key]) => /_arg$|Arg$/.test(key))?.[1]);
}

function whoOf(event: unknown, timeNs: bigint | undefined): Known {
  const process = at(event, 'process');
  const binary = textOf(at(process, 'binary'));
  return {
    timeNs,
    pid: idOf(at(process, 'pid')),
    tid: idOf(at(process, 'tid')),
    comm: binary?.slice(binary.lastIndexOf('/') + 1),
  };
}

/** A policy says which arguments are told; only all of them, in their order, say which is which. */
function argumentsIn(event: unknown, syscall: UringSyscall): Known | undefined {
  const values = listOf(at(event, 'args')).map(argumentValue);
  const wanted = syscall === 'io_uring_setup' ? 1 : 4;
  if (values.length >= wanted) return registersOf(syscall, values);
  if (syscall === 'io_uring_setup' || values.length < 2) return undefined;
  // fd and opcode are the first two, whatever of the rest was left out
  const known = registersOf(syscall, [values[0], values[1], 0n, 0n]);
  return known && { ...known, arg: undefined, nrArgs: undefined, minComplete: undefined, flags: undefined };
}

function resultIn(value: unknown): number | undefined {
  const result = argumentValue(value);
  return result === undefined ? undefined : exact(BigInt.asIntN(64, result));
}

export class Tetragon implements Pick<Reader, 'end'> {
  readonly #open = new OpenCalls();

  readonly json = (value: unknown): Reading | undefined => {
    const timeNs = timeOf(at(value, 'time'));
    const kprobe = at(value, 'process_kprobe') ?? at(value, 'processKprobe');
    const tracepoint = at(value, 'process_tracepoint') ?? at(value, 'processTracepoint');
    if (kprobe !== undefined) return this.#kprobe(kprobe, timeNs);
    if (tracepoint !== undefined) return this.#tracepoint(tracepoint, timeNs);
    return at(value, 'process_exec') === undefined && at(value, 'process_exit') === undefined
      ? undefined
      : OTHER;
  };

  end() {
    return this.#open.end();
  }

  #kprobe(event: unknown, timeNs: bigint | undefined): Reading {
    const syscall = syscallOf(textOf(at(event, 'function_name') ?? at(event, 'functionName')) ?? '');
    if (syscall === undefined) return OTHER;
    const known = argumentsIn(event, syscall);
    if (known === undefined) return MALFORMED;
    const ret = resultIn(at(event, 'return'));
    const complete = ret !== undefined;
    return used(callOf(syscall, 'tetragon', { ...whoOf(event, timeNs), ...known, ret, complete }));
  }

  #tracepoint(event: unknown, timeNs: bigint | undefined): Reading {
    const name = textOf(at(event, 'event')) ?? '';
    const syscall = syscallOf(name);
    if (syscall === undefined) return OTHER;
    const who = whoOf(event, timeNs);
    const thread = who.tid ?? who.pid;
    if (name.startsWith('sys_enter_')) {
      const known = argumentsIn(event, syscall);
      if (known === undefined) return MALFORMED;
      return used(...this.#open.begin(thread, { syscall, source: 'tetragon', known: { ...who, ...known } }));
    }
    const ret = resultIn(listOf(at(event, 'args'))[0]);
    if (ret === undefined) return MALFORMED;
    const begun = this.#open.finish(thread, syscall);
    const known = begun === undefined ? { ...who, complete: false } : { ...begun.known, complete: true };
    return used(callOf(syscall, 'tetragon', { ...known, ret }));
  }
}
