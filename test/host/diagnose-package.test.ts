/** The doctor of the built package, installed where a stranger would have it. */
import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { LOADER, moduleAt, ROOT } from '../helpers/loader.ts';

/** What the package needs, and what that needs. */
const MODULES = ['koffi', '@koromix'];
const SHOW = '.then(({ verdict, usable }) => console.log(JSON.stringify({ verdict, usable })))';

describe('the doctor of the built package', () => {
  let folder: string;
  let installed: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'uring-installed-'));
    installed = join(folder, 'node_modules/uring');
    mkdirSync(installed, { recursive: true });
    cpSync(join(ROOT, 'package.json'), join(installed, 'package.json'));
    const build = [...LOADER, moduleAt('scripts/build.ts'), join(installed, 'dist')];
    const { status, stdout, stderr } = spawnSync(process.execPath, build, { cwd: ROOT, encoding: 'utf8' });
    assert.equal(status, 0, `${stdout}${stderr}`);
    for (const name of MODULES)
      symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
  });
  after(() => rmSync(folder, { recursive: true }));

  function node(args: readonly string[], env: NodeJS.ProcessEnv = {}): SpawnSyncReturns<string> {
    const { PATH } = process.env;
    return spawnSync(process.execPath, args, {
      cwd: folder,
      env: { PATH, ...env },
      encoding: 'utf8',
      timeout: 60_000,
    });
  }

  function verdict({ status, stdout, stderr }: SpawnSyncReturns<string>): {
    usable?: boolean;
    verdict: string;
  } {
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout);
  }

  const required = `require('uring/host').diagnose()${SHOW}`;
  const imported = `import { diagnose } from 'uring/host'; diagnose()${SHOW};`;

  it('comes to a verdict by require and by import', () => {
    for (const args of [
      ['-e', required],
      ['--input-type=module', '-e', imported],
    ]) {
      const found = verdict(node(args));
      assert.notEqual(found.usable, undefined, found.verdict);
    }
  });

  it('does so whatever Node.js was started with', () => {
    const odd = ['--no-warnings', '--inspect=127.0.0.1:0', '-e'];
    const change = "process.env.NODE_OPTIONS = '--require ./gone.cjs'; process.chdir('/proc');";
    const found = verdict(node([...odd, `${change} ${required}`], { NODE_OPTIONS: '--title="a doctor"' }));
    assert.notEqual(found.usable, undefined, found.verdict);
  });

  it('does so in a folder that is gone', () => {
    const gone = "fs.mkdirSync('gone'); process.chdir('gone'); fs.rmdirSync('../gone');";
    const found = verdict(node(['-e', `${gone} ${required}`]));
    assert.notEqual(found.usable, undefined, found.verdict);
  });

  it('leaves no file behind', () => {
    const look = "const list = () => fs.readdirSync('.').concat(fs.readdirSync(os.tmpdir())).sort().join();";
    const code = `${look} const before = list(); require('uring/host').diagnose().then(() => assert.equal(list(), before))`;
    mkdirSync(join(folder, 'tmp'));
    const { status, stderr } = node(['-e', code], { TMPDIR: join(folder, 'tmp') });
    assert.equal(status, 0, stderr);
  });

  it('without koffi says that alone, and exits with 1', () => {
    const koffi = join(folder, 'node_modules/koffi');
    renameSync(koffi, join(folder, 'koffi'));
    try {
      const { status, stdout, stderr } = node([join(installed, 'dist/cli.cjs'), 'doctor']);
      assert.equal(status, 1);
      assert.equal(stderr, '');
      assert.match(
        stdout,
        /^io_uring does not work here: the package koffi could not be loaded: it is not installed here/,
      );
      assert.doesNotMatch(stdout, /^ +at /m);
    } finally {
      renameSync(join(folder, 'koffi'), koffi);
    }
  });
});
