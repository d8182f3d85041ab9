/** The rings of hosts that are only pretended: other users, old kernels, processes that end meanwhile. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { proc } from '../../lib/host/proc.ts';
import { type InspectOptions, inspect } from '../../lib/host.ts';
import { replace, restore } from '../helpers/replace.ts';

function fixture(name: string): string {
  return readFileSync(join(import.meta.dirname, '../fixtures/observe', `${name}.txt`), 'utf8');
}

const RING = 'anon_inode:[io_uring]';
const IDLE = fixture('fdinfo-6.18-plain-idle');
const BUSY = fixture('fdinfo-6.18-busy-ring-lock-held');

/** What is at a path: text, a link's target, or the errno of looking there. */
type Host = { [path: string]: string };

function stat(comm: string, { flags = 0, threads = 1 } = {}): string {
  const fields = ['S', 1, 1, 1, 0, -1, flags, ...Array(10).fill(0), threads, ...Array(30).fill(0)];
  return `7 (${comm}) ${fields.join(' ')}\n`;
}

/** A process with one ring, fd 5, between two other files. */
function withRing(pid: number, fdinfo = IDLE): Host {
  const home = `/proc/${pid}`;
  return {
    [`${home}/stat`]: stat(`program ${pid}`),
    [`${home}/status`]: 'Name:\tx\nUid:\t1\t1000\t3\t4\n',
    [`${home}/maps`]: '',
    [`${home}/fd/0`]: '/dev/null',
    [`${home}/fd/5`]: RING,
    [`${home}/fd/10`]: `/tmp/${RING}`,
    [`${home}/fdinfo/5`]: fdinfo,
  };
}

/** This process, and the inode that its anonymous files have in common. */
const SELF: Host = { '/proc/self/stat': stat('node'), '/proc/self/fd/3': 'anon_inode:[eventpoll]' };
const COMMON = 1038;

/** Puts a host in place of this one; folders list what came first last. `look` sees each path before its answer. */
function pretend(host: Host, look: (path: string) => void = () => {}): void {
  const find = (path: string): string | undefined => {
    look(path);
    const found = host[path];
    if (found === 'EACCES' || found === 'EPERM') throw Object.assign(new Error(found), { code: found });
    return found;
  };
  replace(proc, 'read', find);
  replace(proc, 'link', find);
  replace(proc, 'inode', () => COMMON);
  replace(proc, 'list', (folder) => {
    if (find(folder) !== undefined) return [];
    const below = Object.keys(host).filter((path) => path.startsWith(`${folder}/`));
    return [...new Set(below.map((path) => path.slice(folder.length + 1).split('/')[0] ?? ''))].reverse();
  });
}

/** `pid:fd` of what is found. */
function found(options: InspectOptions = {}): string[] {
  return inspect(options).rings.map(({ pid, fd }) => `${pid}:${fd}`);
}

afterEach(() => restore());

test('without /proc it says so', () => {
  pretend({});
  assert.throws(() => inspect(), { code: 'ERR_URING_UNSUPPORTED', message: /mount -t proc/ });
});

test('an error that is neither a refusal nor an end is told', () => {
  pretend({ ...SELF, ...withRing(4) }, (path) => {
    if (path === '/proc/4/fd') throw Object.assign(new Error('EMFILE'), { code: 'EMFILE' });
  });
  assert.throws(() => inspect(), { code: 'EMFILE' });
});

test('the order of folders does not matter', () => {
  pretend({
    ...SELF,
    ...withRing(9),
    ...withRing(10),
    ...withRing(100),
    '/proc/9/fd/44': RING,
    '/proc/9/fdinfo/44': IDLE,
  });
  assert.deepEqual(found(), ['9:5', '9:44', '10:5', '100:5']);
  const [ring] = inspect();
  assert.deepEqual([ring?.comm, ring?.uid, ring?.sharedWith], ['program 9', 1000, [10, 100]]);
});

test('processes of others are counted, and kernel threads are not', () => {
  pretend({
    ...SELF,
    '/proc/2/stat': stat('kthreadd', { flags: 0x20_8040 }),
    '/proc/2/fd': 'EACCES',
    ...withRing(4),
    ...withRing(5),
    '/proc/5/fd': 'EACCES',
    ...withRing(6),
    '/proc/6/fd/10': 'EACCES',
    '/proc/7/stat': 'EPERM',
  });
  assert.deepEqual(found(), ['4:5']);
  assert.equal(inspect().unreadable, 3);
  assert.equal(inspect({ pid: 5 }).unreadable, 1);
  assert.equal(inspect({ pid: 4 }).unreadable, 0);
});

test('what is gone at any moment is left out, and the rest is found', () => {
  const host: Host = { ...SELF, ...withRing(4), ...withRing(5), '/proc/4/stat': stat('x', { threads: 2 }) };
  host['/proc/4/task/4/stat'] = stat('x');
  const paths: string[] = [];
  pretend(host, (path) => paths.push(path));
  assert.deepEqual(found({ maps: true }), ['4:5', '5:5']);
  for (const moment of paths.keys()) {
    const rest = { ...host };
    let left = moment;
    pretend(rest, () => {
      if (left-- !== 0) return;
      for (const path of Object.keys(rest)) if (path.startsWith('/proc/4/')) delete rest[path];
    });
    const seen = inspect({ maps: true });
    assert.equal(seen.unreadable, 0);
    assert.ok(
      seen.rings.some(({ pid }) => pid === 5),
      `gone before ${paths[moment]}`,
    );
  }
});

