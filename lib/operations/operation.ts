/** An operation as the faces use it: what lib/faces/encoders.ts makes of a declaration. */
import type { OpFlagName } from '../../structs/ops.ts';
import type { OpName } from '../register/support.ts';
import type { RingCore } from '../ring/core/core.ts';

/** What is said of an operation, for errors. */
export interface OperationInfo {
  readonly op: OpName;
  /** The flag or command that makes it a variant. */
  readonly flag?: OpFlagName | undefined;
  /** What an errno means here. */
  readonly errors?: { readonly [code: string]: string } | undefined;
  /** Can a started one be named, to be changed or removed? */
  readonly isNamed?: boolean | undefined;
}

/** One operation, its arguments and its options. */
export interface Operation<A extends readonly unknown[], O extends object> {
  readonly info: OperationInfo;
  /** The names of its options beside the common ones. */
  readonly known: readonly string[];
  /** What it gets where no options were given. */
  readonly defaults: O;
  /** Until when the kernel needs what `encode` returns. */
  readonly holds: 'until completed' | 'until submitted' | undefined;
  /** Reads, pins and writes: fills the next free entry, and returns what the kernel may touch. */
  readonly encode: (core: RingCore, options: O, ...args: A) => unknown;
}

/** Both, or the one that is there. */
export function both(first: unknown, second: unknown): unknown {
  if (first === undefined) return second;
  return second === undefined ? first : [first, second];
}
