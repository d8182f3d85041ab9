/** Shares pinned memory between rings: nothing is copied, and nothing is charged a second time. */
import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { alloc, probe, type RegisteredBuffers, Ring } from 'uring';

const { supported, since } = probe().register.REGISTER_CLONE_BUFFERS;
if (supported === false) {
  console.log(`needs Linux ${since}`);
  process.exit();
}

const fd = openSync(process.execPath, 'r');
const read = (ring: Ring, buffers: RegisteredBuffers) => {
  ring.prepare.readFixed(fd, buffers.at(0), { offset: 0 });
  ring.submit({ wait: 1 });
  const [completion] = ring.completions();
  return completion?.res;
};

const memory = alloc(1 << 20);
using second = new Ring(8);
using first = new Ring(8);
const buffers = first.registerBuffers([memory]);
console.log(`first ring:  ${read(first, buffers)} bytes into the buffer`);

memory.fill(0);
using clone = buffers.cloneTo(second);
console.log(`second ring: ${read(second, clone)} bytes into the same one`);
assert.equal(new TextDecoder().decode(memory.subarray(1, 4)), 'ELF');

// the clone lives on when its source is gone
first.close();
memory.fill(0);
console.log(`second ring, with the first one closed: ${read(second, clone)} bytes`);
assert.equal(new TextDecoder().decode(memory.subarray(1, 4)), 'ELF');
closeSync(fd);
