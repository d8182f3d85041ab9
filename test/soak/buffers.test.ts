/** Buffers come and go under reads in flight, while the garbage collector runs. */
import assert from 'node:assert/strict';
import { writeSync } from 'node:fs';
import { test } from 'node:test';
import { Ring } from '../../lib/faces/ring.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { belongings } from '../helpers/leaks.ts';
import { needs } from '../helpers/needs.ts';
import { makePipe } from '../helpers/rings.ts';
import { inProcess } from '../helpers/scenario.ts';

const NEEDS = needs('REGISTER_CLONE_BUFFERS', 'REGISTER_RESIZE_RINGS');
const SIZE = 16_384;

test(
  'slots are replaced, cleared and cloned under reads in flight: nothing is overwritten, nothing is kept',
  NEEDS,
  async () => {
    const before = await belongings();
    const [reader, writer] = makePipe();
    const message = Buffer.alloc(SIZE / 2, 0xee);
    let released = 0;
    let registered = 0;
    for (let round = 0; round < 400; round++) {
      const ring = new Ring(16);
      const other = new Ring(2);
      const views = Array.from({ length: 4 }, () => new Uint8Array(SIZE));
      registered += views.length;
      let buffers = ring.registerBuffers(views, { onRelease: () => void released++ });
      for (let i = 0; i < 4; i++) ring.prepare.readFixed(reader, buffers.at(i), { userData: i });
      ring.submit();
      switch (round % 5) {
        case 0:
          buffers.unregister();
          break;
        case 1:
          buffers.update(0, [null, null, null, null]);
          break;
        case 2:
          buffers.update(
            0,
            views.map(() => new Uint8Array(SIZE)),
          );
          registered += 4;
          break;
        case 3:
          buffers = other.registerBuffers([new Uint8Array(SIZE)]).cloneTo(ring, { replace: true });
          break;
        default:
          buffers.cloneTo(other).unregister();
      }
      const junk = Array.from({ length: 40 }, () => new Uint8Array(SIZE).fill(0x11));
      globalThis.gc?.();
      for (let i = 0; i < 4; i++) {
        writeSync(writer, message);
        ring.submit({ wait: 1, timeoutMs: 5000 });
        ring.reap((userData, res) => {
          assert.equal(res, message.byteLength);
          assert.ok(views[Number(userData)]?.subarray(0, res).every((byte) => byte === 0xee));
        });
      }
      assert.ok(junk.every((each) => each.every((byte) => byte === 0x11)));
      if (buffers.isRegistered) buffers.unregister();
      ring.close();
      other.close();
    }
    assert.equal(released, registered, 'each slot was told of once');
    sys.close(reader);
    sys.close(writer);
    const after = await belongings();
    assert.deepEqual([after.fds, after.rings, after.kept], [before.fds, before.rings, before.kept]);
    assert.ok(after.rss - before.rss < 20, `${after.rss - before.rss} MiB`);
    assert.ok(after.buffers - before.buffers < 2, `${after.buffers - before.buffers} MiB in ArrayBuffers`);
  },
);

test('threads are terminated again and again with operations in flight: the process goes on', NEEDS, () => {
  const module = new URL('../ring/memory.scenes.ts', import.meta.url).href;
  for (let round = 0; round < 5; round++) {
    const { codes } = Object(inProcess({ module, name: 'threads', argument: Array(5).fill('terminate') }));
    assert.deepEqual(codes, Array(5).fill(1));
  }
});
