/**
 * Arguments that need no judge: those that Node certainly takes, in the shape that nearly all calls have. Everything
 * else is `undefined` here and goes to Node's own function, which takes it or says what is wrong with it.
 */
import { constants } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isAbortSignal } from '../../structs/check.ts';
import { bufferOf, bytesOf, canResize } from '../../structs/views.ts';

const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_SYNC, O_TRUNC, O_WRONLY } = constants;

const FLAGS: { readonly [name: string]: number } = {
  r: O_RDONLY,
  rs: O_RDONLY | O_SYNC,
  sr: O_RDONLY | O_SYNC,
  'r+': O_RDWR,
  'rs+': O_RDWR | O_SYNC,
  'sr+': O_RDWR | O_SYNC,
  w: O_TRUNC | O_CREAT | O_WRONLY,
  wx: O_TRUNC | O_CREAT | O_WRONLY | O_EXCL,
  xw: O_TRUNC | O_CREAT | O_WRONLY | O_EXCL,
  'w+': O_TRUNC | O_CREAT | O_RDWR,
  'wx+': O_TRUNC | O_CREAT | O_RDWR | O_EXCL,
  'xw+': O_TRUNC | O_CREAT | O_RDWR | O_EXCL,
  a: O_APPEND | O_CREAT | O_WRONLY,
  ax: O_APPEND | O_CREAT | O_WRONLY | O_EXCL,
  xa: O_APPEND | O_CREAT | O_WRONLY | O_EXCL,
  as: O_APPEND | O_CREAT | O_WRONLY | O_SYNC,
  sa: O_APPEND | O_CREAT | O_WRONLY | O_SYNC,
  'a+': O_APPEND | O_CREAT | O_RDWR,
  'ax+': O_APPEND | O_CREAT | O_RDWR | O_EXCL,
  'xa+': O_APPEND | O_CREAT | O_RDWR | O_EXCL,
  'as+': O_APPEND | O_CREAT | O_RDWR | O_SYNC,
  'sa+': O_APPEND | O_CREAT | O_RDWR | O_SYNC,
};

/** Node's permission model, if Node was started with it. To ask for each file would take as long as to look at its path. */
const permission: typeof process.permission | undefined = process.permission;

/** May the path be opened so? Where it may not, Node's own function says so. */
function isPermitted(model: typeof process.permission, path: string, flags: number): boolean {
  const isRead = (flags & O_WRONLY) === 0;
  return (!isRead || model.has('fs.read', path)) && (!isWritten(flags) || model.has('fs.write', path));
}

/** Do the flags open a file to change it? */
export function isWritten(flags: number): boolean {
  return (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) !== 0;
}

/** May opening it make a file, or empty one? A worker of the kernel would have to. */
export function isChanging(flags: number): boolean {
  return (flags & (O_CREAT | O_TRUNC)) !== 0;
}

const hrefOf = Object.getOwnPropertyDescriptor(URL.prototype, 'href')?.get;

function textOf(path: unknown): string | undefined {
  if (typeof path === 'string') return path;
  if (typeof path !== 'object' || path === null) return undefined;
  try {
    // the class's own getter throws for what is no URL, or a Proxy of one, and runs nothing of the caller's
    const href: unknown = hrefOf?.call(path);
    return typeof href === 'string' && href.startsWith('file:') ? fileURLToPath(href) : undefined;
  } catch {
    return undefined;
  }
}

/** A path, flags and mode that a ring opens. */
export interface Opening {
  readonly path: string;
  readonly flags: number;
  readonly mode: number;
}

/** What `open(path, flags, mode)` is given; undefined where Node has to look at it. */
export function opening(given: unknown, flag: unknown, mode: unknown = 0o666): Opening | undefined {
  const path = textOf(given);
  if (path === undefined || path === '' || path.includes('\0')) return undefined;
  const flags = plainFlags(flag);
  if (flags === undefined || !isWithin(mode, 0o7777)) return undefined;
  if (permission !== undefined) {
    // the path that was asked about is the one that is opened
    const whole = resolve(path);
    return isPermitted(permission, whole, flags) ? { path: whole, flags, mode } : undefined;
  }
  return { path, flags, mode };
}

function plainFlags(flag: unknown): number | undefined {
  if (flag === undefined || flag === null) return O_RDONLY;
  if (typeof flag === 'string') return Object.hasOwn(FLAGS, flag) ? FLAGS[flag] : undefined;
  return isWithin(flag, 0x7fff_ffff) ? flag : undefined;
}

