/** Each preparer's bytes, against the fields of the C struct written down by hand here, in an entry full of junk. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as preparers from '../../lib/ops/preparers.ts';
import { SqeCursor } from '../../lib/ops/sqe.ts';

/** Where each field of struct io_uring_sqe lies, and its bytes. */
const FIELDS = {
  opcode: [0, 1],
  flags: [1, 1],
  ioprio: [2, 2],
  fd: [4, 4],
  off: [8, 8],
  addr2: [8, 8],
  cmd_op: [8, 4],
  addr: [16, 8],
  splice_off_in: [16, 8],
  level: [16, 4],
  optname: [20, 4],
  len: [24, 4],
  /** rw_flags, msg_flags and the others of that union */
  op_flags: [28, 4],
  user_data: [32, 8],
  buf_index: [40, 2],
  personality: [42, 2],
  splice_fd_in: [44, 4],
  file_index: [44, 4],
  addr_len: [44, 2],
  optlen: [44, 4],
  zcrx_ifq_idx: [44, 4],
  addr3: [48, 8],
  optval: [48, 8],
  attr_ptr: [48, 8],
  cmd: [48, 8],
  cmd_8: [56, 8],
  attr_type_mask: [56, 8],
} as const;
type Fields = { readonly [F in keyof typeof FIELDS]?: number | bigint };

// addresses near 2^47, where user space ends
const A = 0x7fff_dead_bee8;
const B = 0x7ffe_0000_0001;
const C = 0x7fff_ffff_fff8;
/** A file offset above 2^32. */
const FAR = 0x1f_ffff_fff7;
const ALL = 0xffff_ffff_ffff_ffffn;
const U32 = 0xffff_ffff;
const CWD = -100;
const BUFFER_SELECT = 1 << 5;
const FIXED_FILE = 1;

const JUNK = 0xa5;

/** A cursor on the middle one of three entries full of junk. */
function junk(stride: 16 | 32): { readonly sqe: SqeCursor; readonly bytes: Uint8Array } {
  const room = new ArrayBuffer(3 * stride * 4);
  const bytes = new Uint8Array(room).fill(JUNK);
  const sqe = new SqeCursor();
  sqe.attach(room, stride);
  sqe.base = stride;
  return { sqe, bytes };
}

