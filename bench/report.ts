/** What was measured, as tables: on the terminal, and in docs/bench.md. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { table } from '../lib/cli/kit.ts';
import { axes, digits, duration, timesText } from './format.ts';
import type { Family } from './harness.ts';
import { of, type Row, type Summary } from './measure.ts';
import { svg } from './plot.ts';
import { type Verdict, verdicts } from './targets.ts';

/** The machine and how it was measured. */
export interface Host {
  readonly node: string;
  readonly kernel: string;
  readonly arch: string;
  readonly cpu: string;
  /** How many the sides share; 0: nobody could be pinned. */
  readonly cpus: number;
  readonly memoryGib: number;
  readonly storage: string;
  readonly rounds: number;
  /** The load average before: what others did meanwhile. */
  readonly load: number;
  readonly date: string;
}

/** A whole run, as --json writes it. */
export interface Results {
  readonly v: 1;
  readonly host: Host;
  readonly rows: readonly Row[];
  readonly skipped: readonly { readonly family: string; readonly side: string; readonly why: string }[];
}

export function hostLine({ cpu, cpus, kernel, node, storage, rounds, load }: Host): string {
  const pinned = cpus === 0 ? 'not pinned without taskset' : `${cpus} cpus used`;
  const machine = `${cpu}, ${pinned}, load ${digits(load)}`;
  return `${machine}, Linux ${kernel}, Node ${node}, ${storage}, ${rounds} rounds`;
}

/** Half of the distance between the quartiles, in hundredths of the median. */
function spread({ low, median, high }: Summary): string {
  return `±${digits((50 * (high - low)) / median)}%`;
}

const HEAD = ['', '', 'for each', '', '×', 'CPU', 'p50', 'p99', 'MiB'];

function cells(row: Row, first: Row): string[] {
  if (row.family === 'heap')
    return [row.case, row.by, `${digits(of(row, 'sum').median)} B`, '', '', '', '', '', ''];
  const ns = of(row, 'ns');
  const [p50, p99] = [of(row, 'p50').median, of(row, 'p99').median];
  const memory = row.family === 'load' ? of(row, 'sum').median / 2 ** 20 : row.rssMib;
  return [
    row.case,
    row.by,
    duration(ns.median),
    spread(ns),
    timesText(row, first, axes.rate),
    duration(of(row, 'cpuNs').median),
    p50 > 0 ? duration(p50) : '',
    p99 > 0 ? duration(p99) : '',
    memory === undefined ? '' : digits(memory),
  ];
}

function lines(rows: readonly Row[]): string[][] {
  return rows.map((row) => cells(row, rows.find((each) => each.case === row.case) ?? row));
}

/** For a terminal: the case is named once. */
export function terminalTable(rows: readonly Row[]): string {
  let before = '';
  const shown = lines(rows).map(([name = '', ...rest]) => {
    const isNew = name !== before;
    before = name;
    return [isNew ? name : '', ...rest];
  });
  return table(HEAD, shown);
}

export function terminalVerdicts(found: readonly Verdict[]): string {
  return table(
    ['target', '', 'measured', '', ''],
    found.map(({ what, target, value, isMet, isOfMachine }) => [
      what,
      target,
      value,
      isMet ? 'met' : 'NOT MET',
      isOfMachine ? 'of this machine' : '',
    ]),
  );
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '-'), ...rows].map((cellsOf) => `| ${cellsOf.join(' | ')} |`).join('\n');
}

const READ = `How to read this: each side is a process of its own, and all of a comparison take turns (A B A B) in one run, on the same file, with the
same offsets, on the same cpus; what they read is compared. Numbers are medians of the rounds; ± is half of the distance between the quartiles. **×** is how
many times as many operations in a second as the first side of its case, taken round by round. CPU is the CPU time of the whole process for one operation,
threads of the pool and of the kernel's workers included; p50 and p99 are latencies of single operations; MiB is the peak of its memory. C is ours, on the
raw system calls, with the same setup flags (\`bench/c\`).

Repeat it: \`npm run bench\` (eighteen minutes; \`-- --quick\` three), \`npm run bench -- --list\` for the names, \`npm run bench -- --docs docs\` to write this page. TMPDIR says on which
disk. A C compiler, fio and taskset are used where they are installed. Numbers of different machines say little; ratios of one run do.`;

/** Writes FOLDER/bench.md and a plot for each family into FOLDER/bench. */
export async function writeDocs(
  folder: string,
  families: readonly Family[],
  results: Results,
): Promise<void> {
  const { host, rows, skipped } = results;
  mkdirSync(join(folder, 'bench'), { recursive: true });
  const targets = verdicts(rows).map(({ what, target, value, isMet }) => [
    what,
    target,
    value,
    isMet ? 'met' : '**not met**',
  ]);
  const parts = [
    '# Benchmarks',
    `Made by \`npm run bench -- --docs docs\` on ${host.date}: ${hostLine(host)}, ${host.memoryGib} GiB.`,
    READ,
  ];
  parts.push('## Targets', markdownTable(['', 'target', 'measured (quartiles)', ''], targets));
  for (const family of families) {
    const own = rows.filter((row) => row.family === family.name);
    if (own.length === 0) continue;
    writeFileSync(join(folder, 'bench', `${family.name}.svg`), await svg(family, own, hostLine(host)));
    parts.push(`## ${family.title}`, `${family.how} One operation is ${family.unit}.`);
    for (const { side, why } of skipped.filter((each) => each.family === family.name))
      parts.push(`Without ${side}: ${why}.`);
    parts.push(`![${family.title}](bench/${family.name}.svg)`);
    parts.push(`<details><summary>Numbers</summary>\n\n${markdownTable(HEAD, lines(own))}\n\n</details>`);
  }
  writeFileSync(join(folder, 'bench.md'), `${parts.join('\n\n')}\n`);
}
