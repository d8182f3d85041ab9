/**
 * A program opens, reads, connects and sends by a ring alone: what the commands say of it is what it says itself.
 * `npm run test:kernels -- --only cli/operations` runs it in guests.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import {
  COUNT,
  EXPECTED,
  jsonOf,
  LASTING_PROGRAM,
  live,
  PROGRAM,
  ran,
  resultsIn,
  started,
} from '../helpers/live-commands.ts';
import { patience } from '../helpers/patience.ts';
import { globalSettings, needsKernelCounts } from '../helpers/tracefs.ts';

/** Who counts here: the name of a test says it for each guest. */
const COUNTED = needsKernelCounts.skip === undefined ? 'the kernel' : 'events';

test('trace --ops shows each operation of a program with name, result and latency', live, () => {
  const { status, stdout, stderr } = ran('trace', '--ops', '--json', '--', ...PROGRAM);
  assert.equal(status, 0, stderr);
  const done = jsonOf(stdout).filter(({ type }) => type === 'complete');
  const results = resultsIn(stderr);
  assert.deepEqual(new Set(results.keys()), new Set(Object.keys(EXPECTED)));
  for (const [name, expected] of results) {
    const own = done.filter((each) => each.opcode_name === `IORING_OP_${name}`);
    assert.deepEqual(
      own.map(({ res }) => res),
      expected,
      name,
    );
    const measured = own.filter(({ latency_ns: latency }) => Number(latency) > 0);
    assert.equal(measured.length, expected.length, name);
  }
});

test('trace --op shows a line for each operation of that kind', live, () => {
  const table = ran('trace', '--op', 'OP_CONNECT', '--', ...PROGRAM);
  const lines = table.stdout.split('\n').filter((each) => each.includes('OP_CONNECT'));
  assert.equal(lines.length, COUNT);
  // it is about operations: whether there are events of system calls is nobody's concern
  assert.doesNotMatch(table.stderr, /no events for system calls/);
  assert.match(lines[0] ?? '', /^\+\d+\.\d{6} \d+ +\S+ +r\d+ +OP_CONNECT +-E\w+ +\d+\.\d{3}/);
});

test(`top counts as many as the program made, by ${COUNTED}`, live, () => {
  const before = globalSettings();
  const { status, stdout, stderr } = ran('top', '--', ...PROGRAM);
  assert.equal(status, 0, stderr);
  for (const [name, results] of resultsIn(stderr)) {
    const row = stdout.split('\n').find((each) => each.includes(` ${name} `)) ?? '';
    const failed = results.filter((each) => each < 0).length;
    const latencies = '(?:\\d[\\d.]*[num]?s +){3}';
    assert.match(
      row,
      new RegExp(`^ *\\d+ \\S+ +${name} +${results.length} +${failed} +0 +${latencies}`),
      stdout,
    );
  }
  assert.deepEqual(
    stdout.split('\n').filter((each) => each.length > 80),
    [],
  );
  assert.match(stdout, new RegExp(`\\d+ operations in 1 process over .* counted by ${COUNTED}`));
  assert.deepEqual(globalSettings(), before);
});

test('the intervals of top add up to what the program made', live, () => {
  const { stdout, stderr } = ran('top', '--json', '--interval', '0.1', '--', ...PROGRAM);
  const lines = jsonOf(stdout);
  for (const [name, results] of resultsIn(stderr)) {
    const own = lines.filter((each) => each.opcode_name === `IORING_OP_${name}`);
    const sum = (of: 'submitted' | 'errors' | 'completed') => own.reduce((all, each) => all + each[of], 0);
    const failed = results.filter((each) => each < 0).length;
    assert.deepEqual(
      [sum('submitted'), sum('completed'), sum('errors')],
      [results.length, results.length, failed],
      name,
    );
  }
  assert.equal(lines.at(-1)?.type, 'interval');
});

test('watch raises what it should as soon as the program has done it', live, async () => {
  const child = started('watch', '--json');
  assert.ok(child.stdout);
  const found: { readonly pid: number; readonly rule: string; readonly exe: string; readonly at: number }[] =
    [];
  createInterface({ input: child.stdout }).on('line', (line) =>
    found.push({ ...JSON.parse(line), at: Date.now() }),
  );
  const [file = '', ...words] = LASTING_PROGRAM;
  try {
    // the kernel traces when a program is seen
    for (let tries = 0; ; tries++) {
      assert.ok(tries < 20, 'nothing was found');
      const program = spawn(file, words, { stdio: ['ignore', 'pipe', 'inherit'] });
      let said = '';
      program.stdout.on('data', (chunk) => {
        said += chunk;
      });
      assert.deepEqual(await once(program, 'close'), [0, null]);
      const own = found.filter(({ pid }) => pid === program.pid);
      if (own.length === 0) continue;
      assert.deepEqual(own.map(({ rule }) => rule).sort(), ['open-and-connect', 'outgoing-connection']);
      const did = Number(/^DID (\d+)$/m.exec(said)?.[1]);
      // a second is what is promised; a busy machine has more time
      for (const { exe, at } of own) {
        assert.equal(exe, process.execPath);
        assert.ok(at - did < patience(5000), `${at - did} ms`);
      }
      break;
    }
  } finally {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
});
