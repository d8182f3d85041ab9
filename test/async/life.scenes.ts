/** Scenes of life.test.ts: each runs in a process of its own, which must end by itself. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { mkdtempSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AsyncRing } from '../../lib/faces/async-ring.ts';
import { gc } from '../helpers/gc.ts';
import { makePipe, until } from '../helpers/rings.ts';

/** A ring with nothing to do lets the process end. */
export async function idle(): Promise<string> {
  const ring = new AsyncRing(8);
  await ring.nop();
  return 'idle';
}

/** A ring with something to do holds it: the answer comes from a timer-less wait. */
export async function pending(): Promise<number> {
  const ring = new AsyncRing(8);
  const [reader, writer] = makePipe();
  const reading = ring.read(reader, new Uint8Array(1));
  // nothing but the ring holds the process now; the timer is no help
  setTimeout(() => writeSync(writer, 'x'), 100).unref();
  return await reading;
}

/** unref(): a pending operation does not hold it. */
export async function unreferenced(): Promise<string> {
  const ring = new AsyncRing(8).unref();
  const [reader] = makePipe();
  ring.read(reader, new Uint8Array(1)).catch(() => {});
  await ring.nop();
  return 'unreferenced';
}

/** ref() takes unref() back. */
export async function referenced(): Promise<number> {
  const ring = new AsyncRing(8).unref();
  const [reader, writer] = makePipe();
  const reading = ring.read(reader, new Uint8Array(1));
  ring.ref();
  setTimeout(() => writeSync(writer, 'x'), 100).unref();
  return await reading;
}

/** Who listens for messages holds it; who leaves does not. */
export async function listening(): Promise<unknown> {
  const ring = new AsyncRing(8);
  const sender = new AsyncRing(8).unref();
  setTimeout(() => void sender.msgRing(ring, { messageData: 6 }), 100).unref();
  for await (const { userData } of ring.messages()) return userData;
  return undefined;
}

/** Nor does an iterator of messages that nobody has any more. */
export async function listenerDropped(): Promise<string> {
  const ring = new AsyncRing(8);
  (() => ring.messages())();
  setInterval(gc, 10).unref();
  return 'dropped';
}

/** What an awaiting function stores is still there after it. */
export async function storage(): Promise<unknown> {
  const store = new AsyncLocalStorage<string>();
  const ring = new AsyncRing(8);
  const [reader, writer] = makePipe();
  const pool = ring.registerBufferRing({ entries: 4, bufferSize: 4 });
  const seen = await Promise.all(
    ['one', 'two', 'three'].map((name) =>
      store.run(name, async () => {
        await ring.nop();
        const after = store.getStore();
        await ring.chain((c) => [c.nop(), c.nop({ timeoutMs: 1000 })]);
        return [after, store.getStore()];
      }),
    ),
  );
  const iterated = store.run('loop', async () => {
    for await (const part of ring.readMultishot(reader, pool)) {
      part.release();
      return store.getStore();
    }
    return undefined;
  });
  writeSync(writer, 'x');
  return [...seen, await iterated];
}

/** An onRelease runs in the async context in which it was given. */
export async function releaseStorage(): Promise<unknown> {
  const store = new AsyncLocalStorage<string>();
  const ring = new AsyncRing(8);
  const seen: unknown[] = [];
  const buffers = store.run('given', () =>
    ring.registerBuffers([new Uint8Array(4096)], {
      onRelease: (index) => seen.push(index, store.getStore()),
    }),
  );
  store.run('other', () => buffers.unregister());
  await until('the call', () => seen.length === 2);
  return seen;
}

/** An onRelease that throws is an uncaught exception, and the ring goes on. */
export async function thrown(): Promise<unknown> {
  const ring = new AsyncRing(8);
  const uncaught: string[] = [];
  process.on('uncaughtException', (error) => uncaught.push(error.message));
  const buffers = ring.registerBuffers([new Uint8Array(4096), new Uint8Array(4096)], {
    onRelease: (index) => {
      throw new Error(`release ${index}`);
    },
  });
  const [reader, writer] = makePipe();
  const reading = ring.read(reader, new Uint8Array(1));
  buffers.unregister();
  const nops = Promise.all(Array.from({ length: 100 }, () => ring.nop()));
  writeSync(writer, 'x');
  const count = await reading;
  await nops;
  await until('both', () => uncaught.length === 2);
  return [uncaught.sort(), count, ring.inFlight];
}

/** Memory that nobody but the ring holds while the kernel writes to it. */
export async function dropped(): Promise<unknown> {
  const ring = new AsyncRing(64);
  const folder = mkdtempSync(join(tmpdir(), 'uring-gc-'));
  const path = join(folder, 'file');
  writeFileSync(path, new Uint8Array(1 << 20).fill(7));
  const file = await ring.open(path);
  const [reader, writer] = makePipe();
  // reads that stay in flight, their memory dropped at once
  const waiting = Array.from({ length: 200 }, () =>
    ring.readv(reader, [new Uint8Array(3000), new Uint8Array(3000)]),
  );
  let total = 0;
  for (let round = 0; round < 20; round++) {
    const reads = Array.from({ length: 50 }, () =>
      ring.read(file, new Uint8Array(65_536), { offset: 0, async: true }),
    );
    gc();
    const garbage = Array.from({ length: 200 }, () => new Uint8Array(6000).fill(1));
    for (const count of await Promise.all(reads)) total += count;
    if (garbage.some((each) => each.some((byte) => byte !== 1)))
      return 'the kernel wrote into memory of others';
  }
  const garbage = Array.from({ length: 2000 }, () => new Uint8Array(3000).fill(1));
  gc();
  let done = 0;
  for (const each of waiting) each.then(() => done++);
  for (let i = 0; i < 200; i++) {
    writeSync(writer, new Uint8Array(3000).fill(9));
    // the kernel chooses which of them reads
    await until('a read', () => done > i);
  }
  const isIntact = garbage.every((each) => each.every((byte) => byte === 1));
  await file.close();
  rmSync(folder, { recursive: true });
  return [total, isIntact, ring.inFlight];
}

/** A ring that nobody holds any more is alive as long as somebody awaits an operation of it. */
export async function ringDropped(): Promise<unknown> {
  const [reader, writer] = makePipe();
  const reading = new AsyncRing(8).read(reader, new Uint8Array(5));
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    gc();
  }
  writeSync(writer, 'alive');
  return await reading;
}

/** process.exit with operations in flight is harmless. */
export async function exits(): Promise<void> {
  const ring = new AsyncRing(8);
  const [reader] = makePipe();
  ring.read(reader, new Uint8Array(4096)).catch(() => {});
  ring.read(reader, new Uint8Array(4096), { async: true }).catch(() => {});
  await ring.nop();
  writeSync(1, '"exited"');
  process.exit(0);
}
