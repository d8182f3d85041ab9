#!/usr/bin/env node
/** The `uring` command: a thin shell over `uring/host` and `uring`. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { asFailure, EXIT, endQuietlyWithoutReader, note, visible } from './kit.ts';

/** A command in the list of --help. Its module makes the Command and formats; the work is done by the library. */
interface Entry {
  readonly name: string;
  readonly does: string;
  /** Called only where the command is asked for: the others cost nothing. */
  readonly load: () => Promise<Command>;
}

/** The commands in the order of --help. */
const COMMANDS: readonly Entry[] = [
  {
    name: 'probe',
    does: 'tells what this kernel has, and what other kernels lack',
    load: () => import('./probe.ts').then(({ probeCommand }) => probeCommand()),
  },
  {
    name: 'abi',
    does: 'shows the structs and constants of the kernel interface',
    load: () => import('./abi.ts').then(({ abiCommand }) => abiCommand()),
  },
  {
    name: 'ps',
    does: 'shows the rings of every process',
    load: () => import('./ps.ts').then(({ psCommand }) => psCommand()),
  },
  {
    name: 'decode',
    does: 'finds calls in logs of Tracee, strace, auditd, tracefs',
    load: () => import('./decode.ts').then(({ decodeCommand }) => decodeCommand()),
  },
  {
    name: 'trace',
    does: 'shows register calls and operations as they happen',
    load: () => import('./trace.ts').then(({ traceCommand }) => traceCommand()),
  },
  {
    name: 'top',
    does: 'shows what rings do: operations, errors, latencies',
    load: () => import('./top.ts').then(({ topCommand }) => topCommand()),
  },
  {
    name: 'latency',
    does: 'shows how long operations take, as pictures',
    load: () => import('./latency.ts').then(({ latencyCommand }) => latencyCommand()),
  },
  {
    name: 'watch',
    does: 'tells when a ring does what rings should not',
    load: () => import('./watch.ts').then(({ watchCommand }) => watchCommand()),
  },
  {
    name: 'report',
    does: 'writes one page of this host, to attach to a ticket',
    load: () => import('./report.ts').then(({ reportCommand }) => reportCommand()),
  },
  {
    name: 'doctor',
    does: 'tells whether io_uring works here, and what is in the way',
    load: () => import('./doctor.ts').then(({ doctorCommand }) => doctorCommand()),
  },
  {
    name: 'completion',
    does: 'prints what bash, zsh or fish needs to complete this command',
    load: () => import('./completion.ts').then(({ completionCommand }) => completionCommand(whole)),
  },
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
  for (const { name, does, load } of COMMANDS) {
    const command = words.includes(name) ? await load() : new Command(name);
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
  return program(COMMANDS.map(({ name }) => name));
}

endQuietlyWithoutReader();
const words = process.argv.slice(2);
program(words)
  .then((root) => root.parseAsync(words, { from: 'user' }))
  .catch((error: unknown) => {
    process.exitCode = exitCodeOf(error);
  });
