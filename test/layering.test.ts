/** The shape of the package: who imports whom, and what is not written anywhere. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Source, sources } from './helpers/sources.ts';

/** Each layer, and the layers under it that it may import. Beside these: itself, and `ANYWHERE`. */
const LAYERS: { readonly [layer: string]: readonly string[] } = {
  structs: [],
  'lib/sys': ['structs'],
  'lib/register': ['lib/sys', 'structs'],
  'lib/ops': ['lib/sys', 'structs'],
  'lib/ring': ['lib/register', 'lib/ops', 'lib/sys', 'structs'],
  'lib/operations': ['lib/ring', 'lib/register', 'lib/ops', 'lib/sys', 'structs'],
  'lib/async': ['lib/operations', 'lib/ring', 'lib/register', 'lib/ops', 'lib/sys', 'structs'],
  'lib/net': ['lib/async', 'lib/operations', 'lib/ring', 'lib/sys', 'structs'],
  'lib/faces': [
    'lib/net',
    'lib/async',
    'lib/operations',
    'lib/ring',
    'lib/register',
    'lib/ops',
    'lib/sys',
    'structs',
  ],
  'lib/fs': [
    'lib/faces',
    'lib/async',
    'lib/operations',
    'lib/ring',
    'lib/register',
    'lib/ops',
    'lib/sys',
    'structs',
  ],
  'lib/host': ['lib/ring', 'lib/register', 'lib/ops', 'lib/sys', 'structs'],
  'lib/cli': [
    'lib/host',
    'lib/faces',
    'lib/async',
    'lib/ring',
    'lib/register',
    'lib/ops',
    'lib/sys',
    'structs',
  ],
};
/** May be imported from everywhere above `structs`, and what they may import themselves. */
const ANYWHERE: { readonly [path: string]: readonly string[] } = {
  'lib/errors.ts': ['structs'],
};
/** The public entrances of the package: nothing inside imports them. */
const ENTRANCES = ['lib/index.ts', 'lib/raw.ts', 'lib/host.ts', 'lib/fs.ts'];
/** The fence: everything that is unsafe stands here. */
const knowsKoffi = (path: string) => /^(?:lib\/sys\/|structs\/koffi\.ts$)/.test(path);
/** Where types are made of declarations, the compiler has to be told what they are. */
const assertsTypes = (path: string) => knowsKoffi(path) || path === 'structs/layout.ts';

const all = sources('structs', 'lib');
const isOurs = (path: string) => path.startsWith('lib/') || path.startsWith('structs/');

function layerOf(path: string): string | undefined {
  return Object.keys(LAYERS).find((layer) => path.startsWith(`${layer}/`));
}

/** Everything that `find` finds, as `path: what`. */
function collect(find: (source: Source) => Iterable<string>): string[] {
  return all.flatMap((source) => [...find(source)].map((what) => `${source.path}: ${what}`));
}

/** The lines of `code` that match. */
function lines(code: string, pattern: RegExp): string[] {
  return code
    .split('\n')
    .filter((line) => pattern.test(line))
    .map((line) => line.trim());
}

test('the sources are found, and what they import', () => {
  assert.ok(all.length > 60, `${all.length} sources`);
  const ring = all.find(({ path }) => path === 'lib/faces/ring.ts');
  assert.ok(
    ring?.imports.some(({ from, names }) => from === 'lib/ring/base.ts' && names.includes('RingBase')),
  );
  const missing = collect(({ imports }) =>
    imports.map(({ from }) => from).filter((from) => isOurs(from) && !all.some(({ path }) => path === from)),
  );
  assert.deepEqual(missing, []);
});

test('every file is in a layer, is an entrance, or may be imported from anywhere', () => {
  const strays = all.filter(
    ({ path }) => layerOf(path) === undefined && !ENTRANCES.includes(path) && !(path in ANYWHERE),
  );
  assert.deepEqual(
    strays.map(({ path }) => path),
    [],
  );
});

test('imports run downwards', () => {
  const upwards = collect(function* ({ path, imports }) {
    if (ENTRANCES.includes(path)) return;
    const layer = layerOf(path);
    const below = ANYWHERE[path] ?? [layer ?? '', ...(LAYERS[layer ?? ''] ?? [])];
    for (const { from } of imports) {
      if (!isOurs(from)) continue;
      const isAnywhere = from in ANYWHERE && layer !== 'structs';
      if (!isAnywhere && !below.includes(layerOf(from) ?? '')) yield `imports ${from}`;
    }
  });
  assert.deepEqual(upwards, []);
});

