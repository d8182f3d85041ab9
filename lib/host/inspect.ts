/** The rings of every process on the host, from /proc. Nothing is attached to, stopped or changed. */
import { boolean, integer, options as onlyOptions } from '../../structs/check.ts';
import { UnsupportedError } from '../errors.ts';
import { hidepid, holdsCapability } from '../sys/host.ts';
import { parseFdinfo, type RingState } from './fdinfo.ts';
import { type IoThread, ioThreads, isDenied, numbersIn, proc, type Task, task } from './proc.ts';

/** Options of `inspect`. */
export interface InspectOptions {
  /** Only this process. */
  readonly pid?: number;
  /**
   * Looks for rings without fd in the memory maps of every process; otherwise only where io_uring has threads. Maps of
   * large programs take a while to read.
   */
  readonly maps?: boolean;
}

/** A ring, as one process has it by one fd. */
export interface HostRing extends RingState {
  readonly pid: number;
  /** The program's name, as the kernel has it: it may contain newlines and control characters. */
  readonly comm: string;
  /** Effective user. */
  readonly uid: number | undefined;
  /** Undefined for a ring of which only the mapped queues are left. */
  readonly fd: number | undefined;
  /** `'maps'`: its fd was closed, its queues are mapped; nothing but `ino` is known of it. */
  readonly source: 'fd' | 'maps';
  /** Other processes that have the same ring. */
  readonly sharedWith: readonly number[];
  /**
   * Threads that run operations which block: those of the ring's submission thread, or else those that the other
   * threads of the process have in common for all of their rings.
   */
  readonly workers: readonly IoThread[];
  /** All threads that io_uring has in the process. */
  readonly threads: readonly IoThread[];
}

/** What was found. */
export interface Inspection extends Iterable<HostRing> {
  /** By pid, then by fd. */
  readonly rings: readonly HostRing[];
  /** How many processes may not be looked into. */
  readonly unreadable: number;
  /** /proc does not list the processes of other users (hidepid), so that nobody can tell how many are not seen. */
  readonly hidden: boolean;
}

const RING = 'anon_inode:[io_uring]';
/** How often a ring is looked at until it is found idle, a millisecond apart. */
const TRIES = 5;

/** One ring of one process, before it is known who else has it. */
interface Sighting {
  readonly pid: number;
  readonly comm: string;
  readonly uid: number | undefined;
  readonly threads: readonly IoThread[];
  /** Where the process's fds are. */
  readonly folder: string;
  readonly fd: number | undefined;
  /** Undefined when the fd is a ring no more. */
  state: RingState | undefined;
}

/** A folder that has the files of the process: a first thread that has ended has none, others may still. */
function folderOf(pid: number, { state, threads }: Task): string {
  const home = `/proc/${pid}`;
  if (state !== 'Z' || threads < 2) return home;
  const living = numbersIn(`${home}/task`).find((tid) => task(`${home}/task/${tid}`)?.state !== 'Z');
  return living === undefined ? home : `${home}/task/${living}`;
}

function effectiveUid(pid: number): number | undefined {
  const uid = /^Uid:\t\d+\t(\d+)/m.exec(proc.read(`/proc/${pid}/status`) ?? '')?.[1];
  return uid === undefined ? undefined : Number(uid);
}

/** What is known of rings by their inodes: a ring that many processes hold is asked once. */
class States {
  readonly #common: number | undefined;
  readonly #known = new Map<number, RingState>();

  constructor(common: number | undefined) {
    this.#common = common;
  }

