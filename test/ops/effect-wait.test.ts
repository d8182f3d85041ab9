/** Operations that wait: by their effects. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readSync, writeSync } from 'node:fs';
import * as preparers from '../../lib/ops/preparers.ts';
import { alloc } from '../../lib/raw.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { FutexWaitv } from '../../structs/posix.ts';
import { changesPolls } from '../helpers/kernel-bugs.ts';
import { needsFeature, needsOp } from '../helpers/needs.ts';
import type { Scope } from '../helpers/rings.ts';
import {
  EAGAIN,
  EBADF,
  ECANCELED,
  ECHILD,
  EEXIST,
  EFAULT,
  EINVAL,
  ENOENT,
  ETIME,
  type OpRing,
  opTest,
  textOf,
} from './op-ring.ts';

const POLLIN = 1;
const POLLOUT = 4;
const NO_FD = 0x7fff_fff0;
const LONG_MS = 3_600_000;
const {
  FUTEX2_PRIVATE,
  FUTEX2_SIZE_U32,
  IORING_CQE_F_MORE,
  IORING_LINK_TIMEOUT_UPDATE,
  IORING_POLL_ADD_MULTI,
  IORING_POLL_UPDATE_EVENTS,
  IORING_POLL_UPDATE_USER_DATA,
  IORING_TIMEOUT_ABS,
  IORING_TIMEOUT_ETIME_SUCCESS,
  IORING_TIMEOUT_MULTISHOT,
  IOSQE_IO_LINK,
} = constants;
/** user_data with all its halves used. */
const WIDE = 0x1e_1234_5678_9abc;
const LOW = 0x5678_9abc;
const HIGH = 0x1e_1234;
/** Multishot polls and their updates came with 5.13, as tags did. */
const polls513 = needsFeature('FEAT_RSRC_TAGS');

function read(fd: number): string {
  const bytes = new Uint8Array(100);
  return textOf(bytes, readSync(fd, bytes));
}

// ---- files --------------------------------------------------------------------------------------------------------

opTest('OP_POLL_ADD', 'tells the events of a file', (ring, scope) => {
  const { reader, writer } = scope.pipe();
  assert.equal(
    ring.result((sqe) => preparers.pollAdd(sqe, NO_FD, POLLIN, 0)),
    EBADF,
  );
  assert.equal(
    ring.result((sqe) => preparers.pollAdd(sqe, reader, POLLIN, 0x80)),
    EINVAL,
  );
  assert.equal(
    ring.result((sqe) => preparers.pollAdd(sqe, writer, POLLOUT, 0)),
    POLLOUT,
  );
  ring.start((sqe) => preparers.pollAdd(sqe, reader, POLLIN, 0), WIDE);
  ring.silent();
  writeSync(writer, 'x');
  assert.deepEqual(ring.next(), { userData: WIDE, res: POLLIN, flags: 0 });
});

opTest(
  ['OP_POLL_ADD', 'OP_POLL_REMOVE'],
  'tells events again and again, until it is removed',
  (ring, scope) => {
    const { reader, writer } = scope.pipe();
    ring.start((sqe) => preparers.pollAdd(sqe, reader, POLLIN, IORING_POLL_ADD_MULTI), WIDE);
    for (const text of ['a', 'b']) {
      ring.silent();
      writeSync(writer, text);
      assert.deepEqual(ring.next(), { userData: WIDE, res: POLLIN, flags: IORING_CQE_F_MORE });
      assert.equal(read(reader), text);
    }
    ring.start((sqe) => preparers.pollRemove(sqe, LOW, HIGH), 1);
    assert.deepEqual(ring.nextAll(2), [
      { userData: 1, res: 0, flags: 0 },
      { userData: WIDE, res: ECANCELED, flags: 0 },
    ]);
  },
  polls513,
);

opTest('OP_POLL_REMOVE', 'ends the poll with this user_data', (ring, scope) => {
  const { reader } = scope.pipe();
  ring.start((sqe) => preparers.pollAdd(sqe, reader, POLLIN, 0), WIDE);
  assert.equal(
    ring.result((sqe) => preparers.pollRemove(sqe, LOW, 0)),
    ENOENT,
  );
  assert.equal(
    ring.result((sqe) => preparers.pollRemove(sqe, 0, HIGH)),
    ENOENT,
  );
  ring.start((sqe) => preparers.pollRemove(sqe, LOW, HIGH), 1);
  assert.deepEqual(ring.nextAll(2), [
    { userData: 1, res: 0, flags: 0 },
    { userData: WIDE, res: ECANCELED, flags: 0 },
  ]);
});

