/**
 * Views of memory, as V8 knows them. A class or a property of the caller's can say anything about a view, and asking
 * by `instanceof` or `.length` runs their code; the getters here are V8's own and run none.
 */
import { types } from 'node:util';

const typed = Object.getPrototypeOf(Uint8Array.prototype);
const typedTag = getter<string | undefined>(typed, Symbol.toStringTag);
const typedBuffer = getter<ArrayBufferLike>(typed, 'buffer');
const typedOffset = getter<number>(typed, 'byteOffset');
const typedLength = getter<number>(typed, 'byteLength');
const dataBuffer = getter<ArrayBufferLike>(DataView.prototype, 'buffer');
const dataOffset = getter<number>(DataView.prototype, 'byteOffset');
const dataLength = getter<number>(DataView.prototype, 'byteLength');

function getter<T>(prototype: object, name: PropertyKey): () => T {
  const get = optional<T>(prototype, name);
  if (get === undefined) throw new Error(`this runtime has no ${String(name)} of views`);
  return get;
}
const isResizable = optional<boolean>(ArrayBuffer.prototype, 'resizable');
const isGrowable = optional<boolean>(SharedArrayBuffer.prototype, 'growable');
/** Node 20 has none. */
const detached = optional<boolean>(ArrayBuffer.prototype, 'detached');
const bufferLength = getter<number>(ArrayBuffer.prototype, 'byteLength');

function optional<T>(prototype: object, name: PropertyKey): (() => T) | undefined {
  return Object.getOwnPropertyDescriptor(prototype, name)?.get;
}

function isTyped(view: ArrayBufferView): boolean {
  return typedTag.call(view) !== undefined;
}

/** Is it a Uint8Array or a Buffer, of whichever realm? */
export function isUint8Array(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value) && typedTag.call(value) === 'Uint8Array';
}

/** Is it an Int32Array, of whichever realm? */
export function isInt32Array(value: unknown): value is Int32Array {
  return ArrayBuffer.isView(value) && typedTag.call(value) === 'Int32Array';
}

/** Is it a Uint32Array, of whichever realm? */
export function isUint32Array(value: unknown): value is Uint32Array {
  return ArrayBuffer.isView(value) && typedTag.call(value) === 'Uint32Array';
}

/** The buffer under a view. */
export function bufferOf(view: ArrayBufferView): ArrayBufferLike {
  return isTyped(view) ? typedBuffer.call(view) : dataBuffer.call(view);
}

/** Where in its buffer a view begins, in bytes. */
export function offsetOf(view: ArrayBufferView): number {
  return isTyped(view) ? typedOffset.call(view) : dataOffset.call(view);
}

/** How many bytes a view has; 0 for a detached one. */
export function lengthOf(view: ArrayBufferView): number {
  return isTyped(view) ? typedLength.call(view) : dataLength.call(view);
}

/** The memory of a view as plain bytes: the same memory, not a copy. A detached view has none. */
export function bytesOf(view: ArrayBufferView): Uint8Array {
  if (lengthOf(view) === 0) return new Uint8Array(0);
  return new Uint8Array(bufferOf(view), offsetOf(view), lengthOf(view));
}

/** A copy of a view's bytes. */
export function copyOfBytes(view: ArrayBufferView): Uint8Array {
  const copy = new Uint8Array(lengthOf(view));
  copy.set(bytesOf(view));
  return copy;
}

/** Can the memory under a buffer move, grow or shrink? */
export function canResize(buffer: ArrayBufferLike): boolean {
  const ask = types.isSharedArrayBuffer(buffer) ? isGrowable : isResizable;
  return ask?.call(buffer) === true;
}

/** Is the memory of a buffer gone? */
export function isDetached(buffer: ArrayBufferLike): boolean {
  if (types.isSharedArrayBuffer(buffer) || bufferLength.call(buffer) > 0) return false;
  if (detached !== undefined) return detached.call(buffer);
  // a detached buffer refuses a new view
  try {
    return new Uint8Array(buffer).byteLength > 0;
  } catch {
    return true;
  }
}
