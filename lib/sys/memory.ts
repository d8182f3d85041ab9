/**
 * Memory that the kernel sees: addresses of views, page-aligned pieces of ordinary ArrayBuffers, mappings of
 * rings, and the things that must stay alive for ever.
 */
import { types } from 'node:util';
import { integer, wrongType, wrongValue } from '../../structs/check.ts';
import { SyscallError } from '../errors.ts';
import * as ffi from './ffi.ts';
import { sys } from './syscall.ts';

const PROT_READ_WRITE = 3;
const MAP_SHARED_POPULATE = 0x8001;
const MAP_PRIVATE_ANONYMOUS_POPULATE = 0x8022;

let page = 0;

/** The size of a memory page, in bytes. */
export function pageSize(): number {
  if (page === 0) page = ffi.getpagesize();
  return page;
}

const A_VIEW = 'a Uint8Array or another view of memory';

// A class of a user's, or a property of the view itself, may say anything of a view. What the kernel is told is what V8
// knows; and on Node 20 this is faster than `view.byteLength`, too.
const typed = Object.getPrototypeOf(Uint8Array.prototype);
const typedBuffer = getter<ArrayBufferLike>(typed, 'buffer');
const typedOffset = getter<number>(typed, 'byteOffset');
const typedLength = getter<number>(typed, 'byteLength');
const dataBuffer = getter<ArrayBufferLike>(DataView.prototype, 'buffer');
const dataOffset = getter<number>(DataView.prototype, 'byteOffset');
const dataLength = getter<number>(DataView.prototype, 'byteLength');

function getter<T>(prototype: object, name: keyof ArrayBufferView): () => T {
  const get = Object.getOwnPropertyDescriptor(prototype, name)?.get;
  if (get === undefined) throw new Error(`this runtime has no ${name} of views`);
  return get;
}

function isTyped(view: ArrayBufferView): boolean {
  return view instanceof Uint8Array || types.isTypedArray(view);
}

function bufferOf(view: ArrayBufferView): ArrayBufferLike {
  return isTyped(view) ? typedBuffer.call(view) : dataBuffer.call(view);
}

function offsetOf(view: ArrayBufferView): number {
  return isTyped(view) ? typedOffset.call(view) : dataOffset.call(view);
}

/** How many bytes a view really has, whatever its class says. */
export function lengthOf(view: ArrayBufferView): number {
  return isTyped(view) ? typedLength.call(view) : dataLength.call(view);
}

/** The memory of a view as plain bytes, whatever its class says. */
export function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(bufferOf(view), offsetOf(view), lengthOf(view));
}

/** Throws unless `value` is a view whose memory stays where it is; returns it. */
export function stableView(name: string, value: unknown): ArrayBufferView {
  if (!ArrayBuffer.isView(value)) throw wrongType(name, A_VIEW, value);
  const wrong = unstable(value, bufferOf(value));
  if (wrong !== undefined) throw wrongValue(name, wrong, value);
  return value;
}

function elementName(name: string, index: number): string {
  return index < 0 ? name : `${name}[${index}]`;
}

/** What it would have to be, where the memory of a view may not stay, or is none. */
function unstable(value: ArrayBufferView, buffer: ArrayBufferLike): string | undefined {
  if (isDetached(buffer)) return 'a view that is not detached';
  if ('resizable' in buffer && buffer.resizable === true) {
    return 'a view of a fixed-length ArrayBuffer: a resizable one can move or shrink';
  }
  if ('growable' in buffer && buffer.growable === true) return 'a view of a fixed-length SharedArrayBuffer';
  return lengthOf(value) === 0 ? 'at least one byte long' : undefined;
}

function isDetached(buffer: ArrayBufferLike): boolean {
  if (buffer.byteLength > 0) return false;
  if ('detached' in buffer) return buffer.detached === true;
  // Node 20 has no ArrayBuffer.prototype.detached; there a detached buffer refuses a new view
  try {
    return new Uint8Array(buffer).byteLength > 0;
  } catch {
    return true;
  }
}

/** Where the memory of each alloc() begins. Only of those: a WeakMap costs more to fill than koffi costs to ask. */
const allocated = new WeakMap<ArrayBufferLike, number>();

/**
 * The address of a view's first byte, for the kernel. It stays the same while the view is held. Of memory of alloc() it is
 * known; any other is asked for, which takes as long as all else that an operation does here.
 * @param index of an element, where `name` is a list's: its name is made only for an error
 * @throws for a detached, resizable or zero-length view
 */
