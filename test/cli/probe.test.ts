import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { machine, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { askRing, isRefusal } from '../../lib/register/ask.ts';
import { type Answer, probe } from '../../lib/register/support.ts';
import { kernelHas, kernels, measuredKernel, ops } from '../../structs/index.ts';
import { confinedUring, uring } from '../helpers/cli.ts';
import { cannotConfine } from '../helpers/confined.ts';

const IO_URING = [425, 426, 427];
const KINDS = ['register', 'ops', 'setup', 'features'] as const;
const forbidden = isRefusal(Number(askRing())) && 'io_uring is forbidden here';

/** What this kernel says of each name, by the library. */
const answers = new Map(
  KINDS.flatMap((kind) =>
    Object.entries<Answer>(probe()[kind]).map(([name, answer]) => [name, answer] as const),
  ),
);

/** The names for which the test holds, in full. */
function names(test: (name: string, supported: boolean | undefined) => boolean): string[] {
  return [...answers].flatMap(([name, { supported }]) => (test(name, supported) ? [`IORING_${name}`] : []));
}

function stdoutOf(...args: string[]): string {
  const { status, stdout, stderr } = uring(['probe', ...args]);
  assert.deepEqual([status, stderr], [0, '']);
  return stdout;
}

describe('uring probe with a wrong argument', () => {
  it('refuses what is no version of a kernel with io_uring', () => {
    for (const version of ['5.0', '4.19', '6.1,x\x1b', '6', 'v']) {
      const { status, stdout, stderr } = uring(['probe', '--against', version]);
      assert.deepEqual([status, stdout], [2, ''], version);
      assert.match(
        stderr,
        /^uring: probe --against: \S+ is no version of a kernel with io_uring; from 5\.1 on: /,
      );
    }
  });

  it('names what --need does not know', () => {
    const { status, stdout, stderr } = uring(['probe', '--need', 'OP_READ,OP_REED']);
    assert.deepEqual([status, stdout], [2, '']);
    assert.equal(stderr, 'uring: probe --need: nothing is called OP_REED; "uring probe" has the names\n');
  });

  it('refuses a list without any', () => {
    for (const args of [
      ['--need', ','],
      ['--against', ' '],
    ]) {
      const { status, stderr } = uring(['probe', ...args]);
      assert.equal(status, 2);
      assert.match(stderr, /^uring: probe --\w+: the list is empty; .*\n$/);
    }
  });

  it('refuses --html beside --json, and writes nothing', () => {
    const file = join(tmpdir(), `uring-not-written-${process.pid}.html`);
    const { status, stderr } = uring(['probe', '--html', file, '--json']);
    assert.equal(status, 2);
    assert.match(stderr, /^uring: probe: option '--html <file>' cannot be used with option '--json'; see /);
    assert.equal(existsSync(file), false);
  });
});

describe('uring probe where io_uring is forbidden', () => {
  const eperm = { seccomp: { syscalls: IO_URING, errno: 1 } };
  const enosys = { seccomp: { syscalls: IO_URING, errno: 38 } };

  it('exits with 4 and one line that has the reason', { skip: cannotConfine(eperm) }, () => {
    for (const args of [['--json'], ['--need', 'OP_READ'], ['--html', '-']]) {
      const { status, stdout, stderr } = confinedUring(eperm, ['probe', ...args]);
      assert.deepEqual([status, stdout], [4, '']);
      const why = 'no ring can be made: Operation not permitted (EPERM)';
      assert.equal(stderr, `uring: probe: ${why}; "uring doctor" tells the cause\n`);
    }
    assert.match(confinedUring(enosys, ['probe']).stderr, /^uring: probe: .* \(ENOSYS\); "uring doctor" /);
  });

  it('answers all the same what measured kernels have', { skip: cannotConfine(eperm) }, () => {
    const { status, stdout } = confinedUring(eperm, ['probe', '--need', 'OP_PIPE', '--against', '6.16']);
    assert.deepEqual([status, stdout], [0, '6.16.12 has all 1\n']);
  });
});

describe('uring probe', { skip: forbidden }, () => {
  const { stdout: matrix } = uring(['probe'], { env: { CI: 'true' } });

  it('--json has every answer of the library, by the full names', () => {
    const { v, kernel, arch, ...sections } = JSON.parse(stdoutOf('--json'));
    assert.deepEqual([v, kernel, arch], [1, probe().kernel, machine()]);
    assert.deepEqual(Object.keys(sections), [...KINDS]);
    for (const kind of KINDS) {
      const expected = Object.entries<Answer>(probe()[kind]).map(([name, { supported, since, by }]) => [
        `IORING_${name}`,
        { supported: supported ?? null, since, by },
      ]);
      assert.deepEqual(sections[kind], Object.fromEntries(expected));
    }
  });

  it('shows each name once, on a line that begins with its answer and its since', () => {
    const shown = matrix
      .split('\n')
      .filter((line) => /^(?:yes|no|\?) /.test(line))
      .flatMap((line) => {
        const [answer, since, ...found] = line.split(/ +/);
        return found.map((name) => [name, answer, since] as const);
      });
    assert.equal(shown.length, answers.size);
    for (const [name, answer, since] of shown) {
      const { supported, since: expected } = answers.get(name) ?? {};
      const word = supported === undefined ? '?' : supported ? 'yes' : 'no';
      assert.deepEqual([answer, since], [word, expected], name);
    }
  });

  it('counts what is there, and says how it is known', () => {
    const had = Object.values<Answer>(probe().ops).filter(({ supported }) => supported === true).length;
    assert.match(matrix, new RegExp(`^Operations: ${had} of ${ops.length} \\(by REGISTER_PROBE\\)$`, 'm'));
  });

  it('fits 80 columns, without colours where nobody looks', () => {
    assert.deepEqual(
      matrix.split('\n').filter((line) => line.length > 80),
      [],
    );
    assert.ok(!matrix.includes('\x1b'));
  });

  it('has colours where they are asked for, and never with NO_COLOR', () => {
    const colours = uring(['probe'], { env: { FORCE_COLOR: '1' } }).stdout;
    assert.ok(colours.includes('\x1b[32myes '));
    assert.ok(!uring(['probe'], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } }).stdout.includes('\x1b'));
  });
});

