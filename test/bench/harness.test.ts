/** The harness of the benchmarks: fair turns, equal data, right arithmetic. How fast anything is, no test says. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { families } from '../../bench/families.ts';
import { digits, duration, rate } from '../../bench/format.ts';
import { type Family, Kit, measure } from '../../bench/harness.ts';
import { difference, type Row, ratio, summary, type Turn } from '../../bench/measure.ts';
import { svg } from '../../bench/plot.ts';
import type { Side } from '../../bench/side.ts';
import { verdicts } from '../../bench/targets.ts';
import { LOADER, moduleAt, ROOT } from '../helpers/loader.ts';

const EFFORT = { rounds: 3, turnMs: 1, isQuick: true };

function turnOf(ns: number, sum = 0): Turn {
  return { ns, cpuNs: ns, p50: 0, p99: 0, sum };
}

/** A row whose rounds took so long. */
function row(family: string, name: string, by: string, ...ns: readonly number[]): Row {
  return { family, case: name, by, turns: ns.map((each) => turnOf(each)) };
}

/** A family of two sides that are no processes. */
function familyOf(sides: { readonly [by: string]: Side }, more: Partial<Family> = {}): Family {
  return {
    name: 'fake',
    title: 'Fakes',
    unit: 'nothing',
    how: '',
    plot: { axes: ['time'] },
    cases: ['one', 'two'],
    count: () => 100,
    workers: {},
    sides: async (kit) => {
      for (const [by, side] of Object.entries(sides)) kit.sides.set(by, side);
    },
    ...more,
  };
}

function run(family: Family): Promise<Row[]> {
  return measure(family, new Kit(family, tmpdir(), EFFORT), () => {});
}

function bench(...args: readonly string[]) {
  const given = [...LOADER, moduleAt('bench/run.ts'), ...args];
  return spawnSync(process.execPath, given, { encoding: 'utf8', cwd: ROOT });
}

test('medians and quartiles lie between values; ratios are those of the same round', () => {
  assert.deepEqual(summary([4, 1, 3, 2]), { low: 1.75, median: 2.5, high: 3.25 });
  assert.deepEqual(summary([7]), { low: 7, median: 7, high: 7 });
  const [a, b] = [row('f', 'c', 'a', 20, 200, 2000), row('f', 'c', 'b', 10, 100, 1000)];
  assert.deepEqual(ratio(a, b, 'ns'), { low: 2, median: 2, high: 2 });
  assert.equal(difference(a, b, 'ns').median, 100);
});

test('numbers have three digits and the unit that fits', () => {
  assert.deepEqual([0.0714, 5, 99.96, 100, 123.4, 12345].map(digits), [
    '0.0714',
    '5',
    '100',
    '100',
    '123',
    '12,345',
  ]);
  assert.deepEqual([7.5, 1234, 2e6, 3e9].map(duration), ['7.5 ns', '1.23 µs', '2 ms', '3 s']);
  assert.deepEqual([12, 99_960, 2.5e6].map(rate), ['12 /s', '100 k/s', '2.5 M/s']);
});

test('sides take turns with the same count and seed, and the first round does not count', async () => {
  const seen: string[] = [];
  const side = (by: string): Side => ({
    async turn(name, count, seed) {
      seen.push(`${name} ${by} ${count} ${seed}`);
      return turnOf(seed);
    },
    close() {},
  });
  const rows = await run(
    familyOf({ A: side('A'), B: side('B') }, { cases: ['one'], lacks: (by) => by === 'C' }),
  );
  assert.deepEqual(
    seen,
    [1, 2, 3, 4].flatMap((seed) => [`one A 100 ${seed}`, `one B 100 ${seed}`]),
  );
  assert.deepEqual(
    rows.map(({ by, turns }) => [by, turns.map(({ ns }) => ns)]),
    [
      ['A', [2, 3, 4]],
      ['B', [2, 3, 4]],
    ],
  );
});

