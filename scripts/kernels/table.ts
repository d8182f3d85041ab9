/** The results as people read them, and as programs do. */
import Table from 'cli-table3';
import { counts, type Outcome, proved } from './outcome.ts';

/** How often each reason was given, most often first: `'needs Linux 6.13 (21)'`. */
function reasons({ tests }: Outcome): string[] {
  const found = new Map<string, number>();
  for (const { skip } of tests) {
    if (skip === undefined) continue;
    // the kernel's release says the same in every row
    const reason = skip.replace(/, this is .*$/, '');
    found.set(reason, (found.get(reason) ?? 0) + 1);
  }
  return [...found]
    .sort(([, one], [, other]) => other - one)
    .map(([reason, count]) => `${reason} (${count})`);
}

/** Failures, with what the guest said. */
export function failures({ rung, tests, problems }: Outcome): string[] {
  return [
    ...tests.flatMap(({ file, name, error }) =>
      error === undefined ? [] : [`${rung.name}: ${file}: ${name}\n${error}`],
    ),
    ...problems.map((problem) => `${rung.name}: ${problem}`),
  ];
}

/** Words in lines of at most 78 characters, indented. */
function wrapped(words: readonly string[]): string {
  const lines = [''];
  for (const word of words) {
    const line = `${lines.at(-1)} ${word}`;
    if (line.length > 74) lines.push(` ${word}`);
    else lines.splice(-1, 1, line);
  }
  return lines.map((line) => `   ${line}`).join('\n');
}

/** Prints why tests were skipped, the table, and what contradicts between rungs. */
export function printTable(outcomes: readonly Outcome[], problems: readonly string[]): void {
  const table = new Table({
    head: ['rung', 'kernel', 'passed', 'failed', 'skipped', 'proved', 'seconds'],
    colAligns: ['left', 'left', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const outcome of outcomes) {
    const { passed, failed, skipped } = counts(outcome);
    const version = outcome.release.replace(/-(cloud-)?(amd64|arm64)(-16k)?$/, '');
    table.push([
      outcome.rung.name,
      version,
      passed,
      failed + outcome.problems.length,
      skipped,
      proved(outcome),
      outcome.seconds.toFixed(0),
    ]);
  }
  console.log('\nskipped:');
  for (const outcome of outcomes) {
    const why = reasons(outcome);
    if (why.length > 0) console.log(`  ${outcome.rung.name}\n${wrapped(why.join('; ').split(' '))}`);
  }
  console.log(`\n${table}`);
  for (const problem of problems) console.log(`\n${problem}`);
}

/** The same as data, with every test and row of the tour. */
export function toJson(outcomes: readonly Outcome[], problems: readonly string[]): string {
  const rungs = outcomes.map((outcome) => {
    const { rung, series, release, seconds, tests, tour, probe, problems: own, again } = outcome;
    return {
      rung: rung.name,
      series,
      release,
      seconds,
      ...counts(outcome),
      problems: own,
      again,
      tests,
      tour,
      probe,
    };
  });
  return JSON.stringify({ rungs, problems }, undefined, 2);
}
