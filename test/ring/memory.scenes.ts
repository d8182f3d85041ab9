/** Scenes for processes of their own: memory that the program has dropped and the kernel still writes to. */
import { readdirSync, readFileSync, readlinkSync, writeSync } from 'node:fs';
import { Ring } from '../../lib/ring/ring.ts';
import { viewMemory } from '../../lib/sys/ffi.ts';
import { addressOf, alloc, keptForever } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
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
    for (let round = 0; round < 6; round++) {
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

/** A read in flight, of which the program holds nothing any more. */
interface Dropped {
  /** Where the memory was. */
  readonly address: number;
  readonly ring: Ring;
}

/** Prepares a read into memory that nobody but the ring holds when this returns. */
type Drop = (ring: Ring, reader: number) => { readonly address: number; readonly ring?: Ring };

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
  'a clone without a read yet': (ring, reader) => {
    // the read is prepared by the storm's end: until then only the clone holds the memory
    const memory = new Uint8Array(SIZE);
    const source = new Ring(2);
    source.registerBuffers([memory]).cloneTo(ring);
    source.close();
    lateReads.set(ring, reader);
    return { address: addressOf('memory', memory) };
  },
};

/** Rings whose read into slot 0 is prepared after the storm, by its address alone. */
const lateReads = new Map<Ring, number>();

async function survives(drop: Drop, storm: Storm): Promise<string> {
  const [reader, writer] = makePipe();
  const ring = new Ring(4);
  try {
    const { address } = drop(ring, reader);
    await storm.blow();
    const late = lateReads.get(ring);
    if (late !== undefined) {
      const { inner } = Object(await import('./memory.inner.ts'));
      inner(ring, late, address, SIZE);
    }
    writeSync(writer, MESSAGE);
    ring.submit({ wait: 1, timeoutMs: 5000 });
    if (ring.ready !== 1) return 'nothing came';
    // it is not reaped yet, so that the ring still holds the memory
    const found = Buffer.from(viewMemory(address, MESSAGE.length)).toString();
    if (!storm.isIntact) return 'other memory was overwritten';
    return found === MESSAGE ? 'well' : `${JSON.stringify(found)} is there`;
  } finally {
    lateReads.delete(ring);
    ring.close();
    sys.close(reader);
    sys.close(writer);
  }
}

/** How each way of dropping memory goes. */
export async function drop(): Promise<unknown> {
  const storm = new Storm();
  const found: { [name: string]: string } = {};
  for (const [name, each] of Object.entries(drops)) found[name] = await survives(each, storm);
  return found;
}
