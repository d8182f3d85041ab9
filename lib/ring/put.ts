/** How ring.prepare makes an entry of an operation and its arguments. */
import { integer, wrongType, wrongValue } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import type { RingCore } from './core.ts';
import type { Operation, OperationOptions } from './operations/index.ts';
import { Personality } from './personality.ts';

const { IOSQE_ASYNC, IOSQE_CQE_SKIP_SUCCESS, IOSQE_IO_DRAIN, IOSQE_IO_HARDLINK, IOSQE_IO_LINK } = constants;

const COMMON: ReadonlySet<string> = new Set([
  'userData',
  'link',
  'hardlink',
  'drain',
  'async',
  'skipSuccess',
  'personality',
]);

// fixed arities, because rest parameters allocate on the hot path

export function put0<O extends object>(
  core: RingCore,
  operation: Operation<[], O>,
  given: (O & OperationOptions) | undefined,
): void {
  const options = check(core, operation, given);
  const bits = commonBits(core, given);
  const userData = userDataOf(given);
  finish(core, userData, bits, operation.encode(core, options));
}

export function put1<A, O extends object>(
  core: RingCore,
  operation: Operation<[A], O>,
  given: (O & OperationOptions) | undefined,
  a: A,
): void {
  const options = check(core, operation, given);
  const bits = commonBits(core, given);
  const userData = userDataOf(given);
  finish(core, userData, bits, operation.encode(core, options, a));
}

export function put2<A, B, O extends object>(
  core: RingCore,
  operation: Operation<[A, B], O>,
  given: (O & OperationOptions) | undefined,
  a: A,
  b: B,
): void {
  const options = check(core, operation, given);
  const bits = commonBits(core, given);
  const userData = userDataOf(given);
  finish(core, userData, bits, operation.encode(core, options, a, b));
}

export function put3<A, B, C, O extends object>(
  core: RingCore,
  operation: Operation<[A, B, C], O>,
  given: (O & OperationOptions) | undefined,
  a: A,
  b: B,
  c: C,
): void {
  const options = check(core, operation, given);
  const bits = commonBits(core, given);
  const userData = userDataOf(given);
  finish(core, userData, bits, operation.encode(core, options, a, b, c));
}

export function put4<A, B, C, D, O extends object>(
  core: RingCore,
  operation: Operation<[A, B, C, D], O>,
  given: (O & OperationOptions) | undefined,
  a: A,
  b: B,
  c: C,
  d: D,
): void {
  const options = check(core, operation, given);
  const bits = commonBits(core, given);
  const userData = userDataOf(given);
  finish(core, userData, bits, operation.encode(core, options, a, b, c, d));
}

function check<A extends readonly unknown[], O extends object>(
  core: RingCore,
  operation: Operation<A, O>,
  given: (O & OperationOptions) | undefined,
): O {
  core.check();
  if (given === undefined) return operation.defaults;
  if (typeof given !== 'object' || given === null) throw wrongType('options', 'an object', given);
  for (const key in given) {
    if (!COMMON.has(key) && !operation.known.has(key)) {
      throw wrongValue(`options.${key}`, `one of ${[...COMMON, ...operation.known].join(', ')}`, key);
    }
  }
  return given;
}

function userDataOf(options: OperationOptions | undefined): number {
  const userData = options?.userData;
  return userData === undefined ? 0 : integer('options.userData', userData, 0, Number.MAX_SAFE_INTEGER);
}

/** IOSQE_* bits, and above them the personality. */
function commonBits(core: RingCore, options: OperationOptions | undefined): number {
  if (options === undefined) return 0;
  const { link, hardlink, drain, async, skipSuccess, personality } = options;
  return (
    (link ? IOSQE_IO_LINK : 0) |
    (hardlink ? IOSQE_IO_HARDLINK : 0) |
    (drain ? IOSQE_IO_DRAIN : 0) |
    (async ? IOSQE_ASYNC : 0) |
    (skipSuccess ? IOSQE_CQE_SKIP_SUCCESS : 0) |
    (personality === undefined ? 0 : usePersonality(core, personality) << 8)
  );
}

function usePersonality(core: RingCore, personality: Personality): number {
  if (personality instanceof Personality) return personality.use(core);
  throw wrongType('options.personality', 'a Personality', personality);
}

/** The entry is filled: adds the common options and counts it. An entry that is not counted is simply overwritten. */
function finish(core: RingCore, userData: number, bits: number, held: unknown): void {
  const { sqe } = core.queues;
  if (bits !== 0) {
    sqe.flags |= bits & 0xff;
    sqe.personality = bits >>> 8;
  }
  if ((bits & IOSQE_CQE_SKIP_SUCCESS) === 0) {
    core.commit(userData, held);
    return;
  }
  if (held !== undefined) {
    throw wrongValue('options.skipSuccess', 'absent: only a completion says when the memory is free', true);
  }
  core.commitSkipped(userData);
}
