/** What whole files that are read and that are written have in common: how they end. */
import type { AsyncRing } from '../faces/async-ring.ts';
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

/**
 * Closes an fd through the ring. @throws as Node's own close
 * @param isWritten a worker does it: the file system may have to write first, as ext4 where a file was emptied before
 */
export async function closeOn(ring: AsyncRing, fd: number, isWritten = false): Promise<void> {
  try {
    await (isWritten ? ring.closeFd(fd, BY_WORKER) : ring.closeFd(fd));
  } catch (error) {
    if (!hasFailed(ring)) throw asNode(error, { syscall: 'close' });
    // it was not closed by a ring that is dead
    nodeFs.close(fd);
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
  if (fd >= 0 && (step !== 'close' || hasFailed(ring))) await closeOn(ring, fd, isWritten);
}

/** The error as Node's own. */
export function nodeError(error: unknown, { step, path }: Failure): unknown {
  return asNode(error, { syscall: step, path: step === 'open' ? path : undefined });
}
