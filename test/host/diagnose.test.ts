/** The doctor's judgement, from answers and hosts that are made up or were recorded. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type Results, tryAll } from '../../lib/host/diagnose/trials.ts';
import { type Check, type CheckName, conclude, type Diagnosis, diagnose } from '../../lib/host/diagnose.ts';
import { files, kernelRelease } from '../../lib/sys/host.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { errnoName } from '../../structs/errno.ts';
import { openFds } from '../helpers/raw-ring.ts';
import { replace, restore } from '../helpers/replace.ts';

const EPERM = -1;
const EBADF = -9;
const ENOMEM = -12;
const EACCES = -13;
const EINVAL = -22;
const EMFILE = -24;
const ENOSYS = -38;

const DISABLED = '/proc/sys/kernel/io_uring_disabled';
const GROUP = '/proc/sys/kernel/io_uring_group';
const STATUS = '/proc/thread-self/status';

const HEALTHY: Results = {
  setup: EINVAL,
  enter: EBADF,
  ring: 0,
  register: EINVAL,
  query: 0,
  opcodes: 36,
  probe: 63,
  buffer: 0,
  sqpoll: 0,
  iopoll: 0,
  gvisor: 0,
};
/** No ring: what needs one was not tried. */
const NO_RING = { probe: undefined, buffer: undefined, sqpoll: undefined, iopoll: undefined };

/** Another host: its files, and its limits in bytes and pieces. */
function host(texts: Readonly<Record<string, string>>, memlock = 8 * 2 ** 20, nofile = 4096): void {
  replace(files, 'read', (path) => texts[path]);
  replace(files, 'unzip', (path) => texts[path]);
  replace(files, 'link', (path) => texts[path]);
  replace(files, 'exists', (path) => path in texts);
  replace(files, 'isSearchable', (path) => path in texts);
  replace(files, 'isWritable', (path) => texts[path] === 'writable');
  replace(sys, 'getrlimit', (resource, pair) => {
    pair.fill(BigInt(resource === 8 ? memlock : nofile));
    return 0;
  });
}

function judge(results: Results, options: { observe?: boolean } = {}): Diagnosis {
  return conclude({ results }, options);
}

function find({ checks }: Diagnosis, name: CheckName): Check {
  const found = checks.find((check) => check.name === name);
  assert.ok(found, name);
  return found;
}

const OPTIONS = 'NODE_OPTIONS';
const POD = 'KUBERNETES_SERVICE_HOST';
const pod = process.env[POD];
beforeEach(() => {
  delete process.env[POD];
});
afterEach(() => {
  restore();
  if (pod !== undefined) process.env[POD] = pod;
});

describe('diagnose()', () => {
  it('refuses wrong options', async () => {
    await assert.rejects(diagnose({ obsrve: true } as never), /spelt "observe"/);
    await assert.rejects(diagnose({ observe: 1 } as never), { code: 'ERR_INVALID_ARG_TYPE' });
  });

  it('finds on this host what can be seen of it', async () => {
    const { verdict, checks, usable } = await diagnose({ observe: true });
    assert.notEqual(usable, undefined, verdict);
    assert.equal(new Set(checks.map(({ name }) => name)).size, 18);
    assert.ok(checks.every(({ status, fix }) => status !== 'ok' || fix === undefined));
    assert.match(checks[0]?.evidence ?? '', new RegExp(kernelRelease.replaceAll('.', '\\.')));
  });

  it('leaves this process as it was', async () => {
    const before = { fds: openFds(), env: { ...process.env } };
    await diagnose();
    assert.deepEqual({ fds: openFds(), env: { ...process.env } }, before);
  });

  it('does not take over what this process was started with', async () => {
    const own = process.env[OPTIONS];
    process.env[OPTIONS] = '--inspect-brk=127.0.0.1:0 --stack-trace-limit="7"';
    process.execArgv.push('--eval', 'process.exit(7)', '--test');
    try {
      const { verdict, usable } = await diagnose();
      assert.notEqual(usable, undefined, verdict);
    } finally {
      if (own === undefined) delete process.env[OPTIONS];
      else process.env[OPTIONS] = own;
      process.execArgv.splice(-3);
    }
  });
});