  of(folder: string, fd: number): RingState | undefined {
    const ino = proc.inode(`${folder}/fd/${fd}`);
    const known = ino === undefined || ino === this.#common ? undefined : this.#known.get(ino);
    if (known !== undefined) return known;
    const state = stateOf(folder, fd);
    if (state?.ino !== undefined && !state.busy && state.ino === ino && ino !== this.#common)
      this.#known.set(ino, state);
    return state;
  }
}

function stateOf(folder: string, fd: number): RingState | undefined {
  const text = proc.read(`${folder}/fdinfo/${fd}`);
  if (text === undefined) return undefined;
  // meanwhile another file may have got the number: what has no queues is looked at once more
  if (!text.includes('\nSqMask:') && proc.link(`${folder}/fd/${fd}`) !== RING) return undefined;
  return parseFdinfo(text);
}

/** The inodes of rings that are mapped. A file that is called like a ring has a slash before its name. */
function mappedRings(folder: string): Set<number> {
  const lines = proc.read(`${folder}/maps`)?.split('\n') ?? [];
  const found = lines
    .filter((line) => line.endsWith(RING))
    .flatMap((line) => /^(?:\S+ ){4}(\d+) +anon_inode:\[io_uring\]$/.exec(line)?.[1] ?? []);
  return new Set(found.map(Number));
}

/** The inode that anonymous files have in common. Before 5.16 rings have it too, and then it tells nothing. */
function commonInode(): number | undefined {
  const others = numbersIn('/proc/self/fd').map((fd) => `/proc/self/fd/${fd}`);
  const path = others.find((each) => /^anon_inode:\[event(?:fd|poll)\]$/.test(proc.link(each) ?? ''));
  return path === undefined ? undefined : proc.inode(path);
}

/** The rings of a process. */
function look(pid: number, everyMap: boolean, common: number | undefined, states: States): Sighting[] {
  const found = task(`/proc/${pid}`);
  if (found === undefined || found.isKernelThread) return [];
  const folder = folderOf(pid, found);
  const threads = found.threads > 1 ? ioThreads(`/proc/${pid}`) : [];
  const mapped = everyMap || threads.length > 0 ? mappedRings(folder) : new Set<number>();
  const fds = numbersIn(`${folder}/fd`).filter((fd) => proc.link(`${folder}/fd/${fd}`) === RING);
  if (fds.length === 0 && mapped.size === 0) return [];

  const known = { pid, comm: found.comm, uid: effectiveUid(pid), threads, folder };
  const open = fds.map((fd) => ({ ...known, fd, state: states.of(folder, fd) }));
  for (const { state } of open) mapped.delete(state?.ino ?? 0);
  if (open.length > 0) mapped.delete(common ?? 0);
  // a ring has its fd before its map, and may have lost both by now
  const left = mapped.size > 0 ? mappedRings(folder) : mapped;
  const bare = [...mapped].filter((ino) => left.has(ino));
  const state = { ...parseFdinfo(''), busy: false };
  return [...open, ...bare.map((ino) => ({ ...known, fd: undefined, state: { ...state, ino } }))];
}

const never = new Int32Array(new SharedArrayBuffer(4));

/** Looks again at rings that were in use: all of them at once, so that many take no longer than one. */
function lookAgain(all: readonly Sighting[]): void {
  for (let tries = 1; tries < TRIES; tries++) {
    const busy = all.filter(({ state }) => state?.busy);
    if (busy.length === 0) return;
    Atomics.wait(never, 0, 0, 1);
    for (const each of busy) {
      try {
        each.state = stateOf(each.folder, each.fd ?? -1);
      } catch (error) {
        if (!isDenied(error)) throw error;
      }
    }
  }
}

// ---- the answer -----------------------------------------------------------------------------------------------------

/** Values by key; those without key are left out. */
function groups(
  pairs: readonly (readonly [key: number | undefined, value: number])[],
): Map<number, Set<number>> {
  const found = new Map<number, Set<number>>();
  for (const [key, value] of pairs) {
    if (key !== undefined) found.set(key, (found.get(key) ?? new Set()).add(value));
  }
  return found;
}

function finish(all: readonly Sighting[], common: number | undefined): HostRing[] {
  const seen = all.flatMap(({ state, ...each }) => {
    if (state === undefined) return [];
    return [{ ...each, state: { ...state, ino: state.ino === common ? undefined : state.ino } }];
  });
  const holders = groups(seen.map(({ pid, state }) => [state.ino, pid]));
  const submitters = groups(seen.map(({ pid, state }) => [state.sqPoll && pid, state.sqPoll?.tid ?? 0]));
  return seen.map(({ pid, comm, uid, fd, threads, state }) => {
    const { ino, sqPoll } = state;
    const isOurs = (owner = 0): boolean =>
      sqPoll === undefined ? !submitters.get(pid)?.has(owner) : owner === sqPoll.tid;
    return {
      pid,
      comm,
      uid,
      fd,
      source: fd === undefined ? 'maps' : 'fd',
      // only when it is asked for: of a thousand rings of a thousand processes it is a million million
      get sharedWith() {
        return [...(holders.get(ino ?? -1) ?? [])].filter((each) => each !== pid);
      },
      workers: threads.filter(({ kind, owner }) => kind === 'worker' && isOurs(owner)),
      threads,
      ...state,
    };
  });
}

/** Does /proc keep the processes of others from us? With hidepid=1 they are listed, and can't be looked into. */
function hidesOthers(): boolean {
  const value = hidepid();
  const isListed = value === undefined || ['0', '1', 'off', 'noaccess'].includes(value);
  return !isListed && !holdsCapability('CAP_SYS_PTRACE');
}

/**
 * Finds the rings of every process that this user may look into (ptrace rights: root sees all, a user its own), by
 * their fds. It blocks the thread for some 0.1 ms for each process and each ring.
 *
 * Not to be found: a ring without fd and map (SETUP_REGISTERED_FD_ONLY with SETUP_NO_MMAP), one whose fd is on its way
 * through a socket, or is in a table of files that a single thread has for itself. Setup flags, restrictions, eventfds,
 * buffer rings and limits of workers are told nowhere.
 * @returns the rings, and how many processes are hidden from this user; what ends meanwhile is left out
 * @throws UnsupportedError without /proc
 * @example
 * for (const ring of inspect()) console.log(ring.pid, ring.comm, ring.files.used, ring.workers.length);
 */
export function inspect(options: InspectOptions = {}): Inspection {
  onlyOptions('options', options, ['pid', 'maps']);
  const { pid, maps = false } = options;
  boolean('options.maps', maps);
  const pids = pid === undefined ? numbersIn('/proc') : [integer('options.pid', pid, 1, 0x7fff_ffff)];
  if (proc.read('/proc/self/stat') === undefined) {
    throw new UnsupportedError('inspect', { why: 'there is no /proc; mount -t proc proc /proc' });
  }
  const common = commonInode();
  const states = new States(common);
  let unreadable = 0;
  const found = pids.flatMap((each) => {
    try {
      return look(each, maps, common, states);
    } catch (error) {
      if (!isDenied(error)) throw error;
      unreadable++;
      return [];
    }
  });
  lookAgain(found);
  const rings = finish(found, common);
  return { rings, unreadable, hidden: hidesOthers(), [Symbol.iterator]: () => rings[Symbol.iterator]() };
}