opTest(
  'OP_POLL_REMOVE',
  'changes the events and the user_data of a poll',
  (ring, scope) => {
    const { reader, writer } = scope.pipe();
    const change = IORING_POLL_UPDATE_EVENTS | IORING_POLL_UPDATE_USER_DATA;
    ring.start((sqe) => preparers.pollAdd(sqe, reader, 0, 0), WIDE);
    writeSync(writer, 'x');
    ring.silent();
    const update = (low: number): number =>
      ring.result((sqe) => preparers.pollUpdate(sqe, low, HIGH, 9, 0x10_0000, POLLIN, change));
    assert.equal(update(LOW + 1), ENOENT);
    ring.start((sqe) => preparers.pollUpdate(sqe, LOW, HIGH, 9, 0x10_0000, POLLIN, change), 1);
    assert.deepEqual(ring.nextAll(2), [
      { userData: 1, res: 0, flags: 0 },
      { userData: 0x10_0000_0000_0009, res: POLLIN, flags: 0 },
    ]);
  },
  changesPolls(polls513),
);

/** struct epoll_event is packed on x86-64 only. */
const EPOLL_DATA = process.arch === 'x64' ? 4 : 8;

/** An epoll_event, `bytes` of it. */
function epollEvent(events: number, data: bigint): Uint8Array {
  const view = new DataView(new ArrayBuffer(EPOLL_DATA + 8));
  view.setUint32(0, events, true);
  view.setBigUint64(EPOLL_DATA, data, true);
  return new Uint8Array(view.buffer);
}

const CTL_ADD = 1;
const CTL_DEL = 2;
const CTL_MOD = 3;

opTest(['OP_EPOLL_CTL'], 'puts a file into an epoll instance, changes it, takes it out', (ring, scope) => {
  const epoll = scope.fd(sys.epollCreate());
  const { reader, writer } = scope.pipe();
  const watched = (): string[] =>
    readFileSync(`/proc/self/fdinfo/${epoll}`, 'utf8')
      .split('\n')
      .flatMap((line) => /^tfd: +(\d+) events: +(\w+) data: +(\w+)/.exec(line)?.slice(1).join(' ') ?? []);
  const control = (op: number, fd: number, event: Uint8Array): number =>
    ring.result((sqe) => preparers.epollCtl(sqe, epoll, op, fd, ring.address(event)));
  assert.equal(control(CTL_MOD, reader, epollEvent(POLLIN, 1n)), ENOENT);
  assert.equal(control(CTL_ADD, -1, epollEvent(POLLIN, 1n)), EBADF);
  assert.equal(control(CTL_ADD, reader, epollEvent(POLLIN, 0xdead_beef_0000_0001n)), 0);
  assert.equal(control(CTL_ADD, reader, epollEvent(POLLIN, 1n)), EEXIST);
  // the kernel adds POLLERR and POLLHUP
  assert.deepEqual(watched(), [`${reader} 19 deadbeef00000001`]);
  writeSync(writer, 'x');
  assert.equal(
    ring.result((sqe) => preparers.pollAdd(sqe, epoll, POLLIN, 0)),
    POLLIN,
  );
  assert.equal(control(CTL_MOD, reader, epollEvent(POLLOUT, 2n)), 0);
  assert.deepEqual(watched(), [`${reader} 1c 2`]);
  assert.equal(
    ring.result((sqe) => preparers.epollCtl(sqe, epoll, CTL_DEL, reader, 0)),
    0,
  );
  assert.deepEqual(watched(), []);
});

