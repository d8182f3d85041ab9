/**
 * Registered buffers and buffer rings: opcodes 0, 1, 15, 16, 22, 23, 26, 30.
 *
 * Safety, for all of them: the kernel keeps the pages of registered memory, and writes into them for every operation
 * that uses a slot, also for one that still runs after the slot was replaced or unregistered. Keep the memory, and
 * don't let it be collected, moved or used for anything else, until the slot's tag has come or no operation is left.
 */
import { boolean, descriptor, integer, U16_MAX, U32_MAX, wrongValue } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { registerOps } from '../../structs/register-ops.ts';
import { Buf, BufReg, BufStatus, CloneBuffers } from '../../structs/rsrc.ts';
import {
  type AddressSource,
  type BufferSource,
  type Iovecs,
  readAddress,
  readBuffers,
  readTags,
  record,
  type Tag,
  u32,
  writeTags,
} from './arguments.ts';
import { registerEmptyTable, registerTable, updateTable } from './buffer-table.ts';
import { call, checkRing, fdOf, type RingFd, StructArgument } from './call.ts';

const { IORING_REGISTER_DST_REPLACE, IORING_REGISTER_SRC_REGISTERED } = constants;

const MAX_BUFFERS = registerOps[0].nrArgs.max;

const ringArgument = new StructArgument(BufReg);
const statusArgument = new StructArgument(BufStatus);
const cloneArgument = new StructArgument(CloneBuffers);

/** A buffer table with tags, or one of empty slots. */
export type BufferTable =
  | {
      readonly buffers: readonly BufferSource[];
      /** One for each buffer. */
      readonly tags?: readonly Tag[] | undefined;
      readonly sparse?: undefined;
    }
  | {
      /** How many empty slots, 1..16384. */
      readonly sparse: number;
      readonly buffers?: undefined;
      readonly tags?: undefined;
    };

/** Slots of a buffer table to replace. */
export interface BuffersUpdate {
  /** The first slot. */
  readonly offset: number;
  /** Their new memory; null empties a slot. */
  readonly buffers: readonly BufferSource[];
  /** One for each buffer. */
  readonly tags?: readonly Tag[] | undefined;
}

/** Which buffers to share. */
export interface CloneSource {
  /** The ring that has them. */
  readonly srcFd: RingFd;
  /** The first slot there. */
  readonly srcOff?: number | undefined;
  /** The first slot here. */
  readonly dstOff?: number | undefined;
  /** How many; 0 (all) when absent. `srcOff` and `dstOff` need it. */
  readonly nr?: number | undefined;
  /** Replace or extend a table that is there (IORING_REGISTER_DST_REPLACE, 6.13). */
  readonly replace?: boolean | undefined;
}

/** A ring of provided buffers. */
export interface PbufRing {
  /** Page-aligned memory of 16 bytes for each entry; absent with IOU_PBUF_RING_MMAP, where the kernel allocates. */
  readonly ringAddr?: AddressSource | undefined;
  /** A power of two up to 32768. */
  readonly ringEntries: number;
  /** The number of the group, 0..65535. */
  readonly bgid: number;
  /** IOU_PBUF_RING_MMAP (6.4), IOU_PBUF_RING_INC (6.12). */
  readonly flags?: number | undefined;
  /** With IOU_PBUF_RING_INC: a buffer with fewer bytes left counts as used up. */
  readonly minLeft?: number | undefined;
}

function isEmpty({ bases, lengths }: Iovecs): (slot: number) => boolean {
  return (slot) => lengths[slot] === 0 && Number(bases[slot]) === 0;
}

/**
 * Pins buffers for READ_FIXED and WRITE_FIXED (IORING_REGISTER_BUFFERS).
 *
 * Safety: see the head of this file: the memory must stay until no operation uses it, also after `unregisterBuffers`.
 * @param buffers 1..16384 views, `{ address, length }`, or null for an empty slot (5.13); up to 1 GiB each
 * @throws RegisterError EBUSY (the ring has a buffer table), EFAULT (not mapped, read-only, mapped from a file on disk,
 *   longer than 1 GiB, or only one of address and length is 0), ENOMEM (RLIMIT_MEMLOCK)
 * @since 5.1
 * @see io_uring_register_buffers(3)
 */
