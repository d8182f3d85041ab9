/** The parts of a line of strace: who, which call, its arguments, its result. */
import { describeOpcode, opcodeByName } from '../call.ts';
import {
  count,
  errnoByName,
  exact,
  flagsValue,
  integer,
  secondsNs,
  signed32,
  unsigned32,
  word,
} from './numbers.ts';
import type { Known, UringSyscall } from './records.ts';

const NUMBER = String.raw`-?\d+|0x[\da-f]+`;
/** Behind a file or a process: `<anon_inode:[io_uring]>`, `(deleted)`, a security label. Bounded, as everything here. */
const NOTE = String.raw`(?:<.{0,16384}?>(?:\(deleted\))?(?: \[[^\]]{0,256}\])?)?`;
/** A value with `|` in it, and comments where strace prints numbers and names (-X verbose). */
const FLAGS = String.raw`\w+(?: ?/\*[^*]{0,99}\*/)?(?: ?\| ?\w+(?: ?/\*[^*]{0,99}\*/)?)*`;

/**
 * What options put before a call: thread, times, number of the call, label, instruction pointer; then the call, or its
 * second part.
 */
const START = new RegExp(
  String.raw`^ *(?:\[pid +(\d+)(?:<(.{0,64}?)>)?(?: /\*[^*]{0,99}\*/)?\] +|(\d+)(?:<(.{0,64}?)>)?(?: /\*[^*]{0,99}\*/)? +)?` +
    String.raw`((?:(?:\d+\.\d+|\d\d:\d\d:\d\d(?:\.\d+)?|\d{10}|\(\+ +\d+(?:\.\d+)?\)) +)*)(?:\[[^\]]{0,256}\] +)*` +
    String.raw`(?:(\w+)\(|<\.\.\. (\w+) resumed>)`,
);

/** Who, which call, and what is behind its name. */
export interface Start {
  readonly who: Known;
  readonly call: string;
  /** It is the second part of a call that was printed before. */
  readonly isSecond: boolean;
  readonly text: string;
}

/** Characters that strace escapes in a thread's name. */
function unescaped(comm: string | undefined): string | undefined {
  if (comm === undefined || !comm.includes('\\')) return comm;
  const bytes = comm.replace(/\\([0-3]?[0-7]{1,2}|.)/gs, (_, code: string) => {
    const named = { n: '\n', t: '\t', r: '\r', v: '\v', f: '\f' }[code];
    return named ?? (/^\d/.test(code) ? String.fromCharCode(Number.parseInt(code, 8)) : code);
  });
  return Buffer.from(bytes, 'latin1').toString();
}

/** Takes a line apart; undefined for one that has no call. */
export function startOf(line: string): Start | undefined {
  const found = START.exec(line);
  if (found === null) return undefined;
  const [start, pid, pidComm, tid, tidComm, times = '', first, second = ''] = found;
  // only -ttt prints a time with a date: seconds since 1970
  const timeNs = secondsNs(times.split(' ').find((time) => /^\d{10}/.test(time)));
  const who = { tid: count(pid ?? tid), comm: unescaped(pidComm ?? tidComm), timeNs };
  return { who, call: first ?? second, isSecond: first === undefined, text: line.slice(start.length) };
}

const RESULT = new RegExp(
  String.raw`\) *= (${NUMBER}|\?)(?:<.{0,4096}?>(?:\(deleted\))?)?(?: (E[A-Z\d]+))?((?: \([^()]*\))*)(?: <(?:(\d+(?:\.\d+)?)|unavailable)>)?\s*$`,
);

