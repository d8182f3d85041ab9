/** Without koffi the package can be imported, and the first call says what is missing. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ending } from './scene.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAM = fileURLToPath(new URL('refusals.mjs', import.meta.url));

const LOADED = 'uring: the package koffi could not be loaded';

/** Why koffi can't be loaded: the code of its package, the options of Node.js, what is said of it. */
const REASONS = {
  'is not installed': {
    cause: 'MODULE_NOT_FOUND',
    message: `${LOADED}: it is not installed here; a bundle needs it beside itself, as a package that is not bundled (external)`,
  },
  'has no binary for this system': {
    code: 'throw new Error("Cannot find the native Koffi module; did you bundle it correctly?")',
    cause: 'Cannot find the native Koffi module; did you bundle it correctly?',
    message:
      `${LOADED}: its binary for ${process.platform}-${process.arch} is missing: install it with its optional ` +
      'dependencies (no --omit=optional), and leave it out of bundles (external)',
  },
  'may not be loaded': {
    isReal: true,
    options: ['--no-addons'],
    cause: 'ERR_DLOPEN_DISABLED',
    message: `${LOADED}: Node.js may load no addon (--permission without --allow-addons, or --no-addons)`,
  },
  'is broken': {
    code: 'throw new Error("it fell down")',
    cause: 'it fell down',
    message: `${LOADED}: it fell down`,
  },
};

for (const [what, { code, isReal, options = [], cause, message }] of Object.entries(REASONS)) {
  test(`koffi ${what}: the import works, and every first call throws one clear error with its cause`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'uring-missing-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const uring = join(folder, 'node_modules/uring');
    for (const each of ['package.json', 'dist'])
      cpSync(join(ROOT, each), join(uring, each), { recursive: true });
    if (isReal) {
      for (const each of ['koffi', '@koromix'])
        symlinkSync(join(ROOT, 'node_modules', each), join(folder, 'node_modules', each));
    }
    if (code !== undefined) {
      const koffi = join(folder, 'node_modules/koffi');
      mkdirSync(koffi);
      writeFileSync(join(koffi, 'index.js'), code);
    }
    cpSync(PROGRAM, join(folder, 'refusals.mjs'));
    const program = `import { refusals } from './refusals.mjs'; console.log(JSON.stringify(refusals()))`;
    writeFileSync(join(folder, 'program.mjs'), program);
    const { status, stdout, stderr } = await ending([...options, join(folder, 'program.mjs')]);
    assert.equal(status, 0, stdout + stderr);
    const errors = JSON.parse(stdout);
    const error = { code: 'ERR_URING_UNSUPPORTED', name: 'UnsupportedError', message, cause };
    const wanted = errors.map(({ call }) => ({ call, ...error }));
    assert.deepEqual(errors, wanted);
  });
}
