/** Rings, for code that must not know their classes: what is registered with a ring, and messages to a ring. */
import { wrongType } from '../../../structs/check.ts';
import type { RingCore } from './core.ts';

/** A `Ring` or an `AsyncRing`. */
export interface AnyRing {
  /** The ring's fd; -1 where there is only a registered index. */
  readonly fd: number;
  /** Was the ring closed? */
  readonly isClosed: boolean;
  /** Closes the ring. */
  close(): void;
}

/** Maps each ring to its core. A core does not refer to its ring, so that a dropped ring is collected. */
const cores = new WeakMap<object, RingCore>();

/** Makes the core of a new ring known. */
export function connectCore(ring: AnyRing, core: RingCore): void {
  cores.set(ring, core);
}

/** The core of a ring; undefined for any other value. Runs no code of the caller's. */
export function coreOf(value: unknown): RingCore | undefined {
  return typeof value === 'object' && value !== null ? cores.get(value) : undefined;
}

/** The core of a ring. @throws TypeError for a value that is no ring */
export function ringCore(name: string, value: unknown): RingCore {
  const core = coreOf(value);
  if (core === undefined) throw wrongType(name, 'a ring', value);
  return core;
}

/** The core of an open ring. @throws TypeError for a value that is no ring, ClosedError */
export function openCore(name: string, value: unknown): RingCore {
  const core = ringCore(name, value);
  core.check();
  return core;
}
