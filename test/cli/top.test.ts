import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { bars } from '../../lib/cli/latency-picture.ts';
import { type Row, rowLines, shortNumber, shortTime } from '../../lib/cli/operation-rows.ts';
import { confinedUring, uring } from '../helpers/cli.ts';
import { cannotConfine } from '../helpers/confined.ts';
import { live, PROGRAM, ran, started } from '../helpers/live-commands.ts';
import { instances } from '../helpers/tracefs.ts';

const NOBODY = 65534;

// ---- wrong use -------------------------------------------------------------------------------------------------------

test('wrong options are usage errors, in one line', () => {
  for (const [args, why] of [
    [['top', '--sort', 'name'], /Allowed choices are rate/],
    [['top', '--metrics', '0.0.0.0:9000'], /only loopback/],
    [['top', '--metrics', '70000'], /it is a port/],
    [['top', '--op', 'OP_NOTHING'], /such as OP_READ/],
    [['latency', '--duration', '0'], /number of seconds/],
    [['trace', '--ops', '--opcode', 'REGISTER_BUFFERS'], /with --ops it is --op/],
    [['trace', '--steps', 'begin'], /of submit, complete/],
  ] as const) {
    const { status, stdout, stderr } = uring(args);
    assert.deepEqual([status, stdout], [2, ''], stderr);
    assert.match(stderr, /^uring: .*\n$/);
    assert.match(stderr, why);
  }
});

test('an ordinary user is told what to do, and exits with 3', {
  skip: cannotConfine({ uid: NOBODY }),
}, () => {
  for (const args of [['top'], ['latency'], ['trace', '--ops']]) {
    const { status, stdout, stderr } = confinedUring({ uid: NOBODY }, args);
    // where tracefs is not even mounted there is nothing to be forbidden
    assert.ok(status === 3 || (status === 4 && /not mounted/.test(stderr)), stderr);
    assert.deepEqual(stdout, '');
    assert.match(stderr, /run as root|mount -t tracefs/);
  }
});

test('help fits 80 columns and has examples', () => {
  for (const command of ['top', 'latency', 'trace']) {
    const { status, stdout } = uring([command, '--help']);
    assert.equal(status, 0);
    assert.match(stdout, /\nExamples:\n {2}uring /);
    assert.deepEqual(
      stdout.split('\n').filter((each) => each.length > 80),
      [],
    );
  }
});

// ---- what is shown ---------------------------------------------------------------------------------------------------

test('metrics are served on loopback, and written whole to a file', live, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'uring-metrics-'));
  const path = join(folder, 'uring.prom');
  const child = started('top', '--metrics', '0', '--textfile', path, '--interval', '0.1');
  try {
    assert.ok(child.stderr);
    const lines = createInterface({ input: child.stderr })[Symbol.asyncIterator]();
    const { value } = await lines.next();
    const url = /http:\S+$/.exec(String(value))?.[0] ?? '';
    // the kernel traces once there is a file
    const [file, ...words] = PROGRAM;
    for (;;) {
      const text = await fetch(url).then((response) => response.text());
      assert.match(text, /# EOF\n$/);
      if (/uring_operations_total\{comm="node[^"]*",operation="CONNECT"\} \d+/.test(text)) break;
      const program = spawn(file ?? '', words, { stdio: 'ignore' });
      assert.deepEqual(await once(program, 'exit'), [0, null]);
    }
    const response = await fetch(url);
    assert.match(response.headers.get('content-type') ?? '', /^application\/openmetrics-text/);
    const text = await response.text();
    assert.match(
      text,
      /uring_operation_latency_seconds_bucket\{comm="node[^"]*",operation="OPENAT",le="\+Inf"\} \d+/,
    );
    assert.equal((await fetch(new URL('/', url))).status, 404);
    assert.match(readFileSync(path, 'utf8'), /# EOF\n$/);
  } finally {
    child.kill('SIGTERM');
    await once(child, 'exit');
    rmSync(folder, { recursive: true });
  }
});

for (const [name, count, ...args] of [
  ['top', 1, '--watch', '--interval', '0.1'],
  ['latency', 1, '--duration', '60'],
  ['trace', 1, '--ops'],
  ['watch', 1],
  ['report', 3, '--json', '--duration', '60'],
] as const) {
  test(`a killed ${name} leaves what it has in the kernel, which the next run removes`, live, async () => {
    const child = started(name, ...args);
    const own = () => instances().filter((each) => each.startsWith(`uring.${child.pid}.`));
    while (own().length < count && child.exitCode === null) await new Promise((done) => setTimeout(done, 20));
    child.kill('SIGKILL');
    await once(child, 'close');
    assert.equal(own().length, count);
    assert.equal(ran('top', '--duration', '0.1').status, 0);
    assert.deepEqual(own(), []);
  });
}

test('a signal ends top in good order, and nothing stays', live, async () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const child = started('top', '--watch', '--interval', '0.1');
    assert.ok(child.stdout);
    await once(child.stdout, 'data');
    child.kill(signal);
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    assert.deepEqual(
      instances().filter((name) => name.startsWith(`uring.${child.pid}.`)),
      [],
    );
  }
});

test('a row with the largest numbers fits the terminal, with its ring too', () => {
  const latency = { count: 1, sumNs: 1, maxNs: 999e9, p50Ns: 123_456, p99Ns: 99.9e9, buckets: [] };
  for (const count of [5140, 49_500, 514_000, 999_000, 5.1e6]) {
    const counts = {
      ...{
        submitted: count,
        refused: 0,
        completed: count,
        errors: count,
        skipped: 0,
        punted: count,
        armed: 0,
      },
      ...{ cut: count, overflow: count, latency },
    };
    const row: Row = {
      ...{ pid: 4_194_303, comm: 'a-name-of-15-ch', ring: undefined, operation: 'RECVMSG_MULTISHOT' },
      ...{ inFlight: count, counts },
    };
    for (const [ring, width] of [
      [undefined, 80],
      ['r999', 80],
      ['r9999', 100],
      ['r9999', 110],
    ] as const) {
      const [head = '', line = ''] = rowLines([{ ...row, ring }], 1, width);
      assert.ok(head.length <= width && line.length <= width, `${width}\n${head}\n${line}`);
      assert.equal(line.length, head.length);
      assert.match(line, ring === undefined ? /^4194303 a-name-/ : new RegExp(` ${ring} `));
    }
  }
});

test('numbers and times are short', () => {
  assert.deepEqual([0, 0.25, 9, 999, 1000, 12_345, 999_499, 1e6].map(shortNumber), [
    '0',
    '0.3',
    '9',
    '999',
    '1.00k',
    '12.3k',
    '999k',
    '1.00M',
  ]);
  assert.deepEqual([undefined, 0, 999, 1500, 20e6, 2e9, 3000e9].map(shortTime), [
    '-',
    '0ns',
    '999ns',
    '1.50us',
    '20.0ms',
    '2.00s',
    '3000s',
  ]);
  const found = bars(
    [
      { fromNs: 10, toNs: 11, count: 3 },
      { fromNs: 40, toNs: 41, count: 2 },
    ],
    1,
  );
  assert.deepEqual(
    found.map(({ fromNs, count }) => [fromNs, count]),
    [
      [8, 3],
      [16, 0],
      [32, 2],
    ],
  );
});
