import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { CheckName, CheckStatus } from '../../lib/host/diagnose.ts';
import { askRing } from '../../lib/register/ask.ts';
import { COMMAND } from '../helpers/cli.ts';
import { ROOT } from '../helpers/loader.ts';
import { ACTIONS, cannotCompile, compileWrapper } from '../helpers/seccomp.ts';

const SETUP = 425;
const ENTER = 426;
const REGISTER = 427;
const EPERM = 1;
const ENOSYS = 38;
const ESCAPE = /\p{Cc}(?<!\n)/u;

/** What `--json` prints. */
interface Report {
  readonly v: number;
  readonly usable: boolean | null;
  readonly cause: string | null;
  readonly fix: string | null;
  readonly verdict: string;
  readonly checks: readonly {
    readonly name: CheckName;
    readonly status: CheckStatus;
    readonly evidence: string;
    readonly fix: string | null;
  }[];
}

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command to its end; `before` stands before Node.js, and `options` are Node's. */
function doctor(
  args: readonly string[],
  {
    before: [file = process.execPath, ...wrapper] = [],
    options = [],
    env = {},
  }: {
    before?: readonly string[];
    options?: readonly string[];
    env?: NodeJS.ProcessEnv;
  } = {},
): Ended {
  const { PATH } = process.env;
  const node = file === process.execPath ? [] : [process.execPath];
  return spawnSync(file, [...wrapper, ...node, ...options, ...COMMAND, 'doctor', ...args], {
    cwd: ROOT,
    env: { PATH, ...env },
    encoding: 'utf8',
    timeout: 60_000,
  });
}

function report({ stdout, stderr }: Ended): Report {
  assert.equal(stderr, '');
  assert.match(stdout, /^[^\n]+\n$/);
  return JSON.parse(stdout);
}

function statusOf({ checks }: Report, name: CheckName): CheckStatus | undefined {
  return checks.find((check) => check.name === name)?.status;
}

function evidenceOf({ checks }: Report, name: CheckName): string {
  return checks.find((check) => check.name === name)?.evidence ?? '';
}

/** Lies to the command about what it runs on. */
const pretend = (code: string): string[] => ['--import', `data:text/javascript,${encodeURIComponent(code)}`];

const forbidden = typeof askRing() === 'number' && 'no ring can be made here';

describe('uring doctor', () => {
  it('refuses what it does not know', () => {
    const { status, stdout, stderr } = doctor(['--everything']);
    assert.equal(status, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /unknown option '--everything'/);
  });

  it('tells a healthy user so in its first line, in 80 columns, and exits with 0', {
    skip: forbidden,
  }, () => {
    const { status, stdout, stderr } = doctor(['--observe']);
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /^io_uring works here: \d+ register opcodes, \d+ operations/);
    assert.match(stdout, /\nok {4}ring {6}a ring of 8 entries: made and closed\n/);
    assert.match(stdout, /\n\S+ +tracefs /);
    assert.deepEqual(
      stdout.split('\n').filter((line, i) => i > 0 && line.length > 80),
      [],
    );
    assert.doesNotMatch(stdout, ESCAPE);
  });

  it('has colours where they are wanted', () => {
    assert.match(doctor([], { env: { FORCE_COLOR: '1' } }).stdout, ESCAPE);
  });

  it('prints one object for programs, in which nothing is missing', () => {
    const found = report(doctor(['--json']));
    assert.deepEqual(Object.keys(found), ['v', 'usable', 'cause', 'fix', 'verdict', 'checks']);
    assert.equal(found.v, 1);
    for (const check of found.checks) {
      assert.deepEqual(Object.keys(check).sort(), ['evidence', 'fix', 'name', 'status']);
      assert.match(check.status, /^(ok|warn|fail|unknown)$/);
      assert.ok(check.evidence.length > 0, check.name);
    }
    assert.equal(statusOf(found, 'tracefs'), undefined, 'only with --observe');
  });

  it('ends quietly where nobody reads on', async () => {
    const child = spawn(process.execPath, [...COMMAND, 'doctor'], { cwd: ROOT });
    child.stdout.destroy();
    let errors = '';
    child.stderr.on('data', (text) => {
      errors += text;
    });
    await once(child, 'close');
    assert.equal(errors, '');
  });
});

