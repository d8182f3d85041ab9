/**
 * How an operation is declared: once, as data. `npm run faces` writes from it the methods of `ring.prepare` and of
 * AsyncRing with their options and comments, and for each operation the function that reads, pins and writes.
 */

import type { OpFlagName } from '../../structs/ops.ts';
import type { SqeCursor } from '../ops/sqe.ts';
import type { OpName } from '../register/support.ts';

/** A kind of argument: its type, and the functions of the first two steps. */
export interface Kind {
  /** Its TypeScript type, as signatures have it. */
  readonly type: string;
  /** Reads it: the name for errors, the value, and `with`. */
  readonly read: (name: string, value: never, ...more: never[]) => unknown;
  /** What `read` gets beside: numbers, and tables of names. */
  readonly with?: readonly unknown[];
  /** What stands for one that is left out, which is not read then. Not beside `reads`. */
  readonly absent?: number;
  /**
   * Make numbers of what was read, for `write`; absent where reading makes the number. A string names a property of what
   * was read: `'flags'`, `'time.address'`.
   */
  readonly pin?: readonly (string | ((core: never, name: string, what: never) => number))[];
  /** The field of the entry that its number goes into after `write`, which does not get it. */
  readonly field?: 'file' | 'opFlags';
  /** Is what was read held until the last completion? Text and times of our own are copied when the entry is submitted. */
  readonly holds?: 'until completed' | 'until submitted';
  /** What is held, where that is not all that was read; a string names a property of it. */
  readonly keep?: string | ((what: never) => unknown);
  /**
   * What `read` gets instead of the argument alone: names of arguments, `'options'` for all of them, `'into'`. A kind that
   * does not get its own argument is no parameter.
   */
  readonly reads?: readonly string[];
  /** What errors call it, where that is not its name. */
  readonly called?: string;
  /** The comment of an option, and of an argument that has none in `params`. */
  readonly doc?: string;
  /** An argument that may be left out. */
  readonly isOptional?: boolean;
}

/** An option that is read together with others, by a kind with `readsOptions`. */
export interface Shown {
  readonly type: string;
  readonly doc: string;
  readonly isRequired?: boolean;
}

/** The options of one or more operations, beside those that all have. */
export interface OptionSet {
  /** The name of their interface. */
  readonly name: string;
  readonly doc: string;
  readonly base?: OptionSet;
  readonly fields: { readonly [name: string]: Kind | Shown };
}

/** A type with a name of its own: one of a few strings. */
export interface NamedType {
  readonly name: string;
  readonly doc: string;
  readonly names: { readonly [name: string]: number };
  /** Numbers are taken too. */
  readonly orNumber?: boolean;
}

/** What a promise gives. */
export type Result =
  /** The completion's res: a number of bytes, most often. */
  | 'count'
  | 'nothing'
  /** A RingFile; with the option `into` a FixedFile. */
  | 'file'
  /** A count, twice: when it is known, and when the memory may be changed. */
  | 'sent'
  /** A count for memory, a part of a buffer for a pool. */
  | 'data'
  | {
      /** Its TypeScript type. */
      readonly type: string;
      /** The function of lib/async/outcomes.ts that makes it of a completion. */
      readonly of: string;
      /** Which arguments that function takes. */
      readonly args: readonly string[];
    };

/** An argument that the caller of ring.prepare gives, and AsyncRing makes itself. */
export interface Room {
  readonly arg: string;
  /** How many bytes it has; or `make`. */
  readonly bytes?: number;
  /** The function of rooms.ts that makes it. */
  readonly make?: string;
  /** Which arguments that function takes. */
  readonly args?: readonly string[];
  /** `ring.prepare` makes it too. */
  readonly isHidden?: boolean;
}

/** One operation. */
export interface Declaration {
  readonly op: OpName;
  /** The flag that makes it a variant, where that is younger than the operation. */
  readonly flag?: OpFlagName;
  /** What it does, in one sentence or two. */
  readonly doc: string;
  readonly args: { readonly [name: string]: Kind };
  readonly options?: OptionSet;
  /** Comments on arguments, by name. */
  readonly params?: { readonly [name: string]: string };
  readonly returns?: string;
  /** What an errno means here: part of the comment, and the hint of an error. */
  readonly errors?: { readonly [code: string]: string };
  /** Its manual page; `io_uring_prep_` and its name when absent. */
  readonly see?: string;
  /** Other names of it, those of liburing. */
  readonly aliases?: readonly string[];
  /** The third step: numbers into the entry. Arguments first, then options, in the order of their declarations. */
  readonly write: (sqe: SqeCursor, ...numbers: number[]) => unknown;
  /** What AsyncRing's promise gives. */
  readonly result?: Result;
  /** What AsyncRing's iterator gives instead: one of each completion. */
  readonly stream?: Exclude<Result, string>;
  readonly rooms?: readonly Room[];
  /** A started one can be named: to be changed, removed, cancelled. */
  readonly isNamed?: boolean;
  /** Why a face does not have it. */
  readonly notIn?: { readonly prepare?: string; readonly async?: string };
  /** AsyncRing has it by a method of its own: the generator leaves it out. */
  readonly byHand?: boolean;
}

export function operation<const D extends Declaration>(declaration: D): D {
  return declaration;
}

export function options(name: string, doc: string, fields: OptionSet['fields'], base?: OptionSet): OptionSet {
  return { name, doc, fields, ...(base && { base }) };
}
