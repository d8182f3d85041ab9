/** Counts completions by an eventfd, which any event loop can watch, without a look at the ring. */
import assert from 'node:assert/strict';
import { Ring } from 'uring';

using ring = new Ring(8);
using signal = ring.registerEventfd();

const nop = (async = false) => {
  ring.prepare.nop({ async });
  ring.submit({ wait: 1 });
  ring.reap((_, res) => assert.equal(res, 0));
};

nop();
nop();
const counted = signal.read();
console.log(`two operations: counted ${counted}`);
assert.equal(counted, 2);

// silent for a while: the ring looks at a flag in memory that it shares with us
signal.isEnabled = false;
nop();
console.log(`disabled: counted ${signal.read()}`);
assert.equal(signal.read(), 0);

// of the other kind: only what a worker thread of the kernel did
signal.unregister();
using ofWorkers = ring.registerEventfd(undefined, { async: true });
nop();
assert.equal(ofWorkers.read(), 0);
nop(true);
let count = 0;
while (count === 0) count = ofWorkers.read();
console.log(`one operation at once, one by a worker: counted ${count}`);
assert.equal(count, 1);
