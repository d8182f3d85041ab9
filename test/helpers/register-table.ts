/**
 * What the kernel must be given for each call, written by hand from the C structs and from what liburing passes, not by
 * our encoders. `{page}` stands for the address of a piece of memory (8 bytes), `{#ring}` for an fd (4 bytes), `{*}` for
 * a pointer into memory of ours, whose content stands in `behind`, in the order of the pointers.
 */
import * as raw from '../../lib/raw.ts';
import { constants } from '../../structs/flags.ts';

/** What the calls act on. */
export interface Scene {
  /** Fds by name. */
  readonly fds: { readonly [name: string]: number };
  /** Pieces of memory by name, a page each. */
  readonly memory: { readonly [name: string]: Uint8Array };
}

/** One call, and the four values that io_uring_register(2) must get. */
export interface Expected {
  /** The function of `uring/raw`. */
  readonly name: string;
  readonly opcode: number;
  /** The name of the ring's fd, `'none'` for -1, or a registered index: then the opcode has bit 31. */
  readonly fd: string | number;
  readonly nrArgs: number;
  /** The argument's bytes; null for a null pointer. */
  readonly hex: string | null;
  readonly behind?: readonly string[];
  /** Pieces of what strace prints, where it decodes the argument (6.1: up to opcode 23). */
  readonly text?: readonly string[];
  readonly call: (scene: Scene) => unknown;
}

const Z4 = '00000000';
const Z8 = '0000000000000000';
const zeros = (bytes: number): string => '00'.repeat(bytes);
const PAGE = '0010000000000000';

const fd = (scene: Scene, name: string): number => scene.fds[name] ?? -1;
const ring = (scene: Scene): number => fd(scene, 'ring');
const piece = (scene: Scene, name: string): Uint8Array => scene.memory[name] ?? new Uint8Array(0);

const BUFFERS: readonly Expected[] = [
  {
    name: 'registerBuffers',
    opcode: 0,
    fd: 'ring',
    nrArgs: 3,
    hex: `{page} ${PAGE} ${Z8} ${Z8} {other} 0700000000000000`,
    text: ['iov_len=4096}, {iov_base=NULL, iov_len=0}, {', 'iov_len=7}]'],
    call: (s) => raw.registerBuffers(ring(s), [piece(s, 'page'), null, piece(s, 'other').subarray(0, 7)]),
  },
  {
    name: 'unregisterBuffers',
    opcode: 1,
    fd: 'ring',
    nrArgs: 0,
    hex: null,
    call: (s) => raw.unregisterBuffers(ring(s)),
  },
  {
    name: 'registerBuffers2',
    opcode: 15,
    fd: 'ring',
    nrArgs: 32,
    hex: `02000000 ${Z4} ${Z8} {*} {*}`,
    behind: [`{page} ${PAGE} ${Z8} ${Z8}`, `ffffffffffffffff ${Z8}`],
    text: ['nr=2', 'iov_len=4096}, {iov_base=NULL, iov_len=0}]', 'tags=[0xffffffffffffffff, 0]'],
    call: (s) =>
      raw.registerBuffers2(ring(s), { buffers: [piece(s, 'page'), null], tags: [2n ** 64n - 1n, 0] }),
  },
  {
    name: 'registerBuffersUpdate',
    opcode: 16,
    fd: 'ring',
    nrArgs: 32,
    hex: `01000000 ${Z4} {*} {*} 01000000 ${Z4}`,
    behind: [`{other} ${PAGE}`, 'ffffffffffff1f00'],
    text: ['offset=1', 'iov_len=4096}]', 'tags=[0x1fffffffffffff]', 'nr=1'],
    call: (s) =>
      raw.registerBuffersUpdate(ring(s), { offset: 1, buffers: [piece(s, 'other')], tags: [2 ** 53 - 1] }),
  },
  {
    name: 'registerBuffersUpdate',
    opcode: 16,
    fd: 'ring',
    nrArgs: 32,
    hex: `${Z4} ${Z4} {*} ${Z8} 02000000 ${Z4}`,
    behind: [`${Z8} ${Z8} {page} ${PAGE}`],
    text: ['nr=2'],
    call: (s) => raw.registerBuffersUpdate(ring(s), { offset: 0, buffers: [null, piece(s, 'page')] }),
  },
  {
    name: 'registerCloneBuffers',
    opcode: 30,
    fd: 'second',
    nrArgs: 1,
    hex: `{#ring} ${zeros(28)}`,
    call: (s) => raw.registerCloneBuffers(fd(s, 'second'), { srcFd: ring(s) }),
  },
  {
    name: 'registerCloneBuffers',
    opcode: 30,
    fd: 'second',
    nrArgs: 1,
    hex: `{#ring} 02000000 01000000 05000000 01000000 ${zeros(12)}`,
    call: (s) =>
      raw.registerCloneBuffers(fd(s, 'second'), {
        srcFd: ring(s),
        srcOff: 1,
        dstOff: 5,
        nr: 1,
        replace: true,
      }),
  },
  {
    name: 'unregisterBuffers',
    opcode: 1,
    fd: 'ring',
    nrArgs: 0,
    hex: null,
    call: (s) => raw.unregisterBuffers(ring(s)),
  },
  {
    name: 'registerBuffers2',
    opcode: 15,
    fd: 'ring',
    nrArgs: 32,
    hex: `08000000 01000000 ${Z8} ${Z8} ${Z8}`,
    text: ['nr=8, flags=0x1'],
    call: (s) => raw.registerBuffers2(ring(s), { sparse: 8 }),
  },
  {
    name: 'registerPbufRing',
    opcode: 22,
    fd: 'ring',
    nrArgs: 1,
    hex: `{page} 08000000 0300 0000 ${Z4} ${zeros(20)}`,
    text: ['ring_entries=8', 'bgid=3'],
    call: (s) => raw.registerPbufRing(ring(s), { ringAddr: piece(s, 'page'), ringEntries: 8, bgid: 3 }),
  },
  {
    name: 'registerPbufRing',
    opcode: 22,
    fd: 'ring',
    nrArgs: 1,
    hex: `${Z8} 10000000 ffff 0300 64000000 ${zeros(20)}`,
    call: (s) => raw.registerPbufRing(ring(s), { ringEntries: 16, bgid: 65_535, flags: 3, minLeft: 100 }),
  },
  {
    name: 'registerPbufStatus',
    opcode: 26,
    fd: 'ring',
    nrArgs: 1,
    hex: `03000000 ${zeros(36)}`,
    call: (s) => raw.registerPbufStatus(ring(s), 3),
  },
  {
    name: 'unregisterPbufRing',
    opcode: 23,
    fd: 'ring',
    nrArgs: 1,
    hex: `${Z8} ${Z4} 0300 0000 ${zeros(24)}`,
    text: ['bgid=3'],
    call: (s) => raw.unregisterPbufRing(ring(s), 3),
  },
];