describe('the recorded answers', () => {
  const text = readFileSync(
    join(import.meta.dirname, '../fixtures/observe/doctor-probe-results-6.18.txt'),
    'utf8',
  );

  /** A case of the file as answers and a host. */
  function recorded(title: string): Results {
    const part = text.split('== case: ').find((each) => each.startsWith(`${title}\n`)) ?? '';
    assert.ok(part !== '', title);
    const errnos = new Map(Array.from({ length: 133 }, (_, i) => [errnoName(i + 1), i + 1]));
    const answer = (call: string): number | undefined => {
      const line = part.split('\n').find((each) => each.startsWith(call));
      const [, number, name] = /(-?\d+) ?(E\w+)?\s*$/.exec(line ?? '') ?? [];
      if (name !== undefined) return -(errnos.get(name) ?? Number.NaN);
      return number === undefined ? undefined : Number(number);
    };
    const kib = /ulimit -l (\d+)/.exec(title)?.[1] ?? '8192';
    host({ [DISABLED]: '0\n', [GROUP]: '-1\n', [STATUS]: part }, Number(kib) * 1024);
    const register = answer('register(-1,UNREGISTER_BUFFERS)');
    const ring = answer('setup(8,&p)');
    const large = answer('register 16MiB buffer');
    return {
      setup: answer('setup(0,&p)'),
      enter: answer('enter(-1)'),
      ring,
      register,
      query: answer('register(-1,QUERY=35,NULL,0)'),
      // not recorded: refused like every register call
      opcodes: register === EINVAL ? 36 : 0,
      probe: ring === ENOMEM || ring === register ? undefined : register === EINVAL ? 63 : register,
      // the second table of a ring is EBUSY
      buffer: large === 0 ? 0 : answer('register 64KiB buffer'),
      sqpoll: answer('setup SQPOLL '),
      iopoll: answer('setup IOPOLL'),
    };
  }

  const seen = (title: string): object => {
    const diagnosis = judge(recorded(title));
    const marks = (['syscalls', 'ring', 'register', 'seccomp', 'memlock', 'sqpoll'] as const).map(
      (name) => find(diagnosis, name).status,
    );
    return [diagnosis.usable, diagnosis.cause, marks.join(' ')];
  };

  for (const [title, usable, cause, marks] of [
    ['none', true, undefined, 'ok ok ok ok ok ok'],
    ['seccomp-EPERM-425-427', false, 'seccomp', 'fail fail fail fail ok unknown'],
    ['seccomp-ENOSYS-425-427', false, 'seccomp', 'fail fail fail fail ok unknown'],
    ['seccomp-EPERM-427-only', false, 'seccomp', 'fail ok fail fail ok ok'],
    ['unprivileged user, ulimit -l 8192 KiB', true, undefined, 'ok ok ok ok ok ok'],
    ['unprivileged user, ulimit -l 64 KiB', true, undefined, 'ok ok ok ok warn ok'],
    ['unprivileged user, ulimit -l 8 KiB', true, undefined, 'ok ok ok ok warn warn'],
    ['unprivileged user, ulimit -l 0 KiB', false, 'memlock', 'ok fail unknown ok fail unknown'],
  ] as const) {
    it(`of "${title}" are judged right`, () => {
      assert.deepEqual(seen(title), [usable, cause, marks]);
    });
  }
});

