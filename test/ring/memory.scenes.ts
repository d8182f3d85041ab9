/** Scenes for processes of their own: memory that the program has dropped and the kernel still writes to. */
import { readdirSync, readFileSync, readlinkSync, writeSync } from 'node:fs';
import { Ring } from '../../lib/faces/ring.ts';
import { readFixed } from '../../lib/ops/preparers.ts';
import { openRings } from '../../lib/ring/core/core.ts';
import { closingRings } from '../../lib/ring/core/reaper.ts';
import { viewMemory } from '../../lib/sys/ffi.ts';
import { addressOf, alloc, keptForever } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { OpenRing } from '../helpers/pairs.ts';
import { makePipe } from '../helpers/rings.ts';
import { startThread } from '../helpers/scenario.ts';

const SIZE = 65_536;
const MESSAGE = 'from the kernel';

function collect(): void {
  if (globalThis.gc === undefined) throw new Error('needs --expose-gc');
  globalThis.gc();
}

/** Lets finalizers run. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Buffers as large as the one that is at stake, which would get its memory if it were freed. */
class Storm {
  #live: Uint8Array[] = [];
  #pattern = 0;

  async blow(): Promise<void> {
    for (let round = 0; round < 4; round++) {
      this.#pattern = (this.#pattern + 1) & 0xff;
      this.#live = Array.from({ length: 60 }, () => new Uint8Array(SIZE).fill(this.#pattern));
      collect();
      await turn();
    }
  }

