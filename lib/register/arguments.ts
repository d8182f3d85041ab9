/**
 * Reads the caller's arguments: first numbers and views are copied out of the caller's objects and checked, then addresses are
 * taken, then everything is written for the kernel.
 */
import {
  copyList,
  integer,
  list,
  options,
  U32_MAX,
  unsigned64,
  wrongType,
  wrongValue,
} from '../../structs/check.ts';
import { Iovec } from '../../structs/posix.ts';
import { bufferOf, lengthOf, offsetOf } from '../../structs/views.ts';
import { addressInPlace, lastingAddressOf } from '../sys/memory.ts';
import { type ArrayArgument, arrayArgument, tagsArgument } from './call.ts';

/** A place in memory that is no view: an address of your own, and its length in bytes. */
export interface Place {
  readonly address: number | bigint;
  readonly length: number;
}

/** Memory for one slot of the buffer table: a view, a place, or null for an empty slot. */
export type BufferSource = ArrayBufferView | Place | null;

/** Memory by a view, or by its address alone. */
export type AddressSource = ArrayBufferView | number | bigint;

/** `user_data` of the completion that tells when the kernel has let go of a slot; 0 for none. */
export type Tag = number | bigint;

/** Addresses and lengths, slot by slot; 0 and 0 is an empty one. */
export interface Iovecs {
  readonly bases: ArrayLike<number | bigint>;
  readonly lengths: ArrayLike<number>;
}

/** The length of an array. @throws for anything else than an array of `min` to `max` elements */
export function count(name: string, values: readonly unknown[], min: number, max: number): number {
  const { length } = list(name, values);
  if (length < min || length > max) throw wrongValue(name, `a list of ${min} to ${max} elements`, values);
  return length;
}

/** Throws unless `value` is an object with no other fields than `known`. */
export function record<T extends object>(
  name: string,
  value: T | undefined,
  known: readonly string[],
): asserts value is T {
  if (value === undefined) throw wrongType(name, 'an object', value);
  options(name, value, known);
}

function setU64(view: DataView, at: number, value: number | bigint): void {
  if (typeof value === 'bigint') view.setBigUint64(at, value, true);
  else {
    view.setUint32(at, value >>> 0, true);
    view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
  }
}

/** The memory of each buffer. */
export function readBuffers(name: string, buffers: readonly BufferSource[], max: number): Iovecs {
  const sources = copyList(name, buffers, 1, max);
  const places = sources.map((each, i) =>
    ArrayBuffer.isView(each) || each === null ? undefined : readPlace(name, i, each),
  );
  // no code of the caller's runs from here on: reading one buffer could have detached another
  const bases = new Array<number | bigint>(sources.length);
  const lengths = new Array<number>(sources.length);
  const seen = new LastBuffer();
  for (let i = 0; i < sources.length; i++) {
    const source = sources[i];
    if (ArrayBuffer.isView(source)) {
      bases[i] = seen.addressOf(source) ?? seen.remember(source, addressInPlace(name, source, i));
      lengths[i] = lengthOf(source);
    } else {
      bases[i] = places[i]?.address ?? 0;
      lengths[i] = places[i]?.length ?? 0;
    }
  }
  return { bases, lengths };
}

/** Where the memory of a buffer begins: most tables are pieces of one, which is asked for its address once. */
class LastBuffer {
  #buffer: ArrayBufferLike | undefined;
  #start = 0;

  /** The address of a view with at least one byte, if it is of the same buffer as the one before. */
  addressOf(view: ArrayBufferView): number | undefined {
    return lengthOf(view) > 0 && bufferOf(view) === this.#buffer ? this.#start + offsetOf(view) : undefined;
  }

  remember(view: ArrayBufferView, address: number): number {
    this.#buffer = bufferOf(view);
    this.#start = address - offsetOf(view);
    return address;
  }
}

/**
 * Addresses and lengths of views that were copied out of the caller's array; null is an empty slot. Runs no code of the
 * caller's: reading one element could have detached the memory of another.
 */
export function pinViews(name: string, views: readonly (ArrayBufferView | null | undefined)[]): Iovecs {
  // thousands of addresses: as plain numbers, without an object for each
  const bases = new Float64Array(views.length);
  const lengths = new Float64Array(views.length);
  const seen = new LastBuffer();
  for (let i = 0; i < views.length; i++) {
    const view = views[i];
    if (view === null) continue;
    const isView = ArrayBuffer.isView(view);
    const known = isView ? seen.addressOf(view) : undefined;
    // throws for everything that is no view, and in workers for memory that would be freed with the worker
    bases[i] = known ?? lastingAddressOf(name, view, i);
    if (!isView) continue;
    if (known === undefined) seen.remember(view, bases[i] ?? 0);
    lengths[i] = lengthOf(view);
  }
  return { bases, lengths };
}

