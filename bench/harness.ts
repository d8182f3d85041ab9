/** Comparisons by turns, A B A B: whatever else the machine does hits all sides alike. */
import { mkdirSync, mkdtempSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Ring } from 'uring';
import type { AxisName } from './format.ts';
import type { Row, Turn } from './measure.ts';
import { allowedCpus, compile, fio, has, ProcessSide, type Side } from './side.ts';

/** Does `count` operations of a case, in the process of a side. */
export type Work = (name: string, count: number, seed: number) => Promise<Turn>;

/** How a family is drawn. */
export interface Plot {
  /** A panel for each. */
  readonly axes: readonly AxisName[];
  /** The values differ so much that bars would say nothing. */
  readonly isLog?: boolean;
  /** The cases are numbers that the values depend on. */
  readonly isLine?: boolean;
}

/** One comparison: cases, and who does them. */
export interface Family {
  readonly name: string;
  /** What is done, in a few words. */
  readonly title: string;
  /** What one operation is. */
  readonly unit: string;
  /** How it is measured: for docs/bench.md. */
  readonly how: string;
  readonly plot: Plot;
  readonly cases: readonly string[];
  /** What a case is called in a plot; its name when absent. */
  readonly heading?: (name: string) => string;
  /** Operations in a turn, where that is not a matter of time. */
  readonly count?: (name: string, effort: Effort) => number;
  /** Operations in the shortest turn: the more are in flight, the more it takes to see a rate. */
  readonly least?: (name: string) => number;
  /** Sides that run in a process of Node's: what they do is made from the arguments of the process. */
  readonly workers: { readonly [by: string]: (args: readonly string[]) => Work | Promise<Work> };
  /** Starts the sides; the first one is what the others are compared with. */
  readonly sides: (kit: Kit) => Promise<void>;
  /** Is this case not for this side? */
  readonly lacks?: (by: string, name: string) => boolean;
  /** What every side must have read. */
  readonly expected?: (name: string, count: number, seed: number) => number;
}

/** How long to measure. */
export interface Effort {
  readonly rounds: number;
  /** How long a turn of the quickest side takes, about; others do as much, but at most for eight times as long. */
  readonly turnMs: number;
  readonly isQuick: boolean;
}

/** The setup flags that rings have on this kernel, for C. */
export function setupFlags(): number {
  using ring = new Ring(1);
  return ring.setupFlags;
}

/** Operations in the shortest turn, where a family does not say. */
const LEAST = 64;
const ROOT = join(import.meta.dirname, '..');

/** The package as it was built for the run, for programs in a folder. */
export function install(folder: string): void {
  const modules = join(folder, 'node_modules');
  mkdirSync(modules, { recursive: true });
  symlinkSync(ROOT, join(modules, 'uring'));
  symlinkSync(join(ROOT, 'node_modules/koffi'), join(modules, 'koffi'));
}

/**
 * The program of the sides, as JavaScript beside the package: Node runs it as it runs a user's. With a loader of TypeScript in
 * its heap, V8 marks all of that where it would have looked at the young objects alone, and what is measured is that.
 */
async function workerIn(folder: string): Promise<string> {
  const { build } = await import('esbuild'); // here: this module is in that program, too
  install(folder);
  const outfile = join(folder, 'worker.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, 'worker.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
  });
  return outfile;
}

/** What a family starts its sides with. */
export class Kit implements Disposable {
  readonly sides = new Map<string, Side>();
  /** Sides that can't be had here, and why. */
  readonly skipped = new Map<string, string>();
  /** For what is measured, the same for all sides. */
  readonly folder: string;
  readonly effort: Effort;
  readonly #family: Family;
  #worker: Promise<string> | undefined;

  constructor(family: Family, folder: string, effort: Effort) {
    this.#family = family;
    this.folder = folder;
    this.effort = effort;
  }

  /** The first `count` cpus that we may use. */
  cpus(count: number): number[] {
    return allowedCpus().slice(0, count);
  }

