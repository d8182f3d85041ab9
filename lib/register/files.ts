/** File tables, slots for direct descriptors, and registered ring fds: opcodes 2, 3, 6, 13, 14, 20, 21, 25. */
import { copyList, descriptor, integer, U32_MAX, wrongValue } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { registerOps } from '../../structs/register-ops.ts';
import { FileIndexRange, RsrcRegister, RsrcUpdate, RsrcUpdate2 } from '../../structs/rsrc.ts';
import { forgetIndex, nameIndex } from '../sys/trace.ts';
import { count, readFds, readTags, record, type Tag, writeFds, writeTags } from './arguments.ts';
import {
  type CheckedRing,
  call,
  callForAll,
  checkRing,
  type RingFd,
  StructArgument,
  structsArgument,
} from './call.ts';

const { IORING_RSRC_REGISTER_SPARSE } = constants;

const MAX_FILES = registerOps[2].nrArgs.max;
const MAX_RINGS = registerOps[20].nrArgs.max;
/** In REGISTER_RING_FDS: the kernel picks the index. */
const ANY_INDEX = 0xffff_ffff;

const tableArgument = new StructArgument(RsrcRegister);
const updateArgument = new StructArgument(RsrcUpdate);
const taggedUpdateArgument = new StructArgument(RsrcUpdate2);
const rangeArgument = new StructArgument(FileIndexRange);

/** A file table with tags, or one of empty slots. */
export type FileTable =
  | {
      /** -1 is an empty slot. */
      readonly fds: readonly number[];
      /** One for each fd. */
      readonly tags?: readonly Tag[] | undefined;
      readonly sparse?: undefined;
    }
  | {
      /** How many empty slots. */
      readonly sparse: number;
      readonly fds?: undefined;
      readonly tags?: undefined;
    };

/** Slots of a file table to replace. */
export interface FilesUpdate {
  /** The first slot. */
  readonly offset: number;
  /** Their new files; -1 empties a slot, -2 (5.12) leaves it as it is. */
  readonly fds: readonly number[];
}

/** The same with tags. */
export interface TaggedFilesUpdate extends FilesUpdate {
  /** One for each fd. */
  readonly tags?: readonly Tag[] | undefined;
}

/** A ring to register in this thread's table of rings. */
export interface RingSlot {
  readonly fd: number;
  /** The index wanted, 0..15; absent: the kernel picks a free one. */
  readonly offset?: number | undefined;
}

/** Slots that the kernel may pick for direct descriptors. */
export interface AllocRange {
  /** The first slot. */
  readonly off: number;
  /** How many. */
  readonly len: number;
}

/**
 * Makes a table of files for IOSQE_FIXED_FILE (IORING_REGISTER_FILES). The table holds the files itself: the fds may be
 * closed after this.
 * @param fds -1 is an empty slot (5.5)
 * @throws RegisterError EBUSY (the ring has a file table), EBADF (an fd is closed, or a ring), EMFILE (more fds than the
 *   soft RLIMIT_NOFILE: nothing here raises it for you), ENOMEM
 * @since 5.1
 * @see io_uring_register_files(3)
 */
export function registerFiles(fd: RingFd, fds: readonly number[]): void {
  const ring = checkRing(fd);
  const taken = readFds('fds', fds, -1, MAX_FILES);
  call(ring, registerOps[2], writeFds(taken), taken.length);
}

/**
 * Drops the file table, and the range of `registerFileAllocRange` with it (IORING_UNREGISTER_FILES). Since 6.13 it
 * returns at once, and each slot's tag comes when its file is let go; before, it blocks until no operation uses a slot
 * any more, and no tags come.
 * @throws RegisterError ENXIO (there is no file table), EINTR (before 6.13: a signal came while it waited)
 * @since 5.1
 * @see io_uring_unregister_files(3)
 */
export function unregisterFiles(fd: RingFd): void {
  call(checkRing(fd), registerOps[3], null, 0);
}

