/**
 * What a read or write of cached data copies is copied inside of io_uring_enter(2), while the event loop waits. Beyond a
 * budget for each turn, reads and writes of files go to worker threads (IOSQE_ASYNC), which copy beside it.
 */
import { constants } from '../../structs/flags.ts';
import { Iovec } from '../../structs/posix.ts';
import { Vector } from '../operations/read.ts';
import type { SqeCursor } from '../ops/sqe.ts';
import type { RingCore } from '../ring/core/core.ts';
import { O_DIRECT } from '../sys/host.ts';
import { sys } from '../sys/syscall.ts';

const { IORING_SETUP_IOPOLL, IORING_SETUP_SQPOLL, IOSQE_ASYNC, IOSQE_FIXED_FILE } = constants;

/** Bytes that one turn of the event loop may copy itself: 0.1 to 0.2 ms. */
const BUDGET = 1024 * 1024;
/** To hand fewer bytes to a worker takes longer than to copy them. */
const LEAST = 32 * 1024;
const O_APPEND = 0o2000;
const SEEK_CUR = 1;
const LENGTH_WORD = Iovec.at.iovLen / 4;
const IOVEC_WORDS = Iovec.size / 4;

/** The operations that copy: 1 where `len` is bytes, 2 where it is pieces. */
const COPIES = new Uint8Array(256);
for (const opcode of ['READ', 'WRITE', 'READ_FIXED', 'WRITE_FIXED'] as const)
  COPIES[constants[`IORING_OP_${opcode}`]] = 1;
for (const opcode of ['READV', 'WRITEV', 'READV_FIXED', 'WRITEV_FIXED'] as const)
  COPIES[constants[`IORING_OP_${opcode}`]] = 2;

/** The bytes of all pieces. `memory` is what the operation holds. */
function bytesOf(memory: unknown): number {
  if (!Vector.is(memory)) return 0;
  const { buffer, byteOffset, length } = memory.iovecs.bytes;
  const words = new Uint32Array(buffer, byteOffset, length / 4);
  let sum = 0;
  for (let at = LENGTH_WORD; at < words.length; at += IOVEC_WORDS) sum += words[at] ?? 0;
  return sum;
}

/**
 * Does the kernel copy from or to the page cache, in no order with other operations? Not for pipes and sockets, O_DIRECT,
 * and O_APPEND, whose writes may depend on their order.
 */
function isCachedFile(fd: number): boolean {
  const flags = sys.getFileFlags(fd);
  return flags >= 0 && (flags & (O_APPEND | O_DIRECT)) === 0 && sys.lseek(fd, 0, SEEK_CUR) >= 0;
}

/** How much one ring copies in the event loop. */
export class Copying {
  readonly #core: RingCore;
  /** Does the thread that submits copy, and may entries be changed? */
  readonly #isHere: boolean;
  /** What is left of the budget in this turn, in bytes. */
  #left = BUDGET;

  constructor(core: RingCore) {
    this.#core = core;
    // a submission thread copies itself; polled I/O does not copy
    this.#isHere = !core.has(IORING_SETUP_SQPOLL) && !core.has(IORING_SETUP_IOPOLL);
  }

  /** A turn begins. */
  begin(): void {
    this.#left = BUDGET;
  }

  /**
   * The entry under the cursor is written: one that would copy more than is left goes to a worker.
   * @param memory what the operation holds
   */
  weigh(memory: unknown): void {
    const { sqe } = this.#core.queues;
    const kind = COPIES[(sqe.words[sqe.base] ?? 0) & 0xff] ?? 0;
    if (kind !== 0) this.#weighCopy(sqe, kind === 1 ? sqe.len : bytesOf(memory));
  }

  #weighCopy(sqe: SqeCursor, bytes: number): void {
    // at the current position operations depend on their order
    if (bytes < LEAST || sqe.isAtPosition || !this.#isHere || (sqe.flags & IOSQE_ASYNC) !== 0) return;
    if (bytes <= this.#left) this.#left -= bytes;
    else if (this.#mayMove(sqe)) sqe.flags |= IOSQE_ASYNC;
  }

  #mayMove(sqe: SqeCursor): boolean {
    const { sandbox } = this.#core;
    if (sandbox !== undefined && (sandbox.allowedFlags & IOSQE_ASYNC) === 0) return false;
    // what is in a slot can't be asked; few sockets are read at an offset
    return (sqe.flags & IOSQE_FIXED_FILE) !== 0 || isCachedFile(sqe.fd);
  }
}