/** The entry that has these fields, and zero elsewhere. */
function entry(fields: Fields, size: number): string {
  const bytes = new Uint8Array(size);
  const places: { readonly [name: string]: readonly [number, number] } = FIELDS;
  for (const [name, value] of Object.entries(fields)) {
    const [at, width] = places[name] ?? [0, 0];
    for (let i = 0; i < width; i++)
      bytes[at + i] = Number((BigInt.asUintN(64, BigInt(value)) >> BigInt(8 * i)) & 0xffn);
  }
  return hex(bytes);
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const tested = new Set<string>();

/** After `prepare` the entry has `fields`, and zero elsewhere; its neighbours are as they were. */
function writes(name: string, prepare: (sqe: SqeCursor) => unknown, fields: Fields): void {
  // operations of 128 bytes take two entries of 64
  const isBig = name.endsWith('128');
  tested.add(name);
  test(`${name}: the fields that the kernel reads, all others zero`, () => {
    for (const stride of [16, 32] as const) {
      const size = stride * 4;
      const { sqe, bytes } = junk(stride);
      prepare(sqe);
      const own = isBig ? 128 : size;
      assert.equal(hex(bytes.subarray(size, size + own)), entry(fields, own));
      const beside = [...bytes.subarray(0, size), ...bytes.subarray(size + own)];
      assert.ok(!beside.some((byte) => byte !== JUNK), 'the entries beside it are as they were');
    }
  });
}

// ---- control ------------------------------------------------------------------------------------------------------

writes('nop', (s) => preparers.nop(s), { opcode: 0, fd: -1 });
writes('nopWith', (s) => preparers.nopWith(s, 0x1d, 9, -7, 0xfffe), {
  opcode: 0,
  op_flags: 0x1d,
  fd: 9,
  len: -7,
  buf_index: 0xfffe,
});
writes('nopCqe32', (s) => preparers.nopCqe32(s, FAR, A), {
  opcode: 0,
  fd: -1,
  op_flags: 32,
  off: FAR,
  addr: A,
});
writes('nop128', (s) => preparers.nop128(s), { opcode: 63, fd: -1 });
writes('asyncCancel', (s) => preparers.asyncCancel(s, 0xdead_beef, 0x8000_0001, 1), {
  opcode: 14,
  fd: -1,
  addr: 0x8000_0001_dead_beefn,
  op_flags: 1,
});
writes('asyncCancelFd', (s) => preparers.asyncCancelFd(s, 5, 9), { opcode: 14, fd: 5, op_flags: 9 | 2 });
writes('asyncCancelOp', (s) => preparers.asyncCancelOp(s, 22, 1), {
  opcode: 14,
  fd: -1,
  len: 22,
  op_flags: 1 | 32,
});
writes('asyncCancelWhere', (s) => preparers.asyncCancelWhere(s, 5, 22, 35), {
  opcode: 14,
  fd: 5,
  len: 22,
  op_flags: 35,
});
writes('msgRing', (s) => preparers.msgRing(s, 7, -0x8000_0000, Number.MAX_SAFE_INTEGER), {
  opcode: 40,
  fd: 7,
  len: -0x8000_0000,
  off: 0x1f_ffff_ffff_ffffn,
});
writes('msgRingCqeFlags', (s) => preparers.msgRingCqeFlags(s, 7, 3, FAR, 0xffff_0001), {
  opcode: 40,
  fd: 7,
  len: 3,
  off: FAR,
  op_flags: 2,
  file_index: 0xffff_0001,
});
writes('msgRingFd', (s) => preparers.msgRingFd(s, 7, 3, U32, FAR, 1), {
  opcode: 40,
  fd: 7,
  addr: 1,
  off: FAR,
  addr3: 3,
  file_index: U32,
  op_flags: 1,
});
writes('uringCmd', (s) => preparers.uringCmd(s, 4, 0xc048_4e80, A, U32, 1), {
  opcode: 46,
  fd: 4,
  cmd_op: 0xc048_4e80,
  addr: A,
  len: U32,
  op_flags: 1,
});
// the same command as a signed number, as `|` makes it
writes('uringCmd', (s) => preparers.uringCmd(s, 4, 0xc048_4e80 | 0, 0, 0, 0), {
  opcode: 46,
  fd: 4,
  cmd_op: 0xc048_4e80,
});
writes('uringCmd128', (s) => preparers.uringCmd128(s, 4, 0xc048_4e80, A, 3, 1), {
  opcode: 64,
  fd: 4,
  cmd_op: 0xc048_4e80,
  addr: A,
  len: 3,
  op_flags: 1,
});
writes('uringCmdSock', (s) => preparers.uringCmdSock(s, 4, 3, 1, 8, A, 4), {
  opcode: 46,
  fd: 4,
  cmd_op: 3,
  level: 1,
  optname: 8,
  optval: A,
  optlen: 4,
});
writes('uringCmdGetsockname', (s) => preparers.uringCmdGetsockname(s, 4, A, B, 1), {
  opcode: 46,
  fd: 4,
  cmd_op: 5,
  addr: A,
  addr3: B,
  optlen: 1,
});

// ---- fs -----------------------------------------------------------------------------------------------------------

writes('openat', (s) => preparers.openat(s, CWD, A, 0x8_0042, 0o644, U32), {
  opcode: 18,
  fd: CWD,
  addr: A,
  op_flags: 0x8_0042,
  len: 0o644,
  file_index: U32,
});
writes('openat2', (s) => preparers.openat2(s, CWD, A, B, 24, 6), {
  opcode: 28,
  fd: CWD,
  addr: A,
  addr2: B,
  len: 24,
  file_index: 6,
});
writes('close', (s) => preparers.close(s, 0x7fff_ffff, 0), { opcode: 19, fd: 0x7fff_ffff });
writes('close', (s) => preparers.close(s, 0, 6), { opcode: 19, file_index: 6 });
writes('filesUpdate', (s) => preparers.filesUpdate(s, A, 3, U32), {
  opcode: 20,
  fd: -1,
  addr: A,
  len: 3,
  off: U32,
});
writes('fixedFdInstall', (s) => preparers.fixedFdInstall(s, 5, 1), {
  opcode: 54,
  flags: FIXED_FILE,
  fd: 5,
  op_flags: 1,
});
writes('pipe', (s) => preparers.pipe(s, A, 0x8_0800, U32), {
  opcode: 62,
  addr: A,
  op_flags: 0x8_0800,
  file_index: U32,
});
writes('splice', (s) => preparers.splice(s, 5, FAR, 6, -1, U32, 0x8000_0001), {
  opcode: 30,
  fd: 6,
  off: ALL,
  splice_off_in: FAR,
  len: U32,
  op_flags: 0x8000_0001,
  splice_fd_in: 5,
});
writes('splice', (s) => preparers.splice(s, -1, -1, -1, FAR, 1, 0), {
  opcode: 30,
  fd: -1,
  off: FAR,
  splice_off_in: ALL,
  len: 1,
  splice_fd_in: -1,
});
writes('tee', (s) => preparers.tee(s, 5, 6, U32, 0x8000_0000), {
  opcode: 33,
  fd: 6,
  len: U32,
  splice_fd_in: 5,
  op_flags: 0x8000_0000,
});
writes('statx', (s) => preparers.statx(s, CWD, A, 0x1000, 0x7ff, B), {
  opcode: 21,
  fd: CWD,
  addr: A,
  len: 0x7ff,
  off: B,
  op_flags: 0x1000,
});
writes('renameat', (s) => preparers.renameat(s, CWD, A, -2, B, 1), {
  opcode: 35,
  fd: CWD,
  addr: A,
  len: -2,
  off: B,
  op_flags: 1,
});
writes('unlinkat', (s) => preparers.unlinkat(s, CWD, A, 0x200), {
  opcode: 36,
  fd: CWD,
  addr: A,
  op_flags: 0x200,
});
writes('mkdirat', (s) => preparers.mkdirat(s, 9, A, 0o1777), { opcode: 37, fd: 9, addr: A, len: 0o1777 });
writes('symlinkat', (s) => preparers.symlinkat(s, A, CWD, B), { opcode: 38, fd: CWD, addr: A, addr2: B });
writes('linkat', (s) => preparers.linkat(s, 8, A, CWD, B, 0x1400), {
  opcode: 39,
  fd: 8,
  addr: A,
  len: CWD,
  addr2: B,
  op_flags: 0x1400,
});
writes('getxattr', (s) => preparers.getxattr(s, A, B, C, U32), {
  opcode: 44,
  fd: -1,
  addr: A,
  addr2: B,
  len: U32,
  addr3: C,
});
writes('setxattr', (s) => preparers.setxattr(s, A, B, C, 2, 6), {
  opcode: 42,
  fd: -1,
  addr: A,
  addr2: B,
  len: 6,
  op_flags: 2,
  addr3: C,
});
writes('fgetxattr', (s) => preparers.fgetxattr(s, 5, A, B, 6), {
  opcode: 43,
  fd: 5,
  addr: A,
  addr2: B,
  len: 6,
});
writes('fsetxattr', (s) => preparers.fsetxattr(s, 5, A, B, 1, 6), {
  opcode: 41,
  fd: 5,
  addr: A,
  addr2: B,
  len: 6,
  op_flags: 1,
});

// ---- net ----------------------------------------------------------------------------------------------------------

writes('socket', (s) => preparers.socket(s, 10, 0x8_0002, 17, U32), {
  opcode: 45,
  fd: 10,
  off: 0x8_0002,
  len: 17,
  file_index: U32,
});
writes('bind', (s) => preparers.bind(s, 5, A, 28), { opcode: 56, fd: 5, addr: A, addr2: 28 });
writes('listen', (s) => preparers.listen(s, 5, 4096), { opcode: 57, fd: 5, len: 4096 });
writes('connect', (s) => preparers.connect(s, 5, A, 110), { opcode: 16, fd: 5, addr: A, off: 110 });
writes('accept', (s) => preparers.accept(s, 5, A, B, 0x8_0800, 4), {
  opcode: 13,
  fd: 5,
  addr: A,
  addr2: B,
  op_flags: 0x8_0800,
  file_index: 4,
});
writes(
  'accept',
  (s) => {
    preparers.accept(s, 5, 0, 0, 0, U32).ioprio |= 1;
  },
  { opcode: 13, fd: 5, ioprio: 1, file_index: U32 },
);
writes('shutdown', (s) => preparers.shutdown(s, 5, 2), { opcode: 34, fd: 5, len: 2 });
writes('send', (s) => preparers.send(s, 5, A, U32, 0x4000), {
  opcode: 26,
  fd: 5,
  addr: A,
  len: U32,
  op_flags: 0x4000,
});
writes('sendTo', (s) => preparers.sendTo(preparers.send(s, 5, A, 9, 0), B, 110), {
  opcode: 26,
  fd: 5,
  addr: A,
  len: 9,
  addr2: B,
  addr_len: 110,
});
writes('sendZc', (s) => preparers.sendZc(s, 5, A, U32, 0x4000), {
  opcode: 47,
  fd: 5,
  addr: A,
  len: U32,
  op_flags: 0x4000,
});
writes(
  'sendZcFixed',
  (s) => {
    preparers.sendZcFixed(s, 5, A, 9, 0x4000, 0xffff).ioprio |= 8;
  },
  { opcode: 47, ioprio: 4 | 8, fd: 5, addr: A, len: 9, op_flags: 0x4000, buf_index: 0xffff },
);
writes('sendmsg', (s) => preparers.sendmsg(s, 5, A, 0x4000), {
  opcode: 9,
  fd: 5,
  addr: A,
  len: 1,
  op_flags: 0x4000,
});
writes('sendmsgZc', (s) => preparers.sendmsgZc(s, 5, A, 0x4000), {
  opcode: 48,
  fd: 5,
  addr: A,
  len: 1,
  op_flags: 0x4000,
});
writes('sendmsgZcFixed', (s) => preparers.sendmsgZcFixed(s, 5, A, 0, 3), {
  opcode: 48,
  ioprio: 4,
  fd: 5,
  addr: A,
  len: 1,
  buf_index: 3,
});
writes('recv', (s) => preparers.recv(s, 5, A, U32, 0x100), {
  opcode: 27,
  fd: 5,
  addr: A,
  len: U32,
  op_flags: 0x100,
});
writes('recvmsg', (s) => preparers.recvmsg(s, 5, A, 2), { opcode: 10, fd: 5, addr: A, len: 1, op_flags: 2 });
writes('recvZc', (s) => preparers.recvZc(s, 5, 4096, 7), {
  opcode: 58,
  ioprio: 2,
  fd: 5,
  len: 4096,
  zcrx_ifq_idx: 7,
});
writes('provideBuffers', (s) => preparers.provideBuffers(s, A, 4096, 16, 0xfffe, 65_000), {
  opcode: 31,
  fd: 16,
  addr: A,
  len: 4096,
  off: 65_000,
  buf_index: 0xfffe,
});
writes('removeBuffers', (s) => preparers.removeBuffers(s, 16, 0xfffe), {
  opcode: 32,
  fd: 16,
  buf_index: 0xfffe,
});

// ---- rw -----------------------------------------------------------------------------------------------------------

writes('read', (s) => preparers.read(s, 3, A, 4096, -1), { opcode: 22, fd: 3, addr: A, len: 4096, off: ALL });
writes('read', (s) => preparers.read(s, -1, C, U32, Number.MAX_SAFE_INTEGER), {
  opcode: 22,
  fd: -1,
  addr: C,
  len: U32,
  off: 0x1f_ffff_ffff_ffffn,
});
writes('write', (s) => preparers.write(s, 3, A, 4096, FAR), {
  opcode: 23,
  fd: 3,
  addr: A,
  len: 4096,
  off: FAR,
});
writes('readFixed', (s) => preparers.readFixed(s, 3, A, 1, FAR, 0xffff), {
  opcode: 4,
  fd: 3,
  addr: A,
  len: 1,
  off: FAR,
  buf_index: 0xffff,
});
writes('writeFixed', (s) => preparers.writeFixed(s, 3, A, 1, 0, 2), {
  opcode: 5,
  fd: 3,
  addr: A,
  len: 1,
  buf_index: 2,
});
writes('readv', (s) => preparers.readv(s, 3, A, 1024, FAR), {
  opcode: 1,
  fd: 3,
  addr: A,
  len: 1024,
  off: FAR,
});
writes('writev', (s) => preparers.writev(s, 3, A, 1024, -1), {
  opcode: 2,
  fd: 3,
  addr: A,
  len: 1024,
  off: ALL,
});
writes('readvFixed', (s) => preparers.readvFixed(s, 3, A, 2, FAR, 300), {
  opcode: 60,
  fd: 3,
  addr: A,
  len: 2,
  off: FAR,
  buf_index: 300,
});
writes('writevFixed', (s) => preparers.writevFixed(s, 3, A, 2, FAR, 300), {
  opcode: 61,
  fd: 3,
  addr: A,
  len: 2,
  off: FAR,
  buf_index: 300,
});
writes('readMultishot', (s) => preparers.readMultishot(s, 3, 512, -1, 9), {
  opcode: 49,
  flags: BUFFER_SELECT,
  fd: 3,
  len: 512,
  off: ALL,
  buf_index: 9,
});
writes('fsync', (s) => preparers.fsync(s, 3, 1), { opcode: 3, fd: 3, op_flags: 1 });
writes('fsyncRange', (s) => preparers.fsyncRange(s, 3, 512, FAR, 1), {
  opcode: 3,
  fd: 3,
  len: 512,
  off: FAR,
  op_flags: 1,
});
writes('syncFileRange', (s) => preparers.syncFileRange(s, 3, U32, FAR, 7), {
  opcode: 8,
  fd: 3,
  len: U32,
  off: FAR,
  op_flags: 7,
});
writes('fallocate', (s) => preparers.fallocate(s, 3, 3, FAR, 2 ** 40), {
  opcode: 17,
  fd: 3,
  len: 3,
  off: FAR,
  addr: 2 ** 40,
});
writes('ftruncate', (s) => preparers.ftruncate(s, 3, FAR), { opcode: 55, fd: 3, off: FAR });
writes('fadvise', (s) => preparers.fadvise(s, 3, FAR, U32, 4), {
  opcode: 24,
  fd: 3,
  off: FAR,
  len: U32,
  op_flags: 4,
});
writes('fadvise', (s) => preparers.fadvise(s, 3, 0, U32 + 1, 4), {
  opcode: 24,
  fd: 3,
  addr: 0x1_0000_0000,
  op_flags: 4,
});
writes('madvise', (s) => preparers.madvise(s, A, U32, 4), {
  opcode: 25,
  fd: -1,
  addr: A,
  len: U32,
  op_flags: 4,
});
writes('madvise', (s) => preparers.madvise(s, A, U32 + 1, 4), {
  opcode: 25,
  fd: -1,
  addr: A,
  off: 0x1_0000_0000,
  op_flags: 4,
});

// ---- wait ---------------------------------------------------------------------------------------------------------

writes('pollAdd', (s) => preparers.pollAdd(s, 3, 0x8000_0001, 9), {
  opcode: 6,
  fd: 3,
  len: 9,
  op_flags: 0x8000_0001,
});
writes('pollRemove', (s) => preparers.pollRemove(s, 0xdead_beef, 0x8000_0001), {
  opcode: 7,
  fd: -1,
  addr: 0x8000_0001_dead_beefn,
});
writes('pollUpdate', (s) => preparers.pollUpdate(s, 1, 0x8000_0000, 2, 0xffff_ffff, 4, 6), {
  opcode: 7,
  fd: -1,
  addr: 0x8000_0000_0000_0001n,
  off: 0xffff_ffff_0000_0002n,
  op_flags: 4,
  len: 6,
});
writes('epollCtl', (s) => preparers.epollCtl(s, 5, 1, 6, A), { opcode: 29, fd: 5, addr: A, len: 1, off: 6 });
// the kernel reads an int there: not 2^64-1
writes('epollCtl', (s) => preparers.epollCtl(s, 5, 2, -1, 0), { opcode: 29, fd: 5, len: 2, off: U32 });
writes('epollWait', (s) => preparers.epollWait(s, 5, A, 32), { opcode: 59, fd: 5, addr: A, len: 32 });
writes('timeout', (s) => preparers.timeout(s, A, 3, 0x41), {
  opcode: 11,
  fd: -1,
  addr: A,
  len: 1,
  off: 3,
  op_flags: 0x41,
});
writes('timeoutRemove', (s) => preparers.timeoutRemove(s, U32, U32), { opcode: 12, fd: -1, addr: ALL });
writes('timeoutUpdate', (s) => preparers.timeoutUpdate(s, 1, 0x8000_0000, A, 1), {
  opcode: 12,
  fd: -1,
  addr: 0x8000_0000_0000_0001n,
  addr2: A,
  op_flags: 1 | 2,
});
writes('linkTimeout', (s) => preparers.linkTimeout(s, A, 9), {
  opcode: 15,
  fd: -1,
  addr: A,
  len: 1,
  op_flags: 9,
});
writes('futexWait', (s) => preparers.futexWait(s, A, FAR, U32, 0x82), {
  opcode: 51,
  fd: 0x82,
  addr: A,
  addr2: FAR,
  addr3: U32,
});
writes('futexWake', (s) => preparers.futexWake(s, A, 1, 0x8000_0000, 0x82), {
  opcode: 52,
  fd: 0x82,
  addr: A,
  addr2: 1,
  addr3: 0x8000_0000,
});
writes('futexWaitv', (s) => preparers.futexWaitv(s, A, 128), { opcode: 53, addr: A, len: 128 });
writes('waitid', (s) => preparers.waitid(s, 1, 4242, A, 0x100_0004), {
  opcode: 50,
  fd: 4242,
  addr2: A,
  len: 1,
  file_index: 0x100_0004,
});

// ---- all of them --------------------------------------------------------------------------------------------------

test('the bytes of every preparer are tested', () => {
  assert.deepEqual([...tested].sort(), Object.keys(preparers).sort());
});

test('a preparer returns its cursor', () => {
  const { sqe } = junk(16);
  for (const [name, prepare] of Object.entries(preparers)) {
    assert.equal(Reflect.apply(prepare, undefined, [sqe, 0, 0, 0, 0, 0, 0, 0]), sqe, name);
  }
});

test("the cursor's own fields", () => {
  const { sqe, bytes } = junk(16);
  preparers.write(sqe, 3, A, 4096, 0).userData = 0xffff_ffff_ffff_fffen;
  sqe.ioprio = 0x6007;
  sqe.opFlags = 4;
  sqe.flags |= 0x14;
  sqe.personality = 0xfffd;
  sqe.addr3 = B;
  sqe.attrTypeMask = 1;
  const fields = {
    opcode: 23,
    fd: 3,
    addr: A,
    len: 4096,
    flags: 0x14,
    ioprio: 0x6007,
    op_flags: 4,
    user_data: 0xffff_ffff_ffff_fffen,
    personality: 0xfffd,
    attr_ptr: B,
    attr_type_mask: 1,
  };
  assert.equal(hex(bytes.subarray(64, 128)), entry(fields, 64));
  assert.deepEqual([sqe.opcode, sqe.flags, sqe.ioprio], [23, 0x14, 0x6007]);
});

test('bytes of a command go to the end of the entry; where they have no room they are refused', () => {
  const small = junk(16);
  const big = junk(32);
  const eighty = Uint8Array.from({ length: 80 }, (_, i) => i + 1);
  const refused = { name: 'RangeError', code: 'ERR_INVALID_ARG_VALUE', message: /"cmd".*at most 16 bytes/ };
  const give = (sqe: SqeCursor, bytes: Uint8Array): void => {
    sqe.cmd = bytes;
  };

  assert.throws(() => give(preparers.uringCmd(small.sqe, 1, 2, 0, 0, 0), eighty.subarray(0, 17)), refused);
  assert.equal(hex(small.bytes.subarray(64 + 48, 128)), '00'.repeat(16));
  const tooMany = new Uint8Array(81);
  assert.throws(() => give(preparers.uringCmd(big.sqe, 1, 2, 0, 0, 0), tooMany), /at most 80 bytes/);
  assert.throws(() => give(preparers.uringCmd128(small.sqe, 1, 2, 0, 0, 0), tooMany), /at most 80 bytes/);

  give(preparers.uringCmd(small.sqe, 1, 2, 0, 0, 0), eighty.subarray(0, 16));
  assert.equal(hex(small.bytes.subarray(64 + 48, 128)), hex(eighty.subarray(0, 16)));
  give(preparers.uringCmd(big.sqe, 1, 2, 0, 0, 0), eighty);
  assert.equal(hex(big.bytes.subarray(128 + 48, 256)), hex(eighty));
  assert.equal(big.bytes[256], JUNK);
  give(preparers.uringCmd128(small.sqe, 1, 2, 0, 0, 0), eighty);
  assert.equal(hex(small.bytes.subarray(64 + 48)), hex(eighty));
});
