/** Counts the calls of a trace by process and opcode: a table that grows on a terminal, and stays at the end. */
import { fullOpcodeName } from './call.ts';
import { table, toJson } from './kit.ts';
import { Live } from './live.ts';
import { commText, opcodeText, type Shown } from './trace-lines.ts';

/** Calls of one process with one opcode. */
export interface SummaryRow {
  readonly pid: number | undefined;
  readonly comm: string | undefined;
  readonly opcode: string;
  calls: number;
  errors: number;
  /** Calls whose duration is known, and how long they took together. */
  timed: number;
  totalNs: bigint;
}

const REFRESH_MS = 500;
const HEAD = ['PID', 'COMM', 'OPCODE', 'CALLS', 'ERRORS', 'AVG(us)'];

function averageUs({ timed, totalNs }: SummaryRow): string {
  return timed === 0 ? '-' : (Number(totalNs) / timed / 1000).toFixed(3);
}

/** Counts calls, and completions of operations. */
export class Summary {
  readonly #rows = new Map<string, SummaryRow>();

  add(call: Shown): void {
    const { pid, comm } = call;
    const isOperation = call.type === 'complete';
    const ret = isOperation ? call.res : call.ret;
    const durationNs = isOperation ? call.latencyNs : call.durationNs;
    const opcode = opcodeText(call);
    const key = `${pid}/${opcode}/${comm}`;
    let row = this.#rows.get(key);
    if (row === undefined) {
      row = { pid, comm, opcode, calls: 0, errors: 0, timed: 0, totalNs: 0n };
      this.#rows.set(key, row);
    }
    row.calls++;
    if (ret !== undefined && ret < 0) row.errors++;
    if (durationNs === undefined) return;
    row.timed++;
    row.totalNs += durationNs;
  }

  /** The most frequent first. */
  rows(): SummaryRow[] {
    return [...this.#rows.values()].sort((a, b) => b.calls - a.calls);
  }

  /** @param most rows; what is left out is said */
  text(most = Number.POSITIVE_INFINITY): string {
    const rows = this.rows();
    const shown = rows.slice(0, most);
    const cells = shown.map((row) => [
      row.pid ?? '-',
      commText(row.comm),
      row.opcode,
      row.calls,
      row.errors,
      averageUs(row).padStart('AVG(us)'.length),
    ]);
    const rest = rows.length - shown.length;
    return `${table(HEAD, cells)}${rest === 0 ? '' : `\n(${rest} more)`}`;
  }

  /** One line for each row. */
  json(): string[] {
    return this.rows().map((row) =>
      toJson({
        v: 1,
        type: 'summary',
        pid: row.pid,
        comm: row.comm,
        opcode_name: fullOpcodeName(row.opcode === 'io_uring_setup' ? undefined : row.opcode),
        calls: row.calls,
        errors: row.errors,
        avg_ns: row.timed === 0 ? undefined : row.totalNs / BigInt(row.timed),
      }),
    );
  }
}

/** Shows a summary on a terminal, again and again in the same place. */
export class LiveSummary {
  readonly #live = new Live(process.stdout);
  #timer: NodeJS.Timeout | undefined;

  constructor(summary: Summary) {
    const draw = () => this.#live.show(summary.text(Math.max((process.stdout.rows ?? 24) - 3, 1)));
    draw();
    this.#timer = setInterval(draw, REFRESH_MS);
  }

  /** Takes it away, and leaves the terminal as it was. Harmless when repeated. */
  close(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#live.clear();
  }
}
