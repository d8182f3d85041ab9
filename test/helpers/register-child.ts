/** Makes every call of register-table.ts and prints what it saw of each: run under strace by differential.test.ts. */
import { subscribe } from 'node:diagnostics_channel';
import { addressOf, alloc } from '../../lib/raw.ts';
import { viewMemory } from '../../lib/sys/ffi.ts';
import { eventfd } from '../../lib/sys/libc.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { answer, hex, RawRing, wrong } from './raw-ring.ts';
import { EXPECTED, type Scene } from './register-table.ts';

/** What the child saw of one entry of the table. */
export interface Seen {
  /** Which of `calls` it was. */
  readonly call: number;
  /** The argument's bytes in memory at the call, and as the trace told them. */
  readonly memory: string | null;
  readonly told: string | null;
  readonly behind: readonly string[];
}

/** What the child prints. */
export interface Report {
  readonly fds: Scene['fds'];
  readonly addresses: { readonly [name: string]: number };
  /** Every call that the process made: fd, opcode, argument, nr_args. */
  readonly calls: readonly (readonly [number, number, string, number])[];
  readonly seen: readonly Seen[];
}

const {
  IORING_SETUP_CQE32,
  IORING_SETUP_DEFER_TASKRUN,
  IORING_SETUP_R_DISABLED,
  IORING_SETUP_SINGLE_ISSUER,
} = constants;

const scene: Scene = {
  fds: {
    ring: new RawRing(0).fd,
    second: new RawRing(0).fd,
    disabled: new RawRing(IORING_SETUP_R_DISABLED).fd,
    waiting: new RawRing(IORING_SETUP_R_DISABLED).fd,
    big: new RawRing(IORING_SETUP_CQE32 | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER).fd,
    signal: eventfd(),
  },
  memory: { page: alloc(4096), other: alloc(4096) },
};

function memoryAt(address: number | bigint, length: number): string {
  return address === 0 || address === 0n || length === 0
    ? ''
    : Buffer.from(new Uint8Array(viewMemory(address, length))).toString('hex');
}

/** How many bytes the text of the table stands for. */
function lengthOf(text: string): number {
  return hex(
    text
      .replaceAll('{*}', '0'.repeat(16))
      .replaceAll(/\{#\w+\}/g, '0'.repeat(8))
      .replaceAll(/\{\w+\}/g, '0'.repeat(16)),
  ).length;
}

const calls: [number, number, string, number][] = [];
const seen: Seen[] = [];
let expecting: ((arg: number | bigint) => void) | undefined;
let told: string | null = null;

const { register } = sys;
sys.register = (fd, opcode, arg, nrArgs) => {
  expecting?.(arg);
  expecting = undefined;
  calls.push([fd, opcode, arg.toString(), nrArgs]);
  return register(fd, opcode, arg, nrArgs);
};
subscribe('uring:register', (message) => {
  const { argRaw }: { argRaw: Uint8Array | null } = wrong(message);
  told = argRaw && Buffer.from(argRaw).toString('hex');
});

for (const { hex: text, behind = [], call } of EXPECTED) {
  const at = calls.length;
  const found: string[] = [];
  let memory: string | null = null;
  expecting = (arg) => {
    memory = text === null ? null : memoryAt(arg, lengthOf(text));
    const bytes = hex(memory ?? '');
    const plain = (text ?? '').replaceAll(/\s/g, '');
    const pointers = [...plain.matchAll(/\{\*\}/g)].map(({ index }) => lengthOf(plain.slice(0, index)));
    const view = new DataView(bytes.buffer);
    for (const [i, offset] of pointers.entries()) {
      found.push(memoryAt(view.getBigUint64(offset, true), lengthOf(behind[i] ?? '')));
    }
  };
  answer(() => call(scene));
  seen.push({ call: at, memory, told, behind: found });
}

const addresses = Object.fromEntries(
  Object.entries(scene.memory).map(([name, view]) => [name, addressOf(view)]),
);
const report: Report = { fds: scene.fds, addresses, calls, seen };
process.stdout.write(JSON.stringify(report));
