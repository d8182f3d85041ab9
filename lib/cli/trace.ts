/** `uring trace`: register calls of every process, as they happen. */
import { Command } from 'commander';
import { type OperationRecord, type OperationStepName, operations, STEPS } from '../host/operations.ts';
import { removeStaleTraces, type TraceEnd, type TraceStart, trace } from '../host/trace.ts';
import {
  number,
  parseComm,
  parseKib,
  parseOpcodes,
  parseOperations,
  parsePids,
  parseSeconds,
  parseSteps,
} from './arguments.ts';
import { follow, pidsOf, type Stoppable, withCommand } from './following.ts';
import { EXIT, Failure, note, orFailure, print, toJson } from './kit.ts';
import type { Launched } from './launch.ts';
import { CallTable, Lines, operationTable, recordToJson } from './trace-lines.ts';
import { LiveSummary, Summary } from './trace-summary.ts';

/** What the command line says. */
interface Options {
  readonly pid?: number[];
  readonly comm?: string;
  readonly opcode?: number[];
  readonly ops?: boolean;
  readonly op?: number[];
  readonly steps?: OperationStepName[];
  readonly failed?: boolean;
  readonly light?: boolean;
  readonly setup?: boolean;
  readonly json?: boolean;
  readonly summary?: boolean;
  readonly duration?: number;
  readonly count?: number;
  readonly bufferKb?: number;
  readonly strict?: boolean;
  readonly passStatus?: boolean;
  readonly gc?: boolean;
}

/** Makes the command. */
export function makeCommand(): Command {
  return new Command('trace')
    .description(
      "Shows io_uring_register calls of every process as they happen, with --ops operations too, by the kernel's tracing (tracefs). For root.",
    )
    .argument('[command...]', 'run this, and trace it and what it starts; its output goes to stderr')
    .passThroughOptions()
    .option('--pid <pids>', 'only these processes, and what they start', parsePids)
    .option('--comm <glob>', 'only threads of this name; * and ? stand for others', parseComm)
    .option('--opcode <names>', 'only these opcodes, by name or number', parseOpcodes)
    .option('--ops', 'also operations: what rings do, with results and latencies')
    .option('--op <names>', 'only these operations, by name or number', parseOperations)
    .option('--steps <names>', 'what to tell of operations: all, or some of the steps below', parseSteps)
    .option('--failed', 'only calls and operations that failed')
    .option('--setup', 'also io_uring_setup calls')
    .option('--light', 'trace only events of io_uring itself: less is told, nobody is slowed down')
    .option('--json', 'one object per line')
    .option('--summary', 'count calls by process and opcode')
    .option('--duration <seconds>', 'end after this time', parseSeconds)
    .option('--count <calls>', 'end after so many calls', (text) => number(text, 1, 2 ** 53 - 1))
    .option('--buffer-kb <kib>', "the kernel's buffer for each cpu", parseKib)
    .option('--strict', 'exit with 5 when events were lost')
    .option('--pass-status', "exit with the command's status")
    .option('--gc', 'only remove what traces that were killed have left')
    .addHelpText(
      'after',
      `
TIME       seconds since the trace began
FD         REG|0 for index 0 of the ring's registered fds
NR_ARGS    as passed; for io_uring_setup the entries
RET        the result, or the errno
RING       counts rings: r1, r2; FILES, BUFS: registered with it after the call
-          not known

With --ops there is a line for each completion; TIME(us) is from the submission
to the first completion. STEPS of an operation, all of them with --json:
  submit     taken by the kernel     complete   it has a result
  refuse     its entry was wrong     overflow   the completion queue was full
  punt       goes to a worker        cut        it failed, and cancels the next
  arm, wake  waits for its file, and is woken
  work       a thread runs deferred work

While it runs, every system call on the host takes up to 25 ns longer, but with
--light. Lost events are counted exactly: a larger --buffer-kb loses fewer.

Examples:
  uring trace --setup -- node server.js
  uring trace --failed --duration 10 --json | jq -r '[.comm, .errno] | @tsv'
  uring trace --ops -- ./server
  uring trace --op OP_CONNECT,OP_OPENAT --duration 60`,
    )
    .action(run);
}

async function run(words: readonly string[], options: Options): Promise<void> {
  if (options.gc) return await orFailure('trace', () => removeLeftovers(options));
  await withCommand('trace', words, (command) => traceUntilEnd(command, options));
}

async function removeLeftovers({ json }: Options): Promise<void> {
  for (const instance of await removeStaleTraces()) {
    await print(json ? toJson({ v: 1, type: 'removed', instance }) : `removed ${instance}`);
  }
}

/** The steps that are shown where nothing else is asked for. */
function defaultSteps({ json, summary }: Options): readonly OperationStepName[] {
  if (json && !summary) return STEPS;
  return summary ? ['complete'] : ['complete', 'cut', 'overflow'];
}

