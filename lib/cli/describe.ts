/** What the commands say of themselves, as data: --help, shell completion and the manual pages have one source. */
import type { Command } from 'commander';

/** What a word of the command line is, as far as a shell can complete it. */
export type Kind = 'file' | 'pid' | 'command' | 'other';

/** An option, or the value of one. */
export interface DescribedOption {
  readonly short: string | undefined;
  readonly long: string | undefined;
  /** As in --help: `'--pid <pid>'`. */
  readonly flags: string;
  readonly description: string;
  /** Undefined where the option takes no value. */
  readonly value: Value | undefined;
}

/** The value of an option, or an argument. */
export interface Value {
  readonly name: string;
  readonly kind: Kind;
  readonly choices: readonly string[];
}

/** A command. */
export interface Described {
  readonly name: string;
  /** `'uring ps [options]'` */
  readonly usage: string;
  /** One line. */
  readonly summary: string;
  readonly description: string;
  readonly options: readonly DescribedOption[];
  readonly arguments: readonly (Value & { readonly flags: string; readonly description: string })[];
  /** What --help says at its end: exit codes, examples. */
  readonly epilogue: string;
  readonly commands: readonly Described[];
}

/** By the names that we give to values: `<pid>`, `[pids...]`, `FILE`, `[command...]`. */
function kindOf(name: string): Kind {
  if (/file|path|folder|html/i.test(name)) return 'file';
  if (/^pids?$/i.test(name)) return 'pid';
  return /^command$/i.test(name) ? 'command' : 'other';
}

function value(name: string, choices: readonly string[] | undefined): Value {
  return { name, kind: kindOf(name), choices: choices ?? [] };
}

/** commander has no list of the texts that follow. */
function epilogueOf(command: Command): string {
  let text = '';
  const { writeOut, ...others } = command.configureOutput();
  command.configureOutput({
    ...others,
    writeOut: (piece) => {
      text += piece;
    },
  });
  command.outputHelp();
  command.configureOutput({ ...others, ...(writeOut && { writeOut }) });
  const help = command.helpInformation();
  return text.startsWith(help) ? text.slice(help.length).trim() : '';
}

/** Describes a command, and those below it. */
export function describe(command: Command): Described {
  const help = command.createHelp();
  const names = [command.name()];
  for (let each = command.parent; each !== null; each = each.parent) names.unshift(each.name());
  return {
    name: command.name(),
    usage: `${names.join(' ')} ${command.usage()}`,
    summary: command.summary() || command.description().replace(/\.$/, ''),
    description: command.description(),
    options: help.visibleOptions(command).map((option) => {
      const named = /[<[]([^\]>.]+)/.exec(option.flags)?.[1];
      return {
        short: option.short,
        long: option.long,
        flags: option.flags,
        description: help.optionDescription(option),
        value: named === undefined ? undefined : value(named, option.argChoices),
      };
    }),
    arguments: command.registeredArguments.map((argument) => ({
      ...value(argument.name(), argument.argChoices),
      flags: `${argument.required ? '<' : '['}${argument.name()}${argument.variadic ? '...' : ''}${argument.required ? '>' : ']'}`,
      description: argument.description,
    })),
    epilogue: epilogueOf(command),
    commands: help.visibleCommands(command).map(describe),
  };
}
