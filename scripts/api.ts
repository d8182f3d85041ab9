/**
 * `npm run api`: writes docs/api/public.md, every declaration that the package's entrances reach, from what was built.
 * `--check` compares instead, and fails when the public interface is not the one that was committed.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
const report = join(root, 'docs/api/public.md');

/** A name in a module. */
interface Place {
  readonly path: string;
  readonly name: string;
}

/** One .d.cts by its text alone: the compiler's output is regular, each statement begins in the first column. */
interface Module {
  readonly declared: Map<string, string[]>;
  readonly imported: Map<string, Place>;
  readonly exported: Map<string, Place>;
  /** Modules of which it exports all. */
  readonly stars: string[];
}

const modules = new Map<string, Module>();

function resolve(from: string, specifier: string): string {
  return join(dirname(from), specifier).replace(/(\.d)?\.c?[jt]s$/, '.d.cts');
}

function moduleAt(path: string): Module {
  const known = modules.get(path);
  if (known !== undefined) return known;
  const module: Module = { declared: new Map(), imported: new Map(), exported: new Map(), stars: [] };
  modules.set(path, module);
  const text = readFileSync(path, 'utf8').replace(/\/\*[\s\S]*?\*\/|^\/\/.*$/gm, '');
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  for (const statement of lines.join('\n').split(/\n(?=[a-z])/)) read(module, path, statement);
  return module;
}

function read(module: Module, path: string, statement: string): void {
  const [, verb, names = '', specifier] =
    /^(import|export) (?:type )?([{*][^'"]*)from ['"](.*)['"]/.exec(statement) ?? [];
  if (specifier !== undefined) {
    if (!specifier.startsWith('.')) return;
    const target = resolve(path, specifier);
    const [, namespace] = /^\* as (\w+)/.exec(names) ?? [];
    if (namespace === undefined && names.startsWith('*')) module.stars.push(target);
    const table = verb === 'import' ? module.imported : module.exported;
    if (namespace !== undefined) table.set(namespace, { path: target, name: '*' });
    for (const [, name = '', alias = name] of names.matchAll(/(?:type )?(\w+)(?: as (\w+))?(?=[ ,}])/g)) {
      if (names.startsWith('{')) table.set(alias, { path: target, name });
    }
    return;
  }
  const [, name] =
    /^(?:export |declare |abstract )*(?:function|const|class|interface|type|let) (\w+)/.exec(statement) ?? [];
  if (name === undefined) return;
  module.declared.set(name, [...(module.declared.get(name) ?? []), statement]);
  if (statement.startsWith('export ')) module.exported.set(name, { path, name });
}

/** Every name that a module exports. */
function exportsOf(path: string): Map<string, Place> {
  const { exported, stars } = moduleAt(path);
  return new Map([...stars.flatMap((star) => [...exportsOf(star)]), ...exported]);
}

const reached = new Map<string, Set<string>>();

/** Marks a declaration, and whatever its text names. */
function reach({ path, name }: Place): void {
  if (name === '*') {
    for (const place of exportsOf(path).values()) reach(place);
    return;
  }
  const { declared, imported } = moduleAt(path);
  const statements = declared.get(name);
  if (statements === undefined) {
    const elsewhere = imported.get(name) ?? exportsOf(path).get(name);
    if (elsewhere !== undefined) reach(elsewhere);
    return;
  }
  const marked = reached.get(path) ?? new Set();
  if (marked.has(name)) return;
  reached.set(path, marked.add(name));
  const text = statements.join('\n');
  for (const [, specifier = '', inner = ''] of text.matchAll(/import\(['"](.*?)['"]\)\.(\w+)/g)) {
    reach({ path: resolve(path, specifier), name: inner });
  }
  for (const [word] of text.matchAll(/\b[A-Za-z_]\w*\b/g)) {
    if (declared.has(word) || imported.has(word)) reach({ path, name: word });
  }
}

function render(): string {
  const text = readFileSync(join(root, 'package.json'), 'utf8');
  const { name, exports }: { name: string; exports: Record<string, { require?: { types: string } }> } =
    JSON.parse(text);
  const parts = ['# The public interface', 'Made by `npm run api` from the declarations that are built.'];
  for (const [entrance, { require }] of Object.entries(exports)) {
    if (require === undefined) continue;
    const names = exportsOf(join(root, require.types));
    for (const place of names.values()) reach(place);
    parts.push(`## ${join(name, entrance)}`, [...names.keys()].sort().join(', '));
  }
  for (const [path, names] of [...reached].sort()) {
    const statements = [...moduleAt(path).declared]
      .filter(([each]) => names.has(each))
      .flatMap(([, each]) => each);
    parts.push(
      `## ${relative(join(root, 'dist/types'), path).replace(/cts$/, 'ts')}`,
      `\`\`\`ts\n${statements.join('\n')}\n\`\`\``,
    );
  }
  return `${parts.join('\n\n')}\n`;
}

const now = render();
if (process.argv.includes('--check')) {
  const { status, stdout } = spawnSync('diff', ['-u', report, '-'], { input: now, encoding: 'utf8' });
  if (status !== 0) {
    const lines = stdout.split('\n').slice(0, 60).join('\n');
    console.error(`${lines}\nthe public interface is not the one in docs/api/public.md: run npm run api`);
    process.exitCode = 1;
  }
} else {
  writeFileSync(report, now);
}
