import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { RULES } from '../../lib/host.ts';
import { confinedUring, uring } from '../helpers/cli.ts';
import { cannotConfine } from '../helpers/confined.ts';
import { LASTING_PROGRAM, live, ran } from '../helpers/live-commands.ts';
import { LOADER, moduleAt } from '../helpers/loader.ts';
import { patience } from '../helpers/patience.ts';
import { compiled, needsProgram } from '../helpers/tracefs.ts';

const NOBODY = 65534;

/** What was found in the program that this command started, and in what that started: other programs of the host may have rings, too. */
function findingsOf({ pid, stdout }: { readonly pid: number; readonly stdout: string }) {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
    .filter(({ ancestry }) => ancestry?.some((each: { readonly pid: number }) => each.pid === pid));
}

/** Runs `body` with the path of a rule file. */
function withRules(text: string, body: (path: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'uring-rules-'));
  const path = join(folder, 'rules.json');
  writeFileSync(path, text);
  try {
    body(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('a wrong rule file is a usage error that says where', () => {
  withRules('{"enable": ["nothing"]}', (path) => {
    const { status, stderr } = uring(['watch', '--rules', path]);
    assert.deepEqual(
      [status, stderr],
      [2, `uring: watch --rules ${path}: enable[0]: there is no rule nothing\n`],
    );
  });
  withRules('{', (path) => assert.match(uring(['watch', '--rules', path]).stderr, /no JSON/));
  assert.equal(uring(['watch', '--rules', '/no/such']).status, 1);
  assert.match(uring(['watch', '--json', '--ecs']).stderr, /cannot be used with/);
});

test('rules are listed with why and how, and the schema is JSON', () => {
  const { status, stdout } = uring(['watch', '--list-rules']);
  assert.equal(status, 0);
  for (const { id } of RULES) assert.ok(stdout.includes(`${id} (`), id);
  assert.deepEqual(
    stdout.split('\n').filter((line) => line.length > 80),
    [],
  );
  const rules = uring(['watch', '--list-rules', '--json']).stdout.trim().split('\n');
  assert.equal(rules.map((line) => JSON.parse(line)).length, RULES.length);
  assert.equal(JSON.parse(uring(['watch', '--schema']).stdout).type, 'object');
  const help = uring(['watch', '--help']).stdout;
  assert.deepEqual(
    help.split('\n').filter((line) => line.length > 80),
    [],
  );
});

test('an ordinary user is told what to do, and exits with 3', {
  skip: cannotConfine({ uid: NOBODY }),
}, () => {
  const { status, stderr } = confinedUring({ uid: NOBODY }, ['watch']);
  assert.ok(status === 3 || (status === 4 && /not mounted/.test(stderr)), stderr);
});

test('a program that opens and connects by a ring raises what it should, in every form', live, () => {
  const ended = ran('watch', '--json', '--', ...LASTING_PROGRAM);
  assert.equal(ended.status, 1, ended.stderr);
  const found = findingsOf(ended);
  const rules = new Set(found.map(({ rule }) => rule));
  assert.ok(rules.has('open-and-connect') && rules.has('outgoing-connection'), ended.stdout);
  assert.ok(found.every(({ exe, uid, ppid }) => exe === process.execPath && uid === 0 && ppid > 0));
  const alerts = ran('watch', '--ecs', '--', ...LASTING_PROGRAM);
  const [ecs] = alerts.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
    .filter(({ process: who }) => who.parent?.pid === alerts.pid);
  assert.deepEqual(
    [ecs.event.kind, ecs.process.executable, ecs.event.dataset],
    ['alert', process.execPath, 'uring.watch'],
  );
  assert.equal(ran('watch', '--json', '--count', '1', '--', ...LASTING_PROGRAM).stdout.split('\n').length, 2);
  withRules(JSON.stringify({ allow: [{ executable: process.execPath }] }), (path) => {
    assert.deepEqual(findingsOf(ran('watch', '--json', '--rules', path, '--', ...LASTING_PROGRAM)), []);
  });
});

test('node with io_uring raises nothing', live, () => {
  const script =
    'const fs = require("fs").promises; (async () => { for (let i = 0; i < 20; i++) await fs.readFile("/etc/hostname"); })()';
  const ended = ran('watch', '--json', '--', 'env', 'UV_USE_IO_URING=1', process.execPath, '-e', script);
  assert.deepEqual(findingsOf(ended), []);
});

const fio = spawnSync('fio', ['--version']).status === 0 ? {} : { skip: 'fio is not installed' };

test('an ordinary fio raises nothing', { ...live, ...fio }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'uring-fio-'));
  try {
    const job = [
      ...['--name=job', '--ioengine=io_uring', '--rw=randrw', '--bs=4k', '--size=1m', '--iodepth=8'],
      ...['--fixedbufs', '--registerfiles', '--numjobs=2', '--runtime=2', '--time_based', '--minimal'],
    ];
    const ended = ran('watch', '--json', '--', 'fio', ...job, `--directory=${folder}`);
    assert.match(ended.stderr, /^\d+;fio/m);
    assert.deepEqual(findingsOf(ended), []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const forks = { ...live, ...needsProgram };

test('a database whose processes have all rings in common raises nothing', forks, () => {
  const ended = ran('watch', '--json', '--', compiled('forked-rings'), '8', `${patience(2500)}`);
  // they did read, and each look saw them
  assert.match(ended.stderr, /^read$/m);
  assert.deepEqual(findingsOf(ended), []);
});

test('a ring that a process of another program has raises a finding', live, () => {
  const script = `
    const { Ring } = await import(${JSON.stringify(pathToFileURL(moduleAt('lib/index.ts')).href)});
    const { spawn } = await import('node:child_process');
    const ring = new Ring(8);
    const child = spawn('sleep', ['${patience(3000) / 1000}'], { stdio: ['ignore', 'ignore', 'ignore', ring.fd] });
    await new Promise((done) => child.on('exit', done));
    ring.close();`;
  const words = [process.execPath, ...LOADER, '--input-type=module', '-e', script];
  const found = findingsOf(ran('watch', '--json', '--', ...words));
  assert.deepEqual(new Set(found.map(({ rule }) => rule)), new Set(['shared-ring']));
});