const FILES: readonly Expected[] = [
  {
    name: 'registerFiles',
    opcode: 2,
    fd: 'ring',
    nrArgs: 3,
    hex: '01000000 02000000 ffffffff',
    text: ['[1, 2, -1]'],
    call: (s) => raw.registerFiles(ring(s), [1, 2, -1]),
  },
  {
    name: 'registerFilesUpdate',
    opcode: 6,
    fd: 'ring',
    nrArgs: 2,
    hex: `01000000 ${Z4} {*}`,
    behind: ['01000000 feffffff'],
    text: ['offset=1', '[1, -2]'],
    call: (s) => raw.registerFilesUpdate(ring(s), { offset: 1, fds: [1, -2] }),
  },
  {
    name: 'registerFilesUpdate2',
    opcode: 14,
    fd: 'ring',
    nrArgs: 32,
    hex: `${Z4} ${Z4} {*} {*} 02000000 ${Z4}`,
    behind: ['02000000 ffffffff', `0600000000000000 ${Z8}`],
    text: ['offset=0', '[2, -1]', 'tags=[0x6, 0]', 'nr=2'],
    call: (s) => raw.registerFilesUpdate2(ring(s), { offset: 0, fds: [2, -1], tags: [6, 0] }),
  },
  {
    name: 'registerFileAllocRange',
    opcode: 25,
    fd: 'ring',
    nrArgs: 0,
    hex: `01000000 02000000 ${Z8}`,
    call: (s) => raw.registerFileAllocRange(ring(s), { off: 1, len: 2 }),
  },
  {
    name: 'unregisterFiles',
    opcode: 3,
    fd: 'ring',
    nrArgs: 0,
    hex: null,
    call: (s) => raw.unregisterFiles(ring(s)),
  },
  {
    name: 'registerFiles2',
    opcode: 13,
    fd: 'ring',
    nrArgs: 32,
    hex: `03000000 ${Z4} ${Z8} {*} {*}`,
    behind: ['01000000 ffffffff 02000000', `0500000000000000 ${Z8} 0900000000000080`],
    text: ['nr=3', 'data=[1, -1, 2]', 'tags=[0x5, 0, 0x8000000000000009]'],
    call: (s) => raw.registerFiles2(ring(s), { fds: [1, -1, 2], tags: [5, 0n, 2n ** 63n + 9n] }),
  },
  {
    name: 'unregisterFiles',
    opcode: 3,
    fd: 'ring',
    nrArgs: 0,
    hex: null,
    call: (s) => raw.unregisterFiles(ring(s)),
  },
  {
    name: 'registerFiles2',
    opcode: 13,
    fd: 'ring',
    nrArgs: 32,
    hex: `10000000 01000000 ${Z8} ${Z8} ${Z8}`,
    text: ['nr=16, flags=0x1'],
    call: (s) => raw.registerFiles2(ring(s), { sparse: 16 }),
  },
  {
    name: 'registerRingFds',
    opcode: 20,
    fd: 'ring',
    nrArgs: 2,
    hex: `04000000 ${Z4} {#ring} ${Z4} ffffffff ${Z4} {#second} ${Z4}`,
    text: ['offset=4'],
    call: (s) => raw.registerRingFds(ring(s), [{ fd: ring(s), offset: 4 }, { fd: fd(s, 'second') }]),
  },
  {
    name: 'registerPersonality',
    opcode: 9,
    fd: 4,
    nrArgs: 0,
    hex: null,
    call: () => raw.registerPersonality({ registeredIndex: 4 }),
  },
  {
    name: 'registerCloneBuffers',
    opcode: 30,
    fd: 0,
    nrArgs: 1,
    hex: `04000000 01000000 ${zeros(24)}`,
    call: () => raw.registerCloneBuffers({ registeredIndex: 0 }, { srcFd: { registeredIndex: 4 } }),
  },
  {
    name: 'unregisterRingFds',
    opcode: 21,
    fd: 4,
    nrArgs: 2,
    hex: `${Z4} ${Z4} ${Z8} 04000000 ${Z4} ${Z8}`,
    call: () => raw.unregisterRingFds({ registeredIndex: 4 }, [0, 4]),
  },
];

