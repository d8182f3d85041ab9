/** The rings of this host: those of the tests, and of processes that the tests start. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { proc } from '../../lib/host/proc.ts';
import { type HostRing, type InspectOptions, inspect } from '../../lib/host.ts';
import { alloc, type Ring } from '../../lib/index.ts';
import { enter, mapQueues, nextSqe, nop, type Queues, setup } from '../../lib/raw.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { constants } from '../../structs/flags.ts';
import { needs } from '../helpers/needs.ts';
import { holder, running } from '../helpers/processes.ts';
import { refuses, wrong } from '../helpers/raw-ring.ts';
import { complete, ringTest, type Scope, until } from '../helpers/rings.ts';

const { IORING_SETUP_CQE32, IORING_SETUP_CQSIZE, IORING_SETUP_SQPOLL } = constants;
const POLLIN = 1;

/** Queues are told since 5.16; opcodes of 5.18 are asked for in its place. */
const QUEUES = needs('REGISTER_RING_FDS');

/** Rings of this process. */
function ringsOf(options: InspectOptions = {}): readonly HostRing[] {
  return inspect({ ...options, pid: process.pid }).rings;
}

function ringOf(fd: number): HostRing {
  const ring = ringsOf().find((each) => each.fd === fd);
  assert.ok(ring, `fd ${fd} is not seen`);
  return ring;
}

/** A ring of 4 entries and 8 completions without the help of a Ring. */
function rawRing(scope: Scope, flags = 0): { readonly fd: number; readonly queues: Queues } {
  const { fd, params } = setup(4, { flags: flags | IORING_SETUP_CQSIZE, cqEntries: 8 });
  const queues = mapQueues(scope.fd(fd), params);
  scope.defer(() => queues.unmap());
  return { fd, queues };
}

// ---- this process ---------------------------------------------------------------------------------------------------

test('wrong options are named before anything is looked at', () => {
  refuses('options', () => inspect(wrong(3)));
  refuses('options.pids', () => inspect(wrong({ pids: 1 })));
  for (const pid of [0, -1, 1.5, 2 ** 31, '1', Number.NaN, null]) {
    refuses('options.pid', () => inspect(wrong({ pid })));
  }
  refuses('options.maps', () => inspect(wrong({ maps: 1 })));
});

ringTest(
  'a ring appears with its process, its user and its size, and goes when it is closed',
  QUEUES,
  (scope) => {
    const ring = scope.ring(8);
    const { pid, uid, source, busy, sq, cq, sharedWith, comm } = ringOf(ring.fd);
    assert.deepEqual([pid, uid, source, busy], [process.pid, process.geteuid?.(), 'fd', false]);
    assert.equal(comm, readFileSync('/proc/self/comm', 'utf8').slice(0, -1));
    assert.deepEqual([sq?.entries, cq?.entries, sharedWith], [8, 16, []]);
    const all = inspect();
    assert.ok([...all].some((each) => each.pid === pid && each.fd === ring.fd));
    const order = all.rings.map((each) => each.pid);
    assert.deepEqual(
      order,
      [...order].sort((a, b) => a - b),
    );
    const { fd } = ring;
    ring.close();
    assert.deepEqual(
      ringsOf().filter((each) => each.fd === fd),
      [],
    );
  },
);

test('a process without rings, and one that does not exist, have none', () => {
  assert.deepEqual(inspect({ pid: 0x7fff_ffff }).rings, []);
  assert.deepEqual(ringsOf(), []);
});

ringTest('completions that wait, and those that found the queue full', QUEUES, (scope) => {
  const { fd, queues } = rawRing(scope);
  for (let i = 0; i < 14; i++) {
    nop(nextSqe(queues)).userData = 100 + i;
    queues.publish();
    enter(fd, { toSubmit: 1 });
  }
  const { cq, cqes, overflow } = ringOf(fd);
  assert.deepEqual([cq?.entries, cq?.pending], [8, 8]);
  assert.deepEqual(
    cqes.map(({ userData }) => userData),
    [100n, 101n, 102n, 103n, 104n, 105n, 106n, 107n],
  );
  assert.deepEqual(
    overflow.map(({ userData, res }) => [userData, res]),
    [108n, 109n, 110n, 111n, 112n, 113n].map((each) => [each, 0]),
  );
});

ringTest('entries that the kernel has not consumed', QUEUES, (scope) => {
  const { fd, queues } = rawRing(scope);
  nop(nextSqe(queues)).userData = 7;
  nop(nextSqe(queues)).userData = 2 ** 53 - 1;
  queues.publish();
  const { sq, sqes } = ringOf(fd);
  assert.equal(sq?.pending, 2);
  assert.deepEqual(
    sqes.map(({ index, userData }) => [index, userData]),
    [
      [0, 7n],
      [1, 2n ** 53n - 1n],
    ],
  );
  // before 6.0 its number
  assert.equal(sqes[0]?.op, 'OP_NOP');
});