  /** Is every buffer as it was filled? */
  get isIntact(): boolean {
    const whole = Buffer.alloc(SIZE, this.#pattern);
    return this.#live.every((each) => whole.equals(each));
  }
}

/** A read of which the program holds nothing any more. */
interface Dropped {
  /** Where its memory is. */
  readonly address: number;
  /** Starts it, where it is not in flight yet. */
  readonly start?: () => void;
}

/** Leaves a read behind, into memory that nobody but the ring holds when this returns. */
type Drop = (ring: OpenRing, reader: number) => Dropped;

/** A fixed read into slot 0 that is not told which memory it is. */
function readByAddress(ring: OpenRing, reader: number, address: number): void {
  readFixed(ring.inner.entry(), reader, address, SIZE, -1, 0);
  ring.inner.commit(0, undefined);
  ring.submit();
}

const drops: { readonly [name: string]: Drop } = {
  'a plain read': (ring, reader) => {
    const memory = new Uint8Array(SIZE);
    ring.prepare.read(reader, memory);
    ring.submit();
    return { address: addressOf('memory', memory) };
  },
  'a read into a piece of a Buffer': (ring, reader) => {
    const memory = Buffer.alloc(SIZE).subarray(100);
    ring.prepare.read(reader, memory);
    ring.submit();
    return { address: addressOf('memory', memory) };
  },
  unregister: (ring, reader) => {
    const memory = new Uint8Array(SIZE);
    const buffers = ring.registerBuffers([memory]);
    ring.prepare.readFixed(reader, buffers.at(0));
    ring.submit();
    buffers.unregister();
    return { address: addressOf('memory', memory) };
  },
  'unregister by another read': (ring, reader) => {
    const memory = new Uint8Array(SIZE);
    const buffers = ring.registerBuffers([memory], { onRelease: () => {} });
    ring.prepare.readFixed(reader, buffers.at(0).subarray(16));
    ring.submit();
    buffers.unregister();
    ring.registerBuffers([new Uint8Array(SIZE)]);
    return { address: addressOf('memory', memory) + 16 };
  },
  dispose: (ring, reader) => {
    const memory = new Uint8Array(SIZE);
    using buffers = ring.registerBuffers([memory]);
    ring.prepare.readFixed(reader, buffers.at(0));
    ring.submit();
    return { address: addressOf('memory', memory) };
  },
  'unregister, with an operation that holds nothing': (ring, reader) => {
    const memory = new Uint8Array(SIZE);
    const address = addressOf('memory', memory);
    const buffers = ring.registerBuffers([memory]);
    readByAddress(ring, reader, address);
    buffers.unregister();
    ring.registerBuffers([new Uint8Array(SIZE)]);
    return { address };
  },
  replace: (ring, reader) => {
    const memory = new Uint8Array(SIZE);
    const buffers = ring.registerBuffers([memory]);
    ring.prepare.readFixed(reader, buffers.at(0));
    ring.submit();
    buffers.update(0, [new Uint8Array(SIZE)]);
    return { address: addressOf('memory', memory) };
  },
  clear: (ring, reader) => {
    const memory = new Uint8Array(SIZE);
    const buffers = ring.registerBuffers([memory]);
    ring.prepare.readFixed(reader, buffers.at(0));
    ring.submit();
    buffers.update(0, [null]);
    return { address: addressOf('memory', memory) };
  },
  'the owner is dropped': (ring, reader) => {
    const memory = new Uint8Array(SIZE);
    ring.prepare.readFixed(reader, ring.registerBuffers([memory]).at(0));
    ring.submit();
    return { address: addressOf('memory', memory) };
  },
  'a clone replaces it': (ring, reader) => {
    const memory = new Uint8Array(SIZE);
    ring.prepare.readFixed(reader, ring.registerBuffers([memory]).at(0));
    ring.submit();
    const other = new Ring(2);
    other.registerBuffers([new Uint8Array(SIZE)]).cloneTo(ring, { replace: true });
    other.close();
    return { address: addressOf('memory', memory) };
  },
  'the source of a clone is closed': (ring, reader) => {
    const memory = new Uint8Array(SIZE);
    const source = new Ring(2);
    const clone = source.registerBuffers([memory]).cloneTo(ring);
    source.close();
    ring.prepare.readFixed(reader, clone.at(0));
    ring.submit();
    clone.unregister();
    return { address: addressOf('memory', memory) };
  },
  'a clone, before it is read into': (ring, reader) => {
    const memory = new Uint8Array(SIZE);
    const source = new Ring(2);
    source.registerBuffers([memory]).cloneTo(ring);
    source.close();
    const address = addressOf('memory', memory);
    return { address, start: () => readByAddress(ring, reader, address) };
  },
};

async function survives(drop: Drop, storm: Storm): Promise<string> {
  const [reader, writer] = makePipe();
  const ring = new OpenRing(4);
  try {
    const { address, start } = drop(ring, reader);
    await storm.blow();
    start?.();
    writeSync(writer, MESSAGE);
    ring.submit({ wait: 1, timeoutMs: 5000 });
    if (ring.ready !== 1) return 'nothing came';
    // it is not reaped yet, so that the ring still holds the memory
    const found = Buffer.from(viewMemory(address, MESSAGE.length)).toString();
    if (!storm.isIntact) return 'other memory was overwritten';
    return found === MESSAGE ? 'well' : `${JSON.stringify(found)} is there`;
  } finally {
    ring.close();
    sys.close(reader);
    sys.close(writer);
  }
}

/** How each way of dropping memory goes. */
async function drop(storm: Storm): Promise<unknown> {
  const found: { [name: string]: string } = {};
  for (const [name, each] of Object.entries(drops)) found[name] = await survives(each, storm);
  return found;
}

/** A ring is closed with a read in flight, and its memory dropped: nobody writes to it any more. */
async function close(storm: Storm): Promise<unknown> {
  const [reader, writer] = makePipe();
  const found: string[] = [];
  for (const each of Object.values(drops).slice(0, 3)) {
    const ring = new OpenRing(4);
    each(ring, reader);
    ring.close();
    await storm.blow();
    writeSync(writer, MESSAGE);
    await turn();
    if (!storm.isIntact) found.push('other memory was overwritten');
    const rest = new Uint8Array(64);
    if (sys.read(reader, rest) !== MESSAGE.length) found.push('the read was not cancelled');
  }
  return { found, kept: keptForever() };
}

// ---- a ring that is dropped without close ---------------------------------------------------------------------------------

function ringFds(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes('[io_uring]');
    } catch {
      return false;
    }
  }).length;
}

