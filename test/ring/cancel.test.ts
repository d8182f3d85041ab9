import assert from 'node:assert/strict';
import { UnsupportedError } from '../../lib/errors.ts';
import type { Ring } from '../../lib/faces/ring.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { knows, needs } from '../helpers/needs.ts';
import { ECANCELED, only } from '../helpers/pairs.ts';
import { answer, refuses, wrong } from '../helpers/raw-ring.ts';
import { closed, complete, ofThreads, ringTest, type Scope, until } from '../helpers/rings.ts';

const sync = needs('REGISTER_SYNC_CANCEL');
/** IORING_ASYNC_CANCEL_OP (6.6): the next opcode after it. */
const byOp = needs('REGISTER_PBUF_STATUS');
const POLLIN = 1;
const ENOENT = { code: 'ENOENT', opcode: 'REGISTER_SYNC_CANCEL' };

/** A pipe that is polled, with each of `userDatas`. */
function polled(scope: Scope, ring: Ring, ...userDatas: readonly number[]): number {
  const { reader } = scope.pipe();
  for (const userData of userDatas) ring.prepare.pollAdd(reader, POLLIN, { userData });
  ring.submit();
  return reader;
}

/** The userData of `count` operations that were cancelled. */
function cancelled(ring: Ring, count: number): (number | bigint)[] {
  const found = complete(ring, count);
  assert.deepEqual(new Set(found.map(({ res }) => res)), new Set(count === 0 ? [] : [ECANCELED]));
  return found.map(({ userData }) => userData).sort();
}

ringTest('a target that is wrong, or says two things, is refused before any system call', {}, (scope) => {
  const ring = scope.ring();
  const cases: readonly (readonly [string, unknown])[] = [
    ['target', undefined],
    ['target', {}],
    ['target', { all: true }],
    ['target', { any: false }],
    ['target.userdata', { userdata: 1 }],
    ['target.userData', { userData: -1 }],
    ['target.userData', { userData: 1n }],
    ['target.fd', { fd: -1 }],
    ['target.fd', { fd: '1' }],
    ['target.op', { op: 'OP_REED' }],
    ['target.op', { op: 22 }],
    ['target.all', { userData: 1, all: 1 }],
    ['target.any', { any: 1 }],
    ['target.timeoutMs', { any: true, timeoutMs: -1 }],
    ['target.timeoutMs', { any: true, timeoutMs: '1' }],
    ['target.fd', { userData: 1, fd: 1 }],
    ['target.op', { userData: 1, op: 'OP_READ' }],
    ['target.userData', { any: true, userData: 1 }],
    ['target.fd', { any: true, fd: 1 }],
    ['target.op', { any: true, op: 'OP_READ' }],
  ];
  for (const [name, target] of cases) refuses(name, () => ring.cancelSync(wrong(target)));
});

ringTest('a closed ring, table or foreign table is refused', sync, (scope) => {
  const ring = scope.ring();
  const other = scope.ring();
  const { reader } = scope.pipe();
  const foreign = other.registerFiles([reader]);
  refuses('file', () => ring.cancelSync({ fd: foreign.at(0) }));
  const file = ring.registerFiles([reader]).at(0);
  ring.files?.unregister();
  closed({ 'a closed table': () => ring.cancelSync({ fd: file }) });
  ring.close();
  closed({ 'a closed ring': () => ring.cancelSync({ any: true }) });
});

ringTest('an operation is cancelled by its userData', sync, (scope) => {
  const ring = scope.ring();
  polled(scope, ring, 1, 2, Number.MAX_SAFE_INTEGER);
  assert.equal(ring.cancelSync({ userData: 2 }), 1);
  assert.deepEqual(cancelled(ring, 1), [2]);
  assert.equal(ring.cancelSync({ userData: Number.MAX_SAFE_INTEGER }), 1);
  assert.deepEqual(cancelled(ring, 1), [Number.MAX_SAFE_INTEGER]);
  assert.equal(ring.inFlight, 1);
});

ringTest('of several operations with one userData one is cancelled, or all', sync, (scope) => {
  const ring = scope.ring();
  polled(scope, ring, 5, 5, 5, 5, 6);
  assert.equal(ring.cancelSync({ userData: 5 }), 1);
  assert.deepEqual(cancelled(ring, 1), [5]);
  assert.equal(ring.cancelSync({ userData: 5, all: true }), 3);
  assert.deepEqual(cancelled(ring, 3), [5, 5, 5]);
  assert.equal(ring.inFlight, 1);
});