function readPlace(name: string, i: number, place: Place | undefined): Place {
  if (typeof place !== 'object' || !('address' in place)) {
    const allowed = 'a Uint8Array or another view of memory, an { address, length }, or null';
    throw wrongType(`${name}[${i}]`, allowed, place);
  }
  const { address, length } = place;
  if (!isUnsigned(address)) unsigned64(`${name}[${i}].address`, address);
  if (typeof length !== 'number' || !isUnsigned(length))
    integer(`${name}[${i}].length`, length, 0, Number.MAX_SAFE_INTEGER);
  return { address, length };
}

const U64_MAX = 0xffff_ffff_ffff_ffffn;

/** Is it a valid u64? A test without an argument name, because names of elements are made only for errors. */
function isUnsigned(value: number | bigint): boolean {
  return typeof value === 'bigint'
    ? value >= 0n && value <= U64_MAX
    : Number.isSafeInteger(value) && value >= 0;
}

/** iovec[] of the slots from `from` on. */
export function writeBuffers({ bases, lengths }: Iovecs, from = 0): ArrayArgument {
  const length = bases.length - from;
  const argument = arrayArgument(length, Iovec.size);
  const { view } = argument;
  for (let i = 0, at = 0; i < length; i++, at += Iovec.size) {
    setU64(view, at + Iovec.at.iovBase, bases[from + i] ?? 0);
    setU64(view, at + Iovec.at.iovLen, lengths[from + i] ?? 0);
  }
  return argument;
}

/** File descriptors; `min` is -1 where that is an empty slot, -2 where a slot may be skipped. */
export function readFds(name: string, fds: readonly number[], min: number, max: number): number[] {
  const length = count(name, fds, 1, max);
  const taken: number[] = [];
  for (let i = 0; i < length; i++) {
    const fd = fds[i];
    // a bitwise operation leaves exactly the s32 values unchanged
    if (typeof fd !== 'number' || (fd | 0) !== fd || fd < min) integer(`${name}[${i}]`, fd, min, 0x7fff_ffff);
    else taken.push(fd);
  }
  return taken;
}

/** s32[] of the slots from `from` on. */
export function writeFds(fds: readonly number[], from = 0): ArrayArgument {
  const length = fds.length - from;
  const argument = arrayArgument(length, 4);
  const { view } = argument;
  for (let i = 0; i < length; i++) view.setInt32(i * 4, fds[from + i] ?? -1, true);
  return argument;
}

/** A tag for each of `slots` slots; one that is empty (or skipped) can't have any. */
export function readTags(
  name: string,
  tags: readonly Tag[] | undefined,
  slots: number,
  isEmpty: (slot: number) => boolean,
): Tag[] | undefined {
  if (tags === undefined) return undefined;
  const length = count(name, tags, slots, slots);
  const taken: Tag[] = [];
  for (let i = 0; i < length; i++) {
    const tag = tags[i];
    if (tag === undefined || !isUnsigned(tag)) unsigned64(`${name}[${i}]`, tag);
    if (tag !== 0 && tag !== 0n && isEmpty(i))
      throw wrongValue(`${name}[${i}]`, '0: its slot gets nothing', tag);
    taken.push(tag ?? 0);
  }
  return taken;
}

/** The same of tags as pairs of u32, low half first. */
export function writeTagHalves(halves: Uint32Array | undefined, from = 0): number {
  if (halves === undefined) return 0;
  const { bytes, address } = tagsArgument(halves.length / 2 - from);
  bytes.set(new Uint8Array(halves.buffer, from * 8));
  return address;
}

/** u64[] of the slots from `from` on: its address, 0 without tags. */
export function writeTags(tags: readonly Tag[] | undefined, from = 0): number {
  if (tags === undefined) return 0;
  const { view, address } = tagsArgument(tags.length - from);
  for (let i = from; i < tags.length; i++) setU64(view, (i - from) * 8, tags[i] ?? 0);
  return address;
}

/** An address that has at least `bytes` behind it, as far as that can be seen. */
export function readAddress(name: string, source: AddressSource, bytes: number): number | bigint {
  if (!ArrayBuffer.isView(source)) return unsigned64(name, source);
  const address = addressInPlace(name, source);
  const length = lengthOf(source);
  if (length < bytes) throw wrongValue(name, `at least ${bytes} bytes long`, length);
  return address;
}

/** Checks a u32 option; returns `otherwise` where it is absent. */
export function u32(name: string, value: number | undefined, otherwise = 0): number {
  return value === undefined ? otherwise : integer(name, value, 0, U32_MAX);
}
