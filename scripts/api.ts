/**
 * `npm run api`: writes docs/api, a report of the public interface for each entrance, from the declarations that were
 * built: what it exports, and every declaration that those reach. `--check` compares instead, and fails when the public
 * interface is not the one that was committed.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { entrances } from './build/entrances.ts';
import { exportsOf, MODULE, moduleAt, origin, type Place, type Reached, reach } from './build/modules.ts';

const root = join(import.meta.dirname, '..');
const folder = join(root, 'docs/api');
/** Lines of the report are no longer, where they can be broken. */
const WIDTH = 116;

/** Words in as few lines as they fit into. */
function fill(words: readonly string[]): string {
  const lines = [''];
  for (const word of words) {
    const last = lines.at(-1) ?? '';
    if (last === '') lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`  ${word}`);
  }
  return lines.join('\n');
}

/** The text without the arguments of `Struct<...>` in it: each struct is declared by itself. */
function withoutStructs(text: string): string {
  const start = text.indexOf('Struct<{');
  if (start < 0) return text;
  let depth = 0;
  let end = start;
  do {
    if (text[end] === '{') depth++;
    if (text[end] === '}') depth--;
    end++;
  } while (depth > 0 || end < start + 'Struct<{'.length);
  return `${text.slice(0, start)}Struct${withoutStructs(text.slice(end + 1))}`;
}

/** A constant in few lines: values, tables and structs would take a line for each field. */
function summary(statement: string): string {
  const flat = statement
    .replaceAll(/import\(['"].*?['"]\)\./g, '')
    .replaceAll(/\breadonly (?!\[)/g, '')
    .replaceAll(/\s+/g, ' ');
  if (!statement.startsWith('export declare const') || flat.length <= WIDTH) return statement;
  const [head = '', ...rows] = flat.replaceAll(/(?<=[[,] ?)\{ value: /g, '\n{ value: ').split('\n');
  if (rows.length > 0)
    return [head, ...rows.map((row) => `  ${fill(withoutStructs(row).trim().split(' '))}`)].join('\n');
  return fill(flat.split(/(?<=[;{}]) /));
}

/** The reports, by their names. What several entrances export is in the first one's. */
function render(): Map<string, string> {
  const owners = new Map<string, string>();
  const key = ({ path, name }: Place) => `${path} ${name}`;
  const found = entrances.map(({ specifier, name }) => {
    const names = exportsOf(join(root, 'dist', `${name}.d.cts`));
    const reached: Reached = new Map();
    for (const place of names.values()) {
      reach(place, reached);
      const at = key(origin(place));
      if (!owners.has(at)) owners.set(at, specifier);
    }
    return { specifier, name, names, reached };
  });
  for (const { specifier, reached } of found)
    for (const [path, names] of reached)
      for (const name of names) {
        const at = key({ path, name });
        if (!owners.has(at)) owners.set(at, specifier);
      }
  return new Map(
    found.map(({ specifier, name, names, reached }) => {
      const parts = [
        `# ${specifier}`,
        'Made by `npm run api` from the declarations that are built.',
        fill([...names.keys()].sort().map((each) => `${each},`)).replace(/,$/, '.'),
      ];
      const modules = new Map<string, string[]>();
      for (const [path, each] of reached) {
        let module = '';
        for (const { text, code, name: word } of moduleAt(path).statements) {
          module = MODULE.exec(text)?.[1] ?? module;
          if (word === undefined || !each.has(word) || owners.get(key({ path, name: word })) !== specifier)
            continue;
          modules.set(module, [...(modules.get(module) ?? []), summary(code.replaceAll('\t', '    '))]);
        }
      }
      for (const [heading, texts] of [...modules].sort(([a], [b]) => (a < b ? -1 : 1)))
        parts.push(`## ${heading}`, `\`\`\`ts\n${texts.join('\n')}\n\`\`\``);
      const text = parts.filter((part) => part !== '').join('\n\n');
      return [`${name === 'index' ? 'uring' : name}.md`, `${text}\n`];
    }),
  );
}

function write(to: string): void {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  for (const [name, text] of render()) writeFileSync(join(to, name), text);
}

if (process.argv.includes('--check')) {
  const now = mkdtempSync(join(tmpdir(), 'uring-api-'));
  try {
    write(now);
    const { status, stdout } = spawnSync('diff', ['-ru', folder, now], { encoding: 'utf8' });
    if (status !== 0) {
      const lines = stdout.split('\n').slice(0, 60).join('\n');
      console.error(`${lines}\nthe public interface is not the one in docs/api: run npm run api`);
      process.exitCode = 1;
    } else console.log(`${readdirSync(now).length} reports are as the declarations say`);
  } finally {
    rmSync(now, { recursive: true });
  }
} else {
  write(folder);
}
