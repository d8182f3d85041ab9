/** A kernel that has a register opcode which this one lacks: for what can be tested by bytes alone. */
import { viewMemory } from '../../lib/sys/ffi.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { Params } from '../../structs/setup.ts';

/** One call that was answered. */
export interface FakeCall {
  readonly fd: number;
  readonly opcode: number;
  readonly nrArgs: number;
}

/** A view of memory that a call points to. */
export function bytesAt(address: number | bigint, length: number): Uint8Array {
  return new Uint8Array(viewMemory(address, length));
}

/**
 * Runs `body` while `answer` answers register opcode `opcode` of rings, from its argument's `size` bytes. The question
 * whether the kernel has it (on an fd that is not open) is answered by yes.
 */
export function withOpcode<T>(
  { opcode, size }: { readonly opcode: number; readonly size: number },
  answer: (argument: Uint8Array) => number,
  body: (calls: readonly FakeCall[]) => T,
): T {
  const { register } = sys;
  const calls: FakeCall[] = [];
  sys.register = (fd, given, arg, nrArgs) => {
    const plain = given & 0x7fff_ffff;
    if (plain !== opcode) return register(fd, given, arg, nrArgs);
    if (arg === 0) return -9;
    calls.push({ fd, opcode: given, nrArgs });
    return answer(bytesAt(arg, size));
  };
  try {
    return body(calls);
  } finally {
    sys.register = register;
  }
}

/** Runs `body` while rings that are made report no `features` (IORING_FEAT_*), as those of older kernels. */
export function withoutFeatures<T>(features: number, body: () => T): T {
  const { setup } = sys;
  sys.setup = (entries, params) => {
    const fd = setup(entries, params);
    const view = new DataView(params.buffer, params.byteOffset);
    const at = Params.at.features;
    if (fd >= 0) view.setUint32(at, view.getUint32(at, true) & ~features, true);
    return fd;
  };
  try {
    return body();
  } finally {
    sys.setup = setup;
  }
}

/** Runs `body` while register calls of `opcode` fail with `errno`; how many there were. */
export function withFailing(opcode: number, errno: number, body: () => void): number {
  const { register } = sys;
  let calls = 0;
  sys.register = (fd, given, arg, nrArgs) => {
    if ((given & 0x7fff_ffff) !== opcode) return register(fd, given, arg, nrArgs);
    calls++;
    return -errno;
  };
  try {
    body();
    return calls;
  } finally {
    sys.register = register;
  }
}
