/** Without koffi the package can be imported, and the first call says what is missing. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ending } from './scene.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAM = fileURLToPath(new URL('refusals.mjs', import.meta.url));

/** Why koffi is not there: the files of its package. */
const KOFFIS = {
  'is not installed': undefined,
  'has no binary for this system': 'throw new Error("Cannot find the native Koffi module; did you bundle it correctly?")',
};

for (const [why, code] of Object.entries(KOFFIS)) {
  test(`koffi ${why}: the import works, and every first call throws one clear error`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'uring-missing-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const uring = join(folder, 'node_modules/uring');
    for (const each of ['package.json', 'dist']) cpSync(join(ROOT, each), join(uring, each), { recursive: true });
    if (code !== undefined) {
      const koffi = join(folder, 'node_modules/koffi');
      mkdirSync(koffi);
      writeFileSync(join(koffi, 'index.js'), code);
    }
    cpSync(PROGRAM, join(folder, 'refusals.mjs'));
    const { status, stdout, stderr } = await ending([join(folder, 'refusals.mjs')], { cwd: folder });
    assert.equal(status, 0, stdout + stderr);
    const { errors } = JSON.parse(stdout);
    assert.equal(new Set(errors.map(({ message }) => message)).size, 1, JSON.stringify(errors));
    for (const { code, message } of errors) {
      assert.equal(code, 'ERR_URING_UNSUPPORTED');
      assert.match(message, /koffi could not be loaded: install it with its optional dependencies/);
    }
  });
}
