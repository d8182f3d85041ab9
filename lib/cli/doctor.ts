/** `uring doctor`: whether io_uring works here, and what is in the way. */
import { Command } from 'commander';
import { type Check, type CheckStatus, type Diagnosis, diagnose } from '../host/diagnose.ts';
import { EXIT, paint, print, toJson, visible } from './kit.ts';

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

/** The text in lines of at most `width` characters; longer words stay whole. */
function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last === '') lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function* checkLines({ name, status, evidence, fix }: Check, width: number): Generator<string> {
  const [first = '', ...more] = wrap(visible(evidence), width - INDENT.length);
  yield `${MARKS[status]}  ${name.padEnd(INDENT.length - 6)}${first}`;
  for (const line of more) yield INDENT + line;
  if (fix === undefined) return;
  for (const line of wrap(`fix: ${visible(fix)}`, width - INDENT.length)) yield INDENT + paint.cyan(line);
}

function* reportLines({ usable, verdict, checks }: Diagnosis, width: number): Generator<string> {
  const colour = usable === undefined ? paint.yellow : usable ? paint.green : paint.red;
  // a program takes the first line for the verdict
  const lines = process.stdout.isTTY ? wrap(visible(verdict), width) : [visible(verdict)];
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
export function doctorCommand(): Command {
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
