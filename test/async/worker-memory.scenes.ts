/** Scenes for a worker: operations on memory that the kernel gets a copy of, and on memory of alloc(). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AsyncRing } from '../../lib/faces/async-ring.ts';
import { alloc } from '../../lib/sys/memory.ts';
import { koffi } from '../../structs/koffi.ts';
import { makePipe } from '../helpers/rings.ts';

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function codeOf(call: () => unknown): unknown {
  try {
    call();
    return 'none';
  } catch (error) {
    return Object(error).code;
  }
}

const O_RDWR = 2;
const O_CREAT = 0o100;

/** Reads, writes and their vectored kin, on ordinary memory. */
export async function transfers(): Promise<unknown> {
  await using ring = new AsyncRing(16);
  const folder = mkdtempSync(join(tmpdir(), 'uring-worker-'));
  const file = await ring.open(join(folder, 'file'), { flags: O_RDWR | O_CREAT });
  const room = new Uint8Array(64).fill(46);
  await ring.write(file, new TextEncoder().encode('hello, world'), { offset: 0 });
  await ring.read(file, room.subarray(8, 13), { offset: 0 });
  const [first, second] = [new Uint8Array(3), new Uint8Array(4)];
  await ring.readv(file, [first, second], { offset: 5 });
  const large = new Uint8Array(3_000_000).map((_, i) => i % 251);
  await ring.write(file, large, { offset: 0 });
  const back = new Uint8Array(3_000_000);
  const count = await ring.read(file, back, { offset: 0 });
  const { size } = await ring.statx(join(folder, 'file'));
  await file.close();
  rmSync(folder, { recursive: true });
  const isSame = back.every((byte, i) => byte === i % 251);
  return [text(room.subarray(6, 16)), text(first), text(second), count, isSame, Number(size)];
}

/** A write that is linked to the read before it writes what was read, although both have a copy. */
export async function linked(): Promise<unknown> {
  await using ring = new AsyncRing(16);
  const folder = mkdtempSync(join(tmpdir(), 'uring-worker-'));
  writeFileSync(join(folder, 'from'), 'copied');
  const from = await ring.open(join(folder, 'from'));
  const to = await ring.open(join(folder, 'to'), { flags: O_RDWR | O_CREAT });
  const memory = new Uint8Array(6);
  await ring.chain((c) => [c.read(from, memory, { offset: 0 }), c.write(to, memory, { offset: 0 })]);
  const found = new Uint8Array(6);
  await ring.read(to, found, { offset: 0 });
  await Promise.all([from.close(), to.close()]);
  rmSync(folder, { recursive: true });
  return [text(memory), text(found)];
}

/** What a write has read is not copied back over what the caller stores meanwhile; nor is that of a refused operation. */
export async function stores(): Promise<unknown> {
  await using ring = new AsyncRing(16);
  const [reader, writer] = makePipe();
  const memory = new TextEncoder().encode('before');
  const writing = ring.write(writer, memory);
  memory.set(new TextEncoder().encode('after.'));
  await writing;
  const gone = new Uint8Array(8);
  structuredClone(gone.buffer, { transfer: [gone.buffer] });
  const refused = await ring.readv(reader, [memory, gone]).catch((error) => error.code);
  memory[0] = 65;
  await ring.nop();
  const found = new Uint8Array(6);
  await ring.read(reader, found);
  return [text(memory), text(found), refused];
}

/** alloc() in a worker. */
export async function allocated(): Promise<unknown> {
  await using ring = new AsyncRing(16);
  const [reader, writer] = makePipe();
  const memory = alloc(100);
  const isZero = memory.every((byte) => byte === 0);
  const buffers = ring.registerBuffers([memory]);
  await ring.write(writer, new TextEncoder().encode('fixed'));
  await ring.read(reader, buffers.at(0).subarray(2));
  const codes = [
    codeOf(() => ring.registerBuffers([new Uint8Array(64)])),
    await ring.madvise(new Uint8Array(4096), 'MADV_WILLNEED').catch((error) => error.code),
  ];
  return [isZero, memory.byteOffset, text(memory.subarray(2, 7)), ...codes];
}

/** Memory of alloc() that nobody holds is used again, zeroed. */
export async function reused(): Promise<unknown> {
  for (let i = 0; i < 50; i++) {
    const memory = alloc(200_000);
    if (memory.some((byte) => byte !== 0)) return 'not zeroed';
    memory.fill(7);
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return 'zeroed';
}

/** Which of koffi's functions that make types are called once a ring is there: a worker may be terminated then. */
export async function typesAfterwards(): Promise<unknown> {
  await using ring = new AsyncRing(16);
  const called: string[] = [];
  for (const name of ['struct', 'union', 'array', 'type'] as const) {
    const original: unknown = Reflect.get(Object(koffi), name);
    if (typeof original !== 'function') return `no koffi.${name}`;
    const counting = (...args: unknown[]) => {
      called.push(name);
      return Reflect.apply(original, koffi, args);
    };
    if (!Reflect.set(Object(koffi), name, counting)) return `koffi.${name} can't be watched`;
  }
  const { size } = await ring.statx('/');
  await ring.timeout({ afterMs: 1 });
  return [typeof size, called];
}
