/** What `perf trace` prints: calls as strace has them, arguments by name, those that are zero left out. */
import { argumentsIn, labels } from './labels.ts';
import { count, errnoByName, exact, integer, millisecondsNs } from './numbers.ts';
import {
  callOf,
  type Found,
  incomplete,
  type Known,
  MALFORMED,
  OpenCalls,
  OTHER,
  type Reader,
  type Reading,
  syscallNamed,
  type UringSyscall,
  used,
} from './records.ts';

/** Milliseconds since the trace began, how long it took, who, and the call, or the end of one that was told before. */
const ROW =
  /^ *(-?\d+\.\d+|\?) \( *(?:(\d+\.\d+) ms|\?)? *\): (?:(.{0,64}?)\/(\d+) )?(?: *\.\.\. \[continued\]: )?(io_uring_(?:register|setup|enter))\((.*)$/;
const IS_CONTINUED = / \.\.\. \[continued\]: /;
const END = /^(.*)\) += (-?\w+)(?:<.*>)?(?: (E[A-Z\d]+)\b.*| \(.*\))?\s*$/;
/** Another thread's call was printed first. */
const CUT = /^(.*?)\)? +\.\.\.\s*$/;
const LOST = /^LOST (\d+) events!$/;

/** What stands behind the arguments: the result. */
function resultOf(text: string): { readonly args: string; readonly ret: number } | undefined {
  const [, args = '', value = '', name] = END.exec(text) ?? [];
  const errno = name === undefined ? undefined : errnoByName(name);
  const ret = errno === undefined ? exact(integer(value)) : -errno;
  return ret === undefined ? undefined : { args, ret };
}

/** The arguments. What `perf trace` leaves out is zero. Files have their paths behind them. */
function argumentsOf(syscall: UringSyscall, text: string): Known | undefined {
  const plain = text.replace(/<[^>]*>/g, '').replace(/, *$/, '');
  const found = labels(plain, false);
  // every part must have been read
  const parts = plain.split(',').filter((part) => part.trim() !== '');
  if (parts.length !== found.size) return undefined;
  return argumentsIn(syscall, found, 0n);
}

export class PerfTrace implements Reader {
  readonly #open = new OpenCalls();
  #lost = 0;

  get lost(): number {
    return this.#lost;
  }

  read(line: string): Reading | undefined {
    const lost = LOST.exec(line);
    if (lost !== null) {
      this.#lost += count(lost[1]) ?? 1;
      return OTHER;
    }
    if (line.length > 8192) return undefined;
    const row = ROW.exec(line);
    if (row === null) return undefined;
    const [, , took, comm, thread, name, text = ''] = row;
    const syscall = syscallNamed(name);
    if (syscall === undefined) return MALFORMED;
    const tid = count(thread);
    const durationNs = millisecondsNs(took);
    if (IS_CONTINUED.test(line)) return this.#end(syscall, { tid, comm, durationNs }, text);
    const result = resultOf(text);
    const [, open] = result === undefined ? (CUT.exec(text) ?? []) : [];
    const known = argumentsOf(syscall, result?.args ?? open ?? '?');
    if (known === undefined) return MALFORMED;
    const call = { syscall, source: 'perf', known: { tid, comm, ...known } } as const;
    if (result === undefined) return used(...this.#open.begin(tid, call));
    return used(callOf(syscall, 'perf', { ...call.known, ret: result.ret, durationNs, complete: true }));
  }

  end(): Found[] {
    return this.#open.end();
  }

  #end(syscall: UringSyscall, who: Known, text: string): Reading {
    const result = resultOf(text);
    if (result === undefined) return MALFORMED;
    const { ret } = result;
    const first = this.#open.finish(who.tid, syscall);
    if (first === undefined) return used(incomplete({ syscall, source: 'perf', known: { ...who, ret } }));
    const { durationNs } = who;
    return used(callOf(syscall, 'perf', { ...first.known, ret, durationNs, complete: true }));
  }
}