ringTest('nothing that matches is ENOENT, and with all a count of 0', sync, (scope) => {
  const ring = scope.ring();
  polled(scope, ring, 1);
  for (const timeoutMs of [undefined, 0, 50]) {
    assert.throws(
      () => ring.cancelSync({ userData: 2, ...(timeoutMs !== undefined && { timeoutMs }) }),
      ENOENT,
    );
  }
  assert.equal(ring.cancelSync({ userData: 2, all: true }), 0);
  assert.throws(() => ring.cancelSync({ fd: scope.pipe().reader }), ENOENT);
  assert.equal(ring.cancelSync({ fd: scope.pipe().reader, all: true }), 0);
  assert.equal(ring.inFlight, 1);
});

ringTest('what was not submitted, or is over, is not cancelled', sync, (scope) => {
  const ring = scope.ring();
  const { reader } = scope.pipe();
  // one that is over and not reaped does not hide one that still runs
  ring.prepare.nop({ userData: 1 });
  ring.submit();
  ring.prepare.pollAdd(reader, POLLIN, { userData: 1 });
  assert.throws(() => ring.cancelSync({ userData: 1 }), ENOENT);
  assert.equal(ring.cancelSync({ userData: 1, all: true }), 0);
  ring.submit();
  assert.equal(ring.cancelSync({ userData: 1 }), 1);
  assert.deepEqual(
    complete(ring, 2).map(({ res }) => res),
    [0, ECANCELED],
  );
});

ringTest('an operation that completes silently is cancelled by its userData', sync, (scope) => {
  const ring = scope.ring();
  const { reader } = scope.pipe();
  for (let i = 0; i < 3; i++)
    ring.prepare.pollAdd(reader, POLLIN, { userData: 2 ** 40 + 1, skipSuccess: true });
  ring.submit();
  assert.equal(ring.cancelSync({ userData: 2 ** 40 + 1 }), 1);
  assert.deepEqual(cancelled(ring, 1), [2 ** 40 + 1]);
  assert.equal(ring.cancelSync({ userData: 2 ** 40 + 1, all: true }), 2);
  assert.deepEqual(cancelled(ring, 2), [2 ** 40 + 1, 2 ** 40 + 1]);
});

ringTest('operations are cancelled by their file', sync, (scope) => {
  const ring = scope.ring();
  const first = polled(scope, ring, 1, 2, 3);
  const second = polled(scope, ring, 4);
  assert.equal(ring.cancelSync({ fd: second }), 1);
  assert.deepEqual(cancelled(ring, 1), [4]);
  assert.equal(ring.cancelSync({ fd: first, all: true }), 3);
  assert.deepEqual(cancelled(ring, 3), [1, 2, 3]);
});

ringTest('operations are cancelled by a slot of the file table', sync, (scope) => {
  const ring = scope.ring();
  const pipes = [scope.pipe(), scope.pipe()];
  const files = ring.registerFiles(pipes.map(({ reader }) => reader));
  for (const index of [0, 1, 1]) ring.prepare.pollAdd(files.at(index), POLLIN, { userData: index });
  ring.submit();
  assert.equal(ring.cancelSync({ fd: files.at(1), all: true }), 2);
  assert.deepEqual(cancelled(ring, 2), [1, 1]);
  assert.equal(ring.cancelSync({ fd: files.at(0) }), 1);
  assert.deepEqual(cancelled(ring, 1), [0]);
});

ringTest('a file that is not open is EBADF', sync, (scope) => {
  const ring = scope.ring();
  polled(scope, ring, 1);
  assert.throws(() => ring.cancelSync({ fd: 0x7fff_fff0 }), { code: 'EBADF' });
  assert.throws(() => ring.cancelSync({ fd: 0x7fff_fff0, all: true }), { code: 'EBADF' });
});

