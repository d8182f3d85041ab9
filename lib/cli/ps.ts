/** `uring ps`: the rings of the host, each with the processes that hold it. */
import { setTimeout } from 'node:timers/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { NapiState, SqThread, UserFile } from '../host/fdinfo.ts';
import { type HostRing, type Inspection, inspect } from '../host/inspect.ts';
import type { IoThread } from '../host/proc.ts';
import { Identities } from '../host/who.ts';
import { credentials, files } from '../sys/host.ts';
import {
  counted,
  EXIT,
  Failure,
  listenForStop,
  note,
  print,
  snakeCase,
  stopped,
  table,
  toJson,
  visible,
} from './kit.ts';
import { Live } from './live.ts';
import { metricsText } from './ps-metrics.ts';
import { heldBy, type RingRow, ringRows, sizeText, totalsOf, totalsText } from './ps-rings.ts';
import type { Fit } from './table.ts';
import { whereText, whoToJson } from './who.ts';

/** What the command line says. */
interface Options {
  readonly pid?: number;
  readonly wide?: boolean;
  readonly trouble?: boolean;
  readonly watch?: number | true;
  readonly metrics?: boolean;
  readonly threads?: boolean;
  readonly files?: boolean;
  readonly maps?: boolean;
  readonly header: boolean;
  readonly json?: boolean;
  readonly strict?: boolean;
}

function parsePid(text: string): number {
  const pid = Number(text);
  if (/^\d+$/.test(text) && pid >= 1 && pid <= 0x7fff_ffff) return pid;
  throw new InvalidArgumentError('it is a number from 1 to 2147483647');
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (/^\d+(?:\.\d+)?$/.test(text) && seconds >= 0.1 && seconds <= 86_400) return seconds;
  throw new InvalidArgumentError('it is a number of seconds from 0.1 to 86400');
}

/** Makes the command. */
export function makeCommand(): Command {
  return new Command('ps')
    .description(
      'Shows the rings of every process that you may look into (root: all), from /proc. Nothing is stopped or changed.',
    )
    .argument('[pids...]', 'only the rings of these processes', (text, all: number[] = []) => [
      ...all,
      parsePid(text),
    ])
    .option('--pid <pid>', 'only this process', parsePid)
    .option('--wide', 'every column, however long the lines become')
    .option('--trouble', 'only rings with trouble, and why')
    .option('--watch [seconds]', 'again and again, each 2 seconds', parseSeconds)
    .addOption(
      new Option('--metrics', 'as OpenMetrics text').conflicts(['json', 'threads', 'files', 'watch']),
    )
    .option('--threads', 'the threads that io_uring has in these processes, too')
    .option('--files', 'the registered files, too')
    .option('--maps', 'look for rings without fd in the memory maps of all processes')
    .option('--no-header', 'no line of titles, and no totals')
    .option('--json', 'one object per ring and line, with all that is known')
    .option('--strict', 'exit with 5 when something could not be seen')
    .addHelpText(
      'after',
      `
RING       inode of the ring: the same for every fd of one ring
PID        the first process that holds it; HELD: how many do
SQ/CQ      entries of its queues; "busy" where the ring was always in use
PEND       entries that the kernel has not consumed / completions not taken
OVF        completions that found the queue full
FILES      registered files
MEM        bytes of registered buffers, which are pinned
WRK        worker threads, of all rings of the process without SQPOLL thread
-          not known, or not there
--wide has FD, slots of FILES and BUFS, POLL (requests that wait for a file to
become ready), SQPOLL (thread @ cpu, share of work), NAPI, HOLDERS, and IN (the
container or the systemd unit of PID), too.

Trouble is a completion that overflowed; a queue with entries that did not move
within 0.2 s (the SQ; a CQ that is half full); more than 64 workers; more than
64 MiB pinned.

Exits with 0, also without rings; 1 where a process that was asked for does not
exist, 2 for wrong usage, 3 where it may not be looked into, 4 without /proc, 5
with --strict when something could not be seen.

Examples:
  uring ps --trouble --watch
  uring ps --wide --threads --files 1234
  uring ps --json --maps | jq 'select(.overflow != [])'
  uring ps --metrics > /var/lib/node_exporter/uring.prom`,
    )
    .action(run);
}

