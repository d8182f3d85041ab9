/** How the records of a trace are shown: lines of a table, or of JSON. */
import { setupFlags } from '../../structs/ops.ts';
import type { RegisterCall } from '../host/call.ts';
import type { SetupCall, TraceRecord } from '../host/trace.ts';
import { callToJson, rfc3339 } from './call.ts';
import { print, toJson, visible } from './kit.ts';

// ---- JSON --------------------------------------------------------------------------------------------------------

function setupToJson(call: SetupCall): string {
  return toJson({
    v: 1,
    type: 'create',
    ts: rfc3339(call.timeNs),
    mono_ns: call.monoNs,
    pid: call.pid,
    tid: call.tid,
    comm: call.comm,
    cpu: call.cpu,
    fd: call.fd,
    entries: call.entries,
    sq_entries: call.sqEntries,
    cq_entries: call.cqEntries,
    flags: call.flags,
    ret: call.ret,
    errno: call.errno,
    duration_ns: call.durationNs,
    ring: call.ring,
    complete: call.complete,
  });
}

/** A record as one line of JSON. */
export function recordToJson(record: TraceRecord): string {
  const v = 1;
  switch (record.type) {
    case 'register':
      return callToJson(record);
    case 'create':
      return setupToJson(record);
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
        incomplete: record.incomplete,
        events: record.events,
        lost_events: record.lostEvents,
        malformed: record.malformed,
      });
  }
}

// ---- the table -----------------------------------------------------------------------------------------------------

type Call = RegisterCall | SetupCall;

/** A column: what is wider than it moves the rest of its line, rather than being cut. */
interface Column {
  readonly title: string;
  readonly width: number;
  readonly isNumber?: boolean;
  readonly text: (call: Call, startNs: bigint) => string;
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
function timeText({ monoNs }: Call, startNs: bigint): string {
  if (monoNs === undefined) return UNKNOWN;
  const since = (monoNs - startNs) / 1000n;
  return since < 0n ? `-${thousandths(-since, 6)}` : `+${thousandths(since, 6)}`;
}

function whoText({ pid, tid }: Call): string {
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
export function opcodeText(call: Call): string {
  return call.type === 'register' ? orUnknown(call.opcodeName) : 'io_uring_setup';
}

function retText({ ret, errno }: Call): string {
  if (errno !== undefined) return `-${errno}`;
  return ret === undefined ? '?' : `${ret}`;
}

const COLUMNS: readonly Column[] = [
  { title: 'TIME', width: 9, text: timeText },
  { title: 'PID/TID', width: 7, text: whoText },
  { title: 'COMM', width: 8, text: ({ comm }) => commText(comm) },
  { title: 'FD', width: 5, text: fdText },
  { title: 'OPCODE', width: 22, text: opcodeText },
  {
    title: 'NR_ARGS',
    width: 7,
    isNumber: true,
    text: (call) => orUnknown(call.type === 'register' ? call.nrArgs : call.entries),
  },
  { title: 'RET', width: 6, text: retText },
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

const widthOf = (columns: readonly Column[]): number =>
  columns.reduce((sum, { width }) => sum + width + 1, -1);

/** `'SETUP_SQPOLL|SETUP_CQSIZE'`, unknown bits in hexadecimal. */
function flagsText(flags: number): string {
  const known = setupFlags.filter(({ value }) => (flags & value) !== 0);
  const rest = known.reduce((left, { value }) => left & ~value, flags) >>> 0;
  return [...known.map(({ name }) => name), ...(rest === 0 ? [] : [`0x${rest.toString(16)}`])].join('|');
}

/** Makes the lines of the table. */
export class CallTable {
  readonly #columns: readonly Column[];

  /** @param width of the terminal; undefined where there is none */
  constructor(width: number | undefined) {
    const isNarrow = width !== undefined && width < widthOf(COLUMNS);
    this.#columns = isNarrow ? COLUMNS.filter(({ title }) => !LESS.includes(title)) : COLUMNS;
  }

  header(): string {
    return this.#line(({ title }) => title);
  }

  line(call: Call, startNs: bigint): string {
    const line = this.#line(({ text }) => text(call, startNs));
    if (call.type === 'register') return call.complete ? line : `${line} incomplete`;
    if (call.flags === undefined) return line;
    const flags = call.flags === 0 ? '' : ` ${flagsText(call.flags)}`;
    return `${line} sq ${call.sqEntries} cq ${call.cqEntries}${flags}`;
  }

  #line(text: (column: Column) => string): string {
    let line = '';
    let end = 0;
    for (const column of this.#columns) {
      end += column.width;
      // what was too wide before is made up for by the room of what follows
      const cell = text(column);
      line += column.isNumber ? cell.padStart(end - line.length) : cell;
      line = `${line.padEnd(end)} `;
      end++;
    }
    return line.trimEnd();
  }
}

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
