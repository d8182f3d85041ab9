import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { Identities, parseCgroupFile, parseControlGroup } from '../../lib/host/who.ts';
import { identify } from '../../lib/host.ts';

const ID = '3f2a91bc0d11'.padEnd(64, '0');
const POD = '0f5d3c1e-1111-2222-3333-444455556666';

test('control groups of every runtime tell the container, and systemd the unit', () => {
  const pod = `kubepods-burstable-pod${POD.replaceAll('-', '_')}.slice`;
  for (const [path, runtime, id, ofPod, unit] of [
    [`/system.slice/docker-${ID}.scope`, 'docker', ID, undefined, `docker-${ID}.scope`],
    [`/docker/${ID}`, 'docker', ID, undefined, undefined],
    [
      `/kubepods.slice/${pod}/cri-containerd-${ID}.scope`,
      'containerd',
      ID,
      POD,
      `cri-containerd-${ID}.scope`,
    ],
    [`/kubepods.slice/${pod}/crio-${ID}.scope`, 'cri-o', ID, POD, `crio-${ID}.scope`],
    [`/kubepods/besteffort/pod${POD}/${ID}`, 'kubernetes', ID, POD, undefined],
    [`/machine.slice/libpod-${ID}.scope/container`, 'podman', ID, undefined, `libpod-${ID}.scope`],
    [
      `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope`,
      'podman',
      ID,
      undefined,
      `libpod-${ID}.scope`,
    ],
    [`/default/${ID}`, 'containerd', ID, undefined, undefined],
    ['/lxc.payload.web1/init.scope', 'lxc', 'web1', undefined, 'init.scope'],
    [
      '/machine.slice/systemd-nspawn@web2.service/payload',
      'systemd-nspawn',
      'web2',
      undefined,
      'systemd-nspawn@web2.service',
    ],
    ['/system.slice/ssh.service', undefined, undefined, undefined, 'ssh.service'],
    [
      '/system.slice/system-getty.slice/getty@tty1.service',
      undefined,
      undefined,
      undefined,
      'getty@tty1.service',
    ],
    ['/', undefined, undefined, undefined, undefined],
  ] as const) {
    const { container, unit: found } = parseControlGroup(path);
    assert.deepEqual(
      [container?.runtime, container?.id, container?.pod, found],
      [runtime, id, ofPod, unit],
      path,
    );
  }
});

test('of several hierarchies the one that tells most counts', () => {
  const old = `12:pids:/docker/${ID}\n3:cpu,cpuacct:/\n1:name=systemd:/docker/${ID}\n0::/\n`;
  assert.equal(parseCgroupFile(old)?.container?.id, ID);
  assert.equal(parseCgroupFile('0::/user.slice\n')?.path, '/user.slice');
  assert.equal(parseCgroupFile(''), undefined);
  fc.assert(fc.property(fc.string(), (text) => void parseCgroupFile(text)));
});

test('a process is who it is', () => {
  const me = identify(process.pid);
  assert.ok(me);
  assert.deepEqual([me.pid, me.ppid, me.exe], [process.pid, process.ppid, process.execPath]);
  assert.deepEqual([me.uid, me.euid], [process.getuid?.(), process.geteuid?.()]);
  assert.equal(me.ancestry[0]?.pid, process.ppid);
  assert.equal(me.comm, readFileSync('/proc/self/comm', 'utf8').trimEnd());
  assert.ok(Object.keys(me.namespaces).length > 0 && me.capabilities !== undefined);
  assert.equal(identify(0x3f_ffff), undefined);
  assert.throws(() => identify(0), { name: 'RangeError' });
});

test('who a process was is remembered after its end', () => {
  const identities = new Identities();
  const script = 'process.stdout.write(String(process.pid)); process.stdin.resume()';
  assert.equal(identities.of(undefined), undefined);
  assert.equal(identities.of(process.pid)?.pid, process.pid);
  const { stdout } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', input: '' });
  assert.equal(identities.of(Number(stdout)), undefined);
});
