import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { RegisterMessage } from '../../lib/index.ts';
import { alloc, probe, Ring, type Sandbox, SyscallError } from '../../lib/index.ts';
import { registerProbe } from '../../lib/register/instance.ts';
import { registerPersonality } from '../../lib/register/notify.ts';
import { keptForever } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { registerOps } from '../../structs/register-ops.ts';
import { needs, needsFeature } from '../helpers/needs.ts';
import { openFds, refuses, wrong } from '../helpers/raw-ring.ts';
import { closed, complete, result, ringTest, type Scope, until } from '../helpers/rings.ts';
import { inThread } from '../helpers/scenario.ts';

const NEEDS = needs('REGISTER_RESTRICTIONS');
const EACCES = -13;
const MODULE = new URL('threads.scenes.ts', import.meta.url).href;

/** A file with a few bytes in it. */
function dataFile(scope: Scope): number {
  const fd = scope.fd(openSync(join(scope.folder(), 'data'), 'w+'));
  writeSync(fd, 'sandbox!');
  return fd;
}

ringTest('wrong arguments are named before any call, and leave no ring behind', NEEDS, (scope) => {
  const ring = scope.ring(8, { disabled: true });
  const before = openFds();
  const cases: readonly [argument: string, sandbox: unknown][] = [
    ['sandbox.op', { op: ['OP_READ'] }],
    ['sandbox.ops', { ops: 'OP_READ' }],
    ['sandbox.ops[1]', { ops: ['OP_READ', 'OP_REED'] }],
    ['sandbox.ops[0]', { ops: ['IORING_OP_READ'] }],
    ['sandbox.requireFlags[0]', { requireFlags: ['FIXED'] }],
    ['sandbox.allowFlags[0]', { allowFlags: [1] }],
    ['sandbox.register[0]', { register: ['OP_READ'] }],
    ['sandbox.sealed', { sealed: 1 }],
    ['sandbox', 'OP_READ'],
    ['sandbox', null],
  ];
  for (const [argument, sandbox] of cases) {
    refuses(argument, () => ring.registerRestrictions(wrong(sandbox)));
    if (sandbox === null) continue;
    assert.throws(() => new Ring(8, { sandbox: wrong(sandbox) }), { name: /^(Type|Range)Error$/ });
  }
  refuses('sandbox', () => ring.registerRestrictions(wrong(undefined)));
  assert.deepEqual(openFds(), before);
  // none of it has restricted the ring
  ring.registerRestrictions({ ops: ['OP_NOP'] });
});

ringTest('what this kernel lacks is an UnsupportedError that names it', NEEDS, (scope) => {
  const ring = scope.ring(8, { disabled: true });
  const missing = registerOps.filter(({ name }) => probe().supports(name) === false);
  for (const { name, since } of missing) {
    assert.throws(() => ring.registerRestrictions({ register: [name] }), {
      code: 'ERR_URING_UNSUPPORTED',
      need: name,
      since,
    });
  }
  ring.registerRestrictions({});
});

ringTest('only a disabled ring can be restricted (EBADFD), and once (EBUSY)', NEEDS, (scope) => {
  assert.throws(() => scope.ring().registerRestrictions({}), {
    code: 'EBADFD',
    opcode: 'REGISTER_RESTRICTIONS',
  });
  const ring = scope.ring(8, { disabled: true });
  ring.registerRestrictions({ ops: ['OP_NOP'] });
  assert.throws(() => ring.registerRestrictions({}), { code: 'EBUSY' });
});

ringTest('operations that are not listed complete with EACCES', NEEDS, (scope) => {
  const ring = scope.ring(8, { sandbox: { ops: ['OP_NOP'] } });
  const fd = dataFile(scope);
  ring.prepare.nop();
  assert.equal(result(ring), 0);
  ring.prepare.read(fd, alloc(8), { offset: 0 });
  assert.equal(result(ring), EACCES);
});