/** Begins what the options ask for. */
function tracingOf(options: Options, pids: readonly number[] | undefined): Stoppable<OperationRecord> {
  const { comm, failed, light, setup, bufferKb, count, opcode, ops, op, steps, json } = options;
  if (!(ops || op || steps))
    return trace({ comm, failed, light, setup, bufferKb, count, opcodes: opcode, pids, who: json ?? false });
  if (opcode !== undefined) {
    throw new Failure(EXIT.usage, 'trace', '--opcode is about register calls', 'with --ops it is --op');
  }
  const wanted = steps ?? defaultSteps(options);
  return operations({
    ...{ comm, failed, bufferKb, count, pids },
    opcodes: op,
    // whether it went to a worker, or waited, is told of completions
    steps: [...wanted, 'punt', 'arm'],
    calls: op !== undefined ? 'none' : light ? 'light' : 'full',
    who: json ?? false,
  });
}

/** Traces until something ends it, and sets the exit code. */
async function traceUntilEnd(command: Launched | undefined, options: Options): Promise<void> {
  const { pid, duration, passStatus } = options;
  const show = shown(options);
  let wasStopped = false;
  try {
    wasStopped = await follow(tracingOf(options, pidsOf(command, pid)), { command, duration }, (record) => {
      if (record.type === 'start') remarkStart(record, options);
      if (record.type === 'lost') {
        note(`cpu ${record.cpu} lost ${record.events} events; a larger --buffer-kb loses fewer`);
      }
      const full = show.record(record);
      if (record.type === 'end') remarkEnd(record, options);
      return full;
    });
  } finally {
    show.close();
  }
  if (passStatus && command !== undefined && !wasStopped) process.exitCode ??= await command.exited;
}

function remarkStart({ mode, pidNamespaceInitial }: TraceStart, { light, op }: Options): void {
  // with --op no calls are asked for
  if (mode === 'light' && !light && op === undefined) {
    note(
      'this kernel has no events for system calls: only calls that reached a ring are seen, as with --light',
    );
  }
  if (!pidNamespaceInitial) note('in a container with its own process ids: TID is as the host has it');
}

function remarkEnd(record: TraceEnd, { strict, json, ...options }: Options): void {
  const { calls, operations, incomplete, lostEvents, malformed } = record;
  if (!json) {
    const hasOperations = options.ops || options.op || options.steps;
    const parts = [
      ...(hasOperations ? [`${operations} operations`] : []),
      `${calls} calls`,
      ...(incomplete === 0 ? [] : [`${incomplete} of them incomplete`]),
      `${lostEvents} events lost`,
      ...(malformed === 0 ? [] : [`${malformed} not understood`]),
    ];
    note(parts.join(', '));
  }
  if (strict && lostEvents + malformed > 0) process.exitCode = EXIT.incomplete;
}

/** Shows records in one of three ways. */
interface Show {
  /** Resolves when the reader can take more. */
  record(record: OperationRecord): Promise<void> | undefined;
  close(): void;
}

function shown(options: Options): Show {
  const { json, summary, ops, op, steps } = options;
  const lines = new Lines();
  if (summary) return summaryShow(json ?? false, lines);
  const isOperations = ops || op || steps;
  const wanted: ReadonlySet<string> = new Set(steps ?? defaultSteps(options));
  const isShown = ({ type }: OperationRecord): boolean =>
    wanted.has(type) || !STEPS.some((step) => step === type);
  const close = (): void => void lines.flush();
  if (json) {
    return { record: (record) => (isShown(record) ? lines.add(recordToJson(record)) : undefined), close };
  }
  const table = new CallTable(process.stdout.isTTY ? process.stdout.columns : undefined);
  let startNs = 0n;
  const record = (record: OperationRecord): Promise<void> | undefined => {
    if (record.type === 'start') {
      startNs = record.monoNs;
      return lines.add(isOperations ? operationTable.header() : table.header());
    }
    if (record.type === 'lost' || record.type === 'end' || record.type === 'process') return undefined;
    if (!isShown(record)) return undefined;
    if (isOperations) return lines.add(operationTable.line(record, startNs));
    const isCall = record.type === 'register' || record.type === 'create';
    return isCall ? lines.add(table.line(record, startNs)) : undefined;
  };
  return { record, close };
}

/** Counts instead of showing calls; the counts come at the end, on a terminal also before. */
function summaryShow(json: boolean, lines: Lines): Show {
  const summary = new Summary();
  let live: LiveSummary | undefined;
  const tell = (record: OperationRecord): Promise<void> | undefined => {
    if (!json && record.type === 'start' && process.stdout.isTTY) live = new LiveSummary(summary);
    if (record.type === 'end') {
      live?.close();
      for (const line of json ? summary.json() : [summary.text()]) lines.add(line);
    }
    const isTold = record.type === 'start' || record.type === 'lost' || record.type === 'end';
    return json && isTold ? lines.add(recordToJson(record)) : undefined;
  };
  return {
    record: (record) => {
      if (record.type !== 'register' && record.type !== 'create' && record.type !== 'complete')
        return tell(record);
      summary.add(record);
      return undefined;
    },
    close: () => {
      live?.close();
      lines.flush();
    },
  };
}
