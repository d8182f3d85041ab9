/** Processes and their threads, as /proc has them. What ends while it is looked at is undefined; it is no error. */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';

/** The code of an error of Node.js: `'ENOENT'`. */
export function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

/** Was it refused to this user? */
export function isDenied(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'EACCES' || code === 'EPERM';
}

/** The fd of a file with a path longer than a page can't be read: no ring is meant by it. */
const GONE: readonly unknown[] = ['ENOENT', 'ESRCH', 'ENAMETOOLONG'];

function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (GONE.includes(codeOf(error))) return undefined;
    throw error;
  }
}

/** Looks into /proc. An object, so that tests can put another host in place of this one. */
export const proc = {
  list: (path: string): readonly string[] | undefined => unlessGone(() => readdirSync(path)),
  link: (path: string): string | undefined => unlessGone(() => readlinkSync(path)),
  read: (path: string): string | undefined => unlessGone(() => readFileSync(path, 'utf8')),
  /** The number of the inode behind a link. */
  inode: (path: string): number | undefined => unlessGone(() => statSync(path).ino),
};

/** The entries of a folder that are numbers, in order: readdir(3) has none. */
export function numbersIn(path: string): number[] {
  const names = proc.list(path)?.filter((name) => /^\d+$/.test(name)) ?? [];
  return names.map(Number).sort((a, b) => a - b);
}

const PF_IO_WORKER = 0x10;
const PF_KTHREAD = 0x20_0000;

/** A process or thread. */
export interface Task {
  /** As it is: it may contain newlines and brackets. */
  readonly comm: string;
  /** `'S'`: see proc_pid_stat(5). */
  readonly state: string;
  readonly isKernelThread: boolean;
  /** A worker or submission thread of io_uring. Its comm may say otherwise: programs can change it. */
  readonly isIoThread: boolean;
  /** How many threads its process has. */
  readonly threads: number;
  /** Where it ran last. */
  readonly cpu: number;
}

/** Reads /proc/.../stat. */
export function parseStat(text: string): Task | undefined {
  const [open, close] = [text.indexOf('('), text.lastIndexOf(')')];
  // the field numbers of proc_pid_stat(5), which counts from 1: the first one here is its third
  const fields = text.slice(close + 2).split(' ');
  const [state = '', flags, threads, cpu] = [fields[0], ...[9, 20, 39].map((n) => Number(fields[n - 3]))];
  if (open < 0 || close < open || flags === undefined || threads === undefined || cpu === undefined)
    return undefined;
  return {
    comm: text.slice(open + 1, close),
    state,
    isKernelThread: (flags & PF_KTHREAD) !== 0,
    isIoThread: (flags & PF_IO_WORKER) !== 0,
    threads,
    cpu,
  };
}

/** The task whose folder is `home`. */
export function task(home: string): Task | undefined {
  const text = proc.read(`${home}/stat`);
  return text === undefined ? undefined : parseStat(text);
}

/** A thread that the kernel made for io_uring in a process (5.12; before, they were kernel threads of nobody). */
export interface IoThread {
  readonly tid: number;
  readonly comm: string;
  /** A worker that runs operations which block, or a submission thread (SETUP_SQPOLL). */
  readonly kind: 'worker' | 'sqpoll';
  /**
   * The thread that it works for, which may be a submission thread, by its comm; undefined where that was changed. As
   * the host's first pid namespace numbers it.
   */
  readonly owner: number | undefined;
  /** `'S'`: see proc_pid_stat(5). */
  readonly state: string;
  readonly cpu: number;
}

/** The threads that io_uring has in the process whose folder is `home`. */
export function ioThreads(home: string): IoThread[] {
  return numbersIn(`${home}/task`).flatMap((tid) => {
    const found = task(`${home}/task/${tid}`);
    if (found === undefined || !found.isIoThread) return [];
    const { comm, state, cpu } = found;
    const owner = /^iou-(?:wrk|sqp)-(\d+)$/.exec(comm)?.[1];
    return [
      {
        tid,
        comm,
        kind: comm.startsWith('iou-sqp-') ? 'sqpoll' : 'worker',
        owner: owner === undefined ? undefined : Number(owner),
        state,
        cpu,
      },
    ];
  });
}