ringTest('a required flag must be there, and is allowed by that; another flag is not', NEEDS, (scope) => {
  const fd = dataFile(scope);
  const ring = scope.ring(8, { files: [fd], sandbox: { ops: ['OP_READ'], requireFlags: ['FIXED_FILE'] } });
  const { files } = ring;
  assert.ok(files);
  const data = alloc(8);
  ring.prepare.read(files.at(0), data, { offset: 0 });
  assert.equal(result(ring), 8);
  assert.equal(Buffer.from(data).toString(), 'sandbox!');
  ring.prepare.read(fd, alloc(8), { offset: 0 });
  assert.equal(result(ring), EACCES, 'without the flag');
  ring.prepare.read(files.at(0), alloc(8), { offset: 0, async: true });
  assert.equal(result(ring), EACCES, 'with another flag');
});

ringTest('an allowed flag may be there, or not', NEEDS, (scope) => {
  const ring = scope.ring(8, { sandbox: { ops: ['OP_NOP'], allowFlags: ['ASYNC', 'IO_LINK'] } });
  ring.prepare.nop({ async: true });
  assert.equal(result(ring), 0);
  ring.prepare.nop({ link: true });
  ring.prepare.nop();
  assert.deepEqual(
    complete(ring, 2).map(({ res }) => res),
    [0, 0],
  );
  ring.prepare.nop({ drain: true });
  assert.equal(result(ring), EACCES);
});

ringTest('register opcodes that are not listed throw EACCES', NEEDS, (scope) => {
  const fd = dataFile(scope);
  const sandbox: Sandbox = { register: ['REGISTER_FILES_UPDATE'] };
  const ring = scope.ring(8, { files: [-1], sandbox });
  assert.equal(ring.files?.update(0, [fd]), 1);
  assert.throws(() => ring.registerBuffers([alloc(8)]), { code: 'EACCES', opcode: /REGISTER_BUFFERS2?/ });
  assert.throws(
    () => registerProbe(ring.fd),
    (error: unknown) => {
      assert.ok(error instanceof SyscallError);
      assert.equal(error.code, 'EACCES');
      assert.match(error.message, /restrictions do not allow REGISTER_PROBE/);
      return true;
    },
  );
});

ringTest('they do so through a registered index too', needsFeature('FEAT_REG_REG_RING'), (scope) => {
  const ring = scope.ring(8, { disabled: true });
  const self = ring.registerRingFd();
  ring.registerRestrictions({ register: ['REGISTER_PROBE'] });
  ring.enable();
  self.closeFd();
  const index = { registeredIndex: self.index };
  assert.ok(registerProbe(index).ops.length > 0);
  assert.throws(() => registerPersonality(index), { code: 'EACCES', fd: self.index });
});

ringTest('an empty sandbox denies all', NEEDS, (scope) => {
  for (const sandbox of [{}, { sealed: true }]) {
    const ring = scope.ring(8, { sandbox });
    ring.prepare.nop();
    assert.equal(result(ring), EACCES);
    assert.throws(() => registerProbe(ring.fd), { code: 'EACCES' });
    ring.prepare.cancel({ userData: 99 });
    assert.equal(result(ring), 'sealed' in sandbox ? EACCES : -2);
  }
});

ringTest('all that the kernel has can be listed, some of it twice', NEEDS, (scope) => {
  const support = probe();
  const has = (name: string, table: object): boolean =>
    Reflect.get(Object(Reflect.get(table, name)), 'supported');
  const ops = Object.keys(support.ops).filter((name) => has(name, support.ops));
  const register = Object.keys(support.register).filter((name) => has(name, support.register));
  const sandbox = { ops: [...ops, 'OP_NOP'], register: [...register, 'REGISTER_BUFFERS'] };
  const ring = scope.ring(8, { sandbox: wrong(sandbox) });
  ring.prepare.nop();
  assert.equal(result(ring), 0);
  ring.registerBuffers([alloc(8)]);
});