  /** A side of Node's, for each of the names. */
  async node(
    names: readonly string[],
    args: readonly string[],
    cpus: readonly number[],
    flags: readonly string[] = [],
  ): Promise<void> {
    this.#worker ??= workerIn(mkdtempSync(join(this.folder, 'worker-')));
    for (const by of names) {
      const given = ['--expose-gc', ...flags, await this.#worker, this.#family.name, by, ...args];
      this.sides.set(by, await ProcessSide.start(process.execPath, given, cpus));
    }
  }

  /** A program of bench/c. */
  async c(
    by: string,
    name: string,
    args: readonly (string | number)[],
    cpus: readonly number[],
  ): Promise<void> {
    const program = compile(this.folder, name);
    if (program === undefined) this.skipped.set(by, 'no C compiler');
    else this.sides.set(by, await ProcessSide.start(program, args.map(String), cpus));
  }

  fio(options: (name: string, seed: number) => readonly string[], cpus: readonly number[]): void {
    if (has('fio')) this.sides.set('fio', fio(options, cpus));
    else this.skipped.set('fio', 'not installed');
  }

  [Symbol.dispose](): void {
    for (const side of this.sides.values()) side.close();
  }
}

/** Told of every turn. */
export type Progress = (name: string, by: string) => void;

/** Measures every case of a family. */
export async function measure(family: Family, kit: Kit, progress: Progress): Promise<Row[]> {
  await family.sides(kit);
  const rows: Row[] = [];
  for (const name of family.cases) {
    const sides = [...kit.sides].filter(([by]) => !family.lacks?.(by, name));
    rows.push(...(await byTurns(family, name, sides, kit.effort, progress)));
  }
  return rows;
}

async function byTurns(
  family: Family,
  name: string,
  sides: readonly (readonly [string, Side])[],
  effort: Effort,
  progress: Progress,
): Promise<Row[]> {
  const fixed = family.count?.(name, effort);
  const counts =
    fixed === undefined
      ? await countsFor(name, sides, effort, family.least?.(name) ?? LEAST)
      : sides.map(() => fixed);
  const turns: Turn[][] = sides.map(() => []);
  for (const [, side] of sides) side.forgetPeak?.();
  // round 0 warms up
  for (let round = 0; round <= effort.rounds; round++) {
    for (const [i, [by, side]] of sides.entries()) {
      progress(name, by);
      const count = counts[i] ?? LEAST;
      const turn = await side.turn(name, count, round + 1);
      check(family, name, by, turn, family.expected?.(name, count, round + 1));
      if (round > 0) turns[i]?.push(turn);
    }
  }
  return sides.map(([by, side], i) => ({
    family: family.name,
    case: name,
    by,
    turns: turns[i] ?? [],
    rssMib: side.peakMib?.(),
  }));
}

/** Nobody gains by not looking at the data. */
function check(family: Family, name: string, by: string, turn: Turn, expected: number | undefined): void {
  if (expected !== undefined && by !== 'fio' && turn.sum !== expected) {
    throw new Error(`${family.name} ${name}: ${by} read ${turn.sum} instead of ${expected}`);
  }
  if (!(turn.ns > 0)) throw new Error(`${family.name} ${name}: ${by} took ${turn.ns} ns`);
}

/**
 * How many operations of each side make a turn: as many as the quickest does in its time, fewer where that takes too
 * long. Until then everybody runs, so that V8 has compiled what it wants to.
 */
async function countsFor(
  name: string,
  sides: readonly (readonly [string, Side])[],
  { turnMs, isQuick }: Effort,
  least: number,
): Promise<number[]> {
  const each: number[] = [];
  for (const [by, side] of sides) {
    let fewest = Number.POSITIVE_INFINITY;
    let count = least;
    for (const end = performance.now() + (isQuick ? 150 : 400); by !== 'fio' && performance.now() < end; ) {
      fewest = Math.min(fewest, (await side.turn(name, count, 1)).ns);
      count = Math.min(count * 4, Math.max(least, Math.round((turnMs * 1e6) / fewest)));
    }
    each.push(fewest);
  }
  const most = (turnMs * 1e6) / Math.min(...each);
  return each.map((ns) => Math.max(least, Math.round(Math.min(most, (8 * turnMs * 1e6) / ns))));
}
