/** Every error class of the package. Wrong arguments are TypeError and RangeError, made by structs/check.ts. */
import { getSystemErrorMap } from 'node:util';
import { errnoMessage, errnoName } from '../structs/errno.ts';

/** What a SyscallError says beyond the errno. */
export interface SyscallErrorDetails {
  /** What to do about it. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
  /** The file that it was about. */
  readonly path?: string | undefined;
  /** The second path of a rename or a link. */
  readonly dest?: string | undefined;
  /** The address that it was about. */
  readonly address?: string | undefined;
  readonly port?: number | undefined;
}

/** What an errno means, in the words of Node.js; in libc's where Node.js does not know it. */
function meaning(errno: number): string {
  const [, text] = getSystemErrorMap().get(-errno) ?? [];
  return text ?? errnoMessage(errno).replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
}

/** Behind what failed: ` '/from' -> '/to'`, ` 127.0.0.1:80`. */
function subject({ path, dest, address, port }: SyscallErrorDetails): string {
  const place = path === undefined ? '' : ` '${path}'${dest === undefined ? '' : ` -> '${dest}'`}`;
  if (address === undefined) return place;
  return `${place} ${address.includes(':') && port !== undefined ? `[${address}]` : address}${port === undefined ? '' : `:${port}`}`;
}

/**
 * A system call failed. Thrown by setup, enter, mmap and the small libc calls. In the form of Node.js: the message is
 * `ENOENT: no such file or directory, OP_OPENAT '/etc/app.json'`, behind it the hint in parentheses.
 */
export class SyscallError extends Error {
  /** The errno's name, as Node has it: `'EINVAL'`. */
  readonly code: string;
  /** The errno, negative as Node.js has it: -22. */
  readonly errno: number;
  /** Which call: `'io_uring_setup'`. */
  readonly syscall: string;
  /** What to do about it, where that is known. */
  readonly hint: string | undefined;
  /** The file that it was about, where there is one. */
  declare readonly path?: string;
  /** The second path of a rename or a link. */
  declare readonly dest?: string;
  /** The address that it was about, where there is one; a Unix socket's is its path. */
  declare readonly address?: string;
  declare readonly port?: number;

  /**
   * @param errno positive, as system calls return it
   * @param what what the message says that failed
   */
  constructor(syscall: string, errno: number, details: SyscallErrorDetails = {}, what = syscall) {
    const { hint, cause, path, dest, address, port } = details;
    const text = `${errnoName(errno)}: ${meaning(errno)}, ${what}${subject(details)}${hint === undefined ? '' : ` (${hint})`}`;
    super(text, cause === undefined ? undefined : { cause });
    this.code = errnoName(errno);
    this.errno = -errno;
    this.syscall = syscall;
    this.hint = hint;
    // only those that there are, as Node.js has it
    for (const [name, value] of Object.entries({ path, dest, address, port })) {
      if (value !== undefined)
        Object.defineProperty(this, name, { value, enumerable: true, writable: true, configurable: true });
    }
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
    super('io_uring_register', errno, details, `io_uring_register ${opcode}`);
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

/** What an OpError knows of its operation. */
export interface OpErrorDetails extends SyscallErrorDetails {
  /** The first kernel that has the operation. */
  readonly since?: string | undefined;
}

/** An operation completed with an error: its CQE's res was below zero. */
export class OpError extends SyscallError {
  /** The operation without IORING_: `'OP_READ_FIXED'`. */
  readonly op: string;
  /** The first kernel that has the operation. */
  readonly since: string | undefined;
  /** True where its time was over and the kernel goes on with it all the same: its memory stays the kernel's. */
  declare readonly mayStillComplete?: boolean;
  /** How many bytes were sent before its time was over, where that is known. */
  declare readonly bytes?: number;

  constructor(op: string, errno: number, details: OpErrorDetails = {}) {
    super('io_uring_enter', errno, details, op);
    this.op = op;
    this.since = details.since;
  }

  /** The same as `op`, by the name that errors of register calls have. */
  get opcode(): string {
    return this.op;
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