opTest(['OP_EPOLL_WAIT', 'OP_EPOLL_CTL'], 'gets the events of an epoll instance', (ring, scope) => {
  const epoll = scope.fd(sys.epollCreate());
  const { reader, writer } = scope.pipe();
  const event = ring.address(epollEvent(POLLIN, 0xdead_beef_0000_0001n));
  assert.equal(
    ring.result((sqe) => preparers.epollCtl(sqe, epoll, CTL_ADD, reader, event)),
    0,
  );
  const size = EPOLL_DATA + 8;
  const events = alloc(2 * size).fill(0x55);
  const address = ring.address(events);
  assert.equal(
    ring.result((sqe) => preparers.epollWait(sqe, reader, address, 2)),
    EINVAL,
  );
  assert.equal(
    ring.result((sqe) => preparers.epollWait(sqe, epoll, address, 0)),
    EINVAL,
  );
  ring.start((sqe) => preparers.epollWait(sqe, epoll, address, 2), 1);
  ring.silent();
  writeSync(writer, 'x');
  assert.deepEqual(ring.next(), { userData: 1, res: 1, flags: 0 });
  const view = new DataView(events.buffer, events.byteOffset, events.length);
  assert.equal(view.getUint32(0, true), POLLIN);
  assert.equal(view.getBigUint64(EPOLL_DATA, true), 0xdead_beef_0000_0001n);
  assert.equal(events[size], 0x55);
});

// ---- time ---------------------------------------------------------------------------------------------------------

opTest('OP_TIMEOUT', 'ends when its time is over', (ring) => {
  assert.equal(
    ring.result((sqe) => preparers.timeout(sqe, 1, 0, 0)),
    EFAULT,
  );
  assert.equal(
    ring.result((sqe) => preparers.timeout(sqe, ring.time(0), 0, 0x8000)),
    EINVAL,
  );
  const before = process.hrtime.bigint();
  assert.equal(
    ring.result((sqe) => preparers.timeout(sqe, ring.time(30), 0, 0)),
    ETIME,
  );
  const took = Number(process.hrtime.bigint() - before) / 1e6;
  assert.ok(took >= 30 && took < 3000, `${took} ms`);
  // the monotonic clock is past 1 ms
  assert.equal(
    ring.result((sqe) => preparers.timeout(sqe, ring.time(1), 0, IORING_TIMEOUT_ABS)),
    ETIME,
  );
});

opTest('OP_TIMEOUT', 'ends early after so many completions', (ring, scope) => {
  const { reader, writer } = scope.pipe();
  ring.startAll(
    [
      (sqe) => preparers.timeout(sqe, ring.time(LONG_MS), 1, 0),
      (sqe) => preparers.pollAdd(sqe, reader, POLLIN, 0),
    ],
    1,
  );
  ring.silent();
  writeSync(writer, 'x');
  assert.deepEqual(ring.nextAll(2), [
    { userData: 1, res: 0, flags: 0 },
    { userData: 2, res: POLLIN, flags: 0 },
  ]);
});

opTest(
  'OP_TIMEOUT',
  'fires again and again',
  (ring) => {
    ring.start((sqe) => preparers.timeout(sqe, ring.time(1), 3, IORING_TIMEOUT_MULTISHOT), 1);
    const fires = [ring.next(), ring.next(), ring.next()];
    assert.deepEqual(
      fires.map(({ res, flags }) => [res, flags]),
      [
        [ETIME, IORING_CQE_F_MORE],
        [ETIME, IORING_CQE_F_MORE],
        [ETIME, 0],
      ],
    );
    ring.silent();
  },
  needsOp('OP_READ_MULTISHOT'),
);

opTest('OP_TIMEOUT_REMOVE', 'ends the timeout with this user_data', (ring) => {
  ring.start((sqe) => preparers.timeout(sqe, ring.time(LONG_MS), 0, 0), WIDE);
  assert.equal(
    ring.result((sqe) => preparers.timeoutRemove(sqe, LOW, 0)),
    ENOENT,
  );
  ring.start((sqe) => preparers.timeoutRemove(sqe, LOW, HIGH), 1);
  assert.deepEqual(ring.nextAll(2), [
    { userData: 1, res: 0, flags: 0 },
    { userData: WIDE, res: ECANCELED, flags: 0 },
  ]);
});

