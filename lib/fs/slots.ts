/** Slots of the ring for files that one chain opens, writes and closes: they never become descriptors of the process. */
import type { AsyncRing } from '../faces/async-ring.ts';
import { probe } from '../register/support.ts';
import type { FixedFile } from '../ring/owners/files.ts';

/** How many files are written so at the same time; more are written otherwise. */
const SLOTS = 64;

let owner: AsyncRing | undefined;
let spare: FixedFile[] = [];

/** A link finds what the one before it opened from Linux 5.17 on. */
function slotsOf(ring: AsyncRing): FixedFile[] {
  if (probe().features.FEAT_LINKED_FILE.supported !== true) return [];
  try {
    const table = ring.registerFiles({ slots: SLOTS });
    return Array.from({ length: SLOTS }, (_, i) => table.at(i));
  } catch {
    // RLIMIT_NOFILE is lower
    return [];
  }
}

/** An empty slot, to be given back empty; undefined where there is none. */
export function takeSlot(ring: AsyncRing): FixedFile | undefined {
  if (owner !== ring) {
    owner = ring;
    spare = slotsOf(ring);
  }
  return spare.pop();
}

/** Takes it back. */
export function giveSlot(ring: AsyncRing, slot: FixedFile): void {
  if (owner === ring) spare.push(slot);
}
