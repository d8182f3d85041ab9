/**
 * Memory that the kernel sees: addresses of views, page-aligned pieces of ordinary ArrayBuffers, mappings of
 * rings, and the things that must stay alive for ever.
 */
import { types } from 'node:util';
import { isMainThread } from 'node:worker_threads';
import { integer, wrongType, wrongValue } from '../../structs/check.ts';
import { bufferOf, canResize, isDetached, lengthOf, offsetOf } from '../../structs/views.ts';
import { SyscallError } from '../errors.ts';
import { Copies, type Uses } from './copies.ts';
import * as ffi from './ffi.ts';
import { PROBLEM } from './ffi.ts';
import { sys } from './syscall.ts';
import {
  type Block,
  type Seen,
  seenInWindow,
  spareView,
  viewMapped,
  type WorkerMemory,
  workerMemory,
} from './worker-memory.ts';

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

/** Throws unless `value` is a view whose memory stays where it is; returns it. */
export function stableView(name: string, value: unknown): ArrayBufferView {
  check(name, value, -1);
  return value;
}

function elementName(name: string, index: number): string {
  return index < 0 ? name : `${name}[${index}]`;
}

/** Why a view can't be passed to the kernel, as what it would have to be; undefined for one that can. */
function unstable(value: ArrayBufferView, buffer: ArrayBufferLike): string | undefined {
  if (isDetached(buffer)) return 'a view that is not detached';
  if (canResize(buffer)) {
    return types.isSharedArrayBuffer(buffer)
      ? 'a view of a fixed-length SharedArrayBuffer'
      : 'a view of a fixed-length ArrayBuffer: a resizable one can move or shrink';
  }
  return lengthOf(value) === 0 ? 'at least one byte long' : undefined;
}

/** Where the memory of each alloc() begins. Only of those: a WeakMap costs more to fill than koffi costs to ask. */
const allocated = new WeakMap<ArrayBufferLike, number>();
/** The addresses of the views that alloc() gave: to ask one for its buffer takes V8 longer than all of this. */
const given = new WeakMap<ArrayBufferView, number>();

/** Does the kernel get only memory that outlives this thread, and copies of other memory? */
export const makesCopies: boolean = !isMainThread && PROBLEM === undefined;
let copies: Copies | undefined;
/** Blocks of collected buffers and Pinned of a worker. */
const collected = new FinalizationRegistry<Block>((block) => worker()?.give(block));

function worker(): WorkerMemory | undefined {
  return makesCopies ? workerMemory() : undefined;
}

function copyAddress(value: ArrayBufferView): number | undefined {
  const memory = worker();
  if (memory === undefined) return undefined;
  copies ??= new Copies(memory);
  return copies.addressOf(value);
}

/** The address of a view's first byte; undefined where it is not known without asking koffi. */
function knownAddress(value: ArrayBufferView): number | undefined {
  const address = given.get(value);
  if (address !== undefined) return lengthOf(value) > 0 ? address : undefined;
  const start = allocated.get(bufferOf(value));
  // alloc() makes buffers of a fixed length; a view of a detached one is empty
  return start !== undefined && lengthOf(value) > 0 ? start + offsetOf(value) : undefined;
}

/** Throws unless `value` is a view that the kernel can be given. */
function check(name: string, value: unknown, index: number): asserts value is ArrayBufferView {
  if (!ArrayBuffer.isView(value)) throw wrongType(elementName(name, index), A_VIEW, value);
  const wrong = unstable(value, bufferOf(value));
  if (wrong !== undefined) throw wrongValue(elementName(name, index), wrong, value);
}

/**
 * The address of a view's first byte, for an operation. It stays the same while the view is held. Of memory of alloc() it is
 * known; any other is asked for, which takes as long as all else that an operation does here. In workers the kernel gets the
 * address of a copy, unless the memory is from alloc().
 * @param index of an element, where `name` is a list's: its name is made only for an error
 * @throws for a detached, resizable or zero-length view
 */
