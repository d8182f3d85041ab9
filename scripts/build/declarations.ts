/** The declarations: those of CommonJS modules, which both kinds of module may name, and nothing that no entrance reaches. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { entrances, everythingOf, root } from './entrances.ts';
import { Groups } from './groups.ts';
import { exportsOf, type Reached, reach } from './modules.ts';

const RELATIVE = /(?<=['"])(\.\.?\/[^'"]+)\.[jt]s(?=['"])/g;

function compile(folder: string): void {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const args = [compiler, '-p', join(root, 'tsconfig.build.json'), '--outDir', folder];
  const { status, error } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) throw new Error(`tsc ended with ${status}`);
}

/**
 * What TypeScript learned after 5.2, without it: typed arrays of a kind of buffer, iterators of three types. Sentences of
 * tables are strings.
 */
function plainer(text: string): string {
  return text
    .replaceAll(
      /\b((?:Uint|Int|Float|BigInt|BigUint)\w+Array|DataView|ArrayBufferView)<ArrayBuffer(?:Like)?>/g,
      '$1',
    )
    .replaceAll(/\b(AsyncIterableIterator<\w+), undefined>/g, '$1>')
    .replaceAll(/(?<=readonly (?:does|needs)\??: )(['"]).*\1(?=;$)/gm, 'string');
}

/** Writes types/ with a .d.cts for each part of the library, and for each entrance a .d.cts and a .d.mts that lead there. */
export function writeDeclarations(folder: string): void {
  const made = mkdtempSync(join(tmpdir(), 'uring-types-'));
  try {
    compile(made);
    const done = new Set<string>();
    // beside the compiler's own, as they will be named
    const copy = (module: string): void => {
      if (done.has(module)) return;
      done.add(module);
      const text = readFileSync(join(made, `${module}.d.ts`), 'utf8');
      writeFileSync(join(made, `${module}.d.cts`), plainer(text).replaceAll(RELATIVE, '$1.cjs'));
      for (const [, path = ''] of text.matchAll(RELATIVE)) copy(join(dirname(module), path));
    };
    const reached: Reached = new Map();
    const starts = entrances.map(({ source }) => source.replace(/\.ts$/, ''));
    for (const module of starts) copy(module);
    for (const module of starts) {
      const path = join(made, `${module}.d.cts`);
      for (const place of exportsOf(path).values()) reach(place, reached);
      if (!reached.has(path)) reached.set(path, new Set());
    }
    const groups = new Groups(made, reached);
    mkdirSync(join(folder, 'types'), { recursive: true });
    for (const [group, text] of groups.texts) writeFileSync(join(folder, 'types', `${group}.d.cts`), text);
    for (const { name, source } of entrances) {
      const path = join(made, source.replace(/ts$/, 'd.cts'));
      writeFileSync(join(folder, `${name}.d.cts`), groups.entrance(path, './types'));
      writeFileSync(join(folder, `${name}.d.mts`), everythingOf(source, `'./${name}.cjs'`));
    }
  } finally {
    rmSync(made, { recursive: true });
  }
}
