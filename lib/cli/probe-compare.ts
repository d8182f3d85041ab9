/** `uring probe --against` and `--need`: what another kernel lacks, by what was measured on it. */
import { kernelHas, type MeasuredKernel } from '../../structs/kernels.ts';
import type { Support } from '../register/support.ts';
import { paint, print, toJson, visible } from './kit.ts';
import { allRows, type Need, sinceLines } from './probe-rows.ts';

function fullNames(rows: readonly Need[]): string[] {
  return rows.map(({ name }) => `IORING_${name}`);
}

/** Tells what a program that needs all of this kernel would lose on another one, and what it would gain. */
export async function printAgainst(support: Support, other: MeasuredKernel, json: boolean): Promise<void> {
  const rows = allRows(support);
  const lost = rows.filter(({ name, supported }) => supported === true && !kernelHas(other, name));
  const gained = rows.filter(({ name, supported }) => supported === false && kernelHas(other, name));
  const unknown = rows.filter(({ supported }) => supported === undefined);
  if (json) {
    return await print(
      toJson({
        v: 1,
        kernel: support.kernel,
        against: other.version,
        against_release: other.release,
        against_arch: other.arch,
        lost: fullNames(lost),
        gained: fullNames(gained),
        unknown: fullNames(unknown),
      }),
    );
  }
  const counts = `${lost.length} lost, ${gained.length} gained`;
  const head = `From ${visible(support.kernel)} to ${other.version}: ${counts}`;
  await print(paint.bold(unknown.length === 0 ? head : `${head}, ${unknown.length} unknown here`));
  for (const line of sinceLines('lost    ', lost)) await print(paint.red(line));
  for (const line of sinceLines('gained  ', gained)) await print(paint.green(line));
}

/** A kernel that is asked for what a program needs; undefined where it can't be known. */
export interface Target {
  readonly kernel: string;
  has(name: string): boolean | undefined;
}

/** Tells which of `needed` a kernel lacks; false unless it has all. */
export async function printNeed(needed: readonly Need[], target: Target, json: boolean): Promise<boolean> {
  const missing = needed.filter(({ name }) => target.has(name) === false);
  const unknown = needed.filter(({ name }) => target.has(name) === undefined);
  const verdict = missing.length + unknown.length === 0;
  if (json) {
    const names = { need: fullNames(needed), missing: fullNames(missing), unknown: fullNames(unknown) };
    await print(toJson({ v: 1, kernel: target.kernel, ok: verdict, ...names }));
    return verdict;
  }
  const lack = missing.length > 0 ? 'lacks' : 'may lack';
  const some = `${lack} ${missing.length + unknown.length} of ${needed.length}`;
  await print(paint.bold(`${visible(target.kernel)} ${verdict ? `has all ${needed.length}` : some}`));
  for (const line of sinceLines('no   ', missing)) await print(paint.red(line));
  for (const line of sinceLines('?    ', unknown)) await print(paint.yellow(line));
  return verdict;
}
