/**
 * Text of the kernel's own tracing: `trace`, `trace_pipe`. A call begins, may tell its ring, and returns: up to three
 * lines of one thread.
 */
import { describeOpcode, opcodeByName, type RegisterCall } from '../call.ts';
import { count, exact, hex, integer, secondsNs } from './numbers.ts';
import {
  after,
  argumentsOf,
  type Known,
  MALFORMED,
  OTHER,
  type Reader,
  type Reading,
  registerCall,
  used,
  Waiting,
} from './records.ts';

/** Where an event begins. A thread's name is too short to have it. */
const EVENT = /sys_io_uring_register(?:\(| -> )|io_uring_register: ring /;
/** What stands before: comm, tid, perhaps tgid, cpu, perhaps flags, seconds. */
const CONTEXT = /^(.*)-(\d+) +(?:\( *(\d+|-+)\) +)?\[(\d+)\] +(?:[^\s\d]\S* +)?(\d+\.\d+): +$/s;
// numbers of arguments are hexadecimal, before 6.18 without 0x
const ENTER = /^sys_io_uring_register\(fd: (\w+), opcode: (\w+), arg: (\w+), nr_args: (\w+)\)\s*$/;
const EXIT = /^sys_io_uring_register -> (\w+)\s*$/;
// until 5.17 there was one number more
const RING =
  /^io_uring_register: ring (\w+), opcode (\w+), nr_user_files (\d+), nr_user_bufs (\d+),(?: \w+ -?\d+,)? ret (-?\d+)\s*$/;
const LOST = /^CPU:\d+ \[LOST (?:(\d+) )?EVENTS\]\s*$/;

/** So many threads may be in a call at once. */
const MOST_WAITING = 8192;
/** So many rings have names at once. */
const MOST_RINGS = 65_536;

/** Names of rings: `r1` for the first. After very many, names are given anew. */
class Rings {
  readonly #names = new Map<string, string>();
  #count = 0;

  name(address: string): string {
    const known = this.#names.get(address);
    if (known !== undefined) return known;
    if (this.#names.size >= MOST_RINGS) this.#names.clear();
    const name = `r${++this.#count}`;
    this.#names.set(address, name);
    return name;
  }
}

/** The thread, the cpu and the time of an event. */
function contextOf(text: string): Known | undefined {
  // a name has 15 bytes, a line no more than the widest numbers
  const [, comm = '', tid, pid, cpu, time] = (text.length < 200 && CONTEXT.exec(text)) || [];
  const monoNs = secondsNs(time);
  if (monoNs === undefined) return undefined;
  const name = comm.trimStart();
  return {
    monoNs,
    tid: count(tid),
    pid: count(pid),
    comm: name === '<...>' ? undefined : name,
    cpu: count(cpu),
  };
}

function opcodeOf(text: string): number | undefined {
  const opcode = opcodeByName(text);
  return opcode !== undefined && opcode < 2 ** 32 ? opcode : undefined;
}

const begun = (call: Known): RegisterCall => registerCall('ftrace', { ...call, complete: false });

export class Ftrace implements Reader {
  readonly #rings = new Rings();
  readonly #waiting = new Waiting<Known>(MOST_WAITING, () => 1);
  #lost = 0;

  /** How many events the trace says that it lost. */
  get lost(): number {
    return this.#lost;
  }

  read(line: string): Reading | undefined {
    const lost = LOST.exec(line);
    if (lost !== null) return this.#gap(count(lost[1]) ?? 1);
    const event = EVENT.exec(line);
    if (event === null) return undefined;
    const context = contextOf(line.slice(0, event.index));
    if (context === undefined) return MALFORMED;
    const text = line.slice(event.index);
    const reading = this.#enter(context, text) ?? this.#exit(context, text) ?? this.#ring(context, text);
    return reading ?? MALFORMED;
  }

  end(): RegisterCall[] {
    return this.#waiting.takeAll().map(begun);
  }

  /** The end of a call and the beginning of the next may be lost: what began is not joined with what ends. */
  #gap(events: number): Reading {
    this.#lost += events;
    return after(this.end(), OTHER);
  }

  #enter(context: Known, text: string): Reading | undefined {
    const [fd, opcode, arg, nrArgs] = (ENTER.exec(text) ?? []).slice(1).map(hex);
    if (fd === undefined || opcode === undefined || arg === undefined || nrArgs === undefined)
      return undefined;
    const gone = this.#waiting.put(context.tid, { ...context, ...argumentsOf(fd, opcode, arg, nrArgs) });
    return used(...gone.map(begun));
  }

  #exit(context: Known, text: string): Reading | undefined {
    const value = hex(EXIT.exec(text)?.[1] ?? '');
    const ret = value === undefined ? undefined : exact(BigInt.asIntN(64, value));
    if (ret === undefined) return undefined;
    const call = this.#waiting.take(context.tid);
    if (call === undefined) return used(begun({ ...context, ret }));
    const durationNs = (context.monoNs ?? 0n) - (call.monoNs ?? 0n);
    return used(registerCall('ftrace', { ...call, ret, durationNs, complete: true }));
  }

  #ring(context: Known, text: string): Reading | undefined {
    const [, address = '', opcodeText = '', files, bufs, result = ''] = RING.exec(text) ?? [];
    const opcode = opcodeOf(opcodeText);
    const ret = exact(integer(result));
    if (opcode === undefined || ret === undefined) return undefined;
    const ring = {
      ring: this.#rings.name(address),
      nrUserFiles: count(files),
      nrUserBufs: count(bufs),
      ret,
    };
    const call = this.#waiting.take(context.tid);
    if (call !== undefined && call.opcode === opcode && call.ring === undefined) {
      this.#waiting.put(context.tid, { ...call, ...ring });
      return used();
    }
    // this event does not tell the bit
    const alone = { ...context, ...describeOpcode(opcode), useRegisteredRing: undefined, ...ring };
    return used(...(call === undefined ? [] : [begun(call)]), begun(alone));
  }
}
