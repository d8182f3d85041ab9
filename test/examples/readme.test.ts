/** What README.md says is true: its programs run, its tour is the tour, its generated parts are fresh. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { registerOps } from '../../structs/register-ops.ts';
import { moduleAt, ROOT } from '../helpers/loader.ts';
import { run, runTypeScript } from './child.ts';

const text = readFileSync(join(ROOT, 'README.md'), 'utf8');

// a folder that has uring installed, as a user's has
const folder = mkdtempSync(join(tmpdir(), 'uring-readme-'));
mkdirSync(join(folder, 'node_modules'));
symlinkSync(ROOT, join(folder, 'node_modules/uring'));
after(() => rmSync(folder, { recursive: true }));

interface Block {
  readonly language: string;
  readonly body: string;
}

const blocks: readonly Block[] = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(
  ([, language = '', body = '']) => ({ language, body }),
);

/** Programs by their file name, with what they print where README says so. */
const programs = blocks.flatMap(({ language, body }, i) => {
  if (language !== 'js' && language !== 'ts') return [];
  const [, name = ''] = /^\/\/ (\S+)\n/.exec(body) ?? [];
  const next = blocks[i + 1];
  return [{ name, language, body, prints: next?.language === 'text' ? next.body : undefined }];
});

const node = (...args: string[]) => runTypeScript(args, { cwd: folder });

test('there are programs for require, import and TypeScript, each with a name', () => {
  const names = programs.map(({ name }) => name);
  assert.deepEqual(names.slice(0, 3), ['first.cjs', 'first.mjs', 'first.ts']);
  assert.equal(new Set(names).size, names.length);
  const others = blocks
    .map(({ language }) => language)
    .filter((each) => !['js', 'ts', 'text'].includes(each));
  assert.deepEqual([...new Set(others)], ['sh', 'console']);
});

for (const { name, body, prints } of programs) {
  test(`${name} runs, and prints what README says`, () => {
    const path = join(folder, name.replace(/\.ts$/, '.mts'));
    writeFileSync(path, body);
    const { status, stdout, stderr } = node(path);
    assert.equal(status, 0, stderr);
    assert.equal(stderr, '');
    if (prints === undefined) assert.notEqual(stdout, '');
    else assert.equal(stdout, prints);
  });
}

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
