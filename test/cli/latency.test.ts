import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { svg } from '../../lib/cli/latency-picture.ts';
import { Chromium, program as chromium } from '../helpers/chromium.ts';
import { COUNT, EXPECTED, jsonOf, live, PROGRAM, ran } from '../helpers/live-commands.ts';

test('latency shows every latency in one bar, as text, JSON, SVG and a page', live, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'uring-latency-'));
  try {
    const text = ran('latency', '--op', 'OP_CONNECT', '--', ...PROGRAM).stdout;
    assert.match(
      text,
      new RegExp(`^CONNECT: ${COUNT} completions, p50 \\S+, p99 \\S+, max \\S+, ${COUNT} errors\n`),
    );
    const counts = [...text.matchAll(/ (\d+) │/g)].map(([, count]) => Number(count));
    assert.equal(
      counts.reduce((sum, each) => sum + each, 0),
      COUNT,
    );
    assert.deepEqual(
      text.split('\n').filter((each) => each.length > 80),
      [],
    );
    const [json] = jsonOf(ran('latency', '--json', '--op', 'OP_READ', '--', ...PROGRAM).stdout);
    assert.equal(
      json?.buckets.reduce((sum, { count }) => sum + count, 0),
      COUNT,
    );
    const [page, picture] = [join(folder, 'latency.html'), join(folder, 'latency.svg')];
    assert.equal(ran('latency', '--html', page, '--svg', picture, '--', ...PROGRAM).status, 0);
    assert.match(readFileSync(picture, 'utf8'), /^<svg xmlns=[\s\S]*<\/svg>\n$/);
    const html = readFileSync(page, 'utf8');
    assert.equal([...html.matchAll(/<svg /g)].length, Object.keys(EXPECTED).length);
    if (chromium === undefined) return;
    const browser = new Chromium(chromium);
    try {
      for (const width of [390, 1280]) {
        await browser.open(`file://${page}`, { width, height: 800, scheme: 'light', isPhone: width < 500 });
        assert.equal(await browser.evaluate<number>('document.documentElement.scrollWidth'), width);
      }
    } finally {
      await browser.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('times under a picture stand apart, whatever it shows', () => {
  for (const least of [90, 1100, 90_000, 1e6, 3e7]) {
    for (const ratio of [1.01, 2, 9, 60, 900, 2e3, 1e6]) {
      const [p50Ns, p99Ns] = [least, least * ratio];
      const buckets = [p50Ns, p99Ns].map((ns) => ({
        fromNs: Math.floor(ns),
        toNs: Math.floor(ns) + 1,
        count: 1,
      }));
      const picture = svg('READ', { count: 2, sumNs: 1, maxNs: p99Ns, p50Ns, p99Ns, buckets });
      const middles = [...picture.matchAll(/<text x="([\d.]+)" y="148"/g)].map(([, x]) => Number(x));
      assert.ok(
        middles.length >= 2 && middles.length <= 9,
        `${middles.length} from ${least}, ${ratio} times`,
      );
      for (const [i, x] of middles.entries())
        assert.ok(i === 0 || x - (middles[i - 1] ?? 0) > 40, `${middles} from ${least}, ${ratio} times`);
    }
  }
});
