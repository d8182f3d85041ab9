/** Giving the queues other sizes. */
import { boolean, integer, U32_MAX } from '../../../structs/check.ts';
import { constants } from '../../../structs/flags.ts';
import { Cqe } from '../../../structs/sqe.ts';
import { record } from '../../register/arguments.ts';
import { fdOf } from '../../register/call.ts';
import { registerError } from '../../register/explain.ts';
import { registerResizeRings } from '../../register/instance.ts';
import type { RingCore } from './core.ts';
import { mapQueueMemory, type QueueMemory, type RingParams } from './queues.ts';

const EINVAL = 22;

/** New sizes, each rounded up to a power of two. */
export interface ResizeOptions {
  /** Submission queue entries, 1..32768. */
  readonly sqEntries: number;
  /** Completion queue entries, up to 65536; twice `sqEntries` when absent. */
  readonly cqEntries?: number | undefined;
  /** Sizes above the kernel's limits are lowered to them instead of refused. */
  readonly clamp?: boolean | undefined;
}

/** Throws where the new queues can't be mapped: the old ones lie in memory of this process, or there is no fd. */
function checkMappable(core: RingCore): void {
  if (!core.has(constants.IORING_SETUP_NO_MMAP) && core.fd >= 0) return;
  throw registerError(
    { opcode: constants.IORING_REGISTER_RESIZE_RINGS, errno: EINVAL, fd: fdOf(core.handle), nrArgs: 1 },
    'the queues of a ring made with noMmap, or without an fd, keep their size',
  );
}

/** Where the SQ array lies when the kernel doesn't say: behind the completions, on the next 64 bytes. */
function arrayOffset(cqes: number, cqEntries: number, flags: number): number {
  if ((flags & constants.IORING_SETUP_NO_SQARRAY) !== 0) return 0;
  const end = cqes + cqEntries * Cqe.size;
  return Math.ceil(((flags & constants.IORING_SETUP_CQE32) === 0 ? end : end * 2) / 64) * 64;
}

/** Fills in what the kernel leaves out of io_uring_params after a resize: features, flags, and the SQ array's offset. */
function complete(given: RingParams, { flags, features }: RingCore): RingParams {
  const { sqOff, cqOff, cqEntries } = given;
  const array = sqOff.array === 0 ? arrayOffset(cqOff.cqes, cqEntries, flags) : sqOff.array;
  return { ...given, flags, features, sqOff: { ...sqOff, array } };
}

/** The kernel uses the new queues already: a ring that can't map them is closed. */
function mapOrClose(core: RingCore, params: RingParams, close: () => void): QueueMemory {
  try {
    return mapQueueMemory(core.fd, params);
  } catch (error) {
    core.loseQueues();
    close();
    throw error;
  }
}

/**
 * Resizes the queues. Prepared entries are published first; completions that were not reaped stay.
 * @param close closes the ring, for whoever waits for something of it
 */
export function resizeQueues(core: RingCore, options: ResizeOptions, close: () => void): void {
  record('options', options, ['sqEntries', 'cqEntries', 'clamp']);
  const { sqEntries, cqEntries, clamp = false } = options;
  integer('options.sqEntries', sqEntries, 1, U32_MAX);
  if (cqEntries !== undefined) integer('options.cqEntries', cqEntries, 1, U32_MAX);
  boolean('options.clamp', clamp);
  // a getter of the options may have closed it
  core.check();
  checkMappable(core);
  const { queues } = core;
  queues.publish();
  // completions that were taken must not appear again in the new queue
  queues.release();
  const params = complete(registerResizeRings(core.handle, { sqEntries, cqEntries, clamp }), core);
  const former = queues.move(mapOrClose(core, params, close), params);
  former?.sqes.unmap();
  former?.ring.unmap();
}