/**
 * Makes a table of files with tags, or one of empty slots (IORING_REGISTER_FILES2). A slot's tag comes as a completion
 * `{ user_data: tag, res: 0 }` once the kernel has let go of its file (before 6.13 up to a second later, and not when the
 * table is unregistered).
 * @param table `{ fds, tags }`, or `{ sparse: n }` (5.19)
 * @throws RegisterError as `registerFiles`
 * @since 5.13
 * @see io_uring_register_files_tags(3), io_uring_register_files_sparse(3)
 */
export function registerFiles2(fd: RingFd, table: FileTable): void {
  const ring = checkRing(fd);
  record('table', table, ['fds', 'tags', 'sparse']);
  const { fds, tags, sparse } = table;
  if (sparse !== undefined) {
    if (fds !== undefined || tags !== undefined) throw wrongValue('table.sparse', 'the only one', sparse);
    const nr = integer('table.sparse', sparse, 1, MAX_FILES);
    call(
      ring,
      registerOps[13],
      tableArgument.set({ nr, flags: IORING_RSRC_REGISTER_SPARSE }),
      RsrcRegister.size,
    );
    return;
  }
  const taken = readFds('table.fds', fds, -1, MAX_FILES);
  const nr = taken.length;
  const checkedTags = readTags('table.tags', tags, nr, (slot) => taken[slot] === -1);
  const { address } = writeFds(taken);
  call(
    ring,
    registerOps[13],
    tableArgument.set({ nr, data: address, tags: writeTags(checkedTags) }),
    RsrcRegister.size,
  );
}

/**
 * Replaces slots of the file table (IORING_REGISTER_FILES_UPDATE).
 * @param update the slots from `offset` on: an fd, -1 to empty, -2 (5.12) to leave as it is
 * @returns how many slots were updated, skipped ones included: all of them
 * @throws RegisterError with `done`, the slots updated before the one that failed, and is empty now: EBADF (an fd is
 *   closed, or a ring), ENXIO (no file table), EINVAL (past its end), EOVERFLOW
 * @since 5.5
 * @see io_uring_register_files_update(3)
 */
export function registerFilesUpdate(fd: RingFd, update: FilesUpdate): number {
  const ring = checkRing(fd);
  record('update', update, ['offset', 'fds']);
  const { offset, fds } = update;
  integer('update.offset', offset, 0, U32_MAX);
  const taken = readFds('update.fds', fds, -2, MAX_FILES);
  const nr = taken.length;
  return callForAll(nr, nr, (from) => {
    const argument = updateArgument.set({ offset: offset + from, data: writeFds(taken, from).address });
    return call(ring, registerOps[6], argument, nr - from);
  });
}

/**
 * Replaces slots of the file table, with tags (IORING_REGISTER_FILES_UPDATE2).
 * @param update as `registerFilesUpdate`, and one tag for each fd
 * @returns how many slots were updated, skipped ones included: all of them
 * @throws RegisterError as `registerFilesUpdate`
 * @since 5.13
 * @see io_uring_register_files_update_tag(3)
 */
export function registerFilesUpdate2(fd: RingFd, update: TaggedFilesUpdate): number {
  const ring = checkRing(fd);
  record('update', update, ['offset', 'fds', 'tags']);
  const { offset, fds, tags } = update;
  integer('update.offset', offset, 0, U32_MAX);
  const taken = readFds('update.fds', fds, -2, MAX_FILES);
  const nr = taken.length;
  const checkedTags = readTags('update.tags', tags, nr, (slot) => (taken[slot] ?? -1) < 0);
  return callForAll(RsrcUpdate2.size, nr, (from) => {
    const data = writeFds(taken, from).address;
    const value = { offset: offset + from, data, tags: writeTags(checkedTags, from), nr: nr - from };
    return call(ring, registerOps[14], taggedUpdateArgument.set(value), RsrcUpdate2.size);
  });
}

/**
 * Sets the slots that the kernel may pick for direct descriptors, with IORING_FILE_INDEX_ALLOC
 * (IORING_REGISTER_FILE_ALLOC_RANGE). `nr_args` is 0; the man page's 1 is refused.
 * @param range `len` 0 leaves nothing to pick from: every such operation fails with ENFILE
 * @throws RegisterError EINVAL (past the table's end, or there is no table), EOVERFLOW
 * @since 6.0
 * @see io_uring_register_file_alloc_range(3)
 */
