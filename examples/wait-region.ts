/** Waits by limits that lie in memory shared with the kernel, instead of passing them with every wait. */
import assert from 'node:assert/strict';
import { probe, Ring } from 'uring';

const { supported, since } = probe().register.REGISTER_MEM_REGION;
if (supported === false) {
  console.log(`needs Linux ${since}`);
  process.exit();
}

// a region for waits is registered before the ring is enabled
using ring = new Ring(8, { disabled: true });
const region = ring.registerRegion({ waits: 3 });
ring.enable();

const limits = [5, 20, 60];
limits.forEach((timeoutMs, i) => {
  region.at(i).set({ timeoutMs });
});

// nothing is in flight, so that every wait ends by its limit
for (const [i, timeoutMs] of limits.entries()) {
  const start = performance.now();
  ring.submit({ wait: 1, waitArgument: region.at(i) });
  const ms = performance.now() - start;
  console.log(`stored: ${timeoutMs} ms, waited: ${ms.toFixed(1)} ms`);
  assert.ok(ms >= timeoutMs && ms < timeoutMs + 500);
}

// a completion ends a wait before that
ring.prepare.nop();
const start = performance.now();
ring.submit({ wait: 1, waitArgument: region.at(2) });
assert.equal(ring.ready, 1);
console.log(`with a completion: ${(performance.now() - start).toFixed(1)} ms`);