async function run(pids: readonly number[], options: Options): Promise<void> {
  const wanted = options.pid === undefined ? pids : [...pids, options.pid];
  if (options.watch === undefined) return await show(wanted, options);
  const seconds = options.watch === true ? 2 : options.watch;
  const signal = listenForStop();
  const screen = process.stdout.isTTY ? new Live(process.stdout) : undefined;
  while (!signal.aborted) {
    const shown = await lookAt(wanted, options);
    const text = options.json ? shown.lines.join('\n') : screenText(shown);
    if (screen === undefined || options.json) await print(text);
    else screen.show(text);
    await until(seconds * 1000);
  }
}

/** Waits, or until somebody wants us to end. */
function until(milliseconds: number): Promise<void> {
  return setTimeout(milliseconds, undefined, { signal: stopped }).catch(() => {});
}

/** What one look gives. */
interface Shown {
  readonly lines: readonly string[];
  /** What could not be seen, in words. */
  readonly remarks: readonly string[];
}

/** As much as the terminal has. */
function screenText({ lines, remarks }: Shown): string {
  const rows = (process.stdout.rows ?? 24) - remarks.length - 1;
  // the totals, which are the last line, stay on the screen
  const cut = [...lines.slice(0, rows - 2), `... ${lines.length - rows + 1} lines more`, lines.at(-1) ?? ''];
  const shown = process.stdout.isTTY && lines.length > rows ? cut : lines;
  return [...shown, ...remarks.map((remark) => `(${remark})`)].join('\n');
}

async function show(pids: readonly number[], options: Options): Promise<void> {
  const { lines, remarks } = await lookAt(pids, options);
  for (const line of lines) await print(line);
  for (const remark of remarks) note(remark);
  if (options.strict && remarks.length > 0) process.exitCode = EXIT.incomplete;
}

/** The rings of the processes that were asked for, or of all. */
function inspected(
  pids: readonly number[],
  maps: boolean,
): Pick<Inspection, 'rings' | 'unreadable' | 'hidden'> {
  const [only, ...more] = pids;
  const all = only === undefined || more.length > 0 ? inspect({ maps }) : inspect({ pid: only, maps });
  const rings = pids.length === 0 ? all.rings : all.rings.filter(({ pid }) => pids.includes(pid));
  for (const pid of pids) if (!rings.some((ring) => ring.pid === pid)) explainNone(pid, maps);
  return { rings, unreadable: pids.length > 1 ? 0 : all.unreadable, hidden: all.hidden };
}

/** Between two looks at queues that may have stalled. */
const MOMENT_MS = 200;

async function lookAt(pids: readonly number[], options: Options): Promise<Shown> {
  const { maps = false, trouble = false, metrics = false, json = false } = options;
  const mayStall = trouble || metrics;
  const earlier = mayStall ? inspected(pids, maps).rings : [];
  if (mayStall) await until(MOMENT_MS);
  const { rings, unreadable, hidden } = inspected(pids, maps);
  const users = localUsers();
  const all = ringRows(rings, earlier);
  const rows = trouble ? all.filter((row) => row.trouble.length > 0) : all;
  const busy = all.filter(({ ring }) => ring.busy).length;
  const remarks = remarksOf(unreadable, hidden, busy);
  if (metrics) return { lines: [metricsText(all, unreadable)], remarks };
  const who = new Identities();
  if (json) return { lines: rows.map((row) => toJson(ringToJson(row, { users, who }))), remarks };
  return { lines: tableLines(rows, { users, who }, options), remarks };
}

/** What could not be seen. */
export function remarksOf(unreadable: number, hidden: boolean, busy: number): string[] {
  const isRoot = credentials()?.uid === 0;
  const remarks: string[] = [];
  if (unreadable > 0) {
    const why = isRoot ? 'they have capabilities that you lack' : 'run as root for all';
    remarks.push(`${counted(unreadable, 'process', 'processes')} not readable (${why})`);
  }
  if (hidden)
    remarks.push("/proc is mounted with hidepid: other users' processes are not even listed (run as root)");
  if (busy > 0)
    remarks.push(`${counted(busy, 'ring was', 'rings were')} in use at every look (run it again)`);
  return remarks;
}

/** Ends the command where a process that was asked for can't be seen; one without rings is no error. */
function explainNone(pid: number, maps: boolean): void {
  const what = `ps: process ${pid}`;
  if (inspect({ pid, maps }).unreadable > 0) {
    throw new Failure(EXIT.forbidden, what, 'not readable (EACCES)', 'run as root, or as its user');
  }
  if (!files.exists(`/proc/${pid}`)) throw new Failure(EXIT.failed, what, 'there is none (ESRCH)');
}

// ---- text -----------------------------------------------------------------------------------------------------------

