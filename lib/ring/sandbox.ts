/** Restrictions of a ring: turns names of operations, flags and opcodes into the kernel's list of rules. */
import { boolean, options as checkOptions, copyList, oneOf, wrongType } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { type RegisterOpName, registerOps } from '../../structs/register-ops.ts';
import { type RestrictionRule, registerEnableRings, registerRestrictions } from '../register/limits.ts';
import { OP_NAMES, type OpName, probe } from '../register/support.ts';
import type { RingCore, SandboxRules } from './core/core.ts';

const FLAG_NAMES = [
  'FIXED_FILE',
  'IO_DRAIN',
  'IO_LINK',
  'IO_HARDLINK',
  'ASYNC',
  'BUFFER_SELECT',
  'CQE_SKIP_SUCCESS',
] as const;

/** `'FIXED_FILE'`, `'IO_LINK'`, ...: the C name without `IOSQE_`. */
export type SqeFlagName = (typeof FLAG_NAMES)[number];

/** More names than there are opcodes. */
const MAX_NAMES = 1024;
const REGISTER_NAMES: readonly RegisterOpName[] = registerOps.map(({ name }) => name);

/** What a sandboxed ring may do. What is not listed is refused with EACCES; an empty sandbox refuses all. */
export interface Sandbox {
  /** Operations: `'OP_READ'`, ... */
  readonly ops?: readonly OpName[] | undefined;
  /** Flags that every operation must have: with `'FIXED_FILE'` it can touch no other files than the registered ones. */
  readonly requireFlags?: readonly SqeFlagName[] | undefined;
  /** Flags that operations may have, beside those that they must. */
  readonly allowFlags?: readonly SqeFlagName[] | undefined;
  /** Register opcodes: `'REGISTER_FILES_UPDATE'`, ... */
  readonly register?: readonly RegisterOpName[] | undefined;
  /**
   * Refuses also to cancel and to unregister, which are allowed otherwise. Then `unregister()` fails, and `close()`
   * can't cancel: what is in flight is left to the kernel, and its memory is kept until the process ends.
   */
  readonly sealed?: boolean | undefined;
}

/** Opcodes that cancel and unregister: a sandbox that is not sealed allows them, so that the ring can be cleaned up. */
const CLEANUP_OPS: readonly RegisterOpName[] = [
  'REGISTER_SYNC_CANCEL',
  'UNREGISTER_BUFFERS',
  'UNREGISTER_FILES',
  'UNREGISTER_EVENTFD',
  'UNREGISTER_RING_FDS',
  'UNREGISTER_PBUF_RING',
  'UNREGISTER_PERSONALITY',
  'UNREGISTER_NAPI',
  'UNREGISTER_IOWQ_AFF',
];

function names<T extends string>(
  name: string,
  values: readonly T[] | undefined,
  allowed: readonly T[],
): ReadonlySet<T> {
  const found = copyList(name, values ?? [], 0, MAX_NAMES).map((value, i) =>
    oneOf(`${name}[${i}]`, value, allowed),
  );
  return new Set(found);
}

function bits(flags: ReadonlySet<SqeFlagName>): number {
  return [...flags].reduce((all, flag) => all | constants[`IOSQE_${flag}`], 0);
}

/** What a sandbox allows of operations, and all of it as the kernel's rules. */
interface CheckedSandbox {
  readonly allowed: SandboxRules;
  /** Each once: the kernel takes no more than it has opcodes. */
  readonly rules: readonly RestrictionRule[];
}

function read(sandbox: Sandbox): CheckedSandbox {
  if (sandbox === undefined) throw wrongType('sandbox', 'an object', sandbox);
  checkOptions('sandbox', sandbox, ['ops', 'requireFlags', 'allowFlags', 'register', 'sealed']);
  const ops = names('sandbox.ops', sandbox.ops, OP_NAMES);
  const requiredFlags = bits(names('sandbox.requireFlags', sandbox.requireFlags, FLAG_NAMES));
  const allowedFlags = bits(names('sandbox.allowFlags', sandbox.allowFlags, FLAG_NAMES));
  const register = names('sandbox.register', sandbox.register, REGISTER_NAMES);
  const isSealed = boolean('sandbox.sealed', sandbox.sealed ?? false);
  const support = probe();
  support.require(...ops, ...register);
  // one opcode that the kernel lacks would make it refuse all rules
  const extra = isSealed ? [] : CLEANUP_OPS.filter((name) => support.supports(name) === true);
  const allowedOps = new Set(isSealed ? ops : [...ops, 'OP_ASYNC_CANCEL' as const]);
  const opcodes = new Set([...register, ...extra]);
  // a kernel that keeps restrictions of operations and of opcodes apart (7.0 and later) restricts only what a rule names:
  // so there is one of each kind. Enabling is over by then, and allowing no flag allows nothing.
  if (opcodes.size === 0) opcodes.add('REGISTER_ENABLE_RINGS');
  const rules: RestrictionRule[] = [
    ...[...allowedOps].map((sqeOp) => ({ opcode: 'RESTRICTION_SQE_OP' as const, sqeOp })),
    ...[...opcodes].map((registerOp) => ({ opcode: 'RESTRICTION_REGISTER_OP' as const, registerOp })),
    { opcode: 'RESTRICTION_SQE_FLAGS_ALLOWED', sqeFlags: allowedFlags },
  ];
  if (requiredFlags !== 0) rules.push({ opcode: 'RESTRICTION_SQE_FLAGS_REQUIRED', sqeFlags: requiredFlags });
  return { allowed: { ops: allowedOps, requiredFlags, allowedFlags }, rules };
}

/**
 * Restricts a disabled ring, once, from `enableRing` on (REGISTER_RESTRICTIONS).
 * @throws RegisterError EBADFD (the ring is enabled), EBUSY (it is restricted)
 * @throws UnsupportedError for an operation or opcode that this kernel lacks
 */
export function registerSandbox(core: RingCore, sandbox: Sandbox): void {
  const { allowed, rules } = read(sandbox);
  registerRestrictions(core.handle, rules);
  core.sandbox = allowed;
  core.hasRequiredFlags = allowed.requiredFlags !== 0;
}

/**
 * Enables a disabled ring (REGISTER_ENABLE_RINGS).
 * @throws RegisterError EBADFD (it is enabled), or EACCES instead where it is sandboxed
 */
export function enableRing(core: RingCore): void {
  registerEnableRings(core.handle);
  core.isEnabled = true;
}
