import assert from 'node:assert/strict';
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, test } from 'node:test';
import { SyscallError, UnsupportedError } from '../lib/errors.ts';
import { Ring } from '../lib/faces/ring.ts';
import * as raw from '../lib/raw.ts';
import { alloc } from '../lib/sys/memory.ts';
import { sys } from '../lib/sys/syscall.ts';
import type { CloseMessage, RegisterMessage, SetupMessage } from '../lib/sys/trace.ts';
import { constants } from '../structs/flags.ts';
import { registerOps } from '../structs/register-ops.ts';
import { needs } from './helpers/needs.ts';
import { wrong } from './helpers/raw-ring.ts';
import { replace, restore } from './helpers/replace.ts';
import { ringTest, type Scope } from './helpers/rings.ts';
import { inProcess } from './helpers/scenario.ts';

const NEEDS = needs('REGISTER_BUFFERS2', 'REGISTER_PBUF_STATUS');
const EBADF = 9;
const NO_FD = 0x7fff_fff0;

/** What was told on a channel since the test began. */
function listen<T>(scope: Scope, name: 'uring:setup' | 'uring:register' | 'uring:close'): T[] {
  const messages: T[] = [];
  const listener = (message: unknown): void => {
    messages.push(wrong(message));
  };
  subscribe(name, listener);
  scope.defer(() => unsubscribe(name, listener));
  return messages;
}

/** The call's result, or minus its errno. */
function outcome(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    if (error instanceof SyscallError) return error.errno;
    if (error instanceof UnsupportedError) return -22;
    throw error;
  }
}

afterEach(restore);

ringTest(
  'every register call is one message, failing ones too, with what the kernel said',
  NEEDS,
  (scope) => {
    const made: (readonly [number, number, number, number])[] = [];
    const { register, registerView } = sys;
    replace(sys, 'register', (fd, opcode, arg, nrArgs) => {
      const result = register(fd, opcode, arg, nrArgs);
      made.push([fd, opcode, nrArgs, result]);
      return result;
    });
    replace(sys, 'registerView', (fd, opcode, arg, nrArgs) => {
      const result = registerView(fd, opcode, arg, nrArgs);
      made.push([fd, opcode, nrArgs, result]);
      return result;
    });
    const messages = listen<RegisterMessage>(scope, 'uring:register');
    const ring = scope.ring();
    const { reader } = scope.pipe();
    const { fd } = ring;
    const calls: (() => unknown)[] = [
      () => raw.registerBuffers(fd, [alloc(64)]),
      () => raw.registerBuffers(fd, [alloc(64)]),
      () => raw.registerBuffersUpdate(fd, { offset: 0, buffers: [null] }),
      () => raw.unregisterBuffers(fd),
      () => raw.unregisterBuffers(fd),
      () => raw.registerFiles(fd, [reader, -1]),
      () => raw.registerFilesUpdate(fd, { offset: 1, fds: [NO_FD] }),
      () => raw.registerFileAllocRange(fd, { off: 0, len: 1 }),
      () => raw.unregisterFiles(fd),
      () => raw.registerProbe(fd),
      () => raw.registerPersonality(fd),
      () => raw.unregisterPersonality(fd, 77),
      () => raw.registerEventfd(fd, reader),
      () => raw.registerIowqMaxWorkers(fd, {}),
      () => raw.registerPbufStatus(fd, 9),
      () => raw.registerRingFds(fd, [{ fd }]),
      () => raw.registerProbe({ registeredIndex: 0 }),
      () => raw.unregisterRingFds(fd, [0]),
      () => raw.register(fd, 4242),
      () => raw.register(fd, constants.IORING_REGISTER_FILES, Int32Array.of(reader), 1),
      () => raw.register(NO_FD, constants.IORING_REGISTER_PROBE, new Uint8Array(16), 0),
      () => raw.registerSendMsgRing(-1, { targetFd: NO_FD, userData: 1, res: 0 }),
    ];
    for (const call of calls) {
      made.length = 0;
      const before = messages.length;
      outcome(call);
      const told = messages.slice(before);
      // behind a call that failed its error asks the kernel why: those calls are not told of
      assert.deepEqual(
        told.map((each) => [each.fd, (each.opcode | each.flags) >>> 0, each.nrArgs, each.result]),
        made.slice(0, told.length),
        `${call}`,
      );
      assert.equal(told.length, 1, `${call}`);
    }
    restore();
    for (const { result, errno, code, opcode, opcodeName, tid, startNs, durationNs } of messages) {
      assert.equal(errno, result < 0 ? -result : 0);
      assert.equal(code === null, errno === 0);
      assert.equal(opcodeName, registerOps[opcode]?.name ?? `OP_${opcode}`);
      assert.equal(tid, process.pid);
      assert.ok(startNs > 0n && durationNs >= 0n && startNs + durationNs <= process.hrtime.bigint());
    }
    const seqs = messages.map(({ seq }) => seq);
    assert.deepEqual(
      seqs,
      seqs.toSorted((a, b) => a - b),
    );
    assert.equal(new Set(seqs).size, seqs.length);
  },
);

