/** Operations on rings, and on other operations, with checked arguments. */
import { descriptor, integer } from '../../../structs/check.ts';
import * as control from '../../ops/control.ts';
import type { RingBase } from '../base.ts';
import { define, type NoOptions } from './kit.ts';

/** Options of `msgRing`. */
export interface MessageOptions {
  /** The userData that the other ring's completion has. */
  readonly messageData?: number;
  /** The res that it has. */
  readonly res?: number;
}

export const nop = define<[], NoOptions>('OP_NOP', [], (core) => {
  control.nop(core.entry());
});

export const asyncCancel = define<[userData: number], NoOptions>(
  'OP_ASYNC_CANCEL',
  [],
  (core, _options, userData) => {
    integer('userData', userData, 0, Number.MAX_SAFE_INTEGER);
    // no operation of ours has all ones: the kernel then says ENOENT
    const target = core.kernelUserData(userData)[0] ?? 0xffff_ffff_ffff_ffffn;
    control.asyncCancel(core.entry(), Number(target & 0xffff_ffffn), Number(target >> 32n), 0);
  },
);

export const msgRing = define<[target: RingBase | number], MessageOptions>(
  'OP_MSG_RING',
  ['messageData', 'res'],
  (core, options, target) => {
    const data = integer('options.messageData', options.messageData ?? 0, 0, Number.MAX_SAFE_INTEGER);
    const res = integer('options.res', options.res ?? 0, -0x8000_0000, 0x7fff_ffff);
    const fd = descriptor('target', typeof target === 'number' ? target : target.fd);
    control.msgRing(core.entry(), fd, res, data);
  },
);