export function addressOf(name: string, value: unknown, index = -1): number {
  if (!ArrayBuffer.isView(value)) throw wrongType(elementName(name, index), A_VIEW, value);
  const known = knownAddress(value);
  if (known !== undefined) return known;
  check(name, value, index);
  return copyAddress(value) ?? Number(ffi.address(value));
}

/**
 * The address of the view's memory itself, in workers too: for what the kernel reads during a call, or does not write to.
 * @throws as `addressOf`
 */
export function addressInPlace(name: string, value: unknown, index = -1): number {
  check(name, value, index);
  return knownAddress(value) ?? Number(ffi.address(value));
}

/**
 * The address of memory that the kernel goes on using after the operation.
 * @throws as `addressOf`; in workers also for memory that is not from alloc()
 */
export function lastingAddressOf(name: string, value: unknown, index = -1): number {
  check(name, value, index);
  const known = knownAddress(value);
  if (known !== undefined) return known;
  if (!makesCopies) return Number(ffi.address(value));
  const allowed =
    'memory of alloc() in a worker: other memory is freed when the worker is terminated, while the kernel still uses it';
  throw wrongValue(elementName(name, index), allowed, value);
}

/** What the operation that was just made has copies of; undefined for none, as always on the main thread. */
export function takeNewCopies(): Uses | undefined {
  return copies?.takeNew();
}

/** The operation has ended: what the kernel may have written goes to the caller's memory. */
export function endCopies(uses: Uses, isWritten: boolean): void {
  copies?.end(uses, isWritten);
}

function refuseTransfer(): never {
  throw new TypeError('memory of alloc() cannot be transferred in a worker');
}

/** Memory of a worker that outlives it. */
function allocLasting(memory: WorkerMemory, bytes: number): Uint8Array {
  // at least a page, so that it begins on one
  const block = memory.take(Math.max(bytes, pageSize()));
  block.bytes.fill(0);
  const room = ffi.viewMemory(block.address, bytes);
  // a moved buffer would see the memory after the garbage collector has given it back
  const refused = { value: refuseTransfer };
  Object.defineProperties(room, { transfer: refused, transferToFixedLength: refused });
  allocated.set(room, block.address);
  collected.register(room, block);
  return new Uint8Array(room);
}

/**
 * A page-aligned piece of memory, zeroed. The garbage collector frees it when neither you nor a ring holds it. On the main
 * thread it is of an ordinary ArrayBuffer; in a worker it is mapped, so that it outlives the worker, and can't be transferred.
 * @param bytes its length, from 1 to 2^32
 */
export function alloc(bytes: number): Uint8Array {
  integer('bytes', bytes, 1, 2 ** 32);
  const memory = worker();
  if (memory !== undefined) return allocLasting(memory, bytes);
  const room = new ArrayBuffer(bytes + pageSize());
  const start = Number(ffi.address(room));
  allocated.set(room, start);
  const skip = (pageSize() - (start % pageSize())) % pageSize();
  const bytesOfRoom = new Uint8Array(room, skip, bytes);
  given.set(bytesOfRoom, start + skip);
  return bytesOfRoom;
}

/**
 * Pieces of memory of our own lie in sheets of so many bytes, one after the other: an ArrayBuffer each would take longer. One
 * piece keeps its sheet.
 */
const SHEET = 4096;
/** What is longer has an ArrayBuffer to itself. */
const LARGEST_PIECE = 512;
/** Pieces begin at multiples of it, as structs of the kernel do. */
const PIECE_ALIGN = 16;
let sheet = new ArrayBuffer(0);
let sheetAddress = 0;
let sheetUsed = 0;

/** Where a piece of the sheet begins; a new sheet where this one is full. The collector frees it with its last piece. */
function takePiece(length: number): number {
  if (sheetUsed + length > sheet.byteLength) {
    sheet = new ArrayBuffer(SHEET);
    sheetAddress = Number(ffi.address(sheet));
    sheetUsed = 0;
  }
  const at = sheetUsed;
  sheetUsed += Math.ceil(length / PIECE_ALIGN) * PIECE_ALIGN;
  return at;
}

