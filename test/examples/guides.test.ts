/** What the guides say is true: their programs run, and their links lead somewhere. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../helpers/loader.ts';
import { blocksOf, programsOf, testPrograms } from './programs.ts';

const FOLDER = 'docs/guides';
const guides = readdirSync(join(ROOT, FOLDER)).filter((name) => name.endsWith('.md'));

/** The addresses of a document's headings, as GitHub and TypeDoc make them. */
function anchorsOf(path: string): Set<string> {
  const headings = readFileSync(path, 'utf8')
    .replaceAll(/^```[\s\S]*?^```$/gm, '')
    .matchAll(/^#+ (.*)$/gm);
  return new Set(
    Array.from(headings, ([, text = '']) =>
      text
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, '')
        .trim()
        .replaceAll(/\s/g, '-'),
    ),
  );
}

test('there is a guide for each thing that one asks first', () => {
  assert.ok(guides.length >= 10, guides.join());
});

for (const name of guides) {
  const text = readFileSync(join(ROOT, FOLDER, name), 'utf8');
  const programs = programsOf(blocksOf(text));

  test(`programs of ${name} have names of their own`, () => {
    const names = programs.map((program) => program.name);
    assert.ok(!names.includes(''), 'the first line of a program is its name');
    assert.equal(new Set(names).size, names.length);
  });

  testPrograms(name, programs);

  test(`links of ${name} lead somewhere`, () => {
    for (const [, link = ''] of text.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link)) continue;
      const [to = '', anchor = ''] = link.split('#');
      const target = to === '' ? join(ROOT, FOLDER, name) : join(ROOT, dirname(join(FOLDER, name)), to);
      assert.ok(existsSync(target), `${name}: ${link}`);
      if (anchor !== '') assert.ok(anchorsOf(target).has(anchor), `${name}: ${link}`);
    }
  });
}
