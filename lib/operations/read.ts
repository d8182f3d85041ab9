/**
 * The first of the three steps of an operation: the caller's objects become numbers, copies, and views that are held.
 * Only here can code of the caller's run (getters, proxies, iterators), so nothing here takes an address of their memory.
 * Each function reads one argument: its name for errors, its value, and what its declaration says beside.
 */
import { encodeAddress, type SocketAddressLike } from '../../structs/address.ts';
import { boolean, copyList, descriptor, integer, oneOf, wrongType, wrongValue } from '../../structs/check.ts';
import { Iovec } from '../../structs/posix.ts';
import { bytesOf, isUint8Array } from '../../structs/views.ts';
import { probe } from '../register/support.ts';
import { BufferRing } from '../ring/owners/buffer-ring.ts';
import { RegisteredBuffer } from '../ring/owners/buffers.ts';
import { FixedFile, RegisteredFiles } from '../ring/owners/files.ts';
import { type HeldView, holdView } from '../sys/held.ts';
import { Pinned } from '../sys/memory.ts';
import type { Fd, File, Into, Memory, MemoryOrPool, Path } from './types.ts';

/** A file: its fd, or a slot, whose table is looked at when it is pinned. */
export type OpenFile = number | FixedFile;
/** Memory for data. */
export type HeldMemory = HeldView | RegisteredBuffer;

const AT_FDCWD = -100;
const PATH_MAX = 4096;
const XATTR_NAME_MAX = 255;
const IOV_MAX = 1024;
const FILE = 'a file descriptor, a FixedFile, or an object with an fd';
const FD = 'a file descriptor or an object with an fd, not a slot of the file table';
const BUFFER = 'a RegisteredBuffer: buffers.at(index), or a piece of it';

// ---- numbers ----------------------------------------------------------------------------------------------

export { integer };

/** An integer from `min` to `max`; `absent` where there is none. */
export function optional(name: string, value: unknown, min: number, max: number, absent: number): number {
  return value === undefined ? absent : integer(name, value, min, max);
}

/** An offset in a file; -1, or absent, is the current position. */
export function offset(name: string, value: number | bigint | undefined): number {
  if (value === undefined) return -1;
  return integer(name, typeof value === 'bigint' ? Number(value) : value, -1, Number.MAX_SAFE_INTEGER);
}

/** The bits for true, 0 for false or absent. */
export function flag(name: string, value: boolean | undefined, bits = 1): number {
  return value !== undefined && boolean(name, value) ? bits : 0;
}

/** Names with their numbers. */
export interface Names {
  readonly [name: string]: number;
}

/** The number of a name. */
export function named(name: string, value: unknown, names: Names): number {
  return names[oneOf(name, value, Object.keys(names))] ?? 0;
}

/** The number of a name; `absent` where there is none. */
export function optionalNamed(name: string, value: unknown, names: Names, absent: number): number {
  return value === undefined ? absent : named(name, value, names);
}

/** The number of a name, or the number itself. */
export function namedOrNumber(name: string, value: unknown, names: Names): number {
  return typeof value === 'number' ? integer(name, value, 0, 0xffff) : named(name, value, names);
}

// ---- files ------------------------------------------------------------------------------------------------

export function file(name: string, value: File): OpenFile {
  if (typeof value === 'number') return descriptor(name, value);
  return FixedFile.is(value) ? value : descriptorOf(name, value, FILE);
}

/** A file that must be a descriptor. */
export function fd(name: string, value: Fd | undefined): number {
  if (typeof value === 'number') return descriptor(name, value);
  if (FixedFile.is(value)) throw wrongType(name, FD, value);
  return descriptorOf(name, value, FD);
}

function descriptorOf(name: string, value: { readonly fd: number } | undefined, allowed: string): number {
  if (typeof value !== 'object' || value === null || !('fd' in value)) throw wrongType(name, allowed, value);
  return descriptor(`${name}.fd`, value.fd);
}

/** The directory that relative paths start from: the current one where there is none. */
export function directory(name: string, value: Fd | undefined): number {
  return value === undefined ? AT_FDCWD : fd(name, value);
}

export function slot(name: string, value: FixedFile): FixedFile {
  if (FixedFile.is(value)) return value;
  throw wrongType(name, 'a FixedFile: files.at(slot)', value);
}

export function fileTable(name: string, value: RegisteredFiles): RegisteredFiles {
  if (RegisteredFiles.is(value)) return value;
  throw wrongType(name, 'the file table: what registerFiles() gave', value);
}

/** A place in the file table for a file that an operation makes; undefined for an fd. */
export function into(name: string, value: Into | undefined): Into | undefined {
  if (value === undefined || FixedFile.is(value) || RegisteredFiles.is(value)) return value;
  if (value === 'alloc') return value;
  throw wrongValue(name, "a FixedFile, the file table, or 'alloc'", value);
}

// ---- memory -----------------------------------------------------------------------------------------------

export function memory(name: string, value: Memory | undefined): HeldMemory {
  return !ArrayBuffer.isView(value) && RegisteredBuffer.is(value) ? value : holdView(name, value);
}

export function view(name: string, value: ArrayBufferView): HeldView {
  return holdView(name, value);
}

export function registeredBuffer(name: string, value: RegisteredBuffer): RegisteredBuffer {
  if (RegisteredBuffer.is(value)) return value;
  throw wrongType(name, BUFFER, value);
}

export function pool(name: string, value: BufferRing): BufferRing {
  if (BufferRing.is(value)) return value;
  throw wrongType(name, 'a BufferRing: what registerBufferRing() gave', value);
}

export function memoryOrPool(name: string, value: MemoryOrPool): HeldMemory | BufferRing {
  if (ArrayBuffer.isView(value)) return holdView(name, value);
  return BufferRing.is(value) ? value : memory(name, value);
}

