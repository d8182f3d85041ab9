/** Operations that wait, with checked arguments. */
import { integer, U32_MAX, wrongValue } from '../../../structs/check.ts';
import { constants } from '../../../structs/flags.ts';
import { KernelTimespec } from '../../../structs/posix.ts';
import * as wait from '../../ops/wait.ts';
import { addressOf } from '../../sys/memory.ts';
import { define, type File, useFile } from './kit.ts';

/** Options of `timeout`. */
export interface TimeoutOptions {
  /** Ends early after so many completions. */
  readonly count?: number;
  /** IORING_TIMEOUT_* */
  readonly flags?: number;
}

/** Options of `pollAdd`. */
export interface PollOptions {
  /** Goes on after the first event (5.13). */
  readonly multishot?: boolean;
}

export const pollAdd = define<[file: File, events: number], PollOptions>(
  'OP_POLL_ADD',
  ['multishot'],
  (core, options, file, events) => {
    const flags = options.multishot ? constants.IORING_POLL_ADD_MULTI : 0;
    integer('events', events, 0, U32_MAX);
    const [fd, bit] = useFile(core, 'file', file);
    wait.pollAdd(core.entry(), fd, events, flags).flags = bit;
  },
);

export const timeout = define<[ms: number], TimeoutOptions>(
  'OP_TIMEOUT',
  ['count', 'flags'],
  (core, options, ms) => {
    if (typeof ms !== 'number' || !(ms >= 0 && ms <= Number.MAX_SAFE_INTEGER / 1e6)) {
      throw wrongValue('ms', 'a number of milliseconds, 0 or more', ms);
    }
    const ns = Math.round(ms * 1e6);
    const time = KernelTimespec.encode({ tvSec: Math.floor(ns / 1e9), tvNsec: ns % 1e9 });
    const count = integer('options.count', options.count ?? 0, 0, U32_MAX);
    const flags = integer('options.flags', options.flags ?? 0, 0, U32_MAX);
    wait.timeout(core.entry(), addressOf('time', time), count, flags);
    return time;
  },
);