ringTest('a message is frozen, and its argument is decoded when it is asked for', NEEDS, (scope) => {
  const messages = listen<RegisterMessage>(scope, 'uring:register');
  const ring = scope.ring();
  const { reader } = scope.pipe();
  raw.registerFiles(ring.fd, [reader, -1]);
  raw.registerFilesUpdate(ring.fd, { offset: 1, fds: [reader] });
  raw.registerProbe(ring.fd);
  raw.unregisterFiles(ring.fd);
  raw.register(ring.fd, constants.IORING_REGISTER_PERSONALITY);
  const [files, update, probe, unregister] = messages;
  assert.ok(files && update && probe && unregister);
  for (const message of messages) {
    assert.ok(Object.isFrozen(message));
    assert.equal(typeof Object.getOwnPropertyDescriptor(message, 'arg')?.get, 'function', 'a getter');
    assert.equal(typeof Object.getOwnPropertyDescriptor(message, 'argOut')?.get, 'function');
  }
  assert.deepEqual(files.arg, [reader, -1]);
  assert.equal(files.argOut, null);
  assert.equal(files.argRaw?.byteLength, 8);
  assert.equal(Object(update.arg).offset, 1);
  assert.deepEqual([unregister.arg, unregister.argRaw, unregister.argOut], [null, null, null]);
  // the argument before the call and after it
  assert.equal(Object(probe.arg).lastOp, 0);
  assert.ok(Object(probe.argOut).lastOp > 40);
  // a copy: what comes later does not change it
  raw.registerFiles(ring.fd, [-1, -1, reader]);
  assert.deepEqual(files.arg, [reader, -1]);
});

ringTest('rings are counted, and known by fd and by index', NEEDS, (scope) => {
  const setups = listen<SetupMessage>(scope, 'uring:setup');
  const registers = listen<RegisterMessage>(scope, 'uring:register');
  const closes = listen<CloseMessage>(scope, 'uring:close');
  const first = new Ring(4);
  const second = new Ring(4);
  const [one, two] = setups.map(({ ring }) => ring);
  assert.ok(one && two && two > one);
  assert.deepEqual(
    setups.map(({ fd, result, entries, errno, code }) => [fd, result, entries, errno, code]),
    [first, second].map(({ fd }) => [fd, fd, 4, 0, null]),
  );
  const { registeredIndex } = { registeredIndex: first.registerRingFd().index };
  first.probe();
  second.probe();
  const named = registers.map(({ ring, fd, flags }) => [ring, fd, flags !== 0]);
  assert.deepEqual(named, [
    [one, first.fd, false],
    [one, registeredIndex, true],
    [two, second.fd, false],
  ]);
  // the ring-less form is nobody's, also while index 0 is in use
  raw.registerQuery(-1, 'QUERY_OPCODES');
  assert.deepEqual([registers.at(-1)?.fd, registers.at(-1)?.ring], [-1, null]);
  const fds = [first.fd, second.fd];
  first.close();
  second.close();
  assert.deepEqual(
    closes.map(({ ring, fd }) => [ring, fd]),
    [
      [one, fds[0]],
      [two, fds[1]],
    ],
  );
  const fd = new Ring(4);
  assert.equal(setups.at(-1)?.ring, two + 1, 'a number is not used again, as the fd is');
  fd.close();
});

