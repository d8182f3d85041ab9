/** Indices of rings in the table of their thread (REGISTER_RING_FDS). */
import { Params } from '../../../structs/setup.ts';
import type { RingFd } from '../../register/call.ts';
import { unregisterRingFds } from '../../register/files.ts';
import { sys } from '../../sys/syscall.ts';

/** Frees the index of a ring that closes; until then the table would keep the ring alive. Never throws. */
export function giveBackIndex(ring: RingFd, index: number): void {
  if (tryGiveBack(ring, index)) return;
  // a sandbox may forbid it to the ring itself; the table is the thread's, so that any ring will do
  const other = sys.setup(1, Params.encode({}));
  if (other < 0) return;
  tryGiveBack(other, index);
  sys.close(other);
}

function tryGiveBack(ring: RingFd, index: number): boolean {
  try {
    unregisterRingFds(ring, [index]);
    return true;
  } catch {
    return false;
  }
}
