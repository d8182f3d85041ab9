/** What strace prints. A call that another thread interrupts is printed in two parts; they are joined. */
import { errnoName } from '../../../structs/errno.ts';
import { describeOpcode, opcodeByName, type RegisterCall } from '../call.ts';
import { LONGEST } from './lines.ts';
import { count, exact, integer, secondsNs, signed32, unsigned32, word } from './numbers.ts';
import {
  after,
  type Known,
  MALFORMED,
  OTHER,
  type Reader,
  type Reading,
  registerCall,
  used,
  Waiting,
} from './records.ts';

const NAME = 'io_uring_register';
const NUMBER = String.raw`-?\d+|0x[\da-f]+`;

/** What options of strace put before a call: thread, times, instruction pointer; then the call, or its second part. */
const START = new RegExp(
  String.raw`^ *(?:\[pid +(\d+)(?:<([^>]*)>)?\] +|(\d+)(?:<([^>]*)>)? +)?` +
    String.raw`((?:(?:\d+\.\d+|\d\d:\d\d:\d\d(?:\.\d+)?|\(\+ +\d+\.\d+\)) +)*)(?:\[[\w ?]+\] +)*` +
    String.raw`(?:(\w+)\(|<\.\.\. (\w+) resumed>)`,
);
/** Other lines of strace's own. */
const REMARK = /^(?:strace: |\+\+\+ |--- )/;
/** A new thread came while a line was being written. */
const ATTACHED = /strace: Process \d+ attached$/;
const UNFINISHED = / ?<(?:unfinished|detached) \.\.\.>$/;
/** Its thread was killed. */
const UNRETURNED = / ?<unfinished \.\.\.>\) += \?$/;

// bounded where something may come before what follows: a hostile line must not take long
const FD_AND_OPCODE = new RegExp(
  String.raw`^(?:fd=)?(${NUMBER})(?:<.{0,16384}?>)?, (?:opcode=)?([\w|]+)(?: /\*[^*]{0,99}\*/)?(?:, |$)`,
);
const RESULT = new RegExp(
  String.raw`\) *= (${NUMBER}|\?)(?: (E[A-Z\d]+))?((?: \([^()]*\))*)(?: <(?:(\d+\.\d+)|unavailable)>)?\s*$`,
);
const WHOLE_ARGUMENT = new RegExp(String.raw`^(NULL|${NUMBER}|.*[\]}]), ((?:nr_args=)?(?:${NUMBER})) *$`);

const ERRNO: ReadonlyMap<string, number> = new Map(
  Array.from({ length: 133 }, (_, i) => [errnoName(i + 1), i + 1]),
);

/** The first part of a call. */
interface Begun {
  readonly who: Known;
  /** Behind `io_uring_register(`. */
  readonly text: string;
}

const USE_REGISTERED_RING = 0x8000_0000n;

function opcodePart(text: string): bigint | undefined {
  if (text === 'IORING_REGISTER_USE_REGISTERED_RING') return USE_REGISTERED_RING;
  const named = text.startsWith('IORING_') ? opcodeByName(text) : undefined;
  return named === undefined ? word(integer(text)) : BigInt(named);
}

/** The opcode: names and numbers with `|` between them. One that strace has a name for and we have not keeps its name. */
function opcodeOf(text: string): Known | undefined {
  const parts = text.split('|').map(opcodePart);
  if (!parts.includes(undefined)) {
    return describeOpcode(unsigned32(parts.reduce<bigint>((all, part) => all | (part ?? 0n), 0n)));
  }
  const [, opcodeName] = /^IORING_((?:UN)?REGISTER_\w+)$/.exec(text) ?? [];
  return opcodeName === undefined ? undefined : { opcodeName };
}

/** fd and opcode, which strace always prints first, and the text behind them. */
function frontOf(text: string): { readonly known: Known; readonly rest: string } | undefined {
  const [front, fdText = '', opcodeText = ''] = FD_AND_OPCODE.exec(text) ?? [];
  const fd = word(integer(fdText));
  if (front === undefined || fd === undefined) return undefined;
  const opcode = opcodeOf(opcodeText);
  return opcode && { known: { fd: signed32(fd), ...opcode }, rest: text.slice(front.length) };
}

/** The third argument: a pointer, or what strace says about what it points to. */
function argumentOf(printed: string): Known {
  const text = printed.replace(/^arg=/, '');
  const arg = text === 'NULL' ? 0n : integer(text);
  return arg === undefined ? { argText: text } : { arg: BigInt.asUintN(64, arg) };
}

function nrArgsOf(printed: string): number | undefined {
  const value = word(integer(printed.trimEnd().replace(/^nr_args=/, '')));
  return value === undefined ? undefined : unsigned32(value);
}

/** What stands behind the arguments; undefined where a call has no end. */
function resultOf(text: string): { readonly known: Known; readonly body: string } | undefined {
  const found = RESULT.exec(text);
  if (found === null) return undefined;
  const [, value = '', errno, remarks = '', seconds] = found;
  const number = errno === undefined ? count(/^ \(errno (\d+)\)/.exec(remarks)?.[1]) : ERRNO.get(errno);
  const isFailure = value === '-1';
  const ret = isFailure ? number && -number : exact(integer(value));
  if (ret === undefined && value !== '?' && errno === undefined) return undefined;
  return {
    body: text.slice(0, found.index),
    known: {
      ret,
      ...(errno !== undefined && { errno }),
      durationNs: secondsNs(seconds),
      complete: ret !== undefined || errno !== undefined,
    },
  };
}

