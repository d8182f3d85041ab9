/** Accounts of operations, put together as a person wants to see them. */
import type { Latencies, LatencyBucket, OperationAccount, OperationCounts } from '../host/accounts.ts';
import { COUNTS } from '../host/operations/accounts.ts';
import { quantileOf } from '../host/operations/histogram.ts';
import { paint, visible } from './kit.ts';

/** Counts of one kind of operations, with the latencies of all accounts that were put together. */
export interface Row {
  readonly pid: number | undefined;
  readonly comm: string | undefined;
  /** Undefined where several rings are put together. */
  readonly ring: string | undefined;
  readonly operation: string;
  readonly inFlight: number;
  readonly counts: OperationCounts;
}

/** The operation's name without `OP_`. */
export function shortName(opcodeName: string | undefined): string {
  return opcodeName === undefined ? '?' : opcodeName.replace(/^OP_(?!\d)/, '');
}

function mergeLatencies(one: Latencies, other: Latencies): Latencies {
  if (one.count === 0) return other;
  if (other.count === 0) return one;
  const counts = new Map<number, LatencyBucket>();
  for (const bucket of [...one.buckets, ...other.buckets]) {
    const { fromNs, toNs } = bucket;
    counts.set(fromNs, { fromNs, toNs, count: (counts.get(fromNs)?.count ?? 0) + bucket.count });
  }
  const buckets = [...counts.values()].sort((a, b) => a.fromNs - b.fromNs);
  const count = one.count + other.count;
  const maxNs = Math.max(one.maxNs, other.maxNs);
  return {
    ...{ count, maxNs, buckets },
    sumNs: one.sumNs + other.sumNs,
    p50Ns: quantileOf(buckets, count, maxNs, 0.5),
    p99Ns: quantileOf(buckets, count, maxNs, 0.99),
  };
}

/** Adds up two sets of counts. */
export function mergeCounts(one: OperationCounts, other: OperationCounts): OperationCounts {
  const sum = { ...one, latency: mergeLatencies(one.latency, other.latency) };
  for (const name of COUNTS) sum[name] += other[name];
  return sum;
}

/** What rows are put together by. */
export type Grouping = 'ring' | 'process' | 'operation';

function keyOf({ pid, comm, ring, opcode }: OperationAccount, by: Grouping): string {
  if (by === 'operation') return `${opcode}`;
  return by === 'ring' ? `${pid} ${comm} ${opcode} ${ring}` : `${pid} ${comm} ${opcode}`;
}

/**
 * Puts accounts together.
 * @param which those of the interval, or all since the beginning
 */
export function rowsOf(
  accounts: readonly OperationAccount[],
  which: 'interval' | 'total',
  by: Grouping,
): Row[] {
  const rows = new Map<string, Row>();
  for (const account of accounts) {
    const { pid, comm, ring, opcodeName, inFlight } = account;
    const key = keyOf(account, by);
    const before = rows.get(key);
    const counts = account[which];
    rows.set(key, {
      ...(by === 'operation' ? { pid: undefined, comm: undefined } : { pid, comm }),
      ring: by === 'ring' ? ring : undefined,
      operation: shortName(opcodeName),
      inFlight: inFlight + (before?.inFlight ?? 0),
      counts: before === undefined ? counts : mergeCounts(before.counts, counts),
    });
  }
  return [...rows.values()];
}

/** Operations of a row: submissions, or completions where multishot operations have more of these. */
export function operationsOf({ counts }: Row): number {
  return Math.max(counts.submitted, counts.completed);
}

/** The longest one, where there is one. */
export function longest({ count, maxNs }: Latencies): number | undefined {
  return count === 0 ? undefined : maxNs;
}

/** The percentage of a row's operations that went to worker threads. */
export function workerShare({ counts: { submitted, punted } }: Row): number | undefined {
  return submitted === 0 ? undefined : Math.min(100, Math.round((100 * punted) / submitted));
}

/** The keys of latencies in JSON. */
export function latencyToJson(latency: Latencies): object {
  const { count, sumNs, p50Ns, p99Ns } = latency;
  return {
    ...{ latency_count: count, latency_sum_ns: sumNs },
    ...{ p50_ns: p50Ns, p99_ns: p99Ns, max_ns: longest(latency) },
  };
}

/** Did anything happen? */
export function isActive({ inFlight, counts }: Row): boolean {
  return inFlight > 0 || counts.submitted > 0 || counts.completed > 0 || counts.overflow > 0;
}

// ---- numbers --------------------------------------------------------------------------------------------------------

const UNITS = ['', 'k', 'M', 'G', 'T'];

