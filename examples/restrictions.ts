/** Shuts a ring in: it may read one file, and nothing else, for ever. */
import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { alloc, probe, RegisterError, Ring } from 'uring';

const { supported, since } = probe().register.REGISTER_RESTRICTIONS;
if (supported === false) {
  console.log(`needs Linux ${since}`);
  process.exit();
}

const allowed = openSync(process.execPath, 'r');
const other = openSync('/etc/passwd', 'r');

// the files are registered before the door closes; IOSQE_FIXED_FILE is required, so that no other fd can be named
using jail = new Ring(8, {
  files: [allowed],
  sandbox: { ops: ['OP_READ'], requireFlags: ['FIXED_FILE'], register: [] },
});
const slot = jail.files?.at(0);
assert.ok(slot);

const attempt = (what: string, prepare: () => void) => {
  prepare();
  jail.submit({ wait: 1 });
  const [completion] = jail.completions();
  const res = completion?.res ?? 0;
  console.log(`${what.padEnd(30)} ${res < 0 ? `refused (${res})` : `${res} bytes`}`);
  return res;
};

const EACCES = -13;
assert.equal(
  attempt('reading the registered file', () => jail.prepare.read(slot, alloc(64))),
  64,
);
assert.equal(
  attempt('reading /etc/passwd by its fd', () => jail.prepare.read(other, alloc(64))),
  EACCES,
);
assert.equal(
  attempt('opening a file', () => jail.prepare.openat('/etc/passwd')),
  EACCES,
);
assert.equal(
  attempt('writing to the registered file', () => jail.prepare.write(slot, alloc(64))),
  EACCES,
);

// register calls that are not listed are refused as well
assert.throws(
  () => jail.registerPersonality(),
  (error) => error instanceof RegisterError && error.code === 'EACCES',
);
console.log('registering a personality      refused (EACCES)');
closeSync(allowed);
closeSync(other);
