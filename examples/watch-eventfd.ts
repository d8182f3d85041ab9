/** Wakes up whenever another thread signals an eventfd, with one poll request for all of the times. */
import assert from 'node:assert/strict';
import { Worker } from 'node:worker_threads';
import { AsyncRing, OpError, probe } from 'uring';
import { libc } from 'uring/raw';

// multishot polls came with it
const { supported, since } = probe().features.FEAT_RSRC_TAGS;
if (supported === false) {
  console.log(`needs Linux ${since}`);
  process.exit();
}

const TIMES = 5;
const POLLIN = 1;
const eventfd = libc.eventfd();

// descriptors are the process's, so that any thread, and any library of it, can signal
new Worker(
  `const { workerData } = require('node:worker_threads');
  const { writeSync } = require('node:fs');
  let left = workerData.times;
  const timer = setInterval(() => {
    writeSync(workerData.eventfd, new BigUint64Array([1n]));
    if (--left === 0) clearInterval(timer);
  }, 20);`,
  { eval: true, workerData: { eventfd, times: TIMES } },
);

await using ring = new AsyncRing(8);
const count = new BigUint64Array(1);
let signals = 0;
for await (const events of ring.pollMultishot(eventfd, POLLIN)) {
  assert.ok(events & POLLIN);
  try {
    // what it counted since it was read before
    await ring.read(eventfd, count);
  } catch (error) {
    if (error instanceof OpError && error.code === 'EAGAIN') continue; // nothing: that read had this signal, too
    throw error;
  }
  signals += Number(count[0]);
  console.log(`woken: ${count[0]} more, ${signals} of ${TIMES}`);
  if (signals === TIMES) break;
}
assert.equal(ring.inFlight, 0);
console.log('the request is taken back');
libc.close(eventfd);
