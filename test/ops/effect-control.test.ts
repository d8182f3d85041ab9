/** Operations on rings, on other operations, and commands: by their effects. */
import assert from 'node:assert/strict';
import { openSync, readSync, writeSync } from 'node:fs';
import * as preparers from '../../lib/ops/preparers.ts';
import { alloc, enter, nextSqe, registerBuffers, registerFiles } from '../../lib/raw.ts';
import { type OpName, probe } from '../../lib/register/support.ts';
import { constants } from '../../structs/flags.ts';
import { nopsLookUpFiles } from '../helpers/kernel-bugs.ts';
import { needs, needsOp } from '../helpers/needs.ts';
import {
  EBADF,
  EBADFD,
  ECANCELED,
  EFAULT,
  EINVAL,
  ENOENT,
  EOPNOTSUPP,
  type Fill,
  OpRing,
  opTest,
  textBytes,
  textOf,
} from './op-ring.ts';
import { AF_INET, socket as makeSocket, tcpPair } from './sockets.ts';

const POLLIN = 1;
const NO_FD = 0x7fff_fff0;
const NOP_FILE = 2;
const NOP_FIXED_FILE = 4;
const NOP_FIXED_BUFFER = 8;
const {
  IORING_ASYNC_CANCEL_ALL,
  IORING_ASYNC_CANCEL_ANY,
  IORING_ASYNC_CANCEL_FD,
  IORING_ASYNC_CANCEL_FD_FIXED,
  IORING_ASYNC_CANCEL_OP,
  IORING_CQE_F_32,
  IORING_FILE_INDEX_ALLOC,
  IORING_MSG_RING_CQE_SKIP,
  IORING_NOP_INJECT_RESULT,
  IORING_OP_POLL_ADD,
  IORING_OP_READ,
  IORING_SETUP_CQE32,
  IORING_SETUP_SQE_MIXED,
  IOSQE_FIXED_FILE,
  SOCKET_URING_OP_GETSOCKOPT,
  SOCKET_URING_OP_SETSOCKOPT,
  SOCKET_URING_OP_SIOCINQ,
  SOCKET_URING_OP_SIOCOUTQ,
} = constants;

// ---- no-ops -------------------------------------------------------------------------------------------------------

opTest('OP_NOP', 'completes with the user_data given', (ring) => {
  ring.start(preparers.nop, Number.MAX_SAFE_INTEGER);
  assert.deepEqual(ring.next(), { userData: Number.MAX_SAFE_INTEGER, res: 0, flags: 0 });
  ring.start((sqe) => preparers.nop(sqe));
  ring.start((sqe) => preparers.nop(sqe));
  assert.deepEqual([ring.next().res, ring.next().res], [0, 0]);
});

opTest(
  'OP_NOP',
  'completes with the result given, and looks up files and buffers',
  (ring, scope) => {
    const nop = (flags: number, fd: number, result: number, buffer: number): number =>
      ring.result((sqe) => preparers.nopWith(sqe, flags, fd, result, buffer));
    registerFiles(ring.fd, [-1, scope.pipe().reader]);
    registerBuffers(ring.fd, [alloc(16)]);
    assert.equal(nop(0x4000_0000, -1, 0, 0), EINVAL);
    assert.deepEqual(
      [1, -4095, 0x7fff_ffff].map((result) => nop(IORING_NOP_INJECT_RESULT, -1, result, 0)),
      [1, -4095, 0x7fff_ffff],
    );
    assert.deepEqual([nop(NOP_FILE, NO_FD, 0, 0), nop(NOP_FILE, ring.fd, 0, 0)], [EBADF, 0]);
    const fixed = NOP_FILE | NOP_FIXED_FILE;
    assert.deepEqual([nop(fixed, 0, 0, 0), nop(fixed, 1, 0, 0)], [EBADF, 0]);
    assert.deepEqual([nop(NOP_FIXED_BUFFER, -1, 0, 1), nop(NOP_FIXED_BUFFER, -1, 0, 0)], [EFAULT, 0]);
  },
  nopsLookUpFiles(needsOp('OP_RECV_ZC')),
);

opTest(
  'OP_NOP',
  'fills a big completion',
  (ring, scope) => {
    const big = new OpRing(scope, IORING_SETUP_CQE32);
    assert.equal(
      ring.result((sqe) => preparers.nopCqe32(sqe, 1, 2)),
      EINVAL,
    );
    const { res, flags } = big.run((sqe) => preparers.nopCqe32(sqe, 2 ** 40 + 1, 2 ** 46 + 2));
    assert.deepEqual([res, flags & ~IORING_CQE_F_32], [0, 0]);
    assert.deepEqual(big.queues.extra(), [2n ** 40n + 1n, 2n ** 46n + 2n]);
  },
  needs('REGISTER_QUERY'),
);

