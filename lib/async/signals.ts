/**
 * Who is told when a signal aborts. A signal has one listener of ours, however many operations share it: Node.js takes
 * more than ten for a leak, and each costs a walk along those before it.
 */
const tellings = new WeakMap<AbortSignal, Telling>();

class Telling {
  readonly callbacks = new Set<() => void>();
  readonly listen = (): void => {
    for (const callback of [...this.callbacks]) callback();
  };
}

/** Calls back when the signal aborts, if there is one; what comes back takes that back. */
export function whenAborted(signal: AbortSignal | undefined, told: () => void): () => void {
  if (signal === undefined) return () => {};
  const telling = tellings.get(signal) ?? new Telling();
  tellings.set(signal, telling);
  const { callbacks, listen } = telling;
  if (callbacks.size === 0) signal.addEventListener('abort', listen);
  callbacks.add(told);
  return () => {
    if (callbacks.delete(told) && callbacks.size === 0) signal.removeEventListener('abort', listen);
  };
}
