import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { SyscallError, UnsupportedError } from '../../lib/errors.ts';
import { Ring } from '../../lib/faces/ring.ts';
import { explain, explainSetup, type SetupRequest } from '../../lib/register/explain.ts';
import { probe } from '../../lib/register/support.ts';
import { setup } from '../../lib/ring/core/setup.ts';
import { files, kernelRelease, limit } from '../../lib/sys/host.ts';
import { pageSize } from '../../lib/sys/memory.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants, errnoName, Params, setupFlags } from '../../structs/index.ts';
import { replace, restore } from '../helpers/replace.ts';

const NO_FD = 0x7fff_ff00;
const fds: number[] = [];

afterEach(() => {
  restore();
  for (const fd of fds.splice(0)) sys.close(fd);
});

describe('io_uring_setup', () => {
  const { IORING_SETUP_ATTACH_WQ, IORING_SETUP_CQE32, IORING_SETUP_CQSIZE, IORING_SETUP_DEFER_TASKRUN } =
    constants;
  const { IORING_SETUP_NO_SQARRAY, IORING_SETUP_SQE128 } = constants;
  const { IORING_SETUP_NO_MMAP, IORING_SETUP_SINGLE_ISSUER, IORING_SETUP_SQ_AFF, IORING_SETUP_SQPOLL } =
    constants;

  /** What the kernel says to the request, explained. */
  function refuse(code: string, request: SetupRequest, wqFd = 0): ReturnType<typeof explainSetup> {
    const { entries, flags, cqEntries = 0 } = request;
    const result = sys.setup(entries, Params.encode({ flags, cqEntries, wqFd }));
    if (result >= 0) fds.push(result);
    assert.equal(errnoName(-result), code);
    return explainSetup(-result, request);
  }

  it('refuses a flag that this kernel lacks with an UnsupportedError', (t) => {
    const row = setupFlags.find(({ name }) => probe().supports(name) === false);
    if (row === undefined) return t.skip('this kernel has every flag that uring knows');
    const { unsupported } = refuse('EINVAL', { entries: 8, flags: row.value });
    assert.ok(unsupported instanceof UnsupportedError);
    assert.equal(unsupported.need, row.name);
    assert.equal(unsupported.since, row.since);
    assert.equal(unsupported.kernel, kernelRelease);
    assert.ok(unsupported.cause instanceof SyscallError && unsupported.cause.code === 'EINVAL');
  });

  it('names bits that are in no header', () => {
    const { hint, unsupported } = refuse('EINVAL', { entries: 8, flags: 0x8000_0000 });
    assert.equal(unsupported, undefined);
    assert.equal(hint, 'flags 0x80000000 are in no header that uring knows');
  });

  it('names what a flag needs, and which two exclude each other', () => {
    assert.equal(
      refuse('EINVAL', { entries: 8, flags: IORING_SETUP_SQ_AFF }).hint,
      'SETUP_SQ_AFF needs SETUP_SQPOLL',
    );
    const pairs: [string, string, number][] = [
      ['SETUP_DEFER_TASKRUN', 'SETUP_DEFER_TASKRUN needs SETUP_SINGLE_ISSUER', IORING_SETUP_DEFER_TASKRUN],
      [
        'SETUP_DEFER_TASKRUN',
        'SETUP_DEFER_TASKRUN and SETUP_SQPOLL exclude each other',
        IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_SQPOLL,
      ],
      ['SETUP_CQE_MIXED', 'SETUP_CQE32 and SETUP_CQE_MIXED exclude each other', IORING_SETUP_CQE32 | 0x40000],
    ];
    for (const [name, hint, flags] of pairs) {
      const known = setupFlags.find((row) => row.name === name)?.name;
      if (known === undefined || probe().supports(known) === false) continue;
      assert.equal(refuse('EINVAL', { entries: 8, flags }).hint, hint);
    }
  });

  it('names the range of entries', () => {
    assert.match(refuse('EINVAL', { entries: 0, flags: 0 }).hint ?? '', /^entries must be 1 to 32768/);
    assert.match(refuse('EINVAL', { entries: 32_769, flags: 0 }).hint ?? '', /^entries must be 1 to 32768/);
    const few = { entries: 8, flags: IORING_SETUP_CQSIZE, cqEntries: 4 };
    assert.match(refuse('EINVAL', few).hint ?? '', /^cqEntries must be at least entries/);
  });

  it('names cqEntries also where a ring is made', () => {
    const wrong = { name: 'SyscallError', hint: /^cqEntries must be at least entries/ };
    assert.throws(() => setup(8, { flags: IORING_SETUP_CQSIZE, cqEntries: 4 }), wrong);
    assert.throws(() => new Ring(8, { cqEntries: 4 }), wrong);
  });

  it('of several flags that the kernel lacks names the one that was asked for, not those that it needs', () => {
    const since5_10 = constants.IORING_SETUP_R_DISABLED * 2 - 1;
    const { setup: make, register } = sys;
    replace(sys, 'setup', (entries, params) => {
      const { flags } = Params.decode(params);
      return (flags & ~since5_10) === 0 ? make(entries, params) : -22;
    });
    replace(sys, 'register', (fd, opcode, ...rest) =>
      opcode === constants.IORING_REGISTER_QUERY ? -22 : register(fd, opcode, ...rest),
    );
    try {
      probe({ fresh: true });
      assert.throws(() => new Ring(8, { deferTaskrun: true }), {
        name: 'UnsupportedError',
        need: 'SETUP_DEFER_TASKRUN',
        since: '6.1',
      });
    } finally {
      restore();
      probe({ fresh: true });
    }
  });

  it('names the ring to attach to', () => {
    const request = { entries: 8, flags: IORING_SETUP_ATTACH_WQ };
    const result = sys.setup(8, Params.encode({ flags: request.flags, wqFd: NO_FD }));
    assert.match(explainSetup(-result, request).hint ?? '', /^wqFd is not/);
    const eventfd = sys.eventfd(0);
    fds.push(eventfd);
    assert.match(refuse('EINVAL', request, eventfd).hint ?? '', /^wqFd is not/);
  });

  it('names the memory that NO_MMAP needs', {
    skip: probe().supports('SETUP_NO_MMAP') === false && 'this kernel has no SETUP_NO_MMAP',
  }, () => {
    const { hint } = refuse('EFAULT', { entries: 8, flags: IORING_SETUP_NO_MMAP });
    assert.match(hint ?? '', /userAddr .* must be mapped memory/);
  });

  it('names the locked memory that the queues need, in pages, as the kernel lays them out', () => {
    replace(files, 'read', () => 'CapEff:\t0\n');
    replace(sys, 'getrlimit', (_: number, pair: BigUint64Array) => {
      pair.fill(4096n);
      return 0;
    });
    const pages = (bytes: number): number => Math.ceil(bytes / pageSize()) * pageSize();
    const rows: [request: SetupRequest, entries: number, queues: number][] = [
      [{ entries: 1000, flags: 0 }, 1024 * 64, 64 + 2048 * 16 + 1024 * 4],
      [{ entries: 8, flags: IORING_SETUP_CQSIZE, cqEntries: 5000 }, 8 * 64, 64 + 8192 * 16 + 8 * 4],
      [{ entries: 8, flags: 0, cqEntries: 5000 }, 8 * 64, 64 + 16 * 16 + 8 * 4],
      [{ entries: 64, flags: IORING_SETUP_SQE128 | IORING_SETUP_CQE32 }, 64 * 128, 64 + 128 * 32 + 64 * 4],
      [{ entries: 1024, flags: IORING_SETUP_NO_SQARRAY }, 1024 * 64, 64 + 2048 * 16],
    ];
    for (const [request, entries, queues] of rows) {
      const kib = (pages(entries) + pages(queues)) / 1024;
      assert.match(explainSetup(12, request).hint ?? '', new RegExp(`^needs ${kib} KiB of locked memory, `));
    }
  });

  it('names the memory that the kernel lacks, where no limit on locked memory applies', () => {
    const unlimited = (_: number, pair: BigUint64Array) => {
      pair.fill(2n ** 64n - 1n);
      return 0;
    };
    replace(sys, 'getrlimit', unlimited);
    const kib = (1024 * 64 + Math.ceil((64 + 2048 * 16 + 1024 * 4) / pageSize()) * pageSize()) / 1024;
    const { hint } = explainSetup(12, { entries: 1000, flags: 0 });
    assert.match(
      hint ?? '',
      new RegExp(`^the kernel has no memory for ${kib} KiB .*memory\\.max.*fewer entries$`),
    );
  });

  it('names the soft limit of open files', () => {
    assert.match(
      explainSetup(24, { entries: 8, flags: 0 }).hint ?? '',
      new RegExp(`${limit('nofile')?.soft} is reached`),
    );
  });
});

