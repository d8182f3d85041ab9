/** Which process a thread belongs to, and what it is called: asked when its call is read, which is after it was made. */
import { files } from '../../sys/host.ts';

/** What is known of a thread. */
export interface ThreadName {
  /** Its process; undefined where it is gone, or numbered by another pid namespace. */
  readonly pid: number | undefined;
  readonly comm: string | undefined;
}

const UNKNOWN: ThreadName = { pid: undefined, comm: undefined };
/** A thread can change its name and its process, by execve(2). */
const FRESH_MS = 1000;
const MOST = 4096;

/**
 * Reads lines of `NUMBER TEXT`. A name can contain a newline: what follows belongs to it, unless it looks like a line of
 * its own. So a name can forge one, and what is told twice isn't known.
 */
function numberedLines(text: string): Map<number, string | undefined> {
  const lines = new Map<number, string | undefined>();
  for (const [, number, rest = ''] of text.matchAll(/^ *(\d+) (.*(?:\n(?! *\d+ ).+)*)/gm)) {
    const tid = Number(number);
    lines.set(tid, lines.has(tid) && lines.get(tid) !== rest ? undefined : rest);
  }
  return lines;
}

/** Names of threads, also of many that have ended. */
export class ThreadNames {
  readonly #tracefs: string;
  readonly #proc: string | undefined;
  readonly #known = new Map<number, { readonly name: ThreadName; readonly until: number }>();
  #comms: ReadonlyMap<number, string | undefined> = new Map();
  #pids: ReadonlyMap<number, string | undefined> = new Map();
  #nextLook = 0;

  /**
   * @param tracefs remembers names of threads that have ended
   * @param proc where processes are found by the numbers that the kernel's first pid namespace gives; undefined for nowhere
   */
  constructor(tracefs: string, proc: string | undefined) {
    this.#tracefs = tracefs;
    this.#proc = proc;
  }

  of(tid: number): ThreadName {
    const now = performance.now();
    const known = this.#known.get(tid);
    if (known !== undefined && now < known.until) return known.name;
    const name = this.#living(tid) ?? known?.name ?? this.#ended(tid, now);
    if (this.#known.size >= MOST) this.#known.clear();
    this.#known.set(tid, { name, until: name.comm === undefined ? this.#nextLook : now + FRESH_MS });
    return name;
  }

  #living(tid: number): ThreadName | undefined {
    if (this.#proc === undefined) return UNKNOWN;
    const pid = /^Tgid:\t(\d+)$/m.exec(files.read(`${this.#proc}/${tid}/status`) ?? '')?.[1];
    const comm = files.read(`${this.#proc}/${tid}/comm`);
    return pid === undefined || comm === undefined
      ? undefined
      : { pid: Number(pid), comm: comm.replace(/\n$/, '') };
  }

  #ended(tid: number, now: number): ThreadName {
    if (!(this.#pids.has(tid) && this.#comms.has(tid)) && now >= this.#nextLook) {
      this.#comms = numberedLines(files.read(`${this.#tracefs}/saved_cmdlines`) ?? '');
      this.#pids = numberedLines(files.read(`${this.#tracefs}/saved_tgids`) ?? '');
      // on large hosts these are long: they shall not take more than a tenth of the time
      const end = performance.now();
      this.#nextLook = end + 10 * (end - now);
    }
    const found = this.#pids.get(tid);
    const pid = found === undefined ? undefined : Number(found);
    // the kernel does not remember every name; a thread that was given none has its process's
    const ofProcess = pid === undefined || pid === tid ? undefined : this.of(pid).comm;
    return { pid, comm: this.#comms.get(tid) ?? ofProcess };
  }
}
