/** Gives a ring larger queues while completions wait in it. */
import assert from 'node:assert/strict';
import { probe, QueueFullError, Ring } from 'uring';

const { supported, since } = probe().register.REGISTER_RESIZE_RINGS;
if (supported === false) {
  console.log(`needs Linux ${since}`);
  process.exit();
}

using ring = new Ring(4, { deferTaskrun: true });
let next = 0;
const fill = () => {
  const from = next;
  try {
    for (;;) {
      ring.prepare.nop({ userData: next });
      next++;
    }
  } catch (error) {
    if (!(error instanceof QueueFullError)) throw error;
  }
  return next - from;
};

console.log(`room for ${ring.sqEntries} entries: ${fill()} prepared`);
ring.submit();

ring.resize({ sqEntries: 256 });
console.log(`room for ${ring.sqEntries} entries: ${fill()} more, while ${ring.ready} completions wait`);
assert.equal(ring.ready, 4);

ring.submit({ wait: next });
const seen = [...ring.completions()].map(({ userData }) => userData);
console.log(`${seen.length} completions, all in order`);
assert.deepEqual(
  seen,
  Array.from({ length: 260 }, (_, i) => i),
);
