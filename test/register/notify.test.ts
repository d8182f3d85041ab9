/** Eventfds, personalities, cancellation, messages: opcodes 4, 5, 7, 9, 10, 24, 31. */
import assert from 'node:assert/strict';
import { openSync } from 'node:fs';
import { test } from 'node:test';
import {
  register,
  registerEventfd,
  registerEventfdAsync,
  registerFiles,
  registerPersonality,
  registerSendMsgRing,
  registerSyncCancel,
  unregisterEventfd,
  unregisterPersonality,
} from '../../lib/raw.ts';
import { close, eventfd } from '../../lib/sys/libc.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { needs } from '../helpers/needs.ts';
import {
  answer,
  gives,
  hex,
  makeRing,
  NO_U32,
  openFds,
  own,
  refuses,
  s32,
  told,
  wrong,
} from '../helpers/raw-ring.ts';

const before = openFds();
const NO_FD = 0x7fff_fff0;
const NO_DESCRIPTOR = [-1, 1.5, Number.NaN, 2 ** 31, 2 ** 32, '1', 1n, null, undefined, {}];
const NO_U64 = [-1, 1.5, Number.NaN, 2 ** 53, -1n, 2n ** 64n, '1', null, {}];
const CANCEL = needs('REGISTER_SYNC_CANCEL');
const MESSAGE = needs('REGISTER_SEND_MSG_RING');

/** What an eventfd counted since it was last read; 0 for nothing. */
function signals(fd: number): number {
  const count = new BigUint64Array(1);
  return sys.read(fd, count) === 8 ? Number(count[0]) : 0;
}

// ---- eventfds -----------------------------------------------------------------------------------------------------

test('what is no fd of an eventfd is refused before the call', (t) => {
  const { fd } = makeRing(t);
  for (const bad of NO_DESCRIPTOR) {
    refuses('eventfd', () => registerEventfd(fd, wrong(bad)));
    refuses('eventfd', () => registerEventfdAsync(fd, wrong(bad)));
  }
});

test('a ring has one eventfd: of either kind a second is EBUSY, none is ENXIO', (t) => {
  const { fd } = makeRing(t);
  const signal = own(t, eventfd());
  gives('ENXIO', () => unregisterEventfd(fd));
  for (const add of [registerEventfd, registerEventfdAsync]) {
    add(fd, signal);
    gives('EBUSY', () => registerEventfd(fd, signal));
    gives('EBUSY', () => registerEventfdAsync(fd, signal));
    unregisterEventfd(fd);
    gives('ENXIO', () => unregisterEventfd(fd));
  }
});

test('a closed fd is EBADF, what is no eventfd EINVAL', (t) => {
  const { fd } = makeRing(t);
  const file = own(t, openSync('/dev/null', 'r'));
  for (const add of [registerEventfd, registerEventfdAsync]) {
    gives('EBADF', () => add(fd, NO_FD));
    gives('EINVAL', () => add(fd, file));
  }
});

test('a completion signals the eventfd until it is unregistered', MESSAGE, (t) => {
  const { fd } = makeRing(t);
  const signal = own(t, eventfd());
  registerEventfd(fd, signal);
  assert.equal(signals(signal), 0);
  registerSendMsgRing(-1, { targetFd: fd, userData: 1, res: 0 });
  assert.equal(signals(signal), 1);
  unregisterEventfd(fd);
  registerSendMsgRing(-1, { targetFd: fd, userData: 1, res: 0 });
  assert.equal(signals(signal), 0);
});

test('the asynchronous kind keeps quiet about completions of no worker', MESSAGE, (t) => {
  const { fd } = makeRing(t);
  const signal = own(t, eventfd());
  registerEventfdAsync(fd, signal);
  registerSendMsgRing(-1, { targetFd: fd, userData: 1, res: 0 });
  assert.equal(signals(signal), 0);
});

