/** How ring.prepare makes an entry of an operation and its arguments. */
import { integer, wrongType, wrongValue } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import type { Operation } from '../operations/operation.ts';
import { includes } from '../operations/options.ts';
import { flag } from '../operations/read.ts';
import type { OperationOptions } from '../operations/types.ts';
import type { RingCore } from '../ring/core/core.ts';
import { Personality } from '../ring/owners/personality.ts';

const { IOSQE_ASYNC, IOSQE_CQE_SKIP_SUCCESS, IOSQE_IO_DRAIN, IOSQE_IO_HARDLINK, IOSQE_IO_LINK } = constants;

/** The options that every operation has, beside userData. */
const COMMON: readonly string[] = ['link', 'hardlink', 'drain', 'async', 'skipSuccess', 'personality'];

type Known = Pick<Operation<never, object>, 'known'>;
type Holds = Pick<Operation<never, object>, 'holds'>;

// Fixed arities, because rest parameters allocate on the hot path; and short functions with their errors elsewhere,
// because V8 inlines no more than so many bytes of code.

export function put0<O extends object>(
  core: RingCore,
  operation: Operation<[], O>,
  given: (O & OperationOptions) | undefined,
): void {
  core.begin();
  const options = given === undefined ? operation.defaults : given;
  const bits = commonBits(core, operation, options);
  const userData = userDataOf(options);
  finish(core, operation, userData, bits, operation.encode(core, options));
}

export function put1<A, O extends object>(
  core: RingCore,
  operation: Operation<[A], O>,
  given: (O & OperationOptions) | undefined,
  a: A,
): void {
  core.begin();
  const options = given === undefined ? operation.defaults : given;
  const bits = commonBits(core, operation, options);
  const userData = userDataOf(options);
  finish(core, operation, userData, bits, operation.encode(core, options, a));
}

export function put2<A, B, O extends object>(
  core: RingCore,
  operation: Operation<[A, B], O>,
  given: (O & OperationOptions) | undefined,
  a: A,
  b: B,
): void {
  core.begin();
  const options = given === undefined ? operation.defaults : given;
  const bits = commonBits(core, operation, options);
  const userData = userDataOf(options);
  finish(core, operation, userData, bits, operation.encode(core, options, a, b));
}

export function put3<A, B, C, O extends object>(
  core: RingCore,
  operation: Operation<[A, B, C], O>,
  given: (O & OperationOptions) | undefined,
  a: A,
  b: B,
  c: C,
): void {
  core.begin();
  const options = given === undefined ? operation.defaults : given;
  const bits = commonBits(core, operation, options);
  const userData = userDataOf(options);
  finish(core, operation, userData, bits, operation.encode(core, options, a, b, c));
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
  core.begin();
  const options = given === undefined ? operation.defaults : given;
  const bits = commonBits(core, operation, options);
  const userData = userDataOf(options);
  finish(core, operation, userData, bits, operation.encode(core, options, a, b, c, d));
}

function userDataOf({ userData }: OperationOptions): number {
  // most are: V8 needs no call for them
  return typeof userData === 'number' && userData >>> 0 === userData ? userData : otherUserData(userData);
}

function otherUserData(userData: number | undefined): number {
  return userData === undefined ? 0 : integer('options.userData', userData, 0, Number.MAX_SAFE_INTEGER);
}

/** Checks the names of all options. Returns IOSQE_* bits, and above them the personality. */
function commonBits(core: RingCore, { known }: Known, given: OperationOptions): number {
  if (typeof given !== 'object' || given === null) noObject(given);
  for (const key in given)
    if (key !== 'userData' && !includes(known, key)) return otherBits(core, known, given);
  return 0;
}

function noObject(given: unknown): never {
  throw wrongType('options', 'an object', given);
}

function otherBits(core: RingCore, known: readonly string[], given: OperationOptions): number {
  for (const key in given) {
    if (key !== 'userData' && !includes(known, key) && !includes(COMMON, key)) throw unknown(known, key);
  }
  return readBits(core, given);
}

function unknown(known: readonly string[], key: string): RangeError {
  return wrongValue(`options.${key}`, `one of ${['userData', ...COMMON, ...known].join(', ')}`, key);
}

function readBits(core: RingCore, options: OperationOptions): number {
  const { link, hardlink, drain, async, skipSuccess, personality } = options;
  return (
    (flag('options.link', link) ? IOSQE_IO_LINK : 0) |
    (flag('options.hardlink', hardlink) ? IOSQE_IO_HARDLINK : 0) |
    (flag('options.drain', drain) ? IOSQE_IO_DRAIN : 0) |
    (flag('options.async', async) ? IOSQE_ASYNC : 0) |
    (flag('options.skipSuccess', skipSuccess) ? IOSQE_CQE_SKIP_SUCCESS : 0) |
    (personality === undefined ? 0 : usePersonality(core, personality) << 8)
  );
}

function usePersonality(core: RingCore, personality: Personality): number {
  if (Personality.is(personality)) return Personality.use(personality, core);
  throw wrongType('options.personality', 'a Personality', personality);
}

/** The entry is filled: adds the common options and counts it. An entry that is not counted is simply overwritten. */
function finish(core: RingCore, operation: Holds, userData: number, bits: number, held: unknown): void {
  if (bits === 0) core.commit(userData, held);
  else finishWith(core, operation, userData, bits, held);
}

function finishWith(core: RingCore, { holds }: Holds, userData: number, bits: number, held: unknown): void {
  const { sqe } = core.queues;
  sqe.flags |= bits & 0xff;
  sqe.personality = bits >>> 8;
  if ((bits & IOSQE_CQE_SKIP_SUCCESS) === 0) {
    core.commit(userData, held);
    return;
  }
  if ((bits & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK)) !== 0) {
    throw wrongValue(
      'options.skipSuccess',
      'absent beside link: when this fails, the kernel tells nothing of what is linked behind it',
      true,
    );
  }
  if (held !== undefined && holds === 'until completed') {
    throw wrongValue('options.skipSuccess', 'absent: only a completion says when the memory is free', true);
  }
  core.commitSkipped(userData, held);
}