/** Columns of a table: each with its title and what it shows of a row; nothing for what is not known. */
type Columns<T> = readonly (readonly [title: string, cell: (row: T) => string | number | undefined])[];

export type Users = ReadonlyMap<number | undefined, string>;

/** What is known besides the rings. */
export interface Known {
  readonly users: Users;
  readonly who: Identities;
}

/** The names of local users; others are shown by number. */
export function localUsers(): Users {
  const lines = files.read('/etc/passwd')?.split('\n') ?? [];
  return new Map(lines.map((line) => line.split(':')).map(([name = '', , uid]) => [Number(uid), name]));
}

function submitter({ tid, cpu, totalUs, workUs }: SqThread): string {
  const where = cpu === undefined ? '' : `@${cpu}`;
  if (totalUs === undefined || workUs === undefined) return `${tid}${where}`;
  // the two are counted apart, and work may be ahead
  return `${tid}${where} ${totalUs === 0 ? 0 : Math.min(100, Math.round((100 * workUs) / totalUs))}%`;
}

function busyPolling({ mode, busyPollUs }: NapiState): string {
  if (mode === 'off' || mode === 'static') return mode;
  return `${mode === 'dynamic' ? 'dyn' : mode} ${busyPollUs ?? '?'}us`;
}

function slots({ used, slots }: HostRing['files']): string | undefined {
  return used === undefined ? undefined : `${used}/${slots}`;
}

/** The first ones, and how many more: `'101,102,103,+97'`. */
function few(pids: readonly number[]): string {
  return pids.length > 3 ? `${pids.slice(0, 3)},+${pids.length - 3}` : `${pids}`;
}

const isSeen = ({ busy, source }: HostRing): boolean => !busy && source === 'fd';

export function pair(first: number | undefined, second: number | undefined): string | undefined {
  return first === undefined && second === undefined ? undefined : `${first ?? '-'}/${second ?? '-'}`;
}

/** What tells rings apart. */
function names(users: Users): Columns<RingRow> {
  return [
    ['RING', ({ ring }) => ring.ino],
    ['PID', ({ ring }) => ring.pid],
    ['COMM', ({ ring }) => ring.comm],
    ['USER', ({ ring }) => users.get(ring.uid) ?? ring.uid],
  ];
}

function narrowColumns(users: Users, trouble: boolean): Columns<RingRow> {
  const queues: Columns<RingRow> = [
    ['SQ/CQ', ({ ring }) => (ring.busy && !ring.sq ? 'busy' : pair(ring.sq?.entries, ring.cq?.entries))],
    ['PEND', ({ ring }) => pair(ring.sq?.pending, ring.cq?.pending)],
  ];
  if (trouble) return [...names(users), ...queues, ['TROUBLE', (row) => row.trouble.join(', ')]];
  return [
    ...names(users),
    ...queues,
    ['OVF', ({ ring }) => (isSeen(ring) && ring.cq ? ring.overflow.length : undefined)],
    ['FILES', ({ ring }) => ring.files.used],
    ['MEM', ({ ring }) => (ring.buffers.bytes === undefined ? undefined : sizeText(ring.buffers.bytes))],
    ['WRK', ({ workers }) => workers],
    ['HELD', (row) => heldBy([row])],
  ];
}

function wideColumns(users: Users, who: Identities): Columns<RingRow> {
  return [
    ...names(users),
    ['FD', ({ ring: { fd } }) => fd],
    ['SQ', ({ ring: { sq, busy } }) => sq?.entries ?? (busy ? 'busy' : undefined)],
    ['CQ', ({ ring: { cq } }) => cq?.entries],
    ['SQ-PEND', ({ ring: { sq } }) => sq?.pending],
    ['CQ-PEND', ({ ring: { cq } }) => cq?.pending],
    ['OVERFLOW', ({ ring: each }) => (isSeen(each) && each.cq ? each.overflow.length : undefined)],
    ['FILES', ({ ring: each }) => slots(each.files)],
    ['BUFS', ({ ring: each }) => slots(each.buffers)],
    ['BUFBYTES', ({ ring: { buffers } }) => buffers.bytes],
    ['POLL', ({ ring: each }) => (isSeen(each) ? each.pollList.length : undefined)],
    ['SQPOLL', ({ ring: { sqPoll } }) => sqPoll && submitter(sqPoll)],
    ['NAPI', ({ ring: { napi } }) => napi && busyPolling(napi)],
    ['WRK', ({ workers }) => workers],
    ['HOLDERS', ({ holders }) => few(holders.map((holder) => holder.pid))],
    ['IN', ({ ring }) => whereText(who.of(ring.pid))],
  ];
}