describe('uring doctor where nothing can be tried', () => {
  it('says that another system has no io_uring, in one verdict', () => {
    const { status, stdout, stderr } = doctor([], {
      options: pretend("Object.defineProperty(process, 'platform', { value: 'darwin' })"),
    });
    assert.equal(status, 1);
    assert.equal(stderr, '');
    assert.match(stdout, /^io_uring does not work here: io_uring is a thing of Linux, this is darwin\n/);
    assert.doesNotMatch(stdout, /^ +at /m);
  });

  it('exits with 3 where no process can be started', () => {
    const ended = doctor(['--json'], { options: pretend("process.execPath = '/nowhere/node'") });
    const found = report(ended);
    assert.equal(ended.status, 3);
    assert.equal(found.usable, null);
    assert.match(
      found.verdict,
      /^It can't be told whether io_uring works here: no process can be started .*ENOENT/,
    );
    assert.equal(statusOf(found, 'ring'), 'unknown');
  });
});

describe('uring doctor under a seccomp filter', { skip: forbidden || cannotCompile() }, () => {
  let folder: string;
  let wrapper: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'uring-doctor-'));
    wrapper = compileWrapper(folder);
  });
  after(() => rmSync(folder, { recursive: true }));

  function under(action: number, ...syscalls: number[]): { status: number | null; found: Report } {
    const ended = doctor(['--json'], { before: [wrapper, String(action), syscalls.join(',')] });
    return { status: ended.status, found: report(ended) };
  }

  const all = [SETUP, ENTER, REGISTER];

  it('that answers EPERM: fails by seccomp, with the command that helps and its cost', () => {
    const { status, found } = under(ACTIONS.errno(EPERM), ...all);
    assert.equal(status, 1);
    assert.equal(found.usable, false);
    assert.equal(found.cause, 'seccomp');
    assert.equal(statusOf(found, 'seccomp'), 'fail');
    assert.match(found.verdict, /^io_uring does not work here: a seccomp filter forbids io_uring$/);
    assert.match(found.fix ?? '', /(seccomp=|seccompProfile|SystemCallFilter=@aio).*Cost: /);
  });

  it('that answers ENOSYS: fails by seccomp, since the kernel has io_uring', () => {
    const { status, found } = under(ACTIONS.errno(ENOSYS), ...all);
    assert.equal(status, 1);
    assert.equal(found.cause, 'seccomp');
    assert.match(evidenceOf(found, 'seccomp'), /the kernel has io_uring, /);
    assert.equal(statusOf(found, 'kernel'), 'ok');
  });

  it('of register alone: the ring is in order, register is not', () => {
    const { status, found } = under(ACTIONS.errno(EPERM), REGISTER);
    assert.equal(status, 1);
    assert.equal(statusOf(found, 'ring'), 'ok');
    assert.equal(statusOf(found, 'register'), 'fail');
    assert.equal(found.cause, 'seccomp');
    assert.match(found.verdict, /^Rings can be made here, but .*forbids io_uring_register$/);
  });

  for (const [name, action] of Object.entries({
    'kills the process': ACTIONS.killProcess,
    'kills the thread alone': ACTIONS.killThread,
  })) {
    it(`that ${name}: survives, and tells which call it was`, () => {
      const { status, found } = under(action, ...all);
      assert.equal(status, 1);
      assert.equal(found.cause, 'seccomp');
      assert.match(found.verdict, /a seccomp filter kills who calls io_uring_setup \(SIGSYS\)$/);
      assert.match(evidenceOf(found, 'syscalls'), /io_uring_setup SIGSYS, io_uring_enter not tried/);
    });
  }
});
