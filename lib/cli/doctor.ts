/** `uring doctor`: whether io_uring works here, and what is in the way. */
import { Command } from 'commander';
import { type Check, type CheckStatus, type Diagnosis, diagnose } from '../host/diagnose.ts';
import { EXIT, paint, print, toJson, visible } from './kit.ts';
import { wrapped } from './table.ts';

/** What the command line says. */
interface Options {
  readonly json?: boolean;
  readonly observe?: boolean;
}

const MARKS: { readonly [status in CheckStatus]: string } = {
  ok: paint.green('ok  '),
  warn: paint.yellow('warn'),
  fail: paint.red('fail'),
  unknown: paint.dim('?   '),
};
/** Two columns before the evidence. */
const INDENT = '                ';

function* checkLines({ name, status, evidence, fix }: Check, width: number): Generator<string> {
  const [first = '', ...more] = wrapped(visible(evidence), width - INDENT.length);
  yield `${MARKS[status]}  ${name.padEnd(INDENT.length - 6)}${first}`;
  for (const line of more) yield INDENT + line;
  if (fix === undefined) return;
  for (const line of wrapped(`fix: ${visible(fix)}`, width - INDENT.length)) yield INDENT + paint.cyan(line);
}

function* reportLines({ usable, verdict, checks }: Diagnosis, width: number): Generator<string> {
  const colour = usable === undefined ? paint.yellow : usable ? paint.green : paint.red;
  // a program takes the first line for the verdict
  const lines = process.stdout.isTTY ? wrapped(visible(verdict), width) : [visible(verdict)];
  for (const line of lines) yield colour(paint.bold(line));
  yield '';
  for (const check of checks) yield* checkLines(check, width);
}

function widthHere(): number {
  return Math.min(Math.max(process.stdout.columns ?? 80, 40), 100);
}

/** What `--json` prints. */
export function diagnosisToJson({ usable, cause, fix, verdict, checks }: Diagnosis): object {
  const rows = checks.map((check) => ({ ...check, fix: check.fix }));
  return { v: 1, usable, cause, fix, verdict, checks: rows };
}

function exitCodeOf({ usable }: Diagnosis): number {
  if (usable === undefined) return EXIT.forbidden;
  return usable ? EXIT.ok : EXIT.failed;
}

async function run({ json, observe = false }: Options): Promise<void> {
  const diagnosis = await diagnose({ observe });
  process.exitCode = exitCodeOf(diagnosis);
  const lines = json ? [toJson(diagnosisToJson(diagnosis))] : reportLines(diagnosis, widthHere());
  for (const line of lines) await print(line);
}

/** Makes the command. */
export function makeCommand(): Command {
  return new Command('doctor')
    .description(
      'Tells whether io_uring works here, and what is in the way: the kernel, seccomp, a sysctl, a security module, a ' +
        'limit. Nothing on the host is changed: system calls are tried in a process of their own.',
    )
    .option('--json', 'one object for programs')
    .option('--observe', 'also what "uring trace" and "uring ps" need')
    .addHelpText(
      'after',
      `
Exits with 0 where io_uring works (warnings allowed), 1 where it does not, 3
where that can't be told.

Examples:
  $ uring doctor                         the first line is the verdict
  $ uring doctor --json | jq -r .cause   the cause: "seccomp", "memlock"
  $ uring doctor --observe               can "uring trace" and "uring ps" work?`,
    )
    .action(run);
}
