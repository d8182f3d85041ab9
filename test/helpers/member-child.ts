/** Uses every register member of a ring and prints the calls that each made: run under strace by members.test.ts. */
import { openSync } from 'node:fs';
import { type RegisteredFiles, Ring, type RingBaseOptions } from '../../lib/index.ts';
import { viewMemory } from '../../lib/sys/ffi.ts';
import { eventfd } from '../../lib/sys/libc.ts';
import { alloc } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { registerRow } from '../../structs/register-ops.ts';

/** One call: fd, opcode with its flag, nr_args, and the argument's bytes (null for a null pointer). */
export type Call = readonly [fd: number, opcode: number, nrArgs: number, hex: string | null];

/** What the child prints. */
export interface MemberReport {
  readonly fds: { readonly [name: string]: number };
  readonly members: readonly (readonly [name: string, calls: readonly Call[]])[];
}

/** Bytes behind the argument of a call. */
function lengthOf(opcode: number, nrArgs: number): number {
  const arg = registerRow(opcode)?.arg;
  if (arg === undefined || arg.is === 'none') return 0;
  if (arg.is === 'values') return (arg.element === 'u8' ? 1 : 4) * nrArgs;
  return arg.struct.size * (arg.many ? nrArgs : 1);
}

let calls: Call[] = [];
const { register } = sys;
sys.register = (fd, opcode, arg, nrArgs) => {
  const length = lengthOf((opcode & 0x7fff_ffff) >>> 0, nrArgs);
  const bytes = arg === 0 || length === 0 ? null : Buffer.from(viewMemory(arg, length));
  calls.push([fd, opcode, nrArgs, bytes?.toString('hex') ?? null]);
  return register(fd, opcode, arg, nrArgs);
};

const members: (readonly [string, readonly Call[]])[] = [];

/** The calls of one member, refused ones too. */
function step<T>(name: string, use: () => T): T | undefined {
  calls = [];
  try {
    return use();
  } catch {
    return undefined;
  } finally {
    members.push([name, calls]);
  }
}

const open: Ring[] = [];
function ring(options: RingBaseOptions = {}): Ring {
  open.push(new Ring(8, options));
  return open.at(-1) ?? new Ring(8);
}

const main = ring();
const second = ring();
const disabled = ring({ disabled: true });
const waiting = ring({ disabled: true });
const deferring = ring({ deferTaskrun: true, cqe32: true });
const file = openSync('/dev/null', 'r');
const signal = eventfd();
const fds = {
  main: main.fd,
  second: second.fd,
  disabled: disabled.fd,
  waiting: waiting.fd,
  deferring: deferring.fd,
  file,
  signal,
};

const buffers = step('ring.registerBuffers', () => main.registerBuffers([alloc(4096), null]));
step('buffers.update', () => buffers?.update(1, [alloc(4096)]));
const clone = step('buffers.cloneTo', () => buffers?.cloneTo(second));
step('buffers.cloneTo, a range', () =>
  buffers?.cloneTo(second, { offset: 1, at: 0, count: 1, replace: true }),
);
clone?.[Symbol.dispose]();
step('buffers.unregister', () => buffers?.unregister());
step('ring.registerBuffers, sparse', () => main.registerBuffers({ slots: 4 }))?.unregister();

const files = step('ring.registerFiles', () => main.registerFiles([file, -1]));
step('files.update', () => files?.update(0, [files.KEEP, files.CLEAR]));
step('files.allocRange', () => files?.allocRange(0, 1));
step('files.unregister', () => files?.unregister());
const told = (owner: RegisteredFiles | undefined): void => {
  step('files.update, told', () => owner?.update(0, [file]));
  owner?.unregister();
};
told(step('ring.registerFiles, told', () => main.registerFiles([file], { onRelease: () => {} })));
step('ring.registerFiles, sparse', () => main.registerFiles({ slots: 3 }))?.unregister();

const watched = step('ring.registerEventfd', () => main.registerEventfd(signal));
step('eventfd.unregister', () => watched?.unregister());
step('ring.registerEventfd, async', () => main.registerEventfd(signal, { async: true }))?.unregister();
step('ring.probe', () => main.probe());
step('ring.query', () => main.query());
const self = step('ring.registerPersonality', () => main.registerPersonality());
step('personality.unregister', () => self?.unregister());
step('ring.registerRestrictions', () => disabled.registerRestrictions({ ops: ['OP_READ'], sealed: true }));
step('ring.enable', () => disabled.enable());
const limits = step('ring.limitWorkers', () => main.limitWorkers({ bounded: 2 }));
limits?.unregister();
const cpus = step('ring.limitWorkers, cpus', () => main.limitWorkers({ cpus: [0] }));
step('limits.unregister', () => cpus?.unregister());
const pool = step('ring.registerBufferRing', () =>
  main.registerBufferRing({ entries: 8, bufferSize: 64, group: 7 }),
);
step('pool.status', () => pool?.status());
step('pool.unregister', () => pool?.unregister());
step('ring.cancelSync', () => main.cancelSync({ any: true, timeoutMs: 0 }));
const napi = step('ring.enableNapi', () => main.enableNapi({ busyPollUs: 50, prefer: true }));
step('napi.unregister', () => napi?.unregister());
step('ring.setClock', () => main.setClock('boottime'));
step('ring.sendMessage', () => main.sendMessage(second, { userData: 5, res: 6 }));
step('ring.registerZcrxIfq', () =>
  deferring.registerZcrxIfq({ interface: 1, queue: 0, entries: 16, areaBytes: 65536 }),
);
step('ring.resize', () => deferring.resize({ sqEntries: 16 }));
step('ring.registerRegion', () => waiting.registerRegion());
step('ring.registerBpfFilter', () => main.registerBpfFilter({ op: 'OP_NOP', filter: 'deny' }));
const index = step('ring.registerRingFd', () => main.registerRingFd());
step('ring.probe, by index', () => main.probe());
step('ringFd.unregister', () => index?.unregister());

sys.register = register;
for (const each of open) each.close();
const report: MemberReport = { fds, members };
process.stdout.write(JSON.stringify(report));
