/** Events of Tracee: JSON in the four forms that its versions write, and its tables. */

import { at, idOf, integerOf, listOf, numberOf, textOf, timeOf } from './json.ts';
import { count, exact, flagsValue, integer, word } from './numbers.ts';
import {
  argumentsOf,
  type JsonReader,
  type Known,
  MALFORMED,
  OTHER,
  type Reader,
  type Reading,
  registerCall,
  used,
} from './records.ts';

const NAME = 'io_uring_register';

/** `{ name, type, value }`, `{ name, value }`, or the value under its type: `{ name, u_int32 }`. */
function itemValue(item: unknown): unknown {
  if (typeof item !== 'object' || item === null) return undefined;
  return Object.entries(item).find(([key]) => key !== 'name' && key !== 'type')?.[1];
}

/** Who made the call; of the two views of a process that a container has, the host's. */
function whoOf(event: unknown): Known {
  const process = at(event, 'workload', 'process');
  const thread = at(process, 'thread');
  return {
    pid: idOf(
      at(event, 'hostProcessId') ?? at(event, 'processId') ?? at(process, 'host_pid') ?? at(process, 'pid'),
    ),
    tid: idOf(
      at(event, 'hostThreadId') ?? at(event, 'threadId') ?? at(thread, 'host_tid') ?? at(thread, 'tid'),
    ),
    comm: textOf(at(event, 'processName') ?? at(thread, 'name')),
    cpu: idOf(at(event, 'processorId')),
  };
}

/** The call with these arguments; MALFORMED where one is missing or does not fit. */
function callWith(
  known: Known,
  fd: bigint | undefined,
  opcode: bigint | undefined,
  arg: bigint | undefined,
  nrArgs: bigint | undefined,
): Reading {
  if (fd === undefined || opcode === undefined || arg === undefined || nrArgs === undefined) return MALFORMED;
  const complete = known.ret !== undefined;
  return used(registerCall('tracee', { ...known, ...argumentsOf(fd, opcode, arg, nrArgs), complete }));
}

/** An argument that is a pointer: null is none. */
function pointerOf(value: unknown): bigint | undefined {
  return value === null ? 0n : integerOf(value);
}

export const traceeJson: JsonReader = (event) => {
  const items = at(event, 'args') ?? at(event, 'data');
  const name = textOf(at(event, 'eventName') ?? (Array.isArray(items) ? at(event, 'name') : undefined));
  if (name === undefined) return undefined;
  if (name !== NAME) return OTHER;
  const named = new Map<unknown, unknown>();
  for (const item of listOf(items)) named.set(at(item, 'name'), itemValue(item));
  const ret = numberOf(at(event, 'returnValue') ?? named.get('returnValue'));
  const opcode = named.get('opcode');
  return callWith(
    { timeNs: timeOf(at(event, 'timestamp')), ...whoOf(event), ret },
    word(integerOf(named.get('fd'))),
    word(typeof opcode === 'string' ? opcodeValue(opcode) : integerOf(opcode)),
    pointerOf(named.get('arg')),
    word(integerOf(named.get('nr_args'))),
  );
};

/** A number, or names of the header. */
function opcodeValue(text: string): bigint | undefined {
  const value = flagsValue(text);
  return value === undefined ? undefined : BigInt(value);
}

/** A time, columns that depend on options, the event's name and its arguments. */
const ROW =
  /^(\d\d:\d\d:\d\d:\d{6}|\d+\.\d+) +(\S.*?) +(-?\d+) +io_uring_register +fd: (-?\w+), opcode: ([\w|]+), arg: (\w+|<nil>), nr_args: (-?\w+)\s*$/;
/** At the end of the other columns: name, process, thread and, in verbose tables, parent; in containers each with the host's number. */
const WHO =
  /(?:^|\s)(\S(?:.{0,14}\S)?) +(\d+)(?: *\/ *(\d+))? +(\d+)(?: *\/ *(\d+))?(?: +\d+(?: *\/ *\d+)?)?$/;

/** A row of a table. */
function readRow(line: string): Reading | undefined {
  if (!/^\d\d:\d\d:\d\d:\d{6} |^\d+\.\d{6} +\d/.test(line) || line.length > 4096) return undefined;
  const row = ROW.exec(line);
  if (row === null) return undefined;
  const [, , columns = '', ret = '', fd = '', opcode = '', arg = '', nrArgs = ''] = row;
  const [, comm, pid, hostPid, tid, hostTid] = WHO.exec(columns) ?? [];
  if (comm === undefined) return MALFORMED;
  const who = {
    comm: comm
      .replace(/^\d{6,} /, '')
      .split(/ {2,}/)
      .at(-1),
    pid: count(hostPid ?? pid),
    tid: count(hostTid ?? tid),
  };
  return callWith(
    { ...who, ret: exact(integer(ret)) },
    word(integer(fd)),
    word(opcodeValue(opcode)),
    arg === '<nil>' ? 0n : integer(arg),
    word(integer(nrArgs)),
  );
}

export const traceeTable = (): Reader => ({ read: readRow, end: () => [] });
