import assert from 'node:assert/strict';
import { Ring } from '../../lib/faces/ring.ts';
import { registerSendMsgRing } from '../../lib/register/notify.ts';
import { needs } from '../helpers/needs.ts';
import { refuses, wrong } from '../helpers/raw-ring.ts';
import { closed, complete, ringTest } from '../helpers/rings.ts';

const messages = needs('REGISTER_SEND_MSG_RING');

ringTest('a message that is wrong is refused before any system call', {}, (scope) => {
  const ring = scope.ring();
  const target = scope.ring();
  const cases: readonly (readonly [string, unknown, unknown])[] = [
    ['message', target, undefined],
    ['message.userdata', target, { userdata: 1 }],
    ['message.userData', target, {}],
    ['message.userData', target, { userData: -1 }],
    ['message.userData', target, { userData: 2 ** 53 }],
    ['message.userData', target, { userData: 2n ** 63n }],
    ['message.res', target, { userData: 1, res: 2 ** 31 }],
    ['message.res', target, { userData: 1, res: '1' }],
    ['message.flags', target, { userData: 1, flags: -1 }],
    ['message.flags', target, { userData: 1, flags: 2 ** 32 }],
    ['message.flags', target, { userData: 1, flags: 0x8000 }],
    ['message.flags', target, { userData: 1, flags: 0x8000_0020 }],
    ['target', -1, { userData: 1 }],
    ['target', undefined, { userData: 1 }],
    ['target', null, { userData: 1 }],
    ['target.fd', {}, { userData: 1 }],
  ];
  for (const [name, to, message] of cases) {
    refuses(name, () => ring.sendMessage(wrong(to), wrong(message)));
    refuses(name, () => Ring.sendMessage(wrong(to), wrong(message)));
  }
});

ringTest('closed rings neither send nor get messages', {}, (scope) => {
  const ring = scope.ring();
  const target = scope.ring();
  target.close();
  closed({ target: () => ring.sendMessage(target, { userData: 1 }) });
  ring.close();
  closed({ sender: () => ring.sendMessage(scope.ring(), { userData: 1 }) });
});

ringTest('a message arrives with its userData, res and flags', messages, (scope) => {
  const ring = scope.ring();
  const target = scope.ring(64);
  ring.sendMessage(target, { userData: 0 });
  ring.sendMessage(target.fd, { userData: 0xdead_beef_cafe, res: 77 });
  Ring.sendMessage(target, { userData: Number.MAX_SAFE_INTEGER, res: -0x8000_0000, flags: 0x55 });
  Ring.sendMessage(target.fd, { userData: 2n ** 63n - 1n, res: 0x7fff_ffff, flags: 0xffff_7fdf });
  target.sendMessage(target, { userData: 2n ** 53n, res: -1, flags: 0 });
  assert.deepEqual(complete(target, 5), [
    { userData: 0, res: 0, flags: 0 },
    { userData: 0xdead_beef_cafe, res: 77, flags: 0 },
    { userData: Number.MAX_SAFE_INTEGER, res: -0x8000_0000, flags: 0x55 },
    { userData: 2n ** 63n - 1n, res: 0x7fff_ffff, flags: 0xffff_7fdf },
    { userData: 2n ** 53n, res: -1, flags: 0 },
  ]);
});

ringTest('a message is never taken for the completion of an operation', messages, (scope) => {
  const target = scope.ring();
  const { reader } = scope.pipe();
  target.prepare.pollAdd(reader, 1, { userData: 9 });
  target.submit();
  Ring.sendMessage(target, { userData: 9, res: 5 });
  assert.deepEqual(complete(target, 1), [{ userData: 9, res: 5, flags: 0 }]);
  assert.equal(target.inFlight, 1);
});

ringTest('a message that pretends to be an operation of the ring settles none', messages, (scope) => {
  const target = scope.ring(32);
  const { reader } = scope.pipe();
  const view = new Uint8Array(4096);
  const released: number[] = [];
  target.registerBuffers([view], { onRelease: (index) => released.push(index) });
  target.prepare.pollAdd(reader, 1, { userData: 9 });
  target.submit();
  // bit 63, each kind, and the slots and generations that a table begins with
  const forged: bigint[] = [];
  for (const kind of [0n, 1n, 2n, 3n]) {
    for (const generation of [0n, 1n, 2n]) {
      for (const slot of [0n, 1n, 63n]) forged.push((1n << 63n) | (kind << 61n) | (generation << 32n) | slot);
    }
  }
  for (const userData of forged) registerSendMsgRing(-1, { targetFd: target.fd, userData, res: 5 });
  const seen = complete(target, forged.length);
  assert.ok(seen.every(({ userData, res }) => userData !== 9 && res === 5));
  assert.equal(target.inFlight, 1);
  assert.deepEqual(released, []);
});

ringTest('messages beyond the size of the queue wait for their turn', messages, (scope) => {
  const target = scope.ring(2, { cqEntries: 4 });
  for (let userData = 0; userData < 50; userData++) Ring.sendMessage(target, { userData });
  const seen: (number | bigint)[] = [];
  while (target.reap((userData) => seen.push(userData)) > 0);
  assert.deepEqual(
    seen,
    Array.from({ length: 50 }, (_, i) => i),
  );
});

ringTest('a deferTaskrun ring sees a message only when it is entered', messages, (scope) => {
  const target = scope.ring(8, { deferTaskrun: true });
  Ring.sendMessage(target, { userData: 1, res: 2 });
  assert.equal(target.ready, 0);
  assert.deepEqual(complete(target, 1), [{ userData: 1, res: 2, flags: 0 }]);
});

ringTest('a disabled ring gets no messages until it is enabled', messages, (scope) => {
  const target = scope.ring(8, { disabled: true });
  assert.throws(() => Ring.sendMessage(target, { userData: 1 }), {
    code: 'EBADFD',
    opcode: 'REGISTER_SEND_MSG_RING',
  });
  target.enable();
  Ring.sendMessage(target, { userData: 1 });
  assert.equal(complete(target, 1)[0]?.userData, 1);
});

ringTest('what is no ring gets no messages', messages, (scope) => {
  assert.throws(() => Ring.sendMessage(scope.pipe().writer, { userData: 1 }), { code: 'EBADFD' });
  assert.throws(() => Ring.sendMessage(0x7fff_fff0, { userData: 1 }), { code: 'EBADF' });
});