const NOTIFY: readonly Expected[] = [
  {
    name: 'registerEventfd',
    opcode: 4,
    fd: 'ring',
    nrArgs: 1,
    hex: '{#signal}',
    call: (s) => raw.registerEventfd(ring(s), fd(s, 'signal')),
  },
  {
    name: 'unregisterEventfd',
    opcode: 5,
    fd: 'ring',
    nrArgs: 0,
    hex: null,
    call: (s) => raw.unregisterEventfd(ring(s)),
  },
  {
    name: 'registerEventfdAsync',
    opcode: 7,
    fd: 'ring',
    nrArgs: 1,
    hex: '{#signal}',
    call: (s) => raw.registerEventfdAsync(ring(s), fd(s, 'signal')),
  },
  {
    name: 'registerPersonality',
    opcode: 9,
    fd: 'ring',
    nrArgs: 0,
    hex: null,
    call: (s) => raw.registerPersonality(ring(s)),
  },
  {
    name: 'unregisterPersonality',
    opcode: 10,
    fd: 'ring',
    nrArgs: 2,
    hex: null,
    call: (s) => raw.unregisterPersonality(ring(s), 2),
  },
  {
    name: 'registerSyncCancel',
    opcode: 24,
    fd: 'ring',
    nrArgs: 1,
    hex: `efbeadde00000000 ffffffff ${Z4} ffffffffffffffff ffffffffffffffff 00 ${zeros(7)} ${zeros(24)}`,
    call: (s) => raw.registerSyncCancel(ring(s), { addr: 0xdead_beef }),
  },
  {
    name: 'registerSyncCancel',
    opcode: 24,
    fd: 'ring',
    nrArgs: 1,
    hex: `${Z8} {#signal} 23000000 0100000000000000 80b2e60e00000000 06 ${zeros(7)} ${zeros(24)}`,
    call: (s) =>
      raw.registerSyncCancel(ring(s), { fd: fd(s, 'signal'), flags: 0x23, timeoutMs: 1250, opcode: 6 }),
  },
  {
    name: 'registerSendMsgRing',
    opcode: 31,
    fd: 'none',
    nrArgs: 1,
    hex: `28 00 0000 {#second} fecadeadbeef0000 ${Z8} f3ffffff ${Z4} ${Z8} 0000 0000 ${Z4} ${zeros(16)}`,
    call: (s) =>
      raw.registerSendMsgRing(-1, { targetFd: fd(s, 'second'), userData: 0xefbe_addeca_fe, res: -13 }),
  },
  {
    name: 'registerSendMsgRing',
    opcode: 31,
    fd: 'none',
    nrArgs: 1,
    hex: `28 00 0000 {#second} ffffffffffffffff ${Z8} 4d000000 02000000 ${Z8} 0000 0000 37000000 ${zeros(16)}`,
    call: (s) =>
      raw.registerSendMsgRing(-1, {
        targetFd: fd(s, 'second'),
        userData: 2n ** 64n - 1n,
        res: 77,
        flags: 0x37,
      }),
  },
];

