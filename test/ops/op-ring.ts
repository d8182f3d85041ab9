/** Operations by their preparers, on a ring of the bare system calls: what the tests of their effects are written with. */
import assert from 'node:assert/strict';
import { addressOf, alloc, enter, mapQueues, nextSqe, type SqeCursor, setup } from '../../lib/raw.ts';
import type { OpName } from '../../lib/register/support.ts';
import type { Queues } from '../../lib/ring/core/queues.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { Iovec, KernelTimespec } from '../../structs/posix.ts';
import { GeteventsArg } from '../../structs/setup.ts';
import { type Needs, needsOp } from '../helpers/needs.ts';
import { patience } from '../helpers/patience.ts';
import { ringTest, type Scope } from '../helpers/rings.ts';

const PATIENCE_S = patience(5);
const { IORING_ENTER_EXT_ARG, IORING_ENTER_GETEVENTS, IORING_FEAT_EXT_ARG } = constants;

export const ENOENT = -2;
export const EBADF = -9;
export const ECHILD = -10;
export const EAGAIN = -11;
export const EFAULT = -14;
export const EEXIST = -17;
export const EXDEV = -18;
export const ENOTDIR = -20;
export const EINVAL = -22;
export const ESPIPE = -29;
export const ENODATA = -61;
export const ETIME = -62;
export const EBADFD = -77;
export const EOPNOTSUPP = -95;
export const ENOBUFS = -105;
export const ECONNREFUSED = -111;
export const ECANCELED = -125;

/** Fills the entry under the cursor. */
export type Fill = (sqe: SqeCursor) => unknown;

/** What a completion said. */
export interface Done {
  readonly userData: number;
  readonly res: number;
  readonly flags: number;
}

/** A ring without a `Ring`: its queues, and the memory that its operations point to. */
export class OpRing {
  readonly fd: number;
  readonly queues: Queues;
  readonly #held: unknown[] = [];
  readonly #wait: Uint8Array | undefined;

  constructor(scope: Scope, flags = 0) {
    const { fd, params } = setup(8, { flags });
    this.fd = fd;
    this.queues = mapQueues(fd, params);
    scope.defer(() => {
      this.queues.unmap();
      sys.close(fd);
    });
    if (params.features & IORING_FEAT_EXT_ARG) {
      const ts = this.address(KernelTimespec.encode({ tvSec: PATIENCE_S }));
      this.#wait = GeteventsArg.encode({ ts });
    }
  }

  /** The address of memory, which this ring holds. */
  address(view: ArrayBufferView): number {
    this.#held.push(view);
    return addressOf(view);
  }

  /** The address of a zero-terminated string. */
  path(text: string): number {
    return this.address(Buffer.from(`${text}\0`));
  }

  /** The address of a __kernel_timespec. */
  time(ms: number): number {
    const tvSec = Math.floor(ms / 1000);
    return this.address(KernelTimespec.encode({ tvSec, tvNsec: (ms - tvSec * 1000) * 1e6 }));
  }

  /** The address of one iovec for each view. */
  iovecs(...views: readonly ArrayBufferView[]): number {
    const all = views.map((view) => Iovec.encode({ iovBase: this.address(view), iovLen: view.byteLength }));
    return this.address(Buffer.concat(all));
  }

  /** Shows one operation to the kernel; its completion has `userData`. */
  start(fill: Fill, userData = 0): void {
    this.startAll([fill], userData);
  }

  /** Shows operations to the kernel, all at once; their completions have `userData` and the numbers after it. */
  startAll(fills: readonly Fill[], userData = 0): void {
    for (const [i, fill] of fills.entries()) {
      const sqe = nextSqe(this.queues);
      fill(sqe);
      sqe.userData = userData + i;
    }
    this.queues.publish();
    assert.equal(enter(this.fd, { toSubmit: fills.length }), fills.length);
  }

  /** The next completion; throws when none comes. */
  next(): Done {
    const { queues } = this;
    while (!queues.take()) {
      const wait = this.#wait;
      const timed = wait && { arg: this.address(wait), argSize: wait.byteLength };
      const flags = IORING_ENTER_GETEVENTS | (wait ? IORING_ENTER_EXT_ARG : 0);
      enter(this.fd, { minComplete: 1, flags, ...timed });
    }
    queues.release();
    return { userData: queues.low + queues.high * 2 ** 32, res: queues.res, flags: queues.flags };
  }

  /** The next `count` completions, by their userData. */
  nextAll(count: number): Done[] {
    const all = Array.from({ length: count }, () => this.next());
    return all.sort((a, b) => a.userData - b.userData);
  }

  /** No completion is there, nor comes by looking. */
  silent(): void {
    enter(this.fd, { flags: IORING_ENTER_GETEVENTS });
    assert.equal(this.queues.ready, 0, 'nothing has completed');
  }

  /** Runs one operation. */
  run(fill: Fill): Done {
    this.start(fill, 4711);
    const done = this.next();
    assert.equal(done.userData, 4711);
    return done;
  }

  /** Runs one operation; its result. */
  result(fill: Fill): number {
    return this.run(fill).res;
  }
}

/** A test of what operations do, on a kernel that has them; it leaves no fd and no mapping behind. */
export function opTest(
  ops: OpName | readonly OpName[],
  what: string,
  body: (ring: OpRing, scope: Scope) => void | Promise<void>,
  also: Needs = {},
): void {
  const names = typeof ops === 'string' ? [ops] : ops;
  const options = { ...also, ...needsOp(...names) };
  ringTest([names.join(', '), what].filter(Boolean).join(': '), options, (scope) =>
    body(new OpRing(scope), scope),
  );
}

/** Memory with text in it. */
export function textBytes(text: string): Uint8Array {
  const bytes = alloc(text.length);
  bytes.set(Buffer.from(text, 'latin1'));
  return bytes;
}

/** The text of bytes. */
export function textOf(bytes: Uint8Array, length = bytes.length): string {
  return Buffer.from(bytes.subarray(0, length)).toString('latin1');
}
