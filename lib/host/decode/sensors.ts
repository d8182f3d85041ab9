/** JSON of agents that read the kernel's audit, or count operations: auditbeat and its kin, osquery, kunai. */

import { seccompAction, syscallByWord } from './audit-words.ts';
import { at, idOf, integerOf, numberOf, textOf, timeOf } from './json.ts';
import { count, exact, hex, integer, resultValue } from './numbers.ts';
import {
  callOf,
  errnoOf,
  type JsonReader,
  MALFORMED,
  OTHER,
  operationName,
  registersOf,
  type UringSyscall,
  used,
} from './records.ts';

function syscallOf(value: unknown, arch: string | undefined): UringSyscall | undefined {
  const text = typeof value === 'number' ? `${value}` : textOf(value);
  return text === undefined ? undefined : syscallByWord(text, arch);
}

/** auditbeat, and Elastic's agent: the record's fields under `auditd.data`; filebeat has them under `auditd.log`. */
export const auditbeatJson: JsonReader = (event) => {
  const data = at(event, 'auditd', 'data') ?? at(event, 'auditd', 'log');
  if (data === undefined) return undefined;
  const field = (name: string): string | undefined => {
    const value = at(data, name);
    return typeof value === 'number' ? `${value}` : textOf(value);
  };
  const operation = field('uring_op');
  const who = {
    timeNs: timeOf(at(event, '@timestamp')),
    pid: idOf(at(event, 'process', 'pid')),
    comm: textOf(at(event, 'process', 'name')) ?? field('comm'),
  };
  const exit = field('exit');
  const ret = exit === undefined ? undefined : resultValue(exit);
  if (exit !== undefined && ret === undefined) return MALFORMED;
  if (operation !== undefined) {
    const op = count(operation);
    const named = { op, opName: operationName(op), ret, errno: errnoOf(ret) };
    return used({ type: 'operation', source: 'auditbeat', ...who, ...named });
  }
  const syscall = syscallOf(at(data, 'syscall'), field('arch'));
  if (syscall === undefined) return at(data, 'syscall') === undefined ? undefined : OTHER;
  if (/seccomp/i.test(textOf(at(event, 'auditd', 'message_type')) ?? '')) {
    const [action, signal] = [seccompAction(field('code')), numberOf(at(data, 'sig'))];
    return used({ type: 'seccomp', source: 'auditbeat', ...who, syscall, action, signal });
  }
  const known = registersOf(
    syscall,
    ['a0', 'a1', 'a2', 'a3'].map((name) => hex(field(name) ?? '')),
  );
  if (known === undefined) return MALFORMED;
  return used(callOf(syscall, 'auditbeat', { ...who, ...known, ret, complete: ret !== undefined }));
};

/** osquery's `seccomp_events`; no table of it has the arguments of a call. */
export const osqueryJson: JsonReader = (event) => {
  const columns = at(event, 'columns');
  if (columns === undefined || at(event, 'action') === undefined) return undefined;
  const syscall = syscallOf(at(columns, 'syscall'), textOf(at(columns, 'arch')));
  if (syscall === undefined) return OTHER;
  const code = textOf(at(columns, 'code'));
  if (code === undefined) return MALFORMED;
  const seconds = integerOf(at(columns, 'time') ?? at(event, 'unixTime'));
  return used({
    type: 'seccomp',
    source: 'osquery',
    timeNs: seconds === undefined ? undefined : seconds * 1_000_000_000n,
    pid: idOf(at(columns, 'pid')),
    comm: textOf(at(columns, 'comm'))?.replace(/^"(.*)"$/, '$1'),
    syscall,
    action: seccompAction(code),
    signal: exact(integer(textOf(at(columns, 'sig')) ?? '')),
  });
};

/** kunai's event of an entry that is submitted. */
export const kunaiJson: JsonReader = (event) => {
  if (at(event, 'info', 'event', 'name') !== 'io_uring_sqe') return undefined;
  const op = numberOf(at(event, 'data', 'op', 'code'));
  if (op === undefined) return MALFORMED;
  return used({
    type: 'operation',
    source: 'kunai',
    timeNs: timeOf(at(event, 'info', 'utc_time')),
    pid: idOf(at(event, 'info', 'task', 'tgid') ?? at(event, 'info', 'task', 'pid')),
    comm: textOf(at(event, 'info', 'task', 'name')),
    op,
    opName: operationName(op),
    ret: undefined,
    errno: undefined,
  });
};