const THREADS: Columns<IoThread & { readonly pid: number }> = [
  ['PID', ({ pid }) => pid],
  ['TID', ({ tid }) => tid],
  ['THREAD', ({ comm }) => comm],
  ['KIND', ({ kind }) => kind],
  ['FOR', ({ owner }) => owner],
  ['CPU', ({ cpu }) => cpu],
  ['STATE', ({ state }) => state],
];

const FILES: Columns<UserFile & Pick<HostRing, 'pid' | 'fd' | 'ino'>> = [
  ['PID', ({ pid }) => pid],
  ['FD', ({ fd }) => fd],
  ['RING', ({ ino }) => ino],
  ['SLOT', ({ slot }) => slot],
  ['FILE', ({ path }) => path],
];

/** A table's lines; nothing without rows and header. */
function lines<T>(columns: Columns<T>, rows: readonly T[], header: boolean, fit?: Fit): string[] {
  if (rows.length === 0 && !header) return [];
  const cells = rows.map((row) =>
    columns.map(([, cell]) => {
      const shown = cell(row) ?? '-';
      return typeof shown === 'number' ? shown : visible(shown);
    }),
  );
  return table(header ? columns.map(([title]) => title) : undefined, cells, fit).split('\n');
}

/** The columns of the terminal; what goes elsewhere has 80. */
function terminalWidth(): number {
  return Math.max(process.stdout.columns || 80, 80);
}

/** What may be cut so that a line fits: the name, then the user, then the reason. */
function fitFor(trouble: boolean): Fit {
  const width = terminalWidth();
  return { width, cut: [[2, 6], [3, 4], ...(trouble ? [[6, 8] as const] : [])] };
}

function tableLines(rows: readonly RingRow[], { users, who }: Known, options: Options): string[] {
  const { header, wide = false, trouble = false } = options;
  const why: Columns<RingRow> = trouble ? [['TROUBLE', (row) => row.trouble.join(', ')]] : [];
  const columns = wide ? [...wideColumns(users, who), ...why] : narrowColumns(users, trouble);
  const tables = [lines(columns, rows, header, wide ? undefined : fitFor(trouble))];
  const held = rows.map(({ ring }) => ring);
  if (options.threads) {
    const all = new Map(held.map(({ pid, threads }) => [pid, threads]));
    const found = [...all].flatMap(([pid, threads]) => threads.map((thread) => ({ ...thread, pid })));
    tables.push(lines(THREADS, found, header));
  }
  if (options.files) {
    const found = held.flatMap(({ userFiles, pid, fd, ino }) =>
      userFiles.map((file) => ({ pid, fd, ino, ...file })),
    );
    tables.push(lines(FILES, found, header));
  }
  if (header && rows.length > 0) tables.push([totalsText(totalsOf(rows), terminalWidth())]);
  return tables.filter((each) => each.length > 0).flatMap((each, i) => (i === 0 ? each : ['', ...each]));
}

// ---- JSON -----------------------------------------------------------------------------------------------------------

/** Keys as the kernel would write them, and operations by their C names. */
function renamed<V>(value: V): V;
function renamed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((each: unknown) => renamed(each));
  if (typeof value !== 'object' || value === null) return value;
  const found: { [key: string]: unknown } = {};
  const entries: [string, unknown][] = Object.entries(value);
  for (const [key, each] of entries) {
    if (key === 'op' && typeof each === 'string') found[key] = `IORING_${each}`;
    else found[snakeCase(key)] = key === 'extra' ? each : renamed(each);
  }
  return found;
}

/** A line of `--json`. */
export function ringToJson({ ring, holders, workers, trouble }: RingRow, { users, who }: Known): object {
  const { pid, comm, uid, workers: threads, sharedWith: _, ...rest } = ring;
  const process = { pid, comm, uid, user: users.get(uid) };
  const others = [...new Set(holders.map((holder) => holder.pid))].filter((each) => each !== pid);
  const held = holders.map((holder) => ({ ...holder, user: users.get(holder.uid) }));
  const found = renamed({
    ...{ v: 1, type: 'ring', ...process, ...rest, sharedWith: others },
    ...{ workers: threads.map(({ tid }) => tid), workerCount: workers, holders: held, trouble },
  });
  // its uid is the effective one, as fdinfo and the kernel's checks have it
  return { ...found, ...whoToJson(who.of(pid)), uid };
}
