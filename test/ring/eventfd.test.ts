import assert from 'node:assert/strict';
import { closeSync, fstatSync, writeSync } from 'node:fs';
import { alloc, StateError, SyscallError } from '../../lib/index.ts';
import { eventfd as libcEventfd } from '../../lib/sys/ffi.ts';
import { limit } from '../../lib/sys/host.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { Params } from '../../structs/setup.ts';
import { needs } from '../helpers/needs.ts';
import { socketPair } from '../helpers/pairs.ts';
import { openFds, refuses, wrong } from '../helpers/raw-ring.ts';
import { closed, complete, result, ringTest, until } from '../helpers/rings.ts';

const NEEDS = needs('REGISTER_EVENTFD');
const NEEDS_ASYNC = needs('REGISTER_EVENTFD_ASYNC');

ringTest('wrong arguments are named before any call, and make no eventfd', NEEDS, (scope) => {
  const ring = scope.ring();
  const before = openFds();
  for (const fd of [-1, 1.5, Number.NaN, 2 ** 31, '3', null]) {
    refuses('fd', () => ring.registerEventfd(wrong(fd)));
  }
  refuses('options.asinc', () => ring.registerEventfd(undefined, wrong({ asinc: true })));
  refuses('options.async', () => ring.registerEventfd(undefined, { async: wrong(1) }));
  refuses('options', () => ring.registerEventfd(undefined, wrong('async')));
  const eventfd = ring.registerEventfd();
  assert.throws(() => {
    eventfd.isEnabled = wrong(0);
  }, TypeError);
  eventfd.unregister();
  assert.deepEqual(openFds(), before);
});

ringTest('a file that is no eventfd is EINVAL, a closed one EBADF', NEEDS, (scope) => {
  const ring = scope.ring();
  const { reader } = scope.pipe();
  assert.throws(() => ring.registerEventfd(reader), { code: 'EINVAL', opcode: 'REGISTER_EVENTFD' });
  assert.throws(() => ring.registerEventfd(0x7fff_fff0), { code: 'EBADF', opcode: 'REGISTER_EVENTFD' });
});

ringTest(
  'a ring has one eventfd: a second is EBUSY, of either kind, and leaks nothing',
  NEEDS_ASYNC,
  (scope) => {
    const ring = scope.ring();
    const eventfd = ring.registerEventfd();
    const before = openFds();
    assert.throws(() => ring.registerEventfd(), { code: 'EBUSY' });
    assert.throws(() => ring.registerEventfd(undefined, { async: true }), {
      code: 'EBUSY',
      opcode: 'REGISTER_EVENTFD_ASYNC',
    });
    assert.deepEqual(openFds(), before);
    ring.prepare.nop();
    result(ring);
    assert.equal(eventfd.read(), 1);
  },
);

ringTest('without a free fd it is EMFILE of eventfd, with a hint', NEEDS, (scope) => {
  const ring = scope.ring();
  const { soft = 0, hard = 0 } = limit('nofile') ?? {};
  sys.setrlimit(7, BigUint64Array.of(0n, BigInt(hard)));
  try {
    assert.throws(
      () => ring.registerEventfd(),
      (error: unknown) => {
        assert.ok(error instanceof SyscallError);
        assert.deepEqual([error.code, error.syscall], ['EMFILE', 'eventfd']);
        assert.match(error.message, /RLIMIT_NOFILE/);
        return true;
      },
    );
  } finally {
    sys.setrlimit(7, BigUint64Array.of(BigInt(soft), BigInt(hard)));
  }
  ring.registerEventfd();
});

ringTest('completions are counted, and a read takes the count', NEEDS, (scope) => {
  const ring = scope.ring();
  const eventfd = ring.registerEventfd();
  assert.equal(eventfd.read(), 0);
  ring.prepare.nop();
  assert.equal(result(ring), 0);
  assert.equal(eventfd.read(), 1);
  assert.equal(eventfd.read(), 0);
  for (let i = 0; i < 3; i++) ring.prepare.nop();
  complete(ring, 3);
  // one signal may stand for all three
  const count = eventfd.read();
  assert.ok(count >= 1 && count <= 3, `${count}`);
});

ringTest('while it is not enabled nothing is counted, also not later', NEEDS, (scope) => {
  const ring = scope.ring();
  const eventfd = ring.registerEventfd();
  assert.equal(eventfd.isEnabled, true);
  eventfd.isEnabled = false;
  ring.prepare.nop();
  result(ring);
  assert.equal(eventfd.read(), 0);
  eventfd.isEnabled = true;
  assert.equal(eventfd.read(), 0);
  ring.prepare.nop();
  result(ring);
  assert.equal(eventfd.read(), 1);
});

ringTest('before Linux 5.8 it can not be disabled, and the queue is left alone', NEEDS, (scope) => {
  const { setup } = sys;
  sys.setup = (entries, bytes) => {
    const fd = setup(entries, bytes);
    const params = Params.decode(bytes);
    if (fd >= 0) Params.encodeInto(bytes, { ...params, cqOff: { ...params.cqOff, flags: 0 } });
    return fd;
  };
  try {
    const ring = scope.ring();
    const eventfd = ring.registerEventfd();
    assert.equal(eventfd.isEnabled, true);
    assert.throws(
      () => {
        eventfd.isEnabled = false;
      },
      { code: 'ERR_URING_UNSUPPORTED', need: 'CQ_EVENTFD_DISABLED', since: '5.8' },
    );
    ring.prepare.nop();
    assert.equal(result(ring), 0);
    assert.equal(eventfd.read(), 1);
  } finally {
    sys.setup = setup;
  }
});

