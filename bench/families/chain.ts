/** Three operations, each when the one before it has ended: linked in the kernel, or awaited one by one. */
import { AsyncRing } from 'uring';
import type { Family, Work } from '../harness.ts';
import { inParallel } from '../turn.ts';

const LINKS = 3;

/** `start` gives the results of a group. */
function groups(start: (ring: AsyncRing) => Promise<readonly unknown[]>): () => Work {
  return () => {
    const ring = new AsyncRing(256);
    return (name, count) =>
      inParallel(
        count,
        Number(name),
        () => start(ring),
        ({ length }) => length,
      );
  };
}

const build = (ring: AsyncRing) => [ring.nop(), ring.nop(), ring.nop()];

export const chain: Family = {
  name: 'chain',
  title: 'Three operations in order, by how many such groups at once',
  unit: 'a group of three NOPs',
  how: 'The groups are independent; of a group each NOP starts when the one before it has ended, but for those of Promise.all, which are in no order. What a chain costs is what its caller has for one turn of the event loop instead of three.',
  plot: { axes: ['time', 'cpu'] },
  heading: (name) => (name === '1' ? 'one group at a time' : `${name} groups at once`),
  cases: ['1', '32'],
  workers: {
    'three awaits': groups(async (ring) => [await ring.nop(), await ring.nop(), await ring.nop()]),
    'AsyncRing.chain': groups((ring) => ring.chain(build)),
    'Promise.all': groups((ring) => Promise.all(build(ring))),
  },
  async sides(kit) {
    await kit.node(Object.keys(this.workers), [], kit.cpus(1));
  },
  expected: (_, count) => LINKS * count,
};