/** An operation of 128 bytes does its work on a kernel that has it; one without it says EINVAL, as probe() does. */
function bigOpTest(op: OpName, what: string, fill: Fill, result: number): void {
  const { supported } = probe().ops[op];
  // no needs: its refusal by an older kernel is what is tested there
  opTest([], `${op} ${supported ? what : 'is refused, as probe() says'}`, (ring, scope) => {
    assert.equal(ring.result(fill), EINVAL);
    if (!supported) return;
    const mixed = new OpRing(scope, IORING_SETUP_SQE_MIXED);
    fill(nextSqe(mixed.queues));
    nextSqe(mixed.queues);
    mixed.queues.publish();
    assert.equal(enter(mixed.fd, { toSubmit: 2 }), 2);
    assert.equal(mixed.next().res, result);
  });
}

bigOpTest('OP_NOP128', 'completes', preparers.nop128, 0);

// ---- other operations -----------------------------------------------------------------------------------------------

const WIDE = 0x1e_1234_5678_9abc;
const LOW = 0x5678_9abc;
const HIGH = 0x1e_1234;

opTest('OP_ASYNC_CANCEL', 'cancels by user_data', (ring, scope) => {
  const { reader } = scope.pipe();
  ring.start((sqe) => preparers.pollAdd(sqe, reader, POLLIN, 0), WIDE);
  assert.equal(
    ring.result((sqe) => preparers.asyncCancel(sqe, LOW, 0, 0)),
    ENOENT,
  );
  assert.equal(
    ring.result((sqe) => preparers.asyncCancel(sqe, LOW, HIGH, 0x8000)),
    EINVAL,
  );
  ring.start((sqe) => preparers.asyncCancel(sqe, LOW, HIGH, 0), 1);
  assert.deepEqual(ring.nextAll(2), [
    { userData: 1, res: 0, flags: 0 },
    { userData: WIDE, res: ECANCELED, flags: 0 },
  ]);
});

opTest(
  'OP_ASYNC_CANCEL',
  'cancels all with one user_data, or on one file',
  (ring, scope) => {
    const { reader } = scope.pipe();
    const other = scope.pipe().reader;
    const poll = (fd: number, userData: number): void =>
      ring.start((sqe) => preparers.pollAdd(sqe, fd, POLLIN, 0), userData);
    poll(reader, 5);
    poll(reader, 5);
    ring.start((sqe) => preparers.asyncCancel(sqe, 5, 0, IORING_ASYNC_CANCEL_ALL), 6);
    assert.deepEqual(
      ring.nextAll(3).map(({ res }) => res),
      [ECANCELED, ECANCELED, 2],
    );

    poll(reader, 1);
    poll(other, 2);
    poll(reader, 3);
    assert.equal(
      ring.result((sqe) => preparers.asyncCancelFd(sqe, NO_FD, 0)),
      EBADF,
    );
    ring.start((sqe) => preparers.asyncCancelFd(sqe, reader, IORING_ASYNC_CANCEL_ALL), 4);
    assert.deepEqual(
      ring.nextAll(3).map(({ userData, res }) => [userData, res]),
      [
        [1, ECANCELED],
        [3, ECANCELED],
        [4, 2],
      ],
    );
    ring.start((sqe) => preparers.asyncCancelFd(sqe, other, 0), 4);
    assert.deepEqual(
      ring.nextAll(2).map(({ res }) => res),
      [ECANCELED, 0],
    );
  },
  needsOp('OP_SOCKET'),
);

opTest(
  'OP_ASYNC_CANCEL',
  'cancels on the file in a slot',
  (ring, scope) => {
    registerFiles(ring.fd, [-1, scope.pipe().reader]);
    ring.start((sqe) => {
      preparers.pollAdd(sqe, 1, POLLIN, 0).flags = IOSQE_FIXED_FILE;
    }, 1);
    const cancel: Fill = (sqe) => preparers.asyncCancelFd(sqe, 1, IORING_ASYNC_CANCEL_FD_FIXED);
    ring.start(cancel, 2);
    assert.deepEqual(
      ring.nextAll(2).map(({ res }) => res),
      [ECANCELED, 0],
    );
  },
  needsOp('OP_SEND_ZC'),
);

