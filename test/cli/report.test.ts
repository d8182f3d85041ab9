import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Chromium, program as chromium } from '../helpers/chromium.ts';
import { confinedUring, noTerminal, uring, uringOnTerminal } from '../helpers/cli.ts';
import { cannotConfine } from '../helpers/confined.ts';
import { COUNT, EXPECTED, LASTING_PROGRAM, live, ran, started } from '../helpers/live-commands.ts';
import { ringTest } from '../helpers/rings.ts';
import { globalSettings, instances } from '../helpers/tracefs.ts';

/** A user of this test alone: other test files have rings of 65534 at the same time. */
const LONELY = 61_234;

/** Runs `body` with a folder of its own. */
async function inFolder(body: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'uring-report-'));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

// ---- wrong use -------------------------------------------------------------------------------------------------------

test('wrong use is told in one line, before anything is looked at', async () => {
  for (const [args, why, expected] of [
    [[], /give --html FILE, or --json/, 2],
    [['--json', '--duration', '0'], /number of seconds/, 2],
    [['--json', '--buffer-kb', 'x'], /number from 1/, 2],
    [['--json', '--', '/no/such/program'], /there is no such command/, 1],
  ] as const) {
    const { status, stdout, stderr } = uring(['report', ...args]);
    assert.deepEqual([status, stdout], [expected, ''], stderr);
    assert.match(stderr, /^uring: .*\n$/);
    assert.match(stderr, why);
  }
});

test('a page that can not be written is a failure', () => {
  const { status, stderr } = uring(['report', '--html', '/no/such/report.html', '--duration', '0.1']);
  assert.equal(status, 1);
  assert.match(stderr, /^uring: report --html \/no\/such\/report\.html: .*\(ENOENT\)/m);
});

test('help fits 80 columns and has examples', () => {
  const { status, stdout } = uring(['report', '--help']);
  assert.equal(status, 0);
  assert.match(stdout, /\nExamples:\n {2}uring report/);
  const long = stdout.split('\n').filter((each) => each.length > 80);
  assert.deepEqual(long, []);
});

// ---- ordinary users --------------------------------------------------------------------------------------------------

test('an ordinary user without rings gets the doctor, is told what was not seen, and exits with 3', {
  skip: cannotConfine({ uid: LONELY }),
}, () => {
  const { status, stdout, stderr } = confinedUring({ uid: LONELY }, ['report', '--json']);
  const report = JSON.parse(stdout);
  assert.equal(status, 3, stderr);
  assert.match(stderr, /^uring: not seen: operations, register calls and findings: /m);
  assert.match(stderr, /^uring: not seen: .*(?:not readable|hidepid)/m);
  assert.deepEqual([report.traced, report.rings, report.operations], [false, [], []]);
  assert.ok(report.unseen.length >= 2);
  assert.ok(report.doctor.checks.length > 5);
  const page = confinedUring({ uid: LONELY }, ['report', '--html', '-']).stdout;
  assert.match(page, /<p class="ask">Not seen: operations/);
  assert.doesNotMatch(page, /No rule was broken|No operation was made|No register call/);
});

ringTest('what a user may see is in it, with 0, and with --strict 5 where that is not all', {}, (scope) => {
  const { fd } = scope.ring(8);
  const { status, stdout } = uring(['report', '--json']);
  assert.equal(status, 0);
  const { rings } = JSON.parse(stdout);
  const own = rings.find((each: { pid: number; fd: number }) => each.pid === process.pid && each.fd === fd);
  assert.deepEqual([own?.exe, own?.ppid], [process.execPath, process.ppid]);
  const strict = uring(['report', '--json', '--strict']);
  assert.equal(strict.status, JSON.parse(strict.stdout).unseen.length > 0 ? 5 : 0);
});

// ---- what is in it ---------------------------------------------------------------------------------------------------

test('a page has findings, rings, operations, calls and processes, and fits a phone', live, async () => {
  const before = globalSettings();
  await inFolder(async (folder) => {
    const path = join(folder, 'report.html');
    const { status, stdout, stderr, pid } = ran('report', '--html', path, '--json', '--', ...LASTING_PROGRAM);
    assert.equal(status, 0, stderr);
    const report = JSON.parse(stdout);
    for (const [name, count] of Object.entries(EXPECTED)) {
      const own = report.operations.filter(
        (each: { opcode_name: string }) => each.opcode_name === `IORING_OP_${name}`,
      );
      const sum = own.reduce((all: number, each: { completed: number }) => all + each.completed, 0);
      assert.equal(sum, count, name);
    }
    const found = report.findings.filter((each: { ppid: number }) => each.ppid === pid);
    assert.ok(
      found.some((each: { rule: string }) => each.rule === 'open-and-connect'),
      stdout,
    );
    assert.ok(report.calls.some((each: { type: string }) => each.type === 'create'));
    const html = readFileSync(path, 'utf8');
    // nobody else reads of other users' programs
    assert.equal(statSync(path).mode & 0o777, 0o600);
    for (const id of ['findings', 'rings', 'operations', 'calls', 'processes', 'doctor'])
      assert.ok(html.includes(`<h2 id="${id}">`), id);
    assert.doesNotMatch(html, /<script|https?:\/\/(?!www\.w3\.org)/);
    assert.match(html, new RegExp(`CONNECT</h3><p class="quiet">${COUNT} completions`));
    if (chromium === undefined) return;
    const browser = new Chromium(chromium);
    try {
      for (const scheme of ['light', 'dark'] as const) {
        for (const width of [390, 1280]) {
          await browser.open(`file://${path}`, { width, height: 800, scheme, isPhone: width < 500 });
          assert.equal(await browser.evaluate<number>('document.documentElement.scrollWidth'), width);
          const links = `[...document.querySelectorAll('.tiles a')].filter((a) => !document.querySelector(a.hash)).length`;
          assert.equal(await browser.evaluate<number>(links), 0);
        }
      }
    } finally {
      await browser.close();
    }
  });
  assert.deepEqual(globalSettings(), before);
});

test('a signal ends it early, with what was seen; nothing stays', live, async () => {
  const child = started('report', '--json', '--duration', '60');
  assert.ok(child.stdout && child.stderr);
  let text = '';
  let said = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const own = () => instances().filter((name) => name.startsWith(`uring.${child.pid}.`));
  while (own().length < 3 && child.exitCode === null) await new Promise((done) => setTimeout(done, 20));
  // the third begins to trace a moment after it was made
  while (!/looking for 60/.test(said)) await new Promise((done) => setTimeout(done, 20));
  await new Promise((done) => setTimeout(done, 500));
  child.kill('SIGINT');
  assert.deepEqual(await once(child, 'close'), [0, null]);
  assert.ok(JSON.parse(text).duration_ns < 59e9);
  assert.deepEqual(own(), []);
});

test('on a terminal it says how it goes on, where that takes longer than two seconds', {
  skip: noTerminal,
}, () => {
  const args = ['report', '--html', '/dev/null'];
  assert.match(uringOnTerminal([...args, '--duration', '2.5'], {}), /looking: 0 of 2\.5 seconds/);
  assert.doesNotMatch(uringOnTerminal(args, {}), /looking/);
});