/** Zeroed memory of our own with its address: never detached, never given to a user. In workers it outlives the worker. */
export class Pinned {
  readonly bytes: Uint8Array;
  readonly address: number;
  #view: DataView | undefined;

  constructor(length: number) {
    const block = worker()?.take(length);
    if (block !== undefined) {
      this.bytes = block.bytes.subarray(0, length).fill(0);
      this.address = block.address;
      collected.register(this, block);
    } else if (length <= LARGEST_PIECE) {
      const at = takePiece(length);
      this.bytes = new Uint8Array(sheet, at, length);
      this.address = sheetAddress + at;
    } else {
      const room = new ArrayBuffer(length);
      this.bytes = new Uint8Array(room);
      this.address = Number(ffi.address(room));
    }
  }

  /** The same memory. Made at its first use, and kept: arguments of register calls are used again and again. */
  get view(): DataView {
    if (this.#view === undefined) {
      const { buffer, byteOffset, byteLength } = this.bytes;
      this.#view = new DataView(buffer, byteOffset, byteLength);
    }
    return this.#view;
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
  /** Where in the buffer it begins. */
  readonly offset: number;
  #buffer: ArrayBuffer | undefined;

  /** @param seen a buffer in which it is already, if that is so */
  constructor(address: number, length: number, seen?: Seen) {
    const { buffer, offset } = seen ?? { buffer: viewMapped(address, length), offset: 0 };
    this.address = address;
    this.length = length;
    this.offset = offset;
    this.#buffer = buffer;
  }

  /** The memory that is mapped, from `offset` on. */
  get buffer(): ArrayBuffer {
    if (this.#buffer === undefined) throw new Error('the mapping is gone');
    return this.#buffer;
  }

  /**
   * Gives the memory back. Harmless when repeated. The buffer is detached where the runtime can (Node 22+); in workers the next
   * mapping at this address has it.
   */
  unmap(): void {
    const buffer = this.#buffer;
    if (buffer === undefined) return;
    this.#buffer = undefined;
    const memory = worker();
    if (memory === undefined) {
      if ('transfer' in buffer && typeof buffer.transfer === 'function') buffer.transfer();
      sys.munmap(this.address, this.length);
    } else {
      memory.unmapListed(this.address, this.length);
      if (buffer.byteLength === this.length) spareView(this.address, buffer);
    }
  }
}

/** Maps memory; its address. */
function mapAt(length: number, flags: number, fd: number, offset: number): number {
  // koffi.view of more than 4 GiB aborts Node 20
  integer('length', length, 1, 2 ** 32);
  const listed = worker()?.mapListed(length, flags, fd, offset);
  const address = listed === undefined ? sys.mmap(length, PROT_READ_WRITE, flags, fd, offset) : listed;
  if (address < 0) throw new SyscallError('mmap', listed === undefined ? -address : ffi.errno());
  return address;
}

/** Maps a kernel-allocated buffer ring, or a region: memory that others may see. */
export function mapRing(fd: number, length: number, offset: number): Mapping {
  return new Mapping(mapAt(length, MAP_SHARED_POPULATE, fd, offset), length);
}

/** Maps a part of a ring's queues, which nobody else sees. */
export function mapQueue(fd: number, length: number, offset: number): Mapping {
  const address = mapAt(length, MAP_SHARED_POPULATE, fd, offset);
  return new Mapping(address, length, makesCopies ? seenInWindow(address, length) : undefined);
}

/** Anonymous memory that the garbage collector does not own, in whole pages. */
export function mapAnonymous(length: number): Mapping {
  const whole = Math.ceil(length / pageSize()) * pageSize();
  return new Mapping(mapAt(whole, MAP_PRIVATE_ANONYMOUS_POPULATE, -1, 0), whole);
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
