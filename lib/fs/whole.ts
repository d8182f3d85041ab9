/** Whole files through the ring: opened, moved, closed, with nothing else between. */
import type { AsyncRing } from '../faces/async-ring.ts';
import { hasFailed, ringOrThreads } from './backend.ts';
import { asNode } from './errors.ts';
import { nodeFs, nodePromises } from './node.ts';
import { type Opening, opening, plainData, type WholeOptions, wholeOptions } from './plain.ts';

/** The first read of a file: most are smaller, and are copied out of it. */
const FIRST = 65_536;
/** How many such pieces of memory are kept for the next reads. */
const KEPT = 32;
/** What a file whose size is not known is read by, and the most that one operation moves: the thread copies meanwhile. */
const STEP = 524_288;
/** As much as Node reads at most. */
const LARGEST = 2 ** 31 - 1;
const BY_WORKER = { async: true } as const;
/** How many pieces of a large file are read at the same time. */
const LANES = 4;
/** A copy of more than this costs more than memory of its own. */
const COPIED = 16_384;

const spare: Uint8Array[] = [];

/** Takes memory back that the kernel no longer uses: not after an error, by which a ring may have died. */
function give(memory: Uint8Array): void {
  if (spare.length < KEPT) spare.push(memory);
}

/** Node's own AbortError where the signal has aborted. */
export async function checkAborted(signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) await nodePromises.readFile('', { signal });
}

/** Opens a file through the ring; its fd, which is the caller's to close. @throws as Node's own open */
export async function openOn(ring: AsyncRing, { path, flags, mode }: Opening): Promise<number> {
  try {
    return (await ring.open(path, { flags, mode })).fd;
  } catch (error) {
    throw asNode(error, { syscall: 'open', path });
  }
}

/**
 * Closes an fd through the ring. @throws as Node's own close
 * @param isWritten a worker does it: the file system may have to write first, as ext4 where a file was emptied before
 */
export async function closeOn(ring: AsyncRing, fd: number, isWritten: boolean): Promise<void> {
  try {
    await (isWritten ? ring.closeFd(fd, BY_WORKER) : ring.closeFd(fd));
  } catch (error) {
    if (!hasFailed(ring)) throw asNode(error, { syscall: 'close' });
    // it was not closed by a ring that is dead
    nodeFs.close(fd);
  }
}

async function readSome(
  ring: AsyncRing,
  fd: number,
  memory: Uint8Array,
  options?: { readonly offset: number; readonly async: boolean },
): Promise<number> {
  try {
    return await ring.read(fd, memory, options);
  } catch (error) {
    throw asNode(error, { syscall: 'read' });
  }
}

async function writeSome(ring: AsyncRing, fd: number, memory: Uint8Array): Promise<number> {
  try {
    return await ring.write(fd, memory);
  } catch (error) {
    throw asNode(error, { syscall: 'write' });
  }
}

async function sync(ring: AsyncRing, fd: number): Promise<void> {
  try {
    await ring.fsync(fd);
  } catch (error) {
    throw asNode(error, { syscall: 'fsync' });
  }
}

/** How a file is read. */
interface Reading {
  readonly signal: AbortSignal | undefined;
  /** From its beginning: then any part of it can be read. A FileHandle has a position that must move. */
  readonly isWhole: boolean;
}

// ---- reading ------------------------------------------------------------------------------------------------------

/**
 * The rest of a file whose size is known, into memory of that size: it may have become shorter meanwhile. Workers of the
 * kernel copy, several at a time, so that the event loop goes on; where the position is the file's own, one after another.
 */
async function readSized(
  ring: AsyncRing,
  fd: number,
  first: Uint8Array,
  size: number,
  how: Reading,
): Promise<Buffer> {
  const all = Buffer.allocUnsafeSlow(size);
  all.set(first);
  let next = first.byteLength;
  let end = size;
  const lane = async (): Promise<void> => {
    while (next < end) {
      const at = next;
      next = Math.min(at + STEP, size);
      const read = await readPiece(ring, fd, all.subarray(at, next), how.isWhole ? at : -1);
      await checkAborted(how.signal);
      if (read < Math.min(STEP, size - at)) end = Math.min(end, at + read);
    }
  };
  await Promise.all(Array.from({ length: how.isWhole ? LANES : 1 }, lane));
  return end === size ? all : all.subarray(0, end);
}