describe('who refuses io_uring', () => {
  const request = { entries: 8, flags: 0 };
  const EPERM = 1;
  const EACCES = 13;
  const ENOSYS = 38;

  /** A host whose files are these, and whose register calls fail with this errno. */
  function host(texts: Readonly<Record<string, string>>, registerErrno: number): void {
    replace(files, 'read', (path: string) => texts[path]);
    replace(files, 'unzip', (path: string) => texts[path]);
    replace(files, 'exists', (path: string) => path in texts);
    replace(sys, 'register', () => -registerErrno);
  }

  const disabled = '/proc/sys/kernel/io_uring_disabled';
  const group = '/proc/sys/kernel/io_uring_group';
  const status = '/proc/thread-self/status';

  it('EPERM of all calls: a seccomp filter, with what to do about it in this container', () => {
    host({ [disabled]: '0', '/.dockerenv': '' }, EPERM);
    assert.match(explainSetup(EPERM, request).hint ?? '', /seccomp filter .* --security-opt seccomp=/);
    host({ [disabled]: '0' }, EPERM);
    assert.match(explainSetup(EPERM, request).hint ?? '', /seccomp filter .* SystemCallFilter=@aio/);
  });

  it('EPERM of setup alone: the sysctl at 2', () => {
    host({ [disabled]: '2\n' }, 22);
    assert.match(explainSetup(EPERM, request).hint ?? '', /kernel\.io_uring_disabled is 2, nobody/);
  });

  it('EPERM of setup alone: the sysctl at 1, for who is not in its group', () => {
    host({ [disabled]: '1\n', [group]: '4242\n', [status]: 'CapEff:\t0\n' }, 22);
    assert.match(explainSetup(EPERM, request).hint ?? '', /is 1: only CAP_SYS_ADMIN and group 4242/);
    host({ [disabled]: '1\n', [group]: '-1\n', [status]: 'CapEff:\t0\n' }, 22);
    assert.match(explainSetup(EPERM, request).hint ?? '', /a group named in kernel\.io_uring_group/);
  });

  it('EPERM of setup alone with the sysctl open, or open to us: a filter or a security module', () => {
    const other = /seccomp filter or a security module forbids io_uring_setup/;
    host({ [disabled]: '0\n' }, 22);
    assert.match(explainSetup(EPERM, request).hint ?? '', other);
    host({}, 9);
    assert.match(explainSetup(EPERM, request).hint ?? '', other);
    host({ [disabled]: '1\n', [status]: 'CapEff:\t200000\n' }, 22);
    assert.match(explainSetup(EPERM, request).hint ?? '', other);
    host({ [disabled]: '1\n', [group]: `${process.getegid?.()}\n`, [status]: 'CapEff:\t0\n' }, 22);
    assert.match(explainSetup(EPERM, request).hint ?? '', other);
  });

  it('EPERM of setup alone without any filter: a security module', () => {
    host({ [disabled]: '0\n', [status]: 'Seccomp:\t0\n' }, 22);
    assert.match(explainSetup(EPERM, request).hint ?? '', /^a security module \(/);
  });

  it('EPERM of setup alone: the sysctl at 1, for the root of a user namespace', () => {
    const root = { [status]: 'CapEff:\t1ffffffffff\n', '/proc/self/uid_map': '0 1000 1\n' };
    host({ [disabled]: '1\n', [group]: '4242\n', ...root }, 22);
    assert.match(explainSetup(EPERM, request).hint ?? '', /is 1: only CAP_SYS_ADMIN and group 4242/);
  });

  it('EACCES of setup: a security module', () => {
    host({}, 22);
    assert.match(explainSetup(EACCES, request).hint ?? '', /security module/);
  });

  it('ENOSYS under a filter on a kernel that has the sysctl: seccomp', () => {
    host({ [disabled]: '0\n', [status]: 'Seccomp:\t2\n' }, ENOSYS);
    const call = { opcode: 0, errno: ENOSYS, fd: 3, isIndex: false, nrArgs: 0 };
    for (const { hint, unsupported } of [explainSetup(ENOSYS, request), explain(call)]) {
      assert.match(hint ?? '', /seccomp filter forbids/);
      assert.equal(unsupported, undefined);
    }
  });

  it('EACCES of all calls: a seccomp filter, since security modules know only setup', () => {
    host({}, EACCES);
    assert.match(explainSetup(EACCES, request).hint ?? '', /seccomp filter forbids/);
  });

  it('ENOSYS of setup alone: seccomp, since the kernel answers the other call', () => {
    host({ [status]: 'Seccomp:\t2\n' }, 22);
    assert.match(explainSetup(ENOSYS, request).hint ?? '', /seccomp filter forbids/);
  });

  it('ENOSYS under a filter, before the sysctl came: the configuration or the symbols tell', () => {
    const filtered = { [status]: 'Seccomp:\t2\n' };
    for (const proof of [
      { '/proc/config.gz': 'CONFIG_IO_URING=y\n' },
      { '/proc/kallsyms': '0 T __x64_sys_io_uring_setup\n0 t io_uring_release\n' },
    ]) {
      host({ ...filtered, ...proof }, ENOSYS);
      assert.match(explainSetup(ENOSYS, request).hint ?? '', /seccomp filter forbids/);
    }
    for (const proof of [
      { '/proc/config.gz': '# CONFIG_IO_URING is not set\n' },
      { '/proc/kallsyms': '0 T __x64_sys_io_uring_setup\n' },
    ]) {
      host({ ...filtered, ...proof }, ENOSYS);
      assert.match(explainSetup(ENOSYS, request).unsupported?.message ?? '', /without CONFIG_IO_URING$/);
    }
  });

  it('ENOSYS otherwise: this kernel has no io_uring, an UnsupportedError', () => {
    host({ [status]: 'Seccomp:\t0\n' }, ENOSYS);
    const call = { opcode: 0, errno: ENOSYS, fd: 3, isIndex: false, nrArgs: 0 };
    for (const { unsupported } of [explainSetup(ENOSYS, request), explain(call)]) {
      assert.equal(unsupported?.need, 'io_uring');
      assert.equal(unsupported?.since, '5.1');
      assert.match(unsupported?.message ?? '', /has no io_uring/);
      assert.ok(unsupported?.cause instanceof SyscallError);
    }
  });

  it('EPERM and EACCES of one opcode: the capability that it needs', () => {
    host({}, 22);
    const call = { fd: -1, isIndex: false, nrArgs: 1 };
    assert.match(explain({ ...call, fd: 3, opcode: 32, errno: EPERM }).hint ?? '', /CAP_NET_ADMIN/);
    assert.match(
      explain({ ...call, opcode: 37, errno: EACCES }).hint ?? '',
      /CAP_SYS_ADMIN, or no_new_privs/,
    );
    assert.match(
      explain({ ...call, opcode: 11, errno: EACCES }).hint ?? '',
      /CAP_SYS_ADMIN, or no_new_privs/,
    );
    assert.match(
      explain({ ...call, fd: 3, opcode: 37, errno: EACCES }).hint ?? '',
      /restrictions do not allow/,
    );
  });

  it('EPERM of polling on kernels that keep it for the privileged', () => {
    const old = probe();
    host({}, 22);
    const hint = explainSetup(EPERM, { entries: 8, flags: constants.IORING_SETUP_SQPOLL }).hint;
    const wanted =
      old.supports('FEAT_RSRC_TAGS') === false ? /CAP_SYS_NICE before Linux 5\.13/ : /security module/;
    assert.match(hint ?? '', wanted);
  });
});
