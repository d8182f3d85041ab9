/** Opens a file as root after the process has become nobody: a ring keeps credentials for single operations. */
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Personality, Ring } from 'uring';

const NOBODY = 65_534;
const { geteuid, seteuid } = process;
if (geteuid?.() !== 0 || seteuid === undefined) {
  console.log('needs root');
  process.exit();
}

const folder = mkdtempSync(join(tmpdir(), 'uring-example-'));
const secret = join(folder, 'secret');
writeFileSync(secret, 'for root only', { mode: 0o600 });

using ring = new Ring(8);
using root = ring.registerPersonality();

const open = (personality?: Personality) => {
  ring.prepare.openat(secret, personality && { personality });
  ring.submit({ wait: 1 });
  const [completion] = ring.completions();
  return completion?.res ?? 0;
};

// what a service does at its start; note that the ring itself does not forget who made it: hand it to nobody
seteuid(NOBODY);
const refused = open();
const opened = open(root);
seteuid(0);

console.log(`as nobody: ${refused} (EACCES)`);
console.log(`as the personality: fd ${opened}`);
assert.equal(refused, -13);
assert.ok(opened > 0);
closeSync(opened);
rmSync(folder, { recursive: true });
