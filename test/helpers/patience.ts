/** Time limits of tests, for machines of all speeds: TEST_TIME_SCALE says how many times slower this one is. */
import type { Needs } from './needs.ts';

const { TEST_TIME_SCALE = '1' } = process.env;
const scale = Number(TEST_TIME_SCALE);

/** How long to wait for something that must come, or how long something may take at most: so many milliseconds, or more where it is slower. */
export function patience(ms: number): number {
  return ms * scale;
}

/** Skips a test whose subject has a time limit of its own, where that is too short for the machine. */
export function whereFast(limit: string, needs: Needs = {}): Needs {
  return scale === 1 ? needs : { skip: `${limit}: too short for a machine that is ${scale} times slower` };
}
