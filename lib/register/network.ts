/** Busy polling and zero-copy receive: opcodes 27, 28, 32, 36. */
import { boolean, integer, oneOf, U32_MAX } from '../../structs/check.ts';
import { Napi } from '../../structs/control.ts';
import { constants } from '../../structs/flags.ts';
import { RegionDesc } from '../../structs/memory.ts';
import { registerOps } from '../../structs/register-ops.ts';
import { ZcrxAreaReg, ZcrxCtrl, ZcrxIfqReg, type ZcrxOffsets } from '../../structs/zcrx.ts';
import { type AddressSource, readAddress, record, u32 } from './arguments.ts';
import { call, checkRing, type RingFd, StructArgument } from './call.ts';

const napiArgument = new StructArgument(Napi);
const ifqArgument = new StructArgument(ZcrxIfqReg);
const controlArgument = new StructArgument(ZcrxCtrl);

/** Settings of busy polling, or one id of its list. */
export interface NapiSettings {
  /** How long to poll before sleeping, in microseconds. */
  readonly busyPollTo?: number | undefined;
  readonly preferBusyPoll?: boolean | undefined;
  /** IO_URING_NAPI_REGISTER_OP when absent; IO_URING_NAPI_STATIC_ADD_ID, _DEL_ID (6.13). */
  readonly opcode?: number | undefined;
  /** IO_URING_NAPI_TRACKING_*, or the id to add or delete (6.13). */
  readonly opParam?: number | undefined;
}

/** Settings of busy polling before a call. */
export interface FormerNapi {
  readonly busyPollTo: number;
  readonly preferBusyPoll: boolean;
  /** IO_URING_NAPI_TRACKING_*: 255 when busy polling was off (6.13). */
  readonly opParam: number;
}

/** Memory for received data. */
export interface ZcrxArea {
  /** Page-aligned memory; absent with IORING_ZCRX_AREA_DMABUF, where it is an offset. */
  readonly addr?: AddressSource | undefined;
  /** Its bytes, whole pages. */
  readonly len: number;
  /** IORING_ZCRX_AREA_* */
  readonly flags?: number | undefined;
  readonly dmabufFd?: number | undefined;
}

/** Memory for the refill ring. */
export interface ZcrxRegion {
  /** Page-aligned memory; absent: the kernel allocates. */
  readonly userAddr?: AddressSource | undefined;
  /** Its bytes, whole pages. */
  readonly size: number;
}

/** A queue of a network interface. */
export interface ZcrxIfq {
  /** The interface's index; with ZCRX_REG_IMPORT the fd that was exported. */
  readonly ifIdx: number;
  /** Which of its receive queues. */
  readonly ifRxq?: number | undefined;
  /** Entries of the refill ring. */
  readonly rqEntries?: number | undefined;
  /** ZCRX_REG_* (6.19) */
  readonly flags?: number | undefined;
  readonly area?: ZcrxArea | undefined;
  readonly region?: ZcrxRegion | undefined;
  /** Bytes of one buffer in the area; absent: a page. */
  readonly rxBufLen?: number | undefined;
}

/** The queue as the kernel set it up. */
export interface ZcrxIfqResult {
  /** For `zcrxIfqIdx` of an OP_RECV_ZC, and for `registerZcrxCtrl`. */
  readonly zcrxId: number;
  /** Entries of the refill ring, as the kernel rounded them up. */
  readonly rqEntries: number;
  /** Where the parts of the refill ring lie. */
  readonly offsets: ReturnType<typeof ZcrxOffsets.decode>;
  /** The area's token for the refill ring. */
  readonly rqAreaToken: bigint;
  /** For mmap(2) of the ring's fd, where the kernel allocated the refill ring. */
  readonly mmapOffset: number;
}

const CONTROLS = ['ZCRX_CTRL_FLUSH_RQ', 'ZCRX_CTRL_EXPORT'] as const;

/** A command for a zero-copy receive queue. */
export interface ZcrxControl {
  readonly zcrxId: number;
  readonly op: (typeof CONTROLS)[number];
}

function former(): FormerNapi {
  const { busyPollTo, preferBusyPoll, opParam } = napiArgument.get();
  return { busyPollTo, preferBusyPoll: preferBusyPoll !== 0, opParam };
}

/**
 * Busy-polls the network queues of the ring's sockets (IORING_REGISTER_NAPI).
 * @param settings what is absent is 0: dynamic tracking
 * @returns the settings as they were before
 * @throws RegisterError EINVAL (a ring with SETUP_IOPOLL; an unknown `opcode`, `opParam` or id), EEXIST (the id is in the
 *   list), ENOENT (it is not), EOPNOTSUPP (built without CONFIG_NET_RX_BUSY_POLL)
 * @since 6.9
 * @see io_uring_register_napi(3)
 */
export function registerNapi(fd: RingFd, settings: NapiSettings): FormerNapi {
  const ring = checkRing(fd);
  record('settings', settings, ['busyPollTo', 'preferBusyPoll', 'opcode', 'opParam']);
  const { busyPollTo, preferBusyPoll = false, opcode = 0, opParam } = settings;
  const argument = napiArgument.set({
    busyPollTo: u32('settings.busyPollTo', busyPollTo),
    preferBusyPoll: boolean('settings.preferBusyPoll', preferBusyPoll) ? 1 : 0,
    opcode: integer('settings.opcode', opcode, 0, 0xff),
    opParam: u32('settings.opParam', opParam),
  });
  call(ring, registerOps[27], argument, 1);
  return former();
}

