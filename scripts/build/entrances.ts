/** What users import: the one list is `exports` in package.json. */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

export const root: string = join(import.meta.dirname, '../..');

/** One entrance of the package. */
export interface Entrance {
  /** What users write: `'uring/raw'`. */
  readonly specifier: string;
  /** Its files in dist: `'raw'` has raw.cjs, raw.mjs, raw.d.cts and raw.d.mts. */
  readonly name: string;
  /** `'lib/raw.ts'`: in a compiled checkout, too, whose package.json says `lib/raw.js`. */
  readonly source: string;
}

const packageJson: {
  readonly name: string;
  readonly exports: { readonly [path: string]: string | { readonly 'uring-source': string } };
} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

export const entrances: readonly Entrance[] = Object.entries(packageJson.exports).flatMap(
  ([path, conditions]) => {
    if (typeof conditions === 'string') return [];
    const name = path === '.' ? 'index' : basename(path);
    const source = join(conditions['uring-source']).replace(/\.js$/, '.ts');
    return [{ specifier: join(packageJson.name, path), name, source }];
  },
);

/** A module that exports all that an entrance does, which `module`, a string literal, leads to: a star leaves out `default`. */
export function everythingOf(source: string, module: string): string {
  const hasDefault = /^export default /m.test(readFileSync(join(root, source), 'utf8'));
  return `export * from ${module};\n${hasDefault ? `export { default } from ${module};\n` : ''}`;
}
