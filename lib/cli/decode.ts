/** `uring decode`: calls of io_uring in what other tools wrote. */
import { createReadStream } from 'node:fs';
import { Command, Option } from 'commander';
import type { DecodedRecord, DecodeStats } from '../host/decode/decoded.ts';
import { decode, FORMATS, type LogFormat } from '../host/decode.ts';
import { callToJson, callToText } from './call.ts';
import { asFailure, counted, EXIT, note, print, stopped, toJson, visible } from './kit.ts';
import { loggedToJson, loggedToText } from './logged.ts';

/** What the command line says. */
interface Options {
  readonly from: 'auto' | 'trace' | LogFormat;
  readonly json?: boolean;
  readonly strict?: boolean;
  readonly all?: boolean;
  readonly enter?: boolean;
}

/** Makes the command. */
export function makeCommand(): Command {
  return new Command('decode')
    .description(
      'Reads logs of other tools, from files or stdin, and prints the calls of io_uring in them: Tracee, strace, auditd ' +
        'and ausearch, tracefs, trace-cmd, perf, bpftrace, Tetragon, Falco, sysdig, auditbeat, osquery, kunai.',
    )
    .argument('[files...]', 'the logs, one after another; - is stdin')
    .addOption(
      new Option('--from <format>', 'what the lines are; auto finds it out for each')
        .choices([...FORMATS, 'trace'])
        .default('auto'),
    )
    .option('--enter', 'calls of io_uring_enter(2), too: there may be very many')
    .option('--json', 'one object for each call, as uring trace --json has them')
    .option('--all', 'pass the other lines through')
    .option('--strict', 'exit with 5 when a line that names io_uring_register could not be read')
    .addHelpText(
      'after',
      `
Lines may stand in what Docker, CRI, journald, syslog, kubectl or a CI put
around them, in arrays, in JSON over many lines. A call whose begin or end is
not in the log is "incomplete". strace tells only a tid. What a seccomp filter
did to a call is shown where the log tells it. stderr tells what was read.

Exits with 0 when the logs were read to their end, 1 when one can't be read, 2
for wrong usage, 3 when one may not be read, 5 with --strict when a line that
names io_uring_register was not readable, or events were lost.

Examples:
  tracee --events io_uring_register --output json | uring decode
  strace -f -e trace=io_uring_register ./server 2>&1 | uring decode --all
  ausearch --raw --syscall 427 | uring decode --json | jq 'select(.errno)'
  perf script | uring decode; trace-cmd report | uring decode
  uring decode --strict /var/log/containers/tracee-*.log
  bpftrace -e 't:syscalls:sys_enter_io_uring_register {
      printf("%s %d/%d %s: fd=%d opcode=%d arg=%p nr_args=%d\\n", comm, pid, tid,
        probe, args->fd, args->opcode, args->arg, args->nr_args); }
    t:syscalls:sys_exit_io_uring_register {
      printf("%s %d/%d %s: ret=%d\\n", comm, pid, tid, probe, args->ret); }' |
    uring decode`,
    )
    .action(run);
}

/** So long after Ctrl-C, which goes to the whole pipeline, we wait for the last words of what writes to us. */
const LAST_WORDS_MS = 1000;

/** Standard input until it ends, or a signal ends it. */
async function* input(): AsyncGenerator<Uint8Array> {
  const { stdin } = process;
  let isEnded = false;
  const end = (): void => {
    isEnded = true;
    stdin.destroy();
  };
  process.once('SIGINT', () => setTimeout(end, LAST_WORDS_MS).unref());
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.once(signal, end);
  stopped.addEventListener('abort', end);
  try {
    for await (const chunk of stdin) yield chunk;
  } catch (error) {
    // so ends a stream that is destroyed
    if (!isEnded) throw error;
  }
}

/** Large pieces: with those of 64 KiB, reading takes longer than looking. */
const PIECE_BYTES = 2 ** 20;

