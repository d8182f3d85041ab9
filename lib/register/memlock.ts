/** Locked memory: what was asked for, and what RLIMIT_MEMLOCK allows. */
import { Iovec } from '../../structs/posix.ts';
import { holdsCapability, limit } from '../sys/host.ts';
import { pageSize } from '../sys/memory.ts';

const KIB = 1024;

/** The bytes of the whole pages that hold `bytes`. */
export function wholePages(bytes: number): number {
  return Math.ceil(bytes / pageSize()) * pageSize();
}

/** The bytes of all pages that iovecs touch, each buffer counted for itself, as the kernel does. */
export function touchedPages(iovecs: Uint8Array, count: number): number {
  const page = BigInt(pageSize());
  const present = Math.min(count, Math.floor(iovecs.byteLength / Iovec.size));
  let pages = 0n;
  for (let i = 0; i < present; i++) {
    const { iovBase, iovLen } = Iovec.decode(iovecs, i * Iovec.size);
    if (iovLen > 0n) pages += (iovBase + iovLen - 1n) / page - iovBase / page + 1n;
  }
  return Number(pages * page);
}

/**
 * Why memory was refused, where RLIMIT_MEMLOCK can be the reason. The kernel counts what all rings of the user hold.
 * @param asked bytes that were to be locked, in whole pages
 * @returns undefined where no limit applies: it is infinite, or the process has CAP_IPC_LOCK
 */
export function lockedMemoryHint(asked: number | undefined): string | undefined {
  const soft = limit('memlock')?.soft;
  if (soft === undefined || soft === Number.POSITIVE_INFINITY) return undefined;
  if (holdsCapability('CAP_IPC_LOCK')) return undefined;
  const rest = `the soft limit is ${Math.floor(soft / KIB)} KiB: raise it (ulimit -l, LimitMEMLOCK=) or register less`;
  if (asked === undefined) return `locked memory is exhausted, ${rest}`;
  const beside = asked > soft ? '' : " beside what this user's rings hold (also closed ones, for a moment)";
  return `needs ${Math.ceil(asked / KIB)} KiB of locked memory${beside}, ${rest}`;
}
