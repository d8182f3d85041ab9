/** Races reads with signals and time limits: each ends either with its data or with an error, and no byte is lost. */
import assert from 'node:assert/strict';
import { writeSync } from 'node:fs';
import { AsyncRing } from 'uring';
import { libc } from 'uring/raw';

await using ring = new AsyncRing(256);
const [from, to] = libc.pipe();
const memory = new Uint8Array(64);

/** How a read ended, in words. */
async function told(reading: Promise<number>): Promise<string> {
  try {
    return `${await reading} bytes`;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    const cause = error.cause instanceof Error ? ` because of ${error.cause.name}` : '';
    return `${error.name} ${error.code}${cause}`;
  }
}

async function show(what: string, reading: Promise<number>, expected: string): Promise<void> {
  const end = await told(reading);
  console.log(`${what.padEnd(34)} ${end}`);
  assert.equal(end, expected);
}

// the data comes first: an abort that is too late changes nothing
const late = new AbortController();
writeSync(to, 'data');
await show('data, then the signal:', ring.read(from, memory, { signal: late.signal }), '4 bytes');
late.abort();

const stop = new AbortController();
setTimeout(() => stop.abort(new RangeError('enough')), 20);
const stopped = ring.read(from, memory, { signal: stop.signal });
await show('the signal of a controller:', stopped, 'AbortError ABORT_ERR because of RangeError');

const timed = ring.read(from, memory, { signal: AbortSignal.timeout(20) });
await show('the signal of a clock:', timed, 'AbortError ABORT_ERR because of TimeoutError');

// the kernel's own clock: no signal, no timer of Node's
await show('timeoutMs:', ring.read(from, memory, { timeoutMs: 20 }), 'OpError ETIME');

// within a few turns of the event loop: the kernel decides, and what an aborted read did not take is still there
let [taken, left] = [0, 0];
for (let i = 0; i < 200; i++) {
  const controller = new AbortController();
  const reading = told(ring.read(from, memory, { signal: controller.signal }));
  for (let turn = 0; turn < 5; turn++) {
    if (turn === 2) controller.abort();
    if (turn === i % 5) writeSync(to, '!');
    await new Promise(setImmediate);
  }
  if ((await reading) === '1 bytes') taken++;
  else left += await ring.read(from, memory);
}
console.log(`200 close races: ${taken} had the byte, ${left} left it to the next read`);
assert.equal(taken + left, 200, 'no byte is lost');
for (const fd of [from, to]) libc.close(fd);