describe('uring probe --against', { skip: forbidden }, () => {
  it('--json tells what is lost and gained, an object for each kernel', () => {
    const versions = kernels.map(({ version }) => version);
    const lines = stdoutOf('--json', '--against', versions.join(',')).trimEnd().split('\n');
    assert.equal(lines.length, kernels.length);
    for (const [i, other] of kernels.entries()) {
      assert.deepEqual(JSON.parse(lines[i] ?? ''), {
        v: 1,
        kernel: probe().kernel,
        against: other.version,
        against_release: other.release,
        against_arch: 'x86_64',
        against_measured: true,
        lost: names((name, here) => here === true && !kernelHas(other, name)),
        gained: names((name, here) => here === false && kernelHas(other, name)),
        unknown: names((_, here) => here === undefined),
      });
    }
  });

  it('tells of a kernel that was not measured what mainline had, and says so', () => {
    const { status, stdout, stderr } = uring(['probe', '--json', '--against', '5.15,6.6.30']);
    assert.equal(status, 0);
    const [old, newer] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual([old.against, old.against_release, old.against_measured], ['5.15', null, false]);
    assert.ok(
      old.lost.includes('IORING_REGISTER_PBUF_RING') && !old.lost.includes('IORING_REGISTER_IOWQ_AFF'),
    );
    assert.ok(!newer.lost.includes('IORING_REGISTER_PBUF_RING'));
    assert.match(stderr, /5\.15 was not measured: this is what mainline had\n.*6\.6\.30 was not measured/);
    const need = uring(['probe', '--need', 'REGISTER_PBUF_RING', '--against', '5.15']);
    assert.equal(need.status, 1);
    assert.match(need.stderr, /5\.15 was not measured/);
  });

  it('takes a series for its newest kernel', () => {
    assert.equal(JSON.parse(stdoutOf('--json', '--against', '6.12')).against, '6.12.117');
  });

  it('shows the same to people, the oldest loss first', () => {
    const other = measuredKernel('5.10');
    assert.ok(other !== undefined);
    const [head = '', ...lines] = stdoutOf('--against', '5.10').trimEnd().split('\n');
    const lost = names((name, here) => here === true && !kernelHas(other, name));
    const gained = names((name, here) => here === false && kernelHas(other, name));
    assert.equal(head, `From ${probe().kernel} to 5.10.262: ${lost.length} lost, ${gained.length} gained`);
    const shown = lines.filter((line) => line.startsWith('lost ')).map((line) => line.split(/ +/));
    const found = shown.flatMap(([, , ...each]) => each.map((name) => `IORING_${name}`));
    assert.deepEqual(found.sort(), lost.sort());
    const minors = shown.map(
      ([, since = '']) => Number(since.split('.')[0]) * 1000 + Number(since.split('.')[1]),
    );
    assert.deepEqual(
      minors,
      minors.toSorted((a, b) => a - b),
    );
  });
});

