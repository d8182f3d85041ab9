/** Reads files by their slot in the ring, after their descriptors were closed. */
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FixedFile, Ring } from 'uring';

const folder = mkdtempSync(join(tmpdir(), 'uring-example-'));
const open = (name: string) => {
  writeFileSync(join(folder, name), `I am ${name}`);
  return openSync(join(folder, name), 'r');
};
const [first, second, third] = [open('first'), open('second'), open('third')];

using ring = new Ring(8);
using files = ring.registerFiles([first, second]);
// the ring holds the files itself
closeSync(first);
closeSync(second);

const read = (file: FixedFile) => {
  const memory = new Uint8Array(32);
  ring.prepare.read(file, memory, { offset: 0 });
  ring.submit({ wait: 1 });
  const [completion] = ring.completions();
  return new TextDecoder().decode(memory.subarray(0, completion?.res));
};

console.log(`slot 0: ${read(files.at(0))}`);
console.log(`slot 1: ${read(files.at(1))}`);
assert.equal(read(files.at(1)), 'I am second');

// another file in slot 1, and slot 0 emptied: both at once
files.update(0, [files.CLEAR, third]);
closeSync(third);
console.log(`slot 1 after the update: ${read(files.at(1))}`);
assert.equal(read(files.at(1)), 'I am third');

ring.prepare.read(files.at(0), new Uint8Array(1));
ring.submit({ wait: 1 });
const [empty] = ring.completions();
console.log(`slot 0 after the update: EBADF (${empty?.res})`);
assert.equal(empty?.res, -9);
rmSync(folder, { recursive: true });
