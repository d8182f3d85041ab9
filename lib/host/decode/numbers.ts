/** Numbers and times as logs write them. Each gives undefined for what is none, or does not fit. */
import { errnoName } from '../../../structs/errno.ts';
import { constants } from '../../../structs/flags.ts';

const U32_END = 2n ** 32n;
const I32_MIN = -(2n ** 31n);
const U64_END = 2n ** 64n;
const I64_MIN = -(2n ** 63n);

/** `-77`, `12`, `0xb`: whatever fits 64 bits. */
export function integer(text: string): bigint | undefined {
  if (!/^(?:-?\d{1,20}|0x[\da-f]{1,16})$/i.test(text)) return undefined;
  const value = BigInt(text);
  return value >= I64_MIN && value < U64_END ? value : undefined;
}

/** `b`, `0xb`: up to 64 bits. */
export function hex(text: string): bigint | undefined {
  const digits = text.replace(/^0x/i, '');
  return /^[\da-f]{1,16}$/i.test(digits) ? BigInt(`0x${digits}`) : undefined;
}

/** A value that fits 32 bits, with or without sign. */
export function word(value: bigint | undefined): bigint | undefined {
  return value !== undefined && value >= I32_MIN && value < U32_END ? value : undefined;
}

/** The lower half of a register, as a C int. */
export function signed32(value: bigint): number {
  return Number(BigInt.asIntN(32, value));
}

/** The lower half of a register, as an unsigned int. */
export function unsigned32(value: bigint): number {
  return Number(BigInt.asUintN(32, value));
}

/** A value as a number, where a number can have it. */
export function exact(value: bigint | undefined): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : undefined;
}

/** Digits as a number, where a number can have it. */
export function count(text: string | undefined): number | undefined {
  return text === undefined || text.startsWith('-') ? undefined : exact(integer(text));
}

/** A time in a unit of 10^`digits` nanoseconds. */
function nanoseconds(text: string | undefined, digits: number): bigint | undefined {
  const [, whole, fraction = ''] = /^(\d{1,14})(?:\.(\d+))?$/.exec(text ?? '') ?? [];
  return whole === undefined ? undefined : BigInt(whole + fraction.slice(0, digits).padEnd(digits, '0'));
}

/** Seconds to nanoseconds: `1767225600.123`. */
export function secondsNs(text: string | undefined): bigint | undefined {
  return nanoseconds(text, 9);
}

/** Milliseconds to nanoseconds: `0.012`. */
export function millisecondsNs(text: string | undefined): bigint | undefined {
  return nanoseconds(text, 6);
}

/** RFC 3339 to nanoseconds since 1970: `2026-01-01T00:00:00.123456Z`. */
export function rfc3339Ns(text: string): bigint | undefined {
  const [, date, fraction = '', zone] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(text) ?? [];
  if (date === undefined || zone === undefined) return undefined;
  const milliseconds = Date.parse(`${date}${zone}`);
  if (Number.isNaN(milliseconds)) return undefined;
  return BigInt(milliseconds) * 1_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
}

const ERRNO: ReadonlyMap<string, number> = new Map(
  Array.from({ length: 133 }, (_, i) => [errnoName(i + 1), i + 1]),
);

/** The number of `EINVAL`; undefined for one that has no name here. */
export function errnoByName(name: string): number | undefined {
  // the same number has two names
  return ERRNO.get(name) ?? (name === 'EWOULDBLOCK' ? 11 : name === 'ENOTSUP' ? 95 : undefined);
}

/** A result as logs write it: `-13`, `EACCES`, `-EACCES`, `EACCES(Permission denied)`. */
export function resultValue(text: string): number | undefined {
  const [, name] = /^-?(E[A-Z\d]+)(?:\(.*\)?)?$/.exec(text) ?? [];
  const errno = name === undefined ? undefined : errnoByName(name);
  return errno === undefined ? exact(integer(text)) : -errno;
}

const FLAGS: ReadonlyMap<string, number> = new Map(
  Object.entries(constants).map(([name, value]) => [name, Number(value)]),
);

/** Flags as names of the header and numbers with `|` between them, each perhaps with a comment behind it. */
export function flagsValue(text: string): number | undefined {
  const parts = text
    .replace(/ ?\/\*[^*]*\*\//g, '')
    .split('|')
    .map((part) => FLAGS.get(part.trim()) ?? exact(word(integer(part.trim()))));
  return parts.includes(undefined)
    ? undefined
    : parts.reduce<number>((all, part) => (all | (part ?? 0)) >>> 0, 0);
}
