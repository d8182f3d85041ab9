/** `uring ps --metrics`: what the rings have, as OpenMetrics text, by process. */
import { type RingRow, workersOf } from './ps-rings.ts';

function label(text: string): string {
  return text.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n');
}

/** Each with its help and what it is of a ring. */
const METRICS: readonly (readonly [name: string, help: string, of: (row: RingRow) => number | undefined])[] =
  [
    ['uring_rings', 'Rings, each counted for the first process that holds it.', () => 1],
    ['uring_ring_holders', 'Processes that hold these rings.', ({ holders }) => holders.length],
    ['uring_sq_pending', 'Entries that the kernel has not consumed.', ({ ring }) => ring.sq?.pending],
    ['uring_cq_pending', 'Completions that the program has not taken.', ({ ring }) => ring.cq?.pending],
    ['uring_cq_overflowed', 'Completions that found the queue full.', ({ ring }) => ring.overflow.length],
    ['uring_polls', 'Requests that wait for a file to become ready.', ({ ring }) => ring.pollList.length],
    ['uring_registered_files', 'Registered files.', ({ ring }) => ring.files.used],
    ['uring_pinned_bytes', 'Bytes of registered buffers.', ({ ring }) => ring.buffers.bytes],
    ['uring_rings_in_trouble', 'Rings that --trouble shows.', ({ trouble }) => (trouble.length > 0 ? 1 : 0)],
  ];

/** The whole exposition, with its end mark. */
export function metricsText(rows: readonly RingRow[], unreadable: number): string {
  const byProcess = new Map<number, RingRow[]>();
  for (const row of rows) {
    const group = byProcess.get(row.ring.pid);
    if (group === undefined) byProcess.set(row.ring.pid, [row]);
    else group.push(row);
  }
  const lines: string[] = [];
  const family = (name: string, help: string, unit = '') => {
    lines.push(`# TYPE ${name} gauge`);
    if (unit !== '') lines.push(`# UNIT ${name} ${unit}`);
    lines.push(`# HELP ${name} ${help}`);
  };
  for (const [name, help, of] of METRICS) {
    family(name, help, name.endsWith('_bytes') ? 'bytes' : '');
    for (const [pid, group] of byProcess) {
      const value = group.reduce((sum, row) => sum + (of(row) ?? 0), 0);
      lines.push(`${name}{pid="${pid}",comm="${label(group[0]?.ring.comm ?? '')}"} ${value}`);
    }
  }
  family('uring_workers', 'Worker threads of the rings of a process.');
  for (const [pid, group] of byProcess) {
    lines.push(`uring_workers{pid="${pid}",comm="${label(group[0]?.ring.comm ?? '')}"} ${workersOf(group)}`);
  }
  family('uring_unreadable_processes', 'Processes that this user may not look into.');
  lines.push(`uring_unreadable_processes ${unreadable}`, '# EOF');
  return lines.join('\n');
}
