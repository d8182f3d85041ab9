/** From options to a ring: set up, the queues mapped, nothing leaked on failure. */
import { integer, U32_MAX } from '../../../structs/check.ts';
import { constants } from '../../../structs/flags.ts';
import { UnsupportedError } from '../../errors.ts';
import { kernelRelease } from '../../sys/host.ts';
import { mapAnonymous } from '../../sys/memory.ts';
import { tracedClose } from '../../sys/trace.ts';
import { prepareMemory } from '../../sys/worker-memory.ts';
import { RingCore } from './core.ts';
import { planSetup, type RingOptions, type SetupPlan, setupBest } from './plan.ts';
import { mapQueueMemory, type QueueMemory, Queues, type RingParams } from './queues.ts';
import { reapClosed } from './reaper.ts';
import type { SetupResult } from './setup.ts';

const { IORING_SETUP_NO_MMAP, IORING_SETUP_REGISTERED_FD_ONLY } = constants;

/** The largest memory that the queues can need, in our own pages (SETUP_NO_MMAP). */
function ownMemory(entries: number, options: RingOptions): QueueMemory {
  const sq = 2 ** Math.ceil(Math.log2(Math.min(entries, 32768)));
  const cq = 2 ** Math.ceil(Math.log2(Math.min(Math.max(options.cqEntries ?? 0, 2 * sq), 65536)));
  const ring = mapAnonymous(64 + cq * 32 + sq * 4 + 4096);
  try {
    return { ring, sqes: mapAnonymous(sq * (options.sqe128 === true ? 128 : 64)) };
  } catch (error) {
    ring.unmap();
    throw error;
  }
}

function unmap(memory: QueueMemory): void {
  memory.ring.unmap();
  memory.sqes.unmap();
}

/** Makes a ring with its queues mapped. */
export function createRing(entries: number, options: RingOptions): RingCore {
  integer('entries', entries, 1, U32_MAX);
  const plan = planSetup(options);
  reapClosed();
  prepareMemory();
  return (plan.required & IORING_SETUP_NO_MMAP) === 0
    ? createMapped(setupBest(entries, plan))
    : createInOwnMemory(entries, options, plan);
}

function createMapped({ fd, params }: SetupResult): RingCore {
  try {
    if ((params.features & constants.IORING_FEAT_SINGLE_MMAP) === 0) {
      throw new UnsupportedError('FEAT_SINGLE_MMAP', { since: '5.4', kernel: kernelRelease });
    }
    return new RingCore(fd, fd, new Queues(mapQueueMemory(fd, params), params), params);
  } catch (error) {
    tracedClose(fd);
    throw error;
  }
}

function createInOwnMemory(
  entries: number,
  options: RingOptions,
  { required, optional, params }: SetupPlan,
): RingCore {
  const memory = ownMemory(entries, options);
  try {
    const addresses = { sqOff: { userAddr: memory.sqes.address }, cqOff: { userAddr: memory.ring.address } };
    const made = setupBest(entries, { required, optional, params: { ...params, ...addresses } });
    return ownRing(made.fd, made.params, memory);
  } catch (error) {
    unmap(memory);
    throw error;
  }
}

function ownRing(fd: number, params: RingParams, memory: QueueMemory): RingCore {
  const queues = new Queues(memory, params);
  if ((params.flags & IORING_SETUP_REGISTERED_FD_ONLY) === 0) return new RingCore(fd, fd, queues, params);
  return new RingCore(-1, { registeredIndex: fd }, queues, params);
}
