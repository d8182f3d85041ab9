import assert from 'node:assert/strict';
import { writeSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { Ring } from '../../lib/faces/ring.ts';
import { openRings } from '../../lib/ring/core/core.ts';
import { BufferRing } from '../../lib/ring/owners/buffer-ring.ts';
import { ZcrxIfqReg } from '../../structs/zcrx.ts';
import { withOpcode } from '../helpers/fake-kernel.ts';
import { gc } from '../helpers/gc.ts';
import { type Needs, needs } from '../helpers/needs.ts';
import { only, socketPair, text } from '../helpers/pairs.ts';
import { ringTest, until } from '../helpers/rings.ts';

const pbuf = needs('REGISTER_PBUF_RING');
const region = needs('REGISTER_MEM_REGION');

/** What a ring may have when it is forgotten. */
const CASES: readonly (readonly [string, Needs, (ring: Ring) => unknown])[] = [
  ['nothing', {}, () => undefined],
  ['a buffer ring', pbuf, (ring) => ring.registerBufferRing({ entries: 2, bufferSize: 64 })],
  ['a region', region, (ring) => ring.registerRegion().at(0)],
  [
    'a zero-copy queue',
    {},
    (ring) =>
      withOpcode(
        { opcode: 32, size: ZcrxIfqReg.size },
        () => 0,
        () => ring.registerZcrxIfq({ interface: 'lo', queue: 0, entries: 1, areaBytes: 1 }),
      ),
  ],
];

for (const [what, needed, register] of CASES) {
  ringTest(`a ring with ${what} that is dropped is closed, with a warning`, needed, async () => {
    const before = openRings();
    const codes: unknown[] = [];
    const listen = (warning: Error): void => void codes.push(Object(warning).code);
    process.on('warning', listen);
    try {
      (() => {
        const ring = new Ring(4, { disabled: true });
        register(ring);
      })();
      assert.equal(openRings(), before + 1);
      await until('the ring is closed', () => {
        gc();
        return openRings() === before;
      });
      await turn();
      assert.deepEqual(codes, ['URING_NOT_CLOSED']);
    } finally {
      process.off('warning', listen);
    }
  });
}

ringTest('a dropped buffer ring keeps its memory while its ring lives', pbuf, async (scope) => {
  const ring = scope.ring(4);
  const [reader, writer] = socketPair(scope);
  const dropped = (() => {
    const pool = ring.registerBufferRing({ entries: 2, bufferSize: 64 });
    ring.prepare.recv(reader, pool);
    ring.submit();
    return { pool: new WeakRef(pool), held: new WeakRef(Object(BufferRing.buffersOf(pool))) };
  })();
  await until('the pool is collected', () => {
    gc();
    return dropped.pool.deref() === undefined;
  });
  writeSync(writer, 'data');
  assert.equal(only(ring).res, 4);
  await turn();
  gc();
  // another receive by the group's number would write there
  assert.notEqual(dropped.held.deref(), undefined);
});

ringTest('a part keeps the memory that it shows', pbuf, async (scope) => {
  const ring = scope.ring(4);
  const [reader, writer] = socketPair(scope);
  const part = (() => {
    const pool = ring.registerBufferRing({ entries: 2, bufferSize: 64 });
    writeSync(writer, 'kept');
    ring.prepare.recv(reader, pool);
    return pool.take(only(ring));
  })();
  ring.close();
  for (let i = 0; i < 3; i++) {
    await turn();
    gc();
  }
  assert.equal(text(part.bytes), 'kept');
});
