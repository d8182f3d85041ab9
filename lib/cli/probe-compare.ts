/** `uring probe --against` and `--need`: what another kernel lacks, by what was measured on it. */
import type { Support } from '../register/support.ts';
import { note, paint, print, toJson, visible } from './kit.ts';
import { allRows, comparable, type Need, SINCE, sinceLines } from './probe-rows.ts';

function fullNames(rows: readonly Need[]): string[] {
  return rows.map(({ name }) => `IORING_${name}`);
}

/** Another kernel, by what was measured on it or by what mainline had. */
export interface Other {
  readonly version: string;
  readonly release: string | undefined;
  readonly arch: string | undefined;
  readonly isMeasured: boolean;
  has(name: string): boolean;
}

/** A kernel of mainline, of a series or a version in it: what was new until then. */
export function mainlineKernel(version: string): Other | undefined {
  const [, series = ''] = /^v?(\d{1,2}\.\d{1,3})(?:[.-][\w.+-]{1,64})?$/.exec(version) ?? [];
  if (series === '' || comparable(series) < comparable('5.1')) return undefined;
  const has = (name: string): boolean => {
    const since = SINCE.get(name);
    return since !== undefined && comparable(since) <= comparable(series);
  };
  return { version, release: undefined, arch: undefined, isMeasured: false, has };
}

/** Says that what follows was not measured. */
export function sayUnlessMeasured({ version, isMeasured }: Other): void {
  if (!isMeasured) note(`probe: ${visible(version)} was not measured: this is what mainline had`);
}

/** Tells what a program that needs all of this kernel would lose on another one, and what it would gain. */
export async function printAgainst(support: Support, other: Other, json: boolean): Promise<void> {
  sayUnlessMeasured(other);
  const rows = allRows(support);
  const lost = rows.filter(({ name, supported }) => supported === true && !other.has(name));
  const gained = rows.filter(({ name, supported }) => supported === false && other.has(name));
  const unknown = rows.filter(({ supported }) => supported === undefined);
  if (json) {
    return await print(
      toJson({
        v: 1,
        kernel: support.kernel,
        against: other.version,
        against_release: other.release,
        against_arch: other.arch,
        against_measured: other.isMeasured,
        lost: fullNames(lost),
        gained: fullNames(gained),
        unknown: fullNames(unknown),
      }),
    );
  }
  const counts = `${lost.length} lost, ${gained.length} gained`;
  const head = `From ${visible(support.kernel)} to ${visible(other.version)}: ${counts}`;
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
