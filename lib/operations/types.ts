/** What the arguments of operations are, for all faces. */
import type { BufferRing } from '../ring/owners/buffer-ring.ts';
import type { RegisteredBuffer } from '../ring/owners/buffers.ts';
import type { FixedFile, RegisteredFiles } from '../ring/owners/files.ts';
import type { Personality } from '../ring/owners/personality.ts';

/** An open file: its fd, something that has one (a FileHandle of node:fs, a RingFile), or a slot of the file table. */
export type File = number | FixedFile | { readonly fd: number };
/** An open file that must be a descriptor: the operation does not take a slot of the file table. */
export type Fd = number | { readonly fd: number };
/** A path: text, or its bytes without a zero. */
export type Path = string | Uint8Array;
/** Memory for data: a view of your own, or (a piece of) a registered buffer. */
export type Memory = ArrayBufferView | RegisteredBuffer;
/** Memory, or a pool that the kernel picks a buffer from. */
export type MemoryOrPool = Memory | BufferRing;
/** Into the file table: a slot; or the table, or `'alloc'`, for a free one. */
export type Into = FixedFile | RegisteredFiles | 'alloc';
/** Where a file goes in another ring's table: a slot of it, or a free one. */
export type OtherTable = FixedFile | RegisteredFiles;
/** 32-bit words; over a SharedArrayBuffer where other threads take part. */
export type FutexArray = Int32Array | Uint32Array;

/** One futex of `futexWaitv`. */
export interface Futex {
  readonly array: FutexArray;
  /** Which word of it. */
  readonly index: number;
  /** Waits while the word is this. */
  readonly value: number;
  /** Also other processes wait on it, in memory that they share. */
  readonly shared?: boolean | undefined;
}

/** Which child process: one of these, or `'any'`. */
export type Child = { readonly pid: number } | { readonly group: number } | { readonly pidfd: Fd } | 'any';
/** What becomes of a child process. */
export type ChildState = 'exited' | 'stopped' | 'continued';

/** What every operation of `ring.prepare` takes. */
export interface OperationOptions {
  /** Comes back with the completion: an integer from 0 to 2^53-1, 0 when absent. */
  readonly userData?: number | undefined;
  /** IOSQE_IO_LINK: the next operation starts when this one is done, and is cancelled when it fails. */
  readonly link?: boolean | undefined;
  /** IOSQE_IO_HARDLINK: as link, but the next one starts whatever becomes of this one. */
  readonly hardlink?: boolean | undefined;
  /** IOSQE_IO_DRAIN: starts after everything before it is done. */
  readonly drain?: boolean | undefined;
  /** IOSQE_ASYNC: goes to a worker thread at once. */
  readonly async?: boolean | undefined;
  /** IOSQE_CQE_SKIP_SUCCESS: no completion unless it fails. Not for operations that hold data until they complete. */
  readonly skipSuccess?: boolean | undefined;
  /** Runs with these credentials. */
  readonly personality?: Personality | undefined;
}