function threeDigits(value: number): string {
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

/** `'9'`, `'1.23k'`, `'456k'`: at most five characters. */
export function shortNumber(value: number): string {
  let left = value;
  let unit = 0;
  while (left >= 999.5 && unit < UNITS.length - 1) {
    left /= 1000;
    unit++;
  }
  if (unit === 0) return left >= 10 || Number.isInteger(left) ? `${Math.round(left)}` : left.toFixed(1);
  return `${threeDigits(left)}${UNITS[unit]}`;
}

/** `'850ns'`, `'12.3us'`, `'1.20ms'`, `'20.1s'`: at most six characters. */
export function shortTime(ns: number | undefined): string {
  if (ns === undefined) return '-';
  if (ns < 999.5) return `${Math.round(ns)}ns`;
  if (ns < 999.5e3) return `${threeDigits(ns / 1e3)}us`;
  return ns < 999.5e6 ? `${threeDigits(ns / 1e6)}ms` : `${threeDigits(ns / 1e9)}s`;
}

// ---- the table ------------------------------------------------------------------------------------------------------

interface Column {
  readonly title: string;
  readonly width: number;
  /** In a table that has room for it. */
  readonly wide?: number;
  /** In one with rings that has not. */
  readonly tight?: number;
  readonly isText?: boolean;
  readonly isOfRings?: boolean;
  /** `seconds` undefined: counts instead of rates. */
  readonly text: (row: Row, seconds: number | undefined) => string;
  /** The title over counts. */
  readonly total?: string;
  /** Is it worth a colour? */
  readonly isBad?: (row: Row) => boolean;
}

const COLUMNS: readonly Column[] = [
  { title: 'PID', width: 7, text: ({ pid }) => `${pid ?? '-'}` },
  {
    title: 'COMM',
    width: 9,
    wide: 15,
    tight: 5,
    isText: true,
    text: ({ comm }) => (comm === undefined ? '<gone>' : visible(comm)),
  },
  { title: 'RING', width: 5, tight: 4, isText: true, isOfRings: true, text: ({ ring }) => ring ?? '-' },
  { title: 'OPERATION', width: 9, wide: 18, tight: 8, isText: true, text: ({ operation }) => operation },
  {
    title: 'OPS/S',
    width: 5,
    wide: 7,
    total: 'OPS',
    text: (row, seconds = 1) => shortNumber(operationsOf(row) / seconds),
  },
  {
    title: 'ERR/S',
    width: 5,
    total: 'ERR',
    text: ({ counts }, seconds = 1) => shortNumber(counts.errors / seconds),
    isBad: ({ counts }) => counts.errors > 0,
  },
  { title: 'FLY', width: 4, wide: 6, text: ({ inFlight }) => shortNumber(inFlight) },
  { title: 'P50', width: 6, text: ({ counts }) => shortTime(counts.latency.p50Ns) },
  { title: 'P99', width: 6, text: ({ counts }) => shortTime(counts.latency.p99Ns) },
  { title: 'MAX', width: 6, text: ({ counts }) => shortTime(longest(counts.latency)) },
  { title: 'WRK%', width: 4, text: (row) => `${workerShare(row) ?? '-'}` },
  {
    title: 'OVF',
    width: 3,
    wide: 5,
    text: ({ counts }) => shortNumber(counts.overflow),
    isBad: ({ counts }) => counts.overflow > 0,
  },
  {
    title: 'CUT',
    width: 3,
    wide: 5,
    text: ({ counts }) => shortNumber(counts.cut),
    isBad: ({ counts }) => counts.cut > 0,
  },
];

/** So many columns a table needs that shows everything. */
export const WIDE = 110;

/** A number with a unit in fewer characters: `'5.14k'` as `'5k'`, `'514k'` as `'.5M'`. */
function squeezed(text: string, width: number): string {
  const [, digits, unit = ''] = /^([\d.]+)([kMG])$/.exec(text) ?? [];
  if (digits === undefined || text.length <= width) return text;
  const whole = `${Math.round(Number(digits))}${unit}`;
  if (whole.length <= width) return whole;
  return `.${Math.min(9, Math.round(Number(digits) / 100))}${UNITS[UNITS.indexOf(unit) + 1]}`;
}

function fitted(text: string, width: number, isText: boolean): string {
  if (!isText) return squeezed(text, width).padStart(width);
  const characters = [...text];
  if (characters.length > width) return `${characters.slice(0, width - 1).join('')}…`;
  return text.padEnd(width);
}

/**
 * Lines of a table.
 * @param seconds of the interval, for rates; undefined for counts
 * @param width of the terminal
 */
export function rowLines(rows: readonly Row[], seconds: number | undefined, width: number): string[] {
  const hasRings = rows.some(({ ring }) => ring !== undefined);
  const columns = COLUMNS.filter(({ isOfRings = false }) => hasRings || !isOfRings);
  const least = columns.reduce((sum, column) => sum + column.width + 1, -1);
  const room = width >= WIDE ? 'wide' : width < least ? 'tight' : 'width';
  const line = (cell: (column: Column, width: number) => string): string =>
    columns
      .map((column) => cell(column, column[room] ?? column.width))
      .join(' ')
      .trimEnd();
  const head = line(({ title, total = title, isText = false }, size) =>
    fitted(seconds === undefined ? total : title, size, isText),
  );
  const body = rows.map((row) =>
    line(({ text, isText = false, isBad }, size) => {
      const cell = fitted(text(row, seconds), size, isText);
      return isBad?.(row) ? paint.red(cell) : cell;
    }),
  );
  return [paint.bold(head), ...body];
}

// ---- sorting --------------------------------------------------------------------------------------------------------

const KEYS = {
  rate: (row: Row) => operationsOf(row),
  errors: ({ counts }: Row) => counts.errors,
  inflight: ({ inFlight }: Row) => inFlight,
  p50: ({ counts }: Row) => counts.latency.p50Ns ?? -1,
  p99: ({ counts }: Row) => counts.latency.p99Ns ?? -1,
  max: ({ counts }: Row) => counts.latency.maxNs,
  workers: ({ counts }: Row) => counts.punted,
  overflow: ({ counts }: Row) => counts.overflow,
  cut: ({ counts }: Row) => counts.cut,
  pid: ({ pid }: Row) => -(pid ?? 0),
} as const;

/** What rows can be sorted by. */
export type SortKey = keyof typeof KEYS;
export const SORT_KEYS = Object.keys(KEYS);

/** The greatest first; what is equal in the order of its process and operation, so that rows don't jump. */
export function sorted(rows: readonly Row[], by: SortKey): Row[] {
  const value = KEYS[by];
  return rows.toSorted(
    (a, b) => value(b) - value(a) || (a.pid ?? 0) - (b.pid ?? 0) || a.operation.localeCompare(b.operation),
  );
}
