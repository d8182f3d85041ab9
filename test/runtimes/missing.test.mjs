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

const ERROR = {
  code: 'ERR_URING_UNSUPPORTED',
  name: 'UnsupportedError',
  message:
    'uring: the package koffi could not be loaded: install it with its optional dependencies (no --omit=optional)',
};

/** Why koffi is not there: the files of its package. */
const KOFFIS = {
  'is not installed': undefined,
  'has no binary for this system':
    'throw new Error("Cannot find the native Koffi module; did you bundle it correctly?")',
};

for (const [why, code] of Object.entries(KOFFIS)) {
  test(`koffi ${why}: the import works, and every first call throws one clear error`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'uring-missing-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const uring = join(folder, 'node_modules/uring');
    for (const each of ['package.json', 'dist'])
      cpSync(join(ROOT, each), join(uring, each), { recursive: true });
    if (code !== undefined) {
      const koffi = join(folder, 'node_modules/koffi');
      mkdirSync(koffi);
      writeFileSync(join(koffi, 'index.js'), code);
    }
    cpSync(PROGRAM, join(folder, 'refusals.mjs'));
    const program = `import { refusals } from './refusals.mjs'; console.log(JSON.stringify(refusals()))`;
    writeFileSync(join(folder, 'program.mjs'), program);
    const { status, stdout, stderr } = await ending([join(folder, 'program.mjs')]);
    assert.equal(status, 0, stdout + stderr);
    const errors = JSON.parse(stdout);
    const wanted = errors.map(({ call }) => ({ call, ...ERROR }));
    assert.deepEqual(errors, wanted);
  });
}
