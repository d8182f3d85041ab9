/** THE table: each opcode of io_uring_register(2). Docs, errors, the CLI, traces and tests read it. */
import {
  Bpf,
  ClockRegister,
  Napi,
  QueryHdr,
  Restriction,
  SyncCancelReg,
  TaskRestriction,
} from './control.ts';
import type { Struct } from './layout.ts';
import { MemRegionReg } from './memory.ts';
import { ops } from './ops.ts';
import { Iovec } from './posix.ts';
import {
  BufReg,
  BufStatus,
  CloneBuffers,
  FileIndexRange,
  Probe,
  RsrcRegister,
  RsrcUpdate,
  RsrcUpdate2,
} from './rsrc.ts';
import { LOAD, SCALAR_SIZE } from './scalar.ts';
import { Params } from './setup.ts';
import { Sqe } from './sqe.ts';
import { ZcrxCtrl, ZcrxIfqReg } from './zcrx.ts';

/** What `arg` points to. `out`: the kernel writes into it. */
export type RegisterArg =
  | { readonly is: 'none' }
  /** One struct, or `many` of them one after another. */
  | { readonly is: 'struct'; readonly struct: Struct; readonly many: boolean; readonly out: boolean }
  /** Plain numbers one after another: fds, limits, bytes of a CPU mask. */
  | { readonly is: 'values'; readonly element: 's32' | 'u32' | 'u8'; readonly out: boolean };

/** What `nr_args` must be. */
export type NrArgs =
  /** How many elements; of REGISTER_FILES_UPDATE how many fds behind `data`, of REGISTER_PROBE how many `ops`. */
  | { readonly is: 'count'; readonly min: number; readonly max: number }
  /** The length of the CPU mask in bytes. */
  | { readonly is: 'bytes' }
  /** `sizeof` the struct. */
  | { readonly is: 'size'; readonly value: 32 }
  /** The id of what is unregistered. */
  | { readonly is: 'id' }
  | { readonly is: 'fixed'; readonly value: 0 | 1 | 2 };

/** One opcode. */
export interface RegisterRow {
  readonly value: number;
  /** The C name without `IORING_`. */
  readonly name: `REGISTER_${string}` | `UNREGISTER_${string}`;
  /** The first mainline kernel with it: `'5.13'`. */
  readonly since: string;
  readonly arg: RegisterArg;
  /** What `arg` points to without a ring (fd -1), where that is something else. */
  readonly taskArg?: Struct;
  readonly nrArgs: NrArgs;
  /** The opcode that takes it back. */
  readonly undo?: string;
  /** State of the ring, privilege or limit that it depends on. */
  readonly needs?: string;
  /** Its function in `uring/raw`. */
  readonly raw: string;
  /** How the friendly layer reaches it: `'ring.registerBuffers'`; owners go by the name of what they own. */
  readonly member: string;
  readonly does: string;
}

