/** `uring trace`: register calls of every process, as they happen. */
import { Command, InvalidArgumentError } from 'commander';
import { opcodeByName } from '../host/call.ts';
import { removeStaleTraces, type Trace, type TraceRecord, type TraceStart, trace } from '../host/trace.ts';
import { asFailure, EXIT, note, print, stopped, toJson } from './kit.ts';
import { Launched } from './launch.ts';
import { CallTable, Lines, recordToJson } from './trace-lines.ts';
import { LiveSummary, Summary } from './trace-summary.ts';

/** What the command line says. */
interface Options {
  readonly pid?: number[];
  readonly comm?: string;
  readonly opcode?: number[];
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

const MAX_PID = 0x3f_ffff;
/** setTimeout takes no more. */
const MAX_SECONDS = 0x7fff_ffff / 1000;

function number(text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new InvalidArgumentError(`it is a number from ${least} to ${most}`);
}

const parsePids = (text: string): number[] => text.split(',').map((each) => number(each, 1, MAX_PID));

function parseOpcodes(text: string): number[] {
  return text.split(',').map((name) => {
    const value = opcodeByName(name);
    if (value !== undefined && value <= 0x7fff_ffff) return value;
    throw new InvalidArgumentError(
      'it is a name, such as REGISTER_BUFFERS, or a number; several with commas',
    );
  });
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && seconds > 0 && seconds <= MAX_SECONDS) return seconds;
  throw new InvalidArgumentError('it is a number of seconds above 0');
}

function parseComm(text: string): string {
  if (text.length >= 1 && text.length <= 64) return text;
  throw new InvalidArgumentError('it has 1 to 64 characters');
}

