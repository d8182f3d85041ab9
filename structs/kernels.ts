/**
 * What 15 kernels accept, measured on each by a C program; all but 6.18.44 are Debian's. None has a hole: it knows every
 * opcode up to its last one. That it knows one does not say that it was built with it (NAPI, ZCRX, BPF_FILTER).
 */
import { wrongValue } from './check.ts';
import { features, type NamedValue, ops, setupFlags } from './ops.ts';
import { registerOps } from './register-ops.ts';

/** A kernel that was measured. */
export interface MeasuredKernel {
  /** The source's version: `'6.12.43'`. */
  readonly version: string;
  /** As uname(2) has it. */
  readonly release: string;
  /** As uname(2) has it. */
  readonly arch: string;
  /** IORING_FEAT_* that a ring reports. */
  readonly features: number;
  /** The highest SQE operation. */
  readonly lastOp: number;
  /** The highest opcode of io_uring_register(2). */
  readonly lastRegister: number;
  /** IORING_SETUP_* that are accepted. */
  readonly setupFlags: number;
}

const MEASURED = [
  ['5.10.223', '5.10.0-32-cloud-amd64', 0x7ff, 36, 19, 0x7f],
  ['5.10.262', '5.10.0-46-cloud-amd64', 0x7ff, 36, 19, 0x7f],
  ['6.1.192', '6.1.0-56-cloud-amd64', 0x1fff, 48, 25, 0x3fff],
  ['6.12.43', '6.12.43+deb12-cloud-amd64', 0xffff, 57, 30, 0x1ffff],
  ['6.12.117', '6.12.117+deb13-cloud-amd64', 0xffff, 57, 30, 0x1ffff],
  ['6.16.12', '6.16.12+deb13-cloud-amd64', 0x3ffff, 62, 34, 0x3ffff],
  ['6.17.13', '6.17.13+deb13-cloud-amd64', 0x3ffff, 62, 34, 0x3ffff],
  ['6.18.15', '6.18.15+deb13-cloud-amd64', 0x3ffff, 62, 35, 0x7ffff],
  ['6.18.44', '6.18.44-fc-v657', 0x3ffff, 62, 35, 0x7ffff],
  ['6.19.14', '6.19.14+deb13-cloud-amd64', 0x3ffff, 64, 36, 0xfffff],
  ['7.0.13', '7.0.13+deb13-cloud-amd64', 0x3ffff, 64, 37, 0x1fffff],
  ['7.1.13', '7.1.13+deb13-cloud-amd64', 0x3ffff, 64, 37, 0x1fffff],
  ['7.2.13', '7.2.13+deb14-cloud-amd64', 0x3ffff, 64, 37, 0x1fffff],
  ['7.3-rc7', '7.3-cloud-amd64', 0x3ffff, 64, 37, 0x1fffff],
  ['7.3.4', '7.3.4+deb13-cloud-amd64', 0x3ffff, 64, 37, 0x1fffff],
] as const;

/** The measured kernels, the oldest first. */
export const kernels: readonly MeasuredKernel[] = Object.freeze(
  MEASURED.map(([version, release, features, lastOp, lastRegister, setupFlags]) =>
    Object.freeze({ version, release, arch: 'x86_64', features, lastOp, lastRegister, setupFlags }),
  ),
);

function seriesOf(version: string): string | undefined {
  return /^\d+\.\d+/.exec(version)?.[0];
}

/** The measured kernel of a version, or the newest of a series: `'6.12.43'`, `'6.12'`. */
export function measuredKernel(version: string): MeasuredKernel | undefined {
  return kernels.findLast((each) => each.version === version || seriesOf(each.version) === version);
}

/**
 * Does a measured kernel have it?
 * @param name of a register opcode, SQE operation, setup flag or feature, without `IORING_`: `'OP_READ'`
 * @throws RangeError `ERR_INVALID_ARG_VALUE` for a name that is in no table
 */
export function kernelHas(kernel: MeasuredKernel, name: string): boolean {
  const isIt = (row: NamedValue): boolean => row.name === name;
  const opcode = registerOps.find(isIt);
  if (opcode !== undefined) return opcode.value <= kernel.lastRegister;
  const op = ops.find(isIt);
  if (op !== undefined) return op.value <= kernel.lastOp;
  const flag = setupFlags.find(isIt);
  if (flag !== undefined) return (kernel.setupFlags & flag.value) !== 0;
  const feature = features.find(isIt);
  if (feature !== undefined) return (kernel.features & feature.value) !== 0;
  throw wrongValue('name', "the C name of an opcode, flag or feature without IORING_, as 'OP_READ'", name);
}
