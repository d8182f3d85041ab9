/** Operations that are told to subscribers of `uring:operation`. */
import type { RingCore } from '../ring/core/core.ts';
import { tracedOperation, tracingOperations } from '../sys/trace.ts';
import type { Flight } from './flight.ts';

/** When those began that began while somebody listened. */
const starts = new WeakMap<Flight, bigint>();

/** The operation has an entry. */
export function begun(flight: Flight): void {
  if (!tracingOperations()) return;
  starts.set(flight, process.hrtime.bigint());
  // so it is no other operation's later, which nobody listened to when it began
  flight.setExtras({});
}

/**
 * What publishes a completion, to be called when it was dealt with; undefined where nobody listened when the operation began.
 * What it tells is read now: the flight may be another operation's by then.
 */
export function completed(core: RingCore, flight: Flight, isLast: boolean): (() => void) | undefined {
  const start = starts.get(flight);
  if (start === undefined) return undefined;
  if (isLast) starts.delete(flight);
  const { fd, queues } = core;
  const { res, flags } = queues;
  const { op } = flight.info;
  return () => tracedOperation(fd, op, res, flags, start, isLast);
}
