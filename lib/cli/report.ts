/** `uring report`: one page of a host at a moment, to attach to a ticket. */
import { arch, hostname } from 'node:os';
import { Command } from 'commander';
import { kernelRelease } from '../sys/host.ts';
import { parseKib, parseSeconds } from './arguments.ts';
import { callToObject } from './call.ts';
import { diagnosisToJson } from './doctor.ts';
import { withCommand } from './following.ts';
import { counted, EXIT, Failure, note, print, toJson, visible, writeTo } from './kit.ts';
import type { Launched } from './launch.ts';
import { Live } from './live.ts';
import { localUsers, ringToJson } from './ps.ts';
import { type Observed, observe, type Progress } from './report-data.ts';
import { reportPage } from './report-page.ts';
import { accountToJson } from './top.ts';
import { setupToObject } from './trace-lines.ts';
import { findingToJson } from './watch.ts';

/** What the command line says. */
interface Options {
  readonly html?: string;
  readonly json?: boolean;
  readonly duration?: number;
  readonly full?: boolean;
  readonly bufferKb?: number;
  readonly strict?: boolean;
}

/** A moment. */
const DEFAULT_SECONDS = 1;
/** Who waits longer is told how it goes on. */
const LONG_SECONDS = 2;

/** Makes the command. */
export function makeCommand(): Command {
  return new Command('report')
    .description(
      'Writes one page of this host: whether io_uring works, the rings and who has them, what they do and how long it takes, register calls, and what rules say of it. As root it sees all; others see their own rings.',
    )
    .argument(
      '[command...]',
      'run this, and look at its operations and calls until it ends; its output goes to stderr',
    )
    .passThroughOptions()
    .option('--html <file>', 'write the page there; - is stdout')
    .option('--json', 'print the same as one object for programs')
    .option('--duration <seconds>', 'look for so long (1, or until the command ends)', parseSeconds)
    .option('--full', 'also see register calls that reach no ring; all system calls get slower')
    .option('--buffer-kb <kib>', "the kernel's buffer for each cpu", parseKib)
    .option('--strict', 'exit with 5 when something could not be seen')
    .addHelpText(
      'after',
      `
The page is one file without scripts: attach it to a ticket. It names processes,
their programs and users, and this host.

An operation costs the program that makes it up to 0.5 us more of CPU time while
it looks. Findings are those of "uring watch", of all processes.

Exits with 0 when it was written, also where io_uring does not work; 3 where
neither rings nor operations may be seen (then only the doctor is in it), 5 with
--strict when something could not be seen.

Examples:
  uring report --html report.html --duration 30
  uring report --html - | gzip > report.html.gz
  uring report --html report.html -- ./server --selftest
  uring report --json | jq '.findings[].title'`,
    )
    .action(run);
}

async function run(words: readonly string[], options: Options): Promise<void> {
  if (options.html === undefined && !options.json) {
    throw new Failure(EXIT.usage, 'report', 'nothing is to be written', 'give --html FILE, or --json');
  }
  await withCommand('report', words, (command) => write(command, options));
}

/** Tells how it goes on, where that takes longer than a person waits without a word. */
function progressOf(seconds: number | undefined): { readonly tell: Progress; readonly close: () => void } {
  if (seconds !== undefined && seconds <= LONG_SECONDS) return { tell: () => {}, close: () => {} };
  const whole = seconds === undefined ? '' : ` of ${seconds}`;
  if (!process.stderr.isTTY) {
    note(`looking ${seconds === undefined ? 'until the command ends' : `for ${seconds} seconds`}`);
    return { tell: () => {}, close: () => {} };
  }
  const line = new Live(process.stderr);
  return {
    tell: (passed, findings) => {
      line.show(
        `looking: ${Math.round(passed)}${whole} seconds, ${counted(findings, 'finding')} (ctrl-c ends it now)`,
      );
    },
    close: () => line.clear(),
  };
}

async function write(command: Launched | undefined, options: Options): Promise<void> {
  const { html, json, full = false, bufferKb, strict } = options;
  const seconds = options.duration ?? (command === undefined ? DEFAULT_SECONDS : undefined);
  const progress = progressOf(seconds);
  let observed: Observed;
  try {
    observed = await observe({ seconds, command, full, bufferKb }, progress.tell);
  } finally {
    progress.close();
  }
  // it tells of other users' programs
  if (html !== undefined) await writeTo(html, 'report --html', reportPage(observed), 0o600);
  if (json) await print(toJson(reportToJson(observed)));
  const { unseen, isForbidden } = observed;
  for (const each of unseen) note(`not seen: ${visible(each)}`);
  if (isForbidden) process.exitCode = EXIT.forbidden;
  else if (strict && unseen.length > 0) process.exitCode = EXIT.incomplete;
}

function reportToJson(observed: Observed): object {
  const { date, seconds, diagnosis, rings, accounts, calls, callsLeftOut, findings, who } = observed;
  const known = { users: localUsers(), who };
  return {
    ...{ v: 1, type: 'report', ts: date.toISOString() },
    ...{ host: hostname(), kernel: kernelRelease, arch: arch() },
    duration_ns: Math.round(seconds * 1e9),
    traced: accounts !== undefined,
    counted: accounts?.counted,
    lost_events: observed.lostEvents,
    unseen: observed.unseen,
    doctor: diagnosisToJson(diagnosis),
    rings: rings.map((row) => ringToJson(row, known)),
    operations: (accounts?.operations ?? []).map((account) => accountToJson(account, 'total')),
    calls: calls.map((call) => (call.type === 'register' ? callToObject(call) : setupToObject(call))),
    calls_left_out: callsLeftOut,
    findings: findings.map(findingToJson),
  };
}
