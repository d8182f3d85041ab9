// Type-checked by TypeScript alone: without node's types, nothing in the public declarations may need them.
import { AsyncRing, alloc, type Completion, probe, RegisterError, Ring, type RingOptions } from 'uring';
import type { RegisterCall } from 'uring/host';
import { register, registerFilesUpdate, setup } from 'uring/raw';
import { constants, type Input, kernelHas, kernels, RegisterOp, RsrcRegister, Sqe } from 'uring/structs';

const options: RingOptions = { cqEntries: 64 };

export function nop(): Completion[] {
  using ring = new Ring(8, options);
  using buffers = ring.registerBuffers([alloc(4096), null]);
  ring.prepare.readFixed(0, buffers.at(0).subarray(0, 512), { offset: 0, userData: 1 });
  ring.prepare.nop({ userData: 2 });
  const submitted: number = ring.submit({ wait: 2, timeoutMs: 10 });
  ring.reap(
    (userData: number | bigint, res: number, flags: number) => submitted + res + flags + Number(userData),
  );
  return [...ring.completions()];
}

export function update(fd: number): number | string {
  try {
    return registerFilesUpdate(fd, { offset: 3, fds: [-1, -2] });
  } catch (error) {
    return error instanceof RegisterError ? `${error.opcode} ${error.code} ${error.hint}` : String(error);
  }
}

export function sparse(): number {
  const { fd, params } = setup(64, { flags: constants.IORING_SETUP_R_DISABLED });
  const argument: Uint8Array = RsrcRegister.encode({ nr: params.sqEntries });
  return register(fd, RegisterOp.REGISTER_FILES2, argument, argument.byteLength);
}

export async function read(path: string, signal: AbortSignal): Promise<number> {
  await using ring = new AsyncRing(256);
  await using file = await ring.open(path);
  return ring.read(file, alloc(4096), { offset: 0, signal });
}

export const supported: boolean | undefined = probe().register.REGISTER_CLONE_BUFFERS.supported;
export const opcode: number = Sqe.decode(new Uint8Array(Sqe.size)).opcode;

/** A record of a trace, as a line. */
export function line({ opcodeName = '?', ret, errno, timeNs }: RegisterCall): string {
  const seconds: bigint | undefined = timeNs === undefined ? undefined : timeNs / 1_000_000_000n;
  return `${seconds} ${opcodeName} ${errno ?? ret}`;
}
export const everywhere: boolean = kernels.every((kernel) => kernelHas(kernel, 'OP_READ'));

// @ts-expect-error a misspelt option
new Ring(8, { cqEntrys: 64 });
// @ts-expect-error a field that the struct hasn't
RsrcRegister.encode({ number: 8 });
// @ts-expect-error a string is no length
alloc('4096');

export type { Input };
