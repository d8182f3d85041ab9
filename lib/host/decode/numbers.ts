/** Numbers and times as logs write them. Each gives undefined for what is none, or does not fit. */

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

/** Seconds to nanoseconds: `1767225600.123`. */
export function secondsNs(text: string | undefined): bigint | undefined {
  const [, seconds, fraction = ''] = /^(\d{1,11})(?:\.(\d+))?$/.exec(text ?? '') ?? [];
  if (seconds === undefined) return undefined;
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
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
