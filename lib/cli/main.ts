#!/usr/bin/env node
/** The `uring` command: a thin shell over `uring/host` and `uring`. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { asFailure, EXIT, endQuietlyWithoutReader, note, visible } from './kit.ts';

/** A module that makes a Command, and formats; the work is done by the library. */
interface Module {
  /** @param whole the program with every command made */
  makeCommand(whole: () => Promise<Command>): Command;
}

/** The commands in the order of --help. A module is loaded only where its command is asked for: the others cost nothing. */
const COMMANDS: readonly (readonly [name: string, does: string, load: () => Promise<Module>])[] = [
  ['probe', 'tells what this kernel has, and what other kernels lack', () => import('./probe.ts')],
  ['abi', 'shows the structs and constants of the kernel interface', () => import('./abi.ts')],
  ['ps', 'shows the rings of every process', () => import('./ps.ts')],
  ['decode', 'finds calls in logs of Tracee, strace, auditd, tracefs', () => import('./decode.ts')],
  ['trace', 'shows register calls and operations as they happen', () => import('./trace.ts')],
  ['top', 'shows what rings do: operations, errors, latencies', () => import('./top.ts')],
  ['latency', 'shows how long operations take, as pictures', () => import('./latency.ts')],
  ['watch', 'tells when a ring does what rings should not', () => import('./watch.ts')],
  ['report', 'writes one page of this host, to attach to a ticket', () => import('./report.ts')],
  ['doctor', 'tells whether io_uring works here, and what is in the way', () => import('./doctor.ts')],
  [
    'completion',
    'prints what bash, zsh or fish needs to complete this command',
    () => import('./completion.ts'),
  ],
];

function version(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const found: unknown = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
      if (typeof found === 'object' && found !== null && 'version' in found) return String(found.version);
    } catch {}
  }
  return 'unknown';
}

/** Commander's words for what is wrong, as one line in our form. */
function usageError(text: string, command: Command): string {
  const path = command.parent === null ? command.name() : `${command.parent.name()} ${command.name()}`;
  const where = command.parent === null ? '' : `${command.name()}: `;
  const why = text
    .trim()
    .replace(/^error: /, '')
    .replace(/\.$/, '')
    .replace(/\n\(Did/, ' (did');
  return `${where}${visible(why)}; see "${path} --help"`;
}

const EXIT_CODES = `
Exits with 0 when it was done, 1 when it failed or the verdict is no, 2 for
wrong usage, 3 where it is not permitted, 4 where it can't be had here, 5 with
--strict when not everything was seen. The --help of each command says more.`;

async function program(words: readonly string[]): Promise<Command> {
  const root = new Command('uring')
    .description('See io_uring on this host.')
    .version(version())
    .enablePositionalOptions()
    .addHelpText('after', EXIT_CODES);
  for (const [name, does, load] of COMMANDS) {
    const command = words.includes(name) ? (await load()).makeCommand(whole) : new Command(name);
    root.addCommand(command.summary(does));
  }
  for (const each of [root, ...root.commands]) {
    each.exitOverride().configureOutput({ outputError: (text) => note(usageError(text, each)) });
  }
  return root;
}

/** Tells what went wrong, if nobody has, in one line. What we did not expect keeps its stack. */
function exitCodeOf(error: unknown): number {
  // commander has told it already; asking for help is no error
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const failure = asFailure(error);
  if (failure === undefined) throw error;
  note(failure.message);
  return failure.exitCode;
}

/** With every command made. */
function whole(): Promise<Command> {
  return program(COMMANDS.map(([name]) => name));
}

endQuietlyWithoutReader();
const words = process.argv.slice(2);
program(words)
  .then((root) => root.parseAsync(words, { from: 'user' }))
  .catch((error: unknown) => {
    process.exitCode = exitCodeOf(error);
  });
