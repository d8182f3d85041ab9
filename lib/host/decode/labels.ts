/** Arguments with their names, as the kernel's tracing and what shows it print them. */
import { hex, integer } from './numbers.ts';
import { type Known, registersOf, type UringSyscall } from './records.ts';

/** The names of the arguments, in their order. */
const NAMES: { readonly [syscall in UringSyscall]: readonly string[] } = {
  io_uring_register: ['fd', 'opcode', 'arg', 'nr_args'],
  io_uring_setup: ['entries'],
  io_uring_enter: ['fd', 'to_submit', 'min_complete', 'flags'],
};

const LABEL = /(?:^|[\s,({.])([a-z_]{1,16})(?:: ?| ?= ?)(-?(?:0x)?[\da-f]+|\(nil\)|NULL)(?![\w.])/g;

/**
 * `fd: 3, opcode: 0x2`, `fd=3 opcode=0x2 (2)`, `fd 3`.
 * @param areHex numbers without 0x are hexadecimal, too
 */
export function labels(text: string, areHex: boolean): Map<string, bigint> {
  const found = new Map<string, bigint>();
  for (const [, name = '', value = ''] of text.matchAll(LABEL)) {
    const isNull = value === '(nil)' || value === 'NULL';
    const number = isNull ? 0n : areHex && !value.startsWith('-') ? hex(value) : integer(value);
    if (number !== undefined && !found.has(name)) found.set(name, number);
  }
  return found;
}

/**
 * The arguments of a call.
 * @param missing what one that is not printed has; undefined: then the call can't be read
 */
export function argumentsIn(
  syscall: UringSyscall,
  found: ReadonlyMap<string, bigint>,
  missing?: bigint,
): Known | undefined {
  return registersOf(
    syscall,
    NAMES[syscall].map((name) => found.get(name) ?? missing),
  );
}
