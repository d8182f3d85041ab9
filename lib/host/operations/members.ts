/** Which threads belong to some processes, and to what these start. */
import type { EventReader, Seen } from '../trace/events.ts';
import { parseFormat } from '../trace/format.ts';
import type { ThreadNames } from '../trace/names.ts';

/** A thread or process began another one. */
export interface ForkEvent extends Seen {
  readonly step: 'fork';
  readonly child: number;
}

/** Where the kernel tells of forks. */
export const FORK_PATH = 'sched/sched_process_fork';

/** Reads forks by their `format` file. */
export function forkReader(text: string): EventReader<ForkEvent> | undefined {
  const format = parseFormat(text, { parent_pid: 4, child_pid: 4 });
  if (format === undefined) return undefined;
  const { id, length, at } = format;
  return {
    id,
    length,
    read: (view, offset, time, cpu) => ({
      ...{ step: 'fork', time, cpu },
      tid: view.getInt32(offset + at.parent_pid, true),
      child: view.getInt32(offset + at.child_pid, true),
    }),
  };
}

/**
 * Some processes and their descendants. The kernel could follow them by itself, but not into the threads that io_uring
 * has in them, where many operations complete.
 */
export class Members {
  readonly #ids: Set<number>;
  readonly #names: ThreadNames;

  constructor(pids: readonly number[], names: ThreadNames) {
    this.#ids = new Set(pids);
    this.#names = names;
  }

  fork({ tid, child }: ForkEvent): void {
    if (this.has(tid)) this.#ids.add(child);
    // its number was another's before
    else this.#ids.delete(child);
  }

  has(tid: number): boolean {
    if (this.#ids.has(tid)) return true;
    const { pid } = this.#names.of(tid);
    if (pid === undefined || !this.#ids.has(pid)) return false;
    this.#ids.add(tid);
    return true;
  }
}