describe('what pretends or fails without a known reason', () => {
  it('a filter that answers 0 (SECCOMP_RET_ERRNO with 0) does not make io_uring work', () => {
    host({ [STATUS]: 'CapEff:\t1ffffffffff\nSeccomp:\t2\n' });
    const zero = { setup: 0, enter: 0, ring: 0, register: 0, query: 0, opcodes: 0, probe: 0, buffer: 0 };
    for (const results of [
      { ...HEALTHY, ...zero },
      { ...HEALTHY, register: 0 },
      { ...HEALTHY, enter: 0 },
    ]) {
      const { usable, cause, verdict } = judge(results);
      assert.deepEqual([usable, cause], [false, 'seccomp']);
      assert.match(verdict, /answers io_uring_\w+ with success and does not make the call/);
    }
    assert.match(judge({ ...HEALTHY, ...zero }).verdict, /^io_uring does not work here/);
  });

  it('a check that fails is never beside "works"', () => {
    host({ [STATUS]: 'CapEff:\t1ffffffffff\nSeccomp:\t0\n' });
    for (const results of [
      { ...HEALTHY, opcodes: 0 },
      { ...HEALTHY, enter: EINVAL },
    ]) {
      const { usable, verdict, checks } = judge(results);
      assert.ok(checks.some(({ status }) => status === 'fail'));
      assert.deepEqual([usable, /^io_uring works/.test(verdict)], [false, false]);
    }
  });

  it('EACCES of setup where no security module could say it: a filter', () => {
    host({
      [STATUS]: 'CapEff:\t1ffffffffff\nSeccomp:\t2\n',
      '/sys/kernel/security/lsm': 'capability,landlock,yama',
    });
    assert.equal(judge({ ...HEALTHY, ...NO_RING, setup: EACCES, ring: EACCES }).cause, 'seccomp');
  });

  it('ENOMEM that locked memory does not explain: the limit of the control group, or pieces that are too small', () => {
    const status = { [STATUS]: 'CapEff:\t1ffffffffff\nSeccomp:\t0\n' };
    host({
      ...status,
      '/proc/self/cgroup': '0::/app\n',
      '/sys/fs/cgroup/app/memory.current': '104857600\n',
      '/sys/fs/cgroup/app/memory.max': '104857600\n',
    });
    const limited = judge({ ...HEALTHY, ...NO_RING, ring: ENOMEM });
    assert.match(limited.verdict, /control group is reached: 100 of 100 MiB$/);
    assert.match(limited.fix ?? '', /MemoryMax=/);
    host(status);
    const { verdict, fix } = judge({ ...HEALTHY, ...NO_RING, ring: ENOMEM });
    assert.match(verdict, /too small pieces/);
    assert.match(fix ?? '', /compact_memory/);
  });
});

