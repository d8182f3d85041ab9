/** `uring completion`: what a shell needs to complete the command, made from what --help says. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Argument, Command, Option } from 'commander';
import { type Described, type DescribedOption, describe, type Value } from './describe.ts';
import { print } from './kit.ts';
import { manualPages } from './man.ts';

/** A word in single quotes, for bash and zsh. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function namesOf({ short, long }: DescribedOption): string[] {
  return [short, long].filter((name) => name !== undefined);
}

// ---- bash ---------------------------------------------------------------------------------------------------------

/** What to offer for a value. */
function bashWords({ kind, choices }: Value): string {
  if (choices.length > 0) return `words=${quoted(choices.join(' '))}`;
  if (kind === 'pid') return 'words=$(cd /proc && echo [0-9]*)';
  if (kind === 'command') return 'words=$(compgen -c)';
  return kind === 'file' ? 'compopt -o default; return' : 'return';
}

function* bashLines(root: Described): Generator<string> {
  const commands = root.commands.map(({ name }) => name);
  yield `# bash completion of ${root.name}; made by: ${root.name} completion bash`;
  yield `_${root.name}() {`;
  yield `  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} command= words= i`;
  yield '  COMPREPLY=()';
  yield '  for ((i = 1; i < COMP_CWORD; i++)); do';
  yield `    case \${COMP_WORDS[i]} in ${commands.join('|')}) command=\${COMP_WORDS[i]}; break ;; esac`;
  yield '  done';
  yield '  case $command/$before in';
  for (const each of root.commands) {
    for (const option of each.options) {
      if (option.value === undefined) continue;
      const patterns = namesOf(option).map((name) => `${each.name}/${name}`);
      yield `    ${patterns.join('|')}) ${bashWords(option.value)} ;;`;
    }
  }
  yield '  esac';
  yield '  if [[ -z $words ]]; then';
  yield '    case $command/$current in';
  for (const each of [root, ...root.commands]) {
    const name = each === root ? '' : each.name;
    yield `      ${name}/-*) words=${quoted(each.options.flatMap(namesOf).join(' '))} ;;`;
    const [argument] = each.arguments;
    if (each === root) yield `      /*) words=${quoted(commands.join(' '))} ;;`;
    else if (each.name === 'help') yield `      help/*) words=${quoted(commands.join(' '))} ;;`;
    else if (argument !== undefined) yield `      ${name}/*) ${bashWords(argument)} ;;`;
  }
  yield '    esac';
  yield '  fi';
  yield '  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")';
  yield '}';
  yield `complete -F _${root.name} ${root.name}`;
}

// ---- zsh ----------------------------------------------------------------------------------------------------------

/** Text inside of a specification of _arguments. */
function zshText(text: string): string {
  return text.replaceAll(/[[\]:\\]/g, '\\$&').replaceAll(/\s+/g, ' ');
}

function zshAction({ kind, choices }: Value): string {
  if (choices.length > 0) return `(${choices.join(' ')})`;
  if (kind === 'command') return '_command_names -e';
  return { file: '_files', pid: '_pids', other: ' ' }[kind];
}

function zshOption(option: DescribedOption): string {
  const names = namesOf(option);
  const text = `[${zshText(option.description)}]`;
  const { value } = option;
  const action = value === undefined ? '' : `:${zshText(value.name)}:${zshAction(value)}`;
  if (names.length === 1) return quoted(`${names.join('')}${text}${action}`);
  return `'(${names.join(' ')})'{${names.join(',')}}${quoted(text + action)}`;
}

function* zshLines(root: Described): Generator<string> {
  yield `#compdef ${root.name}`;
  yield `# zsh completion of ${root.name}; made by: ${root.name} completion zsh`;
  yield `_${root.name}() {`;
  yield '  local context state state_descr line';
  yield '  typeset -A opt_args';
  yield '  local -a commands';
  yield '  commands=(';
  for (const { name, summary } of root.commands) {
    yield `    ${quoted(`${name}:${summary.replaceAll(':', '\\:')}`)}`;
  }
  yield '  )';
  yield `  _arguments -C ${root.options.map(zshOption).join(' ')} '1:command:->command' '*::argument:->argument'`;
  yield '  case $state in';
  yield '    command) _describe command commands ;;';
  yield '    argument)';
  yield '      case $words[1] in';
  for (const { name, options, arguments: args } of root.commands) {
    const places = args.map((argument) => quoted(`*:${zshText(argument.name)}:${zshAction(argument)}`));
    const all = name === 'help' ? [`"1:command:(\${commands%%:*})"`] : [...options.map(zshOption), ...places];
    yield `        ${name})`;
    yield `          _arguments ${all.join(' \\\n            ')} ;;`;
  }
  yield '      esac ;;';
  yield '  esac';
  yield '}';
  yield `if [ "$funcstack[1]" = _${root.name} ]; then _${root.name} "$@"; else compdef _${root.name} ${root.name}; fi`;
}

