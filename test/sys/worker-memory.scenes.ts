/** What workers do with their memory. */
import { parentPort } from 'node:worker_threads';
import { Ring } from '../../lib/index.ts';
import { mapAnonymous, mapQueue } from '../../lib/sys/memory.ts';
import { constants } from '../../structs/flags.ts';

const { IORING_OFF_SQES } = constants;

/** Makes rings, says so, and lives until it is terminated. */
export function haveRings(count: number): Promise<never> {
  const rings = Array.from({ length: count }, () => new Ring(8));
  parentPort?.postMessage(rings.length);
  setInterval(() => rings, 1000);
  return new Promise(() => {});
}

/** Maps and unmaps again and again: over how many buffers, at how many addresses. */
export function mapInTurn(times: number): { readonly buffers: number; readonly addresses: number } {
  const buffers = new Set<ArrayBuffer>();
  const addresses = new Set<number>();
  for (let i = 0; i < times; i++) {
    const mapping = mapAnonymous(8192);
    buffers.add(mapping.buffer);
    addresses.add(mapping.address);
    mapping.unmap();
  }
  return { buffers: buffers.size, addresses: addresses.size };
}

/** Maps the queues of rings again and again: over how many buffers. */
export function mapQueues(times: number): number {
  const buffers = new Set<ArrayBuffer>();
  for (let i = 0; i < times; i++) {
    const ring = new Ring(8);
    // several at once, so that they are not at the same address
    const mappings = [1, 2, 3].map(() => mapQueue(ring.fd, 4096, IORING_OFF_SQES));
    for (const { buffer, offset } of mappings) {
      buffers.add(buffer);
      new Uint32Array(buffer, offset, 16).fill(i);
    }
    if (new Uint32Array(mappings[0]?.buffer ?? new ArrayBuffer(0), mappings[0]?.offset, 16)[5] !== i)
      return -1;
    for (const mapping of mappings) mapping.unmap();
    ring.close();
  }
  return buffers.size;
}
