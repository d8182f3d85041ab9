/** What errors of operations say: in the form of Node.js, with what to do about them. */
import assert from 'node:assert/strict';
import {
  closeSync,
  mkdtempSync,
  constants as node,
  openSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { OpError, UnsupportedError } from '../../lib/errors.ts';
import { AsyncRing } from '../../lib/faces/async-ring.ts';
import { isMissing } from '../../lib/operations/trial.ts';
import { probe } from '../../lib/register/support.ts';
import type { RingCore } from '../../lib/ring/core/core.ts';
import { viewMemory } from '../../lib/sys/ffi.ts';
import { isOlderThan } from '../../lib/sys/host.ts';
import { alloc } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { isCommand, type OpFlag, opFlags } from '../../structs/ops.ts';
import { Probe, ProbeOp } from '../../structs/rsrc.ts';
import { asyncRing, failure } from '../helpers/async.ts';
import { type Needs, needs, needsOp } from '../helpers/needs.ts';
import { text } from '../helpers/pairs.ts';
import { ringTest, type Scope } from '../helpers/rings.ts';

const EINVAL = 22;
const EOPNOTSUPP = 95;
/** Needs a file system that has O_DIRECT: that of a guest, in memory, does not. */
const TMPFS_MAGIC = 0x0102_1994;
const hasDirect: Needs = canOpenDirect()
  ? {}
  : { skip: 'needs a temporary folder with O_DIRECT, whose memory must be aligned' };

function canOpenDirect(): boolean {
  const path = join(mkdtempSync(join(tmpdir(), 'uring-direct-')), 'file');
  try {
    closeSync(openSync(path, node.O_CREAT | node.O_RDWR | node.O_DIRECT));
    // it takes the flag from Linux 6.6 on, and aligns nothing
    return statfsSync(path).type !== TMPFS_MAGIC;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EINVAL') return false;
    throw error;
  } finally {
    rmSync(dirname(path), { recursive: true });
  }
}

/** An opcode that no kernel has. */
const NO_OPCODE = 250;

/** The OpError that a promise rejects with. */
async function opError(promise: Promise<unknown>): Promise<OpError> {
  const error = await failure(promise);
  assert.ok(error instanceof OpError, error.stack);
  return error;
}

ringTest('a path, as Node.js has it, and the frames of whoever awaits', {}, async (scope) => {
  const ring = asyncRing(scope);
  async function loadConfig(path: string): Promise<unknown> {
    return await ring.open(path);
  }
  const error = await opError(loadConfig('/etc/myapp/config.json'));
  assert.equal(
    error.message,
    "ENOENT: no such file or directory, OP_OPENAT '/etc/myapp/config.json' (there is no such path)",
  );
  assert.deepEqual(
    { ...error },
    {
      code: 'ENOENT',
      errno: -2,
      syscall: 'io_uring_enter',
      hint: 'there is no such path',
      path: '/etc/myapp/config.json',
      op: 'OP_OPENAT',
      since: '5.6',
    },
  );
  assert.equal(error.opcode, 'OP_OPENAT');
  assert.match(error.stack ?? '', /\n {4}at async loadConfig /);
});

ringTest('both paths of a rename, and what an error has not', needsOp('OP_RENAMEAT'), async (scope) => {
  const ring = asyncRing(scope);
  const error = await opError(ring.rename('/no/such', '/nor/this'));
  assert.match(error.message, /^ENOENT: .*, OP_RENAMEAT '\/no\/such' -> '\/nor\/this' \(/);
  assert.deepEqual([error.path, error.dest], ['/no/such', '/nor/this']);
  assert.ok(!('address' in error) && !('port' in error));
  const closed = await opError(ring.closeFd(0x7fff_fff0));
  assert.ok(!('path' in closed));
  assert.match(closed.message, /^EBADF: bad file descriptor, OP_CLOSE \(/);
});

ringTest('the address of a connection that is refused', needsOp('OP_SOCKET'), async (scope) => {
  const ring = asyncRing(scope);
  await using socket = await ring.socket('IPv4');
  const error = await opError(ring.connect(socket, { address: '127.0.0.1', port: 1 }));
  assert.deepEqual([error.code, error.address, error.port], ['ECONNREFUSED', '127.0.0.1', 1]);
  assert.match(error.message, /, OP_CONNECT 127\.0\.0\.1:1 \(nobody listens there\)$/);
  await using unix = await ring.socket('unix');
  const missing = await opError(ring.connect(unix, { path: '/no/such/socket' }));
  assert.deepEqual([missing.code, missing.address, 'port' in missing], ['ENOENT', '/no/such/socket', false]);
});

/** A ring that shows its core. */
class OpenAsyncRing extends AsyncRing {
  get inner(): RingCore {
    return this.core;
  }
}

/** Makes the kernel one that lacks an operation: its opcode becomes one that no kernel has, and the probe says no. */
function without(scope: Scope, ring: OpenAsyncRing, lacking: number): void {
  const { enter, register } = sys;
  sys.enter = (fd, submit, ...rest) => {
    const bytes = new Uint8Array(ring.inner.queues.sqe.words.buffer);
    for (let at = 0; at < bytes.length; at += 64) if (bytes[at] === lacking) bytes[at] = NO_OPCODE;
    return enter(fd, submit, ...rest);
  };
  sys.register = (fd, opcode, arg, nrArgs) => {
    const result = register(fd, opcode, arg, nrArgs);
    if (opcode !== constants.IORING_REGISTER_PROBE || result < 0) return result;
    const at = Probe.size + lacking * ProbeOp.size;
    new Uint8Array(viewMemory(arg, at + ProbeOp.size))[at + ProbeOp.at.flags] = 0;
    return result;
  };
  probe({ fresh: true });
  scope.defer(() => {
    Object.assign(sys, { enter, register });
    probe({ fresh: true });
  });
}

function openAsyncRing(scope: Scope, options = {}): OpenAsyncRing {
  const ring = new OpenAsyncRing(8, options);
  scope.defer(() => ring.close());
  return ring;
}

ringTest(
  'an operation that the kernel lacks is unsupported, with what it needs',
  needs('REGISTER_PROBE'),
  async (scope) => {
    const ring = openAsyncRing(scope);
    without(scope, ring, constants.IORING_OP_SPLICE);
    const { reader, writer } = scope.pipe();
    const error = await failure(ring.splice(reader, writer, 1));
    assert.ok(error instanceof UnsupportedError, error.stack);
    assert.deepEqual([error.need, error.since], ['OP_SPLICE', '5.7']);
    assert.match(error.message, /needs Linux 5\.7, this is /);
    assert.ok(error.cause instanceof OpError && error.cause.code === 'EINVAL');
  },
);

ringTest(
  'without OP_READV_FIXED pieces of a registered buffer are read all the same',
  needsOp('OP_READV_FIXED'),
  async (scope) => {
    const ring = openAsyncRing(scope);
    without(scope, ring, constants.IORING_OP_READV_FIXED);
    const path = join(scope.folder(), 'file');
    writeFileSync(path, '0123456789abcdef');
    const file = scope.fd(openSync(path, 'r'));
    const buffer = ring.registerBuffers([alloc(4096)]).at(0);
    assert.equal(await ring.readv(file, [buffer.subarray(0, 8), buffer.subarray(8, 16)], { offset: 0 }), 16);
    assert.equal(text(buffer.bytes.subarray(0, 16)), '0123456789abcdef');
    const error = await failure(ring.readvFixed(file, [buffer.subarray(0, 8)]));
    assert.ok(error instanceof UnsupportedError && error.need === 'OP_READV_FIXED', error.stack);
  },
);

ringTest('a flag that no kernel has is found by a trial, and one that this kernel has is not', {}, () => {
  const known: readonly OpFlag[] = opFlags;
  for (const flag of known.filter(({ since }) => !isOlderThan(since))) {
    assert.equal(isMissing(flag, isCommand(flag) ? EOPNOTSUPP : EINVAL), false, flag.name);
  }
  const bit: OpFlag = {
    name: 'ACCEPT_PRETENDED',
    op: 'OP_ACCEPT',
    field: 'ioprio',
    value: 0x8000,
    since: '9.9',
  };
  // before 5.19 accept looks for the file first: what can't be decided is no
  assert.equal(isMissing(bit, EINVAL), probe().ops.OP_SOCKET.supported === true);
  assert.equal(isMissing(bit, EOPNOTSUPP), false);
  const command: OpFlag = {
    name: 'SOCKET_PRETENDED',
    op: 'OP_URING_CMD',
    field: 'cmdOp',
    value: 0x7777,
    since: '9.9',
  };
  assert.equal(isMissing(command, EOPNOTSUPP), probe().ops.OP_URING_CMD.supported === true);
});

ringTest('a sandbox says which rule is missing', needs('REGISTER_RESTRICTIONS'), async (scope) => {
  const path = join(scope.folder(), 'file');
  writeFileSync(path, 'x'.repeat(64));
  const ring = openAsyncRing(scope, {
    files: [scope.fd(openSync(path, 'r'))],
    sandbox: { ops: ['OP_READ'], requireFlags: ['FIXED_FILE'] },
  });
  const { files } = ring;
  assert.ok(files !== undefined);
  const hints = [
    await opError(ring.open(path)),
    await opError(ring.read(0, alloc(8))),
    await opError(ring.readv(files.at(0), [alloc(8)])),
    await opError(ring.read(files.at(0), alloc(8), { drain: true })),
    await opError(ring.read(files.at(0), alloc(8), { async: true })),
    await opError(ring.read(files.at(0), alloc(8), { timeoutMs: 1000 })),
  ].map(({ code, hint }) => `${code}: ${hint}`);
  assert.deepEqual(hints, [
    "EACCES: the ring's sandbox does not allow OP_OPENAT: list it in sandbox.ops",
    "EACCES: the ring's sandbox requires FIXED_FILE: use a file of its table",
    "EACCES: the ring's sandbox does not allow OP_READV: list it in sandbox.ops",
    "EACCES: the ring's sandbox does not allow IO_DRAIN: list it in sandbox.allowFlags",
    "EACCES: the ring's sandbox does not allow ASYNC: list it in sandbox.allowFlags",
    "EACCES: the ring's sandbox does not allow IO_LINK: list it in sandbox.allowFlags",
  ]);
  assert.equal(await ring.read(files.at(0), alloc(8)), 8);
});

ringTest(
  'a read of a file that was opened with O_DIRECT says what must be aligned',
  hasDirect,
  async (scope) => {
    const ring = openAsyncRing(scope);
    const path = join(scope.folder(), 'direct');
    writeFileSync(path, Buffer.alloc(65_536, 'd'));
    const file = scope.fd(openSync(path, node.O_RDONLY | node.O_DIRECT));
    assert.equal(await ring.read(file, alloc(4096), { offset: 0 }), 4096);
    for (const reading of [
      ring.read(file, alloc(4096), { offset: 100 }),
      ring.read(file, alloc(100), { offset: 0 }),
    ]) {
      assert.match((await opError(reading)).hint ?? '', /O_DIRECT: memory .*multiple/);
    }
  },
);

ringTest('a chain that a short read has cut says which link it was', {}, async (scope) => {
  const ring = openAsyncRing(scope);
  const path = join(scope.folder(), 'short');
  writeFileSync(path, 'content');
  const file = scope.fd(openSync(path, 'r'));
  const chain = ring.chain((c) => [c.nop(), c.read(file, alloc(16), { offset: 0 }), c.fsync(file)]);
  const error = await opError(chain);
  assert.deepEqual([error.code, error.op], ['ECANCELED', 'OP_FSYNC']);
  assert.match(error.hint ?? '', /^link 2 of the chain, OP_READ, did 7 of 16 bytes, which cuts it/);
});

ringTest('a callback by then is told the same, without frames', {}, async (scope) => {
  const ring = openAsyncRing(scope);
  const error = await new Promise<unknown>(
    (resolve) => void ring.open('/no/such/file').then(resolve, resolve),
  );
  assert.ok(error instanceof OpError && error.path === '/no/such/file');
});

ringTest(
  'no trap of a Proxy behind a view runs when its operation fails, and all are told',
  {},
  async (scope) => {
    const ring = openAsyncRing(scope);
    const traps: string[] = [];
    const spy = new Proxy<Uint8Array>(Uint8Array.prototype, {
      getPrototypeOf() {
        traps.push('getPrototypeOf');
        throw new Error('by a trap');
      },
    });
    const view = new Uint8Array(8);
    Object.setPrototypeOf(view, spy);
    const { writer } = scope.pipe();
    const error = await opError(ring.read(writer, view));
    assert.deepEqual([error.code, error.op], ['EBADF', 'OP_READ']);
    const told = await new Promise((resolve) => ring.readv(writer, [view], resolve));
    assert.ok(told instanceof OpError && told.code === 'EBADF');
    assert.deepEqual(traps, []);
  },
);