ringTest('both halves of a big completion', QUEUES, (scope) => {
  const { fd, queues } = rawRing(scope, IORING_SETUP_CQE32);
  for (const userData of [5, 6]) nop(nextSqe(queues)).userData = userData;
  queues.publish();
  enter(fd, { toSubmit: 2 });
  const { cq, cqes } = ringOf(fd);
  assert.equal(cq?.pending, 2);
  assert.deepEqual(cqes[0], { index: 0, userData: 5n, res: 0, flags: 0, big: [0n, 0n] });
});

ringTest('polls that wait', {}, (scope) => {
  const ring = scope.ring();
  const { reader } = scope.pipe();
  for (const userData of [1, 2]) ring.prepare.pollAdd(reader, POLLIN, { userData });
  ring.submit();
  assert.deepEqual(
    ringOf(ring.fd).pollList.map(({ op }) => op),
    ['OP_POLL_ADD', 'OP_POLL_ADD'],
  );
});

ringTest('registered files and buffers', needs('REGISTER_BUFFERS2'), (scope) => {
  const ring = scope.ring();
  const name = 'a file';
  const path = join(scope.folder(), name);
  writeFileSync(path, '');
  const [small, large] = [alloc(4096), alloc(65_536)];
  ring.registerFiles([scope.fd(openSync('/dev/null', 'r')), -1, scope.fd(openSync(path, 'r'))]);
  ring.registerBuffers([small, large, null]);
  const { files, userFiles, buffers, userBufs } = ringOf(ring.fd);
  assert.deepEqual(files, { used: 2, slots: 3 });
  // before 6.13 the name alone
  assert.deepEqual(
    userFiles.map(({ slot, path }) => [slot, path.split('/').at(-1)]),
    [
      [0, 'null'],
      [2, name],
    ],
  );
  assert.deepEqual(buffers, { used: 2, slots: 3, bytes: 69_632 });
  assert.deepEqual(
    userBufs.map(({ slot, bytes }) => [slot, bytes]),
    [
      [0, 4096],
      [1, 65_536],
    ],
  );
});

ringTest('busy polling', needs('REGISTER_NAPI', 'REGISTER_SEND_MSG_RING'), (scope) => {
  const ring = scope.ring();
  assert.equal(ringOf(ring.fd).napi?.mode, 'off');
  ring.enableNapi({ busyPollUs: 50, prefer: true });
  assert.deepEqual(ringOf(ring.fd).napi, { mode: 'dynamic', busyPollUs: 50, prefer: true });
});

/** A ring with a submission thread that has had its first turn: before it has neither its name nor its number. */
function polledRing(scope: Scope): Ring {
  const ring = scope.ring(8, { sqPoll: true });
  ring.prepare.nop();
  complete(ring, 1);
  return ring;
}

ringTest('a submission thread: a thread of the process, and of its ring', QUEUES, (scope) => {
  const { sqPoll, threads } = ringOf(polledRing(scope).fd);
  assert.ok(sqPoll);
  assert.equal(threads.find(({ tid }) => tid === sqPoll.tid)?.kind, 'sqpoll');
  assert.equal(ringOf(scope.ring().fd).sqPoll, undefined);
});

// ---- threads --------------------------------------------------------------------------------------------------------

/** Starts a worker by a read that blocks. */
async function startWorker(scope: Scope, ring: Ring): Promise<number> {
  const { reader } = scope.pipe();
  ring.prepare.read(reader, new Uint8Array(1), { async: true });
  ring.submit();
  // it gives itself its name when it begins
  await until('a worker', () => ringOf(ring.fd).workers.some(({ owner }) => owner !== undefined));
  return ring.fd;
}

ringTest('what a thread calls itself neither makes it a worker nor hides one', {}, async (scope) => {
  const fd = await startWorker(scope, scope.ring());
  const [worker] = ringOf(fd).workers;
  assert.ok(worker);
  const rename = (tid: number, name: string): void => {
    const path = `/proc/self/task/${tid}/comm`;
    const old = readFileSync(path, 'utf8').trimEnd();
    writeFileSync(path, name);
    scope.defer(() => writeFileSync(path, old));
  };
  rename(process.pid, 'iou-wrk-1');
  rename(worker.tid, 'nobody) S 1\n');
  const { threads, workers } = ringOf(fd);
  assert.ok(!threads.some(({ tid }) => tid === process.pid));
  const renamed = workers.find(({ tid }) => tid === worker.tid);
  assert.deepEqual([renamed?.comm, renamed?.owner], ['nobody) S 1\n', undefined]);
});

