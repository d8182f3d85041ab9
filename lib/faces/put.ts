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

// Short functions with their errors elsewhere: V8 inlines no more than so many bytes of code into one.

/** The userData of an operation. @throws RangeError or TypeError */
export function userDataOf(given: object): number {
  const { userData }: { readonly userData?: number | undefined } = given;
  // most are: V8 needs no call for them
  return typeof userData === 'number' && userData >>> 0 === userData ? userData : otherUserData(userData);
}

function otherUserData(userData: number | undefined): number {
  return userData === undefined ? 0 : integer('options.userData', userData, 0, Number.MAX_SAFE_INTEGER);
}

/**
 * Checks the names of all options. Returns IOSQE_* bits, and above them the personality.
 * @param operation whose options they are
 */
export function bitsOf(core: RingCore, operation: Known, given: object): number {
  if (typeof given !== 'object' || given === null) noObject(given);
  for (const key in given) if (key !== 'userData') return otherBits(core, operation, given);
  return 0;
}

function noObject(given: unknown): never {
  throw wrongType('options', 'an object', given);
}

function otherBits(core: RingCore, { known }: Known, given: object): number {
  let isCommon = false;
  for (const key in given) {
    if (key === 'userData' || includes(known, key)) continue;
    if (!includes(COMMON, key)) throw unknown(known, key);
    isCommon = true;
  }
  return isCommon ? readBits(core, given) : 0;
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
    (personality === undefined ? 0 : Personality.use(personality, core) << 8)
  );
}

/** The entry is filled: adds the common options and counts it. An entry that is not counted is simply overwritten. */
export function commit(
  core: RingCore,
  operation: Holds,
  userData: number,
  bits: number,
  held: unknown,
): void {
  if (bits === 0) core.commit(userData, held);
  else commitWith(core, operation, userData, bits, held);
}

function commitWith(core: RingCore, { holds }: Holds, userData: number, bits: number, held: unknown): void {
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