/** A disabled ring with one of each thing that can be unregistered, then sandboxed. */
function furnished(scope: Scope, sandbox: Sandbox) {
  const ring = scope.ring(8, { disabled: true });
  const owners = {
    buffers: ring.registerBuffers([alloc(64)]),
    files: ring.registerFiles([0]),
    eventfd: ring.registerEventfd(),
    personality: ring.registerPersonality(),
    pool: ring.registerBufferRing({ entries: 4, bufferSize: 64 }),
    napi: ring.enableNapi(),
    limits: ring.limitWorkers({ cpus: [0] }),
    index: ring.registerRingFd(),
  };
  ring.registerRestrictions(sandbox);
  ring.enable();
  return { ring, owners };
}

const ALL = needs('REGISTER_NAPI', 'REGISTER_PBUF_RING', 'REGISTER_IOWQ_AFF', 'REGISTER_RING_FDS');

ringTest('unregister and cancel stay allowed', ALL, async (scope) => {
  const { ring, owners } = furnished(scope, {});
  for (const owner of Object.values(owners)) {
    owner.unregister();
    assert.equal(owner.isRegistered, false);
  }
  const reading = scope.ring(8, { sandbox: { ops: ['OP_READ'] } });
  const { reader } = scope.pipe();
  reading.prepare.read(reader, alloc(8), { userData: 5 });
  reading.submit();
  assert.equal(reading.cancelSync({ userData: 5, timeoutMs: 1000 }), 1);
  await until('the cancelled read', () => reading.ready === 1);
  assert.equal(complete(reading, 1)[0]?.res, -125);
  ring.close();
});

ringTest('sealed it refuses them, and nothing that is disposed of throws', ALL, (scope) => {
  const { ring, owners } = furnished(scope, { sealed: true });
  for (const [name, owner] of Object.entries(owners)) {
    assert.throws(() => owner.unregister(), { code: 'EACCES' }, name);
    assert.equal(owner.isRegistered, true, name);
  }
  assert.throws(() => ring.cancelSync({ userData: 1, timeoutMs: 0 }), { code: 'EACCES' });
  for (const owner of Object.values(owners).reverse()) owner[Symbol.dispose]();
  ring.close();
});

ringTest('a sealed ring closes with an operation in flight, and its memory is kept', NEEDS, (scope) => {
  const ring = scope.ring(8, { sandbox: { ops: ['OP_READ'], sealed: true } });
  const { reader } = scope.pipe();
  ring.prepare.read(reader, alloc(8));
  ring.submit();
  const before = keptForever();
  ring.close();
  // before 6.0 nothing tells that the cancellation was refused: the ring waits for the operation to end, and holds its memory
  if (probe().register.REGISTER_SYNC_CANCEL.supported) assert.equal(keptForever(), before + 1);
  else assert.equal(ring.inFlight, 1);
});

// ---- disabled rings ------------------------------------------------------------------------------------------

const ENABLE = needs('REGISTER_ENABLE_RINGS');

ringTest('submitting to a disabled ring is EBADFD with a hint, and loses nothing', ENABLE, (scope) => {
  for (const sqPoll of [false, true]) {
    const ring = scope.ring(8, { disabled: true, sqPoll });
    ring.prepare.nop({ userData: 3 });
    assert.throws(
      () => ring.submit(),
      (error: unknown) => {
        assert.ok(error instanceof SyscallError);
        assert.deepEqual([error.code, error.syscall], ['EBADFD', 'io_uring_enter']);
        assert.match(error.message, /disabled: enable\(\) it first/);
        return true;
      },
    );
    assert.equal(ring.ready, 0);
    ring.enable();
    assert.deepEqual(
      complete(ring, 1).map(({ userData, res }) => [userData, res]),
      [[3, 0]],
    );
  }
});