export function registerBuffers(fd: RingFd, buffers: readonly BufferSource[]): void {
  const ring = checkRing(fd);
  registerTable(ring, readBuffers('buffers', buffers, MAX_BUFFERS));
}

/**
 * Drops the buffer table (IORING_UNREGISTER_BUFFERS). Since 6.13 it returns at once, also while a READ_FIXED is in
 * flight, and each slot's tag comes when its memory is let go; before, it blocks until no operation uses a slot any
 * more, and no tags come.
 *
 * Safety: since 6.13 an operation in flight still writes into its buffer after this.
 * @throws RegisterError ENXIO (there is no buffer table), EINTR (before 6.13: a signal came while it waited)
 * @since 5.1
 * @see io_uring_unregister_buffers(3)
 */
export function unregisterBuffers(fd: RingFd): void {
  call(checkRing(fd), registerOps[1], null, 0);
}

/**
 * Pins buffers with tags, or makes a table of empty slots for `registerBuffersUpdate` (IORING_REGISTER_BUFFERS2). A
 * slot's tag comes as a completion `{ user_data: tag, res: 0 }` once the kernel has let go of its memory (before 6.13 up
 * to a second later, and not when the table is unregistered).
 *
 * Safety: as `registerBuffers`; the tag says when the memory is free.
 * @param table `{ buffers, tags }`, or `{ sparse: n }` (5.19)
 * @throws RegisterError as `registerBuffers`
 * @since 5.13
 * @see io_uring_register_buffers_tags(3), io_uring_register_buffers_sparse(3)
 */
export function registerBuffers2(fd: RingFd, table: BufferTable): void {
  const ring = checkRing(fd);
  record('table', table, ['buffers', 'tags', 'sparse']);
  const { buffers, tags, sparse } = table;
  if (sparse !== undefined) {
    if (buffers !== undefined || tags !== undefined) throw wrongValue('table.sparse', 'the only one', sparse);
    const nr = integer('table.sparse', sparse, 1, MAX_BUFFERS);
    registerEmptyTable(ring, nr);
    return;
  }
  const iovecs = readBuffers('table.buffers', buffers, MAX_BUFFERS);
  const checkedTags = readTags('table.tags', tags, iovecs.bases.length, isEmpty(iovecs));
  registerTable(ring, iovecs, () => writeTags(checkedTags));
}

/**
 * Replaces or empties slots of the buffer table, with tags (IORING_REGISTER_BUFFERS_UPDATE).
 *
 * Safety: as `registerBuffers`, for the new memory; the old memory is free when the slot's former tag has come.
 * @param update the slots from `offset` on: `buffers` and, one for each, `tags`
 * @returns how many slots were updated: all of them
 * @throws RegisterError with `done`, the slots updated before the one that failed and keeps its old buffer: as
 *   `registerBuffers`, and ENXIO (no buffer table), EINVAL (past its end), EOVERFLOW
 * @since 5.13
 * @see io_uring_register_buffers_update_tag(3)
 */
export function registerBuffersUpdate(fd: RingFd, update: BuffersUpdate): number {
  const ring = checkRing(fd);
  record('update', update, ['offset', 'buffers', 'tags']);
  const { offset, buffers, tags } = update;
  integer('update.offset', offset, 0, U32_MAX);
  const iovecs = readBuffers('update.buffers', buffers, MAX_BUFFERS);
  const checkedTags = readTags('update.tags', tags, iovecs.bases.length, isEmpty(iovecs));
  return updateTable(ring, offset, iovecs, (from) => writeTags(checkedTags, from));
}

/**
 * Shares another ring's buffers: nothing is copied, nothing charged again (IORING_REGISTER_CLONE_BUFFERS). Tags are not
 * cloned.
 *
 * Safety: the memory must stay for this ring too, also when the source has unregistered it.
 * @param source `srcFd` and, since 6.13, a range of slots and `replace`
 * @throws RegisterError ENXIO (the source has no buffers), EBUSY (this ring has a table, and no `replace`), EINVAL
 *   (`nr` above the source's size, offsets without `nr`, a ring of another process or user), EOVERFLOW (past the
 *   source's end), EBADF or EOPNOTSUPP (`srcFd` is closed, or no ring), EEXIST (the source is another thread's)
 * @since 6.12
 * @see io_uring_clone_buffers(3)
 */
