/**
 * Text of the kernel's events: tracefs with any option, trace-cmd report, perf script, printf of bpftrace. A call
 * begins, may tell its ring, and returns: up to three lines of one thread.
 */
import { describeOpcode, opcodeByName } from '../call.ts';
import { contextOf } from './ftrace-context.ts';
import { argumentsIn, labels } from './labels.ts';
import { exact, hex, integer } from './numbers.ts';
import {
  after,
  type Begun,
  callOf,
  type Found,
  incomplete,
  type Known,
  type LogSource,
  MALFORMED,
  MOST_WAITING,
  OpenCalls,
  OTHER,
  type Reader,
  type Reading,
  syscallNamed,
  used,
  Waiting,
} from './records.ts';

/** Where an event begins. A thread's name is too short to have it. */
const EVENT =
  /((?:tracepoint:)?syscalls:)?\bsys_(enter_|exit_)?(io_uring_(?:register|setup|enter))(?=\(| -> |:|[ ,]+[a-z_]+[:=])|(?:(?:tracepoint:)?io_uring:)?\bio_uring_(register|create): +(?=ring |ctx=|common_)/;
// until 5.17 there was one number more
const RING =
  /^ring (\w+), opcode (\w+), nr_user_files (\d+), nr_user_bufs (\d+),(?: \w+ -?\d+,)? ret (-?\d+)\s*$/;
const CREATE = /^ring (\w+), fd (-?\d+),? sq size (\d+), cq size (\d+), flags (?:0x)?([\da-f]+)\s*$/;
const LOST =
  /^CPU:\d+ \[(?:LOST (?:(\d+) )?EVENTS|(\d+) EVENTS DROPPED)\]\s*$|(?:^|\s)LOST (\d+) (?:events|chunks)!?\s*$/i;

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

/** One event: who, of which call, and what it prints. */
interface Event extends Begun {
  /** Behind the event's name. */
  readonly text: string;
}

function opcodeOf(text: string): number | undefined {
  const opcode = opcodeByName(text);
  return opcode !== undefined && opcode < 2 ** 32 ? opcode : undefined;
}

/** Who wrote the line, by what it calls the event. */
function sourceOf(name: string): LogSource {
  if (name.startsWith('tracepoint:')) return 'bpftrace';
  return /^(?:syscalls|io_uring):/.test(name) ? 'perf' : 'ftrace';
}

export class Ftrace implements Reader {
  readonly #rings = new Rings();
  readonly #open = new OpenCalls();
  /** Threads whose call was told by its ring's event alone: its end tells the same again. */
  readonly #told = new Waiting<{ readonly ret: number }>(MOST_WAITING, () => 1);
  /** Calls that began in lines without thread, while another had not ended: which end is whose can't be told. */
  #tangled = 0;
  #lost = 0;

  /** How many events the trace says that it lost. */
  get lost(): number {
    return this.#lost;
  }

  read(line: string): Reading | undefined {
    const lost = LOST.exec(line);
    if (lost !== null) return this.#gap(Number(lost.slice(1).find((each) => each !== undefined) ?? 1));
    const event = EVENT.exec(line);
    if (event === null) return undefined;
    const [name, , part, called, own] = event;
    const context = contextOf(line.slice(0, event.index));
    if (context === undefined) return MALFORMED;
    const text = line.slice(event.index + name.length);
    const syscall = `io_uring_${own === 'create' ? 'setup' : 'register'}` as const;
    const at = { source: sourceOf(name), known: context, text };
    if (own === 'register') return this.#ring({ syscall, ...at }) ?? MALFORMED;
    if (own === 'create') return this.#create({ syscall, ...at }) ?? MALFORMED;
    const call = { syscall: syscallNamed(called) ?? 'io_uring_register', ...at };
    const isEnd = part === 'exit_' || text.startsWith(' ->');
    return (isEnd ? this.#exit(call) : this.#enter(call, part === undefined)) ?? MALFORMED;
  }

  end(): Found[] {
    this.#told.takeAll();
    this.#tangled = 0;
    return this.#open.end();
  }

  /** The end of a call and the beginning of the next may be lost: what began is not joined with what ends. */
  #gap(events: number): Reading {
    this.#lost += events;
    return after(this.end(), OTHER);
  }

  /** The beginning. Bare numbers of tracefs are hexadecimal, and before 6.18 all are bare. */
  #enter({ syscall, source, known, text }: Event, isOwn: boolean): Reading | undefined {
    if (isOwn && !/^\(.*\)\s*$/.test(text)) return undefined;
    const found = argumentsIn(syscall, labels(text, isOwn));
    if (found === undefined) return undefined;
    const { tid } = known;
    this.#told.take(tid);
    const call = { syscall, source, known: { ...known, ...found } };
    if (tid === undefined && (this.#tangled > 0 || this.#open.has(tid))) return this.#tangle(call);
    return used(...this.#open.begin(tid, call));
  }

  /** Without thread, two calls at once: each is told by its beginning, and the ends tell nothing. */
  #tangle(call: Begun): Reading {
    const first = this.#open.take(undefined);
    this.#tangled += first === undefined ? 1 : 2;
    return used(...(first === undefined ? [] : [incomplete(first)]), incomplete(call));
  }

  #exit({ syscall, source, known, text }: Event): Reading | undefined {
    const [, bare = ''] = /^(?:: +| -> )(0x\w+)\s*$/.exec(text) ?? [];
    const fields = labels(text, false);
    const value = hex(bare) ?? fields.get('ret');
    const ret = value === undefined ? undefined : exact(BigInt.asIntN(64, value));
    if (ret === undefined) return undefined;
    const { tid } = known;
    if (tid === undefined && this.#tangled > 0) {
      this.#tangled--;
      return used();
    }
    const told = this.#told.take(tid);
    if (told?.ret === ret) return used();
    const call = this.#open.finish(tid, syscall);
    if (call === undefined) return used(incomplete({ syscall, source, known: { ...known, ret } }));
    const [from, to] = [call.known.monoNs, known.monoNs];
    const durationNs = from === undefined || to === undefined ? undefined : to - from;
    return used(callOf(syscall, call.source, { ...call.known, ret, durationNs, complete: true }));
  }

  #ring({ syscall, source, known, text }: Event): Reading | undefined {
    const [, address, opcodeText, files, bufs, result] = RING.exec(text) ?? [];
    const fields = labels(text, false);
    const number = (printed: string | undefined, ...names: readonly string[]): number | undefined =>
      exact(
        printed === undefined
          ? names.map((name) => fields.get(name)).find((value) => value !== undefined)
          : integer(printed),
      );
    const opcode = opcodeText === undefined ? number(undefined, 'opcode') : opcodeOf(opcodeText);
    const wide = result === undefined ? fields.get('ret') : integer(result);
    const ret = wide === undefined ? undefined : exact(BigInt.asIntN(64, wide));
    const ring = address ?? fields.get('ctx')?.toString(16);
    if (opcode === undefined || ret === undefined || ring === undefined) return undefined;
    const told = {
      ring: this.#rings.name(ring),
      nrUserFiles: number(files, 'nr_files', 'nr_user_files'),
      nrUserBufs: number(bufs, 'nr_bufs', 'nr_user_bufs'),
      ret,
    };
    // this event does not tell the bit
    const alone = { ...known, ...describeOpcode(opcode), useRegisteredRing: undefined, ...told };
    return this.#join({ syscall, source, known: alone }, told, ret);
  }

  /** Adds what the ring's event tells to the call that the thread is in; `alone` is the call that it tells by itself. */
  #join(alone: Begun, told: Known, ret: number): Reading {
    const { syscall, known } = alone;
    const { tid } = known;
    if (tid === undefined && this.#tangled > 0) return used();
    const call = this.#open.peek(tid);
    const isSame = call?.syscall === syscall && call.known.opcode === known.opcode;
    if (isSame && call.known.ring === undefined) {
      this.#open.put(tid, { ...call, known: { ...call.known, ...told } });
      return used();
    }
    this.#open.take(tid);
    this.#told.put(tid, { ret });
    return used(...(call === undefined ? [] : [incomplete(call)]), incomplete(alone));
  }

  #create({ syscall, source, known, text }: Event): Reading | undefined {
    const [, address, fd, sq, cq, flags] = CREATE.exec(text) ?? [];
    const fields = labels(text, false);
    const ring = address ?? fields.get('ctx')?.toString(16);
    const value = (printed: bigint | undefined, name: string): number | undefined =>
      exact(printed ?? fields.get(name));
    const told = {
      fd: value(integer(fd ?? ''), 'fd'),
      sqEntries: value(integer(sq ?? ''), 'sq_entries'),
      cqEntries: value(integer(cq ?? ''), 'cq_entries'),
      flags: value(hex(flags ?? ''), 'flags'),
    };
    if (ring === undefined || told.fd === undefined || told.flags === undefined) return undefined;
    const whole = { ...told, ring: this.#rings.name(ring) };
    return this.#join({ syscall, source, known: { ...known, ...whole } }, whole, told.fd);
  }
}
