/** `uring top`: what rings do, by process and operation, as it happens. */
import type { Server } from 'node:http';
import { Command, Option } from 'commander';
import { type AccountStream, type Accounts, accounts, type OperationAccount } from '../host/accounts.ts';
import { number, parseComm, parseKib, parseOperations, parsePids, parseSeconds } from './arguments.ts';
import { fullOpcodeName, rfc3339 } from './call.ts';
import { follow, pidsOf, withCommand } from './following.ts';
import { counted, EXIT, note, paint, print, toJson } from './kit.ts';
import type { Launched } from './launch.ts';
import { Live } from './live.ts';
import { type Address, Metrics, parseAddress, serveMetrics, writeMetrics } from './metrics.ts';
import {
  isActive,
  latencyToJson,
  operationsOf,
  rowLines,
  rowsOf,
  SORT_KEYS,
  type SortKey,
  shortNumber,
  sorted,
  WIDE,
} from './operation-rows.ts';
import { joined } from './table.ts';
import { whoToJson } from './who.ts';

/** What the command line says. */
interface Options {
  readonly pid?: number[];
  readonly comm?: string;
  readonly op?: number[];
  readonly watch?: boolean;
  readonly interval: number;
  readonly duration?: number;
  readonly sort: SortKey;
  readonly rings?: boolean;
  readonly rows?: number;
  readonly json?: boolean;
  readonly metrics?: Address;
  readonly textfile?: string;
  readonly bufferKb?: number;
  readonly strict?: boolean;
}

/** Makes the command. */
export function makeCommand(): Command {
  return new Command('top')
    .description(
      "Shows what rings do, by process and operation, by the kernel's tracing (tracefs): how much, how fast, what fails. For root.",
    )
    .argument('[command...]', 'run this, and show it and what it starts; its output goes to stderr')
    .passThroughOptions()
    .option('--watch', 'go on, with a new table each interval, until stopped')
    .option('--interval <seconds>', 'how long an interval is', parseSeconds, 1)
    .option('--duration <seconds>', 'end after this time', parseSeconds)
    .option('--pid <pids>', 'only these processes, and what they start', parsePids)
    .option('--comm <glob>', 'only processes of this name; * and ? stand for others', parseComm)
    .option('--op <names>', 'only these operations, by name or number', parseOperations)
    .addOption(new Option('--sort <key>', 'the greatest first').choices(SORT_KEYS).default('rate'))
    .option('--rings', 'a row for each ring, too')
    .option('--rows <count>', 'at most so many rows', (text) => number(text, 1, 1_000_000))
    .option('--json', 'one object for each row and interval')
    .option('--metrics <port>', 'serve OpenMetrics at http://127.0.0.1:PORT/metrics', parseAddress)
    .option('--textfile <file>', "write OpenMetrics there, for node_exporter's textfile collector")
    .option('--buffer-kb <kib>', "the kernel's buffer for each cpu", parseKib)
    .option('--strict', 'exit with 5 when events were lost')
    .addHelpText(
      'after',
      `
OPS/S      operations: submissions, or completions where one has several
ERR/S      completions with an error
FLY        in flight: submitted since the start, and not yet complete
P50 P99    half of them, and 99 of 100, take no longer; MAX the longest
WRK%       share that went to worker threads
OVF        completions that found the queue full
CUT        operations that failed, so that the next of their chain is cancelled
?          completions whose submission was not seen

Without --watch it shows one interval, or with COMMAND or --duration all of it
together: counts instead of rates.
An operation costs the program that makes it 0.2 to 0.4 us more of CPU time.
Lost events are counted; where the kernel counts by itself (it says so), OPS/S
stays exact. --metrics and --textfile go on as --watch does.

Examples:
  uring top
  uring top --watch --sort p99 --pid 1234
  uring top -- ./server --port 8080
  uring top --metrics 9435
  uring top --json --duration 10 | jq 'select(.errors > 0)'`,
    )
    .action(run);
}

async function run(words: readonly string[], options: Options): Promise<void> {
  await withCommand('top', words, (command) => showUntilEnd(command, options));
}

/** Ends by itself after one interval? */
function isOnce({ watch, duration, metrics, textfile }: Options, command: Launched | undefined): boolean {
  return !watch && duration === undefined && !metrics && !textfile && command === undefined;
}

async function showUntilEnd(command: Launched | undefined, options: Options): Promise<void> {
  const { comm, op, interval, duration, bufferKb, strict, pid, metrics: address } = options;
  const stream = accounts({
    ...{ comm, bufferKb, opcodes: op, pids: pidsOf(command, pid) },
    intervalMs: Math.min(Math.max(Math.round(interval * 1000), 10), 86_400_000),
  });
  const show = new Show(options, command !== undefined, stream, isOnce(options, command));
  const server = address === undefined ? undefined : await serveMetrics(show.metrics, address);
  if (address !== undefined && server !== undefined) noteAddress(server, address);
  let lost = 0;
  try {
    await follow(stream, { command, duration }, (record) => {
      if (record.type === 'end') lost = record.lostEvents + record.malformed;
      return record.type === 'accounts' ? show.accounts(record) : undefined;
    });
    await show.finish();
  } finally {
    server?.close();
    server?.closeAllConnections();
  }
  if (strict && lost > 0) process.exitCode = EXIT.incomplete;
}

