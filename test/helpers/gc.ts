/** Collects garbage at once, for tests of what nobody uses any more. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bun's own, which its declarations have. */
interface Bun {
  gc(force: boolean): void;
}

function collector(): () => void {
  const { Bun }: { readonly Bun?: Bun } = Object(globalThis);
  if (Bun !== undefined) return () => Bun.gc(true);
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}

export const gc: () => void = collector();
