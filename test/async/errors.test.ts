/** What errors of operations say: in the form of Node.js, with what to do about them. */
import assert from 'node:assert/strict';
import { constants as node, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OpError, UnsupportedError } from '../../lib/errors.ts';
import { isMissing } from '../../lib/operations/trial.ts';
import { gather, probe } from '../../lib/register/support.ts';
import { alloc } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { type OpFlag, opFlags } from '../../structs/ops.ts';
import { asyncRing, failure } from '../helpers/async.ts';
import { needs, needsOp } from '../helpers/needs.ts';
import { ringTest, type Scope } from '../helpers/rings.ts';

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

/** The memory of a ring's entries. */
function entriesOf(ring: AsyncRing): Uint8Array {
  const { words } = new Inside(ring).queues.sqe;
  return new Uint8Array(words.buffer);
}

/** Takes an operation out of what REGISTER_PROBE has written. */
function forget(arg: number | bigint, opcode: number): void {
  const at = Probe.size + opcode * ProbeOp.size;
  new Uint8Array(viewMemory(arg, at + ProbeOp.size))[at + ProbeOp.at.flags] = 0;
}

ringTest('an operation that the kernel lacks is unsupported, with what it needs', {}, async (scope) => {
  const ring = asyncRing(scope);
  // an opcode that no kernel has answers as one that this kernel lacks
  const { enter, register } = sys;
  const IORING_OP_SPLICE = constants.IORING_OP_SPLICE;
  sys.enter = (fd, submit, ...rest) => {
    const words = entriesOf(ring);
    for (let at = 0; at < words.length; at += 64) if (words[at] === IORING_OP_SPLICE) words[at] = 250;
    return enter(fd, submit, ...rest);
  };
  sys.register = (fd, opcode, arg, nrArgs) => {
    const result = register(fd, opcode, arg, nrArgs);
    if ((opcode & 0xff) === constants.IORING_REGISTER_PROBE && result >= 0) forget(arg, IORING_OP_SPLICE);
    return result;
  };
  probe({ fresh: true });
  scope.defer(() => {
    Object.assign(sys, { enter, register });
    probe({ fresh: true });
  });
  const { reader, writer } = scope.pipe();
  const error = await failure(ring.splice(reader, writer, 1));
  assert.ok(error instanceof UnsupportedError, error.stack);
  assert.deepEqual([error.need, error.since], ['OP_SPLICE', '5.7']);
  assert.match(error.message, /needs Linux 5\.7, this is /);
  assert.ok(error.cause instanceof OpError && error.cause.code === 'EINVAL');
});