opTest(
  'OP_TIMEOUT_REMOVE',
  'gives the timeout with this user_data another time',
  (ring) => {
    ring.start((sqe) => preparers.timeout(sqe, ring.time(LONG_MS), 0, 0), WIDE);
    const soon = ring.time(1);
    assert.equal(
      ring.result((sqe) => preparers.timeoutUpdate(sqe, 0, HIGH, soon, 0)),
      ENOENT,
    );
    ring.start((sqe) => preparers.timeoutUpdate(sqe, LOW, HIGH, soon, 0), 1);
    assert.deepEqual(ring.nextAll(2), [
      { userData: 1, res: 0, flags: 0 },
      { userData: WIDE, res: ETIME, flags: 0 },
    ]);
  },
  needsOp('OP_SHUTDOWN'),
);

/** A read of an empty pipe, linked to the operation after it. */
function linkedRead(ring: OpRing, scope: Scope) {
  const { reader, writer } = scope.pipe();
  const address = ring.address(alloc(8));
  return {
    writer,
    fill: (sqe: Parameters<typeof preparers.read>[0]) => {
      preparers.read(sqe, reader, address, 8, -1).flags = IOSQE_IO_LINK;
    },
  };
}

opTest('OP_LINK_TIMEOUT', 'cancels the operation before it when that takes longer', (ring, scope) => {
  const { fill } = linkedRead(ring, scope);
  assert.equal(
    ring.result((sqe) => preparers.linkTimeout(sqe, ring.time(1), 0)),
    EINVAL,
  );
  ring.startAll([fill, (sqe) => preparers.linkTimeout(sqe, ring.time(5), 0)], 1);
  assert.deepEqual(
    ring.nextAll(2).map(({ res }) => res),
    [ECANCELED, ETIME],
  );
});

opTest('OP_LINK_TIMEOUT', 'is cancelled when that is done in time', (ring, scope) => {
  const { fill, writer } = linkedRead(ring, scope);
  ring.startAll([fill, (sqe) => preparers.linkTimeout(sqe, ring.time(LONG_MS), 0)], 1);
  ring.silent();
  writeSync(writer, 'x');
  assert.deepEqual(
    ring.nextAll(2).map(({ res }) => res),
    [1, ECANCELED],
  );
});

opTest(
  ['OP_LINK_TIMEOUT', 'OP_TIMEOUT_REMOVE'],
  'gets another time',
  (ring, scope) => {
    const { fill } = linkedRead(ring, scope);
    ring.startAll([fill, (sqe) => preparers.linkTimeout(sqe, ring.time(LONG_MS), 0)], 1);
    const update = (flags: number): void =>
      ring.start((sqe) => preparers.timeoutUpdate(sqe, 2, 0, ring.time(1), flags), 3);
    update(0);
    assert.deepEqual(ring.next(), { userData: 3, res: ENOENT, flags: 0 });
    update(IORING_LINK_TIMEOUT_UPDATE);
    assert.deepEqual(
      ring.nextAll(3).map(({ res }) => res),
      [ECANCELED, ETIME, 0],
    );
  },
  needsOp('OP_MKDIRAT'),
);

opTest(
  'OP_TIMEOUT',
  'its end can count as a success',
  (ring) => {
    const flags = IORING_TIMEOUT_ETIME_SUCCESS;
    ring.startAll(
      [
        (sqe) => {
          preparers.timeout(sqe, ring.time(1), 0, flags).flags = IOSQE_IO_LINK;
        },
        (sqe) => preparers.timeout(sqe, ring.time(1), 0, flags),
      ],
      1,
    );
    assert.deepEqual(
      ring.nextAll(2).map(({ res }) => res),
      [ETIME, ETIME],
    );
  },
  needsOp('OP_MSG_RING'),
);

// ---- futexes ------------------------------------------------------------------------------------------------------

const FUTEX = FUTEX2_SIZE_U32 | FUTEX2_PRIVATE;
const ANY = 0xffff_ffff;

