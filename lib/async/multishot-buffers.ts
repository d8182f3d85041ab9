/** Multishot operations whose data comes in buffers of a BufferRing. */
import { constants } from '../../structs/flags.ts';
import type { BufferPart, BufferRing } from '../ring/owners/buffer-ring.ts';
import { HIGH_WATER, type Stream } from './multishot.ts';

const { IORING_CQE_F_BUFFER, IORING_CQE_F_MORE } = constants;

/** Each completion is a part of a buffer of `pool`; the one of no bytes, after which the kernel stops, ends the stream. */
export function bufferStream(pool: BufferRing): Stream<BufferPart> {
  return {
    convert: (res, flags) => {
      const isEnd = res === 0 && (flags & IORING_CQE_F_MORE) === 0;
      if (!isEnd) return pool.take({ res, flags });
      if ((flags & IORING_CQE_F_BUFFER) !== 0) pool.take({ res, flags }).release();
      return undefined;
    },
    undo: (part) => part.release(),
    waste: (res, flags) => {
      if ((flags & IORING_CQE_F_BUFFER) !== 0) pool.take({ res, flags }).release();
    },
    // one slow consumer must not have all buffers of a pool that many share
    highWater: Math.max(2, Math.min(HIGH_WATER, Math.floor(pool.length / 64))),
    whenBuffer: (callback) => pool.whenFree(callback),
  };
}
