/** Makes calls of events: a call begins, may tell its ring, and returns. */
import { errnoName } from '../../../structs/errno.ts';
import { describeOpcode, type RegisterCall } from '../call.ts';
import type { Exit, KernelEvent, RegisterEnter, RegisterRing, SetupEnter, SetupRing } from './events.ts';
import type { ThreadName } from './names.ts';
import type { SetupCall } from './records.ts';
import type { Rings } from './rings.ts';

/** What was seen of a call, or of io_uring_setup(2). */
interface Parts {
  readonly call: 'register' | 'setup';
  readonly tid: number;
  readonly enter: RegisterEnter | SetupEnter | undefined;
  ring: RegisterRing | SetupRing | undefined;
  exit: Exit | undefined;
}

/** Which calls are wanted, and what is known about the trace. */
export interface CallOptions {
  /** Only these; undefined for all. */
  readonly opcodes: ReadonlySet<number> | undefined;
  readonly failed: boolean;
  readonly setup: boolean;
  readonly isWantedComm: (comm: string | undefined) => boolean;
  /** Only events of io_uring itself come: nothing begins or returns. */
  readonly light: boolean;
  readonly nameOf: (tid: number) => ThreadName;
  readonly rings: Rings;
  /** What times are relative to, on the monotonic clock, and since 1970. */
  readonly baseNs: bigint;
  readonly baseTimeNs: bigint;
}

/** So long a call without its beginning waits for its end. */
const LOOSE_NS = 250e6;
/** More threads than this are not in a call at once: what is older has ended unseen. */
const MOST = 8192;
const PLAIN_OPCODE = 0x7fff_ffff;

/** Is it about the call that the thread is in? */
function fits({ enter, ring }: Parts, event: RegisterRing | SetupRing): boolean {
  if (enter === undefined || ring !== undefined || enter.call !== event.call) return false;
  if (enter.call === 'setup' || event.call === 'setup') return true;
  return (enter.opcode & PLAIN_OPCODE) === event.opcode;
}

/** Pairs events by thread. They must come in the order of time; what it makes of them goes to `emit`. */
export class Calls {
  readonly #options: CallOptions;
  readonly #emit: (record: RegisterCall | SetupCall) => void;
  /** What each thread is in. */
  readonly #open = new Map<number, Parts>();
  /** The end of the last gap in each cpu's events. */
  readonly #gaps = new Map<number, number>();

  constructor(options: CallOptions, emit: (record: RegisterCall | SetupCall) => void) {
    this.#options = options;
    this.#emit = emit;
  }

  /** Events of this cpu were lost before `time`. */
  gap(cpu: number, time: number): void {
    this.#gaps.set(cpu, time);
  }

  take(event: KernelEvent): void {
    if (event.step === 'enter') this.#enter(event);
    else if (event.step === 'ring') this.#ring(event);
    else this.#exit(event);
  }