describe('who forbids io_uring', () => {
  const refused = { ...HEALTHY, ...NO_RING, setup: EPERM, ring: EPERM };

  it('RHEL 9: a kernel called 5.14 whose sysctl is 2', () => {
    host({ [DISABLED]: '2\n', [GROUP]: '-1\n', [STATUS]: 'CapEff:\t1ffffffffff\nSeccomp:\t0\n' });
    const diagnosis = judge({ ...refused, register: EBADF, query: EINVAL, opcodes: 23 });
    assert.equal(diagnosis.usable, false);
    assert.equal(diagnosis.cause, 'sysctl');
    assert.match(diagnosis.verdict, /kernel\.io_uring_disabled is 2, nobody may make rings$/);
    assert.match(diagnosis.fix ?? '', /^sysctl kernel\.io_uring_disabled=0 .*Cost: /);
    assert.equal(find(diagnosis, 'register').status, 'unknown');
    assert.match(find(diagnosis, 'register').evidence, /^23 register opcodes asked one by one/);
    assert.match(
      find(diagnosis, 'sysctl').evidence,
      /^kernel\.io_uring_disabled 2, uid .*CapEff 1ffffffffff, /,
    );
  });

  it('sysctl 1, for who is neither administrator nor of the group', () => {
    host({ [DISABLED]: '1\n', [GROUP]: '4242\n', [STATUS]: 'CapEff:\t0\nSeccomp:\t0\n' });
    const diagnosis = judge(refused);
    assert.equal(diagnosis.cause, 'sysctl');
    assert.match(diagnosis.fix ?? '', /^join group 4242/);
    const { status, evidence } = find(diagnosis, 'sysctl');
    assert.equal(status, 'fail');
    assert.match(evidence, /io_uring_group 4242, uid \d+, gids [\d ]+, CapEff 0, sysctl /);
  });

  it('sysctl 1, for who may: it is in order', () => {
    for (const who of [
      { [GROUP]: '-1\n', [STATUS]: 'CapEff:\t200000\n' },
      { [GROUP]: `${process.getegid?.()}\n`, [STATUS]: 'CapEff:\t0\n' },
    ]) {
      host({ [DISABLED]: '1\n', ...who });
      assert.equal(find(judge(HEALTHY), 'sysctl').status, 'ok');
    }
  });

  it('a kernel from before the sysctl: that is no fault', () => {
    host({});
    const diagnosis = judge(HEALTHY);
    assert.equal(diagnosis.usable, true);
    assert.equal(find(diagnosis, 'sysctl').status, 'ok');
  });

  it('EACCES of setup alone: a security module, by its name', () => {
    host({
      '/sys/kernel/security/lsm': 'lockdown,capability,landlock,yama,selinux,bpf',
      '/proc/self/attr/current': 'system_u:system_r:container_t:s0\0',
      [STATUS]: 'Seccomp:\t2\n',
    });
    const diagnosis = judge({ ...refused, setup: EINVAL, ring: EACCES });
    assert.equal(diagnosis.cause, 'security');
    assert.match(
      find(diagnosis, 'security').evidence,
      /^selinux bpf, this process is system_u:\S+:s0, a security/,
    );
    assert.match(diagnosis.fix ?? '', /ausearch .*Cost/);
    assert.equal(find(diagnosis, 'seccomp').status, 'ok');
  });

  it('EPERM of setup alone under a filter: either, and both say so', () => {
    host({ [DISABLED]: '0\n', [STATUS]: 'Seccomp:\t2\nSeccomp_filters:\t3\n' });
    const diagnosis = judge(refused);
    assert.equal(diagnosis.usable, false);
    assert.equal(diagnosis.cause, 'ring');
    assert.equal(find(diagnosis, 'seccomp').status, 'unknown');
    assert.match(find(diagnosis, 'seccomp').evidence, /^mode filter, filters: 3/);
    assert.equal(find(diagnosis, 'security').status, 'unknown');
  });

  it('EPERM of enter alone: seccomp, since nobody else knows that call', () => {
    host({ [STATUS]: 'Seccomp:\t2\n' });
    const diagnosis = judge({ ...HEALTHY, enter: EPERM });
    assert.deepEqual([diagnosis.usable, diagnosis.cause], [false, 'seccomp']);
  });

  const everything = {
    ...HEALTHY,
    ...NO_RING,
    setup: EPERM,
    enter: EPERM,
    ring: EPERM,
    register: EPERM,
    opcodes: 0,
  };

  it('seccomp is named before a sysctl that would also forbid it, and that is not hidden', () => {
    host({ [DISABLED]: '2\n', [STATUS]: 'Seccomp:\t2\n' });
    const diagnosis = judge(everything);
    assert.equal(diagnosis.cause, 'seccomp');
    assert.equal(find(diagnosis, 'sysctl').status, 'fail');
  });

  for (const [name, texts, fix, mark] of [
    ['Docker', { '/.dockerenv': '' }, /^docker run --security-opt seccomp=</, 'docker: /.dockerenv'],
    [
      'Podman',
      { '/run/.containerenv': '', '/proc/self/mounts': 'overlay / overlay rw,relatime 0 0\n' },
      /^podman run --security-opt seccomp=</,
      'podman: /run/.containerenv, an overlay as root',
    ],
    [
      'Kubernetes',
      { '/proc/1/cgroup': '0::/kubepods/burstable/pod1/2\n', '/.dockerenv': '' },
      /securityContext: seccompProfile: .*localhostProfile/,
      'kubernetes: kubepods in /proc/1/cgroup, /.dockerenv',
    ],
    ['no container', {}, /SystemCallFilter=@aio/, 'no trace of one'],
  ] as const) {
    it(`seccomp in ${name}: the fix is one for it`, () => {
      host({ [DISABLED]: '0\n', [STATUS]: 'Seccomp:\t2\n', ...texts });
      const diagnosis = judge(everything);
      assert.match(diagnosis.fix ?? '', fix);
      assert.match(diagnosis.fix ?? '', /Cost: /);
      assert.equal(find(diagnosis, 'container').evidence, mark);
    });
  }

  it('Kubernetes is also known by what it sets in the environment', () => {
    process.env[POD] = '10.0.0.1';
    host({ [STATUS]: 'Seccomp:\t2\n' });
    assert.match(judge(everything).fix ?? '', /seccompProfile/);
  });

  it('a filter that kills: what was not tried stays unknown', () => {
    host({ [DISABLED]: '0\n', [STATUS]: 'Seccomp:\t2\n' });
    const { register: _, query: __, opcodes: ___, ...known } = HEALTHY;
    const diagnosis = conclude({ results: { ...known, ...NO_RING }, killedAt: 'register' }, {});
    assert.deepEqual([diagnosis.usable, diagnosis.cause], [false, 'seccomp']);
    assert.equal(find(diagnosis, 'ring').status, 'ok');
    assert.equal(find(diagnosis, 'register').status, 'fail');
    assert.equal(find(diagnosis, 'sqpoll').status, 'unknown');
  });
});

