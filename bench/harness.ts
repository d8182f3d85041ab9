/** Timing by turns, A B A B: whatever else the machine does hits all contenders alike. */

/** Does something `count` times, and tells the nanoseconds for each. */
export type Contender = (count: number) => number | Promise<number>;

/** The median of all rounds, and half the distance between the quartiles. */
export interface Summary {
  readonly ns: number;
  readonly spread: number;
}

/** Nanoseconds for each, and how many more than the first contender took in the same rounds. */
export interface Timing extends Summary {
  readonly over: Summary;
}

/** How long to measure. */
export interface Effort {
  readonly rounds: number;
  /** How long a turn of the first contender takes, about. */
  readonly turnMs: number;
}

/** A contender in this process. */
export function repeat(operation: () => void): Contender {
  return (count) => {
    const start = process.hrtime.bigint();
    for (let i = 0; i < count; i++) operation();
    return Number(process.hrtime.bigint() - start) / count;
  };
}

function summary(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.round(part * (sorted.length - 1))] ?? Number.NaN;
  return { ns: at(0.5), spread: (at(0.75) - at(0.25)) / 2 };
}

/** Runs it until V8 has compiled it; tells the fewest nanoseconds for each. */
async function warmUp(contender: Contender): Promise<number> {
  let fewest = Number.POSITIVE_INFINITY;
  for (const end = performance.now() + 60; performance.now() < end; ) {
    fewest = Math.min(fewest, await contender(10));
  }
  return fewest;
}

/** The timing of each contender, in turns of equal counts. */
export async function byTurns(
  contenders: readonly Contender[],
  { rounds, turnMs }: Effort,
): Promise<Timing[]> {
  const fewest: number[] = [];
  for (const contender of contenders) fewest.push(await warmUp(contender));
  const count = Math.max(10, Math.round((turnMs * 1e6) / (fewest[0] ?? 1)));
  const times: number[][] = contenders.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, contender] of contenders.entries()) times[i]?.push(await contender(count));
  }
  const [first = []] = times;
  return times.map((own) => ({
    ...summary(own),
    over: summary(own.map((ns, round) => ns - (first[round] ?? 0))),
  }));
}