/** Folders in which types may still be imported in a circle. Without an exception for a folder its types count too. */
const TYPE_CIRCLES: readonly string[] = [];

/** Circles of imports; `counts` says which imports of a file belong to one. */
function circles(counts: (path: string, isType: boolean) => boolean): string[] {
  const needs = new Map(
    all.map(({ path, imports }) => [
      path,
      imports.filter(({ from, isType }) => isOurs(from) && counts(path, isType)).map(({ from }) => from),
    ]),
  );
  const done = new Set<string>();
  const found: string[] = [];
  const walk = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) found.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
    if (done.has(path) || trail.includes(path)) return;
    for (const next of needs.get(path) ?? []) walk(next, [...trail, path]);
    done.add(path);
  };
  for (const path of needs.keys()) walk(path, []);
  return found;
}

test('no file needs itself to be loaded', () => {
  assert.deepEqual(
    circles((_path, isType) => !isType),
    [],
  );
});

test('no file imports itself in a circle, types counted', () => {
  const isExcepted = (path: string) => TYPE_CIRCLES.some((each) => path.startsWith(each));
  assert.deepEqual(
    circles((path, isType) => !isType || !isExcepted(path)),
    [],
  );
});

test('the core of a ring knows no owner, no operation and no ring; an owner knows no ring', () => {
  const wrong = collect(function* ({ path, imports }) {
    const isCore = path.startsWith('lib/ring/core/');
    if (!isCore && !path.startsWith('lib/ring/owners/')) return;
    const allowed = isCore ? ['lib/ring/core/'] : ['lib/ring/core/', 'lib/ring/owners/'];
    const known = [...allowed, 'lib/register/', 'lib/ops/', 'lib/sys/', 'structs/', 'lib/errors.ts'];
    for (const { from } of imports) {
      if (isOurs(from) && !known.some((each) => from.startsWith(each))) yield `imports ${from}`;
    }
  });
  assert.deepEqual(wrong, []);
});

test('only lib/sys and structs/koffi.ts know koffi', () => {
  const others = collect(({ path, imports }) => {
    if (knowsKoffi(path)) return [];
    return imports
      .filter(({ from, names }) => from === 'koffi' || names.includes('koffi') || from === 'lib/sys/ffi.ts')
      .map(({ from }) => `imports ${from}`);
  });
  assert.deepEqual(others, []);
});

test('beside koffi nothing is imported but Node.js itself, and by the commands what they show things with', () => {
  const others = collect(({ path, imports }) =>
    imports
      .map(({ from }) => from)
      .filter((from) => !isOurs(from) && !from.startsWith('node:') && from !== 'koffi')
      .filter(() => layerOf(path) !== 'lib/cli'),
  );
  assert.deepEqual(others, []);
});

test('no type is asserted but where koffi is called and layouts are made', () => {
  assert.deepEqual(
    collect(({ path, code }) => (assertsTypes(path) ? [] : lines(code, /\bas (?!const\b)[\w{[(]|\bas$/))),
    [],
  );
});

test('no value is called not null without a check', () => {
  assert.deepEqual(
    collect(({ code }) => lines(code, /[\w)\]]!(?=[.;,)\]]|$)/)),
    [],
  );
});

test('there is no any and no enum', () => {
  const forbidden = [/(?::|<|\||&|=>|\bextends|\bis)\s*any\b/, /\bany\[\]/, /\benum \w+ \{/];
  assert.deepEqual(
    collect(({ code }) => forbidden.flatMap((pattern) => lines(code, pattern))),
    [],
  );
});

test('nothing silences the compiler, and what silences the linter says why', () => {
  const silenced = collect(({ text }) => [
    ...lines(text, /@ts-(?:ignore|expect-error|nocheck)/),
    ...lines(text, /biome-ignore/).filter((line) => !/biome-ignore[^:]*: \w+/.test(line)),
  ]);
  assert.deepEqual(silenced, []);
});

test('Node.js 22 can run the sources as they are: there is no using', () => {
  assert.deepEqual(
    collect(({ code }) => lines(code, /\busing \w+ =/)),
    [],
  );
});

/** What `instanceof` may ask for: errors, and what nobody but us makes. */
const ASKED = /^(?:\w*Error|Failure|Flight|Readable|Worker|ArrayBuffer)$/;

test('no caller is asked by instanceof, which runs traps of a Proxy among the prototypes', () => {
  const asked = collect(({ code }) =>
    [...code.matchAll(/\binstanceof (\w+)/g)]
      .map(([, name = '']) => name)
      .filter((name) => !ASKED.test(name)),
  );
  assert.deepEqual(asked, []);
});