const LIMITS: readonly Expected[] = [
  {
    name: 'registerRestrictions',
    opcode: 11,
    fd: 'disabled',
    nrArgs: 4,
    hex: `0000 0c 00 ${zeros(12)} 0100 16 00 ${zeros(12)} 0200 04 00 ${zeros(12)} 0300 01 00 ${zeros(12)}`,
    text: ['opcode=0x1, sqe_op=0x16', 'opcode=0x2, sqe_flags=0x4', 'opcode=0x3, sqe_flags=0x1'],
    call: (s) =>
      raw.registerRestrictions(fd(s, 'disabled'), [
        { opcode: 'RESTRICTION_REGISTER_OP', registerOp: 'REGISTER_ENABLE_RINGS' },
        { opcode: 'RESTRICTION_SQE_OP', sqeOp: 'OP_READ' },
        { opcode: 'RESTRICTION_SQE_FLAGS_ALLOWED', sqeFlags: constants.IOSQE_IO_LINK },
        { opcode: 'RESTRICTION_SQE_FLAGS_REQUIRED', sqeFlags: constants.IOSQE_FIXED_FILE },
      ]),
  },
  {
    name: 'registerEnableRings',
    opcode: 12,
    fd: 'disabled',
    nrArgs: 0,
    hex: null,
    call: (s) => raw.registerEnableRings(fd(s, 'disabled')),
  },
  {
    name: 'registerIowqAff',
    opcode: 17,
    fd: 'ring',
    nrArgs: 16,
    hex: '0300000000000000 0100000000000000',
    call: (s) => raw.registerIowqAff(ring(s), [0, 64, 1]),
  },
  {
    name: 'unregisterIowqAff',
    opcode: 18,
    fd: 'ring',
    nrArgs: 0,
    hex: null,
    call: (s) => raw.unregisterIowqAff(ring(s)),
  },
  {
    name: 'registerIowqMaxWorkers',
    opcode: 19,
    fd: 'ring',
    nrArgs: 2,
    hex: '03000000 02000000',
    text: ['=3, [', '=2]'],
    call: (s) => raw.registerIowqMaxWorkers(ring(s), { bounded: 3, unbounded: 2 }),
  },
  {
    name: 'registerBpfFilter',
    opcode: 37,
    fd: 'second',
    nrArgs: 1,
    hex: `0100 0000 ${Z4} 12000000 01000000 02000000 18 ${zeros(3)} {*} ${zeros(40)}`,
    behind: ['2000 00 00 18000000 0600 01 02 ffffffff'],
    call: (s) =>
      raw.registerBpfFilter(fd(s, 'second'), {
        opcode: 'OP_OPENAT',
        flags: constants.IO_URING_BPF_FILTER_DENY_REST,
        pduSize: 24,
        filter: [
          { code: 0x20, k: 24 },
          { code: 0x06, jt: 1, jf: 2, k: 0xffff_ffff },
        ],
      }),
  },
];

