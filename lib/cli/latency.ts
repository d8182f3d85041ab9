/** `uring latency`: how long operations take, as pictures. */
import { Command } from 'commander';
import { type Accounts, accounts } from '../host/accounts.ts';
import { kernelRelease } from '../sys/host.ts';
import { parseComm, parseKib, parseOperations, parsePids, parseSeconds } from './arguments.ts';
import { rfc3339 } from './call.ts';
import { follow, pidsOf, withCommand } from './following.ts';
import { counted, EXIT, note, paint, print, toJson, visible, writeTo } from './kit.ts';
import { barLines, svg } from './latency-picture.ts';
import type { Launched } from './launch.ts';
import { latencyToJson, type Row, rowsOf, shortTime, sorted } from './operation-rows.ts';
import { escaped, page, timeElement } from './page.ts';

/** What the command line says. */
interface Options {
  readonly pid?: number[];
  readonly comm?: string;
  readonly op?: number[];
  readonly duration?: number;
  readonly processes?: boolean;
  readonly json?: boolean;
  readonly html?: string;
  readonly svg?: string;
  readonly bufferKb?: number;
  readonly strict?: boolean;
}

const DEFAULT_SECONDS = 5;

/** Makes the command. */
export function makeCommand(): Command {
  return new Command('latency')
    .description(
      "Shows how long the operations of rings take, from submission to completion, by the kernel's tracing (tracefs). For root.",
    )
    .argument('[command...]', 'run this, and look at it and what it starts; its output goes to stderr')
    .passThroughOptions()
    .option('--duration <seconds>', 'end after this time (5, or the end of the command)', parseSeconds)
    .option('--pid <pids>', 'only these processes, and what they start', parsePids)
    .option('--comm <glob>', 'only processes of this name; * and ? stand for others', parseComm)
    .option('--op <names>', 'only these operations, by name or number', parseOperations)
    .option('--processes', 'a picture for each process, too')
    .option('--html <file>', 'write a page with the pictures; - for stdout')
    .option('--svg <file>', 'write the picture of the most frequent operation; - for stdout')
    .option('--json', 'one object for each operation, with all buckets')
    .option('--buffer-kb <kib>', "the kernel's buffer for each cpu", parseKib)
    .option('--strict', 'exit with 5 when events were lost')
    .addHelpText(
      'after',
      `
Each line of a picture is twice as long as the one above. A latency is from the
submission to the first completion; a link waits for the one before it. What a
loss of events makes unsure is left out, not guessed.

Examples:
  uring latency
  uring latency --op OP_READ,OP_WRITE --duration 30 --pid 1234
  uring latency --html latency.html -- fio job.fio`,
    )
    .action(run);
}

async function run(words: readonly string[], options: Options): Promise<void> {
  await withCommand('latency', words, (command) => look(command, options));
}

async function look(command: Launched | undefined, options: Options): Promise<void> {
  const { comm, op, bufferKb, pid, strict } = options;
  const duration = options.duration ?? (command === undefined ? DEFAULT_SECONDS : undefined);
  const stream = accounts({
    ...{ comm, bufferKb, opcodes: op, pids: pidsOf(command, pid) },
    // all of it is shown at the end
    intervalMs: 3_600_000,
  });
  let last: Accounts | undefined;
  let lost = 0;
  await follow(stream, { command, duration }, (record) => {
    if (record.type === 'accounts') last = record;
    if (record.type === 'end') lost = record.lostEvents + record.malformed;
    return undefined;
  });
  if (last !== undefined) await show(last, options);
  if (lost > 0) note(`${lost} events were lost; a larger --buffer-kb loses fewer`);
  if (strict && lost > 0) process.exitCode = EXIT.incomplete;
}

async function show(record: Accounts, options: Options): Promise<void> {
  const { processes, json, html, svg: picture } = options;
  const rows = sorted(rowsOf(record.operations, 'total', processes ? 'process' : 'operation'), 'rate').filter(
    ({ counts }) => counts.completed > 0,
  );
  if (html !== undefined) await writeTo(html, 'latency --html', latencyPage(rows, record, new Date()));
  if (picture !== undefined) {
    const first = rows.find(({ counts }) => counts.latency.count > 0);
    if (first === undefined) note('no operation completed: no picture is written');
    else await writeTo(picture, 'latency --svg', `${svg(titleOf(first), first.counts.latency, true)}\n`);
  }
  if (html !== undefined || picture !== undefined) return;
  if (json) for (const row of rows) await print(toJson(jsonOf(row, record)));
  else if (rows.length === 0) await print('no operation completed');
  else await print(rows.map((row) => textOf(row).join('\n')).join('\n\n'));
}

function titleOf({ operation, comm, pid }: Row): string {
  return comm === undefined && pid === undefined
    ? operation
    : `${operation} of ${comm ?? '<gone>'} (${pid ?? '-'})`;
}

/** `'50 operations, p50 20.1ms, p99 21.0ms, max 21.2ms, 3 errors'`. */
export function factsOf({ counts }: Row): string {
  const { completed, errors, punted, latency } = counts;
  const { count, p50Ns, p99Ns, maxNs } = latency;
  return [
    counted(completed, 'completion'),
    ...(count === 0 ? ['no latency is sure'] : []),
    ...(count > 0 ? [`p50 ${shortTime(p50Ns)}`, `p99 ${shortTime(p99Ns)}`, `max ${shortTime(maxNs)}`] : []),
    ...(errors === 0 ? [] : [counted(errors, 'error')]),
    ...(punted === 0 ? [] : [`${punted} by workers`]),
  ].join(', ');
}

function textOf(row: Row): string[] {
  const width = process.stdout.isTTY ? process.stdout.columns : 80;
  return [`${paint.bold(visible(titleOf(row)))}: ${factsOf(row)}`, ...barLines(row.counts.latency, width)];
}

function jsonOf({ pid, comm, operation, counts }: Row, { timeNs, intervalNs, lostEvents }: Accounts): object {
  const { latency, ...numbers } = counts;
  return {
    ...{ v: 1, type: 'latency', ts: rfc3339(timeNs), duration_ns: Math.round(intervalNs), pid, comm },
    opcode_name: operation === '?' ? undefined : `IORING_OP_${operation.replace(/^OP_/, '')}`,
    ...numbers,
    ...latencyToJson(latency),
    buckets: latency.buckets.map(({ fromNs, toNs, count }) => ({ from_ns: fromNs, to_ns: toNs, count })),
    lost_events: lostEvents,
  };
}

/** The pictures of a page. */
export function cards(rows: readonly Row[]): string {
  const each = rows.map((row) => {
    const picture = row.counts.latency.count === 0 ? '' : svg(titleOf(row), row.counts.latency);
    return `<figure class="card"><h3>${escaped(titleOf(row))}</h3><p class="quiet">${escaped(factsOf(row))}</p>${picture}</figure>`;
  });
  return `<div class="cards">\n${each.join('\n')}\n</div>`;
}

function latencyPage(rows: readonly Row[], { intervalNs, lostEvents }: Accounts, date: Date): string {
  const title = `Latencies of io_uring on Linux ${kernelRelease}`;
  const lost = lostEvents === 0 ? '' : ` <span class="bad">${lostEvents} events were lost.</span>`;
  return page(
    title,
    `<header>
<h1>${escaped(title)}</h1>
<p class="quiet">${(intervalNs / 1e9).toFixed(1)} seconds until ${timeElement(date)}, from the submission to the first completion.${lost}</p>
</header>
<main>
${rows.length === 0 ? '<p>No operation completed.</p>' : cards(rows)}
</main>`,
  );
}
