/** Bytes that are written through the ring: whole files, and parts of files that are open. */
import { writeHere } from '../async/position.ts';
import type { AsyncRing } from '../faces/async-ring.ts';
import type { FixedFile } from '../ring/owners/files.ts';
import { hasFailed, ringOrThreads } from './backend.ts';
import {
  BY_WORKER,
  checkAborted,
  closeAfter,
  closeOn,
  type Failure,
  nodeError,
  none,
  STEP,
} from './ending.ts';
import { nodePromises } from './node.ts';
import { type Opening, opening, plainData, type WholeOptions, wholeOptions } from './plain.ts';
import type { ReadPlan } from './read-file.ts';
import { giveSlot, takeSlot } from './slots.ts';

/** Writes at `offset`; -1: at the current position. */
export function writeAt(ring: AsyncRing, fd: number, memory: Uint8Array, offset: number): Promise<number> {
  const write = () => ring.write(fd, memory, { offset });
  return offset >= 0 ? write() : writeHere(() => fd, memory.byteLength, write);
}

/** As `writeAt`, of several pieces of memory. */
export function writevAt(
  ring: AsyncRing,
  fd: number,
  memory: readonly Uint8Array[],
  offset: number,
): Promise<number> {
  const write = () => ring.writev(fd, memory, { offset });
  const length = memory.reduce((sum, each) => sum + each.byteLength, 0);
  return offset >= 0 ? write() : writeHere(() => fd, length, write);
}

/**
 * Opens a file, writes and closes it by one chain: of the three that a worker of the kernel does, it does one after another, and
 * this thread is woken once. A link that fails cancels those after it, as does one that writes less than it was to.
 */
async function writeByChain(
  ring: AsyncRing,
  { path, flags, mode }: Opening,
  data: Uint8Array,
  slot: FixedFile,
): Promise<void> {
  const progress: { step: Failure['step']; at: number } = { step: 'open', at: 0 };
  try {
    await ring.chain((link) => {
      const opened = link.open(path, { into: slot, flags, mode });
      const written = link.write(slot, data, { offset: 0 });
      opened.then(() => {
        progress.step = 'write';
      }, none);
      written.then((at) => {
        progress.step = 'close';
        progress.at = at;
      }, none);
      return [opened, written, link.closeFd(slot)];
    });
  } catch (error) {
    const { step, at } = progress;
    const isCut = step === 'close' && at < data.byteLength;
    if (step === 'open' || (step === 'close' && !isCut) || hasFailed(ring))
      throw nodeError(error, { step, fd: -1, path });
    await writeRest(ring, slot, data, isCut ? at : { error });
  }
}

/**
 * What a chain has left to do that was cut while its file was open.
 * @param from how much it has written, or why it has not
 */
async function writeRest(
  ring: AsyncRing,
  slot: FixedFile,
  data: Uint8Array,
  from: number | { readonly error: unknown },
): Promise<void> {
  let step: Failure['step'] = 'write';
  try {
    if (typeof from !== 'number') throw from.error;
    for (let at = from; at < data.byteLength; )
      at += await ring.write(slot, data.subarray(at), { offset: at });
    step = 'close';
    await ring.closeFd(slot, BY_WORKER);
  } catch (error) {
    // what the write failed with is the error, whatever comes of the close
    if (step === 'write' && !hasFailed(ring)) await ring.closeFd(slot, BY_WORKER).catch(none);
    throw nodeError(error, { step, fd: -1, path: undefined });
  }
}

/** Writes to an open file, or to one that is opened and closed for it. */
async function writeAll(
  ring: AsyncRing,
  source: Opening | number,
  data: Uint8Array,
  { signal, flush }: WholeOptions,
): Promise<void> {
  const isWhole = typeof source !== 'number';
  const isPlain = isWhole && signal === undefined && !flush && data.byteLength <= STEP;
  const slot = isPlain ? takeSlot(ring) : undefined;
  if (isWhole && slot !== undefined) {
    try {
      return await writeByChain(ring, source, data, slot);
    } finally {
      giveSlot(ring, slot);
    }
  }
  let fd = isWhole ? -1 : source;
  let step: Failure['step'] = 'open';
  try {
    if (signal !== undefined) await checkAborted(signal);
    if (isWhole) ({ fd } = await ring.open(source.path, { flags: source.flags, mode: source.mode }));
    step = 'write';
    for (let at = 0; at < data.byteLength; ) {
      if (signal !== undefined) await checkAborted(signal);
      const isAll = at === 0 && data.byteLength <= STEP;
      const part = isAll ? data : data.subarray(at, at + STEP);
      // of a file that is open already only its position says where
      at += await writeAt(ring, fd, part, isWhole ? at : -1);
    }
    if (isWhole && signal !== undefined && data.byteLength === 0) await checkAborted(signal);
    if (isWhole && flush) {
      step = 'fsync';
      await ring.fsync(fd);
    }
    step = 'close';
    if (isWhole) await closeOn(ring, fd, true);
  } catch (error) {
    const failure = { step, fd: isWhole ? fd : -1, path: isWhole ? source.path : undefined };
    await closeAfter(ring, failure, true);
    throw nodeError(error, failure);
  }
}

/** As `appendFile` of a FileHandle. Undefined: Node has to do it. */
export function writeHandle(
  ring: AsyncRing,
  fd: number,
  data: unknown,
  given: unknown,
): Promise<void> | undefined {
  const options = wholeOptions(given);
  const bytes = options && plainData(data, options.encoding);
  return options && bytes && writeAll(ring, fd, bytes, options);
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
export function writeOn(ring: AsyncRing, { target, options, data }: WritePlan): Promise<void> {
  return writeAll(ring, target, data, options);
}