function ringMappings(): number {
  return readFileSync('/proc/self/maps', 'utf8').split('[io_uring]').length - 1;
}

/** Node.js 22 has rings of its own. */
const nodes = { fds: ringFds(), mappings: ringMappings() };

/** What a ring may have when it is dropped; none of it may hold the ring. */
const leavings: { readonly [name: string]: (ring: Ring, reader: number) => unknown } = {
  nothing: () => {},
  'a closed read': (ring, reader) => {
    ring.prepare.read(reader, new Uint8Array(64));
    ring.submit();
  },
  'what was never submitted': (ring, reader) => ring.prepare.read(reader, new Uint8Array(64)),
  buffers: (ring) => ring.registerBuffers([alloc(64)]),
  'buffers with onRelease': (ring) => ring.registerBuffers([alloc(64)], { onRelease: () => {} }),
  'buffers given up': (ring) => ring.registerBuffers([alloc(64)], { onRelease: () => {} }).unregister(),
  'updated buffers': (ring) =>
    ring.registerBuffers({ slots: 2 }, { onRelease: () => {} }).update(0, [alloc(64)]),
  'a clone': (ring) => {
    using source = new Ring(2);
    source.registerBuffers([alloc(64)]).cloneTo(ring);
  },
  files: (ring, reader) => ring.registerFiles([reader]),
  'files with onRelease': (ring, reader) => ring.registerFiles([reader], { onRelease: () => {} }),
  'files given up': (ring, reader) => ring.registerFiles([reader], { onRelease: () => {} }).unregister(),
  'an eventfd': (ring) => ring.registerEventfd(),
  'a buffer ring': (ring) => ring.registerBufferRing({ entries: 2, bufferSize: 64 }),
  'a buffer ring in use': (ring, reader) => {
    ring.prepare.recv(reader, ring.registerBufferRing({ entries: 2, bufferSize: 64, memory: 'kernel' }));
    ring.submit();
  },
  'a personality': (ring) => ring.prepare.nop({ personality: ring.registerPersonality() }),
  limits: (ring) => ring.limitWorkers({ bounded: 3 }),
  'a registered index': (ring) => ring.registerRingFd(),
  'only an index': (ring) => ring.registerRingFd().closeFd(),
  napi: (ring) => ring.enableNapi(),
  'an abandoned generator': (ring) => {
    ring.prepare.nop();
    ring.submit();
    for (const completion of ring.completions()) if (completion) break;
  },
};

function makeAndForget(name: string, reader: number): void {
  leavings[name]?.(new Ring(4), reader);
}

/** Drops a ring with each of `leavings`: which of them are never closed, and what the warnings say. */
export async function forget(): Promise<unknown> {
  const warnings: { readonly code: string; readonly namesPlace: boolean }[] = [];
  process.on('warning', (warning) => {
    const { code, message } = Object(warning);
    warnings.push({ code, namesPlace: /makeAndForget.*memory\.scenes\.[jt]s:\d+/.test(message) });
  });
  const [reader, writer] = makePipe();
  const left: string[] = [];
  for (const name of Object.keys(leavings)) {
    const before = openRings();
    makeAndForget(name, reader);
    for (let i = 0; i < 20 && openRings() > before; i++) {
      collect();
      await turn();
    }
    if (openRings() > before) left.push(name);
  }
  sys.close(reader);
  sys.close(writer);
  await turn();
  return {
    left,
    fds: ringFds() - nodes.fds,
    mappings: ringMappings() - nodes.mappings,
    warnings: warnings.length,
    others: warnings.filter(({ code, namesPlace }) => code !== 'URING_NOT_CLOSED' || !namesPlace),
    expected: Object.keys(leavings).length,
  };
}

// ---- what the kernel does not give up -----------------------------------------------------------------------------------------