ringTest('operations are cancelled by their kind, and by file and kind together', byOp, (scope) => {
  const ring = scope.ring();
  const { reader } = scope.pipe();
  ring.prepare.timeout({ afterMs: 60_000, userData: 1 });
  ring.prepare.pollAdd(reader, POLLIN, { userData: 2 });
  ring.prepare.read(reader, new Uint8Array(8), { userData: 3 });
  ring.submit();
  const other = polled(scope, ring, 4, 5);
  assert.equal(ring.cancelSync({ op: 'OP_TIMEOUT' }), 1);
  assert.deepEqual(cancelled(ring, 1), [1]);
  assert.equal(ring.cancelSync({ fd: reader, op: 'OP_POLL_ADD', all: true }), 1);
  assert.deepEqual(cancelled(ring, 1), [2]);
  assert.throws(() => ring.cancelSync({ fd: other, op: 'OP_READ' }), ENOENT);
  assert.equal(ring.cancelSync({ op: 'OP_POLL_ADD', all: true }), 2);
  assert.deepEqual(cancelled(ring, 2), [4, 5]);
  assert.equal(ring.inFlight, 1);
});

ringTest('any cancels everything that is in flight', sync, (scope) => {
  const ring = scope.ring();
  polled(scope, ring, 1, 2);
  ring.prepare.timeout({ afterMs: 60_000, userData: 3 });
  ring.submit();
  assert.equal(ring.cancelSync({ any: true }), 3);
  assert.deepEqual(cancelled(ring, 3), [1, 2, 3]);
  assert.equal(ring.cancelSync({ any: true, all: true }), 0);
});

ringTest('on a deferTaskrun ring the completions come when it is entered', sync, (scope) => {
  const ring = scope.ring(8, { deferTaskrun: true });
  polled(scope, ring, 1, 2);
  assert.equal(ring.cancelSync({ any: true }), 2);
  assert.deepEqual(cancelled(ring, 2), [1, 2]);
});

/** Does a thread wait for a pipe? */
function sleepsInPipe(): boolean {
  return ofThreads('wchan').some(([, wchan]) => wchan.includes('pipe'));
}

ringTest('an operation that a worker runs is waited for, or ETIME', sync, async (scope) => {
  const ring = scope.ring();
  const { reader } = scope.pipe();
  const { writer } = scope.pipe();
  // a splice from an empty pipe sleeps in its worker
  const start = (userData: number): void => {
    ring.prepare.splice(reader, writer, 4096, { userData, async: true });
    ring.submit();
  };
  // until the worker has begun, it is simply taken off the queue
  const cancel = (userData: number, timeoutMs: number): string => {
    for (;;) {
      const outcome = String(answer(() => ring.cancelSync({ userData, timeoutMs })));
      // for a moment the worker has taken it off the queue, and is not yet known to run it; or the signal that ended
      // the one before has ended this one too
      if (outcome !== 'ENOENT' || ring.ready > 0) return outcome;
    }
  };
  let userData = 0;
  for (; userData < 10_000; userData++) {
    start(userData);
    if (cancel(userData, 0) === 'ETIME') break;
    // ECANCELED; or the errno of a wait that was interrupted, which kernels have let through as it is
    assert.equal(only(ring).userData, userData);
  }
  // it was told to end, and does; a worker of 6.1 that did not sleep yet wants to be told again
  await until('the end of the splice', () => {
    if (ring.ready === 0) answer(() => ring.cancelSync({ userData, timeoutMs: 0 }));
    return ring.ready > 0;
  });
  assert.notEqual(only(ring).res, 4096);
  let outcome = 'ENOENT';
  for (let i = 0; i < 100 && outcome === 'ENOENT'; i++) {
    start(1);
    await until('a worker that sleeps, or was ended', () => sleepsInPipe() || ring.ready > 0);
    outcome = cancel(1, 2000);
    assert.equal(only(ring).userData, 1);
  }
  // 6.1 now and then does not notice that the operation has ended
  const expected = knows('REGISTER_PBUF_STATUS') ? ['1'] : ['1', 'ETIME'];
  assert.ok(expected.includes(outcome), outcome);
});

ringTest('a kernel that does not know kinds says so', sync, (scope) => {
  const ring = scope.ring();
  const { register } = sys;
  sys.register = (fd, opcode, ...rest) =>
    fd === ring.fd && opcode === 24 ? -22 : register(fd, opcode, ...rest);
  try {
    assert.throws(
      () => ring.cancelSync({ op: 'OP_READ' }),
      (error: unknown) =>
        error instanceof UnsupportedError && error.since === '6.6' && error.need === 'ASYNC_CANCEL_OP',
    );
    assert.throws(() => ring.cancelSync({ fd: 0 }), { name: 'RegisterError', code: 'EINVAL' });
  } finally {
    sys.register = register;
  }
});