ringTest('on an sqPoll ring it is EBADFD too where the thread does not ask to be woken', ENABLE, (scope) => {
  const ring = scope.ring(8, { disabled: true, sqPoll: true });
  ring.prepare.nop();
  const { enter } = sys;
  sys.enter = () => 0;
  try {
    assert.throws(() => ring.submit(), { code: 'EBADFD' });
  } finally {
    sys.enter = enter;
  }
});

ringTest('a disabled ring that is never enabled closes', ENABLE, (scope) => {
  const ring = scope.ring(8, { disabled: true });
  ring.prepare.read(scope.pipe().reader, alloc(8));
  ring.close();
});

ringTest('a second enable is EBADFD, on a sandboxed ring EACCES', NEEDS, (scope) => {
  const plain = scope.ring(8, { disabled: true });
  plain.enable();
  assert.throws(() => plain.enable(), { code: 'EBADFD', opcode: 'REGISTER_ENABLE_RINGS' });
  assert.throws(() => scope.ring().enable(), { code: 'EBADFD' });
  const jail = scope.ring(8, { sandbox: {} });
  assert.throws(() => jail.enable(), { code: 'EACCES' });
});

ringTest('the options sandbox and disabled together leave the enabling to you', NEEDS, (scope) => {
  const ring = scope.ring(8, { disabled: true, sandbox: { ops: ['OP_NOP'] } });
  ring.prepare.nop();
  assert.throws(() => ring.submit(), { code: 'EBADFD' });
  // the rules hold from enable on
  ring.registerPersonality();
  ring.enable();
  assert.equal(result(ring), 0);
  assert.throws(() => ring.registerPersonality(), { code: 'EACCES' });
});

const SINGLE = needs('REGISTER_SYNC_CANCEL');

ringTest('the ring belongs to its thread: calls of another one are EEXIST', SINGLE, async (scope) => {
  const ring = scope.ring();
  const answer = await inThread({ module: MODULE, name: 'useForeignRing', argument: ring.fd });
  assert.deepEqual(answer, { register: 'EEXIST', enter: 'EEXIST' });
});

ringTest('enabling makes the calling thread the owner: its maker is locked out', SINGLE, async (scope) => {
  const ring = scope.ring(8, { disabled: true });
  const answer = await inThread({ module: MODULE, name: 'enableForeignRing', argument: ring.fd });
  assert.deepEqual(answer, { enable: 0, register: 'none', enter: 'none' });
  assert.throws(
    () => ring.probe(),
    (error: unknown) => {
      assert.ok(error instanceof SyscallError);
      assert.equal(error.code, 'EEXIST');
      assert.match(error.message, /this thread does not own the ring/);
      return true;
    },
  );
});

ringTest('after the ring is closed every call is a ClosedError', NEEDS, (scope) => {
  const ring = scope.ring(8, { disabled: true });
  ring.close();
  closed({
    registerRestrictions: () => ring.registerRestrictions({}),
    enable: () => ring.enable(),
  });
});

// newer kernels keep the two apart: a list that names only one of them would leave the other unrestricted
for (const sandbox of [
  { ops: ['OP_NOP'], sealed: true },
  { register: ['REGISTER_FILES'], sealed: true },
  { requireFlags: ['FIXED_FILE'], sealed: true },
  { sealed: true },
] as const) {
  ringTest(`${JSON.stringify(sandbox)} names both operations and opcodes`, NEEDS, () => {
    const kinds = new Set<number>();
    const listen = (message: unknown): void => {
      const { opcodeName, arg } = message as RegisterMessage;
      if (opcodeName !== 'REGISTER_RESTRICTIONS') return;
      for (const { opcode } of arg as { opcode: number }[]) kinds.add(opcode);
    };
    subscribe('uring:register', listen);
    try {
      new Ring(4, { sandbox }).close();
    } finally {
      unsubscribe('uring:register', listen);
    }
    assert.ok(kinds.has(constants.IORING_RESTRICTION_REGISTER_OP));
    assert.ok(kinds.has(constants.IORING_RESTRICTION_SQE_FLAGS_ALLOWED));
  });
}
