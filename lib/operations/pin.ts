/**
 * The second step of an operation: addresses and lengths of what was read, and the numbers of what is registered. Nothing
 * of the caller's runs here, so that what is pinned stays so until the entry is written. It may throw: memory may have
 * been detached, a registration undone, while the arguments were read. No entry is taken yet.
 */
import { wrongValue } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { Iovec } from '../../structs/posix.ts';
import type { RingCore } from '../ring/core/core.ts';
import { BufferRing } from '../ring/owners/buffer-ring.ts';
import { RegisteredBuffer } from '../ring/owners/buffers.ts';
import { FixedFile, RegisteredFiles } from '../ring/owners/files.ts';
import { isHeldView, pinAddress, pinLength, stableBuffer } from '../sys/held.ts';
import type { Pinned } from '../sys/memory.ts';
import type { HeldMemory, OpenFile, Vector } from './read.ts';
import type { Into } from './types.ts';

/** Memory, a pool, or nothing. */
type Source = HeldMemory | BufferRing | undefined;

const { IORING_FILE_INDEX_ALLOC } = constants;
const ADDRESS_AT = Iovec.at.iovBase / 4;
const LENGTH_AT = Iovec.at.iovLen / 4;
const IOVEC_WORDS = Iovec.size / 4;

// ---- files ------------------------------------------------------------------------------------------------

/** A file as `SqeCursor.file` takes it: the fd, or for a slot its complement. */
export function file(core: RingCore, _name: string, what: OpenFile): number {
  return typeof what === 'number' ? what : ~FixedFile.use(what, core);
}

/** The number of a slot. */
export function slot(core: RingCore, _name: string, what: FixedFile): number {
  return FixedFile.use(what, core);
}

/** IORING_FILE_INDEX: 0 for an fd, slot + 1, or all ones for any free slot. */
export function fileIndex(core: RingCore, _name: string, what: Into | undefined): number {
  if (what === undefined) return 0;
  if (FixedFile.is(what)) return FixedFile.use(what, core) + 1;
  if (what !== 'alloc') RegisteredFiles.use(what, core);
  return IORING_FILE_INDEX_ALLOC;
}

// ---- memory -----------------------------------------------------------------------------------------------

export function address(core: RingCore, name: string, what: Source, index = -1): number {
  if (isHeldView(what)) return pinAddress(name, what, index);
  return RegisteredBuffer.is(what) ? registeredAddress(core, name, what) : 0;
}

export function length(_core: RingCore, name: string, what: Source): number {
  if (isHeldView(what)) return pinLength(name, what);
  return RegisteredBuffer.is(what) ? RegisteredBuffer.lengthOf(what) : 0;
}

function registeredAddress(core: RingCore, name: string, buffer: RegisteredBuffer): number {
  const found = RegisteredBuffer.use(buffer, core);
  // an empty piece is fine, memory that was transferred away is not
  if (RegisteredBuffer.lengthOf(found) === 0) stableBuffer(name, RegisteredBuffer.memoryOf(found));
  return RegisteredBuffer.addressOf(found);
}

/** The index of a registered buffer; -1 for other memory. */
export function bufferIndex(_core: RingCore, _name: string, what: Source): number {
  return !isHeldView(what) && RegisteredBuffer.is(what) ? RegisteredBuffer.indexOf(what) : -1;
}

/** The group of a pool; -1 for memory. */
export function group(core: RingCore, _name: string, what: Source): number {
  return !isHeldView(what) && BufferRing.is(what) ? BufferRing.use(what, core) : -1;
}

/** What is held of memory; of a pool the memory of its buffers, without the pool, which would hold its ring. */
export function kept(what: HeldMemory | BufferRing): unknown {
  if (isHeldView(what)) return what;
  if (BufferRing.is(what)) return BufferRing.buffersOf(what);
  return RegisteredBuffer.is(what) ? RegisteredBuffer.memoryOf(what) : what;
}

/** Fills the iovecs; their address. */
export function iovecs(core: RingCore, name: string, { pieces, iovecs: room }: Vector): number {
  const { buffer, byteOffset } = room.bytes;
  const words = new Uint32Array(buffer, byteOffset, pieces.length * IOVEC_WORDS);
  for (let i = 0; i < pieces.length; i++) {
    const piece = pieces[i];
    if (piece === undefined) continue;
    const start = address(core, name, piece, i);
    words[i * IOVEC_WORDS + ADDRESS_AT] = start;
    words[i * IOVEC_WORDS + ADDRESS_AT + 1] = start / 0x1_0000_0000;
    words[i * IOVEC_WORDS + LENGTH_AT] = length(core, name, piece);
  }
  return room.address;
}

/** The index of the registered buffer that a *_FIXED operation is told; -1 for the plain one. */
export function vectorIndex(core: RingCore, name: string, { pieces, isFixed }: Vector): number {
  const [first] = pieces;
  return isFixed && first !== undefined ? bufferIndex(core, name, first) : -1;
}

// ---- memory of our own ------------------------------------------------------------------------------------

/** The address of a copy; 0 where there is none. */
export function copy(_core: RingCore, _name: string, what: Pinned | undefined): number {
  return what === undefined ? 0 : what.address;
}

/** How many bytes a copy has. */
export function copyLength(_core: RingCore, _name: string, what: Pinned | undefined): number {
  return what === undefined ? 0 : what.bytes.length;
}

/** How many bytes a view must have at least. */
export function atLeast(name: string, bytes: number, least: number): number {
  if (bytes < least) throw wrongValue(name, `at least ${least} bytes long`, bytes);
  return bytes;
}