/** What stands behind the arguments; undefined where a call has no end. */
export function resultOf(text: string): { readonly known: Known; readonly body: string } | undefined {
  const found = RESULT.exec(text);
  if (found === null) return undefined;
  const [, value = '', errno, remarks = '', seconds] = found;
  const number = errno === undefined ? count(/^ \(errno (\d+)\)/.exec(remarks)?.[1]) : errnoByName(errno);
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

/** The opcode: names and numbers. One that strace has a name for and we have not keeps its name. */
function opcodeOf(text: string): Known | undefined {
  const plain = text.replace(/ ?\/\*[^*]*\*\//g, '');
  const parts = plain.split('|').map((part) => {
    const named = part.startsWith('IORING_') ? opcodeByName(part) : undefined;
    return named ?? flagsValue(part);
  });
  if (!parts.includes(undefined)) {
    return describeOpcode(parts.reduce<number>((all, part) => (all | (part ?? 0)) >>> 0, 0));
  }
  const [, opcodeName] = /^IORING_((?:UN)?REGISTER_\w+)$/.exec(plain) ?? [];
  return opcodeName === undefined ? undefined : { opcodeName };
}

const FD_AND_OPCODE = new RegExp(`^(?:fd=)?(${NUMBER})${NOTE}, (?:opcode=)?(${FLAGS})(?:, |$)`);
const WHOLE_ARGUMENT = new RegExp(String.raw`^(NULL|${NUMBER}|.*[\]}]), ((?:nr_args=)?(?:${NUMBER})) *$`);
const ENTER = new RegExp(
  String.raw`^(?:fd=)?(${NUMBER})${NOTE}, (?:to_submit=)?(${NUMBER}), (?:min_complete=)?(${NUMBER}), (?:flags=)?(${FLAGS})(?:, |\)|$)`,
);
const FD = new RegExp(`^(?:fd=)?(${NUMBER})`);
const ENTRIES = new RegExp(`^(?:entries=)?(${NUMBER})(?:, |$)`);
const SETUP_FLAGS = new RegExp(String.raw`\{flags=(${FLAGS})[,}]`);

function number32(text: string | undefined): number | undefined {
  const value = word(integer(text ?? ''));
  return value === undefined ? undefined : unsigned32(value);
}

/** The third argument: a pointer, or what strace says about what it points to. */
function pointerOf(printed: string): Known {
  const text = printed.replace(/^arg=/, '');
  const arg = text === 'NULL' ? 0n : integer(text);
  return arg === undefined ? { argText: text } : { arg: BigInt.asUintN(64, arg) };
}

function nrArgsOf(printed: string): number | undefined {
  return number32(printed.trimEnd().replace(/^nr_args=/, ''));
}

/** fd and opcode, which strace always prints first, and the text behind them. */
function frontOf(text: string): { readonly known: Known; readonly rest: string } | undefined {
  const [front, fdText = '', opcodeText = ''] = FD_AND_OPCODE.exec(text) ?? [];
  const fd = word(integer(fdText));
  if (front === undefined || fd === undefined) return undefined;
  const opcode = opcodeOf(opcodeText);
  return opcode && { known: { fd: signed32(fd), ...opcode }, rest: text.slice(front.length) };
}

function setupOf(text: string): Known | undefined {
  const entries = number32(ENTRIES.exec(text)?.[1]);
  if (entries === undefined) return undefined;
  return { entries, ...paramsOf(text) };
}

/** What the kernel and the program wrote into the struct. */
function paramsOf(text: string): Known {
  const [, flags] = SETUP_FLAGS.exec(text) ?? [];
  return {
    flags: flags === undefined ? undefined : flagsValue(flags),
    sqEntries: number32(/, sq_entries=(\w+)/.exec(text)?.[1]),
    cqEntries: number32(/, cq_entries=(\w+)/.exec(text)?.[1]),
  };
}

function enterOf(text: string): Known | undefined {
  const [found, fdText = '', toSubmit, minComplete, flags = ''] = ENTER.exec(text) ?? [];
  const fd = word(integer(fdText));
  const value = flagsValue(flags);
  if (found === undefined || fd === undefined || value === undefined) return undefined;
  return { fd: signed32(fd), toSubmit: number32(toSubmit), minComplete: number32(minComplete), flags: value };
}

/** The arguments of a call that was printed to its end. */
export function argumentsOf(syscall: UringSyscall, body: string): Known | undefined {
  if (syscall === 'io_uring_setup') return setupOf(body);
  if (syscall === 'io_uring_enter') return enterOf(body);
  const front = frontOf(body);
  if (front === undefined) return undefined;
  // the argument before it may have commas of its own
  const comma = front.rest.lastIndexOf(', ');
  const nrArgs = nrArgsOf(front.rest.slice(comma + 2));
  if (comma === -1 || nrArgs === undefined) return undefined;
  return { ...front.known, ...pointerOf(front.rest.slice(0, comma)), nrArgs };
}

/** As much as is there of the arguments of a call whose end was not printed. */
export function firstArgumentsOf(syscall: UringSyscall, text: string): Known | undefined {
  const printed = text.trimEnd().replace(/,$/, '');
  if (syscall === 'io_uring_setup') return setupOf(printed);
  if (syscall === 'io_uring_enter') {
    const [, fdText = ''] = FD.exec(text) ?? [];
    const fd = word(integer(fdText));
    return enterOf(printed) ?? (fd === undefined ? undefined : { fd: signed32(fd) });
  }
  const front = frontOf(text);
  if (front === undefined) return undefined;
  const [, arg, nrArgs = ''] = WHOLE_ARGUMENT.exec(front.rest) ?? [];
  const rest = arg ?? front.rest.trimEnd().replace(/,$/, '');
  return { ...front.known, ...(rest !== '' && pointerOf(rest)), nrArgs: nrArgsOf(nrArgs) };
}

/** What the second part of a call tells of its arguments. */
export function lastArgumentsOf(syscall: UringSyscall, body: string): Known {
  if (syscall === 'io_uring_setup') return paramsOf(body);
  if (syscall === 'io_uring_enter') return {};
  return { nrArgs: nrArgsOf(body.slice(body.lastIndexOf(', ') + 1).trimStart()) };
}
