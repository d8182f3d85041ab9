/**
 * What a test needs of the kernel, as options for `test()`. EINVAL is never taken for "not supported": a test is skipped
 * only where the kernel is older than the declared version *and* the opcode's own probe says no. An older kernel that
 * has it (a backport) runs the test; a newer one that says no fails it.
 */
import assert from 'node:assert/strict';
import { release } from 'node:os';
import { isMissing } from '../../lib/operations/trial.ts';
import { type OpName, probe, type SetupFlagName } from '../../lib/register/support.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { features, isCommand, type OpFlag, type OpFlagName, opFlags } from '../../structs/ops.ts';
import { type RegisterOpName, registerOps } from '../../structs/register-ops.ts';
import { Params } from '../../structs/setup.ts';

const EINVAL = 22;
const EOPNOTSUPP = 95;
/** An fd that nobody has. */
const NO_FD = 0x7fff_fff0;
/** An opcode that no kernel has. */
const NO_OPCODE = 0x7fff_ff00;

/** Options for `test()`. */
export interface Needs {
  readonly skip?: string;
}

function isOlder(than: string): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number.parseFloat);
  const [wantedMajor = 0, wantedMinor = 0] = than.split('.').map(Number);
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor);
}

function ask(opcode: number): number {
  return -sys.register(NO_FD, opcode, 0, 0);
}

/** Does the kernel know the opcode's number? It looks at that before the fd. */
export function knows(name: RegisterOpName): boolean {
  if (ask(NO_OPCODE) !== EINVAL)
    throw new Error('this kernel looks at the fd first: its opcodes can not be asked for');
  return ask(registerOps.findIndex((row) => row.name === name)) !== EINVAL;
}

/**
 * Skips the test where the kernel lacks an opcode and is old enough to. A flag or field that came with an opcode is asked
 * for by that opcode's name.
 */
export function needs(...names: readonly RegisterOpName[]): Needs {
  for (const name of names) {
    const since = registerOps.find((row) => row.name === name)?.since ?? '0';
    if (knows(name)) continue;
    if (!isOlder(since))
      throw new Error(`Linux ${release()} refuses ${name}, which is in Linux since ${since}`);
    return { skip: `needs Linux ${since}, this is ${release()}` };
  }
  return {};
}

/** Skips the test where the kernel lacks an operation of an SQE, and is old enough to. */
export function needsOp(...names: readonly OpName[]): Needs {
  for (const name of names) {
    const { supported, since } = probe().ops[name];
    if (supported === true) continue;
    if (!isOlder(since))
      throw new Error(`Linux ${release()} refuses ${name}, which is in Linux since ${since}`);
    return { skip: `needs Linux ${since}, this is ${release()}` };
  }
  return {};
}

/** Skips the test where a ring does not report a feature, and the kernel is old enough to lack it. */
export function needsFeature(name: (typeof features)[number]['name']): Needs {
  const row = features.find((each) => each.name === name);
  assert.ok(row, name);
  const params = Params.encode({});
  const fd = sys.setup(1, params);
  assert.ok(fd >= 0, `io_uring_setup: ${fd}`);
  sys.close(fd);
  if ((Params.decode(params).features & row.value) !== 0) return {};
  if (!isOlder(row.since))
    throw new Error(`Linux ${release()} has no ${name}, which is in Linux since ${row.since}`);
  return { skip: `needs Linux ${row.since}, this is ${release()}` };
}

/**
 * Skips the test where the kernel is older than `since`, and says itself that it lacks what no opcode of its own tells of.
 * @param lacks asks the kernel
 */
export function needsKernel(since: string, lacks: () => boolean): Needs {
  if (!lacks()) return {};
  if (!isOlder(since)) throw new Error(`Linux ${release()} refuses what is in Linux since ${since}`);
  return { skip: `needs Linux ${since}, this is ${release()}` };
}

/** Skips the test where the kernel lacks a flag or command of an operation, or the operation itself, and is old enough to. */
export function needsFlag(name: OpFlagName): Needs {
  const flag: OpFlag | undefined = opFlags.find((each) => each.name === name);
  assert.ok(flag, name);
  const lacks = () => isMissing(flag, isCommand(flag) ? EOPNOTSUPP : EINVAL);
  return { ...needsKernel(flag.since, lacks), ...needsOp(flag.op) };
}

/** Opening into the file table: it came with OP_SOCKET, as far as the kernel chooses the slot. */
export const opensIntoSlots: Needs = needsOp('OP_SOCKET');

/** Skips the test where the kernel lacks a setup flag, and is old enough to. */
export function needsSetup(name: SetupFlagName): Needs {
  const { supported, since } = probe().setup[name];
  return needsKernel(since, () => supported !== true);
}

/**
 * For tests that unregister what an operation in flight uses. Before 6.13 the kernel waits for the operation, in the very
 * thread that would have to end it, and it posts no tags.
 */
export const promptUnregister: Needs = needsKernel('6.13', () => !knows('REGISTER_RESIZE_RINGS'));
