/** What `ring.statx` tells of a file. */
import { Statx } from '../../structs/posix.ts';

/** A device number. */
export interface DeviceNumber {
  readonly major: number;
  readonly minor: number;
}

/**
 * What the kernel knows of a file. Times are nanoseconds since 1970, as bigint; a size or a count of blocks is exact up
 * to 2^53. A field whose bit is not in `mask` is 0, or made up by the file system.
 */
export interface FileStatus {
  /** STATX_*: which fields were filled in. */
  readonly mask: number;
  /** The type and the permissions, as `st_mode` has them. */
  readonly mode: number;
  readonly size: number;
  /** Blocks of 512 bytes. */
  readonly blocks: number;
  /** The block size for efficient I/O. */
  readonly blksize: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly ino: bigint;
  /** STATX_ATTR_* that are set, and those that the file system knows. */
  readonly attributes: bigint;
  readonly attributesMask: bigint;
  readonly atimeNs: bigint;
  readonly btimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly mtimeNs: bigint;
  /** The device that it lies on. */
  readonly dev: DeviceNumber;
  /** The device that it is. */
  readonly rdev: DeviceNumber;
  /** The mount that it lies on (5.8). */
  readonly mountId: bigint;
  /** What O_DIRECT wants of addresses and of offsets, in bytes (6.1, with STATX_DIOALIGN in `mask`). */
  readonly dioMemAlign: number;
  readonly dioOffsetAlign: number;
}

function ns(time: { readonly tvSec: bigint; readonly tvNsec: number }): bigint {
  return time.tvSec * 1_000_000_000n + BigInt(time.tvNsec);
}

/** Reads a struct statx. */
export function fileStatus(bytes: Uint8Array): FileStatus {
  const found = Statx.decode(bytes);
  return {
    mask: found.stxMask,
    mode: found.stxMode,
    size: Number(found.stxSize),
    blocks: Number(found.stxBlocks),
    blksize: found.stxBlksize,
    nlink: found.stxNlink,
    uid: found.stxUid,
    gid: found.stxGid,
    ino: found.stxIno,
    attributes: found.stxAttributes,
    attributesMask: found.stxAttributesMask,
    atimeNs: ns(found.stxAtime),
    btimeNs: ns(found.stxBtime),
    ctimeNs: ns(found.stxCtime),
    mtimeNs: ns(found.stxMtime),
    dev: { major: found.stxDevMajor, minor: found.stxDevMinor },
    rdev: { major: found.stxRdevMajor, minor: found.stxRdevMinor },
    mountId: found.stxMntId,
    dioMemAlign: found.stxDioMemAlign,
    dioOffsetAlign: found.stxDioOffsetAlign,
  };
}
