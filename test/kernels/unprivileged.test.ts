/** What an ordinary user may do, with little locked memory; what the sysctl forbids, to whom. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { test } from 'node:test';
import { Ring } from '../../lib/index.ts';
import { needs, needsKernel } from '../helpers/needs.ts';
import { later } from '../helpers/raw-ring.ts';
import { runScene } from './processes.ts';

const DISABLED = '/proc/sys/kernel/io_uring_disabled';
const GROUP = '/proc/sys/kernel/io_uring_group';
const nobody = { isNobody: true };
const sysctl = needsKernel('6.6', () => !existsSync(DISABLED));

test('an ordinary user makes rings', () => {
  assert.equal(runScene('makeRing', undefined, nobody), 'well');
});

test('an ordinary user pins as much memory as RLIMIT_MEMLOCK lets him, root more', () => {
  const sizes = [32, 1024, 32];
  const limits = { memlockKib: 64 };
  assert.deepEqual(runScene('pin', sizes, { ...nobody, ...limits }), ['well', 'ENOMEM with a hint', 'well']);
  assert.deepEqual(runScene('pin', sizes, limits), ['well', 'well', 'well']);
});

test('io_uring_disabled 1 leaves rings to privileged users and to a group', sysctl, (t) => {
  const group = readFileSync(GROUP, 'utf8');
  later(t, () => writeFileSync(DISABLED, '0'));
  writeFileSync(DISABLED, '1');
  assert.equal(runScene('makeRing', undefined, nobody), 'EPERM with a hint');
  new Ring(8).close();
  later(t, () => writeFileSync(GROUP, group));
  writeFileSync(GROUP, '65534');
  assert.equal(runScene('makeRing', undefined, nobody), 'well');
});

test('io_uring_disabled 2 forbids rings to everybody, and those there are go on', sysctl, (t) => {
  using ring = new Ring(8);
  later(t, () => writeFileSync(DISABLED, '0'));
  writeFileSync(DISABLED, '2');
  assert.throws(() => new Ring(8), { code: 'EPERM', hint: /io_uring_disabled/ });
  ring.prepare.nop();
  ring.submit({ wait: 1 });
  assert.equal([...ring.completions()][0]?.res, 0);
});

const filters = needs('REGISTER_BPF_FILTER');

test('rules and filters for the task need a privilege, or no_new_privs', filters, () => {
  assert.deepEqual(runScene('unprivilegedTask', undefined, nobody), [
    'EACCES with a hint',
    'EACCES with a hint',
  ]);
});

test('rules for the task hold for its new rings, from their first moment, and only once', filters, () => {
  const { again, ...effects } = Object(runScene('restrictTask', undefined));
  // since 7.3 the rules themselves forbid it
  assert.match(again, /^(EPERM|EACCES) with a hint$/);
  assert.deepEqual(effects, {
    nop: 0,
    timeout: -13,
    probe: 'well',
    files: 'EACCES with a hint',
    old: -62,
  });
});

test('a filter for the task holds for its new rings', filters, () => {
  assert.deepEqual(runScene('filterTask', { op: 'OP_NOP', filter: 'deny' }), {
    nop: -13,
    timeout: -62,
    old: 0,
  });
  assert.deepEqual(
    runScene('filterTask', { op: 'OP_NOP', filter: [{ code: 0x06, k: 1 }], denyRest: true }),
    { nop: 0, timeout: -13, old: 0 },
    release(),
  );
});