/** Fills `memory`, unless the file ends before; how many bytes. */
async function readPiece(ring: AsyncRing, fd: number, memory: Uint8Array, offset: number): Promise<number> {
  let total = 0;
  while (total < memory.byteLength) {
    const at = offset < 0 ? -1 : offset + total;
    const read = await readSome(ring, fd, memory.subarray(total), { offset: at, async: true });
    if (read === 0) break;
    total += read;
  }
  return total;
}

/** The rest of what has no size: a pipe, a file of /proc. */
async function readUnsized(
  ring: AsyncRing,
  fd: number,
  first: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const parts: Uint8Array[] = [first];
  for (;;) {
    const memory = new Uint8Array(FIRST);
    const read = await readSome(ring, fd, memory);
    await checkAborted(signal);
    if (read === 0) return Buffer.concat(parts);
    parts.push(memory.subarray(0, read));
  }
}

/** What is in a file, and `first` before it; undefined where it is too large, which Node says. */
async function readRest(
  ring: AsyncRing,
  fd: number,
  first: Uint8Array,
  how: Reading,
): Promise<Buffer | undefined> {
  const size = await sizeOf(fd);
  await checkAborted(how.signal);
  if (size > LARGEST) return undefined;
  return size > first.byteLength
    ? readSized(ring, fd, first, size, how)
    : readUnsized(ring, fd, first, how.signal);
}

function sizeOf(fd: number): Promise<number> {
  return new Promise((done, fail) => {
    nodeFs.fstat(fd, (error, stats) => (error ? fail(error) : done(stats.isFile() ? stats.size : 0)));
  });
}

function copyOf(memory: Uint8Array): Buffer {
  const copy = memory.byteLength <= COPIED ? Buffer.allocUnsafe(memory.byteLength) : undefined;
  if (copy === undefined) return Buffer.from(memory);
  copy.set(memory);
  return copy;
}

/** Everything from the current position on; undefined where it is too large. */
async function readWhole(
  ring: AsyncRing,
  fd: number,
  { encoding, signal }: WholeOptions,
  isWhole: boolean,
): Promise<Buffer | string | undefined> {
  const memory = spare.pop() ?? new Uint8Array(FIRST);
  let filled = 0;
  for (let read = -1; read !== 0 && filled < FIRST; filled += read) {
    read = await readSome(ring, fd, filled === 0 ? memory : memory.subarray(filled));
    if (signal !== undefined) await checkAborted(signal);
    // a short read is no end: pipes and /proc have them
  }
  const found =
    filled < FIRST
      ? contentOf(memory.subarray(0, filled), encoding)
      : await readRest(ring, fd, memory, { signal, isWhole });
  give(memory);
  return typeof found === 'object' && encoding !== undefined ? found.toString(encoding) : found;
}

/** A copy of what was read: the memory is for the next file. */
function contentOf(memory: Uint8Array, encoding: BufferEncoding | undefined): Buffer | string {
  if (encoding === undefined) return copyOf(memory);
  return Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength).toString(encoding);
}

/** As `readFile` of a FileHandle. Undefined, at once or later: Node has to do it. */
export function readHandle(
  ring: AsyncRing,
  fd: number,
  given: unknown,
): Promise<Buffer | string | undefined> | undefined {
  const options = wholeOptions(given);
  return options === undefined ? undefined : readWholeUnlessAborted(ring, fd, options);
}

async function readWholeUnlessAborted(
  ring: AsyncRing,
  fd: number,
  options: WholeOptions,
): Promise<Buffer | string | undefined> {
  await checkAborted(options.signal);
  return readWhole(ring, fd, options, false);
}

/** A whole file to read. */
export interface ReadPlan {
  readonly target: Opening;
  readonly options: WholeOptions;
}

/** What `readFile(path, options)` asks for; undefined where Node has to look at it. */
export function planRead(path: unknown, given: unknown): ReadPlan | undefined {
  const options = wholeOptions(given);
  const target = options && opening(path, options.flag);
  return target && { target, options };
}

