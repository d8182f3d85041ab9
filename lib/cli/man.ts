/** Manual pages, made from what --help says: one for the command, one for each of its commands. */
import type { Described } from './describe.ts';

/** Text as roff takes it: nothing in it is a request, hyphens can be copied. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/^(?=[.'])/gm, '\\&');
}

function bold(text: string): string {
  return `\\fB${roff(text)}\\fR`;
}

/** `--pid <pid>`: what is typed bold, what is put in its place in italics. */
function flags(text: string): string {
  return text.replaceAll(/([<[][^\]>]*[\]>])|([^<[\]>]+)/g, (_, value?: string, literal = '') =>
    value === undefined ? bold(literal) : `\\fI${roff(value)}\\fR`,
  );
}

/** The page of `uring` is uring(1), that of `uring ps` uring-ps(1), as git has it. */
function nameOf(root: Described, command: Described): string {
  return command === root ? root.name : `${root.name}-${command.name}`;
}

/** The end of --help: paragraphs as they are, examples with their columns. */
function* epilogueLines(text: string): Generator<string> {
  for (const block of text.split(/\n{2,}/)) {
    const [first = '', ...rest] = block.split('\n');
    const isList = [first, ...rest].some((line) => /^\s|\S {2,}\S/.test(line));
    const title = isList ? /^(\w[\w ]*):$/.exec(first)?.[1] : undefined;
    if (title !== undefined) yield `.SH ${roff(title.toUpperCase())}`;
    else yield '.PP';
    const lines = title === undefined ? [first, ...rest] : rest;
    if (isList) yield* ['.nf', ...lines.map(roff), '.fi'];
    else yield lines.map(roff).join('\n');
  }
}

function* pageLines(root: Described, command: Described): Generator<string> {
  const name = nameOf(root, command);
  yield `.TH ${roff(name.toUpperCase())} 1 "" "${roff(root.name)}" "User Commands"`;
  yield '.SH NAME';
  yield `${roff(name)} \\- ${roff(command.summary)}`;
  yield '.SH SYNOPSIS';
  yield flags(command.usage);
  yield '.SH DESCRIPTION';
  yield roff(command.description);
  if (command.commands.length > 0) yield '.SH COMMANDS';
  for (const each of command.commands) yield* ['.TP', bold(each.name), roff(each.summary)];
  if (command.arguments.length > 0) yield '.SH ARGUMENTS';
  for (const each of command.arguments)
    yield* ['.TP', flags(each.flags), roff(each.description || each.name)];
  yield '.SH OPTIONS';
  for (const each of command.options) yield* ['.TP', flags(each.flags), roff(each.description)];
  if (command.epilogue !== '') yield* epilogueLines(command.epilogue);
  yield '.SH SEE ALSO';
  const others = [root, ...root.commands].filter((each) => each !== command && each.name !== 'help');
  const pages = command === root ? others : [root];
  yield `${[...pages.map((each) => `${bold(nameOf(root, each))}(1)`), `${bold('io_uring')}(7)`].join(',\n')}`;
}

/** Each page by its path: `'man/uring-ps.1'`. */
export function manualPages(root: Described): [path: string, text: string][] {
  return [root, ...root.commands]
    .filter(({ name }) => name !== 'help')
    .map((command) => [`man/${nameOf(root, command)}.1`, [...pageLines(root, command)].join('\n')]);
}
