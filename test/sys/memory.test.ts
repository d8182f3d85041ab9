import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as ffi from '../../lib/sys/ffi.ts';
import {
  addressOf,
  alloc,
  keepForever,
  keptForever,
  Mapping,
  mapAnonymous,
  Pinned,
  pageSize,
  Scratch,
  stableView,
} from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { leftMapped, withoutMemory } from '../helpers/pairs.ts';
import { refuses, unfitViews, wrong } from '../helpers/raw-ring.ts';

test('alloc takes 1 byte to 4 GiB, nothing else', () => {
  for (const bytes of [0, -1, 1.5, Number.NaN, 2 ** 32 + 1, '8', undefined, 8n])
    refuses('bytes', () => alloc(wrong(bytes)));
});

test('alloc gives zeroed memory on a page of its own', () => {
  for (const bytes of [1, 7, 4095, 4096, 4097, 65_536]) {
    const memory = alloc(bytes);
    assert.equal(memory.byteLength, bytes);
    assert.equal(addressOf('memory', memory) % pageSize(), 0);
    assert.ok(memory.every((byte) => byte === 0));
    memory.fill(255);
    assert.ok(memory.buffer instanceof ArrayBuffer && !Object(memory.buffer).resizable);
  }
  assert.ok(pageSize() >= 4096 && Number.isInteger(Math.log2(pageSize())));
});

test('what would not stay where it is has no address', () => {
  for (const value of [undefined, null, 5, 'text', [1], {}, new ArrayBuffer(8)])
    refuses('it', () => addressOf('it', value));
  for (const [why, view] of unfitViews()) assert.throws(() => addressOf('it', view), /"it"/, why);
  const empty = new Uint8Array(new ArrayBuffer(8), 8);
  refuses('it', () => stableView('it', empty));
});

test('a view has the address of its first byte, again and again', () => {
  const room = alloc(4096);
  const base = addressOf('room', room);
  for (const at of [0, 1, 100, 4095]) {
    assert.equal(addressOf('piece', room.subarray(at)), base + at);
    assert.equal(addressOf('piece', new DataView(room.buffer, room.byteOffset + at, 1)), base + at);
  }
  const small = new Uint8Array(8);
  const first = addressOf('small', small);
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.();
    assert.equal(addressOf('small', small), first);
  }
});

test('memory of alloc() has an address as long as it is there', () => {
  const whole = alloc(8192);
  assert.equal(addressOf('whole', whole), Number(ffi.address(whole)));
  const piece = new Uint16Array(whole.buffer, whole.byteOffset + 100, 8);
  assert.equal(addressOf('piece', piece), addressOf('whole', whole) + 100);
  const { buffer } = whole;
  assert.ok(buffer instanceof ArrayBuffer);
  structuredClone(buffer, { transfer: [buffer] });
  refuses('piece', () => addressOf('piece', piece));
  refuses('list[3]', () => addressOf('list', piece, 3));
});

test('a mapping is unmapped once, and its buffer is gone', () => {
  const left = leftMapped(() => {
    const mapping = mapAnonymous(5000);
    assert.equal(mapping.length, 2 * pageSize(), 'whole pages');
    const { buffer } = mapping;
    new Uint8Array(buffer).fill(7);
    let calls = 0;
    const { munmap } = sys;
    sys.munmap = (...args) => {
      calls++;
      return munmap(...args);
    };
    try {
      mapping.unmap();
      mapping.unmap();
    } finally {
      sys.munmap = munmap;
    }
    assert.equal(calls, 1);
    assert.throws(() => mapping.buffer, /gone/);
    // where the runtime can (Node.js 22), the buffer that is left over has no memory any more
    if ('transfer' in ArrayBuffer.prototype) assert.equal(buffer.byteLength, 0);
  });
  assert.deepEqual(left, []);
});

test('no memory to map is ENOMEM', () => {
  withoutMemory(() => {
    assert.throws(() => mapAnonymous(4096), { name: 'SyscallError', code: 'ENOMEM', syscall: 'mmap' });
  });
  for (const length of [0, 2 ** 32 + 1, Number.NaN]) assert.throws(() => mapAnonymous(length), RangeError);
});

test('two views of one mapping share its bytes', () => {
  const mapping = mapAnonymous(4096);
  try {
    const other = new Mapping(mapping.address, 16);
    new Uint8Array(mapping.buffer)[3] = 9;
    assert.equal(new Uint8Array(other.buffer)[3], 9);
  } finally {
    mapping.unmap();
  }
});

test('pinned memory and scratch', () => {
  const pinned = new Pinned(24);
  pinned.view.setUint32(4, 0x0403_0201, true);
  assert.deepEqual([...pinned.bytes.subarray(4, 8)], [1, 2, 3, 4]);
  assert.equal(pinned.address, addressOf('bytes', pinned.bytes));
  const scratch = new Scratch();
  const small = scratch.reserve(10);
  assert.equal(scratch.reserve(4096), small);
  assert.ok(scratch.reserve(5000).bytes.byteLength >= 5000);
  assert.equal(scratch.reserve(10).bytes.byteLength, 8192);
});

test('what is kept for ever is counted, and said once', async () => {
  const before = keptForever();
  const warnings: string[] = [];
  const listener = (warning: Error) => warnings.push(warning.message);
  process.on('warning', listener);
  keepForever([], 'nothing');
  keepForever([{}], 'the first');
  keepForever([{}, {}], 'the second');
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', listener);
  assert.deepEqual([keptForever() - before, warnings], [3, ['the first']]);
});
