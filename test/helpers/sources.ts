/** The package's own sources, as text: what they import, and what is code in them. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** What a file imports. */
export interface Import {
  /** A path from the root of the package, or the name of another package. */
  readonly from: string;
  /** Only types: nothing of it is left when the program runs. */
  readonly isType: boolean;
  /** The names, as they are called there; `*` for all. */
  readonly names: readonly string[];
}

/** One source. */
export interface Source {
  /** From the root of the package: `'lib/ring/ring.ts'`. */
  readonly path: string;
  readonly text: string;
  /** Without comments, strings, and statements of import and export. */
  readonly code: string;
  readonly imports: readonly Import[];
}

/** Comments, strings, templates, and regular expressions where an expression begins. */
const NO_CODE =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|(?<=[(,=:!&|?{};]\s*|return\s+)\/(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/g;
const COMMENT = /\/\*[\s\S]*?\*\/|^\s*\/\/[^\n]*/gm;
const STATEMENT =
  /^(?:import|export)\b(?: type)?\s*(?:\{[^}]*\}|\*(?: as \w+)?|\w+(?:,\s*\{[^}]*\})?)\s*from\s*'([^']+)';$/gm;
const DYNAMIC = /\bimport\('([^']+)'\)/g;

function namesOf(statement: string): { readonly names: string[]; readonly isType: boolean } {
  const list = /\{([^}]*)\}/.exec(statement)?.[1];
  const isAllType = /^(?:import|export) type\b/.test(statement);
  if (list === undefined) return { names: ['*'], isType: isAllType };
  const each = list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const names = each.map((name) => name.replace(/^type /, '').replace(/ as .*/, ''));
  return { names, isType: isAllType || each.every((name) => name.startsWith('type ')) };
}

function resolve(path: string, from: string): string {
  return from.startsWith('.') ? relative(ROOT, join(ROOT, dirname(path), from)) : from;
}

function read(path: string): Source {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const bare = text.replace(COMMENT, '');
  const imports: Import[] = [];
  for (const [statement, from = ''] of bare.matchAll(STATEMENT)) {
    imports.push({ from: resolve(path, from), ...namesOf(statement) });
  }
  for (const [, from = ''] of bare.matchAll(DYNAMIC)) {
    imports.push({ from: resolve(path, from), names: ['*'], isType: false });
  }
  return { path, text, code: bare.replace(STATEMENT, '').replace(NO_CODE, "''"), imports };
}

/** Every source under these folders of the package. */
export function sources(...folders: readonly string[]): Source[] {
  return folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .sort()
      .map((path) => read(join(folder, path))),
  );
}
