/** Declarations in few files: those of a part of the library in one, with the names that they have in their modules. */
import { relative } from 'node:path';
import { exportsOf, moduleAt, origin, type Place, type Reached, resolve, type Statement } from './modules.ts';

/** Which modules are in which file: no two in one declare the same name. */
const GROUPS: readonly (readonly [modules: RegExp, group: string])[] = [
  [/^structs\//, 'structs'],
  [/^lib\/fs[./]/, 'fs'],
  [/^lib\/host[./]/, 'host'],
  // `libc` of uring/raw: a file, because it is a namespace
  [/^lib\/sys\/libc\./, 'libc'],
  [/^lib\/(?:raw\.|register\/|ops\/|sys\/)/, 'raw'],
  [/^lib\//, 'uring'],
];

/** A program without @types/node can have the rings all the same: what Node.js declares is `any` there. */
const UNLESS_THERE = '// @ts-ignore\n';

interface Group {
  /** `/// <reference ... />`, and imports of packages. */
  readonly head: Set<string>;
  /** Where the names come from that are declared in other groups, and those that are declared here. */
  readonly names: Map<string, string>;
  readonly texts: string[];
}

/** Lines of a declaration, indented by tabs: a tenth of all would be spaces. */
function tabbed(text: string): string {
  return text.replaceAll(/^(?: {4})+/gm, (spaces) => '\t'.repeat(spaces.length / 4));
}

/** Writes no file: tells the texts of all groups, and of each entrance. */
export class Groups {
  readonly #root: string;
  readonly #groups = new Map<string, Group>();

  constructor(root: string, reached: Reached) {
    this.#root = root;
    for (const [path, names] of [...reached].sort(([a], [b]) => (a < b ? -1 : 1))) this.#add(path, names);
  }

  /** The texts by their names. */
  get texts(): Map<string, string> {
    return new Map(
      [...this.#groups].map(([group, { head, names, texts }]) => {
        const others = [...new Set(names.values())].sort().filter((each) => each !== group);
        const imports = others.map((other) => {
          const list = [...names].flatMap(([name, from]) => (from === other ? [name] : []));
          return `import { ${list.sort().join(', ')} } from './${other}.cjs';`;
        });
        // references come first, or they count for nothing
        const first = [...head].sort((a, b) => Number(b.startsWith('///')) - Number(a.startsWith('///')));
        return [group, `${tabbed([...first, ...imports, ...texts, 'export {};'].join('\n'))}\n`];
      }),
    );
  }

  /** What an entrance exports, `folder` being where the groups are. */
  entrance(path: string, folder: string): string {
    const lists = new Map<string, string[]>();
    const lines: string[] = [];
    for (const [alias, place] of exportsOf(path)) {
      const { path: from, name } = origin(place);
      const module = `'${folder}/${this.#groupOf(from)}.cjs'`;
      if (name === '*') lines.push(`export * as ${alias} from ${module};`);
      else
        lists.set(module, [...(lists.get(module) ?? []), alias === 'default' ? alias : asAlias(name, alias)]);
    }
    for (const [module, list] of lists) lines.push(`export { ${list.sort().join(', ')} } from ${module};`);
    return `${lines.length === 0 ? 'export {};' : lines.join('\n')}\n`;
  }

  #groupOf(path: string): string {
    const module = relative(this.#root, path);
    const [, group] = GROUPS.find(([modules]) => modules.test(module)) ?? [];
    if (group === undefined) throw new Error(`no group has ${module}`);
    return group;
  }

  #add(path: string, names: ReadonlySet<string>): void {
    const name = this.#groupOf(path);
    const group: Group = this.#groups.get(name) ?? { head: new Set(), names: new Map(), texts: [] };
    this.#groups.set(name, group);
    const { statements } = moduleAt(path);
    const kept = statements.filter((each) => each.name !== undefined && names.has(each.name));
    const words = new Set(kept.flatMap(({ code }) => code.match(/\b[A-Za-z_]\w*\b/g) ?? []));
    for (const { code, from } of statements) {
      const [, alias] = /^import type \* as (\w+)/.exec(code) ?? [];
      if (code.startsWith('///')) group.head.add(code);
      else if (code.startsWith('export default')) kept.push({ text: code, code, name: undefined, from });
      else if (alias !== undefined && words.has(alias) && from?.startsWith('.') === false)
        group.head.add(`${name === 'uring' ? UNLESS_THERE : ''}${code}`);
    }
    for (const word of words) this.#link(path, word, name, group.names);
    const texts = kept.map((each) => this.#text(path, each, name));
    if (texts.length > 0)
      group.texts.push(`// ${relative(this.#root, path).replace(/d\.cts$/, 'ts')}`, ...texts);
  }

  /** Notes where a name of a module comes from. Two of the same name would need an alias, which nothing has needed yet. */
  #link(path: string, word: string, group: string, names: Map<string, string>): void {
    const { declared, imported } = moduleAt(path);
    const place: Place | undefined = declared.has(word) ? { path, name: word } : imported.get(word);
    if (place === undefined) return;
    const { path: from, name } = origin(place);
    const other = this.#groupOf(from);
    if (name !== word || (names.get(word) ?? other) !== other)
      throw new Error(`${word} of ${path} needs a name of its own among those of ${group}`);
    names.set(word, other);
  }

  /** A statement, whose `import('./module')` lead to groups. */
  #text(path: string, { text }: Statement, group: string): string {
    return text.trim().replaceAll(/import\(["'](\..*?)["']\)\.(?=\w)/g, (_, specifier: string) => {
      const other = this.#groupOf(resolve(path, specifier));
      return other === group ? '' : `import('./${other}.cjs').`;
    });
  }
}

function asAlias(name: string, alias: string): string {
  return name === alias ? name : `${name} as ${alias}`;
}