describe('a kernel without io_uring', () => {
  const absent = {
    ...NO_RING,
    setup: ENOSYS,
    enter: ENOSYS,
    ring: ENOSYS,
    register: ENOSYS,
    query: ENOSYS,
    opcodes: 0,
  };
  const free = { [STATUS]: 'Seccomp:\t0\n' };

  it('fails by the kernel, whatever its release', () => {
    host({ ...free, [`/boot/config-${kernelRelease}`]: 'CONFIG_X=y\n# CONFIG_IO_URING is not set\n' });
    const diagnosis = judge(absent);
    assert.deepEqual([diagnosis.usable, diagnosis.cause, diagnosis.fix], [false, 'kernel', undefined]);
    assert.match(diagnosis.verdict, /has no io_uring: it was built without CONFIG_IO_URING$/);
    assert.match(find(diagnosis, 'config').evidence, /IO_URING=n/);
  });

  it('may be gVisor, by /proc/version or by the log', () => {
    host({ ...free, '/proc/version': 'Linux version 4.19.0-gvisor #1 SMP Sun Jan 10 15:06:54 PST 2016\n' });
    const diagnosis = judge(absent);
    assert.equal(diagnosis.cause, 'kernel');
    assert.match(diagnosis.verdict, /gVisor has no io_uring, unless runsc is started with --iouring$/);
    assert.match(find(diagnosis, 'container').evidence, /^gVisor/);
    host(free);
    assert.match(find(judge({ ...absent, gvisor: 1 }), 'container').evidence, /^gVisor/);
  });
});

describe('limits', () => {
  it('a ring that too few open files forbid fails by nofile', () => {
    host({ [DISABLED]: '0\n', [STATUS]: 'Seccomp:\t0\n' }, 2 ** 23, 10);
    const diagnosis = judge({ ...HEALTHY, ...NO_RING, ring: EMFILE });
    assert.deepEqual([diagnosis.usable, diagnosis.cause], [false, 'nofile']);
    assert.match(diagnosis.fix ?? '', /ulimit -n/);
  });

  it('few open files are a warning', () => {
    host({}, 2 ** 23, 256);
    const diagnosis = judge(HEALTHY);
    assert.equal(diagnosis.usable, true);
    assert.match(diagnosis.verdict, /, with limits: nofile$/);
  });

  it('ENOMEM is asked once more after a second, since locked memory is given back late', () => {
    let asked = 0;
    replace(sys, 'setup', (entries) => {
      if (entries === 0) return EINVAL;
      return ++asked === 1 ? ENOMEM : EMFILE;
    });
    const told: string[] = [];
    const start = performance.now();
    tryAll((name, result) => told.push(`${name} ${result}`));
    assert.ok(performance.now() - start >= 990);
    assert.ok(told.includes(`ring ${EMFILE}`), told.join('\n'));
  });

  it('trials that need a ring are left out where there is none', () => {
    replace(sys, 'setup', () => EPERM);
    const told: string[] = [];
    tryAll((name) => told.push(name));
    assert.ok(told.includes('register') && !told.includes('sqpoll'), told.join(' '));
  });
});

