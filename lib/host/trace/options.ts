/** Checks of the options that traces have in common. */
import { integer, list, optionalSignal, wrongType, wrongValue } from '../../../structs/check.ts';
import { defaultBufferKb, onlineCpus } from './prepare.ts';

const MAX_BUFFER_KB = 1 << 20;
/** A comm has 15 bytes. */
const MAX_COMM = 64;
const MAX_PATH = 4095;

export function optional<T, U>(value: T | undefined, check: (value: T) => U): U | undefined {
  return value === undefined ? undefined : check(value);
}

function text(name: string, value: string, most: number): string {
  if (typeof value !== 'string') throw wrongType(name, 'a string', value);
  if (value.length === 0 || value.length > most) throw wrongValue(name, `1 to ${most} characters`, value);
  return value;
}

/** Numbers or names of opcodes. */
export function opcodeSet(
  opcodes: readonly (number | string)[],
  most: number,
  byName: (name: string) => number | undefined,
  allowed: string,
): ReadonlySet<number> {
  const values = list('options.opcodes', opcodes).map((each, i) => {
    const name = `options.opcodes[${i}]`;
    if (typeof each !== 'string') return integer(name, each, 0, most);
    const value = byName(each);
    if (value === undefined || value > most) throw wrongValue(name, allowed, each);
    return value;
  });
  if (values.length === 0) throw wrongValue('options.opcodes', 'at least one opcode', opcodes);
  return new Set(values);
}

export function pidList(pids: readonly number[]): readonly number[] {
  const checked = list('options.pids', pids).map((pid, i) =>
    integer(`options.pids[${i}]`, pid, 1, 0x3f_ffff),
  );
  if (checked.length === 0) throw wrongValue('options.pids', 'at least one process', pids);
  return checked;
}

/** What every trace is given. */
export interface CommonOptions {
  readonly pids?: readonly number[] | undefined;
  readonly comm?: string | undefined;
  readonly bufferKb?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly tracefs?: string | undefined;
}

/** Checks what every trace is given. */
export function commonOptions({ pids, comm, bufferKb, signal, tracefs }: CommonOptions) {
  optionalSignal('options.signal', signal);
  return {
    pids: optional(pids, pidList),
    comm: optional(comm, (value) => text('options.comm', value, MAX_COMM)),
    bufferKb: integer('options.bufferKb', bufferKb ?? defaultBufferKb(onlineCpus().length), 1, MAX_BUFFER_KB),
    tracefs: optional(tracefs, (value) => text('options.tracefs', value, MAX_PATH)),
    signal,
  };
}

/** A number of records after which a trace ends. */
export function countOption(count: number | undefined): number {
  return count === undefined ? Number.POSITIVE_INFINITY : integer('options.count', count, 1, 2 ** 53 - 1);
}
