/** What every method of `ring.prepare` promises. What each operation does is proved in test/ops. */
import assert from 'node:assert/strict';
import { readSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { RegisteredBuffer } from '../../lib/ring/buffers.ts';
import type { FixedFile } from '../../lib/ring/files.ts';
import { Prepare } from '../../lib/ring/prepare.ts';
import type { Ring } from '../../lib/ring/ring.ts';
import { alloc } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { Sqe } from '../../structs/sqe.ts';
import { needs, needsFeature, needsOp } from '../helpers/needs.ts';
import { ECANCELED, OpenRing, text } from '../helpers/pairs.ts';
import { refuses, unfitViews, wrong } from '../helpers/raw-ring.ts';
import { complete, result, ringTest, type Scope } from '../helpers/rings.ts';

const EBADF = -9;
const SAFE = Number.MAX_SAFE_INTEGER;
const NO_FD = 0x7fff_fff0;
const skips = needsFeature('FEAT_CQE_SKIP');

/** What the arguments of a method are made from. */
interface Props {
  readonly file: number;
  readonly slot: FixedFile;
  readonly memory: Uint8Array;
  readonly buffer: RegisteredBuffer;
  readonly other: Ring;
}

/** For each method: arguments that are right, before its options, and whether the kernel gets memory by it. */
const samples: {
  readonly [method: string]: { readonly args: (props: Props) => unknown[]; readonly holds: boolean };
} = {
  nop: { args: () => [], holds: false },
  read: { args: ({ file, memory }) => [file, memory], holds: true },
  write: { args: ({ file, memory }) => [file, memory], holds: true },
  readFixed: { args: ({ slot, buffer }) => [slot, buffer], holds: true },
  writeFixed: { args: ({ file, buffer }) => [file, buffer], holds: true },
  fsync: { args: ({ file }) => [file], holds: false },
  openat: { args: () => ['/dev/null'], holds: true },
  close: { args: () => [NO_FD], holds: false },
  splice: { args: ({ file, slot }) => [file, slot, 1], holds: false },
  pollAdd: { args: ({ file }) => [file, 1], holds: false },
  timeout: { args: () => [0], holds: true },
  send: { args: ({ file, memory }) => [file, memory], holds: true },
  recv: { args: ({ file, memory }) => [file, memory], holds: true },
  asyncCancel: { args: () => [1], holds: false },
  msgRing: { args: ({ other }) => [other], holds: false },
};
const methods = Object.getOwnPropertyNames(Prepare.prototype).filter((name) => name !== 'constructor');

function openRing(scope: Scope, options = {}): OpenRing {
  const ring = new OpenRing(4, options);
  scope.defer(() => ring.close());
  return ring;
}

/** Calls `body` for each method with a function that calls it with arguments that are right and these options. */
function eachMethod(
  scope: Scope,
  ring: OpenRing,
  body: (method: string, call: (options?: unknown) => void) => void,
): void {
  const { reader } = scope.pipe();
  const props: Props = {
    file: reader,
    slot: ring.registerFiles([reader]).at(0),
    memory: new Uint8Array(8),
    buffer: ring.registerBuffers([alloc(64)]).at(0),
    other: scope.ring(),
  };
  const { prepare } = ring;
  for (const method of methods) {
    const args = samples[method]?.args(props) ?? [];
    body(method, (options) => Reflect.apply(Reflect.get(prepare, method), prepare, [...args, options]));
  }
}

/** The entry that was prepared last. */
function entry(ring: OpenRing): ReturnType<typeof Sqe.decode> {
  const { words, base, stride } = ring.inner.queues.sqe;
  return Sqe.decode(new Uint8Array(words.buffer, words.byteOffset + base * 4, stride * 4).slice(0, Sqe.size));
}

ringTest('every method has a sample here', {}, () => {
  assert.deepEqual(
    methods.filter((method) => samples[method] === undefined),
    [],
    'write arguments for it in `samples`',
  );
});

ringTest('a misspelt or wrong option is named, and no entry is taken', {}, (scope) => {
  const ring = openRing(scope);
  eachMethod(scope, ring, (method, call) => {
    const cases: readonly (readonly [string, unknown])[] = [
      ['options', 5],
      ['options', null],
      ['options', 'link'],
      ['options.userdata', { userdata: 1 }],
      ['options.Link', { Link: true }],
      ['options.userData', { userData: -1 }],
      ['options.userData', { userData: 2 ** 53 }],
      ['options.userData', { userData: 1.5 }],
      ['options.userData', { userData: 1n }],
      ['options.userData', { userData: null }],
      ['options.personality', { personality: 1 }],
    ];
    for (const [name, options] of cases) refuses(name, () => call(options));
    assert.deepEqual([method, ring.sqSpace, ring.inFlight], [method, 4, 0]);
  });
});

ringTest('userData comes back as it was, from 0 to 2^53-1', {}, (scope) => {
  const ring = openRing(scope);
  const values = [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 52 + 1, SAFE - 1, SAFE];
  for (const userData of values) {
    ring.prepare.nop({ userData });
    const [completion] = complete(ring, 1);
    assert.equal(completion?.userData, userData);
  }
  ring.prepare.nop();
  ring.prepare.nop({});
  assert.deepEqual(
    complete(ring, 2).map(({ userData }) => userData),
    [0, 0],
  );
});

ringTest('common options set their bits in the entry, and nothing else', skips, (scope) => {
  const ring = openRing(scope, { disabled: true });
  const personality = ring.registerPersonality();
  eachMethod(scope, ring, (method, call) => {
    const plain = new OpenRing(4, { disabled: true });
    plain.close();
    for (const [options, bits] of [
      [{ link: true }, constants.IOSQE_IO_LINK],
      [{ hardlink: true }, constants.IOSQE_IO_HARDLINK],
      [{ drain: true }, constants.IOSQE_IO_DRAIN],
      [{ async: true }, constants.IOSQE_ASYNC],
      [{ link: false, hardlink: false, drain: false, async: false, skipSuccess: false }, 0],
    ] as const) {
      call(options);
      const { flags, personality: id } = entry(ring);
      assert.equal(flags & ~constants.IOSQE_FIXED_FILE, bits, method);
      assert.equal(id, 0);
      ring.inner.queues.rewind(1);
    }
    call({ personality });
    assert.ok(entry(ring).personality > 0, method);
    ring.inner.queues.rewind(1);
  });
});

ringTest('what is reserved in an entry is zero, also in the second half of a big one', needs('REGISTER_PBUF_RING'), (scope) => {
  const ring = openRing(scope, { sqe128: true, disabled: true });
  eachMethod(scope, ring, (method, call) => {
    const { words } = ring.inner.queues.sqe;
    words.fill(0xffff_ffff);
    call();
    const { base, stride } = ring.inner.queues.sqe;
    const { ioprio, personality, addr3, flags } = entry(ring);
    assert.deepEqual([ioprio, personality, addr3], [0, 0, 0n], method);
    assert.equal(flags & ~constants.IOSQE_FIXED_FILE, 0, method);
    assert.deepEqual([...words.subarray(base + 14, base + stride)], Array(stride - 14).fill(0), method);
    ring.inner.queues.rewind(1);
  });
});

ringTest('an operation that holds memory must have a completion', skips, (scope) => {
  const ring = openRing(scope, { disabled: true });
  eachMethod(scope, ring, (method, call) => {
    if (samples[method]?.holds) {
      refuses('options.skipSuccess', () => call({ skipSuccess: true }));
      assert.equal(ring.sqSpace, 4, method);
    } else {
      call({ skipSuccess: true, userData: SAFE });
      assert.equal(entry(ring).flags & constants.IOSQE_CQE_SKIP_SUCCESS, constants.IOSQE_CQE_SKIP_SUCCESS);
      assert.equal(ring.inFlight, 0);
      ring.inner.queues.rewind(1);
    }
  });
});

ringTest('a full queue refuses every method, and keeps what is in it', {}, (scope) => {
  const ring = openRing(scope);
  eachMethod(scope, ring, (_method, call) => {
    for (let i = 0; i < 4; i++) ring.prepare.nop({ userData: i });
    for (const options of [undefined, {}, { skipSuccess: false }, { userData: 9 }]) {
      assert.throws(() => call(options), { code: 'ERR_URING_QUEUE_FULL', message: /4 entries.*submit\(\)/ });
    }
    assert.equal(ring.inFlight, 4);
    assert.deepEqual(
      complete(ring, 4).map(({ userData }) => userData),
      [0, 1, 2, 3],
    );
  });
});

ringTest('a getter in the options may prepare and submit', {}, (scope) => {
  const ring = openRing(scope);
  eachMethod(scope, ring, (method, call) => {
    let reads = 0;
    call({
      get userData() {
        reads++;
        ring.prepare.nop({ userData: 1 });
        ring.prepare.nop({ userData: 2 });
        ring.submit();
        return 3;
      },
    });
    assert.equal(reads, 1, method);
    // nothing of the operation was written before the getter ran
    assert.deepEqual(
      [...ring.completions()].map(({ userData }) => userData),
      [1, 2],
      method,
    );
    assert.equal(ring.inFlight, 1);
    const { userData } = entry(ring);
    assert.ok(ring.inner.kernelUserData(3).includes(userData), method);
    ring.inner.flights.remove(Number(userData & 0xffff_ffffn));
    ring.inner.queues.rewind(1);
  });
});

ringTest('a getter in the options may close the ring', {}, (scope) => {
  for (const method of methods) {
    const ring = openRing(scope);
    eachMethod(scope, ring, (each, call) => {
      if (each !== method) return;
      const closing = {
        get link() {
          ring.close();
          return false;
        },
      };
      assert.throws(() => call(closing), { code: 'ERR_URING_CLOSED' }, method);
      assert.throws(() => call(), { code: 'ERR_URING_CLOSED' }, method);
    });
  }
});

// ---- memory ----------------------------------------------------------------------------------------------------------

ringTest('memory that would not stay where it is is refused', {}, (scope) => {
  const ring = openRing(scope);
  const { reader } = scope.pipe();
  const { prepare } = ring;
  const views: unknown[] = unfitViews().map(([, view]) => view);
  for (const memory of [...views, undefined, null, 'text', [1], new ArrayBuffer(8)]) {
    refuses('memory', () => prepare.read(reader, wrong(memory)));
    refuses('memory', () => prepare.write(reader, wrong(memory)));
    refuses('memory', () => prepare.send(reader, wrong(memory)));
    refuses('memory', () => prepare.recv(reader, wrong(memory)));
    refuses('buffer', () => prepare.readFixed(reader, wrong(memory)));
    refuses('buffer', () => prepare.writeFixed(reader, wrong(memory)));
  }
  refuses('buffer', () => prepare.readFixed(reader, wrong(new Uint8Array(8))));
  assert.equal(ring.inFlight, 0);
});

ringTest('every kind of view can be read into', {}, (scope) => {
  const ring = openRing(scope);
  const { reader, writer } = scope.pipe();
  const room = new ArrayBuffer(32);
  const views: readonly ArrayBufferView[] = [
    new Uint8Array(room, 3, 8),
    new DataView(room, 1, 8),
    new Float64Array(room, 8, 1),
    new BigUint64Array(1),
    Buffer.from('pool slice').subarray(1, 9),
    Buffer.allocUnsafe(8),
    new Uint8Array(new SharedArrayBuffer(16), 4, 8),
    alloc(8),
  ];
  for (const view of views) {
    const around = new Uint8Array(view.buffer).slice();
    ring.prepare.read(reader, view);
    writeSync(writer, 'abcdefgh');
    assert.equal(result(ring), 8);
    around.set(new TextEncoder().encode('abcdefgh'), view.byteOffset);
    assert.deepEqual(new Uint8Array(view.buffer), around, 'the bytes, and none beside them');
  }
});

ringTest('a getter of a file that takes the memory away is not too late', {}, (scope) => {
  const ring = openRing(scope);
  const { reader } = scope.pipe();
  for (const method of ['read', 'write', 'send', 'recv'] as const) {
    const memory = new Uint8Array(4096);
    const file = {
      get fd() {
        structuredClone(memory, { transfer: [memory.buffer] });
        return reader;
      },
    };
    refuses('memory', () => ring.prepare[method](file, memory));
    const buffers = ring.registerBuffers([alloc(64)]);
    const buffer = buffers.at(0);
    const unregistering = {
      get fd() {
        buffers.unregister();
        return reader;
      },
    };
    assert.throws(() => ring.prepare[method](unregistering, buffer), { code: 'ERR_URING_CLOSED' });
  }
  assert.equal(ring.inFlight, 0);
});

ringTest('a file is an fd, an object that has one, or a slot of this ring', {}, (scope) => {
  const ring = openRing(scope);
  const { reader, writer } = scope.pipe();
  const memory = new Uint8Array(4);
  for (const file of [-1, 1.5, 2 ** 31, '0', null, undefined, {}, []]) {
    assert.throws(() => ring.prepare.read(wrong(file), memory), /"file(?:\.fd)?"/);
    assert.throws(() => ring.prepare.pollAdd(wrong(file), 1), /"file(?:\.fd)?"/);
    assert.throws(() => ring.prepare.splice(wrong(file), writer, 1), /"from(?:\.fd)?"/);
    assert.throws(() => ring.prepare.splice(reader, wrong(file), 1), /"to(?:\.fd)?"/);
    assert.throws(() => ring.prepare.recv(wrong(file), memory), /"socket(?:\.fd)?"/);
  }
  refuses('file.fd', () => ring.prepare.read({ fd: -1 }, memory));
  assert.equal(ring.sqSpace, 4);
  const slot = ring.registerFiles([-1, reader]).at(1);
  for (const file of [reader, { fd: reader }, slot]) {
    ring.prepare.read(file, memory);
    writeSync(writer, 'slot');
    assert.equal(result(ring), 4);
  }
  const foreign = scope.ring().registerFiles([reader]).at(0);
  refuses('file', () => ring.prepare.read(foreign, memory));
});

ringTest('offsets are checked, and reach the kernel whole', {}, (scope) => {
  const ring = openRing(scope);
  const path = join(scope.folder(), 'sparse');
  writeFileSync(path, '');
  ring.prepare.openat(path, { flags: 2 });
  const file = scope.fd(result(ring));
  const memory = new Uint8Array(4);
  for (const offset of [-2, 1.5, 2 ** 53, '0', null, 2n ** 64n, Number.NaN]) {
    refuses('options.offset', () => ring.prepare.read(file, memory, { offset: wrong(offset) }));
  }
  for (const flags of [-1, 2 ** 32, '0', 1n]) {
    refuses('options.flags', () => ring.prepare.read(file, memory, { flags: wrong(flags) }));
  }
  const far = 2 ** 33 + 5;
  ring.prepare.write(file, new TextEncoder().encode('far.'), { offset: BigInt(far) });
  assert.equal(result(ring), 4);
  assert.equal(readSync(file, memory, 0, 4, far), 4);
  assert.equal(text(memory), 'far.');
  memory.fill(0);
  ring.prepare.read(file, memory, { offset: far });
  assert.equal(result(ring), 4);
  assert.equal(text(memory), 'far.');
});

ringTest('paths are checked, and are a copy', {}, (scope) => {
  const ring = openRing(scope);
  const folder = scope.folder();
  for (const path of ['', 'a\0b', 'x'.repeat(4096), 5, null, undefined, new Uint8Array(0), [47]]) {
    refuses('path', () => ring.prepare.openat(wrong(path)));
  }
  const path = join(folder, 'ütf-8');
  writeFileSync(path, 'content');
  for (const each of [path, new TextEncoder().encode(path)]) {
    ring.prepare.openat(each);
    if (typeof each !== 'string') each.fill(120);
    const fd = scope.fd(result(ring));
    assert.equal(readSync(fd, new Uint8Array(16)), 7);
  }
});

// ---- effects of the common options ------------------------------------------------------------------------------------

ringTest('linked operations run one after another, and end with the first that fails', {}, (scope) => {
  const ring = openRing(scope);
  const { reader, writer } = scope.pipe();
  const memory = new Uint8Array(4);
  ring.prepare.write(writer, new TextEncoder().encode('link'), { link: true, userData: 1 });
  ring.prepare.read(reader, memory, { link: true, userData: 2 });
  ring.prepare.read(NO_FD, new Uint8Array(1), { link: true, userData: 3 });
  ring.prepare.nop({ userData: 4 });
  assert.deepEqual(
    complete(ring, 4).map(({ userData, res }) => [userData, res]),
    [
      [1, 4],
      [2, 4],
      [3, EBADF],
      [4, ECANCELED],
    ],
  );
  assert.equal(text(memory), 'link');
  ring.prepare.read(NO_FD, new Uint8Array(1), { hardlink: true, userData: 1 });
  ring.prepare.nop({ userData: 2 });
  assert.deepEqual(
    complete(ring, 2).map(({ userData, res }) => [userData, res]),
    [
      [1, EBADF],
      [2, 0],
    ],
  );
  assert.equal(ring.inFlight, 0);
});

ringTest('a drained operation waits for what is before it', {}, (scope) => {
  const ring = openRing(scope);
  ring.prepare.timeout(15, { userData: 1 });
  ring.prepare.nop({ drain: true, userData: 2 });
  ring.submit({ wait: 1 });
  assert.deepEqual(
    complete(ring, 2).map(({ userData }) => userData),
    [1, 2],
  );
});

ringTest('skipSuccess: only a failure is told', skips, (scope) => {
  const ring = openRing(scope);
  ring.prepare.nop({ skipSuccess: true, userData: 1 });
  ring.prepare.fsync(NO_FD, { skipSuccess: true, userData: SAFE });
  ring.prepare.nop({ userData: 3 });
  const found = new Map(complete(ring, 2).map(({ userData, res }) => [userData, res]));
  assert.deepEqual([found.get(SAFE), found.get(3)], [EBADF, 0]);
});

ringTest('async: a worker does it', {}, (scope) => {
  const ring = openRing(scope);
  const eventfd = ring.registerEventfd(undefined, { async: true });
  ring.prepare.nop();
  result(ring);
  assert.equal(eventfd.read(), 0);
  ring.prepare.nop({ async: true });
  result(ring);
  assert.equal(eventfd.read(), 1);
});

ringTest('asyncCancel finds an operation by its userData', {}, (scope) => {
  const ring = openRing(scope);
  const { reader } = scope.pipe();
  for (const userData of [-1, 1.5, '1', undefined, 2 ** 53]) {
    refuses('userData', () => ring.prepare.asyncCancel(wrong(userData)));
  }
  ring.prepare.pollAdd(reader, 1, { userData: SAFE });
  ring.submit();
  ring.prepare.asyncCancel(5, { userData: 1 });
  ring.prepare.asyncCancel(SAFE, { userData: 2 });
  const found = new Map(complete(ring, 3).map(({ userData, res }) => [userData, res]));
  assert.deepEqual([found.get(1), found.get(2), found.get(SAFE)], [-2, 0, ECANCELED]);
});

ringTest('msgRing posts on another ring what was asked for', needsOp('OP_MSG_RING'), (scope) => {
  const ring = openRing(scope);
  const other = scope.ring();
  for (const target of [-1, '1', null, undefined, {}]) {
    assert.throws(() => ring.prepare.msgRing(wrong(target)), /"target(?:\.fd)?"/);
  }
  refuses('options.messageData', () => ring.prepare.msgRing(other, { messageData: 2 ** 53 }));
  refuses('options.res', () => ring.prepare.msgRing(other, { res: 2 ** 31 }));
  ring.prepare.msgRing(other, { messageData: SAFE, res: -5, userData: 1 });
  ring.prepare.msgRing(other.fd, { userData: 2 });
  assert.deepEqual(
    complete(ring, 2).map(({ userData, res }) => [userData, res]),
    [
      [1, 0],
      [2, 0],
    ],
  );
  assert.deepEqual(
    complete(other, 2).map(({ userData, res }) => [userData, res]),
    [
      [SAFE, -5],
      [0, 0],
    ],
  );
  other.close();
  assert.throws(() => ring.prepare.msgRing(other), { code: 'ERR_URING_CLOSED' });
});

ringTest('close empties a slot, and closes an fd', {}, (scope) => {
  const ring = openRing(scope);
  const { reader } = scope.pipe();
  const fds = new Int32Array(2);
  assert.equal(sys.pipe(fds, 0), 0);
  const [end = -1, writer = -1] = fds;
  sys.close(writer);
  ring.prepare.close(end);
  assert.equal(result(ring), 0);
  assert.equal(sys.close(end), EBADF);
  const slot = ring.registerFiles([-1, reader]).at(1);
  ring.prepare.close(slot);
  assert.equal(result(ring), 0);
  ring.prepare.close(slot);
  assert.equal(result(ring), EBADF);
});