/** Makes the command. */
export function traceCommand(): Command {
  return new Command('trace')
    .description(
      "Shows io_uring_register calls of every process as they happen, by the kernel's tracing (tracefs). For root.",
    )
    .argument('[command...]', 'run this, and trace it and what it starts; its output goes to stderr')
    .passThroughOptions()
    .option('--pid <pids>', 'only these processes, and what they start', parsePids)
    .option('--comm <glob>', 'only threads of this name; * and ? stand for others', parseComm)
    .option('--opcode <names>', 'only these opcodes, by name or number', parseOpcodes)
    .option('--failed', 'only calls that failed')
    .option('--setup', 'also io_uring_setup calls')
    .option('--light', 'trace only events of io_uring itself: less is told, nobody is slowed down')
    .option('--json', 'one object per line')
    .option('--summary', 'count calls by process and opcode')
    .option('--duration <seconds>', 'end after this time', parseSeconds)
    .option('--count <calls>', 'end after so many calls', (text) => number(text, 1, 2 ** 53 - 1))
    .option('--buffer-kb <kib>', "the kernel's buffer for each cpu", (text) => number(text, 1, 1 << 20))
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

While it runs, every system call on the host takes up to 25 ns longer, but with
--light. Lost events are counted exactly: a larger --buffer-kb loses fewer.

Examples:
  uring trace --setup -- node server.js
  uring trace --failed --duration 10 --json | jq -r '[.comm, .errno] | @tsv'`,
    )
    .action(run);
}

async function run(words: readonly string[], options: Options): Promise<void> {
  let command: Launched | undefined;
  try {
    if (options.gc) return await removeLeftovers(options);
    if (words.length > 0) command = await Launched.start(words);
    await follow(command, options);
  } catch (error) {
    // it waits for a word of ours that won't come
    command?.kill();
    throw asFailure(error, 'trace') ?? error;
  }
}

async function removeLeftovers({ json }: Options): Promise<void> {
  for (const instance of await removeStaleTraces()) {
    await print(json ? toJson({ v: 1, type: 'removed', instance }) : `removed ${instance}`);
  }
}

/** Traces until something ends it, and sets the exit code. */
async function follow(command: Launched | undefined, options: Options): Promise<void> {
  const { pid = [], opcode, duration, passStatus } = options;
  const pids = command === undefined ? pid : [command.pid, ...pid];
  const { comm, failed, light, setup, bufferKb, count } = options;
  const tracing = trace({
    ...{ comm, failed, light, setup, bufferKb, count },
    opcodes: opcode,
    pids: pids.length === 0 ? undefined : pids,
  });
  const show = shown(options);
  const release = stopOnSignal(tracing);
  let timer: NodeJS.Timeout | undefined;
  try {
    for await (const record of tracing) {
      if (record.type === 'start') {
        if (duration !== undefined) timer = setTimeout(() => tracing.stop(), duration * 1000);
        command?.go();
        void command?.exited.then(() => tracing.stop());
        remarkStart(record, options);
      }
      if (record.type === 'lost') {
        note(`cpu ${record.cpu} lost ${record.events} events; a larger --buffer-kb loses fewer`);
      }
      const full = show.record(record);
      if (full !== undefined) await full;
      if (record.type === 'end') remarkEnd(record, options);
    }
  } finally {
    clearTimeout(timer);
    show.close();
  }
  const wasStopped = release();
  if (passStatus && command !== undefined && !wasStopped) process.exitCode ??= await command.exited;
  command?.leave();
}

/** A signal ends the trace in good order, and so does a reader who has seen enough; what comes back tells whether. */
function stopOnSignal(tracing: Trace): () => boolean {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  let wasStopped = false;
  const stop = (): void => {
    wasStopped = true;
    tracing.stop();
  };
  for (const signal of signals) process.once(signal, stop);
  stopped.addEventListener('abort', stop);
  if (stopped.aborted) stop();
  return () => {
    for (const signal of signals) process.off(signal, stop);
    stopped.removeEventListener('abort', stop);
    return wasStopped;
  };
}

function remarkStart({ mode, pidNamespaceInitial }: TraceStart, { light }: Options): void {
  if (mode === 'light' && !light) {
    note(
      'this kernel has no events for system calls: only calls that reached a ring are seen, as with --light',
    );
  }
  if (!pidNamespaceInitial) note('in a container with its own process ids: TID is as the host has it');
}

function remarkEnd(record: TraceRecord & { readonly type: 'end' }, { strict, json }: Options): void {
  const { calls, incomplete, lostEvents, malformed } = record;
  if (!json) {
    const parts = [
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
  record(record: TraceRecord): Promise<void> | undefined;
  close(): void;
}

function shown({ json, summary }: Options): Show {
  const lines = new Lines();
  if (summary) return summaryShow(json ?? false, lines);
  if (json) return { record: (record) => lines.add(recordToJson(record)), close: () => void lines.flush() };
  const table = new CallTable(process.stdout.isTTY ? process.stdout.columns : undefined);
  let startNs = 0n;
  return {
    record: (record) => {
      if (record.type === 'start') {
        startNs = record.monoNs;
        return lines.add(table.header());
      }
      return record.type === 'register' || record.type === 'create'
        ? lines.add(table.line(record, startNs))
        : undefined;
    },
    close: () => void lines.flush(),
  };
}

/** Counts instead of showing calls; the counts come at the end, on a terminal also before. */
function summaryShow(json: boolean, lines: Lines): Show {
  const summary = new Summary();
  let live: LiveSummary | undefined;
  const tell = (record: TraceRecord): Promise<void> | undefined => {
    if (!json && record.type === 'start' && process.stdout.isTTY) live = new LiveSummary(summary);
    if (record.type === 'end') {
      live?.close();
      for (const line of json ? summary.json() : [summary.text()]) lines.add(line);
    }
    return json ? lines.add(recordToJson(record)) : undefined;
  };
  return {
    record: (record) => {
      if (record.type !== 'register' && record.type !== 'create') return tell(record);
      summary.add(record);
      return undefined;
    },
    close: () => {
      live?.close();
      lines.flush();
    },
  };
}
