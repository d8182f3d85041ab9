/** Numbers and words of audit records: which system call on which architecture, what a filter did. */
import { exact, hex, integer } from './numbers.ts';
import { type SeccompAction, SYSCALLS, syscallNamed, type UringSyscall } from './records.ts';

const EM_MIPS = 8;
const EM_ALPHA = 0x9026;
/** x32 calls of x86-64. */
const X32 = 0x4000_0000;

/** The number of io_uring_setup(2): 425 everywhere but on three. `arch` is audit's: machine, and bits of the ABI. */
function firstNumber(arch: number): number {
  const machine = arch & 0xffff;
  if (machine === EM_ALPHA) return 535;
  if (machine !== EM_MIPS) return 425;
  if ((arch & 0x8000_0000) === 0) return 4425;
  return (arch & 0x2000_0000) === 0 ? 5425 : 6425;
}

/** The call of a number; `arch` in hexadecimal, or a name, which none of the three exceptions has here. */
export function syscallByNumber(text: string, arch: string | undefined): UringSyscall | undefined {
  const number = exact(integer(text));
  if (number === undefined) return undefined;
  const machine = Number(hex(arch ?? '') ?? 0n);
  return SYSCALLS[(number & ~X32) - firstNumber(machine)];
}

/** The call of a name, or of a number. */
export function syscallByWord(text: string, arch: string | undefined): UringSyscall | undefined {
  return syscallNamed(text) ?? syscallByNumber(text, arch);
}

/** Each with its return value and audit's word; `kill` is the word of older versions for two of them. */
const ACTIONS: readonly (readonly [code: bigint | undefined, word: string, action: SeccompAction])[] = [
  [0x8000_0000n, 'kill_process', 'KILL_PROCESS'],
  [undefined, 'kill', 'KILL'],
  [0n, 'kill_thread', 'KILL_THREAD'],
  [0x0003_0000n, 'trap', 'TRAP'],
  [0x0005_0000n, 'errno', 'ERRNO'],
  [0x7fc0_0000n, 'user_notif', 'USER_NOTIF'],
  [0x7ff0_0000n, 'trace', 'TRACE'],
  [0x7ffc_0000n, 'log', 'LOG'],
];

/** What the filter did, by its return value in hexadecimal, or by audit's word for it. */
export function seccompAction(code: string | undefined): SeccompAction | undefined {
  if (code === undefined) return undefined;
  const value = /^(?:0x)?\d/i.test(code) ? hex(code) : undefined;
  const word = code.toLowerCase().replace('-', '_');
  return ACTIONS.find(([each, name]) => name === word || (value !== undefined && each === value))?.[2];
}
