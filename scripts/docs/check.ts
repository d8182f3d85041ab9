/** What must hold of the site: no link leads nowhere, and each public symbol has its page. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { entrances, root } from '../build/entrances.ts';

/** A page: where its links lead, and what in it can be linked to. */
interface Page {
  readonly links: readonly string[];
  readonly ids: ReadonlySet<string>;
}

function read(path: string): Page {
  const html = readFileSync(path, 'utf8');
  const all = (pattern: RegExp) => Array.from(html.matchAll(pattern), ([, value = '']) => decode(value));
  return { links: all(/ (?:href|src)="([^"]*)"/g), ids: new Set(all(/ id="([^"]*)"/g)) };
}

function decode(text: string): string {
  return text.replaceAll('&amp;', '&').replaceAll('&#39;', "'").replaceAll('&quot;', '"');
}

function brokenLinks(folder: string): string[] {
  const pages = new Map<string, Page>();
  for (const name of readdirSync(folder, { encoding: 'utf8', recursive: true }))
    if (name.endsWith('.html')) pages.set(join(folder, name), read(join(folder, name)));
  const broken = [];
  for (const [path, { links }] of pages) {
    for (const link of new Set(links)) {
      if (/^(https?|mailto|data):/.test(link)) continue;
      const [to = '', id = ''] = link.split('#').map(decodeURIComponent);
      const target = to === '' ? path : join(dirname(path), to.replace(/\?.*/, ''));
      const page = pages.get(target);
      if (!existsSync(target)) broken.push(`${relative(folder, path)}: nothing at ${link}`);
      else if (id !== '' && page !== undefined && !page.ids.has(id))
        broken.push(`${relative(folder, path)}: no #${id} at ${link}`);
    }
  }
  return broken;
}

/** The names that an entrance exports, from the report of the public interface. */
function exportsOf(report: string): string[] {
  const [, names = ''] = /declarations that are built\.\n\n([\w,\s]+)\.$/m.exec(report) ?? [];
  return names.split(/,\s+/).filter((name) => name !== '');
}

function missingPages(folder: string): string[] {
  const all = readdirSync(folder, { encoding: 'utf8', recursive: true });
  return entrances.flatMap(({ specifier, name: entrance }) => {
    const file = `${entrance === 'index' ? 'uring' : entrance}.md`;
    const names = exportsOf(readFileSync(join(root, 'docs/api', file), 'utf8'));
    return names
      .filter((name) => !all.some((path) => path.endsWith(`.${name}.html`)))
      .map((name) => `${specifier} exports ${name}, which has no page`);
  });
}

function missingGuides(folder: string): string[] {
  const text = readFileSync(join(folder, 'assets/search.js'), 'utf8');
  if (text.length < 10_000) return ['the search knows nothing'];
  const pages = readdirSync(join(folder, 'documents')).length;
  const guides = readdirSync(join(root, 'docs/guides')).filter((name) => name.endsWith('.md')).length;
  return pages > guides ? [] : [`${guides} guides and others, but ${pages} pages of documents`];
}

/** Each thing that is wrong with the site in a folder. */
export function check(folder: string): string[] {
  return [...brokenLinks(folder), ...missingPages(folder), ...missingGuides(folder)];
}