// ---- fish ---------------------------------------------------------------------------------------------------------

/** A word in single quotes, for fish. */
function fishQuoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&').replaceAll(/\s+/g, ' ')}'`;
}

function fishValue({ kind, choices }: Value): string {
  if (choices.length > 0) return `-a ${fishQuoted(choices.join(' '))}`;
  if (kind === 'file') return '-F';
  return { pid: "-a '(__fish_complete_pids)'", command: "-a '(__fish_complete_command)'", other: '' }[kind];
}

function fishOption({ short, long, description, value }: DescribedOption): string {
  return [
    ...(short === undefined ? [] : [`-s ${short.replace(/^-/, '')}`]),
    ...(long === undefined ? [] : [`-l ${long.replace(/^--/, '')}`]),
    ...(value === undefined ? [] : [`-r ${fishValue(value)}`]),
    `-d ${fishQuoted(description)}`,
  ].join(' ');
}

function* fishLines(root: Described): Generator<string> {
  const line = (when: string, what: string) => `complete -c ${root.name} -n ${when} ${what}`.trimEnd();
  yield `# fish completion of ${root.name}; made by: ${root.name} completion fish`;
  yield `complete -c ${root.name} -f`;
  for (const option of root.options) yield line('__fish_use_subcommand', fishOption(option));
  for (const { name, summary } of root.commands) {
    yield line('__fish_use_subcommand', `-a ${name} -d ${fishQuoted(summary)}`);
  }
  for (const { name, options, arguments: args } of root.commands) {
    const when = `'__fish_seen_subcommand_from ${name}'`;
    for (const option of options) yield line(when, fishOption(option));
    for (const argument of args) {
      const offer = fishValue(argument);
      if (offer !== '') yield line(when, offer);
    }
    if (name === 'help')
      yield line(when, `-a ${fishQuoted(root.commands.map((each) => each.name).join(' '))}`);
  }
}

// ---- the command --------------------------------------------------------------------------------------------------

const SHELLS = {
  bash: { file: 'uring.bash', lines: bashLines },
  zsh: { file: '_uring', lines: zshLines },
  fish: { file: 'uring.fish', lines: fishLines },
} as const;

function isShell(name: string): name is keyof typeof SHELLS {
  return Object.hasOwn(SHELLS, name);
}

function script(shell: keyof typeof SHELLS, root: Described): string {
  return [...SHELLS[shell].lines(root)].join('\n');
}

/** What packages install: scripts for every shell, and a manual page for each command. */
function writeAll(folder: string, root: Described): void {
  const files = new Map<string, string>(manualPages(root));
  for (const [shell, { file }] of Object.entries(SHELLS)) {
    if (isShell(shell)) files.set(join('completions', file), script(shell, root));
  }
  for (const [path, text] of files) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), `${text}\n`);
  }
}

/**
 * Makes the command.
 * @param whole the program with every command made
 */
export function makeCommand(whole: () => Promise<Command>): Command {
  return new Command('completion')
    .description(
      'Prints what a shell needs to complete this command: its commands, options and their values.',
    )
    .addArgument(new Argument('<shell>', 'which one').choices(Object.keys(SHELLS)))
    .addOption(new Option('--write <folder>', 'write what packages install').hideHelp())
    .addHelpText(
      'after',
      `
Exits with 0; 2 for wrong usage.

Examples:
  $ source <(uring completion bash)      in ~/.bashrc
  $ uring completion zsh > "\${fpath[1]}/_uring"
  $ uring completion fish > ~/.config/fish/completions/uring.fish`,
    )
    .action(async (shell: string, { write }: { readonly write?: string }) => {
      const root = describe(await whole());
      if (write !== undefined) writeAll(write, root);
      else if (isShell(shell)) await print(script(shell, root));
    });
}
