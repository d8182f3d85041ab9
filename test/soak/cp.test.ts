/** The example cp with a large file, to its end and killed in the middle. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { run, start } from '../examples/child.ts';
import { moduleAt } from '../helpers/loader.ts';

const GIB = 2 ** 30;
/** With a last piece that is none of a whole number of pages. */
const SIZE = GIB + 12_345;
/** What the example has in flight: of so much at the end of an unfinished target, pieces may be missing. */
const IN_FLIGHT = 2 * 2 ** 20;

const { bavail, bsize } = statfsSync(tmpdir());
const needs = bavail * bsize < 3 * GIB ? { skip: `needs 3 GiB in ${tmpdir()}` } : {};

const folder = mkdtempSync(join(tmpdir(), 'uring-cp-soak-'));
after(() => rmSync(folder, { recursive: true }));
const source = join(folder, 'source');
const target = join(folder, 'target');
const program = [moduleAt('examples/cp.ts'), source, target];

/** Calls `use` with one stretch of a file after the other. */
function eachStretch(path: string, use: (bytes: Buffer, at: number) => void): void {
  const fd = openSync(path, 'r');
  const room = Buffer.alloc(2 ** 22);
  for (let at = 0, length = -1; length !== 0; at += length) {
    length = readSync(fd, room, 0, room.length, at);
    use(room.subarray(0, length), at);
  }
  closeSync(fd);
}

function digest(path: string): string {
  const hash = createHash('sha1');
  eachStretch(path, (bytes) => hash.update(bytes));
  return hash.digest('hex');
}

/** Random bytes, with the number of each page in it, so that no two are alike. */
function makeSource(): string {
  const block = randomBytes(2 ** 23);
  const hash = createHash('sha1');
  const fd = openSync(source, 'w');
  for (let at = 0; at < SIZE; at += block.length) {
    for (let page = 0; page < block.length; page += 4096) block.writeDoubleLE(at + page, page);
    const bytes = block.subarray(0, SIZE - at);
    hash.update(bytes);
    assert.equal(writeSync(fd, bytes), bytes.length);
  }
  closeSync(fd);
  return hash.digest('hex');
}

/** Processes of a group that are there, and no zombies. */
function membersOf(group: number): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const [, state, , itsGroup] =
        /\) (\S) (\d+) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
      return Number(itsGroup) === group && state !== 'Z';
    } catch {
      return false; // it has just ended
    }
  });
}

test('a gibibyte, killed in the middle, and again to its end', needs, async (t) => {
  const expected = makeSource();

  await t.test('killed: no process is left, the source is whole, the target is its beginning', async () => {
    const child = start(program);
    const ended = once(child, 'exit');
    const { pid } = child;
    assert.ok(pid);
    const size = () => statSync(target, { throwIfNoEntry: false })?.size ?? 0;
    while (size() < 100 * 2 ** 20) {
      assert.equal(child.exitCode, null, 'it ended by itself');
      await new Promise((resolve) => setImmediate(resolve));
    }
    child.kill('SIGKILL');
    assert.deepEqual(await ended, [null, 'SIGKILL']);
    assert.deepEqual(membersOf(pid), []);

    const reached = size();
    t.diagnostic(`killed at ${reached} of ${SIZE} bytes`);
    assert.ok(reached < SIZE);
    assert.equal(digest(source), expected);
    // every byte is the source's, or in the last pieces perhaps a zero
    const fd = openSync(source, 'r');
    let zeros = 0;
    eachStretch(target, (bytes, at) => {
      const right = Buffer.alloc(bytes.length);
      assert.equal(readSync(fd, right, 0, right.length, at), right.length);
      if (bytes.equals(right)) return;
      bytes.forEach((byte, i) => {
        if (byte === right[i]) return;
        assert.equal(byte, 0, `byte ${at + i} is neither the source's nor 0`);
        assert.ok(at + i >= reached - IN_FLIGHT, `byte ${at + i} of ${reached} is missing`);
        zeros++;
      });
    });
    closeSync(fd);
    t.diagnostic(`${zeros} bytes before the end are missing`);
    assert.equal(size(), reached, 'nobody writes any more');
  });

  await t.test('a second run completes it: cmp finds no difference', () => {
    const begin = performance.now();
    const { status, stdout, stderr } = run(program);
    t.diagnostic(`${stdout.trim()}, ${Math.round(performance.now() - begin)} ms with its start`);
    assert.equal(status, 0, stderr);
    assert.match(stdout, new RegExp(`^${SIZE} bytes`));
    const cmp = spawnSync('cmp', [source, target], { encoding: 'utf8' });
    assert.equal(cmp.status, 0, cmp.stdout + cmp.stderr);
    assert.equal(digest(source), expected);
  });
});
