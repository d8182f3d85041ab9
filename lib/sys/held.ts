/**
 * Memory of the caller's on its way to the kernel. Between the reading of arguments and the pinning of addresses a view is
 * a HeldView, which nothing can be asked for but its address and its length; both are V8's own words.
 */
import { wrongType, wrongValue } from '../../structs/check.ts';
import { bufferOf, canResize, isDetached, lengthOf } from '../../structs/views.ts';
import { addressInPlace, addressOf, lastingAddressOf } from './memory.ts';

declare const unpinned: unique symbol;

/** A view that was read and not pinned. It holds the memory. */
export interface HeldView {
  readonly [unpinned]: true;
}

const MAX_LENGTH = 0x7fff_ffff;

/** Takes a view as it is: what is wrong with it is found when it is pinned. */
export function holdView(name: string, value: unknown): HeldView {
  if (!ArrayBuffer.isView(value)) throw wrongType(name, 'a Uint8Array or another view of memory', value);
  return value as unknown as HeldView;
}

/** Is it a view? To be asked before any brand: V8 compiles this, and calls a function of its own for a brand. */
export function isHeldView(what: object | undefined): what is HeldView {
  return ArrayBuffer.isView(what);
}

function viewOf(held: HeldView): ArrayBufferView {
  return held as unknown as ArrayBufferView;
}

/**
 * The address of the first byte; 0 for an empty view, whose memory nobody touches.
 * @param index of an element, where `name` is a list's
 * @throws RangeError for memory that was detached, or can be resized
 */
export function pinAddress(name: string, held: HeldView, index = -1): number {
  const view = viewOf(held);
  return lengthOf(view) > 0 ? addressOf(name, view, index) : emptyAddress(name, view, index);
}

/** The address of the memory itself, which others look at too: in a worker not of a copy. */
export function pinInPlace(name: string, held: HeldView): number {
  return addressInPlace(name, viewOf(held));
}

/** The address of memory that outlives the operation: in a worker of alloc() only. */
export function pinLasting(name: string, held: HeldView): number {
  return lastingAddressOf(name, viewOf(held));
}

function emptyAddress(name: string, view: ArrayBufferView, index: number): number {
  stableBuffer(index < 0 ? name : `${name}[${index}]`, view);
  return 0;
}

/** Throws for memory that was detached, or can be resized. */
export function stableBuffer(name: string, view: ArrayBufferView): void {
  const buffer = bufferOf(view);
  if (isDetached(buffer)) throw wrongValue(name, 'a view that is not detached', view);
  if (canResize(buffer)) throw wrongValue(name, 'a view of a fixed-length ArrayBuffer', view);
}

/** How many bytes. @throws RangeError for 2 GiB or more, of which an operation takes no more at once */
export function pinLength(name: string, held: HeldView): number {
  const length = lengthOf(viewOf(held));
  if (length > MAX_LENGTH) throw wrongValue(name, 'shorter than 2 GiB', length);
  return length;
}
