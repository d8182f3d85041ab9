/** Compares what the library says of kernels with what a C program measured, and with what came of the tour. */
import { readFileSync } from 'node:fs';
import { features, ops, setupFlags } from '../../structs/ops.ts';
import { registerOps } from '../../structs/register-ops.ts';
import { isOlder, mainline } from './ladder.ts';
import type { Answers, Outcome, Probe } from './outcome.ts';

const TABLES = { register: registerOps, ops, setup: setupFlags, features };
const NAMES: readonly (keyof Probe)[] = ['register', 'ops', 'setup', 'features'];
/** Debian's 5.10.y has 5.15's io_uring, but not its operations on paths: the file system layer of 5.10 lacks what they need. */
const NOT_PORTED_BACK = ['OP_MKDIRAT', 'OP_SYMLINKAT', 'OP_LINKAT'];
/** Opcodes that need a network card which no emulated machine has, and the first kernel that does without. */
const NEED_A_CARD_BEFORE: Readonly<Record<string, string>> = {
  REGISTER_ZCRX_IFQ: '7.1',
  REGISTER_ZCRX_CTRL: '7.1',
};

/** What kernels.json says of a kernel. */
export interface Measured {
  readonly features: string;
  readonly ops: readonly number[];
  readonly register: Readonly<Record<string, string>>;
  readonly setupFlags: string;
}

const fixture = new URL('../../test/fixtures/abi/kernels.json', import.meta.url);
const everything: Readonly<Record<string, Measured>> = JSON.parse(readFileSync(fixture, 'utf8'));

/** The newest measured kernel of a series; undefined where none was. */
function measured(series: string): Measured | undefined {
  const release = Object.keys(everything).findLast((name) => /^(\d+\.\d+)/.exec(name)?.[1] === series);
  return release === undefined ? undefined : everything[release];
}

function isMeasured(kernel: Measured, table: keyof Probe, value: number): boolean {
  if (table === 'register') return kernel.register[value] === 'supported';
  if (table === 'ops') return kernel.ops.includes(value);
  return (Number(table === 'setup' ? kernel.setupFlags : kernel.features) & value) !== 0;
}

/** What the probe says against what was measured. */
function checkProbe(probe: Probe, kernel: Measured): string[] {
  return NAMES.flatMap((table) =>
    TABLES[table].flatMap(({ name, value }) => {
      const says = probe[table][name]?.supported;
      const is = isMeasured(kernel, table, value);
      return says === is ? [] : [`probe() says ${says} of ${name}, kernels.json says ${is}`];
    }),
  );
}

/** What the tour proved against what was measured: what the kernel has is never missing, and nothing else is there. */
function checkTour({ tour }: Outcome, kernel: Measured): string[] {
  if (tour.length === 0) return ['the tour told nothing'];
  return tour.flatMap(({ value, name, verdict, evidence }) => {
    if (verdict === 'failed') return [`the tour failed at ${name}: ${evidence}`];
    const isThere = value <= registerOps.length ? isMeasured(kernel, 'register', value) : undefined;
    if (isThere === true && verdict === 'needs-kernel')
      return [`the tour lacks ${name}, which kernels.json has: ${evidence}`];
    if (isThere === false && verdict !== 'needs-kernel')
      return [`the tour says ${verdict} of ${name}, which kernels.json has not`];
    return [];
  });
}

/** What contradicts on one rung. */
export function checkRung(outcome: Outcome): string[] {
  const kernel = measured(outcome.series);
  if (!outcome.probe) return ['the guest told nothing of its kernel'];
  if (!kernel) return [];
  return [...checkProbe(outcome.probe, kernel), ...checkTour(outcome, kernel)];
}

/** The rungs by version, oldest first. */
function byAge(outcomes: readonly Outcome[]): Outcome[] {
  return outcomes.toSorted((one, other) =>
    isOlder(one.series, other.series) ? -1 : isOlder(other.series, one.series) ? 1 : 0,
  );
}

/** The first rung that has something, and the last one before it that lacks it. */
export function appears(
  outcomes: readonly Outcome[],
  answers: (probe: Probe) => Answers,
  name: string,
): { readonly first: string | undefined; readonly lacking: string | undefined } {
  let lacking: string | undefined;
  for (const { series, probe } of byAge(outcomes)) {
    if (!probe) continue;
    if (answers(probe)[name]?.supported === true) return { first: series, lacking };
    lacking = series;
  }
  return { first: undefined, lacking };
}

/** Each row's `since` lies after the last rung that lacks it, and not after the first that has it. */
function checkSince(outcomes: readonly Outcome[]): string[] {
  return NAMES.flatMap((table) =>
    TABLES[table].flatMap(({ name, since }) => {
      const { first, lacking } = appears(outcomes, (probe) => probe[table], name);
      const as = lacking === undefined || NOT_PORTED_BACK.includes(name) ? lacking : mainline(lacking);
      const isEarly = as !== undefined && !isOlder(as, since);
      const isLate = first !== undefined && isOlder(mainline(first), since);
      if (isEarly) return [`${name} is said to be in Linux since ${since}, and ${lacking} lacks it`];
      return isLate ? [`${name} is said to be in Linux since ${since}, and ${first} has it`] : [];
    }),
  );
}

/** Each opcode that some rung's kernel has is proved on one of them. */
function checkProved(outcomes: readonly Outcome[]): string[] {
  return registerOps.flatMap(({ name }) => {
    const able = outcomes.filter(({ series }) => !isOlder(series, NEED_A_CARD_BEFORE[name] ?? '0.0'));
    const rows = able.flatMap(({ tour }) => tour.filter((row) => row.name === name));
    const here = rows.filter(({ verdict }) => verdict !== 'needs-kernel');
    if (here.length === 0 || here.some(({ verdict }) => verdict === 'proved')) return [];
    return [`${name} is proved on no rung: ${here.at(-1)?.verdict}, ${here.at(-1)?.evidence}`];
  });
}

/** What contradicts between rungs. */
export function checkLadder(outcomes: readonly Outcome[]): string[] {
  return [...checkSince(outcomes), ...checkProved(outcomes)];
}