ringTest('a new registration is enabled, whatever the former one was', NEEDS, (scope) => {
  const ring = scope.ring();
  const former = ring.registerEventfd();
  former.isEnabled = false;
  former.unregister();
  const eventfd = ring.registerEventfd();
  assert.equal(eventfd.isEnabled, true);
  ring.prepare.nop();
  result(ring);
  assert.equal(eventfd.read(), 1);
});

ringTest(
  'async counts completions of workers only: not inline ones, not those of a poll',
  NEEDS_ASYNC,
  async (scope) => {
    const ring = scope.ring();
    const eventfd = ring.registerEventfd(undefined, { async: true });
    ring.prepare.nop();
    result(ring);
    assert.equal(eventfd.read(), 0, 'inline');

    // not a pipe: before 6.4 a worker reads it
    const [reader, writer] = socketPair(scope);
    ring.prepare.recv(reader, alloc(8));
    ring.submit();
    writeSync(writer, 'x');
    assert.equal(result(ring), 1);
    assert.equal(eventfd.read(), 0, 'poll');

    ring.prepare.nop({ async: true });
    result(ring);
    // the worker shows the completion first, and signals then
    await until('the signal of the worker', () => eventfd.read() > 0);
  },
);

ringTest('after unregister nothing is counted, and a second one is no error', NEEDS, (scope) => {
  const ring = scope.ring();
  const fd = scope.fd(sys.eventfd(0));
  const eventfd = ring.registerEventfd(fd);
  assert.equal(eventfd.fd, fd);
  eventfd.unregister();
  eventfd.unregister();
  eventfd[Symbol.dispose]();
  assert.equal(eventfd.isRegistered, false);
  ring.prepare.nop();
  result(ring);
  assert.equal(sys.read(fd, new BigUint64Array(1)), -11);
  closed({
    read: () => eventfd.read(),
    fd: () => eventfd.fd,
    isEnabled: () => eventfd.isEnabled,
    enable: () => {
      eventfd.isEnabled = true;
    },
  });
});

ringTest(
  'one of yours stays open after unregister and close; one of the ring goes with either',
  NEEDS,
  (scope) => {
    const before = openFds();
    const yours = scope.fd(sys.eventfd(0));
    scope.ring().registerEventfd(yours).unregister();
    const kept = scope.ring();
    kept.registerEventfd(yours);
    kept.close();
    assert.ok(fstatSync(yours));

    const first = scope.ring();
    const { fd } = first.registerEventfd();
    assert.ok(fstatSync(fd));
    first.close();
    const second = scope.ring();
    second.registerEventfd()[Symbol.dispose]();
    second.close();
    scope.close();
    assert.deepEqual(openFds(), before);
  },
);

ringTest('what was closed by unregister is not closed again by the ring', NEEDS, (scope) => {
  const ring = scope.ring();
  const eventfd = ring.registerEventfd();
  const { fd } = eventfd;
  eventfd.unregister();
  // the lowest free number: the one that was just closed
  const other = scope.fd(sys.eventfd(0));
  assert.equal(other, fd);
  ring.close();
  assert.ok(fstatSync(other));
});

ringTest('a blocking eventfd of yours is refused by read, and signalled all the same', NEEDS, (scope) => {
  const ring = scope.ring();
  const fd = scope.fd(libcEventfd(0, 0));
  const eventfd = ring.registerEventfd(fd);
  assert.throws(
    () => eventfd.read(),
    (error: unknown) => {
      assert.ok(error instanceof StateError);
      assert.match(error.message, /EFD_NONBLOCK/);
      return true;
    },
  );
  ring.prepare.nop();
  result(ring);
  const count = new BigUint64Array(1);
  assert.equal(sys.read(fd, count), 8);
  assert.equal(count[0], 1n);
});

ringTest('the ring holds the eventfd itself: its number may be closed', needs('REGISTER_FILES2'), (scope) => {
  const watched = scope.ring();
  const watcher = scope.ring();
  const fd = sys.eventfd(0);
  const eventfd = watched.registerEventfd(fd);
  // the other ring keeps it too, to look at it when the number is gone
  const files = watcher.registerFiles([fd]);
  closeSync(fd);
  watched.prepare.nop();
  result(watched);
  const count = new BigUint64Array(1);
  watcher.prepare.read(files.at(0), count);
  assert.equal(result(watcher), 8);
  assert.equal(count[0], 1n);
  assert.throws(() => eventfd.read(), { code: 'EBADF' });
  eventfd.unregister();
});

ringTest('it can be registered while the ring is disabled', needs('REGISTER_ENABLE_RINGS'), (scope) => {
  const ring = scope.ring(8, { disabled: true });
  const eventfd = ring.registerEventfd();
  ring.enable();
  ring.prepare.nop();
  result(ring);
  assert.equal(eventfd.read(), 1);
});

ringTest('after the ring is closed every call is a ClosedError, and dispose none', NEEDS, (scope) => {
  const ring = scope.ring();
  const eventfd = ring.registerEventfd();
  ring.close();
  closed({
    register: () => ring.registerEventfd(),
    read: () => eventfd.read(),
    fd: () => eventfd.fd,
    isEnabled: () => eventfd.isEnabled,
    unregister: () => eventfd.unregister(),
  });
  eventfd[Symbol.dispose]();
});
