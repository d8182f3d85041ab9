/** The kernel's buffers of an instance, one for each cpu: their pages, when there are some, and what they lost. */
import { files } from '../../sys/host.ts';
import { FdPoll } from '../../sys/poll.ts';
import { parseStats } from './format.ts';
import type { Instance } from './instance.ts';
import { pagesOf, type ReadPage } from './merge.ts';
import { onlineCpus } from './prepare.ts';

/** Events that a cpu lost since the last look. */
interface Loss {
  readonly cpu: number;
  readonly events: number;
}

/** The buffers of all cpus that ran since the trace began. */
export class Pipes {
  readonly #instance: Instance;
  readonly #onReadable: () => void;
  readonly #fds = new Map<number, number>();
  readonly #lost = new Map<number, number>();
  #polls: FdPoll[] | undefined;
  /** Counters that were not understood. */
  malformed = 0;

  /** @param onReadable runs outside of Node's callback scope: it may only ask for a turn */
  constructor(instance: Instance, onReadable: () => void) {
    this.#instance = instance;
    this.#onReadable = onReadable;
  }

  /** Opens those of cpus that have come up since the last time. */
  openNew(): { readonly cpu: number; readonly read: ReadPage }[] {
    return onlineCpus().flatMap((cpu) => {
      const fd = this.#fds.has(cpu) ? undefined : this.#instance.openPipe(cpu);
      if (fd === undefined) return [];
      this.#fds.set(cpu, fd);
      this.#polls?.push(new FdPoll(fd, this.#onReadable));
      return [{ cpu, read: pagesOf(fd) }];
    });
  }

  /** Calls back while there is something to read. */
  watch(): void {
    this.#polls ??= [...this.#fds.values()].map((fd) => new FdPoll(fd, this.#onReadable));
  }

  unwatch(): void {
    for (const poll of this.#polls ?? []) poll.close();
    this.#polls = undefined;
  }

  /** What was lost since the last look: the kernel's own count, which is exact. */
  losses(): Loss[] {
    return [...this.#fds.keys()].flatMap((cpu) => {
      const stats = parseStats(files.read(`${this.#instance.path}/per_cpu/cpu${cpu}/stats`) ?? '');
      if (stats === undefined) {
        this.malformed++;
        return [];
      }
      const events = stats.lost - (this.#lost.get(cpu) ?? 0);
      this.#lost.set(cpu, stats.lost);
      return events > 0 ? [{ cpu, events }] : [];
    });
  }
}
