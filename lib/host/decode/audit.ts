/** Records of the kernel's audit, of a log file or of the kernel log: system calls, and what seccomp did. */
import { count, exact, hex, integer, secondsNs } from './numbers.ts';
import {
  argumentsOf,
  MALFORMED,
  OTHER,
  type Reader,
  type Reading,
  registerCall,
  type SeccompAction,
  type SeccompEvent,
  used,
} from './records.ts';

/** Its beginning, behind what a log puts before it. */
const RECORD = /(?:^|\s)type=(?:(SYSCALL|1300)|SECCOMP|1326) (?:msg=)?audit\((\d+\.\d+):/;

/** Numbers 425 to 427, on every architecture. */
const SYSCALLS: ReadonlyMap<string, SeccompEvent['syscall']> = new Map([
  ['425', 'io_uring_setup'],
  ['426', 'io_uring_enter'],
  ['427', 'io_uring_register'],
] as const);

const ACTIONS: readonly (readonly [code: bigint, action: SeccompAction])[] = [
  [0x8000_0000n, 'KILL_PROCESS'],
  [0n, 'KILL_THREAD'],
  [0x0003_0000n, 'TRAP'],
  [0x0005_0000n, 'ERRNO'],
  [0x7fc0_0000n, 'USER_NOTIF'],
  [0x7ff0_0000n, 'TRACE'],
  [0x7ffc_0000n, 'LOG'],
];

type Fields = ReadonlyMap<string, string>;

/** The first value of each key: what comes behind may be a comment. Quotes stay. */
function fieldsOf(text: string): Fields {
  const fields = new Map<string, string>();
  for (const [, key = '', value = ''] of text.matchAll(/\b(\w+)=("[^"]*"|\S*)/g)) {
    if (!fields.has(key)) fields.set(key, value);
  }
  return fields;
}

/** In quotes, or in hexadecimal where it has spaces, quotes or control characters. */
function textOf(value: string | undefined): string | undefined {
  if (value === undefined || value === '(null)') return undefined;
  if (value.startsWith('"')) return value.slice(1, value.endsWith('"') ? -1 : undefined);
  if (!/^(?:[\da-f]{2})+$/i.test(value)) return value;
  return new TextDecoder().decode(Uint8Array.from(value.match(/../g) ?? [], (byte) => Number(`0x${byte}`)));
}

function readCall(fields: Fields, timeNs: bigint | undefined): Reading {
  const of = (key: string) => hex(fields.get(key) ?? '');
  const [fd, opcode, arg, nrArgs] = [of('a0'), of('a1'), of('a2'), of('a3')];
  if (fd === undefined || opcode === undefined || arg === undefined || nrArgs === undefined) return MALFORMED;
  // a call that did not return has none
  const exit = fields.get('exit');
  const ret = exact(integer(exit ?? ''));
  if (exit !== undefined && ret === undefined) return MALFORMED;
  return used(
    registerCall('audit', {
      timeNs,
      pid: count(fields.get('pid')),
      comm: textOf(fields.get('comm')),
      ...argumentsOf(fd, opcode, arg, nrArgs),
      ret,
      complete: ret !== undefined,
    }),
  );
}

function seccompEvent(
  fields: Fields,
  timeNs: bigint | undefined,
  syscall: SeccompEvent['syscall'],
): SeccompEvent {
  const code = hex(fields.get('code') ?? '');
  return {
    type: 'seccomp',
    source: 'audit',
    timeNs,
    pid: count(fields.get('pid')),
    comm: textOf(fields.get('comm')),
    syscall,
    action: ACTIONS.find(([value]) => value === code)?.[1],
    signal: count(fields.get('sig')),
  };
}

function read(line: string): Reading | undefined {
  const record = RECORD.exec(line);
  if (record === null) return undefined;
  const [start, isCall, time] = record;
  // behind this character auditd writes the same in words
  const [text = ''] = line.slice(record.index + start.length).split('\x1d');
  const fields = fieldsOf(text);
  const syscall = SYSCALLS.get(fields.get('syscall') ?? '');
  if (syscall === undefined) return fields.has('syscall') ? OTHER : undefined;
  const timeNs = secondsNs(time);
  if (isCall === undefined) return used(seccompEvent(fields, timeNs, syscall));
  return syscall === 'io_uring_register' ? readCall(fields, timeNs) : OTHER;
}

export const audit = (): Reader => ({ read, end: () => [] });

/** Is a line without io_uring's name in it perhaps a record for us? */
export function isAudit(line: string): boolean {
  return line.includes('type=') && RECORD.test(line);
}