/** A file's bytes. */
async function* contents(path: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: PIECE_BYTES })) yield chunk;
  } catch (error) {
    throw asFailure(error, `decode ${visible(path)}`) ?? error;
  }
}

/** What is counted over all logs, and the first line that was not readable. */
interface Sum {
  stats: DecodeStats | undefined;
  firstMalformed: string | undefined;
}

const COUNTS = [
  ...(['lines', 'used', 'other', 'malformed', 'calls', 'setups', 'enters'] as const),
  ...(['incomplete', 'operations', 'seccomp', 'lostEvents'] as const),
] satisfies readonly (keyof DecodeStats)[];

function added(sum: DecodeStats | undefined, stats: DecodeStats): DecodeStats {
  if (sum === undefined) return stats;
  const all = { ...sum };
  for (const name of COUNTS) all[name] += stats[name];
  return all;
}

async function readOne(path: string, isOnly: boolean, options: Options, sum: Sum): Promise<void> {
  const { from, json = false, all = false, enter = false } = options;
  const source = path === '-' ? input() : contents(path);
  const decoding = decode(source, { from: from === 'trace' ? 'ftrace' : from, all });
  for await (const record of decoding) {
    if (record.type === 'malformed') {
      sum.firstMalformed ??= `line ${record.line}${isOnly ? '' : ` of ${visible(path)}`}`;
      if (!all) continue;
    }
    if (record.type === 'enter' && !enter) continue;
    await print(json ? jsonOf(record) : textOf(record));
    if (stopped.aborted) return;
  }
  sum.stats = added(sum.stats, decoding.stats);
}

async function run(files: readonly string[], options: Options): Promise<void> {
  const paths = files.length === 0 ? ['-'] : files;
  if (paths.includes('-') && process.stdin.isTTY)
    note('decode reads standard input: pipe a log into it (see "uring decode --help")');
  const sum: Sum = { stats: undefined, firstMalformed: undefined };
  for (const path of paths) await readOne(path, paths.length === 1, options, sum);
  const { stats } = sum;
  if (stats === undefined || stopped.aborted) return;
  note(summary(stats, options, sum.firstMalformed));
  if (options.strict && stats.malformed + stats.lostEvents > 0) process.exitCode = EXIT.incomplete;
}

function jsonOf(record: DecodedRecord): string {
  if (record.type === 'register') return callToJson(record);
  if (record.type === 'malformed' || record.type === 'other') return toJson({ v: 1, ...record });
  return loggedToJson(record);
}

function textOf(record: DecodedRecord): string {
  if (record.type === 'register') return callToText(record);
  if (record.type !== 'malformed' && record.type !== 'other') return loggedToText(record);
  return process.stdout.isTTY ? visible(record.text) : record.text;
}

function summary(stats: DecodeStats, { all, enter }: Options, firstMalformed: string | undefined): string {
  const { lines, other, malformed, calls, setups, enters, incomplete, operations, seccomp, lostEvents } =
    stats;
  const parts = [`${counted(calls, 'call')} in ${counted(lines, 'line')}`];
  if (setups > 0) parts.push(`${setups} of io_uring_setup`);
  if (enters > 0) parts.push(`${enters} of io_uring_enter${enter ? '' : ' not shown (--enter)'}`);
  if (incomplete > 0) parts.push(`${incomplete} incomplete`);
  if (operations > 0) parts.push(counted(operations, 'operation'));
  if (seccomp > 0) parts.push(`${counted(seccomp, 'record')} of seccomp`);
  if (other > 0) parts.push(`${counted(other, 'other line')} ${all ? 'passed through' : 'dropped'}`);
  if (malformed > 0) parts.push(`${malformed} not readable, the first is ${firstMalformed}`);
  if (lostEvents > 0) parts.push(`the trace lost ${counted(lostEvents, 'event')}`);
  return parts.join('; ');
}
