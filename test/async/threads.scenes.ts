/** What other threads do in the tests of AsyncRing. */
import { AsyncRing } from '../../lib/faces/async-ring.ts';

/** Stores 1 in the first word and wakes who waits for it; how many there were. */
export async function wake(array: Int32Array): Promise<number> {
  await using ring = new AsyncRing(4);
  Atomics.store(array, 0, 1);
  return await ring.futexWake(array, 0);
}

/** Posts a completion on a ring of another thread. */
export async function message(fd: number): Promise<void> {
  await using ring = new AsyncRing(4);
  await ring.msgRing(fd, { messageData: 77, res: -3 });
}
