/** Operations as promises: a few of them on one AsyncRing, each by its effect. Every kernel that has the opcodes has these. */
import { constants as fs, readFileSync } from 'node:fs';
import { AsyncRing } from 'uring';
import { expect, Pair, type Scratch, same } from './kit.ts';

const TEXT = 'written by a promise';
const POLLIN = 1;

/** The code of the error that a promise rejects with; undefined where it rejects with none. */
async function rejection(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
  return undefined;
}

async function aFile(ring: AsyncRing, path: string): Promise<void> {
  const file = await ring.open(path, { flags: fs.O_RDWR | fs.O_CREAT, mode: 0o600 });
  same('bytes written', await ring.write(file, new TextEncoder().encode(TEXT), { offset: 0 }), TEXT.length);
  same('the file', readFileSync(path, 'utf8'), TEXT);
  const memory = new Uint8Array(TEXT.length);
  same('bytes read', await ring.read(file, memory, { offset: 0 }), TEXT.length);
  same('what was read', new TextDecoder().decode(memory), TEXT);
  same('its size', Number((await ring.statx(path)).size), TEXT.length);
  await file.close();
}

async function aPipe(ring: AsyncRing): Promise<void> {
  using pipe = Pair.pipe();
  const memory = new Uint8Array(8);
  // nothing is there to be read: it waits, and the event loop goes on
  const controller = new AbortController();
  const waits = ring.read(pipe.a.fd, memory, { signal: controller.signal });
  setImmediate(() => controller.abort());
  same('a read that is aborted', await rejection(waits), 'ABORT_ERR');
  const ready = ring.poll(pipe.a.fd, POLLIN);
  await ring.write(pipe.b.fd, new TextEncoder().encode('now'));
  same('the poll', (await ready) & POLLIN, POLLIN);
  same('bytes of the pipe', await ring.read(pipe.a.fd, memory), 3);
}

async function aTimeout(ring: AsyncRing): Promise<void> {
  const start = performance.now();
  await ring.timeout({ afterMs: 5 });
  expect(performance.now() - start >= 4, 'the timeout came too early');
}

/** Uses them, checks their effects, and says in a few words what was seen; throws where an effect is missing. */
export async function promises(scratch: Scratch): Promise<string> {
  await using ring = new AsyncRing(16);
  await aFile(ring, scratch.file('promised', ''));
  await aPipe(ring);
  await aTimeout(ring);
  same('operations in flight', ring.inFlight, 0);
  return 'open, write, read, statx, close, abort, poll, timeout';
}
