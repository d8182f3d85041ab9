/** Reads a file into memory that the kernel has pinned once, instead of for every read. */
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { alloc, Ring } from 'uring';

const PATH = process.execPath;
const CHUNK = 65_536;

using ring = new Ring(8);
using buffers = ring.registerBuffers([alloc(CHUNK), alloc(CHUNK)]);
const fd = openSync(PATH, 'r');

// two reads at once; a registered buffer makes each an OP_READ_FIXED
for (let i = 0; i < buffers.length; i++) {
  ring.prepare.readFixed(fd, buffers.at(i), { offset: i * CHUNK, userData: i });
}
ring.submit({ wait: 2 });
const expected = readFileSync(PATH);
for (const { userData, res } of ring.completions()) {
  const index = Number(userData);
  const { bytes } = buffers.at(index);
  console.log(`buffer ${index}: ${res} bytes, the first are ${[...bytes.subarray(0, 4)].join(' ')}`);
  assert.equal(res, CHUNK);
  assert.deepEqual(bytes, new Uint8Array(expected.subarray(index * CHUNK, (index + 1) * CHUNK)));
}

// a piece of a registered buffer will do, too
ring.prepare.readFixed(fd, buffers.at(0).subarray(100, 104), { offset: 0 });
ring.submit({ wait: 1 });
ring.reap((_, res) => assert.equal(res, 4));
const text = new TextDecoder('latin1').decode(buffers.at(0).bytes.subarray(101, 104));
console.log(`bytes 101..103 of buffer 0 now say ${text}`);
assert.equal(text, 'ELF');
closeSync(fd);
