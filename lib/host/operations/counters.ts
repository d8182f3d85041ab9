/**
 * Counts that the kernel makes by itself (hist triggers of tracing, CONFIG_HIST_TRIGGERS): exact at any rate, because no
 * event has to be read. They live in an instance of ours, and go with it.
 */
import { files } from '../../sys/host.ts';
import type { Instance } from '../trace/instance.ts';

/** So many combinations are counted, in 2 MB of the kernel's memory; what goes beyond is told as dropped. */
const SIZE = 8192;

/** A combination of keys and how often it came. */
export interface Count {
  readonly tid: number;
  /** The ring's address, its low 52 bits. */
  readonly ctx: number;
  readonly opcode: number;
  readonly count: number;
}

/** The text of a `hist` file. */
export interface CountTable {
  readonly counts: readonly Count[];
  /** How often a combination had no room. */
  readonly dropped: number;
}

const LINE = /^\{(.+)\} hitcount: +(\d+)/;

/** Keys are in hexadecimal where they are addresses: a number would lose digits. */
function keysOf(text: string): Map<string, string> {
  return new Map(
    text.split(',').map((each) => {
      const [name = '', value = ''] = each.split(':').map((part) => part.trim());
      return [name.replace(/\.hex$/, ''), value] as const;
    }),
  );
}

/** Reads a `hist` file. */
export function parseCounts(text: string): CountTable {
  const counts: Count[] = [];
  let dropped = 0;
  for (const line of text.split('\n')) {
    dropped += Number(/^ +Dropped: (\d+)$/.exec(line)?.[1] ?? 0);
    const [, keys, count] = LINE.exec(line) ?? [];
    if (keys === undefined) continue;
    const by = keysOf(keys);
    counts.push({
      tid: Number(by.get('common_pid') ?? -1),
      ctx: Number(BigInt.asUintN(52, BigInt(`0x${by.get('ctx') ?? '0'}`))),
      opcode: Number(by.get('opcode') ?? -1),
      count: Number(count),
    });
  }
  return { counts, dropped };
}

/** What is counted, by which keys, of which completions. */
const COUNTED = {
  submitted: { events: ['submit_req', 'submit_sqe'], keys: 'common_pid,ctx.hex,opcode', only: '' },
  refused: { events: ['req_failed'], keys: 'common_pid,ctx.hex,opcode', only: '' },
  completed: { events: ['complete'], keys: 'ctx.hex', only: '' },
  failed: { events: ['complete'], keys: 'ctx.hex', only: ' if res < 0' },
} as const;

/** What is counted. */
export type Counted = keyof typeof COUNTED;
const NAMES = ['submitted', 'refused', 'completed', 'failed'] as const satisfies readonly Counted[];

/** The kernel's counts in an instance. */
export class KernelCounters {
  readonly #instance: Instance;
  readonly #folders: ReadonlyMap<Counted, string>;

  private constructor(instance: Instance, folders: ReadonlyMap<Counted, string>) {
    this.#instance = instance;
    this.#folders = folders;
  }

  /** Switches them on; undefined where this kernel can't count. */
  static async start(instance: Instance): Promise<KernelCounters | undefined> {
    const folders = new Map<Counted, string>();
    for (const name of NAMES) {
      const { events, keys, only } = COUNTED[name];
      for (const event of events) {
        const folder = `events/io_uring/io_uring_${event}`;
        if ((await instance.read(`${folder}/format`)) === undefined) continue;
        const trigger = `hist:keys=${keys}:size=${SIZE}${only}`;
        // a second trigger of an event is added to the first
        // a kernel that can't count one can't count any
        if (!(await instance.offer(`${folder}/trigger`, trigger, 'a'))) return undefined;
        folders.set(name, folder);
        break;
      }
    }
    return folders.has('submitted') ? new KernelCounters(instance, folders) : undefined;
  }

  /** The counts since the start. */
  read(what: Counted): CountTable {
    const folder = this.#folders.get(what);
    if (folder === undefined) return { counts: [], dropped: 0 };
    // an event with two triggers has two tables in one file, each behind the words of its trigger
    const tables = (files.read(`${this.#instance.path}/${folder}/hist`) ?? '').split('# event histogram');
    const hasCondition = COUNTED[what].only !== '';
    const own = tables.find(
      (table) => /^# trigger info: hist:/m.test(table) && / if res < 0/.test(table) === hasCondition,
    );
    return parseCounts(own ?? '');
  }
}