opTest(
  'OP_ASYNC_CANCEL',
  'cancels by operation',
  (ring, scope) => {
    const { reader } = scope.pipe();
    const address = ring.address(alloc(8));
    ring.start((sqe) => preparers.read(sqe, reader, address, 8, -1), 1);
    ring.start((sqe) => preparers.pollAdd(sqe, reader, POLLIN, 0), 2);
    ring.start((sqe) => preparers.asyncCancelOp(sqe, IORING_OP_READ, IORING_ASYNC_CANCEL_ALL), 3);
    assert.deepEqual(
      ring.nextAll(2).map(({ userData, res }) => [userData, res]),
      [
        [1, ECANCELED],
        [3, 1],
      ],
    );
    ring.silent();
    ring.start((sqe) => preparers.asyncCancelOp(sqe, IORING_OP_POLL_ADD, 0), 3);
    assert.deepEqual(
      ring.nextAll(2).map(({ userData, res }) => [userData, res]),
      [
        [2, ECANCELED],
        [3, 0],
      ],
    );
  },
  needsOp('OP_READ_MULTISHOT'),
);

opTest(
  'OP_ASYNC_CANCEL',
  'cancels by operation and file together, or anything',
  (ring, scope) => {
    const { reader } = scope.pipe();
    const other = scope.pipe().reader;
    const address = ring.address(alloc(8));
    const both = IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_OP | IORING_ASYNC_CANCEL_ALL;
    const results = (count: number): number[][] =>
      ring.nextAll(count).map(({ userData, res }) => [userData, res]);
    ring.start((sqe) => preparers.read(sqe, reader, address, 8, -1), 1);
    ring.start((sqe) => preparers.pollAdd(sqe, reader, POLLIN, 0), 2);
    ring.start((sqe) => preparers.pollAdd(sqe, other, POLLIN, 0), 3);
    ring.start((sqe) => preparers.asyncCancelWhere(sqe, reader, IORING_OP_POLL_ADD, both), 4);
    assert.deepEqual(results(2), [
      [2, ECANCELED],
      [4, 1],
    ]);
    ring.silent();
    const any = IORING_ASYNC_CANCEL_ANY;
    ring.start((sqe) => preparers.asyncCancelWhere(sqe, -1, 0, any), 4);
    assert.deepEqual(results(3), [
      [1, ECANCELED],
      [3, ECANCELED],
      [4, 2],
    ]);
  },
  needsOp('OP_READ_MULTISHOT'),
);

// ---- other rings ----------------------------------------------------------------------------------------------------

opTest('OP_MSG_RING', 'posts a completion on another ring', (ring, scope) => {
  const target = new OpRing(scope);
  const { reader } = scope.pipe();
  assert.equal(
    ring.result((sqe) => preparers.msgRing(sqe, reader, 1, 2)),
    EBADFD,
  );
  assert.equal(
    ring.result((sqe) => preparers.msgRing(sqe, target.fd, -5, WIDE)),
    0,
  );
  assert.deepEqual(target.next(), { userData: WIDE, res: -5, flags: 0 });
  target.silent();
});

opTest(
  'OP_MSG_RING',
  'posts the flags of a completion',
  (ring, scope) => {
    const target = new OpRing(scope);
    const message: Fill = (sqe) => preparers.msgRingCqeFlags(sqe, target.fd, 3, WIDE, 0xabcd_0002);
    assert.equal(ring.result(message), 0);
    assert.deepEqual(target.next(), { userData: WIDE, res: 3, flags: 0xabcd_0002 });
  },
  needsOp('OP_READ_MULTISHOT'),
);

opTest(
  'OP_MSG_RING',
  'passes the file in a slot to another ring',
  (ring, scope) => {
    const target = new OpRing(scope);
    const { reader, writer } = scope.pipe();
    const ENFILE = -23;
    registerFiles(ring.fd, [-1, reader]);
    registerFiles(target.fd, [-1, -1, -1]);
    const pass = (slot: number, fileIndex: number, flags = 0): number =>
      ring.result((sqe) => preparers.msgRingFd(sqe, target.fd, slot, fileIndex, WIDE, flags));
    assert.equal(pass(0, 2), EBADF);
    assert.equal(pass(1, 4), EINVAL);
    target.silent();
    assert.equal(pass(1, 3), 0);
    assert.deepEqual(target.next(), { userData: WIDE, res: 0, flags: 0 });
    assert.equal(pass(1, IORING_FILE_INDEX_ALLOC), 0);
    assert.deepEqual(target.next(), { userData: WIDE, res: 0, flags: 0 });
    assert.equal(pass(1, IORING_FILE_INDEX_ALLOC, IORING_MSG_RING_CQE_SKIP), 1);
    target.silent();
    assert.equal(pass(1, IORING_FILE_INDEX_ALLOC), ENFILE);

    writeSync(writer, 'abc');
    const bytes = alloc(8);
    for (const [slot, text] of ['a', 'b', 'c'].entries()) {
      const res = target.result((sqe) => {
        preparers.read(sqe, slot, target.address(bytes), 1, -1).flags = IOSQE_FIXED_FILE;
      });
      assert.deepEqual([res, textOf(bytes, 1)], [1, text]);
    }
  },
  needsOp('OP_SEND_ZC'),
);

