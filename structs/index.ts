/**
 * `uring/structs`: the kernel's own words: struct layouts with encoders and decoders, constants, opcode tables. Pure data:
 * nothing here makes a system call.
 */
import * as control from './control.ts';
import type { FieldLayout } from './layout.ts';
import * as memory from './memory.ts';
import { type ByName, byName, ops } from './ops.ts';
import * as posix from './posix.ts';
import { registerOps } from './register-ops.ts';
import * as rsrc from './rsrc.ts';
import * as setup from './setup.ts';
import * as sqe from './sqe.ts';
import * as zcrx from './zcrx.ts';

export * from './control.ts';
export { errnoMessage, errnoName } from './errno.ts';
export { constants } from './flags.ts';
export { kernelHas, kernels, type MeasuredKernel, measuredKernel } from './kernels.ts';
export type { FieldLayout, Input, Output, Struct, ValueOf } from './layout.ts';
export * from './memory.ts';
export { enterFlags, features, type NamedValue, ops, setupFlags } from './ops.ts';
export * from './posix.ts';
export {
  decodeArgument,
  type NrArgs,
  type RegisterArg,
  type RegisterOpName,
  type RegisterRow,
  registerOpName,
  registerOps,
  registerRow,
} from './register-ops.ts';
export * from './rsrc.ts';
export * from './setup.ts';
export * from './socket-options.ts';
export * from './sqe.ts';
export * from './zcrx.ts';

/** A struct's place in memory, in bytes. */
export interface StructLayout {
  readonly size: number;
  readonly align: number;
  /** Every field by its C name: reserved ones, all members of unions, flexible arrays (size 0). */
  readonly fields: { readonly [field: string]: FieldLayout };
}

const structs = [sqe, setup, rsrc, control, memory, zcrx, posix].flatMap((family) => Object.values(family));

/** The layout of every struct by its C name: `layouts['io_uring_sqe']?.fields['user_data']` is `{ offset: 32, size: 8 }`. */
export const layouts: { readonly [name: string]: StructLayout } = Object.fromEntries(
  structs.map((struct) => [struct.name, layoutOf(struct)]),
);

/** Getters, because a layout is made when it is first asked for. */
function layoutOf(struct: StructLayout): StructLayout {
  return {
    get size() {
      return struct.size;
    },
    get align() {
      return struct.align;
    },
    get fields() {
      return struct.fields;
    },
  };
}

/** Opcodes of io_uring_register(2) by name: `RegisterOp.REGISTER_BUFFERS` is 0. */
export const RegisterOp: ByName<typeof registerOps> = byName(registerOps);

/** Opcodes of an SQE by name: `Op.OP_NOP` is 0. */
export const Op: ByName<typeof ops> = byName(ops);
