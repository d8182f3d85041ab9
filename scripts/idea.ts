/** The examples and what each shows, read from their own comments. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Where they are. */
export const folder = join(import.meta.dirname, '../examples');

/** Their names, without `.ts`. */
export const names: readonly string[] = readdirSync(folder)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => basename(file, '.ts'))
  .sort();

/** The first sentence of the first doc comment of an example. */
export function idea(name: string): string {
  const [, comment = ''] =
    /\/\*\*([\s\S]*?)\*\//.exec(readFileSync(join(folder, `${name}.ts`), 'utf8')) ?? [];
  const text = comment
    .replace(/^\s*\*/gm, '')
    .replace(/\s+/g, ' ')
    .trim();
  return /^.*?[.!?](?= |$)/.exec(text)?.[0] ?? text;
}
