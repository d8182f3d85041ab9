/** Bugs of kernels before 7.0: a test that would run into one is skipped where the bug is seen, and only before its fix. */
import { writeSync } from 'node:fs';
import { nopWith, pollAdd, pollUpdate } from '../../lib/ops/preparers.ts';
import {
  alloc,
  enter,
  registerBuffers,
  registerCloneBuffers,
  registerFiles,
  registerResizeRings,
} from '../../lib/raw.ts';
import { constants } from '../../structs/flags.ts';
import { OpRing } from '../ops/op-ring.ts';
import { type Needs, needsKernel } from './needs.ts';
import { answer, table } from './raw-ring.ts';
import { Scope } from './rings.ts';

const {
  IORING_ENTER_GETEVENTS,
  IORING_POLL_UPDATE_EVENTS,
  IORING_SETUP_DEFER_TASKRUN,
  IORING_SETUP_R_DISABLED,
  IORING_SETUP_SINGLE_ISSUER,
} = constants;
// of linux/io_uring.h, and in no list of ours
const NOP_FILE = 2;
const NOP_FIXED_FILE = 4;
const POLLIN = 1;
const NO_FD = 0x7fff_fff0;

/**
 * Skips the test where the kernel has what it needs, but not the fix.
 * @param since the first kernel with the fix
 */
function fixed(since: string, needs: Needs, isBroken: (scope: Scope) => boolean): Needs {
  if (needs.skip !== undefined) return needs;
  return needsKernel(since, () => {
    const scope = new Scope();
    try {
      return isBroken(scope);
    } finally {
      scope.close();
    }
  });
}

/** Cloning buffers into a table loses the slots of that table which are not replaced. */
export function clonesIntoTables(needs: Needs): Needs {
  return fixed('6.18', needs, (scope) => {
    const { fd } = new OpRing(scope);
    registerBuffers(fd, [alloc(64), alloc(64)]);
    registerCloneBuffers(fd, { srcFd: fd, srcOff: 0, dstOff: 0, nr: 1, replace: true });
    return [undefined, '<none>'].includes(table(fd, 'UserBufs').get(1));
  });
}

/** A ring that is still disabled can't be resized. */
export function resizesDisabledRings(needs: Needs): Needs {
  return fixed('6.18', needs, (scope) => {
    const flags = IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    const { fd } = new OpRing(scope, flags);
    return answer(() => registerResizeRings(fd, { sqEntries: 16 })) === 'EEXIST';
  });
}

/** A NOP that is to look up a file succeeds without one. */
export function nopsLookUpFiles(needs: Needs): Needs {
  return fixed('7.0', needs, (scope) => {
    const ring = new OpRing(scope);
    registerFiles(ring.fd, [-1]);
    const results = [
      ring.result((sqe) => nopWith(sqe, NOP_FILE, NO_FD, 0, 0)),
      ring.result((sqe) => nopWith(sqe, NOP_FILE | NOP_FIXED_FILE, 0, 0, 0)),
    ];
    return results.includes(0);
  });
}

/** A poll that is changed to what is there already never completes. */
export function changesPolls(needs: Needs): Needs {
  return fixed('6.18', needs, (scope) => {
    const ring = new OpRing(scope);
    const { reader, writer } = scope.pipe();
    ring.start((sqe) => pollAdd(sqe, reader, 0, 0), 1);
    writeSync(writer, 'x');
    ring.start((sqe) => pollUpdate(sqe, 1, 0, 0, 0, POLLIN, IORING_POLL_UPDATE_EVENTS), 2);
    ring.next();
    for (let tries = 0; tries < 1000 && ring.queues.ready === 0; tries++) {
      enter(ring.fd, { flags: IORING_ENTER_GETEVENTS });
    }
    return ring.queues.ready === 0;
  });
}
