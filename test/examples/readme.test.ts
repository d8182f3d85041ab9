/** What README.md says is true: its programs run, its tour is the tour, its generated parts are fresh. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { registerOps } from '../../structs/register-ops.ts';
import { moduleAt, ROOT } from '../helpers/loader.ts';
import { run } from './child.ts';
import { blocksOf, programsOf, testPrograms } from './programs.ts';

const text = readFileSync(join(ROOT, 'README.md'), 'utf8');

const blocks = blocksOf(text);
const programs = programsOf(blocks);

test('there are programs for require, import and TypeScript, each with a name', () => {
  const names = programs.map(({ name }) => name);
  assert.deepEqual(names.slice(0, 3), ['first.cjs', 'first.mjs', 'first.ts']);
  assert.equal(new Set(names).size, names.length);
  const others = blocks
    .map(({ language }) => language)
    .filter((each) => !['js', 'ts', 'text'].includes(each));
  assert.deepEqual([...new Set(others)], ['sh', 'console']);
});

testPrograms('README.md', programs);

test('its links work wherever it is read: what they lead to is in the package', () => {
  const { files }: { files: string[] } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const links = Array.from(text.matchAll(/\]\(([^)\s]+)\)/g), ([, link = '']) => link);
  assert.ok(links.length > 10);
  for (const link of links) {
    const [, path] = /^https:\/\/unpkg\.com\/uring\/(.*)$/.exec(link) ?? [];
    assert.ok(path !== undefined || /^(https:\/\/koffi\.dev|#)/.test(link), link);
    if (path === undefined) continue;
    assert.ok(existsSync(join(ROOT, path)), link);
    assert.ok(
      files.some((each) => path === each || path.startsWith(`${each}/`)),
      `${link} is not packed`,
    );
  }
});

test('the commands are scripts of the package', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const used = [...text.matchAll(/npm (?:run )?(start|test|\b(?<=run )\w+)\b/g)].map(([, name = '']) => name);
  assert.ok(used.includes('start') && used.includes('test'));
  for (const name of used) assert.ok(name in scripts, `npm run ${name}`);
});

test('the rows of the tour are rows of the table', () => {
  const tour = blocks.find(({ language }) => language === 'console')?.body ?? '';
  const shown = [...tour.matchAll(/^ ?(\d+) ([A-Z\d_]+) +(\S+) +(\S+) /gm)].map(([, ...columns]) => columns);
  assert.ok(shown.length > 5);
  for (const [value, name, member, since] of shown) {
    const row = registerOps[Number(value)];
    assert.deepEqual([name, member, since], [row?.name, row?.member, row?.since]);
  }
});

test('the generated parts are as the code has them', () => {
  const { status, stderr } = run([moduleAt('scripts/readme.ts'), '--check']);
  assert.equal(status, 0, stderr);
});
