/** What both faces can do with operations that were started, with pools, and with empty memory. */
import assert from 'node:assert/strict';
import { constants as node, openSync, readSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { alloc } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { Sqe } from '../../structs/sqe.ts';
import { aborts, asyncRing, bytes, fails, failure } from '../helpers/async.ts';
import { changesPolls } from '../helpers/kernel-bugs.ts';
import { needs, needsFlag, needsOp, needsSetup } from '../helpers/needs.ts';
import {
  ECANCELED,
  lastEntry,
  mappedMemory,
  OpenAsyncRing,
  OpenRing,
  socketPair,
  text,
} from '../helpers/pairs.ts';
import { complete, ringTest, Scope } from '../helpers/rings.ts';
import { makeProps, type Props, type Sample, samples } from '../helpers/samples.ts';

const POLLIN = 1;
const POLLPRI = 2;
const POLLOUT = 4;
const ETIME = -62;
const EBADF = 9;
const MSG_PEEK = 2;
const O_TMPFILE = 0o20000000 | node.O_DIRECTORY;

// ---- every operation ------------------------------------------------------------------------------------------

/** The fields of an entry but its fd and user_data; of what was made for it only that it is memory. */
function fieldsOf(bytes: Uint8Array): unknown {
  const isMemory = mappedMemory();
  const {
    opcode,
    flags,
    ioprio,
    off,
    addr,
    len,
    rwFlags,
    bufIndex,
    personality,
    fileIndex,
    attrPtr,
    attrTypeMask,
  } = Sqe.decode(bytes);
  const numbers = { opcode, flags, ioprio, len, rwFlags, bufIndex, personality, fileIndex, attrTypeMask };
  return { ...numbers, words: [off, addr, attrPtr].map((word) => (isMemory(word) ? 'memory' : word)) };
}

/** Calls a method of a face by its name, with options that are right. */
function callBy(face: object, name: string, sample: Sample, props: Props, args: readonly unknown[]): unknown {
  const options = { ...sample.required, ...sample.options?.(props) };
  return Reflect.apply(Reflect.get(face, name), face, [...args, options]);
}

/** An operation of AsyncRing that was started on a disabled ring: its entry waits there. */
interface Started {
  readonly name: string;
  readonly sample: Sample;
  readonly ring: OpenAsyncRing;
  readonly props: Props;
  readonly promise: Promise<unknown>;
}

/** Starts each operation that `allows` on a ring of its own. */
async function startEach(
  allows: (sample: Sample) => boolean,
  body: (started: Started, scope: Scope) => void | Promise<void>,
): Promise<void> {
  let count = 0;
  for (const [name, sample] of samples) {
    const { notIn, byHand, stream } = sample.declaration;
    if (notIn !== undefined || byHand || sample.isAlias || sample.namesAnother || !allows(sample)) continue;
    const scope = new Scope();
    try {
      const ring = new OpenAsyncRing(4, { disabled: true });
      scope.defer(() => ring.close());
      const props = makeProps(scope, ring);
      const started = callBy(ring, name, sample, props, sample.asyncArgs(props));
      // an iterator starts with its first next()
      const promise = Promise.resolve(stream === undefined ? started : Object(started).next());
      promise.catch(() => {});
      await body({ name, sample, ring, props, promise }, scope);
      count++;
    } finally {
      scope.close();
    }
  }
  assert.ok(count > 30, `${count} operations`);
}

/** Does AsyncRing make memory itself that `ring.prepare` is given? */
const hasRooms = ({ declaration }: Sample): boolean => declaration.rooms !== undefined;

ringTest(
  'a method of AsyncRing writes the entry that the one of ring.prepare writes',
  needs('REGISTER_PBUF_RING'),
  () =>
    startEach(
      (sample) => !hasRooms(sample),
      ({ name, sample, ring, props: { file, other }, promise }, scope) => {
        const sync = new OpenRing(4);
        scope.defer(() => sync.close());
        const props = { ...makeProps(scope, sync), file, other };
        callBy(sync.prepare, name, sample, props, sample.args(props));
        assert.deepEqual(fieldsOf(lastEntry(ring.inner)), fieldsOf(lastEntry(sync.inner)), name);
        ring.close();
        return assert.rejects(promise, { code: 'ERR_URING_CLOSED' }, name);
      },
    ),
);

for (const res of [7, -EBADF]) {
  ringTest(
    `a completion of ${res} reaches whoever awaits the operation`,
    { ...needs('REGISTER_PBUF_RING'), ...needsFlag('NOP_INJECT_RESULT') },
    () =>
      startEach(
        ({ declaration: { result } }) => result === 'count' || result === 'nothing',
        async ({ name, sample, ring, promise }, scope) => {
          const { op, result } = sample.declaration;
          const bytes = lastEntry(ring.inner);
          const { userData } = Sqe.decode(bytes);
          const own = bytes.slice();
          // a NOP in its place: the kernel posts what it is told
          bytes.fill(0);
          Sqe.encodeInto(bytes, {
            fd: -1,
            len: res >>> 0,
            nopFlags: constants.IORING_NOP_INJECT_RESULT,
            userData,
          });
          const { enter } = sys;
          sys.enter = (...given) => {
            const submitted = enter(...given);
            // an error is told by the entry
            bytes.set(own);
            return submitted;
          };
          scope.defer(() => Object.assign(sys, { enter }));
          ring.enable();
          if (res < 0) await fails('EBADF', op, promise);
          else assert.equal(await promise, result === 'count' ? res : undefined, name);
        },
      ),
  );
}

// ---- operations that were started -----------------------------------------------------------------------------

ringTest(
  'a started poll is given other events, and removed',
  changesPolls(needsFlag('POLL_UPDATE_EVENTS')),
  async (scope) => {
    const ring = asyncRing(scope);
    const [near] = socketPair(scope);
    const polling = ring.poll(near, POLLIN);
    await ring.nop();
    await ring.pollUpdate(polling, POLLOUT);
    assert.equal(await polling, POLLOUT);
    const other = ring.poll(near, POLLIN);
    await ring.nop();
    const cancelled = fails('ECANCELED', 'OP_POLL_ADD', other);
    await ring.pollRemove(other);
    await cancelled;
    await fails('ENOENT', 'OP_POLL_REMOVE', ring.pollRemove(other));
    await fails('ENOENT', 'OP_POLL_REMOVE', ring.pollUpdate(polling, POLLIN));
    const error = await failure(ring.pollRemove({}));
    assert.match(error.message, /"started".*what starting it gave/);
  },
);

ringTest('an iterator names its operation', changesPolls(needsFlag('POLL_UPDATE_EVENTS')), async (scope) => {
  const ring = asyncRing(scope);
  const [near] = socketPair(scope);
  const events = ring.pollMultishot(near, POLLIN);
  const next = events.next();
  await ring.nop();
  await ring.pollUpdate(events, POLLOUT);
  assert.equal((await next).value, POLLOUT);
  await events.return();
});

ringTest(
  'changed events hold for the next request, too',
  changesPolls(needsFlag('POLL_UPDATE_EVENTS')),
  async (scope) => {
    const ring = asyncRing(scope);
    const [near, far] = socketPair(scope);
    const events = ring.pollMultishot(near, POLLIN);
    const first = events.next();
    await ring.nop();
    await ring.pollUpdate(events, POLLOUT);
    assert.equal((await first).value, POLLOUT);
    // more events than wait for a consumer: the request is stopped, and made again when they are taken
    for (let i = 0; i < 400 && ring.inFlight > 0; i++) {
      await ring.send(near, bytes('x'));
      await ring.recv(far, new Uint8Array(4));
    }
    assert.equal(ring.inFlight, 0, 'it was not stopped');
    for (let i = 0; i < 400; i++) {
      if (ring.inFlight === 0) assert.equal((await events.next()).value, POLLOUT);
      else await ring.nop();
    }
    assert.equal((await events.next()).value, POLLOUT);
    await events.return();
  },
);

ringTest(
  'every iterator can be cancelled by what starting it gave',
  needsOp('OP_READ_MULTISHOT'),
  async (scope) => {
    const ring = asyncRing(scope);
    const [, far] = socketPair(scope);
    const pool = ring.registerBufferRing({ entries: 2, bufferSize: 16 });
    for (const iterator of [
      ring.recvMultishot(far, pool),
      ring.readMultishot(far, pool),
      ring.pollMultishot(far, POLLIN),
    ]) {
      const next = iterator.next();
      await ring.nop();
      await ring.cancel({ userData: iterator });
      await assert.rejects(next, { code: 'ECANCELED' });
    }
  },
);

ringTest(
  'a started timeout is given another time, removed, and cancelled',
  needsFlag('TIMEOUT_UPDATE'),
  async (scope) => {
    const ring = asyncRing(scope);
    const long = ring.timeout({ afterMs: 3_600_000 });
    await ring.nop();
    await ring.timeoutUpdate(long, { afterMs: 1 });
    await long;
    const removed = ring.timeout({ afterMs: 3_600_000 });
    await ring.nop();
    const gone = fails('ECANCELED', 'OP_TIMEOUT', removed);
    await ring.timeoutRemove(removed);
    await gone;
    const last = ring.timeout({ afterMs: 3_600_000 });
    await ring.nop();
    const cancelled = fails('ECANCELED', 'OP_TIMEOUT', last);
    assert.equal(await ring.cancel({ userData: last }), 0);
    await cancelled;
  },
);

ringTest(
  'by ring.prepare operations are named by their userData',
  { ...needsFlag('LINK_TIMEOUT_UPDATE'), ...needsFlag('ASYNC_CANCEL_ANY') },
  (scope) => {
    const ring = scope.ring(16);
    const { reader } = scope.pipe();
    const [near, far] = socketPair(scope);
    ring.prepare.poll(near, POLLPRI, { userData: 1 });
    ring.prepare.timeout({ afterMs: 3_600_000 });
    ring.submit();
    // what is there only later: an event that is there already some kernels lose
    ring.prepare.pollUpdate(1, POLLIN, { userData: 2 });
    const [changed] = complete(ring, 1);
    assert.deepEqual([changed?.userData, changed?.res], [2, 0]);
    writeSync(far, 'x');
    const [polled] = complete(ring, 1);
    assert.deepEqual([polled?.userData, polled?.res], [1, POLLIN]);
    ring.prepare.cancel({ any: true }, { userData: 9 });
    complete(ring, 2);

    ring.prepare.read(reader, new Uint8Array(1), { link: true, userData: 3 });
    ring.prepare.linkTimeout({ afterMs: 3_600_000, userData: 4 });
    ring.submit();
    ring.prepare.linkTimeoutUpdate(4, { afterMs: 1, userData: 5 });
    const limited = new Map(complete(ring, 3).map(({ userData, res }) => [userData, res]));
    assert.deepEqual([limited.get(3), limited.get(4), limited.get(5)], [ECANCELED, ETIME, 0]);
  },
);

ringTest('an absolute time on the clock of Date', needsFlag('TIMEOUT_REALTIME'), (scope) => {
  const ring = scope.ring();
  ring.prepare.timeout({ atMs: Date.now() + 20, clock: 'realtime', userData: 1 });
  assert.deepEqual(
    complete(ring, 1).map(({ userData, res }) => [userData, res]),
    [[1, ETIME]],
  );
  // thousands of years: longer than any timer of Node's
  ring.prepare.timeout({ afterMs: Number.MAX_SAFE_INTEGER, userData: 2 });
  ring.submit();
  ring.prepare.timeoutRemove(2, { userData: 3 });
  const found = new Map(complete(ring, 2).map(({ userData, res }) => [userData, res]));
  assert.deepEqual([found.get(2), found.get(3)], [ECANCELED, 0]);
});

// ---- results of the kernel's ------------------------------------------------------------------------------------

ringTest('a NOP has the result that it was given', needsFlag('NOP_INJECT_RESULT'), async (scope) => {
  const ring = scope.ring();
  ring.prepare.nop({ result: -11, userData: 1 });
  assert.equal(complete(ring, 1)[0]?.res, -11);
  await fails('EAGAIN', 'OP_NOP', asyncRing(scope).nop({ result: -11 }));
});

ringTest('a message has the flags that it was given', needsFlag('MSG_RING_FLAGS_PASS'), (scope) => {
  const ring = scope.ring();
  const other = scope.ring();
  ring.prepare.msgRing(other, { messageData: 7, res: 3, cqeFlags: constants.IORING_CQE_F_SOCK_NONEMPTY });
  complete(ring, 1);
  const [message] = other.completions();
  assert.deepEqual({ ...message }, { userData: 7, res: 3, flags: constants.IORING_CQE_F_SOCK_NONEMPTY });
});

ringTest(
  'a zero-copy send reports whether data was copied',
  { ...needsFlag('SEND_ZC_REPORT_USAGE'), ...needsOp('OP_LISTEN') },
  async (scope) => {
    const maker = asyncRing(scope);
    await using server = await maker.socket('IPv4');
    await maker.bind(server, { address: '127.0.0.1', port: 0 });
    await maker.listen(server, 1);
    const at = await maker.getsockname(server);
    assert.ok(at !== undefined && 'port' in at);
    await using near = await maker.socket('IPv4');
    const [peer] = await Promise.all([maker.accept(server), maker.connect(near, at)]);
    const ring = scope.ring();
    ring.prepare.sendZeroCopy(near, new Uint8Array(8), { reportUsage: true, userData: 1 });
    const [result, notification] = complete(ring, 2);
    assert.equal(result?.res, 8);
    // the loopback device copies
    assert.equal((notification?.res ?? 0) >>> 0, constants.IORING_NOTIF_USAGE_ZC_COPIED);
    await peer.close();
  },
);

// ---- memory: one rule for both faces ------------------------------------------------------------------------------

ringTest(
  'pieces of a registered buffer go by *_FIXED in both faces',
  needsOp('OP_READV_FIXED'),
  async (scope) => {
    const path = join(scope.folder(), 'file');
    writeFileSync(path, '0123456789abcdef');
    const file = scope.fd(openSync(path, 'r+'));
    const ring = scope.ring();
    const buffer = ring.registerBuffers([alloc(4096)]).at(0);
    ring.prepare.readv(file, [buffer.subarray(0, 8), buffer.subarray(8, 16)], { offset: 0 });
    ring.prepare.writevFixed(file, [buffer.subarray(8, 16), buffer.subarray(0, 8)], { offset: 16 });
    assert.deepEqual(
      complete(ring, 2).map(({ res }) => res),
      [16, 16],
    );
    const other = asyncRing(scope);
    const second = other.registerBuffers([alloc(4096)]).at(0);
    assert.equal(await other.readvFixed(file, [second.subarray(0, 16)], { offset: 16 }), 16);
    assert.equal(text(second.bytes.subarray(0, 16)), '89abcdef01234567');
    assert.equal(await other.writevFixed(file, [second.subarray(0, 4)], { offset: 0 }), 4);
    assert.equal(text(second.bytes.subarray(0, 4)), '89ab');
    // plain memory can't be asked for by the names of fixed operations
    assert.match((await failure(other.readvFixed(file, [Object(alloc(8))]))).message, /"pieces"/);
  },
);

ringTest('a read into a pool takes a buffer of it', needs('REGISTER_PBUF_RING'), async (scope) => {
  const path = join(scope.folder(), 'file');
  writeFileSync(path, 'content of a file');
  const file = scope.fd(openSync(path, 'r'));
  const ring = asyncRing(scope);
  const pool = ring.registerBufferRing({ entries: 2, bufferSize: 64 });
  const part = await ring.read(file, pool, { offset: 8, length: 4 });
  assert.equal(text(part?.bytes ?? new Uint8Array()), 'of a');
  assert.equal(pool.free, 1);
  part?.release();
  assert.equal(await ring.read(file, pool, { offset: 1000 }), undefined);
  assert.equal(pool.free, 2);
  const sync = scope.ring();
  const other = sync.registerBufferRing({ entries: 2, bufferSize: 64 });
  sync.prepare.read(file, other, { offset: 0 });
  const [completion] = complete(sync, 1);
  assert.ok(completion);
  assert.equal(text(other.take(completion).bytes), 'content of a file');
});

ringTest(
  'bundles: receives of several buffers at once, again and again, and sends of a pool',
  { ...needsFlag('RECVSEND_BUNDLE'), ...needs('REGISTER_PBUF_RING') },
  async (scope) => {
    const ring = asyncRing(scope, 16);
    const [near, far] = socketPair(scope);
    const pool = ring.registerBufferRing({ entries: 8, bufferSize: 4 });
    writeSync(far, 'abcdefghij');
    const controller = new AbortController();
    const bundles = ring.recvBundleMultishot(near, pool, { signal: controller.signal });
    const received: string[] = [];
    while (received.join('').length < 10) {
      const { value } = await bundles.next();
      for (const part of value ?? []) {
        received.push(text(part.bytes));
        part.release();
      }
    }
    assert.equal(received.join(''), 'abcdefghij');
    controller.abort();
    await aborts(bundles.next());
    assert.equal(pool.free, 8);

    const filled = ring.registerBufferRing({ buffers: [Buffer.from('first '), Buffer.from('second')] });
    const sent = await ring.sendBundle(near, filled);
    const got = Buffer.alloc(64);
    assert.equal(sent > 0, true);
    assert.equal('first second'.startsWith(text(got.subarray(0, readSync(far, got)))), true);
  },
);

ringTest(
  'a command of many completions is an iterator of them',
  { ...needsFlag('SOCKET_URING_OP_SIOCINQ'), ...needsSetup('SETUP_CQE32') },
  async (scope) => {
    const ring = asyncRing(scope, 8, { cqe32: true });
    const maker = await ring.socket('IPv4', { type: 'datagram' });
    const found = [];
    for await (const completion of ring.uringCmdMultishot(maker, constants.SOCKET_URING_OP_SIOCINQ))
      found.push(completion);
    assert.deepEqual(
      found.map(({ res, extra }) => [res, extra?.length]),
      [[0, 2]],
    );
    await maker.close();
  },
);

// ---- nothing at all -----------------------------------------------------------------------------------------------

ringTest('memory of no bytes is what the kernel makes of it', {}, async (scope) => {
  const ring = asyncRing(scope);
  const nothing = new Uint8Array(0);
  const path = join(scope.folder(), 'file');
  const file = scope.fd(openSync(path, 'w+'));
  const [near, far] = datagramPair(scope);
  assert.equal(await ring.write(file, nothing), 0);
  assert.equal(await ring.read(file, nothing), 0);
  assert.equal(await ring.writev(file, [nothing, Buffer.from('x')], { offset: 0 }), 1);
  assert.equal(await ring.send(near, nothing), 0);
  assert.equal(await ring.sendmsg(near, { data: nothing }), 0);
  assert.equal(await ring.sendmsg(near, { data: [] }), 0);
  // three empty datagrams were sent: each is one
  for (let i = 0; i < 3; i++) assert.equal(await ring.recv(far, new Uint8Array(4)), 0);
  await ring.send(near, Buffer.from('data'));
  assert.equal(await ring.recv(far, nothing, { flags: MSG_PEEK }), 0);
  assert.equal((await ring.recvmsg(far, { data: [] }, { flags: MSG_PEEK })).bytes, 0);
  const buffer = ring.registerBuffers([alloc(64)]).at(0);
  assert.equal(await ring.read(file, buffer.subarray(0, 0), { offset: 0 }), 0);
  assert.equal(statSync(path).size, 1);
});

ringTest(
  'an empty path names the directory itself, where AT_EMPTY_PATH says so',
  needsOp('OP_LINKAT'),
  async (scope) => {
    const ring = asyncRing(scope);
    const folder = scope.folder();
    const file = scope.fd(openSync(folder, O_TMPFILE | node.O_RDWR));
    const linking = ring.link('', join(folder, 'name'), { from: file, flags: 0x1000 });
    // before 6.10 that was root's alone
    const isRefused = await linking.then(
      () => false,
      (error) => error.code === 'ENOENT' && process.getuid?.() !== 0,
    );
    if (!isRefused) assert.equal(statSync(join(folder, 'name')).ino, Number((await ring.statx(file)).ino));
    assert.match((await failure(ring.link('', 'x'))).message, /"oldPath"/);
  },
);

/** Two connected datagram sockets. */
function datagramPair(scope: Parameters<typeof socketPair>[0]): readonly [number, number] {
  const fds = new Int32Array(2);
  assert.equal(sys.socketpair(0o2000002, fds), 0);
  const [a = -1, b = -1] = fds;
  return [scope.fd(a), scope.fd(b)];
}
