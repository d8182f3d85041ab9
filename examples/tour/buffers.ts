/** Registered buffers: opcodes 0, 1, 15, 16, 30. */
import { readFileSync, writeSync } from 'node:fs';
import { alloc, type RegisteredBuffer, Ring } from 'uring';
import { addressOf, readFixed, registerBuffers } from 'uring/raw';
import { expect, LICENSE, open, Pair, RawRing, refusal, result, same, until } from './kit.ts';
import type { Proofs } from './proof.ts';

const SIZE = 4096;

function license(): Uint8Array {
  return new Uint8Array(readFileSync(LICENSE)).subarray(0, SIZE);
}

/** Reads LICENSE into a registered buffer, and checks its bytes; how many there are. */
function fill(ring: Ring, buffer: RegisteredBuffer): number {
  using file = open(LICENSE);
  ring.prepare.readFixed(file.fd, buffer, { offset: 0 });
  const length = result(ring);
  expect(typeof length === 'number', `READ_FIXED: ${length}`);
  same('the bytes', buffer.bytes.subarray(0, length), license());
  return length;
}

export const buffers = {
  REGISTER_BUFFERS: () => {
    using ring = new RawRing();
    using file = open(LICENSE);
    const [first, second] = [alloc(SIZE), alloc(SIZE)];
    registerBuffers(ring.fd, [first, second]);
    const address = addressOf(second);
    const length = ring.run((sqe) => readFixed(sqe, file.fd, address, SIZE, 0, 1));
    same('the bytes', second.subarray(0, Number(length)), license());
    same(
      'one byte too far',
      ring.run((sqe) => readFixed(sqe, file.fd, address + 1, SIZE, 0, 1)),
      '-EFAULT',
    );
    return `READ_FIXED put ${length} bytes of LICENSE into buffer 1`;
  },

  UNREGISTER_BUFFERS: () => {
    using ring = new Ring(8);
    const released: number[] = [];
    const table = ring.registerBuffers([alloc(SIZE)], { onRelease: (slot) => released.push(slot) });
    same(
      'a second table',
      refusal(() => ring.registerBuffers([alloc(SIZE)])),
      'EBUSY',
    );
    table.unregister();
    using next = ring.registerBuffers([alloc(SIZE)]);
    fill(ring, next.at(0));
    same('the slots let go', released, [0]);
    return 'a second table: EBUSY before, filled now';
  },

  REGISTER_BUFFERS2: () => {
    using ring = new Ring(8);
    const released: number[] = [];
    using table = ring.registerBuffers([null, alloc(SIZE)], { onRelease: (slot) => released.push(slot) });
    const length = fill(ring, table.at(1));
    same('slots let go before', released, []);
    table.unregister();
    until('the tag', () => ring.reap(() => {}) === 0 && released.length > 0);
    same('slots let go', released, [1]);
    return `READ_FIXED put ${length} bytes in slot 1, its tag came`;
  },

  REGISTER_BUFFERS_UPDATE: () => {
    using ring = new Ring(8);
    using pipe = Pair.pipe();
    const released: number[] = [];
    using table = ring.registerBuffers({ slots: 2 }, { onRelease: (slot) => released.push(slot) });
    const memory = alloc(SIZE);
    table.update(0, [memory]);
    ring.prepare.readFixed(pipe.a.fd, table.at(0));
    ring.submit();
    table.update(0, [null]);
    ring.reap(() => {});
    same('slots let go while a read is in flight', released, []);
    writeSync(pipe.b.fd, 'late');
    same('bytes read', result(ring), 4);
    until('the tag', () => ring.reap(() => {}) === 0 && released.length > 0);
    same('the bytes', new TextDecoder().decode(memory.subarray(0, 4)), 'late');
    return 'slot 0 emptied under a read: its tag came after it';
  },

  REGISTER_CLONE_BUFFERS: () => {
    using ring = new Ring(8);
    using source = new Ring(8);
    using clone = source.registerBuffers([alloc(SIZE), alloc(SIZE)]).cloneTo(ring);
    source.close();
    const length = fill(ring, clone.at(1));
    return `source ring closed, its buffer 1 took ${length} bytes`;
  },
} satisfies Proofs;
