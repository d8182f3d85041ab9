/** What pages have in common: one file, no script, nothing loaded from elsewhere. */
import { visible } from './kit.ts';

const ENTITIES: { readonly [character: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text of the host, harmless in a page. */
export function escaped(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

const STYLE = `
:root {
  color-scheme: light dark;
  --page: #fff; --text: #1b1f24; --quiet: #57606a; --line: #d0d7de; --head: #f0f3f6; --bar: #2f6fb5;
  --yes: #0f5323; --no: #8c0b20; --no-back: #ffdfdc; --ask: #5c4300; --ask-back: #fff1c2;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0d1117; --text: #e6edf3; --quiet: #9da7b1; --line: #30363d; --head: #1a2028; --bar: #6cb0f5;
    --yes: #8ddb9c; --no: #ffb1a8; --no-back: #44161a; --ask: #f0cf6d; --ask-back: #332a0d;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1rem; max-width: 75rem;
  background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif;
}
h1 { margin: 0; font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 2rem 0 .5rem; font-size: 1.25rem; }
h3 { margin: 0; font-size: 1rem; overflow-wrap: anywhere; }
p { margin: .25rem 0 .5rem; max-width: 60rem; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); font-size: .875rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); gap: 1rem; }
.card { margin: 0; padding: .75rem; border: 1px solid var(--line); border-radius: .5rem; min-width: 0; }
.card svg { display: block; width: 100%; height: auto; }
.bad { color: var(--no); font-weight: 600; }
.good { color: var(--yes); font-weight: 600; }
.ask { color: var(--ask); font-weight: 600; }
.tiles { display: flex; flex-wrap: wrap; gap: .5rem; margin: .75rem 0; padding: 0; list-style: none; }
.tiles a {
  display: block; min-width: 6.5rem; padding: .5rem .75rem; border: 1px solid var(--line); border-radius: .5rem;
  color: var(--quiet); font-size: .875rem; text-decoration: none;
}
.tiles a:hover, .tiles a:focus-visible { border-color: var(--bar); }
.tiles b { display: block; color: var(--text); font-size: 1.25rem; line-height: 1.3; }
.tiles .bad { color: var(--no); }
.tiles .good { color: var(--yes); }
h3.above { margin: 1.25rem 0 .5rem; }
code { font-size: .9em; overflow-wrap: anywhere; }
summary { margin: .75rem 0; cursor: pointer; }
.checks { margin: 0; border: 1px solid var(--line); border-radius: .5rem; font-size: .875rem; }
.checks div { display: grid; grid-template-columns: 11rem 1fr; gap: .25rem 1rem; padding: .4rem .75rem; }
.checks div + div { border-top: 1px solid var(--line); }
.checks dt { font-weight: 600; }
.checks dt span { display: inline-block; min-width: 4.5em; }
.checks dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
@media (max-width: 40rem) { .checks div { grid-template-columns: 1fr; } }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: .5rem; }
.scroll:focus-visible { outline: 3px solid #4493f8; outline-offset: 1px; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; line-height: 1.35; }
th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap; }
td.wrap { white-space: normal; min-width: 14rem; overflow-wrap: anywhere; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { background: var(--head); }
.n { text-align: right; font-variant-numeric: tabular-nums; }
svg text { fill: var(--quiet); font: 11px system-ui, sans-serif; }
svg rect { fill: var(--bar); }
svg line { stroke: var(--line); }
@media print {
  body { padding: 0; font-size: 10pt; max-width: none; }
  .scroll { overflow: visible; border: 0; }
  .card, tr { break-inside: avoid; }
}
`;

/** A page. `title` is text, `body` HTML, `style` CSS. */
export function page(title: string, body: string, style = STYLE): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
${body}
</body>
</html>
`;
}

/** A table that scrolls by itself where the page is narrow. Cells are HTML; those of `numbers` columns stand right. */
export function htmlTable(
  name: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  numbers: ReadonlySet<number>,
): string {
  const cell = (tag: 'th' | 'td', text: string, column: number): string => {
    const kind = numbers.has(column) ? 'n' : tag === 'td' && text.length > 60 ? 'wrap' : '';
    const scope = tag === 'th' ? ' scope="col"' : '';
    return `<${tag}${scope}${kind === '' ? '' : ` class="${kind}"`}>${text}</${tag}>`;
  };
  const line = (tag: 'th' | 'td', cells: readonly string[]): string =>
    `<tr>${cells.map((text, column) => cell(tag, text, column)).join('')}</tr>`;
  return `<div class="scroll" role="region" aria-label="${escaped(name)}" tabindex="0">
<table>
<thead>${line('th', head)}</thead>
<tbody>
${rows.map((cells) => line('td', cells)).join('\n')}
</tbody>
</table>
</div>`;
}

/** `'2026-01-01 12:00 UTC'` */
export function timeText(date: Date): string {
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** The same for people and programs. */
export function timeElement(date: Date): string {
  return `<time datetime="${date.toISOString()}">${timeText(date)}</time>`;
}
