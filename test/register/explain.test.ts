import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { afterEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { RegisterError, UnsupportedError } from '../../lib/errors.ts';
import { askRange } from '../../lib/register/ask.ts';
import { register } from '../../lib/register/call.ts';
import { explain, type Failure } from '../../lib/register/explain.ts';
import { HINTS } from '../../lib/register/hints.ts';
import { touchedPages } from '../../lib/register/memlock.ts';
import { probe } from '../../lib/register/support.ts';
import { files, kernelRelease } from '../../lib/sys/host.ts';
import { Pinned, pageSize } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { errnoName } from '../../structs/errno.ts';
import {
  BufReg,
  CloneBuffers,
  constants,
  FileIndexRange,
  Iovec,
  MemRegionReg,
  Params,
  RegionDesc,
  RegisterOp,
  type RegisterOpName,
  RsrcRegister,
  RsrcUpdate,
  RsrcUpdate2,
  registerOps,
  Sqe,
  SyncCancelReg,
} from '../../structs/index.ts';
import { replace, restore } from '../helpers/replace.ts';

const fds: number[] = [];

function open(fd: number): number {
  assert.ok(fd >= 0, errnoName(-fd));
  fds.push(fd);
  return fd;
}

function ring(flags = 0): number {
  return open(sys.setup(8, Params.encode({ flags })));
}

afterEach(() => {
  restore();
  for (const fd of fds.splice(0)) sys.close(fd);
});

/** The error of a call that must fail with this errno, as a RegisterError with all its facts. */
function failure(
  code: string,
  fd: number,
  op: RegisterOpName,
  arg: Uint8Array | number | null,
  nrArgs: number,
): RegisterError {
  try {
    register(fd, RegisterOp[op], arg, nrArgs);
  } catch (error) {
    assert.ok(error instanceof RegisterError, `${op}: ${error}`);
    assert.equal(error.code, code, error.message);
    assert.equal(error.opcode, op);
    assert.equal(error.since, registerOps[RegisterOp[op]].since);
    assert.equal(error.fd, fd);
    assert.equal(error.nrArgs, nrArgs);
    return error;
  }
  assert.fail(`${op} must fail with ${code}`);
}

function hintOf(...call: Parameters<typeof failure>): string | undefined {
  return failure(...call).hint;
}

/** Arguments that the kernel reads, kept alive. */
function address(bytes: Uint8Array): number {
  const pinned = new Pinned(bytes.length);
  pinned.bytes.set(bytes);
  kept.push(pinned);
  return pinned.address;
}
const kept: Pinned[] = [];

function iovec(length = 4096): Uint8Array {
  const memory = new Pinned(length);
  kept.push(memory);
  return Iovec.encode({ iovBase: memory.address, iovLen: length });
}

function s32(...values: number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}

const NO_FD = 0x7fff_ff00;

/** Skips only where the kernel itself says that it lacks the opcode. */
function lacks(op: RegisterOpName): string | false {
  return askRange(RegisterOp[op]) === false && `this kernel has no ${op}`;
}

describe('EINVAL of an opcode that the kernel lacks', () => {
  it('is an UnsupportedError with since, the release, and the EINVAL as its cause', () => {
    const missing = registerOps.find(({ value }) => askRange(value) === false);
    const [opcode, need] = missing === undefined ? [200, 'OP_200'] : [missing.value, missing.name];
    assert.throws(
      () => register(ring(), opcode, null, 0),
      (error) => {
        assert.ok(error instanceof UnsupportedError);
        const { cause } = error;
        assert.equal(error.need, need);
        assert.equal(error.since, missing?.since);
        assert.equal(error.kernel, kernelRelease);
        assert.ok(cause instanceof RegisterError);
        assert.equal(cause.code, 'EINVAL');
        return true;
      },
    );
  });

  it('is one too for an opcode that is in no header, without a since', () => {
    assert.throws(
      () => register(ring(), 200, null, 0),
      (error) => {
        assert.ok(error instanceof UnsupportedError);
        assert.equal(error.need, 'OP_200');
        assert.equal(error.since, undefined);
        assert.match(error.message, /has no register opcode 200$/);
        return true;
      },
    );
  });

  it('is one as well without a ring, and for a ring that is not open', () => {
    for (const fd of [-1, NO_FD]) assert.throws(() => register(fd, 200, null, 0), UnsupportedError);
  });

  it('is asked of the kernel: where it cannot tell, EINVAL stays a RegisterError', () => {
    const fd = ring();
    replace(sys, 'register', () => -22);
    assert.throws(() => register(fd, 37, null, 0), {
      name: 'RegisterError',
      code: 'EINVAL',
      opcode: 'REGISTER_BPF_FILTER',
    });
  });
});

describe('EINVAL of an opcode that the kernel has', () => {
  it('is a RegisterError, never an UnsupportedError', () => {
    const fd = ring();
    for (const { value, name } of registerOps) {
      if (askRange(value) === false) continue;
      // a number of arguments that no opcode takes
      assert.throws(
        () => register(fd, value, null, 0xffff_fff0),
        (error) => error instanceof RegisterError,
        name,
      );
    }
  });

  it('names the rule of nr_args that was broken', () => {
    const fd = ring();
    assert.equal(hintOf('EINVAL', fd, 'UNREGISTER_BUFFERS', null, 1), 'nr_args must be 0, it was 1');
    assert.equal(
      hintOf('EINVAL', fd, 'REGISTER_FILES', s32(0), 0),
      'nr_args must be a number from 1 to 1048576, it was 0',
    );
    assert.equal(hintOf('EINVAL', fd, 'REGISTER_EVENTFD', s32(0), 2), 'nr_args must be 1, it was 2');
  });

  it('names the size of the struct where that is the rule', { skip: lacks('REGISTER_FILES2') }, () => {
    const hint = hintOf('EINVAL', ring(), 'REGISTER_FILES2', RsrcRegister.encode({ nr: 1 }), 1);
    assert.equal(hint, 'nr_args must be 32, the size of the struct, it was 1');
  });

  it('says what the opcode asks of its argument, or of the ring', () => {
    const fd = ring();
    assert.match(hintOf('EINVAL', fd, 'REGISTER_EVENTFD', s32(fd), 1) ?? '', /not an eventfd/);
    assert.match(hintOf('EINVAL', fd, 'UNREGISTER_PERSONALITY', null, 7) ?? '', /no personality of this id/);
    assert.match(hintOf('EINVAL', fd, 'REGISTER_PROBE', new Uint8Array(2064).fill(1), 256) ?? '', /all zero/);
  });

  it('says that resizing needs DEFER_TASKRUN', { skip: lacks('REGISTER_RESIZE_RINGS') }, () => {
    const hint = hintOf('EINVAL', ring(), 'REGISTER_RESIZE_RINGS', Params.encode({ sqEntries: 16 }), 1);
    assert.match(hint ?? '', /must have SETUP_DEFER_TASKRUN/);
  });

  it('says that a region for waits needs a disabled ring', { skip: lacks('REGISTER_MEM_REGION') }, () => {
    const regionUptr = address(RegionDesc.encode({ size: pageSize() }));
    const hint = hintOf(
      'EINVAL',
      ring(),
      'REGISTER_MEM_REGION',
      MemRegionReg.encode({ regionUptr, flags: 1 }),
      1,
    );
    assert.match(hint ?? '', /still disabled/);
  });

  it('says that an opcode needs a ring', { skip: lacks('REGISTER_SEND_MSG_RING') }, () => {
    assert.match(hintOf('EINVAL', -1, 'REGISTER_FILES', s32(0), 1) ?? '', /needs a ring/);
  });

  it('says that a message needs fd -1', { skip: lacks('REGISTER_SEND_MSG_RING') }, () => {
    assert.match(
      hintOf('EINVAL', ring(), 'REGISTER_SEND_MSG_RING', Sqe.encode({}), 1) ?? '',
      /fd must be -1/,
    );
  });
});

describe('EBUSY and ENXIO', () => {
  it('say what is registered already', () => {
    const fd = ring();
    register(fd, RegisterOp.REGISTER_BUFFERS, iovec(), 1);
    assert.match(hintOf('EBUSY', fd, 'REGISTER_BUFFERS', iovec(), 1) ?? '', /has a buffer table already/);
    register(fd, RegisterOp.REGISTER_FILES, s32(-1), 1);
    assert.match(hintOf('EBUSY', fd, 'REGISTER_FILES', s32(-1), 1) ?? '', /has a file table already/);
    const eventfd = open(sys.eventfd(0));
    register(fd, RegisterOp.REGISTER_EVENTFD, s32(eventfd), 1);
    assert.match(
      hintOf('EBUSY', fd, 'REGISTER_EVENTFD_ASYNC', s32(eventfd), 1) ?? '',
      /its one eventfd already/,
    );
  });

  it('say what is not registered', () => {
    const fd = ring();
    assert.match(hintOf('ENXIO', fd, 'UNREGISTER_BUFFERS', null, 0) ?? '', /no registered buffers/);
    assert.match(hintOf('ENXIO', fd, 'UNREGISTER_FILES', null, 0) ?? '', /no registered files/);
    assert.match(hintOf('ENXIO', fd, 'UNREGISTER_EVENTFD', null, 0) ?? '', /no registered eventfd/);
  });

  it('say so of the other ring where that is meant', { skip: lacks('REGISTER_CLONE_BUFFERS') }, () => {
    const hint = hintOf('ENXIO', ring(), 'REGISTER_CLONE_BUFFERS', CloneBuffers.encode({ srcFd: ring() }), 1);
    assert.match(hint ?? '', /source ring has no registered buffers/);
  });
});

describe('a wrong descriptor', () => {
  it('of the ring is named', () => {
    assert.equal(hintOf('EBADF', NO_FD, 'UNREGISTER_BUFFERS', null, 0), `fd ${NO_FD} is not open`);
    assert.equal(hintOf('EBADF', NO_FD, 'REGISTER_FILES', s32(0), 1), `fd ${NO_FD} is not open`);
  });

  it('in the argument is told from that of the ring', () => {
    assert.match(hintOf('EBADF', ring(), 'REGISTER_FILES', s32(NO_FD), 1) ?? '', /a listed fd is not open/);
    assert.match(hintOf('EBADF', ring(), 'REGISTER_EVENTFD', s32(NO_FD), 1) ?? '', /the eventfd is not open/);
  });

  it('that is no ring says so', () => {
    const fd = openSync('/dev/null', 'r');
    try {
      assert.equal(hintOf('EOPNOTSUPP', fd, 'UNREGISTER_BUFFERS', null, 0), `fd ${fd} is not an io_uring`);
    } finally {
      closeSync(fd);
    }
  });

  it('in the argument that is no ring is told from that', { skip: lacks('REGISTER_CLONE_BUFFERS') }, () => {
    const eventfd = open(sys.eventfd(0));
    const hint = hintOf(
      'EOPNOTSUPP',
      ring(),
      'REGISTER_CLONE_BUFFERS',
      CloneBuffers.encode({ srcFd: eventfd }),
      1,
    );
    assert.equal(hint, 'the source is not an io_uring');
  });

  it('that is a registered index names the thread', {
    skip: probe().supports('FEAT_REG_REG_RING') === false && 'this kernel has no FEAT_REG_REG_RING (6.3)',
  }, () => {
    // the thread needs a ring before it can have indices
    const update = RsrcUpdate.encode({ offset: 0xffff_ffff, data: ring() });
    register(fds[0] ?? -1, RegisterOp.REGISTER_RING_FDS, update, 1);
    const { offset } = RsrcUpdate.decode(update);
    const free = (offset + 1) % 16;
    assert.throws(() => register({ registeredIndex: free }, RegisterOp.UNREGISTER_BUFFERS, null, 0), {
      code: 'EBADF',
      hint: `this thread has no ring registered at index ${free} (an index belongs to the thread that registered it)`,
    });
    register(fds[0] ?? -1, RegisterOp.UNREGISTER_RING_FDS, RsrcUpdate.encode({ offset }), 1);
  });

  it('count that exceeds RLIMIT_NOFILE says how many, and the limit', () => {
    withFiles(256, () => {
      const fd = ring();
      const wanted =
        "257 slots asked, RLIMIT_NOFILE's soft limit is 256: raise it (ulimit -n, LimitNOFILE=) or ask for fewer";
      assert.equal(hintOf('EMFILE', fd, 'REGISTER_FILES', s32(...Array(257).fill(-1)), 257), wanted);
      if (lacks('REGISTER_FILES2')) return;
      const arg = RsrcRegister.encode({ nr: 257, flags: constants.IORING_RSRC_REGISTER_SPARSE });
      if (probe().supports('OP_SOCKET') !== false)
        assert.equal(hintOf('EMFILE', fd, 'REGISTER_FILES2', arg, 32), wanted);
    });
  });

  it('count that exceeds what the kernel takes does not blame the limit', () => {
    const fd = ring();
    const nr = 2 ** 20 + 1;
    replace(sys, 'getrlimit', (_: number, pair: BigUint64Array) => {
      pair.fill(2n ** 30n);
      return 0;
    });
    const hint = hintOf('EMFILE', fd, 'REGISTER_FILES', new Uint8Array(4 * nr).fill(0xff), nr);
    assert.equal(hint, `${nr} slots are more than this kernel's file tables have`);
  });
});

/** With this soft limit of open files. */
function withFiles(soft: number, run: () => void): void {
  const nofile = 7;
  const before = new BigUint64Array(2);
  assert.equal(sys.getrlimit(nofile, before), 0);
  const [, hard = 0n] = before;
  assert.equal(sys.setrlimit(nofile, BigUint64Array.of(BigInt(soft), hard)), 0);
  try {
    run();
  } finally {
    assert.equal(sys.setrlimit(nofile, before), 0);
  }
}

describe('a ring that is disabled, restricted, or of another thread', () => {
  const { IORING_SETUP_R_DISABLED, IORING_SETUP_SINGLE_ISSUER } = constants;

  it('must be disabled for restrictions and enabling', () => {
    assert.match(hintOf('EBADFD', ring(), 'REGISTER_ENABLE_RINGS', null, 0) ?? '', /must be disabled/);
    assert.match(
      hintOf('EBADFD', ring(), 'REGISTER_RESTRICTIONS', new Uint8Array(16), 1) ?? '',
      /must be disabled/,
    );
  });

  it('names the opcode that its restrictions do not allow', () => {
    const fd = ring(IORING_SETUP_R_DISABLED);
    register(fd, RegisterOp.REGISTER_RESTRICTIONS, new Uint8Array(16), 1);
    register(fd, RegisterOp.REGISTER_ENABLE_RINGS, null, 0);
    const hint = hintOf('EACCES', fd, 'REGISTER_FILES', s32(-1), 1);
    assert.equal(hint, "this ring's restrictions do not allow REGISTER_FILES");
  });

  const skip = probe().supports('SETUP_SINGLE_ISSUER') === false && 'this kernel has no SETUP_SINGLE_ISSUER';

  it('says that another thread owns it, also where EEXIST has a second meaning', { skip }, async () => {
    const source = `
      const { parentPort, workerData: { at, flags } } = require('node:worker_threads');
      const setup = require(at).load(null).func('syscall', 'long', ['long', 'uint32_t', 'void *']);
      const params = new Uint8Array(120);
      new DataView(params.buffer).setUint32(8, flags, true);
      parentPort.once('message', () => process.exit());
      parentPort.postMessage(setup(425, 8, params));
    `;
    const at = fileURLToPath(import.meta.resolve('koffi'));
    const owner = new Worker(source, { eval: true, workerData: { at, flags: IORING_SETUP_SINGLE_ISSUER } });
    const [fd] = await once(owner, 'message');
    open(fd);
    const foreign = 'single issuer: this thread does not own the ring';
    assert.equal(hintOf('EEXIST', fd, 'REGISTER_FILES', s32(-1), 1), foreign);
    assert.equal(hintOf('EEXIST', fd, 'REGISTER_PBUF_RING', BufReg.encode({ ringEntries: 8 }), 1), foreign);
    owner.postMessage('end');
    await once(owner, 'exit');
  });

  it('says that the buffer group is taken where that is the matter', {
    skip: lacks('REGISTER_PBUF_RING'),
  }, () => {
    const fd = ring();
    const group = (): Uint8Array =>
      BufReg.encode({ ringAddr: pageOf(new Pinned(2 * pageSize())), ringEntries: 8, bgid: 3 });
    register(fd, RegisterOp.REGISTER_PBUF_RING, group(), 1);
    assert.match(hintOf('EEXIST', fd, 'REGISTER_PBUF_RING', group(), 1) ?? '', /group is taken/);
  });
});

/** The first whole page in it. */
function pageOf(pinned: Pinned): number {
  kept.push(pinned);
  return Math.ceil(pinned.address / pageSize()) * pageSize();
}

describe('other errnos', () => {
  it('EFAULT tells memory from argument', () => {
    const hint = hintOf(
      'EFAULT',
      ring(),
      'REGISTER_BUFFERS',
      Iovec.encode({ iovBase: 4096, iovLen: 4096 }),
      1,
    );
    assert.match(hint ?? '', /writable memory/);
    assert.match(hintOf('EFAULT', ring(), 'REGISTER_FILES', 4096, 1) ?? '', /the argument/);
  });

  it('EOVERFLOW says what exceeds', () => {
    const fd = ring();
    register(fd, RegisterOp.REGISTER_FILES, s32(-1), 1);
    const update = RsrcUpdate.encode({ offset: 0xffff_ffff, data: address(s32(-1, -1)) });
    assert.match(hintOf('EOVERFLOW', fd, 'REGISTER_FILES_UPDATE', update, 2) ?? '', /exceed 2\^32/);
  });

  it('EINVAL of an update says where its slots must lie', () => {
    const fd = ring();
    register(fd, RegisterOp.REGISTER_FILES, s32(-1), 1);
    const update = RsrcUpdate.encode({ offset: 1, data: address(s32(-1)) });
    assert.match(hintOf('EINVAL', fd, 'REGISTER_FILES_UPDATE', update, 1) ?? '', /within the table/);
  });

  it('ENOENT of a cancellation says that nothing matched', { skip: lacks('REGISTER_SYNC_CANCEL') }, () => {
    const forEver = { tvSec: -1, tvNsec: -1 };
    const hint = hintOf(
      'ENOENT',
      ring(),
      'REGISTER_SYNC_CANCEL',
      SyncCancelReg.encode({ addr: 7, timeout: forEver }),
      1,
    );
    assert.match(hint ?? '', /no operation matches/);
  });

  it('EINTR of an unregister says what it waited for', () => {
    for (const opcode of [RegisterOp.UNREGISTER_BUFFERS, RegisterOp.UNREGISTER_FILES]) {
      const { hint } = explain({ opcode, errno: 4, fd: 3, isIndex: false, nrArgs: 0 });
      assert.match(hint ?? '', /operations in flight, .*: call again$/);
    }
  });

  it('EINVAL of a range says that a file table is needed', {
    skip: lacks('REGISTER_FILE_ALLOC_RANGE'),
  }, () => {
    const arg = FileIndexRange.encode({ off: 0, len: 1 });
    const hint = explain({ opcode: 25, errno: 22, fd: ring(), isIndex: false, nrArgs: 0, bytes: arg }).hint;
    assert.match(hint ?? '', /registered file table/);
  });

  it('of a success that is none is never explained away: an unknown errno has no hint', () => {
    assert.deepEqual(explain({ opcode: 0, errno: 5, fd: 3, isIndex: false, nrArgs: 1 }), { hint: undefined });
  });
});

describe('every hint', () => {
  const errnos = new Map(Array.from({ length: 133 }, (_, i) => [errnoName(i + 1), i + 1]));
  const all = Object.entries(HINTS).flatMap(([code, hints]) =>
    Object.entries(hints).map(([name, hint]) => ({ code, name, hint })),
  );

  it('is of an errno and an opcode that exist', () => {
    for (const { code, name } of all) {
      assert.ok(errnos.has(code), code);
      assert.ok(name === 'else' || Object.hasOwn(RegisterOp, name), name);
    }
  });

  it('is one short sentence, also without knowing the argument', () => {
    for (const { code, name, hint } of all) {
      const opcode = registerOps.find((row) => row.name === name)?.value ?? 0;
      const { nrArgs } = registerOps[opcode];
      const good = 'value' in nrArgs ? nrArgs.value : 1;
      const call: Failure = { opcode, errno: errnos.get(code) ?? 0, fd: 0, isIndex: false, nrArgs: good };
      const text = typeof hint === 'function' ? hint(call) : hint;
      if (text === undefined) continue;
      assert.ok(text.length <= 170, `${code} of ${name} is ${text.length} long: ${text}`);
      assert.doesNotMatch(text, /\.$|undefined|NaN/, `${code} of ${name}`);
    }
  });
});

describe('locked memory', () => {
  /** A process without privilege whose limit is `kib`. */
  function limited(kib: number): void {
    replace(files, 'read', (path: string) =>
      path.endsWith('/status') ? 'CapEff:\t0000000000000000\n' : undefined,
    );
    replace(sys, 'getrlimit', (_: number, pair: BigUint64Array) => {
      pair.fill(BigInt(kib) * 1024n);
      return 0;
    });
  }

  function ask(
    op: RegisterOpName,
    nrArgs: number,
    bytes?: Uint8Array,
    pointee?: Uint8Array,
  ): string | undefined {
    return explain({ opcode: RegisterOp[op], errno: 12, fd: 3, isIndex: false, nrArgs, bytes, pointee }).hint;
  }

  const page = pageSize();
  const two = new Uint8Array([
    // 2 MiB from the middle of a page: 513 pages
    ...Iovec.encode({ iovBase: 0x7000_0000 + page / 2, iovLen: 2 ** 21 }),
    // one byte
    ...Iovec.encode({ iovBase: 0x9000_0000, iovLen: 1 }),
  ]);

  it('is counted in whole pages, each buffer for itself, empty slots as nothing', () => {
    assert.equal(touchedPages(two, 1), 2 ** 21 + page);
    assert.equal(touchedPages(two, 2), 2 ** 21 + 2 * page);
    assert.equal(touchedPages(Iovec.encode({ iovBase: page - 1, iovLen: 2 }), 1), 2 * page);
    assert.equal(touchedPages(Iovec.encode({}), 1), 0);
    assert.equal(touchedPages(two, 99), 2 ** 21 + 2 * page);
  });

  it('names what was asked for, and the soft limit', () => {
    limited(64);
    const kib = (2 ** 21 + 2 * page) / 1024;
    const wanted = `needs ${kib} KiB of locked memory, the soft limit is 64 KiB: raise it (ulimit -l, LimitMEMLOCK=) or register less`;
    assert.equal(ask('REGISTER_BUFFERS', 2, two), wanted);
    assert.equal(ask('REGISTER_BUFFERS2', 32, RsrcRegister.encode({ nr: 2 }), two), wanted);
    assert.equal(ask('REGISTER_BUFFERS_UPDATE', 32, RsrcUpdate2.encode({ nr: 2 }), two), wanted);
  });

  it('names a buffer ring and a region as well', () => {
    limited(4);
    assert.match(ask('REGISTER_PBUF_RING', 1, BufReg.encode({ ringEntries: 1024 })) ?? '', /^needs 16 KiB/);
    const region = RegionDesc.encode({ size: 4 * page });
    assert.match(
      ask('REGISTER_MEM_REGION', 1, MemRegionReg.encode({}), region) ?? '',
      new RegExp(`^needs ${(4 * page) / 1024} KiB`),
    );
  });

  it('blames what else is held where the limit would be enough', () => {
    limited(8192);
    assert.match(ask('REGISTER_BUFFERS', 2, two) ?? '', /locked memory beside what this user's rings hold/);
  });

  it('names the limit alone where it does not know what was asked for', () => {
    limited(64);
    const unknown =
      'locked memory is exhausted, the soft limit is 64 KiB: raise it (ulimit -l, LimitMEMLOCK=) or register less';
    assert.equal(ask('REGISTER_BUFFERS2', 32, RsrcRegister.encode({ nr: 2 })), unknown);
    assert.equal(ask('REGISTER_BUFFERS', 1), unknown);
  });

  it('is not blamed where the limit does not count', () => {
    limited(64);
    replace(files, 'read', (path: string) =>
      path.endsWith('/status') ? 'CapEff:\t0000000000004000\n' : '0 0 4294967295\n',
    );
    assert.equal(ask('REGISTER_BUFFERS', 2, two), undefined);
    replace(files, 'read', (path: string) =>
      path.endsWith('/status') ? 'CapEff:\t0000000000004000\n' : '0 100000 65536\n',
    );
    assert.match(ask('REGISTER_BUFFERS', 2, two) ?? '', /^needs/);
  });
});
