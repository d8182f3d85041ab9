/**
 * Descriptors that Node.js closes when it terminates a worker, where no code of ours runs any more: they are put in the place
 * of files that node:fs opened, which Node.js keeps a list of for each worker.
 */
import { closeSync, openSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { constants } from '../../structs/flags.ts';
import { Params } from '../../structs/setup.ts';
import * as ffi from './ffi.ts';

const O_CLOEXEC = 0o2000000;
const EBADF = 9;
const isNode = !('bun' in process.versions || 'deno' in process.versions);
/** On the main thread the process ends, and closes everything. */
const isNeeded = isNode && !isMainThread;
const managed = new Set<number>();

/** The number of a file that node:fs opened; undefined where it may not, or where there are too many files. */
function placeholder(): number | undefined {
  try {
    return openSync('/', 'r');
  } catch {
    return undefined;
  }
}

/** Is the result of io_uring_setup(2) an fd? */
function makesFd(params: Uint8Array): boolean {
  const view = new DataView(params.buffer, params.byteOffset, params.byteLength);
  return (view.getUint32(Params.at.flags, true) & constants.IORING_SETUP_REGISTERED_FD_ONLY) === 0;
}

/**
 * io_uring_setup(2), with an fd that Node.js closes when it terminates this worker; minus the errno on failure. No
 * function of JavaScript is called between the calls: only there can the worker be terminated.
 */
export function setupManaged(number: number, entries: number, params: Uint8Array): number {
  const place = isNeeded && makesFd(params) ? placeholder() : undefined;
  const fd = ffi.setup(number, entries, params);
  if (place === undefined) return fd === -1 ? -(ffi.errno() || 5) : fd;
  if (fd >= 0) {
    ffi.dup3(fd, place, O_CLOEXEC);
    ffi.close(fd);
    managed.add(place);
    return place;
  }
  const errno = ffi.errno() || 5;
  closeSync(place);
  return -errno;
}

/**
 * Moves `fd`, which is close-on-exec, to a number that Node.js closes when it terminates this worker. Elsewhere it stays.
 * @returns its number from now on; a negative `fd` is returned as it is
 */
export function manage(fd: number): number {
  if (!isNeeded || fd < 0) return fd;
  const place = placeholder();
  if (place === undefined) return fd;
  ffi.dup3(fd, place, O_CLOEXEC);
  ffi.close(fd);
  managed.add(place);
  return place;
}

/** Closes `fd` if it is managed: by node:fs, which must forget the number. Minus the errno; undefined where it is not. */
export function closeManaged(fd: number): number | undefined {
  if (!managed.delete(fd)) return undefined;
  try {
    closeSync(fd);
    return 0;
  } catch {
    return -EBADF;
  }
}
