/** What processes do that a guest's tests start: as another user, with limits, or shut in for ever. */
import { SyscallError } from '../../lib/errors.ts';
import { type BpfFilterOptions, Ring } from '../../lib/index.ts';
import { alloc, registerRestrictions } from '../../lib/raw.ts';

/** The code of the error, or `'well'`. */
function outcome(action: () => unknown): string {
  try {
    action();
    return 'well';
  } catch (error) {
    if (error instanceof SyscallError)
      return `${error.code}${error.hint === undefined ? '' : ' with a hint'}`;
    return String(error);
  }
}

function nop(ring: Ring): number {
  ring.prepare.nop();
  return resultOf(ring);
}

function resultOf(ring: Ring): number {
  ring.submit({ wait: 1 });
  const [completion] = [...ring.completions()];
  return completion?.res ?? Number.NaN;
}

/** Makes a ring and uses it. */
export function makeRing(): string {
  return outcome(() => {
    using ring = new Ring(8);
    if (nop(ring) !== 0) throw new Error('the NOP failed');
  });
}

/** Registers so many KiB. */
export function pin(sizes: readonly number[]): string[] {
  using ring = new Ring(8);
  return sizes.map((kib) => outcome(() => ring.registerBuffers([alloc(kib * 1024)]).unregister()));
}

/** What of the task forms an ordinary user without no_new_privs may do. */
export function unprivilegedTask(): string[] {
  return [
    outcome(() => registerRestrictions(-1, [{ opcode: 'RESTRICTION_SQE_OP', sqeOp: 'OP_NOP' }])),
    outcome(() => Ring.registerBpfFilter({ op: 'OP_NOP', filter: 'deny' })),
  ];
}

/** Shuts this thread in, by rules; what its rings may do then. */
export function restrictTask(): Record<string, unknown> {
  using old = new Ring(8);
  const rules = [
    { opcode: 'RESTRICTION_SQE_OP', sqeOp: 'OP_NOP' },
    { opcode: 'RESTRICTION_REGISTER_OP', registerOp: 'REGISTER_PROBE' },
  ] as const;
  registerRestrictions(-1, rules);
  using ring = new Ring(8);
  ring.prepare.timeout({ afterMs: 0 });
  const timeout = resultOf(ring);
  old.prepare.timeout({ afterMs: 0 });
  return {
    nop: nop(ring),
    timeout,
    probe: outcome(() => ring.probe()),
    files: outcome(() => ring.registerFiles([0])),
    old: resultOf(old),
    again: outcome(() => registerRestrictions(-1, rules)),
  };
}

/** Filters this thread's rings; what they may do then. */
export function filterTask(options: BpfFilterOptions): Record<string, unknown> {
  using old = new Ring(8);
  Ring.registerBpfFilter(options);
  using ring = new Ring(8);
  ring.prepare.timeout({ afterMs: 0 });
  const timeout = resultOf(ring);
  return { nop: nop(ring), timeout, old: nop(old) };
}