describe('uring probe --need', () => {
  it('exits with 0 where all is there, and takes names with and without IORING_', { skip: forbidden }, () => {
    const all = names((_, supported) => supported === true);
    assert.equal(stdoutOf('--need', all.join(',')), `${probe().kernel} has all ${all.length}\n`);
    assert.equal(stdoutOf('--need', 'op_nop REGISTER_BUFFERS'), `${probe().kernel} has all 2\n`);
  });

  it('exits with 1 and names what is missing, kernel by kernel', () => {
    const { status, stdout, stderr } = uring([
      'probe',
      '--need',
      'OP_READ,OP_PIPE,REGISTER_QUERY',
      '--against',
      '6.1,6.16,6.18',
    ]);
    assert.deepEqual([status, stderr], [1, '']);
    assert.deepEqual(stdout.trimEnd().split('\n'), [
      '6.1.192 lacks 2 of 3',
      'no   6.16  OP_PIPE',
      'no   6.18  REGISTER_QUERY',
      '6.16.12 lacks 1 of 3',
      'no   6.18  REGISTER_QUERY',
      '6.18.44 has all 3',
    ]);
  });

  it('--json has the same, an object for each kernel', () => {
    const { status, stdout } = uring([
      'probe',
      '--json',
      '--need',
      'OP_READ,OP_PIPE',
      '--against',
      '6.1,6.16',
    ]);
    assert.equal(status, 1);
    const common = { v: 1, need: ['IORING_OP_READ', 'IORING_OP_PIPE'], unknown: [] };
    assert.deepEqual(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
      [
        { ...common, kernel: '6.1.192', ok: false, missing: ['IORING_OP_PIPE'] },
        { ...common, kernel: '6.16.12', ok: true, missing: [] },
      ],
    );
  });
});

describe('uring probe --html', { skip: forbidden }, () => {
  it('says why a file could not be written', () => {
    const missing = uring(['probe', '--html', '/nonexistent/page.html']);
    assert.equal(missing.status, 1);
    const why = 'No such file or directory (ENOENT)';
    assert.equal(missing.stderr, `uring: probe --html /nonexistent/page.html: ${why}\n`);
    const full = uring(['probe', '--html', '/dev/full']);
    assert.equal(full.status, 1);
    assert.equal(full.stderr, 'uring: probe --html /dev/full: No space left on device (ENOSPC)\n');
  });

  it('writes the page into a file, or to stdout', () => {
    const folder = mkdtempSync(join(tmpdir(), 'uring-html-'));
    try {
      const file = join(folder, 'page.html');
      assert.equal(stdoutOf('--html', file), '');
      const page = readFileSync(file, 'utf8');
      assert.match(page, /^<!doctype html>\n[\s\S]*<\/html>\n$/);
      const withoutTime = (text: string) => text.replace(/\d{4}-\d\d-\d\d[T ][\d:.]+/g, '');
      assert.equal(withoutTime(stdoutOf('--html', '-')), withoutTime(page));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