/** As Node's own. */
export async function readFile(path: unknown, options?: unknown): Promise<unknown> {
  const plan = planRead(path, options);
  const ring = plan && ringOrThreads();
  if (plan === undefined || ring === undefined)
    return Reflect.apply(nodePromises.readFile, nodePromises, [path, options]);
  const found = await readOn(ring, plan);
  return found ?? Reflect.apply(nodePromises.readFile, nodePromises, [path, options]);
}

/**
 * Does it. Undefined: Node has to do it, because the ring has failed, the file is too large, or it is a folder, of which
 * versions of Node say different things.
 */
export async function readOn(ring: AsyncRing, plan: ReadPlan): Promise<Buffer | string | undefined> {
  try {
    return await readPlanned(ring, plan);
  } catch (error) {
    if (hasFailed(ring) || isFolder(error)) return undefined;
    throw error;
  }
}

function isFolder(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EISDIR';
}

async function readPlanned(
  ring: AsyncRing,
  { target, options }: ReadPlan,
): Promise<Buffer | string | undefined> {
  const { signal } = options;
  if (signal !== undefined) await checkAborted(signal);
  const fd = await openOn(ring, target);
  let result: Buffer | string | undefined;
  try {
    if (signal !== undefined) await checkAborted(signal);
    result = await readWhole(ring, fd, options, true);
  } catch (error) {
    await closeOn(ring, fd, false);
    throw error;
  }
  await closeOn(ring, fd, false);
  return result;
}

// ---- writing ------------------------------------------------------------------------------------------------------

async function writeWhole(
  ring: AsyncRing,
  fd: number,
  data: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let at = 0; at < data.byteLength; ) {
    if (signal !== undefined) await checkAborted(signal);
    const isAll = at === 0 && data.byteLength <= STEP;
    at += await writeSome(ring, fd, isAll ? data : data.subarray(at, at + STEP));
  }
}

/** As `writeFile` of a FileHandle. Undefined: Node has to do it. */
export function writeHandle(
  ring: AsyncRing,
  fd: number,
  data: unknown,
  given: unknown,
): Promise<void> | undefined {
  const options = wholeOptions(given);
  const bytes = options && plainData(data, options.encoding);
  return bytes === undefined ? undefined : writeWholeUnlessAborted(ring, fd, bytes, options?.signal);
}

async function writeWholeUnlessAborted(
  ring: AsyncRing,
  fd: number,
  data: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  await checkAborted(signal);
  return writeWhole(ring, fd, data, signal);
}

/** Bytes to write as a whole file, or at the end of one. */
export interface WritePlan extends ReadPlan {
  readonly data: Uint8Array;
}

/**
 * What `writeFile(path, data, options)` asks for, or `appendFile`; undefined where Node has to look at it.
 * @param flag where the options have none: `'w'`, `'a'`
 */
export function planWrite(flag: string, path: unknown, given: unknown, rest: unknown): WritePlan | undefined {
  const options = wholeOptions(rest);
  const data = options && plainData(given, options.encoding);
  const target = data && opening(path, options?.flag ?? flag, options?.mode);
  return options && target && { target, options, data };
}

/** As Node's own. */
export async function writeFile(path: unknown, data: unknown, options?: unknown): Promise<unknown> {
  const plan = planWrite('w', path, data, options);
  const ring = plan && ringOrThreads();
  if (plan === undefined || ring === undefined)
    return Reflect.apply(nodePromises.writeFile, nodePromises, [path, data, options]);
  return writeOn(ring, plan);
}

/** As Node's own. */
export async function appendFile(path: unknown, data: unknown, options?: unknown): Promise<unknown> {
  const plan = planWrite('a', path, data, options);
  const ring = plan && ringOrThreads();
  if (plan === undefined || ring === undefined)
    return Reflect.apply(nodePromises.appendFile, nodePromises, [path, data, options]);
  return writeOn(ring, plan);
}

/** Does it. */
export async function writeOn(ring: AsyncRing, { target, options, data }: WritePlan): Promise<void> {
  const { signal, flush } = options;
  if (signal !== undefined) await checkAborted(signal);
  const fd = await openOn(ring, target);
  try {
    if (signal !== undefined) await checkAborted(signal);
    await writeWhole(ring, fd, data, signal);
    if (flush) await sync(ring, fd);
  } catch (error) {
    await closeOn(ring, fd, true);
    throw error;
  }
  await closeOn(ring, fd, true);
}
