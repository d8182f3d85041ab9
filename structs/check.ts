/**
 * Argument checks, made before any syscall. Each error names the argument, what is allowed and what came.
 * koffi itself wraps, saturates and turns NaN into 0 silently, so nothing may reach it unchecked.
 */
import { inspect, types } from 'node:util';

/** The largest value of each unsigned width. */
export const U16_MAX = 0xffff;
export const U32_MAX = 0xffff_ffff;
const U64_MAX = 0xffff_ffff_ffff_ffffn;

function received(value: unknown): string {
  try {
    return inspect(value, {
      depth: 0,
      customInspect: false,
      maxStringLength: 60,
      breakLength: Number.POSITIVE_INFINITY,
    });
  } catch {
    // it can't even be looked at: a proxy that was revoked, a view whose buffer getter lies
    return `something of type ${typeof value}`;
  }
}

/** A TypeError `ERR_INVALID_ARG_TYPE`: `value` is no `allowed` at all. */
export function wrongType(name: string, allowed: string, value: unknown): TypeError {
  const error = new TypeError(`The "${name}" argument must be ${allowed}. Received ${received(value)}`);
  return Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE' });
}

/** A RangeError `ERR_INVALID_ARG_VALUE`: right type, but not one of the `allowed` values. */
export function wrongValue(name: string, allowed: string, value: unknown): RangeError {
  const error = new RangeError(`The "${name}" argument must be ${allowed}. Received ${received(value)}`);
  return Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' });
}

const abortedOf = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted')?.get;

/**
 * Is it an AbortSignal? Runs nothing of the caller's, as `instanceof` would: traps of a Proxy, which may stand among the
 * prototypes too.
 */
export function isAbortSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object' || value === null) return false;
  let each: object | null = value;
  while (each !== AbortSignal.prototype) {
    if (each === null || types.isProxy(each)) return false;
    each = Object.getPrototypeOf(each);
  }
  try {
    // throws for what only inherits from it
    return abortedOf?.call(value) !== undefined;
  } catch {
    return false;
  }
}

/** Throws unless `value` is an AbortSignal, or absent. */
export function optionalSignal(name: string, value: unknown): void {
  if (value !== undefined && !isAbortSignal(value)) throw wrongType(name, 'an AbortSignal', value);
}

/** Throws unless `value` is an integer number from `min` to `max`; returns it. */
export function integer(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number') throw wrongType(name, 'a number', value);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw wrongValue(name, `an integer from ${min} to ${max}`, value);
  }
  return value;
}

/** Throws unless `value` fits an unsigned 64-bit field: a safe integer, or a bigint up to 2^64-1. */
export function unsigned64(name: string, value: unknown): number | bigint {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw wrongValue(name, 'an integer from 0 to 2^53-1, or a bigint up to 2^64-1', value);
    }
    return value;
  }
  if (typeof value !== 'bigint') throw wrongType(name, 'a number or a bigint', value);
  if (value < 0n || value > U64_MAX) throw wrongValue(name, 'a bigint from 0n to 2^64-1', value);
  return value;
}

/** Throws unless `value` fits a signed 64-bit field. */
export function signed64(name: string, value: unknown): bigint {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw wrongValue(name, 'a safe integer or a bigint', value);
  }
  if (typeof value !== 'number' && typeof value !== 'bigint') {
    throw wrongType(name, 'a number or a bigint', value);
  }
  const wide = BigInt(value);
  if (BigInt.asIntN(64, wide) !== wide) throw wrongValue(name, 'a signed 64-bit integer', value);
  return wide;
}

/** Throws unless `value` is a file descriptor: an integer from 0 to 2^31-1. */
export function descriptor(name: string, value: unknown): number {
  return integer(name, value, 0, 0x7fff_ffff);
}

/** Throws unless `value` is a boolean. */
export function boolean(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw wrongType(name, 'a boolean', value);
  return value;
}

/** Throws unless `value` is an array (of anything). */
export function list<T>(name: string, value: readonly T[]): readonly T[] {
  if (!Array.isArray(value)) throw wrongType(name, 'an array', value);
  return value;
}

/** Is it an array, of whatever elements? */
export function isList<T, O extends object>(value: readonly T[] | O): value is readonly T[] {
  return Array.isArray(value);
}

/**
 * Copies an array of the caller's: its length and each element are read once. Its own methods and iterator are not called.
 * @throws TypeError for anything else than an array, RangeError for fewer than `min` or more than `max` elements
 */
export function copyList<T>(name: string, value: readonly T[], min: number, max: number): (T | undefined)[] {
  const { length } = list(name, value);
  if (!(length >= min && length <= max)) throw wrongValue(name, `a list of ${min} to ${max} elements`, value);
  const copy = new Array<T | undefined>(length);
  for (let i = 0; i < length; i++) copy[i] = value[i];
  return copy;
}

/** Throws unless `value` is a function, or absent; returns it. */
export function callback<F>(name: string, value: F): F {
  if (value !== undefined && typeof value !== 'function') throw wrongType(name, 'a function', value);
  return value;
}

/** Throws unless `value` is one of `allowed`; returns it. */
export function oneOf<T extends string>(name: string, value: unknown, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === value);
  if (found === undefined) {
    throw wrongValue(name, `one of ${allowed.map((each) => `'${each}'`).join(', ')}`, value);
  }
  return found;
}

/** Throws for an option that is not in `known`, naming the nearest one: a misspelt option is never ignored. */
export function options(name: string, value: object | undefined, known: readonly string[]): void {
  if (value === undefined) return;
  if (typeof value !== 'object' || value === null) throw wrongType(name, 'an object', value);
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    const near = known.find((each) => each.toLowerCase() === key.toLowerCase()) ?? nearest(key, known);
    const hint = near === undefined ? `one of ${known.join(', ')}` : `spelt "${near}"`;
    throw wrongValue(`${name}.${key}`, hint, key);
  }
}

function nearest(word: string, known: readonly string[]): string | undefined {
  return known.find((each) => distance(word, each) <= 2);
}

/** Levenshtein distance of two short words. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