// ---- commands -------------------------------------------------------------------------------------------------------

opTest(
  'OP_URING_CMD',
  'reaches a driver that has commands, and is refused by one without',
  (ring, scope) => {
    const taking = scope.fd(openSync('/dev/null', 'r'));
    const without = scope.fd(openSync('/dev/zero', 'r'));
    const command = (fd: number): number => ring.result((sqe) => preparers.uringCmd(sqe, fd, 1, 0, 0, 0));
    assert.deepEqual([command(taking), command(without), command(NO_FD)], [0, EOPNOTSUPP, EBADF]);
  },
  needsOp('OP_SEND_ZC'),
);

bigOpTest(
  'OP_URING_CMD128',
  'reaches a driver',
  (sqe) => preparers.uringCmd128(sqe, NO_FD, 1, 0, 0, 0),
  EBADF,
);

/** Commands of sockets came with 6.7. */
const socketCommands = needsOp('OP_READ_MULTISHOT');
const SOL_SOCKET = 1;
const IPPROTO_TCP = 6;
const SO_TYPE = 3;
const SO_RCVBUF = 8;
const SOCK_DGRAM = 2;

opTest(
  'OP_URING_CMD',
  'gets and sets options of a socket',
  (ring, scope) => {
    // not a Unix socket, which has no commands before 6.18
    const socket = makeSocket(ring, scope, AF_INET, SOCK_DGRAM);
    const { reader } = scope.pipe();
    const value = new Int32Array(2).fill(0x5555);
    const address = ring.address(value);
    const option = (command: number, level: number, name: number, fd = socket): number =>
      ring.result((sqe) => preparers.uringCmdSock(sqe, fd, command, level, name, address, 4));
    assert.equal(option(SOCKET_URING_OP_GETSOCKOPT, SOL_SOCKET, SO_TYPE, reader), EOPNOTSUPP);
    assert.equal(option(SOCKET_URING_OP_GETSOCKOPT, IPPROTO_TCP, 1), EOPNOTSUPP);
    assert.equal(option(0x7fff, SOL_SOCKET, SO_TYPE), EOPNOTSUPP);
    assert.equal(option(SOCKET_URING_OP_GETSOCKOPT, SOL_SOCKET, SO_TYPE), 4);
    assert.deepEqual([...value], [SOCK_DGRAM, 0x5555]);
    value[0] = 9000;
    assert.equal(option(SOCKET_URING_OP_SETSOCKOPT, SOL_SOCKET, SO_RCVBUF), 0);
    value[0] = 0;
    assert.equal(option(SOCKET_URING_OP_GETSOCKOPT, SOL_SOCKET, SO_RCVBUF), 4);
    // the kernel doubles it
    assert.equal(value[0], 18_000);
  },
  socketCommands,
);

opTest(['OP_URING_CMD', 'OP_SOCKET', 'OP_BIND'], 'counts the bytes that wait in a socket', (ring, scope) => {
  const { client, peer } = tcpPair(ring, scope);
  const waiting = (fd: number, command: number): number =>
    ring.result((sqe) => preparers.uringCmdSock(sqe, fd, command, 0, 0, 0, 0));
  assert.deepEqual(
    [waiting(peer, SOCKET_URING_OP_SIOCINQ), waiting(client, SOCKET_URING_OP_SIOCOUTQ)],
    [0, 0],
  );
  writeSync(client, 'seven b');
  assert.equal(
    ring.result((sqe) => preparers.pollAdd(sqe, peer, POLLIN, 0)),
    POLLIN,
  );
  assert.equal(waiting(peer, SOCKET_URING_OP_SIOCINQ), 7);
  readSync(peer, textBytes('ab'));
  assert.equal(waiting(peer, SOCKET_URING_OP_SIOCINQ), 5);
});
