/** Scenes for threads of their own: a ring in each. */

import { Ring } from '../../lib/faces/ring.ts';
import { openRings } from '../../lib/ring/core/core.ts';
import { alloc } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';

/** What one thread does: reads a file piece by piece, many at a time, into registered buffers. */
export interface Work {
  /** An fd of the process. */
  readonly file: number;
  readonly pieces: number;
  readonly size: number;
}

/** The sum of all bytes, which came through a ring of this thread's own. */
export function sum({ file, pieces, size }: Work): unknown {
  using ring = new Ring(8);
  using buffers = ring.registerBuffers(Array.from({ length: 8 }, () => alloc(size)));
  const files = ring.registerFiles([file]);
  let total = 0;
  let next = 0;
  let done = 0;
  let foreign = 0;
  const start = (slot: number): void => {
    if (next >= pieces) return;
    ring.prepare.read(files.at(0), buffers.at(slot), { offset: next * size, userData: slot });
    next++;
  };
  for (let slot = 0; slot < 8; slot++) start(slot);
  while (done < pieces) {
    ring.submit({ wait: 1, timeoutMs: 5000 });
    ring.reap((userData, res) => {
      done++;
      if (typeof userData !== 'number' || userData > 7 || res !== size) foreign++;
      const slot = Number(userData);
      for (const byte of buffers.at(slot).bytes) total += byte;
      start(slot);
    });
  }
  return { total, foreign, rings: openRings(), tid: sys.gettid() };
}
