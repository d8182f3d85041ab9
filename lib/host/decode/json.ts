/** JSON as tools write it: values at any depth, of types that differ from version to version. */
import { exact, integer, rfc3339Ns } from './numbers.ts';

/** Follows a path of keys into parsed JSON. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = Object.getOwnPropertyDescriptor(found, key)?.value;
  }
  return found;
}

/** Parses JSON; undefined where it is none. Integers that a number can't have become strings. */
export function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    // only now: in valid JSON every string ends, so that this takes one pass
    const exactly = text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\d{16,}(?![\d.eE])/g, (token) =>
      token.startsWith('"') ? token : `"${token}"`,
    );
    return exactly === text ? value : JSON.parse(exactly);
  } catch {
    return undefined;
  }
}

/** A list, or the one value. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function integerOf(value: unknown): bigint | undefined {
  if (typeof value === 'string') return integer(value);
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : undefined;
}

export function numberOf(value: unknown): number | undefined {
  return exact(integerOf(value));
}

/** A number from 0 on: of a process, a cpu. */
export function idOf(value: unknown): number | undefined {
  const number = numberOf(value);
  return number !== undefined && number >= 0 ? number : undefined;
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Nanoseconds since 1970 of an integer of nanoseconds, RFC 3339, or seconds and nanoseconds. */
export function timeOf(value: unknown): bigint | undefined {
  const seconds = integerOf(at(value, 'seconds'));
  if (seconds !== undefined) return seconds * 1_000_000_000n + (integerOf(at(value, 'nanos')) ?? 0n);
  return integerOf(value) ?? (typeof value === 'string' ? rfc3339Ns(value) : undefined);
}

/** Is `text`, and nothing more, a string anywhere in parsed JSON? */
export function hasString(value: unknown, isIt: (text: string) => boolean): boolean {
  const open: unknown[] = [value];
  while (open.length > 0) {
    const each = open.pop();
    if (typeof each === 'string' && isIt(each)) return true;
    if (typeof each === 'object' && each !== null) open.push(...Object.values(each));
  }
  return false;
}
