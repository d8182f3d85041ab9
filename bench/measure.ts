/** What is measured, and what is made of it: medians, quartiles, ratios of the same round. */

/** What one side did in one turn; times are nanoseconds for one operation. */
export interface Turn {
  readonly ns: number;
  readonly cpuNs: number;
  /** Latency of single operations; 0 where nobody looked. */
  readonly p50: number;
  readonly p99: number;
  /** What it read, added up: every side must have read the same. */
  readonly sum: number;
}

/** All turns of one side in one case. */
export interface Row {
  readonly family: string;
  readonly case: string;
  readonly by: string;
  readonly turns: readonly Turn[];
  /** Peak of its process in this case, MiB. */
  readonly rssMib?: number | undefined;
}

/** The median of all rounds between the quartiles. */
export interface Summary {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

export type Metric = 'ns' | 'cpuNs' | 'p50' | 'p99' | 'sum';

/** Median and quartiles, between values where they fall there. */
export function summary(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number) => {
    const place = part * (sorted.length - 1);
    const [below = Number.NaN, above = below] = sorted.slice(Math.floor(place));
    return below + (above - below) * (place - Math.floor(place));
  };
  return { low: at(0.25), median: at(0.5), high: at(0.75) };
}

/** Of one number of a side. */
export function of(row: Row, metric: Metric): Summary {
  return summary(row.turns.map((turn) => turn[metric]));
}

/** `a` / `b`, round by round: what disturbed one of them disturbed the other, too. */
export function ratio(a: Row, b: Row, metric: Metric): Summary {
  return summary(a.turns.map((turn, i) => turn[metric] / (b.turns[i]?.[metric] ?? Number.NaN)));
}

/** `a` - `b`, round by round. */
export function difference(a: Row, b: Row, metric: Metric): Summary {
  return summary(a.turns.map((turn, i) => turn[metric] - (b.turns[i]?.[metric] ?? Number.NaN)));
}

/** The row of a side, if it was measured. */
export function find(rows: readonly Row[], family: string, name: string, by: string): Row | undefined {
  return rows.find((row) => row.family === family && row.case === name && row.by === by);
}
