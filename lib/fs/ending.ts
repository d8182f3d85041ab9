/** What whole files that are read and that are written have in common: how they end. */
import type { Outcome } from '../async/flight.ts';
import { AsyncRing } from '../faces/async-ring.ts';
import { hasFailed } from './backend.ts';
import { asNode } from './errors.ts';
import { nodeFs, nodePromises } from './node.ts';

/** The most that one operation moves: the thread copies meanwhile. */
export const STEP = 524_288;
export const BY_WORKER = { async: true } as const;

/** Node's own AbortError where the signal has aborted. */
export async function checkAborted(signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) await nodePromises.readFile('', { signal });
}

const ECANCELED = 125;
/** How long the kernel may take to give a ring back. */
const GIVEN_BACK_MS = 1000;

export function none(): void {}

/** How an fd is closed by a ring that may be closed itself meanwhile. */
export class Closing {
  /** Has the kernel closed it? An error of close(2) is one of a file that is closed all the same. */
  isDone = false;
  readonly outcome: Outcome<void> = {
    convert: none,
    waste: (res) => {
      this.isDone = res !== -ECANCELED;
    },
  };

  /** The ring is dead: closes the fd unless the kernel has. Better a file that stays open than one of somebody else's closed. */
  async finish(ring: AsyncRing, fd: number): Promise<void> {
    const isGivenBack = await ring.closed({ timeoutMs: GIVEN_BACK_MS });
    if (isGivenBack && !this.isDone) nodeFs.close(fd, none);
  }
}

/**
 * Closes an fd through the ring. @throws as Node's own close
 * @param isWritten a worker does it: the file system may have to write first, as ext4 where a file was emptied before
 */
export async function closeOn(ring: AsyncRing, fd: number, isWritten = false): Promise<void> {
  const closing = new Closing();
  try {
    await AsyncRing.closeBy(ring, closing.outcome, fd, isWritten ? BY_WORKER : undefined);
  } catch (error) {
    if (!hasFailed(ring)) throw asNode(error, { syscall: 'close' });
    await closing.finish(ring, fd);
  }
}

/** Which operation of a whole file failed. */
export interface Failure {
  readonly step: 'open' | 'read' | 'write' | 'fsync' | 'close';
  /** To be closed, unless it is -1. */
  readonly fd: number;
  readonly path: string | undefined;
}

/** Closes the file of an operation that failed, unless that was its close. */
export async function closeAfter(ring: AsyncRing, { step, fd }: Failure, isWritten: boolean): Promise<void> {
  if (fd >= 0 && step !== 'close') await closeOn(ring, fd, isWritten);
}

/** The error as Node's own. */
export function nodeError(error: unknown, { step, path }: Failure): unknown {
  return asNode(error, { syscall: step, path: step === 'open' ? path : undefined });
}
