/** Cancelling operations and waiting until they are gone. */
import { boolean, descriptor, integer, oneOf, wrongType, wrongValue } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { RegisterError } from '../errors.ts';
import { record } from '../register/arguments.ts';
import { registerSyncCancel, type SyncCancel } from '../register/notify.ts';
import { OP_NAMES, type OpName } from '../register/support.ts';
import type { RingCore } from './core/core.ts';
import { mark, SKIPPED } from './core/flights.ts';
import { withNewer } from './core/newer.ts';
import { milliseconds } from './core/time.ts';
import { FixedFile } from './owners/files.ts';

const {
  IORING_ASYNC_CANCEL_ALL,
  IORING_ASYNC_CANCEL_ANY,
  IORING_ASYNC_CANCEL_FD,
  IORING_ASYNC_CANCEL_FD_FIXED,
  IORING_ASYNC_CANCEL_OP,
} = constants;
const HIGH = 0x1_0000_0000;

/** The file of operations: its fd, something that has one, or a slot of the file table. */
type CancelFile = number | FixedFile | { readonly fd: number };

/** What to cancel: by `userData`, by `fd` and `op` (or both at once), or `any`thing. Only what was submitted counts. */
export interface CancelTarget {
  /** Operations with this userData. */
  readonly userData?: number | undefined;
  /** Operations on this file. */
  readonly fd?: CancelFile | undefined;
  /** Operations of this kind: `'OP_RECV'` (6.6). */
  readonly op?: OpName | undefined;
  /** All that match, not just one. */
  readonly all?: boolean | undefined;
  /** Every operation of the ring. */
  readonly any?: boolean | undefined;
  /**
   * Without `all` and `any`: how long to wait for an operation that a worker runs, in milliseconds; 0 does not wait,
   * absent waits without limit.
   */
  readonly timeoutMs?: number | undefined;
}

/** Throws for keys that exclude each other: the kernel would silently ignore some of them. */
export function checkKey(name: string, target: CancelTarget): void {
  const { userData, fd, op, any } = target;
  if (any) {
    if (userData !== undefined) throw wrongValue(`${name}.userData`, 'absent beside any', userData);
    if (fd !== undefined) throw wrongValue(`${name}.fd`, 'absent beside any', fd);
    if (op !== undefined) throw wrongValue(`${name}.op`, 'absent beside any', op);
  } else if (userData !== undefined) {
    if (fd !== undefined) throw wrongValue(`${name}.fd`, 'absent beside userData', fd);
    if (op !== undefined) throw wrongValue(`${name}.op`, 'absent beside userData', op);
  } else if (fd === undefined && op === undefined) {
    throw wrongType(name, 'an object that names operations: by fd, op, any', target);
  }
}

/** The kernel's user_data of every operation with `userData`. The last one is that of skipSuccess operations. */
function candidates(core: RingCore, userData: number): bigint[] {
  const skipped = (BigInt(mark(SKIPPED, Math.floor(userData / HIGH))) << 32n) | BigInt(userData % HIGH);
  return [...core.kernelUserData(userData), skipped];
}

/** Cancels one operation. @throws RegisterError ENOENT where there is none */
function cancelOne(core: RingCore, userData: number, timeoutMs: number | undefined): number {
  const addrs = candidates(core, userData);
  for (;;) {
    const addr = addrs.shift();
    try {
      registerSyncCancel(core.handle, { addr, timeoutMs });
      return 1;
    } catch (error) {
      // an operation that is not submitted yet, or has completed and is not reaped, is ENOENT for the kernel
      const isGone = error instanceof RegisterError && error.code === 'ENOENT';
      if (!isGone || addrs.length === 0) throw error;
    }
  }
}

function cancelAll(core: RingCore, userData: number): number {
  let count = 0;
  for (const addr of candidates(core, userData)) {
    count += registerSyncCancel(core.handle, { addr, flags: IORING_ASYNC_CANCEL_ALL });
  }
  return count;
}

/** The fields and flags of io_uring_sync_cancel_reg that name a file. */
function fileKey(core: RingCore, file: CancelFile): Pick<SyncCancel, 'fd'> & { readonly flags: number } {
  if (FixedFile.is(file)) {
    return { fd: FixedFile.use(file, core), flags: IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_FD_FIXED };
  }
  if (typeof file === 'number') return { fd: descriptor('target.fd', file), flags: IORING_ASYNC_CANCEL_FD };
  if (typeof file !== 'object' || file === null || !('fd' in file)) {
    throw wrongType('target.fd', 'a file descriptor, a FixedFile, or an object with an fd', file);
  }
  return { fd: descriptor('target.fd.fd', file.fd), flags: IORING_ASYNC_CANCEL_FD };
}

/** IORING_OP_* of its name. */
export function opcodeOf(name: string, op: OpName): number {
  return constants[`IORING_${oneOf(name, op, OP_NAMES)}`];
}

/**
 * Cancels operations and waits until they are gone.
 * @returns how many were cancelled
 */
export function cancelSync(core: RingCore, target: CancelTarget): number {
  record('target', target, ['userData', 'fd', 'op', 'all', 'any', 'timeoutMs']);
  const { userData, fd, op, all = false, any = false, timeoutMs } = target;
  boolean('target.all', all);
  boolean('target.any', any);
  if (timeoutMs !== undefined) milliseconds('target.timeoutMs', timeoutMs);
  checkKey('target', target);
  if (any) return registerSyncCancel(core.handle, { flags: IORING_ASYNC_CANCEL_ANY, timeoutMs });
  if (userData !== undefined) {
    integer('target.userData', userData, 0, Number.MAX_SAFE_INTEGER);
    return all ? cancelAll(core, userData) : cancelOne(core, userData, timeoutMs);
  }
  const file = fd === undefined ? { flags: 0 } : fileKey(core, fd);
  const kind =
    op === undefined ? { flags: 0 } : { opcode: opcodeOf('target.op', op), flags: IORING_ASYNC_CANCEL_OP };
  const flags = file.flags | kind.flags | (all ? IORING_ASYNC_CANCEL_ALL : 0);
  const count = withNewer(op === undefined ? undefined : { need: 'ASYNC_CANCEL_OP', since: '6.6' }, () =>
    registerSyncCancel(core.handle, { ...file, ...kind, flags, timeoutMs }),
  );
  return all ? count : 1;
}