/** Closes two rings while the kernel neither cancels nor completes anything, and lets it go on later. */
async function keep(storm: Storm): Promise<unknown> {
  const [reader, writer] = makePipe();
  const addresses: number[] = [];
  const { enter, register } = sys;
  const rings: Ring[] = [];
  const begin = performance.now();
  sys.register = () => -62;
  for (let i = 0; i < 2; i++) {
    const ring = new Ring(4);
    addresses.push(neverEnding(ring, reader));
    sys.enter = () => -62;
    try {
      ring.close();
    } finally {
      sys.enter = enter;
    }
    rings.push(ring);
  }
  const ms = performance.now() - begin;
  const closing = closingRings();
  await storm.blow();
  sys.register = register;
  const found = addresses.map((address) =>
    Buffer.from(viewMemory(address, SIZE)).every((byte) => byte === 7),
  );
  const closed = await Promise.all(rings.map((ring) => ring.closed({ timeoutMs: 10_000 })));
  sys.close(reader);
  sys.close(writer);
  return {
    kept: keptForever(),
    closing,
    closed,
    found,
    isIntact: storm.isIntact,
    rings: openRings(),
    fds: ringFds() - nodes.fds,
    isQuick: ms < 900,
  };
}

function neverEnding(ring: Ring, reader: number): number {
  const memory = new Uint8Array(SIZE).fill(7);
  ring.prepare.read(reader, memory);
  ring.submit();
  return addressOf('memory', memory);
}

/** All of this in one process, one after another. */
export async function inFlight(): Promise<unknown> {
  const storm = new Storm();
  return { drop: await drop(storm), close: await close(storm), keep: await keep(storm) };
}

// ---- the end of a process, and of a thread ----------------------------------------------------------------------------------------

/** A ring with every kind of operation in flight. */
function busyRing(): Ring {
  const ring = new Ring(8);
  const [reader, writer] = makePipe();
  const fixed = ring.registerBuffers([alloc(SIZE), alloc(SIZE)]);
  ring.registerFiles([reader]);
  ring.prepare.read(reader, new Uint8Array(SIZE));
  ring.prepare.readFixed(reader, fixed.at(0));
  ring.prepare.timeout({ afterMs: 3_600_000 });
  ring.prepare.pollMultishot(reader, 1);
  // a worker of the kernel's is blocked in this one
  ring.prepare.splice(reader, writer, 1, { async: true });
  ring.submit();
  ring.prepare.nop();
  return ring;
}

/** Ends the process in this way, with a ring and operations in flight. */
export function end(how: string): void {
  const ring = busyRing();
  // it is not dropped: it is there when the process ends
  process.on('exit', () => ring.ready);
  if (how === 'exit') process.exit(7);
  if (how === 'throw') throw new Error('on purpose');
  if (how === 'wait') {
    process.stdout.write('ready');
    setInterval(() => ring.ready, 1000);
  }
}

/** What a thread does that ends in this way. */
export function endThread(how: string): void {
  busyRing();
  if (how === 'exit') process.exit(3);
  if (how === 'throw') throw new Error('on purpose');
  if (how === 'terminate') setInterval(() => {}, 1000);
}

/** A thread that ends in this way, at once or after its ring is busy: its exit code. */
async function endOf(how: string): Promise<unknown> {
  const worker = startThread({ module: import.meta.url, name: 'endThread', argument: how });
  const end = new Promise((resolve) => worker.once('exit', resolve));
  worker.once('error', () => {});
  if (how === 'terminate') {
    await new Promise((resolve) => worker.once('message', resolve));
    await worker.terminate();
  }
  return end;
}

/** Lets threads end in each of these ways: their exit codes, and the rings that are left in the process. */
export async function threads(ways: readonly string[]): Promise<unknown> {
  const codes = await Promise.all(ways.map(endOf));
  collect();
  await turn();
  return { codes, fds: ringFds() - nodes.fds };
}