describe('what can not be told', () => {
  it('is no verdict', () => {
    host({});
    const diagnosis = conclude({ results: {}, trouble: 'no process can be started' }, {});
    assert.deepEqual([diagnosis.usable, diagnosis.cause], [undefined, undefined]);
    assert.match(diagnosis.verdict, /^It can't be told .*: no process can be started$/);
    assert.equal(find(diagnosis, 'syscalls').status, 'unknown');
  });

  it('PROBE is no must: kernels before 5.6 have none', () => {
    host({});
    const diagnosis = judge({ ...HEALTHY, opcodes: 6, query: EINVAL, probe: EINVAL });
    assert.equal(diagnosis.usable, true);
    assert.equal(diagnosis.verdict, 'io_uring works here: 6 register opcodes');
  });

  it('PROBE that is forbidden is a failure of register', () => {
    host({});
    const diagnosis = judge({ ...HEALTHY, probe: EACCES });
    assert.deepEqual([diagnosis.usable, diagnosis.cause], [false, 'register']);
  });
});

describe('observation', () => {
  const mounts = 'proc /proc proc rw 0 0\nnodev /sys/kernel/tracing tracefs rw 0 0\n';
  const tracing = {
    '/proc/self/mounts': mounts,
    '/sys/kernel/tracing/instances': 'writable',
    '/sys/kernel/tracing/events': '',
    '/sys/kernel/tracing/events/io_uring/io_uring_register': '',
    '/proc/self/ns/pid': 'pid:[4026531836]',
    [STATUS]: 'CapEff:\t1ffffffffff\n',
  };
  const syscalls = {
    '/sys/kernel/tracing/events/syscalls/sys_enter_io_uring_register': '',
    '/sys/kernel/tracing/events/syscalls/sys_exit_io_uring_register': '',
  };
  const marks = (texts: Readonly<Record<string, string>>): Check[] => {
    host(texts);
    return judge(HEALTHY, { observe: true })
      .checks.slice(-4)
      .map((each) => each);
  };

  it('is in order for root of the host, with tracefs and its events', () => {
    assert.deepEqual(
      marks({ ...tracing, ...syscalls }).map(({ status }) => status),
      ['ok', 'ok', 'ok', 'ok'],
    );
  });

  it('without tracefs names the command that mounts it, and is no failure of io_uring', () => {
    const [tracefs, events] = marks({ ...tracing, '/proc/self/mounts': 'proc /proc proc rw 0 0\n' });
    assert.equal(tracefs?.status, 'warn');
    assert.match(tracefs?.fix ?? '', /^mount -t tracefs nodev \/sys\/kernel\/tracing .*Cost/);
    assert.equal(events?.status, 'unknown');
    assert.equal(judge(HEALTHY, { observe: true }).usable, true);
  });

  it('tells what an ordinary user does not see', () => {
    const { '/sys/kernel/tracing/events': _, ...closed } = tracing;
    const [tracefs, events, , proc] = marks({
      ...closed,
      '/sys/kernel/tracing/instances': '',
      '/proc/self/mounts': mounts.replace('rw', 'rw,hidepid=invisible'),
      [STATUS]: 'CapEff:\t0\n',
    });
    assert.equal(tracefs?.status, 'warn');
    assert.match(tracefs?.fix ?? '', /gid=/);
    assert.equal(events?.status, 'unknown');
    assert.match(proc?.evidence ?? '', /hidepid=invisible/);
    assert.match(proc?.fix ?? '', /remount,hidepid=0/);
  });

  it('names events that the kernel was built without, and another pid namespace', () => {
    const [, events, pids] = marks({ ...tracing, '/proc/self/ns/pid': 'pid:[4026532000]' });
    assert.match(events?.evidence ?? '', /^missing: syscalls\/sys_enter/);
    assert.match(events?.fix ?? '', /CONFIG_FTRACE_SYSCALLS/);
    assert.equal(pids?.status, 'warn');
  });

  it('does not take the root of a user namespace for one who sees everything', () => {
    const [, , , proc] = marks({ ...tracing, '/proc/self/uid_map': '0 1000 1\n' });
    assert.equal(proc?.status, 'warn');
  });

  it('is closed by lockdown, whoever asks', () => {
    const [tracefs] = marks({
      ...tracing,
      '/sys/kernel/security/lockdown': 'none integrity [confidentiality]\n',
    });
    assert.match(tracefs?.evidence ?? '', /lockdown=confidentiality/);
  });
});