/** All opcodes in the order of their values. */
export const registerOps = [
  {
    value: 0,
    name: 'REGISTER_BUFFERS',
    since: '5.1',
    arg: { is: 'struct', struct: Iovec, many: true, out: false },
    nrArgs: { is: 'count', min: 1, max: 16_384 },
    undo: 'UNREGISTER_BUFFERS',
    needs: 'locked memory, unless the ring was made with CAP_IPC_LOCK',
    raw: 'registerBuffers',
    member: 'ring.registerBuffers',
    does: 'Pins buffers for READ_FIXED and WRITE_FIXED.',
  },
  {
    value: 1,
    name: 'UNREGISTER_BUFFERS',
    since: '5.1',
    arg: { is: 'none' },
    nrArgs: { is: 'fixed', value: 0 },
    needs: 'a buffer table',
    raw: 'unregisterBuffers',
    member: 'buffers.unregister',
    does: 'Drops the buffer table.',
  },
  {
    value: 2,
    name: 'REGISTER_FILES',
    since: '5.1',
    arg: { is: 'values', element: 's32', out: false },
    nrArgs: { is: 'count', min: 1, max: 1_048_576 },
    undo: 'UNREGISTER_FILES',
    needs: 'a soft RLIMIT_NOFILE of at least that many',
    raw: 'registerFiles',
    member: 'ring.registerFiles',
    does: 'Makes a table of files for IOSQE_FIXED_FILE; -1 leaves a slot empty.',
  },
  {
    value: 3,
    name: 'UNREGISTER_FILES',
    since: '5.1',
    arg: { is: 'none' },
    nrArgs: { is: 'fixed', value: 0 },
    needs: 'a file table',
    raw: 'unregisterFiles',
    member: 'files.unregister',
    does: 'Drops the file table.',
  },
  {
    value: 4,
    name: 'REGISTER_EVENTFD',
    since: '5.2',
    arg: { is: 'values', element: 's32', out: false },
    nrArgs: { is: 'fixed', value: 1 },
    undo: 'UNREGISTER_EVENTFD',
    raw: 'registerEventfd',
    member: 'ring.registerEventfd',
    does: 'Signals an eventfd for each completion.',
  },
  {
    value: 5,
    name: 'UNREGISTER_EVENTFD',
    since: '5.2',
    arg: { is: 'none' },
    nrArgs: { is: 'fixed', value: 0 },
    needs: 'a registered eventfd',
    raw: 'unregisterEventfd',
    member: 'eventfd.unregister',
    does: 'Lets go of the eventfd.',
  },
  {
    value: 6,
    name: 'REGISTER_FILES_UPDATE',
    since: '5.5',
    arg: { is: 'struct', struct: RsrcUpdate, many: false, out: false },
    nrArgs: { is: 'count', min: 1, max: 1_048_576 },
    needs: 'a file table',
    raw: 'registerFilesUpdate',
    member: 'files.update',
    does: 'Replaces, clears (-1) or skips (-2) slots of the file table.',
  },
  {
    value: 7,
    name: 'REGISTER_EVENTFD_ASYNC',
    since: '5.6',
    arg: { is: 'values', element: 's32', out: false },
    nrArgs: { is: 'fixed', value: 1 },
    undo: 'UNREGISTER_EVENTFD',
    raw: 'registerEventfdAsync',
    member: 'ring.registerEventfd',
    does: 'Signals an eventfd for completions of worker threads only.',
  },
  {
    value: 8,
    name: 'REGISTER_PROBE',
    since: '5.6',
    arg: { is: 'struct', struct: Probe, many: false, out: true },
    nrArgs: { is: 'count', min: 0, max: 256 },
    raw: 'registerProbe',
    member: 'ring.probe',
    does: 'Tells which SQE operations this kernel knows.',
  },
  {
    value: 9,
    name: 'REGISTER_PERSONALITY',
    since: '5.6',
    arg: { is: 'none' },
    nrArgs: { is: 'fixed', value: 0 },
    undo: 'UNREGISTER_PERSONALITY',
    raw: 'registerPersonality',
    member: 'ring.registerPersonality',
    does: "Stores the caller's credentials; returns their id.",
  },
  {
    value: 10,
    name: 'UNREGISTER_PERSONALITY',
    since: '5.6',
    arg: { is: 'none' },
    nrArgs: { is: 'id' },
    needs: 'a registered personality',
    raw: 'unregisterPersonality',
    member: 'personality.unregister',
    does: 'Drops stored credentials.',
  },
  {
    value: 11,
    name: 'REGISTER_RESTRICTIONS',
    since: '5.10',
    arg: { is: 'struct', struct: Restriction, many: true, out: false },
    taskArg: TaskRestriction,
    // rules for each kind, each opcode and each operation
    nrArgs: { is: 'count', min: 0, max: 4 + 38 + ops.length },
    needs: 'a ring made with SETUP_R_DISABLED',
    raw: 'registerRestrictions',
    member: 'ring.registerRestrictions',
    does: 'Limits the ring for good to listed operations, flags and opcodes.',
  },
  {
    value: 12,
    name: 'REGISTER_ENABLE_RINGS',
    since: '5.10',
    arg: { is: 'none' },
    nrArgs: { is: 'fixed', value: 0 },
    needs: 'a ring made with SETUP_R_DISABLED',
    raw: 'registerEnableRings',
    member: 'ring.enable',
    does: 'Starts a ring that was made disabled.',
  },
  {
    value: 13,
    name: 'REGISTER_FILES2',
    since: '5.13',
    arg: { is: 'struct', struct: RsrcRegister, many: false, out: false },
    nrArgs: { is: 'size', value: 32 },
    undo: 'UNREGISTER_FILES',
    needs: 'a soft RLIMIT_NOFILE of at least that many',
    raw: 'registerFiles2',
    member: 'ring.registerFiles',
    does: 'Makes a table of files with tags, or an empty one.',
  },
  {
    value: 14,
    name: 'REGISTER_FILES_UPDATE2',
    since: '5.13',
    arg: { is: 'struct', struct: RsrcUpdate2, many: false, out: false },
    nrArgs: { is: 'size', value: 32 },
    needs: 'a file table',
    raw: 'registerFilesUpdate2',
    member: 'files.update',
    does: 'Replaces, clears or skips slots of the file table, with tags.',
  },
  {
    value: 15,
    name: 'REGISTER_BUFFERS2',
    since: '5.13',
    arg: { is: 'struct', struct: RsrcRegister, many: false, out: false },
    nrArgs: { is: 'size', value: 32 },
    undo: 'UNREGISTER_BUFFERS',
    needs: 'locked memory, unless the ring was made with CAP_IPC_LOCK',
    raw: 'registerBuffers2',
    member: 'ring.registerBuffers',
    does: 'Pins buffers with tags, or makes an empty table.',
  },
  {
    value: 16,
    name: 'REGISTER_BUFFERS_UPDATE',
    since: '5.13',
    arg: { is: 'struct', struct: RsrcUpdate2, many: false, out: false },
    nrArgs: { is: 'size', value: 32 },
    needs: 'a buffer table',
    raw: 'registerBuffersUpdate',
    member: 'buffers.update',
    does: 'Replaces or empties slots of the buffer table, with tags.',
  },
  {
    value: 17,
    name: 'REGISTER_IOWQ_AFF',
    since: '5.14',
    arg: { is: 'values', element: 'u8', out: false },
    nrArgs: { is: 'bytes' },
    undo: 'UNREGISTER_IOWQ_AFF',
    needs: 'a thread that has made or used a ring',
    raw: 'registerIowqAff',
    member: 'ring.limitWorkers',
    does: 'Binds new worker threads of this thread to a mask of CPUs.',
  },
  {
    value: 18,
    name: 'UNREGISTER_IOWQ_AFF',
    since: '5.14',
    arg: { is: 'none' },
    nrArgs: { is: 'fixed', value: 0 },
    needs: 'a thread that has made or used a ring',
    raw: 'unregisterIowqAff',
    member: 'limits.unregister',
    does: 'Lets new worker threads run on every CPU again.',
  },
  {
    value: 19,
    name: 'REGISTER_IOWQ_MAX_WORKERS',
    since: '5.15',
    arg: { is: 'values', element: 'u32', out: true },
    nrArgs: { is: 'fixed', value: 2 },
    raw: 'registerIowqMaxWorkers',
    member: 'ring.limitWorkers',
    does: 'Limits worker threads, bounded and unbounded; returns the former limits, 0 only asks.',
  },
  {
    value: 20,
    name: 'REGISTER_RING_FDS',
    since: '5.18',
    arg: { is: 'struct', struct: RsrcUpdate, many: true, out: true },
    nrArgs: { is: 'count', min: 1, max: 16 },
    undo: 'UNREGISTER_RING_FDS',
    raw: 'registerRingFds',
    member: 'ring.registerRingFd',
    does: 'Gives rings an index in this thread, for use instead of the fd.',
  },
  {
    value: 21,
    name: 'UNREGISTER_RING_FDS',
    since: '5.18',
    arg: { is: 'struct', struct: RsrcUpdate, many: true, out: false },
    nrArgs: { is: 'count', min: 1, max: 16 },
    raw: 'unregisterRingFds',
    member: 'ringFd.unregister',
    does: 'Frees indices of rings in this thread.',
  },
  {
    value: 22,
    name: 'REGISTER_PBUF_RING',
    since: '5.19',
    arg: { is: 'struct', struct: BufReg, many: false, out: false },
    nrArgs: { is: 'fixed', value: 1 },
    undo: 'UNREGISTER_PBUF_RING',
    raw: 'registerPbufRing',
    member: 'ring.registerBufferRing',
    does: 'Provides a ring of buffers that receives pick from.',
  },
  {
    value: 23,
    name: 'UNREGISTER_PBUF_RING',
    since: '5.19',
    arg: { is: 'struct', struct: BufReg, many: false, out: false },
    nrArgs: { is: 'fixed', value: 1 },
    needs: 'a buffer ring',
    raw: 'unregisterPbufRing',
    member: 'pool.unregister',
    does: 'Takes a buffer ring back.',
  },
  {
    value: 24,
    name: 'REGISTER_SYNC_CANCEL',
    since: '6.0',
    arg: { is: 'struct', struct: SyncCancelReg, many: false, out: false },
    nrArgs: { is: 'fixed', value: 1 },
    raw: 'registerSyncCancel',
    member: 'ring.cancelSync',
    does: 'Cancels operations and waits until they have ended.',
  },
  {
    value: 25,
    name: 'REGISTER_FILE_ALLOC_RANGE',
    since: '6.0',
    arg: { is: 'struct', struct: FileIndexRange, many: false, out: false },
    nrArgs: { is: 'fixed', value: 0 },
    needs: 'a file table',
    raw: 'registerFileAllocRange',
    member: 'files.allocRange',
    does: 'Sets the slots that the kernel may pick for direct descriptors.',
  },
  {
    value: 26,
    name: 'REGISTER_PBUF_STATUS',
    since: '6.8',
    arg: { is: 'struct', struct: BufStatus, many: false, out: true },
    nrArgs: { is: 'fixed', value: 1 },
    needs: 'a buffer ring',
    raw: 'registerPbufStatus',
    member: 'pool.status',
    does: "Tells a buffer ring's head.",
  },
  {
    value: 27,
    name: 'REGISTER_NAPI',
    since: '6.9',
    arg: { is: 'struct', struct: Napi, many: false, out: true },
    nrArgs: { is: 'fixed', value: 1 },
    undo: 'UNREGISTER_NAPI',
    needs: 'CONFIG_NET_RX_BUSY_POLL and a ring without SETUP_IOPOLL',
    raw: 'registerNapi',
    member: 'ring.enableNapi',
    does: 'Busy-polls network queues; returns the former settings.',
  },
  {
    value: 28,
    name: 'UNREGISTER_NAPI',
    since: '6.9',
    arg: { is: 'struct', struct: Napi, many: false, out: true },
    nrArgs: { is: 'fixed', value: 1 },
    raw: 'unregisterNapi',
    member: 'napi.unregister',
    does: 'Ends busy polling; returns the former settings.',
  },
  {
    value: 29,
    name: 'REGISTER_CLOCK',
    since: '6.12',
    arg: { is: 'struct', struct: ClockRegister, many: false, out: false },
    nrArgs: { is: 'fixed', value: 0 },
    raw: 'registerClock',
    member: 'ring.setClock',
    does: "Sets the clock of the ring's waits.",
  },
  {
    value: 30,
    name: 'REGISTER_CLONE_BUFFERS',
    since: '6.12',
    arg: { is: 'struct', struct: CloneBuffers, many: false, out: false },
    nrArgs: { is: 'fixed', value: 1 },
    undo: 'UNREGISTER_BUFFERS',
    needs: 'a source ring with buffers, of the same process and user',
    raw: 'registerCloneBuffers',
    member: 'buffers.cloneTo',
    does: "Shares another ring's buffers.",
  },
  {
    value: 31,
    name: 'REGISTER_SEND_MSG_RING',
    since: '6.13',
    arg: { is: 'struct', struct: Sqe, many: false, out: false },
    nrArgs: { is: 'fixed', value: 1 },
    needs: 'fd -1, and a target ring that is enabled',
    raw: 'registerSendMsgRing',
    member: 'ring.sendMessage',
    does: 'Puts a completion into another ring without a ring of its own.',
  },
  {
    value: 32,
    name: 'REGISTER_ZCRX_IFQ',
    since: '6.15',
    arg: { is: 'struct', struct: ZcrxIfqReg, many: false, out: true },
    nrArgs: { is: 'fixed', value: 1 },
    needs: 'CAP_NET_ADMIN, a fitting NIC, SETUP_DEFER_TASKRUN and SETUP_CQE32 or SETUP_CQE_MIXED',
    raw: 'registerZcrxIfq',
    member: 'ring.registerZcrxIfq',
    does: 'Takes a queue of a network card for zero-copy receive.',
  },
  {
    value: 33,
    name: 'REGISTER_RESIZE_RINGS',
    since: '6.13',
    arg: { is: 'struct', struct: Params, many: false, out: true },
    nrArgs: { is: 'fixed', value: 1 },
    needs: 'a ring made with SETUP_DEFER_TASKRUN',
    raw: 'registerResizeRings',
    member: 'ring.resize',
    does: 'Resizes the queues; pending completions are kept.',
  },
  {
    value: 34,
    name: 'REGISTER_MEM_REGION',
    since: '6.13',
    arg: { is: 'struct', struct: MemRegionReg, many: false, out: true },
    nrArgs: { is: 'fixed', value: 1 },
    needs: 'locked memory; for waits a ring made with SETUP_R_DISABLED',
    raw: 'registerMemRegion',
    member: 'ring.registerRegion',
    does: 'Shares a region of memory for waits; once per ring.',
  },
  {
    value: 35,
    name: 'REGISTER_QUERY',
    since: '6.18',
    arg: { is: 'struct', struct: QueryHdr, many: false, out: true },
    nrArgs: { is: 'fixed', value: 0 },
    raw: 'registerQuery',
    member: 'ring.query',
    does: 'Asks what the kernel has, also without a ring (fd -1).',
  },
  {
    value: 36,
    name: 'REGISTER_ZCRX_CTRL',
    since: '6.19',
    arg: { is: 'struct', struct: ZcrxCtrl, many: false, out: true },
    nrArgs: { is: 'fixed', value: 0 },
    needs: 'a registered zero-copy receive queue',
    raw: 'registerZcrxCtrl',
    member: 'ifq.control',
    does: 'Flushes or exports a zero-copy receive queue.',
  },
  {
    value: 37,
    name: 'REGISTER_BPF_FILTER',
    since: '7.0',
    arg: { is: 'struct', struct: Bpf, many: false, out: true },
    nrArgs: { is: 'fixed', value: 1 },
    needs: 'on fd -1, CAP_SYS_ADMIN or no_new_privs',
    raw: 'registerBpfFilter',
    member: 'ring.registerBpfFilter',
    does: 'Filters operations of a ring, or of the task (fd -1), by a BPF program.',
  },
] as const satisfies readonly RegisterRow[];