const NETWORK: readonly Expected[] = [
  {
    name: 'registerNapi',
    opcode: 27,
    fd: 'ring',
    nrArgs: 1,
    hex: `64000000 01 00 0000 01000000 ${Z4}`,
    call: (s) => raw.registerNapi(ring(s), { busyPollTo: 100, preferBusyPoll: true, opParam: 1 }),
  },
  {
    name: 'registerNapi',
    opcode: 27,
    fd: 'ring',
    nrArgs: 1,
    hex: `${Z4} 00 01 0000 01200000 ${Z4}`,
    call: (s) => raw.registerNapi(ring(s), { opcode: constants.IO_URING_NAPI_STATIC_ADD_ID, opParam: 8193 }),
  },
  {
    name: 'unregisterNapi',
    opcode: 28,
    fd: 'ring',
    nrArgs: 1,
    hex: zeros(16),
    call: (s) => raw.unregisterNapi(ring(s)),
  },
  {
    name: 'registerZcrxIfq',
    opcode: 32,
    fd: 'big',
    nrArgs: 1,
    hex: `01000000 02000000 10000000 ${Z4} {*} {*} ${zeros(32)} ${Z4} 00200000 ${zeros(24)}`,
    behind: [
      `{page} ${PAGE} ${Z8} ${Z4} ${Z4} ${zeros(16)}`,
      `{other} ${PAGE} 01000000 ${Z4} ${Z8} ${zeros(32)}`,
    ],
    call: (s) =>
      raw.registerZcrxIfq(fd(s, 'big'), {
        ifIdx: 1,
        ifRxq: 2,
        rqEntries: 16,
        area: { addr: piece(s, 'page'), len: 4096 },
        region: { userAddr: piece(s, 'other'), size: 4096 },
        rxBufLen: 8192,
      }),
  },
  {
    name: 'registerZcrxCtrl',
    opcode: 36,
    fd: 'big',
    nrArgs: 0,
    hex: `05000000 01000000 ${zeros(64)}`,
    call: (s) => raw.registerZcrxCtrl(fd(s, 'big'), { zcrxId: 5, op: 'ZCRX_CTRL_EXPORT' }),
  },
];

const INSTANCE: readonly Expected[] = [
  {
    name: 'registerProbe',
    opcode: 8,
    fd: 'ring',
    nrArgs: 256,
    hex: zeros(16 + 256 * 8),
    text: ['{op=0, flags=0x1}, {op=1, flags=0x1}'],
    call: (s) => raw.registerProbe(ring(s)),
  },
  {
    name: 'registerClock',
    opcode: 29,
    fd: 'ring',
    nrArgs: 0,
    hex: `07000000 ${zeros(12)}`,
    call: (s) => raw.registerClock(ring(s), 7),
  },
  {
    name: 'registerResizeRings',
    opcode: 33,
    fd: 'big',
    nrArgs: 1,
    hex: `20000000 80000000 18000000 ${zeros(108)}`,
    call: (s) => raw.registerResizeRings(fd(s, 'big'), { sqEntries: 32, cqEntries: 128, clamp: true }),
  },
  {
    name: 'registerMemRegion',
    opcode: 34,
    fd: 'second',
    nrArgs: 1,
    hex: `{*} ${Z8} ${zeros(16)}`,
    behind: [`${Z8} ${PAGE} ${zeros(48)}`],
    call: (s) => raw.registerMemRegion(fd(s, 'second'), { size: 4096 }),
  },
  {
    name: 'registerMemRegion',
    opcode: 34,
    fd: 'waiting',
    nrArgs: 1,
    hex: `{*} 0100000000000000 ${zeros(16)}`,
    behind: [`{page} ${PAGE} 01000000 ${Z4} ${Z8} ${zeros(32)}`],
    call: (s) =>
      raw.registerMemRegion(fd(s, 'waiting'), { size: 4096, userAddr: piece(s, 'page'), regWaitArg: true }),
  },
  {
    name: 'registerQuery',
    opcode: 35,
    fd: 'none',
    nrArgs: 0,
    hex: `${Z8} {*} ${Z4} 30000000 ${Z4} ${zeros(12)}`,
    behind: [zeros(48)],
    call: () => raw.registerQuery(-1, 'QUERY_OPCODES'),
  },
];

/** Last, because from 7.0 on it holds for the rest of the process. */
const TASK: readonly Expected[] = [
  {
    name: 'registerRestrictions',
    opcode: 11,
    fd: 'none',
    nrArgs: 1,
    hex: `0000 0100 ${zeros(12)} 0100 00 00 ${zeros(12)}`,
    call: () => raw.registerRestrictions(-1, [{ opcode: 'RESTRICTION_SQE_OP', sqeOp: 'OP_NOP' }]),
  },
];

/** Every call, in the order in which it is made. */
export const EXPECTED: readonly Expected[] = [
  ...BUFFERS,
  ...FILES,
  ...NOTIFY,
  ...INSTANCE,
  ...LIMITS,
  ...NETWORK,
  ...TASK,
];