export function registerFileAllocRange(fd: RingFd, range: AllocRange): void {
  const ring = checkRing(fd);
  record('range', range, ['off', 'len']);
  const { off, len } = range;
  integer('range.off', off, 0, U32_MAX);
  integer('range.len', len, 0, U32_MAX);
  call(ring, registerOps[25], rangeArgument.set({ off, len }), 0);
}

/**
 * Gives rings an index in the calling thread, for use in place of the fd: `{ registeredIndex }`
 * (IORING_REGISTER_RING_FDS). All or none: after a failure nothing is registered.
 *
 * Safety: indices belong to the thread. The table keeps a ring alive when its fd is closed, until `unregisterRingFds`
 * or the thread's end.
 * @param fd any ring of this thread
 * @param rings 1..16 of `{ fd, offset }`; `offset` is the index wanted
 * @returns the index of each
 * @throws RegisterError EBUSY (the index, or all 16, are taken), EBADF (an fd is closed), EOPNOTSUPP (an fd is no ring)
 * @since 5.18
 * @see io_uring_register_ring_fd(3)
 */
export function registerRingFds(fd: RingFd, rings: readonly RingSlot[]): number[] {
  const ring = checkRing(fd);
  const slots = readRings(rings);
  const indices: number[] = [];
  try {
    while (indices.length < slots.length) indices.push(...registerSome(ring, slots.slice(indices.length)));
  } catch (error) {
    giveBack(ring, indices);
    throw error;
  }
  indices.forEach((index, i) => {
    nameIndex(slots[i]?.data ?? -1, index);
  });
  return indices;
}

function readRings(rings: readonly RingSlot[]): { offset: number; data: number }[] {
  return copyList('rings', rings, 1, MAX_RINGS).map((each, i) => {
    record(`rings[${i}]`, each, ['fd', 'offset']);
    const { fd, offset = ANY_INDEX } = each;
    if (offset !== ANY_INDEX) integer(`rings[${i}].offset`, offset, 0, MAX_RINGS - 1);
    return { offset, data: descriptor(`rings[${i}].fd`, fd) };
  });
}

function giveBack(ring: CheckedRing, indices: readonly number[]): void {
  if (indices.length === 0) return;
  try {
    unregisterSome(ring, indices);
  } catch {
    // a restricted ring may not allow it; the indices stay until the thread ends then
  }
}

/** As many as the kernel takes in one call; it hides why it stopped, and says so when asked for the next. */
function registerSome(ring: CheckedRing, slots: readonly { offset: number; data: number }[]): number[] {
  const { size, at } = RsrcUpdate;
  const argument = structsArgument(RsrcUpdate, slots);
  const { view } = argument;
  const done = call(ring, registerOps[20], argument, slots.length);
  return Array.from({ length: done }, (_, i) => view.getUint32(i * size + at.offset, true));
}

/**
 * Frees indices of rings in the calling thread (IORING_UNREGISTER_RING_FDS). An index that is free already counts as
 * done. `fd` may be the very index that is freed.
 * @param indices 1..16 of 0..15
 * @returns how many: all of them
 * @throws RegisterError EBADF (`fd` is closed)
 * @since 5.18
 * @see io_uring_unregister_ring_fd(3)
 */
export function unregisterRingFds(fd: RingFd, indices: readonly number[]): number {
  const ring = checkRing(fd);
  const length = count('indices', indices, 1, MAX_RINGS);
  const taken = Array.from({ length }, (_, i) => integer(`indices[${i}]`, indices[i], 0, MAX_RINGS - 1));
  return unregisterSome(ring, taken);
}

function unregisterSome(ring: CheckedRing, indices: readonly number[]): number {
  const argument = structsArgument(
    RsrcUpdate,
    indices.map((offset) => ({ offset })),
  );
  const done = call(ring, registerOps[21], argument, indices.length);
  for (const index of indices.slice(0, done)) forgetIndex(index);
  return done;
}