test('the bare opcodes: the argument is a pointer to the fd, nr_args 1, and none to undo', (t) => {
  const { fd } = makeRing(t);
  const signal = own(t, eventfd());
  for (const op of [constants.IORING_REGISTER_EVENTFD, constants.IORING_REGISTER_EVENTFD_ASYNC]) {
    gives('EINVAL', 'nr 0', () => register(fd, op, hex(s32(signal)), 0));
    gives('EINVAL', 'nr 2', () => register(fd, op, hex(s32(signal)), 2));
    gives('EFAULT', 'NULL', () => register(fd, op, null, 1));
    gives('EFAULT', 'the fd itself', () => register(fd, op, signal, 1));
    gives(0, () => register(fd, op, hex(s32(signal)), 1));
    const undo = constants.IORING_UNREGISTER_EVENTFD;
    gives('EINVAL', 'an argument', () => register(fd, undo, hex(s32(signal)), 0));
    gives('EINVAL', 'nr 1', () => register(fd, undo, null, 1));
    gives(0, () => register(fd, undo));
  }
});

// ---- personalities --------------------------------------------------------------------------------------------------

test('personalities are numbered from 1, and the id given is the one dropped', (t) => {
  const { fd } = makeRing(t);
  assert.equal(registerPersonality(fd), 1);
  assert.equal(registerPersonality(fd), 2);
  unregisterPersonality(fd, 1);
  gives('EINVAL', 'twice', () => unregisterPersonality(fd, 1));
  unregisterPersonality(fd, 2);
  for (const id of [0, 3, 65_536, 2 ** 32 - 1]) gives('EINVAL', `${id}`, () => unregisterPersonality(fd, id));
});

test('an id is checked before the call', (t) => {
  const { fd } = makeRing(t);
  for (const bad of [...NO_U32, undefined]) refuses('id', () => unregisterPersonality(fd, wrong(bad)));
});

test('the bare opcodes: no argument; nr_args is 0, and the id to undo', (t) => {
  const { fd } = makeRing(t);
  const { IORING_REGISTER_PERSONALITY, IORING_UNREGISTER_PERSONALITY } = constants;
  gives('EINVAL', 'an argument', () => register(fd, IORING_REGISTER_PERSONALITY, hex('00'), 0));
  gives('EINVAL', 'nr 1', () => register(fd, IORING_REGISTER_PERSONALITY, null, 1));
  gives(1, () => register(fd, IORING_REGISTER_PERSONALITY));
  gives('EINVAL', 'an argument', () => register(fd, IORING_UNREGISTER_PERSONALITY, hex('00'), 1));
  gives(0, () => register(fd, IORING_UNREGISTER_PERSONALITY, null, 1));
});

// ---- cancellation ---------------------------------------------------------------------------------------------------

test('what to cancel is checked before the call', (t) => {
  const { fd } = makeRing(t);
  for (const bad of NO_U64) refuses('cancel.addr', () => registerSyncCancel(fd, { addr: wrong(bad) }));
  for (const bad of [-2, 1.5, Number.NaN, 2 ** 31, '1', 1n, null])
    refuses('cancel.fd', () => registerSyncCancel(fd, { fd: wrong(bad) }));
  for (const bad of NO_U32) refuses('cancel.flags', () => registerSyncCancel(fd, { flags: wrong(bad) }));
  for (const bad of [-1, 256, 1.5, Number.NaN, '1', 1n, null]) {
    refuses('cancel.opcode', () => registerSyncCancel(fd, { opcode: wrong(bad) }));
  }
  for (const bad of [-1, -0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '1', 1n, null]) {
    refuses('cancel.timeoutMs', () => registerSyncCancel(fd, { timeoutMs: wrong(bad) }));
  }
  refuses('cancel.timeout', () => registerSyncCancel(fd, wrong({ timeout: 1 })));
  for (const options of [undefined, null, 5]) refuses('cancel', () => registerSyncCancel(fd, wrong(options)));
});

