import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import * as ffi from '../../lib/sys/ffi.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { sweep } from '../../lib/sys/worker-memory.ts';
import { replace, restore } from '../helpers/replace.ts';
import { until } from '../helpers/rings.ts';
import { inThread, startThread } from '../helpers/scenario.ts';

const MODULE = new URL('worker-memory.scenes.ts', import.meta.url).href;
const READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS_FIXED_NOREPLACE = 0x10_0022;

afterEach(restore);

/** Where the mappings of /proc/self/maps begin whose line matches `pattern`. */
function mappings(pattern: RegExp): number[] {
  const lines = readFileSync('/proc/self/maps', 'utf8').split('\n');
  return lines.filter((line) => pattern.test(line)).map((line) => Number.parseInt(line, 16));
}

/** Is something mapped at `address`? Neighbours are one line of /proc/self/maps. */
function isMapped(address: number): boolean {
  return [...readFileSync('/proc/self/maps', 'utf8').matchAll(/^([0-9a-f]+)-([0-9a-f]+) /gm)].some(
    ([, from = '', to = '']) => Number.parseInt(from, 16) <= address && address < Number.parseInt(to, 16),
  );
}

/** A worker with four rings, terminated; where its rings are still mapped. */
async function leaveRings(): Promise<number[]> {
  const worker = startThread({ module: MODULE, name: 'haveRings', argument: 4 });
  await once(worker, 'message');
  const rings = mappings(/\[io_uring\]/);
  await worker.terminate();
  return rings;
}

test('a terminated worker leaves mappings, and a sweep unmaps them', async () => {
  sweep();
  const rings = await leaveRings();
  assert.ok(rings.length >= 4);
  assert.ok(mappings(/memfd:uring/).length > 0);
  sweep();
  assert.deepEqual(mappings(/\[io_uring\]|memfd:uring/), []);
});

test('a thread that has the package sweeps when a worker of its own has ended', async () => {
  await leaveRings();
  assert.ok(mappings(/memfd:uring/).length > 0);
  await until('it is unmapped', () => mappings(/\[io_uring\]|memfd:uring/).length === 0);
});

test('a sweep after one that was interrupted unmaps nothing that has come meanwhile', async () => {
  const rings = await leaveRings();
  const { munmap } = sys;
  let calls = 0;
  replace(sys, 'munmap', (address, length) => {
    if (calls++ > 0) throw new Error('terminated');
    return munmap(address, length);
  });
  sweep();
  restore();
  const left = mappings(/\[io_uring\]/);
  const free = rings.find((address) => !left.includes(address)) ?? assert.fail('nothing was unmapped');
  const mine = ffi.mmap(free, 4096, READ_WRITE, MAP_PRIVATE_ANONYMOUS_FIXED_NOREPLACE, -1, 0);
  assert.equal(mine, free);
  sweep();
  assert.deepEqual(mappings(/\[io_uring\]|memfd:uring/), []);
  assert.ok(isMapped(mine), 'it unmapped what is not its own');
  assert.equal(sys.munmap(mine, 4096), 0);
});

test('mappings that come and go in a worker are seen through the same buffers', async () => {
  const { buffers, addresses } = Object(await inThread({ module: MODULE, name: 'mapInTurn', argument: 100 }));
  assert.ok(addresses < 10, `${addresses} addresses`);
  assert.equal(buffers, addresses);
});

test('queues of rings that come and go in a worker are seen through a few buffers, which hold them all', async () => {
  const buffers = Number(await inThread({ module: MODULE, name: 'mapQueues', argument: 100 }));
  assert.ok(buffers >= 1 && buffers < 10, `${buffers} buffers`);
});