  #enter(enter: RegisterEnter | SetupEnter): void {
    const { call, tid } = enter;
    this.#giveUp(tid);
    if (this.#open.size >= MOST) {
      for (const oldest of this.#open.keys()) {
        this.#giveUp(oldest);
        break;
      }
    }
    this.#open.set(tid, { call, tid, enter, ring: undefined, exit: undefined });
  }

  #ring(ring: RegisterRing | SetupRing): void {
    const { call, ctx, tid } = ring;
    if (call === 'setup') this.#options.rings.made(ctx);
    else this.#options.rings.of(ctx);
    const open = this.#open.get(tid);
    if (open !== undefined && fits(open, ring)) {
      open.ring = ring;
      return;
    }
    // a call whose beginning was lost, or a 32-bit one, which the kernel's system call events leave out
    this.#giveUp(tid);
    const loose = { call, tid, enter: undefined, ring, exit: undefined };
    if (this.#options.light) this.#tell(loose);
    else this.#open.set(tid, loose);
  }

  #exit(exit: Exit): void {
    const { call, tid } = exit;
    const open = this.#open.get(tid);
    if (open !== undefined && open.call === call && this.#isSame(open, exit)) {
      this.#open.delete(tid);
      open.exit = exit;
      this.#tell(open);
      return;
    }
    this.#giveUp(tid);
    this.#tell({ call, tid, enter: undefined, ring: undefined, exit });
  }

  /** Could the end of one call and the beginning of the next have been lost between the two? */
  #isSame({ enter, ring }: Parts, exit: Exit): boolean {
    const begun = enter ?? ring;
    return begun !== undefined && this.#isWhole(begun, begun.cpu) && this.#isWhole(begun, exit.cpu);
  }

  /** Was nothing of this cpu lost since the event? */
  #isWhole({ time }: KernelEvent, cpu: number): boolean {
    return (this.#gaps.get(cpu) ?? Number.NEGATIVE_INFINITY) <= time;
  }

  /** The rest of what this thread was in won't be seen. */
  #giveUp(tid: number): void {
    const open = this.#open.get(tid);
    if (open === undefined) return;
    this.#open.delete(tid);
    this.#tell(open);
  }

  /** Gives up calls whose beginning was not seen, and whose end did not come by `time`. */
  sweep(time: number): void {
    for (const [tid, { enter, ring }] of this.#open) {
      if (enter === undefined && ring !== undefined && time - ring.time > LOOSE_NS) this.#giveUp(tid);
    }
  }

  /** Gives up everything that has not ended. */
  finish(): void {
    for (const tid of [...this.#open.keys()]) this.#giveUp(tid);
  }

  #tell(parts: Parts): void {
    const { call, tid, enter, ring, exit } = parts;
    const { failed, setup, opcodes, isWantedComm, nameOf, rings, light, baseNs, baseTimeNs } = this.#options;
    if (call === 'setup' && !setup) return;
    const ret = retOf(parts);
    if (failed && !(ret !== undefined && ret < 0)) return;
    if (call === 'register' && opcodes !== undefined) {
      const opcode = opcodeOf(parts);
      if (opcode === undefined || !opcodes.has(opcode & PLAIN_OPCODE)) return;
    }
    const { pid, comm } = nameOf(tid);
    if (!isWantedComm(comm)) return;
    const first = enter ?? ring ?? exit;
    const begun = BigInt(first?.time ?? 0);
    const common = {
      timeNs: baseTimeNs + begun,
      monoNs: baseNs + begun,
      pid,
      tid,
      comm,
      cpu: first?.cpu,
      ret,
      errno: ret !== undefined && ret < 0 ? errnoName(-ret) : undefined,
      durationNs: enter && exit && BigInt(exit.time - enter.time),
      ring: ring && rings.of(ring.ctx),
      complete: light || (enter !== undefined && exit !== undefined),
    };
    this.#emit(call === 'setup' ? setupCall(parts, common) : registerCall(parts, common));
  }
}

function retOf({ exit, ring }: Parts): number | undefined {
  if (exit !== undefined) return exit.ret;
  return ring?.call === 'setup' ? ring.fd : ring?.ret;
}

function opcodeOf({ enter, ring }: Parts): number | undefined {
  if (enter?.call === 'register') return enter.opcode;
  return ring?.call === 'register' ? ring.opcode : undefined;
}

const NO_OPCODE = {
  opcode: undefined,
  opcodeName: undefined,
  useRegisteredRing: undefined,
  nrArgsIs: undefined,
};

/** What both kinds of records have. */
type Common = Omit<SetupCall, 'type' | 'fd' | 'entries' | 'sqEntries' | 'cqEntries' | 'flags'>;

function registerCall(parts: Parts, common: Common): RegisterCall {
  const begun = parts.enter?.call === 'register' ? parts.enter : undefined;
  const found = parts.ring?.call === 'register' ? parts.ring : undefined;
  const opcode = opcodeOf(parts);
  const described = opcode === undefined ? NO_OPCODE : describeOpcode(opcode);
  return {
    type: 'register',
    source: 'kernel',
    ...common,
    ...described,
    // the ring's own event does not tell the bit
    useRegisteredRing: begun && described.useRegisteredRing,
    fd: begun?.fd,
    arg: begun?.arg,
    argText: undefined,
    nrArgs: begun?.nrArgs,
    nrUserFiles: found?.nrFiles,
    nrUserBufs: found?.nrBufs,
  };
}

function setupCall({ enter, ring }: Parts, common: Common): SetupCall {
  const made = ring?.call === 'setup' ? ring : undefined;
  return {
    type: 'create',
    ...common,
    fd: made?.fd,
    entries: enter?.call === 'setup' ? enter.entries : undefined,
    sqEntries: made?.sqEntries,
    cqEntries: made?.cqEntries,
    flags: made?.flags,
  };
}
