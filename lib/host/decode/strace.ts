/** What strace prints. A call that another thread interrupts is printed in two parts; they are joined. */
import { LONGEST } from './lines.ts';
import {
  after,
  callOf,
  type Found,
  type Known,
  MALFORMED,
  OTHER,
  type Reader,
  type Reading,
  type SeccompAction,
  type UringSyscall,
  used,
  Waiting,
} from './records.ts';
import { argumentsOf, firstArgumentsOf, lastArgumentsOf, resultOf, startOf } from './strace-words.ts';

/** Other lines of strace's own. */
const REMARK =
  /^ *(?:\[pid +\d+[^\]]{0,99}\] +|\d+(?:<.{0,64}?>)? +)?(?:[\d:.]+ +|\(\+ +[\d.]+\) +)*(?:strace: |\+\+\+ |--- )/;
/** A frame of a stack (-k). */
const FRAME = /^ > .*(?:\+0x[\da-f]+|\(\)|\]) ?(?:\[0x[\da-f]+\])?$/;
/** A row of the table of -c: share, seconds, microseconds a call, calls, perhaps errors, name. */
const SUMMARY = /^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(io_uring_(?:register|setup|enter))$/;
/** A new thread came while a line was being written. */
const ATTACHED = /strace: Process \d+ attached$/;
const UNFINISHED = / ?<(?:unfinished|detached) \.\.\.>$/;
/** What can stand behind that, in a line of its own: arguments that are printed last, or only the result. */
const REST = /^(?:\) +=|, |\[|\{|0x|NULL, )/;
/** Its thread was killed. */
const UNRETURNED = / ?<unfinished \.\.\.>\) += \?$/;
/** The thread was killed by a filter, or was sent the signal of one. */
const SIGSYS =
  /^ *(?:\[pid +(\d+)[^\]]{0,99}\] +|(\d+)(?:<.{0,64}?>)? +)?(?:[\d:.]+ +|\(\+ +[\d.]+\) +)*(?:(\+\+\+) killed by SIGSYS|--- SIGSYS \{.*\bsi_code=SYS_SECCOMP\b)/;

const SYSCALLS: ReadonlyMap<string, { readonly syscall: UringSyscall; readonly number: number }> = new Map([
  ['io_uring_setup', { syscall: 'io_uring_setup', number: 425 }],
  ['io_uring_enter', { syscall: 'io_uring_enter', number: 426 }],
  ['io_uring_register', { syscall: 'io_uring_register', number: 427 }],
] as const);

/** The first part of a call. */
interface Begun {
  readonly syscall: UringSyscall;
  readonly who: Known;
  /** Behind `io_uring_register(`. */
  readonly text: string;
}

/** A call that a filter may have stopped: the next line of its thread tells. */
interface Suspect {
  readonly syscall: UringSyscall;
  readonly known: Known;
}

/** A call of which all was printed. */
function wholeCall({ syscall, who, text }: Begun): Suspect | undefined {
  if (UNRETURNED.test(text)) return begunCall({ syscall, who, text: text.replace(UNRETURNED, '') });
  const result = resultOf(text);
  const known = result && argumentsOf(syscall, result.body);
  return known && { syscall, known: { ...who, ...known, ...result?.known } };
}

/** A call whose end was not printed. */
function begunCall({ syscall, who, text }: Begun): Suspect | undefined {
  const known = firstArgumentsOf(syscall, text);
  return known && { syscall, known: { ...who, ...known, complete: false } };
}

/** A call whose beginning was not printed. */
function endedCall({ syscall, who, text }: Begun): Suspect | undefined {
  const result = resultOf(text);
  if (result === undefined) return undefined;
  const known = lastArgumentsOf(syscall, result.body);
  return { syscall, known: { ...who, ...known, ...result.known, complete: false } };
}

const given = ({ syscall, known }: Suspect): Found => callOf(syscall, 'strace', known);
const present = (call: Suspect | undefined): Found[] => (call === undefined ? [] : [given(call)]);

/** So many characters of calls wait for their end. */
const MOST_WAITING = 4 * LONGEST;
/** So many calls wait for the next line of their thread. */
const MOST_SUSPECTS = 4096;

export class Strace implements Reader {
  readonly #waiting = new Waiting<Begun>(MOST_WAITING, ({ text }) => text.length + 1000);
  readonly #suspects = new Waiting<Suspect>(MOST_SUSPECTS, () => 1);
  /** The line that an attached thread broke. The next one continues it. */
  #broken: string | undefined;
  /** The call that the last line left unfinished. With -z or -Z its end may stand in the next one, without a thread. */
  #cut: Begun | undefined;
  /** Calls that were printed, by name: the table of -c counts the same. */
  readonly #printed = new Map<string, number>();

  /** Does the next line belong to the last one? Then ask `resume` first. */
  get isBroken(): boolean {
    return this.#broken !== undefined || this.#cut !== undefined;
  }

  /** Do lines that don't name the call tell something about one that is held? */
  get isHolding(): boolean {
    return this.#suspects.size > 0;
  }

  /** The rest of a broken line; undefined where `line` is not that, and the rest won't come. */
  resume(line: string): Reading | undefined {
    if (this.#broken === undefined) return this.#uncut(line);
    if (ATTACHED.test(line) && REMARK.test(line)) return OTHER;
    const whole = `${this.#broken}${line}`;
    if (startOf(line) !== undefined || whole.length > 2 * LONGEST) return undefined;
    const reading = this.read(whole);
    if (reading?.is !== 'used') return undefined;
    if (!ATTACHED.test(line)) this.#broken = undefined;
    return reading;
  }

  /** The end of the call that the last line left, where `line` is only that. */
  #uncut(line: string): Reading | undefined {
    const begun = this.#cut;
    this.#cut = undefined;
    if (begun === undefined || !REST.test(line) || startOf(line) !== undefined) return undefined;
    if (this.#waiting.peek(begun.who.tid) !== begun) return undefined;
    const call = wholeCall({ ...begun, text: begun.text + line });
    if (call === undefined) return undefined;
    this.#waiting.take(begun.who.tid);
    return this.#told(call);
  }

  /** What is known of the call in a broken line. */
  giveUp(): Found[] {
    const start = begunIn(this.#broken ?? '');
    this.#broken = undefined;
    this.#cut = undefined;
    return start === undefined ? [] : present(begunCall(start));
  }

  end(): Found[] {
    const suspects = this.#suspects.takeAll().map(given);
    const waiting = this.#waiting.takeAll().flatMap((begun) => present(begunCall(begun)));
    return [...suspects, ...waiting, ...this.giveUp()];
  }

  read(line: string): Reading | undefined {
    const killed = SIGSYS.exec(line);
    if (killed !== null) return this.#killed(line, killed);
    const start = startOf(line);
    if (start === undefined) return this.#remark(line);
    const known = SYSCALLS.get(start.call);
    // a name of a file or text of a program may have what looks like a call
    if (known === undefined) return after(this.#released(start.who.tid), OTHER);
    if (start.text.includes('io_uring_register(')) return MALFORMED;
    const begun = { syscall: known.syscall, who: start.who, text: start.text };
    const reading = start.isSecond ? this.#second(begun) : this.#first(line, begun);
    if (reading.is === 'malformed') return reading;
    if (!start.isSecond) this.#printed.set(start.call, (this.#printed.get(start.call) ?? 0) + 1);
    return reading;
  }

  #remark(line: string): Reading | undefined {
    const [, calls, name] = SUMMARY.exec(line) ?? [];
    // calls that were only counted
    if (name !== undefined) return Number(calls) > (this.#printed.get(name) ?? 0) ? MALFORMED : OTHER;
    return REMARK.test(line) || FRAME.test(line) ? OTHER : undefined;
  }

  #first(line: string, begun: Begun): Reading {
    const isBroken = ATTACHED.test(begun.text);
    const isUnfinished = UNFINISHED.test(begun.text);
    if (!isUnfinished && !isBroken) {
      const call = wholeCall(begun);
      return call === undefined ? MALFORMED : this.#told(call);
    }
    const text = begun.text.replace(isBroken ? ATTACHED : UNFINISHED, '');
    const begins = firstArgumentsOf(begun.syscall, text) !== undefined;
    if (!begins) return MALFORMED;
    const released = this.#released(begun.who.tid);
    if (isBroken) {
      this.#broken = line.replace(ATTACHED, '');
      return used(...released);
    }
    this.#cut = { ...begun, text };
    const gone = this.#waiting.put(begun.who.tid, this.#cut);
    return used(...released, ...gone.flatMap((each) => present(begunCall(each))));
  }

  #second(end: Begun): Reading {
    const thread = this.#threadOf(end.who.tid);
    const begun = this.#waiting.peek(thread);
    if (begun === undefined || begun.syscall !== end.syscall) {
      const call = endedCall(end);
      return call === undefined ? MALFORMED : this.#told(call);
    }
    const call = wholeCall({ ...begun, text: begun.text + end.text });
    if (call === undefined) return MALFORMED;
    this.#waiting.take(thread);
    return this.#told(call);
  }

  /** strace names the thread only while there are several: one of the two parts may lack it. */
  #threadOf(tid: number | undefined): number | undefined {
    if (this.#waiting.has(tid)) return tid;
    return tid === undefined ? this.#waiting.onlyKey() : undefined;
  }

  /**
   * A call that a filter stops has no result of its own: strace prints what is left in the register, which is the
   * call's number or its first argument, and then the signal.
   */
  #told(call: Suspect): Reading {
    const { syscall, known } = call;
    const first = syscall === 'io_uring_setup' ? known.entries : known.fd;
    const isSuspect =
      known.ret === SYSCALLS.get(syscall)?.number ||
      (known.ret !== undefined && known.ret > 0 && known.ret === first) ||
      (known.ret === undefined && known.errno === undefined);
    const released = this.#released(known.tid);
    if (!isSuspect) return used(...released, given(call));
    return used(...released, ...this.#suspects.put(known.tid, call).map(given));
  }

  /** The call that this thread was suspected in: its next line shows that it lives. */
  #released(tid: number | undefined): Found[] {
    return present(this.#suspects.take(tid));
  }

  #killed(line: string, found: RegExpExecArray): Reading {
    const [, pid, tid, isEnd] = found;
    const thread = pid === undefined && tid === undefined ? undefined : Number(pid ?? tid);
    const key = this.#suspects.has(thread) ? thread : this.#suspects.onlyKey();
    const suspect = this.#suspects.take(key);
    const [, named] = /\bsi_syscall=__NR_(io_uring_\w+)/.exec(line) ?? [];
    const syscall = suspect?.syscall ?? SYSCALLS.get(named ?? '')?.syscall;
    if (syscall === undefined) return OTHER;
    const action: SeccompAction = isEnd === undefined ? 'TRAP' : 'KILL';
    const { comm, timeNs } = suspect?.known ?? { comm: undefined, timeNs: undefined };
    return used({
      type: 'seccomp',
      source: 'strace',
      timeNs,
      pid: undefined,
      comm,
      syscall,
      action,
      signal: 31,
    });
  }
}

/** The call that a line begins. */
function begunIn(line: string): Begun | undefined {
  const start = startOf(line);
  const syscall = start && SYSCALLS.get(start.call)?.syscall;
  return start && syscall && { syscall, who: start.who, text: start.text };
}