/** Pieces of memory, with room for the iovec of each. */
export class Vector {
  readonly pieces: readonly HeldMemory[];
  readonly iovecs: Pinned;
  /** Does one registered buffer have all pieces, on a kernel that has operations for it? */
  readonly isFixed: boolean;
  readonly #isVector = true;

  /** As `PathText.is`. */
  static is(held: unknown): held is Vector {
    return typeof held === 'object' && held !== null && #isVector in held && held.#isVector;
  }

  constructor(pieces: readonly HeldMemory[], isFixed: boolean) {
    this.pieces = pieces;
    this.iovecs = new Pinned(Math.max(1, pieces.length) * Iovec.size);
    this.isFixed = isFixed;
  }
}

function hold(name: string, values: readonly Memory[], least: number): HeldMemory[] {
  return copyList(name, values, least, IOV_MAX).map((value, i) => memory(`${name}[${i}]`, value));
}

/** The index of the registered buffer that has all pieces; -1 where there is no such one. */
function commonIndex(pieces: readonly HeldMemory[]): number {
  const indices = pieces.map((piece) => (RegisteredBuffer.is(piece) ? RegisteredBuffer.indexOf(piece) : -1));
  const [first = -1] = indices;
  return indices.every((index) => index === first) ? first : -1;
}

/** Pieces of any memory. Those of one registered buffer go by *_FIXED, where the kernel has that (6.15). */
export function pieces(name: string, values: readonly Memory[]): Vector {
  const held = hold(name, values, 1);
  return new Vector(held, commonIndex(held) >= 0 && probe().ops.OP_READV_FIXED.supported === true);
}

/** Pieces of one registered buffer. */
export function fixedPieces(name: string, values: readonly RegisteredBuffer[]): Vector {
  const held = hold(name, values, 1);
  if (commonIndex(held) < 0) throw wrongType(name, 'an array of pieces of one registered buffer', values);
  return new Vector(held, true);
}

/** The data of a message: one piece of memory or several, also none. */
export function messageData(name: string, data: Memory | readonly Memory[]): Vector {
  return new Vector(Array.isArray(data) ? hold(name, data, 0) : [toMemory(name, data)], false);
}

function toMemory(name: string, data: Memory | readonly Memory[]): HeldMemory {
  if (ArrayBuffer.isView(data)) return holdView(name, data);
  if (RegisteredBuffer.is(data)) return data;
  throw wrongType(
    name,
    'a Uint8Array or another view of memory, a RegisteredBuffer, or an array of these',
    data,
  );
}

// ---- text and addresses: copies in memory of our own ----------------------------------------------------------

const encoder = new TextEncoder();

/** A path; an error of the operation tells it. */
export class PathText extends Pinned {
  readonly #isPath = true;

  /** Is it one? Asked of all that an operation holds, views of the caller's among them: runs no code of theirs. */
  static is(held: unknown): held is PathText {
    return typeof held === 'object' && held !== null && #isPath in held && held.#isPath;
  }
}

/** A sockaddr; an error of the operation tells it. */
export class AddressBytes extends Pinned {
  readonly #isAddress = true;

  /** As `PathText.is`. */
  static is(held: unknown): held is AddressBytes {
    return typeof held === 'object' && held !== null && #isAddress in held && held.#isAddress;
  }
}

/** Writes text of ASCII characters, as nearly all is; false where there are others, or a zero. */
function writeAscii(bytes: Uint8Array, value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code === 0 || code > 0x7f) return false;
    bytes[i] = code;
  }
  return true;
}

function text<T extends Pinned>(
  name: string,
  value: Path,
  least: number,
  most: number,
  Room: new (length: number) => T,
): T {
  if (typeof value === 'string' && value.length >= least && value.length <= most) {
    const room = new Room(value.length + 1);
    // a third of the time that any of Node's encoders takes
    if (writeAscii(room.bytes, value)) return room;
  } else if (typeof value !== 'string' && !isUint8Array(value))
    throw wrongType(name, 'a string or a Uint8Array', value);
  const bytes = typeof value === 'string' ? encoder.encode(value) : bytesOf(value);
  const { length } = bytes;
  if (length < least || length > most) throw wrongValue(name, `${least} to ${most} bytes long`, value);
  const room = new Room(length + 1);
  room.bytes.set(bytes);
  if (room.bytes.indexOf(0) < length) throw wrongValue(name, 'without a zero byte', value);
  return room;
}

/** A path with its zero byte. */
export function path(name: string, value: Path): PathText {
  return text(name, value, 1, PATH_MAX - 1, PathText);
}

/** A path that may be empty, where AT_EMPTY_PATH stands for the directory itself. */
export function pathOrEmpty(name: string, value: Path): PathText {
  return text(name, value, 0, PATH_MAX - 1, PathText);
}

/** The name of an extended attribute. */
export function attributeName(name: string, value: Path): Pinned {
  return text(name, value, 1, XATTR_NAME_MAX, Pinned);
}

/** Memory of our own with these bytes. */
export function pinnedCopy(bytes: Uint8Array): Pinned {
  const room = new Pinned(bytes.length);
  room.bytes.set(bytes);
  return room;
}

/** A sockaddr. */
export function address(name: string, value: SocketAddressLike): AddressBytes {
  const bytes = encodeAddress(name, value);
  const room = new AddressBytes(bytes.length);
  room.bytes.set(bytes);
  return room;
}

/** A sockaddr that may be absent. */
export function optionalAddress(name: string, value: SocketAddressLike | undefined): Pinned | undefined {
  return value === undefined ? undefined : address(name, value);
}

/** What another argument is read with. */
export function anything(_name: string, value: unknown): unknown {
  return value;
}
