/** Which bytes belong to which completion of a pool: truncated datagrams, parts taken in another order, memory of the caller's. */
import assert from 'node:assert/strict';
import { writeSync } from 'node:fs';
import type { Ring } from '../../lib/faces/ring.ts';
import type { Completion } from '../../lib/ring/core/core.ts';
import type { BufferRing } from '../../lib/ring/owners/buffer-ring.ts';
import { socketpair } from '../../lib/sys/libc.ts';
import { alloc } from '../../lib/sys/memory.ts';
import { needs } from '../helpers/needs.ts';
import { ENOBUFS, only, socketPair, text } from '../helpers/pairs.ts';
import { refuses, wrong } from '../helpers/raw-ring.ts';
import { complete, ringTest, type Scope } from '../helpers/rings.ts';

const pbuf = needs('REGISTER_PBUF_RING');
/** IOU_PBUF_RING_MMAP (6.4): the next opcode after it. */
const kernelMemory = needs('REGISTER_PBUF_STATUS');
/** IOU_PBUF_RING_INC: an opcode of the same version. */
const incremental = needs('REGISTER_CLOCK');
const SOCK_DGRAM = 2;
const MSG_TRUNC = 0x20;

function datagrams(scope: Scope): readonly [number, number] {
  const [reader, writer] = socketpair(SOCK_DGRAM);
  return [scope.fd(reader), scope.fd(writer)];
}

function receive(
  ring: Ring,
  pool: BufferRing,
  [reader, writer]: readonly [number, number],
  data: string,
): Completion {
  writeSync(writer, data);
  ring.prepare.recv(reader, pool, { flags: MSG_TRUNC });
  return only(ring);
}

for (const [isIncremental, needed] of [
  [false, pbuf],
  [true, incremental],
] as const) {
  ringTest(
    `a datagram that is longer than its buffer is cut off, and the buffer comes back (incremental: ${isIncremental})`,
    needed,
    (scope) => {
      const ring = scope.ring(4);
      const pool = ring.registerBufferRing({ entries: 4, bufferSize: 8, incremental: isIncremental });
      const pair = datagrams(scope);
      for (let i = 0; i < 20; i++) {
        const data = `${String.fromCharCode(97 + i)}0123456789abcdefghi`;
        const part = pool.take(receive(ring, pool, pair, data));
        assert.equal(part.length, 20);
        assert.equal(part.isTruncated, true);
        assert.ok(part.bytes.length > 0 && part.bytes.length <= 8);
        assert.equal(text(part.bytes), data.slice(0, part.bytes.length));
        part.release();
        assert.equal(pool.free, 4);
      }
      // an incremental buffer may have fewer bytes left than this one needs
      const whole = pool.take(receive(ring, pool, pair, 'ok'));
      assert.equal(text(whole.bytes), 'ok');
      assert.deepEqual([whole.length, whole.isTruncated], [2, false]);
    },
  );
}

ringTest(
  'parts of an incremental buffer are right in whatever order they are taken',
  incremental,
  (scope) => {
    const ring = scope.ring(8);
    const pool = ring.registerBufferRing({ entries: 2, bufferSize: 64, incremental: true });
    const pair = socketPair(scope);
    const sent = ['first', 'other', 'a longer one', 'third'];
    const found = sent.map((data, userData) => {
      writeSync(pair[1], data);
      ring.prepare.recv(pair[0], pool, { userData });
      return complete(ring, 1)[0];
    });
    // two of equal length, whose completions differ by their userData alone
    for (const i of [3, 1, 2, 0]) {
      const completion = found[i];
      assert.ok(completion !== undefined);
      using part = pool.take(completion);
      assert.equal(text(part.bytes), sent[i]);
      refuses('completion', () => pool.take(completion));
    }
  },
);

ringTest('numbers of reap() find the data of their length', incremental, (scope) => {
  const ring = scope.ring(8);
  const pool = ring.registerBufferRing({ entries: 2, bufferSize: 64, incremental: true });
  const pair = socketPair(scope);
  const found: { res: number; flags: number }[] = [];
  for (const data of ['one', 'three']) {
    writeSync(pair[1], data);
    ring.prepare.recv(pair[0], pool);
    ring.submit({ wait: 1 });
    ring.reap((_userData, res, flags) => found.push({ res, flags }));
  }
  assert.deepEqual(
    found.reverse().map((each) => text(pool.take(each).bytes)),
    ['three', 'one'],
  );
});

