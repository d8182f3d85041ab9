/** Rings of the host as `uring ps` shows them: one for each, with the processes that hold it, and what is wrong with it. */
import type { HostRing } from '../host/inspect.ts';
import { counted } from './kit.ts';
import { joined } from './table.ts';

/** A process that has a ring open, or mapped. */
export interface Holder {
  readonly pid: number;
  readonly comm: string;
  readonly uid: number | undefined;
  readonly fd: number | undefined;
}

/** A ring, as its first holder has it. */
export interface RingRow {
  readonly ring: HostRing;
  /** All that hold it; the first is the one that has it with its fd longest, by pid. */
  readonly holders: readonly Holder[];
  /** Worker threads of all holders. */
  readonly workers: number;
  /** What is wrong with it; empty where nothing is. */
  readonly trouble: readonly string[];
}

/** More threads than this that run operations which block are told as trouble. */
export const MANY_WORKERS = 64;
/** More pinned memory than this is told as trouble. */
export const MUCH_PINNED = 64 * 2 ** 20;

/** One row for each ring. Rings whose inode is not known are told apart by process and fd. */
export function byRing(rings: readonly HostRing[]): readonly (readonly HostRing[])[] {
  const found = new Map<string | number, HostRing[]>();
  for (const ring of rings) {
    const key = ring.ino ?? `${ring.pid}:${ring.fd}`;
    const group = found.get(key);
    if (group === undefined) found.set(key, [ring]);
    else group.push(ring);
  }
  return [...found.values()];
}

/** How many worker threads these have: those of one process are in common for all of its rings. */
export function workersOf(rows: readonly { readonly ring: HostRing }[]): number {
  return new Set(rows.flatMap(({ ring }) => ring.workers.map(({ tid }) => tid))).size;
}

/** How many processes hold these. */
export function heldBy(rows: readonly RingRow[]): number {
  return new Set(rows.flatMap(({ holders }) => holders.map(({ pid }) => pid))).size;
}

function troubleOf(ring: HostRing, workers: number, before: HostRing | undefined): string[] {
  const { sq, cq, overflow, buffers } = ring;
  const found: string[] = [];
  if (overflow.length > 0) found.push(`${overflow.length} overflowed`);
  // the same head at two looks
  if (sq && before?.sq && sq.pending > 0 && before.sq.pending > 0 && sq.head === before.sq.head)
    found.push(`SQ stalled at ${sq.pending}`);
  if (cq && before?.cq && cq.pending > 0 && cq.pending >= cq.entries / 2 && cq.head === before.cq.head)
    found.push(`CQ not taken: ${cq.pending}`);
  if (workers > MANY_WORKERS) found.push(`${workers} workers`);
  if ((buffers.bytes ?? 0) > MUCH_PINNED) found.push(`${sizeText(buffers.bytes ?? 0)} pinned`);
  return found;
}

/**
 * The rings with their holders.
 * @param earlier what was seen a moment before: a queue that has not moved since is stalled
 */
export function ringRows(rings: readonly HostRing[], earlier: readonly HostRing[] = []): readonly RingRow[] {
  const before = new Map(earlier.map((ring) => [ring.ino, ring]));
  return byRing(rings).flatMap((group) => {
    const [ring] = group;
    if (ring === undefined) return [];
    const workers = workersOf(group.map((each) => ({ ring: each })));
    const holders = group.map(({ pid, comm, uid, fd }) => ({ pid, comm, uid, fd }));
    const last = ring.ino === undefined ? undefined : before.get(ring.ino);
    return [{ ring, holders, workers, trouble: troubleOf(ring, workers, last) }];
  });
}

/** Bytes in three or four characters: `64K`, `1.5M`. */
export function sizeText(bytes: number): string {
  const units = ['', 'K', 'M', 'G', 'T', 'P'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  const digits =
    value < 10 && unit > 0 && !Number.isInteger(value) ? value.toFixed(1) : `${Math.round(value)}`;
  return `${digits}${units[unit]}`;
}

/** Everything together. */
export interface Totals {
  readonly rings: number;
  readonly processes: number;
  readonly workers: number;
  readonly pinnedBytes: number;
  readonly overflowed: number;
  readonly sqPending: number;
  readonly cqPending: number;
  readonly polls: number;
  readonly inTrouble: number;
}

export function totalsOf(rows: readonly RingRow[]): Totals {
  const sum = (of: (row: RingRow) => number | undefined) =>
    rows.reduce((all, row) => all + (of(row) ?? 0), 0);
  return {
    rings: rows.length,
    processes: heldBy(rows),
    workers: workersOf(rows),
    pinnedBytes: sum(({ ring }) => ring.buffers.bytes),
    overflowed: sum(({ ring }) => ring.overflow.length),
    sqPending: sum(({ ring }) => ring.sq?.pending),
    cqPending: sum(({ ring }) => ring.cq?.pending),
    polls: sum(({ ring }) => ring.pollList.length),
    inTrouble: rows.filter(({ trouble }) => trouble.length > 0).length,
  };
}

/** @param width of the terminal */
export function totalsText(totals: Totals, width: number): string {
  const parts = [
    `${counted(totals.rings, 'ring')} of ${counted(totals.processes, 'process', 'processes')}`,
    counted(totals.workers, 'worker'),
    `${sizeText(totals.pinnedBytes)} pinned`,
    `${totals.sqPending}/${totals.cqPending} pending`,
    ...(totals.polls > 0 ? [counted(totals.polls, 'poll')] : []),
    `${totals.overflowed} overflowed`,
    ...(totals.inTrouble > 0 ? [`${totals.inTrouble} in trouble`] : []),
  ];
  return joined(parts, width);
}