test('nothing to cancel is ENOENT, or 0 for all and any', CANCEL, (t) => {
  const { fd } = makeRing(t);
  const {
    IORING_ASYNC_CANCEL_ALL,
    IORING_ASYNC_CANCEL_ANY,
    IORING_ASYNC_CANCEL_FD,
    IORING_ASYNC_CANCEL_FD_FIXED,
  } = constants;
  gives('ENOENT', () => registerSyncCancel(fd, { addr: 1, timeoutMs: 0 }));
  gives('ENOENT', () => registerSyncCancel(fd, { addr: 2n ** 64n - 1n }));
  assert.equal(registerSyncCancel(fd, { addr: 1, flags: IORING_ASYNC_CANCEL_ALL }), 0);
  assert.equal(registerSyncCancel(fd, { flags: IORING_ASYNC_CANCEL_ANY, timeoutMs: 1.5 }), 0);
  gives('EBADF', 'no fd', () => registerSyncCancel(fd, { flags: IORING_ASYNC_CANCEL_FD }));
  gives('EBADF', () => registerSyncCancel(fd, { fd: NO_FD, flags: IORING_ASYNC_CANCEL_FD }));
  gives('ENOENT', () => registerSyncCancel(fd, { fd: 1, flags: IORING_ASYNC_CANCEL_FD }));
  const fixed = IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_FD_FIXED;
  gives('EBADF', 'no file table', () => registerSyncCancel(fd, { fd: 0, flags: fixed }));
  registerFiles(fd, [1]);
  gives('ENOENT', () => registerSyncCancel(fd, { fd: 0, flags: fixed }));
  gives('EINVAL', 'an unknown flag', () => registerSyncCancel(fd, { flags: 0x8000_0000 }));
});

test(
  'operations can be cancelled by their kind',
  needs('REGISTER_SYNC_CANCEL', 'REGISTER_PBUF_STATUS'),
  (t) => {
    const { fd } = makeRing(t);
    const flags = constants.IORING_ASYNC_CANCEL_OP | constants.IORING_ASYNC_CANCEL_ALL;
    assert.equal(registerSyncCancel(fd, { flags, opcode: constants.IORING_OP_POLL_ADD }), 0);
  },
);

test('a time limit becomes seconds and nanoseconds; none is -1 in both words', CANCEL, (t) => {
  const { fd } = makeRing(t);
  const words = (timeoutMs: number | undefined): bigint[] => {
    const [message] = told(() => registerSyncCancel(fd, { addr: 1, timeoutMs }));
    assert.equal(message?.code, 'ENOENT');
    return [...new BigInt64Array(message.argRaw?.slice(16, 32).buffer ?? new ArrayBuffer(0))];
  };
  assert.deepEqual(words(undefined), [-1n, -1n]);
  assert.deepEqual(words(0), [0n, 0n]);
  assert.deepEqual(words(1), [0n, 1_000_000n]);
  assert.deepEqual(words(999.999_999_9), [0n, 999_999_999n], 'never a whole second of nanoseconds');
  assert.deepEqual(words(61_000.5), [61n, 500_000n]);
  assert.deepEqual(words(2 ** 53 - 1), [9_007_199_254_740n, 991_000_000n]);
});

test('the bare opcode: nr_args is 1, and reserved fields are 0', CANCEL, (t) => {
  const { fd } = makeRing(t);
  const zeros = (n: number) => '00'.repeat(n);
  const call = (bytes: string, nrArgs = 1) =>
    answer(() => register(fd, constants.IORING_REGISTER_SYNC_CANCEL, hex(bytes), nrArgs));
  assert.equal(call(zeros(64), 0), 'EINVAL', 'nr 0');
  assert.equal(call(zeros(64), 2), 'EINVAL', 'nr 2');
  assert.equal(call(`${zeros(33)} 01 ${zeros(30)}`), 'EINVAL', 'pad');
  assert.equal(call(`${zeros(63)} 01`), 'EINVAL', 'pad2');
  gives('EINVAL', 'NULL', () => register(fd, constants.IORING_REGISTER_SYNC_CANCEL, null, 1));
  assert.equal(call(zeros(64)), 'ENOENT');
});

// ---- messages -------------------------------------------------------------------------------------------------------

test('a message is checked before the call', () => {
  const right = { targetFd: 1, userData: 1, res: 0 };
  for (const bad of NO_DESCRIPTOR)
    refuses('message.targetFd', () => registerSendMsgRing(-1, { ...right, targetFd: wrong(bad) }));
  for (const bad of [...NO_U64, undefined]) {
    refuses('message.userData', () => registerSendMsgRing(-1, { ...right, userData: wrong(bad) }));
  }
  for (const bad of [-(2 ** 31) - 1, 2 ** 31, 1.5, Number.NaN, '1', 1n, null, undefined]) {
    refuses('message.res', () => registerSendMsgRing(-1, { ...right, res: wrong(bad) }));
  }
  for (const bad of NO_U32)
    refuses('message.flags', () => registerSendMsgRing(-1, { ...right, flags: wrong(bad) }));
  refuses('message.user_data', () => registerSendMsgRing(-1, wrong({ ...right, user_data: 1 })));
  for (const options of [undefined, null, 5])
    refuses('message', () => registerSendMsgRing(-1, wrong(options)));
});

