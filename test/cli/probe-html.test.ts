import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { probePage } from '../../lib/cli/probe-html.ts';
import { type Answer, probe, type Support } from '../../lib/register/support.ts';
import { kernelHas, kernels } from '../../structs/index.ts';
import { Chromium, program, type View } from '../helpers/chromium.ts';

const DATE = new Date('2026-11-21T09:30:15.250Z');
const KINDS = ['register', 'ops', 'setup', 'features'] as const;

/** This kernel, but for what is `changed`: other kernels lack and hide other things. */
function supportWith(kernel: string, changed: Readonly<Record<string, boolean | undefined>> = {}): Support {
  const tables = KINDS.map((kind) => [
    kind,
    Object.fromEntries(
      Object.entries<Answer>(probe()[kind]).map(([name, answer]) => [
        name,
        name in changed ? { ...answer, supported: changed[name] } : answer,
      ]),
    ),
  ]);
  return { ...probe(), ...Object.fromEntries(tables), kernel };
}

const support = supportWith('6.18.44-example', { OP_NOP: true, OP_TEE: false, FEAT_NODROP: undefined });
const page = probePage(support, 'x86_64', DATE);
const expected = KINDS.flatMap((kind) =>
  Object.entries<Answer>(support[kind]).map(([name, { supported, since }]) => [
    name,
    supported === undefined ? '?' : supported ? 'yes' : 'no',
    since,
    ...kernels.map((kernel) => (kernelHas(kernel, name) ? 'yes' : 'no')),
  ]),
);

