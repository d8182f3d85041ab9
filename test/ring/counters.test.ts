/** Heads and tails are free-running counters of 32 bits: what happens where they pass the largest signed number. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Queues } from '../../lib/ring/core/queues.ts';
import { mapAnonymous } from '../../lib/sys/memory.ts';
import { Params } from '../../structs/setup.ts';

const WORDS = { head: 0, tail: 4, ringMask: 8, ringEntries: 12, flags: 16, dropped: 20, array: 64 };
const ENTRIES = 4;

/** Queues whose submission counters stand so far. */
function queuesAt(counter: number): { readonly queues: Queues; readonly words: Int32Array } {
  const sqOff = { ...Params.decode(new Uint8Array(Params.size)).sqOff, ...WORDS };
  const params = {
    ...Params.decode(new Uint8Array(Params.size)),
    sqEntries: ENTRIES,
    cqEntries: 2 * ENTRIES,
    sqOff,
  };
  const ring = mapAnonymous(4096);
  const words = new Int32Array(ring.buffer);
  words[0] = counter;
  words[1] = counter;
  return { queues: new Queues({ ring, sqes: mapAnonymous(ENTRIES * 64) }, params), words };
}

for (const counter of [0x7fff_fffd, -2]) {
  test(`a submission queue fills and empties across the counter ${counter}`, () => {
    const { queues, words } = queuesAt(counter);
    for (let lap = 0; lap < 3; lap++) {
      for (let i = 0; i < ENTRIES; i++) {
        assert.equal(queues.space, ENTRIES - i);
        assert.ok(queues.seek());
        queues.advance();
      }
      assert.equal(queues.space, 0);
      assert.equal(queues.seek(), false);
      queues.publish();
      // the kernel takes them all
      words[0] = words[1] ?? 0;
    }
    assert.equal(words[0], (counter + 3 * ENTRIES) | 0);
    queues.unmap();
  });
}
