/**
 * FileHandle: Node's own class, whose reads and writes go through the ring. What it does not change (streams, lines, stat,
 * events, what happens when it is dropped or posted) is Node's, and so is every call whose arguments are not plain.
 */
import { hasFailed, ringOrThreads } from './backend.ts';
import { closeOn } from './ending.ts';
import { asNode } from './errors.ts';
import { nodePromises } from './node.ts';
import { type Anatomy, anatomyOf, type NativeHandle, type NodeHandle, takeFd } from './node-handle.ts';
import {
  isChanging,
  isWritten,
  opening,
  type Place,
  type Transfer,
  transfer,
  transferOfMany,
} from './plain.ts';
import { readHandle } from './read-file.ts';
import { writeAt, writeHandle, writevAt } from './write-file.ts';

/** What FileHandles with a ring are made of. */
interface Classes {
  readonly Handle: Anatomy['Handle'];
  readonly Native: new (fd: number, isWritten: boolean) => NativeHandle;
}

/** Undefined where Node's can't be changed, null before one was seen. */
let classes: Classes | undefined | null = null;

/** As `read(buffer, offset, length, position)` and its two forms with options; undefined where Node has to look at it. */
function plainTransfer(args: readonly unknown[], isWrite: boolean): [unknown, Transfer] | undefined {
  const [first, second, length, position] = args;
  if (ArrayBuffer.isView(first)) {
    const plain = transfer(first, isOptions(second) ? second : { offset: second, length, position });
    return plain && [first, plain];
  }
  // write({ buffer }) is no call of Node's
  if (isWrite || !isOptions(first)) return undefined;
  const { buffer } = first;
  const plain = transfer(buffer, first);
  return plain && [buffer, plain];
}

/** What may be among the options of a method. */
interface Options extends Place {
  readonly buffer?: unknown;
  readonly signal?: unknown;
}

function isOptions(value: unknown): value is Options {
  return typeof value === 'object' && value !== null;
}

function nativeClass({ Native }: Anatomy): Classes['Native'] {
  return class FileHandle extends Native {
    readonly #isWritten: boolean;

    constructor(fd: number, isWritten: boolean) {
      super(fd);
      this.#isWritten = isWritten;
    }

    override close(): Promise<void> {
      const ring = this.#isWritten ? undefined : ringOrThreads();
      const fd = ring && takeFd(this);
      return ring === undefined || fd === undefined ? super.close() : closeOn(ring, fd);
    }
  };
}

