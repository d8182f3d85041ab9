/** Counts of durations in buckets of which each is 3 % wide: small, exact in number, and quick. */

const STEPS = 32;
const SHIFT = 5;

/** A bucket of a histogram: how many durations there were from `fromNs` to less than `toNs`. */
export interface LatencyBucket {
  readonly fromNs: number;
  readonly toNs: number;
  readonly count: number;
}

/** Durations in nanoseconds. */
export class Histogram {
  /** For each power of two, 32 buckets. */
  readonly #octaves: (Uint32Array | undefined)[] = [];
  count = 0;
  sumNs = 0;
  maxNs = 0;

  add(ns: number): void {
    const value = Math.max(0, Math.floor(ns));
    const octave = value < STEPS ? 0 : Math.floor(Math.log2(value)) - SHIFT + 1;
    const step = octave === 0 ? value : Math.floor(value / 2 ** (octave - 1)) - STEPS;
    const counts = this.#at(octave);
    counts[step] = (counts[step] ?? 0) + 1;
    this.count++;
    this.sumNs += value;
    if (value > this.maxNs) this.maxNs = value;
  }

  #at(octave: number): Uint32Array {
    const found = this.#octaves[octave];
    if (found !== undefined) return found;
    const fresh = new Uint32Array(STEPS);
    this.#octaves[octave] = fresh;
    return fresh;
  }

  /** Adds all of another one. */
  merge(other: Histogram): void {
    for (const [octave, counts] of other.#octaves.entries()) {
      if (counts === undefined) continue;
      const own = this.#at(octave);
      for (let step = 0; step < STEPS; step++) own[step] = (own[step] ?? 0) + (counts[step] ?? 0);
    }
    this.count += other.count;
    this.sumNs += other.sumNs;
    this.maxNs = Math.max(this.maxNs, other.maxNs);
  }

  /** Those that are not empty, the shortest first. */
  *buckets(): Generator<LatencyBucket> {
    for (const [octave, counts] of this.#octaves.entries()) {
      const width = octave === 0 ? 1 : 2 ** (octave - 1);
      const start = octave === 0 ? 0 : STEPS * width;
      for (const [step, count] of counts?.entries() ?? []) {
        if (count > 0) yield { fromNs: start + step * width, toNs: start + (step + 1) * width, count };
      }
    }
  }

  /** So that this share of all is not longer; undefined where there is none. */
  quantile(share: number): number | undefined {
    return quantileOf(this.buckets(), this.count, this.maxNs, share);
  }
}

/** So that this share of all is not longer: the middle of its bucket; undefined where there is none. */
export function quantileOf(
  buckets: Iterable<LatencyBucket>,
  count: number,
  maxNs: number,
  share: number,
): number | undefined {
  let left = Math.max(1, Math.ceil(count * share));
  for (const { fromNs, toNs, count } of buckets) {
    left -= count;
    if (left <= 0) return Math.min((fromNs + toNs - 1) / 2, maxNs);
  }
  return undefined;
}
