/** Times as the friendly layer takes them: milliseconds, with fractions. */
import { wrongType, wrongValue } from '../../../structs/check.ts';

/** 34 years: as a timeout none at all, where the kernel must be given one. */
export const FOREVER_MS = 2 ** 40;

/** As long as a timer of the event loop can wait: a longer limit is none. */
export const MAX_TIMER_MS = 0x7fff_ffff;

/** Throws unless `value` is a number of milliseconds; returns it. */
export function milliseconds(name: string, value: unknown): number {
  if (typeof value !== 'number') throw wrongType(name, 'a number', value);
  if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) {
    throw wrongValue(name, 'a number of milliseconds, 0 or more', value);
  }
  return value;
}

/** The fields of a __kernel_timespec, to the nanosecond where the number has them. */
export function timespec(ms: number): { readonly tvSec: number; readonly tvNsec: number } {
  const tvSec = Math.floor(ms / 1000);
  return { tvSec, tvNsec: Math.min(999_999_999, Math.round((ms - tvSec * 1000) * 1e6)) };
}
