/**
 * What Node's FileHandle is made of: a class of JavaScript around one of C++, which closes the fd when it is collected, and
 * can be posted to another thread. None of it is documented. So it is looked at first, and where something is not as
 * expected, `open` gives Node's own FileHandle as it came.
 */

/** The part in C++. */
export interface NativeHandle {
  readonly fd: number;
  close(): Promise<void>;
  /** Gives the fd up without closing it; what it returns differs between versions. */
  releaseFD(): unknown;
}

export type NativeHandleClass = new (fd: number) => NativeHandle;

/** A FileHandle, as far as it is changed here. By symbols it counts who uses it: it closes when nobody does. */
export interface NodeHandle {
  readonly fd: number;
  read(...args: readonly unknown[]): Promise<unknown>;
  readv(...args: readonly unknown[]): Promise<unknown>;
  write(...args: readonly unknown[]): Promise<unknown>;
  writev(...args: readonly unknown[]): Promise<unknown>;
  readFile(...args: readonly unknown[]): Promise<unknown>;
  appendFile(...args: readonly unknown[]): Promise<unknown>;
}

/** Takes the fd away from a FileHandle, which thinks that it was closed; undefined where it has none. */
export function takeFd(native: NativeHandle): number | undefined {
  const { fd } = native;
  // the part in C++ ends the process for anything but a number
  if (!Number.isInteger(fd) || fd < 0) return undefined;
  native.releaseFD();
  return fd;
}

export type NodeHandleClass = new (native: NativeHandle) => NodeHandle;

/** What was found out. */
export interface Anatomy {
  readonly Handle: NodeHandleClass;
  readonly Native: NativeHandleClass;
  /** Counts one user more. */
  readonly ref: (handle: NodeHandle) => void;
  /** And one less. */
  readonly unref: (handle: NodeHandle) => void;
}

type Method = (this: NodeHandle) => void;

const METHODS = ['read', 'readv', 'write', 'writev', 'readFile', 'appendFile'] as const;

function isNativeHandle(value: unknown): value is NativeHandle {
  if (typeof value !== 'object' || value === null) return false;
  return ['close', 'releaseFD'].every((name) => typeof Reflect.get(value, name) === 'function');
}

function isHandleClass(value: unknown): value is NodeHandleClass {
  if (typeof value !== 'function' || value.name !== 'FileHandle') return false;
  return METHODS.every(
    (name) => typeof Reflect.get(Object(Reflect.get(value, 'prototype')), name) === 'function',
  );
}

function isNativeClass(value: unknown): value is NativeHandleClass {
  return typeof value === 'function' && value.name === 'FileHandle';
}

function isMethod(value: unknown): value is Method {
  return typeof value === 'function';
}

/** What an object has of its own by the symbol with this description. */
function hidden(object: object, description: string): unknown {
  const symbol = Object.getOwnPropertySymbols(object).find((each) => each.description === description);
  return symbol && Reflect.get(object, symbol);
}

/** Looks at a FileHandle that Node has made; undefined where it is not as expected. */
export function anatomyOf(handle: object): Anatomy | undefined {
  const native = hidden(handle, 'kHandle');
  if (!isNativeHandle(native)) return undefined;
  const Handle: unknown = handle.constructor;
  const Native: unknown = native.constructor;
  if (!isHandleClass(Handle) || !isNativeClass(Native)) return undefined;
  const ref = hidden(Handle.prototype, 'kRef');
  const unref = hidden(Handle.prototype, 'kUnref');
  if (!isMethod(ref) || !isMethod(unref)) return undefined;
  return { Handle, Native, ref: (each) => ref.call(each), unref: (each) => unref.call(each) };
}
