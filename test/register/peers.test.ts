/**
 * Mistakes of other bindings, each of which made a call that could never work, and none of which their tests saw: they
 * took EINVAL for an old kernel.
 */
import assert from 'node:assert/strict';
import { openSync } from 'node:fs';
import { test } from 'node:test';
import {
  alloc,
  registerBuffers,
  registerClock,
  registerEnableRings,
  registerEventfd,
  registerFileAllocRange,
  registerFiles,
  registerFiles2,
  registerFilesUpdate,
  registerFilesUpdate2,
  registerIowqAff,
  registerIowqMaxWorkers,
  registerPersonality,
  registerProbe,
  registerRestrictions,
  registerRingFds,
  unregisterEventfd,
  unregisterIowqAff,
  unregisterPersonality,
  unregisterRingFds,
} from '../../lib/raw.ts';
import { eventfd } from '../../lib/sys/libc.ts';
import { constants } from '../../structs/flags.ts';
import { needs, needsFeature } from '../helpers/needs.ts';
import { fdinfo, fileNames, gives, later, makeRing, openFds, own, told } from '../helpers/raw-ring.ts';

const before = openFds();

test('during: REGISTER_CLOCK has nr_args 0', needs('REGISTER_CLOCK'), (t) => {
  const { fd } = makeRing(t);
  const [message] = told(() => registerClock(fd, 7));
  assert.deepEqual([message?.nrArgs, message?.result], [0, 0]);
});

test('during: REGISTER_FILE_ALLOC_RANGE has nr_args 0', needs('REGISTER_FILE_ALLOC_RANGE'), (t) => {
  const { fd } = makeRing(t);
  registerFiles(fd, [-1, -1]);
  const [message] = told(() => registerFileAllocRange(fd, { off: 0, len: 2 }));
  assert.deepEqual([message?.nrArgs, message?.result], [0, 0]);
});

test('during: REGISTER_BUFFERS of three buffers registers three', (t) => {
  const { fd } = makeRing(t);
  const [message] = told(() => registerBuffers(fd, [alloc(64), alloc(64), alloc(64)]));
  assert.equal(message?.nrArgs, 3);
  assert.equal(fdinfo(fd, 'UserBufs'), '3');
});

test('during: REGISTER_RESTRICTIONS of two rules restricts by two', needs('REGISTER_RESTRICTIONS'), (t) => {
  const { fd } = makeRing(t, constants.IORING_SETUP_R_DISABLED);
  registerRestrictions(fd, [
    { opcode: 'RESTRICTION_REGISTER_OP', registerOp: 'REGISTER_PERSONALITY' },
    { opcode: 'RESTRICTION_REGISTER_OP', registerOp: 'REGISTER_PROBE' },
  ]);
  registerEnableRings(fd);
  assert.equal(registerPersonality(fd), 1);
  assert.ok(registerProbe(fd).lastOp > 0);
  gives('EACCES', () => registerFiles(fd, [-1]));
});

test('during: nr_args of REGISTER_IOWQ_AFF is the mask in bytes', needs('REGISTER_IOWQ_AFF'), (t) => {
  const { fd } = makeRing(t);
  later(t, () => unregisterIowqAff(fd));
  const [message] = told(() => registerIowqAff(fd, [0]));
  assert.deepEqual([message?.nrArgs, message?.argRaw?.byteLength, message?.result], [8, 8, 0]);
});

test('giouring: UNREGISTER_EVENTFD has no argument', (t) => {
  const { fd } = makeRing(t);
  registerEventfd(fd, own(t, eventfd()));
  const [message] = told(() => unregisterEventfd(fd));
  assert.deepEqual([message?.argRaw, message?.nrArgs, message?.result], [null, 0, 0]);
});

test('giouring: UNREGISTER_PERSONALITY drops the id that it is given', (t) => {
  const { fd } = makeRing(t);
  registerPersonality(fd);
  const id = registerPersonality(fd);
  const [message] = told(() => unregisterPersonality(fd, id));
  assert.deepEqual([id, message?.nrArgs, message?.result], [2, 2, 0]);
  gives(undefined, 'the other one is still there', () => unregisterPersonality(fd, 1));
});

test('giouring: fds are 32 bits wide in every call that takes them', needs('REGISTER_FILES2'), (t) => {
  const { fd } = makeRing(t);
  const first = own(t, openSync('/dev/null', 'r'));
  const second = own(t, openSync('/dev/zero', 'r'));
  const files = () => fileNames(fd);
  registerFiles(fd, [first, second]);
  assert.deepEqual(files(), ['null', 'zero']);
  registerFilesUpdate(fd, { offset: 0, fds: [second, first] });
  assert.deepEqual(files(), ['zero', 'null']);
  registerFilesUpdate2(fd, { offset: 0, fds: [first, second] });
  assert.deepEqual(files(), ['null', 'zero']);
  const other = makeRing(t);
  registerFiles2(other.fd, { fds: [second, first] });
  assert.deepEqual(fileNames(other.fd), ['zero', 'null']);
});

test('giouring: worker limits are two u32', needs('REGISTER_IOWQ_MAX_WORKERS'), (t) => {
  const { fd } = makeRing(t);
  const former = registerIowqMaxWorkers(fd);
  later(t, () => registerIowqMaxWorkers(fd, former));
  registerIowqMaxWorkers(fd, { bounded: 4, unbounded: 5 });
  assert.deepEqual(registerIowqMaxWorkers(fd), { bounded: 4, unbounded: 5 });
});

test('giouring: an update of files with tags is opcode 14, not 15', needs('REGISTER_FILES_UPDATE2'), (t) => {
  const ring = makeRing(t);
  registerFiles(ring.fd, [-1]);
  const file = own(t, openSync('/dev/null', 'r'));
  const [message] = told(() => registerFilesUpdate2(ring.fd, { offset: 0, fds: [file], tags: [7] }));
  assert.deepEqual(
    [message?.opcode, message?.opcodeName, message?.result],
    [14, 'REGISTER_FILES_UPDATE2', 1],
  );
  assert.equal(fileNames(ring.fd)[0], 'null');
});

test(
  'giouring, liburing #877: a ring is freed through its own index',
  needsFeature('FEAT_REG_REG_RING'),
  (t) => {
    const { fd } = makeRing(t);
    const [registeredIndex = -1] = registerRingFds(fd, [{ fd }]);
    const [message] = told(() => unregisterRingFds({ registeredIndex }, [registeredIndex]));
    assert.deepEqual([message?.fd, message?.flags, message?.result], [registeredIndex, 0x8000_0000, 1]);
    gives('EBADF', () => registerProbe({ registeredIndex }));
  },
);

test('rustix-uring: the id of a personality is returned', (t) => {
  assert.equal(registerPersonality(makeRing(t).fd), 1);
});

test('no fd is left open', () => assert.deepEqual(openFds(), before));