/**
 * Ends busy polling (IORING_UNREGISTER_NAPI). Harmless when repeated.
 * @returns the settings as they were before
 * @since 6.9
 * @see io_uring_unregister_napi(3)
 */
export function unregisterNapi(fd: RingFd): FormerNapi {
  const ring = checkRing(fd);
  call(ring, registerOps[28], napiArgument.set({}), 1);
  return former();
}

// New memory for each call: the kernel writes into it, and a listener of the trace may make another call before it is read.

function readArea(area: ZcrxArea): Required<ZcrxArea> {
  record('ifq.area', area, ['addr', 'len', 'flags', 'dmabufFd']);
  const { addr = 0, len, flags, dmabufFd } = area;
  integer('ifq.area.len', len, 1, Number.MAX_SAFE_INTEGER);
  return { addr, len, flags: u32('ifq.area.flags', flags), dmabufFd: u32('ifq.area.dmabufFd', dmabufFd) };
}

function areaArgument({ addr = 0, ...others }: Required<ZcrxArea>) {
  const address = readAddress('ifq.area.addr', addr, others.len);
  return new StructArgument(ZcrxAreaReg).set({ ...others, addr: address });
}

function readRegion(region: ZcrxRegion): ZcrxRegion {
  record('ifq.region', region, ['userAddr', 'size']);
  const { userAddr, size } = region;
  integer('ifq.region.size', size, 1, Number.MAX_SAFE_INTEGER);
  return { userAddr, size };
}

function regionArgument({ userAddr, size }: ZcrxRegion) {
  const argument = new StructArgument(RegionDesc);
  if (userAddr === undefined) return argument.set({ size });
  const address = readAddress('ifq.region.userAddr', userAddr, size);
  return argument.set({ size, userAddr: address, flags: constants.IORING_MEM_REGION_TYPE_USER });
}

/**
 * Takes a queue of a network interface for zero-copy receive: the card writes into `area`, which OP_RECV_ZC hands out
 * piece by piece (IORING_REGISTER_ZCRX_IFQ). The queue is the ring's until it is closed.
 *
 * Safety: `area` and `region` must stay until the ring is gone.
 * @param ifq `area` and `region` are absent only with ZCRX_REG_IMPORT
 * @throws RegisterError EPERM (no CAP_NET_ADMIN), EOPNOTSUPP (the driver can't), ENODEV (no such interface), EFAULT (no
 *   area or region, or not mapped), EINVAL (the ring lacks SETUP_DEFER_TASKRUN or SETUP_CQE32 or _CQE_MIXED; `rqEntries`;
 *   `flags`), EEXIST (the queue is taken)
 * @since 6.15
 * @see io_uring_register_ifq(3)
 */
export function registerZcrxIfq(fd: RingFd, ifq: ZcrxIfq): ZcrxIfqResult {
  const ring = checkRing(fd);
  record('ifq', ifq, ['ifIdx', 'ifRxq', 'rqEntries', 'flags', 'area', 'region', 'rxBufLen']);
  const { ifIdx, ifRxq, rqEntries: entries, flags, area: givenArea, region: givenRegion, rxBufLen } = ifq;
  const checkedArea = givenArea && readArea(givenArea);
  const checkedRegion = givenRegion && readRegion(givenRegion);
  const numbers = {
    ifIdx: integer('ifq.ifIdx', ifIdx, 0, U32_MAX),
    ifRxq: u32('ifq.ifRxq', ifRxq),
    rqEntries: u32('ifq.rqEntries', entries),
    flags: u32('ifq.flags', flags),
    rxBufLen: u32('ifq.rxBufLen', rxBufLen),
  };
  // no code of the caller's runs from here on: it could detach memory whose address was taken
  const area = checkedArea && areaArgument(checkedArea);
  const region = checkedRegion && regionArgument(checkedRegion);
  const value = { ...numbers, areaPtr: area?.address ?? 0, regionPtr: region?.address ?? 0 };
  call(ring, registerOps[32], ifqArgument.set(value), 1);
  const { zcrxId, rqEntries, offsets } = ifqArgument.get();
  const rqAreaToken = area?.get().rqAreaToken ?? 0n;
  return { zcrxId, rqEntries, offsets, rqAreaToken, mmapOffset: Number(region?.get().mmapOffset ?? 0) };
}

/**
 * Commands a zero-copy receive queue (IORING_REGISTER_ZCRX_CTRL): ZCRX_CTRL_FLUSH_RQ takes back what the refill ring
 * holds; ZCRX_CTRL_EXPORT makes an fd, with which another ring imports the queue (ZCRX_REG_IMPORT).
 *
 * Safety: the exported fd is yours to close.
 * @param control `zcrxId` as `registerZcrxIfq` returned it
 * @returns the fd of ZCRX_CTRL_EXPORT; undefined for ZCRX_CTRL_FLUSH_RQ
 * @throws RegisterError ENXIO (no such queue), EOPNOTSUPP (no such command)
 * @since 6.19
 * @see io_uring_register_zcrx_ctrl(3)
 */
export function registerZcrxCtrl(fd: RingFd, control: ZcrxControl): number | undefined {
  const ring = checkRing(fd);
  record('control', control, ['zcrxId', 'op']);
  const zcrxId = integer('control.zcrxId', control.zcrxId, 0, U32_MAX);
  const op = oneOf('control.op', control.op, CONTROLS);
  call(ring, registerOps[36], controlArgument.set({ zcrxId, op: constants[op] }), 0);
  return op === 'ZCRX_CTRL_EXPORT' ? controlArgument.get().zcExport.zcrxFd : undefined;
}