test('a side that did not read what it had to ends the benchmark', async () => {
  const side = (sum: number): Side => ({ turn: async () => turnOf(1, sum), close() {} });
  const expected = () => 5;
  await assert.rejects(run(familyOf({ A: side(5), B: side(6) }, { expected })), /B read 6 instead of 5/);
  assert.equal((await run(familyOf({ A: side(5), B: side(5) }, { expected }))).length, 4);
});

test('a target is judged by the median of its ratios, and left out where nobody measured it', () => {
  const rows = [row('nop', '32', 'C', 10, 10, 10), row('nop', '32', 'Ring', 12.5, 10, 20)];
  assert.deepEqual(verdicts(rows), [
    {
      what: 'NOP through Ring, batch 32, to C',
      target: '≥ 0.74 ×',
      value: '0.8 (0.65 to 0.9)',
      isMet: true,
      isOfMachine: false,
    },
  ]);
  assert.equal(verdicts([row('nop', '32', 'C', 10), row('nop', '32', 'Ring', 15)])[0]?.isMet, false);
  assert.deepEqual(verdicts([]), []);
});

test('a plot has the title, each side with its ratio, and a white ground', async () => {
  for (const family of families) {
    const rows = family.cases.flatMap((name) => [
      row(family.name, name, 'C', 50, 60, 70),
      row(family.name, name, 'AsyncRing', 100, 120, 140),
    ]);
    const drawn = await svg(family, rows, 'a machine');
    assert.match(drawn, /^<svg .*<rect [^>]*fill="white"/);
    for (const text of ['a machine', ...(family.plot.isLine ? [] : ['AsyncRing', 'C'])])
      assert.ok(drawn.includes(`>${text}<`), text);
    if (!family.plot.isLine && family.plot.axes[0] === 'time') assert.match(drawn, /120 ns {2}×2</);
  }
});

test('uring/fs is drawn in the colour of this library, not in that of Node.js', async () => {
  const [family] = families;
  assert.ok(family);
  const fills = async (by: string) =>
    new Set((await svg(family, [row(family.name, '1', by, 1, 2, 3)], '')).match(/fill="#\w{6}"/g));
  assert.deepEqual(await fills('createServer, uring/fs'), await fills('AsyncRing'));
  assert.notDeepEqual(await fills('fs.promises'), await fills('AsyncRing'));
});

describe('the command', () => {
  test('refuses a name that it does not have', () => {
    const { status, stderr } = bench('nonsense');
    assert.match(stderr, /no benchmark nonsense/);
    assert.notEqual(status, 0);
  });

  test('lists its names', () => {
    const { stdout } = bench('--list');
    assert.deepEqual(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ')[0]),
      families.map(({ name }) => name),
    );
  });

  test('writes the page and the plots of a run, and --check exits with 1 for a missed target', () => {
    const folder = mkdtempSync(join(tmpdir(), 'uring-test-'));
    try {
      const from = join(folder, 'run.json');
      const host = {
        cpu: 'a cpu',
        cpus: 2,
        kernel: '6.1',
        node: 'v20',
        storage: 'a disk',
        rounds: 1,
        load: 0,
        memoryGib: 1,
        date: 'today',
        arch: 'x64',
      };
      const rows = [row('nop', '32', 'C', 10), row('nop', '32', 'Ring', 20)];
      writeFileSync(from, JSON.stringify({ v: 1, host, rows, skipped: [] }));
      const { status, stdout } = bench('--from', from, '--docs', folder, '--check');
      assert.match(stdout, /NOP through Ring, batch 32, to C +≥ 0.74 × +0\.5 .* NOT MET/);
      assert.equal(status, 1);
      const page = readFileSync(join(folder, 'bench.md'), 'utf8');
      assert.match(page, /!\[NOPs.*\]\(bench\/nop\.svg\)/);
      assert.match(page, /\| 32 \| Ring \| 20 ns \|/);
      assert.match(readFileSync(join(folder, 'bench/nop.svg'), 'utf8'), /^<svg/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