/** Node's FileHandle, with a ring. */
function handleClass({ Handle, ref, unref }: Anatomy): Classes['Handle'] {
  /** The ring, for an open file. */
  const ringFor = (handle: NodeHandle) => (handle.fd < 0 ? undefined : ringOrThreads());

  /** Runs `body`, and counts as a user of the file until it is over; `syscall` is what an error names. */
  async function using<T>(handle: NodeHandle, syscall: 'read' | 'write', body: () => Promise<T>): Promise<T> {
    ref(handle);
    try {
      return await body();
    } catch (error) {
      throw asNode(error, { syscall });
    } finally {
      unref(handle);
    }
  }

  return class FileHandle extends Handle {
    override async read(...args: readonly unknown[]): Promise<unknown> {
      const plain = plainTransfer(args, false);
      const ring = plain && ringFor(this);
      if (plain === undefined || ring === undefined) return super.read(...args);
      const [buffer, { memory, offset }] = plain;
      ref(this);
      try {
        const bytesRead = await ring.read(this.fd, memory, { offset });
        return { __proto__: null, bytesRead, buffer };
      } catch (error) {
        if (hasFailed(ring)) return await super.read(...args);
        throw asNode(error, { syscall: 'read' });
      } finally {
        unref(this);
      }
    }

    override async write(...args: readonly unknown[]): Promise<unknown> {
      const plain = plainTransfer(args, true);
      const ring = plain && ringFor(this);
      if (plain === undefined || ring === undefined) return super.write(...args);
      const [buffer, { memory, offset }] = plain;
      ref(this);
      try {
        const bytesWritten = await writeAt(ring, this.fd, memory, offset);
        return { __proto__: null, bytesWritten, buffer };
      } catch (error) {
        throw asNode(error, { syscall: 'write' });
      } finally {
        unref(this);
      }
    }

    override async readv(...args: readonly unknown[]): Promise<unknown> {
      const [buffers, position] = args;
      const plain = transferOfMany(buffers, position);
      const ring = plain && ringFor(this);
      if (plain === undefined || ring === undefined) return super.readv(...args);
      const { memory, offset } = plain;
      const bytesRead = await using(this, 'read', () => ring.readv(this.fd, memory, { offset }));
      return { __proto__: null, bytesRead, buffers };
    }

    override async writev(...args: readonly unknown[]): Promise<unknown> {
      const [buffers, position] = args;
      const plain = transferOfMany(buffers, position);
      const ring = plain && ringFor(this);
      if (plain === undefined || ring === undefined) return super.writev(...args);
      const { memory, offset } = plain;
      const bytesWritten = await using(this, 'write', () => writevAt(ring, this.fd, memory, offset));
      return { __proto__: null, bytesWritten, buffers };
    }

    override async readFile(...args: readonly unknown[]): Promise<unknown> {
      const ring = ringFor(this);
      const reading = ring && readHandle(ring, this.fd, args[0]);
      if (reading === undefined) return untilAborted(super.readFile(...args), args[0]);
      return (await using(this, 'read', () => reading)) ?? super.readFile(...args);
    }

    override async appendFile(...args: readonly unknown[]): Promise<unknown> {
      const ring = ringFor(this);
      const writing = ring && writeHandle(ring, this.fd, args[0], args[1]);
      return writing === undefined ? super.appendFile(...args) : using(this, 'write', () => writing);
    }
  };
}

/**
 * What Node reads, unless the signal aborts before the end. Node itself looks at the signal before each read: after an
 * `open` by the ring, which ends in another phase of the event loop, a small file's only read may have started already.
 */
async function untilAborted(reading: Promise<unknown>, options: unknown): Promise<unknown> {
  const found = await reading;
  // Node has taken it, so it is a signal, or looks like one to Node
  const signal = isOptions(options) ? options.signal : undefined;
  const isAborted = isOptions(signal) && Boolean(Reflect.get(signal, 'aborted'));
  // Node makes the error
  return isAborted ? Reflect.apply(nodePromises.readFile, nodePromises, ['', { signal }]) : found;
}

/** Gives a FileHandle of Node's the methods with a ring; the first one shows how they are made. It closes as it did. */
function adopt(handle: object): object {
  if (classes === null) {
    const anatomy = anatomyOf(handle);
    classes = anatomy && { Handle: handleClass(anatomy), Native: nativeClass(anatomy) };
  }
  return classes ? Object.setPrototypeOf(handle, classes.Handle.prototype) : handle;
}

/** As Node's own. */
export async function open(path: unknown, flags?: unknown, mode?: unknown): Promise<unknown> {
  const ring = classes === undefined ? undefined : ringOrThreads();
  const plain = ring && opening(path, flags, mode ?? undefined);
  if (plain === undefined || ring === undefined || !classes || isChanging(plain.flags)) {
    const handle: object = await Reflect.apply(nodePromises.open, nodePromises, [path, flags, mode]);
    return ring === undefined ? handle : adopt(handle);
  }
  const { Handle, Native } = classes;
  try {
    const { fd } = await ring.open(plain.path, { flags: plain.flags, mode: plain.mode });
    return new Handle(new Native(fd, isWritten(plain.flags)));
  } catch (error) {
    throw asNode(error, { syscall: 'open', path: plain.path });
  }
}