opTest(['OP_FUTEX_WAIT', 'OP_FUTEX_WAKE'], 'one waits until the other wakes it', (ring) => {
  const futex = Int32Array.of(7);
  const address = ring.address(futex);
  const wake = (count: number, mask = ANY): number =>
    ring.result((sqe) => preparers.futexWake(sqe, address, count, mask, FUTEX));
  assert.equal(
    ring.result((sqe) => preparers.futexWait(sqe, address, 8, ANY, FUTEX)),
    EAGAIN,
  );
  assert.equal(
    ring.result((sqe) => preparers.futexWait(sqe, address, 7, 0, FUTEX)),
    EINVAL,
  );
  assert.equal(
    ring.result((sqe) => preparers.futexWait(sqe, address, 7, ANY, 0x40)),
    EINVAL,
  );
  assert.equal(wake(1), 0);

  ring.startAll(
    [
      (sqe) => preparers.futexWait(sqe, address, 7, 2, FUTEX),
      (sqe) => preparers.futexWait(sqe, address, 7, 0x8000_0000, FUTEX),
      (sqe) => preparers.futexWait(sqe, address, 7, 0x8000_0000, FUTEX),
    ],
    1,
  );
  ring.silent();
  assert.equal(wake(9, 1), 0);
  ring.start((sqe) => preparers.futexWake(sqe, address, 1, 2, FUTEX), 4);
  assert.deepEqual(ring.nextAll(2), [
    { userData: 1, res: 0, flags: 0 },
    { userData: 4, res: 1, flags: 0 },
  ]);
  ring.start((sqe) => preparers.futexWake(sqe, address, 9, ANY, FUTEX), 4);
  assert.deepEqual(ring.nextAll(3), [
    { userData: 2, res: 0, flags: 0 },
    { userData: 3, res: 0, flags: 0 },
    { userData: 4, res: 2, flags: 0 },
  ]);
});

opTest(['OP_FUTEX_WAITV', 'OP_FUTEX_WAKE'], 'waits on several at once', (ring) => {
  const words = Int32Array.of(1, 2, 3);
  const base = ring.address(words);
  const each = (value: number, i: number): Uint8Array =>
    FutexWaitv.encode({ val: value, uaddr: base + 4 * i, flags: FUTEX });
  const waiters = (...values: number[]): number => ring.address(Buffer.concat(values.map(each)));
  assert.equal(
    ring.result((sqe) => preparers.futexWaitv(sqe, waiters(1, 2, 3), 0)),
    EINVAL,
  );
  assert.equal(
    ring.result((sqe) => preparers.futexWaitv(sqe, waiters(1, 2, 4), 3)),
    EAGAIN,
  );
  const address = waiters(1, 2, 3);
  ring.start((sqe) => preparers.futexWaitv(sqe, address, 3), 1);
  ring.silent();
  ring.start((sqe) => preparers.futexWake(sqe, base + 8, 1, ANY, FUTEX), 2);
  assert.deepEqual(ring.nextAll(2), [
    { userData: 1, res: 2, flags: 0 },
    { userData: 2, res: 1, flags: 0 },
  ]);
});

// ---- children -----------------------------------------------------------------------------------------------------

opTest('OP_WAITID', 'waits until a child ends', async (ring, scope) => {
  const P_PID = 1;
  const WEXITED = 4;
  /** The child stays for Node.js to reap. */
  const WNOWAIT = 0x100_0000;
  const SIGCHLD = 17;
  const CLD_EXITED = 1;
  const child = spawn('sh', ['-c', 'read line; exit 7'], { stdio: ['pipe', 'ignore', 'ignore'] });
  scope.defer(() => child.kill('SIGKILL'));
  const { pid } = child;
  assert.ok(pid !== undefined);
  const info = alloc(128).fill(0x55);
  const address = ring.address(info);
  const options = WEXITED | WNOWAIT;
  assert.equal(
    ring.result((sqe) => preparers.waitid(sqe, P_PID, process.pid, address, options)),
    ECHILD,
  );
  assert.equal(
    ring.result((sqe) => preparers.waitid(sqe, P_PID, pid, address, 0)),
    EINVAL,
  );
  ring.start((sqe) => preparers.waitid(sqe, P_PID, pid, address, options), 1);
  ring.silent();
  child.stdin.end('\n');
  await once(child, 'exit');
  assert.deepEqual(ring.next(), { userData: 1, res: 0, flags: 0 });
  const view = new DataView(info.buffer, info.byteOffset, info.length);
  const [signal, code, id, status] = [0, 8, 16, 24].map((at) => view.getInt32(at, true));
  assert.deepEqual({ signal, code, id, status }, { signal: SIGCHLD, code: CLD_EXITED, id: pid, status: 7 });
});
