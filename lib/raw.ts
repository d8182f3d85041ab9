/// <reference lib="esnext.disposable" preserve="true" />
/**
 * `uring/raw`: io_uring as the kernel has it, synchronous and one to one. Nothing here keeps memory alive: each
 * function's "Safety" paragraph says what stays the caller's duty.
 */
import * as memory from './sys/memory.ts';

// ---- io_uring_register(2) -------------------------------------------------------------------------------------------

export type { AddressSource, BufferSource, Place, Tag } from './register/arguments.ts';
export * from './register/buffers.ts';
export { type RegisteredRing, type RingFd, register } from './register/call.ts';
export * from './register/files.ts';
export * from './register/instance.ts';
export * from './register/limits.ts';
export * from './register/network.ts';
export * from './register/notify.ts';
export type { OpName } from './register/support.ts';

// ---- io_uring_setup(2), io_uring_enter(2), the queues -------------------------------------------------------------

export { mapQueues, nextSqe, type Queues, type RingParams } from './ring/core/queues.ts';
export { type EnterOptions, enter, type SetupParams, type SetupResult, setup } from './ring/core/setup.ts';

// ---- preparers: the entry under the cursor becomes an operation -----------------------------------------------------

export * from './ops/preparers.ts';
export type { SqeCursor } from './ops/sqe.ts';

// ---- memory and file descriptors --------------------------------------------------------------------------------------

export { alloc } from './sys/memory.ts';

/**
 * The address of a view's first byte, for the kernel.
 *
 * Safety: it holds only while you hold the view, and its buffer is neither detached nor transferred.
 * @param view of memory that stays where it is: a detached, resizable or zero-length one is refused
 */
export function addressOf(view: ArrayBufferView): number {
  return memory.addressInPlace('view', view);
}

export * as libc from './sys/libc.ts';
