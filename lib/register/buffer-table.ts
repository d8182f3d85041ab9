/** Registers and updates buffer tables from addresses that were read before. `buffers.ts` and the owner of a table call it. */
import { constants } from '../../structs/flags.ts';
import { registerOps } from '../../structs/register-ops.ts';
import { RsrcRegister, RsrcUpdate2 } from '../../structs/rsrc.ts';
import { type Iovecs, writeBuffers, writeTagHalves } from './arguments.ts';
import { type CheckedRing, call, callForAll, checkRing, type RingFd, StructArgument } from './call.ts';

const tableArgument = new StructArgument(RsrcRegister);
const updateArgument = new StructArgument(RsrcUpdate2);

/** Makes a table of `nr` empty slots. */
export function registerEmptyTable(ring: CheckedRing, nr: number): void {
  const argument = tableArgument.set({ nr, flags: constants.IORING_RSRC_REGISTER_SPARSE });
  call(ring, registerOps[15], argument, RsrcRegister.size);
}

/** Pins buffers whose addresses were read before: REGISTER_BUFFERS2 where there are tags, otherwise REGISTER_BUFFERS. */
export function registerTable(ring: CheckedRing, iovecs: Iovecs, writeTags?: () => number): void {
  const nr = iovecs.bases.length;
  const data = writeBuffers(iovecs);
  if (writeTags === undefined) call(ring, registerOps[0], data, nr);
  else {
    const argument = tableArgument.set({ nr, data: data.address, tags: writeTags() });
    call(ring, registerOps[15], argument, RsrcRegister.size, data);
  }
}

/** REGISTER_BUFFERS_UPDATE; `writeTags` writes those of the slots from `from` on. */
export function updateTable(
  ring: CheckedRing,
  offset: number,
  iovecs: Iovecs,
  writeTags: (from: number) => number,
): number {
  const wanted = iovecs.bases.length;
  return callForAll(RsrcUpdate2.size, wanted, (from) => {
    const data = writeBuffers(iovecs, from);
    const nr = wanted - from;
    const value = { offset: offset + from, data: data.address, tags: writeTags(from), nr };
    return call(ring, registerOps[16], updateArgument.set(value), RsrcUpdate2.size, data);
  });
}

/**
 * As `registerBuffers`, or with tags as `registerBuffers2`, for a `Ring`, which has read the addresses itself.
 * @param tags pairs of u32, low half first
 */
export function registerIovecs(fd: RingFd, iovecs: Iovecs, tags: Uint32Array | undefined): void {
  registerTable(checkRing(fd), iovecs, tags && (() => writeTagHalves(tags)));
}

/** As `registerBuffersUpdate`, for a `Ring`, which has read the addresses itself. */
export function updateIovecs(
  fd: RingFd,
  offset: number,
  iovecs: Iovecs,
  tags: Uint32Array | undefined,
): void {
  updateTable(checkRing(fd), offset, iovecs, (from) => writeTagHalves(tags, from));
}
