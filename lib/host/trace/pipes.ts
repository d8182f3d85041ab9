/** The kernel's buffers of an instance, one for each cpu: their pages, when there are some, and what they lost. */
import { files } from '../../sys/host.ts';
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
  readonly #fds = new Map<number, number>();
  readonly #lost = new Map<number, number>();
  /** Counters that were not understood. */
  malformed = 0;

  constructor(instance: Instance) {
    this.#instance = instance;
  }

  /** Opens those of cpus that have come up since the last time. */
  openNew(): { readonly cpu: number; readonly read: ReadPage }[] {
    return onlineCpus().flatMap((cpu) => {
      const fd = this.#fds.has(cpu) ? undefined : this.#instance.openPipe(cpu);
      if (fd === undefined) return [];
      this.#fds.set(cpu, fd);
      return [{ cpu, read: pagesOf(fd) }];
    });
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
