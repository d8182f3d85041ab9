/**
 * Descriptors that are closed when a worker is terminated, where no code of ours runs any more. On Node.js they are put in the
 * place of files that node:fs opened, which Node.js keeps a list of for each worker. On Deno and Bun they are in a list in
 * memory that outlives the worker, and whoever sweeps closes them.
 */
import { closeSync, openSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { constants } from '../../structs/flags.ts';
import { Params } from '../../structs/setup.ts';
import * as ffi from './ffi.ts';

const O_CLOEXEC = 0o2000000;
const NONBLOCK_CLOEXEC = 0o2004000;
const EIO = 5;
const EBADF = 9;
const isNode = !('bun' in process.versions || 'deno' in process.versions);
/** On the main thread the process ends, and closes everything. */
const mayLeak = !isMainThread;
const managed = new Set<number>();

/** Where a worker of Deno or Bun lists its descriptors, each plus one. */
let list: Float64Array | undefined;

/** Descriptors of this worker are listed in `places`, where the runtime closes none. */
export function listFds(places: Float64Array): void {
  if (!isNode) list = places;
}

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
 * The fd that `make` makes by one native call, with a number that Node.js closes when it terminates this worker; minus the
 * errno on failure. No function of JavaScript is called between the calls: only there can the worker be terminated.
 */
function managedFd(isNeeded: boolean, make: () => number): number {
  const place = isNeeded && isNode ? placeholder() : undefined;
  const at = isNeeded && list !== undefined ? list.indexOf(0) : -1;
  const fd = make();
  if (fd >= 0 && list !== undefined && at >= 0) list[at] = fd + 1;
  if (place === undefined) return fd === -1 ? -(ffi.errno() || EIO) : fd;
  if (fd >= 0) {
    ffi.dup3(fd, place, O_CLOEXEC);
    ffi.close(fd);
    managed.add(place);
    return place;
  }
  const errno = ffi.errno() || EIO;
  closeSync(place);
  return -errno;
}

/** io_uring_setup(2); see `managedFd`. */
export function setupManaged(number: number, entries: number, params: Uint8Array): number {
  return managedFd(mayLeak && makesFd(params), () => ffi.setup(number, entries, params));
}

/** eventfd(2), close-on-exec and non-blocking; see `managedFd`. */
export function eventfdManaged(): number {
  return managedFd(mayLeak, () => ffi.eventfd(0, NONBLOCK_CLOEXEC));
}

/** Closes `fd` if it is managed: by node:fs, which must forget the number. Minus the errno; undefined where it is not. */
export function closeManaged(fd: number): number | undefined {
  const at = list?.indexOf(fd + 1) ?? -1;
  if (list !== undefined && at >= 0) list[at] = 0;
  if (!managed.delete(fd)) return undefined;
  try {
    closeSync(fd);
    return 0;
  } catch {
    return -EBADF;
  }
}
