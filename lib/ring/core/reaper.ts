/**
 * Rings that were closed with operations that the kernel has not given up yet: they keep fd and memory until the last
 * completion. They are looked at by every later ring that is made or closed, and by a timer, which holds the process only
 * while somebody awaits the end of a ring.
 */

import { MAX_TIMER_MS } from './time.ts';

/** A closed ring with operations in flight. */
interface Closing {
  /** Cancels, and takes what is there; true when all is given back. Never waits, never throws. */
  reap(): boolean;
  /** What is in flight, for the warning. */
  describe(): string;
}

/** What is known of a closed ring. */
interface Entry {
  readonly since: number;
  isWarned: boolean;
  readonly waiters: Set<() => void>;
}

/** When the warning comes, in milliseconds after close(). */
export const WARN_MS = 1000;
const FIRST_DELAY_MS = 1;
const LAST_DELAY_MS = 1000;
/** While somebody waits. */
const LAST_AWAITED_DELAY_MS = 20;

const closing = new Map<Closing, Entry>();
let timer: NodeJS.Timeout | undefined;
let delay = FIRST_DELAY_MS;
/** How many await the end of a ring. */
let awaited = 0;

/** How many closed rings have operations in flight, for tests. */
export function closingRings(): number {
  return closing.size;
}

/** Looks after a closed ring until all is given back. */
export function reapLater(ring: Closing): void {
  closing.set(ring, { since: performance.now(), isWarned: false, waiters: new Set() });
  delay = FIRST_DELAY_MS;
  schedule();
}

/** Looks at all closed rings once. */
export function reapClosed(): void {
  for (const [ring, entry] of closing) {
    if (ring.reap()) {
      closing.delete(ring);
      for (const told of entry.waiters) told();
    } else warnOnce(ring, entry);
  }
}

function warnOnce(ring: Closing, entry: Entry): void {
  const ms = performance.now() - entry.since;
  if (entry.isWarned || ms < WARN_MS) return;
  entry.isWarned = true;
  process.emitWarning(
    `a ring was closed ${Math.round(ms)} ms ago, and the kernel still has ${ring.describe()}; their memory is kept until they end`,
    { type: 'UringWarning', code: 'URING_KEPT_ALIVE' },
  );
}

function schedule(): void {
  clearTimeout(timer);
  if (closing.size === 0) return;
  timer = setTimeout(tick, delay);
  if (awaited === 0) timer.unref();
}

function tick(): void {
  delay = Math.min(delay * 2, awaited > 0 ? LAST_AWAITED_DELAY_MS : LAST_DELAY_MS);
  reapClosed();
  schedule();
}

/**
 * Waits until all of a closed ring is given back, at most `timeoutMs`; false when it is not. The process lives as long.
 */
export async function whenReaped(ring: Closing, timeoutMs: number): Promise<boolean> {
  reapClosed();
  const entry = closing.get(ring);
  if (entry === undefined) return true;
  awaited++;
  delay = FIRST_DELAY_MS;
  schedule();
  let limit: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve) => {
      entry.waiters.add(resolve);
      // a longer one would end at once
      if (timeoutMs <= MAX_TIMER_MS) limit = setTimeout(resolve, timeoutMs);
    });
  } finally {
    clearTimeout(limit);
    awaited--;
    schedule();
  }
  const isGone = !closing.has(ring);
  if (!isGone) warnOnce(ring, entry);
  return isGone;
}
