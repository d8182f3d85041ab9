/** How the records of a trace are shown: lines of a table, or of JSON. */
import { setupFlags } from '../../structs/ops.ts';
import type { RegisterCall } from '../host/call.ts';
import type { Completed, OperationRecord, OperationStep } from '../host/operations.ts';
import type { SetupCall } from '../host/trace.ts';
import { callHead, callToJson, fullOpcodeName, resultText, rfc3339 } from './call.ts';
import { print, snakeCase, toJson, visible } from './kit.ts';
import { whoToJson } from './who.ts';

// ---- JSON --------------------------------------------------------------------------------------------------------

/** A call of io_uring_setup(2) for JSON. */
export function setupToObject(call: SetupCall): object {
  const { entries, sqEntries, cqEntries, flags, ret, errno, durationNs, ring, complete } = call;
  return {
    ...callHead(call),
    ...{ entries, sq_entries: sqEntries, cq_entries: cqEntries, flags },
    ...{ ret, errno, duration_ns: durationNs, ring, complete },
    ...whoToJson(call.process),
  };
}

/** What only some kinds of records have, at the end of their line. */
function operationToJson(record: OperationStep): string {
  const { type, source: _, timeNs, monoNs, pid, tid, comm, cpu, ring, id, ...rest } = record;
  const { opcode, opcodeName, userData, ...own } = rest;
  const named = Object.entries(own).map(([name, value]) => [
    snakeCase(name.replace(/^is([A-Z])/, '$1')).replace(/^_/, ''),
    value,
  ]);
  const fields = 'fields' in record && record.fields !== undefined ? record.fields : undefined;
  return toJson({
    v: 1,
    type,
    ts: rfc3339(timeNs),
    mono_ns: monoNs,
    ...{ pid, tid, comm, cpu, ring, id, opcode },
    opcode_name: fullOpcodeName(opcodeName),
    user_data: userData,
    ...Object.fromEntries(named),
    ...(fields && {
      fields: Object.fromEntries(Object.entries(fields).map(([name, value]) => [snakeCase(name), value])),
    }),
  });
}

/** A record as one line of JSON. */
export function recordToJson(record: OperationRecord): string {
  const v = 1;
  switch (record.type) {
    case 'register':
      return callToJson(record);
    case 'create':
      return toJson(setupToObject(record));
    case 'lost':
      return toJson({ v, ...record });
    case 'start':
      return toJson({
        v,
        type: 'start',
        ts: rfc3339(record.timeNs),
        mono_ns: record.monoNs,
        mode: record.mode,
        events: record.events,
        buffer_kb: record.bufferKb,
        pid_ns_initial: record.pidNamespaceInitial,
      });
    case 'end':
      return toJson({
        v,
        type: 'end',
        ts: rfc3339(record.timeNs),
        mono_ns: record.monoNs,
        calls: record.calls,
        operations: record.operations,
        incomplete: record.incomplete,
        events: record.events,
        lost_events: record.lostEvents,
        malformed: record.malformed,
      });
    case 'process':
      return toJson({ v, type: 'process', pid: record.pid, comm: record.comm, ...whoToJson(record) });
    default:
      return operationToJson(record);
  }
}

// ---- the table -----------------------------------------------------------------------------------------------------

type Call = RegisterCall | SetupCall;
type Listed = Call | OperationStep;
/** What is counted. */
export type Shown = Call | Completed;

/** A column: what is wider than it moves the rest of its line, rather than being cut. */
interface Column<T> {
  readonly title: string;
  readonly width: number;
  readonly isNumber?: boolean;
  readonly text: (record: T, startNs: bigint) => string;
}

const UNKNOWN = '-';

const orUnknown = (value: number | string | undefined): string =>
  value === undefined ? UNKNOWN : `${value}`;

