import assert from 'node:assert/strict';
import { writeSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { ClosedError, RegisterError, SyscallError, UnsupportedError } from '../../lib/errors.ts';
import { Ring } from '../../lib/faces/ring.ts';
import { provideBuffers } from '../../lib/ops/preparers.ts';
import type { Completion } from '../../lib/ring/core/core.ts';
import { BufferEntries } from '../../lib/ring/owners/buffer-entries.ts';
import { type AllocatedBuffers, BufferRing } from '../../lib/ring/owners/buffer-ring.ts';
import { addressOf, alloc, mapAnonymous } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { Buf } from '../../structs/rsrc.ts';
import { gc } from '../helpers/gc.ts';
import { needs } from '../helpers/needs.ts';
import {
  ENOBUFS,
  F_BUF_MORE,
  F_BUFFER,
  leftMapped,
  OpenRing,
  only,
  socketPair,
  text,
  withoutMemory,
} from '../helpers/pairs.ts';
import { answer, hex, refuses, wrong } from '../helpers/raw-ring.ts';
import { ringTest } from '../helpers/rings.ts';

const pbuf = needs('REGISTER_PBUF_RING');
const status = needs('REGISTER_PBUF_STATUS');
/** IOU_PBUF_RING_MMAP (6.4) and SETUP_REGISTERED_FD_ONLY (6.5): the next opcode after them. */
const newMemory = status;
/** IOU_PBUF_RING_INC: an opcode of the same version. */
const incremental = needs('REGISTER_CLOCK');
const MEMORIES = [
  ['user', pbuf],
  ['kernel', newMemory],
] as const;
const MSG_WAITALL = 0x100;
const ENOTSOCK = -88;

function poolOf(ring: Ring, options: Partial<AllocatedBuffers> = {}): BufferRing {
  return ring.registerBufferRing({ entries: 4, bufferSize: 64, ...options });
}

/** Receives `data` into a buffer of the pool. */
function receive(ring: Ring, pool: BufferRing, pair: readonly [number, number], data: string): Completion {
  const [reader, writer] = pair;
  writeSync(writer, data);
  ring.prepare.recv(reader, pool);
  return only(ring);
}

// ---- bad input ----------------------------------------------------------------------------------------------

ringTest('options that are wrong are named before any system call', {}, (scope) => {
  const ring = scope.ring(4);
  const good = { entries: 4, bufferSize: 64 };
  const cases: readonly (readonly [string, unknown])[] = [
    ['options.entires', { ...good, entires: 4 }],
    ['options', undefined],
    ['options', null],
    ['options.entries', { bufferSize: 64 }],
    ['options.entries', { ...good, entries: 0 }],
    ['options.entries', { ...good, entries: 3 }],
    ['options.entries', { ...good, entries: 65_536 }],
    ['options.entries', { ...good, entries: '4' }],
    ['options.bufferSize', { entries: 4 }],
    ['options.bufferSize', { ...good, bufferSize: 0 }],
    ['options.bufferSize', { ...good, bufferSize: 2 ** 30 + 1 }],
    ['options.memory', { ...good, memory: 'kernal' }],
    ['options.incremental', { ...good, incremental: 1 }],
    ['options.minLeft', { ...good, minLeft: 8 }],
    ['options.minLeft', { ...good, incremental: true, minLeft: 65 }],
    ['options.group', { ...good, group: 65_536 }],
    ['options.group', { ...good, group: -1 }],
  ];
  for (const [name, options] of cases) refuses(name, () => ring.registerBufferRing(wrong(options)));
});

ringTest('take refuses what is no completion of the pool', pbuf, (scope) => {
  const ring = scope.ring(4);
  const pool = poolOf(ring);
  const pair = socketPair(scope);
  for (const [name, completion] of [
    ['completion.flags', { res: 1, flags: 0 }],
    ['completion.flags', { res: 1, flags: -1 }],
    ['completion.res', { res: 0.5, flags: F_BUFFER }],
    ['completion', { res: 1, flags: F_BUFFER | (4 << 16) }],
  ] as const) {
    refuses(name, () => pool.take(completion));
  }
  const completion = receive(ring, pool, pair, 'x');
  pool.take(completion);
  refuses('completion', () => pool.take(completion));
});

ringTest('a pool serves its own ring only, and not after it is closed', pbuf, (scope) => {
  const ring = scope.ring(4);
  const other = scope.ring(4);
  const [reader] = socketPair(scope);
  const pool = poolOf(ring);
  refuses('pool', () => other.prepare.recv(reader, pool));
  pool.unregister();
  pool.unregister();
  assert.equal(pool.isRegistered, false);
  assert.throws(() => ring.prepare.recv(reader, pool), ClosedError);
  assert.throws(() => pool.status(), ClosedError);
  ring.close();
  assert.throws(() => poolOf(ring), ClosedError);
});

ringTest('a ring without an fd has nothing to map the memory of the kernel by', newMemory, (scope) => {
  const ring = scope.ring(4, { registeredFdOnly: true });
  refuses('options.memory', () => poolOf(ring, { memory: 'kernel' }));
  const pool = poolOf(ring);
  assert.equal(text(pool.take(receive(ring, pool, socketPair(scope), 'by index')).bytes), 'by index');
});

ringTest('EINVAL for a call without a mistake is a flag that the kernel lacks', pbuf, (scope) => {
  const ring = scope.ring(4);
  const { register } = sys;
  sys.register = (fd, opcode, ...rest) =>
    fd === ring.fd && opcode === 22 ? -22 : register(fd, opcode, ...rest);
  try {
    for (const [options, need, version] of [
      [{ memory: 'kernel' }, 'IOU_PBUF_RING_MMAP', '6.4'],
      [{ memory: 'kernel', incremental: true }, 'IOU_PBUF_RING_INC', '6.12'],
      [{ incremental: true, minLeft: 1 }, 'io_uring_buf_reg.min_left', undefined],
    ] as const) {
      assert.throws(
        () => poolOf(ring, options),
        (error: unknown) => {
          assert.ok(error instanceof UnsupportedError);
          assert.equal(error.need, need);
          assert.equal(error.since, version);
          assert.ok(error.cause instanceof RegisterError);
          return true;
        },
      );
    }
    assert.throws(() => poolOf(ring), RegisterError);
  } finally {
    sys.register = register;
  }
});

// ---- buffers go round ---------------------------------------------------------------------------------------

for (const [memory, needed] of MEMORIES) {
  ringTest(`a receive picks a buffer of a ring in ${memory} memory and fills it`, needed, (scope) => {
    const ring = scope.ring(4);
    const pool = poolOf(ring, { memory });
    const pair = socketPair(scope);
    assert.equal(pool.length, 4);
    assert.equal(pool.free, 4);
    const seen: number[] = [];
    for (const data of ['one', 'two', 'three']) {
      const completion = receive(ring, pool, pair, data);
      assert.equal(completion.res, data.length);
      assert.equal(completion.flags & F_BUFFER, F_BUFFER);
      const part = pool.take(completion);
      assert.equal(text(part.bytes), data);
      seen.push(part.id);
    }
    assert.deepEqual(seen, [0, 1, 2]);
    assert.equal(pool.free, 1);
  });

  ringTest(`released buffers of a ring in ${memory} memory go round and round`, needed, (scope) => {
    const ring = scope.ring(4);
    const pair = socketPair(scope);
    // with one buffer every entry written is entry 0, over whose end the tail lies
    for (const entries of [1, 2, 8]) {
      const pool = poolOf(ring, { entries, memory });
      for (let i = 0; i < 3 * entries + 1; i++) {
        using part = pool.take(receive(ring, pool, pair, `data ${i}`));
        assert.equal(text(part.bytes), `data ${i}`);
        assert.equal(part.id, i % entries);
        assert.equal(pool.free, entries - 1);
      }
      assert.equal(pool.free, entries);
    }
  });
}

ringTest('buffers released in another order come back in that order', pbuf, (scope) => {
  const ring = scope.ring(4);
  const pool = poolOf(ring);
  const pair = socketPair(scope);
  const parts = ['a', 'b', 'c', 'd'].map((data) => pool.take(receive(ring, pool, pair, data)));
  for (const i of [2, 0, 3, 1]) parts[i]?.release();
  const again = ['e', 'f', 'g', 'h'].map((data) => pool.take(receive(ring, pool, pair, data)));
  assert.deepEqual(
    again.map(({ id }) => id),
    [2, 0, 3, 1],
  );
  assert.deepEqual(
    again.map(({ bytes }) => text(bytes)),
    ['e', 'f', 'g', 'h'],
  );
});

ringTest('head and tail go on after 65536 buffers', status, (scope) => {
  const ring = scope.ring(4);
  const pool = poolOf(ring, { entries: 2 });
  const pair = socketPair(scope);
  const rounds = 65_536 + 3;
  for (let i = 0; i < rounds; i++) pool.take(receive(ring, pool, pair, 'x')).release();
  assert.deepEqual(pool.status(), { head: 3 });
  assert.equal(text(pool.take(receive(ring, pool, pair, 'still')).bytes), 'still');
});

ringTest('a pool of 32768 buffers has one for each of as many receives', pbuf, (scope) => {
  const ring = scope.ring(4);
  // so much memory lies at addresses that need all of their bits
  const pool = poolOf(ring, { entries: 32_768, bufferSize: 128 });
  const pair = socketPair(scope);
  for (let id = 0; id < 32_768; id++) {
    const part = pool.take(receive(ring, pool, pair, `data ${id}`));
    assert.equal(part.id, id);
    assert.equal(text(part.bytes), `data ${id}`);
  }
  assert.equal(pool.free, 0);
});

ringTest(
  'without a free buffer a receive ends with ENOBUFS, and works again after a release',
  pbuf,
  (scope) => {
    const ring = scope.ring(4);
    const pool = poolOf(ring, { entries: 2 });
    const pair = socketPair(scope);
    const [first] = ['a', 'b'].map((data) => pool.take(receive(ring, pool, pair, data)));
    assert.equal(pool.free, 0);
    assert.equal(receive(ring, pool, pair, 'c').res, ENOBUFS);
    first?.release();
    ring.prepare.recv(pair[0], pool);
    assert.equal(text(pool.take(only(ring)).bytes), 'c');
  },
);

ringTest('status counts the buffers that the kernel has taken', status, (scope) => {
  const ring = scope.ring(4);
  const pool = poolOf(ring);
  const pair = socketPair(scope);
  assert.deepEqual(pool.status(), { head: 0 });
  receive(ring, pool, pair, 'a');
  receive(ring, pool, pair, 'b');
  assert.deepEqual(pool.status(), { head: 2 });
});

ringTest('a failed receive gives its buffer back by itself', pbuf, (scope) => {
  const ring = scope.ring(4);
  const pool = poolOf(ring, { entries: 1 });
  const { reader } = scope.pipe();
  ring.prepare.recv(reader, pool);
  const { res, flags } = only(ring);
  assert.equal(res, ENOTSOCK);
  assert.equal(flags & F_BUFFER, 0);
  assert.equal(text(pool.take(receive(ring, pool, socketPair(scope), 'ok')).bytes), 'ok');
});

// ---- incremental consumption ----------------------------------------------------------------------------------

for (const [memory] of MEMORIES) {
  ringTest(`an incremental ring in ${memory} memory fills a buffer piece by piece`, incremental, (scope) => {
    const ring = scope.ring(4);
    const pool = poolOf(ring, { entries: 2, bufferSize: 16, memory, incremental: true });
    const pair = socketPair(scope);
    const first = receive(ring, pool, pair, 'HELLO');
    const second = receive(ring, pool, pair, 'WORLD');
    const third = receive(ring, pool, pair, '123456');
    assert.deepEqual(
      [first, second, third].map(({ flags }) => flags & F_BUF_MORE),
      [F_BUF_MORE, F_BUF_MORE, 0],
    );
    const parts = [first, second, third].map((completion) => pool.take(completion));
    assert.deepEqual(
      parts.map(({ id }) => id),
      [0, 0, 0],
    );
    assert.deepEqual(
      parts.map(({ bytes }) => text(bytes)),
      ['HELLO', 'WORLD', '123456'],
    );
    assert.equal(pool.free, 1);
    const [hello, world, rest] = parts;
    assert.equal(hello?.bytes.buffer, world?.bytes.buffer);
    assert.equal(world?.bytes.byteOffset, (hello?.bytes.byteOffset ?? 0) + 5);

    // the last part alone does not give the buffer back: others are being read still
    rest?.release();
    hello?.release();
    assert.equal(pool.free, 1);
    world?.release();
    assert.equal(pool.free, 2);

    assert.equal(pool.take(receive(ring, pool, pair, 'next')).id, 1);
    const left = receive(ring, pool, pair, 'x'.repeat(12));
    assert.equal(left.flags & F_BUF_MORE, 0);
    pool.take(left);
    const round = pool.take(receive(ring, pool, pair, 'whole buffer 16!'));
    assert.equal(round.id, 0);
    assert.equal(text(round.bytes), 'whole buffer 16!');
  });
}

ringTest(
  'a released piece of a buffer does not give back what the kernel still fills',
  incremental,
  (scope) => {
    const ring = scope.ring(4);
    const pool = poolOf(ring, { entries: 1, bufferSize: 8, incremental: true });
    const pair = socketPair(scope);
    pool.take(receive(ring, pool, pair, 'ab')).release();
    assert.equal(pool.free, 1);
    using part = pool.take(receive(ring, pool, pair, 'cd'));
    assert.equal(part.id, 0);
    assert.equal(text(part.bytes), 'cd');
    using last = pool.take(receive(ring, pool, pair, 'efgh'));
    assert.equal(text(last.bytes), 'efgh');
    assert.equal(pool.free, 0);
  },
);

ringTest(
  'minLeft ends a buffer that has too little left, where the kernel knows it',
  incremental,
  (scope) => {
    const ring = scope.ring(4);
    const options = { entries: 2, bufferSize: 110, incremental: true, minLeft: 100 };
    const pool = answer(() => poolOf(ring, options));
    if (typeof pool === 'string') return assert.equal(pool, 'ERR_URING_UNSUPPORTED');
    const pair = socketPair(scope);
    const first = receive(ring, pool, pair, 'x'.repeat(5));
    assert.equal(first.flags & F_BUF_MORE, F_BUF_MORE);
    const second = receive(ring, pool, pair, 'y'.repeat(6));
    assert.equal(second.flags & F_BUF_MORE, 0);
    const parts = [first, second].map((completion) => pool.take(completion));
    for (const part of parts) part.release();
    assert.equal(pool.free, 2);
    assert.equal(pool.take(receive(ring, pool, pair, 'z')).id, 1);
  },
);

// ---- groups ---------------------------------------------------------------------------------------------------

ringTest('each pool has a group of its own', pbuf, (scope) => {
  const ring = scope.ring(4);
  const far = poolOf(ring, { group: 65_535 });
  const near = poolOf(ring);
  const middle = poolOf(ring, { group: 1 });
  const next = poolOf(ring);
  const pair = socketPair(scope);
  for (const [i, pool] of [far, near, middle, next].entries()) {
    assert.equal(text(pool.take(receive(ring, pool, pair, `pool ${i}`)).bytes), `pool ${i}`);
    assert.equal(pool.free, 3);
  }
  assert.throws(() => poolOf(ring, { group: 2 }), { code: 'EEXIST', opcode: 'REGISTER_PBUF_RING' });
});

ringTest('a group can be used again after unregister', pbuf, (scope) => {
  const ring = scope.ring(4);
  poolOf(ring).unregister();
  poolOf(ring);
  assert.throws(() => poolOf(ring, { group: 0 }), { code: 'EEXIST' });
  poolOf(ring, { group: 7 }).unregister();
  const pool = poolOf(ring, { group: 7 });
  assert.equal(text(pool.take(receive(ring, pool, socketPair(scope), 'again')).bytes), 'again');
});

ringTest('a group of OP_PROVIDE_BUFFERS is not free', pbuf, (scope) => {
  using ring = new OpenRing(4);
  const { inner } = ring;
  const memory = alloc(64);
  provideBuffers(inner.entry(), addressOf('memory', memory), 64, 1, 0, 0);
  inner.commit(0, memory);
  assert.equal(only(ring).res, 0);
  assert.throws(() => poolOf(ring, { group: 0 }), { code: 'EEXIST' });
  const pool = poolOf(ring);
  assert.equal(text(pool.take(receive(ring, pool, socketPair(scope), 'group 1')).bytes), 'group 1');
});

// ---- the memory of entries --------------------------------------------------------------------------------------

ringTest('entries are written beside the tail, which moves when they are published', {}, () => {
  const mapping = mapAnonymous(2 * Buf.size);
  const bytes = new Uint8Array(mapping.buffer, 0, 2 * Buf.size);
  const entries = new BufferEntries(mapping, 2);
  const first = '8877665544330000 44332211 2211';
  const second = '0000000000100000 01000000 ffff';
  entries.add(0x3344_5566_7788, 0x1122_3344, 0x1122);
  assert.deepEqual(bytes, hex(`${first} 0000 ${'00'.repeat(16)}`));
  entries.publish();
  entries.add(0x10_0000_0000_00, 1, 0xffff);
  assert.deepEqual(bytes, hex(`${first} 0100 ${second} 0000`));
  entries.publish();
  // the third one is entry 0 again: what the kernel reads as the tail must not be seen as 0 in between
  entries.add(0x10_0000_0000_00, 1, 0xffff);
  assert.deepEqual(bytes, hex(`${second} 0200 ${second} 0000`));
  entries.publish();
  assert.deepEqual(bytes, hex(`${second} 0300 ${second} 0000`));
  for (let i = 3; i < 65_536; i++) entries.add(0x10_0000_0000_00, 1, 0xffff);
  entries.publish();
  assert.deepEqual(bytes, hex(`${second} 0000 ${second} 0000`));
  entries.unmap();
  entries.unmap();
});

// ---- the end --------------------------------------------------------------------------------------------------

ringTest('after unregister a receive ends with ENOBUFS, also one that was waiting', pbuf, (scope) => {
  const ring = scope.ring(4);
  const pool = poolOf(ring);
  const [reader, writer] = socketPair(scope);
  ring.prepare.recv(reader, pool);
  ring.submit();
  pool.unregister();
  writeSync(writer, 'late');
  assert.equal(only(ring).res, ENOBUFS);
});

ringTest('a receive that has picked its buffer writes into it after unregister', pbuf, (scope) => {
  const ring = scope.ring(4);
  const pool = poolOf(ring, { bufferSize: 8 });
  const [reader, writer] = socketPair(scope);
  writeSync(writer, 'half');
  ring.prepare.recv(reader, pool, { flags: MSG_WAITALL });
  ring.submit();
  pool.unregister();
  writeSync(writer, 'full');
  const part = pool.take(only(ring));
  assert.equal(text(part.bytes), 'halffull');
  part.release();
  assert.equal(pool.free, 0);
});

ringTest('the memory lives as long as a receive in flight, and no longer', pbuf, async (scope) => {
  const ring = scope.ring(4);
  const [reader, writer] = socketPair(scope);
  const held = (() => {
    const pool = poolOf(ring, { bufferSize: 8 });
    writeSync(writer, 'half');
    ring.prepare.recv(reader, pool, { flags: MSG_WAITALL });
    ring.submit();
    pool.unregister();
    return new WeakRef(Object(BufferRing.buffersOf(pool)));
  })();
  for (let i = 0; i < 3; i++) {
    await turn();
    gc();
  }
  assert.notEqual(held.deref(), undefined);
  await turn();
  writeSync(writer, 'full');
  assert.equal(only(ring).res, 8);
  for (let i = 0; i < 3; i++) {
    await turn();
    gc();
  }
  assert.equal(held.deref(), undefined);
});

ringTest('what was received can be read after the ring is closed, and released twice', pbuf, (scope) => {
  const ring = scope.ring(4);
  const pool = poolOf(ring);
  const pair = socketPair(scope);
  const [first, second] = ['before', 'after'].map((data) => pool.take(receive(ring, pool, pair, data)));
  assert.ok(first && second);
  first.release();
  first.release();
  first[Symbol.dispose]();
  assert.equal(pool.free, 3);
  const late = receive(ring, pool, pair, 'late');
  ring.close();
  assert.equal(text(second.bytes), 'after');
  second.release();
  assert.equal(text(pool.take(late).bytes), 'late');
  assert.equal(pool.free, 0);
  assert.equal(pool.isRegistered, false);
  pool[Symbol.dispose]();
});

for (const [memory, needed] of MEMORIES) {
  ringTest(`nothing stays mapped of a ring in ${memory} memory`, needed, (scope) => {
    const pair = socketPair(scope);
    const ofRing = leftMapped(() => {
      const ring = scope.ring(4);
      poolOf(ring, { memory }).unregister();
      using pool = poolOf(ring, { memory, group: 5 });
      assert.throws(() => poolOf(ring, { memory, group: 5 }), { code: 'EEXIST' });
      pool.take(receive(ring, pool, pair, 'x'));
    });
    assert.equal(ofRing.length, 2);
    const left = leftMapped(() => {
      const ring = scope.ring(4);
      poolOf(ring, { memory });
      receive(ring, poolOf(ring, { memory }), pair, 'x');
      ring.close();
    });
    assert.deepEqual(left, []);
  });
}

ringTest('a ring of buffers that cannot be mapped is not registered', newMemory, (scope) => {
  const ring = scope.ring(4);
  withoutMemory(() => {
    assert.throws(() => poolOf(ring, { memory: 'kernel', group: 3 }), SyscallError);
    assert.throws(() => poolOf(ring, { memory: 'user', group: 3 }), SyscallError);
  });
  const pool = poolOf(ring, { memory: 'kernel', group: 3 });
  assert.equal(pool.isRegistered, true);
});

ringTest('disposing of a pool is harmless where the sandbox forbids to unregister', pbuf, () => {
  const left = leftMapped(() => {
    using ring = new Ring(4, { disabled: true });
    const pool = poolOf(ring);
    ring.registerRestrictions({ ops: ['OP_RECV'], register: ['REGISTER_PROBE'], sealed: true });
    ring.enable();
    assert.throws(() => pool.unregister(), { code: 'EACCES' });
    assert.equal(pool.isRegistered, true);
    pool[Symbol.dispose]();
    assert.equal(pool.isRegistered, false);
  });
  assert.deepEqual(left, []);
});
