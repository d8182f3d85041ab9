/** What stands before an event of the kernel's tracing: thread, cpu, time, in the forms of tracefs, trace-cmd and perf. */
import { count, secondsNs } from './numbers.ts';
import type { Known } from './records.ts';

/** tracefs and trace-cmd: comm, tid, perhaps tgid, cpu, perhaps flags, time on the clock of the trace, perhaps since when. */
const TRACEFS =
  /^(.*)-(\d+)\s+(?:\( *(\d+|-+)\)\s+)?\[(\d+)\](?:-0x[\da-f]+)?\s+(?:[^\s\d]\S*\s+)?(\d+(?:\.\d+)?):\s+(?:\(\+[\d.]+\)\s+)?$/s;
/** The cpu with flags behind it; tracefs with latency-format has microseconds since the trace began, trace-cmd the time. */
const LATENCY =
  /^(.*)-(\d+)\s+(?:\( *(\d+|-+)\)\s+)?(\d+)[^\s\d]\S{3,5}\s+(?:\d+us[ +!#*@$]{1,2}|(\d+\.\d+)):\s+(?:\(\+[\d.]+\)\s+)?$/s;
/** perf script, and our line for bpftrace: comm, perhaps pid, tid, perhaps cpu, mode, time, period. */
const PERF =
  /^\s*(\S.{0,63}?)\s+(?:(\d+)\/)?(\d+)\s+(?:\[(\d+)\]\s+)?(?:[A-Z]{1,4}\s+)?(?:(\d+\.\d+):\s+)?(?:\d+\s+)?$/s;
/** A name has 15 bytes; a line no more than the widest numbers. */
const LONGEST_COMM = 16;
const LONGEST = 200;

function who(comm: string, tid: string | undefined, pid: string | undefined, cpu: string | undefined): Known {
  const name = comm.trimStart();
  return { tid: count(tid), pid: count(pid), comm: name === '<...>' ? undefined : name, cpu: count(cpu) };
}

/** The thread, the cpu and the time of an event; undefined where what stands there is something else. */
export function contextOf(text: string): Known | undefined {
  // options/context-info off
  if (text.trim() === '') return {};
  if (text.length > LONGEST) return undefined;
  // perf script -F time
  const [, alone] = /^\s*(\d+\.\d+):\s+$/.exec(text) ?? [];
  if (alone !== undefined) return { monoNs: secondsNs(alone) };
  const own = TRACEFS.exec(text) ?? LATENCY.exec(text);
  if (own !== null) {
    const [, comm = '', tid, pid, cpu, time] = own;
    if (comm.trimStart().length > LONGEST_COMM) return undefined;
    // without a dot it is a count of something
    const monoNs = time?.includes('.') ? secondsNs(time) : undefined;
    return { monoNs, ...who(comm, tid, pid, cpu) };
  }
  const [found, comm = '', pid, tid, cpu, time] = PERF.exec(text) ?? [];
  if (found === undefined || comm.length > LONGEST_COMM) return undefined;
  return { ...(time !== undefined && { monoNs: secondsNs(time) }), ...who(comm, tid, pid, cpu) };
}
