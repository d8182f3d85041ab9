/** Messages: completions that this process posts on a ring. */
import { descriptor, integer, U32_MAX, unsigned64, wrongType, wrongValue } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { record } from '../register/arguments.ts';
import { registerSendMsgRing } from '../register/notify.ts';
import { type AnyRing, coreOf } from './core/rings.ts';

/** Bit 63 marks the completions of uring's own operations. */
const FIRST_OF_OURS = 2n ** 63n;
/** Flags that say how the target's queue is laid out; a 7.2 kernel refuses the first itself. */
const LAYOUT = constants.IORING_CQE_F_32 | constants.IORING_CQE_F_SKIP;

/** A completion to post on a ring. */
export interface Message {
  /** Its user_data: an integer from 0 to 2^53-1, or a bigint below 2^63. */
  readonly userData: number | bigint;
  /** Its result, signed; 0 when absent. */
  readonly res?: number | undefined;
  /** Its flags, but IORING_CQE_F_32 and IORING_CQE_F_SKIP; 0 when absent (IORING_MSG_RING_FLAGS_PASS). */
  readonly flags?: number | undefined;
}

/** The fd of the ring that a message goes to. */
export function fdOfTarget(target: AnyRing | number): number {
  if (typeof target === 'number') return descriptor('target', target);
  if (typeof target !== 'object' || target === null)
    throw wrongType('target', 'a ring, or the fd of one', target);
  const core = coreOf(target);
  core?.check();
  const { fd } = core ?? target;
  if (fd === -1) throw wrongValue('target', 'a ring that has an fd', fd);
  return descriptor('target.fd', fd);
}

/** Posts a completion on a ring of any process; a deferTaskrun ring sees it when it is entered. */
export function sendMessage(target: AnyRing | number, message: Message): void {
  record('message', message, ['userData', 'res', 'flags']);
  const { userData, res = 0, flags } = message;
  unsigned64('message.userData', userData);
  if (userData >= FIRST_OF_OURS) {
    throw wrongValue('message.userData', 'below 2^63: bit 63 marks operations of uring', userData);
  }
  integer('message.res', res, -0x8000_0000, 0x7fff_ffff);
  if (flags !== undefined && (integer('message.flags', flags, 0, U32_MAX) & LAYOUT) !== 0) {
    throw wrongValue('message.flags', 'without IORING_CQE_F_32 and IORING_CQE_F_SKIP', flags);
  }
  registerSendMsgRing(-1, { targetFd: fdOfTarget(target), userData, res, flags });
}