test('a ring in use is looked at again, all of them at once, five times at most', () => {
  const host = { ...SELF, ...withRing(4, BUSY), ...withRing(5, BUSY), ...withRing(6) };
  const looks: string[] = [];
  pretend(host, (path) => {
    if (path.endsWith('/fdinfo/5')) looks.push(path);
    if (looks.filter((each) => each === '/proc/4/fdinfo/5').length === 3) host['/proc/4/fdinfo/5'] = IDLE;
  });
  assert.deepEqual(
    inspect().rings.map(({ busy, sq }) => [busy, sq?.entries]),
    [
      [false, 8],
      [true, undefined],
      [false, 8],
    ],
  );
  assert.equal(looks.map((path) => path.split('/')[2]).join(), '4,5,6,4,5,4,5,5,5');
});

test('a number that another file has got meanwhile is no busy ring', () => {
  const host = { ...SELF, ...withRing(4, 'pos:\t0\nflags:\t0\n') };
  pretend(host, (path) => {
    if (path === '/proc/4/fdinfo/5') host['/proc/4/fd/5'] = '/dev/null';
  });
  assert.deepEqual(found(), []);
});

test('a ring that may not be looked at again stays busy', () => {
  const host = { ...SELF, ...withRing(4, BUSY) };
  let looks = 0;
  pretend(host, (path) => {
    if (path === '/proc/4/fdinfo/5' && ++looks === 2) host[path] = 'EACCES';
  });
  assert.deepEqual(
    inspect().rings.map(({ busy }) => busy),
    [true],
  );
});

test('before 5.16 all rings have one inode: nothing is taken for shared, nor for lost', () => {
  const old = IDLE.replace('35992', `${COMMON}`);
  const map = `7f19bf71a000-7f19bf71b000 rw-s 10000000 00:10 ${COMMON}                      ${RING}\n`;
  pretend({ ...SELF, ...withRing(4, old), ...withRing(5, old), '/proc/4/maps': map });
  assert.deepEqual(
    inspect({ maps: true }).rings.map(({ pid, ino, sharedWith }) => [pid, ino, sharedWith]),
    [
      [4, undefined, []],
      [5, undefined, []],
    ],
  );
});

test('maps: the recorded ring without fd, and no file with such a name', () => {
  const file = `7f19bf71a000-7f19bf71b000 rw-s 10000000 00:10 99      /tmp/a ${RING}\n`;
  const maps = file + fixture('proc-maps-6.18-ring-without-fd');
  pretend({ ...SELF, ...withRing(4, IDLE.replace('35992', '47893')), '/proc/4/maps': maps });
  assert.deepEqual(found(), ['4:5']);
  assert.deepEqual(
    inspect({ maps: true }).rings.map(({ fd, ino }) => [fd, ino]),
    [
      [5, 47893],
      [undefined, 47894],
    ],
  );
});

test('threads as they were recorded: one for submission, one worker, and the first is neither', () => {
  const host: Host = { ...SELF, ...withRing(15107) };
  const text = fixture('proc-task-threads-6.18');
  for (const [, tid, line = ''] of text.matchAll(/^== task\/(\d+)\/stat\n(.*\n)/gm)) {
    host[`/proc/15107/task/${tid}/stat`] = line;
    if (tid === '15107') host['/proc/15107/stat'] = line;
  }
  pretend(host);
  const [ring] = inspect();
  assert.deepEqual(ring?.threads, [
    { tid: 15109, comm: 'iou-sqp-15107', kind: 'sqpoll', owner: 15107, state: 'R', cpu: 1 },
    { tid: 15110, comm: 'iou-wrk-15107', kind: 'worker', owner: 15107, state: 'S', cpu: 0 },
  ]);
  assert.deepEqual(ring.workers, [ring.threads[1]]);
});

test('five hundred processes with five rings each take well below a second', () => {
  const host = { ...SELF };
  for (let pid = 1; pid <= 500; pid++) {
    Object.assign(host, withRing(pid));
    for (let fd = 20; fd < 24; fd++) {
      host[`/proc/${pid}/fd/${fd}`] = RING;
      host[`/proc/${pid}/fdinfo/${fd}`] = IDLE.replace('35992', `${pid}${fd}`);
    }
  }
  pretend(host);
  // the pretended folders are slow, the real ones are not
  const folders = new Map<string, readonly string[] | undefined>();
  const { list } = proc;
  replace(proc, 'list', (folder) => folders.get(folder) ?? folders.set(folder, list(folder)).get(folder));
  assert.equal(inspect().rings.length, 2500);
  const begin = performance.now();
  inspect();
  assert.ok(performance.now() - begin < 1000);
});
