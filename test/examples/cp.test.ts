/** The example cp copies what it is given, byte for byte, and harms nothing where it can't. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { moduleAt } from '../helpers/loader.ts';
import { run } from './child.ts';

const folder = mkdtempSync(join(tmpdir(), 'uring-cp-test-'));
after(() => rmSync(folder, { recursive: true }));

const PIECE = 256 * 1024;
const target = join(folder, 'target');
const sample = join(folder, 'sample');
writeFileSync(sample, 'a sample');

function cp(from: string, to: string) {
  return run([moduleAt('examples/cp.ts'), from, to]);
}

/** It fails with this in its message, and the sample is as it was. */
function fails(from: string, to: string, message: RegExp): void {
  const { status, stderr } = cp(from, to);
  assert.equal(status, 1);
  assert.match(stderr, message);
  assert.equal(readFileSync(sample, 'utf8'), 'a sample');
}

test('a file onto itself, by whatever name: refused', () => {
  const link = join(folder, 'link');
  symlinkSync(sample, link);
  fails(sample, sample, /sample is .*sample/);
  fails(sample, link, /sample is .*link/);
});

test('a source that is not there: no target comes to be', () => {
  fails(join(folder, 'nothing'), join(folder, 'new'), /ENOENT/);
  assert.ok(!existsSync(join(folder, 'new')));
});

test('a target that is a folder, and one without room', () => {
  fails(sample, folder, /EISDIR/);
  fails(sample, '/dev/full', /ENOSPC/);
});

for (const size of [0, 1, PIECE - 1, PIECE, 8 * PIECE, 19 * PIECE + 4097]) {
  test(`${size} bytes, over a longer file`, () => {
    const source = join(folder, `${size}`);
    const bytes = randomBytes(size);
    writeFileSync(source, bytes);
    writeFileSync(target, Buffer.alloc(size + 1, 'x'));
    const { status, stdout, stderr } = cp(source, target);
    assert.equal(status, 0, stderr);
    assert.equal(stderr, '');
    assert.match(stdout, new RegExp(`^${size} bytes`));
    assert.ok(readFileSync(target).equals(bytes));
  });
}

test('a file that does not know its size, and one that has fewer bytes than it says', () => {
  // 0 bytes by stat(2); and a whole page
  for (const source of ['/proc/version', '/sys/kernel/mm/transparent_hugepage/enabled']) {
    if (!existsSync(source)) continue;
    const { status, stderr } = cp(source, target);
    assert.equal(status, 0, stderr);
    assert.notEqual(statSync(source).size, statSync(target).size);
    assert.equal(readFileSync(target, 'utf8'), readFileSync(source, 'utf8'));
  }
});
