/** `uring decode`: calls of io_uring_register(2) in what other tools wrote. */
import { Command, Option } from 'commander';
import type { SeccompEvent } from '../host/decode/records.ts';
import { type DecodedRecord, type DecodeStats, decode, type LogFormat } from '../host/decode.ts';
import { callToJson, callToText, rfc3339, whoText } from './call.ts';
import { EXIT, note, print, stopped, toJson, visible } from './kit.ts';

/** What the command line says. */
interface Options {
  readonly from: 'auto' | 'trace' | Exclude<LogFormat, 'ftrace'>;
  readonly json?: boolean;
  readonly strict?: boolean;
  readonly all?: boolean;
}

/** Makes the command. */
export function decodeCommand(): Command {
  return new Command('decode')
    .description(
      'Reads on stdin what Tracee, strace, auditd or the kernel (tracefs) wrote, and prints the calls of io_uring_register(2) in it.',
    )
    .addOption(
      new Option('--from <format>', 'what the lines are; auto finds it out for each')
        .choices(['auto', 'tracee', 'strace', 'audit', 'trace'])
        .default('auto'),
    )
    .option('--json', 'one object for each call, as uring trace --json has them')
    .option('--all', 'pass the other lines through')
    .option('--strict', 'exit with 5 when a line that names io_uring_register could not be read')
    .addHelpText(
      'after',
      `
A call whose begin or end is not in the log is "incomplete". strace tells a tid
and no pid. What a seccomp filter did to a call is shown where the kernel logged
it. At the end stderr tells what was read.

Examples:
  tracee --events io_uring_register --output json | uring decode
  strace -f -e trace=io_uring_register ./server 2>&1 | uring decode --all
  ausearch --raw --syscall 427 | uring decode --json | jq 'select(.errno)'
  cat /sys/kernel/tracing/instances/mine/trace_pipe | uring decode --from trace`,
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

async function run({ from, json = false, strict, all = false }: Options): Promise<void> {
  if (process.stdin.isTTY)
    note('decode reads standard input: pipe a log into it (see "uring decode --help")');
  const decoding = decode(input(), { from: from === 'trace' ? 'ftrace' : from, all });
  let firstMalformed: number | undefined;
  for await (const record of decoding) {
    if (record.type === 'malformed') firstMalformed ??= record.line;
    if (record.type === 'malformed' && !all) continue;
    await print(json ? jsonOf(record) : textOf(record));
    if (stopped.aborted) return;
  }
  const { stats } = decoding;
  note(summary(stats, all, firstMalformed));
  if (strict && stats.malformed + stats.lostEvents > 0) process.exitCode = EXIT.incomplete;
}

function jsonOf(record: DecodedRecord): string {
  if (record.type === 'register') return callToJson(record);
  if (record.type !== 'seccomp') return toJson({ v: 1, ...record });
  const { type, source, timeNs, pid, comm, syscall, action, signal } = record;
  return toJson({
    v: 1,
    type,
    src: source,
    ts: rfc3339(timeNs),
    pid,
    comm,
    syscall,
    action: action && `SECCOMP_RET_${action}`,
    signal,
  });
}

function textOf(record: DecodedRecord): string {
  if (record.type === 'register') return callToText(record);
  if (record.type === 'seccomp') return seccompText(record);
  return process.stdout.isTTY ? visible(record.text) : record.text;
}

function seccompText(event: SeccompEvent): string {
  const { syscall, action = 'unknown action' } = event;
  const what = action.startsWith('KILL') ? 'killed by seccomp' : `seccomp ${action}`;
  return visible(`${syscall}: ${what}  # ${whoText({ pid: event.pid, comm: event.comm })}`);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function summary(stats: DecodeStats, all: boolean, firstMalformed: number | undefined): string {
  const { lines, other, malformed, calls, incomplete, seccomp, lostEvents } = stats;
  const parts = [`${counted(calls, 'call')} in ${counted(lines, 'line')}`];
  if (incomplete > 0) parts.push(`${incomplete} incomplete`);
  if (seccomp > 0) parts.push(`${counted(seccomp, 'record')} of seccomp`);
  if (other > 0) parts.push(`${counted(other, 'other line')} ${all ? 'passed through' : 'dropped'}`);
  if (malformed > 0) parts.push(`${malformed} not readable, the first is line ${firstMalformed}`);
  if (lostEvents > 0) parts.push(`the trace lost ${counted(lostEvents, 'event')}`);
  return parts.join('; ');
}