/** Thousandths of the larger unit, with all digits. */
function thousandths(value: bigint, digits: number): string {
  const text = value.toString().padStart(digits + 1, '0');
  return `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** `'+0.000123'`: seconds since the trace began. */
function timeText({ monoNs }: { readonly monoNs: bigint | undefined }, startNs: bigint): string {
  if (monoNs === undefined) return UNKNOWN;
  const since = (monoNs - startNs) / 1000n;
  return since < 0n ? `-${thousandths(-since, 6)}` : `+${thousandths(since, 6)}`;
}

function whoText({ pid, tid }: Pick<Call, 'pid' | 'tid'>): string {
  return pid === tid ? orUnknown(pid) : `${pid ?? '?'}/${tid ?? '?'}`;
}

/** `'<gone>'` where the process had ended before its name was asked for. */
export function commText(comm: string | undefined): string {
  return comm === undefined ? '<gone>' : visible(comm);
}

function fdText(call: Call): string {
  if (call.type === 'register' && call.useRegisteredRing) return `REG|${call.fd}`;
  return call.type === 'register' ? orUnknown(call.fd) : UNKNOWN;
}

/** The opcode's name; that of the system call where a ring was made. */
export function opcodeText(record: Listed): string {
  return record.type === 'create' ? 'io_uring_setup' : orUnknown(record.opcodeName);
}

const FIRST_COLUMNS: readonly Column<Listed>[] = [
  { title: 'TIME', width: 9, text: timeText },
  { title: 'PID/TID', width: 7, text: whoText },
  { title: 'COMM', width: 8, text: ({ comm }) => commText(comm) },
];

const COLUMNS: readonly Column<Call>[] = [
  ...FIRST_COLUMNS,
  { title: 'FD', width: 5, text: fdText },
  { title: 'OPCODE', width: 22, text: opcodeText },
  {
    title: 'NR_ARGS',
    width: 7,
    isNumber: true,
    text: (call) => orUnknown(call.type === 'register' ? call.nrArgs : call.entries),
  },
  { title: 'RET', width: 6, text: resultText },
  {
    title: 'DUR(us)',
    width: 7,
    isNumber: true,
    text: ({ durationNs }) => (durationNs === undefined ? UNKNOWN : thousandths(durationNs, 3)),
  },
  { title: 'RING', width: 4, text: ({ ring }) => orUnknown(ring) },
  {
    title: 'FILES',
    width: 5,
    isNumber: true,
    text: (call) => orUnknown(call.type === 'register' ? call.nrUserFiles : undefined),
  },
  {
    title: 'BUFS',
    width: 4,
    isNumber: true,
    text: (call) => orUnknown(call.type === 'register' ? call.nrUserBufs : undefined),
  },
];
/** What is left out on a terminal that is too narrow for all. */
const LESS: readonly string[] = ['RING', 'FILES', 'BUFS'];

const widthOf = (columns: readonly Column<Call>[]): number =>
  columns.reduce((sum, { width }) => sum + width + 1, -1);

/** `'SETUP_SQPOLL|SETUP_CQSIZE'`, unknown bits in hexadecimal. */
function flagsText(flags: number): string {
  const known = setupFlags.filter(({ value }) => (flags & value) !== 0);
  const rest = known.reduce((left, { value }) => left & ~value, flags) >>> 0;
  return [...known.map(({ name }) => name), ...(rest === 0 ? [] : [`0x${rest.toString(16)}`])].join('|');
}

/** The ring that was made, where that was seen. */
function madeText({ flags, sqEntries, cqEntries }: SetupCall): string {
  return flags === undefined ? '' : `sq ${sqEntries} cq ${cqEntries} ${flagsText(flags)}`.trimEnd();
}

/** A line of these columns. */
function columnsLine<T>(columns: readonly Column<T>[], text: (column: Column<T>) => string): string {
  let line = '';
  let end = 0;
  for (const column of columns) {
    end += column.width;
    // what was too wide before is made up for by the room of what follows
    const cell = text(column);
    line += column.isNumber ? cell.padStart(end - line.length) : cell;
    line = `${line.padEnd(end)} `;
    end++;
  }
  return line.trimEnd();
}

/** Makes the lines of the table. */
export class CallTable {
  readonly #columns: readonly Column<Call>[];

  /** @param width of the terminal; undefined where there is none */
  constructor(width: number | undefined) {
    const isNarrow = width !== undefined && width < widthOf(COLUMNS);
    this.#columns = isNarrow ? COLUMNS.filter(({ title }) => !LESS.includes(title)) : COLUMNS;
  }

  header(): string {
    return columnsLine(this.#columns, ({ title }) => title);
  }

  line(call: Call, startNs: bigint): string {
    const line = columnsLine(this.#columns, ({ text }) => text(call, startNs));
    if (call.type === 'register') return call.complete ? line : `${line} incomplete`;
    return `${line} ${madeText(call)}`.trimEnd();
  }
}

// ---- the table of operations -----------------------------------------------------------------------------------------

function outcomeText(record: Listed): string {
  if ('ret' in record) return resultText(record);
  if (record.type === 'complete' || record.type === 'refuse' || record.type === 'overflow') {
    return resultText({ ret: record.res, errno: record.type === 'overflow' ? undefined : record.errno });
  }
  return UNKNOWN;
}

function latencyText(record: Listed): string {
  const ns =
    record.type === 'complete' ? record.latencyNs : 'durationNs' in record ? record.durationNs : undefined;
  return ns === undefined ? UNKNOWN : thousandths(ns, 3);
}

/** What else is to be said of a completion. */
function completionNotes(record: Completed): string {
  const { isPunted, isArmed, isRefused, isOverflow, hasMore, isNotification, opcode, byTid, tid } = record;
  return [
    opcode === undefined && 'submission not seen',
    isRefused && 'refused',
    isPunted && 'worker',
    isArmed && 'polled',
    isOverflow && 'overflow',
    hasMore && 'more',
    isNotification && 'notification',
    byTid !== undefined && byTid !== tid && !isPunted && `by ${byTid}`,
  ]
    .filter((note) => typeof note === 'string')
    .join(' ');
}

function notesText(record: Listed): string {
  switch (record.type) {
    case 'complete':
      return completionNotes(record);
    case 'register':
      return record.complete ? `nr_args ${orUnknown(record.nrArgs)}` : 'incomplete';
    case 'create':
      return madeText(record);
    case 'cut':
      return record.next === undefined
        ? 'cut: the next one is cancelled'
        : `cut: #${record.next} is cancelled`;
    case 'work':
      return `work ${record.count}`;
    default:
      return record.type;
  }
}

