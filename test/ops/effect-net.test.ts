/** Operations on sockets and provided buffers: by their effects. */
import assert from 'node:assert/strict';
import { readlinkSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import * as preparers from '../../lib/ops/preparers.ts';
import { alloc, libc, registerBuffers, registerFiles, registerPbufRing } from '../../lib/raw.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { Buf } from '../../structs/rsrc.ts';
import { RecvmsgOut } from '../../structs/sqe.ts';
import { needsFeature, needsOp } from '../helpers/needs.ts';
import type { Scope } from '../helpers/rings.ts';
import {
  type Done,
  EAGAIN,
  EBADF,
  ECANCELED,
  ECONNREFUSED,
  EFAULT,
  EINVAL,
  ENOBUFS,
  ENOENT,
  EOPNOTSUPP,
  type Fill,
  OpRing,
  opTest,
  textBytes,
  textOf,
} from './op-ring.ts';
import {
  AF_INET,
  AF_UNIX,
  bind,
  connect,
  inet,
  inProc,
  listener,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  socket,
  tcpPair,
  unix,
} from './sockets.ts';

const ENOTSOCK = -88;
const EAFNOSUPPORT = -97;
const NO_FD = 0x7fff_fff0;
const MSG_PEEK = 2;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_WAITALL = 0x100;
const ANY_SLOT = constants.IORING_FILE_INDEX_ALLOC;
const {
  IORING_ACCEPT_DONTWAIT,
  IORING_ACCEPT_MULTISHOT,
  IORING_CQE_F_BUFFER,
  IORING_CQE_F_MORE,
  IORING_CQE_F_NOTIF,
  IORING_NOTIF_USAGE_ZC_COPIED,
  IORING_RECV_MULTISHOT,
  IORING_RECVSEND_BUNDLE,
  IORING_RECVSEND_POLL_FIRST,
  IORING_SEND_ZC_REPORT_USAGE,
  IORING_SETUP_CQE32,
  IOSQE_BUFFER_SELECT,
  IOSQE_FIXED_FILE,
} = constants;
const PICKED = IORING_CQE_F_BUFFER | IORING_CQE_F_MORE;

/** Two connected AF_UNIX sockets. */
function pair(scope: Scope, type = SOCK_STREAM): readonly [number, number] {
  const [a, b] = libc.socketpair(type);
  return [scope.fd(a), scope.fd(b)];
}

/** What waits in a socket. */
function read(fd: number): string {
  const bytes = new Uint8Array(100);
  return textOf(bytes, readSync(fd, bytes));
}

/** The address of a msghdr for these pieces of memory. */
function message(ring: OpRing, views: readonly Uint8Array[], name?: Uint8Array): number {
  const header = new BigUint64Array(7);
  if (name !== undefined) header.set([BigInt(ring.address(name)), BigInt(name.length)]);
  if (views.length > 0) header.set([BigInt(ring.iovecs(...views)), BigInt(views.length)], 2);
  return ring.address(header);
}

/** Gives `count` buffers of 16 bytes to group 9, ids from 100; the memory that a completion names. */
function provide(ring: OpRing, count: number): (flags: number) => Uint8Array {
  const memory = alloc(count * 16).fill(0x2e);
  const address = ring.address(memory);
  assert.equal(
    ring.result((sqe) => preparers.provideBuffers(sqe, address, 16, count, 9, 100)),
    0,
  );
  return (flags) => memory.subarray(((flags >>> 16) - 100) * 16).subarray(0, 16);
}

/** An operation that takes its memory from group 9. */
function select(fill: Fill, ioprio = 0): Fill {
  return (sqe) => {
    fill(sqe);
    sqe.flags = IOSQE_BUFFER_SELECT;
    sqe.bufIndex = 9;
    sqe.ioprio |= ioprio;
  };
}

// ---- sockets ------------------------------------------------------------------------------------------------------

opTest('OP_SOCKET', 'makes a socket: an fd, or in a slot', (ring, scope) => {
  assert.equal(
    ring.result((sqe) => preparers.socket(sqe, 9999, SOCK_STREAM, 0, 0)),
    EAFNOSUPPORT,
  );
  const type = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
  const fd = scope.fd(ring.result((sqe) => preparers.socket(sqe, AF_INET, type, 17, 0)));
  assert.match(readlinkSync(`/proc/self/fd/${fd}`), /^socket:/);
  assert.ok(sys.getFileFlags(fd) & SOCK_NONBLOCK);

  registerFiles(ring.fd, [-1, -1]);
  const direct = (fileIndex: number): number =>
    ring.result((sqe) => preparers.socket(sqe, AF_UNIX, SOCK_STREAM, 0, fileIndex));
  assert.deepEqual([direct(3), direct(2), direct(ANY_SLOT)], [EINVAL, 0, 0]);
  const connectSlot: Fill = (sqe) => {
    const address = unix('/no/such/socket');
    preparers.connect(sqe, 1, ring.address(address), address.length).flags = IOSQE_FIXED_FILE;
  };
  assert.equal(ring.result(connectSlot), ENOENT);
});

opTest(
  ['OP_BIND', 'OP_LISTEN', 'OP_CONNECT', 'OP_SOCKET'],
  'a bound socket listens, another connects',
  (ring, scope) => {
    const EADDRINUSE = -98;
    const path = join(scope.folder(), 'socket');
    const server = socket(ring, scope, AF_UNIX, SOCK_STREAM);
    const client = socket(ring, scope, AF_UNIX, SOCK_STREAM);
    const { reader } = scope.pipe();
    assert.equal(bind(ring, reader, unix(path)), ENOTSOCK);
    assert.equal(connect(ring, client, unix(path)), ENOENT);
    assert.equal(bind(ring, server, unix(path)), 0);
    assert.ok(statSync(path).isSocket());
    assert.equal(bind(ring, client, unix(path)), EADDRINUSE);
    assert.equal(connect(ring, client, unix(path)), ECONNREFUSED);
    assert.equal(
      ring.result((sqe) => preparers.listen(sqe, reader, 1)),
      ENOTSOCK,
    );
    assert.equal(
      ring.result((sqe) => preparers.listen(sqe, server, 1)),
      0,
    );
    assert.equal(connect(ring, client, unix(path)), 0);
  },
);

opTest(
  ['OP_BIND', 'OP_LISTEN', 'OP_SOCKET'],
  'the host sees the port, and that it listens',
  (ring, scope) => {
    const CLOSED = '07';
    const LISTEN = '0A';
    const udp = socket(ring, scope, AF_INET, SOCK_DGRAM);
    assert.equal(bind(ring, udp, inet(0)), 0);
    const { port, state } = inProc(udp, 'udp');
    assert.deepEqual([port > 0, state], [true, CLOSED]);
    const { fd, address } = listener(ring, scope);
    assert.equal(inProc(fd, 'tcp').state, LISTEN);
    assert.deepEqual(address, inet(inProc(fd, 'tcp').port));
  },
);

opTest(['OP_ACCEPT', 'OP_LISTEN'], 'gets a connection and the address of its peer', (ring, scope) => {
  const { fd, address } = listener(ring, scope);
  const client = socket(ring, scope, AF_INET, SOCK_STREAM);
  const peer = alloc(32).fill(0x55);
  const length = Uint32Array.of(32);
  assert.equal(
    ring.result((sqe) => preparers.accept(sqe, client, 0, 0, 0, 0)),
    EINVAL,
  );
  const flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
  ring.start((sqe) => preparers.accept(sqe, fd, ring.address(peer), ring.address(length), flags, 0), 1);
  ring.silent();
  ring.start((sqe) => preparers.connect(sqe, client, ring.address(address), address.length), 2);
  const [accepted, connected] = ring.nextAll(2);
  assert.equal(connected?.res, 0);
  const other = scope.fd(accepted?.res ?? -1);
  assert.ok(sys.getFileFlags(other) & SOCK_NONBLOCK);
  assert.equal(length[0], 16);
  assert.deepEqual(peer.subarray(0, 17), Uint8Array.of(...inet(inProc(client, 'tcp').port), 0x55));
  writeSync(client, 'hello');
  assert.equal(read(other), 'hello');
});

opTest(['OP_ACCEPT', 'OP_LISTEN'], 'gets connections again and again, into slots too', (ring, scope) => {
  const { fd, address } = listener(ring, scope);
  const accept = (fileIndex: number): void =>
    ring.start((sqe) => {
      preparers.accept(sqe, fd, 0, 0, 0, fileIndex).ioprio |= IORING_ACCEPT_MULTISHOT;
    }, 1);
  const dial = (): number => {
    const client = socket(ring, scope, AF_INET, SOCK_STREAM);
    ring.start((sqe) => preparers.connect(sqe, client, ring.address(address), address.length), 2);
    const [accepted, connected] = ring.nextAll(2);
    assert.deepEqual([connected?.res, accepted?.flags], [0, IORING_CQE_F_MORE]);
    return accepted?.res ?? -1;
  };
  const cancel = (): void => {
    ring.start((sqe) => preparers.asyncCancel(sqe, 1, 0, 0), 2);
    assert.deepEqual(
      ring.nextAll(2).map(({ res, flags }) => [res, flags]),
      [
        [ECANCELED, 0],
        [0, 0],
      ],
    );
  };

  const notNow = ring.result((sqe) => {
    preparers.accept(sqe, fd, 0, 0, 0, 0).ioprio |= IORING_ACCEPT_DONTWAIT;
  });
  assert.equal(notNow, EAGAIN);
  accept(0);
  assert.match(readlinkSync(`/proc/self/fd/${scope.fd(dial())}`), /^socket:/);
  assert.match(readlinkSync(`/proc/self/fd/${scope.fd(dial())}`), /^socket:/);
  cancel();

  registerFiles(ring.fd, [-1, -1]);
  accept(ANY_SLOT);
  assert.deepEqual([dial(), dial()], [0, 1]);
  cancel();
});

opTest('OP_SHUTDOWN', 'ends one direction of a connection', (ring, scope) => {
  const EPIPE = -32;
  const [a, b] = pair(scope);
  const { reader } = scope.pipe();
  assert.equal(
    ring.result((sqe) => preparers.shutdown(sqe, reader, 1)),
    ENOTSOCK,
  );
  assert.equal(
    ring.result((sqe) => preparers.shutdown(sqe, a, 3)),
    EINVAL,
  );
  assert.equal(
    ring.result((sqe) => preparers.shutdown(sqe, a, 1)),
    0,
  );
  assert.equal(read(b), '');
  const address = ring.address(textBytes('x'));
  assert.equal(
    ring.result((sqe) => preparers.send(sqe, a, address, 1, MSG_NOSIGNAL)),
    EPIPE,
  );
  writeSync(b, 'still');
  assert.equal(read(a), 'still');
});

// ---- send and receive -----------------------------------------------------------------------------------------------

opTest(['OP_SEND', 'OP_RECV'], 'move bytes, as MSG_* say', (ring, scope) => {
  const [a, b] = pair(scope);
  const { writer } = scope.pipe();
  const out = ring.address(textBytes('0123456789'));
  const bytes = alloc(16).fill(0x2e);
  const into = ring.address(bytes);
  assert.equal(
    ring.result((sqe) => preparers.send(sqe, writer, out, 1, 0)),
    ENOTSOCK,
  );
  assert.equal(
    ring.result((sqe) => preparers.recv(sqe, NO_FD, into, 1, 0)),
    EBADF,
  );
  ring.start((sqe) => preparers.recv(sqe, b, into, 16, MSG_PEEK), 1);
  ring.silent();
  ring.start((sqe) => preparers.send(sqe, a, out + 2, 5, 0), 2);
  assert.deepEqual(
    ring.nextAll(2).map(({ res }) => res),
    [5, 5],
  );
  assert.equal(textOf(bytes), '23456...........');
  assert.equal(
    ring.result((sqe) => preparers.recv(sqe, b, into + 8, 3, 0)),
    3,
  );
  assert.equal(textOf(bytes), '23456...234.....');
  assert.equal(read(b), '56');
  assert.equal(
    ring.result((sqe) => preparers.recv(sqe, b, into, 3, MSG_DONTWAIT)),
    EAGAIN,
  );
});

opTest(['OP_SENDMSG', 'OP_RECVMSG'], 'scatter and gather', (ring, scope) => {
  const [a, b] = pair(scope);
  const [first, second] = [alloc(2), alloc(8)];
  assert.equal(
    ring.result((sqe) => preparers.sendmsg(sqe, a, 1, 0)),
    EFAULT,
  );
  const out = message(ring, [textBytes('ab'), textBytes('cde')]);
  assert.equal(
    ring.result((sqe) => preparers.sendmsg(sqe, a, out, 0)),
    5,
  );
  const into = message(ring, [first, second]);
  assert.equal(
    ring.result((sqe) => preparers.recvmsg(sqe, b, into, MSG_PEEK)),
    5,
  );
  assert.deepEqual([textOf(first), textOf(second, 3)], ['ab', 'cde']);
  assert.equal(read(b), 'abcde');
});

opTest(
  ['OP_SEND', 'OP_SENDMSG', 'OP_RECVMSG', 'OP_BIND'],
  'send to an address, and tell where it came from',
  (ring, scope) => {
    const from = socket(ring, scope, AF_INET, SOCK_DGRAM);
    const to = socket(ring, scope, AF_INET, SOCK_DGRAM);
    assert.deepEqual([bind(ring, from, inet(0)), bind(ring, to, inet(0))], [0, 0]);
    const target = inet(inProc(to, 'udp').port);
    const address = ring.address(target);
    const bytes = ring.address(textBytes('datagram'));
    const EDESTADDRREQ = -89;
    assert.equal(
      ring.result((sqe) => preparers.send(sqe, from, bytes, 8, 0)),
      EDESTADDRREQ,
    );
    assert.equal(
      ring.result((sqe) => preparers.sendTo(preparers.send(sqe, from, bytes, 8, 0), address, target.length)),
      8,
    );
    const name = new Uint8Array(16);
    const room = alloc(16);
    const into = message(ring, [room], name);
    assert.equal(
      ring.result((sqe) => preparers.recvmsg(sqe, to, into, 0)),
      8,
    );
    assert.deepEqual([textOf(room, 8), name], ['datagram', inet(inProc(from, 'udp').port)]);

    const out = message(ring, [textBytes('second')], target);
    assert.equal(
      ring.result((sqe) => preparers.sendmsg(sqe, from, out, 0)),
      6,
    );
    assert.equal(read(to), 'second');
  },
);

opTest(
  'OP_RECV',
  'receives again and again into provided buffers',
  (ring, scope) => {
    const [a, b] = pair(scope);
    const memory = provide(ring, 2);
    const shot = select((sqe) => preparers.recv(sqe, b, 0, 0, 0), IORING_RECV_MULTISHOT);
    ring.start(shot, 1);
    for (const text of ['first', 'second']) {
      ring.silent();
      writeSync(a, text);
      const { res, flags } = ring.next();
      assert.deepEqual([res, flags & PICKED], [text.length, PICKED]);
      assert.equal(textOf(memory(flags), res), text);
    }
    writeSync(a, 'third');
    assert.deepEqual(ring.next().res, ENOBUFS);
  },
  needsOp('OP_SEND_ZC'),
);

opTest(
  'OP_RECVMSG',
  'receives again and again, each time with a header',
  (ring, scope) => {
    const [a, b] = pair(scope, SOCK_DGRAM);
    const memory = alloc(3 * 128);
    const start = ring.address(memory);
    assert.equal(
      ring.result((sqe) => preparers.provideBuffers(sqe, start, 128, 3, 9, 0)),
      0,
    );
    const into = message(ring, []);
    ring.start(
      select((sqe) => preparers.recvmsg(sqe, b, into, 0), IORING_RECV_MULTISHOT),
      1,
    );
    for (const text of ['first', 'second']) {
      writeSync(a, text);
      const { res, flags } = ring.next();
      assert.deepEqual([res, flags & PICKED], [16 + text.length, PICKED]);
      const buffer = memory.subarray((flags >>> 16) * 128).subarray(0, res);
      assert.deepEqual(RecvmsgOut.decode(buffer.subarray(0, 16)), {
        namelen: 0,
        controllen: 0,
        payloadlen: text.length,
        flags: 0,
      });
      assert.equal(textOf(buffer.subarray(16)), text);
    }
    ring.start((sqe) => preparers.asyncCancel(sqe, 1, 0, 0), 2);
    assert.deepEqual(
      ring.nextAll(2).map(({ res }) => res),
      [ECANCELED, 0],
    );
  },
  needsOp('OP_SEND_ZC'),
);

/** A buffer ring, group 9, with one buffer for each text. */
function bufferRing(ring: OpRing, texts: readonly string[]): Uint8Array[] {
  const entries = alloc(4096);
  const memory = texts.map(textBytes);
  for (const [bid, view] of memory.entries())
    entries.set(Buf.encode({ addr: ring.address(view), len: view.length, bid }), bid * 16);
  registerPbufRing(ring.fd, { ringAddr: entries, ringEntries: 4, bgid: 9 });
  ring.address(entries);
  new Uint16Array(entries.buffer, entries.byteOffset)[7] = texts.length;
  return memory;
}

opTest(
  'OP_SEND',
  'sends a bundle of provided buffers in one operation',
  (ring, scope) => {
    const [a, b] = pair(scope);
    bufferRing(ring, ['one', 'two', 'three']);
    const { res, flags } = ring.run(select((sqe) => preparers.send(sqe, a, 0, 0, 0), IORING_RECVSEND_BUNDLE));
    assert.deepEqual([res, flags], [11, IORING_CQE_F_BUFFER]);
    assert.equal(read(b), 'onetwothree');
  },
  needsFeature('FEAT_RECVSEND_BUNDLE'),
);

opTest(
  ['OP_RECV', 'OP_BIND'],
  'receives into a bundle of provided buffers',
  (ring, scope) => {
    const { client, peer } = tcpPair(ring, scope);
    const memory = bufferRing(ring, ['....', '....', '....', '....']);
    writeSync(client, '0123456789abc');
    const ioprio = IORING_RECV_MULTISHOT | IORING_RECVSEND_BUNDLE;
    ring.start(
      select((sqe) => preparers.recv(sqe, peer, 0, 0, 0), ioprio),
      1,
    );
    const received: Done[] = [];
    for (let left = 13; left > 0; left -= received.at(-1)?.res ?? 0) received.push(ring.next());
    // the first receive does not know how much there is, the next one does
    const most = Math.max(...received.map(({ res }) => res));
    assert.ok(most > 4, `more than one buffer at once: ${most} bytes`);
    assert.equal(memory.map((each) => textOf(each)).join(''), '0123456789abc...');
    // it ends by itself when it took the last buffer, or when it finds none
    if ((received.at(-1)?.flags ?? 0) & IORING_CQE_F_MORE) assert.equal(ring.next().res, ENOBUFS);
  },
  needsFeature('FEAT_RECVSEND_BUNDLE'),
);

opTest(
  ['OP_RECV', 'OP_SEND'],
  'can wait for the socket before they try',
  (ring, scope) => {
    const [a, b] = pair(scope);
    const bytes = alloc(8);
    const into = ring.address(bytes);
    ring.start((sqe) => {
      preparers.recv(sqe, b, into, 4, MSG_WAITALL).ioprio = IORING_RECVSEND_POLL_FIRST;
    }, 1);
    const out = ring.address(textBytes('wait'));
    ring.start((sqe) => {
      preparers.send(sqe, a, out, 4, 0).ioprio = IORING_RECVSEND_POLL_FIRST;
    }, 2);
    assert.deepEqual(
      ring.nextAll(2).map(({ res }) => res),
      [4, 4],
    );
    assert.equal(textOf(bytes, 4), 'wait');
    assert.equal(
      ring.result((sqe) => {
        preparers.recv(sqe, b, into, 4, 0).ioprio = 0x8000;
      }),
      EINVAL,
    );
  },
  needsOp('OP_SOCKET'),
);

// ---- zero copy ----------------------------------------------------------------------------------------------------------

/** A zero-copy send on a connection: all is sent, the other end has it, and a notification gives the memory back. */
function sendsWithoutCopy(ring: OpRing, peer: number, text: string, fill: Fill): number {
  ring.start(fill, 1);
  const sent = ring.next();
  assert.deepEqual(sent, { userData: 1, res: text.length, flags: IORING_CQE_F_MORE });
  assert.equal(read(peer), text);
  const { flags, res, userData } = ring.next();
  assert.deepEqual([userData, flags], [1, IORING_CQE_F_NOTIF]);
  return res;
}

/** A zero-copy send that fails; its notification may come all the same. */
function failsWithoutCopy(ring: OpRing, fill: Fill): number {
  ring.start(fill, 1);
  const failed = ring.next();
  if (failed.flags & IORING_CQE_F_MORE)
    assert.deepEqual(ring.next(), { userData: 1, res: 0, flags: IORING_CQE_F_NOTIF });
  return failed.res;
}

opTest(['OP_SEND_ZC', 'OP_BIND'], 'sends, then gives the memory back', (ring, scope) => {
  const { client, peer } = tcpPair(ring, scope);
  const text = 'without a copy';
  const bytes = textBytes(text);
  const address = ring.address(bytes);
  const [local] = pair(scope);
  assert.equal(
    failsWithoutCopy(ring, (sqe) => preparers.sendZc(sqe, local, address, 1, 0)),
    EOPNOTSUPP,
  );
  const zero = sendsWithoutCopy(ring, peer, text, (sqe) =>
    preparers.sendZc(sqe, client, address, text.length, 0),
  );
  assert.equal(zero, 0);
  // loopback copies, and says so
  const usage = sendsWithoutCopy(ring, peer, text, (sqe) => {
    preparers.sendZc(sqe, client, address, text.length, 0).ioprio |= IORING_SEND_ZC_REPORT_USAGE;
  });
  assert.equal(usage >>> 0, IORING_NOTIF_USAGE_ZC_COPIED);
});

opTest(['OP_SEND_ZC', 'OP_BIND'], 'sends from a registered buffer, and not past it', (ring, scope) => {
  const { client, peer } = tcpPair(ring, scope);
  const bytes = textBytes('without a copy');
  const address = ring.address(bytes);
  registerBuffers(ring.fd, [alloc(8), bytes]);
  const fixed = (length: number, buffer: number): Fill => {
    return (sqe) => preparers.sendZcFixed(sqe, client, address, length, 0, buffer);
  };
  assert.equal(failsWithoutCopy(ring, fixed(4, 2)), EFAULT);
  assert.equal(failsWithoutCopy(ring, fixed(15, 1)), EFAULT);
  sendsWithoutCopy(ring, peer, 'out', (sqe) => preparers.sendZcFixed(sqe, client, address + 4, 3, 0, 1));
});

opTest(['OP_SEND_ZC', 'OP_BIND'], 'sends to an address', (ring, scope) => {
  const from = socket(ring, scope, AF_INET, SOCK_DGRAM);
  const to = socket(ring, scope, AF_INET, SOCK_DGRAM);
  assert.equal(bind(ring, to, inet(0)), 0);
  const target = inet(inProc(to, 'udp').port);
  const address = ring.address(target);
  const bytes = ring.address(textBytes('datagram'));
  sendsWithoutCopy(ring, to, 'datagram', (sqe) =>
    preparers.sendTo(preparers.sendZc(sqe, from, bytes, 8, 0), address, target.length),
  );
});

opTest(['OP_SENDMSG_ZC', 'OP_BIND'], 'gathers and sends, then gives the memory back', (ring, scope) => {
  const { client, peer } = tcpPair(ring, scope);
  const out = message(ring, [textBytes('ab'), textBytes('cde')]);
  sendsWithoutCopy(ring, peer, 'abcde', (sqe) => preparers.sendmsgZc(sqe, client, out, 0));
});

opTest(
  ['OP_SENDMSG_ZC', 'OP_BIND'],
  'gathers from a registered buffer',
  (ring, scope) => {
    const { client, peer } = tcpPair(ring, scope);
    const bytes = textBytes('0123456789');
    registerBuffers(ring.fd, [bytes]);
    const out = message(ring, [bytes.subarray(7), bytes.subarray(0, 2)]);
    sendsWithoutCopy(ring, peer, '78901', (sqe) => preparers.sendmsgZcFixed(sqe, client, out, 0, 0));
  },
  needsOp('OP_READV_FIXED'),
);

opTest('OP_RECV_ZC', 'is refused without a zero-copy queue of a network card', (_ring, scope) => {
  const big = new OpRing(scope, IORING_SETUP_CQE32);
  const { peer } = tcpPair(big, scope);
  assert.equal(
    big.result((sqe) => preparers.recvZc(sqe, peer, 0, 0)),
    EINVAL,
  );
});

// ---- provided buffers -------------------------------------------------------------------------------------------------

opTest(
  ['OP_PROVIDE_BUFFERS', 'OP_REMOVE_BUFFERS', 'OP_READ'],
  'give memory to pick from, and take it back',
  (ring, scope) => {
    const { reader, writer } = scope.pipe();
    const pick = select((sqe) => preparers.read(sqe, reader, 0, 16, -1));
    const remove = (count: number): number => ring.result((sqe) => preparers.removeBuffers(sqe, count, 9));
    const address = ring.address(alloc(16));
    assert.equal(
      ring.result((sqe) => preparers.provideBuffers(sqe, address, 16, 0, 9, 0)),
      -7,
    );
    assert.equal(remove(1), ENOENT);
    const memory = provide(ring, 4);
    writeSync(writer, 'picked');
    const { res, flags } = ring.run(pick);
    assert.deepEqual([res, flags & IORING_CQE_F_BUFFER], [6, IORING_CQE_F_BUFFER]);
    assert.equal(textOf(memory(flags)), 'picked..........');
    assert.deepEqual([remove(2), remove(9)], [2, 1]);
    writeSync(writer, 'none left');
    assert.equal(ring.result(pick), ENOBUFS);
  },
);
