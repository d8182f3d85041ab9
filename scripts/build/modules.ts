/** Declarations by their text alone: the compiler's output is regular, each statement begins in the first column. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A name in a module. */
export interface Place {
  readonly path: string;
  readonly name: string;
}

/** A statement with the comment before it. */
export interface Statement {
  readonly text: string;
  /** Without comments. */
  readonly code: string;
  /** What it declares. */
  readonly name: string | undefined;
  /** The module that it imports from, or exports of. */
  readonly from: string | undefined;
}

/** The line before what was a module of its own: `// lib/errors.ts`. */
export const MODULE = /^\/\/ (\S+)$/m;

/** One .d.cts. */
export interface Module {
  readonly statements: readonly Statement[];
  readonly declared: Map<string, Statement[]>;
  readonly imported: Map<string, Place>;
  readonly exported: Map<string, Place>;
  /** Modules of which it exports all. */
  readonly stars: string[];
}

/** The names that were reached in each module. */
export type Reached = Map<string, Set<string>>;

const BEGIN = /^(?:import|export|declare|abstract|interface|type|class|const|function|\/\/\/)/;
const modules = new Map<string, Module>();

/** The file of declarations that a specifier in `from` leads to. */
export function resolve(from: string, specifier: string): string {
  return join(dirname(from), specifier).replace(/(\.d)?\.c?[jt]s$/, '.d.cts');
}

function codeOf(text: string): string {
  const lines = text.replace(/\/\*[\s\S]*?\*\/|^\/\/(?!\/).*$/gm, '').split('\n');
  return lines.filter((line) => line.trim() !== '').join('\n');
}

/** Statements with their comments. A part of a union may begin in the first column, too. */
function split(text: string): string[] {
  const parts: string[] = [];
  let pending = '';
  for (const part of text.split(/\n(?=\/\*\*|\w|\/\/[/ ])/)) {
    const code = codeOf(part);
    if (code === '') pending += `${part}\n`;
    else if (BEGIN.test(code) || parts.length === 0) {
      parts.push(pending + part);
      pending = '';
    } else {
      parts[parts.length - 1] += `\n${pending}${part}`;
      pending = '';
    }
  }
  return parts;
}

export function moduleAt(path: string): Module {
  const known = modules.get(path);
  if (known !== undefined) return known;
  const statements: Statement[] = [];
  const module: Module = {
    statements,
    declared: new Map(),
    imported: new Map(),
    exported: new Map(),
    stars: [],
  };
  modules.set(path, module);
  for (const text of split(readFileSync(path, 'utf8'))) {
    const code = codeOf(text);
    const [, verb, names = '', from] =
      /^(import|export) (?:type )?([{*][^'"]*)from ['"](.*)['"]/.exec(code) ?? [];
    const [, name] =
      /^(?:export |declare |abstract )*(?:function|const|class|interface|type|let) (\w+)/.exec(code) ?? [];
    const statement = { text, code, name: from === undefined ? name : undefined, from };
    statements.push(statement);
    const [, byDefault] = /^export default (\w+);/.exec(code) ?? [];
    if (byDefault !== undefined) module.exported.set('default', { path, name: byDefault });
    if (from !== undefined) {
      if (from.startsWith('.')) link(module, verb, names, resolve(path, from));
    } else if (name !== undefined) {
      module.declared.set(name, [...(module.declared.get(name) ?? []), statement]);
      if (code.startsWith('export ')) module.exported.set(name, { path, name });
    }
  }
  return module;
}

function link(module: Module, verb: string | undefined, names: string, target: string): void {
  const [, namespace] = /^\* as (\w+)/.exec(names) ?? [];
  if (namespace === undefined && names.startsWith('*')) module.stars.push(target);
  const table = verb === 'import' ? module.imported : module.exported;
  if (namespace !== undefined) table.set(namespace, { path: target, name: '*' });
  if (!names.startsWith('{')) return;
  for (const [, name = '', alias = name] of names.matchAll(/(?:type )?(\w+)(?: as (\w+))?(?=[ ,}])/g))
    table.set(alias, { path: target, name });
}

/** Every name that a module exports. */
export function exportsOf(path: string): Map<string, Place> {
  const { exported, stars } = moduleAt(path);
  return new Map([...stars.flatMap((star) => [...exportsOf(star)]), ...exported]);
}

/** Adds a declaration, and whatever its text names. */
export function reach({ path, name }: Place, reached: Reached): void {
  if (name === '*') {
    for (const place of exportsOf(path).values()) reach(place, reached);
    return;
  }
  const { declared, imported } = moduleAt(path);
  const statements = declared.get(name);
  if (statements === undefined) {
    const elsewhere = imported.get(name) ?? exportsOf(path).get(name);
    if (elsewhere !== undefined) reach(elsewhere, reached);
    return;
  }
  const marked = reached.get(path) ?? new Set();
  if (marked.has(name)) return;
  reached.set(path, marked.add(name));
  const text = statements.map(({ code }) => code).join('\n');
  for (const [, specifier = '', inner = ''] of text.matchAll(/import\(['"](.*?)['"]\)\.(\w+)/g)) {
    reach({ path: resolve(path, specifier), name: inner }, reached);
  }
  for (const [word] of text.matchAll(/\b[A-Za-z_]\w*\b/g)) {
    if (declared.has(word) || imported.has(word)) reach({ path, name: word }, reached);
  }
}

/** Where an exported name is declared: it may come by way of other modules. */
export function origin({ path, name }: Place): Place {
  const { declared, imported } = moduleAt(path);
  if (name === '*' || declared.has(name)) return { path, name };
  const elsewhere = imported.get(name) ?? exportsOf(path).get(name);
  return elsewhere === undefined ? { path, name } : origin(elsewhere);
}