export function addressOf(name: string, value: unknown, index = -1): number {
  if (!ArrayBuffer.isView(value)) throw wrongType(elementName(name, index), A_VIEW, value);
  const buffer = bufferOf(value);
  const start = allocated.get(buffer);
  // alloc() makes buffers of a fixed length; a view of a detached one is empty
  if (start !== undefined && lengthOf(value) > 0) return start + offsetOf(value);
  const wrong = unstable(value, buffer);
  if (wrong !== undefined) throw wrongValue(elementName(name, index), wrong, value);
  return Number(ffi.address(value));
}

/**
 * A page-aligned piece of an ordinary ArrayBuffer, zeroed. The garbage collector frees it when neither you nor a
 * ring holds it.
 * @param bytes its length, from 1 to 2^32
 */
export function alloc(bytes: number): Uint8Array {
  integer('bytes', bytes, 1, 2 ** 32);
  const room = new ArrayBuffer(bytes + pageSize());
  const start = Number(ffi.address(room));
  allocated.set(room, start);
  const skip = (pageSize() - (start % pageSize())) % pageSize();
  return new Uint8Array(room, skip, bytes);
}

/** Memory of our own with its address: never detached, never given to a user. */
export class Pinned {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly address: number;

  constructor(length: number) {
    const room = new ArrayBuffer(length);
    this.bytes = new Uint8Array(room);
    this.view = new DataView(room);
    this.address = Number(ffi.address(room));
  }
}

/** A Pinned that grows: `reserve(n)` gives at least n bytes. What was in it before is gone. */
export class Scratch {
  #pinned: Pinned | undefined;

  reserve(bytes: number): Pinned {
    if (this.#pinned === undefined || this.#pinned.bytes.byteLength < bytes) {
      this.#pinned = new Pinned(Math.max(4096, 2 ** Math.ceil(Math.log2(bytes))));
    }
    return this.#pinned;
  }
}

/** Memory from mmap(2), seen through an ArrayBuffer until `unmap()`. Nobody may touch the buffer after that. */
export class Mapping {
  readonly address: number;
  readonly length: number;
  #buffer: ArrayBuffer | undefined;

  constructor(address: number, length: number) {
    this.address = address;
    this.length = length;
    this.#buffer = ffi.viewMemory(address, length);
  }

  /** The mapped memory. */
  get buffer(): ArrayBuffer {
    if (this.#buffer === undefined) throw new Error('the mapping is gone');
    return this.#buffer;
  }

  /** Detaches the buffer where the runtime can (Node 22+), and gives the memory back. Harmless when repeated. */
  unmap(): void {
    const buffer = this.#buffer;
    if (buffer === undefined) return;
    this.#buffer = undefined;
    if ('transfer' in buffer && typeof buffer.transfer === 'function') buffer.transfer();
    sys.munmap(this.address, this.length);
  }
}

function mapped(length: number, flags: number, fd: number, offset: number): Mapping {
  // koffi.view of more than 4 GiB aborts Node 20
  integer('length', length, 1, 2 ** 32);
  const address = sys.mmap(length, PROT_READ_WRITE, flags, fd, offset);
  if (address < 0) throw new SyscallError('mmap', -address);
  return new Mapping(address, length);
}

/** Maps a part of a ring: the queues, a kernel-allocated buffer ring, a region. */
export function mapRing(fd: number, length: number, offset: number): Mapping {
  return mapped(length, MAP_SHARED_POPULATE, fd, offset);
}

/** Anonymous memory that the garbage collector does not own, in whole pages. */
export function mapAnonymous(length: number): Mapping {
  const whole = Math.ceil(length / pageSize()) * pageSize();
  return mapped(whole, MAP_PRIVATE_ANONYMOUS_POPULATE, -1, 0);
}

/** What the kernel may still write to although its ring is gone. Never emptied. */
const forever = new Set<unknown>();
let warned = false;

/** Keeps `things` alive until the process ends, and says so once. */
export function keepForever(things: Iterable<unknown>, why: string): void {
  const before = forever.size;
  for (const thing of things) forever.add(thing);
  if (forever.size === before || warned) return;
  warned = true;
  process.emitWarning(why, { type: 'UringWarning', code: 'URING_KEPT_ALIVE' });
}

/** How many things are kept for ever, for tests. */
export function keptForever(): number {
  return forever.size;
}