/** A part of the caller's memory, or several, and where in the file it belongs: -1 is the current position. */
export interface Transfer<M = Uint8Array> {
  readonly memory: M;
  readonly offset: number;
}

/** Which numbers a read or write is given; `undefined` and `null` where it is given none. */
export interface Place {
  readonly offset?: unknown;
  readonly length?: unknown;
  readonly position?: unknown;
}

/**
 * What `read(buffer, offset, length, position)` moves, and `write` alike; undefined where Node has to look at it, as for
 * nothing at all to move.
 */
export function transfer(buffer: unknown, place: Place): Transfer | undefined {
  // each is read once, and before the memory is looked at: a getter may move it
  const { offset: first, length: given, position } = place;
  if (!isStill(buffer)) return undefined;
  const bytes = bytesOf(buffer);
  const start = first ?? 0;
  if (!isWithin(start, bytes.byteLength)) return undefined;
  const length = given ?? bytes.byteLength - start;
  if (!isWithin(length, bytes.byteLength - start) || length === 0 || length > 0x7fff_f000) return undefined;
  const offset = plainPosition(position);
  if (offset === undefined) return undefined;
  return { memory: length === bytes.byteLength ? bytes : bytes.subarray(start, start + length), offset };
}

/** Where in the file; -1 for the current position. */
function plainPosition(position: unknown): number | undefined {
  if (position === undefined || position === null) return -1;
  if (typeof position !== 'number' || !Number.isSafeInteger(position)) return undefined;
  return position < 0 ? -1 : position;
}

export function isFd(value: unknown): value is number {
  return isWithin(value, 0x7fff_ffff);
}

/** Is it an integer from 0 to `most`? */
function isWithin(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most;
}

/**
 * What `readv(buffers, position)` moves, and `writev` alike: 1 to 1024 pieces of memory, none of them empty, as readv(2)
 * takes them at once.
 */
export function transferOfMany(
  buffers: unknown,
  position: unknown,
): Transfer<readonly Uint8Array[]> | undefined {
  if (!Array.isArray(buffers) || buffers.length === 0 || buffers.length > 1024) return undefined;
  const memory: Uint8Array[] = [];
  for (const each of buffers) {
    const piece = transfer(each, {});
    if (piece === undefined) return undefined;
    memory.push(piece.memory);
  }
  const offset = plainPosition(position);
  return offset === undefined ? undefined : { memory, offset };
}

/** The options of a whole file. */
export interface WholeOptions {
  readonly encoding: BufferEncoding | undefined;
  readonly flag: unknown;
  readonly mode: unknown;
  readonly flush: boolean;
  readonly signal: AbortSignal | undefined;
}

const NO_OPTIONS: WholeOptions = {
  encoding: undefined,
  flag: undefined,
  mode: undefined,
  flush: false,
  signal: undefined,
};

/** What readFile, writeFile and appendFile are given as options; undefined where Node has to look at it. */
export function wholeOptions(options: unknown): WholeOptions | undefined {
  if (options === undefined || options === null) return NO_OPTIONS;
  if (typeof options === 'string') {
    return Buffer.isEncoding(options) ? { ...NO_OPTIONS, encoding: options } : undefined;
  }
  if (typeof options !== 'object') return undefined;
  const encoding: unknown = Reflect.get(options, 'encoding') ?? undefined;
  const flush: unknown = Reflect.get(options, 'flush') ?? false;
  const signal: unknown = Reflect.get(options, 'signal');
  if (encoding !== undefined && !(typeof encoding === 'string' && Buffer.isEncoding(encoding)))
    return undefined;
  if (typeof flush !== 'boolean' || !(signal === undefined || isAbortSignal(signal))) return undefined;
  // an empty flag is none
  const flag: unknown = Reflect.get(options, 'flag') || undefined;
  return { encoding, flag, mode: Reflect.get(options, 'mode') ?? undefined, flush, signal };
}

/** What is to be written, as bytes: strings are encoded. Iterables and streams are for Node. */
export function plainData(data: unknown, encoding: BufferEncoding | undefined): Uint8Array | undefined {
  if (typeof data === 'string') return Buffer.from(data, encoding ?? 'utf8');
  return isStill(data) ? bytesOf(data) : undefined;
}

/** A view whose memory can't move. */
function isStill(value: unknown): value is ArrayBufferView {
  return ArrayBuffer.isView(value) && !canResize(bufferOf(value));
}