ringTest(
  'the kernel maps no ring of a group above 2047, which is said before it is asked',
  kernelMemory,
  (scope) => {
    const ring = scope.ring(4);
    const options = { entries: 4, bufferSize: 16, memory: 'kernel' } as const;
    for (const group of [2048, 65_535]) {
      refuses('options.group', () => ring.registerBufferRing({ ...options, group }));
    }
    ring.registerBufferRing({ ...options, group: 2047 }).unregister();
    ring.registerBufferRing({ ...options, memory: 'user', group: 65_535 }).unregister();
  },
);

ringTest('wrong memory of the caller’s is named before any system call', {}, (scope) => {
  const ring = scope.ring(4);
  const view = new Uint8Array(16);
  for (const [name, options] of [
    ['options.buffers', { buffers: [] }],
    ['options.buffers', { buffers: view }],
    ['options.buffers[1]', { buffers: [view, null] }],
    ['options.buffers[0]', { buffers: [new Uint8Array(0)] }],
    ['options.bufferSize', { buffers: [view], bufferSize: 16 }],
    ['options.entries', { buffers: [view, view, view], entries: 2 }],
    ['options.entries', { buffers: [view], entries: 3 }],
  ] as const) {
    refuses(name, () => ring.registerBufferRing(wrong(options)));
  }
});

ringTest('a pool of given memory receives into it, whatever the sizes', pbuf, (scope) => {
  const ring = scope.ring(4);
  const views = [new Uint8Array(4), new Uint16Array(8), alloc(64)];
  const pool = ring.registerBufferRing({ buffers: views });
  assert.deepEqual([pool.length, pool.free, pool.bufferSize], [4, 3, 4]);
  const pair = datagrams(scope);
  for (const [i, length] of [4, 16, 20].entries()) {
    const part = pool.take(receive(ring, pool, pair, 'twenty bytes of data'));
    assert.deepEqual([part.id, part.bytes.length, part.isTruncated], [i, length, length < 20]);
    assert.equal(part.bytes.buffer, views[i]?.buffer);
    assert.equal(text(part.bytes), 'twenty bytes of data'.slice(0, length));
  }
  assert.equal(receive(ring, pool, pair, 'x').res, ENOBUFS);
});

ringTest('a buffer that is kept does not go back, and another takes its place', pbuf, (scope) => {
  const ring = scope.ring(4);
  const pool = ring.registerBufferRing({ buffers: [new Uint8Array(8)] });
  const pair = socketPair(scope);
  const kept = pool.take(receive(ring, pool, pair, 'mine'));
  refuses('memory', () => pool.add(new Uint8Array(8)));
  kept.keep();
  kept.release();
  assert.equal(receive(ring, pool, pair, 'x').res, ENOBUFS);
  const other = new Uint8Array(16);
  assert.equal(pool.add(other), 0);
  assert.equal(pool.free, 1);
  // the byte that found no buffer is still in the socket
  using part = pool.take(receive(ring, pool, pair, 'yz'));
  assert.equal(text(part.bytes), 'xyz');
  assert.equal(text(kept.bytes), 'mine');
  assert.equal(part.bytes.buffer, other.buffer);
  refuses('memory', () => pool.add(wrong(null)));
});

ringTest('memory that was transferred while the pool had it is told, and does not go back', pbuf, (scope) => {
  const ring = scope.ring(4);
  const memory = [new Uint8Array(8), new Uint8Array(8)];
  // who takes it keeps it: the kernel writes there still
  const heirs: Uint8Array[] = [];
  const transfer = (view: Uint8Array<ArrayBuffer> | undefined) => {
    if (view !== undefined) heirs.push(structuredClone(view, { transfer: [view.buffer] }));
  };
  const pool = ring.registerBufferRing({ entries: 2, buffers: memory });
  const pair = datagrams(scope);
  const [first, second] = memory;
  // one that is held goes to another owner, and is released
  const part = pool.take(receive(ring, pool, pair, 'held'));
  assert.equal(text(part.bytes), 'held');
  transfer(first);
  part.release();
  assert.equal(pool.free, 1);
  // one that the kernel has: what it wrote there is the new owner's
  transfer(second);
  const completion = receive(ring, pool, pair, 'lost');
  refuses('buffers[1]', () => pool.take(completion));
  assert.equal(text(heirs[1] ?? new Uint8Array(0)).slice(0, 4), 'lost');
  assert.deepEqual([pool.free, pool.holders()], [0, []]);
  // both places are free
  pool.add(new Uint8Array(8));
  pool.add(new Uint8Array(8));
  const whole = pool.take(receive(ring, pool, pair, 'again'));
  assert.equal(text(whole.bytes), 'again');
  whole.release();
});
