/**
 * Records of the kernel's audit, of a log file, of `ausearch` raw or interpreted (-i), or of the kernel log: system
 * calls, operations of rings, and what seccomp did.
 */
import { seccompAction, syscallByWord } from './audit-words.ts';
import { count, hex, resultValue, secondsNs } from './numbers.ts';
import {
  callOf,
  errnoOf,
  MALFORMED,
  OTHER,
  operationName,
  type Reader,
  type Reading,
  registersOf,
  type SeccompEvent,
  type UringSyscall,
  used,
} from './records.ts';

/** Its beginning, behind what a log puts before it. An interpreted time is the local one of who searched. */
const RECORD =
  /(?:^|[\s"])type=(?:(SYSCALL|1300)|(URINGOP|1336)|(?:SECCOMP|1326)) (?:msg=)?audit\((?:(\d+\.\d+)|[\d/:. -]{1,40}[\d.]):\d+\) ?:/;
/** A command line, which may name the call: that of `auditctl -S io_uring_register`. */
const COMMAND_LINE = /^(?:node=\S+ )?type=(?:PROCTITLE|EXECVE) (?:msg=)?audit\(/;
/** Such a time: the words behind it are interpreted. */
const INTERPRETED = /audit\(\d+[/-]/;

type Fields = ReadonlyMap<string, string>;

/** The first value of each key: what comes behind may be a comment. Quotes stay. */
function fieldsOf(text: string): Fields {
  const fields = new Map<string, string>();
  for (const [, key = '', value = ''] of text.matchAll(/\b(\w+)=("[^"]*"|\S*)/g)) {
    if (!fields.has(key)) fields.set(key, value);
  }
  return fields;
}

/** Who made the call, and whether its record is interpreted. */
interface Record {
  readonly fields: Fields;
  readonly text: string;
  readonly timeNs: bigint | undefined;
  readonly isInterpreted: boolean;
}

/** In quotes, or in hexadecimal where it has spaces, quotes or control characters; as it is where it was interpreted. */
function commOf({ fields, text, isInterpreted }: Record): string | undefined {
  const value = fields.get('comm');
  if (value === undefined || value === '(null)') return undefined;
  if (isInterpreted) return / comm=(.{0,64}?) (?:exe|subj|sig|key)=/.exec(text)?.[1] ?? value;
  if (value.startsWith('"')) return value.slice(1, value.endsWith('"') ? -1 : undefined);
  if (!/^(?:[\da-f]{2})+$/i.test(value)) return value;
  return new TextDecoder().decode(Uint8Array.from(value.match(/../g) ?? [], (byte) => Number(`0x${byte}`)));
}

function whoOf(record: Record) {
  return { timeNs: record.timeNs, pid: count(record.fields.get('pid')), comm: commOf(record) };
}

/** The result; undefined where the call did not return, null where it can't be read. */
function exitOf(fields: Fields): number | undefined | null {
  const exit = fields.get('exit');
  return exit === undefined ? undefined : (resultValue(exit.replace(/\(.*/, '')) ?? null);
}

function readCall(record: Record, syscall: UringSyscall): Reading {
  const { fields } = record;
  const known = registersOf(
    syscall,
    ['a0', 'a1', 'a2', 'a3'].map((key) => hex(fields.get(key) ?? '')),
  );
  const ret = exitOf(fields);
  if (known === undefined || ret === null) return MALFORMED;
  return used(callOf(syscall, 'audit', { ...whoOf(record), ...known, ret, complete: ret !== undefined }));
}

function readOperation(record: Record): Reading {
  const op = count(record.fields.get('uring_op'));
  const ret = exitOf(record.fields);
  if (op === undefined || ret === null) return MALFORMED;
  const result = { ret, errno: errnoOf(ret) };
  return used({
    type: 'operation',
    source: 'audit',
    ...whoOf(record),
    op,
    opName: operationName(op),
    ...result,
  });
}

function seccompEvent(record: Record, syscall: SeccompEvent['syscall']): SeccompEvent {
  const { fields } = record;
  const signal = fields.get('sig') === 'SIGSYS' ? 31 : count(fields.get('sig'));
  const action = seccompAction(fields.get('code'));
  return { type: 'seccomp', source: 'audit', ...whoOf(record), syscall, action, signal };
}

function read(line: string): Reading | undefined {
  const found = RECORD.exec(line);
  if (found === null) return COMMAND_LINE.test(line) ? OTHER : undefined;
  const [start, isCall, isOperation, time] = found;
  // behind this character auditd writes the same in words
  const [text = ''] = line.slice(found.index + start.length).split('\x1d');
  const fields = fieldsOf(text);
  const record = { fields, text, timeNs: secondsNs(time), isInterpreted: INTERPRETED.test(start) };
  if (isOperation !== undefined) return readOperation(record);
  const word = fields.get('syscall');
  if (word === undefined) return undefined;
  const syscall = syscallByWord(word.replace(/\(.*/, ''), fields.get('arch'));
  if (syscall === undefined) return OTHER;
  return isCall === undefined ? used(seccompEvent(record, syscall)) : readCall(record, syscall);
}

export const audit = (): Reader => ({ read, end: () => [] });