test('a message is a completion of the target, its flags too', MESSAGE, (t) => {
  const ring = makeRing(t);
  registerSendMsgRing(-1, { targetFd: ring.fd, userData: 2n ** 64n - 1n, res: -13 });
  registerSendMsgRing(-1, { targetFd: ring.fd, userData: 2 ** 53 - 1, res: 2 ** 31 - 1, flags: 0xffff_7f17 });
  registerSendMsgRing(-1, { targetFd: ring.fd, userData: 0, res: -(2 ** 31), flags: 0 });
  assert.deepEqual(ring.completions(), [
    { userData: 2n ** 64n - 1n, res: -13, flags: 0 },
    { userData: 2n ** 53n - 1n, res: 2 ** 31 - 1, flags: 0xffff_7f17 },
    { userData: 0n, res: -(2 ** 31), flags: 0 },
  ]);
});

test('a target must be an open ring that is enabled, and fd must be -1', MESSAGE, (t) => {
  const ring = makeRing(t);
  const disabled = makeRing(t, constants.IORING_SETUP_R_DISABLED);
  const file = own(t, openSync('/dev/null', 'r'));
  const send = (targetFd: number, fd = -1) =>
    answer(() => registerSendMsgRing(fd, { targetFd, userData: 1, res: 0 }));
  assert.equal(send(NO_FD), 'EBADF');
  assert.equal(send(file), 'EBADFD');
  assert.equal(send(disabled.fd), 'EBADFD');
  assert.equal(send(ring.fd, ring.fd), 'EINVAL');
  assert.deepEqual(ring.completions(), []);
});

test('a ring with SETUP_DEFER_TASKRUN shows a message after its own enter', MESSAGE, (t) => {
  const ring = makeRing(t, constants.IORING_SETUP_DEFER_TASKRUN | constants.IORING_SETUP_SINGLE_ISSUER);
  registerSendMsgRing(-1, { targetFd: ring.fd, userData: 7, res: 8 });
  assert.deepEqual(ring.completions(), []);
  ring.getEvents();
  assert.deepEqual(ring.completions(), [{ userData: 7n, res: 8, flags: 0 }]);
});

test('the bare opcode takes an SQE of OP_MSG_RING and nothing else in it', MESSAGE, (t) => {
  const ring = makeRing(t);
  const target = s32(ring.fd);
  const zeros = (n: number) => '00'.repeat(n);
  const call = (bytes: string, nrArgs = 1) =>
    answer(() => register(-1, constants.IORING_REGISTER_SEND_MSG_RING, hex(bytes), nrArgs));
  const right = `28 00 0000 ${target} ${zeros(56)}`;
  assert.equal(call(right, 0), 'EINVAL', 'nr 0');
  assert.equal(call(`28 10 0000 ${target} ${zeros(56)}`), 'EINVAL', 'sqe.flags');
  assert.equal(call(`00 00 0000 ${target} ${zeros(56)}`), 'EINVAL', 'OP_NOP');
  assert.equal(call(`28 00 0000 ${target} ${zeros(8)} 01${zeros(7)} ${zeros(40)}`), 'EINVAL', 'MSG_SEND_FD');
  assert.equal(
    call(`28 00 0000 ${target} ${zeros(20)} 01000000 ${zeros(32)}`),
    'EINVAL',
    'MSG_RING_CQE_SKIP',
  );
  assert.equal(
    call(`28 00 0000 ${target} ${zeros(36)} 05000000 ${zeros(16)}`),
    'EINVAL',
    'file_index without FLAGS_PASS',
  );
  gives('EINVAL', 'NULL', () => register(-1, constants.IORING_REGISTER_SEND_MSG_RING, null, 1));
  assert.deepEqual(ring.completions(), []);
  assert.equal(call(right), 0);
  assert.equal(ring.completions().length, 1);
});

test("a fd that was closed is nobody's", () => {
  const signal = eventfd();
  close(signal);
  assert.throws(() => close(signal), { name: 'SyscallError', code: 'EBADF', syscall: 'close' });
});

test('no fd is left open', () => assert.deepEqual(openFds(), before));
