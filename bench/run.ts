/** `npm run bench`: measures, prints tables and targets, and writes them where it is told to. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, constants as osConstants, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { Presets, SingleBar } from 'cli-progress';
import { Command } from 'commander';
import { families } from './families.ts';
import { type Effort, type Family, Kit, measure } from './harness.ts';
import { type Host, hostLine, type Results, terminalTable, terminalVerdicts, writeDocs } from './report.ts';
import { allowedCpus, has } from './side.ts';
import { verdicts } from './targets.ts';

const FULL: Effort = { rounds: 11, turnMs: 40, isQuick: false };
const QUICK: Effort = { rounds: 3, turnMs: 8, isQuick: true };

interface Options {
  readonly quick?: boolean;
  readonly list?: boolean;
  readonly json?: string;
  readonly docs?: string;
  readonly from?: string;
  readonly check?: boolean;
}

/** Which disk a folder is on. */
function storageOf(folder: string): string {
  try {
    const [type, source] = execFileSync('findmnt', ['-no', 'FSTYPE,SOURCE', '-T', folder], {
      encoding: 'utf8',
    }).split(/\s+/);
    return `${type} on ${source}`;
  } catch {
    return 'unknown storage';
  }
}

function thisHost({ rounds }: Effort): Host {
  return {
    node: process.version,
    kernel: release(),
    arch: process.arch,
    cpu: cpus()[0]?.model ?? 'unknown cpu',
    cpus: has('taskset') ? Math.min(2, allowedCpus().length) : 0,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    storage: storageOf(tmpdir()),
    rounds,
    load: loadavg()[0] ?? 0,
    date: new Date().toISOString().slice(0, 10),
  };
}

/** What is told while it runs. Only a person looks at a bar. */
interface Progress {
  /** At work on a case. */
  at(family: string, name: string, by: string): void;
  /** A result. */
  say(text: string): void;
  end(): void;
}

function progressOf(chosen: readonly Family[]): Progress {
  const say = (text: string) => console.log(text);
  if (!process.stderr.isTTY) return { at() {}, say, end() {} };
  const options = {
    format: '{bar} {value}/{total} {what}',
    clearOnComplete: true,
    hideCursor: true,
    barsize: 24,
  };
  const bar = new SingleBar({ ...options, stream: process.stderr }, Presets.shades_classic);
  const total = chosen.reduce((sum, family) => sum + family.cases.length, 0);
  const seen = new Set<string>();
  bar.start(total, 0, { what: '' });
  return {
    at(family, name, by) {
      seen.add(`${family} ${name}`);
      bar.update(seen.size - 1, { what: `${family} ${name}, ${by}`.slice(0, 44) });
    },
    say(text) {
      bar.stop();
      process.stderr.write('\r\x1b[K'); // the bar goes on below
      say(text);
      bar.start(total, seen.size, { what: '' });
    },
    end: () => bar.stop(),
  };
}

/** One family in a folder of its own, which goes whatever happens. */
async function runOne(
  family: Family,
  effort: Effort,
  progress: Progress,
): Promise<Pick<Results, 'rows' | 'skipped'>> {
  const folder = mkdtempSync(join(tmpdir(), 'uring-bench-'));
  const clean = () => rmSync(folder, { recursive: true, force: true });
  const stop = (signal: NodeJS.Signals) => {
    progress.end();
    clean();
    process.exit(128 + osConstants.signals[signal]);
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    using kit = new Kit(family, folder, effort);
    const rows = await measure(family, kit, (name, by) => progress.at(family.name, name, by));
    const skipped = [...kit.skipped].map(([side, why]) => ({ family: family.name, side, why }));
    const without = skipped.map(({ side, why }) => `\nwithout ${side}: ${why}`).join('');
    progress.say(`\n${family.name}: ${family.title}\n${terminalTable(rows)}${without}`);
    return { rows, skipped };
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    clean();
  }
}

async function run(chosen: readonly Family[], effort: Effort): Promise<Results> {
  const host = thisHost(effort);
  console.log(hostLine(host));
  const progress = progressOf(chosen);
  try {
    const done: Pick<Results, 'rows' | 'skipped'>[] = [];
    for (const family of chosen) done.push(await runOne(family, effort, progress));
    return {
      v: 1,
      host,
      rows: done.flatMap(({ rows }) => rows),
      skipped: done.flatMap(({ skipped }) => skipped),
    };
  } finally {
    progress.end();
  }
}

function choose(names: readonly string[]): readonly Family[] {
  const unknown = names.find((name) => !families.some((family) => family.name === name));
  if (unknown !== undefined) program.error(`no benchmark ${unknown}; see --list`);
  return names.length === 0 ? families : families.filter(({ name }) => names.includes(name));
}

async function main(names: readonly string[], options: Options): Promise<void> {
  if (options.list) {
    for (const { name, title } of families) console.log(`${name.padEnd(12)}${title}`);
    return;
  }
  const chosen = choose(names);
  const results: Results =
    options.from === undefined
      ? await run(chosen, options.quick ? QUICK : FULL)
      : JSON.parse(readFileSync(options.from, 'utf8'));
  const found = verdicts(results.rows);
  if (found.length > 0) console.log(`\n${terminalVerdicts(found)}`);
  if (options.json !== undefined)
    writeFileSync(options.json, `${JSON.stringify({ ...results, verdicts: found }, null, 1)}\n`);
  if (options.docs !== undefined) await writeDocs(options.docs, families, results);
  if (options.check && found.some(({ isMet }) => !isMet)) process.exitCode = 1;
}

const program = new Command('npm run bench --')
  .description('Measures this library beside C, fio and node:fs: each comparison by turns, in one run.')
  .argument('[name...]', 'benchmarks; all when absent')
  .option('--quick', 'three short rounds: numbers to look at, not to quote')
  .option('--list', 'the names of the benchmarks')
  .option('--json <file>', 'writes every turn of every side')
  .option('--docs <folder>', 'writes FOLDER/bench.md and its plots')
  .option('--from <file>', 'measures nothing: takes what --json wrote')
  .option('--check', 'exits with 1 when a target is missed')
  .addHelpText(
    'after',
    `
Examples:
  npm run bench -- nop register        two of them
  npm run bench -- --quick --check     all targets, in a few minutes
  npm run bench -- --json now.json     to compare later
  TMPDIR=/mnt/nvme npm run bench -- direct`,
  )
  .action(main);

await program.parseAsync();
