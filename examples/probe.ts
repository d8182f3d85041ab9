/** Asks the kernel what it has, instead of guessing by its version. */
import assert from 'node:assert/strict';
import { probe, Ring } from 'uring';

const can = probe();

for (const [name, { supported, since, by }] of Object.entries(can.register)) {
  const answer = supported === undefined ? 'unknown' : supported ? 'yes' : 'no';
  console.log(`${name.padEnd(26)} ${answer.padEnd(8)} since ${since.padEnd(5)} asked by: ${by}`);
}

const ops = Object.values(can.ops);
const had = ops.filter(({ supported }) => supported === true).length;
console.log(`Linux ${can.kernel}: ${had} of ${ops.length} operations`);

// a program says what it needs in one line, and gets an UnsupportedError that names the first thing that is missing
can.require('REGISTER_FILES', 'OP_NOP', 'FEAT_NODROP');

// the answer is the kernel's own: what it says yes to works
using ring = new Ring(2);
assert.equal(ring.probe().ops[0]?.supported, can.ops.OP_NOP.supported);
ring.prepare.nop({ userData: 1 });
ring.submit({ wait: 1 });
assert.deepEqual([...ring.completions()], [{ userData: 1, res: 0, flags: 0 }]);
