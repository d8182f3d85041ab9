/** `uring ps`: the rings of every process. */
import { Command, InvalidArgumentError } from 'commander';
import type { NapiState, SqThread, UserFile } from '../host/fdinfo.ts';
import { type HostRing, inspect } from '../host/inspect.ts';
import type { IoThread } from '../host/proc.ts';
import { credentials, files } from '../sys/host.ts';
import { EXIT, Failure, note, print, table, toJson, visible } from './kit.ts';

/** What the command line says. */
interface Options {
  readonly pid?: number;
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

/** Makes the command. */
export function psCommand(): Command {
  return new Command('ps')
    .description(
      'Shows the rings of every process that you may look into (root: all), from /proc. Nothing is stopped or changed.',
    )
    .option('--pid <pid>', 'only this process', parsePid)
    .option('--threads', 'the threads that io_uring has in these processes, too')
    .option('--files', 'the registered files, too')
    .option('--maps', 'look for rings without fd in the memory maps of all processes')
    .option('--no-header', 'no line of titles')
    .option('--json', 'one object per ring and line, with all that is known')
    .option('--strict', 'exit with 5 when something could not be seen')
    .addHelpText(
      'after',
      `
RING       inode of the ring: the same for every fd of one ring
SQ, CQ     entries of its queues; SQ is "busy" where the ring was always in use
SQ-PEND    entries that the kernel has not consumed
CQ-PEND    completions that the program has not taken
OVERFLOW   completions that found the queue full
FILES      registered: slots in use, of how many; BUFS too, BUFBYTES of these
POLL       requests that wait for a file to become ready
SQPOLL     submission thread @ cpu, and how much of its time is work
NAPI       busy polling of network devices
WRK        worker threads of all rings of the process without submission thread
SHARED     other processes that have the same ring; --json has all of them
-          not known, or not there: FD for a ring that is only mapped

Examples:
  uring ps --threads --files
  uring ps --json --maps | jq 'select(.overflow != [])'`,
    )
    .action(run);
}

async function run({ pid, maps = false, json, strict, ...options }: Options): Promise<void> {
  const { rings, unreadable } = inspect(pid === undefined ? { maps } : { pid, maps });
  if (pid !== undefined && rings.length === 0) explainNone(pid, unreadable);
  const users = localUsers();
  if (json) for (const ring of rings) await print(toJson(jsonOf(ring, users)));
  else await printTables(rings, users, options);

  const busy = rings.filter((ring) => ring.busy).length;
  if (unreadable > 0) {
    const why = credentials()?.uid === 0 ? 'they have capabilities that you lack' : 'run as root for all';
    note(`${counted(unreadable, 'process', 'processes')} not readable (${why})`);
  }
  if (busy > 0) note(`${counted(busy, 'ring was', 'rings were')} in use at every look (run it again)`);
  if (strict && unreadable + busy > 0) process.exitCode = EXIT.incomplete;
}

/** Ends the command where the process that was asked for can't be seen. */
function explainNone(pid: number, unreadable: number): void {
  const what = `ps: process ${pid}`;
  if (unreadable > 0) {
    throw new Failure(EXIT.forbidden, what, 'not readable (EACCES)', 'run as root, or as its user');
  }
  if (!files.exists(`/proc/${pid}`)) throw new Failure(EXIT.failed, what, 'there is none (ESRCH)');
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

// ---- text -----------------------------------------------------------------------------------------------------------

/** Columns of a table: each with its title and what it shows of a row; nothing for what is not known. */
type Columns<T> = readonly (readonly [title: string, cell: (row: T) => string | number | undefined])[];

type Users = ReadonlyMap<number | undefined, string>;

/** The names of local users; others are shown by number. */
function localUsers(): Users {
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
function few(pids: readonly number[]): string | undefined {
  if (pids.length === 0) return undefined;
  const shown = pids.slice(0, 3);
  return pids.length > 3 ? `${shown},+${pids.length - 3}` : `${shown}`;
}

function ringColumns(users: Users): Columns<HostRing> {
  const isSeen = ({ busy, source }: HostRing): boolean => !busy && source === 'fd';
  return [
    ['PID', ({ pid }) => pid],
    ['COMM', ({ comm }) => comm],
    ['USER', ({ uid }) => users.get(uid) ?? uid],
    ['FD', ({ fd }) => fd],
    ['RING', ({ ino }) => ino],
    ['SQ', ({ sq, busy }) => sq?.entries ?? (busy ? 'busy' : undefined)],
    ['CQ', ({ cq }) => cq?.entries],
    ['SQ-PEND', ({ sq }) => sq?.pending],
    ['CQ-PEND', ({ cq }) => cq?.pending],
    ['OVERFLOW', (ring) => (isSeen(ring) && ring.cq ? ring.overflow.length : undefined)],
    ['FILES', (ring) => slots(ring.files)],
    ['BUFS', (ring) => slots(ring.buffers)],
    ['BUFBYTES', ({ buffers }) => buffers.bytes],
    ['POLL', (ring) => (isSeen(ring) ? ring.pollList.length : undefined)],
    ['SQPOLL', ({ sqPoll }) => sqPoll && submitter(sqPoll)],
    ['NAPI', ({ napi }) => napi && busyPolling(napi)],
    ['WRK', ({ workers }) => workers.length],
    ['SHARED', ({ sharedWith }) => few(sharedWith)],
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
function lines<T>(columns: Columns<T>, rows: readonly T[], header: boolean): string[] {
  if (rows.length === 0 && !header) return [];
  const cells = rows.map((row) =>
    columns.map(([, cell]) => {
      const shown = cell(row) ?? '-';
      return typeof shown === 'number' ? shown : visible(shown);
    }),
  );
  return table(header ? columns.map(([title]) => title) : undefined, cells).split('\n');
}

async function printTables(
  rings: readonly HostRing[],
  users: Users,
  options: Pick<Options, 'header' | 'threads' | 'files'>,
): Promise<void> {
  const { header } = options;
  const tables = [lines(ringColumns(users), rings, header)];
  if (options.threads) {
    const all = new Map(rings.map(({ pid, threads }) => [pid, threads]));
    const rows = [...all].flatMap(([pid, threads]) => threads.map((thread) => ({ ...thread, pid })));
    tables.push(lines(THREADS, rows, header));
  }
  if (options.files) {
    const rows = rings.flatMap(({ userFiles, ...ring }) => userFiles.map((file) => ({ ...ring, ...file })));
    tables.push(lines(FILES, rows, header));
  }
  const text = tables.filter((each) => each.length > 0).map((each) => each.join('\n'));
  if (text.length > 0) await print(text.join('\n\n'));
}

// ---- JSON -----------------------------------------------------------------------------------------------------------

/** Keys as the kernel would write them, and operations by their C names. */
function renamed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(renamed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]: [string, unknown]) => {
      if (key === 'op' && typeof each === 'string') return [key, `IORING_${each}`];
      const name = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      return [name, key === 'extra' ? each : renamed(each)];
    }),
  );
}

function jsonOf({ pid, comm, uid, workers, ...ring }: HostRing, users: Users): unknown {
  const process = { pid, comm, uid, user: users.get(uid) };
  return renamed({ v: 1, type: 'ring', ...process, ...ring, workers: workers.map(({ tid }) => tid) });
}
