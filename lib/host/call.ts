/** One call of io_uring_register(2) that some process made, as tracing and decoding report it. */
import { type RegisterRow, registerRow } from '../../structs/register-ops.ts';
import type { ProcessIdentity } from './who.ts';

/** What `nrArgs` counts: elements, bytes, the id of what is unregistered, or nothing (it must have one value). */
export type NrArgsIs = 'count' | 'bytes' | 'id' | 'fixed';

/** Where a record comes from. */
export type CallSource =
  | 'kernel'
  | 'tracee'
  | 'strace'
  | 'audit'
  | 'ftrace'
  | 'perf'
  | 'bpftrace'
  | 'tetragon'
  | 'falco'
  | 'auditbeat'
  | 'osquery'
  | 'kunai';

/** A call of io_uring_register(2). What its source does not tell is undefined. */
export interface RegisterCall {
  readonly type: 'register';
  readonly source: CallSource;
  /** When it began, or, where that was not seen, the first that was seen of it: nanoseconds since 1970. */
  readonly timeNs: bigint | undefined;
  /** The same on CLOCK_MONOTONIC: the clock of `process.hrtime.bigint()`. */
  readonly monoNs: bigint | undefined;
  readonly pid: number | undefined;
  readonly tid: number | undefined;
  /** As the kernel has it: it may contain newlines and control characters. */
  readonly comm: string | undefined;
  readonly cpu: number | undefined;
  /** -1 for none. With `useRegisteredRing` the index of a registered ring. */
  readonly fd: number | undefined;
  /** Without IORING_REGISTER_USE_REGISTERED_RING. */
  readonly opcode: number | undefined;
  /** `'REGISTER_BUFFERS'`; `'OP_99'` for one that is in no header. */
  readonly opcodeName: string | undefined;
  readonly useRegisteredRing: boolean | undefined;
  /** The pointer. */
  readonly arg: bigint | undefined;
  /** What the source says about what `arg` points to, word for word; never read from the process. */
  readonly argText: string | undefined;
  readonly nrArgs: number | undefined;
  readonly nrArgsIs: NrArgsIs | undefined;
  /** The result, or minus the errno. */
  readonly ret: number | undefined;
  /** The errno's name where the call failed. */
  readonly errno: string | undefined;
  readonly durationNs: bigint | undefined;
  /** Which ring, counted within one trace: `'r1'`. Never the kernel's address. */
  readonly ring: string | undefined;
  /** How many files and buffers the ring had registered after the call. */
  readonly nrUserFiles: number | undefined;
  readonly nrUserBufs: number | undefined;
  /** False where the call's begin or end was not seen. */
  readonly complete: boolean;
  /** Who made it, as it was when the process was first seen: where `trace()` was asked for that. */
  readonly process?: ProcessIdentity | undefined;
}

function nrArgsIs(row: RegisterRow | undefined): NrArgsIs | undefined {
  if (row === undefined) return undefined;
  return row.nrArgs.is === 'size' ? 'fixed' : row.nrArgs.is;
}

const USE_REGISTERED_RING = 0x8000_0000;

/** The fields that follow from the number that the program passed as opcode. */
export function describeOpcode(
  raw: number,
): Pick<RegisterCall, 'opcode' | 'opcodeName' | 'useRegisteredRing' | 'nrArgsIs'> {
  const opcode = (raw & ~USE_REGISTERED_RING) >>> 0;
  const row = registerRow(opcode);
  return {
    opcode,
    opcodeName: row?.name ?? `OP_${opcode}`,
    useRegisteredRing: (raw & USE_REGISTERED_RING) !== 0,
    nrArgsIs: nrArgsIs(row),
  };
}

/** The value of an opcode by what people write: a number, or its name with or without IORING_ and REGISTER_. */
export function opcodeByName(text: string): number | undefined {
  if (/^(?:0x[0-9a-f]+|\d+)$/i.test(text)) return Number(text);
  const name = text.toUpperCase().replace(/^IORING_/, '');
  for (let value = 0; ; value++) {
    const row = registerRow(value);
    if (row === undefined) return undefined;
    if (row.name === name || row.name === `REGISTER_${name}`) return value;
  }
}
