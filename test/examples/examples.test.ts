/** Each example runs by itself, shows its one idea, and is as short and as independent as it should be. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { probe } from '../../lib/register/support.ts';
import { folder, idea, names } from '../../scripts/idea.ts';
import { registerOps } from '../../structs/register-ops.ts';
import { moduleAt } from '../helpers/loader.ts';
import { knows } from '../helpers/needs.ts';
import { tracefs } from '../helpers/tracefs.ts';
import { run } from './child.ts';

/** A line that an example prints where the kernel has what it shows; of the others anything will do. */
const LINES: { readonly [name: string]: RegExp } = {
  alarm:
    tracefs.needs.skip === undefined
      ? /^ALARM: REGISTER_PERSONALITY by .*, pid \d+/m
      : /^needs (?:root|tracefs)/m,
  'buffer-ring': /^buffer \d+: I am connection 15$/m,
  'cat-many': /^10000 files, \d+ bytes, \d+ files\/s$/m,
  'clone-buffers': /^second ring, with the first one closed: 1048576 bytes$/m,
  'copy-tree': /^500 files copied by io_uring$/m,
  cp: /^5000001 bytes, \d+ MB\/s$/m,
  'echo-server': /^answered 24502500 bytes of 100 connections, in flight: 1$/m,
  eventfd: /^one operation at once, one by a worker: counted 1$/m,
  'fixed-buffers': /^bytes 101..103 of buffer 0 now say ELF$/m,
  'fixed-files': /^slot 1 after the update: I am third$/m,
  hash: /^300 files, 7: a3665435942e6842bd5c0153c11a3d34e20379a3f0fdaee92db8a3c68ad64ca0$/m,
  'http-server':
    /^serving \S+ at http:\/\/127\.0\.0\.1:\d+\n200 \/tail.ts \d+ bytes\n404 \/none \d+ bytes\n404 /m,
  log: /^killed: every record that was told is there, the torn one is cut off$/m,
  personality: process.geteuid?.() === 0 ? /^as the personality: fd \d+$/m : /^needs root$/m,
  proxy: /^100 clients never read; 4 others got 8388608 bytes each\n0 connections had to be closed$/m,
  probe: /^Linux \S+: \d+ of \d+ operations$/m,
  'race-with-abort': /^200 close races: \d+ had the byte, \d+ left it to the next read$/m,
  resize: /^260 completions, all in order$/m,
  restrictions: /^opening a file +refused \(-13\)$/m,
  'sandbox-worker': /^open a file: EACCES$/m,
  tail: /^followed 6 lines, the last one is: line 6$/m,
  'trace-own-calls': /REGISTER_FILES \(1\) = EBUSY/,
  'wait-region': /^stored: 60 ms, waited: \d+\.\d ms$/m,
  'watch-eventfd': /^woken: \d more, 5 of 5$/m,
  workers: /^20 operations that block: never more than 3 worker threads$/m,
};
/** How many lines an example may have; those that do a whole job have a few more. */
const LINES_MAX = 60;
const LONGER: { readonly [name: string]: number } = {
  cp: 80,
  'echo-server': 80,
};
const IMPORTS = /^(?:uring(?:\/(?:fs|host|raw|structs))?|node:[\w/]+)$/;

const examples = names.filter((name) => name !== 'tour');

function source(name: string): string {
  return readFileSync(join(folder, `${name}.ts`), 'utf8');
}

/** What is to be seen: the example's line, or what it needs where the kernel lacks that. */
function expected(name: string): RegExp {
  const [, asked = ''] = /probe\(\)\.\w+\.(\w+)/.exec(source(name)) ?? [];
  const row = registerOps.find((each) => each.name === asked);
  if (row !== undefined && !knows(row.name)) return new RegExp(`^needs Linux ${row.since}$`, 'm');
  const { ops, features } = probe();
  const answer = new Map(Object.entries({ ...ops, ...features })).get(asked);
  if (answer?.supported === false) return new RegExp(`^needs Linux ${answer.since}$`, 'm');
  return LINES[name] ?? /\S/;
}

test('every expected line is that of an example', () => {
  assert.deepEqual(
    Object.keys(LINES).filter((name) => !examples.includes(name)),
    [],
  );
});

for (const name of examples) {
  test(`${name}: short, one sentence for a title, imports only the package and Node`, () => {
    const text = source(name);
    const most = LONGER[name] ?? LINES_MAX;
    assert.ok(text.trimEnd().split('\n').length <= most, `longer than ${most} lines`);
    assert.match(text, /^\/\*\*\s/);
    assert.match(idea(name), /^[A-Z].*\.$/);
    const imports = [...text.matchAll(/from '(.+)'/g)].map(([, from = '']) => from);
    for (const from of imports) assert.match(from, IMPORTS);
  });

  test(`${name}: runs, and shows it`, () => {
    const { status, stdout, stderr } = run([moduleAt(`examples/${name}.ts`)]);
    assert.equal(status, 0, stderr);
    assert.equal(stderr, '');
    assert.match(stdout, expected(name));
  });
}
