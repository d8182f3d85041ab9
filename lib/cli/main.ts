#!/usr/bin/env node
/** The `uring` command: a thin shell over `uring/host` and `uring`. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { EXIT, endQuietlyWithoutReader, Failure } from './kit.ts';

/** The commands in the order of --help. Each module makes its Command and formats; the work is done by the library. */
const COMMANDS: readonly (() => Promise<Command>)[] = [];

function version(): string {
  for (const path of ['../../package.json', '../../../package.json']) {
    try {
      const found: unknown = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
      if (typeof found === 'object' && found !== null && 'version' in found) return String(found.version);
    } catch {}
  }
  return 'unknown';
}

async function program(): Promise<Command> {
  const root = new Command('uring')
    .description('See io_uring on this host.')
    .version(version())
    .enablePositionalOptions();
  for (const load of COMMANDS) root.addCommand(await load());
  for (const each of [root, ...root.commands]) each.exitOverride();
  return root;
}

/** Commander has told what is wrong with the usage; asking for help is no error. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof Failure) {
    process.stderr.write(`uring: ${error.message}\n`);
    return error.exitCode;
  }
  throw error;
}

endQuietlyWithoutReader();
program()
  .then((root) => root.parseAsync())
  .catch((error: unknown) => {
    process.exitCode = exitCodeOf(error);
  });
