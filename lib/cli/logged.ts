/** How `uring decode` shows what is in a log beside calls of io_uring_register(2): setup, enter, operations, seccomp. */
import { setupFlags } from '../../structs/ops.ts';
import type { LoggedEnter, LoggedOperation, LoggedSetup, SeccompEvent } from '../host/decode/records.ts';
import { callHead, fullOpcodeName, resultText, rfc3339, whoText } from './call.ts';
import { toJson, visible } from './kit.ts';

type Logged = LoggedSetup | LoggedEnter | LoggedOperation | SeccompEvent;

/** The keys that a record begins with which is no call. */
function head(record: LoggedOperation | SeccompEvent) {
  const { type, source, timeNs, pid, comm } = record;
  return { v: 1, type, src: source, ts: rfc3339(timeNs), pid, comm };
}

/** The line of JSON: keys in this order, null for what is not known. */
export function loggedToJson(record: Logged): string {
  if (record.type === 'seccomp') {
    const { syscall, action, signal } = record;
    return toJson({ ...head(record), syscall, action: action && `SECCOMP_RET_${action}`, signal });
  }
  if (record.type === 'operation') {
    const { op, opName, ret, errno } = record;
    return toJson({ ...head(record), op, op_name: fullOpcodeName(opName), ret, errno });
  }
  const { ret, errno, durationNs, complete } = record;
  const who = callHead(record);
  const result = { ret, errno, duration_ns: durationNs, complete };
  if (record.type === 'enter') {
    const { toSubmit, minComplete, flags } = record;
    return toJson({ ...who, to_submit: toSubmit, min_complete: minComplete, flags, ...result });
  }
  const { entries, sqEntries, cqEntries, flags, ring } = record;
  return toJson({ ...who, entries, sq_entries: sqEntries, cq_entries: cqEntries, flags, ring, ...result });
}

function setupText(flags: number | undefined): string {
  if (flags === undefined) return '?';
  const names = setupFlags.filter(({ value }) => (flags & value) !== 0).map(({ name }) => `IORING_${name}`);
  const rest = setupFlags.reduce((left, { value }) => left & ~value, flags) >>> 0;
  return [...names, ...(rest === 0 && names.length > 0 ? [] : [`0x${rest.toString(16)}`])].join('|');
}

function seccompText({ syscall, action = undefined }: SeccompEvent): string {
  const what = action?.startsWith('KILL') ? 'killed by seccomp' : `seccomp ${action ?? 'unknown action'}`;
  return `${syscall}: ${what}`;
}

function whatText(record: Logged): string {
  if (record.type === 'seccomp') return seccompText(record);
  if (record.type === 'operation') {
    return `${fullOpcodeName(record.opName) ?? 'operation ?'} = ${resultText(record)}`;
  }
  if (record.type === 'enter') {
    const { fd, toSubmit, minComplete, flags } = record;
    const args = [
      fd ?? '?',
      toSubmit ?? '?',
      minComplete ?? '?',
      flags === undefined ? '?' : `0x${flags.toString(16)}`,
    ];
    return `io_uring_enter(${args.join(', ')}) = ${resultText(record)}`;
  }
  return `io_uring_setup(${record.entries ?? '?'}, {flags=${setupText(record.flags)}}) = ${resultText(record)}`;
}

/** In one line that is harmless on a terminal, as C would write it where it is a call. */
export function loggedToText(record: Logged): string {
  const isWhole = !('complete' in record) || record.complete;
  const remarks = [whoText(record), isWhole ? '' : 'incomplete'].filter((remark) => remark !== '').join('; ');
  return visible(`${whatText(record)}${remarks === '' ? '' : `  # ${remarks}`}`);
}
