/** `uring probe --html`: one page that needs nothing else, with all measured kernels beside this one. */
import { kernelHas, kernels } from '../../structs/kernels.ts';
import type { Support } from '../register/support.ts';
import { escaped, page, timeElement, timeText } from './page.ts';
import { type Row, rowsOf, SECTIONS } from './probe-rows.ts';

const STYLE = `
:root {
  color-scheme: light dark;
  --page: #fff; --text: #1b1f24; --quiet: #57606a; --line: #d0d7de; --head: #f0f3f6; --here: #ddeeff;
  --yes: #0f5323; --yes-back: #e3f6e8; --no: #8c0b20; --no-back: #ffdfdc; --ask: #5c4300; --ask-back: #fff1c2;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0d1117; --text: #e6edf3; --quiet: #9da7b1; --line: #30363d; --head: #1a2028; --here: #16304f;
    --yes: #8ddb9c; --yes-back: #10241a; --no: #ffb1a8; --no-back: #44161a; --ask: #f0cf6d; --ask-back: #332a0d;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1rem 1rem .5rem; max-width: 90rem;
  background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif;
}
h1 { margin: 0; font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; }
p { margin: .25rem 0 .5rem; max-width: 60rem; }
details { max-width: 60rem; margin: 0 0 .5rem; }
summary { min-height: 2.75rem; align-content: center; cursor: pointer; }
.quiet { color: var(--quiet); font-size: .875rem; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .5rem; margin: 1rem 0; }
dl div { padding: .5rem .75rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--head); }
dt { font-size: .875rem; color: var(--quiet); }
dd { margin: 0; font-size: 1.25rem; font-weight: 600; font-variant-numeric: tabular-nums; }
label { display: inline-flex; gap: .5rem; align-items: center; min-height: 2.75rem; }
input { width: 1.25rem; height: 1.25rem; margin: 0; }
.scroll { overflow: auto; max-height: calc(100vh - 1rem); overscroll-behavior-x: contain; border: 1px solid var(--line); border-radius: .5rem; }
.scroll:focus-visible { outline: 3px solid #4493f8; outline-offset: 1px; }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-size: .8125rem; line-height: 1.3; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th, td { padding: .25rem .5rem; border-bottom: 1px solid var(--line); text-align: center; white-space: nowrap; }
thead th {
  position: sticky; top: 0; z-index: 1; background: var(--head); vertical-align: bottom;
  font-variant-numeric: tabular-nums;
}
th:first-child { position: sticky; left: 0; z-index: 1; background: var(--page); text-align: left; }
thead th:first-child { z-index: 2; background: var(--head); }
tbody th { font: .75rem/1.3 ui-monospace, monospace; }
th.group { padding-top: .75rem; background: var(--head); font: 600 .875rem/1.3 system-ui, sans-serif; }
th.group span { position: sticky; left: .3rem; }
td { border-left: 1px solid var(--line); }
.y { color: var(--yes); background: var(--yes-back); }
.n { color: var(--no); background: var(--no-back); font-weight: 700; }
.u { color: var(--ask); background: var(--ask-back); font-weight: 700; }
thead th.here { background: var(--here); }
td.here { border-inline: 2px solid var(--here); font-weight: 700; }
body:has(#lacks:checked) .has { display: none; }
@media (max-width: 40rem) {
  th, td { padding-inline: .3rem; }
  tbody th { font-size: .6875rem; }
}
@media print {
  @page { size: landscape; margin: 1cm; }
  body { padding: 0; font-size: 10pt; }
  label { display: none; }
  .scroll { overflow: visible; max-height: none; border: 0; }
  table { font-size: 6.5pt; }
  tbody th { font-size: 6pt; }
  th.group { font-size: 8pt; }
  th, td { padding: 1pt 3pt; print-color-adjust: exact; }
  thead th, th:first-child { position: static; }
  tr { break-inside: avoid; }
}
`;

function cell(supported: boolean | undefined, extra = ''): string {
  const [mark, word] = supported === undefined ? ['u', '?'] : supported ? ['y', 'yes'] : ['n', 'no'];
  return `<td class="${mark}${extra}">${word}</td>`;
}

/** Rows that can be hidden: what this kernel has. */
function hides(rows: readonly Row[]): string {
  return rows.every(({ supported }) => supported === true) ? ' class="has"' : '';
}

function tableRow(row: Row): string {
  const { name, since, supported } = row;
  const others = kernels.map((kernel) => cell(kernelHas(kernel, name))).join('');
  return `<tr${hides([row])}><th scope="row">${name}</th>${cell(supported, ' here')}<td>${since}</td>${others}</tr>`;
}

function head(): string {
  const each = kernels.map(({ version, release, arch }) => {
    const [series = '', rest = ''] = /^(\d+\.\d+)(.*)$/.exec(version)?.slice(1) ?? [];
    return `<th scope="col" title="${release}, ${arch}">${series}<wbr>${rest}</th>`;
  });
  const first =
    '<th scope="col">Name</th><th scope="col" class="here">this<br>kernel</th><th scope="col">since</th>';
  return `<thead><tr>${first}${each.join('')}</tr></thead>`;
}

function table(support: Support): string {
  const groups = SECTIONS.map(({ key, title }) => {
    const rows = rowsOf(support, key);
    const all = `colspan="${kernels.length + 3}"`;
    return `<tbody${hides(rows)}>
<tr><th class="group" scope="rowgroup" ${all}><span>${title}</span></th></tr>
${rows.map(tableRow).join('\n')}
</tbody>`;
  });
  return `<div class="scroll" role="region" aria-labelledby="matrix" tabindex="0">
<table>
<caption id="matrix">What this kernel and ${kernels.length} others accept</caption>
${head()}
${groups.join('\n')}
</table>
</div>`;
}

function counts(support: Support): string {
  const each = SECTIONS.map(({ key, title }) => {
    const rows = rowsOf(support, key);
    const had = rows.filter(({ supported }) => supported === true).length;
    return `<div><dt>${title}</dt><dd>${had} of ${rows.length}</dd></div>`;
  });
  return `<dl>\n${each.join('\n')}\n</dl>`;
}

/** The page, as of `date`. No script, nothing loaded from elsewhere. */
export function probePage(support: Support, arch: string, date: Date): string {
  const name = `io_uring on Linux ${support.kernel}`;
  const body = `<header>
<h1>${escaped(name)}</h1>
<p class="quiet">${escaped(arch)}, asked on ${timeElement(date)}</p>
${counts(support)}
<details>
<summary>How to read it</summary>
<p><b>yes</b>: the kernel accepts it. <b>no</b>: it knows no such thing. <b>?</b>: it could not be asked. <b>since</b>: the first
mainline kernel with it; distributions port back, as Debian's 5.10 shows.</p>
<p>The other kernels were measured one by one on x86_64; all but 6.18.44 are Debian's. That an opcode is known does not say
that the kernel was built with it (NAPI, ZCRX, BPF_FILTER).</p>
</details>
</header>
<main>
<label><input type="checkbox" id="lacks"> Only what this kernel lacks</label>
${table(support)}
</main>`;
  return page(`${name} (${arch}), ${timeText(date)}`, body, STYLE);
}