function noteAddress(server: Server, { host }: Address): void {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  note(`metrics at http://${host.includes(':') ? `[${host}]` : host}:${port}/metrics`);
}

/** Shows accounts as the options want it. */
class Show {
  readonly metrics = new Metrics();
  readonly #options: Options;
  readonly #showsTotal: boolean;
  readonly #isOnce: boolean;
  readonly #stream: AccountStream;
  readonly #live: Live | undefined;
  #last: Accounts | undefined;
  #startNs: bigint | undefined;
  #tables = 0;

  constructor(options: Options, hasCommand: boolean, stream: AccountStream, once: boolean) {
    const { watch, json, metrics, textfile } = options;
    this.#options = options;
    this.#isOnce = once;
    this.#showsTotal =
      !watch && !json && !metrics && !textfile && (hasCommand || options.duration !== undefined);
    this.#stream = stream;
    this.#live = watch && !json && process.stdout.isTTY ? new Live(process.stdout) : undefined;
  }

  accounts(record: Accounts): Promise<void> | undefined {
    const { json, textfile, metrics, watch } = this.#options;
    // the last one, at the end, is of what was left of an interval
    if (this.#isOnce && this.#tables > 0) return undefined;
    this.#tables++;
    this.#last = record;
    this.#startNs ??= record.monoNs - BigInt(Math.round(record.intervalNs));
    if (this.#isOnce) this.#stream.stop();
    this.metrics.add(record);
    if (textfile !== undefined) writeMetrics(this.metrics, textfile);
    if (json) return this.#json(record);
    if (this.#showsTotal || ((metrics || textfile) && !watch)) return undefined;
    return this.#table(record);
  }

  #table(record: Accounts): Promise<void> | undefined {
    const text = this.#text(record, 'interval', record.intervalNs / 1e9);
    if (this.#live !== undefined) {
      this.#live.show(text);
      return undefined;
    }
    return print(this.#tables > 1 ? `\n${text}` : text);
  }

  #text(record: Accounts, which: 'interval' | 'total', seconds: number): string {
    const { rings, sort, rows: most = Number.POSITIVE_INFINITY } = this.#options;
    const { columns = 80, rows: height = 24 } = process.stdout;
    const all = sorted(rowsOf(record.operations, which, rings ? 'ring' : 'process').filter(isActive), sort);
    // the head, two lines below, and one for the cursor
    const room = this.#live === undefined ? most : Math.min(most, Math.max(height - 4, 1));
    const shown = all.slice(0, room);
    const more = all.length - shown.length;
    const total = all.reduce((sum, row) => sum + operationsOf(row), 0);
    const processes = new Set(all.map(({ pid }) => pid)).size;
    const width = process.stdout.isTTY ? columns : rings ? WIDE : 80;
    const parts = [
      `${which === 'total' ? `${total} operations` : `${shortNumber(total / seconds)} ops/s`} in ${counted(processes, 'process', 'processes')} over ${seconds.toFixed(1)} s`,
      `counted by ${record.counted === 'kernel' ? 'the kernel' : 'events'}`,
      ...(more > 0 ? [`${counted(more, 'row')} more`] : []),
    ];
    const lost = record.lostEvents;
    if (lost > 0) parts.push(paint.yellow(`${shortNumber(lost)} events lost`));
    return [...rowLines(shown, which === 'total' ? undefined : seconds, width), joined(parts, width)].join(
      '\n',
    );
  }

  async #json(record: Accounts): Promise<void> {
    const { rings, sort, rows: most = Number.POSITIVE_INFINITY } = this.#options;
    const { timeNs, monoNs, intervalNs, counted, lostEvents, uncounted } = record;
    const common = { v: 1, ts: rfc3339(timeNs), mono_ns: monoNs, interval_ns: Math.round(intervalNs) };
    const active = record.operations.filter(
      ({ interval, inFlight }) => inFlight > 0 || interval.submitted + interval.completed > 0,
    );
    const byRate = (a: OperationAccount, b: OperationAccount): number =>
      b.interval.submitted - a.interval.submitted;
    for (const each of sort === 'rate' ? active.toSorted(byRate).slice(0, most) : active.slice(0, most)) {
      await print(toJson({ ...common, ...accountToJson(each) }));
    }
    const all = rings ? record.rings : undefined;
    for (const { ring, completed, errors } of all ?? []) {
      await print(toJson({ ...common, type: 'ring', ring, completed, errors }));
    }
    await print(toJson({ ...common, type: 'interval', counted, lost_events: lostEvents, uncounted }));
  }

  /** Shows what comes at the end. */
  async finish(): Promise<void> {
    const last = this.#last;
    if (!this.#showsTotal || last === undefined) return;
    const seconds = Number(last.monoNs - (this.#startNs ?? 0n)) / 1e9;
    await print(this.#text(last, 'total', Math.max(seconds, 0.001)));
  }
}

/** An account as a line of JSON has it: counts of the interval, or since the beginning. */
export function accountToJson(account: OperationAccount, which: 'interval' | 'total' = 'interval'): object {
  const { pid, comm, ring, opcode, opcodeName, inFlight, process: who } = account;
  const { latency, ...counts } = account[which];
  return {
    type: 'operation',
    ...{ pid, comm, ring, opcode },
    opcode_name: fullOpcodeName(opcodeName),
    in_flight: inFlight,
    ...counts,
    ...latencyToJson(latency),
    ...whoToJson(who),
  };
}