ringTest('a refused setup is told, and is nobody’s', NEEDS, (scope) => {
  const messages = listen<SetupMessage>(scope, 'uring:setup');
  // errnos that, taken for something else, would be the name of a ring
  const ring = scope.ring(4);
  const index = ring.registerRingFd().index;
  messages.length = 0;
  for (const errno of [1, index + 1, index + 2, ring.fd + 1, ring.fd, 24]) {
    replace(sys, 'setup', () => -errno);
    for (const options of [{}, { registeredFdOnly: true }]) {
      assert.equal(
        outcome(() => new Ring(4, options)),
        -errno,
      );
      const last = messages.at(-1);
      assert.deepEqual([last?.result, last?.errno, last?.fd, last?.ring], [-errno, errno, -errno, null]);
    }
    restore();
  }
});

ringTest('a ring without an fd is told of by its index', NEEDS, (scope) => {
  const setups = listen<SetupMessage>(scope, 'uring:setup');
  const registers = listen<RegisterMessage>(scope, 'uring:register');
  const closes = listen<CloseMessage>(scope, 'uring:close');
  const ring = new Ring(4, { registeredFdOnly: true });
  ring.probe();
  const number = setups[0]?.ring ?? 0;
  assert.ok(number > 0);
  assert.deepEqual(
    [registers[0]?.ring, registers[0]?.fd, registers[0]?.flags],
    [number, setups[0]?.fd, 0x8000_0000],
  );
  assert.equal(closes.length, 0);
  ring.close();
  assert.deepEqual(
    closes.map((message) => message.ring),
    [number],
  );
});

ringTest('closing any other fd is told to nobody', NEEDS, (scope) => {
  const closes = listen<CloseMessage>(scope, 'uring:close');
  const [a, b] = raw.libc.pipe();
  raw.libc.close(a);
  raw.libc.close(b);
  assert.throws(() => raw.libc.close(NO_FD), { errno: -EBADF });
  assert.deepEqual(closes, []);
});

ringTest('a subscriber may make calls: it is not told of them, and they spoil nothing', NEEDS, (scope) => {
  let depth = 0;
  let told = 0;
  const inner: number[] = [];
  const meddle = (): void => {
    told++;
    assert.equal(++depth, 1, 'no recursion');
    const ring = new Ring(2);
    ring.registerBuffers([alloc(64)]).unregister();
    inner.push(ring.probe().ops.length);
    inner.push(ring.workerLimits.bounded);
    ring.close();
    depth--;
  };
  for (const name of ['uring:setup', 'uring:register', 'uring:close']) {
    subscribe(name, meddle);
    scope.defer(() => unsubscribe(name, meddle));
  }
  const ring = new Ring(4);
  const limits = ring.workerLimits;
  const { lastOp, ops } = ring.probe();
  const index = ring.registerRingFd();
  assert.ok(limits.bounded > 0 && limits.unbounded > 0);
  assert.equal(ops.length, lastOp + 1);
  assert.ok(index.index >= 0 && index.index < 16);
  ring.close();
  assert.ok(told >= 6 && inner.length === told * 2, `${told}`);
  assert.ok(new Set(inner).size <= 2);
});

test('subscribers that throw change nothing for the caller', NEEDS, () => {
  const module = new URL('trace.scenes.ts', import.meta.url).href;
  const { code, isClosed, during, errors } = Object(inProcess({ module, name: 'throwing' }));
  assert.deepEqual([code, isClosed, during], ['EBUSY', true, 0]);
  assert.deepEqual(new Set(errors), new Set(['uring:setup', 'uring:register', 'uring:close']));
});

ringTest('without a subscriber no message is built', NEEDS, (scope) => {
  for (const name of ['uring:setup', 'uring:register', 'uring:close']) {
    assert.equal(channel(name).hasSubscribers, false);
  }
  const built: unknown[] = [];
  const { bigint } = process.hrtime;
  replace(process.hrtime, 'bigint', () => {
    built.push(new Error('hrtime').stack);
    return bigint.call(process.hrtime);
  });
  const ring = scope.ring();
  ring.probe();
  ring.registerBuffers([alloc(64)]).unregister();
  raw.register(ring.fd, constants.IORING_REGISTER_FILES, Int32Array.of(-1), 1);
  ring.close();
  assert.deepEqual(built, []);
});