export function registerCloneBuffers(fd: RingFd, source: CloneSource): void {
  const ring = checkRing(fd);
  record('source', source, ['srcFd', 'srcOff', 'dstOff', 'nr', 'replace']);
  const { srcFd: from, srcOff, dstOff, nr, replace = false } = source;
  const isFd = typeof from === 'number';
  const srcFd = isFd ? descriptor('source.srcFd', from) : fdOf(from, 'source.srcFd');
  const replacing = boolean('source.replace', replace) ? IORING_REGISTER_DST_REPLACE : 0;
  const argument = cloneArgument.set({
    srcFd,
    flags: replacing | (isFd ? 0 : IORING_REGISTER_SRC_REGISTERED),
    srcOff: u32('source.srcOff', srcOff),
    dstOff: u32('source.dstOff', dstOff),
    nr: u32('source.nr', nr),
  });
  call(ring, registerOps[30], argument, 1);
}

/**
 * Provides a ring of buffers that receives and reads pick from (IORING_REGISTER_PBUF_RING).
 *
 * Safety: the ring's memory and every buffer in it must stay until `unregisterPbufRing` and the last operation of the
 * group.
 * @param group `ringAddr` (a view or an address, page-aligned), or IOU_PBUF_RING_MMAP in `flags`: then mmap the ring's fd
 *   at IORING_OFF_PBUF_RING | bgid << 16, a number above 2^31
 * @throws RegisterError EEXIST (`bgid` is in use), EINVAL (not page-aligned, `ringEntries` no power of two or above
 *   32768, unknown `flags`, `minLeft` without IOU_PBUF_RING_INC), EFAULT (not mapped), ENOMEM
 * @since 5.19
 * @see io_uring_register_buf_ring(3)
 */
export function registerPbufRing(fd: RingFd, group: PbufRing): void {
  const ring = checkRing(fd);
  record('group', group, ['ringAddr', 'ringEntries', 'bgid', 'flags', 'minLeft']);
  const { ringAddr, ringEntries, bgid, flags = 0, minLeft } = group;
  const entries = integer('group.ringEntries', ringEntries, 1, U32_MAX);
  const value = {
    ringEntries: entries,
    bgid: integer('group.bgid', bgid, 0, U16_MAX),
    flags: integer('group.flags', flags, 0, U16_MAX),
    minLeft: u32('group.minLeft', minLeft),
    ringAddr: ringAddr === undefined ? 0 : readAddress('group.ringAddr', ringAddr, entries * Buf.size),
  };
  call(ring, registerOps[22], ringArgument.set(value), 1);
}

/**
 * Takes a buffer ring back (IORING_UNREGISTER_PBUF_RING).
 *
 * Safety: an operation that has picked a buffer still writes into it.
 * @param bgid the number of the group, 0..65535
 * @throws RegisterError ENOENT (no such group), EINVAL (a group of OP_PROVIDE_BUFFERS)
 * @since 5.19
 * @see io_uring_unregister_buf_ring(3)
 */
export function unregisterPbufRing(fd: RingFd, bgid: number): void {
  const ring = checkRing(fd);
  const argument = ringArgument.set({ bgid: integer('bgid', bgid, 0, U16_MAX) });
  call(ring, registerOps[23], argument, 1);
}

/**
 * Tells a buffer ring's head: how many buffers the kernel has taken (IORING_REGISTER_PBUF_STATUS).
 * @param bufGroup the number of the group; unlike `bgid` 32 bits wide
 * @returns a free-running counter, 0..65535
 * @throws RegisterError ENOENT (no such group), EINVAL (a group of OP_PROVIDE_BUFFERS)
 * @since 6.8
 * @see io_uring_buf_ring_head(3)
 */
export function registerPbufStatus(fd: RingFd, bufGroup: number): number {
  const ring = checkRing(fd);
  const argument = statusArgument.set({ bufGroup: integer('bufGroup', bufGroup, 0, U32_MAX) });
  call(ring, registerOps[26], argument, 1);
  return argument.get().head;
}
