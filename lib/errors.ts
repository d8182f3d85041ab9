/** Every error class of the package. Wrong arguments are TypeError and RangeError, made by structs/check.ts. */
import { errnoMessage, errnoName } from '../structs/errno.ts';

/** What a SyscallError says beyond the errno. */
export interface SyscallErrorDetails {
  /** What to do about it. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** A system call failed. Thrown by setup, enter, mmap and the small libc calls. */
export class SyscallError extends Error {
  /** The errno's name, as Node has it: `'EINVAL'`. */
  readonly code: string;
  /** The positive errno: 22. */
  readonly errno: number;
  /** Which call: `'io_uring_setup'`. */
  readonly syscall: string;
  /** What to do about it, where that is known. */
  readonly hint: string | undefined;

  constructor(syscall: string, errno: number, details: SyscallErrorDetails = {}, what = syscall) {
    const { hint, cause } = details;
    const text = `${what}: ${errnoMessage(errno)}${hint === undefined ? '' : ` (${hint})`}`;
    super(text, cause === undefined ? undefined : { cause });
    this.code = errnoName(errno);
    this.errno = errno;
    this.syscall = syscall;
    this.hint = hint;
  }

  static {
    SyscallError.prototype.name = 'SyscallError';
  }
}

/** What a RegisterError knows of its call. */
export interface RegisterErrorDetails extends SyscallErrorDetails {
  readonly fd: number;
  readonly nrArgs: number;
  /** The first kernel that has the opcode; undefined for an opcode that uring doesn't know. */
  readonly since?: string | undefined;
  /** Slots that were updated before the failure. */
  readonly done?: number | undefined;
}

/** io_uring_register(2) failed. */
export class RegisterError extends SyscallError {
  /** The opcode without IORING_: `'REGISTER_BUFFERS2'`. */
  readonly opcode: string;
  readonly fd: number;
  readonly nrArgs: number;
  readonly since: string | undefined;
  /** Slots that were updated before a partial failure. */
  readonly done: number | undefined;

  constructor(opcode: string, errno: number, details: RegisterErrorDetails) {
    super('io_uring_register', errno, details, opcode);
    this.opcode = opcode;
    this.fd = details.fd;
    this.nrArgs = details.nrArgs;
    this.since = details.since;
    this.done = details.done;
  }

  static {
    RegisterError.prototype.name = 'RegisterError';
  }
}

/** An operation completed with an error: its CQE's res was below zero. */
export class OpError extends SyscallError {
  /** The operation without IORING_: `'OP_READ_FIXED'`. */
  readonly op: string;
  /** True where its time was over and the kernel goes on with it all the same: its memory stays the kernel's. */
  declare readonly mayStillComplete?: boolean;
  /** How many bytes were sent before its time was over, where that is known. */
  declare readonly bytes?: number;

  constructor(op: string, errno: number, details: SyscallErrorDetails = {}) {
    super('io_uring_enter', errno, details, op);
    this.op = op;
  }

  static {
    OpError.prototype.name = 'OpError';
  }
}

/** This kernel, this system or this runtime has no such thing. */
export class UnsupportedError extends Error {
  readonly code = 'ERR_URING_UNSUPPORTED';
  /** What was asked for: `'REGISTER_CLONE_BUFFERS'`. */
  readonly need: string;
  /** The first mainline kernel that has it, where that is the matter. */
  readonly since: string | undefined;
  /** The running kernel's release. */
  readonly kernel: string | undefined;

  constructor(
    need: string,
    details: { since?: string | undefined; kernel?: string | undefined; why?: string; cause?: unknown },
  ) {
    const { since, kernel, why, cause } = details;
    const here = kernel === undefined ? '' : `, this is ${kernel}`;
    const reason = why ?? `needs Linux ${since ?? '(unknown)'}${here}`;
    super(`${need}: ${reason}`, cause === undefined ? undefined : { cause });
    this.need = need;
    this.since = since;
    this.kernel = kernel;
  }

  static {
    UnsupportedError.prototype.name = 'UnsupportedError';
  }
}

/** The ring, or the thing registered with it, was closed before. */
export class ClosedError extends Error {
  readonly code = 'ERR_URING_CLOSED';

  constructor(what: string) {
    super(`${what} is closed`);
  }

  static {
    ClosedError.prototype.name = 'ClosedError';
  }
}

/** A call that is right, but not now: something else must be done first. The message says what. */
export class StateError extends Error {
  readonly code = 'ERR_URING_STATE';

  static {
    StateError.prototype.name = 'StateError';
  }
}

/** The submission queue has no free entry: submit() first, or make the ring larger. */
export class QueueFullError extends Error {
  readonly code = 'ERR_URING_QUEUE_FULL';

  constructor(entries: number) {
    super(`the submission queue is full (${entries} entries): call submit() first`);
  }

  static {
    QueueFullError.prototype.name = 'QueueFullError';
  }
}

/** The operation was cancelled through its AbortSignal: as Node.js has it, with the signal's reason as the cause. */
export class AbortError extends Error {
  readonly code = 'ABORT_ERR';
  /** True where the kernel goes on with the operation all the same: its memory stays the kernel's. */
  declare readonly mayStillComplete?: boolean;
  /** How many bytes were sent before, where that is known. */
  declare readonly bytes?: number;

  constructor(reason?: unknown) {
    super('The operation was aborted', reason === undefined ? undefined : { cause: reason });
  }

  static {
    AbortError.prototype.name = 'AbortError';
  }
}
