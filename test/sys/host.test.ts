import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { afterEach, describe, it } from 'node:test';
import * as host from '../../lib/sys/host.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { replace, restore } from '../helpers/replace.ts';

const { files } = host;

/** A host whose files are these; every other one can't be read. */
function pretend(texts: Readonly<Record<string, string>>): void {
  replace(files, 'read', (path: string) => texts[path]);
  replace(files, 'exists', (path: string) => path in texts);
}

const STATUS = '/proc/thread-self/status';

afterEach(() => restore());

describe('facts about the host', () => {
  it('are undefined where /proc cannot be read, and nothing throws', () => {
    pretend({});
    assert.equal(host.ioUringDisabled(), undefined);
    assert.equal(host.ioUringGroup(), undefined);
    assert.equal(host.seccompMode(), undefined);
    assert.equal(host.noNewPrivs(), undefined);
    assert.equal(host.effectiveCapabilities(), undefined);
    assert.equal(host.hasCapability('CAP_IPC_LOCK'), undefined);
    assert.equal(host.inInitialUserNamespace(), undefined);
  });

  it('are undefined where a file holds something else', () => {
    pretend({ '/proc/sys/kernel/io_uring_disabled': 'yes\n', [STATUS]: 'CapEff:\tnone\nSeccomp:\t9\n' });
    assert.equal(host.ioUringDisabled(), undefined);
    assert.equal(host.effectiveCapabilities(), undefined);
    assert.equal(host.seccompMode(), undefined);
  });

  it('never throw for a file that does not exist', () => {
    assert.equal(files.read('/proc/self/no-such-file'), undefined);
    assert.equal(files.read('/proc/self'), undefined);
  });
});

describe('the kernel', () => {
  it('is named by its release, as os.release() and uname have it', () => {
    assert.equal(host.kernelRelease, release());
    assert.equal(host.kernelRelease, readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim());
  });

  it('has the numbers at the head of its release', () => {
    assert.deepEqual(host.kernelVersion('6.18.44-fc-v669'), { major: 6, minor: 18, patch: 44 });
    assert.deepEqual(host.kernelVersion('5.10.0-32-cloud-amd64'), { major: 5, minor: 10, patch: 0 });
    assert.deepEqual(host.kernelVersion('7.3-cloud-amd64'), { major: 7, minor: 3, patch: 0 });
    assert.equal(host.kernelVersion('GNU-Mach 1.8'), undefined);
  });

  it('tells its two switches by sysctl', () => {
    pretend({
      '/proc/sys/kernel/io_uring_disabled': '1\n',
      '/proc/sys/kernel/io_uring_group': '-1\n',
    });
    assert.equal(host.ioUringDisabled(), 1);
    assert.equal(host.ioUringGroup(), -1);
  });
});

describe('the calling thread', () => {
  const filtered =
    'Name:\tnode\nCapEff:\t0000000000004000\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n';

  it('is read from its own status', () => {
    pretend({ [STATUS]: filtered });
    assert.equal(host.seccompMode(), 'filter');
    assert.equal(host.noNewPrivs(), true);
    assert.equal(host.effectiveCapabilities(), 0x4000n);
    assert.equal(host.hasCapability('CAP_IPC_LOCK'), true);
    assert.equal(host.hasCapability('CAP_SYS_ADMIN'), false);
  });

  it("is read from the process's where the kernel has no /proc/thread-self", () => {
    pretend({ '/proc/self/status': filtered });
    assert.equal(host.seccompMode(), 'filter');
  });

  it('has the capabilities of root as setpriv names them, bit by bit', (t) => {
    const { status, stdout } = spawnSync('setpriv', ['--dump'], { encoding: 'utf8' });
    if (status !== 0) return t.skip('setpriv is missing');
    const set = /^Capability bounding set: (.*)$/m.exec(stdout)?.[1] ?? '';
    if (process.geteuid?.() !== 0) return t.skip('only root has all that its bounding set allows');
    for (const name of [
      'CAP_NET_ADMIN',
      'CAP_IPC_LOCK',
      'CAP_SYS_ADMIN',
      'CAP_SYS_NICE',
      'CAP_SYS_RESOURCE',
    ] as const) {
      assert.equal(host.hasCapability(name), set.split(',').includes(name.slice(4).toLowerCase()), name);
    }
  });

  it('has the ids of the process', () => {
    assert.deepEqual(host.credentials(), {
      uid: process.geteuid?.(),
      gid: process.getegid?.(),
      groups: process.getgroups?.(),
    });
  });

  it('is in the initial user namespace only where all ids are mapped to themselves', () => {
    pretend({ '/proc/self/uid_map': '         0          0 4294967295\n' });
    assert.equal(host.inInitialUserNamespace(), true);
    pretend({ '/proc/self/uid_map': '         0     100000      65536\n' });
    assert.equal(host.inInitialUserNamespace(), false);
  });
});

describe('the processors', () => {
  it('are counted up to the last one that the host can have', () => {
    const path = '/sys/devices/system/cpu/possible';
    for (const [text, count] of [
      ['0\n', 1],
      ['0-1\n', 2],
      ['0-3,8-11\n', 12],
    ] as const) {
      pretend({ [path]: text });
      assert.equal(host.possibleCpus(), count);
    }
    pretend({});
    assert.equal(host.possibleCpus(), 8192);
  });
});

describe('resource limits', () => {
  const rows = { memlock: 'Max locked memory', nofile: 'Max open files', nproc: 'Max processes' } as const;

  it('are those of /proc/self/limits', () => {
    const text = readFileSync('/proc/self/limits', 'utf8');
    for (const resource of ['memlock', 'nofile', 'nproc'] as const) {
      const [soft, hard] = (text.split('\n').find((line) => line.startsWith(rows[resource])) ?? '')
        .slice(26)
        .trim()
        .split(/\s+/)
        .map((each) => (each === 'unlimited' ? Number.POSITIVE_INFINITY : Number(each)));
      assert.deepEqual(host.limit(resource), { soft, hard }, resource);
    }
  });

  it('are Infinity where there is none', () => {
    replace(sys, 'getrlimit', (_: number, pair: BigUint64Array) => {
      pair.set([65_536n, 0xffff_ffff_ffff_ffffn]);
      return 0;
    });
    assert.deepEqual(host.limit('memlock'), { soft: 65_536, hard: Number.POSITIVE_INFINITY });
  });

  it('are undefined where they cannot be asked', () => {
    replace(sys, 'getrlimit', () => -1);
    assert.equal(host.limit('memlock'), undefined);
    replace(sys, 'getrlimit', () => {
      throw new Error('no such system');
    });
    assert.equal(host.limit('memlock'), undefined);
  });
});

describe('the container', () => {
  const key = 'KUBERNETES_SERVICE_HOST';
  const saved = process.env[key];

  afterEach(() => {
    if (saved === undefined) delete process.env[key];
    else process.env[key] = saved;
  });

  it('is told by the marks that it leaves', () => {
    delete process.env[key];
    pretend({});
    assert.equal(host.container(), undefined);
    pretend({ '/.dockerenv': '' });
    assert.equal(host.container(), 'docker');
    pretend({ '/run/.containerenv': '' });
    assert.equal(host.container(), 'podman');
    process.env[key] = '10.0.0.1';
    assert.equal(host.container(), 'kubernetes');
  });
});