ringTest('workers count for the rings that they serve', {}, async (scope) => {
  const plain = await startWorker(scope, scope.ring());
  const polled = await startWorker(scope, polledRing(scope));
  const rings = ringsOf();
  const [first, second] = [plain, polled].map((fd) => rings.find((each) => each.fd === fd));
  assert.ok(first && second?.sqPoll);
  assert.ok(second.workers.length > 0);
  assert.ok(second.workers.every(({ owner }) => owner === second.sqPoll?.tid));
  assert.ok(first.workers.every(({ owner }) => owner !== second.sqPoll?.tid));
  const workers = first.threads.filter(({ kind }) => kind === 'worker');
  assert.equal(first.workers.length + second.workers.length, workers.length);
});

// ---- other processes ------------------------------------------------------------------------------------------------

/** Before 5.16 rings have no inode of their own. */
const INODES = QUEUES;

ringTest(
  'a ring that another process has too is one ring: same inode, each names the other',
  INODES,
  async (scope) => {
    const ring = scope.ring();
    const pid = await holder(scope, [ring.fd, ring.fd]);
    const theirs = inspect().rings.filter((each) => each.pid === pid);
    assert.deepEqual(
      theirs.map(({ comm, fd, sharedWith }) => [comm, fd, sharedWith]),
      [
        ['sleep', 3, [process.pid]],
        ['sleep', 4, [process.pid]],
      ],
    );
    const ours = inspect().rings.find((each) => each.pid === process.pid && each.fd === ring.fd);
    assert.deepEqual(ours?.sharedWith, [pid]);
    assert.ok(ours.ino !== undefined && theirs.every(({ ino }) => ino === ours.ino));
  },
);

/** Makes folders deeper than a path can be long, and holds a file in them. */
const DEEP = `
  const name = 'a'.repeat(250);
  for (let i = 0; i < 20; i++) { fs.mkdirSync(name); process.chdir(name); }
  fs.openSync('file', 'w');
  console.log('ready');
  setInterval(() => {}, 1000);`;

ringTest('a file whose path is longer than a page does not hide the rings beside it', {}, async (scope) => {
  const ring = scope.ring();
  const cwd = scope.folder();
  // Node.js has no way to remove such a path
  scope.defer(() => execFileSync('rm', ['-rf', join(cwd, 'a'.repeat(250))]));
  await running([process.execPath, '-e', DEEP], { cwd, fds: [ring.fd] }, (pid) => {
    const links = readdirSync(`/proc/${pid}/fd`).map((fd) => proc.link(`/proc/${pid}/fd/${fd}`));
    assert.ok(links.includes(undefined), 'such a link can not be read');
    assert.deepEqual(
      inspect({ pid }).rings.map(({ fd }) => fd),
      [3],
    );
  });
});

ringTest('a ring whose fd is closed is found by its map', INODES, (scope) => {
  const { fd, params } = setup(4);
  const queues = mapQueues(fd, params);
  scope.defer(() => queues.unmap());
  const { ino } = ringOf(fd);
  sys.close(fd);
  const [ring, ...others] = ringsOf({ maps: true });
  assert.deepEqual(others, []);
  assert.deepEqual([ring?.source, ring?.fd, ring?.ino, ring?.busy], ['maps', undefined, ino, false]);
  assert.deepEqual(ring?.files, { used: undefined, slots: undefined });
});

ringTest('it is found without being asked for where it has a thread', INODES, (scope) => {
  const { fd, params } = setup(4, { flags: IORING_SETUP_SQPOLL });
  const queues = mapQueues(fd, params);
  scope.defer(() => queues.unmap());
  const { ino } = ringOf(fd);
  sys.close(fd);
  assert.deepEqual(
    ringsOf().map((ring) => [ring.source, ring.ino]),
    [['maps', ino]],
  );
});

/** Makes a ring in a second thread, when the first one has ended: then /proc/PID has no files. */
const HEADLESS = `
  #include <pthread.h>
  #include <stdio.h>
  #include <sys/syscall.h>
  #include <unistd.h>
  static void *hold(void *first) {
    char params[120] = {0};
    pthread_join(*(pthread_t *)first, 0);
    printf("%ld\\n", syscall(SYS_io_uring_setup, 4, params));
    fflush(stdout);
    for (;;) pause();
  }
  int main(void) {
    static pthread_t first, second;
    first = pthread_self();
    pthread_create(&second, 0, hold, &first);
    pthread_exit(0);
  }`;
const COMPILER = spawnSync('cc', ['--version']).status === 0 ? {} : { skip: 'needs a C compiler' };

ringTest('a process whose first thread has ended does not hide its rings', COMPILER, async (scope) => {
  const program = join(scope.folder(), 'headless');
  execFileSync('cc', ['-x', 'c', '-o', program, '-', '-lpthread'], { input: HEADLESS });
  await running([program], {}, (pid, line) => {
    assert.match(readFileSync(`/proc/${pid}/stat`, 'utf8'), /\) Z /);
    assert.deepEqual(
      inspect({ pid }).rings.map(({ pid, fd, comm }) => [pid, fd, comm]),
      [[pid, Number(line), 'headless']],
    );
  });
});