/** `'REGISTER_BUFFERS'` and the other 37. */
export type RegisterOpName = (typeof registerOps)[number]['name'];

const rows: readonly RegisterRow[] = registerOps;

/** The row of an opcode; undefined for one that is in no header yet. */
export function registerRow(value: number): RegisterRow | undefined {
  return rows[value];
}

/**
 * The name of an opcode, without `IORING_`; undefined for one that is in no header yet.
 * IORING_REGISTER_USE_REGISTERED_RING (bit 31) in `value` is ignored.
 */
export function registerOpName(value: number): RegisterOpName | undefined {
  return registerOps[value & 0x7fff_ffff]?.name;
}

/**
 * The argument of an opcode from its bytes: a value, or an array of values or numbers; an incomplete element at the end
 * is left out.
 * @param fd the call's fd: -1 is the form without a ring
 * @returns null where the opcode has no argument, or `bytes` is shorter than its struct
 */
export function decodeArgument(row: RegisterRow, bytes: Uint8Array, fd: number): unknown {
  const { arg, taskArg } = row;
  if (fd === -1 && taskArg !== undefined) {
    return bytes.byteLength < taskArg.size ? null : taskArg.decode(bytes);
  }
  if (arg.is === 'none') return null;
  if (arg.is === 'struct') {
    if (arg.many) return each(bytes, arg.struct.size, (at) => arg.struct.decode(bytes, at));
    return bytes.byteLength < arg.struct.size ? null : arg.struct.decode(bytes);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return each(bytes, SCALAR_SIZE[arg.element], (at) => LOAD[arg.element](view, at));
}

function each<T>(bytes: Uint8Array, size: number, decode: (at: number) => T): T[] {
  return Array.from({ length: Math.floor(bytes.byteLength / size) }, (_, i) => decode(i * size));
}