describe('the page of uring probe --html', () => {
  it('shows strings of the host as text', () => {
    const hostile = `</title><script>alert(1)</script>&amp;"'\x1b\u202e`;
    const text = probePage(supportWith(hostile), hostile, DATE);
    for (const bad of ['<script', '&amp;"', '\x1b', '\u202e']) assert.ok(!text.includes(bad), bad);
    const shown = '&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;&quot;&#39;\\x1b\\u202e';
    assert.equal(text.split(shown).length - 1, 4);
  });

  it('needs nothing else: no script, no link, nothing to load', () => {
    assert.doesNotMatch(page, /<script|<link|<img|<iframe|@import|url\(|\bsrc=|\bhref=|https?:/);
    assert.match(
      page,
      /<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">/,
    );
  });

  it('has kernel and date in its title', () => {
    assert.match(
      page,
      /<title>io_uring on Linux 6\.18\.44-example \(x86_64\), 2026-11-21 09:30 UTC<\/title>/,
    );
  });

  it('has a row with headers for each name, and in it what each kernel has, in words', () => {
    const rows = [...page.matchAll(/<th scope="row">(\w+)<\/th>(.*?)<\/tr>/g)].map(([, name, cells = '']) => [
      name,
      ...[...cells.matchAll(/<td[^>]*>([^<]*)<\/td>/g)].map(([, word]) => word),
    ]);
    assert.deepEqual(rows, expected);
  });

  it('has a column with a header for each kernel', () => {
    const heads = [...page.matchAll(/<th scope="col"[^>]*>(.*?)<\/th>/g)].map(([, head = '']) =>
      head.replace('<wbr>', ''),
    );
    assert.deepEqual(heads, ['Name', 'this<br>kernel', 'since', ...kernels.map(({ version }) => version)]);
    assert.equal(page.match(/<th class="group" scope="rowgroup"/g)?.length, 4);
  });

  it('counts what this kernel has', () => {
    for (const [i, title] of ['Register opcodes', 'Operations', 'Setup flags', 'Features'].entries()) {
      const answers = Object.values<Answer>(support[KINDS[i] ?? 'ops']);
      const had = answers.filter(({ supported }) => supported === true).length;
      assert.ok(page.includes(`<dt>${title}</dt><dd>${had} of ${answers.length}</dd>`));
    }
  });
});

/** What a page says about itself; the functions run in it. */
const LOOK = `(() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = channels(colour).map((each) => each / 255).map((c) => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const backOf = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const back = getComputedStyle(each).backgroundColor;
      if (channels(back)[3] !== 0) return back;
    }
    return 'rgb(255, 255, 255)';
  };
  const contrast = (element) => {
    const [dark, light] = [getComputedStyle(element).color, backOf(element)].map(luminance).sort((a, b) => a - b);
    return (light + .05) / (dark + .05);
  };
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
  const texts = [...document.body.querySelectorAll('*')].filter((each) => hasText(each) && each.checkVisibility());
  const box = (selector) => document.querySelector(selector).getBoundingClientRect();
  const scroll = document.querySelector('.scroll');
  return {
    title: document.title,
    width: document.documentElement.scrollWidth,
    cells: document.querySelectorAll('td').length,
    rowHeaders: document.querySelectorAll('tbody th[scope=row]').length,
    visibleRows: [...document.querySelectorAll('tbody th[scope=row]')].filter((each) => each.checkVisibility()).length,
    texts: texts.length,
    contrast: Math.min(...texts.map(contrast)),
    back: luminance(getComputedStyle(document.body).backgroundColor),
    table: { inner: scroll.scrollWidth, outer: scroll.clientWidth, tall: scroll.scrollHeight > scroll.clientHeight },
    head: box('thead th.here').top - box('.scroll').top,
    first: box('tbody tr:nth-child(2) th').left - box('.scroll').left,
    seen: box('.scroll').top >= 0 && box('.scroll').bottom <= innerHeight + 1,
    name: box('tbody tr:nth-child(2) th').width,
    touch: Math.min(...[...document.querySelectorAll('label, summary')].map((each) => each.getBoundingClientRect().height)),
  };
})()`;

interface Look {
  readonly title: string;
  readonly width: number;
  readonly cells: number;
  readonly rowHeaders: number;
  readonly visibleRows: number;
  readonly texts: number;
  readonly contrast: number;
  readonly back: number;
  readonly table: { readonly inner: number; readonly outer: number; readonly tall: boolean };
  readonly head: number;
  readonly first: number;
  readonly seen: boolean;
  readonly name: number;
  readonly touch: number;
}

/** Scrolls the page to its end and the table to its middle, and waits until that is drawn. */
const SCROLL = `new Promise((resolve) => {
  scrollTo(0, document.documentElement.scrollHeight);
  document.querySelector('.scroll').scrollTo(150, 1500);
  requestAnimationFrame(() => requestAnimationFrame(() => resolve(true)));
})`;

const PHONE = { width: 390, height: 844, isPhone: true } as const;
const DESKTOP = { width: 1280, height: 900, isPhone: false } as const;
const VIEWS: readonly (readonly [string, View])[] = [
  ['a phone in the light', { ...PHONE, scheme: 'light' }],
  ['a phone in the dark', { ...PHONE, scheme: 'dark' }],
  ['a desktop in the light', { ...DESKTOP, scheme: 'light' }],
  ['a desktop in the dark', { ...DESKTOP, scheme: 'dark' }],
];

describe('the page in Chromium', {
  skip: program === undefined && 'chromium is not installed',
  timeout: 50_000,
}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'uring-page-'));
  const file = join(folder, 'page.html');
  const url = pathToFileURL(file).href;
  let chromium: Chromium;

  before(() => {
    writeFileSync(file, page);
    chromium = new Chromium(program ?? '');
  });

  after(async () => {
    await chromium.close();
    rmSync(folder, { recursive: true });
  });

  for (const [name, view] of VIEWS) {
    it(`on ${name}: only the table scrolls sideways, its headers stay, all text can be read`, async () => {
      await chromium.open(url, view);
      const look = await chromium.evaluate<Look>(LOOK);
      assert.equal(look.title, 'io_uring on Linux 6.18.44-example (x86_64), 2026-11-21 09:30 UTC');
      assert.equal(look.width, view.width);
      assert.deepEqual(
        [look.rowHeaders, look.cells],
        [expected.length, expected.length * (kernels.length + 2)],
      );
      assert.ok(look.texts > look.cells && look.contrast >= 4.5, `contrast ${look.contrast}`);
      assert.equal(look.back > 0.5, view.scheme === 'light');
      assert.ok(look.touch >= 44 && look.table.tall, JSON.stringify(look));
      assert.equal(look.table.inner > look.table.outer, view.isPhone);
      assert.ok(look.name < view.width / 2, `the names are ${look.name} wide`);

      await chromium.evaluate(SCROLL);
      const scrolled = await chromium.evaluate<Look>(LOOK);
      // the border of the frame
      assert.deepEqual([scrolled.head, scrolled.first, scrolled.seen], [1, 1, true]);
      assert.equal(scrolled.width, view.width);
      assert.equal((await chromium.screenshot()).toString('latin1', 1, 4), 'PNG');
    });
  }

  it('can hide what this kernel has, without a script', async () => {
    await chromium.open(url, { ...PHONE, scheme: 'light' });
    await chromium.evaluate("document.querySelector('#lacks').click()");
    const lacking = expected.filter(([, here]) => here !== 'yes').length;
    assert.equal((await chromium.evaluate<Look>(LOOK)).visibleRows, lacking);
    await chromium.evaluate("document.querySelector('#lacks').click()");
    assert.equal((await chromium.evaluate<Look>(LOOK)).visibleRows, expected.length);
  });

  it('is printed whole: nothing is cut off by a frame', async () => {
    await chromium.open(url, { ...DESKTOP, scheme: 'light', media: 'print' });
    const { table, width } = await chromium.evaluate<Look>(LOOK);
    assert.deepEqual([table.tall, table.inner, width], [false, table.outer, DESKTOP.width]);
  });
});