const OPERATION_COLUMNS: readonly Column<Listed>[] = [
  ...FIRST_COLUMNS,
  { title: 'RING', width: 4, text: ({ ring }) => orUnknown(ring) },
  { title: 'OPERATION', width: 16, text: opcodeText },
  { title: 'RESULT', width: 9, text: outcomeText },
  { title: 'TIME(us)', width: 9, isNumber: true, text: latencyText },
  { title: 'NOTES', width: 1, text: notesText },
];

/** Makes the lines of the table of operations. */
export const operationTable = {
  header: (): string => columnsLine(OPERATION_COLUMNS, ({ title }) => title),
  line: (record: Listed, startNs: bigint): string =>
    columnsLine(OPERATION_COLUMNS, ({ text }) => text(record, startNs)),
};

// ---- printing ------------------------------------------------------------------------------------------------------

/** So many lines are written together. */
const MOST_LINES = 256;

/** Prints many lines with few writes: what comes in one turn of the event loop goes out together. */
export class Lines {
  #lines: string[] = [];
  #full: Promise<void> | undefined;

  /** Resolves when the reader can take more. */
  add(line: string): Promise<void> | undefined {
    this.#lines.push(line);
    if (this.#lines.length === 1) setImmediate(() => this.flush());
    if (this.#lines.length >= MOST_LINES) this.flush();
    return this.#full;
  }

  flush(): Promise<void> | undefined {
    const lines = this.#lines;
    this.#lines = [];
    if (lines.length === 0) return this.#full;
    const full = print(lines.join('\n'));
    this.#full = full?.then(() => {
      this.#full = undefined;
    });
    return this.#full;
  }
}