/** A call of which all was printed. */
function wholeCall({ who, text }: Begun): RegisterCall | undefined {
  if (UNRETURNED.test(text)) return begunCall({ who, text: text.replace(UNRETURNED, '') });
  const front = frontOf(text);
  const result = front && resultOf(front.rest);
  if (result === undefined) return undefined;
  // the argument before it may have commas of its own
  const comma = result.body.lastIndexOf(', ');
  const nrArgs = nrArgsOf(result.body.slice(comma + 2));
  if (comma === -1 || nrArgs === undefined) return undefined;
  return registerCall('strace', {
    ...who,
    ...front?.known,
    ...argumentOf(result.body.slice(0, comma)),
    nrArgs,
    ...result.known,
  });
}

/** A call whose end was not printed. */
function begunCall({ who, text }: Begun): RegisterCall | undefined {
  const front = frontOf(text);
  if (front === undefined) return undefined;
  const [, arg, nrArgs = ''] = WHOLE_ARGUMENT.exec(front.rest) ?? [];
  const rest = arg ?? front.rest.trimEnd().replace(/,$/, '');
  return registerCall('strace', {
    ...who,
    ...front.known,
    ...(rest !== '' && argumentOf(rest)),
    nrArgs: nrArgsOf(nrArgs),
    complete: false,
  });
}

/** A call whose beginning was not printed. */
function endedCall(who: Known, text: string): RegisterCall | undefined {
  const result = resultOf(text);
  if (result === undefined) return undefined;
  const nrArgs = nrArgsOf(result.body.slice(result.body.lastIndexOf(', ') + 1).trimStart());
  return registerCall('strace', { ...who, nrArgs, ...result.known, complete: false });
}

const present = <T>(value: T | undefined): T[] => (value === undefined ? [] : [value]);

/** So many characters of calls wait for their end. */
const MOST_WAITING = 4 * LONGEST;

export class Strace implements Reader {
  readonly #waiting = new Waiting<Begun>(MOST_WAITING, ({ text }) => text.length + 1000);
  /** The line that an attached thread broke. The next one continues it. */
  #broken: string | undefined;

  /** Does the next line belong to the last one? Then ask `resume` first. */
  get isBroken(): boolean {
    return this.#broken !== undefined;
  }

  /** The rest of a broken line; undefined where `line` is not that, and the rest won't come. */
  resume(line: string): Reading | undefined {
    if (ATTACHED.test(line) && REMARK.test(line)) return OTHER;
    const whole = `${this.#broken}${line}`;
    if (START.test(line) || whole.length > 2 * LONGEST) return undefined;
    const reading = this.read(whole);
    if (reading?.is !== 'used') return undefined;
    if (!ATTACHED.test(line)) this.#broken = undefined;
    return reading;
  }

  /** What is known of the call in a broken line. */
  giveUp(): RegisterCall[] {
    const start = startOf(this.#broken ?? '');
    this.#broken = undefined;
    return start === undefined ? [] : present(begunCall(start));
  }

  end(): RegisterCall[] {
    const waiting = this.#waiting.takeAll().flatMap((begun) => present(begunCall(begun)));
    return [...waiting, ...this.giveUp()];
  }

  read(line: string): Reading | undefined {
    const start = startOf(line);
    if (start === undefined) return REMARK.test(line) ? OTHER : undefined;
    if (start.call !== NAME) return OTHER;
    return start.isSecond ? this.#second(start) : this.#first(line, start);
  }

  #first(line: string, begun: Begun): Reading {
    const isUnfinished = UNFINISHED.test(begun.text);
    const isBroken = ATTACHED.test(begun.text);
    if (!isUnfinished && !isBroken) {
      const call = wholeCall(begun);
      return call === undefined ? MALFORMED : used(call);
    }
    if (frontOf(begun.text.replace(isBroken ? ATTACHED : UNFINISHED, '')) === undefined) return MALFORMED;
    if (isBroken) {
      this.#broken = line.replace(ATTACHED, '');
      return used();
    }
    const text = begun.text.replace(UNFINISHED, '');
    const gone = this.#waiting.put(begun.who.tid, { ...begun, text });
    return used(...gone.flatMap((each) => present(begunCall(each))));
  }

  #second({ who, text }: Begun): Reading {
    const begun = this.#take(who.tid);
    const call =
      begun === undefined ? endedCall(who, text) : wholeCall({ who: begun.who, text: begun.text + text });
    if (call !== undefined) return used(call);
    return after(begun === undefined ? [] : present(begunCall(begun)), MALFORMED);
  }

  /** strace names the thread only while there are several: one of the two parts may lack it. */
  #take(tid: number | undefined): Begun | undefined {
    if (this.#waiting.has(tid)) return this.#waiting.take(tid);
    return tid === undefined ? this.#waiting.takeOnly() : this.#waiting.take(undefined);
  }
}

/** Takes a line apart into who, which call, and what is behind. */
function startOf(line: string): (Begun & { readonly call: string; readonly isSecond: boolean }) | undefined {
  const found = START.exec(line);
  if (found === null) return undefined;
  const [start, pid, pidComm, tid, tidComm, times = '', first, second = ''] = found;
  // only -ttt prints a time with a date: seconds since 1970
  const timeNs = secondsNs(times.split(' ').find((time) => /^\d{10}/.test(time)));
  const who = { tid: count(pid ?? tid), comm: pidComm ?? tidComm, timeNs };
  return { who, call: first ?? second, isSecond: first === undefined, text: line.slice(start.length) };
}
