/** What workers do with their memory. */
import { parentPort } from 'node:worker_threads';
import { Ring } from '../../lib/index.ts';
import { mapAnonymous } from '../../lib/sys/memory.ts';

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
