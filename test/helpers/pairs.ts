/** What tests of rings need around them: sockets, single completions, and a look at what is mapped. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { AsyncRing } from '../../lib/faces/async-ring.ts';
import { Ring } from '../../lib/faces/ring.ts';
import type { Completion, RingCore } from '../../lib/ring/core/core.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { Sqe } from '../../structs/sqe.ts';
import { complete, type Scope } from './rings.ts';

export const F_BUFFER = 1;
export const F_MORE = 2;
export const F_BUF_MORE = 16;
export const ECANCELED = -125;
export const ENOBUFS = -105;

const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const ENOMEM = 12;

/** A ring that shows its core, for operations that `prepare` doesn't have. */
export class OpenRing extends Ring {
  get inner(): RingCore {
    return this.core;
  }
}

/** A ring of promises that does. */
export class OpenAsyncRing extends AsyncRing {
  get inner(): RingCore {
    return this.core;
  }
}

/** The bytes of the entry that was prepared last, where they are: the one before the next free one, wherever the cursor is. */
export function lastEntry({ queues }: RingCore): Uint8Array {
  assert.ok(queues.seek());
  const { words, stride, base } = queues.sqe;
  const size = queues.sqEntries * stride;
  return new Uint8Array(words.buffer, ((base - stride + size) % size) * 4, Sqe.size);
}

/** Is a number the address of memory of this process? */
export function mappedMemory(): (pointer: bigint) => boolean {
  const ranges = [...readFileSync('/proc/self/maps', 'utf8').matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm)].map(
    ([, from = '', to = '']) => [BigInt(`0x${from}`), BigInt(`0x${to}`)] as const,
  );
  return (pointer) => ranges.some(([from, to]) => pointer >= from && pointer < to);
}

/** Two connected sockets: one to receive from, one to write to. */
export function socketPair(scope: Scope): readonly [reader: number, writer: number] {
  const fds = new Int32Array(2);
  assert.equal(sys.socketpair(SOCK_STREAM | SOCK_CLOEXEC, fds), 0);
  const [a = -1, b = -1] = fds;
  return [scope.fd(a), scope.fd(b)];
}

/** Submits what was prepared; its one completion. */
export function only(ring: Ring): Completion {
  const [completion] = complete(ring, 1);
  assert.ok(completion);
  return completion;
}

/** Runs `body`; the addresses that it mapped and did not unmap. */
export function leftMapped(body: () => void): number[] {
  const { mmap, munmap } = sys;
  const left = new Set<number>();
  sys.mmap = (...args) => {
    const address = mmap(...args);
    if (address >= 0) left.add(address);
    return address;
  };
  sys.munmap = (address, length) => {
    left.delete(address);
    return munmap(address, length);
  };
  try {
    body();
  } finally {
    Object.assign(sys, { mmap, munmap });
  }
  return [...left];
}

/** Runs `body` while mmap(2) fails, from the `nth` call on. */
export function withoutMemory(body: () => void, nth = 1): void {
  const { mmap } = sys;
  let calls = 0;
  sys.mmap = (...args) => (++calls < nth ? mmap(...args) : -ENOMEM);
  try {
    body();
  } finally {
    sys.mmap = mmap;
  }
}

/** The text of bytes. */
export function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
